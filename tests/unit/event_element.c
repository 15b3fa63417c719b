/* SPDX-License-Identifier: Apache-2.0
 * BasicEventElements with a clock in the hand: what is observed, intervals, state, direction, faults.
 */
#include "submodels/event_element.h"

#include "aas/json.h"
#include "base/clock.h"
#include "submodels/service.h"
#include "tests/tap.h"

static struct store *store;
static struct changes *changes;
static struct live *live;
static struct sm_service *service;
static struct arena *arena;
static struct event_trees *trees;
static struct event_elements *elements;
static struct diag diag = DIAG_INIT;
static const struct event_config conf = { .url = "" };
static int64_t place, now;
static char topics[2000], last[4000], updates[2000];

static bool send(void *ctx, const struct event_message *m)
{
	(void)ctx;
	snprintf(topics + strlen(topics), sizeof topics - strlen(topics), "%s ", m->topic);
	snprintf(last, sizeof last, "%.*s", (int)m->payload.n, m->payload.p);
	return true;
}

static void sent(void *ctx, const char *submodel_id, const char *path, int64_t time_us)
{
	(void)ctx;
	(void)time_us;
	snprintf(updates + strlen(updates), sizeof updates - strlen(updates), "%s/%s ", submodel_id, path);
}

static struct sm_session *s_;
#define ONE(call) (sm_begin(service, true, arena, &diag, &s_), end_by(call))
static void end_by(enum err err)
{
	if (err || sm_commit(s_)) {
		char text[300];
		printf("# %s\n", diag_first(&diag, text, sizeof text));
		exit(1);
	}
}

/* Everything that was committed since the last time reaches the elements, at `now`; which topics were sent to. */
static const char *heard(void)
{
	struct store_event *line;
	const struct aas_node *root;
	size_t n, n_events;
	int64_t newest;
	topics[0] = updates[0] = 0;
	if (store->ops->feed(store, place, 100, arena, &line, &n, &newest))
		return "no feed";
	for (size_t i = 0; i < n; i++) {
		struct event *e;
		line[i].recorded_us = now;
		if (event_list(trees, &line[i], arena, &e, &n_events))
			return "no events";
		if (line[i].kind == STORE_SUBMODEL && line[i].operation != STORE_OP_VALUE && (event_tree(trees, &line[i], false, &root) ||
		    event_elements_submodel(elements, now, line[i].id, root)))
			return "not indexed";
		for (size_t k = 0; k < n_events; k++)
			if (event_elements_change(elements, now, trees, &e[k]))
				return "error";
	}
	place = newest;
	return topics;
}

static const char *tick(int64_t at_s)
{
	topics[0] = 0;
	now = at_s * US_PER_S;
	return event_elements_tick(elements, now) ? "error" : topics;
}

static void put(const char *id, const char *body)
{
	struct aas_node *n;
	const char *json = arena_printf(arena, "{\"modelType\":\"Submodel\",\"id\":\"%s\",\"submodelElements\":[%s]}", id, body);
	if (aas_json_read(arena, AAS_Submodel, json, strlen(json), AAS_JSON_DEFAULT, &n, &diag)) {
		char text[300];
		printf("# %s\n", diag_first(&diag, text, sizeof text));
		exit(1);
	}
	ONE(sm_put(s_, STORE_SUBMODEL, id, n, &(bool){ false }));
}

static void patch(const char *path, const char *value)
{
	ONE(sm_value_patch(s_, "urn:d", path, slice_of(value)));
}

#define KEY(type, value) "{\"type\":\"" type "\",\"value\":\"" value "\"}"
#define EVENT(name, keys, rest) "{\"modelType\":\"BasicEventElement\",\"idShort\":\"" name "\",\"observed\":{\"type\":\"ModelReference\",\"keys\":[" keys \
	"]},\"direction\":\"output\",\"state\":\"on\"" rest "}"
#define DATA_KEY KEY("Submodel", "urn:d")
static const char data[] =
	"{\"modelType\":\"SubmodelElementCollection\",\"idShort\":\"M\",\"semanticId\":{\"type\":\"ExternalReference\",\"keys\":["
	KEY("GlobalReference", "urn:sem:m") "]},\"value\":[{\"modelType\":\"Property\",\"idShort\":\"T\",\"valueType\":\"xs:int\",\"value\":\"1\"}]},"
	"{\"modelType\":\"Property\",\"idShort\":\"MM\",\"valueType\":\"xs:int\",\"value\":\"1\"}";

static void test_scope(void)
{
	put("urn:d", data);
	put("urn:e", EVENT("All", DATA_KEY, ",\"messageTopic\":\"t/all\"") "," EVENT("M", DATA_KEY "," KEY("SubmodelElementCollection", "M"), "") ","
		     EVENT("T", DATA_KEY "," KEY("SubmodelElementCollection", "M") "," KEY("Property", "T"), ",\"messageTopic\":\"t/t\""));
	check_str(heard(), "", "what was there before says nothing");
	check_int(event_elements_count(elements), 3, "three are on");
	patch("MM", "2");
	check_str(heard(), "t/all ", "a change of MM is one of the submodel, and not of M");
	check_str(updates, "urn:e/All ", "lastUpdate of who spoke");
	patch("M.T", "2");
	heard();
	check(strstr(topics, "t/all ") && strstr(topics, "t/t ") && strstr(topics, "aas-events/dXJuOmU/M "), "M.T is below all three: %s", topics);
	put("urn:d", data);
	heard();
	check(strstr(topics, "t/t ") && strstr(topics, "dXJuOmU/M "), "the whole submodel was replaced, and M.T is another one: %s", topics);
	struct aas_node *n;
	static const char other[] = "{\"modelType\":\"Property\",\"idShort\":\"MM\",\"valueType\":\"xs:string\"}";
	check(!aas_json_read(arena, AAS_SubmodelElement, other, strlen(other), AAS_JSON_DEFAULT, &n, &diag), "another MM");
	ONE(sm_element_put(s_, "urn:d", "MM", n, &(bool){ false }));
	check_str(heard(), "t/all ", "another element was replaced");
	put("urn:d", data);
	check_str(heard(), "t/all ", "the submodel was replaced, and below M all is as it was");
	ONE(sm_delete(s_, STORE_SUBMODEL, "urn:d"));
	heard();
	check(strstr(topics, "t/all ") && strstr(topics, "t/t "), "it is gone: %s", topics);
	put("urn:d", data);
	heard();
}

static void test_payload(void)
{
	struct aas_node *n = NULL;
	struct slice cloud;
	now = INT64_C(1767225600) * US_PER_S;
	put("urn:e", EVENT("M", DATA_KEY "," KEY("SubmodelElementCollection", "M"), ",\"messageTopic\":\"t/m\",\"semanticId\":{\"type\":"
		     "\"ExternalReference\",\"keys\":[" KEY("GlobalReference", "urn:sem:ev") "]}"));
	heard();
	sm_begin(service, true, arena, &diag, &s_);
	sm_cause(s_, "anna", NULL);
	end_by(sm_value_patch(s_, "urn:d", "M.T", slice_of("7")));
	check_str(heard(), "t/m ", "it speaks");
	check(!aas_json_read(arena, AAS_EventPayload, last, strlen(last), AAS_JSON_DEFAULT, &n, &diag), "an EventPayload by the metamodel: %s", last);
	if (!n)
		return;
	const char *b64 = AAS_AT(n, EventPayload, payload).str;
	check_str(AAS_AT(n, EventPayload, timeStamp).str, "2026-01-01T00:00:00Z", "when");
	check_str(AAS_AT(n, EventPayload, topic).str, "t/m", "where");
	check(strstr(last, "\"source\":{\"type\":\"ModelReference\",\"keys\":[" KEY("Submodel", "urn:e") "," KEY("BasicEventElement", "M") "]}"), "who");
	check(strstr(last, "\"sourceSemanticId\":{\"type\":\"ExternalReference\",\"keys\":[" KEY("GlobalReference", "urn:sem:ev") "]}"), "its meaning");
	check(strstr(last, "\"observableSemanticId\":{\"type\":\"ExternalReference\",\"keys\":[" KEY("GlobalReference", "urn:sem:m") "]}"), "of what");
	check(strstr(last, "\"subjectId\":{\"type\":\"ExternalReference\",\"keys\":[" KEY("GlobalReference", "anna") "]}"), "by whom");
	check(base64_decode(arena, b64, strlen(b64), &cloud) && memmem(cloud.p, cloud.n, "\"data\":7}", 9), "the CloudEvent of the change is in it");
}

static void test_intervals(void)
{
	int64_t t = 2000000000;
	tick(t);
	put("urn:e", EVENT("I", DATA_KEY, ",\"messageTopic\":\"t/i\",\"minInterval\":\"PT10S\",\"maxInterval\":\"PT1M\""));
	heard();
	check_int(event_elements_due(elements), (t + 60) * US_PER_S, "it wants to speak at the end of its maxInterval");
	patch("MM", "10");
	check_str(heard(), "t/i ", "the first change goes at once");
	tick(t + 3);
	patch("MM", "11");
	check_str(heard(), "", "the next one waits for minInterval");
	patch("MM", "12");
	check_str(heard(), "", "so does the one behind");
	check_int(event_elements_due(elements), (t + 10) * US_PER_S, "until then");
	check_str(tick(t + 9), "", "not earlier");
	check_str(tick(t + 10), "t/i ", "one for both");
	char *b64 = strstr(last, "\"payload\":\"") + 11;
	struct slice cloud;
	check(base64_decode(arena, b64, strcspn(b64, "\""), &cloud) && memmem(cloud.p, cloud.n, "\"data\":12}", 10), "the newest");
	check_str(tick(t + 69), "", "silence");
	check_str(tick(t + 70), "t/i ", "maxInterval: it is said again");
	check_int(event_elements_due(elements), (t + 130) * US_PER_S, "and will be again");
	tick(t + 75);
	patch("MM", "13");
	heard();
	put("urn:e", EVENT("I", DATA_KEY, ",\"messageTopic\":\"t/i\",\"minInterval\":\"PT20S\""));
	check_str(heard(), "", "its own submodel changes while something waits");
	check_str(tick(t + 89), "", "the new minInterval counts from what was sent before");
	check_str(tick(t + 90), "t/i ", "and what waited is sent");
	check_int(event_elements_due(elements), INT64_MAX, "no maxInterval, nothing is due");
}

static void test_silent(void)
{
	static const char *const silent[][2] = {
		{ "state off", "{\"modelType\":\"BasicEventElement\",\"idShort\":\"S\",\"observed\":{\"type\":\"ModelReference\",\"keys\":[" DATA_KEY "]},"
		  "\"direction\":\"output\",\"state\":\"off\"}" },
		{ "direction input", "{\"modelType\":\"BasicEventElement\",\"idShort\":\"S\",\"observed\":{\"type\":\"ModelReference\",\"keys\":[" DATA_KEY "]},"
		  "\"direction\":\"input\",\"state\":\"on\"}" },
		{ "a topic with a wildcard", EVENT("S", DATA_KEY, ",\"messageTopic\":\"a/#\"") },
		{ "a topic of the broker's own", EVENT("S", DATA_KEY, ",\"messageTopic\":\"$SYS/x\"") },
	};
	for (size_t i = 0; i < sizeof silent / sizeof *silent; i++) {
		put("urn:e", silent[i][1]);
		patch("MM", i % 2 ? "1" : "2");
		check_str(heard(), "", "%s: silent", silent[i][0]);
		check_int(event_elements_count(elements), 0, "it does not count");
	}
	put("urn:e", EVENT("S", DATA_KEY, ",\"minInterval\":\"P1Y\""));
	heard();
	patch("MM", "5");
	check(*heard() != 0, "an interval of no fixed length is not looked at");
	ONE(sm_delete(s_, STORE_SUBMODEL, "urn:e"));
	patch("MM", "6");
	check_str(heard(), "", "deleted: silent");
}

int main(void)
{
	struct event_elements_ports ports = { .send = send, .sent = sent };
	store = store_mem_new();
	changes = changes_new();
	live = live_new();
	service = sm_service_new(&(struct sm_config){ .store = store, .changes = changes, .live = live });
	arena = arena_new(0);
	trees = event_trees_new(store, 0);
	elements = event_elements_new(&ports, &conf);
	test_scope();
	test_payload();
	test_intervals();
	test_silent();
	event_elements_free(elements);
	event_trees_free(trees);
	arena_free(arena);
	sm_service_free(service);
	live_free(live);
	changes_free(changes);
	store->ops->close(store);
	diag_fini(&diag);
	return done();
}
