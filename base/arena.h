/* SPDX-License-Identifier: Apache-2.0
 * arena.h - memory that is freed all at once.
 *
 * An arena belongs to one request, one transaction or one cached tree, and to one thread at a time.  There is no per-object
 * free.  Every allocation is bounded by the limit given at birth; when the limit or the machine's memory is exhausted the
 * call returns NULL and `arena_failed` stays true, so a long construction may check once at its end.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct arena;

/* `limit` bytes at most, 0 for ARENA_LIMIT_DEFAULT.  NULL when there is no memory. */
#define ARENA_LIMIT_DEFAULT ((size_t)1 << 30)
struct arena *arena_new(size_t limit);
void arena_free(struct arena *);		/* NULL is allowed */
void arena_reset(struct arena *);		/* forget everything; one block of up to 32 KiB stays, so the next use needs no malloc */

void *arena_alloc(struct arena *, size_t n);	/* zeroed, aligned for any object */
void *arena_raw(struct arena *, size_t n);	/* not zeroed, byte-aligned: for text */
char *arena_strdup(struct arena *, const char *s);
char *arena_strndup(struct arena *, const char *s, size_t n);
char *arena_printf(struct arena *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *, const char *fmt, va_list) __attribute__((format(printf, 2, 0)));

bool arena_failed(const struct arena *);
size_t arena_used(const struct arena *);	/* bytes taken from the system */

#define ARENA_NEW(a, type) ((type *)arena_alloc((a), sizeof(type)))
#define ARENA_ARRAY(a, type, n) ((type *)arena_alloc((a), (size_t)(n) * sizeof(type)))

#endif
