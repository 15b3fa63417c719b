/* SPDX-License-Identifier: Apache-2.0
 * store_pg_samples.c - reading samples: those in chunks, in the open chunk and in staging, merged; and minutes, hours and days.
 *
 * Chunks of one series may overlap, where samples came late.  They are read backwards by their last time, so whatever is newer than the last
 * time of the chunk that was read last is complete.
 */
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "sql/chunk.h"
#include "sql/store_pg_priv.h"

#define PAGE_MAX 64		/* chunks in one answer */
#define RANK_STAGED INT64_MAX
#define RANK_OPEN (INT64_MAX - 1)

/* Samples of one source stand together. */
struct run {
	size_t from;
	int64_t rank;		/* of samples of one time: by rank, then by place */
};

struct point {
	struct store_sample s;
	int64_t rank;
	size_t place;
};

struct samples {
	int64_t series, t0, t1;
	size_t limit;
	struct arena *arena;
	struct store_sample *list;	/* in the arena */
	size_t n, cap;
	struct run *run;	/* malloc'ed */
	size_t n_runs, runs_cap;
	int64_t before_us, before_id;	/* the chunk that was read last */
	bool more;		/* chunks */
};

void store_pg_chunk(const struct pg_call *c, int row, struct chunk *out)
{
	*out = (struct chunk){
		.n = pg_int4(c, row, 0), .t0_us = pg_time(c, row, 1), .unit = pg_int8(c, row, 2), .offsets = pg_slice(c, row, 3),
		.far = pg_slice(c, row, 4), .divisor = pg_null(c, row, 5) ? 0 : pg_float8(c, row, 5), .ints = pg_slice(c, row, 6),
		.nums = pg_slice(c, row, 7), .qualities = pg_slice(c, row, 8), .texts = pg_slice(c, row, 9), .series = pg_int8(c, row, 10),
	};
}

static bool room(struct samples *s, size_t more)
{
	if (s->n + more <= s->cap)
		return true;
	size_t cap = s->n ? (s->n + more) * 2 : more;
	struct store_sample *list = ARENA_ARRAY(s->arena, struct store_sample, cap);
	if (list) {
		if (s->n)
			memcpy(list, s->list, s->n * sizeof *list);
		s->list = list;
		s->cap = cap;
	}
	return list != NULL;
}

static bool begin_run(struct samples *s, int64_t rank)
{
	if (s->n_runs == s->runs_cap) {
		size_t cap = s->runs_cap ? s->runs_cap * 2 : PAGE_MAX;
		struct run *run = realloc(s->run, cap * sizeof *run);
		if (!run)
			return false;
		s->run = run;
		s->runs_cap = cap;
	}
	s->run[s->n_runs++] = (struct run){ s->n, rank };
	return true;
}

static enum err keep_staged(struct samples *s, const struct pg_call *c)
{
	if (!room(s, (size_t)c->n) || !begin_run(s, RANK_STAGED))
		return ERR_NO_MEMORY;
	for (int i = c->n - 1; i >= 0; i--) {
		struct slice text = pg_slice(c, i, 2);
		s->list[s->n++] = (struct store_sample){
			.series = s->series, .time_us = pg_time(c, i, 0), .num = pg_null(c, i, 1) ? NAN : pg_float8(c, i, 1),
			.text = text.p ? arena_strndup(s->arena, text.p, text.n) : NULL, .quality = (enum quality)pg_int2(c, i, 3),
		};
	}
	return arena_failed(s->arena) ? ERR_NO_MEMORY : ERR_OK;
}

static enum err keep_chunk(struct samples *s, const struct pg_call *c, int row, int64_t rank)
{
	struct chunk chunk;
	store_pg_chunk(c, row, &chunk);
	if (chunk.n < 1 || chunk.n > CHUNK_MAX)
		return ERR_INTERNAL;
	if (!room(s, (size_t)chunk.n) || !begin_run(s, rank))
		return ERR_NO_MEMORY;
	struct store_sample *from = s->list + s->n, *to = from;
	enum err e = chunk_get(&chunk, s->arena, from);
	for (int32_t i = 0; !e && i < chunk.n; i++, from++) {
		if (from->time_us < s->t0 || from->time_us >= s->t1)
			continue;
		if (to != from)
			*to = *from;
		to++;
	}
	if (!e)
		s->n = (size_t)(to - s->list);
	return e;
}

/* The room for all of a page at once. */
static bool room_for_page(struct samples *s, const struct pg_call *c)
{
	size_t n = 0;
	for (int i = 0; i < c->n; i++) {
		int32_t k = pg_int4(c, i, 0);
		n += k > 0 && k <= CHUNK_MAX ? (size_t)k : 0;
	}
	return room(s, n);
}

static enum err keep_chunks(struct samples *s, const struct pg_call *c, int page)
{
	enum err e = room_for_page(s, c) ? ERR_OK : ERR_NO_MEMORY;
	for (int i = c->n - 1; !e && i >= 0; i--)	/* backwards, so that most often they need not be sorted */
		e = keep_chunk(s, c, i, pg_int8(c, i, 11));
	if (c->n) {
		s->before_id = pg_int8(c, c->n - 1, 11);
		s->before_us = pg_time(c, c->n - 1, 12);
	}
	s->more = c->n == page;
	return e;
}

static void chunk_args(struct pg_args *a, const struct samples *s, int page)
{
	pg_args_init(a);
	pg_arg_int8(a, s->series);
	pg_arg_time(a, s->t0);
	pg_arg_time(a, s->t1);
	pg_arg_time(a, s->before_us);
	pg_arg_int8(a, s->before_id);
	pg_arg_int8(a, page);
}

static int page_of(const struct samples *s)
{
	size_t n = s->limit / CHUNK_POINTS + 4;	/* the first and the last one are not full, what is in the very last is not sure */
	return n < PAGE_MAX ? (int)n : PAGE_MAX;
}

static enum err read_more(struct pg *pg, struct samples *s)
{
	struct pg_args a;
	chunk_args(&a, s, PAGE_MAX);
	struct pg_call call = { .st = PG_chunks, .args = &a };
	enum err e = pg_run(pg, &call, 1);
	e = e ? e : keep_chunks(s, &call, PAGE_MAX);
	pg_clear(&call, 1);
	pg_args_fini(&a);
	return e;
}

/* A plan for all times would lock every partition there is; one for these times locks those that it needs, but is made each time.  So what has no
 * partitions by time is asked for before that is said. */
static enum err read_first(struct pg *pg, struct samples *s)
{
	enum { KNOWN, STAGED, OPEN, PLAN, CHUNKS, N_CALLS };
	struct pg_args known, range, staged, chunks;
	int page = page_of(s);
	pg_args_init(&known);
	pg_item_int8(pg_arg_array(&known, PG_INT8), s->series);
	pg_args_init(&range);
	pg_arg_int8(&range, s->series);
	pg_arg_time(&range, s->t0);
	pg_arg_time(&range, s->t1);
	pg_args_init(&staged);
	pg_arg_int8(&staged, s->series);
	pg_arg_time(&staged, s->t0);
	pg_arg_time(&staged, s->t1);
	pg_arg_int8(&staged, (int64_t)s->limit);
	chunk_args(&chunks, s, page);
	struct pg_call call[] = {
		[KNOWN] = { .st = PG_series_count, .args = &known }, [STAGED] = { .st = PG_staged, .args = &staged },
		[OPEN] = { .st = PG_chunk_open, .args = &range }, [PLAN] = { .st = PG_plan_for_values },
		[CHUNKS] = { .st = PG_chunks, .args = &chunks },
	};
	enum err e = pg_run(pg, call, N_CALLS);
	if (!e && !pg_int8(&call[KNOWN], 0, 0))
		e = ERR_NOT_FOUND;
	e = e ? e : keep_chunks(s, &call[CHUNKS], page);
	if (!e && call[OPEN].n)
		e = keep_chunk(s, &call[OPEN], 0, RANK_OPEN);
	e = e ? e : keep_staged(s, &call[STAGED]);
	pg_clear(call, N_CALLS);
	pg_args_fini(&known);
	pg_args_fini(&range);
	pg_args_fini(&staged);
	pg_args_fini(&chunks);
	return e;
}

/* Are the newest `limit` samples there? */
static bool enough(const struct samples *s)
{
	size_t n = 0;
	for (size_t i = 0; i < s->n && n < s->limit; i++)
		n += s->list[i].time_us > s->before_us;
	return n >= s->limit;
}

static enum err read_samples(struct pg *pg, void *ctx)
{
	struct samples *s = ctx;
	s->n = s->n_runs = 0;
	s->before_us = s->before_id = INT64_MAX;
	enum err e = read_first(pg, s);
	while (!e && s->more && !enough(s))
		e = read_more(pg, s);
	return e;
}

static int by_order(const void *a, const void *b)
{
	const struct point *p = a, *q = b;
	if (p->s.time_us != q->s.time_us)
		return p->s.time_us < q->s.time_us ? -1 : 1;
	if (p->rank != q->rank)
		return p->rank < q->rank ? -1 : 1;
	return p->place < q->place ? -1 : p->place > q->place;
}

static size_t run_end(const struct samples *s, size_t k)
{
	return k + 1 < s->n_runs ? s->run[k + 1].from : s->n;
}

/* Most often they are. */
static bool in_order(const struct samples *s)
{
	for (size_t k = 0; k < s->n_runs; k++) {
		size_t from = s->run[k].from, to = run_end(s, k);
		if (from && from < to && s->list[from - 1].time_us >= s->list[from].time_us)
			return false;	/* of one time, the rank decides */
		for (size_t i = from + 1; i < to; i++)
			if (s->list[i - 1].time_us > s->list[i].time_us)
				return false;
	}
	return true;
}

static enum err sort(struct samples *s)
{
	if (in_order(s))
		return ERR_OK;
	struct point *p = malloc(s->n * sizeof *p);
	if (!p)
		return ERR_NO_MEMORY;
	for (size_t k = 0; k < s->n_runs; k++)
		for (size_t i = s->run[k].from; i < run_end(s, k); i++)
			p[i] = (struct point){ s->list[i], s->run[k].rank, i };
	qsort(p, s->n, sizeof *p, by_order);
	for (size_t i = 0; i < s->n; i++)
		s->list[i] = p[i].s;
	free(p);
	return ERR_OK;
}

enum err store_pg_samples(struct store *st, int64_t series, int64_t t0, int64_t t1, size_t limit, struct arena *a,
			  struct store_sample **out, size_t *n)
{
	struct samples s = { .series = series, .t0 = t0 == TIME_NONE ? TIME_NONE + 1 : t0, .t1 = t1 == TIME_NONE ? TIME_NONE + 1 : t1, .arena = a,
			     .limit = limit < INT32_MAX ? limit : INT32_MAX };
	enum err e = store_pg_transact(st, PG_READ, read_samples, &s);
	if (!e)
		e = sort(&s);
	size_t from = s.n > s.limit ? s.n - s.limit : 0;
	*out = e || !s.n ? NULL : s.list + from;
	*n = e ? 0 : s.n - from;
	free(s.run);
	return e;
}

/* -- minutes, hours, days ----------------------------------------------------------------------------------------------------------- */
struct buckets {
	int64_t series, t0, t1;
	enum store_level level;
	size_t limit, n;
	struct arena *arena;
	struct store_bucket *list;
};

static enum err keep_buckets(struct buckets *b, const struct pg_call *c)
{
	b->n = (size_t)c->n;
	if (b->n && !(b->list = ARENA_ARRAY(b->arena, struct store_bucket, b->n)))
		return ERR_NO_MEMORY;
	for (int i = 0; i < c->n; i++) {
		double v[4];
		for (int k = 0; k < 4; k++)
			v[k] = pg_null(c, i, k + 1) ? NAN : pg_float8(c, i, k + 1);
		b->list[c->n - 1 - i] = (struct store_bucket){ pg_time(c, i, 0), v[0], v[1], v[2], v[3] };
	}
	return ERR_OK;
}

static enum err read_buckets(struct pg *pg, void *ctx)
{
	static const enum pg_statement get[] = { PG_rollup_1m_get, PG_rollup_1h_get, PG_rollup_1d_get };
	struct buckets *b = ctx;
	struct pg_args known, args;
	pg_args_init(&known);
	pg_item_int8(pg_arg_array(&known, PG_INT8), b->series);
	pg_args_init(&args);
	pg_arg_int8(&args, b->series);
	pg_arg_time(&args, b->t0);
	pg_arg_time(&args, b->t1);
	pg_arg_int8(&args, (int64_t)b->limit);
	struct pg_call call[] = { { .st = PG_series_count, .args = &known }, { .st = PG_plan_for_values }, { .st = get[b->level], .args = &args } };
	enum err e = pg_run(pg, call, 3);
	if (!e && !pg_int8(&call[0], 0, 0))
		e = ERR_NOT_FOUND;
	e = e ? e : keep_buckets(b, &call[2]);
	pg_clear(call, 3);
	pg_args_fini(&known);
	pg_args_fini(&args);
	return e;
}

enum err store_pg_buckets(struct store *st, int64_t series, int64_t t0, int64_t t1, enum store_level level, size_t limit, struct arena *a,
			  struct store_bucket **out, size_t *n)
{
	struct buckets b = { .series = series, .t0 = t0 == TIME_NONE ? TIME_NONE + 1 : t0, .t1 = t1 == TIME_NONE ? TIME_NONE + 1 : t1, .level = level,
			     .limit = limit < INT32_MAX ? limit : INT32_MAX, .arena = a };
	enum err e = store_pg_transact(st, PG_READ, read_buckets, &b);
	*out = e ? NULL : b.list;
	*n = e ? 0 : b.n;
	return e;
}
