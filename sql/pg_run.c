/* SPDX-License-Identifier: Apache-2.0
 * pg_run.c - statements, prepared when they are first needed and sent together in one round trip, and the transactions around them. */
#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>

#include "base/log.h"
#include "sql/pg_priv.h"
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

/* -- statements ---------------------------------------------------------------------------------------------------------------- */
#define PG_BEGIN_READ "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
#define PG_BEGIN_WRITE "BEGIN ISOLATION LEVEL READ COMMITTED"
const char *const pg_begin_sql[] = {
	[TXN_READ_DUE] = PG_BEGIN_READ, [TXN_WRITE_DUE] = PG_BEGIN_WRITE,
};

/* What begins and what ends a transaction is prepared, too. */
static const struct {
	const char *name, *sql;
} word[N_TXNS] = {
	[TXN_READ_DUE] = { "transaction read", PG_BEGIN_READ }, [TXN_WRITE_DUE] = { "transaction write", PG_BEGIN_WRITE },
	[TXN_OPEN] = { "transaction commit", "COMMIT" },
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
		*e = c->cancelled && state ? ERR_UNAVAILABLE : pg_translate(c, r, what);
		c->told = state != NULL;
		c->demoted = c->writes && state && !strcmp(state, PG_READ_ONLY);
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
	unsigned words;			/* that are prepared now, by enum txn */
	uint64_t preparing;		/* by number of the call */
	struct pg_kept_place *kept;	/* of the calls whose statement is kept: one for all of them; NULL: none */
	bool dropping;			/* what had its name */
};

/* The statement of this call is prepared now, in the place of another one that was used longest ago. */
static bool send_kept(struct pg *c, struct around *a, unsigned i, const char *sql)
{
	if (!(a->kept = pg_kept_find(&c->kept, sql)) || a->kept->good)
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

static bool send_word(struct pg *c, struct around *a, enum txn w)
{
	if (c->local.n)
		return PQsendQueryParams(c->c, word[w].sql, 0, NULL, NULL, NULL, NULL, 1) == 1;
	a->words |= c->word[w] ? 0 : 1u << w;
	return (c->word[w] || PQsendPrepare(c->c, word[w].name, word[w].sql, 0, NULL) == 1) &&
	       PQsendQueryPrepared(c->c, word[w].name, 0, NULL, NULL, NULL, 1) == 1;
}

static bool take_word(struct pg *c, const struct around *a, enum txn w, enum err *e)
{
	if (a->words >> w & 1)
		c->word[w] = take(c, word[w].sql, e, NULL);
	return take(c, word[w].sql, e, NULL);
}

static bool is_kept(const struct around *a, const struct pg_call *call)
{
	return a->kept && call->sql && call->keep && !strcmp(call->sql, a->kept->sql);
}

/* Results come in the order of sending: BEGIN, then for every call its preparation, if it was due, and itself, then COMMIT. */
static enum err receive(struct pg *c, struct around a, struct pg_call *call, unsigned n)
{
	enum err e = ERR_OK;
	bool committed;
	if (a.begin && take_word(c, &a, c->txn, &e))
		c->txn = TXN_OPEN;
	if (a.begin && c->local.n)
		take(c, "settings", &e, NULL);
	for (unsigned i = 0; i < n; i++) {
		const char *name = call_name(&call[i]);
		if (a.preparing >> i & 1 && is_kept(&a, &call[i]))
			take_kept(c, &a, &e);
		else if (a.preparing >> i & 1)
			c->prepared[call[i].st] = take(c, name, &e, NULL);
		if (take(c, name, &e, &call[i].res))
			call[i].n = PQntuples(call[i].res);
	}
	committed = a.commit && take_word(c, &a, TXN_OPEN, &e);
	if (pg_alive(c)) {
		PQclear(next(c));
		if (pg_alive(c) && !PQexitPipelineMode(c->c)) {
			log_warn("sql", "the pipeline does not end: %.300s", PQerrorMessage(c->c));
			pg_drop(c);
			e = e || committed ? e : ERR_AGAIN;
		}
	}
	return e;
}

static enum err run(struct pg *c, struct pg_call *call, unsigned n, bool commit)
{
	bool alone = commit && n == 1 && c->txn == TXN_READ_DUE && !c->local.n;		/* a statement is a transaction of its own */
	struct around a = { .begin = pg_due(c) && !alone, .commit = commit && !alone };
	bool due[PG_N_STATEMENTS] = { false };
	bool sent = PQenterPipelineMode(c->c) == 1;
	c->told = false;
	if (a.begin)
		sent = sent && send_word(c, &a, c->txn);
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
		sent = sent && send_one(c, &call[i], is_kept(&a, &call[i]) ? a.kept : NULL);
	}
	if (a.commit)
		sent = sent && send_word(c, &a, TXN_OPEN);
	if (sent && PQpipelineSync(c->c)) {
		enum err e = receive(c, a, call, n);
		if (c->demoted || c->cancelled)
			pg_drop(c);	/* the next connection finds the server that writes; and no cancellation meets what is next */
		e = c->cancelled && !e ? ERR_UNAVAILABLE : e;
		c->demoted = c->cancelled = false;
		return e;
	}
	pg_translate(c, NULL, call_name(&call[0]));
	pg_drop(c);
	return ERR_AGAIN;
}

enum err pg_begin_elsewhere(struct pg *c)
{
	enum txn was = c->txn;
	enum err e = pg_connect_now(c, NULL);
	c->txn = was;
	return e;
}

static enum err run_anywhere(struct pg *c, struct pg_call *call, unsigned n, bool commit)
{
	enum txn was = c->txn;
	bool fresh = pg_due(c);
	enum err e = pg_alive(c) ? run(c, call, n, commit) : ERR_AGAIN;
	if (!fresh || e != ERR_AGAIN || pg_alive(c))
		return e;
	pg_clear(call, n);
	c->txn = was;
	return (e = pg_begin_elsewhere(c)) ? e : run(c, call, n, commit);
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
		enum err e = pg_connect_now(c, NULL);
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
		e = pg_translate(c, r, "COMMIT");
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

enum err pg_run_alone(struct pg *c, struct pg_call *call)
{
	enum err e = check_calls(call, 1);
	if (e || c->txn != TXN_NONE)
		return e ? e : ERR_INTERNAL;
	e = pg_alive(c) ? run(c, call, 1, false) : ERR_AGAIN;
	return e || pg_alive(c) ? e : ERR_UNAVAILABLE;		/* its commit comes after its answer */
}

enum err pg_do(struct pg *c, enum pg_statement st, struct pg_args *args)
{
	struct pg_call call = { .st = st, .args = args };
	enum err e = pg_run(c, &call, 1);
	pg_clear(&call, 1);
	pg_args_fini(args);
	return e;
}

enum err pg_once(struct pg *c, struct pg_call *call)
{
	enum err e = pg_begin(c, PG_WRITE);
	e = e ? e : pg_run_commit(c, call, 1);
	pg_rollback(c);
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
