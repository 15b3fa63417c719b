/* SPDX-License-Identifier: Apache-2.0
 * query_datum.c - values of a query: reading, casting (XPath 3.0, "Casting"), comparing.  Numbers are compared as the decimals they are
 * written as; times in microseconds, without a zone UTC. */
#include <stdio.h>

#include "aas/query_priv.h"
#include "base/clock.h"

#define DAY_US (86400 * US_PER_S)

const char *query_type_name(enum query_type t)
{
	static const char *const names[] = { "text", "number", "hexadecimal number", "boolean", "date and time", "time" };
	return names[t];
}

/* -- reading ---------------------------------------------------------------------------------------------------------------------------- */
static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

/* What stands behind an 'e'; saturates, so that nothing overflows later. */
static bool read_exponent(const char *p, const char *end, int64_t *out)
{
	bool minus = p < end && *p == '-';
	int64_t v = 0;
	p += p < end && (*p == '-' || *p == '+');
	if (p == end)
		return false;
	for (; p < end; p++) {
		if (!digit(*p))
			return false;
		if (v < INT64_C(1000000000000))
			v = v * 10 + (*p - '0');
	}
	*out = minus ? -v : v;
	return true;
}

/* From the digits (with at most one point) to those that count, and the place of the point before the first of them. */
static bool read_mantissa(const char *p, const char *end, struct query_num *out)
{
	const char *point = NULL, *first = NULL, *last = NULL;
	bool any = false;
	for (const char *s = p; s < end; s++) {
		if (*s == '.' && !point) {
			point = s;
		} else if (!digit(*s)) {
			return false;
		} else {
			any = true;
			if (*s != '0') {
				first = first ? first : s;
				last = s;
			}
		}
	}
	if (!any)
		return false;
	if (!point)
		point = end;
	if (!first) {
		out->sign = 0;
		return true;
	}
	out->digits = first;
	out->n = (size_t)(last + 1 - first);
	out->exponent = first < point ? point - first : -(first - point - 1);
	return true;
}

static bool read_num(struct slice t, struct query_datum *d)
{
	const char *p = t.p, *end = t.p + t.n, *e;
	int64_t exponent = 0;
	d->num = (struct query_num){ .sign = 1, .kind = QUERY_FINITE };
	if (slice_is(t, "NaN") || slice_is(t, "INF") || slice_is(t, "-INF")) {
		d->num.kind = *p == 'N' ? QUERY_NAN : QUERY_INF;
		d->num.sign = *p == '-' ? -1 : 1;
		return true;
	}
	if (p < end && (*p == '-' || *p == '+')) {
		d->num.sign = *p == '-' ? -1 : 1;
		p++;
	}
	for (e = p; e < end && *e != 'e' && *e != 'E'; e++)
		;
	if (e < end && !read_exponent(e + 1, end, &exponent))
		return false;
	if (!read_mantissa(p, e, &d->num))
		return false;
	d->num.exponent += exponent;
	return true;
}

/* "16#" and upper case digits. */
static bool read_hex(struct slice t, struct query_datum *d)
{
	if (t.n < 4 || memcmp(t.p, "16#", 3))
		return false;
	for (size_t i = 3; i < t.n; i++)
		if (!digit(t.p[i]) && (t.p[i] < 'A' || t.p[i] > 'F'))
			return false;
	d->text = (struct slice){ t.p + 3, t.n - 3 };
	while (d->text.n > 1 && *d->text.p == '0')
		d->text.p++, d->text.n--;
	return true;
}

static bool read_bool(struct slice t, struct query_datum *d)
{
	d->boolean = slice_is(t, "true") || slice_is(t, "1");
	return d->boolean || slice_is(t, "false") || slice_is(t, "0");
}

/* hh:mm, then :ss and a fraction, then a zone, as a moment of 1970-01-01. */
static bool read_time(struct slice t, struct query_datum *d)
{
	char text[64];
	if (t.n < 5 || t.n > 40 || t.p[2] != ':')
		return false;
	bool seconds = t.n > 5 && t.p[5] == ':';
	int n = snprintf(text, sizeof text, "1970-01-01T%.5s%s%.*s", t.p, seconds ? "" : ":00", (int)(t.n - 5), t.p + 5);
	if (!time_parse(text, (size_t)n, &d->us))
		return false;
	d->us = (d->us % DAY_US + DAY_US) % DAY_US;
	return true;
}

bool query_datum_read(enum query_type type, struct slice t, struct query_datum *d)
{
	*d = (struct query_datum){ .type = type, .text = t };
	switch (type) {
	case QUERY_STR: return true;
	case QUERY_NUM: return read_num(t, d);
	case QUERY_HEX: return read_hex(t, d);
	case QUERY_BOOL: return read_bool(t, d);
	case QUERY_DATETIME: return time_parse(t.p, t.n, &d->us);
	case QUERY_TIME: return read_time(t, d);
	}
	return false;
}

/* -- casting ---------------------------------------------------------------------------------------------------------------------------- */
/* Digits without a point, padded by zeros up to `n`; the caller has bounded n. */
static void put_digits(const struct query_num *v, char *out, size_t n)
{
	size_t k = 0;
	for (size_t i = 0; i < v->n && k < n; i++)
		if (v->digits[i] != '.')
			out[k++] = v->digits[i];
	while (k < n)
		out[k++] = '0';
}

#define PLAIN_MAX 400	/* digits of a number that is written without an exponent */

/* XPath's text of a decimal: no superfluous zeros.  A number too long for that stays as it was written. */
static struct slice num_text(struct arena *a, const struct query_datum *d)
{
	const struct query_num *v = &d->num;
	if (v->kind != QUERY_FINITE)
		return d->text;
	if (!v->sign || !v->n)
		return SLICE("0");
	size_t digits = v->n - (memchr(v->digits, '.', v->n) != NULL);
	if (v->exponent > PLAIN_MAX || v->exponent < -PLAIN_MAX || digits > PLAIN_MAX)
		return d->text;
	size_t before = v->exponent > 0 ? (size_t)v->exponent : 0, zeros = v->exponent < 0 ? (size_t)-v->exponent : 0;
	char *out = arena_raw(a, PLAIN_MAX * 3 + 4), *p = out;
	if (!out)
		return (struct slice){ NULL, 0 };
	if (v->sign < 0)
		*p++ = '-';
	char *from = p;
	put_digits(v, p, before > digits ? before : digits);
	if (before >= digits)
		return (struct slice){ out, (size_t)(from - out) + before };
	size_t lead = before ? 0 : zeros + 1;		/* "0" before the point, zeros behind it */
	memmove(from + (before ? before : lead) + 1, from + before, digits - before);
	if (!before)
		memset(from, '0', lead + 1);
	from[before ? before : 1] = '.';
	return (struct slice){ out, (size_t)(from - out) + digits + 1 + lead };
}

static struct slice text_of(struct arena *a, const struct query_datum *d)
{
	char t[TIME_TEXT_MAX];
	size_t n;
	switch (d->type) {
	case QUERY_NUM: return num_text(a, d);
	case QUERY_BOOL: return d->boolean ? SLICE("true") : SLICE("false");
	case QUERY_HEX: return slice_of(arena_printf(a, "16#%.*s", (int)d->text.n, d->text.p));
	case QUERY_DATETIME: n = time_format(t, d->us); return (struct slice){ arena_strndup(a, t, n), n };
	case QUERY_TIME: n = time_format(t, d->us) - 12; return (struct slice){ arena_strndup(a, t + 11, n), n };	/* without date and Z */
	case QUERY_STR: break;
	}
	return d->text;
}

static bool hex_value(const struct query_datum *d, uint64_t *v)
{
	*v = 0;
	for (size_t i = 0; i < d->text.n; i++)
		*v = *v << 4 | (uint64_t)(digit(d->text.p[i]) ? d->text.p[i] - '0' : d->text.p[i] - 'A' + 10);
	return d->text.n <= 16;
}

static bool num_from(struct arena *a, const struct query_datum *d, struct query_datum *out)
{
	uint64_t v = d->boolean;
	if (d->type != QUERY_BOOL && (d->type != QUERY_HEX || !hex_value(d, &v)))
		return false;
	const char *s = arena_printf(a, "%llu", (unsigned long long)v);
	return s && query_datum_read(QUERY_NUM, slice_of(s), out);
}

/* A number without fraction and sign, of at most 16 hexadecimal digits. */
static bool hex_from(struct arena *a, const struct query_datum *d, struct query_datum *out)
{
	const struct query_num *v = &d->num;
	char digits[20] = "0";
	uint64_t value = 0;
	if (d->type != QUERY_NUM || v->kind != QUERY_FINITE || v->sign < 0 || v->exponent > 19 || (v->n && v->exponent < 1))
		return false;
	if (v->n) {
		size_t n = v->n - (memchr(v->digits, '.', v->n) != NULL);
		if (n > (size_t)v->exponent)
			return false;
		put_digits(v, digits, (size_t)v->exponent);
		for (int64_t i = 0; i < v->exponent; i++)
			value = value * 10 + (uint64_t)(digits[i] - '0');
	}
	const char *s = arena_printf(a, "16#%llX", (unsigned long long)value);
	return s && query_datum_read(QUERY_HEX, slice_of(s), out);
}

bool query_datum_cast(struct arena *a, const struct query_datum *d, enum query_type to, struct query_datum *out)
{
	if (d->type == to) {
		*out = *d;
		return true;
	}
	if (to == QUERY_STR) {
		*out = (struct query_datum){ .type = QUERY_STR, .text = text_of(a, d) };
		return out->text.p != NULL;
	}
	if (d->type == QUERY_STR)
		return query_datum_read(to, d->text, out);
	if (to == QUERY_NUM)
		return num_from(a, d, out);
	if (to == QUERY_HEX)
		return hex_from(a, d, out);
	if (to == QUERY_BOOL && d->type == QUERY_NUM) {
		*out = (struct query_datum){ .type = to, .text = d->text };
		out->boolean = d->num.kind == QUERY_INF || (d->num.kind == QUERY_FINITE && d->num.n);
		return true;
	}
	if (to == QUERY_TIME && d->type == QUERY_DATETIME) {
		*out = (struct query_datum){ .type = to, .text = d->text, .us = (d->us % DAY_US + DAY_US) % DAY_US };
		return true;
	}
	return false;
}

/* In UTC; 1970-01-01 was a Thursday, and Sunday is 0. */
bool query_datum_part(struct arena *a, const struct query_datum *d, enum query_part part, struct query_datum *out)
{
	static const struct { int from, n; } place[] = { [QUERY_DAY_OF_MONTH] = { 8, 2 }, [QUERY_MONTH] = { 5, 2 }, [QUERY_YEAR] = { 0, 4 } };
	char t[TIME_TEXT_MAX];
	int64_t day = (d->us - (d->us % DAY_US + DAY_US) % DAY_US) / DAY_US;
	time_format(t, d->us);
	const char *s = part == QUERY_DAY_OF_WEEK ? arena_printf(a, "%d", (int)(((day + 4) % 7 + 7) % 7))
						  : arena_strndup(a, t + place[part].from, (size_t)place[part].n);
	return s && query_datum_read(QUERY_NUM, slice_of(s), out);
}

/* -- comparing -------------------------------------------------------------------------------------------------------------------------- */
static int sign(int64_t v)
{
	return v < 0 ? -1 : v > 0;
}

static int compare_bytes(struct slice a, struct slice b)
{
	int c = memcmp(a.p ? a.p : "", b.p ? b.p : "", a.n < b.n ? a.n : b.n);
	return c ? c : a.n < b.n ? -1 : a.n > b.n;
}

static int compare_digits(const struct query_num *a, const struct query_num *b)
{
	size_t i = 0, k = 0;
	for (;;) {
		i += i < a->n && a->digits[i] == '.';
		k += k < b->n && b->digits[k] == '.';
		if (i == a->n || k == b->n)
			return (i < a->n) - (k < b->n);
		if (a->digits[i] != b->digits[k])
			return a->digits[i] < b->digits[k] ? -1 : 1;
		i++, k++;
	}
}

static int compare_num(const struct query_num *a, const struct query_num *b)
{
	int sa = a->kind == QUERY_FINITE && !a->n ? 0 : a->sign, sb = b->kind == QUERY_FINITE && !b->n ? 0 : b->sign;
	if (sa != sb || !sa)
		return sign(sa - sb);
	if (a->kind == QUERY_INF || b->kind == QUERY_INF)
		return sa * ((a->kind == QUERY_INF) - (b->kind == QUERY_INF));
	return sa * (a->exponent != b->exponent ? sign(a->exponent - b->exponent) : compare_digits(a, b));
}

bool query_datum_compare(enum query_op op, const struct query_datum *a, const struct query_datum *b)
{
	int c = 0;
	if (a->type == QUERY_NUM) {
		if (a->num.kind == QUERY_NAN || b->num.kind == QUERY_NAN)
			return op == QUERY_NE;		/* NaN equals nothing and has no place in the order */
		c = compare_num(&a->num, &b->num);
	} else if (a->type == QUERY_BOOL) {
		if (a->boolean != b->boolean)
			return op == QUERY_NE;		/* booleans have no order */
	} else if (a->type == QUERY_STR) {
		c = compare_bytes(a->text, b->text);	/* UTF-8 is in the order of its code points */
	} else if (a->type == QUERY_HEX) {
		c = a->text.n != b->text.n ? (a->text.n < b->text.n ? -1 : 1) : compare_bytes(a->text, b->text);
	} else {
		c = sign((a->us > b->us) - (a->us < b->us));
	}
	switch (op) {
	case QUERY_EQ: return c == 0;
	case QUERY_NE: return c != 0;
	case QUERY_GT: return c > 0;
	case QUERY_GE: return c >= 0;
	case QUERY_LT: return c < 0;
	case QUERY_LE: return c <= 0;
	default: return false;
	}
}
