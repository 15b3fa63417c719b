/* SPDX-License-Identifier: Apache-2.0
 * Transactions that meet.  A store may make one of them wait or answer ERR_AGAIN; either way the end is one of the serial orders. */
#include <sched.h>

#include "base/thread.h"
#include "tests/store/suite.h"

enum { THREADS = 4, ROUNDS = 25 };

struct run {
	pthread_t thread;
	int number;
	long starts;		/* transactions begun */
	enum err err;		/* that is not part of meeting */
	bool wrong;
	struct arena *arena;	/* the suite's belongs to the main thread */
};

static pthread_barrier_t barrier;

static long together(int n, void *(*f)(void *), enum err *err, bool *wrong)
{
	struct run r[THREADS + 1];
	long starts = 0;
	*err = ERR_OK;
	*wrong = false;
	memset(r, 0, sizeof r);
	pthread_barrier_init(&barrier, NULL, (unsigned)n);
	for (int i = 0; i < n; i++) {
		r[i].number = i;
		r[i].arena = arena_new(0);
		if (!thread_start(&r[i].thread, "meeting", f, &r[i]))
			printf("Bail out! no thread\n"), exit(1);
	}
	for (int i = 0; i < n; i++) {
		pthread_join(r[i].thread, NULL);
		starts += r[i].starts;
		*err = *err ? *err : r[i].err;
		*wrong |= r[i].wrong;
		arena_free(r[i].arena);
	}
	pthread_barrier_destroy(&barrier);
	return starts;
}

static struct store_txn *begin(struct run *r, bool write)
{
	struct store_txn *t = NULL;
	r->starts++;
	enum err e = st->ops->begin(st, write, &t);
	r->err = r->err ? r->err : e;
	return t;
}

static enum err end(struct store_txn *t, enum err e)
{
	if (!e)
		return st->ops->commit(t);
	st->ops->abort(t);
	return e;
}

/* The text of a value of a stored document: these documents have no quotes in their values. */
static enum err value(struct run *r, struct store_txn *t, const char *id, const char *name, char out[40], int64_t *version)
{
	struct store_doc d;
	enum err e = st->ops->get(t, STORE_SUBMODEL, id, r->arena, &d);
	if (e)
		return e;
	char *json = arena_strndup(r->arena, d.json.p, d.json.n), key[60];
	snprintf(key, sizeof key, "\"idShort\":\"%s\"", name);
	char *at = strstr(json, key), *v = at ? strstr(at, "\"value\":\"") : NULL;
	if (!v)
		return ERR_INTERNAL;
	snprintf(out, 40, "%.*s", (int)strcspn(v + 9, "\""), v + 9);
	if (version)
		*version = d.version;
	return ERR_OK;
}

/* -- counting by whole documents: read, add one, write upon the version that was read ------------------------------------------- */
static pthread_mutex_t ar_mutex = PTHREAD_MUTEX_INITIALIZER;

static struct aas_node *counter(const char *n)
{
	pthread_mutex_lock(&ar_mutex);
	struct aas_node *node = make(STORE_SUBMODEL, "urn:count", NULL, (const char *const[]){ n, "0" }, 2);
	pthread_mutex_unlock(&ar_mutex);
	return node;
}

static void *count_documents(void *arg)
{
	struct run *r = arg;
	for (int i = 0, tries = 0; i < ROUNDS; tries++) {
		char now[40], next[40];
		int64_t version = 0;
		bool created;
		struct store_txn *t = begin(r, true);
		enum err e = r->err ? r->err : value(r, t, "urn:count", "P0", now, &version);
		if (!tries)
			pthread_barrier_wait(&barrier);		/* all have read the same version */
		if (!e) {
			snprintf(next, sizeof next, "%d", atoi(now) + 1);
			e = st->ops->put(t, STORE_SUBMODEL, counter(next), STORE_REPLACE, version, &created, &version);
		}
		e = t ? end(t, e) : e;
		if (e != ERR_AGAIN && e != ERR_PRECONDITION)
			i++, r->err = r->err ? r->err : e, tries = -1;
		arena_reset(r->arena);
	}
	return NULL;
}

/* -- counting by values: the first value write holds the submodel until the end, or the commit answers ERR_AGAIN ------------------- */
static void *count_values(void *arg)
{
	struct run *r = arg;
	for (int i = 0, tries = 0; i < ROUNDS; tries++) {
		char now[40], next[40];
		int64_t version;
		if (!tries)
			pthread_barrier_wait(&barrier);
		struct store_txn *t = begin(r, true);
		enum err e = r->err ? r->err : st->ops->put_values(t, "urn:count", &(struct store_value){ "P0", "held" }, 1, &version);
		sched_yield();
		if (!e)
			e = value(r, t, "urn:count", "P1", now, NULL);
		if (!e) {
			snprintf(next, sizeof next, "%d", atoi(now) + 1);
			e = st->ops->put_values(t, "urn:count", &(struct store_value){ "P1", next }, 1, &version);
		}
		e = t ? end(t, e) : e;
		if (e != ERR_AGAIN)
			i++, r->err = r->err ? r->err : e, tries = -1;
		arena_reset(r->arena);
	}
	return NULL;
}

static void counting(void)
{
	enum err e;
	bool wrong;
	char want[40];
	snprintf(want, sizeof want, "%d", THREADS * ROUNDS);
	put_once(STORE_SUBMODEL, counter("0"), STORE_CREATE, 0, NULL);
	int64_t v0 = version_of(STORE_SUBMODEL, "urn:count");
	long starts = together(THREADS, count_documents, &e, &wrong);
	check_str(say(e), "OK", "documents counted up by %d threads", THREADS);
	check_str(current(STORE_SUBMODEL, "urn:count"), canonical(counter(want)), "no increment is lost");
	check_int(version_of(STORE_SUBMODEL, "urn:count") - v0, THREADS * ROUNDS, "the version counts the commits");
	printf("# %ld transactions for %d commits\n", starts, THREADS * ROUNDS);
	starts = together(THREADS, count_values, &e, &wrong);
	check_str(say(e), "OK", "values counted up by %d threads", THREADS);
	struct aas_node *n = make(STORE_SUBMODEL, "urn:count", NULL, (const char *const[]){ "held", want }, 2);
	check_str(current(STORE_SUBMODEL, "urn:count"), canonical(n), "no increment is lost");
	printf("# %ld transactions for %d commits\n", starts, THREADS * ROUNDS);
}

/* -- each thread its own element of the same submodel ------------------------------------------------------------------------------- */
static void *own_element(void *arg)
{
	struct run *r = arg;
	char path[10], text_[10];
	snprintf(path, sizeof path, "P%d", r->number);
	for (int i = 0; i <= ROUNDS && !r->err;) {
		int64_t version;
		snprintf(text_, sizeof text_, "%d", i);
		struct store_txn *t = begin(r, true);
		enum err e = r->err ? r->err : st->ops->put_values(t, "urn:elements", &(struct store_value){ path, text_ }, 1, &version);
		e = t ? end(t, e) : e;
		if (e != ERR_AGAIN)
			i++, r->err = e;
	}
	return NULL;
}

static void elements(void)
{
	enum err e;
	bool wrong;
	const char *v[THREADS] = { 0 };
	put_once(STORE_SUBMODEL, make(STORE_SUBMODEL, "urn:elements", NULL, v, THREADS), STORE_CREATE, 0, NULL);
	int64_t v0 = version_of(STORE_SUBMODEL, "urn:elements");
	together(THREADS, own_element, &e, &wrong);
	check_str(say(e), "OK", "elements of one submodel written by %d threads", THREADS);
	for (int i = 0; i < THREADS; i++)
		v[i] = "25";
	check_str(current(STORE_SUBMODEL, "urn:elements"), canonical(make(STORE_SUBMODEL, "urn:elements", NULL, v, THREADS)), "each shows its last value");
	check_int(version_of(STORE_SUBMODEL, "urn:elements") - v0, THREADS * (ROUNDS + 1), "the version counts the commits");
}

/* -- two documents, written in opposite orders: a dead-lock for whoever locks ---------------------------------------------------- */
static void *crossing(void *arg)
{
	struct run *r = arg;
	const char *const id[] = { "urn:x", "urn:y" };
	char mine[10];
	for (int i = 0; i < 3; i++) {
		enum err e = ERR_AGAIN;
		snprintf(mine, sizeof mine, "%d-%d", r->number, i);
		pthread_barrier_wait(&barrier);
		for (int tries = 0; e == ERR_AGAIN && !r->err; tries++) {
			int64_t version;
			struct store_txn *t = begin(r, true);
			e = r->err ? r->err : st->ops->put_values(t, id[r->number & 1], &(struct store_value){ "P0", mine }, 1, &version);
			if (!tries)
				pthread_barrier_wait(&barrier);
			if (!e)
				e = st->ops->put_values(t, id[!(r->number & 1)], &(struct store_value){ "P0", mine }, 1, &version);
			e = t ? end(t, e) : e;
		}
		r->err = e;
	}
	return NULL;
}

static void cross(void)
{
	enum err e;
	bool wrong;
	char x[40] = "", y[40] = "?";
	struct run r = { .arena = ar };
	put_once(STORE_SUBMODEL, make(STORE_SUBMODEL, "urn:x", NULL, (const char *const[]){ "0" }, 1), STORE_CREATE, 0, NULL);
	put_once(STORE_SUBMODEL, make(STORE_SUBMODEL, "urn:y", NULL, (const char *const[]){ "0" }, 1), STORE_CREATE, 0, NULL);
	together(2, crossing, &e, &wrong);
	check_str(say(e), "OK", "two documents written in opposite orders");
	struct store_txn *t = start(false);
	value(&r, t, "urn:x", "P0", x, NULL);
	value(&r, t, "urn:y", "P0", y, NULL);
	st->ops->abort(t);
	check_str(x, y, "both show the same writer");
}

/* -- one creates, the others learn that they were late -------------------------------------------------------------------------- */
static void *creating(void *arg)
{
	struct run *r = arg;
	for (int i = 0; i < ROUNDS && !r->err; i++) {
		enum err e;
		char id[40];
		snprintf(id, sizeof id, "urn:new:%d", i);
		pthread_mutex_lock(&ar_mutex);
		struct aas_node *n = plain(STORE_CONCEPT, id);
		pthread_mutex_unlock(&ar_mutex);
		pthread_barrier_wait(&barrier);
		do {
			struct store_txn *t = begin(r, true);
			bool created;
			int64_t version;
			e = r->err ? r->err : st->ops->put(t, STORE_CONCEPT, n, STORE_CREATE, 0, &created, &version);
			e = t ? end(t, e) : e;
		} while (e == ERR_AGAIN);
		r->starts -= e == ERR_OK ? 1000000 : 0;
		if (e && e != ERR_CONFLICT)
			r->err = e;
	}
	return NULL;
}

static void create(void)
{
	enum err e;
	bool wrong;
	long sum = together(THREADS, creating, &e, &wrong);
	check_str(say(e), "OK", "%d threads create the same ids", THREADS);
	check_int((-sum + 999999) / 1000000, ROUNDS, "each is created once");
}

/* -- a reader sees one moment ------------------------------------------------------------------------------------------------------- */
static pthread_mutex_t done_mutex = PTHREAD_MUTEX_INITIALIZER;
static int reads;		/* that all readers have done together */

/* The writer goes on until the readers have read enough, and they until then. */
static bool enough(int add)
{
	pthread_mutex_lock(&done_mutex);
	reads += add;
	bool yes = reads >= 200;
	pthread_mutex_unlock(&done_mutex);
	return yes;
}

static void write_pair(struct run *r)
{
	char n[40];
	for (int i = 1; !enough(0) && !r->err;) {
		int64_t version;
		snprintf(n, sizeof n, "%d", i);
		struct store_txn *t = begin(r, true);
		enum err e = r->err ? r->err : st->ops->put_values(t, "urn:x", (const struct store_value[]){ { "P0", n }, { "P1", n } }, 2, &version);
		if (!e)
			e = st->ops->put_values(t, "urn:y", &(struct store_value){ "P0", n }, 1, &version);
		if (!e)
			e = store_blob_put(st, t, "z", &(struct store_blob){ NULL, NULL, slice_of(n) });
		e = t ? end(t, e) : e;
		if (e != ERR_AGAIN)
			i++, r->err = e;
	}
	enough(r->err ? 200 : 0);
}

static void read_pair(struct run *r)
{
	while (!enough(1) && !r->err && !r->wrong) {
		char x0[40], x1[40], y[40];
		struct store_blob z;
		struct store_page p;
		struct store_txn *t = begin(r, false);
		enum err e = r->err ? r->err : value(r, t, "urn:x", "P0", x0, NULL);
		e = e ? e : value(r, t, "urn:y", "P0", y, NULL);
		e = e ? e : value(r, t, "urn:x", "P1", x1, NULL);
		e = e ? e : store_blob_get(st, t, "z", SIZE_MAX, r->arena, &z);
		e = e ? e : st->ops->list(t, STORE_SUBMODEL, NULL, "urn:x", 1, r->arena, &p);
		e = t ? end(t, e) : e;
		if (e != ERR_AGAIN)
			r->err = e;
		if (!e)
			r->wrong = strcmp(x0, x1) || strcmp(x0, y) || !slice_is(z.bytes, x0) || p.n != 1 ||
				   !strstr(arena_strndup(r->arena, p.item[0].json.p, p.item[0].json.n), arena_printf(r->arena, "\"%s\"", x0));
		arena_reset(r->arena);
	}
	enough(r->err || r->wrong ? 200 : 0);
}

static void *pair(void *arg)
{
	struct run *r = arg;
	(r->number ? read_pair : write_pair)(r);
	return NULL;
}

static void readers(void)
{
	enum err e;
	bool wrong;
	struct store_txn *t = start(true);
	put(t, STORE_SUBMODEL, make(STORE_SUBMODEL, "urn:x", NULL, (const char *const[]){ "0", "0" }, 2), STORE_EITHER, 0, NULL);
	put(t, STORE_SUBMODEL, make(STORE_SUBMODEL, "urn:y", NULL, (const char *const[]){ "0" }, 1), STORE_EITHER, 0, NULL);
	store_blob_put(st, t, "z", &(struct store_blob){ NULL, NULL, SLICE("0") });
	st->ops->commit(t);
	reads = 0;
	long n = together(3, pair, &e, &wrong);
	check_str(say(e), "OK", "readers beside a writer");
	check(!wrong, "no reader sees half of a commit");
	printf("# %ld transactions\n", n);
}

/* The same without threads: a reader that has begun to read stays in its moment. */
static void moment(void)
{
	struct aas_node *a = make(STORE_CONCEPT, "urn:m1", "Old", NULL, 0), *b = make(STORE_CONCEPT, "urn:m1", "New", NULL, 0);
	put_once(STORE_CONCEPT, a, STORE_CREATE, 0, NULL);
	put_once(STORE_CONCEPT, plain(STORE_CONCEPT, "urn:m2"), STORE_CREATE, 0, NULL);
	struct store_txn *t = start(false);
	get(t, STORE_CONCEPT, "urn:m2");
	put_once(STORE_CONCEPT, b, STORE_REPLACE, 0, NULL);
	del_once(STORE_CONCEPT, "urn:m2");
	put_once(STORE_CONCEPT, plain(STORE_CONCEPT, "urn:m3"), STORE_CREATE, 0, NULL);
	check_str(get(t, STORE_CONCEPT, "urn:m1"), canonical(a), "a reader sees what was there when it began to read");
	check_str(ids(t, STORE_CONCEPT, NULL, "urn:m", 9), "urn:m1 urn:m2 urn:new:0 urn:new:1 urn:new:10 urn:new:11 urn:new:12 urn:new:13 urn:new:14 NEXT urn:new:14",
		  "in lists as well");
	check_str(ids(t, STORE_CONCEPT, &(struct store_filter){ .id_short = "New" }, NULL, 9), "", "and through filters");
	st->ops->commit(t);
	check_str(current(STORE_CONCEPT, "urn:m1"), canonical(b), "the next one sees what is there now");
	check_str(current(STORE_CONCEPT, "urn:m2"), "NOT_FOUND", "and what is not");
}

/* -- the same bytes brought, replaced and deleted by many at once --------------------------------------------------------------------- */

enum { SHARED = 3, SHARED_SIZE = 300000 };

static struct slice shared_bytes(struct arena *a, int which)
{
	char *p = arena_raw(a, SHARED_SIZE);
	memset(p, 'a' + which, SHARED_SIZE);
	return (struct slice){ p, SHARED_SIZE };
}

static enum err share(struct run *r, const char *key, int which)
{
	struct store_blob b = { "t/t", NULL, { NULL, 0 } };
	struct slice want = shared_bytes(r->arena, which);
	b.bytes = want;
	struct store_txn *t = begin(r, true);
	enum err e = end(t, store_blob_put(st, t, key, &b));
	if (e)
		return e;
	t = begin(r, false);
	e = store_blob_get(st, t, key, SIZE_MAX, r->arena, &b);
	r->wrong |= !e && !slice_eq(b.bytes, want);
	st->ops->abort(t);
	if (e || which)
		return e;		/* the next round replaces it */
	t = begin(r, true);
	return end(t, st->ops->blob_del(t, key));
}

static void *sharer(void *arg)
{
	struct run *r = arg;
	char key[20];
	snprintf(key, sizeof key, "shared%d", r->number);
	for (int i = 0; i < 2 * ROUNDS && !r->err && !r->wrong; i++) {
		enum err e;
		do
			e = share(r, key, (i + r->number) % SHARED);
		while (e == ERR_AGAIN);
		r->err = e;
		arena_reset(r->arena);
	}
	return NULL;
}

static enum err never(void *ctx, char *p, size_t n, size_t *got, struct diag *d)
{
	(void)p;
	(void)n;
	(void)d;
	*(bool *)ctx = true;
	*got = 0;
	return ERR_UNAVAILABLE;
}

/* Are such bytes still kept?  Whoever brings them is asked for them only if not. */
static bool kept(struct slice bytes)
{
	struct store_blob_info info = { .size = (int64_t)bytes.n };
	bool asked = false;
	struct store_txn *t = start(true);
	sha256_of(bytes.p, bytes.n, info.hash);
	st->ops->blob_put(t, "probe", &info, (struct source){ never, &asked }, NULL);
	st->ops->abort(t);
	return !asked;
}

static void sharing(void)
{
	enum err e;
	bool wrong;
	char key[20];
	together(THREADS, sharer, &e, &wrong);
	check_str(say(e), "OK", "the same files stored and deleted by %d threads", THREADS);
	check(!wrong, "each finds its own");
	for (int i = 0; i < SHARED; i++) {
		struct slice bytes = shared_bytes(ar, i);
		struct store_txn *t = start(true);
		store_blob_put(st, t, "last", &(struct store_blob){ NULL, NULL, bytes });
		st->ops->commit(t);
		check(kept(bytes), "content %d is kept for one that has it", i);
	}
	struct store_txn *t = start(true);
	for (int i = 0; i < THREADS; i++) {
		snprintf(key, sizeof key, "shared%d", i);
		st->ops->blob_del(t, key);
	}
	st->ops->blob_del(t, "last");
	check_str(say(st->ops->commit(t)), "OK", "all deleted");
	for (int i = 0; i < SHARED; i++)
		check(kept(shared_bytes(ar, i)), "content %d is kept for history", i);
}

/* What a reader sees stays for him, and goes with him, though nobody writes there again. */
static void leaving(void)
{
	const struct slice bytes = SLICE("seen by a reader alone");
	struct store_blob_info info;
	struct store_txn *reader, *t = start(true);
	store_blob_put(st, t, "leaving", &(struct store_blob){ NULL, NULL, bytes });
	st->ops->commit(t);
	reader = start(false);
	check_str(say(st->ops->blob_find(reader, "leaving", ar, &info)), "OK", "somebody reads");
	t = start(true);
	st->ops->blob_del(t, "leaving");
	check_str(say(st->ops->commit(t)), "OK", "it is deleted");
	check_str(say(st->ops->blob_find(reader, "leaving", ar, &info)), "OK", "he still sees it");
	st->ops->abort(reader);
	check(kept(bytes), "when he has left its bytes are there for history");
}

void suite_meet(void)
{
	leaving();
	counting();
	elements();
	cross();
	create();
	readers();
	sharing();
	moment();
}
