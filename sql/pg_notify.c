/* SPDX-License-Identifier: Apache-2.0
 * pg_notify.c - what other connections say with NOTIFY. */
#include <libpq-fe.h>

#include "sql/pg_wire.h"

int pg_socket(const struct pg *pg)
{
	return PQsocket(pg_wire_connection(pg));
}

bool pg_notices(struct pg *pg, void (*each)(void *ctx, int pid, const char *channel, const char *text), void *ctx)
{
	PGconn *c = pg_wire_connection(pg);
	bool ok = PQstatus(c) == CONNECTION_OK && PQconsumeInput(c);
	PGnotify *n;
	while ((n = PQnotifies(c))) {
		each(ctx, n->be_pid, n->relname, n->extra);
		PQfreemem(n);
	}
	return ok && PQstatus(c) == CONNECTION_OK;
}
