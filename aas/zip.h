/* SPDX-License-Identifier: Apache-2.0
 * zip.h - a ZIP archive as OPC packages use it, read and written within bounds (zlib does the packing).
 *
 * Opening looks at the directory and the headers alone: number of entries, names, sizes, compression ratio, method, encryption, links,
 * overlap, bytes before the first part or behind the end.  What the directory says and what a header says must agree, so that every reader of the
 * archive sees the same.  Nothing is unpacked before all of that is found harmless, and unpacking stops at the promised size.
 * One thread at a time.
 */
#ifndef AAS_ZIP_H
#define AAS_ZIP_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/stream.h"

#define ZIP_ENTRIES_MAX 10000
#define ZIP_ENTRY_MAX ((size_t)512 << 20)
#define ZIP_TOTAL_MAX ((size_t)1 << 30)
#define ZIP_RATIO_MAX 200		/* of a part beyond ZIP_RATIO_FREE bytes */
#define ZIP_RATIO_FREE ((size_t)1 << 20)

/* -- reading ---------------------------------------------------------------------------------------------------------------- */

/* The bytes of an archive: in memory, or (p is NULL) fetched in pieces.  `read` copies exactly n bytes from the offset `at`, which is
 * always within the size; false: it could not. */
struct zip_bytes {
	const char *p;
	size_t n;
	bool (*read)(void *ctx, size_t at, void *to, size_t n);
	void *ctx;
};

struct zip_file;

struct zip_entry {
	const char *name;		/* without a leading slash; never a folder */
	size_t size;			/* unpacked */
	/* for zip.c: */
	size_t packed, at;		/* bytes in the archive, and where they begin */
	uint32_t crc;
	unsigned method;
	struct slice key;		/* part_name_key */
};

/* *bytes and what it refers to must live until the close; everything else belongs to the arena. */
enum err zip_file_open(struct arena *, const struct zip_bytes *, struct zip_file **, struct diag *);
void zip_file_close(struct zip_file *);		/* NULL is allowed */
size_t zip_file_count(const struct zip_file *);
/* In the order of their keys. */
const struct zip_entry *zip_file_entry(const struct zip_file *, size_t i);
/* By name as partname.h compares them; NULL: none. */
const struct zip_entry *zip_file_find(const struct zip_file *, const char *name, size_t n);
/* The whole entry, NUL-terminated behind its end.  ERR_TOO_LARGE with the name when it has more than `limit` bytes. */
enum err zip_file_read(struct zip_file *, const struct zip_entry *, size_t limit, struct arena *, struct slice *, struct diag *);

/* One entry in pieces, holding some 100 KiB.  *got is 0 at the end, and only then the size and the checksum were right.  Several
 * streams of one archive may be open. */
struct zip_stream;
enum err zip_stream_open(struct zip_file *, const struct zip_entry *, struct zip_stream **, struct diag *);
enum err zip_stream_read(struct zip_stream *, void *p, size_t n, size_t *got, struct diag *);
void zip_stream_close(struct zip_stream *);	/* NULL is allowed */

/* -- writing ----------------------------------------------------------------------------------------------------------------- */

/* The same calls give the same bytes: dates are 1980-01-01, attributes 0.  Everything within the bounds above, so that it can be read
 * again: ERR_TOO_LARGE beyond them.  Errors of the sink and of sources end the writing and are returned.
 * Names are given as they are to stand in the directory, and are ASCII. */
struct zip_out;
enum err zip_out_new(struct sink, struct zip_out **);
enum err zip_out_bytes(struct zip_out *, const char *name, struct slice bytes, struct diag *);
enum err zip_out_stream(struct zip_out *, const char *name, struct source, struct diag *);
/* The same for who writes: begin, the bytes, close, before anything else is done.  The name must live until then. */
enum err zip_out_begin(struct zip_out *, const char *name, struct diag *);
enum err zip_out_write(struct zip_out *, const char *p, size_t n, struct diag *);
enum err zip_out_close(struct zip_out *, struct diag *);
enum err zip_out_end(struct zip_out *, struct diag *);		/* the directory */
void zip_out_free(struct zip_out *);		/* NULL is allowed */

#endif
