/* SPDX-License-Identifier: Apache-2.0 - arbitrary bytes as an idShortPath: what is found is written back as it was asked for. */
#include <stdlib.h>

#include "aas/json.h"
#include "aas/path.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const char submodel[] =
		"{\"modelType\":\"Submodel\",\"id\":\"s\",\"submodelElements\":[{\"modelType\":\"SubmodelElementCollection\",\"idShort\":\"a\",\"value\":["
		"{\"modelType\":\"SubmodelElementList\",\"idShort\":\"b\",\"typeValueListElement\":\"Capability\",\"value\":["
		"{\"modelType\":\"Capability\"},{\"modelType\":\"Capability\"}]}]}]}";
	struct arena *a = arena_new(1 << 20);
	struct buf b = BUF_INIT;
	struct diag d = DIAG_INIT;
	struct aas_node *root, *found, *parent;
	struct slice step;
	if (aas_json_read(a, AAS_Submodel, submodel, sizeof submodel - 1, 0, &root, NULL))
		abort();
	enum err e = aas_path_find(root, (const char *)p, n, &found, &d);
	if (!e && (aas_path_write(&b, found), !slice_eq(buf_view(&b), (struct slice){ (const char *)p, n })))
		abort();
	if (e && (d.n != 1 || (e != ERR_BAD_REQUEST && e != ERR_NOT_FOUND)))
		abort();
	if (aas_path_parent(root, (const char *)p, n, &parent, &step, NULL) && !e)
		abort();
	diag_fini(&d);
	buf_fini(&b);
	arena_free(a);
	return 0;
}
