/* SPDX-License-Identifier: Apache-2.0
 * value.h - the value-only form, for view.c alone (IDTA-01002, "ValueOnly-Serialization"); everybody else uses view.h.
 */
#ifndef AAS_VALUE_H
#define AAS_VALUE_H

#include "aas/view.h"

/* Writes nothing and returns false when n has no value: then a container leaves it out. */
bool aas_value_write(struct buf *, const struct aas_node *n, const struct aas_view *);
/* What the texts of a Property (value) or Range (min, max) are now, live or stored; NULL: absent.  text[] may point into `tmp`. */
struct aas_value_texts {
	const char *text[2];
	char tmp[256];
};
void aas_value_texts(struct aas_value_texts *, const struct aas_node *n, const struct aas_view *);

#endif
