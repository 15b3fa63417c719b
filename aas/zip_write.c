/* SPDX-License-Identifier: Apache-2.0
 * zip_write.c - a ZIP archive into a sink that cannot go back.
 *
 * An entry that is in memory is packed first, so that its header can say the sizes; one that is streamed has a descriptor behind its
 * data (APPNOTE.TXT, 4.3.9).  Nothing depends on the clock, the machine or the user.
 */
#include <stdlib.h>
#include <zlib.h>

#include "aas/zip.h"
#include "aas/zip_form.h"

#define PIECE ((size_t)64 << 10)
#define LEVEL 6
#define DATE 0x0021u		/* 1980-01-01, the first one there is */
#define NEEDED 20u		/* 2.0: deflate, folders */

struct entry {
	const char *name;
	unsigned flags, method;
	uint32_t crc;
	size_t packed, size, at;
	bool plain;			/* streamed: it packed too well, the rest is not packed */
};

struct zip_out {
	struct sink sink;
	size_t at, unpacked;		/* bytes written; unpacked bytes of all entries */
	unsigned n;
	struct buf directory;
	struct buf packed;		/* of an entry in memory, or a piece of one that is streamed */
	z_stream z;
	bool ready;			/* z has been initialised */
	struct entry open;		/* that is being streamed */
};

static enum err no_memory(struct diag *d)
{
	return diag_add(d, ERR_NO_MEMORY, "out of memory");
}

static void put16(struct buf *b, unsigned v)
{
	buf_put(b, (char[2]){ (char)(v & 0xFF), (char)(v >> 8 & 0xFF) }, 2);
}

static void put32(struct buf *b, uint32_t v)
{
	put16(b, v & 0xFFFF);
	put16(b, v >> 16);
}

static enum err send(struct zip_out *o, const char *p, size_t n, struct diag *d)
{
	o->at += n;
	return n ? o->sink.write(o->sink.ctx, p, n, d) : ERR_OK;
}

enum err zip_out_new(struct sink sink, struct zip_out **out)
{
	struct zip_out *o = *out = calloc(1, sizeof *o);
	if (!o)
		return ERR_NO_MEMORY;
	o->sink = sink;
	buf_init(&o->directory, 0);
	buf_init(&o->packed, 0);
	o->ready = deflateInit2(&o->z, LEVEL, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK;
	if (o->ready)
		return ERR_OK;
	zip_out_free(o);
	*out = NULL;
	return ERR_NO_MEMORY;
}

void zip_out_free(struct zip_out *o)
{
	if (!o)
		return;
	if (o->ready)
		deflateEnd(&o->z);
	buf_fini(&o->directory);
	buf_fini(&o->packed);
	free(o);
}

/* The fields that a header and the directory have in common; `later`: checksum and sizes are not known yet. */
static void put_common(struct buf *b, const struct entry *e, bool later)
{
	put16(b, NEEDED);
	put16(b, e->flags);
	put16(b, e->method);
	put16(b, 0);
	put16(b, DATE);
	put32(b, later ? 0 : e->crc);
	put32(b, later ? 0 : (uint32_t)e->packed);
	put32(b, later ? 0 : (uint32_t)e->size);
	put16(b, (unsigned)strlen(e->name));
	put16(b, 0);
}

static enum err send_header(struct zip_out *o, const struct entry *e, struct diag *d)
{
	struct buf b = BUF_INIT;
	put32(&b, ZIP_LOCAL_SIGN);
	put_common(&b, e, e->flags & ZIP_FLAG_DESCRIPTOR);
	buf_puts(&b, e->name);
	enum err err = b.failed ? no_memory(d) : send(o, b.p, b.n, d);
	buf_fini(&b);
	return err;
}

static enum err list(struct zip_out *o, const struct entry *e, struct diag *d)
{
	struct buf *b = &o->directory;
	put32(b, ZIP_CENTRAL_SIGN);
	put16(b, NEEDED);
	put_common(b, e, false);
	put16(b, 0);		/* comment */
	put16(b, 0);		/* volume */
	put16(b, 0);
	put32(b, 0);		/* attributes */
	put32(b, (uint32_t)e->at);
	buf_puts(b, e->name);
	o->n++;
	return b->failed ? no_memory(d) : ERR_OK;
}

/* What we write we must be able to read. */
static enum err fits(struct zip_out *o, const char *name, size_t more, size_t total, struct diag *d)
{
	if (o->n >= ZIP_ENTRIES_MAX)
		return diag_add(d, ERR_TOO_LARGE, "more than %d parts do not go into a package", ZIP_ENTRIES_MAX);
	if (total > ZIP_ENTRY_MAX)
		return diag_add(d, ERR_TOO_LARGE, "\"%s\" is too large for a package: a part has at most %zu MiB", name, ZIP_ENTRY_MAX >> 20);
	if (more > ZIP_TOTAL_MAX - o->unpacked)
		return diag_add(d, ERR_TOO_LARGE, "with \"%s\" the package would have more than %zu MiB", name, ZIP_TOTAL_MAX >> 20);
	o->unpacked += more;
	return ERR_OK;
}

static void restart(struct zip_out *o)
{
	deflateReset(&o->z);
	deflateParams(&o->z, LEVEL, Z_DEFAULT_STRATEGY);
}

/* -- in memory -------------------------------------------------------------------------------------------------------------------- */

/* Packed into o->packed; false: better stored, because packing gains nothing or so much that it would look like a bomb. */
static bool pack(struct zip_out *o, struct slice bytes)
{
	struct buf *b = &o->packed;
	buf_reset(b);
	if (!bytes.n || !buf_reserve(b, bytes.n))
		return false;
	restart(o);
	o->z.next_in = (Bytef *)bytes.p;
	o->z.avail_in = (uInt)bytes.n;
	o->z.next_out = (Bytef *)b->p;
	o->z.avail_out = (uInt)bytes.n - 1;
	if (bytes.n == 1 || deflate(&o->z, Z_FINISH) != Z_STREAM_END)
		return false;
	b->n = bytes.n - 1 - o->z.avail_out;
	return bytes.n <= ZIP_RATIO_FREE || bytes.n / (ZIP_RATIO_MAX / 2) <= b->n;
}

enum err zip_out_bytes(struct zip_out *o, const char *name, struct slice bytes, struct diag *d)
{
	enum err err = fits(o, name, bytes.n, bytes.n, d);
	if (err)
		return err;
	bool smaller = pack(o, bytes);
	if (o->packed.failed)
		return no_memory(d);
	struct slice data = smaller ? buf_view(&o->packed) : bytes;
	struct entry e = {
		.name = name, .method = smaller ? ZIP_DEFLATED : ZIP_STORED, .crc = (uint32_t)crc32_z(0, (const Bytef *)bytes.p, bytes.n),
		.packed = data.n, .size = bytes.n, .at = o->at,
	};
	if ((err = send_header(o, &e, d)) || (err = send(o, data.p, data.n, d)))
		return err;
	return list(o, &e, d);
}

/* -- streamed ------------------------------------------------------------------------------------------------------------------- */

/* All input of z, and with Z_FINISH the end. */
static enum err squeeze(struct zip_out *o, struct entry *e, int flush, struct diag *d)
{
	enum err err = ERR_OK;
	do {
		o->z.next_out = (Bytef *)o->packed.p;
		o->z.avail_out = (uInt)PIECE;
		deflate(&o->z, flush);
		size_t n = PIECE - o->z.avail_out;
		e->packed += n;
		err = send(o, o->packed.p, n, d);
	} while (!err && !o->z.avail_out);
	return err;
}

static enum err press(struct zip_out *o, struct entry *e, const char *p, size_t n, struct diag *d)
{
	enum err err = ERR_OK;
	o->z.avail_in = 0;
	if (!e->plain && e->size > ZIP_RATIO_FREE / 2 && e->size / (ZIP_RATIO_MAX / 4) > e->packed) {
		e->plain = true;
		err = squeeze(o, e, Z_FULL_FLUSH, d);
		deflateParams(&o->z, 0, Z_DEFAULT_STRATEGY);	/* nothing is pending */
	}
	o->z.next_in = (Bytef *)p;
	o->z.avail_in = (uInt)n;
	e->crc = (uint32_t)crc32_z(e->crc, (const Bytef *)p, n);
	e->size += n;
	return err ? err : squeeze(o, e, Z_NO_FLUSH, d);
}

static enum err send_descriptor(struct zip_out *o, const struct entry *e, struct diag *d)
{
	struct buf b = BUF_INIT;
	put32(&b, ZIP_DESCRIPTOR_SIGN);
	put32(&b, e->crc);
	put32(&b, (uint32_t)e->packed);
	put32(&b, (uint32_t)e->size);
	enum err err = b.failed ? no_memory(d) : send(o, b.p, b.n, d);
	buf_fini(&b);
	return err;
}

enum err zip_out_begin(struct zip_out *o, const char *name, struct diag *d)
{
	o->open = (struct entry){ .name = name, .flags = ZIP_FLAG_DESCRIPTOR, .method = ZIP_DEFLATED, .at = o->at };
	enum err err = buf_reserve(&o->packed, PIECE) ? fits(o, name, 0, 0, d) : no_memory(d);
	restart(o);
	return err ? err : send_header(o, &o->open, d);
}

enum err zip_out_write(struct zip_out *o, const char *p, size_t n, struct diag *d)
{
	enum err err = ERR_OK;
	for (size_t part; n && !err; p += part, n -= part) {
		part = n < PIECE ? n : PIECE;
		if (!(err = fits(o, o->open.name, part, o->open.size + part, d)))
			err = press(o, &o->open, p, part, d);
	}
	return err;
}

enum err zip_out_close(struct zip_out *o, struct diag *d)
{
	enum err err;
	o->z.avail_in = 0;
	if ((err = squeeze(o, &o->open, Z_FINISH, d)) || (err = send_descriptor(o, &o->open, d)))
		return err;
	return list(o, &o->open, d);
}

enum err zip_out_stream(struct zip_out *o, const char *name, struct source in, struct diag *d)
{
	char *piece = malloc(PIECE);
	size_t got = 1;
	enum err err = piece ? zip_out_begin(o, name, d) : no_memory(d);
	while (!err && got && !(err = in.read(in.ctx, piece, PIECE, &got, d)))
		err = zip_out_write(o, piece, got, d);
	free(piece);
	return err ? err : zip_out_close(o, d);
}

enum err zip_out_end(struct zip_out *o, struct diag *d)
{
	struct buf *b = &o->directory;
	size_t at = o->at, n = b->n;
	put32(b, ZIP_END_SIGN);
	put32(b, 0);
	put16(b, o->n);
	put16(b, o->n);
	put32(b, (uint32_t)n);
	put32(b, (uint32_t)at);
	put16(b, 0);
	return b->failed ? no_memory(d) : send(o, b->p, b->n, d);
}
