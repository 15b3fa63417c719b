/* SPDX-License-Identifier: Apache-2.0 - the texts of the metamodel's string types, good and bad. */
#include "aas/lexical.h"
#include "aas/metamodel.h"

#include "tests/tap.h"

struct rows {
	const char *name;
	bool (*fits)(const char *, size_t);
	const char *const *good, *const *bad;
};

#define LIST(...) (const char *const[]){ __VA_ARGS__, NULL }

static void run(struct rows r)
{
	for (const char *const *s = r.good; *s; s++)
		check(r.fits(*s, strlen(*s)), "\"%s\" is a %s", *s, r.name);
	for (const char *const *s = r.bad; *s; s++)
		check(!r.fits(*s, strlen(*s)), "\"%s\" is no %s", *s, r.name);
}

static void test_types(void)
{
	run((struct rows){ "idShort", aas_lex_idshort, LIST("a", "A1", "Pump_1", "a-b", "z__", "a--b"),
			   LIST("", "1a", "_a", "a-", "-a", "a b", "a.b", "a\xC3\xA4", "\xC3\xA4", "a\n") });
	run((struct rows){ "version", aas_lex_version, LIST("0", "1", "10", "9999"), LIST("", "01", "00", "1.0", "-1", "a", "1 ") });
	run((struct rows){ "language", aas_lex_language,
			   LIST("de", "en-US", "zh-Hans-CN", "de-1996", "sl-rozaj-biske", "x-private", "x-a-b", "i-klingon", "I-KLINGON",
				"zh-min-nan", "en-GB-oed", "sgn-BE-FR", "es-419", "de-CH-1901-u-co-phonebk", "en-a-bbb-x-a-ccc", "zh-cmn-Hans-CN",
				"abcd", "abcdefgh", "en-x-y", "zh-gan-hak-yue", "de-0abc"),
			   LIST("", "d", "de-", "-de", "de--DE", "de_DE", "1de", "de-x", "de-a", "de-a-b", "abcdefghi", "de-abcdefghi", "german language",
				"x", "x-", "x-abcdefghi", "de-DE-1", "i-nonsense", "en-US-GB", "zh-gan-hak-yue-nan", "de-419-DE", "d\xC3\xA9",
				"abcd-efg", "de-u", "de-u-", "de-12") });
	run((struct rows){ "content type", aas_lex_mime,
			   LIST("text/plain", "application/vnd.api+json", "text/html; charset=utf-8", "a/b;c=d;e=f", "a/b \t; c=\"d e\"", "a/b;c=\"\\\"\"",
				"a/b;c=\"\"", "image/svg+xml", "a/b;c=\"\xC3\xA9\"", "!#$/%&'"),
			   LIST("", "text", "text/", "/plain", "text/plain;", "text/plain; charset", "text/plain; charset=", "text plain/x", "a/b/c",
				"a/b;c=\"d", "a/b;c =d", "a/b;c= d", "a/b;c=\"\\\"", "a/b;c=\"\xE2\x82\xAC\"", "a/b ", " a/b", "\xC3\xA9/b", "a/b;c=\"\n\"") });
	run((struct rows){ "base64", aas_lex_base64, LIST("", "Zg==", "Zm8=", "Zm9v", "+/+/"),
			   LIST("Z", "Zg", "Zg=", "Zh==", "Zm9=", "=", "====", "Zm9v\n", "Zm-v", "Zg==Zg==", "Z===") });
	run((struct rows){ "UTC time", aas_lex_datetime_utc,
			   LIST("2022-04-01T01:02:03Z", "2022-04-01T01:02:03.5+00:00", "-0001-02-29T24:00:00-00:00", "12022-04-01T01:02:03Z"),
			   LIST("", "2022-04-01T01:02:03", "2022-04-01T01:02:03+01:00", "2022-04-01Z", "0000-01-01T00:00:00Z", "2022-02-29T00:00:00Z", "Z") });
}

static void test_paths(void)
{
	run((struct rows){ "path", aas_lex_path,
			   LIST("/aasx/files/a.pdf", "file:///a/b", "https://example.com/a?b=c#d", "something_1", "a/b:c", "%20", "mailto:a@b", "urn:a:b",
				"http://[::1]:80/", "http://[2001:db8::1]/", "http://[1:2:3:4:5:6:1.2.3.4]", "http://[v1.a:b]/", "//host/x", "?q", "#f",
				"http://a:b@c:80", "/\xC3\xBC" "ber/\xE2\x82\xAC", "?\xEE\x80\x80", "a;b=c", "http://a:b:c/", "HCSxO:"),
			   LIST("", "a b", "%2", "%zz", "http://a#b#c", "1a:b", ":a", "a\\b", "<a>", "\"", "http://[::1", "http://[1:2]/", "http://[:::]/",
				"http://[1::2::3]", "http://[12345::]", "http://[::1]x", "a\x7F", "{a}", "^", "`0", "\xEE\x80\x80", "\xC2\x83",
				"/a|b", "http://[v.a]", "http://[v1.]", "http://[1:2:3:4:5:6:7:8:9]") });
}

static void test_lengths(void)
{
	char text[4100];
	memset(text, 'a', sizeof text);
	check(aas_string_ok(AAS_STR_IdShort, text, 128) && !aas_string_ok(AAS_STR_IdShort, text, 129), "128 characters of an idShort");
	check(aas_string_ok(AAS_STR_Identifier, text, 2048) && !aas_string_ok(AAS_STR_Identifier, text, 2049), "2048 of an identifier");
	check(!aas_string_ok(AAS_STR_Text, text, 0) && aas_string_ok(AAS_STR_Any, text, 0), "empty where it may be");
	for (size_t i = 0; i < 36; i += 2)
		memcpy(text + i, "\xC3\xA4", 2);
	check(aas_string_ok(AAS_STR_Text18, text, 36) && !aas_string_ok(AAS_STR_Text18, text, 37), "characters are counted, not bytes");
	check(!aas_string_ok(AAS_STR_Any, "a\0b", 3) && !aas_string_ok(AAS_STR_Any, "\x1B", 1) && !aas_string_ok(AAS_STR_Any, "\xEF\xBF\xBF", 3) &&
	      aas_string_ok(AAS_STR_Any, "\t\r\n\x7F", 4), "only what XML can carry (AASd-130)");
}

int main(void)
{
	test_types();
	test_paths();
	test_lengths();
	return done();
}
