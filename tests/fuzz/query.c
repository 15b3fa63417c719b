/* SPDX-License-Identifier: Apache-2.0 - arbitrary bytes as a query: every refusal says why, and what is read is decided within its bounds. */
#include <stdlib.h>

#include "aas/json.h"
#include "aas/query.h"

static const char submodel[] =
	"{\"modelType\":\"Submodel\",\"id\":\"urn:sm\",\"idShort\":\"A\",\"semanticId\":{\"type\":\"ExternalReference\",\"keys\":["
	"{\"type\":\"GlobalReference\",\"value\":\"urn:s\"}]},\"submodelElements\":["
	"{\"modelType\":\"Property\",\"idShort\":\"B\",\"valueType\":\"xs:double\",\"value\":\"1.50\"},"
	"{\"modelType\":\"Property\",\"idShort\":\"D\",\"valueType\":\"xs:dateTime\",\"value\":\"2024-01-07T10:30:00Z\"},"
	"{\"modelType\":\"SubmodelElementList\",\"idShort\":\"L\",\"typeValueListElement\":\"SubmodelElementCollection\",\"value\":["
	"{\"modelType\":\"SubmodelElementCollection\",\"value\":[{\"modelType\":\"Property\",\"idShort\":\"B\",\"valueType\":\"xs:string\",\"value\":\"x\"}]},"
	"{\"modelType\":\"SubmodelElementCollection\",\"value\":[{\"modelType\":\"MultiLanguageProperty\",\"idShort\":\"M\",\"value\":["
	"{\"language\":\"de\",\"text\":\"x\"},{\"language\":\"en\",\"text\":\"y\"}]}]}]}]}";
static const char shell[] =
	"{\"modelType\":\"AssetAdministrationShell\",\"id\":\"urn:aas\",\"assetInformation\":{\"assetKind\":\"Instance\",\"specificAssetIds\":["
	"{\"name\":\"n\",\"value\":\"v\"}]},\"submodels\":[{\"type\":\"ModelReference\",\"keys\":[{\"type\":\"Submodel\",\"value\":\"urn:sm\"}]}]}";
#define ENDPOINTS "\"endpoints\":[{\"interface\":\"AAS-3.0\",\"protocolInformation\":{\"href\":\"http://a\"}}]"
static const char shell_descriptor[] =
	"{\"id\":\"urn:aas\",\"assetKind\":\"Instance\",\"specificAssetIds\":[{\"name\":\"n\",\"value\":\"v\"}]," ENDPOINTS ",\"submodelDescriptors\":["
	"{\"id\":\"urn:sm\"," ENDPOINTS "},{\"id\":\"urn:s2\"," ENDPOINTS "}]}";
static const char submodel_descriptor[] =
	"{\"id\":\"urn:sm\",\"semanticId\":{\"type\":\"ExternalReference\",\"keys\":[{\"type\":\"GlobalReference\",\"value\":\"urn:s\"}]}," ENDPOINTS "}";
static const char concept[] = "{\"modelType\":\"ConceptDescription\",\"id\":\"urn:cd\"}";

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena *a = arena_new(64 << 20);
	struct diag d = DIAG_INIT;
	struct aas_node *sm, *aas, *cd;
	struct aas_query *q;
	bool yes;
	if (!a || aas_json_read(a, AAS_Submodel, submodel, sizeof submodel - 1, AAS_JSON_DEFAULT, &sm, NULL) ||
	    aas_json_read(a, AAS_AssetAdministrationShell, shell, sizeof shell - 1, AAS_JSON_DEFAULT, &aas, NULL) ||
	    aas_json_read(a, AAS_ConceptDescription, concept, sizeof concept - 1, AAS_JSON_DEFAULT, &cd, NULL))
		abort();
	const struct { enum aas_class_id cls; const char *json; size_t n; } more[] = {
		{ AAS_AssetAdministrationShellDescriptor, shell_descriptor, sizeof shell_descriptor - 1 },
		{ AAS_SubmodelDescriptor, submodel_descriptor, sizeof submodel_descriptor - 1 },
	};
	struct aas_node *desc[2];
	for (int i = 0; i < 2; i++)
		if (aas_json_read(a, more[i].cls, more[i].json, more[i].n, AAS_JSON_DEFAULT, &desc[i], NULL))
			abort();
	for (int kind = 0; kind < STORE_N_KINDS; kind++) {
		const struct query_tuple t = { aas, sm, cd, kind == STORE_SHELL_DESCRIPTOR ? desc[0] : kind == STORE_SUBMODEL_DESCRIPTOR ? desc[1] : NULL };
		uint64_t steps = 20000;
		enum err err = aas_query_read(a, (enum store_kind)kind, (const char *)p, n, &q, &d);
		if (!err == !!d.n)
			abort();
		if (!err && (err = aas_query_holds(q, &t, a, &steps, &yes)) && err != ERR_EXPENSIVE)
			abort();
		diag_clear(&d);
	}
	diag_fini(&d);
	arena_free(a);
	return 0;
}
