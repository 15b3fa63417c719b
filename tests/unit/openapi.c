/* SPDX-License-Identifier: Apache-2.0
 * The description of the API: well-formed, whole in itself, and of just the routes that have a handler.
 */
#include "server/openapi.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "server/profile.h"
#include "server/route.h"
#include "tests/tap.h"

static const json_t *follow(const json_t *at, const char *pointer)
{
	char step[300];
	for (const char *p = pointer; *p == '/'; p += strcspn(p, "/")) {
		snprintf(step, sizeof step, "%.*s", (int)strcspn(p + 1, "/"), p + 1);
		at = json_object_get(at, step);
		p++;
	}
	return at;
}

static size_t n_refs, n_lost;

static void walk(const json_t *root, json_t *at)
{
	const char *ref = json_string_value(json_object_get(at, "$ref")), *key;
	json_t *value;
	size_t i;
	if (ref) {
		n_refs++;
		if (ref[0] != '#' || !follow(root, ref + 1)) {
			n_lost++;
			printf("# leads nowhere: %s\n", ref);
		}
	}
	json_object_foreach(at, key, value)
		walk(root, value);
	json_array_foreach(at, i, value)
		walk(root, value);
}

static void described(const json_t *api)
{
	const char *path, *method;
	json_t *item, *operation;
	size_t n = 0, wrong = 0, surfaces = 0;
	json_object_foreach(json_object_get(api, "paths"), path, item) {
		surfaces += json_object_get(item, "servers") != NULL;
		json_object_foreach(item, method, operation)
			n += json_object_get(operation, "operationId") != NULL;
	}
	for (size_t i = 0; i < n_routes; i++) {
		char name[400], lower[10] = "";
		snprintf(name, sizeof name, "%s%s", routes[i].prefix, routes[i].path);
		for (size_t k = 0; routes[i].method[k]; k++)
			lower[k] = (char)(routes[i].method[k] - 'A' + 'a');
		const json_t *o = json_object_get(json_object_get(json_object_get(api, "paths"), name), lower);
		wrong += !o != !routes[i].handler;
		n -= o != NULL;
	}
	check_int(wrong, 0, "every operation that is served, and no other");
	check_int(n, surfaces, "and what is beside the API");
}

/* Who asks for the past can ask for more of it than is kept. */
static void past(const json_t *api)
{
	size_t n = 0, wrong = 0;
	for (size_t i = 0; i < n_routes; i++) {
		char name[400], lower[10] = "";
		bool at = routes[i].query & Q_AT || str_eq(routes[i].handler_name, "diff");
		snprintf(name, sizeof name, "%s%s", routes[i].prefix, routes[i].path);
		for (size_t k = 0; routes[i].method[k]; k++)
			lower[k] = (char)(routes[i].method[k] - 'A' + 'a');
		const json_t *o = json_object_get(json_object_get(json_object_get(api, "paths"), name), lower);
		if (!o)
			continue;
		n += at;
		wrong += !json_object_get(json_object_get(o, "responses"), "410") != !at;
	}
	check(n > 80 && !wrong, "410 is an answer of each of the %zu that show the past, and of no other (%zu wrong)", n, wrong);
}

static void profiles_add_up(void)
{
	size_t named = 0, drafts = 0;
	unsigned served, all;
	for (size_t i = 0; i < n_routes; i++)
		named += routes[i].operation && !routes[i].draft;
	for (size_t i = 0; i < n_routes; i++)
		drafts += routes[i].draft && routes[i].operation && !routes[i].profiles;
	check_int(drafts, 11, "those of the draft have theirs, and no profile");
	check_int(named, 224, "the 224 operations of the specification have their names");
	for (size_t i = 0; i < n_profiles; i++) {
		profile_count(&profiles[i], &served, &all);
		if (!all)
			check(false, "%s has no operation", profiles[i].word);
	}
	profile_count(&profiles[0], &served, &all);
	check(str_eq(profiles[0].word, "AAS/001") && all == 50, "the first profile has 50 of them");
}

int main(void)
{
	static const char *const base[] = { "/api/v3.0", "" };
	struct buf b = BUF_INIT;
	json_error_t e;
	openapi_write(&b, "", base, 2);
	json_t *api = json_loadb(buf_view(&b).p, b.n, JSON_REJECT_DUPLICATES, &e);
	if (!check(api != NULL, "the description is JSON, and says nothing twice"))
		printf("# %s at %d\n", e.text, e.position);
	walk(api, api);
	check(n_refs > 500 && !n_lost, "each of its %zu references leads to something in it", n_refs);
	check_str(json_string_value(json_object_get(json_array_get(json_object_get(api, "servers"), 1), "url")), "/", "a base path that is empty is the root");
	described(api);
	const json_t *p = follow(api, "/components/schemas/Property");
	check_int(json_array_size(json_object_get(p, "required")), 2, "a Property needs its valueType and its modelType");
	check_int(json_array_size(json_object_get(follow(api, "/components/schemas/SubmodelElement"), "oneOf")), 14, "a SubmodelElement is one of 14");
	past(api);
	profiles_add_up();
	json_decref(api);
	buf_fini(&b);
	return done();
}
