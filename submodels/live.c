/* SPDX-License-Identifier: Apache-2.0 */
#include "submodels/live.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/thread.h"

/* One value.  Values of a submodel hang in a list, the most recently changed first, so that "what is new" costs what is new. */
struct entry {
	struct entry *newer, *older;
	struct owner *owner;
	char *text;		/* NULL: known to have no value */
	size_t cap;		/* of the block behind `block` */
	char *block;
	int64_t time_us;
	uint64_t seq;
	enum quality quality;
	char path[];
};

struct owner {
	struct map paths;
	struct entry *newest;
	char id[];
};

struct live {
	struct lock lock;
	pthread_cond_t changed;
	struct map owners;
	atomic_size_t n_owners;		/* lets live_has answer without the lock when nothing is live at all */
	_Atomic uint64_t made;		/* owners, ever */
	uint64_t seq;
};

struct live *live_new(void)
{
	struct live *l = calloc(1, sizeof *l);
	if (!l)
		return NULL;
	lock_init(&l->lock, RANK_LIVE);
	cond_init(&l->changed);
	return l;
}

static void entry_free(struct entry *e)
{
	free(e->block);
	free(e);
}

static void owner_free(struct owner *o)
{
	for (struct entry *e = o->newest, *older; e; e = older) {
		older = e->older;
		entry_free(e);
	}
	map_fini(&o->paths);
	free(o);
}

void live_free(struct live *l)
{
	struct map_item *it;
	if (!l)
		return;
	for (size_t i = 0; (it = map_next(&l->owners, &i));)
		owner_free(it->value);
	map_fini(&l->owners);
	pthread_cond_destroy(&l->changed);
	lock_fini(&l->lock);
	free(l);
}

static void unlink_entry(struct entry *e)
{
	if (e->newer)
		e->newer->older = e->older;
	else if (e->owner->newest == e)
		e->owner->newest = e->older;
	if (e->older)
		e->older->newer = e->newer;
	e->newer = e->older = NULL;
}

static void link_newest(struct entry *e)
{
	e->older = e->owner->newest;
	if (e->older)
		e->older->newer = e;
	e->owner->newest = e;
}

static struct owner *owner_make(struct live *l, const char *id, size_t n)
{
	struct owner *o = calloc(1, sizeof *o + n + 1);
	if (!o)
		return NULL;
	memcpy(o->id, id, n);
	if (!map_put(&l->owners, id, n, o, NULL)) {
		free(o);
		return NULL;
	}
	atomic_store(&l->n_owners, l->owners.n);
	atomic_fetch_add(&l->made, 1);
	return o;
}

static struct entry *entry_make(struct owner *o, const char *path, size_t n)
{
	struct entry *e = calloc(1, sizeof *e + n + 1);
	if (!e)
		return NULL;
	memcpy(e->path, path, n);
	e->owner = o;
	e->time_us = TIME_NONE;
	if (!map_put(&o->paths, path, n, e, NULL)) {
		free(e);
		return NULL;
	}
	link_newest(e);
	return e;
}

static bool entry_same(const struct entry *e, const char *text, enum quality q, int64_t time_us)
{
	return e->seq && e->time_us == time_us && e->quality == q && (text && e->text ? str_eq(text, e->text) : text == e->text);
}

static bool entry_text(struct entry *e, const char *text)
{
	size_t n = text ? strlen(text) + 1 : 0;
	if (n > e->cap) {
		char *p = realloc(e->block, n + 16);
		if (!p)
			return false;
		e->block = p;
		e->cap = n + 16;
	}
	e->text = text ? memcpy(e->block, text, n) : NULL;
	return true;
}

enum err live_set(struct live *l, const char *submodel_id, const char *path, const char *text, enum quality q, int64_t time_us)
{
	size_t n_id = strlen(submodel_id), n_path = strlen(path);
	enum err err = ERR_NO_MEMORY;
	struct owner *o;
	struct entry *e;

	lock_take(&l->lock);
	if (!(o = map_get(&l->owners, submodel_id, n_id)) && !(o = owner_make(l, submodel_id, n_id)))
		goto out;
	if (!(e = map_get(&o->paths, path, n_path)) && !(e = entry_make(o, path, n_path)))
		goto out;
	if (entry_same(e, text, q, time_us)) {
		err = ERR_OK;
		goto out;
	}
	if (!entry_text(e, text))
		goto out;
	e->quality = q;
	e->time_us = time_us;
	e->seq = ++l->seq;
	if (o->newest != e) {
		unlink_entry(e);
		link_newest(e);
	}
	pthread_cond_broadcast(&l->changed);
	err = ERR_OK;
out:
	lock_drop(&l->lock);
	return err;
}

void live_drop(struct live *l, const char *submodel_id, const char *path)
{
	size_t n_id = strlen(submodel_id);
	lock_take(&l->lock);
	struct owner *o = map_get(&l->owners, submodel_id, n_id);
	struct entry *e = o && path ? map_del(&o->paths, path, strlen(path)) : NULL;
	if (e) {
		unlink_entry(e);
		entry_free(e);
	}
	if (o && (!path || !o->newest)) {
		map_del(&l->owners, submodel_id, n_id);
		owner_free(o);
		atomic_store(&l->n_owners, l->owners.n);
	}
	lock_drop(&l->lock);
}

uint64_t live_owners(struct live *l)
{
	return atomic_load(&l->made);
}

bool live_has(struct live *l, const char *submodel_id)
{
	if (!atomic_load(&l->n_owners))
		return false;
	lock_take(&l->lock);
	bool has = map_get(&l->owners, submodel_id, strlen(submodel_id)) != NULL;
	lock_drop(&l->lock);
	return has;
}

static bool copy_out(struct arena *a, const struct entry *e, struct live_value *v)
{
	*v = (struct live_value){ arena_strdup(a, e->owner->id), arena_strdup(a, e->path), NULL, e->quality, e->time_us, e->seq };
	if (e->text && !(v->text = arena_strdup(a, e->text)))
		return false;
	return v->submodel_id && v->path;
}

enum err live_get(struct live *l, const char *submodel_id, const char *path, struct arena *a, struct live_value *out)
{
	enum err err = ERR_NOT_FOUND;
	lock_take(&l->lock);
	struct owner *o = map_get(&l->owners, submodel_id, strlen(submodel_id));
	struct entry *e = o ? map_get(&o->paths, path, strlen(path)) : NULL;
	if (e && e->seq)
		err = copy_out(a, e, out) ? ERR_OK : ERR_NO_MEMORY;
	lock_drop(&l->lock);
	return err;
}

static size_t count_since(const struct owner *o, uint64_t since)
{
	size_t n = 0;
	for (const struct entry *e = o->newest; e && e->seq > since; e = e->older)
		n++;
	return n;
}

static bool copy_since(const struct owner *o, uint64_t since, struct arena *a, struct live_value *v, size_t *n)
{
	for (const struct entry *e = o->newest; e && e->seq > since; e = e->older)
		if (!copy_out(a, e, &v[(*n)++]))
			return false;
	return true;
}

enum err live_list(struct live *l, const char *submodel_id, uint64_t since, struct arena *a, struct live_value **out, size_t *n,
		   uint64_t *seq)
{
	struct map_item *it;
	bool ok = true;
	size_t total = 0;

	*out = NULL;
	*n = 0;
	lock_take(&l->lock);
	*seq = l->seq;
	struct owner *one = submodel_id ? map_get(&l->owners, submodel_id, strlen(submodel_id)) : NULL;
	if (one)
		total = count_since(one, since);
	for (size_t i = 0; !submodel_id && (it = map_next(&l->owners, &i));)
		total += count_since(it->value, since);
	if (total)
		ok = (*out = ARENA_ARRAY(a, struct live_value, total)) != NULL;
	if (ok && one)
		ok = copy_since(one, since, a, *out, n);
	for (size_t i = 0; ok && total && !submodel_id && (it = map_next(&l->owners, &i));)
		ok = copy_since(it->value, since, a, *out, n);
	lock_drop(&l->lock);
	return ok ? ERR_OK : ERR_NO_MEMORY;
}

uint64_t live_wait(struct live *l, uint64_t since, int64_t us)
{
	int64_t until = clock_mono_us() + us;
	lock_take(&l->lock);
	while (l->seq <= since) {
		int64_t left = until - clock_mono_us();
		if (left <= 0)
			break;
		lock_wait(&l->lock, &l->changed, left);
	}
	uint64_t seq = l->seq;
	lock_drop(&l->lock);
	return seq;
}
