/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/api/client.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define DEADLINE_S 20

static int dial(const char *host, const char *port)
{
	struct addrinfo want = { .ai_socktype = SOCK_STREAM }, *list;
	struct timeval limit = { DEADLINE_S, 0 };
	int fd = -1;
	if (getaddrinfo(host, port, &want, &list))
		return -1;
	for (struct addrinfo *a = list; a && fd < 0; a = a->ai_next) {
		fd = socket(a->ai_family, a->ai_socktype, 0);
		if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen)) {
			close(fd);
			fd = -1;
		}
	}
	freeaddrinfo(list);
	if (fd >= 0) {
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	}
	return fd;
}

static bool put(int fd, const char *p, size_t n)
{
	for (ssize_t k; n; p += k, n -= (size_t)k)
		if ((k = send(fd, p, n, MSG_NOSIGNAL)) <= 0)
			return false;
	return true;
}

/* Until the server closes: the request asks for that. */
static bool receive(int fd, struct answer *out)
{
	char chunk[16384];
	ssize_t k;
	struct buf all = BUF_INIT;
	while ((k = recv(fd, chunk, sizeof chunk, 0)) > 0)
		buf_put(&all, chunk, (size_t)k);
	const char *end = all.n ? memmem(all.p, all.n, "\r\n\r\n", 4) : NULL;
	if (end) {
		size_t head = (size_t)(end - all.p) + 2;
		buf_put(&out->head, all.p, head);
		buf_put(&out->body, all.p + head + 2, all.n - head - 2);
		out->status = head > 12 ? (int)strtol(all.p + 9, NULL, 10) : 0;
	}
	buf_fini(&all);
	return end && k == 0;
}

bool client_send(const char *url, const char *method, const char *target, const char *headers, struct slice body, struct answer *out)
{
	char host[256], port[8] = "80";
	const char *p = strstr(url, "://") ? strstr(url, "://") + 3 : url;
	size_t n = strcspn(p, "/");
	struct buf b = BUF_INIT;
	*out = (struct answer){ 0, BUF_INIT, BUF_INIT };
	snprintf(host, sizeof host, "%.*s", (int)n, p);
	char *colon = strrchr(host, ':');
	if (colon) {
		*colon = 0;
		snprintf(port, sizeof port, "%s", colon + 1);
	}
	const char *base = p + n;
	int fd = dial(host, port);
	if (fd < 0)
		return false;
	buf_printf(&b, "%s %s%s HTTP/1.1\r\n", method, str_eq(base, "/") ? "" : base, target);
	if (!strstr(headers, "Host: "))
		buf_printf(&b, "Host: %s:%s\r\n", host, port);
	buf_printf(&b, "Connection: close\r\n%s", headers);
	if (body.n || !str_eq(method, "GET"))
		buf_printf(&b, "Content-Length: %zu\r\n", body.n);
	buf_puts(&b, "\r\n");
	buf_slice(&b, body);
	bool ok = !b.failed && put(fd, b.p, b.n) && receive(fd, out);
	close(fd);
	buf_fini(&b);
	return ok;
}

void answer_fini(struct answer *a)
{
	buf_fini(&a->head);
	buf_fini(&a->body);
}

const char *answer_header(const struct answer *a, const char *name)
{
	static char value[2000];
	size_t n = strlen(name);
	for (const char *p = a->head.p; p && *p; p = strstr(p, "\r\n") ? strstr(p, "\r\n") + 2 : NULL)
		if (!strncasecmp(p, name, n) && p[n] == ':') {
			p += n + 1;
			p += strspn(p, " ");
			snprintf(value, sizeof value, "%.*s", (int)strcspn(p, "\r\n"), p);
			return value;
		}
	return NULL;
}
