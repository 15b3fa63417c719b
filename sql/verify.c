/* SPDX-License-Identifier: Apache-2.0 */
#include "sql/verify.h"

#include <stdio.h>

#include "aas/facts.h"
#include "aas/json.h"
#include "aas/rows.h"
#include "base/clock.h"
#include "sql/migrate.h"
#include "sql/store_pg_priv.h"

#define PAGE 100

/* -- status ---------------------------------------------------------------------------------------------------------------------- */
static const struct { const char *name, *sql; } facts[] = {
	{ "server", "SELECT current_setting('server_version')" },
	{ "database", "SELECT current_database() || ', ' || pg_size_pretty(pg_database_size(current_database()))" },
	{ "role", "SELECT CASE WHEN pg_is_in_recovery() THEN 'stand-by' ELSE 'primary' END" },
	{ "stand-bys", "SELECT count(*) FROM pg_stat_replication" },
	{ "connections", "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()" },
}, contents[] = {
	{ "shells", "SELECT count(*) FROM twinshell.shell" },
	{ "submodels", "SELECT count(*) FROM twinshell.submodel" },
	{ "concept descriptions", "SELECT count(*) FROM twinshell.concept_description" },
	{ "elements (estimate)", "SELECT CASE WHEN reltuples < 0 THEN (SELECT count(*) FROM twinshell.element) ELSE reltuples::bigint END"
	  " FROM pg_class WHERE oid = 'twinshell.element'::regclass" },
	{ "series", "SELECT count(*) FROM twinshell.series" },
	{ "newest change", "SELECT max(recorded_at) FROM twinshell.history" },
}, care[] = {			/* since migration 18 */
	{ "partitions", "SELECT string_agg(x.t, ', ' ORDER BY x.t) FROM (SELECT p.relname || ' ' || count(*) || ' since '"
	  " || min(substring(c.relname FROM '[0-9]+$')) AS t FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent JOIN pg_class c"
	  " ON c.oid = i.inhrelid WHERE p.relnamespace = 'twinshell'::regnamespace AND c.relname ~ '_[0-9]+$' GROUP BY p.relname) AS x" },
	{ "waits for the feed", "SELECT count(*) || ' changes' FROM twinshell.outbox" },
	{ "waits for vacuum", "SELECT string_agg(x.relname || ' ' || x.n_dead_tup || ' rows', ', ' ORDER BY x.n_dead_tup DESC) FROM (SELECT * FROM"
	  " pg_stat_user_tables WHERE schemaname = 'twinshell' AND n_dead_tup > 10000 AND n_dead_tup > n_live_tup / 5"
	  " ORDER BY n_dead_tup DESC LIMIT 5) AS x" },
	{ "waits for analyse", "SELECT string_agg(x.relname || ' ' || x.n || ' rows', ', ' ORDER BY x.n DESC) FROM (SELECT relname,"
	  " n_mod_since_analyze AS n FROM pg_stat_user_tables WHERE schemaname = 'twinshell' AND n_mod_since_analyze > 10000"
	  " AND n_mod_since_analyze > n_live_tup / 2 ORDER BY n_mod_since_analyze DESC LIMIT 5) AS x" },
	{ "transactions", "SELECT age(datfrozenxid) || ' since the oldest that is not frozen; it is by '"
	  " || current_setting('autovacuum_freeze_max_age') FROM pg_database WHERE datname = current_database()" },
}, retention[] = {		/* since migration 19 */
	{ "history is kept", "SELECT CASE st.history_days WHEN 0 THEN 'for ever' ELSE st.history_days || ' days, by whole months' END"
	  " || coalesce(', since ' || (SELECT kept_since FROM twinshell.feed_cut)::date, '') FROM twinshell.retention_state st" },
	{ "retention policies", "SELECT count(*) FILTER (WHERE in_force) || ' in force' || coalesce(nullif(', '"
	  " || count(*) FILTER (WHERE NOT in_force), ', 0') || ' not', '') FROM report.retention_policy" },
	{ "kept for policies", "SELECT string_agg(h.relation || ' until ' || h.held_until::date || ' by ' || h.policy_path || ' in ' || h.policy_id,"
	  " '; ' ORDER BY h.relation) FROM twinshell.retention_hold h" },
};

struct status {
	struct pg *pg;
	struct arena *arena;
	void (*line)(void *, const char *, const char *);
	void *ctx;
	struct diag *diag;
};

static enum err tell(struct status *s, const char *name, const char *sql)
{
	const char *answer;
	enum err e = pg_ask(s->pg, s->arena, sql, NULL, 0, &answer, s->diag);
	if (!e)
		s->line(s->ctx, name, answer ? answer : "none");
	return e;
}

static enum err tell_schema(struct status *s)
{
	char text[80];
	unsigned have;
	enum err e = pg_migrations_applied(s->pg, &have, s->diag);
	if (e)
		return e;
	snprintf(text, sizeof text, have < pg_n_migrations ? "version %u; this program has %u" : "version %u, up to date", have, pg_n_migrations);
	s->line(s->ctx, "schema", text);
	for (unsigned i = have; i < pg_n_migrations; i++)
		s->line(s->ctx, "to be applied", pg_migrations[i].name);
	for (size_t i = 0; have && !e && i < sizeof contents / sizeof *contents; i++)
		e = tell(s, contents[i].name, contents[i].sql);
	for (size_t i = 0; have >= 18 && !e && i < sizeof care / sizeof *care; i++)
		e = tell(s, care[i].name, care[i].sql);
	for (size_t i = 0; have >= 19 && !e && i < sizeof retention / sizeof *retention; i++)
		e = tell(s, retention[i].name, retention[i].sql);
	return e;
}

enum err db_status(const char *conninfo, void (*line)(void *ctx, const char *name, const char *value), void *ctx, struct diag *d)
{
	struct status s = { .arena = arena_new(0), .line = line, .ctx = ctx, .diag = d };
	enum err e = s.arena ? pg_open(conninfo, &s.pg, d) : ERR_NO_MEMORY;
	for (size_t i = 0; !e && i < sizeof facts / sizeof *facts; i++)
		e = tell(&s, facts[i].name, facts[i].sql);
	if (!e)
		e = tell_schema(&s);
	pg_close(s.pg);
	arena_free(s.arena);
	return e;
}

enum err db_migrate(const char *conninfo, unsigned *applied, struct diag *d)
{
	struct pg *pg;
	enum err e = pg_open(conninfo, &pg, d);
	if (e)
		return e;
	e = pg_migrate(pg, applied, d);
	pg_close(pg);
	return e;
}

/* -- verify ---------------------------------------------------------------------------------------------------------------------- */
static const char *const kind_name[STORE_N_KINDS] = {
	[STORE_SHELL] = "shell", [STORE_SUBMODEL] = "submodel", [STORE_CONCEPT] = "concept description",
	[STORE_SHELL_DESCRIPTOR] = "shell descriptor", [STORE_SUBMODEL_DESCRIPTOR] = "submodel descriptor", [STORE_ASSET_LINKS] = "asset links",
};

struct verify {
	struct store *store;
	struct store_txn *txn;
	struct arena *arena;		/* of one document */
	void (*finding)(void *, const struct db_finding *);
	void *ctx;
	uint64_t checked;
};

static void blame(struct verify *v, enum store_kind kind, const char *id, const char *text)
{
	struct db_finding f = { id ? kind_name[kind] : NULL, id, text };
	v->finding(v->ctx, &f);
}

/* Both counts of a verify statement: what is missing, what is too much. */
static enum err compare(struct verify *v, enum store_kind kind, const char *id, enum pg_statement st, struct pg_args *args, const char *what)
{
	struct pg_call c = { .st = st, .args = args };
	char text[160];
	enum err e = store_pg_run(v->txn, &c, 1);
	int64_t missing = e ? 0 : pg_int8(&c, 0, 0), more = e ? 0 : pg_int8(&c, 0, 1);
	if (missing || more) {
		snprintf(text, sizeof text, "%s are not what the document says: %lld missing or different, %lld too many or different", what,
			 (long long)missing, (long long)more);
		blame(v, kind, id, text);
	}
	pg_clear(&c, 1);
	return e;
}

static enum err check_facts(struct verify *v, enum store_kind kind, const struct aas_node *n, const char *id)
{
	struct aas_fact *f;
	struct pg_args args;
	size_t n_facts;
	enum err e = aas_facts(v->arena, n, &f, &n_facts);
	if (e)
		return e;
	pg_args_init(&args);
	pg_arg_text(&args, id);
	pg_arg_int2(&args, (int16_t)kind);
	store_pg_facts_args(&args, f, n_facts);
	e = compare(v, kind, id, PG_verify_facts, &args, "the facts that it is found by");
	pg_args_fini(&args);
	return e;
}

static enum err check_rows(struct verify *v, const struct aas_node *n, const char *id)
{
	struct aas_row *row;
	struct pg_args args;
	size_t n_rows;
	enum err e = aas_rows(v->arena, n, &row, &n_rows);
	if (e)
		return e;
	pg_args_init(&args);
	pg_arg_text(&args, id);
	store_pg_rows_args(&args, row, n_rows);
	e = compare(v, STORE_SUBMODEL, id, PG_verify_rows, &args, "the rows of its elements");
	pg_args_fini(&args);
	return e;
}

static enum err check_document(struct verify *v, enum store_kind kind, const struct store_doc *doc)
{
	struct aas_node *n = NULL;
	struct diag d = DIAG_INIT;
	char why[DIAG_TEXT_MAX + DIAG_PATH_MAX];
	enum err e = aas_json_read(v->arena, pg_kinds[kind].cls, doc->json.p, doc->json.n, AAS_JSON_DEFAULT, &n, &d);
	v->checked++;
	if (e && e != ERR_NO_MEMORY) {
		blame(v, kind, doc->id, diag_first(&d, why, sizeof why));
		e = ERR_OK;
	} else if (!e && strcmp(AAS_ID(n), doc->id)) {
		blame(v, kind, doc->id, "the document has another id");
	} else if (!e) {
		e = check_facts(v, kind, n, doc->id);
		if (!e && kind == STORE_SUBMODEL)
			e = check_rows(v, n, doc->id);
	}
	diag_fini(&d);
	arena_reset(v->arena);
	return e;
}

/* Each page is one moment: writers go on in between. */
static enum err check_page(struct verify *v, enum store_kind kind, struct arena *a, const char **after)
{
	struct store_page page;
	enum err e = v->store->ops->begin(v->store, false, &v->txn);
	if (e)
		return e;
	e = v->store->ops->list(v->txn, kind, NULL, *after, PAGE, a, &page);
	for (size_t i = 0; !e && i < page.n; i++)
		e = check_document(v, kind, &page.item[i]);
	*after = e ? NULL : page.next;
	v->store->ops->abort(v->txn);
	return e;
}

static enum err check_kind(struct verify *v, enum store_kind kind)
{
	struct arena *a[2] = { arena_new(0), arena_new(0) };
	const char *after = NULL;
	enum err e = a[0] && a[1] ? ERR_OK : ERR_NO_MEMORY;
	for (int turn = 0; !e; turn = !turn) {		/* `after` lies in the arena of the page before */
		arena_reset(a[turn]);
		e = check_page(v, kind, a[turn], &after);
		if (!after)
			break;
	}
	arena_free(a[0]);
	arena_free(a[1]);
	return e;
}

static enum err check_orphans(struct verify *v)
{
	static const char *const what[] = { "rows of elements", "facts" };
	struct pg_call c = { .st = PG_verify_orphans };
	char text[80];
	enum err e = v->store->ops->begin(v->store, false, &v->txn);
	if (e)
		return e;
	e = store_pg_run(v->txn, &c, 1);
	for (int i = 0; !e && i < 2; i++) {
		if (!pg_int8(&c, 0, i))
			continue;
		snprintf(text, sizeof text, "%lld %s belong to nothing", (long long)pg_int8(&c, 0, i), what[i]);
		blame(v, STORE_SHELL, NULL, text);
	}
	pg_clear(&c, 1);
	v->store->ops->abort(v->txn);
	return e;
}

enum err db_verify(const char *conninfo, void (*finding)(void *ctx, const struct db_finding *), void *ctx, uint64_t *checked, struct diag *d)
{
	struct store_pg_config c = { .conninfo = conninfo, .connections = 1, .no_migration = true };
	struct verify v = { .arena = arena_new(0), .finding = finding, .ctx = ctx };
	enum err e = v.arena ? ERR_OK : ERR_NO_MEMORY;
	if (!e && !(v.store = store_pg_open_with(&c, d)))
		e = ERR_UNAVAILABLE;
	for (int k = 0; !e && k < STORE_N_KINDS; k++)
		e = check_kind(&v, (enum store_kind)k);
	if (!e)
		e = check_orphans(&v);
	if (e && d && !d->n)
		diag_add(d, e, "%s", err_info[e].text);
	*checked = v.checked;
	if (v.store)
		v.store->ops->close(v.store);
	arena_free(v.arena);
	return e;
}
