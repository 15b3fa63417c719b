/* SPDX-License-Identifier: Apache-2.0 */
#include "aas/uri.h"

#include <stdint.h>
#include <string.h>

/* Which parts of a reference an ASCII character may stand in, unescaped. */
enum { SCHEME = 1, AUTHORITY = 2, SEGMENT = 4, QUERY = 8, HEX = 16, ALPHA = 32, IP = 64 };

#define PLACES (AUTHORITY | SEGMENT | QUERY)
#define LETTER (PLACES | SCHEME | ALPHA)
#define HEXLET (LETTER | HEX | IP)
#define FIGURE (PLACES | SCHEME | HEX | IP)
static const unsigned char places[128] = {
	['0'] = FIGURE, FIGURE, FIGURE, FIGURE, FIGURE, FIGURE, FIGURE, FIGURE, FIGURE, FIGURE,
	['A'] = HEXLET, HEXLET, HEXLET, HEXLET, HEXLET, HEXLET, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER,
	LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER,
	['a'] = HEXLET, HEXLET, HEXLET, HEXLET, HEXLET, HEXLET, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER,
	LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER,
	['-'] = PLACES | SCHEME, ['.'] = PLACES | SCHEME | IP, ['+'] = PLACES | SCHEME, ['_'] = PLACES, ['~'] = PLACES,
	['!'] = PLACES, ['$'] = PLACES, ['&'] = PLACES, ['\''] = PLACES, ['('] = PLACES, [')'] = PLACES, ['*'] = PLACES,
	[','] = PLACES, [';'] = PLACES, ['='] = PLACES, ['@'] = PLACES, [':'] = PLACES | IP,
	['/'] = SEGMENT | QUERY, ['?'] = QUERY,
};

static bool is(char c, unsigned mask)
{
	return (unsigned char)c < 128 && (places[(unsigned char)c] & mask);
}

/* RFC 3987 "ucschar", and "iprivate" where the query is. */
static bool iri_char(uint32_t c, bool query)
{
	if (c < 0x10000)
		return (c >= 0xA0 && c < 0xD800) || (c >= 0xF900 && c < 0xFDD0) || (c >= 0xFDF0 && c < 0xFFF0) ||
		       (query && c >= 0xE000 && c < 0xF900);
	if ((c & 0xFFFF) > 0xFFFD)
		return false;
	if (c >= 0xF0000)
		return query;
	return c < 0xE0000 || c >= 0xE1000;
}

/* Bytes of one character of the given part at s, or 0. */
static size_t one(const char *s, size_t n, unsigned mask, bool query)
{
	unsigned char c = (unsigned char)s[0];
	if (c == '%')
		return n > 2 && is(s[1], HEX) && is(s[2], HEX) ? 3 : 0;
	if (c < 128)
		return is(s[0], mask);
	size_t k = c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
	if (k > n)
		return 0;
	uint32_t u = c & (0x7Fu >> k);
	for (size_t i = 1; i < k; i++)
		u = u << 6 | ((unsigned char)s[i] & 0x3F);
	return iri_char(u, query) ? k : 0;
}

/* The whole of s[0..n) consists of characters of the part. */
static bool all(const char *s, size_t n, unsigned mask, bool query)
{
	while (n) {
		size_t k = one(s, n, mask, query);
		if (!k)
			return false;
		s += k;
		n -= k;
	}
	return true;
}

/* "[...]": an IPv6 address by its alphabet and its groups, or a future form "vX.text". */
static bool ip_literal(const char *s, size_t n)
{
	if (n > 3 && (s[0] | 0x20) == 'v') {
		size_t i = 1;
		while (i < n && is(s[i], HEX))
			i++;
		return i > 1 && i + 1 < n && s[i] == '.' && !memchr(s, '%', n) && all(s + i + 1, n - i - 1, AUTHORITY, false);
	}
	size_t groups = 0, colons = 0, run = 0;
	bool gap = false;
	for (size_t i = 0; i < n; i++) {
		if (!is(s[i], IP))
			return false;
		if (s[i] != ':') {
			groups += !run;
			run++;
			continue;
		}
		colons++;
		if (i + 1 < n && s[i + 1] == ':') {
			if (gap)
				return false;
			gap = true;
		}
		if (run > 4 && !memchr(s + i - run, '.', run))
			return false;
		run = 0;
	}
	size_t dots = 0;
	for (size_t i = 0; i < n; i++)
		dots += s[i] == '.';
	return colons >= 2 && (dots == 0 || dots == 3) && (gap ? groups < 8 : groups == (dots ? 7u : 8u));
}

static bool authority(const char *s, size_t n)
{
	const char *open = memchr(s, '[', n);
	if (!open)
		return all(s, n, AUTHORITY, false);
	const char *close = memchr(open, ']', n - (size_t)(open - s));
	if (!close || (open > s && open[-1] != '@') || !all(s, (size_t)(open - s), AUTHORITY, false))
		return false;
	size_t rest = n - (size_t)(close + 1 - s);
	for (size_t i = 1; i < rest; i++)
		if (close[1 + i] < '0' || close[1 + i] > '9')
			return false;
	return ip_literal(open + 1, (size_t)(close - open - 1)) && (!rest || close[1] == ':');
}

static size_t scheme(const char *s, size_t n)
{
	if (!n || !is(s[0], ALPHA))
		return 0;
	size_t i = 1;
	while (i < n && is(s[i], SCHEME))
		i++;
	return i < n && s[i] == ':' ? i + 1 : 0;
}

static size_t until(const char *s, size_t n, const char *stop)
{
	size_t i = 0;
	while (i < n && !strchr(stop, s[i]))
		i++;
	return i;
}

bool aas_uri_reference(const char *s, size_t n)
{
	if (memchr(s, 0, n))
		return false;
	size_t k = scheme(s, n);
	bool relative = !k;
	s += k;
	n -= k;
	size_t path = until(s, n, "?#");
	const char *rest = s + path;
	size_t left = n - path;
	if (path >= 2 && s[0] == '/' && s[1] == '/') {
		k = until(s + 2, path - 2, "/");
		if (!authority(s + 2, k))
			return false;
		s += 2 + k;
		path -= 2 + k;
	} else if (relative && memchr(s, ':', until(s, path, "/"))) {
		return false;			/* RFC 3986, 4.2: it would be taken for a scheme */
	}
	if (!all(s, path, SEGMENT, false))
		return false;
	if (left && *rest == '?') {
		k = until(rest, left, "#");
		if (!all(rest + 1, k - 1, QUERY, true))
			return false;
		rest += k;
		left -= k;
	}
	return !left || all(rest + 1, left - 1, QUERY, false);
}
