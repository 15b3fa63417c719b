/* SPDX-License-Identifier: Apache-2.0
 * v30.h - what AAS V3.1 has and V3.0 does not, for writers that are asked for V3.0.
 *
 * Trees are of V3.1 whatever they were read from.  Nothing is ever rewritten to suit V3.0: what does not fit is named.
 */
#ifndef AAS_V30_H
#define AAS_V30_H

#include "aas/metamodel.h"

enum aas_version { AAS_V3_1, AAS_V3_0 };

/* Reports, each with its path, what a valid V3.1 tree holds that V3.0 forbids: attributes V3.0 requires, literals it does not know, longer
 * texts, hyphens in idShorts, and AASd-014, AASd-090, AASd-120 in their V3.0 form.  ERR_OK or ERR_BAD_REQUEST.  d may be NULL. */
enum err aas_v30_check(const struct aas_node *, struct diag *d);

#endif
