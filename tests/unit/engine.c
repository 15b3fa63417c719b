/* SPDX-License-Identifier: Apache-2.0 - the engine's ports and bounds; its behaviour is told by tests/twin. */
#include "twin_engine/engine.h"

#include <math.h>
#include <time.h>

#include "aas/json.h"
#include "base/buf.h"
#include "base/clock.h"
#include "tests/tap.h"

#define T0 (INT64_C(1767225600) * US_PER_S)

struct world {
	struct arena *arena;
	int subscribed, wanted, samples, live, commands, outcomes, bad;
	char filter[100], want[100], value[100];
	uint64_t position;
};

static void on_filter(void *ctx, const char *filter)
{
	struct world *w = ctx;
	w->subscribed++;
	snprintf(w->filter, sizeof w->filter, "%s", filter);
}

static void off_filter(void *ctx, const char *filter)
{
	(void)filter;
	((struct world *)ctx)->subscribed--;
}

static bool on_publish(void *ctx, const struct engine_publish *p)
{
	(void)ctx;
	return p->n > 0;
}

static void on_sample(void *ctx, const struct engine_sample *s)
{
	struct world *w = ctx;
	w->samples++;
	w->position = s->position;
	w->bad += !s->submodel_id || !s->path || !s->text;
}

static void on_live(void *ctx, const char *id, const char *path, const char *text, enum quality q, int64_t t)
{
	struct world *w = ctx;
	w->live++;
	w->bad += q > QUALITY_BAD || t == 0;
	if (str_eq(id, "urn:op") && str_eq(path, "E0"))
		snprintf(w->value, sizeof w->value, "%s", text ? text : "-");
}

static void on_command(void *ctx, const struct store_command *c)
{
	struct world *w = ctx;
	w->commands++;
	w->bad += !c->id || !c->topic || !c->payload || !c->reason || !c->mode || strlen(c->id) != 36;
}

static void on_outcome(void *ctx, uint64_t ticket, const struct engine_outcome *o)
{
	struct world *w = ctx;
	w->outcomes++;
	w->bad += ticket == 0 || o->state > EXECUTION_CANCELED;
}

static void on_provide(void *ctx, const char *twin_id, struct aas_node *sm)
{
	(void)ctx, (void)twin_id, (void)sm;
}

static void on_want(void *ctx, const char *id)
{
	struct world *w = ctx;
	w->wanted++;
	snprintf(w->want, sizeof w->want, "%s", id);
}

static void new_id(void *ctx, char out[UUID_SIZE])
{
	(void)ctx;
	uuid_v7(out);
}

static const struct aas_node *tree(struct world *w, const char *json)
{
	struct aas_node *n = NULL;
	struct diag d = DIAG_INIT;
	char why[300];
	if (aas_json_read(w->arena, AAS_Submodel, json, strlen(json), 0, &n, &d)) {
		printf("Bail out! %s\n", diag_first(&d, why, sizeof why));
		exit(1);
	}
	return n;
}

static const struct aas_node *plain(struct world *w, int n)
{
	struct buf b = BUF_INIT;
	buf_puts(&b, "{\"modelType\":\"Submodel\",\"id\":\"urn:op\",\"submodelElements\":[");
	for (int i = 0; i < n; i++)
		buf_printf(&b, "%s{\"modelType\":\"Property\",\"idShort\":\"E%d\",\"valueType\":\"xs:double\"}", i ? "," : "", i);
	buf_puts(&b, "]}");
	const struct aas_node *t = tree(w, b.p);
	buf_fini(&b);
	return t;
}

/* A twin with n links, on one topic or on as many; each picks its own member. */
static const struct aas_node *twin_on(struct world *w, const char *id, int n, bool own_topics)
{
#define TEXT(name, fmt) "{\"modelType\":\"Property\",\"idShort\":\"" name "\",\"valueType\":\"xs:string\",\"value\":\"" fmt "\"}"
	struct buf b = BUF_INIT;
	buf_printf(&b, "{\"modelType\":\"Submodel\",\"id\":\"%s\",\"semanticId\":{\"type\":\"ExternalReference\",\"keys\":[{\"type\":"
		   "\"GlobalReference\",\"value\":\"https://twinshell.org/submodel/TwinEngine/1/0\"}]},\"submodelElements\":[" TEXT("Mode", "act") ","
		   "{\"modelType\":\"Operation\",\"idShort\":\"Start\"},"
		   "{\"modelType\":\"SubmodelElementCollection\",\"idShort\":\"Commands\",\"value\":[" TEXT("Topic", "cmd/{operation}") "]},"
		   "{\"modelType\":\"SubmodelElementCollection\",\"idShort\":\"Links\",\"value\":[", id);
	for (int i = 0; i < n; i++) {
		char filter[20] = "+";
		if (own_topics)
			snprintf(filter, sizeof filter, "%d", i);
		buf_printf(&b, "%s{\"modelType\":\"SubmodelElementCollection\",\"idShort\":\"L%d\",\"value\":[" TEXT("TopicFilter", "p/%s") ","
			   TEXT("Selector", "/e%d") "," TEXT("TimeSelector", "/ts") ",{\"modelType\":\"ReferenceElement\",\"idShort\":\"Target\","
			   "\"value\":{\"type\":\"ModelReference\",\"keys\":[{\"type\":\"Submodel\",\"value\":\"urn:op\"},{\"type\":\"Property\","
			   "\"value\":\"E%d\"}]}}]}", i ? "," : "", i, filter, i, i);
	}
	buf_puts(&b, "]}]}");
	const struct aas_node *t = tree(w, b.p);
	buf_fini(&b);
	return t;
}

static const struct aas_node *twin(struct world *w, const char *id, int n)
{
	return twin_on(w, id, n, false);
}

static struct engine *engine_with(struct world *w, bool want)
{
	struct engine_ports ports = { w, on_filter, off_filter, on_publish, on_sample, on_live, on_command, on_outcome, on_provide, new_id,
				      want ? on_want : NULL };
	*w = (struct world){ .arena = arena_new(0) };
	return engine_new(&ports);
}

static void say(struct engine *e, int64_t now, const char *topic, const char *payload)
{
	engine_message(e, now, &(struct engine_message){ topic, payload, strlen(payload), NULL, .position = (uint64_t)now });
}

static void test_memory_of_submodels(void)
{
	struct world w;
	struct engine *e = engine_with(&w, true);
	engine_submodel(e, T0, "urn:op", plain(&w, 1));
	engine_submodel(e, T0, "urn:t", twin(&w, "urn:t", 1));
	check(w.wanted == 1 && str_eq(w.want, "urn:op"), "what was told before somebody referred to it is asked for");
	say(e, T0, "p/1", "{\"e0\":1,\"ts\":1767225600}");
	check_int(w.samples, 0, "until then nothing is taken");
	engine_submodel(e, T0, "urn:op", plain(&w, 1));
	say(e, T0 + 1, "p/1", "{\"e0\":1,\"ts\":1767225600}");
	check_int(w.samples, 1, "afterwards it is");
	check_int(w.position, T0 + 1, "with its position in the spool");
	engine_submodel(e, T0, "urn:op", NULL);
	say(e, T0 + 2, "p/1", "{\"e0\":1,\"ts\":1767225601}");
	check_int(w.samples, 1, "a deleted target takes nothing");
	engine_submodel(e, T0, "urn:t", twin(&w, "urn:t", 1));
	check_int(w.wanted, 1, "what is referred to all the time is not asked for again");
	engine_free(e);
	arena_free(w.arena);
	e = engine_with(&w, false);
	engine_submodel(e, T0, "urn:op", plain(&w, 1));
	engine_submodel(e, T0, "urn:t", twin(&w, "urn:t", 1));
	say(e, T0, "p/1", "{\"e0\":1,\"ts\":1767225600}");
	check_int(w.samples, 1, "without the port everything is remembered");
	engine_free(e);
	arena_free(w.arena);
}

static void test_subscriptions(void)
{
	struct world w;
	struct engine *e = engine_with(&w, true);
	engine_set_response_topic(e, "answers");
	check(w.subscribed == 1 && str_eq(w.filter, "answers"), "the response topic");
	engine_submodel(e, T0, "urn:a", twin(&w, "urn:a", 20));
	engine_submodel(e, T0, "urn:b", twin(&w, "urn:b", 20));
	check_int(w.subscribed, 3, "forty links on one filter subscribe once, and one acknowledgement topic");
	engine_submodel(e, T0, "urn:a", twin(&w, "urn:a", 10));
	engine_submodel(e, T0, "urn:b", NULL);
	check_int(w.subscribed, 3, "as long as one is left");
	engine_submodel(e, T0, "urn:a", plain(&w, 1));
	check_int(w.subscribed, 1, "a submodel that is no twin any more is unbound");
	struct engine_stats s;
	engine_stats(e, &s);
	check(s.twins == 0 && s.links == 0, "and counted so");
	engine_free(e);
	arena_free(w.arena);
}

static void test_invoke(void)
{
	struct world w;
	struct engine *e = engine_with(&w, true);
	struct diag d = DIAG_INIT;
	engine_submodel(e, T0, "urn:t", twin(&w, "urn:t", 1));
	struct sm_invocation inv = { "urn:t", "Start", NULL, NULL, NULL, 1, NULL, NULL };
	check(engine_invoke(e, T0, 1, &inv, &d) == ERR_OK, "an operation of a twin");
	inv.path = "Stop";
	check(engine_invoke(e, T0, 2, &inv, &d) == ERR_NOT_SUPPORTED, "one it does not have");
	inv.submodel_id = "urn:other";
	check(engine_invoke(e, T0, 3, &inv, &d) == ERR_NOT_SUPPORTED, "one of nobody");
	check_int(w.outcomes, 0, "it waits");
	check_int(engine_due(e) <= T0 + 50000, 1, "and a tick is due");
	engine_tick(e, T0 + 10);
	check_int(w.outcomes, 1, "the caller's time-out is shorter than the twin's");
	for (int i = 0; i < 5000; i++) {
		inv = (struct sm_invocation){ "urn:t", "Start", NULL, NULL, NULL, 60 * US_PER_S, NULL, NULL };
		engine_invoke(e, T0 + 20, 10 + (uint64_t)i, &inv, NULL);
	}
	check(w.outcomes > 800 && w.outcomes < 1000, "waiting commands are bounded: %d refused at once", w.outcomes - 1);
	say(e, T0 + 30, "cmd/Start/ack", "garbage");
	say(e, T0 + 30, "cmd/Start/ack", "{\"id\":5}");
	struct engine_stats s;
	engine_stats(e, &s);
	check_int(s.stray_answers, 2, "answers nobody waits for are counted");
	engine_free(e);
	check_int(w.bad, 0, "every port was called with what it needs");
	diag_fini(&d);
	arena_free(w.arena);
}

static double spent(struct engine *e, int n, int messages)
{
	static int tick;
	clock_t from = clock();
	for (int k = 0; k < messages; k++) {
		char topic[40], text[80];
		snprintf(topic, sizeof topic, "p/%d", k % n);
		snprintf(text, sizeof text, "{\"e%d\":%d,\"ts\":%lld}", k % n, k, (long long)T0 / 1000 + ++tick);
		say(e, T0 + k, topic, text);	/* all in one instant of the status interval */
	}
	return (double)(clock() - from);
}

/* One topic and link of thousands is found, not searched for; and they are bound in no more than a moment. */
static void test_many_links(void)
{
	struct world w[2];
	struct engine *e[2];
	double cost[2] = { INFINITY, INFINITY };
	int n[2] = { 20, 2000 };
	for (int i = 0; i < 2; i++) {
		e[i] = engine_with(&w[i], true);
		engine_submodel(e[i], T0, "urn:op", plain(&w[i], n[i]));
		engine_submodel(e[i], T0, "urn:t", twin_on(&w[i], "urn:t", n[i], true));
		engine_submodel(e[i], T0, "urn:op", plain(&w[i], n[i]));
		check_int(w[i].subscribed, n[i] + 1, "%d links on as many topics", n[i]);
	}
	for (int round = 0; round < 3; round++)
		for (int i = 0; i < 2; i++)
			cost[i] = fmin(cost[i], spent(e[i], n[i], 4000));
	check(w[0].samples == 12000 && w[1].samples == 12000, "every message is a sample");
	printf("# %.2f us for a message among %d links, %.2f us among %d\n", cost[0] / 4000, n[0], cost[1] / 4000, n[1]);
	check(cost[1] < 20 * cost[0], "a hundred times as many links cost less than twenty times as much");
	clock_t from = clock();
	engine_value(e[1], T0 + US_PER_S, "urn:t", "Mode", "shadow");
	printf("# %.1f ms to bind 2000 links anew\n", (double)(clock() - from) / 1000);
	check_int(w[1].subscribed, n[1] + 1, "no filter is lost when they are bound anew");
	int before = w[1].samples;
	say(e[1], T0 + US_PER_S, "p/1999", "{\"e1999\":1,\"ts\":1767225700}");
	check_int(w[1].samples, before + 1, "and they work at once");
	for (int i = 0; i < 2; i++) {
		engine_free(e[i]);
		arena_free(w[i].arena);
	}
}

/* Many links on one topic: how long does a message take? */
static void test_speed(int n, int messages)
{
	struct world w;
	struct engine *e = engine_with(&w, true);
	struct buf b = BUF_INIT;
	engine_submodel(e, T0, "urn:t", twin(&w, "urn:t", n));
	engine_submodel(e, T0, "urn:op", plain(&w, n));
	int64_t begin = clock_mono_us(), t = T0;
	for (int k = 0; k < messages; k++) {
		char ts[TIME_TEXT_MAX];
		t += 100000;
		time_format(ts, t);
		buf_reset(&b);
		buf_printf(&b, "{\"ts\":\"%s\"", ts);
		for (int i = 0; i < n; i++)
			buf_printf(&b, ",\"e%d\":%d.25", i, k + i);
		buf_putc(&b, '}');
		say(e, t, "p/1", b.p);
		if (engine_due(e) <= t)
			engine_tick(e, t);
	}
	double us = (double)(clock_mono_us() - begin) / messages;
	check_int(w.samples, n * messages, "every value of every message");
	check(atof(w.value) == messages - 0.75, "the newest is live");
	printf("# %.0f us for a message with %d values (%.0f values/s)\n", us, n, 1e6 / us * n);
	buf_fini(&b);
	engine_free(e);
	arena_free(w.arena);
}

int main(void)
{
	test_memory_of_submodels();
	test_subscriptions();
	test_invoke();
	test_speed(100, 500);
	test_speed(2000, 25);
	test_many_links();
	return done();
}
