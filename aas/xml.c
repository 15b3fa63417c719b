/* SPDX-License-Identifier: Apache-2.0
 * AAS XML into nodes: a stack machine that walks the metamodel table as the elements come (IDTA-01001, "Mappings: XML").
 */
#include "aas/xml.h"

#include <stdio.h>

#include "aas/json.h"
#include "aas/sax.h"
#include "aas/tree.h"
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
	struct diag_frame at;
};

struct reader {
	struct sax_from from;
	struct arena *a;
	struct diag *d;
	unsigned type;			/* of the root */
	const char *ns;
	struct aas_node *root;
	struct buf text;
	unsigned depth, nodes;
	struct frame stack[2 * AAS_DEPTH_MAX + 4];
};

static enum err fault(struct reader *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static enum err fault(struct reader *r, const char *fmt, ...)
{
	char text[300];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	return diag_add(r->d, ERR_BAD_REQUEST, "%s (line %u)", text, r->from.line);
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
	if (++r->nodes > AAS_DEPTH_MAX)
		return fault(r, "nested deeper than %d levels", AAS_DEPTH_MAX);
	struct aas_node *n = aas_node_new(r->a, c->id);
	if (!n)
		return no_memory(r);
	n->parent = parent;
	*place = n;
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
	if (!r->ns)
		return fault(r, "the namespace \"%.100s\" is not that of AAS V3.0 or V3.1", ns);
	if (sole && c != sole)
		return fault(r, "the element \"%s\" is expected, not \"%.80s\"", sole->xml, name);
	if (!c || !aas_class_fits(c, r->type))
		return fault(r, "the element \"%.80s\" is no %s", name, aas_type_name(r->type));
	return enter(r, c, NULL, &r->root, &f);
}

static enum err start_attribute(struct reader *r, struct frame *top, const char *name)
{
	static const enum place places[] = { IN_TEXT, IN_TEXT, IN_TEXT, IN_TEXT, IN_ONE, IN_LIST };
	struct aas_node *n = top->node;
	int i = aas_prop_find(n->cls, name, strlen(name));
	if (i < 0)
		return fault(r, "a %s has no element \"%.80s\"", n->cls->name, name);
	const struct aas_prop *p = &n->cls->props[i];
	const struct aas_class *sole = p->kind == AAS_NODE ? aas_class_sole(p->type) : NULL;
	struct frame *f = NULL;
	if (n->slot[i].ord)
		return fault(r, "the element \"%s\" is given twice", p->name);
	if (sole) {
		enum err e = enter(r, sole, n, &n->slot[i].node, &f);
		if (e)
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

static enum err start_instance(struct reader *r, struct frame *top, const char *name)
{
	const struct aas_class *c = aas_class_by_xml(name, strlen(name));
	struct frame *f;
	enum err e;
	if (!c || !aas_class_fits(c, top->prop->type))
		return fault(r, "the element \"%.80s\" is no %s", name, aas_type_name(top->prop->type));
	if (top->place == IN_ONE) {
		if (top->slot->ord)
			return fault(r, "only one %s is allowed", aas_type_name(top->prop->type));
		return enter(r, c, top->node, &top->slot->node, &f);
	}
	if ((e = enter(r, c, top->node, top->tail ? &top->tail->next : &top->slot->node, &f)))
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
	for (unsigned i = 0; i < n; i++)
		if (top || !str_eq(attr[i].ns, NS_XSI))
			return fault(r, "the element \"%.80s\" has an attribute \"%.80s\"", name, attr[i].name);
	if (!top)
		return start_root(r, ns, name);
	if (!str_eq(ns, r->ns))
		return fault(r, "the element \"%.80s\" is in the foreign namespace \"%.100s\"", name, ns);
	if (r->depth == sizeof r->stack / sizeof *r->stack)
		return fault(r, "nested too deeply");
	switch (top->place) {
	case IN_NODE:
		return start_attribute(r, top, name);
	case IN_TEXT:
		return fault(r, "text is expected, not the element \"%.80s\"", name);
	default:
		return start_instance(r, top, name);
	}
}

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

static enum err end_text(struct reader *r, struct frame *f)
{
	struct slice t = buf_view(&r->text);
	int i;
	switch (f->prop->kind) {
	case AAS_BOOL:
		squeeze(&r->text);	/* the schema collapses white space of an xs:boolean */
		t = buf_view(&r->text);
		if (slice_is(t, "true") || slice_is(t, "1"))
			f->slot->ord = 2;
		else if (slice_is(t, "false") || slice_is(t, "0"))
			f->slot->ord = 1;
		else
			return fault(r, "true or false is expected");
		return ERR_OK;
	case AAS_ENUM:
		if ((i = aas_enum_find(f->prop->type, t.p, t.n)) < 0)
			return fault(r, "\"%.*s\" is no literal of %s", (int)(t.n < 80 ? t.n : 80), t.p, aas_enums[f->prop->type].name);
		f->slot->ord = 1 + (uintptr_t)i;
		return ERR_OK;
	case AAS_B64:
		squeeze(&r->text);
		break;
	}
	f->slot->str = arena_strndup(r->a, buf_view(&r->text).p, r->text.n);
	return f->slot->str ? ERR_OK : no_memory(r);
}

static enum err on_end(void *ctx)
{
	struct reader *r = ctx;
	struct frame *f = &r->stack[r->depth - 1];
	enum err e = ERR_OK;
	if (f->place == IN_TEXT)
		e = end_text(r, f);
	else if (f->place == IN_NODE)
		r->nodes--;
	else if (!f->slot->ord)
		e = f->place == IN_LIST ? fault(r, "must not be empty, leave it out") : fault(r, "a %s is expected", aas_type_name(f->prop->type));
	if (!e)
		pop(r);
	return e;
}

static enum err on_text(void *ctx, const char *p, size_t n)
{
	struct reader *r = ctx;
	if (r->stack[r->depth - 1].place == IN_TEXT) {
		buf_put(&r->text, p, n);
		return r->text.failed ? no_memory(r) : ERR_OK;
	}
	for (size_t i = 0; i < n; i++)
		if (!strchr(" \t\r\n", p[i]) || !p[i])
			return fault(r, "unexpected text \"%.*s\"", (int)(n - i < 40 ? n - i : 40), p + i);
	return ERR_OK;
}

static const struct sax_ops reader_ops = { on_start, on_end, on_text };

enum err aas_xml_read_as(struct arena *a, unsigned type, const char *text, size_t n, struct aas_node **out, struct diag *d)
{
	struct diag own = DIAG_INIT;
	struct reader r = { .a = a, .d = d ? d : &own, .type = type };
	struct diag_frame *top = r.d->top;
	r.from = (struct sax_from){ &reader_ops, &r, 0 };
	buf_init(&r.text, 2 * n + 64);	/* as UTF-8 */
	enum err e = sax_parse(text, n, &r.from, r.d);
	r.d->top = top;
	if (!e && !(e = aas_check(r.root, r.d)))
		*out = r.root;
	buf_fini(&r.text);
	diag_fini(&own);
	return e;
}

enum err aas_xml_read(struct arena *a, const char *text, size_t n, struct aas_node **environment, struct diag *d)
{
	return aas_xml_read_as(a, AAS_Environment, text, n, environment, d);
}
