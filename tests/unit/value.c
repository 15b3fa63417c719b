/* SPDX-License-Identifier: Apache-2.0
 * PATCH $value: what is accepted into which element, what is refused with which path, and that a refusal changes nothing.
 */
#include "aas/view.h"

#include "aas/json.h"
#include "aas/path.h"
#include "aas/tree.h"
#include "tests/tap.h"

#define REF "{\"type\":\"ExternalReference\",\"keys\":[{\"type\":\"GlobalReference\",\"value\":\"g\"}]}"
#define SME(cls, id) "{\"modelType\":\"" cls "\",\"idShort\":\"" id "\""

static const char submodel[] =
	"{\"modelType\":\"Submodel\",\"id\":\"urn:sm\",\"submodelElements\":["
	SME("Property", "int") ",\"valueType\":\"xs:int\",\"value\":\"1\"},"
	SME("Property", "ubyte") ",\"valueType\":\"xs:unsignedByte\"},"
	SME("Property", "integer") ",\"valueType\":\"xs:integer\"},"
	SME("Property", "double") ",\"valueType\":\"xs:double\"},"
	SME("Property", "decimal") ",\"valueType\":\"xs:decimal\"},"
	SME("Property", "bool") ",\"valueType\":\"xs:boolean\",\"value\":\"1\"},"
	SME("Property", "text") ",\"valueType\":\"xs:string\",\"value\":\"old\"},"
	SME("Property", "time") ",\"valueType\":\"xs:dateTime\"},"
	SME("MultiLanguageProperty", "mlp") ",\"value\":[{\"language\":\"de\",\"text\":\"alt\"}]},"
	SME("Range", "range") ",\"valueType\":\"xs:int\",\"min\":\"1\",\"max\":\"2\"},"
	SME("File", "file") ",\"value\":\"/a\",\"contentType\":\"a/b\"},"
	SME("Blob", "blob") ",\"contentType\":\"a/b\"},"
	SME("ReferenceElement", "ref") "},"
	SME("RelationshipElement", "rel") ",\"first\":" REF "},"
	SME("AnnotatedRelationshipElement", "arel") ",\"annotations\":[" SME("Property", "N") ",\"valueType\":\"xs:int\",\"value\":\"1\"}]},"
	SME("Entity", "ent") ",\"entityType\":\"CoManagedEntity\",\"statements\":["
	SME("Property", "S") ",\"valueType\":\"xs:int\",\"value\":\"1\"}]},"
	SME("BasicEventElement", "event") ",\"observed\":" REF ",\"direction\":\"output\",\"state\":\"on\"},"
	SME("Capability", "cap") "},"
	SME("SubmodelElementCollection", "smc") ",\"value\":["
	SME("Property", "a") ",\"valueType\":\"xs:int\",\"value\":\"1\"},"
	SME("Property", "b") ",\"valueType\":\"xs:int\",\"value\":\"2\"},"
	SME("Property", "c") ",\"valueType\":\"xs:int\",\"value\":\"3\"}]},"
	SME("SubmodelElementList", "list") ",\"typeValueListElement\":\"Property\",\"valueTypeListElement\":\"xs:int\",\"value\":["
	"{\"modelType\":\"Property\",\"valueType\":\"xs:int\",\"value\":\"1\"},"
	"{\"modelType\":\"Property\",\"valueType\":\"xs:int\",\"value\":\"2\"}]}]}";

static struct arena *a;
static struct aas_node *sm;

static void count(void *ctx, struct aas_node *leaf)
{
	(void)leaf;
	++*(int *)ctx;
}

static struct aas_node *at(const char *path)
{
	struct aas_node *n = NULL;
	if (!*path)
		return sm;
	return aas_path_find(sm, path, strlen(path), &n, NULL) ? NULL : n;
}

static void accepts(const char *path, const char *json, const char *text, int leaves)
{
	struct buf b = BUF_INIT;
	struct diag d = DIAG_INIT;
	int changed = 0;
	char why[600];
	enum err e = aas_value_read(a, at(path), json, strlen(json), count, &changed, &d);
	check_int(e, ERR_OK, "%s takes %s%s%s", path, json, e ? ": " : "", diag_first(&d, why, sizeof why));
	check_int(changed, leaves, "and says what was changed");
	aas_json_write(&b, at(path));
	check(strstr(b.p, text), "%s holds %s", b.p, text);
	buf_fini(&b);
	diag_fini(&d);
}

static void refuses(const char *path, const char *json, const char *why)
{
	struct buf before = BUF_INIT, after = BUF_INIT;
	struct diag d = DIAG_INIT;
	int changed = 0;
	char text[600];
	aas_json_write(&before, sm);
	check_int(aas_value_read(a, at(path), json, strlen(json), count, &changed, &d), ERR_BAD_REQUEST, "%s refuses %s", path, json);
	check(strstr(diag_first(&d, text, sizeof text), why), "saying \"%s\" in: %s", why, text);
	aas_json_write(&after, sm);
	check(!changed && !strcmp(before.p, after.p), "and nothing is changed");
	buf_fini(&before);
	buf_fini(&after);
	diag_fini(&d);
}

static void scalars(void)
{
	accepts("int", "4711", "\"value\":\"4711\"", 1);
	accepts("int", " -0 ", "\"value\":\"-0\"", 1);
	accepts("int", "1.50e1", "\"value\":\"15\"", 1);
	accepts("int", "2.00", "\"value\":\"2\"", 1);
	accepts("int", "-12e2", "\"value\":\"-1200\"", 1);
	accepts("int", "1200E-2", "\"value\":\"12\"", 1);
	accepts("int", "0e99999", "\"value\":\"0\"", 1);
	accepts("integer", "1e20", "\"value\":\"100000000000000000000\"", 1);
	accepts("integer", "123456789012345678901234567890", "\"value\":\"123456789012345678901234567890\"", 1);
	accepts("double", "1.5e-7", "\"value\":\"1.5e-7\"", 1);
	accepts("double", "\"INF\"", "\"value\":\"INF\"", 1);
	accepts("decimal", "0.10", "\"value\":\"0.10\"", 1);
	accepts("bool", "false", "\"value\":\"false\"", 1);
	accepts("text", "\"a\\u00e9\\ud83d\\ude00\\n\"", "\"value\":\"a\xC3\xA9\xF0\x9F\x98\x80\\n\"", 1);
	accepts("text", "\"\"", "\"value\":\"\"", 1);
	accepts("time", "\"2026-01-01T00:00:00Z\"", "\"value\":\"2026-01-01T00:00:00Z\"", 1);
	refuses("int", "\"fast\"", "xs:int");
	accepts("int", "\"5\"", "\"value\":\"5\"", 1);
	accepts("bool", "\"true\"", "\"value\":\"true\"", 1);
	refuses("int", "\"5.5\"", "a number is expected for xs:int");
	refuses("int", "\"\"", "a number is expected for xs:int");
	refuses("bool", "\"yes\"", "true or false is expected for xs:boolean");
	refuses("int", "2147483648", "xs:int");
	refuses("int", "1.5", "xs:int");
	refuses("int", "15e-1", "xs:int");
	refuses("integer", "1e999999999", "xs:integer");
	refuses("ubyte", "256", "xs:unsignedByte");
	refuses("ubyte", "-1", "xs:unsignedByte");
	refuses("decimal", "1e5", "xs:decimal");
	refuses("int", "01", "a number is expected");
	refuses("int", "1.", "malformed number");
	refuses("int", "+1", "a number is expected");
	refuses("int", "1 2", "unexpected text");
	refuses("int", "", "a number is expected");
	refuses("int", "null", "a number is expected");
	refuses("int", "{\"value\":1}", "a number is expected");
	refuses("int", "true", "a number is expected");
	refuses("bool", "1", "true or false");
	refuses("bool", "tru", "true or false");
	refuses("text", "5", "a string is expected");
	refuses("text", "\"a", "malformed string");
	refuses("text", "\"\\ud83d\"", "malformed string");
	refuses("text", "\"\\u0000\"", "malformed string");
	refuses("text", "\"\\u0001\"", "xs:string");
	refuses("text", "\"\xC3\"", "malformed string");
	refuses("text", "\"\t\"", "malformed string");
	refuses("time", "\"yesterday\"", "xs:dateTime");
}

static void classes(void)
{
	accepts("mlp", "[{\"de\":\"neu\"},{\"en\":\"new\"}]", "\"value\":[{\"language\":\"de\",\"text\":\"neu\"},{\"language\":\"en\",\"text\":\"new\"}]", 1);
	accepts("mlp", "{\"fr\":\"nouveau\"}", "\"value\":[{\"language\":\"fr\",\"text\":\"nouveau\"}]", 1);
	refuses("mlp", "[{\"de\":\"a\"},{\"DE\":\"b\"}]", "twice");
	refuses("mlp", "[{\"not a tag\":\"a\"}]", "BCP 47");
	refuses("mlp", "{\"de\":\"\"}", "characters");
	refuses("mlp", "\"neu\"", "array");
	accepts("range", "{\"max\":20}", "\"min\":\"1\",\"max\":\"20\"", 1);
	accepts("range", "{\"max\":21,\"min\":3}", "\"min\":\"3\",\"max\":\"21\"", 1);
	refuses("range", "{\"max\":20,\"min\":\"x\"}", "min: ");
	refuses("range", "{\"mid\":1}", "mid: ");
	refuses("range", "{\"min\":1,\"min\":2}", "twice");
	accepts("file", "{\"value\":\"/b.pdf\"}", "\"value\":\"/b.pdf\",\"contentType\":\"a/b\"", 1);
	refuses("file", "{\"contentType\":\"none\"}", "contentType: ");
	refuses("file", "\"/b.pdf\"", "an object is expected");
	accepts("blob", "{\"contentType\":\"c/d\",\"value\":\"AAAA\"}", "\"value\":\"AAAA\",\"contentType\":\"c/d\"", 1);
	refuses("blob", "{\"value\":\"A\"}", "base64");
	accepts("ref", REF, "\"value\":" REF, 1);
	refuses("ref", "{\"type\":\"ExternalReference\"}", "keys");
	accepts("rel", "{\"second\":" REF "}", "\"first\":" REF ",\"second\":" REF, 1);
	refuses("rel", "{\"second\":{\"type\":\"Foreign\",\"keys\":[]}}", "second.type: ");
	accepts("event", "{\"observed\":" REF "}", "\"observed\":" REF, 1);
	refuses("event", "{\"direction\":\"input\"}", "no such member");
	refuses("cap", "{}", "has no value");
}

static void containers(void)
{
	accepts("arel", "{\"annotations\":{\"N\":2},\"first\":" REF "}", "\"value\":\"2\"", 2);
	accepts("arel", "{\"annotations\":[{\"N\":3}]}", "\"value\":\"3\"", 1);
	refuses("arel", "{\"annotations\":[{\"N\":3},{\"N\":4}]}", "annotations.N: the element is given twice");
	accepts("ent", "{\"globalAssetId\":\"g\",\"statements\":{\"S\":5},\"entityType\":\"SelfManagedEntity\"}", "\"globalAssetId\":\"g\"", 2);
	accepts("ent", "{\"specificAssetIds\":[{\"serial\":\"1\"},{\"name\":\"n\",\"value\":\"v\"}]}",
		"\"specificAssetIds\":[{\"name\":\"serial\",\"value\":\"1\"},{\"name\":\"n\",\"value\":\"v\"}]", 1);
	refuses("ent", "{\"specificAssetIds\":[{\"name\":\"n\",\"value\":\"v\"},{\"a\":1}]}", "specificAssetIds[1]");
	refuses("ent", "{\"entityType\":\"Other\"}", "EntityType");
	accepts("smc", "{\"c\":30,\"a\":10}", "\"value\":\"2\"", 2);
	accepts("smc", "{}", "\"value\":\"30\"", 0);
	refuses("smc", "{\"c\":30,\"a\":\"x\"}", "a: a number");
	refuses("smc", "{\"d\":1}", "d: there is no such element");
	refuses("smc", "{\"a\":1,\"a\":2}", "a: the element is given twice");
	refuses("smc", "{\"c\":1,\"a\":2,\"c\":3}", "c: the element is given twice");
	refuses("smc", "{\"a\":1,}", "a string is expected");
	refuses("smc", "{\"a\":1 \"b\":2}", "\",\" or a closing bracket");
	refuses("smc", "[{\"a\":1}]", "an object is expected");
	accepts("list", "[5]", "\"value\":\"5\"},{\"modelType\":\"Property\",\"valueType\":\"xs:int\",\"value\":\"2\"}", 1);
	accepts("list", "[null,6]", "\"value\":\"5\"},{\"modelType\":\"Property\",\"valueType\":\"xs:int\",\"value\":\"6\"}", 1);
	accepts("list", "[]", "\"value\":\"6\"", 0);
	refuses("list", "[1,2,3]", "[2]: the list has only 2 items");
	refuses("list", "[1,nul]", "null is expected");
	refuses("", "{\"smc\":{\"b\":7},\"list\":[1,\"x\"]}", "list[1]: ");
	refuses("", "{\"smc\":{\"b\":7},\"cap\":{}}", "cap: a Capability has no value");
	accepts("", "{\"list\":[null,8],\"smc\":{\"b\":7},\"int\":9}", "\"value\":\"8\"", 3);
}

/* What GET $value shows can be sent back, and then GET shows the same. */
static void there_and_back(void)
{
	struct buf one = BUF_INIT, two = BUF_INIT;
	struct aas_view v = { .modifier = AAS_VALUE, .blobs = true };
	struct diag d = DIAG_INIT;
	char why[600];
	check_int(aas_view_write(&one, sm, &v, NULL), ERR_OK, "the value of all");
	check_int(aas_value_read(a, sm, one.p, one.n, NULL, NULL, &d), ERR_OK, "is taken back %s", diag_first(&d, why, sizeof why));
	aas_view_write(&two, sm, &v, NULL);
	check_str(two.p, one.p, "and is the same");
	for (size_t n = 0; n < one.n; n++)
		if (!aas_value_read(a, sm, one.p, n, NULL, NULL, NULL))
			check(0, "the first %zu bytes alone are refused", n);
	check(AAS_AT(at("rel"), RelationshipElement, second).node->parent == at("rel"), "new nodes know their parent");
	buf_fini(&one);
	buf_fini(&two);
	diag_fini(&d);
}

/* No value makes a tree deeper than it can be read. */
static void depth(void)
{
	struct buf b = BUF_INIT;
	for (unsigned i = 0; i < 60; i++)
		buf_puts(&b, "{\"type\":\"ExternalReference\",\"keys\":[{\"type\":\"GlobalReference\",\"value\":\"g\"}],\"referredSemanticId\":");
	buf_puts(&b, REF);
	for (unsigned i = 0; i < 60; i++)
		buf_putc(&b, '}');
	accepts("ref", b.p, REF, 1);
	check(!aas_check(sm, NULL), "as deep as can be read");
	accepts("ref", REF, REF, 1);
	struct buf deeper = BUF_INIT;
	buf_printf(&deeper, "{\"type\":\"ExternalReference\",\"keys\":[{\"type\":\"GlobalReference\",\"value\":\"g\"}],\"referredSemanticId\":%s}", b.p);
	refuses("ref", deeper.p, "deeper than");
	buf_fini(&deeper);
	buf_fini(&b);
}

int main(void)
{
	struct diag d = DIAG_INIT;
	char text[600];
	a = arena_new(0);
	check_int(aas_json_read(a, AAS_Submodel, submodel, sizeof submodel - 1, 0, &sm, &d), ERR_OK, "the submodel %s",
		  diag_first(&d, text, sizeof text));
	if (sm) {
		scalars();
		classes();
		containers();
		there_and_back();
		depth();
	}
	diag_fini(&d);
	arena_free(a);
	return done();
}
