/* SPDX-License-Identifier: Apache-2.0
 * store_pg_query.c - queries: one statement finds candidates (store_pg_query_sql.c), their documents are read in small portions, and the
 * evaluator decides where SQL could not.  What a request may look at is counted; then the page ends and says where to go on. */
#include <stdio.h>

#include "aas/facts.h"
#include "aas/query.h"
#include "base/clock.h"
#include "sql/store_pg_priv.h"

#define PORTION 16		/* documents read at once: memory stays bounded whatever they weigh */
#define FIRST_CANDIDATES 64	/* and then four times as many each time */

struct candidate {
	int64_t key, version;
	const char *id;
};

struct run {
	struct store_txn *txn;
	enum store_kind kind;
	struct store_query *want;
	size_t limit;
	struct arena *arena;		/* of the answer */
	struct store_page *page;
	struct query_source source;
	bool exact, full;		/* full: the page is, and there is more */
	const char *last;		/* the last that was decided; NULL: none */
};

static enum err find_submodel(void *ctx, const char *id, struct arena *a, struct slice *json)
{
	struct store_doc doc;
	enum err e = store_pg_get(ctx, STORE_SUBMODEL, id, a, &doc);
	if (!e)
		*json = doc.json;
	return e;
}

static enum err find_shell(void *ctx, const char *submodel_id, const char *after, struct arena *a, struct store_doc *out)
{
	const struct aas_fact refers = { FACT_SUBMODEL, "", submodel_id };
	struct store_page page;
	enum err e = store_pg_find(ctx, STORE_SHELL, &refers, 1, false, after, 1, a, &page);
	if (!e && page.n)
		*out = page.item[0];
	return e ? e : page.n ? ERR_OK : ERR_NOT_FOUND;
}

/* -- candidates ------------------------------------------------------------------------------------------------------------------------- */
static enum err find(struct run *r, struct arena *a, const char *after, size_t limit, struct candidate **out, size_t *n)
{
	struct pg_query q = { .lead = r->txn->store->query_lead };
	struct pg_args mode;
	struct pg_call c[2] = { { .st = PG_query_mode, .args = &mode }, { .args = &q.args } };
	int64_t ms = r->txn->store->query_ms, from = clock_mono_us();
	char text[24];
	snprintf(text, sizeof text, "%lld", (long long)ms);
	pg_args_init(&mode);
	pg_arg_text(&mode, text);
	enum err e = store_pg_query_sql(a, r->kind, r->want->query, after, limit, &q);
	r->exact = q.exact;
	c[1].sql = q.sql;
	if (!e)
		e = store_pg_run(r->txn, c, 2);
	/* The database is there, but it was not done in time: who asks again will fare no better. */
	if (e == ERR_UNAVAILABLE && r->txn->pg && pg_alive(r->txn->pg) && clock_mono_us() - from >= ms * 1000)
		e = ERR_EXPENSIVE;
	*n = e ? 0 : (size_t)c[1].n;
	if (!e && !(*out = ARENA_ARRAY(a, struct candidate, *n + 1)))
		e = ERR_NO_MEMORY;
	for (size_t i = 0; !e && i < *n; i++) {
		(*out)[i] = (struct candidate){ pg_int8(&c[1], (int)i, 0), pg_int8(&c[1], (int)i, 2), arena_strdup(a, pg_str(&c[1], (int)i, 1)) };
		if (!(*out)[i].id)
			e = ERR_NO_MEMORY;
	}
	pg_clear(c, 2);
	pg_args_fini(&q.args);
	pg_args_fini(&mode);
	return e;
}

/* -- deciding --------------------------------------------------------------------------------------------------------------------------- */
static enum err accept(struct run *r, const struct store_doc *doc)
{
	struct store_doc *to = &r->page->item[r->page->n];
	if (r->page->n == r->limit) {
		r->full = true;
		return ERR_OK;
	}
	*to = (struct store_doc){ arena_strdup(r->arena, doc->id), { NULL, 0 }, doc->version };
	if (!r->want->query->ids_only)
		to->json = (struct slice){ arena_strndup(r->arena, doc->json.p, doc->json.n), doc->json.n };
	if (!to->id || (!r->want->query->ids_only && !to->json.p))
		return ERR_NO_MEMORY;
	r->page->n++;
	return ERR_OK;
}

static enum err decide(struct run *r, const struct store_doc *doc)
{
	bool yes = true;
	enum err e = ERR_OK;
	if (!r->want->docs)
		return ERR_EXPENSIVE;
	r->want->docs--;
	if (!r->exact)
		e = aas_query_examine(r->want, r->kind, doc, &r->source, &yes);
	if (!e && yes)
		e = accept(r, doc);
	if (!e && !r->full && !(r->last = arena_strdup(r->arena, doc->id)))
		e = ERR_NO_MEMORY;
	return e;
}

/* The documents of some candidates; one that was deleted in between is missing. */
static enum err decide_portion(struct run *r, const struct candidate *c, size_t n)
{
	struct pg_args args;
	struct pg_call call = { .st = pg_kinds[r->kind].some, .args = &args };
	struct arena *a = arena_new(0);
	struct store_doc doc;
	pg_args_init(&args);
	struct buf *keys = pg_arg_array(&args, PG_INT8);
	for (size_t i = 0; i < n; i++)
		pg_item_int8(keys, c[i].key);
	enum err e = a ? store_pg_run(r->txn, &call, 1) : ERR_NO_MEMORY;
	for (int i = 0; !e && !r->full && i < call.n; i++) {
		arena_reset(a);
		if (!(e = store_pg_document(&call, i, r->kind, a, &doc)))
			e = decide(r, &doc);
	}
	pg_clear(&call, 1);
	pg_args_fini(&args);
	arena_free(a);
	return e;
}

static enum err decide_all(struct run *r, const struct candidate *c, size_t n)
{
	enum err e = ERR_OK;
	bool ids = r->exact && r->want->query->ids_only;
	for (size_t i = 0; !e && !r->full && i < n; i += ids ? 1 : PORTION) {
		const struct store_doc doc = { .id = c[i].id, .version = c[i].version };
		e = ids ? decide(r, &doc) : decide_portion(r, c + i, n - i < PORTION ? n - i : PORTION);
	}
	return e;
}

static enum err run(struct run *r, const char *after)
{
	size_t ask = r->limit < FIRST_CANDIDATES ? FIRST_CANDIDATES : r->limit + 1, n = 0;
	enum err e;
	do {
		struct arena *a = arena_new(0);
		struct candidate *c = NULL;
		ask = ask < r->want->docs + 1 ? ask : r->want->docs + 1;	/* one more than may be looked at: is there more? */
		e = a ? find(r, a, after, ask, &c, &n) : ERR_NO_MEMORY;
		if (!e)
			e = decide_all(r, c, n);
		if (!e && n && !(after = arena_strdup(r->arena, c[n - 1].id)))
			e = ERR_NO_MEMORY;
		arena_free(a);
		if (n < ask)
			break;
		ask *= 4;
	} while (!e && !r->full);
	return e;
}

enum err store_pg_query(struct store_txn *t, enum store_kind kind, struct store_query *want, const char *after, size_t limit, struct arena *a,
			struct store_page *page)
{
	struct run r = { t, kind, want, limit, a, page, { find_submodel, find_shell, t }, false, false, NULL };
	*page = (struct store_page){ .item = ARENA_ARRAY(a, struct store_doc, (limit < want->docs ? limit : want->docs) + 1) };
	enum err e = page->item ? run(&r, after) : ERR_NO_MEMORY;
	if (e == ERR_EXPENSIVE && r.last) {
		page->next = r.last;
		return ERR_OK;
	}
	if (!e && r.full)
		page->next = page->item[page->n - 1].id;
	return store_pg_noted(t, e);
}

enum err store_pg_candidates(struct store_txn *t, enum store_kind kind, const struct aas_query *q, const char *after, size_t limit,
			     struct arena *a, struct store_page *page)
{
	struct store_query want = { .query = q };
	struct run r = { .txn = t, .kind = kind, .want = &want };
	struct candidate *c = NULL;
	size_t n = 0;
	*page = (struct store_page){ .item = ARENA_ARRAY(a, struct store_doc, limit) };
	enum err e = page->item ? find(&r, a, after, limit + 1, &c, &n) : ERR_NO_MEMORY;
	for (size_t i = 0; !e && i < n && i < limit; i++)
		page->item[page->n++] = (struct store_doc){ .id = c[i].id };
	if (!e && n > limit)
		page->next = page->item[limit - 1].id;
	return store_pg_noted(t, e);
}
