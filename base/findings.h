/* SPDX-License-Identifier: Apache-2.0
 * findings.h - everything that is wrong with an input, or only strange: what a diag says, kept to be told later.
 *
 * A diag keeps a few messages for who stops at the first; findings are the sink of one (diag.h) and keep many, each with the part of the
 * package that it is about.  A message with ERR_OK is a warning, every other a fault.  Lives in an arena; one thread.
 */
#ifndef BASE_FINDINGS_H
#define BASE_FINDINGS_H

#include "base/arena.h"
#include "base/diag.h"

#define FINDINGS_MAX 1000	/* kept; the rest is counted */

struct finding {
	const struct finding *next;
	enum err err;			/* ERR_OK: a warning */
	const char *rule;		/* or NULL */
	const char *part;		/* of a package, or NULL */
	const char *path;		/* within the part */
	const char *text;
	unsigned line;			/* 0: not known */
};

struct findings {
	struct arena *arena;
	struct diag *diag;
	const struct finding *first;
	struct finding *last;
	size_t n, lost;			/* kept; beyond FINDINGS_MAX, or without memory */
	size_t faults;			/* of all, also those that are lost */
	enum err err;			/* of all faults: ERR_CONFLICT when each of them is one, ERR_BAD_REQUEST when some are of the input
					 * in another way, and any other error alone */
};

/* From now on every message of the diag comes here too.  NULL without memory. */
struct findings *findings_of(struct arena *, struct diag *);
/* No message comes here any more. */
void findings_end(struct findings *);

#endif
