/* SPDX-License-Identifier: Apache-2.0
 * Answers that are ready (server/http_ready.c): they go out again, each with an id of its own, and never after they have become wrong.
 */
#include <signal.h>

#include "server/http_loop.h"
#include "tests/http_client.h"
#include "tests/tap.h"

#define PUMP "/api/v3.0/submodels/dXJuOnB1bXA"		/* urn:pump */
#define SPEED PUMP "/submodel-elements/Speed/$value"
#define N_URLS 300

static struct server *server;
static struct live *live;
static struct store *store;
static struct sm_service *service;
static const char pump[] = "{\"modelType\":\"Submodel\",\"idShort\":\"Pump\",\"id\":\"urn:pump\",\"submodelElements\":["
	"{\"modelType\":\"Property\",\"idShort\":\"Speed\",\"valueType\":\"xs:double\",\"value\":\"1.5\"},"
	"{\"modelType\":\"Property\",\"idShort\":\"Text\",\"valueType\":\"xs:string\",\"value\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}]}";

static uint64_t n_ready(void)
{
	uint64_t n = 0;
	for (unsigned i = 0; i < server->n_loops; i++)
		n += atomic_load(&server->loop[i].n_ready);
	return n;
}

static void start(size_t ready_bytes)
{
	struct diag d = DIAG_INIT;
	struct http_config c = { .loops = 1, .workers = 2, .invokers = 1, .service = service, .live = live, .store = store, .compress_min = 100,
				 .ready_bytes = ready_bytes };
	server = http_start(&c, &d);
	port = server ? http_port(server) : 0;
	diag_fini(&d);
}

/* Until it is ready: the second time it is kept, the third time it goes out again. */
static bool warm(int fd, const char *path, const char *more, const char *want)
{
	struct answer r = { 0, BUF_INIT, BUF_INIT };
	uint64_t before = n_ready();
	bool ok = true;
	for (int i = 0; i < 4; i++)
		ok = ok && ask(fd, &r, "GET", path, more, NULL) == 200 && (!want || (r.body.p && !strcmp(r.body.p, want)));
	forget(&r);
	return ok && n_ready() - before >= 2;
}

static void ids(int fd)
{
	struct answer r = { 0, BUF_INIT, BUF_INIT };
	char was[600] = "";
	check(warm(fd, SPEED, "", "1.5"), "what was asked for before is ready");
	bool differ = true;
	for (int i = 0; i < 5; i++) {
		differ = differ && ask(fd, &r, "GET", SPEED, "", NULL) == 200 && header(&r, "X-Correlation-ID") && strcmp(header(&r, "X-Correlation-ID"), was);
		snprintf(was, sizeof was, "%s", header(&r, "X-Correlation-ID"));
	}
	check(differ, "each answer has an id of its own");
	check(ask(fd, &r, "GET", SPEED, "X-Correlation-ID: mine\r\n", NULL) == 200 && !strcmp(header(&r, "X-Correlation-ID"), "mine"), "or that of the client");
	PUT(fd, "GET " SPEED " HTTP/1.1\r\nHost: x\r\nX-Correlation-ID: a\r\n\r\nGET " SPEED " HTTP/1.1\r\nHost: x\r\nX-Correlation-ID: b\r\n\r\n"
		"GET " SPEED " HTTP/1.1\r\nHost: x\r\nX-Correlation-ID: c\r\n\r\n");
	bool ok = true;
	for (const char *want = "a"; *want <= 'c' && ok; want = *want == 'a' ? "b" : *want == 'b' ? "c" : "d")
		ok = get(fd, &r, false) && !strcmp(header(&r, "X-Correlation-ID"), want) && !strcmp(r.body.p, "1.5");
	check(ok, "so has each of a pipeline");
	check_str(header(&r, "Content-Type"), "application/json", "and the headers that it had before");
	check_str(header(&r, "Cache-Control"), "no-cache", "all of them");
	check_str(header(&r, "Access-Control-Allow-Origin"), "*", "each");
	forget(&r);
}

/* Many connections at once, each with ids of its own: the response is one object for all of them. */
static void at_once(void)
{
	enum { N = 40 };
	struct answer r = { 0, BUF_INIT, BUF_INIT };
	int fd[N];
	bool ok = true;
	char text[300];
	for (int i = 0; i < N; i++)
		fd[i] = dial();
	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < N; i++) {
			int n = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: x\r\nX-Correlation-ID: id-%d-%d\r\n\r\n", i % 2 ? PUMP : SPEED, round, i);
			ok = ok && put(fd[i], text, (size_t)n);
		}
		for (int i = 0; i < N; i++) {
			snprintf(text, sizeof text, "id-%d-%d", round, i);
			ok = ok && get(fd[i], &r, false) && !strcmp(header(&r, "X-Correlation-ID"), text) && !strcmp(r.body.p, i % 2 ? pump : "1.5");
		}
	}
	check(ok, "40 connections at once: to each its own id and body");
	for (int i = 0; i < N; i++)
		close(fd[i]);
	forget(&r);
}

static void other_questions(int fd)
{
	struct answer r = { 0, BUF_INIT, BUF_INIT };
	char tag[100];
	check(warm(fd, PUMP, "", pump), "a whole document is ready");
	ask(fd, &r, "GET", PUMP, "", NULL);
	snprintf(tag, sizeof tag, "If-None-Match: %s\r\n", header(&r, "ETag"));
	check_int(ask(fd, &r, "GET", PUMP, tag, NULL), 304, "who has it is told so");
	check_int(ask(fd, &r, "GET", PUMP, "Accept: text/html\r\n", NULL), 406, "who wants something else too");
	check(ask(fd, &r, "HEAD", PUMP, "", NULL) == 200 && !strcmp(header(&r, "Vary"), "Accept-Encoding"), "HEAD");
	check(ask(fd, &r, "GET", PUMP, "", "a body") == 200 && !strcmp(r.body.p, pump), "a body on a GET");
	PUT(fd, "GET " PUMP " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
	check(get(fd, &r, false) && r.status == 200 && !strcmp(r.body.p, pump), "one in chunks");
	check_int(ask(fd, &r, "DELETE", PUMP "/submodel-elements/Nothing", "", NULL), 404, "another method");
	check(ask(fd, &r, "GET", PUMP "?level=core", "", NULL) == 200 && r.body.n < sizeof pump, "another query is another URL");
	check(warm(fd, PUMP, "Accept-Encoding: gzip\r\n", NULL), "a compressed one is ready too");
	check(ask(fd, &r, "GET", PUMP, "Accept-Encoding: gzip\r\n", NULL) == 200 && !strcmp(header(&r, "Content-Encoding"), "gzip") &&
	      strstr(header(&r, "ETag"), "+gzip"), "with its tag");
	check(ask(fd, &r, "GET", PUMP, "", NULL) == 200 && !header(&r, "Content-Encoding") && !strcmp(r.body.p, pump), "beside the plain one");
	forget(&r);
}

static void changes(int fd)
{
	struct answer r = { 0, BUF_INIT, BUF_INIT };
	bool ok = true;
	for (int i = 0; i < 20 && ok; i++) {
		char text[20], whole[60];
		snprintf(text, sizeof text, "%d", i);
		snprintf(whole, sizeof whole, "\"value\":\"%d\"", i);
		ok = ask(fd, &r, "PATCH", SPEED, "", text) == 204 && warm(fd, SPEED, "", text) && warm(fd, PUMP, "", NULL) &&
		     ask(fd, &r, "GET", PUMP, "", NULL) == 200 && holds(&r, whole);
	}
	check(ok, "a value that was written is what the next GET shows, of the element and of the whole");
	check(ask(fd, &r, "PUT", PUMP, "", pump) == 204 && warm(fd, SPEED, "", "1.5"), "a document that was replaced, too");
	check(ask(fd, &r, "DELETE", PUMP, "", NULL) == 204 && ask(fd, &r, "GET", SPEED, "", NULL) == 404 && ask(fd, &r, "GET", PUMP, "", NULL) == 404,
	      "and one that was deleted");
	check(ask(fd, &r, "POST", "/api/v3.0/submodels", "", pump) == 201 && warm(fd, SPEED, "", "1.5"), "and made again");
	live_set(live, "urn:pump", "Speed", "42", QUALITY_GOOD, 0);
	check(ask(fd, &r, "GET", SPEED, "", NULL) == 200 && !strcmp(r.body.p, "42"), "a value that becomes live is shown at once");
	check(ask(fd, &r, "GET", PUMP, "", NULL) == 200 && holds(&r, "\"42\""), "in the whole too");
	live_set(live, "urn:pump", "Speed", "43", QUALITY_GOOD, 0);
	check(!warm(fd, SPEED, "", "43") && ask(fd, &r, "GET", SPEED, "", NULL) == 200 && !strcmp(r.body.p, "43"), "what is live is never ready");
	live_drop(live, "urn:pump", NULL);
	check(warm(fd, SPEED, "", "1.5"), "but what is stored is, when that is over");
	http_change(server, NULL, "https://other.example", 0, 0);
	check(ask(fd, &r, "GET", SPEED, "", NULL) == 200 && !strcmp(header(&r, "Access-Control-Allow-Origin"), "https://other.example"), "a new setting counts at once");
	http_change(server, NULL, "*", (size_t)64 << 20, 100);
	forget(&r);
}

static void bounded(void)
{
	struct answer r = { 0, BUF_INIT, BUF_INIT };
	char path[200];
	bool ok = true;
	start(64 << 10);
	int fd = dial();
	for (int round = 0; round < 4; round++)
		for (int i = 0; i < N_URLS && ok; i++) {
			snprintf(path, sizeof path, i % 2 ? SPEED "?n=%d" : PUMP "?n=%d", i);
			ok = ask(fd, &r, "GET", path, "", NULL) == 200 && !strcmp(r.body.p, i % 2 ? "1.5" : pump);
		}
	check(ok, "more URLs than there is room for");
	check(warm(fd, SPEED, "", "1.5"), "and the next one is ready all the same");
	close(fd);
	http_stop(server);
	start(1);
	fd = dial();
	check(!warm(fd, SPEED, "", "1.5") && ask(fd, &r, "GET", SPEED, "", NULL) == 200, "none at all, when there shall be none");
	close(fd);
	http_stop(server);
	forget(&r);
}

int main(void)
{
	struct answer r = { 0, BUF_INIT, BUF_INIT };
	store = store_mem_new();
	live = live_new();
	struct sm_config sm = { .store = store, .changes = changes_new(), .live = live };
	service = sm_service_new(&sm);
	signal(SIGPIPE, SIG_IGN);
	start(0);
	if (!check(server != NULL, "the server starts"))
		return done();
	int fd = dial();
	check_int(ask(fd, &r, "POST", "/api/v3.0/submodels", "", pump), 201, "POST");
	ids(fd);
	at_once();
	other_questions(fd);
	changes(fd);
	close(fd);
	http_stop(server);
	bounded();
	sm_service_free(service);
	changes_free(sm.changes);
	live_free(live);
	store->ops->close(store);
	forget(&r);
	return done();
}
