/* SPDX-License-Identifier: Apache-2.0
 * store_pg_history.c - reading changes: history, the feed, and documents as they were.
 */
#include "base/clock.h"
#include "sql/store_pg_priv.h"

void store_pg_cause_args(struct pg_args *args, const struct store_cause *c)
{
	pg_arg_text(args, c->actor);
	pg_arg_text(args, c->request);
	pg_arg_time(args, c->valid_us);
}

/* -- events: columns of statement_model.def ---------------------------------------------------------------------------------------- */
enum { E_POSITION, E_KIND, E_ID, E_VERSION, E_OPERATION, E_ELEMENT, E_PART, E_ACTOR, E_REQUEST, E_RECORDED, E_VALID, E_PATHS, E_BEFORE, E_AFTER };

static const char *copy(const struct pg_call *c, int row, int col, struct arena *a)
{
	struct slice s = pg_slice(c, row, col);
	return s.p ? arena_strndup(a, s.p, s.n) : NULL;
}

static enum store_operation operation(const struct pg_call *c, int row, int col)
{
	struct slice s = pg_slice(c, row, col);
	return store_operation_of(s.p ? s.p : "", s.n);
}

static size_t count(const struct pg_call *c, int row, int col)
{
	struct pg_items items = pg_items(c, row, col);
	struct slice ignored;
	size_t n = 0;
	while (pg_items_next(&items, &ignored))
		n++;
	return n;
}

static const char *const *texts(const struct pg_call *c, int row, int col, size_t n, struct arena *a)
{
	struct pg_items items = pg_items(c, row, col);
	const char **list = n && !pg_null(c, row, col) ? ARENA_ARRAY(a, const char *, n) : NULL;
	struct slice s;
	for (size_t i = 0; list && i < n && pg_items_next(&items, &s); i++)
		list[i] = s.p ? arena_strndup(a, s.p, s.n) : NULL;
	return list;
}

static void read_event(const struct pg_call *c, int row, struct arena *a, struct store_event *e)
{
	size_t n = count(c, row, E_PATHS);
	*e = (struct store_event){
		.position = pg_int8(c, row, E_POSITION), .kind = (enum store_kind)pg_int2(c, row, E_KIND), .id = copy(c, row, E_ID, a),
		.version = pg_int8(c, row, E_VERSION), .operation = operation(c, row, E_OPERATION), .path = copy(c, row, E_ELEMENT, a),
		.part = operation(c, row, pg_null(c, row, E_PART) ? E_OPERATION : E_PART), .actor = copy(c, row, E_ACTOR, a),
		.request = copy(c, row, E_REQUEST, a), .recorded_us = pg_time(c, row, E_RECORDED),
		.valid_us = pg_time(c, row, pg_null(c, row, E_VALID) ? E_RECORDED : E_VALID), .n_values = n,
		.value_path = texts(c, row, E_PATHS, n, a), .before = texts(c, row, E_BEFORE, n, a), .after = texts(c, row, E_AFTER, n, a),
	};
}

static enum err read_events(const struct pg_call *c, struct arena *a, struct store_event **out, size_t *n)
{
	*out = c->n ? ARENA_ARRAY(a, struct store_event, (size_t)c->n) : NULL;
	for (int i = 0; *out && i < c->n; i++)
		read_event(c, i, a, &(*out)[i]);
	*n = *out ? (size_t)c->n : 0;
	return (c->n && !*out) || arena_failed(a) ? ERR_NO_MEMORY : ERR_OK;
}

static int64_t at_most(size_t limit)
{
	return limit < INT32_MAX ? (int64_t)limit : INT32_MAX;
}

/* -- the feed -------------------------------------------------------------------------------------------------------------------------- */

/* A transaction with something in the log, which waits until the log is flushed, and is where synchronous stand-bys want it, up to its own end. */
enum err store_pg_flush(struct pg *pg)
{
	struct pg_call c = { .st = PG_flush };
	enum err e = pg_run_alone(pg, &c);
	pg_clear(&c, 1);
	return e;
}

/* What is told must not be undone by a crash of the server: value writes can be read a moment before they are durable (store_pg_writer.c).  A
 * server that crashes now takes this connection with it. */
static enum err make_sure(struct pg *pg, const struct pg_call *durable)
{
	if (pg_bool(durable, 0, 0))
		return ERR_OK;
	enum err e = pg_commit(pg);
	return e ? e : store_pg_flush(pg);
}

static enum err read_feed(struct pg *pg, int64_t after, size_t limit, struct arena *a, struct store_event **out, size_t *n, int64_t *newest)
{
	struct pg_args args;
	struct pg_call c[3] = { { .st = PG_feed_ends }, { .st = PG_feed, .args = &args }, { .st = PG_feed_durable } };
	pg_args_init(&args);
	pg_arg_int8(&args, after);
	pg_arg_int8(&args, at_most(limit));
	enum err e = pg_begin(pg, PG_READ);
	if (!e)
		e = pg_run(pg, c, 3);
	if (!e) {
		*newest = pg_int8(&c[0], 0, 0);
		e = after < pg_int8(&c[0], 0, 1) || after > *newest ? ERR_GONE : read_events(&c[1], a, out, n);
	}
	if (!e && *n)
		e = make_sure(pg, &c[2]);
	pg_clear(c, 3);
	pg_args_fini(&args);
	return e;
}

enum err store_pg_feed(struct store *s, int64_t after, size_t limit, struct arena *a, struct store_event **out, size_t *n, int64_t *newest)
{
	struct pg_store *st = (struct pg_store *)s;
	struct pg_pool *pool = st->pool;
	enum err e = ERR_AGAIN;
	*out = NULL;
	*n = 0;
	if (store_pg_tail_read(st->tail, after, limit, store_pg_alone(st), a, out, n, newest))
		return arena_failed(a) ? ERR_NO_MEMORY : ERR_OK;
	for (int i = 0; i < 2 && e == ERR_AGAIN; i++) {
		struct pg *pg;
		if ((e = pg_take(pool, &pg)))
			return e;
		e = read_feed(pg, after, limit, a, out, n, newest);
		pg_give(pool, pg);
	}
	return e;
}

enum err store_pg_feed_listen(struct store *s, void (*wake)(void *), void *ctx)
{
	return store_listeners_add(&((struct pg_store *)s)->listeners, wake, ctx);
}

void store_pg_feed_unlisten(struct store *s, void (*wake)(void *), void *ctx)
{
	store_listeners_remove(&((struct pg_store *)s)->listeners, wake, ctx);
}

/* -- history --------------------------------------------------------------------------------------------------------------------------- */
static void his_args(struct pg_args *args, enum store_kind kind, const char *id)
{
	pg_args_init(args);
	pg_arg_text(args, id);
	pg_arg_int2(args, (int16_t)kind);
}

enum err store_pg_history(struct store_txn *t, enum store_kind kind, const char *id, int64_t after, size_t limit, struct arena *a,
			  struct store_event **out, size_t *n)
{
	struct pg_args args;
	struct pg_call c = { .st = PG_history, .args = &args };
	*out = NULL;
	*n = 0;
	his_args(&args, kind, id);
	pg_arg_int8(&args, after);
	pg_arg_int8(&args, at_most(limit));
	enum err e = t->write ? ERR_INTERNAL : store_pg_run(t, &c, 1);
	if (!e)
		e = read_events(&c, a, out, n);
	pg_clear(&c, 1);
	pg_args_fini(&args);
	return store_pg_noted(t, e);
}

static enum err look_back(struct store_txn *t, enum store_kind kind, const char *id, int64_t at_us, struct store_past *p, int64_t *found)
{
	struct pg_args now, args;
	struct pg_call c[2] = { { .st = pg_kinds[kind].version, .args = &now }, { .st = PG_history_ends, .args = &args } };
	pg_args_init(&now);
	pg_arg_text(&now, id);
	his_args(&args, kind, id);
	pg_arg_time(&args, at_us);
	*found = 0;
	*p = (struct store_past){ .cut_us = TIME_NONE };
	enum err e = t->write ? ERR_INTERNAL : store_pg_run(t, c, 2);
	if (!e && c[0].n)
		p->current = pg_int8(&c[0], 0, 0);
	if (!e && c[1].n) {
		p->first = pg_int8(&c[1], 0, 0);
		p->first_operation = operation(&c[1], 0, 1);
		p->last = pg_int8(&c[1], 0, 2);
		p->cut_us = pg_time(&c[1], 0, 3);
		*found = pg_null(&c[1], 0, 4) ? 0 : pg_int8(&c[1], 0, 4);
	}
	pg_clear(c, 2);
	pg_args_fini(&now);
	pg_args_fini(&args);
	return e;
}

/* The document that the first later replacement or deletion found, else the one of now, without the values written before that. */
static enum err make_version(struct store_txn *t, enum store_kind kind, const char *id, int64_t version, struct arena *a, struct store_doc *out)
{
	struct pg_args args;
	struct pg_call c[2] = { { .st = PG_history_operation, .args = &args }, { .st = PG_history_state, .args = &args } };
	enum { TEXT = 2, PATHS = 3 };
	his_args(&args, kind, id);
	pg_arg_int8(&args, version);
	enum err e = store_pg_run(t, c, 2);
	if (!e && c[0].n && operation(&c[0], 0, 0) == STORE_OP_DELETE)
		e = ERR_NOT_FOUND;
	if (e)
		goto out;
	*out = (struct store_doc){ .json = pg_slice(&c[1], 0, TEXT) };
	if (!out->json.p)
		e = store_pg_get(t, kind, id, a, out);
	if (!e && kind == STORE_SUBMODEL && !pg_null(&c[1], 0, PATHS))
		e = store_pg_folded(out->json, &c[1], 0, a, &out->json);
	else if (!e)
		out->json.p = arena_strndup(a, out->json.p, out->json.n);
	out->id = arena_strdup(a, id);
	out->version = version;
	if (!e && arena_failed(a))
		e = ERR_NO_MEMORY;
out:
	pg_clear(c, 2);
	pg_args_fini(&args);
	return e;
}

enum err store_pg_get_version(struct store_txn *t, enum store_kind kind, const char *id, int64_t version, struct arena *a, struct store_doc *out)
{
	struct store_past past;
	int64_t found;
	enum err e = look_back(t, kind, id, 0, &past, &found);
	if (!e)
		e = store_past_version(&past, version);
	if (!e)
		e = make_version(t, kind, id, version, a, out);
	return store_pg_noted(t, e);
}

enum err store_pg_get_at(struct store_txn *t, enum store_kind kind, const char *id, int64_t at_us, struct arena *a, struct store_doc *out)
{
	struct store_past past;
	int64_t found, version = 0;
	enum err e = look_back(t, kind, id, at_us, &past, &found);
	if (!e)
		e = store_past_at(&past, found, at_us, &version);
	if (!e)
		e = make_version(t, kind, id, version, a, out);
	return store_pg_noted(t, e);
}

/* -- who was there, who changed -------------------------------------------------------------------------------------------------------- */
enum err store_pg_ids(struct store_txn *t, enum store_kind kind, const char *after, size_t limit, struct arena *a, const char ***id, size_t *n)
{
	struct pg_args args;
	struct pg_call c = { .st = pg_kinds[kind].ids, .args = &args };
	*n = 0;
	pg_args_init(&args);
	pg_arg_text(&args, after ? after : "");
	pg_arg_int8(&args, at_most(limit));
	pg_arg_int2(&args, (int16_t)kind);
	enum err e = t->write ? ERR_INTERNAL : store_pg_run(t, &c, 1);
	if (!e && !(*id = ARENA_ARRAY(a, const char *, (size_t)c.n + 1)))
		e = ERR_NO_MEMORY;
	for (; !e && *n < (size_t)c.n; ++*n)
		(*id)[*n] = copy(&c, (int)*n, 0, a);
	pg_clear(&c, 1);
	pg_args_fini(&args);
	return store_pg_noted(t, !e && arena_failed(a) ? ERR_NO_MEMORY : e);
}

enum err store_pg_recent(struct store_txn *t, enum store_kind kind, int64_t created_us, int64_t updated_us, const char *after, size_t limit,
			 struct arena *a, struct store_recent **out, size_t *n)
{
	struct pg_args args;
	bool all = created_us == TIME_NONE && updated_us == TIME_NONE;
	struct pg_call call[2] = { { .st = PG_plan_for_recent }, { .st = all ? pg_kinds[kind].recent_all : pg_kinds[kind].recent, .args = &args } };
	const struct pg_call *c = &call[1];
	*n = 0;
	pg_args_init(&args);
	pg_arg_text(&args, after ? after : "");
	pg_arg_int8(&args, at_most(limit));
	if (!all) {
		pg_arg_int2(&args, (int16_t)kind);
		pg_arg_time(&args, created_us);
		pg_arg_time(&args, updated_us);
	}
	enum err e = store_pg_run(t, all ? &call[1] : call, all ? 1 : 2);
	if (!e && !(*out = ARENA_ARRAY(a, struct store_recent, (size_t)c->n + 1)))
		e = ERR_NO_MEMORY;
	for (; !e && *n < (size_t)c->n; ++*n)
		(*out)[*n] = (struct store_recent){ copy(c, (int)*n, 0, a), pg_time(c, (int)*n, 1), pg_time(c, (int)*n, 2) };
	pg_clear(call, 2);
	pg_args_fini(&args);
	return store_pg_noted(t, !e && arena_failed(a) ? ERR_NO_MEMORY : e);
}
