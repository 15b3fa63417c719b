/* SPDX-License-Identifier: Apache-2.0
 * pg_result.c - rows and columns of results, which are always binary. */
#include <libpq-fe.h>

#include "base/clock.h"
#include "sql/pg_wire.h"

bool pg_null(const struct pg_call *k, int row, int col)
{
	return PQgetisnull(k->res, row, col) == 1;
}

static uint64_t big_endian(const struct pg_call *k, int row, int col)
{
	const unsigned char *p = (const unsigned char *)PQgetvalue(k->res, row, col);
	uint64_t v = 0;
	for (int i = 0, n = PQgetlength(k->res, row, col); i < n && i < 8; i++)
		v = v << 8 | p[i];
	return v;
}

int64_t pg_int8(const struct pg_call *k, int row, int col)
{
	return (int64_t)big_endian(k, row, col);
}

int32_t pg_int4(const struct pg_call *k, int row, int col)
{
	return (int32_t)big_endian(k, row, col);
}

int16_t pg_int2(const struct pg_call *k, int row, int col)
{
	return (int16_t)big_endian(k, row, col);
}

bool pg_bool(const struct pg_call *k, int row, int col)
{
	return big_endian(k, row, col) != 0;
}

double pg_float8(const struct pg_call *k, int row, int col)
{
	uint64_t bits = big_endian(k, row, col);
	double v;
	memcpy(&v, &bits, sizeof v);
	return v;
}

int64_t pg_time(const struct pg_call *k, int row, int col)
{
	return pg_null(k, row, col) ? TIME_NONE : pg_wire_time(pg_int8(k, row, col));
}

struct slice pg_slice(const struct pg_call *k, int row, int col)
{
	if (pg_null(k, row, col))
		return (struct slice){ NULL, 0 };
	return (struct slice){ PQgetvalue(k->res, row, col), (size_t)PQgetlength(k->res, row, col) };
}

const char *pg_str(const struct pg_call *k, int row, int col)
{
	return pg_slice(k, row, col).p;
}
