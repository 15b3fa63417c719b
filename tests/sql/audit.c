/* SPDX-License-Identifier: Apache-2.0
 * audit.c - the feed in the database itself: a server that is killed before its changes have positions, one whose clock goes back, rows that
 * somebody alters, months that are dropped, a database that comes from an older program.
 */
#include "sql/audit.h"

#include <signal.h>
#include <sys/wait.h>

#include "aas/json.h"
#include "sql/migrate.h"
#include "sql/store_pg.h"
#include "tests/database.h"

#define UTF8 "ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"

static struct arena *arena;
static struct database db;
static struct pg *pg;
static struct store *store;

static const char *ask(const char *sql)
{
	const char *answer = database_ask(pg, arena, sql);
	return answer ? answer : "(null)";
}

static void script(const char *sql)
{
	struct diag d = DIAG_INIT;
	check_int(pg_script(pg, sql, &d), ERR_OK, "%.60s %s", sql, d.n ? d.list[0].text : "");
	diag_fini(&d);
}

static bool comes(const char *sql, const char *want)
{
	return database_comes(pg, arena, sql, want);
}

static void open_store(void)
{
	struct diag d = DIAG_INIT;
	char why[600];
	if (!(store = store_pg_open(db.conninfo, 4, &d))) {
		printf("Bail out! %s\n", diag_first(&d, why, sizeof why));
		exit(1);
	}
	diag_fini(&d);
}

static struct aas_node *submodel(const char *id, int value)
{
	struct aas_node *n = NULL;
	const char *json = arena_printf(arena, "{\"modelType\":\"Submodel\",\"id\":\"%s\",\"submodelElements\":[{\"modelType\":\"Property\",\"idShort\":\"P\","
					"\"valueType\":\"xs:int\",\"value\":\"%d\"}]}", id, value);
	if (aas_json_read(arena, AAS_Submodel, json, strlen(json), AAS_JSON_DEFAULT, &n, NULL))
		abort();
	return n;
}

static enum err change(const char *id, int value)
{
	struct store_txn *t;
	struct store_cause cause = { "anna", "r", TIME_NONE, NULL, 0 };
	int64_t version;
	bool created;
	enum err e = store->ops->begin(store, true, &t);
	if (e)
		return e;
	store->ops->cause(t, &cause);
	e = value < 0 ? store->ops->del(t, STORE_SUBMODEL, id) :
			store->ops->put(t, STORE_SUBMODEL, submodel(id, value), STORE_EITHER, 0, &created, &version);
	if (!e)
		return store->ops->commit(t);
	store->ops->abort(t);
	return e;
}

static const char *audit(void)
{
	struct pg_audit a;
	enum err e = pg_audit(db.conninfo, arena, &a, NULL);
	if (e)
		return err_info[e].name;
	if (!a.fault)
		return arena_printf(arena, "%lld sound to %lld", (long long)a.n, (long long)a.last);
	return arena_printf(arena, "%lld sound, %lld %s v%lld: %s", (long long)a.n, (long long)a.position, a.id ? a.id : "-", (long long)a.version, a.fault);
}

/* -- killed between the commit and the position ----------------------------------------------------------------------------------- */
static void killed(void)
{
	int status = 0;
	script("BEGIN; SELECT FROM twinshell.feed_head FOR UPDATE");	/* nobody can give positions */
	fflush(stdout);
	pid_t child = fork();
	if (!child) {
		open_store();
		for (int i = 0; i < 5; i++)
			if (change("urn:a", i))
				_exit(1);
		raise(SIGKILL);
	}
	waitpid(child, &status, 0);
	check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "a server is killed after five commits");
	check_str(ask("SELECT count(*) FROM twinshell.outbox"), "5", "its changes wait for their positions");
	check_str(ask("SELECT count(*) FROM twinshell.feed"), "0", "and have none");
	check_str(audit(), "0 sound to 0", "which is no fault");
	script("COMMIT");
	open_store();
	check(comes("SELECT count(*) FROM twinshell.feed", "5"), "the next server gives them theirs");
	check_str(ask("SELECT string_agg(position || ':' || version, ' ' ORDER BY position) FROM report.feed"), "1:1 2:2 3:3 4:4 5:5", "in their order");
	check_str(ask("SELECT count(*) FROM twinshell.outbox"), "0", "nothing is left");
	check_str(audit(), "5 sound to 5", "the chain is sound");
}

/* -- a clock that goes back: the order of one identifiable is that of its versions, also over several rounds ----------------------- */
static void clock_back(void)
{
	script("BEGIN; SELECT FROM twinshell.feed_head FOR UPDATE");
	for (int i = 0; i < 6; i++)
		change("urn:b", i);
	script("CREATE TEMP TABLE t AS SELECT version, recorded_at, row_number() OVER (ORDER BY version DESC) AS i FROM twinshell.outbox;"
	       "CREATE TEMP TABLE r AS SELECT recorded_at, row_number() OVER (ORDER BY recorded_at) AS i FROM t;"
	       "UPDATE twinshell.history h SET recorded_at = r.recorded_at FROM t JOIN r USING (i) WHERE h.id = 'urn:b' AND h.version = t.version;"
	       "UPDATE twinshell.outbox o SET recorded_at = r.recorded_at FROM t JOIN r USING (i) WHERE o.version = t.version");
	check_str(ask("SELECT string_agg(version::text, ' ' ORDER BY recorded_at) FROM twinshell.outbox"), "6 5 4 3 2 1", "times that go back");
	script("SELECT twinshell.sequence_changes(2); COMMIT");
	check(comes("SELECT count(*) FROM twinshell.outbox", "0"), "all get their positions");
	check_str(ask("SELECT string_agg(version::text, ' ' ORDER BY position) FROM report.feed WHERE id = 'urn:b'"), "1 2 3 4 5 6", "in the order of the versions");
	check_str(audit(), "11 sound to 11", "the chain is sound");
}

/* -- rows that somebody alters --------------------------------------------------------------------------------------------------------- */
static void tampered(void)
{
	static const struct { const char *what, *sql, *found; } cases[] = {
		{ "a document", "UPDATE twinshell.history SET document = replace(document, '\"2\"', '\"7\"') WHERE id = 'urn:a' AND version = 4",
		  "3 sound, 4 urn:a v4: the change, or the feed up to it, is not what was written" },
		{ "who it was", "UPDATE twinshell.history SET actor = 'bert' WHERE id = 'urn:a' AND version = 2",
		  "1 sound, 2 urn:a v2: the change, or the feed up to it, is not what was written" },
		{ "when", "UPDATE twinshell.history SET valid_at = recorded_at WHERE id = 'urn:a' AND version = 5",
		  "4 sound, 5 urn:a v5: the change, or the feed up to it, is not what was written" },
		{ "a position is taken out", "DELETE FROM twinshell.feed WHERE position = 3", "2 sound, 4 urn:a v4: the positions after 2 are missing" },
		{ "the last position is taken out", "DELETE FROM twinshell.feed WHERE position = 11", "10 sound, 11 - v0: the feed ends too early or too late" },
		{ "a change is taken out", "DELETE FROM twinshell.history WHERE id = 'urn:a' AND version = 3", "2 sound, 3 - v3: the change is not in history" },
		{ "a change and its position are taken out, and the others moved", "DELETE FROM twinshell.history WHERE id = 'urn:a' AND version = 3;"
		  "DELETE FROM twinshell.feed WHERE position = 3; UPDATE twinshell.feed SET position = position - 1 WHERE position > 3;"
		  "UPDATE twinshell.feed_head SET position = position - 1", "2 sound, 3 urn:a v4: the change, or the feed up to it, is not what was written" },
		{ "a change is put in", "INSERT INTO twinshell.history (key, kind, version, operation, id) VALUES (1, 1, 1, 'create', 'urn:evil')",
		  "11 sound, 0 urn:evil v1: a change in history has no place in the feed" },
		{ "with a position", "INSERT INTO twinshell.history (key, kind, version, operation, id, recorded_at) VALUES (1, 1, 1, 'create', 'urn:evil', 'now');"
		  "INSERT INTO twinshell.feed SELECT 12, clock_timestamp(), recorded_at, 1, 1, 1, sha256('x') FROM twinshell.history WHERE id = 'urn:evil';"
		  "UPDATE twinshell.feed_head SET position = 12, hash = sha256('x')",
		  "11 sound, 12 urn:evil v1: the change, or the feed up to it, is not what was written" },
		{ "two hashes change places", "UPDATE twinshell.feed f SET hash = o.hash FROM twinshell.feed o WHERE f.position IN (6, 7) AND o.position = 13 - f.position",
		  "5 sound, 6 urn:b v1: the change, or the feed up to it, is not what was written" },
	};
	store->ops->close(store);
	store = NULL;
	script("CREATE TABLE public.h AS TABLE twinshell.history; CREATE TABLE public.f AS TABLE twinshell.feed; CREATE TABLE public.e AS TABLE twinshell.feed_head");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		script(cases[i].sql);
		check_str(audit(), cases[i].found, "%s", cases[i].what);
		script("DELETE FROM twinshell.history; DELETE FROM twinshell.feed; DELETE FROM twinshell.feed_head; INSERT INTO twinshell.history TABLE public.h;"
		       "INSERT INTO twinshell.feed TABLE public.f; INSERT INTO twinshell.feed_head TABLE public.e");
	}
	check_str(audit(), "11 sound to 11", "put right again, it is sound");
}

/* -- months that are dropped -------------------------------------------------------------------------------------------------------------- */
static const char *state_of(const char *id, int64_t at_us)
{
	struct store_txn *t;
	struct store_doc d;
	store->ops->begin(store, false, &t);
	enum err e = at_us < 0 ? store->ops->get_version(t, STORE_SUBMODEL, id, -at_us, arena, &d) : store->ops->get_at(t, STORE_SUBMODEL, id, at_us, arena, &d);
	store->ops->abort(t);
	return e ? err_info[e].name : arena_printf(arena, "v%lld", (long long)d.version);
}

static void cut(void)
{
	/* what there is becomes a month of long ago, and gets its positions then, but for one change that gets it later */
	script("SELECT twinshell.change_partition('history', 'recorded_at', '2024-02-01'), twinshell.change_partition('feed', 'sequenced_at', '2024-02-01');"
	       "INSERT INTO twinshell.outbox SELECT timestamptz '2024-02-10' + version * interval '1 day', key, kind, version FROM twinshell.history;"
	       "UPDATE twinshell.history SET recorded_at = timestamptz '2024-02-10' + version * interval '1 day';"
	       "DELETE FROM twinshell.feed; UPDATE twinshell.feed_head SET position = 0, hash = '';"
	       "SELECT twinshell.sequence_changes(100); UPDATE twinshell.feed SET sequenced_at = '2024-02-28' WHERE position < 11");
	check_str(audit(), "11 sound to 11", "a feed of long ago");
	open_store();
	change("urn:a", 50);
	change("urn:b", -1);
	check(comes("SELECT position FROM twinshell.feed_head", "13"), "and two changes of now");
	check_str(state_of("urn:a", -3), "v3", "an old version is there");
	check_str(ask("SELECT twinshell.cut_history('2024-02-29')"), "0", "nothing is older than that month");
	check_str(ask("SELECT twinshell.cut_history('2024-03-02')"), "2", "a month of history and of the feed is dropped");
	check_str(ask("SELECT to_regclass('twinshell.history_202402')"), "(null)", "it is gone");
	check_str(ask("SELECT position FROM twinshell.feed_cut"), "11", "with all that had been recorded in it");
	check_str(audit(), "2 sound to 13", "what is left is sound");
	check_str(state_of("urn:a", -3), "GONE", "an old version cannot be made any more");
	check_str(state_of("urn:a", -5), "v5", "the one before the oldest change can");
	check_str(state_of("urn:a", INT64_C(1707500000000000)), "GONE", "nobody knows what was then");
	check_str(state_of("urn:a", INT64_C(1709300000000000)), "v5", "but since the cut it is known");
	struct store_event *e;
	int64_t newest = 0;
	size_t n = 0;
	check_int(store->ops->feed(store, 10, 10, arena, &e, &n, &newest), ERR_GONE, "the feed does not reach back");
	check_int(store->ops->feed(store, 11, 10, arena, &e, &n, &newest), ERR_OK, "but to the cut");
	check(n == 2 && newest == 13 && e[0].position == 12, "it goes on from there");
	/* an id that was deleted goes on with its versions even when its history is not kept */
	script("SELECT twinshell.cut_history(date_trunc('month', now()) + interval '2 months')");
	check_str(ask("SELECT count(*) FROM twinshell.history"), "0", "all is dropped");
	change("urn:b", 1);
	check(comes("SELECT string_agg(position || ' ' || id || ' v' || version, ',') FROM report.feed", "14 urn:b v8"), "a deleted id goes on with its versions");
	check_str(audit(), "1 sound to 14", "and the chain with its hashes");
	script("UPDATE twinshell.feed_cut SET hash = sha256('x')");
	check_str(audit(), "0 sound, 14 urn:b v8: the change, or the feed up to it, is not what was written", "the cut itself is part of it");
	store->ops->close(store);
	store = NULL;
}

/* -- a database of an older program -------------------------------------------------------------------------------------------------------- */
static void older(void)
{
	struct diag d = DIAG_INIT;
	unsigned applied;
	database_make(&db, "older", UTF8);
	check_int(pg_open(db.conninfo, &pg, NULL), ERR_OK, "connect");
	check_int(pg_migrate_list(pg, pg_migrations, 6, &applied, &d), ERR_OK, "a schema without a feed");
	script("INSERT INTO twinshell.submodel (key, id, version, doc_version, header, doc) SELECT twinshell.key_of('urn:o'), 'urn:o', 3, 3, h, h FROM (VALUES"
	       " ('{\"modelType\":\"Submodel\",\"id\":\"urn:o\",\"idShort\":\"S3\"}')) AS v(h)");
	script("INSERT INTO twinshell.history (key, kind, version, operation, recorded_at, actor, id, document, paths, before_values) VALUES"
	       " (twinshell.key_of('urn:o'), 1, 1, 'create', '2023-12-31 23:59:59+00', 'anna', 'urn:o', NULL, NULL, NULL),"
	       " (twinshell.key_of('urn:o'), 1, 2, 'replace', '2024-01-15', NULL, 'urn:o', '{\"modelType\":\"Submodel\",\"id\":\"urn:o\"}', NULL, NULL),"
	       " (twinshell.key_of('urn:p'), 1, 7, 'value', '2024-01-16', NULL, 'urn:p', NULL, '{A,B}', '{1,NULL}'),"
	       " (twinshell.key_of('urn:o'), 1, 3, 'replace', '2024-01-17', NULL, 'urn:o', '{\"modelType\":\"Submodel\",\"id\":\"urn:o\",\"idShort\":\"S2\"}', NULL, NULL)");
	const char *before = ask("SELECT md5(string_agg(concat_ws('|', key, kind, version, operation, recorded_at, actor, id, document, paths, before_values), ';'"
				 " ORDER BY key, version)) FROM twinshell.history");
	check_int(pg_migrate(pg, &applied, &d), ERR_OK, "is migrated %s", d.n ? d.list[0].text : "");
	check_str(ask("SELECT md5(string_agg(concat_ws('|', key, kind, version, operation, recorded_at, actor, id, document, paths, before_values), ';'"
		      " ORDER BY key, version)) FROM twinshell.history"), before, "its history is what it was");
	check_str(ask("SELECT string_agg(DISTINCT tableoid::regclass::text, ' ') FROM twinshell.history"), "twinshell.history_202312 twinshell.history_202401",
		  "in the partitions of its months");
	open_store();
	check(comes("SELECT string_agg(id || ' v' || version, ', ' ORDER BY position) FROM report.feed", "urn:o v1, urn:o v2, urn:p v7, urn:o v3"),
	      "and comes into the feed, in its order");
	check_str(audit(), "4 sound to 4", "the chain is sound");
	check_str(state_of("urn:o", -2), "v2", "an old version can be made");
	check_str(state_of("urn:o", INT64_C(1705000000000000)), "v1", "and what was at a time");
	struct store_event *e;
	int64_t newest;
	size_t n = 0;
	check_int(store->ops->feed(store, 2, 1, arena, &e, &n, &newest), ERR_OK, "the feed");
	check(n == 1 && e->n_values == 2 && !strcmp(e->before[0], "1") && !e->before[1] && !e->after, "says that values afterwards were not kept then");
	store->ops->close(store);
	pg_close(pg);
	database_drop(&db);
	diag_fini(&d);
}

/* -- a clock that was an hour ahead, and is set back: what is recorded afterwards is not recorded before ------------------------------------ */
static void set_back(void)
{
	struct store_value v = { "P", "3" };
	database_make(&db, "back", UTF8);
	check_int(pg_open(db.conninfo, &pg, NULL), ERR_OK, "connect");
	check_int(pg_migrate(pg, NULL, NULL), ERR_OK, "an empty schema");
	script("BEGIN; SELECT FROM twinshell.feed_head FOR UPDATE");
	open_store();
	change("urn:a", 1);
	script("UPDATE twinshell.history SET recorded_at = recorded_at + interval '1 hour'; UPDATE twinshell.outbox SET recorded_at = recorded_at + interval '1 hour';"
	       "COMMIT");
	check(comes("SELECT count(*) FROM twinshell.feed", "1"), "a change of a clock that was ahead");
	change("urn:a", 2);
	check_int(store_write_wait(store, &(struct store_write){ .submodel_id = "urn:a", .value = &v, .n = 1 }), ERR_OK, "a value");
	change("urn:b", 1);
	change("urn:a", -1);
	check_str(ask("SELECT count(*) || ' ' || bool_and(later) FROM (SELECT recorded_at >= lag(recorded_at, 1, '-infinity') OVER (ORDER BY version) AS later"
		      " FROM twinshell.history WHERE id = 'urn:a') AS h"), "4 true", "times do not run against the versions");
	check_str(ask("SELECT min(recorded_at) >= (SELECT recorded_at FROM twinshell.history WHERE id = 'urn:a' AND version = 1) FROM twinshell.history WHERE id = 'urn:b'"),
		  "t", "nor against the feed");
	check(comes("SELECT count(*) FROM twinshell.feed", "5"), "all get their positions");
	script("SELECT setval('twinshell.recorded', 1)");	/* as if nobody had noted anything for long */
	change("urn:c", 1);
	check_str(ask("SELECT abs(extract(epoch FROM clock_timestamp() - recorded_at)) < 600 FROM twinshell.history WHERE id = 'urn:c'"), "t", "else the clock counts");
	check(comes("SELECT count(*) FROM twinshell.feed", "6"), "it gets its position");
	check_str(audit(), "6 sound to 6", "the chain is sound");
	store->ops->close(store);
	pg_close(pg);
	database_drop(&db);
}

int main(void)
{
	if (!database_cluster())
		return skip_all(DATABASE_SKIP);
	arena = arena_new(0);
	database_make(&db, "audit", UTF8);
	check_int(pg_open(db.conninfo, &pg, NULL), ERR_OK, "connect");
	check_str(audit(), "INTERNAL", "a database that is none of ours");
	check_int(pg_migrate(pg, NULL, NULL), ERR_OK, "an empty schema");
	killed();
	clock_back();
	tampered();
	cut();
	pg_close(pg);
	database_drop(&db);
	older();
	set_back();
	arena_free(arena);
	return done();
}
