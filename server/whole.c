/* SPDX-License-Identifier: Apache-2.0 */
#include "server/whole.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define STEP ((size_t)65536)
#define TEMPORARY "a temporary file: "

/* `failed` is set before anybody hears of it. */
static enum err fail(bool *failed, const char *what, int error, struct diag *d)
{
	*failed = true;
	return diag_add(d, ERR_IO, "%s%s", what, strerror(error));
}

/* A file without a name, for what one run needs. */
static int nameless(void)
{
	const char *dir = getenv("TMPDIR");
	char path[PATH_MAX];
	if ((size_t)snprintf(path, sizeof path, "%s/twinshell-XXXXXX", dir && *dir ? dir : "/tmp") >= sizeof path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	int fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	return fd;
}

static ssize_t read_some(int fd, char *p, size_t n)
{
	ssize_t k;
	do
		k = read(fd, p, n);
	while (k < 0 && errno == EINTR);
	return k;
}

/* -- input --------------------------------------------------------------------------------------------------------------------------- */

/* The rest of what `in` holds becomes a file. */
static enum err spool(struct whole_in *in, struct diag *d)
{
	char block[STEP];
	ssize_t k;
	int fd = nameless();
	if (fd < 0)
		return fail(&in->failed, TEMPORARY, errno, d);
	while ((k = read_some(in->fd, block, sizeof block)) > 0) {
		if (!fd_write_all(fd, block, (size_t)k)) {
			enum err e = fail(&in->failed, TEMPORARY, errno, d);
			close(fd);
			return e;
		}
		in->size += (size_t)k;
	}
	enum err e = k < 0 ? fail(&in->failed, "", errno, d) : ERR_OK;
	whole_in_close(in);
	in->fd = fd;
	return e;
}

enum err whole_in_open(struct whole_in *in, const char *name, struct diag *d)
{
	bool is_stdin = str_eq(name, "-");
	struct stat st;
	*in = (struct whole_in){ .name = is_stdin ? "standard input" : name, .fd = is_stdin ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC) };
	if (in->fd < 0 || fstat(in->fd, &st))
		return fail(&in->failed, "", errno, d);
	if (S_ISDIR(st.st_mode))
		return fail(&in->failed, "", EISDIR, d);
	if (!S_ISREG(st.st_mode))
		return spool(in, d);
	in->start = is_stdin ? lseek(in->fd, 0, SEEK_CUR) : 0;
	in->size = st.st_size > in->start ? (size_t)(st.st_size - in->start) : 0;
	return ERR_OK;
}

void whole_in_close(struct whole_in *in)
{
	if (in->fd > STDIN_FILENO)
		close(in->fd);
	in->fd = -1;
}

static ssize_t read_at(const struct whole_in *in, off_t at, void *to, size_t n)
{
	ssize_t k;
	do
		k = pread(in->fd, to, n, in->start + at);
	while (k < 0 && errno == EINTR);
	return k;
}

static enum err next_bytes(void *ctx, char *p, size_t n, size_t *got, struct diag *d)
{
	struct whole_in *in = ctx;
	ssize_t k = read_at(in, in->at, p, n);
	*got = k < 0 ? 0 : (size_t)k;
	in->at += (off_t)*got;
	return k < 0 ? fail(&in->failed, "", errno, d) : ERR_OK;
}

struct source whole_in_source(struct whole_in *in)
{
	in->at = 0;
	return (struct source){ next_bytes, in };
}

bool whole_in_at(void *ctx, size_t at, void *to, size_t n)
{
	for (char *p = to; n;) {
		ssize_t k = read_at(ctx, (off_t)at, p, n);
		if (k <= 0)
			return false;
		p += k;
		at += (size_t)k;
		n -= (size_t)k;
	}
	return true;
}

/* -- output -------------------------------------------------------------------------------------------------------------------------- */

/* As open(2) would have made it. */
static mode_t default_mode(void)
{
	mode_t mask = umask(0);
	umask(mask);
	return 0666 & ~mask;
}

enum err whole_out_open(struct whole_out *o, const char *name, struct diag *d)
{
	struct stat st = { 0 };
	*o = (struct whole_out){ .name = str_eq(name, "-") ? "standard output" : name, .fd = -1 };
	bool there = !str_eq(name, "-") && !stat(name, &st);
	if (there && S_ISDIR(st.st_mode))
		return fail(&o->failed, "", EISDIR, d);
	o->replaces = !str_eq(name, "-") && (!there || S_ISREG(st.st_mode));
	if (!o->replaces)
		snprintf(o->path, sizeof o->path, "%s", there ? name : "");
	if (!o->replaces)
		return (o->fd = nameless()) < 0 ? fail(&o->failed, TEMPORARY, errno, d) : ERR_OK;
	if (there && access(name, W_OK))
		return fail(&o->failed, "", errno, d);
	if (!(there && realpath(name, o->path)) && (size_t)snprintf(o->path, sizeof o->path, "%s", name) >= sizeof o->path)
		return fail(&o->failed, "", ENAMETOOLONG, d);
	snprintf(o->temp, sizeof o->temp, "%s.XXXXXX", o->path);
	if ((o->fd = mkostemp(o->temp, O_CLOEXEC)) < 0) {
		o->temp[0] = 0;
		return fail(&o->failed, "", errno, d);
	}
	return fchmod(o->fd, there ? st.st_mode & 07777 : default_mode()) ? fail(&o->failed, "", errno, d) : ERR_OK;
}

static enum err take_bytes(void *ctx, const char *p, size_t n, struct diag *d)
{
	struct whole_out *o = ctx;
	return fd_write_all(o->fd, p, n) ? ERR_OK : fail(&o->failed, "", errno, d);
}

struct sink whole_out_sink(struct whole_out *o)
{
	return (struct sink){ take_bytes, o };
}

enum err whole_out_again(struct whole_out *o, struct diag *d)
{
	return ftruncate(o->fd, 0) || lseek(o->fd, 0, SEEK_SET) < 0 ? fail(&o->failed, "", errno, d) : ERR_OK;
}

static enum err pour(struct whole_out *o, int to, struct diag *d)
{
	char block[STEP];
	ssize_t k = 0;
	bool fine = lseek(o->fd, 0, SEEK_SET) == 0;
	while (fine && (k = read_some(o->fd, block, sizeof block)) > 0)
		fine = fd_write_all(to, block, (size_t)k);
	return fine && !k ? ERR_OK : fail(&o->failed, "", errno, d);
}

enum err whole_out_commit(struct whole_out *o, struct diag *d)
{
	if (!o->replaces) {
		bool is_stdout = !o->path[0];
		int to = is_stdout ? STDOUT_FILENO : open(o->path, O_WRONLY | O_CLOEXEC);
		enum err e = to < 0 ? fail(&o->failed, "", errno, d) : pour(o, to, d);
		if (!is_stdout && to >= 0 && close(to) && !e)
			e = fail(&o->failed, "", errno, d);
		return e;
	}
	int fd = o->fd;
	o->fd = -1;
	if (close(fd) || rename(o->temp, o->path))
		return fail(&o->failed, "", errno, d);
	o->temp[0] = 0;
	return ERR_OK;
}

void whole_out_close(struct whole_out *o)
{
	if (o->fd >= 0)
		close(o->fd);
	if (o->temp[0])
		unlink(o->temp);
	o->fd = -1;
	o->temp[0] = 0;
}
