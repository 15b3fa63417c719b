/* SPDX-License-Identifier: Apache-2.0
 * ingest_bench.c - messages a second from the broker to the current value (spool, engine, historian; a store that only counts), against
 * a paho subscriber that only counts messages; and from the broker into PostgreSQL, against binary COPY of as many rows of the same
 * kind into a table of its own.  The same broker, publisher and payload, in turns.  Takes about 20 s.
 *
 * Usage: ingest_bench [SECONDS PER TURN]; in the source directory, or with $srcdir.  One JSON line per comparison on standard output.
 */
#include <MQTTAsync.h>
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "aas/json.h"
#include "base/clock.h"
#include "base/log.h"
#include "sql/pg.h"
#include "sql/store_pg.h"
#include "tests/database.h"
#include "twin_engine/runtime.h"

#define WINDOW 4000		/* messages between publisher and subscriber */
#define TOPICS 100
#define TURNS 2
#define BURST 32
#define COPY_ROWS 10000

/* Between the processes. */
struct shared {
	atomic_long sent, seen, committed;
	atomic_bool stop;
};

static struct shared *sh;
static char dir[64], port[8], uri[40];
static const char *tool = "tests/mosquitto-private";

static int run(const char *const *argv)
{
	int status = -1;
	pid_t pid = fork();
	if (!pid) {
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* -- the publisher: bytes of MQTT 3.1.1, so that it costs little; each role has its topics, for the server's session outlives it -- */

static int connect_raw(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	static const char hello[] = "\x10\x11\0\4MQTT\4\2\0\0\0\5bench";
	char answer[4];
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
	a.sin_port = htons((uint16_t)strtol(port, NULL, 10));
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a) || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) ||
	    write(fd, hello, sizeof hello - 1) != sizeof hello - 1 || recv(fd, answer, 4, MSG_WAITALL) != 4 || answer[3])
		_exit(1);
	return fd;
}

static size_t put_message(unsigned char *out, char role, long i)
{
	char topic[16], text[256];
	size_t t = (size_t)snprintf(topic, sizeof topic, "%c/%ld", role, i % TOPICS), n;
	n = (size_t)snprintf(text, sizeof text, "{\"ts\":%lld,\"seq\":%ld,\"running\":true,\"v\":%ld.%ld,\"unit\":\"degC\",\"pad\":\"",
			     (long long)clock_now_us(), i, i % 97, i % 10);
	while (n < 198)
		text[n++] = 'x';
	text[n++] = '"';
	text[n++] = '}';
	size_t rest = 2 + t + 2 + n, at = 0;
	out[at++] = 0x32;
	out[at++] = (unsigned char)(rest % 128 | 128);
	out[at++] = (unsigned char)(rest / 128);
	out[at++] = 0;
	out[at++] = (unsigned char)t;
	memcpy(out + at, topic, t);
	at += t;
	out[at++] = (unsigned char)((i % 60000 + 1) >> 8);
	out[at++] = (unsigned char)(i % 60000 + 1);
	memcpy(out + at, text, n);
	return at + n;
}

static pid_t publisher(char role)
{
	static unsigned char b[BURST * 300], acks[65536];
	pid_t pid = fork();
	if (pid)
		return pid;
	int fd = connect_raw();
	long open_acks = 0, odd = 0;
	int64_t until = 0;	/* at the end what is under way arrives, or the count would be wrong */
	for (long i = 0; !until || (open_acks > 0 && clock_mono_us() < until); ) {
		if (sh->stop && !until)
			until = clock_mono_us() + 5 * US_PER_S;
		size_t n = 0;
		int k = 0;
		bool room = !sh->stop && sh->sent - sh->seen < WINDOW && open_acks < 1000;
		for (; room && k < BURST; k++)
			n += put_message(b + n, role, i++);
		for (size_t at = 0; at < n; ) {
			ssize_t w = write(fd, b + at, n - at);
			if (w <= 0)
				_exit(1);
			at += (size_t)w;
		}
		sh->sent += k;
		open_acks += k;
		ssize_t r = recv(fd, acks, sizeof acks, MSG_DONTWAIT);
		if (r > 0) {
			odd += r;
			open_acks -= odd / 4;
			odd %= 4;
		}
		if (!room)
			clock_sleep_us(100);
	}
	_exit(0);
}

/* Until one message on every topic has come through: all subscriptions stand. */
static void wait_subscribed(void)
{
	static unsigned char b[300], acks[4 * TOPICS];
	int fd = connect_raw();
	for (int tries = 0; tries < 50; tries++) {
		long before = sh->seen;
		for (long i = 0; i < TOPICS; i++) {
			size_t n = put_message(b, 't', i);
			if (write(fd, b, n) != (ssize_t)n)
				exit(1);
		}
		recv(fd, acks, sizeof acks, MSG_WAITALL);
		for (int k = 0; k < 20 && sh->seen - before < TOPICS; k++)
			clock_sleep_us(10000);
		if (sh->seen - before >= TOPICS)
			break;
	}
	close(fd);
}

static double cpu(void)
{
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

struct figure {
	double rate, cpu_us;
};

/* Publish for so long; the rate is taken after the first third of a second. */
static struct figure measure(char role, double seconds)
{
	sh->stop = false;
	sh->sent = sh->seen = 0;
	pid_t pid = publisher(role);
	clock_sleep_us(US_PER_S / 3);
	long from = sh->seen;
	double c = cpu();
	int64_t t0 = clock_mono_us();
	clock_sleep_us((int64_t)(seconds * 1e6));
	double us = (double)(clock_mono_us() - t0), n = (double)(sh->seen - from);
	c = cpu() - c;
	sh->stop = true;
	waitpid(pid, NULL, 0);
	for (int64_t until = clock_mono_us() + 5 * US_PER_S; sh->seen < sh->sent && clock_mono_us() < until; )
		clock_sleep_us(1000);
	return (struct figure){ n / us * 1e6, n > 0 ? c * 1e6 / n : 0 };
}

/* -- the baseline ------------------------------------------------------------------------------------------------------------------- */

static atomic_int ready;

static int count(void *ctx, char *topic, int n, MQTTAsync_message *m)
{
	(void)ctx, (void)n;
	sh->seen++;
	MQTTAsync_freeMessage(&m);
	MQTTAsync_free(topic);
	return 1;
}

static void is_ready(void *ctx, MQTTAsync_successData5 *d)
{
	(void)ctx, (void)d;
	ready++;
}

static void wait_ready(int n)
{
	while (ready < n)
		clock_sleep_us(1000);
}

static struct figure bare(double seconds)
{
	MQTTAsync c;
	MQTTAsync_createOptions co = MQTTAsync_createOptions_initializer5;
	MQTTAsync_connectOptions o = MQTTAsync_connectOptions_initializer5;
	MQTTAsync_responseOptions r = MQTTAsync_responseOptions_initializer;
	MQTTAsync_disconnectOptions bye = MQTTAsync_disconnectOptions_initializer5;
	MQTTAsync_createWithOptions(&c, uri, "counter", MQTTCLIENT_PERSISTENCE_NONE, NULL, &co);
	MQTTAsync_setCallbacks(c, NULL, NULL, count, NULL);
	ready = 0;
	MQTTProperties props = MQTTProperties_initializer;
	MQTTProperty ahead = { .identifier = MQTTPROPERTY_CODE_RECEIVE_MAXIMUM, .value.integer2 = 1000 };	/* as the server has it */
	MQTTProperties_add(&props, &ahead);
	o.connectProperties = &props;
	o.cleanstart = 1;
	o.onSuccess5 = r.onSuccess5 = bye.onSuccess5 = is_ready;
	MQTTAsync_connect(c, &o);
	wait_ready(1);
	MQTTAsync_subscribe(c, "b/#", 1, &r);
	wait_ready(2);
	struct figure f = measure('b', seconds);
	MQTTAsync_disconnect(c, &bye);
	wait_ready(3);
	MQTTAsync_destroy(&c);
	MQTTProperties_free(&props);
	return f;
}

/* -- the server ----------------------------------------------------------------------------------------------------------------------- */

static struct store_ops counting;
static enum err (*real_append)(struct store *, const struct store_batch *);	/* NULL: nothing is stored */
static uint64_t position;

static enum err count_append(struct store *s, const struct store_batch *b)
{
	enum err e = real_append ? real_append(s, b) : ERR_OK;
	if (!e) {
		sh->committed += (long)b->n_samples;
		position = b->position;
	}
	return e;
}

static enum err no_position(struct store *s, const char *name, uint64_t *p)
{
	(void)s, (void)name;
	*p = position;
	return ERR_OK;
}

static void on_change(void *ctx, const struct change *c, size_t n)
{
	(void)ctx;
	for (size_t i = 0; i < n; i++)
		sh->seen += c[i].origin == CHANGE_BY_ENGINE && !strcmp(c[i].id, "urn:od");
}

static void put(struct sm_service *service, struct arena *a, const char *json)
{
	struct aas_node *node = NULL;
	struct sm_session *s = NULL;
	struct diag d = DIAG_INIT;
	char text[300];
	if (aas_json_read(a, AAS_Submodel, json, strlen(json), AAS_JSON_DEFAULT, &node, &d) || sm_begin(service, true, a, &d, &s) ||
	    sm_create(s, STORE_SUBMODEL, node) || sm_commit(s)) {
		fprintf(stderr, "%s\n", diag_first(&d, text, sizeof text));
		exit(1);
	}
}

static void plant(struct sm_service *service, struct arena *a)
{
	struct buf od = BUF_INIT, twin = BUF_INIT;
	buf_puts(&od, "{\"modelType\":\"Submodel\",\"id\":\"urn:od\",\"submodelElements\":[");
	buf_puts(&twin, "{\"modelType\":\"Submodel\",\"id\":\"urn:twin\",\"semanticId\":{\"type\":\"ExternalReference\",\"keys\":[{\"type\":"
		 "\"GlobalReference\",\"value\":\"https://twinshell.org/submodel/TwinEngine/1/0\"}]},\"submodelElements\":[{\"modelType\":"
		 "\"SubmodelElementCollection\",\"idShort\":\"Links\",\"value\":[");
	for (int i = 0; i < TOPICS; i++) {
		buf_printf(&od, "%s{\"modelType\":\"Property\",\"idShort\":\"P%d\",\"valueType\":\"xs:double\"}", i ? "," : "", i);
		buf_printf(&twin, "%s{\"modelType\":\"SubmodelElementCollection\",\"idShort\":\"L%d\",\"value\":["
			   "{\"modelType\":\"Property\",\"idShort\":\"TopicFilter\",\"valueType\":\"xs:string\",\"value\":\"t/%d\"},"
			   "{\"modelType\":\"Property\",\"idShort\":\"Selector\",\"valueType\":\"xs:string\",\"value\":\"/v\"},"
			   "{\"modelType\":\"Property\",\"idShort\":\"TimeSelector\",\"valueType\":\"xs:string\",\"value\":\"/ts\"},"
			   "{\"modelType\":\"ReferenceElement\",\"idShort\":\"Target\",\"value\":{\"type\":\"ModelReference\",\"keys\":["
			   "{\"type\":\"Submodel\",\"value\":\"urn:od\"},{\"type\":\"Property\",\"value\":\"P%d\"}]}}]}", i ? "," : "", i, i, i);
	}
	buf_puts(&od, "]}");
	buf_puts(&twin, "]}]}");
	put(service, a, od.p);
	put(service, a, twin.p);
	buf_fini(&od);
	buf_fini(&twin);
}

/* Samples a second until all of them are committed: the time begins with the first message. */
static double until_committed(double seconds, struct figure *f)
{
	int64_t from = clock_mono_us();
	sh->committed = 0;
	*f = measure('t', seconds);
	for (int64_t until = clock_mono_us() + 20 * US_PER_S; sh->committed < sh->sent && clock_mono_us() < until; )
		clock_sleep_us(1000);
	return (double)sh->committed * 1e6 / (double)(clock_mono_us() - from);
}

/* The store is consumed. */
static struct figure server(struct store *store, double seconds, double *committed_rate)
{
	char spool[80];
	struct changes *changes = changes_new();
	struct live *live = live_new();
	struct arena *a = arena_new(0);
	struct twin_runtime *t = NULL;
	struct diag d = DIAG_INIT;
	struct figure f;
	counting = *store->ops;
	real_append = committed_rate ? counting.append : NULL;
	counting.append = count_append;
	counting.position = no_position;
	store->ops = &counting;
	snprintf(spool, sizeof spool, "%s/spool-%d", dir, committed_rate != NULL);
	changes_subscribe(changes, on_change, NULL);
	struct sm_service *service = sm_service_new(&(struct sm_config){ .store = store, .changes = changes, .live = live });
	plant(service, a);
	if (twin_start(&(struct twin_config){ .store = store, .service = service, .changes = changes, .live = live, .broker = uri,
			.client_id = committed_rate ? "database" : "server", .spool_dir = spool }, &t, &d))
		exit(1);
	wait_subscribed();
	clock_sleep_us(US_PER_S / 4);	/* the historian commits what was tried */
	sh->committed = 0;
	if (committed_rate)
		*committed_rate = until_committed(seconds, &f);
	else
		f = measure('t', seconds);
	twin_stop(t);
	sm_service_free(service);
	live_free(live);
	changes_free(changes);
	store->ops->close(store);
	arena_free(a);
	return f;
}

/* -- the database ----------------------------------------------------------------------------------------------------------------------- */

static void must(enum err e, const struct diag *d)
{
	char text[300];
	if (e) {
		fprintf(stderr, "%s: %s\n", err_info[e].text, diag_first(d, text, sizeof text));
		exit(1);
	}
}

/* Rows a second of binary COPY, one transaction per batch. */
static double copy_rows(const char *conninfo, long rows)
{
	struct diag d = DIAG_INIT;
	struct buf b = BUF_INIT;
	struct pg *pg;
	must(pg_open(conninfo, &pg, &d), &d);
	must(pg_script(pg, "CREATE TABLE IF NOT EXISTS public.bench (LIKE twinshell.sample); TRUNCATE public.bench", &d), &d);
	int64_t from = clock_mono_us();
	for (long done = 0; done < rows; done += COPY_ROWS) {
		buf_reset(&b);
		for (long i = done; i < done + COPY_ROWS && i < rows; i++) {
			pg_copy_row(&b, 5);
			pg_item_int8(&b, i % TOPICS);
			pg_item_time(&b, from + i);
			pg_item_num(&b, (double)(i % 97));
			pg_item_int2(&b, 0);
			pg_item_null(&b);
		}
		must(pg_begin(pg, PG_WRITE), &d);
		must(pg_copy(pg, "COPY public.bench (series, ts, num, quality, text) FROM STDIN (FORMAT binary)", buf_view(&b)), &d);
		must(pg_commit(pg), &d);
	}
	double rate = (double)rows * 1e6 / (double)(clock_mono_us() - from);
	buf_fini(&b);
	pg_close(pg);
	return rate;
}

static void compare_database(double seconds)
{
	struct database db;
	struct diag d = DIAG_INIT;
	double ours = 0, theirs = 0, rate;
	if (!database_cluster()) {
		printf("{\"skipped\":\"PostgreSQL is not installed\"}\n");
		return;
	}
	for (int i = 0; i < TURNS; i++) {
		database_make(&db, "ingest", "");
		struct store *store = store_pg_open(db.conninfo, 4, &d);
		must(store ? ERR_OK : ERR_UNAVAILABLE, &d);
		server(store, seconds, &rate);
		ours += rate / TURNS;
		theirs += copy_rows(db.conninfo, sh->committed > 1000 ? sh->committed : 1000) / TURNS;
		if (database_admin("DROP DATABASE %s WITH (FORCE)", db.name))
			exit(1);
	}
	printf("{\"to_database_per_s\":%.0f,\"copy_per_s\":%.0f,\"ratio\":%.2f}\n", ours, theirs, ours / theirs);
}

static void free_port(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(fd, (struct sockaddr *)&a, sizeof a) || getsockname(fd, (struct sockaddr *)&a, &n))
		exit(1);
	close(fd);
	snprintf(port, sizeof port, "%d", ntohs(a.sin_port));
	snprintf(uri, sizeof uri, "tcp://127.0.0.1:%s", port);
}

int main(int argc, char **argv)
{
	struct figure b[TURNS], s[TURNS];
	long committed = 0, sent = 0;
	double seconds = 2, rate_b = 0, rate_s = 0, cpu_b = 0, cpu_s = 0;
	if (argc > 1 && !str_double(argv[1], strlen(argv[1]), &seconds))
		return 64;
	if (getenv("srcdir") && chdir(getenv("srcdir")))
		return 1;
	log_setup(LOG_ERROR, LOG_TEXT);
	signal(SIGPIPE, SIG_IGN);
	sh = mmap(NULL, sizeof *sh, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	snprintf(dir, sizeof dir, "/tmp/ingest-bench-XXXXXX");
	if (sh == MAP_FAILED || !mkdtemp(dir))
		return 1;
	free_port();
	const char *start[] = { tool, "start", dir, port, NULL }, *stop[] = { tool, "stop", dir, NULL }, *rm[] = { "rm", "-rf", dir, NULL };
	int code = run(start);
	for (int i = 0; !code && i < TURNS; i++) {
		b[i] = bare(seconds);
		s[i] = server(store_mem_new(), seconds, NULL);
		committed += sh->committed;
		sent += sh->sent;
		rate_b += b[i].rate / TURNS;
		rate_s += s[i].rate / TURNS;
		cpu_b += b[i].cpu_us / TURNS;
		cpu_s += s[i].cpu_us / TURNS;
	}
	if (!code)
		printf("{\"bare_per_s\":%.0f,\"server_per_s\":%.0f,\"ratio\":%.2f,\"bare_cpu_us\":%.1f,\"server_cpu_us\":%.1f,"
		       "\"sent\":%ld,\"committed\":%ld}\n", rate_b, rate_s, rate_s / rate_b, cpu_b, cpu_s, sent, committed);
	if (!code)
		compare_database(seconds);
	run(stop);
	run(rm);
	return code;
}
