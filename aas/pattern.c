/* SPDX-License-Identifier: Apache-2.0 */
#include "aas/pattern.h"

#include "aas/query_priv.h"
#include "base/buf.h"

#define PATTERN_MAX 4096
#define MEMORY ((size_t)1 << 20)
#define STEPS ((uint64_t)1 << 20)

/* "{2,3}]" at p: its length without the bracket, or 0. */
static size_t misplaced_count(const char *p)
{
	size_t n = *p == '{' ? 1 + strspn(p + 1, "0123456789,") : 0;
	return n > 1 && p[n] == '}' && p[n + 1] == ']' ? n + 1 : 0;
}

static void put_whole(struct buf *b, const char *p)
{
	bool in_class = false;
	buf_puts(b, "^(?:");
	while (*p) {
		size_t count = in_class ? misplaced_count(p) : 0;
		if (count) {
			buf_putc(b, ']');
			buf_put(b, p, count);
			p += count + 1;
			in_class = false;
			continue;
		}
		if (*p == '\\' && p[1])
			buf_putc(b, *p++);
		else if (*p == '[' || *p == ']')
			in_class = *p == '[';
		buf_putc(b, *p++);
	}
	buf_puts(b, ")$");
}

static enum aas_pattern_result search(struct arena *a, struct slice whole, struct slice text)
{
	const char *why;
	struct query_regex *r = query_regex_new(a, whole, &why);
	uint64_t steps = STEPS;
	bool found = false;
	if (!r || query_regex_search(r, text, &steps, &found))
		return AAS_PATTERN_UNKNOWN;
	return found ? AAS_PATTERN_YES : AAS_PATTERN_NO;
}

enum aas_pattern_result aas_pattern_match(const char *pattern, const char *text, size_t n)
{
	enum aas_pattern_result result = AAS_PATTERN_UNKNOWN;
	struct arena *a = strlen(pattern) > PATTERN_MAX ? NULL : arena_new(MEMORY);
	struct buf b = BUF_INIT;
	const char *why;
	put_whole(&b, pattern);
	/* On its own, too: "a)|(b" would be one between our parentheses. */
	if (a && !b.failed && query_regex_new(a, slice_of(pattern), &why))
		result = search(a, buf_view(&b), (struct slice){ text, n });
	buf_fini(&b);
	arena_free(a);
	return result;
}
