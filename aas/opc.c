/* SPDX-License-Identifier: Apache-2.0 */
#include "aas/opc.h"

#include "aas/partname.h"
#include "aas/sax.h"

/* -- small XML parts: elements with attributes, no texts ---------------------------------------------------------------------- */

typedef enum err element_fn(struct opc *, void *ctx, const char *element, const struct sax_attr *, unsigned n, struct diag *);

struct elements {
	element_fn *fn;
	struct opc *opc;
	void *ctx;
	struct diag *d;
	const char *root;
	unsigned depth;
};

/* The first one is printed in the specification and was copied. */
static bool is_opc_namespace(const char *ns)
{
	return !strncmp(ns, "http://schema.openxmlformats.org/package/2006/", 46) ||
	       !strncmp(ns, "http://schemas.openxmlformats.org/package/2006/", 47);
}

static enum err on_start(void *ctx, const char *ns, const char *name, const struct sax_attr *attr, unsigned n)
{
	struct elements *e = ctx;
	bool ours = is_opc_namespace(ns);
	if (++e->depth > 8)
		return diag_add(e->d, ERR_BAD_REQUEST, "nested too deeply");
	if (e->depth == 1)
		return ours && str_eq(name, e->root) ? ERR_OK :
		       diag_add(e->d, ERR_BAD_REQUEST, "the root is no %s of the Open Packaging Conventions but \"%.100s\"", e->root, name);
	return ours ? e->fn(e->opc, e->ctx, name, attr, n, e->d) : ERR_OK;
}

static enum err on_end(void *ctx)
{
	((struct elements *)ctx)->depth--;
	return ERR_OK;
}

static enum err on_text(void *ctx, const char *text, size_t n)
{
	(void)ctx, (void)text, (void)n;
	return ERR_OK;
}

/* The time that libxml2 takes for an element grows with the square of its attributes, so none may be long. */
static bool has_long_tag(struct slice s)
{
	for (size_t at = 0, next; at < s.n; at = next) {
		const char *p = memchr(s.p + at, '<', s.n - at);
		next = p ? (size_t)(p - s.p) + 1 : s.n;
		if (next - at > OPC_TAG_MAX)
			return true;
	}
	return false;
}

/* The part is read into memory of its own: nobody needs it afterwards. */
static enum err read_elements(struct opc *o, const char *part, const char *root, element_fn *fn, void *ctx, struct diag *d)
{
	static const struct sax_ops ops = { on_start, on_end, on_text };
	const struct zip_entry *z = zip_file_find(o->zip, part, strlen(part));
	struct elements e = { fn, o, ctx, d, root, 0 };
	struct sax_from from = { &ops, &e, NULL };
	struct slice text;
	struct diag_frame f;
	if (!z)
		return diag_add(d, ERR_BAD_REQUEST, "the package has no part \"%s\"", part);
	struct arena *a = arena_new(0);
	if (!a)
		return diag_add(d, ERR_NO_MEMORY, "out of memory");
	diag_push(d, &f, part);
	enum err err = zip_file_read(o->zip, z, OPC_PART_MAX, a, &text, d);
	if (!err && has_long_tag(text))
		err = diag_add(d, ERR_TOO_LARGE, "an element or a comment of more than %zu KiB", OPC_TAG_MAX >> 10);
	if (!err)
		err = sax_parse(text.p, text.n, &from, d);
	diag_pop(d);
	arena_free(a);
	return err;
}

static struct slice attribute(const struct sax_attr *list, unsigned n, const char *name)
{
	for (unsigned i = 0; i < n; i++)
		if (!*list[i].ns && str_eq(list[i].name, name))
			return list[i].value;
	return (struct slice){ NULL, 0 };
}

/* -- content types ------------------------------------------------------------------------------------------------------------ */

/* A part is found by "/" and its key; an extension by itself, which has no slash.  0: too long to be either. */
static size_t type_key(char out[PART_NAME_MAX + 1], bool part, struct slice name)
{
	size_t skip = name.n && *name.p == (part ? '/' : '.');	/* a slash is often forgotten, a dot often written */
	if (name.n - skip > PART_NAME_MAX)
		return 0;
	out[0] = '/';
	size_t n = part_name_key(out + part, name.p + skip, name.n - skip);
	return n + part;
}

static enum err on_type(struct opc *o, void *ctx, const char *element, const struct sax_attr *attr, unsigned n, struct diag *d)
{
	bool part = str_eq(element, "Override");
	struct slice name = attribute(attr, n, part ? "PartName" : "Extension"), type = attribute(attr, n, "ContentType");
	char key[PART_NAME_MAX + 1];
	void *old = NULL;
	(void)ctx;
	if (!part && !str_eq(element, "Default"))
		return ERR_OK;
	if (!name.p || !type.p)
		return diag_add(d, ERR_BAD_REQUEST, "a %s without %s or ContentType", element, part ? "PartName" : "Extension");
	size_t k = type_key(key, part, name);
	char *t = arena_strndup(o->arena, type.p, type.n);
	if (!k)
		return diag_add(d, ERR_BAD_REQUEST, "\"%.100s\" cannot be the name of a part", name.n ? name.p : "");
	if (!t || !map_put(&o->types, key, k, t, &old))
		return diag_add(d, ERR_NO_MEMORY, "out of memory");
	if (old && !str_eq(old, t))
		return diag_add(d, ERR_BAD_REQUEST, "two content types for \"%.*s\"", (int)(name.n < 100 ? name.n : 100), name.p);
	return ERR_OK;
}

const char *opc_type(struct opc *o, const char *part)
{
	char key[PART_NAME_MAX + 1];
	size_t n = type_key(key, true, slice_of(part)), dot = n;
	const char *t = n ? map_get(&o->types, key, n) : NULL;
	while (!t && dot && key[dot - 1] != '.' && key[dot - 1] != '/')
		dot--;
	return t || !dot || key[dot - 1] != '.' ? t : map_get(&o->types, key + dot, n - dot);
}

enum err opc_open(struct opc *o, struct arena *a, const struct zip_bytes *from, struct diag *d)
{
	*o = (struct opc){ .arena = a };
	enum err e = zip_file_open(a, from, &o->zip, d);
	return e ? e : read_elements(o, "[Content_Types].xml", "Types", on_type, NULL, d);
}

void opc_close(struct opc *o)
{
	zip_file_close(o->zip);
	map_fini(&o->types);
}

/* -- relationships -------------------------------------------------------------------------------------------------------------- */

struct rels {
	struct opc_rel **tail;
	unsigned n;
};

static enum err on_rel(struct opc *o, void *ctx, const char *element, const struct sax_attr *attr, unsigned n, struct diag *d)
{
	struct rels *r = ctx;
	struct slice type = attribute(attr, n, "Type"), target = attribute(attr, n, "Target");
	if (!str_eq(element, "Relationship"))
		return ERR_OK;
	if (!type.p || !target.p)
		return diag_add(d, ERR_BAD_REQUEST, "a Relationship without Type or Target");
	if (++r->n > OPC_RELS_MAX)
		return diag_add(d, ERR_TOO_LARGE, "more than %d relationships", OPC_RELS_MAX);
	struct opc_rel *rel = ARENA_NEW(o->arena, struct opc_rel);
	if (!rel || !(rel->type = arena_strndup(o->arena, type.p, type.n)) || !(rel->target = arena_strndup(o->arena, target.p, target.n)))
		return diag_add(d, ERR_NO_MEMORY, "out of memory");
	rel->external = slice_is(attribute(attr, n, "TargetMode"), "External");
	*r->tail = rel;
	r->tail = &rel->next;
	return ERR_OK;
}

enum err opc_rels(struct opc *o, const char *source, struct opc_rel **head, struct diag *d)
{
	struct rels r = { head, 0 };
	size_t folder = part_name_folder(source);
	char *part = arena_printf(o->arena, "%.*s_rels/%s.rels", (int)folder, source, source + folder);
	*head = NULL;
	if (!part)
		return diag_add(d, ERR_NO_MEMORY, "out of memory");
	return zip_file_find(o->zip, part, strlen(part)) ? read_elements(o, part, "Relationships", on_rel, &r, d) : ERR_OK;
}

/* A fragment belongs to the reference, not to the part; but there are files with such characters in their names. */
bool opc_resolve(struct opc *o, const char *source, const char *reference, const char **name, const struct zip_entry **part)
{
	char path[PART_NAME_MAX + 1], plain[PART_NAME_MAX + 1];
	size_t n = strcspn(reference, "#?");
	if (!part_name_resolve(path, source, reference))
		return false;
	*part = zip_file_find(o->zip, path, strlen(path));
	if (!*part && reference[n] && n <= PART_NAME_MAX) {
		memcpy(plain, reference, n);
		plain[n] = 0;
		if (part_name_resolve(path, source, plain))
			*part = zip_file_find(o->zip, path, strlen(path));
	}
	*name = *part ? (*part)->name : arena_strdup(o->arena, path);
	return *name != NULL;
}
