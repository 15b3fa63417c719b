/* SPDX-License-Identifier: Apache-2.0
 * A cursor survives what is made and deleted between two pages: what was there all the time comes exactly once, in every list, on both stores.
 * What came or went in between may come or not, but never twice,
 * unless it was made again at the end of a list that is in the order of age.  TWINSHELL_SEED and TWINSHELL_ROUNDS repeat and prolong.
 */
#include <jansson.h>

#include "base/log.h"
#include "server/call.h"
#include "sql/store_pg.h"
#include "tests/database.h"

#define NAMES 40
#define ROUNDS 4

static struct store *store;
static struct sm_service *service;
static struct arena *ar;
static uint64_t seed;

static unsigned roll(unsigned n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(seed >> 33) % n;
}

static int ask(const char *method, const char *target, const char *body, const char **answer)
{
	size_t n = strcspn(target, "?");
	struct call c = { .arena = arena_new(0), .service = service, .method = method, .path = { target, n }, .base_path = "",
			  .query_text = slice_of(target[n] ? target + n + 1 : ""), .body = slice_of(body ? body : ""),
			  .content_type = body ? "application/json" : NULL };
	buf_init(&c.reply.body, 0);
	call_run(&c);
	int status = c.reply.status;
	if (answer)
		*answer = arena_strndup(ar, c.reply.body.p ? c.reply.body.p : "", c.reply.body.n);
	buf_fini(&c.reply.body);
	diag_fini(&c.diag);
	arena_free(c.arena);
	return status;
}

static const char *b64(const char *s)
{
	return base64url_encode(ar, s, strlen(s));
}

/* -- lists: how an item is made and deleted, and how pages are asked for ------------------------------------------------------------ */
static const char *name_of(unsigned i)
{
	return arena_printf(ar, "n%03u", i * 7919 % 1000);
}

struct list {
	const char *what, *method, *pages, *body;	/* %s: "", or "&cursor=..." */
	const char *make, *json;			/* POST there; %1$s is the id */
	const char *drop;				/* DELETE there, of the id in base64url */
	const char *key;				/* of an item; NULL: it is the id itself; "keys": the value of the first */
	enum { BY_ID, BY_AGE, PLAIN } order;		/* of the list: who is made again comes again at its end; PLAIN: and the path has the id as it is */
};

static const struct list lists[] = {
	{ "shells", "GET", "/shells?limit=%u%s", NULL, "/shells",
	  "{\"modelType\":\"AssetAdministrationShell\",\"id\":\"%s\",\"assetInformation\":{\"assetKind\":\"Instance\",\"globalAssetId\":\"urn:all\"}}", "/shells/%s", "id", BY_ID },
	{ "submodels", "GET", "/submodels?limit=%u%s", NULL, "/submodels", "{\"modelType\":\"Submodel\",\"id\":\"%s\",\"idShort\":\"Same\"}", "/submodels/%s", "id", BY_ID },
	{ "submodels of a name", "GET", "/submodels?idShort=Same&limit=%u%s", NULL, "/submodels", "{\"modelType\":\"Submodel\",\"id\":\"%s\",\"idShort\":\"Same\"}",
	  "/submodels/%s", "id", BY_ID },
	{ "metadata", "GET", "/submodels/$metadata?limit=%u%s", NULL, "/submodels", "{\"modelType\":\"Submodel\",\"id\":\"%s\"}", "/submodels/%s", "id", BY_ID },
	{ "concepts", "GET", "/concept-descriptions?limit=%u%s", NULL, "/concept-descriptions", "{\"modelType\":\"ConceptDescription\",\"id\":\"%s\"}",
	  "/concept-descriptions/%s", "id", BY_ID },
	{ "a query", "POST", "/query/submodels?limit=%u%s", "{\"$condition\":{\"$eq\":[{\"$field\":\"$sm#idShort\"},{\"$strVal\":\"Same\"}]}}", "/submodels",
	  "{\"modelType\":\"Submodel\",\"id\":\"%s\",\"idShort\":\"Same\"}", "/submodels/%s", "id", BY_ID },
	{ "shell descriptors", "GET", "/shell-descriptors?limit=%u%s", NULL, "/shell-descriptors",
	  "{\"id\":\"%s\",\"endpoints\":[{\"interface\":\"AAS-3.0\",\"protocolInformation\":{\"href\":\"http://x/y\"}}]}", "/shell-descriptors/%s", "id", BY_ID },
	{ "submodel descriptors", "GET", "/submodel-descriptors?limit=%u%s", NULL, "/submodel-descriptors",
	  "{\"id\":\"%s\",\"endpoints\":[{\"interface\":\"SUBMODEL-3.0\",\"protocolInformation\":{\"href\":\"http://x/y\"}}]}", "/submodel-descriptors/%s", "id", BY_ID },
	{ "discovery", "GET", "/lookup/shells?assetIds=eyJuYW1lIjoiZ2xvYmFsQXNzZXRJZCIsInZhbHVlIjoidXJuOmFsbCJ9&limit=%u%s", NULL, "/shells",
	  "{\"modelType\":\"AssetAdministrationShell\",\"id\":\"%s\",\"assetInformation\":{\"assetKind\":\"Instance\",\"globalAssetId\":\"urn:all\"}}", "/shells/%s", NULL, BY_ID },
	{ "elements", "GET", "/submodels/dXJuOnNt/submodel-elements?limit=%u%s", NULL, "/submodels/dXJuOnNt/submodel-elements",
	  "{\"modelType\":\"Capability\",\"idShort\":\"%s\"}", "/submodels/dXJuOnNt/submodel-elements/%s", "idShort", PLAIN },
	{ "references", "GET", "/shells/dXJuOnNo/submodel-refs?limit=%u%s", NULL, "/shells/dXJuOnNo/submodel-refs",
	  "{\"type\":\"ModelReference\",\"keys\":[{\"type\":\"Submodel\",\"value\":\"%s\"}]}", "/shells/dXJuOnNo/submodel-refs/%s", "keys", BY_AGE },
	{ "submodel descriptors of a shell", "GET", "/shell-descriptors/dXJuOnNo/submodel-descriptors?limit=%u%s", NULL, "/shell-descriptors/dXJuOnNo/submodel-descriptors",
	  "{\"id\":\"%s\",\"endpoints\":[{\"interface\":\"SUBMODEL-3.0\",\"protocolInformation\":{\"href\":\"http://x/y\"}}]}",
	  "/shell-descriptors/dXJuOnNo/submodel-descriptors/%s", "id", BY_AGE },
};

static bool there[NAMES], always[NAMES];

static void change(const struct list *l, unsigned i)
{
	const char *id = name_of(i);
	int status = there[i] ? ask("DELETE", arena_printf(ar, l->drop, l->order == PLAIN ? id : b64(id)), NULL, NULL) : ask("POST", l->make, arena_printf(ar, l->json, id), NULL);
	if (status != 201 && status != 204)
		printf("# %s: status %d\n", id, status);
	there[i] = !there[i];
	always[i] &= there[i];
}

/* One page; the cursor of the next one, or NULL. */
static const char *page(const struct list *l, const char *cursor, unsigned limit, unsigned *seen, bool *bad)
{
	const char *answer, *next;
	char *target = arena_printf(ar, l->pages, limit, *cursor ? arena_printf(ar, "&cursor=%s", cursor) : "");
	json_t *item;
	size_t k;
	int status = ask(l->method, target, l->body, &answer);
	json_t *j = json_loads(answer, 0, NULL);
	*bad |= status != 200;
	if (status != 200)
		printf("# %s: %d %.300s\n", target, status, answer);
	json_array_foreach(json_object_get(j, "result"), k, item) {
		const json_t *at = l->key ? json_object_get(item, l->key) : item;
		const char *id = json_string_value(json_is_array(at) ? json_object_get(json_array_get(at, 0), "value") : at);
		for (unsigned i = 0; id && i < NAMES; i++)
			seen[i] += !strcmp(id, name_of(i));
	}
	next = json_string_value(json_object_get(json_object_get(j, "paging_metadata"), "cursor"));
	next = next ? arena_strdup(ar, next) : NULL;
	json_decref(j);
	return next;
}

static bool survives(const struct list *l)
{
	unsigned seen[NAMES] = { 0 }, limit = 1 + roll(7);
	bool bad = false;
	memset(there, 0, sizeof there);
	for (unsigned i = 0; i < NAMES; i++)
		if (roll(3))
			change(l, i);
	memcpy(always, there, sizeof always);
	for (const char *cursor = ""; cursor && !bad;) {
		cursor = page(l, cursor, limit, seen, &bad);
		for (unsigned n = roll(6); n; n--)
			change(l, roll(NAMES));
	}
	for (unsigned i = 0; i < NAMES; i++) {
		if ((seen[i] > 1 && (always[i] || l->order == BY_ID)) || (always[i] && !seen[i])) {
			printf("# %s came %u times\n", name_of(i), seen[i]);
			bad = true;
		}
		if (there[i])
			change(l, i);
	}
	arena_reset(ar);
	return !bad;
}

static void all_lists(const char *name, unsigned rounds)
{
	struct changes *changes = changes_new();
	struct live *live = live_new();
	service = sm_service_new(&(struct sm_config){ .store = store, .changes = changes, .live = live });
	ask("POST", "/submodels", "{\"modelType\":\"Submodel\",\"id\":\"urn:sm\"}", NULL);
	ask("POST", "/shells", "{\"modelType\":\"AssetAdministrationShell\",\"id\":\"urn:sh\",\"assetInformation\":{\"assetKind\":\"Instance\",\"globalAssetId\":\"urn:1\"}}", NULL);
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
		unsigned good = 0;
		while (good < rounds && survives(&lists[i]))
			good++;
		check_int(good, rounds, "%s: the cursor of %s survives", name, lists[i].what);
	}
	sm_service_free(service);
	live_free(live);
	changes_free(changes);
	store->ops->close(store);
}

/* Packages are made by uploads; their list is the store's. */
static bool put_package(const char *id, bool make)
{
	static const char *const shells[] = { "urn:shell" };
	struct store_package p = { id, "f", shells, 1, 1 };
	struct store_txn *t;
	bool created;
	if (store->ops->begin(store, true, &t))
		return false;
	enum err e = make ? store->ops->package_put(t, &p, STORE_CREATE, &created) : store->ops->package_del(t, id);
	if (!e)
		return !store->ops->commit(t);
	store->ops->abort(t);
	return false;
}

static bool packages_survive(const char *aas_id)
{
	unsigned seen[NAMES] = { 0 }, limit = 1 + roll(7);
	bool bad = false;
	memset(there, 0, sizeof there);
	for (unsigned i = 0; i < NAMES; i++)
		there[i] = roll(3) && put_package(name_of(i), true);
	memcpy(always, there, sizeof always);
	for (const char *after = NULL, *next = ""; next && !bad; after = next) {
		struct store_package_page pg;
		struct store_txn *t;
		bad |= store->ops->begin(store, false, &t) || store->ops->package_list(t, aas_id, after, limit, ar, &pg);
		store->ops->abort(t);
		next = bad ? NULL : pg.next;
		for (size_t k = 0; !bad && k < pg.n; k++)
			for (unsigned i = 0; i < NAMES; i++)
				seen[i] += !strcmp(pg.item[k].id, name_of(i));
		for (unsigned n = roll(6), i; n; n--) {
			i = roll(NAMES);
			bad |= !put_package(name_of(i), !there[i]);
			there[i] = !there[i];
			always[i] &= there[i];
		}
	}
	for (unsigned i = 0; i < NAMES; i++) {
		bad |= seen[i] > 1 || (always[i] && !seen[i]);
		if (there[i])
			put_package(name_of(i), false);
	}
	arena_reset(ar);
	return !bad;
}

static void all_packages(const char *name, unsigned rounds)
{
	unsigned good = 0;
	while (good < rounds && packages_survive(good & 1 ? "urn:shell" : NULL))
		good++;
	check_int(good, rounds, "%s: the place in the list of packages survives", name);
}

int main(void)
{
	const char *given = getenv("TWINSHELL_SEED"), *many = getenv("TWINSHELL_ROUNDS");
	unsigned rounds = many ? (unsigned)strtoul(many, NULL, 10) : ROUNDS;
	struct database db;
	log_setup(LOG_ERROR, LOG_TEXT);
	ar = arena_new(0);
	seed = given ? strtoull(given, NULL, 10) : 20240229;
	printf("# TWINSHELL_SEED=%llu\n", (unsigned long long)seed);
	store = store_mem_new();
	all_packages("memory", rounds);
	all_lists("memory", rounds);
	if (database_cluster()) {
		database_make(&db, "cursor", "ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'");
		if (check((store = store_pg_open(db.conninfo, 2, NULL)) != NULL, "a store")) {
			all_packages("PostgreSQL", rounds);
			all_lists("PostgreSQL", rounds);
		}
		database_drop(&db);
	}
	arena_free(ar);
	return done();
}
