/* SPDX-License-Identifier: Apache-2.0
 * registry_priv.h - what registry.c and discovery.c share: what lives here and what was registered, side by side.
 */
#ifndef SUBMODELS_REGISTRY_PRIV_H
#define SUBMODELS_REGISTRY_PRIV_H

#include "submodels/registry.h"
#include "submodels/session.h"

/* Where what is known of an id comes from, in the order of sm_pair.doc. */
#define SM_SOURCES_MAX 3
struct sm_sources {
	enum store_kind kind[SM_SOURCES_MAX];
	size_t n;
};

/* One id; a document without id is not there. */
struct sm_pair {
	const char *id;
	union {
		struct { struct store_doc own, entry, registered; };	/* what lives here; what was registered or posted; the descriptor */
		struct store_doc doc[SM_SOURCES_MAX];
	};
};

/* The pairs behind `after` in the order of their ids, at most `limit`, of which at least one side fits the leading condition of the filter;
 * the caller looks at the rest.  *more: there are further ones. */
enum err sm_pairs(struct sm_session *, const struct sm_sources *, const struct store_filter *, const char *after, size_t limit, struct sm_pair *,
		  size_t *n, bool *more);
enum err sm_pair(struct sm_session *, const struct sm_sources *, const char *id, struct sm_pair *);
/* Was there anything?  Of a session that looks at the past there are pairs of which there was nothing at that time. */
bool sm_pair_is(const struct sm_pair *, const struct sm_sources *);
#define SM_LOOKS_MAX ((size_t)2000)	/* pairs of the past that one page looks at: it can end early */
/* The tree of a document, in the session's arena. */
enum err sm_doc_read(struct sm_session *, enum aas_class_id, const struct store_doc *, struct aas_node **);
struct aas_fact;
/* The wanted facts that `n` (NULL is allowed) has are crossed out; they are all met when none is left. */
enum err sm_facts_meet(struct sm_session *, const struct aas_node *n, struct aas_fact *want, size_t *n_want);
/* What is seen of it: the entry laid over what derives, without the submodel descriptors that derive.  *own: the shell or submodel itself, NULL
 * when it lives elsewhere. */
enum err sm_descriptor_see(struct sm_session *, enum store_kind, const struct sm_pair *, const char *base, struct aas_node **, struct aas_node **own);
struct sm_nest {
	struct aas_node *shell;		/* the descriptor; its submodelDescriptors are so far those of the entry alone */
	struct aas_node *own;		/* the shell itself; NULL: it lives elsewhere */
};
/* Put the submodel descriptors into those of shells: one look-up for all. */
enum err sm_descriptor_nest(struct sm_session *, const struct sm_nest *, size_t n, const char *base);
/* The message that belongs to an error of the store. */
enum err sm_store_error(struct sm_session *, enum err);

#endif
