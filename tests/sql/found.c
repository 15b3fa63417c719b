/* SPDX-License-Identifier: Apache-2.0
 * found.c - what elements are found by: made here as the schema makes it, left alone by value writes, and brought up to date after them.
 */
#include <math.h>

#include "aas/json.h"
#include "base/log.h"
#include "sql/store_pg.h"
#include "sql/store_pg_priv.h"
#include "tests/database.h"

#define OLD "SELECT count(*) FROM twinshell.element e WHERE (e.found_key IS DISTINCT FROM twinshell.key_of(e.value) OR e.found_num IS DISTINCT FROM" \
	" twinshell.number_of(e.class, e.value_group, e.num, e.value))"
#define BEHIND "(SELECT count(*) FROM twinshell.element_behind)"

static const char *const sql_of[] = {
#define S(name, sql) sql,
#include "sql/statement.def"
#undef S
};

static struct arena *arena;
static struct database db;
static struct pg *pg;
static struct store *store;

static const char *ask(const char *sql)
{
	const char *answer = database_ask(pg, arena, sql);
	return answer ? answer : "(null)";
}

static bool comes(const char *sql, const char *want)
{
	return database_comes(pg, arena, sql, want);
}

/* -- made here ------------------------------------------------------------------------------------------------------------------------ */
static void test_key(void)
{
	static const char letters[] = "abcdefgh ij\xC3\xA4klmno\xE2\x82\xACpqrs0123456789.:/_-";
	int wrong = 0;
	for (size_t n = 0; n < sizeof letters; n++) {
		const char *text = arena_strndup(arena, letters, n), *sql;
		if (n && ((unsigned char)letters[n] & 0xC0) == 0x80)
			continue;	/* in the middle of a character */
		sql = arena_printf(arena, "SELECT twinshell.key_of('%s')", text);
		wrong += strcmp(ask(sql), arena_printf(arena, "%lld", (long long)store_pg_key_of(text, n))) != 0;
	}
	check_int(wrong, 0, "a text has the key that the schema gives it, however long it is");
}

static void test_number(void)
{
	static const char *const values[] = {
		NULL, "", "5", "-5", "+5.5", ".5", "5.", "1e3", "INF", "-INF", "NaN", "Ia", "x", "5 ", " 5", "5\n", "1-2", "007", "123456789012345",
		"1234567890123456", "0.123456789012345", "0.1234567890123456", "1.5.2", "--5", "true", "E", "I", "9N", "2024-01-01",
	};
	static const char *const classes[] = { "Property", "Range", "MultiLanguageProperty" };
	static const double nums[] = { NAN, 0.1, -7 };
	int wrong = 0;
	for (size_t v = 0; v < sizeof values / sizeof *values; v++)
		for (size_t k = 0; k < 4 * 3 * 3; k++) {
			const char *cls = classes[k / 12], *value = values[v];
			double out, num = nums[k % 3];
			int group = (int)(k / 3 % 4);
			const char *sql = arena_printf(arena, "SELECT coalesce(twinshell.number_of('%s', %d::smallint, %s, %s%s%s)::text, 'none')", cls, group,
						       isnan(num) ? "NULL" : arena_printf(arena, "%g", num), value ? "E'" : "NULL", value ? value : "", value ? "'" : "");
			const char *got = !store_pg_number_of(cls, group, num, value, &out) ? "none" : isnan(out) ? "NaN" : arena_printf(arena, "%.15g", out);
			if (strcmp(ask(sql), got) && !wrong++)
				printf("# %s: %s\n", sql, got);
		}
	check_int(wrong, 0, "an element has the number that the schema gives it");
}

/* -- left alone, and brought up to date -------------------------------------------------------------------------------------------------- */
static void fill(void)
{
	struct aas_node *node[20];
	int64_t version[20];
	bool created[20];
	size_t at;
	struct store_txn *t;
	for (int i = 0; i < 20; i++) {
		const char *json = arena_printf(arena, "{\"modelType\":\"Submodel\",\"id\":\"urn:f:%d\",\"submodelElements\":["
			"{\"modelType\":\"Property\",\"idShort\":\"N\",\"valueType\":\"xs:double\",\"value\":\"%d.5\"},"
			"{\"modelType\":\"Property\",\"idShort\":\"T\",\"valueType\":\"xs:string\",\"value\":\"%s\"},"
			"{\"modelType\":\"Property\",\"idShort\":\"E\",\"valueType\":\"xs:string\"},"
			"{\"modelType\":\"MultiLanguageProperty\",\"idShort\":\"M\",\"value\":[{\"language\":\"de\",\"text\":\"t\"}]}]}", i, i, i % 2 ? "text" : "77");
		check_int(aas_json_read(arena, AAS_Submodel, json, strlen(json), AAS_JSON_DEFAULT, &node[i], NULL), ERR_OK, "submodel %d", i);
	}
	check_int(store->ops->begin(store, true, &t), ERR_OK, "begin");
	check_int(store->ops->put_many(t, STORE_SUBMODEL, (const struct aas_node *const *)node, 20, STORE_CREATE, created, version, &at), ERR_OK, "many");
	check_int(store->ops->commit(t), ERR_OK, "commit");
	check_str(ask(OLD), "0", "what comes by COPY is found");
	check_str(ask("SELECT count(*) || ' ' || count(found_key) || ' ' || count(found_num) FROM twinshell.element"), "80 60 50", "all that has a value, all that may be a number");
}

static void write_one(int i, const char *path, const char *text)
{
	struct store_value v = { path, text };
	struct store_write w = { .submodel_id = arena_printf(arena, "urn:f:%d", i), .value = &v, .n = 1 };
	check_int(store_write_wait(store, &w), ERR_OK, "%d.%s = %s", i, path, text);
}

/* No index of an element has a column that a value write changes. */
static void test_short(void)
{
	check_int(pg_script(pg, arena_printf(arena, "PREPARE put AS %s", sql_of[PG_batch_put]), NULL), ERR_OK, "the statement of a batch");
	check_int(pg_script(pg, "BEGIN; EXECUTE put(ARRAY[twinshell.key_of('urn:f:0')], ARRAY[hashtextextended('N', 0)], '{9}', '{8.25}', '{8.25}', '{NULL}', '{NULL}')", NULL),
		  ERR_OK, "writes a value");
	check_str(ask("SELECT value || ' ' || num || ' ' || found_num || ' ' || behind FROM twinshell.element WHERE submodel = twinshell.key_of('urn:f:0') AND path = 'N'"),
		  "8.25 8.25 0.5 true", "but not what it is found by");
	check_str(ask("SELECT pg_stat_get_xact_tuples_updated('twinshell.element'::regclass) || ' ' || pg_stat_get_xact_tuples_hot_updated('twinshell.element'::regclass)"),
		  "1 1", "the short way");
	check_int(pg_script(pg, "ROLLBACK", NULL), ERR_OK, "and back");
}

static void test_idle(void)
{
	write_one(1, "N", "100");
	write_one(1, "N", "101");
	write_one(2, "T", "12");
	write_one(3, "T", NULL);
	check(comes("SELECT " BEHIND, "0"), "what was written is brought up to date");
	check_str(ask(OLD " OR e.behind"), "0", "all of it");
	check_str(ask("SELECT string_agg(coalesce(found_num::text, '-') || (found_key IS NULL), ' ' ORDER BY value) FROM twinshell.element WHERE submodel IN"
		      " (twinshell.key_of('urn:f:1'), twinshell.key_of('urn:f:2'), twinshell.key_of('urn:f:3')) AND path IN ('N', 'T') AND version > 1"),
		  "101false 12false -true", "what each is now");
}

/* A program that was killed has left something; one submodel is gone, another one is locked. */
static void test_left(void)
{
	struct pg *other = NULL;
	check_int(pg_script(pg, "UPDATE twinshell.element SET value = '3000', num = 3000, behind = true WHERE path = 'N';"
		  "INSERT INTO twinshell.element_behind SELECT submodel, path_key FROM twinshell.element WHERE path = 'N' UNION ALL VALUES (4711, 1), (twinshell.key_of('urn:f:5'), 77)", NULL),
		  ERR_OK, "somebody is killed");
	check_int(pg_open(db.conninfo, &other, NULL), ERR_OK, "another one");
	check_int(pg_script(other, "BEGIN; SELECT FROM twinshell.submodel WHERE id = 'urn:f:7' FOR UPDATE", NULL), ERR_OK, "has one locked");
	write_one(8, "T", "here");
	check(comes("SELECT " BEHIND, "1"), "who writes next does what is left, but not what is locked");
	check_str(ask(OLD), "1", "so that is old");
	pg_close(other);
	write_one(8, "T", "again");
	check(comes("SELECT " BEHIND, "0"), "the next time");
	check_str(ask(OLD " OR e.behind"), "0", "everything is found again");
}

/* Where there is never a moment. */
static void test_many(void)
{
	struct aas_node *n = NULL;
	struct buf b = BUF_INIT;
	struct store_value v[3000];
	struct store_txn *t;
	bool created;
	int64_t version;
	buf_puts(&b, "{\"modelType\":\"Submodel\",\"id\":\"urn:f:many\",\"submodelElements\":[");
	for (size_t i = 0; i < 3000; i++) {
		v[i] = (struct store_value){ arena_printf(arena, "P%zu", i), arena_printf(arena, "v%zu", i) };
		buf_printf(&b, "%s{\"modelType\":\"Property\",\"idShort\":\"P%zu\",\"valueType\":\"xs:string\",\"value\":\"x\"}", i ? "," : "", i);
	}
	buf_puts(&b, "]}");
	check_int(aas_json_read(arena, AAS_Submodel, b.p, b.n, AAS_JSON_DEFAULT, &n, NULL), ERR_OK, "a large one");
	check_int(store->ops->begin(store, true, &t), ERR_OK, "begin");
	check_int(store->ops->put(t, STORE_SUBMODEL, n, STORE_CREATE, 0, &created, &version), ERR_OK, "put");
	check_int(store->ops->commit(t), ERR_OK, "commit");
	struct store_write w = { .submodel_id = "urn:f:many", .value = v, .n = 3000 };
	check_int(store_write_wait(store, &w), ERR_OK, "3000 values at once");
	check(comes("SELECT " BEHIND, "0"), "are brought up to date");
	check_str(ask(OLD), "0", "all of them");
	buf_fini(&b);
}

int main(void)
{
	if (!database_cluster())
		return skip_all(DATABASE_SKIP);
	log_setup(LOG_ERROR, LOG_TEXT);
	arena = arena_new(0);
	database_make(&db, "found", "ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'");
	if (!check((store = store_pg_open(db.conninfo, 4, NULL)) != NULL, "a store"))
		return done();
	check_int(pg_open(db.conninfo, &pg, NULL), ERR_OK, "connect");
	test_key();
	test_number();
	fill();
	test_short();
	test_idle();
	test_left();
	test_many();
	store->ops->close(store);
	pg_close(pg);
	database_drop(&db);
	arena_free(arena);
	return done();
}
