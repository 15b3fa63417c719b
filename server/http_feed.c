/* SPDX-License-Identifier: Apache-2.0
 * http_feed.c - `/events`: the feed of changes, a page at a time or as a stream.
 *
 * A worker reads what the client asks for and, for a page, the feed; for a stream it only finds out where that begins.  The loop then opens it.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "server/http_loop.h"
#include "server/request.h"
#include "server/sse_feed.h"

#define PAGE_DEFAULT 100
#define PAGE_MAX 1000
#define PAGE_BYTES ((size_t)8 << 20)	/* then the page ends */
#define PAGE_LINES 20000		/* of the feed, that a filter may leave out */

struct feed_ask {
	struct event_cursor at;
	struct event_filter filter;
	size_t limit;
	int64_t since_us;		/* TIME_NONE: not asked */
	bool placed;			/* `at` is given */
	bool now;			/* cursor=now */
};

/* -- what is asked ----------------------------------------------------------------------------------------------------------------- */

static enum err wrong(struct call *c, const char *name, const char *what)
{
	return diag_add(&c->diag, ERR_BAD_REQUEST, "%s: %s", name, what);
}

static enum err read_word(struct call *c, const char *name, struct slice v, const char *const *word, unsigned n, unsigned *set)
{
	char list[200] = "";
	for (unsigned i = 0; i < n; i++) {
		if (slice_is(v, word[i])) {
			*set |= 1u << i;
			return ERR_OK;
		}
		snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", i ? ", " : "", word[i]);
	}
	return diag_add(&c->diag, ERR_BAD_REQUEST, "%s: \"%.*s\" is none of %s", name, (int)(v.n < 60 ? v.n : 60), v.p, list);
}

static enum err read_cursor(struct call *c, const char *name, struct slice v, struct feed_ask *ask)
{
	ask->now = slice_is(v, "now");
	ask->placed = !ask->now;
	if (ask->now || event_cursor_read(v, &ask->at))
		return ERR_OK;
	return wrong(c, name, "is not a cursor of this feed");
}

static enum err read_one(struct call *c, struct slice name, struct slice raw, struct feed_ask *ask)
{
	struct slice v;
	if (slice_is(name, "id"))
		return request_id(c, "id", raw, &ask->filter.id);
	if (!request_percent(c->arena, raw, &v))
		return wrong(c, "query", "is not percent-encoded text");
	if (slice_is(name, "cursor"))
		return read_cursor(c, "cursor", v, ask);
	if (slice_is(name, "limit"))
		return str_size(v.p, v.n, &ask->limit) && ask->limit ? ERR_OK : wrong(c, "limit", "must be a whole number of at least 1");
	if (slice_is(name, "since"))
		return time_parse(v.p, v.n, &ask->since_us) ? ERR_OK : wrong(c, "since", "is not a time of RFC 3339");
	if (slice_is(name, "kind"))
		return read_word(c, "kind", v, event_kind_name, STORE_N_KINDS, &ask->filter.kinds);
	if (slice_is(name, "type"))
		return read_word(c, "type", v, event_type_name, N_FEED_TYPES, &ask->filter.types);
	return ERR_OK;
}

/* Last-Event-ID is newer than what stands in the address (HTML Living Standard, "Server-sent events"). */
static enum err read_ask(struct request *r, struct feed_ask *ask)
{
	struct call *c = &r->call;
	struct slice rest = c->query_text, name, raw;
	*ask = (struct feed_ask){ .limit = PAGE_DEFAULT, .since_us = TIME_NONE };
	while (request_query_next(&rest, &name, &raw)) {
		enum err e = read_one(c, name, raw, ask);
		if (e)
			return e;
	}
	if (ask->limit > PAGE_MAX)
		ask->limit = PAGE_MAX;
	return r->last_event_id && *r->last_event_id ? read_cursor(c, "Last-Event-ID", slice_of(r->last_event_id), ask) : ERR_OK;
}

static enum err gone(struct call *c)
{
	return diag_add(&c->diag, ERR_GONE, "the feed of changes cannot be read from this cursor: it does not reach back so far any more, or it is "
			"another feed now; read what is there and begin without a cursor");
}

/* Without a cursor a page begins with the oldest change, a stream with the next one. */
static enum err find_place(struct call *c, struct feed_ask *ask, bool stream)
{
	struct store *s = c->server->config.store;
	int64_t oldest, newest;
	enum err e;
	if (ask->placed)
		return ERR_OK;
	ask->at.index = SIZE_MAX;
	if (ask->since_us != TIME_NONE && !ask->now)
		return event_feed_since(s, ask->since_us, &ask->at.position);
	if (!(e = event_feed_bounds(s, &oldest, &newest)))
		ask->at.position = stream || ask->now ? newest : oldest;
	return e;
}

/* -- a page ------------------------------------------------------------------------------------------------------------------------ */

static bool put_event(void *ctx, const char *cursor, struct slice cloud)
{
	struct buf *b = ctx;
	(void)cursor;
	if (b->p[b->n - 1] != '[')
		buf_putc(b, ',');
	buf_slice(b, cloud);
	return !b->failed && b->n < PAGE_BYTES;
}

static enum err write_page(struct call *c, struct feed_ask *ask)
{
	struct buf *b = &c->reply.body;
	char cursor[EVENT_CURSOR_MAX];
	int64_t newest;
	struct event_reader *r = event_reader_new(c->server->config.store, &c->server->events);
	if (!r)
		return ERR_NO_MEMORY;
	buf_puts(b, "{\"result\":[");
	enum err e = b->failed ? ERR_NO_MEMORY : event_reader_read(r, &ask->at, &ask->filter, ask->limit, PAGE_LINES, &newest, put_event, b);
	event_reader_free(r);
	if (e)
		return e == ERR_GONE ? gone(c) : e;
	event_cursor_write(&ask->at, cursor);
	buf_printf(b, "],\"paging_metadata\":{\"cursor\":\"%s\"}}", cursor);
	return b->failed ? ERR_NO_MEMORY : ERR_OK;
}

/* -- a stream ---------------------------------------------------------------------------------------------------------------------- */

static ssize_t feed_read(void *client, char *out, size_t max)
{
	return sse_feed_read(client, out, max);
}

static void feed_close(void *client)
{
	sse_feed_close(client);
}

enum MHD_Result http_feed_open(struct request *r)
{
	struct call *c = &r->call;
	const struct feed_ask *ask = r->feed;
	if (str_eq(c->method, "HEAD"))
		return http_reply(r);
	struct http_stream *s = http_stream_new(r, feed_read, feed_close);
	struct sse_feed_client *client = NULL;
	enum err e = s ? sse_feed_open(c->server->sse_feed, &ask->at, &ask->filter, http_stream_wake, s, &client) : ERR_NO_MEMORY;
	if (s && e)
		diag_add(&c->diag, e, "too many clients listen already");
	return http_stream_send(r, s, client, e);
}

/* Is the cursor one that can be read from?  Better a 410 now than a stream that ends at once. */
static enum err try_place(struct call *c, const struct feed_ask *ask)
{
	struct store *s = c->server->config.store;
	struct store_event *line;
	size_t n;
	int64_t newest;
	int64_t after = ask->at.index == SIZE_MAX ? ask->at.position : ask->at.position - 1;
	enum err e = s->ops->feed(s, after, 1, c->arena, &line, &n, &newest);
	return e == ERR_GONE ? gone(c) : e;
}

static bool wants_stream(const struct call *c)
{
	return c->accept && strstr(c->accept, "text/event-stream");
}

static enum err answer(struct request *r)
{
	struct call *c = &r->call;
	struct feed_ask *ask = ARENA_NEW(c->arena, struct feed_ask);
	bool stream = wants_stream(c);
	if (!ask)
		return ERR_NO_MEMORY;
	enum err e = read_ask(r, ask);
	if (e)
		return e;
	if (!c->server->config.store || (stream && !c->server->sse_feed))
		return diag_add(&c->diag, ERR_UNAVAILABLE, "this server has no feed of changes");
	if ((e = find_place(c, ask, stream)))
		return e;
	if (!stream)
		return write_page(c, ask);
	if ((e = try_place(c, ask)))
		return e;
	c->reply.content_type = "text/event-stream";
	r->feed = ask;
	return ERR_OK;
}

void http_feed_work(struct request *r)
{
	enum err e = answer(r);
	r->call.reply.status = 200;
	if (e)
		reply_error(&r->call, e);
	http_wake(&r->wakeup);
}
