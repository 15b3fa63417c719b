/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

static uint64_t seed[2];
static pthread_once_t seed_once = PTHREAD_ONCE_INIT;

static void seed_make(void)
{
	random_bytes(seed, sizeof seed);
}

#define ROTL(x, b) ((x) << (b) | (x) >> (64 - (b)))
#define ROUND(v0, v1, v2, v3) do { \
	v0 += v1; v1 = ROTL(v1, 13); v1 ^= v0; v0 = ROTL(v0, 32); \
	v2 += v3; v3 = ROTL(v3, 16); v3 ^= v2; \
	v0 += v3; v3 = ROTL(v3, 21); v3 ^= v0; \
	v2 += v1; v1 = ROTL(v1, 17); v1 ^= v2; v2 = ROTL(v2, 32); } while (0)

/* SipHash-1-3: a keyed hash, short enough for short keys (Aumasson and Bernstein, 2012). */
uint64_t hash_bytes(const void *p, size_t n)
{
	pthread_once(&seed_once, seed_make);
	uint64_t v0 = seed[0] ^ 0x736f6d6570736575u, v1 = seed[1] ^ 0x646f72616e646f6du;
	uint64_t v2 = seed[0] ^ 0x6c7967656e657261u, v3 = seed[1] ^ 0x7465646279746573u;
	const unsigned char *b = p;
	uint64_t last = (uint64_t)n << 56, m;
	for (; n >= 8; n -= 8, b += 8) {
		memcpy(&m, b, 8);
		v3 ^= m;
		ROUND(v0, v1, v2, v3);
		v0 ^= m;
	}
	for (size_t i = 0; i < n; i++)
		last |= (uint64_t)b[i] << (8 * i);
	v3 ^= last;
	ROUND(v0, v1, v2, v3);
	v0 ^= last;
	v2 ^= 0xFF;
	for (int i = 0; i < 3; i++)
		ROUND(v0, v1, v2, v3);
	return v0 ^ v1 ^ v2 ^ v3;
}

void map_fini(struct map *m)
{
	for (size_t i = 0; i < m->cap; i++)
		free(m->item[i].key);
	free(m->item);
	*m = (struct map)MAP_INIT;
}

/* Linear probing; the place of the key, or the empty place where it would go. */
static struct map_item *place(const struct map *m, const char *key, size_t n, uint64_t h)
{
	for (size_t i = h & (m->cap - 1);; i = (i + 1) & (m->cap - 1)) {
		struct map_item *it = &m->item[i];
		if (!it->key || (it->hash == h && it->n == n && !memcmp(it->key, key, n)))
			return it;
	}
}

void *map_get(const struct map *m, const char *key, size_t n)
{
	return m->cap ? place(m, key, n, hash_bytes(key, n))->value : NULL;
}

static bool map_grow(struct map *m)
{
	struct map big = { NULL, m->cap ? m->cap * 2 : 16, m->n };
	if (!(big.item = calloc(big.cap, sizeof *big.item)))
		return false;
	for (size_t i = 0; i < m->cap; i++)
		if (m->item[i].key)
			*place(&big, m->item[i].key, m->item[i].n, m->item[i].hash) = m->item[i];
	free(m->item);
	*m = big;
	return true;
}

bool map_put(struct map *m, const char *key, size_t n, void *value, void **old)
{
	if (m->n * 4 >= m->cap * 3 && !map_grow(m))
		return false;
	uint64_t h = hash_bytes(key, n);
	struct map_item *it = place(m, key, n, h);
	if (old)
		*old = it->value;
	if (!it->key) {
		char *k = malloc(n + 1);
		if (!k)
			return false;
		memcpy(k, key, n);
		k[n] = 0;
		*it = (struct map_item){ k, n, h, NULL };
		m->n++;
	}
	it->value = value;
	return true;
}

void *map_del(struct map *m, const char *key, size_t n)
{
	if (!m->cap)
		return NULL;
	struct map_item *it = place(m, key, n, hash_bytes(key, n));
	if (!it->key)
		return NULL;
	void *value = it->value;
	free(it->key);
	*it = (struct map_item){ 0 };
	m->n--;
	/* what follows in the same run may have been pushed past the hole: put it back in its place */
	for (size_t i = (size_t)(it - m->item + 1) & (m->cap - 1); m->item[i].key; i = (i + 1) & (m->cap - 1)) {
		struct map_item moved = m->item[i];
		m->item[i] = (struct map_item){ 0 };
		*place(m, moved.key, moved.n, moved.hash) = moved;
	}
	return value;
}

struct map_item *map_next(const struct map *m, size_t *i)
{
	while (*i < m->cap) {
		struct map_item *it = &m->item[(*i)++];
		if (it->key)
			return it;
	}
	return NULL;
}
