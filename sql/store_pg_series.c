/* SPDX-License-Identifier: Apache-2.0
 * Time: series, appending, live values, the position of a spool, commands. */
#include <stdio.h>
#include <stdlib.h>

#include "aas/rows.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "sql/store_pg_priv.h"

#define COPY_SAMPLE "COPY twinshell.sample_g%lld (series, ts, num, quality, text) FROM STDIN (FORMAT binary)"
#define LIVE_PAGE 10000

/* One transaction on one connection.  What surely did not happen is done over once; the commit of unknown outcome is the caller's. */
enum err store_pg_transact(struct store *st, enum pg_mode mode, enum err (*step)(struct pg *, void *), void *ctx)
{
	struct pg_store *s = (struct pg_store *)st;
	enum err e = ERR_AGAIN;
	for (int i = 0; i < 2 && e == ERR_AGAIN; i++) {
		struct pg *pg;
		if ((e = pg_take(s->pool, &pg)))
			return e;
		if (!(e = pg_begin(pg, mode)) && !(e = step(pg, ctx)))
			e = pg_commit(pg);
		pg_give(s->pool, pg);
	}
	return e;
}

/* -- series ------------------------------------------------------------------------------------------------------------------- */
struct series {
	const char *submodel_id, *path, *unit;
	int64_t id;
	bool right_unit;
};

static void series_args(struct pg_args *a, const struct series *s)
{
	pg_args_init(a);
	pg_arg_text(a, s->submodel_id);
	pg_arg_text(a, s->path);
	pg_arg_text(a, s->unit);
}

static enum err found(struct series *s, const struct pg_call *find)
{
	if (find->n == 0)
		return ERR_NOT_FOUND;
	s->id = pg_int8(find, 0, 0);
	s->right_unit = pg_bool(find, 0, 2);
	if (pg_bool(find, 0, 1))
		return ERR_OK;
	log_error("sql", "two series have the same key %lld: %s of %s cannot be kept", (long long)s->id, s->path, s->submodel_id);
	return ERR_INTERNAL;
}

static enum err find_series(struct pg *pg, void *ctx)
{
	struct series *s = ctx;
	struct pg_args a;
	series_args(&a, s);
	struct pg_call call = { .st = PG_series_find, .args = &a };
	enum err e = pg_run(pg, &call, 1);
	e = e ? e : found(s, &call);
	pg_clear(&call, 1);
	pg_args_fini(&a);
	return e;
}

static enum err make_series(struct pg *pg, void *ctx)
{
	struct series *s = ctx;
	struct pg_args a;
	series_args(&a, s);
	struct pg_call call[] = { { .st = PG_series_make, .args = &a }, { .st = PG_series_find, .args = &a } };
	enum err e = pg_run(pg, call, 2);
	e = e ? e : found(s, &call[1]);
	pg_clear(call, 2);
	pg_args_fini(&a);
	return e == ERR_NOT_FOUND ? ERR_INTERNAL : e;
}

enum err store_pg_series(struct store *st, const char *submodel_id, const char *path, const char *unit, int64_t *id)
{
	struct series s = { .submodel_id = submodel_id, .path = path, .unit = unit };
	enum err e = store_pg_transact(st, PG_READ, find_series, &s);
	if (e == ERR_NOT_FOUND || (!e && !s.right_unit))
		e = store_pg_transact(st, PG_WRITE, make_series, &s);
	*id = e ? 0 : s.id;
	return e;
}

/* -- append ----------------------------------------------------------------------------------------------------------------------- */
struct append {
	const struct store_batch *batch;
	struct buf bytes;	/* the samples as COPY rows, and behind them what else the fingerprint is made of */
	size_t n_rows;		/* bytes of the COPY rows */
	int64_t *id;		/* of every series in it, once each */
	size_t n_ids;
};

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

static void put_samples(struct append *a)
{
	for (size_t i = 0; i < a->batch->n_samples; i++) {
		const struct store_sample *s = &a->batch->sample[i];
		pg_copy_row(&a->bytes, 5);
		pg_item_int8(&a->bytes, s->series);
		pg_item_time(&a->bytes, s->time_us);
		pg_item_num(&a->bytes, s->num);
		pg_item_int2(&a->bytes, (int16_t)s->quality);
		pg_item_text(&a->bytes, s->text);
		a->id[a->n_ids++] = s->series;
	}
	a->n_rows = a->bytes.n;
}

static void put_live(struct append *a)
{
	for (size_t i = 0; i < a->batch->n_live; i++) {
		const struct store_live *l = &a->batch->live[i];
		pg_item_int8(&a->bytes, l->series);
		pg_item_time(&a->bytes, l->time_us);
		pg_item_text(&a->bytes, l->text);
		pg_item_int2(&a->bytes, (int16_t)l->quality);
		a->id[a->n_ids++] = l->series;
	}
	pg_item_int8(&a->bytes, (int64_t)a->batch->position);
}

static enum err append_init(struct append *a, const struct store_batch *b)
{
	*a = (struct append){ .batch = b, .id = malloc((b->n_samples + b->n_live + 1) * sizeof *a->id) };
	if (!a->id)
		return ERR_NO_MEMORY;
	buf_init(&a->bytes, 0);
	put_samples(a);
	put_live(a);
	qsort(a->id, a->n_ids, sizeof *a->id, by_value);
	size_t n = 0;
	for (size_t i = 0; i < a->n_ids; i++)
		if (!n || a->id[n - 1] != a->id[i])
			a->id[n++] = a->id[i];
	a->n_ids = n;
	return a->bytes.failed ? ERR_NO_MEMORY : ERR_OK;
}

static void append_fini(struct append *a)
{
	buf_fini(&a->bytes);
	free(a->id);
}

static void spool_args(struct pg_args *args, const struct append *a)
{
	pg_args_init(args);
	pg_arg_text(args, a->batch->spool);
	pg_arg_int8(args, (int64_t)a->batch->position);
	pg_arg_int8(args, (int64_t)hash_bytes(a->bytes.p, a->bytes.n));
}

static void id_args(struct pg_args *args, const struct append *a)
{
	pg_args_init(args);
	struct buf *id = pg_arg_array(args, PG_INT8);
	for (size_t i = 0; i < a->n_ids; i++)
		pg_item_int8(id, a->id[i]);
}

static void live_args(struct pg_args *args, const struct append *a)
{
	static const enum pg_type type[] = { PG_INT8, PG_TIMESTAMPTZ, PG_FLOAT8, PG_TIMESTAMPTZ, PG_INT2, PG_BOOL, PG_TEXT };
	struct buf *col[7];
	pg_args_init(args);
	for (int k = 0; k < 7; k++)
		col[k] = pg_arg_array(args, type[k]);
	for (size_t i = 0; i < a->batch->n_live; i++) {
		const struct store_live *l = &a->batch->live[i];
		struct aas_typed t;
		aas_typed_read(l->text, &t);
		pg_item_int8(col[0], l->series);
		pg_item_time(col[1], l->time_us);
		pg_item_num(col[2], t.num);
		pg_item_time(col[3], t.ts_us);
		pg_item_int2(col[4], (int16_t)l->quality);
		if (t.boolean < 0)
			pg_item_null(col[5]);
		else
			pg_item_bool(col[5], t.boolean);
		pg_item_text(col[6], l->text);
	}
}

/* The row of the spool comes first: it makes a second try wait for the first one, if the server is still about it, and then shows
 * that the first one was committed. */
static enum err append_once(struct pg *pg, void *ctx)
{
	const struct append *a = ctx;
	struct pg_args args[3];
	id_args(&args[0], a);
	live_args(&args[1], a);
	spool_args(&args[2], a);
	char copy[128];
	struct pg_call call[4], *count = NULL, *spool = NULL, *now;
	unsigned n = 0;
	if (a->batch->spool)
		*(spool = &call[n++]) = (struct pg_call){ .st = PG_spool_advance, .args = &args[2] };
	*(count = &call[n++]) = (struct pg_call){ .st = PG_series_count, .args = &args[0] };
	if (a->batch->n_live)
		call[n++] = (struct pg_call){ .st = PG_live_put, .args = &args[1] };
	*(now = &call[n++]) = (struct pg_call){ .st = PG_staging_now };
	enum err e = pg_run(pg, call, n);
	bool again = !e && spool && !spool->n;
	if (!e && pg_int8(count, 0, 0) != (int64_t)a->n_ids)
		e = ERR_NOT_FOUND;
	snprintf(copy, sizeof copy, COPY_SAMPLE, !e && now->n ? (long long)pg_int8(now, 0, 0) : -1);
	pg_clear(call, n);
	for (int i = 0; i < 3; i++)
		pg_args_fini(&args[i]);
	if (e || again || !a->batch->n_samples)
		return e;
	return pg_copy(pg, copy, (struct slice){ a->bytes.p, a->n_rows });
}

enum err store_pg_append(struct store *st, const struct store_batch *b)
{
	struct append a;
	enum err e = append_init(&a, b);
	if (!e)
		e = store_pg_transact(st, PG_WRITE, append_once, &a);
	append_fini(&a);
	return e;
}

/* -- position ----------------------------------------------------------------------------------------------------------------------- */
struct position {
	const char *spool;
	uint64_t position;
};

static enum err read_position(struct pg *pg, void *ctx)
{
	struct position *p = ctx;
	struct pg_args a;
	pg_args_init(&a);
	pg_arg_text(&a, p->spool);
	struct pg_call call = { .st = PG_position, .args = &a };
	enum err e = pg_run(pg, &call, 1);
	p->position = !e && call.n ? (uint64_t)pg_int8(&call, 0, 0) : 0;
	pg_clear(&call, 1);
	pg_args_fini(&a);
	return e;
}

enum err store_pg_position(struct store *st, const char *spool, uint64_t *position)
{
	struct position p = { .spool = spool };
	enum err e = store_pg_transact(st, PG_READ, read_position, &p);
	*position = p.position;
	return e;
}

/* -- live --------------------------------------------------------------------------------------------------------------------------- */
struct live {
	void (*row)(void *ctx, const char *submodel_id, const char *path, const struct store_live *);
	void *ctx;
	int64_t after;
	bool given;		/* rows were handed out: not to be done over */
};

static void give_rows(struct live *l, const struct pg_call *call)
{
	for (int i = 0; i < call->n; i++) {
		struct store_live row = { .series = pg_int8(call, i, 0), .time_us = pg_time(call, i, 1), .text = pg_str(call, i, 2),
					  .quality = (enum quality)pg_int2(call, i, 3) };
		l->row(l->ctx, pg_str(call, i, 4), pg_str(call, i, 5), &row);
		l->after = row.series;
		l->given = true;
	}
}

/* Page by page, all of one snapshot, so that memory is bounded. */
static enum err read_live(struct pg *pg, void *ctx)
{
	struct live *l = ctx;
	enum err e;
	int n;
	do {
		struct pg_args a;
		pg_args_init(&a);
		pg_arg_int8(&a, l->after);
		pg_arg_int8(&a, LIVE_PAGE);
		struct pg_call call = { .st = PG_live_page, .args = &a };
		if (!(e = pg_run(pg, &call, 1)))
			give_rows(l, &call);
		n = call.n;
		pg_clear(&call, 1);
		pg_args_fini(&a);
	} while (!e && n == LIVE_PAGE);
	return e == ERR_AGAIN && l->given ? ERR_UNAVAILABLE : e;
}

enum err store_pg_live(struct store *st, void (*row)(void *, const char *, const char *, const struct store_live *), void *ctx)
{
	struct live l = { .row = row, .ctx = ctx, .after = -1 };
	return store_pg_transact(st, PG_READ, read_live, &l);
}

/* -- commands ------------------------------------------------------------------------------------------------------------------------ */
static enum err write_command(struct pg *pg, void *ctx)
{
	const struct store_command *c = ctx;
	struct pg_args a;
	pg_args_init(&a);
	pg_arg_text(&a, c->id);
	pg_arg_text(&a, c->submodel_id);
	pg_arg_text(&a, c->path);
	pg_arg_text(&a, c->topic);
	pg_arg_text(&a, c->payload);
	pg_arg_text(&a, c->state);
	pg_arg_text(&a, c->reason);
	pg_arg_text(&a, c->mode);
	pg_arg_time(&a, c->requested_us);
	pg_arg_time(&a, c->answered_us);
	return pg_do(pg, PG_command_put, &a);
}

enum err store_pg_command(struct store *st, const struct store_command *c)
{
	return store_pg_transact(st, PG_WRITE, write_command, (void *)(uintptr_t)c);
}

/* -- invocations --------------------------------------------------------------------------------------------------------------------- */
static enum err write_invoked(struct pg *pg, void *ctx)
{
	const struct store_invoked *i = ctx;
	struct pg_args a;
	pg_args_init(&a);
	pg_arg_text(&a, i->handle);
	pg_arg_text(&a, i->submodel_id);
	pg_arg_text(&a, i->path);
	pg_arg_text(&a, i->actor);
	pg_arg_text(&a, i->request);
	pg_arg_text(&a, i->state);
	pg_arg_text(&a, i->message);
	pg_arg_text(&a, i->inputs);
	pg_arg_text(&a, i->outputs);
	pg_arg_int2(&a, i->asynchronous);
	pg_arg_time(&a, i->requested_us);
	pg_arg_time(&a, i->ended_us);
	return pg_do(pg, PG_invoked, &a);
}

enum err store_pg_invoked(struct store *st, const struct store_invoked *i)
{
	return store_pg_transact(st, PG_WRITE, write_invoked, (void *)(uintptr_t)i);
}
