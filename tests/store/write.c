/* SPDX-License-Identifier: Apache-2.0 - value writes that are transactions of their own, alone and many at a time. */
#include <stdatomic.h>

#include "base/clock.h"
#include "tests/store/suite.h"

#define V(...) (const struct store_value[]){ __VA_ARGS__ }
#define TYPES(...) (const char *const[]){ __VA_ARGS__ }

static enum err write_typed(const char *id, const struct store_value *v, const char *const *type, size_t n, int64_t *version)
{
	struct store_write w = { .submodel_id = id, .value = v, .value_type = type, .n = n };
	enum err e = store_write_wait(st, &w);
	if (!e && version)
		*version = w.version;
	return e;
}

static const char *doc(const char *id, const char *a, const char *b, const char *c)
{
	return canonical(make(STORE_SUBMODEL, id, NULL, (const char *const[]){ a, b, c }, 3));
}

static void alone(void)
{
	const char *id = "urn:write";
	int64_t v0, v1 = 0, v2 = 0;
	put_once(STORE_SUBMODEL, make(STORE_SUBMODEL, id, NULL, (const char *const[]){ "a", "b", NULL }, 3), STORE_CREATE, 0, &v0);
	check_str(say(write_typed(id, V({ "P1", "x" }), NULL, 1, &v1)), "OK", "one value is written on its own");
	check(v1 == v0 + 1 && version_of(STORE_SUBMODEL, id) == v1, "the version grew by one");
	check_str(current(STORE_SUBMODEL, id), doc(id, "a", "x", NULL), "it is committed");
	check_str(say(write_typed(id, V({ "P0", NULL }, { "P2", "1" }, { "P2", "2" }), NULL, 3, &v2)), "OK", "several, absent, and a path twice");
	check(v2 == v1 + 1, "are one version");
	check_str(current(STORE_SUBMODEL, id), doc(id, NULL, "x", "2"), "the later text counts");
	check_str(say(write_typed(id, V({ "P0", "y" }), TYPES("xs:string"), 1, &v1)), "OK", "the type is what it was checked against");
	check_str(say(write_typed(id, V({ "P1", "z" }, { "P0", "1" }), TYPES("xs:string", "xs:int"), 2, NULL)), "AGAIN", "the type is another: read again");
	check_str(say(write_typed(id, V({ "P1", "z" }, { "P7", "1" }), NULL, 2, NULL)), "NOT_FOUND", "one path is missing");
	check_str(say(write_typed("urn:none", V({ "P1", "z" }), NULL, 1, NULL)), "NOT_FOUND", "no such submodel");
	check_str(current(STORE_SUBMODEL, id), doc(id, "y", "x", "2"), "nothing of what failed was written");
	check_int(version_of(STORE_SUBMODEL, id), v1, "nor counted");
	put_once(STORE_SUBMODEL, parse(STORE_SUBMODEL, "{\"modelType\":\"Submodel\",\"id\":\"urn:kinds\",\"submodelElements\":["
		 "{\"modelType\":\"Range\",\"idShort\":\"R\",\"valueType\":\"xs:int\"},{\"modelType\":\"SubmodelElementCollection\",\"idShort\":\"C\",\"value\":["
		 "{\"modelType\":\"Property\",\"idShort\":\"P\",\"valueType\":\"xs:int\"}]}]}"), STORE_CREATE, 0, NULL);
	check_str(say(write_typed("urn:kinds", V({ "R", "1" }), NULL, 1, NULL)), "NOT_FOUND", "a Range is not a Property");
	check_str(say(write_typed("urn:kinds", V({ "C", "1" }), NULL, 1, NULL)), "NOT_FOUND", "nor is a collection");
	check_str(say(write_typed("urn:kinds", V({ "C.P", "1" }), TYPES("xs:int"), 1, NULL)), "OK", "what is in one is");
}

/* -- many at a time ----------------------------------------------------------------------------------------------------------------- */
#define N_SUBMODELS 5
#define N_WRITES 500
#define BAD 7			/* every so many-th has a path that is not there */

static struct many {
	struct store_write write;
	struct store_value value;
	char id[24], text[24];
	int order;
} many[N_WRITES];
static atomic_int n_done, n_answers;	/* the second in the order of the answers */

static void many_done(struct store_write *w)
{
	((struct many *)w)->order = atomic_fetch_add(&n_answers, 1);
	atomic_fetch_add(&n_done, 1);
}

static bool wait_for(int n)
{
	int64_t until = clock_mono_us() + 60 * US_PER_S;
	while (atomic_load(&n_done) < n && clock_mono_us() < until)
		clock_sleep_us(1000);
	return atomic_load(&n_done) == n;
}

static void many_at_once(void)
{
	int64_t first[N_SUBMODELS], last[N_SUBMODELS];
	int order[N_SUBMODELS], wrong = 0, bad = 0;
	const char *text_of[N_SUBMODELS] = { NULL };
	for (int i = 0; i < N_SUBMODELS; i++) {
		snprintf(many[i].id, sizeof many[i].id, "urn:many:%d", i);
		put_once(STORE_SUBMODEL, make(STORE_SUBMODEL, many[i].id, NULL, (const char *const[]){ "0", "b", "c" }, 3), STORE_CREATE, 0, &first[i]);
		last[i] = first[i];
		order[i] = -1;
	}
	for (int i = 0; i < N_WRITES; i++) {
		struct many *m = &many[i];
		snprintf(m->id, sizeof m->id, "urn:many:%d", i % N_SUBMODELS);
		snprintf(m->text, sizeof m->text, "%d", i);
		m->value = (struct store_value){ i % BAD ? "P0" : "Q", m->text };
		m->write = (struct store_write){ .submodel_id = m->id, .value = &m->value, .n = 1, .done = many_done };
		st->ops->write_values(st, &m->write);
	}
	check(wait_for(N_WRITES), "each of many writes is answered once");
	for (int i = 0; i < N_WRITES; i++) {
		int k = i % N_SUBMODELS;
		if (i % BAD == 0) {
			bad += many[i].write.err == ERR_NOT_FOUND;
			continue;
		}
		wrong += many[i].write.err || many[i].write.version != last[k] + 1 || many[i].order < order[k];
		last[k]++;
		order[k] = many[i].order;
		text_of[k] = many[i].text;
	}
	check_int(bad, (N_WRITES + BAD - 1) / BAD, "each that is wrong fails by itself");
	check_int(wrong, 0, "each other has the next version of its submodel, and they are answered in that order");
	for (int k = 0; k < N_SUBMODELS; k++) {
		snprintf(many[0].id, sizeof many[0].id, "urn:many:%d", k);
		check_int(version_of(STORE_SUBMODEL, many[0].id), last[k], "the last version stands");
		check_str(current(STORE_SUBMODEL, many[0].id), doc(many[0].id, text_of[k], "b", "c"), "and the last value");
	}
}

/* A transaction has one submodel: whoever is second gives way, and a write to another submodel is not held up. */
static void beside_a_transaction(void)
{
	struct store_txn *t = start(true);
	int64_t v, began = clock_mono_us();
	check_str(say(st->ops->put_values(t, "urn:many:0", V({ "P0", "mine" }), 1, &v)), "OK", "a transaction writes");
	enum err e = write_typed("urn:many:0", V({ "P1", "theirs" }), NULL, 1, NULL);
	check_str(say(write_typed("urn:many:1", V({ "P1", "other" }), NULL, 1, NULL)), "OK", "another submodel is free");
	check(clock_mono_us() - began < 30 * US_PER_S, "nobody has waited until the database gave up a lock");
	enum err mine = st->ops->commit(t);
	check((e == ERR_AGAIN) != (mine == ERR_AGAIN) && (!e || !mine), "one of the two starts over: %s, %s", say(e), say(mine));
	check_str(say(write_typed("urn:many:0", V({ "P1", "theirs" }), NULL, 1, NULL)), "OK", "afterwards it is free");
}

/* The store is closed with writes under way: they are answered before. */
static void closing(void)
{
	int64_t v = version_of(STORE_SUBMODEL, "urn:many:2");
	atomic_store(&n_done, 0);
	for (int i = 0; i < 100; i++) {
		struct many *m = &many[i];
		m->value = (struct store_value){ "P2", "end" };
		m->write = (struct store_write){ .submodel_id = "urn:many:2", .value = &m->value, .n = 1, .done = many_done };
		st->ops->write_values(st, &m->write);
	}
	st->ops->close(st);
	st = NULL;
	check_int(atomic_load(&n_done), 100, "what was asked for is done before the store is closed");
	check(many[99].write.err == ERR_OK && many[99].write.version == v + 100, "and committed");
}

void suite_write(void)
{
	alone();
	many_at_once();
	beside_a_transaction();
	closing();
}
