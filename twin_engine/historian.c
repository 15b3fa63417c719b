/* SPDX-License-Identifier: Apache-2.0
 * historian.c - two batches: the engine fills one while the historian's thread commits the other.
 */
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
#define TEXT_MAX ((size_t)64 << 20)	/* the same for their texts */
#define LIVE_INTERVAL_US 200000	/* live rows or a mark alone are not worth a commit more often */
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
	uint64_t position;		/* of its message; 0: of none */
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
	size_t text;			/* bytes */
	struct series **live;
	struct store_live *row;		/* made when the batch is taken */
	size_t n_live, cap_live;
	struct command *commands, **tail;
	uint64_t position;		/* the last mark */
	int64_t since;			/* when its first sample came (monotonic) */
};

struct historian {
	struct historian_config conf;
	struct lock lock;
	pthread_cond_t filled, drained;
	pthread_t thread;
	struct map series;
	struct batch batch[2], *open;
	uint64_t committed, refused, taken_position;
	bool stopped;			/* nobody waits */
	bool torn;			/* something was not kept: no mark counts from there on */
	int64_t stop_us;		/* deadline of historian_free; 0: running */

	uint64_t position;		/* committed; historian's thread */
};

static bool batch_init(struct batch *b)
{
	b->tail = &b->commands;
	return (b->arena = arena_new(0)) != NULL;
}

static void batch_reset(struct batch *b)
{
	arena_reset(b->arena);
	b->n = b->n_live = b->text = 0;
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

static bool full(const struct batch *b)
{
	return b->n >= QUEUE_MAX || b->text >= TEXT_MAX;
}

void historian_sample(struct historian *h, const struct engine_sample *in)
{
	lock_take(&h->lock);
	while (full(h->open) && !h->stopped)
		lock_wait(&h->lock, &h->drained, -1);
	struct batch *b = h->open;
	struct series *s = full(b) ? NULL : series_get(h, in->submodel_id, in->path, in->unit);
	char *text = NULL;
	bool ok = s && (!isnan(in->num) || (text = arena_strdup(b->arena, in->text ? in->text : "")));
	if (ok && grow((void **)&b->item, &b->cap, b->n, sizeof *b->item)) {
		if (!b->n)
			b->since = clock_mono_us();
		b->item[b->n++] = (struct item){ s, { 0, in->time_us, in->num, text, in->quality }, in->position };
		b->text += text ? strlen(text) + 1 : 0;
	} else {
		if (!h->torn)
			log_error("history", "samples are left to the spool: %s", h->stopped ? "stopping" : "out of memory");
		h->torn = true;
	}
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
	if (!h->torn && position > h->open->position)
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
	while (full(h->open) && !h->stopped)
		lock_wait(&h->lock, &h->drained, -1);
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
		b->text += sizeof *c + (in->payload ? strlen(in->payload) : 0);
		pthread_cond_signal(&h->filled);
	} else {
		log_error("history", "out of memory: the state %s of command %s is not recorded", in->state, in->id);
	}
	lock_drop(&h->lock);
}

void historian_stop(struct historian *h)
{
	lock_take(&h->lock);
	h->stopped = true;
	pthread_cond_broadcast(&h->drained);
	lock_drop(&h->lock);
}

uint64_t historian_refused(struct historian *h)
{
	lock_take(&h->lock);
	uint64_t n = h->refused;
	lock_drop(&h->lock);
	return n;
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

/* How long until the open batch is worth a commit; 0: now. */
static int64_t patience(const struct historian *h, int64_t since)
{
	const struct batch *b = h->open;
	int64_t now = clock_mono_us();
	if (h->stop_us || b->commands || b->n >= h->conf.batch || full(b))
		return 0;
	int64_t left = (b->n ? b->since + h->conf.interval_us : since + LIVE_INTERVAL_US) - now;
	return left > 0 ? left : has_work(h) ? 0 : LIVE_INTERVAL_US;
}

/* Wait until a batch is worth a commit; NULL: none is, look again unless it is `over`. */
static struct batch *take(struct historian *h, bool *over)
{
	int64_t since = clock_mono_us(), left;
	lock_take(&h->lock);
	while ((left = patience(h, since)) > 0)
		lock_wait(&h->lock, &h->filled, left);
	struct batch *b = has_work(h) ? h->open : NULL;
	*over = h->stop_us != 0;
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

/* Pause before another try, longer each time; false: the time to stop has passed. */
static bool again(struct historian *h, enum err e, const char *what, int64_t *pause)
{
	lock_take(&h->lock);
	bool over = h->stop_us && clock_mono_us() > h->stop_us;
	lock_drop(&h->lock);
	if (*pause == PAUSE_FIRST_US || over)
		log_warn("history", "%s: %s; %s", what, err_info[e].text, over ? "left to the spool" : "trying again");
	if (over)
		return false;
	clock_sleep_us(*pause);
	*pause = *pause * 2 < PAUSE_MOST_US ? *pause * 2 : PAUSE_MOST_US;
	return true;
}

/* Is the database's answer about its own state, so that it may be another one later? */
static bool passing(enum err e)
{
	return e == ERR_AGAIN || e == ERR_UNAVAILABLE || e == ERR_NO_MEMORY || e == ERR_TIMEOUT || e == ERR_IO;
}

/* A commit whose answer was lost may have happened: the position tells, when this batch moves it. */
static bool happened(struct historian *h, const struct store_batch *b)
{
	uint64_t position;
	return b->spool && b->position > h->position && !h->conf.store->ops->position(h->conf.store, b->spool, &position) &&
	       position >= b->position;
}

/* ERR_OK, an error that these rows have caused, or ERR_UNAVAILABLE when the time to stop has passed. */
static enum err append(struct historian *h, struct store_batch *b)
{
	struct store *st = h->conf.store;
	int64_t pause = PAUSE_FIRST_US;
	enum err e;
	while ((e = st->ops->append(st, b)) && passing(e)) {
		if (!again(h, e, "samples are not committed", &pause))
			return ERR_UNAVAILABLE;
		if (happened(h, b))
			break;
	}
	if (e && !passing(e))
		return e;
	h->position = b->position > h->position ? b->position : h->position;
	lock_take(&h->lock);
	h->committed += b->n_samples;
	lock_drop(&h->lock);
	return ERR_OK;
}

/* One row is refused.  If the database takes an empty batch, it is the row's own fault. */
static enum err refuse(struct historian *h, enum err why, int64_t series)
{
	struct store_batch empty = { .spool = h->conf.spool ? h->conf.spool_name : NULL, .position = h->position };
	int64_t pause = PAUSE_FIRST_US;
	enum err e;
	while ((e = append(h, &empty)) && e != ERR_UNAVAILABLE)
		if (!again(h, e, "the database refuses everything", &pause))
			return ERR_UNAVAILABLE;
	if (e)
		return e;
	log_error("history", "a value of series %lld is refused by the database and left out: %s", (long long)series, err_info[why].text);
	lock_take(&h->lock);
	h->refused++;
	lock_drop(&h->lock);
	return ERR_OK;
}

/* Samples and live rows that were refused together: find the guilty ones by halves. */
static enum err part(struct historian *h, const struct store_sample *s, size_t n, const struct store_live *l, size_t n_live)
{
	struct store_batch b = { s, n, l, n_live, NULL, 0 };
	enum err e = n + n_live ? append(h, &b) : ERR_OK;
	if (!e || e == ERR_UNAVAILABLE)
		return e;
	if (n + n_live == 1)
		return refuse(h, e, n ? s->series : l->series);
	if ((e = part(h, s, n / 2, l, n_live / 2)))
		return e;
	return part(h, s + n / 2, n - n / 2, l + n_live / 2, n_live - n_live / 2);
}

static bool resolve(struct historian *h, struct series *s)
{
	struct store *st = h->conf.store;
	int64_t pause = PAUSE_FIRST_US;
	enum err e;
	while (!s->id && (e = st->ops->series(st, s->submodel_id, s->path, s->unit, &s->id))) {
		if (!again(h, e, "a series is not registered", &pause))
			return false;
	}
	return true;
}

static bool resolve_all(struct historian *h, struct batch *b, struct store_sample *sample, bool afresh)
{
	for (size_t i = 0; afresh && i < b->n; i++)
		b->item[i].series->id = 0;
	for (size_t i = 0; afresh && i < b->n_live; i++)
		b->live[i]->id = 0;
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
	return true;
}

/* Everything before this is committed once the first `n` samples of the batch are. */
static uint64_t position_after(const struct historian *h, const struct batch *b, size_t n)
{
	for (; n < b->n; n++)
		if (b->item[n].position)
			return b->item[n].position > h->position ? b->item[n].position : h->position;
	return b->position;
}

static bool commit_samples(struct historian *h, struct batch *b)
{
	const char *spool = h->conf.spool ? h->conf.spool_name : NULL;
	struct store_sample *sample = ARENA_ARRAY(b->arena, struct store_sample, b->n + 1);
	if (!sample || !b->row || !resolve_all(h, b, sample, false))
		return false;
	for (size_t at = 0, n; at == 0 || at < b->n; at += n) {
		n = b->n - at < h->conf.batch ? b->n - at : h->conf.batch;
		size_t n_live = at + n == b->n ? b->n_live : 0;
		struct store_batch out = { sample + at, n, b->row, n_live, spool, position_after(h, b, at + n) };
		enum err e = append(h, &out);
		if (e && e != ERR_UNAVAILABLE) {
			/* the series may be gone, with its submodel or with the whole database: ask for them again */
			if (!resolve_all(h, b, sample, true))
				return false;
			if ((e = append(h, &out)) && e != ERR_UNAVAILABLE && !(e = part(h, sample + at, n, b->row, n_live))) {
				struct store_batch rest = { .spool = spool, .position = out.position };
				e = append(h, &rest);
			}
		}
		if (e)
			return false;
		if (h->conf.spool)
			spool_release(h->conf.spool, h->position);
		if (!n)
			break;
	}
	return true;
}

static bool commit_commands(struct historian *h, struct batch *b)
{
	struct store *st = h->conf.store;
	enum err e;
	for (struct command *c = b->commands; c; c = c->next) {
		int64_t pause = PAUSE_FIRST_US;
		while ((e = st->ops->command(st, &c->row)) && passing(e))
			if (!again(h, e, "a command is not recorded", &pause))
				return false;
		if (e)
			log_error("history", "command %s is refused by the database: %s", c->row.id, err_info[e].text);
	}
	return true;
}

static void *run(void *arg)
{
	struct historian *h = arg;
	struct batch *b;
	bool over = false;
	while ((b = take(h, &over)) || !over) {
		if (!b)
			continue;
		if (!commit_samples(h, b) || !commit_commands(h, b))
			break;
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
	if (conf->spool)
		h->position = h->batch[0].position = h->taken_position = spool_next(conf->spool);
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
	h->stopped = true;
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
