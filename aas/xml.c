/* SPDX-License-Identifier: Apache-2.0
 * AAS XML into nodes: a stack machine that walks the metamodel table as the elements come (IDTA-01001, "Mappings: XML").
 */
#include "aas/xml.h"

#include <stdio.h>

#include "aas/environment.h"
#include "aas/json.h"
#include "aas/lexical.h"
#include "aas/lookup.h"
#include "aas/rules.h"
#include "aas/sax.h"
#include "base/buf.h"

#define NS_XSI "http://www.w3.org/2001/XMLSchema-instance"

/* Where we are: in an element that is an instance, a text, a list of instances, or that wraps one instance of an abstract class. */
enum place { IN_NODE, IN_TEXT, IN_LIST, IN_ONE };

struct frame {
	enum place place;
	bool named;			/* `at` has been pushed */
	const struct aas_prop *prop;	/* not IN_NODE: the attribute */
	struct aas_node *node;		/* the instance, or the one that has the attribute */
	union aas_slot *slot;
	struct aas_node *tail;		/* IN_LIST: the last item */
	size_t n;			/* IN_LIST: items so far */
	bool strayed;			/* a text that does not belong here has been reported */
	struct diag_frame at;
};

/* The parser keeps a name once, so its address stands for it: most elements are found without looking at their letters. */
struct known {
	const char *name;
	uint8_t cls, slot;		/* of class `cls` the attribute; AAS_N_CLASSES: slot is the class */
};
#define KNOWN 128

struct reader {
	struct sax_from from;
	struct arena *a;
	struct diag *d;
	const struct aas_items *items;	/* NULL: the whole tree is wanted */
	unsigned type;			/* of the root */
	const char *ns, *ns_kept;	/* the second is the parser's copy */
	struct aas_node *root;
	struct buf text;
	unsigned depth, nodes;
	bool collect;			/* go on after a fault */
	unsigned faults;
	size_t skip;			/* elements that are open and passed over */
	struct known known[KNOWN];
	struct frame stack[2 * AAS_DEPTH_MAX + 4];
};

__attribute__((cold, noinline, format(printf, 3, 4))) static enum err fault(struct reader *r, const char *rule, const char *fmt, ...)
{
	char text[300];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	r->faults++;
	r->d->line = sax_line(&r->from);
	diag_rule(r->d, ERR_BAD_REQUEST, rule, "%s (line %u)", text, r->d->line);
	r->d->line = 0;
	return ERR_BAD_REQUEST;
}

/* A fault after which the reader stands where it would without. */
static inline enum err go_on(const struct reader *r, enum err e)
{
	return r->collect && e == ERR_BAD_REQUEST ? ERR_OK : e;
}

/* The element that begins is the fault: when all are wanted, go on behind it. */
static enum err pass_over(struct reader *r, enum err e)
{
	e = go_on(r, e);
	r->skip = e ? 0 : 1;
	return e;
}

static enum err no_memory(struct reader *r)
{
	return diag_add(r->d, ERR_NO_MEMORY, "out of memory");
}

static struct frame *push(struct reader *r, enum place place, struct aas_node *node)
{
	struct frame *f = &r->stack[r->depth++];
	*f = (struct frame){ .place = place, .node = node };
	return f;
}

static void pop(struct reader *r)
{
	if (r->stack[--r->depth].named)
		diag_pop(r->d);
}

/* A new instance in `slot` (or at the end of a list); the element that began is it. */
static enum err enter(struct reader *r, const struct aas_class *c, struct aas_node *parent, struct aas_node **place, struct frame **f)
{
	if (r->nodes == AAS_DEPTH_MAX)
		return pass_over(r, fault(r, NULL, "nested deeper than %d levels", AAS_DEPTH_MAX));
	struct aas_node *n = *place ? *place : aas_node_new(r->a, c->id);	/* only the root may be there already */
	if (!n)
		return no_memory(r);
	n->parent = parent;
	*place = n;
	r->nodes++;
	*f = push(r, IN_NODE, n);
	return ERR_OK;
}

static enum err start_root(struct reader *r, const char *ns, const char *name)
{
	static const enum aas_version versions[] = { AAS_V3_1, AAS_V3_0 };
	const struct aas_class *c = aas_class_by_xml(name, strlen(name)), *sole = aas_class_sole(r->type);
	struct frame *f;
	for (size_t i = 0; i < sizeof versions / sizeof *versions; i++)
		if (str_eq(ns, aas_xml_namespace(versions[i])))
			r->ns = aas_xml_namespace(versions[i]);
	r->ns_kept = ns;
	if (!r->ns)
		return fault(r, NULL, "the namespace \"%.100s\" is not that of AAS V3.0 or V3.1", ns);
	if (sole && c != sole)
		return fault(r, NULL, "the element \"%s\" is expected, not \"%.80s\"", sole->xml, name);
	if (!c || !aas_class_fits(c, r->type))
		return fault(r, NULL, "the element \"%.80s\" is no %s", name, aas_type_name(r->type));
	return enter(r, c, NULL, &r->root, &f);
}

static inline int find_attribute(struct reader *r, const struct aas_class *c, const char *name)
{
	struct known *k = &r->known[((uintptr_t)name >> 2 ^ (uintptr_t)name >> 9 ^ c->id * 7u) % KNOWN];
	if (k->name == name && k->cls == c->id)
		return k->slot;
	int i = aas_prop_find(c, name, strlen(name));
	if (i >= 0)
		*k = (struct known){ name, c->id, (uint8_t)i };
	return i;
}

static enum err start_attribute(struct reader *r, struct frame *top, const char *name)
{
	static const enum place places[] = { IN_TEXT, IN_TEXT, IN_TEXT, IN_TEXT, IN_ONE, IN_LIST };
	struct aas_node *n = top->node;
	int i = find_attribute(r, n->cls, name);
	if (i < 0)
		return pass_over(r, fault(r, NULL, "a %s has no element \"%.80s\"", n->cls->name, name));
	const struct aas_prop *p = &n->cls->props[i];
	const struct aas_class *sole = p->kind == AAS_NODE ? aas_class_sole(p->type) : NULL;
	struct frame *f = NULL;
	if (n->slot[i].ord)
		return pass_over(r, fault(r, NULL, "the element \"%s\" is given twice", p->name));
	if (sole) {
		enum err e = enter(r, sole, n, &n->slot[i].node, &f);
		if (e || r->skip)
			return e;
	} else {
		f = push(r, places[p->kind], n);
	}
	f->prop = p;
	f->slot = &n->slot[i];
	f->named = true;
	diag_push(r->d, &f->at, p->name);
	buf_reset(&r->text);
	return ERR_OK;
}

static inline const struct aas_class *find_class(struct reader *r, const char *name)
{
	struct known *k = &r->known[((uintptr_t)name >> 2 ^ (uintptr_t)name >> 9) % KNOWN];
	if (k->name == name && k->cls == AAS_N_CLASSES)
		return &aas_classes[k->slot];
	const struct aas_class *c = aas_class_by_xml(name, strlen(name));
	if (c)
		*k = (struct known){ name, AAS_N_CLASSES, c->id };
	return c;
}

static enum err start_instance(struct reader *r, struct frame *top, const char *name)
{
	const struct aas_class *c = find_class(r, name);
	struct frame *f;
	enum err e;
	if (!c || !aas_class_fits(c, top->prop->type))
		return pass_over(r, fault(r, NULL, "the element \"%.80s\" is no %s", name, aas_type_name(top->prop->type)));
	if (top->place == IN_ONE) {
		if (top->slot->ord)
			return pass_over(r, fault(r, NULL, "only one %s is allowed", aas_type_name(top->prop->type)));
		return enter(r, c, top->node, &top->slot->node, &f);
	}
	if (!top->tail)
		top->slot->node = NULL;		/* it may hold the mark of hand_over */
	if ((e = enter(r, c, top->node, top->tail ? &top->tail->next : &top->slot->node, &f)) || r->skip)
		return e;
	top->tail = f->node;
	f->named = true;
	diag_push_index(r->d, &f->at, top->n++);
	return ERR_OK;
}

static enum err on_start(void *ctx, const char *ns, const char *name, const struct sax_attr *attr, unsigned n)
{
	struct reader *r = ctx;
	struct frame *top = r->depth ? &r->stack[r->depth - 1] : NULL;
	enum err e = ERR_OK;
	if (r->skip) {
		r->skip++;
		return ERR_OK;
	}
	for (unsigned i = 0; i < n && !e; i++)
		if (top || !str_eq(attr[i].ns, NS_XSI))
			e = go_on(r, fault(r, NULL, "the element \"%.80s\" has an attribute \"%.80s\"", name, attr[i].name));
	if (e)
		return e;
	if (!top)
		return start_root(r, ns, name);
	if (ns != r->ns_kept && !str_eq(ns, r->ns))
		return pass_over(r, fault(r, NULL, "the element \"%.80s\" is in the foreign namespace \"%.100s\"", name, ns));
	if (r->depth == sizeof r->stack / sizeof *r->stack)
		return pass_over(r, fault(r, NULL, "nested too deeply"));
	switch (top->place) {
	case IN_NODE:
		return start_attribute(r, top, name);
	case IN_TEXT:
		return pass_over(r, fault(r, NULL, "text is expected, not the element \"%.80s\"", name));
	default:
		return start_instance(r, top, name);
	}
}

/* ---- texts ---------------------------------------------------------------------------- */

/* Line breaks may stand in base64 here; in the tree the text is without them. */
static void squeeze(struct buf *b)
{
	size_t k = 0;
	for (size_t i = 0; i < b->n; i++)
		if (!strchr(" \t\r\n", b->p[i]))
			b->p[k++] = b->p[i];
	b->n = k;
	if (b->p)
		b->p[k] = 0;
}

/* As the schema has it for xs:boolean. */
static struct slice collapse(struct slice s)
{
	while (s.n && strchr(" \t\r\n", s.p[0]))
		s.p++, s.n--;
	while (s.n && strchr(" \t\r\n", s.p[s.n - 1]))
		s.n--;
	return s;
}

static int brief(size_t n)
{
	return n > 80 ? 80 : (int)n;
}

__attribute__((cold, noinline)) static enum err wrong_string(struct reader *r, const struct aas_prop *p, struct slice s, size_t len)
{
	const struct aas_string_type *t = &aas_strings[p->type];
	const char *rule = aas_rule_of_text(p, s.p, s.n);
	if (!utf8_xml_valid(s.p, s.n))
		return fault(r, rule, "holds characters that are not allowed");
	if (len < t->min)
		return fault(r, rule, "must not be empty");
	if (t->max && len > t->max)
		return fault(r, rule, "has %zu characters, %u are allowed", len, t->max);
	return fault(r, rule, "\"%.*s\" is not a valid %s", brief(s.n), s.p, t->name);
}

static enum err check_string(struct reader *r, const struct aas_prop *p, struct slice s)
{
	const struct aas_string_type *t = &aas_strings[p->type];
	size_t len = t->max && s.n > t->max ? utf8_length(s.p, s.n) : s.n;
	if (utf8_xml_valid(s.p, s.n) && len >= t->min && (!t->max || len <= t->max) && (t->check == aas_lex_any || t->check(s.p, s.n)))
		return ERR_OK;
	return go_on(r, wrong_string(r, p, s, len));
}

static enum err end_text(struct reader *r, struct frame *f)
{
	const struct aas_prop *p = f->prop;
	struct slice t = buf_view(&r->text);
	enum err e = ERR_OK;
	int i;
	switch (p->kind) {
	case AAS_BOOL:
		t = collapse(t);
		f->slot->ord = slice_is(t, "true") || slice_is(t, "1") ? 2 : slice_is(t, "false") || slice_is(t, "0") ? 1 : 0;
		return f->slot->ord ? ERR_OK : go_on(r, fault(r, NULL, "true or false is expected"));
	case AAS_ENUM:
		if ((i = aas_enum_find(p->type, t.p, t.n)) < 0)
			return go_on(r, fault(r, aas_rule_of(p, AAS_RULE_LITERAL), "\"%.*s\" is no literal of %s", brief(t.n), t.p,
					      aas_enums[p->type].name));
		f->slot->ord = 1 + (uintptr_t)i;
		return ERR_OK;
	case AAS_B64:
		squeeze(&r->text);
		t = buf_view(&r->text);
		e = aas_lex_base64(t.p, t.n) ? ERR_OK : go_on(r, fault(r, NULL, "is not base64 with its padding"));
		break;
	default:
		e = check_string(r, p, t);
	}
	if (e)
		return e;
	f->slot->str = arena_strndup(r->a, t.p, t.n);
	return f->slot->str ? ERR_OK : no_memory(r);
}

/* ---- ends ----------------------------------------------------------------------------- */

/* What only the whole instance tells: required attributes, and values in the form of their valueType. */
static enum err check_whole(struct reader *r, const struct aas_node *n)
{
	const struct aas_class_index *x = &aas_class_index[n->cls->id];
	struct diag_frame f;
	enum err e = ERR_OK;
	for (uint32_t left = x->required; left && !e; left &= left - 1)
		if (!n->slot[__builtin_ctz(left)].ord)
			e = go_on(r, fault(r, aas_rule_of_class(n->cls, AAS_RULE_REQUIRED), "%s is required",
					   n->cls->props[__builtin_ctz(left)].name));
	for (uint32_t left = x->values; left && !e; left &= left - 1) {
		const struct aas_prop *p = &n->cls->props[__builtin_ctz(left)];
		const char *s = n->slot[__builtin_ctz(left)].str;
		uintptr_t type = n->slot[x->value_type].ord;
		if (!s || !type || aas_xsd_ok(type, s, strlen(s)))
			continue;
		diag_push(r->d, &f, p->name);
		e = go_on(r, fault(r, aas_rule_of(p, AAS_RULE_VALUE), "\"%.*s\" is not a value of %s", brief(strlen(s)), s,
				   aas_xsd_of(type)->name));
		diag_pop(r->d);
	}
	return e;
}

/* An identifiable is whole: hand it over and forget it.  Its list, the frame below, only remembers that there was one. */
static enum err hand_over(struct reader *r, struct frame *f)
{
	struct frame *list = f - 1;
	f->node->parent = NULL;
	enum err e = r->items->item(r->items->ctx, r->a, f->node, r->d);
	list->slot->ord = 1;
	list->tail = NULL;
	arena_reset(r->a);
	return e;
}

static enum err on_end(void *ctx)
{
	struct reader *r = ctx;
	struct frame *f = &r->stack[r->depth - 1];
	enum err e = ERR_OK;
	if (r->skip) {
		r->skip--;
		return ERR_OK;
	}
	if (f->place == IN_TEXT) {
		e = end_text(r, f);
	} else if (f->place == IN_NODE) {
		r->nodes--;
		e = check_whole(r, f->node);
		if (!e && r->items && r->depth == 3)
			e = hand_over(r, f);
	} else if (!f->slot->ord) {
		e = go_on(r, f->place == IN_LIST ? fault(r, aas_rule_of(f->prop, AAS_RULE_LIST), "must not be empty, leave it out") :
						   fault(r, NULL, "a %s is expected", aas_type_name(f->prop->type)));
	}
	if (!e)
		pop(r);
	return e;
}

static enum err on_text(void *ctx, const char *p, size_t n)
{
	struct reader *r = ctx;
	struct frame *f = &r->stack[r->depth - 1];
	if (r->skip || f->strayed)
		return ERR_OK;
	if (f->place == IN_TEXT) {
		buf_put(&r->text, p, n);
		return r->text.failed ? no_memory(r) : ERR_OK;
	}
	for (size_t i = 0; i < n; i++)
		if (p[i] != ' ' && p[i] != '\n' && p[i] != '\t' && p[i] != '\r') {
			f->strayed = true;
			return go_on(r, fault(r, NULL, "unexpected text \"%.*s\"", (int)(n - i < 40 ? n - i : 40), p + i));
		}
	return ERR_OK;
}

static const struct sax_ops reader_ops = { on_start, on_end, on_text };

/* ---- entry ----------------------------------------------------------------------------- */

/* UTF-8 with or without its mark, or UTF-16, which JSON cannot be. */
bool aas_xml_is(const char *p, size_t n)
{
	size_t i = n >= 3 && !memcmp(p, "\xEF\xBB\xBF", 3) ? 3 : 0;
	while (i < n && (p[i] == ' ' || p[i] == '\t' || p[i] == '\r' || p[i] == '\n'))
		i++;
	return i < n && (p[i] == '<' || p[i] == '\xFF' || p[i] == '\xFE');
}

static enum err read_from(struct reader *r, struct source source, size_t limit)
{
	struct diag own = DIAG_INIT;
	r->d = r->d ? r->d : &own;
	struct diag_frame *top = r->d->top;
	r->from = (struct sax_from){ &reader_ops, r, NULL };
	buf_init(&r->text, limit);
	enum err e = sax_parse_from(source, &r->from, r->d);
	r->d->top = top;	/* a fault leaves the frames of the elements it is in */
	buf_fini(&r->text);
	diag_fini(&own);
	return e;
}

static enum err read_text(struct arena *a, unsigned type, const char *text, size_t n, bool collect, struct aas_node **out, struct diag *d)
{
	struct slice rest = { text, n };
	struct reader r = { .a = a, .d = d, .type = type, .collect = collect };
	enum err e = read_from(&r, source_slice(&rest), 2 * n + 64);	/* as UTF-8 */
	if (!e && r.faults)
		e = ERR_BAD_REQUEST;
	*out = e && (!collect || e != ERR_BAD_REQUEST) ? NULL : r.root;
	return e;
}

enum err aas_xml_read_as(struct arena *a, unsigned type, const char *text, size_t n, struct aas_node **out, struct diag *d)
{
	return read_text(a, type, text, n, false, out, d);
}

enum err aas_xml_collect(struct arena *a, unsigned type, const char *text, size_t n, struct aas_node **out, struct diag *d)
{
	return read_text(a, type, text, n, true, out, d);
}

enum err aas_xml_read(struct arena *a, const char *text, size_t n, struct aas_node **environment, struct diag *d)
{
	return aas_xml_read_as(a, AAS_Environment, text, n, environment, d);
}

/* The Environment itself must outlive the arena of the items. */
enum err aas_xml_read_items(struct source source, const struct aas_items *items, struct diag *d)
{
	size_t max = items->item_max ? items->item_max : AAS_ITEM_MAX_DEFAULT;
	struct arena *a = arena_new(max), *top = arena_new(0);
	struct reader r = { .a = a, .d = d, .items = items, .type = AAS_Environment };
	enum err e = a && top && (r.root = aas_node_new(top, AAS_Environment)) ? ERR_OK : diag_add(d, ERR_NO_MEMORY, "out of memory");
	if (!e)
		e = read_from(&r, source, max);
	arena_free(a);
	arena_free(top);
	return e;
}
