/* SPDX-License-Identifier: Apache-2.0
 * rules_text.c - the sentences that state the rules, and what V3.0 and the strict mode ask of single texts.
 */
#include "aas/rules_priv.h"

#include <stdio.h>

#include "aas/lexical.h"
#include "aas/lookup.h"

/* ---- the text of a rule ---------------------------------------------------------------------------- */

static const struct aas_string_type *string_named(const char *name)
{
	static const unsigned n =
#define S(type, min, max, check) + 1
		0 AAS_STRINGS(S);
#undef S
	for (unsigned i = 0; i < n; i++)
		if (str_eq(aas_strings[i].name, name))
			return &aas_strings[i];
	return NULL;
}

static unsigned v30_length(const char *name)
{
#define L(type, most) if (str_eq(name, #type)) return most;
	AAS_RULES_V30_LENGTHS(L)
#undef L
	return 0;
}

static void length_text(const struct aas_rule *r, char *out, size_t size)
{
	const struct aas_class *c = NULL;
	for (unsigned i = 0; i < AAS_N_CLASSES && !aas_rule_every(r->attribute); i++)
		if (str_eq(aas_classes[i].name, r->what))
			c = &aas_classes[i];
	const struct aas_string_type *t =
		c ? &aas_strings[c->props[aas_rule_slot(c, r->attribute)].type] : string_named(r->what);
	unsigned old = v30_length(r->what);
	if (t && t->max && old)
		snprintf(out, size, "A text of 1 to %u characters; in V3.0 to %u.", t->max, old);
	else if (t && t->max)
		snprintf(out, size, "A text of 1 to %u characters.", t->max);
	else
		snprintf(out, size, "A text that is not empty.");
}

static void required_text(const struct aas_rule *r, char *out, size_t size)
{
	const struct aas_class *c = &aas_classes[0];
	size_t at = 0;
	while (!str_eq(c->name, r->what))
		c++;
	for (unsigned i = 0; i < c->n && at < size; i++)
		if (c->props[i].required)
			at += (size_t)snprintf(out + at, size - at, "%s%s", at ? ", " : "Required: ", c->props[i].name);
	if (at < size)
		snprintf(out + at, size - at, "%s.", r->versions == AAS_RULE_DIFFER ? "; in V3.0 also valueId" : "");
}

const char *aas_rule_text(const struct aas_rule *r, char *out, size_t size)
{
	static const char *const texts[] = {
		[AAS_RULE_LIST] = "The list is left out or has an item.",
		[AAS_RULE_CALENDAR] = "The day is one of its month, and there is no year 0.",
		[AAS_RULE_VALUE] = "The value is one of its valueType.",
		[AAS_RULE_MODEL_TYPE] = "JSON names the class in modelType.",
		[AAS_RULE_CHARS] = "Every text has only characters that XML 1.0 can carry.",
	};
	if (r->text)
		snprintf(out, size, "%s", r->text);
	else if (r->how == AAS_RULE_LENGTH)
		length_text(r, out, size);
	else if (r->how == AAS_RULE_REQUIRED)
		required_text(r, out, size);
	else if (r->how == AAS_RULE_PATTERN)
		snprintf(out, size, "A text in the form of %s%s.", r->what, r->versions == AAS_RULE_DIFFER ? "; in V3.0 without hyphens" : "");
	else if (r->how == AAS_RULE_LITERAL)
		snprintf(out, size, "A literal of %s%s.", r->what, r->versions == AAS_RULE_DIFFER ? "; in V3.0 not Role" : "");
	else
		snprintf(out, size, "%s", texts[r->how]);
	return out;
}

/* ---- texts, by mode ------------------------------------------------------------------------------------ */

__attribute__((format(printf, 4, 5))) static void text_fault(struct aas_run *r, const struct aas_prop *p, enum aas_rule_how how,
							     const char *fmt, ...)
{
	struct aas_rule named = { .id = aas_rule_of(p, how) };
	char why[200];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(why, sizeof why, fmt, ap);
	va_end(ap);
	r->rule = &named;
	aas_run_fault(r, p->name, NO_ITEM, "%s", why);
}

static void check_v30(struct aas_run *r, const struct aas_prop *p, const char *s)
{
	unsigned most = v30_length(aas_strings[p->type].name);
	size_t n = strlen(s), len = most && n > most ? utf8_length(s, n) : 0;
	if (p->type == AAS_STR_IdShort && strchr(s, '-') && aas_lex_idshort(s, n))
		text_fault(r, p, AAS_RULE_PATTERN, "V3.0 allows no hyphen");
	else if (len > most && len <= aas_strings[p->type].max)
		text_fault(r, p, AAS_RULE_LENGTH, "has %zu characters, V3.0 allows %u", len, most);
}

static bool ascii(const char *s)
{
	while (*s && (signed char)*s > 0)
		s++;
	return !*s;
}

/* What the readers let pass: letters beyond ASCII in the URIs of V3.1, and a decimal that ends in its point. */
static void check_strict(struct aas_run *r, const struct aas_node *n, unsigned i)
{
	const struct aas_class_index *x = &aas_class_index[n->cls->id];
	const struct aas_prop *p = &n->cls->props[i];
	bool value = x->values >> i & 1;
	const char *s = n->slot[i].str, *type = value ? aas_xsd_of(n->slot[x->value_type].ord)->name : "";
	size_t len = strlen(s);
	if (!aas_run_v30(r) && p->type == AAS_STR_Path && !ascii(s))
		text_fault(r, p, AAS_RULE_PATTERN, "\"%.80s\" has letters that RFC 2396 does not know", s);
	else if (!aas_run_v30(r) && str_eq(type, "xs:anyURI") && !ascii(s))
		text_fault(r, p, AAS_RULE_VALUE, "\"%.80s\" has letters that RFC 2396 does not know", s);
	else if (str_eq(type, "xs:decimal") && len && s[len - 1] == '.')
		text_fault(r, p, AAS_RULE_VALUE, "\"%.80s\" ends in its point", s);
}

void aas_run_texts(struct aas_run *r, const struct aas_node *n)
{
	for (unsigned i = 0; i < n->cls->n; i++) {
		const struct aas_prop *p = &n->cls->props[i];
		if (!n->slot[i].ord)
			continue;
		if (aas_run_v30(r) && p->kind == AAS_ENUM && p->type == AAS_ENUM_AssetKind &&
		    str_eq(aas_enum_text(AAS_ENUM_AssetKind, n->slot[i]), "Role"))
			text_fault(r, p, AAS_RULE_LITERAL, "V3.0 does not know the literal Role");
		if (p->kind != AAS_STR)
			continue;
		if (aas_run_v30(r))
			check_v30(r, p, n->slot[i].str);
		if (aas_run_strict(r))
			check_strict(r, n, i);
	}
}
