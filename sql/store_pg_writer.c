/* SPDX-License-Identifier: Apache-2.0
 * store_pg_writer.c - the group commit: writes that arrive during a commit join the next one.
 *
 * One thread with one connection takes everything that is queued and commits it as one transaction.  It never waits for a row: a write to a
 * submodel that somebody has locked fails with ERR_AGAIN and holds up nobody else, so there is no dead-lock either.  Documents that are far
 * behind their rows, whoever wrote those, are folded when there is nothing else to do, and one in a while when there always is.
 * Why one writer and not two: docs/decisions/004-value-writes.md.
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
#define IDLE_US 100000			/* without a write: time for folding */

struct pg_writer {
	struct pg_store *store;
	char *conninfo;
	pthread_t thread;
	/* the thread's own */
	struct pg *pg;
	int64_t fold_us;		/* monotonic: not before */
	/* under the lock */
	struct lock lock;
	pthread_cond_t filled;
	struct store_write *first, **tail;
	struct map behind;		/* ids of submodels to be folded */
	bool stopping;
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
	if (!w->first)
		w->tail = &w->first;
	return n;
}

/* Few rows are looked up by their keys: plans that read whole tables are never right, however small the tables look when they are planned. */
static enum err connect_writer(struct pg_writer *w)
{
	static const struct pg_setting setting[] = {
		{ "application_name", "twinshell values" }, { "enable_seqscan", "off" }, { "enable_hashjoin", "off" }, { "enable_mergejoin", "off" },
	};
	return w->pg ? ERR_OK : pg_open_set(w->conninfo, setting, sizeof setting / sizeof *setting, &w->pg);
}

static enum err write_batch(struct pg_writer *w, struct store_write **batch, size_t n)
{
	int64_t pause = PAUSE_US;
	for (unsigned i = 1;; i++, pause *= 2) {
		enum err e = connect_writer(w);
		if (!e)
			e = store_pg_batch(w->pg, batch, n);
		if (e != ERR_AGAIN || i == TRIES_MAX)
			return e;
		clock_sleep_us(pause);
	}
}

/* What cannot be written (a text that is not Unicode) must not take the others with it. */
static void write_all(struct pg_writer *w, struct store_write **batch, size_t n)
{
	enum err e = write_batch(w, batch, n);
	pg_standby_wrote(w->store->standby);
	bool somebodys = e && e != ERR_AGAIN && e != ERR_UNAVAILABLE;
	if (e == ERR_UNAVAILABLE)
		store_pg_tell_all(w->store);
	for (size_t i = 0; i < n; i++) {
		if (somebodys && n > 1) {
			e = write_batch(w, &batch[i], 1);
			pg_standby_wrote(w->store->standby);
		}
		if (e)
			batch[i]->err = e;
		else if (!batch[i]->err && batch[i]->behind >= STORE_PG_FOLD_BEHIND)
			store_pg_fold_later(w->store, batch[i]->submodel_id);
		if (!batch[i]->err)
			store_pg_tell_one(w->store, STORE_SUBMODEL, batch[i]->submodel_id, batch[i]->version);
		batch[i]->done(batch[i]);
	}
	store_pg_feed_wake(w->store);
}

/* -- folding -------------------------------------------------------------------------------------------------------------------------- */

/* When somebody has it locked, or it is gone, it is left as it is: readers lay the values in themselves. */
static enum err fold(struct pg_writer *w, const char *id)
{
	struct store_txn t = { .store = w->store, .write = true };
	struct pg_args args;
	struct pg_call lock = { .st = PG_batch_lock, .args = &args };
	enum err e = connect_writer(w);
	if (!e)
		e = pg_begin(w->pg, PG_WRITE);
	if (e)
		return e;
	t.pg = w->pg;
	pg_args_init(&args);
	pg_item_text(pg_arg_array(&args, PG_TEXT), id);
	e = pg_run(w->pg, &lock, 1);
	if (!e && lock.n)
		e = store_pg_fold(&t, id);
	if (!e && lock.n)
		e = pg_commit(w->pg);
	pg_rollback(w->pg);
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
	lock_drop(&w->lock);
	enum err e = id ? fold(w, id) : ERR_NO_MEMORY;
	if (e)
		log_debug("sql", "the document of \"%.200s\" is not folded now: %s", id ? id : "?", err_info[e].text);
	free(id);
	w->fold_us = clock_mono_us() + FOLD_GAP_US;
	lock_take(&w->lock);
}

/* Nothing to write for a moment, or never: then one document in a while. */
static bool time_to_fold(const struct pg_writer *w, bool idle)
{
	return w->behind.n && (idle || clock_mono_us() >= w->fold_us);
}

static void *writer_run(void *arg)
{
	struct pg_writer *w = arg;
	struct store_write *batch[BATCH_WRITES];
	lock_take(&w->lock);
	for (;;) {
		bool idle = false;
		while (!w->first && !w->stopping && !idle)
			idle = !lock_wait(&w->lock, &w->filled, w->behind.n ? IDLE_US : -1);
		size_t n = take_batch(w, batch);
		if (!n && w->stopping)
			break;
		lock_drop(&w->lock);
		if (n)
			write_all(w, batch, n);
		lock_take(&w->lock);
		if (time_to_fold(w, idle))
			fold_one(w);
	}
	lock_drop(&w->lock);
	return NULL;
}

/* -- from outside ----------------------------------------------------------------------------------------------------------------------- */
void store_pg_write_values(struct store *s, struct store_write *write)
{
	struct pg_writer *w = ((struct pg_store *)s)->writer;
	write->next = NULL;
	lock_take(&w->lock);
	bool first = !w->first;
	*w->tail = write;
	w->tail = &write->next;
	if (first)
		pthread_cond_signal(&w->filled);
	lock_drop(&w->lock);
}

void store_pg_fold_later(struct pg_store *s, const char *id)
{
	struct pg_writer *w = s->writer;
	lock_take(&w->lock);
	if (w->behind.n < FOLD_MAX)
		map_put(&w->behind, id, strlen(id), w, NULL);
	if (!w->first)
		pthread_cond_signal(&w->filled);
	lock_drop(&w->lock);
}

void store_pg_fold_after(struct store_txn *t, const char *id)
{
	if (!t->behind || strcmp(t->behind->id, id))
		store_pg_touched_add(&t->behind, STORE_SUBMODEL, id, 0);
}

enum err store_pg_writer_start(struct pg_store *s, const char *conninfo)
{
	struct pg_writer *w = calloc(1, sizeof *w);
	if (!w || !(w->conninfo = strdup(conninfo)))
		goto fail;
	w->store = s;
	w->tail = &w->first;
	lock_init(&w->lock, RANK_QUEUE);
	cond_init(&w->filled);
	if (thread_start(&w->thread, "values", writer_run, w)) {
		s->writer = w;
		return ERR_OK;
	}
	pthread_cond_destroy(&w->filled);
	lock_fini(&w->lock);
	free(w->conninfo);
fail:
	free(w);
	return ERR_NO_MEMORY;
}

void store_pg_writer_stop(struct pg_writer *w)
{
	if (!w)
		return;
	lock_take(&w->lock);
	w->stopping = true;
	pthread_cond_signal(&w->filled);
	lock_drop(&w->lock);
	pthread_join(w->thread, NULL);
	pg_close(w->pg);
	map_fini(&w->behind);
	pthread_cond_destroy(&w->filled);
	lock_fini(&w->lock);
	free(w->conninfo);
	free(w);
}
