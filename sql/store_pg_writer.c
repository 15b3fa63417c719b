/* SPDX-License-Identifier: Apache-2.0
 * store_pg_writer.c - the group commit: writes that arrive while others are written share the next batch, and batches share a flush.
 *
 * One thread with one connection takes everything that is queued and writes it as one transaction, which does not wait until it is durable
 * (synchronous_commit = off).  A second thread makes durable what was committed so far, with a transaction that does wait, on a connection of its
 * own: only then are the writes answered, and while the disk works the next batch is written.  It never waits for a row: a write to a
 * submodel that somebody has locked fails with ERR_AGAIN and holds up nobody else, so there is no dead-lock either.  Documents that are far
 * behind their rows, whoever wrote those, are folded when there is nothing else to do, and one in a while when there always is.
 *
 * A server that has died and come back has lost what was not flushed, and does not say so.  So the second connection must have been there before
 * the batch, and must still be: its generation says whether it has.  Behind a pooler that cannot be seen, and each batch waits for itself.
 * Why one writer and not two: docs/decisions/004-value-writes.md; what is measured: docs/decisions/008-durable-values.md.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "base/thread.h"
#include "sql/store_pg_priv.h"

#define BATCH_WRITES 256
#define BATCH_VALUES 16384		/* beyond its first write */
#define TRIES_MAX 4
#define PAUSE_US 5000			/* before the second try; doubles */
#define FOLD_MAX 1024			/* submodels remembered for that */
#define FOLD_GAP_US 100000		/* between two documents while there is something to write */
#define IDLE_US 100000			/* without a write: time for folding, and for what elements are found by */
#define BEHIND_MAX 1024			/* elements that are not found by their values: every search looks at them one by one */
#define BEHIND_IDLE 4096		/* that are brought up to date at a time */
#define BEHIND_BUSY 128			/* the same while writes wait for it; more where more are written at a time */
#define RETRY_US US_PER_S

/* A batch that is written. */
struct flight {
	struct store_write *first;
	size_t n;
	uint64_t generation;		/* of the connection that can make it durable */
	struct pg_stretch *lines;	/* what the feed has of it; NULL: not known */
	bool placed;			/* all of it is in the feed */
};

struct pg_writer {
	struct pg_worker worker;	/* the first thread; `wake` is its */
	/* its own */
	int64_t fold_us;		/* monotonic: not before */
	struct pg_noted noted;		/* of the last batch; `behind`: of all so far */
	int64_t found_us;		/* monotonic: not before */
	/* of any */
	pthread_t flush_thread;
	bool flushing;			/* there is that thread */
	/* of the second thread while it flushes; made by the first, when there is none, under the lock */
	struct pg *flush_pg;
	/* under the lock */
	pthread_cond_t written;		/* for the second thread */
	struct store_write *first, **tail;
	size_t n_queued, n_flushing;	/* writes; the second: that are being made durable */
	struct flight flight;		/* waits to be made durable; `first` NULL: none */
	uint64_t generation;
	bool no_more;			/* batches */
	struct map behind;		/* ids of submodels to be folded */
};

/* -- a batch ------------------------------------------------------------------------------------------------------------------------- */
static size_t take_batch(struct pg_writer *w, struct store_write **batch)
{
	size_t n = 0, values = 0;
	while (w->first && n < BATCH_WRITES && (!n || values + w->first->n <= BATCH_VALUES)) {
		values += w->first->n;
		batch[n++] = w->first;
		w->first = w->first->next;
	}
	w->n_queued -= n;
	if (!w->first)
		w->tail = &w->first;
	return n;
}

/* Few rows are looked up by their keys: plans that read whole tables are never right, however small the tables look when they are planned. */
static enum err connect_writer(struct pg_writer *w)
{
	static const struct pg_setting setting[] = {
		{ "application_name", "twinshell values" }, { "enable_seqscan", "off" }, { "enable_hashjoin", "off" }, { "enable_mergejoin", "off" },
		{ "synchronous_commit", "off" },
	};
	size_t n = sizeof setting / sizeof *setting;
	return pg_worker_connect(&w->worker, setting, w->flushing ? n : n - 1);
}

/* The connection that makes durable, before anything is written. */
static enum err connect_flush(struct pg_writer *w)
{
	static const struct pg_setting setting[] = { { "application_name", "twinshell flush" } };
	struct pg *pg = NULL;
	lock_take(&w->worker.lock);
	bool there = w->flush_pg != NULL;
	lock_drop(&w->worker.lock);
	enum err e = there ? ERR_OK : pg_open_set(w->worker.store->conninfo, setting, 1, &pg);
	if (pg) {
		lock_take(&w->worker.lock);
		w->flush_pg = pg;
		lock_drop(&w->worker.lock);
	}
	return e;
}

static enum err write_batch(struct pg_writer *w, struct store_write **batch, size_t n, uint64_t *generation)
{
	int64_t pause = PAUSE_US;
	for (unsigned i = 1;; i++, pause *= 2) {
		enum err e = w->flushing ? connect_flush(w) : ERR_OK;
		lock_take(&w->worker.lock);
		*generation = w->generation;
		lock_drop(&w->worker.lock);
		if (!e)
			e = connect_writer(w);
		w->noted.placed = false;
		w->noted.followed = store_listeners_any(&w->worker.store->listeners);
		w->noted.lines = NULL;
		if (!e)
			e = store_pg_batch(w->worker.pg, batch, n, &w->noted);
		if (e != ERR_AGAIN || i == TRIES_MAX)
			return e;
		clock_sleep_us(pause);
	}
}

/* In the order in which they were written; `lost`: nobody knows what became of them. */
static void answer(struct pg_writer *w, const struct flight *f, bool lost)
{
	struct pg_store *store = w->worker.store;
	pg_standby_wrote(store->standby);
	if (f->lines && !lost)
		store_pg_tail_add(store->tail, f->lines);
	else
		store_pg_stretch_free(f->lines);
	for (struct store_write *s = f->first, *next; s; s = next) {
		next = s->next;		/* once it is done it may be gone */
		if (!s->err && lost)
			s->err = ERR_UNAVAILABLE;
		else if (!s->err && s->behind >= STORE_PG_FOLD_BEHIND)
			store_pg_fold_later(store, s->submodel_id);
		if (!s->err)
			store_pg_tell_one(store, STORE_SUBMODEL, s->submodel_id, s->version);
		s->done(s);
	}
	if (f->placed && !lost)
		store_listeners_wake(&store->listeners);
	else
		store_pg_feed_wake(store);
}

static void take_off(struct pg_writer *w, struct store_write **batch, size_t n, uint64_t generation)
{
	struct flight f = { batch[0], n, generation, w->noted.lines, w->noted.placed };
	for (size_t i = 0; i < n; i++)
		batch[i]->next = i + 1 < n ? batch[i + 1] : NULL;
	w->noted.lines = NULL;
	if (!w->flushing) {
		answer(w, &f, false);
		return;
	}
	lock_take(&w->worker.lock);
	while (w->flight.first)		/* of a batch that was taken apart */
		lock_wait(&w->worker.lock, &w->worker.wake, -1);
	w->flight = f;
	pthread_cond_signal(&w->written);
	lock_drop(&w->worker.lock);
}

/* What cannot be written (a text that is not Unicode) must not take the others with it. */
static void write_all(struct pg_writer *w, struct store_write **batch, size_t n)
{
	uint64_t generation;
	enum err e = write_batch(w, batch, n, &generation);
	bool somebodys = e && e != ERR_AGAIN && e != ERR_UNAVAILABLE;
	if (e == ERR_UNAVAILABLE) {
		store_pg_tell_all(w->worker.store);
		store_pg_tail_forget(w->worker.store->tail);
	}
	if (!somebodys || n == 1) {
		for (size_t i = 0; e && i < n; i++)
			batch[i]->err = e;
		take_off(w, batch, n, generation);
		return;
	}
	for (size_t i = 0; i < n; i++)
		write_all(w, &batch[i], 1);
}

/* -- making durable ------------------------------------------------------------------------------------------------------------------ */
static bool flush(struct pg_writer *w)
{
	enum err e = store_pg_flush(w->flush_pg);
	if (!e)
		return true;
	log_warn("sql", "nobody knows whether what was written last is durable: %s", err_info[e].text);
	store_pg_tell_all(w->worker.store);
	store_pg_tail_forget(w->worker.store->tail);
	lock_take(&w->worker.lock);
	struct pg *old = w->flush_pg;
	w->flush_pg = NULL;
	w->generation++;
	lock_drop(&w->worker.lock);
	pg_close(old);
	return false;
}

static bool any_written(const struct store_write *s)
{
	while (s && s->err)
		s = s->next;
	return s != NULL;
}

static void *flush_run(void *arg)
{
	struct pg_writer *w = arg;
	lock_take(&w->worker.lock);
	for (;;) {
		while (!w->flight.first && !w->no_more)
			lock_wait(&w->worker.lock, &w->written, -1);
		struct flight f = w->flight;
		if (!f.first)
			break;
		w->flight.first = NULL;
		w->n_flushing = f.n;
		bool lost = f.generation != w->generation;
		pthread_cond_signal(&w->worker.wake);
		lock_drop(&w->worker.lock);
		if (!lost && any_written(f.first))
			lost = !flush(w);
		lock_take(&w->worker.lock);
		w->n_flushing = 0;
		pthread_cond_signal(&w->worker.wake);
		lock_drop(&w->worker.lock);
		answer(w, &f, lost);
		lock_take(&w->worker.lock);
	}
	lock_drop(&w->worker.lock);
	return NULL;
}

/* -- folding -------------------------------------------------------------------------------------------------------------------------- */
/* When somebody has it locked, or it is gone, it is left as it is: readers lay the values in themselves. */
static enum err fold(struct pg_writer *w, const char *id)
{
	struct store_txn t = { .store = w->worker.store, .write = true };
	struct pg_args args;
	struct pg_call lock = { .st = PG_batch_lock, .args = &args };
	enum err e = connect_writer(w);
	if (!e)
		e = pg_begin(w->worker.pg, PG_WRITE);
	if (e)
		return e;
	t.pg = w->worker.pg;
	pg_args_init(&args);
	pg_item_text(pg_arg_array(&args, PG_TEXT), id);
	e = pg_run(w->worker.pg, &lock, 1);
	if (!e && lock.n)
		e = store_pg_fold(&t, id);
	if (!e && lock.n)
		e = pg_commit(w->worker.pg);
	pg_rollback(w->worker.pg);
	pg_clear(&lock, 1);
	pg_args_fini(&args);
	return e;
}

/* The lock is held, and dropped meanwhile. */
static void fold_one(struct pg_writer *w)
{
	size_t at = 0;
	struct map_item *it = map_next(&w->behind, &at);
	char *id = strdup(it->key);
	map_del(&w->behind, it->key, it->n);
	lock_drop(&w->worker.lock);
	enum err e = id ? fold(w, id) : ERR_NO_MEMORY;
	if (e)
		log_debug("sql", "the document of \"%.200s\" is not folded now: %s", id ? id : "?", err_info[e].text);
	free(id);
	w->fold_us = clock_mono_us() + FOLD_GAP_US;
	lock_take(&w->worker.lock);
}

/* Nothing to write for a moment, or never: then one document in a while. */
static bool time_to_fold(const struct pg_writer *w, bool idle)
{
	return w->behind.n && (idle || clock_mono_us() >= w->fold_us);
}

/* While one batch becomes durable, the next one grows until it is as large: what a batch costs, however many share it, is better spent once than
 * twice in that time.  And none is written while there is one that waits. */
static bool may_begin(const struct pg_writer *w)
{
	return !w->flight.first && w->n_queued >= w->n_flushing;
}

/* What is written again and again is brought up to date once, when there is a moment, or when there is too much of it.  Where fewer are found than
 * were looked for, the others are somebody else's, or their submodels are locked: the next time. */
static void found_again(struct pg_writer *w, bool idle)
{
	size_t some = w->noted.behind / 8 > BEHIND_BUSY ? w->noted.behind / 8 : BEHIND_BUSY;
	size_t most = idle ? BEHIND_IDLE : some, n = 0;		/* also what somebody has left who was killed */
	enum err e = connect_writer(w);
	if (!e)
		e = store_pg_found_again(w->worker.pg, most, &n);
	if (e) {
		w->found_us = clock_mono_us() + RETRY_US;
		log_debug("sql", "what elements are found by is not brought up to date now: %s", err_info[e].text);
		return;
	}
	w->noted.behind = n < most || n > w->noted.behind ? 0 : w->noted.behind - n;
}

/* Searches look at them one by one meanwhile. */
static bool time_to_find(const struct pg_writer *w, bool idle)
{
	return w->noted.behind > (idle ? 0 : BEHIND_MAX) && clock_mono_us() >= w->found_us;
}

static void *writer_run(void *arg)
{
	struct pg_writer *w = arg;
	struct store_write *batch[BATCH_WRITES];
	lock_take(&w->worker.lock);
	for (;;) {
		bool idle = false;
		while (!may_begin(w) || (!w->first && !w->worker.stopping && !idle))
			idle = !lock_wait(&w->worker.lock, &w->worker.wake, (w->behind.n || w->noted.behind) && may_begin(w) ? IDLE_US : -1);
		size_t n = take_batch(w, batch);
		if (!n && w->worker.stopping)
			break;
		lock_drop(&w->worker.lock);
		if (n)
			write_all(w, batch, n);
		if (time_to_find(w, idle))
			found_again(w, idle);
		lock_take(&w->worker.lock);
		if (time_to_fold(w, idle))
			fold_one(w);
	}
	lock_drop(&w->worker.lock);
	return NULL;
}

/* -- from outside ----------------------------------------------------------------------------------------------------------------------- */
void store_pg_write_values(struct store *s, struct store_write *write)
{
	struct pg_writer *w = ((struct pg_store *)s)->writer;
	write->next = NULL;
	lock_take(&w->worker.lock);
	*w->tail = write;
	w->tail = &write->next;
	if (++w->n_queued == 1 || w->n_queued == w->n_flushing)
		pthread_cond_signal(&w->worker.wake);
	lock_drop(&w->worker.lock);
}

void store_pg_fold_later(struct pg_store *s, const char *id)
{
	struct pg_writer *w = s->writer;
	lock_take(&w->worker.lock);
	if (w->behind.n < FOLD_MAX)
		map_put(&w->behind, id, strlen(id), w, NULL);
	if (!w->first)
		pthread_cond_signal(&w->worker.wake);
	lock_drop(&w->worker.lock);
}

void store_pg_fold_after(struct store_txn *t, const char *id)
{
	if (!t->behind || strcmp(t->behind->id, id))
		store_pg_touched_add(&t->behind, STORE_SUBMODEL, id, 0);
}

static void writer_fini(void *writer)
{
	struct pg_writer *w = writer;
	if (w->flushing) {
		lock_take(&w->worker.lock);
		w->no_more = true;
		pthread_cond_signal(&w->written);
		lock_drop(&w->worker.lock);
		pthread_join(w->flush_thread, NULL);
	}
	pg_close(w->flush_pg);
	pthread_cond_destroy(&w->written);
	map_fini(&w->behind);
}

enum err store_pg_writer_start(struct pg_store *s)
{
	struct pg_writer *w = pg_worker_new(sizeof *w, s, RANK_QUEUE);
	if (!w)
		return ERR_NO_MEMORY;
	w->tail = &w->first;
	cond_init(&w->written);
	w->flushing = !pg_pooled() && thread_start(&w->flush_thread, "flush", flush_run, w);
	s->writer = pg_worker_start(w, "values", writer_run, writer_fini);
	return s->writer ? ERR_OK : ERR_NO_MEMORY;
}

void store_pg_writer_stop(struct pg_writer *w)
{
	pg_worker_stop(w, NULL, writer_fini);
}
