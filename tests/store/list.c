/* SPDX-License-Identifier: Apache-2.0 - the order of lists, pages, filters. */
#include "aas/json.h"
#include "tests/store/suite.h"

static void add(enum store_kind kind, const char *const *id, size_t n)
{
	struct store_txn *t = start(true);
	for (size_t i = 0; i < n; i++)
		put(t, kind, plain(kind, id[i]), STORE_CREATE, 0, NULL);
	check_str(say(st->ops->commit(t)), "OK", "%zu documents", n);
}

static const char *page(enum store_kind kind, const char *after, size_t limit)
{
	struct store_txn *t = start(false);
	const char *s = ids(t, kind, NULL, after, limit);
	st->ops->abort(t);
	return s;
}

/* Bytewise, whatever the database's own language: capitals first, no ignored punctuation, UTF-8 by its bytes. */
static void order(void)
{
	static const char *const id[] = { "b", "a", "B", "A", "a-b", "ab", "aB", "a b", "\xC3\xA4", "z", "Z", "\xF0\x9F\x94\xA7", "\xEF\xBF\xBD", "1", "10", "2", "_", "~" };
	static const char sorted[] = "1 10 2 A B Z _ a a b a-b aB ab b z ~ \xC3\xA4 \xEF\xBF\xBD \xF0\x9F\x94\xA7 ";
	check_str(page(STORE_CONCEPT, NULL, 100), "", "nothing there: an empty page, the last one");
	for (int k = 0; k < STORE_N_KINDS; k++) {
		add((enum store_kind)k, id, sizeof id / sizeof *id);
		check_str(page((enum store_kind)k, NULL, 100), sorted, "bytewise order of kind %d", k);
		for (size_t i = 0; i < sizeof id / sizeof *id; i++)
			del_once((enum store_kind)k, id[i]);
		check_str(page((enum store_kind)k, NULL, 100), "", "deleted ones are not listed");
	}
}

static void long_ids(void)
{
	const char *same = text('p', 512), *id[7];
	struct buf b = BUF_INIT;
	for (unsigned i = 0; i < 6; i++)
		id[i] = arena_printf(ar, "%s%s", same, (const char *const[]){ "b", "", "a", "B", "a\xC3\xA4", "aa" }[i]);
	id[6] = arena_printf(ar, "%s%s", text('p', 511), "\xC3\xA4");	/* differs in the character that is the last of 512 */
	add(STORE_SUBMODEL, id, 7);
	static const unsigned char rank[] = { 1, 3, 2, 5, 4, 0, 6 };
	const char *after = NULL, *got;
	for (unsigned i = 0; i < 7; i++) {
		buf_reset(&b);
		buf_printf(&b, "%s %s%s", id[rank[i]], i < 6 ? "NEXT " : "", i < 6 ? id[rank[i]] : "");
		got = page(STORE_SUBMODEL, after, 1);
		check(!strcmp(got, b.p), "ids that share 512 characters: page %u", i);
		after = id[rank[i]];
	}
	buf_fini(&b);
	got = page(STORE_SUBMODEL, same, 100);
	check(strlen(got) == strlen(page(STORE_SUBMODEL, NULL, 100)) - 513, "behind the shortest of them are all the others");
	for (unsigned i = 0; i < 7; i++)
		del_once(STORE_SUBMODEL, id[i]);
}

static void paging(void)
{
	static const char *const id[] = { "b", "d", "f", "h", "j" };
	add(STORE_SHELL, id, 5);
	check_str(page(STORE_SHELL, NULL, 2), "b d NEXT d", "the first page");
	check_str(page(STORE_SHELL, "d", 2), "f h NEXT h", "the second");
	check_str(page(STORE_SHELL, "h", 2), "j ", "the last, not full");
	check_str(page(STORE_SHELL, "f", 2), "h j ", "the last, exactly full");
	check_str(page(STORE_SHELL, NULL, 5), "b d f h j ", "all in one page");
	check_str(page(STORE_SHELL, "j", 5), "", "behind the last");
	check_str(page(STORE_SHELL, "e", 2), "f h NEXT h", "`after` need not be there");
	check_str(page(STORE_SHELL, "", 1), "b NEXT b", "`after` may be empty");
	check_str(page(STORE_SHELL, NULL, 1000000), "b d f h j ", "a huge limit");
	add(STORE_SHELL, (const char *const[]){ "a", "e", "k" }, 3);
	check_str(page(STORE_SHELL, "d", 2), "e f NEXT f", "inserted between the pages: behind `after` it is seen");
	del_once(STORE_SHELL, "f");
	check_str(page(STORE_SHELL, "f", 2), "h j NEXT j", "deleted between the pages: the next page goes on behind it");
	check_str(page(STORE_SHELL, "j", 2), "k ", "to the end");

	struct store_txn *t = start(true);
	put(t, STORE_SHELL, plain(STORE_SHELL, "g"), STORE_CREATE, 0, NULL);
	put(t, STORE_SHELL, plain(STORE_SHELL, "l"), STORE_CREATE, 0, NULL);
	st->ops->del(t, STORE_SHELL, "h");
	check_str(ids(t, STORE_SHELL, NULL, "e", 2), "g j NEXT j", "inside a transaction, its own writes are on the pages");
	check_str(ids(t, STORE_SHELL, NULL, "j", 2), "k l ", "the last page also");
	st->ops->abort(t);
	check_str(page(STORE_SHELL, "e", 3), "h j k ", "and not after its abort");
}

static void page_content(void)
{
	static const char *const value[] = { "v" };
	struct aas_node *n = make(STORE_SUBMODEL, "urn:doc", "Doc", value, 1);
	struct store_page p;
	int64_t v = 0;
	put_once(STORE_SUBMODEL, n, STORE_CREATE, 0, NULL);
	values_once("urn:doc", &(struct store_value){ "P0", "w" }, 1, &v);
	n = make(STORE_SUBMODEL, "urn:doc", "Doc", (const char *const[]){ "w" }, 1);
	struct store_txn *t = start(false);
	check_str(say(st->ops->list(t, STORE_SUBMODEL, NULL, NULL, 10, ar, &p)), "OK", "a list without a filter");
	st->ops->abort(t);
	check_int(p.n, 1, "one submodel");
	check_str(arena_strndup(ar, p.item[0].json.p, p.item[0].json.n), canonical(n), "with its document, written values folded in");
	check_int(p.item[0].version, v, "and its version");
	del_once(STORE_SUBMODEL, "urn:doc");
}

struct owner {
	const char *id;
	int64_t version;
	unsigned asked;
};

static bool owns(void *ctx, enum store_kind kind, const char *id, int64_t version, struct slice *json)
{
	struct owner *o = ctx;
	o->asked++;
	if (kind != STORE_SUBMODEL || strcmp(id, o->id) || version != o->version)
		return false;
	*json = (struct slice){ "{\"own\":1}", 9 };
	return true;
}

static const char *lent_page(struct store_txn *t, const struct store_filter *f, const char *after, size_t limit)
{
	struct store_page page;
	const char *text = "";
	check_str(say(st->ops->list(t, STORE_SUBMODEL, f, after, limit, ar, &page)), "OK", "a page on loan");
	for (size_t i = 0; i < page.n; i++) {
		bool own = page.item[i].json.n == 9 && !memcmp(page.item[i].json.p, "{\"own\":1}", 9);
		text = arena_printf(ar, "%s%s%s ", text, page.item[i].id, own ? "=own" : "");
		if (!own)
			check(slice_is(page.item[i].json, canonical(plain(STORE_SUBMODEL, page.item[i].id))), "the document of %s", page.item[i].id);
	}
	return arena_printf(ar, "%s%s%s", text, page.next ? "NEXT " : "", page.next ? page.next : "");
}

/* Documents of a page that are borrowed: what they weigh ends a page, and every page goes on where the one before ended. */
static void loans(void)
{
	static const char *const id[] = { "l1", "l2", "l3", "l4" };
	struct owner o = { "l2", 1, 0 };
	size_t one = strlen(canonical(plain(STORE_SUBMODEL, "l1")));
	struct store_loan much = { NULL, NULL, NULL, 1000000 }, two = { NULL, NULL, NULL, 2 * one }, none = { NULL, NULL, NULL, 1 }, own = { owns, NULL, &o, 1000000 };
	add(STORE_SUBMODEL, id, 4);
	struct store_txn *t = start(false);
	check_str(lent_page(t, &(struct store_filter){ .loan = &much }, NULL, 10), "l1 l2 l3 l4 ", "all fit");
	check_str(lent_page(t, &(struct store_filter){ .loan = &much }, NULL, 3), "l1 l2 l3 NEXT l3", "the limit of the page");
	check_str(lent_page(t, &(struct store_filter){ .loan = &two }, NULL, 10), "l1 l2 NEXT l2", "two fit");
	check_str(lent_page(t, &(struct store_filter){ .loan = &two }, "l2", 10), "l3 l4 ", "and the other two");
	check_str(lent_page(t, &(struct store_filter){ .loan = &none }, "l1", 10), "l2 NEXT l2", "one always comes");
	const char *got = lent_page(t, &(struct store_filter){ .loan = &own }, NULL, 10);
	check(!strcmp(got, o.asked ? "l1 l2=own l3 l4 " : "l1 l2 l3 l4 "), "what somebody has is not given again: %s", got);
	o.version = 2;
	check_str(lent_page(t, &(struct store_filter){ .loan = &own }, NULL, 10), "l1 l2 l3 l4 ", "an older version than he has is");
	st->ops->abort(t);
	for (unsigned i = 0; i < 4; i++)
		del_once(STORE_SUBMODEL, id[i]);
}

void suite_list(void)
{
	loans();
	order();
	long_ids();
	paging();
	page_content();
}

/* -- filters ------------------------------------------------------------------------------------------------------------------------ */
static struct aas_node *reference(const char *keys)
{
	struct aas_node *n = NULL;
	const char *json = arena_printf(ar, "{\"type\":\"ExternalReference\",\"keys\":[%s]}", keys);
	if (aas_json_read(ar, AAS_Reference, json, strlen(json), AAS_JSON_DEFAULT, &n, NULL))
		printf("Bail out! reference\n"), exit(1);
	return n;
}
#define GLOBAL(v) "{\"type\":\"GlobalReference\",\"value\":\"" v "\"}"
#define REF(keys) "{\"type\":\"ExternalReference\",\"keys\":[" keys "]}"

static void is(enum store_kind kind, const struct store_filter *f, const char *want, const char *what)
{
	struct store_txn *t = start(false);
	check_str(ids(t, kind, f, NULL, 100), want, "%s", what);
	st->ops->abort(t);
}

static void submodels(void)
{
	static const char *const doc[] = {
		"{\"modelType\":\"Submodel\",\"id\":\"m1\",\"idShort\":\"Pump\",\"semanticId\":" REF(GLOBAL("urn:a")) "}",
		"{\"modelType\":\"Submodel\",\"id\":\"m2\",\"idShort\":\"pump\",\"semanticId\":" REF(GLOBAL("urn:b")) ",\"supplementalSemanticIds\":["
			REF(GLOBAL("urn:a")) "," REF(GLOBAL("urn:c")) "]}",
		"{\"modelType\":\"Submodel\",\"id\":\"m3\",\"idShort\":\"Pump\",\"semanticId\":" REF(GLOBAL("urn:b")) "}",
		"{\"modelType\":\"Submodel\",\"id\":\"m4\",\"semanticId\":" REF(GLOBAL("urn:a") "," GLOBAL("urn:b")) "}",
		"{\"modelType\":\"Submodel\",\"id\":\"m5\",\"idShort\":\"Pump\"}",
	};
	struct aas_node *a = reference(GLOBAL("urn:a")), *b = reference(GLOBAL("urn:b")), *ab = reference(GLOBAL("urn:a") "," GLOBAL("urn:b"));
	for (size_t i = 0; i < sizeof doc / sizeof *doc; i++)
		put_once(STORE_SUBMODEL, parse(STORE_SUBMODEL, doc[i]), STORE_CREATE, 0, NULL);
	is(STORE_SUBMODEL, &(struct store_filter){ 0 }, "m1 m2 m3 m4 m5 ", "no condition");
	is(STORE_SUBMODEL, &(struct store_filter){ .id_short = "Pump" }, "m1 m3 m5 ", "idShort, case-sensitive");
	is(STORE_SUBMODEL, &(struct store_filter){ .id_short = "Pum" }, "", "idShort, the whole of it");
	is(STORE_SUBMODEL, &(struct store_filter){ .id_short = "Pum%" }, "", "idShort is not a pattern");
	is(STORE_SUBMODEL, &(struct store_filter){ .semantic_id = a }, "m1 m2 ", "semanticId, supplemental ones included");
	is(STORE_SUBMODEL, &(struct store_filter){ .semantic_id = b }, "m2 m3 ", "another semanticId");
	is(STORE_SUBMODEL, &(struct store_filter){ .semantic_id = ab }, "m4 ", "a semanticId of two keys: all keys in their order");
	is(STORE_SUBMODEL, &(struct store_filter){ .semantic_id = reference(GLOBAL("urn:b") "," GLOBAL("urn:a")) }, "", "the other order is another one");
	is(STORE_SUBMODEL, &(struct store_filter){ .semantic_id = reference("{\"type\":\"ConceptDescription\",\"value\":\"urn:a\"}") }, "",
	   "the type of the key counts");
	is(STORE_SUBMODEL, &(struct store_filter){ .id_short = "Pump", .semantic_id = b }, "m3 ", "both together");
	is(STORE_SUBMODEL, &(struct store_filter){ .id_short = "pump", .semantic_id = ab }, "", "both together, never met");
	struct store_txn *t = start(false);
	check_str(ids(t, STORE_SUBMODEL, &(struct store_filter){ .id_short = "Pump" }, NULL, 2), "m1 m3 NEXT m3", "pages count what matches");
	check_str(ids(t, STORE_SUBMODEL, &(struct store_filter){ .id_short = "Pump" }, "m3", 2), "m5 ", "the last page of a filter");
	check_str(ids(t, STORE_SUBMODEL, &(struct store_filter){ .semantic_id = a }, NULL, 2), "m1 m2 ", "exactly full, and nothing behind that matches");
	st->ops->abort(t);

	put_once(STORE_SUBMODEL, parse(STORE_SUBMODEL, "{\"modelType\":\"Submodel\",\"id\":\"m1\",\"idShort\":\"New\"}"), STORE_REPLACE, 0, NULL);
	is(STORE_SUBMODEL, &(struct store_filter){ .semantic_id = a }, "m2 ", "what was replaced is not found by what it was");
	is(STORE_SUBMODEL, &(struct store_filter){ .id_short = "New" }, "m1 ", "but by what it is");
	del_once(STORE_SUBMODEL, "m2");
	is(STORE_SUBMODEL, &(struct store_filter){ .semantic_id = a }, "", "what was deleted is not found");
	put_once(STORE_SUBMODEL, parse(STORE_SUBMODEL, doc[1]), STORE_CREATE, 0, NULL);
	is(STORE_SUBMODEL, &(struct store_filter){ .semantic_id = a }, "m2 ", "made again it is");
}

/* What a server asks for when it starts. */
static void twins_and_events(void)
{
#define EVENT "{\"modelType\":\"BasicEventElement\",\"idShort\":\"E\",\"observed\":" REF(GLOBAL("urn:o")) ",\"direction\":\"output\",\"state\":\"on\"}"
	static const char *const doc[] = {
		"{\"modelType\":\"Submodel\",\"id\":\"t1\",\"semanticId\":" REF(GLOBAL("urn:t") "," GLOBAL("urn:u")) ",\"submodelElements\":[" EVENT "]}",
		"{\"modelType\":\"Submodel\",\"id\":\"t2\",\"semanticId\":" REF("{\"type\":\"Submodel\",\"value\":\"urn:t\"}") "}",
		"{\"modelType\":\"Submodel\",\"id\":\"t3\",\"semanticId\":" REF(GLOBAL("urn:u") "," GLOBAL("urn:t")) ",\"supplementalSemanticIds\":["
			REF(GLOBAL("urn:t")) "]}",
		"{\"modelType\":\"Submodel\",\"id\":\"t4\",\"submodelElements\":[{\"modelType\":\"Entity\",\"idShort\":\"A\",\"entityType\":\"CoManagedEntity\","
			"\"statements\":[" EVENT "]}]}",
	};
	for (size_t i = 0; i < sizeof doc / sizeof *doc; i++)
		put_once(STORE_SUBMODEL, parse(STORE_SUBMODEL, doc[i]), STORE_CREATE, 0, NULL);
	is(STORE_SUBMODEL, &(struct store_filter){ .semantic_key = "urn:t" }, "t1 t2 ", "the first key of the semanticId, whatever its type and what follows it");
	is(STORE_SUBMODEL, &(struct store_filter){ .events = true }, "t1 t4 ", "submodels with events, at the top and inside of an element");
	put_once(STORE_SUBMODEL, parse(STORE_SUBMODEL, "{\"modelType\":\"Submodel\",\"id\":\"t4\"}"), STORE_REPLACE, 0, NULL);
	is(STORE_SUBMODEL, &(struct store_filter){ .events = true }, "t1 ", "one has no event any more");
	for (size_t i = 0; i < sizeof doc / sizeof *doc; i++)
		del_once(STORE_SUBMODEL, (const char *const[]){ "t1", "t2", "t3", "t4" }[i]);
#undef EVENT
}

static void concepts(void)
{
#define SPEC(v) "{\"dataSpecification\":" REF(GLOBAL(v)) ",\"dataSpecificationContent\":{\"modelType\":\"DataSpecificationIec61360\",\"preferredName\":[{\"language\":\"en\",\"text\":\"x\"}]}}"
	static const char *const doc[] = {
		"{\"modelType\":\"ConceptDescription\",\"id\":\"c1\",\"idShort\":\"C\",\"isCaseOf\":[" REF(GLOBAL("urn:a")) "," REF(GLOBAL("urn:b")) "]}",
		"{\"modelType\":\"ConceptDescription\",\"id\":\"c2\",\"idShort\":\"C\",\"embeddedDataSpecifications\":[" SPEC("urn:a") "]}",
		"{\"modelType\":\"ConceptDescription\",\"id\":\"c3\",\"isCaseOf\":[" REF(GLOBAL("urn:b")) "],\"embeddedDataSpecifications\":[" SPEC("urn:x") "," SPEC("urn:a") "]}",
		"{\"modelType\":\"ConceptDescription\",\"id\":\"c4\",\"isCaseOf\":[" REF(GLOBAL("urn:b")) "," REF(GLOBAL("urn:b")) "]}",
	};
	struct aas_node *a = reference(GLOBAL("urn:a")), *b = reference(GLOBAL("urn:b"));
	for (size_t i = 0; i < sizeof doc / sizeof *doc; i++)
		check_str(say(put_once(STORE_CONCEPT, parse(STORE_CONCEPT, doc[i]), STORE_CREATE, 0, NULL)), "OK", "concept description %zu", i);
	is(STORE_CONCEPT, &(struct store_filter){ .is_case_of = a }, "c1 ", "isCaseOf, not the data specification");
	is(STORE_CONCEPT, &(struct store_filter){ .is_case_of = b }, "c1 c3 c4 ", "isCaseOf, any of them, each once");
	is(STORE_CONCEPT, &(struct store_filter){ .data_specification = a }, "c2 c3 ", "dataSpecification");
	is(STORE_CONCEPT, &(struct store_filter){ .is_case_of = b, .data_specification = a }, "c3 ", "both");
	is(STORE_CONCEPT, &(struct store_filter){ .id_short = "C", .data_specification = a }, "c2 ", "with idShort");
	is(STORE_CONCEPT, &(struct store_filter){ .id_short = "C", .is_case_of = a, .data_specification = a }, "", "all three");
}

static void shells(void)
{
	static const char head[] = "{\"modelType\":\"AssetAdministrationShell\",\"id\":\"%s\",\"idShort\":\"S\",\"assetInformation\":{\"assetKind\":\"Instance\"%s}}";
	static const char *const doc[][2] = {
		{ "s1", ",\"globalAssetId\":\"urn:g1\",\"specificAssetIds\":[{\"name\":\"serial\",\"value\":\"1\"},{\"name\":\"owner\",\"value\":\"me\"}]" },
		{ "s2", ",\"globalAssetId\":\"urn:g2\",\"specificAssetIds\":[{\"name\":\"serial\",\"value\":\"2\"},{\"name\":\"owner\",\"value\":\"me\"}]" },
		{ "s3", ",\"specificAssetIds\":[{\"name\":\"serial\",\"value\":\"1\"},{\"name\":\"serial\",\"value\":\"2\"}]" },
		{ "s4", ",\"globalAssetId\":\"urn:g1\"" },
	};
#define IDS(n, ...) &(struct store_filter){ .asset_ids = (const struct store_asset_id[]){ __VA_ARGS__ }, .n_asset_ids = n }
	for (size_t i = 0; i < sizeof doc / sizeof *doc; i++)
		put_once(STORE_SHELL, parse(STORE_SHELL, arena_printf(ar, head, doc[i][0], doc[i][1])), STORE_CREATE, 0, NULL);
	is(STORE_SHELL, IDS(1, { "globalAssetId", "urn:g1" }), "s1 s4 ", "globalAssetId");
	is(STORE_SHELL, IDS(1, { "serial", "1" }), "s1 s3 ", "a specific asset id");
	is(STORE_SHELL, IDS(2, { "serial", "1" }, { "owner", "me" }), "s1 ", "two of them");
	is(STORE_SHELL, IDS(2, { "serial", "1" }, { "serial", "2" }), "s3 ", "two of one name");
	is(STORE_SHELL, IDS(2, { "serial", "1" }, { "serial", "1" }), "s1 s3 ", "the same one twice");
	is(STORE_SHELL, IDS(2, { "globalAssetId", "urn:g1" }, { "serial", "1" }), "s1 ", "global and specific");
	is(STORE_SHELL, IDS(1, { "serial", "me" }), "", "name and value belong together");
	is(STORE_SHELL, IDS(1, { "serial\n1", "" }), "", "and cannot be mixed up");
	is(STORE_SHELL, IDS(1, { "urn:g1", "globalAssetId" }), "", "nor swapped");
	is(STORE_SHELL, &(struct store_filter){ .id_short = "S", .asset_ids = (const struct store_asset_id[]){ { "owner", "me" } }, .n_asset_ids = 1 },
	   "s1 s2 ", "with idShort");
	is(STORE_SHELL, &(struct store_filter){ .semantic_id = reference(GLOBAL("urn:a")) }, "", "what shells do not have is not met");
}

/* Kind and type of the asset, and the same asset ids, in what is registered about shells. */
static void descriptors(void)
{
	static const char *const shell[] = {
		"{\"modelType\":\"AssetAdministrationShell\",\"id\":\"k1\",\"assetInformation\":{\"assetKind\":\"Type\",\"assetType\":\"urn:t\"}}",
		"{\"modelType\":\"AssetAdministrationShell\",\"id\":\"k2\",\"assetInformation\":{\"assetKind\":\"Instance\",\"assetType\":\"urn:t\"}}",
		"{\"modelType\":\"AssetAdministrationShell\",\"id\":\"k3\",\"assetInformation\":{\"assetKind\":\"Type\"}}",
	};
	static const char *const entry[] = {
		"{\"id\":\"d1\",\"assetKind\":\"Type\",\"assetType\":\"urn:t\",\"globalAssetId\":\"urn:g\"}",
		"{\"id\":\"d2\",\"assetKind\":\"Role\",\"specificAssetIds\":[{\"name\":\"serial\",\"value\":\"1\"}]}", "{\"id\":\"d3\"}",
	};
	struct store_filter type = { .asset_kind = "Type" }, both = { .asset_kind = "Type", .asset_type = "urn:t" };
	for (int i = 0; i < 3; i++) {
		put_once(STORE_SHELL, parse(STORE_SHELL, shell[i]), STORE_CREATE, 0, NULL);
		put_once(STORE_SHELL_DESCRIPTOR, parse(STORE_SHELL_DESCRIPTOR, entry[i]), STORE_CREATE, 0, NULL);
	}
	is(STORE_SHELL, &type, "k1 k3 ", "shells by the kind of their asset");
	is(STORE_SHELL, &both, "k1 ", "and its type");
	is(STORE_SHELL, &(struct store_filter){ .asset_type = "urn:t" }, "k1 k2 ", "its type alone");
	is(STORE_SHELL_DESCRIPTOR, &type, "d1 ", "descriptors by the kind");
	is(STORE_SHELL_DESCRIPTOR, &(struct store_filter){ .asset_kind = "Role" }, "d2 ", "another kind");
	is(STORE_SHELL_DESCRIPTOR, &both, "d1 ", "and the type");
	is(STORE_SHELL_DESCRIPTOR, IDS(1, { "globalAssetId", "urn:g" }), "d1 ", "by globalAssetId");
	is(STORE_SHELL_DESCRIPTOR, IDS(1, { "serial", "1" }), "d2 ", "by a specific asset id");
	is(STORE_SHELL_DESCRIPTOR, NULL, "d1 d2 d3 ", "and all of them");
	put_once(STORE_ASSET_LINKS, parse(STORE_ASSET_LINKS, "{\"id\":\"d1\",\"specificAssetIds\":[{\"name\":\"globalAssetId\",\"value\":\"urn:l\"},"
		 "{\"name\":\"serial\",\"value\":\"9\"}]}"), STORE_CREATE, 0, NULL);
	is(STORE_ASSET_LINKS, IDS(2, { "serial", "9" }, { "globalAssetId", "urn:l" }), "d1 ", "links by all their names");
	is(STORE_SHELL_DESCRIPTOR, IDS(1, { "serial", "9" }), "", "which are not the descriptor's, although the id is the same");
	put_once(STORE_SUBMODEL_DESCRIPTOR, parse(STORE_SUBMODEL_DESCRIPTOR, "{\"id\":\"m\",\"semanticId\":" REF(GLOBAL("urn:a"))
		 ",\"endpoints\":[{\"interface\":\"\",\"protocolInformation\":{\"href\":\"\"}}]}"), STORE_CREATE, 0, NULL);
	is(STORE_SUBMODEL_DESCRIPTOR, &(struct store_filter){ .semantic_id = reference(GLOBAL("urn:a")) }, "m ", "submodel descriptors by their semanticId");
}

static const char *heads_text(const struct store_doc *d, size_t n)
{
	const char *s = "";
	for (size_t i = 0; i < n; i++)
		s = arena_printf(ar, "%s%s%.*s", s, i ? " " : "", (int)(d[i].id ? d[i].json.n : 1), d[i].id ? d[i].json.p : "-");
	return s;
}

/* Documents without elements: of several ids at once, and on a page. */
static void heads(void)
{
	static const char *const value[] = { "v" };
	static const char *const id[] = { "h2", "none", "h1", "h2" };
	static const char head1[] = "{\"modelType\":\"Submodel\",\"idShort\":\"H\",\"id\":\"h1\"}", head2[] = "{\"modelType\":\"Submodel\",\"id\":\"h2\"}";
	struct store_doc d[4];
	struct store_page page;
	struct store_filter f = { .heads = true }, h = { .id_short = "H", .heads = true };
	put_once(STORE_SUBMODEL, make(STORE_SUBMODEL, "h1", "H", value, 1), STORE_CREATE, 0, NULL);
	put_once(STORE_SUBMODEL, make(STORE_SUBMODEL, "h2", NULL, NULL, 0), STORE_CREATE, 0, NULL);
	put_once(STORE_SHELL, plain(STORE_SHELL, "h1"), STORE_CREATE, 0, NULL);
	values_once("h1", &(struct store_value){ "P0", "w" }, 1, NULL);
	struct store_txn *t = start(false);
	check_str(say(st->ops->heads(t, STORE_SUBMODEL, id, 4, ar, d)), "OK", "heads of four ids");
	check_str(heads_text(d, 4), arena_printf(ar, "%s - %s %s", head2, head1, head2), "in their order, without elements, and none of one that is not there");
	check_int(d[2].version, version_of(STORE_SUBMODEL, "h1"), "with the version");
	check_str(say(st->ops->heads(t, STORE_SHELL, &id[2], 1, ar, d)), "OK", "the head of a shell");
	check_str(heads_text(d, 1), canonical(plain(STORE_SHELL, "h1")), "is all of it");
	check_str(say(st->ops->heads(t, STORE_SHELL, id, 0, ar, d)), "OK", "heads of nothing");
	check_str(say(st->ops->list(t, STORE_SUBMODEL, &f, "h", 2, ar, &page)), "OK", "a list of heads");
	check_str(heads_text(page.item, page.n), arena_printf(ar, "%s %s", head1, head2), "without elements");
	check_str(say(st->ops->list(t, STORE_SUBMODEL, &h, NULL, 2, ar, &page)), "OK", "a filtered list of heads");
	check_str(heads_text(page.item, page.n), head1, "the same");
	st->ops->abort(t);
	t = start(true);
	put(t, STORE_SUBMODEL, make(STORE_SUBMODEL, "h2", "New", value, 1), STORE_REPLACE, 0, NULL);
	st->ops->heads(t, STORE_SUBMODEL, id, 1, ar, d);
	check_str(heads_text(d, 1), "{\"modelType\":\"Submodel\",\"idShort\":\"New\",\"id\":\"h2\"}", "a transaction sees its own writes");
	st->ops->abort(t);
}

void suite_filter(void)
{
	twins_and_events();
	submodels();
	concepts();
	shells();
	descriptors();
	heads();
}
