/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
	struct timespec ts;
	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * US_PER_S + ts.tv_nsec / 1000;
}

int64_t clock_now_us(void)
{
	return read_clock(CLOCK_REALTIME);
}

int64_t clock_mono_us(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

void clock_sleep_us(int64_t us)
{
	struct timespec ts = { us / US_PER_S, us % US_PER_S * 1000 };
	while (us > 0 && nanosleep(&ts, &ts) && errno == EINTR)
		;
}

/* Days since 1970-01-01 of the proleptic Gregorian calendar (Hinnant's civil algorithm, era of 400 years). */
static int64_t days_of(int64_t y, unsigned m, unsigned d)
{
	y -= m <= 2;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	unsigned yoe = (unsigned)(y - era * 400);
	unsigned doy = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;
	return era * 146097 + (int64_t)(yoe * 365 + yoe / 4 - yoe / 100 + doy) - 719468;
}

static void civil_of(int64_t days, int64_t *y, unsigned *m, unsigned *d)
{
	days += 719468;
	int64_t era = (days >= 0 ? days : days - 146096) / 146097;
	unsigned doe = (unsigned)(days - era * 146097);
	unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	unsigned mp = (5 * doy + 2) / 153;
	*d = doy - (153 * mp + 2) / 5 + 1;
	*m = mp < 10 ? mp + 3 : mp - 9;
	*y = (int64_t)yoe + era * 400 + (*m <= 2);
}

static size_t put_fraction(char *out, size_t n, size_t size, int64_t frac)
{
	if (!frac)
		return n;
	n += (size_t)snprintf(out + n, size - n, ".%06d", (int)frac);
	while (out[n - 1] == '0')
		out[--n] = 0;
	return n;
}

size_t time_format(char out[TIME_TEXT_MAX], int64_t us)
{
	int64_t s = us / US_PER_S, frac = us % US_PER_S, y;
	unsigned m, d;
	if (frac < 0) {
		frac += US_PER_S;
		s--;
	}
	int64_t day = s / 86400, sod = s % 86400;
	if (sod < 0) {
		sod += 86400;
		day--;
	}
	civil_of(day, &y, &m, &d);
	size_t n = (size_t)snprintf(out, TIME_TEXT_MAX, "%04d-%02u-%02uT%02d:%02d:%02d", (int)y, m, d,
				    (int)(sod / 3600), (int)(sod / 60 % 60), (int)(sod % 60));
	n = put_fraction(out, n, TIME_TEXT_MAX, frac);
	out[n++] = 'Z';
	out[n] = 0;
	return n;
}

struct scan {
	const char *p, *end;
};

/* Exactly `width` digits; -1 when there are not. */
static int digits(struct scan *s, int width)
{
	int v = 0;
	if (s->end - s->p < width)
		return -1;
	for (int i = 0; i < width; i++, s->p++) {
		if (*s->p < '0' || *s->p > '9')
			return -1;
		v = v * 10 + (*s->p - '0');
	}
	return v;
}

static bool skip(struct scan *s, char c)
{
	if (s->p == s->end || *s->p != c)
		return false;
	s->p++;
	return true;
}

/* ".123" as microseconds; digits beyond the sixth are read and dropped; false for a dot without digits. */
static bool fraction(struct scan *s, int64_t *us)
{
	int64_t unit = 100000;
	*us = 0;
	if (!skip(s, '.'))
		return true;
	const char *from = s->p;
	for (; s->p < s->end && *s->p >= '0' && *s->p <= '9'; s->p++, unit /= 10)
		*us += (*s->p - '0') * unit;
	return s->p > from;
}

static bool zone(struct scan *s, int *minutes)
{
	*minutes = 0;
	if (s->p == s->end || skip(s, 'Z'))
		return true;
	int sign = *s->p == '-' ? -1 : 1;
	if (*s->p != '+' && *s->p != '-')
		return false;
	s->p++;
	int h = digits(s, 2);
	if (h < 0 || !skip(s, ':'))
		return false;
	int m = digits(s, 2);
	if (m < 0 || m > 59 || h * 60 + m > 14 * 60)
		return false;
	*minutes = sign * (h * 60 + m);
	return true;
}

bool time_parse(const char *p, size_t n, int64_t *us)
{
	static const unsigned char month[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	struct scan s = { p, p + n };
	int y, mo, d, h, mi, sec, tz;
	int64_t frac;
	if ((y = digits(&s, 4)) < 1 || !skip(&s, '-') || (mo = digits(&s, 2)) < 1 || mo > 12 || !skip(&s, '-'))
		return false;
	if ((d = digits(&s, 2)) < 1 || d > month[mo - 1] || (mo == 2 && d == 29 && (y % 4 || (y % 100 == 0 && y % 400))))
		return false;
	if (!skip(&s, 'T') || (h = digits(&s, 2)) < 0 || h > 24 || !skip(&s, ':') || (mi = digits(&s, 2)) < 0 || mi > 59)
		return false;
	if (!skip(&s, ':') || (sec = digits(&s, 2)) < 0 || sec > 59 || !fraction(&s, &frac) || (h == 24 && (mi || sec || frac)))
		return false;
	if (!zone(&s, &tz) || s.p != s.end)
		return false;
	*us = (days_of(y, (unsigned)mo, (unsigned)d) * 86400 + h * 3600 + mi * 60 + sec - tz * 60) * US_PER_S + frac;
	return true;
}

/* One "<number><unit>" component; the number may have a fraction only before S. */
static bool component(struct scan *s, const char **units, const int64_t *scale, int64_t *total)
{
	const char *from = s->p;
	int64_t v = 0, frac = 0;
	for (; s->p < s->end && *s->p >= '0' && *s->p <= '9'; s->p++) {
		if (v > (INT64_MAX - 9) / 10)
			return false;
		v = v * 10 + (*s->p - '0');
	}
	bool point = s->p < s->end && *s->p == '.';
	if (s->p == from || !fraction(s, &frac) || s->p == s->end)
		return false;
	const char *at = *s->p ? strchr(*units, *s->p) : NULL;
	if (!at || (point && *at != 'S') || v > INT64_MAX / 4 / scale[(unsigned char)*at - 'A'])
		return false;
	*total += v * scale[(unsigned char)*at - 'A'] + frac;
	*units = at + 1;
	s->p++;
	return *total < INT64_MAX / 2;
}

bool duration_parse(const char *p, size_t n, int64_t *us)
{
	static const int64_t day[26] = { ['D' - 'A'] = 86400 * US_PER_S };
	static const int64_t clock[26] = { ['H' - 'A'] = 3600 * US_PER_S, ['M' - 'A'] = 60 * US_PER_S, ['S' - 'A'] = US_PER_S };
	struct scan s = { p, p + n };
	int64_t total = 0;
	bool negative = skip(&s, '-');
	const char *units = "D", *parts = "HMS";
	if (!skip(&s, 'P') || s.p == s.end)
		return false;
	if (*s.p != 'T' && !component(&s, &units, day, &total))
		return false;
	if (s.p != s.end) {
		if (!skip(&s, 'T') || s.p == s.end)
			return false;
		while (s.p != s.end)
			if (!component(&s, &parts, clock, &total))
				return false;
	}
	*us = negative ? -total : total;
	return true;
}

size_t duration_format(char out[TIME_TEXT_MAX], int64_t us)
{
	size_t n = 0;
	uint64_t size = us < 0 ? -(uint64_t)us : (uint64_t)us;
	if (us < 0)
		out[n++] = '-';
	n += (size_t)snprintf(out + n, TIME_TEXT_MAX - n, "PT%llu", (unsigned long long)(size / (uint64_t)US_PER_S));
	n = put_fraction(out, n, TIME_TEXT_MAX, (int64_t)(size % (uint64_t)US_PER_S));
	out[n++] = 'S';
	out[n] = 0;
	return n;
}
