/* SPDX-License-Identifier: Apache-2.0
 * The tree cache: budget, order of leaving, counts, and fills that come too late.
 */
#include "submodels/cache.h"

#include "aas/json.h"
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

/* What is shown again without the cache being asked (sm_tree_used, sm_tree_current). */
static void shown(void)
{
	struct sm_cache *c = sm_cache_new(3 * 25500);
	fill(c, "a", 20000, 1, 0);
	fill(c, "b", 20000, 2, 0);
	fill(c, "c", 20000, 3, 0);
	struct sm_shared *a = sm_cache_get(c, STORE_SUBMODEL, "a"), *b = sm_cache_get(c, STORE_SUBMODEL, "b");
	version_of(c, "c");
	check(atomic_load(&a->current) && atomic_load(&b->current), "what is in the cache is current");
	sm_tree_used(&a->tree);
	fill(c, "d", 20000, 4, 0);
	check(atomic_load(&a->current), "what was shown stays when room is made");
	for (const char *id = "e"; *id; id = *id == 'e' ? "f" : *id == 'f' ? "g" : "") {
		fill(c, id, 20000, 6, 0);
		version_of(c, id);
	}
	check(!atomic_load(&a->current), "once, not for ever, and then it is not current any more");
	sm_cache_values(c, "g", &(struct store_value){ .path = "X", .text = "1" }, 1, 7);
	struct sm_shared *g = sm_cache_structure(c, STORE_SUBMODEL, "g");
	check(g && !atomic_load(&g->current), "a tree with newer values beside it is not current");
	sm_shared_drop(g);
	sm_shared_drop(a);
	sm_shared_drop(b);
	struct sm_shared *alone = tree("z", 10, 1);
	check(!atomic_load(&alone->current), "nor is one that was never in");
	sm_shared_drop(alone);
	sm_cache_free(c);
}

static void another_form(void)
{
	struct sm_cache *c = sm_cache_new(100000);
	static char bytes[40000];
	fill(c, "a", 20000, 1, 0);
	fill(c, "b", 20000, 2, 0);
	size_t before = sm_cache_bytes(c);
	struct sm_shared *b = sm_cache_get(c, STORE_SUBMODEL, "b");
	check(!sm_shared_packed(b), "a tree has no other form at first");
	sm_cache_pack(c, b, (struct slice){ bytes, sizeof bytes });
	sm_cache_pack(c, b, SLICE("late"));
	check(sm_shared_packed(b)->n == sizeof bytes && sm_shared_packed(b)->p != bytes, "it keeps a copy of the first");
	check_int(sm_cache_bytes(c), before + sizeof bytes, "which is counted");
	fill(c, "c", 20000, 3, 0);
	check_int(version_of(c, "a"), -1, "and drives out what was not asked for");
	sm_cache_update(c, STORE_SUBMODEL, "b", NULL, sm_cache_epoch(c));
	check(sm_cache_bytes(c) < 30000, "with the tree it goes");
	sm_shared_drop(b);
	struct sm_shared *loose = tree("d", 10, 1);
	before = sm_cache_bytes(c);
	sm_cache_pack(c, loose, SLICE(""));
	check(sm_shared_packed(loose) && sm_cache_bytes(c) == before, "one that is not in the cache does not count");
	sm_shared_drop(loose);
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
	fill(c, "a", 10, 4, sm_cache_epoch(c));
	check_int(version_of(c, "a"), 4, "and replaces an older one: another process has written");
	fresh = tree("a", 10, 5);
	uint64_t slow = sm_cache_epoch(c);
	struct sm_shared *other = tree("a", 10, 6);
	sm_cache_update(c, STORE_SUBMODEL, "a", other, slow);
	sm_cache_update(c, STORE_SUBMODEL, "a", fresh, slow);
	check_int(version_of(c, "a"), 6, "two writers at a time: the versions say who was last");
	sm_cache_update(c, STORE_SUBMODEL, "b", NULL, slow);
	sm_cache_update(c, STORE_SUBMODEL, "a", NULL, slow);
	sm_cache_update(c, STORE_SUBMODEL, "a", fresh, slow);
	check_int(version_of(c, "a"), -1, "unless one of them has deleted it: then the store knows");
	sm_shared_drop(other);
	sm_shared_drop(fresh);
	sm_cache_free(c);
}

/* -- values beside a tree ------------------------------------------------------------------------------------------------------------- */
static struct sm_shared *pump(int64_t version, size_t weight)
{
	static const char json[] = "{\"modelType\":\"Submodel\",\"id\":\"p\",\"submodelElements\":[{\"modelType\":\"Property\",\"idShort\":\"A\","
				   "\"valueType\":\"xs:int\",\"value\":\"0\"},{\"modelType\":\"Property\",\"idShort\":\"B\",\"valueType\":\"xs:int\"}]}";
	struct sm_shared *s = tree("p", weight, version);
	struct aas_node *n = NULL;
	aas_json_read(s->arena, AAS_Submodel, json, sizeof json - 1, AAS_JSON_DEFAULT, &n, NULL);
	sm_shared_set(s, n);
	sm_shared_json(s);
	return s;
}

static void fill_pump(struct sm_cache *c, int64_t version, size_t weight, uint64_t epoch)
{
	struct sm_shared *s = pump(version, weight);
	sm_cache_fill(c, s, epoch);
	sm_shared_drop(s);
}

static void written(struct sm_cache *c, const char *path, const char *text, int64_t version)
{
	sm_cache_values(c, "p", &(struct store_value){ path, text }, 1, version);
}

/* "version A B" of what a call of the cache gives. */
static const char *look(struct sm_shared *s)
{
	static char text[100];
	if (!s)
		return "-";
	const struct aas_node *p = AAS_AT(sm_shared_node(s), Submodel, submodelElements).node;
	const char *a = AAS_AT(p, Property, value).str, *b = AAS_AT(p->next, Property, value).str;
	snprintf(text, sizeof text, "%d %s %s%s", (int)s->tree.version, a ? a : "-", b ? b : "-", a && !strstr(s->tree.json.p, a) ? " json" : "");
	sm_shared_drop(s);
	return text;
}
#define LOOK(c) look(sm_cache_get(c, STORE_SUBMODEL, "p"))

static void values(void)
{
	struct sm_cache *c = sm_cache_new(0);
	fill_pump(c, 1, 0, 0);
	struct sm_shared *held = sm_cache_get(c, STORE_SUBMODEL, "p");
	written(c, "A", "7", 2);
	written(c, "B", "8", 3);
	check_str(look(sm_cache_structure(c, STORE_SUBMODEL, "p")), "1 0 -", "for its structure the tree is good enough");
	check_str(LOOK(c), "3 7 8", "a reader gets one with the values");
	check_str(look(held), "1 0 -", "whoever held it keeps what he had");
	struct sm_shared *a = sm_cache_get(c, STORE_SUBMODEL, "p"), *b = sm_cache_get(c, STORE_SUBMODEL, "p");
	check(a == b, "which is made once");
	sm_shared_drop(a);
	sm_shared_drop(b);
	written(c, "A", "old", 3);
	check_str(LOOK(c), "3 7 8", "what it has already is not laid in again");
	written(c, "A", NULL, 4);
	check_str(LOOK(c), "4 - 8", "absent");
	written(c, "A", "9", 6);
	check_str(LOOK(c), "-", "a version is missing: the store knows");
	fill_pump(c, 5, 0, 0);
	check_str(LOOK(c), "-", "what a reader has read before the last write is refused");
	fill_pump(c, 6, 0, 0);
	check_str(LOOK(c), "6 0 -", "what has it is taken, whenever the reader began");
	struct sm_shared *fresh = pump(5, 0);
	sm_cache_update(c, STORE_SUBMODEL, "p", fresh, sm_cache_epoch(c));
	sm_shared_drop(fresh);
	check_str(LOOK(c), "6 0 -", "a change that was committed before a write and told after it changes nothing");
	for (int64_t i = 7; i < 7 + 129; i++) {
		if (i == 7)
			fill_pump(c, 6, 0, sm_cache_epoch(c));
		written(c, "A", "1", i);
	}
	size_t bytes = sm_cache_bytes(c);
	check_str(look(sm_cache_structure(c, STORE_SUBMODEL, "p")), "135 1 -", "too many values are laid in by a writer");
	check(sm_cache_bytes(c) < bytes, "and counted in the budget");
	sm_cache_free(c);
	c = sm_cache_new(0);
	fill_pump(c, 1, 300000, 0);
	check_str(look(sm_cache_peek(c, STORE_SUBMODEL, "p")), "1 0 -", "a large tree that is as it should be");
	written(c, "A", "5", 2);
	check_str(look(sm_cache_peek(c, STORE_SUBMODEL, "p")), "-", "is not made anew by who must not take long");
	check_str(LOOK(c), "2 5 -", "but by who may");
	check_str(look(sm_cache_peek(c, STORE_SUBMODEL, "p")), "2 5 -", "for both");
	sm_cache_free(c);
	c = sm_cache_new(100000);
	fill_pump(c, 1, 50000, 0);
	for (int64_t i = 2; i < 1000; i++)
		written(c, "A", "a text of some length, so that it counts", i);
	check(sm_cache_bytes(c) <= 100000, "values stay within the budget");
	sm_cache_free(c);
}

/* -- who is asked for again, and who walks by ------------------------------------------------------------------------------------------ */
static void walk(void)
{
	struct sm_cache *c = sm_cache_new(1000000);
	char id[16];
	int hot = 0;
	for (int i = 0; i < 30; i++) {
		snprintf(id, sizeof id, "hot%d", i);
		fill(c, id, 20000, 1, 0);
		version_of(c, id);
	}
	for (int i = 0; i < 1000; i++) {
		snprintf(id, sizeof id, "walk%d", i);
		fill(c, id, 20000, 1, 0);
	}
	check(sm_cache_bytes(c) <= 1000000 && sm_cache_bytes(c) > 900000, "the budget is used, and kept");
	for (int i = 0; i < 30; i++) {
		snprintf(id, sizeof id, "hot%d", i);
		hot += version_of(c, id) == 1;
	}
	check_int(hot, 30, "who walks over everything drives out nothing that is used");
	check_int(version_of(c, "walk999"), 1, "but has his last ones");
	for (int i = 0; i < 100; i++) {
		snprintf(id, sizeof id, "new%d", i);
		fill(c, id, 20000, 1, 0);
		version_of(c, id);
	}
	check_int(version_of(c, "hot0"), -1, "what is not used any more goes in the end");
	check(sm_cache_bytes(c) <= 1000000, "within the budget");
	sm_cache_free(c);
}

/* -- the tree comes when it is needed ---------------------------------------------------------------------------------------------------- */
static struct sm_shared *document(int64_t version)
{
	struct sm_shared *s = sm_shared_new(STORE_SUBMODEL, "p"), *whole = pump(version, 0);
	sm_shared_document(s, (struct slice){ arena_strndup(s->arena, whole->tree.json.p, whole->tree.json.n), whole->tree.json.n }, version);
	sm_shared_drop(whole);
	return s;
}

static void lazy(void)
{
	struct sm_cache *c = sm_cache_new(0);
	struct sm_shared *s = document(1);
	sm_cache_fill(c, s, 0);
	size_t before = sm_cache_bytes(c);
	const struct aas_node *n = sm_shared_node(s);
	check(n && sm_shared_node(s) == n && sm_shared_node_quick(s) == n, "a tree is parsed once");
	check(sm_cache_bytes(c) > before, "and counted: %zu after %zu", sm_cache_bytes(c), before);
	before = sm_cache_bytes(c);
	written(c, "A", "7", 2);
	check_str(LOOK(c), "2 7 -", "values are laid into it");
	sm_shared_drop(s);
	s = sm_shared_new(STORE_SUBMODEL, "bad");
	sm_shared_document(s, SLICE("{\"id\":"), 1);
	check(!sm_shared_node(s), "what cannot be read has none");
	sm_shared_drop(s);
	s = sm_shared_new(STORE_SUBMODEL, "blob");
	sm_shared_document(s, SLICE("BlobB \"Blob\" {\"modelType\":\"Blob\"}"), 1);
	check(s->tree.has_blob, "a blob is noticed");
	sm_shared_document(s, SLICE("{\"modelType\":\"Blob"), 1);
	check(!s->tree.has_blob, "where there is one");
	sm_shared_drop(s);
	sm_cache_free(c);
}

/* -- other processes ------------------------------------------------------------------------------------------------------------------------ */
static void others(void)
{
	struct sm_cache *c = sm_cache_new(0);
	fill(c, "a", 10, 3, 0);
	sm_cache_stale(c, STORE_SHELL, "a", 9);
	sm_cache_stale(c, STORE_SUBMODEL, "a", 3);
	check_int(version_of(c, "a"), 3, "what is known already changes nothing");
	sm_cache_stale(c, STORE_SUBMODEL, "a", 5);
	check_int(version_of(c, "a"), -1, "a newer version drops it");
	fill(c, "a", 10, 4, sm_cache_epoch(c));
	check_int(version_of(c, "a"), -1, "an older one is refused");
	fill(c, "a", 10, 5, 0);
	check_int(version_of(c, "a"), 5, "that one is taken");
	sm_cache_heard(c, false);
	check(!sm_cache_hears(c) && !sm_cache_peek(c, STORE_SUBMODEL, "a"), "who hears nothing shows nothing without asking");
	check_int(version_of(c, "a"), 5, "but has something to compare");
	uint64_t before = sm_cache_epoch(c);
	sm_cache_heard(c, true);
	check(sm_cache_hears(c) && version_of(c, "a") == -1 && !sm_cache_bytes(c), "who hears again begins anew");
	fill(c, "a", 10, 5, before);
	check_int(version_of(c, "a"), -1, "and what was read before is refused");
	fill(c, "a", 10, 5, sm_cache_epoch(c));
	check_int(version_of(c, "a"), 5, "what is read now is taken");
	sm_cache_free(c);
}

/* Who knows from the store which version it is gets that one and no other. */
static void by_version(void)
{
	struct sm_cache *c = sm_cache_new(100000);
	struct sm_shared *s = tree("a", 100, 3), *got;
	sm_shared_document(s, (struct slice){ "{}", 2 }, 3);
	sm_cache_fill(c, s, 0);
	check((got = sm_cache_version(c, STORE_SUBMODEL, "a", 3)) == s, "the version that is there");
	sm_shared_drop(got);
	check(!sm_cache_version(c, STORE_SUBMODEL, "a", 2) && !sm_cache_version(c, STORE_SUBMODEL, "a", 4), "no other one");
	check(!sm_cache_version(c, STORE_SHELL, "a", 3) && !sm_cache_version(c, STORE_SUBMODEL, "b", 3), "nothing that is not there");
	sm_cache_values(c, "a", &(struct store_value){ "P", "1" }, 1, 4);
	check(!sm_cache_version(c, STORE_SUBMODEL, "a", 4), "a value that is not laid in yet makes no document");
	check((got = sm_cache_version(c, STORE_SUBMODEL, "a", 3)) == s, "the document before it is still what that version was");
	sm_shared_drop(got);
	sm_shared_drop(s);
	s = tree("a", 100, 4);
	sm_cache_fill(c, s, sm_cache_epoch(c));
	check(!(got = sm_cache_version(c, STORE_SUBMODEL, "a", 4)), "a tree with it is no document either");
	sm_shared_document(s, (struct slice){ "{}", 2 }, 4);
	sm_cache_fill(c, s, sm_cache_epoch(c));
	check((got = sm_cache_version(c, STORE_SUBMODEL, "a", 4)) == s, "the document with it takes the place of both");
	sm_shared_drop(got);
	fill(c, "b", 100, 1, 0);
	check(!sm_cache_version(c, STORE_SUBMODEL, "b", 1), "a tree without its document is none");
	sm_shared_drop(s);
	s = tree("b", 100, 1);
	sm_shared_document(s, (struct slice){ "{}", 2 }, 1);
	sm_cache_fill(c, s, sm_cache_epoch(c));
	check((got = sm_cache_version(c, STORE_SUBMODEL, "b", 1)) == s, "its document takes its place");
	sm_shared_drop(got);
	sm_shared_drop(s);
	sm_cache_free(c);
}

int main(void)
{
	walk();
	lazy();
	others();
	budget();
	shown();
	another_form();
	late_fill();
	values();
	by_version();
	sm_cache_free(NULL);
	sm_shared_drop(NULL);
	return done();
}
