/* SPDX-License-Identifier: Apache-2.0 */
#include "aas/v30.h"

#include "aas/rules.h"

enum err aas_v30_check(const struct aas_node *n, struct diag *d)
{
	return aas_rules_check(n, AAS_RULES_V30 | AAS_RULES_V30_ALONE, d);
}
