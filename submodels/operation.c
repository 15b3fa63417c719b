/* SPDX-License-Identifier: Apache-2.0 */
#include "submodels/operation.h"

#include "aas/tree.h"
#include "aas/view.h"
#include "base/clock.h"
#include "submodels/session.h"

const struct aas_node *sm_argument_element(const struct aas_node *variable)
{
	return AAS_AT(variable, OperationVariable, value).node;
}

const char *sm_argument_name(const struct aas_node *variable)
{
	const struct aas_node *e = sm_argument_element(variable);
	return e && AAS_ID_SHORT(e) ? AAS_ID_SHORT(e) : "";
}

static const struct aas_node *by_name(const struct aas_node *list, const char *name)
{
	while (list && !str_eq(sm_argument_name(list), name))
		list = list->next;
	return list;
}

/* The attribute that types the value of a class: 0 when it has none or it is absent. */
static uintptr_t type_of(const struct aas_node *n)
{
	int i = aas_prop_find(n->cls, "valueType", 9);
	return i < 0 ? 0 : n->slot[i].ord;
}

static enum err same_type(const struct aas_node *want, const struct aas_node *got, struct diag *d);

/* Children of a collection by idShort; those of a list all against the list's announcement, which aas_insert and the readers keep. */
static enum err same_children(const struct aas_node *want, const struct aas_node *got, struct diag *d)
{
	enum err err = ERR_OK;
	if (aas_is(want, AAS_SubmodelElementList))
		return err;
	for (const struct aas_node *g = aas_first_child(got); g && !err; g = g->next) {
		const struct aas_node *w = aas_first_child(want);
		const char *id = AAS_ID_SHORT(g);
		while (w && !(id && AAS_ID_SHORT(w) && str_eq(AAS_ID_SHORT(w), id)))
			w = w->next;
		if (w) {
			struct diag_frame f;
			diag_push(d, &f, id);
			err = same_type(w, g, d);
			diag_pop(d);
		} else {
			err = diag_add(d, ERR_BAD_REQUEST, "the operation does not declare \"%s\" here", id ? id : "");
		}
	}
	return err;
}

static enum err same_type(const struct aas_node *want, const struct aas_node *got, struct diag *d)
{
	if (want->cls != got->cls)
		return diag_add(d, ERR_BAD_REQUEST, "the operation declares a %s, this is a %s", want->cls->name, got->cls->name);
	if (type_of(want) != type_of(got))
		return diag_add(d, ERR_BAD_REQUEST, "the operation declares %s, this is %s",
				aas_enum_text(AAS_ENUM_DataTypeDefXsd, (union aas_slot){ .ord = type_of(want) }),
				aas_enum_text(AAS_ENUM_DataTypeDefXsd, (union aas_slot){ .ord = type_of(got) }));
	return same_children(want, got, d);
}

static enum err check_given(const struct aas_node *declared, const struct aas_node *given, struct diag *d)
{
	size_t i = 0;
	for (const struct aas_node *g = given; g; g = g->next, i++) {
		const struct aas_node *w = by_name(declared, sm_argument_name(g));
		struct diag_frame f;
		enum err err = ERR_OK;
		diag_push_index(d, &f, i);
		if (!w)
			err = diag_add(d, ERR_BAD_REQUEST, "the operation has no argument \"%s\"", sm_argument_name(g));
		else if (by_name(given, sm_argument_name(g)) != g)
			err = diag_add(d, ERR_BAD_REQUEST, "the argument \"%s\" is given twice", sm_argument_name(g));
		else
			err = same_type(sm_argument_element(w), sm_argument_element(g), d);
		diag_pop(d);
		if (err)
			return err;
	}
	return ERR_OK;
}

enum err sm_arguments_check(const struct aas_node *declared, const struct aas_node *given, const char *name, struct diag *d)
{
	struct diag_frame f;
	enum err err;
	diag_push(d, &f, name);
	err = check_given(declared, given, d);
	for (const struct aas_node *w = declared; w && !err; w = w->next)
		if (!by_name(given, sm_argument_name(w)))
			err = diag_add(d, ERR_BAD_REQUEST, "the argument \"%s\" is missing", sm_argument_name(w));
	diag_pop(d);
	return err;
}

enum err sm_argument_read(struct arena *a, const struct aas_node *declared, struct slice json, struct aas_node **out, struct diag *d)
{
	struct aas_node *v = aas_copy(a, declared);
	enum err err;
	*out = NULL;
	if (!v)
		return diag_add(d, ERR_NO_MEMORY, "out of memory");
	if ((err = aas_value_read(a, AAS_AT(v, OperationVariable, value).node, json.p, json.n, NULL, NULL, d)))
		return err;
	*out = v;
	return ERR_OK;
}

/* A copy of the Operation: the session, and with it the database connection, ends before the asset is asked. */
static enum err find_operation(struct sm_service *service, const char *sm_id, const char *path, struct arena *a, struct aas_node **out,
			       struct diag *d)
{
	const struct aas_node *n;
	struct sm_session *s;
	enum err err = sm_begin(service, false, a, d, &s);
	if (err)
		return err;
	if (!(err = sm_element_get(s, sm_id, path, &n))) {
		if (!aas_is(n, AAS_Operation))
			err = diag_add(d, ERR_METHOD, "only an Operation can be invoked, \"%s\" is a %s", path ? path : "", n->cls->name);
		else if (!(*out = aas_copy(a, n)))
			err = diag_add(d, ERR_NO_MEMORY, "out of memory");
	}
	sm_abort(s);
	return err;
}

enum err sm_operation_get(struct sm_service *service, const char *sm_id, const char *path, struct arena *a, const struct aas_node **out,
			  struct diag *d)
{
	struct aas_node *op = NULL;
	enum err err = find_operation(service, sm_id, path, a, &op, d);
	*out = op;
	return err;
}

enum err sm_invocation_prepare(struct sm_service *service, struct sm_invocation *in, struct arena *a, struct diag *d)
{
	struct aas_node *op;
	enum err err;

	if ((err = find_operation(service, in->submodel_id, in->path, a, &op, d)) ||
	    (err = sm_arguments_check(AAS_AT(op, Operation, inputVariables).node, in->inputs, "inputArguments", d)) ||
	    (err = sm_arguments_check(AAS_AT(op, Operation, inoutputVariables).node, in->inoutputs, "inoutputArguments", d)))
		return err;
	in->operation = op;
	if (in->timeout_us <= 0)
		in->timeout_us = SM_TIMEOUT_DEFAULT_US;
	if (in->timeout_us > SM_TIMEOUT_MAX_US)
		in->timeout_us = SM_TIMEOUT_MAX_US;
	return ERR_OK;
}

static enum err check_list(const struct aas_node *declared, const struct aas_node *given, const char *name, struct diag *d)
{
	struct diag_frame f;
	diag_push(d, &f, name);
	enum err err = check_given(declared, given, d);
	for (const struct aas_node *v = given; v && !err; v = v->next) {
		struct diag_frame in;
		diag_push(d, &in, sm_argument_name(v));
		err = aas_check(v, d);
		diag_pop(d);
	}
	diag_pop(d);
	return err;
}

/* What the executor answers is as foreign as what the client asks, but what it leaves out is left out. */
static void check_outcome(const struct sm_invocation *in, struct arena *a, struct sm_outcome *out)
{
	struct diag d = DIAG_INIT;
	char why[DIAG_PATH_MAX + DIAG_TEXT_MAX];
	enum err err = check_list(AAS_AT(in->operation, Operation, outputVariables).node, out->outputs, "outputArguments", &d);
	if (!err)
		err = check_list(AAS_AT(in->operation, Operation, inoutputVariables).node, out->inoutputs, "inoutputArguments", &d);
	if (err) {
		const char *text = arena_printf(a, "what was answered does not fit the declaration: %s", diag_first(&d, why, sizeof why));
		*out = (struct sm_outcome){ .state = EXECUTION_FAILED, .message = text ? text : "out of memory" };
	}
	diag_fini(&d);
}

enum err sm_invocation_run(struct sm_service *service, const struct sm_invocation *in, struct arena *a, struct sm_outcome *out, struct diag *d)
{
	struct sm_invoker *who = &service->conf.invoker;
	*out = (struct sm_outcome){ .state = EXECUTION_FAILED };
	enum err err = who->invoke ? who->invoke(who->ctx, in, a, out, d) : ERR_NOT_SUPPORTED;
	if (err == ERR_NOT_SUPPORTED)
		diag_add(d, err, "nobody executes the operation \"%s\"", in->path);
	if (!err && out->state == EXECUTION_COMPLETED)
		check_outcome(in, a, out);
	return err;
}

enum err sm_invoke(struct sm_service *service, const struct sm_invocation *what, struct arena *a, struct sm_outcome *out, struct diag *d)
{
	struct diag own = DIAG_INIT;
	struct diag *to = d ? d : &own;
	struct sm_invocation in = *what;
	char handle[SM_HANDLE_SIZE], why[DIAG_PATH_MAX + DIAG_TEXT_MAX];
	struct store_invoked row = { .handle = handle, .requested_us = clock_now_us() };
	enum err err = sm_invocation_prepare(service, &in, a, to);
	if (!err) {
		err = sm_invocation_run(service, &in, a, out, to);
		struct sm_outcome failed = { .state = EXECUTION_FAILED };
		if (err)
			failed.message = to->n ? diag_first(to, why, sizeof why) : err_info[err].text;
		sm_handle(handle);
		row.ended_us = clock_now_us();
		sm_invocation_keep(service, &in, err ? &failed : out, &row);
	}
	diag_fini(&own);
	return err;
}
