/* SPDX-License-Identifier: Apache-2.0
 * request.h - what the client sent, decoded: ids, query parameters, cursors and bodies (IDTA-01002).
 *
 * Every fault is ERR_BAD_REQUEST, ERR_MEDIA_TYPE or ERR_TOO_LARGE with a message whose path names the parameter, or the place in the body.
 * Pure functions over the call and its arena.
 */
#ifndef SERVER_REQUEST_H
#define SERVER_REQUEST_H

#include "server/call.h"

#define PAGE_DEFAULT 100
#define PAGE_MAX 1000
#define IDENTIFIER_MAX 2048	/* code points (Part 1, Identifier) */

/* Path parameters and query of call->match into the members of the call. */
enum err request_decode(struct call *);
/* The body: content type, the file that comes with it, and the node when the route names a class; then it may be called again for a fresh
 * node. */
enum err request_body(struct call *);
/* The text that, given as `cursor` with the same operation, ids and filters, continues after `after`.  NULL without memory. */
const char *request_cursor(const struct call *, const char *after);
/* application/json is among what the client accepts; `accept` NULL: it did not say. */
bool request_accepts_json(const char *accept);

/* The media type of a header, without its parameters, is this one. */
bool request_media_is(const char *header, const char *type);

/* %XX decoded once, '+' kept (it is no blank here).  False: malformed, NUL, or not UTF-8 of XML characters. NUL-terminated. */
bool request_percent(struct arena *, struct slice raw, struct slice *out);
/* base64url of an Identifier, itself possibly percent-encoded; `name` is for the message. */
enum err request_id(struct call *, const char *name, struct slice raw, const char **out);
/* The next `name=value` of a query text, both raw; false at the end. */
bool request_query_next(struct slice *query, struct slice *name, struct slice *value);
/* Well-formed idShortPath (IDTA-01002; spec: begins with an idShort, indices without leading zeros). */
bool request_path_ok(const char *path);

#endif
