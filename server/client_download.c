/* SPDX-License-Identifier: Apache-2.0 */
#include "server/client_download.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>
#include <unistd.h>

#include "aas/aasx.h"
#include "aas/environment.h"

#define REFUSAL_MAX ((size_t)4 << 20)	/* bytes of an answer that says why not */

static const struct client_form forms[] = {
	{ "json", ".json", "Accept: application/json", false },
	{ "aasx", ".aasx", "Accept: application/asset-administration-shell-package+xml", true },
	{ "xml", ".xml", "Accept: application/xml", false },
};
#define N_FORMS (sizeof forms / sizeof *forms)

const struct client_form *client_form_named(const char *name)
{
	for (size_t i = 0; i < N_FORMS; i++)
		if (str_eq(forms[i].name, name))
			return &forms[i];
	return NULL;
}

const struct client_form *client_form_of(const char *file)
{
	size_t n = file ? strlen(file) : 0;
	for (size_t i = 0; i < N_FORMS; i++) {
		size_t k = strlen(forms[i].suffix);
		if (n > k && !strcasecmp(file + n - k, forms[i].suffix))
			return &forms[i];
	}
	return &forms[0];
}

/* -- the answer ------------------------------------------------------------------------------------------------------------------------- */

struct download {
	CURL *curl;
	struct buf refusal;
	struct client_bar *bar;
	int fd, error;			/* of writing: errno */
	size_t n;
};

/* What is no success is a message, not what was asked for. */
static size_t collect(char *p, size_t size, size_t n, void *ctx)
{
	struct download *d = ctx;
	long http = 0;
	curl_off_t all = -1;
	n *= size;
	curl_easy_getinfo(d->curl, CURLINFO_RESPONSE_CODE, &http);
	if (http < 200 || http > 299) {
		buf_put(&d->refusal, p, n);
		return d->refusal.failed ? 0 : n;
	}
	if (!fd_write_all(d->fd, p, n)) {
		d->error = errno;
		return 0;
	}
	d->n += n;
	if (d->bar && client_bar_due(d->bar)) {
		curl_easy_getinfo(d->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &all);
		double part = all > 0 ? (double)d->n / (double)all : -1, left = client_bar_left(d->bar, part);
		if (left >= 0)
			client_bar_draw(d->bar, part, "%.1f of %.1f MB  %.1f MB/s  %.0f s left", (double)d->n / 1e6, (double)all / 1e6,
					client_bar_rate(d->bar, (double)d->n) / 1e6, left);
		else
			client_bar_draw(d->bar, part, "%.1f MB", (double)d->n / 1e6);
	}
	return n;
}

/* -- is it what was asked for? -------------------------------------------------------------------------------------------------------------- */

struct look {
	int fd;
	off_t at;
	struct client_contents *has;
};

static enum err read_back(void *ctx, char *p, size_t n, size_t *got, struct diag *d)
{
	struct look *l = ctx;
	ssize_t k;
	do
		k = pread(l->fd, p, n, l->at);
	while (k < 0 && errno == EINTR);
	*got = k > 0 ? (size_t)k : 0;
	l->at += (off_t)*got;
	return k < 0 ? diag_add(d, ERR_IO, "%s", strerror(errno)) : ERR_OK;
}

static enum err count(void *ctx, struct arena *a, struct aas_node *n, struct diag *d)
{
	struct look *l = ctx;
	(void)a, (void)d;
	++*(aas_is(n, AAS_Submodel) ? &l->has->submodels : aas_is(n, AAS_ConceptDescription) ? &l->has->concepts : &l->has->shells);
	return ERR_OK;
}

/* A truncated or foreign answer is no export. */
static int look_through(int fd, const struct client_form *form, const char *name, struct client_contents *has)
{
	struct look l = { fd, 0, has };
	struct diag d = DIAG_INIT;
	char first[4], why[DIAG_PATH_MAX + DIAG_TEXT_MAX];
	size_t got = 0;
	enum err e;
	if (form->package) {
		e = read_back(&l, first, sizeof first, &got, &d);
		if (!e && !aasx_is(first, got))
			e = diag_add(&d, ERR_BAD_REQUEST, "no package");
	} else {
		const struct aas_items items = { .item = count, .ctx = &l };
		e = (strstr(form->accept, "xml") ? aas_xml_read_items : aas_json_read_items)((struct source){ read_back, &l }, &items, &d);
	}
	if (e)
		fprintf(stderr, "%s: the server's answer is not %s: %s\n", name, form->package ? "a package" : "an environment",
			diag_first(&d, why, sizeof why));
	diag_fini(&d);
	return e ? EX_UNAVAILABLE : EX_OK;
}

int client_download(CURL *curl, const char *url, const struct client_form *form, const char *name, int fd, struct client_bar *bar,
		    struct client_contents *has)
{
	struct download d = { .curl = curl, .bar = bar, .fd = fd };
	char why[CURL_ERROR_SIZE];
	struct curl_slist *headers = curl_slist_append(NULL, form->accept);
	int status;
	buf_init(&d.refusal, REFUSAL_MAX);
	*has = (struct client_contents){ 0 };
	client_prepare(curl, url, why, &d.refusal);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &d);
	CURLcode rc = curl_easy_perform(curl);
	if (bar)
		client_bar_wipe(bar);
	if (d.error) {
		fprintf(stderr, "%s: %s\n", name, strerror(d.error));
		status = EX_IOERR;
	} else if (!(status = client_outcome(curl, rc, name, url, why, &d.refusal))) {
		status = look_through(fd, form, name, has);
	}
	has->bytes = d.n;
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, NULL);
	curl_slist_free_all(headers);
	buf_fini(&d.refusal);
	return status;
}
