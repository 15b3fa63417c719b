/* SPDX-License-Identifier: Apache-2.0
 * reply.c - what goes back: nodes in the view of the call, pages, and the AAS Result of a failure (IDTA-01002, "Result").
 */
#include <stdio.h>

#include "aas/path.h"
#include "base/clock.h"
#include "base/log.h"
#include "server/call.h"
#include "server/etag.h"
#include "server/request.h"
#include "submodels/past.h"

static enum err buf_error(const struct call *c)
{
	return c->reply.body.failed ? ERR_NO_MEMORY : ERR_OK;
}

enum err reply_write(struct call *c, struct buf *b, const char *sm_id, const struct aas_node *n, const struct aas_view *view)
{
	return c->in_past ? sm_write_past(c->session, b, sm_id, n, view, &c->diag) : sm_write(c->service, b, sm_id, n, view, &c->diag);
}

static enum err write_node(struct call *c, const struct aas_node *n, const struct aas_view *view)
{
	const char *sm_id = aas_is(n, AAS_Submodel) ? AAS_ID(n) : c->sm_id;
	enum err e = reply_write(c, &c->reply.body, sm_id, n, view);
	return e ? e : buf_error(c);
}

enum err reply_node(struct call *c, const struct aas_node *n)
{
	return write_node(c, n, &c->view);
}

/* `result` of GET .../submodel-elements/$value is an object by idShort since V3.0.4, all other pages are arrays. */
static bool page_is_object(const struct call *c)
{
	return c->view.modifier == AAS_VALUE && c->route->reply_class == AAS_SubmodelElement;
}

void reply_page_begin(struct call *c)
{
	c->reply.items = 0;
	buf_puts(&c->reply.body, page_is_object(c) ? "{\"result\":{" : "{\"result\":[");
}

static void page_item(struct call *c)
{
	if (c->reply.items++)
		buf_putc(&c->reply.body, ',');
}

/* One flat list; a submodel without elements adds nothing. */
static enum err page_paths(struct call *c, const struct aas_node *n)
{
	size_t before = c->reply.body.n;
	aas_view_paths(&c->reply.body, n, c->view.core);
	if (c->reply.body.n > before)
		c->reply.items++;
	return buf_error(c);
}

enum err reply_page_node(struct call *c, const struct aas_node *n)
{
	if (c->view.modifier == AAS_PATH)
		return page_paths(c, n);
	struct aas_view view = c->view;
	if (view.modifier == AAS_METADATA && aas_is_sme(n) && n->cls->shape == AAS_SHAPE_NONE)
		view.modifier = AAS_NORMAL;	/* a Capability or an Operation is nothing but metadata */
	page_item(c);
	return write_node(c, n, &view);
}

void reply_page_raw(struct call *c, struct slice json)
{
	page_item(c);
	buf_slice(&c->reply.body, json);
}

void reply_page_document(struct call *c, const struct store_doc *d)
{
	struct buf *b = &c->reply.body;
	page_item(c);
	uint64_t sum = etag_sum(c->reply.summed ? c->reply.sum : 0, (struct slice){ b->p + c->reply.summed, b->n - c->reply.summed });
	sum = etag_sum(sum, slice_of(d->id));
	c->reply.sum = etag_sum(sum, (struct slice){ (const char *)&d->version, sizeof d->version });
	buf_slice(b, d->json);
	c->reply.summed = b->n;
}

void reply_page_end(struct call *c, const char *next)
{
	struct buf *b = &c->reply.body;
	buf_puts(b, page_is_object(c) ? "},\"paging_metadata\":{" : "],\"paging_metadata\":{");
	if (next) {
		const char *cursor = request_cursor(c, next);
		if (!cursor)
			b->failed = true;
		else
			buf_printf(b, "\"cursor\":\"%s\"", cursor);
	}
	if (c->reply.result_type)
		buf_printf(b, "%s\"resultType\":\"%s\"", next ? "," : "", c->reply.result_type);
	buf_puts(b, "}}");
}

const char *reply_disposition(struct call *c, const char *name)
{
	const char *step = name;
	for (const char *p = name; *p; p++)
		if (*p == '/' || *p == '\\')
			step = p + 1;
	if (!*step || str_eq(step, ".") || str_eq(step, ".."))
		step = "file";
	char *ascii = arena_strdup(c->arena, step);
	if (!ascii)
		return NULL;
	for (char *p = ascii; *p; p++)
		if (*p < ' ' || *p > '~' || strchr("\"%;", *p))
			*p = '_';
	/* what cannot be seen is no part of a name in either form */
	char *whole = arena_strdup(c->arena, step);
	for (char *p = whole; p && *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7F)
			*p = '_';
	if (!whole || str_eq(ascii, whole))
		return whole ? arena_printf(c->arena, "attachment; filename=\"%s\"", ascii) : NULL;
	return arena_printf(c->arena, "attachment; filename=\"%s\"; filename*=UTF-8''%s", ascii, reply_path(c, whole));
}

enum err reply_content(struct call *c, const char *content_type, const char *file_name, struct content content, const unsigned char *hash)
{
	content_close(&c->reply.content);
	c->reply.content = content;
	c->reply.hash = arena_raw(c->arena, SHA256_SIZE);
	c->reply.disposition = reply_disposition(c, file_name && *file_name ? file_name : "file");
	/* a copy: it may be of a tree that ends with the transaction, before the answer is written */
	c->reply.content_type = content_type ? arena_strdup(c->arena, content_type) : "application/octet-stream";
	if (!c->reply.hash || !c->reply.disposition || !c->reply.content_type)
		return ERR_NO_MEMORY;
	memcpy((unsigned char *)c->reply.hash, hash, SHA256_SIZE);
	return ERR_OK;
}

enum err reply_stored(struct call *c, const char *content_type, const struct store_blob_info *info)
{
	struct content content;
	enum err e = sm_content_open(c->session, info, &content);
	return e ? e : reply_content(c, content_type, info->file_name, content, info->hash);
}

void reply_created(struct call *c, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	c->reply.location = arena_vprintf(c->arena, fmt, ap);
	va_end(ap);
}

const char *reply_b64(struct call *c, const char *id)
{
	const char *text = base64url_encode(c->arena, id, strlen(id));
	return text ? text : "";	/* the arena remembers the failure */
}

const char *reply_path(struct call *c, const char *path)
{
	char *out = arena_raw(c->arena, strlen(path) * 3 + 1), *o = out;
	if (!out)
		return "";
	for (const unsigned char *p = (const unsigned char *)path; *p; p++) {
		bool plain = (*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || strchr("-._~", *p);
		if (plain)
			*o++ = (char)*p;
		else
			o += snprintf(o, 4, "%%%02X", *p);
	}
	*o = 0;
	return out;
}

/* A Host that is no host is not repeated to others. */
const char *reply_base_url(struct call *c)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_:[]";
	const char *host = c->host && *c->host && !c->host[strspn(c->host, plain)] ? c->host : "localhost";
	const char *url = c->outside ? arena_printf(c->arena, "%s%s", c->outside, c->base_path) :
				       arena_printf(c->arena, "%s://%s%s%s", c->scheme ? c->scheme : "http", host, c->mount ? c->mount : "",
						    c->base_path);
	return url ? url : "";		/* the arena remembers the failure */
}

/* -- failures ------------------------------------------------------------------------------------------------------------------- */

static void message(struct call *c, enum err e, const char *rule, const char *path, const char *text)
{
	struct buf *b = &c->reply.body;
	char when[TIME_TEXT_MAX];
	time_format(when, clock_now_us() / 1000 * 1000);
	buf_printf(b, "%s{\"messageType\":\"%s\",\"code\":\"%d%s%s\",\"text\":", b->p[b->n - 1] == '[' ? "" : ",",
		   err_info[e].type, err_info[e].status, rule ? "-" : "", rule ? rule : "");
	struct buf whole = BUF_INIT;
	buf_printf(&whole, "%s%s%s", path, *path ? ": " : "", text);
	/* A text cut to its bound may end inside a character. */
	while (whole.n && !utf8_valid(whole.p, whole.n))
		whole.n--;
	buf_json(b, buf_view(&whole).p, whole.n);
	buf_fini(&whole);
	buf_printf(b, ",\"correlationId\":\"%s\",\"timestamp\":\"%s\"}", c->correlation_id, when);
}

static void correlate(struct call *c)
{
	char id[UUID_SIZE];
	if (!c->correlation_id) {
		uuid_v7(id);
		c->correlation_id = arena_strdup(c->arena, id);
	}
	if (!c->correlation_id)
		c->correlation_id = "none";
}

void reply_messages(struct call *c, const struct diag *d, enum err e)
{
	bool own = err_info[e].status == 500;	/* for the log alone */
	char first[DIAG_PATH_MAX + DIAG_TEXT_MAX];
	correlate(c);
	if (own)
		log_error("http", "%s: %s", c->correlation_id, diag_first(d, first, sizeof first));
	buf_puts(&c->reply.body, "\"messages\":[");
	for (unsigned i = 0; !own && i < d->n; i++)
		message(c, d->list[i].err, d->list[i].rule, d->list[i].path, d->list[i].text);
	if (own || (!d->n && e))
		message(c, e, NULL, "", err_info[e].text);
	buf_putc(&c->reply.body, ']');
}

static void put_member(struct buf *b, const char *name, const char *value)
{
	buf_printf(b, ",\"%s\":", name);
	buf_json(b, value, strlen(value));
}

void reply_findings(struct buf *b, const struct findings *all)
{
	const char *comma = "";
	buf_puts(b, "\"findings\":[");
	for (const struct finding *f = all ? all->first : NULL; f; f = f->next) {
		buf_printf(b, "%s{\"severity\":\"%s\"", comma, f->err ? "error" : "warning");
		if (f->part)
			put_member(b, "part", f->part);
		put_member(b, "path", f->path);
		if (f->line)
			buf_printf(b, ",\"line\":%u", f->line);
		if (f->rule)
			put_member(b, "rule", f->rule);
		put_member(b, "text", f->text);
		buf_putc(b, '}');
		comma = ",";
	}
	buf_printf(b, "],\"moreFindings\":%zu", all ? all->lost : 0);
}

/* The faults as messages of a Result, for who knows nothing else; a text has all that a finding has. */
static void fault_messages(struct call *c, const struct findings *all)
{
	char text[DIAG_TEXT_MAX + 40];
	for (const struct finding *f = all->first; f; f = f->next) {
		if (!f->err)
			continue;
		bool said = !f->line || strstr(f->text, "line ");
		snprintf(text, sizeof text, said ? "%s" : "%s (line %u)", f->text, f->line);
		const char *path = f->part ? arena_printf(c->arena, "%s%s%s", f->part, *f->path ? ": " : "", f->path) : f->path;
		message(c, f->err, f->rule, path ? path : f->path, text);
	}
	if (all->lost) {
		snprintf(text, sizeof text, "and %zu more findings", all->lost);
		message(c, all->err, NULL, "", text);
	}
}

void reply_error(struct call *c, enum err e)
{
	struct buf *b = &c->reply.body;
	int status = err_info[e].status;
	bool all = c->findings && c->findings->faults && status < 500;
	char first[DIAG_PATH_MAX + DIAG_TEXT_MAX];
	correlate(c);
	content_close(&c->reply.content);
	buf_reset(b);
	buf_puts(b, "{\"messages\":[");
	if (!buf_reserve(b, 1))
		goto out;		/* status and headers only */
	if (status == 500) {
		/* What went wrong inside is for the log, not for the client (it may name files or statements). */
		log_error("http", "%s: %s", c->correlation_id, diag_first(&c->diag, first, sizeof first));
		diag_clear(&c->diag);
	}
	if (all)
		fault_messages(c, c->findings);
	for (unsigned i = 0; !all && i < c->diag.n; i++)
		message(c, e, c->diag.list[i].rule, c->diag.list[i].path, c->diag.list[i].text);
	if (!c->diag.n)
		message(c, e, NULL, "", err_info[e].text);
	buf_putc(b, ']');
	if (all) {
		buf_putc(b, ',');
		reply_findings(b, c->findings);
	}
	buf_putc(b, '}');
out:
	c->reply.status = status;
	c->reply.content_type = NULL;
	c->reply.location = c->reply.disposition = c->reply.file_name = c->reply.etag = NULL;
}
