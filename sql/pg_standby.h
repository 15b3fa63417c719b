/* SPDX-License-Identifier: Apache-2.0
 * pg_standby.h - reading from a streaming stand-by, without ever reading what is older than this program's own commits.
 *
 * A thread compares how far the primary has written with how far the stand-by has come.  A reader gets a connection to the stand-by when every
 * commit that this program has acknowledged is visible there; else, and while it cannot be reached, he reads from the primary as without one.  Of
 * other programs' commits the stand-by shows what it has: usually all but the last milliseconds.
 */
#ifndef SQL_PG_STANDBY_H
#define SQL_PG_STANDBY_H

#include "sql/pg.h"

struct pg_standby;

/* `standby`: a connection string, may name several hosts (target_session_attrs=prefer-standby); `n` connections at most.  It need not be there now.
 * NULL: no memory, no thread. */
struct pg_standby *pg_standby_new(const char *primary, const char *standby, unsigned n);
void pg_standby_free(struct pg_standby *);		/* all connections must be back; NULL is allowed */
/* After a commit, before anybody learns of it.  Any thread, never waits; NULL is allowed. */
void pg_standby_wrote(struct pg_standby *);
/* NULL: read from the primary.  Never waits for a free connection. */
struct pg *pg_standby_take(struct pg_standby *);	/* NULL is allowed */
void pg_standby_give(struct pg_standby *, struct pg *);
/* It failed: the primary is read from until the stand-by has been looked at again. */
void pg_standby_failed(struct pg_standby *);

#endif
