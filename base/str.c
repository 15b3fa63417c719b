/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "base/arena.h"

/* One code point of at most n bytes; 0 when malformed. */
static size_t utf8_one(const unsigned char *p, size_t n, uint32_t *cp)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t k = p[0] < 0x80 ? 1 : p[0] < 0xC2 ? 0 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : p[0] < 0xF5 ? 4 : 0;
	if (!k || k > n)
		return 0;
	uint32_t c = k == 1 ? p[0] : p[0] & (0x7Fu >> k);
	for (size_t i = 1; i < k; i++) {
		if ((p[i] & 0xC0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3F);
	}
	if (c < least[k] || (c >= 0xD800 && c < 0xE000) || c > 0x10FFFF)
		return 0;
	*cp = c;
	return k;
}

static bool utf8_check(const char *s, size_t n, bool xml)
{
	const unsigned char *p = (const unsigned char *)s;
	while (n) {
		uint32_t c;
		uint64_t w;
		size_t k = 1;
		/* Eight bytes from 0x20 to 0x7E at once; a carry can only call a good word bad. */
		if (n >= sizeof w && (memcpy(&w, p, sizeof w), !(((w - 0x2020202020202020u) | (w + 0x0101010101010101u)) & 0x8080808080808080u))) {
			p += sizeof w, n -= sizeof w;
			continue;
		}
		if (*p >= 0x20 && *p < 0x7F) {
			p++, n--;
			continue;
		}
		if (!(k = utf8_one(p, n, &c)))
			return false;
		if (xml && ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0xFFFE || c == 0xFFFF))
			return false;
		p += k;
		n -= k;
	}
	return true;
}

bool utf8_valid(const char *p, size_t n)
{
	return utf8_check(p, n, false);
}

bool utf8_xml_valid(const char *p, size_t n)
{
	return utf8_check(p, n, true);
}

void utf8_repair(char *s)
{
	uint32_t cp;
	for (size_t n = strlen(s), k; n; s += k, n -= k)
		if (!(k = utf8_one((const unsigned char *)s, n, &cp)))
			*s = '?', k = 1;
}

size_t utf8_length(const char *p, size_t n)
{
	size_t len = 0;
	for (size_t i = 0; i < n; i++)
		len += ((unsigned char)p[i] & 0xC0) != 0x80;
	return len;
}

size_t utf8_put(char *out, uint32_t cp)
{
	if (cp < 0x80) {
		out[0] = (char)cp;
		return 1;
	}
	size_t k = cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
	for (size_t i = k - 1; i > 0; i--, cp >>= 6)
		out[i] = (char)(0x80 | (cp & 0x3F));
	out[0] = (char)((0xF00u >> k & 0xF0u) | cp);
	return k;
}

bool str_size(const char *p, size_t n, size_t *out)
{
	size_t v = 0;
	if (!n || (p[0] == '0' && n > 1))
		return false;
	for (size_t i = 0; i < n; i++) {
		unsigned d = (unsigned char)p[i] - '0';
		if (d > 9 || v > (SIZE_MAX - d) / 10)
			return false;
		v = v * 10 + d;
	}
	*out = v;
	return true;
}

static locale_t c_locale(void)
{
	static locale_t loc;
	if (!loc)
		loc = newlocale(LC_ALL_MASK, "C", (locale_t)0);	/* a race creates one spare object, nothing worse */
	return loc;
}

bool str_double(const char *p, size_t n, double *out)
{
	char tmp[400];
	if (!n || n >= sizeof tmp)
		return false;
	memcpy(tmp, p, n);
	tmp[n] = 0;
	if (strspn(tmp, "0123456789+-.eE") < n)		/* p itself need not be terminated */
		return false;
	char *end;
	double v = strtod_l(tmp, &end, c_locale());
	if (end != tmp + n || !isfinite(v))
		return false;
	*out = v;
	return true;
}

char *str_digits(char *end, uint64_t v)
{
	static const char pairs[] =
		"0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849"
		"5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";
	for (; v >= 100; v /= 100)
		memcpy(end -= 2, pairs + v % 100 * 2, 2);
	if (v >= 10)
		return memcpy(end - 2, pairs + v * 2, 2);
	*--end = (char)('0' + v);
	return end;
}

/* Decimal numbers of few digits, which most measured ones are: as printf would write them, thirty times faster.  0: it is not one. */
static size_t short_decimal(char *out, double v)
{
	static const double power[] = { 1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6 };
	char digits[24], *const end = digits + sizeof digits, *p, *o = out;
	size_t k = 3;		/* one division instead of four, for what has fewer places is found as well */
	if (!(fabs(v) >= 1e-4 && fabs(v) < 1e8))
		return 0;
	long long i = llrint(v * power[k]);
	while ((double)i / power[k] != v) {
		if (++k == sizeof power / sizeof *power)
			return 0;
		i = llrint(v * power[k]);
	}
	for (; k && i % 10 == 0; i /= 10)
		k--;
	p = str_digits(end, (uint64_t)llabs(i));
	while ((size_t)(end - p) <= k)
		*--p = '0';
	if (v < 0)
		*o++ = '-';
	while (p < end - k)
		*o++ = *p++;
	if (k)
		*o++ = '.';
	while (p < end)
		*o++ = *p++;
	*o = 0;
	return (size_t)(o - out);
}

size_t str_of_double(char out[STR_DOUBLE_MAX], double v)
{
	if (isnan(v))
		return (size_t)snprintf(out, STR_DOUBLE_MAX, "NaN");
	if (isinf(v))
		return (size_t)snprintf(out, STR_DOUBLE_MAX, v < 0 ? "-INF" : "INF");
	size_t short_n = short_decimal(out, v);
	if (short_n)
		return short_n;
	for (int digits = 15;; digits++) {
		int n = snprintf(out, STR_DOUBLE_MAX, "%.*g", digits, v);
		double back;
		if (digits >= 17 || (str_double(out, (size_t)n, &back) && back == v))
			return (size_t)n;
	}
}

static const char b64_std[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char b64_url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static char *b64_encode(struct arena *a, const unsigned char *p, size_t n, const char *abc, bool pad)
{
	char *out = arena_raw(a, BASE64_SIZE(n) + 1), *o = out;
	if (!out)
		return NULL;
	for (; n >= 3; n -= 3, p += 3) {
		*o++ = abc[p[0] >> 2];
		*o++ = abc[(p[0] & 3) << 4 | p[1] >> 4];
		*o++ = abc[(p[1] & 15) << 2 | p[2] >> 6];
		*o++ = abc[p[2] & 63];
	}
	if (n) {
		*o++ = abc[p[0] >> 2];
		*o++ = abc[(p[0] & 3) << 4 | (n > 1 ? p[1] >> 4 : 0)];
		if (n > 1)
			*o++ = abc[(p[1] & 15) << 2];
		for (size_t i = n; pad && i < 3; i++)
			*o++ = '=';
	}
	*o = 0;
	return out;
}

static int b64_digit(unsigned char c, bool url)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == (url ? '-' : '+'))
		return 62;
	return c == (url ? '_' : '/') ? 63 : -1;
}

static bool b64_decode(struct arena *a, const char *p, size_t n, bool url, struct slice *out)
{
	size_t pad = 0;
	while (pad < 2 && pad < n && p[n - 1 - pad] == '=')
		pad++;
	if ((pad || !url) && n % 4)
		return false;
	n -= pad;
	if (n % 4 == 1 || (pad && (n + pad) % 4))
		return false;
	char *mem = arena_raw(a, n / 4 * 3 + 3), *o = mem;
	if (!mem)
		return false;
	uint32_t acc = 0;
	unsigned bits = 0;
	for (size_t i = 0; i < n; i++) {
		int d = b64_digit((unsigned char)p[i], url);
		if (d < 0)
			return false;
		acc = acc << 6 | (unsigned)d;
		if ((bits += 6) >= 8)
			*o++ = (char)(acc >> (bits -= 8) & 0xFF);
	}
	if (acc & ((1u << bits) - 1))	/* spare bits of the last character must be zero */
		return false;
	*o = 0;
	*out = (struct slice){ mem, (size_t)(o - mem) };
	return true;
}

char *base64_encode(struct arena *a, const void *p, size_t n)
{
	return b64_encode(a, p, n, b64_std, true);
}

char *base64url_encode(struct arena *a, const void *p, size_t n)
{
	return b64_encode(a, p, n, b64_url, false);
}

bool base64_decode(struct arena *a, const char *p, size_t n, struct slice *out)
{
	return b64_decode(a, p, n, false, out);
}

bool base64url_decode(struct arena *a, const char *p, size_t n, struct slice *out)
{
	return b64_decode(a, p, n, true, out);
}

void random_bytes(void *p, size_t n)
{
	unsigned char *b = p;
	while (n) {
		ssize_t k = getrandom(b, n, 0);
		if (k < 0 && errno != EINTR)
			abort();	/* no entropy source: nothing safe can follow */
		if (k > 0) {
			b += k;
			n -= (size_t)k;
		}
	}
}

void uuid_v7(char out[UUID_SIZE])
{
	unsigned char b[16];
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME, &ts);
	uint64_t ms = (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
	random_bytes(b, sizeof b);
	for (int i = 0; i < 6; i++)
		b[i] = (unsigned char)(ms >> (40 - 8 * i));
	b[6] = (unsigned char)(0x70 | (b[6] & 0x0F));
	b[8] = (unsigned char)(0x80 | (b[8] & 0x3F));
	char *o = out;
	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*o++ = '-';
		o += snprintf(o, 3, "%02x", b[i]);
	}
}
