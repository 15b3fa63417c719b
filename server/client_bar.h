/* SPDX-License-Identifier: Apache-2.0
 * client_bar.h - how far an import or an export is, in one line of standard error that is drawn over again: when that is a terminal.
 *
 * Whoever writes a line of his own wipes it before.  One thread.
 */
#ifndef SERVER_CLIENT_BAR_H
#define SERVER_CLIENT_BAR_H

#include <stdbool.h>
#include <stdint.h>

enum client_bar_wish { CLIENT_BAR_AUTO, CLIENT_BAR_YES, CLIENT_BAR_NO };	/* --progress, --no-progress */

struct client_bar {
	bool on;
	int64_t started_us, shown_us;
};

void client_bar_start(struct client_bar *, enum client_bar_wish);
/* Is it time for another picture?  Always false when there is none. */
bool client_bar_due(struct client_bar *);
/* `part`: how much of it is done, from 0 to 1; negative: nobody knows.  The text is shown without what would steer the terminal. */
void client_bar_draw(struct client_bar *, double part, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void client_bar_wipe(const struct client_bar *);
/* Seconds that the rest takes if it goes on as before; negative: nobody knows. */
double client_bar_left(const struct client_bar *, double part);
/* Of so many things since the start, in a second. */
double client_bar_rate(const struct client_bar *, double done);

#endif
