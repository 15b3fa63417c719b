/* SPDX-License-Identifier: Apache-2.0
 * What holds for every valid tree, on random ones: codecs give back what they were given, views and their ways back agree, paths lead
 * to where they came from, and edits keep the rules.  TWINSHELL_SEED repeats a run, TWINSHELL_ROUNDS makes it longer. */
#include "aas/aasx.h"
#include "aas/json.h"
#include "aas/jsonlex.h"
#include "aas/path.h"
#include "aas/rules.h"
#include "aas/tree.h"
#include "aas/view.h"
#include "aas/xml.h"
#include "tests/gen.h"
#include "tests/tap.h"

static struct arena *a;
static struct gen g;
static struct buf one = BUF_INIT, two = BUF_INIT;
static unsigned long long seed;
static bool failed;		/* of the property that is tried */

__attribute__((format(printf, 2, 3))) static bool holds(bool ok, const char *fmt, ...)
{
	va_list ap;
	if (ok)
		return true;
	failed = true;
	printf("# TWINSHELL_SEED=%llu TWINSHELL_ROUNDS=1: ", seed);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	return false;
}

static bool fine(enum err e, struct diag *d, const char *what)
{
	char why[1100];
	bool ok = holds(!e, "%s: %s", what, diag_first(d, why, sizeof why));
	diag_fini(d);
	*d = (struct diag)DIAG_INIT;
	return ok;
}

static bool valid(const struct aas_node *n, const char *what)
{
	struct diag d = DIAG_INIT;
	return fine(aas_check(n, &d), &d, what) && fine(aas_rules_check(n, AAS_RULES_LENIENT, &d), &d, what);
}

static bool same(const struct aas_node *n, const struct aas_node *m, const char *what)
{
	buf_reset(&one);
	buf_reset(&two);
	if (aas_equal(n, m))
		return true;
	aas_json_write(&one, n);
	aas_json_write(&two, m);
	return holds(false, "%s:\n#  %.3000s\n#  %.3000s", what, one.p, two.p);
}

/* ---- codecs ------------------------------------------------------------------------------------------- */

static void json(const struct aas_node *n)
{
	struct diag d = DIAG_INIT;
	struct aas_node *back;
	buf_reset(&one);
	buf_reset(&two);
	aas_json_write(&one, n);
	if (!fine(aas_json_read(a, n->cls->id, one.p, one.n, 0, &back, &d), &d, "JSON is read"))
		return;
	aas_json_write(&two, back);
	holds(slice_eq(buf_view(&one), buf_view(&two)), "JSON is written again as it was");
	same(n, back, "JSON gives back");
}

static void xml(const struct aas_node *n)
{
	struct diag d = DIAG_INIT;
	struct aas_node *back;
	buf_reset(&one);
	aas_xml_write(&one, n, AAS_V3_1);
	if (fine(aas_xml_read_as(a, n->cls->id, one.p, one.n, &back, &d), &d, "XML is read"))
		same(n, back, "XML gives back");
}

static enum err put(void *ctx, const char *p, size_t n, struct diag *d)
{
	(void)d;
	buf_put(ctx, p, n);
	return ERR_OK;
}

static void aasx(const struct aas_node *environment, enum aasx_form form)
{
	struct aasx_content c = { .form = form, .environment = aas_copy(a, environment) };
	struct sink sink = { put, &one };
	struct diag d = DIAG_INIT;
	struct aasx back;
	buf_reset(&one);
	if (fine(aasx_write(a, sink, &c, &d), &d, "a package is written") && fine(aasx_read(a, one.p, one.n, &back, &d), &d, "and read"))
		same(environment, back.environment, "a package gives back");
}

static void every_class(void)
{
	for (unsigned i = 0; i < AAS_N_CLASSES; i++) {
		struct aas_node *n = gen_node(&g, i), *copy = aas_copy(a, n);
		g.budget = GEN_BUDGET / 4;
		valid(n, aas_classes[i].name);
		same(n, copy, "a copy");
		json(n);
		if (i < AAS_N_MODEL_CLASSES)
			xml(n);
	}
}

static void packages(void)
{
	struct aas_node *n = gen_node(&g, AAS_Environment);
	valid(n, "an environment");
	aasx(n, AASX_JSON);
	aasx(n, AASX_XML);
}

/* ---- views ------------------------------------------------------------------------------------------------ */

static void value_and_back(struct aas_node *n, bool core)
{
	struct aas_view v = { .modifier = AAS_VALUE, .core = core, .blobs = true };
	struct aas_node *copy = aas_copy(a, n);
	struct diag d = DIAG_INIT;
	struct buf value = BUF_INIT, again = BUF_INIT;
	if (fine(aas_view_write(&value, n, &v, &d), &d, "$value is written") &&
	    fine(aas_value_read(a, copy, value.p, value.n, NULL, NULL, &d), &d, "$value is taken") && valid(copy, "with its own values")) {
		if (g.canonical)
			same(n, copy, "its own values change nothing");
		aas_view_write(&again, copy, &v, NULL);
		holds(slice_eq(buf_view(&value), buf_view(&again)), "$value is the same again:\n#  %.2000s\n#  %.2000s", value.p, again.p);
	}
	buf_fini(&value);
	buf_fini(&again);
}

static void values(void)
{
	g.canonical = gen_below(&g, 2);
	struct aas_node *n = gen_node(&g, AAS_Submodel);
	g.canonical ? value_and_back(n, true) : value_and_back(n, false);
	value_and_back(n, false);
	g.canonical = false;
}

/* What an element says of itself, in either form, is a patch that changes nothing. */
static void patch_with_itself(struct aas_node *n, const struct aas_node *element)
{
	static const enum aas_modifier forms[] = { AAS_METADATA, AAS_NORMAL };
	for (unsigned i = element->cls->shape == AAS_SHAPE_NONE; i < 2; i++) {
		struct aas_view v = { .modifier = forms[i], .blobs = forms[i] == AAS_NORMAL };
		struct aas_node *patch, *copy = aas_copy(a, n);
		struct diag d = DIAG_INIT;
		struct buf text = BUF_INIT, path = BUF_INIT;
		struct aas_node *at = copy;
		aas_path_write(&path, element);
		if (path.n && !fine(aas_path_find(copy, path.p, path.n, &at, &d), &d, "the same element of a copy"))
			at = NULL;
		if (at && fine(aas_view_write(&text, element, &v, &d), &d, "is written") &&
		    fine(aas_json_read(a, element->cls->id, text.p, text.n, AAS_JSON_PARTIAL | (i ? 0 : AAS_JSON_METADATA), &patch, &d), &d,
			 "is read as a patch") &&
		    fine(aas_merge(a, at, patch, &d), &d, "is merged"))
			same(n, copy, i ? "the normal form changes nothing" : "$metadata changes nothing");
		buf_fini(&text);
		buf_fini(&path);
	}
}

static size_t elements(const struct aas_node *n)
{
	size_t k = 0;
	for (const struct aas_node *c = aas_first_child(n); c; c = c->next)
		k += 1 + elements(c);
	return k;
}

static void reference_and_back(const struct aas_node *n, struct slice path)
{
	struct aas_node *r = aas_path_reference(a, n);
	struct diag d = DIAG_INIT;
	struct slice id;
	struct buf b = BUF_INIT;
	valid(r, "a $reference");
	if (fine(aas_reference_path(r, &id, &b, &d), &d, "a $reference is resolved"))
		holds(slice_eq(buf_view(&b), path), "a $reference leads to %s, not to %.*s", buf_view(&b).p, (int)path.n, path.p);
	holds(aas_reference_match(r, aas_copy(a, r)), "a $reference matches its copy");
	buf_fini(&b);
}

static void paths(void)
{
	static const struct aas_view v = { .modifier = AAS_PATH };
	struct aas_node *sm = gen_node(&g, AAS_Submodel), *n;
	struct diag d = DIAG_INIT;
	struct buf text = BUF_INIT, path = BUF_INIT;
	struct slice s;
	struct jl j;
	size_t count = 0;
	if (!fine(aas_view_write(&text, sm, &v, &d), &d, "$path is written"))
		return;
	jl_init(&j, a, text.p, text.n);
	jl_open(&j, '[');
	for (bool first = true; jl_item(&j, &first) && jl_string(&j, &s); count++) {
		if (!fine(aas_path_find(sm, s.p, s.n, &n, &d), &d, "a path of $path is found"))
			continue;
		buf_reset(&path);
		aas_path_write(&path, n);
		holds(slice_eq(buf_view(&path), s), "%s is written %s", s.p, buf_view(&path).p);
		reference_and_back(n, s);
		if (!gen_below(&g, 4))
			patch_with_itself(sm, n);
	}
	patch_with_itself(sm, sm);
	holds(jl_end(&j) && count == elements(sm), "$path has %zu of %zu elements", count, elements(sm));
	buf_fini(&text);
	buf_fini(&path);
}

/* ---- edits ------------------------------------------------------------------------------------------------ */

/* The k-th element in the order of the document. */
static struct aas_node *element_at(struct aas_node *n, size_t *k)
{
	for (struct aas_node *c = (struct aas_node *)aas_first_child(n), *found; c; c = c->next) {
		if (!(*k)--)
			return c;
		if ((found = element_at(c, k)))
			return found;
	}
	return NULL;
}

static void add(struct aas_node *at)
{
	struct diag d = DIAG_INIT;
	struct aas_node *fresh = gen_child(&g, at, 2);
	const char *type = fresh && aas_is(at, AAS_SubmodelElementList) ?
		aas_enum_text(AAS_ENUM_AasSubmodelElements, AAS_AT(at, SubmodelElementList, typeValueListElement)) : "";
	if ((str_eq(type, "Property") || str_eq(type, "Range")) && !AAS_AT(at, SubmodelElementList, valueTypeListElement).ord)
		holds(aas_insert(at, fresh, NULL) == ERR_BAD_REQUEST, "a list of %s without valueTypeListElement stays empty", type);
	else if (fresh)
		fine(aas_insert(at, fresh, &d), &d, "an element is inserted");
}

static void exchange(struct aas_node *at)
{
	struct diag d = DIAG_INIT;
	struct aas_node *fresh = gen_child(&g, at->parent, 2);
	if (!aas_is(at->parent, AAS_SubmodelElementList))
		AAS_ID_SHORT(fresh) = AAS_ID_SHORT(at);
	fine(aas_replace(at, fresh, &d), &d, "an element is replaced");
}

/* An attribute of another instance of the class; what a list asks of its items it does not know. */
static void merge(struct aas_node *at)
{
	static const char *const names[] = { "category", "displayName", "description", "extensions", "qualifiers", "embeddedDataSpecifications" };
	struct aas_node *other = gen_node(&g, at->cls->id), *patch = aas_node_new(a, at->cls->id);
	const char *name = names[gen_below(&g, 6)];
	int i = aas_prop_find(at->cls, name, strlen(name));
	struct diag d = DIAG_INIT;
	patch->slot[i] = other->slot[i];
	if (fine(aas_merge(a, at, patch, &d), &d, "an element is patched") && other->slot[i].ord)
		holds(at->slot[i].ord != 0, "%s is there", name);
}

static void edits(void)
{
	struct aas_node *sm = gen_node(&g, AAS_Submodel);
	static void (*const kinds[])(struct aas_node *) = { add, add, exchange, merge, aas_remove };
	for (unsigned step = 0; step < 20 && !failed; step++) {
		size_t n = elements(sm), k = n ? gen_below(&g, (uint32_t)n) : 0;
		struct aas_node *at = n ? element_at(sm, &k) : NULL;
		g.budget = 20;
		if (at)
			kinds[gen_below(&g, 5)](at);
		else
			add(sm);
		valid(sm, "after an edit");
	}
	json(sm);
	same(sm, aas_copy(a, sm), "a copy of an edited tree");
	value_and_back(sm, false);
}

int main(void)
{
	static const struct {
		void (*run)(void);
		const char *what;
	} properties[] = {
		{ every_class, "every class is valid and comes back from JSON and XML" }, { packages, "environments come back from packages" },
		{ values, "values change nothing where they came from" }, { paths, "paths and references lead to their elements, patches with themselves change nothing" },
		{ edits, "edits keep the rules" },
	};
	const char *given = getenv("TWINSHELL_SEED"), *longer = getenv("TWINSHELL_ROUNDS");
	unsigned long long from = given ? strtoull(given, NULL, 10) : 1, rounds = longer ? strtoull(longer, NULL, 10) : 40;
	for (size_t i = 0; i < sizeof properties / sizeof *properties; i++) {
		failed = false;
		for (seed = from; seed < from + rounds && !failed; seed++) {
			a = arena_new(0);
			gen_init(&g, a, seed);
			properties[i].run();
			arena_free(a);
			if (failed)
				break;
		}
		check(!failed, "%s", properties[i].what);
	}
	buf_fini(&one);
	buf_fini(&two);
	return done();
}
