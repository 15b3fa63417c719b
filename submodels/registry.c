/* SPDX-License-Identifier: Apache-2.0 */
#include "submodels/registry.h"

#include "aas/facts.h"
#include "aas/rules.h"
#include "base/clock.h"
#include "submodels/registry_priv.h"

#define PORTION ((size_t)64)	/* ids looked at in one go */

#define SHELL_AT(n, attribute) AAS_AT(n, AssetAdministrationShellDescriptor, attribute)

static const struct kind {
	enum store_kind own;
	enum aas_class_id own_class, entry_class;
	const char *name, *path;
	const char *const *interfaces;
} kinds[STORE_N_KINDS] = {
	[STORE_SHELL_DESCRIPTOR] = { STORE_SHELL, AAS_AssetAdministrationShell, AAS_AssetAdministrationShellDescriptor, "shell", "/shells/",
				     (const char *const[]){ "AAS-3.0", "AAS-3.1", NULL } },
	[STORE_SUBMODEL_DESCRIPTOR] = { STORE_SUBMODEL, AAS_Submodel, AAS_SubmodelDescriptor, "submodel", "/submodels/",
					(const char *const[]){ "SUBMODEL-3.0", "SUBMODEL-3.1", NULL } },
};

static struct sm_sources sources(enum store_kind kind)
{
	return (struct sm_sources){ { kinds[kind].own, kind }, 2 };
}

static const struct store_ops *ops_of(const struct sm_session *s)
{
	return s->service->conf.store->ops;
}

/* -- what derives ----------------------------------------------------------------------------------------------------------------- */

/* One endpoint for each version of the interface, the older first: clients of 3.0 look for theirs by name. */
static enum err derive_endpoints(struct sm_session *s, const struct kind *k, const char *id, const char *base, struct aas_node **tail)
{
	const char *b64 = base64url_encode(s->arena, id, strlen(id));
	const char *href = b64 ? arena_printf(s->arena, "%s%s%s", base, k->path, b64) : NULL;
	for (const char *const *name = k->interfaces; *name; name++) {
		struct aas_node *e = aas_node_new(s->arena, AAS_Endpoint), *info = aas_node_new(s->arena, AAS_ProtocolInformation);
		struct aas_node *version = aas_node_new(s->arena, AAS_ProtocolVersionText);
		if (!href || !e || !info || !version)
			return ERR_NO_MEMORY;
		AAS_AT(version, ProtocolVersionText, value).str = "1.1";
		AAS_AT(info, ProtocolInformation, href).str = href;
		AAS_AT(info, ProtocolInformation, endpointProtocol).str = strncmp(base, "https:", 6) ? "HTTP" : "HTTPS";
		AAS_AT(info, ProtocolInformation, endpointProtocolVersion).node = version;
		AAS_AT(e, Endpoint, interface).str = *name;
		AAS_AT(e, Endpoint, protocolInformation).node = info;
		*tail = e;
		tail = &e->next;
	}
	return ERR_OK;
}

/* What identifiables and descriptors call the same is the same. */
static void derive_same(const struct aas_node *from, struct aas_node *to)
{
	for (unsigned i = 0; i < to->cls->n; i++) {
		const struct aas_prop *p = &to->cls->props[i];
		int at = aas_prop_find(from->cls, p->name, p->name_len);
		if (at >= 0 && from->cls->props[at].kind == p->kind && from->cls->props[at].type == p->type)
			to->slot[i] = from->slot[at];
	}
}

/* Without the submodel descriptors of a shell.  Subtrees are shared with `own`. */
static enum err derive(struct sm_session *s, const struct kind *k, const struct aas_node *own, const char *base, struct aas_node **out)
{
	struct aas_node *n = aas_node_new(s->arena, k->entry_class);
	if (!n)
		return ERR_NO_MEMORY;
	derive_same(own, n);
	if (k->own == STORE_SUBMODEL) {
		*out = n;
		return derive_endpoints(s, k, AAS_ID(n), base, &AAS_AT(n, SubmodelDescriptor, endpoints).node);
	}
	derive_same(AAS_AT(own, AssetAdministrationShell, assetInformation).node, n);
	*out = n;
	return derive_endpoints(s, k, AAS_ID(n), base, &SHELL_AT(n, endpoints).node);
}

/* -- what is seen: the entry laid over what derives --------------------------------------------------------------------------------- */

static void lay_over(struct aas_node *under, const struct aas_node *entry)
{
	for (unsigned i = 0; i < under->cls->n; i++)
		if (entry->slot[i].ord)
			under->slot[i] = entry->slot[i];
}

enum err sm_descriptor_see(struct sm_session *s, enum store_kind kind, const struct sm_pair *p, const char *base, struct aas_node **out,
			   struct aas_node **own)
{
	const struct kind *k = &kinds[kind];
	struct aas_node *entry = NULL;
	enum err err = ERR_OK;
	*own = NULL;
	if (p->own.id && !(err = sm_doc_read(s, k->own_class, &p->own, own)))
		err = derive(s, k, *own, base, out);
	if (!err && p->entry.id)
		err = sm_doc_read(s, k->entry_class, &p->entry, &entry);
	if (err || !entry)
		return err;
	if (*own)
		lay_over(*out, entry);
	else
		*out = entry;
	return ERR_OK;
}

/* -- the submodels of shells: one look-up for all shells of a portion --------------------------------------------------------------- */

static const struct aas_node *references(const struct sm_nest *n)
{
	return n->own ? AAS_AT(n->own, AssetAdministrationShell, submodels).node : NULL;
}

static const char *referred(const struct aas_node *reference)
{
	const struct aas_node *key = AAS_AT(reference, Reference, keys).node;
	return key && !key->next ? AAS_AT(key, Key, value).str : NULL;
}

/* Every submodel that the shells refer to, once; its place in the map is 1 + index. */
static enum err collect(struct sm_session *s, const struct sm_nest *nest, size_t n, const char ***ids, size_t *n_ids, struct map *place)
{
	size_t most = 1;
	for (size_t i = 0; i < n; i++)
		for (const struct aas_node *r = references(&nest[i]); r; r = r->next)
			most++;
	*n_ids = 0;
	if (!(*ids = ARENA_ARRAY(s->arena, const char *, most)))
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < n; i++)
		for (const struct aas_node *r = references(&nest[i]); r; r = r->next) {
			const char *id = referred(r);
			if (!id || map_get(place, id, strlen(id)))
				continue;
			(*ids)[(*n_ids)++] = id;
			if (!map_put(place, id, strlen(id), (void *)(uintptr_t)*n_ids, NULL))
				return ERR_NO_MEMORY;
		}
	return ERR_OK;
}

/* Behind those that derive come the ones that only the entry has; where both have one, the entry's is laid over. */
static enum err join(struct aas_node **derived, struct aas_node *entry)
{
	struct map theirs = MAP_INIT;
	struct aas_node **tail = derived;
	enum err err = ERR_OK;
	for (struct aas_node *n = entry; n && !err; n = n->next)
		if (!map_put(&theirs, AAS_ID(n), strlen(AAS_ID(n)), n, NULL))
			err = ERR_NO_MEMORY;
	for (; *tail && !err; tail = &(*tail)->next) {
		const struct aas_node *over = map_del(&theirs, AAS_ID(*tail), strlen(AAS_ID(*tail)));
		if (over)
			lay_over(*tail, over);
	}
	for (struct aas_node *n = entry, *next; n && !err; n = next) {
		next = n->next;
		if (map_get(&theirs, AAS_ID(n), strlen(AAS_ID(n))) != n)
			continue;
		*tail = n;
		tail = &n->next;
		n->next = NULL;
	}
	map_fini(&theirs);
	return err;
}

static enum err nest_one(struct sm_session *s, const struct sm_nest *nest, const struct sm_pair *pair, const struct map *place, const char *base)
{
	struct aas_node *list = NULL, **tail = &list, *own;
	struct map seen = MAP_INIT;
	enum err err = ERR_OK;
	for (const struct aas_node *r = references(nest); r && !err; r = r->next) {
		const char *id = referred(r);
		size_t at = id ? (uintptr_t)map_get(place, id, strlen(id)) : 0;
		if (!at || (!pair[at - 1].own.id && !pair[at - 1].entry.id) || map_get(&seen, id, strlen(id)))
			continue;
		if (!map_put(&seen, id, strlen(id), nest->shell, NULL))
			err = ERR_NO_MEMORY;
		else if (!(err = sm_descriptor_see(s, STORE_SUBMODEL_DESCRIPTOR, &pair[at - 1], base, tail, &own)))
			tail = &(*tail)->next;
	}
	map_fini(&seen);
	if (!err)
		err = join(&list, SHELL_AT(nest->shell, submodelDescriptors).node);
	SHELL_AT(nest->shell, submodelDescriptors).node = list;
	return err;
}

enum err sm_descriptor_nest(struct sm_session *s, const struct sm_nest *nest, size_t n, const char *base)
{
	struct map place = MAP_INIT;
	const char **ids;
	struct store_doc *doc = NULL;
	struct sm_pair *pair = NULL;
	size_t n_ids;
	enum err err = collect(s, nest, n, &ids, &n_ids, &place);
	if (!err && (!(doc = ARENA_ARRAY(s->arena, struct store_doc, 2 * n_ids + 1)) || !(pair = ARENA_ARRAY(s->arena, struct sm_pair, n_ids + 1))))
		err = ERR_NO_MEMORY;
	if (!err && n_ids && (err = sm_heads(s, STORE_SUBMODEL, ids, n_ids, doc)) == ERR_OK)
		err = sm_heads(s, STORE_SUBMODEL_DESCRIPTOR, ids, n_ids, doc + n_ids);
	if (err)
		err = sm_store_error(s, err);
	for (size_t i = 0; !err && i < n_ids; i++)
		pair[i] = (struct sm_pair){ .id = ids[i], .own = doc[i], .entry = doc[n_ids + i] };
	for (size_t i = 0; !err && i < n; i++)
		if (nest[i].own)
			err = nest_one(s, &nest[i], pair, &place, base);
	map_fini(&place);
	return err;
}

/* -- reading ---------------------------------------------------------------------------------------------------------------------- */

static enum err missing(struct sm_session *s, const char *what, const char *id)
{
	if (s->at_us != TIME_NONE)
		return diag_add(s->diag, ERR_NOT_FOUND, "there was no %s descriptor with the id \"%s\" at that time", what, id);
	return diag_add(s->diag, ERR_NOT_FOUND, "there is no %s descriptor with the id \"%s\"", what, id);
}

enum err sm_descriptor_get(struct sm_session *s, enum store_kind kind, const char *id, const char *base, struct aas_node **out)
{
	const struct sm_sources from = sources(kind);
	struct sm_nest nest = { NULL, NULL };
	struct sm_pair pair;
	enum err err = sm_pair(s, &from, id, &pair);
	if (!err && !pair.own.id && !pair.entry.id)
		err = missing(s, kinds[kind].name, id);
	if (err || (err = sm_descriptor_see(s, kind, &pair, base, &nest.shell, &nest.own)))
		return err;
	*out = nest.shell;
	return kind == STORE_SHELL_DESCRIPTOR ? sm_descriptor_nest(s, &nest, 1, base) : ERR_OK;
}

/* One portion: what fits the filter goes to `out`.  *after is the last id that was looked at. */
static enum err portion(struct sm_session *s, enum store_kind kind, const struct store_filter *f, const char *base, const char **after,
			size_t limit, struct sm_descriptors *out, bool *more)
{
	const struct sm_sources from = sources(kind);
	struct sm_pair *pair = ARENA_ARRAY(s->arena, struct sm_pair, limit);
	struct sm_nest *nest = ARENA_ARRAY(s->arena, struct sm_nest, limit);
	struct aas_fact *want;
	size_t n, kept = 0, n_want;
	enum err err = pair && nest ? sm_pairs(s, &from, f, *after, limit, pair, &n, more) : ERR_NO_MEMORY;
	for (size_t i = 0; !err && i < n; i++) {
		*after = pair[i].id;
		if (!sm_pair_is(&pair[i], &from))
			continue;
		if ((err = sm_descriptor_see(s, kind, &pair[i], base, &nest[kept].shell, &nest[kept].own)) ||
		    (err = aas_filter_facts(s->arena, f, &want, &n_want)) || (err = sm_facts_meet(s, nest[kept].shell, want, &n_want)))
			break;
		kept += !n_want;
	}
	if (!err && kind == STORE_SHELL_DESCRIPTOR)
		err = sm_descriptor_nest(s, nest, kept, base);
	for (size_t i = 0; !err && i < kept; i++)
		out->item[out->n++] = nest[i].shell;
	return err;
}

enum err sm_descriptor_list(struct sm_session *s, enum store_kind kind, const struct store_filter *f, const char *base, const char *after,
			    size_t limit, struct sm_descriptors *out)
{
	enum err err = ERR_OK;
	bool more = true;
	*out = (struct sm_descriptors){ .item = ARENA_ARRAY(s->arena, struct aas_node *, limit) };
	if (!out->item)
		return ERR_NO_MEMORY;
	for (size_t looked = 0; !err && more && out->n < limit && (s->at_us == TIME_NONE || looked < SM_LOOKS_MAX); looked += PORTION)
		err = portion(s, kind, f, base, &after, limit - out->n < PORTION ? limit - out->n : PORTION, out, &more);
	out->next = more ? after : NULL;
	return err;
}

/* -- writing ---------------------------------------------------------------------------------------------------------------------- */

static enum err put(struct sm_session *s, enum store_kind kind, const struct aas_node *n, enum store_put how, int64_t expect, bool *created)
{
	struct store_txn *txn;
	int64_t version;
	enum err err = sm_txn(s, &txn);
	if (err)
		return err;
	err = ops_of(s)->put(txn, kind, n, how, expect, created, &version);
	if (expect && (err == ERR_PRECONDITION || err == ERR_NOT_FOUND))
		return ERR_AGAIN;		/* somebody was faster */
	return err == ERR_CONFLICT ? err : sm_store_error(s, err);
}

/* The constraints of what descriptors share with the metamodel, and that the ids within a shell's are unique. */
static enum err check(struct sm_session *s, const struct aas_node *shell)
{
	struct map seen = MAP_INIT;
	struct diag_frame list, item;
	enum err err = ERR_OK;
	if ((err = aas_rules_check(shell, AAS_RULES_LENIENT, s->diag)) || !aas_is(shell, AAS_AssetAdministrationShellDescriptor))
		return err;
	diag_push(s->diag, &list, "submodelDescriptors");
	diag_push_index(s->diag, &item, 0);
	for (const struct aas_node *n = SHELL_AT(shell, submodelDescriptors).node; n && !err; n = n->next, item.index++)
		if (map_get(&seen, AAS_ID(n), strlen(AAS_ID(n))))
			err = diag_add(s->diag, ERR_BAD_REQUEST, "the id \"%s\" occurs twice", AAS_ID(n));
		else if (!map_put(&seen, AAS_ID(n), strlen(AAS_ID(n)), &seen, NULL))
			err = ERR_NO_MEMORY;
	diag_pop(s->diag);
	diag_pop(s->diag);
	map_fini(&seen);
	return err;
}

enum err sm_descriptor_post(struct sm_session *s, enum store_kind kind, const struct aas_node *n)
{
	struct store_txn *txn;
	int64_t version;
	bool created;
	enum err err = check(s, n);
	if (err || (err = sm_txn(s, &txn)))
		return err;
	/* looked at first, so that a conflict leaves the transaction good for what else is in a bulk request */
	err = ops_of(s)->version(txn, kind, AAS_ID(n), &version);
	if (err == ERR_NOT_FOUND)
		err = put(s, kind, n, STORE_CREATE, 0, &created);
	else if (!err)
		err = ERR_CONFLICT;
	else
		return sm_store_error(s, err);
	if (err == ERR_CONFLICT)
		diag_add(s->diag, err, "a %s descriptor with the id \"%s\" is registered already", kinds[kind].name, AAS_ID(n));
	return err;
}

enum err sm_descriptor_put(struct sm_session *s, enum store_kind kind, const char *id, const struct aas_node *n, bool *created)
{
	bool lives = false;
	if (!str_eq(id, AAS_ID(n)))
		return diag_add(s->diag, ERR_BAD_REQUEST, "the id \"%s\" of the body is not the id of the path, \"%s\"", AAS_ID(n), id);
	enum err err = check(s, n);
	if (!err && !(err = put(s, kind, n, STORE_EITHER, 0, created)) && *created)
		err = sm_has(s, kinds[kind].own, id, &lives);
	*created &= !lives;
	return err;
}

enum err sm_descriptor_delete(struct sm_session *s, enum store_kind kind, const char *id)
{
	const struct kind *k = &kinds[kind];
	struct store_txn *txn;
	bool lives;
	enum err err = sm_txn(s, &txn);
	if (err || (err = ops_of(s)->del(txn, kind, id)) != ERR_NOT_FOUND)
		return sm_store_error(s, err);
	if ((err = sm_has(s, k->own, id, &lives)))
		return err;
	if (lives)
		return diag_add(s->diag, ERR_CONFLICT, "the %s \"%s\" lives here and was not registered: its descriptor goes when it does",
				k->name, id);
	return missing(s, k->name, id);
}

/* -- a submodel descriptor within a shell's ------------------------------------------------------------------------------------------ */

static struct aas_node **find(struct aas_node **list, const char *id)
{
	while (*list && !str_eq(AAS_ID(*list), id))
		list = &(*list)->next;
	return list;
}

static enum err missing_nested(struct sm_session *s, const char *aas_id, const char *sm_id)
{
	return diag_add(s->diag, ERR_NOT_FOUND, "the descriptor of the shell \"%s\" has none of a submodel with the id \"%s\"", aas_id, sm_id);
}

enum err sm_nested_find(struct sm_session *s, struct aas_node *shell, const char *sm_id, struct aas_node **out)
{
	*out = *find(&SHELL_AT(shell, submodelDescriptors).node, sm_id);
	return *out ? ERR_OK : missing_nested(s, AAS_ID(shell), sm_id);
}

/* What a nested write works on: the entry of the shell, and what is seen.  The entry is an empty one of version 0 when the shell only
 * lives here: it then tells nothing but the submodels. */
struct nested {
	struct aas_node *seen, *entry;
	int64_t version;
};

static enum err nested_begin(struct sm_session *s, const char *aas_id, struct nested *out)
{
	const enum store_kind kind = STORE_SHELL_DESCRIPTOR;
	const struct sm_sources from = sources(kind);
	struct sm_pair pair;
	enum err err = sm_descriptor_get(s, kind, aas_id, "", &out->seen);
	if (err || (err = sm_pair(s, &from, aas_id, &pair)))
		return err;
	out->version = pair.entry.id ? pair.entry.version : 0;
	if (pair.entry.id)
		return sm_doc_read(s, kinds[kind].entry_class, &pair.entry, &out->entry);
	if (!(out->entry = aas_node_new(s->arena, kinds[kind].entry_class)))
		return ERR_NO_MEMORY;
	AAS_ID(out->entry) = arena_strdup(s->arena, aas_id);
	return AAS_ID(out->entry) ? ERR_OK : ERR_NO_MEMORY;
}

static enum err nested_end(struct sm_session *s, const struct nested *n)
{
	bool created;
	enum err err = put(s, STORE_SHELL_DESCRIPTOR, n->entry, n->version ? STORE_REPLACE : STORE_CREATE, n->version, &created);
	return err == ERR_CONFLICT ? ERR_AGAIN : err;	/* somebody made one since we looked */
}

/* The node takes the place of the one with its id, or goes to the end. */
static void nested_set(struct nested *n, struct aas_node *node)
{
	struct aas_node **at = find(&SHELL_AT(n->entry, submodelDescriptors).node, AAS_ID(node));
	node->next = *at ? (*at)->next : NULL;
	*at = node;
}

enum err sm_nested_post(struct sm_session *s, const char *aas_id, struct aas_node *node)
{
	struct nested n;
	enum err err = check(s, node);
	if (err || (err = nested_begin(s, aas_id, &n)))
		return err;
	if (*find(&SHELL_AT(n.entry, submodelDescriptors).node, AAS_ID(node)))
		return diag_add(s->diag, ERR_CONFLICT, "a descriptor of the submodel \"%s\" is registered for this shell already", AAS_ID(node));
	nested_set(&n, node);
	return nested_end(s, &n);
}

enum err sm_nested_put(struct sm_session *s, const char *aas_id, const char *sm_id, struct aas_node *node, bool *created)
{
	struct nested n;
	enum err err;
	if (!str_eq(sm_id, AAS_ID(node)))
		return diag_add(s->diag, ERR_BAD_REQUEST, "the id \"%s\" of the body is not the id of the path, \"%s\"", AAS_ID(node), sm_id);
	if ((err = check(s, node)) || (err = nested_begin(s, aas_id, &n)))
		return err;
	*created = !*find(&SHELL_AT(n.seen, submodelDescriptors).node, sm_id);
	nested_set(&n, node);
	return nested_end(s, &n);
}

enum err sm_nested_delete(struct sm_session *s, const char *aas_id, const char *sm_id)
{
	struct nested n;
	enum err err = nested_begin(s, aas_id, &n);
	if (err)
		return err;
	struct aas_node **at = find(&SHELL_AT(n.entry, submodelDescriptors).node, sm_id);
	if (!*at && *find(&SHELL_AT(n.seen, submodelDescriptors).node, sm_id))
		return diag_add(s->diag, ERR_CONFLICT, "the shell \"%s\" refers to the submodel \"%s\": the descriptor goes when the reference "
				"does", aas_id, sm_id);
	if (!*at)
		return missing_nested(s, aas_id, sm_id);
	*at = (*at)->next;
	return nested_end(s, &n);
}
