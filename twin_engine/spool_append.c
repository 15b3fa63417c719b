/* SPDX-License-Identifier: Apache-2.0
 * spool_append.c - the appender's side: a record goes behind the last one, into a new segment when it does not fit.
 *
 * Appending is a pwritev, not a store into a mapping: both survive kill -9 in the page cache, but a failing disk is an error code here
 * and a SIGBUS there, and the call costs about a tenth of what the client library spends on a message.
 * The reader (spool_read.c) sees a record once `end` is behind it.
 */
#include "twin_engine/spool_priv.h"

#include <errno.h>
#include <unistd.h>

/* Go on in a new segment. */
static enum err roll(struct spool *s, uint64_t base)
{
	int fd;
	lock_take(&s->lock);
	struct spool_segment *gone = spool_segments_cut(s);
	bool full = spool_is_full(s);
	lock_drop(&s->lock);
	spool_segments_remove(s, gone);
	if (full)
		return ERR_TOO_LARGE;
	enum err e = spool_segment_make(s, base, &fd);
	if (e)
		return e;
	lock_take(&s->lock);
	bool ok = spool_segment_add(s, base, s->segment_bytes);
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

static enum err write_record(struct spool *s, const struct spool_record *r, const struct iovec part[SPOOL_RECORD_PARTS])
{
	ssize_t n = pwritev(s->fd, part, SPOOL_RECORD_PARTS, (off_t)(s->append - s->last->base));
	if (n == (ssize_t)r->size)
		return s->sync && fdatasync(s->fd) ? spool_io_error("sync", s->dir) : ERR_OK;
	if (n >= 0)
		errno = ENOSPC;		/* a short write to a file: there was no room for the rest; the next append overwrites it */
	return spool_io_error("write", s->dir);
}

enum err spool_append(struct spool *s, int64_t recv_us, const struct engine_message *m, uint64_t *position)
{
	struct spool_record r;
	struct iovec part[SPOOL_RECORD_PARTS];
	enum err e = ERR_OK;
	if (!spool_record_make(&r, part, recv_us, m) || r.size > s->segment_bytes)
		return ERR_BAD_REQUEST;
	uint32_t check = m->packet ? spool_content_check(part + 1, SPOOL_CONTENT_PARTS) : 0;
	if (spool_again_has(s, m, check))
		return ERR_OK;
	uint64_t limit = spool_segment_end(s->last);		/* only the appender moves `last` */
	if (s->append + r.size > limit)
		e = roll(s, s->append > limit ? s->append : limit);
	if (e)
		return e;
	spool_record_seal(&r, part, s->append);
	if ((e = write_record(s, &r, part)))
		return e;
	spool_again_note(s, m->packet, check);
	if (position)
		*position = s->append;
	s->append += r.size;
	lock_take(&s->lock);
	s->end = s->append;
	pthread_cond_signal(&s->data);
	lock_drop(&s->lock);
	return ERR_OK;
}

bool spool_wait_space(struct spool *s, int64_t us)
{
	lock_take(&s->lock);
	bool room = !spool_is_full(s);
	if (!room)
		room = lock_wait(&s->lock, &s->space, us) && !spool_is_full(s);
	lock_drop(&s->lock);
	return room;
}
