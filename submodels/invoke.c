/* SPDX-License-Identifier: Apache-2.0 */
#include "submodels/invoke.h"

static const struct {
	const char *name;
	bool final;
} states[] = {
#define S(state, text, final) [EXECUTION_##state] = { text, final },
#include "submodels/operation.def"
#undef S
};
#define N_STATES (sizeof states / sizeof *states)

const char *execution_state_name(enum execution_state s)
{
	return states[s].name;
}

bool execution_state_final(enum execution_state s)
{
	return states[s].final;
}

bool execution_state_find(const char *name, enum execution_state *out)
{
	for (size_t i = 0; i < N_STATES; i++) {
		if (strcmp(states[i].name, name))
			continue;
		*out = (enum execution_state)i;
		return true;
	}
	return false;
}
