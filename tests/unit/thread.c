/* SPDX-License-Identifier: Apache-2.0 */
#include "base/thread.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/tap.h"

#define N 20000

static struct queue *q;

static void *produce(void *arg)
{
	for (uintptr_t i = 1; i <= N; i++)
		if (!queue_put(q, (void *)i, -1))
			return NULL;
	return arg;
}

static void *consume(void *arg)
{
	uintptr_t sum = 0;
	void *item;
	(void)arg;
	while ((item = queue_get(q, -1)))
		sum += (uintptr_t)item;
	return (void *)sum;
}

static void test_queue(void)
{
	pthread_t p[2], c[2];
	void *sum[2], *ok[2];
	char a[] = "a", b[] = "b", e[] = "c";
	int64_t from = clock_mono_us();
	q = queue_new(3);
	check(!queue_get(q, 0) && !queue_get(q, 2000) && clock_mono_us() - from >= 2000, "an empty queue gives nothing, at once or in time");
	check(queue_put(q, a, 0) && queue_put(q, b, 0) && queue_put(q, e, 0) && !queue_put(q, a, 0) && !queue_put(q, a, 1000),
	      "a full one takes nothing");
	check_int(queue_length(q), 3, "its length");
	check_str(queue_get(q, 0), "a", "first in, first out");
	while (queue_get(q, 0))
		;
	for (int i = 0; i < 2; i++)
		check(thread_start(&p[i], "producer", produce, q) && thread_start(&c[i], "consumer", consume, NULL), "threads start");
	for (int i = 0; i < 2; i++)
		pthread_join(p[i], &ok[i]);
	queue_close(q);
	for (int i = 0; i < 2; i++)
		pthread_join(c[i], &sum[i]);
	check(ok[0] && ok[1], "everything was put");
	check_int((uintptr_t)sum[0] + (uintptr_t)sum[1], (uintptr_t)N * (N + 1), "everything arrives once");
	check(queue_closed(q) && !queue_put(q, a, -1) && !queue_get(q, -1), "a closed queue neither takes nor waits");
	queue_free(q);
	queue_free(NULL);
}

static void *mask_of(void *arg)
{
	sigset_t *set = arg;
	pthread_sigmask(SIG_BLOCK, NULL, set);
	return NULL;
}

/* A lock taken against the ranks must stop a debug build; tried in a child. */
static void test_ranks(void)
{
#ifndef NDEBUG
	struct lock low, high;
	int status = 0;
	lock_init(&low, RANK_CHANGE);
	lock_init(&high, RANK_LEAF);
	pid_t pid = fork();
	if (pid == 0) {
		signal(SIGABRT, SIG_DFL);
		if (!freopen("/dev/null", "w", stderr))
			_exit(2);
		lock_take(&high);
		lock_take(&low);
		_exit(0);
	}
	check(pid > 0 && waitpid(pid, &status, 0) == pid && !(WIFEXITED(status) && WEXITSTATUS(status) == 0), "the wrong order is caught");
	lock_take(&low);
	lock_take(&high);
	lock_drop(&low);
	lock_drop(&high);
	lock_take(&low);
	lock_drop(&low);
	check(1, "the right order is not, in whatever order they are dropped");
	lock_fini(&low);
	lock_fini(&high);
#endif
}

int main(void)
{
	struct lock l = LOCK_INIT(RANK_LEAF);
	pthread_cond_t cond;
	pthread_t t;
	sigset_t set;
	sigemptyset(&set);
	cond_init(&cond);
	lock_take(&l);
	check(!lock_wait(&l, &cond, 2000), "a wait ends when its time is over");
	lock_drop(&l);
	pthread_cond_destroy(&cond);
	check(thread_start(&t, "masked", mask_of, &set) && !pthread_join(t, NULL) && sigismember(&set, SIGTERM) && sigismember(&set, SIGHUP),
	      "threads take no signals");
	test_queue();
	test_ranks();
	return done();
}
