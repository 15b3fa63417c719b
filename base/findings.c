/* SPDX-License-Identifier: Apache-2.0 */
#include "base/findings.h"

#include <string.h>

#include "base/str.h"

/* The part that the frames lead through; NULL: none. */
static const char *part_of(const struct diag_frame *f)
{
	while (f && !(f->name && f->index == DIAG_PART))
		f = f->up;
	return f ? f->name : NULL;
}

/* A path that was too long has lost its beginning, and with it the part. */
static const char *within(const char *path, const char *part)
{
	const char *p = part ? strstr(path, part) : NULL;
	if (!p)
		return path;
	p += strlen(part);
	return p + (*p == '.');
}

static enum err worse(enum err now, enum err e)
{
	static const enum err ranks[] = { ERR_OK, ERR_CONFLICT, ERR_BAD_REQUEST };
	for (size_t i = 0; i < sizeof ranks / sizeof *ranks; i++) {
		if (ranks[i] == now)
			return e;
		if (ranks[i] == e)
			return now;
	}
	return now;		/* the first of those that are no finding about the input */
}

static void take(void *ctx, const struct diag_message *m)
{
	struct findings *all = ctx;
	const char *part = part_of(all->diag->top);
	struct finding *f = all->n < FINDINGS_MAX ? ARENA_NEW(all->arena, struct finding) : NULL;
	if (m->err) {
		all->faults++;
		all->err = worse(all->err, m->err);
	}
	if (f) {
		f->err = m->err;
		f->rule = m->rule;
		f->line = m->line;
		f->part = part ? arena_strdup(all->arena, part) : NULL;
		f->path = arena_strdup(all->arena, within(m->path, part));
		f->text = arena_strdup(all->arena, m->text);
	}
	if (!f || !f->path || !f->text) {
		all->lost++;
		return;
	}
	if (all->last)
		all->last->next = f;
	else
		all->first = f;
	all->last = f;
	all->n++;
}

struct findings *findings_of(struct arena *a, struct diag *d)
{
	struct findings *all = ARENA_NEW(a, struct findings);
	if (!all)
		return NULL;
	all->arena = a;
	all->diag = d;
	d->sink = take;
	d->ctx = all;
	return all;
}

void findings_end(struct findings *all)
{
	if (all->diag->ctx != all)
		return;
	all->diag->sink = NULL;
	all->diag->ctx = NULL;
}
