/* SPDX-License-Identifier: Apache-2.0 - topic filters (MQTT 5.0, 4.7). */
#include "twin_engine/topic.h"

#include "base/str.h"
#include "tests/tap.h"

struct hits {
	int n;
	char order[32];
};

static void hit(void *ctx, void *value)
{
	struct hits *h = ctx;
	if (h->n < 31)
		h->order[h->n] = *(char *)value;
	h->order[++h->n] = 0;
}

static int matches(const char *filter, const char *topic)
{
	struct topic_tree *t = topic_tree_new();
	struct hits h = { 0 };
	char x[] = "x";
	if (topic_add(t, filter, x))
		topic_match(t, topic, hit, &h);
	else
		h.n = -1;
	topic_tree_free(t);
	return h.n;
}

static void test_rules(void)
{
	static const struct {
		const char *filter, *topic;
		int n;
	} row[] = {
		{ "a/b", "a/b", 1 }, { "a/b", "a/bc", 0 }, { "a/b", "a", 0 }, { "a/b", "a/b/c", 0 }, { "A/b", "a/b", 0 },
		{ "+", "a", 1 }, { "+", "a/b", 0 }, { "+", "/a", 0 }, { "+/+", "/a", 1 }, { "/+", "/a", 1 }, { "a/+/c", "a/b/c", 1 },
		{ "a/+/c", "a//c", 1 }, { "a/+/c", "a/c", 0 }, { "a/+", "a/", 1 }, { "a/+", "a", 0 },
		{ "#", "a", 1 }, { "#", "a/b/c", 1 }, { "#", "/", 1 }, { "a/#", "a", 1 }, { "a/#", "a/b", 1 }, { "a/#", "a/b/c", 1 },
		{ "a/#", "ab", 0 }, { "a/+/#", "a", 0 }, { "a/+/#", "a/b", 1 }, { "+/#", "a", 1 },
		{ "#", "$SYS/x", 0 }, { "+/x", "$SYS/x", 0 }, { "$SYS/#", "$SYS/x", 1 }, { "$SYS/+", "$SYS/x", 1 }, { "a/#", "a/$x", 1 },
		{ "", "a", -1 }, { "a#", "a", -1 }, { "a/#/b", "a", -1 }, { "a+/b", "a", -1 }, { "+a", "a", -1 }, { "#a", "a", -1 },
		{ "\xFF", "a", -1 }, { "a", "", 0 },
	};
	for (size_t i = 0; i < sizeof row / sizeof *row; i++)
		check_int(matches(row[i].filter, row[i].topic), row[i].n, "rule %zu: %s", i, row[i].topic);
}

static void test_tree(void)
{
	static char a[] = "a", b[] = "b", c[] = "c";
	struct topic_tree *t = topic_tree_new();
	struct hits h = { 0 };
	check(topic_add(t, "p/+/t", a) && topic_add(t, "p/1/t", b) && topic_add(t, "p/1/t", c) && topic_add(t, "p/#", a), "filters are added");
	topic_match(t, "p/1/t", hit, &h);
	check_int(h.n, 4, "every value of every filter that matches, once");
	check(strstr(h.order, "bc") != NULL, "values of one filter in the order they came");
	check(!topic_del(t, "p/1/t", a) && !topic_del(t, "p/2/t", b) && !topic_del(t, "p", b), "what is not there is not removed");
	check(topic_del(t, "p/1/t", b), "one of two goes");
	h = (struct hits){ 0 };
	topic_match(t, "p/1/t", hit, &h);
	check_int(h.n, 3, "the other stays");
	check(topic_del(t, "p/1/t", c) && topic_del(t, "p/+/t", a) && topic_del(t, "p/#", a), "all go");
	h = (struct hits){ 0 };
	topic_match(t, "p/1/t", hit, &h);
	check_int(h.n, 0, "nothing matches an empty tree");
	topic_tree_free(t);
}

static void test_bounds(void)
{
	char *deep = malloc(70000);
	memset(deep, '/', 69999);
	deep[69999] = 0;
	check(topic_filter_fault(deep) != NULL, "a filter is at most 65535 bytes");
	deep[65000] = 0;
	check(topic_filter_fault(deep) != NULL, "a filter has at most 128 levels");
	deep[127] = 0;
	check(topic_filter_fault(deep) == NULL, "128 levels are allowed");
	deep[127] = '/';
	check_int(matches("#", deep), 1, "a name may be deeper");
	check(topic_name_fault("a/b") == NULL && topic_name_fault("a/+") && topic_name_fault("") && topic_name_fault("#"), "names have no wildcards");
	free(deep);
}

int main(void)
{
	test_rules();
	test_tree();
	test_bounds();
	return done();
}
