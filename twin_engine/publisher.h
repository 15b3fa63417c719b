/* SPDX-License-Identifier: Apache-2.0
 * publisher.h - tells the broker what has been committed: the feed of the store, in the forms that are wanted, by MQTT with QoS 1.
 *
 * A thread reads the feed from the place where it was, which the store keeps ("events/<client id>").  The place moves on only when the broker
 * has acknowledged everything before it: a broker that is away, a stop and a kill lose nothing, and may make some messages come twice (the
 * event's id tells).  Those of one identifiable come in the order of its versions.
 * The first start ever begins with what changes from then on.
 *
 * The same thread lets BasicEventElements speak (submodels/event_element.h); what waits for the end of a minInterval is not kept over a stop.
 */
#ifndef TWIN_ENGINE_PUBLISHER_H
#define TWIN_ENGINE_PUBLISHER_H

#include "submodels/event.h"
#include "submodels/live.h"

struct publisher;

struct publisher_config {
	struct store *store;
	struct live *live;		/* gets lastUpdate of event elements; NULL: nobody does */
	const char *broker;		/* "tcp://127.0.0.1:1883" */
	const char *client_id;		/* of its own connection, and its name in the store */
	const char *username, *password;
	unsigned formats;		/* set of event_formats_read; event elements speak also when it is empty */
	struct event_config events;	/* texts outlive the publisher */
	bool from_start;		/* the first start ever begins with the oldest change that the feed still has */
};

struct publisher_stats {
	uint64_t lines;			/* of the feed that are done with */
	uint64_t sent;			/* messages that the broker has acknowledged */
	uint64_t refused;		/* messages that the broker did not want; they are left out */
	uint64_t lost;			/* lines that the feed had no more when they were wanted (retention) */
	size_t waiting;			/* messages that are not acknowledged yet */
	int64_t place;			/* the store knows that everything up to here is done */
};

/* The broker may be away, the database too.  ERR_BAD_REQUEST (address of the broker), ERR_NO_MEMORY, ERR_INTERNAL, errors of feed_listen. */
enum err publisher_start(const struct publisher_config *, struct publisher **, struct diag *);
void publisher_stop(struct publisher *);	/* what is not acknowledged by then comes again after the next start; frees; NULL is allowed */
/* An Operation begins, or has ended: told at once, once, if the broker is there; it is in no feed.  Any thread, never waits.  NULL is allowed. */
void publisher_operation(struct publisher *, const char *submodel_id, const char *path, const struct aas_node *operation, bool ended);
void publisher_stats(struct publisher *, struct publisher_stats *);	/* any thread */

#endif
