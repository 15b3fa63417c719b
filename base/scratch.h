/* SPDX-License-Identifier: Apache-2.0
 * scratch.h - bytes on their way, of any number, with their SHA-256: few stay in memory, more go to a file without a name.
 *
 * The file is gone when it is closed, however the program ends.  It is written from front to end, then read anywhere and as often as
 * wanted.  A disk keeps SCRATCH_RESERVE bytes free for others: the database may live on the same.
 * One thread at a time; the functions may block on the disk.
 */
#ifndef BASE_SCRATCH_H
#define BASE_SCRATCH_H

#include "base/sha256.h"
#include "base/stream.h"

#define SCRATCH_MEMORY ((size_t)64 << 10)	/* more than this goes to the file */
#define SCRATCH_RESERVE ((int64_t)64 << 20)

struct scratch;
/* Files are made in `dir`, which must outlive the scratch; NULL: $TMPDIR, or /tmp.  `max`: bytes that it may take. */
struct scratch *scratch_new(const char *dir, int64_t max);
void scratch_free(struct scratch *);		/* NULL is allowed */
/* ERR_TOO_LARGE beyond max, ERR_UNAVAILABLE when the disk is full or there is no such directory, ERR_NO_MEMORY, ERR_IO. */
enum err scratch_write(struct scratch *, const char *p, size_t n, struct diag *);
/* Nothing more is written from now on. */
enum err scratch_end(struct scratch *, struct diag *);
int64_t scratch_size(const struct scratch *);
const unsigned char *scratch_hash(const struct scratch *);	/* SHA256_SIZE bytes, after scratch_end */
/* n bytes from the offset `at`, which are there. */
enum err scratch_read(const struct scratch *, int64_t at, char *to, size_t n, struct diag *);
/* The same in other clothes; the scratch must outlive them. */
struct sink scratch_sink(struct scratch *);
struct content scratch_content(struct scratch *);		/* its close does nothing */
struct content scratch_take(struct scratch *);			/* its close frees the scratch */

#endif
