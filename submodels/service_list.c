/* SPDX-License-Identifier: Apache-2.0
 * service_list.c - pages of lists and queries.
 *
 * A document that the cache has in the version that the store would give is taken from there; the store gives the others, and who asks for a page
 * again finds them in the cache.  So a page that many look at costs the store little more than its ids.
 */
#include "aas/query.h"
#include "base/clock.h"
#include "submodels/session.h"

void sm_give_back(struct sm_session *s)
{
	while (s->n_lent)
		sm_shared_drop(s->lent[--s->n_lent]);
	sm_shared_drop(s->examined);
	s->examined = NULL;
}

static bool lent_room(struct sm_session *s)
{
	if (s->n_lent < s->lent_max)
		return true;
	size_t max = s->lent_max ? s->lent_max * 2 : 128;
	struct sm_shared **more = ARENA_ARRAY(s->arena, struct sm_shared *, max);
	if (!more)
		return false;
	for (size_t i = 0; i < s->n_lent; i++)
		more[i] = s->lent[i];
	s->lent = more;
	s->lent_max = max;
	return true;
}

static bool lend(void *ctx, enum store_kind kind, const char *id, int64_t version, struct slice *json)
{
	struct sm_session *s = ctx;
	struct sm_shared *there = lent_room(s) ? sm_cache_version(s->service->cache, kind, id, version) : NULL;
	if (!there)
		return false;
	s->lent[s->n_lent++] = there;
	*json = there->tree.json;
	return true;
}

static const struct aas_node *node(void *ctx, enum store_kind kind, const char *id, int64_t version)
{
	struct sm_session *s = ctx;
	sm_shared_drop(s->examined);
	s->examined = sm_cache_version_read(s->service->cache, kind, id, version);
	return s->examined ? sm_shared_node(s->examined) : NULL;
}

const struct store_loan *sm_loan(struct sm_session *s, size_t bytes)
{
	s->loan = (struct store_loan){ lend, node, s, bytes };
	return &s->loan;
}

static bool is_kept(struct sm_session *s, enum store_kind kind, const struct store_doc *d)
{
	struct sm_shared *there = sm_cache_version(s->service->cache, kind, d->id, d->version);
	sm_shared_drop(there);
	return there != NULL;
}

/* What the store gave; what was lent is there still, unless something has taken its place. */
static void keep(struct sm_session *s, enum store_kind kind, const struct store_page *page)
{
	for (const struct store_doc *d = page->item; d < page->item + page->n; d++) {
		if (is_kept(s, kind, d))
			continue;
		struct sm_shared *fresh = sm_shared_new(kind, d->id);
		char *text = fresh ? arena_strndup(fresh->arena, d->json.p, d->json.n) : NULL;
		if (text) {
			sm_shared_document(fresh, (struct slice){ text, d->json.n }, d->version);
			sm_cache_fill(s->service->cache, fresh, s->epoch);
		}
		sm_shared_drop(fresh);
	}
}

enum err sm_list(struct sm_session *s, enum store_kind kind, const struct store_filter *f, const char *after, size_t limit,
		 struct store_page *out)
{
	static const struct store_filter none;
	struct store_txn *txn;
	enum err err = sm_txn(s, &txn);
	if (err || s->at_us != TIME_NONE)
		return err ? err : sm_past_list(s, kind, f, after, limit, out);
	sm_give_back(s);
	err = s->service->conf.store->ops->list(txn, kind, f ? f : &none, after, limit, s->arena, out);
	if (!err && f && f->loan && !f->heads)
		keep(s, kind, out);
	return err && err != ERR_AGAIN ? diag_add(s->diag, err, "the list cannot be read: %s", err_info[err].text) : err;
}

enum err sm_query_error(struct sm_session *s, enum err err)
{
	if (err == ERR_EXPENSIVE)
		return diag_add(s->diag, err, "the query costs more than one request may: say more closely what is looked for");
	return err && err != ERR_AGAIN ? diag_add(s->diag, err, "the query cannot be answered: %s", err_info[err].text) : err;
}

bool sm_search(struct sm_service *s, struct store_search *q)
{
	struct store *st = s->conf.store;
	return st && st->ops->search && st->ops->search(st, q);
}

enum err sm_query(struct sm_session *s, enum store_kind kind, struct store_query *want, const char *after, size_t limit, struct store_page *out)
{
	struct store_txn *txn;
	enum err err = sm_txn(s, &txn);
	if (err)
		return err;
	if (s->at_us != TIME_NONE)
		return sm_query_error(s, sm_past_query(s, kind, want, after, limit, out));
	sm_give_back(s);
	err = s->service->conf.store->ops->query(txn, kind, want, after, limit, s->arena, out);
	if (!err && want->loan && !want->query->ids_only)
		keep(s, kind, out);
	return sm_query_error(s, err);
}
