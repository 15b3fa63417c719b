/* SPDX-License-Identifier: Apache-2.0
 * cache_priv.h - what the cache (cache.c) and what it holds (shared.c) know of each other.
 */
#ifndef SUBMODELS_CACHE_PRIV_H
#define SUBMODELS_CACHE_PRIV_H

#include "submodels/cache.h"

#define QUICK_BYTES ((size_t)1 << 18)	/* a tree of this size is copied in less than a millisecond */

/* Written after the tree was read.  Only ever added at the end: who has counted n of them under the lock may read these n without it. */
struct sm_newer {
	struct sm_newer *next;
	const char *path, *text;	/* text NULL: absent */
	int64_t version;
	size_t bytes;
};

/* Its tree was parsed: it is counted where it is. */
void sm_cache_count_parsed(struct sm_shared *);

#endif
