/* SPDX-License-Identifier: Apache-2.0 */
#include "twin_engine/inbox.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/thread.h"

struct inbox {
	struct lock lock;
	struct map index;		/* id NUL path -> struct inbox_item */
	struct inbox_item *first, **tail;
	size_t n, most, lost;
};

struct inbox *inbox_new(size_t most)
{
	struct inbox *b = calloc(1, sizeof *b);
	if (!b)
		return NULL;
	lock_init(&b->lock, RANK_LEAF);
	b->tail = &b->first;
	b->most = most;
	return b;
}

void inbox_item_free(struct inbox_item *i)
{
	free(i->value);
	free(i);
}

void inbox_free(struct inbox *b)
{
	if (!b)
		return;
	for (struct inbox_item *i = b->first, *next; i; i = next) {
		next = i->next;
		inbox_item_free(i);
	}
	map_fini(&b->index);
	lock_fini(&b->lock);
	free(b);
}

/* The texts lie behind the item in the form of its key. */
static struct inbox_item *item_new(const char *id, size_t id_n, const char *path, size_t path_n)
{
	struct inbox_item *i = calloc(1, sizeof *i + id_n + path_n + 2);
	if (!i)
		return NULL;
	char *text = (char *)(i + 1);
	memcpy(text, id, id_n);
	if (path)
		memcpy(text + id_n + 1, path, path_n);
	i->id = text;
	i->path = path ? text + id_n + 1 : NULL;
	return i;
}

static size_t key_size(const struct inbox_item *i)
{
	return strlen(i->id) + 1 + (i->path ? strlen(i->path) + 1 : 0);
}

bool inbox_put(struct inbox *b, const char *id, const char *path, const char *value)
{
	char *copy = value ? strdup(value) : NULL;
	struct inbox_item *fresh = item_new(id, strlen(id), path, path ? strlen(path) : 0), *i = NULL;
	lock_take(&b->lock);
	bool ok = fresh && (copy || !value);
	if (ok && (i = map_get(&b->index, fresh->id, key_size(fresh)))) {
		char *old = i->value;
		i->value = copy;
		copy = old;
	} else if ((ok = ok && b->n < b->most && map_put(&b->index, fresh->id, key_size(fresh), fresh, NULL))) {
		fresh->value = copy;
		*b->tail = fresh;
		b->tail = &fresh->next;
		b->n++;
		fresh = NULL;
		copy = NULL;
	}
	b->lost += !ok;
	lock_drop(&b->lock);
	free(copy);
	free(fresh);
	return ok;
}

struct inbox_item *inbox_take(struct inbox *b)
{
	lock_take(&b->lock);
	struct inbox_item *first = b->first;
	struct map index = b->index;
	b->index = (struct map)MAP_INIT;
	b->first = NULL;
	b->tail = &b->first;
	b->n = 0;
	lock_drop(&b->lock);
	map_fini(&index);
	return first;
}

size_t inbox_lost(struct inbox *b)
{
	lock_take(&b->lock);
	size_t n = b->lost;
	b->lost = 0;
	lock_drop(&b->lock);
	return n;
}
