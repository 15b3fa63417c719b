/* SPDX-License-Identifier: Apache-2.0 - arbitrary bytes as the events that a server answers an upload with, as `twinshell import` reads them. */
#include <stdlib.h>
#include <string.h>

#include "server/client_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	char *text = malloc(n + 1);		/* nothing behind its end may be looked at */
	struct slice rest = { text, n }, name, data;
	struct client_progress now;
	struct buf body = BUF_INIT;
	long status;
	if (!text)
		abort();
	memcpy(text, p, n);
	for (size_t before = n; client_read_event(&rest, &name, &data); before = rest.n) {
		if (rest.n >= before || rest.p + rest.n != text + n || name.p < text || data.p < text || data.p + data.n > rest.p)
			abort();
		if (client_read_progress(data, &now) && !memchr(now.phase, 0, sizeof now.phase))
			abort();
		if (client_read_outcome(data, &status, &body) && (status < 200 || status > 599 || !body.n))
			abort();
	}
	buf_fini(&body);
	free(text);
	return 0;
}
