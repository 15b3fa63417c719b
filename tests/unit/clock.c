/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include "tests/tap.h"

static void test_time(void)
{
	static const struct {
		const char *text;
		int64_t us;
		const char *back;	/* NULL: the text itself */
	} good[] = {
		{ "1970-01-01T00:00:00Z", 0, NULL },
		{ "2026-11-23T23:59:59.123456Z", 1795478399123456, NULL },
		{ "1969-12-31T23:59:59.5Z", -500000, NULL },
		{ "0001-01-01T00:00:00Z", -62135596800000000, NULL },
		{ "9999-12-31T23:59:59.999999Z", 253402300799999999, NULL },
		{ "2000-02-29T12:00:00+01:30", 951820200000000, "2000-02-29T10:30:00Z" },
		{ "2024-01-01T00:00:00-14:00", 1704117600000000, "2024-01-01T14:00:00Z" },
		{ "2024-02-28T24:00:00Z", 1709164800000000, "2024-02-29T00:00:00Z" },
		{ "2024-01-01T00:00:00", 1704067200000000, "2024-01-01T00:00:00Z" },
		{ "2024-01-01T00:00:00.1234567899Z", 1704067200123456, "2024-01-01T00:00:00.123456Z" },
	};
	static const char *const bad[] = { "", "2024-01-01", "2024-13-01T00:00:00Z", "2023-02-29T00:00:00Z", "1900-02-29T00:00:00Z",
		"2024-01-01T24:00:01Z", "2024-01-01T00:60:00Z", "2024-01-01T00:00:60Z", "2024-01-01T00:00:00.Z", "2024-01-01T00:00:00+15:00",
		"2024-01-01T00:00:00+1:00", "2024-01-01T00:00:00Zx", "0000-01-01T00:00:00Z", "2024-1-01T00:00:00Z", "2024-01-01 00:00:00Z" };
	char text[TIME_TEXT_MAX];
	int64_t us;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		check(time_parse(good[i].text, strlen(good[i].text), &us), "%s is a time", good[i].text);
		check_int(us, good[i].us, "its microseconds");
		check(time_format(text, us) == strlen(text), "its length");
		check_str(text, good[i].back ? good[i].back : good[i].text, "written again");
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		check(!time_parse(bad[i], strlen(bad[i]), &us), "\"%s\" is no time", bad[i]);
	int ok = 1;
	for (int64_t t = -62135596800; t < 253402300800 && ok; t += 86400 * 97 + 12345)
		ok = time_parse(text, time_format(text, t * US_PER_S), &us) && us == t * US_PER_S;
	check(ok, "ten thousand years there and back");
	check(time_format(text, INT64_MIN) < TIME_TEXT_MAX && time_format(text, INT64_MAX) < TIME_TEXT_MAX, "the extremes fit");
}

static void test_duration(void)
{
	static const struct {
		const char *text;
		int64_t us;
	} good[] = {
		{ "PT10S", 10000000 }, { "-P1DT2H", -93600000000 }, { "PT0.5S", 500000 }, { "P2D", 172800000000 }, { "PT1H30M", 5400000000 },
		{ "PT0S", 0 }, { "PT100000000S", 100000000000000 }, { "P3650D", 315360000000000 }, { "PT1M1.000001S", 61000001 },
	};
	static const char *const bad[] = { "", "P", "PT", "P1", "1D", "PT1", "P1S", "PT1D", "P1Y", "P1M", "P1.5D", "PT1.5M", "PT1.0M", "PT1S1M",
		"PT1SX", "+PT1S", "PT-1S", "P1DT", "PT99999999999999999999S", "P999999999999D", "PT.5S" };
	char text[TIME_TEXT_MAX];
	int64_t us;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		check(duration_parse(good[i].text, strlen(good[i].text), &us), "%s is a duration", good[i].text);
		check_int(us, good[i].us, "its microseconds");
		check(duration_parse(text, duration_format(text, us), &us) && us == good[i].us, "%s is the same", text);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		check(!duration_parse(bad[i], strlen(bad[i]), &us), "\"%s\" is no duration", bad[i]);
	check(!duration_parse("P1\0T2S", 7, &us) && !duration_parse("PT1\0", 4, &us), "nor is what holds a NUL");
	duration_format(text, INT64_MIN);
	check_str(text, "-PT9223372036854.775808S", "the longest one");
}

int main(void)
{
	test_time();
	test_duration();
	int64_t a = clock_mono_us();
	clock_sleep_us(2000);
	check(clock_mono_us() - a >= 2000 && clock_now_us() > 1700000000 * US_PER_S, "clocks run");
	return done();
}
