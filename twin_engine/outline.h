/* SPDX-License-Identifier: Apache-2.0
 * outline.h - which Properties and Ranges a submodel has, and of what type: all the engine keeps of a submodel that is not a twin.
 *
 * Immutable after it is made; one thread at a time.
 */
#ifndef TWIN_ENGINE_OUTLINE_H
#define TWIN_ENGINE_OUTLINE_H

#include "aas/metamodel.h"

struct outline;

struct outline *outline_new(const struct aas_node *submodel);	/* NULL without memory */
void outline_free(struct outline *);				/* NULL is allowed */

/* The element at an idShortPath: false when there is none, or it is neither Property nor Range.
 * *value_type is the slot's ord (see aas_xsd_ok). */
bool outline_find(const struct outline *, const char *path, uintptr_t *value_type, bool *is_range);

#endif
