/* SPDX-License-Identifier: Apache-2.0
 * client_priv.h - what the subcommands that talk to a running server share (client*.c).
 */
#ifndef SERVER_CLIENT_PRIV_H
#define SERVER_CLIENT_PRIV_H

#include <curl/curl.h>
#include <stdbool.h>

#include "base/buf.h"
#include "server/client_bar.h"

#define CLIENT_JOBS_MAX 16

struct client_words {
	const char *url, *output, *split, *journal;
	const char *form;		/* NULL: not said */
	enum client_bar_wish bar;
	size_t jobs;
	bool ignore_duplicates, replace, dry_run;
	char **file;
	int n_files;
};

/* Sorts the words into `w`; the files stay in argv.  False, with the reason on standard error. */
bool client_read_words(int argc, char **argv, struct client_words *w, bool importing);

/* "http://host:8080/" and "http://host:8080" are the same server. */
void client_put_url(struct buf *url, const struct client_words *w, const char *path);

/* What every request sets; `why` has CURL_ERROR_SIZE bytes, and lives as long as the reply. */
void client_prepare(CURL *, const char *url, char *why, struct buf *reply);
/* What came of it: 0, or an exit status with the reason on standard error, in lines that begin with `name`. */
int client_outcome(CURL *, CURLcode, const char *name, const char *url, const char *why, const struct buf *reply);
/* The same of an answer that has come, whatever way. */
int client_answer(long http, const char *name, const char *url, struct slice reply);

#endif
