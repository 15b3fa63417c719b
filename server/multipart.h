/* SPDX-License-Identifier: Apache-2.0
 * multipart.h - multipart/form-data (RFC 7578, RFC 2046 section 5.1) of a body that is wholly in memory.
 *
 * Parts are slices of the body; names and file names are copied.  Bounded: number of parts, size of a part's header.
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
	struct slice bytes;
};

struct multipart {
	struct multipart_part *part;
	size_t n;
};

/* `content_type` is the request header with its boundary.  ERR_BAD_REQUEST with a message, ERR_NO_MEMORY. */
enum err multipart_read(struct arena *, const char *content_type, struct slice body, struct multipart *, struct diag *);
/* The first part of this name, or NULL. */
const struct multipart_part *multipart_find(const struct multipart *, const char *name);

#endif
