/* SPDX-License-Identifier: Apache-2.0
 * store_pg_worker.c - begin and end of the threads of the store: each has a connection of its own, a lock, and somebody who wakes it.
 */
#include <stdlib.h>

#include "sql/store_pg_priv.h"

void *pg_worker_new(size_t size, struct pg_store *s, enum lock_rank rank)
{
	struct pg_worker *w = calloc(1, size);
	if (!w)
		return NULL;
	w->store = s;
	lock_init(&w->lock, rank);
	cond_init(&w->wake);
	return w;
}

void pg_worker_free(void *worker, void (*fini)(void *))
{
	struct pg_worker *w = worker;
	if (fini)
		fini(w);
	pg_close(w->pg);
	pthread_cond_destroy(&w->wake);
	lock_fini(&w->lock);
	free(w);
}

void *pg_worker_start(void *worker, const char *name, void *(*run)(void *), void (*fini)(void *))
{
	struct pg_worker *w = worker;
	if (w && thread_start(&w->thread, name, run, w))
		return w;
	if (w)
		pg_worker_free(w, fini);
	return NULL;
}

void pg_worker_stop(void *worker, void (*wake)(void *), void (*fini)(void *))
{
	struct pg_worker *w = worker;
	if (!w)
		return;
	lock_take(&w->lock);
	w->stopping = true;
	pthread_cond_signal(&w->wake);
	lock_drop(&w->lock);
	if (wake)
		wake(w);
	pthread_join(w->thread, NULL);
	pg_worker_free(w, fini);
}

bool pg_worker_stopping(struct pg_worker *w)
{
	lock_take(&w->lock);
	bool yes = w->stopping;
	lock_drop(&w->lock);
	return yes;
}

enum err pg_worker_connect(struct pg_worker *w, const struct pg_setting *setting, size_t n)
{
	return w->pg ? ERR_OK : pg_open_set(w->store->conninfo, setting, n, &w->pg);
}
