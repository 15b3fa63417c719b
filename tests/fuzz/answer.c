/* SPDX-License-Identifier: Apache-2.0 - arbitrary bytes as what a server answers `twinshell import` and `export` with: read or refused, and what is
 * shown of it steers no terminal. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "server/client_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void shown(void (*put)(FILE *, const char *, struct slice), struct slice body)
{
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);
	if (!out)
		abort();
	put(out, "name", body);
	fclose(out);
	for (size_t i = 0; i < n; i++)
		if (iscntrl((unsigned char)text[i]) && text[i] != '\n')
			abort();
	if (n && (strncmp(text, "name: ", 6) || text[n - 1] != '\n'))
		abort();
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena *a = arena_new(16 << 20);
	char *bytes = malloc(n ? n : 1);	/* nothing behind its end may be looked at */
	struct client_report r;
	const char **id = NULL, *cursor = NULL, *member;
	size_t n_ids = 0;
	if (!a || !bytes)
		abort();
	memcpy(bytes, p, n);
	struct slice body = { bytes, n };
	client_read_report(body, &r);
	if (client_read_page(a, body, &id, &n_ids, &cursor))
		for (size_t i = 0; i < n_ids; i++)
			if (!id[i])
				abort();
	if ((member = client_read_member(a, body, "url")) && strlen(member) > n)
		abort();
	shown(client_put_messages, body);
	shown(client_put_warnings, body);
	free(bytes);
	arena_free(a);
	return 0;
}
