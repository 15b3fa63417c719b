/* SPDX-License-Identifier: Apache-2.0
 * aasx_write.c - the usual layout (IDTA-01005): origin, one spec, its files; everything is named before the first byte is written.
 */
#include "aas/aasx.h"

#include <stdio.h>

#include "aas/aasx_rel.h"
#include "aas/environment.h"
#include "aas/json.h"
#include "aas/lexical.h"
#include "aas/partname.h"
#include "aas/xml.h"
#include "base/map.h"

#define ORIGIN "aasx/aasx-origin"
#define FILES "aasx/files/"
#define OCTETS "application/octet-stream"

static void write_json(struct buf *b, const struct aas_node *environment, enum aas_version version)
{
	(void)version;
	aas_json_write(b, environment);
}

/* How the environment is written; the name is what IDTA-01005 recommends. */
static const struct form {
	const char *spec, *rels, *type;
	void (*write)(struct buf *, const struct aas_node *, enum aas_version);
	enum aas_format text;		/* the same one by one */
} forms[AASX_N_FORMS] = {
	[AASX_JSON] = { "aasx/data.json", "aasx/_rels/data.json.rels", "application/json", write_json, AAS_FORMAT_JSON },
	[AASX_XML] = { "aasx/data.xml", "aasx/_rels/data.xml.rels", "application/xml", aas_xml_write, AAS_FORMAT_XML },
};

struct named {
	const char *name;		/* as the ZIP directory has it */
	const char *type;
	bool is_default;		/* the type of its extension is its type */
};

struct writer {
	struct arena *arena;
	const struct aasx_content *what;
	const struct form *form;
	struct zip_out *zip;
	struct named *file;
	struct map names;		/* key of a part or a folder -> part or folder */
	struct map types;		/* extension -> content type */
	struct map counts;		/* invented last segment -> how often */
	struct map renames;		/* owner and value -> what it becomes */
	struct buf defaults, text;
};

static char part, folder;		/* addresses are what `names` holds */

static enum err no_memory(struct diag *d)
{
	return diag_add(d, ERR_NO_MEMORY, "out of memory");
}

/* -- names --------------------------------------------------------------------------------------------------------------------- */

static bool is_reserved(const char *key, size_t n)
{
	if (n == 19 && !memcmp(key, "[content_types].xml", n))
		return true;
	for (size_t at = 0, m; at < n; at += m + 1) {
		const char *slash = memchr(key + at, '/', n - at);
		m = slash ? (size_t)(slash - key) - at : n - at;
		if (m == 5 && !memcmp(key + at, "_rels", 5))
			return true;
	}
	return false;
}

/* Take the name, unless it is taken, is a folder of others, or lies in what is a part. */
static enum err claim(struct writer *w, const char *name, bool *free)
{
	char key[PART_NAME_MAX];
	size_t n = strlen(name);
	*free = false;
	if (part_name_fault(name, n))
		return ERR_OK;
	n = part_name_key(key, name, n);
	if (is_reserved(key, n) || map_get(&w->names, key, n))
		return ERR_OK;
	for (size_t k = 0; k < n; k++)
		if (key[k] == '/' && map_get(&w->names, key, k) == &part)
			return ERR_OK;
	for (size_t k = 0; k < n; k++)
		if (key[k] == '/' && !map_put(&w->names, key, k, &folder, NULL))
			return ERR_NO_MEMORY;
	*free = true;
	return map_put(&w->names, key, n, &part, NULL) ? ERR_OK : ERR_NO_MEMORY;
}

/* The name that File.value leads to from the spec, in the encoding of URIs; NULL: to none. */
static enum err name_of_value(struct writer *w, const char *value, const char **name)
{
	char plain[PART_NAME_MAX + 1];
	*name = NULL;
	if (!part_name_resolve(plain, w->form->spec, value) || strpbrk(value, "#?"))
		return ERR_OK;
	buf_reset(&w->text);
	part_name_encode(&w->text, plain);
	*name = w->text.failed ? NULL : arena_strndup(w->arena, buf_view(&w->text).p, w->text.n);
	return *name ? ERR_OK : ERR_NO_MEMORY;
}

/* "aasx/files/manual.pdf", "aasx/files/manual-2.pdf", ...; where the counting stopped last time it goes on. */
static enum err invent_name(struct writer *w, const struct aasx_part *p, const char **name)
{
	char text[PART_NAME_MAX];
	bool named = p->file_name && *p->file_name, free = false;
	enum err e = ERR_OK;
	buf_reset(&w->text);
	part_name_segment(&w->text, named ? p->file_name : p->value, !named);
	if (w->text.failed)
		return ERR_NO_MEMORY;
	struct slice base = buf_view(&w->text);
	const char *dot = memrchr(base.p, '.', base.n);
	size_t stem = dot && dot > base.p ? (size_t)(dot - base.p) : base.n, i = (uintptr_t)map_get(&w->counts, base.p, base.n);
	while (!e && !free) {
		if (++i == 1)
			snprintf(text, sizeof text, FILES "%s", base.p);
		else
			snprintf(text, sizeof text, FILES "%.*s-%zu%s", (int)stem, base.p, i, base.p + stem);
		e = claim(w, text, &free);
	}
	if (e || !map_put(&w->counts, base.p, base.n, (void *)(uintptr_t)i, NULL))
		return ERR_NO_MEMORY;
	*name = arena_strdup(w->arena, text);
	return *name ? ERR_OK : ERR_NO_MEMORY;
}

/* What names a file of this owner: for `renames`. */
static struct slice owned(struct writer *w, enum aas_class_id class, const char *owner, const char *value)
{
	buf_reset(&w->text);
	if (owner) {
		buf_putc(&w->text, class == AAS_Submodel ? 'M' : 'S');
		buf_put(&w->text, owner, strlen(owner) + 1);
	}
	buf_putc(&w->text, ' ');
	buf_puts(&w->text, value);
	return buf_view(&w->text);
}

static enum err name_file(struct writer *w, size_t i)
{
	const struct aasx_part *p = &w->what->part[i];
	const char *wanted, *path;
	struct named *f = &w->file[i];
	bool free = false;
	if (name_of_value(w, p->value, &wanted))
		return ERR_NO_MEMORY;
	if (p->same)
		f->name = w->file[p->same - w->what->part].name;
	else if (wanted && claim(w, wanted, &free))
		return ERR_NO_MEMORY;
	else if (free)
		f->name = wanted;
	else if (invent_name(w, p, &f->name))
		return ERR_NO_MEMORY;
	if (wanted && str_eq(wanted, f->name))
		return ERR_OK;
	if (!(path = arena_printf(w->arena, "/%s", f->name)))
		return ERR_NO_MEMORY;
	struct slice key = owned(w, p->owner_class, p->owner, p->value);
	return w->text.failed || !map_put(&w->renames, key.p, key.n, (void *)path, NULL) ? ERR_NO_MEMORY : ERR_OK;
}

/* What named a file before names its part now. */
static void rename_below(struct writer *w, struct aas_node *n, const struct aas_node *owner)
{
	const char *id;
	union aas_slot *s = aas_is(n, AAS_File) ? &AAS_AT(n, File, value) : aas_is(n, AAS_Resource) ? &AAS_AT(n, Resource, path) : NULL;
	owner = aas_is(n, AAS_Submodel) || aas_is(n, AAS_AssetAdministrationShell) ? n : owner;
	for (int all = 0; s && s->str && all < 2; all++) {
		id = all || !owner ? NULL : AAS_ID(owner);
		struct slice key = owned(w, id ? owner->cls->id : AAS_Submodel, id, s->str);
		const char *to = map_get(&w->renames, key.p, key.n);
		if (to) {
			s->str = to;
			break;
		}
	}
	for (unsigned i = 0; i < n->cls->n; i++)
		if (n->cls->props[i].kind == AAS_NODE || n->cls->props[i].kind == AAS_LIST)
			for (struct aas_node *c = n->slot[i].node; c; c = n->cls->props[i].kind == AAS_LIST ? c->next : NULL)
				rename_below(w, c, owner);
}

/* -- content types ---------------------------------------------------------------------------------------------------------------- */

/* buf_xml leaves quotation marks alone, which end an attribute. */
static void put_attribute(struct buf *b, const char *name, const char *value)
{
	buf_printf(b, " %s=\"", name);
	for (const char *q; *value; value = q + (*q == '"')) {
		q = value + strcspn(value, "\"");
		buf_xml(b, value, (size_t)(q - value));
		if (*q)
			buf_puts(b, "&quot;");
	}
	buf_putc(b, '"');
}

/* The extension of a part in lower case, of letters and digits; false: it has none that could be a Default's. */
static bool extension(const char *name, char out[17])
{
	const char *dot = strrchr(name, '.');
	size_t n = dot && !strchr(dot, '/') ? strlen(++dot) : 0;
	if (!n || n > 16)
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = dot[i] >= 'A' && dot[i] <= 'Z' ? (char)(dot[i] - 'A' + 'a') : dot[i];
		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9'))
			return false;
		out[i] = c;
	}
	out[n] = 0;
	return true;
}

/* The first file of an extension gives the Default; those of another type have an Override. */
static enum err type_file(struct writer *w, const char *name, const char *type, struct named *f, struct diag *d)
{
	char ext[17];
	bool has = extension(name, ext);
	const char *known = has ? map_get(&w->types, ext, strlen(ext)) : NULL;
	f->name = name;
	f->type = type && aas_string_ok(AAS_STR_ContentType, type, strlen(type)) ? type : OCTETS;
	f->is_default = has && (!known || str_eq(known, f->type));
	if (!f->is_default || known)
		return ERR_OK;
	if (!map_put(&w->types, ext, strlen(ext), (void *)f->type, NULL))
		return no_memory(d);
	buf_puts(&w->defaults, "<Default");
	put_attribute(&w->defaults, "Extension", ext);
	put_attribute(&w->defaults, "ContentType", f->type);
	buf_puts(&w->defaults, "/>");
	return ERR_OK;
}

static void put_override(struct buf *b, const char *name, const char *type)
{
	buf_printf(b, "<Override PartName=\"/%s\"", name);
	put_attribute(b, "ContentType", type);
	buf_puts(b, "/>");
}

/* -- the parts that OPC wants --------------------------------------------------------------------------------------------------------- */

#define XML "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"

static enum err put_text(struct writer *w, const char *name, struct diag *d)
{
	return w->text.failed ? no_memory(d) : zip_out_bytes(w->zip, name, buf_view(&w->text), d);
}

static enum err put_types(struct writer *w, struct diag *d)
{
	struct buf *b = &w->text;
	buf_reset(b);
	buf_puts(b, XML "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">");
	buf_slice(b, buf_view(&w->defaults));
	put_override(b, ORIGIN, "text/plain");
	for (size_t i = 0; i < w->what->n; i++)
		if (!w->file[i].is_default && !w->what->part[i].same)
			put_override(b, w->file[i].name, w->file[i].type);
	buf_puts(b, "</Types>");
	b->failed |= w->defaults.failed;
	return put_text(w, "[Content_Types].xml", d);
}

static void begin_rels(struct buf *b)
{
	buf_reset(b);
	buf_puts(b, XML "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">");
}

static void put_rel(struct buf *b, size_t id, enum aasx_relation rel, const char *name)
{
	buf_printf(b, "<Relationship Id=\"R%zu\" Type=\"%s\" Target=\"/%s\"/>", id, aasx_relations[rel][0], name);
}

static enum err put_rels(struct writer *w, const char *name, struct diag *d)
{
	buf_puts(&w->text, "</Relationships>");
	return put_text(w, name, d);
}

static enum err put_frame(struct writer *w, struct diag *d)
{
	const struct aasx_part *thumb = w->what->thumbnail;
	enum err e = put_types(w, d);
	if (e)
		return e;
	begin_rels(&w->text);
	put_rel(&w->text, 1, REL_ORIGIN, ORIGIN);
	if (thumb)
		put_rel(&w->text, 2, REL_THUMBNAIL, w->file[thumb - w->what->part].name);
	if ((e = put_rels(w, "_rels/.rels", d)) || (e = zip_out_bytes(w->zip, ORIGIN, SLICE("Intentionally empty"), d)))
		return e;
	begin_rels(&w->text);
	put_rel(&w->text, 1, REL_SPEC, w->form->spec);
	return put_rels(w, "aasx/_rels/aasx-origin.rels", d);
}

/* One identifiable after the other, straight into the archive. */
struct spec {
	struct writer *w;
	struct aas_writer *out;
	size_t n;			/* bytes so far */
};

static enum err too_large(struct diag *d)
{
	return diag_add(d, ERR_TOO_LARGE, "the environment has more than %zu MiB", AASX_SPEC_MAX >> 20);
}

static enum err pass_on(void *ctx, const char *p, size_t n, struct diag *d)
{
	struct spec *s = ctx;
	if (n > AASX_SPEC_MAX - s->n)
		return too_large(d);
	s->n += n;
	return zip_out_write(s->w->zip, p, n, d);
}

static enum err take_item(void *to, struct aas_node *n, struct diag *d)
{
	struct spec *s = to;
	if (s->w->renames.n)
		rename_below(s->w, n, NULL);
	return aas_writer_add(s->out, n, d);
}

static enum err put_items(struct writer *w, struct diag *d)
{
	struct spec s = { .w = w };
	const struct aasx_content *what = w->what;
	if (!(s.out = aas_writer_new(w->form->text, what->version, true, (struct sink){ pass_on, &s })))
		return no_memory(d);
	enum err e = zip_out_begin(w->zip, w->form->spec, d);
	if (!e && !(e = what->items.each(what->items.ctx, take_item, &s, d)) && !(e = aas_writer_end(s.out, d)))
		e = zip_out_close(w->zip, d);
	aas_writer_free(s.out);
	return e;
}

static enum err put_environment(struct writer *w, struct diag *d)
{
	struct buf b = BUF_INIT;
	b.limit = AASX_SPEC_MAX;
	w->form->write(&b, w->what->environment, w->what->version);
	enum err e = b.full ? too_large(d) : b.failed ? no_memory(d) : zip_out_bytes(w->zip, w->form->spec, buf_view(&b), d);
	buf_fini(&b);
	return e;
}

static enum err put_spec(struct writer *w, struct diag *d)
{
	size_t id = 0;
	enum err e = w->what->environment ? put_environment(w, d) : put_items(w, d);
	if (e || !w->what->n)
		return e;
	begin_rels(&w->text);
	for (size_t i = 0; i < w->what->n; i++)
		if (!w->what->part[i].same)
			put_rel(&w->text, ++id, REL_SUPPL, w->file[i].name);
	return put_rels(w, w->form->rels, d);
}

static enum err put_files(struct writer *w, struct diag *d)
{
	enum err e = ERR_OK;
	for (size_t i = 0; !e && i < w->what->n; i++) {
		const struct aasx_part *p = &w->what->part[i];
		if (!p->same)
			e = p->bytes.p ? zip_out_bytes(w->zip, w->file[i].name, p->bytes, d)
				       : zip_out_stream(w->zip, w->file[i].name, p->input, d);
	}
	return e;
}

static enum err name_all(struct writer *w, struct diag *d)
{
	struct named fixed;
	bool free;
	enum err e = type_file(w, ".rels", "application/vnd.openxmlformats-package.relationships+xml", &fixed, d);
	if (!e)
		e = type_file(w, w->form->spec, w->form->type, &fixed, d);
	if (!e && (claim(w, ORIGIN, &free) || claim(w, w->form->spec, &free)))
		e = no_memory(d);
	for (size_t i = 0; !e && i < w->what->n; i++) {
		if (name_file(w, i))
			e = no_memory(d);
		else if (!w->what->part[i].same)
			e = type_file(w, w->file[i].name, w->what->part[i].content_type, &w->file[i], d);
	}
	if (!e && w->renames.n && w->what->environment)
		rename_below(w, w->what->environment, NULL);
	return e;
}

enum err aasx_write(struct arena *a, struct sink sink, const struct aasx_content *what, struct diag *d)
{
	struct writer w = { .arena = a, .what = what, .form = &forms[what->form], .defaults = BUF_INIT, .text = BUF_INIT };
	enum err e;
	if (!(w.file = ARENA_ARRAY(a, struct named, what->n + 1)) || zip_out_new(sink, &w.zip))
		return no_memory(d);
	(void)((e = name_all(&w, d)) || (e = put_frame(&w, d)) || (e = put_spec(&w, d)) || (e = put_files(&w, d)) || (e = zip_out_end(w.zip, d)));
	zip_out_free(w.zip);
	map_fini(&w.names);
	map_fini(&w.types);
	map_fini(&w.counts);
	map_fini(&w.renames);
	buf_fini(&w.defaults);
	buf_fini(&w.text);
	return e;
}
