/* SPDX-License-Identifier: Apache-2.0
 * http_surface.c - what is answered beside the API: health, the event stream, curves, openapi.json, the files of the console, OPTIONS.
 */
#include "base/clock.h"
#include "server/http_loop.h"
#include "server/openapi.h"
#include "server/request.h"
#include "server/trend.h"

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

/* -- the surfaces --------------------------------------------------------------------------------------------------------------- */

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

static const struct http_surface {
	const char *path;
	void (*run)(struct request *);	/* NULL: the event stream */
	bool blocks;			/* is for a worker */
	bool closed;			/* is not for anybody before http_open */
} surfaces[] = {
	{ "/events/live", NULL, false, false }, { "/events", http_feed_work, true, true }, { "/trend", work_trend, true, true },
	{ "/readyz", work_ready, true, false }, { "/healthz", tell_health, false, false }, { "/health", tell_health, false, false },
	{ "/openapi.json", tell_openapi, false, false },
};

enum MHD_Result http_refuse_early(struct request *r)
{
	diag_add(&r->call.diag, ERR_UNAVAILABLE, "the server is starting; /readyz tells when it is ready");
	return http_refuse(r, ERR_UNAVAILABLE);
}

const struct http_surface *http_surface_find(struct slice path)
{
	for (size_t i = 0; i < sizeof surfaces / sizeof *surfaces; i++)
		if (slice_is(path, surfaces[i].path))
			return &surfaces[i];
	return NULL;
}

bool http_is_read(const struct call *c)
{
	return str_eq(c->method, "GET") || str_eq(c->method, "HEAD");
}

enum MHD_Result http_surface_answer(struct request *r, const struct http_surface *s)
{
	struct call *c = &r->call;
	if (!http_is_read(c)) {
		c->reply.allow = "GET, HEAD";
		diag_add(&c->diag, ERR_METHOD, "%s is not possible here, only GET", c->method);
		return http_refuse(r, ERR_METHOD);
	}
	if (s->closed && !c->service)
		return http_refuse_early(r);
	if (s->run == tell_openapi && is_elsewhere(c))
		return http_hand_over(r, c->server->work, work_openapi);
	if (s->blocks)
		return http_hand_over(r, c->server->work, s->run);
	if (!s->run)
		return open_stream(r);
	s->run(r);
	return http_reply_packed(r);
}

bool http_file_answer(struct request *r, enum MHD_Result *result)
{
	struct call *c = &r->call;
	const struct http_config *conf = &c->server->config;
	if (*c->base_path || !http_is_read(c))
		return false;
	const struct static_file *f = conf->static_dir ? NULL : static_find(conf->files, conf->n_files, r->path);
	if (!f && !conf->static_dir)
		return false;
	diag_clear(&c->diag);
	buf_reset(&c->reply.body);
	if (!f) {
		*result = http_hand_over(r, c->server->work, work_file);
		return true;
	}
	tell_file(r, f);
	*result = http_reply_packed(r);
	return true;
}

/* Preflight needs no credentials and no body (Fetch, "CORS-preflight request"). */
enum MHD_Result http_options_answer(struct request *r)
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
