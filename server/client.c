/* SPDX-License-Identifier: Apache-2.0 */
#include "server/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <strings.h>
#include <sysexits.h>

#include "aas/json.h"
#include "base/buf.h"
#include "base/file.h"
#include "server/client_json.h"

#define DEFAULT_URL "http://127.0.0.1:8080"
#define REPLY_MAX ((size_t)1 << 30)

#define CONNECT_S 10L

struct words {
	const char *url, *output;
	bool ignore_duplicates, replace, dry_run;
	char **file;
	int n_files;
};

static const char import_usage[] = "usage: twinshell import [--url URL] [--ignore-duplicates | --replace] [--dry-run] FILE...\n";
static const char export_usage[] = "usage: twinshell export [--url URL] [--output FILE]\n\n"
	"FILE.aasx is written as a package with the stored files, FILE.xml as XML, any other as JSON.\n";

static bool is_flag(const char *word, const char *name, const char **value)
{
	size_t n = strlen(name);
	*value = word[0] && !strncmp(word, name, n) && word[n] == '=' ? word + n + 1 : NULL;
	return *value || !strcmp(word, name);
}

/* Sorts the words into `w`; the files stay in argv.  False, with the reason on standard error. */
static bool read_words(int argc, char **argv, struct words *w, bool importing)
{
	*w = (struct words){ .url = DEFAULT_URL, .file = argv };
	for (int i = 0; i < argc; i++) {
		const char *value;
		if (is_flag(argv[i], "--url", &value) || (!importing && is_flag(argv[i], "--output", &value))) {
			const char **to = argv[i][2] == 'u' ? &w->url : &w->output;
			if (!value && i + 1 < argc)
				value = argv[++i];
			if (!value || !*value) {
				fprintf(stderr, "twinshell: %s wants a value\n", argv[i]);
				return false;
			}
			*to = value;
		} else if (importing && !strcmp(argv[i], "--ignore-duplicates")) {
			w->ignore_duplicates = true;
		} else if (importing && !strcmp(argv[i], "--replace")) {
			w->replace = true;
		} else if (importing && !strcmp(argv[i], "--dry-run")) {
			w->dry_run = true;
		} else if (argv[i][0] == '-') {
			fprintf(stderr, "twinshell: there is no option \"%s\"\n", argv[i]);
			return false;
		} else {
			argv[w->n_files++] = argv[i];
		}
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

/* One request; the reply's body is in *reply.  0, or an exit status with the reason on standard error, in lines that begin with `name`. */
static int request(CURL *curl, const char *name, const char *url, curl_mime *body, struct buf *reply)
{
	char why[CURL_ERROR_SIZE] = "";
	long http = 0;
	buf_reset(reply);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_S);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, reply);
	if (body)
		curl_easy_setopt(curl, CURLOPT_MIMEPOST, body);
	CURLcode rc = curl_easy_perform(curl);
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

/* "http://host:8080/" and "http://host:8080" are the same server. */
static void put_url(struct buf *url, const struct words *w, const char *path)
{
	size_t n = strlen(w->url);
	while (n && w->url[n - 1] == '/')
		n--;
	buf_printf(url, "%.*s%s", (int)n, w->url, path);
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

static void tell(const char *what, const struct client_report *r)
{
	printf("%s: %s%zu created, ", what, r->dry_run ? "nothing is done; it would be " : "", r->created);
	if (r->replaced)
		printf("%zu replaced, ", r->replaced);
	printf("%zu there already, %zu files\n", r->skipped, r->files);
}

static int import_file(CURL *curl, const char *name, const char *url, struct buf *reply, struct client_report *sum)
{
	struct client_report r;
	int status;
	if (!readable(name))
		return EX_NOINPUT;
	curl_mime *body = curl_mime_init(curl);
	curl_mimepart *part = body ? curl_mime_addpart(body) : NULL;
	if (!part || curl_mime_name(part, "file") || curl_mime_filedata(part, name)) {
		fprintf(stderr, "%s: cannot be read\n", name);
		status = EX_NOINPUT;
	} else if ((status = request(curl, name, url, body, reply)) == EX_OK && !client_read_report((struct slice){ reply->p, reply->n }, &r)) {
		fprintf(stderr, "%s: %s does not answer like this program's server\n", name, url);
		status = EX_UNAVAILABLE;
	} else if (status == EX_OK) {
		client_put_warnings(stderr, name, (struct slice){ reply->p, reply->n });
		tell(name, &r);
		sum->dry_run = r.dry_run;
		sum->created += r.created;
		sum->replaced += r.replaced;
		sum->skipped += r.skipped;
		sum->files += r.files;
	}
	curl_mime_free(body);
	return status;
}

int client_import(int argc, char **argv)
{
	struct words w;
	struct buf url = BUF_INIT, reply;
	struct client_report sum = { 0 };
	int status = EX_OK, good = 0;
	if (!read_words(argc, argv, &w, true)) {
		fputs(import_usage, stderr);
		return EX_USAGE;
	}
	buf_init(&reply, REPLY_MAX);
	put_url(&url, &w, "/upload");
	buf_puts(&url, w.ignore_duplicates ? "?ignore-duplicates=true" : w.replace ? "?replace=true" : "");
	buf_puts(&url, !w.dry_run ? "" : w.ignore_duplicates || w.replace ? "&dry-run=true" : "?dry-run=true");
	CURL *curl = curl_easy_init();
	/* a file at fault does not keep the next from being imported; a server that is away does */
	for (int i = 0; curl && i < w.n_files && (status == EX_OK || status == EX_DATAERR || status == EX_NOINPUT); i++) {
		int s = import_file(curl, w.file[i], url.p, &reply, &sum);
		good += s == EX_OK;
		if (s > status)		/* 65, 66, 69: the worse, the higher */
			status = s;
		fflush(stdout);
	}
	if (w.n_files > 1) {
		char all[60];
		snprintf(all, sizeof all, "%d of %d files %s", good, w.n_files, w.dry_run ? "looked at" : "imported");
		tell(all, &sum);
	}
	if (!curl)
		status = EX_OSERR;
	curl_easy_cleanup(curl);
	buf_fini(&reply);
	buf_fini(&url);
	return status;
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
static int save(const struct words *w, const struct buf *reply)
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
	struct words w;
	struct buf url = BUF_INIT, reply;
	if (!read_words(argc, argv, &w, false)) {
		fputs(export_usage, stderr);
		return EX_USAGE;
	}
	const char *name = w.output ? w.output : "twinshell";
	buf_init(&reply, REPLY_MAX);
	put_url(&url, &w, "/serialization");
	CURL *curl = curl_easy_init();
	const struct form *form = form_of(w.output);
	struct curl_slist *headers = curl_slist_append(NULL, form->accept);
	int status = curl && headers ? EX_OK : EX_OSERR;
	if (status == EX_OK) {
		curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
		status = request(curl, name, url.p, NULL, &reply);
	}
	if (status == EX_OK && (status = form->summarize(name, &reply)) == EX_OK)
		status = save(&w, &reply);
	curl_easy_cleanup(curl);
	curl_slist_free_all(headers);
	buf_fini(&reply);
	buf_fini(&url);
	return status;
}
