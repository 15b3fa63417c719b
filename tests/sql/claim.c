/* SPDX-License-Identifier: Apache-2.0
 * claim.c - a name on a database: one store has it at a time, it is free as soon as that one is closed or killed, and it is taken again when the
 * connection is lost.
 */
#include <signal.h>
#include <sys/wait.h>

#include "base/log.h"
#include "sql/store_pg.h"
#include "tests/database.h"

#define HOLDERS "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"

static struct arena *arena;
static struct database db;
static struct pg *pg;

static struct store *open_store(void)
{
	struct store *s = store_pg_open(db.conninfo, 2, NULL);
	if (!s) {
		printf("Bail out! no store\n");
		exit(1);
	}
	return s;
}

static bool comes(const char *sql, const char *want)
{
	return database_comes(pg, arena, sql, want);
}

static void test_two(void)
{
	struct diag d = DIAG_INIT;
	char text[300];
	struct store *a = open_store(), *b = open_store();
	check_int(store_pg_claim(a, "mill", NULL), ERR_OK, "a store takes a name");
	check_int(store_pg_claim(b, "mill", &d), ERR_CONFLICT, "a second one does not get it");
	check_str(diag_first(&d, text, sizeof text), "another server runs on this database as \"mill\": each needs a --client-id of its own", "and is told why");
	check_int(store_pg_claim(b, "saw", NULL), ERR_OK, "but another one");
	a->ops->close(a);
	a = open_store();
	check_int(store_pg_claim(a, "mill", NULL), ERR_OK, "what is closed gives its name back");
	a->ops->close(a);
	b->ops->close(b);
	diag_fini(&d);
}

static void test_killed(void)
{
	int ready[2];
	char c = 0;
	if (pipe(ready))
		return;
	fflush(stdout);
	pid_t child = fork();
	if (!child) {
		struct store *s = open_store();
		c = store_pg_claim(s, "mill", NULL) ? 'n' : 'y';
		if (write(ready[1], &c, 1) == 1)
			pause();
		_exit(1);
	}
	check(read(ready[0], &c, 1) == 1 && c == 'y', "another process has the name");
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	struct store *s = open_store();
	check_int(store_pg_claim(s, "mill", NULL), ERR_OK, "and is killed: it is free at once");
	s->ops->close(s);
	close(ready[0]);
	close(ready[1]);
}

static void test_lost(void)
{
	struct store *s = open_store();
	check_int(store_pg_claim(s, "mill", NULL), ERR_OK, "a store has a name");
	check(comes(HOLDERS, "1"), "which is a lock");
	const char *was = database_ask(pg, arena, "SELECT pg_terminate_backend(pid)::text || pid FROM pg_stat_activity WHERE application_name = 'twinshell name'"
				       " AND datname = current_database()");
	check(was && !strncmp(was, "true", 4), "its connection is lost");
	check(comes(arena_printf(arena, HOLDERS " AND pid <> %s", was + 4), "1"), "it takes the name again");
	s->ops->close(s);
	check(comes(HOLDERS, "0"), "and gives it back in the end");
}

int main(void)
{
	if (!database_cluster())
		return skip_all(DATABASE_SKIP);
	log_setup(LOG_ERROR, LOG_TEXT);
	arena = arena_new(0);
	database_make(&db, "claim", "ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'");
	check_int(pg_open(db.conninfo, &pg, NULL), ERR_OK, "connect");
	test_two();
	test_killed();
	test_lost();
	pg_close(pg);
	database_drop(&db);
	arena_free(arena);
	return done();
}
