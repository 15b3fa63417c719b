/* SPDX-License-Identifier: Apache-2.0 - care.c - which tables are analysed by the server, and that it happens once. */
#include "sql/migrate.h"
#include "sql/store_pg_priv.h"
#include "tests/database.h"

static struct arena *arena;
static struct database db;
static struct pg *pg;

static const char *ask(const char *sql)
{
	return database_ask(pg, arena, sql);
}

/* What this session has done counts at once, and autovacuum does not come first. */
static void counted(const char *sql)
{
	check_int(pg_script(pg, sql, NULL), ERR_OK, "%s", sql);
	ask("SELECT pg_stat_force_next_flush()::text");
	ask("SELECT pg_stat_clear_snapshot()::text");
}

#define OFF "ALTER TABLE twinshell.term SET (autovacuum_enabled = off); ALTER TABLE twinshell.series SET (autovacuum_enabled = off);" \
	    " ALTER TABLE twinshell.history_default SET (autovacuum_enabled = off)"
#define TERMS(n) "INSERT INTO twinshell.term (key, text) SELECT i, 'urn:' || i FROM generate_series(1, " n ") i ON CONFLICT DO NOTHING"
#define ANALYSED(name) "SELECT count(*) FROM pg_stat_user_tables WHERE schemaname = 'twinshell' AND relname = '" name "' AND last_analyze IS NOT NULL"

static void grown(void)
{
	counted(OFF);
	check_str(ask("SELECT twinshell.care()"), NULL, "an empty store needs nothing");
	counted(TERMS("4000"));
	check_str(ask("SELECT twinshell.care()"), NULL, "a few thousand rows are left to autovacuum");
	counted(TERMS("6000"));
	check_str(ask("SELECT twinshell.care()"), "twinshell.term", "a table that has grown in one go is analysed");
	ask("SELECT pg_stat_clear_snapshot()::text");
	check_str(ask("SELECT reltuples FROM pg_class WHERE oid = 'twinshell.term'::regclass"), "6000", "its size is known now");
	check_str(ask("SELECT twinshell.care()"), NULL, "once");
	counted("UPDATE twinshell.term SET text = text || 'x'");
	check_str(ask("SELECT twinshell.care()"), NULL, "and not again within a minute");
}

/* Autovacuum sees its parts only. */
static void divided(void)
{
	counted("INSERT INTO twinshell.operation_call (submodel, id, asynchronous, submodel_id, path, requested_at, state)"
		" SELECT 1, i, false, 'urn:a', 'Op', now(), 'Completed' FROM generate_series(1, 2000) i");
	check_str(ask(ANALYSED("operation_call")), "0", "nobody has analysed a table that is divided");
	check_int(store_pg_care(pg), ERR_OK, "tables are cared for");
	ask("SELECT pg_stat_clear_snapshot()::text");
	check_str(ask(ANALYSED("operation_call")), "1", "that one was");
	check_str(ask("SELECT twinshell.care()"), NULL, "nothing is left to do");
}

int main(void)
{
	struct diag d = DIAG_INIT;
	if (!database_cluster())
		return skip_all(DATABASE_SKIP);
	arena = arena_new(0);
	database_make(&db, "care", "ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'");
	if (check_int(pg_open(db.conninfo, &pg, &d), ERR_OK, "connect") && check_int(pg_migrate(pg, NULL, &d), ERR_OK, "the schema")) {
		grown();
		divided();
	}
	pg_close(pg);
	database_drop(&db);
	arena_free(arena);
	diag_fini(&d);
	return done();
}
