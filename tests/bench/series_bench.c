/* SPDX-License-Identifier: Apache-2.0
 * series_bench.c - the baseline of reading samples: the newest 10,000 points of one element on one bare connection.
 *
 *   series_bench CONNINFO fill SUBMODEL PATH              writes 20,000 samples and compacts them
 *   series_bench CONNINFO chunks|rows SUBMODEL PATH SECONDS     prints reads/s: of the chunks as they are, or of a row for each point
 */
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "sql/store_pg.h"

#define N 20000

static const char chunks_sql[] =
	"SELECT t0, unit, offsets, far, divisor, ints, nums, qualities, texts FROM twinshell.chunk WHERE series = $1 ORDER BY day DESC, t1 DESC LIMIT 17";
static const char rows_sql[] =
	"SELECT c.t0 + coalesce(u.o, u.f, u.i - 1) * c.unit * interval '1 us', coalesce(u.x / c.divisor, u.y), u.q FROM (SELECT * FROM twinshell.chunk"
	" WHERE series = $1 ORDER BY day DESC, t1 DESC LIMIT 17) c, unnest(c.offsets, c.far, c.ints, c.nums, c.qualities)"
	" WITH ORDINALITY AS u (o, f, x, y, q, i) LIMIT 10000";

static int fill(struct store *st, int64_t series)
{
	static struct store_sample s[N];
	unsigned seed = 1;
	double v = 50;
	int64_t from = clock_now_us() - (N + 60) * US_PER_S;
	for (int i = 0; i < N; i++) {
		seed = seed * 1103515245 + 12345;
		v += ((double)(seed >> 8 & 1023) - 511.5) / 3000;
		s[i] = (struct store_sample){ series, from + i * US_PER_S + (seed >> 12 & 31) * 1000, (double)(int)(v * 100) / 100, NULL, QUALITY_GOOD };
	}
	enum err e = st->ops->append(st, &(struct store_batch){ .sample = s, .n_samples = N });
	return e || store_pg_settle(st);
}

static double read_for(const char *conninfo, const char *sql, int64_t series, int64_t us)
{
	PGconn *c = PQconnectdb(conninfo);
	char id[24];
	const char *param[] = { id };
	snprintf(id, sizeof id, "%lld", (long long)series);
	PQclear(PQprepare(c, "q", sql, 0, NULL));
	int64_t from = clock_mono_us(), n = 0;
	for (; clock_mono_us() - from < us; n++) {
		PGresult *r = PQexecPrepared(c, "q", 1, param, NULL, NULL, 1);
		if (PQntuples(r) < 17) {
			fprintf(stderr, "series_bench: %d rows %s\n", PQntuples(r), PQerrorMessage(c));
			exit(1);
		}
		PQclear(r);
	}
	double rate = (double)n * 1e6 / (double)(clock_mono_us() - from);
	PQfinish(c);
	return rate;
}

int main(int argc, char **argv)
{
	size_t seconds = 0;
	int64_t series;
	struct store *st = argc >= 5 ? store_pg_open(argv[1], 2, NULL) : NULL;
	if (!st || st->ops->series(st, argv[3], argv[4], NULL, &series)) {
		fprintf(stderr, "usage: series_bench CONNINFO fill|chunks|rows SUBMODEL PATH [SECONDS]\n");
		return 2;
	}
	if (!strcmp(argv[2], "fill"))
		return fill(st, series);
	if (argc != 6 || !str_size(argv[5], strlen(argv[5]), &seconds) || seconds > 60)
		return 2;
	printf("%.1f\n", read_for(argv[1], !strcmp(argv[2], "rows") ? rows_sql : chunks_sql, series, (int64_t)seconds * US_PER_S));
	st->ops->close(st);
	return 0;
}
