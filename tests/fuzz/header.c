/* SPDX-License-Identifier: Apache-2.0 - arbitrary bytes as the headers Range, If-Range, Accept and Last-Event-ID: a part lies within what is there,
 * a type is one of those that were offered, and a place in the feed is written as it was read. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "server/accept.h"
#include "server/range.h"
#include "submodels/event_feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void part(const char *text)
{
	static const int64_t sizes[] = { 0, 1, 10, 4096, INT64_MAX };
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		int64_t from = -1, length = -1;
		enum range r = range_read(text, sizes[i], &from, &length);
		if (r == RANGE_PART && (from < 0 || length <= 0 || from >= sizes[i] || length > sizes[i] - from))
			abort();
		if (r == RANGE_PART && strncasecmp(text, "bytes=", 6))
			abort();
	}
	if (range_applies(text, "\"v1\"") && strcmp(text, "\"v1\"") && !strstr(text, "\"v1\""))
		abort();
}

static void type(const char *text)
{
	static const char *const types[] = { "application/json", "text/event-stream", "application/xml" };
	for (size_t n = 1; n <= 3; n++) {
		size_t chosen = accept_choose(text, types, n);
		if (chosen > n || chosen != accept_choose(text, types, n))
			abort();
		if (chosen == n && strspn(text, " \t,") == strlen(text))
			abort();	/* who says nothing takes anything */
	}
}

static void place(const char *text)
{
	struct event_cursor at, again;
	char written[EVENT_CURSOR_MAX];
	if (!event_cursor_read((struct slice){ text, strlen(text) }, &at))
		return;
	event_cursor_write(&at, written);
	if (at.position < 0 || !event_cursor_read((struct slice){ written, strlen(written) }, &again) || again.position != at.position ||
	    again.index != at.index)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	char *text = malloc(n + 1);
	if (!text)
		abort();
	memcpy(text, p, n);
	text[n] = 0;
	part(text);
	type(text);
	place(text);
	free(text);
	return 0;
}
