/* SPDX-License-Identifier: Apache-2.0
 * Samples that come late, early, twice and in between, while what the store does in the background happens in between as well: it answers as
 * the memory does.  The seed is printed; TWINSHELL_SEED repeats a run. */
#include <math.h>

#include "base/clock.h"
#include "tests/store/suite.h"

enum { SERIES = 5, ROUNDS = 30, BATCH = 700, QUESTIONS = 12 };

static unsigned long long seed;
static struct store *model;
static int64_t ours[SERIES], theirs[SERIES], base, recent[16];

static unsigned dice(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed >> 33) % n;
}

/* Around now: most in their order, some late or early by hours or days, many at the same time. */
static int64_t some_time(int round, int i)
{
	int64_t t = base + (int64_t)round * 3600 * US_PER_S + (int64_t)i * 4 * US_PER_S;
	switch (dice(20)) {
	case 0: return t - (int64_t)dice(86400) * US_PER_S;
	case 1: return t - (int64_t)dice(9) * 86400 * US_PER_S - dice(1000000);
	case 2: return base + (int64_t)dice(40) * US_PER_S;
	case 3: return t + (int64_t)dice(20) * 86400 * US_PER_S;
	case 4: case 5: return recent[i % 16] ? recent[i % 16] : t;
	default: return recent[dice(16)] = t + (dice(3) ? 0 : dice(1000));
	}
}

static double some_number(int k)
{
	static const double odd[] = { -0.0, 0.1, -1e300, 4.9e-324, 1.7976931348623157e308, NAN };
	if (k == 4)
		return odd[dice(6)];
	return k == 3 ? dice(1000000) / 7.0 : (double)((int)dice(20000) - 10000) / (k == 2 ? 100.0 : 1.0);
}

static void batch(int round)
{
	struct store_sample a[BATCH], b[BATCH];
	int n = dice(4) ? (int)dice(BATCH - 1) + 1 : (int)dice(5) + 1;
	for (int i = 0; i < n; i++) {
		int k = (int)dice(SERIES);
		char *text = k == 4 && !dice(3) ? arena_printf(ar, "t%d\xC3\xA4", round * BATCH + i) : NULL;
		a[i] = (struct store_sample){ ours[k], some_time(round, i), text ? NAN : some_number(k), text, dice(30) ? QUALITY_GOOD : dice(5) };
		b[i] = a[i];
		b[i].series = theirs[k];
	}
	enum err e = st->ops->append(st, &(struct store_batch){ .sample = a, .n_samples = (size_t)n });
	e = e ? e : model->ops->append(model, &(struct store_batch){ .sample = b, .n_samples = (size_t)n });
	if (e)
		check_str(say(e), "OK", "round %d: a batch", round);
}

static bool same_bits(double a, double b)
{
	return (isnan(a) && isnan(b)) || (a == b && signbit(a) == signbit(b));
}

static bool same_samples(int k, int64_t t0, int64_t t1, size_t limit)
{
	struct store_sample *a = NULL, *b = NULL;
	size_t n = 0, m = 0;
	struct arena *scratch = arena_new(0);
	enum err e = st->ops->samples(st, ours[k], t0, t1, limit, scratch, &a, &n);
	enum err f = model->ops->samples(model, theirs[k], t0, t1, limit, scratch, &b, &m);
	bool same = !e && !f && n == m;
	for (size_t i = 0; same && i < n; i++)
		same = a[i].time_us == b[i].time_us && same_bits(a[i].num, b[i].num) && a[i].quality == b[i].quality && !a[i].text == !b[i].text &&
		       (!a[i].text || !strcmp(a[i].text, b[i].text));
	if (!same)
		printf("# series %d of %lld <= t < %lld, limit %zu: %s %zu, expected %s %zu\n", k, (long long)(t0 - base), (long long)(t1 - base), limit, say(e), n,
		       say(f), m);
	arena_free(scratch);
	return same;
}

static bool near(double a, double b, double size)
{
	return (isnan(a) && isnan(b)) || fabs(a - b) <= 1e-9 * size;
}

/* Of a bucket that has not ended the mean over time depends on the moment; what follows a sample from far ahead of the clock is not corrected. */
static bool settled_time(int64_t begin, enum store_level level)
{
	static const int64_t width[] = { 60 * US_PER_S, 3600 * US_PER_S, 86400 * US_PER_S };
	int64_t now = clock_now_us();
	return begin + width[level] < now - 600 * US_PER_S || (begin > now + 600 * US_PER_S && begin + width[level] < now + 86400 * US_PER_S);
}

/* A mean of numbers that nearly cancel is as exact as they are large. */
static bool same_buckets(int k, enum store_level level)
{
	struct store_bucket *a = NULL, *b = NULL;
	size_t n = 0, m = 0, limit = dice(2) ? 100000 : dice(50);
	struct arena *scratch = arena_new(0);
	int64_t t0 = dice(2) ? INT64_MIN + 1 : some_time((int)dice(ROUNDS), 0), t1 = dice(2) ? INT64_MAX : some_time((int)dice(ROUNDS), 0);
	enum err e = st->ops->buckets(st, ours[k], t0, t1, level, limit, scratch, &a, &n);
	enum err f = model->ops->buckets(model, theirs[k], t0, t1, level, limit, scratch, &b, &m);
	bool same = !e && !f && n == m;
	for (size_t i = 0; same && i < n; i++) {
		double size = 1e-300 + fmax(fabs(b[i].min), fabs(b[i].max));
		same = a[i].time_us == b[i].time_us && near(a[i].mean, b[i].mean, size) && near(a[i].min, b[i].min, size) && near(a[i].max, b[i].max, size);
		/* what held before it may be larger */
		if (same && settled_time(a[i].time_us, level) && !near(a[i].time_mean, b[i].time_mean, fmax(size, 1e4))) {
			printf("# mean over time at %lld: %g, expected %g\n", (long long)(a[i].time_us - base), a[i].time_mean, b[i].time_mean);
			same = false;
		}
	}
	if (!same)
		printf("# buckets of series %d, level %d: %s %zu, expected %s %zu\n", k, (int)level, say(e), n, say(f), m);
	arena_free(scratch);
	return same;
}

static bool questions(int round)
{
	bool same = true;
	for (int i = 0; i < QUESTIONS; i++) {
		int64_t t0 = some_time((int)dice((unsigned)round + 1), (int)dice(BATCH)), t1 = some_time((int)dice((unsigned)round + 1), (int)dice(BATCH));
		if (!dice(4))
			t0 = INT64_MIN + 1;
		if (!dice(4))
			t1 = INT64_MAX;
		same &= same_samples((int)dice(SERIES), t0, t1, dice(3) ? dice(2000) : 1000000);
	}
	return same;
}

void suite_late(void)
{
	const char *given = getenv("TWINSHELL_SEED");
	seed = given ? strtoull(given, NULL, 10) : 20240229;
	printf("# TWINSHELL_SEED=%llu\n", seed);
	seed = seed * 2654435761 + 1;
	model = store_mem_new();
	base = clock_now_us() - 36 * 3600 * US_PER_S;
	for (int k = 0; k < SERIES; k++) {
		char path[8];
		snprintf(path, sizeof path, "S%d", k);
		st->ops->series(st, "urn:late", path, NULL, &ours[k]);
		model->ops->series(model, "urn:late", path, NULL, &theirs[k]);
	}
	bool same = true, buckets = true;
	for (int round = 0; round < ROUNDS && same && buckets; round++) {
		batch(round);
		if (suite_settle && !dice(2)) {
			enum err e = suite_settle(st);
			if (e)
				check_str(say(e), "OK", "round %d: settled", round);
			for (int k = 0; k < SERIES; k++)
				buckets &= same_buckets(k, (enum store_level)dice(3));
		}
		same = questions(round);
	}
	check(same, "samples of any stretch are those that came, in the order of time, and of one time in the order in which they came");
	if (suite_settle)
		check_str(say(suite_settle(st)), "OK", "everything is settled");
	for (int k = 0; k < SERIES; k++) {
		same &= same_samples(k, INT64_MIN + 1, INT64_MAX, 1000000);
		for (int level = STORE_MINUTE; level <= STORE_DAY; level++)
			buckets &= same_buckets(k, (enum store_level)level);
	}
	check(same, "all of them");
	check(buckets, "minutes, hours and days are what the samples come to");
	struct store_bucket *b;
	size_t n;
	check_str(say(st->ops->buckets(st, 123456789, 0, 1, STORE_HOUR, 9, ar, &b, &n)), "NOT_FOUND", "hours of a series that is not there");
	model->ops->close(model);
}
