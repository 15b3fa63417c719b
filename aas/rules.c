/* SPDX-License-Identifier: Apache-2.0
 * rules.c - the table of constraints, the walk over a tree, and the ids for the readers' messages.
 */
#include "aas/rules_priv.h"

#include <stdlib.h>
#include <strings.h>

#include "aas/json.h"
#include "aas/lexical.h"

#define RULES_OF_CLASS_MAX 32
#define TEXT_MAX 64

#define R(id, what, attribute, versions, mode, fn, text) \
	{ id, #what, #attribute, AAS_RULE_PREDICATE, AAS_RULE_##versions, AAS_RULE_##mode, aas_rule_##fn, text, NULL },
#define S(id, what, attribute, how, versions, fn) \
	{ id, #what, #attribute, AAS_RULE_##how, AAS_RULE_##versions, AAS_RULE_ERROR, aas_rule_##fn, NULL, NULL },
#define N(id, what, how, text, where) { id, #what, "_", AAS_RULE_##how, AAS_RULE_BOTH, AAS_RULE_ERROR, aas_rule_none, text, where },
const struct aas_rule aas_rules[] = { AAS_RULES(R, S, N) };
#undef R
#undef S
#undef N
const unsigned aas_n_rules = sizeof aas_rules / sizeof *aas_rules;

static const struct {
	const char *name, *attribute;
} groups[] = {
#define G(name, attribute) { #name, #attribute },
	AAS_RULE_GROUPS(G)
#undef G
};

/* What is to be checked of a class. */
static struct per_class {
	struct {
		const struct aas_rule *rule;
		int8_t slot;
	} list[RULES_OF_CLASS_MAX];
	unsigned n;
	uint32_t nested;	/* slots that hold instances */
} per_class[AAS_N_CLASSES];

void aas_rule_none(struct aas_run *r, const struct aas_node *n)
{
	(void)r;
	(void)n;
}

/* ---- the table --------------------------------------------------------------------------- */

/* The tables of lookup.h may not be made yet, so names are compared. */
int aas_rule_slot(const struct aas_class *c, const char *attribute)
{
	for (unsigned i = 0; i < c->n; i++)
		if (str_eq(c->props[i].name, attribute))
			return (int)i;
	return -1;
}

static bool has_children(const struct aas_class *c)
{
	for (unsigned i = 0; i < c->n; i++)
		if (c->props[i].kind == AAS_LIST && (c->props[i].type == AAS_SubmodelElement || c->props[i].type == AAS_DataElement))
			return true;
	return false;
}

bool aas_rule_applies(const struct aas_rule *r, const struct aas_class *c)
{
	for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
		if (str_eq(groups[i].name, r->what))
			return aas_rule_slot(c, groups[i].attribute) >= 0;
	for (unsigned type = AAS_SubmodelElement; type <= AAS_DataSpecificationContent; type++)
		if (str_eq(aas_type_name(type), r->what))
			return aas_class_fits(c, type);
	return str_eq(r->what, "Parent") ? has_children(c) : str_eq(r->what, c->name);
}

__attribute__((constructor)) static void per_class_make(void)
{
	for (unsigned i = 0; i < AAS_N_CLASSES; i++) {
		const struct aas_class *c = &aas_classes[i];
		struct per_class *x = &per_class[i];
		for (unsigned k = 0; k < c->n; k++)
			if (c->props[k].kind == AAS_NODE || c->props[k].kind == AAS_LIST)
				x->nested |= 1u << k;
		for (unsigned k = 0; k < aas_n_rules; k++) {
			const struct aas_rule *r = &aas_rules[k];
			if (r->check == aas_rule_none || !aas_rule_applies(r, c))
				continue;
			if (x->n == RULES_OF_CLASS_MAX)
				abort();	/* the list must become longer */
			x->list[x->n].slot = (int8_t)aas_rule_slot(c, r->attribute);
			x->list[x->n++].rule = r;
		}
	}
}

const struct aas_rule *aas_rule_find(const char *id)
{
	for (unsigned i = 0; i < aas_n_rules; i++)
		if (str_eq(aas_rules[i].id, id))
			return &aas_rules[i];
	return NULL;
}

/* ---- ids for the readers ----------------------------------------------------------------------- */

/* The class that the row of an attribute belongs to, and its string type or enumeration. */
static const struct aas_class *class_of(const struct aas_prop *p)
{
	for (unsigned i = 0; i < AAS_N_CLASSES; i++) {
		uintptr_t first = (uintptr_t)aas_classes[i].props, at = (uintptr_t)p;
		if (at >= first && at < (uintptr_t)(aas_classes[i].props + aas_classes[i].n))
			return &aas_classes[i];
	}
	return NULL;
}

static const char *type_of(const struct aas_prop *p)
{
	return p->kind == AAS_STR ? aas_strings[p->type].name : p->kind == AAS_ENUM ? aas_enums[p->type].name : "";
}

const char *aas_rule_of(const struct aas_prop *p, enum aas_rule_how how)
{
	const struct aas_class *c = class_of(p);
	for (unsigned i = 0; c && i < aas_n_rules; i++) {
		const struct aas_rule *r = &aas_rules[i];
		if (r->how != how)
			continue;
		if (how == AAS_RULE_CHARS || (aas_rule_every(r->attribute) ? str_eq(r->what, type_of(p)) :
					      str_eq(r->attribute, p->name) && aas_rule_applies(r, c)))
			return r->id;
	}
	return NULL;
}

const char *aas_rule_of_class(const struct aas_class *c, enum aas_rule_how how)
{
	for (unsigned i = 0; i < aas_n_rules; i++)
		if (aas_rules[i].how == how && aas_rule_every(aas_rules[i].attribute) && aas_rule_applies(&aas_rules[i], c))
			return aas_rules[i].id;
	return NULL;
}

/* The form is right and only the day does not exist, or the year. */
static bool only_calendar(const char *s, size_t n)
{
	char t[TEXT_MAX];
	const char *at = memchr(s, 'T', n);
	size_t k = at ? (size_t)(at - s) : 0;
	if (n >= sizeof t || k < 10 || s[k - 3] != '-')
		return false;
	memcpy(t, s, n);
	if (!memcmp(t + k - 10, "0000", 4))
		t[k - 10] = '2';
	bool day = t[k - 2] >= '0' && t[k - 2] <= '3' && t[k - 1] >= '0' && t[k - 1] <= (t[k - 2] == '3' ? '1' : '9');
	t[k - 2] = '0';
	t[k - 1] = '1';
	return day && aas_lex_datetime_utc(t, n);
}

const char *aas_rule_of_text(const struct aas_prop *p, const char *s, size_t n)
{
	const struct aas_string_type *t = &aas_strings[p->type];
	if (!utf8_xml_valid(s, n))
		return utf8_valid(s, n) ? aas_rule_of(p, AAS_RULE_CHARS) : NULL;
	size_t len = utf8_length(s, n);
	const char *id = len < t->min || (t->max && len > t->max) ? aas_rule_of(p, AAS_RULE_LENGTH) : NULL;
	if (!id && t->check == aas_lex_datetime_utc && only_calendar(s, n))
		id = aas_rule_of(p, AAS_RULE_CALENDAR);
	return id ? id : aas_rule_of(p, AAS_RULE_PATTERN);
}

/* ---- reports ----------------------------------------------------------------------------------------- */

void aas_run_fault(struct aas_run *r, const char *attribute, size_t item, const char *fmt, ...)
{
	struct diag_frame name, index;
	va_list ap;
	r->faults++;
	if (attribute)
		diag_push(r->d, &name, attribute);
	if (item != NO_ITEM)
		diag_push_index(r->d, &index, item);
	va_start(ap, fmt);
	diag_addv(r->d, ERR_BAD_REQUEST, r->rule->id, fmt, ap);
	va_end(ap);
	if (item != NO_ITEM)
		diag_pop(r->d);
	if (attribute)
		diag_pop(r->d);
}

static bool remember(struct aas_run *r, struct aas_uniq *u, const char *text)
{
	void *old = NULL;
	size_t n = strlen(text);
	if (u->caseless) {
		buf_reset(&u->low);
		for (size_t i = 0; i < n; i++)
			buf_putc(&u->low, text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] | 0x20) : text[i]);
		text = u->low.p;
	}
	if (u->low.failed || !map_put(&u->many, text, n, u, &old))
		r->no_memory = true;
	return !old;
}

bool aas_uniq_add(struct aas_run *r, struct aas_uniq *u, const char *text)
{
	bool fresh = true;
	if (u->n < UNIQ_FEW) {
		for (unsigned i = 0; i < u->n; i++)
			if (u->caseless ? !strcasecmp(u->few[i], text) : str_eq(u->few[i], text))
				return false;
		u->few[u->n++] = text;
		return true;
	}
	for (unsigned i = 0; u->n == UNIQ_FEW && i < UNIQ_FEW; i++)
		remember(r, u, u->few[i]);
	u->n = UNIQ_FEW + 1;
	fresh = remember(r, u, text);
	return fresh;
}

void aas_uniq_fini(struct aas_uniq *u)
{
	map_fini(&u->many);
	buf_fini(&u->low);
}

/* ---- the walk ------------------------------------------------------------------------------------------- */

static void check_node(struct aas_run *r, const struct aas_node *n)
{
	const struct per_class *x = &per_class[n->cls->id];
	for (unsigned i = 0; i < x->n; i++) {
		const struct aas_rule *rule = x->list[i].rule;
		if (r->flags & AAS_RULES_V30_ALONE && rule->versions == AAS_RULE_BOTH)
			continue;
		bool old = rule->versions == AAS_RULE_V30 || (rule->versions == AAS_RULE_DIFFER && rule->how != AAS_RULE_PREDICATE);
		if ((old && !aas_run_v30(r)) || (rule->mode == AAS_RULE_STRICT && !aas_run_strict(r)) ||
		    (r->only && !str_eq(rule->what, n->cls->name)))
			continue;
		r->rule = rule;
		r->slot = x->list[i].slot;
		rule->check(r, n);
	}
	if (r->flags && !r->only)
		aas_run_texts(r, n);
}

static void walk(struct aas_run *r, const struct aas_node *n, unsigned depth);

static void walk_list(struct aas_run *r, const struct aas_node *n, const struct aas_prop *p, unsigned depth)
{
	struct diag_frame name, item;
	/* of Keys and LangStrings nothing is asked beyond what the reader checks, unless a mode wants their texts */
	if (!per_class[n->cls->id].n && !per_class[n->cls->id].nested && !r->flags)
		return;
	diag_push(r->d, &name, p->name);
	if (p->kind == AAS_LIST)
		diag_push_index(r->d, &item, 0);
	for (; n; n = p->kind == AAS_LIST ? n->next : NULL, item.index++)
		walk(r, n, depth);
	if (p->kind == AAS_LIST)
		diag_pop(r->d);
	diag_pop(r->d);
}

static void walk(struct aas_run *r, const struct aas_node *n, unsigned depth)
{
	const struct aas_node *around = r->submodel;
	if (depth > AAS_DEPTH_MAX) {
		r->faults++;
		diag_add(r->d, ERR_BAD_REQUEST, "nested deeper than %d levels", AAS_DEPTH_MAX);
		return;
	}
	if (aas_is(n, AAS_Submodel))
		r->submodel = n;
	check_node(r, n);
	for (uint32_t nested = per_class[n->cls->id].nested; nested; nested &= nested - 1) {
		unsigned i = (unsigned)__builtin_ctz(nested);
		if (n->slot[i].node)
			walk_list(r, n->slot[i].node, &n->cls->props[i], depth + 1);
	}
	r->submodel = around;
}

enum err aas_rules_check(const struct aas_node *root, unsigned flags, struct diag *d)
{
	struct diag own = DIAG_INIT;
	struct aas_run r = { .d = d ? d : &own, .flags = flags };
	for (const struct aas_node *n = root->parent; n; n = n->parent)
		if (aas_is(n, AAS_Submodel))
			r.submodel = n;
	if (root->parent && aas_is(root->parent, AAS_SubmodelElementList)) {
		r.only = root;
		check_node(&r, root->parent);
		r.only = NULL;
	}
	walk(&r, root, 1);
	diag_fini(&own);
	if (r.no_memory)
		return diag_add(d, ERR_NO_MEMORY, "not enough memory to check the rules");
	return r.faults ? ERR_BAD_REQUEST : ERR_OK;
}
