/* SPDX-License-Identifier: Apache-2.0
 * template_qualifier.c - the qualifiers of templates, a row each.
 */
#include "aas/template_priv.h"

#include <math.h>
#include <stdio.h>
#include <strings.h>

#include "aas/lexical.h"
#include "aas/pattern.h"
#include "base/str.h"

const char *aas_template_qualifier(const struct aas_node *t, const char *type)
{
	int i = aas_prop_find(t->cls, "qualifiers", 10);
	for (const struct aas_node *q = i < 0 ? NULL : t->slot[i].node; q; q = q->next) {
		const char *is = AAS_AT(q, Qualifier, type).str;
		if (is && !strcasecmp(strncmp(is, "SMT/", 4) ? is : is + 4, type))
			return AAS_AT(q, Qualifier, value).str;
	}
	return NULL;
}

void aas_template_cardinality(const struct aas_node *t, size_t *least, size_t *most)
{
	static const struct { const char *name; size_t least, most; } rows[] = {
		{ "One", 1, 1 }, { "ZeroToOne", 0, 1 }, { "ZeroToMany", 0, SIZE_MAX }, { "OneToMany", 1, SIZE_MAX },
	};
	const char *is = aas_template_qualifier(t, "Cardinality");
	if (!is)
		is = aas_template_qualifier(t, "Multiplicity");
	*least = 0;
	*most = SIZE_MAX;
	for (size_t i = 0; is && i < sizeof rows / sizeof *rows; i++)
		if (!strcasecmp(rows[i].name, is)) {
			*least = rows[i].least;
			*most = rows[i].most;
		}
}

static bool matches(const char *pattern, const char *text)
{
	return aas_pattern_match(pattern, text, strlen(text)) != AAS_PATTERN_NO;	/* nobody can keep what nobody can read */
}

/* ---- predicates: false when the element does not keep `wanted` ------------------------------------------------ */

/* The template's own name is as good as any. */
static bool id_short_allowed(const struct aas_node *n, const struct aas_node *t, const char *wanted)
{
	const char *is = AAS_ID_SHORT(n), *own = AAS_ID_SHORT(t);
	return !is || (own && str_eq(is, own)) || matches(wanted, is);
}

static bool id_short_kept(const struct aas_node *n, const struct aas_node *t, const char *wanted)
{
	const char *is = AAS_ID_SHORT(n), *own = AAS_ID_SHORT(t);
	return strcasecmp(wanted, "false") || !is || !own || str_eq(is, own);
}

static bool value_allowed(const struct aas_node *n, const struct aas_node *t, const char *wanted)
{
	(void)t;
	return !aas_is(n, AAS_Property) || !AAS_AT(n, Property, value).str || matches(wanted, AAS_AT(n, Property, value).str);
}

static bool bound(const char **p, double *out, double without)
{
	size_t n = strcspn(*p, ",;[]()"), from = strspn(*p, " ");
	const char *s = *p + from;
	size_t len = n < from ? 0 : n - from;
	while (len && s[len - 1] == ' ')
		len--;
	*p += n;
	*out = without;
	return !len || str_double(s, len, out);
}

/* False when the text is no range at all. */
static bool range_read(const char *s, double *low, double *high, bool open[2])
{
	s += strspn(s, " ");
	if (!*s || !strchr("[(]", *s))
		return false;
	open[0] = *s++ != '[';
	if (!bound(&s, low, -INFINITY) || (*s != ',' && *s != ';'))
		return false;
	s++;
	if (!bound(&s, high, INFINITY))
		return false;
	open[1] = *s != ']';
	return !*s || strchr(")[]", *s);
}

static bool inside(const char *text, const char *range)
{
	double low, high, v;
	bool open[2];
	if (!text || !range_read(range, &low, &high, open) || !str_double(text, strlen(text), &v))
		return true;
	return (open[0] ? v > low : v >= low) && (open[1] ? v < high : v <= high);
}

static bool range_kept(const struct aas_node *n, const struct aas_node *t, const char *wanted)
{
	(void)t;
	if (aas_is(n, AAS_Range))
		return inside(AAS_AT(n, Range, min).str, wanted) && inside(AAS_AT(n, Range, max).str, wanted);
	return !aas_is(n, AAS_Property) || inside(AAS_AT(n, Property, value).str, wanted);
}

/* "en" is had by en-GB, too (RFC 4647, basic filtering). */
static bool has_language(const struct aas_node *texts, const char *wanted, size_t n)
{
	for (; texts; texts = texts->next) {
		const char *tag = AAS_AT(texts, LangStringTextType, language).str;
		if (tag && !strncasecmp(tag, wanted, n) && (!tag[n] || tag[n] == '-'))
			return true;
	}
	return false;
}

static bool languages_there(const struct aas_node *n, const struct aas_node *t, const char *wanted)
{
	(void)t;
	for (wanted += strspn(wanted, " ,;|"); aas_is(n, AAS_MultiLanguageProperty) && *wanted; wanted += strspn(wanted, " ,;|")) {
		size_t len = strcspn(wanted, " ,;|");
		if (!has_language(AAS_AT(n, MultiLanguageProperty, value).node, wanted, len))
			return false;
		wanted += len;
	}
	return true;
}

static const struct row {
	const char *type, *rule;
	bool (*kept)(const struct aas_node *element, const struct aas_node *t, const char *wanted);
	const char *text;
} rows[] = {
	{ "AllowedIdShort", "SMT-idShort", id_short_allowed, "the idShort must match \"%.120s\"" },
	{ "EditIdShort", "SMT-idShort", id_short_kept, "the template's idShort must be kept (EditIdShort is %s)" },
	{ "AllowedValue", "SMT-value", value_allowed, "the value must match \"%.120s\"" },
	{ "AllowedRange", "SMT-range", range_kept, "the value must be in %.120s" },
	{ "RequiredLang", "SMT-language", languages_there, "a text is required in %.120s" },
};

void aas_template_qualifiers(const struct aas_node *t, const struct aas_node *element, struct diag *d)
{
	for (const struct row *r = rows; r < rows + sizeof rows / sizeof *rows; r++) {
		const char *wanted = aas_template_qualifier(t, r->type);
		char text[200];
		if (!wanted || r->kept(element, t, wanted))
			continue;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(text, sizeof text, r->text, wanted);
#pragma GCC diagnostic pop
		diag_rule(d, ERR_BAD_REQUEST, r->rule, "%s", text);
	}
}
