/* SPDX-License-Identifier: Apache-2.0 - the suite on PostgreSQL, each part in a database of its own; and what only SQL can show. */
#include "sql/pg.h"
#include "sql/store_pg.h"
#include "tests/store/suite.h"
#include "tests/database.h"

static struct database migrated, db;	/* what the others are copies of; the one of now */

static struct store *open_store(void)
{
	struct diag d = DIAG_INIT;
	struct store *s = store_pg_open(db.conninfo, 8, &d);
	char why[600];
	if (!s)
		printf("# %s\n", diag_first(&d, why, sizeof why));
	diag_fini(&d);
	return s;
}

static void forget(void)
{
	database_admin("DROP DATABASE IF EXISTS %s WITH (FORCE)", db.name);
}

static struct store *fresh(void)
{
	static int n;
	char name[20];
	if (n)
		forget();
	snprintf(name, sizeof name, "store%d", ++n);
	database_copy(&db, name, &migrated);
	return open_store();
}

static const char *ask(struct arena *a, const char *sql)
{
	struct pg *c;
	struct diag d = DIAG_INIT;
	const char *answer = NULL;
	char why[600];
	if (pg_open(db.conninfo, &c, &d) || pg_ask(c, a, sql, NULL, 0, &answer, &d))
		answer = arena_strdup(a, diag_first(&d, why, sizeof why));
	pg_close(c);
	diag_fini(&d);
	return answer;
}

static void commands(struct arena *a)
{
	struct store *s = fresh();
	struct store_command c = { "0190-1", "urn:c", "Op", "cmd/a'b", "{\"a\":\"\\\\\"}", "sent", "", "act", INT64_C(1700000000000000), INT64_MIN };
	static const char all[] = "SELECT string_agg(concat_ws('|', command_id, submodel_id, path, topic, payload, state, reason, mode, requested_at,"
				  " coalesce(duration_s::text, '-')), ';' ORDER BY command_id) FROM report.command";
	check_str(say(s->ops->command(s, &c)), "OK", "a command is written");
	check_str(ask(a, all), "0190-1|urn:c|Op|cmd/a'b|{\"a\":\"\\\\\"}|sent||act|2023-11-14 22:13:20+00|-", "as it was sent");
	c.state = "rejected";
	c.reason = "valve's stuck";
	c.answered_us = c.requested_us + 1500000;
	check_str(say(s->ops->command(s, &c)), "OK", "its answer is written");
	check_str(ask(a, all), "0190-1|urn:c|Op|cmd/a'b|{\"a\":\"\\\\\"}|rejected|valve's stuck|act|2023-11-14 22:13:20+00|1.5", "into the same row");
	s->ops->close(s);
}

/* A killed server loses nothing that was committed before it flushed, and the store goes on with the next one. */
static void restarts(struct arena *a)
{
	struct store *s = st = fresh();
	ar = a;
	check_str(say(put_once(STORE_CONCEPT, plain(STORE_CONCEPT, "urn:before"), STORE_CREATE, 0, NULL)), "OK", "written before the server ends");
	struct store_txn *t = start(true);
	check_str(say(put(t, STORE_CONCEPT, plain(STORE_CONCEPT, "urn:during"), STORE_CREATE, 0, NULL)), "OK", "a transaction is open");
	cluster_restart("INT");
	enum err e = st->ops->commit(t);
	check(e == ERR_AGAIN, "it was not committed, and says so: %s", say(e));
	check(store_pg_ready(s), "the store finds the new server");
	check_str(current(STORE_CONCEPT, "urn:during"), "NOT_FOUND", "nothing of it is there");
	check(version_of(STORE_CONCEPT, "urn:before") > 0, "what was committed is");
	t = start(false);
	get(t, STORE_CONCEPT, "urn:before");
	cluster_restart("INT");
	check_str(get(t, STORE_CONCEPT, "urn:before"), "AGAIN", "a reader whose server is gone starts over");
	st->ops->abort(t);
	check_str(say(put_once(STORE_CONCEPT, plain(STORE_CONCEPT, "urn:after"), STORE_CREATE, 0, NULL)), "OK", "a new transaction makes its connection itself");
	s->ops->close(s);
}

int main(void)
{
	struct arena *a;
	if (!database_cluster())
		return skip_all(DATABASE_SKIP);
	database_make(&migrated, "store", "ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'");
	db = migrated;
	struct store *s = open_store();
	if (!check(s != NULL, "an empty database becomes a store"))
		return done();
	s->ops->close(s);
	suite_settle = store_pg_settle;
	suite_run(fresh);
	a = arena_new(0);
	commands(a);
	if (cluster_is_private())
		restarts(a);
	forget();
	database_drop(&migrated);
	arena_free(a);
	return done();
}
