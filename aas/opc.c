/* SPDX-License-Identifier: Apache-2.0 */
#include "aas/opc.h"

#include <stdio.h>

#include "aas/sax.h"

#define NAME_MAX_BYTES 1024

/* -- small XML parts: elements with attributes, no texts ---------------------------------------------------------------------- */

typedef enum err element_fn(struct opc *, void *ctx, const char *element, const struct sax_attr *, unsigned n, struct diag *);

struct elements {
	element_fn *fn;
	struct opc *opc;
	void *ctx;
	struct diag *d;
	unsigned depth;
};

static enum err on_start(void *ctx, const char *ns, const char *name, const struct sax_attr *attr, unsigned n)
{
	struct elements *e = ctx;
	(void)ns;
	if (++e->depth > 8)
		return diag_add(e->d, ERR_BAD_REQUEST, "nested too deeply");
	return e->fn(e->opc, e->ctx, name, attr, n, e->d);
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

/* The part is read into memory of its own: nobody needs it afterwards. */
static enum err read_elements(struct opc *o, const char *part, element_fn *fn, void *ctx, struct diag *d)
{
	static const struct sax_ops ops = { on_start, on_end, on_text };
	const struct zip_entry *z = zip_file_find(o->zip, part, strlen(part));
	struct elements e = { fn, o, ctx, d, 0 };
	struct sax_from from = { &ops, &e, NULL };
	struct slice text;
	struct diag_frame f;
	if (!z)
		return diag_add(d, ERR_BAD_REQUEST, "the package has no part \"%s\"", part);
	struct arena *a = arena_new(0);
	if (!a)
		return diag_add(d, ERR_NO_MEMORY, "out of memory");
	diag_push(d, &f, part);
	enum err err = zip_file_read(o->zip, z, a, &text, d);
	if (!err)
		err = sax_parse(source_slice(&text), &from, d);
	diag_pop(d);
	arena_free(a);
	return err;
}

static struct slice attribute(const struct sax_attr *list, unsigned n, const char *name)
{
	for (unsigned i = 0; i < n; i++)
		if (str_eq(list[i].name, name))
			return list[i].value;
	return (struct slice){ NULL, 0 };
}

/* -- content types ------------------------------------------------------------------------------------------------------------ */

static void lower(char *s)
{
	for (; *s; s++)
		if (*s >= 'A' && *s <= 'Z')
			*s = (char)(*s - 'A' + 'a');
}

static enum err on_type(struct opc *o, void *ctx, const char *element, const struct sax_attr *attr, unsigned n, struct diag *d)
{
	struct slice key = attribute(attr, n, str_eq(element, "Override") ? "PartName" : "Extension");
	struct slice type = attribute(attr, n, "ContentType");
	(void)ctx;
	if (!key.p || !type.p)
		return ERR_OK;
	char *k = arena_strndup(o->arena, key.p, key.n), *t = arena_strndup(o->arena, type.p, type.n);
	if (!k || !t)
		return diag_add(d, ERR_NO_MEMORY, "out of memory");
	lower(k);
	return map_put(&o->types, k, strlen(k), t, NULL) ? ERR_OK : diag_add(d, ERR_NO_MEMORY, "out of memory");
}

const char *opc_type(struct opc *o, const char *part)
{
	char k[NAME_MAX_BYTES + 2];
	int n = snprintf(k, sizeof k, "/%s", part);
	if (n < 0 || (size_t)n >= sizeof k)
		return NULL;
	lower(k);
	const char *t = map_get(&o->types, k, (size_t)n), *dot = strrchr(k, '.');
	return t || !dot || strchr(dot, '/') ? t : map_get(&o->types, dot + 1, strlen(dot + 1));
}

enum err opc_open(struct opc *o, struct arena *a, const void *bytes, size_t n, struct diag *d)
{
	*o = (struct opc){ .arena = a };
	enum err e = zip_file_open(a, bytes, n, &o->zip, d);
	return e ? e : read_elements(o, "[Content_Types].xml", on_type, NULL, d);
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

static size_t folder_of(const char *source)
{
	const char *slash = strrchr(source, '/');
	return slash ? (size_t)(slash + 1 - source) : 0;
}

enum err opc_rels(struct opc *o, const char *source, struct opc_rel **head, struct diag *d)
{
	struct rels r = { head, 0 };
	size_t folder = folder_of(source);
	char *part = arena_printf(o->arena, "%.*s_rels/%s.rels", (int)folder, source, source + folder);
	*head = NULL;
	if (!part)
		return diag_add(d, ERR_NO_MEMORY, "out of memory");
	return zip_file_find(o->zip, part, strlen(part)) ? read_elements(o, part, on_rel, &r, d) : ERR_OK;
}

/* -- targets --------------------------------------------------------------------------------------------------------------------- */

static bool is_absolute(const char *ref)
{
	size_t n = strspn(ref, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.");
	return (n && ref[n] == ':') || (ref[0] == '/' && ref[1] == '/');
}

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* An escaped slash, backslash or control character could only be meant to deceive. */
static bool decode(const char *from, char out[NAME_MAX_BYTES + 1])
{
	size_t n = 0;
	for (; *from; from++) {
		int c = (unsigned char)*from;
		if (c == '%' && hex(from[1]) >= 0 && hex(from[2]) >= 0) {
			c = hex(from[1]) << 4 | hex(from[2]);
			from += 2;
			if (c == '/')
				return false;
		}
		if (n == NAME_MAX_BYTES || c < 0x20 || c == '\\')
			return false;
		out[n++] = (char)c;
	}
	out[n] = 0;
	return true;
}

/* RFC 3986, 5.2.4: out["aasx/"] + "../x/./y" -> "x/y"; false when it leads above the root. */
static bool join(char out[2 * NAME_MAX_BYTES + 2], size_t n, const char *ref)
{
	for (const char *s = ref; *s; s += *s == '/') {
		size_t k = strcspn(s, "/");
		if (k == 2 && !memcmp(s, "..", 2)) {
			if (!n)
				return false;
			for (n--; n && out[n - 1] != '/'; n--)
				;
		} else if (k && !(k == 1 && *s == '.')) {
			memcpy(out + n, s, k);
			n += k;
			if (s[k])
				out[n++] = '/';
		}
		s += k;
	}
	out[n] = 0;
	return true;
}

static bool locate(struct opc *o, const char *source, const char *ref, const char **name, const struct zip_entry **part)
{
	char path[2 * NAME_MAX_BYTES + 2];
	size_t n = *ref == '/' ? 0 : folder_of(source);
	if (strlen(ref) > NAME_MAX_BYTES || n > NAME_MAX_BYTES || strchr(ref, '\\'))
		return false;
	memcpy(path, source, n);
	if (!join(path, n, ref))
		return false;
	*part = zip_file_find(o->zip, path, strlen(path));
	*name = *part ? (*part)->name : arena_strdup(o->arena, path);
	return *name != NULL;
}

/* Tools disagree whether a ZIP name is percent-encoded, so the text as it is written is tried first. */
bool opc_resolve(struct opc *o, const char *source, const char *reference, const char **name, const struct zip_entry **part)
{
	char plain[NAME_MAX_BYTES + 1];
	if (is_absolute(reference) || !decode(reference, plain) || !locate(o, source, reference, name, part))
		return false;
	return *part || locate(o, source, plain, name, part);
}
