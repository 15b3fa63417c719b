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

/* The first byte from p that is a quote or a backslash or a NUL: what ends or escapes, whatever stands between. */
static inline char *aas_scan_quote(char *p)
{
#ifdef __SSE2__
	const __m128i quote = _mm_set1_epi8('"'), back = _mm_set1_epi8('\\'), zero = _mm_setzero_si128();
	for (;; p += 16) {
		__m128i x = _mm_loadu_si128((const __m128i *)p);
		__m128i hit = _mm_or_si128(_mm_cmpeq_epi8(x, zero), _mm_or_si128(_mm_cmpeq_epi8(x, quote), _mm_cmpeq_epi8(x, back)));
		unsigned mask = (unsigned)_mm_movemask_epi8(hit);
		if (mask)
			return p + __builtin_ctz(mask);
	}
#else
	while (*p && *p != '"' && *p != '\\')
		p++;
	return p;
#endif
}

/* The first byte from p that is not JSON white space. */
static inline char *aas_scan_space(char *p)
{
	if ((unsigned char)*p > ' ')
		return p;
	for (;;) {
#ifdef __SSE2__
		const __m128i space = _mm_set1_epi8(' ');
		__m128i x = _mm_loadu_si128((const __m128i *)(p + 1));
		unsigned other = ~(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(x, space)) & 0xFFFF;
		if ((*p == '\n' || *p == ' ') && other) {	/* indentation is mostly a line feed and some blanks */
			p += 1 + __builtin_ctz(other);
			if ((unsigned char)*p > ' ')
				return p;
			continue;
		}
#endif
		if (*p != ' ' && *p != '\n' && *p != '\r' && *p != '\t')
			return p;
		p++;
	}
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
