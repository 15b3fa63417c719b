/* SPDX-License-Identifier: Apache-2.0 */
#include "submodels/invoke.h"

const char *execution_state_name(enum execution_state s)
{
	static const char *const name[] = {
		[EXECUTION_COMPLETED] = "Completed",
		[EXECUTION_FAILED] = "Failed",
		[EXECUTION_TIMEOUT] = "Timeout",
		[EXECUTION_CANCELED] = "Canceled",
	};
	return name[s];
}
