/* SPDX-License-Identifier: Apache-2.0 */
#include "server/client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <strings.h>
#include <sysexits.h>

#include "aas/json.h"
#include "base/buf.h"
#include "base/file.h"
#include "server/client_export.h"
#include "server/client_json.h"
#include "server/client_priv.h"

#define DEFAULT_URL "http://127.0.0.1:8080"
#define REPLY_MAX ((size_t)1 << 30)

#define CONNECT_S 10L

static const char export_usage[] = "usage: twinshell export [--url URL] [--output FILE | --split DIR]\n\n"
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
	const struct word words[] = {
		{ "--url", true, true, &w->url, NULL }, { "--output", false, true, &w->output, NULL },
		{ "--split", false, true, &w->split, NULL },
		{ "--journal", true, false, &w->journal, NULL }, { "--jobs", true, false, &jobs, NULL },
		{ "--ignore-duplicates", true, false, NULL, &w->ignore_duplicates }, { "--replace", true, false, NULL, &w->replace },
		{ "--dry-run", true, false, NULL, &w->dry_run },
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

int client_outcome(CURL *curl, CURLcode rc, const char *name, const char *url, const char *why, const struct buf *reply)
{
	long http = 0;
	if (rc != CURLE_OK) {
		fprintf(stderr, "%s: %s: %s\n", name, url, *why ? why : curl_easy_strerror(rc));
		return status_of_transfer(rc);
	}
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &http);
	if (http >= 200 && http <= 299)
		return EX_OK;
	fprintf(stderr, "%s: refused by %s with status %ld\n", name, url, http);
	client_put_messages(stderr, name, (struct slice){ reply->p, reply->n });
	if (http == 409)
		fprintf(stderr, "%s: --ignore-duplicates imports the rest, --replace all of it\n", name);
	return status_of_answer(http);
}

void client_put_url(struct buf *url, const struct client_words *w, const char *path)
{
	size_t n = strlen(w->url);
	while (n && w->url[n - 1] == '/')
		n--;
	buf_printf(url, "%.*s%s", (int)n, w->url, path);
}

static size_t count(const struct aas_node *n)
{
	size_t k = 0;
	for (; n; n = n->next)
		k++;
	return k;
}

/* Reads back what was received: a truncated or foreign answer is no export. */
static int summarize(const char *name, const struct buf *reply)
{
	struct arena *a = arena_new(0);
	struct diag d = DIAG_INIT;
	struct aas_node *env = NULL;
	char why[DIAG_PATH_MAX + DIAG_TEXT_MAX];
	enum err e = a ? aas_json_read(a, AAS_Environment, reply->p, reply->n, AAS_JSON_DEFAULT, &env, &d) : ERR_NO_MEMORY;
	if (e)
		fprintf(stderr, "%s: the server's answer is not an environment: %s\n", name, diag_first(&d, why, sizeof why));
	else
		fprintf(stderr, "%s: %zu shells, %zu submodels, %zu concept descriptions, %zu bytes\n", name,
			count(AAS_AT(env, Environment, assetAdministrationShells).node), count(AAS_AT(env, Environment, submodels).node),
			count(AAS_AT(env, Environment, conceptDescriptions).node), reply->n);
	diag_fini(&d);
	arena_free(a);
	return e ? EX_UNAVAILABLE : EX_OK;
}

static int tell_size(const char *name, const struct buf *reply)
{
	fprintf(stderr, "%s: %zu bytes\n", name, reply->n);
	return EX_OK;
}

/* What is asked for is told by the name of the file. */
static const struct form {
	const char *suffix, *accept;
	int (*summarize)(const char *name, const struct buf *reply);
} forms[] = {
	{ ".aasx", "Accept: application/asset-administration-shell-package+xml", tell_size },
	{ ".xml", "Accept: application/xml", tell_size },
	{ "", "Accept: application/json", summarize },
};

static const struct form *form_of(const char *output)
{
	const struct form *f = forms;
	for (size_t n = output ? strlen(output) : 0; *f->suffix; f++) {
		size_t k = strlen(f->suffix);
		if (n > k && !strcasecmp(output + n - k, f->suffix))
			break;
	}
	return f;
}

static bool write_all(FILE *out, const struct buf *reply)
{
	bool ok = out && fwrite(reply->p, 1, reply->n, out) == reply->n;
	return out && !(out == stdout ? fflush(out) : fclose(out)) && ok;
}

/* A file is replaced in one step; a pipe or a device is written to. */
static int save(const struct client_words *w, const struct buf *reply)
{
	struct diag d = DIAG_INIT;
	struct stat st;
	char why[DIAG_PATH_MAX + DIAG_TEXT_MAX];
	const char *name = w->output ? w->output : "standard output";
	int status = EX_OK;
	if (!w->output || (!stat(w->output, &st) && !S_ISREG(st.st_mode))) {
		if (!write_all(w->output ? fopen(w->output, "we") : stdout, reply)) {
			fprintf(stderr, "twinshell: %s: %s\n", name, strerror(errno));
			status = EX_IOERR;
		}
	} else if (file_write(name, reply->p, reply->n, 0644, &d)) {
		fprintf(stderr, "twinshell: %s\n", diag_first(&d, why, sizeof why));
		status = EX_CANTCREAT;
	}
	diag_fini(&d);
	return status;
}

int client_export(int argc, char **argv)
{
	struct client_words w;
	struct buf url = BUF_INIT, reply;
	char why[CURL_ERROR_SIZE];
	if (!client_read_words(argc, argv, &w, false)) {
		fputs(export_usage, stderr);
		return EX_USAGE;
	}
	if (w.split)
		return client_export_split(&w);
	const char *name = w.output ? w.output : "twinshell";
	buf_init(&reply, REPLY_MAX);
	client_put_url(&url, &w, "/serialization");
	CURL *curl = curl_easy_init();
	const struct form *form = form_of(w.output);
	struct curl_slist *headers = curl_slist_append(NULL, form->accept);
	int status = curl && headers ? EX_OK : EX_OSERR;
	if (status == EX_OK) {
		curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
		client_prepare(curl, url.p, why, &reply);
		status = client_outcome(curl, curl_easy_perform(curl), name, url.p, why, &reply);
	}
	if (status == EX_OK && (status = form->summarize(name, &reply)) == EX_OK)
		status = save(&w, &reply);
	curl_easy_cleanup(curl);
	curl_slist_free_all(headers);
	buf_fini(&reply);
	buf_fini(&url);
	return status;
}
