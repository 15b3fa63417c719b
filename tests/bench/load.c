/* SPDX-License-Identifier: Apache-2.0
 * load.c - a load generator for the benchmarks: one thread, epoll, keep-alive, one request under way per connection.
 *
 *   load HOST PORT CONNECTIONS SECONDS METHOD PATH [BODY]
 *
 * Loopback only, bounded in time.  Prints one line: requests/s, p50 and p99 in microseconds, replies that were not 2xx.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"

#define REPLY_MAX (1 << 20)
#define TIMES_MAX (1 << 22)

struct conn {
	int fd;
	char *in;
	size_t n, sent;
	int64_t from_us;
};

static char request[65536];
static size_t request_n;
static uint32_t times[TIMES_MAX];
static size_t n_times, n_bad;

static int by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return x < y ? -1 : x > y;
}

static void send_more(struct conn *c)
{
	while (c->sent < request_n) {
		ssize_t k = send(c->fd, request + c->sent, request_n - c->sent, MSG_NOSIGNAL);
		if (k < 0 && errno == EAGAIN)
			return;
		if (k <= 0) {
			fprintf(stderr, "load: the server closed the connection\n");
			exit(1);
		}
		c->sent += (size_t)k;
	}
}

static void begin(struct conn *c)
{
	c->n = c->sent = 0;
	c->from_us = clock_mono_us();
	send_more(c);
}

/* The length of the reply when it is complete, 0 when there is more to come. */
static size_t complete(struct conn *c)
{
	c->in[c->n] = 0;
	char *end = strstr(c->in, "\r\n\r\n"), *len = strcasestr(c->in, "\r\ncontent-length:");
	if (!end)
		return 0;
	size_t head = (size_t)(end - c->in) + 4;
	size_t body = len && len < end ? strtoul(len + 17, NULL, 10) : 0;
	return c->n >= head + body ? head + body : 0;
}

static void receive(struct conn *c)
{
	ssize_t k = recv(c->fd, c->in + c->n, REPLY_MAX - 1 - c->n, MSG_DONTWAIT);
	if (k < 0 && errno == EAGAIN)
		return;
	if (k <= 0) {
		fprintf(stderr, "load: the server closed the connection\n");
		exit(1);
	}
	c->n += (size_t)k;
	if (!complete(c))
		return;
	if (c->n < 10 || c->in[9] != '2') {
		if (!n_bad++)
			fprintf(stderr, "load: %.200s\n", c->in);
	}
	if (n_times < TIMES_MAX)
		times[n_times++] = (uint32_t)(clock_mono_us() - c->from_us);
	begin(c);
}

static int connect_to(const char *host, const char *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)strtoul(port, NULL, 10)) };
	int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
	if (inet_pton(AF_INET, host, &a.sin_addr) != 1 || ntohl(a.sin_addr.s_addr) >> 24 != 127) {
		fprintf(stderr, "load: %s is not a loopback address\n", host);
		exit(2);
	}
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a)) {
		perror("load: connect");
		exit(1);
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	return fd;
}

int main(int argc, char **argv)
{
	size_t n_conns, seconds;
	if (argc < 7 || !str_size(argv[3], strlen(argv[3]), &n_conns) || !str_size(argv[4], strlen(argv[4]), &seconds) || n_conns > 4096 ||
	    !n_conns || seconds > 60) {
		fprintf(stderr, "usage: load HOST PORT CONNECTIONS SECONDS METHOD PATH [BODY]\n");
		return 2;
	}
	const char *body = argc > 7 ? argv[7] : "";
	request_n = (size_t)snprintf(request, sizeof request, "%s %s HTTP/1.1\r\nHost: %s:%s\r\n%sContent-Length: %zu\r\n\r\n%s", argv[5], argv[6],
				     argv[1], argv[2], *body ? "Content-Type: application/json\r\n" : "", strlen(body), body);
	struct conn *conn = calloc(n_conns, sizeof *conn);
	int ep = epoll_create1(0);
	for (size_t i = 0; i < n_conns; i++) {
		conn[i].fd = connect_to(argv[1], argv[2]);
		conn[i].in = malloc(REPLY_MAX);
		struct epoll_event ev = { .events = EPOLLIN, .data.ptr = &conn[i] };
		epoll_ctl(ep, EPOLL_CTL_ADD, conn[i].fd, &ev);
		begin(&conn[i]);
	}
	int64_t from = clock_mono_us(), until = from + (int64_t)seconds * US_PER_S;
	while (clock_mono_us() < until) {
		struct epoll_event ev[256];
		int n = epoll_wait(ep, ev, 256, 100);
		for (int i = 0; i < n; i++)
			receive(ev[i].data.ptr);
	}
	double took = (double)(clock_mono_us() - from) / US_PER_S;
	qsort(times, n_times, sizeof *times, by_size);
	printf("%.0f %u %u %zu\n", (double)n_times / took, n_times ? times[n_times / 2] : 0, n_times ? times[n_times * 99 / 100] : 0, n_bad);
	return 0;
}
