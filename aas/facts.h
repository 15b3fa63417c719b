/* SPDX-License-Identifier: Apache-2.0
 * facts.h - what an identifiable is found by: one fact per text that lists can be filtered by.  A filter is turned into the same
 * facts, and matches when the identifiable has them all.
 */
#ifndef AAS_FACTS_H
#define AAS_FACTS_H

#include "aas/store.h"

/* The numbers are stored (twinshell.lookup.field). */
enum aas_fact_field {
	FACT_ID_SHORT = 1,
	FACT_SEMANTIC_ID = 2,		/* supplemental ones included */
	FACT_IS_CASE_OF = 3,
	FACT_DATA_SPECIFICATION = 4,
	FACT_ASSET_ID = 5,
	FACT_SUBMODEL = 6		/* that a shell refers to */
};

struct aas_fact {
	enum aas_fact_field field;
	const char *name;		/* of an asset id, else "" */
	const char *value;		/* of a Reference: "(Type)value" of every key, joined by U+001F, which no id can hold */
};

/* Without duplicates, in a stable order; texts borrowed from the tree or in the arena. */
enum err aas_facts(struct arena *, const struct aas_node *identifiable, struct aas_fact **, size_t *n);
enum err aas_filter_facts(struct arena *, const struct store_filter *, struct aas_fact **, size_t *n);	/* NULL: none */

#endif
