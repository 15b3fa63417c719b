/* SPDX-License-Identifier: Apache-2.0
 * store_pg_batch.c - value writes of many requests in one transaction, with a constant number of statements, in two round trips.
 *
 * First the submodels are locked and the rows are looked at; then, in memory, every request gets its version and its line of history, or its
 * error; then all of it is written.  Only the last text of a row is written, but every request's is in history.
 *
 * A batch that gets hold of the end of the feed gives its changes their positions itself, and keeps the end until it is committed: nothing goes
 * through the outbox.  What lies there gets its positions first.  When somebody else has the end, the changes go to the outbox as
 * everybody's do.
 */
#include <stdlib.h>

#include "aas/rows.h"
#include "base/clock.h"
#include "base/map.h"
#include "sql/store_pg_priv.h"

#define WAITING_MAX 100			/* of the outbox, that get their positions before a batch */

enum { LOOK_WAITING, LOOK_LOCK, LOOK_ROWS, LOOK_HEAD, N_LOOKS };

struct sub {
	const char *id;
	int64_t key, version, behind;
	bool locked, there, dirty;
};

/* One element of one submodel, whoever writes it. */
struct cell {
	struct sub *sub;
	const char *path, *text, *value_type;
	int64_t path_key;
	int64_t version;	/* that writes it */
	struct past *past;	/* of that version, while its request is applied */
	bool found, dirty;
	bool behind;		/* what it is found by is old already, and that is known */
};

struct past {
	const char *path, *before, *after;
};

/* A line of history. */
struct line {
	const struct sub *sub;
	int64_t version;
	const struct store_cause *cause;
	struct past *past;	/* n of them, in the order of their paths */
	size_t n;
};

struct batch {
	struct pg *pg;
	struct arena *arena;
	struct map sub_index, cell_index;
	struct sub *sub;
	struct cell *cell;
	struct cell **cell_of;		/* of every value of every request, in order */
	struct past *past;
	struct line *line;
	size_t n_subs, n_cells, n_pasts, n_lines, n_values;
	int64_t now_us;			/* by the clock of the database */
	bool waiting;			/* the outbox may have something, and had before the batch when it begins */
	bool sequencing;		/* `chain` is the end of the feed, and ours */
	struct pg_chain chain;
	struct pg_stretch *lines;	/* NULL: nobody wants them */
	struct pg_call found[N_LOOKS];	/* its texts are used until the end */
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
	b->line = ARENA_ARRAY(b->arena, struct line, n);
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
static void look_args(struct pg_args *args, const struct batch *b)
{
	struct buf *subs = pg_arg_array(&args[LOOK_LOCK], PG_TEXT), *waiting = pg_arg_array(&args[LOOK_HEAD], PG_TEXT);
	struct buf *ids = pg_arg_array(&args[LOOK_ROWS], PG_TEXT), *paths = pg_arg_array(&args[LOOK_ROWS], PG_TEXT);
	for (size_t i = 0; i < b->n_subs; i++) {
		pg_item_text(subs, b->sub[i].id);
		pg_item_text(waiting, b->sub[i].id);
	}
	for (size_t i = 0; i < b->n_cells; i++) {
		pg_item_text(ids, b->cell[i].sub->id);
		pg_item_text(paths, b->cell[i].path);
	}
	pg_arg_int4(&args[LOOK_WAITING], WAITING_MAX);
}

static void take_looks(struct batch *b)
{
	const struct pg_call *lock = &b->found[LOOK_LOCK], *rows = &b->found[LOOK_ROWS], *head = &b->found[LOOK_HEAD];
	for (int row = 0; row < lock->n; row++) {
		struct sub *s = &b->sub[pg_int8(lock, row, 0) - 1];
		s->version = pg_int8(lock, row, 1);
		s->behind = pg_int8(lock, row, 2);
		s->key = pg_int8(lock, row, 3);
		s->locked = true;
	}
	for (int row = 0; row < rows->n; row++) {
		struct cell *c = &b->cell[pg_int8(rows, row, 0) - 1];
		c->value_type = pg_str(rows, row, 1);
		c->text = pg_str(rows, row, 2);
		c->path_key = pg_int8(rows, row, 3);
		c->behind = pg_bool(rows, row, 4);
		c->found = true;
	}
	if (rows->n)
		b->now_us = pg_time(rows, rows->n - 1, 5);
	b->waiting = !head->n || pg_bool(head, 0, 3);
	b->sequencing = head->n && store_pg_chain_begin(&b->chain, pg_int8(head, 0, 0), pg_slice(head, 0, 1));
	if (b->sequencing)
		b->chain.sequenced_us = pg_time(head, 0, 2) > b->now_us ? pg_time(head, 0, 2) : b->now_us;
}

/* The clock is read when the locks are held, so that later versions have later times. */
static enum err look(struct batch *b)
{
	static const enum pg_statement st[N_LOOKS] = {
		[LOOK_LOCK] = PG_batch_lock, [LOOK_ROWS] = PG_batch_rows, [LOOK_WAITING] = PG_feed_sequence, [LOOK_HEAD] = PG_batch_head,
	};
	struct pg_args args[N_LOOKS];
	for (int i = 0; i < N_LOOKS; i++) {
		pg_args_init(&args[i]);
		b->found[i] = (struct pg_call){ .st = st[i], .args = &args[i] };
	}
	look_args(args, b);
	unsigned first = b->waiting ? LOOK_WAITING : LOOK_WAITING + 1;
	enum err e = pg_run(b->pg, b->found + first, N_LOOKS - first);
	for (int i = 0; i < N_LOOKS; i++) {
		pg_args_fini(&args[i]);
		b->found[i].args = NULL;
	}
	if (!e)
		take_looks(b);
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

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct past *)a)->path, ((const struct past *)b)->path);
}

static void apply(struct batch *b, struct store_write *w, struct cell *const *cell, struct sub *s)
{
	struct line *l = &b->line[b->n_lines++];
	w->version = ++s->version;
	w->behind = ++s->behind;
	s->dirty = true;
	*l = (struct line){ .sub = s, .version = w->version, .cause = w->cause, .past = &b->past[b->n_pasts] };
	for (size_t i = 0; i < w->n; i++) {
		struct cell *c = cell[i];
		if (c->version != w->version) {
			c->past = &l->past[l->n++];
			*c->past = (struct past){ .path = c->path, .before = c->text };
		}
		c->past->after = w->value[i].text;	/* of a path that comes twice the last text counts */
		c->version = w->version;
		c->text = w->value[i].text;
		c->dirty = true;
	}
	b->n_pasts += l->n;
	if (l->n > 1)
		qsort(l->past, l->n, sizeof *l->past, by_path);
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
static void versions_args(struct pg_args *a, struct batch *b)
{
	struct buf *keys = pg_arg_array(a, PG_INT8), *versions = pg_arg_array(a, PG_INT8);
	pg_arg_time(a, b->now_us);
	for (const struct sub *s = b->sub; s < b->sub + b->n_subs; s++) {
		if (!s->dirty)
			continue;
		pg_item_int8(keys, s->key);
		pg_item_int8(versions, s->version);
	}
}

static void rows_args(struct pg_args *a, struct batch *b)
{
	struct buf *keys = pg_arg_array(a, PG_INT8), *paths = pg_arg_array(a, PG_INT8), *versions = pg_arg_array(a, PG_INT8);
	struct buf *texts = pg_arg_array(a, PG_TEXT), *nums = pg_arg_array(a, PG_FLOAT8), *bools = pg_arg_array(a, PG_BOOL);
	struct buf *times = pg_arg_array(a, PG_TIMESTAMPTZ);
	for (const struct cell *c = b->cell; c < b->cell + b->n_cells; c++) {
		struct aas_typed t;
		if (!c->dirty)
			continue;
		aas_typed_read(c->text, &t);
		pg_item_int8(keys, c->sub->key);
		pg_item_int8(paths, c->path_key);
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

static void behind_args(struct pg_args *a, struct batch *b)
{
	struct buf *keys = pg_arg_array(a, PG_INT8), *paths = pg_arg_array(a, PG_INT8);
	for (const struct cell *c = b->cell; c < b->cell + b->n_cells; c++) {
		if (!c->dirty || c->behind)
			continue;
		pg_item_int8(keys, c->sub->key);
		pg_item_int8(paths, c->path_key);
	}
}

static size_t count_behind(const struct batch *b)
{
	size_t n = 0;
	for (const struct cell *c = b->cell; c < b->cell + b->n_cells; c++)
		n += c->dirty && !c->behind;
	return n;
}

/* One more item of the text form of an array: {"a","b",NULL} */
static void literal_add(struct buf *b, const char *text)
{
	buf_putc(b, b->n ? ',' : '{');
	if (!text) {
		buf_puts(b, "NULL");
		return;
	}
	buf_putc(b, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			buf_putc(b, '\\');
		buf_putc(b, *text);
	}
	buf_putc(b, '"');
}

static void literal_end(struct buf *to, struct buf *b)
{
	buf_putc(b, '}');
	if (to)
		to->failed |= b->failed;
	pg_item_slice(to, buf_view(b));
	buf_reset(b);
}

/* paths, before, after */
static void past_texts(struct buf *const to[3], const struct line *l, bool many, struct buf literal[3])
{
	if (!many) {
		pg_item_text(to[0], l->past->path);
		pg_item_text(to[1], l->past->before);
		pg_item_text(to[2], l->past->after);
		return;
	}
	for (const struct past *p = l->past; p < l->past + l->n; p++) {
		literal_add(&literal[0], p->path);
		literal_add(&literal[1], p->before);
		literal_add(&literal[2], p->after);
	}
	for (int i = 0; i < 3; i++)
		literal_end(to[i], &literal[i]);
}

static void past_args(struct pg_args *a, struct batch *b)
{
	struct buf literal[3] = { BUF_INIT, BUF_INIT, BUF_INIT }, *text[3];
	bool many = b->n_pasts > b->n_lines;
	pg_arg_time(a, b->now_us);
	struct buf *keys = pg_arg_array(a, PG_INT8), *ids = pg_arg_array(a, PG_TEXT), *versions = pg_arg_array(a, PG_INT8);
	struct buf *actors = pg_arg_array(a, PG_TEXT), *requests = pg_arg_array(a, PG_TEXT), *valid = pg_arg_array(a, PG_TIMESTAMPTZ);
	for (int i = 0; i < 3; i++)
		text[i] = pg_arg_array(a, PG_TEXT);
	for (const struct line *l = b->line; l < b->line + b->n_lines; l++) {
		pg_item_int8(keys, l->sub->key);
		pg_item_text(ids, l->sub->id);
		pg_item_int8(versions, l->version);
		pg_item_text(actors, l->cause ? l->cause->actor : NULL);
		pg_item_text(requests, l->cause ? l->cause->request : NULL);
		pg_item_time(valid, l->cause ? l->cause->valid_us : TIME_NONE);
		past_texts(text, l, many, literal);
	}
	for (int i = 0; i < 3; i++)
		buf_fini(&literal[i]);
}

static void waiting_args(struct pg_args *a, struct batch *b)
{
	pg_arg_time(a, b->now_us);
	struct buf *keys = pg_arg_array(a, PG_INT8), *versions = pg_arg_array(a, PG_INT8);
	for (const struct line *l = b->line; l < b->line + b->n_lines; l++) {
		pg_item_int8(keys, l->sub->key);
		pg_item_int8(versions, l->version);
	}
}

static void chain_add(struct batch *b, const struct line *l, struct buf *row)
{
	const char **text = ARENA_ARRAY(b->arena, const char *, 3 * l->n);
	struct pg_change c = { .key = l->sub->key, .version = l->version, .recorded_us = b->now_us, .id = l->sub->id, .cause = l->cause, .n = l->n };
	if (!text) {
		row->failed = true;
		return;
	}
	for (size_t i = 0; i < l->n; i++) {
		text[i] = l->past[i].path;
		text[l->n + i] = l->past[i].before;
		text[2 * l->n + i] = l->past[i].after;
	}
	c.path = text;
	c.before = text + l->n;
	c.after = text + 2 * l->n;
	if (!store_pg_chain_add(&b->chain, &c, row))
		row->failed = true;
	if (b->lines)
		store_pg_stretch_add(b->lines, &c);
}

static void feed_args(struct pg_args *a, struct batch *b)
{
	struct buf row = BUF_INIT;
	waiting_args(a, b);
	pg_arg_int8(a, b->chain.position);
	pg_arg_time(a, b->chain.sequenced_us);
	struct buf *hashes = pg_arg_array(a, PG_BYTEA);
	for (const struct line *l = b->line; l < b->line + b->n_lines; l++) {
		chain_add(b, l, &row);
		pg_item_slice(hashes, store_pg_chain_hash(&b->chain));
	}
	a->failed |= row.failed;
	buf_fini(&row);
}

static void feed_end_args(struct pg_args *a, struct batch *b)
{
	pg_arg_int8(a, b->chain.position);
	pg_arg_bytes(a, store_pg_chain_hash(&b->chain));
	pg_arg_time(a, b->chain.sequenced_us);
}

static enum err write_all(struct batch *b, size_t n_behind)
{
	const struct { enum pg_statement st; void (*args)(struct pg_args *, struct batch *); bool now; } steps[] = {
		{ PG_batch_versions, versions_args, true }, { PG_batch_put, rows_args, true }, { PG_batch_behind, behind_args, n_behind > 0 },
		{ b->n_pasts > b->n_lines ? PG_batch_past_many : PG_batch_past_one, past_args, true },
		{ PG_batch_feed, feed_args, b->sequencing }, { PG_batch_feed_end, feed_end_args, b->sequencing },
		{ PG_batch_outbox, waiting_args, !b->sequencing },
	};
	enum { N = sizeof steps / sizeof *steps };
	struct pg_args args[N];
	struct pg_call call[N];
	unsigned n = 0;
	for (unsigned i = 0; i < N; i++) {
		if (!steps[i].now)
			continue;
		pg_args_init(&args[n]);
		steps[i].args(&args[n], b);
		call[n] = (struct pg_call){ .st = steps[i].st, .args = &args[n] };
		n++;
	}
	enum err e = pg_run_commit(b->pg, call, n);
	pg_clear(call, n);
	for (unsigned i = 0; i < n; i++)
		pg_args_fini(&args[i]);
	return e;
}

enum err store_pg_batch(struct pg *pg, struct store_write *const *w, size_t n, struct pg_noted *noted)
{
	struct batch b = { .pg = pg, .arena = arena_new(0), .sub_index = MAP_INIT, .cell_index = MAP_INIT, .waiting = noted->waiting };
	enum err e = b.arena ? collect(&b, w, n) : ERR_NO_MEMORY;
	if (!e)
		e = pg_begin(pg, PG_WRITE);
	if (!e)
		e = look(&b);
	if (!e)
		e = look_again(&b);
	if (!e) {
		decide(&b, w, n);
		size_t n_behind = count_behind(&b);
		if (b.n_pasts && b.sequencing && noted->followed)
			b.lines = store_pg_stretch_new(&b.chain, b.n_lines);
		if (b.n_pasts)
			e = write_all(&b, n_behind);
		if (!e)
			noted->behind += n_behind;
	}
	noted->waiting = e || b.waiting;
	noted->placed = !e && (b.sequencing || !b.n_pasts);
	noted->lines = b.lines && !e ? store_pg_stretch_end(b.lines, &b.chain) : NULL;
	if (e)
		store_pg_stretch_free(b.lines);
	pg_rollback(pg);
	pg_clear(b.found, N_LOOKS);
	map_fini(&b.sub_index);
	map_fini(&b.cell_index);
	arena_free(b.arena);
	return e;
}
