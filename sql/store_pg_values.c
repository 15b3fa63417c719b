/* SPDX-License-Identifier: Apache-2.0
 * store_pg_values.c - writes of values: the rows of the elements alone; the document follows in the background when it has fallen far behind. */
#include "aas/json.h"
#include "aas/path.h"
#include "aas/rows.h"
#include "base/map.h"
#include "sql/store_pg_priv.h"


/* Of two texts for one path the later one counts. */
static enum err index_values(struct map *last, const struct store_value *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!map_put(last, v[i].path, strlen(v[i].path), (void *)(uintptr_t)&v[i], NULL))
			return ERR_NO_MEMORY;
	return ERR_OK;
}

static void values_args(struct pg_args *args, const struct map *last)
{
	struct buf *paths = pg_arg_array(args, PG_TEXT), *texts = pg_arg_array(args, PG_TEXT), *nums = pg_arg_array(args, PG_FLOAT8);
	struct buf *bools = pg_arg_array(args, PG_BOOL), *times = pg_arg_array(args, PG_TIMESTAMPTZ);
	struct map_item *it;
	for (size_t i = 0; (it = map_next(last, &i));) {
		const struct store_value *v = it->value;
		struct aas_typed t;
		aas_typed_read(v->text, &t);
		pg_item_text(paths, v->path);
		pg_item_text(texts, v->text);
		pg_item_num(nums, t.num);
		if (t.boolean < 0)
			pg_item_null(bools);
		else
			pg_item_bool(bools, t.boolean);
		pg_item_time(times, t.ts_us);
	}
}

/* Some path has no row of a Property: which one, and is it another element or none? */
static enum err explain(struct store_txn *t, const char *id, const struct store_value *v, size_t n)
{
	struct arena *a = arena_new(0);
	struct aas_node *sm = NULL, *at;
	struct store_doc doc;
	enum err e = a ? store_pg_get(t, STORE_SUBMODEL, id, a, &doc) : ERR_NO_MEMORY;
	if (!e)
		e = aas_json_read(a, AAS_Submodel, doc.json.p, doc.json.n, AAS_JSON_DEFAULT, &sm, NULL);
	for (size_t i = 0; !e && i < n; i++) {
		e = aas_path_find(sm, v[i].path, strlen(v[i].path), &at, NULL);
		if (!e && !aas_is(at, AAS_Property))
			e = ERR_BAD_REQUEST;
	}
	arena_free(a);
	return e ? e : ERR_INTERNAL;
}

enum err store_pg_fold(struct store_txn *t, const char *id)
{
	struct arena *a = arena_new(0);
	struct store_doc doc;
	struct pg_args args;
	struct pg_call c = { .st = PG_fold, .args = &args };
	enum err e = a ? store_pg_get(t, STORE_SUBMODEL, id, a, &doc) : ERR_NO_MEMORY;
	if (!e) {
		pg_args_init(&args);
		pg_arg_text(&args, id);
		pg_arg_bytes(&args, doc.json);
		e = store_pg_run(t, &c, 1);
		pg_clear(&c, 1);
		pg_args_fini(&args);
	}
	arena_free(a);
	return e;
}

/* Locks the submodel and looks whether every path is a Property: nothing is changed before that is known. */
static enum err lock(struct store_txn *t, const char *id, const struct map *last, int64_t *version, bool *complete)
{
	struct pg_args args[2];
	struct pg_call c[2] = { { .st = PG_submodel_lock, .args = &args[0] }, { .st = PG_values_count, .args = &args[1] } };
	struct map_item *it;
	pg_args_init(&args[0]);
	pg_args_init(&args[1]);
	pg_arg_text(&args[0], id);
	pg_arg_text(&args[1], id);
	struct buf *paths = pg_arg_array(&args[1], PG_TEXT);
	for (size_t i = 0; (it = map_next(last, &i));)
		pg_item_text(paths, it->key);
	enum err e = t->write ? store_pg_run(t, c, 2) : ERR_INTERNAL;
	if (!e && !c[0].n)
		e = ERR_NOT_FOUND;
	if (!e) {
		*version = pg_int8(&c[0], 0, 0);
		*complete = (size_t)pg_int8(&c[1], 0, 0) == last->n;
	}
	pg_clear(c, 2);
	pg_args_fini(&args[0]);
	pg_args_fini(&args[1]);
	return e;
}

static enum err write_rows(struct store_txn *t, const char *id, const struct map *last, int64_t version, int64_t *behind)
{
	struct pg_args args[2];
	struct pg_call c[2] = { { .st = PG_values_version, .args = &args[0] }, { .st = PG_values_put, .args = &args[1] } };
	for (int i = 0; i < 2; i++) {
		pg_args_init(&args[i]);
		pg_arg_text(&args[i], id);
		pg_arg_int8(&args[i], version);
	}
	values_args(&args[1], last);
	store_pg_cause_args(&args[1], &t->cause);
	enum err e = store_pg_run(t, c, 2);
	if (!e)
		*behind = pg_int8(&c[0], 0, 0);
	pg_clear(c, 2);
	pg_args_fini(&args[0]);
	pg_args_fini(&args[1]);
	return e;
}

enum err store_pg_put_values(struct store_txn *t, const char *id, const struct store_value *v, size_t n, int64_t *version)
{
	struct map last = MAP_INIT;
	int64_t now = 0, behind = 0;
	bool complete = false;
	enum err e = index_values(&last, v, n);
	if (!e)
		e = lock(t, id, &last, &now, &complete);
	if (!e && !complete)
		e = explain(t, id, v, n);
	if (!e)
		e = write_rows(t, id, &last, now + 1, &behind);
	if (!e && behind >= STORE_PG_FOLD_BEHIND)
		store_pg_fold_after(t, id);
	if (!e) {
		*version = now + 1;
		store_pg_touch(t, STORE_SUBMODEL, id, *version);
	}
	map_fini(&last);
	return store_pg_noted(t, e);
}
