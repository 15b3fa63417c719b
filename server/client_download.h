/* SPDX-License-Identifier: Apache-2.0
 * client_download.h - an answer of any size into a file, looked through before anybody sees it: what `twinshell export` does with each.
 */
#ifndef SERVER_CLIENT_DOWNLOAD_H
#define SERVER_CLIENT_DOWNLOAD_H

#include "server/client_bar.h"
#include "server/client_priv.h"

/* The forms that an export has; the first fits any name. */
struct client_form {
	const char *name, *suffix;	/* "json", ".json" */
	const char *accept;		/* a header */
	bool package;
};
const struct client_form *client_form_named(const char *);	/* NULL: there is none */
const struct client_form *client_form_of(const char *file);	/* by the end of its name; NULL: JSON */

/* How much an environment holds. */
struct client_contents {
	size_t shells, submodels, concepts, bytes;
};

/* GET of `url`: the bytes go to the descriptor, which can be read as well and is at its end and empty.  `name` begins the lines on standard error.
 * An exit status: EX_OK only if the answer came whole and is what was asked for. */
int client_download(CURL *, const char *url, const struct client_form *, const char *name, int fd, struct client_bar *, struct client_contents *);

#endif
