/* SPDX-License-Identifier: Apache-2.0 */
#include "server/delegate.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "aas/json.h"
#include "base/buf.h"
#include "base/clock.h"
#include "server/address.h"
#include "server/operation_json.h"

#define URL_MAX 2048
#define ORIGINS_MAX 256
#define QUALIFIER "invocationDelegation"	/* BaSyx */

struct origin {
	char scheme[8], host[256];
	uint16_t port;
	struct sockaddr_storage literal;	/* when the host is an address; else family AF_UNSPEC */
	struct origin *next;
};

struct delegate {
	struct origin *allowed;
	unsigned n;
	atomic_bool stopping;
};

struct transfer {
	struct delegate *delegate;
	const struct origin *origin;
	struct arena *arena;
	struct buf answer;
	bool forbidden;			/* some address was not allowed */
	bool stopped;
};

/* -- origins ---------------------------------------------------------------------------------------------------------------------- */

static void read_literal(struct origin *o)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)&o->literal;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)&o->literal;
	char bare[sizeof o->host];
	size_t n = strlen(o->host);
	memset(&o->literal, 0, sizeof o->literal);
	o->literal.ss_family = AF_UNSPEC;
	if (inet_pton(AF_INET, o->host, &v4->sin_addr) == 1) {
		o->literal.ss_family = AF_INET;
	} else if (n > 2 && o->host[0] == '[') {
		memcpy(bare, o->host + 1, n - 2);
		bare[n - 2] = 0;
		if (inet_pton(AF_INET6, bare, &v6->sin6_addr) == 1)
			o->literal.ss_family = AF_INET6;
	}
}

/* A part of the URL into `out`; false: it is not there, or too long. */
static bool part(CURLU *url, CURLUPart what, unsigned flags, char *out, size_t size)
{
	char *text = NULL;
	bool ok = !curl_url_get(url, what, &text, flags) && text && strlen(text) < size;
	if (ok)
		memcpy(out, text, strlen(text) + 1);
	for (char *p = out; ok && *p; p++)
		*p = (char)tolower((unsigned char)*p);
	curl_free(text);
	return ok;
}

static bool has(CURLU *url, CURLUPart what)
{
	char *text = NULL;
	bool yes = !curl_url_get(url, what, &text, 0);
	curl_free(text);
	return yes;
}

/* The handle is then the URL as libcurl reads it, and what is connected to comes from nothing else. */
static const char *read_url(CURLU *url, const char *text, struct origin *o)
{
	char port[8];
	if (strlen(text) > URL_MAX)
		return "is too long";
	if (curl_url_set(url, CURLUPART_URL, text, 0))
		return "is no URL";
	if (!part(url, CURLUPART_SCHEME, 0, o->scheme, sizeof o->scheme) || (strcmp(o->scheme, "http") && strcmp(o->scheme, "https")))
		return "is not http or https";
	if (has(url, CURLUPART_USER) || has(url, CURLUPART_PASSWORD))
		return "has a user name in it";
	if (!part(url, CURLUPART_HOST, 0, o->host, sizeof o->host) || !part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT, port, sizeof port) ||
	    has(url, CURLUPART_ZONEID))
		return "names no host";
	o->port = (uint16_t)strtoul(port, NULL, 10);
	read_literal(o);
	return NULL;
}

static bool same_origin(const struct origin *a, const struct origin *b)
{
	return a->port == b->port && !strcmp(a->scheme, b->scheme) && !strcmp(a->host, b->host);
}

static const struct origin *find_origin(const struct delegate *d, const struct origin *o)
{
	const struct origin *i = d->allowed;
	while (i && !same_origin(i, o))
		i = i->next;
	return i;
}

/* `o` says scheme and port. */
static bool address_allowed(const struct delegate *d, const struct origin *o, const struct sockaddr *a)
{
	if (address_is_public(a))
		return true;
	for (const struct origin *i = d->allowed; i; i = i->next)
		if (i->literal.ss_family != AF_UNSPEC && i->port == o->port && !strcmp(i->scheme, o->scheme) &&
		    address_same_host((const struct sockaddr *)&i->literal, a))
			return true;
	return false;
}

static enum err add_origin(struct delegate *d, const char *text, struct diag *diag)
{
	struct origin *o = calloc(1, sizeof *o);
	CURLU *url = curl_url();
	char path[4] = "";
	enum err e = o && url ? ERR_OK : diag_add(diag, ERR_NO_MEMORY, "out of memory");
	const char *fault = e ? NULL : read_url(url, text, o);
	if (!e && !fault && (has(url, CURLUPART_QUERY) || has(url, CURLUPART_FRAGMENT) || !part(url, CURLUPART_PATH, 0, path, sizeof path) ||
			     strcmp(path, "/")))
		fault = "is more than an origin";
	if (!e && !fault && ++d->n > ORIGINS_MAX)
		fault = "is one too many";
	if (fault)
		e = diag_add(diag, ERR_BAD_REQUEST, "delegation-allow: \"%.200s\" %s; expected http://HOST:PORT,...", text, fault);
	curl_url_cleanup(url);
	if (e) {
		free(o);
		return e;
	}
	o->next = d->allowed;
	d->allowed = o;
	return ERR_OK;
}

enum err delegate_new(const char *allow, struct delegate **out, struct diag *diag)
{
	struct delegate *d = calloc(1, sizeof *d);
	char *copy = strdup(allow), *save = NULL;
	enum err e = d && copy && !curl_global_init(CURL_GLOBAL_DEFAULT) ? ERR_OK : diag_add(diag, ERR_NO_MEMORY, "out of memory");
	for (char *text = e ? NULL : strtok_r(copy, ", ", &save); text && !e; text = strtok_r(NULL, ", ", &save))
		e = add_origin(d, text, diag);
	free(copy);
	if (e)
		delegate_free(d);
	*out = e ? NULL : d;
	return e;
}

void delegate_stop(struct delegate *d)
{
	atomic_store(&d->stopping, true);
}

void delegate_free(struct delegate *d)
{
	if (!d)
		return;
	for (struct origin *o = d->allowed, *next; o; o = next) {
		next = o->next;
		free(o);
	}
	free(d);
}

/* -- one transfer ----------------------------------------------------------------------------------------------------------------- */

/* The address here is the one that is connected to: nothing is resolved between the look and the connection. */
static curl_socket_t open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct transfer *t = ctx;
	if (purpose != CURLSOCKTYPE_IPCXN || !address_allowed(t->delegate, t->origin, &a->addr)) {
		t->forbidden = true;
		return CURL_SOCKET_BAD;
	}
	return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

static size_t collect(char *p, size_t size, size_t n, void *ctx)
{
	struct transfer *t = ctx;
	buf_put(&t->answer, p, size * n);
	return t->answer.failed ? 0 : size * n;
}

static int look_around(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	struct transfer *t = ctx;
	(void)a, (void)b, (void)c, (void)d;
	t->stopped = atomic_load(&t->delegate->stopping);
	return t->stopped;
}

static void write_request(struct buf *b, const struct sm_invocation *in)
{
	const struct aas_node *const list[] = { in->inputs, in->inoutputs };
	const char *comma = "";
	buf_putc(b, '[');
	for (int i = 0; i < 2; i++)
		for (const struct aas_node *v = list[i]; v; v = v->next) {
			buf_puts(b, comma);
			aas_json_write(b, v);
			comma = ",";
		}
	buf_putc(b, ']');
}

static bool set_up(CURL *curl, CURLU *url, struct transfer *t, const struct buf *request, struct curl_slist *headers, int64_t timeout_us)
{
	long ms = (long)((timeout_us + 999) / 1000);
	return !curl_easy_setopt(curl, CURLOPT_CURLU, url) && !curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") &&
	       !curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) && !curl_easy_setopt(curl, CURLOPT_PROXY, "") &&
	       !curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) && !curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, ms) &&
	       !curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, ms) && !curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers) &&
	       !curl_easy_setopt(curl, CURLOPT_POSTFIELDS, buf_view(request).p) &&
	       !curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->n) &&
	       !curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket) && !curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, t) &&
	       !curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect) && !curl_easy_setopt(curl, CURLOPT_WRITEDATA, t) &&
	       !curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, look_around) && !curl_easy_setopt(curl, CURLOPT_XFERINFODATA, t) &&
	       !curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
}

static void failed(struct sm_outcome *out, struct arena *a, enum execution_state state, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
static void failed(struct sm_outcome *out, struct arena *a, enum execution_state state, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	const char *text = arena_vprintf(a, fmt, ap);
	va_end(ap);
	*out = (struct sm_outcome){ .state = state, .message = text ? text : "out of memory" };
}

static void read_answer(struct transfer *t, long http, const struct sm_invocation *in, struct sm_outcome *out)
{
	struct diag d = DIAG_INIT;
	char why[DIAG_PATH_MAX + DIAG_TEXT_MAX];
	if (http < 200 || http > 299)
		failed(out, t->arena, EXECUTION_FAILED, "the service that executes the operation answered with status %ld%s", http,
		       http >= 300 && http <= 399 ? "; redirects are not followed" : "");
	else if (operation_answer_read(t->arena, in->operation, buf_view(&t->answer), out, &d))
		failed(out, t->arena, EXECUTION_FAILED, "the answer of the service that executes the operation: %s", diag_first(&d, why, sizeof why));
	diag_fini(&d);
}

static void tell_failure(struct transfer *t, CURLcode rc, struct sm_outcome *out)
{
	if (t->stopped)
		failed(out, t->arena, EXECUTION_CANCELED, "the server is stopping");
	else if (rc == CURLE_OPERATION_TIMEDOUT)
		failed(out, t->arena, EXECUTION_TIMEOUT, "the service that executes the operation gave no answer in time");
	else if (t->answer.failed)
		failed(out, t->arena, EXECUTION_FAILED, "the service that executes the operation answered more than %zu bytes", DELEGATE_ANSWER_MAX);
	else if (t->forbidden)
		failed(out, t->arena, EXECUTION_FAILED, "the address of %s is not public, and this server does not allow it", t->origin->host);
	else
		failed(out, t->arena, EXECUTION_FAILED, "the service that executes the operation cannot be reached: %s", curl_easy_strerror(rc));
}

static enum err perform(struct transfer *t, CURLU *url, const struct sm_invocation *in, struct sm_outcome *out)
{
	CURL *curl = curl_easy_init();
	struct curl_slist *type = curl_slist_append(NULL, "Content-Type: application/json"), *headers = NULL;
	struct buf request = BUF_INIT;
	long http = 0;
	enum err e = ERR_NO_MEMORY;
	write_request(&request, in);
	headers = type ? curl_slist_append(type, "Expect:") : NULL;
	if (curl && headers && !request.failed && set_up(curl, url, t, &request, headers, in->timeout_us)) {
		CURLcode rc = curl_easy_perform(curl);
		if (rc == CURLE_OK && !curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &http))
			read_answer(t, http, in, out);
		else
			tell_failure(t, rc, out);
		e = ERR_OK;
	}
	curl_easy_cleanup(curl);
	curl_slist_free_all(type);
	buf_fini(&request);
	return e;
}

/* -- operations ------------------------------------------------------------------------------------------------------------------- */

static const char *url_of(const struct aas_node *operation)
{
	const struct aas_node *q = AAS_AT(operation, Operation, qualifiers).node;
	while (q && !(AAS_AT(q, Qualifier, type).str && str_eq(AAS_AT(q, Qualifier, type).str, QUALIFIER)))
		q = q->next;
	return q ? AAS_AT(q, Qualifier, value).str : NULL;
}

enum err delegate_invoke(struct delegate *d, const struct sm_invocation *in, struct arena *a, struct sm_outcome *out, struct diag *diag)
{
	const char *text = url_of(in->operation);
	struct origin origin;
	CURLU *url;
	enum err e;
	if (!text)
		return ERR_NOT_SUPPORTED;
	if (!(url = curl_url()))
		return diag_add(diag, ERR_NO_MEMORY, "out of memory");
	struct transfer t = { .delegate = d, .origin = &origin, .arena = a };
	buf_init(&t.answer, DELEGATE_ANSWER_MAX);
	const char *fault = read_url(url, text, &origin);
	if (fault)
		e = diag_add(diag, ERR_NOT_SUPPORTED, "the value of the qualifier " QUALIFIER " %s", fault);
	else if (!find_origin(d, &origin))
		e = diag_add(diag, ERR_NOT_SUPPORTED, "this server does not delegate operations to %s://%s:%u", origin.scheme, origin.host,
			     origin.port);
	else if ((e = perform(&t, url, in, out)))
		diag_add(diag, e, "out of memory");
	buf_fini(&t.answer);
	curl_url_cleanup(url);
	return e;
}
