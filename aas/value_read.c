/* SPDX-License-Identifier: Apache-2.0
 * value_read.c - PATCH $value: value-only JSON into an existing tree, all or nothing (spec: IDTA-01002, "ValueOnly-Serialization").
 *
 * One pass checks the input against the tree and writes down what is to be changed; only when all of it is accepted are the slots
 * set.  The tree decides how a value is read (a File and a Blob look alike), so the tokenizer is asked for what must come.
 */
#include "aas/view.h"

#include <stdlib.h>
#include <strings.h>

#include "aas/json.h"
#include "aas/jsonlex.h"
#include "aas/lexical.h"
#include "aas/tree.h"

#define LANGUAGES_MAX 1024
#define DIGITS_MAX 400		/* of an integer written with an exponent */

struct edit {
	struct edit *next;
	struct aas_node *leaf;
	union aas_slot *slot, value;
	bool first;		/* of its leaf */
};

struct reader {
	struct jl j;		/* its arena is scratch */
	struct arena *a;	/* of the tree */
	struct diag *d;
	struct edit *head, **tail;
};

/* A child that may be named by the input, and whether it has been. */
struct kid {
	struct aas_node *node;
	bool seen;
};

struct kids {
	struct kid *v;
	size_t n, at;
	bool sorted;
};

static enum err read_value(struct reader *, struct aas_node *);

/* What the tokenizer stopped at, or a message of ours when it did not. */
static enum err fault(struct reader *r, const char *what)
{
	const char *why = r->j.bad ? r->j.bad : what;
	return diag_add(r->d, arena_failed(r->j.a) || arena_failed(r->a) ? ERR_NO_MEMORY : ERR_BAD_REQUEST, "%s", why);
}

static enum err ended(struct reader *r)
{
	return r->j.bad ? fault(r, "") : ERR_OK;
}

static enum err edit(struct reader *r, struct aas_node *leaf, union aas_slot *slot, union aas_slot value, bool *again)
{
	struct edit *e = ARENA_NEW(r->j.a, struct edit);
	if (!e)
		return fault(r, "out of memory");
	*e = (struct edit){ NULL, leaf, slot, value, !*again };
	*again = true;
	*r->tail = e;
	r->tail = &e->next;
	return ERR_OK;
}

static enum err edit_text(struct reader *r, struct aas_node *leaf, union aas_slot *slot, struct slice text, bool *again)
{
	union aas_slot v = { .str = arena_strndup(r->a, text.p, text.n) };
	return v.str ? edit(r, leaf, slot, v, again) : fault(r, "out of memory");
}

/* -- xs: values --------------------------------------------------------------------------------------------------------------- */

/* 1.50e1 as "15": plain digits of an integral number; false when it is not integral or too long. */
static bool integral(struct slice t, char out[DIGITS_MAX + 2], struct slice *plain)
{
	size_t i = 0, k = 0, neg = t.p[0] == '-';
	long shift = 0, exp = 0, sign = 1;
	bool point = false;
	for (i = neg; i < t.n && t.p[i] != 'e' && t.p[i] != 'E'; i++) {
		if (t.p[i] == '.') {
			point = true;
			continue;
		}
		shift -= point;
		if (k || t.p[i] != '0') {
			if (k == DIGITS_MAX)
				return false;
			out[1 + k++] = t.p[i];
		}
	}
	for (i++; i < t.n; i++) {
		if (t.p[i] == '-')
			sign = -1;
		else if (t.p[i] != '+' && exp < 100000)
			exp = exp * 10 + (t.p[i] - '0');
	}
	for (shift += sign * exp; k && shift < 0 && out[k] == '0'; shift++)
		k--;
	for (; k && shift > 0 && k < DIGITS_MAX; shift--)
		out[1 + k++] = '0';
	if (k && shift)
		return false;
	if (!k)
		out[1 + k++] = '0';
	out[0] = '-';
	*plain = neg ? (struct slice){ out, k + 1 } : (struct slice){ out + 1, k };
	return true;
}

static enum err mismatch(struct reader *r, const struct aas_xsd_type *x)
{
	static const char *const want[] = { "a string", "a number", "true or false", "a string" };
	return diag_add(r->d, ERR_BAD_REQUEST, "%s is expected for %s", want[x->group], x->name);
}

static enum err read_typed(struct reader *r, struct aas_node *n, uintptr_t value_type, union aas_slot *slot, bool *again)
{
	const struct aas_xsd_type *x = aas_xsd_of(value_type);
	char c = jl_peek(&r->j), digits[DIGITS_MAX + 2];
	struct slice t;
	bool b;
	if (c == '"') {		/* also of numbers and truth values: widespread clients send every value as a text */
		if (!jl_string(&r->j, &t))
			return fault(r, "");
		if ((x->group == AAS_XSD_NUMBER || x->group == AAS_XSD_BOOLEAN) && !aas_xsd_ok(value_type, t.p, t.n))
			return mismatch(r, x);
	} else if (x->group == AAS_XSD_BOOLEAN) {
		if (c != 't' && c != 'f')
			return mismatch(r, x);
		if (!jl_bool(&r->j, &b))
			return fault(r, "");
		t = b ? SLICE("true") : SLICE("false");
	} else {
		if (x->group != AAS_XSD_NUMBER || (c != '-' && (c < '0' || c > '9')))
			return mismatch(r, x);
		if (!jl_number(&r->j, &t))
			return fault(r, "");
		if (x->integer && (memchr(t.p, '.', t.n) || memchr(t.p, 'e', t.n) || memchr(t.p, 'E', t.n)) && !integral(t, digits, &t))
			return diag_add(r->d, ERR_BAD_REQUEST, "%.*s is not a value of %s", (int)(t.n < 80 ? t.n : 80), t.p, x->name);
	}
	if (!aas_xsd_ok(value_type, t.p, t.n) || !utf8_xml_valid(t.p, t.n))
		return diag_add(r->d, ERR_BAD_REQUEST, "\"%.*s\" is not a value of %s", (int)(t.n < 80 ? t.n : 80), t.p, x->name);
	return edit_text(r, n, slot, t, again);
}

/* -- MultiLanguageProperty ------------------------------------------------------------------------------------------------------ */

struct languages {
	union aas_slot head;
	struct aas_node **tail;
	unsigned n;
};

static enum err read_language(struct reader *r, struct aas_node *n, struct slice language, struct languages *l)
{
	struct diag_frame f;
	struct slice text;
	enum err e = ERR_BAD_REQUEST;
	diag_push(r->d, &f, language.p);
	for (struct aas_node *t = l->head.node; t; t = t->next)
		if (!strcasecmp(AAS_AT(t, LangStringTextType, language).str, language.p)) {
			e = diag_add(r->d, e, "the language is given twice");
			goto out;
		}
	if (!aas_string_ok(AAS_STR_Language, language.p, language.n) || ++l->n > LANGUAGES_MAX) {
		e = diag_add(r->d, e, "a language tag is expected (BCP 47)");
	} else if (!jl_string(&r->j, &text)) {
		e = fault(r, "");
	} else if (!aas_string_ok(AAS_STR_Text1023, text.p, text.n)) {
		e = diag_add(r->d, e, "the text must have 1 to %u characters", aas_strings[AAS_STR_Text1023].max);
	} else {
		struct aas_node *t = aas_node_new(r->a, AAS_LangStringTextType);
		if (t) {
			AAS_AT(t, LangStringTextType, language).str = arena_strndup(r->a, language.p, language.n);
			AAS_AT(t, LangStringTextType, text).str = arena_strndup(r->a, text.p, text.n);
			t->parent = n;
			*l->tail = t;
			l->tail = &t->next;
		}
		e = arena_failed(r->a) ? fault(r, "out of memory") : aas_check_depth(n, t, r->d);
	}
out:
	diag_pop(r->d);
	return e;
}

static enum err read_language_object(struct reader *r, struct aas_node *n, struct languages *l)
{
	enum err e = ERR_OK;
	struct slice name;
	if (!jl_open(&r->j, '{'))
		return fault(r, "");
	for (bool first = true; !e && jl_member(&r->j, &first, &name); )
		e = read_language(r, n, name, l);
	return e ? e : ended(r);
}

static enum err read_languages(struct reader *r, struct aas_node *n, union aas_slot *slot)
{
	struct languages l = { { 0 }, &l.head.node, 0 };
	enum err e = ERR_OK;
	bool again = false;
	if (jl_peek(&r->j) == '{') {
		e = read_language_object(r, n, &l);
	} else if (!jl_open(&r->j, '[')) {
		return fault(r, "");
	} else {
		for (bool first = true; !e && jl_item(&r->j, &first); )
			e = read_language_object(r, n, &l);
		if (!e)
			e = ended(r);
	}
	return e ? e : edit(r, n, slot, l.head, &again);
}

/* -- fields -------------------------------------------------------------------------------------------------------------------- */

static enum err read_node(struct reader *r, struct aas_node *n, unsigned type, struct aas_node **out)
{
	struct slice text;
	if (!jl_skip(&r->j, &text))
		return fault(r, "");
	enum err e = aas_json_read(r->a, type, text.p, text.n, AAS_JSON_DEFAULT, out, r->d);
	if (e)
		return e;
	(*out)->parent = n;
	return aas_check_depth(n, *out, r->d);
}

/* {"serialNumber":"4711"}: how SpecificAssetId looked before it took the normal form. */
static bool short_asset_id(struct reader *r, struct aas_node *n, struct aas_node **out)
{
	struct jl start = r->j;
	struct slice name, value;
	bool first = true;
	*out = NULL;
	if (jl_take(&r->j, '{') && jl_member(&r->j, &first, &name) && jl_peek(&r->j) == '"' && jl_string(&r->j, &value) &&
	    jl_take(&r->j, '}') && aas_string_ok(AAS_STR_Label, name.p, name.n) && aas_string_ok(AAS_STR_Identifier, value.p, value.n) &&
	    (*out = aas_node_new(r->a, AAS_SpecificAssetId))) {
		AAS_AT(*out, SpecificAssetId, name).str = arena_strndup(r->a, name.p, name.n);
		AAS_AT(*out, SpecificAssetId, value).str = arena_strndup(r->a, value.p, value.n);
		(*out)->parent = n;
		return true;
	}
	r->j = start;
	return false;
}

static enum err read_asset_ids(struct reader *r, struct aas_node *n, union aas_slot *slot, bool *again)
{
	union aas_slot head = { 0 };
	struct aas_node **tail = &head.node;
	struct diag_frame f;
	enum err e = ERR_OK;
	if (!jl_open(&r->j, '['))
		return fault(r, "");
	diag_push_index(r->d, &f, 0);
	for (bool first = true; !e && jl_item(&r->j, &first); f.index++, tail = e ? tail : &(*tail)->next)
		e = short_asset_id(r, n, tail) ? aas_check_depth(n, *tail, r->d) : read_node(r, n, AAS_SpecificAssetId, tail);
	diag_pop(r->d);
	if (!e && !(e = ended(r)) && arena_failed(r->a))
		e = fault(r, "out of memory");
	return e ? e : edit(r, n, slot, head, again);
}

static int by_id_short(const void *a, const void *b)
{
	const char *x = AAS_ID_SHORT(((const struct kid *)a)->node), *y = AAS_ID_SHORT(((const struct kid *)b)->node);
	return strcmp(x ? x : "", y ? y : "");
}

static bool kids_init(struct kids *k, struct reader *r, const struct aas_node *n)
{
	*k = (struct kids){ NULL, 0, 0, false };
	for (const struct aas_node *c = aas_first_child(n); c; c = c->next)
		k->n++;
	if (!(k->v = ARENA_ARRAY(r->j.a, struct kid, k->n + 1)))
		return false;
	size_t i = 0;
	for (const struct aas_node *c = aas_first_child(n); c; c = c->next)
		k->v[i++].node = (struct aas_node *)c;
	return true;
}

/* Members mostly come in the order of the document, so the next one is tried first; else a binary search. */
static struct kid *kids_find(struct kids *k, struct slice name)
{
	size_t lo = 0, hi = k->n;
	if (!k->sorted && k->at < k->n) {
		const char *id = AAS_ID_SHORT(k->v[k->at].node);
		if (id && str_eq(id, name.p))
			return &k->v[k->at++];
	}
	if (!k->sorted)
		qsort(k->v, k->n, sizeof *k->v, by_id_short);
	k->sorted = true;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const char *id = AAS_ID_SHORT(k->v[mid].node);
		int c = strcmp(id ? id : "", name.p);
		if (!c)
			return &k->v[mid];
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

static enum err read_members(struct reader *r, struct kids *k)
{
	struct slice name;
	enum err e = ERR_OK;
	if (!jl_open(&r->j, '{'))
		return fault(r, "");
	for (bool first = true; !e && jl_member(&r->j, &first, &name); ) {
		struct diag_frame f;
		struct kid *kid = kids_find(k, name);
		diag_push(r->d, &f, name.p);
		if (!kid)
			e = diag_add(r->d, ERR_BAD_REQUEST, "there is no such element");
		else if (kid->seen)
			e = diag_add(r->d, ERR_BAD_REQUEST, "the element is given twice");
		else
			e = read_value(r, kid->node);
		if (kid)
			kid->seen = true;
		diag_pop(r->d);
	}
	return e ? e : ended(r);
}

/* An object by idShort; statements and annotations may also be an array of such objects. */
static enum err read_children(struct reader *r, struct aas_node *n, bool array)
{
	struct kids k;
	enum err e = ERR_OK;
	if (!kids_init(&k, r, n))
		return fault(r, "out of memory");
	if (!array || jl_peek(&r->j) != '[')
		return read_members(r, &k);
	jl_open(&r->j, '[');
	for (bool first = true; !e && jl_item(&r->j, &first); )
		e = read_members(r, &k);
	return e ? e : ended(r);
}

static enum err read_string(struct reader *r, struct aas_node *n, const struct aas_prop *p, union aas_slot *slot, bool *again)
{
	struct slice t;
	if (!jl_string(&r->j, &t))
		return fault(r, "");
	if (p->kind == AAS_ENUM) {
		int i = aas_enum_find(p->type, t.p, t.n);
		if (i >= 0)
			return edit(r, n, slot, (union aas_slot){ .ord = 1 + (uintptr_t)i }, again);
	} else if (p->kind == AAS_B64 ? aas_lex_base64(t.p, t.n) : aas_string_ok(p->type, t.p, t.n)) {
		return edit_text(r, n, slot, t, again);
	}
	return diag_add(r->d, ERR_BAD_REQUEST, "\"%.80s\" is not a value of type %s", t.p,
			p->kind == AAS_ENUM ? aas_enums[p->type].name : p->kind == AAS_B64 ? "base64Binary" : aas_strings[p->type].name);
}

static enum err read_field(struct reader *r, struct aas_node *n, unsigned i, bool *again)
{
	const struct aas_prop *p = &n->cls->props[i];
	union aas_slot *slot = &n->slot[i], v = { 0 };
	if (p->views & AAS_VIEW_C)
		return read_children(r, n, true);
	if (p->kind == AAS_LIST)
		return read_asset_ids(r, n, slot, again);
	if (p->kind == AAS_NODE) {
		enum err e = read_node(r, n, p->type, &v.node);
		return e ? e : edit(r, n, slot, v, again);
	}
	if (aas_is(n, AAS_Range))
		return read_typed(r, n, AAS_AT(n, Range, valueType).ord, slot, again);
	return read_string(r, n, p, slot, again);
}

static enum err read_fields(struct reader *r, struct aas_node *n)
{
	struct slice name;
	uint32_t seen = 0;
	bool again = false;
	enum err e = ERR_OK;
	if (!jl_open(&r->j, '{'))
		return fault(r, "");
	for (bool first = true; !e && jl_member(&r->j, &first, &name); ) {
		int i = aas_prop_find(n->cls, name.p, name.n);
		struct diag_frame f;
		diag_push(r->d, &f, name.p);
		if (i < 0 || !(n->cls->props[i].views & (AAS_VIEW_V | AAS_VIEW_C)))
			e = diag_add(r->d, ERR_BAD_REQUEST, "the value of a %s has no such member", n->cls->name);
		else if (seen & 1u << i)
			e = diag_add(r->d, ERR_BAD_REQUEST, "the member is given twice");
		else
			e = read_field(r, n, (unsigned)i, &again);
		seen |= i < 0 ? 0 : 1u << i;
		diag_pop(r->d);
	}
	return e ? e : ended(r);
}

/* -- elements ------------------------------------------------------------------------------------------------------------------ */

static enum err read_list(struct reader *r, struct aas_node *n)
{
	struct aas_node *c = (struct aas_node *)aas_first_child(n);
	struct diag_frame f;
	enum err e = ERR_OK;
	if (!jl_open(&r->j, '['))
		return fault(r, "");
	diag_push_index(r->d, &f, 0);
	for (bool first = true; !e && jl_item(&r->j, &first); f.index++, c = c ? c->next : NULL) {
		if (!c)
			e = diag_add(r->d, ERR_BAD_REQUEST, "the list has only %zu items", f.index);
		else if (jl_peek(&r->j) == 'n')		/* unchanged */
			e = jl_null(&r->j) ? ERR_OK : fault(r, "");
		else
			e = read_value(r, c);
	}
	diag_pop(r->d);
	return e ? e : ended(r);
}

static enum err read_value(struct reader *r, struct aas_node *n)
{
	union aas_slot v = { 0 };
	bool again = false;
	enum err e;
	switch (n->cls->shape) {
	case AAS_SHAPE_TYPED:
		return read_typed(r, n, AAS_AT(n, Property, valueType).ord, &AAS_AT(n, Property, value), &again);
	case AAS_SHAPE_LANG:
		return read_languages(r, n, &AAS_AT(n, MultiLanguageProperty, value));
	case AAS_SHAPE_NODE:
		e = read_node(r, n, AAS_Reference, &v.node);
		return e ? e : edit(r, n, &AAS_AT(n, ReferenceElement, value), v, &again);
	case AAS_SHAPE_FIELDS:
		return read_fields(r, n);
	case AAS_SHAPE_OBJECT:
		return read_children(r, n, false);
	case AAS_SHAPE_ARRAY:
		return read_list(r, n);
	default:
		return diag_add(r->d, ERR_BAD_REQUEST, "a %s has no value", n->cls->name);
	}
}

enum err aas_value_read(struct arena *a, struct aas_node *n, const char *text, size_t len,
			void (*changed)(void *ctx, struct aas_node *leaf), void *ctx, struct diag *d)
{
	struct diag none = DIAG_INIT;	/* frames are pushed in any case */
	struct reader r = { .a = a, .d = d ? d : &none, .tail = &r.head };
	struct arena *scratch = arena_new(0);
	if (!scratch)
		return diag_add(d, ERR_NO_MEMORY, "out of memory");
	jl_init(&r.j, scratch, text, len);
	enum err e = read_value(&r, n);
	if (!e && !jl_end(&r.j))
		e = fault(&r, "");
	if (!e) {
		for (struct edit *i = r.head; i; i = i->next)
			*i->slot = i->value;
		for (struct edit *i = r.head; changed && i; i = i->next)
			if (i->first)
				changed(ctx, i->leaf);
	}
	arena_free(scratch);
	diag_fini(&none);
	return e;
}
