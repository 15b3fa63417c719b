/* SPDX-License-Identifier: Apache-2.0
 * conformance.h - docs/conformance.md, made from routes.def, operations.def and the scripts: what is served, and which script shows it.
 */
#ifndef TESTS_API_CONFORMANCE_H
#define TESTS_API_CONFORMANCE_H

#include <stdbool.h>

#include "base/buf.h"

/* `script`: by row of `routes`, the first script that calls it with success; NULL: none. */
void conformance_write(struct buf *, const char *const *script);
/* Is every operation of the profile served?  `profile` is its URI or the end of it, ".../SubmodelServiceSpecification/SSP-001". */
bool conformance_complete(const char *profile);

#endif
