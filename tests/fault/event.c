/* SPDX-License-Identifier: Apache-2.0
 * Every allocation fails once while events are made of the feed and go to their forms and event elements: it is said, no message is wrong or
 * missing, and nothing leaks.
 */
#include <stdlib.h>

#include "aas/json.h"
#include "submodels/event_element.h"
#include "submodels/event_feed.h"
#include "submodels/service.h"
#include "tests/fault/wrap.h"
#include "tests/tap.h"

#define KEYS "{\"type\":\"ModelReference\",\"keys\":[{\"type\":\"Submodel\",\"value\":\"urn:a\"}]}"
static const char submodel[] = "{\"modelType\":\"Submodel\",\"id\":\"urn:a\",\"submodelElements\":[{\"modelType\":\"Property\",\"idShort\":\"V\",\"valueType\":"
	"\"xs:int\",\"value\":\"1\"},{\"modelType\":\"Range\",\"idShort\":\"R\",\"valueType\":\"xs:int\",\"min\":\"1\"},{\"modelType\":\"BasicEventElement\",\"idShort\":"
	"\"E\",\"observed\":" KEYS ",\"direction\":\"output\",\"state\":\"on\"}]}";
static const char shell[] = "{\"modelType\":\"AssetAdministrationShell\",\"id\":\"urn:s\",\"assetInformation\":{\"assetKind\":\"Instance\",\"globalAssetId\":\"g\"}}";

static struct store *store;
static size_t messages, spoken, sum;

static bool emit(void *ctx, const struct event_message *m)
{
	(void)ctx;
	messages++;
	sum += m->payload.n + strlen(m->topic);
	return true;
}

static bool send(void *ctx, const struct event_message *m)
{
	(void)ctx;
	spoken += m->payload.n > 0;
	return true;
}

static void sent(void *ctx, const char *submodel_id, const char *path, int64_t time_us)
{
	(void)ctx, (void)submodel_id, (void)path, (void)time_us;
}

/* One line through everything, with an arena of its own. */
static enum err through(struct event_trees *t, struct event_elements *ee, const struct store_event *line)
{
	static const struct event_config conf = { .url = "" };
	struct arena *a = arena_new(0);
	const struct aas_node *root = NULL;
	struct event *e = NULL;
	size_t n = 0;
	enum err err = a ? event_list(t, line, a, &e, &n) : ERR_NO_MEMORY;
	struct event_writer w = { .conf = &conf, .trees = t, .arena = a, .emit = emit };
	if (!err && line->kind == STORE_SUBMODEL && line->operation != STORE_OP_VALUE && !(err = event_tree(t, line, false, &root)))
		err = event_elements_submodel(ee, 1, line->id, root);
	for (size_t i = 0; i < n && !err; i++) {
		for (size_t f = 0; f < EVENT_FORMATS && !err; f++)
			err = event_formats[f].write(&w, &e[i]);
		if (!err)
			err = event_elements_change(ee, 1, t, &e[i]);
	}
	arena_free(a);
	return err;
}

static enum err all(void)
{
	static const struct event_config conf = { .url = "" };
	static size_t want_messages, want_spoken, want_sum;
	struct event_elements_ports ports = { .send = send, .sent = sent };
	struct arena *a = arena_new(0);
	struct event_trees *t = event_trees_new(store, 0);
	struct event_elements *ee = event_elements_new(&ports, &conf);
	struct store_event *line = NULL;
	size_t n = 0;
	int64_t newest;
	messages = spoken = sum = 0;
	enum err err = a && t && ee ? store->ops->feed(store, 0, 100, a, &line, &n, &newest) : ERR_NO_MEMORY;
	for (size_t i = 0; i < n && !err; i++)
		err = through(t, ee, &line[i]);
	event_elements_free(ee);
	event_trees_free(t);
	arena_free(a);
	if (!err && !want_messages) {
		want_messages = messages;
		want_spoken = spoken;
		want_sum = sum;
	}
	return err ? err : messages == want_messages && spoken == want_spoken && sum == want_sum ? ERR_OK : ERR_INTERNAL;
}

static bool count(void *ctx, const char *cursor, struct slice cloud)
{
	(void)cursor;
	*(size_t *)ctx += cloud.n;
	return true;
}

static enum err read_feed(void)
{
	static const struct event_config conf = { .url = "" };
	static const struct event_filter everything;
	static size_t want;
	struct event_cursor at = { 0, SIZE_MAX };
	size_t bytes = 0;
	int64_t newest;
	struct event_reader *r = event_reader_new(store, &conf);
	enum err err = r ? event_reader_read(r, &at, &everything, 100, 100, &newest, count, &bytes) : ERR_NO_MEMORY;
	event_reader_free(r);
	if (!err && !want)
		want = bytes;
	return err ? err : bytes == want ? ERR_OK : ERR_INTERNAL;
}

static void each(const char *what, enum err (*run)(void))
{
	long before = live;
	unsigned long n = 0, wrong = 0;
	fail_at = 0;
	check_int(run(), ERR_OK, "%s", what);
	for (enum err e = ERR_NO_MEMORY; e && n < 10000; n++) {
		seen = 0;
		fail_at = n + 1;
		e = run();
		wrong += e && e != ERR_NO_MEMORY;
	}
	fail_at = 0;
	check(n > 2 && n < 10000 && !wrong, "%s: each of %lu allocations fails once, %lu wrong results", what, n - 1, wrong);
	check_int(live - before, 0, "%s: nothing leaks", what);
}

#define ONE(call) do { \
	struct sm_session *s; \
	if (sm_begin(service, true, a, NULL, &s) || (call) || sm_commit(s)) \
		exit(1); \
} while (0)

int main(void)
{
	struct arena *a = arena_new(0);
	struct changes *changes = changes_new();
	struct aas_node *n, *ref;
	store = store_mem_new();
	struct sm_service *service = sm_service_new(&(struct sm_config){ .store = store, .changes = changes });
	if (aas_json_read(a, AAS_Submodel, submodel, sizeof submodel - 1, AAS_JSON_DEFAULT, &n, NULL) ||
	    aas_json_read(a, AAS_Reference, KEYS, sizeof KEYS - 1, AAS_JSON_DEFAULT, &ref, NULL))
		return 1;
	ONE(sm_create(s, STORE_SUBMODEL, n));
	ONE(sm_value_patch(s, "urn:a", "V", SLICE("2")));
	ONE(sm_value_patch(s, "urn:a", "R", SLICE("{\"min\":2}")));
	if (aas_json_read(a, AAS_AssetAdministrationShell, shell, sizeof shell - 1, AAS_JSON_DEFAULT, &n, NULL))
		return 1;
	ONE(sm_create(s, STORE_SHELL, n));
	ONE(sm_ref_post(s, "urn:s", ref));
	ONE(sm_element_delete(s, "urn:a", "R"));
	ONE(sm_delete(s, STORE_SUBMODEL, "urn:a"));
	each("events in every form", all);
	each("reading the feed", read_feed);
	sm_service_free(service);
	changes_free(changes);
	store->ops->close(store);
	arena_free(a);
	return done();
}
