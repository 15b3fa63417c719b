/* SPDX-License-Identifier: Apache-2.0
 * past_query.c - queries of a session that looks at the past, and the heads of then.
 *
 * No index tells what was: every document there ever was is made as it was then, and the evaluator decides.  What that may cost is what any query
 * may look at; a page ends early then and says where to go on.
 */
#include "aas/facts.h"
#include "aas/json.h"
#include "aas/query.h"
#include "aas/tree.h"
#include "base/clock.h"
#include "submodels/session.h"

#define IDS 64			/* looked at in one go */

struct then {
	struct sm_session *s;
	struct store_txn *txn;
	struct store_query *want;
	struct arena *scratch, *other;	/* of one document, of one shell that may refer to it */
	struct store_page *page;
	size_t limit;
	const char *last;		/* the last that was decided; NULL: none */
	bool full;			/* the page is, and there is more */
};

static const struct store_ops *ops_of(const struct sm_session *s)
{
	return s->service->conf.store->ops;
}

/* Now and then: ERR_UNAVAILABLE, when nobody wants the answer any more. */
static enum err go_on(const struct then *t)
{
	return t->want->gone && t->want->gone(t->want->gone_ctx) ? ERR_UNAVAILABLE : ERR_OK;
}

/* -- the other halves of tuples ------------------------------------------------------------------------------------------------------- */
static enum err find_submodel(void *ctx, const char *id, struct arena *a, struct slice *json)
{
	struct then *t = ctx;
	struct store_doc doc;
	enum err e = ops_of(t->s)->get_at(t->txn, STORE_SUBMODEL, id, t->s->at_us, a, &doc);
	if (!e)
		*json = doc.json;
	return e;
}

static enum err refers(struct arena *a, const struct store_doc *shell, const char *submodel_id, bool *yes)
{
	struct aas_node *n = NULL;
	struct aas_fact *fact;
	size_t k;
	enum err e = aas_json_read(a, AAS_AssetAdministrationShell, shell->json.p, shell->json.n, AAS_JSON_DEFAULT, &n, NULL);
	*yes = false;
	if (e || (e = aas_facts(a, n, &fact, &k)))
		return e;
	for (size_t i = 0; i < k && !*yes; i++)
		*yes = fact[i].field == FACT_SUBMODEL && str_eq(fact[i].value, submodel_id);
	return ERR_OK;
}

/* Shells that are looked at cost as much as candidates. */
static enum err look_at_shell(struct then *t, const char *id, const char *submodel_id, struct arena *a, struct store_doc *out, bool *yes)
{
	struct store_doc doc;
	if (!t->want->docs)
		return ERR_EXPENSIVE;
	t->want->docs--;
	enum err e = ops_of(t->s)->get_at(t->txn, STORE_SHELL, id, t->s->at_us, t->other, &doc);
	if (!e && !(e = refers(t->other, &doc, submodel_id, yes)) && *yes) {
		*out = (struct store_doc){ arena_strdup(a, doc.id), { arena_strndup(a, doc.json.p, doc.json.n), doc.json.n }, doc.version };
		e = arena_failed(a) ? ERR_NO_MEMORY : ERR_OK;
	}
	arena_reset(t->other);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err find_shell(void *ctx, const char *submodel_id, const char *after, struct arena *a, struct store_doc *out)
{
	struct then *t = ctx;
	const char **id;
	size_t n = IDS;
	enum err e = ERR_OK;
	while (!(e = e ? e : go_on(t)) && n == IDS && !(e = ops_of(t->s)->ids(t->txn, STORE_SHELL, after, IDS, t->s->arena, &id, &n))) {
		for (size_t i = 0; !e && i < n; i++) {
			bool yes = false;
			e = look_at_shell(t, after = id[i], submodel_id, a, out, &yes);
			if (yes)
				return e;
		}
	}
	return e ? e : ERR_NOT_FOUND;
}

/* -- one candidate after the other ---------------------------------------------------------------------------------------------------- */
static enum err take(struct then *t, const struct store_doc *d)
{
	struct arena *a = t->s->arena;
	if (t->page->n == t->limit) {
		t->full = true;
		return ERR_OK;
	}
	struct store_doc *to = &t->page->item[t->page->n++];
	*to = (struct store_doc){ .id = arena_strdup(a, d->id), .version = d->version };
	if (!t->want->query->ids_only)
		to->json = (struct slice){ arena_strndup(a, d->json.p, d->json.n), d->json.n };
	return arena_failed(a) ? ERR_NO_MEMORY : ERR_OK;
}

static enum err decide(struct then *t, enum store_kind kind, const char *id)
{
	const struct query_source from = { find_submodel, find_shell, t };
	struct store_doc doc;
	bool yes = false;
	if (!t->want->docs)
		return ERR_EXPENSIVE;
	t->want->docs--;
	enum err e = ops_of(t->s)->get_at(t->txn, kind, id, t->s->at_us, t->scratch, &doc);
	if (e == ERR_NOT_FOUND)
		e = ERR_OK;
	else if (!e && !(e = aas_query_examine(t->want, kind, &doc, &from, &yes)) && yes)
		e = take(t, &doc);
	if (!e && !t->full)
		t->last = id;
	arena_reset(t->scratch);
	return e;
}

static enum err decide_all(struct then *t, enum store_kind kind, const char *after)
{
	const char **id;
	size_t n = IDS;
	enum err e = ERR_OK;
	while (!(e = e ? e : go_on(t)) && !t->full && n == IDS) {
		e = ops_of(t->s)->ids(t->txn, kind, after, IDS, t->s->arena, &id, &n);
		for (size_t i = 0; !e && !t->full && i < n; i++)
			e = decide(t, kind, after = id[i]);
	}
	return e;
}

enum err sm_past_query(struct sm_session *s, enum store_kind kind, struct store_query *want, const char *after, size_t limit, struct store_page *out)
{
	struct then t = { .s = s, .want = want, .page = out, .limit = limit < want->docs ? limit : want->docs };
	enum err e = sm_txn(s, &t.txn);
	*out = (struct store_page){ .item = ARENA_ARRAY(s->arena, struct store_doc, t.limit + 1) };
	if (!e && (!out->item || !(t.scratch = arena_new(0)) || !(t.other = arena_new(0))))
		e = ERR_NO_MEMORY;
	if (!e)
		e = decide_all(&t, kind, after);
	arena_free(t.scratch);
	arena_free(t.other);
	if (e == ERR_EXPENSIVE && t.last) {
		out->next = t.last;
		return ERR_OK;
	}
	if (!e && t.full)
		out->next = out->n ? out->item[out->n - 1].id : t.last;
	return e;
}

/* -- heads ------------------------------------------------------------------------------------------------------------------------------ */

/* A submodel's without its elements. */
static enum err cut_off(struct arena *scratch, struct store_doc *d, struct buf *b)
{
	struct aas_node *n = NULL;
	enum err e = aas_json_read(scratch, AAS_Submodel, d->json.p, d->json.n, AAS_JSON_DEFAULT, &n, NULL);
	if (e)
		return e;
	AAS_AT(n, Submodel, submodelElements).node = NULL;
	aas_json_write(b, n);
	d->json = buf_view(b);
	return b->failed ? ERR_NO_MEMORY : ERR_OK;
}

static enum err head_at(struct sm_session *s, struct arena *scratch, enum store_kind kind, const char *id, struct store_doc *out)
{
	struct store_doc doc;
	struct buf b = BUF_INIT;
	enum err e = ops_of(s)->get_at(s->txn, kind, id, s->at_us, scratch, &doc);
	*out = (struct store_doc){ 0 };
	if (e)
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	if (kind == STORE_SUBMODEL)
		e = cut_off(scratch, &doc, &b);
	if (!e)
		*out = (struct store_doc){ arena_strdup(s->arena, id), { arena_strndup(s->arena, doc.json.p, doc.json.n), doc.json.n }, doc.version };
	buf_fini(&b);
	return e ? e : arena_failed(s->arena) ? ERR_NO_MEMORY : ERR_OK;
}

enum err sm_heads(struct sm_session *s, enum store_kind kind, const char *const *id, size_t n, struct store_doc *out)
{
	struct arena *scratch = NULL;
	enum err e = ERR_OK;
	if (s->at_us == TIME_NONE)
		return ops_of(s)->heads(s->txn, kind, id, n, s->arena, out);
	if (!(scratch = arena_new(0)))
		return ERR_NO_MEMORY;
	for (size_t i = 0; !e && i < n; i++) {
		if (id[i])
			e = head_at(s, scratch, kind, id[i], &out[i]);
		else
			out[i] = (struct store_doc){ 0 };
		arena_reset(scratch);
	}
	arena_free(scratch);
	return e;
}
