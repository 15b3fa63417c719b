/* SPDX-License-Identifier: Apache-2.0
 * jws.h - JSON Web Signatures (RFC 7515) in the compact serialization, with a key and a chain of certificates from PEM files.
 *
 * The algorithm is that of the key (RFC 7518, RFC 8037): ES256, ES384 or ES512 by the curve, RS256 for RSA, PS256 for RSA-PSS, EdDSA for
 * Ed25519.  Read once; then any number of threads may sign at a time.
 */
#ifndef SERVER_JWS_H
#define SERVER_JWS_H

#include "base/buf.h"
#include "base/diag.h"

struct jws;

/* `certificates` NULL: none, and then the header names no chain; else the first of them must be that of the key, and the others those of
 * its issuers, in order (x5c).  ERR_NOT_FOUND: a file cannot be read.  ERR_BAD_REQUEST: it holds no such thing, the key is of no kind that
 * is known, is too weak (RSA below 2048 bits) or has a passphrase, or key and certificate do not belong together.  The path of the
 * message is the file. */
enum err jws_open(const char *key, const char *certificates, struct jws **, struct diag *);
void jws_free(struct jws *);			/* NULL is allowed */
const char *jws_algorithm(const struct jws *);	/* "ES256" */

/* header.payload.signature, appended.  Equal payloads need not give equal signatures.  ERR_NO_MEMORY, ERR_INTERNAL. */
enum err jws_sign(const struct jws *, struct slice payload, struct buf *);

#endif
