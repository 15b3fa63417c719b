/* SPDX-License-Identifier: Apache-2.0 - arbitrary bytes as AAS JSON: what is read is right, and survives writing and
 * reading; reading on after faults finds the same first one, and the rules can walk over what is left. */
#include <stdlib.h>

#include "aas/json.h"
#include "aas/rules.h"
#include "aas/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void collect(unsigned type, const char *p, size_t n, enum err wanted, const struct diag *first)
{
	struct arena *a = arena_new(1 << 24);
	struct diag d = DIAG_INIT;
	struct aas_node *node = NULL;
	enum err e = a ? aas_json_read(a, type, p, n, AAS_JSON_COLLECT, &node, &d) : ERR_NO_MEMORY;
	if (e != ERR_NO_MEMORY && wanted != ERR_NO_MEMORY &&
	    (e != wanted || (e ? !d.n || !str_eq(d.list[0].text, first->list[0].text) || !str_eq(d.list[0].path, first->list[0].path) : !node || d.n)))
		abort();
	if (d.top)
		abort();
	for (unsigned flags = 0; node && flags < 4; flags++) {
		unsigned before = d.n + d.lost;
		enum err broken = aas_rules_check(node, flags, &d);
		if (d.top || (!broken != (d.n + d.lost == before)))
			abort();
	}
	diag_fini(&d);
	arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const unsigned types[] = { AAS_Environment, AAS_Submodel, AAS_SubmodelElement, AAS_Reference,
		AAS_AssetAdministrationShellDescriptor, AAS_SubmodelDescriptor, AAS_AssetLink, AAS_PackageDescription };
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
		if (i < 3)
			collect(types[i], (const char *)p, n, e, &d);
		buf_fini(&b);
		diag_fini(&d);
		arena_free(a);
	}
	return 0;
}
