/* SPDX-License-Identifier: Apache-2.0 - the time half of the PostgreSQL store: series, samples, live values, positions, commands. */
#include <math.h>
#include <pthread.h>

#include "base/clock.h"
#include "sql/migrate.h"
#include "sql/store_pg_priv.h"
#include "tests/database.h"

#define DAY_US (86400 * US_PER_S)
#define SM "https://example.org/sm/pump 7"
#define OLD_US (INT64_C(978307200) * US_PER_S)		/* 2001-01-01: nobody makes a partition for it */

static struct pg_store store;
static struct store *st = &store.base;
static struct arena *arena;
static struct pg *pg;
static struct store *whole;	/* with its background */
static int64_t speed, state, today_us;

static const char *ask(const char *sql)
{
	return database_ask(pg, arena, sql);
}

static enum err append(const struct store_sample *s, size_t n)
{
	return store_pg_append(st, &(struct store_batch){ .sample = s, .n_samples = n });
}

/* The samples as text, "seconds since `base`: value quality" each. */
static const char *read_back(int64_t series, int64_t base, int64_t t0, int64_t t1, size_t limit)
{
	struct store_sample *s;
	size_t n;
	struct buf b = BUF_INIT;
	enum err e = store_pg_samples(st, series, t0, t1, limit, arena, &s, &n);
	for (size_t i = 0; i < n; i++) {
		buf_printf(&b, "%s%g:", i ? " " : "", (double)(s[i].time_us - base) / 1e6);
		if (s[i].text)
			buf_printf(&b, "'%s'", s[i].text);
		else
			buf_printf(&b, "%s%g", signbit(s[i].num) && isnan(s[i].num) ? "-" : "", s[i].num);
		buf_printf(&b, "%s%s", s[i].quality ? "/" : "", s[i].quality ? quality_name(s[i].quality) : "");
		if (s[i].series != series)
			buf_puts(&b, "(of another series)");
	}
	const char *text = e ? err_info[e].name : arena_strdup(arena, b.n ? b.p : "");
	buf_fini(&b);
	return text;
}

static void series(void)
{
	int64_t id = 0, again = 0, other = 0;
	check_int(store_pg_series(st, SM, "Speed", NULL, &speed), ERR_OK, "a series is made");
	check(speed > 0, "it has an id");
	check_str(ask("SELECT id = twinshell.key_of(submodel_id || chr(10) || path) AND submodel = twinshell.key_of(submodel_id) AND unit IS NULL FROM twinshell.series"),
		  "t", "which is the hash of its names");
	check_int(store_pg_series(st, SM, "Speed", NULL, &again), ERR_OK, "it is found");
	check(again == speed, "by the same id");
	check_int(store_pg_series(st, SM, "State", "h", &state), ERR_OK, "another path");
	check_int(store_pg_series(st, SM "0", "Speed", NULL, &other), ERR_OK, "another submodel");
	check(state != speed && other != speed && other != state, "are other series");
	check_int(store_pg_series(st, SM, "Speed", "1/min", &again), ERR_OK, "a unit becomes known");
	check_str(ask("SELECT unit FROM twinshell.series WHERE path = 'Speed' AND submodel_id = '" SM "'"), "1/min", "and is kept");
	check_int(store_pg_series(st, SM, "Speed", NULL, &again), ERR_OK, "who does not know it");
	check_str(ask("SELECT unit FROM twinshell.series WHERE path = 'Speed' AND submodel_id = '" SM "'"), "1/min", "does not remove it");
	ask("INSERT INTO twinshell.series (id, submodel, submodel_id, path) VALUES (twinshell.key_of('urn:x' || chr(10) || 'P'), 1, 'urn:taken', 'Q')");
	check_int(store_pg_series(st, "urn:x", "P", "m", &id), ERR_INTERNAL, "two names of one hash are told apart");
	check_str(ask("SELECT count(*) FROM twinshell.series WHERE submodel_id = 'urn:taken' AND unit IS NULL"), "1", "the first one is left alone");
	check_int(store_pg_series(st, "urn:\xff", "P", NULL, &id), ERR_INTERNAL, "a text that is not Unicode is refused");
}

static void *make_one(void *id)
{
	return (void *)(intptr_t)store_pg_series(st, "urn:at-once", "P", "m", id);
}

static void series_at_once(void)
{
	pthread_t thread[3];
	int64_t id[3];
	void *e;
	for (int i = 0; i < 3; i++)
		pthread_create(&thread[i], NULL, make_one, &id[i]);
	for (int i = 0; i < 3; i++) {
		pthread_join(thread[i], &e);
		check_int((intptr_t)e, ERR_OK, "made by several at once");
	}
	check(id[0] == id[1] && id[1] == id[2], "it is one series");
}

static void samples(void)
{
	int64_t t = today_us;
	struct store_sample in[] = {
		{ speed, t + 3 * US_PER_S, 3.5, NULL, QUALITY_GOOD }, { speed, t + 1 * US_PER_S, -1e300, NULL, QUALITY_STALE },
		{ speed, t + 2 * US_PER_S, NAN, "an, \"odd\\ t\next \xc3\xa4", QUALITY_BAD }, { state, t + 2 * US_PER_S, 7, NULL, QUALITY_SIMULATED },
		{ speed, t + 4 * US_PER_S, NAN, "", QUALITY_UNCERTAIN },
	};
	check_str(read_back(speed, t, t, t + DAY_US, 10), "", "no samples yet");
	check_int(append(in, 5), ERR_OK, "a batch is stored");
	check_str(read_back(speed, t, t, t + DAY_US, 10), "1:-1e+300/stale 2:'an, \"odd\\ t\next \xc3\xa4'/bad 3:3.5 4:''/uncertain", "in the order of time");
	check_str(read_back(state, t, t, t + DAY_US, 10), "2:7/simulated", "each series its own");
	check_str(read_back(speed, t, t + 2 * US_PER_S, t + 4 * US_PER_S, 10), "2:'an, \"odd\\ t\next \xc3\xa4'/bad 3:3.5", "from t0 until before t1");
	check_str(read_back(speed, t, TIME_NONE, INT64_MAX, 2), "3:3.5 4:''/uncertain", "the newest ones of all times");
	check_str(read_back(speed, t, TIME_NONE, t + 3 * US_PER_S, 1), "2:'an, \"odd\\ t\next \xc3\xa4'/bad", "the newest one before a time");
	check_str(read_back(speed, t, t, t + DAY_US, 0), "", "none of them");
	check_str(read_back(speed, t, t, t, 9), "", "an empty range");
	check_str(read_back(speed, t, t + 9, TIME_NONE, 9), "", "a range that ends before it begins");
	check_str(read_back(4711, t, t, t + DAY_US, 9), "NOT_FOUND", "a series that is not known");

	struct store_sample odd[] = { { state, t + 5 * US_PER_S, NAN, NULL, QUALITY_GOOD }, { state, t + 6 * US_PER_S, INFINITY, NULL, QUALITY_GOOD } };
	check_int(append(odd, 2), ERR_OK, "what is no finite number");
	check_str(read_back(state, t, t + 5 * US_PER_S, t + DAY_US, 10), "5:nan 6:nan", "comes back as NaN");
	check_str(ask("SELECT count(*) FROM report.sample WHERE path = 'State' AND value_num IS NULL AND value_text IS NULL"), "2", "and is absent in SQL");
	struct store_sample same[3] = { { state, t + 7 * US_PER_S, 1, NULL, 0 }, { state, t + 7 * US_PER_S, 2, NULL, 0 }, { state, t + 7 * US_PER_S, 3, NULL, 0 } };
	check_int(append(same, 3), ERR_OK, "several of one time");
	check_str(read_back(state, t, t + 7 * US_PER_S, t + DAY_US, 2), "7:2 7:3", "keep their order");
}

static void refused(void)
{
	int64_t t = today_us + 100 * US_PER_S;
	struct store_sample in[] = { { speed, t, 1, NULL, 0 }, { 4711, t, 2, NULL, 0 } };
	struct store_live unknown = { 4711, t, "1", QUALITY_GOOD };
	struct store_batch b = { .sample = in, .n_samples = 2, .spool = "refused", .position = 5 };
	uint64_t position = 9;
	check_int(store_pg_append(st, &b), ERR_NOT_FOUND, "a sample of an unknown series");
	check_str(read_back(speed, t, t, t + US_PER_S, 9), "", "nothing of the batch is kept");
	check_int(store_pg_position(st, "refused", &position), ERR_OK, "ask for its position");
	check_int(position, 0, "not even its position");
	b = (struct store_batch){ .live = &unknown, .n_live = 1 };
	check_int(store_pg_append(st, &b), ERR_NOT_FOUND, "a live value of an unknown series");
	struct store_sample text[] = { { speed, t, 1, NULL, 0 }, { speed, t, NAN, "\xc3", 0 } };
	check_int(append(text, 2), ERR_INTERNAL, "a text that is not Unicode");
	check_str(read_back(speed, t, t, t + US_PER_S, 9), "", "nothing of it is kept either");
	text[1] = (struct store_sample){ speed, TIME_NONE, 1, NULL, 0 };
	check_int(append(text, 2), ERR_INTERNAL, "a sample without a time");
	check_int(store_pg_append(st, &(struct store_batch){ 0 }), ERR_OK, "an empty batch");
}

/* Once in staging, once in chunks. */
static void read_days(const char *where)
{
	int64_t t = today_us;
	check_str(read_back(speed, t, t - DAY_US - 1, t + 1, 9), "-86400:3 -86400:2 -1e-06:1", "%s: one query crosses days", where);
	check_str(read_back(speed, t, TIME_NONE, t - 2 * DAY_US, 1), "-2.6784e+06:5", "%s: a month ago is found from the beginning of time", where);
	check_str(read_back(speed, t, t + DAY_US, INT64_MAX - 1, 9), "172800:4", "%s: the future as well", where);
	check_str(read_back(speed, OLD_US, OLD_US, OLD_US + DAY_US, 9), "0:10 86400:'b'/bad", "%s: absurd times are found", where);
	check_str(read_back(speed, OLD_US, TIME_NONE, OLD_US + 1, 9), "-2.11845e+11:14 0:10", "%s: from the first instant that the database knows", where);
	check_str(read_back(speed, OLD_US, OLD_US, OLD_US + 2 * DAY_US, 9), "0:10 86400:'b'/bad 86400:12", "%s: nothing is lost or doubled", where);
}

static void days(void)
{
	int64_t t = today_us;
	struct store_sample some[] = {
		{ speed, t - 1, 1, NULL, 0 }, { speed, t - DAY_US, 2, NULL, 0 }, { speed, t - DAY_US - 1, 3, NULL, 0 }, { speed, t + 2 * DAY_US, 4, NULL, 0 },
		{ speed, t - 31 * DAY_US, 5, NULL, 0 },
		{ speed, OLD_US, 10, NULL, 0 }, { speed, OLD_US + DAY_US - 1, NAN, "b", QUALITY_BAD }, { speed, OLD_US + DAY_US, 12, NULL, 0 },
		{ speed, INT64_MAX, 13, NULL, 0 }, { speed, INT64_MIN + 1, 14, NULL, 0 },
	};
	check_int(append(some, 10), ERR_OK, "samples on both sides of midnight, and of absurd times");
	read_days("staged");
	check_int(store_pg_settle(whole), ERR_OK, "they are compacted");
	check_str(ask("SELECT count(*) FROM twinshell.sample"), "0", "nothing is staged any more");
	check_str(ask("SELECT count(*) FROM twinshell.staging"), "1", "nor are there empty generations");
	read_days("in chunks");
	check_str(ask("SELECT bool_and(day = (t0 AT TIME ZONE 'UTC')::date AND day = (t1 AT TIME ZONE 'UTC')::date) FROM twinshell.chunk"), "t",
		  "a chunk ends at midnight (UTC)");
	check_str(ask("SELECT sum(n) FROM twinshell.chunk_default"), "5", "what is absurd is in the default partition");
	check_str(ask("SELECT twinshell.stretch_make('chunk', '2001-01-01')"), "t", "the partition of such a day is made later");
	check_str(ask("SELECT sum(n) FROM twinshell.chunk_default"), "2", "what belongs to it has moved");
	check_str(ask("SELECT sum(n) FROM twinshell.chunk_20010101"), "3", "there");
	read_days("after it has moved");
	check_str(ask("SELECT twinshell.stretch_make('chunk', '2001-01-07')"), "f", "to make it once more does no harm");
	check_str(ask("SELECT count(*) FROM twinshell.rollup_1m WHERE bucket = '2001-01-01'"), "1", "minutes of absurd times are kept, too");
}

/* A partition that cannot be made now, as when somebody may not make tables. */
static void days_refused(void)
{
	struct store_sample s = { speed, today_us - 200 * DAY_US, 20, NULL, 0 };
	ask("ALTER FUNCTION twinshell.stretch_make(text, date) RENAME TO hidden");
	check_int(append(&s, 1), ERR_OK, "a sample");
	check_int(store_pg_settle(whole), ERR_OK, "a partition cannot be made, it is compacted");
	ask("ALTER FUNCTION twinshell.hidden(text, date) RENAME TO stretch_make");
	check_str(ask("SELECT count(*) FROM twinshell.chunk_default WHERE max = 20"), "1", "into the default partition");
	s.num = 21;
	check_int(append(&s, 1), ERR_OK, "another one");
	check_int(store_pg_settle(whole), ERR_OK, "afterwards it can");
	check_str(ask("SELECT count(*) FROM twinshell.chunk_default WHERE max IN (20, 21)"), "0", "and the sample has moved");
	check_str(read_back(speed, s.time_us, s.time_us, s.time_us + 1, 9), "0:20 0:21", "both are there");
}

/* -- live ------------------------------------------------------------------------------------------------------------------------------ */
static void live_row(void *ctx, const char *submodel_id, const char *path, const struct store_live *l)
{
	struct buf *b = ctx;
	char time[TIME_TEXT_MAX] = "-";
	if (l->time_us != TIME_NONE)
		time_format(time, l->time_us);
	buf_printf(b, "%s%s %s=%s %s %s%s", b->n ? "; " : "", strcmp(submodel_id, SM) ? submodel_id : "SM", path, l->text ? l->text : "(none)",
		   quality_name(l->quality), time, l->series == speed || l->series == state ? "" : " other");
}

static const char *all_live(void)
{
	struct buf b = BUF_INIT;
	enum err e = store_pg_live(st, live_row, &b);
	const char *text = e ? err_info[e].name : arena_strdup(arena, b.n ? b.p : "");
	buf_fini(&b);
	return text;
}

static void live(void)
{
	struct store_live in[] = { { speed, OLD_US, "1500.5", QUALITY_GOOD }, { state, OLD_US + 5, "2026-01-02T03:04:05Z", QUALITY_STALE } };
	struct store_batch b = { .live = in, .n_live = 2 };
	bool speed_first = speed < state;
	check_str(all_live(), "", "no live values yet");
	check_int(store_pg_append(st, &b), ERR_OK, "live values are written");
	check_str(all_live(), speed_first ? "SM Speed=1500.5 good 2001-01-01T00:00:00Z; SM State=2026-01-02T03:04:05Z stale 2001-01-01T00:00:00.000005Z" :
		  "SM State=2026-01-02T03:04:05Z stale 2001-01-01T00:00:00.000005Z; SM Speed=1500.5 good 2001-01-01T00:00:00Z", "and read");
	check_str(ask("SELECT l.num || ' ' || (l.bool IS NULL) || ' ' || (value_ts IS NULL) FROM twinshell.live l JOIN twinshell.series r ON r.id = series WHERE path = 'Speed'"),
		  "1500.5 true true", "a number is typed");
	check_str(ask("SELECT (l.num IS NULL) || ' ' || (l.bool IS NULL) || ' ' || extract(epoch FROM value_ts)::int FROM twinshell.live l JOIN twinshell.series r ON r.id = series"
		      " WHERE path = 'State'"), "true true 1767323045", "a time is typed");
	in[0] = (struct store_live){ state, TIME_NONE, NULL, QUALITY_BAD };
	in[1] = (struct store_live){ speed, OLD_US, "true", QUALITY_UNCERTAIN };
	check_int(store_pg_append(st, &b), ERR_OK, "they are written again");
	check_str(all_live(), speed_first ? "SM Speed=true uncertain 2001-01-01T00:00:00Z; SM State=(none) bad -" :
		  "SM State=(none) bad -; SM Speed=true uncertain 2001-01-01T00:00:00Z", "the newer ones stand");
	check_str(ask("SELECT l.bool || ' ' || (l.num IS NULL) FROM twinshell.live l WHERE value = 'true'"), "true true", "a boolean is typed");
	check_str(ask("SELECT bool_and(l.num IS NULL AND l.bool IS NULL AND value_ts IS NULL AND ts IS NULL) FROM twinshell.live l WHERE value IS NULL"), "t",
		  "no value has no types");
	in[1].text = "INF";
	check_int(store_pg_append(st, &b), ERR_OK, "infinity");
	check_str(ask("SELECT l.num IS NULL FROM twinshell.live l WHERE value = 'INF'"), "t", "is no number for SQL");
}

static void count_row(void *ctx, const char *submodel_id, const char *path, const struct store_live *l)
{
	(void)submodel_id;
	(void)path;
	*(int64_t *)ctx += l->quality == QUALITY_SIMULATED;
}

static void many_live(void)
{
	int64_t n = 0;
	ask("INSERT INTO twinshell.series (id, submodel, submodel_id, path) SELECT n, 1, 'urn:many', 'P' || n FROM generate_series(1, 20500) n");
	ask("INSERT INTO twinshell.live (series, quality) SELECT n, 2 FROM generate_series(1, 20500) n");
	check_int(store_pg_live(st, count_row, &n), ERR_OK, "more live values than one page");
	check_int(n, 20500, "come whole");
	ask("DELETE FROM twinshell.live WHERE quality = 2");
	ask("DELETE FROM twinshell.series WHERE submodel_id = 'urn:many'");
}

/* -- position, and what is sent twice -------------------------------------------------------------------------------------------------- */
static uint64_t position(const char *spool)
{
	uint64_t p = 99;
	check_int(store_pg_position(st, spool, &p), ERR_OK, "position of %s", spool);
	return p;
}

static void sent_twice(void)
{
	int64_t t = today_us + 300 * US_PER_S;
	struct store_sample in[] = { { speed, t, 1, NULL, 0 }, { speed, t + US_PER_S, NAN, "x", 0 } };
	struct store_live l = { speed, t, "1", QUALITY_GOOD };
	struct store_batch b = { in, 2, &l, 1, "plant 1", 4096 };
	check_int(position("plant 1"), 0, "a spool that was never seen");
	check_int(store_pg_append(st, &b), ERR_OK, "a batch of a spool");
	check_int(position("plant 1"), 4096, "moves its position");
	check_int(position("plant 2"), 0, "and no other");
	check_int(store_pg_append(st, &b), ERR_OK, "the same batch again, because the answer was lost");
	check_str(read_back(speed, t, t, t + 9 * US_PER_S, 9), "0:1 1:'x'", "is stored once");
	in[0].num = 2;
	check_int(store_pg_append(st, &b), ERR_OK, "another one that does not move the position");
	check_str(read_back(speed, t, t, t + 9 * US_PER_S, 9), "0:1 0:2 1:'x' 1:'x'", "is stored");
	b = (struct store_batch){ .spool = "plant 1", .position = UINT64_C(1) << 40 };
	check_int(store_pg_append(st, &b), ERR_OK, "a position alone");
	check_int(position("plant 1"), INT64_C(1) << 40, "is kept");
}

static void *append_batch(void *b)
{
	return (void *)(intptr_t)store_pg_append(st, b);
}

#define BLOCKED "FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
#define WAIT_BLOCKED \
	"DO $$ BEGIN LOOP PERFORM pg_stat_clear_snapshot(); EXIT WHEN EXISTS (SELECT " BLOCKED "); PERFORM pg_sleep(0.005); END LOOP; END $$"

/* The connection was lost, but the server still works on the first try when the second one comes.  Here the test is the first try. */
static void sent_twice_at_once(void)
{
	struct store_sample in = { speed, today_us + 350 * US_PER_S, 1, NULL, 0 };
	struct store_batch b = { .sample = &in, .n_samples = 1, .spool = "plant 3", .position = 7 };
	pthread_t thread;
	void *e;
	check_int(store_pg_append(st, &b), ERR_OK, "a batch");
	ask("CREATE TABLE public.kept AS SELECT batch FROM twinshell.spool WHERE name = 'plant 3'; ");
	ask("UPDATE twinshell.spool SET batch = 0 WHERE name = 'plant 3'");
	check_int(pg_script(pg, "BEGIN; UPDATE twinshell.spool SET batch = (SELECT batch FROM public.kept) WHERE name = 'plant 3'", NULL), ERR_OK,
		  "a first try that is not yet committed");
	pthread_create(&thread, NULL, append_batch, &b);
	check_int(pg_script(pg, WAIT_BLOCKED, NULL), ERR_OK, "a second try waits for it");
	check_int(pg_script(pg, "COMMIT", NULL), ERR_OK, "the first one is committed");
	pthread_join(thread, &e);
	check_int((intptr_t)e, ERR_OK, "the second one is done");
	check_str(read_back(speed, in.time_us, in.time_us, in.time_us + 1, 9), "0:1", "the batch is stored once");
}

/* -- commands ------------------------------------------------------------------------------------------------------------------------------ */
static void commands(void)
{
	struct store_command c = { "0d8e", SM, "Stop", "plant/cmd", "{\"a\":1}", "sent", "", "act", OLD_US, TIME_NONE };
	check_int(store_pg_command(st, &c), ERR_OK, "a command is recorded");
	check_str(ask("SELECT path || topic || payload || state || reason || mode || (answered_at IS NULL) FROM report.command WHERE command_id = '0d8e'"),
		  "Stopplant/cmd{\"a\":1}sentacttrue", "as it was sent");
	c.state = "rejected";
	c.reason = "locked";
	c.answered_us = OLD_US + 1500000;
	check_int(store_pg_command(st, &c), ERR_OK, "it is answered");
	check_str(ask("SELECT state || ' ' || reason || ' ' || duration_s FROM report.command WHERE command_id = '0d8e'"), "rejected locked 1.5", "and how");
	c.submodel_id = "urn:other";
	c.topic = c.payload = c.reason = c.mode = NULL;
	check_int(store_pg_command(st, &c), ERR_OK, "the same id at another submodel, texts absent");
	check_str(ask("SELECT count(*) FROM twinshell.command WHERE id = '0d8e'"), "2", "is another command");
	check_str(ask("SELECT count(*) FROM twinshell.command WHERE submodel = twinshell.key_of(submodel_id)"), "2", "kept at its submodel");
}

/* The server ends the connection in the middle of the COPY. */
static void lost_in_copy(void)
{
	struct store_sample in = { speed, today_us + 360 * US_PER_S, 1, NULL, 0 };
	struct store_batch b = { .sample = &in, .n_samples = 1, .spool = "plant 4", .position = 7 };
	pthread_t thread;
	void *e;
	check_int(pg_script(pg, "BEGIN; LOCK TABLE twinshell.sample IN ACCESS EXCLUSIVE MODE", NULL), ERR_OK, "samples cannot be written now");
	pthread_create(&thread, NULL, append_batch, &b);
	check_int(pg_script(pg, WAIT_BLOCKED, NULL), ERR_OK, "a batch waits");
	check_str(ask("SELECT count(*) " BLOCKED " AND query LIKE 'COPY%'"), "1", "in its COPY");
	check_str(ask("SELECT bool_and(pg_terminate_backend(pid, 10000)) " BLOCKED), "t", "its connection is ended");
	check_int(pg_script(pg, WAIT_BLOCKED, NULL), ERR_OK, "it is started over");
	check_int(pg_script(pg, "COMMIT", NULL), ERR_OK, "samples can be written");
	pthread_join(thread, &e);
	check_int((intptr_t)e, ERR_OK, "the batch is stored");
	check_str(read_back(speed, in.time_us, in.time_us, in.time_us + 1, 9), "0:1", "once");
}

/* -- lost connections ------------------------------------------------------------------------------------------------------------------------ */
static void lost(const struct database *db)
{
	struct store_sample s = { speed, today_us + 400 * US_PER_S, 1, NULL, 0 };
	static const char kill_others[] =
		"SELECT count(pg_terminate_backend(pid, 10000)) > 0 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
	check_str(ask(kill_others), "t", "the server ends the connections");
	check_int(append(&s, 1), ERR_OK, "the next batch goes over a new one");
	check_str(ask(kill_others), "t", "once more");
	check_str(read_back(speed, s.time_us, s.time_us, s.time_us + 1, 9), "0:1", "samples as well");
	struct pg_store gone = { .pool = pg_pool_new("host=/nonexistent connect_timeout=1", 1, 0) };
	uint64_t p;
	struct pg *keep;
	check_int(store_pg_position(&gone.base, "x", &p), ERR_UNAVAILABLE, "no server");
	check_int(store_pg_append(&gone.base, &(struct store_batch){ .sample = &s, .n_samples = 1 }), ERR_UNAVAILABLE, "no server for a batch");
	pg_pool_free(gone.pool);
	struct pg_store busy = { .pool = pg_pool_new(db->conninfo, 1, 0) };
	check_int(pg_take(busy.pool, &keep), ERR_OK, "the only connection is in use");
	check_int(store_pg_position(&busy.base, "x", &p), ERR_UNAVAILABLE, "no other becomes free");
	pg_give(busy.pool, keep);
	pg_pool_free(busy.pool);
}

/* -- invocations ----------------------------------------------------------------------------------------------------------------------- */
#define CALLS "SELECT string_agg(concat_ws(' ', state, asynchronous, actor, request, inputs, outputs, message, ended_at - requested_at), ', ')" \
	" FROM report.invocation WHERE submodel_id = '" SM "' AND path = 'Start'"

static void invocations(void)
{
	struct store_invoked i = { "op.1", SM, "Start", "rest:me", "r1", "Initiated", NULL, "[1]", NULL, true, today_us, TIME_NONE };
	check_int(store_pg_invoked(st, &i), ERR_OK, "an invocation is recorded");
	check_str(ask(CALLS), "Initiated t rest:me r1 [1]", "as it began");
	i = (struct store_invoked){ "op.1", SM, "Start", NULL, NULL, "Failed", "locked", NULL, "[2]", true, today_us, today_us + 3 * US_PER_S };
	check_int(store_pg_invoked(st, &i), ERR_OK, "it has ended");
	check_str(ask(CALLS), "Failed t rest:me r1 [1] [2] locked 00:00:03", "it is one row, and what was known stays");
	i.handle = "op.2";
	check_int(store_pg_invoked(st, &i), ERR_OK, "another one at the same time");
	check_str(ask("SELECT count(*) FROM report.invocation WHERE path = 'Start'"), "2", "is another row");
	check_str(ask("SELECT count(*) FROM twinshell.operation_call t, twinshell.operation_call c WHERE t::text LIKE '%op.%'"), "0", "no handle can be read");
}

#define PARTS "SELECT string_agg(inhrelid::regclass::text, ' ' ORDER BY inhrelid::regclass::text) FROM pg_inherits WHERE inhparent = 'twinshell.operation_call'::regclass"

/* Four weeks each. */
static void invocations_care(void)
{
	struct store_invoked i = { "op.3", SM, "Old", NULL, NULL, "Completed", NULL, NULL, NULL, false, OLD_US, OLD_US };
	const char *before = ask(PARTS);
	check_int(store_pg_invoked(st, &i), ERR_OK, "one of long ago");
	check_str(ask("SELECT count(*) FROM twinshell.operation_call_default"), "1", "has no partition");
	store_pg_care_calls(pg, OLD_US / DAY_US);
	check_str(ask("SELECT count(*) FROM twinshell.operation_call_default"), "0", "it gets one");
	check_str(ask("SELECT count(*) > 1 FROM pg_inherits WHERE inhparent = 'twinshell.operation_call'::regclass AND inhrelid::regclass::text LIKE '%_200_____'"),
		  "f", "and no more than that, while the next one is far");
	store_pg_care_calls(pg, OLD_US / DAY_US + 26);
	check_str(ask("SELECT count(*) FROM pg_inherits WHERE inhparent = 'twinshell.operation_call'::regclass AND inhrelid::regclass::text LIKE '%_200_____'"),
		  "2", "the next one is made ahead");
	store_pg_care_calls(pg, today_us / DAY_US);
	check_str(ask("SELECT count(*) FROM report.invocation WHERE path = 'Old'"), "1", "nothing goes while history is kept for ever");
	ask("INSERT INTO twinshell.feed_cut (position, hash, kept_since) VALUES (0, '', now() - interval '1 year')"
	    " ON CONFLICT (single) DO UPDATE SET kept_since = excluded.kept_since");
	store_pg_care_calls(pg, today_us / DAY_US);
	check_str(ask("SELECT count(*) FROM report.invocation WHERE path = 'Old'"), "0", "with the history of its time it goes");
	check_str(ask("SELECT count(*) FROM report.invocation WHERE path = 'Start'"), "2", "what is younger stays");
	check_str(ask(PARTS), before, "and so do its partitions");
}

int main(void)
{
	struct database db;
	struct diag d = DIAG_INIT;
	if (!database_cluster())
		return skip_all(DATABASE_SKIP);
	arena = arena_new(0);
	database_make(&db, "series", "ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'");
	if (!check_int(pg_open(db.conninfo, &pg, &d), ERR_OK, "connect") || !check_int(pg_migrate(pg, NULL, &d), ERR_OK, "the schema: %s", d.n ? d.list[0].text : ""))
		return done();
	if (!check((whole = store_pg_open(db.conninfo, 4, &d)) != NULL, "the store"))
		return done();
	store.pool = pg_pool_new(db.conninfo, 4, 10 * US_PER_S);
	today_us = clock_now_us() / DAY_US * DAY_US;
	series();
	series_at_once();
	samples();
	refused();
	days();
	days_refused();
	live();
	many_live();
	sent_twice();
	sent_twice_at_once();
	commands();
	invocations();
	invocations_care();
	lost_in_copy();
	lost(&db);
	whole->ops->close(whole);
	pg_pool_free(store.pool);
	pg_close(pg);
	database_drop(&db);
	arena_free(arena);
	diag_fini(&d);
	return done();
}
