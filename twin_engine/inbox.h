/* SPDX-License-Identifier: Apache-2.0
 * inbox.h - what other threads want the engine to look at: changed submodels and written values, one entry per thing.
 *
 * A second change of the same submodel or value joins the first one, which keeps its place.  Bounded: what does not fit is counted.
 * Any thread puts, the engine thread takes; nothing blocks.
 */
#ifndef TWIN_ENGINE_INBOX_H
#define TWIN_ENGINE_INBOX_H

#include <stdbool.h>
#include <stddef.h>

struct inbox;

struct inbox_item {
	struct inbox_item *next;
	const char *id, *path;	/* path NULL: the submodel itself */
	char *value;		/* NULL: absent */
};

struct inbox *inbox_new(size_t most);
void inbox_free(struct inbox *);		/* NULL is allowed */
/* Texts are copied.  False: full or no memory; inbox_lost tells it to the taker. */
bool inbox_put(struct inbox *, const char *id, const char *path, const char *value);
/* Everything, in order; each one is given to inbox_item_free. */
struct inbox_item *inbox_take(struct inbox *);
void inbox_item_free(struct inbox_item *);
size_t inbox_lost(struct inbox *);		/* puts that did not fit since the last call */

#endif
