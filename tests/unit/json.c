/* SPDX-License-Identifier: Apache-2.0 - the JSON codec: what is read, how it is written, what is refused and where. */
#include "aas/json.h"

#include "aas/tree.h"
#include "tests/tap.h"

#define SM "{\"modelType\":\"Submodel\",\"id\":\"urn:x\",\"submodelElements\":["
#define PROP "{\"modelType\":\"Property\",\"idShort\":\"a\",\"valueType\":\"xs:int\""
#define REF "{\"type\":\"ExternalReference\",\"keys\":[{\"type\":\"GlobalReference\",\"value\":\"x\"}]}"

struct bad {
	unsigned type;
	const char *text, *path, *message;	/* a part of the message */
};

static const struct bad bad[] = {
	/* syntax */
	{ AAS_Submodel, "", "", "the text ends" },
	{ AAS_Submodel, "  ", "", "the text ends" },
	{ AAS_Submodel, "[]", "", "expected an object, not an array" },
	{ AAS_Submodel, "null", "", "null is not allowed" },
	{ AAS_Submodel, "{", "", "name of an attribute" },
	{ AAS_Submodel, "{\"modelType\":\"Submodel\",}", "", "comma" },
	{ AAS_Submodel, SM PROP "}]}x", "", "more text follows" },
	{ AAS_Submodel, SM PROP "}]}{}", "", "more text follows" },
	{ AAS_Submodel, "\xEF\xBB\xBF" SM "]}", "", "byte order mark" },
	{ AAS_Submodel, SM PROP "},]}", "submodelElements[1]", "expected an object" },
	{ AAS_Submodel, SM PROP ",}]}", "submodelElements[0]", "name of an attribute" },
	{ AAS_Submodel, SM PROP "} {}]}", "submodelElements[0]", "comma or ]" },
	{ AAS_Submodel, SM PROP " \"value\":\"1\"}]}", "submodelElements[0].valueType", "comma or }" },
	{ AAS_Submodel, SM PROP ",\"value\" \"1\"}]}", "submodelElements[0]", "colon" },
	{ AAS_Submodel, SM PROP ",\"value\":\"1", "submodelElements[0].value", "does not end" },
	{ AAS_Submodel, SM PROP ",\"value\":\"1\\", "submodelElements[0].value", "escape" },
	{ AAS_Submodel, SM PROP ",value:\"1\"}]}", "submodelElements[0]", "name of an attribute" },
	{ AAS_Submodel, SM PROP ",'value':\"1\"}]}", "submodelElements[0]", "name of an attribute" },
	{ AAS_Submodel, SM PROP "/**/}]}", "submodelElements[0].valueType", "comma" },
	{ AAS_Key, "{\"type\":\"Submodel\",\"value\":\"a\nb\"}", "value", "control character U+000A" },
	{ AAS_Key, "{\"type\":\"Submodel\",\"value\":\"\\x\"}", "value", "escape" },
	{ AAS_Key, "{\"type\":\"Submodel\",\"value\":\"\\u12g4\"}", "value", "escape" },
	{ AAS_Key, "{\"type\":\"Submodel\",\"value\":\"\\ud83d\"}", "value", "surrogate" },
	{ AAS_Key, "{\"type\":\"Submodel\",\"value\":\"\\ud83d\\u0041\"}", "value", "surrogate" },
	{ AAS_Key, "{\"type\":\"Submodel\",\"value\":\"\\ude00\"}", "value", "surrogate" },
	{ AAS_Key, "{\"type\":\"Submodel\",\"value\":\"\\u0000\"}", "value", "U+0000" },
	{ AAS_Key, "{\"type\":\"Submodel\",\"value\":\"\\b\"}", "value", "XML" },
	{ AAS_Key, "{\"type\":\"Submodel\",\"value\":\"\\uFFFE\"}", "value", "U+FFFE" },
	{ AAS_Key, "{\"type\":\"Submodel\",\"value\":\"\xEF\xBF\xBF\"}", "value", "U+FFFF" },
	{ AAS_Key, "{\"type\":\"Submodel\",\"value\":\"a\xC0\x80\"}", "value", "UTF-8" },
	{ AAS_Key, "{\"type\":\"Submodel\",\"value\":\"a\xED\xA0\x80\"}", "value", "UTF-8" },
	{ AAS_Key, "{\"type\":\"Submodel\",\"value\":\"\xC3\"}", "value", "UTF-8" },
	/* kinds */
	{ AAS_Submodel, SM PROP ",\"value\":5}]}", "submodelElements[0].value", "expected a string, not a number" },
	{ AAS_Submodel, SM PROP ",\"value\":true}]}", "submodelElements[0].value", "not a boolean" },
	{ AAS_Submodel, SM PROP ",\"value\":{}}]}", "submodelElements[0].value", "not an object" },
	{ AAS_Submodel, SM PROP ",\"value\":null}]}", "submodelElements[0].value", "null is not allowed" },
	{ AAS_Submodel, SM "{\"modelType\":\"SubmodelElementList\",\"typeValueListElement\":\"Property\",\"orderRelevant\":\"true\"}]}",
	  "submodelElements[0].orderRelevant", "expected true or false, not a string" },
	{ AAS_Submodel, "{\"modelType\":\"Submodel\",\"id\":\"x\",\"semanticId\":\"x\"}", "semanticId", "expected an object, not a string" },
	{ AAS_Submodel, "{\"modelType\":\"Submodel\",\"id\":\"x\",\"qualifiers\":{}}", "qualifiers", "expected an array, not an object" },
	{ AAS_Submodel, SM "]}", "submodelElements", "must not be empty" },
	{ AAS_Submodel, SM "null]}", "submodelElements[0]", "null" },
	{ AAS_Submodel, SM PROP "},[]]}", "submodelElements[1]", "expected an object, not an array" },
	{ AAS_Reference, "{\"type\":\"ExternalReference\",\"keys\":[{\"type\":1}]}", "keys[0].type", "not a number" },
	/* names */
	{ AAS_Key, "{\"type\":\"Submodel\",\"value\":\"a\",\"Value\":\"b\"}", "", "no attribute \"Value\"" },
	{ AAS_Key, "{\"type\":\"Submodel\",\"value\":\"a\",\"modelType\":\"Key\"}", "", "no attribute \"modelType\"" },
	{ AAS_Key, "{\"type\":\"Submodel\",\"value\":\"a\",\"value\":\"a\"}", "", "\"value\" occurs twice" },
	{ AAS_Submodel, "{\"modelType\":\"Submodel\",\"id\":\"x\",\"modelType\":\"Submodel\"}", "", "\"modelType\" occurs twice" },
	{ AAS_Key, "{\"type\":\"Submodel\"}", "", "value is required" },
	{ AAS_Submodel, "{}", "", "modelType is required" },
	{ AAS_Submodel, "{\"id\":\"x\"}", "", "modelType is required" },
	{ AAS_SubmodelElement, "{\"idShort\":\"x\"}", "", "modelType is required" },
	{ AAS_SubmodelElement, "{\"modelType\":\"property\"}", "modelType", "\"property\" is not a SubmodelElement" },
	{ AAS_SubmodelElement, "{\"modelType\":\"Submodel\"}", "modelType", "\"Submodel\" is not a SubmodelElement" },
	{ AAS_SubmodelElement, "{\"modelType\":7}", "modelType", "not a number" },
	{ AAS_SubmodelElement, "{\"idShort\":\"a\",\"modelType\":\"Foo\"}", "modelType", "is not a SubmodelElement" },
	{ AAS_DataElement, "{\"idShort\":\"a\",\"modelType\":\"Capability\"}", "modelType", "Capability is not a DataElement" },
	{ AAS_Submodel, "{\"modelType\":\"Property\",\"id\":\"x\"}", "modelType", "\"Property\" is not a Submodel" },
	{ AAS_Submodel, "{\"id\":\"x\",\"modelType\":\"Property\"}", "modelType", "\"Property\" is not a Submodel" },
	/* texts */
	{ AAS_Submodel, "{\"modelType\":\"Submodel\",\"id\":\"\"}", "id", "must not be empty" },
	{ AAS_Submodel, "{\"modelType\":\"Submodel\",\"id\":\"x\",\"idShort\":\"1a\"}", "idShort", "\"1a\" is not a valid IdShort" },
	{ AAS_Submodel, "{\"modelType\":\"Submodel\",\"id\":\"x\",\"kind\":\"instance\"}", "kind", "not one of Template, Instance" },
	{ AAS_LangStringShortNameTypeIec61360, "{\"language\":\"de\",\"text\":\"1234567890123456789\"}", "text", "19 characters, 18" },
	{ AAS_Submodel, SM PROP ",\"value\":\"fast\"}]}", "submodelElements[0].value", "\"fast\" is not a value of xs:int" },
	{ AAS_Submodel, SM "{\"modelType\":\"Property\",\"value\":\"2147483648\",\"valueType\":\"xs:int\"}]}", "submodelElements[0].value", "xs:int" },
	{ AAS_Submodel, SM "{\"modelType\":\"Range\",\"max\":\"x\",\"valueType\":\"xs:int\",\"min\":\"1\"}]}", "submodelElements[0].max", "xs:int" },
	{ AAS_Qualifier, "{\"type\":\"q\",\"value\":\"maybe\",\"valueType\":\"xs:boolean\"}", "value", "xs:boolean" },
	{ AAS_Extension, "{\"name\":\"q\",\"value\":\"maybe\",\"valueType\":\"xs:boolean\"}", "value", "xs:boolean" },
	{ AAS_Blob, "{\"modelType\":\"Blob\",\"value\":\"Zg\"}", "value", "base64" },
	{ AAS_Submodel, SM PROP ",\"semanticId\":{\"type\":\"ExternalReference\",\"keys\":[{\"type\":\"GlobalReference\",\"value\":\"x\"},"
	  "{\"type\":\"Nothing\",\"value\":\"x\"}]}}]}", "submodelElements[0].semanticId.keys[1].type", "is not one of" },
};

static void test_bad(void)
{
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct arena *a = arena_new(0);
		struct diag d = DIAG_INIT;
		struct aas_node *n = (struct aas_node *)a;
		enum err e = aas_json_read(a, bad[i].type, bad[i].text, strlen(bad[i].text), 0, &n, &d);
		const char *text = d.n ? d.list[0].text : "(nothing)";
		check(e == ERR_BAD_REQUEST && !n && d.n == 1 && !d.top && strstr(text, bad[i].message), "%.60s: %.100s", bad[i].text, text);
		check_str(d.n ? d.list[0].path : "?", bad[i].path, "its path");
		diag_fini(&d);
		check(aas_json_read(a, bad[i].type, bad[i].text, strlen(bad[i].text), 0, &n, NULL) == e, "the same without a diag");
		arena_free(a);
	}
}

/* Read as `type`, written again: `want`, or the text itself when that is NULL. */
static void good(unsigned type, const char *text, const char *want, const char *what)
{
	struct arena *a = arena_new(0);
	struct diag d = DIAG_INIT;
	struct aas_node *n;
	struct buf b = BUF_INIT;
	char why[1100];
	size_t len = strlen(text);
	char *exact = malloc(len ? len : 1);	/* not terminated: what is read beyond it is seen by the sanitizer */
	memcpy(exact, text, len);
	if (check(!aas_json_read(a, type, exact, len, 0, &n, &d), "%s %s", what, diag_first(&d, why, sizeof why))) {
		aas_json_write(&b, n);
		check_str(b.p, want ? want : text, "written again");
		check(!aas_check(n, &d), "and structurally right");
	}
	buf_fini(&b);
	diag_fini(&d);
	free(exact);
	arena_free(a);
}

static void test_good(void)
{
	good(AAS_Environment, "{}", NULL, "an empty environment");
	good(AAS_Environment, " { } ", "{}", "with blanks");
	good(AAS_Submodel, SM PROP ",\"value\":\"1\"}]}", NULL, "the canonical form");
	good(AAS_Submodel, "\r\n{\t\"submodelElements\" : [ { \"value\"\n:\n\"-0\", \"valueType\" :\"xs:int\" ,  \"idShort\":\"a\",\"modelType\":\"Property\"\n}\n]"
	     ",\n                                        \"id\":\"urn:x\",\"modelType\" : \"Submodel\"}\n\n",
	     SM PROP ",\"value\":\"-0\"}]}", "any order, any white space");
	good(AAS_SubmodelElement, "{\"value\":[{\"value\":[{\"valueType\":\"xs:int\",\"idShort\":\"a\",\"modelType\":\"Property\"}],\"modelType\":"
	     "\"SubmodelElementCollection\"},{\"idShort\":\"modelType\",\"value\":[{\"language\":\"en\",\"text\":\"\\\"modelType\\\":\\\"Blob\\\"}{[\"}],"
	     "\"modelType\":\"MultiLanguageProperty\"}],\"modelType\":\"SubmodelElementCollection\"}",
	     "{\"modelType\":\"SubmodelElementCollection\",\"value\":[{\"modelType\":\"SubmodelElementCollection\",\"value\":[" PROP "}]},{\"modelType\":"
	     "\"MultiLanguageProperty\",\"idShort\":\"modelType\",\"value\":[{\"language\":\"en\",\"text\":\"\\\"modelType\\\":\\\"Blob\\\"}{[\"}]}]}",
	     "classes are found ahead, at all levels, and not within strings");
	good(AAS_Key, "{\"value\":\"\\u00e4\\uD83D\\uDE00\\/\\\"\\\\\\n\\r\\t\xE2\x82\xAC\",\"type\":\"Submodel\"}",
	     "{\"type\":\"Submodel\",\"value\":\"\xC3\xA4\xF0\x9F\x98\x80/\\\"\\\\\\n\\r\\t\xE2\x82\xAC\"}", "escapes");
	good(AAS_Key, "{\"\\u0074ype\":\"Submodel\",\"value\":\"\\u007f\"}", "{\"type\":\"Submodel\",\"value\":\"\x7F\"}", "an escaped name");
	good(AAS_LangStringShortNameTypeIec61360, "{\"language\":\"de\",\"text\":\"\xC3\xA4\xC3\xB6\xC3\xBC\xC3\xA4\xC3\xB6\xC3\xBC\xC3\xA4\xC3\xB6\xC3\xBC\xC3"
	     "\xA4\xC3\xB6\xC3\xBC\xC3\xA4\xC3\xB6\xC3\xBC\xC3\xA4\xC3\xB6\xC3\xBC\"}", NULL, "characters are counted, not bytes");
	good(AAS_Property, "{\"modelType\":\"Property\",\"valueType\":\"xs:string\",\"value\":\"\"}", NULL, "an empty text is kept");
	good(AAS_LevelType, "{\"min\":true,\"nom\":false,\"typ\":true,\"max\":false}", NULL, "booleans");
	good(AAS_Blob, "{\"modelType\":\"Blob\",\"value\":\"Zm8=\",\"contentType\":\"a/b\"}", NULL, "bytes");
	good(AAS_Extension, "{\"name\":\"x\",\"value\":\"anything\"}", NULL, "an Extension's type is xs:string when absent");
	char text[900], *p = text + snprintf(text, sizeof text, "{\"type\":\"Submodel\",\"value\":\"");
	for (int n = 1; n < 80; n++) {	/* every alignment of an escape and of a wide character */
		snprintf(p, 800, "%.*s\\\"%.*s\xC3\xA4%.*s\"}", n, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
			 n % 17, "bbbbbbbbbbbbbbbbbbbb", n % 31, "ccccccccccccccccccccccccccccccccccccccc");
		struct arena *a = arena_new(0);
		struct aas_node *node;
		struct buf b = BUF_INIT;
		if (aas_json_read(a, AAS_Key, text, strlen(text), 0, &node, NULL) || (aas_json_write(&b, node), strcmp(b.p, text)))
			check(0, "alignment %d", n);
		buf_fini(&b);
		arena_free(a);
	}
}

/* The class is found ahead wherever quotes, escapes and braces fall within the blocks of the scan. */
static void test_ahead(void)
{
	static const char pad[] = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
	static const char *const tricks[] = { "\\\\", "\\\"{", "}\\\\\\\"", "\\\"modelType\\\":\\\"Blob\\\"", ":[}]", "modelType" };
	unsigned wrong = 0, n = 0;
	for (size_t t = 0; t < sizeof tricks / sizeof *tricks; t++)
		for (int i = 0; i < 130; i++, n++) {
			struct arena *a = arena_new(0);
			struct aas_node *node;
			char text[600];
			snprintf(text, sizeof text, "{\"idShort\":\"a\",\"value\":\"%.*s%s\",\"valueType\":\"xs:string\",\"modelType\":\"Property\"}", i, pad,
				 tricks[t]);
			wrong += aas_json_read(a, AAS_SubmodelElement, text, strlen(text), 0, &node, NULL) || !aas_is(node, AAS_Property);
			arena_free(a);
		}
	check_int(wrong, 0, "%u alignments of the scan for modelType", n);
}

/* Property in n - 1 collections, with modelType first or last. */
static char *nest(unsigned n, bool last, const char *leaf)
{
	struct buf b = BUF_INIT;
	for (unsigned i = 1; i < n; i++)
		buf_puts(&b, last ? "{\"value\":[" : "{\"modelType\":\"SubmodelElementCollection\",\"value\":[");
	buf_puts(&b, leaf);
	for (unsigned i = 1; i < n; i++)
		buf_puts(&b, last ? "],\"modelType\":\"SubmodelElementCollection\"}" : "]}");
	return buf_take(&b, NULL);
}

static void test_depth(void)
{
	for (int last = 0; last < 2; last++)
		for (unsigned n = AAS_DEPTH_MAX - 1; n < AAS_DEPTH_MAX + 2; n++) {
			struct arena *a = arena_new(0);
			struct aas_node *node;
			char *text = nest(n, last, "{\"modelType\":\"Capability\"}");
			check_int(aas_json_read(a, AAS_SubmodelElement, text, strlen(text), 0, &node, NULL), n > AAS_DEPTH_MAX ? ERR_BAD_REQUEST : ERR_OK,
				  "%u levels, modelType %s", n, last ? "last" : "first");
			free(text);
			arena_free(a);
		}
	static const char *const bombs[] = { "{\"value\":[", "[", "{\"a\":", "{\"modelType\":\"SubmodelElementCollection\",\"value\":[", "{", "{\"referredSemanticId\":" };
	for (size_t i = 0; i < sizeof bombs / sizeof *bombs; i++) {
		struct buf b = BUF_INIT;
		struct arena *a = arena_new(0);
		struct aas_node *node;
		while (b.n < 1 << 20)
			buf_puts(&b, bombs[i]);
		check_int(aas_json_read(a, AAS_SubmodelElement, b.p, b.n, 0, &node, NULL), ERR_BAD_REQUEST, "a megabyte of %s", bombs[i]);
		check_int(aas_json_read(a, AAS_Reference, b.p, b.n, 0, &node, NULL), ERR_BAD_REQUEST, "as a Reference");
		buf_fini(&b);
		arena_free(a);
	}
}

static void test_flags(void)
{
	static const struct {
		unsigned type, flags;
		const char *text;
		enum err want;
	} row[] = {
		{ AAS_Property, AAS_JSON_PARTIAL, "{\"value\":\"1\"}", ERR_OK },
		{ AAS_Property, AAS_JSON_PARTIAL, "{\"value\":\"x\",\"valueType\":\"xs:int\"}", ERR_BAD_REQUEST },
		{ AAS_Submodel, AAS_JSON_PARTIAL, "{\"submodelElements\":[{\"modelType\":\"Property\",\"idShort\":\"a\"}]}", ERR_OK },
		{ AAS_Submodel, AAS_JSON_PARTIAL, "{\"submodelElements\":[{\"idShort\":\"a\"}]}", ERR_BAD_REQUEST },
		{ AAS_Submodel, AAS_JSON_PARTIAL, "{\"semanticId\":{\"type\":\"ExternalReference\"}}", ERR_BAD_REQUEST },
		{ AAS_Property, AAS_JSON_METADATA, "{\"modelType\":\"Property\",\"valueType\":\"xs:int\",\"displayName\":[{\"language\":\"de\",\"text\":\"x\"}]}", ERR_OK },
		{ AAS_Property, AAS_JSON_METADATA, "{\"modelType\":\"Property\",\"valueType\":\"xs:int\",\"value\":\"1\"}", ERR_BAD_REQUEST },
		{ AAS_Submodel, AAS_JSON_METADATA | AAS_JSON_PARTIAL, "{\"submodelElements\":[" PROP "}]}", ERR_BAD_REQUEST },
		{ AAS_Submodel, AAS_JSON_METADATA | AAS_JSON_PARTIAL, "{\"kind\":\"Instance\"}", ERR_OK },
	};
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		struct arena *a = arena_new(0);
		struct aas_node *n;
		check_int(aas_json_read(a, row[i].type, row[i].text, strlen(row[i].text), row[i].flags, &n, NULL), row[i].want, "flags %u: %.70s",
			  row[i].flags, row[i].text);
		arena_free(a);
	}
}

static void test_links_and_lists(void)
{
	static const char text[] = SM PROP "},{\"modelType\":\"SubmodelElementCollection\",\"idShort\":\"c\",\"value\":[" PROP "}]}]}";
	struct arena *a = arena_new(0);
	struct aas_node *n, *c;
	struct diag d = DIAG_INIT;
	struct diag_frame f;
	check(!aas_json_read(a, AAS_Submodel, text, sizeof text - 1, 0, &n, NULL), "a small submodel");
	c = AAS_AT(n, Submodel, submodelElements).node;
	check(!n->parent && !n->next && c->parent == n && c->next && c->next->parent == n && !c->next->next, "parent and next are set");
	check(AAS_AT(c->next, SubmodelElementCollection, value).node->parent == c->next, "further down too");
	check(!aas_json_read_list(a, AAS_SubmodelElement, "[]", 2, 0, &n, NULL) && !n, "an empty list");
	check(!aas_json_read_list(a, AAS_Reference, "[" REF "," REF "]", 2 * sizeof REF + 1, 0, &n, NULL) && n && n->next && !n->next->next && !n->parent,
	      "a list of two");
	diag_push(&d, &f, "body");
	check(aas_json_read_list(a, AAS_Reference, "[" REF ",{}]", sizeof REF + 4, 0, &n, &d) == ERR_BAD_REQUEST && !n, "a wrong item");
	check_str(d.list[0].path, "body[1]", "its path, below the caller's");
	check(d.top == &f, "the caller's frames stay");
	diag_clear(&d);
	check(aas_json_read_list(a, AAS_Reference, "{}", 2, 0, &n, &d) == ERR_BAD_REQUEST && aas_json_read_list(a, AAS_Reference, "[] []", 5, 0, &n, &d),
	      "no list, or two");
	diag_fini(&d);
	arena_free(a);
}

/* With too little memory the answer is ERR_NO_MEMORY, and with a little more it is right. */
static void test_memory(void)
{
	char *text = nest(40, true, "{\"modelType\":\"Property\",\"valueType\":\"xs:int\",\"semanticId\":" REF "}");
	unsigned starved = 0, fine = 0, other = 0;
	for (size_t limit = 1; limit < 60000; limit += 97) {
		struct arena *a = arena_new(limit);
		struct aas_node *n;
		enum err e = aas_json_read(a, AAS_SubmodelElement, text, strlen(text), 0, &n, NULL);
		starved += e == ERR_NO_MEMORY && !n;
		fine += e == ERR_OK && n && !aas_check(n, NULL);
		other += e != ERR_OK && e != ERR_NO_MEMORY;
		if (!e) {
			struct buf b;
			buf_init(&b, limit % 4000 + 1);
			aas_json_write(&b, n);
			other += !b.failed && b.n != strlen(b.p);
			buf_fini(&b);
		}
		arena_free(a);
	}
	check(starved > 50 && fine > 50 && !other, "%u times starved, %u times fine, never anything else", starved, fine);
	free(text);
}

int main(void)
{
	test_bad();
	test_good();
	test_ahead();
	test_depth();
	test_flags();
	test_links_and_lists();
	test_memory();
	return done();
}
