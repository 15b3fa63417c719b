/* SPDX-License-Identifier: Apache-2.0
 * sse_feed.h - server-sent events of the feed of changes (`/events` with Accept: text/event-stream): nothing is lost and nothing comes twice.
 *
 * One thread reads the feed for all clients, each from its own place, into a buffer per client; who does not read gets nothing more into his buffer
 * and goes on later from where he was.  The `id:` of an event is the cursor behind it, so a browser that connects again (Last-Event-ID) goes on
 * there; heartbeats carry a newer one when a filter has left much out.
 */
#ifndef SERVER_SSE_FEED_H
#define SERVER_SSE_FEED_H

#include <sys/types.h>

#include "server/sse_out.h"
#include "submodels/event_feed.h"

struct sse_feed;
struct sse_feed_client;

/* At most `clients` at a time; `conf` is borrowed.  NULL when there is no memory, no thread, or the store takes no more listeners. */
struct sse_feed *sse_feed_start(struct store *, const struct event_config *conf, unsigned clients);
/* Ends all streams (their next read gives SSE_END) and the thread.  Clients stay valid until they are closed. */
void sse_feed_stop(struct sse_feed *);
void sse_feed_free(struct sse_feed *);		/* after sse_feed_stop and after all clients are closed; NULL is allowed */

/* From behind the cursor on; the filter's text is copied.  `wake` is called at most once per read that gave 0; it must not block and must not call
 * back.  Never blocks.  ERR_UNAVAILABLE: too many clients, ERR_NO_MEMORY. */
enum err sse_feed_open(struct sse_feed *, const struct event_cursor *, const struct event_filter *, void (*wake)(void *arg), void *arg,
		       struct sse_feed_client **);
ssize_t sse_feed_read(struct sse_feed_client *, char *out, size_t max);
void sse_feed_close(struct sse_feed_client *);	/* never blocks */

#endif
