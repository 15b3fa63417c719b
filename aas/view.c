/* SPDX-License-Identifier: Apache-2.0
 * view.c - the five content forms; the value-only form is in value_write.c and value_read.c.
 */
#include "aas/view.h"

#include "aas/json.h"
#include "aas/path.h"
#include "aas/value.h"

/* put_node finds the texts of a Property and of a Range by the same places. */
_Static_assert(AAS_SLOT(Property, value) == AAS_SLOT(Range, min) && AAS_SLOT(Range, max) == AAS_SLOT(Range, min) + 1, "places");

const char aas_view_absent[] = "\0absent";

static void put_node(struct buf *b, const struct aas_node *n, const struct aas_view *v, unsigned level);

static void put_text(struct buf *b, const char *s)
{
	buf_json(b, s, strlen(s));
}

static void put_nodes(struct buf *b, const struct aas_node *n, const struct aas_view *v, unsigned level)
{
	buf_putc(b, '[');
	for (; n; n = n->next) {
		put_node(b, n, v, level);
		if (n->next)
			buf_putc(b, ',');
	}
	buf_putc(b, ']');
}

/* What level, extent and $metadata leave away; $metadata asks only about the attributes of the element itself. */
static bool shown(const struct aas_node *n, const struct aas_prop *p, const struct aas_view *v, unsigned level)
{
	if (p->views & AAS_VIEW_B && !v->blobs)
		return false;
	if (p->views & AAS_VIEW_C && v->core && level && !aas_is(n, AAS_OperationVariable))
		return false;
	return v->modifier != AAS_METADATA || level || p->views & AAS_VIEW_M;
}

static void put_attribute(struct buf *b, const struct aas_node *n, unsigned i, const struct aas_view *v, unsigned level)
{
	const struct aas_prop *p = &n->cls->props[i];
	union aas_slot s = n->slot[i];
	/* Operation variables are no children (level) and have no path (live values). */
	struct aas_view whole = { .modifier = AAS_NORMAL, .blobs = v->blobs };
	if (p->kind >= AAS_NODE && p->type == AAS_OperationVariable)
		v = &whole;
	switch (p->kind) {
	case AAS_BOOL:
		buf_puts(b, s.ord == 2 ? "true" : "false");
		break;
	case AAS_ENUM:
		put_text(b, aas_enum_text(p->type, s));
		break;
	case AAS_NODE:
		put_node(b, s.node, v, level + 1);
		break;
	case AAS_LIST:
		put_nodes(b, s.node, v, level + 1);
		break;
	default:
		put_text(b, s.str);
	}
}

/* Whatever cannot hold elements or a blob, and has no live text, is the same in every view but $metadata: the codec writes it. */
static bool is_plain(const struct aas_node *n, const struct aas_view *v, unsigned level)
{
	static const bool varies[AAS_N_CLASSES] = {
		[AAS_Environment] = true, [AAS_Submodel] = true, [AAS_SubmodelElementCollection] = true, [AAS_SubmodelElementList] = true,
		[AAS_Entity] = true, [AAS_AnnotatedRelationshipElement] = true, [AAS_Operation] = true, [AAS_OperationVariable] = true,
		[AAS_Blob] = true,
	};
	if (varies[n->cls->id] || (v->live && (aas_is(n, AAS_Property) || aas_is(n, AAS_Range) || aas_is(n, AAS_BasicEventElement))))
		return false;
	return level || v->modifier != AAS_METADATA;
}

static void put_node(struct buf *b, const struct aas_node *n, const struct aas_view *v, unsigned level)
{
	if (is_plain(n, v, level)) {
		aas_json_write(b, n);
		return;
	}
	struct aas_value_texts now;
	bool live = v->live && v->modifier == AAS_NORMAL && (aas_is(n, AAS_Property) || aas_is(n, AAS_Range));
	size_t first = b->n + 1;
	if (live)
		aas_value_texts(&now, n, v);
	/* the server alone sets it */
	const char *update = v->live && v->modifier == AAS_NORMAL && aas_is(n, AAS_BasicEventElement) ? v->live(v->live_ctx, n) : NULL;
	buf_putc(b, '{');
	if (n->cls->typed) {
		buf_puts(b, "\"modelType\":");
		put_text(b, n->cls->name);
	}
	for (unsigned i = 0; i < n->cls->n; i++) {
		const struct aas_prop *p = &n->cls->props[i];
		const char *text = live && p->views & AAS_VIEW_V ? now.text[i == AAS_SLOT(Range, max)] : NULL;
		if (update && i == AAS_SLOT(BasicEventElement, lastUpdate))
			text = update;
		if ((live && p->views & AAS_VIEW_V) || text ? !text : !n->slot[i].ord || !shown(n, p, v, level))
			continue;
		if (b->n > first)
			buf_putc(b, ',');
		buf_put(b, p->key, p->name_len + 3u);
		if (text)
			put_text(b, text);
		else
			put_attribute(b, n, i, v, level);
	}
	buf_putc(b, '}');
}

/* -- $value ------------------------------------------------------------------------------------------------------------------ */

static enum err write_value(struct buf *b, const struct aas_node *n, const struct aas_view *v, struct diag *d)
{
	static const char *const empty[] = {
		[AAS_SHAPE_TYPED] = "null", [AAS_SHAPE_LANG] = "[]", [AAS_SHAPE_NODE] = "null",
		[AAS_SHAPE_FIELDS] = "{}", [AAS_SHAPE_OBJECT] = "{}", [AAS_SHAPE_ARRAY] = "[]",
	};
	if (n->cls->shape == AAS_SHAPE_NONE)
		return diag_add(d, ERR_BAD_REQUEST, "a %s has no $value", n->cls->name);
	if (!aas_value_write(b, n, v))
		buf_puts(b, empty[n->cls->shape]);
	return ERR_OK;
}

/* -- $metadata --------------------------------------------------------------------------------------------------------------- */

static enum err write_metadata(struct buf *b, const struct aas_node *n, const struct aas_view *v, struct diag *d)
{
	if (n->cls->shape == AAS_SHAPE_NONE)
		return diag_add(d, ERR_BAD_REQUEST, "a %s has no $metadata", n->cls->name);
	if (v->core || v->blobs)
		return diag_add(d, ERR_BAD_REQUEST, "%s is not allowed with $metadata", v->core ? "level" : "extent=withBlobValue");
	put_node(b, n, v, 0);
	return ERR_OK;
}

/* -- $path ------------------------------------------------------------------------------------------------------------------- */

static void put_path(struct buf *b, const struct buf *path)
{
	if (b->n && b->p[b->n - 1] != '[')
		buf_putc(b, ',');
	buf_json(b, path->p, path->n);
}

static void put_paths(struct buf *b, const struct aas_node *n, struct buf *path, bool core)
{
	bool list = aas_is(n, AAS_SubmodelElementList);
	size_t mark = path->n, i = 0;
	for (const struct aas_node *c = aas_first_child(n); c && !b->failed && !path->failed; c = c->next, i++) {
		if (list)
			buf_printf(path, "[%zu]", i);
		else if (AAS_ID_SHORT(c))
			buf_printf(path, "%s%s", mark ? "." : "", AAS_ID_SHORT(c));
		if (path->n > mark) {
			put_path(b, path);
			if (!core)
				put_paths(b, c, path, core);
		}
		path->n = mark;
	}
}

void aas_view_paths(struct buf *b, const struct aas_node *n, bool core)
{
	struct buf path = BUF_INIT;
	aas_path_write(&path, n);
	if (path.n)
		put_path(b, &path);
	put_paths(b, n, &path, core);
	b->failed |= path.failed;
	buf_fini(&path);
}

static enum err write_paths(struct buf *b, const struct aas_node *n, const struct aas_view *v, struct diag *d)
{
	static const bool container[AAS_N_CLASSES] = {
		[AAS_Submodel] = true, [AAS_SubmodelElementCollection] = true, [AAS_SubmodelElementList] = true, [AAS_Entity] = true,
	};
	if (!container[n->cls->id])
		return diag_add(d, ERR_BAD_REQUEST, "a %s has no $path", n->cls->name);
	buf_putc(b, '[');
	aas_view_paths(b, n, v->core);
	buf_putc(b, ']');
	return ERR_OK;
}

/* -- $reference -------------------------------------------------------------------------------------------------------------- */

static enum err write_reference(struct buf *b, const struct aas_node *n, struct diag *d)
{
	if (!(n->cls->mask & (IS_SME | IS_REF)))
		return diag_add(d, ERR_BAD_REQUEST, "a %s has no $reference", n->cls->name);
	struct arena *a = arena_new(0);
	struct aas_node *r = a ? aas_path_reference(a, n) : NULL;
	if (r)
		aas_json_write(b, r);
	arena_free(a);
	return r ? ERR_OK : diag_add(d, ERR_NO_MEMORY, "out of memory");
}

enum err aas_view_write(struct buf *b, const struct aas_node *n, const struct aas_view *v, struct diag *d)
{
	enum err e = ERR_OK;
	switch (v->modifier) {
	case AAS_VALUE:
		e = write_value(b, n, v, d);
		break;
	case AAS_METADATA:
		e = write_metadata(b, n, v, d);
		break;
	case AAS_PATH:
		e = write_paths(b, n, v, d);
		break;
	case AAS_REFERENCE:
		e = write_reference(b, n, d);
		break;
	default:
		put_node(b, n, v, 0);
	}
	if (!e && b->failed)
		return diag_add(d, ERR_NO_MEMORY, "the answer is too large");
	return e;
}
