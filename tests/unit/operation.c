/* SPDX-License-Identifier: Apache-2.0
 * Invoking: arguments against the declaration, who executes, and what nobody executes.
 */
#include "submodels/operation.h"

#include "aas/json.h"
#include "submodels/service.h"
#include "tests/tap.h"

static const char pump[] =
	"{\"modelType\":\"Submodel\",\"id\":\"urn:pump\",\"submodelElements\":["
	"{\"modelType\":\"Property\",\"idShort\":\"Speed\",\"valueType\":\"xs:int\"},"
	"{\"modelType\":\"Operation\",\"idShort\":\"Set\",\"inputVariables\":["
	"{\"value\":{\"modelType\":\"Property\",\"idShort\":\"Speed\",\"valueType\":\"xs:double\"}},"
	"{\"value\":{\"modelType\":\"SubmodelElementCollection\",\"idShort\":\"Ramp\",\"value\":["
	"{\"modelType\":\"Property\",\"idShort\":\"Time\",\"valueType\":\"xs:int\",\"value\":\"1\"}]}}]}]}";

static struct arena *arena;
static struct sm_service *service;
static char seen[200];

static enum err execute(void *ctx, const struct sm_invocation *in, struct arena *a, struct sm_outcome *out, struct diag *d)
{
	(void)a, (void)d;
	const struct aas_node *v = sm_argument_element(in->inputs);
	snprintf(seen, sizeof seen, "%s %s %s=%s %lld", in->submodel_id, in->path, sm_argument_name(in->inputs), AAS_AT(v, Property, value).str,
		 (long long)in->timeout_us);
	*out = (struct sm_outcome){ .state = EXECUTION_TIMEOUT, .message = "no answer" };
	return ctx ? ERR_OK : ERR_NOT_SUPPORTED;
}

static struct aas_node *list(const char *json)
{
	struct aas_node *n = NULL;
	if (json && aas_json_read_list(arena, AAS_OperationVariable, json, strlen(json), AAS_JSON_DEFAULT, &n, NULL))
		exit(1);
	return n;
}

#define SPEED "{\"value\":{\"modelType\":\"Property\",\"idShort\":\"Speed\",\"valueType\":\"xs:double\",\"value\":\"5\"}}"
#define RAMP(t) "{\"value\":{\"modelType\":\"SubmodelElementCollection\",\"idShort\":\"Ramp\",\"value\":[" \
	"{\"modelType\":\"Property\",\"idShort\":\"Time\",\"valueType\":\"" t "\",\"value\":\"2\"}]}}"

static const char *why(struct diag *d)
{
	static char text[DIAG_PATH_MAX + DIAG_TEXT_MAX];
	return diag_first(d, text, sizeof text);
}

static void invoke(const char *path, const char *inputs, int64_t timeout, enum err want, const char *message)
{
	struct diag d = DIAG_INIT;
	struct sm_outcome out;
	check_int(sm_invoke(service, &(struct sm_invocation){ "urn:pump", path, NULL, list(inputs), NULL, timeout, NULL, NULL }, arena, &out, &d), want, "invoke %s: %s", path, message);
	if (want)
		check_str(why(&d), message, "says why");
	diag_fini(&d);
}

static void arguments(void)
{
	invoke("Speed", NULL, 0, ERR_METHOD, "only an Operation can be invoked, \"Speed\" is a Property");
	invoke("None", NULL, 0, ERR_NOT_FOUND, "there is no element \"None\"");
	invoke("Set", NULL, 0, ERR_BAD_REQUEST, "inputArguments: the argument \"Speed\" is missing");
	invoke("Set", "[" SPEED "]", 0, ERR_BAD_REQUEST, "inputArguments: the argument \"Ramp\" is missing");
	invoke("Set", "[" SPEED "," SPEED "," RAMP("xs:int") "]", 0, ERR_BAD_REQUEST,
	       "inputArguments[1]: the argument \"Speed\" is given twice");
	invoke("Set", "[" SPEED "," RAMP("xs:long") "]", 0, ERR_BAD_REQUEST,
	       "inputArguments[1].Time: the operation declares xs:int, this is xs:long");
	invoke("Set", "[{\"value\":{\"modelType\":\"Capability\",\"idShort\":\"Speed\"}}]", 0, ERR_BAD_REQUEST,
	       "inputArguments[0]: the operation declares a Property, this is a Capability");
	invoke("Set", "[{\"value\":{\"modelType\":\"Capability\",\"idShort\":\"Other\"}}]", 0, ERR_BAD_REQUEST,
	       "inputArguments[0]: the operation has no argument \"Other\"");
	invoke("Set", "[" SPEED "," RAMP("xs:int") "]", 0, ERR_NOT_SUPPORTED, "nobody executes the operation \"Set\"");
}

static void executed(void)
{
	struct sm_invoker who = { &who, execute };
	sm_service_invoker(service, &who);
	invoke("Set", "[" SPEED "," RAMP("xs:int") "]", 5000000, ERR_OK, "");
	check_str(seen, "urn:pump Set Speed=5 5000000", "the executor gets it");
	invoke("Set", "[" RAMP("xs:int") "," SPEED "]", 0, ERR_OK, "in any order");
	invoke("Set", "[" SPEED "," RAMP("xs:int") "]", 0, ERR_OK, "without a limit");
	check_str(seen, "urn:pump Set Speed=5 60000000", "the default limit");
	invoke("Set", "[" SPEED "," RAMP("xs:int") "]", INT64_MAX, ERR_OK, "with a very long limit");
	check_str(seen, "urn:pump Set Speed=5 900000000", "is cut");
	who.ctx = NULL;
	sm_service_invoker(service, &who);
	invoke("Set", "[" SPEED "," RAMP("xs:int") "]", 0, ERR_NOT_SUPPORTED, "nobody executes the operation \"Set\"");
}

static void value_form(void)
{
	const struct aas_node *op;
	struct aas_node *v;
	struct diag d = DIAG_INIT;
	check_int(sm_operation_get(service, "urn:pump", "Set", arena, &op, &d), ERR_OK, "the operation");
	const struct aas_node *declared = AAS_AT(op, Operation, inputVariables).node;
	check_int(sm_argument_read(arena, declared, SLICE("1500.50"), &v, &d), ERR_OK, "a number");
	check_str(AAS_AT(sm_argument_element(v), Property, value).str, "1500.50", "keeps its digits");
	check(AAS_AT(sm_argument_element(declared), Property, value).str == NULL, "the declaration is as it was");
	check_int(sm_argument_read(arena, declared, SLICE("\"fast\""), &v, &d), ERR_BAD_REQUEST, "a text for a number");
	check_int(sm_argument_read(arena, declared->next, SLICE("{\"Time\":7}"), &v, &d), ERR_OK, "a collection");
	diag_fini(&d);
}

int main(void)
{
	struct store *store = store_mem_new();
	struct aas_node *sm = NULL;
	struct sm_session *s;
	arena = arena_new(0);
	service = sm_service_new(&(struct sm_config){ .store = store });
	aas_json_read(arena, AAS_Submodel, pump, strlen(pump), AAS_JSON_DEFAULT, &sm, NULL);
	sm_begin(service, true, arena, NULL, &s);
	check_int(sm_create(s, STORE_SUBMODEL, sm), ERR_OK, "the submodel");
	check_int(sm_commit(s), ERR_OK, "commit without a bus");
	arguments();
	executed();
	value_form();
	check_str(execution_state_name(EXECUTION_CANCELED), "Canceled", "names of states");
	sm_service_free(service);
	store->ops->close(store);
	arena_free(arena);
	return done();
}
