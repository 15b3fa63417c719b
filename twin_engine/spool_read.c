/* SPDX-License-Identifier: Apache-2.0
 * spool_read.c - the reader's side: a window of bytes goes over the segments, up to where the appender (spool_append.c) says that they are written.
 */
#include "twin_engine/spool_priv.h"

#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

#define WINDOW ((size_t)256 << 10)	/* bytes at a time; of a larger record all */

/* Open the segment that has the read position, or the first one behind it. */
static bool enter_segment(struct spool *s)
{
	lock_take(&s->lock);
	const struct spool_segment *seg = s->first;
	while (seg && spool_segment_end(seg) <= s->read)
		seg = seg->next;
	uint64_t base = seg ? seg->base : 0, end = seg ? spool_segment_end(seg) : 0;
	lock_drop(&s->lock);
	if (!seg)
		return false;
	if (s->read_fd >= 0)
		close(s->read_fd);
	if (spool_segment_open(s, base, O_RDONLY, &s->read_fd))
		return false;
	s->read_base = base;
	s->read_end = end;
	if (s->read < base)
		s->read = base;
	return true;
}

static bool in_segment(const struct spool *s)
{
	return s->read_fd >= 0 && s->read >= s->read_base && s->read < s->read_end;
}

/* Get [read, up) into the window, as much as fits; the record at its beginning is whole unless it is torn. */
static bool fill(struct spool *s, uint64_t up)
{
	struct spool_record r;
	off_t at = (off_t)(s->read - s->read_base);
	size_t n = up - s->read < WINDOW ? (size_t)(up - s->read) : WINDOW;
	ssize_t got = pread(s->read_fd, s->window, n, at);
	if (got >= (ssize_t)sizeof r) {
		memcpy(&r, s->window, sizeof r);
		if (r.size > (size_t)got && r.size <= up - s->read)
			got = pread(s->read_fd, s->window, r.size, at);
	}
	s->window_at = s->read;
	s->window_n = got > 0 ? (size_t)got : 0;
	return got > 0;
}

static bool in_window(struct spool *s, int64_t *recv_us, struct engine_message *m)
{
	struct spool_record r;
	if (s->read < s->window_at || s->read >= s->window_at + s->window_n)
		return false;
	const char *p = s->window + (s->read - s->window_at);
	if (!spool_record_ok(p, (size_t)(s->window_at + s->window_n - s->read), s->read, &r))
		return false;
	spool_record_open(p, &r, m);
	*recv_us = r.recv_us;
	s->read += r.size;
	return true;
}

/* Wait until something may be read, which ends at *end; false: nothing came. */
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

/* There is no record at the read position: the rest of a segment that is full, or a fault of the disk.  The next segment goes on. */
static void leave_segment(struct spool *s, uint64_t end)
{
	struct spool_record r = { 0 };
	if (s->window_n >= sizeof r)
		memcpy(&r, s->window, sizeof r);
	if (!s->window_n || r.size || end < s->read_end)
		log_error("spool", "%s: the record at %" PRIu64 " is damaged, what follows in its segment is lost", s->dir, s->read);
	s->read = end < s->read_end ? end : s->read_end;
}

bool spool_read(struct spool *s, int64_t us, int64_t *recv_us, struct engine_message *m)
{
	uint64_t end;
	if (in_window(s, recv_us, m))
		return true;
	int64_t until = us > 0 ? clock_mono_us() + us : 0;
	while (wait_data(s, until, &end)) {
		if (!in_segment(s) && !enter_segment(s))
			return false;
		if (s->read >= end)
			continue;
		if (fill(s, end < s->read_end ? end : s->read_end) && in_window(s, recv_us, m))
			return true;
		leave_segment(s, end);
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
	const struct spool_segment *seg = s->first;
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
		/* in a segment of its own, for a gap looks like the end when the spool is opened */
		uint64_t limit = spool_segment_end(s->last);
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
