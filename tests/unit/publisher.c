/* SPDX-License-Identifier: Apache-2.0
 * The publisher against a real mosquitto: a broker that goes and comes back while values are written, a publisher that stops half way, where a
 * first start begins, what event elements say.
 */
#include "twin_engine/publisher.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "aas/json.h"
#include "base/clock.h"
#include "base/log.h"
#include "submodels/service.h"
#include "tests/tap.h"
#include "twin_engine/mqtt.h"

#define LINES_MAX 2000

static char dir[64], port[8], uri[40];
static struct store *store;
static struct changes *changes;
static struct live *live;
static struct sm_service *service;
static struct arena *arena;
static struct diag diag = DIAG_INIT;

/* What a subscriber has got; its callback comes from a thread of its own. */
static struct {
	pthread_mutex_t mutex;
	unsigned char times[LINES_MAX];	/* how often the event of a line came */
	size_t different, all, wrong_order;
	size_t spoken;			/* on t/i */
	int64_t newest[2];		/* line of each submodel */
	char state[20], topic[200], payload[2000];
} seen = { .mutex = PTHREAD_MUTEX_INITIALIZER };

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

static int tool(const char *verb, const char *arg)
{
	const char *argv[] = { "tests/mosquitto-private", verb, dir, arg, NULL };
	return run(argv);
}

static bool on_message(void *ctx, int64_t recv, const struct engine_message *m)
{
	char text[2000];
	(void)ctx;
	(void)recv;
	snprintf(text, sizeof text, "%.*s", (int)m->n, m->payload);
	const char *id = strstr(text, "\"id\":\"");
	long line = id ? strtol(id + 6, NULL, 10) : 0;
	size_t who = strstr(text, "dXJuOmI") != NULL;	/* urn:b */
	pthread_mutex_lock(&seen.mutex);
	snprintf(seen.topic, sizeof seen.topic, "%s", m->topic);
	snprintf(seen.payload, sizeof seen.payload, "%s", text);
	seen.all++;
	seen.spoken += !strcmp(m->topic, "t/i");
	if (line > 0 && line < LINES_MAX && !seen.times[line]++) {
		seen.different++;
		seen.wrong_order += line < seen.newest[who];
		seen.newest[who] = line;
	}
	pthread_mutex_unlock(&seen.mutex);
	return true;
}

static void on_state(void *ctx, const char *state, const char *error)
{
	(void)ctx;
	(void)error;
	pthread_mutex_lock(&seen.mutex);
	snprintf(seen.state, sizeof seen.state, "%s", state);
	pthread_mutex_unlock(&seen.mutex);
}

static size_t now(const size_t *count)
{
	pthread_mutex_lock(&seen.mutex);
	size_t n = *count;
	pthread_mutex_unlock(&seen.mutex);
	return n;
}

static bool wait_for(size_t n)
{
	for (int64_t until = clock_mono_us() + 60 * US_PER_S; clock_mono_us() < until; clock_sleep_us(5000))
		if (now(&seen.different) >= n)
			return true;
	return false;
}

static void commit(struct sm_session *s, enum err err)
{
	char text[300];
	if (err || sm_commit(s)) {
		printf("# %s\n", diag_first(&diag, text, sizeof text));
		exit(1);
	}
}

static void create(const char *id, const char *more)
{
	struct sm_session *s;
	struct aas_node *n;
	const char *json = arena_printf(arena, "{\"modelType\":\"Submodel\",\"id\":\"%s\",\"submodelElements\":[{\"modelType\":\"Property\",\"idShort\":\"V\","
					"\"valueType\":\"xs:int\",\"value\":\"-1\"}%s]}", id, more);
	if (sm_begin(service, true, arena, &diag, &s))
		exit(1);
	aas_json_read(arena, AAS_Submodel, json, strlen(json), AAS_JSON_DEFAULT, &n, &diag);
	commit(s, sm_create(s, STORE_SUBMODEL, n));
}

static int written;
static void patch(int n)
{
	for (int i = 0; i < n; i++) {
		struct sm_session *s;
		char text[20];
		int len = snprintf(text, sizeof text, "%d", ++written);
		if (sm_begin(service, true, arena, &diag, &s))
			exit(1);
		commit(s, sm_value_patch(s, written % 2 ? "urn:a" : "urn:b", "V", (struct slice){ text, (size_t)len }));
	}
}

static struct publisher *start(const char *client, bool from_start)
{
	struct publisher *p = NULL;
	struct publisher_config c = { .store = store, .live = live, .broker = uri, .client_id = client, .formats = 1, .from_start = from_start };
	if (publisher_start(&c, &p, &diag))
		exit(1);
	return p;
}

static bool placed(struct publisher *p, int64_t at)
{
	struct publisher_stats s;
	for (int64_t until = clock_mono_us() + 30 * US_PER_S; clock_mono_us() < until; clock_sleep_us(5000)) {
		publisher_stats(p, &s);
		if (s.place >= at)
			return true;
	}
	return false;
}

static void report(const char *what, size_t want)
{
	check(wait_for(want), "%s: all %zu arrive", what, want);
	pthread_mutex_lock(&seen.mutex);
	check_int(seen.different, want, "%s: and no other", what);
	check_int(seen.wrong_order, 0, "%s: those of one submodel in the order in which they were committed", what);
	printf("# %zu messages for %zu events\n", seen.all, seen.different);
	pthread_mutex_unlock(&seen.mutex);
}

/* So many messages are in the hands of the connection, or wait for it. */
static bool waiting(struct publisher *p, size_t n)
{
	struct publisher_stats s;
	for (int64_t until = clock_mono_us() + 30 * US_PER_S; clock_mono_us() < until; clock_sleep_us(5000)) {
		publisher_stats(p, &s);
		if (s.waiting >= n)
			return true;
	}
	return false;
}

static void signal_broker(int sig)
{
	char file[100], text[20] = "";
	snprintf(file, sizeof file, "%s/pid", dir);
	FILE *f = fopen(file, "r");
	if (f && fgets(text, sizeof text, f))
		kill((pid_t)atoi(text), sig);
	if (f)
		fclose(f);
}

/* -- the cases --------------------------------------------------------------------------------------------------------------------- */

/* An acknowledgement may come after the message has reached who listens. */
static struct publisher_stats acknowledged(struct publisher *p, uint64_t n)
{
	struct publisher_stats s;
	int64_t until = clock_mono_us() + 30 * US_PER_S;
	while (publisher_stats(p, &s), s.sent < n && clock_mono_us() < until)
		clock_sleep_us(5000);
	return s;
}

static void test_broker_restarts(void)
{
	create("urn:a", "");
	create("urn:b", "");
	struct publisher *p = start("pub", false);
	check(placed(p, 2), "the first start begins with what is to come");
	patch(200);
	check(wait_for(50), "events arrive");
	tool("stop", "TERM");
	patch(300);
	check_int(tool("start", port), 0, "the broker is back");
	patch(100);
	report("a broker that was away", 600);
	check(placed(p, 602), "the place is known to the store");
	signal_broker(SIGSTOP);		/* it takes what it is sent, and answers nothing */
	patch(150);
	check(waiting(p, 150), "a broker that hangs: messages are on their way");
	tool("stop", "KILL");
	tool("start", port);
	report("a broker that was killed with them", 750);
	struct publisher_stats s = acknowledged(p, 750);
	check(s.sent >= 750 && !s.refused && !s.lost, "%llu acknowledged, none refused, none lost", (unsigned long long)s.sent);
	publisher_stop(p);
}

static void test_publisher_restarts(void)
{
	patch(50);			/* nobody is there */
	struct publisher *p = start("pub", false);
	patch(50);
	wait_for(770);
	publisher_stop(p);		/* with messages on their way */
	patch(50);
	p = start("pub", false);
	report("a publisher that was away", 900);
	tool("stop", "TERM");
	patch(20);
	publisher_stop(p);		/* without a broker it ends too */
	tool("start", port);
	p = start("pub", false);
	report("both were away", 920);
	publisher_stop(p);
}

static void test_from_start(void)
{
	struct publisher *p = start("other", true);
	check(wait_for(922), "a first start may begin with the oldest change: the two that nobody was told of come too");
	publisher_stop(p);
}

/* The topic of what came last is `topic` at last. */
static bool hears(const char *topic)
{
	bool yes = false;
	for (int64_t until = clock_mono_us() + 30 * US_PER_S; !yes && clock_mono_us() < until; clock_sleep_us(5000)) {
		pthread_mutex_lock(&seen.mutex);
		yes = !strcmp(seen.topic, topic);
		pthread_mutex_unlock(&seen.mutex);
	}
	return yes;
}

static bool last_is(const char *text)
{
	pthread_mutex_lock(&seen.mutex);
	bool yes = strstr(seen.payload, text) != NULL;
	pthread_mutex_unlock(&seen.mutex);
	return yes;
}

static bool speaks(size_t n)
{
	for (int64_t until = clock_mono_us() + 30 * US_PER_S; now(&seen.spoken) < n && clock_mono_us() < until; )
		clock_sleep_us(5000);
	return now(&seen.spoken) == n;
}

static void test_interval(void)
{
	struct publisher *p = start("pub", false);
	create("urn:i", ",{\"modelType\":\"BasicEventElement\",\"idShort\":\"I\",\"observed\":{\"type\":\"ModelReference\",\"keys\":[{\"type\":\"Submodel\","
			"\"value\":\"urn:b\"}]},\"direction\":\"output\",\"state\":\"on\",\"messageTopic\":\"t/i\",\"minInterval\":\"P1D\"}");
	patch(2);
	check(speaks(1), "an event element with an interval speaks at once");
	patch(written % 2 ? 2 : 3);	/* urn:b, and then urn:a: when that has come, nothing has come of the other */
	check(wait_for((size_t)written + 4) && speaks(1), "and then keeps silent");
	publisher_stop(p);
	check(speaks(2), "what waits for the end of its interval is said when the publisher stops");
	p = start("pub", false);
	publisher_stop(p);
	check(speaks(2), "and not again");
}

static void test_event_element(void)
{
	struct live_value v;
	struct publisher *p = start("pub", false);
	create("urn:e", ",{\"modelType\":\"BasicEventElement\",\"idShort\":\"E\",\"observed\":{\"type\":\"ModelReference\",\"keys\":[{\"type\":\"Submodel\","
			"\"value\":\"urn:a\"}]},\"direction\":\"output\",\"state\":\"on\",\"messageTopic\":\"t/e\"}");
	check(wait_for(923), "an event element is made");
	publisher_stop(p);
	p = start("pub", false);	/* finds it in the store */
	patch(1 + written % 2);		/* the last one is of urn:a */
	check(hears("t/e"), "it speaks on its messageTopic");
	check(last_is("\"observableReference\":{\"type\":\"ModelReference\",\"keys\":[{\"type\":\"Submodel\",\"value\":\"urn:a\"}]}"), "an EventPayload");
	check(!live_get(live, "urn:e", "E", arena, &v) && strlen(v.text) > 19, "lastUpdate is a live value");
	publisher_stop(p);
}

static void test_operation(void)
{
	struct publisher *p = start("pub", false);
	char payload[2000] = "";
	for (int64_t until = clock_mono_us() + 30 * US_PER_S; !strstr(payload, "v1.finished") && clock_mono_us() < until; clock_sleep_us(20000)) {
		publisher_operation(p, "urn:a", "Start", NULL, false);	/* told once, if the broker is there */
		publisher_operation(p, "urn:a", "Start", NULL, true);
		pthread_mutex_lock(&seen.mutex);
		memcpy(payload, seen.payload, sizeof payload);
		pthread_mutex_unlock(&seen.mutex);
	}
	check(strstr(payload, "\"type\":\"io.admin-shell.events.v1.finished\",\"source\":\"/submodels/dXJuOmE/submodel-elements/Start\""),
	      "an operation has finished: %s", payload);
	publisher_stop(p);
	publisher_operation(NULL, "urn:a", "Start", NULL, true);
}

static int free_port(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(fd, (struct sockaddr *)&a, sizeof a) || getsockname(fd, (struct sockaddr *)&a, &n))
		perror("bind");
	close(fd);
	return ntohs(a.sin_port);
}

int main(void)
{
	struct mqtt *sub = NULL;
	log_setup(LOG_ERROR, LOG_TEXT);
	if (getenv("srcdir") && chdir(getenv("srcdir")))
		return 1;
	snprintf(dir, sizeof dir, "/tmp/publisher-test-XXXXXX");
	if (!mkdtemp(dir))
		return 1;
	snprintf(port, sizeof port, "%d", free_port());
	snprintf(uri, sizeof uri, "tcp://127.0.0.1:%s", port);
	int rc = tool("start", port);
	if (rc == 77)
		return skip_all("mosquitto is not installed");
	store = store_mem_new();
	changes = changes_new();
	live = live_new();
	service = sm_service_new(&(struct sm_config){ .store = store, .changes = changes, .live = live });
	arena = arena_new(0);
	mqtt_new(&(struct mqtt_config){ .uri = uri, .client_id = "sub", .on_message = on_message, .on_state = on_state }, &sub, &diag);
	mqtt_subscribe(sub, "noauth");
	mqtt_subscribe(sub, "t/e");
	mqtt_subscribe(sub, "t/i");
	/* a message that comes back tells that the subscription is there */
	for (int64_t until = clock_mono_us() + 20 * US_PER_S; clock_mono_us() < until && !now(&seen.all); clock_sleep_us(20000))
		mqtt_publish(sub, &(struct engine_publish){ .topic = "noauth", .payload = "x", .n = 1 });
	check(now(&seen.all) > 0, "the subscriber listens");
	test_broker_restarts();
	test_publisher_restarts();
	test_from_start();
	test_event_element();
	test_interval();
	test_operation();
	mqtt_free(sub);
	tool("stop", "TERM");
	const char *rm[] = { "rm", "-rf", dir, NULL };
	run(rm);
	arena_free(arena);
	sm_service_free(service);
	live_free(live);
	changes_free(changes);
	store->ops->close(store);
	diag_fini(&diag);
	return done();
}
