/* SPDX-License-Identifier: Apache-2.0 */
#include "aas/store.h"

const char *quality_name(enum quality q)
{
	static const char *const names[] = { "good", "uncertain", "simulated", "stale", "bad" };
	return (unsigned)q < sizeof names / sizeof *names ? names[q] : "bad";
}
