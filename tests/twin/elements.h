/* SPDX-License-Identifier: Apache-2.0
 * elements.h - submodels of scenario scripts: one line of text per element (see run.c), and operation arguments.
 */
#ifndef TESTS_TWIN_ELEMENTS_H
#define TESTS_TWIN_ELEMENTS_H

#include "aas/metamodel.h"

struct aas_node *elements_submodel(struct arena *, const char *id, bool twin);
const char *elements_add(struct arena *, struct aas_node *submodel, char *line);	/* NULL, or what is wrong with the line */
struct aas_node *elements_operation(struct aas_node *submodel, const char *path);
/* "Speed=1500 On=true" for the operation's input variables: a list of OperationVariable. */
struct aas_node *elements_arguments(struct arena *, const struct aas_node *operation, char *text);

#endif
