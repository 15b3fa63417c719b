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
#include "server/openapi.h"
#include "server/pack.h"
#include "server/request.h"
#include "server/trend.h"

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

/* -- events --------------------------------------------------------------------------------------------------------------------- */

static ssize_t live_read(void *client, char *out, size_t max)
{
	return sse_read(client, out, max);
}

static void live_close(void *client)
{
	sse_close(client);
}

/* `submodel` may be repeated; without it the stream carries everything. */
static enum err read_submodels(struct call *c, const char ***out)
{
	struct slice rest = c->query_text, name, value;
	size_t n = 0;
	*out = NULL;
	while (request_query_next(&rest, &name, &value)) {
		if (!slice_is(name, "submodel"))
			continue;
		if (!*out && !(*out = ARENA_ARRAY(c->arena, const char *, c->query_text.n / 10 + 2)))
			return ERR_NO_MEMORY;
		enum err e = request_id(c, "submodel", value, &(*out)[n++]);
		if (e)
			return e;
	}
	return ERR_OK;
}

static enum MHD_Result open_stream(struct request *r)
{
	struct call *c = &r->call;
	const char **submodels;
	enum err e = read_submodels(c, &submodels);
	if (!e && !c->server->sse)
		e = diag_add(&c->diag, ERR_UNAVAILABLE, "this server has no live values");
	if (e)
		return http_refuse(r, e);
	c->reply.status = 200;
	c->reply.content_type = "text/event-stream";
	if (str_eq(c->method, "HEAD"))
		return http_reply(r);
	struct http_stream *s = http_stream_new(r, live_read, live_close);
	struct sse_client *client = NULL;
	e = s ? sse_open(c->server->sse, submodels, http_stream_wake, s, &client) : ERR_NO_MEMORY;
	if (s && e)
		diag_add(&c->diag, e, "too many clients watch already");
	return http_stream_send(r, s, client, e);
}

/* -- what is not the API -------------------------------------------------------------------------------------------------------- */

static enum MHD_Result hand_over(struct request *r, struct queue *q, void (*run)(struct request *))
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

/* The answer is there.  When a worker is to compress it, and all of them are busy, it goes as it is. */
static enum MHD_Result reply_packed(struct request *r)
{
	r->run = work_pack;
	if (!http_wants_packing(r) || !queue_put(r->call.server->work, r, 0))
		return http_reply(r);
	r->working = true;
	http_suspend(&r->wakeup);
	return MHD_YES;
}

static void work_trend(struct request *r)
{
	trend_run(&r->call, &r->call.server->config);
	http_wake(&r->wakeup);
}

static void tell_health(struct request *r)
{
	health_run(&r->call, &r->call.server->config);
}

static void work_ready(struct request *r)
{
	ready_run(&r->call, &r->call.server->config);
	http_wake(&r->wakeup);
}

/* A file that is in memory; the client may have it already. */
static void tell_file(struct request *r, const struct static_file *f)
{
	const char *have = r->call.if_none_match;
	r->file = f;
	r->call.reply.status = have && f->etag && etag_known(have, f->etag) ? 304 : 200;
	r->call.reply.content_type = f->content_type;
}

/* Where clients come by another way the document is of their own, else it is in memory. */
static bool is_elsewhere(const struct call *c)
{
	return c->outside || c->mount;
}

static void tell_openapi(struct request *r)
{
	struct call *c = &r->call;
	if (!is_elsewhere(c)) {
		tell_file(r, &c->server->openapi);
		return;
	}
	openapi_write(&c->reply.body, c->outside ? c->outside : c->mount, c->server->base, c->server->n_base);
	c->reply.status = 200;
	if (c->reply.body.failed)
		reply_error(c, ERR_NO_MEMORY);
}

static void work_openapi(struct request *r)
{
	tell_openapi(r);
	http_wake(&r->wakeup);
}

static void work_file(struct request *r)
{
	struct call *c = &r->call;
	enum err e = static_read(c->arena, c->server->config.static_dir, r->path, &c->reply.body, &c->reply.content_type);
	c->reply.status = 200;
	if (e == ERR_NOT_FOUND)
		diag_add(&c->diag, e, "there is no such path");
	if (e)
		reply_error(c, e);
	http_wake(&r->wakeup);
}

static const struct surface {
	const char *path;
	void (*run)(struct request *);	/* NULL: the event stream */
	bool blocks;			/* is for a worker */
	bool closed;			/* is not for anybody before http_open */
} surfaces[] = {
	{ "/events/live", NULL, false, false }, { "/events", http_feed_work, true, true }, { "/trend", work_trend, true, true },
	{ "/readyz", work_ready, true, false }, { "/healthz", tell_health, false, false }, { "/health", tell_health, false, false },
	{ "/openapi.json", tell_openapi, false, false },
};

static enum MHD_Result refuse_early(struct request *r)
{
	diag_add(&r->call.diag, ERR_UNAVAILABLE, "the server is starting; /readyz tells when it is ready");
	return http_refuse(r, ERR_UNAVAILABLE);
}

static const struct surface *find_surface(struct slice path)
{
	for (size_t i = 0; i < sizeof surfaces / sizeof *surfaces; i++)
		if (slice_is(path, surfaces[i].path))
			return &surfaces[i];
	return NULL;
}

static bool is_read(const struct call *c)
{
	return str_eq(c->method, "GET") || str_eq(c->method, "HEAD");
}

static enum MHD_Result answer_surface(struct request *r, const struct surface *s)
{
	struct call *c = &r->call;
	if (!is_read(c)) {
		c->reply.allow = "GET, HEAD";
		diag_add(&c->diag, ERR_METHOD, "%s is not possible here, only GET", c->method);
		return http_refuse(r, ERR_METHOD);
	}
	if (s->closed && !c->service)
		return refuse_early(r);
	if (s->run == tell_openapi && is_elsewhere(c))
		return hand_over(r, c->server->work, work_openapi);
	if (s->blocks)
		return hand_over(r, c->server->work, s->run);
	if (!s->run)
		return open_stream(r);
	s->run(r);
	return reply_packed(r);
}

/* A file of the console, where no path of the API is meant; the Result that says so is forgotten.  False: there is none. */
static bool answer_file(struct request *r, enum MHD_Result *result)
{
	struct call *c = &r->call;
	const struct http_config *conf = &c->server->config;
	if (*c->base_path || !is_read(c))
		return false;
	const struct static_file *f = conf->static_dir ? NULL : static_find(conf->files, conf->n_files, r->path);
	if (!f && !conf->static_dir)
		return false;
	diag_clear(&c->diag);
	buf_reset(&c->reply.body);
	if (!f) {
		*result = hand_over(r, c->server->work, work_file);
		return true;
	}
	tell_file(r, f);
	*result = reply_packed(r);
	return true;
}

/* Preflight needs no credentials and no body (Fetch, "CORS-preflight request"). */
static enum MHD_Result answer_options(struct request *r)
{
	struct call *c = &r->call;
	struct route_match m;
	route_find("OPTIONS", c->path, &m);
	c->reply.status = 204;
	c->reply.allow = arena_printf(c->arena, "%s, OPTIONS", m.allow ? m.allow : "GET, HEAD");
	struct MHD_Response *resp = http_response(r);
	if (!resp)
		return http_send(r, NULL);
	if (*atomic_load(&c->server->cors_origin)) {
		MHD_add_response_header(resp, "Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
		MHD_add_response_header(resp, "Access-Control-Allow-Headers",
					"Authorization, Content-Type, Accept, If-Match, If-None-Match, If-Range, Last-Event-ID, Range, "
					"X-Correlation-ID, X-Request-ID");
		MHD_add_response_header(resp, "Access-Control-Max-Age", "86400");
	}
	return http_send(r, resp);
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
	return hand_over(r, waits ? c->server->invoke : c->server->work, work_call);
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
	return t && call_from_tree(&r->call, r->call.server->config.live, t, &r->tree, &r->source) ? reply_packed(r) : have_it_done(r);
}

static enum MHD_Result answer_call(struct request *r)
{
	struct call *c = &r->call;
	if (!c->service)
		return refuse_early(r);
	c->body = buf_view(&r->body);
	if (http_progress_wanted(r) && !atomic_load(&c->server->stopping))
		return http_progress_open(r);
	if (!is_read(c))
		return patch(r) ? MHD_YES : have_it_done(r);
	note_now(r);
	if (call_peek(c, c->server->config.live, &r->tree, &r->source))
		return reply_packed(r);
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
	if (!split_base(r) && !is_read(c) && !str_eq(c->method, "OPTIONS"))
		return diag_add(&c->diag, ERR_NOT_FOUND, "there is no such path");
	if (!is_read(c) && !str_eq(c->method, "OPTIONS") && !find_surface(r->path) && !call_begin(c))
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
		return answer_options(r);
	const struct surface *s = find_surface(r->path);
	if (s)
		return answer_surface(r, s);
	if (c->begun || (c->path.p && call_begin(c)))
		return answer_call(r);
	if (!c->route && !c->match.allow && answer_file(r, &result))
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
	return r->feed ? http_feed_open(r) : r->working ? http_reply(r) : r->reading ? answer_read(r) : answer(r);
}
