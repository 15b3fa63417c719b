/* SPDX-License-Identifier: Apache-2.0
 * event_feed.h - reading the feed as CloudEvents: from a cursor on, with a filter.
 *
 * A cursor is the id of an event ("17-0": go on behind it) or a place ("17": behind all events of line 17).  One thread per reader.
 */
#ifndef SUBMODELS_EVENT_FEED_H
#define SUBMODELS_EVENT_FEED_H

#include "submodels/event.h"

/* The places that the feed can be read from: behind *oldest ... behind *newest. */
enum err event_feed_bounds(struct store *, int64_t *oldest, int64_t *newest);
/* The place behind which everything was recorded at that time or later, as far as the feed goes back. */
enum err event_feed_since(struct store *, int64_t time_us, int64_t *position);

struct event_cursor {
	int64_t position;
	size_t index;			/* SIZE_MAX: all of the line */
};
#define EVENT_CURSOR_MAX EVENT_ID_MAX
bool event_cursor_read(struct slice, struct event_cursor *);
void event_cursor_write(const struct event_cursor *, char out[EVENT_CURSOR_MAX]);

struct event_filter {
	unsigned kinds;			/* bits of enum store_kind; 0: all */
	unsigned types;			/* bits of enum event_type below N_FEED_TYPES; 0: all */
	const char *id;			/* of the identifiable; NULL: all */
};

struct event_reader;
struct event_reader *event_reader_new(struct store *, const struct event_config *);	/* borrowed; NULL without memory */
void event_reader_free(struct event_reader *);
/* From *at on, which moves with what was looked at: at most `limit` events of at most `lines` lines; *newest: there is no more behind it now.
 * `event` gets the cursor behind each and its CloudEvent; false stops there (the event counts as read).  ERR_GONE: the feed cannot be read
 * from there; others as of event_tree. */
enum err event_reader_read(struct event_reader *, struct event_cursor *at, const struct event_filter *, size_t limit, size_t lines, int64_t *newest,
			   bool (*event)(void *ctx, const char *cursor, struct slice cloud), void *ctx);
void event_reader_renew(struct event_reader *);		/* forget the lines that were read last: there may be new ones */

#endif
