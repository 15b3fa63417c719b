/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"

/* A SIGHUP may change them while threads write. */
static _Atomic enum log_level log_most = LOG_INFO;
static _Atomic enum log_format log_how = LOG_TEXT;
static const char *const level_name[] = { "error", "warn", "info", "debug" };
static const char journal_prefix[] = "3467";	/* syslog priorities */

void log_setup(enum log_level most, enum log_format format)
{
	log_most = most;
	log_how = format;
}

void log_write(enum log_level level, const char *module, const char *fmt, ...)
{
	if (level > log_most)
		return;
	char msg[1024], when[TIME_TEXT_MAX], line[sizeof msg + 128];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(msg, sizeof msg, fmt, ap);
	va_end(ap);
	for (char *p = msg; *p; p++)
		if ((unsigned char)*p < 0x20)
			*p = ' ';
	utf8_repair(msg);
	time_format(when, clock_now_us() / 1000 * 1000);
	struct buf b = BUF_INIT;
	enum log_format how = log_how;
	if (how == LOG_JSON) {
		buf_printf(&b, "{\"time\":\"%s\",\"level\":\"%s\",\"module\":\"%s\",\"msg\":", when, level_name[level], module);
		buf_json(&b, msg, strlen(msg));
		buf_puts(&b, "}\n");
	} else {
		int n = how == LOG_JOURNAL
			? snprintf(line, sizeof line, "<%c>%s: %s\n", journal_prefix[level], module, msg)
			: snprintf(line, sizeof line, "%s %-5s %s: %s\n", when, level_name[level], module, msg);
		buf_put(&b, line, n < 0 ? 0 : (size_t)n < sizeof line ? (size_t)n : sizeof line - 1);
	}
	if (b.n && write(STDERR_FILENO, b.p, b.n) < 0) {
		/* nobody left to tell */
	}
	buf_fini(&b);
}
