/* SPDX-License-Identifier: Apache-2.0
 * verify.h - what `twinshell db` asks of a database: how it stands, and whether what is kept twice says the same twice.
 */
#ifndef SQL_VERIFY_H
#define SQL_VERIFY_H

#include <stdint.h>

#include "base/diag.h"

/* "name: value" lines, through `line`: the server, the schema, how much is in it.  The errors of pg_migrate; a schema that is only older than this
 * program is none.  Nothing is changed. */
enum err db_status(const char *conninfo, void (*line)(void *ctx, const char *name, const char *value), void *ctx, struct diag *);

/* pg_migrate on a connection of its own. */
enum err db_migrate(const char *conninfo, unsigned *applied, struct diag *);

/* Reads every identifiable and descriptor: the document can be read, and the facts it is found by and the rows of its elements are what the
 * document says.  One `finding` for each fault, with the id; *checked tells how many were read.  ERR_OK also with findings; else the database
 * could not be read.  Changes nothing, and may run beside a server. */
struct db_finding {
	const char *kind, *id;		/* "submodel"; NULL: of no single one */
	const char *text;
};
enum err db_verify(const char *conninfo, void (*finding)(void *ctx, const struct db_finding *), void *ctx, uint64_t *checked, struct diag *);

#endif
