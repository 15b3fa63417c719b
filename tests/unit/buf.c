/* SPDX-License-Identifier: Apache-2.0 - buffers and arenas: what is bounded, what sticks. */
#include "base/arena.h"
#include "base/buf.h"

#include "tests/tap.h"

static void test_writing(void)
{
	struct buf b = BUF_INIT;
	size_t n;
	check_str(buf_view(&b).p, "", "an empty buffer is an empty text");
	buf_puts(&b, "a");
	buf_putc(&b, 'b');
	buf_put(&b, "cde", 2);
	buf_printf(&b, "%d-%s", 42, "x");
	buf_slice(&b, SLICE("!"));
	check_str(b.p, "abcd42-x!", "pieces follow each other and end in NUL");
	for (int i = 0; i < 1000; i++)
		buf_putc(&b, 'y');
	check(b.n == 1009 && b.p[1008] == 'y' && !b.p[1009], "it grows");
	buf_reset(&b);
	buf_json(&b, "q\"b\\n\n\x01\xC3\xA4", 9);
	check_str(b.p, "\"q\\\"b\\\\n\\n\\u0001\xC3\xA4\"", "JSON is escaped where it must be");
	buf_reset(&b);
	buf_xml(&b, "<a> & \r\"", 8);
	check_str(b.p, "&lt;a&gt; &amp; &#13;\"", "XML too");
	char *p = buf_take(&b, &n);
	check(p && n == strlen(p) && !b.p && !b.n, "the bytes can be taken");
	free(p);
	p = buf_take(&b, &n);
	check(p && n == 0 && !*p, "even from an empty one");
	free(p);
	buf_fini(&b);
}

static void test_limit(void)
{
	struct buf b;
	buf_init(&b, 100);
	for (int i = 0; i < 98; i++)
		buf_putc(&b, 'x');
	check(!b.failed, "up to the limit all is well");
	buf_puts(&b, "0123456789");
	check(b.failed && b.full && b.n == 98, "beyond it nothing is written");
	buf_putc(&b, 'y');
	buf_puts(&b, "");
	buf_printf(&b, "z");
	check(b.failed && b.n == 98, "and nothing afterwards, though there would be room");
	check(!buf_take(&b, NULL), "a failed buffer gives nothing away");
	buf_reset(&b);
	buf_puts(&b, "again");
	check(!b.failed && !b.full && b.n == 5, "a reset makes it good again");
	check(!buf_reserve(&b, SIZE_MAX) && b.failed, "absurd sizes fail");
	buf_fini(&b);
}

static void test_arena(void)
{
	struct arena *a = arena_new(20000);
	char *s = arena_printf(a, "%s-%d", "pump", 1);
	check_str(s, "pump-1", "text is formatted");
	int zero = 1, aligned = 1;
	for (size_t n = 1; n < 200; n += 7) {
		arena_strndup(a, "abc", 3);
		unsigned char *p = arena_alloc(a, n);
		aligned = aligned && p && (size_t)p % _Alignof(max_align_t) == 0;
		for (size_t i = 0; p && i < n; i++)
			zero = zero && !p[i];
		if (p)
			memset(p, 0xFF, n);
	}
	check(zero && aligned, "memory is zeroed and aligned");
	check_str(s, "pump-1", "nothing is overwritten");
	check(!arena_alloc(a, 30000) && arena_failed(a), "the limit holds");
	check(!arena_alloc(a, SIZE_MAX) && !arena_raw(a, SIZE_MAX - 4) && !arena_strndup(a, "", SIZE_MAX), "absurd sizes fail");
	check(arena_used(a) <= 20000, "and is never passed");
	size_t before = arena_used(a);
	arena_reset(a);
	check(!arena_failed(a) && arena_used(a) <= before && arena_alloc(a, 1000), "a reset arena is as new");
	unsigned n = 0;
	while (arena_raw(a, 64) && n < 10000)
		n++;
	check(n > 100 && n < 400 && arena_used(a) <= 20000, "small pieces fill it up to the limit (%u)", n);
	arena_free(a);
	arena_free(NULL);
}

static void use(struct arena *a, size_t n)
{
	for (size_t i = 0; i < n / 1000; i++)
		arena_raw(a, 1000);
}

/* What is done again needs no new memory; what was done once and is large is given back. */
static void test_reset(void)
{
	struct arena *a = arena_new(0);
	use(a, 20000);
	arena_reset(a);
	size_t kept = arena_used(a);
	use(a, 10000);
	check(kept > 10000 && arena_used(a) == kept, "the same again fits into what was kept (%zu bytes)", kept);
	arena_reset(a);
	use(a, 5000000);
	arena_reset(a);
	check(arena_used(a) >= kept && arena_used(a) <= 40000, "of five million bytes few are kept (%zu)", arena_used(a));
	arena_reset(a);
	arena_raw(a, 100000);
	arena_free(a);
	a = arena_new(0);
	arena_raw(a, 100000);
	arena_reset(a);
	check_int((int64_t)arena_used(a), 0, "nothing of one large piece");
	check(arena_alloc(a, 10) && arena_used(a) > 0, "and it can be used");
	arena_free(a);
}

int main(void)
{
	test_writing();
	test_limit();
	test_arena();
	test_reset();
	return done();
}
