/* SPDX-License-Identifier: Apache-2.0
 * zip_stream.c - unpacks one entry, in pieces or whole.
 */
#include <stdlib.h>
#include <zlib.h>

#include "aas/zip_form.h"
#include "aas/zip_priv.h"

#define WINDOW ((size_t)64 << 10)

struct zip_stream {
	const struct zip_bytes *from;
	const struct zip_entry *entry;
	z_stream z;
	size_t in, out;			/* bytes so far */
	uint32_t crc;
	bool ended;			/* deflate said so */
	char *window;			/* NULL when the archive is in memory */
};

static enum err damaged(const struct zip_stream *s, const char *how, struct diag *d)
{
	return diag_add(d, ERR_BAD_REQUEST, "the part \"%s\" is damaged: %s", s->entry->name, how);
}

enum err zip_stream_open(struct zip_file *f, const struct zip_entry *entry, struct zip_stream **out, struct diag *d)
{
	struct zip_stream *s = calloc(1, sizeof *s);
	*out = NULL;
	if (!s || (!f->from->p && !(s->window = malloc(WINDOW))) || (entry->method == ZIP_DEFLATED && inflateInit2(&s->z, -MAX_WBITS) != Z_OK)) {
		if (s)
			free(s->window);
		free(s);
		return diag_add(d, ERR_NO_MEMORY, "out of memory");
	}
	s->from = f->from;
	s->entry = entry;
	*out = s;
	return ERR_OK;
}

void zip_stream_close(struct zip_stream *s)
{
	if (!s)
		return;
	if (s->entry->method == ZIP_DEFLATED)
		inflateEnd(&s->z);
	free(s->window);
	free(s);
}

/* More packed bytes for zlib: all that is left when they are in memory. */
static enum err refill(struct zip_stream *s, struct diag *d)
{
	size_t n = s->entry->packed - s->in, at = s->entry->at + s->in;
	if (s->z.avail_in || !n)
		return ERR_OK;
	if (s->window) {
		n = n < WINDOW ? n : WINDOW;
		enum err e = zip_fetch(s->from, at, s->window, n, d);
		if (e)
			return e;
	}
	s->z.next_in = (Bytef *)(s->window ? s->window : s->from->p + at);
	s->z.avail_in = (uInt)n;
	s->in += n;
	return ERR_OK;
}

static enum err unpack(struct zip_stream *s, void *p, size_t n, size_t *got, struct diag *d)
{
	enum err e = ERR_OK;
	s->z.next_out = p;
	s->z.avail_out = (uInt)n;
	while (!e && s->z.avail_out && !s->ended && !(e = refill(s, d))) {
		bool last = !s->z.avail_in;
		int rc = inflate(&s->z, Z_NO_FLUSH);
		s->ended = rc == Z_STREAM_END;
		if (rc == Z_MEM_ERROR)
			e = diag_add(d, ERR_NO_MEMORY, "out of memory");
		else if ((rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR) || (last && !s->ended && s->z.avail_out))
			e = damaged(s, "its data cannot be unpacked", d);
	}
	*got = n - s->z.avail_out;
	return e;
}

static enum err copy(struct zip_stream *s, void *p, size_t n, size_t *got, struct diag *d)
{
	*got = n < s->entry->size - s->out ? n : s->entry->size - s->out;
	s->in += *got;
	s->ended = s->in == s->entry->packed;
	return zip_fetch(s->from, s->entry->at + s->in - *got, p, *got, d);
}

/* One byte more than promised would be a lie, one byte of input left over as well. */
static enum err check_end(struct zip_stream *s, struct diag *d)
{
	char more;
	size_t k = 0;
	enum err e = s->ended || s->entry->method == ZIP_STORED ? ERR_OK : unpack(s, &more, 1, &k, d);
	if (e)
		return e;
	if (k)
		return damaged(s, "it unpacks to more than its size", d);
	if (s->in != s->entry->packed || s->z.avail_in)
		return damaged(s, "it is packed in less than its packed size", d);
	return s->crc == s->entry->crc ? ERR_OK : damaged(s, "its checksum is wrong", d);
}

enum err zip_stream_read(struct zip_stream *s, void *p, size_t n, size_t *got, struct diag *d)
{
	size_t left = s->entry->size - s->out;
	enum err e;
	n = n < left ? n : left;
	*got = 0;
	if (!n)
		return left ? ERR_OK : check_end(s, d);
	e = s->entry->method == ZIP_STORED ? copy(s, p, n, got, d) : unpack(s, p, n, got, d);
	if (!e && !*got)
		e = damaged(s, "it unpacks to less than its size", d);
	if (e)
		return e;
	s->crc = (uint32_t)crc32_z(s->crc, p, *got);
	s->out += *got;
	return ERR_OK;
}

enum err zip_file_read(struct zip_file *f, const struct zip_entry *entry, size_t limit, struct arena *a, struct slice *out, struct diag *d)
{
	struct zip_stream *s;
	size_t n = 0, got;
	char *p;
	enum err e;
	if (entry->size > limit)
		return diag_add(d, ERR_TOO_LARGE, "the part \"%s\" has %zu bytes, the limit is %zu", entry->name, entry->size, limit);
	if (!(p = arena_raw(a, entry->size + 1)))
		return diag_add(d, ERR_NO_MEMORY, "out of memory");
	if ((e = zip_stream_open(f, entry, &s, d)))
		return e;
	do
		e = zip_stream_read(s, p + n, entry->size - n, &got, d);
	while (n += got, !e && got);
	zip_stream_close(s);
	p[n] = 0;
	*out = (struct slice){ p, n };
	return e;
}
