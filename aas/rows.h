/* SPDX-License-Identifier: Apache-2.0
 * rows.h - a submodel as narrow rows: one per element that has no children, or a value beside them (Entity and
 * AnnotatedRelationshipElement).  What SQL reports, queries and value writes work on; the document stays the truth.
 */
#ifndef AAS_ROWS_H
#define AAS_ROWS_H

#include "aas/lexical.h"
#include "aas/metamodel.h"

/* Every reading that a text allows, whatever its type: the reader picks by group. */
struct aas_typed {
	double num;		/* NaN: not a finite number */
	int64_t ts_us;		/* TIME_NONE: not an xs:dateTime */
	int8_t boolean;		/* 0, 1, or -1: not an xs:boolean */
};
void aas_typed_read(const char *text, struct aas_typed *);	/* NULL: none of them */

struct aas_row {
	uint32_t position;		/* counted over all elements in document order, from 0 */
	const char *path;		/* idShortPath */
	const char *cls;		/* "Property" */
	const char *semantic_id;	/* value of the only key, else all keys in text form; NULL */
	const char *unit;		/* of a qualifier "unit", else of IEC 61360 content; NULL */
	const char *value_type;		/* "xs:int" of Property and Range; NULL */
	const char *value;		/* as the client wrote it; Range "min..max"; Reference: its last key's value; NULL */
	enum aas_xsd_group group;	/* of a Property; else AAS_XSD_TEXT */
	struct aas_typed typed;		/* only the reading that belongs to the group */
};

/* In document order; everything belongs to the arena (texts of the tree are borrowed).  ERR_NO_MEMORY, or ERR_BAD_REQUEST when
 * the elements nest deeper than AAS_PATH_DEPTH. */
enum err aas_rows(struct arena *, const struct aas_node *submodel, struct aas_row **, size_t *n);

/* The value of the only key, else "(Type)value, (Type)value"; NULL for NULL or without memory. */
const char *aas_reference_text(struct arena *, const struct aas_node *reference);
/* The unit of one element, as in struct aas_row. */
const char *aas_unit(const struct aas_node *element);

#endif
