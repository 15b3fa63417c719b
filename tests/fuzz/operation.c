/* SPDX-License-Identifier: Apache-2.0 - arbitrary bytes as an OperationRequest, in both forms, and as what a service answers. */
#include <stdlib.h>

#include "aas/json.h"
#include "server/operation_json.h"
#include "submodels/operation.h"

static const char text[] =
	"{\"modelType\":\"Operation\",\"idShort\":\"Set\",\"inputVariables\":["
	"{\"value\":{\"modelType\":\"Property\",\"idShort\":\"Speed\",\"valueType\":\"xs:double\"}},"
	"{\"value\":{\"modelType\":\"SubmodelElementCollection\",\"idShort\":\"Ramp\",\"value\":["
	"{\"modelType\":\"Property\",\"idShort\":\"Time\",\"valueType\":\"xs:int\",\"value\":\"1\"}]}}],"
	"\"inoutputVariables\":[{\"value\":{\"modelType\":\"Property\",\"idShort\":\"Count\",\"valueType\":\"xs:int\"}}]}";

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena *a = arena_new(16 << 20);
	struct diag d = DIAG_INIT;
	struct operation_request in;
	struct aas_node *operation;
	struct buf b = BUF_INIT;
	if (!a || aas_json_read(a, AAS_Operation, text, sizeof text - 1, AAS_JSON_DEFAULT, &operation, NULL))
		abort();
	for (int value = 0; value < 2; value++) {
		enum err err = operation_request_read(a, operation, (struct slice){ (const char *)p, n }, value, &in, &d);
		if (err && !d.n)
			abort();	/* every refusal says why */
		if (!err && !sm_arguments_check(AAS_AT(operation, Operation, inputVariables).node, in.inputs, "inputArguments", &d))
			operation_result_write(&b, &(struct sm_outcome){ EXECUTION_COMPLETED, in.inputs, in.inoutputs, "" }, value, "id");
		diag_clear(&d);
	}
	struct sm_outcome out;
	enum err err = operation_answer_read(a, operation, (struct slice){ (const char *)p, n }, &out, &d);
	if (err && !d.n)
		abort();
	if (!err)
		operation_result_write(&b, &out, true, "id");
	buf_fini(&b);
	diag_fini(&d);
	arena_free(a);
	return 0;
}
