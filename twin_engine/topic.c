/* SPDX-License-Identifier: Apache-2.0 */
#include "twin_engine/topic.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/str.h"

struct level {
	struct map next;		/* text of a level -> struct level */
	struct level *plus, *hash;
	void **value;
	size_t n, cap;
};

struct topic_tree {
	struct level root;
};

struct topic_tree *topic_tree_new(void)
{
	return calloc(1, sizeof(struct topic_tree));
}

static void level_fini(struct level *l)
{
	struct map_item *it;
	for (size_t i = 0; (it = map_next(&l->next, &i)); ) {
		level_fini(it->value);
		free(it->value);
	}
	map_fini(&l->next);
	if (l->plus)
		level_fini(l->plus);
	if (l->hash)
		level_fini(l->hash);
	free(l->plus);
	free(l->hash);
	free(l->value);
}

void topic_tree_free(struct topic_tree *t)
{
	if (!t)
		return;
	level_fini(&t->root);
	free(t);
}

static const char *text_fault(const char *s)
{
	size_t n = strlen(s);
	if (!n)
		return "is empty";
	if (n > TOPIC_LENGTH_MAX)
		return "is longer than 65535 bytes";
	return utf8_valid(s, n) ? NULL : "is not UTF-8";
}

const char *topic_filter_fault(const char *filter)
{
	const char *fault = text_fault(filter);
	unsigned levels = 1;
	for (const char *p = filter; !fault && *p; p++) {
		bool first = p == filter || p[-1] == '/', last = !p[1] || p[1] == '/';
		if (*p == '/' && ++levels > TOPIC_LEVELS_MAX)
			fault = "has more than 128 levels";
		else if (*p == '+' && !(first && last))
			fault = "has a + that is not a whole level";
		else if (*p == '#' && !(first && !p[1]))
			fault = "has a # that is not the whole last level";
	}
	return fault;
}

const char *topic_name_fault(const char *name)
{
	const char *fault = text_fault(name);
	return fault ? fault : strpbrk(name, "+#") ? "has a wildcard" : NULL;
}

/* The level after `l`; *p moves behind the slash, and becomes NULL after the last level. */
static struct level *descend(struct level *l, const char **p, bool create)
{
	size_t n = strcspn(*p, "/");
	const char *text = *p;
	struct level **place = n != 1 ? NULL : *text == '+' ? &l->plus : *text == '#' ? &l->hash : NULL;
	struct level *down = place ? *place : map_get(&l->next, text, n);
	*p = text[n] ? text + n + 1 : NULL;
	if (down || !create || !(down = calloc(1, sizeof *down)))
		return down;
	if (place) {
		*place = down;
	} else if (!map_put(&l->next, text, n, down, NULL)) {
		free(down);
		return NULL;
	}
	return down;
}

bool topic_add(struct topic_tree *t, const char *filter, void *value)
{
	struct level *l = &t->root;
	if (topic_filter_fault(filter))
		return false;
	for (const char *p = filter; p; )
		if (!(l = descend(l, &p, true)))
			return false;
	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 2;
		void **more = realloc(l->value, cap * sizeof *more);
		if (!more)
			return false;
		l->value = more;
		l->cap = cap;
	}
	l->value[l->n++] = value;
	return true;
}

static bool empty(const struct level *l)
{
	return !l->n && !l->next.n && !l->plus && !l->hash;
}

/* Removes below `l`, and every level that carries nothing afterwards. */
static bool remove_below(struct level *l, const char *p, const void *value)
{
	if (!p) {
		size_t i = 0;
		while (i < l->n && l->value[i] != value)
			i++;
		if (i == l->n)
			return false;
		memmove(l->value + i, l->value + i + 1, (--l->n - i) * sizeof *l->value);
		return true;
	}
	const char *text = p;
	size_t n = strcspn(p, "/");
	struct level *down = descend(l, &p, false);
	if (!down || !remove_below(down, p, value))
		return false;
	if (empty(down)) {
		if (down == l->plus)
			l->plus = NULL;
		else if (down == l->hash)
			l->hash = NULL;
		else
			map_del(&l->next, text, n);
		level_fini(down);
		free(down);
	}
	return true;
}

bool topic_del(struct topic_tree *t, const char *filter, const void *value)
{
	return !topic_filter_fault(filter) && remove_below(&t->root, filter, value);
}

struct match {
	void (*hit)(void *ctx, void *value);
	void *ctx;
};

static void hit_all(const struct level *l, const struct match *m)
{
	for (size_t i = 0; l && i < l->n; i++)
		m->hit(m->ctx, l->value[i]);
}

/* `wild`: wildcards may stand here (MQTT 5.0, 4.7.2: not at the first level of a topic that begins with $). */
static void match_below(const struct level *l, const char *p, bool wild, const struct match *m)
{
	if (wild)
		hit_all(l->hash, m);	/* # stands for the level above, too */
	if (!p) {
		hit_all(l, m);
		return;
	}
	size_t n = strcspn(p, "/");
	const char *rest = p[n] ? p + n + 1 : NULL;
	const struct level *down = map_get(&l->next, p, n);
	if (down)
		match_below(down, rest, true, m);
	if (wild && l->plus)
		match_below(l->plus, rest, true, m);
}

void topic_match(const struct topic_tree *t, const char *name, void (*hit)(void *ctx, void *value), void *ctx)
{
	struct match m = { hit, ctx };
	if (*name)
		match_below(&t->root, name, name[0] != '$', &m);
}
