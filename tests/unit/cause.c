/* SPDX-License-Identifier: Apache-2.0 - what the service tells the store about its writes: who, which request, which element. */
#include "aas/json.h"
#include "submodels/service.h"
#include "tests/blob.h"
#include "tests/tap.h"

static struct store *store;
static struct sm_service *service;
static struct arena *arena;
static int64_t seen;

static const char pump[] =
	"{\"modelType\":\"Submodel\",\"id\":\"urn:pump\",\"submodelElements\":["
	"{\"modelType\":\"Property\",\"idShort\":\"Speed\",\"valueType\":\"xs:int\",\"value\":\"10\"},"
	"{\"modelType\":\"MultiLanguageProperty\",\"idShort\":\"Name\",\"value\":[{\"language\":\"en\",\"text\":\"pump\"}]},"
	"{\"modelType\":\"File\",\"idShort\":\"Manual\",\"contentType\":\"application/pdf\"},"
	"{\"modelType\":\"SubmodelElementCollection\",\"idShort\":\"Motor\"}]}";
static const char temp[] = "{\"modelType\":\"Property\",\"idShort\":\"Temp\",\"valueType\":\"xs:int\",\"value\":\"1\"}";
static const char shell[] = "{\"modelType\":\"AssetAdministrationShell\",\"id\":\"urn:shell\",\"assetInformation\":{\"assetKind\":\"Instance\",\"globalAssetId\":\"urn:b\"}}";
static const char info[] = "{\"assetKind\":\"Instance\",\"globalAssetId\":\"urn:a\"}";
static const char reference[] = "{\"type\":\"ModelReference\",\"keys\":[{\"type\":\"Submodel\",\"value\":\"urn:pump\"}]}";

static struct aas_node *node(unsigned type, const char *json)
{
	struct aas_node *n = NULL;
	if (aas_json_read(arena, type, json, strlen(json), AAS_JSON_DEFAULT, &n, NULL))
		abort();
	return n;
}

static struct sm_session *begin(void)
{
	struct sm_session *s;
	if (sm_begin(service, true, arena, NULL, &s))
		abort();
	sm_cause(s, "anna", "r-1");
	return s;
}

static enum err end(struct sm_session *s, enum err e)
{
	if (!e)
		return sm_commit(s);
	sm_abort(s);
	return e;
}

/* The events since the last look. */
static const char *news(void)
{
	static const char *const op[] = { "create", "replace", "delete", "value" };
	struct store_event *e;
	struct buf b = BUF_INIT;
	size_t n = 0;
	int64_t newest;
	store->ops->feed(store, seen, 100, arena, &e, &n, &newest);
	for (size_t i = 0; i < n; i++) {
		buf_printf(&b, "%s%s %s", i ? "; " : "", op[e[i].operation], e[i].kind == STORE_FILE ? "file" : e[i].id);
		if (e[i].path || e[i].part != e[i].operation)
			buf_printf(&b, " %s(%s)", op[e[i].part], e[i].path ? e[i].path : "");
		for (size_t k = 0; k < e[i].n_values; k++)
			buf_printf(&b, " %s:%s>%s", e[i].value_path[k], e[i].before[k], e[i].after[k]);
		if (!e[i].actor || strcmp(e[i].actor, "anna") || !e[i].request || strcmp(e[i].request, "r-1"))
			buf_puts(&b, " by nobody");
	}
	seen = newest;
	const char *s = arena_strndup(arena, b.p ? b.p : "", b.n);
	buf_fini(&b);
	return s;
}

static struct sm_session *s_;
#define ONE(call, want) (s_ = begin(), check_int(end(s_, (call)), ERR_OK, #call), check_str(news(), want, "is told as that"))

static void elements(void)
{
	static const struct store_blob blob = { NULL, "m.pdf", { "x", 1 } };
	const struct sm_upload file = upload_of(&blob, &blob.bytes);
	const char *path;
	bool created;
	ONE(sm_create(s_, STORE_SUBMODEL, node(AAS_Submodel, pump)), "create urn:pump");
	ONE(sm_element_post(s_, "urn:pump", "Motor", node(AAS_SubmodelElement, temp), &path), "replace urn:pump create(Motor.Temp)");
	ONE(sm_element_put(s_, "urn:pump", "Motor.Temp", node(AAS_SubmodelElement, temp), &created), "replace urn:pump replace(Motor.Temp)");
	ONE(sm_element_put(s_, "urn:pump", "Temp", node(AAS_SubmodelElement, temp), &created), "replace urn:pump create(Temp)");
	ONE(sm_element_patch(s_, "urn:pump", "Temp", node(AAS_SubmodelElement, temp)), "replace urn:pump replace(Temp)");
	ONE(sm_element_delete(s_, "urn:pump", "Temp"), "replace urn:pump delete(Temp)");
	ONE(sm_value_patch(s_, "urn:pump", "Speed", SLICE("11")), "value urn:pump Speed:10>11");
	ONE((sm_patient(s_), sm_value_patch(s_, "urn:pump", "Speed", SLICE("12"))), "value urn:pump Speed:11>12");
	ONE(sm_value_patch(s_, "urn:pump", "Name", SLICE("[{\"de\":\"Pumpe\"}]")), "replace urn:pump value(Name)");
	ONE(sm_file_put(s_, "urn:pump", "Manual", &file), "create file; replace urn:pump value(Manual)");
	ONE(sm_put(s_, STORE_SUBMODEL, "urn:pump", node(AAS_Submodel, pump), &created), "replace urn:pump; delete file");
	ONE(sm_delete(s_, STORE_SUBMODEL, "urn:pump"), "delete urn:pump");
}

static void shells(void)
{
	ONE(sm_create(s_, STORE_SHELL, node(AAS_AssetAdministrationShell, shell)), "create urn:shell");
	ONE(sm_asset_put(s_, "urn:shell", node(AAS_AssetInformation, info)), "replace urn:shell");
	ONE(sm_ref_post(s_, "urn:shell", node(AAS_Reference, reference)), "replace urn:shell");
	ONE(sm_ref_delete(s_, "urn:shell", "urn:pump"), "replace urn:shell");
}

/* Each of several changes of one session is told on its own. */
static void several(void)
{
	const char *path;
	struct sm_session *s = begin();
	enum err e = sm_create(s, STORE_SUBMODEL, node(AAS_Submodel, pump));
	if (!e)
		e = sm_element_post(s, "urn:pump", "Motor", node(AAS_SubmodelElement, temp), &path);
	if (!e)
		e = sm_value_patch(s, "urn:pump", "Speed", SLICE("3"));
	if (!e)
		e = sm_delete(s, STORE_SHELL, "urn:shell");
	check_int(end(s, e), ERR_OK, "several in one session");
	check_str(news(), "create urn:pump; replace urn:pump create(Motor.Temp); value urn:pump Speed:10>3; delete urn:shell", "in their order");
	s = begin();
	sm_create(s, STORE_SHELL, node(AAS_AssetAdministrationShell, shell));
	sm_abort(s);
	check_str(news(), "", "what is given up is not told");
}

int main(void)
{
	arena = arena_new(0);
	store = store_mem_new();
	service = sm_service_new(&(struct sm_config){ .store = store });
	elements();
	shells();
	several();
	sm_service_free(service);
	store->ops->close(store);
	arena_free(arena);
	return done();
}
