/* SPDX-License-Identifier: Apache-2.0
 * runtime.c - the engine's thread.  Everything reaches the engine here, one call at a time:
 *
 *   broker -> mqtt.c -> spool -> [engine_message] -> samples, live values -> historian -> database -> spool released
 *   bus    -> inbox  -> [engine_submodel, engine_value]
 *   worker -> ticket -> [engine_invoke] -> mqtt.c ... [engine_message] -> outcome -> the worker goes on
 *
 * The message queue is the spool itself: the callback appends, this thread reads.  The engine's clock follows the arrival times of the
 * messages, and the wall clock only when there is none left to read; so messages that are late (after a restart, or under load) get the
 * times that they arrived at.  While it lags, submodels are still bound at once, but commands and written values wait: they should not be
 * decided on what was true a while ago.
 *
 * How the engine comes to know submodels, and how those that it wants are made, is in runtime_submodel.c.
 */
#include "twin_engine/runtime_priv.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "twin_engine/historian.h"
#include "twin_engine/inbox.h"
#include "twin_engine/mqtt.h"
#include "twin_engine/ticket.h"

#define INBOX_MAX 100000
#define LAG_US (US_PER_S / 4)
#define IDLE_US US_PER_S		/* nothing to do: look again */
#define TICKS_MAX 1000			/* one after the other in one gap of time */
#define ARENA_BYTES ((size_t)256 << 20)

static void attend_to(struct twin_runtime *t)
{
	atomic_store(&t->attention, true);
	spool_wake(t->spool);
}

/* -- other threads: paho's, mqtt's, whoever publishes changes, workers -------------------------------------------------------- */

static bool on_message(void *ctx, int64_t recv_us, const struct engine_message *m)
{
	return intake_take(&((struct twin_runtime *)ctx)->intake, recv_us, m);
}

/* State NULL: as it is. */
static void put_link_state(struct twin_runtime *t, const char *state, const char *error)
{
	lock_take(&t->lock);
	t->link_changed = true;
	if (state)
		snprintf(t->state, sizeof t->state, "%s", state);
	snprintf(t->error, sizeof t->error, "%s", error);
	lock_drop(&t->lock);
	attend_to(t);
}

/* Shown as the last error once the engine itself waits no more. */
static void on_wait(void *ctx, const char *text)
{
	if (text)
		put_link_state(ctx, NULL, text);
}

static void on_state(void *ctx, const char *state, const char *error)
{
	put_link_state(ctx, state, error);
}

static void on_change(void *ctx, const struct change *list, size_t n)
{
	struct twin_runtime *t = ctx;
	bool any = false;
	for (size_t i = 0; i < n; i++) {
		const struct change *c = &list[i];
		if (c->origin == CHANGE_BY_ENGINE || c->of != STORE_SUBMODEL)
			continue;
		if (c->kind == CHANGE_VALUE && c->path)
			inbox_put(t->values, c->id, c->path, c->value);
		else
			inbox_put(t->submodels, c->id, NULL, NULL);
		any = true;
	}
	if (any)
		attend_to(t);
}

static void on_ticket(void *ctx)
{
	attend_to(ctx);
}

static enum err on_invoke(void *ctx, const struct sm_invocation *what, struct arena *a, struct sm_outcome *out, struct diag *d)
{
	return tickets_invoke(((struct twin_runtime *)ctx)->tickets, what, a, out, d);
}

void twin_close(struct twin_runtime *t)
{
	tickets_close(t->tickets);
}

struct sm_invoker twin_invoker(struct twin_runtime *t)
{
	return (struct sm_invoker){ t, on_invoke };
}

/* -- the engine's ports: in the engine thread, inside of an engine call --------------------------------------------------------- */

static void port_subscribe(void *ctx, const char *filter)
{
	mqtt_subscribe(((struct twin_runtime *)ctx)->mqtt, filter);
}

static void port_unsubscribe(void *ctx, const char *filter)
{
	mqtt_unsubscribe(((struct twin_runtime *)ctx)->mqtt, filter);
}

static bool port_publish(void *ctx, const struct engine_publish *p)
{
	return mqtt_publish(((struct twin_runtime *)ctx)->mqtt, p);
}

static void port_sample(void *ctx, const struct engine_sample *s)
{
	historian_sample(((struct twin_runtime *)ctx)->historian, s);
}

static void port_live(void *ctx, const char *id, const char *path, const char *text, enum quality q, int64_t time_us)
{
	struct twin_runtime *t = ctx;
	struct change c = {
		.kind = CHANGE_VALUE, .origin = CHANGE_BY_ENGINE, .of = STORE_SUBMODEL,
		.id = id, .path = path, .value = text, .time_us = t->now,
	};
	if (live_set(t->live, id, path, text, q, time_us))
		log_error("engine", "out of memory: %s of %s is not shown", path, id);
	historian_live(t->historian, id, path, text, q, time_us);
	changes_publish(t->changes, &c, 1);
}

static void port_command(void *ctx, const struct store_command *c)
{
	historian_command(((struct twin_runtime *)ctx)->historian, c);
}

static void port_outcome(void *ctx, uint64_t ticket, const struct engine_outcome *o)
{
	tickets_answer(((struct twin_runtime *)ctx)->tickets, ticket, o);
}

static void port_new_id(void *ctx, char out[UUID_SIZE])
{
	(void)ctx;
	uuid_v7(out);
}

/* The stored quality is shown until the engine knows better. */
static void restore_row(void *ctx, const char *id, const char *path, const struct store_live *row)
{
	struct twin_runtime *t = ctx;
	live_set(t->live, id, path, row->text, row->quality, row->time_us);
	engine_restore(t->engine, id, path, row);
}

/* -- the thread --------------------------------------------------------------------------------------------------------------------- */

static void tick_to(struct twin_runtime *t, int64_t now)
{
	int64_t due;
	for (int i = 0; (due = engine_due(t->engine)) <= now && i < TICKS_MAX; i++) {
		t->now = due > t->now ? due : t->now;
		engine_tick(t->engine, t->now);
	}
	t->now = now > t->now ? now : t->now;
	if (due <= now)
		engine_tick(t->engine, t->now);
}

static void take_link_state(struct twin_runtime *t)
{
	char state[sizeof t->state], error[sizeof t->error];
	lock_take(&t->lock);
	bool changed = t->link_changed;
	memcpy(state, t->state, sizeof state);
	memcpy(error, t->error, sizeof error);
	t->link_changed = false;
	lock_drop(&t->lock);
	if (changed)
		engine_connection(t->engine, t->now, state, error);
}

static void take_values(struct twin_runtime *t)
{
	size_t lost = inbox_lost(t->values);
	if (lost)
		log_error("engine", "%zu written values came faster than they could be looked at: no commands for them", lost);
	for (struct inbox_item *i = inbox_take(t->values), *next; i; i = next) {
		next = i->next;
		engine_value(t->engine, t->now, i->id, i->path, i->value);
		inbox_item_free(i);
	}
}

static void take_tickets(struct twin_runtime *t)
{
	for (struct ticket *i; (i = tickets_next(t->tickets)); )
		tickets_called(t->tickets, i, engine_invoke(t->engine, t->now, i->id, i->what, i->diag));
}

/* What other threads want; while messages are late only what decides nothing. */
static void attend(struct twin_runtime *t, bool caught_up)
{
	bool retry = t->retry_at && clock_mono_us() >= t->retry_at;
	if (atomic_exchange(&t->attention, false) || retry) {
		t->retry_at = 0;
		t->deferred = true;
		take_link_state(t);
		runtime_tell_submodels(t);
		runtime_make_submodels(t);
	}
	if (t->deferred && caught_up) {
		t->deferred = false;
		take_values(t);
		take_tickets(t);
	}
}

static int64_t idle_time(struct twin_runtime *t)
{
	int64_t due = engine_due(t->engine), now = clock_now_us();
	int64_t left = due > now + IDLE_US ? IDLE_US : due - now;
	if (t->retry_at && t->retry_at - clock_mono_us() < left)
		left = t->retry_at - clock_mono_us();
	return left > 0 ? left : 0;
}

static void give_message(struct twin_runtime *t)
{
	/* no two messages share an instant, as they did not when they came */
	tick_to(t, t->recv > t->now ? t->recv : t->now + 1);
	t->have = false;
	engine_message(t->engine, t->now, &t->message);
	historian_mark(t->historian, spool_next(t->spool));
}

static void *run(void *arg)
{
	struct twin_runtime *t = arg;
	for (unsigned turn = 0; ; turn++) {
		if (!t->have)
			t->have = spool_read(t->spool, atomic_load(&t->attention) ? 0 : idle_time(t), &t->recv, &t->message);
		if (!t->have) {
			tick_to(t, clock_now_us());
			if (atomic_load(&t->stop))
				break;
		}
		bool caught_up = !t->have || t->recv + LAG_US >= clock_now_us();
		if (caught_up || turn % 64 == 0)
			attend(t, caught_up);
		if (t->have)
			give_message(t);
		if (atomic_load(&t->stop) && clock_mono_us() - atomic_load(&t->intake.closing) > INTAKE_STOP_US)
			break;
	}
	engine_stop(t->engine, t->now);
	tickets_close(t->tickets);
	atomic_store(&t->ended, true);
	return NULL;
}

/* -- life ----------------------------------------------------------------------------------------------------------------------------- */

static enum err open_spool(struct twin_runtime *t, const struct twin_config *c, struct diag *d)
{
	uint64_t position = 0;
	struct spool_config sc = { .dir = c->spool_dir, .max_bytes = c->spool_max, .segment_bytes = c->spool_segment, .sync = c->ack_disk };
	enum err e = t->store->ops->position(t->store, t->client_id, &position);
	if (e)
		return diag_add(d, e, "the database does not tell how far it has the telemetry: %s", err_info[e].text);
	if ((e = spool_open(&sc, &t->spool, d)))
		return e;
	t->intake = (struct intake){ .spool = t->spool, .waits = on_wait, .ctx = t };
	spool_seek(t->spool, position);
	if (spool_backlog(t->spool))
		log_info("spool", "%llu bytes of telemetry are not yet in the database", (unsigned long long)spool_backlog(t->spool));
	return ERR_OK;
}

static enum err make_parts(struct twin_runtime *t)
{
	struct engine_ports ports = {
		.ctx = t, .subscribe = port_subscribe, .unsubscribe = port_unsubscribe, .publish = port_publish, .sample = port_sample,
		.live = port_live, .command = port_command, .outcome = port_outcome, .provide = runtime_provide, .want = runtime_want,
		.new_id = port_new_id,
	};
	struct historian_config hc = { .store = t->store, .spool = t->spool, .spool_name = t->client_id };
	t->historian = historian_new(&hc);
	t->arena = arena_new(ARENA_BYTES);
	t->submodels = inbox_new(INBOX_MAX);
	t->values = inbox_new(INBOX_MAX);
	t->tickets = tickets_new(on_ticket, t);
	t->engine = engine_new(&ports);
	/* a replay begins in its own time */
	t->have = spool_read(t->spool, 0, &t->recv, &t->message);
	t->now = t->have && t->recv < clock_now_us() ? t->recv - 1 : clock_now_us();
	return t->arena && t->submodels && t->values && t->tickets && t->historian && t->engine ? ERR_OK : ERR_NO_MEMORY;
}

static enum err connect_broker(struct twin_runtime *t, const struct twin_config *c, struct diag *d)
{
	char topic[300];
	struct mqtt_config mc = {
		.uri = c->broker, .client_id = t->client_id, .username = c->username, .password = c->password,
		.ctx = t, .on_message = on_message, .on_state = on_state,
	};
	if (snprintf(topic, sizeof topic, "twinshell/%s/response", t->client_id) >= (int)sizeof topic)
		return diag_add(d, ERR_BAD_REQUEST, "the client id is too long");
	enum err e = mqtt_new(&mc, &t->mqtt, d);
	if (!e)
		engine_set_response_topic(t->engine, topic);
	return e;
}

enum err twin_start(const struct twin_config *c, struct twin_runtime **out, struct diag *d)
{
	struct twin_runtime *t = calloc(1, sizeof *t);
	if (!t || !(t->client_id = strdup(c->client_id))) {
		free(t);
		return ERR_NO_MEMORY;
	}
	t->store = c->store;
	t->service = c->service;
	t->changes = c->changes;
	t->live = c->live;
	lock_init(&t->lock, RANK_ENGINE);
	enum err e = open_spool(t, c, d);
	if (!e)
		e = make_parts(t);
	if (!e)
		e = connect_broker(t, c, d);
	if (!e && !changes_subscribe(c->changes, on_change, t))
		e = ERR_NO_MEMORY;
	if (!e && (e = runtime_load_submodels(t, d)))
		diag_add(d, e, "the submodels are not read: %s", err_info[e].text);
	if (!e && (e = t->store->ops->live(t->store, restore_row, t)))
		diag_add(d, e, "the last values are not read: %s", err_info[e].text);
	if (!e && !thread_start(&t->thread, "engine", run, t))
		e = diag_add(d, ERR_INTERNAL, "no thread for the engine");
	t->started = !e;
	if (e)
		twin_stop(t);
	else
		*out = t;
	return e;
}

/* What has arrived is processed and committed as far as that is quick; the rest is in the spool. */
static void stop_thread(struct twin_runtime *t)
{
	attend_to(t);
	/* with the database away the historian makes the engine wait */
	for (int64_t until = clock_mono_us() + INTAKE_STOP_US + US_PER_S; !atomic_load(&t->ended) && clock_mono_us() < until; )
		clock_sleep_us(2000);
	if (!atomic_load(&t->ended))
		historian_stop(t->historian);
	pthread_join(t->thread, NULL);
	tickets_drain(t->tickets);
}

void twin_stop(struct twin_runtime *t)
{
	if (!t)
		return;
	atomic_store(&t->intake.closing, clock_mono_us());
	if (t->mqtt)
		mqtt_stop(t->mqtt);
	atomic_store(&t->stop, true);
	if (t->started)
		stop_thread(t);
	if (t->engine)
		engine_free(t->engine);
	mqtt_free(t->mqtt);
	historian_free(t->historian);
	spool_close(t->spool);
	runtime_forget_submodels(t);
	tickets_free(t->tickets);
	inbox_free(t->submodels);
	inbox_free(t->values);
	arena_free(t->arena);
	lock_fini(&t->lock);
	free(t->client_id);
	free(t);
}
