/* SPDX-License-Identifier: Apache-2.0
 * http_client.h - for tests of the HTTP server over real sockets on loopback: a client made of send and recv, one answer at a time.
 */
#ifndef TESTS_HTTP_CLIENT_H
#define TESTS_HTTP_CLIENT_H

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"

#define DEADLINE_MS 10000

static uint16_t port;	/* of the server */

static inline int dial(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct timeval limit = { DEADLINE_MS / 1000, 0 };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to)) {
		perror("# connect");
		exit(1);
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	return fd;
}

static inline bool put(int fd, const char *p, size_t n)
{
	for (ssize_t k; n; p += k, n -= (size_t)k)
		if ((k = send(fd, p, n, MSG_NOSIGNAL)) <= 0)
			return false;
	return true;
}

struct answer {
	int status;
	struct buf head, body;		/* the body is that of Content-Length */
};

static inline void forget(struct answer *r)
{
	buf_fini(&r->head);
	buf_fini(&r->body);
	*r = (struct answer){ 0, BUF_INIT, BUF_INIT };
}

/* The value of a header line, or NULL. */
static inline const char *header(const struct answer *r, const char *name)
{
	static char out[600];
	char key[80];
	snprintf(key, sizeof key, "\r\n%s: ", name);
	const char *p = r->head.p ? strcasestr(r->head.p, key) : NULL;
	if (!p)
		return NULL;
	p += strlen(key);
	snprintf(out, sizeof out, "%.*s", (int)strcspn(p, "\r"), p);
	return out;
}

/* Read one response; `head_only`: the request was HEAD. */
static inline bool get(int fd, struct answer *r, bool head_only)
{
	char c;
	forget(r);
	while (r->head.n < 4 || memcmp(r->head.p + r->head.n - 4, "\r\n\r\n", 4)) {
		if (recv(fd, &c, 1, 0) != 1)
			return false;
		buf_putc(&r->head, c);
	}
	r->status = (int)strtol(r->head.p + 9, NULL, 10);
	const char *length = header(r, "Content-Length");
	for (size_t n = length && !head_only && r->status != 204 && r->status != 304 ? strtoul(length, NULL, 10) : 0; n; n--) {
		if (recv(fd, &c, 1, 0) != 1)
			return false;
		buf_putc(&r->body, c);
	}
	return true;
}

#define PUT(fd, literal) put((fd), (literal), sizeof(literal) - 1)

static inline int ask(int fd, struct answer *r, const char *method, const char *path, const char *more, const char *body)
{
	struct buf b = BUF_INIT;
	buf_printf(&b, "%s %s HTTP/1.1\r\nHost: x\r\n%s", method, path, more);
	if (body)
		buf_printf(&b, "Content-Type: application/json\r\nContent-Length: %zu\r\n", strlen(body));
	buf_puts(&b, "\r\n");
	buf_puts(&b, body ? body : "");
	bool ok = put(fd, b.p, b.n) && get(fd, r, !strcmp(method, "HEAD"));
	buf_fini(&b);
	return ok ? r->status : -1;
}

static inline bool holds(const struct answer *r, const char *text)
{
	return r->body.p && strstr(r->body.p, text);
}

#endif
