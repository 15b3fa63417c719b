/* SPDX-License-Identifier: Apache-2.0
 * aasx.c - by relationships, never by names: root -> origin -> specs -> supplementary files (IDTA-01005).
 */
#include "aas/aasx.h"

#include <strings.h>

#include "aas/aasx_rel.h"
#include "aas/json.h"
#include "aas/opc.h"
#include "aas/tree.h"
#include "aas/xml.h"

#define SPECS_MAX 64

#define CURRENT "http://admin-shell.io/aasx/relationships/"
#define DEPRECATED "http://www.admin-shell.io/aasx/relationships/"
#define METADATA "package/2006/relationships/metadata/"

const char *const aasx_relations[REL_OTHER][2] = {
	[REL_ORIGIN] = { CURRENT "aasx-origin", DEPRECATED "aasx-origin" },
	[REL_SPEC] = { CURRENT "aas-spec", DEPRECATED "aas-spec" },
	[REL_SUPPL] = { CURRENT "aas-suppl", DEPRECATED "aas-suppl" },
	[REL_THUMBNAIL] = { "http://schemas.openxmlformats.org/" METADATA "thumbnail", "http://schema.openxmlformats.org/" METADATA "thumbnail" },
};

/* An identifiable of the package; `xml`: it came from an XML part. */
struct seen {
	const struct aas_node *node;
	bool xml;
};

struct spec {
	const char *name;
	struct aas_node *env;
	bool xml;
};

struct aasx_reader {
	struct arena *arena;
	struct zip_bytes from;
	struct opc opc;
	struct aasx *out;
	struct aasx_file **tail;
	struct map ids;			/* class and id -> struct seen */
	struct map paths;		/* path as a File names it -> struct aasx_file */
	struct map parts;		/* part name -> struct aasx_file, the first that has its bytes */
	struct spec spec[SPECS_MAX];
	size_t n_specs;
	bool collect, faulty;		/* go on after a fault; there has been one */
	struct aasx_item *item[3];	/* the last of each list */
};

/* After a fault of a spec: when all are wanted, go on with what is beside it. */
static enum err go_on(struct aasx_reader *p, enum err e)
{
	if (!p->collect || e != ERR_BAD_REQUEST)
		return e;
	p->faulty = true;
	return ERR_OK;
}

bool aasx_is(const void *bytes, size_t n)
{
	return n >= 4 && !memcmp(bytes, "PK\3\4", 4);
}

static enum err no_memory(struct diag *d)
{
	return diag_add(d, ERR_NO_MEMORY, "out of memory");
}

static enum aasx_relation relation_of(const struct opc_rel *r)
{
	for (int i = 0; i < REL_OTHER; i++)
		if (str_eq(r->type, aasx_relations[i][0]) || str_eq(r->type, aasx_relations[i][1]))
			return (enum aasx_relation)i;
	return REL_OTHER;
}

/* -- files ------------------------------------------------------------------------------------------------------------------- */

/* One entry per name that the model uses; several names of one part share its bytes. */
static enum err add_file(struct aasx_reader *p, const char *path, const struct zip_entry *z, const char *type, struct diag *d)
{
	size_t n = strlen(z->name);
	struct aasx_file *same = map_get(&p->parts, z->name, n), *f;
	if (map_get(&p->paths, path, strlen(path)))
		return ERR_OK;
	if (!(f = ARENA_NEW(p->arena, struct aasx_file)) || !map_put(&p->paths, path, strlen(path), f, NULL) ||
	    (!same && !map_put(&p->parts, z->name, n, f, NULL)))
		return no_memory(d);
	const char *known = opc_type(&p->opc, z->name);
	f->path = path;
	f->content_type = known && *known ? known : type ? type : "application/octet-stream";
	f->part = z;
	*p->tail = f;
	p->tail = &f->next;
	return ERR_OK;
}

/* File elements and thumbnails name parts too, also where no relationship does; what is named but missing has no attachment. */
static enum err add_named(struct aasx_reader *p, const char *source, const struct aas_node *n, struct diag *d)
{
	const struct zip_entry *z = NULL;
	const char *path = NULL, *type = NULL, *name;
	enum err e = ERR_OK;
	if (aas_is(n, AAS_File)) {
		path = AAS_AT(n, File, value).str;
		type = AAS_AT(n, File, contentType).str;
	} else if (aas_is(n, AAS_Resource)) {
		path = AAS_AT(n, Resource, path).str;
		type = AAS_AT(n, Resource, contentType).str;
	}
	if (path && opc_resolve(&p->opc, source, path, &name, &z) && z)
		e = add_file(p, path, z, type, d);
	for (unsigned i = 0; !e && i < n->cls->n; i++) {
		const struct aas_prop *prop = &n->cls->props[i];
		if (prop->kind != AAS_NODE && prop->kind != AAS_LIST)
			continue;
		for (const struct aas_node *c = n->slot[i].node; c && !e; c = prop->kind == AAS_LIST ? c->next : NULL)
			e = add_named(p, source, c, d);
	}
	return e;
}

/* -- relationships ---------------------------------------------------------------------------------------------------------------- */

/* Part of a relationship that must stay inside the package. */
static enum err target_of(struct aasx_reader *p, const char *source, const struct opc_rel *r, const char **name, const struct zip_entry **z,
			  struct diag *d)
{
	if (r->external || !opc_resolve(&p->opc, source, r->target, name, z))
		return diag_add(d, ERR_BAD_REQUEST, "the relationship target \"%.200s\" leads out of the package", r->target);
	return ERR_OK;
}

/* A supplementary file that no File element has named is known by its part name. */
static enum err add_part(struct aasx_reader *p, const char *source, const struct opc_rel *r, const char **path, struct diag *d)
{
	const struct zip_entry *z;
	const char *name;
	enum err e = target_of(p, source, r, &name, &z, d);
	*path = NULL;
	if (e || !z)
		return e;
	const struct aasx_file *f = map_get(&p->parts, z->name, strlen(z->name));
	*path = f ? f->path : arena_printf(p->arena, "/%s", z->name);
	if (!*path)
		return no_memory(d);
	return f ? ERR_OK : add_file(p, *path, z, NULL, d);
}

static enum err read_supplements(struct aasx_reader *p, const char *source, struct diag *d)
{
	struct opc_rel *r;
	const char *path;
	enum err e = opc_rels(&p->opc, source, &r, d);
	for (; !e && r; r = r->next)
		if (relation_of(r) == REL_SUPPL)
			e = add_part(p, source, r, &path, d);
	return e;
}

/* -- specs -------------------------------------------------------------------------------------------------------------------------- */

/* UTF-16 and whatever else begins strangely is left to the XML reader. */
static bool is_json(struct slice *t)
{
	if (t->n >= 3 && !memcmp(t->p, "\xEF\xBB\xBF", 3))
		*t = (struct slice){ t->p + 3, t->n - 3 };
	size_t i = 0;
	while (i < t->n && (t->p[i] == ' ' || t->p[i] == '\t' || t->p[i] == '\r' || t->p[i] == '\n'))
		i++;
	return i < t->n && t->p[i] == '{';
}

/* Tools disagree on the type of a spec, so anything that may be a text is looked at; but a part that says it is a picture, or that it
 * is encrypted, is none. */
static enum err check_spec_type(struct aasx_reader *p, const struct zip_entry *z, struct diag *d)
{
	static const char *const never[] = {
		"image/", "audio/", "video/", "font/", "model/", "application/pdf", "application/pkcs7-", "application/zip",
	};
	const char *type = opc_type(&p->opc, z->name);
	for (size_t i = 0; type && i < sizeof never / sizeof *never; i++)
		if (!strncasecmp(type, never[i], strlen(never[i])))
			return diag_add(d, ERR_BAD_REQUEST, "an aas-spec part of type \"%.100s\": neither JSON nor XML", type);
	return ERR_OK;
}

static enum err read_spec(struct aasx_reader *p, struct spec *s, const struct zip_entry *z, struct diag *d)
{
	struct arena *scratch = arena_new(0);
	struct slice text;
	if (!scratch)
		return no_memory(d);
	enum err e = check_spec_type(p, z, d);
	if (!e)
		e = zip_file_read(p->opc.zip, z, AASX_SPEC_MAX, scratch, &text, d);
	if (!e) {
		bool all = p->collect;
		s->xml = !is_json(&text);
		e = !s->xml ? aas_json_read(p->arena, AAS_Environment, text.p, text.n, all ? AAS_JSON_COLLECT : AAS_JSON_DEFAULT, &s->env, d) :
		    all ? aas_xml_collect(p->arena, AAS_Environment, text.p, text.n, &s->env, d) :
			  aas_xml_read(p->arena, text.p, text.n, &s->env, d);
	}
	arena_free(scratch);
	return e;
}

static enum err note_item(struct aasx_reader *p, unsigned list, const struct aas_node *n, const struct spec *s, size_t index, struct diag *d)
{
	struct aasx_item *item = ARENA_NEW(p->arena, struct aasx_item);
	if (!item)
		return no_memory(d);
	*item = (struct aasx_item){ n, s->name, index, NULL };
	if (p->item[list])
		p->item[list]->next = item;
	else
		p->out->items[list] = item;
	p->item[list] = item;
	return ERR_OK;
}

/* *keep: it belongs into the environment. */
static enum err merge_one(struct aasx_reader *p, const struct aas_node *n, const struct spec *from, bool *keep, struct diag *d)
{
	const char *id = AAS_ID(n);	/* absent where all faults are collected */
	char *key = arena_printf(p->arena, "%u %s", n->cls->id, id ? id : "");
	struct seen *s = key && id ? map_get(&p->ids, key, strlen(key)) : NULL;
	*keep = !s;
	if (s && s->xml == from->xml && !aas_is(n, AAS_ConceptDescription) && !aas_equal(s->node, n))
		return go_on(p, diag_add(d, ERR_BAD_REQUEST, "the package holds two different things with the id \"%.200s\"", id));
	if (s && s->xml == from->xml && p->collect)
		diag_add(d, ERR_OK, "the id \"%.200s\" is there already: the first counts", id);
	if (s || !id)
		return ERR_OK;
	if (!key || !(s = ARENA_NEW(p->arena, struct seen)) || !map_put(&p->ids, key, strlen(key), s, NULL))
		return no_memory(d);
	*s = (struct seen){ n, from->xml };
	return ERR_OK;
}

/* Union by id.  The same data may be there as JSON and as XML: then the JSON counts.  Two different shells or submodels of one format
 * with one id are a fault; of concept descriptions the first counts, because even published packages repeat ids among them. */
static enum err merge_list(struct aasx_reader *p, unsigned list, const struct spec *s, struct diag *d)
{
	struct aas_node **tail = &p->out->environment->slot[list].node, *next;
	struct diag_frame name, index;
	enum err e = ERR_OK;
	bool keep;
	while (*tail)
		tail = &(*tail)->next;
	diag_push(d, &name, s->env->cls->props[list].name);
	diag_push_index(d, &index, 0);
	for (struct aas_node *from = s->env->slot[list].node; from && !e; from = next, index.index++) {
		next = from->next;
		if ((e = merge_one(p, from, s, &keep, d)) || !keep || (e = note_item(p, list, from, s, index.index, d)))
			continue;
		*tail = from;
		from->next = NULL;
		from->parent = p->out->environment;
		tail = &from->next;
	}
	if (!e) {
		diag_pop(d);
		diag_pop(d);
	}
	return e;
}

static enum err merge_specs(struct aasx_reader *p, bool xml, struct diag *d)
{
	enum err e = ERR_OK;
	for (size_t i = 0; !e && i < p->n_specs; i++) {
		struct spec *s = &p->spec[i];
		struct diag_frame at;
		diag_push_part(d, &at, s->name);
		for (unsigned k = 0; s->xml == xml && !e && k < s->env->cls->n; k++)
			e = merge_list(p, k, s, d);
		if (!e)
			diag_pop(d);
	}
	return e;
}

static enum err add_spec(struct aasx_reader *p, const char *origin, const struct opc_rel *r, struct diag *d)
{
	const struct zip_entry *z;
	struct diag_frame at;
	struct spec s = { 0 };
	enum err e = target_of(p, origin, r, &s.name, &z, d);
	for (size_t i = 0; !e && i < p->n_specs; i++)
		if (str_eq(p->spec[i].name, s.name))
			return ERR_OK;		/* related by the current and by the deprecated type */
	if (!e && !z)
		e = diag_add(d, ERR_BAD_REQUEST, "the package has no part \"%s\"", s.name);
	if (!e && p->n_specs == SPECS_MAX)
		e = diag_add(d, ERR_TOO_LARGE, "the package has more than %d aas-spec parts", SPECS_MAX);
	if (e)
		return e;
	diag_push_part(d, &at, s.name);
	e = go_on(p, read_spec(p, &s, z, d));
	diag_pop(d);
	if (!e && s.env)
		e = add_named(p, s.name, s.env, d);
	if (!e && s.env)
		p->spec[p->n_specs++] = s;
	return e;
}

static enum err read_specs(struct aasx_reader *p, const char *origin, struct diag *d)
{
	struct opc_rel *r;
	enum err e = opc_rels(&p->opc, origin, &r, d);
	for (; !e && r; r = r->next)
		if (relation_of(r) == REL_SPEC)
			e = go_on(p, add_spec(p, origin, r, d));
	if (!e && !p->n_specs && !p->faulty)
		e = diag_add(d, ERR_BAD_REQUEST, "the package has no aas-spec part");
	for (size_t i = 0; !e && i < p->n_specs; i++)
		e = go_on(p, read_supplements(p, p->spec[i].name, d));
	if (!e)
		e = go_on(p, read_supplements(p, origin, d));	/* where some tools put them */
	if (!e)
		e = merge_specs(p, false, d);
	return e ? e : merge_specs(p, true, d);
}

static enum err read_package(struct aasx_reader *p, struct diag *d)
{
	const struct zip_entry *z;
	const char *origin = NULL, *name;
	struct opc_rel *root, *r;
	enum err e = opc_rels(&p->opc, "", &root, d);
	for (r = root; !e && r; r = r->next) {
		if (relation_of(r) != REL_ORIGIN || (e = target_of(p, "", r, &name, &z, d)))
			continue;
		if (origin && !str_eq(origin, name))
			e = diag_add(d, ERR_BAD_REQUEST, "the package has more than one aasx-origin");
		origin = name;
	}
	if (!e && !origin)
		e = diag_add(d, ERR_BAD_REQUEST, "the package has no aasx-origin: it is not an AASX package");
	if (!e)
		e = read_specs(p, origin, d);
	for (r = root; !e && r; r = r->next)
		if (relation_of(r) == REL_THUMBNAIL)
			e = go_on(p, add_part(p, "", r, &p->out->thumbnail, d));
	return !e && p->faulty ? ERR_BAD_REQUEST : e;
}

enum err aasx_open(struct arena *a, const struct zip_bytes *from, struct aasx_reader **r, struct aasx *out, struct diag *d)
{
	struct aasx_reader *p = ARENA_NEW(a, struct aasx_reader);
	struct diag own = DIAG_INIT;
	struct diag *use = d ? d : &own;
	*r = NULL;
	*out = (struct aasx){ .environment = aas_node_new(a, AAS_Environment) };
	if (!p || !out->environment)
		return no_memory(d);
	p->arena = a;
	p->out = out;
	p->tail = &out->files;
	p->from = *from;
	p->collect = use->sink != NULL;
	struct diag_frame *top = use->top;
	enum err e = opc_open(&p->opc, a, &p->from, use);
	if (!e)
		e = read_package(p, use);
	use->top = top;		/* a fault leaves the frames of what it was in */
	map_fini(&p->ids);
	map_fini(&p->paths);
	map_fini(&p->parts);
	diag_fini(&own);
	if (e) {
		opc_close(&p->opc);
	} else {
		*r = p;
		out->archive = p->opc.zip;
	}
	return e;
}

struct zip_file *aasx_archive(struct aasx_reader *r)
{
	return r->opc.zip;
}

void aasx_close(struct aasx_reader *r)
{
	if (r)
		opc_close(&r->opc);
}

/* Files of one part stand beside the first that has its bytes, which is found by the part. */
static enum err hold_files(struct aasx_reader *r, struct aasx *x, struct arena *a, struct diag *d)
{
	struct map held = MAP_INIT;
	size_t left = AASX_HELD_MAX;
	enum err e = ERR_OK;
	for (int pass = 0; pass < 2; pass++, map_fini(&held)) {		/* first the sizes alone */
		for (struct aasx_file *f = x->files; f && !e; f = f->next) {
			struct aasx_file *same = map_get(&held, f->part->name, strlen(f->part->name));
			if (same)
				f->bytes = same->bytes;
			else if (!map_put(&held, f->part->name, strlen(f->part->name), f, NULL))
				e = no_memory(d);
			else if (pass)
				e = zip_file_read(r->opc.zip, f->part, AASX_HELD_MAX, a, &f->bytes, d);
			else if (f->part->size > left)
				e = diag_add(d, ERR_TOO_LARGE, "with \"%.200s\" the package has more than %zu MiB of files, the limit of an import",
					     f->part->name, AASX_HELD_MAX >> 20);
			else
				left -= f->part->size;
		}
	}
	return e;
}

enum err aasx_read(struct arena *a, const void *bytes, size_t n, struct aasx *out, struct diag *d)
{
	struct zip_bytes from = { .p = bytes ? bytes : "", .n = n };
	struct aasx_reader *r;
	enum err e = aasx_open(a, &from, &r, out, d);
	if (!e)
		e = hold_files(r, out, a, d);
	aasx_close(r);
	out->archive = NULL;
	return e;
}
