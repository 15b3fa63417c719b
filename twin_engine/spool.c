/* SPDX-License-Identifier: Apache-2.0
 * spool.c - a spool as a whole: it is opened as a crash may have left it, and what was committed is released.
 *
 * A record's position is that of its segment (spool_segment.c) plus its offset there.  Who appends is in spool_append.c, who reads in spool_read.c.
 */
#include "twin_engine/spool_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

#define SEGMENT_DEFAULT ((size_t)16 << 20)
#define MAX_DEFAULT ((size_t)4 << 30)
#define SEGMENT_MIN ((size_t)4096)

/* -- open -------------------------------------------------------------------------------------------------------------------- */

static enum err claim(struct spool *s, struct diag *d)
{
	char path[PATH_MAX];
	if (strlen(s->dir) + 1 + SPOOL_NAME_SIZE > sizeof path)
		return diag_add(d, ERR_IO, "the name of the directory is too long: %s", s->dir);
	if (mkdir(s->dir, 0700) && errno != EEXIST)
		return diag_add(d, ERR_IO, "%s: %s", s->dir, strerror(errno));
	snprintf(path, sizeof path, "%s/lock", s->dir);
	s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (s->lock_fd < 0)
		return diag_add(d, ERR_IO, "%s: %s", path, strerror(errno));
	if (flock(s->lock_fd, LOCK_EX | LOCK_NB))
		return diag_add(d, ERR_CONFLICT, "%s: another process uses this spool", s->dir);
	return ERR_OK;
}

/* Recall the records of a segment, which end at *end; *torn: something that is none lies behind them, or the file has become shorter. */
static enum err recall(struct spool *s, const struct spool_segment *seg, int fd, size_t *end, bool *torn)
{
	char *p = malloc(seg->size), path[PATH_MAX];
	if (!p)
		return ERR_NO_MEMORY;
	ssize_t got = pread(fd, p, seg->size, 0);
	if (got >= 0) {
		*end = spool_again_recall(s, p, (size_t)got, seg->base);
		*torn = (size_t)got != seg->size;
		for (size_t i = *end; i < (size_t)got && !*torn; i++)
			*torn = p[i] != 0;
	}
	free(p);
	if (got >= 0)
		return ERR_OK;
	spool_segment_path(s, seg->base, path);
	return spool_io_error("read", path);
}

static enum err recall_older(struct spool *s, const struct spool_segment *seg)
{
	int fd;
	size_t end;
	bool torn;
	enum err e = spool_segment_open(s, seg->base, O_RDONLY, &fd);
	if (!e) {
		e = recall(s, seg, fd, &end, &torn);
		close(fd);
	}
	return e;
}

/* Find where the last segment really ends and clear what is torn behind that. */
static enum err recover(struct spool *s)
{
	const struct spool_segment *seg = s->last;
	char path[PATH_MAX];
	size_t at = 0;
	bool torn = false;
	enum err e = spool_segment_open(s, seg->base, O_RDWR, &s->fd);
	if (e || (e = recall(s, seg, s->fd, &at, &torn)))
		return e;
	if (torn) {
		spool_segment_path(s, seg->base, path);
		log_warn("spool", "%s: cut a torn record at %zu", path, at);
		if (spool_segment_clear(s->fd, at, seg->size))
			return spool_io_error("cut", path);
	}
	s->append = s->end = seg->base + at;
	return ERR_OK;
}

/* One segment after another goes onto the list, and the last but one is recalled already. */
static enum err list_segment(struct spool *s, uint64_t base, bool last_but_one)
{
	char path[PATH_MAX];
	struct stat st;
	spool_segment_path(s, base, path);
	if (stat(path, &st))
		return spool_io_error("stat", path);
	if ((s->last && base < spool_segment_end(s->last)) || st.st_size <= 0 || st.st_size > INT_MAX)	/* not files of ours */
		return ERR_IO;
	if (!spool_segment_add(s, base, (uint64_t)st.st_size))
		return ERR_NO_MEMORY;
	return last_but_one ? recall_older(s, s->last) : ERR_OK;
}

static enum err load(struct spool *s)
{
	uint64_t *base = NULL;
	size_t n = 0;
	enum err e = spool_segments_there(s, &base, &n);
	for (size_t i = 0; !e && i < n; i++)
		e = list_segment(s, base[i], i + 2 == n);
	free(base);
	if (e)
		return e;
	if (s->last)
		return recover(s);
	if ((e = spool_segment_make(s, 0, &s->fd)))
		return e;
	return spool_segment_add(s, 0, s->segment_bytes) ? ERR_OK : ERR_NO_MEMORY;
}

/* Of the segments that there are and will be. */
static size_t largest(const struct spool *s)
{
	size_t most = s->segment_bytes;
	for (const struct spool_segment *seg = s->first; seg; seg = seg->next)
		if (seg->size > most)
			most = seg->size;
	return most;
}

static size_t within(size_t n, size_t low, size_t high)
{
	return n < low ? low : n > high ? high : n;
}

enum err spool_open(const struct spool_config *c, struct spool **out, struct diag *d)
{
	struct spool *s = calloc(1, sizeof *s);
	enum err e = ERR_NO_MEMORY;
	if (!s)
		return ERR_NO_MEMORY;
	spool_record_init();
	lock_init(&s->lock, RANK_SPOOL);
	cond_init(&s->data);
	cond_init(&s->space);
	s->fd = s->read_fd = s->lock_fd = -1;
	s->segment_bytes = c->segment_bytes ? within(c->segment_bytes & ~(size_t)7, SEGMENT_MIN, SPOOL_SEGMENT_MAX) : SEGMENT_DEFAULT;
	s->max_bytes = within(c->max_bytes ? c->max_bytes : MAX_DEFAULT, 2 * s->segment_bytes, SIZE_MAX);
	s->sync = c->sync;
	s->dir = strdup(c->dir);
	s->packet = spool_again_new();
	if (s->dir && s->packet && !(e = claim(s, d)) && (e = load(s)))
		diag_add(d, e, "%s: the spool cannot be read", s->dir);
	if (!e && !(s->window = malloc(largest(s))))
		e = ERR_NO_MEMORY;
	if (e) {
		spool_close(s);
		return e;
	}
	s->read = s->released = s->first->base;
	*out = s;
	return ERR_OK;
}

void spool_close(struct spool *s)
{
	if (!s)
		return;
	for (struct spool_segment *seg = s->first, *next; seg; seg = next) {
		next = seg->next;
		free(seg);
	}
	int fds[] = { s->fd, s->read_fd, s->lock_fd };
	for (size_t i = 0; i < 3; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	pthread_cond_destroy(&s->data);
	pthread_cond_destroy(&s->space);
	lock_fini(&s->lock);
	free(s->window);
	free(s->packet);
	free(s->dir);
	free(s);
}

/* -- what is kept ------------------------------------------------------------------------------------------------------------ */

void spool_release(struct spool *s, uint64_t position)
{
	lock_take(&s->lock);
	if (position > s->end)
		position = s->end;
	if (position > s->released)
		s->released = position;
	struct spool_segment *gone = spool_segments_cut(s);
	if (gone)
		pthread_cond_broadcast(&s->space);
	lock_drop(&s->lock);
	spool_segments_remove(s, gone);
}

uint64_t spool_end(struct spool *s)
{
	lock_take(&s->lock);
	uint64_t end = s->end;
	lock_drop(&s->lock);
	return end;
}

uint64_t spool_backlog(struct spool *s)
{
	lock_take(&s->lock);
	uint64_t n = s->end > s->released ? s->end - s->released : 0;
	lock_drop(&s->lock);
	return n;
}
