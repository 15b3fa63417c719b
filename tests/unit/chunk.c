/* SPDX-License-Identifier: Apache-2.0 - samples into a row and back. */
#include <math.h>

#include "base/clock.h"
#include "sql/chunk.h"
#include "tests/tap.h"

#define T0 INT64_C(1700006400000000)	/* 2023-11-15T00:00:00Z */

static struct arena *arena;
static struct slice field[CHUNK_FIELDS];
static struct buf row;

static int64_t number(struct slice s)
{
	int64_t v = 0;
	for (size_t i = 0; i < s.n && i < 8; i++)
		v = (int64_t)((uint64_t)v << 8 | (unsigned char)s.p[i]);
	return v;
}

/* The row as PostgreSQL would give it back. */
static bool put(const struct store_sample *s, size_t n, struct chunk *c)
{
	buf_reset(&row);
	chunk_put(&row, s, n);
	if (row.failed)
		return false;
	const char *p = row.p + 2;
	for (int i = 0; i < CHUNK_FIELDS; i++) {
		int32_t len = (int32_t)number((struct slice){ p, 4 });
		p += 4;
		field[i] = (struct slice){ len < 0 ? NULL : p, len < 0 ? 0 : (size_t)len };
		p += field[i].n;
	}
	uint64_t bits = (uint64_t)number(field[8]);
	*c = (struct chunk){ .series = number(field[0]), .t0_us = number(field[3]) + INT64_C(946684800000000), .unit = number(field[5]),
			     .n = (int32_t)number(field[2]), .offsets = field[6], .far = field[7], .ints = field[9], .nums = field[10],
			     .qualities = field[11], .texts = field[12] };
	memcpy(&c->divisor, &bits, sizeof bits);
	return p == row.p + row.n;
}

static bool same(const struct store_sample *a, const struct store_sample *b)
{
	return a->series == b->series && a->time_us == b->time_us && !memcmp(&a->num, &b->num, sizeof a->num) && a->quality == b->quality &&
	       !a->text == !b->text && (!a->text || !strcmp(a->text, b->text));
}

static bool round_trip(const struct store_sample *s, size_t n)
{
	static struct store_sample out[CHUNK_MAX];
	struct chunk c;
	if (!put(s, n, &c) || chunk_get(&c, arena, out))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!same(&s[i], &out[i])) {
			printf("# sample %zu: %lld %.17g, got %lld %.17g\n", i, (long long)s[i].time_us, s[i].num, (long long)out[i].time_us, out[i].num);
			return false;
		}
	return true;
}

static void forms(void)
{
	struct store_sample s[CHUNK_POINTS];
	for (int i = 0; i < CHUNK_POINTS; i++)
		s[i] = (struct store_sample){ 7, T0 + i * US_PER_S, i / 100.0, NULL, QUALITY_GOOD };
	check(round_trip(s, CHUNK_POINTS), "hundredths, once a second");
	check(!field[6].p && !field[7].p && number(field[5]) == US_PER_S, "equal steps need no times");
	check(field[9].p && !field[10].p && !field[11].p && !field[12].p, "hundredths are integers, good numbers need nothing else");
	for (int i = 0; i < CHUNK_POINTS; i++)
		s[i].time_us += (i * 7919 % 100) * 1000;
	check(round_trip(s, CHUNK_POINTS) && field[6].p && number(field[5]) == 1000, "milliseconds are counted in milliseconds");
	for (int i = 0; i < CHUNK_POINTS; i++)
		s[i].time_us = T0 + i * INT64_C(143000000) + i % 3;
	check(round_trip(s, CHUNK_POINTS) && !field[6].p && field[7].p, "microseconds of a whole day");
	for (int i = 0; i < CHUNK_POINTS; i++)
		s[i].time_us = T0 + 5;
	check(round_trip(s, CHUNK_POINTS), "all at the same time");
	for (int i = 0; i < CHUNK_POINTS; i++)
		s[i].num = i / 7.0;
	check(round_trip(s, CHUNK_POINTS) && field[10].p && !field[9].p, "sevenths are not");
	s[300].text = "";
	s[301].text = "a \xC3\xA4\n";
	s[302].quality = QUALITY_BAD;
	check(round_trip(s, CHUNK_POINTS) && field[11].p && field[12].p, "texts, one of them empty, and a quality");
	check(round_trip(s, 1), "one alone");
}

static void numbers(void)
{
	static const double odd[] = {
		0, -0.0, 1, -1, 0.1, 1e-9, 1e-10, 123456.789, 2147483647, -2147483648, 2147483648, 4.9e-324, 1.7976931348623157e308, INFINITY, -INFINITY,
		NAN, 1.0 / 3, 0.30000000000000004, 9007199254740992, -214748364.7,
	};
	unsigned long long x = 88172645463325252;
	bool ok = true;
	for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
		struct store_sample s[2] = { { 1, T0, odd[i], NULL, 0 }, { 1, T0 + 1, 0.25, NULL, 0 } };
		ok &= round_trip(s, 1) && round_trip(s, 2);
	}
	check(ok, "zeros of both signs, the largest, the smallest, infinities, NaN, every bit");
	ok = true;
	for (int round = 0; round < 300 && ok; round++) {
		struct store_sample s[50];
		int64_t t = T0;
		int n = 1 + round % 50;
		for (int i = 0; i < n; i++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			double v;
			if (round % 2)
				memcpy(&v, &x, sizeof v);
			else
				v = (double)(int)(x >> 33) / (round % 3 ? 1000.0 : 1e9);
			t += (int64_t)(x % (round % 5 ? 3000000 : 1500000000));
			s[i] = (struct store_sample){ (int64_t)x, 0, v, NULL, (enum quality)(round % 7 ? 0 : x % 5) };
			s[i].series = round;
			s[i].time_us = t;
		}
		ok = round_trip(s, (size_t)n);
	}
	check(ok, "random bits at random times");
}

static void refused(void)
{
	struct store_sample s[3] = { { 1, T0, 1, "t", QUALITY_BAD }, { 1, T0 + 7, 2.5, NULL, 0 }, { 1, T0 + 90, 3, "u", 0 } }, out[CHUNK_MAX];
	struct chunk c, d;
	check(put(s, 3, &c), "a chunk");
	struct slice *const part[] = { &c.offsets, &c.ints, &c.qualities, &c.texts };
	for (int i = 0; i < 4; i++) {
		struct slice was = *part[i];
		part[i]->n--;
		check_int(chunk_get(&c, arena, out), ERR_INTERNAL, "array %d is cut", i);
		part[i]->n = 3;
		check_int(chunk_get(&c, arena, out), ERR_INTERNAL, "array %d has no head", i);
		*part[i] = was;
	}
	d = c;
	d.n = 2;
	check_int(chunk_get(&d, arena, out), ERR_INTERNAL, "fewer than the arrays have");
	d.n = 0;
	check_int(chunk_get(&d, arena, out), ERR_INTERNAL, "none");
	d.n = INT32_MAX;
	check_int(chunk_get(&d, arena, out), ERR_INTERNAL, "too many");
	d = c;
	d.divisor = 0;
	check_int(chunk_get(&d, arena, out), ERR_INTERNAL, "nothing to divide by");
	d = c;
	d.unit = INT64_MAX;
	check_int(chunk_get(&d, arena, out), ERR_INTERNAL, "times that do not fit");
	d = c;
	d.ints.p = NULL;
	check_int(chunk_get(&d, arena, out), ERR_INTERNAL, "no values");
	buf_reset(&row);
	chunk_put(&row, s, 0);
	check(row.failed, "no samples make no chunk");
}

int main(void)
{
	arena = arena_new(0);
	buf_init(&row, 0);
	forms();
	numbers();
	buf_fini(&row);
	buf_init(&row, 0);
	refused();
	buf_fini(&row);
	arena_free(arena);
	return done();
}
