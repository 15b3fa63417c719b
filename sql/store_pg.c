/* SPDX-License-Identifier: Apache-2.0
 * store_pg.c - the store on PostgreSQL: opening, transactions, reading.
 *
 * Writers run in READ COMMITTED and lock the row of the identifiable before they look at it, so what they build upon stays true; readers run
 * in one REPEATABLE READ snapshot.  Nothing is sent before there is something to ask.
 */
#include <stdlib.h>

#include "aas/json.h"
#include "aas/path.h"
#include "base/clock.h"
#include "base/log.h"
#include "sql/migrate.h"
#include "sql/store_pg_priv.h"

#define STATEMENTS(kind) PG_##kind##_get, PG_##kind##_plain, PG_##kind##_gets, PG_##kind##_version, PG_##kind##_lock, PG_##kind##_insert, \
	PG_##kind##_update, PG_##kind##_delete, PG_##kind##_past, PG_##kind##_ids, PG_##kind##_recent, PG_##kind##_recent_all, \
	PG_##kind##_list, PG_##kind##_list_heads, PG_##kind##_heads, PG_##kind##_find, PG_##kind##_some, PG_##kind##_there
const struct pg_kind pg_kinds[STORE_N_PASTS] = {
	[STORE_SHELL] = { AAS_AssetAdministrationShell, STATEMENTS(shell), "shell" },
	[STORE_SUBMODEL] = { AAS_Submodel, STATEMENTS(submodel), "submodel" },
	[STORE_CONCEPT] = { AAS_ConceptDescription, STATEMENTS(concept), "concept_description" },
	[STORE_SHELL_DESCRIPTOR] = { AAS_AssetAdministrationShellDescriptor, STATEMENTS(shell_descriptor), "shell_descriptor" },
	[STORE_SUBMODEL_DESCRIPTOR] = { AAS_SubmodelDescriptor, STATEMENTS(submodel_descriptor), "submodel_descriptor" },
	[STORE_ASSET_LINKS] = { AAS_AssetAdministrationShellDescriptor, STATEMENTS(asset_links), "asset_links" },
	[STORE_PACKAGE] = { .get = PG_package_get, .version = PG_package_version, .ids = PG_package_ids },
	[STORE_FILE] = { .get = PG_file_get, .version = PG_file_version },
};

/* -- session ----------------------------------------------------------------------------------------------------------------- */
static enum err pg_txn_begin(struct store *s, bool write, struct store_txn **out)
{
	struct store_txn *t = calloc(1, sizeof *t);
	if (!t)
		return ERR_NO_MEMORY;
	t->store = (struct pg_store *)s;
	t->write = write;
	t->cause.valid_us = TIME_NONE;
	*out = t;
	return ERR_OK;
}

void store_pg_let_go(struct store_txn *t)
{
	store_pg_give_back(t);
	if (t->pg && t->on_standby)
		pg_standby_give(t->store->standby, t->pg);
	else if (t->pg)
		pg_give(t->on_searcher ? t->store->searchers : t->store->pool, t->pg);
	t->pg = NULL;
}

static void pg_txn_abort(struct store_txn *t)
{
	store_pg_let_go(t);
	store_pg_forget_touched(t->touched);
	store_pg_forget_touched(t->behind);
	free(t);
}

static enum err pg_txn_commit(struct store_txn *t)
{
	struct pg_store *s = t->store;
	bool wrote = t->write && t->pg;
	enum err e = t->failed ? ERR_INTERNAL : t->pg ? pg_commit(t->pg) : ERR_OK;
	if (t->write)
		pg_standby_wrote(t->store->standby);
	if (t->n_touched && (!e || e == ERR_UNAVAILABLE))
		store_pg_tell(t, e != ERR_OK);
	for (const struct pg_touched *b = t->behind; b && !e; b = b->next)
		store_pg_fold_later(t->store, b->id);
	pg_txn_abort(t);
	if (!e && wrote)
		store_pg_feed_wake(s);
	return e;
}

enum err store_pg_noted(struct store_txn *t, enum err e)
{
	t->failed |= e && e != ERR_NOT_FOUND && e != ERR_GONE;
	return e;
}

static void set_cause(struct store_txn *t, const struct store_cause *c)
{
	t->cause = c ? *c : (struct store_cause){ .valid_us = TIME_NONE };
}

/* A transaction that only reads is on the stand-by when there is one that shows what it must show. */
static enum err txn_connect(struct store_txn *t, bool search)
{
	struct pg *pg = t->write || t->primary ? NULL : pg_standby_take(t->store->standby);
	enum err e;
	t->on_standby = pg != NULL;
	t->on_searcher = !pg && search;
	if (!pg && (e = pg_take(search ? t->store->searchers : t->store->pool, &pg)))
		return e;
	t->pg = pg;
	if (!(e = pg_begin(pg, t->write ? PG_WRITE : PG_READ)))
		return ERR_OK;
	store_pg_let_go(t);
	return e;
}

static enum err run(struct store_txn *t, struct pg_call *call, unsigned n, bool last)
{
	enum err e = t->pg ? ERR_OK : txn_connect(t, false);
	if (!e)
		e = last ? pg_run_commit(t->pg, call, n) : pg_run(t->pg, call, n);
	if (e && t->on_standby) {
		pg_standby_failed(t->store->standby);
		e = e == ERR_UNAVAILABLE ? ERR_AGAIN : e;	/* the primary may do better */
	}
	return e;
}

enum err store_pg_run(struct store_txn *t, struct pg_call *call, unsigned n)
{
	return run(t, call, n, false);
}

enum err store_pg_searching(struct store_txn *t, bool *ready)
{
	enum err e = t->pg ? ERR_OK : txn_connect(t, true);
	*ready = t->on_searcher;
	return e;
}

enum err store_pg_run_alone(struct store_txn *t, struct pg_call *call)
{
	enum err e = run(t, call, 1, true);
	return e ? e : pg_begin(t->pg, PG_READ);
}

enum err store_pg_run_last(struct store_txn *t, struct pg_call *call, unsigned n)
{
	return run(t, call, n, true);
}

enum err store_pg_one(struct store_txn *t, struct pg_call *call, const char *text)
{
	struct pg_args args;
	pg_args_init(&args);
	pg_arg_text(&args, text);
	call->args = &args;
	enum err e = store_pg_run(t, call, 1);
	call->args = NULL;
	pg_args_fini(&args);
	return !e && !call->n ? ERR_NOT_FOUND : e;
}

enum err store_pg_change(struct store_txn *t, enum pg_statement st, struct pg_args *args, int *n)
{
	struct pg_call c = { .st = st, .args = args };
	enum err e = t->write ? store_pg_run(t, &c, 1) : ERR_INTERNAL;
	*n = e ? 0 : c.n;
	pg_clear(&c, 1);
	pg_args_fini(args);
	return e;
}

/* -- documents: what is newer than the text is laid into it -------------------------------------------------------------------- */
enum { DOC_ID, DOC_VERSION, DOC_TEXT, DOC_PATHS, DOC_VALUES };

bool store_pg_behind(const struct pg_call *c, int row)
{
	return !pg_null(c, row, DOC_PATHS);
}

static enum err lay_values(struct arena *scratch, struct aas_node *sm, const struct pg_call *c, int row)
{
	struct pg_items paths = pg_items(c, row, DOC_PATHS), values = pg_items(c, row, DOC_VALUES);
	struct slice path, value;
	struct aas_node *at;
	while (pg_items_next(&paths, &path) && pg_items_next(&values, &value)) {
		enum err e = aas_path_find(sm, path.p, path.n, &at, NULL);
		if (e || !aas_is(at, AAS_Property))
			return e == ERR_NO_MEMORY ? e : ERR_INTERNAL;
		AAS_AT(at, Property, value).str = value.p ? arena_strndup(scratch, value.p, value.n) : NULL;
		if (value.p && !AAS_AT(at, Property, value).str)
			return ERR_NO_MEMORY;
	}
	return ERR_OK;
}

enum err store_pg_folded(struct slice text, const struct pg_call *c, int row, struct arena *a, struct slice *out)
{
	struct arena *scratch = arena_new(0);
	struct buf b = BUF_INIT;
	struct aas_node *sm = NULL;
	enum err e = scratch ? aas_json_read(scratch, AAS_Submodel, text.p, text.n, AAS_JSON_DEFAULT, &sm, NULL) : ERR_NO_MEMORY;
	if (!e)
		e = lay_values(scratch, sm, c, row);
	if (!e) {
		aas_json_write(&b, sm);
		char *p = b.failed ? NULL : arena_strndup(a, b.p, b.n);
		*out = (struct slice){ p, b.n };
		e = p ? ERR_OK : ERR_NO_MEMORY;
	}
	if (e && e != ERR_NO_MEMORY)
		log_error("sql", "the document of submodel \"%.200s\" and its rows do not fit: %s", pg_str(c, row, DOC_ID), err_info[e].text);
	buf_fini(&b);
	arena_free(scratch);
	return e && e != ERR_NO_MEMORY ? ERR_INTERNAL : e;
}

enum err store_pg_document(const struct pg_call *c, int row, enum store_kind kind, struct arena *a, struct store_doc *out)
{
	enum err e = ERR_OK;
	struct slice text = pg_slice(c, row, DOC_TEXT);
	out->id = arena_strdup(a, pg_str(c, row, DOC_ID));
	out->version = pg_int8(c, row, DOC_VERSION);
	if (kind == STORE_SUBMODEL && store_pg_behind(c, row))
		e = store_pg_folded(text, c, row, a, &out->json);
	else
		out->json = (struct slice){ arena_strndup(a, text.p, text.n), text.n };
	return e ? e : out->id && out->json.p ? ERR_OK : ERR_NO_MEMORY;
}

enum err store_pg_get(struct store_txn *t, enum store_kind kind, const char *id, struct arena *a, struct store_doc *out)
{
	struct pg_call c = { .st = pg_kinds[kind].get };
	enum err e = store_pg_one(t, &c, id);
	if (!e)
		e = store_pg_document(&c, 0, kind, a, out);
	pg_clear(&c, 1);
	return store_pg_noted(t, e);
}

static enum err version(struct store_txn *t, enum store_kind kind, const char *id, int64_t *version)
{
	struct pg_call c = { .st = pg_kinds[kind].version };
	enum err e = store_pg_one(t, &c, id);
	if (!e)
		*version = pg_int8(&c, 0, 0);
	pg_clear(&c, 1);
	return store_pg_noted(t, e);
}

static enum err heads(struct store_txn *t, enum store_kind kind, const char *const *id, size_t n, struct arena *a, struct store_doc *out)
{
	struct pg_args args;
	struct pg_call c = { .st = pg_kinds[kind].heads, .args = &args };
	pg_args_init(&args);
	struct buf *list = pg_arg_array(&args, PG_TEXT);
	for (size_t i = 0; i < n; i++)
		pg_item_text(list, id[i]);
	enum err e = store_pg_run(t, &c, 1);
	if (!e && (size_t)c.n != n)
		e = ERR_INTERNAL;
	for (int i = 0; !e && i < c.n; i++) {
		out[i] = (struct store_doc){ 0 };
		if (pg_null(&c, i, DOC_ID))
			continue;
		struct slice text = pg_slice(&c, i, DOC_TEXT);
		out[i] = (struct store_doc){ arena_strdup(a, pg_str(&c, i, DOC_ID)), { arena_strndup(a, text.p, text.n), text.n },
					     pg_int8(&c, i, DOC_VERSION) };
		e = out[i].id && out[i].json.p ? ERR_OK : ERR_NO_MEMORY;
	}
	pg_clear(&c, 1);
	pg_args_fini(&args);
	return store_pg_noted(t, e);
}

/* -- opening ---------------------------------------------------------------------------------------------------------------------- */
static void store_close(struct store *s)
{
	struct pg_store *p = (struct pg_store *)s;
	if (!p)
		return;
	store_pg_reader_stop(p->reader);
	store_pg_searcher_stop(p->searcher);
	store_pg_compactor_stop(p->compactor);
	store_pg_writer_stop(p->writer);
	store_pg_feed_stop(p->feed);
	store_pg_tail_free(p->tail);
	store_pg_claim_free(atomic_load(&p->claim));
	store_listeners_fini(&p->listeners);
	store_pg_watch(s, NULL);
	pg_standby_free(p->standby);
	free(p->conninfo);
	pg_pool_free(p->pool);
	pg_pool_free(p->searchers);
	lock_fini(&p->pins.lock);
	free(p);
}

static const struct store_ops store_pg_ops = {
	.close = store_close, .begin = pg_txn_begin, .cause = set_cause, .commit = pg_txn_commit, .abort = pg_txn_abort, .get = store_pg_get,
	.read = store_pg_read, .search = store_pg_search, .version = version,
	.put = store_pg_put, .put_many = store_pg_put_many, .del = store_pg_del, .list = store_pg_list, .heads = heads,
	.query = store_pg_query, .candidates = store_pg_candidates,
	.put_values = store_pg_put_values,
	.write_values = store_pg_write_values, .watch = store_pg_watch,
	.blob_put = store_pg_blob_put, .blob_find = store_pg_blob_find, .blob_read = store_pg_blob_read, .blob_del = store_pg_blob_del,
	.blob_open = store_pg_blob_open, .series = store_pg_series, .append = store_pg_append,
	.position = store_pg_position, .samples = store_pg_samples, .buckets = store_pg_buckets,
	.live = store_pg_live, .command = store_pg_command, .invoked = store_pg_invoked,
	.invocation_put = store_pg_invocation_put, .invocation_get = store_pg_invocation_get, .invocation_open = store_pg_invocation_open,
	.invocation_trim = store_pg_invocation_trim, .package_put = store_pg_package_put, .package_del = store_pg_package_del,
	.package_list = store_pg_package_list, .history = store_pg_history, .get_version = store_pg_get_version,
	.get_at = store_pg_get_at, .blob_at = store_pg_blob_at, .package_at = store_pg_package_at, .ids = store_pg_ids, .recent = store_pg_recent,
	.feed = store_pg_feed, .feed_listen = store_pg_feed_listen, .feed_unlisten = store_pg_feed_unlisten,
};

/* What a crash has left of readers. */
static enum err sweep_contents(struct pg *pg)
{
	struct pg_call sweep = { .st = PG_content_sweep };
	enum err e = pg_begin(pg, PG_WRITE);
	if (!e && !(e = pg_run(pg, &sweep, 1)))
		e = pg_commit(pg);
	pg_clear(&sweep, 1);
	return e;
}

/* Everything that can be wrong with the database is found now and not at the first request. */
static enum err check_database(const struct store_pg_config *c, struct diag *d)
{
	struct pg *pg;
	unsigned applied = 0;
	enum err e = pg_open(c->conninfo, &pg, d);
	if (e)
		return e;
	if (!c->no_migration) {
		e = pg_migrate(pg, &applied, d);
	} else if (!(e = pg_migrations_applied(pg, &applied, d)) && applied < pg_n_migrations) {
		e = diag_add(d, ERR_PRECONDITION, "the schema of the database is of version %u, this program needs %u: run `twinshell db migrate`",
			     applied, pg_n_migrations);
	} else {
		applied = 0;
	}
	if (!e)
		e = pg_prepare_all(pg, d);
	if (!e)
		e = sweep_contents(pg);
	if (!e && applied)
		log_info("sql", "%u migrations applied", applied);
	pg_close(pg);
	return e;
}

struct store *store_pg_open_with(const struct store_pg_config *c, struct diag *d)
{
	pg_through_pooler(c->pooler);
	if (check_database(c, d))
		return NULL;
	struct pg_store *s = calloc(1, sizeof *s);
	if (!s || !(s->conninfo = strdup(c->conninfo)) || !(s->pool = pg_pool_new(c->conninfo, c->connections, PG_POOL_WAIT_US))) {
		if (s)
			free(s->conninfo);
		free(s);
		diag_add(d, ERR_NO_MEMORY, "out of memory");
		return NULL;
	}
	s->base.ops = &store_pg_ops;
	lock_init(&s->pins.lock, RANK_LEAF);
	s->query_ms = PG_QUERY_MS;
	store_listeners_init(&s->listeners);
	if (!(s->tail = store_pg_tail_new()) || !(s->searchers = store_pg_searchers(c->conninfo, c->connections)) ||
	    (c->standby && !(s->standby = pg_standby_new(c->conninfo, c->standby, c->connections))) || store_pg_writer_start(s) ||
	    store_pg_reader_start(s) || store_pg_searcher_start(s) || store_pg_feed_start(s) || store_pg_compactor_start(s)) {
		store_close(&s->base);
		diag_add(d, ERR_NO_MEMORY, "cannot start the threads of the store");
		return NULL;
	}
	return &s->base;
}

struct store *store_pg_open(const char *conninfo, unsigned connections, struct diag *d)
{
	return store_pg_open_with(&(struct store_pg_config){ .conninfo = conninfo, .connections = connections }, d);
}

bool store_pg_ready(struct store *s)
{
	struct store_txn t = { .store = (struct pg_store *)s };
	struct pg_call c = { .st = PG_ping };
	bool ok = store_pg_run(&t, &c, 1) == ERR_OK;
	pg_clear(&c, 1);
	store_pg_let_go(&t);
	return ok;
}
