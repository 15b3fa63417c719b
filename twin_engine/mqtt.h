/* SPDX-License-Identifier: Apache-2.0
 * mqtt.h - one connection to a broker, by paho.mqtt.c (asynchronous client, MQTT 5, falling back to 3.1.1).
 *
 * The only file pair that includes MQTTAsync.h.  Persistent session (clean start off, session expiry), QoS 1, reconnects by itself with
 * back-off (0.2 s doubling to 10 s, with jitter), resubscribes what was subscribed.  mqtt_new returns at once, also when no broker answers.
 * paho sends the PUBACK after on_message returns: what on_message has written down by then is what the broker may forget.
 *
 * Two threads work here.  paho's receiver calls on_message, and holds paho's one lock while it does so: a slow on_message therefore holds
 * up the broker (back pressure; the broker keeps the messages of the session), but it would also hold up every caller of paho.  So all
 * other calls into paho are made by a thread of this module, and none of the functions below ever waits for paho.
 * That thread gives paho messages in bursts: it wakes for the first one, and then when something of what is under way has landed.
 */
#ifndef TWIN_ENGINE_MQTT_H
#define TWIN_ENGINE_MQTT_H

#include "twin_engine/engine.h"

struct mqtt;

#define MQTT_PACKET_MAX ((size_t)8 << 20)	/* a broker of MQTT 5 is told to send nothing larger */

enum mqtt_landing {
	MQTT_LANDED,		/* the broker has acknowledged it */
	MQTT_REFUSED,		/* the broker does not want it, and would not want it again */
	MQTT_UNSENT		/* it did not reach the broker */
};

struct mqtt_config {
	const char *uri;		/* "tcp://127.0.0.1:1883" */
	const char *client_id;		/* stable across restarts: the session hangs on it */
	const char *username, *password;	/* NULL: none */
	int64_t session_expiry_s, keep_alive_s;	/* 0: defaults (1 day, 20 s) */
	void *ctx;
	/* Called in paho's thread; must not call mqtt_*.  recv_us: wall clock at arrival, made to grow so that no two messages share it.
	 * The message is acknowledged when it returns true.  False means that it could not be kept and that the connection is about to be
	 * freed: then it is never acknowledged, paho's thread stops for good (paho has no other way to refuse), and the broker sends the
	 * message again to the next process of this client id. */
	bool (*on_message)(void *ctx, int64_t recv_us, const struct engine_message *);
	/* What became of a message that mqtt_publish took with a token; never called for one that was dropped with the connection, which
	 * on_state tells afterwards.  Called in paho's thread or this module's; must not call mqtt_* nor block.  NULL: nobody asks. */
	void (*on_landed)(void *ctx, uint64_t token, enum mqtt_landing);
	/* "connecting", "connected", "disconnected" and the last error's text or "".  Called in this module's thread. */
	void (*on_state)(void *ctx, const char *state, const char *error);
};

/* ERR_BAD_REQUEST: not a broker's address; ERR_NO_MEMORY, ERR_INTERNAL. */
enum err mqtt_new(const struct mqtt_config *, struct mqtt **, struct diag *);
/* Disconnects; no callback runs after it returns.  The other functions may still be called and do nothing. */
void mqtt_stop(struct mqtt *);
void mqtt_free(struct mqtt *);			/* stops first; NULL is allowed */
/* Any thread.  Subscriptions are remembered and made again after every connect; a filter is a set member, not a count. */
void mqtt_subscribe(struct mqtt *, const char *filter);
void mqtt_unsubscribe(struct mqtt *, const char *filter);
/* False: not connected, or too many wait already.  What is not sent when the connection breaks is dropped: an old command must not
 * reach an asset late. */
bool mqtt_publish(struct mqtt *, const struct engine_publish *);
bool mqtt_is_connected(struct mqtt *);

#endif
