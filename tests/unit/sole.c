/* SPDX-License-Identifier: Apache-2.0
 * What /aas and /submodel stand for when it was configured; tests/api/23-sole-shell.http shows them where it was not.
 */
#include "server/call.h"

#include "tests/tap.h"

static struct sm_service *service;

#define SHELL(id, short) "{\"modelType\":\"AssetAdministrationShell\",\"id\":\"" id "\",\"idShort\":\"" short "\",\"assetInformation\":{\"assetKind\":\"Instance\",\"globalAssetId\":\"urn:asset\"}}"
#define SUBMODEL(id) "{\"modelType\":\"Submodel\",\"id\":\"" id "\"}"

/* "status body" */
static const char *ask(const char *method, const char *path, const char *body)
{
	static char out[700];
	struct arena *a = arena_new(0);
	struct call c = {
		.arena = a, .service = service, .method = method, .path = slice_of(path), .base_path = "", .content_type = body ? "application/json" : NULL,
		.body = slice_of(body ? body : ""),
	};
	buf_init(&c.reply.body, 0);
	call_run(&c);
	snprintf(out, sizeof out, "%d %.*s", c.reply.status, (int)c.reply.body.n, c.reply.body.p ? c.reply.body.p : "");
	buf_fini(&c.reply.body);
	diag_fini(&c.diag);
	arena_free(a);
	return out;
}

static bool answers(const char *method, const char *path, const char *body, const char *status, const char *text)
{
	const char *got = ask(method, path, body);
	bool ok = !strncmp(got, status, 3) && strstr(got, text);
	check(ok, "%s %s: %s %s", method, path, status, text);
	if (!ok)
		printf("# %s\n", got);
	return ok;
}

int main(void)
{
	struct store *store = store_mem_new();
	service = sm_service_new(&(struct sm_config){ .store = store, .sole_shell = "urn:b", .sole_submodel = "urn:sb" });
	answers("GET", "/aas", NULL, "404", "urn:b");
	answers("GET", "/submodel", NULL, "404", "urn:sb");
	answers("PUT", "/submodel", SUBMODEL("urn:sb"), "404", "urn:sb");
	answers("PUT", "/aas/asset-information", "{\"assetKind\":\"Type\",\"globalAssetId\":\"urn:asset\"}", "404", "urn:b");
	answers("PUT", "/aas", SHELL("urn:a", "A"), "400", "urn:b");
	answers("PUT", "/aas", SHELL("urn:b", "B"), "201", "");
	answers("PUT", "/aas", SHELL("urn:b", "B2"), "204", "");
	answers("POST", "/shells", SHELL("urn:a", "A"), "201", "");
	answers("GET", "/aas", NULL, "200", "B2");
	answers("GET", "/aas/$reference", NULL, "200", "urn:b");
	answers("POST", "/submodels", SUBMODEL("urn:sa"), "201", "");
	answers("GET", "/submodel", NULL, "404", "urn:sb");
	answers("POST", "/submodels", SUBMODEL("urn:sb"), "201", "");
	answers("GET", "/submodel", NULL, "200", "urn:sb");
	answers("PUT", "/submodel", SUBMODEL("urn:sa"), "400", "");
	answers("PUT", "/submodel", SUBMODEL("urn:sb"), "204", "");
	answers("POST", "/submodel/submodel-elements", "{\"modelType\":\"Capability\",\"idShort\":\"C\"}", "201", "");
	answers("GET", "/submodels/dXJuOnNi", NULL, "200", "\"C\"");
	answers("DELETE", "/shells/dXJuOmI", NULL, "204", "");
	answers("GET", "/aas", NULL, "404", "urn:b");
	sm_service_free(service);
	store->ops->close(store);
	return done();
}
