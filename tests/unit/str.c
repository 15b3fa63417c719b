/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "base/map.h"
#include "base/str.h"

#include <math.h>

#include "tests/tap.h"

/* Texts are looked at eight bytes at a time: a byte that does not belong there is seen wherever it stands, whatever is around it. */
static void test_utf8_anywhere(void)
{
	static const char good[] = { ' ', '~', 'a', 0x7F, '\t' }, bad[] = { 0x00, 0x1F, (char)0x80, (char)0xC3, (char)0xFE, (char)0xFF };
	unsigned missed = 0, refused = 0;
	for (size_t fill = 0; fill < sizeof good; fill++)
		for (size_t at = 0; at < 24; at++) {
			char text[24];
			memset(text, good[fill], sizeof text);
			refused += !utf8_xml_valid(text, sizeof text);
			for (size_t i = 0; i < sizeof bad; i++) {
				text[at] = bad[i];
				missed += utf8_xml_valid(text, sizeof text);
			}
		}
	check_int(refused, 0, "24 good bytes are good");
	check_int(missed, 0, "a bad one among them is always seen");
}

static void test_utf8(void)
{
	static const struct {
		const char *s;
		size_t n;
		int valid, xml;
	} row[] = {
		{ "", 0, 1, 1 }, { "pump", 4, 1, 1 }, { "\xC3\xA4", 2, 1, 1 }, { "\xE2\x82\xAC", 3, 1, 1 }, { "\xF0\x9F\x98\x80", 4, 1, 1 },
		{ "\xF4\x8F\xBF\xBF", 4, 1, 1 }, { "\x7F", 1, 1, 1 }, { "\t\n\r", 3, 1, 1 }, { "\0", 1, 1, 0 }, { "\x1F", 1, 1, 0 },
		{ "\xEF\xBF\xBE", 3, 1, 0 }, { "\xEF\xBF\xBF", 3, 1, 0 }, { "\xEF\xBF\xBD", 3, 1, 1 },
		{ "\xC0\x80", 2, 0, 0 }, { "\xC1\xBF", 2, 0, 0 }, { "\xE0\x80\x80", 3, 0, 0 }, { "\xED\xA0\x80", 3, 0, 0 },
		{ "\xED\xBF\xBF", 3, 0, 0 }, { "\xF0\x80\x80\x80", 4, 0, 0 }, { "\xF4\x90\x80\x80", 4, 0, 0 }, { "\xF5\x80\x80\x80", 4, 0, 0 },
		{ "\x80", 1, 0, 0 }, { "\xC3", 1, 0, 0 }, { "\xE2\x82", 2, 0, 0 }, { "\xC3\x28", 2, 0, 0 }, { "\xFF", 1, 0, 0 },
	};
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		check_int(utf8_valid(row[i].s, row[i].n), row[i].valid, "UTF-8, row %zu", i);
		check_int(utf8_xml_valid(row[i].s, row[i].n), row[i].xml, "XML characters, row %zu", i);
	}
	check_int(utf8_length("a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80", 10), 4, "code points are counted");
	static const uint32_t cps[] = { 0, 0x7F, 0x80, 0x7FF, 0x800, 0xFFFF, 0x10000, 0x10FFFF };
	int ok = 1;
	for (size_t i = 0; i < sizeof cps / sizeof *cps; i++) {
		char out[4];
		size_t n = utf8_put(out, cps[i]);
		ok = ok && utf8_valid(out, n) && utf8_length(out, n) == 1;
	}
	check(ok, "code points are written well formed");
	char cut[] = "a\xC3\xA4\xE2\x82";
	utf8_repair(cut);
	check_str(cut, "a\xC3\xA4??", "a cut character is repaired");
}

static void test_numbers(void)
{
	static const char *const bad[] = { "", " 1", "1 ", "0x10", "inf", "nan", "1e", "--1", "1,5", "1e400", "1.2.3", "e5" };
	char text[STR_DOUBLE_MAX], one = '1';
	size_t v;
	double d;
	check(str_size("18446744073709551615", 20, &v) && v == SIZE_MAX, "the largest size");
	check(!str_size("18446744073709551616", 20, &v) && !str_size("01", 2, &v) && !str_size("-1", 2, &v) && !str_size("", 0, &v),
	      "no overflow, leading zero, sign or nothing");
	check(str_size("0", 1, &v) && v == 0, "zero");
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		check(!str_double(bad[i], strlen(bad[i]), &d), "\"%s\" is no number", bad[i]);
	check(str_double("-1.5e3", 6, &d) && d == -1500 && str_double(".5", 2, &d) && d == 0.5, "numbers are read");
	check(str_double(&one, 1, &d) && d == 1, "a slice need not be terminated");
	static const double values[] = { 0, -0.0, 0.1, 1.0 / 3, 1e300, 5e-324, 1.7976931348623157e308, 123456789.125, -2.5 };
	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		size_t n = str_of_double(text, values[i]);
		check(n == strlen(text) && str_double(text, n, &d) && d == values[i], "%s reads back as the same number", text);
	}
	str_of_double(text, 0.1);
	check_str(text, "0.1", "the shortest text is taken");
	str_of_double(text, -INFINITY);
	check_str(text, "-INF", "infinity as xs:double writes it");
	/* as "%.15g" writes them: digits and places of every number that measured ones have */
	static const double power[] = { 1, 10, 100, 1000, 1e4, 1e5, 1e6 };
	bool same = true;
	char want[STR_DOUBLE_MAX];
	for (int k = 0; k < 7 && same; k++)
		for (long long i = 1; i < 100000000 && same; i += i / 5 + 1)
			for (int sign = -1; sign <= 1 && same; sign += 2) {
				double x = (double)(sign * i) / power[k];
				size_t n = str_of_double(text, x);
				snprintf(want, sizeof want, "%.15g", x);
				same = n == strlen(text) && (strchr(want, 'e') ? str_double(text, n, &d) && d == x : !strcmp(text, want));
			}
	check(same, "short ones are as printf writes them: %s", want);
}

static void test_digits(void)
{
	static const uint64_t values[] = { 0, 9, 10, 99, 100, 101, 999, 1000, 12345, 123456, UINT64_MAX };
	char text[24], want[24], *end = text + 20;
	*end = 0;
	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		snprintf(want, sizeof want, "%llu", (unsigned long long)values[i]);
		check_str(str_digits(end, values[i]), want, "digits");
	}
}

static void test_base64(void)
{
	static const char *const good[][2] = { { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" }, { "foob", "Zm9vYg==" },
		{ "\xFB\xFF", "+/8=" } };
	static const char *const bad[] = { "Z", "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Zm8=Zm8=", "Zm 9v", "=", "====", "Zm-_" };
	static const char *const url_bad[] = { "Z", "Zm8==", "Zg=", "+/8", "Zm9v=", "Zh", "Zm9v====" };
	struct arena *a = arena_new(0);
	struct slice out;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		size_t n = strlen(good[i][0]);
		check_str(base64_encode(a, good[i][0], n), good[i][1], "base64 of %zu bytes", n);
		check(base64_decode(a, good[i][1], strlen(good[i][1]), &out) && out.n == n && !memcmp(out.p, good[i][0], n), "and back");
		char *url = base64url_encode(a, good[i][0], n);
		check(!strpbrk(url, "+/=") && base64url_decode(a, url, strlen(url), &out) && out.n == n && !memcmp(out.p, good[i][0], n) &&
		      !out.p[n], "base64url of %zu bytes and back", n);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		check(!base64_decode(a, bad[i], strlen(bad[i]), &out), "%s is not base64", bad[i]);
	for (size_t i = 0; i < sizeof url_bad / sizeof *url_bad; i++)
		check(!base64url_decode(a, url_bad[i], strlen(url_bad[i]), &out), "%s is not base64url", url_bad[i]);
	check(base64url_decode(a, "Zg==", 4, &out) && out.n == 1, "right padding of base64url is tolerated");
	arena_free(a);
}

int main(void)
{
	char one[UUID_SIZE], two[UUID_SIZE];
	test_utf8();
	test_utf8_anywhere();
	test_numbers();
	test_digits();
	test_base64();
	uuid_v7(one);
	uuid_v7(two);
	check(strlen(one) == 36 && one[14] == '7' && strchr("89ab", one[19]) && strcmp(one, two), "%s is a UUID of version 7", one);
	check(strncmp(one, two, 8) <= 0, "and they are ordered by time");
	return done();
}
