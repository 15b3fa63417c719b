/* SPDX-License-Identifier: Apache-2.0 - filters and a last line that is a topic; matching agrees with a second, slow reading of the rules. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "twin_engine/topic.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static int slow(const char *f, const char *t)
{
	size_t n = strcspn(f, "/"), m = strcspn(t, "/");
	if (f[0] == '#')
		return 1;
	if (f[0] != '+' && (n != m || memcmp(f, t, n)))
		return 0;
	if (!f[n] && !t[m])
		return 1;
	if (f[n] && !t[m])
		return !strcmp(f + n, "/#");
	return f[n] && t[m] && slow(f + n + 1, t + m + 1);
}

static void count(void *ctx, void *value)
{
	(void)value;
	++*(int *)ctx;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	char *text = malloc(n + 1), *lines[64], *topic = text;
	size_t k = 0;
	int got = 0, want = 0;
	memcpy(text, p, n);
	text[n] = 0;
	struct topic_tree *t = topic_tree_new();
	for (char *nl; k < 64 && (nl = strchr(topic, '\n')); topic = nl + 1) {
		*nl = 0;
		lines[k++] = topic;
	}
	for (size_t i = 0; i < k; i++)
		if (topic_add(t, lines[i], text) && *topic)
			want += slow(lines[i], topic) && !(topic[0] == '$' && strchr("+#", lines[i][0]));
	topic_match(t, topic, count, &got);
	if (got != want)
		abort();
	for (size_t i = 0; i < k; i++)
		if (topic_del(t, lines[i], text) != !topic_filter_fault(lines[i]))
			abort();
	topic_tree_free(t);
	free(text);
	return 0;
}
