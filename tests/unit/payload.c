/* SPDX-License-Identifier: Apache-2.0 - JSON pointers into payloads, and values by xs: type. */
#include "twin_engine/payload.h"

#include <math.h>

#include "aas/metamodel.h"
#include "base/clock.h"
#include "tests/tap.h"
#include "twin_engine/decode.h"

static uintptr_t type(const char *name)
{
	int i = aas_enum_find(AAS_ENUM_DataTypeDefXsd, name, strlen(name));
	return (uintptr_t)(1 + i);
}

/* The text at a pointer, or "!" and the fault. */
static const char *at(const char *json, const char *pointer)
{
	static char out[300];
	struct arena *a = arena_new(0);
	struct payload pl;
	struct payload_pointer p;
	struct payload_value v;
	struct buf b = BUF_INIT;
	size_t n = strlen(json);
	char *copy = malloc(n ? n : 1);
	memcpy(copy, json, n);		/* of exactly this size: a sanitizer sees every byte read too many */
	payload_init(&pl);
	payload_set(&pl, copy, n);
	const char *why = payload_pointer_parse(a, pointer, &p, NULL) ? "is no pointer" : payload_find(&pl, &p, &v);
	if (why)
		snprintf(out, sizeof out, "!%s", why);
	else if (payload_text(&v, &b))
		snprintf(out, sizeof out, "%s", b.p ? b.p : "");
	else
		snprintf(out, sizeof out, "!text");
	buf_fini(&b);
	payload_fini(&pl);
	arena_free(a);
	free(copy);
	return out;
}

static void test_pointers(void)
{
	/* the example of RFC 6901, section 5, and then some */
	static const char rfc[] = "{\"foo\":[\"bar\",\"baz\"],\"\":0,\"a/b\":1,\"c%d\":2,\"e^f\":3,\"g|h\":4,\"i\\\\j\":5,\"k\\\"l\":6,\" \":7,\"m~n\":8}";
	static const struct {
		const char *pointer, *want;
	} row[] = {
		{ "/foo/0", "bar" }, { "/foo/1", "baz" }, { "/", "0" }, { "/a~1b", "1" }, { "/c%d", "2" }, { "/e^f", "3" }, { "/g|h", "4" },
		{ "/i\\j", "5" }, { "/k\"l", "6" }, { "/ ", "7" }, { "/m~0n", "8" }, { "/foo", "[\"bar\",\"baz\"]" },
		{ "/foo/2", "!has nothing at this place" }, { "/foo/01", "!has nothing at this place" }, { "/foo/-", "!has nothing at this place" },
		{ "/nope", "!has nothing at this place" }, { "/foo/0/x", "!has nothing at this place" }, { "foo", "!is no pointer" },
		{ "/a~2b", "!is no pointer" }, { "/a~", "!is no pointer" },
	};
	for (size_t i = 0; i < sizeof row / sizeof *row; i++)
		check_str(at(rfc, row[i].pointer), row[i].want, "%s", row[i].pointer);
	check_str(at(rfc, ""), rfc, "the empty pointer is the whole text");
	check_str(at("{\"a\":{\"b\":[{},[],{\"c\":-1.5e+3}]},\"b\":9}", "/a/b/2/c"), "-1.5e+3", "through objects and arrays");
	check_str(at(" 5 ", ""), "5", "a number alone");
	check_str(at("{\"k\\u0065y\":1}", "/key"), "1", "an escaped name");
	check_str(at("\"\\u00e4\\ud83d\\ude00\\n\\/\"", ""), "\xC3\xA4\xF0\x9F\x98\x80\n/", "escapes are undone");
	check_str(at("\"\\ud83d\"", ""), "!text", "a lone surrogate is no text");
	check_str(at("\"\\u0000\"", ""), "!text", "nor is what XML cannot carry");
}

static void test_faults(void)
{
	static const char *const bad[] = { "", " ", "{", "[1,]", "{\"a\":}", "{\"a\" 1}", "{a:1}", "01", "1.", "-", "1e", "+1", ".5", "nul", "tru",
		"\"a", "\"\t\"", "\"\\x\"", "\"\\u12\"", "1 2", "[1 2]", "{\"a\":1,}", "NaN", "'a'", "\"\\", "\"\\u12g4\"" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		check_str(at(bad[i], ""), "!is not JSON", "not JSON: %s", bad[i]);
	char deep[200];
	memset(deep, '[', 64);
	memset(deep + 64, ']', 64);
	deep[128] = 0;
	check(at(deep, "")[0] == '[', "64 levels are read");
	memset(deep, '[', 65);
	memset(deep + 65, ']', 65);
	deep[130] = 0;
	check_str(at(deep, ""), "!is nested too deeply", "65 are not");
	size_t n = ((size_t)1 << 19) + 100;
	char *many = malloc(n + 3);
	many[0] = '[';
	for (size_t i = 1; i <= n; i += 2)
		memcpy(many + i, "1,", 2);
	memcpy(many + n, "1]", 3);
	check_str(at(many, ""), "!has too many values", "the number of values is bounded");
	free(many);
}

static const char *decoded(const char *json, const char *xs, double factor, double offset)
{
	static char out[300];
	struct payload pl;
	struct payload_value v;
	static const struct payload_pointer whole = { 0, NULL };
	struct buf b = BUF_INIT;
	double num;
	payload_init(&pl);
	payload_set(&pl, json, strlen(json));
	if (payload_find(&pl, &whole, &v))
		payload_plain(&pl, &v);
	const char *why = decode_value(&v, type(xs), &(struct decode_scale){ factor, offset }, &b, &num);
	snprintf(out, sizeof out, "%s%s", why ? "!" : "", why ? why : b.p ? b.p : "");
	buf_fini(&b);
	payload_fini(&pl);
	return out;
}

static void test_values(void)
{
	static const struct {
		const char *json, *type;
		double factor, offset;
		const char *want;
	} row[] = {
		{ "1450.25", "xs:double", 1, 0, "1450.25" }, { "\"7\"", "xs:double", 1, 0, "7" }, { "604", "xs:double", 0.1, -40, "20.4" },
		{ "true", "xs:double", 1, 0, "!is a boolean, not a number" }, { "\"fast\"", "xs:double", 1, 0, "!is not a number" },
		{ "null", "xs:double", 1, 0, "!is null" }, { "[1]", "xs:double", 1, 0, "!is an array or an object, not a value" },
		{ "1e999", "xs:double", 1, 0, "!is not a number" }, { "1e308", "xs:double", 100, 0, "!is too large once scaled" },
		{ "41", "xs:int", 1, 0, "41" }, { "41.0", "xs:int", 1, 0, "41" }, { "41.5", "xs:int", 1, 0, "!does not fit the type of its target" },
		{ "300", "xs:byte", 1, 0, "!does not fit the type of its target" }, { "9007199254740993", "xs:long", 1, 0, "9007199254740993" },
		{ "4", "xs:int", 2.5, 0, "10" }, { "1e-7", "xs:decimal", 1, 0, "0.0000001" }, { "1e20", "xs:decimal", 1, 0, "100000000000000000000" },
		{ "1", "xs:boolean", 1, 0, "true" }, { "false", "xs:boolean", 1, 0, "false" }, { "\"true\"", "xs:boolean", 1, 0, "true" },
		{ "2", "xs:boolean", 1, 0, "!is not a boolean" }, { "\"a b\"", "xs:string", 1, 0, "a b" }, { "12.50", "xs:string", 1, 0, "12.50" },
		{ "open", "xs:string", 1, 0, "open" }, { "\"2026-01-01T00:00:00Z\"", "xs:dateTime", 1, 0, "2026-01-01T00:00:00Z" },
		{ "\"soon\"", "xs:dateTime", 1, 0, "!does not fit the type of its target" },
	};
	for (size_t i = 0; i < sizeof row / sizeof *row; i++)
		check_str(decoded(row[i].json, row[i].type, row[i].factor, row[i].offset), row[i].want, "%s as %s", row[i].json, row[i].type);
	char *longest = malloc(5000);
	memset(longest, 'a', 4999);
	longest[4999] = 0;
	check_str(decoded(longest, "xs:string", 1, 0), "!is longer than 4096 bytes", "texts are bounded");
	free(longest);
}

static void test_times(void)
{
	static const struct {
		const char *json;
		long long us;
	} row[] = {
		{ "\"2026-01-01T00:00:00.5Z\"", 1767225600500000 }, { "\"2026-01-01T01:00:00+01:00\"", 1767225600000000 }, { "1767225600", 1767225600000000 },
		{ "1767225600.25", 1767225600250000 }, { "1767225600250", 1767225600250000 }, { "1767225600250123", 1767225600250123 },
		{ "1767225600250123456", 1767225600250123 }, { "\"1767225600\"", 1767225600000000 }, { "\"now\"", -1 }, { "-5", -1 }, { "true", -1 },
		{ "1e30", -1 },
	};
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		struct payload pl;
		struct payload_value v;
		int64_t us = -1;
		payload_init(&pl);
		payload_set(&pl, row[i].json, strlen(row[i].json));
		payload_find(&pl, &(struct payload_pointer){ 0, NULL }, &v);
		bool ok = decode_time(&v, &us);
		check_int(ok ? us : -1, row[i].us, "time %s", row[i].json);
		payload_fini(&pl);
	}
}

static void test_back(void)
{
	static const struct {
		const char *text, *type, *want;
	} row[] = { { "20", "xs:double", "600" }, { "+020", "xs:int", "600" }, { "NaN", "xs:double", "!" }, { "1", "xs:boolean", "true" },
		    { "say \"hi\"", "xs:string", "\"say \\\"hi\\\"\"" } };
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		struct buf b = BUF_INIT;
		double num;
		const char *why = decode_to_json(row[i].text, type(row[i].type), &(struct decode_scale){ 0.1, -40 }, &b, &num);
		check_str(why ? "!" : b.p, row[i].want, "%s written as JSON", row[i].text);
		buf_fini(&b);
	}
}

int main(void)
{
	test_pointers();
	test_faults();
	test_values();
	test_times();
	test_back();
	return done();
}
