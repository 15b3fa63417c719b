/* SPDX-License-Identifier: Apache-2.0 */
#include "base/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define LOOK_EVERY ((int64_t)16 << 20)	/* bytes between two looks at what is left of the disk */

struct scratch {
	const char *dir;
	int64_t max, size, next_look;
	struct sha256 *sum;
	unsigned char hash[SHA256_SIZE];
	int fd;				/* -1: still in memory */
	char memory[SCRATCH_MEMORY];
};

struct scratch *scratch_new(const char *dir, int64_t max)
{
	struct scratch *s = calloc(1, sizeof *s);
	if (!s || !(s->sum = sha256_new())) {
		free(s);
		return NULL;
	}
	const char *tmp = getenv("TMPDIR");
	s->dir = dir ? dir : tmp && *tmp ? tmp : "/tmp";
	s->max = max;
	s->fd = -1;
	return s;
}

void scratch_free(struct scratch *s)
{
	if (!s)
		return;
	if (s->fd >= 0)
		close(s->fd);
	sha256_free(s->sum);
	free(s);
}

/* Not every file system makes files without a name. */
static int open_unnamed(const char *dir)
{
	char name[PATH_MAX];
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
		return fd;
	if ((size_t)snprintf(name, sizeof name, "%s/twinshell-XXXXXX", dir) >= sizeof name) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = mkostemp(name, O_CLOEXEC);
	if (fd >= 0)
		unlink(name);
	return fd;
}

static enum err full(struct diag *d)
{
	return diag_add(d, ERR_UNAVAILABLE, "the disk has no room for this file");
}

static enum err fault(struct diag *d)
{
	if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG)
		return full(d);
	return diag_add(d, ERR_IO, "a file on its way cannot be kept: %s", strerror(errno));
}

static enum err write_all(struct scratch *s, int64_t at, const char *p, size_t n, struct diag *d)
{
	struct statvfs v;
	if (at + (int64_t)n >= s->next_look) {
		if (!fstatvfs(s->fd, &v) && (int64_t)(v.f_bavail * v.f_frsize) < SCRATCH_RESERVE + (int64_t)n)
			return full(d);
		s->next_look = at + (int64_t)n + LOOK_EVERY;
	}
	while (n) {
		ssize_t k = pwrite(s->fd, p, n, at);
		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return fault(d);
		p += k;
		n -= (size_t)k;
		at += k;
	}
	return ERR_OK;
}

static enum err leave_memory(struct scratch *s, struct diag *d)
{
	s->fd = open_unnamed(s->dir);
	if (s->fd < 0)
		return errno == ENOSPC ? full(d) : diag_add(d, ERR_UNAVAILABLE, "no file can be made for what is on its way: %s", strerror(errno));
	return write_all(s, 0, s->memory, (size_t)s->size, d);
}

enum err scratch_write(struct scratch *s, const char *p, size_t n, struct diag *d)
{
	enum err e = ERR_OK;
	if (!n)
		return ERR_OK;
	if ((uint64_t)n > (uint64_t)(s->max - s->size))
		return diag_add(d, ERR_TOO_LARGE, "a file may have %lld bytes here", (long long)s->max);
	sha256_add(s->sum, p, n);
	if (s->fd < 0 && (uint64_t)s->size + n > SCRATCH_MEMORY)
		e = leave_memory(s, d);
	if (e)
		return e;
	if (s->fd < 0)
		memcpy(s->memory + s->size, p, n);
	else if ((e = write_all(s, s->size, p, n, d)))
		return e;
	s->size += (int64_t)n;
	return ERR_OK;
}

enum err scratch_end(struct scratch *s, struct diag *d)
{
	return sha256_end(s->sum, s->hash) ? ERR_OK : diag_add(d, ERR_NO_MEMORY, "out of memory");
}

int64_t scratch_size(const struct scratch *s)
{
	return s->size;
}

const unsigned char *scratch_hash(const struct scratch *s)
{
	return s->hash;
}

enum err scratch_read(const struct scratch *s, int64_t at, char *to, size_t n, struct diag *d)
{
	if (s->fd < 0) {
		memcpy(to, s->memory + at, n);
		return ERR_OK;
	}
	while (n) {
		ssize_t k = pread(s->fd, to, n, at);
		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return diag_add(d, ERR_IO, "a file on its way cannot be read: %s", k ? strerror(errno) : "it is too short");
		to += k;
		n -= (size_t)k;
		at += k;
	}
	return ERR_OK;
}

/* -- other clothes ---------------------------------------------------------------------------------------------------------------- */

static enum err put(void *ctx, const char *p, size_t n, struct diag *d)
{
	return scratch_write(ctx, p, n, d);
}

static enum err get(void *ctx, int64_t at, char *to, size_t n, struct diag *d)
{
	return scratch_read(ctx, at, to, n, d);
}

static void end(void *ctx)
{
	scratch_free(ctx);
}

struct sink scratch_sink(struct scratch *s)
{
	return (struct sink){ put, s };
}

struct content scratch_content(struct scratch *s)
{
	return (struct content){ .size = s->size, .read = get, .ctx = s };
}

struct content scratch_take(struct scratch *s)
{
	return (struct content){ .size = s->size, .read = get, .close = end, .ctx = s };
}
