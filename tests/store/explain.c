/* SPDX-License-Identifier: Apache-2.0
 * What the store asks, on 100,000 submodels: no large table is read from end to end, and the rows that are touched are bounded by the page and
 * not by the plant.  The deepest page costs what the first one costs.  Rows are counted, never times.
 */
#include "aas/query.h"
#include "base/clock.h"
#include "sql/migrate.h"
#include "sql/store_pg.h"
#include "sql/store_pg_priv.h"
#include "tests/database.h"
#include "tests/store/explain.h"

#define PAGE 100

static struct pg *pg;
static struct arena *ar;

static void must(enum err e, const char *what)
{
	if (!e)
		return;
	printf("Bail out! %s: %s\n", what, err_info[e].name);
	exit(1);
}

static void show(const struct touched *t)
{
	const char *p = t->plan ? t->plan : "", *end;
	for (int lines = 0; getenv("TWINSHELL_PLANS") && *p && (end = strchr(p, '\n')) && lines < 400; p = end + 1, lines++)
		if (strstr(p, "Node Type") < end || strstr(p, "Index Name") < end || strstr(p, "Actual Rows") < end)
			printf("# %.*s\n", (int)(end - p), p);
}

/* -- statements of the table: prepared, and planned for any values, as every session has it ---------------------------------------------------- */
static const char *const sql_of[] = {
#define S(name, sql) sql,
#include "sql/statement.def"
#undef S
};

static const struct { const char *what; enum pg_statement st; const char *first, *deep; double rows; } statements[] = {
	{ "a submodel", PG_submodel_get, "'urn:sm:000077'", NULL, 1 },
	{ "its version", PG_submodel_version, "'urn:sm:000077'", NULL, 1 },
	{ "shells", PG_shell_list, "'', 101, 0", "'urn:sh:019000', 101, 0", 104 },
	{ "submodels", PG_submodel_list, "'', 101, 0", "'urn:sm:099000', 101, 0", 104 },
	{ "heads of submodels", PG_submodel_list_heads, "'', 101", "'urn:sm:099000', 101", 104 },
	{ "concepts", PG_concept_list, "'', 101, 0", "'urn:cd:009000', 101, 0", 104 },
	{ "shell descriptors", PG_shell_descriptor_list, "'', 101, 0", "'urn:sd:009000', 101, 0", 104 },
	{ "submodel descriptors", PG_submodel_descriptor_list, "'', 101, 0", "'urn:md:009000', 101, 0", 104 },
	{ "asset links", PG_asset_links_list, "'', 101, 0", "'urn:al:009000', 101, 0", 104 },
	{ "heads by ids", PG_submodel_heads, "ARRAY['urn:sm:000001', 'urn:sm:000077', 'none']", NULL, 3 },
	{ "documents by ids", PG_submodel_gets, "ARRAY['urn:sm:000001', 'urn:sm:000077', 'none']", NULL, 5 },
	{ "documents by keys", PG_submodel_some, "ARRAY[twinshell.key_of('urn:sm:000001'), twinshell.key_of('urn:sm:000077')]", NULL, 4 },
	{ "submodels by a common semanticId", PG_submodel_find, "'', 101, 1, 2, '', '(GlobalReference)urn:kind:7', '{}', '{}', '{}', 0",
	  "'urn:sm:099000', 101, 1, 2, '', '(GlobalReference)urn:kind:7', '{}', '{}', '{}', 0", 210 },
	{ "submodels by idShort", PG_submodel_find, "'', 101, 1, 1, '', 'Sm7', '{}', '{}', '{}', 0",
	  "'urn:sm:095000', 101, 1, 1, '', 'Sm7', '{}', '{}', '{}', 0", 40 },
	{ "submodels by idShort and semanticId", PG_submodel_find, "'', 101, 1, 1, '', 'Sm7', '{2}', '{\"\"}', '{(GlobalReference)urn:kind:7}', 0", NULL, 60 },
	{ "heads of submodels by semanticId", PG_submodel_find, "'', 101, 1, 2, '', '(GlobalReference)urn:kind:7', '{}', '{}', '{}', 1",
	  "'urn:sm:099000', 101, 1, 2, '', '(GlobalReference)urn:kind:7', '{}', '{}', '{}', 1", 210 },
	{ "shells by asset id", PG_shell_find, "'', 101, 0, 5, 'globalAssetId', 'urn:asset:77', '{}', '{}', '{}', 0", NULL, 2 },
	{ "shells by a common asset id", PG_shell_find, "'', 101, 0, 5, 'line', '7', '{}', '{}', '{}', 0", "'urn:sh:018000', 101, 0, 5, 'line', '7', '{}', '{}', '{}', 0", 210 },
	{ "shells by two asset ids", PG_shell_find, "'', 101, 0, 5, 'serial', '77', '{5}', '{line}', '{7}', 0", NULL, 10 },
	{ "shells by asset kind", PG_shell_find, "'', 101, 0, 12, '', 'Instance', '{}', '{}', '{}', 0", "'urn:sh:019000', 101, 0, 12, '', 'Instance', '{}', '{}', '{}', 0", 210 },
	{ "shells by asset type", PG_shell_find, "'', 101, 0, 13, '', 'urn:type:7', '{}', '{}', '{}', 0", NULL, 210 },
	{ "shells by submodel", PG_shell_find, "'', 2, 0, 6, '', 'urn:sm:000075', '{}', '{}', '{}', 0", NULL, 2 },
	{ "concepts by isCaseOf", PG_concept_find, "'', 101, 2, 3, '', '(GlobalReference)urn:case:7', '{}', '{}', '{}', 0", NULL, 210 },
	{ "shell descriptors by asset type", PG_shell_descriptor_find, "'', 101, 3, 13, '', 'urn:type:7', '{}', '{}', '{}', 0", NULL, 210 },
	{ "asset links by asset id", PG_asset_links_find, "'', 101, 5, 5, '', 'L7', '{}', '{}', '{}', 0", NULL, 20 },
	{ "packages", PG_package_list, "'', 101", "'p009000', 101", 104 },
	{ "packages by shell", PG_package_find, "'', 101, 'urn:sh:7'", NULL, 20 },
	{ "an invocation", PG_invocation_get, "'h000077'", NULL, 1 },
	{ "open invocations", PG_invocation_open, "'me', 100", NULL, 100 },
	{ "the last version in history", PG_last_version, "'urn:sm:000077', 1", NULL, 1 },
	{ "paths of Properties", PG_values_count, "'urn:sm:000077', ARRAY['Plate.Serial', 'Ready']", NULL, 8 },
};

static bool execute(const char *name, const char *args, struct touched *t)
{
	must(pg_begin(pg, PG_READ), "begin");
	bool ok = touched_by(pg, ar, arena_printf(ar, "EXECUTE %s(%s)", name, args), NULL, t);
	pg_rollback(pg);
	return ok;
}

static void statement(size_t i)
{
	const char *name = arena_printf(ar, "shape%zu", i);
	must(pg_script(pg, arena_printf(ar, "PREPARE %s AS %s", name, sql_of[statements[i].st]), NULL), statements[i].what);
	struct touched first, deep;
	bool ok = execute(name, statements[i].first, &first);
	deep = first;
	if (statements[i].deep)
		ok &= execute(name, statements[i].deep, &deep);
	bool good = ok && !*first.whole && !*deep.whole && first.rows <= statements[i].rows && deep.rows <= statements[i].rows &&
		    deep.rows <= 1.2 * first.rows && deep.blocks <= 1.2 * first.blocks + 20;
	if (!check(good, "%s: %.0f rows, deep %.0f, at most %.0f; blocks %.0f, %.0f", statements[i].what, first.rows, deep.rows, statements[i].rows,
		   first.blocks, deep.blocks)) {
		printf("# read as a whole: \"%s\" \"%s\"\n", first.whole, deep.whole);
		show(&first);
	}
}

/* -- queries: planned for their values ------------------------------------------------------------------------------------------------ */
#define EQ(field, value) "{\"$eq\":[{\"$field\":\"" field "\"},{\"$strVal\":\"" value "\"}]}"
#define OP(op, field, kind, value) "{\"" op "\":[{\"$field\":\"" field "\"},{\"" kind "\":" value "}]}"
#define AND(a, b) "{\"$and\":[" a "," b "]}"
#define OR(a, b) "{\"$or\":[" a "," b "]}"
#define NOT(a) "{\"$not\":" a "}"
#define MATCH(a, b) "{\"$match\":[" a "," b "]}"

/* `rows`: at most; 0: no index helps, the documents are looked at in their order as far as a request may (ERR_EXPENSIVE, or a page that ends). */
static const struct asked { enum store_kind kind; const char *condition; double rows; } queries[] = {
	{ STORE_SUBMODEL, EQ("$sm#id", "urn:sm:000077"), 2 },
	{ STORE_SUBMODEL, EQ("$sm#idShort", "Sm7"), 100 },
	{ STORE_SUBMODEL, EQ("$sm#semanticId", "urn:kind:7"), 300 },
	{ STORE_SUBMODEL, EQ("$sm#semanticId", "urn:nothing"), 10 },
	{ STORE_SUBMODEL, EQ("$sme.Plate.Serial#value", "SN-77"), 10 },
	{ STORE_SUBMODEL, EQ("$sme#value", "SN-77"), 10 },
	{ STORE_SUBMODEL, EQ("$sme.Ready#value", "true"), 2300 },
	{ STORE_SUBMODEL, EQ("$sme#semanticId", "urn:sem:7"), 400 },
	{ STORE_SUBMODEL, EQ("$sme#semanticId", "urn:ready"), 2300 },
	{ STORE_SUBMODEL, EQ("$sme#idShort", "Rare7"), 100 },
	{ STORE_SUBMODEL, EQ("$sme#idShort", "Speed"), 2300 },
	{ STORE_SUBMODEL, OP("$gt", "$sme.Rare7#value", "$dateTimeVal", "\"2024-02-01T00:00:00Z\""), 100 },
	{ STORE_SUBMODEL, OP("$eq", "$sme.Speed#value", "$numVal", "77"), 10 },
	{ STORE_SUBMODEL, OP("$lt", "$sme.Speed#value", "$numVal", "50"), 250 },
	{ STORE_SUBMODEL, AND(OP("$ge", "$sme.Speed#value", "$numVal", "50000"), OP("$lt", "$sme.Speed#value", "$numVal", "50050")), 250 },
	{ STORE_SUBMODEL, MATCH(OP("$ge", "$sme.Speed#value", "$numVal", "50000"), OP("$lt", "$sme.Speed#value", "$numVal", "50050")), 400 },
	{ STORE_SUBMODEL, AND(OP("$gt", "$sme.Speed#value", "$numVal", "99000"), OP("$ge", "$sme.Speed#value", "$numVal", "99990")), 4500 },
	{ STORE_SUBMODEL, OR(EQ("$sm#idShort", "Sm7"), OP("$lt", "$sme.Speed#value", "$numVal", "50")), 400 },
	{ STORE_SUBMODEL, OP("$ge", "$sme.Speed#value", "$numVal", "100"), 2500 },
	{ STORE_SUBMODEL, OP("$eq", "$sme.Ready#value", "$boolean", "true"), 2300 },
	{ STORE_SUBMODEL, MATCH(EQ("$sme#semanticId", "urn:sem:7"), OP("$lt", "$sme#value", "$numVal", "50000")), 400 },
	{ STORE_SUBMODEL, OR(EQ("$sm#idShort", "Sm7"), EQ("$sme.Serial#value", "SN-9")), 200 },
	{ STORE_SUBMODEL, AND(EQ("$sm#semanticId", "urn:kind:7"), EQ("$sme.Serial#value", "SN-77")), 2100 },
	{ STORE_SUBMODEL, AND(EQ("$sm#semanticId", "urn:kind:7"), EQ("$sm#idShort", "Sm7")), 2200 },
	{ STORE_SUBMODEL, AND(EQ("$sm#semanticId", "urn:kind:7"), NOT(EQ("$sm#idShort", "Sm7"))), 800 },
	{ STORE_SUBMODEL, AND(EQ("$sm#idShort", "Sm7"), OP("$regex", "$sm#id", "$strVal", "\"7$\"")), 100 },
	{ STORE_SUBMODEL, OP("$starts-with", "$sm#id", "$strVal", "\"urn:sm:0999\""), 0 },
	{ STORE_SUBMODEL, EQ("$aas#assetInformation.globalAssetId", "urn:asset:77"), 20 },
	{ STORE_SUBMODEL, AND(EQ("$aas#assetInformation.globalAssetId", "urn:asset:77"), EQ("$sm#semanticId", "urn:kind:5")), 2100 },
	{ STORE_SHELL, EQ("$aas#idShort", "Shell7"), 300 },
	{ STORE_SHELL, EQ("$aas#assetInformation.globalAssetId", "urn:asset:77"), 10 },
	{ STORE_SHELL, EQ("$aas#assetInformation.specificAssetIds[].value", "77"), 10 },
	{ STORE_SHELL, EQ("$aas#assetInformation.specificAssetIds[].name", "serial"), 9000 },
	{ STORE_SHELL, EQ("$aas#assetInformation.assetType", "urn:type:7"), 300 },
	{ STORE_SHELL, EQ("$aas#assetInformation.assetKind", "Instance"), 300 },
	{ STORE_SHELL, EQ("$aas#submodels[].keys[].value", "urn:sm:000075"), 10 },
	{ STORE_SHELL, MATCH(EQ("$aas#assetInformation.specificAssetIds[].name", "serial"), EQ("$aas#assetInformation.specificAssetIds[].value", "77")), 10 },
	{ STORE_SHELL, EQ("$sme.Plate.Serial#value", "SN-75"), 20 },
	{ STORE_SHELL, EQ("$sm#semanticId", "urn:kind:5"), 5000 },
	{ STORE_CONCEPT, EQ("$cd#id", "urn:cd:000077"), 2 },
	{ STORE_SUBMODEL, OP("$contains", "$sme.Plate.Serial#value", "$strVal", "\"77\""), 0 },
	{ STORE_SUBMODEL, OP("$contains", "$sm#idShort", "$strVal", "\"77\""), 0 },
	{ STORE_SUBMODEL, OP("$ends-with", "$sm#id", "$strVal", "\"777\""), 0 },
	{ STORE_SUBMODEL, OP("$regex", "$sme.Plate.Serial#value", "$strVal", "\"^never$\""), 2300 },
	{ STORE_SUBMODEL, NOT(EQ("$sm#semanticId", "urn:kind:7")), 2000 },
	{ STORE_SUBMODEL, OP("$gt", "$sme#value", "$numVal", "5"), 2000 },
};

/* With a lead of 10: what a hundred times as many do that have a fact. */
static const struct asked walked[] = {
	{ STORE_SUBMODEL, EQ("$sm#idShort", "Sm7"), 100 },
	{ STORE_SUBMODEL, AND(EQ("$sm#idShort", "Sm7"), NOT(EQ("$sm#id", "urn:sm:000007"))), 200 },
	{ STORE_SUBMODEL, AND(EQ("$sm#idShort", "Sm7"), EQ("$sm#semanticId", "urn:kind:7")), 300 },
	{ STORE_SUBMODEL, OR(EQ("$sm#idShort", "Sm7"), EQ("$sm#semanticId", "urn:kind:6")), 800 },
	{ STORE_SHELL, AND(EQ("$aas#idShort", "Shell7"), EQ("$aas#assetInformation.assetType", "urn:type:7")), 300 },
};

/* -- EXPLAIN cannot be given parameters for what it executes: they are written out ----------------------------------------------------- */
static uint64_t bytes(const char *p, unsigned n)
{
	uint64_t v = 0;
	for (unsigned i = 0; i < n; i++)
		v = v << 8 | (unsigned char)p[i];
	return v;
}

static const char *quoted(struct slice s)
{
	struct buf b = BUF_INIT;
	buf_putc(&b, '\'');
	for (size_t i = 0; i < s.n; i++)
		buf_printf(&b, s.p[i] == '\'' ? "''" : "%c", s.p[i]);
	buf_putc(&b, '\'');
	const char *text = arena_strndup(ar, b.p, b.n);
	buf_fini(&b);
	return text;
}

static const char *item(enum pg_type type, const char *p, size_t n)
{
	if (type == PG_TEXT)
		return quoted((struct slice){ p, n });
	uint64_t v = bytes(p, 8);
	double d;
	memcpy(&d, &v, sizeof d);
	return type == PG_FLOAT8 ? arena_printf(ar, "'%.17g'", d) :
	       arena_printf(ar, "timestamptz '2000-01-01 00:00:00Z' + %lld * interval '1 microsecond'", (long long)v);
}

static const char *items(const struct buf *b, enum pg_type type, const char *name)
{
	const char *sql = "ARRAY[";
	for (size_t at = 20, n; at + 4 <= b->n; at += 4 + n) {
		n = (size_t)bytes(b->p + at, 4);
		sql = arena_printf(ar, "%s%s%s", sql, at > 20 ? ", " : "", item(type, b->p + at + 4, n));
	}
	return arena_printf(ar, "%s]::%s[]", sql, name);
}

static const char *execution(const struct pg_args *a)
{
	return arena_printf(ar, "EXECUTE asked(%s, %lld, %s, %s, %s)", quoted((struct slice){ a->value[0], (size_t)a->length[0] }),
			    (long long)bytes(a->value[1], 8), items(&a->array[0], PG_TEXT, "text"), items(&a->array[1], PG_FLOAT8, "float8"),
			    items(&a->array[2], PG_TIMESTAMPTZ, "timestamptz"));
}

static bool query_touches(const struct asked *of, unsigned lead, const char *after, struct touched *t)
{
	struct aas_query *q;
	struct pg_query sql = { .lead = lead };
	const char *json = arena_printf(ar, "{\"$condition\":%s}", of->condition);
	enum err e = aas_query_read(ar, of->kind, json, strlen(json), &q, NULL);
	if (e)
		return false;
	must(store_pg_query_sql(ar, of->kind, q, after, PAGE, &sql), "SQL");
	must(pg_begin(pg, PG_READ), "begin");
	struct pg_args mode;
	struct pg_call c = { .st = PG_query_mode, .args = &mode };
	pg_args_init(&mode);
	pg_arg_text(&mode, "60000");
	must(pg_run(pg, &c, 1), "mode");
	pg_clear(&c, 1);
	pg_args_fini(&mode);
	must(pg_script(pg, "SET LOCAL parallel_setup_cost = 0; SET LOCAL parallel_tuple_cost = 0", NULL), "helpers");	/* seem to be cheap */
	/* as the server asks: once prepared, planned for any values; those whose plan is not kept for their own */
	bool ok = !sql.keep;
	if (sql.keep) {
		must(pg_script(pg, "SET LOCAL plan_cache_mode = force_generic_plan", NULL), "generic");
		ok = !pg_script(pg, arena_printf(ar, "PREPARE asked (text, bigint, text[], float8[], timestamptz[]) AS %s", sql.sql), NULL);
	}
	ok = ok && (sql.keep ? touched_by(pg, ar, execution(&sql.args), NULL, t) : touched_by(pg, ar, sql.sql, &sql.args, t));
	if (sql.keep)
		pg_script(pg, "DEALLOCATE asked", NULL);
	pg_rollback(pg);
	pg_args_fini(&sql.args);
	return ok;
}

static void query(const struct asked *of, unsigned lead)
{
	struct touched first = { 0 }, deep = { 0 };
	const char *after = of->kind == STORE_SUBMODEL ? "urn:sm:090000" : of->kind == STORE_SHELL ? "urn:sh:018000" : "urn:cd:009000";
	bool ok = query_touches(of, lead, NULL, &first) && query_touches(of, lead, after, &deep);
	double most = of->rows;
	bool alone = ok && !strstr(first.plan, "Gather") && !strstr(deep.plan, "Gather");	/* to start helpers takes milliseconds */
	bool good = alone && (!most || (!*first.whole && !*deep.whole && first.rows <= most && deep.rows <= most));
	if (!check(good, "%s: %.0f rows, deep %.0f, at most %.0f%s", of->condition, first.rows, deep.rows, most, alone ? "" : ", with helpers")) {
		printf("# read as a whole: \"%s\" \"%s\"\n", first.whole, deep.whole);
		show(first.rows > most || *first.whole ? &first : &deep);
	}
}

int main(void)
{
	struct database db;
	if (!database_cluster())
		return skip_all(DATABASE_SKIP);
	ar = arena_new(0);
	database_make(&db, "explain", "ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'");
	must(pg_open(db.conninfo, &pg, NULL), "open");
	must(pg_migrate(pg, NULL, NULL), "migrate");
	int64_t from = clock_mono_us();
	must(plant_fill(pg), "fill");		/* it drops indexes for that, so before the threads of a store look at anything */
	struct store *st = store_pg_open(db.conninfo, 1, NULL);
	printf("# %d submodels in %.1f s\n", PLANT_SUBMODELS, (double)(clock_mono_us() - from) / 1e6);
	for (size_t i = 0; i < sizeof statements / sizeof *statements; i++)
		statement(i);
	for (size_t i = 0; i < sizeof queries / sizeof *queries; i++)
		query(&queries[i], 0);
	for (size_t i = 0; i < sizeof walked / sizeof *walked; i++)
		query(&walked[i], 10);
	printf("# %.1f s\n", (double)(clock_mono_us() - from) / 1e6);
	pg_close(pg);
	st->ops->close(st);
	database_drop(&db);
	arena_free(ar);
	return done();
}
