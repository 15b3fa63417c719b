/* SPDX-License-Identifier: Apache-2.0 - series, samples, live values, positions, commands. */
#include <math.h>

#include "base/clock.h"
#include "base/thread.h"
#include "tests/store/suite.h"

#define T0 INT64_C(1700000000000000)		/* 2023-11-14T22:13:20Z: a day ends 6400 s later */

static int64_t series(const char *id, const char *path)
{
	int64_t s = 0;
	enum err e = st->ops->series(st, id, path, "bar", &s);
	if (e)
		check_str(say(e), "OK", "series %s", path);
	return s;
}

static enum err append(const struct store_sample *s, size_t n, const char *spool, uint64_t position)
{
	return st->ops->append(st, &(struct store_batch){ .sample = s, .n_samples = n, .spool = spool, .position = position });
}

/* "time=num(text)quality " of each, times from T0 in microseconds. */
static const char *samples(int64_t s, int64_t t0, int64_t t1, size_t limit)
{
	struct store_sample *p = NULL;
	struct buf b = BUF_INIT;
	size_t n = 77;
	enum err e = st->ops->samples(st, s, t0, t1, limit, ar, &p, &n);
	for (size_t i = 0; !e && i < n; i++) {
		buf_printf(&b, "%lld=", (long long)(p[i].time_us - T0));
		if (!isnan(p[i].num))
			buf_printf(&b, "%.17g", p[i].num);
		if (p[i].text)
			buf_printf(&b, "(%s)", p[i].text);
		buf_printf(&b, "%s ", p[i].quality == QUALITY_GOOD ? "" : quality_name(p[i].quality));
		if (p[i].series != s)
			buf_puts(&b, "OF ANOTHER SERIES ");
	}
	const char *out = e ? say(e) : arena_strndup(ar, b.p ? b.p : "", b.n);
	buf_fini(&b);
	return out;
}

static void settle(const char *when)
{
	if (suite_settle)
		check_str(say(suite_settle(st)), "OK", "%s", when);
}

static void find_or_make(void)
{
	int64_t a = series("urn:s", "P"), b = series("urn:s", "Q"), c = series("urn:t", "P");
	check(a && b && c && a != b && a != c && b != c, "each element of each submodel has its series");
	check_int(series("urn:s", "P"), a, "found again");
	int64_t no_unit = 0;
	check_str(say(st->ops->series(st, "urn:s", "Q", NULL, &no_unit)), "OK", "without a unit");
	check_int(no_unit, b, "it is the same one");
	check(series("urn:s\n", "P") != a && series("urn:", "sP") != a && series("urn:sP", "") != a, "id and path cannot be mixed up");
	const char *id = arena_printf(ar, "'\\%s\xF0\x9F\x94\xA7", text('i', 2040)), *path = arena_printf(ar, "%s[3].P", text('p', 4000));
	int64_t odd = series(id, path);
	check(odd && series(id, path) == odd, "long and odd names");
	put_once(STORE_SUBMODEL, plain(STORE_SUBMODEL, "urn:s"), STORE_CREATE, 0, NULL);
	del_once(STORE_SUBMODEL, "urn:s");
	check_int(series("urn:s", "P"), a, "a series outlives its submodel");
}

static void history(void)
{
	int64_t a = series("urn:h", "A"), b = series("urn:h", "B");
	const struct store_sample first[] = {
		{ a, T0 + 20, 2.5, NULL, QUALITY_GOOD }, { b, T0 + 15, 7, NULL, QUALITY_GOOD }, { a, T0 + 10, -0.1, NULL, QUALITY_STALE },
		{ a, T0 + 30, NAN, "on", QUALITY_SIMULATED }, { a, T0 + 31, NAN, "", QUALITY_UNCERTAIN },
	};
	const struct store_sample later[] = {
		{ a, T0 + 25, 1.7976931348623157e308, NULL, QUALITY_BAD }, { a, T0 + 40, NAN, "a'\\N\t\x1F\n\xF0\x9F\x94\xA7", QUALITY_GOOD },
		{ a, T0 + 50, NAN, NULL, QUALITY_BAD },
	};
	check_str(samples(a, INT64_MIN + 1, INT64_MAX, 100), "", "a series without samples");
	check_str(say(append(first, 5, NULL, 0)), "OK", "samples in any order, of two series");
	check_str(samples(a, T0, T0 + 100, 100), "10=-0.10000000000000001stale 20=2.5 30=(on)simulated 31=()uncertain ", "in the order of time, of one series");
	check_str(say(append(later, 3, NULL, 0)), "OK", "later ones, some of them between");
	check_str(samples(a, T0, T0 + 41, 100), "10=-0.10000000000000001stale 20=2.5 25=1.7976931348623157e+308bad 30=(on)simulated 31=()uncertain "
		  "40=(a'\\N\t\x1F\n\xF0\x9F\x94\xA7) ", "in their places, every bit of them");
	check_str(samples(a, T0 + 50, T0 + 51, 100), "50=bad ", "neither number nor text");
	settle("what is written is put in order");
	check_str(samples(a, T0, T0 + 51, 100), "10=-0.10000000000000001stale 20=2.5 25=1.7976931348623157e+308bad 30=(on)simulated 31=()uncertain "
		  "40=(a'\\N\t\x1F\n\xF0\x9F\x94\xA7) 50=bad ", "nothing has changed");
	check_str(samples(b, T0, T0 + 100, 100), "15=7 ", "the other series has its own");
	check_str(samples(a, T0 + 20, T0 + 30, 100), "20=2.5 25=1.7976931348623157e+308bad ", "from t0, before t1");
	check_str(samples(a, T0, T0 + 31, 2), "25=1.7976931348623157e+308bad 30=(on)simulated ", "the newest of them, in the order of time");
	check_str(samples(a, T0 + 20, T0 + 20, 100), "", "an empty stretch");
	check_str(samples(a, T0 + 30, T0 + 20, 100), "", "t1 before t0");
	check_str(samples(a, T0, T0 + 100, 0), "", "a limit of nothing");
	check_str(say(append(NULL, 0, NULL, 0)), "OK", "an empty batch");
}

/* Days are kept apart; midnight, the past, the future and time before 1970 must make no difference. */
static void days(void)
{
	const int64_t day = 86400 * US_PER_S, midnight = T0 + 6400 * US_PER_S;
	int64_t a = series("urn:d", "A");
	struct store_sample s[] = {
		{ a, midnight, 1, NULL, QUALITY_GOOD }, { a, midnight - 1, 2, NULL, QUALITY_GOOD }, { a, midnight + 40 * day, 3, NULL, QUALITY_GOOD },
		{ a, -1, 4, NULL, QUALITY_GOOD }, { a, T0 + 200 * 365 * day, 5, NULL, QUALITY_GOOD }, { a, midnight - 400 * day, 6, NULL, QUALITY_GOOD },
	};
	check_str(say(append(s, 6, NULL, 0)), "OK", "samples of six days, from 1969 to 2223");
	struct store_sample *p = NULL;
	struct buf b = BUF_INIT;
	size_t n = 0;
	check_str(say(st->ops->samples(st, a, INT64_MIN + 1, INT64_MAX, 100, ar, &p, &n)), "OK", "all of them");
	for (size_t i = 0; i < n; i++)
		buf_printf(&b, "%g ", p[i].num);
	check_str(b.p, "4 6 2 1 3 5 ", "in the order of time");
	buf_fini(&b);
	check(n == 6 && p[0].time_us == -1 && p[2].time_us == midnight - 1 && p[5].time_us == T0 + 200 * 365 * day, "times are exact");
	struct store_sample now[] = { { a, clock_now_us(), 9, NULL, QUALITY_GOOD }, { a, midnight + 1, 8, NULL, QUALITY_GOOD } };
	check_str(say(append(now, 2, NULL, 0)), "OK", "today, and again that midnight");
	check_str(samples(a, midnight - 1, midnight + 2, 9), "6399999999=2 6400000000=1 6400000001=8 ", "around midnight");
	settle("days are put in order");
	check_str(samples(a, midnight - 1, midnight + 2, 9), "6399999999=2 6400000000=1 6400000001=8 ", "around midnight as before");
	st->ops->samples(st, a, INT64_MIN + 1, INT64_MAX, 3, ar, &p, &n);
	check(n == 3 && p[0].num == 3 && p[1].num == 9 && p[2].num == 5, "the newest three of all times");
	struct store_sample many[3000];
	for (int i = 0; i < 3000; i++)
		many[i] = (struct store_sample){ a, T0 + 1000 * day + i * US_PER_S, i, NULL, QUALITY_GOOD };
	check_str(say(append(many, 3000, NULL, 0)), "OK", "3000 samples at once");
	settle("five chunks");
	st->ops->samples(st, a, T0 + 1000 * day, T0 + 1001 * day, 100000, ar, &p, &n);
	bool same = n == 3000;
	for (size_t i = 0; same && i < n; i++)
		same = p[i].num == (double)i && p[i].time_us == many[i].time_us;
	check(same, "are all there");
}

struct seen {
	struct buf b;
	int n;
};

static void row(void *ctx, const char *id, const char *path, const struct store_live *l)
{
	struct seen *s = ctx;
	s->n++;
	if (strncmp(id, "urn:l", 5) != 0)
		return;
	buf_printf(&s->b, "%s %s %lld %s %s;", id, path, l->time_us == TIME_NONE ? -1LL : (long long)(l->time_us - T0), l->text ? l->text : "(none)", quality_name(l->quality));
}

static bool live_has(const char *what)
{
	struct seen s = { BUF_INIT, 0 };
	enum err e = st->ops->live(st, row, &s);
	bool has = !e && s.b.p && strstr(s.b.p, what);
	if (!has)
		printf("# live: %s %s\n", say(e), s.b.p ? s.b.p : "");
	buf_fini(&s.b);
	return has;
}

static int live_count(void)
{
	struct seen s = { BUF_INIT, 0 };
	st->ops->live(st, row, &s);
	buf_fini(&s.b);
	return s.n;
}

static void live(void)
{
	int64_t a = series("urn:l1", "A"), b = series("urn:l1", "B[0].C"), c = series("urn:l2", "A");
	struct store_live l[] = { { a, T0 + 1, "1.5", QUALITY_GOOD }, { c, T0 + 2, NULL, QUALITY_BAD } };
	check_int(live_count(), 0, "no live values at first");
	check_str(say(st->ops->append(st, &(struct store_batch){ .live = l, .n_live = 2 })), "OK", "live values");
	check(live_has("urn:l1 A 1 1.5 good;") && live_has("urn:l2 A 2 (none) bad;"), "are there, one of them without a value");
	check_int(live_count(), 2, "a series without a live value has none");
	struct store_live m[] = { { b, TIME_NONE, "it's \\N", QUALITY_STALE }, { a, T0 + 3, "", QUALITY_UNCERTAIN } };
	check_str(say(st->ops->append(st, &(struct store_batch){ .live = m, .n_live = 2 })), "OK", "newer ones, one without a time");
	check(live_has("urn:l1 A 3  uncertain;"), "take the place of the old ones");
	check(live_has("urn:l1 B[0].C -1 it's \\N stale;"), "the time stays unknown");
	check_int(live_count(), 3, "one per series");
}

static uint64_t position(const char *spool)
{
	uint64_t p = 99;
	enum err e = st->ops->position(st, spool, &p);
	if (e)
		check_str(say(e), "OK", "position");
	return p;
}

static void batches(void)
{
	int64_t a = series("urn:b", "A"), none = INT64_C(123456789);
	struct store_sample s[] = { { a, T0, 1, NULL, QUALITY_GOOD }, { none, T0, 2, NULL, QUALITY_GOOD } };
	struct store_live l[] = { { a, T0, "1", QUALITY_GOOD }, { none, T0, "2", QUALITY_GOOD } };
	int before = live_count();
	check_int(position("spool"), 0, "a spool that was never seen");
	check_str(say(append(s, 1, "spool", 100)), "OK", "a batch with its position");
	check_int(position("spool"), 100, "is committed with it");
	check_int(position("other"), 0, "another spool has its own");
	check_str(say(append(s, 2, "spool", 200)), "NOT_FOUND", "a sample of a series that is not there");
	check_str(say(st->ops->append(st, &(struct store_batch){ s, 1, l, 2, "spool", 200 })), "NOT_FOUND", "a live value of one");
	check_str(samples(a, T0, T0 + 1, 9), "0=1 ", "nothing of those batches is there: samples");
	check_int(position("spool"), 100, "position");
	check_int(live_count(), before, "live values");
	check_str(say(append(NULL, 0, "spool", UINT64_C(1) << 62)), "OK", "a position alone, and a large one");
	check(position("spool") == UINT64_C(1) << 62, "is kept exactly");
	check_str(say(append(s, 1, "it's \xC3\xA4\x1F", 5)), "OK", "an odd name of a spool");
	check_int(position("it's \xC3\xA4\x1F"), 5, "is found");
	check_str(samples(none, T0, T0 + 1, 9), "NOT_FOUND", "samples of a series that is not there");

	struct store_sample t = { a, T0 + 7, 7, NULL, QUALITY_GOOD };
	check_str(say(append(&t, 1, "twice", 10)), "OK", "a batch");
	check_str(say(append(&t, 1, "twice", 10)), "OK", "the same batch of its spool, sent again");
	check_str(samples(a, T0 + 7, T0 + 8, 9), "7=7 ", "is stored once");
	check_str(say(append(&t, 1, "twice", 11)), "OK", "with another position it is another batch");
	check_str(samples(a, T0 + 7, T0 + 8, 9), "7=7 7=7 ", "that is stored as well");
	append(&t, 1, NULL, 0);
	append(&t, 1, NULL, 0);
	check_str(samples(a, T0 + 7, T0 + 8, 9), "7=7 7=7 7=7 7=7 ", "without a spool every batch is another one");
}

/* Many historians and many questions at once: each series is made once, and no sample is lost. */
struct worker {
	pthread_t thread;
	int64_t series[8];
	int number;
	enum err err;
};

static void *work(void *arg)
{
	struct worker *w = arg;
	for (int i = 0; i < 8 && !w->err; i++) {
		char path[10];
		snprintf(path, sizeof path, "P%d", i);
		w->err = st->ops->series(st, "urn:many", path, NULL, &w->series[i]);
	}
	for (int i = 0; i < 20 && !w->err;) {
		struct store_sample s = { w->series[i % 8], T0 + w->number * 1000 + i, i, NULL, QUALITY_GOOD };
		struct store_live l = { w->series[i % 8], s.time_us, "x", QUALITY_GOOD };
		char spool[10];
		snprintf(spool, sizeof spool, "w%d", w->number);
		enum err e = st->ops->append(st, &(struct store_batch){ &s, 1, &l, 1, spool, (uint64_t)i + 1 });
		if (e != ERR_AGAIN)
			i++, w->err = e;
	}
	return NULL;
}

static void many(void)
{
	enum { N = 4 };
	struct worker w[N] = { 0 };
	bool same = true, ok = true;
	size_t sum = 0, n;
	for (int i = 0; i < N; i++) {
		w[i].number = i;
		ok &= thread_start(&w[i].thread, "historian", work, &w[i]);
	}
	for (int i = 0; i < N; i++) {
		pthread_join(w[i].thread, NULL);
		ok &= !w[i].err && !memcmp(w[i].series, w[0].series, sizeof w[0].series);
		char spool[10];
		snprintf(spool, sizeof spool, "w%d", i);
		same &= position(spool) == 20;
	}
	check(ok, "threads that meet find the same series");
	check(same, "every position is the last");
	for (int i = 0; i < 8; i++) {
		struct store_sample *p;
		st->ops->samples(st, w[0].series[i], T0, T0 + 10000, 1000, ar, &p, &n);
		sum += n;
	}
	check_int(sum, N * 20, "no sample is lost");
}

static void commands(void)
{
	struct store_command c = { "0190-1", "urn:c", "Op", "cmd/a'b", "{\"a\":\"\\\\\"}", "sent", "", "act", T0, TIME_NONE };
	check_str(say(st->ops->command(st, &c)), "OK", "a command");
	c.state = "completed";
	c.answered_us = T0 + 5;
	check_str(say(st->ops->command(st, &c)), "OK", "its answer");
	c.id = "0190-2";
	c.state = "refused";
	c.reason = "it's \xC3\xA4 shadow";
	check_str(say(st->ops->command(st, &c)), "OK", "another one");
}

void suite_series(void)
{
	find_or_make();
	history();
	days();
	live();
	batches();
	many();
	commands();
}
