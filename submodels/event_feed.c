/* SPDX-License-Identifier: Apache-2.0 */
#include "submodels/event_feed.h"

#include <stdio.h>
#include <stdlib.h>

#define LINES 100		/* read at a time */

/* -- places -------------------------------------------------------------------------------------------------------------------- */

/* One line behind `after`; NULL: there is none. */
static enum err look(struct store *s, struct arena *a, int64_t after, const struct store_event **line, int64_t *newest)
{
	struct store_event *list = NULL;
	size_t n = 0;
	arena_reset(a);
	enum err err = s->ops->feed(s, after, 1, a, &list, &n, newest);
	*line = !err && n ? list : NULL;
	return err;
}

/* `newest` can be read from, what is too old cannot: halve. */
static enum err find_oldest(struct store *s, struct arena *a, int64_t newest, int64_t *oldest)
{
	int64_t low = 0, high = newest, ignored;
	const struct store_event *line;
	while (low < high) {
		int64_t mid = low + (high - low) / 2;
		enum err err = look(s, a, mid, &line, &ignored);
		if (err && err != ERR_GONE)
			return err;
		if (err)
			low = mid + 1;
		else
			high = mid;
	}
	*oldest = low;
	return ERR_OK;
}

enum err event_feed_bounds(struct store *s, int64_t *oldest, int64_t *newest)
{
	const struct store_event *line;
	struct arena *a = arena_new(0);
	*oldest = *newest = 0;
	enum err err = a ? look(s, a, 0, &line, newest) : ERR_NO_MEMORY;
	if (err == ERR_GONE && *newest > 0)
		err = find_oldest(s, a, *newest, oldest);
	arena_free(a);
	return err;
}

enum err event_feed_since(struct store *s, int64_t time_us, int64_t *position)
{
	int64_t low, high, newest;
	enum err err = event_feed_bounds(s, &low, &high);
	struct arena *a = err ? NULL : arena_new(0);
	if (!err && !a)
		return ERR_NO_MEMORY;
	while (!err && low < high) {
		const struct store_event *line;
		int64_t mid = low + (high - low) / 2;
		if ((err = look(s, a, mid, &line, &newest)))
			break;
		if (line && line->recorded_us < time_us)
			low = mid + 1;
		else
			high = mid;
	}
	arena_free(a);
	*position = low;
	return err;
}

bool event_cursor_read(struct slice text, struct event_cursor *c)
{
	return event_id_read(text.p, text.n, &c->position, &c->index);
}

void event_cursor_write(const struct event_cursor *c, char out[EVENT_CURSOR_MAX])
{
	if (c->index == SIZE_MAX)
		snprintf(out, EVENT_CURSOR_MAX, "%lld", (long long)c->position);
	else
		snprintf(out, EVENT_CURSOR_MAX, "%lld-%zu", (long long)c->position, c->index);
}

/* -- reading -------------------------------------------------------------------------------------------------------------------- */

struct event_reader {
	struct store *store;
	const struct event_config *conf;
	struct event_trees *trees;
	struct arena *lines, *events;
	struct store_event *line;	/* what was read last, behind `after`: many readers stand at the same place */
	size_t n;
	int64_t after, newest;
	bool known;
};

struct event_reader *event_reader_new(struct store *store, const struct event_config *conf)
{
	struct event_reader *r = calloc(1, sizeof *r);
	if (!r)
		return NULL;
	r->store = store;
	r->conf = conf;
	r->trees = event_trees_new(store, 0);
	r->lines = arena_new(0);
	r->events = arena_new(0);
	if (r->trees && r->lines && r->events)
		return r;
	event_reader_free(r);
	return NULL;
}

void event_reader_free(struct event_reader *r)
{
	if (!r)
		return;
	event_trees_free(r->trees);
	arena_free(r->lines);
	arena_free(r->events);
	free(r);
}

void event_reader_renew(struct event_reader *r)
{
	r->known = false;
}

static enum err read_lines(struct event_reader *r, int64_t after)
{
	if (r->known && r->after == after)
		return ERR_OK;
	arena_reset(r->lines);
	r->known = false;
	r->n = 0;
	enum err err = r->store->ops->feed(r->store, after, LINES, r->lines, &r->line, &r->n, &r->newest);
	r->known = !err;
	r->after = after;
	return err;
}

/* Where one call of event_reader_read stands. */
struct reading {
	struct event_reader *reader;
	struct event_cursor *at;
	const struct event_filter *filter;
	size_t left;			/* events */
	bool (*event)(void *ctx, const char *cursor, struct slice cloud);
	void *ctx;
	bool stop;
};

static enum err tell(struct reading *g, const struct event *e)
{
	char cursor[EVENT_CURSOR_MAX];
	struct buf b = BUF_INIT;
	enum err err = event_cloud(&b, g->reader->conf, e, g->reader->events);
	if (!err) {
		*g->at = (struct event_cursor){ e->line->position, e->index };
		event_cursor_write(g->at, cursor);
		g->stop = !g->event(g->ctx, cursor, buf_view(&b)) || !--g->left;
	}
	buf_fini(&b);
	return err;
}

static bool wants_line(const struct event_filter *f, const struct store_event *e)
{
	return (!f->kinds || f->kinds & 1u << e->kind) && (!f->id || str_eq(f->id, e->id));
}

static enum err read_line(struct reading *g, const struct store_event *line)
{
	struct event *e;
	size_t n, seen = line->position == g->at->position && g->at->index != SIZE_MAX ? g->at->index + 1 : 0;
	enum err err = ERR_OK;
	if (wants_line(g->filter, line)) {
		arena_reset(g->reader->events);
		err = event_list(g->reader->trees, line, g->reader->events, &e, &n);
		for (size_t i = 0; !err && i < n && !g->stop; i++)
			if (e[i].index >= seen && (!g->filter->types || g->filter->types & 1u << e[i].type))
				err = tell(g, &e[i]);
	}
	if (!err && !g->stop)
		*g->at = (struct event_cursor){ line->position, SIZE_MAX };
	return err;
}

enum err event_reader_read(struct event_reader *r, struct event_cursor *at, const struct event_filter *f, size_t limit, size_t lines, int64_t *newest,
			   bool (*event)(void *ctx, const char *cursor, struct slice cloud), void *ctx)
{
	struct reading g = { .reader = r, .at = at, .filter = f, .left = limit, .event = event, .ctx = ctx };
	enum err err;
	for (;;) {
		if ((err = read_lines(r, at->index == SIZE_MAX ? at->position : at->position - 1)))
			return err;
		*newest = r->newest;
		for (size_t i = 0; i < r->n && !g.stop; i++, lines--)
			if (!lines || (err = read_line(&g, &r->line[i])))
				return err;
		if (g.stop || r->n < LINES)
			return ERR_OK;
	}
}
