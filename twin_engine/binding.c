/* SPDX-License-Identifier: Apache-2.0
 * binding.c - one message and one link: select, decode, take as a sample or say why not.
 */
#include <math.h>
#include <stdio.h>

#include "aas/lexical.h"
#include "base/clock.h"
#include "twin_engine/core.h"
#include "twin_engine/decode.h"

/* A clock further ahead than this is wrong; believing it once would make everything after it late. */
#define AHEAD_MAX_US (3600 * US_PER_S)

const struct link *link_rival(const struct link *l)
{
	const struct link *first = NULL;
	for (const struct link *o = l->signal->links; o; o = o->of_signal) {
		bool same = (o->hook.filter && l->hook.filter) || (o->setup->writable && l->setup->writable);
		if (same && o->since < (first ? first : l)->since && !str_eq(o->twin->id, l->twin->id))
			first = o;
	}
	return first;
}

void link_resolve(struct link *l)
{
	bool is_range = false;
	l->fault = NULL;
	l->second = false;
	l->value_type = 0;
	if (!l->known->outline)
		l->fault = "there is no such submodel";
	else if (!outline_find(l->known->outline, l->setup->target.path, &l->value_type, &is_range))
		l->fault = "there is no such Property in the submodel";
	else if (is_range)
		l->fault = "a Range cannot be bound";
	else if ((l->second = link_rival(l) != NULL))
		l->fault = "another twin has bound this element already";
}

void link_bind(struct link *l, const struct link *before)
{
	l->quality = QUALITY_UNCERTAIN;
	l->last_us = l->signal->time_us;
	l->arrival_us = l->signal->arrival_us;
	if (l->signal->text)
		l->quality = l->signal->quality;
	if (before && before->signal == l->signal) {
		l->quality = before->quality;
		l->last_us = before->last_us;
		l->arrival_us = before->arrival_us;
		memcpy(l->seen, before->seen, sizeof l->seen);
		l->n_seen = before->n_seen;
	}
	l->since = before && before->signal == l->signal ? before->since : ++l->twin->engine->n_bound;
	l->of_signal = l->signal->links;
	l->signal->links = l;
	link_resolve(l);
}

static bool seen(const struct link *l, int64_t t)
{
	unsigned n = l->n_seen < SEEN_TIMES ? l->n_seen : SEEN_TIMES;
	for (unsigned i = 0; i < n; i++)
		if (l->seen[i] == t)
			return true;
	return false;
}

static void sample(struct link *l, const struct engine_message *msg, const char *text, double num, enum quality q, int64_t t)
{
	struct engine *e = l->twin->engine;
	if (!l->setup->history)
		return;
	e->port.sample(e->port.ctx, &(struct engine_sample){
		l->signal->submodel_id, l->signal->path, l->setup->unit, t, num, text, q, msg->position });
}

static enum link_result reject(struct link *l, int64_t now_us, char *why, size_t size, const char *reason)
{
	struct engine *e = l->twin->engine;
	struct signal *s = l->signal;
	snprintf(why, size, "Links.%s: %s%s%s", l->setup->name, l->setup->selector_text ? l->setup->selector_text : "",
		 l->setup->selector_text ? " " : "the payload ", reason);
	e->stats.rejected++;
	l->quality = QUALITY_BAD;
	l->arrival_us = now_us;		/* it is bad, not stale */
	if (!l->second && s->text && s->quality != QUALITY_BAD) {
		s->quality = QUALITY_BAD;
		e->port.live(e->port.ctx, s->submodel_id, s->path, s->text, QUALITY_BAD, s->time_us);
	}
	return LINK_REJECTED;
}

/* The source time, or the arrival time with less trust when the message should carry one and does not. */
static enum quality source_time(struct link *l, int64_t now_us, const struct engine_message *msg, int64_t *t)
{
	struct payload *pl = &l->twin->engine->payload;
	struct payload_value v;
	if (l->setup->has_time && !payload_find(pl, &l->setup->time_selector, &v) && decode_time(&v, t) && *t <= now_us + AHEAD_MAX_US)
		return QUALITY_GOOD;
	*t = now_us;
	return l->setup->has_time || msg->retained ? QUALITY_UNCERTAIN : QUALITY_GOOD;
}

/* Another link has taken the same value of the same time already: only this link's own state is new. */
static bool is_echo(const struct signal *s, const char *text, int64_t t)
{
	return s->text && s->time_us == t && s->quality != QUALITY_BAD && s->quality != QUALITY_STALE && str_eq(s->text, text);
}

static void newest(struct link *l, int64_t now_us, const struct engine_message *msg, struct slice text, double num, enum quality q, int64_t t)
{
	struct engine *e = l->twin->engine;
	struct signal *s = l->signal;
	/* what is no number has no distance: it is always kept */
	bool kept = isnan(num) || isnan(s->kept) || fabs(num - s->kept) >= l->setup->dead_band;
	if (!signal_set(s, text.p, text.n, num, q, t, now_us))
		return;
	if (kept) {
		s->kept = num;
		sample(l, msg, s->text, num, q, t);
	}
	e->port.live(e->port.ctx, s->submodel_id, s->path, s->text, q, t);
	for (size_t i = 0; i < s->n_watchers; i++) {
		s->watcher[i]->inputs_new = true;
		twin_touch(s->watcher[i]);
	}
}

static enum link_result take(struct link *l, int64_t now_us, const struct engine_message *msg, struct slice text, double num)
{
	struct engine *e = l->twin->engine;
	struct signal *s = l->signal;
	int64_t t;
	enum quality q = source_time(l, now_us, msg, &t);
	/* the broker repeats a retained message at every subscription: without a time of its own it is only an initial value */
	if (msg->retained && q != QUALITY_GOOD && s->text && str_eq(s->text, text.p))
		return LINK_REPEATED;
	if (t == l->last_us || (t < l->last_us && seen(l, t)))
		return LINK_REPEATED;
	l->seen[l->n_seen++ % SEEN_TIMES] = t;
	if (l->last_us != TIME_NONE && t < l->last_us) {
		sample(l, msg, text.p, num, q, t);
		return LINK_LATE;
	}
	l->last_us = t;
	l->arrival_us = now_us;
	l->quality = q;
	if (is_echo(s, text.p, t))
		s->arrival_us = now_us;
	else
		newest(l, now_us, msg, text, num, q, t);
	e->stats.samples++;
	if (l->setup->stale_us)
		due_at(e, now_us + l->setup->stale_us);
	return LINK_ACCEPTED;
}

enum link_result link_take(struct link *l, int64_t now_us, const struct engine_message *msg, char *why, size_t size)
{
	struct engine *e = l->twin->engine;
	struct decode_scale scale = { l->setup->scale, l->setup->offset };
	struct payload_value v;
	const char *fault = l->fault;
	double num;
	if (fault)
		return reject(l, now_us, why, size, fault);
	if (l->setup->selector.n)
		fault = payload_find(&e->payload, &l->setup->selector, &v);
	else
		payload_plain(&e->payload, &v);
	buf_reset(&e->text);
	if (!fault)
		fault = decode_value(&v, l->value_type, &scale, &e->text, &num);
	if (!fault && (e->text.failed || !buf_reserve(&e->text, 1)))
		fault = "found no memory";
	if (fault)
		return reject(l, now_us, why, size, fault);
	enum link_result r = take(l, now_us, msg, buf_view(&e->text), num);
	e->stats.duplicates += r == LINK_REPEATED;
	e->stats.late += r == LINK_LATE;
	return r;
}

bool link_tick(struct link *l, int64_t now_us)
{
	struct engine *e = l->twin->engine;
	struct signal *s = l->signal;
	if (!l->setup->stale_us || l->arrival_us == TIME_NONE || l->quality == QUALITY_STALE)
		return false;
	if (now_us - l->arrival_us < l->setup->stale_us) {
		due_at(e, l->arrival_us + l->setup->stale_us);
		return false;
	}
	l->quality = QUALITY_STALE;
	/* another link may still feed the element */
	if (s->text && s->quality != QUALITY_STALE && now_us - s->arrival_us >= l->setup->stale_us) {
		s->quality = QUALITY_STALE;
		e->port.live(e->port.ctx, s->submodel_id, s->path, s->text, QUALITY_STALE, s->time_us);
	}
	return true;
}
