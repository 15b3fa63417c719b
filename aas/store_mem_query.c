/* SPDX-License-Identifier: Apache-2.0
 * store_mem_query.c - queries of the memory store: every document is looked at, one after the other, and every
 * descriptor is a candidate. */
#include "aas/facts.h"
#include "aas/query.h"
#include "aas/store_mem_priv.h"

static enum err find_submodel(void *ctx, const char *id, struct arena *a, struct slice *json)
{
	int64_t base;
	const struct mem_entry *e = store_mem_visible(ctx, MEM_SUBMODEL, id, &base);
	(void)a;
	if (!e)
		return ERR_NOT_FOUND;
	*json = (struct slice){ e->json, e->n };
	return ERR_OK;
}

static enum err find_shell(void *ctx, const char *submodel_id, const char *after, struct arena *a, struct store_doc *out)
{
	const struct aas_fact refers = { FACT_SUBMODEL, "", submodel_id };
	bool yes = false;
	for (const struct mem_entry *e = store_mem_next(ctx, MEM_SHELL, after); e; e = store_mem_next(ctx, MEM_SHELL, e->id)) {
		enum err err = store_mem_matches(e, STORE_SHELL, &refers, 1, &yes);
		if (err || yes)
			return err ? err : store_mem_copy(a, e, out);
	}
	return ERR_NOT_FOUND;
}

static enum err take(struct arena *a, const struct aas_query *q, const struct mem_entry *e, struct store_doc *out)
{
	if (!q->ids_only)
		return store_mem_copy(a, e, out);
	*out = (struct store_doc){ .id = arena_strdup(a, e->id), .version = e->version };
	return out->id ? ERR_OK : ERR_NO_MEMORY;
}

/* `last` was the last that could be decided; NULL: none. */
static enum err end_early(struct arena *a, const char *last, struct store_page *page)
{
	if (!last)
		return ERR_EXPENSIVE;
	page->next = arena_strdup(a, last);
	return page->next ? ERR_OK : ERR_NO_MEMORY;
}

static enum err run(struct store_txn *t, enum store_kind kind, struct store_query *want, const char *after, size_t limit, struct arena *a,
		    struct store_page *page)
{
	const struct query_source from = { find_submodel, find_shell, t };
	const struct mem_entry *e = store_mem_next(t, (enum mem_table_id)kind, after);
	const char *last = NULL;
	size_t bytes = 0;
	for (bool yes; e; last = e->id, e = store_mem_next(t, (enum mem_table_id)kind, last)) {
		const struct store_doc doc = { e->id, { e->json, e->n }, e->version };
		if (!want->docs)
			return end_early(a, last, page);
		want->docs--;
		enum err err = aas_query_examine(want, kind, &doc, &from, &yes);
		if (err)
			return err == ERR_EXPENSIVE ? end_early(a, last, page) : err;
		bytes += yes ? e->n : 0;
		if (yes && (page->n == limit || (want->loan && page->n && bytes > want->loan->bytes))) {
			page->next = page->item[page->n - 1].id;
			page->cut = page->n < limit;
			return ERR_OK;
		}
		if (yes && (err = take(a, want->query, e, &page->item[page->n++])))
			return err;
	}
	return ERR_OK;
}

enum err store_mem_query(struct store_txn *t, enum store_kind kind, struct store_query *want, const char *after, size_t limit, struct arena *a,
			 struct store_page *page)
{
	size_t most = limit < want->docs ? limit : want->docs;
	*page = (struct store_page){ .item = ARENA_ARRAY(a, struct store_doc, most + 1) };
	if (!page->item)
		return store_mem_noted(t, ERR_NO_MEMORY);
	pthread_mutex_lock(&t->store->mutex);
	store_mem_read_here(t);
	enum err err = run(t, kind, want, after, limit, a, page);
	pthread_mutex_unlock(&t->store->mutex);
	return store_mem_noted(t, err);
}

/* Of the two entries behind `after` the one whose id comes first, be it of what lives here or of what was registered. */
static const struct mem_entry *next_of_both(const struct store_txn *t, enum store_kind kind, const char *after)
{
	const enum store_kind own = kind == STORE_SHELL_DESCRIPTOR ? STORE_SHELL : STORE_SUBMODEL;
	const struct mem_entry *a = store_mem_next(t, (enum mem_table_id)own, after), *b = store_mem_next(t, (enum mem_table_id)kind, after);
	return !a || (b && strcmp(b->id, a->id) < 0) ? b : a;
}

enum err store_mem_candidates(struct store_txn *t, enum store_kind kind, const struct aas_query *q, const char *after, size_t limit,
			      struct arena *a, struct store_page *page)
{
	enum err err = ERR_OK;
	(void)q;
	*page = (struct store_page){ .item = ARENA_ARRAY(a, struct store_doc, limit) };
	if (!page->item)
		return store_mem_noted(t, ERR_NO_MEMORY);
	pthread_mutex_lock(&t->store->mutex);
	store_mem_read_here(t);
	const struct mem_entry *e = next_of_both(t, kind, after);
	for (; e && !err && page->n < limit; e = next_of_both(t, kind, e->id)) {
		page->item[page->n] = (struct store_doc){ .id = arena_strdup(a, e->id) };
		err = page->item[page->n++].id ? ERR_OK : ERR_NO_MEMORY;
	}
	if (!err && e)
		page->next = page->item[page->n - 1].id;
	pthread_mutex_unlock(&t->store->mutex);
	return store_mem_noted(t, err);
}
