/* SPDX-License-Identifier: Apache-2.0
 * wrap.h - for one test program linked with --wrap for malloc, calloc, realloc and free: an allocation fails when its turn comes.  Included once.
 */
#ifndef TESTS_FAULT_WRAP_H
#define TESTS_FAULT_WRAP_H

#include <stdbool.h>
#include <stddef.h>

void *__real_malloc(size_t);
void *__real_calloc(size_t, size_t);
void *__real_realloc(void *, size_t);
void __real_free(void *);
void *__wrap_malloc(size_t);
void *__wrap_calloc(size_t, size_t);
void *__wrap_realloc(void *, size_t);
void __wrap_free(void *);

static unsigned long seen, fail_at;	/* fail_at 0: none */
static bool sticky;			/* all that follow fail as well */
static long live;

static bool fails(void)
{
	seen++;
	return fail_at && (sticky ? seen >= fail_at : seen == fail_at);
}

void *__wrap_malloc(size_t n)
{
	void *p = fails() ? NULL : __real_malloc(n);
	live += p != NULL;
	return p;
}

void *__wrap_calloc(size_t k, size_t n)
{
	void *p = fails() ? NULL : __real_calloc(k, n);
	live += p != NULL;
	return p;
}

void *__wrap_realloc(void *old, size_t n)
{
	void *p = fails() ? NULL : __real_realloc(old, n);
	live += p && !old;
	return p;
}

void __wrap_free(void *p)
{
	live -= p != NULL;
	__real_free(p);
}

#endif
