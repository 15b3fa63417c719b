/* SPDX-License-Identifier: Apache-2.0 */
#include "submodels/cache.h"

#include <stdlib.h>

#include "aas/json.h"
#include "aas/path.h"
#include "aas/tree.h"
#include "base/map.h"
#include "base/thread.h"

#define N_BUCKETS 4096
#define NEWER_MAX 128			/* values beside a tree, until the next writer lays them in */
#define QUICK_BYTES ((size_t)1 << 18)	/* a tree of this size is copied in less than a millisecond */

/* Written after the tree was read.  Only ever added at the end: who has counted n of them under the lock may read these n without it. */
struct sm_newer {
	struct sm_newer *next;
	const char *path, *text;	/* text NULL: absent */
	int64_t version;
	size_t bytes;
};

struct sm_cache {
	struct lock lock;
	struct map map[STORE_N_KINDS];
	struct sm_shared *newest, *oldest;
	size_t bytes, budget;
	uint64_t epoch;
	struct {			/* by hash of the id */
		uint64_t epoch;		/* of the last change */
		uint64_t hash;		/* whose values have been written since */
		int64_t version;	/* the last time as this version */
	} changed[N_BUCKETS];
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
	s->tail = &s->first;
	atomic_init(&s->refs, 1);
	return s;
}

void sm_shared_drop(struct sm_shared *s)
{
	if (!s || atomic_fetch_sub(&s->refs, 1) != 1)
		return;
	for (struct sm_newer *v = s->first, *next; v; v = next) {
		next = v->next;
		free(v);
	}
	free(atomic_load(&s->packed));
	arena_free(s->arena);
}

bool sm_shared_json(struct sm_shared *s)
{
	struct buf b = BUF_INIT;
	char *p = NULL;
	aas_json_write(&b, s->tree.node);
	if (!b.failed && (p = arena_strndup(s->arena, b.p, b.n))) {
		s->tree.json = (struct slice){ p, b.n };
		s->tree.has_blob = memmem(p, b.n, SM_BLOB_MARK, sizeof SM_BLOB_MARK - 1) != NULL;
	}
	buf_fini(&b);
	return p != NULL;
}

const struct slice *sm_shared_packed(const struct sm_shared *s)
{
	return atomic_load(&((struct sm_shared *)s)->packed);
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
	const struct slice *packed = atomic_load(&s->packed);
	s->bytes = arena_used(s->arena) + strlen(s->id) + 64 + (packed ? packed->n : 0);
	if (s->bytes > c->budget || !map_put(&c->map[s->tree.kind], s->id, strlen(s->id), s, NULL))
		return;
	atomic_fetch_add(&s->refs, 1);
	s->latest = s->tree.version;
	link_newest(c, s);
	c->bytes += s->bytes;
	while (c->bytes > c->budget)
		take_out(c, c->oldest, gone);
}

static struct sm_shared *find(struct sm_cache *c, enum store_kind kind, const char *id)
{
	struct sm_shared *s = map_get(&c->map[kind], id, strlen(id));
	if (s) {
		atomic_fetch_add(&s->refs, 1);
		if (c->newest != s) {
			unlink_shared(c, s);
			link_newest(c, s);
		}
	}
	return s;
}

/* -- values beside a tree --------------------------------------------------------------------------------------------------------- */
static bool add_newer(struct sm_shared *s, const char *path, const char *text, int64_t version)
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
	*s->tail = v;
	s->tail = &v->next;
	s->n_newer++;
	s->bytes += v->bytes;
	return true;
}

/* A tree with the first n of the newer values, as `version`; NULL without memory. */
static struct sm_shared *renewed(const struct sm_shared *s, size_t n, int64_t version)
{
	struct sm_shared *fresh = sm_shared_new(s->tree.kind, s->id);
	struct aas_node *root = fresh ? aas_copy(fresh->arena, s->tree.node) : NULL, *at;
	bool ok = root != NULL;
	for (const struct sm_newer *v = s->first; n && ok; n--, v = n ? v->next : NULL) {
		ok = !aas_path_find(root, v->path, strlen(v->path), &at, NULL) && aas_is(at, AAS_Property);
		if (ok)
			AAS_AT(at, Property, value).str = v->text ? arena_strdup(fresh->arena, v->text) : NULL;
	}
	if (ok) {
		fresh->tree.node = root;
		fresh->tree.version = version;
	}
	if (!ok || !sm_shared_json(fresh) || arena_failed(fresh->arena)) {
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
	put_in(c, fresh, gone);
	for (; v; v = v->next) {
		size_t before = fresh->bytes;
		if (map_get(&c->map[fresh->tree.kind], fresh->id, strlen(fresh->id)) != fresh)
			return;
		if (!add_newer(fresh, v->path, v->text, v->version)) {
			take_out(c, fresh, gone);
			return;
		}
		c->bytes += fresh->bytes - before;
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
	return get(c, kind, id, QUICK_BYTES);
}

struct sm_shared *sm_cache_structure(struct sm_cache *c, enum store_kind kind, const char *id)
{
	lock_take(&c->lock);
	struct sm_shared *s = find(c, kind, id);
	bool mine = s && s->n_newer > NEWER_MAX && !s->renewing;
	size_t n = s ? s->n_newer : 0;
	int64_t version = s ? s->latest : 0;
	if (mine)
		s->renewing = true;
	lock_drop(&c->lock);
	return mine ? renew(c, s, n, version) : s;
}

uint64_t sm_cache_epoch(struct sm_cache *c)
{
	lock_take(&c->lock);
	uint64_t epoch = c->epoch;
	lock_drop(&c->lock);
	return epoch;
}

static uint64_t id_hash(const char *id)
{
	return hash_bytes(id, strlen(id));
}

/* Whether what a session that began at `epoch` has read, or made, is the newest there is. */
static bool is_newest(const struct sm_cache *c, const struct sm_shared *s, uint64_t epoch)
{
	uint64_t hash = id_hash(s->id), b = hash % N_BUCKETS;
	bool values = s->tree.kind == STORE_SUBMODEL && c->changed[b].hash == hash;
	return c->changed[b].epoch <= epoch && (!values || c->changed[b].version <= s->tree.version);
}

void sm_cache_fill(struct sm_cache *c, struct sm_shared *s, uint64_t epoch)
{
	struct sm_shared *gone = NULL;
	lock_take(&c->lock);
	if (is_newest(c, s, epoch) && !map_get(&c->map[s->tree.kind], s->id, strlen(s->id)))
		put_in(c, s, &gone);
	lock_drop(&c->lock);
	drop_list(gone);
}

/* When somebody else changed it since our session began, who was last is not known here: then the next reader shall ask the store. */
void sm_cache_update(struct sm_cache *c, enum store_kind kind, const char *id, struct sm_shared *fresh, uint64_t epoch)
{
	struct sm_shared *gone = NULL, *old;
	lock_take(&c->lock);
	bool alone = fresh && is_newest(c, fresh, epoch);
	c->changed[id_hash(id) % N_BUCKETS].epoch = ++c->epoch;
	if ((old = map_get(&c->map[kind], id, strlen(id))))
		take_out(c, old, &gone);
	if (alone)
		put_in(c, fresh, &gone);
	lock_drop(&c->lock);
	drop_list(gone);
}

/* Values do not count as a change with an epoch, for a reader who waits for a moment without one would never fill the cache: the version says
 * whether he has seen them.  Unless the place is another one's: then that one's readers have to be refused by the epoch. */
static void remember(struct sm_cache *c, const char *id, int64_t version)
{
	uint64_t hash = id_hash(id), b = hash % N_BUCKETS;
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
	remember(c, id, version);
	struct sm_shared *s = map_get(&c->map[STORE_SUBMODEL], id, strlen(id));
	if (s && s->latest < version) {
		size_t before = s->bytes;
		bool ok = s->latest == version - 1;
		for (size_t i = 0; i < n && ok; i++)
			ok = add_newer(s, v[i].path, v[i].text, version);
		c->bytes += s->bytes - before;
		s->latest = version;
		if (!ok)
			take_out(c, s, &gone);
		while (c->bytes > c->budget)
			take_out(c, c->oldest, &gone);
	}
	lock_drop(&c->lock);
	drop_list(gone);
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
	} else if (map_get(&c->map[s->tree.kind], s->id, strlen(s->id)) == s) {
		s->bytes += bytes.n;
		c->bytes += bytes.n;
		while (c->bytes > c->budget)
			take_out(c, c->oldest, &gone);
	}
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
