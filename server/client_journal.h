/* SPDX-License-Identifier: Apache-2.0
 * client_journal.h - which files an import or an export is done with, so that the next run leaves them out; and which a directory has.
 *
 * A text file: a line that says what is done, then a line "BYTES MODIFIED NAME" for each file (MODIFIED in nanoseconds), written as soon as it is
 * done.  A file that was changed since counts as another one.  One thread.
 */
#ifndef SERVER_CLIENT_JOURNAL_H
#define SERVER_CLIENT_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

struct client_journal;

/* Reads it, or begins one.  NULL, with the reason on standard error: it cannot be, is none, or is of something else than `title`. */
struct client_journal *client_journal_open(const char *name, const char *title);
void client_journal_close(struct client_journal *);		/* NULL is allowed */
bool client_journal_has(struct client_journal *, const char *file);	/* as it is now */
bool client_journal_note(struct client_journal *, const char *file);	/* false, with the reason on standard error */

/* The files of `path`: itself, or of a directory all AASX, JSON and XML files below it, in the order of their names; names that begin with a dot are
 * left out, and links to directories.  False, with the reason on standard error, when something cannot be read; the rest is there. */
struct client_files {
	char **name;
	size_t n, cap;
};
bool client_files_add(struct arena *, struct client_files *, const char *path);

#endif
