/* SPDX-License-Identifier: Apache-2.0
 * The element of an attribute holds its text, its instances, or, when the class is known from the attribute, the attributes of its only
 * instance.  Room is reserved for a text and its tags as a whole, and the bytes are then stored unchecked. */
#include "aas/xml.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

static inline bool special(char c)
{
	return c == '&' || c == '<' || c == '>' || c == '\r';
}

/* Whether s can be copied as it is. */
static inline bool clean(const char *s, size_t n)
{
#ifdef __SSE2__
	const __m128i amp = _mm_set1_epi8('&'), lt = _mm_set1_epi8('<'), gt = _mm_set1_epi8('>'), cr = _mm_set1_epi8('\r');
	for (; n >= 16; s += 16, n -= 16) {
		__m128i x = _mm_loadu_si128((const __m128i *)(const void *)s);
		__m128i hit = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(x, amp), _mm_cmpeq_epi8(x, lt)),
					   _mm_or_si128(_mm_cmpeq_epi8(x, gt), _mm_cmpeq_epi8(x, cr)));
		if (_mm_movemask_epi8(hit))
			return false;
	}
#endif
	while (n--)
		if (special(*s++))
			return false;
	return true;
}

static inline char *put(char *p, const char *s, size_t n)
{
	memcpy(p, s, n);
	return p + n;
}

/* "<name>"; the room is there. */
static inline char *open_tag(char *p, const char *name, size_t n)
{
	*p++ = '<';
	p = put(p, name, n);
	*p++ = '>';
	return p;
}

static inline char *close_tag(char *p, const char *name, size_t n)
{
	*p++ = '<';
	*p++ = '/';
	p = put(p, name, n);
	*p++ = '>';
	return p;
}

static void begin(struct buf *b, const char *name, size_t n)
{
	if (buf_reserve(b, n + 2))
		b->n = (size_t)(open_tag(b->p + b->n, name, n) - b->p);
}

static void end(struct buf *b, const char *name, size_t n)
{
	if (buf_reserve(b, n + 3))
		b->n = (size_t)(close_tag(b->p + b->n, name, n) - b->p);
}

static void put_text(struct buf *b, const struct aas_prop *p, const char *s)
{
	size_t n = strlen(s);
	if (!clean(s, n)) {
		begin(b, p->name, p->name_len);
		buf_xml(b, s, n);
		end(b, p->name, p->name_len);
		return;
	}
	if (!buf_reserve(b, n + 2 * (size_t)p->name_len + 5))
		return;
	char *at = put(open_tag(b->p + b->n, p->name, p->name_len), s, n);
	b->n = (size_t)(close_tag(at, p->name, p->name_len) - b->p);
}

static void put_attributes(struct buf *b, const struct aas_node *n);

static void put_instance(struct buf *b, const struct aas_node *n)
{
	size_t len = strlen(n->cls->xml);
	begin(b, n->cls->xml, len);
	put_attributes(b, n);
	end(b, n->cls->xml, len);
}

static void put_nested(struct buf *b, const struct aas_prop *p, const struct aas_node *n)
{
	begin(b, p->name, p->name_len);
	if (p->kind == AAS_NODE && aas_class_sole(p->type))
		put_attributes(b, n);
	else if (p->kind == AAS_NODE)
		put_instance(b, n);
	else
		for (; n && !b->failed; n = n->next)
			put_instance(b, n);
	end(b, p->name, p->name_len);
}

static void put_attributes(struct buf *b, const struct aas_node *n)
{
	const struct aas_class *c = n->cls;
	for (unsigned i = 0; i < c->n && !b->failed; i++) {
		const struct aas_prop *p = &c->props[i];
		union aas_slot s = n->slot[i];
		if (!s.ord)
			continue;
		if (p->kind == AAS_STR || p->kind == AAS_B64)
			put_text(b, p, s.str);
		else if (p->kind == AAS_ENUM)
			put_text(b, p, aas_enums[p->type].literal[s.ord - 1]);
		else if (p->kind == AAS_BOOL)
			put_text(b, p, s.ord == 2 ? "true" : "false");
		else
			put_nested(b, p, s.node);
	}
}

const char *aas_xml_namespace(enum aas_version v)
{
	return v == AAS_V3_0 ? "https://admin-shell.io/aas/3/0" : "https://admin-shell.io/aas/3/1";
}

void aas_xml_write_element(struct buf *b, const struct aas_node *n)
{
	put_instance(b, n);
	if (!b->failed)
		b->p[b->n] = 0;
}

void aas_xml_write(struct buf *b, const struct aas_node *n, enum aas_version v)
{
	if (aas_is(n, AAS_Environment))
		buf_puts(b, AAS_XML_DECLARATION);
	buf_printf(b, "<%s xmlns=\"%s\">", n->cls->xml, aas_xml_namespace(v));
	put_attributes(b, n);
	end(b, n->cls->xml, strlen(n->cls->xml));
	if (!b->failed)
		b->p[b->n] = 0;
}
