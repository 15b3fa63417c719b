/* SPDX-License-Identifier: Apache-2.0
 * store_pg.h - the store on PostgreSQL (aas/store.h).
 *
 * A submodel is its document plus one narrow row per leaf element; values written since the document was last written stand in the rows
 * alone and are folded in when it is read.  Safe from any thread: every transaction and every call takes a connection of the pool.
 */
#ifndef SQL_STORE_PG_H
#define SQL_STORE_PG_H

#include "aas/store.h"
#include "base/diag.h"

struct store_pg_config {
	const char *conninfo;	/* may name several hosts: target_session_attrs=read-write finds the primary again after a fail-over */
	const char *standby;	/* where to read from when it is up to date (sql/pg_standby.h); NULL: nowhere else */
	unsigned connections;	/* at most so many at a time, of each of the two */
	bool pooler;		/* it leads to a pooler that lends sessions for one transaction each: true for the whole program from then on */
	bool no_migration;	/* refuse a schema that is not up to date, instead of bringing it there */
};
/* Connects, brings the schema up to date (sql/migrate.h), checks it.  NULL when the database cannot be used; the diag says why. */
struct store *store_pg_open_with(const struct store_pg_config *, struct diag *);
struct store *store_pg_open(const char *conninfo, unsigned connections, struct diag *);
/* This process is `name` on the database, alone, until it ends or the store is closed: once, before anything is kept under that name.
 * ERR_CONFLICT: another process has it and keeps it for some seconds; others when the database cannot be asked.  Behind a pooler nobody can
 * tell, and everybody is let in. */
enum err store_pg_claim(struct store *, const char *name, struct diag *);
/* Months of history and feed that ended more than so many days ago are dropped from now on, once an hour; 0: never. */
void store_pg_keep_history(struct store *, unsigned days);
/* Can the database be reached now?  One round trip; waits at most as long as a free connection may take. */
bool store_pg_ready(struct store *);

/* How many days samples and what is made of them are kept; 0: for ever.  Before or after, any thread; parts of a week and more are dropped whole. */
void store_pg_keep(struct store *, unsigned samples_days, unsigned rollups_days);
/* Compact everything that is staged, and drop what is too old, now; else it happens in the background, at most minutes later.
 * ERR_AGAIN: another program is about it and does not end. */
enum err store_pg_settle(struct store *);

#endif
