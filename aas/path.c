/* SPDX-License-Identifier: Apache-2.0 */
#include "aas/path.h"

#include "aas/lexical.h"

/* One step of a path: a name, or an index when name.p is NULL. */
struct step {
	struct slice text;		/* as it is written: "Speed", "[2]" */
	struct slice name;
	size_t index;
};

struct cursor {
	const char *p, *end;
	unsigned depth;
};

static enum err bad(struct diag *d, const char *why, struct slice text)
{
	return diag_add(d, ERR_BAD_REQUEST, "not an idShortPath: %s at \"%.*s\"", why, (int)(text.n < 80 ? text.n : 80), text.p);
}

static enum err step_index(struct cursor *c, struct step *s, struct diag *d)
{
	struct slice rest = { c->p, (size_t)(c->end - c->p) };
	const char *close = memchr(c->p, ']', rest.n);
	if (!close || !str_size(c->p + 1, (size_t)(close - c->p - 1), &s->index))
		return bad(d, "an index is expected", rest);
	s->name = (struct slice){ NULL, 0 };
	s->text = (struct slice){ c->p, (size_t)(close + 1 - c->p) };
	c->p = close + 1;
	return ERR_OK;
}

static enum err step_name(struct cursor *c, struct step *s, struct diag *d)
{
	const char *from = c->p;
	while (c->p < c->end && *c->p != '.' && *c->p != '[')
		c->p++;
	s->name = s->text = (struct slice){ from, (size_t)(c->p - from) };
	if (!s->name.n || s->name.n > aas_strings[AAS_STR_IdShort].max || !aas_lex_idshort(from, s->name.n))
		return bad(d, "an idShort is expected", (struct slice){ from, (size_t)(c->end - from) });
	return ERR_OK;
}

/* The next step of path = idShort *( "." idShort / "[" index "]" ).  `list`: the root is a list, so an index may come first. */
static enum err step_next(struct cursor *c, bool list, struct step *s, struct diag *d)
{
	bool first = !c->depth;
	if (++c->depth > AAS_PATH_DEPTH)
		return diag_add(d, ERR_BAD_REQUEST, "the idShortPath has more than %d steps", AAS_PATH_DEPTH);
	if (c->p < c->end && *c->p == '[' && (!first || list))
		return step_index(c, s, d);
	if (!first) {
		if (*c->p != '.')
			return bad(d, "\".\" or \"[\" is expected", (struct slice){ c->p, (size_t)(c->end - c->p) });
		c->p++;
	}
	return step_name(c, s, d);
}

static struct aas_node *child_at(const struct aas_node *parent, const struct step *s)
{
	struct aas_node *n = (struct aas_node *)aas_first_child(parent);
	bool list = aas_is(parent, AAS_SubmodelElementList);
	if (list != !s->name.p)
		return NULL;
	if (list) {
		for (size_t i = s->index; n && i; i--)
			n = n->next;
		return n;
	}
	for (; n; n = n->next) {
		const char *id = AAS_ID_SHORT(n);
		if (id && !strncmp(id, s->name.p, s->name.n) && !id[s->name.n])
			return n;
	}
	return NULL;
}

static enum err missing(struct diag *d, const char *path, const struct cursor *c)
{
	size_t n = (size_t)(c->p - path);
	return diag_add(d, ERR_NOT_FOUND, "there is no element \"%.*s\"", (int)(n < 400 ? n : 400), path);
}

/* The rest of a path is still checked when a step before it leads nowhere: a text that is no path is the graver fault. */
static enum err check_rest(struct cursor *c, struct diag *d)
{
	struct step s;
	enum err e = ERR_OK;
	while (!e && c->p < c->end)
		e = step_next(c, false, &s, d);
	return e;
}

enum err aas_path_find(const struct aas_node *root, const char *path, size_t n, struct aas_node **out, struct diag *d)
{
	struct cursor c = { path, path + n, 0 };
	struct aas_node *at = (struct aas_node *)root;
	bool list = aas_is(root, AAS_SubmodelElementList);
	do {
		struct step s;
		enum err e = step_next(&c, list, &s, d);
		if (e)
			return e;
		if (!(at = child_at(at, &s))) {
			struct cursor here = c;
			return (e = check_rest(&c, d)) ? e : missing(d, path, &here);
		}
	} while (c.p < c.end);
	*out = at;
	return ERR_OK;
}

enum err aas_path_parent(const struct aas_node *root, const char *path, size_t n, struct aas_node **parent, struct slice *step,
			 struct diag *d)
{
	struct cursor c = { path, path + n, 0 };
	struct aas_node *at = (struct aas_node *)root;
	bool list = aas_is(root, AAS_SubmodelElementList);
	for (;;) {
		struct step s;
		enum err e = step_next(&c, list, &s, d);
		if (e)
			return e;
		if (c.p == c.end) {
			*parent = at;
			*step = s.text;
			return ERR_OK;
		}
		if (!(at = child_at(at, &s))) {
			struct cursor here = c;
			return (e = check_rest(&c, d)) ? e : missing(d, path, &here);
		}
	}
}

static size_t index_in_list(const struct aas_node *n)
{
	size_t i = 0;
	for (const struct aas_node *c = aas_first_child(n->parent); c && c != n; c = c->next)
		i++;
	return i;
}

/* A path begins below its submodel, also when that stands in an environment. */
static bool is_start(const struct aas_node *n)
{
	return !n->parent || aas_is(n, AAS_Submodel);
}

/* Bounded by the depth of the tree; parents come first, so the chain is turned round by recursion. */
void aas_path_write(struct buf *b, const struct aas_node *n)
{
	if (is_start(n))
		return;
	aas_path_write(b, n->parent);
	if (aas_is(n->parent, AAS_SubmodelElementList)) {
		buf_printf(b, "[%zu]", index_in_list(n));
	} else if (aas_is_sme(n) && AAS_ID_SHORT(n)) {
		if (!is_start(n->parent))
			buf_putc(b, '.');
		buf_puts(b, AAS_ID_SHORT(n));
	}
}
