/* SPDX-License-Identifier: Apache-2.0
 * Every allocation fails once while operations are asked for and answered: it is said, nothing wrong is given, and nothing leaks.
 */
#include <stdlib.h>

#include "aas/json.h"
#include "server/operation_json.h"
#include "submodels/operation.h"
#include "tests/fault/wrap.h"
#include "tests/tap.h"

#define V(name, value) "{\"value\":{\"modelType\":\"Property\",\"idShort\":\"" name "\",\"valueType\":\"xs:int\",\"value\":\"" value "\"}}"
static const char text[] = "{\"modelType\":\"Operation\",\"idShort\":\"Add\",\"inputVariables\":[" V("A", "0") "],\"inoutputVariables\":[" V("Both", "0") "],"
	"\"outputVariables\":[" V("Sum", "0") "]}";
static struct aas_node *operation;

static bool is(const struct aas_node *list, const char *name, const char *value)
{
	return list && str_eq(sm_argument_name(list), name) && str_eq(AAS_AT(sm_argument_element(list), Property, value).str, value);
}

static enum err request(const char *json, bool value)
{
	struct arena *a = arena_new(0);
	struct diag d = DIAG_INIT;
	struct operation_request in;
	enum err e = a ? operation_request_read(a, operation, slice_of(json), value, &in, &d) : ERR_NO_MEMORY;
	if (!e && (!is(in.inputs, "A", "1") || !is(in.inoutputs, "Both", "2") || in.timeout_us != 5000000))
		e = ERR_INTERNAL;
	diag_fini(&d);
	arena_free(a);
	return e;
}

static enum err request_normal(void)
{
	return request("{\"inputArguments\":[" V("A", "1") "],\"inoutputArguments\":[" V("Both", "2") "],\"clientTimeoutDuration\":\"PT5S\"}", false);
}

static enum err request_value(void)
{
	return request("{\"inputArguments\":{\"A\":1},\"inoutputArguments\":{\"Both\":2},\"clientTimeoutDuration\":\"PT5S\"}", true);
}

static enum err answer(const char *json, const char *message)
{
	struct arena *a = arena_new(0);
	struct diag d = DIAG_INIT;
	struct buf b = BUF_INIT;
	struct sm_outcome out;
	enum err e = a ? operation_answer_read(a, operation, slice_of(json), &out, &d) : ERR_NO_MEMORY;
	if (!e && (!is(out.outputs, "Sum", "3") || !is(out.inoutputs, "Both", "4") || (message && !str_eq(out.message, message))))
		e = ERR_INTERNAL;
	if (!e)
		operation_result_write(&b, &out, true, "id");
	if (!e && b.failed)
		e = ERR_NO_MEMORY;
	buf_fini(&b);
	diag_fini(&d);
	arena_free(a);
	return e;
}

static enum err answer_array(void)
{
	return answer("[" V("Both", "4") "," V("Sum", "3") "]", NULL);
}

static enum err answer_object(void)
{
	return answer("{\"executionState\":\"Failed\",\"messages\":[{\"text\":\"so\"}],\"outputArguments\":[" V("Sum", "3") "],\"inoutputArguments\":[" V("Both", "4") "]}", "so");
}

/* Of our own allocations; those of jansson, which frees what it has not got when it has none, are not caught. */
static void each(const char *what, enum err (*run)(void))
{
	long before = live;
	unsigned long n = 0, wrong = 0;
	fail_at = 0;
	check_int(run(), ERR_OK, "%s", what);
	for (enum err e = ERR_NO_MEMORY; e && n < 10000; n++) {
		seen = 0;
		fail_at = n + 1;
		e = run();
		wrong += e && e != ERR_NO_MEMORY;
	}
	fail_at = 0;
	check(n > 2 && n < 10000 && !wrong, "%s: each of %lu allocations fails once, %lu wrong results", what, n - 1, wrong);
	check_int(live - before, 0, "%s: nothing leaks", what);
}

int main(void)
{
	struct arena *a = arena_new(0);
	if (aas_json_read(a, AAS_Operation, text, sizeof text - 1, AAS_JSON_DEFAULT, &operation, NULL))
		return 1;
	each("a request", request_normal);
	each("a request of values", request_value);
	each("an array as an answer", answer_array);
	each("a result as an answer", answer_object);
	arena_free(a);
	return done();
}
