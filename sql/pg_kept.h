/* SPDX-License-Identifier: Apache-2.0
 * pg_kept.h - statements that callers make at run time and that a session keeps prepared: as many as there are places, the least recently used
 * goes first.  A place is a name in the session; the caller that is given one sends what is due and says what the server answered.
 */
#ifndef SQL_PG_KEPT_H
#define SQL_PG_KEPT_H

#include <stdbool.h>
#include <stdint.h>

#define PG_KEPT_MAX 32			/* a plan weighs some 100 kB in the server */
#define PG_KEPT_BYTES 16384		/* longer statements are not kept */

struct pg_kept {
	uint64_t clock;
	struct pg_kept_place {
		char *sql;		/* that it is for; NULL: none */
		uint64_t used;
		bool there;		/* the session has a statement of this name */
		bool good;		/* and it is this one */
		char name[12], drop[24];	/* drop: the statement that gives the name back */
	} place[PG_KEPT_MAX];
};

/* The place of this statement, which is kept from now on.  Not `good`: prepare it, and when it is `there`, drop what was first.  NULL: it is not
 * worth it, or no memory. */
struct pg_kept_place *pg_kept_find(struct pg_kept *, const char *sql);
/* The session is gone, and everything in it. */
void pg_kept_lost(struct pg_kept *);
void pg_kept_fini(struct pg_kept *);

#endif
