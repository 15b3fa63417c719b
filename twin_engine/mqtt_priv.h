/* SPDX-License-Identifier: Apache-2.0
 * mqtt_priv.h - what the files of one connection share: its state, and the steps of its thread.
 *
 *   mqtt.c            connecting, losing, ending; messages that arrive
 *   mqtt_send.c       messages that go out, and what becomes of them
 *   mqtt_subscribe.c  topic filters
 */
#ifndef TWIN_ENGINE_MQTT_PRIV_H
#define TWIN_ENGINE_MQTT_PRIV_H

#include <MQTTAsync.h>

#include "base/thread.h"
#include "twin_engine/mqtt.h"
#include "twin_engine/wish.h"

/* Of messages under way paho has at most so many, or fewer if the broker says so: it forgets what it still has when it disconnects.  A machine that
 * is busy lets the broker run every few milliseconds, and then it has an answer for all that it has got. */
#define INFLIGHT_MAX 100

enum link { IDLE, TRYING, UP };

/* A message on its way. */
struct flight {
	struct mqtt *m;
	uint64_t token;
	bool used;
};

struct mqtt {
	struct mqtt_config config;	/* texts are ours */
	pthread_t thread;

	struct lock lock;		/* of everything down to the blank line */
	pthread_cond_t cond;
	bool stop, finished, parked;
	enum link link;
	bool greeted, failed, lost;	/* word left by paho's callbacks */
	bool refused_version;
	bool closed_early;		/* the broker took the connection and closed it without an answer */
	char error[256];
	struct wishes wishes;
	size_t inflight, inflight_max, next_flight;
	bool full, landing;		/* inflight_max was reached, and since then something has landed */
	struct flight flight[INFLIGHT_MAX];
	struct wish_packet *asked;	/* SUBSCRIBE packets that are not answered yet */

	MQTTAsync client;		/* our thread */
	int version;
	bool only_3;			/* the broker has said that it does not speak MQTT 5 */
	unsigned early;
	int64_t backoff, next_try, up_since, stop_by;

	int64_t last_recv;		/* paho's thread */
	char *text;			/* topic NUL correlation NUL */
	size_t text_cap;
};

/* Words for a return code of paho, a reason code of MQTT 5 or a return code of MQTT 3.1.1; NULL: there are none. */
const char *mqtt_reason(int code, const char *message);
/* From paho's callbacks and our thread, the lock not held: `what` (of greeted, failed, lost) has happened, and why. */
void mqtt_leave_word(struct mqtt *, bool *what, int code, const char *message);

/* Steps of our thread.  The lock is held at the begin and at the end, and dropped around paho and the caller's callbacks. */
void mqtt_step_filters(struct mqtt *);	/* subscribes and unsubscribes some of what is wished */
void mqtt_step_publish(struct mqtt *);	/* sends what is wished and the broker takes */
void mqtt_step_gather(struct mqtt *);	/* there may be room for more messages again */

#endif
