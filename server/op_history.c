/* SPDX-License-Identifier: Apache-2.0
 * op_history.c - what changed and when, what differs between two times, and back to an earlier state.  $recent-changes is of the working draft
 * of IDTA-01002 V3.2, the rest is ours; reading as of a time is every GET's own (`at`).
 */
#include <stdio.h>

#include "aas/json.h"
#include "base/clock.h"
#include "server/call.h"
#include "server/op.h"
#include "submodels/past.h"

#define LOOKS_MAX 5000		/* that one page of $recent-changes looks at: it can end early */
#define PORTION 100

static const char *const top[] = { [STORE_SHELL] = "/shells", [STORE_SUBMODEL] = "/submodels", [STORE_CONCEPT] = "/concept-descriptions" };

static void member(struct buf *b, const char *name, const char *text)
{
	if (!text)
		return;
	buf_printf(b, ",\"%s\":", name);
	buf_json(b, text, strlen(text));
}

static void member_time(struct buf *b, const char *name, int64_t us, char before)
{
	char when[TIME_TEXT_MAX];
	if (us == TIME_NONE)
		return;
	time_format(when, us);
	buf_printf(b, "%c\"%s\":\"%s\"", before, name, when);
}

/* A time that stands in the query beside what the route table knows. */
static enum err time_of(struct call *c, const char *name, int64_t otherwise, int64_t *us)
{
	const char *text = call_query(c, name);
	*us = otherwise;
	if (text && !time_parse(text, strlen(text), us))
		return diag_add(&c->diag, ERR_BAD_REQUEST, "%s: must be a date and time as in 2026-01-31T12:00:00Z", name);
	return ERR_OK;
}

static void put(struct call *c, struct buf *b)
{
	if (b->failed)
		c->reply.body.failed = true;
	else
		reply_page_raw(c, buf_view(b));
	buf_reset(b);
}

/* -- $recent-changes ----------------------------------------------------------------------------------------------------------------- */
static void put_nodes(struct buf *b, const char *name, const struct aas_node *n)
{
	if (!n)
		return;
	buf_printf(b, ",\"%s\":[", name);
	for (const struct aas_node *i = n; i; i = i->next) {
		aas_json_write(b, i);
		buf_putc(b, i->next ? ',' : ']');
	}
}

static void write_recent(struct buf *b, enum store_kind kind, const struct store_recent *r, const struct aas_node *n)
{
	buf_puts(b, "{\"id\":");
	buf_json(b, r->id, strlen(r->id));
	member_time(b, "createdAt", r->created_us, ',');
	member_time(b, "updatedAt", r->updated_us, ',');
	if (kind == STORE_SHELL) {
		const struct aas_node *info = AAS_AT(n, AssetAdministrationShell, assetInformation).node;
		member(b, "globalAssetId", AAS_AT(info, AssetInformation, globalAssetId).str);
		put_nodes(b, "specificAssetIds", AAS_AT(info, AssetInformation, specificAssetIds).node);
	} else if (kind == STORE_SUBMODEL) {
		if (AAS_AT(n, Submodel, semanticId).node) {
			buf_puts(b, ",\"semanticId\":");
			aas_json_write(b, AAS_AT(n, Submodel, semanticId).node);
		}
		put_nodes(b, "supplementalSemanticIds", AAS_AT(n, Submodel, supplementalSemanticIds).node);
	}
	buf_putc(b, '}');
}

static enum err recent_one(struct call *c, enum store_kind kind, const struct store_recent *r, struct buf *b)
{
	const struct sm_tree *t;
	bool yes = true;
	enum err e = sm_get(c->session, kind, r->id, &t);
	if (!e)
		e = sm_matches(c->arena, sm_tree_node(t), &c->filter, &yes);
	if (e || !yes)
		return e;
	write_recent(b, kind, r, sm_tree_node(t));
	put(c, b);
	return ERR_OK;
}

enum err op_recent(struct call *c)
{
	enum store_kind kind = STORE_SHELL;
	while (kind < STORE_CONCEPT && strncmp(c->route->path, top[kind], strlen(top[kind])))
		kind++;
	const char *after = c->after;
	struct store_recent *r;
	struct buf b = BUF_INIT;
	size_t n = PORTION, looked = 0;
	int64_t created, updated;
	enum err e = time_of(c, "createdFrom", TIME_NONE, &created);
	if (!e)
		e = time_of(c, "updatedFrom", TIME_NONE, &updated);
	reply_page_begin(c);
	while (!e && n == PORTION && c->reply.items < c->limit && looked < LOOKS_MAX) {
		if ((e = sm_recent(c->session, kind, created, updated, after, PORTION, &r, &n)))
			break;
		size_t i = 0;
		for (; i < n && !e && c->reply.items < c->limit; i++) {
			e = recent_one(c, kind, &r[i], &b);
			after = r[i].id;
		}
		looked += i;
		n = i < n ? PORTION : n;
	}
	buf_fini(&b);
	if (!e)
		reply_page_end(c, n == PORTION ? after : NULL);
	return e;
}

/* -- $changes -------------------------------------------------------------------------------------------------------------------------- */
static void text_or_null(struct buf *b, const char *text)
{
	if (text)
		buf_json(b, text, strlen(text));
	else
		buf_puts(b, "null");
}

static void write_values(struct buf *b, const struct store_event *v)
{
	for (size_t i = 0; i < v->n_values; i++) {
		buf_puts(b, i ? ",{\"path\":" : ",\"values\":[{\"path\":");
		buf_json(b, v->value_path[i], strlen(v->value_path[i]));
		buf_puts(b, ",\"before\":");
		text_or_null(b, v->before[i]);
		if (v->after) {
			buf_puts(b, ",\"after\":");
			text_or_null(b, v->after[i]);
		}
		buf_putc(b, '}');
	}
	if (v->n_values)
		buf_putc(b, ']');
}

static void write_change(struct buf *b, const struct store_event *v)
{
	static const char *const names[] = {
		[STORE_OP_CREATE] = "created", [STORE_OP_REPLACE] = "updated", [STORE_OP_DELETE] = "deleted", [STORE_OP_VALUE] = "valueChanged",
	};
	buf_printf(b, "{\"version\":%lld,\"change\":\"%s\"", (long long)v->version, names[v->path ? v->part : v->operation]);
	member(b, "path", v->path);
	member_time(b, "recordedAt", v->recorded_us, ',');
	member_time(b, "validAt", v->valid_us, ',');
	member(b, "actor", v->actor);
	member(b, "correlationId", v->request);
	write_values(b, v);
	buf_putc(b, '}');
}

enum err op_changes(struct call *c)
{
	enum store_kind kind = (enum store_kind)c->route->subject;
	struct store_event *v;
	struct buf b = BUF_INIT;
	size_t n, after = 0;
	char next[24];
	if (c->after && !str_size(c->after, strlen(c->after), &after))
		return diag_add(&c->diag, ERR_BAD_REQUEST, "cursor: not one of this list");
	enum err e = sm_changes(c->session, kind, call_subject(c), (int64_t)after, c->limit + 1, &v, &n);
	if (e)
		return e;
	bool more = n > c->limit;
	n -= more;
	reply_page_begin(c);
	for (size_t i = 0; i < n; i++) {
		write_change(&b, &v[i]);
		put(c, &b);
	}
	buf_fini(&b);
	if (more)
		snprintf(next, sizeof next, "%lld", (long long)v[n - 1].version);
	reply_page_end(c, more ? next : NULL);
	return ERR_OK;
}

/* -- $diff ------------------------------------------------------------------------------------------------------------------------------ */
static void write_difference(struct buf *b, const struct sm_difference *d)
{
	buf_printf(b, "{\"change\":\"%s\",\"path\":", !d->before ? "created" : !d->after ? "deleted" : "updated");
	buf_json(b, d->path, strlen(d->path));
	if (d->before) {
		buf_puts(b, ",\"before\":");
		aas_json_write(b, d->before);
	}
	if (d->after) {
		buf_puts(b, ",\"after\":");
		aas_json_write(b, d->after);
	}
	buf_putc(b, '}');
}

enum err op_diff(struct call *c)
{
	enum store_kind kind = (enum store_kind)c->route->subject;
	struct sm_difference *d;
	struct buf b = BUF_INIT;
	size_t n;
	int64_t from, to;
	enum err e = time_of(c, "from", TIME_NONE, &from);
	if (!e)
		e = time_of(c, "to", clock_now_us(), &to);
	if (!e && from == TIME_NONE)
		e = diag_add(&c->diag, ERR_BAD_REQUEST, "from: since when?");
	if (!e)
		e = sm_diff(c->session, kind, call_subject(c), from, to, &d, &n);
	if (e)
		return e;
	reply_page_begin(c);
	for (size_t i = 0; i < n; i++) {
		write_difference(&b, &d[i]);
		put(c, &b);
	}
	buf_fini(&b);
	reply_page_end(c, NULL);
	return ERR_OK;
}

/* -- $restore --------------------------------------------------------------------------------------------------------------------------- */
enum err op_restore(struct call *c)
{
	enum store_kind kind = (enum store_kind)c->route->subject;
	const char *id = call_subject(c);
	bool created;
	if (!c->in_past)
		return diag_add(&c->diag, ERR_BAD_REQUEST, "at: back to when?");
	enum err e = sm_restore(c->session, kind, id, c->at_us, &created);
	if (e || !created)
		return e;
	const struct sm_tree *t;
	reply_created(c, "%s/%s", top[kind], reply_b64(c, id));
	e = sm_get(c->session, kind, id, &t);
	return e ? e : reply_node(c, sm_tree_node(t));
}
