/* SPDX-License-Identifier: Apache-2.0
 * http_loop.h - what http.c (loops, workers, start and stop) and http_request.c (one request) share; nobody else includes it.
 */
#ifndef SERVER_HTTP_LOOP_H
#define SERVER_HTTP_LOOP_H

#include <microhttpd.h>
#include <stdatomic.h>

#include "base/thread.h"
#include "server/call.h"
#include "server/etag.h"
#include "server/forwarded.h"
#include "server/http.h"
#include "server/sse.h"
#include "server/sse_feed.h"

#define URI_MAX ((size_t)32 << 10)
#define CORRELATION_MAX 128
#define BASE_PATHS_MAX 8
#define UPLOAD_PIECE ((size_t)256 << 10)	/* of an upload, in memory at a time */
#define UPLOAD_OVERHEAD ((size_t)1 << 20)	/* a body may have so much more than the file in it */

/* A suspended connection on its way back to its loop. */
struct wakeup {
	struct wakeup *next;
	struct MHD_Connection *connection;
	struct loop *loop;
	bool suspended;			/* of the loop thread */
};

/* For the threads that read and write files: `run` is called once. */
struct file_job {
	void (*run)(struct file_job *);
};

/* http_ready.c */
struct ready;
struct ready_table;

struct request {
	struct wakeup wakeup;
	struct call call;
	struct request *next_free;
	void (*run)(struct request *);	/* what a worker has to do; wakes it when that is done */
	const struct sm_tree *tree;	/* the body is its document */
	const struct sm_tree *source;	/* the answer was made of it alone, from memory */
	struct ready *ready;		/* what this URL was answered with before */
	uint64_t live_seen;		/* ready_live before it was made, and the settings */
	unsigned settings_seen;
	bool hurried;			/* it was not looked at (judge): the ready answer may be enough */
	const struct static_file *file;	/* the body is this file */
	bool stream;			/* the body is a stream of events */
	bool begun;			/* the header has been looked at */
	bool received;			/* whole; counted in n_open of the loop */
	bool working;			/* a worker has it, or had it */
	int socket;			/* of the client, while a worker has it; -1: not known */
	bool reading;			/* its document is being read, or was */
	const struct sm_tree *read;	/* the document; NULL: it could not be read so */
	bool searching;			/* what its query finds is being searched for, or was */
	bool spent;			/* a response is queued */
	bool empty;			/* it has no body, so no type of one either */
	bool accepts_gzip;
	bool ranges;			/* the body is a file, of which a part can be asked for */
	bool packed;			/* the body is compressed */
	enum err refused;		/* found wrong before the body was read; the body is thrown away */
	struct slice uri, path;		/* raw, with the base path */
	const char *user;		/* the header that says who it is, nothing unless there are trusted proxies; "": it came twice */
	struct forwarded_headers forwarded;	/* nothing unless there are trusted proxies */
	const struct feed_ask *feed;	/* the answer is a stream of the feed from there on */
	const char *accept_encoding, *content_length, *correlation_id, *expect, *last_event_id, *request_id, *traceparent,
		*transfer_encoding;	/* headers; NULL: not sent */
	struct file_job filing;		/* puts what has come of an upload to its file */
	struct buf body;
	size_t body_max, taken, charged, dropped;	/* taken: bytes of an upload that are in its file */
	int64_t started_us;
};

struct loop {
	struct server *server;
	struct MHD_Daemon *daemon;
	pthread_t thread;
	bool running;
	int wake_fd;			/* eventfd */
	struct lock lock;		/* of `woken` */
	struct wakeup *woken;
	struct request *free;		/* of the loop thread, like the counts */
	unsigned n_free, n_open;
	char correlation[12];		/* what the ids that this loop makes begin with */
	uint64_t n_requests;
	struct ready_table *ready;	/* NULL: none */
	_Atomic uint64_t n_ready;	/* answers that went out of it */
};

struct server {
	struct http_config config;
	struct proxies *proxies;	/* config.trusted_proxies */
	char *base_text;		/* config.base_paths, cut into base[] */
	const char *base[BASE_PATHS_MAX];	/* the longest first */
	unsigned n_base;
	uint16_t port;
	int listen_fd;
	struct loop *loop;
	unsigned n_loops;
	struct queue *work, *invoke, *files;
	pthread_t *worker;
	unsigned n_workers;
	atomic_uint n_downloads;
	struct sse *sse;
	struct sse_feed *sse_feed;
	struct event_config events;	/* of the feed */
	struct buf openapi_text;
	struct static_file openapi;	/* its bytes are those */
	char openapi_etag[ETAG_MAX];
	_Atomic(const char *) external_url, cors_origin;	/* these may change, so config has only their first values */
	atomic_size_t body_max, file_max;
	atomic_uint settings;		/* grows when they do */
	atomic_bool open;		/* config.service and config.store are set */
	atomic_bool stopping;
	atomic_uint n_suspended;	/* connections of all loops that wait for a worker or an asset */
	atomic_size_t body_bytes;	/* charged by all requests together */
};

/* Hands a suspended connection back to its loop; any thread, once per suspension. */
void http_wake(struct wakeup *);
/* Suspends; the loop resumes it after http_wake.  Loop thread. */
void http_suspend(struct wakeup *);
/* From now on call.gone tells whether the client has gone away: for a worker, while the connection is suspended.  Loop thread. */
void http_watch_client(struct request *);

/* An error as the answer; the second: nobody is served yet. */
enum MHD_Result http_refuse(struct request *, enum err);
enum MHD_Result http_refuse_early(struct request *);
/* A worker runs it, and wakes it; or the queue is full, and that is the answer. */
enum MHD_Result http_hand_over(struct request *, struct queue *, void (*run)(struct request *));
/* The answer is there.  When a worker is to compress it, and all of them are busy, it goes as it is. */
enum MHD_Result http_reply_packed(struct request *);
bool http_is_read(const struct call *);		/* GET or HEAD */

/* http_surface.c: what is beside the API; NULL: the path is none of it. */
struct http_surface;
const struct http_surface *http_surface_find(struct slice path);
enum MHD_Result http_surface_answer(struct request *, const struct http_surface *);
/* A file of the console, where no path of the API is meant; the Result that says so is forgotten.  False: there is none. */
bool http_file_answer(struct request *, enum MHD_Result *);
enum MHD_Result http_options_answer(struct request *);

/* A stream (http_stream.c): `read` gives bytes, 0 when there are none before http_stream_wake (any thread), SSE_END at the end; `close` ends the
 * client.  NULL without memory.  Then http_stream_send with the client, or with the error that there is none; it takes the stream, NULL too. */
struct http_stream;
struct http_stream *http_stream_new(struct request *, ssize_t (*read)(void *client, char *out, size_t max), void (*close)(void *client));
void http_stream_wake(void *stream);
enum MHD_Result http_stream_send(struct request *, struct http_stream *, void *client, enum err);

/* Callbacks of libmicrohttpd, cls is the loop. */
void *http_request_new(void *cls, const char *uri, struct MHD_Connection *);
enum MHD_Result http_request_step(void *cls, struct MHD_Connection *, const char *url, const char *method, const char *version,
				  const char *data, size_t *n, void **request);
void http_request_end(void *cls, struct MHD_Connection *, void **request, enum MHD_RequestTerminationCode);
void http_request_free(struct request *);

/* http_feed.c: `/events`.  The first is for a worker; when it has set r->feed, the loop opens the stream. */
void http_feed_work(struct request *);
enum MHD_Result http_feed_open(struct request *);

/* http_progress.c: an upload whose answer is a stream of events. */
bool http_progress_wanted(const struct request *);
enum MHD_Result http_progress_open(struct request *);

/* http_header.c: the header of the request is read.  Loop thread. */
void http_read_headers(struct request *, const char *method);

/* http_content.c: a body that is read piece by piece by the threads for files; takes the content, also on error.  Loop thread. */
struct MHD_Response *http_content_body(struct request *, struct content, int64_t from, int64_t length);
/* Closes it in a thread that may block. */
void http_content_forget(struct server *, struct content *);

/* http_upload.c: from the header; r->call.upload is there afterwards, unless there is no body.  Loop thread, like all of them. */
enum err http_upload_judge(struct request *);
/* What has been collected goes to the file: the connection is suspended meanwhile. */
enum err http_upload_feed(struct request *);
/* At the end of the request: the file that came, and the content that was not sent. */
void http_upload_forget(struct request *);

/* http_ready.c: answers that went out before, within `budget` bytes.  NULL: that is too little, or no memory, and all of this takes NULL.  Loop
 * thread. */
struct ready_table *ready_new(size_t budget);
void ready_free(struct ready_table *);
/* Counted for the caller, until ready_drop; NULL: none. */
struct ready *ready_find(struct ready_table *, const char *uri, size_t n);
void ready_drop(struct ready *);
struct slice ready_uri(const struct ready *);		/* NUL-terminated */
/* Which submodels have live values is a matter of this number: an answer that was made of a tree before it changed is of no use any more. */
uint64_t ready_live(const struct server *);
/* r->ready goes out.  False: it is not the answer any more, or not in the form that is wanted. */
bool ready_send(struct request *, enum MHD_Result *);
/* True: the response belongs to the table from now on, after it was queued. `body`: bytes of it that are not a part of r->source. */
bool ready_keep(struct request *, struct MHD_Response *, size_t body);
/* Now and then: what nobody may be sent any more gives its memory back. */
void ready_sweep(struct ready_table *, const struct server *);

/* http_reply.c: the answer in r->call.reply, r->tree or r->file goes back.  Loop thread. */
enum MHD_Result http_reply(struct request *);
/* The same in two steps, for more headers in between; a response of NULL gives up. */
struct MHD_Response *http_response(struct request *);
enum MHD_Result http_send(struct request *, struct MHD_Response *);
/* For a response that http_response did not make; `codings`: it may come in another coding too. */
void http_put_headers(struct request *, struct MHD_Response *, bool codings);
/* The client accepts gzip, it is worth it, and it has not been done before: a worker has to (http_pack), before http_reply. */
bool http_wants_packing(const struct request *);
void http_pack(struct request *);					/* worker thread */

#endif
