/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sha256.h"

#include <openssl/evp.h>
#include <stdlib.h>

struct sha256 {
	EVP_MD_CTX *ctx;
	bool failed;
};

struct sha256 *sha256_new(void)
{
	struct sha256 *s = calloc(1, sizeof *s);
	if (!s || !(s->ctx = EVP_MD_CTX_new()) || !EVP_DigestInit_ex(s->ctx, EVP_sha256(), NULL)) {
		sha256_free(s);
		return NULL;
	}
	return s;
}

void sha256_free(struct sha256 *s)
{
	if (!s)
		return;
	EVP_MD_CTX_free(s->ctx);
	free(s);
}

void sha256_add(struct sha256 *s, const void *p, size_t n)
{
	if (n && !EVP_DigestUpdate(s->ctx, p, n))
		s->failed = true;
}

bool sha256_end(struct sha256 *s, unsigned char out[SHA256_SIZE])
{
	return !s->failed && EVP_DigestFinal_ex(s->ctx, out, NULL);
}

bool sha256_of(const void *p, size_t n, unsigned char out[SHA256_SIZE])
{
	struct sha256 *s = sha256_new();
	bool ok = s != NULL;
	if (ok) {
		sha256_add(s, p, n);
		ok = sha256_end(s, out);
	}
	sha256_free(s);
	return ok;
}
