/* SPDX-License-Identifier: Apache-2.0
 * store_pg_batch.c - value writes of many requests in one transaction, with a constant number of statements.
 *
 * First the submodels are locked and the rows are looked at; then, in memory, every request gets its version and its line of history, or its
 * error; then all of it is written.  Only the last text of a row is written, but every request's is in history.
 */
#include "aas/rows.h"
#include "base/clock.h"
#include "base/map.h"
#include "sql/store_pg_priv.h"

struct sub {
	const char *id;
	int64_t version, behind;
	bool locked, there, dirty;
};

struct past;
/* One element of one submodel, whoever writes it. */
struct cell {
	struct sub *sub;
	const char *path, *text, *value_type;
	int64_t version;	/* that writes it */
	struct past *past;	/* of that version */
	bool found, dirty;
};

struct past {
	const struct cell *cell;
	int64_t version;
	const char *before, *after;
	const struct store_cause *cause;
};

struct batch {
	struct pg *pg;
	struct arena *arena;
	struct map sub_index, cell_index;
	struct sub *sub;
	struct cell *cell;
	struct cell **cell_of;		/* of every value of every request, in order */
	struct past *past;
	size_t n_subs, n_cells, n_pasts, n_values;
	struct pg_call found[2];	/* its texts are used until the end */
};

/* -- what is asked for ----------------------------------------------------------------------------------------------------------- */
static struct sub *sub_of(struct batch *b, const char *id)
{
	struct sub *s = map_get(&b->sub_index, id, strlen(id));
	if (s)
		return s;
	s = &b->sub[b->n_subs];
	s->id = id;
	if (!map_put(&b->sub_index, id, strlen(id), s, NULL))
		return NULL;
	b->n_subs++;
	return s;
}

static struct cell *cell_of(struct batch *b, struct buf *key, struct sub *sub, const char *path)
{
	size_t number = (size_t)(sub - b->sub);
	buf_reset(key);
	buf_put(key, &number, sizeof number);
	buf_puts(key, path);
	struct cell *c = key->failed ? NULL : map_get(&b->cell_index, key->p, key->n);
	if (c || key->failed)
		return c;
	c = &b->cell[b->n_cells];
	c->sub = sub;
	c->path = path;
	if (!map_put(&b->cell_index, key->p, key->n, c, NULL))
		return NULL;
	b->n_cells++;
	return c;
}

static enum err collect(struct batch *b, struct store_write *const *w, size_t n)
{
	struct buf key = BUF_INIT;
	bool ok = true;
	size_t at = 0;
	for (size_t i = 0; i < n; i++)
		b->n_values += w[i]->n;
	b->sub = ARENA_ARRAY(b->arena, struct sub, n);
	b->cell = ARENA_ARRAY(b->arena, struct cell, b->n_values);
	b->cell_of = ARENA_ARRAY(b->arena, struct cell *, b->n_values);
	b->past = ARENA_ARRAY(b->arena, struct past, b->n_values);
	if (arena_failed(b->arena))
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < n && ok; i++) {
		struct sub *s = sub_of(b, w[i]->submodel_id);
		ok = s != NULL;
		for (size_t k = 0; k < w[i]->n && ok; k++)
			ok = (b->cell_of[at++] = cell_of(b, &key, s, w[i]->value[k].path)) != NULL;
	}
	buf_fini(&key);
	return ok ? ERR_OK : ERR_NO_MEMORY;
}

/* -- what is there ----------------------------------------------------------------------------------------------------------------- */
static enum err look(struct batch *b)
{
	struct pg_args args[2];
	enum err e;
	for (int i = 0; i < 2; i++) {
		pg_args_init(&args[i]);
		b->found[i].args = &args[i];
	}
	b->found[0].st = PG_batch_lock;
	b->found[1].st = PG_batch_rows;
	struct buf *subs = pg_arg_array(&args[0], PG_TEXT), *ids = pg_arg_array(&args[1], PG_TEXT), *paths = pg_arg_array(&args[1], PG_TEXT);
	for (size_t i = 0; i < b->n_subs; i++)
		pg_item_text(subs, b->sub[i].id);
	for (size_t i = 0; i < b->n_cells; i++) {
		pg_item_text(ids, b->cell[i].sub->id);
		pg_item_text(paths, b->cell[i].path);
	}
	e = pg_run(b->pg, b->found, 2);
	for (int i = 0; i < 2; i++) {
		pg_args_fini(&args[i]);
		b->found[i].args = NULL;
	}
	for (int row = 0; !e && row < b->found[0].n; row++) {
		struct sub *s = &b->sub[pg_int8(&b->found[0], row, 0) - 1];
		s->version = pg_int8(&b->found[0], row, 1);
		s->behind = pg_int8(&b->found[0], row, 2);
		s->locked = true;
	}
	for (int row = 0; !e && row < b->found[1].n; row++) {
		struct cell *c = &b->cell[pg_int8(&b->found[1], row, 0) - 1];
		c->value_type = pg_str(&b->found[1], row, 1);
		c->text = pg_str(&b->found[1], row, 2);
		c->found = true;
	}
	return e;
}

/* A submodel that could not be locked is locked by somebody else, or is not there. */
static enum err look_again(struct batch *b)
{
	struct pg_args args;
	struct pg_call c = { .st = PG_batch_there, .args = &args };
	bool all = true;
	for (size_t i = 0; i < b->n_subs; i++)
		all = all && b->sub[i].locked;
	if (all)
		return ERR_OK;
	pg_args_init(&args);
	struct buf *subs = pg_arg_array(&args, PG_TEXT);
	for (size_t i = 0; i < b->n_subs; i++)
		pg_item_text(subs, b->sub[i].id);
	enum err e = pg_run(b->pg, &c, 1);
	for (int row = 0; !e && row < c.n; row++)
		b->sub[pg_int8(&c, row, 0) - 1].there = true;
	pg_clear(&c, 1);
	pg_args_fini(&args);
	return e;
}

/* -- what becomes of it -------------------------------------------------------------------------------------------------------------- */
static enum err judge(const struct store_write *w, struct cell *const *cell)
{
	for (size_t i = 0; i < w->n; i++) {
		if (!cell[i]->found)
			return ERR_NOT_FOUND;
		if (w->value_type && (!cell[i]->value_type || strcmp(w->value_type[i], cell[i]->value_type)))
			return ERR_AGAIN;
	}
	return ERR_OK;
}

static void apply(struct batch *b, struct store_write *w, struct cell *const *cell, struct sub *s)
{
	w->version = ++s->version;
	w->behind = ++s->behind;
	s->dirty = true;
	for (size_t i = 0; i < w->n; i++) {
		struct cell *c = cell[i];
		if (c->version != w->version) {
			c->past = &b->past[b->n_pasts++];
			*c->past = (struct past){ .cell = c, .version = w->version, .before = c->text, .cause = w->cause };
		}
		c->past->after = w->value[i].text;	/* of a path that comes twice the last text counts */
		c->version = w->version;
		c->text = w->value[i].text;
		c->dirty = true;
	}
}

static void decide(struct batch *b, struct store_write *const *w, size_t n)
{
	struct cell *const *cell = b->cell_of;
	for (size_t i = 0; i < n; cell += w[i++]->n) {
		struct sub *s = map_get(&b->sub_index, w[i]->submodel_id, strlen(w[i]->submodel_id));
		w[i]->err = !s->locked ? s->there ? ERR_AGAIN : ERR_NOT_FOUND : judge(w[i], cell);
		if (!w[i]->err)
			apply(b, w[i], cell, s);
	}
}

/* -- writing ------------------------------------------------------------------------------------------------------------------------- */
static void versions_args(struct pg_args *a, const struct batch *b)
{
	struct buf *ids = pg_arg_array(a, PG_TEXT), *versions = pg_arg_array(a, PG_INT8);
	for (const struct sub *s = b->sub; s < b->sub + b->n_subs; s++) {
		if (!s->dirty)
			continue;
		pg_item_text(ids, s->id);
		pg_item_int8(versions, s->version);
	}
}

static void rows_args(struct pg_args *a, const struct batch *b)
{
	struct buf *ids = pg_arg_array(a, PG_TEXT), *paths = pg_arg_array(a, PG_TEXT), *versions = pg_arg_array(a, PG_INT8);
	struct buf *texts = pg_arg_array(a, PG_TEXT), *nums = pg_arg_array(a, PG_FLOAT8), *bools = pg_arg_array(a, PG_BOOL);
	struct buf *times = pg_arg_array(a, PG_TIMESTAMPTZ);
	for (const struct cell *c = b->cell; c < b->cell + b->n_cells; c++) {
		struct aas_typed t;
		if (!c->dirty)
			continue;
		aas_typed_read(c->text, &t);
		pg_item_text(ids, c->sub->id);
		pg_item_text(paths, c->path);
		pg_item_int8(versions, c->version);
		pg_item_text(texts, c->text);
		pg_item_num(nums, t.num);
		if (t.boolean < 0)
			pg_item_null(bools);
		else
			pg_item_bool(bools, t.boolean);
		pg_item_time(times, t.ts_us);
	}
}

static void past_args(struct pg_args *a, const struct batch *b)
{
	struct buf *ids = pg_arg_array(a, PG_TEXT), *versions = pg_arg_array(a, PG_INT8), *paths = pg_arg_array(a, PG_TEXT);
	struct buf *before = pg_arg_array(a, PG_TEXT), *after = pg_arg_array(a, PG_TEXT), *actors = pg_arg_array(a, PG_TEXT);
	struct buf *requests = pg_arg_array(a, PG_TEXT), *valid = pg_arg_array(a, PG_TIMESTAMPTZ);
	for (const struct past *p = b->past; p < b->past + b->n_pasts; p++) {
		pg_item_text(ids, p->cell->sub->id);
		pg_item_int8(versions, p->version);
		pg_item_text(paths, p->cell->path);
		pg_item_text(before, p->before);
		pg_item_text(after, p->after);
		pg_item_text(actors, p->cause ? p->cause->actor : NULL);
		pg_item_text(requests, p->cause ? p->cause->request : NULL);
		pg_item_time(valid, p->cause ? p->cause->valid_us : TIME_NONE);
	}
}

static enum err write_all(struct batch *b)
{
	static const struct { enum pg_statement st; void (*args)(struct pg_args *, const struct batch *); } steps[] = {
		{ PG_batch_versions, versions_args }, { PG_batch_put, rows_args }, { PG_batch_past, past_args },
	};
	struct pg_args args[3];
	struct pg_call call[3];
	for (int i = 0; i < 3; i++) {
		pg_args_init(&args[i]);
		steps[i].args(&args[i], b);
		call[i] = (struct pg_call){ .st = steps[i].st, .args = &args[i] };
	}
	enum err e = pg_run_commit(b->pg, call, 3);
	pg_clear(call, 3);
	for (int i = 0; i < 3; i++)
		pg_args_fini(&args[i]);
	return e;
}

enum err store_pg_batch(struct pg *pg, struct store_write *const *w, size_t n)
{
	struct batch b = { .pg = pg, .arena = arena_new(0), .sub_index = MAP_INIT, .cell_index = MAP_INIT };
	enum err e = b.arena ? collect(&b, w, n) : ERR_NO_MEMORY;
	if (!e)
		e = pg_begin(pg, PG_WRITE);
	if (!e)
		e = look(&b);
	if (!e)
		e = look_again(&b);
	if (!e) {
		decide(&b, w, n);
		if (b.n_pasts)
			e = write_all(&b);
	}
	pg_rollback(pg);
	pg_clear(b.found, 2);
	map_fini(&b.sub_index);
	map_fini(&b.cell_index);
	arena_free(b.arena);
	return e;
}
