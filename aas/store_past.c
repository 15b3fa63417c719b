/* SPDX-License-Identifier: Apache-2.0 */
#include "aas/store_past.h"

#include <string.h>

#include "base/clock.h"

/* -- listeners -------------------------------------------------------------------------------------------------------------------- */
void store_listeners_init(struct store_listeners *l)
{
	l->n = 0;
	lock_init(&l->lock, RANK_POOL);
}

void store_listeners_fini(struct store_listeners *l)
{
	lock_fini(&l->lock);
}

enum err store_listeners_add(struct store_listeners *l, void (*wake)(void *ctx), void *ctx)
{
	lock_take(&l->lock);
	enum err e = l->n == STORE_LISTENERS_MAX ? ERR_CONFLICT : ERR_OK;
	if (!e) {
		l->item[l->n].wake = wake;
		l->item[l->n++].ctx = ctx;
	}
	lock_drop(&l->lock);
	return e;
}

void store_listeners_remove(struct store_listeners *l, void (*wake)(void *ctx), void *ctx)
{
	lock_take(&l->lock);
	for (size_t i = 0; i < l->n; i++)
		if (l->item[i].wake == wake && l->item[i].ctx == ctx) {
			l->item[i] = l->item[--l->n];
			break;
		}
	lock_drop(&l->lock);
}

/* Under the lock: who has stopped to listen is not called any more. */
void store_listeners_wake(struct store_listeners *l)
{
	lock_take(&l->lock);
	for (size_t i = 0; i < l->n; i++)
		l->item[i].wake(l->item[i].ctx);
	lock_drop(&l->lock);
}

bool store_listeners_any(struct store_listeners *l)
{
	lock_take(&l->lock);
	bool any = l->n > 0;
	lock_drop(&l->lock);
	return any;
}

/* -- versions --------------------------------------------------------------------------------------------------------------------- */
enum err store_past_version(const struct store_past *p, int64_t version)
{
	if (version < 1 || (version > p->last && version != p->current))
		return version > 0 && version < p->current ? ERR_GONE : ERR_NOT_FOUND;
	if (version == p->current || (p->first && version >= p->first))
		return ERR_OK;
	if (version == p->first - 1 && p->first_operation != STORE_OP_CREATE)
		return ERR_OK;		/* what the oldest change found */
	return p->cut_us == TIME_NONE ? ERR_NOT_FOUND : ERR_GONE;
}

enum err store_past_at(const struct store_past *p, int64_t found, int64_t at_us, int64_t *version)
{
	*version = found;
	if (found)
		return ERR_OK;
	if ((!p->first && !p->current) || (p->first == 1 && p->first_operation == STORE_OP_CREATE))
		return ERR_NOT_FOUND;	/* it was not made yet */
	if (p->cut_us != TIME_NONE && at_us < p->cut_us)
		return ERR_GONE;
	if (p->first && p->first_operation == STORE_OP_CREATE)
		return ERR_NOT_FOUND;
	*version = p->first ? p->first - 1 : p->current;
	return ERR_OK;
}

/* -- operations -------------------------------------------------------------------------------------------------------------------- */
const char *const store_operation_name[] = { "create", "replace", "delete", "value" };

enum store_operation store_operation_of(const char *name, size_t n)
{
	for (int i = 0; i < 4; i++)
		if (strlen(store_operation_name[i]) == n && !memcmp(store_operation_name[i], name, n))
			return (enum store_operation)i;
	return STORE_OP_REPLACE;
}
