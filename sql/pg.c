/* SPDX-License-Identifier: Apache-2.0 */
#include "sql/pg.h"

#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "sql/pg_kept.h"
#include "sql/pg_wire.h"

static const char *const statement_name[PG_N_STATEMENTS] = {
#define S(name, sql) #name,
#include "sql/statement.def"
#undef S
};
static const char *const statement_sql[PG_N_STATEMENTS] = {
#define S(name, sql) sql,
#include "sql/statement.def"
#undef S
};

/* What every session starts with.  Nothing unqualified is used, so nobody can slip in a table or a function of the same name. */
static const char session_sql[] =
	"SET search_path = pg_catalog; SET timezone = 'UTC'; SET client_min_messages = warning; SET statement_timeout = '60s';"
	"SET lock_timeout = '10s'; SET idle_in_transaction_session_timeout = '60s'; SET plan_cache_mode = force_generic_plan";

/* Behind a pooler that lends the session for one transaction, settings are made in every transaction, and end with it. */
static const char *const local_setting[][2] = {
	{ "search_path", "pg_catalog" }, { "timezone", "UTC" }, { "client_min_messages", "warning" }, { "statement_timeout", "60s" },
	{ "lock_timeout", "10s" }, { "idle_in_transaction_session_timeout", "60s" },
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

enum txn { TXN_NONE, TXN_READ_DUE, TXN_WRITE_DUE, TXN_OPEN };

struct pg {
	PGconn *c;
	char *conninfo;
	enum txn txn;
	bool told;		/* the last error came from the server, so it knows that nothing was committed */
	bool failed;		/* something in this transaction did: it can only end by a rollback */
	bool writes;		/* the transaction is one that may */
	bool demoted;		/* it has refused to write: not the primary any more */
	bool cancelled;		/* what runs, for nobody waits for it */
	bool (*gone)(void *ctx);	/* pg_wait_for */
	void *gone_ctx;
	bool prepared[PG_N_STATEMENTS];
	struct buf local;	/* behind a pooler: the statement that makes the settings of a transaction */
	struct buf session;	/* what a session starts with, here as after it was lost */
	struct pg_kept kept;
};

/* -- errors ----------------------------------------------------------------------------------------------------------------- */
#define READ_ONLY "25006"		/* of a transaction that wants to write: the server is a stand-by */

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
	{ READ_ONLY, ERR_UNAVAILABLE, false },
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

/* The connection is no good any more, or nobody knows how much of a request the server has taken: it counts as lost. */
static void drop(struct pg *c)
{
	PQfinish(c->c);
	c->c = NULL;
	memset(c->prepared, 0, sizeof c->prepared);
	pg_kept_lost(&c->kept);
}

/* The one place where PostgreSQL's errors become ours.  What has no SQLSTATE does not come from the server but from libpq, which could not talk to
 * it; it may still call the connection a good one then (it does when it could not send, and had something to read). */
static enum err translate(struct pg *c, const PGresult *r, const char *what)
{
	const char *state = r ? PQresultErrorField(r, PG_DIAG_SQLSTATE) : NULL;
	const char *text = r ? PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY) : NULL;
	if (!text)
		text = PQerrorMessage(c->c);
	if (!state || !*state) {
		log_warn("sql", "%s: %.300s", what, text);
		if (PQresultStatus(r) == PGRES_TUPLES_OK || PQresultStatus(r) == PGRES_COMMAND_OK)
			return ERR_INTERNAL;	/* no error, but not what the statement should have been */
		drop(c);
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

static enum err connect_now(struct pg *c, struct diag *d)
{
	/* what stands before dbname can be overridden by the connection string, what stands behind cannot */
	static const char *const key[] = { "connect_timeout", "tcp_user_timeout", "fallback_application_name", "dbname", "client_encoding", NULL };
	const char *const value[] = { "5", "15000", "twinshell", c->conninfo, "UTF8", NULL };
	drop(c);
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
		drop(c);	/* half of the settings would be worse than no connection */
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
		e = connect_now(c, d);
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

/* -- statements ---------------------------------------------------------------------------------------------------------------- */
static const char *const begin_sql[] = {
	[TXN_READ_DUE] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
	[TXN_WRITE_DUE] = "BEGIN ISOLATION LEVEL READ COMMITTED",
};

static bool send_one(struct pg *c, struct pg_call *call, const struct pg_kept_place *kept)
{
	static const int binary[PG_ARGS_MAX] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 };
	const char *value[PG_ARGS_MAX];
	int length[PG_ARGS_MAX], n = call->args ? call->args->n : 0;
	for (int i = 0; i < n; i++)
		pg_wire_arg(call->args, i, &value[i], &length[i]);
	if (kept)
		return PQsendQueryPrepared(c->c, kept->name, n, value, length, binary, 1) == 1;
	if (call->sql || c->local.n)
		return PQsendQueryParams(c->c, call->sql ? call->sql : statement_sql[call->st], n, NULL, value, length, binary, 1) == 1;
	return PQsendQueryPrepared(c->c, statement_name[call->st], n, value, length, binary, 1) == 1;
}

static const char *call_name(const struct pg_call *call)
{
	return call->sql ? "query" : statement_name[call->st];
}

void pg_wait_for(struct pg *c, bool (*gone)(void *), void *ctx)
{
	c->gone = gone;
	c->gone_ctx = ctx;
}

static void cancel(struct pg *c)
{
	char why[256];
	PGcancel *request = PQgetCancel(c->c);
	c->cancelled = true;
	if (!request || !PQcancel(request, why, sizeof why))
		log_warn("sql", "a statement that nobody waits for goes on: %s", request ? why : "out of memory");
	PQfreeCancel(request);
}

/* Until there is a result; what libpq would do, but with a look at who wants it. */
static void await(struct pg *c)
{
	while (c->gone && PQisBusy(c->c)) {
		struct pollfd p = { PQsocket(c->c), POLLIN, 0 };
		int n = poll(&p, 1, PG_LOOK_MS);
		if ((n > 0 && !PQconsumeInput(c->c)) || (n < 0 && errno != EINTR))
			return;
		if (!n && !c->cancelled && c->gone(c->gone_ctx))
			cancel(c);
	}
}

/* The result of the next thing that was sent; its terminating NULL is consumed as well. */
static PGresult *next(struct pg *c)
{
	await(c);
	PGresult *r = PQgetResult(c->c), *more;
	if (!r)
		return NULL;
	if (PQresultStatus(r) != PGRES_PIPELINE_SYNC)
		while ((more = PQgetResult(c->c)))
			PQclear(more);
	return r;
}

/* Takes the result of one step; keeps the first error. */
static bool take(struct pg *c, const char *what, enum err *e, PGresult **keep)
{
	PGresult *r = *e && !pg_alive(c) ? NULL : next(c);
	ExecStatusType s = PQresultStatus(r);
	bool ok = r && (s == PGRES_COMMAND_OK || s == PGRES_TUPLES_OK);
	if (!ok && !*e) {
		const char *state = r ? PQresultErrorField(r, PG_DIAG_SQLSTATE) : NULL;
		*e = c->cancelled && state ? ERR_UNAVAILABLE : translate(c, r, what);
		c->told = state != NULL;
		c->demoted = c->writes && state && !strcmp(state, READ_ONLY);
		if (c->demoted)
			*e = ERR_AGAIN;
	}
	if (ok && keep)
		*keep = r;
	else
		PQclear(r);
	return ok;
}

/* What stands around the calls in one round trip. */
struct around {
	bool begin, commit;
	uint64_t preparing;		/* by number of the call */
	struct pg_kept_place *kept;	/* of the one call whose statement is kept; NULL: none */
	unsigned kept_at;
	bool dropping;			/* what had its name */
};

/* The statement of this call is prepared now, in the place of another one that was used longest ago. */
static bool send_kept(struct pg *c, struct around *a, unsigned i, const char *sql)
{
	if (!(a->kept = pg_kept_find(&c->kept, sql)))
		return true;
	a->kept_at = i;
	if (a->kept->good)
		return true;
	a->preparing |= UINT64_C(1) << i;
	a->dropping = a->kept->there;
	if (a->dropping && PQsendQueryParams(c->c, a->kept->drop, 0, NULL, NULL, NULL, NULL, 1) != 1)
		return false;
	return PQsendPrepare(c->c, a->kept->name, sql, 0, NULL) == 1;
}

static void take_kept(struct pg *c, const struct around *a, enum err *e)
{
	if (a->dropping && take(c, a->kept->drop, e, NULL))
		a->kept->there = false;
	if (take(c, "query", e, NULL))
		a->kept->there = a->kept->good = true;
}

static bool is_kept(const struct around *a, unsigned i)
{
	return a->kept && a->kept_at == i;
}

/* Results come in the order of sending: BEGIN, then for every call its preparation, if it was due, and itself, then COMMIT. */
static enum err receive(struct pg *c, struct around a, struct pg_call *call, unsigned n)
{
	enum err e = ERR_OK;
	bool committed;
	if (a.begin && take(c, "BEGIN", &e, NULL))
		c->txn = TXN_OPEN;
	if (a.begin && c->local.n)
		take(c, "settings", &e, NULL);
	for (unsigned i = 0; i < n; i++) {
		const char *name = call_name(&call[i]);
		if (a.preparing >> i & 1 && is_kept(&a, i))
			take_kept(c, &a, &e);
		else if (a.preparing >> i & 1)
			c->prepared[call[i].st] = take(c, name, &e, NULL);
		if (take(c, name, &e, &call[i].res))
			call[i].n = PQntuples(call[i].res);
	}
	committed = a.commit && take(c, "COMMIT", &e, NULL);
	if (pg_alive(c)) {
		PQclear(next(c));
		if (pg_alive(c) && !PQexitPipelineMode(c->c)) {
			log_warn("sql", "the pipeline does not end: %.300s", PQerrorMessage(c->c));
			drop(c);
			e = e || committed ? e : ERR_AGAIN;
		}
	}
	return e;
}

static bool due(const struct pg *c)
{
	return c->txn == TXN_READ_DUE || c->txn == TXN_WRITE_DUE;
}

static enum err run(struct pg *c, struct pg_call *call, unsigned n, bool commit)
{
	bool alone = commit && n == 1 && c->txn == TXN_READ_DUE && !c->local.n;		/* a statement is a transaction of its own */
	struct around a = { .begin = due(c) && !alone, .commit = commit && !alone };
	bool due[PG_N_STATEMENTS] = { false };
	bool sent = PQenterPipelineMode(c->c) == 1;
	c->told = false;
	if (a.begin)
		sent = sent && PQsendQueryParams(c->c, begin_sql[c->txn], 0, NULL, NULL, NULL, NULL, 1);
	if (a.begin && c->local.n)
		sent = sent && PQsendQueryParams(c->c, c->local.p, 0, NULL, NULL, NULL, NULL, 1);
	for (unsigned i = 0; i < n && sent; i++) {
		enum pg_statement st = call[i].st;
		if (!call[i].sql && !c->local.n && !c->prepared[st] && !due[st]) {
			a.preparing |= UINT64_C(1) << i;
			due[st] = true;
			sent = PQsendPrepare(c->c, statement_name[st], statement_sql[st], 0, NULL) == 1;
		} else if (call[i].sql && call[i].keep && !c->local.n && !a.kept) {
			sent = send_kept(c, &a, i, call[i].sql);
		}
		sent = sent && send_one(c, &call[i], is_kept(&a, i) ? a.kept : NULL);
	}
	if (a.commit)
		sent = sent && PQsendQueryParams(c->c, "COMMIT", 0, NULL, NULL, NULL, NULL, 1);
	if (sent && PQpipelineSync(c->c)) {
		enum err e = receive(c, a, call, n);
		if (c->demoted || c->cancelled)
			drop(c);	/* the next connection finds the server that writes; and no cancellation meets what is next */
		e = c->cancelled && !e ? ERR_UNAVAILABLE : e;
		c->demoted = c->cancelled = false;
		return e;
	}
	translate(c, NULL, call_name(&call[0]));
	drop(c);
	return ERR_AGAIN;
}

/* When the connection was dead before a transaction has done anything with it, nothing is lost by beginning on a new one. */
static enum err begin_elsewhere(struct pg *c)
{
	enum txn was = c->txn;
	enum err e = connect_now(c, NULL);
	c->txn = was;
	return e;
}

static enum err run_anywhere(struct pg *c, struct pg_call *call, unsigned n, bool commit)
{
	enum txn was = c->txn;
	bool fresh = due(c);
	enum err e = pg_alive(c) ? run(c, call, n, commit) : ERR_AGAIN;
	if (!fresh || e != ERR_AGAIN || pg_alive(c))
		return e;
	pg_clear(call, n);
	c->txn = was;
	return (e = begin_elsewhere(c)) ? e : run(c, call, n, commit);
}

static enum err check_calls(struct pg_call *call, unsigned n)
{
	enum err e = n > PG_CALLS_MAX ? ERR_INTERNAL : ERR_OK;
	for (unsigned i = 0; i < n; i++) {
		call[i].res = NULL;
		call[i].n = 0;
		for (int k = 0; call[i].args && k < call[i].args->n_arrays; k++)
			call[i].args->failed |= call[i].args->array[k].failed;
		if (!e && call[i].args && call[i].args->failed)
			e = ERR_NO_MEMORY;
	}
	return e;
}

enum err pg_run(struct pg *c, struct pg_call *call, unsigned n)
{
	enum err e = check_calls(call, n);
	if (!e && n)
		e = c->failed ? ERR_AGAIN : run_anywhere(c, call, n, false);
	c->failed |= e && c->txn != TXN_NONE;
	return e;
}

void pg_clear(struct pg_call *call, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		PQclear(call[i].res);
		call[i].res = NULL;
		call[i].n = 0;
	}
}

/* -- transactions ---------------------------------------------------------------------------------------------------------------- */
enum err pg_begin(struct pg *c, enum pg_mode mode)
{
	if (!pg_alive(c)) {
		enum err e = connect_now(c, NULL);
		if (e)
			return e;
	}
	c->txn = mode == PG_READ ? TXN_READ_DUE : TXN_WRITE_DUE;
	c->writes = mode == PG_WRITE;
	c->failed = false;
	return ERR_OK;
}

/* The first result is the answer: what follows it (the server going down) changes nothing about that. */
static PGresult *first_result(struct pg *c, const char *sql)
{
	PGresult *first = PQsendQuery(c->c, sql) ? PQgetResult(c->c) : NULL, *more;
	while (first && (more = PQgetResult(c->c)))
		PQclear(more);
	return first;
}

static enum err commit_now(struct pg *c)
{
	/* Whoever was thrown out while he was thinking finds it here, before COMMIT is sent: then it has surely not happened. */
	if (!pg_alive(c) || !PQconsumeInput(c->c) || !pg_alive(c))
		return ERR_AGAIN;
	PGresult *r = first_result(c, "COMMIT");
	enum err e = ERR_OK;
	if (PQresultStatus(r) != PGRES_COMMAND_OK) {
		bool told = r && PQresultErrorField(r, PG_DIAG_SQLSTATE);
		e = translate(c, r, "COMMIT");
		if (!told && !pg_alive(c))
			e = ERR_UNAVAILABLE;	/* cut off in the middle: it may or may not have happened */
	} else if (!strcmp(PQcmdStatus(r), "ROLLBACK")) {
		e = ERR_AGAIN;			/* a statement had failed before */
	}
	PQclear(r);
	return e;
}

enum err pg_commit(struct pg *c)
{
	enum txn was = c->txn;
	if (c->failed) {
		pg_rollback(c);
		return ERR_AGAIN;
	}
	c->txn = TXN_NONE;
	return was == TXN_OPEN ? commit_now(c) : ERR_OK;
}

void pg_rollback(struct pg *c)
{
	if (c->txn == TXN_OPEN && pg_alive(c))
		PQclear(PQexec(c->c, "ROLLBACK"));
	c->txn = TXN_NONE;
	c->failed = false;
}

/* A whole transaction that only reads: whether it was committed need not be known, so it may be done again. */
static enum err run_reading(struct pg *c, struct pg_call *call, unsigned n)
{
	enum err e = check_calls(call, n);
	if (!e)
		e = run_anywhere(c, call, n, true);
	if (!e)
		c->txn = TXN_NONE;
	c->failed |= e && c->txn != TXN_NONE;
	return e;
}

enum err pg_run_commit(struct pg *c, struct pg_call *call, unsigned n)
{
	if (c->txn == TXN_READ_DUE && !c->failed && n)
		return run_reading(c, call, n);
	if (c->failed || c->txn != TXN_OPEN || !pg_alive(c)) {
		enum err e = pg_run(c, call, n);
		return e ? e : pg_commit(c);
	}
	enum err e = check_calls(call, n);
	if (!e && (!PQconsumeInput(c->c) || !pg_alive(c))) {
		e = ERR_AGAIN;		/* as in commit_now */
	} else if (!e) {
		e = run(c, call, n, true);
		if (!e)
			c->txn = TXN_NONE;
		else if (!c->told && !pg_alive(c))
			e = ERR_UNAVAILABLE;	/* everything was on its way: it may or may not have happened */
	}
	c->failed |= e != ERR_OK;
	return e;
}

enum err pg_once(struct pg *c, struct pg_call *call)
{
	enum err e = pg_begin(c, PG_WRITE);
	e = e ? e : pg_run_commit(c, call, 1);
	pg_rollback(c);
	return e;
}

/* -- COPY, scripts ---------------------------------------------------------------------------------------------------------------- */
static enum err command(struct pg *c, const char *sql, ExecStatusType want)
{
	PGresult *r = PQexec(c->c, sql);
	enum err e = PQresultStatus(r) == want ? ERR_OK : translate(c, r, sql);
	PQclear(r);
	return e;
}

static enum err begin_now(struct pg *c)
{
	enum err e = pg_alive(c) ? command(c, begin_sql[c->txn], PGRES_COMMAND_OK) : ERR_AGAIN;
	if (e == ERR_AGAIN && !pg_alive(c) && !(e = begin_elsewhere(c)))
		e = command(c, begin_sql[c->txn], PGRES_COMMAND_OK);
	if (!e)
		c->txn = TXN_OPEN;
	return e || !c->local.n ? e : command(c, c->local.p, PGRES_TUPLES_OK);
}

static enum err copy_now(struct pg *c, const char *copy, struct slice rows)
{
	static const char header[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", trailer[] = "\377\377";
	enum err e = due(c) ? begin_now(c) : pg_alive(c) ? ERR_OK : ERR_AGAIN;
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
		e = translate(c, first, "COPY");
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
		e = translate(c, r, "script");
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
		e = translate(c, r, "query");
		diag_add(d, e, "%.400s", PQresultErrorMessage(r));
	} else if (answer && PQntuples(r) > 0 && PQnfields(r) > 0 && !PQgetisnull(r, 0, 0)) {
		if (!(*answer = arena_strdup(a, PQgetvalue(r, 0, 0))))
			e = ERR_NO_MEMORY;
	}
	PQclear(r);
	return e;
}

enum err pg_prepare_all(struct pg *c, struct diag *d)
{
	enum err e = ERR_OK;
	for (int i = 0; i < PG_N_STATEMENTS; i++) {
		if (c->prepared[i])
			continue;
		const char *name = pg_pooled() ? "" : statement_name[i];
		PGresult *r = PQprepare(c->c, name, statement_sql[i], 0, NULL);
		c->prepared[i] = PQresultStatus(r) == PGRES_COMMAND_OK;
		if (!c->prepared[i])
			e = diag_add(d, ERR_INTERNAL, "%s: %.400s", statement_name[i], PQresultErrorMessage(r));
		PQclear(r);
	}
	return e;
}
