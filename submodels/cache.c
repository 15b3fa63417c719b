/* SPDX-License-Identifier: Apache-2.0 */
#include "submodels/cache_priv.h"

#include <stdlib.h>

#include "aas/path.h"
#include "aas/tree.h"
#include "base/map.h"
#include "base/thread.h"

#define N_BUCKETS 4096
#define ENTRY_BYTES 200		/* of malloc and the map, for one entry */
#define SPARED_MAX 64		/* of one turn, while others go on showing them */
#define NEWER_MAX 128			/* values beside a tree, until the next writer lays them in */

/* In the order of the last use. */
struct list {
	struct sm_shared *newest, *oldest;
	size_t bytes;
};

struct sm_cache {
	struct lock lock;
	struct map map[STORE_N_KINDS];
	struct list list[2];		/* by `proven` */
	size_t budget;
	uint64_t epoch, floor;		/* floor: what began before is refused */
	atomic_bool deaf;
	struct {			/* by hash of kind and id */
		uint64_t epoch;		/* of the last change */
		uint64_t hash;		/* of which something newer than a reader may have seen was written */
		int64_t version;	/* the last time as this version */
	} changed[N_BUCKETS];
};

/* -- the cache ----------------------------------------------------------------------------------------------------------------------- */
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
	for (int i = 0; i < 2; i++)
		drop_list(c->list[i].newest);
	for (int k = 0; k < STORE_N_KINDS; k++)
		map_fini(&c->map[k]);
	lock_fini(&c->lock);
	free(c);
}

static void unlink_shared(struct sm_cache *c, struct sm_shared *s)
{
	struct list *l = &c->list[s->proven];
	*(s->newer ? &s->newer->older : &l->newest) = s->older;
	*(s->older ? &s->older->newer : &l->oldest) = s->newer;
	s->newer = s->older = NULL;
	l->bytes -= s->bytes;
}

static void link_newest(struct sm_cache *c, struct sm_shared *s)
{
	struct list *l = &c->list[s->proven];
	s->older = l->newest;
	*(l->newest ? &l->newest->newer : &l->oldest) = s;
	l->newest = s;
	l->bytes += s->bytes;
}

static void grow(struct sm_cache *c, struct sm_shared *s, size_t bytes)
{
	s->bytes += bytes;
	c->list[s->proven].bytes += bytes;
}

/* Out of the cache; the cache's count goes to the list *gone, because freeing is slow and waits until the lock is dropped. */
static void take_out(struct sm_cache *c, struct sm_shared *s, struct sm_shared **gone)
{
	map_del(&c->map[s->tree.kind], s->id, strlen(s->id));
	unlink_shared(c, s);
	atomic_store(&s->current, false);
	atomic_store(&s->cache, NULL);
	s->older = *gone;
	*gone = s;
}

/* Whoever is asked for a second time is proven, and the oldest of those have to prove themselves again when they are too many. */
static void touch(struct sm_cache *c, struct sm_shared *s)
{
	if (s->proven && c->list[1].newest == s)
		return;
	unlink_shared(c, s);
	s->proven = true;
	link_newest(c, s);
	for (struct sm_shared *o; c->list[1].bytes > c->budget / 5 * 4 && (o = c->list[1].oldest) != s;) {
		unlink_shared(c, o);
		o->proven = false;
		link_newest(c, o);
	}
}

/* Within the budget again.  `s` goes last: it is wanted now; and what was shown without the cache being asked (sm_tree_used) is as if it had been. */
static void shrink(struct sm_cache *c, const struct sm_shared *s, struct sm_shared **gone)
{
	unsigned spared = 0;
	while (c->list[0].bytes + c->list[1].bytes > c->budget) {
		struct sm_shared *o = c->list[0].oldest;
		if (!o || (o == s && c->list[1].oldest))
			o = c->list[1].oldest;
		if (o == s && o->newer)
			o = o->newer;
		if (o != s && spared < SPARED_MAX && atomic_exchange(&o->used, false)) {
			touch(c, o);
			spared++;
			continue;
		}
		take_out(c, o, gone);
	}
}

static void put_in(struct sm_cache *c, struct sm_shared *s, struct sm_shared **gone)
{
	const struct slice *packed = atomic_load(&s->packed);
	atomic_store(&s->cache, c);
	const struct sm_parsed *p = atomic_load(&s->parsed);
	s->parsed_counted = p != NULL;
	s->bytes = arena_used(s->arena) + 2 * strlen(s->id) + ENTRY_BYTES + (packed ? packed->n : 0) + (p && p->arena ? arena_used(p->arena) : 0);
	if (s->bytes > c->budget || !map_put(&c->map[s->tree.kind], s->id, strlen(s->id), s, NULL)) {
		atomic_store(&s->cache, NULL);
		return;
	}
	atomic_fetch_add(&s->refs, 1);
	s->latest = s->tree.version;
	atomic_store(&s->current, true);
	link_newest(c, s);
	shrink(c, s, gone);
}

/* A tree was parsed: it may be that put_in has seen it, too. */
void sm_cache_count_parsed(struct sm_shared *s)
{
	struct sm_cache *c = atomic_load(&s->cache);
	struct sm_shared *gone = NULL;
	if (!c)
		return;
	lock_take(&c->lock);
	if (atomic_load(&s->cache) == c && !s->parsed_counted) {
		s->parsed_counted = true;
		grow(c, s, arena_used(atomic_load(&s->parsed)->arena));
		shrink(c, s, &gone);
	}
	lock_drop(&c->lock);
	drop_list(gone);
}

static struct sm_shared *find(struct sm_cache *c, enum store_kind kind, const char *id)
{
	struct sm_shared *s = map_get(&c->map[kind], id, strlen(id));
	if (s) {
		atomic_fetch_add(&s->refs, 1);
		touch(c, s);
	}
	return s;
}

/* -- values beside a tree --------------------------------------------------------------------------------------------------------- */
static bool add_newer(struct sm_cache *c, struct sm_shared *s, const char *path, const char *text, int64_t version)
{
	size_t n_path = strlen(path) + 1, n_text = text ? strlen(text) + 1 : 0;
	struct sm_newer *v = malloc(sizeof *v + n_path + n_text);
	if (!v)
		return false;
	char *p = memcpy(v + 1, path, n_path);
	v->next = NULL;
	v->path = p;
	v->text = text ? memcpy(p + n_path, text, n_text) : NULL;
	v->version = version;
	v->bytes = sizeof *v + n_path + n_text;
	atomic_store(&s->current, false);
	*s->tail = v;
	s->tail = &v->next;
	s->n_newer++;
	grow(c, s, v->bytes);
	return true;
}

/* A tree with the first n of the newer values, as `version`; NULL without memory. */
static struct sm_shared *renewed(const struct sm_shared *s, size_t n, int64_t version)
{
	struct sm_shared *fresh = sm_shared_new(s->tree.kind, s->id);
	const struct aas_node *base = fresh ? sm_shared_node(s) : NULL;
	struct aas_node *root = base ? aas_copy(fresh->arena, base) : NULL, *at;
	bool ok = root != NULL;
	for (const struct sm_newer *v = s->first; n && ok; n--, v = n ? v->next : NULL) {
		ok = !aas_path_find(root, v->path, strlen(v->path), &at, NULL) && aas_is(at, AAS_Property);
		if (ok)
			AAS_AT(at, Property, value).str = v->text ? arena_strdup(fresh->arena, v->text) : NULL;
	}
	if (ok)
		fresh->tree.version = version;
	if (!ok || !sm_shared_set(fresh, root) || !sm_shared_json(fresh) || arena_failed(fresh->arena)) {
		sm_shared_drop(fresh);
		return NULL;
	}
	return fresh;
}

/* The new tree takes the place of the old one, and what came after the first n values goes over to it.  The lock is held. */
static void replace(struct sm_cache *c, struct sm_shared *old, struct sm_shared *fresh, size_t n, struct sm_shared **gone)
{
	const struct sm_newer *v = old->first;
	if (map_get(&c->map[old->tree.kind], old->id, strlen(old->id)) != old)
		return;
	while (n--)
		v = v->next;
	fresh->latest = fresh->tree.version;
	take_out(c, old, gone);
	fresh->proven = old->proven;
	put_in(c, fresh, gone);
	for (; v; v = v->next) {
		if (map_get(&c->map[fresh->tree.kind], fresh->id, strlen(fresh->id)) != fresh)
			return;
		if (!add_newer(c, fresh, v->path, v->text, v->version)) {
			take_out(c, fresh, gone);
			return;
		}
		fresh->latest = v->version;
	}
}

/* `s` (a count is consumed) as it is with everything that was written: itself, or a new tree. */
static struct sm_shared *renew(struct sm_cache *c, struct sm_shared *s, size_t n, int64_t version)
{
	struct sm_shared *gone = NULL, *fresh = renewed(s, n, version);
	lock_take(&c->lock);
	if (fresh)
		replace(c, s, fresh, n, &gone);
	s->renewing = false;
	lock_drop(&c->lock);
	drop_list(gone);
	sm_shared_drop(s);
	return fresh;
}

static struct sm_shared *get(struct sm_cache *c, enum store_kind kind, const char *id, size_t bytes_max)
{
	lock_take(&c->lock);
	struct sm_shared *s = find(c, kind, id);
	size_t n = s ? s->n_newer : 0, bytes = s ? s->bytes : 0;
	int64_t version = s ? s->latest : 0;
	lock_drop(&c->lock);
	if (!n)
		return s;
	if (bytes <= bytes_max)
		return renew(c, s, n, version);
	sm_shared_drop(s);
	return NULL;
}

struct sm_shared *sm_cache_get(struct sm_cache *c, enum store_kind kind, const char *id)
{
	return get(c, kind, id, SIZE_MAX);
}

struct sm_shared *sm_cache_peek(struct sm_cache *c, enum store_kind kind, const char *id)
{
	return sm_cache_hears(c) ? get(c, kind, id, QUICK_BYTES) : NULL;
}

static struct sm_shared *structure(struct sm_cache *c, enum store_kind kind, const char *id, size_t bytes_max)
{
	lock_take(&c->lock);
	struct sm_shared *s = find(c, kind, id);
	bool due = s && s->n_newer > NEWER_MAX && !s->renewing, mine = due && s->bytes <= bytes_max;
	size_t n = s ? s->n_newer : 0;
	int64_t version = s ? s->latest : 0;
	if (mine)
		s->renewing = true;
	lock_drop(&c->lock);
	if (mine)
		return renew(c, s, n, version);
	if (!due)
		return s;
	sm_shared_drop(s);
	return NULL;
}

struct sm_shared *sm_cache_structure(struct sm_cache *c, enum store_kind kind, const char *id)
{
	return structure(c, kind, id, SIZE_MAX);
}

struct sm_shared *sm_cache_structure_quick(struct sm_cache *c, enum store_kind kind, const char *id)
{
	struct sm_shared *s = structure(c, kind, id, QUICK_BYTES);
	if (!s || sm_shared_node_quick(s))
		return s;
	sm_shared_drop(s);
	return NULL;
}

struct sm_shared *sm_cache_version(struct sm_cache *c, enum store_kind kind, const char *id, int64_t version)
{
	lock_take(&c->lock);
	struct sm_shared *s = map_get(&c->map[kind], id, strlen(id));
	s = s && s->tree.version == version && s->tree.json.p ? find(c, kind, id) : NULL;
	lock_drop(&c->lock);
	return s;
}

struct sm_shared *sm_cache_version_read(struct sm_cache *c, enum store_kind kind, const char *id, int64_t version)
{
	lock_take(&c->lock);
	struct sm_shared *s = map_get(&c->map[kind], id, strlen(id));
	bool worth = s && s->tree.version == version && (s->proven || atomic_load(&s->parsed));
	s = s && s->tree.version == version ? find(c, kind, id) : NULL;
	lock_drop(&c->lock);
	if (s && worth && sm_shared_node(s))
		return s;
	sm_shared_drop(s);
	return NULL;
}

uint64_t sm_cache_epoch(struct sm_cache *c)
{
	lock_take(&c->lock);
	uint64_t epoch = c->epoch;
	lock_drop(&c->lock);
	return epoch;
}

static uint64_t id_hash(enum store_kind kind, const char *id)
{
	return hash_bytes(id, strlen(id)) + kind;
}

/* Whether what a session that began at `epoch` has read, or made, is the newest there is. */
static bool is_newest(const struct sm_cache *c, const struct sm_shared *s, uint64_t epoch)
{
	uint64_t hash = id_hash(s->tree.kind, s->id), b = hash % N_BUCKETS;
	return c->floor <= epoch && c->changed[b].epoch <= epoch && (c->changed[b].hash != hash || c->changed[b].version <= s->tree.version);
}

/* Another process has written, and we are the first to hear of it; or it is the document of what is there as a tree, or with values beside it. */
static bool is_better(const struct sm_shared *s, const struct sm_shared *old)
{
	return old->latest < s->tree.version || (old->latest == s->tree.version && s->tree.json.p && (old->n_newer || !old->tree.json.p));
}

void sm_cache_fill(struct sm_cache *c, struct sm_shared *s, uint64_t epoch)
{
	struct sm_shared *gone = NULL;
	lock_take(&c->lock);
	struct sm_shared *old = map_get(&c->map[s->tree.kind], s->id, strlen(s->id));
	bool later = old && is_better(s, old);
	if (later)
		take_out(c, old, &gone);
	if ((later || !old) && is_newest(c, s, epoch))
		put_in(c, s, &gone);
	lock_drop(&c->lock);
	drop_list(gone);
}

/* When somebody else changed it since our session began, who was last is not known here: then the next reader shall ask the store. */
void sm_cache_update(struct sm_cache *c, enum store_kind kind, const char *id, struct sm_shared *fresh, uint64_t epoch)
{
	struct sm_shared *gone = NULL, *old;
	lock_take(&c->lock);
	bool alone = fresh && is_newest(c, fresh, epoch), proven = false;
	c->changed[id_hash(kind, id) % N_BUCKETS].epoch = ++c->epoch;
	old = map_get(&c->map[kind], id, strlen(id));
	bool later = old && fresh && old->latest > fresh->tree.version;	/* somebody was faster after our commit, and has been read already */
	if (old && !later) {
		proven = old->proven;
		take_out(c, old, &gone);
	}
	if (alone && !later) {
		fresh->proven = proven;
		put_in(c, fresh, &gone);
	}
	lock_drop(&c->lock);
	drop_list(gone);
}

/* This does not count as a change with an epoch, for a reader who waits for a moment without one would never fill the cache: the version says
 * whether he has seen it.  Unless the place is another one's: then that one's readers have to be refused by the epoch. */
static void remember(struct sm_cache *c, enum store_kind kind, const char *id, int64_t version)
{
	uint64_t hash = id_hash(kind, id), b = hash % N_BUCKETS;
	if (c->changed[b].hash != hash) {
		if (c->changed[b].hash)
			c->changed[b].epoch = ++c->epoch;
		c->changed[b].hash = hash;
		c->changed[b].version = version;
	}
	if (c->changed[b].version < version)
		c->changed[b].version = version;
}

void sm_cache_values(struct sm_cache *c, const char *id, const struct store_value *v, size_t n, int64_t version)
{
	struct sm_shared *gone = NULL;
	lock_take(&c->lock);
	remember(c, STORE_SUBMODEL, id, version);
	struct sm_shared *s = map_get(&c->map[STORE_SUBMODEL], id, strlen(id));
	if (s && s->latest < version) {
		bool ok = s->latest == version - 1;
		for (size_t i = 0; i < n && ok; i++)
			ok = add_newer(c, s, v[i].path, v[i].text, version);
		s->latest = version;
		if (!ok)
			take_out(c, s, &gone);
		shrink(c, s, &gone);
	}
	lock_drop(&c->lock);
	drop_list(gone);
}

/* -- other processes ----------------------------------------------------------------------------------------------------------------- */
void sm_cache_stale(struct sm_cache *c, enum store_kind kind, const char *id, int64_t version)
{
	struct sm_shared *gone = NULL;
	lock_take(&c->lock);
	remember(c, kind, id, version);
	struct sm_shared *s = map_get(&c->map[kind], id, strlen(id));
	if (s && s->latest < version)
		take_out(c, s, &gone);
	lock_drop(&c->lock);
	drop_list(gone);
}

void sm_cache_heard(struct sm_cache *c, bool heard)
{
	struct sm_shared *gone = NULL;
	lock_take(&c->lock);
	if (heard) {
		c->floor = ++c->epoch;
		for (int i = 0; i < 2; i++)
			while (c->list[i].oldest)
				take_out(c, c->list[i].oldest, &gone);
	}
	atomic_store(&c->deaf, !heard);
	lock_drop(&c->lock);
	drop_list(gone);
}

bool sm_cache_hears(struct sm_cache *c)
{
	return !atomic_load_explicit(&c->deaf, memory_order_acquire);
}

void sm_cache_pack(struct sm_cache *c, struct sm_shared *s, struct slice bytes)
{
	struct sm_shared *gone = NULL;
	struct slice *own = malloc(sizeof *own + bytes.n), *none = NULL;
	if (!own)
		return;
	*own = (struct slice){ (char *)(own + 1), bytes.n };
	if (bytes.n)
		memcpy(own + 1, bytes.p, bytes.n);
	lock_take(&c->lock);
	if (!atomic_compare_exchange_strong(&s->packed, &none, own)) {
		free(own);
	} else if (atomic_load(&s->cache)) {
		grow(c, s, bytes.n);
		shrink(c, s, &gone);
	}
	lock_drop(&c->lock);
	drop_list(gone);
}

size_t sm_cache_bytes(struct sm_cache *c)
{
	lock_take(&c->lock);
	size_t bytes = c->list[0].bytes + c->list[1].bytes;
	lock_drop(&c->lock);
	return bytes;
}
