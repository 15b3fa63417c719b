/* SPDX-License-Identifier: Apache-2.0 - arbitrary bytes as AAS JSON: what is read is right, and survives writing and reading. */
#include <stdlib.h>

#include "aas/json.h"
#include "aas/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const unsigned types[] = { AAS_Environment, AAS_Submodel, AAS_SubmodelElement, AAS_Reference };
	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		struct arena *a = arena_new(1 << 24);
		struct buf b = BUF_INIT;
		struct diag d = DIAG_INIT;
		struct aas_node *node, *again;
		enum err e = a ? aas_json_read(a, types[i], (const char *)p, n, i == 3 ? AAS_JSON_PARTIAL : 0, &node, &d) : ERR_NO_MEMORY;
		if (e ? d.n != 1 || !utf8_valid(d.list[0].text, strlen(d.list[0].text)) : i < 3 && aas_check(node, NULL) != ERR_OK)
			abort();
		if (!e && (aas_json_write(&b, node), b.failed || aas_json_read(a, types[i], b.p, b.n, i == 3 ? AAS_JSON_PARTIAL : 0, &again, NULL) ||
						     !aas_equal(node, again)))
			abort();
		buf_fini(&b);
		diag_fini(&d);
		arena_free(a);
	}
	return 0;
}
