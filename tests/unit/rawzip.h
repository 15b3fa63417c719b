/* SPDX-License-Identifier: Apache-2.0
 * rawzip.h - ZIP archives byte by byte, with every lie that a test wants to tell.
 */
#ifndef TESTS_UNIT_RAWZIP_H
#define TESTS_UNIT_RAWZIP_H

#include <zlib.h>

#include "base/buf.h"

/* One entry; a member that is 0 is what is true.  The text is stored unless `packed` is set. */
struct raw {
	const char *name;
	const char *text;
	size_t n;			/* of the text; 0: strlen */
	bool packed;			/* deflated */
	bool later;			/* with a descriptor behind the data */
	unsigned flags, method, mode;
	const char *local_name;
	uint32_t size, local_size, crc, local_crc, packed_size, local_packed;
	size_t offset;			/* 1 + what the directory says */
	const char *extra;		/* of the directory */
	size_t extra_n;
	const char *comment;
};

/* The whole archive. */
struct raw_archive {
	const struct raw *entry;
	size_t n;
	const char *before, *gap, *after, *comment;
	bool shifted;			/* the offsets count from the first entry, not from the start of the file */
	size_t comment_n;		/* what the end says, when not 0 */
	unsigned count, volumes;	/* likewise */
	uint32_t directory_size, directory_offset;
	bool zip64;			/* with the records of zip64, which say: */
	uint64_t count64, size64, offset64, record64;
};

static inline void le(struct buf *b, uint64_t v, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		buf_putc(b, (char)(v >> 8 * i & 0xFF));
}

static inline void raw_deflate(struct buf *out, const char *p, size_t n)
{
	z_stream z = { 0 };
	deflateInit2(&z, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY);
	size_t room = deflateBound(&z, n);
	buf_reserve(out, room);
	z.next_in = (Bytef *)p;
	z.avail_in = (uInt)n;
	z.next_out = (Bytef *)out->p + out->n;
	z.avail_out = (uInt)room;
	deflate(&z, Z_FINISH);
	out->n += room - z.avail_out;
	deflateEnd(&z);
}

static inline void raw_entry(struct buf *b, struct buf *dir, const struct raw *e, size_t base)
{
	struct buf data = BUF_INIT;
	size_t n = e->n ? e->n : strlen(e->text), at = b->n - base;
	const char *local = e->local_name ? e->local_name : e->name;
	uint32_t crc = (uint32_t)crc32(0, (const Bytef *)e->text, (uInt)n);
	if (e->packed)
		raw_deflate(&data, e->text, n);
	else
		buf_put(&data, e->text, n);
	unsigned method = e->method ? e->method : e->packed ? 8 : 0, flags = e->flags | (e->later ? 8 : 0);
	le(b, 0x04034b50, 4), le(b, 20, 2), le(b, flags, 2), le(b, method, 2), le(b, 0, 2), le(b, 0x21, 2);
	le(b, e->local_crc ? e->local_crc : e->later ? 0 : crc, 4);
	le(b, e->local_packed ? e->local_packed : e->later ? 0 : data.n, 4);
	le(b, e->local_size ? e->local_size : e->later ? 0 : n, 4);
	le(b, strlen(local), 2), le(b, 0, 2);
	buf_puts(b, local);
	buf_put(b, data.p ? data.p : "", data.n);
	if (e->later)
		le(b, 0x08074b50, 4), le(b, crc, 4), le(b, data.n, 4), le(b, n, 4);
	le(dir, 0x02014b50, 4), le(dir, 0x031E, 2), le(dir, 20, 2), le(dir, flags, 2), le(dir, method, 2), le(dir, 0, 2), le(dir, 0x21, 2);
	le(dir, e->crc ? e->crc : crc, 4), le(dir, e->packed_size ? e->packed_size : data.n, 4), le(dir, e->size ? e->size : n, 4);
	le(dir, strlen(e->name), 2), le(dir, e->extra_n, 2), le(dir, e->comment ? strlen(e->comment) : 0, 2), le(dir, 0, 2), le(dir, 0, 2);
	le(dir, (uint64_t)e->mode << 16, 4), le(dir, e->offset ? e->offset - 1 : at, 4);
	buf_puts(dir, e->name);
	buf_put(dir, e->extra ? e->extra : "", e->extra_n);
	buf_puts(dir, e->comment ? e->comment : "");
	buf_fini(&data);
}

static inline void raw_zip(struct buf *b, const struct raw_archive *r)
{
	struct buf dir = BUF_INIT;
	buf_puts(b, r->before ? r->before : "");
	size_t base = r->shifted ? b->n : 0, n = 0;
	for (size_t i = 0; i < r->n; i++)
		if (r->entry[i].name)
			raw_entry(b, &dir, &r->entry[i], base), n++;
	buf_puts(b, r->gap ? r->gap : "");
	size_t at = b->n - base, end;
	buf_put(b, dir.p ? dir.p : "", dir.n);
	end = b->n - base;
	if (r->zip64) {
		le(b, 0x06064b50, 4), le(b, 44, 8), le(b, 45, 2), le(b, 45, 2), le(b, 0, 4), le(b, 0, 4);
		le(b, r->count64 ? r->count64 : n, 8), le(b, r->count64 ? r->count64 : n, 8);
		le(b, r->size64 ? r->size64 : dir.n, 8), le(b, r->offset64 ? r->offset64 : at, 8);
		le(b, 0x07064b50, 4), le(b, 0, 4), le(b, r->record64 ? r->record64 : end, 8), le(b, 1, 4);
	}
	size_t count = r->count ? r->count : n;
	le(b, 0x06054b50, 4), le(b, r->volumes, 2), le(b, 0, 2), le(b, count, 2), le(b, count, 2);
	le(b, r->directory_size ? r->directory_size : dir.n, 4), le(b, r->directory_offset ? r->directory_offset : at, 4);
	le(b, r->comment_n ? r->comment_n : r->comment ? strlen(r->comment) : 0, 2);
	buf_puts(b, r->comment ? r->comment : "");
	buf_puts(b, r->after ? r->after : "");
	buf_fini(&dir);
}

#endif
