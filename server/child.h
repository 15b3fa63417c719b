/* SPDX-License-Identifier: Apache-2.0
 * child.h - other programs as children: run to their end, or kept running by a thread of their own.
 *
 * A kept child is started again with a growing pause when it dies (0.2 s to 10 s, back to 0.2 s after half a minute of life).  The
 * thread that forked it waits for it, by its process id: nothing here touches SIGCHLD, and the kernel's parent-death signal, which
 * hangs on that thread, reaches the child when this process is killed.  Children live in a session of their own, so that a Ctrl-C in
 * the terminal reaches them only through child_stop.
 */
#ifndef SERVER_CHILD_H
#define SERVER_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/diag.h"

/* As whom a child runs and its files are touched. */
#define CHILD_GROUPS_MAX 64
struct child_user {
	char name[64];
	uid_t uid;
	gid_t gid;
	gid_t group[CHILD_GROUPS_MAX];
	int n_groups;
	bool other;		/* not the user of this process: switching needs root */
};

void child_user_self(struct child_user *);
bool child_user_by_id(struct child_user *, uid_t);	/* false: no such user */
bool child_user_by_name(struct child_user *, const char *name);
/* From enter to leave this thread, and only this thread, touches files with the rights of that user. */
void child_user_enter(const struct child_user *);
void child_user_leave(const struct child_user *);

struct child_spec {
	const char *name;		/* for log lines and the thread, under 16 bytes */
	const char *const *argv;	/* argv[0] is an absolute path */
	const char *cwd;
	const char *log;		/* standard output and error are appended here; moved to .1 when it grew beyond 8 MiB */
	const char *input;		/* text for standard input, NULL: none */
	const struct child_user *user;
	int stop_signal;		/* asks for a clean end; also sent by the kernel when this process dies */
	int hurry_signal;		/* asks more firmly; then comes SIGKILL */
	int64_t grace_us;		/* after the stop signal; a sixth of it after the hurry signal */
	/* Before every start of a kept child, in its thread; false: do not start it now, try again later.  May be NULL. */
	bool (*before)(void *ctx);
	void *ctx;
};

/* Run to the end.  ERR_IO with the status and the last line of the log, ERR_TIMEOUT after `us`. */
enum err child_run(const struct child_spec *, int64_t us, struct diag *);

/* Keep running.  The spec and all it points to must outlive the child.  NULL: no memory or no thread. */
struct child;
struct child *child_start(const struct child_spec *);
void child_ask(struct child *);		/* the stop signal, and no restart; returns at once */
void child_stop(struct child *);	/* child_ask, wait, insist when the grace is over; frees; NULL is allowed */
pid_t child_pid(struct child *);	/* 0 while it is not running */
unsigned child_deaths(struct child *);	/* how often it ended by itself or could not be started */

/* End what a killed predecessor left behind: every process of that name (/proc/PID/comm) with that working directory gets `sig`, and
 * SIGKILL when `us` ran out.  True when none is left. */
bool child_end_strangers(const char *name, const char *cwd, int sig, int64_t us);
/* The last line that is not empty, "" when there is none. */
void child_last_line(const char *log, char *out, size_t size);

#endif
