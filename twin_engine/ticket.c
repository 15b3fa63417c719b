/* SPDX-License-Identifier: Apache-2.0 */
#include "twin_engine/ticket.h"

#include <stdlib.h>

#include "aas/tree.h"
#include "base/clock.h"
#include "base/thread.h"

#define GRACE_US (2 * US_PER_S)		/* the engine's own time-out comes first and says more */

enum ticket_state { QUEUED, CALLING, WAITING, ANSWERED };

/* On the stack of the worker that waits. */
struct waiter {
	struct ticket ticket;		/* first member */
	enum ticket_state state;
	bool early;			/* answered while the engine is still being called: it must not leave before that ends */
	enum err err;
	struct arena *arena;
	struct sm_outcome *out;
	pthread_cond_t done;
};

struct tickets {
	struct lock lock;
	struct ticket *first, **tail;
	uint64_t last_id;
	bool closed;
	pthread_cond_t left;		/* nobody waits */
	void (*wake)(void *ctx);
	void *ctx;
};

struct tickets *tickets_new(void (*wake)(void *ctx), void *ctx)
{
	struct tickets *t = calloc(1, sizeof *t);
	if (!t)
		return NULL;
	lock_init(&t->lock, RANK_ENGINE);
	cond_init(&t->left);
	t->tail = &t->first;
	t->wake = wake;
	t->ctx = ctx;
	return t;
}

void tickets_free(struct tickets *t)
{
	if (!t)
		return;
	pthread_cond_destroy(&t->left);
	lock_fini(&t->lock);
	free(t);
}

static void leave(struct tickets *t, struct waiter *w)
{
	struct ticket **at = &t->first;
	while (*at != &w->ticket)
		at = &(*at)->next;
	*at = w->ticket.next;
	if (t->tail == &w->ticket.next)
		t->tail = at;
	if (!t->first)
		pthread_cond_signal(&t->left);
}

static void ends(struct waiter *w, enum execution_state state, const char *message)
{
	*w->out = (struct sm_outcome){ .state = state, .message = message };
	w->err = ERR_OK;
	if (w->state == CALLING)
		w->early = true;
	else
		w->state = ANSWERED;
}

enum err tickets_invoke(struct tickets *t, const struct sm_invocation *what, struct arena *a, struct sm_outcome *out, struct diag *d)
{
	struct waiter w = { .ticket = { .what = what, .diag = d }, .arena = a, .out = out };
	cond_init(&w.done);
	lock_take(&t->lock);
	w.ticket.id = ++t->last_id;
	*t->tail = &w.ticket;
	t->tail = &w.ticket.next;
	if (t->closed)
		ends(&w, EXECUTION_CANCELED, "the server is stopping");
	lock_drop(&t->lock);
	t->wake(t->ctx);

	int64_t until = clock_mono_us() + what->timeout_us + GRACE_US;
	lock_take(&t->lock);
	while (w.state != ANSWERED) {
		int64_t left = until - clock_mono_us();
		if (left <= 0 && w.state == QUEUED)
			ends(&w, EXECUTION_TIMEOUT, "the twin engine has more telemetry to catch up with than the time allowed; nothing was sent");
		else if (left <= 0 && w.state == WAITING)
			ends(&w, EXECUTION_TIMEOUT, "the twin engine gave no answer in time");
		else
			lock_wait(&t->lock, &w.done, left > 0 ? left : -1);
	}
	leave(t, &w);
	lock_drop(&t->lock);
	pthread_cond_destroy(&w.done);
	return w.err;
}

/* -- the engine's side --------------------------------------------------------------------------------------------------------- */

struct ticket *tickets_next(struct tickets *t)
{
	lock_take(&t->lock);
	struct ticket *i = t->first;
	while (i && ((struct waiter *)i)->state != QUEUED)
		i = i->next;
	if (i)
		((struct waiter *)i)->state = CALLING;
	lock_drop(&t->lock);
	return i;
}

void tickets_called(struct tickets *t, struct ticket *i, enum err e)
{
	struct waiter *w = (struct waiter *)i;
	lock_take(&t->lock);
	w->state = e || w->early ? ANSWERED : WAITING;
	if (!w->early)
		w->err = e;
	pthread_cond_signal(&w->done);
	lock_drop(&t->lock);
}

static const char *text_of(const struct engine_outcome *o, const char *id_short)
{
	for (const char *const *p = o->output; id_short && p && p[0] && p[1]; p += 2)
		if (str_eq(p[0], id_short))
			return p[1];
	return NULL;
}

/* Every declared output; a Property has the value that the asset gave, or none. */
static bool outputs(struct waiter *w, const struct engine_outcome *o)
{
	const struct aas_node *op = w->ticket.what->operation;
	struct aas_node **tail = &w->out->outputs;
	for (const struct aas_node *v = op ? AAS_AT(op, Operation, outputVariables).node : NULL; v; v = v->next) {
		struct aas_node *copy = aas_copy(w->arena, v);
		if (!copy)
			return false;
		struct aas_node *n = AAS_AT(copy, OperationVariable, value).node;
		if (n && aas_is(n, AAS_Property)) {
			const char *text = text_of(o, AAS_ID_SHORT(n));
			AAS_AT(n, Property, value).str = text ? arena_strdup(w->arena, text) : NULL;
		}
		*tail = copy;
		tail = &copy->next;
	}
	tail = &w->out->inoutputs;
	for (const struct aas_node *v = w->ticket.what->inoutputs; v; v = v->next) {
		if (!(*tail = aas_copy(w->arena, v)))
			return false;
		tail = &(*tail)->next;
	}
	return !arena_failed(w->arena);
}

void tickets_answer(struct tickets *t, uint64_t id, const struct engine_outcome *o)
{
	lock_take(&t->lock);
	struct ticket *i = t->first;
	while (i && i->id != id)
		i = i->next;
	struct waiter *w = (struct waiter *)i;
	if (w && ((w->state == CALLING && !w->early) || w->state == WAITING)) {
		ends(w, o->state, o->message ? arena_strdup(w->arena, o->message) : NULL);
		if (!outputs(w, o))
			ends(w, EXECUTION_FAILED, "out of memory");
		pthread_cond_signal(&w->done);
	}
	lock_drop(&t->lock);
}

void tickets_close(struct tickets *t)
{
	lock_take(&t->lock);
	t->closed = true;
	for (struct ticket *i = t->first; i; i = i->next) {
		struct waiter *w = (struct waiter *)i;
		if (w->state != ANSWERED)
			ends(w, EXECUTION_CANCELED, "the server is stopping");
		pthread_cond_signal(&w->done);
	}
	lock_drop(&t->lock);
}

void tickets_drain(struct tickets *t)
{
	lock_take(&t->lock);
	while (t->first)
		lock_wait(&t->lock, &t->left, -1);
	lock_drop(&t->lock);
}
