/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BLOCK ((size_t)4096)
#define LARGEST_STEP ((size_t)1 << 20)
#define KEPT_MAX ((size_t)32 << 10)	/* that a reset leaves */

struct block {
	struct block *prev;
	size_t size, used;
	_Alignas(max_align_t) char mem[];
};

struct arena {
	struct block *top;
	size_t limit, total;
	bool failed;
};

struct arena *arena_new(size_t limit)
{
	struct arena *a = calloc(1, sizeof *a);
	if (a)
		a->limit = limit ? limit : ARENA_LIMIT_DEFAULT;
	return a;
}

void arena_free(struct arena *a)
{
	if (!a)
		return;
	for (struct block *b = a->top, *p; b; b = p) {
		p = b->prev;
		free(b);
	}
	free(a);
}

/* The largest block that is not too large stays: what is done again and again needs no malloc from then on. */
void arena_reset(struct arena *a)
{
	struct block *kept = NULL;
	for (struct block *b = a->top; b; b = b->prev)
		if (b->size <= KEPT_MAX && (!kept || b->size > kept->size))
			kept = b;
	for (struct block *b = a->top, *p; b; b = p) {
		p = b->prev;
		if (b == kept)
			continue;
		a->total -= sizeof *b + b->size;
		free(b);
	}
	if (kept) {
		kept->used = 0;
		kept->prev = NULL;
	}
	a->top = kept;
	a->failed = false;
}

/* Blocks double up to LARGEST_STEP, so a small request costs one small malloc and a large one few. */
static bool grow(struct arena *a, size_t need)
{
	size_t size = a->top ? a->top->size * 2 : FIRST_BLOCK;
	if (size > LARGEST_STEP)
		size = LARGEST_STEP;
	if (size < need)
		size = need;
	if (a->total + sizeof(struct block) + size > a->limit)
		size = need;
	if (need > a->limit || a->total + sizeof(struct block) + size > a->limit)
		return false;
	struct block *b = malloc(sizeof *b + size);
	if (!b)
		return false;
	b->prev = a->top;
	b->size = size;
	b->used = 0;
	a->top = b;
	a->total += sizeof *b + size;
	return true;
}

static void *take(struct arena *a, size_t n, size_t align)
{
	if (n > SIZE_MAX / 2)
		goto fail;
	if (a->top) {
		size_t at = (a->top->used + align - 1) & ~(align - 1);
		if (at <= a->top->size && n <= a->top->size - at) {
			a->top->used = at + n;
			return a->top->mem + at;
		}
	}
	if (!grow(a, n ? n : 1))
		goto fail;
	a->top->used = n;
	return a->top->mem;
fail:
	a->failed = true;
	return NULL;
}

void *arena_alloc(struct arena *a, size_t n)
{
	void *p = take(a, n, _Alignof(max_align_t));
	return p ? memset(p, 0, n) : NULL;
}

void *arena_raw(struct arena *a, size_t n)
{
	return take(a, n, 1);
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
	char *p = n < SIZE_MAX ? take(a, n + 1, 1) : NULL;
	if (!p)
		return NULL;
	if (n)
		memcpy(p, s, n);	/* no bytes may be NULL */
	p[n] = 0;
	return p;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

char *arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
	va_list again;
	size_t room = a->top ? a->top->size - a->top->used : 0;
	va_copy(again, ap);
	int n = vsnprintf(room ? a->top->mem + a->top->used : NULL, room, fmt, again);	/* mostly it fits, and need not be written twice */
	va_end(again);
	char *p = n < 0 ? NULL : take(a, (size_t)n + 1, 1);
	if (n >= 0 && (size_t)n < room)
		return p;
	if (p)
		vsnprintf(p, (size_t)n + 1, fmt, ap);
	return p;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	char *p = arena_vprintf(a, fmt, ap);
	va_end(ap);
	return p;
}

bool arena_failed(const struct arena *a)
{
	return a->failed;
}

size_t arena_used(const struct arena *a)
{
	return a->total;
}
