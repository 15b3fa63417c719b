/* SPDX-License-Identifier: Apache-2.0
 * The pool: a stack of connections, so that a little load keeps a few of them warm.  No lock is held while connecting. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "sql/pg.h"

struct pg_pool {
	struct lock lock;
	pthread_cond_t free;
	char *conninfo;
	int64_t wait_us;
	const struct pg_setting *setting;
	size_t n_settings;
	unsigned limit, made, n_idle;
	struct pg *idle[];
};

struct pg_pool *pg_pool_new(const char *conninfo, unsigned n, int64_t wait_us)
{
	return pg_pool_new_set(conninfo, n, wait_us, NULL, 0);
}

struct pg_pool *pg_pool_new_set(const char *conninfo, unsigned n, int64_t wait_us, const struct pg_setting *setting, size_t n_settings)
{
	struct pg_pool *p = calloc(1, sizeof *p + n * sizeof p->idle[0]);
	if (!p || !(p->conninfo = strdup(conninfo))) {
		free(p);
		return NULL;
	}
	lock_init(&p->lock, RANK_POOL);
	cond_init(&p->free);
	p->limit = n;
	p->wait_us = wait_us;
	p->setting = setting;
	p->n_settings = n_settings;
	return p;
}

void pg_pool_free(struct pg_pool *p)
{
	if (!p)
		return;
	while (p->n_idle)
		pg_close(p->idle[--p->n_idle]);
	pthread_cond_destroy(&p->free);
	lock_fini(&p->lock);
	free(p->conninfo);
	free(p);
}

enum err pg_take(struct pg_pool *p, struct pg **out)
{
	int64_t until = clock_mono_us() + p->wait_us, left;
	*out = NULL;
	lock_take(&p->lock);
	while (!p->n_idle && p->made == p->limit && (left = until - clock_mono_us()) > 0)
		lock_wait(&p->lock, &p->free, left);
	if (p->n_idle)
		*out = p->idle[--p->n_idle];
	bool make = !*out && p->made < p->limit;
	p->made += make;
	lock_drop(&p->lock);
	if (*out)
		return ERR_OK;
	if (!make) {
		if (p->wait_us)
			log_warn("sql", "no connection became free in %lld ms", (long long)(p->wait_us / 1000));
		return ERR_UNAVAILABLE;
	}
	enum err e = pg_open_set(p->conninfo, p->setting, p->n_settings, out);
	if (e) {
		lock_take(&p->lock);
		p->made--;
		pthread_cond_signal(&p->free);
		lock_drop(&p->lock);
	}
	return e;
}

void pg_give(struct pg_pool *p, struct pg *c)
{
	pg_rollback(c);
	lock_take(&p->lock);
	p->idle[p->n_idle++] = c;
	pthread_cond_signal(&p->free);
	lock_drop(&p->lock);
}
