/* SPDX-License-Identifier: Apache-2.0
 * lookup.h - names of the metamodel to their place in a table, by a hash without collisions.
 *
 * The tables are made once, before main(), from metamodel.def and api.def, and are constant afterwards.  For the codecs; everybody else
 * calls aas_prop_find, aas_enum_find, aas_class_by_name.
 */
#ifndef AAS_LOOKUP_H
#define AAS_LOOKUP_H

#include <string.h>

#include "aas/metamodel.h"

#define AAS_LOOKUP_SIZE 128

struct aas_lookup {
	uint64_t seed;
	uint8_t place[AAS_LOOKUP_SIZE];		/* 1 + index, 0: nothing */
	uint8_t len[AAS_LOOKUP_SIZE];		/* of the name there */
};

/* What the codecs want to know about a class at once; slots are bits. */
struct aas_class_index {
	struct aas_lookup props;
	uint32_t required;
	uint32_t values;	/* texts to be checked against valueType */
	uint8_t value_type;	/* slot of valueType; only meaningful when `values` is not 0 */
	uint16_t key_bytes;	/* an upper bound of what the names cost in JSON */
};

extern struct aas_class_index aas_class_index[AAS_N_CLASSES];
extern struct aas_lookup aas_enum_lookup[], aas_class_lookup, aas_xml_lookup;

/* Reads only the n bytes.  No two names of a table agree in length, first and last eight bytes. */
static inline unsigned aas_lookup_hash(uint64_t seed, const char *p, size_t n)
{
	uint64_t a = 0, b = 0;
	if (n >= 8) {
		memcpy(&a, p, 8);
		memcpy(&b, p + n - 8, 8);
	} else if (n >= 4) {
		memcpy(&a, p, 4);
		memcpy(&b, p + n - 4, 4);
	} else if (n) {
		a = (uint64_t)(unsigned char)p[0] << 16 | (uint64_t)(unsigned char)p[n / 2] << 8 | (unsigned char)p[n - 1];
	}
	return (unsigned)(((a ^ seed) * 0x9E3779B97F4A7C15u + (b + n) * (seed | 1)) >> 57);
}

/* The index of the only name that may be p, if its length is n; else -1. */
static inline int aas_lookup_guess(const struct aas_lookup *l, const char *p, size_t n)
{
	unsigned at = aas_lookup_hash(l->seed, p, n);
	return l->len[at] == n ? (int)l->place[at] - 1 : -1;
}

#endif
