/* SPDX-License-Identifier: Apache-2.0
 * store_pg_searcher.c - searches that nobody waits for: those of one shape that come during one round trip share the next one.
 *
 * A thread for each query, with a session of its own, costs four switches (the loop wakes the thread, that wakes the session, and back): more than
 * what is done in between.  One session for all of them does one after the other, so it is for those alone that found few the last time, and
 * that are soon over: one that is not is ended, and for a while everybody asks in a session of his own again.
 */
#include "aas/query.h"
#include "base/clock.h"
#include "base/thread.h"
#include "sql/store_pg_priv.h"

#define BATCH 16	/* of one round trip */
#define REST_US (5 * US_PER_S)

struct pg_searcher {
	struct pg_worker worker;
	struct store_search *first;	/* under the lock */
	int64_t rests_until;
};

static void answer(struct store_search *q, enum err e)
{
	struct pg_found *f = q->own;
	pg_args_fini(&f->query.args);
	q->err = e;
	q->done(q);
}

static enum err run(struct pg_searcher *s, struct pg_call *call, unsigned n)
{
	if (s->worker.pg && !pg_alive(s->worker.pg)) {
		pg_close(s->worker.pg);
		s->worker.pg = NULL;
	}
	if (!s->worker.pg) {
		enum err e = store_pg_searcher_open(s->worker.store->conninfo, &s->worker.pg);
		if (e)
			return e;
	}
	return pg_run(s->worker.pg, call, n);
}

static void search(struct pg_searcher *s, struct store_search *const *list, unsigned n)
{
	struct pg_call call[BATCH];
	for (unsigned i = 0; i < n; i++) {
		struct pg_found *f = list[i]->own;
		call[i] = (struct pg_call){ .sql = f->query.bare, .keep = true, .args = &f->query.args };
	}
	enum err e = run(s, call, n);
	if (e) {
		lock_take(&s->worker.lock);
		s->rests_until = clock_mono_us() + REST_US;
		lock_drop(&s->worker.lock);
	}
	for (unsigned i = 0; i < n; i++) {
		struct pg_found *f = list[i]->own;
		answer(list[i], e ? ERR_AGAIN : store_pg_take_few(&call[i], list[i]->arena, &f->item, &f->n));
	}
	pg_clear(call, n);
}

/* The first of all, and others of the same shape behind it. */
static unsigned take(struct pg_searcher *s, struct store_search **list)
{
	unsigned n = 0;
	const char *shape = NULL;
	for (struct store_search **at = &s->first; *at && n < BATCH;) {
		struct store_search *q = *at;
		const struct pg_found *f = q->own;
		if (shape && strcmp(shape, f->query.bare)) {
			at = &q->next;
			continue;
		}
		shape = f->query.bare;
		list[n++] = q;
		*at = q->next;
	}
	return n;
}

static void *searcher_run(void *arg)
{
	struct pg_searcher *s = arg;
	struct store_search *list[BATCH];
	lock_take(&s->worker.lock);
	for (;;) {
		while (!s->first && !s->worker.stopping)
			lock_wait(&s->worker.lock, &s->worker.wake, -1);
		unsigned n = take(s, list);
		if (!n)
			break;
		lock_drop(&s->worker.lock);
		search(s, list, n);
		lock_take(&s->worker.lock);
	}
	lock_drop(&s->worker.lock);
	return NULL;
}

/* Is it worth it?  Then everything is ready to be sent. */
static bool prepare(const struct pg_store *s, struct store_search *q, struct pg_found *f)
{
	f->query = (struct pg_query){ .lead = s->query_lead, .few = s->few };
	enum err e = store_pg_query_quick(q->arena, q->kind, q->query, q->after, PG_QUERY_DOCUMENTS + 1, &f->query);
	bool ids = f->query.exact && q->query->ids_only;
	if (!e && f->query.bare && f->query.found == (ids ? PG_FIND_FEW : PG_FIND_OWNED))
		return true;
	pg_args_fini(&f->query.args);
	return false;
}

bool store_pg_search(struct store *st, struct store_search *q)
{
	struct pg_store *store = (struct pg_store *)st;
	struct pg_searcher *s = store->searcher;
	struct pg_found *f = ARENA_ARRAY(q->arena, struct pg_found, 1);
	/* Settings are those of a transaction behind a pooler, and a stand-by is asked in sessions. */
	if (!f || pg_pooled() || store->standby || store->query_ms != PG_QUERY_MS || !prepare(store, q, f))
		return false;
	q->own = f;
	q->next = NULL;
	lock_take(&s->worker.lock);
	bool rests = clock_mono_us() < s->rests_until;
	struct store_search **tail = &s->first;
	while (*tail)
		tail = &(*tail)->next;
	if (!rests)
		*tail = q;
	if (!rests && s->first == q)
		pthread_cond_signal(&s->worker.wake);
	lock_drop(&s->worker.lock);
	if (rests)
		pg_args_fini(&f->query.args);
	return !rests;
}

enum err store_pg_searcher_start(struct pg_store *s)
{
	struct pg_searcher *r = pg_worker_new(sizeof *r, s, RANK_QUEUE);
	return (s->searcher = pg_worker_start(r, "searcher", searcher_run, NULL)) ? ERR_OK : ERR_NO_MEMORY;
}

void store_pg_searcher_stop(struct pg_searcher *s)
{
	pg_worker_stop(s, NULL, NULL);
}
