/* SPDX-License-Identifier: Apache-2.0 - what elements that are fed by telemetry showed at a time: the sample of then. */
#include "submodels/past.h"

#include "aas/json.h"
#include "aas/query.h"
#include "base/clock.h"
#include "tests/tap.h"

#define HOUR (3600 * US_PER_S)

static struct store *store;
static struct live *live;
static struct sm_service *service;
static struct arena *arena;
static int64_t now;

static void setup(void)
{
	static const char json[] = "{\"modelType\":\"Submodel\",\"id\":\"urn:s\",\"submodelElements\":["
		"{\"modelType\":\"Property\",\"idShort\":\"N\",\"valueType\":\"xs:double\",\"value\":\"1\"},"
		"{\"modelType\":\"Property\",\"idShort\":\"T\",\"valueType\":\"xs:string\",\"value\":\"a\"},"
		"{\"modelType\":\"Property\",\"idShort\":\"P\",\"valueType\":\"xs:int\",\"value\":\"7\"}]}";
	struct aas_node *n = NULL;
	struct sm_session *s;
	arena = arena_new(0);
	store = store_mem_new();
	live = live_new();
	service = sm_service_new(&(struct sm_config){ .store = store, .live = live });
	check_int(aas_json_read(arena, AAS_Submodel, json, strlen(json), AAS_JSON_DEFAULT, &n, NULL), ERR_OK, "a submodel");
	check_int(sm_begin(service, true, arena, NULL, &s), ERR_OK, "begin");
	check_int(sm_create(s, STORE_SUBMODEL, n), ERR_OK, "is made");
	check_int(sm_commit(s), ERR_OK, "and there");
	now = clock_now_us();
}

/* Times are counted from the making on: telemetry may have been there before it, and later. */
static void telemetry(void)
{
	int64_t num, text;
	check_int(store->ops->series(store, "urn:s", "N", NULL, &num), ERR_OK, "a series of numbers");
	check_int(store->ops->series(store, "urn:s", "T", NULL, &text), ERR_OK, "a series of texts");
	struct store_sample sample[] = {
		{ num, now + HOUR, 2.5, NULL, QUALITY_GOOD }, { num, now + 2 * HOUR, 1e300, NULL, QUALITY_GOOD },
		{ text, now + HOUR, 0, "b", QUALITY_GOOD }, { text, now + 3 * HOUR, 0, "c", QUALITY_STALE },
	};
	check_int(store->ops->append(store, &(struct store_batch){ .sample = sample, .n_samples = 4 }), ERR_OK, "samples");
	check_int(live_set(live, "urn:s", "N", "99", QUALITY_GOOD, now), ERR_OK, "a live value");
	check_int(live_set(live, "urn:s", "T", "z", QUALITY_GOOD, now), ERR_OK, "another one");
}

static const char *shown(const char *path, int64_t at)
{
	static const struct aas_view view = { .modifier = AAS_VALUE };
	struct diag d = DIAG_INIT;
	struct buf b = BUF_INIT;
	const struct aas_node *n;
	struct sm_session *s;
	if (sm_begin(service, false, arena, &d, &s))
		return "begin";
	sm_at(s, at);
	enum err e = sm_element_get(s, "urn:s", path, &n);
	if (!e)
		e = sm_write_past(s, &b, "urn:s", n, &view, &d);
	const char *out = e ? err_info[e].name : arena_strdup(arena, b.p);
	sm_abort(s);
	buf_fini(&b);
	diag_fini(&d);
	return out;
}

/* For who is asked how often he has been asked. */
static bool leaves(void *ctx)
{
	unsigned *left = ctx;
	return !*left || !--*left;
}

/* A hundred more, of which none fits: the client goes away before the first, behind the first portion, or never. */
static void given_up(void)
{
	static const char json[] = "{\"$condition\":{\"$eq\":[{\"$field\":\"$sm#idShort\"},{\"$strVal\":\"None\"}]}}";
	static const struct { unsigned looks; enum err err; size_t docs; } expected[] = { { 1, ERR_UNAVAILABLE, 0 }, { 2, ERR_UNAVAILABLE, 64 }, { 1000, ERR_OK, 101 } };
	struct sm_session *s;
	struct aas_query *q;
	struct store_page page;
	check_int(sm_begin(service, true, arena, NULL, &s), ERR_OK, "begin");
	for (int i = 0; i < 100; i++) {
		struct aas_node *n = NULL;
		const char *text = arena_printf(arena, "{\"modelType\":\"Submodel\",\"id\":\"urn:s:%03d\"}", i);
		if (aas_json_read(arena, AAS_Submodel, text, strlen(text), AAS_JSON_DEFAULT, &n, NULL) || sm_create(s, STORE_SUBMODEL, n))
			check(false, "%s", text);
	}
	check_int(sm_commit(s), ERR_OK, "a hundred more");
	check_int(aas_query_read(arena, STORE_SUBMODEL, json, strlen(json), &q, NULL), ERR_OK, "a query");
	for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
		unsigned looks = expected[i].looks;
		struct store_query want = { .query = q, .docs = 1000, .steps = QUERY_STEPS_MAX, .gone = leaves, .gone_ctx = &looks };
		check_int(sm_begin(service, false, arena, NULL, &s), ERR_OK, "begin");
		sm_at(s, clock_now_us());
		check_int(sm_query(s, STORE_SUBMODEL, &want, NULL, 10, &page), expected[i].err, "a query of the past, its client leaves at look %u", expected[i].looks);
		check_int((int64_t)(1000 - want.docs), (int64_t)expected[i].docs, "so many documents were looked at");
		sm_abort(s);
	}
}

int main(void)
{
	setup();
	telemetry();
	check_str(shown("N", now), "1", "before the first sample: what is stored");
	check_str(shown("N", now + HOUR), "2.5", "the sample of exactly then");
	check_str(shown("N", now + 2 * HOUR - 1), "2.5", "the last one until then");
	check_str(shown("N", now + 9 * HOUR), "1e+300", "a number, as short as it can be");
	check_str(shown(NULL, now + 2 * HOUR), "{\"N\":1e+300,\"T\":\"b\",\"P\":7}", "the whole submodel of one moment");
	check_str(shown("T", now + 3 * HOUR), "\"c\"", "a text");
	check_str(shown("P", now + 3 * HOUR), "7", "what nobody feeds is as it is stored");
	check_str(shown("N", now - HOUR), "NOT_FOUND", "before the submodel was made there is none");
	given_up();
	sm_service_free(service);
	live_free(live);
	store->ops->close(store);
	arena_free(arena);
	return done();
}
