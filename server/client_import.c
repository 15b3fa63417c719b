/* SPDX-License-Identifier: Apache-2.0
 * client_import.c - `twinshell import`: POST /upload of each file, several at a time.  Each is one transaction of the server, so whenever this
 * program ends, a file is there whole or not at all.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "server/client.h"
#include "server/client_journal.h"
#include "server/client_json.h"
#include "server/client_priv.h"

#define REPLY_MAX ((size_t)1 << 30)
#define NAME_SHOWN 28

static const char usage[] = "usage: twinshell import [--url URL] [--ignore-duplicates | --replace] [--dry-run] [--jobs N] [--journal FILE]\n"
	"                        [--progress | --no-progress] FILE-OR-DIRECTORY...\n";

struct job {
	CURL *curl;
	struct curl_slist *headers;
	struct client_progress now;
	size_t size;
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
	size_t all_bytes, done_bytes;	/* of the files */
	struct client_bar bar;
	bool quiet;			/* the bar stands for the lines that tell what came of each file */
};

/* -- what is shown ----------------------------------------------------------------------------------------------------------------- */
static const char *tail_of(const char *file)
{
	size_t n = strlen(file);
	return file + (n > NAME_SHOWN ? n - NAME_SHOWN : 0);
}

/* How much of one file is done: half of it is to send it, half that the server takes it. */
static double part_of(const struct job *j)
{
	curl_off_t sent = 0;
	curl_easy_getinfo(j->curl, CURLINFO_SIZE_UPLOAD_T, &sent);
	double all = (double)j->size + 1, there = (double)sent < all ? (double)sent / all : 1;
	double taken = j->now.total_bytes ? (double)j->now.bytes / (double)j->now.total_bytes : 0;
	return (there + taken) / 2;
}

static void show_one(struct import *im, const struct job *j, double part)
{
	const struct client_progress *p = &j->now;
	double left = client_bar_left(&im->bar, part);
	if (!p->total_bytes)
		client_bar_draw(&im->bar, part, "sending %.1f MB  %s", (double)j->size / 1e6, tail_of(j->file));
	else
		client_bar_draw(&im->bar, part, "%s  %zu read, %zu created, %zu replaced, %zu there already  %.0f s left", p->phase, p->read,
				p->created, p->replaced, p->skipped, left < 0 ? 0 : left);
}

/* In bytes, for files may be as different as they like. */
static void show(struct import *im, const struct job *last)
{
	double done = (double)im->done_bytes, all = (double)im->all_bytes + 1;
	if (im->done == im->files.n)
		im->bar.shown_us = 0;	/* the last picture is always drawn */
	if (!client_bar_due(&im->bar))
		return;
	for (const struct job *j = im->job; j < im->job + im->w.jobs; j++)
		if (j->file && j->curl)
			done += part_of(j) * (double)j->size;
	if (im->files.n == 1 && last->file) {
		show_one(im, last, done / all);
		return;
	}
	double left = client_bar_left(&im->bar, done / all);
	char rest[40] = "";
	if (left >= 0)
		snprintf(rest, sizeof rest, "%d:%02d left  ", (int)left / 60, (int)left % 60);
	client_bar_draw(&im->bar, done / all, "%zu/%zu  %.0f/s  %.1f MB/s  %s%zu refused  %s", im->done, im->files.n,
			client_bar_rate(&im->bar, (double)im->done), client_bar_rate(&im->bar, done) / 1e6, rest, im->done - im->good,
			last->file ? tail_of(last->file) : "");
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

static bool is_stream(const struct job *j)
{
	const char *type = NULL;
	curl_easy_getinfo(j->curl, CURLINFO_CONTENT_TYPE, &type);
	return type && !strncmp(type, "text/event-stream", 17);
}

static size_t size_of(const char *file)
{
	struct stat st;
	return stat(file, &st) || st.st_size < 0 ? 0 : (size_t)st.st_size;
}

/* The answer, or its events as they come: each says how far it is, the last one is the answer. */
static size_t collect(char *p, size_t size, size_t n, void *ctx)
{
	struct job *j = ctx;
	struct slice rest, name, data;
	buf_put(&j->reply, p, size * n);
	if (j->reply.failed)
		return 0;
	if (!is_stream(j))
		return size * n;
	rest = buf_view(&j->reply);
	for (struct slice next = rest; client_read_event(&next, &name, &data) && slice_is(name, "progress"); rest = next)
		client_read_progress(data, &j->now);
	if (rest.p != j->reply.p) {
		memmove(j->reply.p, rest.p, rest.n);
		j->reply.n = rest.n;
	}
	return size * n;
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
	curl_easy_setopt(j->curl, CURLOPT_HTTPHEADER, im->bar.on ? j->headers : NULL);
	curl_easy_setopt(j->curl, CURLOPT_WRITEFUNCTION, collect);
	curl_easy_setopt(j->curl, CURLOPT_WRITEDATA, j);
	j->now = (struct client_progress){ .phase = "" };
	j->size = size_of(file);
	j->file = file;
	return curl_multi_add_handle(im->multi, j->curl) == CURLM_OK;
}

/* The answer that the last event brought stands where it would have come without events. */
static int unwrap(struct import *im, struct job *j)
{
	struct slice rest = buf_view(&j->reply), name, data;
	struct buf body;
	long http;
	buf_init(&body, REPLY_MAX);
	if (!client_read_event(&rest, &name, &data) || !slice_is(name, "report") || !client_read_outcome(data, &http, &body)) {
		fprintf(stderr, "%s: the answer of %s breaks off\n", j->file, im->url.p);
		buf_fini(&body);
		return EX_UNAVAILABLE;
	}
	buf_fini(&j->reply);
	j->reply = body;
	return client_answer(http, j->file, im->url.p, buf_view(&j->reply));
}

static int account(struct import *im, struct job *j, CURLcode rc)
{
	struct client_report r;
	int status = client_outcome(j->curl, rc, j->file, im->url.p, j->why, &j->reply);
	if (!status && is_stream(j))
		status = unwrap(im, j);
	struct slice reply = buf_view(&j->reply);
	if (status)
		return status;
	if (!client_read_report(reply, &r)) {
		fprintf(stderr, "%s: %s does not answer like this program's server\n", j->file, im->url.p);
		return EX_UNAVAILABLE;
	}
	if (im->journal && !r.dry_run && !client_journal_note(im->journal, j->file))
		worse(im, EX_IOERR);
	client_put_warnings(stderr, j->file, reply);
	if (!im->quiet)
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
	client_bar_wipe(&im->bar);
	worse(im, account(im, j, rc));
	fflush(stdout);
	curl_multi_remove_handle(im->multi, j->curl);
	curl_mime_free(j->body);
	im->done++;
	im->done_bytes += j->size;
	j->file = NULL;
	show(im, j);
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
				show(im, j);
	}
}

/* What the journal has. */
static void leave_out(struct import *im)
{
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

static void find_files(struct import *im)
{
	for (int i = 0; i < im->w.n_files; i++)
		if (!client_files_add(im->arena, &im->files, im->w.file[i]))
			worse(im, EX_NOINPUT);
	if (im->journal)
		leave_out(im);
	for (size_t i = 0; i < im->files.n; i++)
		im->all_bytes += size_of(im->files.name[i]);
}

static void summarize(const struct import *im)
{
	char all[80];
	client_bar_wipe(&im->bar);
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
		j->headers = curl_slist_append(NULL, "Accept: text/event-stream, application/json;q=0.9");
		ok = ok && j->headers && (j->curl = curl_easy_init());
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
		client_bar_start(&im.bar, im.w.bar);
		im.quiet = im.bar.on && isatty(STDOUT_FILENO) && im.files.n > 1;
		run(&im);
		summarize(&im);
	}
	for (struct job *j = im.job; j < im.job + im.w.jobs; j++) {
		curl_easy_cleanup(j->curl);
		curl_slist_free_all(j->headers);
		buf_fini(&j->reply);
	}
	curl_multi_cleanup(im.multi);
	client_journal_close(im.journal);
	buf_fini(&im.url);
	arena_free(im.arena);
	return im.status;
}
