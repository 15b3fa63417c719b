/* SPDX-License-Identifier: Apache-2.0
 * registry.h - the registries and discovery (IDTA-01002, "Asset Administration Shell Registry", "Submodel Registry", "Basic Discovery").
 *
 * They are views of what lives here, and keep what was registered about others.  The rules, all of them:
 *
 * - Every shell and submodel that lives here has a descriptor and its asset links, derived when somebody asks.  Nobody has to register it.
 * - What somebody registers is an entry.  It is kept as it was sent, and laid over what derives for the same id: an attribute of the entry
 *   wins, one that it leaves out shows what derives; submodel descriptors within a shell's are joined by id, the entry's winning.
 * - Within a shell's descriptor stand the submodels that the shell refers to and that live here or have an entry; of others nobody knows
 *   where they are.
 * - POST makes an entry (ERR_CONFLICT: there is one), also for an id that lives here.  PUT makes or replaces one.
 * - DELETE removes the entry; what lives here is then seen as it derives.  ERR_CONFLICT: there is only what derives, which goes when the
 *   shell or submodel goes.
 * - Discovery knows the asset links that the shell says itself, those that were posted, and those of the descriptor that was registered: all of
 *   them together, also where the descriptor is laid over what derives.  Posted ones leave with the shell (they describe it); a POST replaces those
 *   posted before.  Entries of the registries stay when a shell leaves: it may live elsewhere from now on.
 *
 * All functions are called within a session (service.h), whose arena owns what they give.
 */
#ifndef SUBMODELS_REGISTRY_H
#define SUBMODELS_REGISTRY_H

#include "submodels/service.h"

/* `kind` is STORE_SHELL_DESCRIPTOR or STORE_SUBMODEL_DESCRIPTOR; `base` the URL in front of "/shells/..." in derived endpoints. */
enum err sm_descriptor_get(struct sm_session *, enum store_kind kind, const char *id, const char *base, struct aas_node **);
enum err sm_descriptor_post(struct sm_session *, enum store_kind kind, const struct aas_node *);
/* *created: nothing was known of this id before. */
enum err sm_descriptor_put(struct sm_session *, enum store_kind kind, const char *id, const struct aas_node *, bool *created);
enum err sm_descriptor_delete(struct sm_session *, enum store_kind kind, const char *id);

struct sm_descriptors {
	struct aas_node **item;
	size_t n;
	const char *next;	/* the `after` of the next page; NULL: this was the last */
};
/* In the order of the ids.  Of the filter: asset_ids, asset_kind, asset_type. */
enum err sm_descriptor_list(struct sm_session *, enum store_kind kind, const struct store_filter *, const char *base, const char *after,
			    size_t limit, struct sm_descriptors *);

/* Those for which the query (aas/query.h) holds, in the order of the ids; as store_ops.query does, with what it may cost: submodel descriptors
 * within a shell's count when the query asks about them.  With `$select` they have nothing but their id. */
enum err sm_descriptor_query(struct sm_session *, enum store_kind kind, struct store_query *, const char *base, const char *after, size_t limit,
			     struct sm_descriptors *);

/* -- one submodel descriptor within a shell's: ERR_NOT_FOUND when the shell is unknown, too.  To read it: sm_nested_find. ------ */
enum err sm_nested_find(struct sm_session *, struct aas_node *shell, const char *sm_id, struct aas_node **);
enum err sm_nested_post(struct sm_session *, const char *aas_id, struct aas_node *);
enum err sm_nested_put(struct sm_session *, const char *aas_id, const char *sm_id, struct aas_node *, bool *created);
enum err sm_nested_delete(struct sm_session *, const char *aas_id, const char *sm_id);

/* -- discovery: asset links are SpecificAssetIds; the one of the name globalAssetId is the global asset id (AASd-116) ------------ */
struct sm_ids { const char **id; size_t n; const char *next; };
/* The shells that have all these links, whoever said each of them. */
enum err sm_lookup(struct sm_session *, const struct store_filter *, const char *after, size_t limit, struct sm_ids *);
enum err sm_links_get(struct sm_session *, const char *aas_id, struct aas_node **head);
enum err sm_links_post(struct sm_session *, const char *aas_id, struct aas_node *links);
enum err sm_links_delete(struct sm_session *, const char *aas_id);

#endif
