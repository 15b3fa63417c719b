/* SPDX-License-Identifier: Apache-2.0
 * http.c - loops, workers, start and stop.
 *
 * Each loop drives a daemon of its own from outside (MHD_USE_EPOLL without an internal thread), for the internal epoll loop of
 * libmicrohttpd 0.9.75 hangs when 128 connections are ready at once.
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/actor.h"
#include "server/etag.h"
#include "server/http_loop.h"
#include "server/openapi.h"

#define BACKLOG 1024
#define QUEUE_LENGTH 1024
#define GRACE_US (5 * US_PER_S)		/* for answers that are half sent when the server stops */
#define CONNECTION_MEMORY ((size_t)40 << 10)	/* URI_MAX and 8 KiB of headers; libmicrohttpd clears all of it per request */
#define POLL_MAX_MS 1000

static const struct http_config defaults = {
	.address = "127.0.0.1", .workers = 8, .invokers = 8, .connections = 2048, .timeout_s = 60, .streams = 256,
	.body_max = (size_t)64 << 20, .body_budget = (size_t)1 << 30, .base_paths = "/api/v3.0,/api/v3,", .cors_origin = "*",
	.ready_bytes = (size_t)16 << 20, .compress_min = 2048, .file_max = (size_t)4 << 30, .file_threads = 4,
};

/* -- one loop ------------------------------------------------------------------------------------------------------------------- */

/* While the connection is suspended nobody else looks at its socket, and nobody closes it.  Who has closed his side of it waits no more. */
static bool client_gone(const struct call *c)
{
	const struct request *r = (const struct request *)(const void *)((const char *)c - offsetof(struct request, call));
	struct pollfd p = { r->socket, POLLRDHUP, 0 };
	return r->socket >= 0 && poll(&p, 1, 0) > 0 && p.revents & (POLLRDHUP | POLLHUP | POLLERR);
}

void http_watch_client(struct request *r)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(r->wakeup.connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	r->socket = info ? info->connect_fd : -1;
	r->call.gone = client_gone;
}

void http_suspend(struct wakeup *w)
{
	atomic_fetch_add(&w->loop->server->n_suspended, 1);
	w->suspended = true;
	MHD_suspend_connection(w->connection);
}

static void poke(struct loop *l)
{
	uint64_t one = 1;
	if (write(l->wake_fd, &one, sizeof one) < 0)
		log_error("http", "eventfd: %m");	/* cannot happen: the counter does not overflow */
}

void http_wake(struct wakeup *w)
{
	struct loop *l = w->loop;
	lock_take(&l->lock);
	bool first = !l->woken;
	w->next = l->woken;
	l->woken = w;
	if (first)
		poke(l);
	lock_drop(&l->lock);
}

static void resume_woken(struct loop *l)
{
	uint64_t count;
	if (read(l->wake_fd, &count, sizeof count) < 0 && errno != EAGAIN)
		log_error("http", "eventfd: %m");
	lock_take(&l->lock);
	struct wakeup *w = l->woken;
	l->woken = NULL;
	lock_drop(&l->lock);
	for (struct wakeup *next; w; w = next) {
		next = w->next;		/* once resumed, the other side may use it again */
		w->suspended = false;
		MHD_resume_connection(w->connection);
		atomic_fetch_sub(&l->server->n_suspended, 1);
	}
}

/* The loops end together: as long as one of them waits for an asset, whoever is connected, to whichever, is told that the server is stopping. */
static bool finished(struct loop *l, int64_t *until)
{
	int64_t now = clock_mono_us();
	if (!*until) {
		*until = now + GRACE_US;
		MHD_socket fd = MHD_quiesce_daemon(l->daemon);
		if (fd != MHD_INVALID_SOCKET)
			close(fd);
	}
	return !atomic_load(&l->server->n_suspended) && (!l->n_open || now > *until);
}

static void *loop_run(void *arg)
{
	struct loop *l = arg;
	int64_t until = 0;
	struct pollfd p[2] = {
		{ .fd = MHD_get_daemon_info(l->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd, .events = POLLIN },
		{ .fd = l->wake_fd, .events = POLLIN },
	};
	for (;;) {
		bool stopping = atomic_load(&l->server->stopping);
		if (stopping && finished(l, &until))
			break;
		MHD_UNSIGNED_LONG_LONG ms;
		int most = stopping ? 20 : POLL_MAX_MS;
		if (MHD_get_timeout(l->daemon, &ms) == MHD_YES && ms < (unsigned)most)
			most = (int)ms;
		if (poll(p, 2, most) < 0 && errno != EINTR)
			log_error("http", "poll: %m");
		if (p[1].revents)
			resume_woken(l);
		MHD_run(l->daemon);
		ready_sweep(l->ready, l->server);
	}
	MHD_stop_daemon(l->daemon);
	l->daemon = NULL;
	return NULL;
}

static void mhd_log(void *cls, const char *fmt, va_list ap)
{
	char line[512];
	(void)cls;
	vsnprintf(line, sizeof line, fmt, ap);
	log_debug("http", "%s", line);
}

static size_t no_unescape(void *cls, struct MHD_Connection *connection, char *s)
{
	(void)cls;
	(void)connection;
	return strlen(s);	/* request.c decodes, after splitting */
}

static enum err loop_open(struct server *s, struct loop *l)
{
	uint32_t random;
	l->server = s;
	lock_init(&l->lock, RANK_LEAF);
	l->ready = ready_new(s->config.ready_bytes / s->n_loops);
	random_bytes(&random, sizeof random);
	snprintf(l->correlation, sizeof l->correlation, "%08x-", random);
	l->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	int fd = fcntl(s->listen_fd, F_DUPFD_CLOEXEC, 0);	/* a daemon closes its socket */
	if (l->wake_fd < 0 || fd < 0) {
		if (fd >= 0)
			close(fd);
		return ERR_IO;
	}
	struct MHD_OptionItem more[] = {
		{ MHD_OPTION_LISTEN_SOCKET, fd, NULL },
		{ MHD_OPTION_CONNECTION_LIMIT, (intptr_t)(s->config.connections / s->n_loops + 1), NULL },
		{ MHD_OPTION_CONNECTION_TIMEOUT, (intptr_t)s->config.timeout_s, NULL },
		{ MHD_OPTION_CONNECTION_MEMORY_LIMIT, (intptr_t)CONNECTION_MEMORY, NULL },
		{ MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)&http_request_end, l },
		{ MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)&http_request_new, l },
		{ MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)&no_unescape, NULL },
		{ MHD_OPTION_END, 0, NULL },
	};
	l->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL, http_request_step, l,
				     MHD_OPTION_EXTERNAL_LOGGER, mhd_log, NULL, MHD_OPTION_ARRAY, more, MHD_OPTION_END);
	if (!l->daemon)
		close(fd);
	return l->daemon ? ERR_OK : ERR_IO;
}

static void loop_stop(struct loop *l)
{
	if (l->running) {
		poke(l);
		pthread_join(l->thread, NULL);
	}
	if (l->daemon)
		MHD_stop_daemon(l->daemon);
}

/* After the workers are gone: one of them may still be leaving http_wake. */
static void loop_free(struct loop *l)
{
	if (l->server) {
		lock_fini(&l->lock);
		if (l->wake_fd >= 0)
			close(l->wake_fd);
	}
	ready_free(l->ready);
	for (struct request *r = l->free, *next; r; r = next) {
		next = r->next_free;
		http_request_free(r);
	}
}

/* -- workers -------------------------------------------------------------------------------------------------------------------- */

static void *worker_run(void *arg)
{
	struct queue *q = arg;
	for (struct request *r; (r = queue_get(q, -1));)
		r->run(r);
	return NULL;
}

static void *file_run(void *arg)
{
	struct queue *q = arg;
	for (struct file_job *j; (j = queue_get(q, -1));)
		j->run(j);
	return NULL;
}

static enum err start_some(struct server *s, unsigned n, const char *name, void *(*run)(void *), struct queue *q)
{
	for (; n; n--, s->n_workers++)
		if (!thread_start(&s->worker[s->n_workers], name, run, q))
			return ERR_NO_MEMORY;
	return ERR_OK;
}

static enum err start_workers(struct server *s)
{
	const struct http_config *c = &s->config;
	enum err e;
	s->work = queue_new(QUEUE_LENGTH);
	s->invoke = queue_new(QUEUE_LENGTH);
	s->files = queue_new(QUEUE_LENGTH + 4 * c->connections);	/* a connection has at most one, and two to be forgotten */
	s->worker = calloc(c->workers + c->invokers + c->file_threads, sizeof *s->worker);
	if (!s->work || !s->invoke || !s->files || !s->worker)
		return ERR_NO_MEMORY;
	if ((e = start_some(s, c->workers, "worker", worker_run, s->work)) || (e = start_some(s, c->invokers, "invoker", worker_run, s->invoke)))
		return e;
	return start_some(s, c->file_threads, "files", file_run, s->files);
}

/* -- start and stop ------------------------------------------------------------------------------------------------------------- */

static enum err listen_on(struct server *s, struct diag *d)
{
	struct addrinfo hint = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV }, *list = NULL;
	char port[8];
	const char *host = s->config.address;
	int one = 1, fault = 0;
	if (s->config.listen_fd > 0) {
		s->listen_fd = s->config.listen_fd;
		return fcntl(s->listen_fd, F_SETFL, fcntl(s->listen_fd, F_GETFL) | O_NONBLOCK) < 0 ? ERR_IO : ERR_OK;
	}
	snprintf(port, sizeof port, "%u", s->config.port);
	int rc = getaddrinfo(host, port, &hint, &list);
	if (rc)
		return diag_add(d, ERR_BAD_REQUEST, "cannot listen on %s: %s", host, gai_strerror(rc));
	for (struct addrinfo *a = list; a && s->listen_fd < 0; a = a->ai_next) {
		int fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (fd >= 0 && !setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) && !bind(fd, a->ai_addr, a->ai_addrlen) &&
		    !listen(fd, BACKLOG)) {
			s->listen_fd = fd;
			break;
		}
		fault = errno;
		if (fd >= 0)
			close(fd);
	}
	freeaddrinfo(list);
	return s->listen_fd >= 0 ? ERR_OK : diag_add(d, ERR_IO, "cannot listen on %s port %s: %s", host, port, strerror(fault));
}

static enum err read_port(struct server *s)
{
	struct sockaddr_storage a;
	socklen_t n = sizeof a;
	char port[8];
	if (getsockname(s->listen_fd, (struct sockaddr *)&a, &n))
		return ERR_IO;
	if (!getnameinfo((struct sockaddr *)&a, n, NULL, 0, port, sizeof port, NI_NUMERICSERV))
		s->port = (uint16_t)strtoul(port, NULL, 10);
	return ERR_OK;
}

static enum err read_base_paths(struct server *s, struct diag *d)
{
	s->base_text = strdup(s->config.base_paths);
	if (!s->base_text)
		return ERR_NO_MEMORY;
	for (char *p = s->base_text, *next; p; p = next) {
		next = strchr(p, ',');
		if (next)
			*next++ = 0;
		size_t n = strlen(p);
		if (s->n_base == BASE_PATHS_MAX || (n && (p[0] != '/' || p[n - 1] == '/')))
			return diag_add(d, ERR_BAD_REQUEST, "base path \"%s\": at most %d, each begins with a slash and does not end with one",
					p, BASE_PATHS_MAX);
		unsigned i = s->n_base++;
		for (; i > 0 && strlen(s->base[i - 1]) < n; i--)
			s->base[i] = s->base[i - 1];
		s->base[i] = p;
	}
	return ERR_OK;
}

static enum err describe(struct server *s)
{
	buf_init(&s->openapi_text, 0);
	openapi_write(&s->openapi_text, "", s->base, s->n_base);
	if (s->openapi_text.failed)
		return ERR_NO_MEMORY;
	etag_of_bytes(s->openapi_etag, buf_view(&s->openapi_text));
	s->openapi = (struct static_file){ "/openapi.json", NULL, s->openapi_etag, (const unsigned char *)s->openapi_text.p, s->openapi_text.n };
	return ERR_OK;
}

static void fill_in(struct http_config *c)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
#define OR_DEFAULT(member) c->member = c->member ? c->member : defaults.member
	OR_DEFAULT(address);
	OR_DEFAULT(workers);
	OR_DEFAULT(invokers);
	OR_DEFAULT(connections);
	OR_DEFAULT(timeout_s);
	OR_DEFAULT(streams);
	OR_DEFAULT(body_max);
	OR_DEFAULT(compress_min);
	OR_DEFAULT(ready_bytes);
	OR_DEFAULT(body_budget);
	OR_DEFAULT(file_max);
	OR_DEFAULT(file_threads);
	OR_DEFAULT(base_paths);
	OR_DEFAULT(cors_origin);
#undef OR_DEFAULT
	if (!c->loops)
		c->loops = cores > 0 ? (unsigned)cores : 1;
}

static enum err start(struct server *s, struct diag *d)
{
	enum err e;
	if (s->config.trusted_proxies && *s->config.trusted_proxies && (e = proxies_read(s->config.trusted_proxies, &s->proxies, d)))
		return e;
	if (s->config.user_header && !actor_header_ok(s->config.user_header))
		return diag_add(d, ERR_BAD_REQUEST, "user-header: \"%.100s\" is not the name of a header", s->config.user_header);
	if (s->config.user_header && !s->proxies)
		return diag_add(d, ERR_BAD_REQUEST, "user-header: nobody may say who a user is without --trusted-proxies");
	if ((e = read_base_paths(s, d)) || (e = describe(s)) || (e = listen_on(s, d)) || (e = read_port(s)) || (e = start_workers(s)))
		return e;
	s->events = s->config.events;
	if (s->config.live && !(s->sse = sse_start(s->config.live, s->config.streams)))
		return ERR_NO_MEMORY;
	s->loop = calloc(s->config.loops, sizeof *s->loop);
	if (!s->loop)
		return ERR_NO_MEMORY;
	s->n_loops = s->config.loops;
	for (unsigned i = 0; i < s->n_loops; i++)
		s->loop[i].wake_fd = -1;
	for (unsigned i = 0; !e && i < s->n_loops; i++)
		e = loop_open(s, &s->loop[i]);
	for (unsigned i = 0; !e && i < s->n_loops; i++) {
		char name[16];
		snprintf(name, sizeof name, "http-%u", i);
		s->loop[i].running = thread_start(&s->loop[i].thread, name, loop_run, &s->loop[i]);
		e = s->loop[i].running ? ERR_OK : ERR_NO_MEMORY;
	}
	return e;
}

/* Without it the pages of /events are there all the same. */
static void open_feed(struct server *s)
{
	s->sse_feed = sse_feed_start(s->config.store, &s->events, s->config.streams);
	if (!s->sse_feed)
		log_warn("http", "the feed of changes cannot be streamed");
}

struct server *http_start(const struct http_config *config, struct diag *d)
{
	struct server *s = calloc(1, sizeof *s);
	if (!s) {
		diag_add(d, ERR_NO_MEMORY, "no memory for the HTTP server");
		return NULL;
	}
	s->config = *config;
	s->listen_fd = -1;
	fill_in(&s->config);
	http_change(s, s->config.external_url, s->config.cors_origin, s->config.body_max, s->config.file_max);
	atomic_store(&s->open, s->config.service != NULL);
	unsigned before = d ? d->n : 0;
	enum err e = start(s, d);
	if (!e && s->config.store)
		open_feed(s);
	if (!e)
		return s;
	if (d && d->n == before)
		diag_add(d, e, "the HTTP server does not start: %s", err_info[e].text);
	http_stop(s);
	return NULL;
}

uint16_t http_port(const struct server *s)
{
	return s->port;
}

void http_open(struct server *s, struct sm_service *service, struct store *store)
{
	s->config.service = service;
	s->config.store = store;
	open_feed(s);
	atomic_store(&s->open, true);
}

void http_change(struct server *s, const char *external_url, const char *cors_origin, size_t body_max, size_t file_max)
{
	atomic_store(&s->external_url, external_url);
	atomic_store(&s->cors_origin, cors_origin ? cors_origin : "");
	atomic_store(&s->body_max, body_max);
	atomic_store(&s->file_max, file_max);
	atomic_fetch_add(&s->settings, 1);
}

void http_stop(struct server *s)
{
	if (!s)
		return;
	atomic_store(&s->stopping, true);
	if (s->sse)
		sse_stop(s->sse);
	if (s->sse_feed)
		sse_feed_stop(s->sse_feed);
	for (unsigned i = 0; i < s->n_loops; i++)
		loop_stop(&s->loop[i]);
	if (s->work)
		queue_close(s->work);
	if (s->invoke)
		queue_close(s->invoke);
	if (s->files)
		queue_close(s->files);
	for (unsigned i = 0; i < s->n_workers; i++)
		pthread_join(s->worker[i], NULL);
	for (unsigned i = 0; i < s->n_loops; i++)
		loop_free(&s->loop[i]);
	queue_free(s->work);
	queue_free(s->invoke);
	queue_free(s->files);
	sse_free(s->sse);
	sse_feed_free(s->sse_feed);
	if (s->listen_fd >= 0)
		close(s->listen_fd);
	free(s->worker);
	free(s->loop);
	free(s->base_text);
	buf_fini(&s->openapi_text);
	proxies_free(s->proxies);
	free(s);
}
