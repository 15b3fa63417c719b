/* SPDX-License-Identifier: Apache-2.0 - arbitrary bytes as the query of /trend, of an element that is there: an answer in JSON, or a reason. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "aas/json.h"
#include "server/trend.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static struct store *store;
static struct sm_service *service;

static void setup(void)
{
	static const char json[] = "{\"modelType\":\"Submodel\",\"id\":\"s\",\"submodelElements\":["
		"{\"modelType\":\"Property\",\"idShort\":\"N\",\"valueType\":\"xs:double\",\"value\":\"1\"}]}";
	struct arena *a = arena_new(0);
	struct aas_node *sm = NULL;
	struct sm_session *s;
	store = store_mem_new();
	service = sm_service_new(&(struct sm_config){ .store = store });
	if (!a || !store || !service || aas_json_read(a, AAS_Submodel, json, sizeof json - 1, AAS_JSON_DEFAULT, &sm, NULL) ||
	    sm_begin(service, true, a, NULL, &s) || sm_create(s, STORE_SUBMODEL, sm) || sm_commit(s))
		abort();
	arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	if (!service)
		setup();
	struct http_config config = { .service = service, .store = store };
	struct call c = { .arena = arena_new(16 << 20), .service = service, .method = "GET", .path = SLICE("/trend") };
	char *query = malloc(n + 1);
	if (!c.arena || !query)
		abort();
	memcpy(query, p, n);
	query[n] = 0;
	c.query_text = (struct slice){ query, strlen(query) };
	buf_init(&c.reply.body, 0);
	trend_run(&c, &config);
	json_t *answer = json_loadb(c.reply.body.p, c.reply.body.n, 0, NULL);
	if (c.reply.status != 200 && c.reply.status != 400 && c.reply.status != 404 && c.reply.status != 503)
		abort();
	if (!answer || !json_object_get(answer, c.reply.status == 200 ? "series" : "messages"))
		abort();
	json_decref(answer);
	buf_fini(&c.reply.body);
	diag_fini(&c.diag);
	arena_free(c.arena);
	free(query);
	return 0;
}
