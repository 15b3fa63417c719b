/* SPDX-License-Identifier: Apache-2.0
 * store_pg_tail.c - the end of the feed in memory: what batches of this process have put there, so that who follows the feed need not ask the
 * database for what was just written.
 *
 * A batch's lines are a stretch.  One is added when it is durable, and belongs behind the last one when it begins with the position and the hash
 * that this ends with; else somebody else has written in between, or the feed is another one, and the tail begins anew with it.  A page that is full
 * can be answered from here whatever happens elsewhere.  One that is not says that there is no more: that is known when this process is alone,
 * and the feed thread has seen no later position.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "sql/store_pg_priv.h"

#define LINES_MAX 32768
#define BYTES_MAX ((size_t)32 << 20)

struct pg_stretch {
	struct pg_stretch *next;
	struct arena *arena;		/* of all, itself included */
	struct pg_chain from, to;	/* the ends: before the first line, behind the last one */
	struct store_event *line;
	size_t n;
};

struct pg_tail {
	struct lock lock;		/* of everything below */
	struct pg_stretch *first, *last;
	size_t n, bytes;
	int64_t newest;			/* position that somebody has seen */
};

struct pg_tail *store_pg_tail_new(void)
{
	struct pg_tail *t = calloc(1, sizeof *t);
	if (t)
		lock_init(&t->lock, RANK_LEAF);
	return t;
}

void store_pg_tail_free(struct pg_tail *t)
{
	if (!t)
		return;
	store_pg_tail_forget(t);
	lock_fini(&t->lock);
	free(t);
}

/* -- a stretch ------------------------------------------------------------------------------------------------------------------------- */
void store_pg_stretch_free(struct pg_stretch *s)
{
	if (s)
		arena_free(s->arena);
}

static const char *const *texts(struct arena *a, const char *const *text, size_t n)
{
	const char **list = text ? ARENA_ARRAY(a, const char *, n) : NULL;
	for (size_t i = 0; list && i < n; i++)
		list[i] = text[i] ? arena_strdup(a, text[i]) : NULL;
	return list;
}

static const char *text(struct arena *a, const char *s)
{
	return s ? arena_strdup(a, s) : NULL;
}

static void copy(struct arena *a, const struct store_event *e, struct store_event *to)
{
	*to = *e;
	to->id = text(a, e->id);
	to->path = text(a, e->path);
	to->actor = text(a, e->actor);
	to->request = text(a, e->request);
	to->value_path = texts(a, e->value_path, e->n_values);
	to->before = texts(a, e->before, e->n_values);
	to->after = texts(a, e->after, e->n_values);
}

struct pg_stretch *store_pg_stretch_new(const struct pg_chain *from, size_t n)
{
	struct arena *a = arena_new(BYTES_MAX / 2);
	struct pg_stretch *s = a ? ARENA_NEW(a, struct pg_stretch) : NULL;
	struct store_event *line = s ? ARENA_ARRAY(a, struct store_event, n) : NULL;
	if (!line) {
		arena_free(a);
		return NULL;
	}
	*s = (struct pg_stretch){ .arena = a, .from = *from, .to = *from, .line = line };
	return s;
}

void store_pg_stretch_add(struct pg_stretch *s, const struct pg_change *c)
{
	const struct store_cause *cause = c->cause;
	struct store_event e = {
		.position = s->from.position + 1 + (int64_t)s->n, .kind = STORE_SUBMODEL, .id = c->id, .version = c->version,
		.operation = STORE_OP_VALUE, .part = STORE_OP_VALUE, .actor = cause ? cause->actor : NULL, .request = cause ? cause->request : NULL,
		.recorded_us = c->recorded_us, .valid_us = cause && cause->valid_us != TIME_NONE ? cause->valid_us : c->recorded_us,
		.n_values = c->n, .value_path = c->path, .before = c->before, .after = c->after,
	};
	copy(s->arena, &e, &s->line[s->n++]);
}

/* What is too much is not kept at all. */
struct pg_stretch *store_pg_stretch_end(struct pg_stretch *s, const struct pg_chain *to)
{
	s->to = *to;
	if (!arena_failed(s->arena) && s->to.position == s->from.position + (int64_t)s->n)
		return s;
	store_pg_stretch_free(s);
	return NULL;
}

/* -- the tail --------------------------------------------------------------------------------------------------------------------------- */
static void drop_first(struct pg_tail *t)
{
	struct pg_stretch *s = t->first;
	t->first = s->next;
	if (!t->first)
		t->last = NULL;
	t->n -= s->n;
	t->bytes -= arena_used(s->arena);
	store_pg_stretch_free(s);
}

/* The lock is held. */
static void drop_all(struct pg_tail *t)
{
	while (t->first)
		drop_first(t);
}

void store_pg_tail_forget(struct pg_tail *t)
{
	lock_take(&t->lock);
	drop_all(t);
	lock_drop(&t->lock);
}

static bool follows(const struct pg_stretch *s, const struct pg_stretch *last)
{
	return s->from.position == last->to.position && s->from.n == last->to.n && !memcmp(s->from.hash, last->to.hash, s->from.n);
}

void store_pg_tail_add(struct pg_tail *t, struct pg_stretch *s)
{
	lock_take(&t->lock);
	if (t->last && !follows(s, t->last))
		drop_all(t);
	if (t->last)
		t->last->next = s;
	else
		t->first = s;
	t->last = s;
	t->n += s->n;
	t->bytes += arena_used(s->arena);
	while (t->first != s && (t->n > LINES_MAX || t->bytes > BYTES_MAX))
		drop_first(t);
	lock_drop(&t->lock);
}

void store_pg_tail_seen(struct pg_tail *t, int64_t newest)
{
	lock_take(&t->lock);
	t->newest = newest;
	lock_drop(&t->lock);
}

bool store_pg_tail_read(struct pg_tail *t, int64_t after, size_t limit, bool alone, struct arena *a, struct store_event **out, size_t *n,
			int64_t *newest)
{
	*n = 0;
	lock_take(&t->lock);
	int64_t end = t->last ? t->last->to.position : 0, there = end - after;
	bool ours = t->first && after >= t->first->from.position && there > 0, all = alone && end >= t->newest;
	if (!ours || (!all && there < (int64_t)limit) || !limit) {
		lock_drop(&t->lock);
		return false;
	}
	size_t want = there < (int64_t)limit ? (size_t)there : limit;
	*out = ARENA_ARRAY(a, struct store_event, want);
	for (const struct pg_stretch *s = t->first; *out && s && *n < want; s = s->next)
		for (size_t i = after > s->from.position ? (size_t)(after - s->from.position) : 0; i < s->n && *n < want; i++)
			copy(a, &s->line[i], &(*out)[(*n)++]);
	*newest = end > t->newest ? end : t->newest;
	lock_drop(&t->lock);
	return true;
}
