/* SPDX-License-Identifier: Apache-2.0 */
#include "submodels/jobs.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/thread.h"
#include "submodels/session.h"

#define TRIES_MAX 10
#define PAUSE_US 2000

/* In the list from the submission until it is forgotten; owned by the worker while it runs. */
struct job {
	struct job *next;
	char handle[SM_JOB_HANDLE];
	const struct sm_job_kind *kind;
	void *work;			/* NULL when done */
	size_t bytes;
	bool done;
	int64_t done_us;
	enum err err;
	struct diag diag;
};

struct sm_jobs {
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
	if (j->work)
		j->kind->free(j->work);
	diag_fini(&j->diag);
	free(j);
}

struct sm_jobs *sm_jobs_new(struct sm_service *s)
{
	struct sm_jobs *b = calloc(1, sizeof *b);
	if (!b)
		return NULL;
	b->service = s;
	lock_init(&b->lock, RANK_LEAF);
	cond_init(&b->wake);
	return b;
}

void sm_jobs_free(struct sm_jobs *b)
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

static void run(struct sm_service *service, struct job *j)
{
	enum err err = ERR_AGAIN;
	for (int i = 0; err == ERR_AGAIN && i < TRIES_MAX; i++) {
		if (i)
			clock_sleep_us(PAUSE_US << i);
		diag_clear(&j->diag);
		err = j->kind->run(service, j->work, &j->diag);
	}
	j->err = err;
	j->kind->free(j->work);
	j->work = NULL;
}

/* The lock is held. */
static struct job *next_job(struct sm_jobs *b)
{
	for (struct job *j = b->jobs; j; j = j->next)
		if (!j->done)
			return j;
	return NULL;
}

static void *worker(void *arg)
{
	struct sm_jobs *b = arg;
	struct job *j;
	lock_take(&b->lock);
	while (!b->stop) {
		if (!(j = next_job(b))) {
			lock_wait(&b->lock, &b->wake, -1);
			continue;
		}
		lock_drop(&b->lock);
		run(b->service, j);
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
static void expire(struct sm_jobs *b, int64_t now_us, size_t most)
{
	for (struct job **at = &b->jobs; *at; ) {
		struct job *j = *at;
		if (!j->done || (now_us - j->done_us < SM_JOBS_AGE_US && b->n <= most)) {
			at = &j->next;
			continue;
		}
		*at = j->next;
		b->n--;
		job_free(j);
	}
}

void sm_jobs_expire(struct sm_service *s, int64_t now_us)
{
	lock_take(&s->jobs->lock);
	expire(s->jobs, now_us, SM_JOBS_HANDLES);
	lock_drop(&s->jobs->lock);
}

static void make_handle(char handle[SM_JOB_HANDLE])
{
	unsigned char random[16];
	random_bytes(random, sizeof random);
	for (size_t i = 0; i < sizeof random; i++)
		snprintf(handle + 2 * i, 3, "%02x", random[i]);
}

/* The job is the list's afterwards, unless it failed. */
static enum err enqueue(struct sm_jobs *b, struct job *j, char handle[SM_JOB_HANDLE], struct diag *d)
{
	enum err err = ERR_OK;
	struct job **tail = &b->jobs;
	lock_take(&b->lock);
	expire(b, clock_mono_us(), SM_JOBS_HANDLES - 1);
	if (b->waiting == SM_JOBS_WAITING || (b->waiting && b->bytes + j->bytes > SM_JOBS_BYTES))
		err = diag_add(d, ERR_UNAVAILABLE, "too many requests of this kind wait already; try again later");
	if (!err && !b->started && !(b->started = thread_start(&b->thread, "jobs", worker, b)))
		err = diag_add(d, ERR_UNAVAILABLE, "the system gives no thread");
	if (!err) {
		while (*tail)
			tail = &(*tail)->next;
		*tail = j;
		b->n++;
		b->waiting++;
		b->bytes += j->bytes;
		memcpy(handle, j->handle, SM_JOB_HANDLE);	/* the job may be gone as soon as the lock is */
		pthread_cond_signal(&b->wake);
	}
	lock_drop(&b->lock);
	return err;
}

enum err sm_job_submit(struct sm_service *s, const struct sm_job_kind *kind, void *work, size_t bytes, char handle[SM_JOB_HANDLE], struct diag *d)
{
	struct job *j = calloc(1, sizeof *j);
	if (!j) {
		kind->free(work);
		return diag_add(d, ERR_NO_MEMORY, "out of memory");
	}
	j->kind = kind;
	j->work = work;
	j->bytes = bytes;
	make_handle(j->handle);
	enum err err = enqueue(s->jobs, j, handle, d);
	if (err)
		job_free(j);
	return err;
}

/* The lock is held. */
static struct job *find(struct sm_jobs *b, const struct sm_job_kind *kind, const char *handle)
{
	expire(b, clock_mono_us(), SM_JOBS_HANDLES);
	struct job *j = b->jobs;
	while (j && !(j->kind == kind && str_eq(j->handle, handle)))
		j = j->next;
	return j;
}

static enum err unknown(const struct sm_job_kind *kind, struct diag *d)
{
	return diag_add(d, ERR_NOT_FOUND, "there is no such %s, or not any more", kind->name);
}

enum err sm_job_status(struct sm_service *s, const struct sm_job_kind *kind, const char *handle, bool *done, struct diag *d)
{
	lock_take(&s->jobs->lock);
	const struct job *j = find(s->jobs, kind, handle);
	*done = j && j->done;
	lock_drop(&s->jobs->lock);
	return j ? ERR_OK : unknown(kind, d);
}

enum err sm_job_result(struct sm_service *s, const struct sm_job_kind *kind, const char *handle, enum err *outcome, struct diag *d)
{
	lock_take(&s->jobs->lock);
	const struct job *j = find(s->jobs, kind, handle);
	bool known = j != NULL, done = j && j->done;
	for (unsigned i = 0; done && i < j->diag.n; i++) {
		const struct diag_message *m = &j->diag.list[i];
		diag_rule(d, m->err, m->rule, "%s%s%s", m->path, *m->path ? ": " : "", m->text);
	}
	*outcome = done ? j->err : ERR_OK;
	lock_drop(&s->jobs->lock);
	return done ? ERR_OK : known ? diag_add(d, ERR_NOT_FOUND, "the %s is not finished", kind->name) : unknown(kind, d);
}
