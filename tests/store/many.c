/* SPDX-License-Identifier: Apache-2.0 - put_many is put of one after the other: random ones by both ways, beside each other.
 * The seed is printed; TWINSHELL_SEED repeats a run. */
#include "aas/tree.h"
#include "base/clock.h"
#include "tests/gen.h"
#include "tests/store/suite.h"

enum { ROUNDS = 60, IDS = 8, MOST = 14, WAYS = 2 };
#define PATIENCE_US (60 * US_PER_S)

void (*suite_verify)(void);

struct outcome {
	enum err err;
	size_t at;		/* of the fault */
	bool created[MOST];
	int64_t version[MOST];
};

static const char *const side[WAYS] = { "one", "all" };

static struct aas_node *named(const struct aas_node *n, const char *id)
{
	struct aas_node *copy = aas_copy(ar, n);
	if (!copy)
		printf("Bail out! no copy\n"), exit(1);
	AAS_ID(copy) = id;
	return copy;
}

static void by_one(struct store_txn *t, enum store_kind kind, const struct aas_node *const *n, size_t count, enum store_put how, struct outcome *o)
{
	for (o->at = 0; o->at < count && !o->err; o->at++)
		o->err = st->ops->put(t, kind, n[o->at], how, 0, &o->created[o->at], &o->version[o->at]);
	o->at -= o->err != ERR_OK;
}

static void all(struct store_txn *t, enum store_kind kind, const struct aas_node *const *n, size_t count, enum store_put how, struct outcome *o)
{
	o->err = st->ops->put_many(t, kind, n, count, how, o->created, o->version, &o->at);
}

static bool same(const struct outcome *a, const struct outcome *b, size_t n)
{
	bool same = a->err == b->err && a->at == b->at;
	for (size_t i = 0; i < n && same && !a->err; i++)
		same = a->created[i] == b->created[i] && a->version[i] == b->version[i];
	if (!same)
		printf("# one by one: %s at %zu, all: %s at %zu\n", say(a->err), a->at, say(b->err), b->at);
	return same;
}

/* Documents, versions, and what history tells of them, without the side. */
static const char *state(int way)
{
	struct store_txn *t = start(false);
	struct buf b = BUF_INIT;
	for (int k = STORE_SHELL; k <= STORE_CONCEPT; k++)
		for (int i = 0; i < IDS; i++) {
			struct store_event *e;
			size_t n = 0;
			const char *id = arena_printf(ar, "urn:%s:%d", side[way], i), *doc = get(t, (enum store_kind)k, id), *at = strstr(doc, id);
			buf_printf(&b, "%d %d %s\n", k, i, at ? at + strlen(id) : doc);
			st->ops->history(t, (enum store_kind)k, id, 0, 100, ar, &e, &n);
			for (size_t h = 0; h < n; h++)
				buf_printf(&b, "v%lld %d %s/%s %s\n", (long long)e[h].version, e[h].operation, e[h].actor ? e[h].actor : "-",
					   e[h].request ? e[h].request : "-", e[h].valid_us == e[h].recorded_us ? "" : "valid");
		}
	st->ops->abort(t);
	const char *s = arena_strndup(ar, b.p, b.n);
	buf_fini(&b);
	return s;
}

static bool step(struct gen *g)
{
	enum store_kind kind = (enum store_kind)gen_below(g, 3);
	static const enum aas_class_id class_of[] = { AAS_AssetAdministrationShell, AAS_Submodel, AAS_ConceptDescription };
	enum store_put how = gen_below(g, 3) ? STORE_EITHER : (enum store_put)(1 + gen_below(g, 2));
	size_t n = gen_below(g, MOST + 1);
	const struct aas_node *node[WAYS][MOST];
	struct outcome o[WAYS] = { { 0 } };
	struct store_cause cause = { gen_below(g, 2) ? "anna" : NULL, "r-1", gen_below(g, 2) ? INT64_C(1700000000000000) : TIME_NONE, NULL, 0 };
	for (size_t i = 0; i < n; i++) {
		g->budget = 60;
		struct aas_node *made = gen_node(g, class_of[kind]);
		int id = (int)gen_below(g, IDS);
		for (int w = 0; w < WAYS; w++)
			node[w][i] = named(made, arena_printf(ar, "urn:%s:%d", side[w], id));
	}
	for (int w = 0; w < WAYS; w++) {
		struct store_txn *t = start(true);
		st->ops->cause(t, &cause);
		(w ? all : by_one)(t, kind, node[w], n, how, &o[w]);
		if (o[w].err)
			st->ops->abort(t);
		else if ((o[w].err = st->ops->commit(t)))
			return printf("# commit: %s\n", say(o[w].err)), false;
	}
	const char *gone = gen_below(g, 2) ? arena_printf(ar, "%u", gen_below(g, IDS)) : NULL;
	for (int w = 0; w < WAYS && gone; w++)
		del_once(kind, arena_printf(ar, "urn:%s:%s", side[w], gone));
	return same(&o[0], &o[1], n);
}

static void random_ones(void)
{
	const char *given = getenv("TWINSHELL_SEED");
	unsigned long long seed = given ? strtoull(given, NULL, 10) : 20240301;
	struct gen g;
	int n = 0;
	bool ok = true;
	printf("# TWINSHELL_SEED=%llu\n", seed);
	gen_init(&g, ar, seed);
	for (; n < ROUNDS && ok; n++)
		ok = step(&g);
	check(ok, "%d random lists, one by one and all at once: the same is done", n);
	check_str(state(1), state(0), "and the same is there afterwards");
}

/* More than is looked for together, the last of them twice; and more than is gathered. */
static void large_ones(void)
{
	enum { N = 700, BIG = 5 };
	const struct aas_node *node[N];
	static bool created[N];
	static int64_t version[N];
	const char *value = "x", *big = text('y', (size_t)3 << 20);
	size_t at = 0, wrong = 0;
	struct store_event *e;
	size_t n = 0;
	int64_t newest = 0, until = clock_mono_us() + PATIENCE_US;
	for (int i = 0; i < N; i++)
		node[i] = make(STORE_SUBMODEL, arena_printf(ar, "urn:many:%d", i < N - 1 ? (i * 37) % (N - 1) : 5), "M", &value, 1);
	struct store_txn *t = start(true);
	check_str(say(st->ops->put_many(t, STORE_SUBMODEL, node, N, STORE_CREATE, created, version, &at)), "CONFLICT", "one of them comes twice");
	check_int(at, N - 1, "it is the last");
	st->ops->abort(t);
	check_str(current(STORE_SUBMODEL, "urn:many:1"), "NOT_FOUND", "nothing is left of it");
	t = start(true);
	check_str(say(st->ops->put_many(t, STORE_SUBMODEL, node, N, STORE_REPLACE, created, version, &at)), "NOT_FOUND", "nothing to replace");
	check_int(at, 0, "not even the first");
	check(st->ops->commit(t) != ERR_OK, "the transaction is at its end");
	t = start(true);
	check_str(say(st->ops->put_many(t, STORE_SUBMODEL, node, N, STORE_EITHER, created, version, &at)), "OK", "%d at once", N);
	for (int i = 0; i < N; i++)
		wrong += created[i] != (i < N - 1) || version[i] != (i < N - 1 ? 1 : 2);
	check_int(wrong, 0, "each knows what was done");
	check_str(say(st->ops->commit(t)), "OK", "commit");
	do {
		st->ops->feed(st, 0, 10000, ar, &e, &n, &newest);
		for (at = 0; at < n && strncmp(e[at].id, "urn:many:", 9); at++)
			;
	} while (n - at < N && clock_mono_us() < until && (clock_sleep_us(1000), true));
	if (!check_int(n - at, N, "the feed has them all"))
		return;
	wrong = 0;
	for (size_t i = 0; i < N; i++)
		wrong += strcmp(e[at + i].id, AAS_ID(node[i])) != 0;
	check_int(wrong, 0, "in the order in which they came");
	struct store_value v = { "P0", "new" };
	check_str(say(values_once("urn:many:77", &v, 1, &newest)), "OK", "their elements can be written");
	for (int i = 0; i < BIG; i++)
		node[i] = make(STORE_SUBMODEL, arena_printf(ar, "urn:big:%d", i), NULL, &big, 1);
	t = start(true);
	check_str(say(st->ops->put_many(t, STORE_SUBMODEL, node, BIG, STORE_CREATE, created, version, &at)), "OK", "large ones");
	check_str(say(st->ops->commit(t)), "OK", "commit");
	check(!strcmp(current(STORE_SUBMODEL, "urn:big:4"), canonical(node[4])), "the last of them");
}

static void descriptors(void)
{
	static const enum store_kind kinds[] = { STORE_SHELL_DESCRIPTOR, STORE_SUBMODEL_DESCRIPTOR, STORE_ASSET_LINKS };
	bool created[2];
	int64_t version[2];
	size_t at;
	for (size_t k = 0; k < 3; k++) {
		const struct aas_node *two[2] = { make(kinds[k], "urn:d:1", "A", NULL, 0), make(kinds[k], "urn:d:2", NULL, NULL, 0) };
		struct store_txn *t = start(true);
		check_str(say(st->ops->put_many(t, kinds[k], two, 2, STORE_CREATE, created, version, &at)), "OK", "two of kind %d", kinds[k]);
		check_str(say(st->ops->commit(t)), "OK", "commit");
		check_str(current(kinds[k], "urn:d:2"), canonical(two[1]), "the second");
	}
	struct store_txn *t = start(false);
	const struct aas_node *n = plain(STORE_SHELL, "urn:read");
	check_str(say(st->ops->put_many(t, STORE_SHELL, &n, 1, STORE_CREATE, created, version, &at)), "INTERNAL", "a reader puts nothing");
	st->ops->abort(t);
}

void suite_many(void)
{
	random_ones();
	large_ones();
	descriptors();
	if (suite_verify)
		suite_verify();
}
