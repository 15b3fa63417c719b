/* SPDX-License-Identifier: Apache-2.0
 * store_pg_rollup.c - what new samples add to the minutes, hours and days.
 *
 * Everything that is kept of a bucket can be added up, so late samples correct the buckets that they belong to and no others, and nothing is
 * read again: but the area under the numbers and the number before, which depend on the order of time.  What follows the newest number of its
 * series is right at once; a bucket with samples from before that is put into the queue of twinshell.reweigh.
 * Rows are added in the transaction that puts the samples into chunks: each sample counts once, whatever dies when.
 */
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "sql/store_pg_priv.h"

#define LEVELS 3
#define ROWS 4096
#define N_COLUMNS 19
#define REWEIGH 500		/* buckets in a transaction */
/* Beyond it squares do not fit into a double, below it they vanish; PostgreSQL refuses both. */
#define LARGEST 1e140
#define SMALLEST 1e-140

struct rollup {
	int64_t series, bucket;		/* bucket TIME_NONE: nothing yet */
	int32_t n, quality[QUALITY_BAD + 1];
	double min, max, sum, mean, m2, first, last;
	int64_t first_us, last_us;
	double area, before;		/* number times seconds, between its first and last number; the number before them */
	bool late;			/* these two are to be found out */
};

struct pg_rollups {
	struct rollup now[LEVELS];
	struct rollup row[LEVELS][ROWS];
	size_t n[LEVELS];
	/* the newest number of the series, when it is known; there is none of a later time than carry_us */
	double carry;
	int64_t carry_us;
	bool carry_known;
};

static const struct {
	int64_t width_us;
	enum pg_statement add;
} levels[LEVELS] = {
	{ 60 * US_PER_S, PG_rollup_1m_add }, { 3600 * US_PER_S, PG_rollup_1h_add }, { 86400 * US_PER_S, PG_rollup_1d_add },
};

static void fresh(struct rollup *r, int64_t series, int64_t bucket)
{
	*r = (struct rollup){ .series = series, .bucket = bucket, .min = NAN, .max = NAN, .first = NAN, .last = NAN,
			      .first_us = TIME_NONE, .last_us = TIME_NONE, .before = NAN };
}

struct pg_rollups *store_pg_rollups_new(void)
{
	struct pg_rollups *r = calloc(1, sizeof *r);
	for (int k = 0; r && k < LEVELS; k++)
		fresh(&r->now[k], 0, TIME_NONE);
	return r;
}

void store_pg_rollups_free(struct pg_rollups *r)
{
	free(r);
}

static int64_t begin_of(int64_t us, int64_t width)
{
	int64_t rest = us % width;
	return us - rest - (rest < 0 ? width : 0);
}

static bool number(double *v)
{
	if (!(fabs(*v) <= LARGEST))
		return false;
	if (fabs(*v) < SMALLEST)
		*v = 0;
	return true;
}

static double area(double v, int64_t from_us, int64_t to_us)
{
	return v * ((double)(to_us - from_us) / US_PER_S);
}

/* Welford */
static void add_number(struct rollup *r, double v, int64_t us)
{
	double d = v - r->mean;
	r->n++;
	r->mean += d / r->n;
	r->m2 += d * (v - r->mean);
	r->sum += v;
	r->min = r->min <= v ? r->min : v;
	r->max = r->max >= v ? r->max : v;
	if (r->first_us == TIME_NONE) {
		r->first = v;
		r->first_us = us;
	} else {
		r->area += area(r->last, r->last_us, us);
	}
	r->last = v;
	r->last_us = us;
}

/* Chan, Golub and LeVeque; what is added comes later in time. */
static void add_rollup(struct rollup *r, const struct rollup *o)
{
	for (int q = 0; q <= QUALITY_BAD; q++)
		r->quality[q] += o->quality[q];
	if (!o->n)
		return;
	r->late |= o->late;
	double d = o->mean - r->mean, n = (double)r->n + o->n;
	r->m2 += o->m2 + d * d * r->n * o->n / n;
	r->mean += d * o->n / n;
	r->sum += o->sum;
	r->n += o->n;
	r->min = r->min <= o->min ? r->min : o->min;
	r->max = r->max >= o->max ? r->max : o->max;
	if (r->first_us == TIME_NONE) {
		r->first = o->first;
		r->first_us = o->first_us;
		r->before = o->before;
	} else {
		r->area += area(r->last, r->last_us, o->first_us);
	}
	r->area += o->area;
	r->last = o->last;
	r->last_us = o->last_us;
}

static enum err write_level(struct pg_rollups *r, struct pg *pg, int level)
{
	static const enum pg_type type[] = {
		PG_INT8, PG_TIMESTAMPTZ, PG_INT4, PG_FLOAT8, PG_FLOAT8, PG_FLOAT8, PG_FLOAT8, PG_FLOAT8, PG_TIMESTAMPTZ, PG_FLOAT8, PG_TIMESTAMPTZ,
		PG_INT4, PG_INT4, PG_INT4, PG_INT4, PG_INT4, PG_FLOAT8, PG_FLOAT8, PG_BOOL,
	};
	struct pg_args a;
	struct buf *col[N_COLUMNS];
	pg_args_init(&a);
	for (int k = 0; k < N_COLUMNS; k++)
		col[k] = pg_arg_array(&a, type[k]);
	for (size_t i = 0; i < r->n[level]; i++) {
		const struct rollup *o = &r->row[level][i];
		pg_item_int8(col[0], o->series);
		pg_item_time(col[1], o->bucket);
		pg_item_int4(col[2], o->n);
		pg_item_num(col[3], o->min);
		pg_item_num(col[4], o->max);
		pg_item_num(col[5], o->sum);
		pg_item_num(col[6], o->m2 < SMALLEST * SMALLEST ? 0 : o->m2);
		pg_item_num(col[7], o->first);
		pg_item_time(col[8], o->first_us);
		pg_item_num(col[9], o->last);
		pg_item_time(col[10], o->last_us);
		for (int q = 0; q <= QUALITY_BAD; q++)
			pg_item_int4(col[11 + q], o->quality[q]);
		pg_item_num(col[16], fabs(o->area) < SMALLEST ? 0 : o->area);
		pg_item_num(col[17], o->before);
		pg_item_bool(col[18], o->late);
	}
	struct pg_call call = { .st = levels[level].add, .args = &a };
	enum err e = r->n[level] ? pg_run(pg, &call, 1) : ERR_OK;
	pg_clear(&call, r->n[level] ? 1 : 0);
	pg_args_fini(&a);
	r->n[level] = 0;
	return e;
}

static enum err close_level(struct pg_rollups *r, struct pg *pg, int level);

static enum err move_to(struct pg_rollups *r, struct pg *pg, int level, int64_t series, int64_t us)
{
	struct rollup *now = &r->now[level];
	int64_t bucket = begin_of(us, levels[level].width_us);
	if (now->bucket == bucket && now->series == series)
		return ERR_OK;
	enum err e = close_level(r, pg, level);
	fresh(now, series, bucket);
	return e;
}

/* A row may come only once in a statement: late samples of one series are sorted in, so its buckets end for good. */
static enum err close_level(struct pg_rollups *r, struct pg *pg, int level)
{
	const struct rollup *now = &r->now[level];
	enum err e = ERR_OK;
	if (now->bucket == TIME_NONE)
		return ERR_OK;
	if (level + 1 < LEVELS && !(e = move_to(r, pg, level + 1, now->series, now->bucket)))
		add_rollup(&r->now[level + 1], now);
	r->row[level][r->n[level]++] = *now;
	return !e && r->n[level] == ROWS ? write_level(r, pg, level) : e;
}

/* One that comes late, far too early, or as the first that is known of its series, does not know what was before it. */
static void carry(struct pg_rollups *r, struct rollup *now, double v, int64_t us, bool early)
{
	bool in_order = !early && us >= r->carry_us;
	if (!now->n && in_order && r->carry_known)
		now->before = r->carry;
	now->late |= !in_order || !r->carry_known;
	if (!in_order)
		return;
	r->carry = v;
	r->carry_us = us;
	r->carry_known = true;
}

void store_pg_rollups_begin(struct pg_rollups *r, const struct store_sample *s, size_t n)
{
	r->carry_known = false;
	r->carry_us = n ? s[n - 1].time_us : TIME_NONE;
	while (n-- && !r->carry_known) {
		r->carry = s[n].num;
		if (!(r->carry_known = number(&r->carry)))
			continue;
		r->carry_us = s[n].time_us;
	}
}

enum err store_pg_rollups_add(struct pg_rollups *r, struct pg *pg, const struct store_sample *s, bool early)
{
	enum err e = move_to(r, pg, 0, s->series, s->time_us);
	struct rollup *now = &r->now[0];
	double v = s->num;
	now->quality[s->quality]++;
	if (!number(&v))
		return e;
	carry(r, now, v, s->time_us, early);
	add_number(now, v, s->time_us);
	return e;
}

enum err store_pg_rollups_flush(struct pg_rollups *r, struct pg *pg)
{
	enum err e = ERR_OK;
	for (int k = 0; k < LEVELS && !e; k++) {
		e = close_level(r, pg, k);
		fresh(&r->now[k], 0, TIME_NONE);
		e = e ? e : write_level(r, pg, k);
	}
	return e;
}

enum err store_pg_reweigh(struct pg *pg)
{
	struct pg_args a;
	pg_args_init(&a);
	pg_arg_int4(&a, REWEIGH);
	struct pg_call call = { .st = PG_reweigh, .args = &a };
	enum err e = pg_once(pg, &call);
	int32_t taken = !e && call.n ? pg_int4(&call, 0, 0) : 0;
	pg_clear(&call, 1);
	pg_args_fini(&a);
	return e ? e : taken < 0 ? ERR_AGAIN : taken ? ERR_OK : ERR_NOT_FOUND;
}
