/* SPDX-License-Identifier: Apache-2.0
 * pg.c - a session with PostgreSQL: its connection, its settings, its errors. */
#include <libpq-fe.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "sql/pg_priv.h"
#include "sql/pg_wire.h"

/* Whatever the database says: what is acknowledged is durable.  How far away it has to be is a matter of the database. */
#define DURABLE(local) "set_config('synchronous_commit', replace(current_setting('synchronous_commit'), 'off', 'on'), " local ")"

/* What every session starts with.  Nothing unqualified is used, so nobody can slip in a table or a function of the same name. */
static const char session_sql[] =
	"SET search_path = pg_catalog; SET timezone = 'UTC'; SET client_min_messages = warning; SET statement_timeout = '60s';"
	"SELECT " DURABLE("false") "; SET lock_timeout = '10s'; SET idle_in_transaction_session_timeout = '60s';"
	"SET plan_cache_mode = force_generic_plan;"
	"SET jit = off";	/* plans for any parameters seem to be expensive, and would be compiled each time: 65 ms for a batch of values of 2 */

/* Behind a pooler that lends the session for one transaction, settings are made in every transaction, and end with it. */
static const char *const local_setting[][2] = {
	{ "search_path", "pg_catalog" }, { "timezone", "UTC" }, { "client_min_messages", "warning" }, { "statement_timeout", "60s" },
	{ "lock_timeout", "10s" }, { "idle_in_transaction_session_timeout", "60s" }, { "jit", "off" },
};

#define LOCAL_MAX 4096

static atomic_bool pooled;

void pg_through_pooler(bool yes)
{
	atomic_store(&pooled, yes);
}

bool pg_pooled(void)
{
	return atomic_load(&pooled);
}

/* -- errors ----------------------------------------------------------------------------------------------------------------- */
static const struct {
	const char *state;		/* a SQLSTATE, or the beginning of some */
	enum err err;
	bool quiet;			/* part of normal work: not worth a line in the log */
} sqlstate[] = {
	{ "40", ERR_AGAIN, true },	/* serialisation failure, dead-lock */
	{ "55P03", ERR_AGAIN, true },	/* lock not available in time */
	{ "23505", ERR_CONFLICT, true },
	{ "TW001", ERR_BAD_REQUEST, true },	/* a function of our schema refuses, in words for people */
	{ "57P", ERR_AGAIN, false },	/* the server ends this connection */
	{ "25P03", ERR_AGAIN, false },	/* idle in transaction for too long */
	{ "08", ERR_AGAIN, false },
	{ "57014", ERR_UNAVAILABLE, false },	/* statement time-out */
	{ "53200", ERR_NO_MEMORY, false },
	{ "53", ERR_UNAVAILABLE, false },	/* disk full, too many connections */
	{ PG_READ_ONLY, ERR_UNAVAILABLE, false },
};

static void notice(void *ctx, const PGresult *r)
{
	(void)ctx;
	const char *severity = PQresultErrorField(r, PG_DIAG_SEVERITY_NONLOCALIZED), *text = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
	if (severity && !strcmp(severity, "WARNING"))
		log_warn("sql", "%s", text ? text : "");
	else
		log_debug("sql", "%s", text ? text : "");
}

/* -- connection -------------------------------------------------------------------------------------------------------------- */

void pg_drop(struct pg *c)
{
	PQfinish(c->c);
	c->c = NULL;
	memset(c->prepared, 0, sizeof c->prepared);
	memset(c->word, 0, sizeof c->word);
	pg_kept_lost(&c->kept);
}

/* What has no SQLSTATE does not come from the server but from libpq, which could not talk to it; it may still call the connection a good one then
 * (it does when it could not send, and had something to read). */
enum err pg_translate(struct pg *c, const PGresult *r, const char *what)
{
	const char *state = r ? PQresultErrorField(r, PG_DIAG_SQLSTATE) : NULL;
	const char *text = r ? PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY) : NULL;
	if (!text)
		text = PQerrorMessage(c->c);
	if (!state || !*state) {
		log_warn("sql", "%s: %.300s", what, text);
		if (PQresultStatus(r) == PGRES_TUPLES_OK || PQresultStatus(r) == PGRES_COMMAND_OK)
			return ERR_INTERNAL;	/* no error, but not what the statement should have been */
		pg_drop(c);
		return ERR_AGAIN;
	}
	for (size_t i = 0; i < sizeof sqlstate / sizeof *sqlstate; i++) {
		if (strncmp(state, sqlstate[i].state, strlen(sqlstate[i].state)) != 0)
			continue;
		if (!sqlstate[i].quiet)
			log_warn("sql", "%s: %s (%s)", what, text, state);
		return sqlstate[i].err;
	}
	log_error("sql", "%s: %s (%s)", what, text, state);
	return ERR_INTERNAL;
}

enum err pg_connect_now(struct pg *c, struct diag *d)
{
	/* what stands before dbname can be overridden by the connection string, what stands behind cannot */
	static const char *const key[] = { "connect_timeout", "tcp_user_timeout", "fallback_application_name", "dbname", "client_encoding", NULL };
	const char *const value[] = { "5", "15000", "twinshell", c->conninfo, "UTF8", NULL };
	pg_drop(c);
	c->txn = TXN_NONE;
	c->c = PQconnectdbParams(key, value, 1);
	if (!c->c)
		return ERR_NO_MEMORY;
	if (PQstatus(c->c) != CONNECTION_OK) {
		log_warn("sql", "cannot connect: %.300s", PQerrorMessage(c->c));
		return diag_add(d, ERR_UNAVAILABLE, "cannot connect to the database: %.300s", PQerrorMessage(c->c));
	}
	PQsetNoticeReceiver(c->c, notice, NULL);
	if (pg_pooled())
		return ERR_OK;
	PGresult *r = PQexec(c->c, c->session.p);
	enum err e = PQresultStatus(r) == PGRES_COMMAND_OK ? ERR_OK : ERR_UNAVAILABLE;
	if (e) {
		log_warn("sql", "cannot set up the session: %.300s", PQerrorMessage(c->c));
		diag_add(d, e, "cannot set up the database session: %.300s", PQerrorMessage(c->c));
	}
	PQclear(r);
	if (e)
		pg_drop(c);	/* half of the settings would be worse than no connection */
	return e;
}

static void local_add(struct pg *c, const char *name, const char *value)
{
	buf_printf(&c->local, "%sset_config('%s', '%s', true)", c->local.n ? ", " : "SELECT ", name, value);
}

static enum err local_begin(struct pg *c)
{
	for (size_t i = 0; i < sizeof local_setting / sizeof *local_setting; i++)
		local_add(c, local_setting[i][0], local_setting[i][1]);
	buf_puts(&c->local, ", " DURABLE("true"));
	return c->local.failed ? ERR_NO_MEMORY : ERR_OK;
}

enum err pg_set(struct pg *c, const char *name, const char *value)
{
	char sql[160];
	if (pg_pooled()) {
		local_add(c, name, value);
		return c->local.failed ? ERR_NO_MEMORY : ERR_OK;
	}
	snprintf(sql, sizeof sql, "; SET %s = '%s'", name, value);
	buf_puts(&c->session, sql);
	return c->session.failed ? ERR_NO_MEMORY : pg_script(c, sql + 2, NULL);
}

enum err pg_open_set(const char *conninfo, const struct pg_setting *setting, size_t n, struct pg **out)
{
	enum err e = pg_open(conninfo, out, NULL);
	for (size_t i = 0; !e && i < n; i++)
		e = pg_set(*out, setting[i].name, setting[i].value);
	if (e) {
		pg_close(*out);
		*out = NULL;
	}
	return e;
}

enum err pg_open(const char *conninfo, struct pg **out, struct diag *d)
{
	struct pg *c = calloc(1, sizeof *c);
	*out = NULL;
	if (!c || !(c->conninfo = strdup(conninfo))) {
		free(c);
		return ERR_NO_MEMORY;
	}
	buf_init(&c->local, LOCAL_MAX);
	buf_init(&c->session, LOCAL_MAX);
	buf_puts(&c->session, session_sql);
	enum err e = c->session.failed ? ERR_NO_MEMORY : pg_pooled() ? local_begin(c) : ERR_OK;
	if (!e)
		e = pg_connect_now(c, d);
	if (e)
		pg_close(c);
	else
		*out = c;
	return e;
}

void pg_close(struct pg *c)
{
	if (!c)
		return;
	PQfinish(c->c);
	buf_fini(&c->local);
	buf_fini(&c->session);
	pg_kept_fini(&c->kept);
	free(c->conninfo);
	free(c);
}

bool pg_alive(const struct pg *c)
{
	return PQstatus(c->c) == CONNECTION_OK;
}

struct pg_conn *pg_wire_connection(const struct pg *c)
{
	return c->c;
}

int pg_pid(const struct pg *c)
{
	return PQbackendPID(c->c);
}
