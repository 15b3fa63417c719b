/* SPDX-License-Identifier: Apache-2.0
 * What was: random edits whose results are written down, and afterwards every version and every past moment is asked for.  TWINSHELL_SEED
 * repeats a run. */
#include "base/clock.h"
#include "tests/store/suite.h"

enum { STEPS = 220, IDS = 4, VALUES = 5, VERSIONS = STEPS + 1 };

static unsigned long long seed;

static struct past {
	const char *doc[VERSIONS];	/* by version; NULL: it was deleted then */
	int64_t n;
	unsigned n_values;		/* of the document now */
} past[IDS];

static unsigned dice(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed >> 33) % n;
}

/* 0: a shell, the others are submodels. */
static enum store_kind kind_of(int i)
{
	return i ? STORE_SUBMODEL : STORE_SHELL;
}

static const char *id_of(int i)
{
	return arena_printf(ar, "urn:h:%d", i);
}

static const char *random_text(void)
{
	unsigned k = dice(6);
	return k ? arena_printf(ar, "%u'\\", k) : NULL;
}

static void write_down(int i, int64_t version, const char *doc)
{
	if (version != past[i].n + 1)
		check(false, "version %lld after %lld", (long long)version, (long long)past[i].n);
	past[i].n = version;
	past[i].doc[version] = doc;
}

static void step_put(int i)
{
	const char *v[VALUES];
	int64_t version = 0;
	for (unsigned k = 0; k < VALUES; k++)
		v[k] = random_text();
	past[i].n_values = 1 + dice(VALUES);
	struct aas_node *n = make(kind_of(i), id_of(i), arena_printf(ar, "S%u", dice(3)), v, i ? past[i].n_values : 0);
	if (put_once(kind_of(i), n, STORE_EITHER, 0, &version))
		check(false, "put");
	write_down(i, version, canonical(n));
}

static void step_del(int i)
{
	enum err e = del_once(kind_of(i), id_of(i));
	if (e == ERR_NOT_FOUND)
		return;
	write_down(i, past[i].n + 1, NULL);
}

static void step_values(int i)
{
	struct store_value v[3];
	unsigned n = 1 + dice(3);
	int64_t version = 0;
	if (!i || !past[i].n || !past[i].doc[past[i].n])
		return;
	for (unsigned k = 0; k < n; k++)
		v[k] = (struct store_value){ arena_printf(ar, "P%u", dice(past[i].n_values)), random_text() };
	struct store_write w = { .submodel_id = id_of(i), .value = v, .n = n };
	enum err e = dice(2) ? store_write_wait(st, &w) : values_once(id_of(i), v, n, &version);
	if (e)
		check(false, "values: %s", say(e));
	write_down(i, version ? version : w.version, current(STORE_SUBMODEL, id_of(i)));
}

/* -- asking ---------------------------------------------------------------------------------------------------------------------------- */
static const char *answer(enum err e, const struct store_doc *d, const char *id, int64_t version)
{
	if (e)
		return say(e);
	if (strcmp(d->id, id) || d->version != version)
		return "another version";
	return arena_strndup(ar, d->json.p, d->json.n);
}

static bool differs(const char *of, int i, int64_t version, const char *got)
{
	const char *want = version > 0 && version <= past[i].n && past[i].doc[version] ? past[i].doc[version] : "NOT_FOUND";
	if (!strcmp(got, want))
		return false;
	printf("# %s of %d, version %lld\n#   got  %.400s\n#   want %.400s\n", of, i, (long long)version, got, want);
	return true;
}

static bool wrong_versions(struct store_txn *t, int i)
{
	bool bad = false;
	for (int64_t v = 0; v <= past[i].n + 1 && !bad; v++) {
		struct store_doc d;
		enum err e = st->ops->get_version(t, kind_of(i), id_of(i), v, ar, &d);
		bad = differs("get_version", i, v, answer(e, &d, id_of(i), v));
	}
	return bad;
}

/* The version that was there at a time is the last of those that were recorded by then. */
static bool wrong_at(struct store_txn *t, int i, const struct store_event *e, size_t n, int64_t at)
{
	struct store_doc d;
	int64_t want = 0;
	for (size_t k = 0; k < n; k++)
		if (e[k].valid_us <= at)
			want = e[k].version;
	enum err err = st->ops->get_at(t, kind_of(i), id_of(i), at, ar, &d);
	return differs("get_at", i, want, answer(err, &d, id_of(i), want));
}

static bool wrong_history(struct store_txn *t, int i)
{
	struct store_event *e, *page;
	size_t n = 0, n_page;
	bool bad = st->ops->history(t, kind_of(i), id_of(i), 0, VERSIONS, ar, &e, &n) || n != (size_t)past[i].n;
	for (size_t k = 0; k < n && !bad; k++) {
		bool was = k && past[i].doc[k], is = past[i].doc[k + 1];
		bad = e[k].version != (int64_t)k + 1 || strcmp(e[k].id, id_of(i)) || e[k].kind != kind_of(i) ||
		      (e[k].operation == STORE_OP_CREATE) != (is && !was) || (e[k].operation == STORE_OP_DELETE) != !is;
		bad |= wrong_at(t, i, e, n, e[k].recorded_us) || wrong_at(t, i, e, n, e[k].recorded_us - 1);
	}
	bad |= n && (wrong_at(t, i, e, n, 0) || wrong_at(t, i, e, n, INT64_MAX - 1));
	if (bad)
		printf("# history of %d: %zu events for %lld versions\n", i, n, (long long)past[i].n);
	return bad || st->ops->history(t, kind_of(i), id_of(i), 3, 2, ar, &page, &n_page) || (n >= 5 && (n_page != 2 || page[0].version != 4));
}

static void model(void)
{
	static void (*const step[])(int) = { step_put, step_values, step_values, step_values, step_put, step_del };
	const char *given = getenv("TWINSHELL_SEED");
	unsigned long long s = given ? strtoull(given, NULL, 10) : 20260229;
	bool bad = false;
	printf("# TWINSHELL_SEED=%llu\n", s);
	seed = s * 2654435769u + 1;
	memset(past, 0, sizeof past);
	for (int i = 0; i < STEPS; i++)
		step[dice(sizeof step / sizeof *step)]((int)dice(IDS));
	struct store_txn *t = start(false);
	for (int i = 0; i < IDS && !bad; i++)
		bad = wrong_versions(t, i) || wrong_history(t, i);
	st->ops->abort(t);
	check(!bad, "every version, and every past moment, is as it was written down");
}

/* What holds since another time than it was recorded. */
static void valid(void)
{
	static const char *const v[] = { "1", "2", "3" };
	int64_t hour = 3600 * US_PER_S, at = INT64_C(1700000000000000), since[] = { at, at + 2 * hour, at + hour };
	struct store_doc d;
	for (int i = 0; i < 3; i++) {
		struct store_cause cause = { NULL, NULL, since[i], NULL, 0 };
		struct store_txn *t = start(true);
		st->ops->cause(t, &cause);
		put(t, STORE_SUBMODEL, make(STORE_SUBMODEL, "urn:valid", NULL, &v[i], 1), STORE_EITHER, 0, NULL);
		check_str(say(st->ops->commit(t)), "OK", "version %d holds since a time of its own", i + 1);
	}
	struct store_txn *t = start(false);
	static const struct { int64_t minutes, version; } asked[] = { { -1, 0 }, { 0, 1 }, { 59, 1 }, { 60, 3 }, { 120, 3 }, { 9999, 3 } };
	for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
		enum err e = st->ops->get_at(t, STORE_SUBMODEL, "urn:valid", at + asked[i].minutes * 60 * US_PER_S, ar, &d);
		check_int(e == ERR_NOT_FOUND ? 0 : e ? -1 : d.version, asked[i].version, "after %lld minutes", (long long)asked[i].minutes);
	}
	st->ops->abort(t);
}

/* A reader's history ends where what he reads ends, and a transaction that writes has none. */
static void moments(void)
{
	struct store_event *e;
	struct store_doc d;
	size_t n = 9;
	struct store_txn *t = start(false);
	check_str(say(st->ops->history(t, STORE_SHELL, "urn:m", 0, 9, ar, &e, &n)), "OK", "the history of what never was");
	check_int(n, 0, "is empty");
	check_str(say(put_once(STORE_SHELL, plain(STORE_SHELL, "urn:m"), STORE_CREATE, 0, NULL)), "OK", "it is made");
	check_str(say(st->ops->history(t, STORE_SHELL, "urn:m", 0, 9, ar, &e, &n)), "OK", "for who has begun to read before");
	check_int(n, 0, "it is not there");
	check_str(say(st->ops->get_at(t, STORE_SHELL, "urn:m", INT64_MAX - 1, ar, &d)), "NOT_FOUND", "at no time");
	st->ops->abort(t);
	t = start(true);
	check_str(say(st->ops->history(t, STORE_SHELL, "urn:m", 0, 9, ar, &e, &n)), "INTERNAL", "history is for readers");
	st->ops->abort(t);
}

static void written(struct aas_node *n)
{
	check_str(say(put_once(STORE_SUBMODEL, n, STORE_EITHER, 0, NULL)), "OK", "%s is written", AAS_ID(n));
}

/* Who was there at some time, and who was made or changed since when. */
static void lists_of_then(void)
{
	const char **id;
	struct store_recent *r;
	size_t n;
	int64_t first = 0;
	const char *v[] = { "1" };
	written(make(STORE_SUBMODEL, "urn:l:1", "A", v, 1));
	written(make(STORE_SUBMODEL, "urn:l:2", "B", v, 1));
	written(make(STORE_SUBMODEL, "urn:l:3", "C", v, 1));
	struct store_txn *t = start(true);
	check_str(say(st->ops->del(t, STORE_SUBMODEL, "urn:l:1")), "OK", "one is deleted");
	check_str(say(st->ops->commit(t)), "OK", "for good");
	t = start(false);
	check_str(say(st->ops->ids(t, STORE_SUBMODEL, "urn:l", 10, ar, &id, &n)), "OK", "ids of then");
	check(n == 3 && !strcmp(id[0], "urn:l:1") && !strcmp(id[2], "urn:l:3"), "the deleted one is among them, in order");
	check_str(say(st->ops->ids(t, STORE_SUBMODEL, "urn:l:1", 1, ar, &id, &n)), "OK", "behind one");
	check(n == 1 && !strcmp(id[0], "urn:l:2"), "at most so many");
	check_str(say(st->ops->recent(t, STORE_SUBMODEL, TIME_NONE, TIME_NONE, "urn:l", 10, ar, &r, &n)), "OK", "all that is there");
	check(n == 2 && !strcmp(r[0].id, "urn:l:2") && r[0].created_us != TIME_NONE && r[0].created_us <= r[0].updated_us, "with its times");
	first = n == 2 ? r[1].created_us : 0;
	int64_t changed = n == 2 ? r[1].updated_us : 0;
	st->ops->abort(t);
	written(make(STORE_SUBMODEL, "urn:l:2", "B2", v, 1));
	t = start(false);
	check_str(say(st->ops->recent(t, STORE_SUBMODEL, TIME_NONE, changed + 1, NULL, 10, ar, &r, &n)), "OK", "what was changed since");
	check(n == 1 && !strcmp(r[0].id, "urn:l:2") && r[0].updated_us > r[0].created_us, "one, made before");
	check_str(say(st->ops->recent(t, STORE_SUBMODEL, first, TIME_NONE, "urn:l", 10, ar, &r, &n)), "OK", "what was made since");
	check(n == 1 && !strcmp(r[0].id, "urn:l:3"), "one");
	st->ops->abort(t);
}

/* -- what is no tree: blobs with their bytes, and packages ------------------------------------------------------------------------- */
static const char *file_at(const char *key, int64_t at)
{
	struct store_blob_info info;
	char bytes[20] = "";
	struct store_txn *t = start(false);
	enum err e = st->ops->blob_at(t, key, at, ar, &info);
	if (!e && info.size < (int64_t)sizeof bytes)
		e = st->ops->blob_read(t, &info, 0, bytes, (size_t)info.size);
	st->ops->abort(t);
	return e ? say(e) : arena_printf(ar, "%s %s %s", bytes, info.content_type ? info.content_type : "-", info.file_name ? info.file_name : "-");
}

static const char *package_at(const char *id, int64_t at)
{
	struct store_package p;
	struct store_txn *t = start(false);
	enum err e = st->ops->package_at(t, id, at, ar, &p);
	st->ops->abort(t);
	return e ? say(e) : arena_printf(ar, "%s %s %lld %zu %s", p.id, p.file_name, (long long)p.size, p.n_aas_ids, p.n_aas_ids ? p.aas_ids[0] : "-");
}

static size_t past_of(enum store_kind kind, const char *id, struct store_event **e)
{
	size_t n = 0;
	struct store_txn *t = start(false);
	check_str(say(st->ops->history(t, kind, id, 0, 99, ar, e, &n)), "OK", "the history of \"%s\"", id);
	st->ops->abort(t);
	return n;
}

/* Each state is asked for when it began, and just before. */
static void as_they_were(enum store_kind kind, const char *id, const char *const *state, size_t n)
{
	const char *(*at)(const char *, int64_t) = kind == STORE_FILE ? file_at : package_at;
	struct store_event *e;
	if (!check_int(past_of(kind, id, &e), n, "as many changes"))
		return;
	for (size_t i = 0; i < n; i++) {
		check(e[i].kind == kind && e[i].version == (int64_t)i + 1 && e[i].actor && !strcmp(e[i].actor, "anna"), "change %zu and whose it was", i + 1);
		check_str(at(id, e[i].recorded_us), state[i], "state %zu", i + 1);
		check_str(at(id, e[i].recorded_us - 1), i ? state[i - 1] : "NOT_FOUND", "before it");
	}
	check_str(at(id, INT64_MAX - 1), state[n - 1], "as it is");
}

static void by_anna(enum err (*step)(struct store_txn *, const void *), const void *what)
{
	static const struct store_cause cause = { "anna", "r", TIME_NONE, NULL, 0 };
	struct store_txn *t = start(true);
	st->ops->cause(t, &cause);
	check_str(say(step(t, what)), "OK", "a step");
	check_str(say(st->ops->commit(t)), "OK", "is committed");
}

static enum err put_file(struct store_txn *t, const void *what)
{
	return store_blob_put(st, t, "odd \"'\\ key", what);
}

static enum err drop_file(struct store_txn *t, const void *what)
{
	return st->ops->blob_del(t, what);
}

static enum err put_package(struct store_txn *t, const void *what)
{
	bool created;
	return st->ops->package_put(t, what, STORE_EITHER, &created);
}

static enum err drop_package(struct store_txn *t, const void *what)
{
	return st->ops->package_del(t, what);
}

static void files_of_then(void)
{
	static const char *const files[] = { "one t/t a.txt", "two t/t \"b\\", "NOT_FOUND", "one - -", "NOT_FOUND" };
	static const char *const packages[] = { "p1 a.aasx 7 1 urn:\"1\"", "p1 b.aasx 8 0 -", "NOT_FOUND", "p1 c.aasx 9 1 urn:\"1\"" };
	static const char *const shells[] = { "urn:\"1\"" };
	const char **id;
	size_t n;
	by_anna(put_file, &(struct store_blob){ "t/t", "a.txt", SLICE("one") });
	by_anna(put_file, &(struct store_blob){ "t/t", "\"b\\", SLICE("two") });
	by_anna(drop_file, "odd \"'\\ key");
	by_anna(put_file, &(struct store_blob){ NULL, NULL, SLICE("one") });
	by_anna(drop_file, "odd \"'\\ key");
	as_they_were(STORE_FILE, "odd \"'\\ key", files, 5);
	by_anna(put_package, &(struct store_package){ "p1", "a.aasx", shells, 1, 7 });
	by_anna(put_package, &(struct store_package){ "p1", "b.aasx", shells, 0, 8 });
	by_anna(drop_package, "p1");
	by_anna(put_package, &(struct store_package){ "p1", "c.aasx", shells, 1, 9 });
	as_they_were(STORE_PACKAGE, "p1", packages, 4);
	by_anna(put_package, &(struct store_package){ "p0", "0", shells, 0, 1 });
	by_anna(drop_package, "p1");
	struct store_txn *t = start(false);
	check_str(say(st->ops->ids(t, STORE_PACKAGE, NULL, 10, ar, &id, &n)), "OK", "the ids of all packages there ever were");
	check(n >= 2 && !strcmp(id[n - 2], "p0") && !strcmp(id[n - 1], "p1"), "in their order");
	st->ops->abort(t);
	check_str(file_at("never", INT64_MAX - 1), "NOT_FOUND", "what never was");
}

void suite_history(void)
{
	files_of_then();
	lists_of_then();
	model();
	valid();
	moments();
}
