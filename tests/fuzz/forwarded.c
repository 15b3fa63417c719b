/* SPDX-License-Identifier: Apache-2.0 - arbitrary bytes as Forwarded, X-Forwarded-* and the list of trusted proxies: nothing but a plain URL comes out. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "server/forwarded.h"

static void must_be_plain(const char *s)
{
	if (s && s[strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~-/:[]")])
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const char *const names[] = { "Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Prefix" };
	struct arena *a = arena_new(0);
	struct diag d = DIAG_INIT;
	struct proxies *proxies, *loopback;
	struct forwarded f;
	char *text = malloc(n + 1);
	if (!a || !text || proxies_read("loopback, private", &loopback, &d))
		abort();
	memcpy(text, p, n);
	text[n] = 0;
	if (!proxies_read(text, &proxies, &d) == !!d.n)
		abort();
	proxies_free(proxies);
	for (unsigned first = 0; first < 2; first++) {		/* with and without Forwarded */
		struct forwarded_headers h = { { NULL } };
		for (unsigned i = first; i < sizeof names / sizeof *names; i++)
			for (int twice = 0; twice < 2; twice++)
				forwarded_note(&h, a, names[i], text);
		forwarded_read(loopback, &h, text, a, &f);
		must_be_plain(f.scheme);
		must_be_plain(f.host);
		must_be_plain(f.mount);
	}
	proxies_free(loopback);
	diag_fini(&d);
	free(text);
	arena_free(a);
	return 0;
}
