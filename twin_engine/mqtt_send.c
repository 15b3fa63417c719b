/* SPDX-License-Identifier: Apache-2.0
 * mqtt_send.c - messages that go out: handed to paho in bursts, because each time that its threads and ours wake costs more than a message.
 */
#include "twin_engine/mqtt_priv.h"

#include "base/clock.h"
#include "base/log.h"

#define GATHER 300			/* us */

static void add_text(MQTTProperties *props, enum MQTTPropertyCodes code, char *text)
{
	MQTTProperty p = { .identifier = code };
	p.value.data.data = text;
	p.value.data.len = (int)strlen(text);
	MQTTProperties_add(props, &p);
}

static void landed(struct flight *f, enum mqtt_landing how, const char *error)
{
	struct mqtt *m = f->m;
	lock_take(&m->lock);
	uint64_t token = f->used ? f->token : 0;
	if (f->used)
		m->inflight--;
	f->used = false;
	if ((m->full && !m->landing) || (m->stop && !m->inflight))
		pthread_cond_signal(&m->cond);
	m->landing = m->full;
	lock_drop(&m->lock);
	if (error)
		log_warn("mqtt", "a message was not accepted: %s", error);
	if (token && m->config.on_landed)
		m->config.on_landed(m->config.ctx, token, how);
}

static void on_sent5(void *ctx, MQTTAsync_successData5 *d)
{
	(void)d;
	landed(ctx, MQTT_LANDED, NULL);
}

static void on_sent(void *ctx, MQTTAsync_successData *d)
{
	(void)d;
	landed(ctx, MQTT_LANDED, NULL);
}

static void on_unsent5(void *ctx, MQTTAsync_failureData5 *d)
{
	bool refused = d && (int)d->reasonCode >= 0x80;
	landed(ctx, refused ? MQTT_REFUSED : MQTT_UNSENT, d ? mqtt_reason(d->reasonCode ? (int)d->reasonCode : d->code, d->message) : "failure");
}

static void on_unsent(void *ctx, MQTTAsync_failureData *d)
{
	landed(ctx, MQTT_UNSENT, d ? mqtt_reason(d->code, d->message) : "failure");
}

/* There is one: fewer than INFLIGHT_MAX are used.  Most land in the order in which they were sent. */
static struct flight *take_flight(struct mqtt *m, uint64_t token)
{
	struct flight *f;
	do
		f = &m->flight[m->next_flight++ % INFLIGHT_MAX];
	while (f->used);
	*f = (struct flight){ .m = m, .token = token, .used = true };
	m->inflight++;
	return f;
}

static int send_one(struct mqtt *m, const struct wish_message *o, struct flight *f)
{
	MQTTAsync_message msg = MQTTAsync_message_initializer;
	msg.payload = o->payload;
	msg.payloadlen = (int)o->n;
	msg.qos = 1;
	if (m->version == MQTTVERSION_5) {
		if (o->response)
			add_text(&msg.properties, MQTTPROPERTY_CODE_RESPONSE_TOPIC, o->response);
		if (o->content_type)
			add_text(&msg.properties, MQTTPROPERTY_CODE_CONTENT_TYPE, o->content_type);
		if (o->correlation)
			add_text(&msg.properties, MQTTPROPERTY_CODE_CORRELATION_DATA, o->correlation);
		if (o->expiry_us > 0) {
			MQTTProperty p = { .identifier = MQTTPROPERTY_CODE_MESSAGE_EXPIRY_INTERVAL };
			p.value.integer4 = (unsigned)((o->expiry_us + US_PER_S - 1) / US_PER_S);
			MQTTProperties_add(&msg.properties, &p);
		}
	}
	MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;	/* without them paho drops the properties */
	options.context = f;
	if (m->version == MQTTVERSION_5) {
		options.onSuccess5 = on_sent5;
		options.onFailure5 = on_unsent5;
	} else {
		options.onSuccess = on_sent;
		options.onFailure = on_unsent;
	}
	int rc = MQTTAsync_sendMessage(m->client, o->topic, &msg, &options);
	MQTTProperties_free(&msg.properties);
	return rc;
}

/* As many as the broker takes, in one go.  What is behind one that paho does not take is not sent either: it would overtake it. */
void mqtt_step_publish(struct mqtt *m)
{
	struct { struct wish_message *message; struct flight *flight; } out[INFLIGHT_MAX];
	size_t n = 0;
	while (m->wishes.first && m->inflight < m->inflight_max) {
		out[n].message = wish_next(&m->wishes);
		out[n].flight = take_flight(m, out[n].message->token);
		n++;
	}
	m->full = m->inflight >= m->inflight_max;
	lock_drop(&m->lock);
	int rc = 0;
	for (size_t i = 0; i < n; i++) {
		bool first = !rc;
		if (first)
			rc = send_one(m, out[i].message, out[i].flight);
		if (rc)
			landed(out[i].flight, MQTT_UNSENT, first ? mqtt_reason(rc, NULL) : NULL);
		wish_message_free(out[i].message);
	}
	lock_take(&m->lock);
}

/* Nothing more could be sent, and now something has landed: let some more of it come, so that the next ones go in one go as well.  This is a
 * time and not a number: a broker that does not turn off Nagle's algorithm keeps acknowledgements back until it is sent something. */
void mqtt_step_gather(struct mqtt *m)
{
	if (m->inflight > m->inflight_max / 2) {
		lock_drop(&m->lock);
		clock_sleep_us(GATHER);
		lock_take(&m->lock);
	}
	m->full = m->landing = false;
}
