/* SPDX-License-Identifier: Apache-2.0 */
#include "base/stream.h"

#include <errno.h>
#include <unistd.h>

static enum err fd_read(void *ctx, char *p, size_t n, size_t *got, struct diag *d)
{
	ssize_t k;
	do
		k = read(*(const int *)ctx, p, n);
	while (k < 0 && errno == EINTR);
	*got = k < 0 ? 0 : (size_t)k;
	return k < 0 ? diag_add(d, ERR_IO, "reading failed: %s", strerror(errno)) : ERR_OK;
}

bool fd_write_all(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t k = write(fd, p, n);
		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return false;
		p += k;
		n -= (size_t)k;
	}
	return true;
}

static enum err fd_write(void *ctx, const char *p, size_t n, struct diag *d)
{
	return fd_write_all(*(const int *)ctx, p, n) ? ERR_OK : diag_add(d, ERR_IO, "writing failed: %s", strerror(errno));
}

static enum err slice_read(void *ctx, char *p, size_t n, size_t *got, struct diag *d)
{
	struct slice *rest = ctx;
	(void)d;
	*got = n < rest->n ? n : rest->n;
	if (*got)
		memcpy(p, rest->p, *got);
	rest->p += *got;
	rest->n -= *got;
	return ERR_OK;
}

static enum err content_next(void *ctx, char *p, size_t n, size_t *got, struct diag *d)
{
	struct content_at *c = ctx;
	int64_t left = c->content->size - c->at;
	*got = (uint64_t)left < n ? (size_t)left : n;
	enum err e = *got ? c->content->read(c->content->ctx, c->at, p, *got, d) : ERR_OK;
	c->at += (int64_t)*got;
	return e;
}

static enum err slice_at(void *ctx, int64_t at, char *to, size_t n, struct diag *d)
{
	const struct slice *s = ctx;
	(void)d;
	memcpy(to, s->p + at, n);
	return ERR_OK;
}

struct source source_content(struct content_at *c)
{
	return (struct source){ content_next, c };
}

struct content content_slice(const struct slice *s)
{
	return (struct content){ .size = (int64_t)s->n, .read = slice_at, .ctx = (void *)s };
}

void content_close(struct content *c)
{
	if (c->close)
		c->close(c->ctx);
	*c = (struct content){ 0 };
}

struct source source_fd(const int *fd)
{
	return (struct source){ fd_read, (void *)fd };
}

struct sink sink_fd(const int *fd)
{
	return (struct sink){ fd_write, (void *)fd };
}

struct source source_slice(struct slice *rest)
{
	return (struct source){ slice_read, rest };
}
