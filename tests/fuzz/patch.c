/* SPDX-License-Identifier: Apache-2.0 - arbitrary bytes as PATCH of a submodel: refused and nothing changed, or a tree that can be stored and read. */
#include <stdlib.h>

#include "aas/json.h"
#include "aas/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

#define SME(cls, id) "{\"modelType\":\"" cls "\",\"idShort\":\"" id "\""
static const char submodel[] = "{\"modelType\":\"Submodel\",\"id\":\"s\",\"submodelElements\":["
	SME("Property", "p") ",\"valueType\":\"xs:string\",\"value\":\"7\"}," SME("Range", "r") ",\"valueType\":\"xs:int\",\"min\":\"1\"},"
	SME("Operation", "o") ",\"inputVariables\":[{\"value\":" SME("Capability", "c") "}}]},"
	SME("SubmodelElementCollection", "s") ",\"value\":[" SME("Blob", "b") "}," SME("Entity", "e") ",\"statements\":[" SME("Capability", "c") "}]}]},"
	SME("SubmodelElementList", "l") ",\"typeValueListElement\":\"Property\",\"valueTypeListElement\":\"xs:int\",\"value\":["
	"{\"modelType\":\"Property\",\"valueType\":\"xs:int\",\"value\":\"1\"},{\"modelType\":\"Property\",\"valueType\":\"xs:int\"}]}]}";

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena *a = arena_new(1 << 24);
	struct buf b = BUF_INIT;
	struct diag d = DIAG_INIT;
	struct aas_node *sm, *before, *patch, *again;
	if (aas_json_read(a, AAS_Submodel, submodel, sizeof submodel - 1, 0, &sm, NULL) || !(before = aas_copy(a, sm)))
		abort();
	if (!aas_json_read(a, AAS_Submodel, (const char *)p, n, AAS_JSON_PARTIAL, &patch, NULL)) {
		enum err e = aas_merge(a, sm, patch, &d);
		if (d.top || (e && !aas_equal(sm, before)) || (e && !d.n))
			abort();
		aas_json_write(&b, sm);
		if (!e && (aas_check(sm, NULL) || aas_json_read(a, AAS_Submodel, b.p, b.n, 0, &again, NULL) || !aas_equal(sm, again)))
			abort();
	}
	diag_fini(&d);
	buf_fini(&b);
	arena_free(a);
	return 0;
}
