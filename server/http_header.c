/* SPDX-License-Identifier: Apache-2.0
 * http_header.c - the header of a request: what of it counts, its correlation id, and what proxies say (forwarded.h, actor.h).
 */
#include <strings.h>

#include "server/actor.h"
#include "server/http_loop.h"
#include "server/pack.h"

#define CORRELATION_MAX 128

static bool correlation_ok(const char *s)
{
	size_t n = s ? strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:/-") : 0;
	return n && n <= CORRELATION_MAX && !s[n];
}

/* Told apart from those of other loops and processes by what it begins with. */
static const char *correlation_new(struct loop *l, struct arena *a)
{
	char digits[2 * sizeof l->n_requests + 1], *p = digits + sizeof digits - 1;
	uint64_t n = ++l->n_requests;
	*p = 0;
	for (; n; n >>= 4)
		*--p = "0123456789abcdef"[n & 15];
	size_t prefix = strlen(l->correlation);
	char *id = arena_raw(a, prefix + strlen(p) + 1);
	if (id) {
		memcpy(id, l->correlation, prefix);
		memcpy(id + prefix, p, strlen(p) + 1);
	}
	return id;
}

#define HEADER(name, member) { name, sizeof name - 1, offsetof(struct request, member) }
static const struct { const char *name; size_t n, at; } headers[] = {
	HEADER("Accept", call.accept), HEADER("Accept-Encoding", accept_encoding), HEADER("Content-Length", content_length),
	HEADER("Content-Type", call.content_type), HEADER("Expect", expect), HEADER("Host", call.host), HEADER("If-Match", call.if_match),
	HEADER("If-None-Match", call.if_none_match), HEADER("If-Range", call.if_range), HEADER("Last-Event-ID", last_event_id),
	HEADER("Range", call.range), HEADER("X-Correlation-ID", correlation_id), HEADER("X-Request-ID", request_id),
	HEADER("traceparent", traceparent),
};

/* Of a header that comes twice the first one counts. */
static enum MHD_Result take_header(void *cls, enum MHD_ValueKind kind, const char *name, size_t n, const char *value, size_t n_value)
{
	(void)kind;
	(void)n_value;
	for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
		const char **to = (const char **)(void *)((char *)cls + headers[i].at);
		if (headers[i].n == n && !*to && !strncasecmp(headers[i].name, name, n))
			*to = value;
	}
	struct request *r = cls;
	const struct server *s = r->call.server;
	if (s->proxies)
		forwarded_note(&r->forwarded, r->call.arena, name, value);
	/* A proxy that adds its line to the one of the client says nothing. */
	if (s->config.user_header && !strcasecmp(name, s->config.user_header))
		r->user = r->user ? "" : value;
	return MHD_YES;
}

/* The trace that a request belongs to (W3C Trace Context, 3.2): "00-<32 digits>-<16>-<2>", where not all are 0. */
static const char *trace_id(struct arena *a, const char *s)
{
	static const char hex[] = "0123456789abcdef";
	if (!s || strspn(s, hex) != 2 || s[2] != '-' || !strncmp(s, "ff", 2) || strspn(s + 3, hex) != 32 || s[35] != '-' ||
	    strspn(s + 36, hex) != 16 || s[52] != '-' || strspn(s + 53, hex) != 2 || strspn(s + 3, "0") >= 32)
		return NULL;
	return arena_strndup(a, s + 3, 32);
}

static const char *correlation_of(struct request *r)
{
	if (correlation_ok(r->correlation_id))
		return r->correlation_id;
	if (correlation_ok(r->request_id))
		return r->request_id;
	const char *id = trace_id(r->call.arena, r->traceparent);
	return id ? id : correlation_new(r->wakeup.loop, r->call.arena);
}

/* What a trusted proxy says counts as if the client had come here directly. */
static void read_forwarded(struct request *r)
{
	struct call *c = &r->call;
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(r->wakeup.connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	bool writes = !str_eq(c->method, "GET") && !str_eq(c->method, "HEAD");
	struct forwarded f;
	if (writes && info && info->client_addr)
		c->client = actor_address(c->arena, info->client_addr);
	if (!c->server->proxies || !info || !info->client_addr || !proxies_trust(c->server->proxies, info->client_addr))
		return;
	forwarded_read(c->server->proxies, &r->forwarded, c->host, c->arena, &f);
	c->scheme = f.scheme;
	c->host = f.host ? f.host : c->host;
	c->mount = f.mount;
	c->client = f.client ? f.client : c->client;
	c->user = r->user ? actor_user(c->arena, r->user) : NULL;
}

void http_read_headers(struct request *r, const char *method)
{
	struct call *c = &r->call;
	c->method = arena_strdup(c->arena, method);
	MHD_get_connection_values_n(r->wakeup.connection, MHD_HEADER_KIND, take_header, r);
	r->accepts_gzip = pack_accepted(r->accept_encoding);
	c->correlation_id = correlation_of(r);
	c->outside = atomic_load(&c->server->external_url);
	c->scratch_dir = c->server->config.scratch_dir;
	c->file_max = (int64_t)atomic_load(&c->server->file_max);
	read_forwarded(r);
}
