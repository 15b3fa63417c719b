/* SPDX-License-Identifier: Apache-2.0 - arbitrary bytes as "content type\nbody": in pieces the parser tells what it tells of the whole. */
#include <stdlib.h>

#include "base/buf.h"
#include "server/multipart.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static enum err begin(void *ctx, const struct multipart_part *part, struct diag *d)
{
	(void)d;
	if (!part->name)
		abort();
	buf_printf(ctx, "<%s|%s|%s>", part->name, part->file_name ? part->file_name : "", part->content_type ? part->content_type : "");
	return ERR_OK;
}

static enum err data(void *ctx, const char *p, size_t n, struct diag *d)
{
	(void)d;
	if (!n)
		abort();
	buf_put(ctx, p, n);
	return ERR_OK;
}

static enum err end(void *ctx, struct diag *d)
{
	(void)d;
	buf_puts(ctx, "</>");
	return ERR_OK;
}

static enum err read_in(const char *type, struct slice body, size_t piece, struct buf *out)
{
	struct arena *a = arena_new(16 << 20);
	struct multipart *m;
	enum err e = a ? multipart_new(a, type, (struct multipart_events){ begin, data, end, out }, &m, NULL) : ERR_NO_MEMORY;
	while (!e && body.n) {
		size_t n = piece < body.n ? piece : body.n;
		e = multipart_feed(m, body.p, n, NULL);
		body.p += n;
		body.n -= n;
	}
	if (!e)
		e = multipart_end(m, NULL);
	arena_free(a);
	return e;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const uint8_t *eol = memchr(p, '\n', n);
	char *type = eol ? strndup((const char *)p, (size_t)(eol - p)) : NULL;
	struct slice body = { type ? (const char *)eol + 1 : NULL, type ? n - (size_t)(eol - p) - 1 : 0 };
	struct buf whole = BUF_INIT, pieces = BUF_INIT;
	if (type) {
		enum err e = read_in(type, body, SIZE_MAX, &whole);
		enum err f = read_in(type, body, 1 + body.n % 7, &pieces);
		if (e != f || (!e && !slice_eq(buf_view(&whole), buf_view(&pieces))))
			abort();
	}
	buf_fini(&whole);
	buf_fini(&pieces);
	free(type);
	return 0;
}
