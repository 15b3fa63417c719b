/* SPDX-License-Identifier: Apache-2.0
 * template.c - which element stands for which of the template's, how often, and of what type.
 */
#include "aas/template.h"

#include <stdio.h>

#include "aas/template_priv.h"
#include "base/str.h"

struct aas_template {
	const struct aas_node *submodel;
	struct aas_template *next;
};

void aas_templates_init(struct aas_templates *t)
{
	*t = (struct aas_templates){ .tail = &t->first };
}

enum err aas_templates_add(struct aas_templates *t, struct arena *a, const struct aas_node *environment)
{
	for (const struct aas_node *s = AAS_AT(environment, Environment, submodels).node; s; s = s->next) {
		const char *kind = aas_enum_text(AAS_ENUM_ModellingKind, AAS_AT(s, Submodel, kind));
		struct aas_template *one;
		if (!kind || !str_eq(kind, "Template"))
			continue;
		if (!(one = ARENA_NEW(a, struct aas_template)))
			return ERR_NO_MEMORY;
		one->submodel = s;
		*t->tail = one;
		t->tail = &one->next;
		t->n++;
	}
	return ERR_OK;
}

/* ---- meaning ------------------------------------------------------------------------------------------- */

/* Published templates have blanks behind their ids. */
static bool same_id(const char *s, const char *t)
{
	size_t n = strlen(s), m = strlen(t);
	while (n && s[n - 1] == ' ')
		n--;
	while (m && t[m - 1] == ' ')
		m--;
	return n == m && !memcmp(s, t, n);
}

/* The same key values; the types of keys and references are written differently in instances. */
static bool same_values(const struct aas_node *a, const struct aas_node *b)
{
	const struct aas_node *k = AAS_AT(a, Reference, keys).node, *l = AAS_AT(b, Reference, keys).node;
	if (!k)
		return false;
	for (; k && l; k = k->next, l = l->next) {
		const char *s = AAS_AT(k, Key, value).str, *t = AAS_AT(l, Key, value).str;
		if (!s || !t || !same_id(s, t))
			return false;
	}
	return !k && !l;
}

/* One of the semantic ids of a is one of b's. */
static bool same_meaning(const struct aas_node *a, const struct aas_node *b)
{
	enum { OWN, MORE, N };
	const struct aas_node *x[N] = { AAS_SEMANTIC_ID(a), AAS_AT(a, Capability, supplementalSemanticIds).node };
	const struct aas_node *y[N] = { AAS_SEMANTIC_ID(b), AAS_AT(b, Capability, supplementalSemanticIds).node };
	for (int i = 0; i < N; i++)
		for (const struct aas_node *r = x[i]; r; r = r->next)
			for (int k = 0; k < N; k++)
				for (const struct aas_node *s = y[k]; s; s = s->next)
					if (same_values(r, s))
						return true;
	return false;
}

static const char *template_id(const struct aas_node *submodel)
{
	const struct aas_node *a = AAS_AT(submodel, Submodel, administration).node;
	return a ? AAS_AT(a, AdministrativeInformation, templateId).str : NULL;
}

const struct aas_node *aas_template_find(const struct aas_templates *t, const struct aas_node *submodel)
{
	const struct aas_node *own = AAS_AT(submodel, Submodel, semanticId).node, *theirs;
	const char *id = template_id(submodel);
	for (const struct aas_template *i = t->first; i && own; i = i->next)
		if ((theirs = AAS_AT(i->submodel, Submodel, semanticId).node) && same_values(own, theirs))
			return i->submodel;
	for (const struct aas_template *i = t->first; i && id; i = i->next)
		if (template_id(i->submodel) && str_eq(id, template_id(i->submodel)))
			return i->submodel;
	return NULL;
}

/* ---- which stands for which --------------------------------------------------------------------------------- */

struct place {
	const struct aas_node *t;
	size_t least, most, n;
};

struct checker {
	struct arena *a;
	struct diag *d;
	bool no_memory;
};

static void check_children(struct checker *, const struct aas_node *t, const struct aas_node *n);

/* "Marking__00__", "Marking{00}" and "Marking" have Marking01. */
static bool numbered(const char *own, const char *is)
{
	static const char number[] = "0123456789_{}:'";
	size_t stem = strlen(own);
	while (stem && strchr(number, own[stem - 1]))
		stem--;
	return stem && !strncmp(own, is, stem) && !is[stem + strspn(is + stem, "0123456789_")];
}

/* How well n stands for t; 0: not at all. */
static unsigned agreement(const struct aas_node *t, const struct aas_node *n, bool item)
{
	enum { CLASS = 1, NUMBERED = 2, NAME = 4, MEANING = 8 };
	const char *own = AAS_ID_SHORT(t), *is = AAS_ID_SHORT(n);
	bool meant = same_meaning(t, n), foreign = !meant && AAS_SEMANTIC_ID(t) && AAS_SEMANTIC_ID(n);
	unsigned score = meant ? MEANING : 0;
	if (!item && own && is && str_eq(own, is))
		score += NAME;
	else if (!item && own && is && !foreign && numbered(own, is))
		score += NUMBERED;
	return score ? score + (t->cls == n->cls ? CLASS : 0) : 0;
}

/* Of equals, one that has room. */
static struct place *place_of(struct place *p, size_t n_places, const struct aas_node *n, bool item)
{
	struct place *best = NULL;
	unsigned most = 0;
	if (item && n_places == 1)
		return p;
	for (struct place *i = p; i < p + n_places; i++) {
		unsigned score = 2 * agreement(i->t, n, item);
		if (score && i->n < i->most)
			score++;
		if (score > most) {
			most = score;
			best = i;
		}
	}
	return best;
}

/* ---- one element ----------------------------------------------------------------------------------------------- */

/* Literals that must be the template's, where it has them. */
static void check_types(struct checker *k, const struct aas_node *t, const struct aas_node *n)
{
	static const struct { const char *attribute, *rule; } rows[] = {
		{ "valueType", "SMT-valueType" }, { "typeValueListElement", "SMT-listType" }, { "valueTypeListElement", "SMT-listType" },
	};
	for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
		struct diag_frame f;
		int i = aas_prop_find(n->cls, rows[r].attribute, strlen(rows[r].attribute));
		if (i < 0 || !t->slot[i].ord || t->slot[i].ord == n->slot[i].ord || aas_template_qualifier(t, "data type"))
			continue;
		const char *wanted = aas_enum_text(n->cls->props[i].type, t->slot[i]);
		diag_push(k->d, &f, n->cls->props[i].name);
		diag_rule(k->d, ERR_BAD_REQUEST, rows[r].rule, "the template has %s", wanted);
		diag_pop(k->d);
	}
}

static void check_element(struct checker *k, const struct aas_node *t, const struct aas_node *n, bool item)
{
	if (t->cls != n->cls) {
		diag_rule(k->d, ERR_BAD_REQUEST, "SMT-modelType", "the template has a %s, not a %s", t->cls->name, n->cls->name);
		return;
	}
	if (AAS_SEMANTIC_ID(t) && AAS_SEMANTIC_ID(n) && !same_meaning(t, n))
		diag_rule(k->d, ERR_BAD_REQUEST, "SMT-semanticId", "the semanticId is not that of the template's %s",
			  !item && AAS_ID_SHORT(t) ? AAS_ID_SHORT(t) : "item");
	check_types(k, t, n);
	aas_template_qualifiers(t, n, k->d);
	check_children(k, t, n);
}

/* ---- children -------------------------------------------------------------------------------------------------- */

static struct place *places_of(struct checker *k, const struct aas_node *t, size_t *n)
{
	const struct aas_node *c;
	struct place *p;
	*n = 0;
	for (c = aas_first_child(t); c; c = c->next)
		++*n;
	if (!(p = ARENA_ARRAY(k->a, struct place, *n + 1))) {
		k->no_memory = true;
		return NULL;
	}
	struct place *i = p;
	for (c = aas_first_child(t); c; c = c->next, i++) {
		i->t = c;
		aas_template_cardinality(c, &i->least, &i->most);
	}
	return p;
}

static void describe(const struct aas_node *t, char *out, size_t size)
{
	const struct aas_node *meaning = AAS_SEMANTIC_ID(t), *key = meaning ? AAS_AT(meaning, Reference, keys).node : NULL;
	const char *id = key ? AAS_AT(key, Key, value).str : NULL;
	snprintf(out, size, "%s%s%.100s%s%.200s%s", t->cls->name, AAS_ID_SHORT(t) ? " " : "", AAS_ID_SHORT(t) ? AAS_ID_SHORT(t) : "",
		 id ? " (" : "", id ? id : "", id ? ")" : "");
}

static void check_missing(struct checker *k, const struct place *p, size_t n)
{
	char what[400];
	for (; n; n--, p++) {
		if (p->n >= p->least)
			continue;
		describe(p->t, what, sizeof what);
		diag_rule(k->d, ERR_BAD_REQUEST, "SMT-cardinality", "the template requires %s %s", p->most == 1 ? "one" : "at least one", what);
	}
}

static void check_children(struct checker *k, const struct aas_node *t, const struct aas_node *n)
{
	const union aas_slot *list = aas_children((struct aas_node *)n);
	bool items = aas_is(n, AAS_SubmodelElementList);
	struct diag_frame name, item;
	size_t n_places;
	struct place *p;
	char what[400];
	if (!list || !aas_first_child(t) || !(p = places_of(k, t, &n_places)))
		return;
	diag_push(k->d, &name, n->cls->props[list - n->slot].name);
	diag_push_index(k->d, &item, 0);
	for (const struct aas_node *c = list->node; c; c = c->next, item.index++) {
		struct place *at = place_of(p, n_places, c, items);
		if (!at)
			continue;
		if (++at->n > at->most) {
			describe(at->t, what, sizeof what);
			diag_rule(k->d, ERR_BAD_REQUEST, "SMT-cardinality", "the template allows one %s", what);
		}
		check_element(k, at->t, c, items);
	}
	diag_pop(k->d);
	diag_pop(k->d);
	check_missing(k, p, n_places);
}

enum err aas_template_check(const struct aas_node *template, const struct aas_node *submodel, struct diag *d)
{
	struct diag own = DIAG_INIT;
	struct checker k = { arena_new(0), d ? d : &own, false };
	unsigned before = k.d->n + k.d->lost;
	if (k.a)
		check_children(&k, template, submodel);
	bool found = k.d->n + k.d->lost != before, no_memory = !k.a || k.no_memory;
	arena_free(k.a);
	diag_fini(&own);
	return no_memory ? diag_add(d, ERR_NO_MEMORY, "not enough memory to compare with the template") : found ? ERR_BAD_REQUEST : ERR_OK;
}

enum err aas_templates_check(const struct aas_templates *t, const struct aas_node *environment, struct diag *d)
{
	struct diag own = DIAG_INIT;
	struct diag_frame name, item;
	enum err worst = ERR_OK;
	d = d ? d : &own;
	diag_push(d, &name, "submodels");
	diag_push_index(d, &item, 0);
	for (const struct aas_node *s = AAS_AT(environment, Environment, submodels).node; s; s = s->next, item.index++) {
		const struct aas_node *template = aas_template_find(t, s);
		enum err e = template ? aas_template_check(template, s, d) : ERR_OK;
		worst = e && worst != ERR_NO_MEMORY ? e : worst;
	}
	diag_pop(d);
	diag_pop(d);
	diag_fini(&own);
	return worst;
}
