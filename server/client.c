/* SPDX-License-Identifier: Apache-2.0 */
#include "server/client.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/buf.h"
#include "server/client_download.h"
#include "server/client_export.h"
#include "server/client_json.h"
#include "server/client_priv.h"
#include "server/whole.h"

#define DEFAULT_URL "http://127.0.0.1:8080"

#define CONNECT_S 10L

static const char export_usage[] = "usage: twinshell export [--url URL] [--format json|xml|aasx] [--output FILE | --split DIR]\n"
	"                        [--progress | --no-progress]\n\n"
	"FILE.aasx is written as a package with the stored files, FILE.xml as XML, any other as JSON.\n";

static bool is_flag(const char *word, const char *name, const char **value)
{
	size_t n = strlen(name);
	*value = word[0] && !strncmp(word, name, n) && word[n] == '=' ? word + n + 1 : NULL;
	return *value || !strcmp(word, name);
}

struct word {
	const char *name;
	bool of_import, of_export;
	const char **text;	/* it has a value */
	bool *flag;		/* it has none */
};

/* The value of `word`, which may stand behind "=" or be the next one.  False: there is none. */
static bool set_word(const struct word *word, const char *value, int argc, char **argv, int *i)
{
	if (word->flag) {
		*word->flag = true;
		return !value;
	}
	if (!value && *i + 1 < argc)
		value = argv[++*i];
	*word->text = value;
	return value && *value;
}

static bool suits(struct client_words *w, const char *jobs, bool importing)
{
	if (jobs && (!str_size(jobs, strlen(jobs), &w->jobs) || !w->jobs || w->jobs > CLIENT_JOBS_MAX)) {
		fprintf(stderr, "twinshell: --jobs is a number from 1 to %d\n", CLIENT_JOBS_MAX);
		return false;
	}
	if (w->output && w->split) {
		fputs("twinshell: either one file (--output) or many (--split)\n", stderr);
		return false;
	}
	if (w->form && !client_form_named(w->form)) {
		fprintf(stderr, "twinshell: --format is json, xml or aasx, not \"%s\"\n", w->form);
		return false;
	}
	if (w->replace && w->ignore_duplicates) {
		fputs("twinshell: what is there already is either left (--ignore-duplicates) or replaced (--replace)\n", stderr);
		return false;
	}
	if (importing == (w->n_files > 0))
		return true;
	if (importing)
		fputs("twinshell: which files?\n", stderr);
	else
		fprintf(stderr, "twinshell: there is no use for the word \"%s\"\n", w->file[0]);
	return false;
}

bool client_read_words(int argc, char **argv, struct client_words *w, bool importing)
{
	const char *jobs = NULL, *value = NULL;
	bool yes = false, no = false;
	const struct word words[] = {
		{ "--url", true, true, &w->url, NULL }, { "--output", false, true, &w->output, NULL },
		{ "--split", false, true, &w->split, NULL },
		{ "--journal", true, false, &w->journal, NULL }, { "--jobs", true, false, &jobs, NULL },
		{ "--ignore-duplicates", true, false, NULL, &w->ignore_duplicates }, { "--replace", true, false, NULL, &w->replace },
		{ "--dry-run", true, false, NULL, &w->dry_run }, { "--format", false, true, &w->form, NULL },
		{ "--progress", true, true, NULL, &yes }, { "--no-progress", true, true, NULL, &no },
	};
	const size_t n_words = sizeof words / sizeof *words;
	*w = (struct client_words){ .url = DEFAULT_URL, .file = argv, .jobs = 2 };
	for (int i = 0; i < argc; i++) {
		const struct word *k = words;
		while (k < words + n_words && !((importing ? k->of_import : k->of_export) && is_flag(argv[i], k->name, &value)))
			k++;
		if (k == words + n_words && argv[i][0] != '-') {
			argv[w->n_files++] = argv[i];
		} else if (k == words + n_words) {
			fprintf(stderr, "twinshell: there is no option \"%s\"\n", argv[i]);
			return false;
		} else if (!set_word(k, value, argc, argv, &i)) {
			fprintf(stderr, "twinshell: %s wants %s value\n", k->name, k->flag ? "no" : "a");
			return false;
		}
	}
	w->bar = no ? CLIENT_BAR_NO : yes ? CLIENT_BAR_YES : CLIENT_BAR_AUTO;
	return suits(w, jobs, importing);
}

static size_t collect(char *p, size_t size, size_t n, void *ctx)
{
	struct buf *b = ctx;
	buf_put(b, p, size * n);
	return b->failed ? 0 : size * n;
}

static int status_of_transfer(CURLcode rc)
{
	return rc == CURLE_READ_ERROR ? EX_NOINPUT : rc == CURLE_URL_MALFORMAT || rc == CURLE_UNSUPPORTED_PROTOCOL ? EX_USAGE : EX_UNAVAILABLE;
}

/* What the server means by it: the data is at fault, it failed, or it is not (yet) the right one to ask. */
static int status_of_answer(long http)
{
	return http == 400 || http == 409 || http == 413 || http == 415 || http == 422 ? EX_DATAERR : http == 500 ? EX_SOFTWARE : EX_UNAVAILABLE;
}

void client_prepare(CURL *curl, const char *url, char *why, struct buf *reply)
{
	buf_reset(reply);
	*why = 0;
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_S);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, reply);
}

int client_answer(long http, const char *name, const char *url, struct slice reply)
{
	if (http >= 200 && http <= 299)
		return EX_OK;
	fprintf(stderr, "%s: refused by %s with status %ld\n", name, url, http);
	client_put_messages(stderr, name, reply);
	if (http == 409)
		fprintf(stderr, "%s: --ignore-duplicates imports the rest, --replace all of it\n", name);
	return status_of_answer(http);
}

int client_outcome(CURL *curl, CURLcode rc, const char *name, const char *url, const char *why, const struct buf *reply)
{
	long http = 0;
	if (rc != CURLE_OK) {
		fprintf(stderr, "%s: %s: %s\n", name, url, *why ? why : curl_easy_strerror(rc));
		return status_of_transfer(rc);
	}
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &http);
	return client_answer(http, name, url, (struct slice){ reply->p, reply->n });
}

void client_put_url(struct buf *url, const struct client_words *w, const char *path)
{
	size_t n = strlen(w->url);
	while (n && w->url[n - 1] == '/')
		n--;
	buf_printf(url, "%.*s%s", (int)n, w->url, path);
}

static void tell_contents(const char *name, const struct client_form *form, const struct client_contents *has)
{
	if (form->package)
		fprintf(stderr, "%s: %zu bytes\n", name, has->bytes);
	else
		fprintf(stderr, "%s: %zu shells, %zu submodels, %zu concept descriptions, %zu bytes\n", name, has->shells, has->submodels,
			has->concepts, has->bytes);
}

/* A file is replaced in one step; a pipe or a device is written to when all is there. */
static int export_whole(const struct client_words *w)
{
	const struct client_form *form = w->form ? client_form_named(w->form) : client_form_of(w->output);
	struct whole_out out = { .fd = -1 };
	struct client_contents has;
	struct client_bar bar;
	struct diag d = DIAG_INIT;
	struct buf url = BUF_INIT;
	char why[DIAG_PATH_MAX + DIAG_TEXT_MAX];
	CURL *curl = curl_easy_init();
	client_put_url(&url, w, "/serialization");
	client_bar_start(&bar, w->bar);
	int status = curl && !url.failed ? EX_OK : EX_OSERR;
	if (!status && whole_out_open(&out, w->output ? w->output : "-", &d))
		status = EX_CANTCREAT;
	if (!status && !(status = client_download(curl, url.p, form, w->output ? w->output : "twinshell", out.fd, &bar, &has)) &&
	    whole_out_commit(&out, &d))
		status = EX_IOERR;
	if (d.n)
		fprintf(stderr, "twinshell: %s: %s\n", out.name, diag_first(&d, why, sizeof why));
	if (!status)
		tell_contents(w->output ? w->output : "twinshell", form, &has);
	whole_out_close(&out);
	curl_easy_cleanup(curl);
	buf_fini(&url);
	diag_fini(&d);
	return status;
}

int client_export(int argc, char **argv)
{
	struct client_words w;
	if (client_read_words(argc, argv, &w, false))
		return w.split ? client_export_split(&w) : export_whole(&w);
	fputs(export_usage, stderr);
	return EX_USAGE;
}
