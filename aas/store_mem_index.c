/* SPDX-License-Identifier: Apache-2.0
 * store_mem_index.c - asynchronous invocations and packages in the memory store: entries whose bytes are a row of fields.
 */
#include <stdio.h>
#include <stdlib.h>

#include "aas/store_mem_priv.h"
#include "base/buf.h"
#include "base/clock.h"

/* -- rows: each field is '+' and a text, or '-' for absent, and ends with a NUL --------------------------------------------------- */

static void put_field(struct buf *b, const char *text)
{
	buf_putc(b, text ? '+' : '-');
	buf_put(b, text ? text : "", text ? strlen(text) + 1 : 1);
}

static void put_number(struct buf *b, int64_t n)
{
	char text[24];
	snprintf(text, sizeof text, "%lld", (long long)n);
	put_field(b, text);
}

/* Borrowed from the entry; *at moves behind it. */
static const char *next_field(const char **at)
{
	const char *p = *at;
	*at = p + strlen(p) + 1;
	return *p == '+' ? p + 1 : NULL;
}

static int64_t next_number(const char **at)
{
	return strtoll(next_field(at), NULL, 10);
}

static const char *own(struct arena *a, const char *text)
{
	return text ? arena_strdup(a, text) : NULL;
}

/* Takes the bytes of the buffer. */
static struct mem_entry *entry_of(const char *id, struct buf *b)
{
	struct mem_entry *e = b->failed ? NULL : store_mem_entry(id, buf_view(b));
	buf_fini(b);
	return e;
}

/* -- invocations ------------------------------------------------------------------------------------------------------------------ */

static struct mem_entry *invocation_entry(const struct store_invocation *i)
{
	struct buf b = BUF_INIT;
	put_field(&b, i->submodel_id);
	put_field(&b, i->path);
	put_field(&b, i->owner);
	put_field(&b, i->state);
	put_field(&b, i->message);
	put_field(&b, i->outputs);
	put_field(&b, i->inoutputs);
	put_number(&b, i->value_only);
	put_number(&b, i->requested_us);
	put_number(&b, i->deadline_us);
	put_number(&b, i->ended_us);
	return entry_of(i->id, &b);
}

/* Borrowed from the entry. */
static struct store_invocation invocation_of(const struct mem_entry *e)
{
	const char *at = e->json;
	struct store_invocation i = { .id = e->id };
	i.submodel_id = next_field(&at);
	i.path = next_field(&at);
	i.owner = next_field(&at);
	i.state = next_field(&at);
	i.message = next_field(&at);
	i.outputs = next_field(&at);
	i.inoutputs = next_field(&at);
	i.value_only = next_number(&at) != 0;
	i.requested_us = next_number(&at);
	i.deadline_us = next_number(&at);
	i.ended_us = next_number(&at);
	return i;
}

static enum err own_invocation(struct arena *a, const struct mem_entry *e, struct store_invocation *out)
{
	struct store_invocation i = invocation_of(e);
	const char **text[] = { &i.id, &i.submodel_id, &i.path, &i.owner, &i.state, &i.message, &i.outputs, &i.inoutputs };
	for (size_t k = 0; k < sizeof text / sizeof *text; k++)
		*text[k] = own(a, *text[k]);
	*out = i;
	return arena_failed(a) ? ERR_NO_MEMORY : ERR_OK;
}

enum err store_mem_invocation_put(struct store_txn *t, const struct store_invocation *i)
{
	int64_t base;
	struct mem_entry *e = invocation_entry(i);
	pthread_mutex_lock(&t->store->mutex);
	store_mem_visible(t, MEM_INVOCATION, i->id, &base);
	enum err err = store_mem_lay(t, MEM_INVOCATION, e, base);
	pthread_mutex_unlock(&t->store->mutex);
	return store_mem_noted(t, err);
}

enum err store_mem_invocation_get(struct store_txn *t, const char *id, struct arena *a, struct store_invocation *out)
{
	int64_t base;
	pthread_mutex_lock(&t->store->mutex);
	const struct mem_entry *e = store_mem_visible(t, MEM_INVOCATION, id, &base);
	enum err err = e ? own_invocation(a, e, out) : ERR_NOT_FOUND;
	pthread_mutex_unlock(&t->store->mutex);
	return store_mem_noted(t, err);
}

/* The mutex is held. */
static enum err collect_open(struct store_txn *t, const char *owner, size_t limit, struct arena *a, struct store_invocation *list, size_t *n)
{
	enum err err = ERR_OK;
	const struct mem_entry *e = store_mem_next(t, MEM_INVOCATION, NULL);
	for (; e && !err && *n < limit; e = store_mem_next(t, MEM_INVOCATION, e->id)) {
		struct store_invocation i = invocation_of(e);
		if (i.ended_us != TIME_NONE || strcmp(i.owner, owner))
			continue;
		if (list)
			err = own_invocation(a, e, &list[*n]);
		++*n;
	}
	return err;
}

enum err store_mem_invocation_open(struct store_txn *t, const char *owner, size_t limit, struct arena *a, struct store_invocation **list,
				   size_t *n)
{
	enum err err;
	*list = NULL;
	*n = 0;
	pthread_mutex_lock(&t->store->mutex);
	store_mem_read_here(t);
	err = collect_open(t, owner, limit, a, NULL, n);
	if (!err && *n && !(*list = ARENA_ARRAY(a, struct store_invocation, *n)))
		err = ERR_NO_MEMORY;
	limit = *n;
	*n = 0;
	if (!err)
		err = collect_open(t, owner, limit, a, *list, n);
	pthread_mutex_unlock(&t->store->mutex);
	return store_mem_noted(t, err);
}

/* The one that ended first, as long as there are more than `keep` or it ended before `before_us`; the mutex is held. */
static const char *too_old(const struct store_txn *t, int64_t before_us, size_t keep)
{
	const char *oldest = NULL;
	int64_t when = 0;
	size_t n = 0;
	for (const struct mem_entry *e = store_mem_next(t, MEM_INVOCATION, NULL); e; e = store_mem_next(t, MEM_INVOCATION, e->id)) {
		struct store_invocation i = invocation_of(e);
		if (i.ended_us == TIME_NONE)
			continue;
		n++;
		if (oldest && i.ended_us >= when)
			continue;
		oldest = e->id;
		when = i.ended_us;
	}
	return n > keep || (oldest && when < before_us) ? oldest : NULL;
}

enum err store_mem_invocation_trim(struct store_txn *t, int64_t before_us, size_t keep)
{
	enum err err = ERR_OK;
	while (!err) {
		pthread_mutex_lock(&t->store->mutex);
		store_mem_read_here(t);
		const char *id = too_old(t, before_us, keep);
		char *copy = id ? strdup(id) : NULL;
		pthread_mutex_unlock(&t->store->mutex);
		if (!id)
			break;
		/* gone already: somebody else trims too */
		if ((err = copy ? store_mem_remove(t, MEM_INVOCATION, copy) : ERR_NO_MEMORY) == ERR_NOT_FOUND)
			err = ERR_OK;
		free(copy);
	}
	return store_mem_noted(t, err);
}

/* -- packages --------------------------------------------------------------------------------------------------------------------- */

static struct mem_entry *package_entry(const struct store_package *p)
{
	struct buf b = BUF_INIT;
	put_field(&b, p->file_name);
	put_number(&b, p->size);
	put_number(&b, (int64_t)p->n_aas_ids);
	for (size_t i = 0; i < p->n_aas_ids; i++)
		put_field(&b, p->aas_ids[i]);
	return entry_of(p->id, &b);
}

static bool holds_shell(const struct mem_entry *e, const char *aas_id)
{
	const char *at = e->json;
	next_field(&at);
	next_number(&at);
	for (int64_t n = next_number(&at); aas_id && n > 0; n--)
		if (!strcmp(next_field(&at), aas_id))
			return true;
	return !aas_id;
}

static enum err own_package(struct arena *a, const struct mem_entry *e, struct store_package *out)
{
	const char *at = e->json;
	const char **ids;
	*out = (struct store_package){ .id = own(a, e->id) };
	out->file_name = own(a, next_field(&at));
	out->size = next_number(&at);
	out->n_aas_ids = (size_t)next_number(&at);
	if (!(ids = ARENA_ARRAY(a, const char *, out->n_aas_ids + 1)))
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < out->n_aas_ids; i++)
		ids[i] = own(a, next_field(&at));
	out->aas_ids = ids;
	return arena_failed(a) ? ERR_NO_MEMORY : ERR_OK;
}

enum err store_mem_package_put(struct store_txn *t, const struct store_package *p, enum store_put how, bool *created)
{
	int64_t base;
	enum err err;
	pthread_mutex_lock(&t->store->mutex);
	const struct mem_entry *old = store_mem_visible(t, MEM_PACKAGE, p->id, &base);
	bool had = old != NULL;
	if (had && !(how & STORE_REPLACE))
		err = ERR_CONFLICT;
	else if (!had && !(how & STORE_CREATE))
		err = ERR_NOT_FOUND;
	else
		err = store_mem_lay_change(t, package_entry(p), base,
					   store_mem_event(t, STORE_PACKAGE, p->id, had ? STORE_OP_REPLACE : STORE_OP_CREATE, old));
	*created = !err && !had;
	pthread_mutex_unlock(&t->store->mutex);
	return store_mem_noted(t, err);
}

enum err store_mem_package_del(struct store_txn *t, const char *id)
{
	return store_mem_remove(t, MEM_PACKAGE, id);
}

enum err store_mem_package_at(struct store_txn *t, const char *id, int64_t at_us, struct arena *a, struct store_package *out)
{
	const struct mem_entry *e;
	pthread_mutex_lock(&t->store->mutex);
	enum err err = store_mem_entry_at(t, STORE_PACKAGE, id, at_us, &e);
	if (!err)
		err = own_package(a, e, out);
	pthread_mutex_unlock(&t->store->mutex);
	return store_mem_noted(t, err);
}

/* Room for one more; the mutex is held. */
static bool grow(struct arena *a, struct store_package_page *page, size_t *cap)
{
	if (page->n < *cap)
		return true;
	struct store_package *more = ARENA_ARRAY(a, struct store_package, *cap = *cap ? *cap * 2 : 16);
	if (more && page->n)
		memcpy(more, page->item, page->n * sizeof *more);
	page->item = more;
	return more != NULL;
}

enum err store_mem_package_list(struct store_txn *t, const char *aas_id, const char *after, size_t limit, struct arena *a,
				struct store_package_page *page)
{
	size_t cap = 0;
	enum err err = ERR_OK;
	*page = (struct store_package_page){ 0 };
	pthread_mutex_lock(&t->store->mutex);
	store_mem_read_here(t);
	for (const struct mem_entry *e = store_mem_next(t, MEM_PACKAGE, after); e && !err; e = store_mem_next(t, MEM_PACKAGE, e->id)) {
		if (!holds_shell(e, aas_id))
			continue;
		if (page->n == limit) {
			page->next = page->item[page->n - 1].id;
			break;
		}
		err = grow(a, page, &cap) ? own_package(a, e, &page->item[page->n]) : ERR_NO_MEMORY;
		page->n += !err;
	}
	pthread_mutex_unlock(&t->store->mutex);
	return store_mem_noted(t, err);
}
