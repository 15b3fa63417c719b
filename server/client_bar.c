/* SPDX-License-Identifier: Apache-2.0 */
#include "server/client_bar.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

#define SHOW_US 100000		/* between two pictures */
#define WIDTH 24

void client_bar_start(struct client_bar *b, enum client_bar_wish wish)
{
	b->on = wish == CLIENT_BAR_YES || (wish == CLIENT_BAR_AUTO && isatty(STDERR_FILENO));
	b->started_us = clock_mono_us();
	b->shown_us = 0;
}

bool client_bar_due(struct client_bar *b)
{
	int64_t t = clock_mono_us();
	if (!b->on || (b->shown_us && t - b->shown_us < SHOW_US))
		return false;
	b->shown_us = t;
	return true;
}

void client_bar_draw(struct client_bar *b, double part, const char *fmt, ...)
{
	char text[256];
	va_list ap;
	if (!b->on)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	for (char *p = text; *p; p++)
		if (iscntrl((unsigned char)*p))
			*p = '?';
	int done = part < 0 ? 0 : part > 1 ? WIDTH : (int)(part * WIDTH);
	fprintf(stderr, "\r\033[K[%.*s%.*s] %s", done, "########################", WIDTH - done, "........................", text);
	fflush(stderr);
}

void client_bar_wipe(const struct client_bar *b)
{
	if (!b->on)
		return;
	fputs("\r\033[K", stderr);
	fflush(stderr);
}

double client_bar_left(const struct client_bar *b, double part)
{
	double s = (double)(clock_mono_us() - b->started_us) / US_PER_S;
	return part > 0 && part <= 1 ? s * (1 - part) / part : -1;
}

double client_bar_rate(const struct client_bar *b, double done)
{
	return done * US_PER_S / (double)(clock_mono_us() - b->started_us + 1);
}
