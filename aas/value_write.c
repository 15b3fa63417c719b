/* SPDX-License-Identifier: Apache-2.0
 * value_write.c - $value straight into a buffer, derived from the class shape and the V and C views of the table.
 */
#include "aas/value.h"

#include "aas/json.h"
#include "aas/lexical.h"

struct writer {
	struct buf *b;
	const struct aas_view *view;
};

/* False: n has no value, and what was written of it has been taken back. */
static bool put_value(struct writer *, const struct aas_node *, unsigned level);

/* The live text of a Range is min and max with one space between. */
static void split_range(struct aas_value_texts *t, const char *live)
{
	const char *space = strchr(live, ' ');
	size_t n = strlen(live);
	if (!space || n >= sizeof t->tmp)
		return;
	memcpy(t->tmp, live, n + 1);
	t->tmp[space - live] = 0;
	t->text[0] = *t->tmp ? t->tmp : NULL;
	t->text[1] = space[1] ? t->tmp + (space - live) + 1 : NULL;
}

void aas_value_texts(struct aas_value_texts *t, const struct aas_node *n, const struct aas_view *v)
{
	const char *live = v->live ? v->live(v->live_ctx, n) : NULL;
	bool range = aas_is(n, AAS_Range);
	t->text[0] = range ? AAS_AT(n, Range, min).str : AAS_AT(n, Property, value).str;
	t->text[1] = range ? AAS_AT(n, Range, max).str : NULL;
	if (live == aas_view_absent)
		t->text[0] = t->text[1] = NULL;
	else if (live && range)
		split_range(t, live);
	else if (live)
		t->text[0] = live;
}

static void rewind_to(struct buf *b, size_t mark)
{
	b->n = mark;
	if (b->p)
		b->p[mark] = 0;
}

static size_t digits(const char *s, size_t i)
{
	while (s[i] >= '0' && s[i] <= '9')
		i++;
	return i;
}

/* An XSD number as a JSON number, by its text alone so that no digit is lost: +5 007 .5 5. become 5 7 0.5 5.0.
 * INF, NaN and whatever is no number are JSON strings. */
static void put_number(struct buf *b, const char *s)
{
	size_t sign = *s == '+' || *s == '-';
	size_t whole = digits(s, sign), frac = s[whole] == '.' ? digits(s, whole + 1) : whole, end = frac, from = sign;
	bool some = whole > sign || frac > whole + 1;
	if (some && (s[frac] == 'e' || s[frac] == 'E')) {
		size_t exp = frac + 1 + (s[frac + 1] == '+' || s[frac + 1] == '-');
		end = digits(s, exp);
		some = end > exp;
	}
	if (!some || s[end]) {
		buf_json(b, s, strlen(s));
		return;
	}
	while (from + 1 < whole && s[from] == '0')
		from++;
	if (*s == '-')
		buf_putc(b, '-');
	if (whole == sign)
		buf_putc(b, '0');
	buf_put(b, s + from, whole - from);
	if (frac > whole) {
		buf_put(b, s + whole, frac - whole);
		if (frac == whole + 1)
			buf_putc(b, '0');
	}
	buf_put(b, s + frac, end - frac);
}

static void put_typed(struct buf *b, union aas_slot value_type, const char *text)
{
	enum aas_xsd_group group = value_type.ord ? aas_xsd_of(value_type.ord)->group : AAS_XSD_TEXT;
	if (group == AAS_XSD_NUMBER)
		put_number(b, text);
	else if (group == AAS_XSD_BOOLEAN && (str_eq(text, "true") || str_eq(text, "1")))
		buf_put(b, "true", 4);
	else if (group == AAS_XSD_BOOLEAN && (str_eq(text, "false") || str_eq(text, "0")))
		buf_put(b, "false", 5);
	else
		buf_json(b, text, strlen(text));
}

static bool put_lang(struct buf *b, const struct aas_node *t)
{
	if (!t)
		return false;
	buf_putc(b, '[');
	for (; t; t = t->next) {
		const char *language = AAS_AT(t, LangStringTextType, language).str, *text = AAS_AT(t, LangStringTextType, text).str;
		buf_putc(b, '{');
		buf_json(b, language, strlen(language));
		buf_putc(b, ':');
		buf_json(b, text, strlen(text));
		buf_put(b, "},", t->next ? 2 : 1);
	}
	buf_putc(b, ']');
	return true;
}

/* { idShort: value, ... }; false when no child has a value. */
static bool put_children(struct writer *w, const struct aas_node *c, unsigned level)
{
	bool some = false;
	buf_putc(w->b, '{');
	for (; c; c = c->next) {
		const char *id = AAS_ID_SHORT(c);
		size_t mark = w->b->n;
		if (!id)
			continue;
		if (some)
			buf_putc(w->b, ',');
		buf_json(w->b, id, strlen(id));
		buf_putc(w->b, ':');
		if (put_value(w, c, level + 1))
			some = true;
		else
			rewind_to(w->b, mark);
	}
	buf_putc(w->b, '}');
	return some;
}

/* Item n of the array is element n: one without a value is null when another follows that has one. */
static bool put_items(struct writer *w, const struct aas_node *c, unsigned level)
{
	buf_putc(w->b, '[');
	size_t first = w->b->n, good = first;
	for (; c; c = c->next) {
		if (w->b->n > first)
			buf_putc(w->b, ',');
		if (put_value(w, c, level + 1)) {
			good = w->b->n;
			continue;
		}
		buf_put(w->b, "null", 4);
	}
	bool some = good > first;
	rewind_to(w->b, good);
	buf_putc(w->b, ']');
	return some;
}

static void put_nodes(struct buf *b, const struct aas_node *n)
{
	buf_putc(b, '[');
	for (; n; n = n->next) {
		aas_json_write(b, n);
		if (n->next)
			buf_putc(b, ',');
	}
	buf_putc(b, ']');
}

static bool put_field(struct writer *w, const struct aas_node *n, unsigned i, unsigned level)
{
	const struct aas_prop *p = &n->cls->props[i];
	union aas_slot s = n->slot[i];
	switch (p->kind) {
	case AAS_STR:
	case AAS_B64:
		buf_json(w->b, s.str, strlen(s.str));
		return true;
	case AAS_ENUM: {
		const char *text = aas_enum_text(p->type, s);
		buf_json(w->b, text, strlen(text));
		return true;
	}
	case AAS_NODE:
		aas_json_write(w->b, s.node);
		return true;
	case AAS_LIST:
		if (p->views & AAS_VIEW_C)
			return put_children(w, s.node, level);	/* put_fields takes it back with the name */
		put_nodes(w->b, s.node);
		return true;
	default:
		buf_puts(w->b, s.ord == 2 ? "true" : "false");
		return true;
	}
}

static bool put_fields(struct writer *w, const struct aas_node *n, unsigned level)
{
	bool some = false;
	buf_putc(w->b, '{');
	for (unsigned i = 0; i < n->cls->n; i++) {
		const struct aas_prop *p = &n->cls->props[i];
		size_t mark = w->b->n;
		if (!n->slot[i].ord || !(p->views & (AAS_VIEW_V | AAS_VIEW_C)) || (p->views & AAS_VIEW_B && !w->view->blobs) ||
		    (p->views & AAS_VIEW_C && w->view->core && level))
			continue;
		if (some)
			buf_putc(w->b, ',');
		buf_put(w->b, p->key, p->name_len + 3u);
		if (put_field(w, n, i, level))
			some = true;
		else
			rewind_to(w->b, mark);
	}
	buf_putc(w->b, '}');
	return some;
}

static bool put_property(struct writer *w, const struct aas_node *n)
{
	struct aas_value_texts t;
	aas_value_texts(&t, n, w->view);
	if (t.text[0])
		put_typed(w->b, AAS_AT(n, Property, valueType), t.text[0]);
	return t.text[0] != NULL;
}

static bool put_range(struct writer *w, const struct aas_node *n)
{
	struct aas_value_texts t;
	aas_value_texts(&t, n, w->view);
	buf_putc(w->b, '{');
	for (int i = 0; i < 2; i++) {
		if (!t.text[i])
			continue;
		buf_puts(w->b, i ? t.text[0] ? ",\"max\":" : "\"max\":" : "\"min\":");
		put_typed(w->b, AAS_AT(n, Range, valueType), t.text[i]);
	}
	buf_putc(w->b, '}');
	return t.text[0] || t.text[1];
}

static bool put_value(struct writer *w, const struct aas_node *n, unsigned level)
{
	size_t mark = w->b->n;
	const struct aas_node *node;
	bool some = true;
	switch (n->cls->shape) {
	case AAS_SHAPE_TYPED:
		return put_property(w, n);
	case AAS_SHAPE_LANG:
		return put_lang(w->b, AAS_AT(n, MultiLanguageProperty, value).node);
	case AAS_SHAPE_NODE:
		if ((node = AAS_AT(n, ReferenceElement, value).node))
			aas_json_write(w->b, node);
		return node != NULL;
	case AAS_SHAPE_FIELDS:
		some = aas_is(n, AAS_Range) ? put_range(w, n) : put_fields(w, n, level);
		break;
	case AAS_SHAPE_OBJECT:
		if (!w->view->core || !level)
			some = put_children(w, aas_first_child(n), level);
		else
			buf_put(w->b, "{}", 2);
		break;
	case AAS_SHAPE_ARRAY:
		if (!w->view->core || !level)
			some = put_items(w, aas_first_child(n), level);
		else
			buf_put(w->b, "[]", 2);
		break;
	default:
		return false;
	}
	if (!some)
		rewind_to(w->b, mark);
	return some;
}

bool aas_value_write(struct buf *b, const struct aas_node *n, const struct aas_view *v)
{
	struct writer w = { b, v };
	return put_value(&w, n, 0);
}
