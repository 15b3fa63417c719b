/* SPDX-License-Identifier: Apache-2.0
 * publisher_window.c - messages that are not acknowledged yet.
 *
 * They stand in one row, the window, in the order in which they were made.  They are given to the connection from the head on, and when the
 * connection breaks all that is not acknowledged is given again in the same order.
 */
#include "twin_engine/publisher_priv.h"

#include <stdlib.h>

#include "base/clock.h"

#define WINDOW_BYTES ((size_t)16 << 20)

/* The thread is woken when there is something to do that is worth it: a turn for each acknowledgement would cost more than the message. */
void publisher_landed(void *ctx, uint64_t token, enum mqtt_landing how)
{
	struct publisher *p = ctx;
	lock_take(&p->lock);
	struct message *m = p->landing;
	if (!m || m->token != token || m->state != GIVEN)
		for (m = p->first; m && (m->token != token || m->state != GIVEN); m = m->next)
			;
	if (m) {
		p->landing = m->next;
		p->n_given -= m->turn == p->turn;
		p->n_done += how != MQTT_UNSENT;
		m->state = how == MQTT_UNSENT ? WAITING : DONE;
		if (how == MQTT_UNSENT) {
			p->held_until = clock_mono_us() + RETRY_US;
			p->waiting = NULL;
		}
		p->stats.sent += how == MQTT_LANDED;
		p->stats.refused += how == MQTT_REFUSED;
	}
	if (!m || how == MQTT_UNSENT || !p->n_given || p->n_done >= SOME)
		pthread_cond_signal(&p->cond);
	lock_drop(&p->lock);
}

static void message_free(struct message *m)
{
	if (!m)
		return;
	free(m->topic);
	free(m->payload);
	free(m->type);
	free(m);
}

bool publisher_push(struct publisher *p, const struct event_message *e, int64_t line)
{
	struct message *m = calloc(1, sizeof *m);
	if (!m)
		return false;
	*m = (struct message){ .n = e->payload.n, .line = line, .topic = strdup(e->topic), .type = strdup(e->content_type),
			       .payload = malloc(e->payload.n + 1) };
	if (!m->topic || !m->type || !m->payload) {
		message_free(m);
		return false;
	}
	memcpy(m->payload, e->payload.n ? e->payload.p : "", e->payload.n);
	lock_take(&p->lock);
	m->token = ++p->token;
	*p->tail = m;
	p->tail = &m->next;
	p->n++;
	p->bytes += m->n;
	lock_drop(&p->lock);
	return true;
}

bool publisher_has_room(struct publisher *p)
{
	lock_take(&p->lock);
	bool room = p->n < WINDOW_MAX && p->bytes < WINDOW_BYTES;
	lock_drop(&p->lock);
	return room;
}

/* The first that is not with this connection.  The lock is held. */
struct message *publisher_next(struct publisher *p)
{
	struct message *m = p->waiting ? p->waiting : p->first;
	while (m && m->state != WAITING && (m->state != GIVEN || m->turn == p->turn)) {
		p->waiting = m;		/* the last one stays it: what comes is behind it */
		m = m->next;
	}
	if (m)
		p->waiting = m;
	return m;
}

/* Only this thread removes messages, so one can be read without the lock. */
bool publisher_give(struct publisher *p)
{
	for (;;) {
		lock_take(&p->lock);
		bool held = p->held_until > clock_mono_us();
		struct message *m = p->connected && !held ? publisher_next(p) : NULL;
		if (m) {
			m->state = GIVEN;
			m->turn = p->turn;
			p->n_given++;
		}
		lock_drop(&p->lock);
		if (!m)
			return !held;
		struct engine_publish out = { .topic = m->topic, .payload = m->payload, .n = m->n, .content_type = m->type, .token = m->token };
		if (mqtt_publish(p->mqtt, &out))
			continue;
		lock_take(&p->lock);
		p->n_given -= m->turn == p->turn;
		p->waiting = NULL;
		m->state = WAITING;
		lock_drop(&p->lock);
		return false;
	}
}

/* What is done at the head leaves; everything before the first one that is not done is done. */
void publisher_settle(struct publisher *p)
{
	struct message *gone = NULL, **end = &gone;
	lock_take(&p->lock);
	while (p->first && p->first->state == DONE) {
		struct message *m = p->first;
		if (!(p->first = m->next))
			p->tail = &p->first;
		if (p->waiting == m)
			p->waiting = NULL;
		if (p->landing == m)
			p->landing = NULL;
		p->n--;
		p->n_done--;
		p->bytes -= m->n;
		m->next = NULL;
		*end = m;
		end = &m->next;
	}
	int64_t open = 0;
	for (const struct message *m = p->first; m && !open; m = m->next)
		open = m->line;
	lock_drop(&p->lock);
	p->done = open ? open - 1 : p->read;
	while (gone) {
		struct message *m = gone;
		gone = m->next;
		message_free(m);
	}
}

void publisher_drop(struct publisher *p)
{
	while (p->first) {
		struct message *m = p->first;
		p->first = m->next;
		message_free(m);
	}
}
