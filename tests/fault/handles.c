/* SPDX-License-Identifier: Apache-2.0
 * Handles of asynchronous invocations survive the server that gave them out: it is killed, then the database is restarted, then the next
 * server is asked.
 */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "aas/json.h"
#include "base/clock.h"
#include "base/log.h"
#include "sql/store_pg.h"
#include "submodels/service.h"
#include "tests/database.h"

static const char pump[] =
	"{\"modelType\":\"Submodel\",\"id\":\"urn:pump\",\"submodelElements\":["
	"{\"modelType\":\"Operation\",\"idShort\":\"Now\",\"outputVariables\":[{\"value\":{\"modelType\":\"Property\",\"idShort\":\"R\",\"valueType\":\"xs:int\","
	"\"value\":\"42\"}}]},{\"modelType\":\"Operation\",\"idShort\":\"Never\"}]}";

static struct database db;
static struct arena *arena;
static struct store *store;
static struct sm_service *service;
static int working[2];		/* a byte when Never is at work */

static enum err execute(void *ctx, const struct sm_invocation *in, struct arena *a, struct sm_outcome *out, struct diag *d)
{
	(void)ctx, (void)a, (void)d;
	if (str_eq(in->path, "Never")) {
		if (write(working[1], "w", 1) == 1)
			for (;;)
				pause();
	}
	*out = (struct sm_outcome){ .state = EXECUTION_COMPLETED, .outputs = AAS_AT(in->operation, Operation, outputVariables).node };
	return ERR_OK;
}

static bool open_server(void)
{
	struct diag d = DIAG_INIT;
	char why[600];
	store = store_pg_open(db.conninfo, 4, &d);
	service = store ? sm_service_new(&(struct sm_config){ .store = store, .invoker = { NULL, execute }, .async = { .threads = 1 } }) : NULL;
	bool ok = service && !sm_async_recover(service, &d);
	if (!ok)
		printf("# %s\n", diag_first(&d, why, sizeof why));
	diag_fini(&d);
	return ok;
}

static void close_server(void)
{
	sm_service_free(service);
	store->ops->close(store);
}

static const char *invoke(const char *path)
{
	struct sm_invocation in = { "urn:pump", path, NULL, NULL, NULL, 600 * US_PER_S, NULL, NULL };
	const char *handle = NULL;
	return sm_invoke_async(service, &in, false, arena, &handle, NULL) ? NULL : handle;
}

static const char *ask(const char *path, const char *handle)
{
	struct sm_async_result r;
	struct sm_session *s;
	struct buf b = BUF_INIT;
	if (sm_begin(service, false, arena, NULL, &s))
		return "no session";
	enum err e = sm_async_get(s, "urn:pump", path, handle, &r);
	sm_abort(s);
	if (e)
		return err_info[e].name;
	if (r.outcome.outputs)
		aas_json_write(&b, r.outcome.outputs);
	const char *text = arena_printf(arena, "%s %s %s", execution_state_name(r.outcome.state), r.outcome.message ? r.outcome.message : "-", b.p ? b.p : "-");
	buf_fini(&b);
	return text;
}

/* One of three: has ended, is at work, waits behind it.  The handles go to the parent, then the process waits to be killed. */
static void first_life(int out)
{
	struct aas_node *sm = NULL;
	struct sm_session *s;
	char byte, why[600];
	struct diag d = DIAG_INIT;
	if (!open_server() || aas_json_read(arena, AAS_Submodel, pump, sizeof pump - 1, AAS_JSON_DEFAULT, &sm, &d) || sm_begin(service, true, arena, &d, &s) ||
	    sm_create(s, STORE_SUBMODEL, sm) || sm_commit(s)) {
		dprintf(1, "# %s\n", diag_first(&d, why, sizeof why));
		_exit(1);
	}
	const char *done = invoke("Now");
	while (done && strncmp(ask("Now", done), "Completed", 9))
		clock_sleep_us(1000);
	const char *runs = invoke("Never");
	if (!done || !runs || read(working[0], &byte, 1) != 1)
		_exit(1);
	const char *waits = invoke("Now");
	dprintf(out, "%s %s %s\n", done, runs, waits ? waits : "none");
	for (;;)
		pause();
}

static bool live_and_die(char *handles, size_t size)
{
	int pipes[2], status;
	if (pipe(pipes) || pipe(working))
		return false;
	fflush(stdout);
	pid_t pid = fork();
	if (!pid)
		first_life(pipes[1]);
	close(pipes[1]);
	ssize_t n = pid > 0 ? read(pipes[0], handles, size - 1) : -1;
	close(pipes[0]);
	if (n <= 0)
		return false;
	handles[n] = 0;
	kill(pid, SIGKILL);
	return waitpid(pid, &status, 0) == pid && WIFSIGNALED(status);
}

static void next_life(char *handles)
{
	char *save = NULL;
	const char *done = strtok_r(handles, " \n", &save), *runs = strtok_r(NULL, " \n", &save), *waits = strtok_r(NULL, " \n", &save);
	if (!check(open_server(), "the next server starts"))
		return;
	check(!strncmp(ask("Now", done), "Completed - {\"value\"", 20) && strstr(ask("Now", done), "\"42\""), "the result is there: %s", ask("Now", done));
	check_str(ask("Never", runs), "Failed the server was restarted while it ran; nobody knows its outcome -", "what ran has failed");
	check_str(ask("Now", waits), "Canceled the server was restarted before it began -", "what waited was never begun");
	check_str(ask("Never", done), "NOT_FOUND", "a handle still belongs to its operation");
	close_server();
}

int main(void)
{
	char handles[400];
	if (!database_cluster())
		return skip_all(DATABASE_SKIP);
	log_setup(LOG_ERROR, LOG_TEXT);
	database_make(&db, "handles", "ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'");
	arena = arena_new(0);
	if (check(live_and_die(handles, sizeof handles), "a server is killed")) {
		if (cluster_is_private())
			cluster_restart("INT");
		next_life(handles);
	}
	database_drop(&db);
	arena_free(arena);
	return done();
}
