/* SPDX-License-Identifier: Apache-2.0
 * spool.h - a local log of the messages that were acknowledged to the broker and are not yet committed to the database.
 *
 * Segments of fixed size, preallocated, in one directory; records with length and checksum.  Appending is one write into the page cache
 * (survives kill -9); with `sync` a group fdatasync follows (survives power loss).  A torn record at the end is cut off at open.
 * Positions grow for ever and are never reused.  One appender thread, one reader thread; release from any thread.
 */
#ifndef TWIN_ENGINE_SPOOL_H
#define TWIN_ENGINE_SPOOL_H

#include "twin_engine/engine.h"

struct spool;

struct spool_config {
	const char *dir;
	size_t segment_bytes, max_bytes;	/* 0: defaults (16 MiB, 4 GiB) */
	bool sync;
};

enum err spool_open(const struct spool_config *, struct spool **, struct diag *);
void spool_close(struct spool *);

/* ERR_TOO_LARGE: the spool is full (the message must then not be acknowledged), ERR_IO. */
enum err spool_append(struct spool *, int64_t recv_us, const struct engine_message *, uint64_t *position);
/* The next record after what was read before, waiting at most `us`; the texts live until the next call. False: none came. */
bool spool_read(struct spool *, int64_t us, int64_t *recv_us, struct engine_message *);
/* Start reading at the first record whose position is >= `position`. */
void spool_seek(struct spool *, uint64_t position);
/* Everything before `position` is committed: its segments may go. */
void spool_release(struct spool *, uint64_t position);
uint64_t spool_end(struct spool *);		/* the position of the next append */
uint64_t spool_backlog(struct spool *);		/* bytes not yet released */

#endif
