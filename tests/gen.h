/* SPDX-License-Identifier: Apache-2.0
 * gen.h - random valid trees of any class, from the metamodel table, for tests that hold for every tree.
 *
 * Equal seeds give equal trees.  What comes out keeps every rule of the lenient mode: aas_check and aas_rules_check find nothing.  The
 * texts have what codecs stumble over: quotes, markup, line ends, blanks at the edges, letters of two to four bytes.
 */
#ifndef TESTS_GEN_H
#define TESTS_GEN_H

#include "aas/metamodel.h"

struct gen {
	struct arena *arena;	/* of the trees */
	uint64_t state;
	unsigned budget;	/* nodes that may still be made before only what is required is */
	unsigned serial;	/* makes names unique */
	bool canonical;		/* values only as $value writes them, so that they come back as they were; no empty blobs */
};

#define GEN_BUDGET 300
void gen_init(struct gen *, struct arena *, uint64_t seed);
uint32_t gen_below(struct gen *, uint32_t n);		/* 0 ... n - 1; n > 0 */

/* An instance of a class or an abstract type, alone. It aborts without memory. */
struct aas_node *gen_node(struct gen *, unsigned type);
/* One that aas_insert takes below `parent`, at most `depth` levels of elements deep; NULL when parent is a leaf. */
struct aas_node *gen_child(struct gen *, const struct aas_node *parent, unsigned depth);
/* A text of the xs: type; `ord` as in a slot, 0 is xs:string. */
const char *gen_value(struct gen *, uintptr_t ord);

#endif
