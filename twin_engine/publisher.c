/* SPDX-License-Identifier: Apache-2.0
 * publisher.c - feed -> lines -> events -> messages -> broker -> place.
 *
 * Callbacks of the connection and of the store only leave word; everything else happens in one thread.  Where messages wait: publisher_window.c.
 */
#include "twin_engine/publisher_priv.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "submodels/event_feed.h"

#define LINES 64			/* of the feed, read at a time */
#define PLACE_US (US_PER_S / 5)		/* the place is stored at least so often while it moves */
#define PLACE_LINES 512
#define LOOK_US (2 * US_PER_S)		/* nobody called: look whether there is something new */
#define REST_US US_PER_S		/* at the end the broker has so long to take what waited for an interval */

/* The wall clock, which may be set back; the intervals of event elements must not see that. */
static int64_t now_us(struct publisher *p)
{
	int64_t now = clock_now_us();
	if (now > p->clock)
		p->clock = now;
	return p->clock;
}

/* -- word from others -------------------------------------------------------------------------------------------------------------- */

static void on_feed(void *ctx)
{
	struct publisher *p = ctx;
	lock_take(&p->lock);
	p->woken = true;
	pthread_cond_signal(&p->cond);
	lock_drop(&p->lock);
}

static void on_state(void *ctx, const char *state, const char *error)
{
	struct publisher *p = ctx;
	(void)error;
	lock_take(&p->lock);
	p->connected = !strcmp(state, "connected");
	p->turn++;
	p->waiting = NULL;
	p->n_given = 0;		/* of the new connection */
	pthread_cond_signal(&p->cond);
	lock_drop(&p->lock);
}

static bool on_message(void *ctx, int64_t recv_us, const struct engine_message *m)
{
	(void)ctx;
	(void)recv_us;
	(void)m;
	return true;		/* left over from an old session: nothing is subscribed here */
}

/* -- the feed ---------------------------------------------------------------------------------------------------------------------- */

/* The database is away, or there is no memory: later again. */
static void later(struct publisher *p, enum err err)
{
	if (!p->complained && err != ERR_AGAIN)
		log_warn("events", "the feed of changes cannot be read now: %s", err_info[err].text);
	p->complained = true;
	p->retry_at = clock_mono_us() + RETRY_US;
}

static enum err feed(struct publisher *p, int64_t after, size_t limit, struct store_event **line, size_t *n, int64_t *newest)
{
	p->work.open = false;
	p->work.n_lines = 0;
	arena_reset(p->lines);
	return p->conf.store->ops->feed(p->conf.store, after, limit, p->lines, line, n, newest);
}

/* The feed does not reach back to where we were (retention), or is another one (a restored database): on with what it has. */
static enum err begin_anew(struct publisher *p)
{
	int64_t oldest, newest, was = p->read;
	enum err err = event_feed_bounds(p->conf.store, &oldest, &newest);
	if (err)
		return err;
	p->read = oldest < was ? newest : oldest;
	log_error("events", "the feed of changes has nothing behind place %lld any more: what was changed up to %lld is not told",
		  (long long)was, (long long)p->read);
	lock_take(&p->lock);
	p->stats.lost += p->read > was ? (uint64_t)(p->read - was) : 0;
	lock_drop(&p->lock);
	return ERR_OK;
}

/* The store keeps one more than the place, so that the first start ever is told from one at the beginning. */
static enum err find_place(struct publisher *p)
{
	uint64_t kept;
	int64_t oldest, newest;
	enum err err = p->conf.store->ops->position(p->conf.store, p->name, &kept);
	if (err)
		return err;
	if (kept) {
		p->read = (int64_t)(kept - 1);
		p->stored = p->read;
	} else {
		if ((err = event_feed_bounds(p->conf.store, &oldest, &newest)))
			return err;
		p->read = p->conf.from_start ? oldest : newest;
		p->stored = -1;
	}
	p->done = p->read;
	p->placed = true;
	return ERR_OK;
}

static enum err keep_place(struct publisher *p)
{
	if (p->done == p->stored)
		return ERR_OK;
	struct store_batch b = { .spool = p->name, .position = (uint64_t)p->done + 1 };
	enum err err = p->conf.store->ops->append(p->conf.store, &b);
	if (err)
		return err;
	lock_take(&p->lock);
	p->stats.lines += p->stored >= 0 && p->done > p->stored ? (uint64_t)(p->done - p->stored) : 0;
	p->stats.place = p->done;
	lock_drop(&p->lock);
	p->stored = p->done;
	p->stored_at = clock_mono_us();
	return ERR_OK;
}

static bool emit(void *ctx, const struct event_message *m)
{
	struct publisher *p = ctx;
	return publisher_push(p, m, p->work.open ? p->work.line->position : 0);
}

static void spoke(void *ctx, const char *submodel_id, const char *path, int64_t time_us)
{
	struct publisher *p = ctx;
	char when[TIME_TEXT_MAX];
	time_format(when, time_us);
	if (p->conf.live && live_set(p->conf.live, submodel_id, path, when, QUALITY_GOOD, time_us))
		log_warn("events", "lastUpdate of %s in %s was not set: out of memory", path, submodel_id);
}

/* What is in no feed holds nothing up: it belongs to no line. */
static bool emit_passing(void *ctx, const struct event_message *m)
{
	struct publisher *p = ctx;
	bool ok = publisher_push(p, m, 0);
	on_feed(p);
	return ok;
}

/* Structure of a submodel has changed: its event elements may be others. */
static enum err reindex(struct publisher *p, const struct store_event *e)
{
	const struct aas_node *root = NULL;
	if (e->kind != STORE_SUBMODEL || e->operation == STORE_OP_VALUE)
		return ERR_OK;
	enum err err = event_tree(p->trees, e, false, &root);
	return err ? err : event_elements_submodel(p->elements, now_us(p), e->id, root);
}

static enum err write_event(struct publisher *p, const struct event *e)
{
	struct event_writer w = { .conf = &p->conf.events, .trees = p->trees, .arena = p->text, .emit = emit, .ctx = p };
	enum err err = ERR_OK;
	for (unsigned i = 0; i < EVENT_FORMATS && !err; i++)
		if (p->conf.formats & 1u << i)
			err = event_formats[i].write(&w, e);
	if (!err)
		err = event_elements_change(p->elements, now_us(p), p->trees, e);
	arena_reset(p->text);
	return err;
}

static enum err open_line(struct publisher *p)
{
	struct work *w = &p->work;
	arena_reset(p->events);
	enum err err = event_list(p->trees, w->line, p->events, &w->event, &w->n);
	if (!err)
		err = reindex(p, w->line);
	w->next = 0;
	w->open = !err;
	return err;
}

static enum err read_lines(struct publisher *p)
{
	struct store_event *line;
	size_t n = 0;
	int64_t newest;
	enum err err = feed(p, p->read, LINES, &line, &n, &newest);
	if (err == ERR_GONE)
		return begin_anew(p);
	if (err)
		return err;
	p->work.line = line;
	p->work.n_lines = n;
	p->empty = n == 0;
	return ERR_OK;
}

/* One step of: read lines, open a line, write one of its events, close it.  A step that fails half way is made again: what it has put into the
 * window by then goes out twice. */
static enum err step(struct publisher *p)
{
	struct work *w = &p->work;
	enum err err = ERR_OK;
	if (!w->n_lines)
		return read_lines(p);
	if (!w->open)
		return open_line(p);
	if (w->next < w->n) {
		if (!(err = write_event(p, &w->event[w->next])))
			w->next++;
		return err;
	}
	p->read = w->line->position;
	w->open = false;
	w->line++;
	w->n_lines--;
	return ERR_OK;
}

/* -- the thread ---------------------------------------------------------------------------------------------------------------------- */

static bool stopping(struct publisher *p)
{
	lock_take(&p->lock);
	bool stop = p->stop;
	lock_drop(&p->lock);
	return stop;
}

static bool is_stopping(void *ctx)
{
	return stopping(ctx);
}

static enum err index_all(struct publisher *p)
{
	enum err err = event_elements_load(p->elements, now_us(p), p->conf.store, is_stopping, p);
	p->indexed = !err;
	if (!err && event_elements_count(p->elements))
		log_info("events", "%zu event elements are on", event_elements_count(p->elements));
	return err;
}

/* Everything that is possible now. */
static enum err work(struct publisher *p)
{
	enum err err = ERR_OK;
	if (!p->placed && (err = find_place(p)))
		return err;
	if (!p->indexed && (err = index_all(p)))
		return err;
	if ((err = event_elements_tick(p->elements, now_us(p))))
		return err;
	p->empty = false;
	while (!err && !p->empty && publisher_has_room(p) && !stopping(p))
		err = step(p);
	return err;
}

static int64_t wait_for(struct publisher *p, bool stuck)
{
	int64_t now = clock_mono_us(), us = LOOK_US, due = event_elements_due(p->elements);
	if (due != INT64_MAX && due - now_us(p) < us)
		us = due - now_us(p);
	if (p->retry_at > now && p->retry_at - now < us)
		us = p->retry_at - now;
	if (stuck && us > RETRY_US)
		us = RETRY_US;
	if (p->done != p->stored && p->stored_at + PLACE_US - now < us)
		us = p->stored_at + PLACE_US - now;
	return us > 1000 ? us : 1000;
}

static void turn(struct publisher *p)
{
	enum err err = ERR_OK;
	int64_t now = clock_mono_us();
	if (now >= p->retry_at)
		err = work(p);
	bool stuck = !publisher_give(p);
	publisher_settle(p);
	if (!err && p->placed && (p->done - p->stored >= PLACE_LINES || now - p->stored_at >= PLACE_US || p->stored < 0))
		err = keep_place(p);
	if (err)
		later(p, err);
	else if (now >= p->retry_at)
		p->complained = false;
	lock_take(&p->lock);
	bool go_on = p->woken || p->n_done >= SOME || (p->n_done && !p->n_given) || (p->connected && publisher_next(p) && !stuck);
	if (!p->stop && !go_on)
		lock_wait(&p->lock, &p->cond, wait_for(p, stuck));
	p->woken = false;
	lock_drop(&p->lock);
}

/* Until everything in the window is acknowledged; false: the time is over, or there is no broker. */
static bool drain(struct publisher *p, int64_t until)
{
	for (;;) {
		publisher_give(p);
		publisher_settle(p);
		int64_t left = until - clock_mono_us();
		lock_take(&p->lock);
		bool empty = !p->first, go_on = !empty && p->connected && left > 0;
		if (go_on && p->first->state != DONE)
			lock_wait(&p->lock, &p->cond, left < RETRY_US ? left : RETRY_US);
		lock_drop(&p->lock);
		if (!go_on)
			return empty;
	}
}

/* The news that wait for an interval belong to lines that are done with: nobody would say them after the next start. */
static void say_rest(struct publisher *p)
{
	int64_t until = clock_mono_us() + REST_US;
	p->work.open = false;
	while (event_elements_flush(p->elements, now_us(p), WINDOW_MAX) && drain(p, until))
		;
}

static void *run(void *arg)
{
	struct publisher *p = arg;
	while (!stopping(p))
		turn(p);
	say_rest(p);
	publisher_settle(p);
	if (p->placed)
		keep_place(p);
	return NULL;
}

/* -- life ------------------------------------------------------------------------------------------------------------------------------ */

static void dispose(struct publisher *p)
{
	publisher_drop(p);
	event_elements_free(p->elements);
	event_trees_free(p->trees);
	arena_free(p->lines);
	arena_free(p->events);
	arena_free(p->text);
	pthread_cond_destroy(&p->cond);
	lock_fini(&p->lock);
	free(p->name);
	free(p->client_id);
	free(p);
}

static bool build(struct publisher *p)
{
	struct event_elements_ports ports = { .ctx = p, .send = emit, .sent = spoke };
	bool ok = asprintf(&p->name, "events/%s", p->conf.client_id) >= 0 && (p->client_id = strdup(p->conf.client_id));
	p->trees = event_trees_new(p->conf.store, 0);
	p->elements = event_elements_new(&ports, &p->conf.events);
	p->lines = arena_new(0);
	p->events = arena_new(0);
	p->text = arena_new(0);
	return ok && p->trees && p->elements && p->lines && p->events && p->text;
}

enum err publisher_start(const struct publisher_config *c, struct publisher **out, struct diag *d)
{
	struct publisher *p = calloc(1, sizeof *p);
	if (!p)
		return ERR_NO_MEMORY;
	p->conf = *c;
	p->tail = &p->first;
	lock_init(&p->lock, RANK_QUEUE);
	cond_init(&p->cond);
	enum err err = build(p) ? ERR_OK : ERR_NO_MEMORY;
	struct mqtt_config m = {
		.uri = c->broker, .client_id = p->client_id, .username = c->username, .password = c->password, .ctx = p, .on_message = on_message,
		.on_landed = publisher_landed, .on_state = on_state,
	};
	if (!err && !(err = c->store->ops->feed_listen(c->store, on_feed, p)))
		p->listening = true;
	if (!err)
		err = mqtt_new(&m, &p->mqtt, d);
	if (!err && !(p->started = thread_start(&p->thread, "publisher", run, p)))
		err = diag_add(d, ERR_INTERNAL, "no thread for events");
	if (err) {
		publisher_stop(p);
		return err;
	}
	*out = p;
	return ERR_OK;
}

void publisher_stop(struct publisher *p)
{
	if (!p)
		return;
	lock_take(&p->lock);
	p->stop = true;
	pthread_cond_signal(&p->cond);
	lock_drop(&p->lock);
	if (p->started)
		pthread_join(p->thread, NULL);
	if (p->listening)
		p->conf.store->ops->feed_unlisten(p->conf.store, on_feed, p);
	mqtt_free(p->mqtt);
	dispose(p);
}

void publisher_operation(struct publisher *p, const char *submodel_id, const char *path, const struct aas_node *operation, bool ended)
{
	struct arena *a = p && p->conf.formats & 1 && mqtt_is_connected(p->mqtt) && publisher_has_room(p) ? arena_new(0) : NULL;
	if (!a)
		return;
	char id[UUID_SIZE];
	uuid_v7(id);
	struct store_event line = { .kind = STORE_SUBMODEL, .id = submodel_id, .recorded_us = clock_now_us() };
	struct event e = { .line = &line, .type = ended ? EVENT_FINISHED : EVENT_INVOKED, .path = path, .node = operation, .own_id = id };
	struct event_writer w = { .conf = &p->conf.events, .arena = a, .emit = emit_passing, .ctx = p };
	event_formats[0].write(&w, &e);		/* without memory it is not told */
	arena_free(a);
}

void publisher_stats(struct publisher *p, struct publisher_stats *out)
{
	lock_take(&p->lock);
	*out = p->stats;
	out->waiting = p->n;
	lock_drop(&p->lock);
}
