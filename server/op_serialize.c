/* SPDX-License-Identifier: Apache-2.0
 * op_serialize.c - GET /serialization: an environment of chosen shells and submodels (IDTA-01002, GenerateSerializationByIds),
 * as JSON, as XML, or as an AASX package with the stored files.
 *
 * Without any id it is everything.  Shells asked for without submodel ids bring the submodels they refer to.  The concept
 * descriptions are those that the semantic ids of what is given lead to, also over isCaseOf.  Blobs are always included.
 */
#include "aas/aasx.h"
#include "aas/json.h"
#include "aas/xml.h"
#include "base/map.h"
#include "server/accept.h"
#include "server/call.h"
#include "server/op.h"

#define PORTION 32

struct collector {
	struct call *c;
	struct map ids[STORE_N_KINDS];	/* what is in the answer already; concepts: or was looked for in vain */
	struct id_item *wanted, **tail;	/* concept descriptions that something refers to, in order of their finding */
	enum store_kind kind;		/* of the list that is being written */
	bool first_list, first_item, all;
};

struct id_item {
	const char *id;
	struct id_item *next;
};

static const struct {
	const char *name;
	enum aas_class_id cls;
} lists[STORE_N_KINDS] = {
	[STORE_SHELL] = { "assetAdministrationShells", AAS_AssetAdministrationShell },
	[STORE_SUBMODEL] = { "submodels", AAS_Submodel },
	[STORE_CONCEPT] = { "conceptDescriptions", AAS_ConceptDescription },
};

/* True when it was not there before. */
static enum err once(struct map *m, const char *id, bool *fresh)
{
	void *old = NULL;
	if (!map_put(m, id, strlen(id), m, &old))
		return ERR_NO_MEMORY;
	*fresh = !old;
	return ERR_OK;
}

static enum err want(struct collector *k, const char *id)
{
	bool fresh;
	struct id_item *i;
	enum err err = once(&k->ids[STORE_CONCEPT], id, &fresh);
	if (err || !fresh)
		return err;
	if (!(i = ARENA_NEW(k->c->arena, struct id_item)) || !(i->id = arena_strdup(k->c->arena, id)))
		return ERR_NO_MEMORY;
	*k->tail = i;
	k->tail = &i->next;
	return ERR_OK;
}

/* Every Reference anywhere in the tree may lead to a concept description: by its last key. */
static enum err want_references(struct collector *k, const struct aas_node *n)
{
	enum err err = ERR_OK;
	if (aas_is(n, AAS_Reference)) {
		const struct aas_node *key = AAS_AT(n, Reference, keys).node;
		while (key && key->next)
			key = key->next;
		if (key)
			err = want(k, AAS_AT(key, Key, value).str);
	}
	for (unsigned i = 0; i < n->cls->n && !err; i++)
		if (n->cls->props[i].kind >= AAS_NODE)
			for (const struct aas_node *v = n->slot[i].node; v && !err; v = v->next)
				err = want_references(k, v);
	return err;
}

static void begin_item(struct collector *k)
{
	struct buf *b = &k->c->reply.body;
	if (k->first_item) {
		buf_printf(b, "%s\"%s\":[", k->first_list ? "" : ",", lists[k->kind].name);
		k->first_list = k->first_item = false;
	} else {
		buf_putc(b, ',');
	}
}

/* Lists are never empty: absent then. */
static void end_list(struct collector *k)
{
	if (!k->first_item)
		buf_putc(&k->c->reply.body, ']');
	k->first_item = true;
}

static enum err put(struct collector *k, const char *id, struct slice json, const struct aas_node *node)
{
	static const struct aas_view whole = { .modifier = AAS_NORMAL, .blobs = true };
	struct call *c = k->c;
	begin_item(k);
	if (k->kind == STORE_SUBMODEL && sm_is_live(c->service, id))
		return reply_write(c, &c->reply.body, id, node, &whole);
	buf_slice(&c->reply.body, json);
	return c->reply.body.failed ? ERR_NO_MEMORY : ERR_OK;
}

static enum err put_one(struct collector *k, const char *id)
{
	const struct sm_tree *t;
	bool fresh;
	enum err err = once(&k->ids[k->kind], id, &fresh);
	if (err || !fresh)
		return err;
	if ((err = sm_get(k->c->session, k->kind, id, &t)) || (err = put(k, id, t->json, sm_tree_node(t))))
		return err;
	return k->c->with_cds ? want_references(k, sm_tree_node(t)) : ERR_OK;
}

/* Everything of one kind, a portion at a time. */
static enum err put_all(struct collector *k)
{
	struct store_page page = { 0 };
	struct arena *scratch = arena_new(0);
	enum err err = scratch ? ERR_OK : ERR_NO_MEMORY;
	do {
		if (!err)
			err = sm_list(k->c->session, k->kind, NULL, page.next, PORTION, &page);
		for (size_t i = 0; i < page.n && !err; i++) {
			const struct store_doc *d = &page.item[i];
			struct aas_node *n = NULL;
			if (sm_is_live(k->c->service, d->id) &&
			    aas_json_read(scratch, lists[k->kind].cls, d->json.p, d->json.n, AAS_JSON_DEFAULT, &n, NULL))
				err = diag_add(&k->c->diag, ERR_INTERNAL, "a stored document cannot be read");
			else
				err = put(k, d->id, d->json, n);
			arena_reset(scratch);
		}
	} while (!err && page.next);
	arena_free(scratch);
	return err;
}

/* The submodels that the chosen shells refer to; a reference may dangle. */
static enum err put_referenced(struct collector *k)
{
	enum err err = ERR_OK;
	for (const char **id = k->c->aas_ids; *id && !err; id++) {
		const struct sm_tree *t;
		if ((err = sm_get(k->c->session, STORE_SHELL, *id, &t)))
			break;
		const struct aas_node *ref = AAS_AT(sm_tree_node(t), AssetAdministrationShell, submodels).node;
		for (; ref && !err; ref = ref->next) {
			const struct aas_node *key = AAS_AT(ref, Reference, keys).node;
			const char *sm_id = key ? AAS_AT(key, Key, value).str : NULL;
			bool has = false;
			if (sm_id && !(err = sm_has(k->c->session, STORE_SUBMODEL, sm_id, &has)) && has)
				err = put_one(k, sm_id);
		}
	}
	return err;
}

static enum err put_ids(struct collector *k, const char **ids)
{
	enum err err = ERR_OK;
	for (; ids && *ids && !err; ids++)
		err = put_one(k, *ids);
	return err;
}

/* The list grows while it is walked: a concept description refers to others. */
static enum err put_concepts(struct collector *k)
{
	enum err err = ERR_OK;
	for (struct id_item *i = k->wanted; i && !err; i = i->next) {
		const struct sm_tree *t;
		bool has;
		if ((err = sm_has(k->c->session, STORE_CONCEPT, i->id, &has)) || !has)
			continue;
		if (!(err = sm_get(k->c->session, STORE_CONCEPT, i->id, &t)) && !(err = put(k, i->id, t->json, sm_tree_node(t))))
			err = want_references(k, sm_tree_node(t));
	}
	return err;
}

static enum err collect(struct collector *k)
{
	struct call *c = k->c;
	enum err err;
	k->kind = STORE_SHELL;
	if ((err = k->all ? put_all(k) : put_ids(k, c->aas_ids)))
		return err;
	end_list(k);
	k->kind = STORE_SUBMODEL;
	err = k->all ? put_all(k) : c->submodel_ids ? put_ids(k, c->submodel_ids) : put_referenced(k);
	if (err)
		return err;
	end_list(k);
	k->kind = STORE_CONCEPT;
	if (c->with_cds && (err = k->all ? put_all(k) : put_concepts(k)))
		return err;
	end_list(k);
	return ERR_OK;
}

static enum err put_environment(struct call *c)
{
	struct collector k = { .c = c, .first_list = true, .first_item = true, .all = !c->aas_ids && !c->submodel_ids };
	k.tail = &k.wanted;
	buf_putc(&c->reply.body, '{');
	enum err err = collect(&k);
	buf_putc(&c->reply.body, '}');
	for (int i = 0; i < STORE_N_KINDS; i++)
		map_fini(&k.ids[i]);
	return err ? err : c->reply.body.failed ? ERR_NO_MEMORY : ERR_OK;
}

/* -- XML and packages ------------------------------------------------------------------------------------------------------------------ */

enum form { FORM_JSON, FORM_XML, FORM_PACKAGE_XML, FORM_PACKAGE_JSON };

/* A package of any size: it is written beside the memory, then sent from there. */
static enum err put_package(struct call *c, struct aas_node *env, enum aasx_form form, const char *type)
{
	struct scratch *s = scratch_new(c->scratch_dir, INT64_MAX);
	enum err err = s ? sm_export(c->session, env, form, scratch_sink(s)) : ERR_NO_MEMORY;
	if (!err)
		err = scratch_end(s, &c->diag);
	if (!err)
		return reply_content(c, type, "environment.aasx", scratch_take(s), scratch_hash(s));
	scratch_free(s);
	return err;
}

/* What is no JSON is made from the same JSON that would be the answer, so all show the same. */
static enum err put_other(struct call *c, enum form form, const char *type)
{
	static const enum aasx_form spec[] = { [FORM_PACKAGE_XML] = AASX_XML, [FORM_PACKAGE_JSON] = AASX_JSON };
	struct buf *b = &c->reply.body;
	struct aas_node *env;
	enum err err = put_environment(c);
	if (!err && (err = aas_json_read(c->arena, AAS_Environment, b->p, b->n, AAS_JSON_DEFAULT, &env, &c->diag)))
		err = diag_add(&c->diag, ERR_INTERNAL, "a stored document cannot be read");
	buf_reset(b);
	if (err)
		return err;
	if (form != FORM_XML)
		return put_package(c, env, spec[form], type);
	aas_xml_write(b, env, AAS_V3_1);
	return b->failed ? ERR_NO_MEMORY : ERR_OK;
}

enum err op_serialize(struct call *c)
{
	static const struct {
		const char *type;
		enum form form;
	} offer[] = {
		{ "application/json", FORM_JSON },	/* what is answered when anything is accepted */
		{ "application/xml", FORM_XML },
		{ "text/xml", FORM_XML },
		{ "application/asset-administration-shell-package+xml", FORM_PACKAGE_XML },
		{ "application/asset-administration-shell-package+json", FORM_PACKAGE_JSON },
		{ "application/asset-administration-shell-package", FORM_PACKAGE_XML },
		{ "application/aas+zip", FORM_PACKAGE_XML },	/* IDTA-01005 V3.2 */
		{ "application/aasx+xml", FORM_PACKAGE_XML },	/* the text of IDTA-01002 */
	};
	const char *types[sizeof offer / sizeof *offer];
	size_t n = sizeof offer / sizeof *offer, i;
	for (i = 0; i < n; i++)
		types[i] = offer[i].type;
	if ((i = accept_choose(c->accept, types, n)) == n)
		return diag_add(&c->diag, ERR_NOT_ACCEPTABLE, "application/json, application/xml or an AASX package (%s) can be had", types[3]);
	enum err err = offer[i].form == FORM_JSON ? put_environment(c) : put_other(c, offer[i].form, offer[i].type);
	if (!err)
		c->reply.content_type = offer[i].type;
	return err;
}
