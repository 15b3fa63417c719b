/* SPDX-License-Identifier: Apache-2.0 - copying, comparing and changing trees. */
#include "aas/tree.h"

#include "aas/json.h"
#include "tests/tap.h"

static struct arena *arena;

#define REF(v) "{\"type\":\"ExternalReference\",\"keys\":[{\"type\":\"GlobalReference\",\"value\":\"" v "\"}]}"
#define PROP(id, type, value) "{\"modelType\":\"Property\",\"idShort\":\"" id "\",\"valueType\":\"" type "\",\"value\":\"" value "\"}"
#define LIST(rest, items) "{\"modelType\":\"SubmodelElementList\",\"idShort\":\"list\"," rest ",\"value\":[" items "]}"
#define ITEM(value) "{\"modelType\":\"Property\",\"valueType\":\"xs:int\",\"value\":\"" value "\"}"
#define SM(elements) "{\"modelType\":\"Submodel\",\"idShort\":\"sm\",\"id\":\"urn:sm\",\"submodelElements\":[" elements "]}"
#define GROUP(items) "{\"modelType\":\"SubmodelElementCollection\",\"idShort\":\"group\",\"value\":[" items "]}"
#define INTS LIST("\"typeValueListElement\":\"Property\",\"valueTypeListElement\":\"xs:int\"", ITEM("1") "," ITEM("2"))

static struct aas_node *parse(unsigned type, const char *text, unsigned flags)
{
	struct aas_node *n;
	struct diag d = DIAG_INIT;
	char why[1100];
	if (aas_json_read(arena, type, text, strlen(text), flags, &n, &d)) {
		printf("# %s: %s\n", text, diag_first(&d, why, sizeof why));
		abort();
	}
	return n;
}

static const char *print(const struct aas_node *n)
{
	static struct buf b = BUF_INIT;
	buf_reset(&b);
	if (n)
		aas_json_write(&b, n);
	else
		buf_fini(&b);
	return b.p;
}

static struct aas_node *child(struct aas_node *n, const char *id)
{
	for (n = aas_children(n)->node; n && strcmp(AAS_ID_SHORT(n), id);)
		n = n->next;
	return n;
}

static int linked(const struct aas_node *n)
{
	for (unsigned i = 0; i < n->cls->n; i++)
		if (n->cls->props[i].kind == AAS_NODE || n->cls->props[i].kind == AAS_LIST)
			for (const struct aas_node *c = n->slot[i].node; c; c = c->next)
				if (c->parent != n || !linked(c))
					return 0;
	return 1;
}

static void test_copy(void)
{
	struct aas_node *n = parse(AAS_Submodel, SM(PROP("a", "xs:int", "1") "," INTS "," GROUP(PROP("b", "xs:string", ""))), 0);
	struct arena *other = arena_new(0);
	struct aas_node *c = aas_copy(other, aas_children(n)->node);
	check(c && !c->parent && !c->next && aas_equal(c, aas_children(n)->node), "a copy stands alone and is equal");
	c = aas_copy(other, n);
	check(c && aas_equal(c, n) && aas_equal(n, c) && linked(c), "a tree too");
	AAS_AT(child(c, "a"), Property, value).str = "01";
	check(!aas_equal(c, n), "texts are compared byte for byte");
	AAS_AT(child(c, "a"), Property, value).str = NULL;
	check(!aas_equal(c, n) && !aas_equal(n, c), "absent is not empty");
	AAS_AT(child(c, "a"), Property, value).str = "1";
	check(aas_equal(c, n), "and back");
	aas_remove(child(c, "group"));
	check(!aas_equal(c, n) && !aas_equal(n, c), "a missing item counts");
	check(!aas_equal(c, aas_children(n)->node), "another class too");
	arena_free(other);
	unsigned starved = 0;
	for (size_t limit = 100; limit < 8000; limit += 100) {
		other = arena_new(limit);
		c = aas_copy(other, n);
		starved += !c;
		if (c && !aas_equal(c, n))
			check(0, "a copy with little memory is wrong");
		arena_free(other);
	}
	check(starved > 5 && starved < 70, "too little memory is no copy (%u)", starved);
}

static void test_check(void)
{
	struct aas_node *n = parse(AAS_Submodel, SM(PROP("a", "xs:int", "1") "," INTS), 0), *p = child(n, "a");
	struct diag d = DIAG_INIT;
	check(!aas_check(n, &d) && !d.n, "what was read is right");
	AAS_AT(p, Property, value).str = "x";
	AAS_ID_SHORT(p) = "1";
	AAS_AT(child(n, "list"), SubmodelElementList, typeValueListElement).ord = 0;
	AAS_ID(n) = NULL;
	check_int(aas_check(n, &d), ERR_BAD_REQUEST, "four faults");
	check_int(d.n, 4, "are all collected");
	check_str(d.list[0].path, "", "the root's");
	check_str(d.list[1].path, "submodelElements[0].idShort", "a text's");
	check_str(d.list[2].path, "submodelElements[0].value", "a value's");
	check_str(d.list[3].path, "submodelElements[1]", "a list's");
	check(!d.top && aas_check(n, NULL) == ERR_BAD_REQUEST, "frames are popped; a diag is not needed");
	diag_clear(&d);
	n = parse(AAS_SubmodelElement, GROUP(PROP("a", "xs:int", "1")), 0);
	aas_children(n)->node = aas_node_new(arena, AAS_Key);
	check(aas_check(n, &d) && strstr(d.list[0].text, "Key is not a SubmodelElement"), "a wrong class is found");
	diag_fini(&d);
}

struct change {
	const char *tree, *at;		/* `at`: idShort of the parent, or NULL for the root */
	const char *element;
	enum err want;
	const char *rule;
};

static const struct change inserts[] = {
	{ SM(PROP("a", "xs:int", "1")), NULL, PROP("b", "xs:int", "2"), ERR_OK, NULL },
	{ SM(PROP("a", "xs:int", "1")), NULL, PROP("A", "xs:int", "2"), ERR_OK, NULL },
	{ SM(PROP("a", "xs:int", "1")), NULL, PROP("a", "xs:int", "2"), ERR_CONFLICT, "AASd-022" },
	{ SM(PROP("a", "xs:int", "1")), NULL, ITEM("2"), ERR_BAD_REQUEST, "AASd-117" },
	{ SM(PROP("a", "xs:int", "1")), "a", PROP("b", "xs:int", "2"), ERR_BAD_REQUEST, NULL },
	{ SM(INTS), "list", ITEM("3"), ERR_OK, NULL },
	{ SM(INTS), "list", PROP("x", "xs:int", "3"), ERR_OK, NULL },
	{ SM(INTS), "list", PROP("x", "xs:long", "3"), ERR_BAD_REQUEST, "AASd-109" },
	{ SM(INTS), "list", "{\"modelType\":\"Capability\"}", ERR_BAD_REQUEST, "AASd-108" },
	{ SM("{\"modelType\":\"SubmodelElementList\",\"idShort\":\"list\",\"typeValueListElement\":\"Property\"}"), "list", ITEM("1"), ERR_BAD_REQUEST, "AASd-109" },
	{ SM(LIST("\"typeValueListElement\":\"DataElement\"", ITEM("1"))), "list", "{\"modelType\":\"Capability\"}", ERR_BAD_REQUEST, "AASd-108" },
	{ SM(LIST("\"typeValueListElement\":\"DataElement\"", ITEM("1"))), "list", "{\"modelType\":\"Blob\"}", ERR_OK, NULL },
	{ SM(LIST("\"typeValueListElement\":\"SubmodelElement\"", ITEM("1"))), "list", "{\"modelType\":\"Capability\"}", ERR_OK, NULL },
	{ SM(LIST("\"typeValueListElement\":\"RelationshipElement\"", "{\"modelType\":\"RelationshipElement\"}")), "list",
	  "{\"modelType\":\"AnnotatedRelationshipElement\"}", ERR_OK, NULL },
	{ SM(LIST("\"typeValueListElement\":\"EventElement\"", "{\"modelType\":\"BasicEventElement\",\"observed\":" REF("x") ",\"direction\":\"input\",\"state\":\"on\"}")),
	  "list", "{\"modelType\":\"Operation\"}", ERR_BAD_REQUEST, "AASd-108" },
	{ SM(LIST("\"semanticIdListElement\":" REF("s") ",\"typeValueListElement\":\"Capability\"", "{\"modelType\":\"Capability\"}")), "list",
	  "{\"modelType\":\"Capability\",\"semanticId\":" REF("t") "}", ERR_BAD_REQUEST, "AASd-107" },
	{ SM(LIST("\"semanticIdListElement\":" REF("s") ",\"typeValueListElement\":\"Capability\"", "{\"modelType\":\"Capability\"}")), "list",
	  "{\"modelType\":\"Capability\",\"semanticId\":" REF("s") "}", ERR_OK, NULL },
	/* The values of the keys count, as for the rule. */
	{ SM(LIST("\"semanticIdListElement\":" REF("s") ",\"typeValueListElement\":\"Capability\"", "{\"modelType\":\"Capability\"}")), "list",
	  "{\"modelType\":\"Capability\",\"semanticId\":{\"type\":\"ModelReference\",\"keys\":[{\"type\":\"ConceptDescription\",\"value\":\"s\"}]}}", ERR_OK, NULL },
};

static void test_insert(void)
{
	for (size_t i = 0; i < sizeof inserts / sizeof *inserts; i++) {
		const struct change *c = &inserts[i];
		struct diag d = DIAG_INIT;
		struct aas_node *n = parse(AAS_Submodel, c->tree, 0), *was = aas_copy(arena, n), *at = c->at ? child(n, c->at) : n;
		struct aas_node *fresh = parse(AAS_SubmodelElement, c->element, 0);
		enum err e = aas_insert(at, fresh, &d);
		check_int(e, c->want, "insert %zu: %s", i, d.n ? d.list[0].text : "done");
		if (e)
			check(aas_equal(n, was) && (!c->rule || (d.list[0].rule && !strcmp(d.list[0].rule, c->rule))), "nothing changed (%s)",
			      c->rule ? c->rule : "no rule");
		else
			check(!fresh->next && fresh->parent == at && linked(n) && !aas_check(n, NULL), "it is the last one");
		diag_fini(&d);
	}
	struct aas_node *n = parse(AAS_SubmodelElement, GROUP(PROP("a", "xs:int", "1")), 0), *at = n;
	unsigned depth = 1;
	while (depth < 200) {
		struct aas_node *next = parse(AAS_SubmodelElement, "{\"modelType\":\"SubmodelElementCollection\",\"idShort\":\"x\"}", 0);
		if (aas_insert(at, next, NULL))
			break;
		at = next;
		depth++;
	}
	check_int(depth, AAS_DEPTH_MAX, "a tree cannot be made deeper than it can be read");
}

static void test_replace_and_remove(void)
{
	struct aas_node *n = parse(AAS_Submodel, SM(PROP("a", "xs:int", "1") "," PROP("b", "xs:int", "2") "," INTS), 0);
	struct aas_node *b = child(n, "b"), *list = child(n, "list");
	struct diag d = DIAG_INIT;
	check_int(aas_replace(b, parse(AAS_SubmodelElement, PROP("c", "xs:int", "2"), 0), &d), ERR_BAD_REQUEST, "another idShort is refused");
	check_int(aas_replace(b, parse(AAS_SubmodelElement, ITEM("2"), 0), &d), ERR_BAD_REQUEST, "none too");
	check_int(aas_replace(n, parse(AAS_Submodel, SM(INTS), 0), &d), ERR_INTERNAL, "and the root");
	check(!aas_replace(b, parse(AAS_SubmodelElement, "{\"modelType\":\"Capability\",\"idShort\":\"b\"}", 0), &d), "another class is fine");
	check(!b->parent && !b->next && child(n, "b")->next == list && linked(n), "the old one is out, the order is kept");
	check_int(aas_replace(AAS_AT(list, SubmodelElementList, value).node, parse(AAS_SubmodelElement, "{\"modelType\":\"Blob\"}", 0), &d), ERR_BAD_REQUEST,
		  "a list keeps its rules");
	check(!aas_replace(AAS_AT(list, SubmodelElementList, value).node, parse(AAS_SubmodelElement, ITEM("9"), 0), &d), "items need no idShort");
	aas_remove(child(n, "a"));
	check_str(print(n), SM("{\"modelType\":\"Capability\",\"idShort\":\"b\"}," LIST("\"typeValueListElement\":\"Property\",\"valueTypeListElement\":\"xs:int\"",
			  ITEM("9") "," ITEM("2"))), "what is left");
	aas_remove(child(n, "list"));
	aas_remove(child(n, "b"));
	check(!aas_children(n)->node && !aas_check(n, NULL), "an emptied list is absent");
	aas_remove(n);
	struct aas_node *op = parse(AAS_SubmodelElement, "{\"modelType\":\"Operation\",\"idShort\":\"o\",\"inputVariables\":[{\"value\":" PROP("in", "xs:int", "1") "}]}", 0);
	struct aas_node *var = AAS_AT(op, Operation, inputVariables).node;
	check(!aas_replace(AAS_AT(var, OperationVariable, value).node, parse(AAS_SubmodelElement, PROP("in", "xs:int", "5"), 0), &d), "an operation variable's value");
	check_str(AAS_AT(AAS_AT(var, OperationVariable, value).node, Property, value).str, "5", "is replaced");
	diag_fini(&d);
}

static const struct merge {
	const char *tree, *patch, *result;	/* result NULL: refused, nothing changes */
	enum err want;
	const char *path;
} merges[] = {
	{ SM(PROP("a", "xs:int", "1") "," PROP("b", "xs:int", "2")), "{\"submodelElements\":[{\"modelType\":\"Property\",\"idShort\":\"b\",\"value\":\"3\"}]}",
	  SM(PROP("a", "xs:int", "1") "," PROP("b", "xs:int", "3")), ERR_OK, NULL },
	{ SM(PROP("a", "xs:int", "1")), "{\"kind\":\"Instance\",\"id\":\"urn:sm\",\"idShort\":\"sm\"}",
	  "{\"modelType\":\"Submodel\",\"idShort\":\"sm\",\"id\":\"urn:sm\",\"kind\":\"Instance\",\"submodelElements\":[" PROP("a", "xs:int", "1") "]}", ERR_OK, NULL },
	{ SM(PROP("a", "xs:int", "1")), "{\"id\":\"urn:other\"}", NULL, ERR_BAD_REQUEST, "" },
	{ SM(PROP("a", "xs:int", "1")), "{\"idShort\":\"other\"}", NULL, ERR_BAD_REQUEST, "" },
	{ SM(PROP("a", "xs:int", "1")), "{\"kind\":\"Instance\",\"submodelElements\":[{\"modelType\":\"Property\",\"idShort\":\"z\"}]}", NULL, ERR_NOT_FOUND,
	  "submodelElements[0]" },
	{ SM(PROP("a", "xs:int", "1")), "{\"submodelElements\":[{\"modelType\":\"Property\"}]}", NULL, ERR_BAD_REQUEST, "submodelElements[0]" },
	{ SM(PROP("a", "xs:int", "1")), "{\"submodelElements\":[{\"modelType\":\"Blob\",\"idShort\":\"a\"}]}", NULL, ERR_BAD_REQUEST, "submodelElements[0]" },
	{ SM(PROP("a", "xs:int", "1") "," PROP("b", "xs:int", "1")), "{\"submodelElements\":[{\"modelType\":\"Property\",\"idShort\":\"a\",\"value\":\"2\"},"
	  "{\"modelType\":\"Property\",\"idShort\":\"b\",\"value\":\"fast\"}]}", NULL, ERR_BAD_REQUEST, "submodelElements[1].value" },
	{ SM(PROP("a", "xs:string", "x")), "{\"submodelElements\":[{\"modelType\":\"Property\",\"idShort\":\"a\",\"valueType\":\"xs:int\"}]}", NULL, ERR_BAD_REQUEST,
	  "submodelElements[0].value" },
	{ SM(PROP("a", "xs:string", "7")), "{\"submodelElements\":[{\"modelType\":\"Property\",\"idShort\":\"a\",\"valueType\":\"xs:int\"}]}",
	  SM(PROP("a", "xs:int", "7")), ERR_OK, NULL },
	{ SM(INTS), "{\"submodelElements\":[{\"modelType\":\"SubmodelElementList\",\"idShort\":\"list\",\"value\":[{\"modelType\":\"Property\"},{\"modelType\":"
	  "\"Property\",\"value\":\"5\"}]}]}", SM(LIST("\"typeValueListElement\":\"Property\",\"valueTypeListElement\":\"xs:int\"", ITEM("1") "," ITEM("5"))), ERR_OK, NULL },
	{ SM(INTS), "{\"submodelElements\":[{\"modelType\":\"SubmodelElementList\",\"idShort\":\"list\",\"value\":[" ITEM("1") "," ITEM("2") "," ITEM("3") "]}]}", NULL,
	  ERR_NOT_FOUND, "submodelElements[0].value[2]" },
	{ SM(INTS), "{\"submodelElements\":[{\"modelType\":\"SubmodelElementList\",\"idShort\":\"list\",\"value\":[{\"modelType\":\"Property\",\"valueType\":\"xs:long\"}]}]}",
	  NULL, ERR_BAD_REQUEST, "submodelElements[0].value[0]" },
	{ SM(INTS), "{\"submodelElements\":[{\"modelType\":\"SubmodelElementList\",\"idShort\":\"list\",\"valueTypeListElement\":\"xs:long\"}]}", NULL, ERR_BAD_REQUEST,
	  "submodelElements[0].value[0]" },
	{ SM(GROUP(PROP("a", "xs:int", "1"))), "{\"submodelElements\":[{\"modelType\":\"SubmodelElementCollection\",\"idShort\":\"group\",\"semanticId\":" REF("s")
	  ",\"value\":[{\"modelType\":\"Property\",\"idShort\":\"a\",\"value\":\"4\"}]}]}",
	  SM("{\"modelType\":\"SubmodelElementCollection\",\"idShort\":\"group\",\"semanticId\":" REF("s") ",\"value\":[" PROP("a", "xs:int", "4") "]}"), ERR_OK, NULL },
	/* Each would do alone; together they would not. */
	{ SM(PROP("a", "xs:string", "7")), "{\"submodelElements\":[{\"modelType\":\"Property\",\"idShort\":\"a\",\"valueType\":\"xs:int\"},"
	  "{\"modelType\":\"Property\",\"idShort\":\"a\",\"value\":\"x\"}]}", NULL, ERR_BAD_REQUEST, "submodelElements[1]" },
};

/* Nothing can be patched in that makes a tree deeper than it can be read. */
static void test_merge_depth(void)
{
	struct buf b = BUF_INIT;
	unsigned levels[] = { 40, 63 };
	buf_puts(&b, "{\"modelType\":\"Property\",\"idShort\":\"x\",\"semanticId\":");
	for (unsigned i = 0; i < 30; i++)
		buf_puts(&b, "{\"type\":\"ExternalReference\",\"keys\":[{\"type\":\"GlobalReference\",\"value\":\"g\"}],\"referredSemanticId\":");
	buf_puts(&b, REF("g"));
	for (unsigned i = 0; i < 31; i++)
		buf_putc(&b, '}');
	struct aas_node *patch = parse(AAS_SubmodelElement, b.p, AAS_JSON_PARTIAL);
	buf_fini(&b);
	for (unsigned i = 0; i < 2; i++) {
		struct aas_node *n = parse(AAS_Submodel, "{\"modelType\":\"Submodel\",\"id\":\"urn:sm\"}", 0), *at = n, *was;
		for (unsigned depth = 3; depth < levels[i]; depth++, at = aas_children(at)->node)
			aas_insert(at, parse(AAS_SubmodelElement, "{\"modelType\":\"SubmodelElementCollection\",\"idShort\":\"x\"}", 0), NULL);
		aas_insert(at, parse(AAS_SubmodelElement, PROP("x", "xs:int", "1"), 0), NULL);
		was = aas_copy(arena, n);
		struct diag d = DIAG_INIT;
		check_int(aas_merge(arena, child(at, "x"), patch, &d), ERR_BAD_REQUEST, "too deep below level %u", levels[i]);
		check(aas_equal(n, was) && !aas_check(n, NULL), "nothing changed");
		diag_fini(&d);
	}
}

static void test_merge(void)
{
	for (size_t i = 0; i < sizeof merges / sizeof *merges; i++) {
		const struct merge *m = &merges[i];
		struct diag d = DIAG_INIT;
		struct aas_node *n = parse(AAS_Submodel, m->tree, 0), *patch = parse(AAS_Submodel, m->patch, AAS_JSON_PARTIAL);
		struct aas_node *was = aas_copy(arena, n), *asked = aas_copy(arena, patch);
		check_int(aas_merge(arena, n, patch, &d), m->want, "merge %zu: %s", i, d.n ? d.list[0].text : "done");
		check_str(d.n ? d.list[0].path : NULL, m->path, "its path");
		check_str(print(n), m->result ? m->result : print(was), m->result ? "the result" : "nothing changed");
		check(linked(n) && aas_equal(patch, asked) && linked(patch) && !d.top, "the patch is as it was");
		check(aas_merge(arena, was, patch, NULL) == m->want, "without a diag too");
		diag_fini(&d);
	}
	struct aas_node *n = parse(AAS_Submodel, SM(PROP("a", "xs:int", "1")), 0), *was = aas_copy(arena, n);
	struct aas_node *patch = parse(AAS_Submodel, "{\"kind\":\"Instance\"}", AAS_JSON_PARTIAL);
	struct arena *tiny = arena_new(100);
	check(aas_merge(tiny, n, patch, NULL) == ERR_NO_MEMORY && aas_equal(n, was), "without memory nothing changes");
	arena_free(tiny);
}

int main(void)
{
	arena = arena_new(0);
	test_copy();
	test_check();
	test_insert();
	test_replace_and_remove();
	test_merge();
	test_merge_depth();
	print(NULL);
	arena_free(arena);
	return done();
}
