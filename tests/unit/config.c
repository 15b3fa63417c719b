/* SPDX-License-Identifier: Apache-2.0 - a TwinEngine submodel read into structs, with all its faults named. */
#include "twin_engine/config.h"

#include <math.h>

#include "aas/json.h"
#include "base/clock.h"
#include "tests/tap.h"

#define SEMANTICS "\"semanticId\":{\"type\":\"ExternalReference\",\"keys\":[{\"type\":\"GlobalReference\",\"value\":\"" TWIN_SEMANTIC_ID "\"}]}"
#define PROP(name, type, value) "{\"modelType\":\"Property\",\"idShort\":\"" name "\",\"valueType\":\"xs:" type "\",\"value\":\"" value "\"}"
#define SMC(name, items) "{\"modelType\":\"SubmodelElementCollection\",\"idShort\":\"" name "\",\"value\":[" items "]}"
#define REF(name, sm, el) "{\"modelType\":\"ReferenceElement\",\"idShort\":\"" name "\",\"value\":{\"type\":\"ModelReference\",\"keys\":[" \
	"{\"type\":\"Submodel\",\"value\":\"" sm "\"}" el "]}}"
#define EL(name) ",{\"type\":\"Property\",\"value\":\"" name "\"}"
#define TWIN(items) "{\"modelType\":\"Submodel\",\"id\":\"urn:t\",\"idShort\":\"TwinEngine\"," SEMANTICS ",\"submodelElements\":[" items "]}"

static struct arena *arena;
static struct twin_setup setup;
static struct diag faults = DIAG_INIT;

static const struct aas_node *tree(const char *json)
{
	struct aas_node *n = NULL;
	struct diag d = DIAG_INIT;
	char why[400];
	if (aas_json_read(arena, AAS_Submodel, json, strlen(json), 0, &n, &d)) {
		printf("Bail out! %s\n", diag_first(&d, why, sizeof why));
		exit(1);
	}
	diag_fini(&d);
	return n;
}

static enum err read(const char *json)
{
	diag_clear(&faults);
	return twin_setup_read(arena, tree(json), &setup, &faults);
}

static bool named(const char *path, const char *text)
{
	for (unsigned i = 0; i < faults.n; i++)
		if (str_eq(faults.list[i].path, path) && strstr(faults.list[i].text, text))
			return true;
	for (unsigned i = 0; i < faults.n; i++)
		printf("# %s: %s\n", faults.list[i].path, faults.list[i].text);
	return false;
}

static void test_whole(void)
{
	static const char json[] = TWIN(PROP("Mode", "string", "approve") ","
		SMC("Connection", "{\"modelType\":\"Property\",\"idShort\":\"State\",\"valueType\":\"xs:string\"}") ","
		SMC("Links", SMC("Speed", PROP("TopicFilter", "string", "p/+/t") "," PROP("Selector", "string", "/a~1b/0") ","
			PROP("TimeSelector", "string", "/ts") "," REF("Target", "urn:op", EL("Speed")) "," PROP("Unit", "string", "rpm") ","
			PROP("Scale", "double", "0.1") "," PROP("Offset", "double", "-4") "," PROP("DeadBand", "double", "0.5") ","
			PROP("StaleAfter", "duration", "PT1M") "," PROP("Writable", "boolean", "true") "," PROP("WriteTopic", "string", "w") ","
			PROP("History", "boolean", "false") "," PROP("Max", "double", "9")) ","
			SMC("Set", REF("Target", "urn:op", EL("Set")) "," PROP("Writable", "boolean", "1"))) ","
		SMC("Model", SMC("Parameters", PROP("ShutoffHead", "double", "55") "," PROP("SpeedMax", "double", "1600") ","
			PROP("ExpectedLife", "double", "100")) "," SMC("Inputs", REF("speed", "urn:op", EL("Speed")) "," REF("flow", "urn:op", EL("Flow"))) ","
			PROP("Kind", "string", "pump") "," REF("Prediction", "urn:pm", "")) ","
		SMC("Commands", PROP("Topic", "string", "p/cmd/{operation}") "," PROP("Timeout", "duration", "PT2.5S")) ","
		"{\"modelType\":\"Operation\",\"idShort\":\"Start\"}," SMC("More", "{\"modelType\":\"Operation\",\"idShort\":\"Stop\"}"));
	const struct model_param *info;
	read(json);
	check(faults.n == 1 && named("More", "not known"), "only what is unknown is a fault");
	check_int(setup.mode, TWIN_APPROVE, "mode");
	check_int(setup.n_links, 2, "two links");
	const struct setup_link *l = &setup.link[0];
	check_str(l->topic_filter, "p/+/t", "filter");
	check(l->selector.n == 2 && slice_is(l->selector.step[0], "a/b") && l->has_time, "selectors are taken apart");
	check_str(l->target.submodel_id, "urn:op", "target's submodel");
	check_str(l->target.path, "Speed", "target's path");
	check(l->scale == 0.1 && l->offset == -4 && l->dead_band == 0.5 && isnan(l->min) && l->max == 9, "numbers");
	check(l->stale_us == 60 * US_PER_S && l->writable && !l->history, "duration and flags");
	check(!setup.link[1].topic_filter && setup.link[1].writable && setup.link[1].history && setup.link[1].scale == 1, "a link that only writes");
	check(setup.kind && str_eq(setup.kind->name, "pump") && setup.n_inputs == 2, "model and inputs");
	check(setup.param[model_param_find(setup.kind, "ShutoffHead", &info)] == 55, "a parameter of the kind");
	check(setup.param[model_param_find(setup.kind, "ExpectedLife", &info)] == 100, "a parameter common to all");
	check(setup.param[model_param_find(setup.kind, "RatedSpeed", &info)] == 1450, "a default");
	check(setup.n_limits == 1 && str_eq(setup.limit[0].name, "Speed") && setup.limit[0].max == 1600 && isnan(setup.limit[0].min), "a limit");
	check_str(setup.prediction_id, "urn:pm", "prediction");
	check_int(setup.command_timeout_us, 2500000, "time-out");
	check_str(twin_setup_topic(arena, setup.command_topic, "Start"), "p/cmd/Start", "command topic");
	check(setup.n_operations == 2 && str_eq(setup.operation[0], "Start") && str_eq(setup.operation[1], "More.Stop"), "operations at any depth");
}

static void test_faults(void)
{
	static const char good[] = SMC("Good", PROP("TopicFilter", "string", "g") "," REF("Target", "urn:op", EL("G")));
	static const struct {
		const char *link, *path, *text;
	} row[] = {
		{ PROP("TopicFilter", "string", "a/#/b") "," REF("Target", "urn:op", EL("S")), "Links.Bad.TopicFilter", "not the whole last level" },
		{ REF("Target", "urn:op", EL("S")), "Links.Bad", "no TopicFilter" },
		{ PROP("TopicFilter", "string", "a"), "Links.Bad", "no Target" },
		{ PROP("TopicFilter", "string", "a") "," REF("Target", "urn:op", ""), "Links.Bad", "must name an element" },
		{ PROP("TopicFilter", "string", "a") "," PROP("Target", "string", "urn:op"), "Links.Bad.Target", "ReferenceElement" },
		{ PROP("TopicFilter", "string", "a") "," PROP("Selector", "string", "speed") "," REF("Target", "urn:op", EL("S")), "Links.Bad.Selector", "begins with /" },
		{ PROP("TopicFilter", "string", "a") "," PROP("TimeSelector", "string", "~") "," REF("Target", "urn:op", EL("S")), "Links.Bad.TimeSelector", "begins with /" },
		{ PROP("TopicFilter", "string", "a") "," PROP("Scale", "string", "fast") "," REF("Target", "urn:op", EL("S")), "Links.Bad.Scale", "not a number" },
		{ PROP("TopicFilter", "string", "a") "," PROP("Scale", "double", "0") "," REF("Target", "urn:op", EL("S")), "Links.Bad", "Scale is 0" },
		{ PROP("TopicFilter", "string", "a") "," PROP("DeadBand", "double", "-1") "," REF("Target", "urn:op", EL("S")), "Links.Bad.DeadBand", "negative" },
		{ PROP("TopicFilter", "string", "a") "," PROP("StaleAfter", "string", "5 s") "," REF("Target", "urn:op", EL("S")), "Links.Bad.StaleAfter", "not a duration" },
		{ PROP("TopicFilter", "string", "a") "," PROP("Writable", "string", "yes") "," REF("Target", "urn:op", EL("S")), "Links.Bad.Writable", "neither true nor false" },
		{ PROP("TopicFilter", "string", "a") "," PROP("WriteTopic", "string", "a/+") "," REF("Target", "urn:op", EL("S")), "Links.Bad.WriteTopic", "wildcard" },
	};
	char json[4000];
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		snprintf(json, sizeof json, "%s%s%s%s%s", "{\"modelType\":\"Submodel\",\"id\":\"urn:t\"," SEMANTICS ",\"submodelElements\":["
			 PROP("Mode", "string", "act") ",{\"modelType\":\"SubmodelElementCollection\",\"idShort\":\"Links\",\"value\":["
			 "{\"modelType\":\"SubmodelElementCollection\",\"idShort\":\"Bad\",\"value\":[", row[i].link, "]},", good, "]}]}");
		check(read(json) == ERR_BAD_REQUEST && faults.n == 1 && named(row[i].path, row[i].text), "%s: %s", row[i].path, row[i].text);
		check(setup.n_links == 1 && str_eq(setup.link[0].name, "Good"), "the good one is bound all the same");
	}
}

static void test_others(void)
{
	check(read(TWIN(PROP("Mode", "string", "dance"))) && named("Mode", "none of shadow") && setup.mode == TWIN_SHADOW, "an unknown mode is shadow");
	check(read(TWIN("{\"modelType\":\"Operation\",\"idShort\":\"A\"}")) && named("Mode", "is missing") && setup.mode == TWIN_SHADOW, "a missing mode, too");
#define MODEL(items) TWIN(PROP("Mode", "string", "act") "," SMC("Model", items))
	check(read(MODEL(PROP("Kind", "string", "rocket"))) && named("Model.Kind", "no model of kind") && !setup.kind, "an unknown kind");
	check(read(MODEL(PROP("Kind", "string", "pump") "," SMC("Inputs", REF("speed", "urn:op", EL("S"))))) && named("Model", "flow is missing") && !setup.kind,
	      "a required input is missing: no model");
#define INPUTS SMC("Inputs", REF("speed", "urn:op", EL("S")) "," REF("flow", "urn:op", EL("F")) "," REF("colour", "urn:op", EL("C")))
	check(read(MODEL(PROP("Kind", "string", "pump") "," INPUTS)) && named("Model.Inputs.colour", "no such input") && setup.kind && setup.n_inputs == 2,
	      "an input too many");
	check(read(MODEL(PROP("Kind", "string", "pump") "," INPUTS "," SMC("Parameters", PROP("RatedSpeed", "double", "-1") "," PROP("Wings", "double", "2")))) &&
	      named("Model.Parameters.RatedSpeed", "outside") && named("Model.Parameters.Wings", "no such parameter") && setup.kind, "parameters");
	check(read(TWIN(PROP("Mode", "string", "act") "," SMC("Commands", PROP("Topic", "string", "a/#") "," PROP("Timeout", "duration", "-PT5S")))) &&
	      named("Commands.Topic", "wildcard") && named("Commands.Timeout", "duration") && !setup.command_topic && setup.command_timeout_us == 5000000,
	      "commands");
	check(twin_setup_is(tree(TWIN(PROP("Mode", "string", "act")))), "a twin is known by its semanticId");
	check(!twin_setup_is(tree("{\"modelType\":\"Submodel\",\"id\":\"urn:t\",\"idShort\":\"TwinEngine\"}")), "and not by its idShort");
	check(!twin_setup_is(tree("{\"modelType\":\"Submodel\",\"id\":\"urn:t\",\"kind\":\"Template\"," SEMANTICS "}")), "a template is none");
}

int main(void)
{
	arena = arena_new(0);
	test_whole();
	test_faults();
	test_others();
	diag_fini(&faults);
	arena_free(arena);
	return done();
}
