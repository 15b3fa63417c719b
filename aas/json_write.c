/* SPDX-License-Identifier: Apache-2.0
 * The canonical form: no white space, modelType first (so that a reader knows the class at once), then the attributes in
 * table order.  Room is reserved for a node's names and for each string as a whole, and the bytes are then stored unchecked. */
#include "aas/json.h"
#include "aas/json_scan.h"
#include "aas/lookup.h"

#define HIGH 0x8080808080808080u
#define ONES 0x0101010101010101u

/* Any byte of the word that must be escaped: below 0x20, a quote or a backslash.  Bytes from 0x80 on are never one. */
static inline bool word_dirty(uint64_t w)
{
	uint64_t quote = w ^ (ONES * '"'), back = w ^ (ONES * '\\');
	return (((w - ONES * 0x20) | (quote - ONES) | (back - ONES)) & ~w & HIGH) != 0;
}

static inline bool tail_dirty(const char *s, size_t n)
{
	uint64_t w = ONES * 'x';
	if (n >= 8) {
		memcpy(&w, s, 8);
		if (word_dirty(w))
			return true;
		memcpy(&w, s + n - 8, 8);
	} else if (n >= 4) {
		uint32_t a, b;
		memcpy(&a, s, 4);
		memcpy(&b, s + n - 4, 4);
		w = (uint64_t)a << 32 | b;
	} else {
		memcpy(&w, s, n);
	}
	return word_dirty(w);
}

/* Whether s can be copied as it is. */
static inline bool clean(const char *s, size_t n)
{
#ifdef __SSE2__
	const __m128i quote = _mm_set1_epi8('"'), back = _mm_set1_epi8('\\'), control = _mm_set1_epi8(0x1F);
	for (; n >= 16; s += 16, n -= 16) {
		__m128i x = _mm_loadu_si128((const __m128i *)s);
		__m128i hit = _mm_or_si128(_mm_cmpeq_epi8(_mm_min_epu8(x, control), x),
					   _mm_or_si128(_mm_cmpeq_epi8(x, quote), _mm_cmpeq_epi8(x, back)));
		if (_mm_movemask_epi8(hit))
			return false;
	}
#endif
	for (; n > 16; s += 8, n -= 8) {
		uint64_t w;
		memcpy(&w, s, 8);
		if (word_dirty(w))
			return false;
	}
	return !tail_dirty(s, n);
}

/* A string and its quotes; `more` further bytes are kept in reserve. */
static inline void put_string(struct buf *b, const char *s, size_t more)
{
	size_t n = strlen(s);
	if (!buf_reserve(b, n + 2 + more))
		return;
	if (!clean(s, n)) {
		buf_json(b, s, n);
		buf_reserve(b, more);
		return;
	}
	char *p = b->p + b->n;
	*p = '"';
	memcpy(p + 1, s, n);
	p[n + 1] = '"';
	b->n += n + 2;
}

static inline void put_fixed(struct buf *b, const char *s, size_t n)
{
	memcpy(b->p + b->n, s, n);
	b->n += n;
}

static void put_node(struct buf *b, const struct aas_node *n);

static void put_list(struct buf *b, const struct aas_node *c, size_t more)
{
	char sep = '[';
	for (; c && !b->failed; c = c->next, sep = ',') {
		buf_putc(b, sep);
		put_node(b, c);
	}
	buf_putc(b, ']');
	buf_reserve(b, more);
}

static void put_slot(struct buf *b, const struct aas_prop *p, union aas_slot s, size_t more)
{
	const char *text;
	switch (p->kind) {
	case AAS_STR:
	case AAS_B64:
		put_string(b, s.str, more);
		break;
	case AAS_BOOL:
		buf_puts(b, s.ord == 2 ? "true" : "false");
		buf_reserve(b, more);
		break;
	case AAS_ENUM:
		text = aas_enums[p->type].literal[s.ord - 1];
		put_string(b, text, more);
		break;
	case AAS_NODE:
		put_node(b, s.node);
		buf_reserve(b, more);
		break;
	default:
		put_list(b, s.node, more);
	}
}

/* Between the attributes there is always room for all the names of this node. */
static void put_node(struct buf *b, const struct aas_node *n)
{
	const struct aas_class *c = n->cls;
	size_t room = aas_class_index[c->id].key_bytes;
	if (!buf_reserve(b, room))
		return;
	size_t start = b->n;
	if (c->typed == AAS_TEXT) {
		put_string(b, n->slot[0].str, 0);
		return;
	}
	if (c->typed) {
		put_fixed(b, "{\"modelType\":\"", 14);
		put_fixed(b, c->name, c->name_len);
		b->p[b->n++] = '"';
	}
	for (unsigned i = 0; i < c->n; i++) {
		const struct aas_prop *p = &c->props[i];
		if (!n->slot[i].ord)
			continue;
		b->p[b->n] = b->n == start ? '{' : ',';
		memcpy(b->p + b->n + 1, p->key, AAS_KEY_MAX);
		b->n += 1 + (size_t)p->name_len + 3;
		put_slot(b, p, n->slot[i], room);
		if (b->failed)
			return;
	}
	if (b->n == start)
		b->p[b->n++] = '{';
	b->p[b->n++] = '}';
}

void aas_json_write(struct buf *b, const struct aas_node *n)
{
	put_node(b, n);
	if (!b->failed)
		b->p[b->n] = 0;
}
