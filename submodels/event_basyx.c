/* SPDX-License-Identifier: Apache-2.0
 * event_basyx.c - topics and payloads of the BaSyx repositories (Java, V2; features `mqtt` of the AAS and the submodel repository).
 *
 * Ids stand in topics in base64url without padding, names of repositories and idShortPaths as they are.  The payload is the whole object; of
 * something deleted, as it was before.  Nothing is said of concept descriptions and registries.  Releases up to milestone 14 have ids as they
 * are and the value of an element on ".../updated" (event_write_basyx_legacy).
 */
#include "submodels/event.h"

#include "aas/json.h"
#include "aas/tree.h"

#define EMPTY_VALUE "emptyValueUpdateEvent"	/* qualifier: events of this element come without its value */

struct way {
	struct event_writer *w;
	bool legacy;
};

static enum err emit(struct event_writer *w, const char *topic, const struct aas_node *n)
{
	struct buf b;
	buf_init(&b, w->conf->payload_max ? w->conf->payload_max : EVENT_PAYLOAD_MAX);
	if (n)
		aas_json_write(&b, n);
	bool lost = b.failed && !b.full;
	if (b.full)
		b.n = 0;	/* the bytes so far are no JSON: who gets an empty payload asks for the object */
	struct event_message m = { topic, "application/json", { lost ? NULL : arena_strndup(w->arena, b.p ? b.p : "", b.n), b.n } };
	buf_fini(&b);
	return topic && m.payload.p && w->emit(w->ctx, &m) ? ERR_OK : ERR_NO_MEMORY;
}

static const char *repository(const char *name, const char *otherwise, struct arena *a)
{
	return event_level(a, name && *name ? name : otherwise, "%");
}

/* '+' and '#' cannot stand in a topic; a slash of an id always made further levels there. */
static const char *id_level(const struct way *way, const char *id)
{
	return way->legacy ? event_level(way->w->arena, id, "/%") : base64url_encode(way->w->arena, id, strlen(id));
}

/* -- elements -------------------------------------------------------------------------------------------------------------------- */

static bool wants_no_value(const struct aas_node *n)
{
	for (const struct aas_node *q = AAS_AT(n, Property, qualifiers).node; q; q = q->next) {
		const char *value = AAS_AT(q, Qualifier, value).str;
		if (str_eq(AAS_AT(q, Qualifier, type).str, EMPTY_VALUE) && value && str_eq(value, "true"))
			return true;
	}
	return false;
}

/* Takes the values out of those that say so; `n` is a copy. */
static void empty_values(struct aas_node *n)
{
	bool bare = wants_no_value(n);
	for (unsigned i = 0; bare && i < n->cls->n; i++)
		if (str_eq(n->cls->props[i].name, "value"))
			n->slot[i].node = NULL;
	for (struct aas_node *c = (struct aas_node *)aas_first_child(n); c; c = c->next)
		empty_values(c);
}

static const char *element_end(const struct event *e, bool legacy)
{
	const struct aas_node *n = e->node;
	if (e->type != EVENT_VALUE)
		return event_type_name[e->type];
	if (n && aas_is(n, AAS_File)) {		/* "/files/...": uploaded here */
		const char *value = AAS_AT(n, File, value).str;
		if (!value)
			return "attachment/deleted";
		if (!strncmp(value, "/files/", 7))
			return "attachment/updated";
	}
	return legacy ? "updated" : "value/updated";
}

static enum err write_element(const struct way *way, const struct event *e)
{
	struct event_writer *w = way->w;
	const char *id = base64url_encode(w->arena, e->line->id, strlen(e->line->id)), *path = event_level(w->arena, e->path, "%");
	const char *repo = repository(w->conf->sm_repository, "sm-repo", w->arena);
	struct aas_node *n = e->node ? aas_copy(w->arena, e->node) : NULL;
	if (!id || !path || !repo || (e->node && !n))
		return ERR_NO_MEMORY;
	if (n)
		empty_values(n);
	const char *end = element_end(e, way->legacy);
	return emit(w, arena_printf(w->arena, "sm-repository/%s/submodels/%s/submodelElements/%s/%s", repo, id, path, end), n);
}

/* -- shells ---------------------------------------------------------------------------------------------------------------------- */

/* Two shells that differ in nothing but the slot.  The trees are this reader's own, so a slot can be taken out for a moment. */
static bool only_differs(const struct aas_node *a, const struct aas_node *b, size_t slot)
{
	union aas_slot *x = &((struct aas_node *)a)->slot[slot], *y = &((struct aas_node *)b)->slot[slot], keep_x = *x, keep_y = *y;
	x->node = y->node = NULL;
	bool same = aas_equal(a, b);
	*x = keep_x;
	*y = keep_y;
	return same;
}

static bool has(const struct aas_node *list, const struct aas_node *ref)
{
	for (; list; list = list->next)
		if (aas_equal(list, ref))
			return true;
	return false;
}

static enum err one_reference(const struct way *way, const struct event *e, const struct aas_node *ref, const char *end)
{
	struct event_writer *w = way->w;
	const struct aas_node *key = AAS_AT(ref, Reference, keys).node;
	const char *sm = key ? AAS_AT(key, Key, value).str : "<empty>", *repo = repository(w->conf->aas_repository, "aas-repo", w->arena);
	const char *level = id_level(way, sm), *shell = id_level(way, e->line->id);
	if (way->legacy)	/* this one was URL-encoded */
		shell = event_level(w->arena, e->line->id, "");
	if (!repo || !level || !shell)
		return ERR_NO_MEMORY;
	enum err err = emit(w, arena_printf(w->arena, "aas-repository/%s/shells/submodels/%s/%s", repo, level, end), e->node);
	return err ? err : emit(w, arena_printf(w->arena, "aas-repository/%s/shells/%s/submodelReferences/%s", repo, shell, end), ref);
}

/* *n counts what was told: none when only the order is another one. */
static enum err write_references(const struct way *way, const struct event *e, const struct aas_node *before, size_t *n)
{
	const struct aas_node *was = AAS_AT(before, AssetAdministrationShell, submodels).node;
	const struct aas_node *now = AAS_AT(e->node, AssetAdministrationShell, submodels).node;
	enum err err = ERR_OK;
	for (const struct aas_node *r = now; r && !err; r = r->next)
		if (!has(was, r) && ++*n)
			err = one_reference(way, e, r, "created");
	for (const struct aas_node *r = was; r && !err; r = r->next)
		if (!has(now, r) && ++*n)
			err = one_reference(way, e, r, "deleted");
	return err;
}

static enum err write_asset(const struct way *way, const struct event *e)
{
	struct event_writer *w = way->w;
	const char *repo = repository(w->conf->aas_repository, "aas-repo", w->arena);
	const char *shell = way->legacy ? event_level(w->arena, e->line->id, "") : id_level(way, e->line->id);
	if (!repo || !shell)
		return ERR_NO_MEMORY;
	return emit(w, arena_printf(w->arena, "aas-repository/%s/shells/%s/assetInformation/updated", repo, shell),
		    AAS_AT(e->node, AssetAdministrationShell, assetInformation).node);
}

/* A part of a shell has its own topics; what changed is told by comparing with what was before, where that is known. */
static enum err write_shell(const struct way *way, const struct event *e)
{
	struct event_writer *w = way->w;
	const struct aas_node *before = NULL;
	enum err err = ERR_OK;
	size_t told = 0;
	if (e->type == EVENT_UPDATED && e->node && (err = event_tree(w->trees, e->line, true, &before)))
		return err;
	if (before && only_differs(before, e->node, AAS_SLOT(AssetAdministrationShell, submodels)) &&
	    ((err = write_references(way, e, before, &told)) || told))
		return err;
	if (before && only_differs(before, e->node, AAS_SLOT(AssetAdministrationShell, assetInformation)))
		return write_asset(way, e);
	const char *repo = repository(w->conf->aas_repository, "aas-repo", w->arena);
	return repo ? emit(w, arena_printf(w->arena, "aas-repository/%s/shells/%s", repo, event_type_name[e->type]), e->node) : ERR_NO_MEMORY;
}

/* -- all --------------------------------------------------------------------------------------------------------------------------- */

static enum err write_any(const struct way *way, const struct event *e)
{
	struct event_writer *w = way->w;
	if (e->line->kind == STORE_SHELL)
		return write_shell(way, e);
	if (e->line->kind != STORE_SUBMODEL)
		return ERR_OK;
	if (e->path)
		return write_element(way, e);
	const char *repo = repository(w->conf->sm_repository, "sm-repo", w->arena);
	return repo ? emit(w, arena_printf(w->arena, "sm-repository/%s/submodels/%s", repo, event_type_name[e->type]), e->node) : ERR_NO_MEMORY;
}

enum err event_write_basyx(struct event_writer *w, const struct event *e)
{
	return write_any(&(struct way){ w, false }, e);
}

enum err event_write_basyx_legacy(struct event_writer *w, const struct event *e)
{
	return write_any(&(struct way){ w, true }, e);
}
