/* SPDX-License-Identifier: Apache-2.0
 * standalone_priv.h - what standalone.c, standalone_pg.c and standalone_broker.c share.
 */
#ifndef SERVER_STANDALONE_PRIV_H
#define SERVER_STANDALONE_PRIV_H

#include <limits.h>

#include "server/child.h"
#include "server/standalone.h"

#define STANDALONE_PATH 1024

struct standalone_pg {
	char bindir[STANDALONE_PATH], postgres[STANDALONE_PATH + 16], data[STANDALONE_PATH], run[STANDALONE_PATH], log[STANDALONE_PATH];
	char conninfo[2 * STANDALONE_PATH];
	const char *argv[8];
	struct child_spec spec;
	struct child *child;
	int major;		/* version of the cluster */
};

struct standalone_broker {
	char program[STANDALONE_PATH], dir[STANDALONE_PATH], conf[STANDALONE_PATH], log[STANDALONE_PATH], uri[64];
	const char *argv[4];
	struct child_spec spec;
	struct child *child;
	_Atomic int port;	/* the broker's thread may choose another one until it is announced */
	_Atomic bool announced;
};

struct standalone {
	char dir[STANDALONE_PATH];	/* real path */
	char home[STANDALONE_PATH];	/* dir, or where the service user can go */
	char logs[STANDALONE_PATH];
	int lock;			/* descriptor that holds the lock */
	bool (*interrupted)(void);
	struct child_user user;
	struct standalone_pg pg;
	struct standalone_broker broker;
};

/* Join two parts of a path; false when it is too long. */
bool standalone_path(char out[STANDALONE_PATH], const char *dir, const char *name);
/* Makes `path` a directory of the service user with this mode, or checks that it is one. */
enum err standalone_mkdir(struct standalone *, const char *path, unsigned mode, struct diag *);
/* FNV-1a: a name made from it must be the same in every process. */
uint64_t standalone_hash(const char *text);

enum err standalone_pg_start(struct standalone *, const char *bindir, struct diag *);
enum err standalone_pg_ready(struct standalone *, struct diag *);
void standalone_pg_stop(struct standalone *);
enum err standalone_broker_start(struct standalone *, const char *program, struct diag *);
enum err standalone_broker_ready(struct standalone *, struct diag *);
void standalone_broker_stop(struct standalone *);

#endif
