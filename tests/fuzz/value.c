/* SPDX-License-Identifier: Apache-2.0 - arbitrary bytes as PATCH $value: refused and nothing changed, or taken and shown again. */
#include <stdlib.h>

#include "aas/json.h"
#include "aas/tree.h"
#include "aas/view.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

#define SME(cls, id) "{\"modelType\":\"" cls "\",\"idShort\":\"" id "\""
static const char submodel[] = "{\"modelType\":\"Submodel\",\"id\":\"s\",\"submodelElements\":["
	SME("Property", "i") ",\"valueType\":\"xs:integer\"}," SME("Property", "d") ",\"valueType\":\"xs:double\"},"
	SME("Property", "b") ",\"valueType\":\"xs:boolean\"}," SME("Property", "s") ",\"valueType\":\"xs:string\"},"
	SME("MultiLanguageProperty", "m") "}," SME("Range", "r") ",\"valueType\":\"xs:int\"}," SME("File", "f") "}," SME("Blob", "o") "},"
	SME("ReferenceElement", "e") "}," SME("Entity", "t") ",\"statements\":[" SME("Property", "x") ",\"valueType\":\"xs:int\"}]},"
	SME("AnnotatedRelationshipElement", "n") ",\"annotations\":[" SME("Property", "x") ",\"valueType\":\"xs:int\"}]},"
	SME("SubmodelElementList", "l") ",\"typeValueListElement\":\"Property\",\"valueTypeListElement\":\"xs:int\",\"value\":["
	"{\"modelType\":\"Property\",\"valueType\":\"xs:int\"},{\"modelType\":\"Property\",\"valueType\":\"xs:int\"}]}]}";

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const struct aas_view v = { .modifier = AAS_VALUE, .blobs = true };
	struct arena *a = arena_new(1 << 24);
	struct buf one = BUF_INIT, two = BUF_INIT;
	struct diag d = DIAG_INIT;
	struct aas_node *sm, *before;
	if (aas_json_read(a, AAS_Submodel, submodel, sizeof submodel - 1, 0, &sm, NULL) || !(before = aas_copy(a, sm)))
		abort();
	if (aas_value_read(a, sm, (const char *)p, n, NULL, NULL, &d)) {
		if (d.n != 1 || d.top || !aas_equal(sm, before))
			abort();
	} else if (aas_check(sm, NULL) || aas_view_write(&one, sm, &v, NULL) || aas_value_read(a, sm, one.p, one.n, NULL, NULL, NULL) ||
		   aas_view_write(&two, sm, &v, NULL) || !slice_eq(buf_view(&one), buf_view(&two))) {
		abort();
	}
	diag_fini(&d);
	buf_fini(&one);
	buf_fini(&two);
	arena_free(a);
	return 0;
}
