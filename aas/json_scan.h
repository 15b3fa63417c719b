/* SPDX-License-Identifier: Apache-2.0
 * json_scan.h - the inner loops of the JSON reader and writer, with and without SSE2.
 *
 * The readers' text ends in AAS_SCAN_PAD zero bytes, so blocks may be loaded without looking at the end.
 */
#ifndef AAS_JSON_SCAN_H
#define AAS_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define AAS_SCAN_PAD 64

/* A plain byte of a JSON string: neither a quote, a backslash, a control character nor part of a multibyte character. */
static inline bool aas_scan_plain(char c)
{
	return c >= 0x20 && c != '"' && c != '\\';
}

/* The first byte from p that is not plain; the padding stops it. */
static inline char *aas_scan_string(char *p)
{
#ifdef __SSE2__
	const __m128i quote = _mm_set1_epi8('"'), back = _mm_set1_epi8('\\'), space = _mm_set1_epi8(0x20);
	for (;; p += 16) {
		__m128i x = _mm_loadu_si128((const __m128i *)p);
		/* signed: bytes from 0x80 are negative, so one comparison finds them and the controls */
		__m128i hit = _mm_or_si128(_mm_cmplt_epi8(x, space), _mm_or_si128(_mm_cmpeq_epi8(x, quote), _mm_cmpeq_epi8(x, back)));
		unsigned mask = (unsigned)_mm_movemask_epi8(hit);
		if (mask)
			return p + __builtin_ctz(mask);
	}
#else
	while (aas_scan_plain(*p))
		p++;
	return p;
#endif
}

/* The first byte from p that is not JSON white space. */
static inline char *aas_scan_space(char *p)
{
	if ((unsigned char)*p > ' ')
		return p;
	if (*p == ' ' && (unsigned char)p[1] > ' ')
		return p + 1;
#ifdef __SSE2__
	const __m128i space = _mm_set1_epi8(' '), feed = _mm_set1_epi8('\n'), tab = _mm_set1_epi8('\t'), ret = _mm_set1_epi8('\r');
	for (;; p += 16) {
		__m128i x = _mm_loadu_si128((const __m128i *)p);
		__m128i white = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(x, space), _mm_cmpeq_epi8(x, feed)),
					     _mm_or_si128(_mm_cmpeq_epi8(x, tab), _mm_cmpeq_epi8(x, ret)));
		unsigned other = ~(unsigned)_mm_movemask_epi8(white) & 0xFFFF;
		if (other)
			return p + __builtin_ctz(other);
	}
#else
	while (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t')
		p++;
	return p;
#endif
}

/* Where the bytes stand that matter for the structure, among the 64 from p. */
struct aas_scan_masks {
	uint64_t quote, back, open, close, m;
};

#ifdef __SSE2__
static inline uint64_t aas_scan_equal(const __m128i x[4], char c)
{
	const __m128i v = _mm_set1_epi8(c);
	uint64_t mask = 0;
	for (int i = 3; i >= 0; i--)
		mask = mask << 16 | (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(x[i], v));
	return mask;
}
#else
static inline uint64_t aas_scan_equal(const char *p, char c)
{
	uint64_t mask = 0;
	for (int i = 63; i >= 0; i--)
		mask = mask << 1 | (p[i] == c);
	return mask;
}
#endif

static inline struct aas_scan_masks aas_scan_block(const char *p)
{
#ifdef __SSE2__
	const __m128i x[4] = { _mm_loadu_si128((const __m128i *)p), _mm_loadu_si128((const __m128i *)(p + 16)),
			       _mm_loadu_si128((const __m128i *)(p + 32)), _mm_loadu_si128((const __m128i *)(p + 48)) };
#else
	const char *x = p;
#endif
	return (struct aas_scan_masks){ aas_scan_equal(x, '"'), aas_scan_equal(x, '\\'), aas_scan_equal(x, '{'), aas_scan_equal(x, '}'),
					aas_scan_equal(x, 'm') };
}

/* The bytes that are escaped, from the backslashes of a block; rare, so bit by bit.  *carry: the first byte of the next block is. */
static inline uint64_t aas_scan_escaped(uint64_t back, bool *carry)
{
	uint64_t escaped = *carry;
	back &= ~escaped;
	*carry = false;
	while (back) {
		uint64_t bit = back & -back, next = bit << 1;
		escaped |= next;
		*carry = !next;
		back &= ~(bit | next);
	}
	return escaped;
}

/* Bit i of the result is the exclusive or of the bits 0 to i. */
static inline uint64_t aas_scan_parity(uint64_t x)
{
	for (unsigned k = 1; k < 64; k *= 2)
		x ^= x << k;
	return x;
}

/* The n <= 31 bytes at key and p agree; both may be read for 32 bytes. */
static inline bool aas_scan_same(const char *key, const char *p, size_t n)
{
#ifdef __SSE2__
	unsigned lo = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)key), _mm_loadu_si128((const __m128i *)p)));
	unsigned hi = (unsigned)_mm_movemask_epi8(
		_mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(key + 16)), _mm_loadu_si128((const __m128i *)(p + 16))));
	return !(~(hi << 16 | lo) & ((1u << n) - 1));
#else
	return !memcmp(key, p, n);
#endif
}

#endif
