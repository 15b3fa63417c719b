/* SPDX-License-Identifier: Apache-2.0
 * From what the service commits to the bytes that go out: every form, over the memory store and its feed.
 */
#include "submodels/event.h"

#include "aas/json.h"
#include "base/clock.h"
#include "submodels/event_feed.h"
#include "submodels/service.h"
#include "tests/blob.h"
#include "tests/tap.h"

static struct store *store;
static struct changes *changes;
static struct live *live;
static struct sm_service *service;
static struct arena *arena;
static struct event_trees *trees;
static struct diag diag = DIAG_INIT;
static struct event_config conf = { .url = "https://plant.example/api/v3" };
static int64_t place;
static char out[20000];

static const char pump[] =
	"{\"modelType\":\"Submodel\",\"idShort\":\"Pump\",\"id\":\"urn:x:pump/1\",\"semanticId\":{\"type\":\"ExternalReference\",\"keys\":["
	"{\"type\":\"GlobalReference\",\"value\":\"urn:sem:pump\"}]},\"submodelElements\":["
	"{\"modelType\":\"Property\",\"idShort\":\"Speed\",\"semanticId\":{\"type\":\"ExternalReference\",\"keys\":[{\"type\":\"GlobalReference\","
	"\"value\":\"urn:sem:speed\"}]},\"valueType\":\"xs:int\",\"value\":\"10\"},"
	"{\"modelType\":\"Property\",\"idShort\":\"Secret\",\"qualifiers\":[{\"type\":\"emptyValueUpdateEvent\",\"valueType\":\"xs:boolean\","
	"\"value\":\"true\"}],\"valueType\":\"xs:string\",\"value\":\"s\"},"
	"{\"modelType\":\"MultiLanguageProperty\",\"idShort\":\"Name\",\"value\":[{\"language\":\"en\",\"text\":\"pump\"}]},"
	"{\"modelType\":\"Range\",\"idShort\":\"Band\",\"valueType\":\"xs:int\",\"min\":\"1\",\"max\":\"9\"},"
	"{\"modelType\":\"File\",\"idShort\":\"Manual\",\"contentType\":\"text/plain\"},"
	"{\"modelType\":\"SubmodelElementCollection\",\"idShort\":\"M\",\"value\":["
	"{\"modelType\":\"Property\",\"idShort\":\"T\",\"valueType\":\"xs:double\",\"value\":\"20.5\"}]},"
	"{\"modelType\":\"SubmodelElementList\",\"idShort\":\"Log\",\"typeValueListElement\":\"Property\",\"valueTypeListElement\":\"xs:int\"}]}";
static const char shell[] =
	"{\"modelType\":\"AssetAdministrationShell\",\"id\":\"urn:shell\",\"assetInformation\":{\"assetKind\":\"Instance\",\"globalAssetId\":\"urn:a\"}}";
static const char reference[] = "{\"type\":\"ModelReference\",\"keys\":[{\"type\":\"Submodel\",\"value\":\"urn:x:pump/1\"}]}";

static struct aas_node *node(unsigned type, const char *json)
{
	struct aas_node *n = NULL;
	if (aas_json_read(arena, type, json, strlen(json), AAS_JSON_DEFAULT, &n, &diag)) {
		char text[300];
		printf("# %s\n", diag_first(&diag, text, sizeof text));
		exit(1);
	}
	return n;
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

static bool note(void *ctx, const struct event_message *m)
{
	(void)ctx;
	size_t n = strlen(out);
	snprintf(out + n, sizeof out - n, "%s%s %.*s", n ? "\n" : "", m->topic, (int)m->payload.n, m->payload.p);
	return true;
}

/* What the form says of everything since the last call, as if it had been recorded at the beginning of 2026. */
static const char *said_by(const char *form)
{
	struct store_event *line;
	size_t n, n_events;
	int64_t newest;
	unsigned set = 0;
	struct event_writer w = { .conf = &conf, .trees = trees, .arena = arena, .emit = note };
	out[0] = 0;
	event_formats_read(form, &set, NULL);
	if (store->ops->feed(store, place, 100, arena, &line, &n, &newest))
		return "no feed";
	for (size_t i = 0; i < n; i++) {
		struct event *e;
		line[i].recorded_us = INT64_C(1767225600500000);
		line[i].position += 100 - place - 1 - (int64_t)i;	/* texts do not depend on what was tested before */
		if (event_list(trees, &line[i], arena, &e, &n_events))
			return "no events";
		for (size_t k = 0; k < n_events; k++)
			for (size_t f = 0; f < EVENT_FORMATS; f++)
				if (set & 1u << f && event_formats[f].write(&w, &e[k]))
					return "error";
	}
	return out;
}

static const char *then(const char *form)
{
	const char *text = said_by(form);
	int64_t oldest;
	event_feed_bounds(store, &oldest, &place);
	return text;
}

#define CLOUD(id, type, source, rest) "noauth {\"specversion\":\"1.0\",\"id\":\"" id "\",\"type\":\"io.admin-shell.events.v1." type "\"," \
	"\"source\":\"https://plant.example/api/v3" source "\",\"time\":\"2026-01-01T00:00:00.5Z\"" rest "}"
#define SCHEMA(class) ",\"dataschema\":\"https://api.swaggerhub.com/domains/Plattform_i40/Part1-MetaModel-Schemas/V3.1.0#/components/schemas/" class "\""
#define DATA(json) ",\"datacontenttype\":\"application/json\",\"data\":" json
#define SM "/submodels/dXJuOng6cHVtcC8x"
#define SEM(id) ",\"semanticid\":\"" id "\""

static void patch(const char *path, const char *value)
{
	ONE(sm_value_patch(s_, "urn:x:pump/1", path, slice_of(value)));
}

static void test_values(void)
{
	char want[2000];
	ONE(sm_create(s_, STORE_SUBMODEL, node(AAS_Submodel, pump)));
	snprintf(want, sizeof want, CLOUD("100-0", "created", SM, SEM("urn:sem:pump") SCHEMA("Submodel") DATA("%s")), pump);
	check_str(said_by("cloudevents"), want, "cloudevents: a submodel was created");
	snprintf(want, sizeof want, "sm-repository/sm-repo/submodels/created %s", pump);
	check_str(said_by("basyx"), want, "basyx");
	snprintf(want, sizeof want, "events/ElementCreateEventMessage {\"@type\":\"ElementCreateEvent\",\"element\":{\"type\":\"ModelReference\",\"keys\":"
		 "[{\"type\":\"Submodel\",\"value\":\"urn:x:pump/1\"}]},\"value\":%s}", pump);
	check_str(then("faaast"), want, "faaast");

	patch("Speed", "21");
	check_str(said_by("cloudevents"), CLOUD("100-0", "valueChanged", SM "/submodel-elements/Speed",
		  SEM("urn:sem:speed") SCHEMA("Property") DATA("21")), "a value, as its type has it");
	check_str(said_by("basyx"), "sm-repository/sm-repo/submodels/dXJuOng6cHVtcC8x/submodelElements/Speed/value/updated {\"modelType\":\"Property\","
		  "\"idShort\":\"Speed\",\"semanticId\":{\"type\":\"ExternalReference\",\"keys\":[{\"type\":\"GlobalReference\",\"value\":\"urn:sem:speed\"}]},"
		  "\"valueType\":\"xs:int\",\"value\":\"21\"}", "basyx: the whole element");
	check(!strncmp(said_by("basyx-legacy"), "sm-repository/sm-repo/submodels/dXJuOng6cHVtcC8x/submodelElements/Speed/updated {", 79),
	      "basyx-legacy: no word of a value");
	check_str(then("faaast"), "events/ValueChangeEventMessage {\"@type\":\"ValueChangeEvent\",\"element\":{\"type\":\"ModelReference\",\"keys\":["
		  "{\"type\":\"Submodel\",\"value\":\"urn:x:pump/1\"},{\"type\":\"Property\",\"value\":\"Speed\"}]},\"oldValue\":{\"modelType\":\"Property\","
		  "\"dataType\":\"xs:int\",\"value\":10},\"newValue\":{\"modelType\":\"Property\",\"dataType\":\"xs:int\",\"value\":21}}", "faaast: both");

	patch("Speed", "21");
	check_str(then("cloudevents,basyx,faaast"), "", "a value that was written and is the same is no event");
	patch("", "{\"Speed\":22,\"M\":{\"T\":21.5},\"Secret\":\"s\"}");
	check_str(said_by("cloudevents"),
		  CLOUD("100-0", "valueChanged", SM "/submodel-elements/M.T", SCHEMA("Property") DATA("21.5")) "\n"
		  CLOUD("100-2", "valueChanged", SM "/submodel-elements/Speed", SEM("urn:sem:speed") SCHEMA("Property") DATA("22")),
		  "three values in one request are two events, for one stayed the same; the index tells them apart");
	then("basyx");
	patch("Secret", "\"t\"");
	check_str(then("basyx"), "sm-repository/sm-repo/submodels/dXJuOng6cHVtcC8x/submodelElements/Secret/value/updated {\"modelType\":\"Property\","
		  "\"idShort\":\"Secret\",\"qualifiers\":[{\"type\":\"emptyValueUpdateEvent\",\"valueType\":\"xs:boolean\",\"value\":\"true\"}],"
		  "\"valueType\":\"xs:string\"}", "emptyValueUpdateEvent: the value stays at home");
	patch("Name", "[{\"de\":\"Pumpe\"}]");
	check_str(said_by("cloudevents"), CLOUD("100-0", "valueChanged", SM "/submodel-elements/Name", SCHEMA("MultiLanguageProperty")
		  DATA("[{\"de\":\"Pumpe\"}]")), "a text in languages");
	check(strstr(then("faaast"), "\"oldValue\":{\"modelType\":\"MultiLanguageProperty\",\"value\":[{\"en\":\"pump\"}]},\"newValue\":{\"modelType\":"
				     "\"MultiLanguageProperty\",\"value\":[{\"de\":\"Pumpe\"}]}}"), "faaast knows both: %s", out);
	patch("Band", "{\"min\":2,\"max\":9}");
	check(strstr(then("faaast"), "\"oldValue\":{\"modelType\":\"Range\",\"min\":{\"dataType\":\"xs:int\",\"value\":1},\"max\":{\"dataType\":\"xs:int\","
				     "\"value\":9}},\"newValue\":{\"modelType\":\"Range\",\"min\":{\"dataType\":\"xs:int\",\"value\":2},"), "and of a range: %s", out);
}

static void test_elements(void)
{
	const char *path;
	ONE(sm_element_post(s_, "urn:x:pump/1", "Log", node(AAS_SubmodelElement, "{\"modelType\":\"Property\",\"valueType\":\"xs:int\",\"value\":\"1\"}"),
			    &path));
	check_str(said_by("cloudevents"), CLOUD("100-0", "created", SM "/submodel-elements/Log%5B0%5D", SCHEMA("Property")
		  DATA("{\"modelType\":\"Property\",\"valueType\":\"xs:int\",\"value\":\"1\"}")), "an item of a list: the path is encoded");
	check_str(then("basyx"), "sm-repository/sm-repo/submodels/dXJuOng6cHVtcC8x/submodelElements/Log[0]/created "
		  "{\"modelType\":\"Property\",\"valueType\":\"xs:int\",\"value\":\"1\"}", "and is as it is in a topic");
	ONE(sm_element_delete(s_, "urn:x:pump/1", "Log[0]"));
	check_str(said_by("cloudevents"), CLOUD("100-0", "deleted", SM "/submodel-elements/Log%5B0%5D", SCHEMA("Property")), "deleted: nothing to show");
	check_str(then("basyx"), "sm-repository/sm-repo/submodels/dXJuOng6cHVtcC8x/submodelElements/Log[0]/deleted "
		  "{\"modelType\":\"Property\",\"valueType\":\"xs:int\",\"value\":\"1\"}", "basyx shows what it was");
	const struct store_blob hello = { "text/plain", "a.txt", SLICE("hello") };
	const struct sm_upload file = upload_of(&hello, &hello.bytes);
	ONE(sm_file_put(s_, "urn:x:pump/1", "Manual", &file));
	check(strstr(then("basyx"), "/submodelElements/Manual/attachment/updated {\"modelType\":\"File\""), "an attachment: %s", out);
	ONE(sm_file_delete(s_, "urn:x:pump/1", "Manual"));
	check(strstr(then("basyx"), "/submodelElements/Manual/attachment/deleted {\"modelType\":\"File\""), "it is gone: %s", out);
	conf.slim = true;
	patch("Speed", "30");
	check_str(said_by("cloudevents"), CLOUD("100-0", "valueChanged", SM "/submodel-elements/Speed", SEM("urn:sem:speed") SCHEMA("Property")), "slim");
	conf.slim = false;
	conf.payload_max = 8;
	ONE(sm_element_put(s_, "urn:x:pump/1", "Speed", node(AAS_SubmodelElement, "{\"modelType\":\"Property\",\"idShort\":\"Speed\",\"valueType\":"
			   "\"xs:int\",\"value\":\"1\"}"), &(bool){ false }));
	place++;
	check_str(said_by("cloudevents"), CLOUD("100-0", "updated", SM "/submodel-elements/Speed", SCHEMA("Property")), "too large: as if slim");
	check_str(said_by("basyx"), "sm-repository/sm-repo/submodels/dXJuOng6cHVtcC8x/submodelElements/Speed/updated ", "basyx: nothing, rather than a part");
	conf.payload_max = 0;
	then("basyx");
}

static void test_shells(void)
{
	char want[1000];
	ONE(sm_create(s_, STORE_SHELL, node(AAS_AssetAdministrationShell, shell)));
	snprintf(want, sizeof want, "aas-repository/aas-repo/shells/created %s", shell);
	check_str(then("basyx"), want, "a shell");
	ONE(sm_ref_post(s_, "urn:shell", node(AAS_Reference, reference)));
	snprintf(want, sizeof want, "aas-repository/aas-repo/shells/submodels/dXJuOng6cHVtcC8x/created %.*s,\"submodels\":[%s]}\n"
		 "aas-repository/aas-repo/shells/dXJuOnNoZWxs/submodelReferences/created %s", (int)strlen(shell) - 1, shell, reference, reference);
	check_str(said_by("basyx"), want, "it got a submodel");
	snprintf(want, sizeof want, "aas-repository/aas-repo/shells/submodels/urn:x:pump/1/created %.*s,\"submodels\":[%s]}\n"
		 "aas-repository/aas-repo/shells/urn:shell/submodelReferences/created %s", (int)strlen(shell) - 1, shell, reference, reference);
	check_str(then("basyx-legacy"), want, "basyx-legacy: ids as they are");
	ONE(sm_asset_put(s_, "urn:shell", node(AAS_AssetInformation, "{\"assetKind\":\"Type\",\"globalAssetId\":\"urn:b\"}")));
	check_str(then("basyx"), "aas-repository/aas-repo/shells/dXJuOnNoZWxs/assetInformation/updated {\"assetKind\":\"Type\",\"globalAssetId\":\"urn:b\"}",
		  "its asset");
	ONE(sm_ref_delete(s_, "urn:shell", "urn:x:pump/1"));
	check(strstr(then("basyx"), "shells/submodels/dXJuOng6cHVtcC8x/deleted {"), "it lost a submodel");
	ONE(sm_put(s_, STORE_SHELL, "urn:shell", node(AAS_AssetAdministrationShell, shell), &(bool){ false }));
	then("basyx");
	ONE(sm_delete(s_, STORE_SHELL, "urn:shell"));
	snprintf(want, sizeof want, "aas-repository/aas-repo/shells/deleted %s", shell);
	check_str(said_by("basyx"), want, "it is gone");
	check_str(then("cloudevents"), CLOUD("100-0", "deleted", "/shells/dXJuOnNoZWxs", SCHEMA("AssetAdministrationShell")), "cloudevents");
	conf.aas_repository = "a/b+c#d";
	ONE(sm_create(s_, STORE_SHELL, node(AAS_AssetAdministrationShell, shell)));
	check(strstr(then("basyx"), "aas-repository/a%2Fb%2Bc%23d/shells/created {"), "what would be levels and wildcards of a topic is not");
	conf.aas_repository = NULL;
	ONE(sm_create(s_, STORE_CONCEPT, node(AAS_ConceptDescription, "{\"modelType\":\"ConceptDescription\",\"id\":\"urn:cd\"}")));
	check_str(said_by("basyx"), "", "basyx says nothing of concept descriptions");
	check(strstr(then("cloudevents"), "/concept-descriptions/dXJuOmNk"), "cloudevents does");
}

static void test_names(void)
{
	int64_t position;
	size_t index;
	unsigned set;
	check(event_id_read("17-3", 4, &position, &index) && position == 17 && index == 3, "an id");
	check(event_id_read("17", 2, &position, &index) && position == 17 && index == SIZE_MAX, "a place");
	static const char *const bad[] = { "", "-", "17-", "-1", "x", "17-x", "1 7", "99999999999999999999", "17-99999999999999999999", "0-0", "17-3-4" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		check(!event_id_read(bad[i], strlen(bad[i]), &position, &index), "\"%s\" is none", bad[i]);
	check(!event_formats_read("basyx,cloudevents", &set, NULL) && set == 3, "a list of forms");
	check(!event_formats_read("none", &set, NULL) && !set, "none");
	check(event_formats_read("basyx,", &set, &diag) == ERR_BAD_REQUEST && strstr(diag.list[0].text, "\"\" is no form"), "a comma too many");
	check(event_formats_read("basics", &set, NULL) == ERR_BAD_REQUEST, "a word that is none");
}

/* -- reading with a cursor ------------------------------------------------------------------------------------------------------- */

static bool collect(void *ctx, const char *cursor, struct slice cloud)
{
	size_t n = strlen(out);
	(void)ctx;
	snprintf(out + n, sizeof out - n, "%s ", cursor);
	return cloud.n > 0;
}

static void test_reader(void)
{
	struct event_reader *r = event_reader_new(store, &conf);
	int64_t oldest, base, newest, since;
	struct event_filter all = { 0 }, values = { .types = 1u << EVENT_VALUE, .kinds = 1u << STORE_SUBMODEL }, other = { .id = "urn:other" };
	char want[100], cursor[EVENT_CURSOR_MAX];
	event_feed_bounds(store, &oldest, &base);
	check_int(oldest, 0, "the feed reaches back to its beginning");
	patch("", "{\"Speed\":40,\"M\":{\"T\":41}}");
	patch("Speed", "42");
	struct event_cursor at = { base, SIZE_MAX };
	out[0] = 0;
	check_int(event_reader_read(r, &at, &all, 1, 100, &newest, collect, NULL), ERR_OK, "one event");
	event_cursor_write(&at, cursor);
	snprintf(want, sizeof want, "%lld-0", (long long)base + 1);
	check_str(cursor, want, "the cursor stands inside of a line");
	event_reader_read(r, &at, &all, 100, 100, &newest, collect, NULL);
	snprintf(want, sizeof want, "%lld-0 %lld-1 %lld-0 ", (long long)base + 1, (long long)base + 1, (long long)base + 2);
	check_str(out, want, "and goes on there: nothing twice, nothing left out");
	check_int(at.position, newest, "until the end");
	out[0] = 0;
	event_reader_renew(r);
	event_reader_read(r, &at, &all, 100, 100, &newest, collect, NULL);
	check_str(out, "", "where there is nothing");
	at = (struct event_cursor){ 0, SIZE_MAX };
	event_reader_read(r, &at, &other, 100, 3, &newest, collect, NULL);
	check(!out[0] && at.position == 3, "a filter that leaves all out moves the cursor, as far as one call may look");
	at = (struct event_cursor){ base - 3, SIZE_MAX };
	event_reader_read(r, &at, &values, 100, 100, &newest, collect, NULL);
	check_str(out, want, "only values of submodels");
	at = (struct event_cursor){ newest + 1, SIZE_MAX };
	check_int(event_reader_read(r, &at, &all, 1, 1, &newest, collect, NULL), ERR_GONE, "a cursor of another feed");
	check(!event_feed_since(store, clock_now_us() + US_PER_S, &since) && since == newest, "since later: only what comes");
	check(!event_feed_since(store, 0, &since) && since == 0, "since ever: all");
	event_reader_free(r);
}

int main(void)
{
	store = store_mem_new();
	changes = changes_new();
	live = live_new();
	service = sm_service_new(&(struct sm_config){ .store = store, .changes = changes, .live = live });
	arena = arena_new(0);
	trees = event_trees_new(store, 0);
	test_values();
	test_elements();
	test_shells();
	test_names();
	test_reader();
	event_trees_free(trees);
	arena_free(arena);
	sm_service_free(service);
	live_free(live);
	changes_free(changes);
	store->ops->close(store);
	diag_fini(&diag);
	return done();
}
