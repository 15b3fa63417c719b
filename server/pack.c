/* SPDX-License-Identifier: Apache-2.0 */
#include "server/pack.h"

#include <strings.h>
#include <zlib.h>

#include "server/accept.h"

#define LEVEL 3			/* JSON shrinks to a tenth or so; 9 takes six times as long for a few hundredths of it */
#define GZIP_WINDOW (15 + 16)	/* 32 KiB, in the gzip format (zlib.h, deflateInit2) */
#define MEMORY 8		/* of 9: 128 KiB */

bool pack_accepted(const char *accept_encoding)
{
	static const char *const coding[] = { "gzip" };
	return accept_encoding && *accept_encoding && accept_choose(accept_encoding, coding, 1) == 0;
}

bool pack_worth(const char *type)
{
	static const char *const text[] = { "application/json", "application/xml", "text/", "image/svg" };
	for (size_t i = 0; type && i < sizeof text / sizeof *text; i++)
		if (!strncasecmp(type, text[i], strlen(text[i])))
			return strncasecmp(type, "text/event-stream", 17) != 0;
	return !type;
}

bool pack_gzip(struct slice in, struct buf *out)
{
	z_stream z = { 0 };
	size_t before = out->n;
	if (in.n < 32 || in.n > PACK_MAX || !buf_reserve(out, in.n))
		return false;
	if (deflateInit2(&z, LEVEL, Z_DEFLATED, GZIP_WINDOW, MEMORY, Z_DEFAULT_STRATEGY) != Z_OK)
		return false;
	z.next_in = (Bytef *)(uintptr_t)in.p;
	z.avail_in = (uInt)in.n;
	z.next_out = (Bytef *)out->p + before;
	z.avail_out = (uInt)(in.n - 16);	/* no room for what is not worth it */
	bool done = deflate(&z, Z_FINISH) == Z_STREAM_END;
	if (done)
		out->n = before + z.total_out;
	deflateEnd(&z);
	out->p[out->n] = 0;
	return done;
}
