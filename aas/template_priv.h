/* SPDX-License-Identifier: Apache-2.0
 * template_priv.h - what template.c and template_qualifier.c share.
 */
#ifndef AAS_TEMPLATE_PRIV_H
#define AAS_TEMPLATE_PRIV_H

#include "aas/metamodel.h"

/* The value of the template's qualifier "SMT/TYPE" or "TYPE", or NULL. */
const char *aas_template_qualifier(const struct aas_node *t, const char *type);
/* How many elements may stand for t; *most is SIZE_MAX without bound. */
void aas_template_cardinality(const struct aas_node *t, size_t *least, size_t *most);
/* What the other qualifiers of t ask of an element that stands for it. */
void aas_template_qualifiers(const struct aas_node *t, const struct aas_node *element, struct diag *d);

#endif
