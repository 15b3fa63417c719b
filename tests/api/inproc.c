/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/api/inproc.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/ec.h>
#include <openssl/pem.h>

#include "aas/tree.h"
#include "base/clock.h"
#include "base/thread.h"
#include "server/http.h"
#include "server/jws.h"
#include "submodels/operation.h"

static struct store *store;
static struct changes *changes;
static struct live *live;
static struct sm_service *service;
static struct server *server;
static struct jws *signer;
static char url[64];

static const char *given_text(const struct aas_node *inputs, const char *name)
{
	for (; inputs; inputs = inputs->next) {
		const struct aas_node *e = sm_argument_element(inputs);
		if (str_eq(sm_argument_name(inputs), name) && aas_is(e, AAS_Property))
			return AAS_AT(e, Property, value).str;
	}
	return "done";
}

static enum err obey(const struct sm_invocation *in, struct arena *a, struct sm_outcome *out)
{
	struct aas_node **tail = &out->outputs;
	const struct aas_node *declared = AAS_AT(in->operation, Operation, outputVariables).node;
	for (; declared; declared = declared->next) {
		struct aas_node *v = *tail = aas_copy(a, declared);
		if (!v)
			return ERR_NO_MEMORY;
		struct aas_node *e = AAS_AT(v, OperationVariable, value).node;
		if (aas_is(e, AAS_Property))	/* the speed that was asked for has been reached */
			AAS_AT(e, Property, value).str = str_eq(sm_argument_name(v), "Reached") ? given_text(in->inputs, "Speed") : "done";
		tail = &v->next;
	}
	out->inoutputs = (struct aas_node *)in->inoutputs;
	out->state = EXECUTION_COMPLETED;
	return ERR_OK;
}

/* An operation Hold works until it is released. */
static struct lock hold = LOCK_INIT(RANK_LEAF);
static pthread_cond_t changed;
static unsigned begun;
static bool released;

static void work(void)
{
	lock_take(&hold);
	begun++;
	pthread_cond_broadcast(&changed);
	while (!released)
		lock_wait(&hold, &changed, -1);
	lock_drop(&hold);
}

static size_t n_open(void)
{
	struct arena *a = arena_new(0);
	struct store_invocation *list;
	struct store_txn *t;
	size_t n = 1;
	if (!store->ops->begin(store, false, &t)) {
		store->ops->invocation_open(t, "twinshell", 100, a, &list, &n);
		store->ops->abort(t);
	}
	arena_free(a);
	return n;
}

bool inproc_operation(const char *what)
{
	int64_t until = clock_mono_us() + 10 * US_PER_S;
	bool ok;
	if (str_eq(what, "settled")) {
		while (n_open() && clock_mono_us() < until)
			clock_sleep_us(1000);
		return !n_open();
	}
	lock_take(&hold);
	if (str_eq(what, "release")) {
		released = true;
		pthread_cond_broadcast(&changed);
	}
	while (str_eq(what, "begun") && !begun && clock_mono_us() < until)
		lock_wait(&hold, &changed, until - clock_mono_us());
	ok = begun > 0;
	lock_drop(&hold);
	return ok;
}

static enum err execute(void *ctx, const struct sm_invocation *in, struct arena *a, struct sm_outcome *out, struct diag *d)
{
	const char *name = AAS_ID_SHORT(in->operation);
	(void)ctx, (void)d;
	if (name && str_eq(name, "Unbound"))
		return ERR_NOT_SUPPORTED;
	if (name && str_eq(name, "Hold"))
		work();
	if (name && str_eq(name, "Refuse"))
		*out = (struct sm_outcome){ .state = EXECUTION_FAILED, .message = "the interlock is open" };
	else if (name && str_eq(name, "Slow"))
		*out = (struct sm_outcome){ .state = EXECUTION_TIMEOUT, .message = "no answer in time" };
	else
		return obey(in, a, out);
	return ERR_OK;
}

/* A key of this run alone. */
static bool make_signer(void)
{
	char name[] = "/tmp/twinshell-key-XXXXXX";
	int fd = mkstemp(name);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
	EVP_PKEY *key = EVP_EC_gen("P-256");
	bool ok = f && key && PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
	if (f)
		fclose(f);
	ok = ok && !jws_open(name, NULL, &signer, NULL);
	EVP_PKEY_free(key);
	unlink(name);
	return ok;
}

bool inproc_start(void)
{
	struct diag d = DIAG_INIT;
	char why[300];
	static bool made;
	if (!made)
		cond_init(&changed);
	made = true;
	begun = 0;
	released = false;
	store = store_mem_new();
	changes = changes_new();
	live = live_new();
	service = sm_service_new(&(struct sm_config){ .store = store, .changes = changes, .live = live, .invoker = { NULL, execute } });
	struct http_config conf = { .service = service, .live = live, .store = store, .loops = 1, .workers = 2, .invokers = 2 };
	conf.signer = signer || make_signer() ? signer : NULL;
	server = service ? http_start(&conf, &d) : NULL;
	if (!server)
		printf("# no server: %s\n", diag_first(&d, why, sizeof why));
	else
		snprintf(url, sizeof url, "http://127.0.0.1:%u", http_port(server));
	diag_fini(&d);
	return server != NULL;
}

const char *inproc_url(void)
{
	return url;
}

void inproc_stop(void)
{
	inproc_operation("release");
	http_stop(server);
	sm_service_free(service);
	live_free(live);
	changes_free(changes);
	store->ops->close(store);
	server = NULL;
}

void inproc_live(const char *submodel_id, const char *path, const char *text)
{
	live_set(live, submodel_id, path, text, QUALITY_GOOD, clock_now_us());
}
