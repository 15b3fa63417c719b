/* SPDX-License-Identifier: Apache-2.0 */
#include "server/client_export.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "server/client_journal.h"
#include "server/client_json.h"

#define REPLY_MAX ((size_t)1 << 30)
#define NOTE ".twinshell-export"
#define PAGE 100
#define NAME_KEPT 80		/* bytes of the id in a file's name */

struct split {
	const struct client_words *w;
	CURL *curl;
	struct buf url, reply, file;
	char why[CURL_ERROR_SIZE];
	char at[TIME_TEXT_MAX];		/* the moment */
	struct client_journal *journal;
	size_t written, before;
	bool bar;
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
	buf_printf(&title, " at %s", s->at);
	const char *text = arena_strdup(a, title.failed ? "" : title.p);
	if (!status && (!text || !(s->journal = client_journal_open(note, text))))
		status = EX_CANTCREAT;
	buf_fini(&title);
	return status;
}

/* -- one shell ---------------------------------------------------------------------------------------------------------------------- */
/* DIR/ID.json: what is no letter, digit, "." or "-" of the id becomes "_"; a hash keeps such names apart. */
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
	buf_printf(&s->file, "-%08x.json", (unsigned)(hash ^ hash >> 32));
}

static void show(const struct split *s)
{
	if (!s->bar)
		return;
	printf("\r\033[K%zu shells  %s", s->written, s->at);
	fflush(stdout);
}

static int write_shell(struct split *s, struct arena *a, const char *id)
{
	struct diag d = DIAG_INIT;
	char why[DIAG_PATH_MAX + DIAG_TEXT_MAX];
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
	int status = get(s, s->file.p);
	if (status)
		return status;
	if (file_write(s->file.p, s->reply.p, s->reply.n, 0644, &d)) {
		fprintf(stderr, "%s\n", diag_first(&d, why, sizeof why));
		status = EX_CANTCREAT;
	} else if (!client_journal_note(s->journal, s->file.p)) {
		status = EX_IOERR;
	}
	diag_fini(&d);
	s->written += !status;
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

int client_export_split(const struct client_words *w)
{
	struct split s = { .w = w, .curl = curl_easy_init(), .url = BUF_INIT, .file = BUF_INIT };
	struct arena *a = arena_new(0);
	const char *note = a ? arena_printf(a, "%s/" NOTE, w->split) : NULL;
	int status = s.curl && note ? EX_OK : EX_OSERR;
	buf_init(&s.reply, REPLY_MAX);
	s.bar = isatty(STDOUT_FILENO);
	if (!status && !(status = begin(&s, a, note)))
		status = pages(&s);
	if (!status && unlink(note)) {
		fprintf(stderr, "%s: %s\n", note, strerror(errno));
		status = EX_IOERR;
	}
	if (s.bar)
		fputs("\r\033[K", stdout);
	if (!status)
		printf("%s: %zu shells as of %s, %zu of them written before\n", w->split, s.written + s.before, s.at, s.before);
	client_journal_close(s.journal);
	curl_easy_cleanup(s.curl);
	buf_fini(&s.url);
	buf_fini(&s.reply);
	buf_fini(&s.file);
	arena_free(a);
	return status;
}
