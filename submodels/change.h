/* SPDX-License-Identifier: Apache-2.0
 * change.h - what just happened, told to whoever wants to know.
 *
 * A committed transaction publishes its changes, and the engine publishes the same struct; a subscriber cannot tell which flow one
 * came from but by `origin`.  Subscribers are called in the publishing thread, without locks held by the bus, must be quick,
 * must not block, and copy what they keep.  Subscribe before the threads start.
 */
#ifndef SUBMODELS_CHANGE_H
#define SUBMODELS_CHANGE_H

#include "aas/store.h"

enum change_kind { CHANGE_CREATED, CHANGE_UPDATED, CHANGE_DELETED, CHANGE_VALUE };
enum change_origin { CHANGE_BY_CLIENT, CHANGE_BY_ENGINE };

struct change {
	enum change_kind kind;
	enum change_origin origin;
	enum store_kind of;
	const char *id;		/* of the identifiable */
	const char *path;	/* idShortPath of the element; NULL: the identifiable itself */
	const char *value;	/* CHANGE_VALUE of a Property: the new text, NULL when absent */
	int64_t version;	/* of the identifiable, after the change */
	int64_t time_us;
};

struct changes;
typedef void change_fn(void *ctx, const struct change *, size_t n);

struct changes *changes_new(void);
void changes_free(struct changes *);
bool changes_subscribe(struct changes *, change_fn *, void *ctx);	/* false without memory */
void changes_publish(struct changes *, const struct change *, size_t n);

#endif
