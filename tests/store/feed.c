/* SPDX-License-Identifier: Apache-2.0 - the feed: every committed change once, in one order, with its cause; readers that wait for it. */
#include <stdatomic.h>

#include "base/clock.h"
#include "base/thread.h"
#include "tests/store/suite.h"

#define PATIENCE_US (60 * US_PER_S)

static void woken(void *ctx)
{
	atomic_fetch_add((atomic_int *)ctx, 1);
}

/* Events behind `after`, as soon as there are `want` of them; a change appears only soon after its commit. */
static size_t events(int64_t after, size_t want, struct store_event **e, int64_t *newest)
{
	int64_t until = clock_mono_us() + PATIENCE_US;
	size_t n = 0;
	while (!st->ops->feed(st, after, 1000, ar, e, &n, newest) && n < want && clock_mono_us() < until)
		clock_sleep_us(1000);
	return n;
}

static const char *const operations[] = { "create", "replace", "delete", "value" };

static void add_values(struct buf *b, const struct store_event *e)
{
	for (size_t i = 0; i < e->n_values; i++)
		buf_printf(b, " %s:%s>%s", e->value_path[i], e->before[i] ? e->before[i] : "-", e->after[i] ? e->after[i] : "-");
}

static const char *show(const struct store_event *e)
{
	struct buf b = BUF_INIT;
	buf_printf(&b, "%d %s v%lld %s", e->kind, e->id, (long long)e->version, operations[e->operation]);
	if (e->path)
		buf_printf(&b, " %s(%s)", operations[e->part], e->path);
	if (e->actor || e->request)
		buf_printf(&b, " by %s/%s", e->actor ? e->actor : "-", e->request ? e->request : "-");
	add_values(&b, e);
	const char *s = arena_strndup(ar, b.p, b.n);
	buf_fini(&b);
	return s;
}

static void each_operation(void)
{
	static const char *const two[] = { "a", NULL };
	struct store_cause cause = { "anna", "r-1", TIME_NONE, NULL, 0 }, part = { NULL, "r-2", INT64_C(1700000000000000), "P1", STORE_OP_DELETE };
	struct store_value v[] = { { "P1", "x" }, { "P0", "y" }, { "P1", NULL }, { "P1", "z" } };
	struct store_event *e;
	int64_t newest = 0;
	struct store_txn *t = start(true);
	st->ops->cause(t, &cause);
	put(t, STORE_SUBMODEL, make(STORE_SUBMODEL, "urn:f", NULL, two, 2), STORE_CREATE, 0, NULL);
	st->ops->cause(t, &part);
	put(t, STORE_SUBMODEL, make(STORE_SUBMODEL, "urn:f", "S", two, 2), STORE_REPLACE, 0, NULL);
	st->ops->cause(t, &cause);
	int64_t version;
	st->ops->put_values(t, "urn:f", v, 4, &version);
	st->ops->cause(t, NULL);
	put(t, STORE_SHELL, plain(STORE_SHELL, "urn:s"), STORE_EITHER, 0, NULL);
	check_str(say(st->ops->commit(t)), "OK", "a transaction of four changes");
	struct store_write w = { .submodel_id = "urn:f", .value = &v[1], .n = 1, .cause = &cause };
	check_str(say(store_write_wait(st, &w)), "OK", "a value on its own");
	check_str(say(del_once(STORE_SUBMODEL, "urn:f")), "OK", "a deletion");
	check_str(say(put_once(STORE_SUBMODEL, plain(STORE_SUBMODEL, "urn:f"), STORE_EITHER, 0, NULL)), "OK", "and made again");
	static const char *const want[] = {
		"1 urn:f v1 create by anna/r-1", "1 urn:f v2 replace delete(P1) by -/r-2", "1 urn:f v3 value by anna/r-1 P0:a>y P1:->z",
		"0 urn:s v1 create", "1 urn:f v4 value by anna/r-1 P0:y>y", "1 urn:f v5 delete", "1 urn:f v6 create",
	};
	if (!check_int(events(0, 7, &e, &newest), 7, "seven events"))
		return;
	for (size_t i = 0; i < 7; i++) {
		check_str(show(&e[i]), want[i], "event %zu", i);
		check_int(e[i].position, i + 1, "its position");
	}
	check_int(newest, 7, "the newest position");
	check(e[1].valid_us == part.valid_us, "since when it holds");
	check(e[0].valid_us == e[0].recorded_us && e[0].recorded_us > INT64_C(1600000000000000), "without that: since it is recorded");
}

static void pages(void)
{
	struct store_event *e;
	int64_t newest;
	size_t n;
	check_str(say(st->ops->feed(st, 2, 3, ar, &e, &n, &newest)), "OK", "a page");
	check(n == 3 && e[0].position == 3 && e[2].position == 5 && newest == 7, "begins behind the position, and has at most so many");
	check_str(say(st->ops->feed(st, 7, 3, ar, &e, &n, &newest)), "OK", "behind the last one");
	check_int(n, 0, "there is nothing");
	check_str(say(st->ops->feed(st, 8, 3, ar, &e, &n, &newest)), "GONE", "a position that never was");
}

/* What is given up or fails has no event; a blob has one as all others do. */
static void nothing(void)
{
	struct store_event *e;
	struct store_txn *t = start(true);
	int64_t newest;
	put(t, STORE_SHELL, plain(STORE_SHELL, "urn:given-up"), STORE_CREATE, 0, NULL);
	st->ops->abort(t);
	check_str(say(put_once(STORE_SHELL, plain(STORE_SHELL, "urn:s"), STORE_CREATE, 0, NULL)), "CONFLICT", "a change that fails");
	t = start(true);
	store_blob_put(st, t, "k", &(struct store_blob){ NULL, NULL, SLICE("x") });
	check_str(say(st->ops->commit(t)), "OK", "a blob");
	check_str(say(put_once(STORE_SHELL, plain(STORE_SHELL, "urn:next"), STORE_CREATE, 0, NULL)), "OK", "a change");
	check_int(events(7, 2, &e, &newest), 2, "two events");
	check_str(show(&e[0]), "7 k v1 create", "of the blob");
	check_str(e[1].id, "urn:next", "and of the change that was committed");
}

static void listeners(void)
{
	atomic_int one = 0, more[STORE_LISTENERS_MAX];
	check_str(say(st->ops->feed_listen(st, woken, &one)), "OK", "listen");
	put_once(STORE_SHELL, plain(STORE_SHELL, "urn:s"), STORE_REPLACE, 0, NULL);
	int64_t until = clock_mono_us() + PATIENCE_US;
	while (!atomic_load(&one) && clock_mono_us() < until)
		clock_sleep_us(1000);
	check(atomic_load(&one) > 0, "a change wakes who listens");
	for (int i = 1; i < STORE_LISTENERS_MAX; i++)
		check_str(say(st->ops->feed_listen(st, woken, &more[i])), "OK", "several may listen");
	check_str(say(st->ops->feed_listen(st, woken, &more[0])), "CONFLICT", "but not too many");
	for (int i = 1; i < STORE_LISTENERS_MAX; i++)
		st->ops->feed_unlisten(st, woken, &more[i]);
	st->ops->feed_unlisten(st, woken, &one);
	check_str(say(st->ops->feed_listen(st, woken, &more[0])), "OK", "when one has stopped another may");
	st->ops->feed_unlisten(st, woken, &more[0]);
}

/* A reader's place: a batch of nothing but that. */
static void place(void)
{
	uint64_t position = 99;
	check_str(say(st->ops->position(st, "reader", &position)), "OK", "the place of a reader that has none");
	check_int(position, 0, "is the start");
	for (unsigned i = 0; i < 3; i++) {
		struct store_batch b = { .spool = "reader", .position = 5 + i / 2 };
		check_str(say(st->ops->append(st, &b)), "OK", "a reader keeps his place");
		st->ops->position(st, "reader", &position);
		check_int(position, 5 + i / 2, "and finds it again");
	}
}

/* -- writers at once -------------------------------------------------------------------------------------------------------------- */
enum { WRITERS = 8, ROUNDS = 24, SHARED = 3 };

static atomic_int n_changes;

static void one_change(unsigned number, unsigned round)
{
	struct arena *a = arena_new(0);
	const char *id = arena_printf(a, "urn:w%u", (number + round) % SHARED);
	struct store_cause cause = { NULL, arena_printf(a, "%u.%u", number, round), TIME_NONE, NULL, 0 };
	struct store_value v = { "P0", cause.request };
	struct store_write w = { .submodel_id = id, .value = &v, .n = 1, .cause = &cause };
	enum err e = ERR_AGAIN;
	while (e == ERR_AGAIN) {
		if (round % 3) {
			e = store_write_wait(st, &w);
			continue;
		}
		struct store_txn *t;
		int64_t version;
		st->ops->begin(st, true, &t);
		st->ops->cause(t, &cause);
		if (!(e = st->ops->put_values(t, id, &v, 1, &version)))
			e = st->ops->commit(t);
		else
			st->ops->abort(t);
	}
	if (!e)
		atomic_fetch_add(&n_changes, 1);
	arena_free(a);
}

static void *write_on(void *arg)
{
	for (unsigned i = 0; i < ROUNDS; i++)
		one_change((unsigned)(uintptr_t)arg, i);
	return NULL;
}

static bool version_follows(const struct store_event *e, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = i; k--;)
			if (!strcmp(e[k].id, e[i].id)) {
				if (e[i].version != e[k].version + 1)
					return false;
				break;
			}
	return true;
}

static void at_once(void)
{
	static const char *const zero[] = { "0" };
	struct store_event *e, *all;
	pthread_t thread[WRITERS];
	int64_t newest = 0, from;
	size_t n, want = WRITERS * ROUNDS, have = 0;
	for (int i = 0; i < SHARED; i++)
		put_once(STORE_SUBMODEL, make(STORE_SUBMODEL, arena_printf(ar, "urn:w%d", i), NULL, zero, 1), STORE_CREATE, 0, NULL);
	events(10, SHARED, &e, &from);
	check_int(from, 10 + SHARED, "so far");
	for (uintptr_t i = 0; i < WRITERS; i++)
		thread_start(&thread[i], "writer", write_on, (void *)i);
	/* a reader in between: what he reads goes on without a gap */
	all = ARENA_ARRAY(ar, struct store_event, want + 1);
	bool gaps = false;
	int64_t until = clock_mono_us() + PATIENCE_US;
	while (have < want && clock_mono_us() < until) {
		if (st->ops->feed(st, from + (int64_t)have, want - have, ar, &e, &n, &newest))
			break;
		for (size_t i = 0; i < n; i++) {
			gaps |= e[i].position != from + (int64_t)have + 1;
			all[have++] = e[i];
		}
	}
	for (int i = 0; i < WRITERS; i++)
		pthread_join(thread[i], NULL);
	check_int(atomic_load(&n_changes), want, "writers at once");
	check_int(have, want, "each change is in the feed");
	check(!gaps, "without a gap, for a reader in between");
	size_t twice = 0;
	for (size_t i = 0; i < have; i++)
		for (size_t k = 0; k < i; k++)
			twice += !strcmp(all[i].request, all[k].request);
	check_int(twice, 0, "none is there twice");
	check(version_follows(all, have), "those of one submodel are in the order of their versions");
	check_int(st->ops->feed(st, newest, 10, ar, &e, &n, &newest) || n, 0, "nothing comes after");
}

void suite_feed(void)
{
	struct store_event *e;
	int64_t newest = 1;
	size_t n = 1;
	check_str(say(st->ops->feed(st, 0, 10, ar, &e, &n, &newest)), "OK", "the feed of an empty store");
	check(n == 0 && newest == 0, "is empty");
	each_operation();
	pages();
	nothing();
	listeners();
	place();
	at_once();
}
