/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"

#include "tests/tap.h"

static char values[4000];

static size_t key(char out[16], unsigned i)
{
	return (size_t)snprintf(out, 16, "k%u", i);
}

int main(void)
{
	struct map m = MAP_INIT;
	char k[16];
	void *old = &m;
	check(!map_get(&m, "x", 1) && !map_del(&m, "x", 1), "an empty map has nothing");
	check(map_put(&m, "x", 1, &values[0], &old) && !old, "a key is new");
	check(map_put(&m, "x", 1, &values[1], &old) && old == &values[0] && m.n == 1, "a value is replaced");
	check(map_put(&m, "", 0, &values[2], NULL) && map_get(&m, "", 0) == &values[2], "the empty key is a key");
	check(map_put(&m, "x\0y", 3, &values[3], NULL) && map_get(&m, "x\0y", 3) == &values[3] && map_get(&m, "x", 1) == &values[1],
	      "keys are bytes");
	map_fini(&m);
	int ok = 1;
	for (unsigned i = 0; i < sizeof values; i++)
		ok = ok && map_put(&m, k, key(k, i), &values[i], NULL);
	check(ok && m.n == sizeof values, "many keys");
	for (unsigned i = 0; i < sizeof values; i += 3)
		ok = ok && map_del(&m, k, key(k, i)) == &values[i];
	for (unsigned i = 0; i < sizeof values; i++)
		ok = ok && map_get(&m, k, key(k, i)) == (i % 3 ? &values[i] : NULL);
	check(ok, "after every third is deleted, the others are found and those are not");
	size_t seen = 0, at = 0;
	for (struct map_item *it; (it = map_next(&m, &at));)
		seen += it->value == map_get(&m, it->key, it->n);
	check(seen == m.n && m.n == sizeof values - (sizeof values + 2) / 3, "iteration meets each once (%zu)", seen);
	map_fini(&m);
	check(!m.cap && !map_get(&m, "k1", 2), "a finished map is empty");
	check(hash_bytes("abcdefgh", 8) != hash_bytes("abcdefgi", 8) && hash_bytes("a", 1) == hash_bytes("a", 1), "hashes hash");
	return done();
}
