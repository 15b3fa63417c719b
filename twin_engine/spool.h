/* SPDX-License-Identifier: Apache-2.0
 * spool.h - a local log of the messages that were acknowledged to the broker and are not yet committed to the database.
 *
 * Segments of fixed size, preallocated, in one directory; records with length and checksum.  Appending is one write into the page cache
 * (survives kill -9); with `sync` an fdatasync follows (survives power loss).  A torn record at the end is cut off at open.
 * Positions are byte offsets: they grow for ever and are never reused.  Only messages are kept here; how far they are committed is
 * known to the database, and the reader is told by spool_seek.
 * One appender thread, one reader thread; release, wake and the counters from any thread.
 */
#ifndef TWIN_ENGINE_SPOOL_H
#define TWIN_ENGINE_SPOOL_H

#include "twin_engine/engine.h"

struct spool;

struct spool_config {
	const char *dir;		/* made when missing; of one process at a time */
	size_t segment_bytes, max_bytes;	/* 0: defaults (16 MiB, 4 GiB); max_bytes is raised to two segments */
	bool sync;
};

/* ERR_CONFLICT: another process has this directory; ERR_IO, ERR_NO_MEMORY. */
enum err spool_open(const struct spool_config *, struct spool **, struct diag *);
void spool_close(struct spool *);		/* NULL is allowed */

/* What the broker delivers again and the spool has, or had not long ago, is not appended: ERR_OK, and *position stays as it is.
 * ERR_TOO_LARGE: the spool or its disk is full (the message must then not be acknowledged; spool_wait_space tells when to try again),
 * ERR_BAD_REQUEST: larger than a segment, it will never fit, ERR_IO. */
enum err spool_append(struct spool *, int64_t recv_us, const struct engine_message *, uint64_t *position);
/* Wait at most `us` for spool_release to make room; false: it did not. */
bool spool_wait_space(struct spool *, int64_t us);
/* The next record after what was read before, waiting at most `us`; the texts live until the next call. False: none came. */
bool spool_read(struct spool *, int64_t us, int64_t *recv_us, struct engine_message *);
/* Reader's thread: everything before this position has been read. */
uint64_t spool_next(const struct spool *);
/* Make a spool_read that waits now, or the next one that would wait, return false at once. */
void spool_wake(struct spool *);
/* Start reading at the first record whose position is >= `position`; what is before it counts as released.  When the spool ends before
 * it (the directory was lost), the next append continues there: a position once committed is never given to another message. */
void spool_seek(struct spool *, uint64_t position);
/* Everything before `position` is committed: its segments may go; the last one before the present stays while there is room. */
void spool_release(struct spool *, uint64_t position);
uint64_t spool_end(struct spool *);		/* the position of the next append */
uint64_t spool_backlog(struct spool *);		/* bytes not yet released */

#endif
