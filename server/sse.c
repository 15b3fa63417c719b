/* SPDX-License-Identifier: Apache-2.0 */
#include "server/sse.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/thread.h"

#define PERIOD_US 100000		/* at most ten events of one element per second */
#define HEARTBEAT_US (8 * US_PER_S)
#define WATCH_US 200000			/* how long a stop may take to be seen */
#define BACKLOG_MAX ((size_t)256 << 10)	/* a client with so much unread gets nothing more until it has read */
#define SNAPSHOT_MAX ((size_t)64 << 20)

struct sse_client {
	struct sse *sse;
	struct sse_client *next, **link;
	struct map submodels;		/* ids as keys; empty: all */
	struct sse_out out;
	uint64_t since;			/* newest sequence number written */
	int64_t written_us;
};

struct sse {
	struct live *live;
	struct lock lock;		/* everything below, and all clients but in sse_open */
	pthread_t thread;
	struct sse_client *first;
	unsigned n, max;
	bool started;
	atomic_bool stopping;
};

static bool wants(const struct sse_client *c, const char *submodel)
{
	return !c->submodels.n || map_get(&c->submodels, submodel, strlen(submodel));
}

static void write_value(struct buf *b, const struct live_value *v)
{
	char when[TIME_TEXT_MAX];
	buf_puts(b, "event: value\ndata: {\"submodel\":");
	buf_json(b, v->submodel_id, strlen(v->submodel_id));
	buf_puts(b, ",\"path\":");
	buf_json(b, v->path, strlen(v->path));
	buf_puts(b, ",\"text\":");
	if (v->text)
		buf_json(b, v->text, strlen(v->text));
	else
		buf_puts(b, "null");
	buf_printf(b, ",\"quality\":\"%s\",\"time\":", quality_name(v->quality));
	if (v->time_us == TIME_NONE) {
		buf_puts(b, "null");
	} else {
		time_format(when, v->time_us);
		buf_printf(b, "\"%s\"", when);
	}
	buf_printf(b, ",\"seq\":%llu}\n\n", (unsigned long long)v->seq);
}

static void feed(struct sse_client *c, const struct live_value *v, size_t n, uint64_t seq, int64_t now)
{
	size_t before = c->out.text.n;
	if (sse_out_left(&c->out) > BACKLOG_MAX)
		return;		/* keeps its place; a later turn begins at c->since and finds only the newest values */
	for (size_t i = 0; i < n; i++)
		if (v[i].seq > c->since && wants(c, v[i].submodel_id))
			write_value(&c->out.text, &v[i]);
	if (seq > c->since)
		c->since = seq;
	if (c->out.text.n == before && now - c->written_us >= HEARTBEAT_US)
		buf_puts(&c->out.text, ": still here\n\n");
	if (c->out.text.n == before && !c->out.text.failed)
		return;
	c->written_us = now;
	sse_out_wake(&c->out);
}

static uint64_t oldest(struct sse *s, uint64_t seen)
{
	lock_take(&s->lock);
	for (struct sse_client *c = s->first; c; c = c->next)
		if (c->since < seen && sse_out_left(&c->out) <= BACKLOG_MAX)
			seen = c->since;
	lock_drop(&s->lock);
	return seen;
}

static void *run(void *arg)
{
	struct sse *s = arg;
	struct arena *a = arena_new(SNAPSHOT_MAX);
	uint64_t seen = 0;
	int64_t turn = 0;
	while (!atomic_load(&s->stopping) && a) {
		seen = live_wait(s->live, seen, WATCH_US);
		int64_t now = clock_mono_us(), early = turn + PERIOD_US - now;
		if (early > 0)
			clock_sleep_us(early);
		turn = now = clock_mono_us();
		struct live_value *v = NULL;
		size_t n = 0;
		uint64_t seq = 0;
		if (live_list(s->live, NULL, oldest(s, seen), a, &v, &n, &seq))
			n = 0, seq = 0;		/* no memory now: the next turn begins at the same place */
		lock_take(&s->lock);
		for (struct sse_client *c = s->first; c; c = c->next)
			feed(c, v, n, seq, now);
		lock_drop(&s->lock);
		if (seq > seen)
			seen = seq;
		arena_reset(a);
	}
	arena_free(a);
	return NULL;
}

struct sse *sse_start(struct live *live, unsigned clients)
{
	struct sse *s = calloc(1, sizeof *s);
	if (!s)
		return NULL;
	s->live = live;
	s->max = clients;
	lock_init(&s->lock, RANK_POOL);
	s->started = thread_start(&s->thread, "events", run, s);
	if (!s->started) {
		sse_free(s);
		return NULL;
	}
	return s;
}

void sse_stop(struct sse *s)
{
	atomic_store(&s->stopping, true);
	if (s->started)
		pthread_join(s->thread, NULL);
	s->started = false;
	lock_take(&s->lock);
	for (struct sse_client *c = s->first; c; c = c->next)
		sse_out_wake(&c->out);
	lock_drop(&s->lock);
}

void sse_free(struct sse *s)
{
	if (!s)
		return;
	lock_fini(&s->lock);
	free(s);
}

static void client_free(struct sse_client *c)
{
	map_fini(&c->submodels);
	buf_fini(&c->out.text);
	free(c);
}

/* What is known now, so that a page is complete before the first change. */
static bool snapshot(struct sse_client *c, struct live *live, const char *const *submodels)
{
	struct arena *a = arena_new(SNAPSHOT_MAX);
	struct live_value *v;
	size_t n;
	bool ok = a != NULL;
	buf_init(&c->out.text, SNAPSHOT_MAX);
	buf_puts(&c->out.text, "retry: 2000\n\n");
	for (size_t i = 0; ok && submodels && submodels[i]; i++)
		ok = map_put(&c->submodels, submodels[i], strlen(submodels[i]), c, NULL);
	ok = ok && !live_list(live, NULL, 0, a, &v, &n, &c->since);
	for (size_t i = 0; ok && i < n; i++)
		if (wants(c, v[i].submodel_id))
			write_value(&c->out.text, &v[i]);
	arena_free(a);
	c->written_us = clock_mono_us();
	return ok && !c->out.text.failed;
}

enum err sse_open(struct sse *s, const char *const *submodels, void (*waker)(void *), void *arg, struct sse_client **out)
{
	struct sse_client *c = calloc(1, sizeof *c);
	if (!c)
		return ERR_NO_MEMORY;
	c->sse = s;
	c->out.wake = waker;
	c->out.arg = arg;
	if (!snapshot(c, s->live, submodels)) {
		client_free(c);
		return ERR_NO_MEMORY;
	}
	lock_take(&s->lock);
	bool room = s->n < s->max && !atomic_load(&s->stopping);
	if (room) {
		s->n++;
		c->next = s->first;
		c->link = &s->first;
		if (c->next)
			c->next->link = &c->next;
		s->first = c;
	}
	lock_drop(&s->lock);
	if (!room) {
		client_free(c);
		return ERR_UNAVAILABLE;
	}
	*out = c;
	return ERR_OK;
}

ssize_t sse_read(struct sse_client *c, char *out, size_t max)
{
	struct sse *s = c->sse;
	lock_take(&s->lock);
	ssize_t n = sse_out_read(&c->out, out, max, atomic_load(&s->stopping) || c->out.text.failed);
	lock_drop(&s->lock);
	return n;
}

void sse_close(struct sse_client *c)
{
	struct sse *s = c->sse;
	lock_take(&s->lock);
	*c->link = c->next;
	if (c->next)
		c->next->link = c->link;
	s->n--;
	lock_drop(&s->lock);
	client_free(c);
}
