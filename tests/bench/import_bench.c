/* SPDX-License-Identifier: Apache-2.0
 * import_bench.c - an environment of submodels from its text into PostgreSQL (read, checked, stored, committed), against binary COPY of the same rows
 * into the same tables with the same indexes, in one transaction too.  In turns, medians.
 *
 * Usage: import_bench [SUBMODELS]
 */
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

#include "aas/aasx.h"
#include "aas/json.h"
#include "aas/xml.h"
#include "base/clock.h"
#include "sql/store_pg.h"
#include "submodels/service.h"
#include "tests/database.h"

#define TURNS 5
#define ELEMENTS 90

/* What an import fills, in an order that any may have. */
static const char *const table[] = {
	"submodel (key, id, id_short, version, doc_version, created_at, updated_at, modelling_kind, semantic_id, template_id, header, doc)",
	"lookup (key, kind, field, hash, name, value, id)", "term (key, text)",
	"element (submodel, version, semantic, num, ts, position, value_group, bool, class, value_type, unit, path, value, found_key, found_num)",
	"history (key, kind, version, operation, recorded_at, valid_at, actor, request, id)", "outbox (recorded_at, key, kind, version)",
};
#define N_TABLES (sizeof table / sizeof *table)
static struct buf copy[N_TABLES];
static struct database db;
static PGconn *pg;

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "import_bench: %s: %s\n", what, pg ? PQerrorMessage(pg) : "");
	exit(1);
}

static void sql(const char *text)
{
	PGresult *r = PQexec(pg, text);
	must(PQresultStatus(r) == PGRES_COMMAND_OK || PQresultStatus(r) == PGRES_TUPLES_OK, text);
	PQclear(r);
}

static void put_environment(struct buf *b, int n)
{
	buf_puts(b, "{\"submodels\":[");
	for (int i = 0; i < n; i++) {
		buf_printf(b, "%s{\"modelType\":\"Submodel\",\"id\":\"https://example.com/ids/sm/%d\",\"idShort\":\"OperationalData\",\"semanticId\":{\"type\":"
			   "\"ExternalReference\",\"keys\":[{\"type\":\"GlobalReference\",\"value\":\"https://example.com/sem/data/%d\"}]},\"submodelElements\":[",
			   i ? "," : "", i, i % 10);
		for (int k = 0; k < ELEMENTS; k++)
			buf_printf(b, "%s{\"modelType\":\"Property\",\"idShort\":\"Measurement%d\",\"semanticId\":{\"type\":\"ExternalReference\",\"keys\":[{"
				   "\"type\":\"GlobalReference\",\"value\":\"0173-1#02-AAO%03d#002\"}]},\"valueType\":\"xs:double\",\"value\":\"%d.%04d\"}",
				   k ? "," : "", k, k, i, k * 111);
		buf_puts(b, "]}");
	}
	buf_puts(b, "]}");
}

static void empty(void)
{
	sql("TRUNCATE twinshell.submodel, twinshell.lookup, twinshell.term, twinshell.element, twinshell.history, twinshell.outbox, twinshell.feed");
	sql("CHECKPOINT");
}

static double import(struct sm_service *service, struct slice text, bool xml)
{
	struct arena *a = arena_new(0);
	struct aasx package = { 0 };
	struct sm_import_report r;
	struct sm_session *s;
	int64_t from = clock_mono_us();
	must(!(xml ? aas_xml_read(a, text.p, text.n, &package.environment, NULL) :
		     aas_json_read(a, AAS_Environment, text.p, text.n, AAS_JSON_DEFAULT, &package.environment, NULL)), "reading");
	must(!sm_begin(service, true, a, NULL, &s) && !sm_import(s, &package, SM_IMPORT_NEW, &r) && !sm_commit(s), "import");
	arena_free(a);
	return (double)(clock_mono_us() - from);
}

/* The rows as they are there now. */
static void take(void)
{
	for (size_t i = 0; i < N_TABLES; i++) {
		char text[400], *p;
		int n;
		snprintf(text, sizeof text, "COPY (SELECT %.*s FROM twinshell.%.*s) TO STDOUT (FORMAT binary)", (int)strcspn(strchr(table[i], '(') + 1, ")"),
			 strchr(table[i], '(') + 1, (int)strcspn(table[i], " "), table[i]);
		if (i == N_TABLES - 1)
			snprintf(text, sizeof text, "COPY (SELECT recorded_at, key, kind, version FROM twinshell.history) TO STDOUT (FORMAT binary)");
		PQclear(PQexec(pg, text));
		buf_reset(&copy[i]);
		while ((n = PQgetCopyData(pg, &p, 0)) > 0) {
			buf_put(&copy[i], p, (size_t)n);
			PQfreemem(p);
		}
		must(n == -1, text);
		PQclear(PQgetResult(pg));
		PQclear(PQgetResult(pg));
	}
}

static double baseline(void)
{
	int64_t from = clock_mono_us();
	sql("BEGIN");
	for (size_t i = 0; i < N_TABLES; i++) {
		char text[400];
		snprintf(text, sizeof text, "COPY twinshell.%s FROM STDIN (FORMAT binary)", table[i]);
		PQclear(PQexec(pg, text));
		for (size_t at = 0, n; at < copy[i].n; at += n) {
			n = copy[i].n - at < 1 << 20 ? copy[i].n - at : 1 << 20;
			must(PQputCopyData(pg, copy[i].p + at, (int)n) == 1, text);
		}
		must(PQputCopyEnd(pg, NULL) == 1, text);
		PGresult *r = PQgetResult(pg);
		must(PQresultStatus(r) == PGRES_COMMAND_OK, text);
		PQclear(r);
		PQclear(PQgetResult(pg));
	}
	sql("COMMIT");
	return (double)(clock_mono_us() - from);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double median(double *v)
{
	qsort(v, TURNS, sizeof *v, by_value);
	return v[TURNS / 2];
}

static void measure(struct sm_service *service, const char *name, struct slice text, bool xml, int n, double goal)
{
	double ours[TURNS], theirs[TURNS], ratio[TURNS];
	for (int i = 0; i < TURNS; i++) {
		empty();
		ours[i] = import(service, text, xml);
		take();
		empty();
		theirs[i] = baseline();
		ratio[i] = theirs[i] / ours[i];
	}
	double r = median(ratio);
	printf("%-58s %8.0f/s  baseline %8.0f/s  ratio %.2f  submodels of %d elements, %.0f MB  goal %.1f %s\n", name, n / median(ours) * US_PER_S,
	       n / median(theirs) * US_PER_S, r, ELEMENTS, (double)text.n / 1e6, goal, r >= goal ? "met" : "MISSED");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	size_t n = 2000;
	struct buf json = BUF_INIT, xml = BUF_INIT;
	struct aas_node *env;
	struct arena *a = arena_new(0);
	if (argc > 1 && (!str_size(argv[1], strlen(argv[1]), &n) || !n || n > 100000))
		return fprintf(stderr, "usage: import_bench [SUBMODELS]\n"), 2;
	if (!database_cluster())
		return printf("import: %s\n", DATABASE_SKIP), 0;
	database_make(&db, "import", "ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'");
	struct store *store = store_pg_open(db.conninfo, 4, NULL);
	struct sm_service *service = store ? sm_service_new(&(struct sm_config){ .store = store }) : NULL;
	must(service && PQstatus(pg = PQconnectdb(db.conninfo)) == CONNECTION_OK, "connecting");
	for (size_t i = 0; i < N_TABLES; i++)
		buf_init(&copy[i], 0);
	put_environment(&json, (int)n);
	must(!aas_json_read(a, AAS_Environment, json.p, json.n, AAS_JSON_DEFAULT, &env, NULL), "JSON");
	aas_xml_write(&xml, env, AAS_V3_1);
	measure(service, "import of JSON, binary COPY of the same rows", buf_view(&json), false, (int)n, 0.6);
	measure(service, "import of XML, binary COPY of the same rows", buf_view(&xml), true, (int)n, 0.4);
	PQfinish(pg);
	sm_service_free(service);
	store->ops->close(store);
	arena_free(a);
	database_admin("DROP DATABASE %s WITH (FORCE)", db.name);
	buf_fini(&json);
	buf_fini(&xml);
	for (size_t i = 0; i < N_TABLES; i++)
		buf_fini(&copy[i]);
	return 0;
}
