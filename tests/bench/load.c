/* SPDX-License-Identifier: Apache-2.0
 * load.c - a load generator for the benchmarks: one thread, epoll, keep-alive, one request under way per connection.
 *
 *   load HOST PORT CONNECTIONS SECONDS METHOD PATH [BODY]
 *
 * PATH may be @FILE with one path per line: connection i takes line i modulo their number; @@FILE: every request takes another one, in no order.
 * BODY may be @FILE.  In it the character % stands for a number that grows with every request.
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

#define REPLY_MAX (4 << 20)
#define REQUEST_MAX 65536
#define TIMES_MAX (1 << 22)
#define PATHS_MAX (1 << 20)

struct conn {
	int fd;
	const char *path;
	char *in, *out;
	size_t n, out_n, sent;
	int64_t from_us;
};

static const char *method, *host, *port, *body;
static char *path[PATHS_MAX];
static size_t n_paths, n_requests;
static bool random_paths;
static uint64_t state = 88172645463325252u;
static uint32_t times[TIMES_MAX];
static size_t n_times, n_bad;

static int by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return x < y ? -1 : x > y;
}

static void send_more(struct conn *c)
{
	while (c->sent < c->out_n) {
		ssize_t k = send(c->fd, c->out + c->sent, c->out_n - c->sent, MSG_NOSIGNAL);
		if (k < 0 && errno == EAGAIN)
			return;
		if (k <= 0) {
			fprintf(stderr, "load: the server closed the connection\n");
			exit(1);
		}
		c->sent += (size_t)k;
	}
}

static void write_request(struct conn *c)
{
	char text[REQUEST_MAX / 2];
	const char *mark = strchr(body, '%');
	int n = mark ? snprintf(text, sizeof text, "%.*s%zu%s", (int)(mark - body), body, n_requests, mark + 1) : snprintf(text, sizeof text, "%s", body);
	c->out_n = (size_t)snprintf(c->out, REQUEST_MAX, "%s %s HTTP/1.1\r\nHost: %s:%s\r\n%sContent-Length: %d\r\n\r\n%s", method, c->path, host, port,
				    *body ? "Content-Type: application/json\r\n" : "", n, text);
	if (n >= (int)sizeof text || c->out_n >= REQUEST_MAX) {
		fprintf(stderr, "load: the request is too long\n");
		exit(2);
	}
}

static void begin(struct conn *c)
{
	c->n = c->sent = 0;
	n_requests++;
	if (random_paths) {
		state ^= state << 13, state ^= state >> 7, state ^= state << 17;
		c->path = path[state % n_paths];
	}
	if (!c->out_n || random_paths || strchr(body, '%'))
		write_request(c);
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
	size_t more = len && len < end ? strtoul(len + 17, NULL, 10) : 0;
	return c->n >= head + more ? head + more : 0;
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

static void read_paths(char *arg)
{
	static char line[REQUEST_MAX / 2];
	path[n_paths++] = arg;
	if (*arg != '@')
		return;
	random_paths = arg[1] == '@';
	arg += random_paths;
	FILE *f = fopen(arg + 1, "r");
	if (!f) {
		perror(arg + 1);
		exit(2);
	}
	for (n_paths = 0; n_paths < PATHS_MAX && fgets(line, sizeof line, f); n_paths++) {
		line[strcspn(line, "\n")] = 0;
		path[n_paths] = strdup(line);
	}
	fclose(f);
	if (!n_paths)
		exit(2);
}

static const char *read_body(const char *arg)
{
	static char text[REQUEST_MAX / 2];
	FILE *f = *arg == '@' ? fopen(arg + 1, "r") : NULL;
	if (*arg != '@')
		return arg;
	if (!f || !fread(text, 1, sizeof text - 1, f)) {
		perror(arg + 1);
		exit(2);
	}
	fclose(f);
	return text;
}

static int connect_to(void)
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
	host = argv[1];
	port = argv[2];
	method = argv[5];
	read_paths(argv[6]);
	body = argc > 7 ? read_body(argv[7]) : "";
	n_requests = (size_t)clock_mono_us();	/* what grows has not been there in an earlier run */
	struct conn *conn = calloc(n_conns, sizeof *conn);
	int ep = epoll_create1(0);
	for (size_t i = 0; i < n_conns; i++) {
		conn[i].fd = connect_to();
		conn[i].in = malloc(REPLY_MAX);
		conn[i].out = malloc(REQUEST_MAX);
		conn[i].path = path[i % n_paths];
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
