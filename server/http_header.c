/* SPDX-License-Identifier: Apache-2.0
 * http_header.c - the header of a request: what of it counts, its correlation id, and what proxies say (forwarded.h).
 */
#include <strings.h>

#include "server/http_loop.h"
#include "server/pack.h"

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
	HEADER("Transfer-Encoding", transfer_encoding),
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
	if (r->call.server->proxies)
		forwarded_note(&r->forwarded, r->call.arena, name, value);
	return MHD_YES;
}

/* What a trusted proxy says counts as if the client had come here directly. */
static void read_forwarded(struct request *r)
{
	struct call *c = &r->call;
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(r->wakeup.connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	struct forwarded f;
	if (!c->server->proxies || !info || !info->client_addr || !proxies_trust(c->server->proxies, info->client_addr))
		return;
	forwarded_read(c->server->proxies, &r->forwarded, c->host, c->arena, &f);
	c->scheme = f.scheme;
	c->host = f.host ? f.host : c->host;
	c->mount = f.mount;
}

void http_read_headers(struct request *r, const char *method)
{
	struct call *c = &r->call;
	c->method = arena_strdup(c->arena, method);
	MHD_get_connection_values_n(r->wakeup.connection, MHD_HEADER_KIND, take_header, r);
	r->accepts_gzip = pack_accepted(r->accept_encoding);
	const char *id = correlation_ok(r->correlation_id) ? r->correlation_id : r->request_id;
	c->correlation_id = correlation_ok(id) ? id : correlation_new(r->wakeup.loop, c->arena);
	c->outside = atomic_load(&c->server->external_url);
	c->scratch_dir = c->server->config.scratch_dir;
	c->file_max = (int64_t)atomic_load(&c->server->file_max);
	read_forwarded(r);
}
