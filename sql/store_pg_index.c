/* SPDX-License-Identifier: Apache-2.0
 * store_pg_index.c - asynchronous invocations and packages on PostgreSQL. */
#include "base/clock.h"
#include "sql/store_pg_priv.h"

static const char *own(const struct pg_call *c, int row, int col, struct arena *a)
{
	return pg_null(c, row, col) ? NULL : arena_strdup(a, pg_str(c, row, col));
}

/* -- invocations ------------------------------------------------------------------------------------------------------------------ */

enum err store_pg_invocation_put(struct store_txn *t, const struct store_invocation *i)
{
	struct pg_args args;
	int n;
	pg_args_init(&args);
	pg_arg_text(&args, i->id);
	pg_arg_text(&args, i->submodel_id);
	pg_arg_text(&args, i->path);
	pg_arg_text(&args, i->owner);
	pg_arg_text(&args, i->state);
	pg_arg_text(&args, i->message);
	pg_arg_text(&args, i->outputs);
	pg_arg_text(&args, i->inoutputs);
	pg_arg_int2(&args, i->value_only);
	pg_arg_time(&args, i->requested_us);
	pg_arg_time(&args, i->deadline_us);
	pg_arg_time(&args, i->ended_us);
	return store_pg_noted(t, store_pg_change(t, PG_invocation_put, &args, &n));
}

static void read_invocation(const struct pg_call *c, int row, struct arena *a, struct store_invocation *i)
{
	const char **text[] = { &i->id, &i->submodel_id, &i->path, &i->owner, &i->state, &i->message, &i->outputs, &i->inoutputs };
	for (int k = 0; k < (int)(sizeof text / sizeof *text); k++)
		*text[k] = own(c, row, k, a);
	i->value_only = pg_bool(c, row, 8);
	i->requested_us = pg_time(c, row, 9);
	i->deadline_us = pg_time(c, row, 10);
	i->ended_us = pg_time(c, row, 11);
}

enum err store_pg_invocation_get(struct store_txn *t, const char *id, struct arena *a, struct store_invocation *out)
{
	struct pg_call c = { .st = PG_invocation_get };
	enum err e = store_pg_one(t, &c, id);
	if (!e)
		read_invocation(&c, 0, a, out);
	pg_clear(&c, 1);
	return store_pg_noted(t, e ? e : arena_failed(a) ? ERR_NO_MEMORY : ERR_OK);
}

static int32_t limit_of(size_t limit, size_t more)
{
	return limit < INT32_MAX - more ? (int32_t)(limit + more) : INT32_MAX;
}

enum err store_pg_invocation_open(struct store_txn *t, const char *owner, size_t limit, struct arena *a, struct store_invocation **list,
				  size_t *n)
{
	struct pg_args args;
	struct pg_call c = { .st = PG_invocation_open, .args = &args };
	*list = NULL;
	*n = 0;
	pg_args_init(&args);
	pg_arg_text(&args, owner);
	pg_arg_int8(&args, limit_of(limit, 0));
	enum err e = store_pg_run(t, &c, 1);
	if (!e && c.n && !(*list = ARENA_ARRAY(a, struct store_invocation, (size_t)c.n)))
		e = ERR_NO_MEMORY;
	for (int i = 0; !e && i < c.n; i++)
		read_invocation(&c, i, a, &(*list)[(*n)++]);
	pg_clear(&c, 1);
	pg_args_fini(&args);
	return store_pg_noted(t, e ? e : arena_failed(a) ? ERR_NO_MEMORY : ERR_OK);
}

enum err store_pg_invocation_trim(struct store_txn *t, int64_t before_us, size_t keep)
{
	struct pg_args args;
	int n;
	pg_args_init(&args);
	pg_arg_time(&args, before_us);
	pg_arg_int8(&args, limit_of(keep, 0));
	return store_pg_noted(t, store_pg_change(t, PG_invocation_trim, &args, &n));
}

/* -- packages --------------------------------------------------------------------------------------------------------------------- */

static enum err write_package(struct store_txn *t, enum pg_statement st, const struct store_package *p, int *n)
{
	struct pg_args args;
	pg_args_init(&args);
	pg_arg_text(&args, p->id);
	pg_arg_text(&args, p->file_name);
	pg_arg_int8(&args, p->size);
	struct buf *ids = pg_arg_array(&args, PG_TEXT);
	for (size_t i = 0; i < p->n_aas_ids; i++)
		pg_item_text(ids, p->aas_ids[i]);
	store_pg_cause_args(&args, &t->cause);
	return store_pg_change(t, st, &args, n);
}

enum err store_pg_package_put(struct store_txn *t, const struct store_package *p, enum store_put how, bool *created)
{
	int n = 0;
	struct pg_call lock = { .st = PG_package_lock };
	enum err e = !(how & STORE_REPLACE) ? ERR_OK : t->write ? store_pg_one(t, &lock, p->id) : ERR_INTERNAL;
	pg_clear(&lock, 1);
	if (!e && how & STORE_REPLACE)
		e = write_package(t, PG_package_replace, p, &n);
	else if (e == ERR_NOT_FOUND)
		e = ERR_OK;
	*created = false;
	if (e || n)
		return store_pg_noted(t, e);
	if (!(how & STORE_CREATE))
		return ERR_NOT_FOUND;
	if (!(e = write_package(t, PG_package_create, p, &n)) && !n)
		e = how & STORE_REPLACE ? ERR_AGAIN : ERR_CONFLICT;	/* made in between */
	*created = !e;
	return store_pg_noted(t, e);
}

enum err store_pg_package_del(struct store_txn *t, const char *id)
{
	struct pg_args args;
	int n;
	pg_args_init(&args);
	pg_arg_text(&args, id);
	store_pg_cause_args(&args, &t->cause);
	enum err e = store_pg_change(t, PG_package_delete, &args, &n);
	return store_pg_noted(t, e ? e : n ? ERR_OK : ERR_NOT_FOUND);
}

static enum err read_package(const struct pg_call *c, int row, struct arena *a, struct store_package *out)
{
	struct pg_items ids = pg_items(c, row, 3), count = ids;
	struct slice id;
	*out = (struct store_package){ .id = own(c, row, 0, a), .file_name = own(c, row, 1, a), .size = pg_int8(c, row, 2) };
	while (pg_items_next(&count, &id))
		out->n_aas_ids++;
	const char **list = ARENA_ARRAY(a, const char *, out->n_aas_ids + 1);
	for (size_t i = 0; list && pg_items_next(&ids, &id); i++)
		list[i] = arena_strndup(a, id.p, id.n);
	out->aas_ids = list;
	return arena_failed(a) ? ERR_NO_MEMORY : ERR_OK;
}

enum err store_pg_package_at(struct store_txn *t, const char *id, int64_t at_us, struct arena *a, struct store_package *out)
{
	struct pg_call c = { .st = PG_package_read };
	struct store_doc doc;
	enum err e = store_pg_get_at(t, STORE_PACKAGE, id, at_us, a, &doc);
	if (!e)
		e = store_pg_one(t, &c, doc.json.p);
	if (!e)
		e = read_package(&c, 0, a, out);
	pg_clear(&c, 1);
	return store_pg_noted(t, e);
}

static enum err package_page(const struct pg_call *c, size_t limit, struct arena *a, struct store_package_page *page)
{
	size_t n = (size_t)c->n < limit ? (size_t)c->n : limit;
	enum err e = ERR_OK;
	if (n && !(page->item = ARENA_ARRAY(a, struct store_package, n)))
		return ERR_NO_MEMORY;
	while (page->n < n && !(e = read_package(c, (int)page->n, a, &page->item[page->n])))
		page->n++;
	if (!e && n && (size_t)c->n > limit)
		page->next = page->item[n - 1].id;
	return e;
}

enum err store_pg_package_list(struct store_txn *t, const char *aas_id, const char *after, size_t limit, struct arena *a,
			       struct store_package_page *page)
{
	struct pg_args args;
	struct pg_call c = { .st = aas_id ? PG_package_find : PG_package_list, .args = &args };
	*page = (struct store_package_page){ 0 };
	pg_args_init(&args);
	pg_arg_text(&args, after ? after : "");
	pg_arg_int8(&args, limit_of(limit, 1));
	if (aas_id)
		pg_arg_text(&args, aas_id);
	enum err e = store_pg_run(t, &c, 1);
	if (!e)
		e = package_page(&c, limit, a, page);
	pg_clear(&c, 1);
	pg_args_fini(&args);
	return store_pg_noted(t, e);
}
