/* SPDX-License-Identifier: Apache-2.0
 * runtime.c - the engine's thread, and everything that reaches it.
 *
 * The message queue is the spool: paho's thread appends, the engine's thread reads.  All else (changed submodels, written values,
 * invocations, the state of the connection) comes as events through a bounded queue; a change that finds it full makes the engine
 * load everything again, so nothing is missed.
 */
#include "twin_engine/runtime.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "aas/json.h"
#include "aas/tree.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "twin_engine/historian.h"
#include "twin_engine/mqtt.h"
#include "twin_engine/spool.h"

#define EVENTS_MAX 8192
#define PAGE 100
#define WAIT_MOST_US 100000
#define GRACE_US (2 * US_PER_S)
#define SPACE_WAIT_US 200000
#define SPOOL_NAME "mqtt"

enum event_kind { EVENT_SUBMODEL, EVENT_VALUE, EVENT_STATE, EVENT_INVOKE };

struct event {
	enum event_kind kind;
	uint64_t ticket;
	char *id, *path, *text;		/* EVENT_STATE: id is the state, text the error */
};

/* One invocation that a worker waits for. */
enum ticket_state { TICKET_QUEUED, TICKET_IN_ENGINE, TICKET_PENDING, TICKET_DONE };
struct ticket {
	struct ticket *next;
	uint64_t id;
	enum ticket_state state;
	const struct sm_invocation *what;
	struct arena *arena;
	struct sm_outcome *out;
	struct diag *diag;
	enum err err;
};

struct twin_runtime {
	struct twin_config conf;
	struct engine *engine;
	struct historian *historian;
	struct spool *spool;
	struct mqtt *mqtt;
	struct queue *events;
	pthread_t thread;
	bool has_thread;
	atomic_bool stop, reload;
	int64_t last_us;		/* engine's time, never backwards */
	struct lock lock;		/* tickets */
	pthread_cond_t answered;
	struct ticket *tickets;
	uint64_t next_ticket;
	char response_topic[256];
};

/* -- events --------------------------------------------------------------------------------------------------------------------- */

static void event_free(struct event *e)
{
	free(e->id);
	free(e->path);
	free(e->text);
	free(e);
}

static bool copy(char **to, const char *from)
{
	*to = from ? strdup(from) : NULL;
	return *to || !from;
}

static bool post(struct twin_runtime *t, enum event_kind kind, const char *id, const char *path, const char *text, uint64_t ticket)
{
	struct event *e = calloc(1, sizeof *e);
	if (!e)
		return false;
	e->kind = kind;
	e->ticket = ticket;
	if (!copy(&e->id, id) || !copy(&e->path, path) || !copy(&e->text, text) || !queue_put(t->events, e, 0)) {
		event_free(e);
		return false;
	}
	spool_wake(t->spool);
	return true;
}

/* Bus: in the thread of whoever changed something. */
static void on_change(void *ctx, const struct change *c, size_t n)
{
	struct twin_runtime *t = ctx;
	for (size_t i = 0; i < n; i++) {
		if (c[i].of != STORE_SUBMODEL || c[i].origin != CHANGE_BY_CLIENT)
			continue;
		bool value = c[i].kind == CHANGE_VALUE && c[i].path;
		if (!post(t, value ? EVENT_VALUE : EVENT_SUBMODEL, c[i].id, value ? c[i].path : NULL, value ? c[i].value : NULL, 0))
			atomic_store(&t->reload, true);
		/* a value may be part of a twin's own description (its mode, a topic): the twin reads itself again */
		if (value && !post(t, EVENT_SUBMODEL, c[i].id, NULL, NULL, 0))
			atomic_store(&t->reload, true);
	}
}

static bool on_message(void *ctx, int64_t recv_us, const struct engine_message *m)
{
	struct twin_runtime *t = ctx;
	uint64_t position;
	enum err e;
	while ((e = spool_append(t->spool, recv_us, m, &position))) {
		if (atomic_load(&t->stop))
			return false;	/* not kept, so not acknowledged: the broker sends it to the next process */
		spool_wait_space(t->spool, SPACE_WAIT_US);
	}
	return true;
}

static void on_state(void *ctx, const char *state, const char *error)
{
	post(ctx, EVENT_STATE, state, NULL, error, 0);
}

/* -- the engine's ports ---------------------------------------------------------------------------------------------------------- */

static void port_subscribe(void *ctx, const char *filter)
{
	struct twin_runtime *t = ctx;
	if (t->mqtt)
		mqtt_subscribe(t->mqtt, filter);
}

static void port_unsubscribe(void *ctx, const char *filter)
{
	struct twin_runtime *t = ctx;
	if (t->mqtt)
		mqtt_unsubscribe(t->mqtt, filter);
}

static bool port_publish(void *ctx, const struct engine_publish *p)
{
	struct twin_runtime *t = ctx;
	return t->mqtt && mqtt_publish(t->mqtt, p);
}

static void port_sample(void *ctx, const struct engine_sample *s)
{
	historian_sample(((struct twin_runtime *)ctx)->historian, s);
}

static void port_live(void *ctx, const char *submodel_id, const char *path, const char *text, enum quality quality, int64_t time_us)
{
	struct twin_runtime *t = ctx;
	live_set(t->conf.live, submodel_id, path, text, quality, time_us);
	historian_live(t->historian, submodel_id, path, text, quality, time_us);
}

static void port_command(void *ctx, const struct store_command *c)
{
	historian_command(((struct twin_runtime *)ctx)->historian, c);
}

static void port_new_id(void *ctx, char out[UUID_SIZE])
{
	(void)ctx;
	uuid_v7(out);
}

static void port_want(void *ctx, const char *submodel_id)
{
	struct twin_runtime *t = ctx;
	if (!post(t, EVENT_SUBMODEL, submodel_id, NULL, NULL, 0))
		atomic_store(&t->reload, true);
}

static void port_provide(void *ctx, struct aas_node *submodel)
{
	struct twin_runtime *t = ctx;
	struct diag d = DIAG_INIT;
	struct arena *a = arena_new(0);
	struct sm_session *s = NULL;
	char why[200];
	enum err e = a ? sm_begin(t->conf.service, true, a, &d, &s) : ERR_NO_MEMORY;
	if (!e && (e = sm_create(s, STORE_SUBMODEL, submodel)))
		sm_abort(s);
	else if (!e)
		e = sm_commit(s);
	if (e && e != ERR_CONFLICT)
		log_warn("engine", "the submodel %s was not made: %s", AAS_ID(submodel), diag_first(&d, why, sizeof why));
	diag_fini(&d);
	arena_free(a);
}

/* -- invocations ------------------------------------------------------------------------------------------------------------------ */

static struct ticket *ticket_find(struct twin_runtime *t, uint64_t id)
{
	struct ticket *k = t->tickets;
	while (k && k->id != id)
		k = k->next;
	return k;
}

/* The declared output variables with the texts of the answer. */
static struct aas_node *outputs_of(const struct sm_invocation *what, const char *const *pair, struct arena *a)
{
	struct aas_node *head = NULL, **tail = &head;
	for (const struct aas_node *v = AAS_AT(what->operation, Operation, outputVariables).node; v; v = v->next) {
		const struct aas_node *element = AAS_AT(v, OperationVariable, value).node;
		const char *name = AAS_ID_SHORT(element);
		for (const char *const *p = pair; p && *p; p += 2) {
			if (!name || strcmp(*p, name) || !aas_is(element, AAS_Property))
				continue;
			if (!(*tail = aas_copy(a, v)))
				return head;
			AAS_AT(AAS_AT(*tail, OperationVariable, value).node, Property, value).str = arena_strdup(a, p[1]);
			tail = &(*tail)->next;
		}
	}
	return head;
}

static void port_outcome(void *ctx, uint64_t id, const struct engine_outcome *o)
{
	struct twin_runtime *t = ctx;
	lock_take(&t->lock);
	struct ticket *k = ticket_find(t, id);
	if (k) {
		*k->out = (struct sm_outcome){ o->state, outputs_of(k->what, o->output, k->arena), NULL,
					       o->message && *o->message ? arena_strdup(k->arena, o->message) : NULL };
		k->state = TICKET_DONE;
		pthread_cond_broadcast(&t->answered);
	}
	lock_drop(&t->lock);
}

static void event_invoke(struct twin_runtime *t, int64_t now, uint64_t id)
{
	struct diag d = DIAG_INIT;
	lock_take(&t->lock);
	struct ticket *k = ticket_find(t, id);
	const struct sm_invocation *what = k ? k->what : NULL;
	if (k)
		k->state = TICKET_IN_ENGINE;	/* its worker does not leave now */
	lock_drop(&t->lock);
	if (!what)
		return;
	enum err e = engine_invoke(t->engine, now, id, what, &d);
	lock_take(&t->lock);
	if (e) {
		for (unsigned i = 0; i < d.n; i++)
			diag_add(k->diag, d.list[i].err, "%s", d.list[i].text);
		k->err = e;
		k->state = TICKET_DONE;
	} else if (k->state == TICKET_IN_ENGINE) {
		k->state = TICKET_PENDING;
	}
	pthread_cond_broadcast(&t->answered);
	lock_drop(&t->lock);
	diag_fini(&d);
}

static enum err invoke(void *ctx, const struct sm_invocation *what, struct arena *a, struct sm_outcome *out, struct diag *d)
{
	struct twin_runtime *t = ctx;
	struct ticket k = { .what = what, .arena = a, .out = out, .diag = d };
	int64_t until = clock_mono_us() + what->timeout_us + GRACE_US;
	lock_take(&t->lock);
	k.id = ++t->next_ticket;
	k.next = t->tickets;
	t->tickets = &k;
	lock_drop(&t->lock);
	if (!post(t, EVENT_INVOKE, NULL, NULL, NULL, k.id))
		k.err = diag_add(d, ERR_UNAVAILABLE, "the engine is too busy");
	lock_take(&t->lock);
	while (!k.err && k.state != TICKET_DONE) {
		int64_t left = until - clock_mono_us();
		if (left <= 0 && k.state != TICKET_IN_ENGINE) {
			*out = (struct sm_outcome){ .state = EXECUTION_TIMEOUT, .message = "no answer in time" };
			break;
		}
		lock_wait(&t->lock, &t->answered, left > 1000 ? left : 1000);
	}
	struct ticket **at = &t->tickets;
	while (*at && *at != &k)
		at = &(*at)->next;
	if (*at)
		*at = k.next;
	lock_drop(&t->lock);
	return k.err;
}

struct sm_invoker twin_invoker(struct twin_runtime *t)
{
	return (struct sm_invoker){ t, invoke };
}

/* -- the engine's thread ------------------------------------------------------------------------------------------------------------ */

static int64_t forward(struct twin_runtime *t, int64_t us)
{
	if (us > t->last_us)
		t->last_us = us;
	return t->last_us;
}

static void tell_submodel(struct twin_runtime *t, const char *id)
{
	struct diag d = DIAG_INIT;
	struct arena *a = arena_new(0);
	struct sm_session *s = NULL;
	const struct sm_tree *tree = NULL;
	enum err e = a ? sm_begin(t->conf.service, false, a, &d, &s) : ERR_NO_MEMORY;
	if (!e)
		e = sm_get(s, STORE_SUBMODEL, id, &tree);
	if (!e || e == ERR_NOT_FOUND)
		engine_submodel(t->engine, t->last_us, id, e ? NULL : tree->node);
	else
		atomic_store(&t->reload, true);
	if (e == ERR_NOT_FOUND)
		live_drop(t->conf.live, id, NULL);
	sm_abort(s);
	diag_fini(&d);
	arena_free(a);
}

/* Tell the engine of every submodel, a page at a time. */
static enum err load_all(struct twin_runtime *t, struct diag *d)
{
	char *after = NULL;
	enum err e = ERR_OK;
	for (bool more = true; more && !e;) {
		static const struct store_filter all;
		struct arena *a = arena_new(0);
		struct sm_session *s = NULL;
		struct store_page page = { 0 };
		e = a ? sm_begin(t->conf.service, false, a, d, &s) : ERR_NO_MEMORY;
		if (!e)
			e = sm_list(s, STORE_SUBMODEL, &all, after, PAGE, &page);
		for (size_t i = 0; !e && i < page.n; i++) {
			struct aas_node *node = NULL;
			const struct store_doc *doc = &page.item[i];
			if (!aas_json_read(a, AAS_Submodel, doc->json.p, doc->json.n, AAS_JSON_DEFAULT, &node, NULL))
				engine_submodel(t->engine, t->last_us, doc->id, node);
		}
		free(after);
		after = !e && page.next ? strdup(page.next) : NULL;
		more = after != NULL;
		sm_abort(s);
		arena_free(a);
	}
	free(after);
	return e;
}

static void restore_row(void *ctx, const char *submodel_id, const char *path, const struct store_live *row)
{
	struct twin_runtime *t = ctx;
	live_set(t->conf.live, submodel_id, path, row->text, row->quality, row->time_us);
	engine_restore(t->engine, submodel_id, path, row);
}

static void take_event(struct twin_runtime *t, struct event *e)
{
	int64_t now = forward(t, clock_now_us());
	switch (e->kind) {
	case EVENT_SUBMODEL:
		tell_submodel(t, e->id);
		break;
	case EVENT_VALUE:
		engine_value(t->engine, now, e->id, e->path, e->text);
		break;
	case EVENT_STATE:
		engine_connection(t->engine, now, e->id, e->text ? e->text : "");
		break;
	case EVENT_INVOKE:
		event_invoke(t, now, e->ticket);
		break;
	}
	event_free(e);
}

static void take_events(struct twin_runtime *t)
{
	struct event *e;
	while ((e = queue_get(t->events, 0)))
		take_event(t, e);
	if (atomic_exchange(&t->reload, false)) {
		struct diag d = DIAG_INIT;
		if (load_all(t, &d)) {
			atomic_store(&t->reload, true);
			clock_sleep_us(WAIT_MOST_US);	/* the store is away: no haste */
		}
		diag_fini(&d);
	}
}

static void *run(void *arg)
{
	struct twin_runtime *t = arg;
	while (!atomic_load(&t->stop)) {
		struct engine_message m;
		int64_t recv_us, due, now;
		take_events(t);
		due = engine_due(t->engine);
		now = clock_now_us();
		int64_t wait = due <= now ? 0 : due - now < WAIT_MOST_US ? due - now : WAIT_MOST_US;
		if (spool_read(t->spool, wait, &recv_us, &m)) {
			/* Behind (a replay): the engine lives in the messages' own time, and ticks there. */
			engine_message(t->engine, forward(t, recv_us), &m);
			historian_mark(t->historian, spool_next(t->spool));
			if (engine_due(t->engine) <= t->last_us)
				engine_tick(t->engine, t->last_us);
			continue;
		}
		if (engine_due(t->engine) <= forward(t, clock_now_us()))
			engine_tick(t->engine, t->last_us);
	}
	return NULL;
}

/* -- start and stop -------------------------------------------------------------------------------------------------------------------- */

static enum err open_spool(struct twin_runtime *t, struct diag *d)
{
	struct spool_config c = { .dir = t->conf.spool_dir, .sync = t->conf.ack_disk };
	uint64_t position = 0;
	enum err e = spool_open(&c, &t->spool, d);
	if (!e && (e = t->conf.store->ops->position(t->conf.store, SPOOL_NAME, &position)))
		return diag_add(d, e, "the position of the spool cannot be read: %s", err_info[e].text);
	if (!e)
		spool_seek(t->spool, position);
	return e;
}

static enum err open_engine(struct twin_runtime *t, struct diag *d)
{
	struct engine_ports ports = {
		.ctx = t, .subscribe = port_subscribe, .unsubscribe = port_unsubscribe, .publish = port_publish, .sample = port_sample,
		.live = port_live, .command = port_command, .outcome = port_outcome, .provide = port_provide, .new_id = port_new_id,
		.want = port_want,
	};
	struct historian_config h = { .store = t->conf.store, .spool = t->spool, .spool_name = SPOOL_NAME };
	struct mqtt_config m = {
		.uri = t->conf.broker, .client_id = t->conf.client_id, .username = t->conf.username, .password = t->conf.password,
		.ctx = t, .on_message = on_message, .on_state = on_state,
	};
	if (!(t->historian = historian_new(&h)) || !(t->engine = engine_new(&ports)))
		return diag_add(d, ERR_NO_MEMORY, "out of memory");
	enum err e = mqtt_new(&m, &t->mqtt, d);
	if (e)
		return e;
	snprintf(t->response_topic, sizeof t->response_topic, "twinshell/%s/response", t->conf.client_id);
	engine_set_response_topic(t->engine, t->response_topic);
	t->last_us = clock_now_us();
	if ((e = load_all(t, d)))
		return diag_add(d, e, "the submodels cannot be read: %s", err_info[e].text);
	if ((e = t->conf.store->ops->live(t->conf.store, restore_row, t)))
		return diag_add(d, e, "the live values cannot be read: %s", err_info[e].text);
	return ERR_OK;
}

enum err twin_start(const struct twin_config *conf, struct twin_runtime **out, struct diag *d)
{
	struct twin_runtime *t = calloc(1, sizeof *t);
	if (!t)
		return diag_add(d, ERR_NO_MEMORY, "out of memory");
	t->conf = *conf;
	lock_init(&t->lock, RANK_ENGINE);
	cond_init(&t->answered);
	enum err e = (t->events = queue_new(EVENTS_MAX)) ? open_spool(t, d) : diag_add(d, ERR_NO_MEMORY, "out of memory");
	if (!e)
		e = open_engine(t, d);
	if (!e) {
		changes_subscribe(conf->changes, on_change, t);
		if (!(t->has_thread = thread_start(&t->thread, "engine", run, t)))
			e = diag_add(d, ERR_INTERNAL, "no thread for the engine");
	}
	if (e)
		twin_stop(t);
	else
		*out = t;
	return e;
}

void twin_stop(struct twin_runtime *t)
{
	struct event *e;
	if (!t)
		return;
	atomic_store(&t->stop, true);
	if (t->spool)
		spool_wake(t->spool);
	if (t->has_thread)
		pthread_join(t->thread, NULL);
	mqtt_free(t->mqtt);
	historian_free(t->historian);
	engine_free(t->engine);
	spool_close(t->spool);
	while (t->events && (e = queue_get(t->events, 0)))
		event_free(e);
	queue_free(t->events);
	pthread_cond_destroy(&t->answered);
	lock_fini(&t->lock);
	free(t);
}
