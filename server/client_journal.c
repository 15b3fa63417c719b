/* SPDX-License-Identifier: Apache-2.0 */
#include "server/client_journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/map.h"

#define JOURNAL_MAX ((size_t)1 << 28)
#define DEPTH_MAX 32
#define TITLE "twinshell "

struct client_journal {
	int fd;
	const char *name;
	struct arena *arena;
	struct map done;	/* name -> "BYTES MODIFIED" */
};

static bool failed(const char *name)
{
	fprintf(stderr, "%s: %s\n", name, strerror(errno));
	return false;
}

static bool stamp(const char *file, char out[64])
{
	struct stat st;
	if (stat(file, &st))
		return failed(file);
	snprintf(out, 64, "%" PRIdMAX " %" PRIdMAX "%09ld", (intmax_t)st.st_size, (intmax_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
	return true;
}

static bool title_fits(const char *line, size_t n, const char *name, const char *title)
{
	size_t k = sizeof TITLE - 1;
	if (n < k || memcmp(line, TITLE, k))
		fprintf(stderr, "%s: not a journal\n", name);
	else if (n - k != strlen(title) || memcmp(line + k, title, n - k))
		fprintf(stderr, "%s: the journal of \"%.*s\"\n", name, (int)(n - k), line + k);
	else
		return true;
	return false;
}

/* A line without an end was being written when the program ended: it says nothing. */
static bool read_lines(struct client_journal *j, struct slice text, const char *title)
{
	const char *end = memchr(text.p, '\n', text.n);
	if (!end)
		return title_fits("", 0, j->name, title);
	for (size_t i = 0; (end = memchr(text.p, '\n', text.n)); i++) {
		size_t n = (size_t)(end - text.p);
		char *line = arena_strndup(j->arena, text.p, n), *blank = line ? strchr(line, ' ') : NULL;
		text = (struct slice){ end + 1, text.n - n - 1 };
		if (i == 0) {
			if (!title_fits(line ? line : "", n, j->name, title))
				return false;
			continue;
		}
		if (!blank || !(blank = strchr(blank + 1, ' ')))
			continue;
		*blank = 0;
		if (!map_put(&j->done, blank + 1, strlen(blank + 1), line, NULL))
			return false;
	}
	return true;
}

static bool write_line(struct client_journal *j, const char *line)
{
	size_t n = strlen(line);
	return write(j->fd, line, n) == (ssize_t)n || failed(j->name);
}

static bool begin(struct client_journal *j, const char *title)
{
	struct slice text = { NULL, 0 };
	struct diag d = DIAG_INIT;
	struct stat st;
	char why[DIAG_PATH_MAX + DIAG_TEXT_MAX];
	if ((j->fd = open(j->name, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666)) < 0 || fstat(j->fd, &st))
		return failed(j->name);
	if (!st.st_size) {
		char *line = arena_printf(j->arena, TITLE "%s\n", title);
		return line && write_line(j, line);
	}
	bool ok = !file_read(j->arena, j->name, JOURNAL_MAX, &text, &d);
	if (!ok)
		fprintf(stderr, "%s\n", diag_first(&d, why, sizeof why));
	diag_fini(&d);
	return ok && read_lines(j, text, title) && (text.p[text.n - 1] == '\n' || write_line(j, "\n"));
}

struct client_journal *client_journal_open(const char *name, const char *title)
{
	struct client_journal *j = calloc(1, sizeof *j);
	if (j)
		*j = (struct client_journal){ .fd = -1, .name = name, .arena = arena_new(0) };
	if (j && j->arena && begin(j, title))
		return j;
	client_journal_close(j);
	return NULL;
}

void client_journal_close(struct client_journal *j)
{
	if (!j)
		return;
	if (j->fd >= 0)
		close(j->fd);
	map_fini(&j->done);
	arena_free(j->arena);
	free(j);
}

bool client_journal_has(struct client_journal *j, const char *file)
{
	char now[64];
	const char *then = map_get(&j->done, file, strlen(file));
	return then && stamp(file, now) && !strcmp(then, now);
}

bool client_journal_note(struct client_journal *j, const char *file)
{
	char now[64];
	struct buf line = BUF_INIT;
	if (strchr(file, '\n'))
		return true;	/* such a name has no line: it is imported again */
	if (!stamp(file, now))
		return false;
	buf_printf(&line, "%s %s\n", now, file);
	bool ok = !line.failed && write_line(j, line.p);
	buf_fini(&line);
	return ok;
}

/* -- files ------------------------------------------------------------------------------------------------------------------------ */
static bool add(struct arena *a, struct client_files *f, const char *name)
{
	if (f->n == f->cap) {
		size_t cap = f->cap ? 2 * f->cap : 64;
		char **more = ARENA_ARRAY(a, char *, cap);
		if (!more)
			return false;
		if (f->n)
			memcpy(more, f->name, f->n * sizeof *more);
		f->name = more;
		f->cap = cap;
	}
	return (f->name[f->n++] = arena_strdup(a, name)) != NULL;
}

static int visible(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static bool is_data(const char *name)
{
	static const char *const ends[] = { ".aasx", ".json", ".xml" };
	const char *dot = strrchr(name, '.');
	for (size_t i = 0; dot && i < sizeof ends / sizeof *ends; i++)
		if (!strcasecmp(dot, ends[i]))
			return true;
	return false;
}

static bool walk(struct arena *a, struct client_files *f, const char *dir, unsigned depth)
{
	struct dirent **entry = NULL;
	int n = scandir(dir, &entry, visible, by_bytes);
	bool ok = n >= 0 || failed(dir);
	size_t k = strlen(dir);
	for (int i = 0; i < n; i++) {
		struct stat st;
		const char *name = arena_printf(a, "%s%s%s", dir, k && dir[k - 1] == '/' ? "" : "/", entry[i]->d_name);
		if (!name || lstat(name, &st)) {
			ok = name ? failed(name) : false;
		} else if (S_ISDIR(st.st_mode) && depth == DEPTH_MAX) {
			fprintf(stderr, "%s: deeper than %d directories\n", name, DEPTH_MAX);
			ok = false;
		} else if (S_ISDIR(st.st_mode)) {
			ok &= walk(a, f, name, depth + 1);
		} else if (is_data(name)) {
			ok &= add(a, f, name);
		}
		free(entry[i]);
	}
	free(entry);
	return ok;
}

bool client_files_add(struct arena *a, struct client_files *f, const char *path)
{
	struct stat st;
	return !stat(path, &st) && S_ISDIR(st.st_mode) ? walk(a, f, path, 0) : add(a, f, path);
}
