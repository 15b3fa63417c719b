/* SPDX-License-Identifier: Apache-2.0 */
#include "submodels/change.h"

#include <stdlib.h>

struct subscriber {
	change_fn *tell;
	void *ctx;
	struct subscriber *next;
};

/* The list is complete before the first thread starts and never changes afterwards: no lock is needed to walk it. */
struct changes {
	struct subscriber *first, **tail;
};

struct changes *changes_new(void)
{
	struct changes *c = calloc(1, sizeof *c);
	if (c)
		c->tail = &c->first;
	return c;
}

void changes_free(struct changes *c)
{
	if (!c)
		return;
	for (struct subscriber *s = c->first, *next; s; s = next) {
		next = s->next;
		free(s);
	}
	free(c);
}

bool changes_subscribe(struct changes *c, change_fn *tell, void *ctx)
{
	struct subscriber *s = calloc(1, sizeof *s);
	if (!s)
		return false;
	s->tell = tell;
	s->ctx = ctx;
	*c->tail = s;
	c->tail = &s->next;
	return true;
}

void changes_publish(struct changes *c, const struct change *list, size_t n)
{
	if (n)
		for (const struct subscriber *s = c->first; s; s = s->next)
			s->tell(s->ctx, list, n);
}
