/* SPDX-License-Identifier: Apache-2.0 - the patterns of templates: what they match, and that none takes long. */
#include "aas/pattern.h"

#include "tests/tap.h"

static const struct {
	const char *pattern, *yes[4], *no[4];
} rows[] = {
	{ "", { "" }, { "a" } },
	{ "abc", { "abc" }, { "ab", "abcd", "" } },
	{ "^abc$", { "abc" }, { "abc$", "^abc" } },
	{ "a|bc|", { "a", "bc", "" }, { "abc", "b" } },
	{ "(a|b)(c|d)", { "ac", "bd" }, { "ab", "a" } },
	{ "a?b", { "b", "ab" }, { "aab" } },
	{ "a*b", { "b", "aaab" }, { "aaa" } },
	{ "(ab)+", { "ab", "ababab" }, { "", "aba" } },
	{ "a{3}", { "aaa" }, { "aa", "aaaa" } },
	{ "a{2,}", { "aa", "aaaaa" }, { "a" } },
	{ "(ab|c){1,2}d", { "abd", "cabd" }, { "d", "cccd" } },
	{ "a{0}b", { "b" }, { "ab" } },
	{ "\\[\\d{2}]", { "[12]" }, { "[1]" } },
	{ "x{0,2}", { "", "x", "xx" }, { "xxx" } },
	{ "(a*)*b", { "b", "aab" }, { "aa" } },
	{ "(?:a|b)c", { "ac" }, { "c" } },
	{ "[a-c_-]+", { "abc_-" }, { "d", "" } },
	{ "[^a-c]", { "d", "\t" }, { "a", "" } },
	{ "[]x]", { "]", "x" }, { "[" } },
	{ "[a\\]]", { "]" }, { "\\" } },
	{ "\\d\\D\\w\\W\\s\\S", { "1a_- b" }, { "aa_- b", "1a-- b" } },
	{ "a.c", { "abc", "a.c" }, { "ac" } },
	{ "a\\.c", { "a.c" }, { "abc" } },
	{ "Policy[\\d]{2,3}", { "Policy01", "Policy123" }, { "Policy1", "Policy1234" } },
	{ "Time[\\d{2,3}]", { "Time00", "Time123" }, { "Time0", "Time{" } },
	{ "[\\d{2}]x", { "12x" }, { "1x" } },
	{ "\xC3\xA9+", { "\xC3\xA9\xC3\xA9" }, { "e" } },
};

static const char *const unknown[] = { "(", ")", "(a", "a)", "a)|(b", "[", "[a", "[b-a]", "*", "+a", "?", "a{2,1}", "{2}", "\\", "[\\", "(?=a)", "a{65536}",
	"(((((a{999}){999}){999}){999}){999}){999}" };

int main(void)
{
	char long_text[4001];
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		for (int k = 0; k < 4 && rows[i].yes[k]; k++)
			check_int(aas_pattern_match(rows[i].pattern, rows[i].yes[k], strlen(rows[i].yes[k])), AAS_PATTERN_YES, "%s is %s", rows[i].yes[k], rows[i].pattern);
		for (int k = 0; k < 4 && rows[i].no[k]; k++)
			check_int(aas_pattern_match(rows[i].pattern, rows[i].no[k], strlen(rows[i].no[k])), AAS_PATTERN_NO, "%s is not %s", rows[i].no[k], rows[i].pattern);
	}
	for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
		check_int(aas_pattern_match(unknown[i], "a", 1), AAS_PATTERN_UNKNOWN, "no pattern: %s", unknown[i]);
	memset(long_text, 'a', sizeof long_text);
	check_int(aas_pattern_match("((a|aa)+b|(a|aa)+)c?[^a]", long_text, sizeof long_text), AAS_PATTERN_UNKNOWN, "what takes too long");
	memset(long_text, '(', sizeof long_text);
	memset(long_text + 2000, ')', 2000);
	long_text[4000] = 0;
	check_int(aas_pattern_match(long_text, "", 0), AAS_PATTERN_UNKNOWN, "groups without end");
	return done();
}
