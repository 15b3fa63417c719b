/* SPDX-License-Identifier: Apache-2.0
 * store_pg_reader.c - documents that nobody waits for: those that are asked for during one round trip share the next one.
 *
 * A thread per request, with a transaction around one SELECT, costs two round trips and four switches of threads for each document; this costs a
 * part of one.  What cannot be answered here (the connection is lost, twice) is answered with its error, and may be asked for in a transaction.
 */
#include "base/thread.h"
#include "sql/store_pg_priv.h"

#define BATCH 32		/* documents of one round trip */

struct pg_reader {
	struct pg_worker worker;
	struct store_read *batch[BATCH];	/* the thread's own */
	struct pg_args args[BATCH];
	struct pg_call call[BATCH];
	struct store_read *first, **tail;	/* under the lock */
};

static enum err ask(struct pg_reader *r, struct store_read *const *batch, unsigned n, bool whole)
{
	enum err e = ERR_OK;
	if (!r->worker.pg || !pg_alive(r->worker.pg)) {
		pg_close(r->worker.pg);
		e = pg_open(r->worker.store->conninfo, &r->worker.pg, NULL);
	}
	for (unsigned i = 0; i < n; i++) {
		pg_args_init(&r->args[i]);
		pg_arg_text(&r->args[i], batch[i]->id);
		r->call[i] = (struct pg_call){ .st = whole ? pg_kinds[batch[i]->kind].get : pg_kinds[batch[i]->kind].plain, .args = &r->args[i] };
	}
	if (!e && pg_pooled())		/* settings are those of a transaction there */
		e = pg_begin(r->worker.pg, PG_READ);
	if (!e)
		e = pg_run(r->worker.pg, r->call, n);
	if (r->worker.pg)
		pg_rollback(r->worker.pg);
	for (unsigned i = 0; i < n; i++)
		pg_args_fini(&r->args[i]);
	return e;
}

/* `whole`: with what is newer than the document. */
static enum err read_batch(struct pg_reader *r, struct store_read *const *batch, unsigned n, bool whole)
{
	enum err e = ask(r, batch, n, whole);
	if (e == ERR_AGAIN) {
		pg_clear(r->call, n);
		e = ask(r, batch, n, whole);
	}
	return e;
}

static void answer(struct store_read *q, const struct pg_call *c, enum err e)
{
	q->err = e ? e : !c->n ? ERR_NOT_FOUND : store_pg_document(c, 0, q->kind, q->arena, &q->doc);
	q->done(q);
}

static void read_one(struct pg_reader *r, struct store_read *q)
{
	enum err e = read_batch(r, &q, 1, true);
	answer(q, &r->call[0], e);
	pg_clear(r->call, 1);
}

/* What cannot be asked for (an id that is not Unicode) must not take the others with it, and what is behind is asked for with its values. */
static void read_all(struct pg_reader *r, unsigned n)
{
	enum { BEHIND = 5 };
	unsigned n_again = 0;
	enum err e = read_batch(r, r->batch, n, false);
	bool somebodys = e && n > 1 && r->worker.pg && pg_alive(r->worker.pg);
	for (unsigned i = 0; i < n; i++) {
		if (somebodys || (!e && r->call[i].n && pg_bool(&r->call[i], 0, BEHIND)))
			r->batch[n_again++] = r->batch[i];
		else
			answer(r->batch[i], &r->call[i], e);
	}
	pg_clear(r->call, n);
	for (unsigned i = 0; i < n_again; i++)
		read_one(r, r->batch[i]);
}

static void *reader_run(void *arg)
{
	struct pg_reader *r = arg;
	lock_take(&r->worker.lock);
	for (;;) {
		unsigned n = 0;
		while (!r->first && !r->worker.stopping)
			lock_wait(&r->worker.lock, &r->worker.wake, -1);
		for (; r->first && n < BATCH; r->first = r->first->next)
			r->batch[n++] = r->first;
		if (!r->first)
			r->tail = &r->first;
		if (!n)
			break;
		lock_drop(&r->worker.lock);
		read_all(r, n);
		lock_take(&r->worker.lock);
	}
	lock_drop(&r->worker.lock);
	return NULL;
}

void store_pg_read(struct store *s, struct store_read *q)
{
	struct pg_reader *r = ((struct pg_store *)s)->reader;
	q->next = NULL;
	lock_take(&r->worker.lock);
	bool first = !r->first;
	*r->tail = q;
	r->tail = &q->next;
	if (first)
		pthread_cond_signal(&r->worker.wake);
	lock_drop(&r->worker.lock);
}

enum err store_pg_reader_start(struct pg_store *s)
{
	struct pg_reader *r = pg_worker_new(sizeof *r, s, RANK_QUEUE);
	if (r)
		r->tail = &r->first;
	return (s->reader = pg_worker_start(r, "reader", reader_run, NULL)) ? ERR_OK : ERR_NO_MEMORY;
}

void store_pg_reader_stop(struct pg_reader *r)
{
	pg_worker_stop(r, NULL, NULL);
}
