/* SPDX-License-Identifier: Apache-2.0
 * hello.c - the baseline of the HTTP benchmarks: libmicrohttpd and nothing else, answering one file to every GET.
 *
 *   hello FILE THREADS     prints its port, ends when standard input does
 *
 * libmicrohttpd's poll loops with one shared response: the fastest of its own threading models that does not hang (the internal
 * epoll loop of 0.9.75 does, with 128 connections or more on a thread).
 */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/file.h"
#include "tests/bench/daemon.h"

static struct MHD_Response *response;

static enum MHD_Result answer(void *cls, struct MHD_Connection *c, const char *url, const char *method, const char *version, const char *data,
			      size_t *n, void **state)
{
	(void)cls, (void)url, (void)method, (void)version, (void)data;
	if (!*state) {		/* a reply to the first call would close the connection */
		*state = response;
		return MHD_YES;
	}
	*n = 0;
	return MHD_queue_response(c, MHD_HTTP_OK, response);
}

int main(int argc, char **argv)
{
	struct arena *a = arena_new(0);
	struct slice body;
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	if (argc != 3 || file_read(a, argv[1], 1 << 27, &body, NULL)) {
		fprintf(stderr, "usage: hello FILE THREADS\n");
		return 2;
	}
	response = MHD_create_response_from_buffer(body.n, (void *)(uintptr_t)body.p, MHD_RESPMEM_PERSISTENT);
	MHD_add_response_header(response, "Content-Type", "application/json");
	struct MHD_Daemon *d = MHD_start_daemon(MHD_USE_POLL_INTERNAL_THREAD, 0, NULL, NULL, answer, NULL, MHD_OPTION_THREAD_POOL_SIZE,
						(unsigned)strtoul(argv[2], NULL, 10), MHD_OPTION_SOCK_ADDR, &at, MHD_OPTION_END);
	if (!d)
		return 1;
	serve_until_end(d);
	MHD_destroy_response(response);
	arena_free(a);
	return 0;
}
