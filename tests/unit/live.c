/* SPDX-License-Identifier: Apache-2.0
 * Live values: what is set is seen, what is new is told, and threads do not disturb each other.
 */
#include "submodels/live.h"

#include "base/clock.h"
#include "base/thread.h"
#include "tests/tap.h"

static void one_value(void)
{
	struct live *l = live_new();
	struct arena *a = arena_new(0);
	struct live_value v;

	check(!live_has(l, "sm"), "nothing is live at first");
	check_int(live_get(l, "sm", "Speed", a, &v), ERR_NOT_FOUND, "a value nobody set");
	check_int(live_set(l, "sm", "Speed", "1", QUALITY_GOOD, 5), ERR_OK, "set");
	check(live_has(l, "sm"), "its submodel is live");
	check_int(live_get(l, "sm", "Speed", a, &v), ERR_OK, "get");
	check_str(v.text, "1", "text");
	check_str(v.submodel_id, "sm", "submodel");
	check_str(v.path, "Speed", "path");
	check_int(v.time_us, 5, "time");
	uint64_t seq = v.seq;
	live_set(l, "sm", "Speed", "1", QUALITY_GOOD, 5);
	live_get(l, "sm", "Speed", a, &v);
	check_int(v.seq, seq, "the same again is no change");
	live_set(l, "sm", "Speed", "1", QUALITY_GOOD, 6);
	live_get(l, "sm", "Speed", a, &v);
	check(v.seq > seq, "another time is a change");
	live_set(l, "sm", "Speed", "1", QUALITY_STALE, 6);
	live_get(l, "sm", "Speed", a, &v);
	check_int(v.quality, QUALITY_STALE, "another quality is a change");
	live_set(l, "sm", "Speed", "a text that is much longer than the one before it was", QUALITY_GOOD, 7);
	live_get(l, "sm", "Speed", a, &v);
	check_str(v.text, "a text that is much longer than the one before it was", "a longer text");
	live_set(l, "sm", "Speed", NULL, QUALITY_BAD, 8);
	check_int(live_get(l, "sm", "Speed", a, &v), ERR_OK, "known to have no value");
	check(v.text == NULL, "and it has none");
	live_drop(l, "sm", "Speed");
	check(!live_has(l, "sm"), "dropping the last value drops the submodel");
	arena_free(a);
	live_free(l);
}

static void lists(void)
{
	struct live *l = live_new();
	struct arena *a = arena_new(0);
	struct live_value *v;
	uint64_t seq, next;
	size_t n;

	for (int i = 0; i < 100; i++)
		live_set(l, i % 2 ? "odd" : "even", arena_printf(a, "E%d", i), "0", QUALITY_GOOD, i);
	check_int(live_list(l, "odd", 0, a, &v, &n, &seq), ERR_OK, "list");
	check_int(n, 50, "all of one submodel");
	check_str(v[0].path, "E99", "the newest first");
	live_list(l, NULL, 0, a, &v, &n, &next);
	check_int(n, 100, "all of all");
	check_int(next, seq, "the sequence number is that of the newest");
	live_set(l, "even", "E4", "1", QUALITY_GOOD, 1000);
	live_set(l, "even", "E8", "1", QUALITY_GOOD, 1000);
	live_set(l, "even", "E4", "2", QUALITY_GOOD, 1001);
	live_list(l, NULL, seq, a, &v, &n, &next);
	check_int(n, 2, "what is new, each once");
	check_str(v[0].text, "2", "as it is now");
	live_list(l, "odd", seq, a, &v, &n, &next);
	check_int(n, 0, "nothing new in the other");
	live_drop(l, "even", "E4");
	live_list(l, "even", 0, a, &v, &n, &next);
	check_int(n, 49, "one dropped");
	live_drop(l, "even", NULL);
	check(!live_has(l, "even") && live_has(l, "odd"), "a whole submodel dropped");
	arena_free(a);
	live_free(l);
}

struct feed {
	struct live *live;
	int id, n;
};

static void *feeder(void *arg)
{
	const struct feed *f = arg;
	char path[20], text[20];
	for (int i = 0; i < f->n; i++) {
		snprintf(path, sizeof path, "P%d", i % 50);
		snprintf(text, sizeof text, "%d", i);
		live_set(f->live, f->id ? "b" : "a", path, text, QUALITY_GOOD, i);
	}
	return NULL;
}

static void threads(void)
{
	struct live *l = live_new();
	struct feed f[2] = { { l, 0, 20000 }, { l, 1, 20000 } };
	pthread_t t[2];
	struct arena *a = arena_new(0);
	struct live_value *v;
	uint64_t seq = 0;
	size_t n;
	bool grows = true;

	for (int i = 0; i < 2; i++)
		thread_start(&t[i], "feed", feeder, &f[i]);
	for (int i = 0; i < 200; i++) {
		uint64_t now = live_wait(l, seq, 100000);
		grows = grows && now >= seq;
		live_list(l, NULL, seq, a, &v, &n, &seq);
		arena_reset(a);
	}
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	check(grows, "sequence numbers grow");
	live_list(l, NULL, 0, a, &v, &n, &seq);
	check_int(n, 100, "every value is there once");
	check_int(seq, 40000, "every change has a number");
	int64_t before = clock_mono_us();
	check_int(live_wait(l, seq, 20000), seq, "nothing comes");
	check(clock_mono_us() - before >= 20000, "it waited for it");
	arena_free(a);
	live_free(l);
}

static void speed(void)
{
	struct live *l = live_new();
	struct feed f = { l, 0, 200000 };
	int64_t before = clock_mono_us();
	feeder(&f);
	double rate = 200000.0 / ((double)(clock_mono_us() - before) / 1e6);
	check(rate > 50000, "at least 50000 changes a second (%.0f)", rate);
	live_free(l);
}

int main(void)
{
	one_value();
	lists();
	threads();
	speed();
	return done();
}
