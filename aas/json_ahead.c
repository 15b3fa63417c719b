/* SPDX-License-Identifier: Apache-2.0
 * The scan works on bitmaps of 64 bytes: where quotes, braces and the letter m stand.  Only braces outside strings and
 * strings that begin with m are looked at one by one. */
#include "aas/json_ahead.h"

#include "aas/json_scan.h"
#include "aas/json.h"

#define KEY "\"modelType\""

struct entry {
	uint32_t at;		/* offset of the brace */
	uint8_t cls;
};

struct state {
	struct aas_ahead *a;
	const char *text;
	uint32_t open[AAS_DEPTH_MAX + 2];	/* entries of the objects around */
	unsigned depth;
	uint64_t inside;	/* all ones: the block before ended within a string */
	bool escaped;		/* the block before ended in a backslash that counts */
};

void aas_ahead_init(struct aas_ahead *a, const char *text)
{
	buf_init(&a->list, 0);
	a->at = 0;
	a->scanned = text;
}

void aas_ahead_fini(struct aas_ahead *a)
{
	buf_fini(&a->list);
}

/* p stands on "modelType": the class its value names, NONE when it is not a member name or the value no string. */
static uint8_t named_class(const char *p)
{
	p = aas_scan_space((char *)p + sizeof KEY - 1);
	if (*p != ':' || *(p = aas_scan_space((char *)p + 1)) != '"')
		return AAS_AHEAD_NONE;
	const char *end = aas_scan_string((char *)p + 1);
	const struct aas_class *c = *end == '"' ? aas_class_by_name(p + 1, (size_t)(end - p) - 1) : NULL;
	return c ? (uint8_t)(c->id + 1) : AAS_AHEAD_UNKNOWN;
}

static bool enter(struct state *s, const char *p)
{
	struct entry e = { (uint32_t)(p - s->text), AAS_AHEAD_NONE };
	if (s->depth == sizeof s->open / sizeof *s->open)
		return false;
	s->open[s->depth++] = (uint32_t)(s->a->list.n / sizeof e);
	buf_put(&s->a->list, &e, sizeof e);
	return !s->a->list.failed;
}

/* One block; true when the scan is over, *stop is where. */
static bool scan_block(struct state *s, const char *p, const char **stop)
{
	struct aas_scan_masks m = aas_scan_block(p);
	uint64_t quote = m.quote;
	if (m.back || s->escaped)
		quote &= ~aas_scan_escaped(m.back, &s->escaped);
	uint64_t in_string = aas_scan_parity(quote) ^ s->inside;	/* an opening quote is in, a closing one is out */
	s->inside = in_string >> 63 ? ~(uint64_t)0 : 0;
	/* a name in the next block is looked for as well: its first letter may stand there */
	uint64_t starts = quote & in_string & (m.m >> 1 | (uint64_t)1 << 63);
	for (uint64_t at = ((m.open | m.close) & ~in_string) | starts; at; at &= at - 1) {
		uint64_t bit = at & -at;
		*stop = p + __builtin_ctzll(at);
		if (bit & m.open) {
			if (!enter(s, *stop))
				return true;
		} else if (bit & m.close) {
			if (!s->depth || !--s->depth)
				return ++*stop, true;
		} else if (s->depth && !memcmp(*stop, KEY, sizeof KEY - 1)) {
			uint8_t cls = named_class(*stop);
			if (cls != AAS_AHEAD_NONE)
				((struct entry *)(void *)s->a->list.p)[s->open[s->depth - 1]].cls = cls;
		}
	}
	return false;
}

int aas_ahead_class(struct aas_ahead *a, const char *text, const char *end, const char *at)
{
	if (at >= a->scanned) {
		struct state s = { .a = a, .text = text };
		const char *p = at;
		a->list.n = a->at = 0;
		a->scanned = end;	/* malformed text: the reader will stumble over it by itself */
		while (p < end && !scan_block(&s, p, &a->scanned))
			p += 64;
		if (p >= end)
			a->scanned = end;
		if (a->list.failed)
			return -1;
	}
	const struct entry *list = (const void *)a->list.p;
	size_t n = a->list.n / sizeof *list;
	uint32_t offset = (uint32_t)(at - text);
	while (a->at < n && list[a->at].at < offset)
		a->at++;
	return a->at < n && list[a->at].at == offset ? list[a->at].cls : AAS_AHEAD_NONE;
}
