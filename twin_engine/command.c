/* SPDX-License-Identifier: Apache-2.0
 * command.c - commands to the asset: rules, request, answer, deadline, audit.
 *
 * An Operation and a written element go the same way.  A command lives in its own arena until it has come to a final state; the twin
 * that sent it may be re-bound or gone by then.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "aas/lexical.h"
#include "base/clock.h"
#include "twin_engine/core.h"
#include "twin_engine/decode.h"

#define WAITING_MAX 4096
#define ARENA_BYTES ((size_t)1 << 20)

enum state {
#define S(name, text, final, execution) ST_##name,
#include "twin_engine/command.def"
#undef S
};
enum event { EV_REFUSE, EV_UNSENT, EV_LOCAL, EV_SEND, EV_PROGRESS, EV_COMPLETE, EV_REJECT, EV_EXPIRE, EV_STOP };

static const struct {
	const char *text;
	bool final;
	enum execution_state execution;
} states[] = {
#define S(name, text, final, execution) [ST_##name] = { text, final, EXECUTION_##execution },
#include "twin_engine/command.def"
#undef S
};

struct command {
	struct engine *engine;
	struct command *next;
	struct arena *arena;
	char id[UUID_SIZE];
	enum state state;
	const char *submodel_id, *path, *topic, *payload, *reason, *mode;
	int64_t requested_us, answered_us, deadline_us;
	bool asked;			/* by engine_invoke; else it is a write, and nobody waits */
	uint64_t ticket;
	const char **output;		/* idShorts of the operation's outputs */
	const char **pair;		/* idShort, text, ..., NULL */
	size_t n_outputs;
};

static void none(struct command *c)
{
	(void)c;
}

static void record(struct command *c)
{
	struct engine *e = c->engine;
	e->port.command(e->port.ctx, &(struct store_command){
		c->id, c->submodel_id, c->path, c->topic, c->payload, states[c->state].text, c->reason, c->mode, c->requested_us, c->answered_us });
}

/* Nobody waits for a write: its failure shows as the last error of the twins that could have sent it. */
static void tell_writers(const struct command *c)
{
	struct signal *s = signal_find(&c->engine->signals, c->submodel_id, c->path);
	for (struct link *l = s ? s->links : NULL; l; l = l->of_signal) {
		if (!l->setup->writable)
			continue;
		twin_error(l->twin, "write to %s %s: %s", c->path, states[c->state].text, c->reason);
		due_at(c->engine, l->twin->refresh_us);
	}
}

static void finish(struct command *c)
{
	struct engine *e = c->engine;
	record(c);
	if (c->asked)
		e->port.outcome(e->port.ctx, c->ticket, &(struct engine_outcome){
			states[c->state].execution, c->reason[0] ? c->reason : NULL, c->pair });
	else if (c->state != ST_COMPLETED)
		tell_writers(c);
}

static const struct {
	enum state state;
	enum event event;
	enum state next;
	void (*action)(struct command *);
} rows[] = {
#define C(state, event, next, action) { ST_##state, EV_##event, ST_##next, action },
#include "twin_engine/command.def"
#undef C
};

/* False: the state knows no such event. */
static bool happen(struct command *c, int64_t now_us, enum event ev, const char *reason)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (rows[i].state != c->state || rows[i].event != ev)
			continue;
		c->state = rows[i].next;
		if (reason) {
			const char *text = arena_strdup(c->arena, reason);
			c->reason = text ? text : "";
		}
		if (c->state == ST_COMPLETED || c->state == ST_REJECTED)
			c->answered_us = now_us;
		rows[i].action(c);
		return true;
	}
	return false;
}

static struct command *command_new(struct twin *t, int64_t now_us, const char *submodel_id, const char *path)
{
	struct engine *e = t->engine;
	struct arena *a = arena_new(ARENA_BYTES);
	struct command *c = a ? ARENA_NEW(a, struct command) : NULL;
	if (!c) {
		arena_free(a);
		return NULL;
	}
	*c = (struct command){ .engine = e, .arena = a, .topic = "", .payload = "", .reason = "", .mode = twin_mode_name[t->setup.mode],
			       .submodel_id = arena_strdup(a, submodel_id), .path = arena_strdup(a, path), .requested_us = now_us,
			       .answered_us = TIME_NONE };
	e->port.new_id(e->port.ctx, c->id);
	e->stats.commands++;
	if (c->submodel_id && c->path)
		return c;
	arena_free(a);
	return NULL;
}

/* Commands wait in the order of their coming: the list for the ticks, the map for the answers. */
static bool wait_answer(struct command *c)
{
	struct engine *e = c->engine;
	if (e->commands.n >= WAITING_MAX || !map_put(&e->commands, c->id, strlen(c->id), c, NULL))
		return false;
	struct command **p = &e->first_command;
	while (*p)
		p = &(*p)->next;
	*p = c;
	c->next = NULL;
	due_at(e, c->deadline_us);
	return true;
}

static void forget(struct command *c)
{
	struct engine *e = c->engine;
	struct command **p = &e->first_command;
	while (*p && *p != c)
		p = &(*p)->next;
	if (*p)
		*p = c->next;
	map_del(&e->commands, c->id, strlen(c->id));
	arena_free(c->arena);
}

static void arm(struct command *c, struct twin *t, int64_t now_us, const char *name, const char *topic, const char *arguments,
		int64_t timeout_us)
{
	struct buf b = BUF_INIT;
	char from[TIME_TEXT_MAX], to[TIME_TEXT_MAX];
	c->deadline_us = now_us + (timeout_us > 0 && timeout_us < t->setup.command_timeout_us ? timeout_us : t->setup.command_timeout_us);
	time_format(from, now_us);
	time_format(to, c->deadline_us);
	buf_puts(&b, "{\"id\":");
	buf_json(&b, c->id, strlen(c->id));
	buf_puts(&b, ",\"operation\":");
	buf_json(&b, name, strlen(name));
	buf_printf(&b, ",\"arguments\":%s,\"issuedAt\":\"%s\",\"expiresAt\":\"%s\"}", arguments, from, to);
	const char *payload = b.failed ? NULL : arena_strndup(c->arena, b.p, b.n);
	c->payload = payload ? payload : "";
	if (topic)
		c->topic = topic;
	buf_fini(&b);
}

/* Rules that hold before anything leaves; NULL: go. */
static const char *forbidden(const struct twin *t, const struct command *c)
{
	static const char *const by_mode[TWIN_N_MODES] = {
		[TWIN_SHADOW] = "mode is shadow: nothing is sent to the asset",
		[TWIN_ADVISE] = "mode is advise: the command is recommended, not sent",
	};
	if (by_mode[t->setup.mode])
		return by_mode[t->setup.mode];
	if (!*c->topic)
		return "Commands has no Topic";
	if (!*c->payload)
		return "out of memory";
	return NULL;
}

/* Consumes the command, unless it now waits for an answer. */
static void dispatch(struct command *c, struct twin *t, int64_t now_us, const char *refusal)
{
	struct engine *e = c->engine;
	const char *why = forbidden(t, c);
	if (t->setup.mode >= TWIN_APPROVE && refusal)	/* shadow and advise say so first: nothing would be sent anyway */
		why = refusal;
	if (!why && e->commands.n >= WAITING_MAX)
		why = "too many commands are waiting for their answers";
	if (why) {
		happen(c, now_us, EV_REFUSE, why);
	} else if (!wait_answer(c)) {
		happen(c, now_us, EV_REFUSE, "out of memory");
	} else if (e->port.publish(e->port.ctx, &(struct engine_publish){
			.topic = c->topic, .payload = c->payload, .n = strlen(c->payload), .response_topic = e->response_topic, .correlation = c->id,
			.expiry_us = c->deadline_us - now_us })) {
		happen(c, now_us, EV_SEND, NULL);
	} else {
		happen(c, now_us, EV_UNSENT, "not connected to the broker");
	}
	if (states[c->state].final)
		forget(c);
}

/* -- arguments --------------------------------------------------------------------------------------------------------------- */

/* NULL, or why the value may not be sent, in the arena. */
static const char *outside(struct arena *a, const char *name, double v, double min, double max)
{
	char text[STR_DOUBLE_MAX], edge[STR_DOUBLE_MAX];
	bool low = v < min;
	if (!low && !(v > max))		/* NaN: open, or no number */
		return NULL;
	str_of_double(text, v);
	str_of_double(edge, low ? min : max);
	return arena_printf(a, "%s %s is %s the limit %s", name, text, low ? "below" : "above", edge);
}

static const char *outside_limits(const struct twin *t, struct arena *a, const char *name, double v)
{
	for (size_t i = 0; i < t->setup.n_limits; i++)
		if (str_eq(t->setup.limit[i].name, name))
			return outside(a, name, v, t->setup.limit[i].min, t->setup.limit[i].max);
	return NULL;
}

/* Appends `"name":value` of every variable; NULL, or why not. */
static const char *put_arguments(const struct twin *t, struct arena *a, const struct aas_node *var, struct buf *b)
{
	static const struct decode_scale plain = { 1, 0 };
	for (; var; var = var->next) {
		const struct aas_node *n = AAS_AT(var, OperationVariable, value).node;
		const char *name = n && AAS_ID_SHORT(n) ? AAS_ID_SHORT(n) : "";
		const char *text = n && aas_is(n, AAS_Property) ? AAS_AT(n, Property, value).str : NULL, *why;
		double num;
		if (!n || !aas_is(n, AAS_Property))
			return arena_printf(a, "%s is not a Property: only these can be sent", name);
		if (b->n > 1)
			buf_putc(b, ',');
		buf_json(b, name, strlen(name));
		buf_putc(b, ':');
		if (!text) {
			buf_puts(b, "null");
			continue;
		}
		why = decode_to_json(text, AAS_AT(n, Property, valueType).ord, &plain, b, &num);
		if (why)
			return arena_printf(a, "%s %s", name, why);
		if ((why = outside_limits(t, a, name, num)))
			return why;
	}
	return NULL;
}

static void declare_outputs(struct command *c, const struct aas_node *operation)
{
	const struct aas_node *lists[] = { AAS_AT(operation, Operation, outputVariables).node, AAS_AT(operation, Operation, inoutputVariables).node };
	size_t n = 0;
	for (size_t i = 0; i < 2; i++)
		for (const struct aas_node *v = lists[i]; v; v = v->next)
			n++;
	c->output = ARENA_ARRAY(c->arena, const char *, n + 1);
	c->pair = ARENA_ARRAY(c->arena, const char *, 2 * n + 1);
	for (size_t i = 0; c->output && c->pair && i < 2; i++)
		for (const struct aas_node *v = lists[i]; v; v = v->next) {
			const struct aas_node *p = AAS_AT(v, OperationVariable, value).node;
			if (p && aas_is(p, AAS_Property) && AAS_ID_SHORT(p) && (c->output[c->n_outputs] = arena_strdup(c->arena, AAS_ID_SHORT(p))))
				c->n_outputs++;
		}
}

/* Recalibrate: the asset was overhauled, the model learns it anew.  No message, the twin itself does it. */
static bool local(struct twin *t, struct command *c, int64_t now_us, const char *name)
{
	if (!str_eq(name, "Recalibrate") || !t->model)
		return false;
	model_forget(t->model);
	t->dirty = true;
	t->save_us = now_us;
	due_at(t->engine, t->refresh_us);
	happen(c, now_us, EV_LOCAL, NULL);
	forget(c);
	return true;
}

enum err command_invoke(struct twin *t, int64_t now_us, uint64_t ticket, const struct sm_invocation *inv, struct diag *d)
{
	const char *dot = strrchr(inv->path, '.'), *name = dot ? dot + 1 : inv->path, *refusal;
	struct command *c = command_new(t, now_us, inv->submodel_id, inv->path);
	struct buf args;
	if (!c)
		return diag_add(d, ERR_NO_MEMORY, "out of memory");
	c->asked = true;
	c->ticket = ticket;
	if (inv->operation)
		declare_outputs(c, inv->operation);
	if (local(t, c, now_us, name))
		return ERR_OK;
	buf_init(&args, ARENA_BYTES / 4);
	buf_putc(&args, '{');
	refusal = put_arguments(t, c->arena, inv->inputs, &args);
	if (!refusal)
		refusal = put_arguments(t, c->arena, inv->inoutputs, &args);
	buf_putc(&args, '}');
	if (args.failed)
		refusal = "the arguments are too large";
	arm(c, t, now_us, name, t->setup.command_topic ? twin_setup_topic(c->arena, t->setup.command_topic, name) : NULL,
	    args.failed || refusal ? "{}" : args.p, inv->timeout_us);
	buf_fini(&args);
	dispatch(c, t, now_us, refusal);
	return ERR_OK;
}

void command_write(struct link *l, int64_t now_us, const char *text)
{
	struct twin *t = l->twin;
	struct command *c = command_new(t, now_us, l->signal->submodel_id, l->signal->path);
	struct decode_scale scale = { l->setup->scale, l->setup->offset };
	const char *dot = strrchr(l->signal->path, '.'), *name = dot ? dot + 1 : l->signal->path, *topic = l->setup->write_topic, *refusal = l->fault;
	struct buf args;
	double num = NAN;
	if (!c) {
		twin_error(t, "write to %s: out of memory", l->signal->path);
		return;
	}
	buf_init(&args, ARENA_BYTES / 4);
	buf_puts(&args, "{\"element\":");
	buf_json(&args, name, strlen(name));
	buf_puts(&args, ",\"value\":");
	if (!refusal)
		refusal = decode_to_json(text, l->value_type, &scale, &args, &num);
	buf_putc(&args, '}');
	if (!refusal && !(refusal = outside(c->arena, name, num, l->setup->min, l->setup->max)))
		refusal = outside_limits(t, c->arena, name, num);
	if (topic)
		topic = arena_strdup(c->arena, topic);
	else if (t->setup.command_topic)
		topic = twin_setup_topic(c->arena, t->setup.command_topic, "Write");
	arm(c, t, now_us, "Write", topic, args.failed || refusal ? "{}" : args.p, 0);
	buf_fini(&args);
	dispatch(c, t, now_us, refusal);
}

/* -- answers ----------------------------------------------------------------------------------------------------------------- */

static const char *member_text(struct payload *pl, const struct payload_value *object, const char *name, struct arena *a)
{
	struct payload_value v;
	struct buf b = BUF_INIT;
	const char *text = NULL;
	if (payload_member(pl, object, name, &v) && v.kind != PAYLOAD_NULL && payload_text(&v, &b))
		text = arena_strndup(a, b.p ? b.p : "", b.n);
	buf_fini(&b);
	return text;
}

/* Outputs by the names in "result"; a declared Result that the asset did not send tells the state. */
static void take_outputs(struct command *c, struct payload *pl, const struct payload_value *root)
{
	struct payload_value result;
	bool has = payload_member(pl, root, "result", &result) && result.kind == PAYLOAD_OBJECT;
	size_t n = 0;
	for (size_t i = 0; i < c->n_outputs; i++) {
		const char *text = has ? member_text(pl, &result, c->output[i], c->arena) : NULL;
		if (!text && str_eq(c->output[i], "Result"))
			text = "completed";
		if (text) {
			c->pair[n++] = c->output[i];
			c->pair[n++] = text;
		}
	}
}

static struct command *asked(struct engine *e, const struct engine_message *msg, const struct payload_value *root)
{
	struct payload_value id;
	if (msg->correlation && *msg->correlation)
		return map_get(&e->commands, msg->correlation, strlen(msg->correlation));
	return root && payload_member(&e->payload, root, "id", &id) ? map_get(&e->commands, id.raw.p, id.raw.n) : NULL;
}

void command_answer(struct engine *e, int64_t now_us, const struct engine_message *msg)
{
	static const struct {
		const char *text;
		enum event event;
		const char *reason;
	} answers[] = { { "completed", EV_COMPLETE, NULL }, { "rejected", EV_REJECT, "rejected by the asset" },
			{ "failed", EV_REJECT, "failed at the asset" }, { "accepted", EV_PROGRESS, NULL }, { "executing", EV_PROGRESS, NULL } };
	static const struct payload_pointer whole = { 0, NULL };
	struct payload_value root, state;
	bool json = !payload_find(&e->payload, &whole, &root) && root.kind == PAYLOAD_OBJECT;
	struct command *c = asked(e, msg, json ? &root : NULL);
	size_t i = 0, n = sizeof answers / sizeof *answers;
	if (!c) {
		e->stats.stray_answers++;
		return;
	}
	if (!json || !payload_member(&e->payload, &root, "state", &state))
		i = n;
	while (i < n && !slice_is(state.raw, answers[i].text))
		i++;
	if (i == n) {
		happen(c, now_us, EV_REJECT, "the asset's answer has no known state");
	} else {
		const char *reason = member_text(&e->payload, &root, "reason", c->arena);
		if (answers[i].event == EV_COMPLETE && c->output && c->pair)
			take_outputs(c, &e->payload, &root);
		if (!happen(c, now_us, answers[i].event, reason && *reason ? reason : answers[i].reason))
			e->stats.stray_answers++;
	}
	if (states[c->state].final)
		forget(c);
}

void command_tick(struct engine *e, int64_t now_us)
{
	for (struct command *c = e->first_command, *next; c; c = next) {
		next = c->next;
		if (now_us < c->deadline_us) {
			due_at(e, c->deadline_us);
			continue;
		}
		char text[TIME_TEXT_MAX], why[100];
		duration_format(text, c->deadline_us - c->requested_us);
		snprintf(why, sizeof why, "no answer from the asset within %s", text);
		happen(c, now_us, EV_EXPIRE, why);
		forget(c);
	}
}

void commands_stop(struct engine *e, int64_t now_us)
{
	while (e->first_command) {
		happen(e->first_command, now_us, EV_STOP, "the server stopped before the asset answered; whether it acted is not known");
		forget(e->first_command);
	}
}

void commands_fini(struct engine *e)
{
	while (e->first_command)
		forget(e->first_command);
	map_fini(&e->commands);
}
