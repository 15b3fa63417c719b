/* SPDX-License-Identifier: Apache-2.0 */
#include "twin_engine/historian.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "base/thread.h"

#define INTERVAL_US 20000
#define BATCH 10000
#define QUEUE_MAX 100000	/* samples that wait; then the engine does */
#define LIVE_INTERVAL_US 200000	/* live rows alone are not worth a commit more often */
#define PAUSE_FIRST_US 50000
#define PAUSE_MOST_US 2000000
#define STOP_US (5 * US_PER_S)

/* One element that has history or a live value; lives as long as the historian. */
struct series {
	char *submodel_id, *path, *unit;
	int64_t id;			/* 0: not asked for yet; historian's thread */
	bool dirty;			/* its live value is newer than what was taken last */
	char *text;
	enum quality quality;
	int64_t time_us;
};

struct item {
	struct series *series;
	struct store_sample sample;
};

struct command {
	struct command *next;
	struct store_command row;
};

/* What is collected while another one is committed. */
struct batch {
	struct arena *arena;
	struct item *item;
	size_t n, cap;
	struct series **live;
	struct store_live *row;		/* made when the batch is taken */
	size_t n_live, cap_live;
	struct command *commands, **tail;
	uint64_t position;
};

struct historian {
	struct historian_config conf;
	struct lock lock;
	pthread_cond_t filled, drained;
	pthread_t thread;
	struct map series;
	struct batch batch[2], *open;
	uint64_t committed, taken_position;
	int64_t stop_us;		/* deadline; 0: running */
};

static bool batch_init(struct batch *b)
{
	b->tail = &b->commands;
	return (b->arena = arena_new(0)) != NULL;
}

static void batch_reset(struct batch *b)
{
	arena_reset(b->arena);
	b->n = b->n_live = 0;
	b->commands = NULL;
	b->tail = &b->commands;
}

/* -- the engine's side -------------------------------------------------------------------------------------------------------- */

static struct series *series_get(struct historian *h, const char *submodel_id, const char *path, const char *unit)
{
	char key[4096];
	int n = snprintf(key, sizeof key, "%s\n%s", submodel_id, path);
	if (n < 0 || (size_t)n >= sizeof key)
		return NULL;
	struct series *s = map_get(&h->series, key, (size_t)n);
	if (s || !(s = calloc(1, sizeof *s)))
		return s;
	s->submodel_id = strdup(submodel_id);
	s->path = strdup(path);
	s->unit = unit && *unit ? strdup(unit) : NULL;
	if (!s->submodel_id || !s->path || !map_put(&h->series, key, (size_t)n, s, NULL)) {
		free(s->submodel_id);
		free(s->path);
		free(s->unit);
		free(s);
		return NULL;
	}
	return s;
}

static bool grow(void **list, size_t *cap, size_t n, size_t size)
{
	if (n < *cap)
		return true;
	size_t more = *cap ? *cap * 2 : 1024;
	void *p = realloc(*list, more * size);
	if (p) {
		*list = p;
		*cap = more;
	}
	return p != NULL;
}

void historian_sample(struct historian *h, const struct engine_sample *in)
{
	lock_take(&h->lock);
	while (h->open->n >= QUEUE_MAX && !h->stop_us)
		lock_wait(&h->lock, &h->drained, 100000);
	struct batch *b = h->open;
	struct series *s = series_get(h, in->submodel_id, in->path, in->unit);
	char *text = NULL;
	bool ok = s && (!isnan(in->num) || (text = arena_strdup(b->arena, in->text ? in->text : "")));
	if (ok && grow((void **)&b->item, &b->cap, b->n, sizeof *b->item))
		b->item[b->n++] = (struct item){ s, { 0, in->time_us, in->num, text, in->quality } };
	else
		log_error("history", "out of memory: a sample of %s is lost", in->path);
	if (b->n == 1 || b->n == h->conf.batch)
		pthread_cond_signal(&h->filled);
	lock_drop(&h->lock);
}

void historian_live(struct historian *h, const char *submodel_id, const char *path, const char *text, enum quality quality, int64_t time_us)
{
	lock_take(&h->lock);
	struct batch *b = h->open;
	struct series *s = series_get(h, submodel_id, path, NULL);
	char *copy = text ? strdup(text) : NULL;
	if (s && (copy || !text) && (s->dirty || grow((void **)&b->live, &b->cap_live, b->n_live, sizeof(struct series *)))) {
		free(s->text);
		s->text = copy;
		s->quality = quality;
		s->time_us = time_us;
		if (!s->dirty)
			b->live[b->n_live++] = s;
		s->dirty = true;
	} else {
		free(copy);
	}
	lock_drop(&h->lock);
}

void historian_mark(struct historian *h, uint64_t position)
{
	lock_take(&h->lock);
	h->open->position = position;
	lock_drop(&h->lock);
}

static const char *keep(struct arena *a, const char *s)
{
	return s ? arena_strdup(a, s) : NULL;
}

void historian_command(struct historian *h, const struct store_command *in)
{
	lock_take(&h->lock);
	struct batch *b = h->open;
	struct command *c = ARENA_NEW(b->arena, struct command);
	if (c) {
		c->row = *in;
		c->row.id = keep(b->arena, in->id);
		c->row.submodel_id = keep(b->arena, in->submodel_id);
		c->row.path = keep(b->arena, in->path);
		c->row.topic = keep(b->arena, in->topic);
		c->row.payload = keep(b->arena, in->payload);
		c->row.state = keep(b->arena, in->state);
		c->row.reason = keep(b->arena, in->reason);
		c->row.mode = keep(b->arena, in->mode);
		*b->tail = c;
		b->tail = &c->next;
		pthread_cond_signal(&h->filled);
	}
	lock_drop(&h->lock);
}

uint64_t historian_committed(struct historian *h)
{
	lock_take(&h->lock);
	uint64_t n = h->committed;
	lock_drop(&h->lock);
	return n;
}

/* -- the historian's thread ----------------------------------------------------------------------------------------------------- */

static bool has_work(const struct historian *h)
{
	const struct batch *b = h->open;
	return b->n || b->n_live || b->commands || b->position != h->taken_position;
}

/* The live values are taken with the batch: what the engine says later belongs to the next one. */
static void take_live(struct batch *b)
{
	b->row = ARENA_ARRAY(b->arena, struct store_live, b->n_live + 1);
	for (size_t i = 0; i < b->n_live; i++) {
		struct series *s = b->live[i];
		s->dirty = false;
		if (b->row)
			b->row[i] = (struct store_live){ 0, s->time_us, s->text ? arena_strdup(b->arena, s->text) : NULL, s->quality };
	}
}

/* Wait until a batch is worth a commit; NULL: stopped, and nothing is left. */
static struct batch *take(struct historian *h)
{
	int64_t from = clock_mono_us();
	lock_take(&h->lock);
	for (;;) {
		const struct batch *b = h->open;
		int64_t age = clock_mono_us() - from;
		if (h->stop_us || b->n >= h->conf.batch || b->commands || (b->n && age >= h->conf.interval_us) ||
		    (has_work(h) && age >= LIVE_INTERVAL_US))
			break;
		int64_t wait = (b->n ? h->conf.interval_us : LIVE_INTERVAL_US) - age;
		lock_wait(&h->lock, &h->filled, wait > 1000 ? wait : 1000);
		if (!has_work(h))
			from = clock_mono_us();
	}
	struct batch *b = has_work(h) ? h->open : NULL;
	if (b) {
		struct batch *other = b == h->batch ? h->batch + 1 : h->batch;
		other->position = b->position;
		take_live(b);
		h->taken_position = b->position;
		h->open = other;
		pthread_cond_broadcast(&h->drained);
	}
	lock_drop(&h->lock);
	return b;
}

/* Try again for ever, with a growing pause, until it works or the time to stop has passed. */
static bool again(struct historian *h, enum err e, const char *what, int64_t *pause)
{
	lock_take(&h->lock);
	bool over = h->stop_us && clock_mono_us() > h->stop_us;
	lock_drop(&h->lock);
	if (*pause == PAUSE_FIRST_US || over)
		log_warn("history", "%s: %s; %s", what, err_info[e].text, over ? "given up" : "trying again");
	if (over)
		return false;
	clock_sleep_us(*pause);
	*pause = *pause * 2 < PAUSE_MOST_US ? *pause * 2 : PAUSE_MOST_US;
	return true;
}

static bool resolve(struct historian *h, struct series *s)
{
	struct store *st = h->conf.store;
	int64_t pause = PAUSE_FIRST_US;
	enum err e = ERR_OK;
	while (!s->id && (e = st->ops->series(st, s->submodel_id, s->path, s->unit, &s->id)))
		if (!again(h, e, "a series is not registered", &pause))
			return false;
	return true;
}

static bool commit(struct historian *h, struct batch *b)
{
	struct store *st = h->conf.store;
	struct store_sample *sample = ARENA_ARRAY(b->arena, struct store_sample, b->n + 1);
	int64_t pause = PAUSE_FIRST_US;
	enum err e;
	if (!sample || !b->row) {
		log_error("history", "out of memory: %zu samples are not committed", b->n);
		return false;
	}
	for (size_t i = 0; i < b->n; i++) {
		if (!resolve(h, b->item[i].series))
			return false;
		sample[i] = b->item[i].sample;
		sample[i].series = b->item[i].series->id;
	}
	for (size_t i = 0; i < b->n_live; i++) {
		if (!resolve(h, b->live[i]))
			return false;
		b->row[i].series = b->live[i]->id;
	}
	struct store_batch out = { sample, b->n, b->row, b->n_live, h->conf.spool ? h->conf.spool_name : NULL, b->position };
	while ((e = st->ops->append(st, &out)))
		if (!again(h, e, "samples are not committed", &pause))
			return false;
	for (struct command *c = b->commands; c; c = c->next)
		for (pause = PAUSE_FIRST_US; (e = st->ops->command(st, &c->row));)
			if (!again(h, e, "a command is not recorded", &pause))
				return false;
	return true;
}

static void *run(void *arg)
{
	struct historian *h = arg;
	struct batch *b;
	while ((b = take(h)) || !h->stop_us) {
		if (!b)
			continue;
		if (!commit(h, b))
			break;
		if (h->conf.spool)
			spool_release(h->conf.spool, b->position);
		lock_take(&h->lock);
		h->committed += b->n;
		lock_drop(&h->lock);
		batch_reset(b);
	}
	return NULL;
}

struct historian *historian_new(const struct historian_config *conf)
{
	struct historian *h = calloc(1, sizeof *h);
	if (!h)
		return NULL;
	h->conf = *conf;
	if (!h->conf.interval_us)
		h->conf.interval_us = INTERVAL_US;
	if (!h->conf.batch)
		h->conf.batch = BATCH;
	lock_init(&h->lock, RANK_LEAF);
	cond_init(&h->filled);
	cond_init(&h->drained);
	h->open = h->batch;
	if (!batch_init(&h->batch[0]) || !batch_init(&h->batch[1]) || !thread_start(&h->thread, "historian", run, h)) {
		arena_free(h->batch[0].arena);
		arena_free(h->batch[1].arena);
		free(h);
		return NULL;
	}
	return h;
}

void historian_free(struct historian *h)
{
	struct map_item *it;
	if (!h)
		return;
	lock_take(&h->lock);
	h->stop_us = clock_mono_us() + STOP_US;
	pthread_cond_broadcast(&h->filled);
	pthread_cond_broadcast(&h->drained);
	lock_drop(&h->lock);
	pthread_join(h->thread, NULL);
	for (size_t i = 0; (it = map_next(&h->series, &i));) {
		struct series *s = it->value;
		free(s->submodel_id);
		free(s->path);
		free(s->unit);
		free(s->text);
		free(s);
	}
	map_fini(&h->series);
	for (int i = 0; i < 2; i++) {
		arena_free(h->batch[i].arena);
		free(h->batch[i].item);
		free(h->batch[i].live);
	}
	pthread_cond_destroy(&h->filled);
	pthread_cond_destroy(&h->drained);
	lock_fini(&h->lock);
	free(h);
}
