/* SPDX-License-Identifier: Apache-2.0 */
#include "server/static.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"

static const struct { const char *suffix, *type; } types[] = {
	{ ".html", "text/html; charset=utf-8" }, { ".js", "text/javascript; charset=utf-8" }, { ".css", "text/css; charset=utf-8" },
	{ ".json", "application/json" }, { ".map", "application/json" }, { ".svg", "image/svg+xml" }, { ".png", "image/png" },
	{ ".ico", "image/x-icon" }, { ".woff2", "font/woff2" }, { ".txt", "text/plain; charset=utf-8" },
};

static struct slice index_of(struct slice path)
{
	return slice_is(path, "/") || !path.n ? SLICE("/index.html") : slice_is(path, "/api-docs") ? SLICE("/docs.html") : path;
}

const struct static_file *static_find(const struct static_file *file, size_t n, struct slice path)
{
	path = index_of(path);
	for (size_t i = 0; i < n; i++)
		if (slice_is(path, file[i].path))
			return &file[i];
	return NULL;
}

/* Plain names only: nothing hidden, no "..", no escapes. */
static bool plain(struct slice path)
{
	for (size_t i = 0; i < path.n; i++) {
		char c = path.p[i];
		bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
		if (!word && c != '.' && c != '/')
			return false;
		if (c == '/' && (i + 1 == path.n || path.p[i + 1] == '.' || path.p[i + 1] == '/'))
			return false;
	}
	return path.n && path.p[0] == '/';
}

enum err static_read(struct arena *a, const char *dir, struct slice path, struct buf *out, const char **content_type)
{
	struct stat st;
	path = index_of(path);
	if (!plain(path))
		return ERR_NOT_FOUND;
	const char *name = arena_printf(a, "%s%.*s", dir, (int)path.n, path.p);
	if (!name)
		return ERR_NO_MEMORY;
	int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == EACCES ? ERR_NOT_FOUND : ERR_IO;
	enum err e = ERR_OK;
	if (fstat(fd, &st))
		e = ERR_IO;
	else if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > STATIC_FILE_MAX)
		e = ERR_NOT_FOUND;
	else if (!buf_reserve(out, (size_t)st.st_size))
		e = ERR_NO_MEMORY;
	for (off_t left = st.st_size; !e && left > 0; ) {
		ssize_t k = read(fd, out->p + out->n, (size_t)left);
		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			break;		/* shorter than it was: what is there is served */
		out->n += (size_t)k;
		out->p[out->n] = 0;
		left -= k;
	}
	close(fd);
	*content_type = "application/octet-stream";
	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		size_t len = strlen(types[i].suffix);
		if (path.n > len && !memcmp(path.p + path.n - len, types[i].suffix, len))
			*content_type = types[i].type;
	}
	return e;
}
