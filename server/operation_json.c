/* SPDX-License-Identifier: Apache-2.0 */
#include "server/operation_json.h"

#include <jansson.h>

#include "aas/json.h"
#include "aas/view.h"
#include "base/clock.h"
#include "submodels/operation.h"

/* jansson decides whether the text is JSON at all; the arguments are then cut out of the text itself, because a number of the
 * value-only form must keep its digits (spec/value_only.md 4). */

struct member {
	struct slice name;	/* raw, without quotes: a name with escapes is none of ours */
	struct slice value;	/* raw */
};

static const char *skip_blank(const char *p)
{
	return p + strspn(p, " \t\r\n");
}

/* p is at the first byte of a value of well-formed JSON; returns behind it. */
static const char *skip_value(const char *p)
{
	unsigned depth = 0;
	do {
		if (*p == '"') {
			for (p++; *p != '"'; p++)
				if (*p == '\\')
					p++;
			p++;
		} else if (*p == '{' || *p == '[') {
			depth++;
			p++;
		} else if (*p == '}' || *p == ']') {
			depth--;
			p++;
		} else if (!depth) {
			p += strcspn(p, ",]} \t\r\n");
		} else {
			p += strcspn(p, "\"{}[]");
		}
	} while (depth);
	return p;
}

/* The next member of an object; *at is its "{" at first. */
static bool next_member(const char **at, struct member *m)
{
	const char *p = skip_blank(*at + 1), *q;
	if (*p != '"')
		return false;
	q = skip_value(p);
	m->name = (struct slice){ p + 1, (size_t)(q - p - 2) };
	p = skip_blank(skip_blank(q) + 1);
	q = skip_value(p);
	m->value = (struct slice){ p, (size_t)(q - p) };
	*at = skip_blank(q);
	return true;
}

static enum err read_list(struct arena *a, struct slice json, struct aas_node **out, struct diag *d)
{
	return aas_json_read_list(a, AAS_OperationVariable, json.p, json.n, AAS_JSON_DEFAULT, out, d);
}

static const struct aas_node *declared_as(const struct aas_node *list, struct slice name)
{
	while (list && !slice_is(name, sm_argument_name(list)))
		list = list->next;
	return list;
}

/* {"Speed": 1500, ...}; what is missing the service finds out. */
static enum err read_values(struct arena *a, const struct aas_node *declared, struct slice json, struct aas_node **out, struct diag *d)
{
	const char *at = json.p;
	struct member m;
	enum err err = ERR_OK;
	if (*at != '{')
		return diag_add(d, ERR_BAD_REQUEST, "an object of values by idShort is expected");
	while (!err && next_member(&at, &m)) {
		const struct aas_node *var = declared_as(declared, m.name);
		struct diag_frame f;
		if (!var)
			return diag_add(d, ERR_BAD_REQUEST, "the operation has no argument \"%.*s\"", (int)(m.name.n < 80 ? m.name.n : 80), m.name.p);
		diag_push(d, &f, sm_argument_name(var));
		err = sm_argument_read(a, var, m.value, out, d);
		diag_pop(d);
		if (!err)
			out = &(*out)->next;
	}
	return err;
}

struct reader {
	struct arena *a;
	const struct aas_node *operation;
	bool value;
	struct operation_request *out;
	struct diag *d;
};

static enum err read_inputs(struct reader *r, struct slice json)
{
	return r->value ? read_values(r->a, AAS_AT(r->operation, Operation, inputVariables).node, json, &r->out->inputs, r->d)
			: read_list(r->a, json, &r->out->inputs, r->d);
}

static enum err read_inoutputs(struct reader *r, struct slice json)
{
	return r->value ? read_values(r->a, AAS_AT(r->operation, Operation, inoutputVariables).node, json, &r->out->inoutputs, r->d)
			: read_list(r->a, json, &r->out->inoutputs, r->d);
}

static enum err read_timeout(struct reader *r, struct slice json)
{
	int64_t us;
	if (json.n < 2 || *json.p != '"' || !duration_parse(json.p + 1, json.n - 2, &us) || us <= 0)
		return diag_add(r->d, ERR_BAD_REQUEST, "a positive xs:duration of days and smaller is expected, like \"PT10S\"");
	r->out->timeout_us = us;
	return ERR_OK;
}

static const struct {
	const char *name;
	enum err (*read)(struct reader *, struct slice);
} members[] = {
	{ "inputArguments", read_inputs },
	{ "inoutputArguments", read_inoutputs },
	{ "clientTimeoutDuration", read_timeout },
};

static enum err read_member(struct reader *r, const struct member *m)
{
	enum err err = ERR_OK;
	for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
		struct diag_frame f;
		if (!slice_is(m->name, members[i].name))
			continue;
		diag_push(r->d, &f, members[i].name);
		err = members[i].read(r, m->value);
		diag_pop(r->d);
	}
	return err;
}

enum err operation_request_read(struct arena *a, const struct aas_node *operation, struct slice json, bool value,
				struct operation_request *out, struct diag *d)
{
	struct reader r = { a, operation, value, out, d };
	const char *text = arena_strndup(a, json.p ? json.p : "", json.n);
	json_error_t e;
	struct member m;
	enum err err = ERR_OK;

	*out = (struct operation_request){ 0 };
	if (!text)
		return diag_add(d, ERR_NO_MEMORY, "out of memory");
	if (!json.n)
		return ERR_OK;
	/* no JSON has it (RFC 8259), but jansson overlooks one behind a number */
	if (memchr(json.p, 0, json.n))
		return diag_add(d, ERR_BAD_REQUEST, "an OperationRequest in JSON is expected: there is a NUL byte in it");
	text = skip_blank(text);
	json_t *whole = json_loadb(json.p, json.n, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, &e);
	if (!whole || !json_is_object(whole)) {
		json_decref(whole);
		return diag_add(d, ERR_BAD_REQUEST, "an OperationRequest in JSON is expected%s%s", whole ? "" : ": ", whole ? "" : e.text);
	}
	json_decref(whole);
	while (!err && next_member(&text, &m))
		err = read_member(&r, &m);
	return err;
}

/* -- what a service answers ------------------------------------------------------------------------------------------------------ */

static void sort_variables(const struct aas_node *operation, struct aas_node *list, struct sm_outcome *out)
{
	const struct aas_node *both = AAS_AT(operation, Operation, inoutputVariables).node;
	struct aas_node **outputs = &out->outputs, **inoutputs = &out->inoutputs;
	for (struct aas_node *next; list; list = next) {
		struct aas_node ***tail = declared_as(both, slice_of(sm_argument_name(list))) ? &inoutputs : &outputs;
		next = list->next;
		list->next = NULL;
		**tail = list;
		*tail = &list->next;
	}
}

static enum err read_state(struct arena *a, const json_t *whole, struct sm_outcome *out, struct diag *d)
{
	const json_t *state = json_object_get(whole, "executionState"), *messages = json_object_get(whole, "messages");
	const char *text = json_string_value(json_object_get(json_array_get(messages, 0), "text"));
	if (state && (!json_is_string(state) || !execution_state_find(json_string_value(state), &out->state) || !execution_state_final(out->state)))
		return diag_add(d, ERR_BAD_REQUEST, "executionState: the state in which an operation has ended is expected");
	if (json_is_false(json_object_get(whole, "success")) && out->state == EXECUTION_COMPLETED)
		out->state = EXECUTION_FAILED;
	if (text && !(out->message = arena_strdup(a, text)))
		return diag_add(d, ERR_NO_MEMORY, "out of memory");
	return ERR_OK;
}

static enum err read_result(struct arena *a, const char *text, struct sm_outcome *out, struct diag *d)
{
	struct member m;
	enum err err = ERR_OK;
	while (!err && next_member(&text, &m)) {
		bool outputs = slice_is(m.name, "outputArguments"), inoutputs = slice_is(m.name, "inoutputArguments");
		struct diag_frame f;
		if ((!outputs && !inoutputs) || slice_is(m.value, "null"))
			continue;
		diag_push(d, &f, outputs ? "outputArguments" : "inoutputArguments");
		err = read_list(a, m.value, outputs ? &out->outputs : &out->inoutputs, d);
		diag_pop(d);
	}
	return err;
}

enum err operation_answer_read(struct arena *a, const struct aas_node *operation, struct slice json, struct sm_outcome *out, struct diag *d)
{
	struct aas_node *list = NULL;
	json_error_t e;
	enum err err;
	*out = (struct sm_outcome){ .state = EXECUTION_COMPLETED };
	while (json.n && strchr(" \t\r\n", *json.p) && *json.p)
		json.p++, json.n--;
	if (!json.n)
		return ERR_OK;
	if (*json.p == '[') {
		if (!(err = read_list(a, json, &list, d)))
			sort_variables(operation, list, out);
		return err;
	}
	json_t *whole = memchr(json.p, 0, json.n) ? NULL : json_loadb(json.p, json.n, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, &e);
	const char *text = arena_strndup(a, json.p, json.n);
	if (!text)
		err = diag_add(d, ERR_NO_MEMORY, "out of memory");
	else if (!json_is_object(whole))
		err = diag_add(d, ERR_BAD_REQUEST, "an array of OperationVariable or an OperationResult in JSON is expected");
	else if (!(err = read_state(a, whole, out, d)))
		err = read_result(a, text, out, d);
	json_decref(whole);
	return err;
}

/* -- result --------------------------------------------------------------------------------------------------------------------- */

static void write_values(struct buf *b, const struct aas_node *list)
{
	static const struct aas_view view = { .modifier = AAS_VALUE, .blobs = true };
	const char *comma = "";
	buf_putc(b, '{');
	for (; list; list = list->next) {
		const struct aas_node *e = sm_argument_element(list);
		const char *name = sm_argument_name(list);
		size_t before = b->n;
		buf_puts(b, comma);
		buf_json(b, name, strlen(name));
		buf_putc(b, ':');
		if (aas_view_write(b, e, &view, NULL))
			b->n = before;		/* it has no value form */
		else
			comma = ",";
	}
	buf_putc(b, '}');
}

static void write_list(struct buf *b, const struct aas_node *list)
{
	buf_putc(b, '[');
	for (; list; list = list->next) {
		aas_json_write(b, list);
		if (list->next)
			buf_putc(b, ',');
	}
	buf_putc(b, ']');
}

static void write_arguments(struct buf *b, const char *name, const struct aas_node *list, bool value)
{
	if (!list)
		return;
	buf_printf(b, ",\"%s\":", name);
	(value ? write_values : write_list)(b, list);
}

void operation_result_write(struct buf *b, const struct sm_outcome *o, bool value, const char *correlation_id)
{
	bool ok = o->state == EXECUTION_COMPLETED;
	char when[TIME_TEXT_MAX];
	buf_printf(b, "{\"executionState\":\"%s\",\"success\":%s,\"messages\":[", execution_state_name(o->state), ok ? "true" : "false");
	if (o->message && *o->message) {
		time_format(when, clock_now_us() / 1000 * 1000);
		buf_printf(b, "{\"messageType\":\"%s\",\"code\":\"%s\",\"text\":", ok ? "Info" : "Error", execution_state_name(o->state));
		buf_json(b, o->message, strlen(o->message));
		if (correlation_id) {
			buf_puts(b, ",\"correlationId\":");
			buf_json(b, correlation_id, strlen(correlation_id));
		}
		buf_printf(b, ",\"timestamp\":\"%s\"}", when);
	}
	buf_putc(b, ']');
	write_arguments(b, "outputArguments", o->outputs, value);
	write_arguments(b, "inoutputArguments", o->inoutputs, value);
	buf_putc(b, '}');
}
