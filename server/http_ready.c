/* SPDX-License-Identifier: Apache-2.0
 * http_ready.c - answers that are ready: what a GET of one URL was answered with from memory, kept by the loop that sent it.
 *
 * A second GET of the same URL needs no match, no decoding, no tree and no header: the very response goes out again, with another correlation id.
 * An answer is as good as the tree it was made of.  It goes out as long as that tree is what the cache would give (sm_tree_current), nothing has
 * become live since, and no setting has changed; so a commit ends it at the same moment as it ends the tree.
 *
 * One table per loop, so nothing here is locked.  A set of four places is found by the hash of the URL; it takes a URL the second time that it comes
 * by, so a client that walks over everything leaves nothing behind.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/map.h"
#include "server/http_loop.h"

#define WAYS 4
#define PLACE_BYTES 4096	/* of the budget, for each place */
#define PLACES_MAX ((size_t)1 << 16)
#define BODY_KEPT ((size_t)64 << 10)	/* of a body that is not the document itself */
#define RESPONSE_BYTES 1536		/* of malloc and of libmicrohttpd, for one response with its headers */
#define SWEEP_US US_PER_S		/* so long may a tree outlive its place in the cache */

struct ready {
	unsigned refs;		/* of the table, and of the requests that found it */
	bool used;		/* since the hand of the clock came by */
	uint64_t hash, live;
	unsigned settings;
	size_t bytes;
	const struct sm_tree *tree;
	const struct route *route;
	struct {
		struct MHD_Response *response;
		char correlation[CORRELATION_MAX + 1];	/* what is in it now */
	} form[2];		/* by "accepts gzip" */
	size_t n;
	char uri[];
};

struct ready_table {
	struct ready **place;
	uint64_t *seen;		/* hashes, by place */
	size_t n_places, hand, bytes, budget;
	int64_t swept_us;
};

struct ready_table *ready_new(size_t budget)
{
	size_t n = WAYS;
	while (n < PLACES_MAX && n * PLACE_BYTES < budget)
		n *= 2;
	struct ready_table *t = n * PLACE_BYTES > 2 * budget ? NULL : calloc(1, sizeof *t);
	if (!t)
		return NULL;
	*t = (struct ready_table){ .place = calloc(n, sizeof *t->place), .seen = calloc(n, sizeof *t->seen), .n_places = n, .budget = budget };
	if (t->place && t->seen)
		return t;
	ready_free(t);
	return NULL;
}

void ready_drop(struct ready *e)
{
	if (!e || --e->refs)
		return;
	for (int i = 0; i < 2; i++)
		if (e->form[i].response)
			MHD_destroy_response(e->form[i].response);
	sm_tree_drop(e->tree);
	free(e);
}

static void take_out(struct ready_table *t, size_t at)
{
	struct ready *e = t->place[at];
	if (!e)
		return;
	t->place[at] = NULL;
	t->bytes -= e->bytes;
	ready_drop(e);
}

void ready_free(struct ready_table *t)
{
	if (!t)
		return;
	for (size_t i = 0; t->place && i < t->n_places; i++)
		take_out(t, i);
	free(t->place);
	free(t->seen);
	free(t);
}

/* -- looking up ------------------------------------------------------------------------------------------------------------------------ */

static size_t set_of(const struct ready_table *t, uint64_t hash)
{
	return hash & (t->n_places - 1) & ~(size_t)(WAYS - 1);
}

static size_t find(const struct ready_table *t, uint64_t hash, const char *uri, size_t n)
{
	size_t at = set_of(t, hash), end = at + WAYS;
	for (; at < end; at++) {
		const struct ready *e = t->place[at];
		if (e && e->hash == hash && e->n == n && !memcmp(e->uri, uri, n))
			return at;
	}
	return SIZE_MAX;
}

struct ready *ready_find(struct ready_table *t, const char *uri, size_t n)
{
	size_t at = t ? find(t, hash_bytes(uri, n), uri, n) : SIZE_MAX;
	if (at == SIZE_MAX)
		return NULL;
	t->place[at]->refs++;
	return t->place[at];
}

struct slice ready_uri(const struct ready *e)
{
	return (struct slice){ e->uri, e->n };
}

uint64_t ready_live(const struct server *s)
{
	return s->config.live ? live_owners(s->config.live) : 0;
}

static bool is_good(const struct ready *e, const struct server *s)
{
	return e->settings == atomic_load(&s->settings) && e->live == ready_live(s) && sm_tree_current(s->config.service, e->tree);
}

void ready_sweep(struct ready_table *t, const struct server *s)
{
	int64_t now = t ? clock_mono_us() : 0;
	if (!t || now - t->swept_us < SWEEP_US)
		return;
	t->swept_us = now;
	for (size_t i = 0; i < t->n_places; i++)
		if (t->place[i] && !is_good(t->place[i], s))
			take_out(t, i);
}

/* -- sending --------------------------------------------------------------------------------------------------------------------------- */

/* libmicrohttpd writes the header of a reply before it calls anybody else, so the response can carry another id for the next one. */
static bool put_correlation(struct MHD_Response *resp, char *was, const char *id)
{
	size_t n = strlen(id);
	if (n > CORRELATION_MAX || MHD_del_response_header(resp, "X-Correlation-ID", was) != MHD_YES)
		return false;
	memcpy(was, id, n + 1);
	return MHD_add_response_header(resp, "X-Correlation-ID", id) == MHD_YES;
}

bool ready_send(struct request *r, enum MHD_Result *result)
{
	struct call *c = &r->call;
	struct ready *e = r->ready;
	struct MHD_Response *resp = e->form[r->accepts_gzip].response;
	if (!resp || !c->correlation_id || !is_good(e, c->server) || !put_correlation(resp, e->form[r->accepts_gzip].correlation, c->correlation_id))
		return false;
	e->used = true;
	sm_tree_used(e->tree);
	r->spent = true;
	atomic_fetch_add_explicit(&r->wakeup.loop->n_ready, 1, memory_order_relaxed);
	c->route = c->match.route = e->route;
	c->reply.status = 200;
	*result = MHD_queue_response(r->wakeup.connection, 200, resp);
	call_record(c, clock_mono_us() - r->started_us);
	return true;
}

/* -- keeping --------------------------------------------------------------------------------------------------------------------------- */

/* An empty place, or that of one that was not used lately. */
static size_t choose(struct ready_table *t, uint64_t hash)
{
	size_t set = set_of(t, hash), at = set;
	for (size_t i = set; i < set + WAYS; i++)
		if (!t->place[i])
			return i;
	for (size_t i = set; i < set + WAYS; i++) {
		if (!t->place[i]->used)
			at = i;
		t->place[i]->used = false;
	}
	return at;
}

static void shrink(struct ready_table *t)
{
	for (size_t i = 0; t->bytes > t->budget && i < 2 * t->n_places; i++, t->hand = (t->hand + 1) & (t->n_places - 1)) {
		struct ready *e = t->place[t->hand];
		if (e && !e->used)
			take_out(t, t->hand);
		else if (e)
			e->used = false;
	}
}

/* Takes the source of the request. */
static struct ready *make(struct request *r, uint64_t hash, size_t body)
{
	struct ready *e = calloc(1, sizeof *e + r->uri.n + 1);
	if (!e)
		return NULL;
	*e = (struct ready){ .refs = 1, .used = true, .hash = hash, .live = r->live_seen, .settings = r->settings_seen, .tree = r->source,
			     .route = r->call.route, .bytes = sizeof *e + r->uri.n + RESPONSE_BYTES + body, .n = r->uri.n };
	memcpy(e->uri, r->uri.p, r->uri.n);
	r->source = NULL;
	return e;
}

/* The place of what can take another form of the same answer, or one where a new one shall be; SIZE_MAX: not this time. */
static size_t place_for(struct ready_table *t, const struct request *r, uint64_t hash)
{
	size_t at = find(t, hash, r->uri.p, r->uri.n);
	const struct ready *e = at == SIZE_MAX ? NULL : t->place[at];
	if (e && e->tree == r->source && e->settings == r->settings_seen && e->live == r->live_seen)
		return e->form[r->accepts_gzip].response ? SIZE_MAX : at;
	if (!e && t->seen[hash & (t->n_places - 1)] != hash) {
		t->seen[hash & (t->n_places - 1)] = hash;
		return SIZE_MAX;
	}
	if (!e)
		at = choose(t, hash);
	take_out(t, at);
	return at;
}

bool ready_keep(struct request *r, struct MHD_Response *resp, size_t body)
{
	const struct call *c = &r->call;
	struct ready_table *t = r->wakeup.loop->ready;
	size_t n_id = c->correlation_id ? strlen(c->correlation_id) : SIZE_MAX;
	if (!t || !r->source || !resp || body > BODY_KEPT || n_id > CORRELATION_MAX)
		return false;
	if (c->reply.status != 200 || c->reply.live || !str_eq(c->method, "GET"))
		return false;
	uint64_t hash = hash_bytes(r->uri.p, r->uri.n);
	size_t at = place_for(t, r, hash);
	if (at == SIZE_MAX)
		return false;
	struct ready *e = t->place[at] ? t->place[at] : make(r, hash, body);
	if (!e)
		return false;
	if (!t->place[at]) {
		t->place[at] = e;
		t->bytes += e->bytes;
	}
	e->form[r->accepts_gzip].response = resp;
	memcpy(e->form[r->accepts_gzip].correlation, c->correlation_id, n_id + 1);
	shrink(t);
	return true;
}
