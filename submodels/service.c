/* SPDX-License-Identifier: Apache-2.0 */
#include "submodels/service.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/thread.h"
#include "submodels/jobs.h"
#include "submodels/session.h"

/* Those with a tree in the cache; descriptors are the business of registry.c. */
const char *const sm_kind_name[STORE_N_KINDS] = { "shell", "submodel", "concept description" };
const enum aas_class_id sm_kind_class[STORE_N_KINDS] = { AAS_AssetAdministrationShell, AAS_Submodel, AAS_ConceptDescription };

/* -- what other processes change ------------------------------------------------------------------------------------------------------ */
static void others_changed(void *ctx, enum store_kind kind, const char *id, int64_t version)
{
	struct sm_service *s = ctx;
	sm_cache_stale(s->cache, kind, id, version);
}

static void others_heard(void *ctx, bool heard)
{
	struct sm_service *s = ctx;
	sm_cache_heard(s->cache, heard);
}

/* Until it is heard, or when it cannot be, every read compares versions. */
static void watch(struct sm_service *s)
{
	const struct store_watch w = { s, others_changed, others_heard };
	struct store *st = s->conf.store;
	if (!st || !st->ops->watch)
		return;
	sm_cache_heard(s->cache, false);
	s->watches = !st->ops->watch(st, &w);
}

struct sm_service *sm_service_new(const struct sm_config *conf)
{
	struct sm_service *s = calloc(1, sizeof *s);
	if (!s)
		return NULL;
	s->conf = *conf;
	s->cache = sm_cache_new(conf->cache_bytes);
	s->async = sm_async_new(s, &conf->async);
	s->jobs = sm_jobs_new(s);
	if (s->cache && s->async && s->jobs) {
		watch(s);
		return s;
	}
	sm_service_free(s);
	return NULL;
}

void sm_service_free(struct sm_service *s)
{
	if (!s)
		return;
	sm_async_free(s->async);
	sm_jobs_free(s->jobs);
	if (s->watches)
		s->conf.store->ops->watch(s->conf.store, NULL);
	sm_cache_free(s->cache);
	free(s);
}

const char *sm_sole(const struct sm_service *s, enum store_kind kind)
{
	return kind == STORE_SHELL ? s->conf.sole_shell : kind == STORE_SUBMODEL ? s->conf.sole_submodel : NULL;
}

void sm_service_invoker(struct sm_service *s, const struct sm_invoker *invoker)
{
	s->conf.invoker = *invoker;
}

const struct sm_tree *sm_peek(struct sm_service *s, enum store_kind kind, const char *id)
{
	struct sm_shared *shared = sm_cache_peek(s->cache, kind, id);
	return shared ? &shared->tree : NULL;
}

void sm_tree_drop(const struct sm_tree *t)
{
	sm_shared_drop((struct sm_shared *)t);	/* its first member */
}

const struct sm_tree *sm_tree_hold(const struct sm_tree *t)
{
	atomic_fetch_add(&((struct sm_shared *)t)->refs, 1);
	return t;
}

bool sm_tree_current(struct sm_service *s, const struct sm_tree *t)
{
	return atomic_load(&((struct sm_shared *)t)->current) && sm_cache_hears(s->cache);
}

void sm_tree_used(const struct sm_tree *t)
{
	struct sm_shared *s = (struct sm_shared *)t;
	if (!atomic_load_explicit(&s->used, memory_order_relaxed))
		atomic_store_explicit(&s->used, true, memory_order_relaxed);
}

const struct aas_node *sm_tree_node(const struct sm_tree *t)
{
	return sm_shared_node((const struct sm_shared *)t);
}

const struct aas_node *sm_tree_node_quick(const struct sm_tree *t)
{
	return sm_shared_node_quick((const struct sm_shared *)t);
}

const struct slice *sm_tree_packed(const struct sm_tree *t)
{
	return sm_shared_packed((const struct sm_shared *)t);
}

void sm_tree_pack(struct sm_service *s, const struct sm_tree *t, struct slice bytes)
{
	sm_cache_pack(s->cache, (struct sm_shared *)t, bytes);
}

enum err sm_begin(struct sm_service *service, bool write, struct arena *a, struct diag *d, struct sm_session **out)
{
	struct sm_session *s = calloc(1, sizeof *s);
	if (!s)
		return diag_add(d, ERR_NO_MEMORY, "out of memory");
	s->service = service;
	s->arena = a;
	s->diag = d ? d : &s->own;
	s->write = write;
	s->tail = &s->changes;
	s->at_us = TIME_NONE;
	s->epoch = sm_cache_epoch(service->cache);
	s->cause.valid_us = TIME_NONE;
	*out = s;
	return ERR_OK;
}

void sm_cause(struct sm_session *s, const char *actor, const char *request)
{
	s->cause.actor = actor;
	s->cause.request = request;
	if (s->txn)
		s->service->conf.store->ops->cause(s->txn, &s->cause);
}

enum err sm_txn(struct sm_session *s, struct store_txn **txn)
{
	enum err err = sm_settle(s);
	if (!err && !s->txn) {
		struct store *st = s->service->conf.store;
		if ((err = st->ops->begin(st, s->write, &s->txn)))
			return diag_add(s->diag, err, "the store does not answer: %s", err_info[err].text);
		if (s->write)
			st->ops->cause(s->txn, &s->cause);
	}
	*txn = s->txn;
	return err;
}

static void session_free(struct sm_session *s)
{
	for (struct work *w = s->works; w; w = w->next)
		sm_shared_drop(w->shared);
	sm_give_back(s);
	for (int k = 0; k < STORE_N_KINDS; k++)
		map_fini(&s->index[k]);
	diag_fini(&s->own);
	free(s);
}

void sm_abort(struct sm_session *s)
{
	if (!s)
		return;
	if (s->txn)
		s->service->conf.store->ops->abort(s->txn);
	session_free(s);
}

static void publish(struct sm_session *s)
{
	struct change *list = s->n_changes ? ARENA_ARRAY(s->arena, struct change, s->n_changes) : NULL;
	int64_t now = clock_now_us();
	size_t n = 0;
	if (!list)
		return;
	for (struct change_item *i = s->changes; i; i = i->next) {
		list[n] = i->change;
		list[n].time_us = now;
		list[n++].version = i->work == &s->quick.work ? s->quick.write.version : i->work->shared ? i->work->shared->tree.version :
				    i->work->apart ? i->work->version : 0;
	}
	changes_publish(s->service->conf.changes, list, n);
}

/* Tells whoever wants to know. */
static void session_end(struct sm_session *s, enum err err)
{
	if (err)
		diag_add(s->diag, err, "the change was not committed: %s", err_info[err].text);
	else if (s->service->conf.changes)
		publish(s);
	session_free(s);
}

/* -- a value patch that stands alone ------------------------------------------------------------------------------------------------- */

/* In the thread of the store. */
static void quick_done(struct store_write *w)
{
	struct sm_session *s = w->ctx;
	void (*done)(void *, enum err) = s->quick.done;
	void *ctx = s->quick.ctx;
	enum err err = w->err == ERR_NOT_FOUND ? ERR_AGAIN : w->err;
	if (!err) {
		sm_cache_values(s->service->cache, w->submodel_id, w->value, w->n, w->version);
	} else {
		/* What it was checked against is not what the store has, or nobody knows: the next one reads again. */
		sm_cache_update(s->service->cache, STORE_SUBMODEL, w->submodel_id, NULL, s->epoch);
	}
	session_end(s, err);
	done(ctx, err);
}

bool sm_commit_later(struct sm_session *s, void (*done)(void *ctx, enum err), void *ctx)
{
	struct store *st = s->service->conf.store;
	if (!s->quick.on)
		return false;
	s->quick.done = done;
	s->quick.ctx = ctx;
	s->quick.write.done = quick_done;
	s->quick.write.ctx = s;
	s->quick.write.cause = &s->cause;
	st->ops->write_values(st, &s->quick.write);
	return true;
}

void sm_patient(struct sm_session *s)
{
	s->patient = true;
}

struct waiter {
	struct lock lock;
	pthread_cond_t done;
	bool is_done;
	enum err err;
};

static void wake(void *ctx, enum err err)
{
	struct waiter *w = ctx;
	lock_take(&w->lock);
	w->is_done = true;
	w->err = err;
	pthread_cond_signal(&w->done);
	lock_drop(&w->lock);
}

static enum err commit_quick(struct sm_session *s)
{
	struct waiter w = { .is_done = false };
	lock_init(&w.lock, RANK_LEAF);
	cond_init(&w.done);
	sm_commit_later(s, wake, &w);
	lock_take(&w.lock);
	while (!w.is_done)
		lock_wait(&w.lock, &w.done, -1);
	lock_drop(&w.lock);
	pthread_cond_destroy(&w.done);
	lock_fini(&w.lock);
	return w.err;
}

static enum err commit_txn(struct sm_session *s)
{
	enum err err = s->txn ? s->service->conf.store->ops->commit(s->txn) : ERR_OK;
	for (struct work *w = s->works; w; w = w->next)
		if (w->dirty && (!err || err == ERR_UNAVAILABLE))	/* nobody knows: then the next one reads again */
			sm_cache_update(s->service->cache, w->kind, w->id, err ? NULL : w->shared, s->epoch);
	return err;
}

enum err sm_commit(struct sm_session *s)
{
	if (s->quick.on)
		return commit_quick(s);
	enum err err = commit_txn(s);
	session_end(s, err);
	return err;
}

enum err sm_note(struct sm_session *s, const struct work *w, enum change_kind kind, const char *path, const char *value)
{
	struct change_item *i = ARENA_NEW(s->arena, struct change_item);
	if (!i)
		return diag_add(s->diag, ERR_NO_MEMORY, "out of memory");
	i->change = (struct change){ kind, CHANGE_BY_CLIENT, w->kind, w->id, path, value, 0, 0 };
	i->work = w;
	*s->tail = i;
	s->tail = &i->next;
	s->n_changes++;
	return ERR_OK;
}
