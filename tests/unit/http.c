/* SPDX-License-Identifier: Apache-2.0
 * The HTTP server over real sockets on loopback: a memory store behind it, a client made of send and recv in front.
 */
#include "server/http.h"
#include "server/route.h"

#include <signal.h>
#include <stdatomic.h>
#include <zlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "tests/http_client.h"
#include "tests/tap.h"

static struct server *server;
static struct sm_service *service;
static struct live *live;
static struct store *store;

/* An asset that works until it is told to be done. */
static atomic_int working, release;

static enum err slow(void *ctx, const struct sm_invocation *what, struct arena *arena, struct sm_outcome *out, struct diag *d)
{
	(void)ctx, (void)what, (void)arena, (void)d;
	atomic_fetch_add(&working, 1);
	for (int i = 0; i < 1000 && !atomic_load(&release); i++)
		clock_sleep_us(10000);
	*out = (struct sm_outcome){ .state = EXECUTION_COMPLETED };
	return ERR_OK;
}

static const struct static_file files[] = {
	{ "/index.html", "text/html; charset=utf-8", "\"v1\"", (const unsigned char *)"<!doctype html>", 15 },
	{ "/app.js", "text/javascript", "\"v2\"", (const unsigned char *)"1", 1 },
	{ "/docs.html", "text/html; charset=utf-8", "\"v3\"", (const unsigned char *)"docs", 4 },
};

/* -- tests ---------------------------------------------------------------------------------------------------------------------- */

#define GZIP "Accept-Encoding: br, gzip;q=0.5\r\n"
#define PUMP "/api/v3.0/submodels/dXJuOnB1bXA"		/* urn:pump */
static const char pump[] = "{\"modelType\":\"Submodel\",\"idShort\":\"Pump\",\"id\":\"urn:pump\",\"submodelElements\":["
	"{\"modelType\":\"Property\",\"idShort\":\"Speed\","
	"\"qualifiers\":[{\"type\":\"Unit\",\"valueType\":\"xs:string\",\"value\":\"rpm\"}],\"valueType\":\"xs:double\",\"value\":\"1.5\"},"
	"{\"modelType\":\"SubmodelElementList\",\"idShort\":\"List\",\"typeValueListElement\":\"Property\",\"valueTypeListElement\":\"xs:int\","
	"\"value\":[{\"modelType\":\"Property\",\"valueType\":\"xs:int\",\"value\":\"7\"}]},"
	"{\"modelType\":\"Operation\",\"idShort\":\"Work\"}]}";

/* How clients reach the server from outside: in Locations and in what the registries say. */
static void outside(void)
{
	static const char sm[] = "{\"modelType\":\"Submodel\",\"id\":\"urn:out\"}";
	struct answer r = { 0, BUF_INIT, BUF_INIT };
	int fd = dial();
	http_change(server, "https://plant.example", "*", 100000, 400000);
	check_int(ask(fd, &r, "POST", "/api/v3.0/submodels", "", sm), 201, "POST with an external URL");
	check_str(header(&r, "Location"), "https://plant.example/api/v3.0/submodels/dXJuOm91dA", "the Location begins with it");
	check(ask(fd, &r, "GET", "/api/v3/submodel-descriptors/dXJuOm91dA", "", NULL) == 200 &&
	      holds(&r, "\"href\":\"https://plant.example/api/v3/submodels/dXJuOm91dA\",\"endpointProtocol\":\"HTTPS\""), "a derived endpoint too");
	http_change(server, NULL, "*", 100000, 400000);
	check(ask(fd, &r, "GET", "/api/v3/submodel-descriptors/dXJuOm91dA", "", NULL) == 200 && holds(&r, "\"href\":\"http://") &&
	      holds(&r, "\"endpointProtocol\":\"HTTP\""), "without it, what the client called counts");
	check_int(ask(fd, &r, "DELETE", "/submodels/dXJuOm91dA", "", NULL), 204, "DELETE");
	forget(&r);
	close(fd);
}

static void life(void)
{
	struct answer r = { 0, BUF_INIT, BUF_INIT };
	int fd = dial();
	check_int(ask(fd, &r, "POST", "/api/v3.0/submodels", "", pump), 201, "POST");
	check_str(header(&r, "Location"), PUMP, "with a Location below the base path that was used");
	check_int(ask(fd, &r, "POST", "/api/v3.0/submodels", "", pump), 409, "POST again");
	static const char *const base[] = { "/api/v3.0", "/api/v3", "", "http://anything" };
	char path[200];
	for (int i = 0; i < 4; i++) {
		snprintf(path, sizeof path, "%s/submodels/dXJuOnB1bXA", base[i]);
		check(ask(fd, &r, "GET", path, "", NULL) == 200 && !strcmp(r.body.p, pump), "GET below \"%s\"", base[i]);
	}
	check_int(ask(fd, &r, "GET", "/api/v3.1/submodels/dXJuOnB1bXA", "", NULL), 404, "not below anything else");
	check(ask(fd, &r, "GET", PUMP "/submodel-elements/List%5B0%5D/$value", "", NULL) == 200 && !strcmp(r.body.p, "7"), "GET of a value");
	check(ask(fd, &r, "GET", PUMP "/submodel-elements/List[0]/$value", "", NULL) == 200, "also with raw brackets");
	check_int(ask(fd, &r, "GET", PUMP "/submodel-elements/List%5B1%5D", "", NULL), 404, "an index out of range");
	check_int(ask(fd, &r, "GET", PUMP "/submodel-elements/List%5B01%5D", "", NULL), 400, "a malformed index");
	check_int(ask(fd, &r, "PATCH", PUMP "/submodel-elements/Speed/$value", "", "2.5"), 204, "PATCH of a value");
	check(!header(&r, "Content-Type") && !r.body.n, "without a body");
	check(ask(fd, &r, "GET", PUMP "/submodel-elements/Speed/$value", "", NULL) == 200 && !strcmp(r.body.p, "2.5"), "is seen at once");
	check_int(ask(fd, &r, "PATCH", PUMP "/submodel-elements/Speed/$value", "", "\"fast\""), 400, "a wrong value");
	check_int(ask(fd, &r, "PUT", PUMP, "", pump), 204, "PUT");
	check_int(ask(fd, &r, "HEAD", PUMP, "", NULL), 200, "HEAD");
	check_int(strtol(header(&r, "Content-Length"), NULL, 10), sizeof pump - 1, "with the length of GET");
	check_int(ask(fd, &r, "GET", PUMP, "Accept: text/html\r\n", NULL), 406, "GET of something else than JSON");
	check_int(ask(fd, &r, "GET", "/api/v3/submodels", "", NULL), 200, "one connection was enough for all that");
	close(fd);
	forget(&r);
}

static void live_values(void)
{
	struct answer r = { 0, BUF_INIT, BUF_INIT };
	int fd = dial();
	live_set(live, "urn:pump", "Speed", "42", QUALITY_GOOD, 0);
	check(ask(fd, &r, "GET", PUMP "/submodel-elements/Speed/$value", "", NULL) == 200 && !strcmp(r.body.p, "42"), "$value is live");
	check(ask(fd, &r, "GET", PUMP, "", NULL) == 200 && holds(&r, "\"value\":\"42\""), "so is the whole document");
	live_drop(live, "urn:pump", NULL);
	check(ask(fd, &r, "GET", PUMP, "", NULL) == 200 && !strcmp(r.body.p, pump), "and the stored one is back when it is gone");
	close(fd);
	forget(&r);
}

static void protocol(void)
{
	struct answer r = { 0, BUF_INIT, BUF_INIT };
	int fd = dial();
	check(ask(fd, &r, "OPTIONS", "/api/v3/shells", "Origin: http://o\r\n", NULL) == 204 &&
	      !strcmp(header(&r, "Allow"), "GET, HEAD, POST, OPTIONS"),
	      "OPTIONS");
	check(strstr(header(&r, "Access-Control-Allow-Methods"), "PATCH"), "is a preflight");
	check_int(ask(fd, &r, "OPTIONS", "*", "", NULL), 204, "OPTIONS *");
	check(ask(fd, &r, "GET", "/nothing", "", NULL) == 404 &&
	      holds(&r, "{\"messages\":[{\"messageType\":\"Error\",\"code\":\"404\""), "404 is a Result");
	check_str(header(&r, "Access-Control-Allow-Origin"), "*", "with CORS");
	check(strstr(header(&r, "Access-Control-Expose-Headers"), "Location"), "and Location exposed");
	check(ask(fd, &r, "DELETE", "/api/v3/shells", "", NULL) == 405 && !strcmp(header(&r, "Allow"), "GET, HEAD, POST"), "405 has Allow");
	for (size_t i = 0; i < n_routes; i++)		/* one that is not offered (yet), if there is one */
		if (!routes[i].handler && !*routes[i].prefix && !strchr(routes[i].path, '{')) {
			check_int(ask(fd, &r, routes[i].method, routes[i].path, "", NULL), 501, "501 of %s", routes[i].path);
			break;
		}
	check(ask(fd, &r, "GET", "/nothing", "X-Request-ID: my.id-1\r\n", NULL) == 404 &&
	      holds(&r, "\"correlationId\":\"my.id-1\""), "ids are echoed");
	check_str(header(&r, "X-Correlation-ID"), "my.id-1", "in the header too");
	check(ask(fd, &r, "GET", "/nothing", "X-Correlation-ID: a\"b\r\n", NULL) == 404 && !holds(&r, "a\\\"b"), "but not just any");
	char made[80];
	snprintf(made, sizeof made, "%.79s", header(&r, "X-Correlation-ID"));
	check(*made && holds(&r, made), "one is made, and is the same in the Result");
	check(ask(fd, &r, "GET", PUMP, "", NULL) == 200 && strcmp(header(&r, "X-Correlation-ID"), made), "another for each request");
	check(ask(fd, &r, "GET", "/", "", NULL) == 200 && !strcmp(r.body.p, "<!doctype html>"), "the console is at /");
	check(strstr(header(&r, "Content-Security-Policy"), "default-src 'self'"), "with its policy");
	check_int(ask(fd, &r, "GET", "/app.js", "If-None-Match: \"v2\"\r\n", NULL), 304, "and not sent twice");
	check(ask(fd, &r, "GET", "/api-docs", "", NULL) == 200 && !strcmp(r.body.p, "docs"), "the operations are shown at /api-docs");
	check(ask(fd, &r, "GET", "/openapi.json", GZIP, NULL) == 200 && !strcmp(header(&r, "Content-Encoding"), "gzip") &&
	      !strcmp(header(&r, "Content-Type"), "application/json"), "from a description that is compressed");
	check_int(ask(fd, &r, "POST", "/app.js", "", "{}"), 404, "files are only read");
	check_int(ask(fd, &r, "GET", "/api/v3/app.js", "", NULL), 404, "and not below the API");
	check_int(ask(fd, &r, "GET", "/healthz", "", NULL), 200, "healthz");
	check_int(ask(fd, &r, "GET", "/readyz", "", NULL), 200, "readyz");
	check_int(ask(fd, &r, "POST", "/healthz", "", "{}"), 405, "is not posted to");
	check_int(ask(fd, &r, "GET", "/shells", "", "a body on a GET is none of our business"), 200, "GET with a body");
	close(fd);
	forget(&r);
}

static void bounds(void)
{
	struct answer r = { 0, BUF_INIT, BUF_INIT };
	struct buf b = BUF_INIT;
	int fd = dial();
	buf_puts(&b, "/shells?x=");
	while (b.n < 32768)
		buf_putc(&b, 'a');
	check_int(ask(fd, &r, "GET", b.p, "", NULL), 200, "a URI of 32 KiB");
	buf_putc(&b, 'a');
	check(ask(fd, &r, "GET", b.p, "", NULL) == 414 && holds(&r, "\"414\""), "one byte more is a Result too");
	buf_reset(&b);
	for (int i = 0; i < 100001; i++)
		buf_putc(&b, ' ');
	check(ask(fd, &r, "POST", "/api/v3/shells", "", b.p) == 413 && holds(&r, "100000 bytes"), "a body that is too large");
	check_int(ask(fd, &r, "GET", "/shells", "", NULL), 200, "leaves the connection usable");
	check_int(ask(fd, &r, "POST", "/api/v3/nothing", "", b.p), 404, "so does one on a wrong path");
	check(PUT(fd, "POST /api/v3/shells HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 100001\r\n\r\n") && get(fd, &r, false) &&
	      r.status == 413, "a body that is announced is refused before it is sent");
	close(fd);
	fd = dial();
	check(PUT(fd, "POST /api/v3/shells HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n") && get(fd, &r, false) &&
	      r.status == 100, "or invited");
	check(PUT(fd, "{}") && get(fd, &r, false) && r.status == 400, "and read");
	/* chunked, byte by byte, larger than allowed */
	check(PUT(fd, "POST /api/v3/shells HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"), "chunks");
	for (int i = 0; i < 11; i++)
		PUT(fd, "2710\r\n"), put(fd, b.p, 10000), PUT(fd, "\r\n");
	check(PUT(fd, "0\r\n\r\n") && get(fd, &r, false) && r.status == 413, "are counted");
	/* what becomes too large after a part of it is in its file */
	check(PUT(fd, "POST /api/v3/upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"), "a file in chunks");
	for (int i = 0; i < 60; i++)
		PUT(fd, "2710\r\n"), put(fd, b.p, 10000), PUT(fd, "\r\n");
	check(PUT(fd, "0\r\n\r\n") && get(fd, &r, false) && r.status == 413 && holds(&r, "400000 bytes"), "is counted as well");
	check(PUT(fd, "POST /api/v3/upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"), "another one");
	for (int i = 0; i < 38; i++)
		PUT(fd, "2710\r\n"), put(fd, b.p, 10000), PUT(fd, "\r\n");
	check(PUT(fd, "2\r\n{}\r\n0\r\n\r\n") && get(fd, &r, false) && r.status == 200 && holds(&r, "\"created\":0"), "comes whole");
	check(PUT(fd, "POST /api/v3/shells HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n") &&
	      get(fd, &r, false) && r.status == 400, "and joined");
	check(PUT(fd, "GET /shells HTTP/1.1\r\nHost: x\r\n\r\nGET /shells/! HTTP/1.1\r\nHost: x\r\n\r\n"
		  "GET /submodels HTTP/1.1\r\nHost: x\r\n\r\n"),
	      "three requests at once");
	int status[3] = { 0 };
	for (int i = 0; i < 3 && get(fd, &r, false); i++)
		status[i] = r.status;
	check(status[0] == 200 && status[1] == 400 && status[2] == 200, "are answered in their order");
	close(fd);
	fd = dial();
	PUT(fd, "POST /api/v3/shells HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{");
	close(fd);			/* gone in the middle of a body */
	buf_fini(&b);
	forget(&r);
}

/* The internal epoll loop of libmicrohttpd 0.9.75 hangs with 128 connections; ours must not. */
/* -- codings and conditions ------------------------------------------------------------------------------------------------------ */

static bool gunzips_to(struct slice in, const char *want, size_t n)
{
	char *out = malloc(n + 1);
	z_stream z = { .next_in = (Bytef *)(uintptr_t)in.p, .avail_in = (uInt)in.n, .next_out = (Bytef *)out, .avail_out = (uInt)n + 1 };
	inflateInit2(&z, 15 + 16);
	bool ok = inflate(&z, Z_FINISH) == Z_STREAM_END && z.total_out == n && !memcmp(out, want, n);
	inflateEnd(&z);
	free(out);
	return ok;
}

#define LARGE "/submodels/dXJuOmxhcmdl"		/* urn:large */

static void codings(void)
{
	struct answer r = { 0, BUF_INIT, BUF_INIT };
	struct buf b = BUF_INIT;
	int fd = dial();
	buf_puts(&b, "{\"modelType\":\"Submodel\",\"id\":\"urn:large\",\"submodelElements\":[");
	for (int i = 0; i < 100; i++)
		buf_printf(&b, "%s{\"modelType\":\"Property\",\"idShort\":\"P%d\",\"valueType\":\"xs:int\",\"value\":\"%d\"}", i ? "," : "", i, i);
	buf_puts(&b, "]}");
	check_int(ask(fd, &r, "POST", "/submodels", GZIP, b.p), 201, "POST of something large");
	check(header(&r, "Content-Encoding") && gunzips_to(buf_view(&r.body), b.p, b.n), "comes back compressed");
	check(ask(fd, &r, "GET", LARGE, "", NULL) == 200 && !header(&r, "Content-Encoding") && !strcmp(r.body.p, b.p), "not unless it is asked for");
	check_str(header(&r, "Vary"), "Accept-Encoding", "caches are told that it could be");
	for (int i = 0; i < 2; i++) {	/* by a worker, then from memory */
		check(ask(fd, &r, "GET", LARGE, GZIP, NULL) == 200 && !strcmp(header(&r, "Content-Encoding"), "gzip"), "compressed");
		check(r.body.n < b.n / 4 && gunzips_to(buf_view(&r.body), b.p, b.n), "to a fraction, and whole");
		check_str(header(&r, "ETag"), "\"v1+gzip\"", "under a tag of its own");
	}
	const struct sm_tree *t = sm_peek(service, STORE_SUBMODEL, "urn:large");
	check(t && sm_tree_packed(t) && sm_tree_packed(t)->n == r.body.n, "it was done once");
	sm_tree_drop(t);
	check_int(ask(fd, &r, "GET", LARGE, GZIP "If-None-Match: \"v1+gzip\"\r\n", NULL), 304, "and is known again");
	check_int(ask(fd, &r, "GET", LARGE, "If-None-Match: \"v1+gzip\"\r\n", NULL), 304, "in either coding");
	check(ask(fd, &r, "GET", LARGE, "Accept-Encoding: gzip;q=0\r\n", NULL) == 200 && !header(&r, "Content-Encoding"), "a weight of 0 is a no");
	check(ask(fd, &r, "HEAD", LARGE, GZIP, NULL) == 200 && header(&r, "Content-Encoding"), "HEAD is like GET");
	check(ask(fd, &r, "GET", LARGE "/$value", GZIP, NULL) == 200 && !header(&r, "Content-Encoding"), "what is small stays as it is");
	check(ask(fd, &r, "GET", LARGE "/submodel-elements", GZIP, NULL) == 200 && !strcmp(header(&r, "Content-Encoding"), "gzip"), "a page too");
	live_set(live, "urn:large", "P7", "42", QUALITY_GOOD, 0);
	check(ask(fd, &r, "GET", LARGE, GZIP, NULL) == 200 && !strcmp(header(&r, "Content-Encoding"), "gzip") &&
	      !gunzips_to(buf_view(&r.body), b.p, b.n), "live values are not those of the compressed document");
	live_drop(live, "urn:large", NULL);
	check_int(ask(fd, &r, "PATCH", LARGE "/submodel-elements/P7/$value", "", "8"), 204, "a change");
	check(ask(fd, &r, "GET", LARGE, GZIP, NULL) == 200 && !gunzips_to(buf_view(&r.body), b.p, b.n) &&
	      !strcmp(header(&r, "ETag"), "\"v2+gzip\""), "is in the next one");
	check_int(ask(fd, &r, "DELETE", LARGE, "", NULL), 204, "gone");
	close(fd);
	buf_fini(&b);
	forget(&r);
}

/* Many who have all read the same version: one of them may write, the others are told. */
static void one_wins(void)
{
	enum { N = 16 };
	struct answer r = { 0, BUF_INIT, BUF_INIT };
	int fd[N];
	char tag[80];
	for (int i = 0; i < N; i++)
		fd[i] = dial();
	for (int round = 0; round < 10; round++) {
		int written = 0, refused = 0;
		ask(fd[0], &r, "GET", PUMP, "", NULL);
		snprintf(tag, sizeof tag, "%.79s", header(&r, "ETag"));
		for (int i = 0; i < N; i++) {
			char text[400];
			int n = snprintf(text, sizeof text, "PATCH " PUMP "/submodel-elements/Speed/$value HTTP/1.1\r\nHost: x\r\nIf-Match: %s\r\n"
					 "Content-Type: application/json\r\nContent-Length: 1\r\n\r\n%d", tag, i % 10);
			put(fd[i], text, (size_t)n);
		}
		for (int i = 0; i < N; i++) {
			get(fd[i], &r, false);
			written += r.status == 204;
			refused += r.status == 412;
		}
		check(written == 1 && refused == N - 1, "of %d at once one wins (%d), the others get 412 (%d)", N, written, refused);
	}
	for (int i = 0; i < N; i++)
		close(fd[i]);
	forget(&r);
}

static void many(void)
{
	enum { N = 160 };
	struct answer r = { 0, BUF_INIT, BUF_INIT };
	static const char text[] = "GET " PUMP " HTTP/1.1\r\nHost: x\r\n\r\n", list[] = "GET /submodels HTTP/1.1\r\nHost: x\r\n\r\n";
	int fd[N], good = 0;
	for (int i = 0; i < N; i++)
		fd[i] = dial();
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < N; i++)
			put(fd[i], round == 1 ? list : text, round == 1 ? sizeof list - 1 : sizeof text - 1);
		for (int i = 0; i < N; i++)
			good += get(fd[i], &r, false) && r.status == 200;
	}
	check_int(good, 3 * N, "%d connections at the same time, three times", N);
	for (int i = 0; i < N; i++)
		close(fd[i]);
	forget(&r);
}

/* Read from an event stream until `text` has come; false when it does not. */
static bool stream_says(int fd, struct buf *got, const char *text)
{
	char c;
	while (!got->p || !strstr(got->p, text)) {
		if (recv(fd, &c, 1, 0) != 1)
			return false;
		buf_putc(got, c);
	}
	return true;
}

static void open_stream(int fd, const char *query, struct answer *r)
{
	struct buf b = BUF_INIT;
	buf_printf(&b, "GET /events/live%s HTTP/1.1\r\nHost: x\r\n\r\n", query);
	put(fd, b.p, b.n);
	get(fd, r, false);
	buf_fini(&b);
}

/* The server notices that a client is gone when it writes, so something changes until there is room. */
static void open_free_stream(int fd, struct answer *r)
{
	char text[40];
	r->status = 503;
	for (int i = 0; i < 200 && r->status == 503; i++) {
		snprintf(text, sizeof text, "%d", i);
		live_set(live, "urn:pump", "Speed", text, QUALITY_GOOD, 1);
		clock_sleep_us(50000);
		open_stream(fd, "", r);
	}
}

static size_t count(const struct buf *b, const char *text)
{
	size_t n = 0;
	for (const char *p = b->p; p && (p = strstr(p, text)); p++)
		n++;
	return n;
}

static bool seq_grows(const struct buf *b)
{
	unsigned long last = 0, seq;
	for (const char *p = b->p; p && (p = strstr(p, "\"seq\":")); last = seq)
		if ((seq = strtoul(p += 6, NULL, 10)) <= last)
			return false;
	return true;
}

static void events(void)
{
	struct answer r = { 0, BUF_INIT, BUF_INIT };
	struct buf got = BUF_INIT, other = BUF_INIT;
	int fd = dial(), fd2 = dial(), fd3 = dial();
	char text[40];
	live_set(live, "urn:pump", "Speed", "1", QUALITY_GOOD, 1500000);
	live_set(live, "urn:tank", "Level", "9", QUALITY_STALE, TIME_NONE);
	open_stream(fd, "?submodel=dXJuOnB1bXA&submodel=dXJuOng", &r);
	check(r.status == 200 && !strcmp(header(&r, "Content-Type"), "text/event-stream"), "an event stream");
	check(stream_says(fd, &got, "event: value\ndata: {\"submodel\":\"urn:pump\",\"path\":\"Speed\",\"text\":\"1\",\"quality\":\"good\","
			  "\"time\":\"1970-01-01T00:00:01.5Z\",\"seq\":"), "begins with what is known");
	open_stream(fd2, "", &r);
	check(stream_says(fd2, &other, "urn:tank") && stream_says(fd2, &other, "\"time\":null"), "without a filter it carries everything");
	int64_t began = clock_mono_us();
	for (int i = 2; i <= 2000; i++) {
		snprintf(text, sizeof text, "%d", i);
		live_set(live, "urn:pump", "Speed", text, QUALITY_GOOD, i);
		if (i % 100 == 0)
			clock_sleep_us(20000);
	}
	live_set(live, "urn:tank", "Level", NULL, QUALITY_BAD, 5);
	check(stream_says(fd, &got, "\"text\":\"2000\""), "the last value comes");
	check((int64_t)count(&got, "event: value") <= 3 + (clock_mono_us() - began) / 100000, "without most of those between (%zu events)",
	      count(&got, "event: value"));
	check(seq_grows(&got), "and none twice");
	check(!strstr(got.p, "urn:tank"), "and nothing that was not asked for");
	check(stream_says(fd2, &other, "\"text\":null,\"quality\":\"bad\""), "a missing value is null");
	open_stream(fd3, "", &r);
	check(r.status == 503 && header(&r, "Retry-After"), "one stream too many");
	check_int(ask(fd3, &r, "GET", "/events/live?submodel=!", "", NULL), 400, "a wrong id");
	check_int(ask(fd3, &r, "HEAD", "/events/live", "", NULL), 200, "HEAD of a stream");
	close(fd);
	open_free_stream(fd3, &r);
	check_int(r.status, 200, "a client that went away leaves its place");
	close(fd2);
	close(fd3);
	live_drop(live, "urn:pump", NULL);
	live_drop(live, "urn:tank", NULL);
	buf_fini(&got);
	buf_fini(&other);
	forget(&r);
}

/* Times before, at and soon after 1970, and those whose last digits are zeros; several hundred, so that room is made more than once. */
static void trend_of_other_times(int fd, int64_t series)
{
	struct answer r = { 0, BUF_INIT, BUF_INIT };
	enum { N = 700 };
	static const int64_t at[] = { -100001, -100000, -1, 0, 1, 99999, 100000, 100001, 199999, 200000, 1700000000000, 1700000000001, 1700000100000 };
	struct buf all = BUF_INIT;
	buf_puts(&all, "{\"series\":[");
	for (int i = 0; i < N; i++) {
		int64_t t = i < 13 ? at[i] : 1700000100000 + i * 40;
		struct store_sample one = { series, t * 1000, i, NULL, QUALITY_GOOD };
		store->ops->append(store, &(struct store_batch){ .sample = &one, .n_samples = 1 });
		buf_printf(&all, "%s[%lld,%d]", i ? "," : "", (long long)t, i);
	}
	buf_puts(&all, "],\"unit\":\"rpm\"}");
	check(ask(fd, &r, "GET", "/trend?submodel=dXJuOnB1bXA&path=Speed&from=1960-01-01T00:00:00Z&to=2023-11-30T00:00:00Z&level=raw&limit=5000", "", NULL) == 200,
	      "the trend of other times");
	check(r.body.n == all.n && !memcmp(r.body.p, all.p, all.n), "every digit of them");
	buf_fini(&all);
	buf_fini(&r.head);
	buf_fini(&r.body);
}

static void trend(void)
{
	struct answer r = { 0, BUF_INIT, BUF_INIT };
	int fd = dial();
	int64_t series, now = clock_now_us() / 1000 * 1000;
	char want[300];
	check_int(ask(fd, &r, "GET", "/trend?submodel=dXJuOnB1bXA&path=Nothing", "", NULL), 404, "the trend of nothing");
	check_int(ask(fd, &r, "GET", "/trend?submodel=dXJuOnB1bXA", "", NULL), 400, "of no path");
	check_int(ask(fd, &r, "GET", "/trend?submodel=dXJuOnB1bXA&path=Speed&from=yesterday", "", NULL), 400, "since no time");
	check(ask(fd, &r, "GET", "/trend?submodel=dXJuOnB1bXA&path=Speed", "", NULL) == 200 &&
	      holds(&r, "{\"series\":[],\"unit\":\"rpm\"}"), "of no samples");
	store->ops->series(store, "urn:pump", "Speed", "rpm", &series);
	struct store_sample s[] = {
		{ series, now - 3000000, 1.5, NULL, QUALITY_GOOD }, { series, now - 2000000, 0.0 / 0.0, "true", QUALITY_GOOD },
		{ series, now - 1000000, 0.0 / 0.0, "text", QUALITY_GOOD },
	};
	struct store_batch batch = { .sample = s, .n_samples = 3 };
	store->ops->append(store, &batch);
	live_set(live, "urn:pump", "Speed", "2", QUALITY_GOOD, now);
	int64_t ms = now / 1000;
	snprintf(want, sizeof want, "{\"series\":[[%lld,1.5],[%lld,1],[%lld,null]],\"unit\":\"rpm\"}", (long long)ms - 3000, (long long)ms - 2000,
		 (long long)ms - 1000);
	check_int(ask(fd, &r, "GET", "/trend?submodel=dXJuOnB1bXA&path=Speed", "", NULL), 200, "the trend of three samples");
	check_str(r.body.p, want, "in order");
	snprintf(want, sizeof want, "{\"series\":[[%lld,null]],\"unit\":\"rpm\"}", (long long)ms - 1000);
	check(ask(fd, &r, "GET", "/trend?submodel=dXJuOnB1bXA&path=Speed&limit=1", "", NULL) == 200 && !strcmp(r.body.p, want), "the newest one");
	check_int(ask(fd, &r, "GET", "/trend?submodel=dXJuOnB1bXA&path=Speed&level=1s", "", NULL), 400, "means of nothing known");
	trend_of_other_times(fd, series);
	int64_t day = now / (86400 * US_PER_S) * 86400 * US_PER_S;
	struct store_sample old[] = {
		{ series, day - 86400 * US_PER_S + 1, 2, NULL, QUALITY_GOOD }, { series, day - 86400 * US_PER_S + 9000000, 5, NULL, QUALITY_GOOD },
		{ series, day - 80000 * US_PER_S, 1e300, NULL, QUALITY_GOOD },
	};
	batch.sample = old;
	store->ops->append(store, &batch);
	char from[TIME_TEXT_MAX], to[TIME_TEXT_MAX], path[200];
	time_format(from, day - 86400 * US_PER_S + 5);
	time_format(to, day);
	ms = day / 1000 - 86400000;
	const struct { const char *ask; long long a, b; const char *first, *second, *rest; } level[] = {
		{ "&limit=1440", ms, ms + 6360000, "3.5", "null", ",\"min\":[2,null],\"max\":[5,null],\"level\":\"1m\"" },
		{ "", ms, ms + 3600000, "3.5", "null", ",\"min\":[2,null],\"max\":[5,null],\"level\":\"1h\"" },
		{ "&limit=2&level=raw", ms + 9000, ms + 6400000, "5", "1e+300", "" },
	};
	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof path, "/trend?submodel=dXJuOnB1bXA&path=Speed&from=%s&to=%s%s", from, to, level[i].ask);
		check_int(ask(fd, &r, "GET", path, "", NULL), 200, "the trend of a day%s", level[i].ask);
		snprintf(want, sizeof want, "{\"series\":[[%lld,%s],[%lld,%s]]%s,\"unit\":\"rpm\"}", level[i].a, level[i].first, level[i].b, level[i].second, level[i].rest);
		check_str(r.body.p, want, "as fine as fits");
	}
	snprintf(path, sizeof path, "/trend?submodel=dXJuOnB1bXA&path=Speed&from=%s&to=%s&limit=22", from, to);
	check_int(ask(fd, &r, "GET", path, "", NULL), 200, "in few points");
	snprintf(want, sizeof want, "{\"series\":[[%lld,3.5]],\"min\":[2],\"max\":[5],\"level\":\"1d\",\"unit\":\"rpm\"}", (long long)ms);
	check_str(r.body.p, want, "it is one day");
	live_drop(live, "urn:pump", NULL);
	close(fd);
	forget(&r);
}

static void *stop(void *arg)
{
	http_stop(arg);
	return NULL;
}

#define WATCHERS 16		/* so many that each loop has some */

static int ask_all(const int *fd, const char *path, int status)
{
	struct answer r = { 0, BUF_INIT, BUF_INIT };
	int n = 0;
	for (int i = 0; i < WATCHERS; i++)
		n += ask(fd[i], &r, "GET", path, "", NULL) == status;
	forget(&r);
	return n;
}

/* Slow operations keep neither readers nor the end of the server from being served. */
static void slow_work(void)
{
	int watcher[WATCHERS];
	struct answer r = { 0, BUF_INIT, BUF_INIT };
	struct buf got = BUF_INIT;
	static const char timeout[] = "{\"clientTimeoutDuration\":\"PT60S\"}";
	struct buf b = BUF_INIT;
	int fd[3] = { dial(), dial(), dial() }, reader = dial(), stream = dial();
	buf_printf(&b, "POST " PUMP "/submodel-elements/Work/invoke HTTP/1.1\r\nHost: x\r\n"
		   "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
		   strlen(timeout), timeout);
	for (int i = 0; i < 3; i++)
		put(fd[i], b.p, b.n);
	for (int i = 0; i < 1000 && atomic_load(&working) < 1; i++)
		clock_sleep_us(10000);
	check_int(atomic_load(&working), 1, "one asset is at work, two wait for the only invoker");
	check_int(ask(reader, &r, "GET", "/submodels", "", NULL), 200, "reading goes on");
	open_free_stream(stream, &r);
	for (int i = 0; i < WATCHERS; i++)
		watcher[i] = dial();
	check_int(ask_all(watcher, "/readyz", 200), WATCHERS, "it is ready");
	close(fd[2]);			/* a client that does not wait for its answer */
	pthread_t t;
	thread_start(&t, "stop", stop, server);
	check(stream_says(stream, &got, "\r\n0\r\n\r\n"), "streams end when the server stops");
	clock_sleep_us(100000);		/* a loop that would end before the others has ended by now */
	check_int(ask_all(watcher, "/readyz", 503), WATCHERS, "whoever is connected is told that it stops, as long as anything is under way");
	atomic_store(&release, 1);
	int good = 0;
	for (int i = 0; i < 2; i++)
		good += get(fd[i], &r, false) && r.status == 200 && holds(&r, "\"Completed\"");
	check_int(good, 2, "what is under way is answered");
	pthread_join(t, NULL);
	check_int(atomic_load(&working), 3, "to the last");
	for (int i = 0; i < 2; i++)
		close(fd[i]);
	for (int i = 0; i < WATCHERS; i++)
		close(watcher[i]);
	close(reader);
	close(stream);
	buf_fini(&b);
	buf_fini(&got);
	forget(&r);
}

/* Behind a proxy every own URL is the one that the client used; from anybody else nothing of that counts. */
static void proxied(void)
{
	static const char sm[] = "{\"modelType\":\"Submodel\",\"id\":\"urn:out\"}";
	static const char said[] = "X-Forwarded-Proto: https\r\nX-Forwarded-Host: evil.example\r\nX-Forwarded-Host: plant.example\r\nX-Forwarded-Prefix: /twin\r\n";
	static const char *const lists[] = { "loopback", "192.0.2.1", "" };
	static const struct { const char *location, *href, *url; } want[] = {
		{ "/twin/api/v3/submodels/dXJuOm91dA", "\"href\":\"https://plant.example/twin/api/v3/submodels/dXJuOm91dA\",\"endpointProtocol\":\"HTTPS\"", "{\"url\":\"/twin/api/v3\"}" },
		{ "/api/v3/submodels/dXJuOm91dA", "\"href\":\"http://", "{\"url\":\"/api/v3\"}" },
		{ "/api/v3/submodels/dXJuOm91dA", "\"href\":\"http://", "{\"url\":\"/api/v3\"}" },
	};
	struct diag d = DIAG_INIT;
	struct answer r = { 0, BUF_INIT, BUF_INIT };
	for (int i = 0; i < 3; i++) {
		struct http_config c = { .loops = 1, .workers = 1, .service = service, .trusted_proxies = lists[i] };
		struct server *s = http_start(&c, &d);
		if (!check(s != NULL, "a server that trusts \"%s\"", lists[i]))
			continue;
		port = http_port(s);
		int fd = dial();
		check(ask(fd, &r, "POST", "/api/v3/submodels", said, sm) == 201, "POST");
		check_str(header(&r, "Location"), want[i].location, "the Location");
		check(ask(fd, &r, "GET", "/api/v3/submodel-descriptors/dXJuOm91dA", said, NULL) == 200 && holds(&r, want[i].href), "a derived endpoint");
		check(ask(fd, &r, "GET", "/openapi.json", said, NULL) == 200 && holds(&r, want[i].url), "the servers of the description");
		http_change(s, "https://outside.example", "*", 100000, 400000);
		check(ask(fd, &r, "GET", "/api/v3/submodel-descriptors/dXJuOm91dA", said, NULL) == 200 && holds(&r, "\"href\":\"https://outside.example/api/v3/"),
		      "the option wins");
		check(ask(fd, &r, "GET", "/openapi.json", said, NULL) == 200 && holds(&r, "{\"url\":\"https://outside.example/api/v3\"}"), "in the description too");
		check_int(ask(fd, &r, "DELETE", "/submodels/dXJuOm91dA", "", NULL), 204, "DELETE");
		close(fd);
		http_stop(s);
	}
	check(!http_start(&(struct http_config){ .trusted_proxies = "nobody", .service = service }, &d) && d.n == 1, "a proxy that is none");
	diag_fini(&d);
	forget(&r);
}

static void refused(void)
{
	struct diag d = DIAG_INIT;
	struct http_config c = { .address = "192.0.2.1", .service = service };	/* TEST-NET: not ours */
	check(!http_start(&c, &d) && d.n == 1, "an address that is not ours");
	diag_clear(&d);
	c = (struct http_config){ .base_paths = "/api/", .service = service };
	check(!http_start(&c, &d) && d.n == 1, "a base path that ends with a slash");
	diag_fini(&d);
}

int main(void)
{
	struct diag d = DIAG_INIT;
	store = store_mem_new();
	live = live_new();
	struct sm_config sm = { .store = store, .changes = changes_new(), .live = live, .invoker = { NULL, slow } };
	service = sm_service_new(&sm);
	struct http_config c = {
		.loops = 2, .workers = 2, .invokers = 1, .streams = 2, .body_max = 100000, .service = service, .live = live, .store = store,
		.files = files, .n_files = 3,
	};
	log_setup(LOG_WARN, LOG_TEXT);		/* a stream too many is no news here */
	signal(SIGPIPE, SIG_IGN);
	server = http_start(&c, &d);
	if (!check(server && http_port(server), "the server starts"))
		return done();
	port = http_port(server);
	life();
	outside();
	live_values();
	protocol();
	bounds();
	codings();
	one_wins();
	many();
	events();
	trend();
	slow_work();
	proxied();
	refused();
	sm_service_free(service);
	changes_free(sm.changes);
	live_free(live);
	store->ops->close(store);
	diag_fini(&d);
	return done();
}
