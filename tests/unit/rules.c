/* SPDX-License-Identifier: Apache-2.0
 * What tests/rules/run.c does not try: where findings are placed, trees that hang in others, many findings, broken input. */
#include "aas/rules.h"

#include "aas/json.h"
#include "aas/tree.h"
#include "aas/xml.h"
#include "tests/tap.h"

static struct arena *arena;

/* Single quotes for double ones. */
static struct aas_node *read_as(unsigned type, const char *text, unsigned flags, struct diag *d)
{
	char *json = arena_strdup(arena, text);
	struct aas_node *n = NULL;
	for (char *p = json; *p; p++)
		if (*p == '\'')
			*p = '"';
	aas_json_read(arena, type, json, strlen(json), flags, &n, d);
	return n;
}

/* Every finding as "path [rule]", one a line. */
static const char *told(const struct diag *d)
{
	static char out[8000];
	size_t at = 0;
	out[0] = 0;
	for (unsigned i = 0; i < d->n && at < sizeof out; i++)
		at += (size_t)snprintf(out + at, sizeof out - at, "%s [%s]\n", d->list[i].path, d->list[i].rule ? d->list[i].rule : "");
	return out;
}

static void check_text(unsigned type, const char *text, unsigned flags, const char *want, const char *what)
{
	struct diag d = DIAG_INIT;
	struct aas_node *n = read_as(type, text, AAS_JSON_COLLECT, &d);
	enum err e = n ? aas_rules_check(n, flags, &d) : ERR_BAD_REQUEST;
	check_str(told(&d), want, "%s", what);
	if (!*want)
		check_int(e, ERR_OK, "and that is well");
	check(!d.top, "no frame is left");
	diag_fini(&d);
}

static void paths(void)
{
	check_text(AAS_Environment,
		   "{'submodels':[{'modelType':'Submodel','id':'urn:a'},{'modelType':'Submodel','id':'urn:b','submodelElements':["
		   "{'modelType':'Property','idShort':'a','valueType':'xs:int'},{'modelType':'SubmodelElementCollection','idShort':'c','value':["
		   "{'modelType':'Property','idShort':'x','valueType':'xs:int'},{'modelType':'Property','idShort':'x','valueType':'xs:int'}]},"
		   "{'modelType':'Property','idShort':'a','valueType':'xs:int','supplementalSemanticIds':[{'type':'ExternalReference','keys':["
		   "{'type':'Submodel','value':'u'}]}]}]}]}", 0,
		   "submodels[1].submodelElements[2] [AASd-022]\nsubmodels[1].submodelElements[1].value[1] [AASd-022]\n"
		   "submodels[1].submodelElements[2].supplementalSemanticIds [AASd-118]\n"
		   "submodels[1].submodelElements[2].supplementalSemanticIds[0].keys[0] [AASd-122]\n", "each finding has its place");
	check_text(AAS_Property, "{'modelType':'Property','idShort':'a','valueType':'xs:int','displayName':[{'language':'de','text':'a'},"
				 "{'language':'DE','text':'b'}]}", AAS_RULES_STRICT, "displayName[1] [STR-055]\n", "a single element is a root, too");
	check_text(AAS_Property, "{'modelType':'Property','valueType':'xs:int'}", 0, "", "who asks for its idShort is not known");
	check_text(AAS_Reference, "{'type':'ModelReference','keys':[{'type':'GlobalReference','value':'u'},{'type':'Submodel','value':'s'},"
				  "{'type':'SubmodelElementList','value':'l'},{'type':'Property','value':'p'}]}", 0,
		   "keys[0] [AASd-123]\nkeys[1] [AASd-125]\nkeys[3] [AASd-128]\n", "one reference can break several rules");
}

/* Structural faults and rules in one go. */
static void collecting(void)
{
	check_text(AAS_Environment,
		   "{'submodels':[{'modelType':'Submodel','id':'','kind':'instance','x':{'y':[1,{}]},'submodelElements':["
		   "{'modelType':'Property','idShort':'1a','valueType':'xs:int','value':5},"
		   "{'modelType':'Lamp','idShort':'b'},"
		   "7,"
		   "{'modelType':'Range','idShort':'c','idShort':'c','min':null},"
		   "{'modelType':'Property','idShort':'d','valueType':'xs:int','value':'five','extensions':[],'qualifiers':[{'type':'t'}]},"
		   "{'modelType':'Property','idShort':'d','valueType':'xs:int'}]}]}", 0,
		   "submodels[0].id [STR-033]\nsubmodels[0].kind [STR-072]\nsubmodels[0] []\n"
		   "submodels[0].submodelElements[0].idShort [AASd-002]\nsubmodels[0].submodelElements[0].value []\n"
		   "submodels[0].submodelElements[1].modelType []\nsubmodels[0].submodelElements[2] []\n"
		   "submodels[0].submodelElements[3] []\nsubmodels[0].submodelElements[3].min []\nsubmodels[0].submodelElements[3] [STR-100]\n"
		   "submodels[0].submodelElements[4].extensions [STR-003]\nsubmodels[0].submodelElements[4].qualifiers[0] [STR-084]\n"
		   "submodels[0].submodelElements[4].value [STR-068]\n"
		   "submodels[0].submodelElements[3] [AASd-022]\n", "all faults of a text are told");
	check_text(AAS_Submodel, "{'modelType':'Submodel','kind':'x','id':'u','submodelElements':[{'modelType':'Capability','idShort':'é\\u0041'}],"
				 "'description':[{'language':'en','text':'a\\'b'},]}", 0,
		   "kind [STR-072]\nsubmodelElements[0].idShort [AASd-002]\ndescription[1] []\n", "up to the place where it is no JSON");
	check_text(AAS_Environment, "{'submodels':[{'modelType':'Submodel','id':'a','kind':'x',},{'modelType':'Submodel','id':''}],"
				    "'conceptDescriptions':[{'modelType':'ConceptDescription' 'id':'}'},{'modelType':'ConceptDescription','id':''}]}", 0,
		   "submodels[0].kind [STR-072]\nsubmodels[0] []\nsubmodels[1].id [STR-033]\nconceptDescriptions[0] []\n"
		   "conceptDescriptions[1].id [STR-033]\n", "an object that is no JSON is passed over where its brackets tell its end");
	check_text(AAS_Environment, "{'submodels':[{'modelType':'Submodel','id':'a','kind':'x','idShort':'a]},{'modelType':'Submodel','id':''}]}", 0,
		   "submodels[0].kind [STR-072]\nsubmodels[0].idShort [AASd-002]\nsubmodels[0].idShort []\n", "and not where they do not");
	check_text(AAS_Submodel, "[]", 0, " []\n", "not even a root");
	check_text(AAS_Submodel, "{'modelType':'Property','idShort':'x'}", 0, "modelType [STR-091]\n", "or another class than the one that may be there");
	struct diag d = DIAG_INIT;
	struct aas_node *n = read_as(AAS_Submodel, "{'modelType':'Submodel','id':'','idShort':'a'} x", AAS_JSON_COLLECT, &d);
	check(n && d.n == 2 && str_eq(AAS_ID_SHORT(n), "a"), "what could be read is there");
	diag_clear(&d);
	n = read_as(AAS_Submodel, "{'modelType':'Submodel','id':'','kind':''}", AAS_JSON_DEFAULT, &d);
	check(!n && d.n == 1, "without the flag the first fault ends the reading");
	diag_fini(&d);
}

/* The same for XML. */
static void collecting_xml(void)
{
	static const char text[] =
		"<environment xmlns='https://admin-shell.io/aas/3/1'><submodels><submodel><id></id><kind>x</kind><lamp><a>1</a></lamp>stray"
		"<submodelElements>"
		"<property a='1'><idShort>1a</idShort><valueType>xs:int</valueType><value>five</value></property>"
		"<lamp><idShort>b</idShort></lamp>"
		"<property xmlns='urn:other'><idShort>b</idShort></property>"
		"<range><idShort>c</idShort><idShort>c</idShort><min><b/></min></range>"
		"<capability><idShort>c</idShort><extensions></extensions><qualifiers><qualifier><type>t</type></qualifier></qualifiers></capability>"
		"</submodelElements></submodel></submodels></environment>";
	struct diag d = DIAG_INIT;
	struct aas_node *n = NULL;
	check_int(aas_xml_collect(arena, AAS_Environment, text, strlen(text), &n, &d), ERR_BAD_REQUEST, "all faults of an XML text");
	if (check(n != NULL, "and what could be read"))
		aas_rules_check(n, 0, &d);
	check_str(told(&d),
		  "submodels[0].id [STR-033]\nsubmodels[0].kind [STR-072]\nsubmodels[0] []\nsubmodels[0] []\n"
		  "submodels[0].submodelElements []\nsubmodels[0].submodelElements[0].idShort [AASd-002]\n"
		  "submodels[0].submodelElements[0].value [STR-068]\nsubmodels[0].submodelElements []\nsubmodels[0].submodelElements []\n"
		  "submodels[0].submodelElements[1] []\nsubmodels[0].submodelElements[1].min []\nsubmodels[0].submodelElements[1] [STR-100]\n"
		  "submodels[0].submodelElements[2].extensions [STR-003]\nsubmodels[0].submodelElements[2].qualifiers[0] [STR-084]\n"
		  "submodels[0].submodelElements[2] [AASd-022]\n", "are told");
	check(!d.top, "no frame is left");
	diag_clear(&d);
	check_int(aas_xml_collect(arena, AAS_Environment, text, strlen(text) - 20, &n, &d), ERR_BAD_REQUEST, "a text that is cut");
	check(n && strstr(d.list[d.n - 1].text, "not well-formed"), "is read up to its end");
	check_int(aas_xml_collect(arena, AAS_Submodel, text, strlen(text), &n, &d), ERR_BAD_REQUEST, "another root");
	check(!n, "is none");
	diag_fini(&d);
}

/* An element in the tree that it has been put into. */
static void hanging(void)
{
	struct diag d = DIAG_INIT;
	struct aas_node *sm = read_as(AAS_Submodel,
		"{'modelType':'Submodel','id':'u','submodelElements':[{'modelType':'SubmodelElementList','idShort':'l','typeValueListElement':'Capability',"
		"'value':[{'modelType':'Capability','semanticId':{'type':'ExternalReference','keys':[{'type':'GlobalReference','value':'a'}]}}]},"
		"{'modelType':'SubmodelElementCollection','idShort':'c'}]}", 0, &d);
	struct aas_node *item = read_as(AAS_Capability,
		"{'modelType':'Capability','semanticId':{'type':'ExternalReference','keys':[{'type':'GlobalReference','value':'b'}]}}", 0, &d);
	struct aas_node *list = AAS_AT(sm, Submodel, submodelElements).node, *group = list->next;
	check(!d.n && !aas_insert(list, item, &d), "an item is put into a list");
	check_int(aas_rules_check(item, 0, &d), ERR_BAD_REQUEST, "the list is asked, too");
	check_str(told(&d), " [AASd-114]\n", "about the meaning of its items");
	diag_clear(&d);
	check_int(aas_rules_check(AAS_AT(list, SubmodelElementList, value).node, 0, &d), ERR_BAD_REQUEST, "whichever of them is in question");
	check_str(told(&d), " [AASd-114]\n", "and nothing else");
	diag_clear(&d);
	aas_remove(item);
	check_int(aas_rules_check(AAS_AT(list, SubmodelElementList, value).node, 0, &d), ERR_OK, "an item alone has no other meaning");
	item = read_as(AAS_Property, "{'modelType':'Property','idShort':'p','valueType':'xs:int','qualifiers':[{'kind':'TemplateQualifier','type':'t',"
				     "'valueType':'xs:string'}]}", 0, &d);
	check_int(aas_rules_check(item, 0, &d), ERR_OK, "alone it may be meant for a template");
	check(!aas_insert(group, item, &d) && aas_rules_check(item, 0, &d), "in a submodel that is none it may not stand");
	check_str(told(&d), "qualifiers[0] [AASd-129]\n", "by its rule");
	check_int(aas_rules_check(item, 0, NULL), ERR_BAD_REQUEST, "without a diag, too");
	diag_fini(&d);
}

static void count_one(void *ctx, const struct diag_message *m)
{
	*(size_t *)ctx += m->rule && str_eq(m->rule, "AASd-022");
}

/* More names than are compared one by one, and more findings than a diag holds. */
static void many(void)
{
	struct buf b = BUF_INIT;
	struct diag d = DIAG_INIT;
	struct aas_node *n = NULL;
	size_t found = 0;
	buf_puts(&b, "{\"modelType\":\"Submodel\",\"id\":\"u\",\"submodelElements\":[");
	for (int i = 0; i < 3000; i++)
		buf_printf(&b, "%s{\"modelType\":\"Capability\",\"idShort\":\"c%d\"}", i ? "," : "", i % 2000);
	buf_puts(&b, "]}");
	check(!aas_json_read(arena, AAS_Submodel, b.p, b.n, 0, &n, &d), "3000 elements");
	d.sink = count_one;
	d.ctx = &found;
	check_int(aas_rules_check(n, 0, &d), ERR_BAD_REQUEST, "are not all different");
	check_int(found, 1000, "1000 come again");
	check(d.n == DIAG_MAX && d.lost == 1000 - DIAG_MAX, "the first of them are kept");
	diag_fini(&d);
	buf_fini(&b);
}

static void ids(void)
{
	const struct aas_class *c = &aas_classes[AAS_BasicEventElement];
	const struct aas_prop *utc = &c->props[aas_prop_find(c, "lastUpdate", 10)], *topic = &c->props[aas_prop_find(c, "messageTopic", 12)];
	check_str(aas_rule_of_text(utc, "2023-02-30T00:00:00Z", 20), "STR-031", "a day that is not");
	check_str(aas_rule_of_text(utc, "2023-13-30T00:00:00Z", 20), "STR-030", "a month that is not");
	check_str(aas_rule_of_text(utc, "2023-02-32T00:00:00Z", 20), "STR-030", "no day of any month");
	check_str(aas_rule_of_text(utc, "T", 1), "STR-030", "no date at all");
	check_str(aas_rule_of_text(utc, "", 0), "STR-030", "an empty one");
	check_str(aas_rule_of_text(topic, "", 0), "STR-041", "an empty topic");
	check_str(aas_rule_of_text(topic, "\x01", 1), "AASd-130", "a topic that XML cannot carry");
	check(!aas_rule_of_text(topic, "\xFF", 1), "and one that is no text");
	check(!aas_rule_of(topic, AAS_RULE_LITERAL) && !aas_rule_of_class(&aas_classes[AAS_Reference], AAS_RULE_MODEL_TYPE), "no rule, no id");
}

int main(void)
{
	arena = arena_new(0);
	paths();
	collecting();
	collecting_xml();
	hanging();
	many();
	ids();
	arena_free(arena);
	return done();
}
