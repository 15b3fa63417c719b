/* SPDX-License-Identifier: Apache-2.0
 * str.h - slices of text, UTF-8, hexadecimal, base64 and base64url (RFC 4648).  No locale is ever consulted.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct arena;

/* Borrowed bytes; not NUL-terminated.  p == NULL means absent. */
struct slice {
	const char *p;
	size_t n;
};

#define SLICE(lit) ((struct slice){ (lit), sizeof(lit) - 1 })

static inline struct slice slice_of(const char *s)
{
	return (struct slice){ s, s ? strlen(s) : 0 };
}
static inline bool slice_eq(struct slice a, struct slice b)
{
	return a.n == b.n && (a.n == 0 || !memcmp(a.p, b.p, a.n));
}
static inline bool slice_is(struct slice a, const char *s)
{
	return slice_eq(a, slice_of(s));
}
static inline bool str_eq(const char *a, const char *b)
{
	return !strcmp(a, b);
}

/* Well-formed UTF-8: no overlong forms, surrogates or code points above U+10FFFF. */
bool utf8_valid(const char *p, size_t n);
/* The same, and only characters of XML 1.0 `Char` (Part 1, AASd-130). */
bool utf8_xml_valid(const char *p, size_t n);
/* Number of code points of valid UTF-8. */
size_t utf8_length(const char *p, size_t n);
/* Replace every malformed byte of a text by a question mark, for text that was cut at a byte count. */
void utf8_repair(char *s);
/* Write one code point, return the bytes written (1..4). */
size_t utf8_put(char *out, uint32_t cp);

/* Decimal digits only, no sign, no leading zeros but "0"; false on overflow. */
bool str_size(const char *p, size_t n, size_t *out);
/* A whole decimal or scientific number in the C locale; false unless all n bytes are one finite number. */
bool str_double(const char *p, size_t n, double *out);
/* The shortest text that reads back as the same double ("0.1", "1e+300"); NaN, INF, -INF as xs:double writes them. */
#define STR_DOUBLE_MAX 32
size_t str_of_double(char out[STR_DOUBLE_MAX], double v);
/* Decimal digits that end before `end`; returns where they begin, at most 20 before it.  No NUL. */
char *str_digits(char *end, uint64_t v);

/* Encoded length without the NUL. */
#define BASE64_SIZE(n) (((n) + 2) / 3 * 4)
char *base64_encode(struct arena *, const void *p, size_t n);
bool base64_decode(struct arena *, const char *p, size_t n, struct slice *out);
/* base64url without padding on output; on input exactly the right padding is tolerated, nothing else. */
char *base64url_encode(struct arena *, const void *p, size_t n);
bool base64url_decode(struct arena *, const char *p, size_t n, struct slice *out);	/* out is NUL-terminated */

/* n random bytes from the kernel. */
void random_bytes(void *p, size_t n);
/* A UUID of version 7 (RFC 9562): time-ordered, unguessable. */
#define UUID_SIZE 37
void uuid_v7(char out[UUID_SIZE]);

#endif
