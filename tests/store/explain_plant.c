/* SPDX-License-Identifier: Apache-2.0 - one statement per table: 100,000 submodels in seconds. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "tests/store/explain.h"

#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)
#define N TEXT(PLANT_SUBMODELS)
#define SHELLS TEXT(PLANT_SHELLS)
#define OTHERS TEXT(PLANT_OTHERS)
#define ID(letter) "'urn:" letter ":' || lpad(i::text, 6, '0')"
#define FACT(field, name, value) "(" #field "::smallint, " name ", " value ")"

/* Indexes are made when the rows are there: that takes half the time. */
static const char drop[] =
	"CREATE TABLE public.later AS SELECT indexdef || CASE WHEN false THEN '' ELSE '' END AS def, schemaname || '.' || indexname AS name FROM pg_indexes"
	" WHERE schemaname = 'twinshell' AND tablename IN ('submodel', 'element', 'lookup', 'shell') AND indexname NOT LIKE '%_pkey';"
	"DO $$ DECLARE n text; BEGIN FOR n IN SELECT name FROM public.later LOOP EXECUTE 'DROP INDEX ' || n; END LOOP; END $$;"
	"SET maintenance_work_mem = '128MB'; SET synchronous_commit = off";
static const char again[] = "DO $$ DECLARE d text; BEGIN FOR d IN SELECT def FROM public.later LOOP EXECUTE d; END LOOP; END $$; DROP TABLE public.later; ANALYZE";

static const char submodels[] =
	"INSERT INTO twinshell.submodel (key, id, id_short, version, doc_version, semantic_id, header, doc)"
	" SELECT twinshell.key_of(id), id, 'Sm' || i % 5000, 1, 1, 'urn:kind:' || i % 10, '{}', '{}'"
	" FROM (SELECT i, " ID("sm") " AS id FROM generate_series(1, " N ") i) p";

/* Serial: each its own. Ready: two values for all. Speed: numbers. Rare: few of a name, a number or a time. */
static const char elements[] =
	"INSERT INTO twinshell.element (submodel, version, semantic, num, ts, bool, position, value_group, class, value_type, path, value, found_key, found_num)"
	" SELECT e.*, twinshell.key_of(value), twinshell.number_of(class, value_group, num, value) FROM (SELECT twinshell.key_of(" ID("sm") "), 1, CASE n WHEN 2 THEN twinshell.key_of('urn:sem:' || i % 1000) WHEN 1 THEN twinshell.key_of('urn:ready') END,"
	" CASE n WHEN 2 THEN i::double precision END, CASE n WHEN 3 THEN '2024-01-01Z'::timestamptz + i * interval '1 minute' END, CASE n WHEN 1 THEN i % 2 = 0 END, n,"
	" (ARRAY[0, 2, 1, 3])[n + 1]::smallint, 'Property', (ARRAY['xs:string', 'xs:boolean', 'xs:double', 'xs:dateTime'])[n + 1],"
	" (ARRAY['Plate.Serial', 'Ready', 'Speed', 'Rare' || i % 5000])[n + 1],"
	" (ARRAY['SN-' || i, CASE WHEN i % 2 = 0 THEN 'true' ELSE 'false' END, i::text, (date '2024-01-01' + i % 10000)::text || 'T00:00:00Z'])[n + 1]"
	" FROM generate_series(1, " N ") i, generate_series(0, 3) n) AS e (submodel, version, semantic, num, ts, bool, position, value_group, class, value_type, path, value)";

static const char facts[] =
	"INSERT INTO twinshell.lookup (key, kind, field, hash, name, value, id)"
	" SELECT twinshell.key_of(id), 1, f.field, twinshell.key_of(f.name || E'\\n' || f.value), f.name, f.value, id"
	" FROM (SELECT i, " ID("sm") " AS id FROM generate_series(1, " N ") i) p, LATERAL (VALUES " FACT(1, "''", "'Sm' || i % 5000") ", "
	FACT(2, "''", "'(GlobalReference)urn:kind:' || i % 10") ", " FACT(7, "'0'", "'urn:kind:' || i % 10") ") f(field, name, value)";

static const char shells[] =
	"INSERT INTO twinshell.shell (key, id, id_short, version, doc_version, asset_kind, global_asset_id, asset_type, doc)"
	" SELECT twinshell.key_of(id), id, 'Shell' || i % 1000, 1, 1, 'Instance', 'urn:asset:' || i, 'urn:type:' || i % 20, '{}'"
	" FROM (SELECT i, " ID("sh") " AS id FROM generate_series(1, " SHELLS ") i) p";

static const char shell_facts[] =
	"INSERT INTO twinshell.lookup (key, kind, field, hash, name, value, id)"
	" SELECT twinshell.key_of(id), 0, f.field, twinshell.key_of(f.name || E'\\n' || f.value), f.name, f.value, id"
	" FROM (SELECT i, " ID("sh") " AS id FROM generate_series(1, " SHELLS ") i) p, LATERAL (VALUES " FACT(1, "''", "'Shell' || i % 1000") ", "
	FACT(5, "'globalAssetId'", "'urn:asset:' || i") ", " FACT(5, "'serial'", "i::text") ", " FACT(5, "'line'", "(i % 10)::text") ", "
	FACT(12, "''", "'Instance'") ", " FACT(13, "''", "'urn:type:' || i % 20") ", "
	FACT(6, "''", "'urn:sm:' || lpad((i * 5)::text, 6, '0')") ", " FACT(6, "''", "'urn:sm:' || lpad((i * 5 - 1)::text, 6, '0')") ") f(field, name, value)";

#define TABLE_OF(table, letter, kind, field, value) \
	"INSERT INTO twinshell." table " (key, id, version, doc_version, doc) SELECT twinshell.key_of(id), id, 1, 1, '{}'" \
	" FROM (SELECT " ID(letter) " AS id FROM generate_series(1, " OTHERS ") i) p;" \
	"INSERT INTO twinshell.lookup (key, kind, field, hash, name, value, id) SELECT twinshell.key_of(id), " kind ", " field ", twinshell.key_of(E'\\n' || v), '', v, id" \
	" FROM (SELECT " ID(letter) " AS id, " value " AS v FROM generate_series(1, " OTHERS ") i) p"

static const char others[] =
	TABLE_OF("concept_description", "cd", "2", "3", "'(GlobalReference)urn:case:' || i % 100") ";"
	TABLE_OF("shell_descriptor", "sd", "3", "13", "'urn:type:' || i % 20") ";"
	TABLE_OF("submodel_descriptor", "md", "4", "1", "'D' || i % 100") ";"
	TABLE_OF("asset_links", "al", "5", "5", "'L' || i % 1000") ";"
	"INSERT INTO twinshell.package (id, file_name, size, aas_ids, aas_keys) SELECT 'p' || lpad(i::text, 6, '0'), 'f', 1, ARRAY['urn:sh:' || i % 1000],"
	" ARRAY[twinshell.key_of('urn:sh:' || i % 1000)] FROM generate_series(1, " OTHERS ") i;"
	"INSERT INTO twinshell.invocation (id, submodel_id, path, owner, state, value_only, requested_at, deadline_at, ended_at)"
	" SELECT 'h' || lpad(i::text, 6, '0'), 'urn:sm:000001', 'Work', 'me', 'Completed', false, now(), now(), CASE WHEN i % 200 > 0 THEN now() - i * interval '1 second' END"
	" FROM generate_series(1, " OTHERS ") i;"
	"INSERT INTO twinshell.history (key, kind, version, operation, id) SELECT twinshell.key_of(id), 1, 1, 'create', id"
	" FROM (SELECT " ID("sm") " AS id FROM generate_series(1, " N ") i) p";

enum err plant_fill(struct pg *pg)
{
	static const char *const parts[] = { drop, submodels, elements, facts, shells, shell_facts, others, again };
	enum err e = ERR_OK;
	struct diag d = DIAG_INIT;
	char why[600];
	for (size_t i = 0; !e && i < sizeof parts / sizeof *parts; i++)
		if ((e = pg_script(pg, parts[i], &d)))
			printf("# part %zu: %s\n", i, diag_first(&d, why, sizeof why));
	diag_fini(&d);
	return e;
}

/* -- plans ---------------------------------------------------------------------------------------------------------------------------- */

static double num(const json_t *node, const char *name)
{
	return json_number_value(json_object_get(node, name));
}

static void walk(const json_t *node, struct touched *t)
{
	static const char *const large[] = { "submodel", "element", "lookup", "shell", "history", "concept_description", "shell_descriptor",
					     "submodel_descriptor", "asset_links", "package", "invocation" };
	const char *type = json_string_value(json_object_get(node, "Node Type")), *table = json_string_value(json_object_get(node, "Relation Name"));
	const json_t *below = json_object_get(node, "Plans"), *child;
	double loops = num(node, "Actual Loops");
	size_t i;
	if (strstr(type, "Scan") && (table || !strcmp(type, "Bitmap Index Scan")))
		t->rows += loops * (num(node, "Actual Rows") + num(node, "Rows Removed by Filter") + num(node, "Rows Removed by Index Recheck"));
	for (i = 0; table && !strcmp(type, "Seq Scan") && loops > 0 && i < sizeof large / sizeof *large; i++)
		if (!strcmp(table, large[i]))
			snprintf(t->whole, sizeof t->whole, "%s", table);
	json_array_foreach(below, i, child)
		walk(child, t);
}

bool touched_by(struct pg *pg, struct arena *a, const char *sql, struct pg_args *args, struct touched *t)
{
	struct pg_call c = { .sql = arena_printf(a, "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) %s", sql), .args = args };
	enum err e = pg_run(pg, &c, 1);
	*t = (struct touched){ 0 };
	struct slice text = e ? (struct slice){ NULL, 0 } : pg_slice(&c, 0, 0);
	json_t *all = text.p ? json_loadb(text.p, text.n, 0, NULL) : NULL, *plan = json_object_get(json_array_get(all, 0), "Plan");
	if (plan) {
		walk(plan, t);
		t->blocks = num(plan, "Shared Hit Blocks") + num(plan, "Shared Read Blocks");
		t->plan = arena_strndup(a, text.p, text.n);
	}
	pg_clear(&c, 1);
	json_decref(all);
	return plan != NULL;
}
