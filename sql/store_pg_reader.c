/* SPDX-License-Identifier: Apache-2.0
 * store_pg_reader.c - documents that nobody waits for: those that are asked for during one round trip share the next one.
 *
 * A thread per request, with a transaction around one SELECT, costs two round trips and four switches of threads for each document; this costs a
 * part of one.  What cannot be answered here (the connection is lost, twice) is answered with its error, and may be asked for in a transaction.
 *
 * Many are rows of one statement, which is begun once and has what is newer than a document beside it.  To prepare for that costs more than
 * the documents of a few: they are asked for without, and then once more those that are behind.
 */
#include "base/thread.h"
#include "sql/store_pg_priv.h"

#define BATCH 32		/* documents of one round trip */
#define FEW 8			/* so many are worth a statement for all of them */

/* What is asked for of one kind, by one statement. */
struct some {
	struct store_read *read[BATCH];		/* those that have no answer yet, in the places of their ids */
	unsigned n;
	struct pg_args args;
};

struct pg_reader {
	struct pg_worker worker;
	struct some some[STORE_N_KINDS];	/* the thread's own */
	struct pg_call call[STORE_N_KINDS];
	struct store_read *first, **tail;	/* under the lock */
};

static bool connected(const struct pg_reader *r)
{
	return r->worker.pg && pg_alive(r->worker.pg);
}

static enum err run_once(struct pg_reader *r, struct pg_call *call, unsigned n)
{
	enum err e = ERR_OK;
	if (!connected(r)) {
		pg_close(r->worker.pg);
		e = pg_open(r->worker.store->conninfo, &r->worker.pg, NULL);
	}
	if (!e && pg_pooled())		/* settings are those of a transaction there */
		e = pg_begin(r->worker.pg, PG_READ);
	if (!e)
		e = pg_run(r->worker.pg, call, n);
	if (r->worker.pg)
		pg_rollback(r->worker.pg);
	return e;
}

static enum err run(struct pg_reader *r, struct pg_call *call, unsigned n)
{
	enum err e = run_once(r, call, n);
	if (e == ERR_AGAIN) {
		pg_clear(call, n);
		e = run_once(r, call, n);
	}
	return e;
}

static void answer(struct store_read *q, enum err e)
{
	q->err = e;
	q->done(q);
}

/* Each by its own statement, without what is newer.  Those that have no answer then are the first of the list; their number. */
static unsigned read_few(struct pg_reader *r, struct store_read **list, unsigned n)
{
	enum { BEHIND = 5 };
	struct pg_args args[FEW];
	struct pg_call call[FEW];
	unsigned left = 0;
	for (unsigned i = 0; i < n; i++) {
		pg_args_init(&args[i]);
		pg_arg_text(&args[i], list[i]->id);
		call[i] = (struct pg_call){ .st = pg_kinds[list[i]->kind].plain, .args = &args[i] };
	}
	enum err e = run(r, call, n);
	for (unsigned i = 0; i < n; i++) {
		struct store_read *q = list[i];
		if (e ? n > 1 && connected(r) : call[i].n && pg_bool(&call[i], 0, BEHIND))
			list[left++] = q;
		else
			answer(q, e ? e : !call[i].n ? ERR_NOT_FOUND : store_pg_document(&call[i], 0, q->kind, q->arena, &q->doc));
		pg_args_fini(&args[i]);
	}
	pg_clear(call, n);
	return left;
}

/* A call for each kind that is asked for; their number. */
static unsigned write_calls(struct pg_reader *r, struct store_read *const *list, unsigned n)
{
	unsigned calls = 0;
	for (int kind = 0; kind < STORE_N_KINDS; kind++)
		r->some[kind].n = 0;
	for (unsigned i = 0; i < n; i++) {
		struct some *s = &r->some[list[i]->kind];
		s->read[s->n++] = list[i];
	}
	for (int kind = 0; kind < STORE_N_KINDS; kind++) {
		struct some *s = &r->some[kind];
		if (!s->n)
			continue;
		pg_args_init(&s->args);
		struct buf *ids = pg_arg_array(&s->args, PG_TEXT);
		for (unsigned i = 0; i < s->n; i++)
			pg_item_text(ids, s->read[i]->id);
		r->call[calls++] = (struct pg_call){ .st = pg_kinds[kind].gets, .args = &s->args };
	}
	return calls;
}

static void answer_some(struct some *s, const struct pg_call *c)
{
	enum { PLACE = 5 };
	for (int row = 0; row < c->n; row++) {
		struct store_read **at = &s->read[pg_int8(c, row, PLACE) - 1], *q = *at;
		*at = NULL;
		answer(q, store_pg_document(c, row, q->kind, q->arena, &q->doc));
	}
	for (unsigned i = 0; i < s->n; i++)
		if (s->read[i])
			answer(s->read[i], ERR_NOT_FOUND);
}

static enum err read_some(struct pg_reader *r, struct store_read *const *list, unsigned n)
{
	unsigned calls = write_calls(r, list, n), k = 0;
	enum err e = run(r, r->call, calls);
	for (int kind = 0; kind < STORE_N_KINDS; kind++) {
		struct some *s = &r->some[kind];
		if (!s->n)
			continue;
		if (!e)
			answer_some(s, &r->call[k++]);
		pg_args_fini(&s->args);
	}
	pg_clear(r->call, calls);
	return e;
}

/* What cannot be asked for (an id that is not Unicode) must not take the others with it. */
static void read_list(struct pg_reader *r, struct store_read **list, unsigned n)
{
	if (n < FEW)
		n = read_few(r, list, n);
	enum err e = n ? read_some(r, list, n) : ERR_OK;
	bool somebodys = n > 1 && connected(r);
	for (unsigned i = 0; e && i < n; i++) {
		if (somebodys)
			read_list(r, &list[i], 1);
		else
			answer(list[i], e);
	}
}

static void *reader_run(void *arg)
{
	struct pg_reader *r = arg;
	struct store_read *list[BATCH];
	lock_take(&r->worker.lock);
	for (;;) {
		unsigned n = 0;
		while (!r->first && !r->worker.stopping)
			lock_wait(&r->worker.lock, &r->worker.wake, -1);
		for (; r->first && n < BATCH; r->first = r->first->next)
			list[n++] = r->first;
		if (!r->first)
			r->tail = &r->first;
		if (!n)
			break;
		lock_drop(&r->worker.lock);
		read_list(r, list, n);
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
