/* SPDX-License-Identifier: Apache-2.0 - documents of every shape and size, and texts that are hard for SQL. */
#include "aas/path.h"
#include "tests/store/suite.h"

static const char all_classes[] =
	"{\"modelType\":\"Submodel\",\"id\":\"urn:all\",\"idShort\":\"All\",\"kind\":\"Template\",\"administration\":{\"version\":\"1\",\"templateId\":\"urn:t\"},"
	"\"semanticId\":{\"type\":\"ModelReference\",\"keys\":[{\"type\":\"Submodel\",\"value\":\"urn:s\"},{\"type\":\"Property\",\"value\":\"p\"}]},"
	"\"qualifiers\":[{\"type\":\"unit\",\"valueType\":\"xs:string\",\"value\":\"m\"}],\"submodelElements\":["
	"{\"modelType\":\"Property\",\"idShort\":\"Prop\",\"valueType\":\"xs:double\",\"value\":\"1.50\",\"qualifiers\":"
	"[{\"type\":\"unit\",\"valueType\":\"xs:string\",\"value\":\"bar\"}]},"
	"{\"modelType\":\"MultiLanguageProperty\",\"idShort\":\"Mlp\",\"value\":[{\"language\":\"de\",\"text\":\"Pumpe\"},{\"language\":\"en\",\"text\":\"pump\"}]},"
	"{\"modelType\":\"Range\",\"idShort\":\"Range\",\"valueType\":\"xs:int\",\"min\":\"-1\",\"max\":\"9\"},"
	"{\"modelType\":\"Blob\",\"idShort\":\"Blob\",\"contentType\":\"text/plain\",\"value\":\"AAEC\"},"
	"{\"modelType\":\"File\",\"idShort\":\"File\",\"contentType\":\"text/plain\",\"value\":\"/a.txt\"},"
	"{\"modelType\":\"ReferenceElement\",\"idShort\":\"Ref\",\"value\":{\"type\":\"ExternalReference\",\"keys\":[{\"type\":\"GlobalReference\",\"value\":\"urn:r\"}]}},"
	"{\"modelType\":\"RelationshipElement\",\"idShort\":\"Rel\",\"first\":{\"type\":\"ExternalReference\",\"keys\":[{\"type\":\"GlobalReference\",\"value\":\"urn:1\"}]},"
	"\"second\":{\"type\":\"ExternalReference\",\"keys\":[{\"type\":\"GlobalReference\",\"value\":\"urn:2\"}]}},"
	"{\"modelType\":\"AnnotatedRelationshipElement\",\"idShort\":\"Ann\",\"first\":{\"type\":\"ExternalReference\",\"keys\":[{\"type\":\"GlobalReference\",\"value\":\"urn:1\"}]},"
	"\"second\":{\"type\":\"ExternalReference\",\"keys\":[{\"type\":\"GlobalReference\",\"value\":\"urn:2\"}]},\"annotations\":["
	"{\"modelType\":\"Property\",\"idShort\":\"Note\",\"valueType\":\"xs:string\",\"value\":\"n\"}]},"
	"{\"modelType\":\"Entity\",\"idShort\":\"Entity\",\"entityType\":\"SelfManagedEntity\",\"globalAssetId\":\"urn:g\",\"statements\":["
	"{\"modelType\":\"Property\",\"idShort\":\"Stmt\",\"valueType\":\"xs:boolean\",\"value\":\"true\"}]},"
	"{\"modelType\":\"BasicEventElement\",\"idShort\":\"Event\",\"direction\":\"output\",\"state\":\"on\",\"observed\":"
	"{\"type\":\"ModelReference\",\"keys\":[{\"type\":\"Submodel\",\"value\":\"urn:all\"}]}},"
	"{\"modelType\":\"Capability\",\"idShort\":\"Cap\"},"
	"{\"modelType\":\"Operation\",\"idShort\":\"Op\",\"inputVariables\":[{\"value\":{\"modelType\":\"Property\",\"idShort\":\"In\",\"valueType\":\"xs:int\"}}]},"
	"{\"modelType\":\"SubmodelElementCollection\",\"idShort\":\"Empty\"},"
	"{\"modelType\":\"SubmodelElementCollection\",\"idShort\":\"Smc\",\"value\":["
	"{\"modelType\":\"Property\",\"idShort\":\"Time\",\"valueType\":\"xs:dateTime\",\"value\":\"2024-02-29T12:00:00.5+02:00\"}]},"
	"{\"modelType\":\"SubmodelElementList\",\"idShort\":\"List\",\"typeValueListElement\":\"SubmodelElementCollection\",\"value\":["
	"{\"modelType\":\"SubmodelElementCollection\",\"value\":[{\"modelType\":\"Property\",\"idShort\":\"X\",\"valueType\":\"xs:int\",\"value\":\"0\"}]},"
	"{\"modelType\":\"SubmodelElementCollection\",\"value\":[{\"modelType\":\"Property\",\"idShort\":\"X\",\"valueType\":\"xs:int\",\"value\":\"1\"}]}]}"
	"]}";

static void every_class(void)
{
	static const struct store_value v[] = {
		{ "Prop", "2.25" }, { "Ann.Note", "m" }, { "Entity.Stmt", "false" }, { "Smc.Time", "2024-03-01T00:00:00Z" }, { "List[1].X", "7" },
	};
	struct aas_node *n = parse(STORE_SUBMODEL, all_classes), *at;
	check_str(say(put_once(STORE_SUBMODEL, n, STORE_CREATE, 0, NULL)), "OK", "a submodel with an element of every class");
	check_str(current(STORE_SUBMODEL, "urn:all"), canonical(n), "comes back whole");
	check_str(say(values_once("urn:all", v, sizeof v / sizeof *v, NULL)), "OK", "values below every class that has children");
	for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
		aas_path_find(n, v[i].path, strlen(v[i].path), &at, NULL);
		AAS_AT(at, Property, value).str = v[i].text;
	}
	check_str(current(STORE_SUBMODEL, "urn:all"), canonical(n), "all of them were written, and nothing else");
	static const char *const other[] = { "Mlp", "Range", "Blob", "File", "Ref", "Rel", "Ann", "Entity", "Event", "Cap", "Op", "Empty", "Smc", "List", "List[0]" };
	for (size_t i = 0; i < sizeof other / sizeof *other; i++)
		check_str(say(values_once("urn:all", &(struct store_value){ other[i], "1" }, 1, NULL)), "BAD_REQUEST", "%s is not a Property", other[i]);
	check_str(current(STORE_SUBMODEL, "urn:all"), canonical(n), "refusals changed nothing");
	check_str(say(put_once(STORE_SUBMODEL, n, STORE_REPLACE, 0, NULL)), "OK", "replaced by the same");
	check_str(current(STORE_SUBMODEL, "urn:all"), canonical(n), "is the same");
}

/* Collections in collections, as deep as documents may be. */
static void deep(unsigned depth)
{
	struct buf b = BUF_INIT, path = BUF_INIT;
	const char *id = arena_printf(ar, "urn:deep:%u", depth);
	buf_printf(&b, "{\"modelType\":\"Submodel\",\"id\":\"%s\",\"submodelElements\":[", id);
	for (unsigned i = 0; i < depth; i++) {
		buf_printf(&b, "{\"modelType\":\"SubmodelElementCollection\",\"idShort\":\"C%u_%s\",\"value\":[", i, text('x', 100));
		buf_printf(&path, "C%u_%s.", i, text('x', 100));
	}
	buf_puts(&b, "{\"modelType\":\"Property\",\"idShort\":\"P\",\"valueType\":\"xs:string\",\"value\":\"down\"}");
	buf_puts(&path, "P");
	for (unsigned i = 0; i < depth; i++)
		buf_puts(&b, "]}");
	buf_puts(&b, "]}");
	struct aas_node *n = parse(STORE_SUBMODEL, b.p), *at = NULL;
	check_str(say(put_once(STORE_SUBMODEL, n, STORE_CREATE, 0, NULL)), "OK", "%u collections in each other", depth);
	check_str(say(values_once(id, &(struct store_value){ path.p, "deeper" }, 1, NULL)), "OK", "a path of %zu bytes", path.n);
	aas_path_find(n, path.p, path.n, &at, NULL);
	AAS_AT(at, Property, value).str = "deeper";
	check_str(current(STORE_SUBMODEL, id), canonical(n), "the value is at the bottom");
	buf_fini(&b);
	buf_fini(&path);
}

static void wide(void)
{
	enum { N = 2000 };
	const char *value[N];
	struct store_value v[N];
	for (unsigned i = 0; i < N; i++) {
		value[i] = arena_printf(ar, "value %u", i);
		v[i] = (struct store_value){ arena_printf(ar, "P%u", i), i % 3 ? arena_printf(ar, "new %u", i) : NULL };
	}
	check_str(say(put_once(STORE_SUBMODEL, make(STORE_SUBMODEL, "urn:wide", NULL, value, N), STORE_CREATE, 0, NULL)), "OK", "%d elements", N);
	check_str(say(values_once("urn:wide", v, N, NULL)), "OK", "all of their values at once");
	for (unsigned i = 0; i < N; i++)
		value[i] = v[i].text;
	struct aas_node *now = make(STORE_SUBMODEL, "urn:wide", NULL, value, N);
	check(!strcmp(current(STORE_SUBMODEL, "urn:wide"), canonical(now)), "all of them are there");
	check_str(say(put_once(STORE_SUBMODEL, make(STORE_SUBMODEL, "urn:wide", NULL, value, 3), STORE_REPLACE, 0, NULL)), "OK", "replaced by three");
	check_str(say(values_once("urn:wide", &(struct store_value){ "P3", "x" }, 1, NULL)), "NOT_FOUND", "the fourth is gone");
	const char *big[] = { text('b', 1 << 20) };
	now = make(STORE_SUBMODEL, "urn:big", NULL, big, 1);
	check_str(say(put_once(STORE_SUBMODEL, now, STORE_CREATE, 0, NULL)), "OK", "a value of a megabyte");
	check(!strcmp(current(STORE_SUBMODEL, "urn:big"), canonical(now)), "is there");
	big[0] = text('c', 1 << 20);
	check_str(say(values_once("urn:big", &(struct store_value){ "P0", big[0] }, 1, NULL)), "OK", "another one, as a value");
	check(!strcmp(current(STORE_SUBMODEL, "urn:big"), canonical(make(STORE_SUBMODEL, "urn:big", NULL, big, 1))), "is there");
}

/* Texts that break out of quotes, arrays, COPY and LIKE, or are read as numbers. */
static const char *const hard[] = {
	"'", "''; DROP TABLE x; --", "\"", "\\", "\\\\N", "\\N", "\\x41", "{}", "{\"a\",NULL}", "NULL", "null", "%", "_", "$1", "$$", ",", "\t", "\r\n", " ", "  a  ",
	"\xC3\xA4\xC3\xB6\xC3\xBC\xC3\x9F", "\xE6\xBC\xA2\xE5\xAD\x97", "\xF0\x9F\x94\xA7\xF0\x9F\x9A\xB0", "a\xCC\x88", "\xEF\xBF\xBD", "NaN", "INF", "1e400", "0x10", "-0", "true",
	"2024-02-30T00:00:00Z", "infinity", "\xC2\x85", "\xE2\x80\xA8", "</script>", "&amp;",
};

static void hard_texts(void)
{
	enum { N = sizeof hard / sizeof *hard };
	struct store_value v[N];
	const char *value[N];
	for (unsigned i = 0; i < N; i++) {
		const char *id = arena_printf(ar, "%s#%u", hard[i], i);
		struct aas_node *n = make(STORE_SUBMODEL, id, NULL, &hard[i], 1);
		put_once(STORE_SUBMODEL, n, STORE_CREATE, 0, NULL);
		check_str(current(STORE_SUBMODEL, id), canonical(n), "id and value: %s", hard[i][0] < ' ' ? "(control)" : hard[i]);
		v[i] = (struct store_value){ arena_printf(ar, "P%u", i), hard[i] };
		value[i] = "plain";
	}
	check_str(say(put_once(STORE_SUBMODEL, make(STORE_SUBMODEL, "urn:hard", NULL, value, N), STORE_CREATE, 0, NULL)), "OK", "plain texts at first");
	check_str(say(values_once("urn:hard", v, N, NULL)), "OK", "all the hard ones written as values");
	struct aas_node *now = make(STORE_SUBMODEL, "urn:hard", NULL, hard, N);
	check_str(current(STORE_SUBMODEL, "urn:hard"), canonical(now), "each of them comes back as it was");
	for (unsigned i = 0; i < N; i++)
		del_once(STORE_SUBMODEL, arena_printf(ar, "%s#%u", hard[i], i));
	check_str(current(STORE_SUBMODEL, "'#0"), "NOT_FOUND", "and can be deleted");
	check_str(current(STORE_SUBMODEL, "urn:hard"), canonical(now), "without harm to others");

	const char *empty[] = { "", NULL };
	now = make(STORE_SUBMODEL, "urn:empty", NULL, empty, 2);
	put_once(STORE_SUBMODEL, now, STORE_CREATE, 0, NULL);
	check_str(current(STORE_SUBMODEL, "urn:empty"), canonical(now), "an empty value is not an absent one");
	values_once("urn:empty", (const struct store_value[]){ { "P0", NULL }, { "P1", "" } }, 2, NULL);
	const char *swapped[] = { NULL, "" };
	check_str(current(STORE_SUBMODEL, "urn:empty"), canonical(make(STORE_SUBMODEL, "urn:empty", NULL, swapped, 2)), "also when they change places");

	const char *longest = arena_printf(ar, "%s1", text('i', 2047)), *other = arena_printf(ar, "%s2", text('i', 2047));
	struct buf wide_id = BUF_INIT;
	while (wide_id.n < 2048 * 4)
		buf_puts(&wide_id, "\xF0\x9F\x94\xA7");
	const char *const id[] = { longest, other, wide_id.p };
	for (unsigned i = 0; i < 3; i++)
		for (int k = 0; k < STORE_N_KINDS; k++) {
			now = make((enum store_kind)k, id[i], arena_printf(ar, "Long%u", i), NULL, 0);
			check_str(say(put_once((enum store_kind)k, now, STORE_CREATE, 0, NULL)), "OK", "an id of 2048 characters (%u of kind %d)", i, k);
			check_str(current((enum store_kind)k, id[i]), canonical(now), "is found");
		}
	buf_fini(&wide_id);
}

void suite_content(void)
{
	every_class();
	deep(10);
	deep(50);
	wide();
	hard_texts();
}
