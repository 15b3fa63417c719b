/* SPDX-License-Identifier: Apache-2.0
 * http_reply.c - what goes back to a connection: status, headers, and a body that is not copied, compressed when that is wanted.
 *
 * A cached tree is compressed once, by a worker, and keeps the result; a loop never compresses.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/etag.h"
#include "server/http_loop.h"
#include "server/pack.h"

/* -- body ----------------------------------------------------------------------------------------------------------------------- */

static void tree_sent(void *tree)
{
	sm_tree_drop(tree);
}

static bool no_content(int status)
{
	return status == 204 || status == 304;
}

/* The bytes as they are, wherever they are. */
static struct slice plain_body(const struct request *r)
{
	if (no_content(r->call.reply.status))
		return (struct slice){ "", 0 };
	return r->tree ? r->tree->json : r->file ? (struct slice){ (const char *)r->file->bytes, r->file->n } : buf_view(&r->call.reply.body);
}

/* Another client could have got it in the other coding. */
static bool has_codings(const struct request *r)
{
	size_t n = plain_body(r).n;
	return n >= r->call.server->config.compress_min && n <= PACK_MAX && pack_worth(r->call.reply.content_type);
}

bool http_wants_packing(const struct request *r)
{
	return r->accepts_gzip && has_codings(r) && !(r->tree && sm_tree_packed(r->tree));
}

static void pack_tree(struct request *r)
{
	struct buf b = BUF_INIT;
	pack_gzip(r->tree->json, &b);	/* nothing, when it would not be smaller: that is kept too */
	sm_tree_pack(r->call.service, r->tree, buf_view(&b));
	buf_fini(&b);
}

void http_pack(struct request *r)
{
	struct buf b = BUF_INIT;
	if (!http_wants_packing(r))
		return;
	if (r->tree) {
		pack_tree(r);
		return;
	}
	buf_init(&b, 0);
	if (!pack_gzip(plain_body(r), &b)) {
		buf_fini(&b);
		return;
	}
	buf_fini(&r->call.reply.body);
	r->call.reply.body = b;
	if (r->file)
		r->call.reply.etag = r->file->etag;
	r->file = NULL;
	r->packed = true;
}

static struct MHD_Response *tree_body(struct request *r)
{
	struct slice bytes = r->tree->json;
	const struct slice *packed = r->accepts_gzip && has_codings(r) ? sm_tree_packed(r->tree) : NULL;
	if (packed && packed->n) {
		bytes = *packed;
		r->packed = true;
	}
	/* The bytes are constant, the parameter is not. */
	struct MHD_Response *resp = MHD_create_response_from_buffer_with_free_callback_cls(bytes.n, (void *)(uintptr_t)bytes.p, tree_sent,
											   (void *)(uintptr_t)r->tree);
	if (resp)
		r->tree = NULL;
	return resp;
}

/* The body goes to libmicrohttpd without a copy. */
static struct MHD_Response *reply_body(struct request *r)
{
	struct call *c = &r->call;
	size_t n = 0;
	if (r->tree)
		return tree_body(r);
	if (r->file && c->reply.status == 200)
		return MHD_create_response_from_buffer(r->file->n, (void *)(uintptr_t)r->file->bytes, MHD_RESPMEM_PERSISTENT);
	if (c->reply.content.read) {
		struct content content = c->reply.content;
		c->reply.content = (struct content){ 0 };
		r->ranges = true;
		return http_content_body(r, content, c->reply.from, c->reply.length);
	}
	r->empty = no_content(c->reply.status) || (!c->reply.body.n && !c->reply.content_type);
	if (!c->reply.body.n || no_content(c->reply.status))
		return MHD_create_response_from_buffer(0, (void *)(uintptr_t)"", MHD_RESPMEM_PERSISTENT);
	char *p = buf_take(&c->reply.body, &n);
	struct MHD_Response *resp = p ? MHD_create_response_from_buffer(n, p, MHD_RESPMEM_MUST_FREE) : NULL;
	if (!resp)
		free(p);
	return resp;
}

/* -- headers -------------------------------------------------------------------------------------------------------------------- */

static bool put_location(struct request *r, struct MHD_Response *resp)
{
	const struct call *c = &r->call;
	const char *text = arena_printf(c->arena, "%s%s%s", c->outside ? c->outside : c->mount ? c->mount : "", c->base_path, c->reply.location);
	return text && MHD_add_response_header(resp, "Location", text) == MHD_YES;
}

static void put_tag(struct request *r, struct MHD_Response *resp)
{
	const struct call *c = &r->call;
	char other[ETAG_MAX];
	const char *tag = r->file ? r->file->etag : c->reply.etag;
	if (!tag)
		return;
	if (r->packed) {
		snprintf(other, sizeof other, "%s", tag);
		etag_compressed(other);
		tag = other;
	}
	MHD_add_response_header(resp, "ETag", tag);
	if (!c->route || c->route->access == ACCESS_READ)
		MHD_add_response_header(resp, "Cache-Control", "no-cache");	/* keep it, but ask every time whether it is still so */
}

static void put_range(struct request *r, struct MHD_Response *resp)
{
	const struct call *c = &r->call;
	char text[80];
	if (c->reply.status == 416)
		snprintf(text, sizeof text, "bytes */%lld", (long long)c->reply.whole);
	else if (c->reply.status == 206)
		snprintf(text, sizeof text, "bytes %lld-%lld/%lld", (long long)c->reply.from, (long long)(c->reply.from + c->reply.length - 1),
			 (long long)c->reply.whole);
	else
		return;
	MHD_add_response_header(resp, "Content-Range", text);
}

/* Not our JSON: bytes that somebody uploaded must not run as a page of this origin; the console may load only itself. */
static void put_policy(struct request *r, struct MHD_Response *resp)
{
	MHD_add_response_header(resp, "X-Content-Type-Options", "nosniff");
	MHD_add_response_header(resp, "Content-Security-Policy", r->call.route ? "sandbox; default-src 'none'"
				: "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; object-src 'none'; "
				  "frame-ancestors 'none'");
}

void http_put_headers(struct request *r, struct MHD_Response *resp, bool codings)
{
	struct call *c = &r->call;
	const char *origin = atomic_load(&c->server->cors_origin), *type = c->reply.content_type;
	if (!r->empty)
		MHD_add_response_header(resp, "Content-Type", type ? type : "application/json");
	if (*origin) {
		MHD_add_response_header(resp, "Access-Control-Allow-Origin", origin);
		MHD_add_response_header(resp, "Access-Control-Expose-Headers", "Location, Accept-Ranges, Content-Disposition, Content-Range, "
					"ETag, X-Correlation-ID, X-FileName");
	}
	if (c->correlation_id)
		MHD_add_response_header(resp, "X-Correlation-ID", c->correlation_id);
	if (c->reply.location && !put_location(r, resp))
		log_warn("http", "no memory for a Location");
	if (c->reply.disposition)
		MHD_add_response_header(resp, "Content-Disposition", c->reply.disposition);
	if (c->reply.file_name)
		MHD_add_response_header(resp, "X-FileName", c->reply.file_name);
	if (c->reply.allow)
		MHD_add_response_header(resp, "Allow", c->reply.allow);
	if (r->ranges)
		MHD_add_response_header(resp, "Accept-Ranges", "bytes");
	put_range(r, resp);
	if (c->reply.status == 503)
		MHD_add_response_header(resp, "Retry-After", "1");
	if (r->packed)
		MHD_add_response_header(resp, "Content-Encoding", "gzip");
	if (codings)
		MHD_add_response_header(resp, "Vary", "Accept-Encoding");
	put_tag(r, resp);
	if (type)
		put_policy(r, resp);
}

/* -- sending -------------------------------------------------------------------------------------------------------------------- */

static enum MHD_Result send_response(struct request *r, struct MHD_Response *resp, bool kept)
{
	r->spent = true;
	if (!resp)
		return MHD_NO;
	enum MHD_Result ok = MHD_queue_response(r->wakeup.connection, (unsigned)r->call.reply.status, resp);
	if (!kept)
		MHD_destroy_response(resp);
	call_record(&r->call, clock_mono_us() - r->started_us);
	return ok;
}

enum MHD_Result http_send(struct request *r, struct MHD_Response *resp)
{
	return send_response(r, resp, false);
}

struct MHD_Response *http_response(struct request *r)
{
	bool codings = r->packed || has_codings(r);
	struct MHD_Response *resp = reply_body(r);
	if (resp)
		http_put_headers(r, resp, codings);
	return resp;
}

enum MHD_Result http_reply(struct request *r)
{
	size_t own = r->tree ? 0 : plain_body(r).n;
	if (r->tree && !r->source)
		r->source = sm_tree_hold(r->tree);
	struct MHD_Response *resp = http_response(r);
	return send_response(r, resp, ready_keep(r, resp, own));
}
