/* SPDX-License-Identifier: Apache-2.0 */
#include "server/condition.h"

#include "server/etag.h"

/* Live values are shown in these two forms alone (sm_write). */
static bool shows_live(const struct call *c, const struct route *r, const char *id)
{
	bool form = c->view.modifier == AAS_NORMAL || c->view.modifier == AAS_VALUE;
	return form && r->subject == STORE_SUBMODEL && (c->reply.live || sm_is_live(c->service, id));
}

void condition_read(struct call *c)
{
	c->reply.live = c->route->subject == STORE_SUBMODEL && c->sm_id && sm_is_live(c->service, c->sm_id);
}

static void make_tag(const struct call *c, const struct route *r, const char *id, int64_t version, char out[ETAG_MAX])
{
	if (c->reply.content.read)
		etag_of_hash(out, c->reply.hash);
	else if (!version && c->reply.summed)
		etag_of_sum(out, etag_sum(c->reply.sum, (struct slice){ c->reply.body.p + c->reply.summed, c->reply.body.n - c->reply.summed }));
	else if (!version)
		etag_of_bytes(out, buf_view(&c->reply.body));
	else if (shows_live(c, r, id))
		etag_of_live(out, version, &c->view, buf_view(&c->reply.body));
	else
		etag_of_version(out, version, &c->view);
}

/* -- before a write ------------------------------------------------------------------------------------------------------------- */

/* Lets the handler of GET on the same path answer, to see whether there is anything and what its tag is.  Leaves no trace. */
static enum err look(struct call *c, const struct route *get, const char *id, int64_t version, bool *there, char tag[ETAG_MAX])
{
	const struct route *own = c->route;
	struct aas_view view = c->view;
	c->route = get;
	c->view = (struct aas_view){ .modifier = get->view };
	enum err e = get->handler(c);
	if (!e && c->reply.body.failed)
		e = ERR_NO_MEMORY;
	if (!e)
		make_tag(c, get, id, get->versioned ? version : 0, tag);
	*there = !e;
	c->route = own;
	c->view = view;
	buf_reset(&c->reply.body);
	content_close(&c->reply.content);
	c->reply.content_type = c->reply.disposition = c->reply.file_name = c->reply.location = NULL;
	c->reply.items = 0;
	c->reply.summed = 0;
	if (e == ERR_NOT_FOUND) {
		diag_clear(&c->diag);
		e = ERR_OK;
	}
	return e;
}

static enum err current(struct call *c, bool *there, char tag[ETAG_MAX])
{
	const char *id = call_subject(c);
	struct route_match m;
	int64_t version = 0;
	*there = false;
	if (id) {
		enum err e = sm_guard(c->session, (enum store_kind)c->route->subject, id, &version);
		if (e || !version)
			return e;
		etag_of_version(tag, version, &c->view);
		*there = true;
	}
	route_find("GET", c->path, &m);
	return m.route && m.route->handler && m.route->access == ACCESS_READ ? look(c, m.route, id, version, there, tag) : ERR_OK;
}

enum err condition_write(struct call *c)
{
	char tag[ETAG_MAX] = "";
	bool there;
	if (!c->if_match && !c->if_none_match)
		return ERR_OK;
	if (c->route->subject < 0 && str_eq(c->route->method, "POST"))
		return ERR_OK;		/* into a collection: it is nothing that could have been changed */
	enum err e = current(c, &there, tag);
	if (e)
		return e;
	if (c->if_match && !there)
		return diag_add(&c->diag, ERR_PRECONDITION, "If-Match: there is no such resource");
	if (c->if_match && !etag_current(c->if_match, tag))
		return diag_add(&c->diag, ERR_PRECONDITION, "If-Match: the resource is %s by now", tag);
	if (c->if_none_match && there && etag_known(c->if_none_match, tag))
		return diag_add(&c->diag, ERR_PRECONDITION, "If-None-Match: the resource is there, as %s", tag);
	return ERR_OK;
}

/* -- after --------------------------------------------------------------------------------------------------------------------- */

static void set_tag(struct call *c, const char *tag)
{
	c->reply.etag = arena_strdup(c->arena, tag);
	if (!c->reply.etag || !c->if_none_match || !str_eq(c->route->method, "GET") || !etag_known(c->if_none_match, tag))
		return;
	buf_reset(&c->reply.body);
	content_close(&c->reply.content);
	c->reply.status = 304;
	c->reply.content_type = c->reply.disposition = c->reply.file_name = NULL;
}

/* A PUT that replaced says no tag: what is stored is the canonical form, not the bytes that were sent (RFC 9110, 9.3.4). */
static bool may_tag(const struct call *c)
{
	const char *method = c->route->method;
	if (c->view.modifier == AAS_VALUE && !c->if_match && !c->if_none_match)
		return false;		/* values are written together with those of others: to ask for the version would mean to wait alone */
	return c->route->access == ACCESS_WRITE && (c->reply.location || str_eq(method, "PATCH") || str_eq(method, "POST"));
}

enum err condition_reply(struct call *c)
{
	char tag[ETAG_MAX];
	const char *id = call_subject(c);
	bool get = c->route->access == ACCESS_READ && str_eq(c->route->method, "GET");
	const struct sm_tree *t = NULL;
	if (c->reply.status && c->reply.status != 200)
		return ERR_OK;
	if (id && (get ? c->route->versioned : may_tag(c))) {
		enum err e = sm_get(c->session, (enum store_kind)c->route->subject, id, &t);
		if (e)
			return e;
	} else if (!get && !c->reply.version) {
		return ERR_OK;
	}
	struct aas_view view = c->view;
	if (!get)
		c->view = (struct aas_view){ .modifier = AAS_NORMAL };
	make_tag(c, c->route, id, t ? t->version : c->reply.version, tag);
	c->view = view;
	set_tag(c, tag);
	return ERR_OK;
}

void condition_peeked(struct call *c, int64_t version, bool document)
{
	char tag[ETAG_MAX];
	if (document)
		etag_of_version(tag, version, &c->view);
	else
		make_tag(c, c->route, call_subject(c), version, tag);
	set_tag(c, tag);
}
