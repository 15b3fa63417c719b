/* SPDX-License-Identifier: Apache-2.0
 * http_progress.c - an upload whose client wants to see how far it is (Accept: text/event-stream): the answer begins when the body is here, and is a
 * stream of events, the last of which is the report.
 *
 * The connection may end while a worker is at it, so the call moves from the request into something that both share and the last one frees: an upload
 * whose client has gone away comes to its end as any other.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "server/accept.h"
#include "server/http_loop.h"
#include "server/sse_out.h"

#define PERIOD_US 100000		/* at most ten events in a second, */
#define STEP 1000			/* or one after so many identifiables */
#define BACKLOG_MAX ((size_t)16 << 10)	/* a client with so much unread is told nothing until he has read, but for the report */

struct progress {
	struct request own;		/* for the queue of the workers; it has the call, and no connection */
	struct lock lock;		/* of the rest */
	struct sse_out out;
	unsigned users;			/* the worker and the stream */
	bool over, left;		/* the report is written; nobody reads */
	const char *phase;		/* of the last event */
	size_t told;			/* what had been read by then */
	int64_t told_us;
};

static void drop(struct progress *p)
{
	lock_take(&p->lock);
	bool last = !--p->users;
	lock_drop(&p->lock);
	if (!last)
		return;
	struct call *c = &p->own.call;
	upload_free(c->upload);
	buf_fini(&c->reply.body);
	content_close(&c->reply.content);
	diag_fini(&c->diag);
	buf_fini(&p->own.body);
	buf_fini(&p->out.text);
	lock_fini(&p->lock);
	arena_free(c->arena);
	free(p);
}

/* -- the worker --------------------------------------------------------------------------------------------------------------------------- */

/* The lock is held. */
static bool worth_telling(struct progress *p, const struct call_progress *now)
{
	int64_t t = clock_mono_us();
	bool phase = p->phase != now->phase;
	if (p->left || (!phase && t - p->told_us < PERIOD_US && now->report->read < p->told + STEP) || sse_out_left(&p->out) > BACKLOG_MAX)
		return false;
	p->phase = now->phase;
	p->told = now->report->read;
	p->told_us = t;
	return true;
}

static void tell(struct call *c, const struct call_progress *now)
{
	struct progress *p = (struct progress *)(void *)((char *)c - offsetof(struct progress, own.call));
	const struct sm_import_report *r = now->report;
	struct buf *b = &p->out.text;
	lock_take(&p->lock);
	if (worth_telling(p, now)) {
		buf_printf(b, "event: progress\ndata: {\"phase\":\"%s\",\"bytes\":%" PRId64 ",\"totalBytes\":%" PRId64 ",\"read\":%zu,", now->phase,
			   now->bytes, now->total_bytes, r->read);
		if (r->total)
			buf_printf(b, "\"total\":%zu,", r->total);
		buf_printf(b, "\"created\":%zu,\"replaced\":%zu,\"skipped\":%zu,\"files\":%zu,\"attempt\":%u}\n\n", r->created, r->replaced,
			   r->skipped, r->files, c->attempt);
		sse_out_wake(&p->out);
	}
	lock_drop(&p->lock);
}

static void work(struct request *own)
{
	struct progress *p = (struct progress *)(void *)own;	/* its first member */
	struct call *c = &p->own.call;
	call_run(c);
	upload_free(c->upload);		/* the file may be large */
	c->upload = NULL;
	lock_take(&p->lock);
	if (!p->left) {
		buf_printf(&p->out.text, "event: report\ndata: {\"status\":%d,\"report\":", c->reply.status);
		buf_slice(&p->out.text, buf_view(&c->reply.body));
		buf_puts(&p->out.text, "}\n\n");
	}
	p->over = true;
	sse_out_wake(&p->out);
	lock_drop(&p->lock);
	drop(p);
}

/* -- the stream --------------------------------------------------------------------------------------------------------------------------- */

static ssize_t read_events(void *client, char *out, size_t max)
{
	struct progress *p = client;
	lock_take(&p->lock);
	ssize_t n = sse_out_read(&p->out, out, max, p->over || p->out.text.failed);
	lock_drop(&p->lock);
	return n;
}

static void leave(void *client)
{
	struct progress *p = client;
	lock_take(&p->lock);
	p->left = true;
	p->out.waiting = false;
	lock_drop(&p->lock);
	drop(p);
}

/* What the request needs from now on; the rest is the worker's.  What the connection owns does not outlive it. */
static bool move(struct request *r, struct progress *p)
{
	struct call *c = &r->call, *own = &p->own.call;
	struct arena *mine = arena_new(0);
	const char *method = mine ? arena_strdup(mine, c->method) : NULL;
	const char *id = method && c->correlation_id ? arena_strdup(mine, c->correlation_id) : NULL;
	const char *mount = method && c->mount ? arena_strdup(mine, c->mount) : NULL;
	if (!method || arena_failed(mine)) {
		arena_free(mine);
		return false;
	}
	*own = *c;
	p->own.body = r->body;
	own->body = buf_view(&p->own.body);
	own->content_type = own->accept = own->host = own->if_match = own->if_none_match = own->range = own->if_range = NULL;
	own->gone = NULL;
	own->progress = tell;
	buf_init(&own->reply.body, 0);
	c->arena = mine;
	c->method = method;
	c->correlation_id = id;
	c->mount = mount;
	c->upload = NULL;
	c->diag = (struct diag)DIAG_INIT;
	c->body = (struct slice){ NULL, 0 };
	buf_init(&r->body, 0);
	return true;
}

bool http_progress_wanted(const struct request *r)
{
	static const char *const types[] = { "application/json", "text/event-stream" };
	const struct call *c = &r->call;
	return c->upload && str_eq(c->route->handler_name, "upload") && c->accept && accept_choose(c->accept, types, 2) == 1;
}

enum MHD_Result http_progress_open(struct request *r)
{
	struct progress *p = calloc(1, sizeof *p);
	struct http_stream *s = p ? http_stream_new(r, read_events, leave) : NULL;
	struct call *c = &r->call;
	if (!s || !move(r, p)) {
		free(s);
		free(p);
		return http_refuse(r, ERR_NO_MEMORY);
	}
	lock_init(&p->lock, RANK_POOL);
	p->out = (struct sse_out){ .text = BUF_INIT, .wake = http_stream_wake, .arg = s };
	p->users = 2;
	p->own.run = work;
	c->reply.status = 200;
	c->reply.content_type = "text/event-stream";
	if (queue_put(c->server->work, &p->own, 0))
		return http_stream_send(r, s, p, ERR_OK);
	p->users = 1;
	drop(p);
	diag_add(&c->diag, ERR_UNAVAILABLE, "the server is too busy");
	return http_stream_send(r, s, NULL, ERR_UNAVAILABLE);
}
