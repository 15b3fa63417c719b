/* SPDX-License-Identifier: Apache-2.0 - lexical and value space of the 30 xs: types. */
#include "aas/lexical.h"
#include "aas/metamodel.h"

#include "tests/tap.h"

struct row {
	const char *type;
	const char *good, *bad;		/* texts separated by "|"; a leading "|" stands for the empty text */
};

#define ZONES(x) x "Z|" x "+14:00|" x "-13:59|" x
#define NO_ZONES(x) x "z|" x "+14:01|" x "-15:00|" x "+1:00|" x "Z+00:00|" x "+0100|" x " Z"

static const struct row rows[] = {
	{ "xs:string", "|x| a b |\t\n|\xF0\x9F\x98\x80", NULL },
	{ "xs:boolean", "true|false|0|1", "|True|TRUE|yes|00|tru|truee|2" },
	{ "xs:integer", "0|-0|+0|007|-12345678901234567890123456789|+1", "|-|+|1.0|1e3| 1|1 |--1|0x1|\xD9\xA1" },
	{ "xs:long", "9223372036854775807|-9223372036854775808|0009223372036854775807|+1", "|9223372036854775808|-9223372036854775809|99999999999999999999" },
	{ "xs:int", "2147483647|-2147483648|+0002147483647|-0", "|2147483648|-2147483649|1.5|a| 5 " },
	{ "xs:short", "32767|-32768|-0", "|32768|-32769" },
	{ "xs:byte", "127|-128|+0000127", "|128|-129|1000" },
	{ "xs:nonNegativeInteger", "0|-0|-00|+0|+007|99999999999999999999999", "|-1|-01|-" },
	{ "xs:positiveInteger", "1|+1|001|99999999999999999999999", "|0|-0|+00|-1" },
	{ "xs:nonPositiveInteger", "0|+0|-0|-1|-99999999999999999999999|+00", "|1|+1" },
	{ "xs:negativeInteger", "-1|-01|-99999999999999999999999", "|0|-0|-00|1|+1" },
	{ "xs:unsignedLong", "0|18446744073709551615|-0|+1", "|18446744073709551616|-1" },
	{ "xs:unsignedInt", "4294967295|0|-0", "|4294967296|-1" },
	{ "xs:unsignedShort", "65535|0", "|65536|-1" },
	{ "xs:unsignedByte", "255|0|-0", "|256|-1" },
	{ "xs:decimal", "0|-0|.5|+.5|1.50|-1.5|5.|123456789012345678901234567890.123456789", "|.|-|-.|1e3|INF|NaN|1,5|1.2.3| 1|+-1" },
	{ "xs:double", "1|-1.5|.5|5.|1e5|1E-5|+1.5e+10|INF|-INF|NaN|1e-999999999999999999999|0e999999999999999999|1.7976931348623157e308|"
		       "0.00017976931348623157e312|179769313486231570000e288|1.797693134862315807e308|-0",
	  "|.|e5|1e|1e+|+INF|Infinity|inf|nan|-NaN|0x1p3|1,5| 1|1 |1e400|-1e400|1.7976931348623159e308|1e1.5|1.8e308|18e307|0.018e310|"
	  "1e99999999999999999999999" },
	{ "xs:float", "3.4028234e38|-3.4028235e38|1e-50|INF|-INF|NaN|1e38", "|1e39|3.5e38|-3.4028236e38|nan|1f" },
	{ "xs:dateTime", ZONES("2024-02-29T23:59:59.123456789") "|-2024-01-01T00:00:00|12024-01-01T00:00:00Z|2024-01-01T24:00:00.000|-0001-02-29T00:00:00|"
	  "0400-02-29T00:00:00|-0005-02-29T00:00:00",
	  NO_ZONES("2024-02-29T23:59:59") "||2024-02-30T00:00:00|2023-02-29T00:00:00|1900-02-29T00:00:00|0000-01-01T00:00:00|2024-01-01T24:00:01|"
	  "2024-01-01T24:00:00.1|2024-01-01T00:00:60|2024-01-01T00:00|2024-01-01|2024-1-1T00:00:00|02024-01-01T00:00:00|+2024-01-01T00:00:00|"
	  "2024-13-01T00:00:00|2024-04-31T00:00:00|2024-01-01T25:00:00|2024-01-01T00:60:00|2024-01-01T00:00:00.|2024-01-01 00:00:00|"
	  "-0004-02-29T00:00:00|24-01-01T00:00:00|2024-01-00T00:00:00|2024-00-01T00:00:00" },
	{ "xs:date", ZONES("2024-02-29") "|-0001-02-29|123456-01-01", NO_ZONES("2024-02-29") "||2023-02-29|0000-01-01|2024-06-31|20240101|2024-1-01|2024-01-01T" },
	{ "xs:time", ZONES("23:59:59.5") "|24:00:00|24:00:00.00|00:00:00", NO_ZONES("23:59:59") "||24:00:01|24:01:00|23:59|23:59:60|1:00:00|12:00:00." },
	{ "xs:gYear", ZONES("2024") "|-0001|0000|12345", NO_ZONES("2024") "||24|02024|+2024|2024-|-24" },
	{ "xs:gYearMonth", ZONES("2020-02") "|-0001-12", NO_ZONES("2020-02") "||2020-13|2020-00|2020-1|2020|20-01" },
	{ "xs:gMonth", ZONES("--05") "|--12", NO_ZONES("--05") "||--05--|--13|--00|-05|05|--5" },
	{ "xs:gMonthDay", ZONES("--02-29") "|--12-31|--04-30", NO_ZONES("--02-29") "||--02-30|--04-31|--13-01|--01-00|02-01|--0201" },
	{ "xs:gDay", ZONES("---31") "|---01", NO_ZONES("---31") "||---32|---00|---1|--01|01" },
	{ "xs:duration", "P1Y|P1M|P1D|PT1H|PT1M|PT1S|-P1Y2M3DT4H5M6.7S|PT0.5S|P0D|P1YT1S|PT36H|P999999999999999999999Y|P1Y1D|PT1H1S",
	  "|P|PT|-P|P1|1D|P1S|P1.5D|P1DT|PT1D|PT1M1H|P1D1Y|+P1D|P-1D|PT1.S|PT.5S|P1M1M|PT1.5M| P1D|P1D |T1S|P1YT|PT1S1" },
	{ "xs:hexBinary", "|00|aB|0123456789abcdefABCDEF", "0|0g|0x00|00 |000" },
	{ "xs:base64Binary", "|Zg==|Zm8=|Zm9v|Z g = =|Zm9v Zm9v|Z m 9 v", "Z|Zg|Zg=|Zh==|Zm9=| Zg==|Zg== |Z  g==|Zm-_|Zg==Zg==|====|Zm9v=" },
	{ "xs:anyURI", "|/path|1234|https://example.com/a?b#c|urn:x:y|HCSxO:|%20|\xC3\xA9", "a b|%2|%gg|http://a#b#c|``|<|1:2|\xC2\x83" },
};

static unsigned each(const char *list, uintptr_t ord, const char *type, bool want)
{
	unsigned n = 0;
	while (list) {
		size_t k = strcspn(list, "|");
		check(aas_xsd_ok(ord, list, k) == want, "\"%.*s\" is %s %s", (int)k, list, want ? "an" : "no", type);
		n++;
		list = list[k] ? list + k + 1 : NULL;
	}
	return n;
}

int main(void)
{
	unsigned covered = 0, same = 0;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int ord = aas_enum_find(AAS_ENUM_DataTypeDefXsd, rows[i].type, strlen(rows[i].type));
		if (!check(ord >= 0, "%s is a type", rows[i].type))
			continue;
		covered++;
		each(rows[i].good, (uintptr_t)ord + 1, rows[i].type, true);
		each(rows[i].bad, (uintptr_t)ord + 1, rows[i].type, false);
	}
	check_int(covered, AAS_N_XSD, "every type is tested");
	for (unsigned i = 0; i < AAS_N_XSD; i++)
		same += !strcmp(aas_xsd[i].name, aas_enums[AAS_ENUM_DataTypeDefXsd].literal[i]);
	check_int(same, aas_enums[AAS_ENUM_DataTypeDefXsd].n, "the table has the order of the enumeration");
	check_str(aas_xsd_of(0)->name, "xs:string", "no type is xs:string");
	check(aas_xsd_of(1 + 16)->integer && aas_xsd_of(1 + 16)->group == AAS_XSD_NUMBER, "xs:int is a whole number");
	return done();
}
