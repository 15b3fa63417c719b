/* SPDX-License-Identifier: Apache-2.0
 * store_pg_watch.c - several processes on one database: each tells the others what it has committed, with NOTIFY, and hears it from them.
 *
 * One thread with one connection does both.  A NOTIFY in every transaction would make commits wait for each other, so what was committed is
 * collected, and goes out as one notification every GAP_US at most, of an identifiable the newest version alone.  Who is alone sends nothing.
 *
 *   hello    somebody begins to listen: he is told "*", because until then his changes and those of others could have passed each other
 *   *        more was committed than can be told: whatever you have may be old
 *   bye      somebody stops, and has told everything
 *
 * Who disappears without a bye (killed between a commit and its notification) is missed at the next beat, and everything counts as changed; once
 * more at the beat after it, for his last COMMIT may still have been on its way.
 *
 * Before anybody hears of a change a stand-by counts as too old until it has come that far: else what is read from it, old as it is, would be kept
 * as if it had been read after the change.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "base/thread.h"
#include "sql/store_pg_priv.h"

#define CHANNEL "twinshell_cache"
#define APPLICATION "twinshell cache"
#define GAP_US 2000			/* between two notifications */
#define BEAT_US US_PER_S		/* who is there? */
#define RETRY_US 200000			/* before the next try to connect */
#define NOTICES_MAX 32			/* of one sending: more are told as "*" */

struct pg_watch {
	struct pg_worker worker;
	struct store_watch to;
	int wake_fd;
	/* the thread's own */
	struct map peers;		/* "PID/start" of the others that listen */
	int64_t beat_us, send_us;	/* monotonic: not before */
	bool missed;			/* somebody was, at the last beat */
	bool listening;
	/* under the lock */
	struct map pending;		/* kind as a digit and id -> version */
	bool everything;		/* instead of them */
	bool alone;
};

/* -- from outside: what was committed here ------------------------------------------------------------------------------------------------ */
static void poke(void *w)
{
	uint64_t one = 1;
	if (write(((struct pg_watch *)w)->wake_fd, &one, sizeof one) < 0)
		log_error("sql", "eventfd: %m");	/* cannot happen: the counter does not overflow */
}

static bool is_due(const struct pg_watch *w)
{
	return w->everything || w->pending.n;
}

/* The lock is held. */
static void all_pending(struct pg_watch *w)
{
	map_fini(&w->pending);
	w->pending = (struct map)MAP_INIT;
	w->everything = true;
}

/* The lock is held. */
static void note(struct pg_watch *w, struct buf *key, enum store_kind kind, const char *id, int64_t version)
{
	void *old = NULL;
	if (w->everything)
		return;
	buf_reset(key);
	buf_putc(key, (char)('0' + kind));
	buf_puts(key, id);
	bool ok = !key->failed && key->n <= STORE_PG_NOTICE_ID && w->pending.n < STORE_PG_TOUCHED_MAX &&
		  map_put(&w->pending, key->p, key->n, (void *)(uintptr_t)version, &old);
	if (!ok)
		all_pending(w);
	else if ((int64_t)(uintptr_t)old > version)	/* two commits of one submodel are told in any order; it has become no smaller */
		map_put(&w->pending, key->p, key->n, old, NULL);
}

static void tell(struct pg_store *s, const struct pg_touched *list, bool everything)
{
	struct pg_watch *w = atomic_load(&s->watch);
	struct buf key = BUF_INIT;
	if (!w)
		return;
	lock_take(&w->worker.lock);
	bool first = !w->alone && !is_due(w);
	if (!w->alone && everything)
		all_pending(w);
	for (; list && !w->alone; list = list->next)
		note(w, &key, list->kind, list->id, list->version);
	lock_drop(&w->worker.lock);
	if (first)
		poke(w);
	buf_fini(&key);
}

bool store_pg_touched_add(struct pg_touched **list, enum store_kind kind, const char *id, int64_t version)
{
	size_t n = strlen(id) + 1;
	struct pg_touched *p = malloc(sizeof *p + n);
	if (!p)
		return false;
	*p = (struct pg_touched){ .next = *list, .kind = kind, .version = version };
	memcpy(p->id, id, n);
	*list = p;
	return true;
}

void store_pg_touch(struct store_txn *t, enum store_kind kind, const char *id, int64_t version)
{
	if (t->n_touched == STORE_PG_TOUCHED_MAX || !atomic_load(&t->store->watch))
		return;
	if (++t->n_touched < STORE_PG_TOUCHED_MAX && !store_pg_touched_add(&t->touched, kind, id, version))
		t->n_touched = STORE_PG_TOUCHED_MAX;
}

void store_pg_tell(struct store_txn *t, bool unknown)
{
	tell(t->store, t->touched, unknown || t->n_touched == STORE_PG_TOUCHED_MAX);
}

void store_pg_forget_touched(struct pg_touched *list)
{
	for (struct pg_touched *p = list, *next; p; p = next) {
		next = p->next;
		free(p);
	}
}

void store_pg_tell_one(struct pg_store *s, enum store_kind kind, const char *id, int64_t version)
{
	struct store_txn t = { .store = s };
	store_pg_touch(&t, kind, id, version);
	if (t.n_touched)
		store_pg_tell(&t, false);
	store_pg_forget_touched(t.touched);
}

void store_pg_tell_all(struct pg_store *s)
{
	tell(s, NULL, true);
}

bool store_pg_alone(struct pg_store *s)
{
	struct pg_watch *w = atomic_load(&s->watch);
	if (!w)
		return false;
	lock_take(&w->worker.lock);
	bool alone = w->alone;
	lock_drop(&w->worker.lock);
	return alone;
}

/* -- telling ------------------------------------------------------------------------------------------------------------------------------ */
static enum err notify(struct pg_watch *w, const char *text)
{
	return pg_ask(w->worker.pg, NULL, "SELECT pg_notify('" CHANNEL "', $1)", &text, 1, NULL, NULL);
}

/* As few notifications as they fit into; false: more than NOTICES_MAX, or no memory. */
static bool write_notices(struct pg_watch *w, const struct map *m, enum err *e)
{
	struct buf b = BUF_INIT;
	struct map_item *it;
	unsigned n = 0;
	bool ok = true;
	for (size_t i = 0; ok && !*e && (it = map_next(m, &i));) {
		enum store_kind kind = (enum store_kind)(it->key[0] - '0');
		int64_t version = (int64_t)(uintptr_t)it->value;
		if (store_pg_notice_add(&b, kind, it->key + 1, version))
			continue;
		ok = !b.failed && ++n < NOTICES_MAX;
		if (ok && !(*e = notify(w, b.p))) {
			buf_reset(&b);
			ok = store_pg_notice_add(&b, kind, it->key + 1, version);
		}
	}
	if (ok && !*e && b.n)
		*e = notify(w, b.p);
	buf_fini(&b);
	return ok;
}

static enum err send_pending(struct pg_watch *w)
{
	enum err e = ERR_OK;
	lock_take(&w->worker.lock);
	struct map m = w->pending;
	bool everything = w->everything;
	w->pending = (struct map)MAP_INIT;
	w->everything = false;
	lock_drop(&w->worker.lock);
	if (!everything && m.n)
		everything = !write_notices(w, &m, &e);
	if (!e && everything)
		e = notify(w, "*");
	if (e) {
		lock_take(&w->worker.lock);
		all_pending(w);
		lock_drop(&w->worker.lock);
	}
	map_fini(&m);
	w->send_us = clock_mono_us() + GAP_US;
	return e;
}

/* -- hearing ------------------------------------------------------------------------------------------------------------------------------ */
static void forget_peer(struct pg_watch *w, int pid)
{
	struct map_item *it;
	char begins[16];
	int n = snprintf(begins, sizeof begins, "%d/", pid);
	for (size_t i = 0; (it = map_next(&w->peers, &i));)
		if (!strncmp(it->key, begins, (size_t)n)) {
			map_del(&w->peers, it->key, it->n);
			return;
		}
}

static void heard(void *ctx, int pid, const char *channel, const char *text)
{
	struct pg_watch *w = ctx;
	if (pid == pg_pid(w->worker.pg) || strcmp(channel, CHANNEL))
		return;
	if (!strcmp(text, "hello")) {
		lock_take(&w->worker.lock);
		w->alone = false;
		all_pending(w);
		lock_drop(&w->worker.lock);
		w->beat_us = 0;
	} else if (!strcmp(text, "bye")) {
		forget_peer(w, pid);
	} else {
		pg_standby_wrote(w->worker.store->standby);
		if (!store_pg_notice_read(text, w->to.changed, w->to.ctx))
			w->to.heard(w->to.ctx, true);	/* "*", or what nobody understands */
	}
}

/* Who listens now; of whom we knew, is anybody gone? */
static enum err beat(struct pg_watch *w)
{
	static const char sql[] =
		"SELECT coalesce(string_agg(pid || '/' || to_char(backend_start, 'YYYYMMDDHH24MISSUS'), ','), '') FROM pg_stat_activity"
		" WHERE datname = current_database() AND application_name = '" APPLICATION "' AND pid <> pg_backend_pid()";
	struct arena *a = arena_new(0);
	struct map now = MAP_INIT;
	const char *list = NULL;
	enum err e = a ? pg_ask(w->worker.pg, a, sql, NULL, 0, &list, NULL) : ERR_NO_MEMORY;
	for (const char *p = list; p && *p && !e; p += p[strcspn(p, ",")] ? strcspn(p, ",") + 1 : strcspn(p, ","))
		e = map_put(&now, p, strcspn(p, ","), w, NULL) ? ERR_OK : ERR_NO_MEMORY;
	bool gone = false;
	struct map_item *it;
	for (size_t i = 0; !e && (it = map_next(&w->peers, &i));)
		gone = gone || !map_get(&now, it->key, it->n);
	if (!e) {
		struct map was = w->peers;
		w->peers = now;
		now = was;
		if (gone || w->missed) {
			pg_standby_wrote(w->worker.store->standby);
			w->to.heard(w->to.ctx, true);
		}
		w->missed = gone;
		lock_take(&w->worker.lock);
		w->alone = !w->peers.n;
		lock_drop(&w->worker.lock);
		w->beat_us = clock_mono_us() + BEAT_US;
	}
	map_fini(&now);
	arena_free(a);
	return e;
}

/* -- the thread --------------------------------------------------------------------------------------------------------------------------- */
/* The name is there before the greeting is: whoever hears it and looks, sees us.  Its commits lose nothing when they are not on the disk. */
static enum err join(struct pg_watch *w)
{
	static const char sql[] = "SET application_name = '" APPLICATION "'; SET synchronous_commit = off; LISTEN " CHANNEL ";"
				  "SELECT pg_notify('" CHANNEL "', 'hello')";
	enum err e = pg_worker_connect(&w->worker, NULL, 0);
	if (!e)
		e = pg_script(w->worker.pg, sql, NULL);
	if (!e)
		e = beat(w);
	if (!e) {
		w->listening = true;
		pg_standby_wrote(w->worker.store->standby);
		w->to.heard(w->to.ctx, true);
	}
	return e;
}

static void lose(struct pg_watch *w)
{
	if (w->listening)
		log_info("sql", "changes of other processes are not heard now: every read asks the database");
	w->listening = false;
	lock_take(&w->worker.lock);
	w->alone = false;
	lock_drop(&w->worker.lock);
	w->to.heard(w->to.ctx, false);
	pg_close(w->worker.pg);
	w->worker.pg = NULL;
}

static void leave(struct pg_watch *w)
{
	lock_take(&w->worker.lock);
	bool due = is_due(w), alone = w->alone;
	lock_drop(&w->worker.lock);
	if (due)
		send_pending(w);
	if (!alone)
		pg_script(w->worker.pg, "SELECT set_config('application_name', 'twinshell', false), pg_notify('" CHANNEL "', 'bye')", NULL);
}

static void wait_until(struct pg_watch *w, int64_t until)
{
	struct pollfd p[2] = { { .fd = w->wake_fd, .events = POLLIN }, { .fd = w->worker.pg ? pg_socket(w->worker.pg) : -1, .events = POLLIN } };
	int64_t left = until - clock_mono_us();
	uint64_t count;
	if (left <= 0)
		return;
	if (poll(p, 2, (int)((left + 999) / 1000)) < 0 && errno != EINTR)
		log_error("sql", "poll: %m");
	if (p[0].revents && read(w->wake_fd, &count, sizeof count) < 0)
		log_error("sql", "eventfd: %m");
}

static enum err work(struct pg_watch *w)
{
	int64_t now = clock_mono_us();
	enum err e = now >= w->beat_us ? beat(w) : ERR_OK;
	if (!e && !pg_notices(w->worker.pg, heard, w))	/* also what came together with an answer: the socket has nothing of it any more */
		e = ERR_UNAVAILABLE;
	lock_take(&w->worker.lock);
	bool due = is_due(w);
	lock_drop(&w->worker.lock);
	if (!e && due && now >= w->send_us)
		e = send_pending(w);
	else if (!e)
		wait_until(w, due ? w->send_us : w->beat_us);
	return e;
}

static void *watch_run(void *arg)
{
	struct pg_watch *w = arg;
	while (!pg_worker_stopping(&w->worker)) {
		if (w->worker.pg ? !work(w) : !join(w))
			continue;
		lose(w);
		if (!pg_worker_stopping(&w->worker))
			wait_until(w, clock_mono_us() + RETRY_US);
	}
	if (w->worker.pg)
		leave(w);
	return NULL;
}

/* -- begin and end ------------------------------------------------------------------------------------------------------------------------ */
static void watch_fini(void *watch)
{
	struct pg_watch *w = watch;
	map_fini(&w->peers);
	map_fini(&w->pending);
	if (w->wake_fd >= 0)
		close(w->wake_fd);
}

enum err store_pg_watch(struct store *store, const struct store_watch *to)
{
	struct pg_store *s = (struct pg_store *)store;
	struct pg_watch *none = NULL;
	if (!to) {
		pg_worker_stop(atomic_exchange(&s->watch, NULL), poke, watch_fini);
		return ERR_OK;
	}
	if (pg_pooled())
		return ERR_NOT_SUPPORTED;	/* a session that is lent for one transaction cannot listen */
	struct pg_watch *w = pg_worker_new(sizeof *w, s, RANK_QUEUE);
	if (!w)
		return ERR_NO_MEMORY;
	w->to = *to;
	w->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (w->wake_fd < 0 || !atomic_compare_exchange_strong(&s->watch, &none, w)) {
		pg_worker_free(w, watch_fini);
		return none ? ERR_CONFLICT : ERR_NO_MEMORY;
	}
	if (pg_worker_start(w, "watch", watch_run, watch_fini))
		return ERR_OK;
	atomic_store(&s->watch, NULL);
	return ERR_NO_MEMORY;
}
