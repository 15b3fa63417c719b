/* SPDX-License-Identifier: Apache-2.0
 * Random shells, submodels and entries of the registries, and random queries about descriptors: what either store answers is what the evaluator says
 * about each descriptor of the complete list.  TWINSHELL_SEED repeats a run, TWINSHELL_QUERIES makes it longer.
 */
#include "submodels/registry.h"

#include "aas/json.h"
#include "aas/query.h"
#include "sql/store_pg.h"
#include "sql/store_pg_priv.h"
#include "tests/database.h"

#define QUERIES 800
#define IDS 40
#define URL "http://here"

enum { MEM, PG, N_STORES };
static struct store *store[N_STORES];
static struct sm_service *service[N_STORES];
static struct database db;
static uint64_t seed;

static unsigned roll(unsigned n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(seed >> 33) % n;
}
#define PICK(list) (list)[roll(sizeof(list) / sizeof *(list))]

static const char *const words[] = { "A", "B", "C", "urn:1", "urn:2" };

static void semantic(struct buf *b)
{
	if (roll(3) == 0)
		return;
	buf_printf(b, ",\"semanticId\":{\"type\":\"ExternalReference\",\"keys\":[{\"type\":\"GlobalReference\",\"value\":\"%s\"}", PICK(words));
	if (roll(3) == 0)
		buf_printf(b, ",{\"type\":\"GlobalReference\",\"value\":\"%s\"}", PICK(words));
	buf_puts(b, "]}");
}

static void asset(struct buf *b, const char *first)
{
	unsigned n = roll(3);
	buf_printf(b, "%s\"assetKind\":\"%s\"", first, roll(2) ? "Type" : "Instance");
	if (roll(2))
		buf_printf(b, ",\"globalAssetId\":\"%s\"", PICK(words));
	if (roll(2))
		buf_printf(b, ",\"assetType\":\"%s\"", PICK(words));
	for (unsigned i = 0; i < n; i++)
		buf_printf(b, "%s{\"name\":\"%s\",\"value\":\"%s\"}", i ? "," : ",\"specificAssetIds\":[", PICK(words), PICK(words));
	buf_puts(b, n ? "]" : "");
}

static void endpoints(struct buf *b)
{
	buf_printf(b, ",\"endpoints\":[{\"interface\":\"%s\",\"protocolInformation\":{\"href\":\"http://there/%u\"}}]", PICK(words), roll(3));
}

static void document(struct buf *b, enum store_kind kind, unsigned n)
{
	bool shell = kind == STORE_SHELL || kind == STORE_SHELL_DESCRIPTOR, entry = kind >= STORE_SHELL_DESCRIPTOR;
	buf_reset(b);
	buf_printf(b, "{\"id\":\"urn:%c:%u\"", shell ? 'a' : 's', n);
	if (!entry)
		buf_printf(b, ",\"modelType\":\"%s\"", shell ? "AssetAdministrationShell" : "Submodel");
	if (roll(3))
		buf_printf(b, ",\"idShort\":\"%s\"", words[roll(3)]);
	if (!shell)
		semantic(b);
	else if (!entry || roll(2))
		asset(b, entry ? "," : ",\"assetInformation\":{");
	if (shell && !entry)
		buf_puts(b, "}");
	if (entry && (!shell || roll(2)))
		endpoints(b);
	unsigned many = shell ? roll(4) : 0;
	const char *list = entry ? ",\"submodelDescriptors\":[" : ",\"submodels\":[";
	for (unsigned i = 0, at = roll(IDS); i < many; i++, at++) {
		buf_puts(b, i ? "," : list);
		if (!entry) {
			buf_printf(b, "{\"type\":\"ModelReference\",\"keys\":[{\"type\":\"Submodel\",\"value\":\"urn:s:%u\"}]}", at);
			continue;
		}
		buf_printf(b, "{\"id\":\"urn:s:%u\"", at);
		semantic(b);
		endpoints(b);
		buf_putc(b, '}');
	}
	buf_puts(b, many ? "]}" : "}");
}

static void must(enum err e, const char *what)
{
	if (!e)
		return;
	printf("Bail out! %s: %s\n", what, err_info[e].name);
	exit(1);
}

/* `json` NULL: it goes, if it is there. */
static void change(enum store_kind kind, const char *id, const char *json)
{
	static const enum aas_class_id class_of[STORE_N_KINDS] = {
		[STORE_SHELL] = AAS_AssetAdministrationShell, [STORE_SUBMODEL] = AAS_Submodel,
		[STORE_SHELL_DESCRIPTOR] = AAS_AssetAdministrationShellDescriptor, [STORE_SUBMODEL_DESCRIPTOR] = AAS_SubmodelDescriptor,
	};
	for (int i = 0; i < N_STORES; i++) {
		struct arena *a = arena_new(0);
		struct store_txn *t;
		struct aas_node *n = NULL;
		bool created;
		int64_t version;
		must(store[i]->ops->begin(store[i], true, &t), "begin");
		if (json) {
			must(aas_json_read(a, class_of[kind], json, strlen(json), AAS_JSON_DEFAULT, &n, NULL), json);
			must(store[i]->ops->put(t, kind, n, STORE_EITHER, 0, &created, &version), "put");
		} else {
			enum err e = store[i]->ops->del(t, kind, id);
			must(e == ERR_NOT_FOUND ? ERR_OK : e, "del");
		}
		must(store[i]->ops->commit(t), "commit");
		arena_free(a);
	}
}

static void some(unsigned n, unsigned gone)
{
	static const enum store_kind kinds[] = { STORE_SHELL, STORE_SUBMODEL, STORE_SHELL_DESCRIPTOR, STORE_SUBMODEL_DESCRIPTOR };
	struct buf b = BUF_INIT;
	for (unsigned i = 0; i < n; i++) {
		enum store_kind kind = PICK(kinds);
		unsigned at = roll(IDS);
		char id[40];
		snprintf(id, sizeof id, "urn:%c:%u", kind == STORE_SHELL || kind == STORE_SHELL_DESCRIPTOR ? 'a' : 's', at);
		document(&b, kind, at);
		change(kind, id, roll(gone) ? b.p : NULL);
	}
	buf_fini(&b);
}

/* -- queries ------------------------------------------------------------------------------------------------------------------------------------- */
static const char *const of_shell[] = {
	"id", "idShort", "assetKind", "assetType", "globalAssetId", "specificAssetIds[].name", "specificAssetIds[].value", "specificAssetIds[1].value",
	"endpoints[].interface", "endpoints[0].protocolinformation.href", "submodelDescriptors[].id", "submodelDescriptors[].idShort",
	"submodelDescriptors[].semanticId", "submodelDescriptors[1].endpoints[].interface",
};
static const char *const of_submodel[] = { "id", "idShort", "semanticId", "semanticId.keys[].value", "semanticId.keys[1].value", "semanticId.type", "endpoints[].interface" };

static void comparison(struct buf *b, bool shell, const char *field)
{
	static const char *const ops[] = { "$eq", "$eq", "$eq", "$eq", "$ne", "$gt", "$le", "$contains", "$starts-with", "$ends-with", "$regex" };
	const char *op = PICK(ops);
	field = field ? field : shell ? PICK(of_shell) : PICK(of_submodel);
	buf_printf(b, "{\"%s\":[{\"$field\":\"$%s#%s\"},", op, shell ? "aasdesc" : "smdesc", field);
	if (roll(15) == 0 && strcmp(op, "$regex"))
		buf_printf(b, "{\"$field\":\"$%s#%s\"}]}", shell ? "aasdesc" : "smdesc", shell ? PICK(of_shell) : PICK(of_submodel));
	else if (!strcmp(field, "id") || strstr(field, "[].id"))
		buf_printf(b, "{\"$strVal\":\"urn:%c:%u\"}]}", shell && !strcmp(field, "id") ? 'a' : 's', roll(IDS));
	else
		buf_printf(b, "{\"$strVal\":\"%s\"}]}", strstr(field, "Kind") ? "Type" : strstr(field, "AAS") ? "AAS-3.0" : PICK(words));
}

static void expression(struct buf *b, bool shell, unsigned depth)
{
	unsigned die = depth > 2 ? 9 : roll(11);
	if (die > 4) {
		comparison(b, shell, NULL);
		return;
	}
	bool list = die == 4 && shell;
	buf_printf(b, "{\"%s\":", die < 2 ? "$and" : die == 2 ? "$or" : die == 3 ? "$not" : "$match");
	buf_puts(b, die == 3 ? "" : "[");
	for (unsigned i = 0; i < (die == 3 ? 1 : 2); i++) {
		buf_puts(b, i ? "," : "");
		if (list)
			comparison(b, shell, i ? "specificAssetIds[].value" : "specificAssetIds[].name");
		else if (die == 4)
			comparison(b, shell, NULL);
		else
			expression(b, shell, depth + 1);
	}
	buf_puts(b, die == 3 ? "}" : "]}");
}

/* All that the query holds for, of the complete list of the memory store. */
static void expect(struct arena *a, enum store_kind kind, const struct aas_query *q, struct buf *out)
{
	struct sm_session *s;
	struct sm_descriptors all;
	uint64_t steps = QUERY_STEPS_MAX;
	must(sm_begin(service[MEM], false, a, NULL, &s), "begin");
	must(sm_descriptor_list(s, kind, &(struct store_filter){ 0 }, URL, NULL, 1000, &all), "list");
	for (size_t i = 0; i < all.n; i++) {
		bool yes;
		must(aas_query_holds(q, &(struct query_tuple){ .descriptor = all.item[i] }, a, &steps, &yes), "evaluator");
		if (yes && q->ids_only)
			buf_printf(out, "%s\n", AAS_ID(all.item[i]));
		else if (yes)
			aas_json_write(out, all.item[i]);
	}
	sm_abort(s);
}

/* Page by page. */
static void answer(struct arena *a, int which, enum store_kind kind, const struct aas_query *q, size_t limit, size_t docs, struct buf *out)
{
	const char *after = NULL;
	do {
		struct sm_session *s;
		struct sm_descriptors page;
		struct store_query want = { q, docs, QUERY_STEPS_MAX, NULL, NULL, NULL, NULL };
		must(sm_begin(service[which], false, a, NULL, &s), "begin");
		enum err e = sm_descriptor_query(s, kind, &want, URL, after, limit, &page);
		for (size_t i = 0; !e && i < page.n; i++)
			if (q->ids_only)
				buf_printf(out, "%s\n", AAS_ID(page.item[i]));
			else
				aas_json_write(out, page.item[i]);
		if (e || page.n > limit || (page.next && after && strcmp(page.next, after) <= 0))
			buf_printf(out, "%s, %zu of %zu", err_info[e].name, page.n, limit);
		after = e ? NULL : page.next;
		sm_abort(s);
	} while (after);
}

static void one(unsigned n, unsigned *found)
{
	enum store_kind kind = roll(2) ? STORE_SHELL_DESCRIPTOR : STORE_SUBMODEL_DESCRIPTOR;
	struct arena *a = arena_new(0);
	struct buf b = BUF_INIT, want = BUF_INIT, got[N_STORES] = { BUF_INIT, BUF_INIT };
	struct aas_query *q;
	size_t limit = roll(3) ? 100 : 1 + roll(6), docs = roll(3) ? QUERY_DOCS_MAX : 8 + roll(30);
	buf_puts(&b, roll(2) ? "{\"$condition\":" : "{\"$select\":\"id\",\"$condition\":");
	expression(&b, kind == STORE_SHELL_DESCRIPTOR, 0);
	buf_putc(&b, '}');
	if (aas_query_read(a, kind, b.p, b.n, &q, NULL) == ERR_OK) {		/* else: a $match about two lists */
		expect(a, kind, q, &want);
		*found += want.n > 0;
		for (int i = 0; i < N_STORES; i++) {
			answer(a, i, kind, q, limit, docs, &got[i]);
			if (got[i].n != want.n || memcmp(got[i].p ? got[i].p : "", want.p ? want.p : "", want.n)) {
				check(false, "query %u on %s: %s", n, i == PG ? "PostgreSQL" : "memory", b.p);
				printf("# wanted %.1500s\n# got %.1500s\n", want.p ? want.p : "", got[i].p ? got[i].p : "");
			}
		}
	}
	buf_fini(&b);
	buf_fini(&want);
	buf_fini(&got[MEM]);
	buf_fini(&got[PG]);
	arena_free(a);
}

/* What is asked for most is not looked for in all that is there: few candidates come. */
static void candidates(void)
{
#define EQ(field, value) "{\"$eq\":[{\"$field\":\"" field "\"},{\"$strVal\":\"" value "\"}]}"
	static const struct { enum store_kind kind; const char *condition, *want; } cases[] = {
		{ STORE_SHELL_DESCRIPTOR, EQ("$aasdesc#id", "urn:x:2"), "urn:x:2 " }, { STORE_SHELL_DESCRIPTOR, EQ("$aasdesc#idShort", "Own"), "urn:x:1 " },
		{ STORE_SHELL_DESCRIPTOR, EQ("$aasdesc#idShort", "Entry"), "urn:x:2 " }, { STORE_SHELL_DESCRIPTOR, EQ("$aasdesc#globalAssetId", "urn:g:1"), "urn:x:1 " },
		{ STORE_SHELL_DESCRIPTOR, EQ("$aasdesc#globalAssetId", "urn:g:2"), "urn:x:2 " },
		{ STORE_SHELL_DESCRIPTOR, EQ("$aasdesc#specificAssetIds[].value", "v2"), "urn:x:2 " },
		{ STORE_SHELL_DESCRIPTOR, "{\"$match\":[" EQ("$aasdesc#specificAssetIds[].name", "serial") "," EQ("$aasdesc#specificAssetIds[].value", "v2") "]}", "urn:x:2 " },
		{ STORE_SHELL_DESCRIPTOR, "{\"$and\":[" EQ("$aasdesc#idShort", "Own") "," EQ("$aasdesc#endpoints[].interface", "AAS-3.0") "]}", "urn:x:1 " },
		{ STORE_SUBMODEL_DESCRIPTOR, EQ("$smdesc#semanticId", "urn:k:1"), "urn:x:1 " }, { STORE_SUBMODEL_DESCRIPTOR, EQ("$smdesc#semanticId", "urn:k:2"), "urn:x:2 " },
		{ STORE_SUBMODEL_DESCRIPTOR, EQ("$smdesc#semanticId.keys[].value", "urn:k:2"), "urn:x:2 " },
	};
	change(STORE_SHELL, NULL, "{\"modelType\":\"AssetAdministrationShell\",\"id\":\"urn:x:1\",\"idShort\":\"Own\",\"assetInformation\":{\"assetKind\":\"Role\",\"globalAssetId\":\"urn:g:1\"}}");
	change(STORE_SHELL_DESCRIPTOR, NULL, "{\"id\":\"urn:x:2\",\"idShort\":\"Entry\",\"globalAssetId\":\"urn:g:2\",\"specificAssetIds\":[{\"name\":\"serial\",\"value\":\"v2\"}]}");
#define KIND(v) "\"semanticId\":{\"type\":\"ExternalReference\",\"keys\":[{\"type\":\"GlobalReference\",\"value\":\"" v "\"}]}"
	change(STORE_SUBMODEL, NULL, "{\"modelType\":\"Submodel\",\"id\":\"urn:x:1\"," KIND("urn:k:1") "}");
	change(STORE_SUBMODEL_DESCRIPTOR, NULL, "{\"id\":\"urn:x:2\"," KIND("urn:k:2") ",\"endpoints\":[{\"interface\":\"A\",\"protocolInformation\":{\"href\":\"h\"}}]}");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct arena *a = arena_new(0);
		struct aas_query *q;
		struct store_txn *t;
		struct store_page page;
		struct buf b = BUF_INIT;
		const char *json = arena_printf(a, "{\"$condition\":%s}", cases[i].condition);
		must(aas_query_read(a, cases[i].kind, json, strlen(json), &q, NULL), json);
		must(store[PG]->ops->begin(store[PG], false, &t), "begin");
		must(store[PG]->ops->candidates(t, cases[i].kind, q, NULL, 100, a, &page), "candidates");
		store[PG]->ops->abort(t);
		for (size_t k = 0; k < page.n; k++)
			buf_printf(&b, "%s ", page.item[k].id);
		check_str(b.p ? b.p : "", cases[i].want, "candidates of %s", cases[i].condition);
		buf_fini(&b);
		arena_free(a);
	}
}

/* What a request may look at is used up: the page ends, and the next one goes on behind it. */
static void bounds(void)
{
	static const char never[] = "{\"$condition\":" EQ("$aasdesc#endpoints[].interface", "never") "}";
	static const char nested[] = "{\"$condition\":" EQ("$aasdesc#submodelDescriptors[].idShort", "never") "}";
	struct arena *a = arena_new(0);
	struct aas_query *q;
	struct sm_session *s;
	struct sm_descriptors page;
	change(STORE_SHELL, NULL, "{\"modelType\":\"AssetAdministrationShell\",\"id\":\"urn:0\",\"assetInformation\":{\"assetKind\":\"Role\"},\"submodels\":["
	       "{\"type\":\"ModelReference\",\"keys\":[{\"type\":\"Submodel\",\"value\":\"urn:x:1\"}]}]}");
	for (int i = 0; i < N_STORES; i++) {
		must(aas_query_read(a, STORE_SHELL_DESCRIPTOR, never, strlen(never), &q, NULL), never);
		struct store_query want = { q, 5, QUERY_STEPS_MAX, NULL, NULL, NULL, NULL };
		must(sm_begin(service[i], false, a, NULL, &s), "begin");
		check_int(sm_descriptor_query(s, STORE_SHELL_DESCRIPTOR, &want, URL, NULL, 10, &page), ERR_OK, "five may be looked at");
		check(!page.n && page.next && !want.docs, "an empty page that goes on");
		want.docs = 0;
		check_int(sm_descriptor_query(s, STORE_SHELL_DESCRIPTOR, &want, URL, NULL, 10, &page), ERR_EXPENSIVE, "not even one");
		must(aas_query_read(a, STORE_SHELL_DESCRIPTOR, nested, strlen(nested), &q, NULL), nested);
		want = (struct store_query){ q, 1, QUERY_STEPS_MAX, NULL, NULL, NULL, NULL };
		check_int(sm_descriptor_query(s, STORE_SHELL_DESCRIPTOR, &want, URL, NULL, 10, &page), ERR_EXPENSIVE, "the submodels of a shell count");
		want.docs = 2;
		check_int(sm_descriptor_query(s, STORE_SHELL_DESCRIPTOR, &want, URL, NULL, 10, &page), ERR_OK, "two are enough for a shell with one");
		check(page.next && !strcmp(page.next, "urn:0"), "and it goes on behind it");
		sm_abort(s);
	}
	arena_free(a);
}

int main(void)
{
	const char *given = getenv("TWINSHELL_SEED"), *many = getenv("TWINSHELL_QUERIES");
	unsigned n = many ? (unsigned)strtoul(many, NULL, 10) : QUERIES, found = 0;
	if (!database_cluster())
		return skip_all(DATABASE_SKIP);
	seed = given ? strtoull(given, NULL, 10) : 20240107;
	printf("# TWINSHELL_SEED=%llu\n", (unsigned long long)seed);
	database_make(&db, "registry", "ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'");
	if (!check((store[MEM] = store_mem_new()) && (store[PG] = store_pg_open(db.conninfo, 4, NULL)), "two stores"))
		return done();
	for (int i = 0; i < N_STORES; i++)
		service[i] = sm_service_new(&(struct sm_config){ .store = store[i] });
	some(160, 20);
	int before = tap_failed;
	for (unsigned i = 0; i < n && tap_failed < before + 5; i++) {
		one(i, &found);
		if (i % 100 == 99)
			some(10, 2);
	}
	check(tap_failed == before, "%u queries are answered as the evaluator says, by both stores", n);
	check(found > n / 3, "and they ask for something: %u", found);
	candidates();
	bounds();
	for (int i = 0; i < N_STORES; i++) {
		sm_service_free(service[i]);
		store[i]->ops->close(store[i]);
	}
	database_drop(&db);
	return done();
}
