/* SPDX-License-Identifier: Apache-2.0
 * database.h - databases of a test, in the cluster of its program (cluster.h).  A test makes its own ones and drops them.
 */
#ifndef TESTS_DATABASE_H
#define TESTS_DATABASE_H

#include <unistd.h>

#include "base/clock.h"
#include "sql/pg.h"
#include "tests/cluster.h"
#include "tests/tap.h"

#define DATABASE_SKIP "PostgreSQL is not installed"

struct database {
	char name[64], conninfo[1024];
};

static inline const char *database_cluster(void)
{
	return cluster();
}

/* One statement in the database that the cluster's connection string names. */
static inline enum err database_admin(const char *fmt, const char *name)
{
	struct pg *pg;
	char sql[300];
	enum err e = pg_open(database_cluster(), &pg, NULL);
	if (e)
		return e;
	snprintf(sql, sizeof sql, fmt, name);
	e = pg_script(pg, sql, NULL);
	pg_close(pg);
	return e;
}

/* Ends the test program when the cluster cannot be used. */
static inline void database_make(struct database *d, const char *what, const char *options)
{
	char create[200];
	snprintf(d->name, sizeof d->name, "twinshell_%s_%ld", what, (long)getpid());
	snprintf(d->conninfo, sizeof d->conninfo, "%s dbname=%s", database_cluster(), d->name);
	snprintf(create, sizeof create, "CREATE DATABASE %%s %s %s", strstr(options, "TEMPLATE") ? "" : "TEMPLATE template0", options);
	if (database_admin("DROP DATABASE IF EXISTS %s WITH (FORCE)", d->name) || database_admin(create, d->name)) {
		printf("Bail out! cannot make a database\n");
		exit(1);
	}
}

/* A copy of one that nobody uses. */
static inline void database_copy(struct database *d, const char *what, const struct database *like)
{
	char options[100];
	snprintf(options, sizeof options, "TEMPLATE %s", like->name);
	database_make(d, what, options);
}

/* The first column of the first row as text, NULL when there is none; or what is wrong. */
static inline const char *database_ask(struct pg *pg, struct arena *a, const char *sql)
{
	const char *answer = NULL;
	struct diag d = DIAG_INIT;
	if (pg_ask(pg, a, sql, NULL, 0, &answer, &d))
		answer = arena_strdup(a, d.n ? d.list[0].text : "error");
	diag_fini(&d);
	return answer;
}

#define DATABASE_PATIENCE_US (60 * US_PER_S)

/* Is that the answer, now or before the patience is at its end? */
static inline bool database_comes(struct pg *pg, struct arena *a, const char *sql, const char *want)
{
	int64_t until = clock_mono_us() + DATABASE_PATIENCE_US;
	for (;;) {
		const char *got = database_ask(pg, a, sql);
		if (got && !strcmp(got, want))
			return true;
		if (clock_mono_us() >= until)
			return false;
		clock_sleep_us(5000);
	}
}

static inline void database_drop(const struct database *d)
{
	check_int(database_admin("DROP DATABASE %s WITH (FORCE)", d->name), ERR_OK, "%s is dropped", d->name);
}

#endif
