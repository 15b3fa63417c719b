/* SPDX-License-Identifier: Apache-2.0
 * invoke.h - who executes an Operation (IDTA-01002, "InvokeOperation").  Implemented by the engine, plugged in by server/main.c.
 */
#ifndef SUBMODELS_INVOKE_H
#define SUBMODELS_INVOKE_H

#include "aas/metamodel.h"

enum execution_state {
#define S(state, text, final) EXECUTION_##state,
#include "submodels/operation.def"
#undef S
};
const char *execution_state_name(enum execution_state);	/* "Completed", ... */
bool execution_state_final(enum execution_state);		/* it has ended, one way or another */
bool execution_state_find(const char *name, enum execution_state *);	/* false: there is no such state */

struct sm_invocation {
	const char *submodel_id, *path;
	const struct aas_node *operation;
	const struct aas_node *inputs, *inoutputs;	/* lists of OperationVariable, already checked against the operation */
	int64_t timeout_us;				/* > 0 */
	const char *actor, *request;			/* who asks, and the correlation id of his request, if that is known */
};

struct sm_outcome {
	enum execution_state state;			/* a final one */
	struct aas_node *outputs, *inoutputs;		/* lists of OperationVariable, in the arena; NULL: none */
	const char *message;				/* in the arena: why it failed; NULL */
};

struct sm_invoker {
	void *ctx;
	/* Blocks the calling worker until the outcome or the time-out is known.  ERR_NOT_SUPPORTED: nobody is bound to this operation.
	 * A refusal, a failure or a time-out is ERR_OK with the state telling so. */
	enum err (*invoke)(void *ctx, const struct sm_invocation *, struct arena *, struct sm_outcome *, struct diag *);
};

#endif
