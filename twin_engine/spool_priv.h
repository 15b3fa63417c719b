/* SPDX-License-Identifier: Apache-2.0
 * spool_priv.h - what the parts of the spool share: the form of a record (spool_record.c), the files (spool_segment.c), what the broker delivers
 * again (spool_again.c), the appender (spool_append.c) and the reader (spool_read.c); spool.c opens, closes and releases.
 */
#ifndef TWIN_ENGINE_SPOOL_PRIV_H
#define TWIN_ENGINE_SPOOL_PRIV_H

#include <limits.h>
#include <sys/uio.h>

#include "base/thread.h"
#include "twin_engine/spool.h"

#define SPOOL_SEGMENT_MAX ((size_t)1 << 30)	/* so every size within a segment has room in 32 bits */

/* On disk, in the byte order of the machine; followed by topic NUL correlation NUL payload NUL, filled up to a multiple of 8. */
struct spool_record {
	uint32_t size;		/* of the whole; 0: nothing was written here */
	uint32_t crc;		/* CRC-32C of all that follows it */
	uint64_t position;
	int64_t recv_us;
	uint32_t payload;
	uint16_t topic, correlation;
	uint32_t flags;
	uint16_t packet, zero;
};

struct spool_segment {
	struct spool_segment *next;
	uint64_t base, size;
};

struct spool {
	char *dir;
	size_t segment_bytes, max_bytes;
	bool sync;
	int lock_fd;

	struct lock lock;	/* of everything down to the blank line */
	pthread_cond_t data, space;
	struct spool_segment *first, *last;
	uint64_t total;		/* bytes of all segments */
	uint64_t end;		/* what the reader may read */
	uint64_t released;
	bool woken;

	int fd;			/* of the last segment; appender */
	uint64_t append;
	uint32_t *packet;	/* checks of what came last with each packet identifier; 0: nothing known */

	uint64_t read;		/* reader */
	int read_fd;
	uint64_t read_base, read_end;	/* of the segment that read_fd is */
	char *window;		/* with room for the largest record that a segment can have */
	size_t window_n;
	uint64_t window_at;
};

/* -- records (spool_record.c): of bytes alone --------------------------------------------------------------------------------- */
#define SPOOL_RECORD_PARTS 7		/* its head, its content, and what fills it up */
#define SPOOL_CONTENT_PARTS 5		/* topic NUL correlation NUL payload, which begin at the second part */

/* Before any of the others. */
void spool_record_init(void);
/* Lay out the record of a message, whose texts are borrowed; the first part is *r.  False: it fits into no segment. */
bool spool_record_make(struct spool_record *r, struct iovec part[SPOOL_RECORD_PARTS], int64_t recv_us, const struct engine_message *);
/* Then, when its place is known: the position and the checksum over all. */
void spool_record_seal(struct spool_record *r, const struct iovec part[SPOOL_RECORD_PARTS], uint64_t position);
/* Is there a whole and true record at p, where n bytes are?  *r is its head then. */
bool spool_record_ok(const char *p, size_t n, uint64_t position, struct spool_record *r);
/* The message of such a record; its texts are where the record is. */
void spool_record_open(const char *p, const struct spool_record *r, struct engine_message *);
/* A check of the content in n parts, never 0. */
uint32_t spool_content_check(const struct iovec *part, int n);

/* -- files (spool_segment.c) -------------------------------------------------------------------------------------------------- */
#define SPOOL_NAME_SIZE (sizeof "0123456789abcdef.spool")	/* of the longest name in the directory, with its NUL */

static inline uint64_t spool_segment_end(const struct spool_segment *seg)
{
	return seg->base + seg->size;
}

/* Tell what errno says.  ERR_TOO_LARGE: the disk is full, ERR_IO: anything else. */
enum err spool_io_error(const char *what, const char *path);
void spool_segment_path(const struct spool *, uint64_t base, char out[PATH_MAX]);
/* Of the whole directory, in order; the caller's to free. */
enum err spool_segments_there(const struct spool *, uint64_t **base, size_t *n);
/* With flags as open has them.  *fd is -1 on error. */
enum err spool_segment_open(const struct spool *, uint64_t base, int flags, int *fd);
/* A new one, of full size and nothing but zeros. */
enum err spool_segment_make(const struct spool *, uint64_t base, int *fd);
/* Zeros again from `at` on; its size is what it should be. */
int spool_segment_clear(int fd, size_t at, size_t size);

/* The list of segments: the lock is held, or nobody else is there yet. */
bool spool_segment_add(struct spool *, uint64_t base, uint64_t size);	/* at the end; false: no memory */
bool spool_is_full(const struct spool *);
/* Take those that were released off the list, the last one excepted, and the one before it while there is room for another one besides. */
struct spool_segment *spool_segments_cut(struct spool *);
/* Remove the files of what was cut; without the lock. */
void spool_segments_remove(const struct spool *, struct spool_segment *);

/* -- what the broker delivers again (spool_again.c) --------------------------------------------------------------------------- */
uint32_t *spool_again_new(void);		/* the caller's to free */
/* Is it one that we have?  `check`: of its content. */
bool spool_again_has(const struct spool *, const struct engine_message *, uint32_t check);
void spool_again_note(struct spool *, uint16_t packet, uint32_t check);
/* Note all whole records from the beginning of a segment on; returns where they end. */
size_t spool_again_recall(struct spool *, const char *p, size_t n, uint64_t base);

#endif
