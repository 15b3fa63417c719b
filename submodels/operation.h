/* SPDX-License-Identifier: Apache-2.0
 * operation.h - the arguments of an Operation against its declaration (IDTA-01002, "InvokeOperation").
 *
 * Pure functions on trees.  Every declared argument must be given once and nothing else; a message names the argument.
 */
#ifndef SUBMODELS_OPERATION_H
#define SUBMODELS_OPERATION_H

#include "aas/metamodel.h"

#define SM_TIMEOUT_DEFAULT_US ((int64_t)60 * 1000000)
#define SM_TIMEOUT_MAX_US ((int64_t)15 * 60 * 1000000)

/* `given` against the list `declared` (both lists of OperationVariable): names, classes, value types.  `name`: "inputArguments". */
enum err sm_arguments_check(const struct aas_node *declared, const struct aas_node *given, const char *name, struct diag *);
/* One argument in value-only form: a new OperationVariable of the declared one with this value.  NULL in *out on error. */
enum err sm_argument_read(struct arena *, const struct aas_node *declared, struct slice json, struct aas_node **out, struct diag *);
/* The element of an OperationVariable, and its idShort ("" when it has none). */
const struct aas_node *sm_argument_element(const struct aas_node *variable);
const char *sm_argument_name(const struct aas_node *variable);

#endif
