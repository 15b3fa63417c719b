/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>

void buf_init(struct buf *b, size_t limit)
{
	*b = (struct buf)BUF_INIT;
	if (limit)
		b->limit = limit;
}

void buf_fini(struct buf *b)
{
	free(b->p);
	b->p = NULL;
	b->n = b->cap = 0;
}

void buf_reset(struct buf *b)
{
	b->n = 0;
	b->failed = b->full = false;
	if (b->p)
		b->p[0] = 0;
}

char *buf_take(struct buf *b, size_t *n)
{
	if (b->failed || !buf_reserve(b, 0))
		return NULL;
	char *p = b->p;
	if (n)
		*n = b->n;
	b->p = NULL;
	b->n = b->cap = 0;
	return p;
}

bool buf_reserve(struct buf *b, size_t more)
{
	if (b->failed)
		return false;
	if (b->p && more < b->cap - b->n)
		return true;
	if (more > b->limit || b->n > b->limit - more) {
		b->failed = b->full = true;
		return false;
	}
	size_t cap = b->cap ? b->cap * 2 : 256;
	while (cap < b->n + more + 1)
		cap *= 2;
	if (cap - 1 > b->limit)
		cap = b->limit + 1;
	char *p = realloc(b->p, cap);
	if (!p) {
		b->failed = true;
		return false;
	}
	p[b->n] = 0;
	b->p = p;
	b->cap = cap;
	return true;
}

void buf_put(struct buf *b, const void *p, size_t n)
{
	if (!n || !buf_reserve(b, n))
		return;
	memcpy(b->p + b->n, p, n);
	b->n += n;
	b->p[b->n] = 0;
}

void buf_puts(struct buf *b, const char *s)
{
	buf_put(b, s, strlen(s));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	size_t room = b->p && !b->failed ? b->cap - b->n : 0;
	va_start(ap, fmt);
	int n = vsnprintf(room ? b->p + b->n : NULL, room, fmt, ap);	/* mostly it fits, and need not be written twice */
	va_end(ap);
	if (n >= 0 && (size_t)n < room) {
		b->n += (size_t)n;
		return;
	}
	if (room)
		b->p[b->n] = 0;
	if (n < 0 || !buf_reserve(b, (size_t)n))
		return;
	va_start(ap, fmt);
	vsnprintf(b->p + b->n, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->n += (size_t)n;
}

void buf_json(struct buf *b, const char *s, size_t n)
{
	static const char escape[256] = { ['"'] = '"', ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't' };
	size_t from = 0;
	buf_putc(b, '"');
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];
		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		buf_put(b, s + from, i - from);
		from = i + 1;
		if (escape[c]) {
			buf_putc(b, '\\');
			buf_putc(b, escape[c]);
		} else {
			buf_printf(b, "\\u%04x", c);
		}
	}
	buf_put(b, s + from, n - from);
	buf_putc(b, '"');
}

void buf_xml(struct buf *b, const char *s, size_t n)
{
	size_t from = 0;
	for (size_t i = 0; i < n; i++) {
		const char *e = s[i] == '&' ? "&amp;" : s[i] == '<' ? "&lt;" : s[i] == '>' ? "&gt;" : s[i] == '\r' ? "&#13;" : NULL;
		if (!e)
			continue;
		buf_put(b, s + from, i - from);
		buf_puts(b, e);
		from = i + 1;
	}
	buf_put(b, s + from, n - from);
}
