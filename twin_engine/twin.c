/* SPDX-License-Identifier: Apache-2.0
 * twin.c - one TwinEngine submodel at work: its links, its model, what it counts.
 */
#include <math.h>
#include <stdio.h>

#include "aas/tree.h"
#include "base/clock.h"
#include "twin_engine/core.h"
#include "twin_engine/prediction.h"

#define INPUTS_WAIT_US ((int64_t)100000)	/* for the inputs that come by other messages */
#define RATE_SECONDS 10

void twin_error(struct twin *t, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(t->error, sizeof t->error, fmt, ap);
	va_end(ap);
	t->error_of_config = false;
	t->dirty = true;
}

/* -- counting ---------------------------------------------------------------------------------------------------------------- */

void twin_count(struct twin *t, int64_t now_us)
{
	int64_t second = now_us / US_PER_S;
	size_t i = (size_t)(second % RATE_SECONDS);
	if (t->rate[i].second != second)
		t->rate[i].n = 0;
	t->rate[i].second = second;
	t->rate[i].n++;
	t->messages++;
}

double twin_rate(const struct twin *t, int64_t now_us)
{
	double n = 0;
	for (size_t i = 0; i < RATE_SECONDS; i++)
		if (t->rate[i].n && now_us / US_PER_S - t->rate[i].second < RATE_SECONDS)
			n += t->rate[i].n;
	return n / RATE_SECONDS;
}

/* -- binding ----------------------------------------------------------------------------------------------------------------- */

/* Faults of the configuration stay in LastError until they are mended; a later event may show in their place. */
static void tell_faults(struct twin *t)
{
	char text[ERROR_TEXT_MAX] = "";
	unsigned n = t->n_faults;
	if (n)
		snprintf(text, sizeof text, "%s", t->first_fault);
	for (size_t i = 0; i < t->setup.n_links; i++)
		if (t->link[i].fault && !n++) {
			const struct link *rival = t->link[i].second ? link_rival(&t->link[i]) : NULL;
			snprintf(text, sizeof text, "Links.%s.Target: %s%s%s", t->setup.link[i].name, t->link[i].fault, rival ? ": " : "",
				 rival ? rival->twin->id : "");
		}
	if (n > 1) {
		size_t len = strlen(text);
		snprintf(text + len, sizeof text - len, " (and %u more)", n - 1);
	}
	if (text[0] || t->error_of_config) {
		twin_error(t, "%s", text);
		t->error_of_config = true;
	}
}

static bool keep_faults(struct twin *t, const struct diag *d)
{
	char text[ERROR_TEXT_MAX];
	t->n_faults = d->n + d->lost;
	return (t->first_fault = arena_strdup(t->arena, diag_first(d, text, sizeof text))) != NULL;
}

/* Mostly at the same place: with thousands of links a search for each would be felt. */
static const struct link *same_link(const struct twin *before, const struct link *l, size_t at)
{
	if (before && at < before->setup.n_links && str_eq(before->setup.link[at].name, l->setup->name))
		return &before->link[at];
	for (size_t i = 0; before && i < before->setup.n_links; i++)
		if (str_eq(before->setup.link[i].name, l->setup->name))
			return &before->link[i];
	return NULL;
}

static bool bind_links(struct twin *t, const struct twin *before)
{
	struct engine *e = t->engine;
	if (!(t->link = ARENA_ARRAY(t->arena, struct link, t->setup.n_links + 1)))
		return false;
	for (size_t i = 0; i < t->setup.n_links; i++) {
		struct link *l = &t->link[i];
		l->twin = t;
		l->setup = &t->setup.link[i];
		l->hook = (struct hook){ l, t, l->setup->topic_filter };
		l->known = known_take(e, l->setup->target.submodel_id);
		l->signal = signal_get(&e->signals, l->setup->target.submodel_id, l->setup->target.path);
		if (!l->known || !l->signal)
			return false;
		link_bind(l, same_link(before, l, i));
		if (l->hook.filter && !filter_use(e, l->hook.filter, &l->hook))
			return false;
	}
	return true;
}

/* "<command topic>/ack": where an asset answers that was not told a response topic. */
static bool bind_answer(struct twin *t, const char *topic)
{
	struct hook *h = &t->answer[t->n_answers];
	char *filter = topic ? arena_printf(t->arena, "%s/ack", topic) : NULL;
	if (!filter)
		return false;
	for (size_t i = 0; i < t->n_answers; i++)
		if (str_eq(t->answer[i].filter, filter))
			return true;
	*h = (struct hook){ NULL, t, filter };
	if (!filter_use(t->engine, filter, h))
		return !topic_filter_fault(filter) ? false : true;
	t->n_answers++;
	return true;
}

static bool bind_answers(struct twin *t)
{
	const struct twin_setup *c = &t->setup;
	bool good = (t->answer = ARENA_ARRAY(t->arena, struct hook, c->n_operations + c->n_links + 1)) != NULL, write = false;
	for (size_t i = 0; good && c->command_topic && i < c->n_operations; i++) {
		const char *name = strrchr(c->operation[i], '.');
		good = bind_answer(t, twin_setup_topic(t->arena, c->command_topic, name ? name + 1 : c->operation[i]));
	}
	for (size_t i = 0; good && i < c->n_links; i++) {
		if (c->link[i].write_topic)
			good = bind_answer(t, c->link[i].write_topic);
		write |= c->link[i].writable && !c->link[i].write_topic;
	}
	if (good && write && c->command_topic)
		good = bind_answer(t, twin_setup_topic(t->arena, c->command_topic, "Write"));
	return good;
}

static bool same_model(const struct twin *a, const struct twin *b)
{
	return a->setup.kind == b->setup.kind && !memcmp(a->setup.param, b->setup.param, sizeof a->setup.param);
}

/* The model goes on when its parameters are the same; else it begins anew, with what the database remembers if that fits. */
static bool bind_model(struct twin *t, struct twin *before)
{
	struct engine *e = t->engine;
	t->view = (struct model_view){ .health = NAN, .leading = -1, .time_us = TIME_NONE, .rul = { NAN, NAN, NAN } };
	if (!t->setup.kind)
		return true;
	if (before && before->model && same_model(t, before)) {
		t->model = before->model;
		t->view = before->view;
		t->predicted_us = before->predicted_us;
		before->model = NULL;
	} else if (!(t->model = model_new(t->setup.kind, t->setup.param))) {
		return false;
	} else {
		const struct signal *memory = signal_find(&e->signals, t->id, "Model.Memory");
		if (memory && memory->text)
			twin_remember(t, memory->text);
	}
	for (size_t i = 0; i < t->setup.n_inputs; i++) {
		const struct setup_input *in = &t->setup.input[i];
		struct signal *s = signal_get(&e->signals, in->target.submodel_id, in->target.path);
		if (!s || !signal_watch(s, t))
			return false;
		t->input[in->input] = s;
	}
	return !t->setup.prediction_id || (t->prediction = known_take(e, t->setup.prediction_id)) != NULL;
}

static void provide_prediction(struct twin *t)
{
	const struct model_param *info;
	struct arena *a = arena_new((size_t)1 << 20);
	if (a && t->prediction && !t->prediction->outline) {
		int at = model_param_find(t->setup.kind, "PreAlert", &info);
		struct aas_node *sm = prediction_new(a, t->setup.prediction_id, t->setup.kind, t->setup.param[at]);
		if (sm)
			t->engine->port.provide(t->engine->port.ctx, t->id, sm);
	}
	arena_free(a);
}

static void carry_over(struct twin *t, const struct twin *before)
{
	t->messages = before->messages;
	t->rejected = before->rejected;
	memcpy(t->rate, before->rate, sizeof t->rate);
}

struct twin *twin_bind(struct engine *e, int64_t now_us, const char *id, const struct aas_node *tree, struct twin *before)
{
	struct arena *a = arena_new(0);
	struct twin *t = a ? ARENA_NEW(a, struct twin) : NULL;
	struct diag d = DIAG_INIT;
	if (!t) {
		arena_free(a);
		return NULL;
	}
	t->engine = e;
	t->arena = a;
	t->model_wait_us = TIME_NONE;
	t->predicted_us = TIME_NONE;
	t->refresh_us = now_us;
	if (before)
		carry_over(t, before);
	bool good = (t->id = arena_strdup(a, id)) && (t->tree = aas_copy(a, tree)) && (t->outline = outline_new(tree)) &&
		twin_setup_read(a, t->tree, &t->setup, &d) != ERR_NO_MEMORY && keep_faults(t, &d) && bind_links(t, before) &&
		bind_model(t, before) && bind_answers(t) && status_init(t);
	diag_fini(&d);
	if (!good) {
		twin_unbind(t);
		return NULL;
	}
	tell_faults(t);
	status_resolve(t);
	provide_prediction(t);
	t->inputs_new = true;
	due_at(e, now_us);
	return t;
}

/* The element has lost a link: another twin's may take its place. */
static void hand_over(const struct twin *t, struct signal *s)
{
	for (struct link *l = s->links; l; l = l->of_signal) {
		if (!l->second || str_eq(l->twin->id, t->id))
			continue;
		link_resolve(l);
		tell_faults(l->twin);
		due_at(t->engine, l->twin->refresh_us);
	}
}

void twin_unbind(struct twin *t)
{
	struct engine *e = t->engine;
	for (size_t i = 0; t->link && i < t->setup.n_links; i++) {
		struct link *l = &t->link[i];
		known_drop(e, l->known);
		if (!l->signal)
			break;
		for (struct link **p = &l->signal->links; *p; p = &(*p)->of_signal)
			if (*p == l) {
				*p = l->of_signal;
				break;
			}
		hand_over(t, l->signal);
		if (l->hook.filter)
			filter_leave(e, l->hook.filter, &l->hook);
	}
	for (size_t i = 0; i < t->n_answers; i++)
		filter_leave(e, t->answer[i].filter, &t->answer[i]);
	for (size_t i = 0; i < MODEL_INPUTS; i++)
		if (t->input[i])
			signal_unwatch(t->input[i], t);
	known_drop(e, t->prediction);
	model_free(t->model);
	outline_free(t->outline);
	arena_free(t->arena);
}

void twin_resolve(struct twin *t, int64_t now_us)
{
	for (size_t i = 0; i < t->setup.n_links; i++)
		link_resolve(&t->link[i]);
	tell_faults(t);
	status_resolve(t);
	due_at(t->engine, now_us);
}

/* -- model ------------------------------------------------------------------------------------------------------------------- */

bool twin_remember(struct twin *t, const char *memory)
{
	if (!t->model || !model_load(t->model, memory, strlen(memory)))
		return false;
	model_look(t->model, true, &t->view);
	t->dirty = true;
	return true;
}

static bool usable(const struct signal *s)
{
	return s && s->text && s->quality != QUALITY_STALE && s->quality != QUALITY_BAD;
}

/* The inputs as they are now.  `together`: all come of the same time; false from the function: a required one is missing. */
static bool gather(const struct twin *t, double *in, int64_t *time_us, bool *together)
{
	const struct model_kind *k = t->setup.kind;
	bool all = true;
	*time_us = TIME_NONE;
	*together = true;
	for (size_t i = 0; i < k->n_inputs; i++) {
		in[i] = usable(t->input[i]) ? t->input[i]->num : NAN;
		all &= k->input[i].role != MODEL_REQUIRED || !isnan(in[i]);
		if (!isnan(in[i]) && t->input[i]->time_us > *time_us)
			*time_us = t->input[i]->time_us;
	}
	for (size_t i = 0; i < k->n_inputs; i++)
		*together &= isnan(in[i]) || t->input[i]->time_us == *time_us;
	return all;
}

void twin_step(struct twin *t, int64_t now_us)
{
	double in[MODEL_INPUTS];
	int64_t time_us;
	bool together;
	if (!t->model || !t->inputs_new)
		return;
	if (!gather(t, in, &time_us, &together)) {
		model_idle(t->model);
	} else if (together || (t->model_wait_us != TIME_NONE && now_us >= t->model_wait_us)) {
		model_step(t->model, time_us, in);
	} else {
		if (t->model_wait_us == TIME_NONE)
			t->model_wait_us = now_us + INPUTS_WAIT_US;
		due_at(t->engine, t->model_wait_us);
		return;
	}
	t->model_wait_us = TIME_NONE;
	t->inputs_new = false;
	t->dirty = t->stepped = true;
}

void twin_tick(struct twin *t, int64_t now_us)
{
	for (size_t i = 0; i < t->setup.n_links; i++) {
		struct link *l = &t->link[i];
		if (!link_tick(l, now_us))
			continue;
		t->dirty = true;
		for (size_t k = 0; k < l->signal->n_watchers; k++) {
			struct twin *w = l->signal->watcher[k];
			w->inputs_new = true;
			due_at(t->engine, now_us);
		}
	}
	bool rate = twin_rate(t, now_us) > 0;
	t->dirty |= rate || t->rated;	/* it falls when nothing comes */
	t->rated = rate;
	if (rate)
		due_at(t->engine, (now_us / US_PER_S + 1) * US_PER_S);
	twin_step(t, now_us);
	status_refresh(t, now_us);
}
