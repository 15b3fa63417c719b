/* SPDX-License-Identifier: Apache-2.0 */
#include "sql/chunk.h"

#include <endian.h>
#include <math.h>

#include "base/clock.h"
#include "sql/pg.h"
#include "sql/pg_wire.h"

#define SCALES 10	/* 10^0 .. 10^9 */

/* -- writing ------------------------------------------------------------------------------------------------------------------------- */
static int64_t gcd(int64_t a, int64_t b)
{
	while (b) {
		int64_t rest = a % b;
		a = b;
		b = rest;
	}
	return a;
}

static uint64_t bits_of(double v)
{
	uint64_t bits;
	memcpy(&bits, &v, sizeof bits);
	return bits;
}

static double from_bits(uint64_t bits)
{
	double v;
	memcpy(&v, &bits, sizeof v);
	return v;
}

/* unit, offsets, far.  Within a day no difference is too large. */
static void put_times(struct buf *b, const struct store_sample *s, size_t n)
{
	int64_t t0 = s[0].time_us, step = n > 1 ? s[1].time_us - t0 : 0, unit = 0;
	bool regular = true;
	for (size_t i = 0; i < n; i++) {
		int64_t d = s[i].time_us - t0;
		regular &= d == step * (int64_t)i;
		unit = gcd(unit, d);
	}
	bool far = !regular && (s[n - 1].time_us - t0) / unit > INT32_MAX;
	pg_item_int8(b, regular ? step : unit);
	if (regular || far)
		pg_item_null(b);
	if (!regular) {
		size_t at = pg_item_array(b, far ? PG_INT8 : PG_INT4, n);
		for (size_t i = 0; i < n; i++) {
			int64_t d = (s[i].time_us - t0) / unit;
			if (far)
				pg_item_int8(b, d);
			else
				pg_item_int4(b, (int32_t)d);
		}
		pg_item_array_end(b, at);
	}
	if (regular || !far)
		pg_item_null(b);
}

/* The value as `i / divisor`, bit for bit?  A quotient is the double next to the decimal number, as it was when that was read. */
static bool scaled(double v, double divisor, int32_t *i)
{
	double x = v * divisor;
	if (!(x > INT32_MIN && x < INT32_MAX))
		return false;
	*i = (int32_t)lrint(x);
	return bits_of(*i / divisor) == bits_of(v);
}

static bool scale_all(const struct store_sample *s, size_t n, double divisor, int32_t *out)
{
	for (size_t i = 0; i < n; i++)
		if (!scaled(s[i].num, divisor, &out[i]))
			return false;
	return true;
}

/* divisor, ints, nums */
static void put_values(struct buf *b, const struct store_sample *s, size_t n)
{
	int32_t ints[CHUNK_MAX];
	double divisor = 1;
	int k = 0;
	while (k < SCALES && !scale_all(s, n, divisor, ints)) {
		divisor *= 10;
		k++;
	}
	if (k < SCALES) {
		pg_item_num(b, divisor);
		size_t at = pg_item_array(b, PG_INT4, n);
		for (size_t i = 0; i < n; i++)
			pg_item_int4(b, ints[i]);
		pg_item_array_end(b, at);
		pg_item_null(b);
		return;
	}
	pg_item_null(b);
	pg_item_null(b);
	size_t at = pg_item_array(b, PG_FLOAT8, n);
	for (size_t i = 0; i < n; i++)
		pg_item_bits(b, bits_of(s[i].num));
	pg_item_array_end(b, at);
}

static void put_rest(struct buf *b, const struct store_sample *s, size_t n)
{
	bool good = true, numbers = true;
	double min = NAN, max = NAN;
	for (size_t i = 0; i < n; i++) {
		good &= s[i].quality == QUALITY_GOOD;
		numbers &= !s[i].text;
		if (isfinite(s[i].num)) {
			min = min <= s[i].num ? min : s[i].num;
			max = max >= s[i].num ? max : s[i].num;
		}
	}
	size_t at = good ? 0 : pg_item_array(b, PG_INT2, n);
	for (size_t i = 0; !good && i < n; i++)
		pg_item_int2(b, (int16_t)s[i].quality);
	if (good)
		pg_item_null(b);
	else
		pg_item_array_end(b, at);
	at = numbers ? 0 : pg_item_array(b, PG_TEXT, n);
	for (size_t i = 0; !numbers && i < n; i++)
		pg_item_text(b, s[i].text);
	if (numbers)
		pg_item_null(b);
	else
		pg_item_array_end(b, at);
	pg_item_num(b, min);
	pg_item_num(b, max);
}

void chunk_put(struct buf *b, const struct store_sample *s, size_t n)
{
	if (!n || n > CHUNK_MAX) {
		b->failed = true;
		return;
	}
	pg_copy_row(b, CHUNK_FIELDS);
	pg_item_int8(b, s[0].series);
	pg_item_date(b, s[0].time_us);
	pg_item_int4(b, (int32_t)n);
	pg_item_time(b, s[0].time_us);
	pg_item_time(b, s[n - 1].time_us);
	put_times(b, s, n);
	put_values(b, s, n);
	put_rest(b, s, n);
}

/* -- reading: every length is looked at, for it comes from outside ---------------------------------------------------------------------- */
static uint16_t be16(const char *p)
{
	uint16_t v;
	memcpy(&v, p, sizeof v);
	return be16toh(v);
}

static uint32_t be32(const char *p)
{
	uint32_t v;
	memcpy(&v, p, sizeof v);
	return be32toh(v);
}

static uint64_t be64(const char *p)
{
	uint64_t v;
	memcpy(&v, p, sizeof v);
	return be64toh(v);
}

/* The items of a one-dimensional array of n, p NULL when it is something else. */
static struct slice items_of(struct slice a, int32_t n)
{
	if (!a.p || a.n < 20 || be32(a.p) != 1 || be32(a.p + 12) != (uint32_t)n)
		return (struct slice){ NULL, 0 };
	return (struct slice){ a.p + 20, a.n - 20 };
}

/* Of a fixed size, none of them NULL: item i stands at i * (4 + size) + 4. */
static bool fixed(struct slice a, int32_t n, size_t size, const char **out)
{
	struct slice s = items_of(a, n);
	if (!s.p || s.n != (size_t)n * (4 + size))
		return false;
	uint32_t wrong = 0;
	for (size_t i = 0; i < (size_t)n; i++)
		wrong |= be32(s.p + i * (4 + size)) ^ (uint32_t)size;
	*out = s.p + 4;
	return !wrong;
}

static bool get_times(const struct chunk *c, struct store_sample *out)
{
	const char *p = NULL;
	bool near = c->offsets.p != NULL;
	if ((near || c->far.p) && !fixed(near ? c->offsets : c->far, c->n, near ? 4 : 8, &p))
		return false;
	for (int32_t i = 0; i < c->n; i++) {
		int64_t d = !p ? i : near ? (int32_t)be32(p + (size_t)i * 8) : (int64_t)be64(p + (size_t)i * 12);
		if (__builtin_mul_overflow(d, c->unit, &d) || __builtin_add_overflow(c->t0_us, d, &out[i].time_us))
			return false;
	}
	return true;
}

static bool get_values(const struct chunk *c, struct store_sample *out)
{
	const char *p;
	bool ints = c->ints.p != NULL;
	if ((ints && !(c->divisor > 0)) || !fixed(ints ? c->ints : c->nums, c->n, ints ? 4 : 8, &p))
		return false;
	for (int32_t i = 0; i < c->n; i++)
		out[i].num = ints ? (int32_t)be32(p + (size_t)i * 8) / c->divisor : from_bits(be64(p + (size_t)i * 12));
	return true;
}

static bool get_qualities(const struct chunk *c, struct store_sample *out)
{
	const char *p;
	if (!c->qualities.p)
		return true;
	if (!fixed(c->qualities, c->n, 2, &p))
		return false;
	for (int32_t i = 0; i < c->n; i++) {
		uint16_t q = be16(p + (size_t)i * 6);
		if (q > QUALITY_BAD)
			return false;
		out[i].quality = (enum quality)q;
	}
	return true;
}

static enum err get_texts(const struct chunk *c, struct arena *a, struct store_sample *out)
{
	struct slice s = items_of(c->texts, c->n);
	if (!c->texts.p)
		return ERR_OK;
	if (!s.p)
		return ERR_INTERNAL;
	for (int32_t i = 0; i < c->n; i++) {
		if (s.n < 4)
			return ERR_INTERNAL;
		uint32_t n = be32(s.p);
		s = (struct slice){ s.p + 4, s.n - 4 };
		if (n == UINT32_MAX)
			continue;
		if (n > s.n)
			return ERR_INTERNAL;
		if (!(out[i].text = arena_strndup(a, s.p, n)))
			return ERR_NO_MEMORY;
		s = (struct slice){ s.p + n, s.n - n };
	}
	return ERR_OK;
}

enum err chunk_get(const struct chunk *c, struct arena *a, struct store_sample *out)
{
	if (c->n < 1 || c->n > CHUNK_MAX)
		return ERR_INTERNAL;
	for (int32_t i = 0; i < c->n; i++)
		out[i] = (struct store_sample){ .series = c->series, .quality = QUALITY_GOOD };
	if (!get_times(c, out) || !get_values(c, out) || !get_qualities(c, out))
		return ERR_INTERNAL;
	return get_texts(c, a, out);
}
