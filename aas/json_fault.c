/* SPDX-License-Identifier: Apache-2.0 */
#include "aas/json_fault.h"

#include <stdio.h>
#include <strings.h>

#include "aas/json.h"
#include "aas/jsonlex.h"
#include "aas/rules.h"

#define BRACKETS_MAX (4 * AAS_DEPTH_MAX)

/* The line the reader stands in, from 1; 0 where the text is not there as it came.  All faults of a text together cost one look at it. */
static unsigned line_of(struct json_reader *r)
{
	size_t at = r->p > r->text ? (size_t)(r->p - r->text) : 0;
	if (!r->given)
		return 0;
	if (at > (size_t)(r->end - r->text))
		at = (size_t)(r->end - r->text);
	if (at < r->counted)
		return r->lines + 1;
	for (const char *nl; (nl = memchr(r->given + r->counted, '\n', at - r->counted)); r->counted = (size_t)(nl - r->given) + 1)
		r->lines++;
	r->counted = at;
	return r->lines + 1;
}

enum err json_fault(struct json_reader *r, const char *rule, const char *fmt, ...)
{
	struct diag_frame f;
	va_list ap;
	r->faults++;
	r->d->line = line_of(r);
	if (r->leaf)
		diag_push(r->d, &f, r->leaf);
	va_start(ap, fmt);
	diag_addv(r->d, ERR_BAD_REQUEST, rule, fmt, ap);
	va_end(ap);
	r->d->line = 0;
	if (r->leaf)
		diag_pop(r->d);
	return ERR_BAD_REQUEST;
}

enum err json_no_memory(struct json_reader *r)
{
	return diag_add(r->d, ERR_NO_MEMORY, "not enough memory to read the text");
}

/* The end of the object or array at p, by its brackets alone, when it is no JSON otherwise: a comma too many, say.  NULL: they do not match. */
static const char *value_end(const char *p, const char *end)
{
	char open[BRACKETS_MAX];
	size_t n = 0;
	bool inside = false;
	if (*p != '{' && *p != '[')
		return NULL;
	for (; p < end; p++) {
		if (inside && *p == '\\')
			p++;
		else if (*p == '"')
			inside = !inside;
		else if (inside && (unsigned char)*p < ' ')
			return NULL;		/* a quote is missing */
		else if (!inside && (*p == '{' || *p == '[') && n == BRACKETS_MAX)
			return NULL;
		else if (!inside && (*p == '{' || *p == '['))
			open[n++] = *p == '{' ? '}' : ']';
		else if (!inside && (*p == '}' || *p == ']') && open[--n] != *p)
			return NULL;
		if (!n)
			return p + 1;
	}
	return NULL;
}

/* After a fault in the value that began at `at`: when all are wanted and it is known where the value ends, go on behind it. */
enum err json_recover(struct json_reader *r, const char *at, enum err e)
{
	struct slice value;
	struct jl j;
	size_t offset = (size_t)(at - r->text);
	if (!r->collect || !r->given || r->broken || e != ERR_BAD_REQUEST || at >= r->end)
		return e;
	jl_init(&j, r->arena, r->given + offset, (size_t)(r->end - at));
	const char *behind = jl_skip(&j, &value) ? j.p : value_end(r->given + offset, r->given + (r->end - r->text));
	if (!behind) {
		r->broken = *at == '{' || *at == '[';	/* else what is around it may still have an end */
		return e;
	}
	r->p = r->text + (behind - r->given);
	r->leaf = NULL;
	return ERR_OK;
}

enum err json_not_kind(struct json_reader *r, const char *wanted)
{
	char c = *r->p;
	if (c == 'n')
		return json_fault(r, NULL, "null is not allowed, leave the attribute out");
	if (r->p >= r->end)
		return json_fault(r, NULL, "expected %s, but the text ends here", wanted);
	const char *found = c == '"' ? "a string" : c == '{' ? "an object" : c == '[' ? "an array" :
			    c == 't' || c == 'f' ? "a boolean" : c == '-' || (c >= '0' && c <= '9') ? "a number" : NULL;
	if (found)
		return json_fault(r, NULL, "expected %s, not %s", wanted, found);
	return json_fault(r, NULL, "expected %s at byte %zu", wanted, json_place(r, r->p));
}

enum err json_wrong_text(struct json_reader *r, const struct aas_prop *p, const char *s, size_t n, size_t len)
{
	const struct aas_string_type *t = &aas_strings[p->type];
	const char *rule = aas_rule_of_text(p, s, n);
	if (len < t->min)
		return json_fault(r, rule, "must not be empty");
	if (t->max && len > t->max)
		return json_fault(r, rule, "has %zu characters, %u are allowed", len, t->max);
	return json_fault(r, rule, "\"%.*s\" is not a valid %s", json_brief(n), s, t->name);
}

enum err json_wrong_literal(struct json_reader *r, const struct aas_prop *p, const char *s, size_t n)
{
	const struct aas_enum_type *t = &aas_enums[p->type];
	char list[320];
	size_t at = 0;
	for (unsigned i = 0; i < t->n && at + 40 < sizeof list; i++)
		at += (size_t)snprintf(list + at, sizeof list - at, "%s%s", i ? ", " : "", t->literal[i]);
	return json_fault(r, aas_rule_of(p, AAS_RULE_LITERAL), "\"%.*s\" is not one of %s%s", json_brief(n), s, list,
			  at + 40 < sizeof list ? "" : " ...");
}

/* The rule that asks for the modelType of the only class that may stand here, or of the one that the text resembles. */
static const char *model_type_rule(const struct aas_class *sole, const char *s, size_t n)
{
	const struct aas_class *c = sole;
	for (unsigned i = 0; i < AAS_N_CLASSES && !c; i++)
		if (aas_classes[i].name_len == n && !strncasecmp(aas_classes[i].name, s, n))
			c = &aas_classes[i];
	return c ? aas_rule_of_class(c, AAS_RULE_MODEL_TYPE) : NULL;
}

enum err json_wrong_class(struct json_reader *r, const struct aas_class *c, unsigned type, const char *s, size_t n)
{
	return json_fault(r, model_type_rule(c, s, n), "\"%.*s\" is not a %s", json_brief(n), s, c ? c->name : aas_type_name(type));
}

/* modelType stands somewhere in the object and names no class: read it, for the message. */
enum err json_unknown_class(struct json_reader *r, const char *at, unsigned type)
{
	struct slice name, value = { "", 0 };
	bool first = true;
	struct jl j;
	jl_init(&j, r->arena, at, (size_t)(r->end - at));	/* nothing of the object has been read, so it is as it came */
	jl_open(&j, '{');
	while (jl_member(&j, &first, &name) && !slice_is(name, "modelType") && jl_skip(&j, &value))
		;
	if (jl_peek(&j) != '"' || !jl_string(&j, &value))
		value.n = 0;
	r->leaf = "modelType";
	return json_wrong_class(r, NULL, type, value.p, value.n);
}
