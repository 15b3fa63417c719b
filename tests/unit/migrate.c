/* SPDX-License-Identifier: Apache-2.0 - migrations: from nothing, again, at once, refused ones, failing ones, and what they leave. */
#include "sql/migrate.h"

#include <pthread.h>

#include "tests/database.h"

#define UTF8 "ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"

static struct arena *arena;
static struct pg *pg;

static struct pg *connect_to(const struct database *db)
{
	struct pg *c = NULL;
	check_int(pg_open(db->conninfo, &c, NULL), ERR_OK, "connect to %s", db->name);
	return c;
}

static const char *ask(const char *sql)
{
	return database_ask(pg, arena, sql);
}

static enum err script(const char *sql)
{
	return pg_script(pg, sql, NULL);
}

/* pg_migrate_list with its first message. */
static enum err migrate(const struct pg_migration *list, unsigned n, unsigned *applied, const char **text)
{
	struct diag d = DIAG_INIT;
	enum err e = pg_migrate_list(pg, list, n, applied, &d);
	*text = arena_strdup(arena, d.n ? d.list[0].text : "");
	diag_fini(&d);
	return e;
}

static void from_nothing(void)
{
	unsigned applied = 99;
	struct diag d = DIAG_INIT;
	check(pg_n_migrations > 6, "migrations are compiled in");
	check_int(strlen(pg_migrations[0].sha256), 64, "a SHA-256 in hexadecimal");
	check_str(pg_migrations[1].name, "0002-series", "the name of a migration");
	check_int(pg_migrate(pg, &applied, &d), ERR_OK, "from nothing: %s", d.n ? d.list[0].text : "");
	check_int(applied, pg_n_migrations, "all were applied");
	const char *names = "";
	for (unsigned i = 0; i < pg_n_migrations; i++)
		names = arena_printf(arena, "%s%s%u %s", names, i ? ", " : "", i + 1, pg_migrations[i].name);
	check_str(ask("SELECT string_agg(version || ' ' || name, ', ' ORDER BY version) FROM twinshell.schema_migration"), names, "all are registered");
	check_str(ask("SELECT sha256 FROM twinshell.schema_migration WHERE version = 2"), pg_migrations[1].sha256, "with their SHA-256");
	check_int(pg_migrate(pg, &applied, &d), ERR_OK, "a second time");
	check_int(applied, 0, "nothing is left to apply");
	check_int(pg_prepare_all(pg, &d), ERR_OK, "every statement can be prepared: %s", d.n ? d.list[0].text : "");
	diag_fini(&d);
}

/* What was stored before contents had a table of their own. */
static void old_blobs(void)
{
	const char *text = "";
	unsigned applied, n = 0;
	while (n < pg_n_migrations && !strstr(pg_migrations[n].name, "-content"))
		n++;
	script("DROP SCHEMA IF EXISTS twinshell CASCADE; DROP SCHEMA IF EXISTS report CASCADE");
	check_int(migrate(pg_migrations, n, &applied, &text), ERR_OK, "the schema before contents");
	script("INSERT INTO twinshell.blob (key, name, size, sha256, bytes) SELECT twinshell.key_of(name), name, length(bytes), sha256(bytes), bytes FROM"
	       " (VALUES ('a', convert_to(repeat('0123456789', 70000), 'UTF8')), ('b', convert_to(repeat('0123456789', 70000), 'UTF8')), ('c', ''),"
	       " ('d', convert_to(repeat('x', 262144), 'UTF8'))) AS v (name, bytes)");
	check_int(migrate(pg_migrations, pg_n_migrations, &applied, &text), ERR_OK, "blobs are moved: %s", text);
	check_str(ask("SELECT string_agg(size || ' ' || refs, ', ' ORDER BY size) FROM twinshell.content"), "0 1, 262144 1, 700000 2", "the same bytes once");
	check_str(ask("SELECT string_agg(n || ' ' || ok, ', ' ORDER BY n) FROM (SELECT count(*) AS n, sha256(string_agg(bytes, '' ORDER BY part)) = hash AS ok"
		      " FROM twinshell.content_part GROUP BY hash) AS s"), "1 true, 3 true", "in parts that give the sum");
	check_str(ask("SELECT count(*) FROM twinshell.blob b JOIN twinshell.content c ON c.hash = b.hash"), "4", "each blob has its content");
}

static void refused(void)
{
	const char *text;
	unsigned applied;
	script("UPDATE twinshell.schema_migration SET sha256 = repeat('0', 64) WHERE version = 2");
	check_int(migrate(pg_migrations, pg_n_migrations, &applied, &text), ERR_PRECONDITION, "another text of a migration is refused");
	check(strstr(text, "0002-series"), "the message names it: %s", text);
	check_int(pg_migrate(pg, NULL, NULL), ERR_PRECONDITION, "without a diag as well");
	check_int(migrate(pg_migrations, 1, &applied, &text), ERR_PRECONDITION, "a schema of a newer program is refused");
	check(strstr(text, arena_printf(arena, "version %u", pg_n_migrations)) && strstr(text, "newer program"), "the message says so: %s", text);
	script("DELETE FROM twinshell.schema_migration WHERE version = 2");
	check_int(migrate(pg_migrations, pg_n_migrations, &applied, &text), ERR_PRECONDITION, "a gap is refused");
	check(strstr(text, "0003-report") && strstr(text, "0002-series"), "the message names both sides: %s", text);
	check_int(applied, 0, "nothing was applied");
	const char *const param[] = { pg_migrations[1].sha256 };
	check_int(pg_ask(pg, arena, "INSERT INTO twinshell.schema_migration VALUES (2, '0002-series', $1)", param, 1, NULL, NULL), ERR_OK, "mend it");
	check_int(pg_migrate(pg, &applied, NULL), ERR_OK, "the mended schema is accepted");
}

static void failing(const struct database *db)
{
	struct pg_migration list[32];
	const char *text = "";
	unsigned applied = 99, n = pg_n_migrations;
	memcpy(list, pg_migrations, n * sizeof *list);
	list[n] = (struct pg_migration){ (int)n + 1, "9998-fine", "CREATE TABLE twinshell.fine (); DO $$ BEGIN IF current_setting('statement_timeout') <> '0'"
		" THEN RAISE 'there is a time-out'; END IF; END $$", "aa", 0 };
	list[n + 1] = (struct pg_migration){ (int)n + 2, "9999-half", "CREATE TABLE twinshell.half (); SELECT 1 / 0", "bb", 0 };
	check_int(migrate(list, n + 2, &applied, &text), ERR_INTERNAL, "a migration fails");
	check(strstr(text, "9999-half") && strstr(text, "division by zero"), "the message says which and why: %s", text);
	check_int(applied, 1, "the one before it was applied, without a time-out");
	check_str(ask("SELECT to_regclass('twinshell.fine')"), "twinshell.fine", "and is there");
	check_str(ask("SELECT to_regclass('twinshell.half')"), NULL, "of the failed one nothing is left");
	check_str(ask("SELECT max(version) FROM twinshell.schema_migration"), arena_printf(arena, "%u", n + 1), "nor is it registered");
	check_str(ask("SHOW statement_timeout"), "1min", "the session has its time-out again");
	check_str(ask("SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database WHERE locktype = 'advisory' AND datname = current_database()"), "0", "the lock is free");
	check_int(pg_migrate(pg, NULL, NULL), ERR_PRECONDITION, "the program without them is refused now");
	check_int(script(arena_printf(arena, "DROP TABLE twinshell.fine; DELETE FROM twinshell.schema_migration WHERE version = %u", n + 1)), ERR_OK, "take it back");
	struct pg *other = connect_to(db);
	check_int(pg_migrate(other, &applied, NULL), ERR_OK, "another program can migrate");
	pg_close(other);
}

/* While servers are upgraded one by one, the older ones go on when the newer schema says that they can. */
static void rolling(void)
{
	struct pg_migration list[32];
	const char *text = "";
	unsigned applied = 99, n = pg_n_migrations;
	memcpy(list, pg_migrations, n * sizeof *list);
	list[n] = (struct pg_migration){ (int)n + 1, "9998-more", "CREATE TABLE twinshell.more ()", "aa", (int)n };
	list[n + 1] = (struct pg_migration){ (int)n + 2, "9999-else", "CREATE TABLE twinshell.other ()", "bb", 0 };
	check_int(migrate(list, n + 1, &applied, &text), ERR_OK, "a newer program migrates: %s", text);
	check_int(migrate(list, n, &applied, &text), ERR_OK, "the program before it works with its schema: %s", text);
	check_int(applied, 0, "which is left as it is");
	check_int(migrate(list, n - 1, &applied, &text), ERR_PRECONDITION, "an older one does not");
	check_int(migrate(list, n + 2, &applied, &text), ERR_OK, "an incompatible migration follows: %s", text);
	check_int(migrate(list, n + 1, &applied, &text), ERR_PRECONDITION, "then the newest program is needed");
	check(strstr(text, "newer program"), "the message says so: %s", text);
	check_int(script(arena_printf(arena, "DROP TABLE twinshell.more, twinshell.other; DELETE FROM twinshell.schema_migration WHERE version > %u", n)), ERR_OK,
		  "take it back");
}

static void lost(const struct database *db)
{
	struct diag d = DIAG_INIT;
	struct pg *other = connect_to(db);
	char sql[80];
	snprintf(sql, sizeof sql, "SELECT pg_terminate_backend(%d, 10000)", pg_pid(other));
	check_str(ask(sql), "t", "a connection is ended");
	check_int(pg_migrate(other, NULL, &d), ERR_UNAVAILABLE, "without a connection nothing is migrated");
	check(d.n && strstr(d.list[0].text, "cannot read which migrations"), "the message says so: %s", d.n ? d.list[0].text : "");
	diag_fini(&d);
	pg_close(other);
}

/* -- at once ------------------------------------------------------------------------------------------------------------------------ */
#define AT_ONCE 4
struct starter {
	const struct database *db;
	pthread_barrier_t *gate;
	unsigned applied;
	enum err e;
	struct diag diag;
};

static void *start(void *arg)
{
	struct starter *s = arg;
	struct pg *c = NULL;
	s->e = pg_open(s->db->conninfo, &c, NULL);
	pthread_barrier_wait(s->gate);
	if (!s->e)
		s->e = pg_migrate(c, &s->applied, &s->diag);
	pg_close(c);
	return NULL;
}

static void at_once(void)
{
	struct database db;
	struct starter s[AT_ONCE];
	pthread_t thread[AT_ONCE];
	pthread_barrier_t gate;
	unsigned sum = 0;
	database_make(&db, "at_once", UTF8);
	pthread_barrier_init(&gate, NULL, AT_ONCE);
	for (int i = 0; i < AT_ONCE; i++) {
		s[i] = (struct starter){ &db, &gate, 0, ERR_OK, DIAG_INIT };
		pthread_create(&thread[i], NULL, start, &s[i]);
	}
	for (int i = 0; i < AT_ONCE; i++) {
		pthread_join(thread[i], NULL);
		check_int(s[i].e, ERR_OK, "program %d that starts at the same time: %s", i, s[i].diag.n ? s[i].diag.list[0].text : "");
		diag_fini(&s[i].diag);
		sum += s[i].applied;
	}
	check_int(sum, pg_n_migrations, "every migration was applied by one of them");
	pthread_barrier_destroy(&gate);
	database_drop(&db);
}

static void encoding(void)
{
	struct database db;
	const char *text;
	struct pg *keep = pg;
	database_make(&db, "ascii", "ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'");
	pg = connect_to(&db);
	check_int(migrate(pg_migrations, pg_n_migrations, NULL, &text), ERR_PRECONDITION, "a database without Unicode is refused");
	check(strstr(text, "SQL_ASCII"), "the message says why: %s", text);
	pg_close(pg);
	pg = keep;
	database_drop(&db);
}

/* -- what the schema promises --------------------------------------------------------------------------------------------------------- */
#define OURS "('twinshell'::regnamespace, 'report'::regnamespace)"

static void comments(void)
{
	script("SELECT twinshell.stretch_make('chunk', '2024-02-29'), twinshell.staging_next()");
	check_str(ask("SELECT string_agg(nspname, ', ') FROM pg_namespace WHERE oid IN " OURS " AND obj_description(oid, 'pg_namespace') IS NULL"), NULL,
		  "every schema is described");
	check_str(ask("SELECT string_agg(oid::regclass::text, ', ') FROM pg_class WHERE relnamespace IN " OURS
		      " AND relkind IN ('r', 'p', 'v', 'm') AND coalesce(obj_description(oid, 'pg_class'), '') = ''"), NULL, "every table and view is described");
	check_str(ask("SELECT string_agg(attrelid::regclass || '.' || attname, ', ') FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid"
		      " WHERE relnamespace IN " OURS " AND relkind IN ('r', 'p', 'v', 'm') AND attnum > 0 AND NOT attisdropped"
		      " AND coalesce(col_description(attrelid, attnum), '') = ''"), NULL, "every column is described");
	check_str(ask("SELECT string_agg(oid::regprocedure::text, ', ') FROM pg_proc WHERE pronamespace IN " OURS
		      " AND coalesce(obj_description(oid, 'pg_proc'), '') = ''"), NULL, "every function is described");
	check_str(ask("SELECT obj_description('twinshell.chunk_20240226'::regclass, 'pg_class')"), "chunk of 2024-02-26 and the 7 days from there (UTC).",
		  "a week's table as well");
	check_str(ask("SELECT count(*) > 80 AND count(*) = count(description) FROM report.dictionary"), "t", "the dictionary has every column of the reports");
}

static void reports(void)
{
	check_int(script("DO $$ DECLARE v regclass; BEGIN SET LOCAL ROLE twinshell_report; FOR v IN SELECT oid FROM pg_class WHERE relnamespace ="
			 " 'report'::regnamespace AND relkind = 'v' LOOP EXECUTE format('SELECT * FROM %s', v); END LOOP; END $$"), ERR_OK,
		  "twinshell_report may read every report");
	check_int(script("BEGIN; SET LOCAL ROLE twinshell_report; SELECT * FROM twinshell.shell"), ERR_INTERNAL, "but no table");
	script("ROLLBACK");
	check_int(script("BEGIN; SET LOCAL ROLE twinshell_report; DELETE FROM report.submodel"), ERR_INTERNAL, "and may write nothing");
	script("ROLLBACK");
	check_str(ask("SELECT twinshell.key_of('urn:a') = twinshell.key_of('urn:a') AND twinshell.key_of('urn:a') >= 0"
		      " AND twinshell.key_of('urn:a') <> twinshell.key_of('urn:b')"), "t", "keys are hashes");
	check_str(ask("SELECT string_agg(twinshell.quality_name(q::smallint), ' ' ORDER BY q) FROM generate_series(0, 4) q"),
		  "good uncertain simulated stale bad", "names of qualities");
}

int main(void)
{
	struct database db;
	if (!database_cluster())
		return skip_all(DATABASE_SKIP);
	arena = arena_new(0);
	database_make(&db, "migrate", UTF8);
	pg = connect_to(&db);
	from_nothing();
	comments();
	reports();
	refused();
	failing(&db);
	rolling();
	lost(&db);
	old_blobs();
	pg_close(pg);
	pg = NULL;
	database_drop(&db);
	at_once();
	encoding();
	arena_free(arena);
	return done();
}
