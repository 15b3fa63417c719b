/* SPDX-License-Identifier: Apache-2.0
 * The 30 xs: types (XML Schema part 2, as the metamodel's patterns narrow it; no white space is collapsed). */
#include <string.h>

#include "aas/lexical.h"
#include "aas/uri.h"
#include "base/str.h"

static inline bool digit(char c)
{
	return c >= '0' && c <= '9';
}

/* ---- integers: digit strings are compared, so nothing overflows -------------------- */

/* Largest magnitude below and above zero; NULL: unbounded. */
struct bounds {
	const char *below, *above;
	bool zero;
};

static bool integer(const char *s, size_t n, struct bounds b)
{
	bool negative = n && s[0] == '-';
	size_t i = n && (negative || s[0] == '+'), first = i;
	while (i < n && s[i] == '0')
		i++;
	size_t start = i;
	while (i < n && digit(s[i]))
		i++;
	if (i < n || i == first)
		return false;
	if (i == start)
		return b.zero;
	const char *most = negative ? b.below : b.above;
	if (!most)
		return true;
	size_t len = strlen(most);
	return n - start < len || (n - start == len && memcmp(s + start, most, len) <= 0);
}

#define INTEGER(name, ...) \
	static bool xs_##name(const char *s, size_t n) { return integer(s, n, (struct bounds){ __VA_ARGS__ }); }
INTEGER(integer, NULL, NULL, true)
INTEGER(long, "9223372036854775808", "9223372036854775807", true)
INTEGER(int, "2147483648", "2147483647", true)
INTEGER(short, "32768", "32767", true)
INTEGER(byte, "128", "127", true)
INTEGER(nonNegativeInteger, "", NULL, true)
INTEGER(positiveInteger, "", NULL, false)
INTEGER(nonPositiveInteger, NULL, "", true)
INTEGER(negativeInteger, NULL, "", false)
INTEGER(unsignedLong, "", "18446744073709551615", true)
INTEGER(unsignedInt, "", "4294967295", true)
INTEGER(unsignedShort, "", "65535", true)
INTEGER(unsignedByte, "", "255", true)

/* ---- decimal and binary fractions ---------------------------------------------------- */

struct mantissa {
	size_t whole, fraction;		/* digits before and after the point */
	size_t n;			/* bytes taken, sign included; 0: none */
};

static struct mantissa mantissa(const char *s, size_t n)
{
	struct mantissa m = { 0, 0, 0 };
	size_t i = n && (s[0] == '+' || s[0] == '-');
	for (; i < n && digit(s[i]); i++)
		m.whole++;
	if (i < n && s[i] == '.')
		for (i++; i < n && digit(s[i]); i++)
			m.fraction++;
	if (m.whole || m.fraction)
		m.n = i;
	return m;
}

static bool xs_decimal(const char *s, size_t n)
{
	struct mantissa m = mantissa(s, n);
	return m.n && m.n == n;
}

/* Rounding to nearest, a magnitude from `limit` on becomes infinite; limit is 0.d1d2d3... times ten to the power `most`. */
static bool overflows(const char *s, size_t n, long long exponent, const char *limit, long long most)
{
	size_t i = 0;
	while (i < n && (s[i] == '0' || s[i] == '+' || s[i] == '-' || s[i] == '.')) {
		if (s[i++] == '.')
			for (; i < n && s[i] == '0'; i++)
				exponent--;
	}
	if (i == n)
		return false;
	const char *point = memchr(s + i, '.', n - i);
	if (!memchr(s, '.', i))		/* the first digit that counts stands before the point */
		exponent += point ? point - (s + i) : (long long)(n - i);
	if (exponent != most)
		return exponent > most;
	for (; *limit; i++) {
		if (i < n && s[i] == '.')
			continue;
		char c = i < n ? s[i] : '0';
		if (c != *limit)
			return c > *limit;
		limit++;
	}
	return true;
}

static bool binary(const char *s, size_t n, const char *limit, long long most)
{
	if (n == 3 && (!memcmp(s, "INF", 3) || !memcmp(s, "NaN", 3)))
		return true;
	if (n == 4 && !memcmp(s, "-INF", 4))
		return true;
	struct mantissa m = mantissa(s, n);
	if (!m.n)
		return false;
	long long exponent = 0;
	size_t i = m.n;
	if (i < n) {
		bool negative = false;
		if (s[i] != 'e' && s[i] != 'E')
			return false;
		if (++i < n && (s[i] == '+' || s[i] == '-'))
			negative = s[i++] == '-';
		if (i == n)
			return false;
		for (; i < n; i++) {
			if (!digit(s[i]))
				return false;
			if (exponent < (1LL << 50))
				exponent = exponent * 10 + (s[i] - '0');
		}
		exponent = negative ? -exponent : exponent;
	}
	return !overflows(s, m.n, exponent, limit, most);
}

static bool xs_double(const char *s, size_t n)
{
	return binary(s, n, "1797693134862315807937289714053034150799341327100378269361737789804449682927647509466490", 309);
}

static bool xs_float(const char *s, size_t n)
{
	return binary(s, n, "340282356779733661637539395458142568448", 39);
}

/* ---- calendar and clock ------------------------------------------------------------------ */

struct scan {
	const char *p, *end;
	bool bad;
};

static bool have(struct scan *t, char c)
{
	if (t->p == t->end || *t->p != c)
		return false;
	t->p++;
	return true;
}

static void want(struct scan *t, char c)
{
	if (!have(t, c))
		t->bad = true;
}

/* Exactly two digits in a range. */
static int two(struct scan *t, int min, int max)
{
	if (t->end - t->p < 2 || !digit(t->p[0]) || !digit(t->p[1])) {
		t->bad = true;
		return 0;
	}
	int v = (t->p[0] - '0') * 10 + (t->p[1] - '0');
	t->p += 2;
	if (v < min || v > max)
		t->bad = true;
	return v;
}

struct year {
	bool leap, zero;
};

/* Four digits or more; there is no year 0, so 1, 5, 9 ... before Christ are the leap years. */
static struct year year(struct scan *t)
{
	bool before = have(t, '-'), zero = true;
	const char *from = t->p;
	int last = 0;
	for (; t->p < t->end && digit(*t->p); t->p++) {
		last = (last * 10 + (*t->p - '0')) % 10000;
		zero = zero && *t->p == '0';
	}
	if (t->p - from < 4 || (t->p - from > 4 && *from == '0'))
		t->bad = true;
	if (before)
		last = (last + 9999) % 10000;
	return (struct year){ last % 4 == 0 && (last % 100 != 0 || last % 400 == 0), zero };
}

static void month_day(struct scan *t, bool leap)
{
	static const int days[] = { 31, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int m = two(t, 1, 12);
	want(t, '-');
	two(t, 1, t->bad ? 31 : m == 2 && !leap ? 28 : days[m]);
}

static void fraction(struct scan *t, bool zeros)
{
	if (!have(t, '.'))
		return;
	const char *from = t->p;
	while (t->p < t->end && digit(*t->p) && (!zeros || *t->p == '0'))
		t->p++;
	if (t->p == from)
		t->bad = true;
}

static void clock_time(struct scan *t)
{
	int h = two(t, 0, 24), most = h == 24 ? 0 : 59;
	want(t, ':');
	two(t, 0, most);
	want(t, ':');
	two(t, 0, most);
	fraction(t, h == 24);
}

static bool zone_end(struct scan *t)
{
	if (t->bad || t->p == t->end)
		return !t->bad;
	if (!have(t, 'Z')) {
		if (!have(t, '+'))
			want(t, '-');
		int h = two(t, 0, 14);
		want(t, ':');
		two(t, 0, h == 14 ? 0 : 59);
	}
	return !t->bad && t->p == t->end;
}

#define SCAN(s, n) { (s), (s) + (n), false }

static void date(struct scan *t)
{
	struct year y = year(t);
	want(t, '-');
	month_day(t, y.leap);
	if (y.zero)
		t->bad = true;
}

static bool xs_date(const char *s, size_t n)
{
	struct scan t = SCAN(s, n);
	date(&t);
	return zone_end(&t);
}

static bool xs_dateTime(const char *s, size_t n)
{
	struct scan t = SCAN(s, n);
	date(&t);
	want(&t, 'T');
	clock_time(&t);
	return zone_end(&t);
}

bool aas_lex_datetime_utc(const char *s, size_t n)
{
	bool utc = (n > 0 && s[n - 1] == 'Z') || (n > 6 && (!memcmp(s + n - 6, "+00:00", 6) || !memcmp(s + n - 6, "-00:00", 6)));
	return utc && xs_dateTime(s, n);
}

static bool xs_time(const char *s, size_t n)
{
	struct scan t = SCAN(s, n);
	clock_time(&t);
	return zone_end(&t);
}

static bool xs_gYear(const char *s, size_t n)
{
	struct scan t = SCAN(s, n);
	year(&t);
	return zone_end(&t);
}

static bool xs_gYearMonth(const char *s, size_t n)
{
	struct scan t = SCAN(s, n);
	year(&t);
	want(&t, '-');
	two(&t, 1, 12);
	return zone_end(&t);
}

static bool xs_gMonth(const char *s, size_t n)
{
	struct scan t = SCAN(s, n);
	want(&t, '-');
	want(&t, '-');
	two(&t, 1, 12);
	return zone_end(&t);
}

static bool xs_gMonthDay(const char *s, size_t n)
{
	struct scan t = SCAN(s, n);
	want(&t, '-');
	want(&t, '-');
	month_day(&t, true);
	return zone_end(&t);
}

static bool xs_gDay(const char *s, size_t n)
{
	struct scan t = SCAN(s, n);
	want(&t, '-');
	want(&t, '-');
	want(&t, '-');
	two(&t, 1, 31);
	return zone_end(&t);
}

/* Digits followed by one of the units in `order`, each at most once and in that order; true when there was one at least. */
static bool components(struct scan *t, const char *order)
{
	bool any = false;
	while (t->p < t->end && digit(*t->p)) {
		bool point = false;
		while (t->p < t->end && digit(*t->p))
			t->p++;
		if (t->p < t->end && *t->p == '.') {
			point = true;
			fraction(t, false);
		}
		const char *unit = t->p < t->end && *t->p ? strchr(order, *t->p) : NULL;
		if (!unit || (point && *unit != 'S')) {
			t->bad = true;
			return false;
		}
		t->p++;
		order = unit + 1;
		any = true;
	}
	return any;
}

bool aas_lex_duration(const char *s, size_t n)
{
	struct scan t = SCAN(s, n);
	have(&t, '-');
	want(&t, 'P');
	if (t.bad)
		return false;
	bool days = components(&t, "YMD");
	if (have(&t, 'T')) {
		if (!components(&t, "HMS"))
			return false;
	} else if (!days) {
		return false;
	}
	return !t.bad && t.p == t.end;
}

/* ---- the rest ------------------------------------------------------------------------------- */

static bool xs_string(const char *s, size_t n)
{
	(void)s;
	(void)n;
	return true;
}

static bool xs_anyURI(const char *s, size_t n)
{
	return aas_uri_reference(s, n);
}

static bool xs_boolean(const char *s, size_t n)
{
	return (n == 1 && (*s == '0' || *s == '1')) || (n == 4 && !memcmp(s, "true", 4)) || (n == 5 && !memcmp(s, "false", 5));
}

static bool xs_hexBinary(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!digit(s[i]) && !((s[i] | 0x20) >= 'a' && (s[i] | 0x20) <= 'f'))
			return false;
	return n % 2 == 0;
}

/* As base64, and one blank may follow every character but the last. */
static bool xs_base64Binary(const char *s, size_t n)
{
	char last[4] = "";
	size_t k = 0, pad = 0;
	if (n && s[n - 1] == ' ')
		return false;
	for (size_t i = 0; i < n; i++) {
		if (s[i] == ' ') {
			if (!i || s[i - 1] == ' ')
				return false;
			continue;
		}
		pad += s[i] == '=';
		if (pad && s[i] != '=')
			return false;
		last[k++ % 4] = s[i];
		if (k % 4 == 0 && !aas_lex_base64(last, 4))
			return false;
	}
	return k % 4 == 0;
}

#define TEXT(name) { "xs:" #name, xs_##name, AAS_XSD_TEXT, false }
#define TIME(name) { "xs:" #name, xs_##name, AAS_XSD_TIME, false }
#define REAL(name) { "xs:" #name, xs_##name, AAS_XSD_NUMBER, false }
#define WHOLE(name) { "xs:" #name, xs_##name, AAS_XSD_NUMBER, true }
const struct aas_xsd_type aas_xsd[] = {
	TEXT(anyURI), TEXT(base64Binary), { "xs:boolean", xs_boolean, AAS_XSD_BOOLEAN, false }, WHOLE(byte), TIME(date), TIME(dateTime),
	REAL(decimal), REAL(double), { "xs:duration", aas_lex_duration, AAS_XSD_TEXT, false }, REAL(float), TEXT(gDay), TEXT(gMonth),
	TEXT(gMonthDay), TEXT(gYear), TEXT(gYearMonth), TEXT(hexBinary), WHOLE(int), WHOLE(integer), WHOLE(long), WHOLE(negativeInteger),
	WHOLE(nonNegativeInteger), WHOLE(nonPositiveInteger), WHOLE(positiveInteger), WHOLE(short), TEXT(string), TEXT(time),
	WHOLE(unsignedByte), WHOLE(unsignedInt), WHOLE(unsignedLong), WHOLE(unsignedShort),
};
_Static_assert(sizeof aas_xsd / sizeof *aas_xsd == AAS_N_XSD, "one row for each literal of DataTypeDefXsd");

const struct aas_xsd_type *aas_xsd_of(uintptr_t ord)
{
	static const struct aas_xsd_type absent = TEXT(string);
	return ord && ord <= AAS_N_XSD ? &aas_xsd[ord - 1] : &absent;
}

bool aas_xsd_ok(uintptr_t ord, const char *s, size_t n)
{
	return aas_xsd_of(ord)->check(s, n);
}
