/* SPDX-License-Identifier: Apache-2.0
 * thread.h - threads, ranked locks and a bounded queue.
 *
 * A lock has a rank; a thread may take a lock only while every lock it holds has a lower rank.  Debug builds (no NDEBUG)
 * assert this, so that a dead-lock is found by the first run of a code path and not by the first unlucky one.
 * No lock is held across input or output.
 */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum lock_rank { RANK_CHANGE = 1, RANK_CACHE, RANK_ENGINE, RANK_LIVE, RANK_SPOOL, RANK_POOL, RANK_QUEUE, RANK_LEAF };

struct lock {
	pthread_mutex_t mutex;
	enum lock_rank rank;
};

#define LOCK_INIT(r) { PTHREAD_MUTEX_INITIALIZER, (r) }
void lock_init(struct lock *, enum lock_rank);
void lock_fini(struct lock *);
void lock_take(struct lock *);
void lock_drop(struct lock *);
/* The condition must have been made by cond_init (monotonic clock).  False: `us` ran out (us < 0 waits for ever). */
void cond_init(pthread_cond_t *);
bool lock_wait(struct lock *, pthread_cond_t *, int64_t us);

/* Start a named thread (name under 16 bytes) with all signals blocked; false when the system refuses. */
bool thread_start(pthread_t *, const char *name, void *(*run)(void *), void *arg);

/* A bounded queue of pointers, many producers and consumers. */
struct queue;
struct queue *queue_new(size_t capacity);
void queue_free(struct queue *);			/* items left in it are the caller's */
bool queue_put(struct queue *, void *item, int64_t us);	/* us = 0: never waits; false when full or closed */
void *queue_get(struct queue *, int64_t us);		/* NULL: nothing came in `us` (< 0: for ever), or closed and empty */
void queue_close(struct queue *);			/* puts fail, gets drain, then return NULL at once */
bool queue_closed(struct queue *);
size_t queue_length(struct queue *);

#endif
