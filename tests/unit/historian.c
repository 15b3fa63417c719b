/* SPDX-License-Identifier: Apache-2.0 - the historian against a store that is away, loses answers, refuses rows; and its promise about
 * the position: whatever the store is told, all samples of earlier messages are in it. */
#include "twin_engine/historian.h"

#include <math.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "tests/tap.h"

#define MOST 400000

/* A store with only what a historian calls.  Samples carry their message's position as time. */
struct fake {
	struct store store;
	pthread_mutex_t mutex;
	int64_t time[MOST];
	size_t n, appends, largest;
	char live[8][32];
	size_t live_rows;
	char commands[200];
	uint64_t position;
	int64_t highest;		/* of all samples that were told so far */
	bool broken_promise, disorder;
	int away, lose;			/* so many calls fail; fail after they have worked */
	bool poison;
	int64_t series_seen;
};

static struct fake fake = { .mutex = PTHREAD_MUTEX_INITIALIZER };
static int64_t told[MOST];		/* positions of what the test has given to the historian, in order */
static atomic_size_t n_told;

static enum err fake_series(struct store *st, const char *sm, const char *path, const char *unit, int64_t *id)
{
	struct fake *f = (struct fake *)st;
	(void)sm, (void)unit;
	f->series_seen++;
	*id = path[1] - '0' + 1;
	return ERR_OK;
}

static enum err fake_append(struct store *st, const struct store_batch *b)
{
	struct fake *f = (struct fake *)st;
	enum err e = ERR_OK;
	pthread_mutex_lock(&f->mutex);
	f->appends++;
	for (size_t i = 0; i < b->n_samples && f->poison; i++)
		if (b->sample[i].num == 666)
			e = ERR_INTERNAL;
	if (f->away > 0 && f->away--)
		e = ERR_UNAVAILABLE;
	if (!e) {
		for (size_t i = 0; i < b->n_samples; i++) {
			f->disorder |= f->n && b->sample[i].time_us < f->time[f->n - 1];
			f->time[f->n++] = b->sample[i].time_us;
		}
		f->largest = b->n_samples > f->largest ? b->n_samples : f->largest;
		for (size_t i = 0; i < b->n_live; i++)
			snprintf(f->live[b->live[i].series & 7], 32, "%s", b->live[i].text ? b->live[i].text : "(none)");
		f->live_rows += b->n_live;
		if (b->spool) {
			f->broken_promise |= b->position < f->position;
			f->position = b->position;
			size_t due = 0;
			while (due < n_told && (uint64_t)told[due] < b->position)
				due++;
			f->broken_promise |= f->n < due && !f->poison;
		}
		if (f->lose > 0 && f->lose--)
			e = ERR_UNAVAILABLE;
	}
	pthread_mutex_unlock(&f->mutex);
	return e;
}

static enum err fake_position(struct store *st, const char *name, uint64_t *position)
{
	struct fake *f = (struct fake *)st;
	(void)name;
	pthread_mutex_lock(&f->mutex);
	*position = f->position;
	pthread_mutex_unlock(&f->mutex);
	return ERR_OK;
}

static enum err fake_command(struct store *st, const struct store_command *c)
{
	struct fake *f = (struct fake *)st;
	pthread_mutex_lock(&f->mutex);
	snprintf(f->commands + strlen(f->commands), sizeof f->commands - strlen(f->commands), "%s:%s ", c->id, c->state);
	pthread_mutex_unlock(&f->mutex);
	return ERR_OK;
}

static const struct store_ops ops = { .series = fake_series, .append = fake_append, .position = fake_position, .command = fake_command };

static void fresh(void)
{
	pthread_mutex_lock(&fake.mutex);
	fake.store.ops = &ops;
	fake.n = fake.appends = fake.largest = fake.live_rows = 0;
	fake.position = 0;
	fake.broken_promise = fake.disorder = fake.poison = false;
	fake.away = fake.lose = 0;
	fake.series_seen = 0;
	fake.commands[0] = 0;
	memset(fake.live, 0, sizeof fake.live);
	pthread_mutex_unlock(&fake.mutex);
	n_told = 0;
}

static char dir[64];

static struct spool *spool_with(int messages)
{
	struct spool *s = NULL;
	struct engine_message m = { .topic = "t", .payload = "1", .n = 1 };
	char path[100];
	snprintf(path, sizeof path, "%s/0000000000000000.spool", dir);
	unlink(path);
	if (spool_open(&(struct spool_config){ .dir = dir }, &s, NULL))
		return NULL;
	for (int i = 0; i < messages; i++)
		spool_append(s, i + 1, &m, NULL);
	return s;
}

static void give(struct historian *h, const char *path, uint64_t position, double v)
{
	struct engine_sample e = { "urn:a", path, NULL, (int64_t)position, v, "x", QUALITY_GOOD, position };
	told[n_told] = (int64_t)position;	/* before it counts: the store looks at the same time */
	n_told++;
	historian_sample(h, &e);
}

/* As the engine does: reads messages, each with some samples, and marks. */
static void replay(struct historian *h, struct spool *s, int per_message)
{
	struct engine_message m;
	int64_t recv;
	while (spool_read(s, 0, &recv, &m)) {
		for (int i = 0; i < per_message; i++)
			give(h, i % 2 ? "p1" : "p0", m.position, i == 2 && recv == 50 ? 666 : 1.5);
		historian_mark(h, spool_next(s));
	}
}

static bool committed(uint64_t position)
{
	for (int64_t until = clock_mono_us() + 20 * US_PER_S; clock_mono_us() < until; clock_sleep_us(1000)) {
		uint64_t p;
		fake_position(&fake.store, "", &p);
		if (p >= position)
			return true;
	}
	return false;
}

static void test_flow(void)
{
	struct spool *s = spool_with(1000);
	fresh();
	struct historian *h = historian_new(&(struct historian_config){ .store = &fake.store, .spool = s, .spool_name = "n", .batch = 64 });
	replay(h, s, 3);
	check(committed(spool_end(s)), "everything is committed");
	check_int(fake.n, 3000, "each sample once");
	check(!fake.disorder && !fake.broken_promise, "in order, and no position was ahead of the samples");
	check(fake.largest <= 64, "in batches of the given size (%zu)", fake.largest);
	check_int(fake.series_seen, 2, "each series is asked for once");
	for (int64_t until = clock_mono_us() + 5 * US_PER_S; spool_backlog(s) && clock_mono_us() < until; )
		clock_sleep_us(1000);
	check_int(spool_backlog(s), 0, "and the spool is released");
	check_int(historian_committed(h), 3000, "the counter knows");
	historian_free(h);
	spool_close(s);
}

static void test_faults(void)
{
	struct spool *s = spool_with(100);
	fresh();
	fake.away = 3;
	struct historian *h = historian_new(&(struct historian_config){ .store = &fake.store, .spool = s, .spool_name = "n", .batch = 20 });
	replay(h, s, 1);
	check(committed(spool_end(s)) && fake.n == 100 && !fake.disorder, "a store that was away gets everything in order");
	historian_free(h);
	spool_close(s);

	s = spool_with(100);
	fresh();
	fake.lose = 2;
	h = historian_new(&(struct historian_config){ .store = &fake.store, .spool = s, .spool_name = "n", .batch = 20 });
	replay(h, s, 1);
	check(committed(spool_end(s)), "lost answers do not stop it");
	historian_free(h);
	check_int(fake.n, 100, "and what had worked is not done again");
	spool_close(s);

	s = spool_with(100);
	fresh();
	fake.poison = true;
	h = historian_new(&(struct historian_config){ .store = &fake.store, .spool = s, .spool_name = "n" });
	replay(h, s, 3);
	check(committed(spool_end(s)), "a row that is refused does not hold up the others");
	check_int(fake.n, 299, "which are all there");
	check_int(historian_refused(h), 1, "it is counted");
	historian_free(h);
	spool_close(s);
}

static void test_live(void)
{
	fresh();
	struct historian *h = historian_new(&(struct historian_config){ .store = &fake.store });
	char text[12];
	for (int i = 0; i < 1000; i++) {
		snprintf(text, sizeof text, "%d", i);
		historian_live(h, "urn:a", "p2", text, QUALITY_GOOD, i);
	}
	historian_live(h, "urn:a", "p3", NULL, QUALITY_BAD, 1);
	for (int i = 0; i < 3; i++)
		historian_command(h, &(struct store_command){ .id = i == 2 ? "b" : "a", .state = i == 1 ? "completed" : "sent",
				  .submodel_id = "urn:a", .path = "Op", .topic = "t", .payload = "{}", .reason = "", .mode = "act" });
	historian_free(h);
	check_str(fake.live[3], "999", "the newest live value counts");
	check_str(fake.live[4], "(none)", "also the one without a value");
	check(fake.live_rows < 50, "not each of them (%zu rows)", fake.live_rows);
	check_str(fake.commands, "a:sent a:completed b:sent ", "commands are recorded in order");
}

static void *stopper(void *arg)
{
	clock_sleep_us(300000);
	historian_stop(arg);
	return NULL;
}

#define COMMANDS 140		/* of a mebibyte: more than may wait in the open batch and in the one that is being tried */

static atomic_int given;

static void *command(void *arg)
{
	enum { SIZE = 1 << 20 };
	char *payload = malloc(SIZE);
	memset(payload, ' ', SIZE - 1);
	payload[SIZE - 1] = 0;
	for (; given < COMMANDS; given++)
		historian_command(arg, &(struct store_command){ .id = "a", .state = "sent", .submodel_id = "urn:a", .path = "Op", .topic = "t",
				  .payload = payload, .reason = "", .mode = "act" });
	free(payload);
	return NULL;
}

/* Commands are bounded like samples: with the store away for long it is the engine that waits. */
static void test_commands_full(void)
{
	pthread_t t;
	fresh();
	struct historian *h = historian_new(&(struct historian_config){ .store = &fake.store });
	pthread_mutex_lock(&fake.mutex);	/* the store answers nothing */
	pthread_create(&t, NULL, command, h);
	for (int before = -1; given != before && given < COMMANDS; clock_sleep_us(400000))
		before = given;
	check(given < COMMANDS, "so do commands that nobody can record (%d of %d)", given, COMMANDS);
	historian_stop(h);
	pthread_join(t, NULL);
	pthread_mutex_unlock(&fake.mutex);
	historian_free(h);
}

static void test_full(void)
{
	pthread_t t;
	struct spool *s = spool_with(2);
	fresh();
	fake.away = 1 << 30;
	struct historian *h = historian_new(&(struct historian_config){ .store = &fake.store, .spool = s, .spool_name = "n" });
	pthread_create(&t, NULL, stopper, h);
	int64_t t0 = clock_mono_us();
	for (size_t i = 0; i < 250000; i++)
		give(h, "p0", 1, 1);
	check(clock_mono_us() - t0 > 250000, "a full queue makes the engine wait");
	check(clock_mono_us() - t0 < 10 * US_PER_S, "until it is stopped");
	historian_mark(h, spool_end(s));
	pthread_mutex_lock(&fake.mutex);
	fake.away = 0;
	pthread_mutex_unlock(&fake.mutex);
	pthread_join(t, NULL);
	historian_free(h);
	check(fake.n > 100000 && fake.n < 250000, "what was kept is committed (%zu)", fake.n);
	check(fake.position < spool_end(s), "the rest stays in the spool");
	spool_close(s);
}

int main(void)
{
	log_setup(getenv("VERBOSE") ? LOG_INFO : LOG_ERROR, LOG_TEXT);
	snprintf(dir, sizeof dir, "/tmp/historian-test-XXXXXX");
	if (!mkdtemp(dir))
		return 1;
	test_flow();
	test_faults();
	test_live();
	test_full();
	test_commands_full();
	char path[100];
	snprintf(path, sizeof path, "%s/0000000000000000.spool", dir);
	unlink(path);
	snprintf(path, sizeof path, "%s/lock", dir);
	unlink(path);
	rmdir(dir);
	return done();
}
