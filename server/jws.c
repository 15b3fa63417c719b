/* SPDX-License-Identifier: Apache-2.0 */
#include "server/jws.h"

#include <errno.h>
#include <stdlib.h>

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/arena.h"
#include "base/str.h"

#define RSA_BITS_MIN 2048	/* RFC 7518, 3.3 and 3.5 */
#define CHAIN_MAX 10

/* RFC 7518, 3.1, and RFC 8037, 3.1. */
static const struct algorithm {
	const char *name;
	int key;
	const char *curve, *digest;	/* NULL: any; none */
	size_t half;			/* of an ECDSA signature: bytes of each of its two numbers */
} algorithms[] = {
	{ "ES256", EVP_PKEY_EC, "prime256v1", "SHA256", 32 },
	{ "ES384", EVP_PKEY_EC, "secp384r1", "SHA384", 48 },
	{ "ES512", EVP_PKEY_EC, "secp521r1", "SHA512", 66 },
	{ "RS256", EVP_PKEY_RSA, NULL, "SHA256", 0 },
	{ "PS256", EVP_PKEY_RSA_PSS, NULL, "SHA256", 0 },
	{ "EdDSA", EVP_PKEY_ED25519, NULL, NULL, 0 },
};

struct jws {
	EVP_PKEY *key;
	const struct algorithm *algorithm;
	char *header;			/* encoded, with the dot behind it */
};

void jws_free(struct jws *j)
{
	if (!j)
		return;
	EVP_PKEY_free(j->key);
	free(j->header);
	free(j);
}

const char *jws_algorithm(const struct jws *j)
{
	return j->algorithm->name;
}

static void put_base64url(struct buf *b, const void *p, size_t n, struct arena *a)
{
	const char *text = base64url_encode(a, p, n);
	buf_puts(b, text ? text : "");
}

/* -- files --------------------------------------------------------------------------------------------------------------------------- */

static enum err fault(struct diag *d, const char *file, const char *text)
{
	struct diag_frame f;
	if (!d)
		return ERR_BAD_REQUEST;
	diag_push(d, &f, file);
	diag_add(d, ERR_BAD_REQUEST, "%s", text);
	diag_pop(d);
	ERR_clear_error();
	return ERR_BAD_REQUEST;
}

/* Nobody is there to be asked. */
static int no_passphrase(char *p, int n, int writing, void *asked)
{
	(void)p, (void)n, (void)writing;
	*(bool *)asked = true;
	return -1;
}

static enum err open_file(const char *name, FILE **f, struct diag *d)
{
	struct diag_frame at;
	if ((*f = fopen(name, "re")))
		return ERR_OK;
	diag_push(d, &at, name);
	diag_add(d, ERR_NOT_FOUND, "%s", strerror(errno));
	diag_pop(d);
	return ERR_NOT_FOUND;
}

static const struct algorithm *algorithm_of(const EVP_PKEY *key)
{
	char curve[80] = "";
	size_t n;
	int id = EVP_PKEY_get_base_id(key);
	if (id == EVP_PKEY_EC)
		EVP_PKEY_get_group_name(key, curve, sizeof curve, &n);
	for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++)
		if (algorithms[i].key == id && (!algorithms[i].curve || str_eq(algorithms[i].curve, curve)))
			return &algorithms[i];
	return NULL;
}

static enum err read_key(struct jws *j, const char *name, struct diag *d)
{
	bool asked = false;
	FILE *f;
	enum err e = open_file(name, &f, d);
	if (e)
		return e;
	j->key = PEM_read_PrivateKey(f, NULL, no_passphrase, &asked);
	fclose(f);
	if (!j->key)
		return fault(d, name, asked ? "the key is protected by a passphrase: give it without" : "there is no private key in PEM in it");
	if (!(j->algorithm = algorithm_of(j->key)))
		return fault(d, name, "the key is for no algorithm that is known: P-256, P-384, P-521, RSA, RSA-PSS and Ed25519 are");
	bool rsa = j->algorithm->key == EVP_PKEY_RSA || j->algorithm->key == EVP_PKEY_RSA_PSS;
	return rsa && EVP_PKEY_get_bits(j->key) < RSA_BITS_MIN ? fault(d, name, "an RSA key needs 2048 bits at least") : ERR_OK;
}

/* RFC 7515, 4.1.6: base64, not base64url, of the DER. */
static enum err put_certificate(struct buf *b, const X509 *x, size_t i)
{
	unsigned char *der = NULL;
	int n = i2d_X509(x, &der);
	char *text = n > 0 ? malloc(((size_t)n + 2) / 3 * 4 + 1) : NULL;
	if (text) {
		EVP_EncodeBlock((unsigned char *)text, der, n);
		buf_printf(b, "%s\"%s\"", i ? "," : ",\"x5c\":[", text);
	}
	free(text);
	OPENSSL_free(der);
	return text && !b->failed ? ERR_OK : ERR_NO_MEMORY;
}

static enum err read_chain(struct jws *j, const char *name, struct buf *b, struct diag *d)
{
	size_t n = 0;
	X509 *x;
	FILE *f;
	enum err e = open_file(name, &f, d);
	if (e)
		return e;
	for (; !e && (x = PEM_read_X509(f, NULL, NULL, NULL)); n++) {
		if (n == CHAIN_MAX)
			e = fault(d, name, "there are more than 10 certificates in it");
		else if (!n && X509_check_private_key(x, j->key) != 1)
			e = fault(d, name, "the first certificate is not that of the key");
		else
			e = put_certificate(b, x, n);
		X509_free(x);
	}
	fclose(f);
	unsigned long why = ERR_peek_last_error();
	if (!e && (!n || ERR_GET_REASON(why) != PEM_R_NO_START_LINE))
		e = fault(d, name, n ? "a certificate cannot be read" : "there is no certificate in PEM in it");
	ERR_clear_error();
	buf_putc(b, ']');
	return e;
}

enum err jws_open(const char *key, const char *certificates, struct jws **out, struct diag *d)
{
	struct jws *j = calloc(1, sizeof *j);
	struct arena *a = arena_new(0);
	struct buf b = BUF_INIT, header = BUF_INIT;
	enum err e = j && a ? read_key(j, key, d) : ERR_NO_MEMORY;
	if (!e) {
		buf_printf(&b, "{\"alg\":\"%s\",\"typ\":\"JOSE\",\"cty\":\"application/json\"", j->algorithm->name);
		if (certificates)
			e = read_chain(j, certificates, &b, d);
		buf_putc(&b, '}');
	}
	if (!e) {
		put_base64url(&header, b.p, b.n, a);
		buf_putc(&header, '.');
		j->header = header.failed || b.failed || arena_failed(a) ? NULL : strdup(header.p);
		e = j->header ? ERR_OK : ERR_NO_MEMORY;
	}
	buf_fini(&b);
	buf_fini(&header);
	arena_free(a);
	if (e)
		jws_free(j);
	*out = e ? NULL : j;
	return e;
}

/* -- signing --------------------------------------------------------------------------------------------------------------------------- */

/* RFC 7518, 3.4: the two numbers one after the other, each of full length, instead of their DER. */
static bool put_numbers(struct buf *b, const unsigned char *der, size_t n, size_t half, struct arena *a)
{
	unsigned char both[2 * 66];
	ECDSA_SIG *s = d2i_ECDSA_SIG(NULL, &der, (long)n);
	bool ok = s && BN_bn2binpad(ECDSA_SIG_get0_r(s), both, (int)half) >= 0 && BN_bn2binpad(ECDSA_SIG_get0_s(s), both + half, (int)half) >= 0;
	if (ok)
		put_base64url(b, both, 2 * half, a);
	ECDSA_SIG_free(s);
	return ok;
}

static bool sign(const struct jws *j, struct slice input, struct buf *b, struct arena *a)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *key = NULL;
	const unsigned char *p = (const unsigned char *)input.p;
	unsigned char *out = NULL;
	size_t n = 0;
	bool ok = ctx && EVP_DigestSignInit_ex(ctx, &key, j->algorithm->digest, NULL, NULL, j->key, NULL) == 1;
	if (ok && j->algorithm->key == EVP_PKEY_RSA_PSS)	/* RFC 7518, 3.5 */
		ok = EVP_PKEY_CTX_set_rsa_padding(key, RSA_PKCS1_PSS_PADDING) == 1 &&
		     EVP_PKEY_CTX_set_rsa_pss_saltlen(key, RSA_PSS_SALTLEN_DIGEST) == 1;
	ok = ok && EVP_DigestSign(ctx, NULL, &n, p, input.n) == 1 && (out = arena_raw(a, n)) && EVP_DigestSign(ctx, out, &n, p, input.n) == 1;
	if (ok && j->algorithm->half)
		ok = put_numbers(b, out, n, j->algorithm->half, a);
	else if (ok)
		put_base64url(b, out, n, a);
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return ok;
}

enum err jws_sign(const struct jws *j, struct slice payload, struct buf *out)
{
	struct arena *a = arena_new(0);
	size_t at = out->n;
	enum err e = ERR_NO_MEMORY;
	if (a) {
		buf_puts(out, j->header);
		put_base64url(out, payload.p, payload.n, a);
		struct slice input = { out->p ? out->p + at : "", out->n - at };
		struct buf signature = BUF_INIT;
		bool ok = !out->failed && !arena_failed(a) && sign(j, input, &signature, a);
		buf_putc(out, '.');
		buf_slice(out, buf_view(&signature));
		e = out->failed || signature.failed || arena_failed(a) ? ERR_NO_MEMORY : ok ? ERR_OK : ERR_INTERNAL;
		buf_fini(&signature);
	}
	arena_free(a);
	return e;
}
