/* SPDX-License-Identifier: Apache-2.0
 * http_request.c - one request in the hands of libmicrohttpd: collect it, answer it from memory or have a worker do it, send the reply.
 *
 * A response is never queued on the first call of the handler but to refuse a body that was announced with Expect: 100-continue:
 * libmicrohttpd would close the connection.
 */
#include <stdlib.h>
#include <strings.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/etag.h"
#include "server/http_loop.h"
#include "server/pack.h"
#include "server/request.h"

#define KEEP_FREE 64			/* requests that a loop keeps for reuse, with their first blocks of memory */
#define DROP_MAX ((size_t)64 << 20)	/* so much of a refused body is read, so that the client sees the answer */
#define BODY_FIRST ((size_t)1 << 20)	/* at most so much is reserved on the client's word */

/* -- life ----------------------------------------------------------------------------------------------------------------------- */

void http_request_free(struct request *r)
{
	arena_free(r->call.arena);
	buf_fini(&r->body);
	free(r);
}

static struct request *take(struct loop *l)
{
	struct request *r = l->free;
	if (r) {
		l->free = r->next_free;
		l->n_free--;
		return r;
	}
	r = calloc(1, sizeof *r);
	if (r && !(r->call.arena = arena_new(0))) {
		free(r);
		return NULL;
	}
	return r;
}

static bool follows(const char *p, const char *prefix)
{
	return !strncasecmp(p, prefix, strlen(prefix));
}

/* "http://host/path" (RFC 9112, 3.2.2) is as good as "/path". */
static const char *origin_form(const char *uri)
{
	const char *rest = follows(uri, "http://") ? uri + 7 : follows(uri, "https://") ? uri + 8 : NULL;
	if (!rest)
		return uri;
	rest = strchr(rest, '/');
	return rest ? rest : "/";
}

void *http_request_new(void *cls, const char *uri, struct MHD_Connection *connection)
{
	struct loop *l = cls;
	struct request *r = take(l);
	if (!r)
		return NULL;
	struct arena *a = r->call.arena;
	*r = (struct request){ .wakeup = { .connection = connection, .loop = l }, .started_us = clock_mono_us() };
	r->call = (struct call){ .server = l->server, .signer = l->server->config.signer, .arena = a, .base_path = "" };
	if (atomic_load(&l->server->open))
		r->call.service = l->server->config.service;
	buf_init(&r->call.reply.body, 0);
	uri = origin_form(uri);
	size_t n = strlen(uri);
	r->ready = ready_find(l->ready, uri, n);
	const char *text = r->ready ? ready_uri(r->ready).p : n > URI_MAX ? NULL : arena_strndup(a, uri, n);
	if (!text) {
		r->refused = n > URI_MAX ? ERR_URI_TOO_LONG : ERR_NO_MEMORY;
		return r;
	}
	size_t at = strcspn(text, "?");
	r->uri = (struct slice){ text, n };
	r->path = (struct slice){ text, at };
	if (text[at])
		r->call.query_text = (struct slice){ text + at + 1, n - at - 1 };
	return r;
}

void http_request_end(void *cls, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode code)
{
	struct loop *l = cls;
	struct request *r = *state;
	(void)connection;
	(void)code;
	if (!r)
		return;
	*state = NULL;
	l->n_open -= r->received;
	atomic_fetch_sub(&l->server->body_bytes, r->charged);
	http_upload_forget(r);
	sm_tree_drop(r->tree);
	sm_tree_drop(r->source);
	sm_tree_drop(r->read);
	ready_drop(r->ready);
	buf_fini(&r->body);
	buf_fini(&r->call.reply.body);
	diag_fini(&r->call.diag);
	if (l->n_free == KEEP_FREE) {
		http_request_free(r);
		return;
	}
	arena_reset(r->call.arena);
	r->next_free = l->free;
	l->free = r;
	l->n_free++;
}

/* -- who does it ---------------------------------------------------------------------------------------------------------------- */

enum MHD_Result http_hand_over(struct request *r, struct queue *q, void (*run)(struct request *))
{
	r->run = run;
	bool stopping = atomic_load(&r->call.server->stopping);
	if (stopping || !queue_put(q, r, 0)) {
		diag_add(&r->call.diag, ERR_UNAVAILABLE, stopping ? "the server is stopping" : "the server is too busy");
		return http_refuse(r, ERR_UNAVAILABLE);
	}
	r->working = true;
	http_suspend(&r->wakeup);
	return MHD_YES;
}

static void work_pack(struct request *r)
{
	http_pack(r);
	http_wake(&r->wakeup);
}

enum MHD_Result http_reply_packed(struct request *r)
{
	r->run = work_pack;
	if (!http_wants_packing(r) || !queue_put(r->call.server->work, r, 0))
		return http_reply(r);
	r->working = true;
	http_suspend(&r->wakeup);
	return MHD_YES;
}

/* -- the API -------------------------------------------------------------------------------------------------------------------- */

static void call_done(struct call *c)
{
	http_wake(&((struct request *)(void *)((char *)c - offsetof(struct request, call)))->wakeup);
}

static void call_again(struct call *c)
{
	struct request *r = (struct request *)(void *)((char *)c - offsetof(struct request, call));
	if (queue_put(c->server->work, r, 0))
		return;
	diag_add(&c->diag, ERR_UNAVAILABLE, "the server is too busy");
	reply_error(c, ERR_UNAVAILABLE);
	http_wake(&r->wakeup);
}

static void work_call(struct request *r)
{
	r->call.done = call_done;
	r->call.again = call_again;
	if (!call_start(&r->call))
		return;
	http_pack(r);
	http_wake(&r->wakeup);
}

/* The connection is suspended behind it, which this thread alone ends: the answer may be there already. */
static bool patch(struct request *r)
{
	struct call *c = &r->call;
	c->done = call_done;
	c->again = call_again;
	r->run = work_call;
	if (atomic_load(&c->server->stopping) || !call_patch(c))
		return false;
	r->working = true;
	http_suspend(&r->wakeup);
	return true;
}

/* In the thread of the store. */
static void search_done(struct store_search *q)
{
	http_wake(&((struct request *)q->ctx)->wakeup);
}

/* As for patch: it may have been found already. */
static bool search(struct request *r)
{
	if (atomic_load(&r->call.server->stopping) || !call_search(&r->call, search_done, r))
		return false;
	r->searching = true;
	http_suspend(&r->wakeup);
	return true;
}

/* In the thread of the store. */
static void document_read(void *ctx, const struct sm_tree *t)
{
	struct request *r = ctx;
	r->read = t;
	http_wake(&r->wakeup);
}

static enum MHD_Result have_it_done(struct request *r)
{
	struct call *c = &r->call;
	http_watch_client(r);
	/* whoever gets a handle does not wait for the asset */
	bool waits = c->route->access == ACCESS_EXEC && c->route->reply != REPLY_202;
	return http_hand_over(r, waits ? c->server->invoke : c->server->work, work_call);
}

/* What an answer that is made of a tree from now on will be good for (ready_keep). */
static void note_now(struct request *r)
{
	r->settings_seen = atomic_load(&r->call.server->settings);
	r->live_seen = ready_live(r->call.server);
}

static enum MHD_Result answer_read(struct request *r)
{
	const struct sm_tree *t = r->read;
	r->reading = false;
	r->read = NULL;
	note_now(r);
	return t && call_from_tree(&r->call, r->call.server->config.live, t, &r->tree, &r->source) ? http_reply_packed(r) : have_it_done(r);
}

static enum MHD_Result answer_found(struct request *r)
{
	r->searching = false;
	return call_found(&r->call) ? http_reply_packed(r) : have_it_done(r);
}

static enum MHD_Result answer_call(struct request *r)
{
	struct call *c = &r->call;
	if (!c->service)
		return http_refuse_early(r);
	c->body = buf_view(&r->body);
	if (http_progress_wanted(r) && !atomic_load(&c->server->stopping))
		return http_progress_open(r);
	if (!http_is_read(c))
		return patch(r) || search(r) ? MHD_YES : have_it_done(r);
	note_now(r);
	if (call_peek(c, c->server->config.live, &r->tree, &r->source))
		return http_reply_packed(r);
	r->reading = call_read_later(c, document_read, r);
	if (!r->reading)
		return have_it_done(r);
	http_suspend(&r->wakeup);	/* this thread alone resumes it: it may have been read already */
	return MHD_YES;
}

/* The longest base path that the path begins with. */
static bool split_base(struct request *r)
{
	const struct server *s = r->call.server;
	for (unsigned i = 0; i < s->n_base; i++) {
		size_t n = strlen(s->base[i]);
		if (r->path.n < n || memcmp(r->path.p, s->base[i], n) || (r->path.n > n && r->path.p[n] != '/'))
			continue;
		r->call.base_path = s->base[i];
		r->call.path = (struct slice){ r->path.p + n, r->path.n - n };
		return true;
	}
	return false;
}

/* Everything that can be told from the header: before the body is accepted. */
static enum err judge(struct request *r)
{
	struct call *c = &r->call;
	const char *length = r->content_length;
	size_t n = 0;
	if (!c->method)
		return ERR_NO_MEMORY;
	r->body_max = atomic_load(&c->server->body_max);
	if (!split_base(r) && !http_is_read(c) && !str_eq(c->method, "OPTIONS"))
		return diag_add(&c->diag, ERR_NOT_FOUND, "there is no such path");
	if (!http_is_read(c) && !str_eq(c->method, "OPTIONS") && !http_surface_find(r->path) && !call_begin(c))
		return ERR_OK;		/* the answer is there; the body is read and dropped */
	if (c->route && c->route->body == BODY_RAW)
		return http_upload_judge(r);
	if (length && (!str_size(length, strlen(length), &n) || n > r->body_max))
		return diag_add(&c->diag, ERR_TOO_LARGE, "a body may have %zu bytes here", r->body_max);
	if (n && !buf_reserve(&r->body, n < BODY_FIRST ? n : BODY_FIRST))
		return ERR_NO_MEMORY;
	return ERR_OK;
}

static enum MHD_Result answer(struct request *r)
{
	struct call *c = &r->call;
	enum MHD_Result result;
	r->received = true;
	r->wakeup.loop->n_open++;
	if (r->hurried && ready_send(r, &result))
		return result;
	if (r->hurried)
		r->refused = judge(r);
	if (r->refused)
		return http_refuse(r, r->refused);
	if (c->reply.status)
		return http_reply(r);
	if (str_eq(c->method, "OPTIONS"))
		return http_options_answer(r);
	const struct http_surface *s = http_surface_find(r->path);
	if (s)
		return http_surface_answer(r, s);
	if (c->begun || (c->path.p && call_begin(c)))
		return answer_call(r);
	if (!c->route && !c->match.allow && http_file_answer(r, &result))
		return result;
	if (!c->path.p) {
		diag_add(&c->diag, ERR_NOT_FOUND, "there is no such path");
		return http_refuse(r, ERR_NOT_FOUND);
	}
	return http_reply(r);
}

/* -- the handler ---------------------------------------------------------------------------------------------------------------- */

/* The ready answer is one for it: no body, no condition, nothing but JSON asked for. */
static bool is_plain(const struct request *r)
{
	const struct call *c = &r->call;
	bool body = r->transfer_encoding || (r->content_length && !str_eq(r->content_length, "0"));
	return r->ready && !body && str_eq(c->method, "GET") && !r->expect && !c->if_match && !c->if_none_match &&
	       !c->range && !c->if_range && request_accepts_json(c->accept);
}

static enum MHD_Result first_step(struct request *r, const char *method)
{
	r->begun = true;
	buf_init(&r->body, SIZE_MAX);		/* body_max is the bound */
	http_read_headers(r, method);
	r->hurried = is_plain(r);
	if (!r->refused && !r->hurried)
		r->refused = judge(r);
	if (!r->refused && !r->call.reply.status)
		return MHD_YES;
	return r->expect && !strcasecmp(r->expect, "100-continue") ? answer(r) : MHD_YES;
}

static bool charge(struct request *r, size_t n)
{
	struct server *s = r->call.server;
	r->charged += n;
	return atomic_fetch_add(&s->body_bytes, n) + n <= s->config.body_budget;
}

static enum MHD_Result take_data(struct request *r, const char *data, size_t n)
{
	if (!r->refused && !r->call.reply.status) {
		if (n > r->body_max - r->taken - r->body.n)
			r->refused = diag_add(&r->call.diag, ERR_TOO_LARGE, "a body may have %zu bytes here", r->body_max);
		else if (!charge(r, n))
			r->refused = diag_add(&r->call.diag, ERR_UNAVAILABLE, "too many bodies are under way");
		else
			buf_put(&r->body, data, n);
		if (!r->refused && r->body.failed)
			r->refused = ERR_NO_MEMORY;
		if (!r->refused && (!r->call.upload || r->body.n < UPLOAD_PIECE))
			return MHD_YES;
		enum err e = r->refused ? r->refused : http_upload_feed(r);
		if (!e)
			return MHD_YES;		/* another thread has it by now */
		r->refused = e;
		buf_fini(&r->body);
	}
	r->dropped += n;
	return r->dropped > DROP_MAX ? MHD_NO : MHD_YES;
}

enum MHD_Result http_request_step(void *cls, struct MHD_Connection *connection, const char *url, const char *method, const char *version,
				  const char *data, size_t *n, void **state)
{
	struct request *r = *state;
	(void)cls;
	(void)connection;
	(void)url;
	(void)version;
	if (!r)
		return MHD_NO;
	if (!r->begun)
		return first_step(r, method);
	if (r->wakeup.suspended)
		return MHD_YES;		/* what has come stays where it is */
	if (*n) {
		enum MHD_Result ok = r->spent ? MHD_YES : take_data(r, data, *n);
		*n = 0;
		return ok;
	}
	if (r->spent)
		return MHD_YES;
	if (r->feed || r->working)
		return r->feed ? http_feed_open(r) : http_reply(r);
	return r->reading ? answer_read(r) : r->searching ? answer_found(r) : answer(r);
}
