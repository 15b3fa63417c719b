/* SPDX-License-Identifier: Apache-2.0
 * spool.c - segments are files named by the position of their first byte; a record's position is that plus its offset.
 *
 * Appending is a pwritev, not a store into a mapping: both survive kill -9 in the page cache, but a failing disk is an error code here
 * and a SIGBUS there, and the call costs about a tenth of what the client library spends on a message.
 * Space is preallocated, so that a full disk is met when a segment is made and not in the middle of a record.
 */
#include "twin_engine/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"

#define SEGMENT_DEFAULT ((size_t)16 << 20)
#define MAX_DEFAULT ((size_t)4 << 30)
#define SEGMENT_MIN ((size_t)4096)
#define WINDOW ((size_t)256 << 10)
#define SUFFIX ".spool"
#define PACKETS ((size_t)UINT16_MAX + 1)

enum { FLAG_RETAINED = 1, FLAG_CORRELATION = 2 };

/* On disk, in the byte order of the machine; followed by topic NUL correlation NUL payload NUL, filled up to a multiple of 8. */
struct record {
	uint32_t size;		/* of the whole; 0: nothing was written here */
	uint32_t crc;		/* CRC-32C of all that follows it */
	uint64_t position;
	int64_t recv_us;
	uint32_t payload;
	uint16_t topic, correlation;
	uint32_t flags;
	uint16_t packet, zero;
};

struct segment {
	struct segment *next;
	uint64_t base, size;
};

struct spool {
	char *dir;
	size_t segment_bytes, max_bytes;
	bool sync;
	int lock_fd;

	struct lock lock;	/* of everything down to the blank line */
	pthread_cond_t data, space;
	struct segment *first, *last;
	uint64_t total;		/* bytes of all segments */
	uint64_t end;		/* what the reader may read */
	uint64_t released;
	bool woken;

	int fd;			/* of the last segment; appender */
	uint64_t append;
	uint32_t *packet;	/* PACKETS checks of what came last with each packet identifier; 0: nothing known */

	int read_fd;		/* reader */
	uint64_t read, read_base, read_size;
	char *window;
	size_t window_cap, window_n;
	uint64_t window_at;
};

/* -- CRC-32C (Castagnoli), eight bytes at a time --------------------------------------------------------------------------- */

static uint32_t crc_table[8][256];
static pthread_once_t crc_once = PTHREAD_ONCE_INIT;

static void crc_make(void)
{
	for (unsigned i = 0; i < 256; i++) {
		uint32_t c = i;
		for (int k = 0; k < 8; k++)
			c = c & 1 ? c >> 1 ^ 0x82f63b78u : c >> 1;
		crc_table[0][i] = c;
	}
	for (unsigned i = 0; i < 256; i++)
		for (int t = 1; t < 8; t++)
			crc_table[t][i] = crc_table[t - 1][i] >> 8 ^ crc_table[0][crc_table[t - 1][i] & 255];
}

static uint32_t crc_add(uint32_t c, const void *data, size_t n)
{
	const unsigned char *p = data;
	for (; n >= 8; n -= 8, p += 8) {
		c ^= p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
		c = crc_table[7][c & 255] ^ crc_table[6][c >> 8 & 255] ^ crc_table[5][c >> 16 & 255] ^ crc_table[4][c >> 24] ^
		    crc_table[3][p[4]] ^ crc_table[2][p[5]] ^ crc_table[1][p[6]] ^ crc_table[0][p[7]];
	}
	for (; n; n--)
		c = c >> 8 ^ crc_table[0][(c ^ *p++) & 255];
	return c;
}

#define CRC_SKIP offsetof(struct record, position)

/* -- records ----------------------------------------------------------------------------------------------------------------- */

static size_t record_size(size_t topic, size_t correlation, size_t payload)
{
	return (sizeof(struct record) + topic + correlation + payload + 3 + 7) & ~(size_t)7;
}

/* A whole and true record at p? */
static bool record_ok(const char *p, size_t n, uint64_t position, struct record *r)
{
	if (n < sizeof *r)
		return false;
	memcpy(r, p, sizeof *r);
	return r->size && r->size <= n && r->position == position &&
	       r->size == record_size(r->topic, r->correlation, r->payload) &&
	       p[sizeof *r + r->topic] == 0 &&
	       r->crc == crc_add(~0u, p + CRC_SKIP, r->size - CRC_SKIP);
}

static void record_open(const char *p, const struct record *r, struct engine_message *m)
{
	const char *topic = p + sizeof *r, *correlation = topic + r->topic + 1;
	*m = (struct engine_message){
		.topic = topic,
		.correlation = r->flags & FLAG_CORRELATION ? correlation : NULL,
		.payload = correlation + r->correlation + 1,
		.n = r->payload,
		.retained = r->flags & FLAG_RETAINED,
		.position = r->position,
	};
}

/* -- what the broker delivers again -------------------------------------------------------------------------------------------
 *
 * A broker that has not got our PUBACK (this process was killed, the connection broke) delivers the message again, with DUP set and under the
 * same packet identifier (MQTT 3.1.1 and 5.0, 3.3.1.1 and 4.4).  Whether we have it is known here and nowhere else: time stamps do not tell
 * (a message need not have one, and two may share one), the samples in the database do not (a value within the dead band is not kept), and what the
 * engine remembers of a series ends with the process.  What is here is in the database or will be, so the memory can be made of the records
 * themselves: those of the last segment and of the one before it, which therefore stays while there is room (segments_cut).
 * A packet identifier comes back after 65535 messages, or sooner; but without DUP, and so it stands for the new message then.
 */

/* Is it one that we have?  `check`: of topic NUL correlation NUL payload, as they lie in a record. */
static bool have(const struct spool *s, const struct engine_message *m, uint32_t check)
{
	return m->again && m->packet && s->packet[m->packet] == check;
}

static void remember(struct spool *s, uint16_t packet, uint32_t check)
{
	if (packet)
		s->packet[packet] = check;
}

static uint32_t check_of(uint32_t crc)
{
	return crc ? crc : 1;
}

/* All whole records from the beginning of a segment on; returns where they end. */
static size_t recall(struct spool *s, const char *p, size_t n, uint64_t base)
{
	struct record r;
	size_t at = 0;
	for (; record_ok(p + at, n - at, base + at, &r); at += r.size)
		remember(s, r.packet, check_of(crc_add(~0u, p + at + sizeof r, (size_t)r.topic + 1 + r.correlation + 1 + r.payload)));
	return at;
}

/* -- segments ---------------------------------------------------------------------------------------------------------------- */

static bool segment_path(const struct spool *s, uint64_t base, char out[PATH_MAX])
{
	int n = snprintf(out, PATH_MAX, "%s/%016" PRIx64 SUFFIX, s->dir, base);
	return n > 0 && n < PATH_MAX;
}

static enum err io_error(const char *what, const char *path)
{
	int e = errno;
	log_error("spool", "%s %s: %s", what, path, strerror(e));
	return e == ENOSPC || e == EDQUOT ? ERR_TOO_LARGE : ERR_IO;
}

static void sync_dir(const struct spool *s)
{
	int fd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd))
		log_warn("spool", "fsync %s: %s", s->dir, strerror(errno));
	if (fd >= 0)
		close(fd);
}

static int preallocate(int fd, size_t n)
{
	int e = posix_fallocate(fd, 0, (off_t)n);
	if (e == EINVAL || e == EOPNOTSUPP)	/* not on this file system: its writes tell when it is full */
		return ftruncate(fd, (off_t)n);
	errno = e;
	return e ? -1 : 0;
}

/* Under its final name it has its full size: a crash leaves no half-made segment behind. */
static enum err segment_make(struct spool *s, uint64_t base, int *out)
{
	char path[PATH_MAX], made[PATH_MAX];
	enum err e;
	if (!segment_path(s, base, path) || snprintf(made, sizeof made, "%s/new", s->dir) >= (int)sizeof made)
		return ERR_IO;
	int fd = open(made, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return io_error("make", made);
	if (preallocate(fd, s->segment_bytes) || rename(made, path)) {
		e = io_error("allocate", made);
		unlink(made);
		close(fd);
		return e;
	}
	if (s->sync)
		sync_dir(s);
	*out = fd;
	return ERR_OK;
}

/* Put a segment at the end of the list; the lock is held or nobody else is there yet. */
static bool segment_add(struct spool *s, uint64_t base, uint64_t size)
{
	struct segment *seg = calloc(1, sizeof *seg);
	if (!seg)
		return false;
	seg->base = base;
	seg->size = size;
	if (s->last)
		s->last->next = seg;
	else
		s->first = seg;
	s->last = seg;
	s->total += size;
	return true;
}

static bool is_full(const struct spool *s)
{
	return s->total + s->segment_bytes > s->max_bytes;
}

/* Take the segments that end at or before `position` off the list, the last one excepted, and the one before it while there is room for
 * another one besides; the lock is held. */
static struct segment *segments_cut(struct spool *s, uint64_t position)
{
	struct segment *cut = s->first, **tail = &cut;
	while (*tail && *tail != s->last && (*tail)->next->base <= position && ((*tail)->next != s->last || is_full(s))) {
		s->total -= (*tail)->size;
		tail = &(*tail)->next;
	}
	s->first = *tail;
	*tail = NULL;
	return cut;
}

static void segments_unlink(const struct spool *s, struct segment *list)
{
	char path[PATH_MAX];
	for (struct segment *next; list; list = next) {
		next = list->next;
		if (segment_path(s, list->base, path) && unlink(path))
			log_warn("spool", "remove %s: %s", path, strerror(errno));
		free(list);
	}
}

/* -- open -------------------------------------------------------------------------------------------------------------------- */

static bool segment_name(const char *name, uint64_t *base)
{
	if (strlen(name) != 16 + sizeof SUFFIX - 1 || !str_eq(name + 16, SUFFIX) || strspn(name, "0123456789abcdef") != 16)
		return false;
	*base = strtoull(name, NULL, 16);
	return true;
}

static int by_base(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

/* The bases of all segment files, in order. */
static enum err scan_dir(const struct spool *s, uint64_t **out, size_t *n)
{
	uint64_t *list = NULL, base;
	size_t cap = 0;
	DIR *d = opendir(s->dir);
	*n = 0;
	if (!d)
		return io_error("open", s->dir);
	for (struct dirent *e; (e = readdir(d)); ) {
		if (!segment_name(e->d_name, &base))
			continue;
		if (*n == cap) {
			uint64_t *more = reallocarray(list, cap = cap ? cap * 2 : 64, sizeof *list);
			if (!more) {
				free(list);
				closedir(d);
				return ERR_NO_MEMORY;
			}
			list = more;
		}
		list[(*n)++] = base;
	}
	closedir(d);
	if (list)
		qsort(list, *n, sizeof *list, by_base);
	*out = list;
	return ERR_OK;
}

static enum err recall_segment(struct spool *s, const struct segment *seg)
{
	char path[PATH_MAX], *p = malloc(seg->size);
	int fd = p && segment_path(s, seg->base, path) ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	ssize_t got = fd < 0 ? -1 : pread(fd, p, seg->size, 0);
	enum err e = !p ? ERR_NO_MEMORY : got < 0 ? io_error("read", path) : ERR_OK;
	if (!e)
		recall(s, p, (size_t)got, seg->base);
	if (fd >= 0)
		close(fd);
	free(p);
	return e;
}

/* Find where the last segment really ends and clear what is torn behind that. */
static enum err recover(struct spool *s)
{
	struct segment *seg = s->last;
	char path[PATH_MAX];
	size_t at = 0, n = seg->size;
	if (!segment_path(s, seg->base, path) || (s->fd = open(path, O_RDWR | O_CLOEXEC)) < 0)
		return io_error("open", path);
	char *p = malloc(n + 1);
	if (!p)
		return ERR_NO_MEMORY;
	ssize_t got = pread(s->fd, p, n, 0);
	if (got > 0)
		at = recall(s, p, (size_t)got, seg->base);
	bool torn = false;
	for (size_t i = at; got > 0 && i < (size_t)got && !torn; i++)
		torn = p[i] != 0;
	free(p);
	if (got < 0)
		return io_error("read", path);
	if (torn)
		log_warn("spool", "%s: cut a torn record at %zu", path, at);
	if ((torn || (size_t)got != n) && (ftruncate(s->fd, (off_t)at) || preallocate(s->fd, n)))
		return io_error("cut", path);
	s->append = s->end = seg->base + at;
	return ERR_OK;
}

static enum err load(struct spool *s)
{
	uint64_t *base = NULL, at = 0;
	size_t n = 0;
	enum err e = scan_dir(s, &base, &n);
	for (size_t i = 0; !e && i < n; i++) {
		char path[PATH_MAX];
		struct stat st;
		if (!segment_path(s, base[i], path) || stat(path, &st))
			e = io_error("stat", path);
		else if (base[i] < at || st.st_size <= 0 || st.st_size > INT_MAX)	/* not files of ours */
			e = ERR_IO;
		else if (!segment_add(s, base[i], (uint64_t)st.st_size))
			e = ERR_NO_MEMORY;
		else
			at = base[i] + (uint64_t)st.st_size;
		if (!e && i + 2 == n)
			e = recall_segment(s, s->last);
	}
	free(base);
	if (e)
		return e;
	if (s->last)
		return recover(s);
	if ((e = segment_make(s, 0, &s->fd)))
		return e;
	return segment_add(s, 0, s->segment_bytes) ? ERR_OK : ERR_NO_MEMORY;
}

static enum err claim(struct spool *s, struct diag *d)
{
	char path[PATH_MAX];
	if (mkdir(s->dir, 0700) && errno != EEXIST)
		return diag_add(d, ERR_IO, "%s: %s", s->dir, strerror(errno));
	if (snprintf(path, sizeof path, "%s/lock", s->dir) >= (int)sizeof path)
		return diag_add(d, ERR_IO, "%s: the name is too long", s->dir);
	s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (s->lock_fd < 0)
		return diag_add(d, ERR_IO, "%s: %s", path, strerror(errno));
	if (flock(s->lock_fd, LOCK_EX | LOCK_NB))
		return diag_add(d, ERR_CONFLICT, "%s: another process uses this spool", s->dir);
	return ERR_OK;
}

enum err spool_open(const struct spool_config *c, struct spool **out, struct diag *d)
{
	struct spool *s = calloc(1, sizeof *s);
	enum err e = ERR_NO_MEMORY;
	if (!s)
		return ERR_NO_MEMORY;
	pthread_once(&crc_once, crc_make);
	lock_init(&s->lock, RANK_SPOOL);
	cond_init(&s->data);
	cond_init(&s->space);
	s->fd = s->read_fd = s->lock_fd = -1;
	s->segment_bytes = c->segment_bytes ? c->segment_bytes & ~(size_t)7 : SEGMENT_DEFAULT;
	if (s->segment_bytes < SEGMENT_MIN)
		s->segment_bytes = SEGMENT_MIN;
	if (s->segment_bytes > (size_t)1 << 30)
		s->segment_bytes = (size_t)1 << 30;
	s->max_bytes = c->max_bytes ? c->max_bytes : MAX_DEFAULT;
	if (s->max_bytes < 2 * s->segment_bytes)
		s->max_bytes = 2 * s->segment_bytes;
	s->sync = c->sync;
	s->window_cap = WINDOW;
	s->dir = strdup(c->dir);
	s->window = malloc(s->window_cap);
	s->packet = calloc(PACKETS, sizeof *s->packet);
	if (s->dir && s->window && s->packet && !(e = claim(s, d)) && (e = load(s)))
		diag_add(d, e, "%s: the spool cannot be read", s->dir);
	if (e) {
		spool_close(s);
		return e;
	}
	s->read = s->released = s->first->base;
	*out = s;
	return ERR_OK;
}

void spool_close(struct spool *s)
{
	if (!s)
		return;
	for (struct segment *seg = s->first, *next; seg; seg = next) {
		next = seg->next;
		free(seg);
	}
	int fds[] = { s->fd, s->read_fd, s->lock_fd };
	for (size_t i = 0; i < 3; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	pthread_cond_destroy(&s->data);
	pthread_cond_destroy(&s->space);
	lock_fini(&s->lock);
	free(s->window);
	free(s->packet);
	free(s->dir);
	free(s);
}

/* -- append ------------------------------------------------------------------------------------------------------------------ */

static enum err roll(struct spool *s, uint64_t base)
{
	int fd;
	lock_take(&s->lock);
	struct segment *gone = segments_cut(s, s->released);
	bool full = is_full(s);
	lock_drop(&s->lock);
	segments_unlink(s, gone);
	if (full)
		return ERR_TOO_LARGE;
	enum err e = segment_make(s, base, &fd);
	if (e)
		return e;
	lock_take(&s->lock);
	bool ok = segment_add(s, base, s->segment_bytes);
	lock_drop(&s->lock);
	if (!ok) {
		close(fd);
		return ERR_NO_MEMORY;
	}
	close(s->fd);
	s->fd = fd;
	s->append = base;
	return ERR_OK;
}

static enum err write_all(struct spool *s, struct iovec *v, size_t size, uint64_t at)
{
	ssize_t n = pwritev(s->fd, v, 7, (off_t)at);
	if (n == (ssize_t)size)
		return s->sync && fdatasync(s->fd) ? io_error("sync", s->dir) : ERR_OK;
	if (n >= 0)
		errno = ENOSPC;		/* a short write to a file: there was no room for the rest; the next append overwrites it */
	return io_error("write", s->dir);
}

enum err spool_append(struct spool *s, int64_t recv_us, const struct engine_message *m, uint64_t *position)
{
	size_t topic = strlen(m->topic), correlation = m->correlation ? strlen(m->correlation) : 0;
	if (topic > UINT16_MAX || correlation > UINT16_MAX || m->n > s->segment_bytes)
		return ERR_BAD_REQUEST;
	size_t size = record_size(topic, correlation, m->n);
	if (size > s->segment_bytes)
		return ERR_BAD_REQUEST;
	uint64_t limit = s->last->base + s->last->size;		/* only the appender moves `last` */
	struct record r = {
		.size = (uint32_t)size, .recv_us = recv_us, .payload = (uint32_t)m->n,
		.topic = (uint16_t)topic, .correlation = (uint16_t)correlation, .packet = m->packet,
		.flags = (m->retained ? FLAG_RETAINED : 0) | (m->correlation ? FLAG_CORRELATION : 0),
	};
	static const char zeros[16];
	struct iovec v[7] = {
		{ &r, sizeof r },
		{ (void *)(uintptr_t)m->topic, topic }, { (void *)(uintptr_t)zeros, 1 },
		{ (void *)(uintptr_t)(correlation ? m->correlation : zeros), correlation }, { (void *)(uintptr_t)zeros, 1 },
		{ (void *)(uintptr_t)(m->n ? m->payload : zeros), m->n },
		{ (void *)(uintptr_t)zeros, size - sizeof r - topic - correlation - m->n - 2 },
	};
	uint32_t check = ~0u;
	for (size_t i = 1; i < 6 && m->packet; i++)
		check = crc_add(check, v[i].iov_base, v[i].iov_len);
	if (have(s, m, check = check_of(check)))
		return ERR_OK;
	enum err e = s->append + size > limit ? roll(s, s->append > limit ? s->append : limit) : ERR_OK;
	if (e)
		return e;
	r.position = s->append;
	uint32_t crc = crc_add(~0u, (const char *)&r + CRC_SKIP, sizeof r - CRC_SKIP);
	for (size_t i = 1; i < 7; i++)
		crc = crc_add(crc, v[i].iov_base, v[i].iov_len);
	r.crc = crc;
	if ((e = write_all(s, v, size, s->append - s->last->base)))
		return e;
	remember(s, m->packet, check);
	if (position)
		*position = s->append;
	s->append += size;
	lock_take(&s->lock);
	s->end = s->append;
	pthread_cond_signal(&s->data);
	lock_drop(&s->lock);
	return ERR_OK;
}

bool spool_wait_space(struct spool *s, int64_t us)
{
	lock_take(&s->lock);
	bool room = !is_full(s);
	if (!room)
		room = lock_wait(&s->lock, &s->space, us) && !is_full(s);
	lock_drop(&s->lock);
	return room;
}

/* -- read -------------------------------------------------------------------------------------------------------------------- */

/* Open the segment that has the read position, or the first one behind it. */
static bool read_segment(struct spool *s)
{
	char path[PATH_MAX];
	lock_take(&s->lock);
	struct segment *seg = s->first;
	while (seg && seg->base + seg->size <= s->read)
		seg = seg->next;
	uint64_t base = seg ? seg->base : 0, size = seg ? seg->size : 0;
	lock_drop(&s->lock);
	if (!seg)
		return false;
	if (s->read_fd >= 0)
		close(s->read_fd);
	if (!segment_path(s, base, path) || (s->read_fd = open(path, O_RDONLY | O_CLOEXEC)) < 0) {
		io_error("open", path);
		return false;
	}
	s->read_base = base;
	s->read_size = size;
	if (s->read < base)
		s->read = base;
	return true;
}

/* Get [read, up) into the window, as much as fits; the record at its beginning is whole unless it is torn. */
static bool fill(struct spool *s, uint64_t up)
{
	struct record r;
	size_t n = up - s->read < s->window_cap ? (size_t)(up - s->read) : s->window_cap;
	ssize_t got = pread(s->read_fd, s->window, n, (off_t)(s->read - s->read_base));
	if (got >= (ssize_t)sizeof r) {
		memcpy(&r, s->window, sizeof r);
		if (r.size > (size_t)got && r.size <= up - s->read) {
			char *more = realloc(s->window, r.size);
			if (!more)
				return false;
			s->window = more;
			s->window_cap = r.size;
			got = pread(s->read_fd, s->window, r.size, (off_t)(s->read - s->read_base));
		}
	}
	s->window_at = s->read;
	s->window_n = got > 0 ? (size_t)got : 0;
	return got > 0;
}

static bool in_window(struct spool *s, int64_t *recv_us, struct engine_message *m)
{
	struct record r;
	if (s->read < s->window_at || s->read >= s->window_at + s->window_n)
		return false;
	const char *p = s->window + (s->read - s->window_at);
	if (!record_ok(p, (size_t)(s->window_at + s->window_n - s->read), s->read, &r))
		return false;
	record_open(p, &r, m);
	*recv_us = r.recv_us;
	s->read += r.size;
	return true;
}

/* The published bytes from the read position on that lie in one segment; waits for some. */
static bool wait_data(struct spool *s, int64_t until, uint64_t *end)
{
	lock_take(&s->lock);
	while (s->read >= s->end && !s->woken) {
		int64_t left = until - clock_mono_us();
		if (left <= 0 || !lock_wait(&s->lock, &s->data, left))
			break;
	}
	*end = s->end;
	bool some = s->read < s->end;
	if (!some)
		s->woken = false;
	lock_drop(&s->lock);
	return some;
}

bool spool_read(struct spool *s, int64_t us, int64_t *recv_us, struct engine_message *m)
{
	uint64_t end;
	if (in_window(s, recv_us, m))
		return true;
	int64_t until = us > 0 ? clock_mono_us() + us : 0;
	while (wait_data(s, until, &end)) {
		uint64_t limit = s->read_base + s->read_size;
		if ((s->read_fd < 0 || s->read < s->read_base || s->read >= limit) && !read_segment(s))
			return false;
		limit = s->read_base + s->read_size;
		if (s->read >= end)
			continue;
		if (fill(s, end < limit ? end : limit) && in_window(s, recv_us, m))
			return true;
		/* nothing is here: the rest of a segment that is full, or a fault of the disk; the next segment goes on */
		struct record r = { 0 };
		if (s->window_n >= sizeof r)
			memcpy(&r, s->window, sizeof r);
		if (r.size || end < limit)
			log_error("spool", "%s: the record at %" PRIu64 " is damaged, what follows in its segment is lost", s->dir, s->read);
		s->read = end < limit ? end : limit;
	}
	return false;
}

uint64_t spool_next(const struct spool *s)
{
	return s->read;
}

void spool_wake(struct spool *s)
{
	lock_take(&s->lock);
	s->woken = true;
	pthread_cond_signal(&s->data);
	lock_drop(&s->lock);
}

/* The first record at or behind `position` in the segment that has it: records do not begin just anywhere. */
static void align(struct spool *s, uint64_t position)
{
	struct engine_message m;
	int64_t recv_us;
	lock_take(&s->lock);
	struct segment *seg = s->first;
	while (seg->next && seg->next->base <= position)
		seg = seg->next;
	s->read = seg->base;
	lock_drop(&s->lock);
	s->window_n = 0;
	while (s->read < position && spool_read(s, 0, &recv_us, &m))
		if (m.position >= position) {
			s->read = m.position;
			break;
		}
}

void spool_seek(struct spool *s, uint64_t position)
{
	position = (position + 7) & ~(uint64_t)7;
	lock_take(&s->lock);
	bool beyond = position > s->end;
	if (beyond) {
		/* in a segment of its own, for a gap looks like the end to recover() */
		uint64_t limit = s->last->base + s->last->size;
		position = position > limit ? position : limit;
		s->append = s->end = position;
		s->read = position;
		s->window_n = 0;
	}
	lock_drop(&s->lock);
	if (!beyond)
		align(s, position);
	spool_release(s, position);
}

void spool_release(struct spool *s, uint64_t position)
{
	lock_take(&s->lock);
	if (position > s->end)
		position = s->end;
	if (position > s->released)
		s->released = position;
	struct segment *gone = segments_cut(s, s->released);
	if (gone)
		pthread_cond_broadcast(&s->space);
	lock_drop(&s->lock);
	segments_unlink(s, gone);
}

uint64_t spool_end(struct spool *s)
{
	lock_take(&s->lock);
	uint64_t end = s->end;
	lock_drop(&s->lock);
	return end;
}

uint64_t spool_backlog(struct spool *s)
{
	lock_take(&s->lock);
	uint64_t n = s->end > s->released ? s->end - s->released : 0;
	lock_drop(&s->lock);
	return n;
}
