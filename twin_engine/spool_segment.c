/* SPDX-License-Identifier: Apache-2.0
 * spool_segment.c - segments: files named by the position of their first byte, and the list of them.
 *
 * Space is preallocated, so that a full disk is met when a segment is made and not in the middle of a record.
 * What is in a segment is known to spool_record.c; who writes and reads it are spool_append.c and spool_read.c.
 */
#include "twin_engine/spool_priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"

#define SUFFIX ".spool"
#define DIGITS ((size_t)16)

enum err spool_io_error(const char *what, const char *path)
{
	int e = errno;
	log_error("spool", "%s %s: %s", what, path, strerror(e));
	return e == ENOSPC || e == EDQUOT ? ERR_TOO_LARGE : ERR_IO;
}

/* -- files ------------------------------------------------------------------------------------------------------------------- */

void spool_segment_path(const struct spool *s, uint64_t base, char out[PATH_MAX])
{
	snprintf(out, PATH_MAX, "%s/%016" PRIx64 SUFFIX, s->dir, base);
}

static bool segment_name(const char *name, uint64_t *base)
{
	if (strlen(name) != SPOOL_NAME_SIZE - 1 || !str_eq(name + DIGITS, SUFFIX) || strspn(name, "0123456789abcdef") != DIGITS)
		return false;
	*base = strtoull(name, NULL, 16);
	return true;
}

static int by_base(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

enum err spool_segments_there(const struct spool *s, uint64_t **out, size_t *n)
{
	uint64_t *list = NULL, base;
	size_t cap = 0;
	DIR *d = opendir(s->dir);
	*n = 0;
	if (!d)
		return spool_io_error("open", s->dir);
	for (struct dirent *e; (e = readdir(d)); ) {
		if (!segment_name(e->d_name, &base))
			continue;
		if (*n == cap) {
			uint64_t *more = reallocarray(list, cap = cap ? cap * 2 : 64, sizeof *list);
			if (!more) {
				free(list);
				closedir(d);
				return ERR_NO_MEMORY;
			}
			list = more;
		}
		list[(*n)++] = base;
	}
	closedir(d);
	if (list)
		qsort(list, *n, sizeof *list, by_base);
	*out = list;
	return ERR_OK;
}

enum err spool_segment_open(const struct spool *s, uint64_t base, int flags, int *fd)
{
	char path[PATH_MAX];
	spool_segment_path(s, base, path);
	*fd = open(path, flags | O_CLOEXEC);
	return *fd < 0 ? spool_io_error("open", path) : ERR_OK;
}

static void sync_dir(const struct spool *s)
{
	int fd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd))
		log_warn("spool", "fsync %s: %s", s->dir, strerror(errno));
	if (fd >= 0)
		close(fd);
}

static int preallocate(int fd, size_t n)
{
	int e = posix_fallocate(fd, 0, (off_t)n);
	if (e == EINVAL || e == EOPNOTSUPP)	/* not on this file system: its writes tell when it is full */
		return ftruncate(fd, (off_t)n);
	errno = e;
	return e ? -1 : 0;
}

/* Under its final name it has its full size: a crash leaves no half-made segment behind. */
enum err spool_segment_make(const struct spool *s, uint64_t base, int *out)
{
	char path[PATH_MAX], made[PATH_MAX];
	spool_segment_path(s, base, path);
	snprintf(made, sizeof made, "%s/new", s->dir);
	int fd = open(made, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return spool_io_error("make", made);
	if (preallocate(fd, s->segment_bytes) || rename(made, path)) {
		enum err e = spool_io_error("allocate", made);
		unlink(made);
		close(fd);
		return e;
	}
	if (s->sync)
		sync_dir(s);
	*out = fd;
	return ERR_OK;
}

int spool_segment_clear(int fd, size_t at, size_t size)
{
	return ftruncate(fd, (off_t)at) || preallocate(fd, size) ? -1 : 0;
}

/* -- the list ---------------------------------------------------------------------------------------------------------------- */

bool spool_segment_add(struct spool *s, uint64_t base, uint64_t size)
{
	struct spool_segment *seg = calloc(1, sizeof *seg);
	if (!seg)
		return false;
	seg->base = base;
	seg->size = size;
	if (s->last)
		s->last->next = seg;
	else
		s->first = seg;
	s->last = seg;
	s->total += size;
	return true;
}

bool spool_is_full(const struct spool *s)
{
	return s->total + s->segment_bytes > s->max_bytes;
}

struct spool_segment *spool_segments_cut(struct spool *s)
{
	struct spool_segment *cut = s->first, **tail = &cut;
	while (*tail && *tail != s->last && (*tail)->next->base <= s->released && ((*tail)->next != s->last || spool_is_full(s))) {
		s->total -= (*tail)->size;
		tail = &(*tail)->next;
	}
	s->first = *tail;
	*tail = NULL;
	return cut;
}

void spool_segments_remove(const struct spool *s, struct spool_segment *list)
{
	char path[PATH_MAX];
	for (struct spool_segment *next; list; list = next) {
		next = list->next;
		spool_segment_path(s, list->base, path);
		if (unlink(path))
			log_warn("spool", "remove %s: %s", path, strerror(errno));
		free(list);
	}
}
