/* SPDX-License-Identifier: Apache-2.0
 * pg_wire.h - what pg.c and pg_args.c share: the binary formats.
 */
#ifndef SQL_PG_WIRE_H
#define SQL_PG_WIRE_H

#include "sql/pg.h"

/* Bytes of parameter i; completes the header of an array. */
void pg_wire_arg(struct pg_args *, int i, const char **value, int *length);
/* Microseconds since 1970 of a timestamptz. */
int64_t pg_wire_time(int64_t v);

#endif
