/* SPDX-License-Identifier: Apache-2.0
 * pg_copy.c - COPY, scripts and single questions: what goes to the server by itself, and not as a statement among others. */
#include <libpq-fe.h>

#include "sql/pg_priv.h"

static enum err command(struct pg *c, const char *sql, ExecStatusType want)
{
	PGresult *r = PQexec(c->c, sql);
	enum err e = PQresultStatus(r) == want ? ERR_OK : pg_translate(c, r, sql);
	PQclear(r);
	return e;
}

static enum err begin_now(struct pg *c)
{
	enum err e = pg_alive(c) ? command(c, pg_begin_sql[c->txn], PGRES_COMMAND_OK) : ERR_AGAIN;
	if (e == ERR_AGAIN && !pg_alive(c) && !(e = pg_begin_elsewhere(c)))
		e = command(c, pg_begin_sql[c->txn], PGRES_COMMAND_OK);
	if (!e)
		c->txn = TXN_OPEN;
	return e || !c->local.n ? e : command(c, c->local.p, PGRES_TUPLES_OK);
}

static enum err copy_now(struct pg *c, const char *copy, struct slice rows)
{
	static const char header[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", trailer[] = "\377\377";
	enum err e = pg_due(c) ? begin_now(c) : pg_alive(c) ? ERR_OK : ERR_AGAIN;
	if (e || (e = command(c, copy, PGRES_COPY_IN)))
		return e;
	bool ok = PQputCopyData(c->c, header, 19) == 1;
	for (size_t at = 0; ok && at < rows.n;) {
		size_t n = rows.n - at < 1 << 20 ? rows.n - at : 1 << 20;
		ok = PQputCopyData(c->c, rows.p + at, (int)n) == 1;
		at += n;
	}
	ok = ok && PQputCopyData(c->c, trailer, 2) == 1 && PQputCopyEnd(c->c, NULL) == 1;
	PGresult *r, *first = NULL;
	while ((r = PQgetResult(c->c))) {
		bool stuck = PQresultStatus(r) == PGRES_COPY_IN;	/* the data did not get through: libpq would say so for ever */
		if (first)
			PQclear(r);
		else
			first = r;
		if (stuck)
			break;
	}
	if (!ok || PQresultStatus(first) != PGRES_COMMAND_OK)
		e = pg_translate(c, first, "COPY");
	PQclear(first);
	return e;
}

enum err pg_copy(struct pg *c, const char *copy, struct slice rows)
{
	enum err e = c->failed ? ERR_AGAIN : copy_now(c, copy, rows);
	c->failed |= e && c->txn != TXN_NONE;
	return e;
}

enum err pg_script(struct pg *c, const char *sql, struct diag *d)
{
	if (!pg_alive(c))
		return diag_add(d, ERR_UNAVAILABLE, "the connection to the database is lost");
	PGresult *r = PQexec(c->c, sql);
	ExecStatusType s = PQresultStatus(r);
	enum err e = ERR_OK;
	if (s != PGRES_COMMAND_OK && s != PGRES_TUPLES_OK && s != PGRES_EMPTY_QUERY) {
		e = pg_translate(c, r, "script");
		diag_add(d, e, "%.400s", PQresultErrorMessage(r));
	}
	PQclear(r);
	return e;
}

enum err pg_ask(struct pg *c, struct arena *a, const char *sql, const char *const *param, int n_params, const char **answer, struct diag *d)
{
	if (answer)
		*answer = NULL;
	if (!pg_alive(c))
		return diag_add(d, ERR_UNAVAILABLE, "the connection to the database is lost");
	PGresult *r = PQexecParams(c->c, sql, n_params, NULL, param, NULL, NULL, 0);
	enum err e = ERR_OK;
	ExecStatusType s = PQresultStatus(r);
	if (s != PGRES_TUPLES_OK && s != PGRES_COMMAND_OK) {
		e = pg_translate(c, r, "query");
		diag_add(d, e, "%.400s", PQresultErrorMessage(r));
	} else if (answer && PQntuples(r) > 0 && PQnfields(r) > 0 && !PQgetisnull(r, 0, 0)) {
		if (!(*answer = arena_strdup(a, PQgetvalue(r, 0, 0))))
			e = ERR_NO_MEMORY;
	}
	PQclear(r);
	return e;
}
