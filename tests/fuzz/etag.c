/* SPDX-License-Identifier: Apache-2.0 - arbitrary bytes as If-Match, If-None-Match and Accept-Encoding. */
#include <stdlib.h>

#include "server/etag.h"
#include "server/pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	char *text = malloc(n + 1);
	if (!text)
		return 0;
	memcpy(text, p, n);
	text[n] = 0;
	/* What is named strongly is known too; a list that names nothing of this shape names neither. */
	if (etag_current(text, "\"v1\"") && !strstr(text, "v1") && !strchr(text, '*'))
		abort();
	if (etag_known(text, "\"00ff\"") && !etag_current(text, "\"00ff\"") && !strstr(text, "W/"))
		abort();
	pack_accepted(text);
	pack_worth(text);
	free(text);
	return 0;
}
