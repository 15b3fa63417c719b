/* SPDX-License-Identifier: Apache-2.0
 * retention.c - data retention policies (IDTA 02056-1-0) in the database itself: what they hold of the past months of history and of samples, which
 * of them are in force, and that the bytes of files go with the history that tells of them.
 */
#include "aas/json.h"
#include "sql/audit.h"
#include "sql/migrate.h"
#include "sql/store_pg.h"
#include "sql/verify.h"
#include "tests/database.h"

#define UTF8 "ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"
#define TEMPLATE "https://admin-shell.io/idta/DataRetentionPolicies"

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

/* -- documents ------------------------------------------------------------------------------------------------------------------------ */
static void put(enum store_kind kind, const char *json)
{
	struct aas_node *n = NULL;
	struct store_txn *t;
	int64_t version;
	bool created;
	if (aas_json_read(arena, kind == STORE_SHELL ? AAS_AssetAdministrationShell : AAS_Submodel, json, strlen(json), AAS_JSON_DEFAULT, &n, NULL))
		abort();
	store->ops->begin(store, true, &t);
	store->ops->put(t, kind, n, STORE_EITHER, 0, &created, &version);
	check_int(store->ops->commit(t), ERR_OK, "%s", AAS_ID(n));
}

static void drop(const char *id)
{
	struct store_txn *t;
	store->ops->begin(store, true, &t);
	store->ops->del(t, STORE_SUBMODEL, id);
	check_int(store->ops->commit(t), ERR_OK, "%s goes", id);
}

static void shell(const char *id, const char *a, const char *b)
{
	put(STORE_SHELL, arena_printf(arena, "{\"modelType\":\"AssetAdministrationShell\",\"id\":\"%s\",\"assetInformation\":{\"assetKind\":\"Instance\",\"globalAssetId\":\"%s\"},\"submodels\":["
				      "{\"type\":\"ModelReference\",\"keys\":[{\"type\":\"Submodel\",\"value\":\"%s\"}]},{\"type\":\"ModelReference\",\"keys\":[{\"type\":\"Submodel\",\"value\":\"%s\"}]}]}",
				      id, id, a, b));
}

static void data(const char *id, const char *meaning, const char *value)
{
	put(STORE_SUBMODEL, arena_printf(arena, "{\"modelType\":\"Submodel\",\"id\":\"%s\",\"submodelElements\":[{\"modelType\":\"Property\",\"idShort\":\"X\",\"semanticId\":{\"type\":"
					 "\"ExternalReference\",\"keys\":[{\"type\":\"GlobalReference\",\"value\":\"%s\"}]},\"valueType\":\"xs:int\",\"value\":\"%s\"},"
					 "{\"modelType\":\"Property\",\"idShort\":\"Y\",\"valueType\":\"xs:int\"}]}", id, meaning, value));
}

#define SEM(name) "\"semanticId\":{\"type\":\"ExternalReference\",\"keys\":[{\"type\":\"GlobalReference\",\"value\":\"" TEMPLATE "/" name "/1/0\"}]}"
static const char *property(const char *name, const char *type, const char *value)
{
	return value ? arena_printf(arena, "{\"modelType\":\"Property\",\"idShort\":\"%s\",\"valueType\":\"xs:%s\",\"value\":\"%s\"},", name, type, value) : "";
}

static const char *policy(const char *name, const char *time, const char *meaning, const char *more)
{
	return arena_printf(arena, "{\"modelType\":\"SubmodelElementCollection\",\"idShort\":\"%s\"," SEM("Policy") ",\"value\":[%s%s"
			    "{\"modelType\":\"SubmodelElementList\",\"idShort\":\"SemanticIds\",\"typeValueListElement\":\"ReferenceElement\",\"value\":[{\"modelType\":\"ReferenceElement\","
			    "\"value\":{\"type\":\"ExternalReference\",\"keys\":[{\"type\":\"GlobalReference\",\"value\":\"%s\"}]}}]}]}", name, property("RetentionTime", "duration", time), more, meaning);
}

static const char *overrides(const char *submodel, const char *name)
{
	return arena_printf(arena, "{\"modelType\":\"RelationshipElement\",\"idShort\":\"Overrides\",\"first\":{\"type\":\"ModelReference\",\"keys\":[{\"type\":\"Submodel\",\"value\":\"x\"}]},\"second\":"
			    "{\"type\":\"ModelReference\",\"keys\":[{\"type\":\"Submodel\",\"value\":\"%s\"},{\"type\":\"SubmodelElementCollection\",\"value\":\"Policies\"},"
			    "{\"type\":\"SubmodelElementCollection\",\"value\":\"%s\"}]}},", submodel, name);
}

static void policies(const char *id, const char *inherits, const char *list)
{
	const char *from = inherits ? arena_printf(arena, "{\"modelType\":\"ReferenceElement\",\"idShort\":\"InheritedFrom\",\"value\":{\"type\":\"ModelReference\",\"keys\":[{\"type\":\"Submodel\","
						    "\"value\":\"%s\"}]}},", inherits) : "";
	put(STORE_SUBMODEL, arena_printf(arena, "{\"modelType\":\"Submodel\",\"id\":\"%s\",\"semanticId\":{\"type\":\"ExternalReference\",\"keys\":[{\"type\":\"GlobalReference\",\"value\":"
					 "\"" TEMPLATE "/1/0\"}]},\"submodelElements\":[%s{\"modelType\":\"SubmodelElementCollection\",\"idShort\":\"Policies\"," SEM("Policies") ",\"value\":[%s]}]}", id, from, list));
}

static const char *in_force(void)
{
	script("SELECT twinshell.read_policies(interval '0')");
	return ask("SELECT string_agg(right(submodel_id, 1) || '.' || right(path, 1), ' ' ORDER BY submodel_id, path) FROM report.retention_policy WHERE in_force");
}

/* -- which policies are in force --------------------------------------------------------------------------------------------------------- */
static void reading(void)
{
	static const struct { const char *time, *more, *note; } cases[] = {
		{ "P10Y", "", "history is kept for ever" }, { "P0D", "", "RetentionTime is no positive xs:duration: without effect" }, { "-P1Y", "", "RetentionTime is no positive xs:duration: without effect" },
		{ "P1Y2M3DT4H5M6.5S", "", "history is kept for ever" },
		{ NULL, "", "RetentionTime is no positive xs:duration: without effect" }, { "P999999Y", "", "history is kept for ever" },
		{ "P1Y", "{\"modelType\":\"Property\",\"idShort\":\"EffectiveFrom\",\"valueType\":\"xs:dateTime\",\"value\":\"9000-01-01T00:00:00\"},", "not yet in force" },
		{ "P1Y", "{\"modelType\":\"Property\",\"idShort\":\"EffectiveUntil\",\"valueType\":\"xs:dateTime\",\"value\":\"2001-01-01T00:00:00+02:00\"},", "no longer in force" },
		{ "P1Y", "{\"modelType\":\"Property\",\"idShort\":\"EffectiveFrom\",\"valueType\":\"xs:dateTime\",\"value\":\"2001-01-01T00:00:00Z\"},", "history is kept for ever" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		policies("urn:p", NULL, policy("P1", cases[i].time, "urn:m", cases[i].more));
		script("SELECT twinshell.read_policies(interval '0')");
		check_str(ask("SELECT note FROM report.retention_policy"), cases[i].note, "%s", cases[i].time ? cases[i].time : "no time");
	}
	check_str(ask("SELECT string_agg(coalesce(twinshell.keep_time(t)::text, '-'), ' ') FROM unnest(ARRAY['P', 'P1YT', 'PT', '1Y', 'P1M1Y', '', 'P1.5Y', NULL, 'PT1M']) AS t"),
		  "- - - - - - - - 00:01:00", "what is a time to keep something");
	policies("urn:p", NULL, arena_printf(arena, "%s,%s", policy("P1", "P10Y", "urn:m", ""), policy("P2", "P1Y", "urn:n", "")));
	check_str(in_force(), "p.1 p.2", "both of two");
	check_str(ask("SELECT semantic_ids[1] || keep FROM twinshell.retention_policy WHERE path = 'Policies.P1'"), "urn:m10 years", "what and how long");
	struct store_value v = { "Policies.P1.RetentionTime", "P3Y" };
	struct store_write w = { .submodel_id = "urn:p", .value = &v, .n = 1 };
	check_int(store_write_wait(store, &w), ERR_OK, "a value is written on its own");
	script("SELECT twinshell.read_policies(interval '0')");
	check_str(ask("SELECT keep FROM twinshell.retention_policy WHERE path = 'Policies.P1'"), "3 years", "it counts, though the document is older");
	check_str(ask("SELECT twinshell.read_policies(interval '1 hour')"), "f", "they are not read again within that time");
	/* inheritance, and what stands in the place of another */
	policies("urn:q", "urn:p", policy("P1", "P2Y", "urn:m", overrides("urn:p", "P1")));
	check_str(in_force(), "p.1 p.2 q.1", "for those who do not inherit they hold on");
	check_str(ask("SELECT string_agg(right(submodel_id, 1) || '.' || right(path, 1), ' ' ORDER BY submodel_id, path) FROM twinshell.retention_in_force WHERE holder = twinshell.key_of('urn:q')"),
		  "p.2 q.1", "who inherits has the nearer one in its place");
	policies("urn:p", "urn:q", policy("P1", "P10Y", "urn:m", "{\"modelType\":\"Property\",\"idShort\":\"Immutable\",\"valueType\":\"xs:boolean\",\"value\":\"true\"},"));
	in_force();
	check_str(ask("SELECT string_agg(right(submodel_id, 1) || '.' || right(path, 1), ' ' ORDER BY submodel_id, path) FROM twinshell.retention_in_force WHERE holder = twinshell.key_of('urn:q')"),
		  "p.1 q.1", "but not of one that is immutable; a circle ends");
	policies("urn:p", NULL, arena_printf(arena, "%s,%s", policy("P1", "P10Y", "urn:m", overrides("urn:p", "P2")), policy("P2", "P1Y", "urn:m", overrides("urn:p", "P1"))));
	drop("urn:q");
	check_str(in_force(), "p.1 p.2", "two that override each other both stay");
	policies("urn:p", NULL, arena_printf(arena, "%s,%s", policy("P1", "P10Y", "urn:m", ""), policy("P2", "P1Y", "urn:m", overrides("urn:p", "P1"))));
	check_str(in_force(), "p.2", "one beside it, too");
	check_str(ask("SELECT note FROM report.retention_policy WHERE NOT in_force"), "another policy stands in its place", "which is said");
	drop("urn:p");
	check_str(in_force(), "(null)", "no policy, no effect");
}

/* -- months of history -------------------------------------------------------------------------------------------------------------------- */
static const char *audit(void)
{
	struct pg_audit a;
	enum err e = pg_audit(db.conninfo, arena, &a, NULL);
	return e ? err_info[e].name : a.fault ? a.fault : arena_printf(arena, "sound to %lld", (long long)a.last);
}

static void file(const char *key, const char *bytes)
{
	struct store_txn *t;
	store->ops->begin(store, true, &t);
	store_blob_put(store, t, key, &(struct store_blob){ NULL, NULL, slice_of(bytes) });
	check_int(store->ops->commit(t), ERR_OK, "a file");
}

/* Everything so far becomes a month of its own of long ago. */
static void becomes(const char *month)
{
	check(comes("SELECT count(*) FROM twinshell.outbox", "0"), "all have their positions");
	script(arena_printf(arena, "SELECT twinshell.change_partition('history', 'recorded_at', '%s-01'), twinshell.change_partition('feed', 'sequenced_at', '%s-01');"
			    "BEGIN; SELECT FROM twinshell.feed_head FOR UPDATE;"
			    "UPDATE twinshell.history h SET recorded_at = timestamptz '%s-02 00:00Z' + f.position * interval '1 second' FROM twinshell.feed f"
			    " WHERE f.key = h.key AND f.kind = h.kind AND f.version = h.version AND f.recorded_at = h.recorded_at AND h.recorded_at > now() - interval '1 day';"
			    "UPDATE twinshell.feed SET recorded_at = timestamptz '%s-02 00:00Z' + position * interval '1 second', sequenced_at = '%s-03 00:00Z' WHERE recorded_at > now() - interval '1 day';"
			    "UPDATE twinshell.feed f SET hash = n.hash FROM (SELECT f.position, f.sequenced_at, twinshell.chain(twinshell.change_hash(h), coalesce((SELECT c.hash FROM twinshell.feed_cut c), '\\x')) OVER (ORDER BY f.position) AS hash"
			    " FROM twinshell.feed f JOIN twinshell.history h ON h.key = f.key AND h.kind = f.kind AND h.version = f.version AND h.recorded_at = f.recorded_at) AS n"
			    " WHERE n.position = f.position AND n.sequenced_at = f.sequenced_at;"
			    "UPDATE twinshell.feed_head h SET hash = (SELECT f.hash FROM twinshell.feed f ORDER BY f.position DESC LIMIT 1);"
			    "UPDATE twinshell.submodel SET created_at = created_at; COMMIT", month, month, month, month, month));
}

static const char *months(void)
{
	return ask("SELECT string_agg(right(c.relname, 6), ' ' ORDER BY c.relname) FROM pg_class c WHERE c.relnamespace = 'twinshell'::regnamespace AND c.relkind = 'r' AND c.relname ~ '^history_20(24|25)'");
}

static void history(void)
{
	script("DELETE FROM twinshell.history; DELETE FROM twinshell.feed; UPDATE twinshell.feed_head SET position = 0, hash = '';");
	file("k", "one");
	data("urn:plain", "urn:other", "1");
	file("k", "two");			/* history tells of "one" from here on */
	becomes("2024-02");
	policies("urn:p", NULL, policy("P1", "P100Y", "urn:kept", ""));
	data("urn:d", "urn:kept", "1");
	data("urn:far", "urn:kept", "1");	/* of another shell */
	shell("urn:h", "urn:d", "urn:p");
	shell("urn:other", "urn:far", "urn:plain");
	becomes("2024-03");
	data("urn:plain", "urn:other", "2");
	becomes("2024-04");
	data("urn:plain", "urn:other", "3");
	check(comes("SELECT count(*) FROM twinshell.outbox", "0"), "and a change of now");
	check_str(months(), "202402 202403 202404", "three months");
	check_str(audit(), ask("SELECT 'sound to ' || position FROM twinshell.feed_head"), "the chain is sound");
	check_str(ask("SELECT string_agg(refs::text, ' ' ORDER BY hash) FROM twinshell.content WHERE refs > 0"), "1 1", "both contents of the file count");

	check_str(ask("SELECT twinshell.cut_history('2024-06-15')"), "2", "the first month goes, with its part of the feed");
	check_str(months(), "202403 202404", "the one with what the policy names stays, and the later one");
	check_str(ask("SELECT relation || ' ' || policy_id || ' ' || policy_path || ' ' || held_until FROM twinshell.retention_hold"), "history_202403 urn:p Policies.P1 2124-04-01 00:00:00+00",
		  "and for whom");
	check_str(ask("SELECT string_agg(DISTINCT s.id, ' ') FROM twinshell.retention_subject r JOIN twinshell.submodel s ON s.key = r.submodel"), "urn:d", "which is about the submodel beside it");
	check_str(ask("SELECT what || ' ' || default_days || ' ' || held || ' ' || policy_path FROM report.retention WHERE held IS NOT NULL"), "history 0 history_202403 Policies.P1", "reports say so");
	check_str(ask("SELECT submodels || ' ' || note FROM report.retention_policy"), "1 history is kept for ever", "also of each policy");
	check_str(audit(), ask("SELECT 'sound to ' || position FROM twinshell.feed_head"), "what is left is sound");
	check_str(ask("SELECT string_agg(refs::text, ' ' ORDER BY refs) FROM twinshell.content"), "0 1", "the bytes of the file before that month are needed by nobody any more");
	check_str(ask("SELECT twinshell.cut_history('2024-06-15')"), "0", "again: nothing");

	drop("urn:d");
	check_str(ask("SELECT twinshell.cut_history('2024-06-15')"), "0", "what is gone is still held");
	struct store_value v = { "Policies.P1.RetentionTime", "P1Y" };
	struct store_write w = { .submodel_id = "urn:p", .value = &v, .n = 1 };
	check_int(store_write_wait(store, &w), ERR_OK, "the policy asks for a year only");
	check(comes("SELECT count(*) FROM twinshell.outbox", "0"), "which is written down");
	script("SELECT twinshell.note_retention(900, 0, 0)");
	check_str(ask("SELECT twinshell.read_policies(interval '0')"), "t", "read");
	check_str(ask("SELECT note FROM report.retention_policy"), "history is kept longer: 900 days, by whole months", "less than what is kept anyway: it is said");
	check_str(ask("SELECT twinshell.cut_history('2024-06-15')"), "4", "then both months go");
	check_str(months(), "(null)", "none is left");
	check_str(ask("SELECT count(*) FROM twinshell.retention_hold"), "0", "and nothing is held");
	check_str(audit(), ask("SELECT 'sound to ' || position FROM twinshell.feed_head"), "what is left is sound");
}

/* The bytes of files are what their hashes say, and all that history tells of are there. */
static void bytes(void)
{
	static const struct { const char *what, *sql, *found; } cases[] = {
		{ "a byte of another", "UPDATE twinshell.content_part SET bytes = set_byte(bytes, 70000, 7) WHERE part = 1 AND octet_length(bytes) > 70000", "is not what its hash says" },
		{ "a part that is missing", "DELETE FROM twinshell.content_part WHERE part = 1", "is not what its hash says" },
		{ "all of them", "DELETE FROM twinshell.content_part p USING twinshell.content c WHERE c.hash = p.hash AND c.size = 600000", "is not what its hash says" },
		{ "a content that is gone", "DELETE FROM twinshell.content WHERE size = 600000", "the bytes of a file are not here" },
		{ "what only history tells of", "DELETE FROM twinshell.content WHERE size = 5", "the bytes of a file are not here" },
	};
	char *large = arena_alloc(arena, 600001);
	memset(large, 'x', 600000);
	large[600000] = 0;
	file("large", large);
	file("empty", "");
	file("past", "older");
	file("past", "newer one");
	check(comes("SELECT count(*) FROM twinshell.outbox", "0"), "all have their positions");
	struct pg_audit a;
	check(!pg_audit(db.conninfo, arena, &a, NULL) && a.sound && a.contents >= 3, "files are part of what is proved");
	script("CREATE TABLE public.c AS TABLE twinshell.content; CREATE TABLE public.p AS TABLE twinshell.content_part");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		script(cases[i].sql);
		const char *found = audit();
		check(strstr(found, cases[i].found), "%s: %s", cases[i].what, found);
		script("DELETE FROM twinshell.content; DELETE FROM twinshell.content_part; INSERT INTO twinshell.content TABLE public.c; INSERT INTO twinshell.content_part TABLE public.p");
	}
	check(!strncmp(audit(), "sound", 5), "put right again, it is sound");
}

/* What was deleted before anybody read the policy. */
static void gone(void)
{
	data("urn:short", "urn:kept", "1");
	drop("urn:short");
	data("urn:short2", "urn:unnamed", "1");
	drop("urn:short2");
	becomes("2024-05");
	policies("urn:late", NULL, policy("P1", "P50Y", "urn:kept", ""));
	check_str(ask("SELECT twinshell.cut_history('2024-06-15')"), "0", "a policy that comes later finds what was deleted");
	check_str(ask("SELECT policy_id FROM twinshell.retention_hold"), "urn:late", "and holds it");
	check_str(ask("SELECT string_agg(DISTINCT h.id, ' ') FROM twinshell.retention_subject r JOIN twinshell.history h ON h.key = r.submodel WHERE r.policy = twinshell.key_of('urn:late')"
		      " AND h.operation = 'delete' AND h.id LIKE 'urn:short%'"), "urn:short", "what it names");
}

/* -- samples ------------------------------------------------------------------------------------------------------------------------------ */
static void samples(void)
{
	data("urn:t", "urn:kept", "1");
	int64_t x, y;
	store->ops->series(store, "urn:t", "X", NULL, &x);
	store->ops->series(store, "urn:t", "Y", NULL, &y);
	script("SELECT twinshell.stretch_make(t, d) FROM (VALUES ('chunk'), ('rollup_1h')) AS p(t), (VALUES (date '2024-03-04'), (date '2024-04-15')) AS q(d)");
	script(arena_printf(arena, "INSERT INTO twinshell.chunk (series, day, n, t0, t1, unit) VALUES (%lld, '2024-03-05', 1, '2024-03-05', '2024-03-05', 1), (%lld, '2024-04-16', 1, '2024-04-16', '2024-04-16', 1);"
			    "INSERT INTO twinshell.rollup_1h (series, bucket, n, sum, m2, good, uncertain, simulated, stale, bad) VALUES (%lld, '2024-03-05', 1, 1, 0, 1, 0, 0, 0, 0), (%lld, '2024-04-16', 1, 1, 0, 1, 0, 0, 0, 0);"
			    "INSERT INTO twinshell.chunk (series, day, n, t0, t1, unit) VALUES (%lld, '1999-01-01', 1, '1999-01-01', '1999-01-01', 1), (%lld, '1999-01-01', 1, '1999-01-01', '1999-01-01', 1)",
			    (long long)x, (long long)y, (long long)y, (long long)x, (long long)x, (long long)y));
	script("UPDATE twinshell.retention_state SET read_at = '-infinity'");
	check_str(ask("SELECT twinshell.stretch_drop('chunk', '2024-08-01')"), "1", "a week of samples goes");
	check_str(ask("SELECT string_agg(DISTINCT tableoid::regclass::text, ' ') FROM twinshell.chunk"), "twinshell.chunk_20240304 twinshell.chunk_default", "the one with the element that a policy names stays");
	check_str(ask(arena_printf(arena, "SELECT count(*) || ' ' || bool_and(series = %lld) FROM ONLY twinshell.chunk_default", (long long)x)), "1 true", "of absurd times alike");
	check_str(ask("SELECT twinshell.stretch_drop('rollup_1h', '2024-08-01')"), "1", "and of hours");
	check_str(ask("SELECT count(*) || ' ' || count(DISTINCT policy_id) FROM twinshell.retention_hold WHERE relation ~ '^(chunk|rollup)'"), "2 1", "which is told");
	check_str(ask("SELECT string_agg(what, ' ' ORDER BY what) FROM report.retention WHERE held IS NOT NULL"), "history rollups samples", "and in reports");
	drop("urn:late");
	drop("urn:p");
	script("UPDATE twinshell.retention_state SET read_at = '-infinity'");
	check_str(ask("SELECT twinshell.stretch_drop('chunk', '2024-08-01')"), "1", "without the policy it goes");
	check_str(ask("SELECT count(*) FROM twinshell.chunk"), "0", "with the rest");
}

static void line(void *ctx, const char *name, const char *value)
{
	struct buf *b = ctx;
	buf_printf(b, "%s: %s\n", name, value);
}

static void status(void)
{
	struct buf b = BUF_INIT;
	policies("urn:p", NULL, policy("P1", "P1Y", "urn:kept", ""));
	script("SELECT twinshell.read_policies(interval '0')");
	check_int(db_status(db.conninfo, line, &b, NULL), ERR_OK, "db status");
	check(strstr(b.p, "history is kept: 900 days, by whole months, since 2024-0"), "says how long history is kept");
	check(strstr(b.p, "retention policies: 1 in force\n"), "and of policies");
	check(strstr(b.p, "kept for policies: none\n"), "and that those are gone which held something");
	printf("# %s\n", strstr(b.p, "history is kept"));
	buf_fini(&b);
}

int main(void)
{
	struct diag d = DIAG_INIT;
	if (!database_cluster())
		return skip_all(DATABASE_SKIP);
	arena = arena_new(0);
	database_make(&db, "retention", UTF8);
	check_int(pg_open(db.conninfo, &pg, NULL), ERR_OK, "connect");
	check_int(pg_migrate(pg, NULL, NULL), ERR_OK, "an empty schema");
	if ((store = store_pg_open(db.conninfo, 4, &d))) {
		check(comes("SELECT read_at > '-infinity' FROM twinshell.retention_state", "t"), "the server reads policies at the start");
		reading();
		check(comes("SELECT count(*) FROM twinshell.outbox", "0"), "all have their positions");
		history();
		bytes();
		gone();
		samples();
		status();
		store->ops->close(store);
	}
	pg_close(pg);
	database_drop(&db);
	arena_free(arena);
	diag_fini(&d);
	return done();
}
