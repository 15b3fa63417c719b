/* SPDX-License-Identifier: Apache-2.0
 * registry_query.c - queries about descriptors (IDTA-01002 V3.1, query operations of the registries).
 *
 * The store names candidates, the evaluator decides about what is seen of each.  What is not part of the answer leaves no memory behind.
 */
#include "aas/query.h"
#include "aas/tree.h"
#include "base/clock.h"
#include "submodels/registry_priv.h"

#define PORTION ((size_t)16)

struct asking {
	struct sm_session *session;	/* its arena is for scratch as long as this lasts */
	struct arena *arena;		/* of the answer */
	enum store_kind kind;
	struct store_query *want;
	const char *base;
	size_t limit;
	struct sm_descriptors *out;
	const char *last;		/* the last that was decided; NULL: none */
	bool full;			/* the page is, and there is more */
};

static enum err accept(struct asking *q, struct sm_nest *n)
{
	struct aas_node **to = &q->out->item[q->out->n];
	enum err err = ERR_OK;
	if (q->out->n == q->limit) {
		q->full = true;
		return ERR_OK;
	}
	if (q->want->query->ids_only) {
		if (!(*to = aas_node_new(q->arena, n->shell->cls->id)) || !(AAS_ID(*to) = arena_strdup(q->arena, AAS_ID(n->shell))))
			return ERR_NO_MEMORY;
	} else {
		if (q->kind == STORE_SHELL_DESCRIPTOR && !q->want->query->nested)
			err = sm_descriptor_nest(q->session, n, 1, q->base);
		if (!err && !(*to = aas_copy(q->arena, n->shell)))
			err = ERR_NO_MEMORY;
	}
	q->out->n += !err;
	return err;
}

/* The submodels that a shell refers to are looked up, so they cost as much as what is looked at. */
static enum err nest(struct asking *q, struct sm_nest *n)
{
	const struct aas_node *r = n->own ? AAS_AT(n->own, AssetAdministrationShell, submodels).node : NULL;
	for (; r; r = r->next) {
		if (!q->want->docs)
			return ERR_EXPENSIVE;
		q->want->docs--;
	}
	return sm_descriptor_nest(q->session, n, 1, q->base);
}

static enum err decide(struct asking *q, const struct sm_pair *p)
{
	struct sm_nest n;
	bool yes = false;
	if (!q->want->docs)
		return ERR_EXPENSIVE;
	q->want->docs--;
	enum err err = sm_descriptor_see(q->session, q->kind, p, q->base, &n.shell, &n.own);
	if (!err && q->want->query->nested && q->kind == STORE_SHELL_DESCRIPTOR)
		err = nest(q, &n);
	if (!err)
		err = aas_query_holds(q->want->query, &(struct query_tuple){ .descriptor = n.shell }, q->session->arena, &q->want->steps, &yes);
	if (!err && yes)
		err = accept(q, &n);
	if (!err && !q->full && !(q->last = arena_strdup(q->arena, p->id)))
		err = ERR_NO_MEMORY;
	return err;
}

/* Every pair of then is a candidate, and costs the same whether there was anything. */
static enum err past_portion(struct asking *q, enum store_kind own, const char **after)
{
	const struct sm_sources from = { { own, q->kind }, 2 };
	struct sm_pair pair[PORTION];
	bool more = false;
	size_t n = 0;
	enum err err = sm_pairs(q->session, &from, NULL, *after, PORTION, pair, &n, &more);
	for (size_t i = 0; !err && !q->full && i < n; i++) {
		if (sm_pair_is(&pair[i], &from))
			err = decide(q, &pair[i]);
		else if (!q->want->docs)
			err = ERR_EXPENSIVE;
		else if (!(q->last = arena_strdup(q->arena, pair[i].id)))
			err = ERR_NO_MEMORY;
		else
			q->want->docs--;
	}
	*after = err || !more ? NULL : arena_strdup(q->arena, pair[n - 1].id);
	return !err && more && !*after ? ERR_NO_MEMORY : err;
}

/* *after: where the next portion begins, NULL behind the last one. */
static enum err portion(struct asking *q, enum store_kind own, const char **after)
{
	struct sm_session *s = q->session;
	const struct store_ops *ops = s->service->conf.store->ops;
	const char *id[PORTION];
	struct store_doc doc[2 * PORTION];
	struct store_page page;
	if (s->at_us != TIME_NONE)
		return past_portion(q, own, after);
	enum err err = ops->candidates(s->txn, q->kind, q->want->query, *after, PORTION, s->arena, &page);
	for (size_t i = 0; !err && i < page.n; i++)
		id[i] = page.item[i].id;
	if (!err && page.n && !(err = ops->heads(s->txn, own, id, page.n, s->arena, doc)))
		err = ops->heads(s->txn, q->kind, id, page.n, s->arena, doc + page.n);
	for (size_t i = 0; !err && !q->full && i < page.n; i++)
		if (doc[i].id || doc[page.n + i].id)
			err = decide(q, &(struct sm_pair){ .id = id[i], .own = doc[i], .entry = doc[page.n + i] });
	*after = err || !page.next ? NULL : arena_strdup(q->arena, page.next);
	return !err && page.next && !*after ? ERR_NO_MEMORY : err;
}

static enum err ask(struct asking *q, const char *after)
{
	struct sm_session *s = q->session;
	enum store_kind own = q->kind == STORE_SHELL_DESCRIPTOR ? STORE_SHELL : STORE_SUBMODEL;
	enum err err;
	if (!(s->arena = arena_new(0))) {
		s->arena = q->arena;
		return ERR_NO_MEMORY;
	}
	do {
		err = portion(q, own, &after);
		arena_reset(s->arena);
	} while (!err && after && !q->full);
	arena_free(s->arena);
	s->arena = q->arena;
	return err;
}

enum err sm_descriptor_query(struct sm_session *s, enum store_kind kind, struct store_query *want, const char *base, const char *after, size_t limit,
			     struct sm_descriptors *out)
{
	struct asking q = { .session = s, .arena = s->arena, .kind = kind, .want = want, .base = base, .limit = limit, .out = out };
	struct store_txn *txn;
	enum err err = sm_txn(s, &txn);
	*out = (struct sm_descriptors){ .item = ARENA_ARRAY(s->arena, struct aas_node *, limit) };
	if (err || !out->item)
		return err ? err : ERR_NO_MEMORY;
	if ((err = ask(&q, after)) == ERR_EXPENSIVE && q.last) {
		out->next = q.last;
		return ERR_OK;
	}
	if (!err && q.full)
		out->next = AAS_ID(out->item[out->n - 1]);
	return sm_query_error(s, err);
}
