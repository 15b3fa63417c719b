/* SPDX-License-Identifier: Apache-2.0
 * Asynchronous invocations: handles, states, bounds, what is forgotten, what a restart finds, and a store that fails.
 */
#include "submodels/async.h"

#include <stdatomic.h>

#include "aas/json.h"
#include "aas/tree.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "submodels/operation.h"
#include "submodels/service.h"
#include "tests/tap.h"

#define PROPERTY(name, type) "{\"value\":{\"modelType\":\"Property\",\"idShort\":\"" name "\",\"valueType\":\"" type "\"}}"
static const char pump[] =
	"{\"modelType\":\"Submodel\",\"id\":\"urn:pump\",\"submodelElements\":["
	"{\"modelType\":\"Property\",\"idShort\":\"Speed\",\"valueType\":\"xs:int\"},"
	"{\"modelType\":\"Operation\",\"idShort\":\"Set\",\"inputVariables\":[" PROPERTY("In", "xs:string") "],"
	"\"inoutputVariables\":[" PROPERTY("Both", "xs:string") "],\"outputVariables\":[" PROPERTY("Out", "xs:string") "]},"
	"{\"modelType\":\"Operation\",\"idShort\":\"Plain\"}]}";

static struct arena *arena;
static struct store *store;
static struct sm_service *service;

/* -- the asset: works while it is held, and then ends as it is told --------------------------------------------------------------- */

static struct lock lock = LOCK_INIT(RANK_LEAF);
static pthread_cond_t changed;
static bool held;
static unsigned at_work, calls;
static enum execution_state ends = EXECUTION_COMPLETED;
static enum err fails = ERR_OK;
static int64_t last_timeout_us;

static void hold(bool yes)
{
	lock_take(&lock);
	held = yes;
	pthread_cond_broadcast(&changed);
	lock_drop(&lock);
}

static void wait_at_work(unsigned n)
{
	lock_take(&lock);
	while (at_work < n)
		if (!lock_wait(&lock, &changed, 10 * US_PER_S))
			exit(1);
	lock_drop(&lock);
}

static enum err execute(void *ctx, const struct sm_invocation *in, struct arena *a, struct sm_outcome *out, struct diag *d)
{
	(void)ctx;
	lock_take(&lock);
	at_work++;
	calls++;
	last_timeout_us = in->timeout_us;
	pthread_cond_broadcast(&changed);
	while (held)
		lock_wait(&lock, &changed, -1);
	at_work--;
	lock_drop(&lock);
	if (fails)
		return diag_add(d, fails, "the line is dead");
	*out = (struct sm_outcome){ .state = ends, .message = ends == EXECUTION_COMPLETED ? NULL : "so it is" };
	if (ends == EXECUTION_COMPLETED && in->inputs) {
		const struct aas_node *given = sm_argument_element(in->inputs);
		out->outputs = aas_copy(a, AAS_AT(in->operation, Operation, outputVariables).node);
		AAS_AT(AAS_AT(out->outputs, OperationVariable, value).node, Property, value).str = AAS_AT(given, Property, value).str;
		out->inoutputs = aas_copy(a, in->inoutputs);
	}
	return ERR_OK;
}

/* -- a store that fails at the n-th write ------------------------------------------------------------------------------------------ */

static struct store_ops faulty;
static enum err (*sound_put)(struct store_txn *, const struct store_invocation *);
static atomic_uint writes;
static unsigned fail_at;
static enum err fail_with;

static enum err faulty_put(struct store_txn *t, const struct store_invocation *i)
{
	unsigned n = atomic_fetch_add(&writes, 1) + 1;
	return fail_at && (fail_with == ERR_INTERNAL ? n == fail_at : n >= fail_at && n < fail_at + 2) ? fail_with : sound_put(t, i);
}

/* -- helpers ----------------------------------------------------------------------------------------------------------------------- */

static void open_service(const struct sm_async_config *conf)
{
	service = sm_service_new(&(struct sm_config){ .store = store, .invoker = { NULL, execute }, .async = *conf });
	if (!service)
		exit(1);
}

static struct aas_node *argument(const char *name, const char *value)
{
	struct aas_node *n = NULL;
	const char *json = arena_printf(arena, "[{\"value\":{\"modelType\":\"Property\",\"idShort\":\"%s\",\"valueType\":\"xs:string\",\"value\":\"%s\"}}]",
					name, value);
	aas_json_read_list(arena, AAS_OperationVariable, json, strlen(json), AAS_JSON_DEFAULT, &n, NULL);
	return n;
}

static char why[DIAG_PATH_MAX + DIAG_TEXT_MAX];

/* The handle; NULL: refused, `why` says so. */
static const char *invoke(const char *path, const char *in, int64_t timeout_us)
{
	struct diag d = DIAG_INIT;
	struct sm_invocation what = { "urn:pump", path, NULL, in ? argument("In", in) : NULL, in ? argument("Both", in) : NULL, timeout_us, NULL, NULL };
	const char *handle = NULL;
	if (sm_invoke_async(service, &what, true, arena, &handle, &d))
		handle = NULL;
	diag_first(&d, why, sizeof why);
	diag_fini(&d);
	return handle;
}

/* "Completed: message [outputs] [inoutputs]", or the name of the error. */
static const char *ask(const char *path, const char *handle)
{
	struct sm_async_result r;
	struct sm_session *s;
	struct buf b = BUF_INIT;
	struct diag d = DIAG_INIT;
	sm_begin(service, false, arena, &d, &s);
	enum err e = sm_async_get(s, "urn:pump", path, handle, &r);
	sm_abort(s);
	diag_first(&d, why, sizeof why);
	diag_fini(&d);
	if (e)
		return err_info[e].name;
	buf_printf(&b, "%s: %s", execution_state_name(r.outcome.state), r.outcome.message ? r.outcome.message : "-");
	const struct aas_node *const list[] = { r.outcome.outputs, r.outcome.inoutputs };
	for (int i = 0; i < 2; i++)
		if (list[i])
			buf_printf(&b, " %s=%s", sm_argument_name(list[i]), AAS_AT(sm_argument_element(list[i]), Property, value).str);
	const char *text = arena_strdup(arena, b.p);
	buf_fini(&b);
	return text;
}

static const char *settled(const char *path, const char *handle)
{
	int64_t until = clock_mono_us() + 10 * US_PER_S;
	const char *text;
	while ((text = ask(path, handle), !strncmp(text, "Running", 7) || !strncmp(text, "Initiated", 9)) && clock_mono_us() < until)
		clock_sleep_us(1000);
	return text;
}

static void put_row(const char *id, const char *state, int64_t deadline_us, int64_t ended_us, const char *owner)
{
	struct store_txn *t;
	store->ops->begin(store, true, &t);
	struct store_invocation i = { id, "urn:pump", "Plain", owner, state, NULL, NULL, NULL, false, deadline_us - 1, deadline_us, ended_us };
	store->ops->invocation_put(t, &i);
	check_int(store->ops->commit(t), ERR_OK, "a row %s is %s", id, state);
}

/* -- tests ------------------------------------------------------------------------------------------------------------------------- */

static void life(void)
{
	open_service(&(struct sm_async_config){ .threads = 2 });
	hold(true);
	const char *h = invoke("Set", "x", 5 * US_PER_S);
	if (!check(h && strlen(h) == 35 && !strncmp(h, "op.", 3), "a handle"))
		exit(1);
	wait_at_work(1);
	check_str(ask("Set", h), "Running: -", "is running");
	check(last_timeout_us > 0 && last_timeout_us <= 5 * US_PER_S, "with what is left of its time: %lld", (long long)last_timeout_us);
	check_str(ask("Plain", h), "NOT_FOUND", "under another operation it is unknown");
	check(strstr(why, h) != NULL, "which is said: %s", why);
	check_str(ask("Set", "op.other"), "NOT_FOUND", "another handle is unknown");
	hold(false);
	check_str(settled("Set", h), "Completed: - Out=x Both=x", "has completed, with what came out");
	const char *other = invoke("Set", "y", 0);
	check(other && strcmp(other, h) != 0, "another one has another handle");
	check_str(settled("Set", other), "Completed: - Out=y Both=y", "and its own result");
	check_str(ask("Set", h), "Completed: - Out=x Both=x", "the first keeps its own");
	ends = EXECUTION_TIMEOUT;
	check_str(settled("Plain", invoke("Plain", NULL, 0)), "Timeout: so it is", "a time-out");
	ends = EXECUTION_CANCELED;
	check_str(settled("Plain", invoke("Plain", NULL, 0)), "Canceled: so it is", "a cancellation");
	ends = EXECUTION_FAILED;
	check_str(settled("Plain", invoke("Plain", NULL, 0)), "Failed: so it is", "a failure");
	ends = EXECUTION_COMPLETED;
	fails = ERR_UNAVAILABLE;
	check_str(settled("Plain", invoke("Plain", NULL, 0)), "Failed: the line is dead", "an error of the executor");
	fails = ERR_OK;
	sm_service_invoker(service, &(struct sm_invoker){ 0 });
	check_str(settled("Plain", invoke("Plain", NULL, 0)), "Failed: nobody executes the operation \"Plain\"", "nobody is there");
	sm_service_free(service);
}

static void refused(void)
{
	open_service(&(struct sm_async_config){ .threads = 1 });
	calls = 0;
	check(!invoke("Set", NULL, 0) && strstr(why, "\"In\" is missing"), "wrong arguments are refused at once: %s", why);
	check(!invoke("Speed", NULL, 0) && strstr(why, "only an Operation"), "a Property is no operation: %s", why);
	check(!invoke("None", NULL, 0) && strstr(why, "no element"), "nor is nothing: %s", why);
	check_int(calls, 0, "nobody was asked");
	sm_service_free(service);
}

static void bounds(void)
{
	open_service(&(struct sm_async_config){ .threads = 1, .waiting = 2 });
	hold(true);
	const char *first = invoke("Plain", NULL, 0);
	wait_at_work(1);
	const char *second = invoke("Plain", NULL, 0), *soon = invoke("Plain", NULL, 1);
	check(first && second && soon, "one at work and two that wait");
	check_str(ask("Plain", second), "Initiated: -", "the second waits");
	check(!invoke("Plain", NULL, 0) && strstr(why, "2 operations wait already"), "there is no room for one more: %s", why);
	hold(false);
	check_str(settled("Plain", first), "Completed: -", "the first completes");
	check_str(settled("Plain", second), "Completed: -", "so does the second");
	check_str(settled("Plain", soon), "Timeout: the time was over before it could begin", "the third waited longer than its time");
	check_str(settled("Plain", invoke("Plain", NULL, 0)), "Completed: -", "there is room again");
	sm_service_free(service);

	open_service(&(struct sm_async_config){ .threads = 1, .memory = 1000 });
	check(!invoke("Plain", NULL, 0) && strstr(why, "too large"), "memory is bounded: %s", why);
	sm_service_free(service);
}

static void forgets(void)
{
	open_service(&(struct sm_async_config){ .threads = 1, .keep = 2, .keep_us = 3600 * US_PER_S });
	const char *h[4];
	for (int i = 0; i < 4; i++)
		check_str(settled("Plain", h[i] = invoke("Plain", NULL, 0)), "Completed: -", "result %d", i);
	sm_async_stop(service);		/* the last one has been tidied up after */
	check_str(ask("Plain", h[0]), "NOT_FOUND", "the oldest is forgotten");
	check_str(ask("Plain", h[1]), "NOT_FOUND", "the next one too");
	check_str(ask("Plain", h[2]), "Completed: -", "two are kept");
	check_str(ask("Plain", h[3]), "Completed: -", "the newest");
	int64_t now = clock_now_us();
	put_row("op.old", "Completed", now, now - 3601 * US_PER_S, "other");
	check_str(ask("Plain", "op.old"), "NOT_FOUND", "one that ended too long ago is not shown, although it is there");
	put_row("op.young", "Completed", now, now - 3500 * US_PER_S, "other");
	check_str(ask("Plain", "op.young"), "Completed: -", "a younger one of another server is");
	put_row("op.lost", "Running", now - 6 * US_PER_S, TIME_NONE, "other");
	check_str(ask("Plain", "op.lost"), "Timeout: no outcome came in time", "one that should have ended long ago is over");
	put_row("op.late", "Running", now - US_PER_S, TIME_NONE, "other");
	check_str(ask("Plain", "op.late"), "Running: -", "one that may still come is not");
	put_row("op.odd", "Dancing", now, TIME_NONE, "other");
	check_str(ask("Plain", "op.odd"), "INTERNAL", "a state that is none");
	sm_service_free(service);
}

static void *release_late(void *arg)
{
	int64_t until = clock_mono_us() + *(int64_t *)arg + US_PER_S / 100;
	while (clock_mono_us() < until)
		clock_sleep_us(1000);
	hold(false);
	return NULL;
}

/* An outcome that comes later than a client may wait for it does not turn a Timeout into something else. */
static void late(void)
{
	const char *text = "the time was over before it could begin";
	open_service(&(struct sm_async_config){ .threads = 1, .grace_us = 1 });
	/* longer each time, so that a slow machine gets to begin it */
	for (int64_t time = US_PER_S / 50; strstr(text, "before it could begin") && time < 60 * US_PER_S; time *= 2) {
		pthread_t thread;
		hold(true);
		const char *h = invoke("Plain", NULL, time);
		thread_start(&thread, "late", release_late, &time);
		text = settled("Plain", h);
		pthread_join(thread, NULL);
		sm_async_stop(service);
		text = ask("Plain", h);
		sm_service_free(service);
		open_service(&(struct sm_async_config){ .threads = 1, .grace_us = 1 });
	}
	check_str(text, "Timeout: the outcome came after the time was over", "an outcome that is too late");
	sm_service_free(service);
}

static void restart(void)
{
	int64_t later = clock_now_us() + 3600 * US_PER_S;
	put_row("op.waited", "Initiated", later, TIME_NONE, "twinshell");
	put_row("op.ran", "Running", later, TIME_NONE, "twinshell");
	put_row("op.theirs", "Running", later, TIME_NONE, "other");
	open_service(&(struct sm_async_config){ .threads = 1 });
	calls = 0;
	check_int(sm_async_recover(service, NULL), ERR_OK, "start again");
	check_str(ask("Plain", "op.waited"), "Canceled: the server was restarted before it began", "what had not begun is canceled");
	check_str(ask("Plain", "op.ran"), "Failed: the server was restarted while it ran; nobody knows its outcome", "what ran has failed");
	check_str(ask("Plain", "op.theirs"), "Running: -", "what another server runs goes on");
	check_int(calls, 0, "nothing is executed twice");
	for (int i = 0; i < 250; i++) {
		struct store_txn *t;
		store->ops->begin(store, true, &t);
		struct store_invocation v = { arena_printf(arena, "op.many%d", i), "urn:pump", "Plain", "twinshell", "Running", NULL, NULL, NULL, false, later, later, TIME_NONE };
		store->ops->invocation_put(t, &v);
		store->ops->commit(t);
	}
	check_int(sm_async_recover(service, NULL), ERR_OK, "after many");
	check(!strncmp(ask("Plain", "op.many249"), "Failed", 6) && !strncmp(ask("Plain", "op.many0"), "Failed", 6), "all of them are closed");
	sm_service_free(service);
}

static void *close_soon(void *arg)
{
	(void)arg;
	sm_async_close(service);
	hold(false);		/* what an executor does when the server ends */
	return NULL;
}

static void stop(void)
{
	pthread_t thread;
	open_service(&(struct sm_async_config){ .threads = 1 });
	hold(true);
	const char *runs = invoke("Plain", NULL, 0);
	wait_at_work(1);
	const char *waits = invoke("Plain", NULL, 0);
	ends = EXECUTION_CANCELED;
	thread_start(&thread, "closer", close_soon, NULL);
	pthread_join(thread, NULL);
	sm_async_stop(service);
	check_str(ask("Plain", runs), "Canceled: so it is", "what ran ends as the executor says");
	check_str(ask("Plain", waits), "Canceled: the server is stopping", "what waited does not begin");
	check(!invoke("Plain", NULL, 0) && strstr(why, "stopping"), "nothing new is taken: %s", why);
	ends = EXECUTION_COMPLETED;
	sm_service_free(service);
}

/* The n-th write of a state fails for a moment: nothing is lost.  It fails for good: the client is told, or sees a state from before. */
static void faults(void)
{
	const struct store_ops *sound = store->ops;
	faulty = *sound;
	sound_put = sound->invocation_put;
	faulty.invocation_put = faulty_put;
	store->ops = &faulty;
	fail_with = ERR_AGAIN;
	for (fail_at = 1; fail_at <= 4; fail_at++) {
		open_service(&(struct sm_async_config){ .threads = 1 });
		atomic_store(&writes, 0);
		const char *h = invoke("Plain", NULL, 0);
		check_str(h ? settled("Plain", h) : why, "Completed: -", "write %u fails twice", fail_at);
		sm_service_free(service);
	}
	fail_with = ERR_INTERNAL;
	static const char *const want[] = { "refused", "Completed: -", "Running: -", "Completed: -" };
	log_setup(LOG_ERROR, LOG_TEXT);
	for (fail_at = 1; fail_at <= 4; fail_at++) {
		open_service(&(struct sm_async_config){ .threads = 1 });
		atomic_store(&writes, 0);
		hold(true);
		const char *h = invoke("Plain", NULL, 0);
		if (h)
			wait_at_work(1);
		hold(false);
		sm_async_stop(service);
		check_str(h ? ask("Plain", h) : "refused", want[fail_at - 1], "write %u fails for good", fail_at);
		sm_service_free(service);
	}
	store->ops = sound;
}

int main(void)
{
	struct aas_node *sm = NULL;
	struct sm_session *s;
	arena = arena_new(0);
	cond_init(&changed);
	log_setup(LOG_ERROR, LOG_TEXT);
	store = store_mem_new();
	open_service(&(struct sm_async_config){ 0 });
	aas_json_read(arena, AAS_Submodel, pump, strlen(pump), AAS_JSON_DEFAULT, &sm, NULL);
	sm_begin(service, true, arena, NULL, &s);
	check_int(sm_create(s, STORE_SUBMODEL, sm), ERR_OK, "the submodel");
	check_int(sm_commit(s), ERR_OK, "is committed");
	sm_service_free(service);
	life();
	refused();
	bounds();
	forgets();
	late();
	restart();
	stop();
	faults();
	store->ops->close(store);
	arena_free(arena);
	return done();
}
