/* SPDX-License-Identifier: Apache-2.0
 * http_stream.c - an answer that goes on: libmicrohttpd asks for more, and sleeps while there is none.
 */
#include <microhttpd.h>
#include <stdlib.h>

#include "server/http_loop.h"
#include "server/sse_out.h"

#define STREAM_BLOCK 16384

struct http_stream {
	struct wakeup wakeup;
	void *client;
	ssize_t (*read)(void *client, char *out, size_t max);
	void (*close)(void *client);
};

enum MHD_Result http_refuse(struct request *r, enum err e)
{
	reply_error(&r->call, e);
	return http_reply(r);
}

void http_stream_wake(void *stream)
{
	http_wake(&((struct http_stream *)stream)->wakeup);
}

static ssize_t stream_read(void *cls, uint64_t at, char *out, size_t max)
{
	struct http_stream *s = cls;
	(void)at;
	ssize_t n = s->read(s->client, out, max);
	if (!n)
		http_suspend(&s->wakeup);
	return n == SSE_END ? MHD_CONTENT_READER_END_OF_STREAM : n;
}

static void stream_free(void *cls)
{
	struct http_stream *s = cls;
	s->close(s->client);
	free(s);
}

struct http_stream *http_stream_new(struct request *r, ssize_t (*read)(void *client, char *out, size_t max), void (*close)(void *client))
{
	struct http_stream *s = calloc(1, sizeof *s);
	if (!s)
		return NULL;
	s->wakeup = r->wakeup;
	s->read = read;
	s->close = close;
	return s;
}

enum MHD_Result http_stream_send(struct request *r, struct http_stream *s, void *client, enum err e)
{
	if (e) {
		free(s);
		return http_refuse(r, e);
	}
	s->client = client;
	struct MHD_Response *resp = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, stream_read, s, stream_free);
	if (!resp) {
		stream_free(s);
		return http_refuse(r, ERR_NO_MEMORY);
	}
	http_put_headers(r, resp, false);
	MHD_add_response_header(resp, "X-Accel-Buffering", "no");	/* reverse proxies hold events back otherwise */
	return http_send(r, resp);
}
