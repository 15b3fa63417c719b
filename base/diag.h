/* SPDX-License-Identifier: Apache-2.0
 * diag.h - what is wrong with an input, and where.
 *
 * A diag is a bounded list of messages.  A walker that descends into a tree pushes one frame per step (on its own stack,
 * three stores); only when a message is added is the path rendered: `submodelElements[3].value`.  Validators collect
 * messages, readers stop at the first.  Who wants them all, without bound, sets a sink.  Belongs to one thread.
 */
#ifndef BASE_DIAG_H
#define BASE_DIAG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define DIAG_MAX 64
#define DIAG_PATH_MAX 512
#define DIAG_TEXT_MAX 512

struct diag_frame {
	struct diag_frame *up;
	const char *name;	/* an attribute, borrowed; NULL: `index` counts */
	size_t index;		/* of a named one: DIAG_PART, or nothing */
};
#define DIAG_PART 1		/* a named frame: a part of a package, and the frames above it lead through that part */

struct diag_message {
	enum err err;
	unsigned line;			/* of the text that is read; 0: not known */
	const char *rule;		/* "AASd-117", "STR-012" or NULL; static */
	char path[DIAG_PATH_MAX];	/* "" is the root */
	char text[DIAG_TEXT_MAX];
};

struct diag {
	struct diag_frame *top;
	unsigned n;			/* messages stored */
	unsigned lost;			/* messages beyond DIAG_MAX */
	unsigned line;			/* for the messages that are added: a reader sets it, and sets it back to 0 */
	struct diag_message *list;	/* grows on the heap up to DIAG_MAX; diag_fini frees it */
	void (*sink)(void *ctx, const struct diag_message *);	/* or NULL: gets every message, also those beyond DIAG_MAX */
	void *ctx;
};

#define DIAG_INIT { NULL, 0, 0, 0, NULL, NULL, NULL }
void diag_fini(struct diag *);
void diag_clear(struct diag *);

static inline void diag_push(struct diag *d, struct diag_frame *f, const char *name)
{
	f->up = d->top;
	f->name = name;
	f->index = 0;
	d->top = f;
}
static inline void diag_push_index(struct diag *d, struct diag_frame *f, size_t index)
{
	f->up = d->top;
	f->name = NULL;
	f->index = index;
	d->top = f;
}
static inline void diag_push_part(struct diag *d, struct diag_frame *f, const char *name)
{
	diag_push(d, f, name);
	f->index = DIAG_PART;
}
static inline void diag_pop(struct diag *d)
{
	d->top = d->top->up;
}

/* Add a message at the current path; returns `e`, so `return diag_add(d, ERR_BAD_REQUEST, "...")` reads well.  d may be NULL. */
enum err diag_add(struct diag *, enum err e, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
enum err diag_rule(struct diag *, enum err e, const char *rule, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
enum err diag_addv(struct diag *, enum err e, const char *rule, const char *fmt, va_list) __attribute__((format(printf, 4, 0)));

/* "path: text" of the first message, or "" */
const char *diag_first(const struct diag *, char *out, size_t size);

#endif
