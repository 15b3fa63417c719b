/* SPDX-License-Identifier: Apache-2.0
 * event_element.h - BasicEventElements at work: what a change makes those say that are on, and when (IDTA-01001, "Event", "EventPayload").
 *
 * An element of direction output and state on sends an EventPayload to its messageTopic, or to "aas-events/<submodel id in base64url>/<path>",
 * when what it observes has changed, or anything below that.  Its payload is the CloudEvent of the change, whole.  Not sooner than minInterval
 * after the one before: then the newest waits for the end of the interval, and takes the place of the one that waits.  And not later than
 * maxInterval: then what was sent last is sent again.  An observed shell is the shell alone, not the submodels that it refers to.
 * messageBroker is not looked at: everything goes to the server's own broker.
 *
 * It reads no clock: whoever calls says what time it is, and never lets that run backwards.  One thread at a time.
 */
#ifndef SUBMODELS_EVENT_ELEMENT_H
#define SUBMODELS_EVENT_ELEMENT_H

#include "submodels/event.h"

struct event_elements;

struct event_elements_ports {
	void *ctx;
	bool (*send)(void *ctx, const struct event_message *);	/* copies what it keeps; false: no memory */
	/* lastUpdate of this element is now this time. */
	void (*sent)(void *ctx, const char *submodel_id, const char *path, int64_t time_us);
};

#define EVENT_ELEMENTS_MAX 100000	/* that are on, in all submodels together; further ones are logged and left out */

/* NULL without memory.  `conf` is that of the CloudEvents; it outlives them. */
struct event_elements *event_elements_new(const struct event_elements_ports *, const struct event_config *conf);
void event_elements_free(struct event_elements *);	/* what waits for its interval is lost; NULL is allowed */
/* The submodel is now like this, or is gone (NULL).  What its elements sent before still counts for their intervals. */
enum err event_elements_submodel(struct event_elements *, int64_t now_us, const char *id, const struct aas_node *);
/* All submodels of the store, page by page, each in a transaction of its own; `stop` ends it early.  Errors of the store. */
enum err event_elements_load(struct event_elements *, int64_t now_us, struct store *, bool (*stop)(void *ctx), void *ctx);
/* Something has changed.  Errors as of event_tree. */
enum err event_elements_change(struct event_elements *, int64_t now_us, struct event_trees *, const struct event *);
enum err event_elements_tick(struct event_elements *, int64_t now_us);
/* The end is near: what waits for the end of its minInterval is sent now, at most `most` of them.  How many were. */
size_t event_elements_flush(struct event_elements *, int64_t now_us, size_t most);
int64_t event_elements_due(const struct event_elements *);	/* when the next tick is wanted; INT64_MAX: never */
size_t event_elements_count(const struct event_elements *);	/* that are on */

#endif
