/* SPDX-License-Identifier: Apache-2.0 - a pattern, a NUL, a text: whatever both are, there is an answer, and it is the same again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "aas/pattern.h"
#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const uint8_t *end = n ? memchr(p, 0, n) : NULL;
	size_t len = end ? (size_t)(end - p) : n;
	char *pattern = malloc(len + 3);
	if (!pattern || n > 4096 || !utf8_valid((const char *)p, n))
		return free(pattern), 0;
	memcpy(pattern, p, len);
	pattern[len] = 0;
	const char *text = end ? (const char *)end + 1 : "";
	size_t text_len = end ? n - len - 1 : 0;
	enum aas_pattern_result r = aas_pattern_match(pattern, text, text_len);
	if (r > AAS_PATTERN_UNKNOWN || r != aas_pattern_match(pattern, text, text_len))
		abort();
	free(pattern);
	return 0;
}
