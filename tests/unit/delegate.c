/* SPDX-License-Identifier: Apache-2.0
 * Operations that another service executes: a real HTTP peer on loopback, in this process, that answers by the path it is asked for.
 */
#include "server/delegate.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "aas/json.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/thread.h"
#include "submodels/operation.h"
#include "tests/tap.h"

#define SECOND US_PER_S

static struct arena *arena;
static uint16_t port;
static atomic_uint asked;
static char last[8000];			/* the last request, with its body */

/* -- the peer ---------------------------------------------------------------------------------------------------------------------- */

#define V(name, value) "{\"value\":{\"modelType\":\"Property\",\"idShort\":\"" name "\",\"valueType\":\"xs:int\",\"value\":\"" value "\"}}"

static const struct { const char *path, *head, *body; } answers[] = {
	{ "/array", "200 OK", " [" V("Sum", "3") "," V("Both", "9") "]" },
	{ "/object", "200 OK", "{\"outputArguments\":[" V("Sum", "4") "],\"inoutputArguments\":[" V("Both", "8") "],\"executionState\":\"Completed\",\"success\":true}" },
	{ "/failed", "200 OK", "{\"executionState\":\"Failed\",\"success\":false,\"messages\":[{\"text\":\"no oil\"}]}" },
	{ "/unsuccessful", "200 OK", "{\"success\":false}" },
	{ "/timeout", "200 OK", "{\"executionState\":\"Timeout\",\"messages\":[]}" },
	{ "/running", "200 OK", "{\"executionState\":\"Running\"}" },
	{ "/odd", "200 OK", "{\"executionState\":7}" },
	{ "/nothing", "200 OK", "" },
	{ "/text", "200 OK", "hello" },
	{ "/cut", "200 OK", "[{\"value\":" },
	{ "/number", "200 OK", "7" },
	{ "/badlist", "200 OK", "{\"outputArguments\":[{\"value\":{\"modelType\":\"Property\",\"idShort\":\"Sum\",\"valueType\":\"xs:int\",\"value\":\"x\"}}]}" },
	{ "/null", "200 OK", "{\"outputArguments\":null,\"inoutputArguments\":null}" },
	{ "/redirect", "307 Temporary Redirect\r\nLocation: /array", "" },
	{ "/error", "500 Internal Server Error", "[]" },
	{ "/missing", "404 Not Found", "" },
};

static void reply(int fd, const char *path)
{
	struct buf b = BUF_INIT;
	size_t n = strcspn(path, " ?");
	if (n == 4 && !memcmp(path, "/big", 4)) {
		buf_printf(&b, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", DELEGATE_ANSWER_MAX + 10);
		while (b.n < DELEGATE_ANSWER_MAX + 100)
			buf_puts(&b, "                                ");
	}
	for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
		if (strlen(answers[i].path) == n && !memcmp(path, answers[i].path, n))
			buf_printf(&b, "HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s", answers[i].head, strlen(answers[i].body), answers[i].body);
	for (size_t at = 0; at < b.n;) {
		ssize_t k = send(fd, b.p + at, b.n - at, MSG_NOSIGNAL);
		if (k <= 0)
			break;
		at += (size_t)k;
	}
	buf_fini(&b);
}

/* The head, and as much body as it says. */
static bool receive(int fd)
{
	size_t n = 0, want = 0;
	char *end = NULL;
	while (n + 1 < sizeof last) {
		ssize_t k = recv(fd, last + n, sizeof last - 1 - n, 0);
		if (k <= 0)
			return false;
		last[n += (size_t)k] = 0;
		if (!end && (end = strstr(last, "\r\n\r\n"))) {
			const char *length = strcasestr(last, "\r\nContent-Length: ");
			want = (size_t)(end + 4 - last) + (length ? strtoul(length + 18, NULL, 10) : 0);
		}
		if (end && n >= want)
			return true;
	}
	return false;
}

static void *peer(void *arg)
{
	int listener = *(int *)arg;
	for (int fd; (fd = accept(listener, NULL, NULL)) >= 0; close(fd)) {
		if (!receive(fd))
			continue;
		atomic_fetch_add(&asked, 1);
		const char *path = strchr(last, ' ') + 1;
		if (strncmp(path, "/slow", 5)) {
			reply(fd, path);
			shutdown(fd, SHUT_WR);
		}
		char rest[64];
		while (recv(fd, rest, sizeof rest, 0) > 0)	/* until the client goes */
			;
	}
	return NULL;
}

static int listen_here(uint16_t *at)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) || listen(fd, 8) || getsockname(fd, (struct sockaddr *)&a, &n))
		exit(1);
	*at = ntohs(a.sin_port);
	return fd;
}

/* -- helpers ----------------------------------------------------------------------------------------------------------------------- */

static struct aas_node *operation(const char *url)
{
	struct aas_node *n = NULL;
	struct buf b = BUF_INIT;
	buf_printf(&b, "{\"modelType\":\"Operation\",\"idShort\":\"Add\",\"inputVariables\":[" V("A", "0") "],\"inoutputVariables\":[" V("Both", "0") "],"
		   "\"outputVariables\":[" V("Sum", "0") "]");
	if (url)
		buf_printf(&b, ",\"qualifiers\":[{\"type\":\"Other\",\"valueType\":\"xs:string\",\"value\":\"x\"},"
			   "{\"type\":\"invocationDelegation\",\"valueType\":\"xs:string\",\"value\":\"%s\"}]", url);
	buf_putc(&b, '}');
	if (aas_json_read(arena, AAS_Operation, b.p, b.n, AAS_JSON_DEFAULT, &n, NULL))
		exit(1);
	buf_fini(&b);
	return n;
}

static struct aas_node *variables(const char *json)
{
	struct aas_node *n = NULL;
	if (aas_json_read_list(arena, AAS_OperationVariable, json, strlen(json), AAS_JSON_DEFAULT, &n, NULL))
		exit(1);
	return n;
}

static struct delegate *allowing(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static struct delegate *allowing(const char *fmt, ...)
{
	char text[600];
	struct delegate *d;
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (delegate_new(text, &d, NULL))
		exit(1);
	return d;
}

/* "Completed: message Sum=3 Both=9", or the error and its message. */
static const char *ask_url(struct delegate *d, const char *url, int64_t timeout_us)
{
	struct sm_invocation in = { "urn:s", "Add", operation(url), variables("[" V("A", "1") "]"), variables("[" V("Both", "2") "]"), timeout_us, NULL, NULL };
	struct sm_outcome out = { 0 };
	struct diag diag = DIAG_INIT;
	char why[DIAG_PATH_MAX + DIAG_TEXT_MAX];
	enum err e = delegate_invoke(d, &in, arena, &out, &diag);
	const char *text = e ? arena_printf(arena, "%s %s", err_info[e].name, diag_first(&diag, why, sizeof why))
			     : arena_printf(arena, "%s: %s", execution_state_name(out.state), out.message ? out.message : "-");
	const struct aas_node *const list[] = { out.outputs, out.inoutputs };
	for (int i = 0; i < 2 && !e; i++)
		for (const struct aas_node *v = list[i]; v; v = v->next)
			text = arena_printf(arena, "%s %s=%s", text, sm_argument_name(v), AAS_AT(sm_argument_element(v), Property, value).str);
	diag_fini(&diag);
	return text;
}

static const char *ask(struct delegate *d, const char *path)
{
	return ask_url(d, arena_printf(arena, "http://127.0.0.1:%u%s", port, path), 10 * SECOND);
}

static bool has(const char *text, const char *part)
{
	return strstr(text, part) != NULL;
}

/* -- tests ------------------------------------------------------------------------------------------------------------------------- */

static void talks(struct delegate *d)
{
	check_str(ask(d, "/array"), "Completed: - Sum=3 Both=9", "an array is sorted into outputs and in-outputs");
	check(!strncmp(last, "POST /array HTTP/1.1\r\n", 22), "it is a POST");
	check(has(last, "\r\nContent-Type: application/json\r\n"), "of JSON");
	check(has(last, "\r\n\r\n[" V("A", "1") "," V("Both", "2") "]") || (has(last, "\"idShort\":\"A\"") && has(last, "\"idShort\":\"Both\"")),
	      "inputs, then in-outputs: %s", strstr(last, "\r\n\r\n") ? strstr(last, "\r\n\r\n") + 4 : "(none)");
	check(!has(last, "Authorization"), "without credentials");
	check_str(ask(d, "/array?x=1"), "Completed: - Sum=3 Both=9", "a query is part of the URL");
	check_str(ask(d, "/object"), "Completed: - Sum=4 Both=8", "an OperationResult");
	check_str(ask(d, "/failed"), "Failed: no oil", "that says it failed");
	check_str(ask(d, "/unsuccessful"), "Failed: -", "or was no success");
	check_str(ask(d, "/timeout"), "Timeout: -", "or took too long");
	check_str(ask(d, "/nothing"), "Completed: -", "an empty answer");
	check_str(ask(d, "/null"), "Completed: -", "absent lists");
}

static void nonsense(struct delegate *d)
{
	static const char *const path[] = { "/running", "/odd", "/text", "/cut", "/number", "/badlist" };
	for (size_t i = 0; i < sizeof path / sizeof *path; i++)
		check(!strncmp(ask(d, path[i]), "Failed: the answer of the service", 33), "%s: %s", path[i], ask(d, path[i]));
	check(has(ask(d, "/badlist"), "outputArguments[0]"), "with the place");
	check_str(ask(d, "/error"), "Failed: the service that executes the operation answered with status 500", "an error");
	check(has(ask(d, "/missing"), "status 404"), "no such path there");
	unsigned before = atomic_load(&asked);
	check(has(ask(d, "/redirect"), "status 307; redirects are not followed"), "a redirect");
	check_int(atomic_load(&asked) - before, 1, "is not followed");
	check(has(ask(d, "/big"), "more than 1048576 bytes"), "an answer that is too large: %s", ask(d, "/big"));
	check_str(ask_url(d, arena_printf(arena, "http://127.0.0.1:%u/slow", port), SECOND / 10),
		  "Timeout: the service that executes the operation gave no answer in time", "no answer in time");
}

/* Where it may lead. */
static void guards(void)
{
	unsigned before = atomic_load(&asked);
	struct delegate *d = allowing("%s", "");
	check_str(ask_url(d, NULL, SECOND), "NOT_SUPPORTED ", "an operation without the qualifier");
	check(has(ask(d, "/array"), "NOT_SUPPORTED this server does not delegate operations to http://127.0.0.1"), "by default nothing is delegated: %s", ask(d, "/array"));
	delegate_free(d);
	d = allowing("http://localhost:%u, https://127.0.0.1:%u,http://127.0.0.1:%u", port, port, port == 1 ? 2 : port - 1);
	check(has(ask(d, "/array"), "NOT_SUPPORTED"), "another scheme or port is another origin");
	check(has(ask_url(d, arena_printf(arena, "http://localhost:%u/array", port), 10 * SECOND), "Failed: the address of localhost is not public"),
	      "a name that leads to loopback: %s", ask_url(d, arena_printf(arena, "http://localhost:%u/array", port), 10 * SECOND));
	check(has(ask_url(d, "ftp://localhost/", SECOND), "is no"), "another protocol: %s", ask_url(d, "ftp://localhost/", SECOND));
	check(has(ask_url(d, "file:///etc/passwd", SECOND), "NOT_SUPPORTED"), "a file: %s", ask_url(d, "file:///etc/passwd", SECOND));
	check(has(ask_url(d, "not a url", SECOND), "is no URL"), "no URL at all");
	check(has(ask_url(d, arena_printf(arena, "http://u:p@localhost:%u/", port), SECOND), "user name"), "credentials in it");
	check(has(ask_url(d, arena_printf(arena, "http://localhost:%u@127.0.0.1:%u/", port, port), SECOND), "user name"), "an origin in the place of a user name");
	check(has(ask_url(d, "", SECOND), "NOT_SUPPORTED"), "an empty text");
	delegate_free(d);
	check_int(atomic_load(&asked), before, "nobody was asked in any of these ways");
	d = allowing("http://localhost:%u,http://127.0.0.1:%u", port, port);
	check_str(ask_url(d, arena_printf(arena, "http://LOCALHOST:%u/array", port), 10 * SECOND), "Completed: - Sum=3 Both=9", "the name and its address are listed");
	check_str(ask_url(d, arena_printf(arena, "http://2130706433:%u/array", port), 10 * SECOND), "Completed: - Sum=3 Both=9", "127.0.0.1 in disguise is 127.0.0.1");
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	check_str(ask(d, "/array"), "Completed: - Sum=3 Both=9", "no proxy is used");
	unsetenv("http_proxy");
	delegate_free(d);
	d = allowing("http://localhost:%u,https://127.0.0.1:%u", port, port);
	check(has(ask_url(d, arena_printf(arena, "http://localhost:%u/array", port), 10 * SECOND), "not public"), "an address listed with another scheme does not count");
	delegate_free(d);
}

static void unreachable(void)
{
	uint16_t dead;
	close(listen_here(&dead));
	struct delegate *d = allowing("http://127.0.0.1:%u", dead);
	const char *text = ask_url(d, arena_printf(arena, "http://127.0.0.1:%u/", dead), 10 * SECOND);
	check(has(text, "Failed: the service that executes the operation cannot be reached"), "nobody listens: %s", text);
	delegate_free(d);
}

static void *stop_it(void *arg)
{
	unsigned before = atomic_load(&asked);
	for (int i = 0; i < 10000 && atomic_load(&asked) == before; i++)
		clock_sleep_us(1000);
	delegate_stop(arg);
	return NULL;
}

static void stopping(void)
{
	struct delegate *d = allowing("http://127.0.0.1:%u", port);
	pthread_t thread;
	thread_start(&thread, "stop", stop_it, d);
	check_str(ask_url(d, arena_printf(arena, "http://127.0.0.1:%u/slow", port), 600 * SECOND), "Canceled: the server is stopping", "a transfer ends with the server");
	pthread_join(thread, NULL);
	check(has(ask(d, "/slow"), "Canceled"), "a new one does not begin");
	delegate_free(d);
}

static void configuration(void)
{
	static const char *const wrong[] = {
		"example.com", "http://", "ftp://a", "http://a/b", "http://a?x", "http://a#x", "http://u@a", "http://a:99999", "http://a,nonsense",
	};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct diag diag = DIAG_INIT;
		struct delegate *d;
		char why[600];
		check_int(delegate_new(wrong[i], &d, &diag), ERR_BAD_REQUEST, "\"%s\" is refused", wrong[i]);
		check(has(diag_first(&diag, why, sizeof why), "delegation-allow"), "which names the option: %s", why);
		diag_fini(&diag);
	}
	struct delegate *d = allowing("%s", " http://a , https://b:8443/,http://[::1]:80,");
	check(d != NULL, "blanks, a closing slash and IPv6");
	delegate_free(d);
}

int main(void)
{
	pthread_t thread;
	int listener = listen_here(&port);
	signal(SIGPIPE, SIG_IGN);
	arena = arena_new(0);
	thread_start(&thread, "peer", peer, &listener);
	struct delegate *d = allowing("http://127.0.0.1:%u", port);
	talks(d);
	nonsense(d);
	delegate_free(d);
	guards();
	unreachable();
	stopping();
	configuration();
	shutdown(listener, SHUT_RDWR);
	pthread_join(thread, NULL);
	close(listener);
	arena_free(arena);
	return done();
}
