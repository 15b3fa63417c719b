/* SPDX-License-Identifier: Apache-2.0 - the PredictiveMaintenance submodel has the form of the IDTA template, and says what is known. */
#include "twin_engine/prediction.h"

#include <math.h>

#include "aas/json.h"
#include "aas/path.h"
#include "aas/tree.h"
#include "base/clock.h"
#include "base/file.h"
#include "tests/tap.h"

static struct arena *arena;

static struct aas_node *child(const struct aas_node *n, const char *id_short)
{
	for (struct aas_node *c = (struct aas_node *)aas_first_child(n); c; c = c->next)
		if (!id_short || (AAS_ID_SHORT(c) && str_eq(AAS_ID_SHORT(c), id_short)))
			return c;
	return NULL;
}

static const char *type_of(const struct aas_node *n)
{
	return aas_is(n, AAS_Property) ? aas_enum_text(AAS_ENUM_DataTypeDefXsd, AAS_AT(n, Property, valueType))
		: aas_is(n, AAS_Range) ? aas_enum_text(AAS_ENUM_DataTypeDefXsd, AAS_AT(n, Range, valueType))
		: aas_is(n, AAS_Entity) ? aas_enum_text(AAS_ENUM_EntityType, AAS_AT(n, Entity, entityType))
		: aas_is(n, AAS_SubmodelElementList) ? aas_enum_text(AAS_ENUM_AasSubmodelElements, AAS_AT(n, SubmodelElementList, typeValueListElement))
		: "";
}

/* Every element of ours stands in the template at the same place, with the same class, type and semanticId, and only once. */
static int compare(const struct aas_node *ours, const struct aas_node *theirs)
{
	int n = 0;
	for (const struct aas_node *c = aas_first_child(ours); c; c = c->next, n++) {
		const struct aas_node *t = child(theirs, AAS_ID_SHORT(c));
		const char *name = AAS_ID_SHORT(c) ? AAS_ID_SHORT(c) : "[]";
		if (!check(t != NULL, "%s is in the template", name))
			continue;
		check(t->cls == c->cls && str_eq(type_of(c), type_of(t)), "%s has its class and type", name);
		check(aas_equal(AAS_SEMANTIC_ID(c), AAS_SEMANTIC_ID(t)), "%s has its semanticId", name);
		check(!AAS_ID_SHORT(c) || child(ours, AAS_ID_SHORT(c)) == c, "%s is there once", name);
		n += compare(c, t);
	}
	return n;
}

static const char *cardinality(const struct aas_node *t)
{
	const struct aas_node *q = AAS_AT(t, Capability, qualifiers).node;
	while (q && !str_eq(AAS_AT(q, Qualifier, type).str, "SMT/Cardinality"))
		q = q->next;
	return q ? AAS_AT(q, Qualifier, value).str : "";
}

/* What the template wants at least once ("One", "OneToMany") is there, in every item of a list. */
static int complete(const struct aas_node *theirs, const struct aas_node *ours)
{
	int n = 0;
	for (const struct aas_node *t = aas_first_child(theirs); t; t = t->next) {
		const struct aas_node *mine = child(ours, AAS_ID_SHORT(t));
		if (!strncmp(cardinality(t), "One", 3))
			n += check(mine != NULL, "%s is there", AAS_ID_SHORT(t) ? AAS_ID_SHORT(t) : "[]");
		for (const struct aas_node *m = mine; m; m = AAS_ID_SHORT(t) ? NULL : m->next)
			n += complete(t, m);
	}
	return n;
}

static const struct aas_node *read_environment(const char *path)
{
	struct slice bytes;
	struct aas_node *env = NULL;
	struct diag d = DIAG_INIT;
	char why[400];
	if (file_read(arena, path, 1 << 24, &bytes, NULL))
		return NULL;
	enum err e = aas_json_read(arena, AAS_Environment, bytes.p, bytes.n, 0, &env, &d);
	check(e == ERR_OK, "%s is read: %s", strrchr(path, '/') + 1, diag_first(&d, why, sizeof why));
	diag_fini(&d);
	return e ? NULL : AAS_AT(env, Environment, submodels).node;
}

static void test_template(const struct aas_node *ours, const struct aas_node *theirs)
{
	check(aas_equal(AAS_AT(ours, Submodel, semanticId).node, AAS_AT(theirs, Submodel, semanticId).node), "the submodel's semanticId");
	check_str(AAS_AT(ours, Submodel, idShort).str, AAS_AT(theirs, Submodel, idShort).str, "its idShort");
	check_str(aas_enum_text(AAS_ENUM_ModellingKind, AAS_AT(ours, Submodel, kind)), "Instance", "it is an instance");
	check(compare(ours, theirs) > 30, "all elements are compared");
	check(complete(theirs, ours) > 20, "nothing is missing");
}

/* What the engine makes, and what the example plant begins with, against the template; without it only against each other. */
static void test_layout(const struct aas_node *made)
{
	const char *shared = getenv("TWINSHELL_SHARED"), *top = getenv("srcdir");
	char path[600];
	snprintf(path, sizeof path, "%s/examples/plant/environment.json", top ? top : ".");
	const struct aas_node *plant = read_environment(path);
	if (shared)
		snprintf(path, sizeof path, "%s/templates/02048-1-0-PredictiveMaintenance.json", shared);
	else
		snprintf(path, sizeof path, "%s/../shared/templates/02048-1-0-PredictiveMaintenance.json", top ? top : ".");
	const struct aas_node *theirs = read_environment(path);
	int n = 0;
	if (theirs)
		test_template(made, theirs);
	else
		printf("ok %d # SKIP the template is not here\n", ++tap_n);
	for (const struct aas_node *sm = plant; sm; sm = sm->next) {
		if (!aas_equal(AAS_AT(sm, Submodel, semanticId).node, AAS_AT(made, Submodel, semanticId).node))
			continue;
		n++;
		if (theirs)
			test_template(sm, theirs);
		check(compare(made, sm) > 30 && compare(sm, made) > 30, "%s has what the engine would make", AAS_ID(sm));
	}
	check_int(n, 2, "the example plant has two of them");
}

struct seen {
	const struct aas_node *tree;
	struct prediction_source *source;
	int n, found, values;
};

static void each(void *ctx, const char *path, enum prediction_what what, size_t index)
{
	struct seen *s = ctx;
	struct aas_node *n;
	struct buf b = BUF_INIT;
	s->n++;
	s->found += !aas_path_find(s->tree, path, strlen(path), &n, NULL) && (aas_is(n, AAS_Property) || aas_is(n, AAS_Range));
	s->values += prediction_text(s->source, what, index, &b);
	buf_fini(&b);
}

static const char *text(struct prediction_source *s, enum prediction_what what)
{
	static char out[200];
	struct buf b = BUF_INIT;
	bool has = prediction_text(s, what, 1, &b);
	snprintf(out, sizeof out, "%s", has ? b.p : "-");
	buf_fini(&b);
	return out;
}

int main(void)
{
	arena = arena_new(0);
	const struct model_kind *k = model_kind_find("pump");
	const struct aas_node *sm = prediction_new(arena, "urn:pm", k, 168);
	struct model_view v = { .health = NAN, .leading = -1, .time_us = TIME_NONE, .rul = { NAN, NAN, NAN }, .pre_alert_h = 168 };
	struct prediction_source s = { k, &v, 0 };
	struct diag d = DIAG_INIT;
	char why[400];
	check(sm != NULL, "the submodel is made");
	check(aas_check(sm, &d) == ERR_OK, "it is valid: %s", diag_first(&d, why, sizeof why));
	test_layout(sm);
	struct seen seen = { sm, &s, 0, 0, 0 };
	prediction_each(k, each, &seen);
	check(seen.n > 10 && seen.found == seen.n, "every live element is a Property or Range of it (%d)", seen.n);
	check_str(text(&s, PREDICTION_INDICATION), "not enough evidence", "before there is evidence");
	check_str(text(&s, PREDICTION_DURATION), "-", "no duration");
	check_str(text(&s, PREDICTION_INTERVAL), "-", "no interval");
	check_str(text(&s, PREDICTION_END_TIME), "-", "no date");
	check_str(text(&s, PREDICTION_REQUIRED), "false", "no alert");
	v.evidence = true;
	v.state = MODEL_OK;
	v.rul = (struct rul){ 1234.5678, 20000, 50000 };
	v.leading = 1;
	v.output[1].degradation = 0.2;
	s.predicted_us = INT64_C(1767225600) * US_PER_S;
	check_str(text(&s, PREDICTION_INDICATION), "RUL", "with evidence");
	check_str(text(&s, PREDICTION_DURATION), "20000", "the median in hours");
	check_str(text(&s, PREDICTION_INTERVAL), "1235 50000", "5 %% and 95 %%, to four digits");
	check_str(text(&s, PREDICTION_END_TIME), "2028-04-13T08:00:00Z", "the date");
	check_str(text(&s, PREDICTION_DESCRIPTION), "nearest to its limit: power, 20 % of the way; not enough evidence at the present operating point",
		  "an operating point that is not known is named");
	v.familiar = true;
	check_str(text(&s, PREDICTION_DESCRIPTION), "nearest to its limit: power, 20 % of the way", "why");
	check_str(text(&s, PREDICTION_REQUIRED), "false", "no alert yet");
	v.rul.q50 = 100;
	check_str(text(&s, PREDICTION_REQUIRED), "true", "below the pre-alert maintenance is required");
	v.rul.q50 = v.rul.q05 = 0;
	check_str(text(&s, PREDICTION_DURATION), "0", "the end is a value, too");
	diag_fini(&d);
	arena_free(arena);
	return done();
}
