/* SPDX-License-Identifier: Apache-2.0 */
#include "server/child.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "base/thread.h"

#define LOG_MAX (8 << 20)
#define PAUSE_MIN_US (US_PER_S / 5)
#define PAUSE_MAX_US (10 * US_PER_S)
#define STEADY_US (30 * US_PER_S)

/* ---- users ---- */

static bool user_from(struct child_user *u, const struct passwd *pw)
{
	if (!pw)
		return false;
	*u = (struct child_user){ .uid = pw->pw_uid, .gid = pw->pw_gid, .n_groups = CHILD_GROUPS_MAX };
	snprintf(u->name, sizeof u->name, "%s", pw->pw_name);
	if (getgrouplist(pw->pw_name, pw->pw_gid, u->group, &u->n_groups) < 0) {
		u->group[0] = pw->pw_gid;
		u->n_groups = 1;
	}
	u->other = u->uid != geteuid();
	return true;
}

bool child_user_by_id(struct child_user *u, uid_t uid)
{
	struct passwd pw, *found = NULL;
	char text[4096];
	return !getpwuid_r(uid, &pw, text, sizeof text, &found) && user_from(u, found);
}

bool child_user_by_name(struct child_user *u, const char *name)
{
	struct passwd pw, *found = NULL;
	char text[4096];
	return !getpwnam_r(name, &pw, text, sizeof text, &found) && user_from(u, found);
}

void child_user_self(struct child_user *u)
{
	if (child_user_by_id(u, geteuid()))
		return;
	/* a user without a name is common in containers */
	*u = (struct child_user){ .uid = geteuid(), .gid = getegid() };
	snprintf(u->name, sizeof u->name, "%u", (unsigned)u->uid);
}

void child_user_enter(const struct child_user *u)
{
	if (u->other) {
		setfsgid(u->gid);
		setfsuid(u->uid);
	}
}

void child_user_leave(const struct child_user *u)
{
	if (u->other) {
		setfsuid(geteuid());
		setfsgid(getegid());
	}
}

/* ---- starting ---- */

static int open_log(const struct child_spec *s)
{
	struct stat st;
	char old[PATH_MAX];
	child_user_enter(s->user);
	if (!stat(s->log, &st) && st.st_size > LOG_MAX && (size_t)snprintf(old, sizeof old, "%s.1", s->log) < sizeof old)
		rename(s->log, old);
	int fd = open(s->log, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0640);
	child_user_leave(s->user);
	return fd;
}

static int open_input(const char *text)
{
	int fd = text ? memfd_create("input", MFD_CLOEXEC) : open("/dev/null", O_RDONLY | O_CLOEXEC);
	size_t n = text ? strlen(text) : 0;
	if (fd >= 0 && n && (write(fd, text, n) != (ssize_t)n || lseek(fd, 0, SEEK_SET))) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Raw calls: the library's wrappers talk to all threads of the process, of which a forked child has only the memory. */
static bool become(const struct child_user *u)
{
	return !u->other || (!syscall(SYS_setgroups, u->n_groups, u->group) && !syscall(SYS_setresgid, u->gid, u->gid, u->gid) &&
			     !syscall(SYS_setresuid, u->uid, u->uid, u->uid));
}

/* In the child: only async-signal-safe calls from here to execve. */
static void __attribute__((noreturn)) in_child(const struct child_spec *s, int in, int log, pid_t parent)
{
	static const char *const environment[] = { "PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C.UTF-8", "TZ=UTC", NULL };
	static const char lost[] = "twinshell: cannot start this program\n";
	sigset_t none;
	sigemptyset(&none);
	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	umask(077);
	if (dup2(in, 0) == 0 && dup2(log, 1) == 1 && dup2(log, 2) == 2 && !close_range(3, ~0U, 0) && become(s->user) && !chdir(s->cwd)) {
		/* after the change of user, which forgets it; the parent may have died before the kernel was told */
		prctl(PR_SET_PDEATHSIG, s->stop_signal);
		if (getppid() == parent)
			execve(s->argv[0], (char *const *)s->argv, (char *const *)environment);
	}
	if (write(2, lost, sizeof lost - 1) < 0)
		_exit(126);
	_exit(127);
}

static pid_t spawn(const struct child_spec *s)
{
	pid_t parent = getpid(), pid = -1;
	int in = open_input(s->input), log = open_log(s);
	if (in >= 0 && log >= 0) {
		pid = fork();
		if (pid == 0)
			in_child(s, in, log, parent);
	}
	if (pid < 0)
		log_error("child", "cannot start %s: %s", s->name, strerror(errno));
	if (in >= 0)
		close(in);
	if (log >= 0)
		close(log);
	return pid;
}

void child_last_line(const char *log, char *out, size_t size)
{
	char tail[2048];
	ssize_t n = 0;
	*out = 0;
	int fd = open(log, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return;
	off_t end = lseek(fd, 0, SEEK_END);
	if (end > 0)
		n = pread(fd, tail, sizeof tail - 1, end > (off_t)sizeof tail - 1 ? end - ((off_t)sizeof tail - 1) : 0);
	close(fd);
	while (n > 0 && (tail[n - 1] == '\n' || tail[n - 1] == '\r'))
		n--;
	if (n <= 0)
		return;
	tail[n] = 0;
	const char *nl = strrchr(tail, '\n');
	snprintf(out, size, "%s", nl ? nl + 1 : tail);
}

static void status_text(int status, char out[40])
{
	if (WIFSIGNALED(status))
		snprintf(out, 40, "signal %d", WTERMSIG(status));
	else
		snprintf(out, 40, "status %d", WEXITSTATUS(status));
}

enum err child_run(const struct child_spec *s, int64_t us, struct diag *d)
{
	int64_t until = clock_mono_us() + us;
	int status = 0;
	pid_t done, pid = spawn(s);
	char how[40], line[400];
	if (pid < 0)
		return diag_add(d, ERR_IO, "cannot start %s", s->argv[0]);
	while ((done = waitpid(pid, &status, WNOHANG)) == 0 || (done < 0 && errno == EINTR)) {
		if (clock_mono_us() > until) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			return diag_add(d, ERR_TIMEOUT, "%s did not end in time", s->argv[0]);
		}
		clock_sleep_us(5000);
	}
	if (done == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return ERR_OK;
	status_text(status, how);
	child_last_line(s->log, line, sizeof line);
	return diag_add(d, ERR_IO, "%s ended with %s: %s (see %s)", s->argv[0], how, line, s->log);
}

/* ---- keeping ---- */

struct child {
	const struct child_spec *spec;
	pthread_t thread;
	struct lock lock;		/* guards what follows; the pid is reaped under it, so a signal never goes to a stranger */
	pthread_cond_t changed;
	pid_t pid;
	unsigned deaths;
	bool stopping, ended;
};

/* Forks under the lock: either child_ask sees the pid, or this sees `stopping`. */
static bool start_one(struct child *c)
{
	bool may = !c->spec->before || c->spec->before(c->spec->ctx);
	lock_take(&c->lock);
	if (may && !c->stopping) {
		pid_t pid = spawn(c->spec);
		c->pid = pid > 0 ? pid : 0;
	}
	bool running = c->pid > 0;
	if (!running)
		c->deaths++;
	lock_drop(&c->lock);
	return running;
}

static void wait_one(struct child *c)
{
	siginfo_t info;
	int status = 0;
	char how[40];
	while (waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOWAIT) && errno == EINTR)
		;
	lock_take(&c->lock);
	waitpid(c->pid, &status, 0);
	c->pid = 0;
	c->deaths += !c->stopping;
	bool asked = c->stopping;
	pthread_cond_broadcast(&c->changed);
	lock_drop(&c->lock);
	status_text(status, how);
	if (!asked)
		log_warn("child", "%s ended by itself with %s; starting it again (see %s)", c->spec->name, how, c->spec->log);
}

static void *keep(void *arg)
{
	struct child *c = arg;
	int64_t rest = PAUSE_MIN_US;
	for (;;) {
		int64_t born = clock_mono_us();
		if (start_one(c))
			wait_one(c);
		if (clock_mono_us() - born > STEADY_US)
			rest = PAUSE_MIN_US;
		int64_t until = clock_mono_us() + rest, left;
		lock_take(&c->lock);
		while (!c->stopping && (left = until - clock_mono_us()) > 0)
			lock_wait(&c->lock, &c->changed, left);
		bool over = c->stopping;
		if (over) {
			c->ended = true;
			pthread_cond_broadcast(&c->changed);
		}
		lock_drop(&c->lock);
		if (over)
			return NULL;
		rest = rest * 2 > PAUSE_MAX_US ? PAUSE_MAX_US : rest * 2;
	}
}

struct child *child_start(const struct child_spec *s)
{
	struct child *c = calloc(1, sizeof *c);
	if (!c)
		return NULL;
	c->spec = s;
	lock_init(&c->lock, RANK_LEAF);
	cond_init(&c->changed);
	if (thread_start(&c->thread, s->name, keep, c))
		return c;
	pthread_cond_destroy(&c->changed);
	lock_fini(&c->lock);
	free(c);
	return NULL;
}

void child_ask(struct child *c)
{
	lock_take(&c->lock);
	if (!c->stopping && c->pid)
		kill(c->pid, c->spec->stop_signal);
	c->stopping = true;
	pthread_cond_broadcast(&c->changed);
	lock_drop(&c->lock);
}

void child_stop(struct child *c)
{
	if (!c)
		return;
	const int sig[] = { c->spec->hurry_signal, SIGKILL };
	int64_t grace[] = { c->spec->grace_us, c->spec->grace_us / 6 };
	child_ask(c);
	lock_take(&c->lock);
	for (int i = 0; i < 2; i++) {
		int64_t until = clock_mono_us() + grace[i], left;
		while (!c->ended && (left = until - clock_mono_us()) > 0)
			lock_wait(&c->lock, &c->changed, left);
		if (!c->ended && c->pid)
			kill(c->pid, sig[i]);
	}
	lock_drop(&c->lock);
	pthread_join(c->thread, NULL);
	pthread_cond_destroy(&c->changed);
	lock_fini(&c->lock);
	free(c);
}

pid_t child_pid(struct child *c)
{
	lock_take(&c->lock);
	pid_t pid = c->pid;
	lock_drop(&c->lock);
	return pid;
}

unsigned child_deaths(struct child *c)
{
	lock_take(&c->lock);
	unsigned n = c->deaths;
	lock_drop(&c->lock);
	return n;
}

/* ---- strangers ---- */

static size_t proc_read(const char *pid, const char *what, bool link, char *out, size_t size)
{
	char path[300];
	ssize_t n = -1;
	snprintf(path, sizeof path, "/proc/%s/%s", pid, what);
	if (link) {
		n = readlink(path, out, size - 1);
	} else {
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd >= 0) {
			n = read(fd, out, size - 1);
			close(fd);
		}
	}
	while (n > 0 && out[n - 1] == '\n')
		n--;
	out[n > 0 ? n : 0] = 0;
	return n > 0 ? (size_t)n : 0;
}

/* How many there are; each gets `sig` unless it is 0. */
static unsigned strangers(const char *name, const char *cwd, int sig)
{
	char comm[64], at[PATH_MAX];
	unsigned n = 0;
	DIR *dir = opendir("/proc");
	for (struct dirent *e; dir && (e = readdir(dir)); ) {
		size_t pid;
		if (!str_size(e->d_name, strlen(e->d_name), &pid) || pid <= 1 || pid > INT_MAX)
			continue;
		if (!proc_read(e->d_name, "comm", false, comm, sizeof comm) || strcmp(comm, name) ||
		    !proc_read(e->d_name, "cwd", true, at, sizeof at) || strcmp(at, cwd))
			continue;
		n++;
		if (sig)
			kill((pid_t)pid, sig);
	}
	if (dir)
		closedir(dir);
	return n;
}

bool child_end_strangers(const char *name, const char *cwd, int sig, int64_t us)
{
	int64_t until = clock_mono_us() + us;
	if (!strangers(name, cwd, sig))
		return true;
	log_info("child", "ending a %s that an earlier server left in %s", name, cwd);
	while (strangers(name, cwd, 0)) {
		bool late = clock_mono_us() > until;
		if (late && clock_mono_us() > until + 5 * US_PER_S)
			return false;
		if (late)
			strangers(name, cwd, SIGKILL);
		clock_sleep_us(20000);
	}
	return true;
}
