/* SPDX-License-Identifier: Apache-2.0
 * rate.h - what the benchmarks of files share: rates, medians of interleaved rounds, and one row of one table.
 *
 * A row: what | of what | MB/s | baseline | its MB/s | the median of the rounds' ratios | the goal and whether it is met.
 */
#ifndef BENCH_RATE_H
#define BENCH_RATE_H

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

#define ROUNDS 7		/* interleaved, so that a slow moment of the machine hits both */
#define ROUND_US 60000

/* Megabytes per second of `call`, over about ROUND_US. */
#define RATE(bytes, call) ({ \
	int64_t from_ = clock_mono_us(), us_; \
	size_t times_ = 0; \
	do { call; times_++; } while ((us_ = clock_mono_us() - from_) < ROUND_US); \
	(double)(bytes) * (double)times_ / (double)us_; })

struct rates {
	double ours[ROUNDS], theirs[ROUNDS];
};

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double median(double *v)
{
	qsort(v, ROUNDS, sizeof *v, by_value);
	return v[ROUNDS / 2];
}

/* goal 0: none.  The name of a file without its folders. */
static void print_row(const char *what, const char *of, const char *baseline, struct rates *r, double goal)
{
	double ratio[ROUNDS];
	const char *slash = strrchr(of, '/');
	for (int i = 0; i < ROUNDS; i++)
		ratio[i] = r->ours[i] / r->theirs[i];
	double mid = median(ratio);
	printf("%-11s %-40s %7.0f MB/s   %-18s %7.0f MB/s   %6.2f", what, slash ? slash + 1 : of, median(r->ours), baseline, median(r->theirs), mid);
	if (goal > 0)
		printf("   >= %.1f %s", goal, mid >= goal ? "met" : "MISSED");
	putchar('\n');
	fflush(stdout);
}

#endif
