/* SPDX-License-Identifier: Apache-2.0 */
#include "twin_engine/signal.h"

#include <math.h>
#include <stdlib.h>

#include "base/clock.h"

/* "submodel id NUL path": neither contains a NUL */
static char *key_of(const char *submodel_id, const char *path, size_t *n)
{
	size_t a = strlen(submodel_id) + 1, b = strlen(path) + 1;
	char *key = malloc(a + b);
	if (key) {
		memcpy(key, submodel_id, a);
		memcpy(key + a, path, b);
	}
	*n = a + b - 1;
	return key;
}

struct signal *signal_find(const struct signals *t, const char *submodel_id, const char *path)
{
	size_t n;
	char *key = key_of(submodel_id, path, &n);
	struct signal *s = key ? map_get(&t->by_key, key, n) : NULL;
	free(key);
	return s;
}

struct signal *signal_get(struct signals *t, const char *submodel_id, const char *path)
{
	size_t n;
	char *key = key_of(submodel_id, path, &n);
	struct signal *s = key ? map_get(&t->by_key, key, n) : NULL;
	if (!key || s) {
		free(key);
		return s;
	}
	if (!(s = calloc(1, sizeof *s)) || !map_put(&t->by_key, key, n, s, NULL)) {
		free(s);
		free(key);
		return NULL;
	}
	s->submodel_id = key;
	s->path = key + strlen(key) + 1;
	s->num = s->kept = NAN;
	s->quality = QUALITY_UNCERTAIN;
	s->time_us = s->arrival_us = TIME_NONE;
	return s;
}

void signals_fini(struct signals *t)
{
	struct map_item *it;
	for (size_t i = 0; (it = map_next(&t->by_key, &i)); ) {
		struct signal *s = it->value;
		free((char *)s->submodel_id);
		free(s->text);
		free(s->watcher);
		free(s);
	}
	map_fini(&t->by_key);
}

bool signal_set(struct signal *s, const char *text, size_t n, double num, enum quality q, int64_t time_us, int64_t arrival_us)
{
	char *copy = realloc(s->text, n + 1);
	if (!copy)
		return false;
	memcpy(copy, text, n);
	copy[n] = 0;
	s->text = copy;
	s->num = num;
	s->quality = q;
	s->time_us = time_us;
	s->arrival_us = arrival_us;
	return true;
}

bool signal_watch(struct signal *s, struct twin *w)
{
	struct twin **more = realloc(s->watcher, (s->n_watchers + 1) * sizeof *more);
	if (!more)
		return false;
	s->watcher = more;
	s->watcher[s->n_watchers++] = w;
	return true;
}

void signal_unwatch(struct signal *s, const struct twin *w)
{
	size_t kept = 0;
	for (size_t i = 0; i < s->n_watchers; i++)
		if (s->watcher[i] != w)
			s->watcher[kept++] = s->watcher[i];
	s->n_watchers = kept;
}
