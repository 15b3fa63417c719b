/* SPDX-License-Identifier: Apache-2.0
 * Who made a change: every path on which a request writes, what history says of it, and whose word counts about users.
 */
#include "server/actor.h"

#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "server/http.h"
#include "submodels/service.h"
#include "tests/tap.h"

#define PATIENCE_US (60 * US_PER_S)

static struct arena *arena;
static struct store *store;
static struct sm_service *service;
static uint16_t port;
static int64_t seen;

/* -- a client ------------------------------------------------------------------------------------------------------------------- */
static const char *exchange(const char *request, size_t n)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct buf b = BUF_INIT;
	char piece[4096];
	ssize_t k = connect(fd, (struct sockaddr *)&at, sizeof at) ? -1 : send(fd, request, n, MSG_NOSIGNAL);
	while (k > 0 && (k = recv(fd, piece, sizeof piece, 0)) > 0)
		buf_put(&b, piece, (size_t)k);
	close(fd);
	const char *out = arena_strndup(arena, b.p ? b.p : "", b.n);
	buf_fini(&b);
	return out;
}

static const char *ask(const char *method, const char *path, const char *more, const char *type, const char *body)
{
	const char *r = arena_printf(arena, "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Request-ID: r-1\r\n%s%s%s%sContent-Length: %zu\r\n\r\n%s", method, path, more,
				     *body ? "Content-Type: " : "", *body ? type : "", *body ? "\r\n" : "", strlen(body), body);
	return exchange(r, strlen(r));
}

static int status_of(const char *answer)
{
	return strlen(answer) > 9 ? atoi(answer + 9) : 0;
}

/* What the feed has got since the last look: kinds and operations, and once who it was. */
static const char *news(void)
{
	static const char *const kind[] = { "shell", "submodel", "concept", "shell-descriptor", "submodel-descriptor", "links", "package", "file" };
	static const char *const op[] = { "create", "replace", "delete", "value" };
	struct store_event *e;
	struct buf b = BUF_INIT;
	size_t n = 0;
	int64_t newest;
	store->ops->feed(store, seen, 100, arena, &e, &n, &newest);
	for (size_t i = 0; i < n; i++) {
		buf_printf(&b, "%s %s, ", kind[e[i].kind], op[e[i].operation]);
		if (i + 1 == n || !e[i].actor || !e[i + 1].actor || strcmp(e[i].actor, e[i + 1].actor))
			buf_printf(&b, "by %s %s", e[i].actor ? e[i].actor : "NOBODY", e[i].request ? e[i].request : "NO REQUEST");
	}
	seen = newest;
	const char *s = arena_strndup(arena, b.p ? b.p : "", b.n);
	buf_fini(&b);
	return s;
}

/* -- every way to write ------------------------------------------------------------------------------------------------------------ */
#define FORM "multipart/form-data; boundary=b"
#define FILE_FORM(name, text) "--b\r\nContent-Disposition: form-data; name=\"fileName\"\r\n\r\n" name "\r\n--b\r\nContent-Disposition: form-data; name=\"aasIds\"\r\n\r\nurn:a\r\n" \
	"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"" name "\"\r\nContent-Type: text/plain\r\n\r\n" text "\r\n--b--\r\n"
#define SM "/submodels/dXJuOnM"		/* urn:s */
#define SHELL "/shells/dXJuOmg"		/* urn:h */
#define JSON "application/json"

static const struct { const char *method, *path, *type, *body; int status; const char *news; } ways[] = {
	{ "POST", "/submodels", JSON, "{\"modelType\":\"Submodel\",\"id\":\"urn:s\",\"submodelElements\":[{\"modelType\":\"Property\",\"idShort\":\"X\",\"valueType\":\"xs:int\",\"value\":\"1\"},"
	  "{\"modelType\":\"File\",\"idShort\":\"F\",\"contentType\":\"text/plain\"}]}", 201, "submodel create, by rest:127.0.0.1 r-1" },
	{ "PATCH", SM "/submodel-elements/X/$value", JSON, "2", 204, "submodel value, by rest:127.0.0.1 r-1" },
	{ "PATCH", SM "/$value", JSON, "{\"X\":3}", 204, "submodel value, by rest:127.0.0.1 r-1" },
	{ "POST", SM "/submodel-elements", JSON, "{\"modelType\":\"Capability\",\"idShort\":\"C\"}", 201, "submodel replace, by rest:127.0.0.1 r-1" },
	{ "DELETE", SM "/submodel-elements/C", "", "", 204, "submodel replace, by rest:127.0.0.1 r-1" },
	{ "PUT", SM "/submodel-elements/F/attachment", FORM, FILE_FORM("a.txt", "one"), 204, "file create, submodel replace, by rest:127.0.0.1 r-1" },
	{ "DELETE", SM "/submodel-elements/F/attachment", "", "", 200, "submodel replace, file delete, by rest:127.0.0.1 r-1" },
	{ "PUT", "/shells/dXJuOmg", JSON, "{\"modelType\":\"AssetAdministrationShell\",\"id\":\"urn:h\",\"assetInformation\":{\"assetKind\":\"Instance\",\"globalAssetId\":\"urn:a\"}}", 201,
	  "shell create, by rest:127.0.0.1 r-1" },
	{ "PUT", SHELL "/asset-information/thumbnail", FORM, FILE_FORM("a.png", "png"), 204, "file create, shell replace, by rest:127.0.0.1 r-1" },
	{ "POST", SHELL "/submodel-refs", JSON, "{\"type\":\"ModelReference\",\"keys\":[{\"type\":\"Submodel\",\"value\":\"urn:s\"}]}", 201, "shell replace, by rest:127.0.0.1 r-1" },
	{ "POST", "/concept-descriptions", JSON, "{\"modelType\":\"ConceptDescription\",\"id\":\"urn:c\"}", 201, "concept create, by rest:127.0.0.1 r-1" },
	{ "POST", SM "/$restore?at=9998-01-01T00:00:00Z", "", "", 204, "submodel replace, by restore:127.0.0.1 r-1" },
	{ "POST", "/shell-descriptors", JSON, "{\"id\":\"urn:far\"}", 201, "shell-descriptor create, by registry:127.0.0.1 r-1" },
	{ "POST", "/shell-descriptors/dXJuOmZhcg/submodel-descriptors", JSON, "{\"id\":\"urn:n\",\"endpoints\":[{\"interface\":\"I\",\"protocolInformation\":{\"href\":\"h\"}}]}", 201,
	  "shell-descriptor replace, by registry:127.0.0.1 r-1" },
	{ "POST", "/submodel-descriptors", JSON, "{\"id\":\"urn:n\",\"endpoints\":[{\"interface\":\"I\",\"protocolInformation\":{\"href\":\"h\"}}]}", 201,
	  "submodel-descriptor create, by registry:127.0.0.1 r-1" },
	{ "DELETE", "/submodel-descriptors/dXJuOm4", "", "", 204, "submodel-descriptor delete, by registry:127.0.0.1 r-1" },
	{ "POST", "/lookup/shells/dXJuOmZhcg", JSON, "[{\"name\":\"a\",\"value\":\"1\"}]", 201, "links create, by discovery:127.0.0.1 r-1" },
	{ "POST", "/packages", FORM, FILE_FORM("p.aasx", "PK\3\4"), 201, "file create, package create, by packages:127.0.0.1 r-1" },
	{ "PUT", "/packages/cC5hYXN4", FORM, FILE_FORM("p.aasx", "PK\3\4x"), 204, "file replace, package replace, by packages:127.0.0.1 r-1" },
	{ "DELETE", "/packages/cC5hYXN4", "", "", 204, "file delete, package delete, by packages:127.0.0.1 r-1" },
	{ "POST", "/upload", FORM, "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"e.json\"\r\nContent-Type: application/json\r\n\r\n"
	  "{\"submodels\":[{\"modelType\":\"Submodel\",\"id\":\"urn:u\"}]}\r\n--b--\r\n", 200, "submodel create, by import:127.0.0.1 r-1" },
	{ "DELETE", SM, "", "", 204, "submodel delete, by rest:127.0.0.1 r-1" },
	{ "DELETE", SHELL, "", "", 204, "shell delete, file delete, by rest:127.0.0.1 r-1" },
};

static void every_way(void)
{
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		const char *answer = ask(ways[i].method, ways[i].path, "", ways[i].type, ways[i].body);
		check_int(status_of(answer), ways[i].status, "%s %s %s", ways[i].method, ways[i].path, status_of(answer) == ways[i].status ? "" : answer);
		check_str(news(), ways[i].news, "by whom");
	}
}

static const char *comes(void)
{
	int64_t until = clock_mono_us() + PATIENCE_US;
	const char *s;
	while (!*(s = news()) && clock_mono_us() < until)
		poll(NULL, 0, 5);
	return s;
}

/* What is done after the request was answered. */
static void later(void)
{
	check_int(status_of(ask("POST", "/bulk/shell-descriptors", "", JSON, "[{\"id\":\"urn:b\"}]")), 202, "a bulk request");
	check_str(comes(), "shell-descriptor create, by bulk:127.0.0.1 r-1", "by whom");
	check_int(status_of(ask("POST", "/packages-async", "", FORM, FILE_FORM("q.aasx", "PK\3\4"))), 202, "an asynchronous package");
	check_str(comes(), "file create, package create, by packages:127.0.0.1 r-1", "by whom");
}

/* -- users ------------------------------------------------------------------------------------------------------------------------- */
static const char *by(const char *header)
{
	static int n;
	const char *body = arena_printf(arena, "{\"modelType\":\"ConceptDescription\",\"id\":\"urn:by:%d\"}", n++);
	int status = status_of(ask("POST", "/concept-descriptions", header, JSON, body));
	return status == 201 ? news() + strlen("concept create, by ") : arena_printf(arena, "%d", status);
}

static struct server *start(const char *proxies, const char *user)
{
	struct diag d = DIAG_INIT;
	struct http_config c = { .loops = 1, .workers = 2, .service = service, .store = store, .trusted_proxies = proxies, .user_header = user };
	struct server *s = http_start(&c, &d);
	check(s != NULL, "a server that trusts \"%s\", users in %s", proxies, user ? user : "no header");
	port = s ? http_port(s) : 0;
	diag_fini(&d);
	return s;
}

static void users(void)
{
	struct server *s = start("loopback", "X-Forwarded-User");
	check_str(by("x-forwarded-user:  anna \r\n"), "user:anna r-1", "whom the proxy names");
	check_str(by("X-Forwarded-User: J\xC3\xBCrgen M\xC3\xBCller\r\n"), "user:J\xC3\xBCrgen M\xC3\xBCller r-1", "any name");
	check_str(by(""), "rest:127.0.0.1 r-1", "nobody named");
	check_str(by("X-Forwarded-User: \r\n"), "rest:127.0.0.1 r-1", "an empty name");
	check_str(by("X-Forwarded-User: \xFF\r\n"), "rest:127.0.0.1 r-1", "no UTF-8");
	check_str(by("X-Forwarded-User: eve\r\nX-Forwarded-User: anna\r\n"), "rest:127.0.0.1 r-1", "one that the client has sent beside the proxy's");
	check_str(by("X-Remote-User: eve\r\n"), "rest:127.0.0.1 r-1", "another header");
	check_str(by("X-Forwarded-For: 192.0.2.7, 127.0.0.9\r\n"), "rest:192.0.2.7 r-1", "the address that the proxies tell");
	check_str(by("Forwarded: for=\"[2001:db8::7]:80\"\r\n"), "rest:2001:db8::7 r-1", "the same by RFC 7239");
	check_str(by("Forwarded: for=_hidden\r\n"), "rest:127.0.0.1 r-1", "one that is hidden");
	http_stop(s);
	s = start("192.0.2.1", "X-Forwarded-User");
	check_str(by("X-Forwarded-User: anna\r\nX-Forwarded-For: 192.0.2.7\r\n"), "rest:127.0.0.1 r-1", "of anybody else it does not count");
	http_stop(s);
	s = start("loopback", NULL);
	check_str(by("X-Forwarded-User: anna\r\n"), "rest:127.0.0.1 r-1", "and not unless the operator wants it");
	http_stop(s);
	static const struct { const char *proxies, *header; } bad[] = { { "", "X-Forwarded-User" }, { NULL, "X-Forwarded-User" }, { "loopback", "X User" }, { "loopback", "" } };
	for (size_t i = 0; i < 4; i++) {
		struct diag d = DIAG_INIT;
		struct http_config c = { .service = service, .trusted_proxies = bad[i].proxies, .user_header = bad[i].header };
		check(!http_start(&c, &d) && d.n == 1 && strstr(d.list[0].text, "user-header"), "\"%s\" of \"%s\" is refused", bad[i].header, bad[i].proxies ? bad[i].proxies : "");
		diag_fini(&d);
	}
}

/* Which request it was: an id of the client's, else the trace that it belongs to. */
static const char *request_of(const char *headers)
{
	const char *r = arena_printf(arena, "DELETE /concept-descriptions/eHh4 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n", headers);
	const char *answer = exchange(r, strlen(r)), *id = strstr(answer, "X-Correlation-ID: ");
	return id ? arena_strndup(arena, id + 18, strcspn(id + 18, "\r")) : "";
}

static void requests(void)
{
	static const char trace[] = "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n";
	struct server *s = start("", NULL);
	check_str(request_of(trace), "0af7651916cd43dd8448eb211c80319c", "a trace");
	check_str(request_of("traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\nX-Request-ID: mine\r\n"), "mine", "an id of its own goes first");
	check(strlen(request_of("traceparent: 00-00000000000000000000000000000000-b7ad6b7169203331-01\r\n")) < 32, "a trace of nothing");
	check(strlen(request_of("traceparent: ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n")) < 32, "of a version that is none");
	check(strlen(request_of("traceparent: 00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n")) < 32, "of another form");
	check(strlen(request_of("traceparent: 00-0af7\r\n")) < 32, "too short");
	http_stop(s);
}

static void addresses(void)
{
	struct sockaddr_un u = { .sun_family = AF_UNIX };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_addr.s6_addr = { [10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2, [15] = 7 } };
	check_str(actor_address(arena, (struct sockaddr *)&u), "unix", "a socket in the file system");
	check_str(actor_address(arena, (struct sockaddr *)&six), "192.0.2.7", "an IPv4 address inside of an IPv6 one");
	check(!actor_address(arena, &(struct sockaddr){ .sa_family = AF_UNSPEC }), "of no family");
}

int main(void)
{
	arena = arena_new(0);
	store = store_mem_new();
	service = sm_service_new(&(struct sm_config){ .store = store });
	struct server *s = start("", NULL);
	if (s) {
		every_way();
		later();
		http_stop(s);
		users();
		requests();
		addresses();
	}
	sm_service_free(service);
	store->ops->close(store);
	arena_free(arena);
	return done();
}
