/* SPDX-License-Identifier: Apache-2.0
 * sse_feed.c - the thread takes one client after the other, reads for it without the lock, and appends under the lock.  A client that is closed in
 * between is freed by the thread.
 */
#include "server/sse_feed.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/thread.h"

#define HEARTBEAT_US (8 * US_PER_S)
#define LOOK_US (2 * US_PER_S)		/* nobody called: look all the same */
#define BACKLOG_MAX ((size_t)256 << 10)	/* so much unread: nothing more until it has been read */
#define EVENTS 100			/* for one client in one turn */
#define LINES_MAX 2000

struct sse_feed_client {
	struct sse_feed *feed;
	struct sse_feed_client *next, **link;
	struct event_cursor at;		/* the thread's, once it is open */
	struct event_filter filter;
	char *id;
	struct sse_out out;
	int64_t written_us;
	uint64_t round;			/* the last one it had its turn in */
	bool busy, closed, over, behind;
};

struct sse_feed {
	struct store *store;
	struct event_reader *reader;	/* the thread's */
	struct buf text;		/* the thread's */

	struct lock lock;		/* of the rest, and of all clients */
	pthread_cond_t cond;
	pthread_t thread;
	struct sse_feed_client *first;
	unsigned n, max;
	bool started, listening, woken, stopping;
};

static void on_feed(void *ctx)
{
	struct sse_feed *s = ctx;
	lock_take(&s->lock);
	s->woken = true;
	pthread_cond_signal(&s->cond);
	lock_drop(&s->lock);
}

static bool put_event(void *ctx, const char *cursor, struct slice cloud)
{
	struct buf *b = ctx;
	buf_printf(b, "id: %s\ndata: ", cursor);
	buf_slice(b, cloud);		/* compact JSON has no line ends */
	buf_puts(b, "\n\n");
	return !b->failed && b->n < BACKLOG_MAX;
}

static void put_heartbeat(struct buf *b, const struct event_cursor *at)
{
	char cursor[EVENT_CURSOR_MAX];
	event_cursor_write(at, cursor);
	buf_printf(b, ": still here\nid: %s\n\n", cursor);	/* an id alone moves the browser's cursor and is no event */
}

static void client_free(struct sse_feed_client *c)
{
	buf_fini(&c->out.text);
	free(c->id);
	free(c);
}

/* The lock is held. */
static void unlink_client(struct sse_feed_client *c)
{
	*c->link = c->next;
	if (c->next)
		c->next->link = c->link;
	c->feed->n--;
}

/* The next one that has room and had no turn in this round.  The lock is held. */
static struct sse_feed_client *next_client(struct sse_feed *s, uint64_t round)
{
	for (struct sse_feed_client *c = s->first; c; c = c->next)
		if (c->round != round && !c->closed && !c->over && sse_out_left(&c->out) < BACKLOG_MAX)
			return c;
	return NULL;
}

/* Called with the lock held, which it drops while it reads. */
static void serve(struct sse_feed *s, struct sse_feed_client *c, uint64_t round)
{
	int64_t newest = 0, now = clock_mono_us();
	c->busy = true;
	c->round = round;
	lock_drop(&s->lock);
	buf_reset(&s->text);
	enum err err = event_reader_read(s->reader, &c->at, &c->filter, EVENTS, LINES_MAX, &newest, put_event, &s->text);
	if (!s->text.n && now - c->written_us >= HEARTBEAT_US)
		put_heartbeat(&s->text, &c->at);
	lock_take(&s->lock);
	c->busy = false;
	buf_slice(&c->out.text, buf_view(&s->text));
	c->over = err == ERR_GONE || c->out.text.failed || s->text.failed;
	c->behind = !err && c->at.position < newest;
	if (s->text.n || c->over) {
		c->written_us = now;
		sse_out_wake(&c->out);
	}
	if (c->closed) {
		unlink_client(c);
		client_free(c);
	}
}

static bool any_behind(const struct sse_feed *s)
{
	for (const struct sse_feed_client *c = s->first; c; c = c->next)
		if (c->behind && !c->over && sse_out_left(&c->out) < BACKLOG_MAX)
			return true;
	return false;
}

static void *run(void *arg)
{
	struct sse_feed *s = arg;
	struct sse_feed_client *c;
	uint64_t round = 0;
	lock_take(&s->lock);
	while (!s->stopping) {
		s->woken = false;
		round++;
		event_reader_renew(s->reader);
		while (!s->stopping && (c = next_client(s, round)))
			serve(s, c, round);
		if (!s->woken && !s->stopping && !any_behind(s))
			lock_wait(&s->lock, &s->cond, LOOK_US);
	}
	lock_drop(&s->lock);
	return NULL;
}

struct sse_feed *sse_feed_start(struct store *store, const struct event_config *conf, unsigned clients)
{
	struct sse_feed *s = calloc(1, sizeof *s);
	if (!s)
		return NULL;
	s->store = store;
	s->max = clients;
	lock_init(&s->lock, RANK_QUEUE);
	cond_init(&s->cond);
	buf_init(&s->text, 0);
	s->reader = event_reader_new(store, conf);
	s->listening = s->reader && !store->ops->feed_listen(store, on_feed, s);
	s->started = s->listening && thread_start(&s->thread, "streams", run, s);
	if (s->started)
		return s;
	sse_feed_stop(s);
	sse_feed_free(s);
	return NULL;
}

void sse_feed_stop(struct sse_feed *s)
{
	lock_take(&s->lock);
	s->stopping = true;
	pthread_cond_signal(&s->cond);
	lock_drop(&s->lock);
	if (s->started)
		pthread_join(s->thread, NULL);
	s->started = false;
	if (s->listening)
		s->store->ops->feed_unlisten(s->store, on_feed, s);
	s->listening = false;
	lock_take(&s->lock);
	for (struct sse_feed_client *c = s->first; c; c = c->next)
		sse_out_wake(&c->out);
	lock_drop(&s->lock);
}

void sse_feed_free(struct sse_feed *s)
{
	if (!s)
		return;
	event_reader_free(s->reader);
	buf_fini(&s->text);
	pthread_cond_destroy(&s->cond);
	lock_fini(&s->lock);
	free(s);
}

enum err sse_feed_open(struct sse_feed *s, const struct event_cursor *at, const struct event_filter *f, void (*waker)(void *), void *arg,
		       struct sse_feed_client **out)
{
	struct sse_feed_client *c = calloc(1, sizeof *c);
	if (!c || (f->id && !(c->id = strdup(f->id)))) {
		free(c);
		return ERR_NO_MEMORY;
	}
	c->feed = s;
	c->at = *at;
	c->filter = *f;
	c->filter.id = c->id;
	c->out.wake = waker;
	c->out.arg = arg;
	buf_init(&c->out.text, 0);
	buf_puts(&c->out.text, "retry: 2000\n\n");
	put_heartbeat(&c->out.text, at);
	c->written_us = clock_mono_us();
	lock_take(&s->lock);
	bool room = s->n < s->max && !s->stopping && !c->out.text.failed;
	if (room) {
		s->n++;
		c->next = s->first;
		c->link = &s->first;
		if (c->next)
			c->next->link = &c->next;
		s->first = c;
		s->woken = true;
		pthread_cond_signal(&s->cond);
	}
	lock_drop(&s->lock);
	if (!room) {
		client_free(c);
		return ERR_UNAVAILABLE;
	}
	*out = c;
	return ERR_OK;
}

ssize_t sse_feed_read(struct sse_feed_client *c, char *out, size_t max)
{
	struct sse_feed *s = c->feed;
	lock_take(&s->lock);
	ssize_t n = sse_out_read(&c->out, out, max, s->stopping || c->over);
	if (n > 0 && !sse_out_left(&c->out) && c->behind)
		pthread_cond_signal(&s->cond);
	lock_drop(&s->lock);
	return n;
}

void sse_feed_close(struct sse_feed_client *c)
{
	struct sse_feed *s = c->feed;
	lock_take(&s->lock);
	bool busy = c->busy;
	c->closed = true;
	c->out.waiting = false;
	if (!busy)
		unlink_client(c);
	lock_drop(&s->lock);
	if (!busy)
		client_free(c);
}
