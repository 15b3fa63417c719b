/* SPDX-License-Identifier: Apache-2.0
 * statement.c - the baseline of what the database does: one prepared statement, again and again, on N connections.
 *
 *   statement CONNINFO CONNECTIONS SECONDS SQL [PARAMETER...]     prints executions/s and rows of the last one
 *
 * In a parameter the character % stands for a number that grows with every execution; ~N~ for a number below N, another one each time.
 */
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"

#define N_MAX 256
#define PARAMS_MAX 8

static char **param;
static int n_params, n_rows;
static size_t count;
static uint64_t state = 88172645463325252u;

static void must(PGconn *c, PGresult *r)
{
	ExecStatusType s = PQresultStatus(r);
	if (s != PGRES_COMMAND_OK && s != PGRES_TUPLES_OK) {
		fprintf(stderr, "statement: %s\n", PQerrorMessage(c));
		exit(1);
	}
	n_rows = PQntuples(r);
	PQclear(r);
}

static const char *fill(const char *p, char *out, size_t size)
{
	char *mark;
	const char *tilde = strchr(p, '~');
	if (tilde) {
		state ^= state << 13, state ^= state >> 7, state ^= state << 17;
		size_t n = strtoul(tilde + 1, &mark, 10);
		snprintf(out, size, "%.*s%07zu%s", (int)(tilde - p), p, (size_t)(state % (n ? n : 1)), mark + 1);
	} else if ((mark = strchr(p, '%'))) {
		snprintf(out, size, "%.*s%zu%s", (int)(mark - p), p, count, mark + 1);
	} else {
		return p;
	}
	return out;
}

static void begin(PGconn *c)
{
	char text[PARAMS_MAX][512];
	const char *value[PARAMS_MAX];
	for (int i = 0; i < n_params; i++)
		value[i] = fill(param[i], text[i], sizeof text[i]);
	count++;
	if (!PQsendQueryPrepared(c, "s", n_params, value, NULL, NULL, 1) || PQflush(c) < 0)
		must(c, NULL);
}

int main(int argc, char **argv)
{
	static PGconn *conn[N_MAX];
	static struct pollfd fd[N_MAX];
	size_t n, seconds, done = 0;
	if (argc < 5 || argc > 5 + PARAMS_MAX || !str_size(argv[2], strlen(argv[2]), &n) || !str_size(argv[3], strlen(argv[3]), &seconds) || !n ||
	    n > N_MAX || seconds > 60) {
		fprintf(stderr, "usage: statement CONNINFO CONNECTIONS SECONDS SQL [PARAMETER...]\n");
		return 2;
	}
	param = argv + 5;
	n_params = argc - 5;
	count = (size_t)clock_mono_us();	/* what grows has not been there in an earlier run */
	for (size_t i = 0; i < n; i++) {
		if (PQstatus(conn[i] = PQconnectdb(argv[1])) != CONNECTION_OK)
			must(conn[i], NULL);
		must(conn[i], PQexec(conn[i], "SET plan_cache_mode = force_generic_plan"));
		must(conn[i], PQprepare(conn[i], "s", argv[4], 0, NULL));
		fd[i] = (struct pollfd){ PQsocket(conn[i]), POLLIN, 0 };
		begin(conn[i]);
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
			done++;
			begin(conn[i]);
		}
	}
	printf("%.1f %d\n", (double)done / ((double)(clock_mono_us() - from) / US_PER_S), n_rows);
	return 0;
}
