/* SPDX-License-Identifier: Apache-2.0 - a pointer, a NUL, and a payload. */
#include <stdlib.h>

#include "twin_engine/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const uint8_t *cut = n ? memchr(p, 0, n) : NULL;
	struct arena *a = arena_new(1 << 20);
	struct payload_pointer ptr;
	struct payload_value v, w;
	struct payload pl;
	struct buf b = BUF_INIT;
	double num;
	int64_t us;
	payload_init(&pl);
	if (a && cut && !payload_pointer_parse(a, (const char *)p, &ptr, NULL)) {
		payload_set(&pl, (const char *)cut + 1, n - (size_t)(cut + 1 - p));
		if (!payload_find(&pl, &ptr, &v)) {
			decode_time(&v, &us);
			payload_member(&pl, &v, "a", &w);
		} else {
			payload_plain(&pl, &v);
		}
		for (uintptr_t type = 0; type <= 30; type++) {
			buf_reset(&b);
			if (!decode_value(&v, type, &(struct decode_scale){ 0.5, 1 }, &b, &num) && b.n > 2 * DECODE_TEXT_MAX)
				abort();
		}
	}
	payload_fini(&pl);
	buf_fini(&b);
	arena_free(a);
	return 0;
}
