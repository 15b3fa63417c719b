/* SPDX-License-Identifier: Apache-2.0 */
#include "submodels/bulk.h"

#include <stdio.h>
#include <stdlib.h>

#include "aas/json.h"
#include "base/clock.h"
#include "base/thread.h"
#include "submodels/registry.h"
#include "submodels/session.h"

#define TRIES_MAX 10
#define PAUSE_US 2000

/* In the list from the submission until it is forgotten; owned by the worker while it runs. */
struct job {
	struct job *next;
	char handle[SM_BULK_HANDLE];
	enum store_kind kind;
	enum sm_bulk_verb verb;
	struct arena *arena;		/* of the items; freed when done */
	struct aas_node *items;
	size_t bytes;
	bool done;
	int64_t done_us;
	enum err err;
	struct diag diag;
};

struct sm_bulk {
	struct sm_service *service;
	struct lock lock;
	pthread_cond_t wake;
	pthread_t thread;
	bool started, stop;
	struct job *jobs;		/* in the order of their submission */
	size_t n, waiting, bytes;
};

static void job_free(struct job *j)
{
	if (!j)
		return;
	arena_free(j->arena);
	diag_fini(&j->diag);
	free(j);
}

struct sm_bulk *sm_bulk_new(struct sm_service *s)
{
	struct sm_bulk *b = calloc(1, sizeof *b);
	if (!b)
		return NULL;
	b->service = s;
	lock_init(&b->lock, RANK_LEAF);
	cond_init(&b->wake);
	return b;
}

void sm_bulk_free(struct sm_bulk *b)
{
	if (!b)
		return;
	lock_take(&b->lock);
	b->stop = true;
	pthread_cond_broadcast(&b->wake);
	lock_drop(&b->lock);
	if (b->started)
		pthread_join(b->thread, NULL);
	for (struct job *j = b->jobs, *next; j; j = next) {
		next = j->next;
		job_free(j);
	}
	pthread_cond_destroy(&b->wake);
	lock_fini(&b->lock);
	free(b);
}

/* -- the work ---------------------------------------------------------------------------------------------------------------------- */

static enum err item(struct sm_session *s, const struct job *j, struct aas_node *n)
{
	bool created;
	if (j->verb == SM_BULK_DELETE)
		return sm_descriptor_delete(s, j->kind, AAS_AT(n, IdentifierText, value).str);
	if (j->verb == SM_BULK_PUT)
		return sm_descriptor_put(s, j->kind, AAS_ID(n), n, &created);
	return sm_descriptor_post(s, j->kind, n);
}

/* What is wrong with an item, not with the server. */
static bool is_fault(enum err err)
{
	return err == ERR_BAD_REQUEST || err == ERR_NOT_FOUND || err == ERR_CONFLICT;
}

/* One transaction.  Faults of items are collected: they leave the transaction as it was, to be given up in the end. */
static enum err attempt(struct sm_service *service, struct job *j)
{
	struct arena *a = arena_new(0);
	struct sm_session *s = NULL;
	struct diag_frame f;
	enum err err = a ? sm_begin(service, true, a, &j->diag, &s) : ERR_NO_MEMORY;
	bool faults = false;
	if (err)
		goto out;
	diag_push_index(&j->diag, &f, 0);
	for (struct aas_node *n = j->items; n && !err && j->diag.n < DIAG_MAX; n = n->next, f.index++) {
		err = item(s, j, n);
		faults |= is_fault(err);
		err = is_fault(err) ? ERR_OK : err;
	}
	diag_pop(&j->diag);
	if (!err && !faults) {
		err = sm_commit(s);
	} else {
		sm_abort(s);
		err = err ? err : ERR_BAD_REQUEST;
	}
out:
	arena_free(a);
	return err;
}

static void run(struct sm_service *service, struct job *j)
{
	enum err err = ERR_AGAIN;
	for (int i = 0; err == ERR_AGAIN && i < TRIES_MAX; i++) {
		if (i)
			clock_sleep_us(PAUSE_US << i);
		diag_clear(&j->diag);
		err = attempt(service, j);
	}
	j->err = err;
}

/* The lock is held. */
static struct job *next_job(struct sm_bulk *b)
{
	for (struct job *j = b->jobs; j; j = j->next)
		if (!j->done)
			return j;
	return NULL;
}

static void *worker(void *arg)
{
	struct sm_bulk *b = arg;
	struct job *j;
	lock_take(&b->lock);
	while (!b->stop) {
		if (!(j = next_job(b))) {
			lock_wait(&b->lock, &b->wake, -1);
			continue;
		}
		lock_drop(&b->lock);
		run(b->service, j);
		arena_free(j->arena);
		j->arena = NULL;
		lock_take(&b->lock);
		j->done = true;
		j->done_us = clock_mono_us();
		b->waiting--;
		b->bytes -= j->bytes;
	}
	lock_drop(&b->lock);
	return NULL;
}

/* -- handles ----------------------------------------------------------------------------------------------------------------------- */

/* The lock is held.  Finished ones go when they are old, and from the front when there are more than `most`. */
static void expire(struct sm_bulk *b, int64_t now_us, size_t most)
{
	for (struct job **at = &b->jobs; *at; ) {
		struct job *j = *at;
		if (!j->done || (now_us - j->done_us < SM_BULK_AGE_US && b->n <= most)) {
			at = &j->next;
			continue;
		}
		*at = j->next;
		b->n--;
		job_free(j);
	}
}

void sm_bulk_expire(struct sm_service *s, int64_t now_us)
{
	lock_take(&s->bulk->lock);
	expire(s->bulk, now_us, SM_BULK_HANDLES);
	lock_drop(&s->bulk->lock);
}

static void make_handle(char handle[SM_BULK_HANDLE])
{
	unsigned char random[16];
	random_bytes(random, sizeof random);
	for (size_t i = 0; i < sizeof random; i++)
		snprintf(handle + 2 * i, 3, "%02x", random[i]);
}

/* The job is the list's afterwards, unless it failed. */
static enum err enqueue(struct sm_bulk *b, struct job *j, char handle[SM_BULK_HANDLE], struct diag *d)
{
	enum err err = ERR_OK;
	struct job **tail = &b->jobs;
	lock_take(&b->lock);
	expire(b, clock_mono_us(), SM_BULK_HANDLES - 1);
	if (b->waiting == SM_BULK_WAITING || (b->waiting && b->bytes + j->bytes > SM_BULK_BYTES))
		err = diag_add(d, ERR_UNAVAILABLE, "too many bulk requests wait already; try again later");
	if (!err && !b->started && !(b->started = thread_start(&b->thread, "bulk", worker, b)))
		err = diag_add(d, ERR_UNAVAILABLE, "the system gives no thread");
	if (!err) {
		while (*tail)
			tail = &(*tail)->next;
		*tail = j;
		b->n++;
		b->waiting++;
		b->bytes += j->bytes;
		memcpy(handle, j->handle, SM_BULK_HANDLE);	/* the job may be gone as soon as the lock is */
		pthread_cond_signal(&b->wake);
	}
	lock_drop(&b->lock);
	return err;
}

static const enum aas_class_id class_of[STORE_N_KINDS] = {
	[STORE_SHELL_DESCRIPTOR] = AAS_AssetAdministrationShellDescriptor, [STORE_SUBMODEL_DESCRIPTOR] = AAS_SubmodelDescriptor,
};

enum err sm_bulk_submit(struct sm_service *s, enum store_kind kind, enum sm_bulk_verb verb, struct slice body, char handle[SM_BULK_HANDLE],
			struct diag *d)
{
	struct job *j = calloc(1, sizeof *j);
	unsigned type = verb == SM_BULK_DELETE ? AAS_IdentifierText : class_of[kind];
	enum err err = ERR_NO_MEMORY;
	if (!j || !(j->arena = arena_new(0)))
		goto fail;
	j->kind = kind;
	j->verb = verb;
	j->bytes = body.n;
	make_handle(j->handle);
	if ((err = aas_json_read_list(j->arena, type, body.p, body.n, AAS_JSON_DEFAULT, &j->items, d)))
		goto fail;
	err = j->items ? enqueue(s->bulk, j, handle, d) : diag_add(d, ERR_BAD_REQUEST, "the array must not be empty");
	if (!err)
		return ERR_OK;
fail:
	job_free(j);
	return err;
}

/* The lock is held. */
static struct job *find(struct sm_bulk *b, const char *handle)
{
	expire(b, clock_mono_us(), SM_BULK_HANDLES);
	struct job *j = b->jobs;
	while (j && !str_eq(j->handle, handle))
		j = j->next;
	return j;
}

enum err sm_bulk_status(struct sm_service *s, const char *handle, bool *done, struct diag *d)
{
	lock_take(&s->bulk->lock);
	const struct job *j = find(s->bulk, handle);
	*done = j && j->done;
	lock_drop(&s->bulk->lock);
	return j ? ERR_OK : diag_add(d, ERR_NOT_FOUND, "there is no such bulk request, or not any more");
}

enum err sm_bulk_result(struct sm_service *s, const char *handle, struct diag *d)
{
	lock_take(&s->bulk->lock);
	const struct job *j = find(s->bulk, handle);
	enum err err = j && j->done ? j->err : ERR_NOT_FOUND;
	bool known = j != NULL;
	for (unsigned i = 0; err != ERR_NOT_FOUND && err && i < j->diag.n; i++)
		diag_add(d, err, "%s: %s", j->diag.list[i].path, j->diag.list[i].text);
	lock_drop(&s->bulk->lock);
	if (err == ERR_NOT_FOUND)
		return diag_add(d, err, known ? "the bulk request is not finished" : "there is no such bulk request, or not any more");
	return err;
}
