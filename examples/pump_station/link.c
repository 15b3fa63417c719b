/* SPDX-License-Identifier: Apache-2.0 */
#include "examples/pump_station/link.h"

#include <MQTTAsync.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"

#define INFLIGHT 100
#define MAILBOX 256
#define SENDS 4096		/* far more than can be on their way, so that a late callback never meets a newer send */
#define BACKOFF_MIN_US (US_PER_S / 4)
#define BACKOFF_MAX_US (2 * US_PER_S)
#define CONNECT_US (15 * US_PER_S)
#define BODY_MAX 65536

enum state { DOWN, CONNECTING, UP };
enum place { QUEUED, SENT, ACKED };

struct entry {
	char topic[LINK_TOPIC_MAX], payload[LINK_PAYLOAD_MAX];
	size_t n;
	enum place place;
};

struct sending {
	struct link *link;
	uint64_t number, epoch;
};

struct link {
	struct link_config config;
	MQTTAsync client;
	int wake;
	int64_t next_try_us, backoff_us, since_us;
	struct queue *mail;
	struct sending sending[SENDS];
	size_t n_sendings;

	struct lock lock;		/* guards the rest; never held across a call into paho */
	enum state state;
	bool greet;			/* just connected: subscribe and say so */
	uint64_t epoch;			/* counts connections */
	uint64_t head, next, tail;	/* of the ring: not acknowledged, not sent, end */
	size_t inflight;
	uint64_t lost;
	struct entry ring[LINK_RING];
};

static void wake(struct link *l)
{
	uint64_t one = 1;
	if (write(l->wake, &one, sizeof one) < 0)
		return;		/* it is awake already */
}

/* ---- paho's threads ---- */

static struct entry *at(struct link *l, uint64_t number)
{
	return &l->ring[number % LINK_RING];
}

static void settle(struct sending *s, bool good)
{
	struct link *l = s->link;
	lock_take(&l->lock);
	if (s->epoch == l->epoch && s->number >= l->head && s->number < l->tail && at(l, s->number)->place == SENT) {
		l->inflight--;
		at(l, s->number)->place = good ? ACKED : QUEUED;
		if (!good && s->number < l->next)
			l->next = s->number;
		while (l->head < l->tail && at(l, l->head)->place == ACKED)
			l->head++;
	}
	lock_drop(&l->lock);
	wake(l);
}

static void on_sent(void *ctx, MQTTAsync_successData5 *data)
{
	(void)data;
	settle(ctx, true);
}

static void on_not_sent(void *ctx, MQTTAsync_failureData5 *data)
{
	(void)data;
	settle(ctx, false);
}

/* What was on its way is on nobody's way now. */
static void fall(struct link *l)
{
	l->state = DOWN;
	l->epoch++;
	l->inflight = 0;
	for (uint64_t i = l->head; i < l->tail; i++)
		if (at(l, i)->place == SENT)
			at(l, i)->place = QUEUED;
	l->next = l->head;
}

static void on_lost(void *ctx, char *cause)
{
	struct link *l = ctx;
	log_warn("asset", "the broker is gone%s%s", cause ? ": " : "", cause ? cause : "");
	lock_take(&l->lock);
	fall(l);
	lock_drop(&l->lock);
	wake(l);
}

static void on_disconnect(void *ctx, MQTTProperties *properties, enum MQTTReasonCodes reason)
{
	(void)properties;
	on_lost(ctx, (char *)MQTTReasonCode_toString(reason));
}

static void on_connected(void *ctx, MQTTAsync_successData5 *data)
{
	struct link *l = ctx;
	(void)data;
	lock_take(&l->lock);
	l->state = UP;
	l->greet = true;
	lock_drop(&l->lock);
	wake(l);
}

static void on_not_connected(void *ctx, MQTTAsync_failureData5 *data)
{
	struct link *l = ctx;
	log_debug("asset", "no connection: %s", data && data->message ? data->message : "refused");
	lock_take(&l->lock);
	fall(l);
	lock_drop(&l->lock);
	wake(l);
}

static void *copy(const void *p, size_t n)
{
	char *to = malloc(n + 1);
	if (to) {
		memcpy(to, p, n);
		to[n] = 0;
	}
	return to;
}

static int on_message(void *ctx, char *topic, int topic_n, MQTTAsync_message *m)
{
	struct link *l = ctx;
	struct link_message *out = calloc(1, sizeof *out);
	MQTTProperty *response = MQTTProperties_getProperty(&m->properties, MQTTPROPERTY_CODE_RESPONSE_TOPIC);
	MQTTProperty *correlation = MQTTProperties_getProperty(&m->properties, MQTTPROPERTY_CODE_CORRELATION_DATA);
	bool whole = out && m->payloadlen >= 0 && m->payloadlen <= BODY_MAX;
	if (whole) {
		out->topic = copy(topic, topic_n ? (size_t)topic_n : strlen(topic));
		out->n = (size_t)m->payloadlen;
		out->payload = copy(m->payload ? m->payload : "", out->n);
		whole = out->topic && out->payload;
	}
	if (whole && response)
		whole = (out->response_topic = copy(response->value.data.data, (size_t)response->value.data.len)) != NULL;
	if (whole && correlation) {
		out->n_correlation = (size_t)correlation->value.data.len;
		whole = (out->correlation = copy(correlation->value.data.data, out->n_correlation)) != NULL;
	}
	if (!whole || !queue_put(l->mail, out, 0)) {
		log_warn("asset", "a message on %.100s is dropped", topic);
		link_message_free(out);
	}
	MQTTAsync_freeMessage(&m);
	MQTTAsync_free(topic);
	wake(l);
	return 1;
}

/* ---- the owner's thread ---- */

struct link *link_new(const struct link_config *c)
{
	MQTTAsync_createOptions create = MQTTAsync_createOptions_initializer5;
	struct link *l = calloc(1, sizeof *l);
	if (!l)
		return NULL;
	l->config = *c;
	l->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	l->mail = queue_new(MAILBOX);
	lock_init(&l->lock, RANK_LEAF);
	l->backoff_us = BACKOFF_MIN_US;
	int rc = l->wake < 0 || !l->mail ? MQTTASYNC_FAILURE
		: MQTTAsync_createWithOptions(&l->client, c->uri, c->client_id, MQTTCLIENT_PERSISTENCE_NONE, NULL, &create);
	if (rc == MQTTASYNC_SUCCESS && MQTTAsync_setCallbacks(l->client, l, on_lost, on_message, NULL) == MQTTASYNC_SUCCESS &&
	    MQTTAsync_setDisconnected(l->client, l, on_disconnect) == MQTTASYNC_SUCCESS)
		return l;
	log_error("asset", "%s is no address of a broker: %s", c->uri, MQTTAsync_strerror(rc) ? MQTTAsync_strerror(rc) : "?");
	MQTTAsync_destroy(&l->client);
	queue_free(l->mail);
	if (l->wake >= 0)
		close(l->wake);
	lock_fini(&l->lock);
	free(l);
	return NULL;
}

static void try_connect(struct link *l)
{
	MQTTAsync_connectOptions o = MQTTAsync_connectOptions_initializer5;
	MQTTAsync_willOptions will = MQTTAsync_willOptions_initializer;
	will.topicName = l->config.status_topic;
	will.message = "offline";
	will.retained = 1;
	will.qos = 1;
	o.will = &will;
	o.keepAliveInterval = 10;
	o.connectTimeout = 5;
	o.maxInflight = INFLIGHT + 20;
	o.cleanstart = 1;
	o.username = l->config.username;
	o.password = l->config.password;
	o.context = l;
	o.onSuccess5 = on_connected;
	o.onFailure5 = on_not_connected;
	lock_take(&l->lock);
	l->state = CONNECTING;
	lock_drop(&l->lock);
	l->since_us = clock_mono_us();
	l->next_try_us = l->since_us + l->backoff_us;
	l->backoff_us = l->backoff_us * 2 > BACKOFF_MAX_US ? BACKOFF_MAX_US : l->backoff_us * 2;
	if (MQTTAsync_connect(l->client, &o) != MQTTASYNC_SUCCESS)
		on_not_connected(l, NULL);
}

static void say_status(struct link *l, const char *status)
{
	MQTTAsync_responseOptions o = MQTTAsync_responseOptions_initializer;
	MQTTAsync_send(l->client, l->config.status_topic, (int)strlen(status), status, 1, 1, &o);
}

static void greet(struct link *l)
{
	l->backoff_us = BACKOFF_MIN_US;
	for (size_t i = 0; i < l->config.n_filters; i++) {
		MQTTAsync_responseOptions o = MQTTAsync_responseOptions_initializer;
		MQTTSubscribe_options s = MQTTSubscribe_options_initializer;
		o.subscribeOptions = s;
		if (MQTTAsync_subscribe(l->client, l->config.filter[i], 1, &o) != MQTTASYNC_SUCCESS)
			log_warn("asset", "cannot subscribe to %s", l->config.filter[i]);
	}
	say_status(l, "online");
	log_info("asset", "connected to %s, %zu messages to catch up", l->config.uri, link_waiting(l));
}

/* The next message of the ring; false: nothing to send, or enough on its way. */
static bool send_next(struct link *l)
{
	struct sending *s = &l->sending[l->n_sendings % SENDS];
	struct entry e = { .n = 0 };
	lock_take(&l->lock);
	while (l->next < l->tail && at(l, l->next)->place != QUEUED)
		l->next++;
	bool some = l->state == UP && l->inflight < INFLIGHT && l->next < l->tail;
	if (some) {
		*s = (struct sending){ l, l->next, l->epoch };
		e = *at(l, l->next);
		at(l, l->next++)->place = SENT;
		l->inflight++;
	}
	lock_drop(&l->lock);
	if (!some)
		return false;
	l->n_sendings++;
	MQTTAsync_responseOptions o = MQTTAsync_responseOptions_initializer;
	o.context = s;
	o.onSuccess5 = on_sent;
	o.onFailure5 = on_not_sent;
	if (MQTTAsync_send(l->client, e.topic, (int)e.n, e.payload, 1, 0, &o) == MQTTASYNC_SUCCESS)
		return true;
	settle(s, false);
	return false;
}

void link_work(struct link *l)
{
	uint64_t drained;
	if (read(l->wake, &drained, sizeof drained) < 0)
		drained = 0;
	int64_t now = clock_mono_us();
	lock_take(&l->lock);
	/* paho gives up on a silent broker by itself; this is for the case that it does not tell */
	if (l->state == CONNECTING && now - l->since_us > CONNECT_US)
		fall(l);
	enum state state = l->state;
	bool fresh = l->greet;
	l->greet = false;
	lock_drop(&l->lock);
	if (state == DOWN && now >= l->next_try_us)
		try_connect(l);
	if (state == UP && fresh)
		greet(l);
	while (state == UP && send_next(l))
		;
}

int link_fd(const struct link *l)
{
	return l->wake;
}

void link_put(struct link *l, const char *topic, const char *payload, size_t n)
{
	if (n > LINK_PAYLOAD_MAX || strlen(topic) >= LINK_TOPIC_MAX)
		return;
	lock_take(&l->lock);
	if (l->tail - l->head == LINK_RING) {
		if (at(l, l->head)->place == SENT)
			l->inflight--;
		l->head++;
		l->lost++;
		if (l->next < l->head)
			l->next = l->head;
	}
	struct entry *e = at(l, l->tail++);
	snprintf(e->topic, sizeof e->topic, "%s", topic);
	memcpy(e->payload, payload, n);
	e->n = n;
	e->place = QUEUED;
	lock_drop(&l->lock);
}

void link_answer(struct link *l, const char *topic, const struct link_message *to, const char *payload, size_t n)
{
	MQTTAsync_responseOptions o = MQTTAsync_responseOptions_initializer;
	MQTTAsync_message m = MQTTAsync_message_initializer;
	m.payload = (void *)payload;
	m.payloadlen = (int)n;
	m.qos = 1;
	if (to->correlation) {
		MQTTProperty p = { .identifier = MQTTPROPERTY_CODE_CORRELATION_DATA };
		p.value.data.data = to->correlation;
		p.value.data.len = (int)to->n_correlation;
		MQTTProperties_add(&m.properties, &p);
	}
	if (MQTTAsync_sendMessage(l->client, topic, &m, &o) != MQTTASYNC_SUCCESS)
		log_warn("asset", "an answer to %.100s cannot be sent", topic);
	MQTTProperties_free(&m.properties);
}

struct link_message *link_poll(struct link *l)
{
	return queue_get(l->mail, 0);
}

void link_message_free(struct link_message *m)
{
	if (!m)
		return;
	free(m->topic);
	free(m->response_topic);
	free(m->payload);
	free(m->correlation);
	free(m);
}

bool link_is_up(struct link *l)
{
	lock_take(&l->lock);
	bool up = l->state == UP;
	lock_drop(&l->lock);
	return up;
}

size_t link_waiting(struct link *l)
{
	lock_take(&l->lock);
	size_t n = (size_t)(l->tail - l->head);
	lock_drop(&l->lock);
	return n;
}

uint64_t link_lost(struct link *l)
{
	lock_take(&l->lock);
	uint64_t n = l->lost;
	lock_drop(&l->lock);
	return n;
}

void link_free(struct link *l, int64_t flush_us)
{
	if (!l)
		return;
	int64_t until = clock_mono_us() + flush_us;
	MQTTAsync_disconnectOptions o = MQTTAsync_disconnectOptions_initializer5;
	struct link_message *m;
	while (link_is_up(l) && link_waiting(l) && clock_mono_us() < until) {
		link_work(l);
		clock_sleep_us(5000);
	}
	if (link_is_up(l))
		say_status(l, "offline");
	o.timeout = 1000;	/* ms, for the acknowledgement of that */
	if (MQTTAsync_disconnect(l->client, &o) == MQTTASYNC_SUCCESS)
		for (until = clock_mono_us() + 2 * US_PER_S; MQTTAsync_isConnected(l->client) && clock_mono_us() < until; )
			clock_sleep_us(5000);
	MQTTAsync_destroy(&l->client);
	while ((m = queue_get(l->mail, 0)))
		link_message_free(m);
	queue_free(l->mail);
	close(l->wake);
	lock_fini(&l->lock);
	free(l);
}
