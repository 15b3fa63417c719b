/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "server/standalone_priv.h"

#define SOCKET_NAME ".s.PGSQL.5432"
#define BUFFERS_MIN_MB 128
#define BUFFERS_MAX_MB 1024
#define INIT_US (180 * US_PER_S)
#define SILENT_US (60 * US_PER_S)	/* patience with a server that does not answer at all */
#define RECOVERY_US (600 * US_PER_S)	/* and with one that says it is recovering */

/* ---- the programs ---- */

static bool has_server(const char *bindir)
{
	char path[STANDALONE_PATH];
	return standalone_path(path, bindir, "initdb") && !access(path, X_OK) && standalone_path(path, bindir, "postgres") && !access(path, X_OK);
}

/* The version of a cluster, 0 when there is none. */
static int cluster_version(const char *data)
{
	char path[STANDALONE_PATH], text[16] = "";
	int fd = standalone_path(path, data, "PG_VERSION") ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	size_t v = 0;
	if (fd < 0)
		return 0;
	ssize_t n = read(fd, text, sizeof text - 1);
	close(fd);
	return n > 0 && str_size(text, strcspn(text, "\n"), &v) && v < 1000 ? (int)v : 0;
}

/* The directory of the wanted version, else of the newest: PATTERN matches directories whose names hold the version. */
static bool find_by_version(char out[STANDALONE_PATH], const char *pattern, int wanted)
{
	glob_t g;
	int best = -1;
	if (glob(pattern, 0, NULL, &g))
		return false;
	for (size_t i = 0; i < g.gl_pathc; i++) {
		const char *p = g.gl_pathv[i], *digit = p + strcspn(p, "0123456789");
		size_t v = 0;
		if (!str_size(digit, strspn(digit, "0123456789"), &v) || v > 1000 || !has_server(p) || (wanted && (int)v != wanted) || (int)v <= best)
			continue;
		if ((size_t)snprintf(out, STANDALONE_PATH, "%s", p) < STANDALONE_PATH)
			best = (int)v;
	}
	globfree(&g);
	return best >= 0;
}

static bool find_in_path(char out[STANDALONE_PATH])
{
	const char *path = getenv("PATH");
	for (size_t n; path && *path; path += n + (path[n] == ':')) {
		n = strcspn(path, ":");
		if (n && *path == '/' && (size_t)snprintf(out, STANDALONE_PATH, "%.*s", (int)n, path) < STANDALONE_PATH && has_server(out))
			return true;
	}
	return false;
}

/* What `pg_config --bindir` says, for servers that were built from source. */
static bool find_by_pg_config(char out[STANDALONE_PATH], const struct standalone *s)
{
	char log[48], program[STANDALONE_PATH];
	int fd = memfd_create("pg_config", MFD_CLOEXEC);
	static const char *const place[] = { "/usr/local/bin/pg_config", "/usr/bin/pg_config", "/usr/local/pgsql/bin/pg_config" };
	bool found = false;
	for (size_t i = 0; fd >= 0 && !found && i < sizeof place / sizeof *place; i++) {
		snprintf(program, sizeof program, "%s", place[i]);
		snprintf(log, sizeof log, "/proc/%ld/fd/%d", (long)getpid(), fd);
		const char *argv[] = { program, "--bindir", NULL };
		struct child_user self;
		child_user_self(&self);
		struct child_spec spec = { .name = "pg_config", .argv = argv, .cwd = s->dir, .log = log, .user = &self, .stop_signal = SIGKILL };
		if (access(program, X_OK) || ftruncate(fd, 0) || child_run(&spec, 5 * US_PER_S, NULL))
			continue;
		ssize_t n = pread(fd, out, STANDALONE_PATH - 1, 0);
		if (n > 0) {
			out[n] = 0;
			out[strcspn(out, "\n")] = 0;
			found = has_server(out);
		}
	}
	if (fd >= 0)
		close(fd);
	return found;
}

static enum err find_programs(struct standalone *s, const char *given, struct diag *d)
{
	struct standalone_pg *pg = &s->pg;
	static const char *const place[] = { "/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin" };
	child_user_enter(&s->user);
	pg->major = cluster_version(pg->data);
	child_user_leave(&s->user);
	bool found = false;
	if (given)
		found = (size_t)snprintf(pg->bindir, sizeof pg->bindir, "%s", given) < sizeof pg->bindir && has_server(given);
	for (size_t i = 0; !given && !found && i < sizeof place / sizeof *place; i++)
		found = find_by_version(pg->bindir, place[i], pg->major);
	if (!found && !given)
		found = find_in_path(pg->bindir) || find_by_pg_config(pg->bindir, s);
	if (!found && pg->major)
		return diag_add(d, ERR_UNAVAILABLE, "PostgreSQL %d, which made %s, is not installed", pg->major, pg->data);
	if (!found)
		return diag_add(d, ERR_UNAVAILABLE, "the PostgreSQL server (initdb, postgres) is not installed%s%s; install it, or give the address "
				"of a database", given ? " in " : "", given ? given : "");
	snprintf(pg->postgres, sizeof pg->postgres, "%s/postgres", pg->bindir);
	return ERR_OK;
}

/* ---- the socket ---- */

/* A comma would part the name in two for libpq, and nothing quotes it there. */
static bool socket_fits(const char *dir)
{
	return !strchr(dir, ',') && strlen(dir) + sizeof "/" SOCKET_NAME <= sizeof((struct sockaddr_un *)0)->sun_path;
}

/* DIR/pg-run, or a short name where everybody may make one: then it must be ours alone. */
static enum err choose_run(struct standalone *s, struct diag *d)
{
	struct standalone_pg *pg = &s->pg;
	const char *top = getenv("XDG_RUNTIME_DIR");
	struct stat st;
	if (!standalone_path(pg->run, s->home, "pg-run"))
		return diag_add(d, ERR_IO, "%s: the name is too long", s->home);
	if (!socket_fits(pg->run)) {
		if (s->user.other || !top || *top != '/' || stat(top, &st) || st.st_uid != s->user.uid || strlen(top) > 50)
			top = "/tmp";
		snprintf(pg->run, sizeof pg->run, "%s/twinshell-%u-%016llx", top, (unsigned)s->user.uid,
			 (unsigned long long)standalone_hash(s->home));
		child_user_enter(&s->user);	/* in /tmp nothing is given away: who makes it owns it */
		int made = mkdir(pg->run, 0700), err = errno;
		child_user_leave(&s->user);
		if (made && err != EEXIST)
			return diag_add(d, ERR_IO, "%s: %s", pg->run, strerror(err));
		if (lstat(pg->run, &st) || !S_ISDIR(st.st_mode) || st.st_uid != s->user.uid)
			return diag_add(d, ERR_FORBIDDEN, "%s does not belong to the user %s", pg->run, s->user.name);
	}
	return standalone_mkdir(s, pg->run, 0700, d);
}

/* A value between single quotes, for libpq (\' and \\) or postgresql.conf ('' and \\). */
static void put_quoted(struct buf *b, const char *text, char quote)
{
	buf_putc(b, '\'');
	for (; *text; text++) {
		if (*text == '\'')
			buf_putc(b, quote);
		else if (*text == '\\')
			buf_putc(b, '\\');
		buf_putc(b, *text);
	}
	buf_putc(b, '\'');
}

static enum err put_conninfo(struct standalone_pg *pg, struct diag *d)
{
	struct buf b = BUF_INIT;
	buf_puts(&b, "host=");
	if (strpbrk(pg->run, " '\\"))
		put_quoted(&b, pg->run, '\\');
	else
		buf_puts(&b, pg->run);
	buf_puts(&b, " port=5432 user=twinshell dbname=twinshell");
	bool fits = !b.failed && b.n < sizeof pg->conninfo;
	if (fits)
		memcpy(pg->conninfo, b.p, b.n + 1);
	buf_fini(&b);
	return fits ? ERR_OK : diag_add(d, ERR_IO, "%s: the name is too long", pg->run);
}

/* ---- the cluster ---- */

/* What PostgreSQL keeps of its files, in MB: an eighth of the memory.  A page that it does not keep it copies from the system, in place of another
 * one: among a million submodels that made a read cost half as much again. */
static unsigned shared_buffers(void)
{
	uint64_t mb = memory_there() / 8 >> 20;
	return mb < BUFFERS_MIN_MB ? BUFFERS_MIN_MB : mb > BUFFERS_MAX_MB ? BUFFERS_MAX_MB : (unsigned)mb;
}

static enum err write_conf(struct standalone *s, struct diag *d)
{
	struct standalone_pg *pg = &s->pg;
	struct buf b = BUF_INIT;
	char path[STANDALONE_PATH];
	buf_puts(&b, "# written at every start of the server; settings behind the include in postgresql.conf win over these\n"
		 "listen_addresses = ''\nport = 5432\nunix_socket_permissions = 0700\nunix_socket_directories = ");
	/* the value is a list of names in double quotes, in which a double quote is written twice */
	struct buf quoted = BUF_INIT;
	buf_putc(&quoted, '"');
	for (const char *p = pg->run; *p; p++)
		buf_puts(&quoted, *p == '"' ? "\"\"" : (const char[]){ *p, 0 });
	buf_putc(&quoted, '"');
	put_quoted(&b, quoted.p ? quoted.p : "", '\'');
	buf_fini(&quoted);
	buf_printf(&b, "\nmax_connections = 100\nshared_buffers = %uMB\n", shared_buffers());
	buf_puts(&b, "effective_cache_size = 1GB\nmaintenance_work_mem = 64MB\n"
		 "max_wal_size = 2GB\nmin_wal_size = 128MB\ncheckpoint_timeout = 15min\ncheckpoint_completion_target = 0.9\n"
		 "random_page_cost = 1.1\njit = off\ntimezone = 'UTC'\nlog_timezone = 'UTC'\n"
		 "logging_collector = off\nlog_destination = 'stderr'\nlog_checkpoints = off\nlog_line_prefix = '%m [%p] '\n");
	if (pg->major >= 15)
		buf_puts(&b, "wal_compression = lz4\n");
	if (pg->major >= 14)
		buf_puts(&b, "default_toast_compression = lz4\n");
	enum err e = b.failed || !standalone_path(path, pg->data, "twinshell.conf") ? diag_add(d, ERR_NO_MEMORY, "out of memory")
		: file_write(path, b.p, b.n, 0600, d);
	buf_fini(&b);
	return e;
}

static enum err run(struct standalone *s, const char *const *argv, const char *cwd, const char *input, struct diag *d)
{
	struct child_spec spec = { .name = "initdb", .argv = argv, .cwd = cwd, .log = s->pg.log, .input = input, .user = &s->user,
				   .stop_signal = SIGTERM };
	return child_run(&spec, INIT_US, d);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	return at->level ? remove(path) : 0;
}

/* A cluster is made under another name and takes its own when it is whole: what an interrupted start left is thrown away. */
static enum err make_cluster(struct standalone *s, struct diag *d)
{
	struct standalone_pg *pg = &s->pg;
	char fresh[STANDALONE_PATH], program[STANDALONE_PATH], conf[STANDALONE_PATH];
	static const char hba[] = "# only the owner of the socket's directory reaches the socket\nlocal all all trust\nlocal replication all trust\n";
	static const char include[] = "\ninclude_if_exists = 'twinshell.conf'\n# your own settings go below this line\n";
	enum err e;
	if (!standalone_path(fresh, s->home, "pg.new") || !standalone_path(program, pg->bindir, "initdb"))
		return diag_add(d, ERR_IO, "%s: the name is too long", s->home);
	log_info("standalone", "making a PostgreSQL cluster in %s", pg->data);
	if ((e = standalone_mkdir(s, fresh, 0700, d)))
		return e;
	child_user_enter(&s->user);
	nftw(fresh, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	child_user_leave(&s->user);
	const char *init[] = { program, "-D", fresh, "--username=twinshell", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", NULL };
	if ((e = run(s, init, s->home, NULL, d)))
		return e;
	const char *single[] = { pg->postgres, "--single", "-D", fresh, "template1", NULL };
	if ((e = run(s, single, fresh, "CREATE DATABASE twinshell\n", d)))
		return e;
	child_user_enter(&s->user);
	if (!standalone_path(conf, fresh, "pg_hba.conf") || file_write(conf, hba, sizeof hba - 1, 0600, d))
		e = ERR_IO;
	int fd = !e && standalone_path(conf, fresh, "postgresql.conf") ? open(conf, O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC) : -1;
	if (!e && (fd < 0 || write(fd, include, sizeof include - 1) != (ssize_t)sizeof include - 1))
		e = diag_add(d, ERR_IO, "%s: %s", conf, strerror(errno));
	if (fd >= 0)
		close(fd);
	child_user_leave(&s->user);
	if (!e && rename(fresh, pg->data))
		e = diag_add(d, ERR_IO, "%s: %s", pg->data, strerror(errno));
	return e;
}

/* No server is left in this cluster.  A lock file of one that was killed may name a process id that belongs to somebody else by now,
 * on which the new one would refuse to start. */
static bool clear_locks(void *ctx)
{
	struct standalone *s = ctx;
	char path[STANDALONE_PATH];
	if (!child_end_strangers("postgres", s->pg.data, SIGINT, 60 * US_PER_S)) {
		log_error("standalone", "a PostgreSQL that an earlier server left in %s does not end", s->pg.data);
		return false;
	}
	child_user_enter(&s->user);
	if (standalone_path(path, s->pg.data, "postmaster.pid"))
		unlink(path);
	if (standalone_path(path, s->pg.run, SOCKET_NAME ".lock"))
		unlink(path);
	if (standalone_path(path, s->pg.run, SOCKET_NAME))
		unlink(path);
	child_user_leave(&s->user);
	return true;
}

enum err standalone_pg_start(struct standalone *s, const char *bindir, struct diag *d)
{
	struct standalone_pg *pg = &s->pg;
	enum err e;
	if (!standalone_path(pg->data, s->home, "pg") || !standalone_path(pg->log, s->logs, "postgresql.log"))
		return diag_add(d, ERR_IO, "%s: the name is too long", s->home);
	if ((e = find_programs(s, bindir, d)) || (e = choose_run(s, d)) || (e = put_conninfo(pg, d)))
		return e;
	if (!pg->major && (e = make_cluster(s, d)))
		return e;
	child_user_enter(&s->user);
	pg->major = cluster_version(pg->data);
	e = write_conf(s, d);
	child_user_leave(&s->user);
	if (e)
		return e;
	pg->argv[0] = pg->postgres;
	pg->argv[1] = "-D";
	pg->argv[2] = pg->data;
	/* SIGINT is "fast": it rolls back, writes a checkpoint and ends; SIGQUIT leaves recovery to the next start */
	pg->spec = (struct child_spec){ .name = "postgres", .argv = pg->argv, .cwd = pg->data, .log = pg->log, .user = &s->user,
					.stop_signal = SIGINT, .hurry_signal = SIGQUIT, .grace_us = 60 * US_PER_S, .before = clear_locks, .ctx = s };
	pg->child = child_start(&pg->spec);
	return pg->child ? ERR_OK : diag_add(d, ERR_NO_MEMORY, "cannot start a thread for the database");
}

/* ---- is it there? ---- */

enum answer { SILENT, STARTING, READY };

/* The start of a session (protocol 3.0): 'R' is the demand for credentials or "none needed", 'E' that it still starts up. */
static enum answer ask(const struct standalone_pg *pg)
{
	static const char hello[] = "\0\0\0\053\0\003\0\0user\0twinshell\0database\0twinshell\0", bye[] = "X\0\0\0\004";
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	enum answer is = SILENT;
	char kind = 0;
	snprintf(at.sun_path, sizeof at.sun_path, "%.93s/" SOCKET_NAME, pg->run);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && !connect(fd, (struct sockaddr *)&at, sizeof at) && send(fd, hello, sizeof hello, MSG_NOSIGNAL) == sizeof hello) {
		struct pollfd p = { fd, POLLIN, 0 };
		if (poll(&p, 1, 2000) == 1 && recv(fd, &kind, 1, 0) == 1)
			is = kind == 'R' ? READY : kind == 'E' ? STARTING : SILENT;
		if (is == READY && send(fd, bye, sizeof bye - 1, MSG_NOSIGNAL) < 0)
			is = SILENT;
	}
	if (fd >= 0)
		close(fd);
	return is;
}

enum err standalone_pg_ready(struct standalone *s, struct diag *d)
{
	struct standalone_pg *pg = &s->pg;
	int64_t from = clock_mono_us(), said = from, patience = SILENT_US;
	char line[400];
	for (;;) {
		enum answer is = child_pid(pg->child) ? ask(pg) : SILENT;
		if (is == READY)
			return ERR_OK;
		if (is == STARTING)
			patience = RECOVERY_US;
		int64_t now = clock_mono_us();
		if (now - from > patience || child_deaths(pg->child) >= 6) {
			child_user_enter(&s->user);
			child_last_line(pg->log, line, sizeof line);
			child_user_leave(&s->user);
			return diag_add(d, ERR_UNAVAILABLE, "the database does not come up: %s (see %s)", line, pg->log);
		}
		if (s->interrupted && s->interrupted())
			return diag_add(d, ERR_TIMEOUT, "interrupted while the database came up");
		if (now - said > 10 * US_PER_S) {
			log_info("standalone", "waiting for the database, which is %s", is == STARTING ? "recovering" : "not answering yet");
			said = now;
		}
		clock_sleep_us(20000);
	}
}

void standalone_pg_stop(struct standalone *s)
{
	child_stop(s->pg.child);
	s->pg.child = NULL;
	/* only a directory with a short name of its own is not part of DIR */
	if (*s->pg.run && strncmp(s->pg.run, s->home, strlen(s->home)))
		rmdir(s->pg.run);
}
