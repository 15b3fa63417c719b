/* SPDX-License-Identifier: Apache-2.0
 * engine.c - the loop:  take a message -> which bindings? -> update signals -> step the models that depend on them -> predict ->
 * show and command -> tick what is due.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "aas/path.h"
#include "base/clock.h"
#include "twin_engine/core.h"

#define TICK_INTERVAL_US ((int64_t)50000)	/* a tick looks at every twin: not more often than this */

struct engine *engine_new(const struct engine_ports *port)
{
	struct engine *e = calloc(1, sizeof *e);
	if (!e)
		return NULL;
	e->port = *port;
	e->due_us = INT64_MAX;
	e->tick_us = TIME_NONE;
	snprintf(e->connection, sizeof e->connection, "disconnected");
	payload_init(&e->payload);
	buf_init(&e->text, (size_t)1 << 20);
	if (!(e->topics = topic_tree_new())) {
		free(e);
		return NULL;
	}
	return e;
}

void engine_free(struct engine *e)
{
	struct map_item *it;
	if (!e)
		return;
	e->port.unsubscribe = NULL;	/* the session outlives the program: what was subscribed stays so */
	while (e->first) {
		struct twin *t = e->first;
		e->first = t->next;
		twin_unbind(t);
	}
	commands_fini(e);
	for (size_t i = 0; (it = map_next(&e->knowns, &i)); ) {
		struct known *k = it->value;
		outline_free(k->outline);
		free(k->id);
		free(k);
	}
	map_fini(&e->knowns);
	map_fini(&e->twins);
	map_fini(&e->filters);
	signals_fini(&e->signals);
	topic_tree_free(e->topics);
	payload_fini(&e->payload);
	buf_fini(&e->text);
	free(e->response_topic);
	free(e->hit);
	free(e);
}

void engine_stats(const struct engine *e, struct engine_stats *out)
{
	*out = e->stats;
	for (const struct twin *t = e->first; t; t = t->next) {
		out->twins++;
		out->links += t->setup.n_links;
	}
}

/* -- what twins refer to ----------------------------------------------------------------------------------------------------- */

static struct known *known_new(struct engine *e, const char *id)
{
	struct known *k = calloc(1, sizeof *k);
	if (!k || !(k->id = strdup(id)) || !map_put(&e->knowns, id, strlen(id), k, NULL)) {
		if (k)
			free(k->id);
		free(k);
		return NULL;
	}
	return k;
}

struct known *known_take(struct engine *e, const char *id)
{
	struct known *k = map_get(&e->knowns, id, strlen(id));
	bool fresh = !k;
	if (fresh && !(k = known_new(e, id)))
		return NULL;
	k->refs++;
	if (fresh && e->port.want)
		e->port.want(e->port.ctx, id);
	return k;
}

static void known_free(struct engine *e, struct known *k)
{
	map_del(&e->knowns, k->id, strlen(k->id));
	outline_free(k->outline);
	free(k->id);
	free(k);
}

void known_drop(struct engine *e, struct known *k)
{
	if (k && !--k->refs && (e->port.want || !k->outline))
		known_free(e, k);
}

/* -- subscriptions: one per filter, however many links use it ------------------------------------------------------------------ */

bool filter_use(struct engine *e, const char *filter, struct hook *h)
{
	size_t n = strlen(filter);
	uintptr_t uses = (uintptr_t)map_get(&e->filters, filter, n);
	if (!topic_add(e->topics, filter, h))
		return false;
	if (!map_put(&e->filters, filter, n, (void *)(uses + 1), NULL)) {
		topic_del(e->topics, filter, h);
		return false;
	}
	if (!uses)
		e->port.subscribe(e->port.ctx, filter);
	return true;
}

void filter_leave(struct engine *e, const char *filter, struct hook *h)
{
	size_t n = strlen(filter);
	uintptr_t uses = (uintptr_t)map_get(&e->filters, filter, n);
	if (!topic_del(e->topics, filter, h) || !uses)
		return;
	if (uses > 1) {
		map_put(&e->filters, filter, n, (void *)(uses - 1), NULL);
		return;
	}
	map_del(&e->filters, filter, n);
	if (e->port.unsubscribe)
		e->port.unsubscribe(e->port.ctx, filter);
}

void engine_set_response_topic(struct engine *e, const char *topic)
{
	free(e->response_topic);
	if (!(e->response_topic = strdup(topic)))
		return;
	e->response = (struct hook){ NULL, NULL, e->response_topic };
	filter_use(e, e->response_topic, &e->response);
}

/* -- submodels --------------------------------------------------------------------------------------------------------------- */

static bool refers(const struct twin *t, const struct known *k)
{
	bool yes = t->prediction == k;
	for (size_t i = 0; !yes && i < t->setup.n_links; i++)
		yes = t->link[i].known == k;
	return yes;
}

static void told(struct engine *e, int64_t now_us, const char *id, const struct aas_node *node)
{
	struct known *k = map_get(&e->knowns, id, strlen(id));
	if (!k && node && !e->port.want)
		k = known_new(e, id);
	if (!k)
		return;
	outline_free(k->outline);
	k->outline = node ? outline_new(node) : NULL;
	if (!k->refs && !k->outline) {
		known_free(e, k);
		return;
	}
	for (struct twin *t = e->first; t && k->refs; t = t->next)
		if (refers(t, k))
			twin_resolve(t, now_us);
}

/* The new form is bound before the old one is let go, so that nothing both use is unsubscribed. */
static void bind_twin(struct engine *e, int64_t now_us, const char *id, const struct aas_node *node, struct twin *before)
{
	struct twin **place = &e->first;
	while (*place && *place != before)
		place = &(*place)->next;
	struct twin *t = twin_bind(e, now_us, id, node, before);
	if (!t)
		return;		/* no memory: the old form goes on */
	t->next = before ? before->next : NULL;
	*place = t;
	if (!map_put(&e->twins, id, strlen(id), t, NULL)) {
		*place = before ? before : t->next;
		twin_unbind(t);
		return;
	}
	if (before)
		twin_unbind(before);
	status_refresh(t, now_us);
}

static void unbind_twin(struct engine *e, struct twin *t)
{
	struct twin **place = &e->first;
	while (*place && *place != t)
		place = &(*place)->next;
	if (*place)
		*place = t->next;
	map_del(&e->twins, t->id, strlen(t->id));
	twin_unbind(t);
}

void engine_submodel(struct engine *e, int64_t now_us, const char *id, const struct aas_node *node)
{
	struct twin *before = map_get(&e->twins, id, strlen(id));
	told(e, now_us, id, node);
	if (node && twin_setup_is(node))
		bind_twin(e, now_us, id, node, before);
	else if (before)
		unbind_twin(e, before);
}

/* A written element of a TwinEngine submodel is a change of its configuration. */
static void configure(struct engine *e, int64_t now_us, struct twin *t, const char *path, const char *text)
{
	struct aas_node *n;
	if (aas_path_find(t->tree, path, strlen(path), &n, NULL) || !aas_is(n, AAS_Property))
		return;
	AAS_AT(n, Property, value).str = text ? arena_strdup(t->arena, text) : NULL;
	bind_twin(e, now_us, t->id, t->tree, t);
}

void engine_value(struct engine *e, int64_t now_us, const char *submodel_id, const char *path, const char *text)
{
	struct twin *t = map_get(&e->twins, submodel_id, strlen(submodel_id));
	struct signal *s = signal_find(&e->signals, submodel_id, path);
	if (t)
		configure(e, now_us, t, path, text);
	for (struct link *l = s ? s->links : NULL, *next; l && text; l = next) {
		next = l->of_signal;
		if (l->setup->writable)
			command_write(l, now_us, text);
	}
}

static double number_of(const char *text)
{
	double v;
	return str_double(text, strlen(text), &v) ? v : str_eq(text, "true") ? 1 : str_eq(text, "false") ? 0 : NAN;
}

void engine_restore(struct engine *e, const char *submodel_id, const char *path, const struct store_live *row)
{
	struct twin *t = map_get(&e->twins, submodel_id, strlen(submodel_id));
	struct signal *s = row->text ? signal_get(&e->signals, submodel_id, path) : NULL;
	if (!s || s->arrival_us != TIME_NONE ||
	    !signal_set(s, row->text, strlen(row->text), number_of(row->text), row->quality, row->time_us, row->time_us))
		return;
	for (struct link *l = s->links; l; l = l->of_signal) {
		l->last_us = l->arrival_us = row->time_us;
		l->quality = row->quality;
		l->twin->dirty = true;
		if (l->setup->stale_us && row->time_us != TIME_NONE)
			due_at(e, row->time_us + l->setup->stale_us);
	}
	if (t && str_eq(path, "Model.Memory"))
		twin_remember(t, row->text);
}

/* -- messages ---------------------------------------------------------------------------------------------------------------- */

void twin_touch(struct twin *t)
{
	struct engine *e = t->engine;
	if (t->message == e->stats.messages)
		return;
	t->message = e->stats.messages;
	t->took = t->refused = false;
	t->touched = e->touched;
	e->touched = t;
}

static void collect(void *ctx, void *value)
{
	struct engine *e = ctx;
	if (e->n_hits == e->cap_hits) {
		size_t cap = e->cap_hits ? e->cap_hits * 2 : 64;
		struct hook **more = realloc(e->hit, cap * sizeof *more);
		if (!more)
			return;
		e->hit = more;
		e->cap_hits = cap;
	}
	e->hit[e->n_hits++] = value;
}

static void take(struct link *l, int64_t now_us, const struct engine_message *msg)
{
	char why[ERROR_TEXT_MAX];
	struct twin *t = l->twin;
	twin_touch(t);
	enum link_result r = link_take(l, now_us, msg, why, sizeof why);
	if (r == LINK_REJECTED)
		twin_error(t, "%s", why);
	t->refused |= r == LINK_REJECTED;
	t->took |= r == LINK_ACCEPTED || r == LINK_LATE;
}

void engine_message(struct engine *e, int64_t now_us, const struct engine_message *msg)
{
	bool answer = false;
	e->stats.messages++;
	e->n_hits = 0;
	e->touched = NULL;
	topic_match(e->topics, msg->topic, collect, e);
	e->stats.unbound += !e->n_hits;
	payload_set(&e->payload, msg->payload, msg->n);
	for (size_t i = 0; i < e->n_hits; i++)
		if (e->hit[i]->link)
			take(e->hit[i]->link, now_us, msg);
		else
			answer = true;
	if (answer && !msg->retained)
		command_answer(e, now_us, msg);
	for (struct twin *t = e->touched; t; t = t->touched) {
		if (t->took)
			twin_count(t, now_us);
		t->rejected += t->refused;
		t->dirty = true;
		twin_step(t, now_us);
		status_refresh(t, now_us);
	}
	payload_set(&e->payload, NULL, 0);
}

/* -- time -------------------------------------------------------------------------------------------------------------------- */

void engine_connection(struct engine *e, int64_t now_us, const char *state, const char *error)
{
	bool changed = !str_eq(e->connection, state);
	snprintf(e->connection, sizeof e->connection, "%s", state);
	for (struct twin *t = e->first; t; t = t->next) {
		if (error && *error)
			twin_error(t, "%s", error);
		t->dirty = true;
		t->urgent |= changed;
		status_refresh(t, now_us);
	}
}

enum err engine_invoke(struct engine *e, int64_t now_us, uint64_t ticket, const struct sm_invocation *inv, struct diag *d)
{
	struct twin *t = map_get(&e->twins, inv->submodel_id, strlen(inv->submodel_id));
	for (size_t i = 0; t && i < t->setup.n_operations; i++)
		if (str_eq(t->setup.operation[i], inv->path))
			return command_invoke(t, now_us, ticket, inv, d);
	return diag_add(d, ERR_NOT_SUPPORTED, "no twin executes this operation");
}

void engine_stop(struct engine *e, int64_t now_us)
{
	commands_stop(e, now_us);
}

void engine_tick(struct engine *e, int64_t now_us)
{
	e->due_us = INT64_MAX;
	e->tick_us = now_us;
	command_tick(e, now_us);
	for (struct twin *t = e->first; t; t = t->next)
		twin_tick(t, now_us);
}

int64_t engine_due(const struct engine *e)
{
	int64_t earliest = e->tick_us == TIME_NONE ? TIME_NONE : e->tick_us + TICK_INTERVAL_US;
	return e->due_us > earliest ? e->due_us : earliest;
}
