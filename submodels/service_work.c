/* SPDX-License-Identifier: Apache-2.0
 * service_work.c - whole identifiables in a session: loading them from the cache or the store, editing a copy, storing it.
 */
#include "submodels/service.h"

#include "aas/rules.h"
#include "aas/tree.h"
#include "base/clock.h"
#include "submodels/session.h"

/* -- loading ---------------------------------------------------------------------------------------------------------------- */

static enum err work_new(struct sm_session *s, enum store_kind kind, const char *id, struct work **out)
{
	struct work *w = ARENA_NEW(s->arena, struct work);
	if (!w || !(w->id = arena_strdup(s->arena, id)) || !map_put(&s->index[kind], id, strlen(id), w, NULL))
		return diag_add(s->diag, ERR_NO_MEMORY, "out of memory");
	w->kind = kind;
	w->next = s->works;
	s->works = w;
	*out = w;
	return ERR_OK;
}

static struct work *work_find(struct sm_session *s, enum store_kind kind, const char *id)
{
	return map_get(&s->index[kind], id, strlen(id));
}

enum err sm_work(struct sm_session *s, enum store_kind kind, const char *id, struct work **out)
{
	return (*out = work_find(s, kind, id)) ? ERR_OK : work_new(s, kind, id, out);
}

static enum err missing(struct sm_session *s, enum store_kind kind, const char *id)
{
	if (s->at_us != TIME_NONE)
		return diag_add(s->diag, ERR_NOT_FOUND, "there was no %s with the id \"%s\" at that time", sm_kind_name[kind], id);
	return diag_add(s->diag, ERR_NOT_FOUND, "there is no %s with the id \"%s\"", sm_kind_name[kind], id);
}

/* From here on its tree is at hand. */
static enum err readable(struct sm_session *s, const struct sm_shared *shared)
{
	return sm_shared_node(shared) ? ERR_OK : diag_add(s->diag, ERR_INTERNAL, "the stored %s \"%s\" cannot be read, or there is no memory for it",
							 sm_kind_name[shared->tree.kind], shared->id);
}

/* Read and parse what the store has; `committed`: not a word of it is this session's own. */
static enum err fetch(struct sm_session *s, enum store_kind kind, const char *id, bool committed, struct sm_shared **out)
{
	struct store *st = s->service->conf.store;
	struct store_doc doc = { 0 };
	struct sm_shared *shared = sm_shared_new(kind, id);
	enum err err = ERR_NO_MEMORY;

	if (!shared)
		return diag_add(s->diag, err, "out of memory");
	err = s->at_us == TIME_NONE ? st->ops->get(s->txn, kind, id, shared->arena, &doc) :
				      st->ops->get_at(s->txn, kind, id, s->at_us, shared->arena, &doc);
	if (err)
		goto fail;
	sm_shared_document(shared, doc.json, doc.version);
	if ((err = readable(s, shared)))
		goto fail;
	if (committed && s->at_us == TIME_NONE && s->n_kept < SM_KEPT_MAX)
		sm_cache_fill(s->service->cache, shared, s->epoch);
	*out = shared;
	return ERR_OK;
fail:
	sm_shared_drop(shared);
	return err;
}

/* A reader takes what the cache has, as long as the cache hears of what others change.  A writer must build on what is true in
 * its transaction: the cached tree only when the version is the same there. */
static enum err obtain(struct sm_session *s, enum store_kind kind, const char *id, struct sm_shared **out)
{
	struct sm_shared *cached = s->at_us == TIME_NONE ? sm_cache_get(s->service->cache, kind, id) : NULL;
	struct store_txn *txn;
	int64_t version = 0;
	enum err err;

	if (cached && (err = readable(s, cached)))
		goto out;
	if (cached && !s->write && sm_cache_hears(s->service->cache)) {
		*out = cached;
		return ERR_OK;
	}
	if ((err = sm_txn(s, &txn)))
		goto out;
	if (cached) {
		if ((err = s->service->conf.store->ops->version(txn, kind, id, &version)))
			goto out;
		if (version == cached->tree.version) {
			*out = cached;
			return ERR_OK;
		}
	}
	err = fetch(s, kind, id, true, out);
out:
	sm_shared_drop(cached);
	return err;
}

enum err sm_structure(struct sm_session *s, const char *sm_id, struct sm_shared **out)
{
	struct store *st = s->service->conf.store;
	enum err err;
	if ((*out = sm_cache_structure(s->service->cache, STORE_SUBMODEL, sm_id))) {
		if (!(err = readable(s, *out)))
			return ERR_OK;
		sm_shared_drop(*out);
		return err;
	}
	if ((err = st->ops->begin(st, false, &s->txn)))
		return diag_add(s->diag, err, "the store does not answer: %s", err_info[err].text);
	err = fetch(s, STORE_SUBMODEL, sm_id, true, out);
	st->ops->abort(s->txn);
	s->txn = NULL;
	return err == ERR_NOT_FOUND ? missing(s, STORE_SUBMODEL, sm_id) : err;
}

enum err sm_load(struct sm_session *s, enum store_kind kind, const char *id, struct work **out)
{
	struct sm_shared *shared = NULL;
	enum err err = sm_settle(s);
	struct work *w = work_find(s, kind, id);

	if (err)
		return err;
	if (w && !w->apart) {
		*out = w;
		return w->shared ? ERR_OK : missing(s, kind, id);
	}
	if ((err = obtain(s, kind, id, &shared)) == ERR_GONE)
		return diag_add(s->diag, err, "history is not kept that far back");
	if (err)
		return err == ERR_NOT_FOUND ? missing(s, kind, id) : err;
	if ((err = sm_work(s, kind, id, &w))) {
		sm_shared_drop(shared);
		return err;
	}
	w->shared = shared;
	w->apart = false;
	*out = w;
	return ERR_OK;
}

/* The same, but that there is none is no error: *out is NULL then, or has nothing. */
static enum err load_if_there(struct sm_session *s, enum store_kind kind, const char *id, struct work **out)
{
	struct diag quiet = DIAG_INIT, *d = s->diag;
	s->diag = &quiet;
	enum err err = sm_load(s, kind, id, out);
	s->diag = d;
	diag_fini(&quiet);
	if (!err || err == ERR_NOT_FOUND)
		return ERR_OK;
	return err == ERR_AGAIN ? err : diag_add(d, err, "%s", err_info[err].text);
}

enum err sm_edit(struct sm_session *s, enum store_kind kind, const char *id, struct work **out)
{
	struct work *w;
	enum err err = sm_load(s, kind, id, &w);
	if (err)
		return err;
	if (!w->own) {
		struct sm_shared *own = sm_shared_new(kind, id);
		struct aas_node *copy = own ? aas_copy(own->arena, sm_shared_node(w->shared)) : NULL;
		if (!copy || !sm_shared_set(own, copy)) {
			sm_shared_drop(own);
			return diag_add(s->diag, ERR_NO_MEMORY, "out of memory");
		}
		own->tree.version = w->shared->tree.version;
		sm_shared_drop(w->shared);
		w->shared = own;
		w->own = true;
	}
	*out = w;
	return ERR_OK;
}

/* -- storing ---------------------------------------------------------------------------------------------------------------- */

static enum err keep_json(struct sm_session *s, struct sm_shared *shared)
{
	return sm_shared_json(shared) ? ERR_OK : diag_add(s->diag, ERR_NO_MEMORY, "out of memory");
}

enum err sm_store(struct sm_session *s, struct work *w, const char *path, enum store_operation part)
{
	const struct store_ops *ops = s->service->conf.store->ops;
	struct store_cause cause = s->cause;
	struct sm_tree *t = &w->shared->tree;
	struct store_txn *txn;
	enum err err;
	bool created;

	if ((err = sm_txn(s, &txn)))
		return err;
	cause.path = path && *path ? path : NULL;
	cause.part = part;
	ops->cause(txn, &cause);
	err = ops->put(txn, w->kind, sm_shared_node(w->shared), STORE_REPLACE, t->version, &created, &t->version);
	ops->cause(txn, &s->cause);
	if (err == ERR_PRECONDITION || err == ERR_NOT_FOUND)
		return ERR_AGAIN;	/* somebody was faster: our base is gone */
	if (err)
		return diag_add(s->diag, err, "%s", err_info[err].text);
	w->dirty = true;
	return keep_json(s, w->shared);
}

enum err sm_values_stored(struct sm_session *s, struct work *w, int64_t version)
{
	struct sm_shared *now;
	enum err err;

	w->dirty = true;
	if (version == w->shared->tree.version + 1) {
		w->shared->tree.version = version;
		return keep_json(s, w->shared);
	}
	if (w->guarded)
		return ERR_AGAIN;
	if ((err = fetch(s, w->kind, w->id, false, &now)))
		return err == ERR_NOT_FOUND ? ERR_AGAIN : err;
	sm_shared_drop(w->shared);
	w->shared = now;
	return ERR_OK;
}

/* Create or replace a whole identifiable by a copy of `node`. */
static enum err store_whole(struct sm_session *s, enum store_kind kind, const struct aas_node *node, enum store_put how, bool *created)
{
	const char *id = AAS_ID(node);
	struct work *w;
	struct sm_shared *fresh;
	struct aas_node *copy;
	struct store_txn *txn;
	int64_t expect;
	enum err err;

	if ((err = aas_rules_check(node, AAS_RULES_LENIENT, s->diag)) || (err = sm_txn(s, &txn)) ||
	    (err = sm_work(s, kind, id, &w)))
		return err;
	if (!(fresh = sm_shared_new(kind, id)) || !(copy = aas_copy(fresh->arena, node)) || !sm_shared_set(fresh, copy)) {
		sm_shared_drop(fresh);
		return diag_add(s->diag, ERR_NO_MEMORY, "out of memory");
	}
	expect = w->guarded && w->shared ? w->shared->tree.version : 0;
	if (w->guarded)
		how &= w->shared ? STORE_REPLACE : STORE_CREATE;
	sm_shared_drop(w->shared);
	w->shared = fresh;
	w->own = w->dirty = true;
	w->apart = false;
	err = s->service->conf.store->ops->put(txn, kind, copy, how, expect, created, &fresh->tree.version);
	if (w->guarded && (err == ERR_CONFLICT || err == ERR_NOT_FOUND || err == ERR_PRECONDITION))
		return ERR_AGAIN;
	if (err == ERR_CONFLICT)
		return diag_add(s->diag, err, "a %s with the id \"%s\" exists already", sm_kind_name[kind], id);
	if (err)
		return err == ERR_AGAIN ? err : diag_add(s->diag, err, "%s", err_info[err].text);
	if ((err = keep_json(s, fresh)))
		return err;
	return sm_note(s, w, *created ? CHANGE_CREATED : CHANGE_UPDATED, NULL, NULL);
}

enum err sm_create(struct sm_session *s, enum store_kind kind, struct aas_node *node)
{
	bool created;
	return store_whole(s, kind, node, STORE_CREATE, &created);
}

enum err sm_put(struct sm_session *s, enum store_kind kind, const char *id, struct aas_node *node, bool *created)
{
	struct work *old = NULL;
	const struct aas_node *before = NULL;
	struct sm_shared *kept = NULL;
	enum err err;

	if (!str_eq(id, AAS_ID(node)))
		return diag_add(s->diag, ERR_BAD_REQUEST, "the id \"%s\" of the body is not the id of the path, \"%s\"", AAS_ID(node), id);
	if ((err = load_if_there(s, kind, id, &old)))
		return err;
	if (old && old->shared) {
		kept = old->shared;
		atomic_fetch_add(&kept->refs, 1);
		before = sm_shared_node(kept);
	}
	err = store_whole(s, kind, node, STORE_EITHER, created);
	if (!err && before)
		err = sm_files_forget(s, before, node, id);
	sm_shared_drop(kept);
	return err;
}

/* The store deletes whatever version there is: to be sure of it, it is written once more, which fails if it is another by now and keeps
 * others away from then on. */
static enum err hold(struct sm_session *s, struct work *w)
{
	struct sm_tree *t = &w->shared->tree;
	struct store_txn *txn;
	int64_t version;
	bool created;
	enum err err = sm_txn(s, &txn);
	if (!err)
		err = s->service->conf.store->ops->put(txn, w->kind, sm_shared_node(w->shared), STORE_REPLACE, t->version, &created, &version);
	return err == ERR_PRECONDITION || err == ERR_NOT_FOUND ? ERR_AGAIN : err;
}

enum err sm_delete(struct sm_session *s, enum store_kind kind, const char *id)
{
	struct store_txn *txn;
	struct work *w;
	enum err err;

	if ((err = sm_load(s, kind, id, &w)) || (err = sm_txn(s, &txn)))
		return err;
	if (w->guarded && (err = hold(s, w)))
		return err;
	err = s->service->conf.store->ops->del(txn, kind, id);
	if (err)
		return err == ERR_NOT_FOUND ? missing(s, kind, id) : err;
	if ((err = sm_files_forget(s, sm_shared_node(w->shared), NULL, id)))
		return err;
	/* Discovery is kept in step: what was posted for a shell leaves with it. */
	if (kind == STORE_SHELL && (err = s->service->conf.store->ops->del(txn, STORE_ASSET_LINKS, id)) && err != ERR_NOT_FOUND)
		return err;
	sm_shared_drop(w->shared);
	w->shared = NULL;
	w->own = false;
	w->dirty = true;
	return sm_note(s, w, CHANGE_DELETED, NULL, NULL);
}

enum err sm_get(struct sm_session *s, enum store_kind kind, const char *id, const struct sm_tree **out)
{
	struct work *w;
	enum err err = sm_load(s, kind, id, &w);
	if (!err)
		*out = &w->shared->tree;
	return err;
}

enum err sm_guard(struct sm_session *s, enum store_kind kind, const char *id, int64_t *version)
{
	struct diag quiet = DIAG_INIT, *d = s->diag;
	struct work *w = NULL;
	enum err err;

	s->diag = &quiet;
	err = sm_load(s, kind, id, &w);
	s->diag = d;
	diag_fini(&quiet);
	if (err == ERR_NOT_FOUND)
		err = w ? ERR_OK : work_new(s, kind, id, &w);
	if (err)
		return err == ERR_AGAIN ? err : diag_add(d, err, "%s", err_info[err].text);
	w->guarded = true;
	*version = w->shared ? w->shared->tree.version : 0;
	return ERR_OK;
}

enum err sm_has(struct sm_session *s, enum store_kind kind, const char *id, bool *has)
{
	struct work *w = work_find(s, kind, id);
	struct store_txn *txn;
	int64_t version;
	enum err err;

	if (!w && s->at_us != TIME_NONE && (err = load_if_there(s, kind, id, &w)))
		return err;
	*has = w && (w->shared || w->apart);
	if (s->at_us != TIME_NONE)
		return ERR_OK;
	if (w || (err = sm_txn(s, &txn)))
		return w ? ERR_OK : err;
	err = s->service->conf.store->ops->version(txn, kind, id, &version);
	*has = !err;
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}
