/* SPDX-License-Identifier: Apache-2.0
 * The supervisor with real programs: PostgreSQL and mosquitto in directories of their own.  Run by root, everything is done once more
 * as an ordinary user.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <grp.h>
#include <netdb.h>
#include <pwd.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/child.h"
#include "server/standalone.h"
#include "tests/tap.h"

static char bindir[200], top[100];

static bool programs(void)
{
	glob_t g;
	bool found = !glob("/usr/lib/postgresql/*/bin", 0, NULL, &g) && g.gl_pathc;
	if (found)
		snprintf(bindir, sizeof bindir, "%s", g.gl_pathv[g.gl_pathc - 1]);
	globfree(&g);
	char path[260];
	snprintf(path, sizeof path, "%s/initdb", bindir);
	return found && !access(path, X_OK) && !access("/usr/sbin/mosquitto", X_OK);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

static void remove_tree(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* What psql answers, "" when it cannot. */
static const char *sql(const struct standalone *s, const char *text)
{
	static char out[400];
	char program[260], log[200];
	struct child_user self;
	child_user_self(&self);
	snprintf(program, sizeof program, "%s/psql", bindir);
	snprintf(log, sizeof log, "%s/psql.log", top);
	unlink(log);
	const char *argv[] = { program, "-X", "-At", "-d", standalone_conninfo(s), "-c", text, NULL };
	struct child_spec spec = { .name = "psql", .argv = argv, .cwd = "/", .log = log, .user = &self, .stop_signal = SIGKILL };
	*out = 0;
	if (!child_run(&spec, 20 * US_PER_S, NULL))
		child_last_line(log, out, sizeof out);
	return out;
}

static bool broker_listens(const struct standalone *s)
{
	const char *uri = standalone_broker_uri(s);
	struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM }, *ai = NULL;
	bool yes = false;
	if (!uri || strncmp(uri, "tcp://127.0.0.1:", 16) || getaddrinfo("127.0.0.1", uri + 16, &hints, &ai))
		return false;
	int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0)
		yes = !connect(fd, ai->ai_addr, ai->ai_addrlen);
	if (fd >= 0)
		close(fd);
	freeaddrinfo(ai);
	return yes;
}

#define eventually(seconds, cond) ({ \
	int64_t until_ = clock_mono_us() + (seconds) * US_PER_S; \
	bool met_; \
	while (!(met_ = (cond)) && clock_mono_us() < until_) \
		clock_sleep_us(20000); \
	met_; })

static struct standalone *start(const char *dir, bool database, bool broker, enum err want, char said[600])
{
	struct standalone *s = NULL;
	struct diag d = DIAG_INIT;
	struct standalone_config c = { .dir = dir, .with_database = database, .with_broker = broker };
	int64_t from = clock_mono_us();
	enum err e = standalone_start(&c, &s, &d);
	said[0] = 0;
	diag_first(&d, said, 600);
	check(e == want && (e == ERR_OK) == (s != NULL), "start in %s: %s %s", dir, err_info[e].name, said);
	printf("# %.2f s\n", (double)(clock_mono_us() - from) / 1e6);
	diag_fini(&d);
	return s;
}

static bool gone(pid_t pid)
{
	return kill(pid, 0) && errno == ESRCH;
}

static void restarts(struct standalone *s)
{
	pid_t pg = standalone_database_pid(s), broker = standalone_broker_pid(s), now;
	kill(broker, SIGKILL);
	kill(pg, SIGKILL);
	check(eventually(20, (now = standalone_broker_pid(s)) && now != broker && broker_listens(s)), "a killed broker comes back");
	check(eventually(60, (now = standalone_database_pid(s)) && now != pg && !strcmp(sql(s, "select 1"), "1")), "a killed database comes back");
}

/* In a process of its own: serve until killed. */
static int serve(const char *dir, const char *ready)
{
	struct standalone *s = NULL;
	struct standalone_config c = { .dir = dir, .with_database = true, .with_broker = true };
	char text[64];
	if (standalone_start(&c, &s, NULL))
		return 1;
	int fd = open(ready, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	int n = snprintf(text, sizeof text, "%ld %ld\n", (long)standalone_database_pid(s), (long)standalone_broker_pid(s));
	if (fd < 0 || write(fd, text, (size_t)n) != n || close(fd))
		return 1;
	for (;;)
		pause();
}

static void killed_server(const char *dir)
{
	char ready[200], said[600], text[64] = "";
	long pg = 0, broker = 0;
	snprintf(ready, sizeof ready, "%s/ready", top);
	pid_t pid = fork();
	if (pid == 0) {
		execl("/proc/self/exe", "standalone", "--serve", dir, ready, (char *)NULL);
		_exit(127);
	}
	struct stat st;
	check(eventually(60, !stat(ready, &st) && st.st_size > 3), "another process serves the directory");
	int fd = open(ready, O_RDONLY);
	if (fd < 0 || read(fd, text, sizeof text - 1) < 3 || sscanf(text, "%ld %ld", &pg, &broker) != 2)
		check(false, "it tells the process ids of its children");
	close(fd);
	start(dir, true, true, ERR_CONFLICT, said);
	check(strstr(said, "in use by another server") != NULL, "the directory is locked: %s", said);
	/* the worst case: the database cannot notice that the server was killed */
	kill((pid_t)pg, SIGSTOP);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	check(eventually(20, gone((pid_t)broker)), "the broker ends when the server is killed");
	kill((pid_t)pg, SIGCONT);
	struct standalone *s = start(dir, true, true, ERR_OK, said);
	check(s && eventually(5, gone((pid_t)pg)), "the old database has ended");
	if (s)
		check_str(sql(s, "select n from kept"), "41", "and its data is there");
	standalone_stop(s);
}

static void story(void)
{
	char a[120], b[120], said[600], uri[64];
	snprintf(a, sizeof a, "%s/it's \"one\"", top);
	snprintf(b, sizeof b, "%s/two, three", top);
	struct standalone *s = start(a, true, true, ERR_OK, said);
	if (!s)
		return;
	check(broker_listens(s), "the broker listens");
	check_str(sql(s, "create table kept (n int); insert into kept values (41); select n from kept"), "41", "psql reaches the database");
	check_str(sql(s, "select current_setting('listen_addresses') || current_setting('default_toast_compression')"), "lz4", "it is set up as asked");
	start(a, false, false, ERR_CONFLICT, said);

	struct standalone *other = start(b, true, true, ERR_OK, said);
	if (other) {
		check(strcmp(standalone_broker_uri(s), standalone_broker_uri(other)) != 0, "two brokers have two ports");
		check_str(sql(other, "select count(*) from pg_class where relname = 'kept'"), "0", "two databases are two");
	}
	standalone_stop(other);
	restarts(s);

	pid_t pg = standalone_database_pid(s), broker = standalone_broker_pid(s);
	snprintf(uri, sizeof uri, "%s", standalone_broker_uri(s));
	int64_t from = clock_mono_us();
	standalone_stop(s);
	printf("# stopped in %.2f s\n", (double)(clock_mono_us() - from) / 1e6);
	check(gone(pg) && gone(broker), "after the stop nothing runs");

	s = start(a, true, true, ERR_OK, said);
	if (s) {
		check_str(standalone_broker_uri(s), uri, "the second start has the same port");
		check_str(sql(s, "select n from kept"), "41", "and the same data");
	}
	standalone_stop(s);
	killed_server(a);
}

/* A process of the service user, and a lock file that names it. */
static pid_t pretend(const char *dir)
{
	char path[400];
	struct stat st;
	snprintf(path, sizeof path, "%s/pg", dir);
	if (stat(path, &st))
		return -1;
	pid_t pid = fork();
	if (pid == 0) {
		if (geteuid() == 0 && setuid(st.st_uid))
			_exit(1);
		for (;;)
			pause();
	}
	snprintf(path, sizeof path, "%s/pg/postmaster.pid", dir);
	FILE *f = fopen(path, "w");
	if (f) {
		fprintf(f, "%ld\n%s/pg\n1\n5432\n\n\n0\nready\n", (long)pid, dir);
		if (fchown(fileno(f), st.st_uid, st.st_gid))
			check(false, "the lock file gets an owner");
		fclose(f);
	}
	return pid;
}

/* The remembered port is taken, the path is too long for a socket, a lock file names a process that has nothing to do with it. */
static void troubles(void)
{
	char dir[300], said[600];
	snprintf(dir, sizeof dir, "%s/%0100d", top, 7);
	struct standalone *s = start(dir, true, true, ERR_OK, said);
	if (!s)
		return;
	int port = (int)strtol(standalone_broker_uri(s) + 16, NULL, 10);
	check(strstr(standalone_conninfo(s), dir) == NULL, "a long path moves the socket: %s", standalone_conninfo(s));
	check_str(sql(s, "select 7"), "7", "and psql finds it");
	standalone_stop(s);

	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	check(!bind(fd, (struct sockaddr *)&at, sizeof at) && !listen(fd, 1), "somebody takes port %d", port);
	pid_t innocent = pretend(dir);
	s = start(dir, true, true, ERR_OK, said);
	check(s && strtol(standalone_broker_uri(s) + 16, NULL, 10) != port, "the broker moves to another port");
	check(!gone(innocent), "and the process in the lock file is left alone");
	kill(innocent, SIGKILL);
	waitpid(innocent, NULL, 0);
	standalone_stop(s);
	close(fd);
	s = NULL;
	struct diag d = DIAG_INIT;
	struct standalone_config c = { .dir = dir, .with_database = true, .pg_bindir = "/nonexistent" };
	check_int(standalone_start(&c, &s, &d), ERR_UNAVAILABLE, "without the programs there is an error");
	check(s == NULL && strstr(diag_first(&d, said, sizeof said), "not installed"), "that says so: %s", said);
	diag_fini(&d);
}

/* Root's own directories are closed to the service user. */
static void closed_directory(void)
{
	char closed[120], dir[140], link[160], target[300], said[600];
	snprintf(closed, sizeof closed, "%s/closed", top);
	snprintf(dir, sizeof dir, "%s/data", closed);
	snprintf(link, sizeof link, "%s/private", dir);
	mkdir(closed, 0700);
	struct standalone *s = start(dir, false, true, ERR_OK, said);
	ssize_t n = readlink(link, target, sizeof target - 1);
	check(s && broker_listens(s) && n > 0, "a directory that the service user cannot reach");
	standalone_stop(s);
	s = start(dir, false, true, ERR_OK, said);
	check(s && broker_listens(s), "and again");
	standalone_stop(s);
	if (n > 0) {
		target[n] = 0;
		check(!strncmp(target, "/var/lib/twinshell/", 19), "it is kept in %s", target);
		remove_tree(target);
		rmdir("/var/lib/twinshell");
	}
}

static void make_top(uid_t uid, gid_t gid)
{
	snprintf(top, sizeof top, "/tmp/twinshell-test.XXXXXX");
	if (!mkdtemp(top) || chmod(top, 0711) || chown(top, uid, gid)) {
		printf("Bail out! %s: %s\n", top, strerror(errno));
		exit(1);
	}
}

/* The same once more as an ordinary user; its lines are shown as comments. */
static void as_user(void)
{
	struct passwd *pw = getpwnam("nobody");
	int p[2];
	char line[1000];
	if (!pw || pipe(p))
		return;
	fflush(stdout);
	make_top(pw->pw_uid, pw->pw_gid);
	pid_t pid = fork();
	if (pid == 0) {
		dup2(p[1], 1);
		close(p[0]);
		close(p[1]);
		if (setgroups(0, NULL) || setgid(pw->pw_gid) || setuid(pw->pw_uid))
			_exit(1);
		tap_n = tap_failed = 0;
		story();
		troubles();
		fflush(stdout);
		_exit(tap_failed ? 1 : 0);
	}
	close(p[1]);
	FILE *f = fdopen(p[0], "r");
	while (f && fgets(line, sizeof line, f))
		printf("# %s: %s", pw->pw_name, line);
	if (f)
		fclose(f);
	int status = 1;
	waitpid(pid, &status, 0);
	check(status == 0, "the same as the user %s", pw->pw_name);
	remove_tree(top);
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "--serve"))
		return serve(argv[2], argv[3]);
	if (!programs())
		return skip_all("PostgreSQL (initdb) or mosquitto is not installed");
	log_setup(LOG_ERROR, LOG_TEXT);
	if (geteuid() == 0)
		as_user();
	make_top(geteuid(), getegid());
	story();
	troubles();
	if (geteuid() == 0)
		closed_directory();
	remove_tree(top);
	return done();
}
