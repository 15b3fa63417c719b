/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static enum err fail(struct diag *d, const char *name)
{
	return diag_add(d, ERR_IO, "%s: %s", name, strerror(errno));
}

enum err file_read(struct arena *a, const char *name, size_t limit, struct slice *out, struct diag *d)
{
	struct stat st;
	enum err e = ERR_OK;
	size_t n = 0;
	ssize_t k = 1;
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail(d, name);
	if (fstat(fd, &st))
		e = fail(d, name);
	else if (!S_ISREG(st.st_mode))
		e = diag_add(d, ERR_IO, "%s: not a regular file", name);
	else if ((size_t)st.st_size > limit)
		e = diag_add(d, ERR_TOO_LARGE, "%s: %lld bytes, the limit is %zu", name, (long long)st.st_size, limit);
	char *p = e ? NULL : arena_raw(a, (size_t)st.st_size + 1);
	if (!e && !p)
		e = diag_add(d, ERR_NO_MEMORY, "%s: out of memory", name);
	while (!e && n < (size_t)st.st_size && k > 0)
		if ((k = read(fd, p + n, (size_t)st.st_size - n)) > 0)
			n += (size_t)k;
	if (k < 0)
		e = fail(d, name);
	close(fd);
	if (!e) {
		p[n] = 0;
		*out = (struct slice){ p, n };
	}
	return e;
}

enum err file_write(const char *name, const void *p, size_t n, unsigned mode, struct diag *d)
{
	char tmp[PATH_MAX];
	const char *at = p;
	if ((size_t)snprintf(tmp, sizeof tmp, "%s.new", name) >= sizeof tmp)
		return diag_add(d, ERR_IO, "%s: the name is too long", name);
	int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	if (fd < 0)
		return fail(d, tmp);
	while (n) {
		ssize_t k = write(fd, at, n);
		if (k < 0) {
			enum err e = fail(d, tmp);
			close(fd);
			unlink(tmp);
			return e;
		}
		at += k;
		n -= (size_t)k;
	}
	if (close(fd) || rename(tmp, name)) {
		enum err e = fail(d, name);
		unlink(tmp);
		return e;
	}
	return ERR_OK;
}

enum err file_mkdirs(const char *name, unsigned mode, struct diag *d)
{
	char path[PATH_MAX];
	if ((size_t)snprintf(path, sizeof path, "%s", name) >= sizeof path)
		return diag_add(d, ERR_IO, "%s: the name is too long", name);
	for (char *s = path + 1;; s++) {
		char c = *s;
		if (c && c != '/')
			continue;
		*s = 0;
		if (mkdir(path, mode) && errno != EEXIST)
			return fail(d, path);
		*s = c;
		if (!c)
			return ERR_OK;
	}
}
