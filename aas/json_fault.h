/* SPDX-License-Identifier: Apache-2.0
 * json_fault.h - the state of the JSON reader, and what it does when it meets a fault: the cold half of json_read.c.
 */
#ifndef AAS_JSON_FAULT_H
#define AAS_JSON_FAULT_H

#include "aas/json_ahead.h"
#include "base/arena.h"

#define SLOTS_MAX 32

struct json_reader {
	char *p;		/* what is read next */
	char *text, *end;
	size_t base;		/* of text in the whole, for messages */
	const char *given;	/* the text as it came: the copy is changed while it is read.  NULL: there is no copy */
	size_t counted;		/* bytes of `given` whose lines have been counted, */
	unsigned lines;		/* and how many these are: faults come in the order of the text */
	struct arena *arena;
	char *mem;		/* zeroed memory for nodes */
	size_t left, chunk;
	struct diag *d;
	const char *leaf;	/* the attribute that is being read, for the path of a message */
	unsigned depth;
	unsigned faults;
	bool collect;		/* go on after a fault, */
	bool broken;		/* but not after one that leaves no place to go on from */
	struct aas_ahead ahead;
	uint8_t next[AAS_N_CLASSES][SLOTS_MAX + 1];	/* by class and 1 + slot: the slot that followed */
};

#define COLD __attribute__((cold, noinline))
/* Each reports, and returns the error. */
COLD __attribute__((format(printf, 3, 4))) enum err json_fault(struct json_reader *, const char *rule, const char *fmt, ...);
COLD enum err json_no_memory(struct json_reader *);
COLD enum err json_not_kind(struct json_reader *, const char *wanted);
COLD enum err json_wrong_text(struct json_reader *, const struct aas_prop *, const char *s, size_t n, size_t len);
COLD enum err json_wrong_literal(struct json_reader *, const struct aas_prop *, const char *s, size_t n);
/* modelType names `s`, which is no class that may stand here; `c`: the only one that may, or NULL. */
COLD enum err json_wrong_class(struct json_reader *, const struct aas_class *c, unsigned type, const char *s, size_t n);
/* modelType stands somewhere in the object at `at` and names no class. */
COLD enum err json_unknown_class(struct json_reader *, const char *at, unsigned type);

/* After the fault `e` in the value that began at `at`: when all faults are wanted and the value is JSON, go on behind it (ERR_OK). */
COLD enum err json_recover(struct json_reader *, const char *at, enum err e);
/* After a fault where the reader stands as it would without. */
static inline enum err json_go_on(const struct json_reader *r, enum err e)
{
	return r->collect && e == ERR_BAD_REQUEST ? ERR_OK : e;
}

static inline size_t json_place(const struct json_reader *r, const char *p)
{
	return r->base + (size_t)(p - r->text);
}

/* How much of a client's text a message quotes. */
static inline int json_brief(size_t n)
{
	return n > 80 ? 80 : (int)n;
}

#endif
