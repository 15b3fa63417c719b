/* SPDX-License-Identifier: Apache-2.0 */
#include "aas/lexical.h"

#include <string.h>

#include "aas/uri.h"

/* Character classes as bits of one table: a test is one load. */
enum { ALPHA = 1, DIGIT = 2, ALNUM = 3, IDSHORT = 4, TOKEN = 8, B64 = 16 };

#define LETTER (ALPHA | IDSHORT | TOKEN | B64)
#define FIGURE (DIGIT | IDSHORT | TOKEN | B64)
static const unsigned char class_of[256] = {
	['0'] = FIGURE, FIGURE, FIGURE, FIGURE, FIGURE, FIGURE, FIGURE, FIGURE, FIGURE, FIGURE,
	['A'] = LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER,
	LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER,
	['a'] = LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER,
	LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER, LETTER,
	['_'] = IDSHORT | TOKEN, ['-'] = IDSHORT | TOKEN, ['+'] = TOKEN | B64, ['/'] = B64,
	['!'] = TOKEN, ['#'] = TOKEN, ['$'] = TOKEN, ['%'] = TOKEN, ['&'] = TOKEN, ['\''] = TOKEN, ['*'] = TOKEN,
	['.'] = TOKEN, ['^'] = TOKEN, ['`'] = TOKEN, ['|'] = TOKEN, ['~'] = TOKEN,
};

static inline bool is(char c, unsigned mask)
{
	return (class_of[(unsigned char)c] & mask) != 0;
}

/* Length of the longest run of the class at the start. */
static size_t span(const char *s, size_t n, unsigned mask)
{
	size_t i = 0;
	while (i < n && is(s[i], mask))
		i++;
	return i;
}

bool aas_lex_any(const char *s, size_t n)
{
	(void)s;
	(void)n;
	return true;
}

/* The rule of V3.1, except that one letter alone is accepted: its prose and V3.0 allow it, its pattern does not. */
bool aas_lex_idshort(const char *s, size_t n)
{
	return n && is(s[0], ALPHA) && span(s, n, IDSHORT) == n && s[n - 1] != '-';
}

bool aas_lex_version(const char *s, size_t n)
{
	return n && span(s, n, DIGIT) == n && (n == 1 || s[0] != '0');
}

/* ---- BCP 47 (RFC 5646, section 2.1) ----------------------------------------- */

struct tag {
	const char *p;		/* the current subtag */
	size_t n;		/* its length; 0: the text is used up */
	const char *rest, *end;
	bool bad;		/* an empty or oversized subtag, or a foreign character */
};

static void tag_next(struct tag *t)
{
	t->n = 0;
	if (t->rest == t->end)
		return;
	t->p = t->rest + (*t->rest == '-');
	t->n = span(t->p, (size_t)(t->end - t->p), ALNUM);
	t->rest = t->p + t->n;
	if (t->n < 1 || t->n > 8 || (t->rest < t->end && *t->rest != '-')) {
		t->bad = true;
		t->n = 0;
	}
}

static bool tag_is(const struct tag *t, unsigned mask, size_t min, size_t max)
{
	return t->n >= min && t->n <= max && span(t->p, t->n, mask) == t->n;
}

static bool same_caseless(const char *a, const char *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((a[i] | (is(a[i], ALPHA) ? 0x20 : 0)) != (b[i] | (is(b[i], ALPHA) ? 0x20 : 0)))
			return false;
	return true;
}

/* Registered before the grammar was made; the regular ones among them fit the grammar anyway. */
static bool grandfathered(const char *s, size_t n)
{
	static const char *const tags[] = {
		"en-GB-oed", "i-ami", "i-bnn", "i-default", "i-enochian", "i-hak", "i-klingon", "i-lux", "i-mingo", "i-navajo", "i-pwn",
		"i-tao", "i-tay", "i-tsu", "sgn-BE-FR", "sgn-BE-NL", "sgn-CH-DE", "art-lojban", "cel-gaulish", "no-bok", "no-nyn", "zh-guoyu",
		"zh-hakka", "zh-min", "zh-min-nan", "zh-xiang",
	};
	for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
		if (strlen(tags[i]) == n && same_caseless(s, tags[i], n))
			return true;
	return false;
}

static bool variant(const struct tag *t)
{
	return tag_is(t, ALNUM, 5, 8) || (t->n == 4 && is(t->p[0], DIGIT));
}

static bool private_use(struct tag *t)
{
	if (t->n != 1 || (t->p[0] | 0x20) != 'x')
		return false;
	tag_next(t);
	if (!t->n)
		return false;
	while (t->n)
		tag_next(t);
	return !t->bad;
}

bool aas_lex_language(const char *s, size_t n)
{
	struct tag t = { s, 0, s, s + n, false };
	if (!n || s[0] == '-' || s[n - 1] == '-')
		return false;
	tag_next(&t);
	if (!tag_is(&t, ALPHA, 2, 8))
		return private_use(&t) || grandfathered(s, n);
	size_t primary = t.n;
	tag_next(&t);
	for (int i = 0; primary <= 3 && i < 3 && tag_is(&t, ALPHA, 3, 3); i++)		/* extlang */
		tag_next(&t);
	if (tag_is(&t, ALPHA, 4, 4))							/* script */
		tag_next(&t);
	if (tag_is(&t, ALPHA, 2, 2) || tag_is(&t, DIGIT, 3, 3))				/* region */
		tag_next(&t);
	while (variant(&t))
		tag_next(&t);
	while (t.n == 1 && (t.p[0] | 0x20) != 'x') {					/* extension */
		tag_next(&t);
		if (t.n < 2)
			return false;
		while (t.n >= 2)
			tag_next(&t);
	}
	if (!t.n)
		return !t.bad || grandfathered(s, n);
	return private_use(&t) || grandfathered(s, n);
}

/* ---- media types (RFC 2046 with the parameters of RFC 9110) -------------------- */

/* Bytes of one character of a quoted string at s, or 0.  Latin-1 is what the RFC means by "obs-text". */
static size_t quoted_char(const char *s, size_t n)
{
	unsigned char c = (unsigned char)s[0];
	if (c == '\\') {
		s++;
		if (!--n)
			return 0;
		c = (unsigned char)s[0];
		if (c == '\t' || (c >= ' ' && c <= '~'))
			return 2;
		return n > 1 && (c == 0xC2 || c == 0xC3) ? 3 : 0;
	}
	if (c == '\t' || (c >= ' ' && c <= '~' && c != '"'))
		return 1;
	return n > 1 && (c == 0xC2 || c == 0xC3) ? 2 : 0;
}

static size_t quoted(const char *s, size_t n)
{
	size_t i = 1;
	while (i < n && s[i] != '"') {
		size_t k = quoted_char(s + i, n - i);
		if (!k)
			return 0;
		i += k;
	}
	return i < n ? i + 1 : 0;
}

static size_t blanks(const char *s, size_t n)
{
	size_t i = 0;
	while (i < n && (s[i] == ' ' || s[i] == '\t'))
		i++;
	return i;
}

bool aas_lex_mime(const char *s, size_t n)
{
	size_t i = span(s, n, TOKEN), k;
	if (!i || i >= n || s[i] != '/' || !(k = span(s + i + 1, n - i - 1, TOKEN)))
		return false;
	i += 1 + k;
	while (i < n) {
		i += blanks(s + i, n - i);
		if (i >= n || s[i++] != ';')
			return false;
		i += blanks(s + i, n - i);
		if (!(k = span(s + i, n - i, TOKEN)) || i + k >= n || s[i + k] != '=')
			return false;
		i += k + 1;
		k = i < n && s[i] == '"' ? quoted(s + i, n - i) : span(s + i, n - i, TOKEN);
		if (!k)
			return false;
		i += k;
	}
	return true;
}

/* V3.1 wants RFC 2396; paths with letters beyond ASCII are legal in V3.0 and common: both are accepted. */
bool aas_lex_path(const char *s, size_t n)
{
	return n && aas_uri_reference(s, n);
}

/* Padded, and the spare bits of the last character are zero: what we accept we can decode. */
bool aas_lex_base64(const char *s, size_t n)
{
	size_t pad = n && s[n - 1] == '=' ? 1 + (n > 1 && s[n - 2] == '=') : 0;
	if (n % 4 || span(s, n - pad, B64) != n - pad)
		return false;
	return !pad || strchr(pad == 2 ? "AQgw" : "AEIMQUYcgkosw048", s[n - pad - 1]);
}
