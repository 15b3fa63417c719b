/* SPDX-License-Identifier: Apache-2.0
 * query_regex.c - $regex: XPath's fn:matches, which searches the text for the pattern, by PCRE2.
 *
 * The pattern is the client's: it is compiled without what could look behind the text or run for long, and matching is counted.  What the
 * two dialects write differently (\i and \c of XML names, subtraction of classes) is refused rather than taken for something else. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "aas/query_priv.h"

#define MATCH_LIMIT 20000
#define HEAP_LIMIT_KB 1024
#define SEARCH_STEPS 200	/* what a search costs beside the length of its text: PCRE2 does not tell */

struct query_regex {
	pcre2_code *code;
	pcre2_match_data *found;
	pcre2_match_context *limits;
};

/* Everything PCRE2 makes is the arena's: nothing is freed one by one. */
static void *take(size_t n, void *arena)
{
	return arena_alloc(arena, n);
}

static void leave(void *p, void *arena)
{
	(void)p, (void)arena;
}

/* What PCRE2 would understand, but not as XPath does. */
static const char *foreign(struct slice p)
{
	if (p.n > 1 && p.p[0] == '(' && p.p[1] == '*')
		return "\"(*\" begins no group of XPath";
	for (size_t i = 0; i + 1 < p.n; i++) {
		if (p.p[i] == '\\') {
			if (strchr("icICaeEGKQRXzZAbBghHNoRvVx", p.p[i + 1]))
				return "an escape that XPath does not have, or that this server does not";
			i++;
		} else if (p.p[i] == '(' && p.p[i + 1] == '?' && (i + 2 >= p.n || p.p[i + 2] != ':')) {
			return "of the groups \"(?\" only \"(?:\" is one of XPath";
		} else if (p.p[i] == '-' && p.p[i + 1] == '[') {
			return "subtraction of character classes is not offered";
		}
	}
	return NULL;
}

struct query_regex *query_regex_new(struct arena *a, struct slice pattern, const char **why)
{
	struct query_regex *r = ARENA_NEW(a, struct query_regex);
	pcre2_general_context *memory = r ? pcre2_general_context_create(take, leave, a) : NULL;
	pcre2_compile_context *how = memory ? pcre2_compile_context_create(memory) : NULL;
	int error = 0;
	PCRE2_SIZE at;
	if (!how)
		return *why = NULL, NULL;
	if ((*why = foreign(pattern)))
		return NULL;
	pcre2_set_parens_nest_limit(how, QUERY_DEPTH_MAX);
	r->code = pcre2_compile((PCRE2_SPTR)pattern.p, pattern.n, PCRE2_UTF | PCRE2_NO_UTF_CHECK | PCRE2_UCP | PCRE2_DOLLAR_ENDONLY |
				PCRE2_NEVER_BACKSLASH_C, &error, &at, how);
	if (!r->code) {
		char *text = arena_alloc(a, 200);
		if (text && error != PCRE2_ERROR_NOMEMORY && pcre2_get_error_message(error, (PCRE2_UCHAR *)text, 200) > 0)
			*why = text;
		return NULL;
	}
	r->found = pcre2_match_data_create(1, memory);
	r->limits = pcre2_match_context_create(memory);
	if (!r->found || !r->limits)
		return NULL;
	pcre2_set_match_limit(r->limits, MATCH_LIMIT);
	pcre2_set_heap_limit(r->limits, HEAP_LIMIT_KB);
	return r;
}

enum err query_regex_search(const struct query_regex *r, struct slice s, uint64_t *steps, bool *found)
{
	if (*steps <= s.n + SEARCH_STEPS)
		return ERR_EXPENSIVE;
	*steps -= s.n + SEARCH_STEPS;
	int n = pcre2_match(r->code, (PCRE2_SPTR)(s.p ? s.p : ""), s.n, 0, PCRE2_NO_UTF_CHECK, r->found, r->limits);
	*found = n >= 0;
	if (n >= 0 || n == PCRE2_ERROR_NOMATCH)
		return ERR_OK;
	return n == PCRE2_ERROR_NOMEMORY ? ERR_NO_MEMORY : ERR_EXPENSIVE;
}
