/* SPDX-License-Identifier: Apache-2.0 */
#include "server/call.h"

#include <stdatomic.h>

#include "aas/path.h"
#include "base/clock.h"
#include "base/log.h"
#include "server/actor.h"
#include "server/condition.h"
#include "server/op.h"
#include "server/range.h"
#include "server/request.h"
#include "submodels/past.h"

#define TRIES_MAX 10
#define PAUSE_FIRST_US 500	/* doubles up to PAUSE_MOST_US, with jitter, so that rivals do not meet again */
#define PAUSE_MOST_US 50000
#define ROUTES_MAX 256
#define SEARCH_BYTES 4096	/* of a query that is read by who serves all others, too */
#define PATH_SHOWN 500

static struct { _Atomic uint64_t answers[6], us; } counts[ROUTES_MAX];	/* by index of `routes` */

static const int status_of[] = {
	[REPLY_ONE] = 200, [REPLY_PAGE] = 200, [REPLY_LIST] = 200, [REPLY_RAW] = 200, [REPLY_200] = 200, [REPLY_201] = 201,
	[REPLY_202] = 202, [REPLY_204] = 204, [REPLY_PUT] = 204,
};

static bool reply_has_body(enum route_reply r)
{
	return r != REPLY_200 && r != REPLY_202 && r != REPLY_204;
}

/* The most frequent slip is named. */
static enum err no_path(struct call *c)
{
	struct slice without = c->path;
	struct route_match m = { 0 };
	while (without.n && without.p[without.n - 1] == '/')
		without.n--;
	if (without.n && without.n < c->path.n)
		route_find(c->method, without, &m);
	if (m.route || m.allow)
		return diag_add(&c->diag, ERR_NOT_FOUND, "there is no such path; without the slash at its end there is: %s%.*s", c->base_path,
				(int)(without.n < PATH_SHOWN ? without.n : PATH_SHOWN), without.p);
	return diag_add(&c->diag, ERR_NOT_FOUND, "there is no such path");
}

static enum err match(struct call *c)
{
	route_find(c->method, c->path, &c->match);
	c->route = c->match.route;
	if (!c->route && c->match.allow) {
		c->reply.allow = c->match.allow;
		return diag_add(&c->diag, ERR_METHOD, "%s is not possible here, only %s", c->method, c->match.allow);
	}
	if (!c->route)
		return no_path(c);
	if (!c->route->handler)
		return diag_add(&c->diag, ERR_NOT_SUPPORTED, "this server does not offer %s %s%s", c->route->method, c->route->prefix,
				c->route->path);
	if (c->route->reply <= REPLY_LIST && !request_accepts_json(c->accept))
		return diag_add(&c->diag, ERR_NOT_ACCEPTABLE, "the answer is application/json");
	return ERR_OK;
}

bool call_begin(struct call *c)
{
	c->begun = true;
	enum err e = match(c);
	if (!e)
		e = request_decode(c);
	if (e)
		reply_error(c, e);
	return !e;
}

const char *call_subject(const struct call *c)
{
	static const size_t at[STORE_N_KINDS] = {
		[STORE_SHELL] = offsetof(struct call, aas_id), [STORE_SUBMODEL] = offsetof(struct call, sm_id),
		[STORE_CONCEPT] = offsetof(struct call, cd_id),
	};
	return c->route->subject < 0 ? NULL : *(const char *const *)((const char *)c + at[c->route->subject]);
}

/* -- from memory ---------------------------------------------------------------------------------------------------------------- */

static const char *const peeks[] = { "node_get", "shell_get", "cd_get" };	/* handlers that show their subject or a part of it */

/* The whole document as the store keeps it is the answer, unless a view, a level, a blob or a live value stands between. */
static bool is_document(const struct call *c, struct live *live, const struct sm_tree *t)
{
	return c->view.modifier == AAS_NORMAL && !c->view.core && !c->id_short_path && (c->view.blobs || !t->has_blob) &&
	       (t->kind != STORE_SUBMODEL || !live || !live_has(live, c->sm_id));
}

/* What the answer can be made from alone; false: more has to be looked up. */
static bool sole_source(const struct call *c, enum store_kind *kind, const char **id)
{
	if (c->route->superpath || c->route->sole_aas || c->route->sole_sm || c->in_past)
		return false;	/* the reference has to be looked up */
	for (size_t i = 0; i < sizeof peeks / sizeof *peeks; i++) {
		if (!str_eq(peeks[i], c->route->handler_name))
			continue;
		*kind = (enum store_kind)c->route->subject;
		*id = call_subject(c);
		return true;
	}
	return false;
}

bool call_from_tree(struct call *c, struct live *live, const struct sm_tree *t, const struct sm_tree **tree, const struct sm_tree **source)
{
	*tree = *source = NULL;
	bool document = is_document(c, live, t);
	const struct aas_node *root = document ? NULL : sm_tree_node_quick(t);
	if (!document && !root) {
		sm_tree_drop(t);
		return false;
	}
	c->reply.status = 200;
	condition_read(c);
	if (document) {
		condition_peeked(c, t->version, true);
		if (c->reply.status == 200)
			*tree = t;
		else
			sm_tree_drop(t);
		return true;
	}
	struct aas_node *n = (struct aas_node *)root;
	enum err e = ERR_OK;
	if (c->id_short_path)
		e = aas_path_find(root, c->id_short_path, strlen(c->id_short_path), &n, &c->diag);
	if (!e)
		e = reply_node(c, n);
	if (e)
		reply_error(c, e);
	else
		condition_peeked(c, t->version, false);
	*source = t;
	return true;
}

bool call_peek(struct call *c, struct live *live, const struct sm_tree **tree, const struct sm_tree **source)
{
	enum store_kind kind;
	const char *id;
	*tree = *source = NULL;
	if (!sole_source(c, &kind, &id))
		return false;
	const struct sm_tree *t = sm_peek(c->service, kind, id);
	return t && call_from_tree(c, live, t, tree, source);
}

bool call_read_later(struct call *c, void (*done)(void *ctx, const struct sm_tree *), void *ctx)
{
	enum store_kind kind;
	const char *id;
	return sole_source(c, &kind, &id) && !sm_is_cached(c->service, kind, id) && sm_read_later(c->service, kind, id, done, ctx);
}

/* -- the pipeline --------------------------------------------------------------------------------------------------------------- */

/* PUT of a shell makes it where it is missing; PUT of the submodel does not (IDTA-01002, PutSubmodel: 204 alone). */
static bool makes_sole(const struct call *c, enum store_kind kind)
{
	return kind == STORE_SHELL && str_eq(c->route->method, "PUT") && !*c->route->path;
}

static enum err configured(struct call *c, enum store_kind kind, const char *what, const char *id)
{
	bool has;
	enum err e = sm_has(c->session, kind, id, &has);
	if (!e && !has && !makes_sole(c, kind))
		e = diag_add(&c->diag, ERR_NOT_FOUND, "the one of the %s that this path stands for is not there: \"%s\"", what, id);
	return e;
}

/* Paths without an id (`/aas`, `/submodel`) stand for the one that was configured, else for the only one there is. */
static enum err sole(struct call *c, enum store_kind kind, const char *what, const char **id)
{
	struct store_page page;
	static const struct store_filter all = { .heads = true };
	if ((*id = sm_sole(c->service, kind)))
		return configured(c, kind, what, *id);
	enum err e = sm_list(c->session, kind, &all, NULL, 2, &page);
	if (e)
		return e;
	if (page.n != 1)
		return diag_add(&c->diag, ERR_NOT_FOUND, "this server holds %s %s; name one by its id", page.n ? "several" : "no", what);
	*id = page.item[0].id;
	return ERR_OK;
}

static enum err resolve(struct call *c)
{
	enum err e = ERR_OK;
	if (c->route->sole_aas)
		e = sole(c, STORE_SHELL, "shells", &c->aas_id);
	if (!e && c->route->sole_sm)
		e = sole(c, STORE_SUBMODEL, "submodels", &c->sm_id);
	if (!e && c->route->superpath)
		e = sm_ref_check(c->session, c->aas_id, c->sm_id);
	return e;
}

/* An operation keeps no transaction open while the asset works: what has to be looked up first is looked up in one of its own. */
static enum err execute(struct call *c)
{
	enum err e = ERR_OK;
	if (c->route->superpath || c->route->sole_sm) {
		e = sm_begin(c->service, false, c->arena, &c->diag, &c->session);
		if (e)
			return e;
		e = resolve(c);
		sm_abort(c->session);
		c->session = NULL;
	}
	return e ? e : c->route->handler(c);
}

static void answer(struct call *, enum err);

/* In the thread of the store. */
static void committed(void *ctx, enum err e)
{
	struct call *c = ctx;
	if (e == ERR_AGAIN && c->attempt < TRIES_MAX) {
		c->again(c);
		return;
	}
	answer(c, e);
	c->done(c);
}

static enum err transact(struct call *c, bool *later)
{
	enum err e = sm_begin(c->service, c->route->access == ACCESS_WRITE, c->arena, &c->diag, &c->session);
	if (e)
		return e;
	if (c->route->access == ACCESS_WRITE)
		sm_cause(c->session, actor_of(c), c->correlation_id);
	if (c->in_past && c->route->access == ACCESS_READ)
		sm_at(c->session, c->at_us);
	if (c->attempt > 1)
		sm_patient(c->session);
	if (!(e = resolve(c)) && c->route->access == ACCESS_WRITE)
		e = condition_write(c);
	else if (!e)
		condition_read(c);
	if (!e)
		e = c->route->handler(c);
	if (!e)
		e = condition_reply(c);
	if (!e && (c->reply.body.failed || arena_failed(c->arena)))
		e = ERR_NO_MEMORY;
	struct sm_session *s = c->session;
	c->session = NULL;
	if (!e && c->undo) {
		sm_abort(s);
		return ERR_OK;
	}
	if (!e && c->done && sm_commit_later(s, committed, c)) {
		*later = true;
		return ERR_OK;
	}
	if (!e)
		return sm_commit(s);
	sm_abort(s);
	return e;
}

static void pause_before(unsigned attempt)
{
	uint32_t random;
	int64_t most = PAUSE_FIRST_US;
	for (unsigned i = 1; i < attempt && most < PAUSE_MOST_US; i++)
		most *= 2;
	random_bytes(&random, sizeof random);
	clock_sleep_us(most / 2 + (int64_t)(random % (uint32_t)most));
}

/* What an attempt in vain has left. */
static void forget(struct call *c)
{
	buf_reset(&c->reply.body);
	content_close(&c->reply.content);
	diag_clear(&c->diag);
	c->reply.location = c->reply.content_type = c->reply.disposition = c->reply.file_name = c->reply.etag = NULL;
	c->reply.status = 0;
	c->reply.version = 0;
	c->reply.summed = 0;
	c->undo = false;
	c->findings = NULL;
}

static enum err attempt(struct call *c, bool *later)
{
	if (++c->attempt > 1) {
		pause_before(c->attempt - 1);
		forget(c);
		/* The first attempt may have built its tree from the node. */
		enum err e = c->route->body == BODY_CLASS ? request_body(c) : ERR_OK;
		if (e)
			return e;
	}
	return c->route->access == ACCESS_EXEC ? execute(c) : transact(c, later);
}

/* A part of a file, when the client asks for one (RFC 9110, 14). */
static void cut(struct call *c)
{
	int64_t size = c->reply.content.size;
	c->reply.from = 0;
	c->reply.length = c->reply.whole = size;
	if (!c->reply.content.read || c->reply.status || !c->range || !str_eq(c->method, "GET") || !range_applies(c->if_range, c->reply.etag))
		return;
	enum range r = range_read(c->range, size, &c->reply.from, &c->reply.length);
	if (r == RANGE_PART)
		c->reply.status = 206;
	if (r != RANGE_NONE)
		return;
	diag_add(&c->diag, ERR_RANGE, "no byte of the %lld that are there is in this range", (long long)size);
	reply_error(c, ERR_RANGE);
}

static void finish(struct call *c)
{
	enum route_reply r = c->route->reply;
	cut(c);
	if (!c->reply.status)
		c->reply.status = r == REPLY_PUT && c->reply.location ? 201 : status_of[r];
	if (c->reply.status == 204 || (!reply_has_body(r) && c->reply.status == status_of[r]))
		buf_reset(&c->reply.body);
}

static void answer(struct call *c, enum err e)
{
	if (!e && (c->reply.body.failed || arena_failed(c->arena)))
		e = ERR_NO_MEMORY;
	if (e)
		reply_error(c, e);
	else
		finish(c);
}

static bool is_patch_alone(const struct call *c)
{
	const struct route *r = c->route;
	return r->handler == op_node_patch && c->view.modifier == AAS_VALUE && !r->superpath && !r->sole_sm && !c->if_match && !c->if_none_match;
}

bool call_patch(struct call *c)
{
	struct sm_session *s;
	if (!is_patch_alone(c))
		return false;
	if (request_body(c) || sm_begin(c->service, true, c->arena, &c->diag, &s)) {
		diag_clear(&c->diag);	/* a worker says it again */
		return false;
	}
	sm_cause(s, actor_of(c), c->correlation_id);
	c->attempt = 1;
	if (sm_value_patch_quick(s, c->sm_id, c->id_short_path, c->body) && sm_commit_later(s, committed, c))
		return true;
	c->attempt = 0;
	sm_abort(s);
	return false;
}

bool call_search(struct call *c, void (*done)(struct store_search *), void *ctx)
{
	enum store_kind kind;
	if (c->route->handler != op_query || c->in_past || c->body.n > SEARCH_BYTES)
		return false;
	if (request_body(c) || op_query_read(c, &kind) || !(c->found = ARENA_ARRAY(c->arena, struct store_search, 1))) {
		diag_clear(&c->diag);	/* a worker says it again */
		return false;
	}
	*c->found = (struct store_search){ .kind = kind, .query = c->asked, .after = c->after, .arena = c->arena, .done = done, .ctx = ctx };
	if (sm_search(c->service, c->found))
		return true;
	c->found = NULL;
	return false;
}

bool call_found(struct call *c)
{
	bool later = false;
	enum err e = c->found->err ? ERR_AGAIN : transact(c, &later);
	if (e != ERR_AGAIN) {
		answer(c, e);
		return true;
	}
	c->found = NULL;
	forget(c);
	return false;
}

bool call_start(struct call *c)
{
	if (!c->begun && !call_begin(c))
		return true;
	enum err e = c->attempt ? ERR_OK : request_body(c);
	while (!e) {
		bool later = false;
		e = attempt(c, &later);
		if (later)
			return false;		/* another thread may have it by now */
		if (e != ERR_AGAIN || c->attempt == TRIES_MAX || c->route->access == ACCESS_EXEC)
			break;			/* an asset is never asked twice */
		e = ERR_OK;
	}
	answer(c, e);
	return true;
}

void call_run(struct call *c)
{
	c->done = c->again = NULL;
	call_start(c);
}

/* -- record --------------------------------------------------------------------------------------------------------------------- */

void call_record(const struct call *c, int64_t us)
{
	int status = c->reply.status;
	enum log_level level = status < 500 || status == 501 ? LOG_DEBUG : status == 503 ? LOG_INFO : LOG_WARN;
	const char *prefix = c->route ? c->route->prefix : "", *path = c->route ? c->route->path : "(no route)";
	log_write(level, "http", "%s %s%s %d %lld us%s%s", c->method, prefix, path, status, (long long)us,
		  c->correlation_id ? " " : "", c->correlation_id ? c->correlation_id : "");
	if (!c->match.route || status < 100 || status > 599)
		return;
	size_t i = (size_t)(c->match.route - routes);
	atomic_fetch_add_explicit(&counts[i].answers[status / 100], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&counts[i].us, (uint64_t)us, memory_order_relaxed);
}

struct call_count call_count(size_t route)
{
	struct call_count out = { { 0 }, 0 };
	if (route >= n_routes)
		return out;
	for (int i = 0; i < 6; i++)
		out.answers[i] = atomic_load_explicit(&counts[route].answers[i], memory_order_relaxed);
	out.us = atomic_load_explicit(&counts[route].us, memory_order_relaxed);
	return out;
}
