/* SPDX-License-Identifier: Apache-2.0
 * map.h - a hash map from text to pointer, seeded against chosen collisions.
 *
 * Keys are copied, values are the caller's.  Not locked: the owner of the map owns the locking.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_item {
	char *key;		/* NULL: empty place */
	size_t n;
	uint64_t hash;
	void *value;
};

struct map {
	struct map_item *item;
	size_t cap, n;
};

#define MAP_INIT { NULL, 0, 0 }
void map_fini(struct map *);
void *map_get(const struct map *, const char *key, size_t n);
/* Sets or replaces; the old value (or NULL) is stored in *old when old is given.  False without memory, nothing changed. */
bool map_put(struct map *, const char *key, size_t n, void *value, void **old);
void *map_del(struct map *, const char *key, size_t n);		/* the value it had */
/* Iterate in no order: for (size_t i = 0; (it = map_next(m, &i)); ) */
struct map_item *map_next(const struct map *, size_t *i);

uint64_t hash_bytes(const void *p, size_t n);	/* seeded per process */

#endif
