/* SPDX-License-Identifier: Apache-2.0
 * wish.h - what a broker connection should do as soon as it can: topic filters that should be subscribed, messages that should be sent.
 *
 * Not locked: the connection's lock is held by whoever calls.
 */
#ifndef TWIN_ENGINE_WISH_H
#define TWIN_ENGINE_WISH_H

#include "base/map.h"
#include "twin_engine/engine.h"

#define WISH_MANY 50		/* filters in one packet */

struct wish_message {
	struct wish_message *next;
	char *topic, *payload, *response, *correlation, *content_type;
	size_t n;
	int64_t expiry_us;
	uint64_t token;
};

struct wishes {
	struct map filters;	/* name -> its state */
	bool changed;		/* a filter has to be subscribed or unsubscribed */
	struct wish_message *first, **tail;
	size_t n_messages, most;
};

/* Filters on their way to the broker. */
struct wish_packet {
	struct wish_packet *next;
	void *ctx;
	int n;
	char *filter[WISH_MANY];
};

void wishes_init(struct wishes *, size_t most_messages);
void wishes_fini(struct wishes *);
/* The connection is gone: every filter is to be subscribed again, and no message waits any more. */
void wishes_renew(struct wishes *);

bool wish_filter(struct wishes *, const char *name);	/* false without memory */
void wish_no_filter(struct wishes *, const char *name);
/* Some filters to subscribe (or to unsubscribe), which count as asked from now on; NULL: none.  wish_packet_free by the caller. */
struct wish_packet *wish_filters(struct wishes *, bool unsubscribe);
void wish_answered(struct wishes *, const struct wish_packet *);
void wish_packet_free(struct wish_packet *);

struct wish_message *wish_message_new(const struct engine_publish *);	/* NULL without memory */
void wish_message_free(struct wish_message *);
bool wish_message(struct wishes *, struct wish_message *);	/* false: too many wait, it is still the caller's */
struct wish_message *wish_next(struct wishes *);		/* NULL: none; the caller's now */

#endif
