/* SPDX-License-Identifier: Apache-2.0
 * pg_wire.h - what pg.c, pg_run.c, pg_args.c, pg_result.c and pg_notify.c share: the binary formats, and the connection.
 */
#ifndef SQL_PG_WIRE_H
#define SQL_PG_WIRE_H

#include "sql/pg.h"

struct pg_conn;
/* libpq's connection (its PGconn), NULL when there is none. */
struct pg_conn *pg_wire_connection(const struct pg *);

/* Bytes of parameter i; completes the header of an array. */
void pg_wire_arg(struct pg_args *, int i, const char **value, int *length);
/* Microseconds since 1970 of a timestamptz. */
int64_t pg_wire_time(int64_t v);

#endif
