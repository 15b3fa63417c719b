/* SPDX-License-Identifier: Apache-2.0 - the spool: order, restart, torn tails, release, bounds, and what a killed process leaves. */
#include "twin_engine/spool.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/tap.h"

static char dir[64];

static void wipe(void)
{
	char path[400];
	DIR *d = opendir(dir);
	for (struct dirent *e; d && (e = readdir(d)); ) {
		snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
		if (e->d_name[0] != '.')
			unlink(path);
	}
	if (d)
		closedir(d);
}

static size_t segments(char *last, size_t size)
{
	size_t n = 0;
	char best[300] = "";
	DIR *d = opendir(dir);
	for (struct dirent *e; d && (e = readdir(d)); )
		if (strstr(e->d_name, ".spool")) {
			n++;
			if (strcmp(e->d_name, best) > 0)
				snprintf(best, sizeof best, "%s", e->d_name);
		}
	if (d)
		closedir(d);
	if (last)
		snprintf(last, size, "%s/%s", dir, best);
	return n;
}

static struct spool *open_spool(size_t segment, size_t max)
{
	struct spool *s = NULL;
	struct diag d = DIAG_INIT;
	char text[300];
	if (spool_open(&(struct spool_config){ .dir = dir, .segment_bytes = segment, .max_bytes = max }, &s, &d))
		printf("# %s\n", diag_first(&d, text, sizeof text));
	diag_fini(&d);
	return s;
}

static enum err put(struct spool *s, int i, uint64_t *position)
{
	char topic[32], payload[64];
	snprintf(topic, sizeof topic, "plant/%d", i % 7);
	int n = snprintf(payload, sizeof payload, "{\"seq\":%d}", i);
	struct engine_message m = { .topic = topic, .payload = payload, .n = (size_t)n, .retained = i % 5 == 0,
				    .correlation = i % 3 == 0 ? "c-1" : NULL };
	return spool_append(s, 1000 + i, &m, position);
}

/* Reads all there is and says whether it is from, from + 1, ...; returns how many. */
static int drain(struct spool *s, int from, bool *exact)
{
	struct engine_message m;
	int64_t recv;
	int n = 0;
	*exact = true;
	for (; spool_read(s, 0, &recv, &m); n++) {
		char topic[32], payload[64];
		int i = from + n;
		snprintf(topic, sizeof topic, "plant/%d", i % 7);
		size_t len = (size_t)snprintf(payload, sizeof payload, "{\"seq\":%d}", i);
		if (recv != 1000 + i || strcmp(m.topic, topic) || m.n != len || memcmp(m.payload, payload, len) || m.payload[len] ||
		    m.retained != (i % 5 == 0) || (i % 3 == 0) != (m.correlation && !strcmp(m.correlation, "c-1")))
			*exact = false;
	}
	return n;
}

static void test_order(void)
{
	bool exact;
	uint64_t p[500], next = 0;
	wipe();
	struct spool *s = open_spool(4096, 1 << 20);
	if (!check(s, "a spool opens in an empty directory"))
		return;
	bool ok = true;
	for (int i = 0; i < 500; i++)
		ok = ok && put(s, i, &p[i]) == ERR_OK && p[i] >= next && (next = p[i] + 1);
	check(ok, "500 records are appended at growing positions");
	check(segments(NULL, 0) > 5, "they take several segments");
	check_int(drain(s, 0, &exact), 500, "all are read");
	check(exact, "in order and unchanged, flags and correlation too");
	check(spool_next(s) == spool_end(s), "the reader is at the end");
	spool_seek(s, p[123]);
	check_int(drain(s, 123, &exact), 377, "seek begins at the record of that position");
	check(exact, "which is the right one");
	spool_close(s);

	s = open_spool(4096, 1 << 20);
	put(s, 500, NULL);
	spool_seek(s, p[200] + 1);
	check_int(drain(s, 201, &exact), 300, "a new process reads them again, and what it appended");
	check(exact, "in order");
	spool_close(s);
}

/* Of the large one the reader takes at a time what it takes of many small ones. */
static void test_large(void)
{
	enum { LARGE = 3 << 20, SEGMENT = 4 << 20 };
	int64_t recv;
	char *payload = malloc(LARGE);
	struct engine_message m = { .topic = "t/large", .payload = payload, .n = LARGE };
	wipe();
	struct spool *s = open_spool(SEGMENT, 0);
	for (int i = 0; i < LARGE; i++)
		payload[i] = (char)(i * 7 + i / 1000);
	put(s, 0, NULL);
	check_int(spool_append(s, 1, &m, NULL), ERR_OK, "a record of most of a segment is appended");
	put(s, 1, NULL);
	for (int i = 0; i < 2; i++) {
		bool all = spool_read(s, 0, &recv, &m) && spool_read(s, 0, &recv, &m);
		check(all && m.n == LARGE && !memcmp(m.payload, payload, LARGE), "and read whole%s", i ? ", also by who makes smaller segments" : "");
		check(spool_read(s, 0, &recv, &m) && m.n < 100 && !spool_read(s, 0, &recv, &m), "what follows is read, too");
		spool_close(s);
		s = open_spool(4096, 0);
	}
	spool_close(s);
	free(payload);
}

/* A directory whose segments would have no name that the system takes. */
static void test_long_name(void)
{
	char name[PATH_MAX - 10], text[DIAG_PATH_MAX + DIAG_TEXT_MAX];
	struct spool *s = NULL;
	struct diag d = DIAG_INIT;
	snprintf(name, sizeof name, "%s", dir);
	memset(name + strlen(name), '/', sizeof name - strlen(name) - 1);
	name[sizeof name - 1] = 0;
	check_int(spool_open(&(struct spool_config){ .dir = name }, &s, &d), ERR_IO, "a name that has no room behind it is refused");
	check(strstr(diag_first(&d, text, sizeof text), "too long"), "for what it is");
	diag_fini(&d);
}

/* Stands before the C library's: what is acknowledged with `ack = disk` must be on the disk first. */
static size_t synced;

int fdatasync(int fd)
{
	synced++;
	return fsync(fd);
}

static void test_sync(void)
{
	bool exact;
	wipe();
	struct spool *s = open_spool(4096, 1 << 20);
	synced = 0;
	put(s, 0, NULL);
	check_int(synced, 0, "usually a message is left to the page cache");
	spool_close(s);
	wipe();
	check_int(spool_open(&(struct spool_config){ .dir = dir, .segment_bytes = 4096, .max_bytes = 1 << 20, .sync = true }, &s, NULL), ERR_OK, "with sync");
	for (int i = 0; i < 100; i++) {
		synced = 0;
		if (put(s, i, NULL) || synced != 1)
			break;
	}
	check_int(synced, 1, "every one");
	check_int(drain(s, 0, &exact), 100, "and can be read");
	spool_close(s);
}

static void test_release(void)
{
	bool exact;
	uint64_t p = 0, half = 0;
	int n = 0;
	enum err e;
	wipe();
	struct spool *s = open_spool(4096, 16384);
	for (; !(e = put(s, n, &p)); n++)
		if (n == 100)
			half = p;
	check_int(e, ERR_TOO_LARGE, "a full spool refuses");
	check_int(segments(NULL, 0), 4, "it has as many segments as it may");
	check(!spool_wait_space(s, 1000), "no room comes by itself");
	check_int(drain(s, 0, &exact), n, "the reader still gets every record");
	spool_release(s, half);
	check(spool_wait_space(s, 0), "release makes room");
	check_int(put(s, n, NULL), ERR_OK, "and the refused record fits");
	check(segments(NULL, 0) <= 4, "the number of segments stays bounded");
	check_int(drain(s, n, &exact), 1, "it is read");
	spool_release(s, spool_end(s));
	check_int(spool_backlog(s), 0, "all released: no backlog");
	check_int(segments(NULL, 0), 2, "and the last two segments are left, for what the broker delivers again");
	char big[5000] = "";
	struct engine_message m = { .topic = "t", .payload = big, .n = sizeof big };
	check_int(spool_append(s, 0, &m, NULL), ERR_BAD_REQUEST, "a message larger than a segment is told apart");
	spool_close(s);
}

static void damage(long from_used, size_t used)
{
	char path[400];
	segments(path, sizeof path);
	int fd = open(path, O_RDWR);
	char c = 0x5a;
	if (pwrite(fd, &c, 1, (long)used - from_used) != 1)
		perror("pwrite");
	close(fd);
}

static void test_torn(void)
{
	bool exact;
	uint64_t p = 0;
	wipe();
	struct spool *s = open_spool(65536, 0);
	for (int i = 0; i < 10; i++)
		put(s, i, &p);
	uint64_t end = spool_end(s);
	spool_close(s);
	damage(9, end);		/* inside the last record */
	s = open_spool(65536, 0);
	check_int(spool_end(s), p, "a torn record at the end is cut off");
	put(s, 9, NULL);
	check_int(drain(s, 0, &exact), 10, "and its place is used again");
	check(exact, "the records around it are whole");
	end = spool_end(s);
	spool_close(s);
	damage(-20, end);	/* rubbish behind the end */
	s = open_spool(65536, 0);
	check_int(spool_end(s), end, "rubbish behind the end is cleared");
	spool_close(s);
}

static void test_lost(void)
{
	bool exact;
	uint64_t p = 0;
	wipe();
	struct spool *s = open_spool(4096, 0);
	spool_seek(s, 1000000);
	check(spool_end(s) >= 1000000, "a spool that was lost continues where the database is");
	put(s, 0, &p);
	check(p >= 1000000, "no position is given twice");
	check_int(drain(s, 0, &exact), 1, "and its records are read");
	spool_close(s);
	s = open_spool(4096, 0);
	spool_seek(s, p);
	check_int(drain(s, 0, &exact), 1, "also after a restart");
	spool_seek(s, spool_end(s) + 8);	/* a gap inside the preallocated part */
	put(s, 1, &p);
	spool_close(s);
	s = open_spool(4096, 0);
	spool_seek(s, p);
	check_int(drain(s, 1, &exact), 1, "a gap does not look like the end");
	struct spool *t = NULL;
	check_int(spool_open(&(struct spool_config){ .dir = dir }, &t, NULL), ERR_CONFLICT, "a directory has one owner");
	spool_close(s);
}

/* What the broker sends under the identifier `packet`; says whether the spool has grown by it. */
static bool grows(struct spool *s, unsigned packet, bool again, const char *payload)
{
	uint64_t end = spool_end(s);
	struct engine_message m = { .topic = "t", .payload = payload, .n = strlen(payload), .packet = (uint16_t)packet, .again = again };
	check_int(spool_append(s, 1, &m, NULL), ERR_OK, "%u %s%s is taken", packet, payload, again ? ", again" : "");
	return spool_end(s) > end;
}

static void test_again(void)
{
	bool exact;
	wipe();
	struct spool *s = open_spool(4096, 16384);
	check(grows(s, 1, false, "a") && grows(s, 2, false, "b"), "what comes first is kept");
	check(!grows(s, 1, true, "a") && !grows(s, 2, true, "b"), "what the broker delivers again is not");
	check(grows(s, 3, true, "a"), "another packet with the same content is");
	check(grows(s, 2, true, "c"), "and the same packet with another content");
	check(grows(s, 1, false, "a"), "a new message under a used identifier is new, whatever it says");
	check(grows(s, 0, true, "a") && grows(s, 0, true, "a"), "without an identifier nothing is known");
	spool_seek(s, spool_end(s));
	spool_close(s);

	s = open_spool(4096, 16384);
	spool_seek(s, spool_end(s));
	check(!grows(s, 3, true, "a") && !grows(s, 2, true, "c"), "the next process knows them, although they are committed");
	check(grows(s, 2, true, "b"), "and only what came last under an identifier");
	int n = 0;
	while (segments(NULL, 0) < 2)
		put(s, n++, NULL);
	spool_release(s, spool_end(s));
	spool_close(s);
	s = open_spool(4096, 16384);
	check(!grows(s, 3, true, "a") && !grows(s, 2, true, "b"), "also when a new segment has just begun");
	spool_seek(s, spool_end(s));
	while (segments(NULL, 0) < 3)
		put(s, 0, NULL);
	spool_release(s, spool_end(s));
	check_int(segments(NULL, 0), 2, "an older one goes");
	spool_close(s);
	s = open_spool(4096, 8192);
	spool_seek(s, spool_end(s));
	for (n = 0; put(s, n, NULL) == ERR_OK && n < 1000; n++)
		spool_release(s, spool_end(s));
	check_int(n, 1000, "a spool of two segments holds nobody up for it");
	drain(s, 0, &exact);
	spool_close(s);
}

struct feeder {
	struct spool *s;
	int n;
};

static void *feed(void *arg)
{
	struct feeder *f = arg;
	for (int i = 0; i < f->n; i++)
		while (put(f->s, i, NULL) == ERR_TOO_LARGE)
			spool_wait_space(f->s, 100000);
	return NULL;
}

static void test_threads(void)
{
	wipe();
	struct feeder f = { open_spool(4096, 8192), 20000 };
	pthread_t t;
	int seen = 0;
	int64_t recv, until = clock_mono_us() + 20 * US_PER_S;
	struct engine_message m;
	bool exact = true;
	pthread_create(&t, NULL, feed, &f);
	while (seen < f.n && clock_mono_us() < until)
		if (spool_read(f.s, 10000, &recv, &m)) {
			exact = exact && recv == 1000 + seen++;
			spool_release(f.s, spool_next(f.s));
		}
	pthread_join(t, NULL);
	check_int(seen, f.n, "a reader beside the appender gets everything through a small spool");
	check(exact, "in order");
	int64_t t0 = clock_mono_us();
	spool_wake(f.s);
	check(!spool_read(f.s, 10 * US_PER_S, &recv, &m) && clock_mono_us() - t0 < 5 * US_PER_S, "wake ends a wait");
	spool_close(f.s);
}

static void test_killed(void)
{
	bool exact;
	int pipes[2], last = -1, got;
	wipe();
	if (pipe(pipes))
		return;
	pid_t pid = fork();
	if (!pid) {
		struct spool *s = open_spool(65536, 0);
		for (int i = 0; ; i++)
			if (put(s, i, NULL) || write(pipes[1], &i, sizeof i) != sizeof i)
				_exit(1);
	}
	close(pipes[1]);
	while (read(pipes[0], &got, sizeof got) == sizeof got) {
		last = got;
		if (last == 2000)
			kill(pid, SIGKILL);
	}
	waitpid(pid, NULL, 0);
	close(pipes[0]);
	struct spool *s = open_spool(65536, 0);
	int n = drain(s, 0, &exact);
	check(n > last && exact, "after kill -9 every acknowledged record is there (%d of %d)", n, last + 1);
	spool_close(s);
}

int main(void)
{
	snprintf(dir, sizeof dir, "/tmp/spool-test-XXXXXX");
	if (!mkdtemp(dir))
		return 1;
	test_order();
	test_large();
	test_long_name();
	test_sync();
	test_release();
	test_torn();
	test_lost();
	test_again();
	test_threads();
	test_killed();
	wipe();
	rmdir(dir);
	return done();
}
