/* SPDX-License-Identifier: Apache-2.0
 * Packages of the file server in the domain: bytes and entry go together, whatever of the store fails.
 */
#include "submodels/service.h"
#include "tests/blob.h"
#include "tests/tap.h"

static struct arena *arena;
static struct store *store;
static struct sm_service *service;
static char why[DIAG_PATH_MAX + DIAG_TEXT_MAX];

/* -- a store whose n-th call fails ------------------------------------------------------------------------------------------------- */

static const struct store_ops *sound;
static unsigned calls, fail_at;

static bool fails(void)
{
	return ++calls == fail_at;
}

static enum err begin(struct store *s, bool write, struct store_txn **t)
{
	return fails() ? ERR_UNAVAILABLE : sound->begin(s, write, t);
}

static enum err commit(struct store_txn *t)
{
	if (!fails())
		return sound->commit(t);
	sound->abort(t);
	return ERR_UNAVAILABLE;
}

static enum err package_put(struct store_txn *t, const struct store_package *p, enum store_put how, bool *created)
{
	return fails() ? ERR_UNAVAILABLE : sound->package_put(t, p, how, created);
}

static enum err package_del(struct store_txn *t, const char *id)
{
	return fails() ? ERR_UNAVAILABLE : sound->package_del(t, id);
}

static enum err blob_put(struct store_txn *t, const char *key, const struct store_blob_info *b, struct source from, struct diag *d)
{
	return fails() ? ERR_UNAVAILABLE : sound->blob_put(t, key, b, from, d);
}

static enum err blob_del(struct store_txn *t, const char *key)
{
	return fails() ? ERR_UNAVAILABLE : sound->blob_del(t, key);
}

/* -- one call as one transaction --------------------------------------------------------------------------------------------------- */

static struct sm_session *start(bool write, struct diag *d)
{
	struct sm_session *s = NULL;
	sm_begin(service, write, arena, d, &s);
	return s;
}

static enum err end(struct sm_session *s, enum err e, struct diag *d)
{
	if (!e)
		e = sm_commit(s);
	else
		sm_abort(s);
	diag_first(d, why, sizeof why);
	diag_fini(d);
	return e;
}

static enum err put(const char *id, const char *bytes, enum store_put how)
{
	static const char *const shells[] = { "urn:a" };
	struct diag d = DIAG_INIT;
	struct sm_session *s = start(true, &d);
	struct store_package p = { id, "p.aasx", shells, 1, (int64_t)strlen(bytes) };
	struct slice text = slice_of(bytes);
	struct sm_upload u = upload_of(&(struct store_blob){ "application/x", "p.aasx", text }, &text);
	bool created;
	return end(s, sm_package_put(s, &p, &u, how, &created), &d);
}

static enum err drop(const char *id)
{
	struct diag d = DIAG_INIT;
	struct sm_session *s = start(true, &d);
	return end(s, sm_package_delete(s, id), &d);
}

/* "n bytes", n of the list; both must tell of it or neither. */
static const char *there(const char *id)
{
	struct diag d = DIAG_INIT;
	struct sm_session *s = start(false, &d);
	struct store_blob_info info;
	struct store_blob b = { 0 };
	struct store_package_page page = { 0 };
	enum err e = whole(s, sm_package_get(s, id, &info), &info, arena, &b), l = sm_package_list(s, "urn:a", NULL, 10, &page);
	const char *text = arena_printf(arena, "%zu %s", l ? 99 : page.n, e ? err_info[e].name : arena_strndup(arena, b.bytes.p, b.bytes.n));
	end(s, ERR_NOT_FOUND, &d);
	return text;
}

static void rules(void)
{
	check_str(there("p"), "0 NOT_FOUND", "nothing is there");
	check_int(drop("p"), ERR_NOT_FOUND, "nor can it be deleted");
	check_str(why, "there is no package with the id \"p\"", "which is said");
	check_int(put("p", "one", STORE_CREATE), ERR_OK, "a package");
	check_str(there("p"), "1 one", "is there");
	check_int(put("p", "two", STORE_CREATE), ERR_CONFLICT, "it exists");
	check_str(why, "a package with the id \"p\" exists already", "which is said");
	check_str(there("p"), "1 one", "and is as it was");
	check_int(put("p", "two", STORE_EITHER), ERR_OK, "it may be replaced");
	check_str(there("p"), "1 two", "then it is another");
	char id[200];
	memset(id, 'x', sizeof id);
	id[129] = 0;
	check_int(put(id, "x", STORE_CREATE), ERR_BAD_REQUEST, "an id of 129 characters");
	id[128] = 0;
	check_int(put(id, "x", STORE_CREATE), ERR_OK, "one of 128");
	check_int(drop(id), ERR_OK, "can go again");
	check_int(drop("p"), ERR_OK, "so can the other");
	check_str(there("p"), "0 NOT_FOUND", "and it is gone");
}

static void faults(void)
{
	struct store_ops faulty = *sound;
	faulty.begin = begin;
	faulty.commit = commit;
	faulty.package_put = package_put;
	faulty.package_del = package_del;
	faulty.blob_put = blob_put;
	faulty.blob_del = blob_del;
	for (unsigned n = 1; n <= 5; n++) {
		store->ops = &faulty;
		calls = 0;
		fail_at = n;
		check_int(put("q", "new", STORE_CREATE), n == 5 ? ERR_OK : ERR_UNAVAILABLE, "call %u of a put fails", n);
		store->ops = sound;
		check_str(there("q"), n == 5 ? "1 new" : "0 NOT_FOUND", "then there is %s", n == 5 ? "everything" : "nothing");
	}
	for (unsigned n = 1; n <= 5; n++) {
		store->ops = &faulty;
		calls = 0;
		fail_at = n;
		check_int(drop("q"), n == 5 ? ERR_OK : ERR_UNAVAILABLE, "call %u of a deletion fails", n);
		store->ops = sound;
		check_str(there("q"), n == 5 ? "0 NOT_FOUND" : "1 new", "then there is %s", n == 5 ? "nothing" : "everything");
	}
}

int main(void)
{
	arena = arena_new(0);
	store = store_mem_new();
	sound = store->ops;
	service = sm_service_new(&(struct sm_config){ .store = store });
	rules();
	faults();
	sm_service_free(service);
	store->ops->close(store);
	arena_free(arena);
	return done();
}
