/* SPDX-License-Identifier: Apache-2.0 - create, replace, delete; versions; what a transaction sees and what it leaves. */
#include "tests/store/suite.h"

static const char *const kinds[STORE_N_KINDS] = { "shell", "submodel", "concept description", "shell descriptor", "submodel descriptor", "asset links" };

static void life(enum store_kind kind)
{
	const char *id = "urn:life", *name = kinds[kind];
	struct aas_node *a = make(kind, id, "A", NULL, 0), *b = make(kind, id, "B", NULL, 0);
	struct store_txn *t = start(true);
	bool created = false;
	int64_t v1 = 0, v2 = 0, v3 = 0, v4 = 0;

	check_str(get(t, kind, id), "NOT_FOUND", "%s: nothing there at first", name);
	check_str(say(put(t, kind, a, STORE_REPLACE, 0, NULL)), "NOT_FOUND", "%s: nothing to replace", name);
	check_str(say(st->ops->del(t, kind, id)), "NOT_FOUND", "%s: nothing to delete", name);
	check_str(say(st->ops->put(t, kind, a, STORE_CREATE, 0, &created, &v1)), "OK", "%s: create after three times NOT_FOUND", name);
	check(created && v1 > 0, "%s: it says that it was created, and the version", name);
	check_str(say(st->ops->commit(t)), "OK", "%s: commit", name);
	check_str(current(kind, id), canonical(a), "%s: the canonical document comes back", name);
	check_int(version_of(kind, id), v1, "%s: the version is the one that put returned", name);
	check_str(say(put_once(kind, b, STORE_CREATE, 0, NULL)), "CONFLICT", "%s: create once", name);
	check_str(current(kind, id), canonical(a), "%s: the conflict changed nothing", name);

	t = start(true);
	check_str(say(st->ops->put(t, kind, b, STORE_EITHER, 0, &created, &v2)), "OK", "%s: put what is there", name);
	check(!created && v2 == v1 + 1, "%s: it says that it was replaced; the version is the next", name);
	st->ops->commit(t);
	check_str(current(kind, id), canonical(b), "%s: the new document", name);
	check_str(say(put_once(kind, a, STORE_REPLACE, 0, &v3)), "OK", "%s: replace", name);
	check(v3 == v2 + 1, "%s: the version grows", name);
	check_str(say(del_once(kind, id)), "OK", "%s: delete", name);
	check_str(current(kind, id), "NOT_FOUND", "%s: gone", name);
	check_str(say(del_once(kind, id)), "NOT_FOUND", "%s: deleted once", name);
	check_str(say(put_once(kind, a, STORE_REPLACE, 0, NULL)), "NOT_FOUND", "%s: what was deleted cannot be replaced", name);
	check_str(say(put_once(kind, b, STORE_CREATE, 0, &v4)), "OK", "%s: made again", name);
	check(v4 > v3, "%s: the version goes on after delete: %lld > %lld", name, (long long)v4, (long long)v3);
	check_str(current(kind, id), canonical(b), "%s: and shows the new document", name);
}

static void expectations(void)
{
	const char *id = "urn:expect";
	struct aas_node *n = plain(STORE_SUBMODEL, id);
	int64_t v = 0, w = 0;
	put_once(STORE_SUBMODEL, n, STORE_CREATE, 0, &v);
	check_str(say(put_once(STORE_SUBMODEL, n, STORE_REPLACE, v + 1, NULL)), "PRECONDITION", "a version that is not there yet");
	check_str(say(put_once(STORE_SUBMODEL, n, STORE_REPLACE, v, &w)), "OK", "the version that is there");
	check_str(say(put_once(STORE_SUBMODEL, n, STORE_EITHER, v, NULL)), "PRECONDITION", "the version that was there");
	check_int(version_of(STORE_SUBMODEL, id), w, "a precondition that fails changes nothing");
	check_str(say(put_once(STORE_SUBMODEL, n, STORE_CREATE, v, NULL)), "CONFLICT", "create looks for existence first");
	check_str(say(put_once(STORE_SUBMODEL, plain(STORE_SUBMODEL, "urn:none"), STORE_REPLACE, 1, NULL)), "NOT_FOUND", "so does replace");
	check_str(say(put_once(STORE_SUBMODEL, plain(STORE_SUBMODEL, "urn:none"), STORE_EITHER, 1, NULL)), "PRECONDITION",
		  "what is not there has no version");
	del_once(STORE_SUBMODEL, id);
	check_str(say(put_once(STORE_SUBMODEL, n, STORE_EITHER, w, NULL)), "PRECONDITION", "what was deleted has no version");
}

static void own_writes(void)
{
	const char *id = "urn:own";
	struct aas_node *a = make(STORE_SUBMODEL, id, "OwnA", NULL, 0), *b = make(STORE_SUBMODEL, id, "OwnB", NULL, 0);
	struct store_txn *t = start(true);
	int64_t v1 = 0, v2 = 0, v3 = 0, last = 0;
	put(t, STORE_SUBMODEL, a, STORE_CREATE, 0, &v1);
	check_str(get(t, STORE_SUBMODEL, id), canonical(a), "a transaction sees what it created");
	check_str(ids(t, STORE_SUBMODEL, &(struct store_filter){ .id_short = "OwnA" }, "urn:own", 9), "", "also in lists, behind `after`");
	check_str(ids(t, STORE_SUBMODEL, &(struct store_filter){ .id_short = "OwnA" }, "urn:ow", 9), "urn:own ", "and before");
	check_str(current(STORE_SUBMODEL, id), "NOT_FOUND", "another one does not");
	check_str(say(put(t, STORE_SUBMODEL, b, STORE_REPLACE, v1, &v2)), "OK", "it can replace what it created, by its version");
	check(v2 > v1, "the version grows inside the transaction");
	check_str(ids(t, STORE_SUBMODEL, &(struct store_filter){ .id_short = "OwnA" }, NULL, 9), "", "filters see the new document");
	check_str(say(st->ops->del(t, STORE_SUBMODEL, id)), "OK", "delete what was created");
	check_str(get(t, STORE_SUBMODEL, id), "NOT_FOUND", "gone inside the transaction");
	check_str(ids(t, STORE_SUBMODEL, &(struct store_filter){ .id_short = "OwnB" }, NULL, 9), "", "also from lists");
	check_str(say(put(t, STORE_SUBMODEL, a, STORE_CREATE, 0, &v3)), "OK", "created again in the same transaction");
	check(v3 > v2, "its version goes on");
	check_str(say(st->ops->commit(t)), "OK", "commit");
	check_str(current(STORE_SUBMODEL, id), canonical(a), "the last state is what is there");
	check_int(version_of(STORE_SUBMODEL, id), v3, "under the last version");

	t = start(true);
	st->ops->del(t, STORE_SUBMODEL, id);
	check_str(say(put(t, STORE_SUBMODEL, b, STORE_CREATE, 0, &last)), "OK", "replaced by delete and create");
	st->ops->commit(t);
	check(last > v3 && version_of(STORE_SUBMODEL, id) == last, "the version goes on");
}

static void aborts(void)
{
	struct aas_node *a = make(STORE_SUBMODEL, "urn:ab:1", "A", (const char *const[]){ "1" }, 1);
	struct aas_node *b = make(STORE_SUBMODEL, "urn:ab:2", "B", NULL, 0);
	int64_t v = 0, version;
	bool created;
	put_once(STORE_SUBMODEL, a, STORE_CREATE, 0, &v);
	struct store_txn *t = start(true);
	put(t, STORE_SUBMODEL, b, STORE_CREATE, 0, NULL);
	st->ops->put_values(t, "urn:ab:1", &(struct store_value){ "P0", "2" }, 1, &version);
	st->ops->del(t, STORE_SUBMODEL, "urn:ab:1");
	store_blob_put(st, t, "ab", &(struct store_blob){ NULL, NULL, SLICE("x") });
	st->ops->abort(t);
	check_str(current(STORE_SUBMODEL, "urn:ab:1"), canonical(a), "an abort leaves what was there");
	check_int(version_of(STORE_SUBMODEL, "urn:ab:1"), v, "and its version");
	check_str(current(STORE_SUBMODEL, "urn:ab:2"), "NOT_FOUND", "and nothing new");
	t = start(false);
	check_str(say(store_blob_get(st, t, "ab", SIZE_MAX, ar, &(struct store_blob){ 0 })), "NOT_FOUND", "and no blob");
	st->ops->abort(t);

	t = start(true);
	put(t, STORE_SUBMODEL, b, STORE_CREATE, 0, NULL);
	check_str(say(put(t, STORE_SUBMODEL, a, STORE_CREATE, 0, NULL)), "CONFLICT", "an error in the middle");
	check(st->ops->commit(t) != ERR_OK, "a transaction that had an error cannot be committed");
	check_str(current(STORE_SUBMODEL, "urn:ab:2"), "NOT_FOUND", "nothing of it is left");

	t = start(false);
	check(st->ops->put(t, STORE_SUBMODEL, b, STORE_CREATE, 0, &created, &version) != ERR_OK, "a transaction that reads does not write");
	st->ops->abort(t);
	check_str(current(STORE_SUBMODEL, "urn:ab:2"), "NOT_FOUND", "nothing was written");
	check_str(say(st->ops->commit(start(true))), "OK", "an empty transaction commits");
	st->ops->abort(start(false));
}

static void kinds_apart(void)
{
	const char *id = "urn:same";
	struct aas_node *n[STORE_N_KINDS];
	for (int k = 0; k < STORE_N_KINDS; k++) {
		n[k] = make((enum store_kind)k, id, "Same", NULL, 0);
		check_str(say(put_once((enum store_kind)k, n[k], STORE_CREATE, 0, NULL)), "OK", "one id as a %s", kinds[k]);
	}
	del_once(STORE_SUBMODEL, id);
	check_str(current(STORE_SHELL, id), canonical(n[STORE_SHELL]), "the shell is there");
	check_str(current(STORE_SUBMODEL, id), "NOT_FOUND", "the submodel was deleted");
	check_str(current(STORE_CONCEPT, id), canonical(n[STORE_CONCEPT]), "the concept description is there");
}

static void together(void)
{
	struct store_txn *t = start(true);
	put(t, STORE_SHELL, plain(STORE_SHELL, "urn:to:1"), STORE_CREATE, 0, NULL);
	put(t, STORE_SUBMODEL, plain(STORE_SUBMODEL, "urn:to:2"), STORE_CREATE, 0, NULL);
	put(t, STORE_CONCEPT, plain(STORE_CONCEPT, "urn:to:3"), STORE_CREATE, 0, NULL);
	store_blob_put(st, t, "to", &(struct store_blob){ NULL, NULL, SLICE("x") });
	check_str(say(st->ops->commit(t)), "OK", "one transaction over all kinds and a blob");
	check(version_of(STORE_SHELL, "urn:to:1") && version_of(STORE_SUBMODEL, "urn:to:2") && version_of(STORE_CONCEPT, "urn:to:3"), "all are there");
}

void suite_docs(void)
{
	for (int k = 0; k < STORE_N_KINDS; k++)
		life((enum store_kind)k);
	expectations();
	own_writes();
	aborts();
	kinds_apart();
	together();
}
