/* SPDX-License-Identifier: Apache-2.0
 * etag.h - entity tags, and what a client asks for by them (RFC 9110, 8.8.3, 13.1.1 and 13.1.2).
 *
 * "v12"                        version 12 of an identifiable, and of everything in it
 * "v12-value-core-blobs"       the same in another form: modifier, level and extent
 * "v12-live-0123456789abcdef"  with live values laid over, which have no version: a sum of the bytes follows
 * "0123456789abcdef"           what has no version at all, by its bytes; a page by the versions of its documents
 * "sha256-0123456789abcdef..."  a file, by the SHA-256 of its bytes
 * "v12+gzip"                   any of them, compressed: other bytes need another strong tag
 *
 * Pure functions; a header may be any text.
 */
#ifndef SERVER_ETAG_H
#define SERVER_ETAG_H

#include "aas/view.h"
#include "base/str.h"

#define ETAG_MAX 96		/* with quotes, suffix and NUL */

void etag_of_version(char out[ETAG_MAX], int64_t version, const struct aas_view *);
void etag_of_live(char out[ETAG_MAX], int64_t version, const struct aas_view *, struct slice bytes);
void etag_of_hash(char out[ETAG_MAX], const unsigned char *sha256);
void etag_of_bytes(char out[ETAG_MAX], struct slice bytes);
/* Of many bytes, piece by piece; a document counts by its id and version, which are shorter. */
uint64_t etag_sum(uint64_t before, struct slice bytes);
void etag_of_sum(char out[ETAG_MAX], uint64_t total);
/* The tag of the same thing compressed. */
void etag_compressed(char tag[ETAG_MAX]);

/* If-None-Match: the header names this tag (weak comparison, in either coding) or is "*". */
bool etag_known(const char *header, const char *tag);
/* If-Match: the header names this tag (strong comparison) or is "*".  Of what has a version, the tag of any form with this version will
 * do, whatever its live values were: what a client writes has changed only when the version has. */
bool etag_current(const char *header, const char *tag);

#endif
