/* SPDX-License-Identifier: Apache-2.0
 * The tree cache: budget, order of leaving, counts, and fills that come too late.
 */
#include "submodels/cache.h"

#include "tests/tap.h"

static struct sm_shared *tree(const char *id, size_t weight, int64_t version)
{
	struct sm_shared *s = sm_shared_new(STORE_SUBMODEL, id);
	arena_alloc(s->arena, weight);
	s->tree.version = version;
	return s;
}

static void fill(struct sm_cache *c, const char *id, size_t weight, int64_t version, uint64_t epoch)
{
	struct sm_shared *s = tree(id, weight, version);
	sm_cache_fill(c, s, epoch);
	sm_shared_drop(s);
}

static int64_t version_of(struct sm_cache *c, const char *id)
{
	struct sm_shared *s = sm_cache_get(c, STORE_SUBMODEL, id);
	int64_t v = s ? s->tree.version : -1;
	sm_shared_drop(s);
	return v;
}

static void budget(void)
{
	struct sm_cache *c = sm_cache_new(100000);
	fill(c, "a", 20000, 1, 0);
	fill(c, "b", 20000, 2, 0);
	fill(c, "c", 20000, 3, 0);
	check_int(version_of(c, "a"), 1, "three fit");
	struct sm_shared *held = sm_cache_get(c, STORE_SUBMODEL, "b");
	version_of(c, "a");
	version_of(c, "c");
	fill(c, "d", 50000, 4, 0);
	check_int(version_of(c, "b"), -1, "the one not asked for the longest goes");
	check_int(version_of(c, "c"), 3, "the last asked for stays");
	check_int(held->tree.version, 2, "whoever holds it keeps it");
	sm_shared_drop(held);
	check(sm_cache_bytes(c) <= 100000, "within the budget");
	fill(c, "huge", 200000, 5, 0);
	check_int(version_of(c, "huge"), -1, "what is larger than all of it is not kept");
	check_int(version_of(c, "c"), 3, "and drives nothing out");
	check(sm_cache_get(c, STORE_SHELL, "c") == NULL, "kinds are apart");
	sm_cache_free(c);
}

static void late_fill(void)
{
	struct sm_cache *c = sm_cache_new(0);
	uint64_t reader = sm_cache_epoch(c), writer = sm_cache_epoch(c);
	struct sm_shared *fresh = tree("a", 10, 2);
	sm_cache_update(c, STORE_SUBMODEL, "a", fresh, writer);
	sm_shared_drop(fresh);
	check_int(version_of(c, "a"), 2, "a committed change is seen");
	fill(c, "a", 10, 1, reader);
	check_int(version_of(c, "a"), 2, "a fill does not replace it");
	sm_cache_update(c, STORE_SUBMODEL, "a", NULL, sm_cache_epoch(c));
	check_int(version_of(c, "a"), -1, "a deletion is seen");
	fill(c, "a", 10, 1, reader);
	check_int(version_of(c, "a"), -1, "a fill that began before the change is refused");
	fill(c, "a", 10, 3, sm_cache_epoch(c));
	check_int(version_of(c, "a"), 3, "one that began afterwards is taken");
	fresh = tree("a", 10, 5);
	uint64_t slow = sm_cache_epoch(c);
	struct sm_shared *other = tree("a", 10, 6);
	sm_cache_update(c, STORE_SUBMODEL, "a", other, slow);
	sm_cache_update(c, STORE_SUBMODEL, "a", fresh, slow);
	check_int(version_of(c, "a"), -1, "two writers at a time: the store knows who was last");
	sm_shared_drop(other);
	sm_shared_drop(fresh);
	sm_cache_free(c);
}

int main(void)
{
	budget();
	late_fill();
	sm_cache_free(NULL);
	sm_shared_drop(NULL);
	return done();
}
