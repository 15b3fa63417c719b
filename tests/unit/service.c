/* SPDX-License-Identifier: Apache-2.0
 * The domain service over the memory store: sessions, elements, values, references, files, import, concurrency.
 */
#include "submodels/service.h"

#include <stdatomic.h>

#include "aas/aasx.h"
#include "aas/json.h"
#include "base/clock.h"
#include "base/thread.h"
#include "tests/blob.h"
#include "tests/tap.h"

static struct store *store;
static struct changes *changes;
static struct live *live;
static struct sm_service *service;
static struct arena *arena;
static struct diag diag = DIAG_INIT;
static char heard[2000];
static struct lock heard_lock = LOCK_INIT(RANK_LEAF);

static const char pump[] =
	"{\"modelType\":\"Submodel\",\"id\":\"urn:pump\",\"idShort\":\"Pump\",\"submodelElements\":["
	"{\"modelType\":\"Property\",\"idShort\":\"Speed\",\"valueType\":\"xs:int\",\"value\":\"10\"},"
	"{\"modelType\":\"MultiLanguageProperty\",\"idShort\":\"Name\",\"value\":[{\"language\":\"en\",\"text\":\"pump\"}]},"
	"{\"modelType\":\"File\",\"idShort\":\"Manual\",\"value\":\"/aasx/manual.pdf\",\"contentType\":\"application/pdf\"},"
	"{\"modelType\":\"SubmodelElementCollection\",\"idShort\":\"Motor\",\"value\":["
	"{\"modelType\":\"Property\",\"idShort\":\"Temp\",\"valueType\":\"xs:double\",\"value\":\"20.5\"}]},"
	"{\"modelType\":\"SubmodelElementList\",\"idShort\":\"Log\",\"typeValueListElement\":\"Property\",\"valueTypeListElement\":\"xs:int\","
	"\"value\":[{\"modelType\":\"Property\",\"valueType\":\"xs:int\",\"value\":\"1\"}]}]}";
static const char shell[] =
	"{\"modelType\":\"AssetAdministrationShell\",\"id\":\"urn:shell\","
	"\"assetInformation\":{\"assetKind\":\"Instance\",\"globalAssetId\":\"urn:a\"}}";

static void hear(void *ctx, const struct change *c, size_t n)
{
	static const char *const kind[] = { "created", "updated", "deleted", "value" };
	(void)ctx;
	lock_take(&heard_lock);
	for (size_t i = 0; i < n; i++)
		snprintf(heard + strlen(heard), sizeof heard - strlen(heard), "%s %s %s=%s;", kind[c[i].kind], c[i].id,
			 c[i].path ? c[i].path : "-", c[i].value ? c[i].value : "-");
	lock_drop(&heard_lock);
}

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

static struct sm_session *begin(bool write)
{
	struct sm_session *s;
	diag_clear(&diag);
	heard[0] = 0;
	if (sm_begin(service, write, arena, &diag, &s))
		exit(1);
	return s;
}

/* A session of one call: committed when the call went well. */
static struct sm_session *s_;
#define ONE(call) (s_ = begin(true), end_by(call))
static enum err end_by(enum err err)
{
	if (!err)
		return sm_commit(s_);
	sm_abort(s_);
	return err;
}

static const char *show(const char *path, enum aas_modifier how)
{
	static char out[4000];
	struct aas_view view = { .modifier = how, .blobs = true };
	struct buf b = BUF_INIT;
	const struct aas_node *n;
	struct sm_session *s = begin(false);
	enum err err = sm_element_get(s, "urn:pump", path, &n);
	if (!err)
		err = sm_write(service, &b, "urn:pump", n, &view, &diag);
	snprintf(out, sizeof out, "%s", err ? err_info[err].name : b.p);
	buf_fini(&b);
	sm_abort(s);
	return out;
}

/* What the store itself holds, past the cache. */
static const char *stored(const char *id)
{
	static char out[4000];
	struct store_txn *t;
	struct store_doc d;
	store->ops->begin(store, false, &t);
	enum err err = store->ops->get(t, STORE_SUBMODEL, id, arena, &d);
	snprintf(out, sizeof out, "%.*s", err ? 4 : (int)d.json.n, err ? "none" : d.json.p);
	store->ops->abort(t);
	return out;
}

static void setup(void)
{
	store = store_mem_new();
	changes = changes_new();
	changes_subscribe(changes, hear, NULL);
	live = live_new();
	arena = arena_new(0);
	service = sm_service_new(&(struct sm_config){ .store = store, .changes = changes, .live = live });
}

static void teardown(void)
{
	sm_service_free(service);
	live_free(live);
	changes_free(changes);
	store->ops->close(store);
	arena_free(arena);
	diag_fini(&diag);
}

static void identifiables(void)
{
	bool created;
	check_int(ONE(sm_create(s_, STORE_SUBMODEL, node(AAS_Submodel, pump))), ERR_OK, "create");
	check_str(heard, "created urn:pump -=-;", "the change is told");
	check_int(ONE(sm_create(s_, STORE_SUBMODEL, node(AAS_Submodel, pump))), ERR_CONFLICT, "create again");
	check_str(heard, "", "nothing told of what failed");
	check_int(ONE(sm_put(s_, STORE_SUBMODEL, "urn:x", node(AAS_Submodel, pump), &created)), ERR_BAD_REQUEST, "another id in the body");
	check_int(ONE(sm_put(s_, STORE_SUBMODEL, "urn:pump", node(AAS_Submodel, pump), &created)), ERR_OK, "replace");
	check(!created, "it was there");
	check_str(heard, "updated urn:pump -=-;", "told as an update");
	check_int(ONE(sm_delete(s_, STORE_SUBMODEL, "urn:none")), ERR_NOT_FOUND, "delete what is not there");
	const struct sm_tree *t = sm_peek(service, STORE_SUBMODEL, "urn:pump");
	check(t && str_eq(AAS_ID(sm_tree_node(t)), "urn:pump"), "the cache has it");
	check(t && strlen(stored("urn:pump")) == t->json.n && !memcmp(stored("urn:pump"), t->json.p, t->json.n), "with the document of the store");
	sm_tree_drop(t);
	static const char twice[] = "{\"modelType\":\"Submodel\",\"id\":\"urn:t\",\"submodelElements\":["
		"{\"modelType\":\"Capability\",\"idShort\":\"A\"},{\"modelType\":\"Capability\",\"idShort\":\"A\"},{\"modelType\":\"Capability\"}]}";
	check_int(ONE(sm_create(s_, STORE_SUBMODEL, node(AAS_Submodel, twice))), ERR_BAD_REQUEST, "the same name twice");
	check(diag.n == 2 && diag.list[0].rule && str_eq(diag.list[0].rule, "AASd-022"), "by AASd-022");
	check_str(diag.list[0].path, "submodelElements[1]", "where");
	check_str(diag.list[1].rule, "AASd-117", "and no name by AASd-117");
}

static const char bolt[] = "{\"modelType\":\"Property\",\"idShort\":\"Bolt\",\"valueType\":\"xs:int\",\"value\":\"3\"}";
static const char item[] = "{\"modelType\":\"Property\",\"valueType\":\"xs:int\",\"value\":\"7\"}";

static void elements(void)
{
	const char *path;
	bool created;
	check_int(ONE(sm_element_post(s_, "urn:pump", "Motor", node(AAS_SubmodelElement, bolt), &path)), ERR_OK, "post into a collection");
	check_str(path, "Motor.Bolt", "its path");
	check_str(heard, "created urn:pump Motor.Bolt=-;", "told");
	check_int(ONE(sm_element_post(s_, "urn:pump", "Motor", node(AAS_SubmodelElement, bolt), &path)), ERR_CONFLICT, "post the same name");
	check_int(ONE(sm_element_post(s_, "urn:pump", "Speed", node(AAS_SubmodelElement, bolt), &path)), ERR_BAD_REQUEST, "post under a leaf");
	check_int(ONE(sm_element_post(s_, "urn:pump", "None", node(AAS_SubmodelElement, bolt), &path)), ERR_NOT_FOUND, "post under nothing");
	check_int(ONE(sm_element_post(s_, "urn:none", "", node(AAS_SubmodelElement, bolt), &path)), ERR_NOT_FOUND, "post into no submodel");
	check_int(ONE(sm_element_post(s_, "urn:pump", "Log", node(AAS_SubmodelElement, item), &path)), ERR_OK, "post to a list appends");
	check_str(path, "Log[1]", "at its end");
	check_int(ONE(sm_element_put(s_, "urn:pump", "Log[2]", node(AAS_SubmodelElement, item), &created)),
		  ERR_OK, "put behind the end of a list");
	check(created, "appends");
	check_int(ONE(sm_element_put(s_, "urn:pump", "Log[9]", node(AAS_SubmodelElement, item), &created)),
		  ERR_NOT_FOUND, "put far behind the end");
	check_int(ONE(sm_element_put(s_, "urn:pump", "Log[0]", node(AAS_SubmodelElement, item), &created)), ERR_OK, "put on an index");
	check_str(show("Log", AAS_VALUE), "[7,7,7]", "replaces");
	check_int(ONE(sm_element_delete(s_, "urn:pump", "Log[1]")), ERR_OK, "delete an item");
	check_str(show("Log", AAS_VALUE), "[7,7]", "the others move up");
	check_int(ONE(sm_element_put(s_, "urn:pump", "Motor.Bolt", node(AAS_SubmodelElement, bolt), &created)), ERR_OK, "put on a name");
	check(!created, "replaces");
	check_int(ONE(sm_element_put(s_, "urn:pump", "Motor.Nut", node(AAS_SubmodelElement, bolt), &created)),
		  ERR_BAD_REQUEST, "put another name");
	check_int(ONE(sm_element_put(s_, "urn:pump", "None.Bolt", node(AAS_SubmodelElement, bolt), &created)), ERR_NOT_FOUND, "put below nothing");
	check_int(ONE(sm_element_delete(s_, "urn:pump", "Motor.Bolt")), ERR_OK, "delete");
	check_str(heard, "deleted urn:pump Motor.Bolt=-;", "told");
	check_int(ONE(sm_element_delete(s_, "urn:pump", "Motor.Bolt")), ERR_NOT_FOUND, "delete again");
	check_int(ONE(sm_element_patch(s_, "urn:pump", "Speed", node(AAS_SubmodelElement,
		"{\"modelType\":\"Property\",\"idShort\":\"Speed\",\"valueType\":\"xs:int\",\"value\":\"11\",\"category\":\"V\"}"))), ERR_OK, "patch");
	check_str(heard, "updated urn:pump Speed=-;value urn:pump Speed=11;", "the element and its new value are told");
	check_int(ONE(sm_element_patch(s_, "urn:pump", "Speed", node(AAS_SubmodelElement, bolt))), ERR_BAD_REQUEST, "patch another name");
	check(strstr(stored("urn:pump"), "\"category\":\"V\"") != NULL, "the store has it");
}

static void values(void)
{
	check_int(ONE(sm_value_patch(s_, "urn:pump", "Speed", SLICE("42"))), ERR_OK, "patch a value");
	check_str(heard, "value urn:pump Speed=42;", "told with its text");
	check_str(show("Speed", AAS_VALUE), "42", "seen");
	check(strstr(stored("urn:pump"), "\"value\":\"42\"") != NULL, "stored");
	check_int(ONE(sm_value_patch(s_, "urn:pump", NULL, SLICE("{\"Speed\":43,\"Motor\":{\"Temp\":21.50}}"))), ERR_OK, "patch several");
	check_str(heard, "value urn:pump Speed=43;value urn:pump Motor.Temp=21.50;", "one change each");
	check_int(ONE(sm_value_patch(s_, "urn:pump", NULL, SLICE("{\"Speed\":44,\"Name\":[{\"de\":\"Pumpe\"}]}"))),
		  ERR_OK, "patch with another kind");
	check_str(heard, "value urn:pump Speed=44;value urn:pump Name=-;", "told too");
	check(strstr(stored("urn:pump"), "Pumpe") != NULL, "stored in the document");
	check_int(ONE(sm_value_patch(s_, "urn:pump", NULL, SLICE("{\"Speed\":45,\"Motor\":{\"Temp\":\"hot\"}}"))), ERR_BAD_REQUEST, "one wrong");
	check_str(show("Speed", AAS_VALUE), "44", "changes nothing");
	check_int(ONE(sm_value_patch(s_, "urn:pump", "None", SLICE("1"))), ERR_NOT_FOUND, "no such element");

	live_set(live, "urn:pump", "Speed", "99", QUALITY_GOOD, 1);
	live_set(live, "urn:pump", "Motor.Temp", NULL, QUALITY_BAD, 1);
	check_str(show("Speed", AAS_VALUE), "99", "the live value is shown");
	check(strstr(show(NULL, AAS_NORMAL), "\"value\":\"99\"") != NULL, "in the whole too");
	check(strstr(show(NULL, AAS_NORMAL), "21.50") == NULL, "and a value known to be absent is not");
	check(strstr(stored("urn:pump"), "99") == NULL, "it is not stored");
	live_drop(live, "urn:pump", NULL);
	check_str(show("Motor.Temp", AAS_VALUE), "21.50", "without live values what is stored");
}

static void several_in_one(void)
{
	struct sm_session *s = begin(true);
	const char *path;
	check_int(sm_element_post(s, "urn:pump", NULL, node(AAS_SubmodelElement, bolt), &path), ERR_OK, "one of several changes");
	check_int(sm_value_patch(s, "urn:pump", "Bolt", SLICE("4")), ERR_OK, "another, upon the first");
	check_str(heard, "", "nothing is told before the commit");
	sm_abort(s);
	check_str(show("Bolt", AAS_VALUE), "NOT_FOUND", "aborted: nothing happened");
	s = begin(true);
	sm_element_post(s, "urn:pump", NULL, node(AAS_SubmodelElement, bolt), &path);
	sm_value_patch(s, "urn:pump", "Bolt", SLICE("4"));
	check_int(sm_commit(s), ERR_OK, "commit");
	check_str(heard, "created urn:pump Bolt=-;value urn:pump Bolt=4;", "told in order");
	check_str(show("Bolt", AAS_VALUE), "4", "seen");
	check(strstr(stored("urn:pump"), "\"value\":\"4\"") != NULL, "stored");
}

/* A patch that stands alone is written at the commit; a session that does more does it in its transaction. */
static enum err later_err;
static int n_later;
static void later(void *ctx, enum err e)
{
	(void)ctx;
	later_err = e;
	n_later++;
}

static struct sm_session *patched(const char *path, const char *text)
{
	struct sm_session *s = begin(true);
	check_int(sm_value_patch(s, "urn:pump", path, slice_of(text)), ERR_OK, "patch %s", path);
	return s;
}

static void quick(void)
{
	static const char text[] = "{\"modelType\":\"Property\",\"idShort\":\"Bolt\",\"valueType\":\"xs:string\",\"value\":\"x\"}";
	const struct aas_node *n;
	bool created;
	struct sm_session *s = patched("Bolt", "14");
	check_str(show("Bolt", AAS_VALUE), "4", "not before the commit");
	check(sm_commit_later(s, later, NULL) && n_later == 1, "nobody has to wait for the commit");
	check_int(later_err, ERR_OK, "which goes well");
	check_str(heard, "value urn:pump Bolt=14;", "and is told");
	check_str(show("Bolt", AAS_VALUE), "14", "seen");
	sm_abort(patched("Bolt", "15"));
	check_str(show("Bolt", AAS_VALUE), "14", "what is aborted never happened");

	s = patched("Motor.Temp", "30.5");
	check_int(sm_element_get(s, "urn:pump", "Motor.Temp", &n), ERR_OK, "the session reads on");
	check_str(AAS_AT(n, Property, value).str, "30.5", "and sees what it wrote");
	check_int(sm_value_patch(s, "urn:pump", "Log[0]", SLICE("2")), ERR_OK, "and writes on");
	check(!sm_commit_later(s, later, NULL), "that is a transaction to be waited for");
	check_int(sm_commit(s), ERR_OK, "commit");
	check_str(heard, "value urn:pump Motor.Temp=30.5;value urn:pump Log[0]=2;", "each told once");
	s = patched("Log", "[3]");
	check(sm_commit_later(s, later, NULL), "an element in a list on its own");
	check_str(heard, "value urn:pump Log[0]=3;", "has its whole path");
	check_str(show("Log", AAS_VALUE), "[3,7]", "seen, with what stood behind it");
	s = patched("Motor", "{\"Temp\":31}");
	check_int(sm_commit(s), ERR_OK, "in a collection, waited for");
	check_str(heard, "value urn:pump Motor.Temp=31;", "the same");

	s = patched("Bolt", "16");
	struct sm_session *other = begin(true);
	sm_element_put(other, "urn:pump", "Bolt", node(AAS_SubmodelElement, text), &created);
	check_int(sm_commit(other), ERR_OK, "somebody changes the type");
	heard[0] = 0;
	check_int(sm_commit(s), ERR_AGAIN, "what the value was checked against is gone: start over");
	check_str(heard, "", "nothing is told");
	check_int(ONE(sm_value_patch(s_, "urn:pump", "Bolt", SLICE("16"))), ERR_BAD_REQUEST, "then it is seen to be wrong");
	s = patched("Bolt", "\"y\"");
	other = begin(true);
	sm_element_delete(other, "urn:pump", "Bolt");
	sm_commit(other);
	check_int(sm_commit(s), ERR_AGAIN, "the element is gone: start over");
	check_int(ONE(sm_value_patch(s_, "urn:pump", "Bolt", SLICE("\"y\""))), ERR_NOT_FOUND, "then it is seen to be missing");
	ONE(sm_element_put(s_, "urn:pump", "Bolt", node(AAS_SubmodelElement, bolt), &created));
	s = begin(true);
	sm_patient(s);
	check_int(sm_value_patch(s, "urn:pump", "Bolt", SLICE("4")), ERR_OK, "with patience");
	check(!sm_commit_later(s, later, NULL), "it is done in the session's transaction");
	check_int(sm_commit(s), ERR_OK, "commit");
	check_int(n_later, 2, "each is answered once");
}

/* Somebody else commits between this session's reading and its writing. */
static void interleaved(void)
{
	static const char text[] = "{\"modelType\":\"Property\",\"idShort\":\"Bolt\",\"valueType\":\"xs:string\",\"value\":\"x\"}";
	struct sm_session *mine = begin(true);
	const struct aas_node *n;
	bool created;
	sm_element_get(mine, "urn:pump", "Speed", &n);
	check_int(ONE(sm_value_patch(s_, "urn:pump", "Bolt", SLICE("5"))), ERR_OK, "somebody else writes another value");
	check_int(sm_value_patch(mine, "urn:pump", "Speed", SLICE("55")), ERR_OK, "mine is written too");
	check_int(sm_commit(mine), ERR_OK, "both stand");
	check_str(show("Speed", AAS_VALUE), "55", "mine is seen");
	check_str(show("Bolt", AAS_VALUE), "5", "and theirs");

	mine = begin(true);
	sm_element_get(mine, "urn:pump", "Speed", &n);
	ONE(sm_element_put(s_, "urn:pump", "Bolt", node(AAS_SubmodelElement, text), &created));
	check_int(sm_value_patch(mine, "urn:pump", "Bolt", SLICE("6")), ERR_AGAIN, "the type changed meanwhile: start over");
	sm_abort(mine);
	mine = begin(true);
	sm_element_get(mine, "urn:pump", "Speed", &n);
	ONE(sm_element_delete(s_, "urn:pump", "Bolt"));
	check_int(sm_value_patch(mine, "urn:pump", "Bolt", SLICE("\"y\"")), ERR_AGAIN, "the element went: start over");
	sm_abort(mine);
	mine = begin(true);
	sm_element_get(mine, "urn:pump", "Speed", &n);
	ONE(sm_value_patch(s_, "urn:pump", "Speed", SLICE("1")));
	check_int(sm_element_delete(mine, "urn:pump", "Motor"), ERR_AGAIN, "a change of structure needs the tree as it is: start over");
	sm_abort(mine);
}

static void references(void)
{
	static const char ref[] = "{\"type\":\"ModelReference\",\"keys\":[{\"type\":\"Submodel\",\"value\":\"urn:pump\"}]}";
	static const char other[] = "{\"type\":\"ExternalReference\",\"keys\":[{\"type\":\"GlobalReference\",\"value\":\"urn:pump\"}]}";
	ONE(sm_create(s_, STORE_SHELL, node(AAS_AssetAdministrationShell, shell)));
	check_int(ONE(sm_ref_check(s_, "urn:shell", "urn:pump")), ERR_NOT_FOUND, "not referenced");
	check_int(ONE(sm_ref_post(s_, "urn:shell", node(AAS_Reference, other))), ERR_BAD_REQUEST, "not a reference to a submodel");
	check_int(ONE(sm_ref_post(s_, "urn:shell", node(AAS_Reference, ref))), ERR_OK, "post a reference");
	check_str(heard, "updated urn:shell -=-;", "told");
	check_int(ONE(sm_ref_post(s_, "urn:shell", node(AAS_Reference, ref))), ERR_CONFLICT, "post it again");
	check_int(ONE(sm_ref_check(s_, "urn:shell", "urn:pump")), ERR_OK, "referenced");
	check_int(ONE(sm_ref_delete(s_, "urn:shell", "urn:pump")), ERR_OK, "delete it");
	check_int(ONE(sm_ref_delete(s_, "urn:shell", "urn:pump")), ERR_NOT_FOUND, "delete it again");
	check_int(ONE(sm_ref_check(s_, "urn:none", "urn:pump")), ERR_NOT_FOUND, "no such shell");
}

static enum err file_get(struct store_blob *b)
{
	struct sm_session *s = begin(false);
	struct store_blob_info info;
	enum err err = whole(s, sm_file_get(s, "urn:pump", "Manual", &info), &info, arena, b);
	sm_abort(s);
	return err;
}

static void files(void)
{
	struct store_blob blob = { "text/plain", "a \"b\".txt", SLICE("hello") }, out;
	struct sm_upload in = upload_of(&blob, &blob.bytes);
	struct store_blob_info there;
	check_int(file_get(&out), ERR_NOT_FOUND, "the file is not here");
	check_int(ONE(sm_file_put(s_, "urn:pump", "Speed", &in)), ERR_METHOD, "a Property has no attachment");
	check_int(ONE(sm_file_put(s_, "urn:pump", "Manual", &in)), ERR_OK, "put");
	check_int(file_get(&out), ERR_OK, "get");
	check(slice_is(out.bytes, "hello"), "its bytes");
	check_str(out.content_type, "text/plain", "its type");
	check(strstr(show("Manual", AAS_VALUE), "/a__b_.txt\"") != NULL, "File.value names it");
	check_int(ONE(sm_file_delete(s_, "urn:pump", "Manual")), ERR_OK, "delete");
	check_int(file_get(&out), ERR_NOT_FOUND, "gone");
	check_int(ONE(sm_file_delete(s_, "urn:pump", "Manual")), ERR_NOT_FOUND, "delete again");
	check_int(ONE(sm_thumbnail_put(s_, "urn:shell", &in)), ERR_OK, "put a thumbnail");
	s_ = begin(false);
	check_int(sm_thumbnail_get(s_, "urn:shell", &there), ERR_OK, "get it");
	sm_abort(s_);
	check_int(ONE(sm_thumbnail_delete(s_, "urn:shell")), ERR_OK, "delete it");
	s_ = begin(false);
	check_int(sm_thumbnail_get(s_, "urn:shell", &there), ERR_NOT_FOUND, "gone");
	sm_abort(s_);
}

/* Everything that is wrong is found, whatever stands before it; and then nothing is written. */
static void import_findings(void)
{
	struct aasx_file manual = { .path = "/aasx/manual.pdf", .content_type = "application/pdf", .bytes = SLICE("%PDF") };
	static const char env[] =
		"{\"submodels\":[{\"modelType\":\"Submodel\",\"id\":\"urn:new\",\"submodelElements\":["
		"{\"modelType\":\"File\",\"idShort\":\"Lost\",\"contentType\":\"a/b\",\"value\":\"/aasx/lost.pdf\"},"
		"{\"modelType\":\"File\",\"idShort\":\"Web\",\"contentType\":\"a/b\",\"value\":\"https://plant.example/x\"}]},"
		"{\"modelType\":\"Submodel\",\"id\":\"urn:broken\",\"submodelElements\":["
		"{\"modelType\":\"Capability\",\"idShort\":\"C\"},{\"modelType\":\"Capability\",\"idShort\":\"C\"}]},"
		"{\"modelType\":\"Submodel\",\"id\":\"urn:pump\"},{\"modelType\":\"Submodel\",\"id\":\"urn:late\"},"
		"{\"modelType\":\"Submodel\",\"id\":\"urn:late\",\"idShort\":\"Other\"}]}";
	static const struct { const char *path, *text; enum err err; } want[] = {
		{ "submodels[0].Lost", "the package has no file", ERR_OK }, { "submodels[1]", "idShort", ERR_BAD_REQUEST },
		{ "submodels[2]", "exists already", ERR_CONFLICT }, { "submodels[4]", "exists already", ERR_CONFLICT },
	};
	struct aasx package = { .environment = node(AAS_Environment, env), .files = &manual };
	struct aasx_item items[5];
	struct sm_import_report r;
	struct aas_node *n = AAS_AT(package.environment, Environment, submodels).node;
	bool has;
	size_t i = 0;
	for (; n; n = n->next, i++)
		items[i] = (struct aasx_item){ n, "aasx/data.json", i, n->next ? &items[i + 1] : NULL };
	package.items[1] = items;
	diag_clear(&diag);
	struct findings *all = findings_of(arena, &diag);
	s_ = begin(true);
	check_int(sm_import_all(s_, &package, SM_IMPORT_NEW, all, &r), ERR_BAD_REQUEST, "an import with faults");
	findings_end(all);
	i = 0;
	for (const struct finding *f = all->first; f && i < 4; f = f->next, i++)
		check(f->err == want[i].err && !strncmp(f->path, want[i].path, strlen(want[i].path)) && strstr(f->text, want[i].text) &&
		      str_eq(f->part, "aasx/data.json"), "finding: %s: %s", f->path, f->text);
	check(i == 4 && all->n == 4, "and these are all");
	check(r.created == 1 && r.n_items == 1 && str_eq(r.items->id, "urn:new"), "after a fault nothing is written");
	sm_abort(s_);
	s_ = begin(false);
	check(!sm_has(s_, STORE_SUBMODEL, "urn:new", &has) && !has, "and it leaves nothing");
	sm_abort(s_);
	diag_clear(&diag);
}

static void import(void)
{
	char *env = arena_printf(arena, "{\"assetAdministrationShells\":[%s],\"submodels\":[%s,%s]}", shell, pump, pump);
	struct aasx_file manual = { .path = "/aasx/manual.pdf", .content_type = "application/pdf", .bytes = SLICE("%PDF") };
	struct aasx package = { .environment = node(AAS_Environment, env), .files = &manual };
	struct sm_import_report r;
	struct store_blob out;

	check_int(ONE(sm_import(s_, &package, SM_IMPORT_NEW, &r)), ERR_CONFLICT, "what exists is a conflict");
	check_str(diag.list[0].path, "assetAdministrationShells[0]", "and is named");
	ONE(sm_delete(s_, STORE_SHELL, "urn:shell"));
	check_int(ONE(sm_import(s_, &package, SM_IMPORT_IGNORE_DUPLICATES, &r)), ERR_OK, "or is left alone");
	check(r.created == 1 && r.skipped == 2 && r.files == 0, "as the report says: it is named twice");
	check_int(ONE(sm_import(s_, &package, SM_IMPORT_REPLACE, &r)), ERR_OK, "or is replaced");
	check(r.replaced == 2 && r.skipped == 1 && r.files == 1, "with its files, once");
	check_str(show("Speed", AAS_VALUE), "10", "as the package has it");
	check_int(file_get(&out), ERR_OK, "the file is found by the element");
	check(slice_is(out.bytes, "%PDF"), "with its bytes");
	ONE(sm_delete(s_, STORE_SUBMODEL, "urn:pump"));
	check_str(stored("urn:pump"), "none", "deleted");
	check(sm_peek(service, STORE_SUBMODEL, "urn:pump") == NULL, "and not cached");
	ONE(sm_create(s_, STORE_SUBMODEL, node(AAS_Submodel, pump)));
	check_int(file_get(&out), ERR_NOT_FOUND, "its files went with it");
}

/* What a condition was looked at on must still be so at the commit, whichever way it is written. */
static void guarded(void)
{
	static const char *const how[] = { "put", "patch", "element", "delete" };
	bool created;
	for (int i = 0; i < 4; i++) {
		int64_t version = 0;
		enum err err;
		struct sm_session *s = begin(true);
		check(sm_guard(s, STORE_SUBMODEL, "urn:pump", &version) == ERR_OK && version > 0, "%s: the version is told", how[i]);
		check_int(ONE(sm_value_patch(s_, "urn:pump", "Speed", SLICE("77"))), ERR_OK, "somebody else writes");
		if (i == 0)
			err = sm_put(s, STORE_SUBMODEL, "urn:pump", node(AAS_Submodel, pump), &created);
		else if (i == 1)
			err = sm_value_patch(s, "urn:pump", "Speed", SLICE("78"));
		else if (i == 2)
			err = sm_element_delete(s, "urn:pump", "Speed");
		else
			err = sm_delete(s, STORE_SUBMODEL, "urn:pump");
		check_int(err ? (sm_abort(s), err) : sm_commit(s), ERR_AGAIN, "so the guarded change starts over");
		check_str(show("Speed", AAS_VALUE), "77", "and has changed nothing");
	}
	int64_t version = 7;
	struct sm_session *s = begin(true);
	check(sm_guard(s, STORE_SUBMODEL, "urn:fresh", &version) == ERR_OK && version == 0, "what is not there has no version");
	const char *fresh = "{\"modelType\":\"Submodel\",\"id\":\"urn:fresh\"}";
	check_int(ONE(sm_create(s_, STORE_SUBMODEL, node(AAS_Submodel, fresh))), ERR_OK, "somebody else makes it");
	enum err err = sm_put(s, STORE_SUBMODEL, "urn:fresh", node(AAS_Submodel, fresh), &created);
	check_int(err ? (sm_abort(s), err) : sm_commit(s), ERR_AGAIN, "so the guarded one starts over");
	s = begin(true);
	check(sm_guard(s, STORE_SUBMODEL, "urn:fresh", &version) == ERR_OK && !sm_delete(s, STORE_SUBMODEL, "urn:fresh") && !sm_commit(s),
	      "nobody in the way: deleted");
	check_str(stored("urn:fresh"), "none", "from the store");
	s = begin(true);
	check(sm_guard(s, STORE_SUBMODEL, "urn:pump", &version) == ERR_OK && !sm_value_patch(s, "urn:pump", "Speed", SLICE("10")) &&
	      !sm_commit(s), "nobody in the way: changed");
}

/* Writers of the same submodel: every one either counts or starts over. */
#define N_THREADS 4
#define N_ROUNDS 200
static atomic_int again, broken;

static void *writer(void *arg)
{
	const char *path = arg;
	for (int i = 0; i < N_ROUNDS; i++) {
		enum err err;
		do {
			struct arena *a = arena_new(0);
			struct diag d = DIAG_INIT;
			struct sm_session *s;
			char *text = arena_printf(a, "%d", i);
			sm_begin(service, true, a, &d, &s);
			if ((err = sm_value_patch(s, "urn:many", path, slice_of(text))))
				sm_abort(s);
			else
				err = sm_commit(s);
			diag_fini(&d);
			arena_free(a);
			atomic_fetch_add(err == ERR_AGAIN ? &again : &broken, err != ERR_OK);
		} while (err == ERR_AGAIN);
	}
	return NULL;
}

static void concurrent(void)
{
	static const char *const names[N_THREADS] = { "A", "B", "C", "D" };
	char json[2000] = "{\"modelType\":\"Submodel\",\"id\":\"urn:many\",\"submodelElements\":[";
	struct diag d = DIAG_INIT;
	pthread_t t[N_THREADS];
	const struct sm_tree *tree;

	for (int i = 0; i < N_THREADS; i++)
		sprintf(json + strlen(json), "%s{\"modelType\":\"Property\",\"idShort\":\"%s\",\"valueType\":\"xs:int\"}", i ? "," : "", names[i]);
	strcat(json, "]}");
	ONE(sm_create(s_, STORE_SUBMODEL, node(AAS_Submodel, json)));
	for (int i = 0; i < N_THREADS; i++)
		thread_start(&t[i], "writer", writer, (void *)names[i]);
	for (int i = 0; i < N_THREADS; i++)
		pthread_join(t[i], NULL);
	check_int(broken, 0, "no writer failed (%d started over)", again);
	struct sm_session *s = begin(false);
	check_int(sm_get(s, STORE_SUBMODEL, "urn:many", &tree), ERR_OK, "read");
	check_int(tree->version, 1 + N_THREADS * N_ROUNDS, "every write counts");
	const char *p = stored("urn:many");
	check(strlen(p) == tree->json.n && !memcmp(p, tree->json.p, tree->json.n), "what is seen is what is stored");
	int last = 0;
	for (const char *at = tree->json.p; (at = strstr(at, "\"199\"")); at++)
		last++;
	check_int(last, N_THREADS, "the last of each writer");
	sm_abort(s);
	diag_fini(&d);
}

static void pages(void)
{
	struct store_page page;
	for (int i = 0; i < 25; i++)
		ONE(sm_create(s_, STORE_CONCEPT, node(AAS_ConceptDescription,
			arena_printf(arena, "{\"modelType\":\"ConceptDescription\",\"id\":\"urn:c%02d\"}", i))));
	struct sm_session *s = begin(false);
	check_int(sm_list(s, STORE_CONCEPT, NULL, NULL, 10, &page), ERR_OK, "list");
	check_int(page.n, 10, "a page");
	check_str(page.next, "urn:c09", "the next begins after it");
	sm_list(s, STORE_CONCEPT, NULL, "urn:c19", 10, &page);
	check_int(page.n, 5, "the last page");
	check(page.next == NULL, "says so");
	sm_abort(s);
}

int main(void)
{
	setup();
	identifiables();
	elements();
	values();
	several_in_one();
	quick();
	interleaved();
	references();
	files();
	import_findings();
	import();
	guarded();
	concurrent();
	pages();
	teardown();
	return done();
}
