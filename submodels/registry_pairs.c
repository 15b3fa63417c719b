/* SPDX-License-Identifier: Apache-2.0
 * registry_pairs.c - what lives here and what was registered, merged in the order of the ids.
 *
 * Both lists are read from the same place on, each as far as the page may reach, so a page costs the same wherever it begins.
 */
#include "aas/facts.h"
#include "aas/json.h"
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

/* The other side of the pairs that were found by one side alone. */
static enum err complete(struct sm_session *s, enum store_kind kind, bool own, struct sm_pair *p, size_t n)
{
	const char **id = ARENA_ARRAY(s->arena, const char *, n + 1);
	struct store_doc *doc = ARENA_ARRAY(s->arena, struct store_doc, n + 1);
	size_t k = 0;
	if (!id || !doc)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < n; i++)
		if (!(own ? p[i].own.id : p[i].entry.id))
			id[k++] = p[i].id;
	enum err err = k ? s->service->conf.store->ops->heads(s->txn, kind, id, k, s->arena, doc) : ERR_OK;
	k = 0;
	for (size_t i = 0; !err && i < n; i++) {
		struct store_doc *to = own ? &p[i].own : &p[i].entry;
		if (!to->id)
			*to = doc[k++];
	}
	return err;
}

enum err sm_pairs(struct sm_session *s, enum store_kind own, enum store_kind entry, const struct store_filter *f, const char *after, size_t limit,
		  struct sm_pair *out, size_t *n, bool *more)
{
	const struct store_filter lead = leading(f);
	struct store_page a, b;
	size_t i = 0, k = 0;
	struct store_txn *txn;
	enum err err = sm_txn(s, &txn);

	*n = 0;
	if (err)
		return err;
	const struct store_ops *ops = s->service->conf.store->ops;
	if ((err = ops->list(txn, own, &lead, after, limit, s->arena, &a)) || (err = ops->list(txn, entry, &lead, after, limit, s->arena, &b)))
		return sm_store_error(s, err);
	while (*n < limit && (i < a.n || k < b.n)) {
		int c = i == a.n ? 1 : k == b.n ? -1 : strcmp(a.item[i].id, b.item[k].id);
		struct sm_pair *p = &out[(*n)++];
		*p = (struct sm_pair){ .id = c <= 0 ? a.item[i].id : b.item[k].id };
		if (c <= 0)
			p->own = a.item[i++];
		if (c >= 0)
			p->entry = b.item[k++];
	}
	*more = i < a.n || k < b.n || a.next || b.next;
	if (!lead.n_asset_ids && !lead.asset_type && !lead.asset_kind)
		return ERR_OK;		/* both lists hold everything */
	if (!(err = complete(s, own, true, out, *n)))
		err = complete(s, entry, false, out, *n);
	return sm_store_error(s, err);
}

enum err sm_pair(struct sm_session *s, enum store_kind own, enum store_kind entry, const char *id, struct sm_pair *out)
{
	struct store_txn *txn;
	enum err err = sm_txn(s, &txn);
	if (err)
		return err;
	*out = (struct sm_pair){ .id = id };
	const struct store_ops *ops = s->service->conf.store->ops;
	if (!(err = ops->heads(txn, own, &id, 1, s->arena, &out->own)))
		err = ops->heads(txn, entry, &id, 1, s->arena, &out->entry);
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
