/* SPDX-License-Identifier: Apache-2.0 */
#include "twin_engine/payload.h"

#include <stdlib.h>
#include <string.h>

const char *const payload_kind_name[] = { "a plain value", "null", "false", "true", "a number", "a string", "an array", "an object" };

/* Tokens stand in the order of the text; the members of an object are key, value, key, value. */
struct payload_token {
	uint32_t at, n;			/* bytes of the value */
	uint32_t next;			/* index of the first token behind it and all it holds */
	enum payload_kind kind;
};

struct reader {
	struct payload *pl;
	size_t i;
	unsigned depth;
};

void payload_init(struct payload *pl)
{
	*pl = (struct payload){ .p = "" };
}

void payload_fini(struct payload *pl)
{
	free(pl->token);
	payload_init(pl);
}

void payload_set(struct payload *pl, const char *p, size_t n)
{
	pl->p = n ? p : "";
	pl->n = n;
	pl->parsed = false;
	pl->fault = NULL;
	pl->n_tokens = 0;
}

static bool fault(struct reader *r, const char *why)
{
	r->pl->fault = why;
	r->pl->fault_at = r->i;
	return false;
}

static void white(struct reader *r)
{
	while (r->i < r->pl->n && (r->pl->p[r->i] == ' ' || r->pl->p[r->i] == '\t' || r->pl->p[r->i] == '\n' || r->pl->p[r->i] == '\r'))
		r->i++;
}

static int peek(const struct reader *r)
{
	return r->i < r->pl->n ? (unsigned char)r->pl->p[r->i] : -1;
}

/* The place of the new token, or -1. */
static ptrdiff_t token_new(struct reader *r, enum payload_kind kind)
{
	struct payload *pl = r->pl;
	if (pl->n_tokens == pl->cap) {
		size_t cap = pl->cap ? pl->cap * 2 : 64;
		struct payload_token *more = cap > PAYLOAD_TOKENS_MAX ? NULL : realloc(pl->token, cap * sizeof *more);
		if (!more) {
			fault(r, "has too many values");
			return -1;
		}
		pl->token = more;
		pl->cap = cap;
	}
	pl->token[pl->n_tokens] = (struct payload_token){ (uint32_t)r->i, 0, 0, kind };
	return (ptrdiff_t)pl->n_tokens++;
}

static bool token_end(struct reader *r, ptrdiff_t t, size_t end)
{
	struct payload_token *tok = &r->pl->token[t];
	tok->n = (uint32_t)(end - tok->at);
	tok->next = (uint32_t)r->pl->n_tokens;
	return true;
}

static bool is_digit(int c)
{
	return c >= '0' && c <= '9';
}

static bool digits(struct reader *r)
{
	size_t from = r->i;
	while (is_digit(peek(r)))
		r->i++;
	return r->i > from;
}

static bool read_number(struct reader *r)
{
	ptrdiff_t t = token_new(r, PAYLOAD_NUMBER);
	if (t < 0)
		return false;
	if (peek(r) == '-')
		r->i++;
	if (peek(r) == '0')
		r->i++;
	else if (!digits(r))
		return fault(r, "is not JSON");
	if (peek(r) == '.') {
		r->i++;
		if (!digits(r))
			return fault(r, "is not JSON");
	}
	if (peek(r) == 'e' || peek(r) == 'E') {
		r->i++;
		if (peek(r) == '+' || peek(r) == '-')
			r->i++;
		if (!digits(r))
			return fault(r, "is not JSON");
	}
	return token_end(r, t, r->i);
}

static int hex4(const char *p)
{
	int v = 0;
	for (int i = 0; i < 4; i++) {
		int c = (unsigned char)p[i], d = is_digit(c) ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
		if (d < 0)
			return -1;
		v = v << 4 | d;
	}
	return v;
}

static bool read_string(struct reader *r)
{
	r->i++;
	ptrdiff_t t = token_new(r, PAYLOAD_STRING);
	if (t < 0)
		return false;
	for (int c; (c = peek(r)) != '"'; r->i++) {
		if (c < 0x20)
			return fault(r, "is not JSON");
		if (c != '\\')
			continue;
		r->i++;
		c = peek(r);
		if (c == 'u' && r->pl->n - r->i > 4 && hex4(r->pl->p + r->i + 1) >= 0)
			r->i += 4;
		else if (c < 0 || !c || !strchr("\"\\/bfnrt", c))
			return fault(r, "is not JSON");
	}
	token_end(r, t, r->i);
	r->i++;
	return true;
}

static bool read_word(struct reader *r)
{
	static const struct {
		const char *text;
		enum payload_kind kind;
	} words[] = { { "null", PAYLOAD_NULL }, { "false", PAYLOAD_FALSE }, { "true", PAYLOAD_TRUE } };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		size_t n = strlen(words[i].text);
		if (r->pl->n - r->i < n || memcmp(r->pl->p + r->i, words[i].text, n))
			continue;
		ptrdiff_t t = token_new(r, words[i].kind);
		if (t < 0)
			return false;
		r->i += n;
		return token_end(r, t, r->i);
	}
	return fault(r, "is not JSON");
}

static bool read_value(struct reader *r);

static bool read_items(struct reader *r, bool object, int close)
{
	for (bool first = true;; first = false) {
		white(r);
		if (first && peek(r) == close)
			break;
		if (object) {
			if (peek(r) != '"' || !read_string(r))
				return fault(r, r->pl->fault ? r->pl->fault : "is not JSON");
			white(r);
			if (peek(r) != ':')
				return fault(r, "is not JSON");
			r->i++;
		}
		if (!read_value(r))
			return false;
		white(r);
		if (peek(r) == close)
			break;
		if (peek(r) != ',')
			return fault(r, "is not JSON");
		r->i++;
	}
	r->i++;
	return true;
}

/* Recursion is bounded by PAYLOAD_DEPTH_MAX. */
static bool read_value(struct reader *r)
{
	white(r);
	int c = peek(r);
	if (c == '"')
		return read_string(r);
	if (c == '-' || is_digit(c))
		return read_number(r);
	if (c != '{' && c != '[')
		return read_word(r);
	if (r->depth == PAYLOAD_DEPTH_MAX)
		return fault(r, "is nested too deeply");
	ptrdiff_t t = token_new(r, c == '{' ? PAYLOAD_OBJECT : PAYLOAD_ARRAY);
	if (t < 0)
		return false;
	r->i++;
	r->depth++;
	if (!read_items(r, c == '{', c == '{' ? '}' : ']'))
		return false;
	r->depth--;
	return token_end(r, t, r->i);
}

static void parse(struct payload *pl)
{
	struct reader r = { pl, 0, 0 };
	pl->parsed = true;
	if (pl->n > PAYLOAD_MAX) {
		fault(&r, "is too large");
		return;
	}
	if (!read_value(&r))
		return;
	white(&r);
	if (r.i < pl->n)
		fault(&r, "is not JSON");
}

/* One character of an escaped string: its bytes into out, the bytes taken returned; 0: no character. */
static size_t unescape(const char *p, size_t n, char out[4], size_t *len)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	*len = 1;
	out[0] = p[0];
	if (p[0] != '\\')
		return 1;
	if (p[1] != 'u') {
		out[0] = to[strchr(from, p[1]) - from];
		return 2;
	}
	int hi = hex4(p + 2), lo;
	if (hi < 0xD800 || hi > 0xDFFF) {
		*len = utf8_put(out, (uint32_t)hi);
		return 6;
	}
	if (hi > 0xDBFF || n < 12 || p[6] != '\\' || p[7] != 'u' || (lo = hex4(p + 8)) < 0xDC00 || lo > 0xDFFF)
		return 0;
	*len = utf8_put(out, 0x10000u + (((uint32_t)hi & 0x3FF) << 10 | ((uint32_t)lo & 0x3FF)));
	return 12;
}

static bool string_is(struct slice raw, struct slice want)
{
	/* an escape is longer than what it stands for: most names are told apart by the first comparison */
	if (raw.n <= want.n)
		return raw.n == want.n && !memcmp(raw.p, want.p, want.n) && !memchr(raw.p, '\\', raw.n);
	if (!memchr(raw.p, '\\', raw.n))
		return false;
	while (raw.n) {
		char c[4];
		size_t len, k = unescape(raw.p, raw.n, c, &len);
		if (!k || want.n < len || memcmp(want.p, c, len))
			return false;
		raw.p += k, raw.n -= k;
		want.p += len, want.n -= len;
	}
	return !want.n;
}

static struct slice token_slice(const struct payload *pl, size_t t)
{
	return (struct slice){ pl->p + pl->token[t].at, pl->token[t].n };
}

/* The token of a child, or 0 (which is never a child). */
static size_t child(const struct payload *pl, size_t t, struct slice step)
{
	const struct payload_token *tok = pl->token;
	size_t i = t + 1, index;
	if (tok[t].kind == PAYLOAD_OBJECT) {
		for (; i < tok[t].next; i = tok[i + 1].next)
			if (string_is(token_slice(pl, i), step))
				return i + 1;
	} else if (tok[t].kind == PAYLOAD_ARRAY && str_size(step.p, step.n, &index)) {
		for (; i < tok[t].next; i = tok[i].next)
			if (!index--)
				return i;
	}
	return 0;
}

static void value_of(const struct payload *pl, size_t t, struct payload_value *out)
{
	*out = (struct payload_value){ pl->token[t].kind, token_slice(pl, t) };
}

const char *payload_find(struct payload *pl, const struct payload_pointer *ptr, struct payload_value *out)
{
	size_t t = 0;
	if (!pl->parsed)
		parse(pl);
	if (pl->fault)
		return pl->fault;
	for (size_t i = 0; i < ptr->n; i++)
		if (!(t = child(pl, t, ptr->step[i])))
			return "has nothing at this place";
	value_of(pl, t, out);
	return NULL;
}

bool payload_member(struct payload *pl, const struct payload_value *object, const char *name, struct payload_value *out)
{
	size_t at = (size_t)(object->raw.p - pl->p), t = 0;
	while (t < pl->n_tokens && !(pl->token[t].at == at && pl->token[t].kind == object->kind))
		t++;
	if (t == pl->n_tokens || object->kind != PAYLOAD_OBJECT || !(t = child(pl, t, slice_of(name))))
		return false;
	value_of(pl, t, out);
	return true;
}

void payload_plain(const struct payload *pl, struct payload_value *out)
{
	struct slice s = { pl->p, pl->n };
	while (s.n && memchr(" \t\r\n", s.p[0], 4))
		s.p++, s.n--;
	while (s.n && memchr(" \t\r\n", s.p[s.n - 1], 4))
		s.n--;
	*out = (struct payload_value){ PAYLOAD_PLAIN, s };
}

bool payload_text(const struct payload_value *v, struct buf *b)
{
	size_t from = b->n;
	struct slice s = v->raw;
	if (v->kind != PAYLOAD_STRING || !memchr(s.p, '\\', s.n)) {
		buf_slice(b, s);
		s.n = 0;
	}
	while (s.n) {
		char c[4];
		size_t len, k = unescape(s.p, s.n, c, &len);
		if (!k)
			return false;
		buf_put(b, c, len);
		s.p += k, s.n -= k;
	}
	return !b->failed && (b->n == from || utf8_xml_valid(b->p + from, b->n - from));
}

enum err payload_pointer_parse(struct arena *a, const char *text, struct payload_pointer *out, struct diag *d)
{
	size_t n = 0, len = strlen(text);
	*out = (struct payload_pointer){ 0, NULL };
	if (!len)
		return ERR_OK;
	if (text[0] != '/')
		return diag_add(d, ERR_BAD_REQUEST, "a JSON pointer begins with / (RFC 6901)");
	for (const char *p = text; *p; p++)
		n += *p == '/';
	if (n > PAYLOAD_DEPTH_MAX)
		return diag_add(d, ERR_BAD_REQUEST, "the JSON pointer has more than %d steps", PAYLOAD_DEPTH_MAX);
	struct slice *step = ARENA_ARRAY(a, struct slice, n);
	char *mem = arena_raw(a, len + 1), *o = mem;
	if (!step || !mem)
		return diag_add(d, ERR_NO_MEMORY, "out of memory");
	for (size_t i = 0; i < n; i++) {
		step[i].p = o;
		for (text++; *text && *text != '/'; text++) {
			if (*text == '~' && text[1] != '0' && text[1] != '1')
				return diag_add(d, ERR_BAD_REQUEST, "a ~ in a JSON pointer is written ~0, a / is written ~1");
			*o++ = *text == '~' ? (*++text == '0' ? '~' : '/') : *text;
		}
		step[i].n = (size_t)(o - step[i].p);
	}
	*out = (struct payload_pointer){ n, step };
	return ERR_OK;
}
