/* SPDX-License-Identifier: Apache-2.0 */
#include "base/thread.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"

static _Thread_local struct lock *held[16];
static _Thread_local unsigned n_held;

void lock_init(struct lock *l, enum lock_rank rank)
{
	pthread_mutex_init(&l->mutex, NULL);
	l->rank = rank;
}

void lock_fini(struct lock *l)
{
	pthread_mutex_destroy(&l->mutex);
}

void lock_take(struct lock *l)
{
	assert(n_held == 0 || held[n_held - 1]->rank < l->rank);
	assert(n_held < sizeof held / sizeof *held);
	pthread_mutex_lock(&l->mutex);
	held[n_held++] = l;
}

void lock_drop(struct lock *l)
{
	unsigned i = n_held;
	while (i > 0 && held[i - 1] != l)
		i--;
	assert(i > 0);
	for (; i < n_held; i++)
		held[i - 1] = held[i];
	n_held--;
	pthread_mutex_unlock(&l->mutex);
}

void cond_init(pthread_cond_t *c)
{
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(c, &attr);
	pthread_condattr_destroy(&attr);
}

bool lock_wait(struct lock *l, pthread_cond_t *c, int64_t us)
{
	if (us < 0)
		return pthread_cond_wait(c, &l->mutex) == 0;
	int64_t until = clock_mono_us() + us;
	struct timespec ts = { until / US_PER_S, until % US_PER_S * 1000 };
	return pthread_cond_timedwait(c, &l->mutex, &ts) != ETIMEDOUT;
}

bool thread_start(pthread_t *t, const char *name, void *(*run)(void *), void *arg)
{
	sigset_t all, old;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	bool ok = pthread_create(t, NULL, run, arg) == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (ok)
		pthread_setname_np(*t, name);
	return ok;
}

struct queue {
	struct lock lock;
	pthread_cond_t filled, drained;
	size_t cap, head, n;
	bool closed;
	void *item[];
};

struct queue *queue_new(size_t capacity)
{
	struct queue *q = calloc(1, sizeof *q + capacity * sizeof q->item[0]);
	if (!q)
		return NULL;
	lock_init(&q->lock, RANK_QUEUE);
	cond_init(&q->filled);
	cond_init(&q->drained);
	q->cap = capacity;
	return q;
}

void queue_free(struct queue *q)
{
	if (!q)
		return;
	pthread_cond_destroy(&q->filled);
	pthread_cond_destroy(&q->drained);
	lock_fini(&q->lock);
	free(q);
}

bool queue_put(struct queue *q, void *item, int64_t us)
{
	int64_t until = us < 0 ? INT64_MAX : clock_mono_us() + us;
	lock_take(&q->lock);
	while (q->n == q->cap && !q->closed && us != 0) {
		int64_t left = us < 0 ? -1 : until - clock_mono_us();
		if (us > 0 && left <= 0)
			break;
		lock_wait(&q->lock, &q->drained, left);
	}
	bool ok = !q->closed && q->n < q->cap;
	if (ok) {
		q->item[(q->head + q->n++) % q->cap] = item;
		pthread_cond_signal(&q->filled);
	}
	lock_drop(&q->lock);
	return ok;
}

void *queue_get(struct queue *q, int64_t us)
{
	int64_t until = us < 0 ? INT64_MAX : clock_mono_us() + us;
	void *item = NULL;
	lock_take(&q->lock);
	while (!q->n && !q->closed && us != 0) {
		int64_t left = us < 0 ? -1 : until - clock_mono_us();
		if (us > 0 && left <= 0)
			break;
		lock_wait(&q->lock, &q->filled, left);
	}
	if (q->n) {
		item = q->item[q->head];
		q->head = (q->head + 1) % q->cap;
		q->n--;
		pthread_cond_signal(&q->drained);
	}
	lock_drop(&q->lock);
	return item;
}

void queue_close(struct queue *q)
{
	lock_take(&q->lock);
	q->closed = true;
	pthread_cond_broadcast(&q->filled);
	pthread_cond_broadcast(&q->drained);
	lock_drop(&q->lock);
}

bool queue_closed(struct queue *q)
{
	lock_take(&q->lock);
	bool closed = q->closed;
	lock_drop(&q->lock);
	return closed;
}

size_t queue_length(struct queue *q)
{
	lock_take(&q->lock);
	size_t n = q->n;
	lock_drop(&q->lock);
	return n;
}
