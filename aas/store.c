/* SPDX-License-Identifier: Apache-2.0 */
#include "aas/store.h"

#include "base/thread.h"

const char *quality_name(enum quality q)
{
	static const char *const names[] = { "good", "uncertain", "simulated", "stale", "bad" };
	return (unsigned)q < sizeof names / sizeof *names ? names[q] : "bad";
}

/* -- a write that somebody waits for ------------------------------------------------------------------------------------------------- */
struct waiter {
	struct lock lock;
	pthread_cond_t done;
	bool is_done;
};

static void wake(struct store_write *w)
{
	struct waiter *waiter = w->ctx;
	lock_take(&waiter->lock);
	waiter->is_done = true;
	pthread_cond_signal(&waiter->done);
	lock_drop(&waiter->lock);
}

enum err store_write_wait(struct store *s, struct store_write *w)
{
	struct waiter waiter = { .is_done = false };
	lock_init(&waiter.lock, RANK_LEAF);
	cond_init(&waiter.done);
	w->done = wake;
	w->ctx = &waiter;
	s->ops->write_values(s, w);
	lock_take(&waiter.lock);
	while (!waiter.is_done)
		lock_wait(&waiter.lock, &waiter.done, -1);
	lock_drop(&waiter.lock);
	pthread_cond_destroy(&waiter.done);
	lock_fini(&waiter.lock);
	return w->err;
}
