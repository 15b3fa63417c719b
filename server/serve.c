/* SPDX-License-Identifier: Apache-2.0 */
#include "server/serve.h"

#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

#include "aas/aasx.h"
#include "aas/json.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "server/config.h"
#include "server/delegate.h"
#include "server/http.h"
#include "server/jws.h"
#include "server/standalone.h"
#include "sql/store_pg.h"
#include "submodels/service.h"
#include "twin_engine/publisher.h"
#include "twin_engine/runtime.h"

#define PLANT_MAX ((size_t)64 << 20)
#define FILE_THREADS 4
#define OWN_CONNECTIONS 6		/* to the database, beside one per worker and thread of operations: historian, engine, commands, readiness,
					 * publisher, streams of the feed */

#define KEEP_MAX_S ((size_t)1 << 30)
#define KEEP_MAX_DAYS 100000

enum stage { STARTING, SERVING, STOPPING };

/* Every room, in the order in which they are built. */
struct house {
	struct config config;
	int argc;			/* the words after `serve`: a SIGHUP reads them again */
	char **argv;
	struct arena *arena;
	struct diag diag;
	_Atomic enum stage stage;
	char host[256];
	uint16_t port;
	struct standalone *standalone;
	const char *data, *database, *broker, *password;
	bool announced;			/* endpoints.json is there */
	struct store *store;
	bool (*store_ready)(struct store *);	/* can it be reached now?  Any thread, may wait; NULL: always */
	struct changes *changes;
	struct live *live;
	struct delegate *delegate;
	struct jws *signer;
	struct sm_service *service;
	struct twin_runtime *twin;
	struct event_config events;
	unsigned event_formats;
	struct publisher *publisher;
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

/* Signals are blocked everywhere; one that waits is taken up when there is time for it. */
static bool interrupted(void)
{
	sigset_t pending;
	return !sigpending(&pending) && (sigismember(&pending, SIGINT) > 0 || sigismember(&pending, SIGTERM) > 0);
}

/* The directory, which is this server's alone from here on, and what runs in it. */
static enum err open_services(struct house *h)
{
	h->database = h->config.database;
	h->broker = h->config.broker;
	bool all = h->config.standalone;
	struct standalone_config c = {
		.dir = h->config.data, .with_database = all && !*h->database, .with_broker = all && !*h->broker, .interrupted = interrupted,
	};
	if (!all && !*h->database)
		return diag_add(&h->diag, ERR_BAD_REQUEST, "no database: say --standalone, or --database CONNINFO");
	enum err e = standalone_start(&c, &h->standalone, &h->diag);
	if (e)
		return e;
	h->data = standalone_dir(h->standalone);
	if (c.with_database)
		h->database = standalone_conninfo(h->standalone);
	if (c.with_broker)
		h->broker = standalone_broker_uri(h->standalone);
	return ERR_OK;
}

static void keep_days(struct house *h)
{
	size_t days[] = { h->config.samples_keep_days, h->config.rollups_keep_days };
	for (int i = 0; i < 2; i++)
		if (days[i] > KEEP_MAX_DAYS)
			days[i] = KEEP_MAX_DAYS;
	if (!h->store || !h->store_ready)
		return;
	store_pg_keep(h->store, (unsigned)days[0], (unsigned)days[1]);
	store_pg_keep_history(h->store, (unsigned)h->config.history_keep_days);
}

static enum err open_store(struct house *h)
{
	if (strcmp(h->database, "memory")) {
		h->store_ready = store_pg_ready;
		struct store_pg_config c = {
			.conninfo = h->database, .standby = *h->config.database_standby ? h->config.database_standby : NULL,
			.connections = (unsigned)(h->config.workers + h->config.operation_threads) + FILE_THREADS + OWN_CONNECTIONS,
			.pooler = h->config.database_pooler, .no_migration = !strcmp(h->config.migrate, "never"),
		};
		if (!(h->store = store_pg_open_with(&c, &h->diag)))
			return ERR_UNAVAILABLE;
		keep_days(h);
		return store_pg_claim(h->store, h->config.client_id, &h->diag);
	}
	return (h->store = store_mem_new()) ? ERR_OK : diag_add(&h->diag, ERR_NO_MEMORY, "out of memory");
}

static enum err execute(void *ctx, const struct sm_invocation *what, struct arena *a, struct sm_outcome *out, struct diag *d)
{
	struct house *h = ctx;
	enum err e = delegate_invoke(h->delegate, what, a, out, d);
	if (e != ERR_NOT_SUPPORTED)
		return e;
	if (!h->twin)
		return diag_add(d, ERR_NOT_SUPPORTED, "this server has no twin engine");
	struct sm_invoker v = twin_invoker(h->twin);
	return v.invoke(v.ctx, what, a, out, d);
}

/* Whoever executes it. */
static enum err invoke(void *ctx, const struct sm_invocation *what, struct arena *a, struct sm_outcome *out, struct diag *d)
{
	struct house *h = ctx;
	publisher_operation(h->publisher, what->submodel_id, what->path, what->operation, false);
	enum err e = execute(ctx, what, a, out, d);
	publisher_operation(h->publisher, what->submodel_id, what->path, what->operation, true);
	return e;
}

static enum err open_bus(struct house *h)
{
	h->changes = changes_new();
	h->live = live_new();
	return h->changes && h->live ? ERR_OK : diag_add(&h->diag, ERR_NO_MEMORY, "out of memory");
}

static enum err open_service(struct house *h)
{
	struct sm_config c = {
		.store = h->store, .changes = h->changes, .live = h->live, .invoker = { h, invoke }, .cache_bytes = h->config.cache,
		.async = {
			.owner = h->config.client_id, .threads = (unsigned)h->config.operation_threads, .keep = h->config.operation_keep,
			.keep_us = (int64_t)(h->config.operation_keep_s < KEEP_MAX_S ? h->config.operation_keep_s : KEEP_MAX_S) * US_PER_S,
		},
		.sole_shell = *h->config.sole_shell ? h->config.sole_shell : NULL,
		.sole_submodel = *h->config.sole_submodel ? h->config.sole_submodel : NULL,
	};
	if (!(h->service = sm_service_new(&c)))
		return diag_add(&h->diag, ERR_NO_MEMORY, "out of memory");
	return sm_async_recover(h->service, &h->diag);
}

static enum err open_delegate(struct house *h)
{
	return delegate_new(h->config.delegation_allow, &h->delegate, &h->diag);
}

static enum err open_signer(struct house *h)
{
	const char *key = h->config.sign_key, *chain = h->config.sign_certificate;
	if (!*key)
		return *chain ? diag_add(&h->diag, ERR_BAD_REQUEST, "sign-certificate: there is no sign-key") : ERR_OK;
	enum err e = jws_open(key, *chain ? chain : NULL, &h->signer, &h->diag);
	if (!e)
		log_info("serve", "$signed is by %s with %s", jws_algorithm(h->signer), *chain ? chain : "no certificate");
	return e;
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
	enum err e = ERR_OK;
	if (!file || file_read(h->arena, file, PLANT_MAX, &text, &h->diag))
		return ERR_NOT_FOUND;
	if (aas_json_read(h->arena, AAS_Environment, text.p, text.n, AAS_JSON_DEFAULT, &package.environment, &h->diag))
		e = ERR_MEDIA_TYPE;	/* no fault of the configuration */
	if (!e)
		e = sm_begin(h->service, true, h->arena, &h->diag, &s);
	if (!e)
		sm_cause(s, "import:plant", NULL);
	if (!e && (e = sm_import(s, &package, SM_IMPORT_IGNORE_DUPLICATES, &report)))
		sm_abort(s);
	else if (!e)
		e = sm_commit(s);
	if (e)
		return diag_add(&h->diag, e, "the plant in %s could not be loaded", h->config.plant);
	log_info("serve", "plant %s: %zu loaded, %zu were there already", h->config.plant, report.created, report.skipped);
	return ERR_OK;
}

/* Where no `ps` and no `docker inspect` shows it. */
static enum err read_password(struct house *h)
{
	const char *file = h->config.broker_password_file;
	struct slice text;
	h->password = *h->config.broker_password ? h->config.broker_password : NULL;
	if (!*file)
		return ERR_OK;
	if (h->password)
		return diag_add(&h->diag, ERR_BAD_REQUEST, "broker-password and broker-password-file: say only one of them");
	if (file_read(h->arena, file, 4096, &text, &h->diag))
		return ERR_NOT_FOUND;
	h->password = arena_strndup(h->arena, text.p, strcspn(text.p, "\r\n"));
	return h->password ? ERR_OK : ERR_NO_MEMORY;
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
		.password = h->password, .ack_disk = !strcmp(h->config.ack, "disk"),
	};
	return c.spool_dir ? twin_start(&c, &h->twin, &h->diag) : ERR_NO_MEMORY;
}

/* The same sources of events for everybody: below the first mounted path. */
static enum err set_events(struct house *h)
{
	struct config *c = &h->config;
	const char *comma = strchr(c->events_repository, ',');
	h->events = (struct event_config){
		.topic = c->events_topic, .slim = c->events_slim,
		.url = arena_printf(h->arena, "%s%.*s", c->external_url, (int)strcspn(c->base_path, ","), c->base_path),
		.aas_repository = arena_strndup(h->arena, c->events_repository, strcspn(c->events_repository, ",")),
		.sm_repository = arena_strdup(h->arena, comma ? comma + 1 : ""),
	};
	enum err e = event_formats_read(c->events, &h->event_formats, &h->diag);
	if (!e && (!*c->events_topic || *c->events_topic == '$' || strpbrk(c->events_topic, "+#")))
		e = diag_add(&h->diag, ERR_BAD_REQUEST, "events-topic: \"%s\" is no topic that can be published to", c->events_topic);
	return e ? e : h->events.url && h->events.aas_repository && h->events.sm_repository ? ERR_OK : ERR_NO_MEMORY;
}

static enum err open_publisher(struct house *h)
{
	if (!*h->broker || str_eq(h->config.events, "none"))
		return ERR_OK;
	struct publisher_config c = {
		.store = h->store, .live = h->live, .broker = h->broker, .client_id = arena_printf(h->arena, "%s-events", h->config.client_id),
		.username = *h->config.broker_user ? h->config.broker_user : NULL, .password = h->password, .formats = h->event_formats,
		.events = h->events, .from_start = h->config.events_from_start,
	};
	return c.client_id ? publisher_start(&c, &h->publisher, &h->diag) : ERR_NO_MEMORY;
}

/* For /readyz. */
static bool is_ready(void *ctx, struct buf *why)
{
	static const char *const reasons[] = { [STARTING] = "the server is starting", [STOPPING] = "the server is stopping" };
	struct house *h = ctx;
	enum stage stage = atomic_load(&h->stage);
	if (stage != SERVING) {
		buf_puts(why, reasons[stage]);
		return false;
	}
	if (h->store_ready && !h->store_ready(h->store)) {
		buf_puts(why, "the database cannot be reached");
		return false;
	}
	return true;
}

/* Before anything that takes long: a port that is taken is told at once, and /readyz can say what the others wait for. */
static enum err open_http(struct house *h)
{
	struct http_config c = {
		.address = h->host, .port = h->port, .loops = (unsigned)h->config.loops, .workers = (unsigned)h->config.workers,
		.body_max = h->config.max_body, .file_max = h->config.max_file, .file_threads = FILE_THREADS, .scratch_dir = h->config.data,
		.compress_min = h->config.compress ? h->config.compress : SIZE_MAX,
		.base_paths = h->config.base_path, .live = h->live, .events = h->events,
		.external_url = *h->config.external_url ? h->config.external_url : NULL,
		.trusted_proxies = h->config.trusted_proxies, .user_header = *h->config.user_header ? h->config.user_header : NULL,
		.cors_origin = h->config.cors_origin, .signer = h->signer,
		.files = static_files, .n_files = n_static_files,
		.static_dir = *h->config.console_dir ? h->config.console_dir : NULL, .ready = is_ready, .ready_ctx = h,
	};
	return (h->server = http_start(&c, &h->diag)) ? ERR_OK : ERR_UNAVAILABLE;
}

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
	http_open(h->server, h->service, h->store);
	atomic_store(&h->stage, SERVING);
	bool v6 = strchr(h->host, ':') != NULL;
	char *url = arena_printf(h->arena, "http://%s%s%s:%u", v6 ? "[" : "", h->host, v6 ? "]" : "", http_port(h->server));
	char *file = arena_printf(h->arena, "%s/endpoints.json", h->data);
	if (!url || !file)
		return ERR_NO_MEMORY;
	/* the first mounted path, for those who paste addresses */
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
		h->announced = true;
		printf("twinshell: ready %s\n", url);
		fflush(stdout);
	}
	return e;
}

static void close_house(struct house *h)
{
	char file[PATH_MAX + 32];
	atomic_store(&h->stage, STOPPING);
	if (h->announced && (size_t)snprintf(file, sizeof file, "%s/endpoints.json", h->data) < sizeof file)
		unlink(file);
	if (h->service)
		sm_async_close(h->service);
	http_stop(h->server);		/* who waits for an operation still gets its outcome; who has a handle finds it canceled */
	if (h->delegate)
		delegate_stop(h->delegate);
	if (h->twin)
		twin_close(h->twin);
	if (h->service)
		sm_async_stop(h->service);
	if (h->twin)
		twin_stop(h->twin);
	publisher_stop(h->publisher);
	sm_service_free(h->service);
	delegate_free(h->delegate);
	jws_free(h->signer);
	live_free(h->live);
	changes_free(h->changes);
	if (h->store)
		h->store->ops->close(h->store);
	standalone_stop(h->standalone);
	diag_fini(&h->diag);
	arena_free(h->arena);
}

static enum err setup_log(struct house *h)
{
	int level = config_choice("log_level", h->config.log_level), format = config_choice("log_format", h->config.log_format);
	log_setup((enum log_level)level, (enum log_format)format);
	return ERR_OK;
}

/* SIGHUP: what the file (and the environment and the flags above it) says now.  A file with a fault changes nothing. */
static void reload(struct house *h)
{
	struct arena *a = arena_new(0);
	struct diag d = DIAG_INIT;
	struct config next;
	enum config_place where;
	char why[DIAG_TEXT_MAX + DIAG_PATH_MAX];
	if (!a || config_read(a, h->argc, h->argv, &next, &where, &d)) {
		log_error("config", "the configuration stays as it is: %s", a ? diag_first(&d, why, sizeof why) : "out of memory");
	} else {
		unsigned n = config_update(h->arena, &h->config, &next);
		setup_log(h);
		http_change(h->server, *h->config.external_url ? h->config.external_url : NULL, h->config.cors_origin, h->config.max_body,
			    h->config.max_file);
		keep_days(h);
		log_info("config", "the configuration was read again: %u option%s changed", n, n == 1 ? "" : "s");
	}
	diag_fini(&d);
	arena_free(a);
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

static int exit_status(enum err e)
{
	static const struct { enum err e; int status; } table[] = {
		{ ERR_BAD_REQUEST, EX_CONFIG }, { ERR_NOT_FOUND, EX_NOINPUT }, { ERR_MEDIA_TYPE, EX_DATAERR }, { ERR_UNAVAILABLE, EX_UNAVAILABLE },
		{ ERR_TIMEOUT, EX_UNAVAILABLE }, { ERR_CONFLICT, EX_UNAVAILABLE }, { ERR_AGAIN, EX_UNAVAILABLE }, { ERR_IO, EX_IOERR },
		{ ERR_FORBIDDEN, EX_NOPERM }, { ERR_NO_MEMORY, EX_OSERR },
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (table[i].e == e)
			return table[i].status;
	return EX_SOFTWARE;
}

static void complain(const struct house *h, enum err e)
{
	for (unsigned i = 0; i < h->diag.n; i++)
		fprintf(stderr, "twinshell: %s%s%s\n", h->diag.list[i].path, *h->diag.list[i].path ? ": " : "", h->diag.list[i].text);
	if (!h->diag.n)
		fprintf(stderr, "twinshell: %s\n", err_info[e].text);
}

/* Blocked before any thread starts, so that only the main thread sees them, in sigwait. */
static void block_signals(sigset_t *all)
{
	sigemptyset(all);
	sigaddset(all, SIGINT);
	sigaddset(all, SIGTERM);
	sigaddset(all, SIGHUP);
	pthread_sigmask(SIG_BLOCK, all, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);	/* a limit to the size of files is an error of whoever writes, told with its place */
}

static enum err read_options(struct house *h, int *status)
{
	static const int statuses[] = { [CONFIG_FLAGS] = EX_USAGE, [CONFIG_FILE_MISSING] = EX_NOINPUT, [CONFIG_FILE_OR_ENVIRONMENT] = EX_CONFIG };
	enum config_place where = CONFIG_FLAGS;
	enum err e = h->arena ? config_read(h->arena, h->argc, h->argv, &h->config, &where, &h->diag) : ERR_NO_MEMORY;
	*status = e == ERR_NO_MEMORY ? EX_OSERR : statuses[where];
	return e;
}

int serve(int argc, char **argv)
{
	static enum err (*const rooms[])(struct house *) = {
		setup_log, check_address, read_password, set_events, open_signer, open_delegate, open_bus, open_http, open_services, open_store,
		open_service, load_plant, open_publisher, open_twin, announce,
	};
	struct house h = { .argc = argc, .argv = argv, .arena = arena_new(0), .diag = DIAG_INIT };
	int sig = 0, status = EX_OK;
	sigset_t signals;
	block_signals(&signals);
	raise_limits();
	enum err e = read_options(&h, &status);
	for (size_t i = 0; !e && !interrupted() && i < sizeof rooms / sizeof *rooms; i++)
		if ((e = rooms[i](&h)))
			status = exit_status(e);
	if (e && !interrupted()) {
		complain(&h, e);
	} else {
		while (sig != SIGINT && sig != SIGTERM)
			if (!sigwait(&signals, &sig) && sig == SIGHUP)
				reload(&h);
		log_info("serve", "stopping");
		status = EX_OK;
	}
	close_house(&h);
	return status;
}
