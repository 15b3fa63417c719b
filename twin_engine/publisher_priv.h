/* SPDX-License-Identifier: Apache-2.0
 * publisher_priv.h - what the thread of the publisher (publisher.c) and its window (publisher_window.c) know of each other.
 */
#ifndef TWIN_ENGINE_PUBLISHER_PRIV_H
#define TWIN_ENGINE_PUBLISHER_PRIV_H

#include "base/thread.h"
#include "submodels/event_element.h"
#include "twin_engine/mqtt.h"
#include "twin_engine/publisher.h"

#define WINDOW_MAX 256			/* messages that may wait for their acknowledgement; a single line may make it a little more */
#define SOME (WINDOW_MAX / 4)		/* so many have to be acknowledged before the thread is woken for more, unless they are all */
#define RETRY_US (US_PER_S / 2)		/* the database did not answer, or a message did not go out */

enum state { WAITING, GIVEN, DONE };

struct message {
	struct message *next;
	uint64_t token;
	enum state state;
	unsigned turn;			/* of the connection that it was given to */
	int64_t line;			/* 0: of none */
	size_t n;
	char *topic, *payload, *type;
};

/* The line that is being made into messages. */
struct work {
	const struct store_event *line;
	size_t n_lines;			/* behind it, itself included */
	struct event *event;
	size_t next, n;
	bool open;
};

struct publisher {
	struct publisher_config conf;
	struct mqtt *mqtt;
	pthread_t thread;
	bool started, listening;
	char *name, *client_id;

	struct lock lock;		/* of everything down to the blank line */
	pthread_cond_t cond;
	bool stop, woken, connected;
	int64_t held_until;		/* a message did not go out although there is a connection */
	unsigned turn;			/* counts connections */
	struct message *first, **tail;
	struct message *waiting;	/* nothing before it has to be given; NULL: look from the first one on */
	struct message *landing;	/* the next acknowledgement is likely for it; NULL: nobody knows */
	size_t n, bytes, n_given, n_done;	/* n_given: to this connection, and not acknowledged */
	uint64_t token;
	struct publisher_stats stats;

	struct event_trees *trees;	/* our thread's */
	struct event_elements *elements;
	struct arena *lines, *events, *text;
	struct work work;
	bool placed, indexed, empty;	/* empty: the feed has been read to its end */
	int64_t read, done, stored;	/* positions: read from the feed, acknowledged, known to the store */
	int64_t stored_at, retry_at, clock;
	bool complained;
};

/* Any thread. */
bool publisher_push(struct publisher *, const struct event_message *, int64_t line);	/* false without memory; line 0: of none */
bool publisher_has_room(struct publisher *);
/* mqtt_config.on_landed. */
void publisher_landed(void *publisher, uint64_t token, enum mqtt_landing);

/* The publisher's thread. */
bool publisher_give(struct publisher *);	/* to the connection what it takes; false: it does not take any more now */
void publisher_settle(struct publisher *);	/* what is acknowledged leaves, and `done` moves on */
struct message *publisher_next(struct publisher *);	/* the next to give; NULL: none.  The lock is held. */
void publisher_drop(struct publisher *);	/* all, at the end */

#endif
