/* SPDX-License-Identifier: Apache-2.0 - bulk requests: in the background, all or nothing, and bounded. */
#include "submodels/bulk.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/thread.h"
#include "submodels/registry.h"
#include "tests/tap.h"

/* -- a store whose writing transactions begin when the gate is open, and that has trouble when it is told so ------------------- */
static struct store *inner;
static struct store_ops ops;
static struct store gate = { &ops };
static struct lock lock;
static pthread_cond_t moved;
static bool closed, entered;
static int again, down;

static enum err gated_begin(struct store *s, bool write, struct store_txn **t)
{
	enum err e = ERR_OK;
	(void)s;
	lock_take(&lock);
	entered |= write;
	pthread_cond_broadcast(&moved);
	while (write && closed)
		lock_wait(&lock, &moved, -1);
	if (write && again)
		again--, e = ERR_AGAIN;
	else if (write && down)
		down--, e = ERR_UNAVAILABLE;
	lock_drop(&lock);
	return e ? e : inner->ops->begin(inner, write, t);
}

static void set_gate(bool shut)
{
	lock_take(&lock);
	closed = shut;
	entered = false;
	pthread_cond_broadcast(&moved);
	lock_drop(&lock);
}

static void wait_entered(void)
{
	lock_take(&lock);
	while (!entered)
		lock_wait(&lock, &moved, -1);
	lock_drop(&lock);
}

static struct sm_service *service;
static struct diag d = DIAG_INIT;
static char handle[SM_JOB_HANDLE];

static enum err submit(enum sm_bulk_verb verb, const char *body)
{
	diag_clear(&d);
	return sm_bulk_submit(service, STORE_SHELL_DESCRIPTOR, verb, slice_of(body), "bulk:test", "r-7", handle, &d);
}

/* The result, when it is there. */
static enum err outcome(const char *of)
{
	bool done = false;
	diag_clear(&d);
	while (!sm_bulk_status(service, of, &done, NULL) && !done)
		clock_sleep_us(1000);
	return sm_bulk_result(service, of, &d);
}

static bool there(const char *id)
{
	struct arena *a = arena_new(0);
	struct sm_session *s;
	struct aas_node *n;
	bool yes = !sm_begin(service, false, a, NULL, &s) && !sm_descriptor_get(s, STORE_SHELL_DESCRIPTOR, id, "", &n);
	sm_abort(s);
	arena_free(a);
	return yes;
}

static const char *first(void)
{
	static char text[DIAG_PATH_MAX + DIAG_TEXT_MAX];
	return diag_first(&d, text, sizeof text);
}

static void test_background(void)
{
	char mine[SM_JOB_HANDLE];
	bool done = true;
	unsigned n = 0;
	enum err e = ERR_OK;
	set_gate(true);
	check_int(submit(SM_BULK_POST, "[{\"id\":\"a\"}]"), ERR_OK, "a request is taken");
	memcpy(mine, handle, sizeof mine);
	check(strlen(mine) == 32 && strspn(mine, "0123456789abcdef") == 32, "its handle has 128 bits");
	wait_entered();
	check(!sm_bulk_status(service, mine, &done, NULL) && !done, "it runs");
	check_int(sm_bulk_result(service, mine, &d), ERR_NOT_FOUND, "there is no result yet");
	check(strstr(first(), "not finished"), "which is said");
	check(!there("a"), "and nothing done");
	while (!(e = submit(SM_BULK_PUT, "[{\"id\":\"b\"}]")) && n < 1000)
		n++;
	check_int(e, ERR_UNAVAILABLE, "too many that wait are refused");
	check_int(n, SM_JOBS_WAITING - 1, "at the bound");
	sm_jobs_expire(service, clock_mono_us() + 2 * SM_JOBS_AGE_US);
	check_int(sm_bulk_status(service, mine, &done, NULL), ERR_OK, "what is not finished is not forgotten");
	set_gate(false);
	check_int(outcome(mine), ERR_OK, "it ends well");
	check(there("a"), "and is done");
	check_int(outcome(handle), ERR_OK, "so do those that waited");
	check_int(submit(SM_BULK_DELETE, "[\"a\",\"b\"]"), ERR_OK, "there is room again");
	check_int(outcome(handle), ERR_OK, "for a deletion");
	check(!there("a") && !there("b"), "of both");
}

static void test_atomic(void)
{
	submit(SM_BULK_POST, "[{\"id\":\"a\"}]");
	outcome(handle);
	submit(SM_BULK_POST, "[{\"id\":\"b\"},{\"id\":\"a\"},{\"id\":\"c\"},{\"id\":\"b\"}]");
	check_int(outcome(handle), ERR_BAD_REQUEST, "a conflict spoils all");
	check(d.n == 2 && strstr(d.list[0].text, "[1]: ") && strstr(d.list[0].text, "\"a\"") && strstr(d.list[1].text, "[3]: "), "each bad item is named: %s", first());
	check(!there("b") && !there("c"), "and nothing was done");
	submit(SM_BULK_DELETE, "[\"a\",\"z\"]");
	check_int(outcome(handle), ERR_BAD_REQUEST, "one that is not there spoils a deletion");
	check(d.n == 1 && strstr(d.list[0].text, "[1]: ") && there("a"), "and the other stays");
	submit(SM_BULK_PUT, "[{\"id\":\"a\",\"idShort\":\"New\"},{\"id\":\"b\"},{\"id\":\"b\"}]");
	check_int(outcome(handle), ERR_OK, "a PUT makes and replaces");
	check(there("b"), "both");
}

static void test_trouble(void)
{
	lock_take(&lock);
	again = 3;
	lock_drop(&lock);
	submit(SM_BULK_PUT, "[{\"id\":\"t\"}]");
	check_int(outcome(handle), ERR_OK, "what met another transaction is tried again");
	check(there("t"), "until it is done");
	lock_take(&lock);
	down = 1;
	lock_drop(&lock);
	submit(SM_BULK_PUT, "[{\"id\":\"u\"}]");
	check_int(outcome(handle), ERR_UNAVAILABLE, "a store that is away is the result");
	check(!there("u"), "and nothing else");
}

static void test_malformed(void)
{
	check_int(submit(SM_BULK_POST, "[]"), ERR_BAD_REQUEST, "nothing at all is refused");
	check_int(submit(SM_BULK_POST, "[{\"id\":\"a\"},{}]"), ERR_BAD_REQUEST, "a malformed item is refused at once");
	check_str(d.n ? d.list[0].path : "", "[1]", "with its place");
	check_int(submit(SM_BULK_DELETE, "[{\"id\":\"a\"}]"), ERR_BAD_REQUEST, "to delete, ids are wanted");
	check_int(submit(SM_BULK_POST, "[\"a\"]"), ERR_BAD_REQUEST, "and descriptors to post");
}

static void test_forgetting(void)
{
	char oldest[SM_JOB_HANDLE], newest[SM_JOB_HANDLE];
	bool done;
	submit(SM_BULK_PUT, "[{\"id\":\"f\"}]");
	outcome(handle);
	memcpy(oldest, handle, sizeof oldest);
	sm_jobs_expire(service, clock_mono_us() + SM_JOBS_AGE_US / 2);
	check_int(sm_bulk_status(service, oldest, &done, NULL), ERR_OK, "a handle is known for a while");
	for (int i = 0; i < SM_JOBS_HANDLES; i++) {
		if (submit(SM_BULK_PUT, "[{\"id\":\"f\"}]"))
			i--;
		outcome(handle);
	}
	memcpy(newest, handle, sizeof newest);
	check_int(sm_bulk_status(service, oldest, &done, NULL), ERR_NOT_FOUND, "of too many the oldest is forgotten");
	check_int(sm_bulk_status(service, newest, &done, NULL), ERR_OK, "and not the newest");
	sm_jobs_expire(service, clock_mono_us() + SM_JOBS_AGE_US + 1);
	check_int(sm_bulk_status(service, newest, &done, NULL), ERR_NOT_FOUND, "after an hour that too");
	check_int(sm_bulk_result(service, "", NULL), ERR_NOT_FOUND, "no handle is none");
}

static unsigned runs, freed;

static enum err run_other(struct sm_service *s, void *work, struct diag *to)
{
	(void)s, (void)work;
	return ++runs < 3 ? ERR_AGAIN : diag_rule(to, ERR_CONFLICT, "R-1", "in the way");
}

static void free_other(void *work)
{
	freed += work == &freed;
}

/* Work of another kind, in the same queue. */
static void test_kinds(void)
{
	static const struct sm_job_kind other = { "other work", run_other, free_other };
	enum err e, result = ERR_OK;
	bool done = false;
	diag_clear(&d);
	check_int(sm_job_submit(service, &other, &freed, 10, handle, &d), ERR_OK, "work of another kind is taken");
	while (!sm_job_status(service, &other, handle, &done, NULL) && !done)
		clock_sleep_us(1000);
	check_int(sm_bulk_status(service, handle, &done, NULL), ERR_NOT_FOUND, "its handle is none of a bulk request");
	check_int(sm_bulk_result(service, handle, NULL), ERR_NOT_FOUND, "nor has it that result");
	e = sm_job_result(service, &other, handle, &result, &d);
	check(!e && result == ERR_CONFLICT && runs == 3 && freed == 1, "it has run until it met nobody, and was freed");
	check(d.n == 1 && d.list[0].err == ERR_CONFLICT && !strcmp(d.list[0].rule, "R-1") && !strcmp(d.list[0].text, "in the way"), "what it said is kept");
}

int main(void)
{
	inner = store_mem_new();
	ops = *inner->ops;
	ops.begin = gated_begin;
	lock_init(&lock, RANK_LEAF);
	cond_init(&moved);
	service = sm_service_new(&(struct sm_config){ .store = &gate });
	test_background();
	test_atomic();
	test_trouble();
	test_malformed();
	test_kinds();
	test_forgetting();
	for (int i = 0; i < 5; i++)
		submit(SM_BULK_PUT, "[{\"id\":\"last\"}]");
	sm_service_free(service);
	check(1, "a service that ends waits for what runs");
	inner->ops->close(inner);
	diag_fini(&d);
	return done();
}
