/* SPDX-License-Identifier: Apache-2.0 - asynchronous invocations, and packages. */
#include "base/clock.h"
#include "tests/store/suite.h"

#define T0 INT64_C(1700000000000000)

static enum err ended(struct store_txn *t, enum err e)
{
	if (!e)
		return st->ops->commit(t);
	st->ops->abort(t);
	return e;
}

/* -- invocations ------------------------------------------------------------------------------------------------------------------ */

static enum err invocation(const char *id, const char *owner, const char *state, int64_t ended_us)
{
	struct store_txn *t = start(true);
	struct store_invocation i = { id, "urn:s", "A.B[1]", owner, state, NULL, NULL, NULL, false, T0, T0 + US_PER_S, ended_us };
	return ended(t, st->ops->invocation_put(t, &i));
}

static const char *shown(const char *id)
{
	struct store_txn *t = start(false);
	struct store_invocation i = { 0 };
	enum err e = st->ops->invocation_get(t, id, ar, &i);
	st->ops->abort(t);
	if (e)
		return say(e);
	return arena_printf(ar, "%s %s %s %s %s %s %s %s %d %lld %lld %lld", i.id, i.submodel_id, i.path, i.owner, i.state, i.message ? i.message : "-",
			    i.outputs ? i.outputs : "-", i.inoutputs ? i.inoutputs : "-", i.value_only, (long long)(i.requested_us - T0),
			    (long long)(i.deadline_us - T0), i.ended_us == TIME_NONE ? -1 : (long long)(i.ended_us - T0));
}

static const char *open_ones(const char *owner, size_t limit)
{
	struct store_txn *t = start(false);
	struct store_invocation *list;
	struct buf b = BUF_INIT;
	size_t n;
	enum err e = st->ops->invocation_open(t, owner, limit, ar, &list, &n);
	for (size_t i = 0; !e && i < n; i++)
		buf_printf(&b, "%s(%s) ", list[i].id, list[i].state);
	st->ops->abort(t);
	const char *s = e ? say(e) : arena_strndup(ar, b.p ? b.p : "", b.n);
	buf_fini(&b);
	return s;
}

static enum err trim(int64_t before_us, size_t keep)
{
	struct store_txn *t = start(true);
	return ended(t, st->ops->invocation_trim(t, before_us, keep));
}

static void invocations(void)
{
	check_str(shown("h1"), "NOT_FOUND", "no such handle");
	check_str(say(invocation("h1", "me", "Initiated", TIME_NONE)), "OK", "an invocation");
	check_str(shown("h1"), "h1 urn:s A.B[1] me Initiated - - - 0 0 1000000 -1", "as it was put");
	struct store_txn *t = start(true);
	struct store_invocation i = { "h1", "urn:s", "A.B[1]", "me", "Completed", "it's \"so\"", "[{\"a\":\"\xC3\xA4\"}]", "[]", true, T0, T0 + 2, T0 + 1 };
	check_str(say(ended(t, st->ops->invocation_put(t, &i))), "OK", "how it ended");
	check_str(shown("h1"), "h1 urn:s A.B[1] me Completed it's \"so\" [{\"a\":\"\xC3\xA4\"}] [] 1 0 2 1", "in its place");
	t = start(true);
	i.id = "gone";
	st->ops->invocation_put(t, &i);
	st->ops->abort(t);
	check_str(shown("gone"), "NOT_FOUND", "one that was aborted is not there");
	t = start(false);
	check_str(say(st->ops->invocation_put(t, &i)), "INTERNAL", "a reader does not write");
	st->ops->abort(t);

	invocation("h3", "me", "Running", TIME_NONE);
	invocation("h2", "me", "Initiated", TIME_NONE);
	invocation("h4", "other", "Running", TIME_NONE);
	check_str(open_ones("me", 10), "h2(Initiated) h3(Running) ", "what is under way, of one owner");
	check_str(open_ones("me", 1), "h2(Initiated) ", "so many at most");
	check_str(open_ones("nobody", 10), "", "of nobody");
}

static void trimming(void)
{
	for (int i = 0; i < 5; i++)
		invocation(arena_printf(ar, "t%d", i), "me", "Failed", T0 + 10 + i);
	check_str(say(trim(T0 + 11, 100)), "OK", "forget what is too old");
	check_str(shown("t0"), "NOT_FOUND", "the first is gone");
	check_str(shown("h1"), "NOT_FOUND", "and the one before it");
	check(strcmp(shown("t1"), "NOT_FOUND") != 0, "the next is just young enough");
	check_str(say(trim(0, 2)), "OK", "forget all but two");
	check_str(shown("t2"), "NOT_FOUND", "the older are gone");
	check(strcmp(shown("t3"), "NOT_FOUND") != 0 && strcmp(shown("t4"), "NOT_FOUND") != 0, "the newest are there");
	check_str(say(trim(0, 2)), "OK", "again");
	check_str(say(trim(T0 + 1000, 0)), "OK", "forget all");
	check_str(shown("t4"), "NOT_FOUND", "none is left");
	check_str(open_ones("me", 10), "h2(Initiated) h3(Running) ", "but those under way are");
}

/* -- packages --------------------------------------------------------------------------------------------------------------------- */

static const char *package(const char *id, enum store_put how, const char *file_name, int64_t size, const char *a, const char *b)
{
	const char *const list[] = { a, b };
	struct store_package p = { id, file_name, list, (size_t)(a != NULL) + (b != NULL), size };
	struct store_txn *t = start(true);
	bool created = false;
	enum err e = ended(t, st->ops->package_put(t, &p, how, &created));
	return e ? say(e) : created ? "created" : "replaced";
}

static const char *packages(const char *aas_id, const char *after, size_t limit)
{
	struct store_txn *t = start(false);
	struct store_package_page page;
	struct buf b = BUF_INIT;
	enum err e = st->ops->package_list(t, aas_id, after, limit, ar, &page);
	for (size_t i = 0; !e && i < page.n; i++) {
		const struct store_package *p = &page.item[i];
		buf_printf(&b, "%s:%s:%lld(", p->id, p->file_name, (long long)p->size);
		for (size_t k = 0; k < p->n_aas_ids; k++)
			buf_printf(&b, "%s%s", k ? "," : "", p->aas_ids[k]);
		buf_puts(&b, ") ");
	}
	if (!e && page.next)
		buf_printf(&b, "NEXT %s", page.next);
	st->ops->abort(t);
	const char *s = e ? say(e) : arena_strndup(ar, b.p ? b.p : "", b.n);
	buf_fini(&b);
	return s;
}

static enum err unpack(const char *id)
{
	struct store_txn *t = start(true);
	return ended(t, st->ops->package_del(t, id));
}

static void package_index(void)
{
	const char *wide = arena_printf(ar, "%s\xF0\x9F\x94\xA7", text('w', 2000)), *other = arena_printf(ar, "%sx", text('w', 2000));
	check_str(packages(NULL, NULL, 10), "", "no packages");
	check_str(package("b", STORE_REPLACE, "b.aasx", 1, NULL, NULL), "NOT_FOUND", "there is nothing to replace");
	check_str(package("b", STORE_CREATE, "b.aasx", 7, "urn:1", "urn:2"), "created", "a package");
	check_str(package("b", STORE_CREATE, "b.aasx", 7, NULL, NULL), "CONFLICT", "it exists");
	check_str(package("a'", STORE_EITHER, "a \"1\".aasx", 8, wide, NULL), "created", "another, with a long id in it");
	check_str(package("c", STORE_EITHER, "c", 9, NULL, NULL), "created", "one without shells");
	check_str(packages(NULL, NULL, 2), arena_printf(ar, "a':a \"1\".aasx:8(%s) b:b.aasx:7(urn:1,urn:2) NEXT b", wide), "the first page");
	check_str(packages(NULL, "b", 2), "c:c:9() ", "the second");
	check_str(packages(NULL, NULL, 3), arena_printf(ar, "a':a \"1\".aasx:8(%s) b:b.aasx:7(urn:1,urn:2) c:c:9() ", wide), "a page that holds all says no next");
	check_str(packages("urn:2", NULL, 10), "b:b.aasx:7(urn:1,urn:2) ", "by a shell");
	check_str(packages("urn:2", "b", 10), "", "behind it");
	check_str(packages(wide, NULL, 10), arena_printf(ar, "a':a \"1\".aasx:8(%s) ", wide), "by a long id");
	check_str(packages(other, NULL, 10), "", "by another one");
	check_str(package("b", STORE_EITHER, "new.aasx", 70, "urn:3", NULL), "replaced", "put again");
	check_str(packages("urn:2", NULL, 10), "", "by a shell that it no longer holds");
	check_str(packages("urn:3", NULL, 10), "b:new.aasx:70(urn:3) ", "by its new one");
	check_str(say(unpack("b")), "OK", "deleted");
	check_str(say(unpack("b")), "NOT_FOUND", "once");
	check_str(packages("urn:3", NULL, 10), "", "it is not listed");
	check_str(package("b", STORE_CREATE, "b", 1, NULL, NULL), "created", "its id is free");
}

void suite_index(void)
{
	invocations();
	trimming();
	package_index();
}
