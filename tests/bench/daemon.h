/* SPDX-License-Identifier: Apache-2.0
 * daemon.h - a server of a benchmark: its port goes out, and it serves until standard input ends.
 */
#ifndef TESTS_BENCH_DAEMON_H
#define TESTS_BENCH_DAEMON_H

#include <microhttpd.h>
#include <stdio.h>
#include <unistd.h>

static inline void serve_until_end(struct MHD_Daemon *d)
{
	char end[16];
	printf("%u\n", MHD_get_daemon_info(d, MHD_DAEMON_INFO_BIND_PORT)->port);
	fflush(stdout);
	while (read(STDIN_FILENO, end, sizeof end) > 0)
		;
	MHD_stop_daemon(d);
}

#endif
