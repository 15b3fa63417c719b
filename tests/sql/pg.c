/* SPDX-License-Identifier: Apache-2.0
 * The connection layer on a real PostgreSQL: what goes over the wire comes back, every error has its name, and a connection that is lost
 * is made again where that can do no harm. */
#include "sql/pg.h"

#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>

#include "base/clock.h"
#include "sql/migrate.h"
#include "tests/database.h"

static struct database db;
static struct arena *ar;
static struct pg *pg, *other;		/* `other` looks at what `pg` does, and ends it */

static const char *say(enum err e)
{
	return err_info[e].name;
}

static const char *ask_of(struct pg *c, const char *sql)
{
	struct diag d = DIAG_INIT;
	const char *answer = NULL;
	char why[600];
	if (pg_ask(c, ar, sql, NULL, 0, &answer, &d))
		answer = arena_strdup(ar, diag_first(&d, why, sizeof why));
	diag_fini(&d);
	return answer ? answer : "(null)";
}

static const char *ask(const char *sql)
{
	return ask_of(other, sql);
}

static void script(const char *sql)
{
	check_str(say(pg_script(other, sql, NULL)), "OK", "%.60s", sql);
}

static enum err run_text(enum pg_statement st, const char *text)
{
	struct pg_args a;
	struct pg_call c = { .st = st, .args = &a };
	pg_args_init(&a);
	pg_arg_text(&a, text);
	enum err e = pg_run(pg, &c, 1);
	pg_clear(&c, 1);
	pg_args_fini(&a);
	return e;
}

/* The first version of a shell, by nobody; its place in the outbox can be taken once. */
static void created_args(struct pg_args *a)
{
	pg_arg_int2(a, 0);
	pg_arg_int8(a, 1);
	pg_arg_text(a, NULL);
	pg_arg_text(a, NULL);
	pg_arg_time(a, TIME_NONE);
}

/* Inserts a row that can be there once. */
static enum err insert(const char *name)
{
	struct pg_args a;
	struct pg_call c = { .st = PG_created, .args = &a };
	pg_args_init(&a);
	pg_arg_text(&a, name);
	created_args(&a);
	enum err e = pg_run(pg, &c, 1);
	pg_clear(&c, 1);
	pg_args_fini(&a);
	return e;
}

static enum err ping(void)
{
	struct pg_call c = { .st = PG_ping };
	enum err e = pg_run(pg, &c, 1);
	pg_clear(&c, 1);
	return e;
}

/* Ends the server process of `pg`, and waits until it is gone; `pg` has not heard of it. */
static void kill_it(void)
{
	const char *gone = arena_printf(ar, "SELECT pg_terminate_backend(%d, 30000)", pg_pid(pg));
	check_str(ask(gone), "t", "its server process is ended");
}

/* -- encodings ---------------------------------------------------------------------------------------------------------------------- */
#define Y2024 INT64_C(1704067200000000)

static void copy_fields(void)
{
	struct buf b = BUF_INIT;
	pg_copy_row(&b, 8);
	pg_item_int8(&b, INT64_MIN);
	pg_item_int4(&b, -2);
	pg_item_int2(&b, INT16_MAX);
	pg_item_bool(&b, true);
	pg_item_num(&b, 0.1);
	pg_item_time(&b, Y2024 + 1);
	pg_item_text(&b, "it's \\N\t\xF0\x9F\x94\xA7");
	pg_item_slice(&b, SLICE("a\0b\\"));
	pg_copy_row(&b, 8);
	pg_item_int8(&b, INT64_MAX);
	pg_item_int4(&b, INT32_MIN);
	pg_item_int2(&b, INT16_MIN);
	pg_item_bool(&b, false);
	pg_item_num(&b, -1.7976931348623157e308);
	pg_item_time(&b, -1);
	pg_item_text(&b, "");
	pg_item_slice(&b, SLICE(""));
	pg_copy_row(&b, 8);
	pg_item_null(&b);
	pg_item_null(&b);
	pg_item_null(&b);
	pg_item_null(&b);
	pg_item_num(&b, NAN);
	pg_item_time(&b, TIME_NONE);
	pg_item_text(&b, NULL);
	pg_item_slice(&b, (struct slice){ NULL, 0 });
	pg_copy_row(&b, 8);
	pg_item_int8(&b, 1);
	pg_item_int4(&b, 1);
	pg_item_int2(&b, 1);
	pg_item_null(&b);
	pg_item_num(&b, -0.0);
	pg_item_time(&b, INT64_MIN + 1);
	pg_item_text(&b, "first and last instant");
	pg_item_null(&b);
	script("CREATE TABLE public.copied (n serial, a bigint, b integer, c smallint, d boolean, e float8, f timestamptz, g text, h bytea)");
	check_str(say(pg_begin(pg, PG_WRITE)), "OK", "begin");
	check_str(say(pg_copy(pg, "COPY public.copied (a, b, c, d, e, f, g, h) FROM STDIN (FORMAT binary)", buf_view(&b))), "OK", "COPY as the first thing");
	check_str(ask("SELECT count(*) FROM public.copied"), "0", "inside its transaction");
	check_str(say(pg_commit(pg)), "OK", "commit");
	static const char row[] = "SELECT concat_ws('|', a, b, c, d, e, f, g, h) FROM public.copied WHERE n = %d";
	check_str(ask(arena_printf(ar, row, 1)), "-9223372036854775808|-2|32767|t|0.1|2024-01-01 00:00:00.000001+00|it's \\N\t\xF0\x9F\x94\xA7|\\x6100625c", "every type");
	check_str(ask(arena_printf(ar, row, 2)), "9223372036854775807|-2147483648|-32768|f|-1.7976931348623157e+308|1969-12-31 23:59:59.999999+00||\\x", "limits, empty texts");
	check_str(ask("SELECT num_nonnulls(a, b, c, d, e, f, g, h)::text FROM public.copied WHERE n = 3"), "0", "NULL of every type; NaN and no time are NULL");
	check_str(ask(arena_printf(ar, row, 4)), "1|1|1|-0|4714-11-24 00:00:00+00 BC|first and last instant", "a time before all times is the first one");
	buf_fini(&b);
}

static void copy_much(void)
{
	struct buf b = BUF_INIT;
	for (int i = 0; i < 100000; i++) {
		pg_copy_row(&b, 1);
		pg_item_int8(&b, i);
	}
	pg_begin(pg, PG_WRITE);
	check_str(say(pg_copy(pg, "COPY public.copied (a) FROM STDIN (FORMAT binary)", buf_view(&b))), "OK", "%zu bytes", b.n);
	check_str(say(pg_copy(pg, "COPY public.copied (a) FROM STDIN (FORMAT binary)", SLICE(""))), "OK", "and no row at all");
	check_str(say(pg_commit(pg)), "OK", "commit");
	check_str(ask("SELECT count(*) || ' ' || sum(a) FROM public.copied WHERE n > 4"), "100000 4999950000", "all of them are there");
	pg_begin(pg, PG_WRITE);
	check_str(say(pg_copy(pg, "COPY public.copied (a) FROM STDIN (FORMAT binary)", (struct slice){ b.p, b.n - 3 })), "INTERNAL", "a row that is cut off");
	check_str(say(pg_copy(pg, "COPY public.copied (a) FROM STDIN (FORMAT binary)", SLICE(""))), "AGAIN", "nothing works after that");
	check_str(say(pg_commit(pg)), "AGAIN", "nor can it be committed");
	pg_begin(pg, PG_WRITE);
	check_str(say(pg_copy(pg, "COPY public.none FROM STDIN (FORMAT binary)", SLICE(""))), "INTERNAL", "no such table");
	pg_rollback(pg);
	check_str(say(pg_copy(pg, "SELECT 1", SLICE(""))), "INTERNAL", "not a COPY");
	pg_begin(pg, PG_READ);
	check_str(say(pg_copy(pg, "COPY public.copied (a) FROM STDIN (FORMAT binary)", SLICE(""))), "UNAVAILABLE", "a reader does not write");
	pg_rollback(pg);
	check_str(say(ping()), "OK", "the connection is as good as before");
	check_str(ask("SELECT count(*)::text FROM public.copied WHERE n > 4"), "100000", "and nothing was added");
	buf_fini(&b);
}

/* live_put takes arrays of every type but int4; live_page gives scalars back. */
static void arrays(void)
{
	struct pg_args a[3];
	struct pg_call c[] = { { .st = PG_live_put, .args = &a[0] }, { .st = PG_live_page, .args = &a[1] }, { .st = PG_staged, .args = &a[2] } };
	pg_args_init(&a[0]);
	struct buf *id = pg_arg_array(&a[0], PG_INT8), *ts = pg_arg_array(&a[0], PG_TIMESTAMPTZ), *num = pg_arg_array(&a[0], PG_FLOAT8);
	struct buf *vts = pg_arg_array(&a[0], PG_TIMESTAMPTZ), *q = pg_arg_array(&a[0], PG_INT2), *b = pg_arg_array(&a[0], PG_BOOL), *text = pg_arg_array(&a[0], PG_TEXT);
	for (int i = 0; i < 3; i++) {
		pg_item_int8(id, i ? i : INT64_MIN);
		pg_item_time(ts, i ? Y2024 + i : TIME_NONE);
		pg_item_num(num, i ? i / 3.0 : INFINITY);
		pg_item_time(vts, Y2024 - 1);
		pg_item_int2(q, (int16_t)(i - 1));
		if (i)
			pg_item_bool(b, i == 1);
		else
			pg_item_null(b);
		pg_item_text(text, i == 0 ? NULL : i == 1 ? "" : "{\"a\",NULL,\\'}");
	}
	pg_begin(pg, PG_WRITE);
	check_str(say(pg_run(pg, c, 1)), "OK", "arrays of many types");
	pg_clear(c, 1);
	check_str(say(pg_commit(pg)), "OK", "commit");
	check_str(ask("SELECT string_agg(concat_ws('|', series, coalesce(ts::text, '-'), coalesce(num::text, '-'), value_ts, quality, coalesce(bool::text, '-'),"
		      " coalesce(value, '-')), '; ' ORDER BY series) FROM twinshell.live"),
		  "-9223372036854775808|-|-|2023-12-31 23:59:59.999999+00|-1|-|-; 1|2024-01-01 00:00:00.000001+00|0.3333333333333333|2023-12-31 23:59:59.999999+00|0|true|; "
		  "2|2024-01-01 00:00:00.000002+00|0.6666666666666666|2023-12-31 23:59:59.999999+00|1|false|{\"a\",NULL,\\'}", "item by item, NULL where there is none");
	script("INSERT INTO twinshell.series SELECT s, 0, 'urn:' || s, 'P' FROM unnest(ARRAY[-9223372036854775808, 1, 2]) AS s;"
	       "INSERT INTO twinshell.sample_g2 VALUES (1, '2024-01-01', 'NaN', 3, NULL), (1, '2024-01-02', 'Infinity', 4, 'x'), (1, 'infinity', NULL, 0, ''),"
	       " (1, '1960-01-01 00:00:00.5', -0.1, -1, 'early')");
	pg_args_init(&a[1]);
	pg_arg_int8(&a[1], INT64_MIN);
	pg_arg_int8(&a[1], 10);
	pg_args_init(&a[2]);
	pg_arg_int8(&a[2], 1);
	pg_arg_time(&a[2], INT64_MIN + 1);
	pg_arg_time(&a[2], INT64_MAX);
	pg_arg_int8(&a[2], 10);
	check_str(say(pg_run(pg, c + 1, 2)), "OK", "two questions in one round trip, without a transaction");
	check(c[1].n == 2 && pg_int8(&c[1], 0, 0) == 1 && pg_time(&c[1], 1, 1) == Y2024 + 2 && pg_int2(&c[1], 1, 3) == 1, "numbers and times");
	check(!pg_null(&c[1], 0, 2) && pg_slice(&c[1], 0, 2).n == 0 && pg_slice(&c[1], 0, 2).p, "an empty text is not NULL");
	check_str(pg_str(&c[1], 1, 2), "{\"a\",NULL,\\'}", "a text");
	check_int(c[2].n, 3, "infinity is behind the last time");
	check(c[2].n == 3 && isinf(pg_float8(&c[2], 0, 1)) && isnan(pg_float8(&c[2], 1, 1)) && pg_float8(&c[2], 2, 1) == -0.1, "every double");
	check(c[2].n == 3 && pg_null(&c[2], 1, 2) && !pg_str(&c[2], 1, 2) && pg_int2(&c[2], 2, 3) == -1, "NULL, and a negative number");
	check(c[2].n == 3 && pg_time(&c[2], 2, 0) == -INT64_C(315619199500000), "a time before 1970");
	pg_clear(c + 1, 2);
	for (int i = 0; i < 3; i++)
		pg_args_fini(&a[i]);
}

static void limits(void)
{
	struct pg_args a;
	struct pg_call c[PG_CALLS_MAX + 1];
	pg_args_init(&a);
	for (int i = 0; i <= PG_ARGS_MAX; i++)
		pg_arg_int8(&a, i);
	check(a.failed && a.n == PG_ARGS_MAX, "too many arguments are noticed");
	check(!pg_arg_array(&a, PG_TEXT), "and arrays too");
	pg_item_text(NULL, "x");
	pg_item_int8(NULL, 1);
	c[0] = (struct pg_call){ .st = PG_position, .args = &a };
	pg_begin(pg, PG_WRITE);
	check_str(say(pg_run(pg, c, 1)), "NO_MEMORY", "they are not sent");
	check_str(say(pg_commit(pg)), "AGAIN", "and what is left cannot be committed");
	pg_args_fini(&a);
	pg_args_init(&a);
	struct buf *b = pg_arg_array(&a, PG_TEXT);
	b->limit = 30;
	char much[2000];
	memset(much, 'x', sizeof much);
	pg_item_slice(b, (struct slice){ much, sizeof much });
	check_str(say(pg_run(pg, c, 1)), "NO_MEMORY", "an array that did not fit");
	pg_args_fini(&a);
	for (unsigned i = 0; i <= PG_CALLS_MAX; i++)
		c[i] = (struct pg_call){ .st = PG_ping };
	check_str(say(pg_run(pg, c, PG_CALLS_MAX)), "OK", "%d statements in one round trip", PG_CALLS_MAX);
	check(c[0].n == 1 && c[PG_CALLS_MAX - 1].n == 1 && pg_int4(&c[PG_CALLS_MAX - 1], 0, 0) == 1, "each has its answer");
	pg_clear(c, PG_CALLS_MAX);
	check_str(say(pg_run(pg, c, PG_CALLS_MAX + 1)), "INTERNAL", "one more are refused");
	check_str(say(pg_run(pg, c, 0)), "OK", "none at all");
	pg_args_init(&a);
	pg_arg_text(&a, "x");
	pg_arg_bytes(&a, (struct slice){ NULL, 0 });
	check(a.value[0] && a.value[1] && a.length[1] == 0, "bytes that are absent are empty");
	pg_args_fini(&a);
}

/* -- errors ------------------------------------------------------------------------------------------------------------------------- */
static enum err fails(const char *sql)
{
	return pg_script(pg, sql, NULL);
}

#define RAISE(state) "DO $$ BEGIN RAISE EXCEPTION 'raised' USING ERRCODE = '" state "'; END $$"

static void names(void)
{
	static const struct {
		const char *sql;
		enum err err;
	} cases[] = {
		{ "SELEKT", ERR_INTERNAL },
		{ "SELECT 1/0", ERR_INTERNAL },
		{ "SELECT * FROM public.none", ERR_INTERNAL },
		{ "INSERT INTO twinshell.term (key, text) VALUES (1, 'u'), (1, 'v')", ERR_CONFLICT },
		{ RAISE("40001"), ERR_AGAIN }, { RAISE("40P01"), ERR_AGAIN }, { RAISE("55P03"), ERR_AGAIN }, { RAISE("57014"), ERR_UNAVAILABLE },
		{ RAISE("53200"), ERR_NO_MEMORY }, { RAISE("53100"), ERR_UNAVAILABLE }, { RAISE("25006"), ERR_UNAVAILABLE }, { RAISE("23502"), ERR_INTERNAL },
		{ RAISE("XX001"), ERR_INTERNAL }, { RAISE("08006"), ERR_AGAIN },
		{ "SET statement_timeout = '10ms'; SELECT pg_sleep(10)", ERR_UNAVAILABLE },
		{ "BEGIN READ ONLY; INSERT INTO twinshell.spool (name, position) VALUES ('r', 1)", ERR_UNAVAILABLE },
		{ "", ERR_OK }, { "SELECT 1; SELECT 2", ERR_OK },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		check_str(say(fails(cases[i].sql)), say(cases[i].err), "%.90s", cases[i].sql);
		fails("ROLLBACK; SET statement_timeout = '60s'");
	}
	struct diag d = DIAG_INIT;
	char why[600];
	const char *param[] = { "it's", NULL }, *answer = "x";
	pg_script(pg, "SELEKT", &d);
	check(strstr(diag_first(&d, why, sizeof why), "SELEKT") != NULL, "the message says what is wrong: %.80s", why);
	diag_fini(&d);
	check_str(say(pg_ask(pg, ar, "SELECT $1::text || coalesce($2, '-')", param, 2, &answer, NULL)), "OK", "ask with parameters");
	check_str(answer, "it's-", "the answer");
	pg_ask(pg, ar, "SELECT NULL", NULL, 0, &answer, NULL);
	check(!answer, "an answer that is NULL");
	check_str(say(pg_ask(pg, ar, "SELECT 1/0", NULL, 0, &answer, NULL)), "INTERNAL", "a question that fails");
}

static void transactions(void)
{
	pg_begin(pg, PG_WRITE);
	check_str(say(pg_commit(pg)), "OK", "an unused transaction");
	check_str(say((pg_begin(pg, PG_WRITE), insert("one"))), "OK", "insert");
	check_str(say(pg_commit(pg)), "OK", "commit");
	pg_begin(pg, PG_WRITE);
	insert("two");
	check_str(say(insert("one")), "CONFLICT", "a key that is there");
	check_str(say(ping()), "AGAIN", "nothing works after an error");
	check_str(say(pg_commit(pg)), "AGAIN", "commit tells that it did not happen");
	check_str(ask("SELECT count(*)::text FROM twinshell.history WHERE id = 'two'"), "0", "nothing of it is there");
	pg_begin(pg, PG_WRITE);
	check_str(say(insert("three")), "OK", "the next transaction does not suffer");
	pg_rollback(pg);
	check_str(say(pg_commit(pg)), "OK", "commit after rollback: there is none");
	check_str(ask("SELECT count(*)::text FROM twinshell.history WHERE id = 'three'"), "0", "rolled back");
	pg_begin(pg, PG_READ);
	check_str(say(insert("four")), "UNAVAILABLE", "a transaction that reads does not write");
	pg_rollback(pg);

	/* an error in the middle of a round trip: what stands before it has its answer, what stands behind is not done */
	struct pg_args a[2];
	struct pg_call c[] = { { .st = PG_ping }, { .st = PG_created, .args = &a[0] }, { .st = PG_created, .args = &a[1] }, { .st = PG_last_version, .args = &a[0] } };
	for (int i = 0; i < 2; i++) {
		pg_args_init(&a[i]);
		pg_arg_text(&a[i], i ? "five" : "one");
		created_args(&a[i]);
	}
	pg_begin(pg, PG_WRITE);
	check_str(say(pg_run(pg, c, 4)), "CONFLICT", "the first error of a round trip");
	check(c[0].n == 1 && !c[1].res && !c[2].res && !c[3].res, "results up to it");
	pg_clear(c, 4);
	pg_rollback(pg);
	check_str(ask("SELECT count(*)::text FROM twinshell.history WHERE id = 'five'"), "0", "nothing behind it was done");
	a[0].n = a[1].n = 2;	/* last_version takes two */
	c[0] = (struct pg_call){ .st = PG_last_version, .args = &a[0] };
	pg_begin(pg, PG_WRITE);
	check_str(say(pg_run(pg, c, 1)), "OK", "a statement whose preparation was skipped is prepared when it is needed again");
	check(c[0].n == 1 && pg_int8(&c[0], 0, 0) == 1, "and answers");
	pg_clear(c, 1);
	check_str(say(pg_commit(pg)), "OK", "commit");
	pg_args_fini(&a[0]);
	pg_args_fini(&a[1]);
}

/* What COMMIT itself answers: a deferred trigger speaks then. */
static void commits(void)
{
	static const struct {
		long long value;
		enum err err;
		const char *what;
	} cases[] = {
		{ 1, ERR_OK, "nothing in the way" },
		{ 2, ERR_AGAIN, "a serialisation failure at the end" },
		{ 3, ERR_CONFLICT, "a unique violation at the end" },
		{ 4, ERR_INTERNAL, "another error at the end" },
		{ 5, ERR_AGAIN, "the server ends the connection at the end, and says so" },
	};
	script("CREATE TABLE public.late (a bigint);"
	       "CREATE FUNCTION public.late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
	       " IF new.a = 2 THEN RAISE EXCEPTION 'raised' USING ERRCODE = '40001'; END IF;"
	       " IF new.a = 3 THEN RAISE EXCEPTION 'raised' USING ERRCODE = '23505'; END IF;"
	       " IF new.a = 4 THEN RAISE EXCEPTION 'raised'; END IF;"
	       " IF new.a = 5 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF; RETURN NULL; END $$;"
	       "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON public.late DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.late()");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct buf b = BUF_INIT;
		pg_copy_row(&b, 1);
		pg_item_int8(&b, cases[i].value);
		pg_begin(pg, PG_WRITE);
		pg_copy(pg, "COPY public.late FROM STDIN (FORMAT binary)", buf_view(&b));
		check_str(say(pg_commit(pg)), say(cases[i].err), "commit: %s", cases[i].what);
		buf_fini(&b);
	}
	check_str(ask("SELECT string_agg(a::text, ',') FROM public.late"), "1", "what answered OK is there, and nothing else");
	pg_begin(pg, PG_READ);
	check_str(say(ping()), "OK", "the connection is there again");
	pg_rollback(pg);
}

/* The same, with the commit in the round trip of the last statement. */
static enum err late_and_commit(long long value)
{
	struct pg_call c = { .st = PG_ping };
	struct buf b = BUF_INIT;
	pg_copy_row(&b, 1);
	pg_item_int8(&b, value);
	pg_begin(pg, PG_WRITE);
	pg_copy(pg, "COPY public.late FROM STDIN (FORMAT binary)", buf_view(&b));
	enum err e = pg_run_commit(pg, &c, 1);
	check(e || c.n == 1, "the statement has its answer");
	pg_clear(&c, 1);
	pg_rollback(pg);
	buf_fini(&b);
	return e;
}

static enum err insert_and_commit(const char *name, bool begin)
{
	struct pg_args a;
	struct pg_call c[2] = { { .st = PG_ping }, { .st = PG_created, .args = &a } };
	pg_args_init(&a);
	pg_arg_text(&a, name);
	created_args(&a);
	if (begin)
		pg_begin(pg, PG_WRITE);
	enum err e = pg_run_commit(pg, c, 2);
	pg_clear(c, 2);
	pg_args_fini(&a);
	return e;
}

/* A statement that is a transaction is never done again where nobody knows whether it was, nor on another connection. */
static void alone(void)
{
	struct pg_call c = { .st = PG_flush };
	check_str(say(pg_run_alone(pg, &c)), "OK", "a statement alone");
	check_int(c.n, 1, "has its answer");
	pg_clear(&c, 1);
	pg_begin(pg, PG_WRITE);
	check_str(say(pg_run_alone(pg, &c)), "INTERNAL", "it is none within a transaction");
	pg_rollback(pg);
	kill_it();
	check(pg_run_alone(pg, &c) != ERR_OK && !pg_alive(pg), "lost, and that was not known");
	check_str(say(pg_run_alone(pg, &c)), "AGAIN", "it makes no other connection");
	check_str(say(pg_begin(pg, PG_READ)), "OK", "others do");
	pg_rollback(pg);
	check_str(say(pg_run_alone(pg, &c)), "OK", "and there it is done");
	pg_clear(&c, 1);
}

static void commits_together(void)
{
	static const enum err errs[] = { ERR_OK, ERR_AGAIN, ERR_CONFLICT, ERR_INTERNAL, ERR_AGAIN };
	script("TRUNCATE public.late");
	for (int i = 0; i < 5; i++)
		check_str(say(late_and_commit(i + 1)), say(errs[i]), "with the commit along: case %d", i + 1);
	check_str(ask("SELECT string_agg(a::text, ',') FROM public.late"), "1", "what answered OK is there, and nothing else");
	check_str(say(insert_and_commit("together 1", true)), "OK", "a transaction that has not begun");
	pg_begin(pg, PG_WRITE);
	ping();
	check_str(say(insert_and_commit("together 2", false)), "OK", "one that has");
	pg_begin(pg, PG_WRITE);
	insert("together 3");
	check_str(say(insert_and_commit("together 1", false)), "CONFLICT", "one that fails");
	check_str(say(pg_commit(pg)), "AGAIN", "can only be rolled back");
	pg_begin(pg, PG_WRITE);
	insert("together 4");
	kill_it();
	check_str(say(insert_and_commit("together 5", false)), "AGAIN", "lost before: surely not committed");
	pg_rollback(pg);
	check_str(ask("SELECT string_agg(id, ',' ORDER BY id) FROM twinshell.history WHERE id LIKE 'together%'"), "together 1,together 2", "no more, no less");
	check_str(say((pg_begin(pg, PG_READ), ping())), "OK", "the connection is there again");
	pg_rollback(pg);
}

/* Two that wait for each other: one of them is sent back. */
struct locking {
	pthread_barrier_t *meet;
	struct pg *pg;
	const char *sql[2];
	enum err err;
};

static void *locks(void *arg)
{
	struct locking *l = arg;
	enum err e = pg_script(l->pg, "BEGIN", NULL);
	e = e ? e : pg_script(l->pg, l->sql[0], NULL);
	pthread_barrier_wait(l->meet);
	l->err = e ? e : pg_script(l->pg, l->sql[1], NULL);
	pg_script(l->pg, "ROLLBACK", NULL);
	return NULL;
}

static void dead_lock(void)
{
	pthread_barrier_t meet;
	pthread_t t;
	struct locking a = { &meet, pg, { "SELECT pg_advisory_xact_lock(1)", "SELECT pg_advisory_xact_lock(2)" }, ERR_OK };
	struct locking b = { &meet, other, { "SELECT pg_advisory_xact_lock(2)", "SELECT pg_advisory_xact_lock(1)" }, ERR_OK };
	pthread_barrier_init(&meet, NULL, 2);
	pthread_create(&t, NULL, locks, &a);
	locks(&b);
	pthread_join(t, NULL);
	pthread_barrier_destroy(&meet);
	check((a.err == ERR_AGAIN) + (b.err == ERR_AGAIN) == 1 && (!a.err || !b.err), "a dead-lock: %s, %s", say(a.err), say(b.err));
}

/* -- lost connections ---------------------------------------------------------------------------------------------------------------- */
static void lost(void)
{
	check_str(say(pg_set(pg, "lock_timeout", "7s")), "OK", "a setting of one's own");
	check_int(database_admin("ALTER DATABASE %s SET jit = on", db.name), ERR_OK, "a database that compiles what seems to be expensive");
	check_int(database_admin("ALTER DATABASE %s SET synchronous_commit = off", db.name), ERR_OK, "and that acknowledges what may be lost");
	kill_it();
	check_str(say((pg_begin(pg, PG_WRITE), insert("lost 1"))), "OK", "lost before the transaction: a new connection does it");
	check_str(say(pg_commit(pg)), "OK", "and commits it");
	check_str(ask("SELECT count(*)::text FROM twinshell.history WHERE id = 'lost 1'"), "1", "once");
	check_str(ask_of(pg, "SELECT concat_ws(' ', current_setting('search_path'), current_setting('timezone'), current_setting('plan_cache_mode'),"
			     " current_setting('jit'), current_setting('synchronous_commit'))"), "pg_catalog UTC force_generic_plan off on", "the new session has the settings of every session");
	check_str(ask_of(pg, "SELECT current_setting('lock_timeout')"), "7s", "and those of its own");

	pg_begin(pg, PG_WRITE);
	insert("lost 2");
	kill_it();
	check_str(say(insert("lost 3")), "AGAIN", "lost in the middle: start over");
	check(!pg_alive(pg), "the connection knows that it is lost");
	check_str(say(insert("lost 3")), "AGAIN", "and stays in that state");
	check_str(say(pg_commit(pg)), "AGAIN", "commit does not pretend");
	check_str(say((pg_begin(pg, PG_WRITE), insert("lost 3"))), "OK", "begin connects again");
	pg_commit(pg);

	pg_begin(pg, PG_WRITE);
	insert("lost 4");
	kill_it();
	check_str(say(pg_commit(pg)), "AGAIN", "lost before commit: surely not committed");
	pg_begin(pg, PG_WRITE);
	insert("lost 5");
	kill_it();
	pg_rollback(pg);
	check_str(say((pg_begin(pg, PG_READ), ping())), "OK", "lost before rollback: nothing to do");
	pg_rollback(pg);

	kill_it();
	struct buf b = BUF_INIT;
	pg_copy_row(&b, 1);
	pg_item_int8(&b, 77);
	pg_begin(pg, PG_WRITE);
	check_str(say(pg_copy(pg, "COPY public.copied (a) FROM STDIN (FORMAT binary)", buf_view(&b))), "OK", "lost before a COPY that begins: done on a new one");
	check_str(say(pg_commit(pg)), "OK", "commit");
	pg_begin(pg, PG_WRITE);
	insert("lost 6");
	kill_it();
	check_str(say(pg_copy(pg, "COPY public.copied (a) FROM STDIN (FORMAT binary)", buf_view(&b))), "AGAIN", "lost before a COPY in the middle");
	check_str(say(pg_commit(pg)), "AGAIN", "not committed");
	pg_begin(pg, PG_WRITE);
	buf_fini(&b);
	check_str(ask("SELECT string_agg(id, ',' ORDER BY id) FROM twinshell.history WHERE id LIKE 'lost%'"), "lost 1,lost 3", "what was answered with OK is there, and nothing else");
	check_str(ask("SELECT count(*)::text FROM public.copied WHERE a = 77 AND b IS NULL AND n > 100004"), "1", "the same of COPY");

	pg_rollback(pg);
	kill_it();
	check_str(say(fails("SELECT 1")), "AGAIN", "a script on a lost connection");
	check_str(say(fails("SELECT 1")), "UNAVAILABLE", "and when that is known");
	check_str(say(ping()), "AGAIN", "without a transaction nothing is made again");
	check_int(pg_pid(pg), 0, "it has no process");
	check_str(say(pg_begin(pg, PG_READ)), "OK", "begin makes it good");
	check_str(say(ping()), "OK", "it works");
	pg_rollback(pg);
}

/* A server process of its own, made anew when all are restarted. */
static const char *checkpointer(void)
{
	return ask("SELECT coalesce(max(pid), 0)::text FROM pg_stat_activity WHERE backend_type = 'checkpointer'");
}

/* One statement that reads, and nothing after it. */
static enum err read_and_commit(void)
{
	struct pg_call c = { .st = PG_ping };
	pg_begin(pg, PG_READ);
	enum err e = pg_run_commit(pg, &c, 1);
	check(e || c.n == 1, "the statement has its answer");
	pg_clear(&c, 1);
	return e;
}

/* How far the first of some statements is from the others. */
static void isolation(unsigned n, const char *want)
{
	static const char sql[] = "SELECT current_setting('transaction_isolation')";
	struct pg_call c[2] = { { .sql = sql }, { .sql = sql } };
	pg_begin(pg, PG_READ);
	check_str(say(pg_run_commit(pg, c, n)), "OK", "a transaction of %u that read", n);
	check_str(c[0].n ? pg_str(c, 0, 0) : "", want, "%u of them: %s", n, want);
	pg_clear(c, 2);
}

static void reads_alone(void)
{
	isolation(1, "read committed");		/* nothing was begun for it */
	isolation(2, "repeatable read");
	check_str(say(read_and_commit()), "OK", "a transaction of one statement that reads");
	check_str(ask(arena_printf(ar, "SELECT state FROM pg_stat_activity WHERE pid = %d", pg_pid(pg))), "idle", "it has ended with it");
	kill_it();
	check_str(say(read_and_commit()), "OK", "on a connection that is lost it begins on another one");
}

static void recovered(const char *before);

/* Sessions of the others, when the server ends all of them because one has crashed: it leaves a warning, and then nobody is there.  libpq can send
 * no more, reads the warning, and calls the connection a good one. */
static struct pg *witness[4];
enum { W_FRESH, W_OPEN, W_COPY, W_COMMIT };

static void open_witnesses(void)
{
	struct pg *own = pg;
	for (int i = 0; i < 4; i++) {
		check_str(say(pg_open(db.conninfo, &pg, NULL)), "OK", "witness %d", i);
		pg_begin(pg, PG_WRITE);
		if (i != W_FRESH)
			insert(arena_printf(ar, "witness %d", i));
		witness[i] = pg;
	}
	pg = own;
}

static void hear_witnesses(void)
{
	struct pg *own = pg;
	struct pg_call c = { .st = PG_ping };
	struct buf b = BUF_INIT;
	pg_copy_row(&b, 1);
	pg_item_int8(&b, 78);
	pg = witness[W_FRESH];
	check_str(say(ping()), "OK", "a transaction that has done nothing yet begins on a new connection");
	pg = witness[W_OPEN];
	check_str(say(ping()), "AGAIN", "one in the middle starts over");
	pg = witness[W_COPY];
	check_str(say(pg_copy(pg, "COPY public.copied (a) FROM STDIN (FORMAT binary)", buf_view(&b))), "AGAIN", "also before a COPY");
	pg = witness[W_COMMIT];
	enum err e = pg_run_commit(pg, &c, 1);
	check(e == ERR_AGAIN || e == ERR_UNAVAILABLE, "and with its commit: %s", say(e));
	pg_clear(&c, 1);
	for (int i = 0; i < 4; i++) {
		pg = witness[i];
		check(i == W_FRESH || !pg_alive(pg), "witness %d knows that its connection is lost", i);
		pg_rollback(pg);
		check_str(say((pg_begin(pg, PG_READ), ping())), "OK", "and makes another");
		pg_close(pg);
	}
	pg = own;
	buf_fini(&b);
}

/* A server process that dies without a word, as when the machine runs out of memory; all the others are restarted then. */
static void cut_off(void)
{
	const char *before = checkpointer();
	open_witnesses();
	pg_begin(pg, PG_WRITE);
	insert("cut off");
	kill(pg_pid(pg), SIGKILL);
	while (!kill(pg_pid(pg), 0))
		clock_sleep_us(1000);
	check_str(say(pg_commit(pg)), "AGAIN", "cut off before commit: surely not committed");
	recovered(before);
	hear_witnesses();
	check_str(ask("SELECT count(*)::text FROM twinshell.history WHERE id = 'cut off' OR id LIKE 'witness%'"), "0", "it was not");
	before = checkpointer();
	script("CREATE FUNCTION public.die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN COPY (SELECT 1) TO PROGRAM 'kill -9 $PPID'; RETURN NULL; END $$;"
	       "CREATE TABLE public.dying (a bigint); CREATE CONSTRAINT TRIGGER die AFTER INSERT ON public.dying DEFERRABLE INITIALLY DEFERRED"
	       " FOR EACH ROW EXECUTE FUNCTION public.die()");
	struct pg_call c = { .st = PG_ping };
	struct buf b = BUF_INIT;
	pg_copy_row(&b, 1);
	pg_item_int8(&b, 1);
	pg_begin(pg, PG_WRITE);
	pg_copy(pg, "COPY public.dying FROM STDIN (FORMAT binary)", buf_view(&b));
	check_str(say(pg_run_commit(pg, &c, 1)), "UNAVAILABLE", "cut off while everything was on its way: nobody knows");
	pg_clear(&c, 1);
	pg_rollback(pg);
	buf_fini(&b);
	recovered(before);
}

static bool is_new(const char *before)
{
	if (pg_open(db.conninfo, &other, NULL))
		return false;
	const char *now = checkpointer();
	if (strspn(now, "0123456789") == strlen(now) && strcmp(now, "0") && strcmp(now, before))
		return true;
	pg_close(other);
	other = NULL;
	return false;
}

/* After a crash.  For a moment the server still takes connections, which it ends when it sees that one of its processes is gone. */
static void recovered(const char *before)
{
	pg_close(other);
	for (int64_t until = clock_mono_us() + 60 * US_PER_S; !is_new(before) && clock_mono_us() < until;)
		clock_sleep_us(20000);
	check_str(say(pg_begin(pg, PG_READ)), "OK", "begin connects to the server that has recovered");
	pg_rollback(pg);
}

/* -- pool ----------------------------------------------------------------------------------------------------------------------------- */
static void *give_later(void *arg)
{
	void **pair = arg;
	clock_sleep_us(50000);
	pg_give(pair[0], pair[1]);
	return NULL;
}

static void pool(void)
{
	struct pg_pool *p = pg_pool_new(db.conninfo, 2, 20000);
	struct pg *a, *b, *c = (struct pg *)1, *was = pg;
	check_str(say(pg_take(p, &a)), "OK", "the first of two");
	check_str(say(pg_take(p, &b)), "OK", "the second of two");
	check(a != b && pg_pid(a) != pg_pid(b), "are two");
	check_str(say(pg_take(p, &c)), "UNAVAILABLE", "there is no third");
	check(!c, "nothing is handed out");
	pg = a;
	pg_begin(a, PG_WRITE);
	insert("pool");
	pg_give(p, a);
	check_str(ask(arena_printf(ar, "SELECT state FROM pg_stat_activity WHERE pid = %d", pg_pid(a))), "idle", "what was left open is rolled back");
	check_str(ask("SELECT count(*)::text FROM twinshell.history WHERE id = 'pool'"), "0", "nothing of it is there");
	check(pg_take(p, &c) == ERR_OK && c == a, "a connection that was given back is used again");
	pg = c;
	kill_it();
	pg_give(p, c);
	pg_take(p, &c);
	check_str(say((pg_begin(c, PG_WRITE), insert("pool 2"))), "OK", "also when it was lost meanwhile");
	pg_commit(c);
	pg_give(p, c);
	pg_give(p, b);
	pg_pool_free(p);

	p = pg_pool_new(db.conninfo, 1, 60 * US_PER_S);
	pg_take(p, &a);
	pthread_t t;
	pthread_create(&t, NULL, give_later, (void *[]){ p, a });
	check_str(say(pg_take(p, &b)), "OK", "whoever waits gets the one that becomes free");
	pthread_join(t, NULL);
	check(b == a, "the same");
	pg_give(p, b);
	pg_pool_free(p);

	p = pg_pool_new("host=/nowhere dbname=none connect_timeout=1", 1, 0);
	check_str(say(pg_take(p, &a)), "UNAVAILABLE", "no server");
	check_str(say(pg_take(p, &a)), "UNAVAILABLE", "a failure does not use up the pool");
	pg_pool_free(p);
	struct diag d = DIAG_INIT;
	char why[600];
	check_str(say(pg_open(arena_printf(ar, "%s dbname=none_such", database_cluster()), &a, &d)), "UNAVAILABLE", "no such database");
	check(!a && strstr(diag_first(&d, why, sizeof why), "none_such"), "the message names it: %.120s", why);
	diag_fini(&d);
	pg = was;
}

static void prepare_all(void)
{
	struct diag d = DIAG_INIT;
	struct pg *c;
	check_str(say(pg_prepare_all(pg, &d)), "OK", "every statement can be prepared on the migrated schema");
	check_str(ask_of(pg, arena_printf(ar, "SELECT (count(*) = %d)::text FROM pg_prepared_statements", PG_N_STATEMENTS)), "true", "all of them are");
	check_str(say(pg_prepare_all(pg, &d)), "OK", "a second time nothing is left to do");
	pg_open(database_cluster(), &c, NULL);
	check_str(say(pg_prepare_all(c, &d)), "INTERNAL", "without the schema they cannot");
	check(d.n > 10 && strstr(d.list[0].text, "shell_get") != NULL, "the messages name them: %.80s", d.list[0].text);
	pg_close(c);
	diag_fini(&d);
	pg_begin(pg, PG_WRITE);
	check_str(say(run_text(PG_position, "none")), "OK", "they run");
	pg_rollback(pg);
}

static enum err keeps(const char *sql, int64_t arg, int64_t *got)
{
	struct pg_args args;
	struct pg_call c = { .sql = sql, .keep = true, .args = &args };
	pg_args_init(&args);
	pg_arg_int8(&args, arg);
	pg_begin(pg, PG_READ);
	enum err e = pg_run(pg, &c, 1);
	*got = !e && c.n ? pg_int8(&c, 0, 0) : -1;
	pg_clear(&c, 1);
	pg_args_fini(&args);
	pg_rollback(pg);
	return e;
}

#define KEPT "SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'kept%'"

/* Statements made at run time: as many as there are places stay prepared, and a mistake takes no place from the others. */
static void kept(void)
{
	struct buf b = BUF_INIT;
	int64_t got;
	bool good = true;
	for (int64_t round = 0; round < 2; round++)
		for (int64_t i = 0; i < 40; i++)
			good &= !keeps(arena_printf(ar, "SELECT $1::bigint + %d", (int)i), round, &got) && got == round + i;
	check(good, "forty statements in turns, each with its own answer");
	check_str(ask_of(pg, KEPT), "32", "no more than there are places stay");
	check_str(ask_of(pg, "SELECT count(*) FROM pg_prepared_statements WHERE statement = 'SELECT $1::bigint + 39'"), "1", "the last one did");
	keeps("SELECT $1::bigint + 39", 0, &got);
	check_str(ask_of(pg, "SELECT generic_plans + custom_plans FROM pg_prepared_statements WHERE statement = 'SELECT $1::bigint + 39'"), "2",
		  "and was not prepared again");
	check_str(say(keeps("SELEKT $1", 1, &got)), "INTERNAL", "one that cannot be prepared");
	check_str(say(keeps("SELECT $1::bigint / 0", 1, &got)), "INTERNAL", "one that fails");
	check_str(say(keeps("SELECT $1::bigint / 0", 1, &got)), "INTERNAL", "and again");
	check_str(say(keeps("SELECT $1::bigint + 39", 3, &got)), "OK", "the others go on");
	check_int(got, 42, "as before");
	good = true;
	for (int i = 0; i < 40; i++)
		good &= !keeps(arena_printf(ar, "SELECT $1::bigint * %d", i), 2, &got) && got == 2 * i;
	check(good, "every place can be taken over");
	while (b.n < 17000)
		buf_puts(&b, " ");
	good = !keeps(arena_printf(ar, "SELECT $1::bigint%s", b.p), 7, &got) && got == 7;
	check(good && !strcmp(ask_of(pg, KEPT " AND length(statement) > 16000"), "0"), "a very long one is not kept");
	buf_fini(&b);
}

static bool gone_at(void *ctx)
{
	int *left = ctx;
	return !(*left)--;
}

/* Nobody waits any more when the second time comes to ask. */
static void nobody_waits(void)
{
	int asked = 1, never = INT_MAX, pid = pg_pid(pg);
	struct pg_call c = { .sql = "SELECT pg_sleep(60)" };
	int64_t from = clock_mono_us();
	pg_begin(pg, PG_READ);
	pg_wait_for(pg, gone_at, &asked);
	check_str(say(pg_run(pg, &c, 1)), "UNAVAILABLE", "a statement that nobody waits for is cancelled");
	pg_wait_for(pg, NULL, NULL);
	check(clock_mono_us() - from < 30 * US_PER_S && !pg_alive(pg), "at once; the connection is given up");
	pg_rollback(pg);
	check_str(say(pg_begin(pg, PG_READ)), "OK", "the next transaction has another one");
	check_str(say(ping()), "OK", "which works");
	check(pg_pid(pg) != pid, "indeed");
	pg_wait_for(pg, gone_at, &never);
	c = (struct pg_call){ .sql = "SELECT pg_sleep(0.6), 7::bigint" };
	check_str(say(pg_run(pg, &c, 1)), "OK", "one that somebody waits for comes to its end");
	check(c.n == 1 && pg_int8(&c, 0, 1) == 7 && never < INT_MAX, "he was asked, and has his answer");
	pg_clear(&c, 1);
	pg_wait_for(pg, NULL, NULL);
	check_str(say(pg_commit(pg)), "OK", "commit");
}

int main(void)
{
	if (!database_cluster())
		return skip_all(DATABASE_SKIP);
	ar = arena_new(0);
	database_make(&db, "pg", "ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'");
	check_str(say(pg_open(db.conninfo, &pg, NULL)), "OK", "connect");
	check_str(say(pg_open(db.conninfo, &other, NULL)), "OK", "connect once more");
	check_str(say(pg_migrate(pg, NULL, NULL)), "OK", "the schema");
	copy_fields();
	copy_much();
	arrays();
	limits();
	names();
	transactions();
	commits();
	commits_together();
	alone();
	reads_alone();
	kept();
	nobody_waits();
	dead_lock();
	lost();
	if (cluster_is_private())
		cut_off();
	pool();
	prepare_all();
	pg_close(pg);
	pg_close(other);
	pg_close(NULL);
	database_drop(&db);
	arena_free(ar);
	return done();
}
