/* SPDX-License-Identifier: Apache-2.0 - the suite on the store in memory. */
#include "aas/store_mem_priv.h"
#include "tests/store/suite.h"

/* Memory is bounded: the oldest changes are forgotten, and who asks for them is told so. */
static void forgets(void)
{
	static const char *const v[] = { "1" };
	struct store_event *e;
	struct store_doc d;
	int64_t newest = 0;
	size_t n;
	st = store_mem_new();
	ar = arena_new(0);
	put_once(STORE_SHELL, plain(STORE_SHELL, "urn:quiet"), STORE_CREATE, 0, NULL);
	put_once(STORE_SUBMODEL, make(STORE_SUBMODEL, "urn:busy", NULL, v, 1), STORE_CREATE, 0, NULL);
	for (size_t i = 0; i < MEM_LOG_MAX; i++)
		values_once("urn:busy", &(struct store_value){ "P0", "2" }, 1, NULL);
	check_str(say(st->ops->feed(st, 0, 10, ar, &e, &n, &newest)), "GONE", "the feed does not reach back to its start any more");
	check_int(newest, MEM_LOG_MAX + 2, "but its positions go on");
	check_str(say(st->ops->feed(st, newest - 10, 100, ar, &e, &n, &newest)), "OK", "its end is there");
	check(n == 10 && e[9].position == newest, "with the newest event");
	struct store_txn *t = start(false);
	check_str(say(st->ops->get_version(t, STORE_SUBMODEL, "urn:busy", 1, ar, &d)), "GONE", "an old version cannot be made");
	check_str(say(st->ops->get_version(t, STORE_SUBMODEL, "urn:busy", newest - 2, ar, &d)), "OK", "a newer one can");
	check_str(say(st->ops->get_version(t, STORE_SHELL, "urn:quiet", 1, ar, &d)), "OK", "the version of now is there");
	check_str(say(st->ops->get_at(t, STORE_SHELL, "urn:quiet", 1, ar, &d)), "GONE", "since when, nobody knows");
	check_str(say(st->ops->get_at(t, STORE_SHELL, "urn:quiet", e[9].recorded_us, ar, &d)), "OK", "but it has not changed since then");
	check_str(say(st->ops->get_at(t, STORE_SHELL, "urn:never", 1, ar, &d)), "NOT_FOUND", "what never was is not gone");
	check_str(say(st->ops->commit(t)), "OK", "such a question ends no transaction");
	st->ops->close(st);
	arena_free(ar);
}

int main(void)
{
	suite_run(store_mem_new);
	forgets();
	return done();
}
