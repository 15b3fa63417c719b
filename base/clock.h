/* SPDX-License-Identifier: Apache-2.0
 * clock.h - time.  All wall-clock times are microseconds since 1970-01-01T00:00:00Z in an int64_t named `..._us`.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define US_PER_S ((int64_t)1000000)
#define TIME_NONE INT64_MIN		/* "no time known" */

int64_t clock_now_us(void);		/* wall clock */
int64_t clock_mono_us(void);		/* monotonic, for intervals */
void clock_sleep_us(int64_t us);

/* "2026-11-23T23:59:59.123456Z"; trailing zeros of the fraction are dropped ("...59Z", "...59.5Z"). */
#define TIME_TEXT_MAX 40
size_t time_format(char out[TIME_TEXT_MAX], int64_t us);
/* RFC 3339 / xs:dateTime with or without zone (no zone: UTC), years 0001..9999.  Digits beyond microseconds are cut. */
bool time_parse(const char *p, size_t n, int64_t *us);
/* xs:duration of days and smaller ("PT10S", "-P1DT2H", "PT0.5S"; years and months are refused: their length is not fixed). */
bool duration_parse(const char *p, size_t n, int64_t *us);
size_t duration_format(char out[TIME_TEXT_MAX], int64_t us);

#endif
