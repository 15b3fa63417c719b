/* SPDX-License-Identifier: Apache-2.0
 * http.h - the HTTP server: loop threads that drive libmicrohttpd, and worker threads that run calls.
 *
 * N loop threads own one libmicrohttpd daemon each on one shared listening socket; a loop polls the daemon's epoll descriptor and an
 * eventfd and never blocks elsewhere.  What memory can answer is answered in the loop; everything else suspends its connection, runs
 * in a worker (call_run) and resumes through the eventfd.  Files come and go in pieces, which the threads for files write and read.
 * Invocations of operations have workers of their own, so that slow assets do not keep readers waiting.
 */
#ifndef SERVER_HTTP_H
#define SERVER_HTTP_H

#include "base/buf.h"
#include "base/diag.h"
#include "server/static.h"
#include "submodels/event.h"
#include "submodels/service.h"

struct server;
struct jws;			/* server/jws.h */

/* A zero or NULL member takes the default in brackets. Strings and pointers must outlive the server. */
struct http_config {
	const char *address;		/* a numeric address or a name [127.0.0.1] */
	uint16_t port;			/* 0: a free one, see http_port */
	int listen_fd;			/* > 0: serve this listening socket, owned by the server from now on; address and port are ignored */
	unsigned loops;			/* [one per core] */
	unsigned workers;		/* [8] */
	unsigned invokers;		/* workers for operations [8] */
	unsigned connections;		/* open at a time [2048] */
	unsigned timeout_s;		/* an idle connection is closed after it [60] */
	unsigned streams;		/* clients of /events/live, and as many of /events [256] */
	size_t body_max;		/* bytes of a request body that is no file [64 MiB] */
	size_t file_max;		/* bytes of a file that is uploaded [4 GiB] */
	unsigned file_threads;		/* that read and write files for all connections [4] */
	const char *scratch_dir;	/* where files are while they come [as scratch_new says] */
	size_t compress_min;		/* bytes of a reply from which on it is compressed for those who accept that [2048]; SIZE_MAX: never */
	size_t body_budget;		/* bytes of all request bodies together [1 GiB] */
	const char *base_paths;		/* comma-separated, no trailing slashes ["/api/v3.0,/api/v3,"] */
	const char *external_url;	/* "https://plant.example": in front of Locations [path-absolute Locations] */
	const char *trusted_proxies;	/* forwarded.h: proxies whose word counts about how clients reach this server [none] */
	const char *user_header;	/* in which those proxies say who the user is (actor.h); NULL: in none */
	const char *cors_origin;	/* Access-Control-Allow-Origin ["*"]; "" sends none */
	struct sm_service *service;	/* NULL: everything but /healthz, /readyz and the console is answered by 503 until http_open */
	struct live *live;		/* for /events/live and cached reads */
	struct store *store;		/* for /trend and /events; NULL: 503 */
	struct event_config events;	/* how /events says it; zero members: defaults */
	const struct jws *signer;	/* for $signed; NULL: 501 */
	const struct static_file *files;	/* the console, see static.h */
	size_t n_files;
	const char *static_dir;		/* development: files of this directory instead */
	/* For /readyz: false when something is missing, and says what in *why. Worker thread. */
	bool (*ready)(void *ctx, struct buf *why);
	void *ready_ctx;
};

/* NULL on failure, with a message. */
struct server *http_start(const struct http_config *, struct diag *);
uint16_t http_port(const struct server *);
/* From now on the API is served; once, and only when the server was started without a service.  Any thread. */
void http_open(struct server *, struct sm_service *, struct store *);
/* What may change while the server runs, as in http_config; requests that begin later see it.  The texts must outlive the server. */
void http_change(struct server *, const char *external_url, const char *cors_origin, size_t body_max, size_t file_max);
/* Accepts nothing more, ends event streams, answers what is under way, then frees everything.  Until then connections that are open stay
 * open, and what is asked on them is answered from memory or by 503.  NULL is allowed. */
void http_stop(struct server *);

#endif
