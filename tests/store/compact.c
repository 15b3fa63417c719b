/* SPDX-License-Identifier: Apache-2.0
 * compact.c - samples on their way into chunks: what a program that is killed there leaves, what others see meanwhile, what the reports show,
 * what is dropped with age, and what becomes of samples that were kept before there were chunks.
 */
#include <math.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/thread.h"
#include "sql/migrate.h"
#include "sql/store_pg.h"
#include "tests/database.h"

#define DAY_US (86400 * US_PER_S)
#define HOUR_US (3600 * US_PER_S)
#define MANY 5000

static struct database db;
static struct store *st;
static struct pg *pg;
static struct arena *arena;
static int64_t today_us;

static const char *ask(const char *sql)
{
	const char *answer = database_ask(pg, arena, sql);
	return answer ? answer : "(null)";
}

static int64_t series(const char *path)
{
	int64_t id = 0;
	check_int(st->ops->series(st, "urn:c", path, "bar", &id), ERR_OK, "series %s", path);
	return id;
}

static enum err append(const struct store_sample *s, size_t n)
{
	return st->ops->append(st, &(struct store_batch){ .sample = s, .n_samples = n });
}

/* One a second from `from`: i / 8. */
static void fill(int64_t id, int64_t from, int n)
{
	struct store_sample *s = calloc((size_t)n, sizeof *s);
	for (int i = 0; i < n; i++)
		s[i] = (struct store_sample){ id, from + i * US_PER_S, i / 8.0, NULL, QUALITY_GOOD };
	check_int(append(s, (size_t)n), ERR_OK, "%d samples", n);
	free(s);
}

/* Are they there, each once and in order? */
static bool whole(int64_t id, int64_t from, int n)
{
	struct store_sample *s;
	struct arena *a = arena_new(0);
	size_t have = 0;
	enum err e = st->ops->samples(st, id, from, from + n * US_PER_S, 1000000, a, &s, &have);
	bool ok = !e && have == (size_t)n;
	for (int i = 0; ok && i < n; i++)
		ok = s[i].time_us == from + i * US_PER_S && s[i].num == i / 8.0;
	if (!ok)
		printf("# %s, %zu of %d\n", err_info[e].name, have, n);
	arena_free(a);
	return ok;
}

/* -- killed ------------------------------------------------------------------------------------------------------------------------------ */
#define WAIT_BLOCKED(who) \
	"DO $$ BEGIN LOOP PERFORM pg_stat_clear_snapshot(); EXIT WHEN EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()" \
	" AND wait_event_type = 'Lock' AND application_name LIKE 'twinshell" who "'); PERFORM pg_sleep(0.005); END LOOP; END $$"

/* Somebody is about that row, so whoever adds to it waits for him. */
static void hold(const char *table, int64_t id, int64_t bucket_us)
{
	char at[TIME_TEXT_MAX];
	time_format(at, bucket_us);
	for (int k = -5; k < 2; k++)
		ask(arena_printf(arena, "SELECT twinshell.stretch_make(relation, date '%.10s' + %d) FROM twinshell.stretch", at, k));
	const char *sql = arena_printf(arena, "BEGIN; INSERT INTO twinshell.%s VALUES (%lld, '%s', 1, 1, 1, 1, 0, 1, now(), 1, now(), 1, 0, 0, 0, 0)", table,
				       (long long)id, at);
	check_int(pg_script(pg, sql, NULL), ERR_OK, "a row of %s cannot be written", table);
}

static pid_t settle_elsewhere(void)
{
	pid_t pid = fork();
	if (pid)
		return pid;
	struct store *s = store_pg_open(db.conninfo, 2, NULL);
	_exit(s ? (int)store_pg_settle(s) : 99);
}

/* The chunks are written and the rows of the hours wait: the program dies here. */
static void killed(void)
{
	int64_t a = series("killed"), from = today_us - 3 * DAY_US - 1000 * US_PER_S;
	int status;
	fill(a, from, MANY);
	hold("rollup_1h", a, from / HOUR_US * HOUR_US);
	pid_t pid = settle_elsewhere();
	check_int(pg_script(pg, WAIT_BLOCKED(" chunks"), NULL), ERR_OK, "another program compacts, and waits in the middle of it");
	check(whole(a, from, MANY), "meanwhile everything is there");
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	check(WIFSIGNALED(status), "it is killed");
	check_int(pg_script(pg, "ROLLBACK", NULL), ERR_OK, "the row can be written");
	check(whole(a, from, MANY), "everything is there");
	check_int(store_pg_settle(st), ERR_OK, "the next program compacts it");
	check(whole(a, from, MANY), "everything is there, once");
	check_str(ask("SELECT sum(samples) || ' ' || sum(sum) FROM report.rollup_1m WHERE path = 'killed'"), "5000 1562187.5", "and counted once");
	check_str(ask("SELECT sum(samples) || ' ' || sum(sum) FROM report.rollup_1d WHERE path = 'killed'"), "5000 1562187.5", "in the days, too");
	check_str(ask("SELECT count(*) FROM twinshell.sample"), "0", "nothing is staged");
}

/* The same with the database's side of it. */
static void thrown_out(void)
{
	int64_t a = series("thrown"), from = today_us - 1000 * US_PER_S;
	int status;
	fill(a, from, MANY);
	hold("rollup_1d", a, today_us);
	pid_t pid = settle_elsewhere();
	check_int(pg_script(pg, WAIT_BLOCKED(" chunks"), NULL), ERR_OK, "a compaction waits");
	ask("SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity WHERE datname = current_database() AND application_name ="
	    " 'twinshell chunks' AND wait_event_type = 'Lock'");
	check_int(pg_script(pg, WAIT_BLOCKED("%"), NULL), ERR_OK, "its connection is ended, it begins again on another one");
	check(whole(a, from, MANY), "everything is there");
	check_int(pg_script(pg, "ROLLBACK", NULL), ERR_OK, "the row can be written");
	waitpid(pid, &status, 0);
	check(WIFEXITED(status) && !WEXITSTATUS(status), "it has compacted");
	check_str(ask("SELECT count(*) FROM twinshell.sample"), "0", "everything");
	check(whole(a, from, MANY), "everything is there, once");
	check_str(ask("SELECT sum(samples) FROM report.rollup_1m WHERE path = 'thrown'"), "5000", "and counted once");
}

/* -- at once ------------------------------------------------------------------------------------------------------------------------------- */
static atomic_bool stop;
static atomic_int n_settled;

/* Two may be in each other's way (ERR_AGAIN); then one begins again, as the thread of the store does. */
static void *settle_on(void *arg)
{
	(void)arg;
	while (!atomic_load(&stop)) {
		enum err e = store_pg_settle(st);
		atomic_fetch_add(&n_settled, e == ERR_AGAIN ? 0 : e ? 1000000 : 1);
	}
	return NULL;
}

static void at_once(void)
{
	int64_t a = series("at once"), from = today_us - 2 * DAY_US - 300 * US_PER_S;
	pthread_t thread[2];
	bool ok = true;
	for (int i = 0; i < 2; i++)
		thread_start(&thread[i], "settle", settle_on, NULL);
	int n = 0;
	for (; n < 400 || (atomic_load(&n_settled) < 20 && n < 20000); n += 4) {
		struct store_sample s[4];
		for (int i = 0; i < 4; i++)
			s[i] = (struct store_sample){ a, from + (n + i) * US_PER_S, (n + i) / 8.0, NULL, QUALITY_GOOD };
		enum err e;
		while ((e = append(s, 4)) == ERR_AGAIN)
			;
		ok &= !e && (n % 40 || whole(a, from, n + 4));
	}
	atomic_store(&stop, true);
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	check(ok, "samples are written and read while two compact: all of them are there at any time");
	check(atomic_load(&n_settled) < 1000000, "nothing is in the way of the compactions");
	check(whole(a, from, n), "at the end as well");
	check_int(store_pg_settle(st), ERR_OK, "what came after the last compaction had begun is compacted, too");
	check_str(ask("SELECT count(*) = (SELECT sum(samples) FROM report.rollup_1m WHERE path = 'at once') FROM report.sample WHERE path = 'at once'"), "t",
		  "each is counted once");
}

/* Who has begun to read sees what was there then, whatever is compacted meanwhile. */
static void snapshot(void)
{
	int64_t a = series("snapshot"), from = today_us - 5 * DAY_US;
	struct pg *reader;
	const char *n = NULL;
	fill(a, from, 1000);
	check_int(pg_open(db.conninfo, &reader, NULL), ERR_OK, "a reader");
	check_int(pg_script(reader, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM twinshell.series", NULL), ERR_OK, "begins");
	ask("SELECT twinshell.staging_next()");
	check_str(ask("SELECT count(*) FROM report.sample WHERE path = 'snapshot'"), "1000", "staged");
	pid_t pid = fork();
	if (!pid) {	/* the background of a store compacts what is sealed by itself, and drops it later */
		struct store *s = store_pg_open(db.conninfo, 2, NULL);
		for (int i = 0; i < 4000 && s; i++) {
			struct pg *p;
			const char *left = "1";
			if (!pg_open(db.conninfo, &p, NULL))
				pg_ask(p, arena, "SELECT count(*) FROM twinshell.staging WHERE state = 1", NULL, 0, &left, NULL);
			pg_close(p);
			if (!strcmp(left, "0"))
				_exit(0);
			clock_sleep_us(20000);
		}
		_exit(1);
	}
	int status;
	waitpid(pid, &status, 0);
	check(WIFEXITED(status) && !WEXITSTATUS(status), "the background compacts what is sealed");
	check_str(ask("SELECT count(*) || ' ' || (SELECT count(*) FROM twinshell.staging WHERE state = 2) FROM report.sample WHERE path = 'snapshot'"), "1000 1",
		  "its table waits to be dropped, its samples are shown once");
	pg_ask(reader, arena, "SELECT count(*) FROM report.sample WHERE path = 'snapshot'", NULL, 0, &n, NULL);
	check_str(n, "1000", "who began before sees them as well");
	pg_close(reader);
	check_int(store_pg_settle(st), ERR_OK, "it is dropped");
	check_str(ask("SELECT count(*) FROM report.sample WHERE path = 'snapshot'"), "1000", "and they are still there");
}

/* -- reports ------------------------------------------------------------------------------------------------------------------------------- */
#define NAIVE(unit) \
	"WITH s AS (SELECT *, date_trunc('" unit "', time, 'UTC') AS b FROM report.sample WHERE path = 'report')," \
	" n AS (SELECT b, count(*) AS samples, count(value_num) AS numbers, min(value_num), max(value_num), avg(value_num) AS mean, sum(value_num)," \
	" stddev(value_num) AS sd, (array_agg(value_num ORDER BY time) FILTER (WHERE value_num IS NOT NULL))[1] AS first," \
	" max(time) FILTER (WHERE value_num IS NOT NULL) AS last_time, count(*) FILTER (WHERE quality = 'good') AS good," \
	" count(*) FILTER (WHERE quality = 'bad') AS bad FROM s GROUP BY b)"
#define SAME(view) \
	" SELECT count(*) || ' ' || count(*) FILTER (WHERE r.samples = n.samples AND r.numbers = n.numbers AND r.min IS NOT DISTINCT FROM n.min" \
	" AND r.max IS NOT DISTINCT FROM n.max AND r.first IS NOT DISTINCT FROM n.first AND r.last_time IS NOT DISTINCT FROM n.last_time" \
	" AND r.good = n.good AND r.bad = n.bad AND abs(coalesce(r.mean, 0) - coalesce(n.mean, 0)) <= 1e-9" \
	" AND abs(coalesce(r.stddev, 0) - coalesce(n.sd, 0)) <= 1e-6 AND abs(coalesce(r.sum, 0) - coalesce(n.sum, 0)) <= 1e-6)" \
	" FROM n FULL JOIN (SELECT * FROM report." view " WHERE path = 'report') r ON r.time = n.b"

static void reports(void)
{
	int64_t a = series("report");
	unsigned seed = 7;
	for (int round = 0; round < 6; round++) {
		struct store_sample s[400];
		for (int i = 0; i < 400; i++) {
			seed = seed * 1103515245 + 12345;
			bool text = seed >> 16 & 1 && i % 9 == 0;
			s[i] = (struct store_sample){ a, today_us - 2 * DAY_US + (int64_t)(seed >> 4) * 350 % (DAY_US + 7200 * US_PER_S),
						      text ? NAN : 101325 + (seed >> 8) % 100 / 100.0, text ? "off" : NULL, i % 11 ? QUALITY_GOOD : QUALITY_BAD };
		}
		check_int(append(s, 400), ERR_OK, "samples of two days in no order, round %d", round);
		check_int(store_pg_settle(st), ERR_OK, "are compacted");
	}
	check_str(ask("SELECT count(*) || ' ' || count(value_num) || ' ' || count(value_text) FROM report.sample WHERE path = 'report'"),
		  ask("SELECT '2400 ' || count(value_num) || ' ' || 2400 - count(value_num) FROM report.sample WHERE path = 'report'"), "samples in SQL");
	const char *minutes = ask(NAIVE("minute") SAME("rollup_1m")), *hours = ask(NAIVE("hour") SAME("rollup_1h")), *days = ask(NAIVE("day") SAME("rollup_1d"));
	int n = 0, m = 0;
	check(sscanf(minutes, "%d %d", &n, &m) == 2 && n > 1000 && n == m, "minutes are what the samples come to: %s", minutes);
	check(sscanf(hours, "%d %d", &n, &m) == 2 && n > 20 && n == m, "hours: %s", hours);
	check(sscanf(days, "%d %d", &n, &m) == 2 && n == 2 && n == m, "days: %s", days);
	check_str(ask("SELECT bool_and(day = (time AT TIME ZONE 'UTC')::date) FROM report.sample"), "t", "the day of a sample is the day of its time");
	check_str(ask("SELECT count(*) = (SELECT count(*) FROM report.sample WHERE path = 'report' AND time >= now() - interval '30 hours' AND time < now())"
		      " FROM report.sample_between('urn:c', 'report', now() - interval '30 hours', now())"), "t", "the function and the view show the same");
}

/* Every example of docs/reporting.md, as the role of reports. */
static void documented(void)
{
	const char *dir = getenv("srcdir");
	struct slice text;
	int n = 0;
	char why[300];
	struct diag d = DIAG_INIT;
	if (!check_int(file_read(arena, arena_printf(arena, "%s/docs/reporting.md", dir ? dir : "."), 1 << 20, &text, &d), ERR_OK, "the description of reports"))
		return;
	check_int(pg_script(pg, "SET ROLE twinshell_report", NULL), ERR_OK, "as the role of reports");
	for (const char *p = text.p, *end; (p = strstr(p, "```sql\n")) && (end = strstr(p += 7, "```")); p = end + 3) {
		struct buf b = BUF_INIT;
		static const char *const macros[][2] = {
			{ "$__timeFilter(time)", "time > now()" }, { "$__timeFrom()", "now()" }, { "$__timeTo()", "now()" },
		};
		while (p < end) {
			size_t k = 0;
			while (k < 3 && strncmp(p, macros[k][0], strlen(macros[k][0])) != 0)
				k++;
			buf_puts(&b, k < 3 ? macros[k][1] : "");
			if (k == 3)
				buf_putc(&b, *p);
			p += k < 3 ? strlen(macros[k][0]) : 1;
		}
		if (strncmp(b.p, "CREATE ROLE", 11) != 0)
			check_int(pg_script(pg, b.p, &d), ERR_OK, "example %d of the description %s", ++n, diag_first(&d, why, sizeof why));
		buf_fini(&b);
	}
	check(n >= 3, "there are examples");
	check_int(pg_script(pg, "RESET ROLE", NULL), ERR_OK, "as before");
	diag_fini(&d);
}

/* -- size ---------------------------------------------------------------------------------------------------------------------------------- */
static void size(void)
{
	int64_t a = series("size");
	unsigned seed = 3;
	double v = 50;
	const char *before = ask("SELECT sum(pg_total_relation_size(inhrelid)) FROM pg_inherits WHERE inhparent = 'twinshell.chunk'::regclass");
	for (int k = 0; k < 6; k++) {
		struct store_sample *s = calloc(10000, sizeof *s);
		for (int i = 0; i < 10000; i++) {
			seed = seed * 1103515245 + 12345;
			v += ((double)(seed >> 8 & 1023) - 512) / 3000;
			s[i] = (struct store_sample){ a, today_us - 9 * DAY_US + (k * 10000 + i) * US_PER_S + (seed >> 12 & 32767), v, NULL, QUALITY_GOOD };
		}
		check_int(append(s, 10000), ERR_OK, "all digits, and times that jitter by microseconds");
		free(s);
	}
	check_int(store_pg_settle(st), ERR_OK, "are compacted");
	const char *after = ask("SELECT sum(pg_total_relation_size(inhrelid)) FROM pg_inherits WHERE inhparent = 'twinshell.chunk'::regclass");
	double each = (strtod(after, NULL) - strtod(before, NULL)) / 60000;
	check(each < 20, "%.1f bytes a sample on disk are under 20", each);
}

/* -- age ------------------------------------------------------------------------------------------------------------------------------------ */
static void age(void)
{
	int64_t a = series("age"), b = series("age too");
	fill(a, today_us - 100 * DAY_US, 700);
	fill(b, today_us - 101 * DAY_US, 10);
	fill(a, today_us - 12 * DAY_US, 5);
	fill(a, today_us - 4000 * DAY_US, 3);
	check_int(store_pg_settle(st), ERR_OK, "old samples");
	fill(a, today_us, 1);
	store_pg_keep(st, 60, 0);
	check_int(store_pg_settle(st), ERR_OK, "sixty days are kept");
	check_str(ask("SELECT count(*) || ' ' || (max(day) - min(day)) FROM report.sample WHERE path LIKE 'age%'"), "6 12", "what is older is dropped, what was not a week");
	check_str(ask("SELECT sum(samples) FROM report.rollup_1d WHERE path LIKE 'age%'"), "719", "the days are kept for ever");
	store_pg_keep(st, 60, 90);
	check_int(store_pg_settle(st), ERR_OK, "but if they are not");
	check_str(ask("SELECT sum(samples) FROM report.rollup_1m WHERE path LIKE 'age%'"), "6", "old minutes are dropped");
	store_pg_keep(st, 0, 0);
}

/* -- before there were chunks ------------------------------------------------------------------------------------------------------------------- */
static void before(void)
{
	struct database old;
	struct diag d = DIAG_INIT;
	struct pg *keep = pg;
	struct store *s;
	char why[300];
	database_make(&old, "before", "ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'");
	check_int(pg_open(old.conninfo, &pg, NULL), ERR_OK, "a database");
	check_int(pg_migrate_list(pg, pg_migrations, 6, NULL, &d), ERR_OK, "of the time before there were chunks");
	ask("INSERT INTO twinshell.series (id, submodel, submodel_id, path) VALUES (7, 1, 'urn:o', 'P')");
	ask("SELECT twinshell.sample_partition('2024-02-29'), twinshell.sample_partition('2024-03-01')");
	ask("INSERT INTO twinshell.sample SELECT 7, '2024-02-29 12:00Z'::timestamptz + i * interval '1 minute', i, i % 5, CASE WHEN i % 3 = 0 THEN 't' END"
	    " FROM generate_series(0, 1999) i");
	const char *sum = "SELECT md5(string_agg(series_id || '|' || time || '|' || value_num || '|' || coalesce(value_text, '-') || '|' || quality, ';' ORDER BY time))"
			  " FROM report.sample";
	const char *was = ask(sum);
	s = store_pg_open(old.conninfo, 2, &d);
	check(s != NULL, "the program of now opens it %s", diag_first(&d, why, sizeof why));
	check_str(ask(sum), was, "its samples are what they were");
	check_int(s ? store_pg_settle(s) : ERR_INTERNAL, ERR_OK, "they are compacted");
	check_str(ask(sum), was, "and are what they were");
	check_str(ask("SELECT string_agg(relname, ' ' ORDER BY relname) || ' ' || (SELECT count(*) FROM twinshell.staging) FROM pg_class WHERE relname ~ '^sample'"), "sample sample sample_g4 1",
		  "the tables of before are gone");
	if (s)
		s->ops->close(s);
	pg_close(pg);
	pg = keep;
	database_drop(&old);
	diag_fini(&d);
}

int main(void)
{
	struct diag d = DIAG_INIT;
	char why[600];
	if (!database_cluster())
		return skip_all(DATABASE_SKIP);
	arena = arena_new(0);
	today_us = clock_now_us() / DAY_US * DAY_US;
	database_make(&db, "compact", "ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'");
	if (!check((st = store_pg_open(db.conninfo, 4, &d)) != NULL, "a store %s", diag_first(&d, why, sizeof why)))
		return done();
	check_int(pg_open(db.conninfo, &pg, NULL), ERR_OK, "somebody who looks on");
	killed();
	thrown_out();
	at_once();
	snapshot();
	reports();
	documented();
	size();
	age();
	before();
	st->ops->close(st);
	pg_close(pg);
	database_drop(&db);
	diag_fini(&d);
	arena_free(arena);
	return done();
}
