/* SPDX-License-Identifier: Apache-2.0
 * patch_base.c - the baseline of the PATCH benchmark: what an HTTP server without ideas does.  libmicrohttpd with a thread per connection; each
 * request is one prepared statement, committed on its own, on one connection of a pool.
 *
 *   patch_base CONNINFO CONNECTIONS row|rows [off]     prints its port, ends when standard input does
 *
 * row    one narrow row (submodel, position, value) is put: a b-tree and nothing else
 * rows   what one value write of the product leaves, in one statement: the version of the submodel, the row of the element, its line of history and
 *        its place in the feed, in tables that are like the product's
 * off    commits are acknowledged before they are durable (synchronous_commit = off)
 *
 * A request is PATCH /N with the text of the value; N below 256.
 */
#include <arpa/inet.h>
#include <libpq-fe.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "tests/bench/daemon.h"

#define POOL_MAX 64
#define ROWS 256
#define BODY_MAX 64

struct body {
	char text[BODY_MAX];
	size_t n;
};

static const char drop_sql[] = "DROP SCHEMA IF EXISTS bench_patch CASCADE; CREATE SCHEMA bench_patch";
static const struct kind {
	const char *name, *make, *put;
} kinds[] = {
	{ "row", "CREATE TABLE bench_patch.value (submodel int, position int, value text, PRIMARY KEY (submodel, position))",
	  "INSERT INTO bench_patch.value VALUES ($1::int, 0, $2) ON CONFLICT (submodel, position) DO UPDATE SET value = excluded.value" },
	{ "rows", "CREATE TABLE bench_patch.submodel (LIKE twinshell.submodel INCLUDING ALL) WITH (fillfactor = 85);"
	  "CREATE TABLE bench_patch.element (LIKE twinshell.element INCLUDING ALL) WITH (fillfactor = 90);"
	  "CREATE TABLE bench_patch.history (LIKE twinshell.history INCLUDING ALL);"
	  "CREATE TABLE bench_patch.feed (LIKE twinshell.feed INCLUDING ALL);"
	  "CREATE SEQUENCE bench_patch.position;"
	  "INSERT INTO bench_patch.submodel (key, id, version, doc_version, doc) SELECT i, 'urn:bench:' || i, 1, 1, '{}' FROM generate_series(0, 255) i;"
	  "INSERT INTO bench_patch.element (submodel, version, position, value_group, class, value_type, path, value)"
	  " SELECT i, 1, 0, 1, 'Property', 'xs:double', 'Group3.Value4', '1' FROM generate_series(0, 255) i",
	  "WITH s AS (UPDATE bench_patch.submodel SET version = version + 1, updated_at = clock_timestamp() WHERE key = $1::bigint RETURNING key, version, id),"
	  " old AS (SELECT s.key, s.version, s.id, e.path, e.path_key, e.value FROM s JOIN bench_patch.element e ON e.submodel = s.key"
	  " AND e.path_key = hashtextextended('Group3.Value4', 0)),"
	  " e AS (UPDATE bench_patch.element e SET version = o.version, value = $2::text, num = $2::text::float8 FROM old o"
	  " WHERE e.submodel = o.key AND e.path_key = o.path_key),"
	  " h AS (INSERT INTO bench_patch.history (key, kind, version, operation, id, paths, before_values, after_values)"
	  " SELECT key, 1, version, 'value', id, ARRAY[path], ARRAY[value], ARRAY[$2::text] FROM old RETURNING key, kind, version, recorded_at)"
	  " INSERT INTO bench_patch.feed (position, sequenced_at, recorded_at, key, kind, version, hash)"
	  " SELECT nextval('bench_patch.position'), recorded_at, recorded_at, key, kind, version, sha256($2::text::bytea) FROM h" },
};

static PGconn *pool[POOL_MAX];
static size_t n_free;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t given = PTHREAD_COND_INITIALIZER;
static struct MHD_Response *response;

static void must(PGconn *c, PGresult *r)
{
	ExecStatusType s = PQresultStatus(r);
	if (s != PGRES_COMMAND_OK && s != PGRES_TUPLES_OK) {
		fprintf(stderr, "patch_base: %s\n", PQerrorMessage(c));
		_exit(1);
	}
	PQclear(r);
}

static void put(const char *row, const char *value)
{
	const char *const param[] = { row, value };
	pthread_mutex_lock(&lock);
	while (!n_free)
		pthread_cond_wait(&given, &lock);
	PGconn *c = pool[--n_free];
	pthread_mutex_unlock(&lock);
	must(c, PQexecPrepared(c, "put", 2, param, NULL, NULL, 0));
	pthread_mutex_lock(&lock);
	pool[n_free++] = c;
	pthread_cond_signal(&given);
	pthread_mutex_unlock(&lock);
}

static enum MHD_Result answer(void *cls, struct MHD_Connection *c, const char *url, const char *method, const char *version, const char *data,
			      size_t *n, void **state)
{
	struct body *b = *state;
	(void)cls, (void)method, (void)version;
	if (!b)		/* a reply to the first call would close the connection */
		return (*state = calloc(1, sizeof *b)) ? MHD_YES : MHD_NO;
	if (*n) {
		size_t k = *n < sizeof b->text - 1 - b->n ? *n : sizeof b->text - 1 - b->n;
		memcpy(b->text + b->n, data, k);
		b->n += k;
		*n = 0;
		return MHD_YES;
	}
	size_t row;
	bool ok = str_size(url + 1, strlen(url + 1), &row) && row < ROWS;
	if (ok)
		put(url + 1, b->text);
	return MHD_queue_response(c, ok ? MHD_HTTP_NO_CONTENT : MHD_HTTP_NOT_FOUND, response);
}

static void completed(void *cls, struct MHD_Connection *c, void **state, enum MHD_RequestTerminationCode code)
{
	(void)cls, (void)c, (void)code;
	free(*state);
	*state = NULL;
}

static void fill_pool(const char *conninfo, size_t n, const struct kind *kind, bool off)
{
	for (size_t i = 0; i < n; i++) {
		PGconn *c = PQconnectdb(conninfo);
		if (PQstatus(c) != CONNECTION_OK)
			must(c, NULL);
		if (!i) {
			must(c, PQexec(c, drop_sql));
			must(c, PQexec(c, kind->make));
		}
		must(c, PQexec(c, off ? "SET synchronous_commit = off" : "SET synchronous_commit = on"));
		must(c, PQprepare(c, "put", kind->put, 0, NULL));
		pool[n_free++] = c;
	}
}

int main(int argc, char **argv)
{
	const struct kind *kind = argc > 3 && !strcmp(argv[3], "rows") ? &kinds[1] : &kinds[0];
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	size_t n;
	bool off = argc == 5 && !strcmp(argv[4], "off");
	if ((argc != 4 && !off) || strcmp(argv[3], kind->name) || !str_size(argv[2], strlen(argv[2]), &n) || !n || n > POOL_MAX) {
		fprintf(stderr, "usage: patch_base CONNINFO CONNECTIONS row|rows [off]\n");
		return 2;
	}
	fill_pool(argv[1], n, kind, off);
	response = MHD_create_response_from_buffer(0, (void *)(uintptr_t)"", MHD_RESPMEM_PERSISTENT);
	struct MHD_Daemon *d = MHD_start_daemon(MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL, 0, NULL, NULL, answer, NULL,
						MHD_OPTION_SOCK_ADDR, &at, MHD_OPTION_NOTIFY_COMPLETED, completed, NULL, MHD_OPTION_END);
	if (!d)
		return 1;
	serve_until_end(d);
	MHD_destroy_response(response);
	for (size_t i = 0; i < n; i++) {
		if (!i)
			must(pool[i], PQexec(pool[i], "DROP SCHEMA bench_patch CASCADE"));
		PQfinish(pool[i]);
	}
	return 0;
}
