/* SPDX-License-Identifier: Apache-2.0
 * facts.h - what an identifiable or a descriptor is found by: one fact per text that lists can be filtered by.  A filter is turned into the same
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
	FACT_SUBMODEL = 6,		/* that a shell refers to: first key */
	/* -- for queries alone; of elements only what rows (rows.h) do not show -- */
	FACT_SEMANTIC_KEY = 7,		/* of a submodel's (or its descriptor's) semanticId: value of a key; name "0" for the first, "n" for others */
	FACT_SUBMODEL_KEY = 8,		/* of a shell's references to submodels: value of a key behind the first */
	FACT_ELEMENT_NAME = 9,		/* idShort of an element that has no row, or whose path does not end with it */
	FACT_ELEMENT_KEY = 10,		/* value of a key in the semanticId of an element that has no row, or has several keys */
	FACT_ELEMENT_TEXT = 11,		/* each text of a MultiLanguageProperty that has several */
	/* -- of shells and their descriptors -- */
	FACT_ASSET_KIND = 12,
	FACT_ASSET_TYPE = 13,
	/* -- of submodels -- */
	FACT_EVENTS = 14		/* "BasicEventElement": it has one */
};

struct aas_fact {
	enum aas_fact_field field;
	const char *name;		/* of an asset id or a key, else "" */
	const char *value;		/* of 2, 3, 4: "(Type)value" of every key, joined by U+001F, which no id can hold */
};

/* Without duplicates, in a stable order; texts borrowed from the tree or in the arena. */
enum err aas_facts(struct arena *, const struct aas_node *identifiable, struct aas_fact **, size_t *n);
enum err aas_filter_facts(struct arena *, const struct store_filter *, struct aas_fact **, size_t *n);	/* NULL: none */

#endif
