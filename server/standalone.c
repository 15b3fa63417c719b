/* SPDX-License-Identifier: Apache-2.0 */
#include "server/standalone.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "server/standalone_priv.h"

bool standalone_path(char out[STANDALONE_PATH], const char *dir, const char *name)
{
	return (size_t)snprintf(out, STANDALONE_PATH, "%s/%s", dir, name) < STANDALONE_PATH;
}

uint64_t standalone_hash(const char *text)
{
	uint64_t h = 14695981039346656037u;
	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 1099511628211u;
	return h;
}

/* A directory that root has just made in a directory of root's is handed to the service user; nothing else changes hands. */
enum err standalone_mkdir(struct standalone *s, const char *path, unsigned mode, struct diag *d)
{
	struct stat st;
	if (mkdir(path, mode) && errno != EEXIST)
		return diag_add(d, ERR_IO, "%s: %s", path, strerror(errno));
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st)) {
		int err = errno;
		if (fd >= 0)
			close(fd);
		return diag_add(d, ERR_IO, "%s: %s", path, strerror(err));
	}
	bool fine = st.st_uid == s->user.uid;
	if (!fine && st.st_uid == 0 && geteuid() == 0)
		fine = !fchown(fd, s->user.uid, s->user.gid);
	if (fine && (st.st_mode & 0777) != mode)
		fine = !fchmod(fd, mode);
	close(fd);
	return fine ? ERR_OK : diag_add(d, ERR_FORBIDDEN, "%s does not belong to the user %s", path, s->user.name);
}

static enum err take_lock(struct standalone *s, struct diag *d)
{
	char path[STANDALONE_PATH], pid[24] = "";
	if (!standalone_path(path, s->dir, "lock"))
		return diag_add(d, ERR_IO, "%s: the name is too long", s->dir);
	s->lock = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (s->lock < 0)
		return diag_add(d, errno == EACCES ? ERR_FORBIDDEN : ERR_IO, "%s: %s", path, strerror(errno));
	if (flock(s->lock, LOCK_EX | LOCK_NB)) {
		ssize_t n = pread(s->lock, pid, sizeof pid - 1, 0);
		pid[n > 0 ? strcspn(pid, "\n") : 0] = 0;
		return diag_add(d, ERR_CONFLICT, "%s is in use by another server (process %s)", s->dir, *pid ? pid : "unknown");
	}
	/* what a killed server announced would send clients to where nobody is */
	if (standalone_path(path, s->dir, "endpoints.json"))
		unlink(path);
	int n = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
	if (ftruncate(s->lock, 0) || pwrite(s->lock, pid, (size_t)n, 0) != n)
		return diag_add(d, ERR_IO, "%s: %s", path, strerror(errno));
	return ERR_OK;
}

static enum err choose_user(struct standalone *s, struct diag *d)
{
	struct stat st;
	child_user_self(&s->user);
	if (geteuid() != 0)
		return ERR_OK;
	if (stat(s->dir, &st))
		return diag_add(d, ERR_IO, "%s: %s", s->dir, strerror(errno));
	if (st.st_uid != 0 && child_user_by_id(&s->user, st.st_uid))
		return ERR_OK;
	if (child_user_by_name(&s->user, "postgres") || child_user_by_name(&s->user, "nobody"))
		return ERR_OK;
	return diag_add(d, ERR_UNAVAILABLE, "PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody; give %s to "
			"an ordinary user", s->dir);
}

static bool can_enter(struct standalone *s, const char *path)
{
	char inside[STANDALONE_PATH];
	struct stat st;
	child_user_enter(&s->user);
	bool can = standalone_path(inside, path, ".") && !stat(inside, &st);
	child_user_leave(&s->user);
	return can;
}

/* The service user cannot reach DIR: keep what it needs below /var/lib, and remember that by a link. */
static enum err choose_elsewhere(struct standalone *s, struct diag *d)
{
	char link[STANDALONE_PATH], top[] = "/var/lib/twinshell";
	ssize_t n;
	if (!standalone_path(link, s->dir, "private"))
		return diag_add(d, ERR_IO, "%s: the name is too long", s->dir);
	n = readlink(link, s->home, sizeof s->home - 1);
	if (n <= 0) {
		const char *base = strrchr(s->dir, '/') + 1;
		n = snprintf(s->home, sizeof s->home, "%s/%.40s-%016llx", top, base, (unsigned long long)standalone_hash(s->dir));
		log_warn("standalone", "the user %s cannot enter %s: database and broker go to %s", s->user.name, s->dir, s->home);
	}
	s->home[n] = 0;
	if (file_mkdirs(top, 0755, d))
		return ERR_IO;
	if (mkdir(s->home, 0711) && errno != EEXIST)
		return diag_add(d, ERR_IO, "%s: %s", s->home, strerror(errno));
	if (!can_enter(s, s->home))
		return diag_add(d, ERR_FORBIDDEN, "the user %s can enter neither %s nor %s; choose a data directory that it can reach, for example "
				"below /var/lib", s->user.name, s->dir, s->home);
	if (symlink(s->home, link) && errno != EEXIST)
		return diag_add(d, ERR_IO, "%s: %s", link, strerror(errno));
	return ERR_OK;
}

static enum err lay_out(struct standalone *s, const struct standalone_config *c, struct diag *d)
{
	char real[PATH_MAX];
	mode_t mode = geteuid() == 0 ? 0711 : 0700;	/* root's is passed through by the service user */
	bool fresh = access(c->dir, F_OK);
	enum err e = file_mkdirs(c->dir, mode, d);
	if (e)
		return e;
	if ((fresh && chmod(c->dir, mode)) || !realpath(c->dir, real))
		return diag_add(d, ERR_IO, "%s: %s", c->dir, strerror(errno));
	/* room for the names below it */
	if (strlen(real) + 64 > sizeof s->dir)
		return diag_add(d, ERR_IO, "%s: the name is too long", c->dir);
	snprintf(s->dir, sizeof s->dir, "%s", real);
	if ((e = take_lock(s, d)) || (!c->with_database && !c->with_broker) || (e = choose_user(s, d)))
		return e;
	if (can_enter(s, s->dir))
		memcpy(s->home, s->dir, sizeof s->home);
	else if ((e = choose_elsewhere(s, d)))
		return e;
	if (c->log)
		return (size_t)snprintf(s->logs, sizeof s->logs, "%s", c->log) < sizeof s->logs ? ERR_OK
			: diag_add(d, ERR_IO, "%s: the name is too long", c->log);
	if (!standalone_path(s->logs, s->home, "log"))
		return diag_add(d, ERR_IO, "%s: the name is too long", s->home);
	return standalone_mkdir(s, s->logs, 0755, d);
}

enum err standalone_start(const struct standalone_config *c, struct standalone **out, struct diag *d)
{
	struct standalone *s = calloc(1, sizeof *s);
	*out = NULL;
	if (!s)
		return diag_add(d, ERR_NO_MEMORY, "out of memory");
	s->lock = -1;
	s->interrupted = c->interrupted;
	enum err e = lay_out(s, c, d);
	/* both come up side by side */
	if (!e && c->with_broker)
		e = standalone_broker_start(s, c->mosquitto, d);
	if (!e && c->with_database)
		e = standalone_pg_start(s, c->pg_bindir, d);
	if (!e && c->with_broker)
		e = standalone_broker_ready(s, d);
	if (!e && c->with_database)
		e = standalone_pg_ready(s, d);
	if (e)
		standalone_stop(s);
	else
		*out = s;
	return e;
}

const char *standalone_dir(const struct standalone *s)
{
	return s->dir;
}

const char *standalone_conninfo(const struct standalone *s)
{
	return s->pg.child ? s->pg.conninfo : NULL;
}

const char *standalone_broker_uri(const struct standalone *s)
{
	return s->broker.child ? s->broker.uri : NULL;
}

pid_t standalone_database_pid(const struct standalone *s)
{
	return s->pg.child ? child_pid(s->pg.child) : 0;
}

pid_t standalone_broker_pid(const struct standalone *s)
{
	return s->broker.child ? child_pid(s->broker.child) : 0;
}

void standalone_stop(struct standalone *s)
{
	if (!s)
		return;
	if (s->pg.child)
		child_ask(s->pg.child);
	if (s->broker.child)
		child_ask(s->broker.child);
	standalone_broker_stop(s);
	standalone_pg_stop(s);
	if (s->lock >= 0)
		close(s->lock);
	free(s);
}
