/* SPDX-License-Identifier: Apache-2.0 - arbitrary bytes as "METHOD /path?query\nbody": matched and decoded, never run. */
#include <stdlib.h>

#include "server/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct call c = { .arena = arena_new(16 << 20), .content_type = "application/json" };
	char *text = malloc(n + 1);
	if (!text || !c.arena)
		abort();
	memcpy(text, p, n);
	text[n] = 0;
	size_t line = strcspn(text, "\n"), method = strcspn(text, " \n"), path = strcspn(text, "?\n");
	if (line < n && method < path) {
		text[method] = 0;
		c.method = text;
		c.path = (struct slice){ text + method + 1, path - method - 1 };
		c.query_text = (struct slice){ text + path + 1, path < line ? line - path - 1 : 0 };
		c.body = (struct slice){ text + line + 1, n - line - 1 };
		route_find(c.method, c.path, &c.match);
		c.route = c.match.route;
		if (c.route && !request_decode(&c) && c.after && !c.after[0] && c.limit == 0)
			abort();
		if (c.route && !request_body(&c) && c.route->body == BODY_CLASS && !c.node)
			abort();
	}
	upload_free(c.upload);
	free(text);
	diag_fini(&c.diag);
	arena_free(c.arena);
	return 0;
}
