/* SPDX-License-Identifier: Apache-2.0 - arbitrary bytes as "content type\nbody". */
#include <stdlib.h>

#include "server/multipart.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena *a = arena_new(16 << 20);
	const uint8_t *end = memchr(p, '\n', n);
	char *type = a && end ? arena_strndup(a, (const char *)p, (size_t)(end - p)) : NULL;
	struct slice body = { type ? (const char *)end + 1 : NULL, type ? n - (size_t)(end - p) - 1 : 0 };
	struct multipart m;
	if (type && !multipart_read(a, type, body, &m, NULL))
		for (size_t i = 0; i < m.n; i++)
			if (!m.part[i].name || m.part[i].bytes.p < body.p || m.part[i].bytes.p + m.part[i].bytes.n > body.p + body.n)
				abort();
	arena_free(a);
	return 0;
}
