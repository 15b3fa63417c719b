/* SPDX-License-Identifier: Apache-2.0
 * sse_out.h - what a client of server-sent events has not taken yet, and how it is woken: what sse.c and sse_feed.c share.  All of it is under the
 * lock of the one that has the client.
 */
#ifndef SERVER_SSE_OUT_H
#define SERVER_SSE_OUT_H

#include <sys/types.h>

#include "base/buf.h"

#define SSE_END ((ssize_t)-1)	/* the stream is over; a browser connects again by itself */

struct sse_out {
	struct buf text;
	size_t taken;			/* bytes of `text` that the transport has */
	bool waiting;			/* the transport sleeps until wake */
	void (*wake)(void *);
	void *arg;
};

static inline size_t sse_out_left(const struct sse_out *o)
{
	return o->text.n - o->taken;
}

static inline void sse_out_wake(struct sse_out *o)
{
	if (!o->waiting)
		return;
	o->waiting = false;
	o->wake(o->arg);
}

/* At most `max` bytes; 0: there are none now, and it waits; SSE_END: none, and there will be none (`over`). */
static inline ssize_t sse_out_read(struct sse_out *o, char *to, size_t max, bool over)
{
	size_t left = sse_out_left(o), n = left < max ? left : max;
	if (!n && over)
		return SSE_END;
	if (!n) {
		o->waiting = true;
		return 0;
	}
	memcpy(to, o->text.p + o->taken, n);
	o->taken += n;
	if (n == left) {
		buf_reset(&o->text);
		o->taken = 0;
	}
	return (ssize_t)n;
}

#endif
