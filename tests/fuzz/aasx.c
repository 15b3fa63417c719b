/* SPDX-License-Identifier: Apache-2.0 - arbitrary bytes as a package: read or refused with a message, within its memory. */
#include <stdlib.h>

#include "aas/aasx.h"
#include "aas/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena *a = arena_new(1 << 26);
	struct diag d = DIAG_INIT;
	struct aasx x;
	enum err e = aasx_read(a, p, n, &x, &d);
	if (e ? !d.n || d.top : aas_check(x.environment, NULL) != ERR_OK)
		abort();
	for (const struct aasx_file *f = e ? NULL : x.files; f; f = f->next)
		if (!f->path || !f->content_type || !f->bytes.p)
			abort();
	diag_fini(&d);
	arena_free(a);
	return 0;
}
