/* SPDX-License-Identifier: Apache-2.0
 * Random documents and random queries: PostgreSQL answers what the memory store answers, which asks the evaluator about every document.
 * TWINSHELL_SEED repeats a run, TWINSHELL_QUERIES makes it longer.  Then: indexes are used, pages are honest, old databases learn the facts.
 */
#include <semaphore.h>
#include <stdarg.h>

#include "aas/json.h"
#include "aas/lexical.h"
#include "aas/path.h"
#include "aas/query.h"
#include "base/clock.h"
#include "base/map.h"
#include "sql/pg.h"
#include "sql/store_pg.h"
#include "sql/migrate.h"
#include "sql/store_pg_priv.h"
#include "tests/database.h"
#include "tests/store/query_random.h"

#define QUERIES 2000

static const enum aas_class_id class_of[STORE_N_KINDS] = { AAS_AssetAdministrationShell, AAS_Submodel, AAS_ConceptDescription };
static struct store *mem, *pg;
static struct database db;

static void must(enum err e, const char *what)
{
	if (!e)
		return;
	printf("Bail out! %s: %s\n", what, err_info[e].name);
	exit(1);
}

static void put_text(struct store *s, enum store_kind kind, const char *json)
{
	struct arena *a = arena_new(0);
	struct aas_node *n = NULL;
	struct store_txn *t;
	struct diag d = DIAG_INIT;
	bool created;
	int64_t version;
	enum err e = aas_json_read(a, class_of[kind], json, strlen(json), AAS_JSON_DEFAULT, &n, &d);
	if (e) {
		char why[600];
		printf("# %s\n# %s\n", diag_first(&d, why, sizeof why), json);
	}
	must(e, "document");
	must(s->ops->begin(s, true, &t), "begin");
	must(s->ops->put(t, kind, n, STORE_EITHER, 0, &created, &version), "put");
	must(s->ops->commit(t), "commit");
	arena_free(a);
}

/* Is there a Property at the path that may have this text? */
static bool suits(const char *id, const char *path, const char *text)
{
	struct arena *a = arena_new(0);
	struct aas_node *sm, *at;
	struct store_doc doc;
	struct store_txn *t;
	must(mem->ops->begin(mem, false, &t), "begin");
	enum err e = mem->ops->get(t, STORE_SUBMODEL, id, a, &doc);
	mem->ops->abort(t);
	if (e == ERR_NOT_FOUND) {
		arena_free(a);
		return false;
	}
	must(e, "get");
	must(aas_json_read(a, AAS_Submodel, doc.json.p, doc.json.n, AAS_JSON_DEFAULT, &sm, NULL), "document");
	bool yes = !aas_path_find(sm, path, strlen(path), &at, NULL) && aas_is(at, AAS_Property) &&
		   aas_xsd_ok(AAS_AT(at, Property, valueType).ord, text, strlen(text));
	arena_free(a);
	return yes;
}

/* New values in rows alone: what a query finds is newer than the document. */
static void value(struct store *s, const char *id, const char *path, const char *text)
{
	int64_t version;
	struct store_txn *t;
	const struct store_value v = { path, text };
	must(s->ops->begin(s, true, &t), "begin");
	must(s->ops->put_values(t, id, &v, 1, &version), "value");
	must(s->ops->commit(t), "commit");
}

/* By the writer of values, which leaves alone what elements are found by: nothing may be missed meanwhile. */
static void write_some(void)
{
	for (int i = 0; i < 40; i++) {
		char id[40];
		struct store_value v = { PICK(names), PICK(((const char *[]){ "x", "new", "true", "5", "7", "5.5", "3e0", "-1", "2024-01-07T10:30:00Z" })) };
		struct store_write w[2] = { { .submodel_id = id, .value = &v, .n = 1 }, { .submodel_id = id, .value = &v, .n = 1 } };
		snprintf(id, sizeof id, "urn:s:%u", roll(SUBMODELS));
		if (!suits(id, v.path, v.text))
			continue;
		must(store_write_wait(mem, &w[0]), "write");
		must(store_write_wait(pg, &w[1]), "write");
	}
}

/* Some are put anew, one is taken away: their rows and facts follow. */
static void change(void)
{
	static const unsigned many[STORE_N_KINDS] = { SHELLS, SUBMODELS, CONCEPTS };
	struct buf b = BUF_INIT;
	for (int i = 0; i < 8; i++) {
		enum store_kind kind = (enum store_kind)(roll(5) ? roll(2) : STORE_CONCEPT);
		buf_reset(&b);
		random_document(&b, kind, roll(many[kind]));
		put_text(mem, kind, b.p);
		put_text(pg, kind, b.p);
	}
	char id[40];
	snprintf(id, sizeof id, "urn:s:%u", roll(SUBMODELS));
	for (int i = 0; i < 2; i++) {
		struct store *s = i ? pg : mem;
		struct store_txn *t;
		must(s->ops->begin(s, true, &t), "begin");
		if (s->ops->del(t, STORE_SUBMODEL, id))
			s->ops->abort(t);
		else
			must(s->ops->commit(t), "commit");
	}
	buf_fini(&b);
}

static void fill(void)
{
	static const unsigned many[STORE_N_KINDS] = { SHELLS, SUBMODELS, CONCEPTS };
	struct buf b = BUF_INIT;
	for (int k = 0; k < STORE_N_KINDS; k++)
		for (unsigned i = 0; i < many[k]; i++) {
			buf_reset(&b);
			random_document(&b, (enum store_kind)k, i);
			put_text(mem, (enum store_kind)k, b.p);
			put_text(pg, (enum store_kind)k, b.p);
		}
	unsigned written = 0;
	for (int i = 0; i < 400; i++) {
		char id[40];
		const char *path = PICK(names), *text = PICK(((const char *[]){ "x", "new", "true", "5" }));
		snprintf(id, sizeof id, "urn:s:%u", roll(SUBMODELS));
		if (!suits(id, path, text))
			continue;
		value(mem, id, path, text);
		value(pg, id, path, text);
		written++;
	}
	check(written > 0, "%u values were written behind the documents", written);
	buf_fini(&b);
}

/* Somebody who has most documents already, and has read them. */
struct owner {
	struct arena *arena;
	unsigned had, read, searched;
	bool forgets;
};

static bool owned(struct owner *o, enum store_kind kind, const char *id, int64_t version, struct slice *json)
{
	struct store_txn *t;
	struct store_doc doc;
	if (o->forgets && hash_bytes(id, strlen(id)) % 2)
		return false;
	must(pg->ops->begin(pg, false, &t), "begin");
	enum err e = pg->ops->get(t, kind, id, o->arena, &doc);
	pg->ops->abort(t);
	*json = doc.json;
	return !e && doc.version == version;
}

static bool owner_has(void *ctx, enum store_kind kind, const char *id, int64_t version, struct slice *json)
{
	bool has = owned(ctx, kind, id, version, json);
	((struct owner *)ctx)->had += has;
	return has;
}

static const struct aas_node *owner_node(void *ctx, enum store_kind kind, const char *id, int64_t version)
{
	struct owner *o = ctx;
	struct aas_node *n = NULL;
	struct slice json;
	if (!owned(o, kind, id, version, &json))
		return NULL;
	must(aas_json_read(o->arena, class_of[kind], json.p, json.n, AAS_JSON_DEFAULT, &n, NULL), "read");
	o->read++;
	return n;
}

static void searched(struct store_search *q)
{
	sem_post(q->ctx);
}

/* The page, when a search beforehand finds what it takes. */
static bool page_found(enum store_kind kind, struct store_query want, const char *after, size_t limit, struct arena *a, struct store_page *page)
{
	sem_t done;
	struct store_txn *t;
	struct store_search q = { .kind = kind, .query = want.query, .after = after, .arena = a, .done = searched, .ctx = &done };
	sem_init(&done, 0, 0);
	if (!pg->ops->search(pg, &q))
		return false;
	while (sem_wait(&done))
		;
	want.found = &q;
	must(pg->ops->begin(pg, false, &t), "begin");
	enum err e = pg->ops->query(t, kind, &want, after, limit, a, page);
	if (t->pg || (e && e != ERR_AGAIN))
		check(false, "what was found is the answer, or it is asked for otherwise: %s", err_info[e].name);
	pg->ops->abort(t);
	return !e;
}

/* All pages of the answer: ids, and documents unless ids are selected. */
static enum err answer_to(struct store *s, enum store_kind kind, const struct aas_query *q, size_t limit, size_t docs, struct owner *o, struct buf *out)
{
	struct arena *a = arena_new(0);
	const char *after = NULL;
	enum err e = ERR_OK;
	struct store_page page;
	const struct store_loan loan = { owner_has, owner_node, o, SIZE_MAX };
	buf_reset(out);
	do {
		struct store_txn *t;
		struct store_query want = { q, docs, QUERY_STEPS_MAX, o ? &loan : NULL, NULL, NULL, NULL };
		must(s->ops->begin(s, false, &t), "begin");
		if (o && page_found(kind, want, after, limit, a, &page))
			o->searched++;
		else
			e = s->ops->query(t, kind, &want, after, limit, a, &page);
		for (size_t i = 0; !e && i < page.n; i++) {
			buf_printf(out, "%s ", page.item[i].id);
			buf_slice(out, page.item[i].json);
			buf_putc(out, '\n');
		}
		if (!e && page.n > limit)
			e = ERR_INTERNAL;
		if (!e && page.next && after && strcmp(page.next, after) <= 0)
			e = ERR_INTERNAL;
		after = e ? NULL : page.next;
		s->ops->abort(t);
	} while (after);
	buf_printf(out, "%s", e ? err_info[e].name : "");
	arena_free(a);
	return e;
}

static enum err answer(struct store *s, enum store_kind kind, const struct aas_query *q, size_t limit, size_t docs, struct buf *out)
{
	return answer_to(s, kind, q, limit, docs, NULL, out);
}

static struct { unsigned refused, queries, empty, exact, had, read, searched; } counts;

/* Asked again the store expects as many as it has found. */
static void again(enum store_kind kind, const struct aas_query *q, size_t limit, size_t docs, const struct buf *want, const char *text)
{
	struct owner o = { .arena = arena_new(0) };
	struct buf b = BUF_INIT;
	for (int i = 0; i < 5; i++) {
		o.forgets = i >= 3;	/* that he has them all was believed, then some are missing, then that is believed */
		answer_to(pg, kind, q, limit, docs, i ? &o : NULL, &b);
		if (b.n != want->n || memcmp(b.p ? b.p : "", want->p ? want->p : "", b.n))
			check(false, "query %u, asked again (%d): %s\n# now %.3000s\n# before %.3000s", counts.queries, i, text, b.p ? b.p : "", want->p ? want->p : "");
	}
	counts.had += o.had;
	counts.read += o.read;
	counts.searched += o.searched;
	buf_fini(&b);
	arena_free(o.arena);
}

static void one(struct buf *b, struct buf *x, struct buf *y)
{
	enum store_kind kind = (enum store_kind)(roll(10) < 6 ? STORE_SUBMODEL : roll(3) ? STORE_SHELL : STORE_CONCEPT);
	struct arena *a = arena_new(0);
	struct aas_query *q;
	struct pg_query sql = { .lead = 0 };
	size_t limit = roll(3) ? 100 : 1 + roll(7), docs = roll(4) ? QUERY_DOCS_MAX : 5 + roll(40);
	buf_reset(b);
	buf_puts(b, roll(4) ? "{\"$condition\":" : "{\"$select\":\"id\",\"$condition\":");
	random_condition(b, kind, 0);
	buf_putc(b, '}');
	if (aas_query_read(a, kind, b->p, b->n, &q, NULL)) {
		counts.refused++;	/* a $match about two lists, a constant that cannot be cast */
		arena_free(a);
		return;
	}
	bool joined = (kind == STORE_SHELL && (q->root[QUERY_SM] || q->root[QUERY_SME])) || (kind == STORE_SUBMODEL && q->root[QUERY_AAS]);
	docs = joined ? QUERY_DOCS_MAX : docs;		/* the other halves of tuples count, and the stores look at them for different candidates */
	enum err ex = answer(mem, kind, q, limit, docs, x), ey = answer(pg, kind, q, limit, docs, y);
	store_pg_query_sql(a, kind, q, NULL, 10, &sql);
	counts.exact += sql.exact;
	pg_args_fini(&sql.args);
	counts.queries++;
	counts.empty += !x->n;
	if (ex || ey || x->n != y->n || memcmp(x->p ? x->p : "", y->p ? y->p : "", x->n)) {
		check(false, "query %u: %s", counts.queries, b->p);
		printf("# limit %zu, %zu documents\n# %s\n# memory %s: %.3000s\n# PostgreSQL %s: %.3000s\n", limit, docs, b->p, err_info[ex].name, x->p ? x->p : "",
		       err_info[ey].name, y->p ? y->p : "");
	} else {
		again(kind, q, limit, docs, y, b->p);
	}
	arena_free(a);
}

static void compare(unsigned n)
{
	struct buf b = BUF_INIT, x = BUF_INIT, y = BUF_INIT;
	int before = tap_failed;
	memset(&counts, 0, sizeof counts);
	for (unsigned i = 0; i < n && tap_failed < before + 5; i++) {
		((struct pg_store *)pg)->query_lead = i % 3 ? i % 3 : 0;	/* few lead to the answer, many are walked */
		if (i % 10 == 9)
			write_some();
		one(&b, &x, &y);
		if (i % 200 == 199)
			change();
	}
	check(tap_failed == before, "%u queries are answered alike (%u with an empty answer, %u by SQL alone; %u were refused)", counts.queries, counts.empty,
	      counts.exact, counts.refused);
	check(counts.exact > counts.queries / 50 && counts.empty < counts.queries * 3 / 4, "and they ask for something");
	check(counts.had > counts.queries / 4 && counts.read > counts.queries / 4, "what somebody has is not fetched again (%u), nor read (%u)", counts.had, counts.read);
	check(counts.searched > counts.queries / 4, "%u pages were made of a search that nobody waited for", counts.searched);
	buf_fini(&b);
	buf_fini(&x);
	buf_fini(&y);
}

static struct store *open_store(void)
{
	struct diag d = DIAG_INIT;
	struct store *s = store_pg_open(db.conninfo, 4, &d);
	char why[600];
	if (!s)
		printf("# %s\n", diag_first(&d, why, sizeof why));
	diag_fini(&d);
	return s;
}

/* -- what only SQL can show ------------------------------------------------------------------------------------------------------------------------ */
#define FLEET 2500

static void fleet(void)
{
	struct arena *a = arena_new(0);
	struct store_txn *t;
	struct buf b = BUF_INIT;
	bool created;
	int64_t version;
	must(pg->ops->begin(pg, true, &t), "begin");
	for (unsigned i = 0; i < FLEET; i++) {
		struct aas_node *n = NULL;
		buf_reset(&b);
		buf_printf(&b, "{\"modelType\":\"Submodel\",\"id\":\"urn:fleet:%u\",\"idShort\":\"Sm%u\",\"semanticId\":{\"type\":\"ExternalReference\",\"keys\":["
			   "{\"type\":\"GlobalReference\",\"value\":\"urn:kind:%u\"}]},\"submodelElements\":[{\"modelType\":\"SubmodelElementCollection\",\"idShort\":\"Plate\","
			   "\"value\":[{\"modelType\":\"Property\",\"idShort\":\"Serial\",\"valueType\":\"xs:string\",\"value\":\"SN-%u\"},"
			   "{\"modelType\":\"Property\",\"idShort\":\"%s\",\"valueType\":\"xs:string\",\"value\":\"Everybody\"}]},{\"modelType\":\"Property\","
			   "\"idShort\":\"%s%u\",\"valueType\":\"xs:double\",\"value\":\"%u\",\"semanticId\":{\"type\":\"ExternalReference\",\"keys\":["
			   "{\"type\":\"GlobalReference\",\"value\":\"urn:sem:%u\"}]}}]}", i, i, i % 100, i, i + 1 < FLEET ? "Maker" : "Odd", "Rare", i % 500, i, i % 300);
		must(aas_json_read(a, AAS_Submodel, b.p, b.n, AAS_JSON_DEFAULT, &n, NULL), "fleet");
		must(pg->ops->put(t, STORE_SUBMODEL, n, STORE_CREATE, 0, &created, &version), "put");
		arena_reset(a);
		buf_reset(&b);
		buf_printf(&b, "{\"modelType\":\"AssetAdministrationShell\",\"id\":\"urn:shell:%u\",\"assetInformation\":{\"assetKind\":\"Instance\",\"globalAssetId\":"
			   "\"urn:asset:%u\",\"specificAssetIds\":[{\"name\":\"serial\",\"value\":\"%u\"}]},\"submodels\":[{\"type\":\"ModelReference\",\"keys\":["
			   "{\"type\":\"Submodel\",\"value\":\"urn:fleet:%u\"}]}]}", i, i, i, i);
		must(aas_json_read(a, AAS_AssetAdministrationShell, b.p, b.n, AAS_JSON_DEFAULT, &n, NULL), "fleet");
		must(pg->ops->put(t, STORE_SHELL, n, STORE_CREATE, 0, &created, &version), "put");
		arena_reset(a);
	}
	must(pg->ops->commit(t), "commit");
	buf_fini(&b);
	arena_free(a);
	put_text(pg, STORE_SUBMODEL, "{\"modelType\":\"Submodel\",\"id\":\"urn:fine\",\"submodelElements\":[{\"modelType\":\"Property\",\"idShort\":\"Fine\","
		 "\"valueType\":\"xs:decimal\",\"value\":\"5.00000000000000000001\"}]}");
}

/* Finer than a double: SQL rounds and may only say too much. */
static void rounding(void)
{
	static const struct { const char *op, *value, *want; } cases[] = {
		{ "gt", "5", "urn:fine \n" }, { "gt", "5.00000000000000000001", "" }, { "ge", "5.00000000000000000001", "urn:fine \n" }, { "eq", "5", "" },
		{ "lt", "5.00000000000000000002", "urn:fine \n" }, { "le", "5", "" }, { "ne", "5", "urn:fine \n" },
	};
	struct arena *a = arena_new(0);
	struct buf b = BUF_INIT;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct aas_query *q;
		const char *json = arena_printf(a, "{\"$select\":\"id\",\"$condition\":{\"$%s\":[{\"$field\":\"$sme.Fine#value\"},{\"$numVal\":%s}]}}", cases[i].op, cases[i].value);
		must(aas_query_read(a, STORE_SUBMODEL, json, strlen(json), &q, NULL), "query");
		answer(pg, STORE_SUBMODEL, q, 10, QUERY_DOCS_MAX, &b);
		check_str(b.n ? b.p : "", cases[i].want, "a fine decimal $%s %s", cases[i].op, cases[i].value);
	}
	buf_fini(&b);
	arena_free(a);
}

/* Values that were written since what elements are found by was brought up to date; it stays like that because the submodel is locked. */
static void behind(void)
{
	static const struct { const char *condition, *want; } cases[] = {
		{ "{\"$eq\":[{\"$field\":\"$sme.Plate.Serial#value\"},{\"$strVal\":\"now\"}]}", "urn:fleet:7 \n" },
		{ "{\"$eq\":[{\"$field\":\"$sme#value\"},{\"$strVal\":\"now\"}]}", "urn:fleet:7 \n" },
		{ "{\"$eq\":[{\"$field\":\"$sme.Plate.Serial#value\"},{\"$strVal\":\"SN-7\"}]}", "" },
		{ "{\"$eq\":[{\"$field\":\"$sme.Rare7#value\"},{\"$numVal\":70000.5}]}", "urn:fleet:7 \n" },
		{ "{\"$gt\":[{\"$field\":\"$sme.Rare7#value\"},{\"$numVal\":60000}]}", "urn:fleet:7 \n" },
		{ "{\"$and\":[{\"$ge\":[{\"$field\":\"$sme.Rare7#value\"},{\"$numVal\":60000}]},{\"$le\":[{\"$field\":\"$sme.Rare7#value\"},{\"$numVal\":80000}]}]}", "urn:fleet:7 \n" },
		{ "{\"$match\":[{\"$ge\":[{\"$field\":\"$sme.Rare7#value\"},{\"$numVal\":60000}]},{\"$le\":[{\"$field\":\"$sme.Rare7#value\"},{\"$numVal\":80000}]}]}", "urn:fleet:7 \n" },
		{ "{\"$and\":[{\"$ge\":[{\"$field\":\"$sme.Rare7#value\"},{\"$numVal\":7}]},{\"$lt\":[{\"$field\":\"$sme.Rare7#value\"},{\"$numVal\":8}]}]}", "" },
	};
	struct arena *a = arena_new(0);
	struct buf b = BUF_INIT;
	struct pg *c = NULL;
	must(pg_open(db.conninfo, &c, NULL), "open");
	must(pg_script(c, "UPDATE twinshell.element SET version = 2, behind = true, value = CASE value_group WHEN 1 THEN '70000.5' ELSE 'now' END,"
		       " num = CASE value_group WHEN 1 THEN 70000.5 END WHERE submodel = twinshell.key_of('urn:fleet:7');"
		       "UPDATE twinshell.submodel SET version = 2 WHERE key = twinshell.key_of('urn:fleet:7');"
		       "INSERT INTO twinshell.element_behind SELECT submodel, path_key FROM twinshell.element WHERE submodel = twinshell.key_of('urn:fleet:7')", NULL), "values");
	must(pg_script(c, "BEGIN; SELECT FROM twinshell.submodel WHERE key = twinshell.key_of('urn:fleet:7') FOR UPDATE", NULL), "lock");
	for (size_t i = 0; i < 4 * (sizeof cases / sizeof *cases); i++) {		/* the second time few are expected */
		struct aas_query *q;
		const char *condition = cases[i / 4].condition, *json = arena_printf(a, "{\"$select\":\"id\",\"$condition\":%s}", condition);
		((struct pg_store *)pg)->query_lead = i / 2 % 2 ? 1 : 0;
		must(aas_query_read(a, STORE_SUBMODEL, json, strlen(json), &q, NULL), "query");
		answer(pg, STORE_SUBMODEL, q, 10, QUERY_DOCS_MAX, &b);
		check_str(b.n ? b.p : "", cases[i / 4].want, "behind, %s", condition);
	}
	((struct pg_store *)pg)->query_lead = 0;
	pg_close(c);
	buf_fini(&b);
	arena_free(a);
}

static const char *answer_of(struct pg *c, struct arena *a, const char *sql)
{
	const char *answer = NULL;
	must(pg_ask(c, a, sql, NULL, 0, &answer, NULL), sql);
	return answer;
}

/* The plan of the statement as text, every line behind the other. */
static const char *plan(struct pg *c, struct arena *a, enum store_kind kind, const char *condition, bool quick)
{
	struct aas_query *q;
	struct pg_query sql = { .lead = 0 };
	struct buf b = BUF_INIT;
	must(aas_query_read(a, kind, condition, strlen(condition), &q, NULL), condition);
	must((quick ? store_pg_query_quick : store_pg_query_sql)(a, kind, q, NULL, 100, &sql), "SQL");
	struct pg_call call = { .sql = arena_printf(a, "EXPLAIN %s", sql.sql), .args = &sql.args };
	must(pg_run(c, &call, 1), "EXPLAIN");
	for (int i = 0; i < call.n; i++)
		buf_printf(&b, "%s\n", pg_str(&call, i, 0));
	pg_clear(&call, 1);
	pg_args_fini(&sql.args);
	const char *out = arena_strndup(a, b.p, b.n);
	buf_fini(&b);
	return out;
}

#define EQ(field, value) "{\"$eq\":[{\"$field\":\"" field "\"},{\"$strVal\":\"" value "\"}]}"
#define QUERY(x) "{\"$condition\":" x "}"
static void indexes(void)
{
	static const struct { enum store_kind kind; const char *condition, *index; } shapes[] = {
		{ STORE_SUBMODEL, QUERY(EQ("$sm#id", "urn:fleet:7")), "submodel_pkey" },
		{ STORE_SUBMODEL, QUERY(EQ("$sm#idShort", "Sm7")), "lookup_value" },
		{ STORE_SUBMODEL, QUERY(EQ("$sm#semanticId", "urn:kind:7")), "lookup_value" },
		{ STORE_SUBMODEL, QUERY(EQ("$sm#semanticId.keys[].value", "urn:kind:7")), "lookup_value" },
		{ STORE_SUBMODEL, QUERY(EQ("$sme.Plate.Serial#value", "SN-77")), "element_value" },
		{ STORE_SUBMODEL, QUERY(EQ("$sme#value", "SN-77")), "element_value" },
		{ STORE_SUBMODEL, QUERY(EQ("$sme#semanticId", "urn:sem:7")), "element_semantic" },
		{ STORE_SUBMODEL, QUERY(EQ("$sme#idShort", "Rare7")), "element_name" },
		{ STORE_SUBMODEL, QUERY("{\"$gt\":[{\"$field\":\"$sme.Rare7#value\"},{\"$numVal\":100}]}"), "element_n" },
		{ STORE_SUBMODEL, QUERY("{\"$match\":[" EQ("$sme#semanticId", "urn:sem:7") ",{\"$lt\":[{\"$field\":\"$sme#value\"},{\"$numVal\":100}]}]}"), "element_semantic" },
		{ STORE_SUBMODEL, QUERY("{\"$or\":[" EQ("$sm#idShort", "Sm7") "," EQ("$sme.Serial#value", "SN-9") "]}"), "element_value" },
		{ STORE_SUBMODEL, QUERY("{\"$and\":[" EQ("$sm#semanticId", "urn:kind:7") ",{\"$not\":" EQ("$sme.Serial#value", "SN-9") "}]}"), "lookup_value" },
		{ STORE_SUBMODEL, QUERY(EQ("$aas#assetInformation.globalAssetId", "urn:asset:7")), "lookup_value" },
		{ STORE_SHELL, QUERY(EQ("$aas#assetInformation.globalAssetId", "urn:asset:7")), "lookup_value" },
		{ STORE_SHELL, QUERY(EQ("$aas#assetInformation.specificAssetIds[].value", "7")), "lookup_asset_value" },
		{ STORE_SHELL, QUERY(EQ("$aas#submodels[].keys[].value", "urn:fleet:7")), "lookup_value" },
		{ STORE_SHELL, QUERY("{\"$match\":[" EQ("$aas#assetInformation.specificAssetIds[].name", "serial") "," EQ("$aas#assetInformation.specificAssetIds[].value", "7") "]}"), "lookup_value" },
		{ STORE_SHELL, QUERY(EQ("$sme.Plate.Serial#value", "SN-77")), "element_value" },
	};
	struct arena *a = arena_new(0);
	struct pg *c = NULL;
	struct pg_args args;
	struct pg_call mode = { .st = PG_query_mode, .args = &args };
	pg_args_init(&args);
	pg_arg_text(&args, "10000");
	must(pg_open(db.conninfo, &c, NULL), "open");
	must(pg_script(c, "ANALYZE", NULL), "ANALYZE");
	must(pg_begin(c, PG_READ), "begin");
	must(pg_run(c, &mode, 1), "mode");
	pg_clear(&mode, 1);
	pg_args_fini(&args);
	for (size_t i = 0; i < 2 * (sizeof shapes / sizeof *shapes); i++) {
		const char *condition = shapes[i / 2].condition, *index = shapes[i / 2].index, *p = plan(c, a, shapes[i / 2].kind, condition, i % 2);
		bool whole = strstr(p, "Seq Scan on element ") || strstr(p, "Seq Scan on lookup") || (i % 2 && strstr(p, "Seq Scan on submodel"));
		if (!check(strstr(p, index) && !whole, "%s uses %s%s", condition, index, i % 2 ? " where few are expected" : ""))
			for (const char *line = p, *end; *line && (end = strchr(line, '\n')); line = end + 1)
				printf("# %.*s\n", (int)(end - line), line);
	}
	const char *common = plan(c, a, STORE_SUBMODEL, QUERY(EQ("$sme.Serial#valueType", "xs:string")), false);
	const char *rare = plan(c, a, STORE_SUBMODEL, QUERY(EQ("$sme.Rare7#valueType", "xs:string")), false);
	check(strcmp(common, rare) != 0, "what is common and what is rare have plans of their own");
	check_str(answer_of(c, a, "SELECT concat_ws(' ', current_setting('plan_cache_mode'), current_setting('statement_timeout'))"), "force_custom_plan 10s",
		  "as EXPLAIN has them, queries have them, and they end");
	pg_rollback(c);
	pg_close(c);
	arena_free(a);
}

/* The ids that a store answers with, a line each; how many lines. */
static unsigned ids_where(struct arena *a, const char *field, const char *value, size_t limit, struct buf *out)
{
	struct aas_query *q;
	unsigned n = 0;
	const char *json = arena_printf(a, "{\"$select\":\"id\",\"$condition\":{\"$eq\":[{\"$field\":\"%s\"},{\"$strVal\":\"%s\"}]}}", field, value);
	must(aas_query_read(a, STORE_SUBMODEL, json, strlen(json), &q, NULL), "query");
	check_int(answer(pg, STORE_SUBMODEL, q, limit, QUERY_DOCS_MAX, out), ERR_OK, "%s of %s", value, field);
	for (const char *p = out->n ? out->p : ""; (p = strchr(p, '\n')); p++)
		n++;
	return n;
}

/* What was rare the last time, and is not this time. */
static void expected_few(void)
{
	static const struct { const char *name, *value; unsigned found; } asked[] = {
		{ "Maker", "SN-7", 0 }, { "Maker", "SN-8", 0 }, { "Maker", "Everybody", FLEET - 1 }, { "Serial", "SN-7", 1 }, { "Serial", "SN-8", 1 },
		{ "Odd", "Everybody", 1 }, { "Odd", "Everybody", 1 }, { "Serial", "SN-9", 1 }, { "Rare7", "Everybody", 0 },
	};
	struct arena *a = arena_new(0);
	struct buf b = BUF_INIT;
	((struct pg_store *)pg)->query_lead = 0;
	for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
		unsigned n = ids_where(a, arena_printf(a, "$sme.Plate.%s#value", asked[i].name), asked[i].value, FLEET, &b);
		check_int(n, asked[i].found, "as many as there are");
	}
	buf_fini(&b);
	arena_free(a);
}

/* Ids that are alike for longer than the index has of them, written from the last one to the first, each with the same value in two keys. */
static void alike(void)
{
	struct arena *a = arena_new(0);
	struct buf b = BUF_INIT, want = BUF_INIT;
	char like[521] = { 0 };
	memset(like, 'x', sizeof like - 1);
	for (unsigned i = 80; i-- > 0;)
		put_text(pg, STORE_SUBMODEL, arena_printf(a, "{\"modelType\":\"Submodel\",\"id\":\"urn:%s:%02u\",\"semanticId\":{\"type\":\"ExternalReference\",\"keys\":["
			 "{\"type\":\"GlobalReference\",\"value\":\"urn:twice\"},{\"type\":\"GlobalReference\",\"value\":\"urn:twice\"}]}}", like, i));
	for (unsigned i = 0; i < 80; i++)
		buf_printf(&want, "urn:%s:%02u \n", like, i);
	check_int(ids_where(a, "$sm#semanticId.keys[].value", "urn:twice", 10, &b), 80, "each is found once");
	check(b.n == want.n && !memcmp(b.p, want.p, b.n), "in the order of their ids");
	buf_fini(&want);
	buf_fini(&b);
	arena_free(a);
}

/* Many elements have it, and the first submodel of them belongs to no shell: who expects few shells must not take what he sees first for all. */
static void owner_of_one(void)
{
	static const char json[] = "{\"$select\":\"id\",\"$condition\":{\"$eq\":[{\"$field\":\"$sme.Shared#value\"},{\"$strVal\":\"by three\"}]}}";
	struct arena *a = arena_new(0);
	struct buf b = BUF_INIT;
	struct aas_query *q;
	for (int i = 0; i < 3; i++)
		put_text(pg, STORE_SUBMODEL, arena_printf(a, "{\"modelType\":\"Submodel\",\"id\":\"urn:shared:%d\",\"submodelElements\":[{\"modelType\":\"Property\","
			 "\"idShort\":\"Shared\",\"valueType\":\"xs:string\",\"value\":\"by three\"}]}", i));
	put_text(pg, STORE_SHELL, "{\"modelType\":\"AssetAdministrationShell\",\"id\":\"urn:owner\",\"assetInformation\":{\"assetKind\":\"Instance\"},\"submodels\":["
		 "{\"type\":\"ModelReference\",\"keys\":[{\"type\":\"Submodel\",\"value\":\"urn:shared:2\"}]}]}");
	must(aas_query_read(a, STORE_SHELL, json, strlen(json), &q, NULL), "query");
	((struct pg_store *)pg)->query_lead = 1;
	for (int i = 0; i < 3; i++) {
		check_int(answer(pg, STORE_SHELL, q, 10, QUERY_DOCS_MAX, &b), ERR_OK, "shells of what three submodels have");
		check_str(b.p, "urn:owner \n", "the one there is");
	}
	((struct pg_store *)pg)->query_lead = 0;
	buf_fini(&b);
	arena_free(a);
}

/* What would take long is not done by who serves others meanwhile, however little the search finds. */
static void heavy(void)
{
	static const struct { const char *mark; size_t n; } heavy[] = { { "light", 1000 }, { "steps", 300000 }, { "bytes", 1200000 } };
	struct arena *a = arena_new(0);
	struct owner o = { .arena = a };
	struct buf b = BUF_INIT;
	for (size_t i = 0; i < sizeof heavy / sizeof *heavy; i++) {
		buf_reset(&b);
		buf_printf(&b, "{\"modelType\":\"Submodel\",\"id\":\"urn:heavy:%zu\",\"submodelElements\":[{\"modelType\":\"Property\",\"idShort\":\"Mark\","
			   "\"valueType\":\"xs:string\",\"value\":\"%s\"},{\"modelType\":\"Property\",\"idShort\":\"Long\",\"valueType\":\"xs:string\",\"value\":\"", i,
			   heavy[i].mark);
		for (size_t k = 0; k < heavy[i].n; k++)
			buf_putc(&b, 'x');
		buf_puts(&b, "\"}]}");
		put_text(pg, STORE_SUBMODEL, b.p);
	}
	for (size_t i = 0; i < 2 * sizeof heavy / sizeof *heavy; i++) {
		struct aas_query *q;
		bool looks = i % 2;	/* at each character */
		const char *json = arena_printf(a, "{\"$condition\":{\"$and\":[{\"$eq\":[{\"$field\":\"$sme.Mark#value\"},{\"$strVal\":\"%s\"}]},"
						"{\"%s\":[{\"$field\":\"$sme.Long#value\"},{\"$strVal\":\"%s\"}]}]}}", heavy[i / 2].mark, looks ? "$regex" : "$starts-with", looks ? "^x+$" : "x");
		must(aas_query_read(a, STORE_SUBMODEL, json, strlen(json), &q, NULL), "query");
		o.searched = 0;
		for (int k = 0; k < 4; k++)
			answer_to(pg, STORE_SUBMODEL, q, 10, QUERY_DOCS_MAX, &o, &b);
		check(b.n > heavy[i / 2].n && (o.searched > 0) == (i / 2 == 0 || (i / 2 == 1 && !looks)), "%s: answered, %u times without waiting",
		      heavy[i / 2].mark, o.searched);
	}
	buf_fini(&b);
	arena_free(a);
}

/* What a request may look at is used up: the page ends, and the next one goes on behind it. */
static void pages(void)
{
	struct arena *a = arena_new(0);
	struct aas_query *q;
	struct store_txn *t;
	struct store_page page;
	struct store_query want = { NULL, 10, QUERY_STEPS_MAX, NULL, NULL, NULL, NULL };
	static const char none[] = "{\"$condition\":{\"$regex\":[{\"$field\":\"$sme.Serial#value\"},{\"$strVal\":\"^never$\"}]}}";
	static const char joined[] = "{\"$condition\":{\"$regex\":[{\"$field\":\"$sme.Serial#value\"},{\"$strVal\":\"^SN-0$\"}]}}";
	must(aas_query_read(a, STORE_SUBMODEL, none, strlen(none), &q, NULL), "query");
	want.query = q;
	must(pg->ops->begin(pg, false, &t), "begin");
	check_int(pg->ops->query(t, STORE_SUBMODEL, &want, "urn:fleet:", 100, a, &page), ERR_OK, "ten documents may be looked at");
	check(page.n == 0 && page.next && !strcmp(page.next, "urn:fleet:1005") && !want.docs, "an empty page that goes on behind the tenth: %s", page.next);
	want.docs = 10;
	want.steps = 1000;
	check_int(pg->ops->query(t, STORE_SUBMODEL, &want, "urn:fleet:", 100, a, &page), ERR_OK, "few steps may be done");
	check(page.n == 0 && page.next && want.docs > 0, "the page ends where they are used up: %s", page.next);
	want.steps = 100;
	check_int(pg->ops->query(t, STORE_SUBMODEL, &want, "urn:fleet:", 100, a, &page), ERR_EXPENSIVE, "not even one");
	pg->ops->abort(t);
	must(aas_query_read(a, STORE_SHELL, joined, strlen(joined), &q, NULL), "query");
	want = (struct store_query){ q, 1, QUERY_STEPS_MAX, NULL, NULL, NULL, NULL };
	must(pg->ops->begin(pg, false, &t), "begin");
	check_int(pg->ops->query(t, STORE_SHELL, &want, "urn:shell:", 100, a, &page), ERR_EXPENSIVE, "the other half of a tuple counts");
	pg->ops->abort(t);
	want = (struct store_query){ q, 2, QUERY_STEPS_MAX, NULL, NULL, NULL, NULL };
	must(pg->ops->begin(pg, false, &t), "begin");
	check_int(pg->ops->query(t, STORE_SHELL, &want, "urn:shell:", 100, a, &page), ERR_OK, "two documents are enough for one shell");
	check(page.n == 1 && !strcmp(page.item[0].id, "urn:shell:0") && page.next && !strcmp(page.next, "urn:shell:0"), "it is found, and there may be more");
	pg->ops->abort(t);
	arena_free(a);
}

/* A database that is not done in time: what all keys are made by takes longer than a query may. */
static void late(void)
{
	struct arena *a = arena_new(0);
	struct buf b = BUF_INIT;
	struct aas_query *q;
	struct pg *c;
	static const char json[] = QUERY(EQ("$sm#idShort", "A"));
	must(pg_open(db.conninfo, &c, NULL), "open");
	must(pg_script(c, "CREATE OR REPLACE FUNCTION twinshell.key_of(text) RETURNS bigint LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE"
			  " AS 'BEGIN PERFORM pg_catalog.pg_sleep(5); RETURN 1; END'", NULL), "slow");
	pg_close(c);
	must(aas_query_read(a, STORE_SUBMODEL, json, strlen(json), &q, NULL), "query");
	((struct pg_store *)pg)->query_ms = 50;
	check_int(answer(pg, STORE_SUBMODEL, q, 10, QUERY_DOCS_MAX, &b), ERR_EXPENSIVE, "a search that takes too long is ended");
	((struct pg_store *)pg)->query_ms = PG_QUERY_MS;
	for (size_t i = 0; i < PG_FEW; i++)
		((struct pg_store *)pg)->few[i] = PG_FIND_OWNED;
	sem_t done;
	struct store_search s = { .kind = STORE_SUBMODEL, .query = q, .arena = a, .done = searched, .ctx = &done }, next = s;
	sem_init(&done, 0, 0);
	check(pg->ops->search(pg, &s), "one that was short the last time");
	while (sem_wait(&done))
		;
	check_int(s.err, ERR_AGAIN, "it is ended soon, for others wait behind it");
	check(!pg->ops->search(pg, &next), "and for a while they ask on their own");
	buf_fini(&b);
	arena_free(a);
}

/* A database from before there were queries: the migration takes the facts from its documents. */
static void migrated(unsigned n)
{
	/* What is there now steps aside; the third schema is made anew and gets the rows that it had then. */
	static const char aside[] = "ALTER SCHEMA twinshell RENAME TO later; ALTER SCHEMA report RENAME TO later_report";
	static const char refill[] =
		"DO $$ DECLARE t text; c text; BEGIN FOREACH t IN ARRAY ARRAY['term', 'shell', 'submodel', 'concept_description', 'element', 'lookup'] LOOP"
		" SELECT string_agg(quote_ident(attname), ', ') INTO c FROM pg_attribute WHERE attrelid = ('twinshell.' || t)::regclass AND attnum > 0"
		" AND attgenerated = ''; EXECUTE format('INSERT INTO twinshell.%I (%s) SELECT %s FROM later.%I %s', t, c, c, t,"
		" CASE t WHEN 'lookup' THEN 'WHERE field <= 6 AND kind <= 2' ELSE '' END); END LOOP; END $$";
	struct pg *c;
	pg->ops->close(pg);
	must(pg_open(db.conninfo, &c, NULL), "open");
	must(pg_script(c, "CREATE TABLE public.kept AS SELECT * FROM twinshell.lookup WHERE field > 6 AND kind <= 2", NULL), "keep");
	must(pg_script(c, aside, NULL), "step aside");
	must(pg_migrate_list(c, pg_migrations, 3, NULL, NULL), "the third schema");
	must(pg_script(c, refill, NULL), "fill it");
	if (check((pg = open_store()) != NULL, "the store is brought up to date")) {
		struct arena *a = arena_new(0);
		check_str(answer_of(c, a, "SELECT string_agg(DISTINCT field::text, ' ') FROM public.kept"), "10 11 12 13 7 8 9", "facts of each field are at stake");
		check_str(answer_of(c, a, "SELECT count(*) FROM public.kept k WHERE NOT EXISTS (SELECT FROM twinshell.lookup l WHERE l.key = k.key"
				    " AND l.kind = k.kind AND l.field = k.field AND l.hash = k.hash AND l.value = k.value AND l.name = k.name)"), "0", "none is missing");
		arena_free(a);
		compare(n);
	}
	pg_close(c);
}

int main(void)
{
	const char *given = getenv("TWINSHELL_SEED"), *many = getenv("TWINSHELL_QUERIES");
	unsigned n = many ? (unsigned)strtoul(many, NULL, 10) : QUERIES;
	if (!database_cluster())
		return skip_all(DATABASE_SKIP);
	seed = given ? strtoull(given, NULL, 10) : 20240107;
	printf("# TWINSHELL_SEED=%llu\n", (unsigned long long)seed);
	database_make(&db, "query", "ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'");
	if (!check((pg = open_store()) && (mem = store_mem_new()), "two stores"))
		return done();
	fill();
	int64_t from = clock_mono_us();
	compare(n);
	printf("# %.1f s\n", (double)(clock_mono_us() - from) / 1e6);
	migrated(n / 10);
	fleet();
	indexes();
	expected_few();
	alike();
	owner_of_one();
	heavy();
	pages();
	rounding();
	behind();
	late();
	pg->ops->close(pg);
	mem->ops->close(mem);
	database_drop(&db);
	return done();
}
