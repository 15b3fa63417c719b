/* SPDX-License-Identifier: Apache-2.0 - JWS: made with each kind of key, verified by the library's own way of doing it, and not when anything is changed. */
#include "server/jws.h"

#include <stdlib.h>
#include <unistd.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/arena.h"
#include "base/str.h"
#include "tests/tap.h"

static struct diag d = DIAG_INIT;
static char key_file[] = "/tmp/twinshell-key-XXXXXX", chain_file[] = "/tmp/twinshell-chain-XXXXXX";
static const struct slice payload = { "{\"id\":\"urn:x\"}", 14 };

static EVP_PKEY *make(const char *kind)
{
	if (!strncmp(kind, "P-", 2))
		return EVP_EC_gen(kind);
	if (!strcmp(kind, "ED25519"))
		return EVP_PKEY_Q_keygen(NULL, NULL, kind);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, !strncmp(kind, "RSA-PSS", 7) ? "RSA-PSS" : "RSA", NULL);
	EVP_PKEY *key = NULL;
	EVP_PKEY_keygen_init(ctx);
	EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, strstr(kind, "1024") ? 1024 : 2048);
	EVP_PKEY_keygen(ctx, &key);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static void save_key(EVP_PKEY *key, const char *passphrase)
{
	FILE *f = fopen(key_file, "w");
	PEM_write_PrivateKey(f, key, passphrase ? EVP_aes_128_cbc() : NULL, (const unsigned char *)passphrase, passphrase ? (int)strlen(passphrase) : 0,
			     NULL, NULL);
	fclose(f);
}

static void save_chain(EVP_PKEY *key, int n, const char *tail)
{
	FILE *f = fopen(chain_file, "w");
	for (int i = 0; i < n; i++) {
		X509 *x = X509_new();
		X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC, (const unsigned char *)"Plant", -1, -1, 0);
		X509_set_issuer_name(x, X509_get_subject_name(x));
		ASN1_INTEGER_set(X509_get_serialNumber(x), i + 1);
		X509_gmtime_adj(X509_getm_notBefore(x), 0);
		X509_gmtime_adj(X509_getm_notAfter(x), 3600);
		X509_set_pubkey(x, key);
		X509_sign(x, key, EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519 ? NULL : EVP_sha256());
		PEM_write_X509(f, x);
		X509_free(x);
	}
	fputs(tail, f);
	fclose(f);
}

/* Of a text header.payload.signature: the step i, decoded. */
static struct slice step(struct arena *a, const char *text, int i)
{
	struct slice out = { NULL, 0 };
	for (; i; i--)
		text = strchr(text, '.') + 1;
	base64url_decode(a, text, strcspn(text, "."), &out);
	return out;
}

/* As RFC 7515, 5.2 wants it: DER is made again of what is two numbers. */
static bool verifies(EVP_PKEY *key, const char *text, const char *digest, struct arena *a)
{
	struct slice s = step(a, text, 2);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *how;
	unsigned char *der = NULL;
	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC) {
		ECDSA_SIG *both = ECDSA_SIG_new();
		const unsigned char *p = (const unsigned char *)s.p;
		ECDSA_SIG_set0(both, BN_bin2bn(p, (int)s.n / 2, NULL), BN_bin2bn(p + s.n / 2, (int)s.n / 2, NULL));
		s.n = (size_t)i2d_ECDSA_SIG(both, &der);
		s.p = (const char *)der;
		ECDSA_SIG_free(both);
	}
	bool ok = EVP_DigestVerifyInit_ex(ctx, &how, digest, NULL, NULL, key, NULL) == 1;
	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA_PSS)
		EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING), EVP_PKEY_CTX_set_rsa_pss_saltlen(how, 32);
	ok = ok && EVP_DigestVerify(ctx, (const unsigned char *)s.p, s.n, (const unsigned char *)text, (size_t)(strrchr(text, '.') - text)) == 1;
	EVP_MD_CTX_free(ctx);
	OPENSSL_free(der);
	return ok;
}

static void test_kind(const char *kind, const char *algorithm, const char *digest, size_t length)
{
	struct arena *a = arena_new(0);
	struct buf b = BUF_INIT;
	struct jws *j = NULL;
	EVP_PKEY *key = make(kind);
	char header[80];
	save_key(key, NULL);
	save_chain(key, 2, "");
	check_int(jws_open(key_file, chain_file, &j, &d), ERR_OK, "a key %s with two certificates", kind);
	check_str(jws_algorithm(j), algorithm, "is for its algorithm");
	buf_puts(&b, "before ");
	check_int(jws_sign(j, payload, &b), ERR_OK, "it signs");
	char *text = b.p + 7;
	struct slice h = step(a, text, 0), p = step(a, text, 1);
	snprintf(header, sizeof header, "{\"alg\":\"%s\",", algorithm);
	check(h.n > strlen(header) && !memcmp(h.p, header, strlen(header)) && memmem(h.p, h.n, "\"x5c\":[\"MI", 10), "the header says so, and has the chain");
	check(slice_eq(p, payload), "the payload is there as it was");
	check_int(step(a, text, 2).n, length, "the signature has its length");
	check(verifies(key, text, digest, a), "it verifies");
	char *at = strchr(text, '.') + 4;
	*at = *at == 'A' ? 'B' : 'A';
	check(!verifies(key, text, digest, a), "and no more when a letter of the payload is another");
	jws_free(j);
	buf_fini(&b);
	EVP_PKEY_free(key);
	arena_free(a);
}

static void refuses(const char *why, const char *chain)
{
	struct jws *j;
	diag_clear(&d);
	check_int(jws_open(key_file, chain, &j, &d), ERR_BAD_REQUEST, "refused: %s", why);
	check(!j && d.n == 1 && strstr(d.list[0].text, why) && strstr(d.list[0].path, "/tmp/"), "which is said with the file: %s", d.n ? d.list[0].text : "");
}

static void test_refusals(void)
{
	struct jws *j;
	EVP_PKEY *key = EVP_EC_gen("P-256"), *other = EVP_EC_gen("P-256"), *odd = EVP_EC_gen("secp256k1"), *weak = make("RSA-1024");
	save_key(key, "secret");
	refuses("passphrase", NULL);
	save_key(odd, NULL);
	refuses("no algorithm", NULL);
	save_key(weak, NULL);
	refuses("2048 bits", NULL);
	save_key(key, NULL);
	save_chain(other, 1, "");
	refuses("not that of the key", chain_file);
	save_chain(key, 0, "no certificate\n");
	refuses("no certificate", chain_file);
	save_chain(key, 1, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
	refuses("cannot be read", chain_file);
	save_chain(key, 11, "");
	refuses("more than 10", chain_file);
	save_chain(key, 10, "");
	check_int(jws_open(key_file, chain_file, &j, &d), ERR_OK, "ten certificates are a chain");
	jws_free(j);
	FILE *f = fopen(key_file, "w");
	fclose(f);
	refuses("no private key", NULL);
	diag_clear(&d);
	check_int(jws_open("/nonexistent/key", NULL, &j, &d), ERR_NOT_FOUND, "a file that is not there");
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
	EVP_PKEY_free(odd);
	EVP_PKEY_free(weak);
}

int main(void)
{
	close(mkstemp(key_file));
	close(mkstemp(chain_file));
	test_kind("P-256", "ES256", "SHA256", 64);
	test_kind("P-384", "ES384", "SHA384", 96);
	test_kind("P-521", "ES512", "SHA512", 132);
	test_kind("RSA", "RS256", "SHA256", 256);
	test_kind("RSA-PSS", "PS256", "SHA256", 256);
	test_kind("ED25519", "EdDSA", NULL, 64);
	test_refusals();
	unlink(key_file);
	unlink(chain_file);
	diag_fini(&d);
	return done();
}
