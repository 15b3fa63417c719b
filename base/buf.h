/* SPDX-License-Identifier: Apache-2.0
 * buf.h - a growable byte buffer with a limit.
 *
 * Errors stick: after a failed growth every further call does nothing and `failed` stays set, so a writer checks once at its
 * end.  The contents are always NUL-terminated (the NUL is not counted).  One thread at a time; the caller owns the struct.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/str.h"

struct buf {
	char *p;		/* NULL until the first byte */
	size_t n, cap, limit;
	bool failed;
	bool full;		/* ... because of the limit, not for lack of memory */
};

#define BUF_LIMIT_DEFAULT ((size_t)1 << 30)
#define BUF_INIT { NULL, 0, 0, BUF_LIMIT_DEFAULT, false, false }

void buf_init(struct buf *, size_t limit);	/* 0: BUF_LIMIT_DEFAULT */
void buf_fini(struct buf *);
void buf_reset(struct buf *);			/* empty, memory kept */
char *buf_take(struct buf *, size_t *n);	/* the bytes become the caller's (free), the buffer is empty; NULL when failed */

bool buf_reserve(struct buf *, size_t more);	/* room for `more` further bytes */
void buf_put(struct buf *, const void *p, size_t n);
void buf_puts(struct buf *, const char *s);
void buf_printf(struct buf *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_json(struct buf *, const char *s, size_t n);	/* a JSON string with its quotes; s is valid UTF-8 */
void buf_xml(struct buf *, const char *s, size_t n);	/* text content: & < > and CR escaped */

static inline void buf_putc(struct buf *b, char c)
{
	if (!b->failed && b->n + 1 < b->cap) {
		b->p[b->n++] = c;
		b->p[b->n] = 0;
	} else {
		buf_put(b, &c, 1);
	}
}
static inline void buf_slice(struct buf *b, struct slice s)
{
	buf_put(b, s.p, s.n);
}
static inline struct slice buf_view(const struct buf *b)
{
	return (struct slice){ b->p ? b->p : "", b->n };
}

#endif
