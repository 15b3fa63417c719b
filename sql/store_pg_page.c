/* SPDX-License-Identifier: Apache-2.0
 * store_pg_page.c - lists, and the documents of a page: what a caller lends need not come from the database, and what comes from there is not copied.
 */
#include <stdlib.h>

#include "aas/facts.h"
#include "sql/store_pg_priv.h"

enum { DOC_ID, DOC_VERSION, DOC_TEXT, DOC_PATHS, DOC_VALUES, DOC_BYTES, DOC_KEY };	/* of a row of a list */
enum what { WHOLE, HEADS, NOTHING };	/* is wanted of a document; as the statements have it */

/* -- borrowed documents -------------------------------------------------------------------------------------------------------------- */
struct pg_held {
	struct pg_held *next;
	struct pg_call call;
};

enum err store_pg_hold(struct store_txn *t, struct pg_call *c)
{
	struct pg_held *h = malloc(sizeof *h);
	if (!h)
		return ERR_NO_MEMORY;
	*h = (struct pg_held){ t->held, *c };
	t->held = h;
	c->res = NULL;
	return ERR_OK;
}

void store_pg_give_back(struct store_txn *t)
{
	for (struct pg_held *h; (h = t->held);) {
		t->held = h->next;
		pg_clear(&h->call, 1);
		free(h);
	}
}

enum err store_pg_lent(const struct pg_call *c, int row, enum store_kind kind, struct arena *a, struct slice *json)
{
	struct slice text = pg_slice(c, row, DOC_TEXT);
	if (kind == STORE_SUBMODEL && store_pg_behind(c, row))
		return store_pg_folded(text, c, row, a, json);
	*json = text;
	return ERR_OK;
}

/* Both are in the order of the ids; two ids can have the same key, so there may be more rows than were asked for. */
static enum err take_rows(const struct pg_call *c, enum store_kind kind, struct pg_item *item, size_t n, struct arena *a)
{
	enum err e = ERR_OK;
	size_t at = 0;
	for (int row = 0; !e && row < c->n; row++) {
		size_t i = at;
		while (i < n && strcmp(item[i].doc.id, pg_str(c, row, DOC_ID)))
			i++;
		if (i == n)
			continue;
		at = i + 1;
		item[i].doc.version = pg_int8(c, row, DOC_VERSION);
		e = store_pg_lent(c, row, kind, a, &item[i].doc.json);
	}
	return e;
}

enum err store_pg_borrow(struct store_txn *t, enum store_kind kind, const struct store_loan *loan, struct pg_item *item, size_t n, struct arena *a)
{
	struct pg_args args;
	struct pg_call c = { .st = pg_kinds[kind].some, .args = &args };
	size_t due = 0;
	enum err e = ERR_OK;
	pg_args_init(&args);
	struct buf *keys = pg_arg_array(&args, PG_INT8);
	for (struct pg_item *i = item; i < item + n; i++) {
		if (i->doc.json.p || (loan && loan->has && loan->has(loan->ctx, kind, i->doc.id, i->doc.version, &i->doc.json)))
			continue;
		pg_item_int8(keys, i->key);
		due++;
	}
	if (due && !(e = store_pg_run(t, &c, 1)) && !(e = take_rows(&c, kind, item, n, a)))
		e = store_pg_hold(t, &c);
	pg_clear(&c, 1);
	pg_args_fini(&args);
	return e;
}

size_t store_pg_fit(const struct store_loan *loan, const struct pg_item *item, size_t n)
{
	size_t bytes = 0, i = 0;
	while (i < n && (!i || !loan || bytes + item[i].bytes <= loan->bytes))
		bytes += item[i++].bytes;
	return i;
}

/* -- lists ------------------------------------------------------------------------------------------------------------------------ */

/* The fact that leaves the fewest leads: few share an asset id, many a semantic id. */
static size_t leading(const struct aas_fact *f, size_t n)
{
	static const int rank[] = { [FACT_ASSET_ID] = 5, [FACT_ID_SHORT] = 4, [FACT_ASSET_TYPE] = 3, [FACT_IS_CASE_OF] = 2, [FACT_SEMANTIC_ID] = 1 };
	size_t best = 0;
	for (size_t i = 1; i < n; i++) {
		int a = f[i].field < sizeof rank / sizeof *rank ? rank[f[i].field] : 0;
		int b = f[best].field < sizeof rank / sizeof *rank ? rank[f[best].field] : 0;
		if (a > b)
			best = i;
	}
	return best;
}

static void facts_args(struct pg_args *args, enum store_kind kind, const struct aas_fact *f, size_t n)
{
	size_t first = leading(f, n);
	pg_arg_int2(args, (int16_t)kind);
	pg_arg_int2(args, (int16_t)f[first].field);
	pg_arg_text(args, f[first].name);
	pg_arg_text(args, f[first].value);
	struct buf *fields = pg_arg_array(args, PG_INT2), *names = pg_arg_array(args, PG_TEXT), *values = pg_arg_array(args, PG_TEXT);
	for (size_t i = 0; i < n; i++) {
		if (i == first)
			continue;
		pg_item_int2(fields, (int16_t)f[i].field);
		pg_item_text(names, f[i].name);
		pg_item_text(values, f[i].value);
	}
}

static enum err page_of(const struct pg_call *c, enum store_kind kind, size_t limit, struct arena *a, struct store_page *page)
{
	size_t n = (size_t)c->n < limit ? (size_t)c->n : limit;
	enum err e = ERR_OK;
	*page = (struct store_page){ 0 };
	if (n && !(page->item = ARENA_ARRAY(a, struct store_doc, n)))
		return ERR_NO_MEMORY;
	while (page->n < n && !(e = store_pg_document(c, (int)page->n, kind, a, &page->item[page->n])))
		page->n++;
	if (!e && n && (size_t)c->n > limit)
		page->next = page->item[n - 1].id;
	return e;
}

static enum err ask(struct store_txn *t, enum store_kind kind, const struct aas_fact *fact, size_t n_facts, enum what what, const char *after,
		    size_t limit, bool last, struct pg_call *c)
{
	struct pg_args args;
	bool heads = !n_facts && what == HEADS;
	*c = (struct pg_call){ .st = n_facts ? pg_kinds[kind].find : heads ? pg_kinds[kind].list_heads : pg_kinds[kind].list, .args = &args };
	pg_args_init(&args);
	pg_arg_text(&args, after ? after : "");
	pg_arg_int8(&args, limit < INT32_MAX ? (int64_t)limit + 1 : INT32_MAX);
	if (n_facts)
		facts_args(&args, kind, fact, n_facts);
	if (!heads)
		pg_arg_int2(&args, (int16_t)what);
	enum err e = last ? store_pg_run_last(t, c, 1) : store_pg_run(t, c, 1);
	c->args = NULL;
	pg_args_fini(&args);
	return e;
}

enum err store_pg_find(struct store_txn *t, enum store_kind kind, const struct aas_fact *fact, size_t n_facts, const char *after, size_t limit,
		       struct arena *a, struct store_page *page)
{
	struct pg_call c;
	enum err e = ask(t, kind, fact, n_facts, WHOLE, after, limit, false, &c);
	if (!e)
		e = page_of(&c, kind, limit, a, page);
	pg_clear(&c, 1);
	return store_pg_noted(t, e);
}

/* -- lists whose documents are borrowed ------------------------------------------------------------------------------------------------ */
static enum err read_items(const struct pg_call *c, size_t n, struct arena *a, struct pg_item *item)
{
	for (size_t i = 0; i < n; i++) {
		int row = (int)i;
		struct slice id = pg_slice(c, row, DOC_ID), text = pg_slice(c, row, DOC_TEXT);
		item[i] = (struct pg_item){ .bytes = text.n, .doc = { arena_strndup(a, id.p, id.n), text, pg_int8(c, row, DOC_VERSION) } };
		if (text.p)
			continue;
		item[i].bytes = (size_t)pg_int8(c, row, DOC_BYTES);	/* it is due */
		item[i].key = pg_int8(c, row, DOC_KEY);
	}
	return arena_failed(a) ? ERR_NO_MEMORY : ERR_OK;
}

/* `some` of the items; those that were deleted meanwhile are left out. */
static void put_items(const struct pg_item *item, size_t some, bool more, struct store_page *page)
{
	for (size_t i = 0; i < some; i++)
		if (item[i].doc.json.p)
			page->item[page->n++] = item[i].doc;
	page->next = more ? item[some - 1].doc.id : NULL;
}

static enum err borrowed(struct store_txn *t, enum store_kind kind, const struct store_loan *loan, struct pg_call *c, size_t limit,
			 struct arena *a, struct store_page *page)
{
	size_t n = (size_t)c->n < limit ? (size_t)c->n : limit;
	struct pg_item *item = ARENA_ARRAY(a, struct pg_item, n + 1);
	*page = (struct store_page){ .item = ARENA_ARRAY(a, struct store_doc, n + 1) };
	enum err e = item && page->item ? read_items(c, n, a, item) : ERR_NO_MEMORY;
	size_t some = e ? 0 : store_pg_fit(loan, item, n);
	bool more = (size_t)c->n > some;
	if (!e)
		e = store_pg_hold(t, c);
	if (!e)
		e = store_pg_borrow(t, kind, loan, item, some, a);
	if (!e && some)
		put_items(item, some, more, page);
	return e;
}

enum err store_pg_list(struct store_txn *t, enum store_kind kind, const struct store_filter *filter, const char *after, size_t limit,
		       struct arena *a, struct store_page *page)
{
	const struct store_loan *loan = filter ? filter->loan : NULL;
	enum what what = filter && filter->heads ? HEADS : loan ? NOTHING : WHOLE;
	struct aas_fact *fact = NULL;
	struct pg_call c = { 0 };
	size_t n_facts = 0;
	store_pg_give_back(t);
	enum err e = aas_filter_facts(a, filter, &fact, &n_facts);
	if (e)
		return e;
	if (!(e = ask(t, kind, fact, n_facts, what, after, limit, what == HEADS && filter->last, &c)))
		e = loan ? borrowed(t, kind, loan, &c, limit, a, page) : page_of(&c, kind, limit, a, page);
	pg_clear(&c, 1);
	return store_pg_noted(t, e);
}
