/* SPDX-License-Identifier: Apache-2.0 */
#include "server/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

#include "base/buf.h"

#define DEFAULT_URL "http://127.0.0.1:8080"
#define REPLY_MAX ((size_t)1 << 30)

struct words {
	const char *url, *output;
	bool ignore_duplicates;
	char **file;
	int n_files;
};

static const char import_usage[] = "usage: twinshell import [--url URL] [--ignore-duplicates] FILE...\n";
static const char export_usage[] = "usage: twinshell export [--url URL] [--output FILE]\n\n"
	"FILE.aasx is written as a package with the stored files, FILE.xml as XML, any other as JSON.\n";

/* Sorts the words into `w`; the files stay in argv. */
static bool read_words(int argc, char **argv, struct words *w)
{
	*w = (struct words){ .url = DEFAULT_URL, .file = argv };
	for (int i = 0; i < argc; i++) {
		if (!strcmp(argv[i], "--url") && i + 1 < argc)
			w->url = argv[++i];
		else if (!strcmp(argv[i], "--output") && i + 1 < argc)
			w->output = argv[++i];
		else if (!strcmp(argv[i], "--ignore-duplicates"))
			w->ignore_duplicates = true;
		else if (!strncmp(argv[i], "--", 2))
			return false;
		else
			argv[w->n_files++] = argv[i];
	}
	return true;
}

static size_t collect(char *p, size_t size, size_t n, void *ctx)
{
	struct buf *b = ctx;
	buf_put(b, p, size * n);
	return b->failed ? 0 : size * n;
}

/* One request; the reply's body is in *reply.  0, or an exit status with the reason on standard error. */
static int request(CURL *curl, const char *url, curl_mime *body, struct buf *reply)
{
	char why[CURL_ERROR_SIZE] = "";
	long status = 0;
	buf_reset(reply);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, reply);
	if (body)
		curl_easy_setopt(curl, CURLOPT_MIMEPOST, body);
	CURLcode rc = curl_easy_perform(curl);
	if (rc != CURLE_OK) {
		fprintf(stderr, "twinshell: %s: %s\n", url, *why ? why : curl_easy_strerror(rc));
		return EX_UNAVAILABLE;
	}
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	if (status < 200 || status > 299) {
		fprintf(stderr, "twinshell: %s answered %ld\n%.*s\n", url, status, (int)reply->n, buf_view(reply).p);
		return EX_DATAERR;
	}
	return EX_OK;
}

int client_import(int argc, char **argv)
{
	struct words w;
	struct buf url = BUF_INIT, reply;
	int status = EX_OK;
	if (!read_words(argc, argv, &w) || !w.n_files) {
		fputs(import_usage, stderr);
		return EX_USAGE;
	}
	buf_init(&reply, REPLY_MAX);
	buf_printf(&url, "%s/upload%s", w.url, w.ignore_duplicates ? "?ignore-duplicates=true" : "");
	CURL *curl = curl_easy_init();
	for (int i = 0; curl && i < w.n_files && status == EX_OK; i++) {
		curl_mime *body = curl_mime_init(curl);
		curl_mimepart *part = body ? curl_mime_addpart(body) : NULL;
		if (!part || curl_mime_name(part, "file") || curl_mime_filedata(part, w.file[i])) {
			fprintf(stderr, "twinshell: %s: %s\n", w.file[i], strerror(errno));
			status = EX_NOINPUT;
		} else if ((status = request(curl, url.p, body, &reply)) == EX_OK) {
			printf("%s: %s\n", w.file[i], buf_view(&reply).p);
		}
		curl_mime_free(body);
	}
	if (!curl)
		status = EX_OSERR;
	curl_easy_cleanup(curl);
	buf_fini(&reply);
	buf_fini(&url);
	return status;
}

/* What is asked for is told by the name of the file. */
static const char *wanted(const char *output)
{
	static const struct { const char *suffix, *accept; } forms[] = {
		{ ".aasx", "Accept: application/asset-administration-shell-package+xml" },
		{ ".xml", "Accept: application/xml" },
	};
	size_t n = output ? strlen(output) : 0;
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		size_t k = strlen(forms[i].suffix);
		if (n > k && !strcasecmp(output + n - k, forms[i].suffix))
			return forms[i].accept;
	}
	return "Accept: application/json";
}

static bool save(const char *output, const struct buf *reply)
{
	FILE *out = output ? fopen(output, "we") : stdout;
	bool ok = out && fwrite(buf_view(reply).p, 1, reply->n, out) == reply->n;
	if (out && (out == stdout ? fflush(out) : fclose(out)))
		ok = false;
	if (!ok)
		fprintf(stderr, "twinshell: %s: %s\n", output ? output : "standard output", strerror(errno));
	return ok;
}

int client_export(int argc, char **argv)
{
	struct words w;
	struct buf url = BUF_INIT, reply;
	if (!read_words(argc, argv, &w) || w.n_files) {
		fputs(export_usage, stderr);
		return EX_USAGE;
	}
	buf_init(&reply, REPLY_MAX);
	buf_printf(&url, "%s/serialization", w.url);
	CURL *curl = curl_easy_init();
	struct curl_slist *headers = curl_slist_append(NULL, wanted(w.output));
	int status = EX_OSERR;
	if (curl && headers) {
		curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
		status = request(curl, url.p, NULL, &reply);
	}
	if (status == EX_OK && !save(w.output, &reply))
		status = EX_CANTCREAT;
	curl_easy_cleanup(curl);
	curl_slist_free_all(headers);
	buf_fini(&reply);
	buf_fini(&url);
	return status;
}
