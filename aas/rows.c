/* SPDX-License-Identifier: Apache-2.0 */
#include "aas/rows.h"

#include <math.h>
#include <strings.h>

#include "aas/path.h"
#include "base/buf.h"
#include "base/clock.h"

void aas_typed_read(const char *text, struct aas_typed *t)
{
	static const char *const bools[] = { "false", "true", "0", "1" };
	*t = (struct aas_typed){ NAN, TIME_NONE, -1 };
	if (!text)
		return;
	size_t n = strlen(text);
	if (!str_double(text, n, &t->num))
		t->num = NAN;
	if (!time_parse(text, n, &t->ts_us))
		t->ts_us = TIME_NONE;
	for (int i = 0; i < 4; i++)
		if (!strcmp(text, bools[i]))
			t->boolean = (int8_t)(i & 1);
}

const char *aas_reference_text(struct arena *a, const struct aas_node *reference)
{
	const struct aas_node *k = reference ? AAS_AT(reference, Reference, keys).node : NULL;
	struct buf b = BUF_INIT;
	if (!k)
		return NULL;
	if (!k->next)
		return AAS_AT(k, Key, value).str;
	for (; k; k = k->next)
		buf_printf(&b, "%s(%s)%s", b.n ? ", " : "", aas_enum_text(AAS_ENUM_KeyTypes, AAS_AT(k, Key, type)), AAS_AT(k, Key, value).str);
	char *s = b.failed ? NULL : arena_strndup(a, b.p, b.n);
	buf_fini(&b);
	return s;
}

const char *aas_unit(const struct aas_node *element)
{
	for (const struct aas_node *q = AAS_AT(element, Capability, qualifiers).node; q; q = q->next)
		if (!strcasecmp(AAS_AT(q, Qualifier, type).str, "unit") && AAS_AT(q, Qualifier, value).str)
			return AAS_AT(q, Qualifier, value).str;
	for (const struct aas_node *s = AAS_AT(element, Capability, embeddedDataSpecifications).node; s; s = s->next) {
		const struct aas_node *c = AAS_AT(s, EmbeddedDataSpecification, dataSpecificationContent).node;
		if (c && aas_is(c, AAS_DataSpecificationIec61360) && AAS_AT(c, DataSpecificationIec61360, unit).str)
			return AAS_AT(c, DataSpecificationIec61360, unit).str;
	}
	return NULL;
}

/* -- the one text that stands for the value of an element ------------------------------------------------------------------------ */
static const char *last_key(const struct aas_node *reference)
{
	const struct aas_node *k = reference ? AAS_AT(reference, Reference, keys).node : NULL;
	while (k && k->next)
		k = k->next;
	return k ? AAS_AT(k, Key, value).str : NULL;
}

static const char *text_property(struct arena *a, const struct aas_node *n)
{
	(void)a;
	return AAS_AT(n, Property, value).str;
}

static const char *text_range(struct arena *a, const struct aas_node *n)
{
	const char *min = AAS_AT(n, Range, min).str, *max = AAS_AT(n, Range, max).str;
	return min || max ? arena_printf(a, "%s..%s", min ? min : "", max ? max : "") : NULL;
}

static const char *text_langs(struct arena *a, const struct aas_node *n)
{
	(void)a;
	const struct aas_node *first = AAS_AT(n, MultiLanguageProperty, value).node;
	for (const struct aas_node *l = first; l; l = l->next)
		if (!strncasecmp(AAS_AT(l, LangStringTextType, language).str, "en", 2))
			return AAS_AT(l, LangStringTextType, text).str;
	return first ? AAS_AT(first, LangStringTextType, text).str : NULL;
}

static const char *text_file(struct arena *a, const struct aas_node *n)
{
	(void)a;
	return AAS_AT(n, File, value).str;
}

static const char *text_reference(struct arena *a, const struct aas_node *n)
{
	(void)a;
	return last_key(AAS_AT(n, ReferenceElement, value).node);
}

static const char *text_relationship(struct arena *a, const struct aas_node *n)
{
	const char *first = last_key(AAS_AT(n, RelationshipElement, first).node), *second = last_key(AAS_AT(n, RelationshipElement, second).node);
	return first || second ? arena_printf(a, "%s -> %s", first ? first : "", second ? second : "") : NULL;
}

static const char *text_entity(struct arena *a, const struct aas_node *n)
{
	(void)a;
	return AAS_AT(n, Entity, globalAssetId).str;
}

static const char *text_event(struct arena *a, const struct aas_node *n)
{
	(void)a;
	return last_key(AAS_AT(n, BasicEventElement, observed).node);
}

static const struct {
	const char *(*text)(struct arena *, const struct aas_node *);
} values[AAS_N_CLASSES] = {
	[AAS_Property] = { text_property },
	[AAS_Range] = { text_range },
	[AAS_MultiLanguageProperty] = { text_langs },
	[AAS_File] = { text_file },
	[AAS_ReferenceElement] = { text_reference },
	[AAS_RelationshipElement] = { text_relationship },
	[AAS_AnnotatedRelationshipElement] = { text_relationship },
	[AAS_Entity] = { text_entity },
	[AAS_BasicEventElement] = { text_event },
};

/* -- walking ------------------------------------------------------------------------------------------------------------------------- */
struct walk {
	struct arena *arena;
	struct buf path, rows;
	uint32_t position;
};

static void type_property(struct aas_row *r, const struct aas_node *n)
{
	struct aas_typed t;
	const struct aas_xsd_type *x = aas_xsd_of(AAS_AT(n, Property, valueType).ord);
	r->value_type = x->name;
	r->group = x->group;
	aas_typed_read(r->value, &t);
	if (r->group == AAS_XSD_NUMBER)
		r->typed.num = t.num;
	else if (r->group == AAS_XSD_TIME)
		r->typed.ts_us = t.ts_us;
	else if (r->group == AAS_XSD_BOOLEAN)
		r->typed.boolean = t.boolean;
}

static void add(struct walk *w, const struct aas_node *n)
{
	struct aas_row r = { .position = w->position, .cls = n->cls->name, .group = AAS_XSD_TEXT, .typed = { NAN, TIME_NONE, -1 } };
	r.path = arena_strndup(w->arena, w->path.p, w->path.n);
	r.semantic_id = aas_reference_text(w->arena, AAS_SEMANTIC_ID(n));
	r.unit = aas_unit(n);
	if (values[n->cls->id].text)
		r.value = values[n->cls->id].text(w->arena, n);
	if (aas_is(n, AAS_Range))
		r.value_type = aas_xsd_of(AAS_AT(n, Range, valueType).ord)->name;
	if (aas_is(n, AAS_Property))
		type_property(&r, n);
	buf_put(&w->rows, &r, sizeof r);
}

static enum err walk(struct walk *w, const struct aas_node *parent, unsigned depth)
{
	size_t at = w->path.n, index = 0;
	bool list = aas_is(parent, AAS_SubmodelElementList);
	enum err e = ERR_OK;
	if (depth > AAS_PATH_DEPTH)
		return ERR_BAD_REQUEST;
	for (const struct aas_node *n = aas_first_child(parent); n && !e; n = n->next, index++) {
		if (list)
			buf_printf(&w->path, "[%zu]", index);
		else
			buf_printf(&w->path, "%s%s", at ? "." : "", AAS_ID_SHORT(n) ? AAS_ID_SHORT(n) : "");
		const struct aas_node *child = aas_first_child(n);
		bool own_value = aas_is(n, AAS_Entity) || aas_is(n, AAS_AnnotatedRelationshipElement);
		if (w->path.failed || (w->rows.n / sizeof(struct aas_row)) >= INT32_MAX)
			return ERR_NO_MEMORY;
		if (!child || own_value)
			add(w, n);
		w->position++;
		if (child)
			e = walk(w, n, depth + 1);
		w->path.n = at;
	}
	return e;
}

enum err aas_rows(struct arena *a, const struct aas_node *submodel, struct aas_row **out, size_t *n)
{
	struct walk w = { a, BUF_INIT, BUF_INIT, 0 };
	enum err e = walk(&w, submodel, 0);
	*out = NULL;
	*n = w.rows.n / sizeof **out;
	if (!e && (w.rows.failed || arena_failed(a)))
		e = ERR_NO_MEMORY;
	if (!e) {
		if ((*out = arena_alloc(a, w.rows.n + 1)))
			memcpy(*out, w.rows.p ? w.rows.p : "", w.rows.n);
		else
			e = ERR_NO_MEMORY;
	}
	buf_fini(&w.path);
	buf_fini(&w.rows);
	return e;
}
