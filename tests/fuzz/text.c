/* SPDX-License-Identifier: Apache-2.0 - arbitrary bytes as one text, for everything that knows what it may be: the same for the same, and what is
 * written anew reads back as what it was. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "aas/lexical.h"
#include "aas/rows.h"
#include "aas/uri.h"
#include "base/clock.h"
#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void times(const char *text, size_t n)
{
	char written[TIME_TEXT_MAX];
	int64_t us = 0, again = 0;
	if (time_parse(text, n, &us)) {
		time_format(written, us);
		if (!time_parse(written, strlen(written), &again) || again != us)
			abort();
	}
	if (duration_parse(text, n, &us) && !aas_lex_duration(text, n))
		abort();
}

static void numbers(const char *text, size_t n)
{
	char written[STR_DOUBLE_MAX + 1];
	double v, again;
	size_t whole, k;
	if (!str_double(text, n, &v))
		return;
	k = str_of_double(written, v);
	if (!isfinite(v) || !str_double(written, k, &again) || memcmp(&v, &again, sizeof v))
		abort();
	if (str_size(text, n, &whole) && (double)whole != v)
		abort();
}

static void bytes(struct arena *a, const char *text, size_t n)
{
	struct slice out, again;
	const char *written;
	if (base64url_decode(a, text, n, &out) && (!(written = base64url_encode(a, out.p, out.n)) ||
						   !base64url_decode(a, written, strlen(written), &again) || again.n != out.n ||
						   memcmp(again.p, out.p, out.n)))
		abort();
	if (base64_decode(a, text, n, &out) && (!(written = base64_encode(a, out.p, out.n)) ||
						!base64_decode(a, written, strlen(written), &again) || again.n != out.n || memcmp(again.p, out.p, out.n)))
		abort();
}

static void words(const char *text, size_t n)
{
	static bool (*const is[])(const char *, size_t) = { aas_lex_any, aas_lex_idshort, aas_lex_version, aas_lex_language, aas_lex_mime,
		aas_lex_path, aas_lex_datetime_utc, aas_lex_duration, aas_lex_base64, aas_uri_reference };
	struct aas_typed typed;
	for (size_t i = 0; i < sizeof is / sizeof *is; i++)
		if (is[i](text, n) != is[i](text, n))
			abort();
	for (uintptr_t type = 0; type <= 40; type++)
		if (aas_xsd_of(type))
			aas_xsd_ok(type, text, n);
	aas_typed_read(text, &typed);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena *a = arena_new(16 << 20);
	char *text = malloc(n + 1);
	if (!a || !text)
		abort();
	memcpy(text, p, n);
	text[n] = 0;
	times(text, n);
	numbers(text, n);
	bytes(a, text, n);
	if (utf8_valid(text, n) && strlen(text) == n)
		words(text, n);
	utf8_repair(text);
	if (!utf8_valid(text, strlen(text)))
		abort();
	free(text);
	arena_free(a);
	return 0;
}
