/* SPDX-License-Identifier: Apache-2.0
 * fill.c - many submodels for the benchmarks, straight into the tables, as the store would have written them.
 *
 *   fill CONNINFO PREFIX SUBMODELS GROUPS PER_GROUP     prints the bytes of a document, and the seconds for rows, indexes, positions and statistics
 *
 * Submodel i has the id PREFIX/i (seven digits), the semanticId urn:bench:type:(i modulo 100), and in each collection Group0... Properties Value0...
 * of xs:double, the first of which has the value i.  The schema must be there.
 *
 * What goes into empty tables goes there without their secondary indexes, which are made afterwards: as who restores a dump does.
 */
#include <stdio.h>
#include <stdlib.h>

#include "aas/facts.h"
#include "aas/json.h"
#include "aas/rows.h"
#include "base/clock.h"
#include "sql/pg.h"

#define PORTION 500

static struct arena *arena;
static struct buf subs = BUF_INIT, rows = BUF_INIT, facts = BUF_INIT;

static void must(enum err e, const char *what)
{
	if (!e)
		return;
	fprintf(stderr, "fill: %s: %s\n", what, err_info[e].text);
	exit(1);
}

static void text_of(struct buf *b, const char *prefix, size_t i, size_t groups, size_t per_group)
{
#define SEMANTIC "\"semanticId\":{\"type\":\"ExternalReference\",\"keys\":[{\"type\":\"GlobalReference\",\"value\":\"urn:bench:%s%zu\"}]}"
	buf_reset(b);
	buf_printf(b, "{\"modelType\":\"Submodel\",\"id\":\"%s/%07zu\",\"idShort\":\"Bench\"," SEMANTIC ",\"submodelElements\":[", prefix, i, "type:", i % 100);
	for (size_t g = 0; g < groups; g++) {
		buf_printf(b, "%s{\"modelType\":\"SubmodelElementCollection\",\"idShort\":\"Group%zu\",\"value\":[", g ? "," : "", g);
		for (size_t k = 0; k < per_group; k++)
			buf_printf(b, "%s{\"modelType\":\"Property\",\"idShort\":\"Value%zu\",\"valueType\":\"xs:double\",\"value\":\"%.1f\"," SEMANTIC "}",
				   k ? "," : "", k, g || k ? (double)((i * 31 + g * 17 + k) % 1000) + 0.5 : (double)i, "value:", k);
		buf_puts(b, "]}");
	}
	buf_puts(b, "]}");
}

static void put_rows(const char *id, const struct aas_node *n)
{
	struct aas_row *row;
	struct aas_fact *fact;
	size_t n_rows, n_facts;
	must(aas_rows(arena, n, &row, &n_rows), "rows");
	must(aas_facts(arena, n, &fact, &n_facts), "facts");
	for (const struct aas_row *r = row; r < row + n_rows; r++) {
		pg_copy_row(&rows, 9);
		pg_item_text(&rows, id);
		pg_item_int4(&rows, (int32_t)r->position);
		pg_item_text(&rows, r->cls);
		pg_item_text(&rows, r->value_type);
		pg_item_int2(&rows, (int16_t)r->group);
		pg_item_text(&rows, r->semantic_id);
		pg_item_num(&rows, r->typed.num);
		pg_item_text(&rows, r->path);
		pg_item_text(&rows, r->value);
	}
	for (const struct aas_fact *f = fact; f < fact + n_facts; f++) {
		pg_copy_row(&facts, 4);
		pg_item_text(&facts, id);
		pg_item_int2(&facts, (int16_t)f->field);
		pg_item_text(&facts, f->name);
		pg_item_text(&facts, f->value);
	}
}

static void put_one(const char *text, size_t n_text)
{
	struct aas_node *n;
	struct buf doc = BUF_INIT, head = BUF_INIT;
	must(aas_json_read(arena, AAS_Submodel, text, n_text, AAS_JSON_DEFAULT, &n, NULL), "json");
	aas_json_write(&doc, n);
	put_rows(AAS_ID(n), n);
	AAS_AT(n, Submodel, submodelElements).node = NULL;
	aas_json_write(&head, n);
	pg_copy_row(&subs, 4);
	pg_item_text(&subs, AAS_ID(n));
	pg_item_text(&subs, aas_reference_text(arena, AAS_AT(n, Submodel, semanticId).node));
	pg_item_text(&subs, head.p);
	pg_item_text(&subs, doc.p);
	buf_fini(&doc);
	buf_fini(&head);
}

static void copy(struct pg *pg, const char *what, struct buf *b)
{
	must(b->failed ? ERR_NO_MEMORY : pg_copy(pg, what, buf_view(b)), what);
	buf_reset(b);
}

static const char staging[] =
	"CREATE TEMP TABLE s (id text, semantic_id text, header text, doc text); CREATE TEMP TABLE f (id text, field smallint, name text, value text);"
	"CREATE TEMP TABLE e (id text, position int, class text, value_type text, value_group smallint, semantic text, num float8, path text, value text);"
	"SET synchronous_commit = off";
static const char move[] =
	"INSERT INTO twinshell.submodel (key, id, id_short, version, doc_version, semantic_id, header, doc)"
	" SELECT twinshell.key_of(id), id, 'Bench', 1, 1, semantic_id, header, doc FROM pg_temp.s;"
	"WITH h AS (INSERT INTO twinshell.history (key, kind, version, operation, id) SELECT twinshell.key_of(id), 1, 1, 'create', id FROM pg_temp.s"
	" RETURNING recorded_at, key, kind, version)"
	" INSERT INTO twinshell.outbox (recorded_at, key, kind, version) SELECT recorded_at, key, kind, version FROM h;"
	"INSERT INTO twinshell.lookup (key, kind, field, hash, name, value, id)"
	" SELECT twinshell.key_of(id), 1, field, twinshell.key_of(name || E'\\n' || value), name, value, id FROM pg_temp.f;"
	"INSERT INTO twinshell.term (key, text) SELECT DISTINCT twinshell.key_of(semantic), semantic FROM pg_temp.e WHERE semantic IS NOT NULL"
	" ON CONFLICT DO NOTHING;"
	"INSERT INTO twinshell.element (submodel, version, position, class, value_type, value_group, semantic, num, path, value, found_key, found_num)"
	" SELECT twinshell.key_of(id), 1, position, class, value_type, value_group, twinshell.key_of(semantic),"
	" CASE WHEN value_group = 1 THEN num END, path, value, twinshell.key_of(value),"
	" twinshell.number_of(class, value_group, CASE WHEN value_group = 1 THEN num END, value) FROM pg_temp.e;"
	"TRUNCATE pg_temp.s, pg_temp.f, pg_temp.e";
/* Unique indexes stay: the b-tree of each is filled in the order of a hash, as it always is. */
static const char take_indexes[] =
	"CREATE TEMP TABLE i AS SELECT schemaname || '.' || indexname AS name, indexdef AS def FROM pg_indexes WHERE schemaname = 'twinshell'"
	" AND tablename IN ('submodel', 'element', 'lookup') AND indexdef LIKE 'CREATE INDEX % USING btree %' AND NOT EXISTS (SELECT FROM twinshell.submodel);"
	"DO $$ DECLARE r record; BEGIN FOR r IN SELECT * FROM pg_temp.i LOOP EXECUTE 'DROP INDEX ' || r.name; END LOOP; END $$";
static const char make_indexes[] =
	"SET maintenance_work_mem = '256MB';"
	"DO $$ DECLARE r record; BEGIN FOR r IN SELECT * FROM pg_temp.i LOOP EXECUTE r.def; END LOOP; END $$";
/* So that no server does it while it is measured; one may be at it now. */
static const char positions[] =
	"DO $$ BEGIN WHILE EXISTS (SELECT FROM twinshell.outbox) LOOP"
	" IF (SELECT n = 0 FROM twinshell.sequence_changes(1000)) THEN PERFORM pg_sleep(0.01); END IF; COMMIT; END LOOP; END $$";
static const char statistics[] =
	"ANALYZE twinshell.feed, twinshell.submodel, twinshell.element, twinshell.lookup, twinshell.term, twinshell.history";

static void step(struct pg *pg, const char *name, const char *sql)
{
	int64_t from = clock_mono_us();
	must(pg_script(pg, sql, NULL), name);
	printf(", %s %.0f s", name, (double)(clock_mono_us() - from) / US_PER_S);
}

int main(int argc, char **argv)
{
	size_t n, groups, per_group;
	struct pg *pg;
	int64_t from = clock_mono_us();
	struct buf text = BUF_INIT;
	if (argc != 6 || !str_size(argv[3], strlen(argv[3]), &n) || !str_size(argv[4], strlen(argv[4]), &groups) ||
	    !str_size(argv[5], strlen(argv[5]), &per_group) || n > 10000000 || groups * per_group > 1000) {
		fprintf(stderr, "usage: fill CONNINFO PREFIX SUBMODELS GROUPS PER_GROUP\n");
		return 2;
	}
	arena = arena_new(0);
	must(pg_open(argv[1], &pg, NULL), "open");
	must(pg_script(pg, staging, NULL), "staging");
	must(pg_script(pg, take_indexes, NULL), "indexes");
	for (size_t i = 0; i < n;) {
		for (size_t k = 0; k < PORTION && i < n; k++, i++) {
			text_of(&text, argv[2], i, groups, per_group);
			put_one(text.p, text.n);
			arena_reset(arena);
		}
		must(pg_begin(pg, PG_WRITE), "begin");
		copy(pg, "COPY pg_temp.s FROM STDIN (FORMAT binary)", &subs);
		copy(pg, "COPY pg_temp.f FROM STDIN (FORMAT binary)", &facts);
		copy(pg, "COPY pg_temp.e FROM STDIN (FORMAT binary)", &rows);
		must(pg_script(pg, move, NULL), "move");
		must(pg_commit(pg), "commit");
	}
	printf("documents of %zu bytes; rows %.0f s", text.n, (double)(clock_mono_us() - from) / US_PER_S);
	step(pg, "indexes", make_indexes);
	step(pg, "positions in the feed", positions);
	step(pg, "statistics", statistics);
	puts("");
	pg_close(pg);
	buf_fini(&text);
	buf_fini(&subs);
	buf_fini(&rows);
	buf_fini(&facts);
	arena_free(arena);
	return 0;
}
