/* SPDX-License-Identifier: Apache-2.0
 * registry_pairs.c - what lives here and what was registered, merged in the order of the ids.
 *
 * All lists are read from the same place on, each as far as the page may reach, so a page costs the same wherever it begins.
 */
#include "aas/facts.h"
#include "aas/json.h"
#include "base/clock.h"
#include "submodels/registry_priv.h"

enum err sm_store_error(struct sm_session *s, enum err err)
{
	return err && err != ERR_AGAIN ? diag_add(s->diag, err, "the registry cannot be read or written: %s", err_info[err].text) : err;
}

enum err sm_doc_read(struct sm_session *s, enum aas_class_id cls, const struct store_doc *d, struct aas_node **out)
{
	enum err err = aas_json_read(s->arena, cls, d->json.p, d->json.n, AAS_JSON_DEFAULT, out, NULL);
	if (err && err != ERR_NO_MEMORY)
		return diag_add(s->diag, ERR_INTERNAL, "what is stored of \"%s\" cannot be read", d->id);
	return err;
}

/* An id may have one condition from what lives here and another from its entry, so only one condition can lead. */
static struct store_filter leading(const struct store_filter *f)
{
	struct store_filter lead = { .heads = true };
	if (f && f->n_asset_ids) {
		lead.asset_ids = f->asset_ids;
		lead.n_asset_ids = 1;
	} else if (f && f->asset_type) {
		lead.asset_type = f->asset_type;
	} else if (f) {
		lead.asset_kind = f->asset_kind;
	}
	return lead;
}

/* One side of the pairs that were found by other sides alone. */
static enum err complete(struct sm_session *s, enum store_kind kind, size_t at, struct sm_pair *p, size_t n)
{
	const char **id = ARENA_ARRAY(s->arena, const char *, n + 1);
	struct store_doc *doc = ARENA_ARRAY(s->arena, struct store_doc, n + 1);
	size_t k = 0;
	if (!id || !doc)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < n; i++)
		if (!p[i].doc[at].id)
			id[k++] = p[i].id;
	enum err err = k ? sm_heads(s, kind, id, k, doc) : ERR_OK;
	k = 0;
	for (size_t i = 0; !err && i < n; i++)
		if (!p[i].doc[at].id)
			p[i].doc[at] = doc[k++];
	return err;
}

/* The smallest id that is left on any page; NULL: none. */
static const char *smallest(const struct store_page *page, const size_t *at, size_t n)
{
	const char *id = NULL;
	for (size_t i = 0; i < n; i++)
		if (at[i] < page[i].n && (!id || strcmp(page[i].item[at[i]].id, id) < 0))
			id = page[i].item[at[i]].id;
	return id;
}

static size_t merge(const struct store_page *page, size_t n_pages, struct sm_pair *out, size_t limit, bool *more)
{
	size_t at[SM_SOURCES_MAX] = { 0 }, n = 0;
	for (const char *id; n < limit && (id = smallest(page, at, n_pages)); n++) {
		out[n] = (struct sm_pair){ .id = id };
		for (size_t i = 0; i < n_pages; i++)
			if (at[i] < page[i].n && str_eq(page[i].item[at[i]].id, id))
				out[n].doc[i] = page[i].item[at[i]++];
	}
	*more = smallest(page, at, n_pages) != NULL;
	for (size_t i = 0; i < n_pages; i++)
		*more |= page[i].next != NULL;
	return n;
}

/* Every id that any side ever had is a pair; what was not there at that time is one without documents. */
static enum err past_pairs(struct sm_session *s, const struct sm_sources *from, const char *after, size_t limit, struct sm_pair *out, size_t *n,
			   bool *more)
{
	const struct store_ops *ops = s->service->conf.store->ops;
	struct store_page page[SM_SOURCES_MAX] = { { 0 } };
	enum err err = ERR_OK;
	for (size_t i = 0; !err && i < from->n; i++) {
		const char **id;
		if ((err = ops->ids(s->txn, from->kind[i], after, limit, s->arena, &id, &page[i].n)))
			break;
		if (!(page[i].item = ARENA_ARRAY(s->arena, struct store_doc, page[i].n + 1)))
			return ERR_NO_MEMORY;
		if ((err = sm_heads(s, from->kind[i], id, page[i].n, page[i].item)))
			break;
		for (size_t k = 0; k < page[i].n; k++)
			page[i].item[k].id = id[k];
		page[i].next = page[i].n == limit ? id[limit - 1] : NULL;
	}
	if (err)
		return err;
	*n = merge(page, from->n, out, limit, more);
	for (size_t k = 0; k < *n; k++)
		for (size_t i = 0; i < from->n; i++)
			if (!out[k].doc[i].version)
				out[k].doc[i] = (struct store_doc){ 0 };
	return ERR_OK;
}

bool sm_pair_is(const struct sm_pair *p, const struct sm_sources *from)
{
	for (size_t i = 0; i < from->n; i++)
		if (p->doc[i].id)
			return true;
	return false;
}

enum err sm_pairs(struct sm_session *s, const struct sm_sources *from, const struct store_filter *f, const char *after, size_t limit,
		  struct sm_pair *out, size_t *n, bool *more)
{
	const struct store_filter lead = leading(f);
	struct store_page page[SM_SOURCES_MAX];
	struct store_txn *txn;
	enum err err = sm_txn(s, &txn);

	*n = 0;
	if (err)
		return err;
	if (s->at_us != TIME_NONE)
		return sm_store_error(s, past_pairs(s, from, after, limit, out, n, more));
	const struct store_ops *ops = s->service->conf.store->ops;
	for (size_t i = 0; !err && i < from->n; i++)
		err = ops->list(txn, from->kind[i], &lead, after, limit, s->arena, &page[i]);
	if (err)
		return sm_store_error(s, err);
	*n = merge(page, from->n, out, limit, more);
	if (!lead.n_asset_ids && !lead.asset_type && !lead.asset_kind)
		return ERR_OK;		/* the lists hold everything */
	for (size_t i = 0; !err && i < from->n; i++)
		err = complete(s, from->kind[i], i, out, *n);
	return sm_store_error(s, err);
}

enum err sm_pair(struct sm_session *s, const struct sm_sources *from, const char *id, struct sm_pair *out)
{
	struct store_txn *txn;
	enum err err = sm_txn(s, &txn);
	if (err)
		return err;
	*out = (struct sm_pair){ .id = id };
	for (size_t i = 0; !err && i < from->n; i++)
		err = sm_heads(s, from->kind[i], &id, 1, &out->doc[i]);
	return sm_store_error(s, err);
}

enum err sm_facts_meet(struct sm_session *s, const struct aas_node *n, struct aas_fact *want, size_t *n_want)
{
	struct aas_fact *has;
	size_t n_has, left = 0;
	enum err err = n && *n_want ? aas_facts(s->arena, n, &has, &n_has) : ERR_OK;
	if (err || !n || !*n_want)
		return err;
	for (size_t i = 0; i < *n_want; i++) {
		bool met = false;
		for (size_t k = 0; k < n_has && !met; k++)
			met = has[k].field == want[i].field && str_eq(has[k].name, want[i].name) && str_eq(has[k].value, want[i].value);
		if (!met)
			want[left++] = want[i];
	}
	*n_want = left;
	return ERR_OK;
}
