/* SPDX-License-Identifier: Apache-2.0
 * historian.h - takes samples and live values from the engine and commits them in batches: one thread, one store connection.
 *
 * Nothing is dropped: when the database is away the queue fills to its bound, then the engine thread waits (the spool keeps growing
 * instead).  After each commit the spool is released up to the batch's position.  The one exception: a row that the database refuses
 * while it takes others is logged and left out, since it would hold up all that follow.
 *
 * Position of a batch: samples are kept in the order of their messages, so when all that was kept is committed, everything before the
 * last mark is; and when samples remain, everything before the message of the first one.
 */
#ifndef TWIN_ENGINE_HISTORIAN_H
#define TWIN_ENGINE_HISTORIAN_H

#include "twin_engine/engine.h"
#include "twin_engine/spool.h"

struct historian;

struct historian_config {
	struct store *store;
	struct spool *spool;		/* NULL: none */
	const char *spool_name;
	int64_t interval_us;		/* longest wait before a commit; 0: 20 ms */
	size_t batch;			/* most samples in one commit; 0: 10000 */
};

struct historian *historian_new(const struct historian_config *);
void historian_free(struct historian *);	/* commits what it has, at most 5 s; NULL is allowed */
/* Nobody waits any more: what does not fit is left to the spool (no later mark counts), for the next start.  Any thread. */
void historian_stop(struct historian *);
/* One thread: the engine's.  historian_sample waits while the queue is full. */
void historian_sample(struct historian *, const struct engine_sample *);
void historian_live(struct historian *, const char *submodel_id, const char *path, const char *text, enum quality, int64_t time_us);
/* The engine has read the spool up to here without owing samples: lets the position advance over messages that bind to nothing. */
void historian_mark(struct historian *, uint64_t position);
void historian_command(struct historian *, const struct store_command *);
uint64_t historian_committed(struct historian *);	/* samples committed since start; any thread */
uint64_t historian_refused(struct historian *);		/* rows that the database did not take; any thread */

#endif
