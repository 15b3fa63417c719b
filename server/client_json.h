/* SPDX-License-Identifier: Apache-2.0
 * client_json.h - what a server answers to import and export, in words for a terminal.
 */
#ifndef SERVER_CLIENT_JSON_H
#define SERVER_CLIENT_JSON_H

#include <stdbool.h>
#include <stdio.h>

#include "base/arena.h"
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

/* A text of a JSON object, copied to the arena; NULL: there is none. */
const char *client_read_member(struct arena *, struct slice json, const char *name);

#endif
