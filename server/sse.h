/* SPDX-License-Identifier: Apache-2.0
 * sse.h - server-sent events of live values (`/events/live`; HTML Living Standard, "Server-sent events").
 *
 * One thread watches the live values and writes into a buffer per client, at most ten times a second and only the newest value of an
 * element: a client that is slow loses intermediate values, never the last one, and never costs more than its buffer.  The transport
 * reads from the buffer; when it is empty the transport sleeps until `wake`.
 *
 *   event: value
 *   data: {"submodel":"...","path":"...","text":"..."|null,"quality":"good","time":"..."|null,"seq":17}
 *
 * A new client first gets all current values of the submodels it asked for.
 */
#ifndef SERVER_SSE_H
#define SERVER_SSE_H

#include <sys/types.h>

#include "server/sse_out.h"
#include "submodels/live.h"

struct sse;
struct sse_client;

/* At most `clients` at a time.  NULL when there is no memory or no thread. */
struct sse *sse_start(struct live *, unsigned clients);
/* Ends all streams (their next read gives SSE_END) and the thread.  Clients stay valid until they are closed. */
void sse_stop(struct sse *);
void sse_free(struct sse *);		/* after sse_stop and after all clients are closed; NULL is allowed */

/* `submodels`: NULL-terminated ids, NULL: all; copied.  `wake` is called from the event thread, at most once per read that gave 0;
 * it must not block and must not call back.  ERR_UNAVAILABLE: too many clients, ERR_NO_MEMORY. */
enum err sse_open(struct sse *, const char *const *submodels, void (*wake)(void *arg), void *arg, struct sse_client **);
/* Bytes for the client, 0 when there are none now, SSE_END when the stream is over.  One thread per client. */
ssize_t sse_read(struct sse_client *, char *out, size_t max);
void sse_close(struct sse_client *);

#endif
