/* SPDX-License-Identifier: Apache-2.0
 * client_json.h - what a server answers to import and export, in words for a terminal.
 */
#ifndef SERVER_CLIENT_JSON_H
#define SERVER_CLIENT_JSON_H

#include <stdbool.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

/* Each message of an AAS Result in a line "NAME: TEXT"; anything else (a proxy's page) cut to one line. */
void client_put_messages(FILE *, const char *name, struct slice body);

/* The warnings of that answer, likewise. */
void client_put_warnings(FILE *, const char *name, struct slice body);

struct client_report {
	size_t created, replaced, skipped, files;
	bool dry_run;
};
/* What POST /upload answers; false when it is something else. */
bool client_read_report(struct slice body, struct client_report *);

/* The first event of a stream (text/event-stream) that has come whole: what it is called, and its data.  False: there is none; *rest begins behind it
 * then, else it is as it was. */
bool client_read_event(struct slice *rest, struct slice *name, struct slice *data);
/* What the events of POST /upload say. */
struct client_progress {
	char phase[16];
	size_t read, created, replaced, skipped;
	size_t bytes, total_bytes;
};
bool client_read_progress(struct slice data, struct client_progress *);
/* The answer that would have come at once: its status and, copied to the buffer, its body. */
bool client_read_outcome(struct slice data, long *status, struct buf *body);

/* A text of a JSON object, copied to the arena; NULL: there is none. */
const char *client_read_member(struct arena *, struct slice json, const char *name);

/* A page of shells: their ids, and the cursor of the next page, NULL at the end; all in the arena.  False when it is something else. */
bool client_read_page(struct arena *, struct slice json, const char ***id, size_t *n, const char **cursor);

#endif
