/* SPDX-License-Identifier: Apache-2.0
 * Arbitrary bytes as the columns of a chunk: n, which columns are there, unit, divisor, then the columns, each behind its length.  What is
 * accepted, and is of one day, can be written again. */
#include <stdlib.h>
#include <string.h>

#include "sql/chunk.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static struct slice column(const uint8_t **p, size_t *n, int there)
{
	if (!there || *n < 2)
		return (struct slice){ NULL, 0 };
	size_t len = (size_t)(*p)[0] << 8 | (*p)[1];
	*p += 2;
	*n -= 2;
	len = len < *n ? len : *n;
	struct slice s = { (const char *)*p, len };
	*p += len;
	*n -= len;
	return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct store_sample out[CHUNK_MAX];
	struct chunk c = { .series = 1, .t0_us = INT64_C(1700006400000000) };
	if (n < 19)
		return 0;
	c.n = p[0] << 8 | p[1];
	uint8_t which = p[2];
	memcpy(&c.unit, p + 3, 8);
	memcpy(&c.divisor, p + 11, 8);
	p += 19;
	n -= 19;
	struct slice *const part[] = { &c.offsets, &c.far, &c.ints, &c.nums, &c.qualities, &c.texts };
	for (int i = 0; i < 6; i++)
		*part[i] = column(&p, &n, which >> i & 1);
	struct arena *a = arena_new(0);
	struct buf b = BUF_INIT;
	if (!chunk_get(&c, a, out)) {
		bool day = true;	/* what chunk_put asks for */
		for (int32_t i = 0; i < c.n; i++)
			day &= out[i].time_us >= c.t0_us && out[i].time_us < c.t0_us + INT64_C(86400000000) && (!i || out[i].time_us >= out[i - 1].time_us);
		if (day) {
			chunk_put(&b, out, (size_t)c.n);
			if (b.failed)
				abort();
		}
	}
	buf_fini(&b);
	arena_free(a);
	return 0;
}
