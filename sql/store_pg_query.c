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
#define FOUND_BYTES ((size_t)1 << 20)	/* of documents, and steps of the evaluator, for who serves others meanwhile */
#define FOUND_STEPS 200000

enum { DOC_ID, DOC_VERSION, DOC_TEXT, DOC_PATHS, DOC_VALUES, DOC_KEY, DOC_THERE, DOC_BYTES, DOC_MANY };	/* of a candidate */

struct run {
	struct store_txn *txn;
	enum store_kind kind;
	struct store_query *want;
	size_t limit;
	struct arena *arena;		/* of the answer */
	struct store_page *page;
	struct query_source source;
	bool exact, full;		/* full: the page is, and there may be more */
	bool alone;			/* the search is a transaction of its own, for it will find few and nothing else is read with it */
	size_t bytes;			/* of the documents on it */
	const char *last;		/* the last that was decided; NULL: none */
};

/* As PG_query_mode has it.  The time-out is that of PG_QUERY_MS. */
#define PLANS { "enable_bitmapscan", "off" }, { "enable_seqscan", "off" }, { "enable_hashjoin", "off" }, { "enable_mergejoin", "off" }, \
	{ "enable_material", "off" }, { "max_parallel_workers_per_gather", "0" }
static const struct pg_setting searching[] = { { "statement_timeout", "10s" }, PLANS };
static const struct pg_setting searching_soon[] = { { "statement_timeout", PG_SEARCH_MS "ms" }, PLANS };

struct pg_pool *store_pg_searchers(const char *conninfo, unsigned n)
{
	return pg_pool_new_set(conninfo, n, PG_POOL_WAIT_US, searching, sizeof searching / sizeof *searching);
}

enum err store_pg_searcher_open(const char *conninfo, struct pg **out)
{
	return pg_open_set(conninfo, searching_soon, sizeof searching_soon / sizeof *searching_soon, out);
}

/* What else is read must be of the same moment as the search. */
static enum err find_submodel(void *ctx, const char *id, struct arena *a, struct slice *json)
{
	const struct run *r = ctx;
	struct store_doc doc;
	enum err e = r->alone ? ERR_AGAIN : store_pg_get(r->txn, STORE_SUBMODEL, id, a, &doc);
	if (!e)
		*json = doc.json;
	return e;
}

static enum err find_shell(void *ctx, const char *submodel_id, const char *after, struct arena *a, struct store_doc *out)
{
	const struct run *r = ctx;
	const struct aas_fact refers = { FACT_SUBMODEL, "", submodel_id };
	struct store_page page;
	enum err e = r->alone ? ERR_AGAIN : store_pg_find(r->txn, STORE_SHELL, &refers, 1, after, 1, a, &page);
	if (!e && page.n)
		*out = page.item[0];
	return e ? e : page.n ? ERR_OK : ERR_NOT_FOUND;
}

/* -- candidates ------------------------------------------------------------------------------------------------------------------------- */
static enum err search(struct run *r, const struct pg_query *q, struct pg_call c[2])
{
	int64_t ms = r->txn->store->query_ms, from = clock_mono_us();
	bool ready;
	char text[24];
	struct pg_args mode;
	enum err e = store_pg_searching(r->txn, &ready);
	snprintf(text, sizeof text, "%lld", (long long)ms);
	pg_args_init(&mode);
	pg_arg_text(&mode, text);
	c[0].args = &mode;
	unsigned first = ready && q->keep && ms == PG_QUERY_MS;
	if (!e) {
		struct pg *pg = r->txn->pg;
		pg_wait_for(pg, r->want->gone, r->want->gone_ctx);
		e = r->alone ? store_pg_run_alone(r->txn, c + 1) : store_pg_run(r->txn, c + first, 2 - first);
		pg_wait_for(pg, NULL, NULL);
	}
	c[0].args = NULL;
	pg_args_fini(&mode);
	/* The database is there, but it was not done in time: who asks again will fare no better. */
	if (e == ERR_UNAVAILABLE && r->txn->pg && pg_alive(r->txn->pg) && clock_mono_us() - from >= ms * 1000)
		e = ERR_EXPENSIVE;
	return e;
}

/* Without its document. */
static enum err read_item(const struct pg_call *c, int i, struct arena *a, struct pg_item *item)
{
	struct slice id = pg_slice(c, i, DOC_ID);
	*item = (struct pg_item){ .key = pg_int8(c, i, DOC_KEY), .bytes = (size_t)pg_int8(c, i, DOC_BYTES),
				  .doc = { .id = arena_strndup(a, id.p, id.n), .version = pg_int8(c, i, DOC_VERSION) } };
	return item->doc.id ? ERR_OK : ERR_NO_MEMORY;
}

static enum err read_candidates(struct run *r, const struct pg_call *c, struct arena *a, struct pg_item *item, bool *lent)
{
	struct arena *folded = r->exact && r->want->loan ? r->arena : a;
	enum err e = ERR_OK;
	*lent = false;
	for (int i = 0; !e && i < c->n; i++) {
		e = read_item(c, i, a, &item[i]);
		if (!e && pg_bool(c, i, DOC_THERE) && !(e = store_pg_lent(c, i, r->kind, folded, &item[i].doc.json)))
			*lent = true;
	}
	return e;
}

static enum err take_candidates(struct run *r, struct pg_call *c, struct arena *a, struct pg_item **out, size_t *n)
{
	bool lent;
	enum err e = (*out = ARENA_ARRAY(a, struct pg_item, (size_t)c->n + 1)) ? ERR_OK : ERR_NO_MEMORY;
	*n = (size_t)c->n;
	if (!e && !(e = read_candidates(r, c, a, *out, &lent)) && lent)
		e = store_pg_hold(r->txn, c);
	return e;
}

static bool is_none(const struct pg_call *c)
{
	return c->n == 1 && pg_null(c, 0, DOC_KEY);
}

static bool is_few(const struct pg_call *c)
{
	return c->n > 0 && c->n <= PG_QUERY_DOCUMENTS && !pg_bool(c, 0, DOC_MANY);
}

enum err store_pg_take_few(const struct pg_call *c, struct arena *a, struct pg_item **out, size_t *n)
{
	*n = 0;
	if (!is_few(c))
		return ERR_AGAIN;
	if (is_none(c))
		return ERR_OK;
	*n = (size_t)c->n;
	enum err e = (*out = ARENA_ARRAY(a, struct pg_item, *n)) ? ERR_OK : ERR_NO_MEMORY;
	for (int i = 0; !e && i < c->n; i++)
		e = read_item(c, i, a, &(*out)[i]);
	return e;
}

static bool owns_all(const struct run *r, struct pg_item *item, size_t n)
{
	const struct store_loan *loan = r->want->loan;
	bool all = loan && loan->has;
	for (size_t i = 0; all && i < n; i++)
		all = loan->has(loan->ctx, r->kind, item[i].doc.id, item[i].doc.version, &item[i].doc.json);
	return all;
}

static void remember(const struct run *r, const struct pg_query *q, int found)
{
	if (q->found != found)
		atomic_store_explicit(&r->txn->store->few[q->place], (unsigned char)found, memory_order_relaxed);
}

static enum err take_few(struct run *r, struct pg_call *c, size_t limit, const struct pg_query *q, struct arena *a, struct pg_item **out, size_t *n)
{
	bool nothing = r->exact && r->want->query->ids_only;
	enum err e = ERR_OK;
	r->alone = is_few(c) && (size_t)c->n < limit;
	*n = 0;
	if (r->alone && !is_none(c) && (e = take_candidates(r, c, a, out, n)))
		return e;
	bool owned = r->alone && !nothing && owns_all(r, *out, *n);
	remember(r, q, owned ? PG_FIND_OWNED : r->alone ? PG_FIND_FEW : PG_FIND_MANY);
	r->alone = r->alone && (owned || q->found == PG_FIND_FEW);
	return e;
}

/* What store_pg_search has found is the answer, or nothing is. */
static enum err take_found(struct run *r, struct arena *a, const char *after, struct pg_item **out, size_t *n)
{
	const struct pg_found *f = r->want->found->own;
	if (after != r->want->found->after || r->want->found->err)
		return ERR_AGAIN;
	r->exact = f->query.exact;
	*n = f->n;
	if (!(*out = ARENA_ARRAY(a, struct pg_item, f->n + 1)))
		return ERR_NO_MEMORY;
	size_t bytes = 0;
	for (size_t i = 0; i < f->n; i++)
		bytes += ((*out)[i] = f->item[i]).bytes;
	if (bytes > FOUND_BYTES)
		return ERR_AGAIN;
	if ((r->exact && r->want->query->ids_only) || owns_all(r, *out, *n))
		return ERR_OK;
	remember(r, &f->query, PG_FIND_FEW);
	return ERR_AGAIN;
}

/* Did it, when r->alone.  q->bare: no, but it was asked about. */
static enum err find_few(struct run *r, struct arena *a, const char *after, size_t limit, struct pg_item **out, size_t *n, struct pg_query *q)
{
	struct pg_call c[2] = { { .st = PG_query_mode }, { .args = &q->args, .keep = true } };
	bool ready = false;
	enum err e = store_pg_query_quick(a, r->kind, r->want->query, after, limit, q);
	e = e ? e : store_pg_searching(r->txn, &ready);
	r->exact = q->exact;
	r->alone = q->bare && ready && r->txn->store->query_ms == PG_QUERY_MS && q->found != PG_FIND_MANY;
	c[1].sql = q->found == PG_FIND_OWNED ? q->bare : q->sql;
	if (!e && r->alone && !(e = search(r, q, c)))
		e = take_few(r, &c[1], limit, q, a, out, n);
	pg_clear(c, 2);
	pg_args_fini(&q->args);
	return e;
}

/* Candidates in arena `a`; the documents of the first ones are borrowed. */
static enum err find(struct run *r, struct arena *a, const char *after, size_t limit, struct pg_item **out, size_t *n)
{
	struct pg_query q = { .lead = r->txn->store->query_lead }, few = { .lead = q.lead, .few = r->txn->store->few };
	struct pg_call c[2] = { { .st = PG_query_mode }, { .args = &q.args } };
	*n = 0;
	if (r->want->found)
		return take_found(r, a, after, out, n);
	enum err e = r->alone ? find_few(r, a, after, limit, out, n, &few) : ERR_OK;
	if (e || r->alone)
		return e;
	e = store_pg_query_sql(a, r->kind, r->want->query, after, limit, &q);
	r->exact = q.exact;
	c[1].sql = q.sql;
	c[1].keep = q.keep;
	if (!e && !(e = search(r, &q, c)))
		e = take_candidates(r, &c[1], a, out, n);
	if (few.bare && few.found == PG_FIND_MANY && !e && *n <= PG_QUERY_DOCUMENTS && *n < limit)
		remember(r, &few, PG_FIND_FEW);
	pg_clear(c, 2);
	pg_args_fini(&q.args);
	return e;
}

/* -- deciding --------------------------------------------------------------------------------------------------------------------------- */
/* Is there no room for it? */
static bool is_full(const struct run *r, const struct store_doc *doc)
{
	const struct store_loan *loan = r->want->loan;
	return r->page->n == r->limit || (loan && r->page->n && r->bytes + doc->json.n > loan->bytes);
}

/* Of what SQL has decided documents stay where they are when the caller borrows them; of what was looked at they are copied: most did not fit. */
static enum err accept(struct run *r, const struct store_doc *doc)
{
	struct store_doc *to = &r->page->item[r->page->n];
	if (is_full(r, doc)) {
		r->full = true;
		return ERR_OK;
	}
	*to = (struct store_doc){ arena_strdup(r->arena, doc->id), { NULL, 0 }, doc->version };
	if (!r->want->query->ids_only && r->exact && r->want->loan)
		to->json = doc->json;
	else if (!r->want->query->ids_only)
		to->json = (struct slice){ arena_strndup(r->arena, doc->json.p, doc->json.n), doc->json.n };
	if (!to->id || (!r->want->query->ids_only && !to->json.p))
		return ERR_NO_MEMORY;
	r->bytes += to->json.n;
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
static enum err decide_portion(struct run *r, struct pg_item *c, size_t n)
{
	bool borrows = r->exact && r->want->loan;
	struct arena *own = borrows ? NULL : arena_new(0), *a = borrows ? r->arena : own;
	enum err e = a ? store_pg_borrow(r->txn, r->kind, r->want->loan, c, n, a) : ERR_NO_MEMORY;
	for (size_t i = 0; !e && !r->full && i < n; i++)
		if (c[i].doc.json.p)
			e = decide(r, &c[i].doc);
	if (!borrows)
		store_pg_give_back(r->txn);
	arena_free(own);
	return e;
}

/* How many are worth to be fetched together: nobody wants more of an exact answer than fit on the page. */
static size_t portion(const struct run *r, const struct pg_item *c, size_t n)
{
	size_t most = r->exact && r->want->loan ? r->limit - r->page->n + 1 : PORTION;
	n = n < most ? n : most;
	return r->exact ? store_pg_fit(r->want->loan, c, n) : n;
}

static enum err decide_all(struct run *r, struct pg_item *c, size_t n)
{
	enum err e = ERR_OK;
	if (r->exact && r->want->query->ids_only) {
		for (size_t i = 0; !e && !r->full && i < n; i++)
			e = decide(r, &c[i].doc);
		return e;
	}
	for (size_t i = 0, some; !e && !r->full && i < n; i += some) {
		some = portion(r, c + i, n - i);
		e = decide_portion(r, c + i, some);
	}
	return e;
}

static enum err run(struct run *r, const char *after)
{
	size_t ask = r->limit < FIRST_CANDIDATES ? FIRST_CANDIDATES : r->limit + 1, n = 0;
	enum err e;
	do {
		struct arena *a = arena_new(0);
		struct pg_item *c = NULL;
		ask = ask < r->want->docs + 1 ? ask : r->want->docs + 1;	/* one more than may be looked at: is there more? */
		e = a ? find(r, a, after, ask, &c, &n) : ERR_NO_MEMORY;
		if (!e)
			e = decide_all(r, c, n);
		if (!e && n && !(after = arena_strdup(r->arena, c[n - 1].doc.id)))
			e = ERR_NO_MEMORY;
		arena_free(a);
		if (n < ask)
			break;
		ask *= 4;
	} while (!e && !r->full);
	return e;
}

/* Nothing that takes long.  ERR_AGAIN: it would. */
static enum err run_found(struct run *r, const char *after)
{
	struct store_query *want = r->want;
	uint64_t kept = want->steps > FOUND_STEPS ? want->steps - FOUND_STEPS : 0;
	want->steps -= kept;
	enum err e = run(r, after);
	want->steps += kept;
	return e == ERR_EXPENSIVE ? ERR_AGAIN : e;
}

enum err store_pg_query(struct store_txn *t, enum store_kind kind, struct store_query *want, const char *after, size_t limit, struct arena *a,
			struct store_page *page)
{
	struct run r = { t, kind, want, limit, a, page, { find_submodel, find_shell, &r }, .alone = !t->pg };
	const struct store_query before = *want;
	store_pg_give_back(t);
	*page = (struct store_page){ .item = ARENA_ARRAY(a, struct store_doc, (limit < want->docs ? limit : want->docs) + 1) };
	enum err e = !page->item ? ERR_NO_MEMORY : want->found ? run_found(&r, after) : run(&r, after);
	if (e == ERR_AGAIN && r.alone && !want->found) {
		*want = before;
		r = (struct run){ t, kind, want, limit, a, page, r.source, .alone = false };
		page->n = 0;
		e = run(&r, after);
	}
	if (e == ERR_EXPENSIVE && r.last) {
		page->next = r.last;
		return ERR_OK;
	}
	if (!e && r.full) {
		page->next = page->item[page->n - 1].id;
		page->cut = page->n < limit;
	}
	return store_pg_noted(t, e);
}

enum err store_pg_candidates(struct store_txn *t, enum store_kind kind, const struct aas_query *q, const char *after, size_t limit,
			     struct arena *a, struct store_page *page)
{
	struct store_query want = { .query = q };
	struct run r = { .txn = t, .kind = kind, .want = &want };
	struct pg_item *c = NULL;
	size_t n = 0;
	*page = (struct store_page){ .item = ARENA_ARRAY(a, struct store_doc, limit) };
	enum err e = page->item ? find(&r, a, after, limit + 1, &c, &n) : ERR_NO_MEMORY;
	for (size_t i = 0; !e && i < n && i < limit; i++)
		page->item[page->n++] = (struct store_doc){ .id = c[i].doc.id };
	if (!e && n > limit)
		page->next = page->item[limit - 1].id;
	return store_pg_noted(t, e);
}
