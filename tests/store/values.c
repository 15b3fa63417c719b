/* SPDX-License-Identifier: Apache-2.0 - value writes, and blobs. */
#include "tests/store/suite.h"

#include <stdatomic.h>

#include "base/clock.h"

static const char *doc(const char *id, const char *const *value, unsigned n)
{
	return canonical(make(STORE_SUBMODEL, id, NULL, value, n));
}
#define DOC(...) doc(id, (const char *const[]){ __VA_ARGS__ }, sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))
#define V(...) (const struct store_value[]){ __VA_ARGS__ }

static void outside(const char *id)
{
	int64_t v0 = version_of(STORE_SUBMODEL, id), v1 = 0, v2 = 0;
	check_str(say(values_once(id, V({ "P1", "x" }), 1, &v1)), "OK", "one value");
	check(v1 == v0 + 1 && version_of(STORE_SUBMODEL, id) == v1, "the version grew by one");
	check_str(current(STORE_SUBMODEL, id), DOC("a", "x", "c"), "it is read in its place");
	check_str(say(values_once(id, V({ "P2", NULL }, { "P0", "" }), 2, &v2)), "OK", "two values, in any order, one of them absent");
	check(v2 == v1 + 1, "the version grew by one");
	check_str(current(STORE_SUBMODEL, id), DOC("", "x", NULL), "absent and empty");
	check_str(say(values_once(id, V({ "P2", "back" }), 1, NULL)), "OK", "an absent value becomes present");
	check_str(say(values_once(id, V({ "P1", "x" }), 1, &v1)), "OK", "the same value again");
	check(v1 == v2 + 2, "is a change as well");
	check_str(say(values_once(id, V({ "P0", "1" }, { "P1", "2" }, { "P0", "3" }), 3, NULL)), "OK", "a path that comes twice");
	check_str(current(STORE_SUBMODEL, id), DOC("3", "2", "back"), "the last one counts");
}

static void refused(const char *id)
{
	int64_t v = version_of(STORE_SUBMODEL, id), w;
	static const char *const path[] = { "P9", "P0.X", "p0", "P0 ", "P", "P0[0]" };
	const char *before = current(STORE_SUBMODEL, id);
	for (size_t i = 0; i < sizeof path / sizeof *path; i++) {
		struct store_txn *t = start(true);
		enum err e = st->ops->put_values(t, id, V({ "P0", "no" }, { path[i], "no" }), 2, &w);
		check(e == ERR_NOT_FOUND || e == ERR_BAD_REQUEST, "no element \"%s\": %s", path[i], say(e));
		st->ops->abort(t);
	}
	check_str(say(values_once("urn:none", V({ "P0", "1" }), 1, NULL)), "NOT_FOUND", "no such submodel");
	put_once(STORE_SHELL, plain(STORE_SHELL, "urn:a-shell"), STORE_CREATE, 0, NULL);
	check_str(say(values_once("urn:a-shell", V({ "P0", "1" }), 1, NULL)), "NOT_FOUND", "a shell is not a submodel");
	check_str(current(STORE_SUBMODEL, id), before, "nothing was written by calls that failed");
	check_int(version_of(STORE_SUBMODEL, id), v, "nor counted");

	struct store_txn *t = start(true);
	check_str(say(st->ops->put_values(t, id, V({ "P0", "no" }, { "P9", "no" }), 2, &w)), "NOT_FOUND", "one of two is missing");
	check_str(get(t, STORE_SUBMODEL, id), before, "nothing of that call is seen");
	check_str(say(st->ops->put_values(t, id, V({ "P0", "yes" }), 1, &w)), "OK", "NOT_FOUND does not end the transaction");
	check_int(w, v + 1, "the version counts the call that went well");
	check_str(say(st->ops->commit(t)), "OK", "commit");
	check_str(current(STORE_SUBMODEL, id), DOC("yes", "2", "back"), "what went well is there");
}

static void inside(const char *id)
{
	int64_t v0 = version_of(STORE_SUBMODEL, id), v1 = 0, v2 = 0, v3 = 0, v4 = 0;
	struct store_txn *t = start(true);
	struct aas_node *whole = make(STORE_SUBMODEL, id, NULL, (const char *const[]){ "w0", "w1", "w2", "w3" }, 4);
	const char *outside_ = current(STORE_SUBMODEL, id);
	st->ops->put_values(t, id, V({ "P0", "i0" }), 1, &v1);
	check_str(get(t, STORE_SUBMODEL, id), DOC("i0", "2", "back"), "the transaction reads its value");
	check_str(current(STORE_SUBMODEL, id), outside_, "others do not");
	st->ops->put_values(t, id, V({ "P0", "i00" }, { "P1", "i1" }), 2, &v2);
	check_str(get(t, STORE_SUBMODEL, id), DOC("i00", "i1", "back"), "values twice");
	check_str(say(put(t, STORE_SUBMODEL, whole, STORE_REPLACE, v2, &v3)), "OK", "then the whole, upon the version of the values");
	check_str(get(t, STORE_SUBMODEL, id), canonical(whole), "the whole is seen, not the values before it");
	check_str(say(st->ops->put_values(t, id, V({ "P3", "i3" }), 1, &v4)), "OK", "then a value of an element that is new");
	check(v0 < v1 && v1 < v2 && v2 < v3 && v3 < v4, "every step has a version of its own");
	check_str(get(t, STORE_SUBMODEL, id), DOC("w0", "w1", "w2", "i3"), "all of it together");
	check_str(say(st->ops->commit(t)), "OK", "commit");
	check_str(current(STORE_SUBMODEL, id), DOC("w0", "w1", "w2", "i3"), "all of it is there");
	check_int(version_of(STORE_SUBMODEL, id), v4, "under the last version");

	t = start(true);
	st->ops->del(t, STORE_SUBMODEL, id);
	check_str(say(st->ops->put_values(t, id, V({ "P0", "1" }), 1, &v1)), "NOT_FOUND", "no values of what was deleted in this transaction");
	put(t, STORE_SUBMODEL, whole, STORE_CREATE, 0, NULL);
	check_str(say(st->ops->put_values(t, id, V({ "P0", "again" }), 1, &v1)), "OK", "but of what was made again");
	st->ops->commit(t);
	check_str(current(STORE_SUBMODEL, id), DOC("again", "w1", "w2", "w3"), "is there");
	t = start(true);
	st->ops->put_values(t, id, V({ "P0", "gone" }), 1, &v1);
	check_str(say(st->ops->del(t, STORE_SUBMODEL, id)), "OK", "deleted after a value");
	st->ops->commit(t);
	put_once(STORE_SUBMODEL, whole, STORE_CREATE, 0, NULL);
	check_str(current(STORE_SUBMODEL, id), canonical(whole), "made again, nothing of the old values shows");
}

/* A replaced document has other elements in other places: rows of the old ones must not shine through. */
static void moved(const char *id)
{
	values_once(id, V({ "P0", "old" }, { "P1", "old" }), 2, NULL);
	put_once(STORE_SUBMODEL, make(STORE_SUBMODEL, id, NULL, (const char *const[]){ "n0" }, 1), STORE_REPLACE, 0, NULL);
	check_str(current(STORE_SUBMODEL, id), DOC("n0"), "replaced by fewer elements");
	put_once(STORE_SUBMODEL, make(STORE_SUBMODEL, id, NULL, (const char *const[]){ "n0", "n1" }, 2), STORE_REPLACE, 0, NULL);
	check_str(current(STORE_SUBMODEL, id), DOC("n0", "n1"), "an element that comes again has its new value");
	struct aas_node *n = parse(STORE_SUBMODEL, arena_printf(ar,
		"{\"modelType\":\"Submodel\",\"id\":\"%s\",\"submodelElements\":["
		"{\"modelType\":\"SubmodelElementList\",\"idShort\":\"L\",\"typeValueListElement\":\"Property\",\"valueTypeListElement\":\"xs:int\",\"value\":["
		"{\"modelType\":\"Property\",\"valueType\":\"xs:int\",\"value\":\"0\"},{\"modelType\":\"Property\",\"valueType\":\"xs:int\",\"value\":\"1\"},"
		"{\"modelType\":\"Property\",\"valueType\":\"xs:int\",\"value\":\"2\"},{\"modelType\":\"Property\",\"valueType\":\"xs:int\",\"value\":\"3\"}]}]}", id));
	put_once(STORE_SUBMODEL, n, STORE_REPLACE, 0, NULL);
	check_str(say(values_once(id, V({ "L[3]", "33" }, { "L[0]", NULL }), 2, NULL)), "OK", "items of a list");
	struct aas_node *item = aas_children(aas_children(n)->node)->node;
	AAS_AT(item, Property, value).str = NULL;
	AAS_AT(item->next->next->next, Property, value).str = "33";
	check_str(current(STORE_SUBMODEL, id), canonical(n), "are written in their places");
	check_str(say(values_once(id, V({ "L[4]", "4" }), 1, NULL)), "NOT_FOUND", "there is no fifth item");
}

/* However often values are written, whenever a store decides to write the document anew. */
static void often(const char *id)
{
	const char *v[] = { "a", "b", "c" }, *n = NULL;
	int64_t v0 = 0, version = 0;
	bool grows = true;
	put_once(STORE_SUBMODEL, make(STORE_SUBMODEL, id, NULL, v, 3), STORE_REPLACE, 0, &v0);
	for (int round = 0; round < 3; round++) {
		struct store_txn *t = start(true);
		for (int i = 0; i < 200; i++) {
			n = i % 7 ? arena_printf(ar, "%d", round * 1000 + i) : NULL;
			int64_t before = version ? version : v0;
			enum err e = st->ops->put_values(t, id, &(struct store_value){ i % 2 ? "P0" : "P2", n }, 1, &version);
			grows &= !e && version == before + 1;
			v[i % 2 ? 0 : 2] = n;
		}
		check_str(get(t, STORE_SUBMODEL, id), doc(id, v, 3), "after %d value writes, inside", round * 200 + 200);
		check_str(say(st->ops->commit(t)), "OK", "commit");
		check_str(current(STORE_SUBMODEL, id), doc(id, v, 3), "and outside");
	}
	check(grows && version_of(STORE_SUBMODEL, id) == v0 + 600, "every write counted");
	check_str(say(put_once(STORE_SUBMODEL, make(STORE_SUBMODEL, id, NULL, v, 3), STORE_REPLACE, v0 + 600, NULL)), "OK", "the whole upon that version");
	check_str(current(STORE_SUBMODEL, id), doc(id, v, 3), "is the same");
}

/* -- documents that nobody waits for ------------------------------------------------------------------------------------------------------ */
static atomic_int n_read;

static void been_read(struct store_read *r)
{
	(void)r;
	atomic_fetch_add(&n_read, 1);
}

static bool wait_read(int n)
{
	for (int64_t until = clock_mono_us() + 60 * US_PER_S; atomic_load(&n_read) < n && clock_mono_us() < until;)
		clock_sleep_us(200);
	return atomic_load(&n_read) == n;
}

/* Who comes alone, behind its rows and not. */
static void read_one(const char *id)
{
	static const char *const shell = "urn:read-shell";
	put_once(STORE_SHELL, plain(STORE_SHELL, shell), STORE_EITHER, 0, NULL);
	values_once(id, V({ "P0", "newest" }), 1, NULL);
	for (int i = 0; i < 4; i++) {
		static struct store_read r[4];
		r[i] = (struct store_read){ .kind = i & 1 ? STORE_SHELL : STORE_SUBMODEL, .arena = arena_new(0), .done = been_read,
					    .id = i == 3 ? "urn:\xff" : i == 2 ? "urn:read-none" : i ? shell : id };
		atomic_store(&n_read, 0);
		st->ops->read(st, &r[i]);
		if (!check(wait_read(1), "one is answered"))
			return;
		if (i < 2)
			check_str(r[i].err ? say(r[i].err) : r[i].doc.json.p, current(r[i].kind, r[i].id), "as it is now");
		else
			check(r[i].err != ERR_OK && (i == 3 || r[i].err == ERR_NOT_FOUND), "it is not there");
		arena_free(r[i].arena);
	}
}

/* More than share a round trip, one behind its rows, some that are not there, one that cannot be. */
static void read_alone(const char *id)
{
	enum { N = 100 };
	static struct store_read r[N];
	int right = 0, missing = 0, lost = 0;
	values_once(id, V({ "P0", "newer" }), 1, NULL);
	put_once(STORE_SHELL, plain(STORE_SHELL, "urn:read-shell"), STORE_EITHER, 0, NULL);
	atomic_store(&n_read, 0);
	for (int i = 0; i < N; i++) {
		bool shell = i % 4 == 1;
		r[i] = (struct store_read){ .kind = shell ? STORE_SHELL : STORE_SUBMODEL, .arena = arena_new(0), .done = been_read,
					    .id = shell ? "urn:read-shell" : i % 4 == 2 ? "urn:read-none" : i == 3 ? "urn:\xff" : id };
		st->ops->read(st, &r[i]);
	}
	if (!check(wait_read(N), "every read is answered"))
		return;
	for (int i = 0; i < N; i++) {
		enum store_kind kind = r[i].kind;
		bool there = i % 4 != 2 && i != 3;
		missing += !there && r[i].err != ERR_OK;
		right += there && !r[i].err && str_eq(r[i].doc.json.p, current(kind, r[i].id)) && r[i].doc.version == version_of(kind, r[i].id) &&
			 str_eq(r[i].doc.id, r[i].id);
		lost += i % 4 == 2 && r[i].err != ERR_NOT_FOUND;
		arena_free(r[i].arena);
	}
	check_int(missing, N / 4 + 1, "what is not there is not read");
	check_int(lost, 0, "and said to be missing");
	check_int(right, N - N / 4 - 1, "everything else is as it is now");
}

void suite_values(void)
{
	const char *id = "urn:values";
	put_once(STORE_SUBMODEL, make(STORE_SUBMODEL, id, NULL, (const char *const[]){ "a", "b", "c" }, 3), STORE_CREATE, 0, NULL);
	outside(id);
	refused(id);
	inside(id);
	moved(id);
	often(id);
	read_alone(id);
	read_one(id);
}

/* -- blobs ------------------------------------------------------------------------------------------------------------------------- */
static enum err blob_put(const char *key, const char *type, const char *name, struct slice bytes)
{
	struct store_txn *t = start(true);
	enum err e = store_blob_put(st, t, key, &(struct store_blob){ type, name, bytes }), c = st->ops->commit(t);
	return e ? e : c;
}

static const char *blob_is(const char *key, const char *type, const char *name, struct slice bytes)
{
	struct store_blob b = { 0 };
	struct store_txn *t = start(false);
	enum err e = store_blob_get(st, t, key, SIZE_MAX, ar, &b);
	st->ops->abort(t);
	if (e)
		return say(e);
	if (!b.content_type != !type || (type && strcmp(b.content_type, type)))
		return "another content type";
	if (!b.file_name != !name || (name && strcmp(b.file_name, name)))
		return "another file name";
	return slice_eq(b.bytes, bytes) ? "the same" : "other bytes";
}

/* Bytes that are asked for only once each, and counted. */
struct asked {
	struct slice rest;
	unsigned calls;
};

static enum err ask(void *ctx, char *p, size_t n, size_t *got, struct diag *d)
{
	struct asked *a = ctx;
	struct source s = source_slice(&a->rest);
	a->calls++;
	return s.read(s.ctx, p, n < 1000 ? n : 1000, got, d);
}

/* Of `size` and with the sum of `sum`; *calls: how often the source was asked. */
static enum err put_as(const char *key, struct slice bytes, int64_t size, struct slice sum, unsigned *calls)
{
	struct store_blob_info info = { .size = size };
	struct asked a = { bytes, 0 };
	struct store_txn *t = start(true);
	sha256_of(sum.p, sum.n, info.hash);
	enum err e = st->ops->blob_put(t, key, &info, (struct source){ ask, &a }, NULL), c = st->ops->commit(t);
	*calls = a.calls;
	return e ? e : c;
}

static enum err open_blob(const char *key, struct content *out)
{
	struct store_blob_info info;
	struct store_txn *t = start(false);
	enum err e = st->ops->blob_find(t, key, ar, &info);
	if (!e)
		e = st->ops->blob_open(st, &info, out);
	st->ops->abort(t);
	return e;
}

static bool reads(const struct content *c, size_t at, struct slice want)
{
	char *p = arena_raw(ar, want.n + 1);
	return !c->read(c->ctx, (int64_t)at, p, want.n, NULL) && !memcmp(p, want.p, want.n);
}

static enum err del_blob(const char *key)
{
	struct store_txn *t = start(true);
	enum err e = st->ops->blob_del(t, key), c = st->ops->commit(t);
	return e ? e : c;
}

/* Bytes by their sum: once, in parts, and for as long as somebody reads them. */
static void contents(void)
{
	enum { N = 700001 };
	char *p = arena_raw(ar, N);
	struct slice all = { p, N };
	struct content c = { 0 };
	unsigned calls;
	for (size_t i = 0; i < N; i++)
		p[i] = (char)(i * 2246822519u >> 11);
	check_str(say(put_as("c1", all, N, all, &calls)), "OK", "700001 bytes that come in small pieces");
	check(calls > 700, "are asked for in pieces");
	check_str(say(put_as("c2", all, N, all, &calls)), "OK", "the same bytes under another key");
	check_int(calls, 0, "are not even asked for");
	check_str(say(put_as("c3", all, N - 1, SLICE("x"), &calls)), "BAD_REQUEST", "more bytes than announced");
	check_str(say(put_as("c3", all, N + 1, SLICE("x"), &calls)), "BAD_REQUEST", "fewer bytes");
	check_str(say(put_as("c3", all, N, SLICE("x"), &calls)), "BAD_REQUEST", "other bytes");
	check_str(blob_is("c3", NULL, NULL, SLICE("")), "NOT_FOUND", "leave nothing");
	check_str(say(put_as("c3", (struct slice){ p, 262144 }, 262144, (struct slice){ p, 262144 }, &calls)), "OK", "exactly one part");
	check_str(blob_is("c3", NULL, NULL, (struct slice){ p, 262144 }), "the same", "comes back");

	check_str(say(open_blob("c1", &c)), "OK", "open");
	check_int(c.size, N, "its size");
	check(reads(&c, 0, (struct slice){ p, 1 }) && reads(&c, N - 1, (struct slice){ p + N - 1, 1 }), "the first and the last byte");
	check(reads(&c, 262143, (struct slice){ p + 262143, 2 }) && reads(&c, 262144, (struct slice){ p + 262144, 262144 }) &&
	      reads(&c, 5, (struct slice){ p + 5, N - 5 }) && reads(&c, N, (struct slice){ p, 0 }), "across parts, and to the end");
	check_str(say(del_blob("c1")), "OK", "deleted while it is open");
	check_str(say(put_as("c2", SLICE("new"), 3, SLICE("new"), &calls)), "OK", "and replaced");
	check(reads(&c, 300000, (struct slice){ p + 300000, 1000 }), "it is read as it was");
	check_str(say(put_as("c1", all, N, all, &calls)), "OK", "brought again meanwhile");
	content_close(&c);
	check_str(blob_is("c1", NULL, NULL, all), "the same", "it is there after the last has closed");
	check_str(say(open_blob("c1", &c)), "OK", "open again");
	check_str(say(del_blob("c1")), "OK", "deleted again");
	content_close(&c);
	check_str(blob_is("c1", NULL, NULL, all), "NOT_FOUND", "now it is gone");
	check_str(say(put_as("c1", all, N, all, &calls)), "OK", "once more");
	check_int(calls, 0, "without its bytes: history has them");
}

void suite_blobs(void)
{
	enum { BIG = 5000000 };
	static const char nul[] = "a\0b\0\xFF\xFE\\x00";
	char *big = arena_raw(ar, BIG);
	for (size_t i = 0; i < BIG; i++)
		big[i] = (char)(i * 2654435761u >> 13);
	check_str(blob_is("k", NULL, NULL, SLICE("")), "NOT_FOUND", "no blob");
	check_str(say(blob_put("k", "text/plain", "a.txt", SLICE("hello"))), "OK", "a blob");
	check_str(blob_is("k", "text/plain", "a.txt", SLICE("hello")), "the same", "comes back");
	check_str(say(blob_put("k", NULL, NULL, SLICE(nul))), "OK", "replaced by bytes with NUL, without a type and a name");
	check_str(blob_is("k", NULL, NULL, SLICE(nul)), "the same", "comes back");
	check_str(say(blob_put("k", "", "", SLICE(""))), "OK", "an empty one, with an empty type and name");
	check_str(blob_is("k", "", "", SLICE("")), "the same", "comes back empty, not absent");
	check_str(say(blob_put("k", NULL, NULL, (struct slice){ NULL, 0 })), "OK", "no bytes at all");
	check_str(blob_is("k", NULL, NULL, SLICE("")), "the same", "are an empty blob");
	check_str(say(blob_put("big", "application/octet-stream", "b", (struct slice){ big, BIG })), "OK", "5 MB");
	check_str(blob_is("big", "application/octet-stream", "b", (struct slice){ big, BIG }), "the same", "come back");
	const char *odd = arena_printf(ar, "'\\\x1F\n\"%s\xF0\x9F\x94\xA7", text('k', 3000));
	check_str(say(blob_put(odd, "a'b", "\xC3\xA4\x1F\\.txt", SLICE("odd"))), "OK", "a key of odd characters, and long");
	check_str(blob_is(odd, "a'b", "\xC3\xA4\x1F\\.txt", SLICE("odd")), "the same", "is found");
	check_str(blob_is(odd + 1, NULL, NULL, SLICE("")), "NOT_FOUND", "another key is not");

	struct store_txn *t = start(true);
	struct store_blob b = { 0 };
	store_blob_put(st, t, "k", &(struct store_blob){ "x", NULL, SLICE("mine") });
	check(!store_blob_get(st, t, "k", SIZE_MAX, ar, &b) && slice_is(b.bytes, "mine"), "a transaction reads its own blob");
	check_str(say(st->ops->blob_del(t, "big")), "OK", "delete");
	check_str(say(store_blob_get(st, t, "big", SIZE_MAX, ar, &b)), "NOT_FOUND", "gone in the transaction");
	check_str(say(st->ops->blob_del(t, "big")), "NOT_FOUND", "deleted once");
	check_str(blob_is("k", NULL, NULL, SLICE("")), "the same", "others see neither");
	st->ops->abort(t);
	check_str(blob_is("k", NULL, NULL, SLICE("")), "the same", "an abort takes back the writing");
	check_str(blob_is("big", "application/octet-stream", "b", (struct slice){ big, BIG }), "the same", "and the deletion");
	t = start(true);
	st->ops->blob_del(t, "big");
	store_blob_put(st, t, "big", &(struct store_blob){ NULL, NULL, SLICE("small") });
	check_str(say(st->ops->commit(t)), "OK", "deleted and written in one transaction");
	check_str(blob_is("big", NULL, NULL, SLICE("small")), "the same", "is there");
	contents();
}
