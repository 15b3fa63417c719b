/* SPDX-License-Identifier: Apache-2.0
 * pack.h - replies in the content coding gzip (RFC 9110, 8.4.1.3; RFC 1952).
 */
#ifndef SERVER_PACK_H
#define SERVER_PACK_H

#include "base/buf.h"

#define PACK_MAX ((size_t)16 << 20)	/* what is larger is sent as it is: a worker has other things to do */

/* Accept-Encoding names gzip, and not with the weight 0; NULL: it was not sent. */
bool pack_accepted(const char *accept_encoding);
/* Is it text? `content_type` NULL is our JSON. */
bool pack_worth(const char *content_type);
/* Appends.  False without memory, and when the result would not be smaller: then `out` is as it was.  Takes its time: worker thread. */
bool pack_gzip(struct slice bytes, struct buf *out);

#endif
