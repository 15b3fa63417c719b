/* SPDX-License-Identifier: Apache-2.0
 * aasx.c - by relationships, never by names: root -> origin -> specs -> supplementary files (IDTA-01005).
 */
#include "aas/aasx.h"

#include "aas/json.h"
#include "aas/sax.h"
#include "aas/tree.h"
#include "aas/xml.h"
#include "aas/zip.h"
#include "base/map.h"

#define PART_MAX 1024
#define SPECS_MAX 64
#define SUPPL_MAX 4096

enum relation { REL_OTHER, REL_ORIGIN, REL_SPEC, REL_SUPPL, REL_THUMBNAIL };

/* Current names, and the deprecated ones with "www."; both thumbnail spellings occur. */
static const struct { const char *type; enum relation rel; } relations[] = {
	{ "http://admin-shell.io/aasx/relationships/aasx-origin", REL_ORIGIN },
	{ "http://www.admin-shell.io/aasx/relationships/aasx-origin", REL_ORIGIN },
	{ "http://admin-shell.io/aasx/relationships/aas-spec", REL_SPEC },
	{ "http://www.admin-shell.io/aasx/relationships/aas-spec", REL_SPEC },
	{ "http://admin-shell.io/aasx/relationships/aas-suppl", REL_SUPPL },
	{ "http://www.admin-shell.io/aasx/relationships/aas-suppl", REL_SUPPL },
	{ "http://schemas.openxmlformats.org/package/2006/relationships/metadata/thumbnail", REL_THUMBNAIL },
	{ "http://schema.openxmlformats.org/package/2006/relationships/metadata/thumbnail", REL_THUMBNAIL },
};

struct package {
	struct arena *arena;
	struct zip_file *zip;
	struct aasx *out;
	struct map types;		/* extension or "/part" -> content type */
	struct map ids;			/* identifiables that were merged */
	struct map taken;		/* supplementary files that were read */
	size_t n_files;
};

/* -- small XML parts: elements with attributes, no texts ------------------------------------------------------------------------- */

typedef enum err element_fn(void *ctx, const char *element, const struct sax_attr *, unsigned n, struct diag *);

struct elements {
	element_fn *fn;
	void *ctx;
	struct diag *diag;
};

static enum err on_start(void *ctx, const char *ns, const char *name, const struct sax_attr *attr, unsigned n)
{
	struct elements *e = ctx;
	(void)ns;
	return e->fn(e->ctx, name, attr, n, e->diag);
}

static enum err on_end(void *ctx)
{
	(void)ctx;
	return ERR_OK;
}

static enum err on_text(void *ctx, const char *text, size_t n)
{
	(void)ctx, (void)text, (void)n;
	return ERR_OK;
}

static enum err read_elements(struct slice text, element_fn *fn, void *ctx, struct diag *d)
{
	static const struct sax_ops ops = { on_start, on_end, on_text };
	struct elements e = { fn, ctx, d };
	struct sax_from from = { &ops, &e, 0 };
	return sax_parse(text.p, text.n, &from, d);
}

static struct slice attribute(const struct sax_attr *list, unsigned n, const char *name)
{
	for (unsigned i = 0; i < n; i++)
		if (!strcmp(list[i].name, name))
			return list[i].value;
	return (struct slice){ NULL, 0 };
}

bool aasx_is(const void *bytes, size_t n)
{
	return n >= 4 && !memcmp(bytes, "PK\3\4", 4);
}

/* -- content types ------------------------------------------------------------------------------------------------------------ */

static void lower(char *s)
{
	for (; *s; s++)
		if (*s >= 'A' && *s <= 'Z')
			*s = (char)(*s - 'A' + 'a');
}

static enum err on_type(void *ctx, const char *element, const struct sax_attr *attr, unsigned n, struct diag *d)
{
	struct package *p = ctx;
	struct slice key = attribute(attr, n, !strcmp(element, "Override") ? "PartName" : "Extension");
	struct slice type = attribute(attr, n, "ContentType");
	if (!key.p || !type.p)
		return ERR_OK;
	char *k = arena_strndup(p->arena, key.p, key.n), *t = arena_strndup(p->arena, type.p, type.n);
	if (!k || !t)
		return diag_add(d, ERR_NO_MEMORY, "out of memory");
	lower(k);
	return map_put(&p->types, k, strlen(k), t, NULL) ? ERR_OK : diag_add(d, ERR_NO_MEMORY, "out of memory");
}

static const char *type_of(struct package *p, const char *part)
{
	char *k = arena_strdup(p->arena, part);
	if (!k)
		return NULL;
	lower(k);
	const char *t = map_get(&p->types, k, strlen(k)), *dot = strrchr(k, '.');
	if (!t && dot && !strchr(dot, '/'))
		t = map_get(&p->types, dot + 1, strlen(dot + 1));
	return t ? t : "application/octet-stream";
}

/* -- relationships ---------------------------------------------------------------------------------------------------------------- */

struct wanted {
	struct package *package;
	const char *folder;		/* of the source part: "" or "aasx/" */
	enum relation rel;
	const char **part;		/* found, without a leading slash */
	size_t n, max;
};

/* Percent-decode, resolve against the folder, refuse what leaves the package. */
static enum err resolve(struct arena *a, const char *folder, struct slice target, const char **out, struct diag *d)
{
	char path[PART_MAX * 2];
	size_t n = 0;
	if (target.n > PART_MAX || strlen(folder) > PART_MAX)
		return diag_add(d, ERR_BAD_REQUEST, "a relationship's target is too long");
	if (target.n && target.p[0] == '/') {
		target.p++;
		target.n--;
	} else {
		n = strlen(folder);
		memcpy(path, folder, n);
	}
	for (size_t i = 0; i < target.n; i++) {
		static const char hex[] = "0123456789abcdef";
		const char *hi = i + 2 < target.n && target.p[i] == '%' ? strchr(hex, target.p[i + 1] | 0x20) : NULL;
		const char *lo = hi ? strchr(hex, target.p[i + 2] | 0x20) : NULL;
		char c = target.p[i];
		if (lo && *hi && *lo) {
			c = (char)((hi - hex) << 4 | (lo - hex));
			i += 2;
		}
		path[n++] = c;
	}
	path[n] = 0;
	if (strlen(path) != n || strstr(path, "../") || strstr(path, "://") || strchr(path, '\\') || path[0] == '/')
		return diag_add(d, ERR_BAD_REQUEST, "the relationship's target \"%.*s\" is not a part of the package", (int)(target.n > 200 ? 200 : target.n),
				target.p);
	return (*out = arena_strdup(a, path)) ? ERR_OK : diag_add(d, ERR_NO_MEMORY, "out of memory");
}

static enum err on_relationship(void *ctx, const char *element, const struct sax_attr *attr, unsigned n, struct diag *d)
{
	struct wanted *w = ctx;
	struct slice type = attribute(attr, n, "Type"), target = attribute(attr, n, "Target");
	enum relation rel = REL_OTHER;
	if (strcmp(element, "Relationship") || !type.p || !target.p)
		return ERR_OK;
	for (size_t i = 0; i < sizeof relations / sizeof *relations; i++)
		if (slice_is(type, relations[i].type))
			rel = relations[i].rel;
	if (rel != w->rel)
		return ERR_OK;
	if (slice_is(attribute(attr, n, "TargetMode"), "External"))
		return rel == REL_THUMBNAIL ? ERR_OK : diag_add(d, ERR_BAD_REQUEST, "a relationship leads out of the package");
	if (w->n == w->max)
		return diag_add(d, ERR_TOO_LARGE, "more than %zu relationships of one kind", w->max);
	enum err e = resolve(w->package->arena, w->folder, target, &w->part[w->n], d);
	w->n += !e;
	return e;
}

static enum err read_part(struct package *p, const char *name, struct slice *out, struct diag *d)
{
	const struct zip_entry *z = zip_file_find(p->zip, name, strlen(name));
	return z ? zip_file_read(p->zip, z, p->arena, out, d) : diag_add(d, ERR_BAD_REQUEST, "the package has no part \"%s\"", name);
}

/* The targets of all relationships of one kind from `source` ("" is the root). */
static enum err follow(struct package *p, const char *source, enum relation rel, const char **part, size_t max, size_t *n, struct diag *d)
{
	const char *slash = strrchr(source, '/'), *file = slash ? slash + 1 : source;
	int dir = slash ? (int)(slash - source) + 1 : 0;
	char *rels = arena_printf(p->arena, "%.*s_rels/%s.rels", dir, source, file);
	char *folder = arena_strndup(p->arena, source, (size_t)dir);
	struct slice text;
	*n = 0;
	if (!rels || !folder)
		return diag_add(d, ERR_NO_MEMORY, "out of memory");
	if (!zip_file_find(p->zip, rels, strlen(rels)))
		return ERR_OK;
	struct wanted w = { p, folder, rel, part, 0, max };
	struct diag_frame at;
	diag_push(d, &at, rels);
	enum err e = read_part(p, rels, &text, d);
	if (!e)
		e = read_elements(text, on_relationship, &w, d);
	diag_pop(d);
	*n = w.n;
	return e;
}

/* -- parts -------------------------------------------------------------------------------------------------------------------------- */

/* Union by id; the same thing twice (the same data as XML and as JSON) is taken once, two different things with one id are a fault. */
static enum err merge_list(struct package *p, union aas_slot *to, struct aas_node *from, struct diag *d)
{
	struct aas_node **tail = &to->node, *next;
	while (*tail)
		tail = &(*tail)->next;
	for (; from; from = next) {
		char *key = arena_printf(p->arena, "%u %s", from->cls->id, AAS_ID(from));
		next = from->next;
		if (!key)
			return diag_add(d, ERR_NO_MEMORY, "out of memory");
		struct aas_node *same = map_get(&p->ids, key, strlen(key));
		if (same && !aas_equal(same, from))
			return diag_add(d, ERR_BAD_REQUEST, "the package holds two different things with the id \"%s\"", AAS_ID(from));
		if (same)
			continue;
		if (!map_put(&p->ids, key, strlen(key), from, NULL))
			return diag_add(d, ERR_NO_MEMORY, "out of memory");
		*tail = from;
		from->next = NULL;
		from->parent = p->out->environment;
		tail = &from->next;
	}
	return ERR_OK;
}

static enum err read_spec(struct package *p, const char *name, struct diag *d)
{
	struct aas_node *env = NULL, *all = p->out->environment;
	struct slice text;
	enum err e = read_part(p, name, &text, d);
	size_t i = 0;
	if (e)
		return e;
	while (i < text.n && strchr(" \t\r\n", text.p[i]))
		i++;
	e = i < text.n && text.p[i] == '{' ? aas_json_read(p->arena, AAS_Environment, text.p, text.n, AAS_JSON_DEFAULT, &env, d)
					   : aas_xml_read(p->arena, text.p, text.n, &env, d);
	for (unsigned k = 0; !e && k < env->cls->n; k++)
		e = merge_list(p, &all->slot[k], env->slot[k].node, d);
	return e;
}

static enum err take_file(struct package *p, const char *name, struct diag *d)
{
	const struct zip_entry *z = zip_file_find(p->zip, name, strlen(name));
	struct aasx_file *f = ARENA_NEW(p->arena, struct aasx_file);
	if (!z || map_get(&p->taken, z->name, strlen(z->name)))
		return ERR_OK;		/* named but missing: the reference stays, there is no attachment */
	if (!f || !(f->path = arena_printf(p->arena, "/%s", z->name)) || !map_put(&p->taken, z->name, strlen(z->name), f, NULL))
		return diag_add(d, ERR_NO_MEMORY, "out of memory");
	f->content_type = type_of(p, f->path);
	f->next = p->out->files;
	p->out->files = f;
	return zip_file_read(p->zip, z, p->arena, &f->bytes, d);
}

/* File elements name parts too, also where no relationship does. */
static enum err take_named(struct package *p, const struct aas_node *n, struct diag *d)
{
	const char *path = NULL;
	enum err e = ERR_OK;
	if (aas_is(n, AAS_File))
		path = AAS_AT(n, File, value).str;
	else if (aas_is(n, AAS_Resource))
		path = AAS_AT(n, Resource, path).str;
	if (path && !strstr(path, "://")) {
		path += strspn(path, "/");
		e = take_file(p, path, d);
	}
	for (unsigned i = 0; !e && i < n->cls->n; i++) {
		const struct aas_prop *prop = &n->cls->props[i];
		if (prop->kind != AAS_NODE && prop->kind != AAS_LIST)
			continue;
		for (const struct aas_node *c = n->slot[i].node; c && !e; c = prop->kind == AAS_LIST ? c->next : NULL)
			e = take_named(p, c, d);
	}
	return e;
}

static enum err read_specs(struct package *p, const char *origin, struct diag *d)
{
	const char **spec = ARENA_ARRAY(p->arena, const char *, SPECS_MAX), **suppl = ARENA_ARRAY(p->arena, const char *, SUPPL_MAX);
	size_t n = 0, n_suppl = 0;
	if (!spec || !suppl)
		return diag_add(d, ERR_NO_MEMORY, "out of memory");
	enum err e = follow(p, origin, REL_SPEC, spec, SPECS_MAX, &n, d);
	if (!e && !n)
		e = diag_add(d, ERR_BAD_REQUEST, "the package has no aas-spec part");
	for (size_t i = 0; !e && i < n; i++) {
		struct diag_frame at;
		diag_push(d, &at, spec[i]);
		e = read_spec(p, spec[i], d);
		diag_pop(d);
		if (!e)
			e = follow(p, spec[i], REL_SUPPL, suppl, SUPPL_MAX, &n_suppl, d);
		for (size_t k = 0; !e && k < n_suppl; k++)
			e = take_file(p, suppl[k], d);
	}
	return e ? e : take_named(p, p->out->environment, d);
}

static enum err read_package(struct package *p, struct diag *d)
{
	static const char types[] = "[Content_Types].xml";
	const char *part[2];
	struct slice text;
	size_t n;
	enum err e = read_part(p, types, &text, d);
	if (!e)
		e = read_elements(text, on_type, p, d);
	if (!e)
		e = follow(p, "", REL_ORIGIN, part, 2, &n, d);
	if (!e && n != 1)
		e = diag_add(d, ERR_BAD_REQUEST, "the package has %s", n ? "more than one aasx-origin" : "no aasx-origin: it is not an AASX package");
	if (!e)
		e = read_specs(p, part[0], d);
	if (!e)
		e = follow(p, "", REL_THUMBNAIL, part, 2, &n, d);
	if (!e && n) {
		p->out->thumbnail = arena_printf(p->arena, "/%s", part[0]);
		e = take_file(p, part[0], d);
	}
	return e;
}

enum err aasx_read(struct arena *a, const void *bytes, size_t n, struct aasx *out, struct diag *d)
{
	struct package p = { .arena = a, .out = out };
	struct diag own = DIAG_INIT;
	struct diag *use = d ? d : &own;
	*out = (struct aasx){ .environment = aas_node_new(a, AAS_Environment) };
	enum err e = out->environment ? zip_file_open(a, bytes, n, &p.zip, use) : diag_add(use, ERR_NO_MEMORY, "out of memory");
	if (!e)
		e = read_package(&p, use);
	zip_file_close(p.zip);
	map_fini(&p.types);
	map_fini(&p.ids);
	map_fini(&p.taken);
	diag_fini(&own);
	return e;
}
