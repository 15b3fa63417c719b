/* SPDX-License-Identifier: Apache-2.0
 * update.c - the baseline of the PATCH benchmark: one committed UPDATE of a single row after the other, on N connections.
 *
 *   update CONNINFO CONNECTIONS SECONDS [same]     prints updates/s; each connection has its own row, unless all have the same
 */
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"

#define N_MAX 256

static void must(PGconn *c, PGresult *r)
{
	ExecStatusType s = PQresultStatus(r);
	if (s != PGRES_COMMAND_OK && s != PGRES_TUPLES_OK) {
		fprintf(stderr, "update: %s\n", PQerrorMessage(c));
		exit(1);
	}
	PQclear(r);
}

static void begin(PGconn *c, size_t row, size_t count)
{
	char id[24], value[24];
	const char *param[] = { value, id };
	snprintf(id, sizeof id, "%zu", row);
	snprintf(value, sizeof value, "%zu", count);
	if (!PQsendQueryPrepared(c, "u", 2, param, NULL, NULL, 0) || PQflush(c) < 0)
		must(c, NULL);
}

int main(int argc, char **argv)
{
	static PGconn *conn[N_MAX];
	static struct pollfd fd[N_MAX];
	size_t n, seconds, count = 0;
	bool same = argc == 5 && !strcmp(argv[4], "same");
	if ((argc != 4 && !same) || !str_size(argv[2], strlen(argv[2]), &n) || !str_size(argv[3], strlen(argv[3]), &seconds) || !n || n > N_MAX || seconds > 60) {
		fprintf(stderr, "usage: update CONNINFO CONNECTIONS SECONDS [same]\n");
		return 2;
	}
	for (size_t i = 0; i < n; i++) {
		if (PQstatus(conn[i] = PQconnectdb(argv[1])) != CONNECTION_OK)
			must(conn[i], NULL);
		if (!i) {
			must(conn[i], PQexec(conn[i], "drop table if exists bench_update"));
			must(conn[i], PQexec(conn[i], "create table bench_update (id int primary key, value text)"));
			must(conn[i], PQexec(conn[i], "insert into bench_update select g, '0' from generate_series(0, 255) g"));
		}
		must(conn[i], PQprepare(conn[i], "u", "update bench_update set value = $1 where id = $2::int", 0, NULL));
		fd[i] = (struct pollfd){ PQsocket(conn[i]), POLLIN, 0 };
		begin(conn[i], same ? 0 : i, 0);
	}
	int64_t from = clock_mono_us(), until = from + (int64_t)seconds * US_PER_S;
	while (clock_mono_us() < until) {
		poll(fd, n, 100);
		for (size_t i = 0; i < n; i++) {
			if (!(fd[i].revents & POLLIN) || !PQconsumeInput(conn[i]) || PQisBusy(conn[i]))
				continue;
			must(conn[i], PQgetResult(conn[i]));
			while (PQgetResult(conn[i]))
				;
			begin(conn[i], same ? 0 : i, ++count);
		}
	}
	printf("%.0f\n", (double)count / ((double)(clock_mono_us() - from) / US_PER_S));
	return 0;
}
