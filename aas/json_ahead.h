/* SPDX-License-Identifier: Apache-2.0
 * json_ahead.h - finds the modelType of objects that have not been read yet.
 *
 * An element's class decides how its members are read, but modelType may be the last of them.  One scan of the outermost such
 * object notes the classes of all objects within, so a text is scanned once at most, however deep it is.
 */
#ifndef AAS_JSON_AHEAD_H
#define AAS_JSON_AHEAD_H

#include "aas/metamodel.h"
#include "base/buf.h"

#define AAS_AHEAD_NONE 0	/* no modelType, or not a string */
#define AAS_AHEAD_UNKNOWN 255	/* names no class */

struct aas_ahead {
	struct buf list;	/* one entry per object, in the order of the text */
	size_t at;		/* the first entry not yet used */
	const char *scanned;	/* what stands before this is in the list */
};

void aas_ahead_init(struct aas_ahead *, const char *text);
void aas_ahead_fini(struct aas_ahead *);
/* 1 + class id, NONE or UNKNOWN for the object at `at`, which must be the last one asked for or behind it.  The text must end in
 * AAS_SCAN_PAD zero bytes after `end`.  -1 without memory. */
int aas_ahead_class(struct aas_ahead *, const char *text, const char *end, const char *at);

#endif
