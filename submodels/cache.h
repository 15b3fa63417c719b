/* SPDX-License-Identifier: Apache-2.0
 * cache.h - parsed trees of identifiables, immutable, shared by count, within a budget of bytes; the least recently used go first.
 *
 * Any thread.  What the cache shows was committed: a writer updates it after its commit, and a reader's fill is refused when the
 * identifiable changed after the reader's session began (its snapshot may be older than the change).
 */
#ifndef SUBMODELS_CACHE_H
#define SUBMODELS_CACHE_H

#include <stdatomic.h>

#include "submodels/service.h"

struct sm_newer;

/* One tree in an arena of its own.  `tree` is the first member: every sm_tree the service hands out is one of these. */
struct sm_shared {
	struct sm_tree tree;
	const char *id;
	struct arena *arena;
	atomic_uint refs;
	_Atomic(struct slice *) packed;	/* one block with its bytes; set once */
	/* the cache's own, under its lock */
	struct sm_shared *newer, *older;
	size_t bytes;
	struct sm_newer *first, **tail;	/* values written since: the tree stays as it is, and a reader gets a new one */
	size_t n_newer;
	int64_t latest;			/* version with them */
	bool renewing;			/* some writer is laying them in: others need not */
};

/* An empty one, counted once for the caller; NULL without memory. */
struct sm_shared *sm_shared_new(enum store_kind, const char *id);
void sm_shared_drop(struct sm_shared *);		/* NULL is allowed */
const struct slice *sm_shared_packed(const struct sm_shared *);

struct sm_cache;
#define SM_CACHE_BYTES_DEFAULT ((size_t)128 << 20)
struct sm_cache *sm_cache_new(size_t bytes);		/* 0: default */
void sm_cache_free(struct sm_cache *);

struct sm_shared *sm_cache_get(struct sm_cache *, enum store_kind, const char *id);	/* counted for the caller; NULL */
/* The same, but NULL when it would take long to lay newer values into a large tree. */
struct sm_shared *sm_cache_peek(struct sm_cache *, enum store_kind, const char *id);
/* The same for who needs the structure alone: some values may be older ones. */
struct sm_shared *sm_cache_structure(struct sm_cache *, enum store_kind, const char *id);
/* Taken before a session's snapshot; grows with every update. */
uint64_t sm_cache_epoch(struct sm_cache *);
/* Offer what a session that began at `epoch` has read.  The cache takes a count of its own. */
void sm_cache_fill(struct sm_cache *, struct sm_shared *, uint64_t epoch);
/* A session that began at `epoch` has committed a change of this identifiable; `fresh` is its new state, NULL: deleted. */
void sm_cache_update(struct sm_cache *, enum store_kind, const char *id, struct sm_shared *fresh, uint64_t epoch);
/* Values of a submodel were committed as `version`.  Costs little: they are kept beside the tree until somebody reads it.  Without the version
 * before this one the tree is dropped. */
void sm_cache_values(struct sm_cache *, const char *id, const struct store_value *, size_t n, int64_t version);
#define SM_BLOB_MARK "\"modelType\":\"Blob\""	/* in the document of what may have a blob */
/* Writes tree.json, and whether it has blobs.  False without memory. */
bool sm_shared_json(struct sm_shared *);
/* Give a tree another form of its document (sm_tree_pack); in the cache or not, it is counted where it is. */
void sm_cache_pack(struct sm_cache *, struct sm_shared *, struct slice bytes);
size_t sm_cache_bytes(struct sm_cache *);

#endif
