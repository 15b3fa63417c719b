/* SPDX-License-Identifier: Apache-2.0
 * cache.h - documents of identifiables and their parsed trees, immutable, shared by count, within a budget of bytes.
 *
 * A document comes alone; its tree is parsed when somebody needs it, and kept with it.  Of what was asked for only once the least recently used
 * goes first; what was asked for again has up to four fifths of the budget to itself, so that a client who walks over everything drives out others
 * who walk, and not what is used all the time.
 *
 * Any thread.  What the cache shows was committed: a writer updates it after its commit, and a reader's fill is refused when the
 * identifiable changed after the reader's session began (its snapshot may be older than the change).
 */
#ifndef SUBMODELS_CACHE_H
#define SUBMODELS_CACHE_H

#include <stdatomic.h>

#include "submodels/service.h"

struct sm_newer;

struct sm_cache;
struct sm_parsed {
	const struct aas_node *node;
	struct arena *arena;		/* its own; NULL: the node is in the arena of the sm_shared */
};

/* One identifiable in an arena of its own.  `tree` is the first member: every sm_tree the service hands out is one of these. */
struct sm_shared {
	struct sm_tree tree;
	const char *id;
	struct arena *arena;
	atomic_uint refs;
	_Atomic(struct slice *) packed;	/* one block with its bytes; set once */
	_Atomic(struct sm_parsed *) parsed;	/* set once */
	/* the cache's own, under its lock */
	_Atomic(struct sm_cache *) cache;	/* that it is in and counted by; NULL: none */
	atomic_bool current;		/* in the cache, and nothing newer beside it; read without the lock */
	atomic_bool used;		/* shown without the cache being asked: it goes by once before it drops it */
	bool parsed_counted;
	bool proven;			/* was asked for again after it came */
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

/* The tree of its document, parsed when it is first asked for.  NULL: no memory, or the document cannot be read.  Any thread. */
const struct aas_node *sm_shared_node(const struct sm_shared *);
/* The same, but NULL when it would take long. */
const struct aas_node *sm_shared_node_quick(const struct sm_shared *);
/* Of one that nobody else has: its tree, in its own arena.  False without memory. */
bool sm_shared_set(struct sm_shared *, const struct aas_node *);
/* Of one that nobody else has: its document, in its own arena, as `version`. */
void sm_shared_document(struct sm_shared *, struct slice json, int64_t version);

#define SM_CACHE_BYTES_DEFAULT ((size_t)128 << 20)
struct sm_cache *sm_cache_new(size_t bytes);		/* 0: default */
void sm_cache_free(struct sm_cache *);

struct sm_shared *sm_cache_get(struct sm_cache *, enum store_kind, const char *id);	/* counted for the caller; NULL */
/* The same, but NULL when it would take long to lay newer values into a large tree. */
struct sm_shared *sm_cache_peek(struct sm_cache *, enum store_kind, const char *id);
/* The same for who needs the structure alone: some values may be older ones. */
struct sm_shared *sm_cache_structure(struct sm_cache *, enum store_kind, const char *id);
/* The same with its tree, but NULL when it would take long to have that, or to lay newer values in. */
struct sm_shared *sm_cache_structure_quick(struct sm_cache *, enum store_kind, const char *id);
/* The document as this version, NULL when it is there as another one.  Whoever knows the version from the store need not be told what others
 * change. */
struct sm_shared *sm_cache_version(struct sm_cache *, enum store_kind, const char *id, int64_t version);
/* The same with its tree: when that is there, or was worth to be made because somebody else has asked for this document before; else NULL. */
struct sm_shared *sm_cache_version_read(struct sm_cache *, enum store_kind, const char *id, int64_t version);
/* Taken before a session's snapshot; grows with every update. */
uint64_t sm_cache_epoch(struct sm_cache *);
/* Offer what a session that began at `epoch` has read.  The cache takes a count of its own. */
void sm_cache_fill(struct sm_cache *, struct sm_shared *, uint64_t epoch);
/* A session that began at `epoch` has committed a change of this identifiable; `fresh` is its new state, NULL: deleted. */
void sm_cache_update(struct sm_cache *, enum store_kind, const char *id, struct sm_shared *fresh, uint64_t epoch);
/* Values of a submodel were committed as `version`.  Costs little: they are kept beside the tree until somebody reads it.  Without the version
 * before this one the tree is dropped. */
void sm_cache_values(struct sm_cache *, const char *id, const struct store_value *, size_t n, int64_t version);
/* Writes tree.json, and whether it has blobs.  False without memory. */
bool sm_shared_json(struct sm_shared *);
/* Another process has committed this identifiable (or deleted it) as `version`: an older one is dropped, and refused from now on. */
void sm_cache_stale(struct sm_cache *, enum store_kind, const char *id, int64_t version);
/* What other processes change is heard from now on, or not any more: then a reader has to compare versions (sm_cache_peek gives nothing).  True
 * drops everything, and refuses whoever began before. */
void sm_cache_heard(struct sm_cache *, bool);
bool sm_cache_hears(struct sm_cache *);
/* Give a tree another form of its document (sm_tree_pack); in the cache or not, it is counted where it is. */
void sm_cache_pack(struct sm_cache *, struct sm_shared *, struct slice bytes);
size_t sm_cache_bytes(struct sm_cache *);

#endif
