/* SPDX-License-Identifier: Apache-2.0
 * store_pg_compact.c - from staging to chunks: one generation of staged samples after the other becomes chunks, in one transaction each, and
 * then its table is dropped.  Nothing is deleted row by row, and whatever is killed when, every sample is in one place.
 *
 * A chunk is never changed.  The newest samples of a series are in its open chunk, which is written anew until it is full; samples older than
 * that one begins came late, samples far ahead of the clock came early, and both make chunks of their own.  So samples of one time keep their
 * order: what is in the open chunk shares no time with a later chunk.  Why so: docs/decisions/006-chunks.md.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "sql/chunk.h"
#include "sql/store_pg_priv.h"

#define DAY_US (86400 * US_PER_S)
#define LOOK_US (2 * US_PER_S)		/* how often there is something to do */
#define SEAL_US (120 * US_PER_S)	/* age and size of a generation that is sealed */
#define SEAL_BYTES (INT64_C(32) << 20)
#define DROP_US (60 * US_PER_S)		/* from compaction to drop: who began to read before is done */
#define CARE_US (3600 * US_PER_S)
#define ANALYZE_US (10 * US_PER_S)
#define PAUSE_US (10 * US_PER_S)	/* after a failure */
#define FETCH 10000			/* staged rows in memory */
#define FLUSH_BYTES ((size_t)4 << 20)	/* of chunks in memory */
#define DAYS_BACK 3650			/* samples of this many days before today, */
#define DAYS_AHEAD 8			/* and after it, get a partition */
#define EARLY_US DAY_US
#define SETTLE_TRIES 6000
#define SETTLE_PAUSE_US 5000

static const char *const parents[] = { "chunk", "rollup_1m", "rollup_1h", "rollup_1d" };
#define N_PARENTS 4

struct pg_compactor {
	struct pg_worker worker;
};

/* Samples of one series on their way into a chunk; texts are malloc'ed. */
struct run {
	struct store_sample s[CHUNK_POINTS];
	size_t n;
};

struct compaction {
	struct pg *pg;
	int64_t now_us, gen;
	char rel[200];
	struct buf chunks, open;	/* COPY rows */
	int64_t *open_id;
	size_t n_open, cap_open;
	struct pg_rollups *rollups;
	struct arena *arena;		/* of one page */
	/* the series that is worked on */
	int64_t series;
	bool started, changed;
	struct run tail, late, body, early;
	size_t tail_at;			/* how much of the tail is in the body */
	int64_t tail_us;		/* where it begins */
};

/* -- runs ---------------------------------------------------------------------------------------------------------------------------- */
static void run_clear(struct run *r)
{
	for (size_t i = 0; i < r->n; i++)
		free((char *)(uintptr_t)r->s[i].text);
	r->n = 0;
}

static bool run_push(struct run *r, const struct store_sample *s)
{
	char *text = s->text ? strdup(s->text) : NULL;
	if (s->text && !text)
		return false;
	r->s[r->n] = *s;
	r->s[r->n++].text = text;
	return true;
}

static int64_t day_of(int64_t us)
{
	return us / DAY_US - (us % DAY_US < 0);
}

static enum err copy_out(struct compaction *c, const char *copy, struct buf *rows)
{
	enum err e = rows->failed ? ERR_NO_MEMORY : rows->n ? pg_copy(c->pg, copy, buf_view(rows)) : ERR_OK;
	buf_reset(rows);
	return e;
}

static enum err flush_chunks(struct compaction *c)
{
	return copy_out(c, "COPY twinshell.chunk (" CHUNK_COLUMNS ") FROM STDIN (FORMAT binary)", &c->chunks);
}

static enum err flush_open(struct compaction *c)
{
	struct pg_args a;
	pg_args_init(&a);
	struct buf *id = pg_arg_array(&a, PG_INT8);
	for (size_t i = 0; i < c->n_open; i++)
		pg_item_int8(id, c->open_id[i]);
	struct pg_call call = { .st = PG_open_drop, .args = &a };
	enum err e = c->n_open ? pg_run(c->pg, &call, 1) : ERR_OK;
	pg_clear(&call, c->n_open ? 1 : 0);
	pg_args_fini(&a);
	c->n_open = 0;
	return e ? e : copy_out(c, "COPY twinshell.chunk_open (" CHUNK_COLUMNS ") FROM STDIN (FORMAT binary)", &c->open);
}

static enum err emit(struct compaction *c, struct run *r)
{
	if (!r->n)
		return ERR_OK;
	chunk_put(&c->chunks, r->s, r->n);
	run_clear(r);
	return c->chunks.failed ? ERR_NO_MEMORY : c->chunks.n >= FLUSH_BYTES ? flush_chunks(c) : ERR_OK;
}

/* A chunk ends when it is full, and at midnight. */
static enum err add(struct compaction *c, struct run *r, const struct store_sample *s)
{
	enum err e = ERR_OK;
	if (r->n == CHUNK_POINTS || (r->n && day_of(r->s[0].time_us) != day_of(s->time_us)))
		e = emit(c, r);
	return e ? e : run_push(r, s) ? ERR_OK : ERR_NO_MEMORY;
}

/* Of one time, what was there before comes first. */
static enum err drain_tail(struct compaction *c, int64_t until_us)
{
	enum err e = ERR_OK;
	while (!e && c->tail_at < c->tail.n && c->tail.s[c->tail_at].time_us <= until_us)
		e = add(c, &c->body, &c->tail.s[c->tail_at++]);
	return e;
}

static enum err keep_open(struct compaction *c)
{
	if (c->n_open == c->cap_open) {
		size_t cap = c->cap_open ? c->cap_open * 2 : 256;
		int64_t *more = realloc(c->open_id, cap * sizeof *more);
		if (!more)
			return ERR_NO_MEMORY;
		c->open_id = more;
		c->cap_open = cap;
	}
	c->open_id[c->n_open++] = c->series;
	chunk_put(&c->open, c->body.s, c->body.n);
	run_clear(&c->body);
	return c->open.n >= FLUSH_BYTES ? flush_open(c) : ERR_OK;
}

static enum err end_series(struct compaction *c)
{
	enum err e = emit(c, &c->late);
	if (!e && c->changed && !(e = drain_tail(c, INT64_MAX)))
		e = keep_open(c);
	e = e ? e : emit(c, &c->early);
	run_clear(&c->tail);
	run_clear(&c->late);
	run_clear(&c->body);
	run_clear(&c->early);
	c->started = false;
	return e;
}

static enum err begin_series(struct compaction *c, int64_t series, const struct pg_call *tails, int *at)
{
	struct chunk chunk;
	struct store_sample *s;
	enum err e = ERR_OK;
	c->series = series;
	c->started = true;
	c->changed = false;
	c->tail_at = 0;
	store_pg_rollups_begin(c->rollups, NULL, 0);
	while (*at < tails->n && pg_int8(tails, *at, 10) < series)
		++*at;
	if (*at == tails->n || pg_int8(tails, *at, 10) != series)
		return ERR_OK;
	store_pg_chunk(tails, *at, &chunk);
	if (chunk.n > CHUNK_POINTS || !(s = ARENA_ARRAY(c->arena, struct store_sample, CHUNK_POINTS)))
		return chunk.n > CHUNK_POINTS ? ERR_INTERNAL : ERR_NO_MEMORY;
	e = chunk_get(&chunk, c->arena, s);
	for (int32_t i = 0; !e && i < chunk.n; i++)
		e = run_push(&c->tail, &s[i]) ? ERR_OK : ERR_NO_MEMORY;
	if (!e)
		store_pg_rollups_begin(c->rollups, s, (size_t)chunk.n);
	c->tail_us = chunk.t0_us;
	return e;
}

static enum err add_sample(struct compaction *c, const struct store_sample *s)
{
	bool early = s->time_us > c->now_us && s->time_us - c->now_us > EARLY_US;
	enum err e = store_pg_rollups_add(c->rollups, c->pg, s, early);
	if (e)
		return e;
	if (c->tail.n && s->time_us < c->tail_us)
		return add(c, &c->late, s);
	if (early)
		return add(c, &c->early, s);
	c->changed = true;
	e = drain_tail(c, s->time_us);
	return e ? e : add(c, &c->body, s);
}

/* -- a generation ------------------------------------------------------------------------------------------------------------------------ */
static struct store_sample staged(const struct pg_call *c, int row, struct arena *a)
{
	struct slice text = pg_slice(c, row, 3);
	int q = pg_int2(c, row, 4);
	return (struct store_sample){
		.series = pg_int8(c, row, 0), .time_us = pg_time(c, row, 1), .num = pg_null(c, row, 2) ? NAN : pg_float8(c, row, 2),
		.text = text.p ? arena_strndup(a, text.p, text.n) : NULL, .quality = q < 0 || q > QUALITY_BAD ? QUALITY_BAD : (enum quality)q,
	};
}

/* The open chunks of the series that begin in this page. */
static enum err read_tails(struct compaction *c, const struct pg_call *page, struct pg_call *tails)
{
	struct pg_args a;
	pg_args_init(&a);
	struct buf *id = pg_arg_array(&a, PG_INT8);
	for (int i = 0; i < page->n; i++)
		if (!i || pg_int8(page, i, 0) != pg_int8(page, i - 1, 0))
			pg_item_int8(id, pg_int8(page, i, 0));
	*tails = (struct pg_call){ .st = PG_open_of, .args = &a };
	enum err e = pg_run(c->pg, tails, 1);
	pg_args_fini(&a);
	return e;
}

static enum err add_page(struct compaction *c, const struct pg_call *page)
{
	struct pg_call tails;
	int at = 0;
	enum err e = read_tails(c, page, &tails);
	for (int i = 0; i < page->n && !e; i++) {
		struct store_sample s = staged(page, i, c->arena);
		if (arena_failed(c->arena))
			e = ERR_NO_MEMORY;
		if (!e && c->started && c->series != s.series)
			e = end_series(c);
		if (!e && !c->started)
			e = begin_series(c, s.series, &tails, &at);
		e = e ? e : add_sample(c, &s);
	}
	pg_clear(&tails, 1);
	arena_reset(c->arena);
	return e;
}

static enum err add_pages(struct compaction *c)
{
	char sql[400];
	snprintf(sql, sizeof sql, "DECLARE staged NO SCROLL CURSOR FOR SELECT series, ts, num, text, quality FROM ONLY %s"
		 " ORDER BY series, ts, ctid", c->rel);
	struct pg_call declare = { .sql = sql };
	enum err e = pg_run(c->pg, &declare, 1);
	pg_clear(&declare, 1);
	for (int n = 1; n && !e;) {
		char fetch[60];
		snprintf(fetch, sizeof fetch, "FETCH %d FROM staged", FETCH);
		struct pg_call page = { .sql = fetch };
		if (!(e = pg_run(c->pg, &page, 1)) && page.n)
			e = add_page(c, &page);
		n = page.n;
		pg_clear(&page, 1);
	}
	if (!e && c->started)
		e = end_series(c);
	return e;
}

static enum err one_arg(struct pg *pg, enum pg_statement st, int64_t v)
{
	struct pg_args a;
	pg_args_init(&a);
	pg_arg_int8(&a, v);
	return pg_do(pg, st, &a);
}

/* The oldest sealed generation, which is this transaction's then; ERR_NOT_FOUND: there is none, ERR_AGAIN: somebody else compacts. */
static enum err choose(struct compaction *c)
{
	struct pg_call call[] = { { .st = PG_compact_lock }, { .st = PG_staging_sealed } };
	enum err e = pg_run(c->pg, call, 2);
	if (!e && !pg_bool(&call[0], 0, 0))
		e = ERR_AGAIN;
	if (!e && !call[1].n)
		e = ERR_NOT_FOUND;
	if (!e) {
		c->gen = pg_int8(&call[1], 0, 0);
		snprintf(c->rel, sizeof c->rel, "%s", pg_str(&call[1], 0, 1));
	}
	pg_clear(call, 2);
	return e;
}

/* When another one was quicker with what was chosen, there may be a newer one. */
static enum err compact_chosen(struct compaction *c)
{
	enum err e = pg_begin(c->pg, PG_WRITE);
	e = e ? e : choose(c);
	e = e ? e : add_pages(c);
	e = e ? e : flush_chunks(c);
	e = e ? e : flush_open(c);
	e = e ? e : store_pg_rollups_flush(c->rollups, c->pg);
	e = e ? e : one_arg(c->pg, PG_staging_done, c->gen);
	e = e ? e : pg_commit(c->pg);
	pg_rollback(c->pg);
	return e;
}

/* -- stretches of time ------------------------------------------------------------------------------------------------------------------- */
/* A partition that cannot be made (no right to make tables, somebody reads the default one for long) costs nothing: rows go to the default
 * one, and are moved when it is made. */
static enum err make_stretches(struct pg *pg, int64_t day)
{
	enum err e = ERR_OK;
	for (int k = 0; k < N_PARENTS && !e; k++)
		if ((e = store_pg_stretch(pg, PG_stretch_make, parents[k], day)))
			log_warn("sql", "no partition of %s for a day: %s; the default one serves", parents[k], err_info[e].text);
	return e;
}

/* The first day of each week that the chosen generation has something of.  Within the transaction that has chosen it: afterwards another one may
 * compact it, and its table goes. */
static enum err read_weeks(struct compaction *c, struct pg_call *weeks)
{
	char sql[700];
	long long today = (long long)day_of(c->now_us);
	snprintf(sql, sizeof sql, "SELECT min(d)::bigint FROM (SELECT DISTINCT (ts AT TIME ZONE 'UTC')::date - date '1970-01-01' AS d FROM ONLY %s"
		 " WHERE ts >= to_timestamp(%lld) AND ts < to_timestamp(%lld)) AS days GROUP BY (d - 4) / 7", c->rel, (today - DAYS_BACK) * 86400,
		 (today + DAYS_AHEAD + 1) * 86400);
	*weeks = (struct pg_call){ .sql = sql };
	enum err e = pg_run(c->pg, weeks, 1);
	weeks->sql = NULL;
	return e;
}

static enum err make_stretches_for(struct pg *pg, const struct pg_call *weeks)
{
	enum err e = ERR_OK;
	for (int i = 0; !e && i < weeks->n; i++)
		if (make_stretches(pg, pg_int8(weeks, i, 0)) == ERR_UNAVAILABLE)
			e = ERR_UNAVAILABLE;
	return e;
}

static void drop_old(struct pg_store *s, struct pg *pg, int64_t today)
{
	int64_t keep[N_PARENTS] = { atomic_load(&s->keep_samples), atomic_load(&s->keep_rollups), atomic_load(&s->keep_rollups),
				    atomic_load(&s->keep_rollups) };
	for (int k = 0; k < N_PARENTS; k++) {
		enum err e = keep[k] ? store_pg_stretch(pg, PG_stretch_drop, parents[k], today - keep[k]) : ERR_OK;
		if (e)
			log_warn("sql", "what is too old in %s is not dropped now: %s", parents[k], err_info[e].text);
	}
	struct pg_args a;
	pg_args_init(&a);
	pg_arg_int4(&a, (int32_t)(today - keep[0]));
	struct pg_call call = { .st = PG_open_trim, .args = &a };
	if (keep[0])
		pg_once(pg, &call);
	pg_clear(&call, 1);
	pg_args_fini(&a);
}

/* -- all of it ---------------------------------------------------------------------------------------------------------------------------- */
static void compaction_fini(struct compaction *c)
{
	run_clear(&c->tail);
	run_clear(&c->late);
	run_clear(&c->body);
	run_clear(&c->early);
	buf_fini(&c->chunks);
	buf_fini(&c->open);
	free(c->open_id);
	store_pg_rollups_free(c->rollups);
	arena_free(c->arena);
	free(c);
}

/* The next sealed generation; ERR_NOT_FOUND: there is none. */
static enum err compact_one(struct pg *pg, int64_t now_us)
{
	struct compaction *c = calloc(1, sizeof *c);
	enum err e = c && (c->rollups = store_pg_rollups_new()) && (c->arena = arena_new(0)) ? ERR_OK : ERR_NO_MEMORY;
	if (!c)
		return e;
	buf_init(&c->chunks, 0);
	buf_init(&c->open, 0);
	c->pg = pg;
	c->now_us = now_us;
	struct pg_call weeks = { .n = 0 };
	e = e ? e : pg_begin(pg, PG_WRITE);
	e = e ? e : choose(c);
	e = e ? e : read_weeks(c, &weeks);
	pg_rollback(pg);
	e = e ? e : make_stretches_for(pg, &weeks);
	e = e ? e : compact_chosen(c);
	pg_clear(&weeks, 1);
	compaction_fini(c);
	return e;
}

static enum err call_once(struct pg *pg, enum pg_statement st, const int64_t *arg, int n, bool *yes)
{
	struct pg_args a;
	pg_args_init(&a);
	for (int i = 0; i < n; i++)
		pg_arg_int8(&a, arg[i]);
	struct pg_call call = { .st = st, .args = &a };
	enum err e = pg_once(pg, &call);
	if (!e && yes)
		*yes = call.n && pg_bool(&call, 0, 0);
	pg_clear(&call, 1);
	pg_args_fini(&a);
	return e;
}

static enum err seal_when_due(struct pg *pg, int64_t age_us, int64_t bytes)
{
	bool due = false;
	enum err e = call_once(pg, PG_staging_due, (const int64_t[]){ age_us, bytes }, 2, &due);
	return e || !due ? e : call_once(pg, PG_staging_next, NULL, 0, NULL);
}

static enum err drop_compacted(struct pg *pg, int64_t older_us)
{
	return call_once(pg, PG_staging_drop, &older_us, 1, NULL);
}

/* A migration may have left more than fits into the time-out of a statement. */
static enum err connect_compactor(const char *conninfo, struct pg **pg)
{
	static const struct pg_setting setting[] = {
		{ "application_name", "twinshell chunks" }, { "statement_timeout", "0" }, { "plan_cache_mode", "auto" },
	};
	return pg_open_set(conninfo, setting, sizeof setting / sizeof *setting, pg);
}

static enum err reweigh_all(struct pg *pg)
{
	enum err e = ERR_OK;
	for (int i = 0; i < SETTLE_TRIES && (!e || e == ERR_AGAIN); i++)
		if ((e = store_pg_reweigh(pg)) == ERR_AGAIN)
			clock_sleep_us(SETTLE_PAUSE_US);
	return e;
}

enum err store_pg_settle(struct store *st)
{
	struct pg_store *s = (struct pg_store *)st;
	struct pg *pg = NULL;
	enum err e = connect_compactor(s->conninfo, &pg);
	e = e ? e : seal_when_due(pg, 0, 0);
	for (int i = 0; !e && i < SETTLE_TRIES; i++)
		if ((e = compact_one(pg, clock_now_us())) == ERR_AGAIN) {
			clock_sleep_us(SETTLE_PAUSE_US);
			e = i + 1 < SETTLE_TRIES ? ERR_OK : ERR_AGAIN;
		}
	if (e == ERR_NOT_FOUND)
		e = reweigh_all(pg);
	if (e == ERR_NOT_FOUND) {
		drop_old(s, pg, day_of(clock_now_us()));
		e = drop_compacted(pg, 0);
	}
	pg_close(pg);
	return e;
}

void store_pg_keep(struct store *st, unsigned samples_days, unsigned rollups_days)
{
	struct pg_store *s = (struct pg_store *)st;
	atomic_store(&s->keep_samples, samples_days);
	atomic_store(&s->keep_rollups, rollups_days);
}

static bool stopping(struct pg_worker *w, int64_t wait_us)
{
	lock_take(&w->lock);
	if (!w->stopping)
		lock_wait(&w->lock, &w->wake, wait_us);
	bool yes = w->stopping;
	lock_drop(&w->lock);
	return yes;
}

/* When the next of these is due. */
struct turns {
	int64_t care_us, analyze_us;
};

static enum err look(struct pg_worker *w, struct turns *next)
{
	struct pg *pg = w->pg;
	int64_t now = clock_now_us();
	enum err e = seal_when_due(pg, SEAL_US, SEAL_BYTES);
	while (!e && !stopping(w, 0))
		e = compact_one(pg, now);
	while (e == ERR_NOT_FOUND && !stopping(w, 0) && (e = store_pg_reweigh(pg)) == ERR_OK)
		e = ERR_NOT_FOUND;
	if (e && e != ERR_NOT_FOUND)
		return e;
	e = drop_compacted(pg, DROP_US);
	if (!e && clock_mono_us() >= next->analyze_us) {
		next->analyze_us = clock_mono_us() + ANALYZE_US;
		e = store_pg_care(pg);
	}
	if (!e && clock_mono_us() >= next->care_us) {
		next->care_us = clock_mono_us() + CARE_US;
		make_stretches(pg, day_of(now) + DAYS_AHEAD);
		store_pg_care_calls(pg, day_of(now));
		drop_old(w->store, pg, day_of(now));
	}
	return e;
}

static void *compactor_run(void *arg)
{
	struct pg_worker *w = arg;
	int64_t pause = LOOK_US;
	struct turns next = { 0, 0 };
	while (!stopping(w, pause)) {
		enum err e = w->pg ? ERR_OK : connect_compactor(w->store->conninfo, &w->pg);
		e = e ? e : look(w, &next);
		pause = e && e != ERR_AGAIN ? PAUSE_US : LOOK_US;
		if (!e)
			continue;
		if (e != ERR_AGAIN)
			log_warn("sql", "samples are not compacted now: %s; they stay in staging", err_info[e].text);
		pg_close(w->pg);	/* what was set up is made sure of by connecting again */
		w->pg = NULL;
	}
	return NULL;
}

enum err store_pg_compactor_start(struct pg_store *s)
{
	s->compactor = pg_worker_start(pg_worker_new(sizeof *s->compactor, s, RANK_LEAF), "chunks", compactor_run, NULL);
	return s->compactor ? ERR_OK : ERR_NO_MEMORY;
}

void store_pg_compactor_stop(struct pg_compactor *p)
{
	pg_worker_stop(p, NULL, NULL);
}
