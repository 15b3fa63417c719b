/* SPDX-License-Identifier: Apache-2.0
 * environment.h - environments larger than memory: read and written one identifiable at a time.
 *
 * Reading needs, beside a few buffers of 64 kB, the text and the tree of the largest identifiable.  What is accepted, what is refused and
 * the paths of the messages are those of aas_json_read and aas_xml_read; only that a fault may be found after some identifiables have
 * been handed over.  One thread.
 */
#ifndef AAS_ENVIRONMENT_H
#define AAS_ENVIRONMENT_H

#include "aas/metamodel.h"
#include "aas/v30.h"
#include "base/stream.h"

#define AAS_ITEM_MAX_DEFAULT ((size_t)1 << 29)

/* Who takes the identifiables, in the order of the text. */
struct aas_items {
	/* A shell, submodel or concept description; its parent is NULL.  The arena holds it and is emptied when this returns; more may be
	 * put there.  The path in d is that of the identifiable.  An error ends the reading and is its result. */
	enum err (*item)(void *ctx, struct arena *, struct aas_node *identifiable, struct diag *d);
	void *ctx;
	size_t item_max;	/* bytes for the text of one identifiable, and as many for its tree; 0: AAS_ITEM_MAX_DEFAULT */
};

/* ERR_TOO_LARGE or ERR_NO_MEMORY where an identifiable is larger than item_max. */
enum err aas_json_read_items(struct source, const struct aas_items *, struct diag *d);
enum err aas_xml_read_items(struct source, const struct aas_items *, struct diag *d);

#endif
