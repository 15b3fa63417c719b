/* SPDX-License-Identifier: Apache-2.0
 * The reader of the query language: what is read, and what is refused with its place.
 */
#include "aas/query.h"

#include "base/buf.h"
#include "tests/tap.h"

static struct arena *arena;

static const char *read_at(enum store_kind kind, const char *json)
{
	static char why[1200];
	struct aas_query *q;
	struct diag d = DIAG_INIT;
	arena_reset(arena);
	enum err e = aas_query_read(arena, kind, json, strlen(json), &q, &d);
	snprintf(why, sizeof why, "%s", e ? "" : "OK");
	if (e)
		diag_first(&d, why, sizeof why);
	check(!e == !d.n && (!e || d.list[0].err == e), "one message for each refusal");
	diag_fini(&d);
	return why;
}

#define C(x) "{\"$condition\":" x "}"
#define EQ(a, b) "{\"$eq\":[" a "," b "]}"
#define F(f) "{\"$field\":\"" f "\"}"
#define S(s) "{\"$strVal\":\"" s "\"}"
#define N(n) "{\"$numVal\":" n "}"

static void whole(void)
{
	static const struct { const char *json, *want; } cases[] = {
		{ C("{\"$boolean\":true}"), "OK" }, { "{\"$select\":\"id\",\"$condition\":{\"$boolean\":true}}", "OK" },
		{ " {\"Query\":" C("{\"$boolean\":true}") "} ", "OK" }, { "{\"$condition\":{\"$boolean\":true},\"$select\":\"id\"}", "OK" },
		{ "", "an object is expected" }, { "[]", "an object is expected" }, { "{}", "$condition is missing" },
		{ "{\"$select\":\"id\"}", "$condition is missing" }, { C("{\"$boolean\":true}") "x", "unexpected text after the value" },
		{ "{\"$select\":\"value\",\"$condition\":{\"$boolean\":true}}", "$select: only \"id\" can be selected" },
		{ "{\"$select\":\"id\",\"$select\":\"id\"}", "$select: is given twice" },
		{ "{\"$condition\":{\"$boolean\":true},\"$condition\":{\"$boolean\":true}}", "$condition: is given twice" },
		{ "{\"$filters\":[],\"$condition\":{\"$boolean\":true}}", "\"$filters\" is no member of a query" },
		{ "{\"Query\":{\"Query\":{}}}", "Query: \"Query\" is no member of a query" },
		{ "{\"Query\":" C("{\"$boolean\":true}") ",\"x\":1}", "one member is expected, \"x\" is one too many" },
		{ C("{}"), "$condition: an object with one member is expected, this one is empty" },
		{ C("{\"$boolean\":1}"), "$condition.$boolean: true or false is expected" },
		{ C("{\"$boolean\":true,\"$not\":{}}"), "$condition: one member is expected, \"$not\" is one too many" },
		{ C("{\"$xor\":[]}"), "$condition: \"$xor\" is no operator of the query language" },
		{ C("{\"$starts_with\":[]}"), "$condition: \"$starts_with\" is no operator of the query language" },
		{ C("{\"$and\":{}}"), "$condition.$and: an array is expected" },
		{ C("{\"$or\":[{\"$boolean\":true}]}"), "$condition.$or: 2 expressions are the least, these are 1" },
		{ C("{\"$match\":[]}"), "$condition.$match: 1 expressions are the least, these are 0" },
		{ C("{\"$not\":[]}"), "$condition.$not: an object is expected" },
		{ C("{\"$and\":[{\"$boolean\":true},{\"$boolean\":true},{\"$eq\":[" N("1") ",{\"$strVal\":7}]}]}"),
		  "$condition.$and[2].$eq[1].$strVal: a string is expected" },
		{ C("{\"$eq\":[" N("1") "]}"), "$condition.$eq: two values are compared, here is only one" },
		{ C("{\"$eq\":[]}"), "$condition.$eq: two values are compared, here are none" },
		{ C("{\"$eq\":[" N("1") "," N("1") "," N("1") "]}"), "$condition.$eq[2]: two values are compared, this is one too many" },
		{ C("{\"$eq\":[" N("1") "," N("01") "]}"), "$condition.$eq[1].$numVal: a number is expected" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		check_str(read_at(STORE_SUBMODEL, cases[i].json), cases[i].want, "%.60s", cases[i].json);
}

static void values(void)
{
	static const struct { const char *value, *want; } cases[] = {
		{ S("x"), "OK" }, { S(""), "OK" }, { S("\\u00e4=?"), "OK" }, { N("-1.5e3"), "OK" }, { "{\"$hexVal\":\"16#0AF\"}", "OK" },
		{ "{\"$dateTimeVal\":\"2024-01-01T00:00:00Z\"}", "OK" }, { "{\"$timeVal\":\"12:30\"}", "OK" }, { "{\"$timeVal\":\"12:30:01\"}", "OK" },
		{ "{\"$boolean\":false}", "OK" }, { "{\"$strCast\":" N("1") "}", "OK" }, { "{\"$numCast\":{\"$strCast\":" F("$sm#id") "}}", "OK" },
		{ "{\"$hexCast\":" N("17") "}", "OK" }, { "{\"$boolCast\":" S("true") "}", "OK" }, { "{\"$dateTimeCast\":" S("2024-02-29T00:00:00") "}", "OK" },
		{ "{\"$timeCast\":{\"$dateTimeVal\":\"2024-01-01T00:00:00Z\"}}", "OK" }, { "{\"$dayOfWeek\":\"2024-01-01T00:00:00Z\"}", "OK" },
		{ "{\"$month\":" F("$sme.D#value") "}", "OK" }, { "{\"$year\":{\"$dateTimeCast\":" F("$sme.D#value") "}}", "OK" },
		{ S("$sm#id"), "$strVal: a text does not begin with \"$\"; fields are named by $field" },
		{ S("a\\u0000"), "$strVal: malformed string" },
		{ "{\"$hexVal\":\"0AF\"}", "$hexVal: \"0AF\" is no hexadecimal number" }, { "{\"$hexVal\":\"16#af\"}", "$hexVal: \"16#af\" is no hexadecimal number" },
		{ "{\"$dateTimeVal\":\"2023-02-29T00:00:00Z\"}", "$dateTimeVal: \"2023-02-29T00:00:00Z\" is no date and time" },
		{ "{\"$timeVal\":\"25:00\"}", "$timeVal: \"25:00\" is no time" },
		{ "{\"$numCast\":" S("abc") "}", "$numCast: the value cannot be cast to a number" },
		{ "{\"$hexCast\":" N("1.5") "}", "$hexCast: the value cannot be cast to a hexadecimal number" },
		{ "{\"$boolCast\":" S("yes") "}", "$boolCast: the value cannot be cast to a boolean" },
		{ "{\"$dayOfMonth\":\"today\"}", "$dayOfMonth: \"today\" is no date and time" },
		{ "{\"$year\":{\"$numCast\":" F("$sm#id") "}}", "$year: a date and time is expected, this is a number" },
		{ "{\"$attribute\":{\"CLAIM\":\"x\"}}", ": \"$attribute\" is no value of the query language" },
		{ "{\"$intCast\":" N("1") "}", ": \"$intCast\" is no value of the query language" },
		{ "{\"$strVal\":\"a\",\"$numVal\":1}", ": one member is expected, \"$numVal\" is one too many" },
	};
	char json[400], want[400];
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		snprintf(json, sizeof json, C("{\"$ne\":[%s," F("$sme#value") "]}"), cases[i].value);
		snprintf(want, sizeof want, "%s%s%s", strcmp(cases[i].want, "OK") ? "$condition.$ne[0]" : "", *cases[i].want == '$' ? "." : "", cases[i].want);
		check_str(read_at(STORE_SUBMODEL, json), want, "%.80s", cases[i].value);
	}
	check_str(read_at(STORE_SUBMODEL, C("{\"$contains\":[" F("$sm#id") "," N("1") "]}")),
		  "$condition.$contains[1]: $field, $strVal or $strCast is expected here, not $numVal", "functions of texts take texts");
	check_str(read_at(STORE_SUBMODEL, C("{\"$ends-with\":[" F("$sm#id") ",{\"$strCast\":" N("1") "}]}")), "OK", "or what is made one");
}

static void patterns(void)
{
	static const struct { const char *pattern, *want; } cases[] = {
		{ "^urn:[a-z]+\\\\d{2}$", "OK" }, { "(?:a|b)*", "OK" }, { "\\\\p{Lu}", "OK" },
		{ "(a", "\"(a\" is no pattern: missing closing parenthesis" }, { "(?i)a", "\"(?i)a\" is no pattern: of the groups \"(?\" only \"(?:\" is one of XPath" },
		{ "(*LIMIT_MATCH=1)a", "\"(*LIMIT_MATCH=1)a\" is no pattern: \"(*\" begins no group of XPath" },
		{ "\\\\ia", "\"\\ia\" is no pattern: an escape that XPath does not have, or that this server does not" },
		{ "[a-z-[aeiou]]", "\"[a-z-[aeiou]]\" is no pattern: subtraction of character classes is not offered" },
	};
	char json[300], want[300];
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		snprintf(json, sizeof json, C("{\"$regex\":[" F("$sm#id") "," S("%s") "]}"), cases[i].pattern);
		snprintf(want, sizeof want, "%s%s", strcmp(cases[i].want, "OK") ? "$condition.$regex: " : "", cases[i].want);
		check_str(read_at(STORE_SUBMODEL, json), want, "%s", cases[i].pattern);
	}
}

static void field(enum store_kind kind, const char *text, bool ok)
{
	char json[3000];
	snprintf(json, sizeof json, C("{\"$eq\":[{\"$field\":\"%s\"}," S("x") "]}"), text);
	const char *why = read_at(kind, json);
	check(ok == !strcmp(why, "OK"), "%s %s: %s", text, ok ? "is a field" : "is none", why);
}

static void fields(void)
{
	static const char *const good[] = {
		"$aas#idShort", "$aas#id", "$aas#assetInformation.assetKind", "$aas#assetInformation.assetType", "$aas#assetInformation.globalAssetId",
		"$aas#assetInformation.specificAssetIds[].name", "$aas#assetInformation.specificAssetIds[3].value",
		"$aas#assetInformation.specificAssetIds[].externalSubjectId", "$aas#assetInformation.specificAssetIds[].externalSubjectId.type",
		"$aas#assetInformation.specificAssetIds[].externalSubjectId.keys[].value", "$aas#assetInformation.specificAssetIds[0].externalSubjectId.keys[1].type",
		"$aas#submodels[].type", "$aas#submodels[].keys[].type", "$aas#submodels[2].keys[0].value", "$aas#submodels",
		"$sm#semanticId", "$sm#semanticId.type", "$sm#semanticId.keys[].value", "$sm#semanticId.keys[1].type", "$sm#idShort", "$sm#id",
		"$sme#value", "$sme#valueType", "$sme#language", "$sme#idShort", "$sme#semanticId", "$sme.A#value", "$sme.A_b-c9.D#semanticId.keys[0].type",
		"$sme.A[]#value", "$sme.A[3][].B.C[]#language", "$sme.A[01]#value", "$sme.A[][]#value",
	};
	static const char *const bad[] = {
		"", "$aas", "$aas#", "aas#id", "$aas#ID", "$aas.x#id", "$sm#value", "$sm.a#id", "$sme#id", "$sme.#value", "$sme.A.#value", "$sme..A#value",
		"$sme.1A#value", "$sme.A-#value", "$sme.A[#value", "$sme.A[x]#value", "$sme.[]#value", "$sme.A[]B#value", "$sme.A[-1]#value",
		"$aas#assetInformation.specificAssetIds.name", "$aas#assetInformation.specificAssetIds[]", "$aas#submodels[]", "$aas#submodels.type",
		"$sm#semanticId.keys", "$sm#semanticId.keys[]", "$sm#semanticId.keys[].value.x", "$sm#supplementalSemanticIds[]", "$sme.A#value#value",
		"$sme.A[99999999999999999999]#value", "$cd#semanticId", "$sm#id ", " $sm#id",
	};
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		field(STORE_SUBMODEL, good[i], true);
		field(STORE_SHELL, good[i], true);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		field(STORE_SUBMODEL, bad[i], false);
	field(STORE_CONCEPT, "$cd#idShort", true);
	field(STORE_CONCEPT, "$cd#id", true);
	field(STORE_CONCEPT, "$sm#id", false);
	field(STORE_SHELL, "$cd#id", false);
	field(STORE_SHELL_DESCRIPTOR, "$aasdesc#submodelDescriptors[].endpoints[1].interface", true);
	field(STORE_SHELL_DESCRIPTOR, "$smdesc#id", false);
	field(STORE_SHELL_DESCRIPTOR, "$aas#id", false);
	field(STORE_SUBMODEL_DESCRIPTOR, "$smdesc#semanticId.keys[].value", true);
	field(STORE_SUBMODEL_DESCRIPTOR, "$aasdesc#id", false);
	check_str(read_at(STORE_CONCEPT, C(EQ(F("$sm#id"), S("x")))), "$condition.$eq[0].$field: \"$sm#id\": fields of $sm cannot be asked for here", "says why");
	check_str(read_at(STORE_SHELL, C(EQ(F("$aasdesc#endpoints[].interface"), S("x")))),
		  "$condition.$eq[0].$field: \"$aasdesc#endpoints[].interface\": fields of $aasdesc cannot be asked for here", "fields of descriptors are known");
	check_str(read_at(STORE_SHELL, C(EQ(F("$smdesc#endpoints[1].protocolinformation.href"), S("x")))),
		  "$condition.$eq[0].$field: \"$smdesc#endpoints[1].protocolinformation.href\": fields of $smdesc cannot be asked for here", "both kinds");
}

static void matches(void)
{
	static const struct { const char *json, *want; } cases[] = {
		{ EQ(F("$sme#value"), S("x")) "," EQ(F("$sme#semanticId"), S("x")), "OK" },
		{ EQ(F("$sme.D[]#value"), S("x")) "," EQ(F("$sm#idShort"), S("x")), "OK" },
		{ EQ(F("$sme.D[].E[].A#value"), S("x")) "," EQ(F("$sme.D[].E[].B#value"), S("x")) "," EQ(F("$sme.D[].C#value"), S("x")), "OK" },
		{ EQ(F("$sme.D[]#value"), S("x")) ",{\"$match\":[" EQ(F("$sme.D[].E[]#value"), S("x")) "]},{\"$match\":[" EQ(F("$sme.D[].G[]#value"), S("x")) "]}", "OK" },
		{ "{\"$and\":[]}", "$condition.$match[0]: $match takes comparisons and further $match, not $and" },
		{ EQ(F("$sme.D[]#value"), S("x")) "," EQ(F("$sme.E[]#value"), S("x")),
		  "$condition: one $match is about one list, \"$sme.D[]\" and \"$sme.E[]\" are two" },
		{ EQ(F("$sme.D[]#value"), S("x")) "," EQ(F("$sme#value"), S("x")), "$condition: one $match is about one list, \"$sme.D[]\" and \"$sme\" are two" },
		{ EQ(F("$sme.D[].E[]#value"), S("x")) "," EQ(F("$sme.D[].G[]#value"), S("x")),
		  "$condition: one $match is about one list at each level, \"$sme.D[].E[]\" and \"$sme.D[].G[]\" are two" },
		{ EQ(F("$sme.D[]#value"), S("x")) ",{\"$match\":[" EQ(F("$sme.E[]#value"), S("x")) "]}",
		  "$condition: one $match is about one list, \"$sme.D[]\" and \"$sme.E[]\" are two" },
	};
	char json[900];
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		snprintf(json, sizeof json, C("{\"$match\":[%s]}"), cases[i].json);
		check_str(read_at(STORE_SUBMODEL, json), cases[i].want, "%.100s", cases[i].json);
	}
}

static const char *nested(const char *open, unsigned n, const char *inner, const char *close)
{
	static struct buf b = BUF_INIT;
	buf_reset(&b);
	buf_puts(&b, "{\"$condition\":");
	for (unsigned i = 0; i < n; i++)
		buf_puts(&b, open);
	buf_puts(&b, inner);
	for (unsigned i = 0; i < n; i++)
		buf_puts(&b, close);
	buf_puts(&b, "}");
	return b.p;
}

static void bounds(void)
{
	struct buf b = BUF_INIT;
	char json[3000];
	check_str(read_at(STORE_SUBMODEL, nested("{\"$not\":", QUERY_DEPTH_MAX - 1, "{\"$boolean\":true}", "}")), "OK", "as deep as allowed");
	const char *why = read_at(STORE_SUBMODEL, nested("{\"$not\":", QUERY_DEPTH_MAX, "{\"$boolean\":true}", "}"));
	check(strstr(why, ": nested deeper than 32"), "one deeper: %s", why);
	why = read_at(STORE_SUBMODEL, nested("{\"$not\":", 100000, "{\"$boolean\":true}", "}"));
	check(strstr(why, ": nested deeper than 32"), "much deeper: %s", why);
	snprintf(json, sizeof json, "{\"$eq\":[" N("1") ",%s]}", nested("{\"$strCast\":", 40, N("1"), "}") + strlen("{\"$condition\":"));
	json[strlen(json) - 3] = ' ';		/* the brace that `nested` has put at the end */
	why = read_at(STORE_SUBMODEL, nested("", 0, json, ""));
	check(strstr(why, ": nested deeper than 32"), "casts too: %s", why);
	for (int i = 0; i < 600; i++)
		buf_puts(&b, i ? ",{\"$boolean\":true}" : "{\"$boolean\":true}");
	why = read_at(STORE_SUBMODEL, nested("{\"$and\":[", 1, b.p, "]}"));
	check_str(why, "$condition.$and[499]: more than 500 expressions and values", "many");
	buf_reset(&b);
	for (int i = 0; i <= QUERY_TEXT_MAX; i++)
		buf_putc(&b, 'x');
	snprintf(json, sizeof json, C("{\"$eq\":[" F("$sm#id") ",{\"$strVal\":\"%s\"}]}"), b.p);
	check_str(read_at(STORE_SUBMODEL, json), "$condition.$eq[1].$strVal: a text of more than 2048 bytes", "a long text");
	buf_reset(&b);
	for (int i = 0; i < 490; i++)
		buf_printf(&b, "%s[]", i ? "" : "$sme.A");
	buf_puts(&b, "#value");
	snprintf(json, sizeof json, C("{\"$eq\":[{\"$field\":\"%s\"}," S("x") "]}"), b.p);
	why = read_at(STORE_SUBMODEL, json);
	check(strstr(why, "is not a field"), "a path of many lists: %.80s", why);
	buf_fini(&b);
}

int main(void)
{
	arena = arena_new(64 << 20);
	whole();
	values();
	patterns();
	fields();
	matches();
	bounds();
	arena_free(arena);
	return done();
}
