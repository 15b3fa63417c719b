/* SPDX-License-Identifier: Apache-2.0
 * store_pg_reader.c - documents that nobody waits for: those that are asked for during one round trip share the next one.
 *
 * A thread per request, with a transaction around one SELECT, costs two round trips and four switches of threads for each document; this costs a
 * part of one.  Two threads take turns, so that the database reads for the one while the other hands out what it has got.  What cannot be answered here (the connection is lost, twice) is answered with its error, and may be asked for in a transaction.
 */
#include <stdlib.h>

#include "base/thread.h"
#include "sql/store_pg_priv.h"

#define BATCH 32		/* documents of one round trip */
#define LINES 2

/* One thread and what is its own. */
struct line {
	struct pg_reader *reader;
	pthread_t thread;
	struct pg *pg;
	struct store_read *batch[BATCH];
	struct pg_args args[BATCH];
	struct pg_call call[BATCH];
};

struct pg_reader {
	char *conninfo;
	struct line line[LINES];
	unsigned n_lines;
	/* under the lock */
	struct lock lock;
	pthread_cond_t filled;
	struct store_read *first, **tail;
	bool stopping;
};

static enum err ask(struct line *l, struct store_read *const *batch, unsigned n, bool whole)
{
	enum err e = ERR_OK;
	if (!l->pg || !pg_alive(l->pg)) {
		pg_close(l->pg);
		e = pg_open(l->reader->conninfo, &l->pg, NULL);
	}
	for (unsigned i = 0; i < n; i++) {
		pg_args_init(&l->args[i]);
		pg_arg_text(&l->args[i], batch[i]->id);
		l->call[i] = (struct pg_call){ .st = whole ? pg_kinds[batch[i]->kind].get : pg_kinds[batch[i]->kind].plain, .args = &l->args[i] };
	}
	if (!e && pg_pooled())		/* settings are those of a transaction there */
		e = pg_begin(l->pg, PG_READ);
	if (!e)
		e = pg_run(l->pg, l->call, n);
	if (l->pg)
		pg_rollback(l->pg);
	for (unsigned i = 0; i < n; i++)
		pg_args_fini(&l->args[i]);
	return e;
}

/* `whole`: with what is newer than the document. */
static enum err read_batch(struct line *l, struct store_read *const *batch, unsigned n, bool whole)
{
	enum err e = ask(l, batch, n, whole);
	if (e == ERR_AGAIN) {
		pg_clear(l->call, n);
		e = ask(l, batch, n, whole);
	}
	return e;
}

static void answer(struct store_read *q, const struct pg_call *c, enum err e)
{
	q->err = e ? e : !c->n ? ERR_NOT_FOUND : store_pg_document(c, 0, q->kind, q->arena, &q->doc);
	q->done(q);
}

static void read_one(struct line *l, struct store_read *q)
{
	enum err e = read_batch(l, &q, 1, true);
	answer(q, &l->call[0], e);
	pg_clear(l->call, 1);
}

/* What cannot be asked for (an id that is not Unicode) must not take the others with it, and what is behind is asked for with its values. */
static void read_all(struct line *l, unsigned n)
{
	enum { BEHIND = 5 };
	unsigned n_again = 0;
	enum err e = read_batch(l, l->batch, n, false);
	bool somebodys = e && n > 1 && l->pg && pg_alive(l->pg);
	for (unsigned i = 0; i < n; i++) {
		if (somebodys || (!e && l->call[i].n && pg_bool(&l->call[i], 0, BEHIND)))
			l->batch[n_again++] = l->batch[i];
		else
			answer(l->batch[i], &l->call[i], e);
	}
	pg_clear(l->call, n);
	for (unsigned i = 0; i < n_again; i++)
		read_one(l, l->batch[i]);
}

static void *reader_run(void *arg)
{
	struct line *l = arg;
	struct pg_reader *r = l->reader;
	lock_take(&r->lock);
	for (;;) {
		unsigned n = 0;
		while (!r->first && !r->stopping)
			lock_wait(&r->lock, &r->filled, -1);
		for (; r->first && n < BATCH; r->first = r->first->next)
			l->batch[n++] = r->first;
		if (!r->first)
			r->tail = &r->first;
		if (!n)
			break;
		lock_drop(&r->lock);
		read_all(l, n);
		lock_take(&r->lock);
	}
	lock_drop(&r->lock);
	return NULL;
}

void store_pg_read(struct store *s, struct store_read *q)
{
	struct pg_reader *r = ((struct pg_store *)s)->reader;
	q->next = NULL;
	lock_take(&r->lock);
	bool first = !r->first;
	*r->tail = q;
	r->tail = &q->next;
	if (first)
		pthread_cond_signal(&r->filled);
	lock_drop(&r->lock);
}

static void stop_lines(struct pg_reader *r)
{
	lock_take(&r->lock);
	r->stopping = true;
	pthread_cond_broadcast(&r->filled);
	lock_drop(&r->lock);
	for (unsigned i = 0; i < r->n_lines; i++) {
		pthread_join(r->line[i].thread, NULL);
		pg_close(r->line[i].pg);
	}
	pthread_cond_destroy(&r->filled);
	lock_fini(&r->lock);
	free(r->conninfo);
	free(r);
}

enum err store_pg_reader_start(struct pg_store *s, const char *conninfo)
{
	struct pg_reader *r = calloc(1, sizeof *r);
	if (!r || !(r->conninfo = strdup(conninfo))) {
		free(r);
		return ERR_NO_MEMORY;
	}
	r->tail = &r->first;
	lock_init(&r->lock, RANK_QUEUE);
	cond_init(&r->filled);
	for (; r->n_lines < LINES; r->n_lines++) {
		struct line *l = &r->line[r->n_lines];
		l->reader = r;
		if (!thread_start(&l->thread, "reader", reader_run, l)) {
			stop_lines(r);
			return ERR_NO_MEMORY;
		}
	}
	s->reader = r;
	return ERR_OK;
}

void store_pg_reader_stop(struct pg_reader *r)
{
	if (r)
		stop_lines(r);
}
