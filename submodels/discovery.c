/* SPDX-License-Identifier: Apache-2.0
 * discovery.c - which shells belong to an asset (IDTA-01002, "Asset Administration Shell Basic Discovery"); see registry.h.
 */
#include "aas/facts.h"
#include "aas/rules.h"
#include "base/clock.h"
#include "submodels/registry_priv.h"

#define PORTION ((size_t)64)
#define LINKS_AT(n) AAS_AT(n, AssetAdministrationShellDescriptor, specificAssetIds).node

/* What the shell says itself, what was posted, and what the descriptor says that was registered: all of it counts, whoever said it. */
static const struct sm_sources from = { { STORE_SHELL, STORE_ASSET_LINKS, STORE_SHELL_DESCRIPTOR }, 3 };

static enum err read_pair(struct sm_session *s, const struct sm_pair *p, struct aas_node *said[SM_SOURCES_MAX])
{
	enum err err = ERR_OK;
	for (size_t i = 0; i < from.n; i++) {
		said[i] = NULL;
		if (!err && p->doc[i].id)
			err = sm_doc_read(s, i ? AAS_AssetAdministrationShellDescriptor : AAS_AssetAdministrationShell, &p->doc[i], &said[i]);
	}
	return err;
}

static enum err meets(struct sm_session *s, const struct store_filter *f, const struct sm_pair *p, bool *yes)
{
	struct aas_node *said[SM_SOURCES_MAX];
	struct aas_fact *want;
	size_t n_want;
	enum err err = aas_filter_facts(s->arena, f, &want, &n_want);
	*yes = false;
	if (err || !sm_pair_is(p, &from))
		return err;
	if (n_want)
		err = read_pair(s, p, said);
	for (size_t i = 0; !err && n_want && i < from.n; i++)
		err = sm_facts_meet(s, said[i], want, &n_want);
	*yes = !n_want;
	return err;
}

enum err sm_lookup(struct sm_session *s, const struct store_filter *f, const char *after, size_t limit, struct sm_ids *out)
{
	struct sm_pair *pair = ARENA_ARRAY(s->arena, struct sm_pair, PORTION);
	enum err err = ERR_OK;
	bool more = true, yes;
	size_t n;
	*out = (struct sm_ids){ .id = ARENA_ARRAY(s->arena, const char *, limit) };
	if (!out->id || !pair)
		return ERR_NO_MEMORY;
	for (size_t looked = 0; !err && more && out->n < limit && (s->at_us == TIME_NONE || looked < SM_LOOKS_MAX); looked += PORTION) {
		size_t left = limit - out->n;
		err = sm_pairs(s, &from, f, after, left < PORTION ? left : PORTION, pair, &n, &more);
		for (size_t i = 0; !err && i < n; i++) {
			if (!(err = meets(s, f, &pair[i], &yes)) && yes)
				out->id[out->n++] = pair[i].id;
			after = pair[i].id;
		}
	}
	out->next = more ? after : NULL;
	return err;
}

/* Appends those that are not there yet. */
static enum err append_links(struct sm_session *s, struct aas_node *list, struct map *seen, struct aas_node ***tail)
{
	for (struct aas_node *n = list, *next; n; n = next) {
		const char *name = AAS_AT(n, SpecificAssetId, name).str;
		const char *key = arena_printf(s->arena, "%zu %s%s", strlen(name), name, AAS_AT(n, SpecificAssetId, value).str);
		next = n->next;
		if (!key)
			return ERR_NO_MEMORY;
		if (map_get(seen, key, strlen(key)))
			continue;
		if (!map_put(seen, key, strlen(key), n, NULL))
			return ERR_NO_MEMORY;
		n->next = NULL;
		**tail = n;
		*tail = &n->next;
	}
	return ERR_OK;
}

/* The links, the global one under its reserved name (AASd-116). */
static enum err links_of(struct sm_session *s, const char *global, struct aas_node *specific, struct aas_node **head)
{
	struct aas_node *n = global ? aas_node_new(s->arena, AAS_SpecificAssetId) : NULL;
	if (global && !n)
		return ERR_NO_MEMORY;
	*head = specific;
	if (n) {
		AAS_AT(n, SpecificAssetId, name).str = "globalAssetId";
		AAS_AT(n, SpecificAssetId, value).str = global;
		n->next = specific;
		*head = n;
	}
	return ERR_OK;
}

/* Of a shell, of what was posted, or of a descriptor. */
static enum err said_links(struct sm_session *s, const struct aas_node *n, struct aas_node **head)
{
	if (aas_is(n, AAS_AssetAdministrationShellDescriptor))
		return links_of(s, AAS_AT(n, AssetAdministrationShellDescriptor, globalAssetId).str, LINKS_AT(n), head);
	n = AAS_AT(n, AssetAdministrationShell, assetInformation).node;
	return links_of(s, AAS_AT(n, AssetInformation, globalAssetId).str, AAS_AT(n, AssetInformation, specificAssetIds).node, head);
}

enum err sm_links_get(struct sm_session *s, const char *aas_id, struct aas_node **head)
{
	struct aas_node *said[SM_SOURCES_MAX], *links, **tail = head;
	struct map seen = MAP_INIT;
	struct sm_pair pair;
	enum err err = sm_pair(s, &from, aas_id, &pair);
	*head = NULL;
	if (!err && !pair.own.id && !pair.entry.id && !pair.registered.id)
		err = diag_add(s->diag, ERR_NOT_FOUND, "there are no asset links of a shell with the id \"%s\"", aas_id);
	if (err || (err = read_pair(s, &pair, said)))
		return err;
	for (size_t i = 0; !err && i < from.n; i++)
		if (said[i] && !(err = said_links(s, said[i], &links)))
			err = append_links(s, links, &seen, &tail);
	map_fini(&seen);
	return err;
}

enum err sm_links_post(struct sm_session *s, const char *aas_id, struct aas_node *links)
{
	struct aas_node *n = aas_node_new(s->arena, AAS_AssetAdministrationShellDescriptor);
	struct store_txn *txn;
	int64_t version;
	bool created;
	enum err err = n ? sm_txn(s, &txn) : ERR_NO_MEMORY;
	if (err)
		return err;
	AAS_ID(n) = aas_id;
	LINKS_AT(n) = links;
	if ((err = aas_rules_check(n, AAS_RULES_LENIENT, s->diag)))
		return err;
	return sm_store_error(s, s->service->conf.store->ops->put(txn, STORE_ASSET_LINKS, n, STORE_EITHER, 0, &created, &version));
}

enum err sm_links_delete(struct sm_session *s, const char *aas_id)
{
	struct store_txn *txn;
	struct sm_pair pair;
	bool lives;
	enum err err = sm_txn(s, &txn);
	if (err || (err = s->service->conf.store->ops->del(txn, STORE_ASSET_LINKS, aas_id)) != ERR_NOT_FOUND)
		return sm_store_error(s, err);
	if ((err = sm_has(s, STORE_SHELL, aas_id, &lives)) || (err = sm_pair(s, &from, aas_id, &pair)))
		return err;
	if (!lives && pair.registered.id)
		return diag_add(s->diag, ERR_CONFLICT, "no asset links were posted for the shell \"%s\": those it has are in its descriptor", aas_id);
	if (lives)
		return diag_add(s->diag, ERR_CONFLICT, "no asset links were posted for the shell \"%s\": those it has are in its assetInformation",
				aas_id);
	return diag_add(s->diag, ERR_NOT_FOUND, "there are no asset links of a shell with the id \"%s\"", aas_id);
}
