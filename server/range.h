/* SPDX-License-Identifier: Apache-2.0
 * range.h - which bytes of a file a client asks for (RFC 9110, 14.1.2, 14.2 and 13.1.5).
 *
 * Pure functions; a header may be any text.
 */
#ifndef SERVER_RANGE_H
#define SERVER_RANGE_H

#include <stdbool.h>
#include <stdint.h>

/* RANGE_ALL: the header is no range of bytes, or several of them, and is ignored.  RANGE_NONE: not one byte of it is there. */
enum range { RANGE_ALL, RANGE_PART, RANGE_NONE };
/* *from and *length are set for RANGE_PART alone. */
enum range range_read(const char *header, int64_t size, int64_t *from, int64_t *length);
/* If-Range, or NULL: does it name what is there?  By its strong tag alone: nothing here has a date. */
bool range_applies(const char *if_range, const char *etag);

#endif
