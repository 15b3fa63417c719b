/* SPDX-License-Identifier: Apache-2.0
 * multipart.h - multipart/form-data (RFC 7578, RFC 2046 section 5.1) as it comes, in pieces of any size.
 *
 * What it tells does not depend on where the pieces end.  Bounded: number of parts, size of a part's header; of the bytes of a part none
 * are kept.  One thread at a time.
 */
#ifndef SERVER_MULTIPART_H
#define SERVER_MULTIPART_H

#include "base/arena.h"
#include "base/diag.h"
#include "base/str.h"

#define MULTIPART_PARTS_MAX 64
#define MULTIPART_HEADER_MAX 8192

struct multipart_part {
	const char *name;
	const char *file_name;		/* the last step of what the client calls the file; NULL: no file */
	const char *content_type;	/* NULL: none given */
};

/* Each part begins, has data any number of times, and ends; an error ends the reading.  Texts belong to the arena. */
struct multipart_events {
	enum err (*begin)(void *ctx, const struct multipart_part *, struct diag *);
	enum err (*data)(void *ctx, const char *p, size_t n, struct diag *);	/* n > 0 */
	enum err (*end)(void *ctx, struct diag *);
	void *ctx;
};

struct multipart;
/* `content_type` is the request header with its boundary.  ERR_BAD_REQUEST with a message, ERR_NO_MEMORY.  All in the arena. */
enum err multipart_new(struct arena *, const char *content_type, struct multipart_events, struct multipart **, struct diag *);
enum err multipart_feed(struct multipart *, const char *p, size_t n, struct diag *);
enum err multipart_end(struct multipart *, struct diag *);	/* there is nothing more: was it whole? */

#endif
