/* SPDX-License-Identifier: Apache-2.0 - the running engine: a real broker, the memory store, and the real service on top.
 * Binding while it runs, values, a command and its answer, and what a kill -9 in mid-stream leaves: every acknowledged message once. */
#include "twin_engine/runtime.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "aas/json.h"
#include "base/clock.h"
#include "base/log.h"
#include "tests/tap.h"
#include "twin_engine/mqtt.h"
#include "twin_engine/spool.h"

#define OD "urn:test:od"
#define TWIN "urn:test:twin"
#define MESSAGES 3000
#define BASE_MS INT64_C(1767225600000)

static char dir[64], port[8], uri[40], spool_dir[80];
static const char *tool = "tests/mosquitto-private";

struct world {
	struct store *store;
	struct changes *changes;
	struct live *live;
	struct sm_service *service;
	struct twin_runtime *twin;
	struct arena *arena;
	size_t spool_bytes;		/* of a segment; 0: as usual */
	void (*prepare)(struct store *);	/* before anything else knows the store */
};

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

static void free_port(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(fd, (struct sockaddr *)&a, sizeof a) || getsockname(fd, (struct sockaddr *)&a, &n))
		perror("bind");
	close(fd);
	snprintf(port, sizeof port, "%d", ntohs(a.sin_port));
	snprintf(uri, sizeof uri, "tcp://127.0.0.1:%s", port);
}

static enum err invoke(void *ctx, const struct sm_invocation *what, struct arena *a, struct sm_outcome *out, struct diag *d)
{
	struct sm_invoker v = twin_invoker(((struct world *)ctx)->twin);
	return v.invoke(v.ctx, what, a, out, d);
}

static bool put(struct world *, const char *id, const char *json);

/* The submodels are stored before the engine starts; NULL: an empty store. */
static bool open_world(struct world *w, const char *od, const char *twin)
{
	struct diag d = DIAG_INIT;
	char text[300];
	w->arena = arena_new(0);
	w->store = store_mem_new();
	if (w->prepare)
		w->prepare(w->store);
	w->changes = changes_new();
	w->live = live_new();
	w->service = sm_service_new(&(struct sm_config){ .store = w->store, .changes = w->changes, .live = w->live, .invoker = { w, invoke } });
	if (twin && (!put(w, "urn:test:od", od) || !put(w, "urn:test:twin", twin)))
		return false;
	enum err e = twin_start(&(struct twin_config){ .store = w->store, .service = w->service, .changes = w->changes, .live = w->live,
				.broker = uri, .client_id = "unit", .spool_dir = spool_dir, .spool_segment = w->spool_bytes,
				.spool_max = 2 * w->spool_bytes }, &w->twin, &d);
	if (e)
		printf("# %s\n", diag_first(&d, text, sizeof text));
	diag_fini(&d);
	return !e;
}

static void close_world(struct world *w)
{
	twin_stop(w->twin);
	sm_service_free(w->service);
	live_free(w->live);
	changes_free(w->changes);
	w->store->ops->close(w->store);
	arena_free(w->arena);
}

#define PROPERTY(name, type, value) "{\"modelType\":\"Property\",\"idShort\":\"" name "\",\"valueType\":\"xs:" type "\"" value "}"
#define TEXT(v) ",\"value\":\"" v "\""
#define COLLECTION(name, ...) "{\"modelType\":\"SubmodelElementCollection\",\"idShort\":\"" name "\",\"value\":[" __VA_ARGS__ "]}"
#define LINK(name, filter, target) COLLECTION(name, PROPERTY("TopicFilter", "string", TEXT(filter)) "," \
	PROPERTY("Selector", "string", TEXT("/v")) "," PROPERTY("TimeSelector", "string", TEXT("/ts")) "," \
	"{\"modelType\":\"ReferenceElement\",\"idShort\":\"Target\",\"value\":{\"type\":\"ModelReference\",\"keys\":[" \
	"{\"type\":\"Submodel\",\"value\":\"" OD "\"},{\"type\":\"Property\",\"value\":\"" target "\"}]}}")
#define TWIN_JSON(links) "{\"modelType\":\"Submodel\",\"id\":\"" TWIN "\",\"idShort\":\"TwinEngine\"," \
	"\"semanticId\":{\"type\":\"ExternalReference\",\"keys\":" \
	"[{\"type\":\"GlobalReference\",\"value\":\"https://twinshell.org/submodel/TwinEngine/1/0\"}]},\"submodelElements\":[" \
	PROPERTY("Mode", "string", TEXT("act")) "," \
	COLLECTION("Connection", PROPERTY("State", "string", "") "," PROPERTY("LastError", "string", "")) "," \
	COLLECTION("Links", links) "," \
	COLLECTION("Commands", PROPERTY("Topic", "string", TEXT("t/cmd/{operation}")) "," PROPERTY("Timeout", "duration", TEXT("PT30S"))) "," \
	"{\"modelType\":\"Operation\",\"idShort\":\"Start\",\"outputVariables\":[{\"value\":" PROPERTY("Result", "string", "") "}]}," \
	"{\"modelType\":\"Operation\",\"idShort\":\"Stop\"}]}"
#define OD_JSON "{\"modelType\":\"Submodel\",\"id\":\"" OD "\",\"idShort\":\"OperationalData\",\"submodelElements\":[" \
	PROPERTY("Flow", "double", "") "," PROPERTY("Head", "double", "") "," \
	"{\"modelType\":\"Operation\",\"idShort\":\"Other\"}]}"

static bool put(struct world *w, const char *id, const char *json)
{
	struct aas_node *node = NULL;
	struct sm_session *s = NULL;
	struct diag d = DIAG_INIT;
	char text[300];
	bool created;
	enum err e = aas_json_read(w->arena, AAS_Submodel, json, strlen(json), AAS_JSON_DEFAULT, &node, &d);
	if (!e)
		e = sm_begin(w->service, true, w->arena, &d, &s);
	if (!e && (e = sm_put(s, STORE_SUBMODEL, id, node, &created)))
		sm_abort(s);
	else if (!e)
		e = sm_commit(s);
	if (e)
		printf("# %s\n", diag_first(&d, text, sizeof text));
	diag_fini(&d);
	return !e;
}

static bool shows(struct world *w, const char *id, const char *path, const char *text, int64_t us)
{
	struct arena *a = arena_new(0);
	struct live_value v;
	bool ok = false;
	for (int64_t until = clock_mono_us() + us; !ok && clock_mono_us() < until; clock_sleep_us(2000))
		ok = !live_get(w->live, id, path, a, &v) && v.text && !strcmp(v.text, text);
	arena_free(a);
	return ok;
}

/* -- the asset ------------------------------------------------------------------------------------------------------------- */

struct asset {
	struct mqtt *mqtt;
	atomic_bool told, stop_told;
	char id[64];
	pthread_t thread;
	atomic_bool stop;
};

static bool on_command(void *ctx, int64_t recv, const struct engine_message *m)
{
	struct asset *a = ctx;
	const char *id = strstr(m->payload, "\"id\":\"");
	(void)recv;
	if (id && strstr(m->topic, "/Start") && !a->told) {
		snprintf(a->id, sizeof a->id, "%.36s", id + 6);
		a->told = true;
	}
	if (strstr(m->topic, "/Stop"))
		a->stop_told = true;
	return true;
}

/* Answers what came: not in the callback, which must not call the connection. */
static void *answer(void *arg)
{
	struct asset *a = arg;
	char text[200];
	for (; !a->stop; clock_sleep_us(2000)) {
		if (!a->told)
			continue;
		snprintf(text, sizeof text, "{\"id\":\"%s\",\"state\":\"completed\",\"result\":{\"Result\":\"running\"}}", a->id);
		mqtt_publish(a->mqtt, &(struct engine_publish){ .topic = "t/cmd/Start/ack", .payload = text, .n = strlen(text) });
		a->told = false;
	}
	return NULL;
}

static bool open_asset(struct asset *a)
{
	*a = (struct asset){ 0 };
	if (mqtt_new(&(struct mqtt_config){ .uri = uri, .client_id = "asset", .ctx = a, .on_message = on_command }, &a->mqtt, NULL))
		return false;
	mqtt_subscribe(a->mqtt, "t/cmd/+");
	for (int64_t until = clock_mono_us() + 20 * US_PER_S; !mqtt_is_connected(a->mqtt) && clock_mono_us() < until; )
		clock_sleep_us(5000);
	return mqtt_is_connected(a->mqtt) && !pthread_create(&a->thread, NULL, answer, a);
}

static void close_asset(struct asset *a)
{
	a->stop = true;
	pthread_join(a->thread, NULL);
	mqtt_free(a->mqtt);
}

static void say(struct asset *a, const char *topic, int i)
{
	char text[100];
	int n = snprintf(text, sizeof text, "{\"ts\":%lld,\"v\":%d}", (long long)BASE_MS + i, i);
	while (!mqtt_publish(a->mqtt, &(struct engine_publish){ .topic = topic, .payload = text, .n = (size_t)n }))
		clock_sleep_us(1000);
}

/* -- tests ------------------------------------------------------------------------------------------------------------------- */

static void test_bind(struct world *w, struct asset *a)
{
	check(put(w, TWIN, TWIN_JSON(LINK("Flow", "t/flow", "Flow"))) && shows(w, TWIN, "Connection.State", "connecting", US_PER_S),
	      "a twin is bound without a broker");
	const char *start[] = { tool, "start", dir, port, NULL };
	check_int(run(start), 0, "the broker starts");
	check(shows(w, TWIN, "Connection.State", "connected", 15 * US_PER_S), "the connection is shown");
	check(open_asset(a) && put(w, OD, OD_JSON), "an asset and its submodel come later");
	for (int i = 1; i <= 100 && !shows(w, OD, "Flow", "3", 50000); i++)
		say(a, "t/flow", 3);
	check(shows(w, OD, "Flow", "3", US_PER_S), "its telemetry is shown");
	int64_t t0 = clock_mono_us();
	put(w, TWIN, TWIN_JSON(LINK("Flow", "t/flow", "Flow") "," LINK("Head", "t/head", "Head")));
	while (!shows(w, OD, "Head", "7", 2000) && clock_mono_us() - t0 < 5 * US_PER_S)
		say(a, "t/head", 7);
	int64_t us = clock_mono_us() - t0;
	check(shows(w, OD, "Head", "7", US_PER_S), "a link that is added works at once");
	printf("# from PUT to the first value: %.1f ms\n", (double)us / 1e3);
}

/* The submodel of a prediction that is not there is made, and history says for which twin. */
#define INPUT(name) "{\"modelType\":\"ReferenceElement\",\"idShort\":\"" name "\",\"value\":{\"type\":\"ModelReference\",\"keys\":[" \
	"{\"type\":\"Submodel\",\"value\":\"" OD "\"},{\"type\":\"Property\",\"value\":\"Flow\"}]}}"
#define PREDICTING "{\"modelType\":\"Submodel\",\"id\":\"urn:test:predicting\",\"idShort\":\"TwinEngine\",\"semanticId\":{\"type\":\"ExternalReference\",\"keys\":" \
	"[{\"type\":\"GlobalReference\",\"value\":\"https://twinshell.org/submodel/TwinEngine/1/0\"}]},\"submodelElements\":[" \
	PROPERTY("Mode", "string", TEXT("shadow")) "," COLLECTION("Links", LINK("Flow", "t/flow", "Flow")) "," \
	COLLECTION("Model", PROPERTY("Kind", "string", TEXT("pump")) "," \
	COLLECTION("Inputs", INPUT("running") "," INPUT("speed") "," INPUT("flow") "," INPUT("head") "," INPUT("power") "," INPUT("bearing_temperature")) "," \
	COLLECTION("Parameters", PROPERTY("ExpectedLife", "double", TEXT("20000"))) "," PROPERTY("HealthIndex", "double", "") "," PROPERTY("State", "string", "") "," \
	"{\"modelType\":\"ReferenceElement\",\"idShort\":\"Prediction\",\"value\":{\"type\":\"ModelReference\",\"keys\":[" \
	"{\"type\":\"Submodel\",\"value\":\"urn:test:pm\"}]}}") "]}"
static void test_made(struct world *w)
{
	const char *actor = NULL;
	put(w, "urn:test:predicting", PREDICTING);
	for (int64_t until = clock_mono_us() + 30 * US_PER_S; !actor && clock_mono_us() < until; clock_sleep_us(2000)) {
		struct store_event *e;
		int64_t newest;
		size_t n = 0;
		w->store->ops->feed(w->store, 0, 1000, w->arena, &e, &n, &newest);
		for (size_t i = 0; i < n; i++)
			if (!strcmp(e[i].id, "urn:test:pm"))
				actor = e[i].actor ? e[i].actor : "nobody";
	}
	check_str(actor, "engine:urn:test:predicting", "the prediction is made, and by whom is told");
}

static void test_invoke(struct world *w)
{
	struct sm_outcome out = { 0 };
	struct diag d = DIAG_INIT;
	check_int(sm_invoke(w->service, &(struct sm_invocation){ TWIN, "Start", .timeout_us = 5 * US_PER_S }, w->arena, &out, &d), ERR_OK, "an operation is invoked");
	check_int(out.state, EXECUTION_COMPLETED, "the asset completes it");
	const struct aas_node *v = out.outputs ? AAS_AT(out.outputs, OperationVariable, value).node : NULL;
	check_str(v ? AAS_AT(v, Property, value).str : NULL, "running", "and its result is the output");
	check_int(sm_invoke(w->service, &(struct sm_invocation){ TWIN, "Stop", .timeout_us = US_PER_S / 2 }, w->arena, &out, &d), ERR_OK, "another one is not answered");
	check_int(out.state, EXECUTION_TIMEOUT, "that is a time-out");
	check_int(sm_invoke(w->service, &(struct sm_invocation){ OD, "Other", .timeout_us = US_PER_S }, w->arena, &out, &d), ERR_NOT_SUPPORTED, "nobody executes a third");
	diag_fini(&d);
}

static void *invoke_stop(void *arg)
{
	struct world *w = arg;
	struct arena *a = arena_new(0);
	struct sm_outcome out = { 0 };
	struct diag d = DIAG_INIT;
	enum err e = sm_invoke(w->service, &(struct sm_invocation){ TWIN, "Stop", .timeout_us = 25 * US_PER_S }, a, &out, &d);
	bool good = !e && out.state == EXECUTION_CANCELED && out.message && strstr(out.message, "whether it acted is not known");
	if (!good)
		printf("# %s %d %s\n", err_info[e].text, out.state, out.message ? out.message : "-");
	diag_fini(&d);
	arena_free(a);
	return good ? w : NULL;
}

/* The program stops while the asset has a command and says nothing. */
static void test_stop_under_way(struct world *w, struct asset *a)
{
	pthread_t t;
	void *good = NULL;
	a->stop_told = false;
	pthread_create(&t, NULL, invoke_stop, w);
	for (int64_t until = clock_mono_us() + 15 * US_PER_S; !a->stop_told && clock_mono_us() < until; )
		clock_sleep_us(2000);
	check(a->stop_told, "the asset has the command");
	int64_t t0 = clock_mono_us();
	twin_stop(w->twin);
	t0 = clock_mono_us() - t0;
	w->twin = NULL;
	pthread_join(t, &good);
	check(good == w, "whoever asked is told that the server stopped, and that nobody knows more");
	check(t0 < 15 * US_PER_S, "it stops before the command would have timed out (%.1f s)", (double)t0 / 1e6);
}

static size_t samples(struct world *w, bool *exact)
{
	struct store_sample *s = NULL;
	int64_t id = 0;
	size_t n = 0;
	struct arena *a = arena_new(0);
	w->store->ops->series(w->store, OD, "Flow", NULL, &id);
	w->store->ops->samples(w->store, id, BASE_MS * 1000, (BASE_MS + 1000000) * 1000, 1000000, a, &s, &n);
	*exact = true;
	for (size_t i = 0; i < n; i++)
		*exact = *exact && s[i].num == (double)i + 1;
	arena_free(a);
	return n;
}

static void wipe_spool(void)
{
	const char *rm[] = { "rm", "-rf", spool_dir, NULL };
	run(rm);
}

/* A server that is killed; what it had acknowledged is nowhere but in its spool. */
static pid_t victim(void)
{
	pid_t pid = fork();
	if (pid)
		return pid;
	struct world w = { 0 };
	if (!open_world(&w, OD_JSON, TWIN_JSON(LINK("Flow", "t/flow", "Flow"))))
		_exit(1);
	for (;;)
		pause();
}

/* The victim has written the first record: it is connected, and its subscription stands. */
static bool takes(void)
{
	char path[120], c = 0;
	snprintf(path, sizeof path, "%s/0000000000000000.spool", spool_dir);
	for (int64_t until = clock_mono_us() + 20 * US_PER_S; !c && clock_mono_us() < until; clock_sleep_us(5000)) {
		FILE *f = fopen(path, "r");
		if (f && fread(&c, 1, 1, f) != 1)
			c = 0;
		if (f)
			fclose(f);
	}
	return c != 0;
}

static void test_killed(void)
{
	struct asset a;
	struct world w = { 0 };
	bool exact = false;
	size_t n = 0;
	wipe_spool();
	pid_t pid = victim();		/* before this process has threads of paho's */
	if (!check(open_asset(&a), "an asset sends"))
		return;
	say(&a, "t/flow", 1);		/* kept by the broker for the session that the first part of this test has left */
	check(takes(), "a server receives");
	for (int i = 2; i <= MESSAGES; i++) {
		say(&a, "t/flow", i);
		if (i == MESSAGES / 2)
			kill(pid, SIGKILL);
	}
	waitpid(pid, NULL, 0);
	struct spool *left = NULL;
	spool_open(&(struct spool_config){ .dir = spool_dir }, &left, NULL);
	check(left && spool_end(left) > 1000, "the killed one has left a spool");
	spool_close(left);
	check(open_world(&w, OD_JSON, TWIN_JSON(LINK("Flow", "t/flow", "Flow"))), "a new server starts");
	for (int64_t until = clock_mono_us() + 30 * US_PER_S; (n = samples(&w, &exact)) < MESSAGES && clock_mono_us() < until; )
		clock_sleep_us(20000);
	check_int(n, MESSAGES, "after kill -9 no message is missing");
	check(exact, "and each is there once, in order");
	close_world(&w);
	close_asset(&a);
}

/* -- a database that is away for longer than the spool has room ---------------------------------------------------------------- */

static const struct store_ops *real;
static atomic_bool away;

static enum err append_or_not(struct store *st, const struct store_batch *b)
{
	return away ? ERR_UNAVAILABLE : real->append(st, b);
}

static void stand_between(struct store *st)
{
	static struct store_ops ops;
	real = st->ops;
	ops = *real;
	ops.append = append_or_not;
	st->ops = &ops;
}

/* An asset in a process of its own: paho stops every client of a process while one of them holds the broker up.  Made before any
 * thread; it sends when it is told to. */
static pid_t feeder(int *tell)
{
	int pipes[2];
	char go;
	if (pipe(pipes))
		return -1;
	pid_t pid = fork();
	*tell = pipes[1];
	if (pid) {
		close(pipes[0]);
		return pid;
	}
	close(pipes[1]);
	struct asset a;
	if (read(pipes[0], &go, 1) != 1 || !open_asset(&a))
		_exit(1);
	for (int i = 1; i <= MESSAGES; i++)
		say(&a, "t/flow", i);
	close_asset(&a);
	_exit(0);
}

static size_t segments(void)
{
	size_t n = 0;
	DIR *d = opendir(spool_dir);
	for (struct dirent *e; d && (e = readdir(d)); )
		n += strstr(e->d_name, ".spool") != NULL;
	if (d)
		closedir(d);
	return n;
}

static bool tells_full(struct world *w)
{
	struct arena *a = arena_new(0);
	struct live_value v;
	bool yes = false;
	for (int64_t until = clock_mono_us() + 20 * US_PER_S; !yes && clock_mono_us() < until; clock_sleep_us(5000))
		yes = !live_get(w->live, TWIN, "Connection.LastError", a, &v) && v.text && !strncmp(v.text, "the spool is full", 17);
	arena_free(a);
	return yes;
}

static void test_full(pid_t asset, int tell)
{
	int status = -1;
	struct world w = { .spool_bytes = 65536, .prepare = stand_between };
	bool exact = false;
	size_t n = 0;
	wipe_spool();
	if (!check(open_world(&w, OD_JSON, TWIN_JSON(LINK("Flow", "t/flow", "Flow"))), "a server with a small spool"))
		return;
	check(shows(&w, TWIN, "Connection.State", "connected", 15 * US_PER_S), "is connected");
	away = true;
	check(write(tell, "!", 1) == 1, "an asset sends");
	check(tells_full(&w), "a full spool is the last error of the twins");
	check(segments() <= 2, "it takes no more room than it may");
	check_int(samples(&w, &exact), 0, "nothing is in the database");
	away = false;
	for (int64_t until = clock_mono_us() + 60 * US_PER_S; (n = samples(&w, &exact)) < MESSAGES && clock_mono_us() < until; )
		clock_sleep_us(20000);
	check_int(n, MESSAGES, "when it is back no message is missing: the broker has waited");
	check(exact, "and each is there once, in order");
	close_world(&w);
	check(waitpid(asset, &status, 0) == asset && !status, "the asset has sent all");
}

/* -- more changes at a time than are kept, and then a database that does not answer -------------------------------------------------- */

#define KEPT 100000		/* that runtime.c keeps */
static atomic_bool hold, held, refuse, refused;

static enum err get_slowly(struct store_txn *t, enum store_kind kind, const char *id, struct arena *a, struct store_doc *out)
{
	for (; hold && !strcmp(id, "urn:test:gone:0"); clock_sleep_us(1000))
		held = true;
	return real->get(t, kind, id, a, out);
}

static enum err list_or_not(struct store_txn *t, enum store_kind kind, const struct store_filter *f, const char *after, size_t limit,
			    struct arena *a, struct store_page *out)
{
	if (!atomic_exchange(&refuse, false))
		return real->list(t, kind, f, after, limit, a, out);
	refused = true;
	return ERR_UNAVAILABLE;
}

static void stand_before_reading(struct store *st)
{
	static struct store_ops ops;
	real = st->ops;
	ops = *real;
	ops.get = get_slowly;
	ops.list = list_or_not;
	st->ops = &ops;
}

static void say_changed(struct world *w, int i)
{
	char id[40];
	snprintf(id, sizeof id, "urn:test:gone:%d", i);
	changes_publish(w->changes, &(struct change){ .kind = CHANGE_DELETED, .of = STORE_SUBMODEL, .id = id }, 1);
}

static void test_many(void)
{
	struct world w = { .prepare = stand_before_reading };
	wipe_spool();
	if (!check(open_world(&w, NULL, NULL), "a server without a twin"))
		return;
	hold = true;
	say_changed(&w, 0);
	for (int64_t until = clock_mono_us() + 20 * US_PER_S; !held && clock_mono_us() < until; )
		clock_sleep_us(1000);
	check(held, "its engine waits for the database");
	for (int i = 1; i <= KEPT; i++)
		say_changed(&w, i);
	check(put(&w, TWIN, TWIN_JSON(LINK("Flow", "t/flow", "Flow"))), "a twin is made, behind as many changes as are kept");
	refuse = true;
	hold = false;
	check(shows(&w, TWIN, "Connection.State", "connected", 60 * US_PER_S), "it is bound, though the database did not list it at first");
	check(refused, "which was asked for that");
	close_world(&w);
}

int main(void)
{
	int tell = -1;
	struct world w = { 0 };
	struct asset a;
	log_setup(getenv("VERBOSE") ? LOG_DEBUG : LOG_ERROR, LOG_TEXT);
	if (getenv("srcdir") && chdir(getenv("srcdir")))
		return 1;
	if (access("/usr/sbin/mosquitto", X_OK))
		return skip_all("mosquitto is not installed");
	snprintf(dir, sizeof dir, "/tmp/runtime-test-XXXXXX");
	if (!mkdtemp(dir))
		return 1;
	snprintf(spool_dir, sizeof spool_dir, "%s/spool", dir);
	free_port();
	pid_t asset = feeder(&tell);
	if (check(open_world(&w, NULL, NULL), "the engine starts without a broker")) {
		test_bind(&w, &a);
		test_made(&w);
		test_invoke(&w);
		test_stop_under_way(&w, &a);
		close_world(&w);
		close_asset(&a);
		test_killed();
		test_full(asset, tell);
		test_many();
	}
	const char *stop[] = { tool, "stop", dir, NULL }, *rm[] = { "rm", "-rf", dir, NULL };
	run(stop);
	run(rm);
	close(tell);
	return done();
}
