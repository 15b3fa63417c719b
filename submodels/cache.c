/* SPDX-License-Identifier: Apache-2.0 */
#include "submodels/cache.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/thread.h"

#define N_BUCKETS 4096

struct sm_cache {
	struct lock lock;
	struct map map[STORE_N_KINDS];
	struct sm_shared *newest, *oldest;
	size_t bytes, budget;
	uint64_t epoch;
	uint64_t changed[N_BUCKETS];	/* by hash of the id: the epoch of the last change */
};

struct sm_shared *sm_shared_new(enum store_kind kind, const char *id)
{
	struct arena *a = arena_new(0);
	struct sm_shared *s = a ? ARENA_NEW(a, struct sm_shared) : NULL;
	if (!s || !(s->id = arena_strdup(a, id))) {
		arena_free(a);
		return NULL;
	}
	s->arena = a;
	s->tree.kind = kind;
	atomic_init(&s->refs, 1);
	return s;
}

void sm_shared_drop(struct sm_shared *s)
{
	if (s && atomic_fetch_sub(&s->refs, 1) == 1)
		arena_free(s->arena);
}

struct sm_cache *sm_cache_new(size_t bytes)
{
	struct sm_cache *c = calloc(1, sizeof *c);
	if (!c)
		return NULL;
	lock_init(&c->lock, RANK_CACHE);
	c->budget = bytes ? bytes : SM_CACHE_BYTES_DEFAULT;
	return c;
}

static void drop_list(struct sm_shared *s)
{
	for (struct sm_shared *next; s; s = next) {
		next = s->older;
		sm_shared_drop(s);
	}
}

void sm_cache_free(struct sm_cache *c)
{
	if (!c)
		return;
	drop_list(c->newest);
	for (int k = 0; k < STORE_N_KINDS; k++)
		map_fini(&c->map[k]);
	lock_fini(&c->lock);
	free(c);
}

static void unlink_shared(struct sm_cache *c, struct sm_shared *s)
{
	*(s->newer ? &s->newer->older : &c->newest) = s->older;
	*(s->older ? &s->older->newer : &c->oldest) = s->newer;
	s->newer = s->older = NULL;
}

static void link_newest(struct sm_cache *c, struct sm_shared *s)
{
	s->older = c->newest;
	*(c->newest ? &c->newest->newer : &c->oldest) = s;
	c->newest = s;
}

/* Out of the cache; the cache's count goes to the list *gone, because freeing is slow and waits until the lock is dropped. */
static void take_out(struct sm_cache *c, struct sm_shared *s, struct sm_shared **gone)
{
	map_del(&c->map[s->tree.kind], s->id, strlen(s->id));
	unlink_shared(c, s);
	c->bytes -= s->bytes;
	s->older = *gone;
	*gone = s;
}

static void put_in(struct sm_cache *c, struct sm_shared *s, struct sm_shared **gone)
{
	s->bytes = arena_used(s->arena) + strlen(s->id) + 64;
	if (s->bytes > c->budget || !map_put(&c->map[s->tree.kind], s->id, strlen(s->id), s, NULL))
		return;
	atomic_fetch_add(&s->refs, 1);
	link_newest(c, s);
	c->bytes += s->bytes;
	while (c->bytes > c->budget)
		take_out(c, c->oldest, gone);
}

struct sm_shared *sm_cache_get(struct sm_cache *c, enum store_kind kind, const char *id)
{
	lock_take(&c->lock);
	struct sm_shared *s = map_get(&c->map[kind], id, strlen(id));
	if (s) {
		atomic_fetch_add(&s->refs, 1);
		if (c->newest != s) {
			unlink_shared(c, s);
			link_newest(c, s);
		}
	}
	lock_drop(&c->lock);
	return s;
}

uint64_t sm_cache_epoch(struct sm_cache *c)
{
	lock_take(&c->lock);
	uint64_t epoch = c->epoch;
	lock_drop(&c->lock);
	return epoch;
}

static uint64_t *bucket(struct sm_cache *c, const char *id)
{
	return &c->changed[hash_bytes(id, strlen(id)) % N_BUCKETS];
}

void sm_cache_fill(struct sm_cache *c, struct sm_shared *s, uint64_t epoch)
{
	struct sm_shared *gone = NULL;
	lock_take(&c->lock);
	if (*bucket(c, s->id) <= epoch && !map_get(&c->map[s->tree.kind], s->id, strlen(s->id)))
		put_in(c, s, &gone);
	lock_drop(&c->lock);
	drop_list(gone);
}

/* When somebody else changed it since our session began, who was last is not known here: then the next reader shall ask the store. */
void sm_cache_update(struct sm_cache *c, enum store_kind kind, const char *id, struct sm_shared *fresh, uint64_t epoch)
{
	struct sm_shared *gone = NULL, *old;
	lock_take(&c->lock);
	uint64_t *changed = bucket(c, id);
	bool alone = *changed <= epoch;
	*changed = ++c->epoch;
	if ((old = map_get(&c->map[kind], id, strlen(id))))
		take_out(c, old, &gone);
	if (fresh && alone)
		put_in(c, fresh, &gone);
	lock_drop(&c->lock);
	drop_list(gone);
}

size_t sm_cache_bytes(struct sm_cache *c)
{
	lock_take(&c->lock);
	size_t bytes = c->bytes;
	lock_drop(&c->lock);
	return bytes;
}
