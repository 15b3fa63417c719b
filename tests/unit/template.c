/* SPDX-License-Identifier: Apache-2.0
 * Submodels against their templates: every rule kept and broken, at the right place; published templates, packages and the example plant.
 */
#include "aas/template.h"

#include <dirent.h>

#include "aas/aasx.h"
#include "aas/json.h"
#include "aas/path.h"
#include "aas/tree.h"
#include "base/file.h"
#include "tests/tap.h"

#define REF(id) "{\"type\":\"ExternalReference\",\"keys\":[{\"type\":\"GlobalReference\",\"value\":\"" id "\"}]}"
#define SEM(id) ",\"semanticId\":" REF(id)
#define Q(type, value) "{\"type\":\"" type "\",\"valueType\":\"xs:string\",\"value\":\"" value "\"}"
#define ELEMENT(cls, id, rest) "{\"modelType\":\"" cls "\",\"idShort\":\"" id "\"" rest "}"
#define PROP(id, type, rest) ELEMENT("Property", id, ",\"valueType\":\"xs:" type "\"" rest)
#define QUAL(rows) ",\"qualifiers\":[" rows "]"

static const char template[] = "{\"submodels\":[{\"modelType\":\"Submodel\",\"id\":\"urn:t\",\"kind\":\"Template\",\"semanticId\":" REF("urn:sm")
	",\"administration\":{\"templateId\":\"urn:tid\"},\"submodelElements\":["
	PROP("One", "int", SEM("urn:one") QUAL(Q("SMT/Cardinality", "One"))) ","
	PROP("Maybe", "string", QUAL(Q("Multiplicity", "ZerotoOne"))) ","
	PROP("Some01", "string", SEM("urn:some") QUAL(Q("Cardinality", "OneToMany") "," Q("SMT/AllowedIdShort", "Some[\\\\d]{2}"))) ","
	PROP("Fixed", "string", SEM("urn:fixed") QUAL(Q("SMT/EditIdShort", "False") "," Q("SMT/AllowedValue", "[A-Z]{2}|x+"))) ","
	PROP("Number", "double", QUAL(Q("SMT/AllowedRange", "[1, 5)"))) ","
	ELEMENT("Range", "Band", ",\"valueType\":\"xs:int\"" QUAL(Q("AllowedRange", "[0,"))) ","
	ELEMENT("MultiLanguageProperty", "Text", QUAL(Q("SMT/RequiredLang", "en, de"))) ","
	ELEMENT("SubmodelElementList", "List", ",\"typeValueListElement\":\"SubmodelElementCollection\",\"value\":["
		"{\"modelType\":\"SubmodelElementCollection\"" QUAL(Q("SMT/Cardinality", "OneToMany")) ",\"value\":["
		PROP("Must", "int", QUAL(Q("SMT/Cardinality", "One"))) "]}]") ","
	ELEMENT("SubmodelElementList", "Ints", ",\"typeValueListElement\":\"Property\",\"valueTypeListElement\":\"xs:int\"") ","
	ELEMENT("Entity", "Entity", ",\"statements\":[" PROP("Part", "int", QUAL(Q("SMT/Cardinality", "One"))) "]") "]}]}";

#define ONE PROP("One", "int", SEM("urn:one"))
#define SOME PROP("Some02", "string", SEM("urn:some"))
#define LIST(items) ELEMENT("SubmodelElementList", "List", ",\"typeValueListElement\":\"SubmodelElementCollection\",\"value\":[" items "]")
#define ITEM(rest) "{\"modelType\":\"SubmodelElementCollection\"" rest "}"
#define MUST ",\"value\":[" PROP("Must", "int", "") "]"
#define SM(elements) "{\"submodels\":[{\"modelType\":\"Submodel\",\"id\":\"urn:i\",\"semanticId\":" REF("urn:sm") ",\"submodelElements\":[" elements "]}]}"

static const struct {
	const char *what, *json, *path, *rule;		/* one finding, or none */
} cases[] = {
	{ "what is required", SM(ONE "," SOME), NULL, NULL },
	{ "one missing", SM(SOME), "submodels[0]", "SMT-cardinality" },
	{ "one twice, by its meaning", SM(ONE "," SOME "," PROP("Other", "int", SEM("urn:one"))), "submodels[0].submodelElements[2]", "SMT-cardinality" },
	{ "at least one missing", SM(ONE), "submodels[0]", "SMT-cardinality" },
	{ "several of one to many", SM(ONE "," SOME "," PROP("Some03", "string", SEM("urn:some"))), NULL, NULL },
	{ "a number behind the name", SM(ONE "," PROP("Some77", "string", "")), NULL, NULL },
	{ "a name that does not match", SM(ONE "," PROP("Some3", "string", SEM("urn:some"))), "submodels[0].submodelElements[1]", "SMT-idShort" },
	{ "no more than one, by the older qualifier", SM(ONE "," SOME "," PROP("Maybe", "string", "") "," PROP("Maybe1", "string", "")), "submodels[0].submodelElements[3]", "SMT-cardinality" },
	{ "by its meaning under another name", SM(PROP("Eins", "int", SEM("urn:one")) "," SOME), NULL, NULL },
	{ "by a supplemental meaning", SM(PROP("Eins", "int", SEM("urn:eins") ",\"supplementalSemanticIds\":[" REF("urn:one") "]") "," SOME), NULL, NULL },
	{ "a blank behind the id", SM(PROP("Eins", "int", SEM("urn:one ")) "," SOME), NULL, NULL },
	{ "by its name without a meaning", SM(PROP("One", "int", "") "," SOME), NULL, NULL },
	{ "another meaning under the name", SM(PROP("One", "int", SEM("urn:other")) "," SOME), "submodels[0].submodelElements[0]", "SMT-semanticId" },
	{ "more than the template knows", SM(ONE "," SOME "," PROP("More", "int", SEM("urn:more"))), NULL, NULL },
	{ "another class", SM(ELEMENT("Capability", "One", SEM("urn:one")) "," SOME), "submodels[0].submodelElements[0]", "SMT-modelType" },
	{ "another value type", SM(PROP("One", "long", SEM("urn:one")) "," SOME), "submodels[0].submodelElements[0].valueType", "SMT-valueType" },
	{ "a fixed name", SM(ONE "," SOME "," PROP("Loose", "string", SEM("urn:fixed"))), "submodels[0].submodelElements[2]", "SMT-idShort" },
	{ "an allowed value", SM(ONE "," SOME "," PROP("Fixed", "string", ",\"value\":\"AB\"")), NULL, NULL },
	{ "a value that is not", SM(ONE "," SOME "," PROP("Fixed", "string", ",\"value\":\"ABC\"")), "submodels[0].submodelElements[2]", "SMT-value" },
	{ "in the range", SM(ONE "," SOME "," PROP("Number", "double", ",\"value\":\"1\"")), NULL, NULL },
	{ "its open end", SM(ONE "," SOME "," PROP("Number", "double", ",\"value\":\"5\"")), "submodels[0].submodelElements[2]", "SMT-range" },
	{ "below it", SM(ONE "," SOME "," PROP("Number", "double", ",\"value\":\"0.9\"")), "submodels[0].submodelElements[2]", "SMT-range" },
	{ "a Range within", SM(ONE "," SOME "," ELEMENT("Range", "Band", ",\"valueType\":\"xs:int\",\"min\":\"0\",\"max\":\"9999\"")), NULL, NULL },
	{ "a Range that begins before", SM(ONE "," SOME "," ELEMENT("Range", "Band", ",\"valueType\":\"xs:int\",\"min\":\"-1\"")), "submodels[0].submodelElements[2]", "SMT-range" },
	{ "the languages", SM(ONE "," SOME "," ELEMENT("MultiLanguageProperty", "Text", ",\"value\":[{\"language\":\"en-GB\",\"text\":\"a\"},{\"language\":\"DE\",\"text\":\"b\"}]")),
	  NULL, NULL },
	{ "a language missing", SM(ONE "," SOME "," ELEMENT("MultiLanguageProperty", "Text", ",\"value\":[{\"language\":\"en\",\"text\":\"a\"},{\"language\":\"deu\",\"text\":\"b\"}]")),
	  "submodels[0].submodelElements[2]", "SMT-language" },
	{ "a list", SM(ONE "," SOME "," LIST(ITEM(MUST) "," ITEM(MUST))), NULL, NULL },
	{ "an item without what it must have", SM(ONE "," SOME "," LIST(ITEM(MUST) "," ITEM(""))), "submodels[0].submodelElements[2].value[1]", "SMT-cardinality" },
	{ "a list without items", SM(ONE "," SOME "," ELEMENT("SubmodelElementList", "List", ",\"typeValueListElement\":\"SubmodelElementCollection\"")),
	  "submodels[0].submodelElements[2]", "SMT-cardinality" },
	{ "a list of something else", SM(ONE "," SOME "," ELEMENT("SubmodelElementList", "Ints", ",\"typeValueListElement\":\"Property\",\"valueTypeListElement\":\"xs:long\"")),
	  "submodels[0].submodelElements[2].valueTypeListElement", "SMT-listType" },
	{ "statements", SM(ONE "," SOME "," ELEMENT("Entity", "Entity", "")), "submodels[0].submodelElements[2]", "SMT-cardinality" },
	{ "a submodel without a template", "{\"submodels\":[{\"modelType\":\"Submodel\",\"id\":\"urn:i\",\"semanticId\":" REF("urn:x") "}]}", NULL, NULL },
	{ "a template named by its id", "{\"submodels\":[{\"modelType\":\"Submodel\",\"id\":\"urn:i\",\"administration\":{\"templateId\":\"urn:tid\"},\"submodelElements\":[" SOME "]}]}",
	  "submodels[0]", "SMT-cardinality" },
};

static struct arena *a;

static struct aas_node *parse(struct slice text, unsigned flags)
{
	struct aas_node *n = NULL;
	struct diag d = DIAG_INIT;
	char why[1100];
	if (aas_json_read(a, AAS_Environment, text.p, text.n, flags, &n, &d) && !flags)
		check(0, "test data: %s", diag_first(&d, why, sizeof why));
	diag_fini(&d);
	return n;
}

static void rules(void)
{
	struct aas_templates t;
	aas_templates_init(&t);
	check(!aas_templates_add(&t, a, parse(SLICE(template), 0)) && t.n == 1, "a template");
	check(!aas_templates_add(&t, a, parse(slice_of(cases[0].json), 0)) && t.n == 1, "what is no template is none");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct diag d = DIAG_INIT;
		struct aas_node *env = parse(slice_of(cases[i].json), 0);
		check_int(aas_templates_check(&t, env, &d), cases[i].path ? ERR_BAD_REQUEST : ERR_OK, "%s%s%s", cases[i].what, d.n ? ": " : "", d.n ? d.list[0].text : "");
		check_int(d.n, cases[i].path != NULL, "findings");
		if (d.n && cases[i].path) {
			check_str(d.list[0].path, cases[i].path, "there");
			check_str(d.list[0].rule, cases[i].rule, "by this rule");
		}
		check(!aas_templates_check(&t, env, NULL) == !cases[i].path && !d.top, "without a diag, too");
		diag_fini(&d);
	}
}

/* ---- published ones -------------------------------------------------------------------------------------- */

static struct aas_templates published;

static void find_nothing(const struct aas_node *env, const char *name)
{
	struct diag d = DIAG_INIT;
	char why[1100];
	check(!aas_templates_check(&published, env, &d), "%s follows its templates %s", name, diag_first(&d, why, sizeof why));
	diag_fini(&d);
}

static bool required(const struct aas_node *n)
{
	for (const struct aas_node *q = AAS_AT(n, Capability, qualifiers).node; q; q = q->next) {
		const char *type = AAS_AT(q, Qualifier, type).str, *value = AAS_AT(q, Qualifier, value).str;
		if (type && value && (strstr(type, "Cardinality") || str_eq(type, "Multiplicity")) && (str_eq(value, "One") || str_eq(value, "OneToMany")))
			return true;
	}
	return false;
}

/* Nothing else among its siblings can stand for it. */
static bool alone(const struct aas_node *n)
{
	for (const struct aas_node *c = aas_first_child(n->parent); c; c = c->next)
		if (c != n && ((AAS_SEMANTIC_ID(c) && AAS_SEMANTIC_ID(n) && aas_reference_match(AAS_SEMANTIC_ID(c), AAS_SEMANTIC_ID(n))) ||
			       (AAS_ID_SHORT(c) && AAS_ID_SHORT(n) && !strncmp(AAS_ID_SHORT(c), AAS_ID_SHORT(n), 3))))
			return false;
	return true;
}

static unsigned removed, blamed;

/* A copy of the template, as its own instance, without one element that is required. */
static void remove_each(const struct aas_node *sm, const struct aas_node *at)
{
	for (const struct aas_node *c = aas_first_child(at); c; c = c->next) {
		struct buf path = BUF_INIT, parent = BUF_INIT;
		struct aas_node *copy, *gone = NULL;
		struct diag d = DIAG_INIT;
		struct arena *keep = a;
		remove_each(sm, c);
		if (!required(c) || !alone(c))
			continue;
		a = arena_new(0);
		copy = aas_copy(a, sm);
		aas_path_write(&path, c);
		if (!aas_path_find(copy, path.p, path.n, &gone, NULL)) {
			aas_remove(gone);
			removed++;
			bool some = aas_template_check(sm, copy, &d) == ERR_BAD_REQUEST && d.n >= 1 && str_eq(d.list[0].rule, "SMT-cardinality");
			blamed += some && strstr(d.list[0].text, "requires");
			if (!some)
				printf("# nobody misses %s\n", path.p);
		}
		diag_fini(&d);
		buf_fini(&path);
		buf_fini(&parent);
		arena_free(a);
		a = keep;
	}
}

static void templates(const char *shared)
{
	const char *dir = arena_printf(a, "%s/templates", shared);
	struct dirent **name;
	int n = scandir(dir, &name, NULL, alphasort), files = 0;
	aas_templates_init(&published);
	for (int i = 0; i < n; i++) {
		struct slice text;
		if (strstr(name[i]->d_name, ".json") && !file_read(a, arena_printf(a, "%s/%s", dir, name[i]->d_name), 1 << 26, &text, NULL)) {
			struct aas_node *env = parse(text, AAS_JSON_COLLECT);
			files += env && !aas_templates_add(&published, a, env);
			if (env)
				find_nothing(env, name[i]->d_name);
			for (const struct aas_node *s = env ? AAS_AT(env, Environment, submodels).node : NULL; s; s = s->next)
				if (aas_template_find(&published, s) == s)
					remove_each(s, s);
		}
		free(name[i]);
	}
	if (n >= 0)
		free(name);
	check(files > 10 && published.n > 10, "%d files, %zu templates", files, published.n);
	check_int(blamed, removed, "each of the %u required elements is missed when it is gone", removed);
}

static void instances(const char *shared, const char *top)
{
	static const char *const packages[] = { "AssetInterfacesDescription-3.0", "PredictiveMaintenance-3.0", "TimeSeries-3.1" };
	struct slice bytes;
	for (size_t i = 0; i < 3; i++) {
		struct aasx x;
		if (check(!file_read(a, arena_printf(a, "%s/packages/%s.aasx", shared, packages[i]), 1 << 26, &bytes, NULL), "a package") &&
		    check(!aasx_read(a, bytes.p, bytes.n, &x, NULL), "is read"))
			find_nothing(x.environment, packages[i]);
	}
	if (!check(!file_read(a, arena_printf(a, "%s/examples/plant/environment.json", top), 1 << 26, &bytes, NULL), "the example plant"))
		return;
	struct aas_node *env = parse(bytes, 0), *n;
	unsigned followed = 0;
	find_nothing(env, "the example plant");
	for (const struct aas_node *s = AAS_AT(env, Environment, submodels).node; s; s = s->next)
		followed += aas_template_find(&published, s) != NULL;
	check(followed >= 6, "%u of its submodels have a template", followed);
	for (struct aas_node *s = AAS_AT(env, Environment, submodels).node; s; s = s->next)
		if (!aas_path_find(s, SLICE("RemainingUsefulLifePrediction.RemainingUsefulLifetime.EngineeringUnit").p, 69, &n, NULL)) {
			struct diag d = DIAG_INIT;
			aas_remove(n);
			check_int(aas_templates_check(&published, env, &d), ERR_BAD_REQUEST, "without the unit of its life");
			check_int(d.n, 1, "one thing is missing: %s", d.n ? d.list[0].text : "");
			if (d.n)
				check(strstr(d.list[0].path, "submodels[") == d.list[0].path && strstr(d.list[0].path, "].submodelElements[0].value[0]"), "at %s", d.list[0].path);
			diag_fini(&d);
			return;
		}
	check(0, "the plant has a prediction");
}

int main(void)
{
	const char *shared = getenv("TWINSHELL_SHARED"), *top = getenv("srcdir");
	a = arena_new(0);
	rules();
	DIR *there = shared ? opendir(arena_printf(a, "%s/templates", shared)) : NULL;
	if (there) {
		closedir(there);
		templates(shared);
		instances(shared, top ? top : ".");
	} else {
		printf("ok %d - # SKIP no published templates\n", ++tap_n);
	}
	arena_free(a);
	return done();
}
