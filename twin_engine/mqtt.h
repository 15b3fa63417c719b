/* SPDX-License-Identifier: Apache-2.0
 * mqtt.h - one connection to a broker, by paho.mqtt.c (asynchronous client, MQTT 5, falling back to 3.1.1).
 *
 * The only file pair that includes MQTTAsync.h.  Persistent session (clean start off, session expiry), QoS 1, reconnects by itself with
 * back-off, resubscribes what was subscribed.  mqtt_new returns at once, also when no broker answers.
 * paho sends the PUBACK after on_message returns: what on_message has written down by then is what the broker may forget.
 */
#ifndef TWIN_ENGINE_MQTT_H
#define TWIN_ENGINE_MQTT_H

#include "twin_engine/engine.h"

struct mqtt;

struct mqtt_config {
	const char *uri;		/* "tcp://127.0.0.1:1883" */
	const char *client_id;		/* stable across restarts: the session hangs on it */
	const char *username, *password;	/* NULL: none */
	int64_t session_expiry_s, keep_alive_s;	/* 0: defaults (1 day, 20 s) */
	void *ctx;
	/* Called in paho's thread.  Must not block and must not call mqtt_*.  recv_us: wall clock at arrival. */
	void (*on_message)(void *ctx, int64_t recv_us, const struct engine_message *);
	void (*on_state)(void *ctx, const char *state, const char *error);
};

struct mqtt *mqtt_new(const struct mqtt_config *, struct diag *);
void mqtt_free(struct mqtt *);			/* disconnects; no callback runs after it returns */
/* Any thread.  Subscriptions are remembered and made again after every connect without a present session. */
void mqtt_subscribe(struct mqtt *, const char *filter);
void mqtt_unsubscribe(struct mqtt *, const char *filter);
bool mqtt_publish(struct mqtt *, const struct engine_publish *);
bool mqtt_is_connected(struct mqtt *);

#endif
