/* SPDX-License-Identifier: Apache-2.0
 * client_import.c - `twinshell import`: POST /upload of each file, several at a time.  Each is one transaction of the server, so whenever this
 * program ends, a file is there whole or not at all.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "server/client.h"
#include "server/client_journal.h"
#include "server/client_json.h"
#include "server/client_priv.h"

#define REPLY_MAX ((size_t)1 << 30)
#define SHOW_US 100000		/* between two pictures of the bar */
#define BAR 24
#define NAME_SHOWN 28

static const char usage[] = "usage: twinshell import [--url URL] [--ignore-duplicates | --replace] [--dry-run] [--jobs N] [--journal FILE]\n"
	"                        FILE-OR-DIRECTORY...\n";

struct job {
	CURL *curl;
	curl_mime *body;
	struct buf reply;
	char why[CURL_ERROR_SIZE];
	const char *file;	/* NULL: it is idle */
};

struct import {
	struct client_words w;
	struct arena *arena;
	struct client_files files;
	struct client_journal *journal;	/* NULL: none */
	struct buf url;
	CURLM *multi;
	struct job job[CLIENT_JOBS_MAX];
	size_t next, done, good, before;	/* before: that the journal has */
	int status;			/* the worst */
	struct client_report sum;
	bool bar;
	int64_t started_us, shown_us;
};

/* -- what is shown ----------------------------------------------------------------------------------------------------------------- */
static void wipe(const struct import *im)
{
	if (!im->bar)
		return;
	fputs("\r\033[K", stdout);
	fflush(stdout);
}

static void show(struct import *im, const char *file, bool now)
{
	int64_t t = clock_mono_us();
	size_t n = im->files.n, bar = n ? im->done * BAR / n : BAR, len = strlen(file);
	char name[NAME_SHOWN + 1] = "";
	if (!im->bar || (!now && t - im->shown_us < SHOW_US))
		return;
	im->shown_us = t;
	snprintf(name, sizeof name, "%s", file + (len > NAME_SHOWN ? len - NAME_SHOWN : 0));
	for (char *p = name; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 127)
			*p = '?';
	printf("\r\033[K[%.*s%.*s] %zu/%zu  %.0f/s  %zu refused  %s", (int)bar, "########################", (int)(BAR - bar),
	       "........................", im->done, n, (double)im->done * US_PER_S / (double)(t - im->started_us + 1), im->done - im->good, name);
	fflush(stdout);
}

static void tell(const char *what, const struct client_report *r)
{
	printf("%s: %s%zu created, ", what, r->dry_run ? "nothing is done; it would be " : "", r->created);
	if (r->replaced)
		printf("%zu replaced, ", r->replaced);
	printf("%zu there already, %zu files\n", r->skipped, r->files);
}

/* -- one file ----------------------------------------------------------------------------------------------------------------------- */
static void worse(struct import *im, int status)
{
	if (status > im->status)	/* 65, 66, 69: the worse, the higher */
		im->status = status;
}

static bool readable(const char *name)
{
	FILE *f = fopen(name, "re");
	bool ok = f && (fgetc(f) != EOF || !ferror(f));		/* a directory opens but does not read */
	if (!ok)
		fprintf(stderr, "%s: %s\n", name, strerror(errno));
	if (f)
		fclose(f);
	return ok;
}

static bool start(struct import *im, struct job *j, const char *file)
{
	curl_mimepart *part = (j->body = curl_mime_init(j->curl)) ? curl_mime_addpart(j->body) : NULL;
	if (!part || curl_mime_name(part, "file") || curl_mime_filedata(part, file)) {
		fprintf(stderr, "%s: cannot be read\n", file);
		curl_mime_free(j->body);
		return false;
	}
	client_prepare(j->curl, im->url.p, j->why, &j->reply);
	curl_easy_setopt(j->curl, CURLOPT_MIMEPOST, j->body);
	j->file = file;
	return curl_multi_add_handle(im->multi, j->curl) == CURLM_OK;
}

static int account(struct import *im, struct job *j, CURLcode rc)
{
	struct slice reply = { j->reply.p, j->reply.n };
	struct client_report r;
	int status = client_outcome(j->curl, rc, j->file, im->url.p, j->why, &j->reply);
	if (status)
		return status;
	if (!client_read_report(reply, &r)) {
		fprintf(stderr, "%s: %s does not answer like this program's server\n", j->file, im->url.p);
		return EX_UNAVAILABLE;
	}
	if (im->journal && !r.dry_run && !client_journal_note(im->journal, j->file))
		worse(im, EX_IOERR);
	client_put_warnings(stderr, j->file, reply);
	if (!im->bar)
		tell(j->file, &r);
	im->sum.dry_run = r.dry_run;
	im->sum.created += r.created;
	im->sum.replaced += r.replaced;
	im->sum.skipped += r.skipped;
	im->sum.files += r.files;
	im->good++;
	return EX_OK;
}

static void finish(struct import *im, struct job *j, CURLcode rc)
{
	wipe(im);
	worse(im, account(im, j, rc));
	fflush(stdout);
	curl_multi_remove_handle(im->multi, j->curl);
	curl_mime_free(j->body);
	im->done++;
	show(im, j->file, true);
	j->file = NULL;
}

/* -- all of them -------------------------------------------------------------------------------------------------------------------- */
/* A file at fault does not keep the next from being imported; a server that is away does. */
static bool goes_on(const struct import *im)
{
	return im->status == EX_OK || im->status == EX_DATAERR || im->status == EX_NOINPUT;
}

static void fill(struct import *im)
{
	for (struct job *j = im->job; j < im->job + im->w.jobs; j++)
		while (!j->file && im->next < im->files.n && goes_on(im)) {
			const char *file = im->files.name[im->next++];
			if (readable(file) && start(im, j, file))
				continue;
			im->done++;
			worse(im, EX_NOINPUT);
		}
}

static void run(struct import *im)
{
	int busy = 1, left;
	im->started_us = clock_mono_us();
	for (fill(im); busy; fill(im)) {
		if (curl_multi_perform(im->multi, &busy)) {
			worse(im, EX_SOFTWARE);
			return;
		}
		for (CURLMsg *m; (m = curl_multi_info_read(im->multi, &left));)
			for (struct job *j = im->job; m->msg == CURLMSG_DONE && j < im->job + im->w.jobs; j++)
				if (j->file && j->curl == m->easy_handle) {
					finish(im, j, m->data.result);
					busy = 1;	/* there may be a next one */
					break;
				}
		if (busy && curl_multi_poll(im->multi, NULL, 0, 100, NULL))
			busy = 0;
		for (struct job *j = im->job; j < im->job + im->w.jobs; j++)
			if (j->file)
				show(im, j->file, false);
	}
}

static void find_files(struct import *im)
{
	for (int i = 0; i < im->w.n_files; i++)
		if (!client_files_add(im->arena, &im->files, im->w.file[i]))
			worse(im, EX_NOINPUT);
	if (!im->journal)
		return;
	size_t n = 0;
	for (size_t i = 0; i < im->files.n; i++)
		if (!client_journal_has(im->journal, im->files.name[i]))
			im->files.name[n++] = im->files.name[i];
	im->before = im->files.n - n;
	im->files.n = n;
	if (im->before)
		printf("%zu files were imported before, as the journal says\n", im->before);
	fflush(stdout);
}

static void summarize(const struct import *im)
{
	char all[80];
	wipe(im);
	if (im->files.n < 2)
		return;
	snprintf(all, sizeof all, "%zu of %zu files %s", im->good, im->files.n, im->w.dry_run ? "looked at" : "imported");
	tell(all, &im->sum);
}

static bool prepare(struct import *im)
{
	im->arena = arena_new(0);
	buf_puts(&im->url, "import to ");
	client_put_url(&im->url, &im->w, "");
	if (im->w.journal && !(im->journal = client_journal_open(im->w.journal, im->url.p))) {
		im->status = EX_CANTCREAT;
		return false;
	}
	buf_reset(&im->url);
	client_put_url(&im->url, &im->w, "/upload");
	buf_puts(&im->url, im->w.ignore_duplicates ? "?ignore-duplicates=true" : im->w.replace ? "?replace=true" : "");
	buf_puts(&im->url, !im->w.dry_run ? "" : im->w.ignore_duplicates || im->w.replace ? "&dry-run=true" : "?dry-run=true");
	bool ok = im->arena && !im->url.failed && (im->multi = curl_multi_init());
	for (struct job *j = im->job; j < im->job + im->w.jobs; j++) {
		buf_init(&j->reply, REPLY_MAX);
		ok = ok && (j->curl = curl_easy_init());
	}
	if (!ok)
		im->status = EX_OSERR;
	return ok;
}

int client_import(int argc, char **argv)
{
	struct import im = { .url = BUF_INIT };
	if (!client_read_words(argc, argv, &im.w, true)) {
		fputs(usage, stderr);
		return EX_USAGE;
	}
	if (prepare(&im)) {
		find_files(&im);
		im.bar = isatty(STDOUT_FILENO) && im.files.n > 1;
		run(&im);
		summarize(&im);
	}
	for (struct job *j = im.job; j < im.job + im.w.jobs; j++) {
		curl_easy_cleanup(j->curl);
		buf_fini(&j->reply);
	}
	curl_multi_cleanup(im.multi);
	client_journal_close(im.journal);
	buf_fini(&im.url);
	arena_free(im.arena);
	return im.status;
}
