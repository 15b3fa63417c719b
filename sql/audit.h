/* SPDX-License-Identifier: Apache-2.0
 * audit.h - is the feed of changes still what was written?
 *
 * Every position has a hash of its change and of the hash before it, so a change that is altered, taken out or put in breaks the chain.  What is
 * hashed is computed by PostgreSQL's own functions, never by those of the schema, which whoever alters rows may alter too.  Who rewrites the whole
 * chain up to its end is found out only by comparing the last hash with one that was noted elsewhere: it is in the result.
 * What a file was is told by its SHA-256, so its bytes are proved by the chain, too: all that are stored are read and summed.
 */
#ifndef SQL_AUDIT_H
#define SQL_AUDIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/diag.h"

struct pg_audit {
	int64_t n;		/* changes that are as they were written */
	int64_t contents;	/* files whose bytes are those of their hash, each once however often it is stored */
	int64_t first, last;	/* positions that were looked at; 0: none */
	const char *hash;	/* of the last one, in hexadecimal */
	bool sound;
	const char *fault;	/* the first one; NULL: none */
	int64_t position;	/* where; 0: a change that has no position */
	const char *id;		/* NULL: not known */
	int64_t version;
};

/* Reads everything.  One snapshot of the database; texts in the arena.  ERR_UNAVAILABLE: it cannot be reached.  ERR_INTERNAL: it has no feed. */
enum err pg_audit(const char *conninfo, struct arena *, struct pg_audit *, struct diag *);

#endif
