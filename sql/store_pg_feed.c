/* SPDX-License-Identifier: Apache-2.0
 * store_pg_feed.c - the thread that gives changes their positions in the feed (twinshell.sequence_changes).
 *
 * It is woken by every commit of this process, and looks each second for what others have left.  Between two rounds it pauses, so that under load
 * a round has many changes and costs the writers little.  Everything is in the outbox until it has its position: whoever is killed leaves it to
 * the next one.
 */
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "sql/store_pg_priv.h"

#define ROUND 1000			/* changes */
#define PAUSE_US 10000
#define LOOK_US US_PER_S
#define RETRY_US US_PER_S
#define KEEP_DAYS_MAX 365000u
#define HOUSEKEEPING_US (3600 * US_PER_S)

struct pg_feed {
	struct pg_worker worker;
	int64_t newest, kept_at;	/* the thread's own; when the partitions were looked after; 0: not yet */
	char held[64];			/* the same: the partition that a policy was last said to hold */
	unsigned noted;			/* the same: days of history that the database was told */
	atomic_bool pending;		/* any thread */
};

/* Rows are looked up by their keys: plans that read whole tables are never right, however small the tables look when they are planned. */
static enum err connect_feed(struct pg_feed *f)
{
	static const struct pg_setting setting[] = {
		{ "application_name", "twinshell feed" }, { "enable_seqscan", "off" }, { "enable_hashjoin", "off" }, { "enable_mergejoin", "off" },
		{ "enable_bitmapscan", "off" }, { "lock_timeout", "5s" },
	};
	return pg_worker_connect(&f->worker, setting, sizeof setting / sizeof *setting);
}

/* One statement with one number as a transaction. */
static enum err ask(struct pg_feed *f, struct pg_call *c, const int32_t *number)
{
	struct pg_args args;
	pg_args_init(&args);
	if (number)
		pg_arg_int4(&args, *number);
	c->args = &args;
	enum err e = connect_feed(f);
	if (!e)
		e = pg_once(f->worker.pg, c);
	pg_args_fini(&args);
	return e;
}

/* *more: the outbox has more than one round took. */
static enum err sequence(struct pg_feed *f, bool *more)
{
	static const int32_t most = ROUND;
	struct pg_call c = { .st = PG_feed_sequence };
	enum err e = ask(f, &c, &most);
	*more = false;
	if (!e) {
		int64_t newest = pg_int8(&c, 0, 1);
		store_pg_tail_seen(f->worker.store->tail, newest);
		*more = pg_int8(&c, 0, 0) >= ROUND;
		if (newest != f->newest)
			store_listeners_wake(&f->worker.store->listeners);
		f->newest = newest;
	}
	pg_clear(&c, 1);
	return e;
}

/* Policies are read also when nothing is ever dropped: reports show them. */
static void read_policies(struct pg_feed *f)
{
	const struct pg_store *s = f->worker.store;
	struct pg_args args;
	struct pg_call c = { .st = PG_retention_read, .args = &args };
	pg_args_init(&args);
	f->noted = atomic_load(&s->keep_days);
	pg_arg_int4(&args, (int32_t)f->noted);
	pg_arg_int4(&args, (int32_t)atomic_load(&s->keep_samples));
	pg_arg_int4(&args, (int32_t)atomic_load(&s->keep_rollups));
	enum err e = connect_feed(f);
	if (!e)
		e = pg_begin(f->worker.pg, PG_WRITE);
	if (!e)
		e = pg_run_commit(f->worker.pg, &c, 1);
	if (f->worker.pg)
		pg_rollback(f->worker.pg);
	if (e)
		log_warn("sql", "the data retention policies are not read now: %s", err_info[e].text);
	pg_clear(&c, 1);
	pg_args_fini(&args);
}

/* What is older than the operator wants, and stays: said when it is another. */
static void tell_held(struct pg_feed *f)
{
	struct pg_call c = { .st = PG_retention_held };
	enum err e = ask(f, &c, NULL);
	const char *held = !e && c.n ? pg_str(&c, 0, 0) : "";
	if (!e && strcmp(held, f->held) && *held)
		log_info("sql", "%s and all later months are kept for the data retention policy %s in \"%s\"", held, pg_str(&c, 0, 2),
			 pg_str(&c, 0, 1));
	if (!e)
		snprintf(f->held, sizeof f->held, "%s", held);
	pg_clear(&c, 1);
}

/* Partitions ahead, and none behind what is to be kept.  What fails is done an hour later: the default partition takes every row. */
static void keep_house(struct pg_feed *f)
{
	struct pg_call make = { .st = PG_feed_partitions }, cut = { .st = PG_feed_cut };
	int32_t days = (int32_t)atomic_load(&f->worker.store->keep_days);
	if (f->kept_at && f->noted != (unsigned)days)
		read_policies(f);
	if (f->kept_at && clock_mono_us() - f->kept_at < HOUSEKEEPING_US)
		return;
	f->kept_at = clock_mono_us();
	enum err e = ask(f, &make, NULL);
	if (e)
		log_warn("sql", "no partitions for the coming changes: %s; they are kept in the default ones", err_info[e].text);
	read_policies(f);
	if (days && (e = ask(f, &cut, &days)))
		log_warn("sql", "old history is not dropped now: %s", err_info[e].text);
	else if (days && pg_int4(&cut, 0, 0)) {
		log_info("sql", "%d partitions of history older than %d days are dropped", (int)pg_int4(&cut, 0, 0), (int)days);
		store_pg_contents_sweep(f->worker.store);
	}
	if (days)
		tell_held(f);
	pg_clear(&make, 1);
	pg_clear(&cut, 1);
}

static bool wait_for(struct pg_feed *f, int64_t us, bool commits_too)
{
	int64_t until = clock_mono_us() + us, left;
	lock_take(&f->worker.lock);
	while (!f->worker.stopping && !(commits_too && atomic_load(&f->pending)) && (left = until - clock_mono_us()) > 0)
		lock_wait(&f->worker.lock, &f->worker.wake, left);
	bool go_on = !f->worker.stopping;
	lock_drop(&f->worker.lock);
	return go_on;
}

static void *feed_run(void *arg)
{
	struct pg_feed *f = arg;
	bool more = true, failed = false;
	do {
		atomic_store(&f->pending, false);
		keep_house(f);
		store_pg_claim_keep(f->worker.store);
		enum err e = sequence(f, &more);
		if (e && !failed)
			log_warn("sql", "changes do not get their place in the feed: %s; trying again", err_info[e].text);
		failed = e != ERR_OK;
		if (failed && !wait_for(f, RETRY_US, false))
			break;
	} while (more || failed || (wait_for(f, PAUSE_US, false) && wait_for(f, LOOK_US, true)));
	return NULL;
}

/* -- from outside ----------------------------------------------------------------------------------------------------------------------- */
void store_pg_feed_wake(struct pg_store *s)
{
	struct pg_feed *f = s->feed;
	if (!f || atomic_exchange(&f->pending, true))
		return;
	lock_take(&f->worker.lock);
	pthread_cond_signal(&f->worker.wake);
	lock_drop(&f->worker.lock);
}

void store_pg_keep_history(struct store *s, unsigned days)
{
	atomic_store(&((struct pg_store *)s)->keep_days, days < KEEP_DAYS_MAX ? days : KEEP_DAYS_MAX);
}

enum err store_pg_feed_start(struct pg_store *s)
{
	struct pg_feed *f = pg_worker_new(sizeof *f, s, RANK_QUEUE);
	if (f)
		f->newest = -1;
	return (s->feed = pg_worker_start(f, "feed", feed_run, NULL)) ? ERR_OK : ERR_NO_MEMORY;
}

void store_pg_feed_stop(struct pg_feed *f)
{
	pg_worker_stop(f, NULL, NULL);
}
