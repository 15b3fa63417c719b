/* SPDX-License-Identifier: Apache-2.0
 * op_invoke.c - invoke an Operation and wait for its outcome (IDTA-01002, InvokeOperationSync).
 *
 * A refusal or a failure of the asset and a time-out are answers (200 with executionState), not errors.
 */
#include "server/call.h"
#include "server/op.h"
#include "server/operation_json.h"

enum err op_invoke_sync(struct call *c)
{
	bool value = c->view.modifier == AAS_VALUE;
	const struct aas_node *operation;
	struct operation_request in;
	struct sm_outcome out;
	enum err err;

	if ((err = sm_operation_get(c->service, c->sm_id, c->id_short_path, c->arena, &operation, &c->diag)) ||
	    (err = operation_request_read(c->arena, operation, c->body, value, &in, &c->diag)) ||
	    (err = sm_invoke(c->service, c->sm_id, c->id_short_path, in.inputs, in.inoutputs, in.timeout_us, c->arena, &out, &c->diag)))
		return err;
	operation_result_write(&c->reply.body, &out, value, c->correlation_id);
	return ERR_OK;
}
