/* SPDX-License-Identifier: Apache-2.0
 * migrate.h - the numbered migrations of sql/migrations, compiled in, applied in their order.
 *
 * Each is one transaction together with its row in twinshell.schema_migration, under an advisory lock, so that several programs may
 * start at once.  A migration whose text differs from the one that was applied is refused, and so is a schema newer than this program,
 * unless it says that this program can work with it: while servers are upgraded one by one, the older ones go on.
 */
#ifndef SQL_MIGRATE_H
#define SQL_MIGRATE_H

#include "sql/pg.h"

struct pg_migration {
	int version;
	const char *name;	/* file name without folder and suffix */
	const char *sql;
	const char *sha256;	/* of the file, in hexadecimal */
	int compatible;		/* programs of the migrations up to this one can go on; 0: none.  In the file: "-- compatible: N" */
};
extern const struct pg_migration pg_migrations[];
extern const unsigned pg_n_migrations;

/* Applies what is missing; *applied tells how many were (NULL: not asked).  ERR_PRECONDITION: the database or its schema is not one
 * that this program knows; ERR_UNAVAILABLE; ERR_INTERNAL: a migration failed, the message says which, and nothing of it is left.
 * Waits as long as another program migrates. */
enum err pg_migrate(struct pg *, unsigned *applied, struct diag *);
/* How many of them are there already; nothing is changed.  Errors as above. */
enum err pg_migrations_applied(struct pg *, unsigned *have, struct diag *);
/* pg_migrate with another list, numbered from 1 without a gap. */
enum err pg_migrate_list(struct pg *, const struct pg_migration *, unsigned n, unsigned *applied, struct diag *);

#endif
