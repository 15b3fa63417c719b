/* SPDX-License-Identifier: Apache-2.0 */
#include "server/client_export.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "server/client_download.h"
#include "server/client_journal.h"
#include "server/client_json.h"

#define REPLY_MAX ((size_t)64 << 20)	/* of a page of shells */
#define NOTE ".twinshell-export"
#define PART ".twinshell-part"	/* a file that is being written */
#define PAGE 100
#define NAME_KEPT 80		/* bytes of the id in a file's name */

struct split {
	const struct client_words *w;
	CURL *curl;
	struct buf url, reply, file;
	char why[CURL_ERROR_SIZE];
	char at[TIME_TEXT_MAX];		/* the moment that all of them show */
	const char *part;		/* name of the file that is being written */
	const struct client_form *form;
	struct client_journal *journal;
	size_t written, before, bytes;
	struct client_bar bar;
};

static int get(struct split *s, const char *name)
{
	client_prepare(s->curl, s->url.p, s->why, &s->reply);
	return client_outcome(s->curl, curl_easy_perform(s->curl), name, s->url.p, s->why, &s->reply);
}

/* -- the moment ------------------------------------------------------------------------------------------------------------------- */
static size_t take_date(char *p, size_t size, size_t n, void *ctx)
{
	static const char name[] = "date:";
	char text[64];
	n *= size;
	if (n > sizeof name && n < sizeof text && curl_strnequal(p, name, sizeof name - 1)) {
		snprintf(text, sizeof text, "%.*s", (int)(n - sizeof name + 1), p + sizeof name - 1);
		*(time_t *)ctx = curl_getdate(text, NULL);
	}
	return n;
}

/* The server's clock, which its answers tell in whole seconds: the next one, when it has come. */
static int now(struct split *s)
{
	time_t date = -1;
	buf_reset(&s->url);
	client_put_url(&s->url, s->w, "/description");
	curl_easy_setopt(s->curl, CURLOPT_HEADERFUNCTION, take_date);
	curl_easy_setopt(s->curl, CURLOPT_HEADERDATA, &date);
	int status = get(s, s->w->split);
	curl_easy_setopt(s->curl, CURLOPT_HEADERFUNCTION, NULL);
	curl_easy_setopt(s->curl, CURLOPT_HEADERDATA, NULL);
	if (!status && date < 0) {
		fprintf(stderr, "%s: %s does not tell the time\n", s->w->split, s->url.p);
		status = EX_UNAVAILABLE;
	}
	if (!status) {
		time_format(s->at, ((int64_t)date + 1) * US_PER_S);
		clock_sleep_us(US_PER_S);
	}
	return status;
}

/* The moment that the journal of an earlier run names: what stands between " at " and the end of its first line. */
static bool earlier(struct split *s, const char *note)
{
	char line[2048], *at = NULL;
	FILE *f = fopen(note, "re");
	if (f && fgets(line, sizeof line, f) && (at = strstr(line, " at ")))
		snprintf(s->at, sizeof s->at, "%.*s", (int)strcspn(at + 4, "\n"), at + 4);
	if (f)
		fclose(f);
	return at != NULL;
}

static int begin(struct split *s, struct arena *a, const char *note)
{
	struct buf title = BUF_INIT;
	struct diag d = DIAG_INIT;
	char why[DIAG_PATH_MAX + DIAG_TEXT_MAX];
	int status = EX_OK;
	if (file_mkdirs(s->w->split, 0777, &d)) {
		fprintf(stderr, "%s\n", diag_first(&d, why, sizeof why));
		status = EX_CANTCREAT;
	}
	diag_fini(&d);
	if (!status && !earlier(s, note))
		status = now(s);
	buf_puts(&title, "export from ");
	client_put_url(&title, s->w, "");
	if (!str_eq(s->form->name, "json"))
		buf_printf(&title, " as %s", s->form->name);
	buf_printf(&title, " at %s", s->at);
	const char *text = arena_strdup(a, title.failed ? "" : title.p);
	if (!status && (!text || !(s->journal = client_journal_open(note, text))))
		status = EX_CANTCREAT;
	buf_fini(&title);
	return status;
}

/* -- one shell ---------------------------------------------------------------------------------------------------------------------- */
/* DIR/ID.json or another form: what is no letter, digit, "." or "-" of the id becomes "_"; a hash keeps such names apart. */
static void put_name(struct split *s, const char *id)
{
	uint64_t hash = UINT64_C(14695981039346656037);
	size_t n = 0;
	buf_reset(&s->file);
	buf_printf(&s->file, "%s/", s->w->split);
	for (const char *p = id; *p; p++) {
		bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') || *p == '-' || (*p == '.' && n);
		hash = (hash ^ (unsigned char)*p) * UINT64_C(1099511628211);
		if (n++ < NAME_KEPT)
			buf_putc(&s->file, plain ? *p : '_');
	}
	buf_printf(&s->file, "-%08x%s", (unsigned)(hash ^ hash >> 32), s->form->suffix);
}

static void show(struct split *s)
{
	size_t n = s->written + s->before;
	if (client_bar_due(&s->bar))
		client_bar_draw(&s->bar, -1, "%zu shells  %.0f/s  %.1f MB  %s", n, client_bar_rate(&s->bar, (double)s->written),
				(double)s->bytes / 1e6, s->at);
}

/* Whole, and then under its name: who looks in between sees the one that was there before, or none. */
static int put_file(struct split *s)
{
	struct client_contents has;
	int fd = open(s->part, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0) {
		fprintf(stderr, "%s: %s\n", s->part, strerror(errno));
		return EX_CANTCREAT;
	}
	int status = client_download(s->curl, s->url.p, s->form, s->file.p, fd, NULL, &has);
	if (close(fd) && !status) {
		fprintf(stderr, "%s: %s\n", s->part, strerror(errno));
		status = EX_IOERR;
	}
	if (!status && rename(s->part, s->file.p)) {
		fprintf(stderr, "%s: %s\n", s->file.p, strerror(errno));
		status = EX_CANTCREAT;
	}
	if (!status && !client_journal_note(s->journal, s->file.p))
		status = EX_IOERR;
	s->written += !status;
	s->bytes += status ? 0 : has.bytes;
	return status;
}

static int write_shell(struct split *s, struct arena *a, const char *id)
{
	put_name(s, id);
	if (s->file.failed)
		return EX_OSERR;
	if (!access(s->file.p, F_OK) && client_journal_has(s->journal, s->file.p)) {
		s->before++;
		return EX_OK;
	}
	const char *text = base64url_encode(a, id, strlen(id));
	if (!text)
		return EX_OSERR;
	buf_reset(&s->url);
	client_put_url(&s->url, s->w, "/serialization?aasIds=");
	buf_printf(&s->url, "%s&at=%s", text, s->at);
	if (s->url.failed)
		return EX_OSERR;
	int status = put_file(s);
	show(s);
	return status;
}

/* -- all of them -------------------------------------------------------------------------------------------------------------------- */
static int page(struct split *s, struct arena *a, const char **cursor)
{
	const char **id = NULL;
	size_t n = 0;
	buf_reset(&s->url);
	client_put_url(&s->url, s->w, "/shells");
	buf_printf(&s->url, "?limit=%d&at=%s", PAGE, s->at);
	if (*cursor)
		buf_printf(&s->url, "&cursor=%s", *cursor);
	int status = get(s, s->w->split);
	if (!status && !client_read_page(a, (struct slice){ s->reply.p, s->reply.n }, &id, &n, cursor)) {
		fprintf(stderr, "%s: %s does not answer like this program's server\n", s->w->split, s->url.p);
		status = EX_UNAVAILABLE;
	}
	for (size_t i = 0; !status && i < n; i++)
		status = write_shell(s, a, id[i]);
	return status;
}

static int pages(struct split *s)
{
	char cursor[8192] = "";
	int status;
	do {
		struct arena *a = arena_new(0);
		const char *next = *cursor ? cursor : NULL;
		status = a ? page(s, a, &next) : EX_OSERR;
		if (!status && next && strlen(next) >= sizeof cursor)
			status = EX_SOFTWARE;
		snprintf(cursor, sizeof cursor, "%s", !status && next ? next : "");
		arena_free(a);
	} while (!status && *cursor);
	return status;
}

static void tell(const struct split *s)
{
	printf("%s: %zu shells as of %s, %zu of them written before\n", s->w->split, s->written + s->before, s->at, s->before);
}

int client_export_split(const struct client_words *w)
{
	struct split s = { .w = w, .curl = curl_easy_init(), .url = BUF_INIT, .file = BUF_INIT };
	struct arena *a = arena_new(0);
	const char *note = a ? arena_printf(a, "%s/" NOTE, w->split) : NULL;
	s.part = a ? arena_printf(a, "%s/" PART, w->split) : NULL;
	int status = s.curl && note && s.part ? EX_OK : EX_OSERR;
	s.form = client_form_named(w->form ? w->form : "json");
	buf_init(&s.reply, REPLY_MAX);
	client_bar_start(&s.bar, w->bar);
	if (!status && !(status = begin(&s, a, note)))
		status = pages(&s);
	if (s.part)
		unlink(s.part);		/* there is none, unless something failed */
	client_bar_wipe(&s.bar);
	if (!status && unlink(note)) {
		fprintf(stderr, "%s: %s\n", note, strerror(errno));
		status = EX_IOERR;
	}
	if (!status)
		tell(&s);
	client_journal_close(s.journal);
	curl_easy_cleanup(s.curl);
	buf_fini(&s.url);
	buf_fini(&s.reply);
	buf_fini(&s.file);
	arena_free(a);
	return status;
}
