/* SPDX-License-Identifier: Apache-2.0
 * tap.h - the whole unit test library: TAP on standard output, one line per check.
 *
 *   int main(void) { check(1 + 1 == 2, "addition"); check_str(name(), "pump", "name"); return done(); }
 */
#ifndef TESTS_TAP_H
#define TESTS_TAP_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef TAP_SHARED		/* a program of several files that check: one of them defines these */
extern int tap_n, tap_failed;
#else
static int tap_n, tap_failed;
#endif

#define check(cond, ...) tap_check((cond) != 0, #cond, __FILE__, __LINE__, __VA_ARGS__)
#define check_int(got, want, ...) tap_int((long long)(got), (long long)(want), __FILE__, __LINE__, __VA_ARGS__)
#define check_str(got, want, ...) tap_str((got), (want), __FILE__, __LINE__, __VA_ARGS__)

static inline void tap_line(int ok, const char *file, int line, const char *why, const char *what)
{
	printf("%sok %d - %s\n", ok ? "" : "not ", ++tap_n, what);
	if (!ok) {
		tap_failed++;
		printf("# %s:%d: %s\n", file, line, why);
	}
	fflush(stdout);
}
#define TAP_TEXT(out) char out[400]; va_list ap_; va_start(ap_, fmt); vsnprintf(out, sizeof out, fmt, ap_); va_end(ap_)
#include <stdarg.h>
__attribute__((format(printf, 5, 6))) static inline int tap_check(int ok, const char *expr, const char *file, int line, const char *fmt, ...)
{
	TAP_TEXT(what);
	tap_line(ok, file, line, expr, what);
	return ok;
}
__attribute__((format(printf, 5, 6))) static inline int tap_int(long long got, long long want, const char *file, int line, const char *fmt, ...)
{
	char why[100];
	TAP_TEXT(what);
	snprintf(why, sizeof why, "got %lld, want %lld", got, want);
	tap_line(got == want, file, line, why, what);
	return got == want;
}
__attribute__((format(printf, 5, 6))) static inline int tap_str(const char *got, const char *want, const char *file, int line, const char *fmt, ...)
{
	char why[1400];
	TAP_TEXT(what);
	int ok = got && want ? !strcmp(got, want) : got == want;
	snprintf(why, sizeof why, "got \"%.600s\", want \"%.600s\"", got ? got : "(null)", want ? want : "(null)");
	tap_line(ok, file, line, why, what);
	return ok;
}
/* A test that cannot run here says so, and the whole program is counted as skipped. */
static inline int skip_all(const char *why)
{
	printf("1..0 # SKIP %s\n", why);
	return 0;
}
static inline int done(void)
{
	printf("1..%d\n", tap_n);
	return tap_failed ? 1 : 0;
}

#endif
