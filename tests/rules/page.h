/* SPDX-License-Identifier: Apache-2.0
 * page.h - a checked-in page that is made from a table: printed with --print (make docs), else compared.
 */
#ifndef TESTS_RULES_PAGE_H
#define TESTS_RULES_PAGE_H

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/file.h"
#include "tests/tap.h"

/* What main returns.  `what`: the name of the check. */
static inline int page_main(int argc, char **argv, void (*write_all)(struct buf *), const char *page, const char *what)
{
	struct buf b = BUF_INIT;
	struct arena *a = arena_new(0);
	const char *src = getenv("srcdir");
	char path[1000];
	struct slice now = { "", 0 };
	write_all(&b);
	if (argc > 1 && !strcmp(argv[1], "--print")) {
		fwrite(b.p, 1, b.n, stdout);
	} else {
		snprintf(path, sizeof path, "%s/%s", src ? src : ".", page);
		check(!b.failed && a && !file_read(a, path, 1 << 20, &now, NULL) && slice_eq(now, buf_view(&b)), "%s", what);
		tap_failed |= done();
	}
	buf_fini(&b);
	arena_free(a);
	return tap_failed ? 1 : 0;
}

#endif
