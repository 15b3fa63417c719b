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
	struct pg_worker worker;
	int64_t fold_us;		/* the thread's own; monotonic: not before */
	/* under the lock */
	struct store_write *first, **tail;
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
	return pg_worker_connect(&w->worker, setting, sizeof setting / sizeof *setting);
}

static enum err write_batch(struct pg_writer *w, struct store_write **batch, size_t n)
{
	int64_t pause = PAUSE_US;
	for (unsigned i = 1;; i++, pause *= 2) {
		enum err e = connect_writer(w);
		if (!e)
			e = store_pg_batch(w->worker.pg, batch, n);
		if (e != ERR_AGAIN || i == TRIES_MAX)
			return e;
		clock_sleep_us(pause);
	}
}

/* What cannot be written (a text that is not Unicode) must not take the others with it. */
static void write_all(struct pg_writer *w, struct store_write **batch, size_t n)
{
	enum err e = write_batch(w, batch, n);
	pg_standby_wrote(w->worker.store->standby);
	bool somebodys = e && e != ERR_AGAIN && e != ERR_UNAVAILABLE;
	if (e == ERR_UNAVAILABLE)
		store_pg_tell_all(w->worker.store);
	for (size_t i = 0; i < n; i++) {
		if (somebodys && n > 1) {
			e = write_batch(w, &batch[i], 1);
			pg_standby_wrote(w->worker.store->standby);
		}
		if (e)
			batch[i]->err = e;
		else if (!batch[i]->err && batch[i]->behind >= STORE_PG_FOLD_BEHIND)
			store_pg_fold_later(w->worker.store, batch[i]->submodel_id);
		if (!batch[i]->err)
			store_pg_tell_one(w->worker.store, STORE_SUBMODEL, batch[i]->submodel_id, batch[i]->version);
		batch[i]->done(batch[i]);
	}
	store_pg_feed_wake(w->worker.store);
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

static void *writer_run(void *arg)
{
	struct pg_writer *w = arg;
	struct store_write *batch[BATCH_WRITES];
	lock_take(&w->worker.lock);
	for (;;) {
		bool idle = false;
		while (!w->first && !w->worker.stopping && !idle)
			idle = !lock_wait(&w->worker.lock, &w->worker.wake, w->behind.n ? IDLE_US : -1);
		size_t n = take_batch(w, batch);
		if (!n && w->worker.stopping)
			break;
		lock_drop(&w->worker.lock);
		if (n)
			write_all(w, batch, n);
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
	bool first = !w->first;
	*w->tail = write;
	w->tail = &write->next;
	if (first)
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

static void writer_fini(void *w)
{
	map_fini(&((struct pg_writer *)w)->behind);
}

enum err store_pg_writer_start(struct pg_store *s)
{
	struct pg_writer *w = pg_worker_new(sizeof *w, s, RANK_QUEUE);
	if (w)
		w->tail = &w->first;
	return (s->writer = pg_worker_start(w, "values", writer_run, writer_fini)) ? ERR_OK : ERR_NO_MEMORY;
}

void store_pg_writer_stop(struct pg_writer *w)
{
	pg_worker_stop(w, NULL, writer_fini);
}
