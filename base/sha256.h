/* SPDX-License-Identifier: Apache-2.0
 * sha256.h - SHA-256 (FIPS 180-4) of bytes that come in pieces; the instructions of the processor do it where it has them.
 *
 * One thread at a time.  Without memory a sum fails, and stays failed.
 */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include <stdbool.h>
#include <stddef.h>

#define SHA256_SIZE 32

struct sha256;
struct sha256 *sha256_new(void);		/* NULL without memory */
void sha256_free(struct sha256 *);		/* NULL is allowed */
void sha256_add(struct sha256 *, const void *p, size_t n);
/* Once, at the end.  False: something has failed. */
bool sha256_end(struct sha256 *, unsigned char out[SHA256_SIZE]);
/* All at once. */
bool sha256_of(const void *p, size_t n, unsigned char out[SHA256_SIZE]);

#endif
