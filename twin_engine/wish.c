/* SPDX-License-Identifier: Apache-2.0 */
#include "twin_engine/wish.h"

#include <stdlib.h>

enum filter_state { WANTED, ASKED, MADE, DROPPED };

struct filter {
	enum filter_state state;
};

void wishes_init(struct wishes *w, size_t most_messages)
{
	*w = (struct wishes){ .most = most_messages };
	w->tail = &w->first;
}

static void forget_messages(struct wishes *w)
{
	while (w->first)
		wish_message_free(wish_next(w));
}

void wishes_fini(struct wishes *w)
{
	struct map_item *it;
	forget_messages(w);
	for (size_t i = 0; (it = map_next(&w->filters, &i)); )
		free(it->value);
	map_fini(&w->filters);
}

/* Dropped filters stay so: the session of the broker may still have them. */
void wishes_renew(struct wishes *w)
{
	struct map_item *it;
	forget_messages(w);
	for (size_t i = 0; (it = map_next(&w->filters, &i)); ) {
		struct filter *f = it->value;
		if (f->state != DROPPED)
			f->state = WANTED;
	}
	w->changed = true;
}

/* -- filters ------------------------------------------------------------------------------------------------------------------ */

bool wish_filter(struct wishes *w, const char *name)
{
	size_t n = strlen(name);
	struct filter *f = map_get(&w->filters, name, n);
	w->changed = true;
	if (f) {
		f->state = f->state == DROPPED ? WANTED : f->state;
		return true;
	}
	if (!(f = calloc(1, sizeof *f)) || !map_put(&w->filters, name, n, f, NULL)) {
		free(f);
		return false;
	}
	return true;
}

void wish_no_filter(struct wishes *w, const char *name)
{
	struct filter *f = map_get(&w->filters, name, strlen(name));
	if (f)
		f->state = DROPPED;
	w->changed = true;
}

struct wish_packet *wish_filters(struct wishes *w, bool unsubscribe)
{
	enum filter_state from = unsubscribe ? DROPPED : WANTED;
	struct map_item *it;
	struct wish_packet *p = calloc(1, sizeof *p);
	if (!p)
		return NULL;
	for (size_t i = 0; p->n < WISH_MANY && (it = map_next(&w->filters, &i)); ) {
		struct filter *f = it->value;
		if (f->state == from && (p->filter[p->n] = strdup(it->key))) {
			f->state = ASKED;
			p->n++;
		}
	}
	for (int i = 0; unsubscribe && i < p->n; i++)
		free(map_del(&w->filters, p->filter[i], strlen(p->filter[i])));
	if (p->n)
		return p;
	free(p);
	return NULL;
}

/* Refused ones count as made too: asking again would be refused again. */
void wish_answered(struct wishes *w, const struct wish_packet *p)
{
	for (int i = 0; i < p->n; i++) {
		struct filter *f = map_get(&w->filters, p->filter[i], strlen(p->filter[i]));
		if (f && f->state == ASKED)
			f->state = MADE;
	}
}

void wish_packet_free(struct wish_packet *p)
{
	for (int i = 0; i < p->n; i++)
		free(p->filter[i]);
	free(p);
}

/* -- messages ----------------------------------------------------------------------------------------------------------------- */

static char *own(const char *s, bool *ok)
{
	char *copy = s ? strdup(s) : NULL;
	*ok = *ok && (copy || !s);
	return copy;
}

struct wish_message *wish_message_new(const struct engine_publish *p)
{
	struct wish_message *m = calloc(1, sizeof *m);
	bool ok = true;
	if (!m)
		return NULL;
	m->topic = own(p->topic, &ok);
	m->response = own(p->response_topic, &ok);
	m->correlation = own(p->correlation, &ok);
	m->content_type = own(p->content_type, &ok);
	if ((m->payload = malloc(p->n + 1)))
		memcpy(m->payload, p->n ? p->payload : "", p->n);
	m->n = p->n;
	m->expiry_us = p->expiry_us;
	m->token = p->token;
	if (ok && m->payload)
		return m;
	wish_message_free(m);
	return NULL;
}

void wish_message_free(struct wish_message *m)
{
	if (!m)
		return;
	free(m->topic);
	free(m->payload);
	free(m->response);
	free(m->correlation);
	free(m->content_type);
	free(m);
}

bool wish_message(struct wishes *w, struct wish_message *m)
{
	if (w->n_messages >= w->most)
		return false;
	*w->tail = m;
	w->tail = &m->next;
	w->n_messages++;
	return true;
}

struct wish_message *wish_next(struct wishes *w)
{
	struct wish_message *m = w->first;
	if (!m)
		return NULL;
	if (!(w->first = m->next))
		w->tail = &w->first;
	w->n_messages--;
	m->next = NULL;
	return m;
}
