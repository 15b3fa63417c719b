/* SPDX-License-Identifier: Apache-2.0
 * standalone.h - a private PostgreSQL cluster and MQTT broker in one data directory, started, watched and stopped by this process.
 *
 *   DIR/lock      held (flock) while a server uses DIR; holds its process id
 *   DIR/endpoints.json   what the server announces; that of a killed one is removed as soon as DIR is locked
 *   DIR/pg        the cluster              DIR/pg-run   the directory of its socket (nobody else may enter)
 *   DIR/broker    mosquitto.conf, its store, the port it was given once
 *   DIR/log       what both say
 *
 * Both run as the invoking user; when that is root, as the owner of DIR, else as `postgres`, else as `nobody`.  When this user cannot
 * reach DIR (a directory below /root), DIR/private becomes a link to a directory below /var/lib/twinshell that takes the place of DIR for
 * the four.  When the path of the socket would be too long or has a comma, it lies in $XDG_RUNTIME_DIR or /tmp under a name made from DIR.
 *
 * The database listens on its socket only, and only the owner of the socket directory and root can reach it; there is no password.
 * The broker listens on a loopback port and asks nobody for credentials.
 *
 * One thread per child keeps it running.  Functions are for one thread at a time.
 */
#ifndef SERVER_STANDALONE_H
#define SERVER_STANDALONE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/diag.h"

struct standalone;

struct standalone_config {
	const char *dir;		/* made when missing */
	bool with_database, with_broker;	/* neither: only the lock is taken */
	const char *pg_bindir;		/* NULL: the version of the cluster, else the newest, of those that are installed */
	const char *mosquitto;		/* the program; NULL: found */
	const char *log;		/* directory of their logs; NULL: DIR/log */
	bool (*interrupted)(void);	/* asked while waiting for them: true gives up (a recovery may take minutes); NULL: never */
};

/* Returns when both answer.  ERR_CONFLICT: another server uses DIR; ERR_UNAVAILABLE: a program is missing or does not come up;
 * ERR_TIMEOUT: interrupted; ERR_IO, ERR_FORBIDDEN: the directory.  On error *out is NULL and nothing runs. */
enum err standalone_start(const struct standalone_config *, struct standalone **out, struct diag *);

/* The real path of DIR. */
const char *standalone_dir(const struct standalone *);
/* For libpq and psql, role and database `twinshell` (a superuser of the private cluster); NULL without database. */
const char *standalone_conninfo(const struct standalone *);
/* "tcp://127.0.0.1:PORT"; NULL without broker. */
const char *standalone_broker_uri(const struct standalone *);
/* 0 while it is not running. */
pid_t standalone_database_pid(const struct standalone *);
pid_t standalone_broker_pid(const struct standalone *);

/* Both end cleanly (what they keep is written), then DIR is free for the next.  NULL is allowed. */
void standalone_stop(struct standalone *);

#endif
