/* SPDX-License-Identifier: Apache-2.0
 * link.h - the virtual asset's connection to a broker: MQTT 5, QoS 1, clean start.
 *
 * Reconnects by itself with back-off.  Telemetry goes through a bounded ring: what was not acknowledged when the connection broke is sent
 * again, in order, before anything newer; when the ring is full the oldest message is lost and counted.  Answers to commands are
 * sent at once or not at all.  All functions are for the thread that made it; paho's threads only fill its mailbox.
 */
#ifndef EXAMPLES_PUMP_STATION_LINK_H
#define EXAMPLES_PUMP_STATION_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINK_TOPIC_MAX 160
#define LINK_PAYLOAD_MAX 400
#define LINK_RING 16384

struct link_config {
	const char *uri;		/* "tcp://127.0.0.1:1883" */
	const char *client_id;
	const char *username, *password;	/* NULL: none */
	const char *status_topic;	/* retained "online"; "offline" as last will and at the end */
	const char *filter[4];		/* subscriptions */
	size_t n_filters;
};

struct link_message {
	char *topic, *response_topic;	/* response_topic: NULL when none came */
	void *payload, *correlation;
	size_t n, n_correlation;
};

struct link;
struct link *link_new(const struct link_config *);	/* NULL: no memory, or the address is not one (logged) */
void link_free(struct link *, int64_t flush_us);	/* sends what is left for so long, says "offline", disconnects */

/* Connect when it is time, subscribe, send from the ring.  Call it after every wake-up and at least every 250 ms. */
void link_work(struct link *);
int link_fd(const struct link *);			/* readable when there is work */
void link_put(struct link *, const char *topic, const char *payload, size_t n);
/* Without response topic the caller chooses the topic. */
void link_answer(struct link *, const char *topic, const struct link_message *to, const char *payload, size_t n);
struct link_message *link_poll(struct link *);		/* the next message, NULL: none */
void link_message_free(struct link_message *);
bool link_is_up(struct link *);
size_t link_waiting(struct link *);			/* in the ring, not acknowledged */
uint64_t link_lost(struct link *);			/* dropped because the ring was full */

#endif
