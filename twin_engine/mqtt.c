/* SPDX-License-Identifier: Apache-2.0
 * mqtt.c - a small state machine around MQTTAsync: paho's callbacks only leave word under the lock, our thread acts on it.
 *
 * paho's own automatic reconnect is not used: it does not retry a first connect that was refused, it cannot change the protocol version,
 * and it sends again what was in flight before, which for commands to a machine is the wrong thing.
 */
#include "twin_engine/mqtt_priv.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"

#define BACKOFF_MIN (US_PER_S / 5)
#define BACKOFF_MAX (10 * US_PER_S)
#define STEADY (5 * US_PER_S)		/* a connection that lived so long was a good one: begin the back-off anew */
#define TRY_MAX (30 * US_PER_S)
#define OUT_MAX 1000
#define BYE_MAX US_PER_S
#define RECEIVE_MAX 1000		/* unacknowledged messages that the broker may send ahead */

/* -- words for what went wrong --------------------------------------------------------------------------------------------- */

static const char *const connack_3[] = {
	NULL, "unacceptable protocol version", "client id rejected", "server unavailable", "bad user name or password", "not authorized",
};

const char *mqtt_reason(int code, const char *message)
{
	if (code > 0 && code < (int)(sizeof connack_3 / sizeof *connack_3))
		return connack_3[code];
	if (code >= 0x80)
		return MQTTReasonCode_toString((enum MQTTReasonCodes)code);
	if (message)
		return message;
	return code == MQTTASYNC_FAILURE ? "no connection to the broker" : MQTTAsync_strerror(code);
}

/* -- paho's callbacks: they hold paho's lock, so they only leave word ------------------------------------------------------- */

void mqtt_leave_word(struct mqtt *m, bool *what, int code, const char *message)
{
	const char *why = mqtt_reason(code, message);
	lock_take(&m->lock);
	*what = true;
	if (what == &m->failed) {
		m->refused_version = code == 1 || code == MQTTREASONCODE_UNSUPPORTED_PROTOCOL_VERSION;
		m->closed_early = code < 0 && message && strstr(message, "completion");
	}
	if (what != &m->greeted && (what == &m->failed || !m->error[0]))
		snprintf(m->error, sizeof m->error, "%s", why ? why : "unknown error");
	pthread_cond_signal(&m->cond);
	lock_drop(&m->lock);
}

static void greeted(struct mqtt *m, int receive_max)
{
	lock_take(&m->lock);
	m->inflight_max = receive_max > 0 && receive_max < INFLIGHT_MAX ? (size_t)receive_max : INFLIGHT_MAX;
	lock_drop(&m->lock);
	mqtt_leave_word(m, &m->greeted, 0, NULL);
}

/* A broker may limit what it has not acknowledged yet (MQTT 5, 3.2.2.3.3).  Without a word of it this is negative. */
static void on_greeted5(void *ctx, MQTTAsync_successData5 *d)
{
	greeted(ctx, d ? (int)MQTTProperties_getNumericValue(&d->properties, MQTTPROPERTY_CODE_RECEIVE_MAXIMUM) : -1);
}

static void on_greeted(void *ctx, MQTTAsync_successData *d)
{
	(void)d;
	greeted(ctx, -1);
}

static void on_failed5(void *ctx, MQTTAsync_failureData5 *d)
{
	int code = d ? d->code : MQTTASYNC_FAILURE;
	if (d && d->reasonCode > MQTTREASONCODE_SUCCESS)
		code = (int)d->reasonCode;
	mqtt_leave_word(ctx, &((struct mqtt *)ctx)->failed, code, d ? d->message : NULL);
}

static void on_failed(void *ctx, MQTTAsync_failureData *d)
{
	mqtt_leave_word(ctx, &((struct mqtt *)ctx)->failed, d ? d->code : MQTTASYNC_FAILURE, d ? d->message : NULL);
}

static void on_lost(void *ctx, char *cause)
{
	mqtt_leave_word(ctx, &((struct mqtt *)ctx)->lost, MQTTASYNC_FAILURE, cause ? cause : "the connection was lost");
	MQTTAsync_free(cause);
}

/* The broker says good-bye, and why (MQTT 5); the loss follows by itself. */
static void on_goodbye(void *ctx, MQTTProperties *properties, enum MQTTReasonCodes code)
{
	struct mqtt *m = ctx;
	(void)properties;
	const char *why = mqtt_reason((int)code, "the broker closed the connection");
	lock_take(&m->lock);
	snprintf(m->error, sizeof m->error, "%s", why ? why : "unknown reason");
	lock_drop(&m->lock);
}

static bool text_room(struct mqtt *m, size_t n)
{
	if (n <= m->text_cap)
		return true;
	char *more = realloc(m->text, n);
	if (!more)
		return false;
	m->text = more;
	m->text_cap = n;
	return true;
}

static bool deliver(struct mqtt *m, const char *topic, size_t topic_n, MQTTAsync_message *msg)
{
	MQTTProperty *c = MQTTProperties_getProperty(&msg->properties, MQTTPROPERTY_CODE_CORRELATION_DATA);
	size_t c_n = c ? (size_t)c->value.data.len : 0;
	if (memchr(topic, 0, topic_n))
		return true;	/* no topic of MQTT (5.0, 1.5.4): nothing can be bound to it */
	while (!text_room(m, topic_n + c_n + 2))
		clock_sleep_us(US_PER_S / 10);
	memcpy(m->text, topic, topic_n);
	m->text[topic_n] = 0;
	char *correlation = m->text + topic_n + 1;
	if (c_n)
		memcpy(correlation, c->value.data.data, c_n);
	correlation[c_n] = 0;
	int64_t now = clock_now_us();
	m->last_recv = now > m->last_recv ? now : m->last_recv + 1;
	struct engine_message e = {
		.topic = m->text, .payload = msg->payloadlen > 0 ? msg->payload : "", .n = msg->payloadlen > 0 ? (size_t)msg->payloadlen : 0,
		.correlation = c_n && !memchr(correlation, 0, c_n) ? correlation : NULL, .retained = msg->retained,
		.again = msg->qos > 0 && msg->dup, .packet = msg->qos > 0 ? (uint16_t)msg->msgid : 0,
	};
	return m->config.on_message(m->config.ctx, m->last_recv, &e);
}

/* Returning anything but 1 would make paho keep the message in memory and acknowledge it all the same. */
static int on_message(void *ctx, char *topic, int topic_len, MQTTAsync_message *msg)
{
	struct mqtt *m = ctx;
	if (!deliver(m, topic, topic_len > 0 ? (size_t)topic_len : strlen(topic), msg)) {
		lock_take(&m->lock);
		m->parked = true;
		pthread_cond_broadcast(&m->cond);
		for (;;)
			lock_wait(&m->lock, &m->cond, -1);
	}
	MQTTAsync_freeMessage(&msg);
	MQTTAsync_free(topic);
	return 1;
}

/* -- our thread; the steps are called with the lock held and drop it around paho and the caller's callbacks ------------------ */

static void tell(struct mqtt *m, const char *state, const char *error)
{
	if (m->config.on_state)
		m->config.on_state(m->config.ctx, state, error);
}

/* The connection is gone and paho's client with it: nothing is asked for, nothing waits to be sent. */
static void forget(struct mqtt *m)
{
	wishes_renew(&m->wishes);
	m->inflight = 0;
	m->full = m->landing = false;
	for (int i = 0; i < INFLIGHT_MAX; i++)
		m->flight[i].used = false;
	while (m->asked) {
		struct wish_packet *p = m->asked;
		m->asked = p->next;
		wish_packet_free(p);
	}
}

static int64_t jitter(int64_t us)
{
	uint32_t r;
	random_bytes(&r, sizeof r);
	return us / 2 + (int64_t)(r % (uint32_t)(us / 2 + 1));
}

/* Twice cut off without an answer: that is how some brokers refuse MQTT 5.  The next failure tries 5 again. */
static int version(const struct mqtt *m)
{
	return m->only_3 || m->early >= 2 ? MQTTVERSION_3_1_1 : MQTTVERSION_5;
}

static void step_down(struct mqtt *m)
{
	/* A client can connect again, but it would send again what was in flight, and still answer requests that are forgotten here. */
	bool was_up = m->link == UP, keep = !m->asked && !m->inflight;
	char error[sizeof m->error];
	memcpy(error, m->error, sizeof error);
	if (m->refused_version && m->version == MQTTVERSION_5)
		m->only_3 = true;
	m->early = m->closed_early && m->version == MQTTVERSION_5 ? m->early + 1 : 0;
	bool turn_version = m->refused_version;
	m->link = IDLE;
	m->failed = m->lost = m->greeted = m->refused_version = m->closed_early = false;
	lock_drop(&m->lock);
	if (m->client && (!keep || version(m) != m->version))
		MQTTAsync_destroy(&m->client);
	if (was_up && clock_mono_us() - m->up_since >= STEADY)
		m->backoff = BACKOFF_MIN;
	m->next_try = clock_mono_us() + (turn_version ? 0 : jitter(m->backoff));
	m->backoff = m->backoff * 2 < BACKOFF_MAX ? m->backoff * 2 : BACKOFF_MAX;
	log_warn("mqtt", "%s: %s", m->config.uri, error);
	tell(m, "connecting", error);
	lock_take(&m->lock);
	forget(m);
}

static void step_up(struct mqtt *m)
{
	m->greeted = false;
	m->link = UP;
	m->error[0] = 0;
	lock_drop(&m->lock);
	m->early = 0;
	m->up_since = clock_mono_us();
	log_info("mqtt", "connected to %s as %s by MQTT %s", m->config.uri, m->config.client_id, m->version == MQTTVERSION_5 ? "5" : "3.1.1");
	tell(m, "connected", "");
	lock_take(&m->lock);
}

static int connect_5(struct mqtt *m)
{
	MQTTAsync_connectOptions o = MQTTAsync_connectOptions_initializer5;
	MQTTProperties props = MQTTProperties_initializer;
	MQTTProperty list[] = {
		{ .identifier = MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL, .value.integer4 = (unsigned)m->config.session_expiry_s },
		{ .identifier = MQTTPROPERTY_CODE_RECEIVE_MAXIMUM, .value.integer2 = RECEIVE_MAX },
		{ .identifier = MQTTPROPERTY_CODE_MAXIMUM_PACKET_SIZE, .value.integer4 = (unsigned)MQTT_PACKET_MAX },
	};
	for (size_t i = 0; i < sizeof list / sizeof *list; i++)
		MQTTProperties_add(&props, &list[i]);
	o.cleanstart = 0;
	o.keepAliveInterval = (int)m->config.keep_alive_s;
	o.connectTimeout = 5;
	o.maxInflight = INFLIGHT_MAX;
	o.username = m->config.username;
	o.password = m->config.password;
	o.connectProperties = &props;
	o.onSuccess5 = on_greeted5;
	o.onFailure5 = on_failed5;
	o.context = m;
	int rc = MQTTAsync_connect(m->client, &o);
	MQTTProperties_free(&props);
	return rc;
}

static int connect_3(struct mqtt *m)
{
	MQTTAsync_connectOptions o = MQTTAsync_connectOptions_initializer;
	o.MQTTVersion = MQTTVERSION_3_1_1;
	o.cleansession = 0;
	o.keepAliveInterval = (int)m->config.keep_alive_s;
	o.connectTimeout = 5;
	o.maxInflight = INFLIGHT_MAX;
	o.username = m->config.username;
	o.password = m->config.password;
	o.onSuccess = on_greeted;
	o.onFailure = on_failed;
	o.context = m;
	return MQTTAsync_connect(m->client, &o);
}

static int client_make(struct mqtt *m)
{
	MQTTAsync_createOptions o = MQTTAsync_createOptions_initializer;
	m->version = version(m);
	o.MQTTVersion = m->version;
	o.maxBufferedMessages = OUT_MAX;
	int rc = MQTTAsync_createWithOptions(&m->client, m->config.uri, m->config.client_id, MQTTCLIENT_PERSISTENCE_NONE, NULL, &o);
	if (rc)
		return rc;
	MQTTAsync_setCallbacks(m->client, m, on_lost, on_message, NULL);
	return MQTTAsync_setDisconnected(m->client, m, on_goodbye);
}

static void step_try(struct mqtt *m)
{
	m->link = TRYING;
	m->error[0] = 0;
	lock_drop(&m->lock);
	m->next_try = clock_mono_us() + TRY_MAX;
	int rc = m->client ? 0 : client_make(m);
	if (!rc)
		rc = m->version == MQTTVERSION_5 ? connect_5(m) : connect_3(m);
	if (rc)
		mqtt_leave_word(m, &m->failed, rc, NULL);
	lock_take(&m->lock);
}

/* -- life ------------------------------------------------------------------------------------------------------------------------ */

static void on_bye(void *ctx)
{
	struct mqtt *m = ctx;
	lock_take(&m->lock);
	m->lost = true;
	pthread_cond_broadcast(&m->cond);
	lock_drop(&m->lock);
}

static void on_bye5(void *ctx, MQTTAsync_successData5 *d)
{
	(void)d;
	on_bye(ctx);
}

static void on_bye3(void *ctx, MQTTAsync_successData *d)
{
	(void)d;
	on_bye(ctx);
}

/* Called with the lock held, at the end. */
static void step_bye(struct mqtt *m)
{
	bool up = m->link == UP;
	m->lost = false;
	lock_drop(&m->lock);
	if (up) {
		MQTTAsync_disconnectOptions o = MQTTAsync_disconnectOptions_initializer;
		MQTTAsync_disconnectOptions o5 = MQTTAsync_disconnectOptions_initializer5;
		o.onSuccess = on_bye3;
		o5.onSuccess5 = on_bye5;
		o.context = o5.context = m;
		o.timeout = o5.timeout = 500;
		int rc = MQTTAsync_disconnect(m->client, m->version == MQTTVERSION_5 ? &o5 : &o);
		int64_t until = clock_mono_us() + 2 * US_PER_S;
		lock_take(&m->lock);
		while (!rc && !m->lost && !m->parked && clock_mono_us() < until)
			lock_wait(&m->lock, &m->cond, until - clock_mono_us());
		lock_drop(&m->lock);
	}
	lock_take(&m->lock);
	bool parked = m->parked;
	lock_drop(&m->lock);
	if (m->client && !parked)
		MQTTAsync_destroy(&m->client);
	tell(m, "disconnected", "");
	lock_take(&m->lock);
	m->link = IDLE;
}

/* At the end what was taken for sending is sent, if that is quick. */
static bool goes_on(struct mqtt *m)
{
	if (!m->stop)
		return true;
	if (!m->stop_by)
		m->stop_by = clock_mono_us() + BYE_MAX;
	return m->link == UP && (m->wishes.first || m->inflight) && !m->lost && !m->parked && clock_mono_us() < m->stop_by;
}

static void *run(void *arg)
{
	struct mqtt *m = arg;
	tell(m, "connecting", "");
	lock_take(&m->lock);
	while (goes_on(m)) {
		int64_t left = m->next_try - clock_mono_us();
		if (m->lost || m->failed)
			step_down(m);
		else if (m->greeted)
			step_up(m);
		else if (m->link == UP && m->wishes.changed)
			mqtt_step_filters(m);
		else if (m->link == UP && m->wishes.first && !m->full)
			mqtt_step_publish(m);
		else if (m->landing)
			mqtt_step_gather(m);
		else if (m->link == IDLE && left <= 0)
			step_try(m);
		else if (m->link == TRYING && left <= 0)
			m->failed = true;
		else
			lock_wait(&m->lock, &m->cond, m->stop ? BYE_MAX : m->link == UP ? -1 : left);
	}
	step_bye(m);
	m->finished = true;
	pthread_cond_broadcast(&m->cond);
	lock_drop(&m->lock);
	return NULL;
}

static void dispose(struct mqtt *m)
{
	forget(m);
	wishes_fini(&m->wishes);
	pthread_cond_destroy(&m->cond);
	lock_fini(&m->lock);
	free(m->text);
	free((char *)(uintptr_t)m->config.uri);
	free((char *)(uintptr_t)m->config.client_id);
	free((char *)(uintptr_t)m->config.username);
	free((char *)(uintptr_t)m->config.password);
	free(m);
}

static const char *own(const char *s, bool *ok)
{
	char *copy = s ? strdup(s) : NULL;
	*ok = *ok && (copy || !s);
	return copy;
}

/* "mqtt:" is the registered name, "tcp:" is paho's.  paho itself would take any text for a host name. */
static const char *own_uri(const char *uri, bool *ok)
{
	const char *host = strstr(uri, "://");
	char *out = NULL;
	if (!host || !host[3] || (strncmp(uri, "tcp:", 4) && strncmp(uri, "mqtt:", 5)))
		return NULL;
	*ok = *ok && asprintf(&out, "tcp%s", host) >= 0;
	return out;
}

enum err mqtt_new(const struct mqtt_config *c, struct mqtt **out, struct diag *d)
{
	struct mqtt *m = calloc(1, sizeof *m);
	bool ok = true;
	if (!m)
		return ERR_NO_MEMORY;
	MQTTAsync_setTraceLevel(MQTTASYNC_TRACE_ERROR);	/* else it writes a line of text for each packet, which nobody reads */
	lock_init(&m->lock, RANK_LEAF);
	cond_init(&m->cond);
	wishes_init(&m->wishes, OUT_MAX);
	m->inflight_max = INFLIGHT_MAX;
	m->backoff = BACKOFF_MIN;
	m->config = *c;
	m->config.uri = own_uri(c->uri, &ok);
	m->config.client_id = own(c->client_id, &ok);
	m->config.username = own(c->username, &ok);
	m->config.password = own(c->password, &ok);
	m->config.session_expiry_s = c->session_expiry_s ? c->session_expiry_s : 86400;
	m->config.keep_alive_s = c->keep_alive_s ? c->keep_alive_s : 20;
	enum err e = ok ? ERR_OK : ERR_NO_MEMORY;
	if (!e && !m->config.uri)
		e = diag_add(d, ERR_BAD_REQUEST, "%s: not the address of a broker (tcp://HOST:PORT)", c->uri);
	if (!e && client_make(m))
		e = diag_add(d, ERR_BAD_REQUEST, "%s, client id \"%s\": not accepted by the MQTT client", c->uri, c->client_id);
	if (!e && !thread_start(&m->thread, "mqtt", run, m))
		e = diag_add(d, ERR_INTERNAL, "no thread for MQTT");
	if (e) {
		if (m->client)
			MQTTAsync_destroy(&m->client);
		dispose(m);
		return e;
	}
	*out = m;
	return ERR_OK;
}

void mqtt_stop(struct mqtt *m)
{
	lock_take(&m->lock);
	bool first = !m->stop;
	m->stop = true;
	pthread_cond_broadcast(&m->cond);
	while (!m->finished && !m->parked)
		lock_wait(&m->lock, &m->cond, -1);
	int64_t until = clock_mono_us() + US_PER_S;
	while (!m->finished && clock_mono_us() < until)
		lock_wait(&m->lock, &m->cond, until - clock_mono_us());
	bool finished = m->finished;
	lock_drop(&m->lock);
	if (first && finished)
		pthread_join(m->thread, NULL);
	else if (first)
		pthread_detach(m->thread);	/* it waits for paho's lock, which the parked thread keeps until the process ends */
}

void mqtt_free(struct mqtt *m)
{
	if (!m)
		return;
	mqtt_stop(m);
	if (!m->parked)
		dispose(m);
}

void mqtt_subscribe(struct mqtt *m, const char *filter)
{
	lock_take(&m->lock);
	bool ok = wish_filter(&m->wishes, filter);
	pthread_cond_signal(&m->cond);
	lock_drop(&m->lock);
	if (!ok)
		log_error("mqtt", "no memory to subscribe to %s", filter);
}

void mqtt_unsubscribe(struct mqtt *m, const char *filter)
{
	lock_take(&m->lock);
	wish_no_filter(&m->wishes, filter);
	pthread_cond_signal(&m->cond);
	lock_drop(&m->lock);
}

bool mqtt_publish(struct mqtt *m, const struct engine_publish *p)
{
	struct wish_message *o = p->n <= MQTT_PACKET_MAX ? wish_message_new(p) : NULL;
	if (!o)
		return false;
	lock_take(&m->lock);
	bool ok = m->link == UP && !m->stop && !m->lost && wish_message(&m->wishes, o);
	if (ok && !m->full && m->wishes.n_messages == 1)
		pthread_cond_signal(&m->cond);		/* with more of them it is awake, or waits for what is under way */
	lock_drop(&m->lock);
	if (!ok)
		wish_message_free(o);
	return ok;
}

bool mqtt_is_connected(struct mqtt *m)
{
	lock_take(&m->lock);
	bool up = m->link == UP && !m->lost;
	lock_drop(&m->lock);
	return up;
}
