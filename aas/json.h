/* SPDX-License-Identifier: Apache-2.0
 * json.h - AAS JSON in and out for every class, driven by the metamodel table (IDTA-01001, "Mappings: JSON").
 *
 * The reader is a single pass over the bytes straight into nodes: the table is the schema.  It checks everything that is
 * structural: required attributes, kinds, enumeration literals, lengths, patterns, xs: values against valueType, duplicate and
 * unknown members, depth, UTF-8.  It stops at the first fault and names its path and, where there is one, its rule (rules.h); with
 * AAS_JSON_COLLECT it reports every fault of an attribute, passes over an object that is no JSON, and stops only where the brackets do not match.
 */
#ifndef AAS_JSON_H
#define AAS_JSON_H

#include "aas/metamodel.h"
#include "base/buf.h"

enum aas_json_flags {
	AAS_JSON_DEFAULT = 0,
	AAS_JSON_PARTIAL = 1,		/* required attributes may be absent (PATCH, $metadata) */
	AAS_JSON_METADATA = 2,		/* attributes that are not part of $metadata are refused */
	AAS_JSON_COLLECT = 4,		/* go on after a fault; the result is ERR_BAD_REQUEST all the same, and *out what could be read:
					 * required attributes may be absent, texts wrong.  NULL when not even the root could be. */
};

#define AAS_DEPTH_MAX 64		/* nesting of nodes */

/* `type` is a class id or an abstract type (AAS_SubmodelElement).  The whole text must be one value.  *out belongs to the arena. */
enum err aas_json_read(struct arena *, unsigned type, const char *text, size_t n, unsigned flags, struct aas_node **out, struct diag *);
/* A JSON array of such values; *head is the first of a list linked by next, NULL for an empty array. */
enum err aas_json_read_list(struct arena *, unsigned type, const char *text, size_t n, unsigned flags, struct aas_node **head, struct diag *);

/* Compact JSON of the whole subtree: the canonical form that the store keeps.  Failure is the buffer's. */
void aas_json_write(struct buf *, const struct aas_node *);

#endif
