/* SPDX-License-Identifier: Apache-2.0
 * kill.c - writers of values while the database throws their connection out, again and again: what was answered is there, versions have no
 * gaps, nobody hangs.
 */
#include <stdatomic.h>

#include "aas/json.h"
#include "base/clock.h"
#include "base/thread.h"
#include "sql/store_pg.h"
#include "submodels/service.h"
#include "tests/database.h"

#define N_THREADS 12
#define N_SUBMODELS 3
#define N_KILLS 12
#define BETWEEN 100		/* answers from one kill to the next */
#define PATIENCE_US (60 * US_PER_S)

static struct database db;
static struct store *store;
static struct sm_service *service;
static struct pg *pg;
static struct arena *arena;
static atomic_int n_written, n_again, n_unknown, n_strange;
static atomic_bool enough;

static struct thread {
	pthread_t thread;
	char id[24], path[8];
	int number;		/* the last one that was answered as written */
} threads[N_THREADS];

static const char *ask(const char *sql)
{
	const char *answer = database_ask(pg, arena, sql);
	return answer ? answer : "(null)";
}

/* As the server does it: what has failed softly is tried again with patience. */
static enum err patch(const struct thread *t, int number, bool patient)
{
	struct arena *a = arena_new(0);
	struct diag d = DIAG_INIT;
	struct sm_session *s;
	char *text = arena_printf(a, "%d", number);
	enum err e = sm_begin(service, true, a, &d, &s);
	if (!e && patient)
		sm_patient(s);
	if (!e && (e = sm_value_patch(s, t->id, t->path, slice_of(text))))
		sm_abort(s);
	else if (!e)
		e = sm_commit(s);
	diag_fini(&d);
	arena_free(a);
	return e;
}

static void *write_on(void *arg)
{
	struct thread *t = arg;
	bool patient = false;
	while (!atomic_load(&enough)) {
		enum err e = patch(t, t->number + 1, patient);
		patient = e == ERR_AGAIN;
		if (!e) {
			t->number++;
			atomic_fetch_add(&n_written, 1);
		} else {
			atomic_fetch_add(e == ERR_AGAIN ? &n_again : e == ERR_UNAVAILABLE ? &n_unknown : &n_strange, 1);
		}
	}
	return NULL;
}

static bool wait_for(int n)
{
	int64_t until = clock_mono_us() + PATIENCE_US;
	while (atomic_load(&n_written) < n && clock_mono_us() < until)
		clock_sleep_us(500);
	return atomic_load(&n_written) >= n;
}

static void make_submodels(void)
{
	for (int k = 0; k < N_SUBMODELS; k++) {
		struct diag d = DIAG_INIT;
		struct sm_session *s;
		struct aas_node *n = NULL;
		struct buf b = BUF_INIT;
		buf_printf(&b, "{\"modelType\":\"Submodel\",\"id\":\"urn:kill:%d\",\"submodelElements\":[", k);
		for (int i = 0; i < N_THREADS; i++)
			buf_printf(&b, "%s{\"modelType\":\"Property\",\"idShort\":\"P%d\",\"valueType\":\"xs:int\",\"value\":\"0\"}", i ? "," : "", i);
		buf_puts(&b, "]}");
		check_int(aas_json_read(arena, AAS_Submodel, b.p, b.n, AAS_JSON_DEFAULT, &n, NULL), ERR_OK, "a submodel");
		buf_fini(&b);
		check_int(sm_begin(service, true, arena, &d, &s), ERR_OK, "begin");
		check_int(sm_create(s, STORE_SUBMODEL, n), ERR_OK, "is made");
		check_int(sm_commit(s), ERR_OK, "is there");
		diag_fini(&d);
	}
}

static void check_values(void)
{
	int lost = 0, stale = 0;
	for (struct thread *t = threads; t < threads + N_THREADS; t++) {
		struct arena *a = arena_new(0);
		struct diag d = DIAG_INIT;
		struct sm_session *s;
		const struct aas_node *n;
		const char *have = ask(arena_printf(arena, "SELECT value_text FROM report.property WHERE submodel_id = '%s' AND path = '%s'", t->id, t->path));
		lost += atoi(have) < t->number;
		sm_begin(service, false, a, &d, &s);
		stale += sm_element_get(s, t->id, t->path, &n) || !str_eq(AAS_AT(n, Property, value).str, have);
		sm_abort(s);
		diag_fini(&d);
		arena_free(a);
	}
	check_int(lost, 0, "every value that was answered is in the database, or a later one");
	check_int(stale, 0, "and is what a reader is shown");
}

/* When nothing is written any more, documents that are far behind are brought up to date: readers need not lay so many rows into them. */
static void check_documents(void)
{
	static const char behind[] = "SELECT count(*) FROM twinshell.submodel WHERE version - doc_version >= 256";
	int64_t until = clock_mono_us() + PATIENCE_US;
	while (strcmp(ask(behind), "0") && clock_mono_us() < until)
		clock_sleep_us(20000);
	check_str(ask(behind), "0", "the documents catch up");
	check_str(ask("SELECT bool_and(e.value = p ->> 'value') FROM twinshell.submodel s, jsonb_array_elements(s.doc::jsonb -> 'submodelElements') AS p,"
		      " twinshell.element e WHERE s.doc_version > 1 AND e.submodel = s.key AND e.path = p ->> 'idShort' AND e.version <= s.doc_version"),
		  "t", "with what the rows have");
}

/* Whoever writes values in a transaction of his own does not fold, but has it done. */
static void check_ordinary(void)
{
	const struct store_value v = { "P0", "1" };
	struct store_txn *t;
	int64_t version;
	bool ok = true;
	ask("UPDATE twinshell.submodel SET doc_version = version - 100 WHERE id = 'urn:kill:0' RETURNING 1");
	for (int i = 0; i < 300 && ok; i++)
		ok = !store->ops->begin(store, true, &t) && !store->ops->put_values(t, "urn:kill:0", &v, 1, &version) && !store->ops->commit(t);
	check(ok, "values are written one by one");
	int64_t until = clock_mono_us() + PATIENCE_US;
	static const char lacks[] = "SELECT version - doc_version < 256 FROM twinshell.submodel WHERE id = 'urn:kill:0'";
	while (strcmp(ask(lacks), "t") && clock_mono_us() < until)
		clock_sleep_us(20000);
	check_str(ask(lacks), "t", "the document catches up in the background");
	check(!store->ops->begin(store, true, &t), "one more");
	ask("UPDATE twinshell.submodel SET doc_version = version - 300 WHERE id = 'urn:kill:0' RETURNING 1");
	check(!store->ops->put_values(t, "urn:kill:0", &v, 1, &version), "a document that is far behind");
	store->ops->abort(t);
	check_str(ask("SELECT version - doc_version FROM twinshell.submodel WHERE id = 'urn:kill:0'"), "300", "is not folded for who goes back");
}

static void check_history(void)
{
	check_str(ask("SELECT bool_and(n = last - first + 1) FROM (SELECT count(*) AS n, min(version) AS first, max(version) AS last"
		      " FROM twinshell.history WHERE kind = 1 GROUP BY key) AS h"), "t", "the versions in history have no gaps");
	check_str(ask("SELECT bool_and(s.version = h.last) FROM twinshell.submodel s JOIN (SELECT key, max(version) AS last FROM twinshell.history"
		      " WHERE kind = 1 GROUP BY key) AS h USING (key)"), "t", "and end at the submodel's");
	check_str(ask("SELECT count(*) FROM (SELECT before_values[1]::int AS v, lag(before_values[1]::int) OVER (PARTITION BY key, paths ORDER BY"
		      " version) AS old FROM twinshell.history WHERE operation = 'value') AS h WHERE v < old OR v > old + 1"), "0",
		  "each says what the one before has written");
	int rows = atoi(ask("SELECT count(*) FROM twinshell.history WHERE operation = 'value'"));
	int written = atomic_load(&n_written), unknown = atomic_load(&n_unknown);
	check(rows >= written && rows <= written + unknown, "one line for every write: %d for %d, and %d of which nobody knew", rows, written, unknown);
}

int main(void)
{
	struct diag d = DIAG_INIT;
	char why[600];
	int killed = 0;
	if (!database_cluster())
		return skip_all(DATABASE_SKIP);
	arena = arena_new(0);
	database_make(&db, "kill", "ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'");
	if (!check((store = store_pg_open(db.conninfo, 4, &d)) != NULL, "a store %s", diag_first(&d, why, sizeof why)))
		return done();
	service = sm_service_new(&(struct sm_config){ .store = store });
	check_int(pg_open(db.conninfo, &pg, NULL), ERR_OK, "somebody who looks on");
	make_submodels();
	for (int i = 0; i < N_THREADS; i++) {
		struct thread *t = &threads[i];
		snprintf(t->id, sizeof t->id, "urn:kill:%d", i % N_SUBMODELS);
		snprintf(t->path, sizeof t->path, "P%d", i);
		thread_start(&t->thread, "writer", write_on, t);
	}
	check(wait_for(BETWEEN), "values are written");
	for (int i = 0; i < N_KILLS; i++) {
		const char *n = ask("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'twinshell values'"
				    " AND datname = current_database()");
		killed += atoi(n);
		if (!wait_for(atomic_load(&n_written) + BETWEEN))
			break;
	}
	check_int(killed, N_KILLS, "each time there was a writer to be thrown out, and values were written afterwards");
	atomic_store(&enough, true);
	for (int i = 0; i < N_THREADS; i++)
		pthread_join(threads[i].thread, NULL);
	printf("# %d written, %d to be done again, %d of which nobody knows\n", atomic_load(&n_written), atomic_load(&n_again), atomic_load(&n_unknown));
	check_int(atomic_load(&n_strange), 0, "no other errors");
	check_values();
	check_history();
	check_documents();
	check_ordinary();
	sm_service_free(service);
	store->ops->close(store);
	pg_close(pg);
	database_drop(&db);
	diag_fini(&d);
	arena_free(arena);
	return done();
}
