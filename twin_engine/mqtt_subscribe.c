/* SPDX-License-Identifier: Apache-2.0
 * mqtt_subscribe.c - topic filters on their way to the broker, and its answers.
 */
#include "twin_engine/mqtt_priv.h"

#include <stdio.h>

#include "base/log.h"

static void answered(struct wish_packet *p, int refused, const char *why)
{
	struct mqtt *m = p->ctx;
	struct wish_packet **at;
	char error[200] = "";
	lock_take(&m->lock);
	wish_answered(&m->wishes, p);
	if (refused >= 0 && refused < p->n)
		snprintf(error, sizeof error, "subscription to %.120s refused: %.40s", p->filter[refused], why ? why : "");
	for (at = &m->asked; *at && *at != p; at = &(*at)->next)
		;
	if (*at)
		*at = p->next;
	lock_drop(&m->lock);
	if (error[0])
		log_warn("mqtt", "%s", error);
	wish_packet_free(p);
}

static void on_subscribed5(void *ctx, MQTTAsync_successData5 *d)
{
	struct wish_packet *r = ctx;
	int bad = -1, code = 0;
	for (int i = 0; r->n > 1 && i < d->alt.sub.reasonCodeCount && d->alt.sub.reasonCodes; i++)
		if ((int)d->alt.sub.reasonCodes[i] >= 0x80)
			code = (int)d->alt.sub.reasonCodes[bad = i];
	answered(r, bad, mqtt_reason(code, NULL));
}

static void on_subscribed(void *ctx, MQTTAsync_successData *d)
{
	struct wish_packet *r = ctx;
	int bad = -1;
	for (int i = 0; r->n > 1 && i < r->n && d->alt.qosList; i++)
		if (d->alt.qosList[i] >= 0x80)
			bad = i;
	answered(r, bad, "not allowed");
}

static void on_unsubscribable5(void *ctx, MQTTAsync_failureData5 *d)
{
	answered(ctx, 0, d ? mqtt_reason(d->reasonCode ? (int)d->reasonCode : d->code, d->message) : NULL);
}

static void on_unsubscribable(void *ctx, MQTTAsync_failureData *d)
{
	answered(ctx, 0, d ? mqtt_reason(d->code, d->message) : NULL);
}

static int subscribe_many(struct mqtt *m, struct wish_packet *r)
{
	MQTTAsync_responseOptions o = MQTTAsync_responseOptions_initializer;
	MQTTSubscribe_options one = MQTTSubscribe_options_initializer, options[WISH_MANY];
	int qos[WISH_MANY];
	one.retainHandling = 1;		/* retained values only when the subscription is new to the session */
	for (int i = 0; i < r->n; i++) {
		qos[i] = 1;
		options[i] = one;
	}
	o.context = r;
	if (m->version == MQTTVERSION_5) {
		o.onSuccess5 = on_subscribed5;
		o.onFailure5 = on_unsubscribable5;
		o.subscribeOptions = one;
		o.subscribeOptionsCount = r->n;
		o.subscribeOptionsList = options;
	} else {
		o.onSuccess = on_subscribed;
		o.onFailure = on_unsubscribable;
	}
	return MQTTAsync_subscribeMany(m->client, r->n, r->filter, qos, &o);
}

void mqtt_step_filters(struct mqtt *m)
{
	struct wish_packet *drop = wish_filters(&m->wishes, true), *make = wish_filters(&m->wishes, false);
	m->wishes.changed = drop || make;
	if (make) {
		make->ctx = m;
		make->next = m->asked;
		m->asked = make;
	}
	lock_drop(&m->lock);
	int rc = 0;
	if (drop) {
		rc = MQTTAsync_unsubscribeMany(m->client, drop->n, drop->filter, NULL);
		wish_packet_free(drop);
	}
	if (make && !rc)
		rc = subscribe_many(m, make);
	if (rc)		/* paho can no longer be trusted with this connection: a new one asks for all again */
		mqtt_leave_word(m, &m->lost, rc, "subscriptions could not be sent");
	lock_take(&m->lock);
}
