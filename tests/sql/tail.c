/* SPDX-License-Identifier: Apache-2.0
 * tail.c - the end of the feed in memory: the same lines as in the database, without asking it, and never fewer than there are.
 */
#include "aas/json.h"
#include "base/clock.h"
#include "base/log.h"
#include "sql/store_pg.h"
#include "sql/store_pg_priv.h"
#include "tests/database.h"

#define PATIENCE_US (60 * US_PER_S)
#define WRITES 300

static struct arena *arena;
static struct database db;
static struct pg *pg;
static struct store *ours, *other;	/* the second has no tail: nobody listens there */

static struct store *open_store(void)
{
	struct store *s = store_pg_open(db.conninfo, 4, NULL);
	if (!s) {
		printf("Bail out! no store\n");
		exit(1);
	}
	return s;
}

static void wake(void *ctx)
{
	atomic_fetch_add((atomic_int *)ctx, 1);
}

static void changed(void *ctx, enum store_kind kind, const char *id, int64_t version)
{
	(void)ctx, (void)kind, (void)id, (void)version;
}

static void heard(void *ctx, bool listening)
{
	(void)ctx, (void)listening;
}

static void must_write(struct store *s, int i, const char *text)
{
	static const struct store_cause causes[] = { { .actor = "ann", .request = "r-1", .valid_us = 1700000000000000 }, { .valid_us = TIME_NONE } };
	struct store_value v[2] = { { "B", text }, { "A", i % 3 ? "a" : NULL } };
	struct store_write w = { .submodel_id = arena_printf(arena, "urn:t:%d", i % 7), .value = v, .n = 1 + (i % 4 == 0), .cause = i % 5 < 2 ? &causes[i % 5] : NULL };
	enum err e = store_write_wait(s, &w);
	if (e)
		check_str(err_info[e].name, "OK", "write %d", i);
}

static void fill(struct store *s)
{
	struct store_txn *t;
	bool created;
	int64_t version;
	check_int(s->ops->begin(s, true, &t), ERR_OK, "begin");
	for (int i = 0; i < 7; i++) {
		struct aas_node *n = NULL;
		const char *json = arena_printf(arena, "{\"modelType\":\"Submodel\",\"id\":\"urn:t:%d\",\"submodelElements\":[{\"modelType\":\"Property\",\"idShort\":\"A\","
						"\"valueType\":\"xs:string\"},{\"modelType\":\"Property\",\"idShort\":\"B\",\"valueType\":\"xs:string\",\"value\":\"0\"}]}", i);
		check_int(aas_json_read(arena, AAS_Submodel, json, strlen(json), AAS_JSON_DEFAULT, &n, NULL) ||
			  s->ops->put(t, STORE_SUBMODEL, n, STORE_CREATE, 0, &created, &version), 0, "submodel %d", i);
	}
	check_int(s->ops->commit(t), ERR_OK, "commit");
}

static const char *say(const char *s)
{
	return s ? s : "-";
}

static const char *told(const struct store_event *e, size_t n)
{
	struct buf b = BUF_INIT;
	for (size_t i = 0; i < n; i++) {
		buf_printf(&b, "%lld %d %s %lld %d %s %d %s %s %lld %lld", (long long)e[i].position, (int)e[i].kind, e[i].id, (long long)e[i].version, (int)e[i].operation,
			   say(e[i].path), (int)e[i].part, say(e[i].actor), say(e[i].request), (long long)e[i].recorded_us, (long long)e[i].valid_us);
		for (size_t k = 0; k < e[i].n_values; k++)
			buf_printf(&b, " %s=%s->%s", e[i].value_path[k], say(e[i].before[k]), say(e[i].after[k]));
		buf_putc(&b, '\n');
	}
	const char *text = b.n ? arena_strndup(arena, b.p, b.n) : "";
	buf_fini(&b);
	return text;
}

static const char *feed(struct store *s, int64_t after, size_t limit, size_t *n, int64_t *newest)
{
	struct store_event *e;
	enum err err = s->ops->feed(s, after, limit, arena, &e, n, newest);
	return err ? err_info[err].name : told(e, *n);
}

/* All have positions, and everybody knows. */
static int64_t settled(struct store *s)
{
	int64_t until = clock_mono_us() + PATIENCE_US, newest = 0;
	size_t n;
	while (clock_mono_us() < until && strcmp(database_ask(pg, arena, "SELECT count(*) FROM twinshell.outbox"), "0"))
		clock_sleep_us(2000);
	feed(s, 0, 1, &n, &newest);
	return newest;
}

static void test_same(int64_t from, int64_t to)
{
	int wrong = 0;
	size_t n, m;
	int64_t a, b;
	for (int64_t after = from; after < to; after += 37)
		for (size_t limit = 1; limit <= 64; limit += 21)
			wrong += strcmp(feed(ours, after, limit, &n, &a), feed(other, after, limit, &m, &b)) || n != m || a != b;
	check_int(wrong, 0, "the lines of memory are those of the database, however many are asked for");
	feed(ours, to, 10, &n, &a);
	check_int((long long)n, 0, "and there are no more");
}

/* Nobody can read the feed in the database. */
static void test_alone(int64_t newest)
{
	size_t n;
	int64_t seen;
	struct pg *block = NULL;
	check_int(pg_open(db.conninfo, &block, NULL), ERR_OK, "another connection");
	check_int(pg_script(block, "BEGIN; LOCK TABLE twinshell.feed, twinshell.feed_head IN ACCESS EXCLUSIVE MODE", NULL), ERR_OK, "has the feed");
	feed(ours, newest - 100, 64, &n, &seen);
	check_int((long long)n, 64, "a page comes from memory");
	feed(ours, newest - 10, 64, &n, &seen);
	check(n == 10 && seen == newest, "and the end of it, where nobody else writes");
	pg_close(block);
}

/* Somebody else writes: what is not all there is not told as if it were. */
static void test_other(void)
{
	size_t n;
	int64_t newest, was = settled(ours);
	struct store_watch w = { .changed = changed, .heard = heard };
	check_int(other->ops->watch(other, &w), ERR_OK, "another process listens");
	for (int i = 0; i < 20; i++) {
		must_write(ours, i, arena_printf(arena, "ours %d", i));
		must_write(other, i, arena_printf(arena, "theirs %d", i));
		feed(ours, was + 2 * i, 10, &n, &newest);
		if (n != 2)
			check_int((long long)n, 2, "both are told, round %d", i);
	}
	check_str(feed(ours, was, 1000, &n, &newest), feed(other, was, 1000, &n, &newest), "all are told, in their order");
	check_int((long long)n, 40, "each once");
	check_str(feed(ours, was, 5, &n, &newest), feed(other, was, 5, &n, &newest), "in pages that are full, too");
}

/* A batch whose connection breaks. */
static void test_lost(void)
{
	size_t n;
	int64_t newest, was = settled(ours);
	must_write(ours, 1, "before");
	check_str(database_ask(pg, arena, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'twinshell flush'"
			       " AND datname = current_database()"), "2", "the connections that make durable are lost");
	struct store_value v = { "B", "meanwhile" };
	struct store_write w = { .submodel_id = "urn:t:1", .value = &v, .n = 1 };
	enum err e = store_write_wait(ours, &w);
	check(e == ERR_OK || e == ERR_UNAVAILABLE, "a write meanwhile is %s", err_info[e].name);
	must_write(ours, 1, "after");
	settled(ours);
	check_str(feed(ours, was, 10, &n, &newest), feed(other, was, 10, &n, &newest), "the feed is the same for both");
	check_int((long long)n, 3, "with what nobody knew of");
}

int main(void)
{
	atomic_int woken = 0;
	if (!database_cluster())
		return skip_all(DATABASE_SKIP);
	log_setup(LOG_ERROR, LOG_TEXT);
	arena = arena_new(0);
	database_make(&db, "tail", "ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'");
	ours = open_store();
	check_int(pg_open(db.conninfo, &pg, NULL), ERR_OK, "connect");
	struct store_watch w = { .changed = changed, .heard = heard };
	check_int(ours->ops->watch(ours, &w), ERR_OK, "it watches");
	check_int(ours->ops->feed_listen(ours, wake, &woken), ERR_OK, "somebody follows the feed");
	fill(ours);
	int64_t from = settled(ours);
	for (int i = 0; i < WRITES; i++)
		must_write(ours, i, arena_printf(arena, "v%d", i));
	int64_t to = settled(ours);
	check_int((long long)(to - from), WRITES, "the feed has them");
	check(atomic_load(&woken) > 0, "who follows it is woken");
	test_alone(to);
	other = open_store();
	test_same(from, to);
	test_other();
	test_lost();
	ours->ops->feed_unlisten(ours, wake, &woken);
	ours->ops->close(ours);
	other->ops->close(other);
	pg_close(pg);
	database_drop(&db);
	arena_free(arena);
	return done();
}
