/* SPDX-License-Identifier: Apache-2.0 */
#include "server/serve.h"

#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

#include "aas/aasx.h"
#include "aas/json.h"
#include "base/file.h"
#include "base/log.h"
#include "server/config.h"
#include "server/http.h"
#include "server/standalone.h"
#include "sql/store_pg.h"
#include "submodels/service.h"
#include "twin_engine/runtime.h"

#define PLANT_MAX ((size_t)64 << 20)
#define OWN_CONNECTIONS 4		/* to the database, beside one per worker: historian, engine, commands, readiness */

/* Every room, in the order in which they are built. */
struct house {
	struct config config;
	struct arena *arena;
	struct diag diag;
	char data[PATH_MAX];
	char host[256];
	uint16_t port;
	struct standalone *standalone;
	const char *database, *broker;
	struct store *store;
	struct changes *changes;
	struct live *live;
	struct sm_service *service;
	struct twin_runtime *twin;
	struct server *server;
};

/* "HOST:PORT" or "[V6]:PORT". */
static enum err split_address(struct house *h)
{
	const char *text = h->config.listen, *colon = strrchr(text, ':');
	size_t port, n = colon ? (size_t)(colon - text) : 0;
	if (!colon || !n || !str_size(colon + 1, strlen(colon + 1), &port) || port > UINT16_MAX)
		return diag_add(&h->diag, ERR_BAD_REQUEST, "listen: expected HOST:PORT, not \"%s\"", text);
	if (text[0] == '[' && text[n - 1] == ']') {
		text++;
		n -= 2;
	}
	if (n >= sizeof h->host)
		return diag_add(&h->diag, ERR_BAD_REQUEST, "listen: the host name is too long");
	memcpy(h->host, text, n);
	h->host[n] = 0;
	h->port = (uint16_t)port;
	return ERR_OK;
}

static bool is_loopback(const struct sockaddr *a)
{
	if (a->sa_family == AF_INET)
		return (ntohl(((const struct sockaddr_in *)(const void *)a)->sin_addr.s_addr) >> 24) == 127;
	return a->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr);
}

/* Nobody is asked for credentials, so nobody but this machine is let in unless the operator says so. */
static enum err check_address(struct house *h)
{
	struct addrinfo hint = { .ai_socktype = SOCK_STREAM }, *list = NULL;
	enum err e = split_address(h);
	if (e)
		return e;
	int rc = getaddrinfo(h->host, NULL, &hint, &list);
	if (rc)
		return diag_add(&h->diag, ERR_BAD_REQUEST, "listen: %s: %s", h->host, gai_strerror(rc));
	for (struct addrinfo *i = list; i && !e; i = i->ai_next)
		if (!is_loopback(i->ai_addr) && !h->config.insecure)
			e = diag_add(&h->diag, ERR_BAD_REQUEST, "listen: %s is reachable from other machines, and this server asks nobody for "
				     "credentials; say --insecure if that is wanted", h->host);
	freeaddrinfo(list);
	return e;
}

static enum err open_data(struct house *h)
{
	enum err e = file_mkdirs(h->config.data, 0755, &h->diag);
	if (e)
		return e;
	if (!realpath(h->config.data, h->data))
		return diag_add(&h->diag, ERR_IO, "%s: %s", h->config.data, strerror(errno));
	return ERR_OK;
}

static enum err open_services(struct house *h)
{
	h->database = h->config.database;
	h->broker = h->config.broker;
	if (h->config.standalone && (!*h->database || !*h->broker)) {
		struct standalone_config c = { .dir = h->data, .with_database = !*h->database, .with_broker = !*h->broker };
		enum err e = standalone_start(&c, &h->standalone, &h->diag);
		if (e)
			return e;
		if (!*h->database)
			h->database = standalone_conninfo(h->standalone);
		if (!*h->broker)
			h->broker = standalone_broker_uri(h->standalone);
	}
	if (!*h->database)
		return diag_add(&h->diag, ERR_BAD_REQUEST, "no database: say --standalone, or --database CONNINFO");
	return ERR_OK;
}

static enum err open_store(struct house *h)
{
	if (strcmp(h->database, "memory"))
		return (h->store = store_pg_open(h->database, (unsigned)h->config.workers + OWN_CONNECTIONS, &h->diag)) ? ERR_OK : ERR_UNAVAILABLE;
	return (h->store = store_mem_new()) ? ERR_OK : diag_add(&h->diag, ERR_NO_MEMORY, "out of memory");
}

static enum err invoke(void *ctx, const struct sm_invocation *what, struct arena *a, struct sm_outcome *out, struct diag *d)
{
	struct house *h = ctx;
	if (!h->twin)
		return diag_add(d, ERR_NOT_SUPPORTED, "this server has no twin engine");
	struct sm_invoker v = twin_invoker(h->twin);
	return v.invoke(v.ctx, what, a, out, d);
}

static enum err open_service(struct house *h)
{
	h->changes = changes_new();
	h->live = live_new();
	if (!h->changes || !h->live)
		return diag_add(&h->diag, ERR_NO_MEMORY, "out of memory");
	struct sm_config c = {
		.store = h->store, .changes = h->changes, .live = h->live, .invoker = { h, invoke }, .cache_bytes = h->config.cache,
	};
	return (h->service = sm_service_new(&c)) ? ERR_OK : diag_add(&h->diag, ERR_NO_MEMORY, "out of memory");
}

static enum err load_plant(struct house *h)
{
	struct aasx package = { 0 };
	struct slice text = { NULL, 0 };
	struct sm_session *s = NULL;
	struct sm_import_report report = { 0 };
	if (!*h->config.plant)
		return ERR_OK;
	const char *file = arena_printf(h->arena, "%s/environment.json", h->config.plant);
	enum err e = file ? file_read(h->arena, file, PLANT_MAX, &text, &h->diag) : ERR_NO_MEMORY;
	if (!e)
		e = aas_json_read(h->arena, AAS_Environment, text.p, text.n, AAS_JSON_DEFAULT, &package.environment, &h->diag);
	if (!e)
		e = sm_begin(h->service, true, h->arena, &h->diag, &s);
	if (!e && (e = sm_import(s, &package, SM_IMPORT_IGNORE_DUPLICATES, &report)))
		sm_abort(s);
	else if (!e)
		e = sm_commit(s);
	if (e)
		return diag_add(&h->diag, e, "the plant in %s could not be loaded", h->config.plant);
	log_info("serve", "plant %s: %zu loaded, %zu were there already", h->config.plant, report.created, report.skipped);
	return ERR_OK;
}

static enum err open_twin(struct house *h)
{
	if (!*h->broker) {
		log_warn("serve", "no broker: telemetry and commands are off");
		return ERR_OK;
	}
	struct twin_config c = {
		.store = h->store, .service = h->service, .changes = h->changes, .live = h->live, .broker = h->broker,
		.client_id = h->config.client_id, .spool_dir = arena_printf(h->arena, "%s/spool", h->data), .spool_max = h->config.spool_max,
		.username = *h->config.broker_user ? h->config.broker_user : NULL,
		.password = *h->config.broker_password ? h->config.broker_password : NULL,
	};
	if (!strcmp(h->config.ack, "disk"))
		c.ack_disk = true;
	else if (strcmp(h->config.ack, "process"))
		return diag_add(&h->diag, ERR_BAD_REQUEST, "ack: process or disk, not \"%s\"", h->config.ack);
	return c.spool_dir ? twin_start(&c, &h->twin, &h->diag) : ERR_NO_MEMORY;
}

static enum err open_http(struct house *h)
{
	struct http_config c = {
		.address = h->host, .port = h->port, .loops = (unsigned)h->config.loops, .workers = (unsigned)h->config.workers,
		.body_max = h->config.max_body, .base_paths = h->config.base_path, .service = h->service, .live = h->live, .store = h->store,
		.external_url = *h->config.external_url ? h->config.external_url : NULL,
		.cors_origin = h->config.cors_origin, .files = static_files, .n_files = n_static_files,
		.static_dir = *h->config.console_dir ? h->config.console_dir : NULL,
	};
	return (h->server = http_start(&c, &h->diag)) ? ERR_OK : ERR_UNAVAILABLE;
}

/* The first mounted path, for those who paste addresses. */
static void put_json(struct buf *b, const char *name, const char *value, bool last)
{
	buf_puts(b, "  ");
	buf_json(b, name, strlen(name));
	buf_puts(b, ": ");
	buf_json(b, value, strlen(value));
	buf_puts(b, last ? "\n" : ",\n");
}

static enum err announce(struct house *h)
{
	bool v6 = strchr(h->host, ':') != NULL;
	char *url = arena_printf(h->arena, "http://%s%s%s:%u", v6 ? "[" : "", h->host, v6 ? "]" : "", http_port(h->server));
	char *file = arena_printf(h->arena, "%s/endpoints.json", h->data);
	if (!url || !file)
		return ERR_NO_MEMORY;
	char *api = arena_printf(h->arena, "%s%.*s", url, (int)strcspn(h->config.base_path, ","), h->config.base_path);
	struct buf b = BUF_INIT;
	buf_puts(&b, "{\n");
	put_json(&b, "url", url, false);
	put_json(&b, "api", api ? api : url, false);
	put_json(&b, "broker", h->broker, false);
	put_json(&b, "database", h->database, true);
	buf_puts(&b, "}\n");
	enum err e = b.failed ? ERR_NO_MEMORY : file_write(file, b.p, b.n, 0600, &h->diag);
	buf_fini(&b);
	if (!e) {
		printf("twinshell: ready %s\n", url);
		fflush(stdout);
	}
	return e;
}

static void close_house(struct house *h)
{
	char file[PATH_MAX + 32];
	http_stop(h->server);
	if (h->twin)
		twin_stop(h->twin);
	sm_service_free(h->service);
	live_free(h->live);
	changes_free(h->changes);
	if (h->store)
		h->store->ops->close(h->store);
	standalone_stop(h->standalone);
	if (h->server && (size_t)snprintf(file, sizeof file, "%s/endpoints.json", h->data) < sizeof file)
		unlink(file);
	diag_fini(&h->diag);
	arena_free(h->arena);
}

static enum err setup_log(struct house *h)
{
	static const char *const levels[] = { "error", "warn", "info", "debug" }, *const formats[] = { "text", "json", "journal" };
	int level = -1, format = -1;
	for (int i = 0; i < 4; i++)
		if (!strcmp(levels[i], h->config.log_level))
			level = i;
	for (int i = 0; i < 3; i++)
		if (!strcmp(formats[i], h->config.log_format))
			format = i;
	if (level < 0 || format < 0)
		return diag_add(&h->diag, ERR_BAD_REQUEST, "log-level is error, warn, info or debug; log-format is text, json or journal");
	log_setup((enum log_level)level, (enum log_format)format);
	return ERR_OK;
}

/* Two thousand clients need more descriptors than the usual soft limit has. */
static void raise_limits(void)
{
	struct rlimit files;
	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max < 65536 ? files.rlim_max : 65536;
		setrlimit(RLIMIT_NOFILE, &files);
	}
}

static int fail(struct house *h, enum err e)
{
	for (unsigned i = 0; i < h->diag.n; i++)
		fprintf(stderr, "twinshell: %s%s%s\n", h->diag.list[i].path, *h->diag.list[i].path ? ": " : "", h->diag.list[i].text);
	if (!h->diag.n)
		fprintf(stderr, "twinshell: %s\n", err_info[e].text);
	close_house(h);
	return e == ERR_BAD_REQUEST ? EX_CONFIG : e == ERR_UNAVAILABLE ? EX_UNAVAILABLE : e == ERR_IO ? EX_IOERR : EX_SOFTWARE;
}

int serve(int argc, char **argv)
{
	static enum err (*const rooms[])(struct house *) = {
		setup_log, check_address, open_data, open_services, open_store, open_service, load_plant, open_twin, open_http, announce,
	};
	struct house h = { .arena = arena_new(0), .diag = DIAG_INIT };
	char **rest;
	int n_rest, sig = 0;
	sigset_t stop;
	sigemptyset(&stop);
	sigaddset(&stop, SIGINT);
	sigaddset(&stop, SIGTERM);
	sigaddset(&stop, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &stop, NULL);	/* before any thread starts, so that only sigwait below sees them */
	signal(SIGPIPE, SIG_IGN);
	raise_limits();

	enum err e = h.arena ? config_read(h.arena, argc, argv, &h.config, &rest, &n_rest, &h.diag) : ERR_NO_MEMORY;
	if (!e && n_rest)
		e = diag_add(&h.diag, ERR_BAD_REQUEST, "there is no use for the word \"%s\"", rest[0]);
	if (e) {
		fail(&h, e);
		return EX_USAGE;
	}
	for (size_t i = 0; i < sizeof rooms / sizeof *rooms; i++)
		if ((e = rooms[i](&h)))
			return fail(&h, e);
	while (sig != SIGINT && sig != SIGTERM)
		sigwait(&stop, &sig);
	log_info("serve", "stopping");
	close_house(&h);
	return EX_OK;
}
