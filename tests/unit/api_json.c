/* SPDX-License-Identifier: Apache-2.0 - the classes of the API through the JSON codec: what is read, how it is written, what is refused. */
#include "aas/json.h"
#include "aas/lookup.h"
#include "aas/tree.h"
#include "tests/tap.h"

#define SHELL AAS_AssetAdministrationShellDescriptor
#define SM AAS_SubmodelDescriptor
#define EP "{\"interface\":\"SUBMODEL-3.1\",\"protocolInformation\":{\"href\":\"http://x\"}}"
#define SMD "{\"id\":\"urn:sm\",\"endpoints\":[" EP "]}"
#define INFO(more) "{\"href\":\"\"" more "}"

static void good(unsigned type, const char *text, const char *want, const char *what)
{
	struct arena *a = arena_new(0);
	struct buf b = BUF_INIT;
	struct diag d = DIAG_INIT;
	struct aas_node *n, *again = NULL;
	char why[1100] = "";
	if (aas_json_read(a, type, text, strlen(text), AAS_JSON_DEFAULT, &n, &d))
		diag_first(&d, why, sizeof why);
	else
		aas_json_write(&b, n);
	check_str(*why ? why : b.p, want ? want : text, "%s", what);
	bool same = !*why && !aas_json_read(a, type, b.p, b.n, AAS_JSON_DEFAULT, &again, NULL) && aas_equal(n, again) && aas_equal(n, aas_copy(a, n));
	check(same, "... and what was written reads back the same, and so does a copy");
	buf_fini(&b);
	diag_fini(&d);
	arena_free(a);
}

static const struct bad {
	unsigned type;
	const char *text, *path, *message;
} bad[] = {
	{ SHELL, "{}", "", "id is required" },
	{ SHELL, "{\"id\":\"\"}", "id", "must not be empty" },
	{ SHELL, "{\"id\":\"x\",\"endpoints\":[]}", "endpoints", "must not be empty" },
	{ SHELL, "{\"id\":\"x\",\"extensions\":[]}", "extensions", "must not be empty" },
	{ SHELL, "{\"id\":\"x\",\"assetKind\":\"Thing\"}", "assetKind", "Thing" },
	{ SHELL, "{\"id\":\"x\",\"idShort\":\"9\"}", "idShort", "IdShort" },
	{ SHELL, "{\"modelType\":\"AssetAdministrationShell\",\"id\":\"x\"}", "", "no attribute \"modelType\"" },
	{ SHELL, "{\"id\":\"x\",\"category\":\"c\"}", "", "no attribute \"category\"" },
	{ SHELL, "{\"id\":\"x\",\"submodelDescriptors\":[" SMD ",{\"id\":\"y\"}]}", "submodelDescriptors[1]", "endpoints is required" },
	{ SM, "{\"id\":\"x\"}", "", "endpoints is required" },
	{ SM, "{\"id\":\"x\",\"endpoints\":[" EP "],\"supplementalSemanticIds\":[]}", "supplementalSemanticIds", "must not be empty" },
	{ AAS_Endpoint, "{\"interface\":\"x\"}", "", "protocolInformation is required" },
	{ AAS_Endpoint, "{\"protocolInformation\":" INFO("") "}", "", "interface is required" },
	{ AAS_ProtocolInformation, "{\"endpointProtocol\":\"HTTP\"}", "", "href is required" },
	{ AAS_ProtocolInformation, INFO(",\"endpointProtocolVersion\":\"1.1\""), "endpointProtocolVersion", "expected an array, not a string" },
	{ AAS_ProtocolInformation, INFO(",\"endpointProtocolVersion\":[1.1]"), "endpointProtocolVersion[0]", "expected a string, not a number" },
	{ AAS_ProtocolInformation, INFO(",\"endpointProtocolVersion\":[\"1.1\",{\"value\":\"1.1\"}]"), "endpointProtocolVersion[1]",
	  "expected a string, not an object" },
	{ AAS_ProtocolInformation, INFO(",\"endpointProtocolVersion\":[null]"), "endpointProtocolVersion[0]", "null is not allowed" },
	{ AAS_ProtocolInformation, INFO(",\"securityAttributes\":[]"), "securityAttributes", "must not be empty" },
	{ AAS_ProtocolInformation, INFO(",\"securityAttributes\":[{\"type\":\"NONE\",\"key\":\"\"}]"), "securityAttributes[0]", "value is required" },
	{ AAS_ProtocolInformation, INFO(",\"securityAttributes\":[{\"type\":\"none\",\"key\":\"\",\"value\":\"\"}]"), "securityAttributes[0].type", "none" },
	{ AAS_AssetLink, "{\"name\":\"\",\"value\":\"x\"}", "name", "must not be empty" },
	{ AAS_AssetLink, "{\"name\":\"x\"}", "", "value is required" },
	{ AAS_PackageDescription, "{\"aasIds\":[\"\"]}", "aasIds[0]", "must not be empty" },
	{ AAS_Submodel, "{\"modelType\":\"Submodel\",\"id\":\"x\",\"submodelElements\":[{\"modelType\":\"Endpoint\"}]}", "submodelElements[0].modelType",
	  "is not a SubmodelElement" },
	{ AAS_Submodel, "{\"modelType\":\"SubmodelDescriptor\",\"id\":\"x\"}", "modelType", "not a Submodel" },
	{ AAS_SubmodelElement, "{\"modelType\":\"IdentifierText\",\"value\":\"x\"}", "modelType", "not a SubmodelElement" },
};

static void test_bad(void)
{
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct arena *a = arena_new(0);
		struct diag d = DIAG_INIT;
		struct aas_node *n;
		enum err e = aas_json_read(a, bad[i].type, bad[i].text, strlen(bad[i].text), AAS_JSON_DEFAULT, &n, &d);
		bool ok = e == ERR_BAD_REQUEST && d.n == 1 && !strcmp(d.list[0].path, bad[i].path) && strstr(d.list[0].text, bad[i].message);
		if (!check(ok, "refused: %s", bad[i].text))
			printf("# %s: %s\n", d.n ? d.list[0].path : "-", d.n ? d.list[0].text : "was read");
		diag_fini(&d);
		arena_free(a);
	}
}

/* Length limits, one below and one above. */
static void test_lengths(void)
{
	static const struct { unsigned type; const char *fmt; int most; } list[] = {
		{ AAS_Endpoint, "{\"interface\":\"%s\",\"protocolInformation\":{\"href\":\"\"}}", 128 },
		{ AAS_ProtocolInformation, "{\"href\":\"%s\"}", 2048 },
		{ AAS_ProtocolInformation, "{\"href\":\"\",\"endpointProtocolVersion\":[\"%s\"]}", 128 },
		{ AAS_ProtocolInformation, "{\"href\":\"\",\"subprotocolBody\":\"%s\"}", 2048 },
		{ SHELL, "{\"id\":\"%s\"}", 2048 },
		{ AAS_AssetLink, "{\"name\":\"%s\",\"value\":\"v\"}", 64 },
	};
	for (size_t i = 0; i < sizeof list / sizeof *list; i++)
		for (int more = 0; more < 2; more++) {
			char value[2100], text[2300];
			struct arena *a = arena_new(0);
			struct aas_node *n;
			memset(value, 'x', sizeof value);
			value[list[i].most + more] = 0;
			snprintf(text, sizeof text, list[i].fmt, value);
			enum err e = aas_json_read(a, list[i].type, text, strlen(text), AAS_JSON_DEFAULT, &n, NULL);
			check_int(e, more ? ERR_BAD_REQUEST : ERR_OK, "%.30s... with %d characters", list[i].fmt, list[i].most + more);
			arena_free(a);
		}
}

static void test_lists(void)
{
	struct arena *a = arena_new(0);
	struct aas_node *n = NULL;
	struct diag d = DIAG_INIT;
	check_int(aas_json_read_list(a, AAS_IdentifierText, SLICE("[\"a\",\"b\"]").p, 9, 0, &n, &d), ERR_OK, "a list of ids");
	check(n && !strcmp(AAS_AT(n, IdentifierText, value).str, "a") && n->next && !strcmp(AAS_AT(n->next, IdentifierText, value).str, "b") &&
	      !n->next->next, "two of them");
	check_int(aas_json_read_list(a, AAS_IdentifierText, SLICE("[\"a\",3]").p, 7, 0, &n, &d), ERR_BAD_REQUEST, "not of numbers");
	check_str(d.n ? d.list[0].path : "", "[1]", "and where");
	diag_fini(&d);
	arena_free(a);
}

int main(void)
{
	good(SHELL, "{\"id\":\"x\"}", NULL, "the least of a shell descriptor");
	good(SHELL, "{\"displayName\":[],\"description\":[],\"specificAssetIds\":[],\"submodelDescriptors\":[],\"id\":\"x\"}", "{\"id\":\"x\"}",
	     "lists that may be empty, and are left out on output");
	good(SHELL, "{\"assetKind\":\"Role\",\"idShort\":\"S\",\"id\":\"x\",\"assetType\":\"urn:t\",\"globalAssetId\":\"urn:a\",\"specificAssetIds\":["
	     "{\"name\":\"n\",\"value\":\"v\"}],\"endpoints\":[" EP "," EP "],\"submodelDescriptors\":[" SMD "]}", NULL, "all of a shell descriptor");
	good(SM, "{\"semanticId\":{\"type\":\"ExternalReference\",\"keys\":[{\"type\":\"GlobalReference\",\"value\":\"g\"}]},\"id\":\"x\","
	     "\"endpoints\":[" EP "]}", NULL, "a submodel descriptor");
	good(AAS_ProtocolInformation, "{\"href\":\"opc.tcp://x\",\"endpointProtocol\":\"HTTP\",\"endpointProtocolVersion\":[\"1.1\",\"2\"],"
	     "\"subprotocol\":\"s\",\"subprotocolBody\":\"ns=2\",\"subprotocolBodyEncoding\":\"e\",\"securityAttributes\":[{\"type\":\"W3C_DID\","
	     "\"key\":\"\",\"value\":\"v\"}]}", NULL, "all of ProtocolInformation");
	good(AAS_ProtocolInformation, "{\"href\":\"\",\"endpointProtocolVersion\":[ \"\\u0031\\n\" , \"\" ]}",
	     "{\"href\":\"\",\"endpointProtocolVersion\":[\"1\\n\",\"\"]}", "texts that stand alone, escaped and empty");
	good(AAS_PackageDescription, "{\"aasIds\":[\"a\",\"b\"],\"packageId\":\"p\"}", NULL, "a package description");
	test_bad();
	test_lengths();
	test_lists();
	return done();
}
