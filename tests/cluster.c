/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/cluster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[] = "/tmp/twinshell-db.XXXXXX", tool[1000], conninfo[400];
static bool is_private, absent;
static int hold = -1;	/* a pipe: the cluster lives as long as it is open */
static pid_t keeper, owner;

static void die(const char *what)
{
	printf("Bail out! %s\n", what);
	exit(1);
}

static void give_back(void)
{
	if (getpid() != owner)
		return;
	close(hold);
	waitpid(keeper, NULL, 0);
	rmdir(dir);
}

static int borrow(void)
{
	int in[2], out[2];
	FILE *f;
	if (!mkdtemp(dir) || pipe(in) || pipe(out))
		die("cannot make a directory for PostgreSQL");
	if (!(keeper = fork())) {
		setsid();		/* an interrupt at the terminal is for the test; its end then ends the keeper */
		dup2(in[0], 0);
		dup2(out[1], 1);
		close(in[1]);
		close(out[0]);
		execl("/bin/sh", "sh", tool, "lend", dir, (char *)NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	hold = in[1];
	char *line = (f = fdopen(out[0], "r")) ? fgets(conninfo, sizeof conninfo, f) : NULL;
	if (line) {
		conninfo[strcspn(conninfo, "\n")] = 0;
		fclose(f);
		atexit(give_back);
		return 0;
	}
	int status = -1;
	waitpid(keeper, &status, 0);
	rmdir(dir);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

const char *cluster(void)
{
	const char *given = getenv("TWINSHELL_TEST_DB"), *src = getenv("srcdir");
	if (conninfo[0] || absent)
		return absent ? NULL : conninfo;
	owner = getpid();
	if (given && *given) {
		snprintf(conninfo, sizeof conninfo, "%s", given);
		return conninfo;
	}
	snprintf(tool, sizeof tool, "%s/tests/pg-private", src ? src : "..");
	if (access(tool, R_OK))
		snprintf(tool, sizeof tool, "tests/pg-private");
	int e = borrow();
	if (e && e != 77)
		die("PostgreSQL does not start");
	absent = e == 77;
	is_private = !absent;
	return absent ? NULL : conninfo;
}

bool cluster_is_private(void)
{
	return is_private;
}

void cluster_restart(const char *signal)
{
	int status = -1;
	pid_t pid = fork();
	if (!pid) {
		dup2(2, 1);
		close(hold);
		execl("/bin/sh", "sh", tool, "restart", dir, signal, (char *)NULL);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		die("PostgreSQL does not start again");
}
