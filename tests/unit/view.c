/* SPDX-License-Identifier: Apache-2.0
 * The content forms of every class: $value, $metadata, $path, $reference, level, extent, and live values laid over.
 */
#include "aas/view.h"

#include "aas/json.h"
#include "aas/path.h"
#include "tests/tap.h"

#define REF "{\"type\":\"ExternalReference\",\"keys\":[{\"type\":\"GlobalReference\",\"value\":\"g\"}]}"
#define SME(cls, id) "{\"modelType\":\"" cls "\",\"idShort\":\"" id "\""
#define PROP(id, type, value) SME("Property", id) ",\"valueType\":\"xs:" type "\",\"value\":\"" value "\"}"
#define LIST(id, type, items) SME("SubmodelElementList", id) ",\"typeValueListElement\":\"" type "\",\"value\":[" items "]}"
#define ITEM(v) "{\"modelType\":\"Property\",\"valueType\":\"xs:int\",\"value\":\"" v "\"}"
#define HOLLOW "{\"modelType\":\"Property\",\"valueType\":\"xs:int\"}"

static struct arena *a;

static struct aas_node *parse(unsigned type, const char *json)
{
	struct diag d = DIAG_INIT;
	struct aas_node *n = NULL;
	char text[600];
	if (aas_json_read(a, type, json, strlen(json), 0, &n, &d))
		check(0, "test data: %s in %s", diag_first(&d, text, sizeof text), json);
	diag_fini(&d);
	return n;
}

static void shows(const struct aas_node *n, struct aas_view v, const char *want, const char *what)
{
	struct buf b = BUF_INIT;
	struct diag d = DIAG_INIT;
	enum err e = n ? aas_view_write(&b, n, &v, &d) : ERR_INTERNAL;
	check_str(e ? err_info[e].name : buf_view(&b).p, want, "%s", what);
	check(!e || !n || (d.n == 1 && d.list[0].err == e), "with a message when refused");
	diag_fini(&d);
	buf_fini(&b);
}

static void value_of(const char *json, const char *want, const char *what)
{
	shows(parse(AAS_SubmodelElement, json), (struct aas_view){ .modifier = AAS_VALUE }, want, what);
}

static void typed_values(void)
{
	static const struct {
		const char *type, *text, *want;
	} rows[] = {
		{ "int", "5", "5" }, { "int", "+5", "5" }, { "int", "007", "7" }, { "int", "-007", "-7" }, { "int", "-0", "-0" }, { "int", "000", "0" },
		{ "integer", "123456789012345678901234567890", "123456789012345678901234567890" },
		{ "decimal", ".5", "0.5" }, { "decimal", "-.5", "-0.5" }, { "decimal", "+.50", "0.50" }, { "double", "5.", "5.0" },
		{ "double", "-.0", "-0.0" }, { "double", "1E5", "1E5" }, { "double", "1.e-05", "1.0e-05" }, { "double", "007.250e+3", "7.250e+3" },
		{ "double", "INF", "\"INF\"" }, { "float", "-INF", "\"-INF\"" }, { "double", "NaN", "\"NaN\"" },
		{ "decimal", "0.1000000000000000000001", "0.1000000000000000000001" },
		{ "boolean", "true", "true" }, { "boolean", "0", "false" }, { "boolean", "1", "true" },
		{ "string", "5", "\"5\"" }, { "string", "", "\"\"" }, { "string", "a\\\"b\\u00e9", "\"a\\\"b\xC3\xA9\"" },
		{ "dateTime", "2026-01-01T00:00:00Z", "\"2026-01-01T00:00:00Z\"" }, { "gYear", "2026", "\"2026\"" },
		{ "anyURI", "x", "\"x\"" }, { "duration", "PT1S", "\"PT1S\"" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char json[300];
		snprintf(json, sizeof json, "{\"modelType\":\"Property\",\"valueType\":\"xs:%s\",\"value\":\"%s\"}", rows[i].type, rows[i].text);
		value_of(json, rows[i].want, rows[i].text);
	}
}

static void class_values(void)
{
	value_of(SME("Property", "P") ",\"valueType\":\"xs:int\"}", "null", "a Property without value");
	value_of(SME("MultiLanguageProperty", "M") ",\"value\":[{\"language\":\"de\",\"text\":\"Pumpe\"},{\"language\":\"en-GB\",\"text\":\"pump\"}]}",
		 "[{\"de\":\"Pumpe\"},{\"en-GB\":\"pump\"}]", "languages in order");
	value_of(SME("Range", "R") ",\"valueType\":\"xs:int\",\"min\":\"03\",\"max\":\"15\"}", "{\"min\":3,\"max\":15}", "Range");
	value_of(SME("Range", "R") ",\"valueType\":\"xs:double\",\"max\":\"INF\"}", "{\"max\":\"INF\"}", "Range without min");
	value_of(SME("File", "F") ",\"value\":\"/a.pdf\",\"contentType\":\"application/pdf\"}",
		 "{\"value\":\"/a.pdf\",\"contentType\":\"application/pdf\"}", "File");
	value_of(SME("Blob", "B") ",\"value\":\"AAAA\",\"contentType\":\"a/b\"}", "{\"contentType\":\"a/b\"}", "Blob without its bytes");
	shows(parse(AAS_SubmodelElement, SME("Blob", "B") ",\"value\":\"AAAA\",\"contentType\":\"a/b\"}"),
	      (struct aas_view){ .modifier = AAS_VALUE, .blobs = true }, "{\"value\":\"AAAA\",\"contentType\":\"a/b\"}", "Blob with them");
	value_of(SME("ReferenceElement", "R") ",\"value\":" REF "}", REF, "ReferenceElement");
	value_of(SME("RelationshipElement", "R") ",\"first\":" REF ",\"second\":" REF "}", "{\"first\":" REF ",\"second\":" REF "}",
		 "RelationshipElement");
	value_of(SME("AnnotatedRelationshipElement", "R") ",\"first\":" REF ",\"second\":" REF ",\"annotations\":[" PROP("N", "int", "1") "]}",
		 "{\"first\":" REF ",\"second\":" REF ",\"annotations\":{\"N\":1}}", "annotations by idShort");
	value_of(SME("Entity", "E") ",\"statements\":[" PROP("N", "int", "1") "," SME("Capability", "C") "}],\"entityType\":\"SelfManagedEntity\","
		 "\"globalAssetId\":\"g\",\"specificAssetIds\":[{\"name\":\"n\",\"value\":\"v\"}]}",
		 "{\"statements\":{\"N\":1},\"entityType\":\"SelfManagedEntity\",\"globalAssetId\":\"g\","
		 "\"specificAssetIds\":[{\"name\":\"n\",\"value\":\"v\"}]}", "Entity");
	value_of(SME("BasicEventElement", "E") ",\"observed\":" REF ",\"direction\":\"output\",\"state\":\"on\"}", "{\"observed\":" REF "}",
		 "BasicEventElement");
	value_of(SME("Capability", "C") "}", "BAD_REQUEST", "Capability");
	value_of(SME("Operation", "O") "}", "BAD_REQUEST", "Operation");
	value_of(SME("SubmodelElementCollection", "C") "}", "{}", "an empty collection asked for by name");
	value_of(SME("SubmodelElementCollection", "C") ",\"value\":[" PROP("x", "int", "1") "," SME("Operation", "o") "},"
		 SME("Property", "n") ",\"valueType\":\"xs:int\"}," LIST("l", "Capability", "{\"modelType\":\"Capability\"}") ","
		 PROP("y", "string", "z") "]}", "{\"x\":1,\"y\":\"z\"}", "what has no value is left out, also a list of such");
	value_of(LIST("l", "Property", HOLLOW "," ITEM("1") "," HOLLOW "," HOLLOW "," ITEM("2") "," HOLLOW), "[null,1,null,null,2]",
		 "an item without value keeps the place of the next");
	value_of(LIST("l", "Property", HOLLOW), "[]", "a hollow list asked for by name");
}

static const char submodel[] =
	"{\"modelType\":\"Submodel\",\"id\":\"urn:sm\",\"submodelElements\":["
	SME("SubmodelElementCollection", "C") ",\"value\":[" PROP("P", "int", "1") ","
	LIST("L", "SubmodelElementCollection", "{\"modelType\":\"SubmodelElementCollection\",\"value\":[" PROP("Q", "int", "2") "]}") "]},"
	SME("Blob", "B") ",\"value\":\"AAAA\",\"contentType\":\"a/b\"},"
	SME("Entity", "E") ",\"statements\":[" PROP("S", "int", "3") "]},"
	SME("Operation", "O") ",\"inputVariables\":[{\"value\":" SME("SubmodelElementCollection", "I") ",\"value\":[" PROP("J", "int", "4") "]}}]},"
	PROP("T", "int", "5") "]}";

static void levels(const struct aas_node *sm)
{
	struct buf whole = BUF_INIT;
	aas_json_write(&whole, sm);
	shows(sm, (struct aas_view){ .blobs = true }, whole.p, "the normal form is the document");
	buf_fini(&whole);
	shows(sm, (struct aas_view){ .core = true },
	      "{\"modelType\":\"Submodel\",\"id\":\"urn:sm\",\"submodelElements\":[" SME("SubmodelElementCollection", "C") "},"
	      SME("Blob", "B") ",\"contentType\":\"a/b\"}," SME("Entity", "E") "},"
	      SME("Operation", "O") ",\"inputVariables\":[{\"value\":" SME("SubmodelElementCollection", "I") ",\"value\":[" PROP("J", "int", "4")
	      "]}}]}," PROP("T", "int", "5") "]}", "core: direct children, containers without their lists, variables whole, no blob");
	shows(sm, (struct aas_view){ .modifier = AAS_VALUE },
	      "{\"C\":{\"P\":1,\"L\":[{\"Q\":2}]},\"B\":{\"contentType\":\"a/b\"},\"E\":{\"statements\":{\"S\":3}},\"T\":5}", "deep values");
	shows(sm, (struct aas_view){ .modifier = AAS_VALUE, .core = true }, "{\"C\":{},\"B\":{\"contentType\":\"a/b\"},\"T\":5}", "core values");
	shows(sm, (struct aas_view){ .modifier = AAS_METADATA }, "{\"modelType\":\"Submodel\",\"id\":\"urn:sm\"}", "metadata of a submodel");
	shows(sm, (struct aas_view){ .modifier = AAS_METADATA, .core = true }, "BAD_REQUEST", "metadata with level");
	shows(sm, (struct aas_view){ .modifier = AAS_METADATA, .blobs = true }, "BAD_REQUEST", "metadata with blobs");
	shows(sm, (struct aas_view){ .modifier = AAS_PATH }, "[\"C\",\"C.P\",\"C.L\",\"C.L[0]\",\"C.L[0].Q\",\"B\",\"E\",\"E.S\",\"O\",\"T\"]", "paths");
	shows(sm, (struct aas_view){ .modifier = AAS_PATH, .core = true }, "[\"C\",\"B\",\"E\",\"O\",\"T\"]", "paths of direct children");
	shows(sm, (struct aas_view){ .modifier = AAS_REFERENCE },
	      "{\"type\":\"ModelReference\",\"keys\":[{\"type\":\"Submodel\",\"value\":\"urn:sm\"}]}", "reference");
}

static void elements(const struct aas_node *sm)
{
	struct aas_node *l = NULL, *q = NULL, *o = NULL;
	aas_path_find(sm, "C.L", 3, &l, NULL);
	aas_path_find(sm, "C.L[0].Q", 8, &q, NULL);
	aas_path_find(sm, "O", 1, &o, NULL);
	shows(l, (struct aas_view){ .modifier = AAS_PATH }, "[\"C.L\",\"C.L[0]\",\"C.L[0].Q\"]", "paths begin at the submodel");
	shows(l, (struct aas_view){ .modifier = AAS_VALUE, .core = true }, "[{}]", "core value of a list");
	shows(l, (struct aas_view){ .modifier = AAS_METADATA }, SME("SubmodelElementList", "L")
	      ",\"typeValueListElement\":\"SubmodelElementCollection\"}", "metadata of a list");
	shows(q, (struct aas_view){ .modifier = AAS_PATH }, "BAD_REQUEST", "paths of a leaf");
	shows(q, (struct aas_view){ .modifier = AAS_METADATA }, SME("Property", "Q") ",\"valueType\":\"xs:int\"}", "metadata of a Property");
	shows(q, (struct aas_view){ .modifier = AAS_REFERENCE },
	      "{\"type\":\"ModelReference\",\"keys\":[{\"type\":\"Submodel\",\"value\":\"urn:sm\"},"
	      "{\"type\":\"SubmodelElementCollection\",\"value\":\"C\"},{\"type\":\"SubmodelElementList\",\"value\":\"L\"},"
	      "{\"type\":\"SubmodelElementCollection\",\"value\":\"0\"},{\"type\":\"Property\",\"value\":\"Q\"}]}", "reference through a list");
	shows(o, (struct aas_view){ .modifier = AAS_METADATA }, "BAD_REQUEST", "metadata of an Operation");
}

static void metadata(void)
{
	static const struct aas_view v = { .modifier = AAS_METADATA };
	shows(parse(AAS_SubmodelElement, SME("File", "F") ",\"displayName\":[{\"language\":\"en\",\"text\":\"t\"}],\"value\":\"/a\","
		    "\"contentType\":\"a/b\"}"), v, SME("File", "F") ",\"displayName\":[{\"language\":\"en\",\"text\":\"t\"}]}", "metadata of a File");
	shows(parse(AAS_SubmodelElement, SME("Property", "P") ",\"valueType\":\"xs:int\",\"value\":\"1\",\"valueId\":" REF "}"), v,
	      SME("Property", "P") ",\"valueType\":\"xs:int\"}", "valueId is no metadata");
	shows(parse(AAS_SubmodelElement, SME("Entity", "E") ",\"entityType\":\"SelfManagedEntity\",\"globalAssetId\":\"g\"}"), v,
	      SME("Entity", "E") ",\"entityType\":\"SelfManagedEntity\"}", "metadata of an Entity");
	shows(parse(AAS_SubmodelElement, SME("BasicEventElement", "E") ",\"observed\":" REF ",\"direction\":\"output\",\"state\":\"on\"}"), v,
	      SME("BasicEventElement", "E") ",\"direction\":\"output\",\"state\":\"on\"}", "metadata of an event");
	shows(parse(AAS_ConceptDescription, "{\"modelType\":\"ConceptDescription\",\"id\":\"c\"}"), v, "BAD_REQUEST", "of a concept description");
}

static const char *feed(void *ctx, const struct aas_node *n)
{
	++*(int *)ctx;
	return str_eq(AAS_ID_SHORT(n), "P") ? "42" : str_eq(AAS_ID_SHORT(n), "Gone") ? aas_view_absent :
	       str_eq(AAS_ID_SHORT(n), "R") ? "1.5 " : str_eq(AAS_ID_SHORT(n), "S") ? "2 3" : NULL;
}

static void live(void)
{
	int asked = 0;
	struct aas_view v = { .modifier = AAS_VALUE, .live = feed, .live_ctx = &asked };
	struct aas_node *c = parse(AAS_SubmodelElement, SME("SubmodelElementCollection", "C") ",\"value\":["
		SME("Property", "P") ",\"valueType\":\"xs:int\"}," PROP("Gone", "int", "7") "," PROP("Kept", "int", "8") ","
		SME("Range", "R") ",\"valueType\":\"xs:double\",\"max\":\"9\"}," SME("Range", "S") ",\"valueType\":\"xs:double\"}]}");
	shows(c, v, "{\"P\":42,\"Kept\":8,\"R\":{\"min\":1.5},\"S\":{\"min\":2,\"max\":3}}", "live values stand before stored ones");
	check_int(asked, 5, "each asked for once");
	v.modifier = AAS_NORMAL;
	shows(c, v, SME("SubmodelElementCollection", "C") ",\"value\":[" PROP("P", "int", "42") "," SME("Property", "Gone") ",\"valueType\":\"xs:int\"},"
	      PROP("Kept", "int", "8") "," SME("Range", "R") ",\"valueType\":\"xs:double\",\"min\":\"1.5\"},"
	      SME("Range", "S") ",\"valueType\":\"xs:double\",\"min\":\"2\",\"max\":\"3\"}]}", "in the normal form too");
	struct aas_node *e = parse(AAS_SubmodelElement, SME("BasicEventElement", "P") ",\"observed\":" REF ",\"direction\":\"output\",\"state\":\"on\"}");
	shows(e, v, SME("BasicEventElement", "P") ",\"observed\":" REF ",\"direction\":\"output\",\"state\":\"on\",\"lastUpdate\":\"42\"}",
	      "lastUpdate of an event element");
}

static void limits(const struct aas_node *sm)
{
	for (int m = AAS_NORMAL; m <= AAS_REFERENCE; m++) {
		struct buf b;
		struct aas_view v = { .modifier = (enum aas_modifier)m };
		bool ok = true;
		for (size_t limit = 1; limit < 30; limit++) {
			buf_init(&b, limit);
			ok &= aas_view_write(&b, sm, &v, NULL) == (b.failed ? ERR_NO_MEMORY : ERR_OK);
			buf_fini(&b);
		}
		check(ok, "a full buffer is an error, form %d", m);
	}
}

int main(void)
{
	a = arena_new(0);
	struct aas_node *sm = parse(AAS_Submodel, submodel);
	typed_values();
	class_values();
	if (sm) {
		levels(sm);
		elements(sm);
		limits(sm);
	}
	metadata();
	live();
	arena_free(a);
	return done();
}
