/* SPDX-License-Identifier: Apache-2.0 */
#include "aas/jsonlex.h"

static bool fault(struct jl *j, const char *why)
{
	if (!j->bad)
		j->bad = why;
	return false;
}

void jl_init(struct jl *j, struct arena *a, const char *text, size_t n)
{
	*j = (struct jl){ text, text + n, a, NULL };
}

char jl_peek(struct jl *j)
{
	while (j->p < j->end && (*j->p == ' ' || *j->p == '\n' || *j->p == '\r' || *j->p == '\t'))
		j->p++;
	return j->p < j->end && !j->bad ? *j->p : 0;
}

bool jl_take(struct jl *j, char c)
{
	if (jl_peek(j) != c || !c)
		return false;
	j->p++;
	return true;
}

static bool hex4(const char *p, const char *end, uint32_t *out)
{
	uint32_t v = 0;
	if (end - p < 4)
		return false;
	for (int i = 0; i < 4; i++) {
		char c = p[i];
		int h = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
		if (h < 0)
			return false;
		v = v << 4 | (uint32_t)h;
	}
	*out = v;
	return true;
}

/* \uXXXX at p (after the u), with its second half when it is a surrogate; returns what follows, NULL when malformed. */
static const char *unicode(const char *p, const char *end, uint32_t *cp)
{
	uint32_t low;
	if (!hex4(p, end, cp) || !*cp)
		return NULL;
	p += 4;
	if (*cp < 0xD800 || *cp >= 0xE000)
		return p;
	if (*cp >= 0xDC00 || end - p < 2 || p[0] != '\\' || p[1] != 'u' || !hex4(p + 2, end, &low) || low < 0xDC00 || low >= 0xE000)
		return NULL;
	*cp = 0x10000 + ((*cp - 0xD800) << 10) + (low - 0xDC00);
	return p + 6;
}

/* Walk over a string (after its quote) to the byte after the closing quote, decoding into `out` when it is not NULL. */
static const char *walk(const char *p, const char *end, char *out, size_t *n)
{
	static const char plain[256] = {
		['"'] = '"', ['\\'] = '\\', ['/'] = '/', ['b'] = '\b', ['f'] = '\f', ['n'] = '\n', ['r'] = '\r', ['t'] = '\t',
	};
	char tmp[4];
	size_t k = 0;
	while (p < end && *p != '"') {
		uint32_t cp;
		if ((unsigned char)*p < 0x20)
			return NULL;
		if (*p != '\\') {
			if (out)
				out[k] = *p;
			k++, p++;
			continue;
		}
		if (++p == end)
			return NULL;
		if (*p == 'u') {
			if (!(p = unicode(p + 1, end, &cp)))
				return NULL;
			k += utf8_put(out ? out + k : tmp, cp);
		} else {
			if (!plain[(unsigned char)*p])
				return NULL;
			if (out)
				out[k] = plain[(unsigned char)*p];
			k++, p++;
		}
	}
	if (p == end)
		return NULL;
	*n = k;
	return p + 1;
}

bool jl_string(struct jl *j, struct slice *out)
{
	size_t n;
	if (jl_peek(j) != '"')
		return fault(j, "a string is expected");
	const char *from = j->p + 1, *to = walk(from, j->end, NULL, &n);
	if (!to || !utf8_valid(from, (size_t)(to - 1 - from)))
		return fault(j, "malformed string");
	char *s = arena_raw(j->a, n + 1);
	if (!s)
		return fault(j, "out of memory");
	walk(from, j->end, s, &n);
	s[n] = 0;
	*out = (struct slice){ s, n };
	j->p = to;
	return true;
}

static const char *digits(const char *p, const char *end)
{
	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return p;
}

bool jl_number(struct jl *j, struct slice *out)
{
	char c = jl_peek(j);
	const char *p = j->p + (c == '-'), *end = j->end, *q = digits(p, end);
	if ((c != '-' && (c < '0' || c > '9')) || q == p || (*p == '0' && q > p + 1))
		return fault(j, "a number is expected");
	if (q < end && *q == '.') {
		p = q + 1;
		if ((q = digits(p, end)) == p)
			return fault(j, "malformed number");
	}
	if (q < end && (*q == 'e' || *q == 'E')) {
		p = q + 1;
		p += p < end && (*p == '+' || *p == '-');
		if ((q = digits(p, end)) == p)
			return fault(j, "malformed number");
	}
	*out = (struct slice){ j->p, (size_t)(q - j->p) };
	j->p = q;
	return true;
}

static bool word(struct jl *j, const char *w, size_t n)
{
	jl_peek(j);
	if ((size_t)(j->end - j->p) < n || memcmp(j->p, w, n))
		return false;
	j->p += n;
	return true;
}

bool jl_bool(struct jl *j, bool *out)
{
	*out = word(j, "true", 4);
	return *out || word(j, "false", 5) || fault(j, "true or false is expected");
}

bool jl_null(struct jl *j)
{
	return word(j, "null", 4) || fault(j, "null is expected");
}

static bool skip_scalar(struct jl *j, char c)
{
	struct slice s;
	bool b;
	size_t n;
	if (c == '"') {
		const char *to = walk(j->p + 1, j->end, NULL, &n);
		if (!to || !utf8_valid(j->p, (size_t)(to - j->p)))
			return fault(j, "malformed string");
		j->p = to;
		return true;
	}
	if (c == 't' || c == 'f')
		return jl_bool(j, &b);
	return c == 'n' ? jl_null(j) : jl_number(j, &s);
}

static bool skip_name(struct jl *j)
{
	if (jl_peek(j) != '"')
		return fault(j, "a member name is expected");
	return skip_scalar(j, '"') && (jl_take(j, ':') || fault(j, "\":\" is expected"));
}

/* After a value: close what ends here.  True when the outermost value is complete or a further one follows. */
static bool skip_closing(struct jl *j, const bool *object, unsigned *depth)
{
	while (*depth) {
		if (jl_take(j, ','))
			return true;
		if (!jl_take(j, object[*depth - 1] ? '}' : ']'))
			return fault(j, "\",\" or a closing bracket is expected");
		--*depth;
	}
	return true;
}

/* Without recursion: one bit per open bracket tells its kind. */
bool jl_skip(struct jl *j, struct slice *out)
{
	bool object[JL_DEPTH];
	unsigned depth = 0;
	jl_peek(j);
	const char *from = j->p;
	do {
		if (depth && object[depth - 1] && !skip_name(j))
			return false;
		char c = jl_peek(j);
		if (c == '{' || c == '[') {
			if (depth == JL_DEPTH)
				return fault(j, "nested too deeply");
			j->p++;
			object[depth++] = c == '{';
			if (!jl_take(j, c == '{' ? '}' : ']'))
				continue;
			depth--;
		} else if (!skip_scalar(j, c)) {
			return false;
		}
		if (!skip_closing(j, object, &depth))
			return false;
	} while (depth);
	*out = (struct slice){ from, (size_t)(j->p - from) };
	return true;
}

bool jl_open(struct jl *j, char bracket)
{
	return jl_take(j, bracket) || fault(j, bracket == '{' ? "an object is expected" : "an array is expected");
}

static bool next(struct jl *j, bool *first, char close)
{
	if (jl_take(j, close))
		return false;
	if (!*first && !jl_take(j, ','))
		return fault(j, "\",\" or a closing bracket is expected");
	*first = false;
	return !j->bad;
}

bool jl_member(struct jl *j, bool *first, struct slice *name)
{
	if (!next(j, first, '}'))
		return false;
	return jl_string(j, name) && (jl_take(j, ':') || fault(j, "\":\" is expected"));
}

bool jl_item(struct jl *j, bool *first)
{
	return next(j, first, ']');
}

bool jl_end(struct jl *j)
{
	return (!jl_peek(j) && j->p == j->end && !j->bad) || fault(j, "unexpected text after the value");
}
