/* SPDX-License-Identifier: Apache-2.0 */
#include "sql/pg_standby.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"

#define TURN_US 20000			/* between two looks at the stand-by */
#define AWAY_US (2 * US_PER_S)		/* between two tries to reach one that does not answer */

struct pg_standby {
	char *primary, *standby;
	struct pg_pool *pool;
	pthread_t thread;
	struct lock lock;
	pthread_cond_t stop;
	bool stopping, started;		/* under the lock */
	/* The thread's own. */
	struct pg *at[2];		/* primary, stand-by */
	bool known;			/* its last state was told */
	/* Monotonic: everything that was committed before `seen_us` is visible; 0: it cannot be reached. */
	_Atomic int64_t seen_us, wrote_us;
};

enum { PRIMARY, STANDBY };

/* The first column; NULL: no answer. */
static const char *ask(struct pg_standby *s, int which, struct arena *a, const char *sql, const char *param)
{
	const char *answer = NULL;
	if (s->at[which] && !pg_alive(s->at[which])) {
		pg_close(s->at[which]);
		s->at[which] = NULL;
	}
	if (!s->at[which] && pg_open(which ? s->standby : s->primary, &s->at[which], NULL))
		return NULL;
	return pg_ask(s->at[which], a, sql, &param, param ? 1 : 0, &answer, NULL) ? NULL : answer;
}

static bool stopping(struct pg_standby *s, int64_t us)
{
	lock_take(&s->lock);
	int64_t until = clock_mono_us() + us, left;
	while (!s->stopping && (left = until - clock_mono_us()) > 0)
		lock_wait(&s->lock, &s->stop, left);
	bool yes = s->stopping;
	lock_drop(&s->lock);
	return yes;
}

/* Everything committed until now, in the primary's words; then wait until the stand-by has it.  What calls itself a stand-by and is a
 * primary has everything, if it is the same one: the position tells. */
static bool catch_up(struct pg_standby *s, struct arena *a)
{
	int64_t now = clock_mono_us();
	const char *lsn = ask(s, PRIMARY, a, "SELECT pg_catalog.pg_current_wal_insert_lsn()", NULL), *there;
	while (lsn) {
		there = ask(s, STANDBY, a, "SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn()"
			    " ELSE pg_catalog.pg_current_wal_insert_lsn() END >= $1::pg_catalog.pg_lsn", lsn);
		if (!there)
			return false;
		if (*there == 't') {
			atomic_store(&s->seen_us, now);
			return true;
		}
		if (stopping(s, TURN_US / 10))
			return true;
		arena_reset(a);
		if (clock_mono_us() - now > US_PER_S)
			return true;		/* far behind; begin again with a newer position */
		lsn = ask(s, PRIMARY, a, "SELECT pg_catalog.pg_current_wal_insert_lsn()", NULL);
		now = clock_mono_us();
	}
	return false;
}

static void *standby_run(void *arg)
{
	struct pg_standby *s = arg;
	struct arena *a = arena_new(0);
	bool reached = false;
	do {
		/* nothing new of ours, and it was reached: it is as good as it was */
		if (reached && atomic_load(&s->wrote_us) < atomic_load(&s->seen_us))
			continue;
		bool was = reached;
		reached = a && catch_up(s, a);
		if (!reached)
			atomic_store(&s->seen_us, 0);
		if (reached != was || !s->known)
			log_info("sql", reached ? "the stand-by is read from" : "the stand-by cannot be used: the primary is read from");
		s->known = true;
		arena_reset(a);
	} while (!stopping(s, reached ? TURN_US : AWAY_US));
	arena_free(a);
	return NULL;
}

struct pg_standby *pg_standby_new(const char *primary, const char *standby, unsigned n)
{
	struct pg_standby *s = calloc(1, sizeof *s);
	if (!s)
		return NULL;
	lock_init(&s->lock, RANK_QUEUE);
	cond_init(&s->stop);
	s->primary = strdup(primary);
	s->standby = strdup(standby);
	s->pool = s->primary && s->standby ? pg_pool_new(standby, n, 0) : NULL;
	s->started = s->pool && thread_start(&s->thread, "stand-by", standby_run, s);
	if (s->started)
		return s;
	pg_standby_free(s);
	return NULL;
}

void pg_standby_free(struct pg_standby *s)
{
	if (!s)
		return;
	lock_take(&s->lock);
	s->stopping = true;
	pthread_cond_signal(&s->stop);
	lock_drop(&s->lock);
	if (s->started)
		pthread_join(s->thread, NULL);
	pg_close(s->at[PRIMARY]);
	pg_close(s->at[STANDBY]);
	pg_pool_free(s->pool);
	pthread_cond_destroy(&s->stop);
	lock_fini(&s->lock);
	free(s->primary);
	free(s->standby);
	free(s);
}

void pg_standby_wrote(struct pg_standby *s)
{
	if (s)
		atomic_store(&s->wrote_us, clock_mono_us());
}

struct pg *pg_standby_take(struct pg_standby *s)
{
	struct pg *pg = NULL;
	if (!s || atomic_load(&s->wrote_us) >= atomic_load(&s->seen_us) || pg_take(s->pool, &pg))
		return NULL;
	if (!pg_alive(pg)) {
		pg_give(s->pool, pg);
		pg_standby_failed(s);
		return NULL;
	}
	return pg;
}

void pg_standby_give(struct pg_standby *s, struct pg *pg)
{
	pg_give(s->pool, pg);
}

void pg_standby_failed(struct pg_standby *s)
{
	atomic_store(&s->seen_us, 0);
}
