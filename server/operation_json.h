/* SPDX-License-Identifier: Apache-2.0
 * operation_json.h - OperationRequest in, OperationResult out, in normal and in value-only form (IDTA-01002; spec/value_only.md 11).
 */
#ifndef SERVER_OPERATION_JSON_H
#define SERVER_OPERATION_JSON_H

#include "base/buf.h"
#include "submodels/invoke.h"

struct operation_request {
	struct aas_node *inputs, *inoutputs;	/* lists of OperationVariable; NULL: none */
	int64_t timeout_us;			/* 0: none given */
};

/* `value`: the value-only form, read against the declarations of `operation`.  An empty body is a request without arguments.
 * ERR_BAD_REQUEST with a message that names the member. */
enum err operation_request_read(struct arena *, const struct aas_node *operation, struct slice json, bool value,
				struct operation_request *, struct diag *);
/* What a service that executes the operation answers: a JSON array of OperationVariable, sorted into outputs and in-outputs by the
 * declaration, or an OperationResult in normal form; nothing at all is an answer without variables.  ERR_BAD_REQUEST with a message. */
enum err operation_answer_read(struct arena *, const struct aas_node *operation, struct slice json, struct sm_outcome *, struct diag *);
void operation_result_write(struct buf *, const struct sm_outcome *, bool value, const char *correlation_id);

#endif
