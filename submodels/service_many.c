/* SPDX-License-Identifier: Apache-2.0
 * service_many.c - many identifiables at once.  Their trees are not kept for the cache, but the first few: an import may be larger than memory.
 */
#include <stdlib.h>

#include "aas/tree.h"
#include "submodels/session.h"

static enum err no_memory(struct sm_session *s)
{
	return diag_add(s->diag, ERR_NO_MEMORY, "out of memory");
}

enum err sm_has_many(struct sm_session *s, enum store_kind kind, const char *const *id, size_t n, bool *has)
{
	struct arena *a = arena_new(0);
	struct store_doc *doc = a ? ARENA_ARRAY(a, struct store_doc, n ? n : 1) : NULL;
	struct store_txn *txn;
	enum err err = doc ? sm_txn(s, &txn) : no_memory(s);
	if (!err && (err = s->service->conf.store->ops->heads(txn, kind, id, n, a, doc)) && err != ERR_AGAIN)
		diag_add(s->diag, err, "%s", err_info[err].text);
	for (size_t i = 0; !err && i < n; i++)
		has[i] = doc[i].id != NULL;
	arena_free(a);
	return err;
}

static enum err keep(struct sm_session *s, struct work *w, const struct aas_node *n)
{
	struct sm_shared *fresh = sm_shared_new(w->kind, w->id);
	const struct aas_node *copy = fresh ? aas_copy(fresh->arena, n) : NULL;
	if (!copy || !sm_shared_set(fresh, copy) || !sm_shared_json(fresh)) {
		sm_shared_drop(fresh);
		return no_memory(s);
	}
	fresh->tree.version = w->version;
	w->shared = fresh;
	w->own = true;
	s->n_kept++;
	return ERR_OK;
}

static enum err note(struct sm_session *s, enum store_kind kind, const struct aas_node *n, int64_t version)
{
	struct work *w;
	enum err err = sm_work(s, kind, AAS_ID(n), &w);
	if (err)
		return err;
	sm_shared_drop(w->shared);
	w->shared = NULL;
	w->dirty = true;
	w->version = version;
	w->apart = s->n_kept >= SM_KEPT_MAX;
	if (!w->apart && (err = keep(s, w, n)))
		return err;
	return sm_note(s, w, CHANGE_CREATED, NULL, NULL);
}

enum err sm_create_many(struct sm_session *s, enum store_kind kind, const struct aas_node *const *node, size_t n)
{
	bool *created = calloc(n + 1, sizeof *created);
	int64_t *version = calloc(n + 1, sizeof *version);
	struct store_txn *txn;
	size_t at;
	enum err err = created && version ? sm_txn(s, &txn) : no_memory(s);
	if (!err && (err = s->service->conf.store->ops->put_many(txn, kind, node, n, STORE_CREATE, created, version, &at))) {
		if (err == ERR_CONFLICT)
			err = ERR_AGAIN;
		else if (err != ERR_AGAIN)
			diag_add(s->diag, err, "%s", err_info[err].text);
	}
	for (size_t i = 0; !err && i < n; i++)
		err = note(s, kind, node[i], version[i]);
	free(created);
	free(version);
	return err;
}

void sm_spare(struct sm_session *s, enum store_kind kind, const char *id)
{
	struct work *w;
	if (sm_work(s, kind, id, &w) || !w->shared || s->n_kept++ < SM_KEPT_MAX)
		return;
	w->version = w->shared->tree.version;
	sm_shared_drop(w->shared);
	w->shared = NULL;
	w->own = false;
	w->apart = true;
}
