/* SPDX-License-Identifier: Apache-2.0 */
#include "submodels/past.h"

#include "aas/facts.h"
#include "aas/json.h"
#include "aas/path.h"
#include "aas/tree.h"
#include "base/clock.h"
#include "submodels/session.h"

#define IDS 64			/* looked at in one go */
#define LOOKS_MAX 2000		/* ids that one page looks at: a page can end early */

void sm_at(struct sm_session *s, int64_t at_us)
{
	s->at_us = at_us;
}

static enum err failed(struct sm_session *s, enum err e, const char *what)
{
	if (!e || e == ERR_AGAIN)
		return e;
	return diag_add(s->diag, e, e == ERR_GONE ? "%s: history is not kept that far back" : "%s cannot be read", what);
}

/* -- lists -------------------------------------------------------------------------------------------------------------------------- */
enum err sm_matches(struct arena *a, const struct aas_node *n, const struct store_filter *f, bool *yes)
{
	struct aas_fact *want, *have;
	size_t n_want, n_have;
	enum err e = aas_filter_facts(a, f, &want, &n_want);
	*yes = true;
	if (e || !n_want || (e = aas_facts(a, n, &have, &n_have)))
		return e;
	for (size_t i = 0; i < n_want && *yes; i++) {
		size_t k = 0;
		while (k < n_have && (have[k].field != want[i].field || !str_eq(have[k].name, want[i].name) || !str_eq(have[k].value, want[i].value)))
			k++;
		*yes = k < n_have;
	}
	return ERR_OK;
}

static enum err list_one(struct sm_session *s, enum store_kind kind, const struct store_filter *f, const char *id, struct store_page *out)
{
	struct store_doc doc;
	struct aas_node *n = NULL;
	struct store_txn *txn;
	bool yes = true;
	enum err e = sm_txn(s, &txn);
	if (!e)
		e = s->service->conf.store->ops->get_at(txn, kind, id, s->at_us, s->arena, &doc);
	if (e)
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	if ((e = aas_json_read(s->arena, sm_kind_class[kind], doc.json.p, doc.json.n, AAS_JSON_DEFAULT, &n, NULL)) ||
	    (e = sm_matches(s->arena, n, f, &yes)))
		return e;
	if (yes)
		out->item[out->n++] = doc;
	return ERR_OK;
}

enum err sm_past_list(struct sm_session *s, enum store_kind kind, const struct store_filter *f, const char *after, size_t limit,
		      struct store_page *out)
{
	const char **id;
	struct store_txn *txn;
	size_t n = IDS, looked = 0;
	enum err e = sm_txn(s, &txn);
	*out = (struct store_page){ .item = ARENA_ARRAY(s->arena, struct store_doc, limit) };
	if (!e && !out->item)
		e = ERR_NO_MEMORY;
	while (!e && n == IDS && out->n < limit && looked < LOOKS_MAX) {
		if ((e = s->service->conf.store->ops->ids(txn, kind, after, IDS, s->arena, &id, &n)))
			break;
		size_t i = 0;
		for (; i < n && !e && out->n < limit; i++)
			e = list_one(s, kind, f, after = id[i], out);
		looked += i;
		n = i < n ? IDS : n;
	}
	out->next = n == IDS ? after : NULL;
	return failed(s, e, "the list of that time");
}

/* -- changes ------------------------------------------------------------------------------------------------------------------------- */
enum err sm_changes(struct sm_session *s, enum store_kind kind, const char *id, int64_t after_version, size_t limit, struct store_event **out,
		    size_t *n)
{
	struct store_txn *txn;
	enum err e = sm_txn(s, &txn);
	if (!e)
		e = s->service->conf.store->ops->history(txn, kind, id, after_version, limit, s->arena, out, n);
	if (!e && !*n && !after_version)
		return diag_add(s->diag, ERR_NOT_FOUND, "there never was a %s with the id \"%s\"", sm_kind_name[kind], id);
	return failed(s, e, "its history");
}

enum err sm_recent(struct sm_session *s, enum store_kind kind, int64_t created_us, int64_t updated_us, const char *after, size_t limit,
		   struct store_recent **out, size_t *n)
{
	struct store_txn *txn;
	enum err e = sm_txn(s, &txn);
	if (!e)
		e = s->service->conf.store->ops->recent(txn, kind, created_us, updated_us, after, limit, s->arena, out, n);
	return failed(s, e, "what changed");
}

/* -- one document of the past, in the arena of the session -------------------------------------------------------------------------------- */
static enum err read_at(struct sm_session *s, struct store_txn *txn, enum store_kind kind, const char *id, int64_t at_us, struct aas_node **out)
{
	struct store_doc doc;
	*out = NULL;
	enum err e = s->service->conf.store->ops->get_at(txn, kind, id, at_us, s->arena, &doc);
	return e ? e : aas_json_read(s->arena, sm_kind_class[kind], doc.json.p, doc.json.n, AAS_JSON_DEFAULT, out, NULL);
}

static enum err not_there(struct sm_session *s, enum store_kind kind, const char *id)
{
	return diag_add(s->diag, ERR_NOT_FOUND, "there was no %s with the id \"%s\" at that time", sm_kind_name[kind], id);
}

/* History is read in a transaction that reads; what it told does not change. */
enum err sm_restore(struct sm_session *s, enum store_kind kind, const char *id, int64_t at_us, bool *created)
{
	struct store *st = s->service->conf.store;
	struct sm_file_then *files = NULL;
	struct store_txn *txn;
	struct aas_node *n;
	enum err e = sm_settle(s);
	if (e || (e = st->ops->begin(st, false, &txn)))
		return e;
	e = read_at(s, txn, kind, id, at_us, &n);
	bool was = e != ERR_NOT_FOUND;
	if (!e && kind != STORE_CONCEPT)
		e = sm_files_then(s, txn, n, at_us, &files);
	st->ops->abort(txn);
	if (e)
		return !was ? not_there(s, kind, id) : failed(s, e, "the state of that time");
	if (!(e = sm_put(s, kind, id, n, created)) && (e = sm_files_back(s, files)))
		e = failed(s, e, "a file of that time");
	return e;
}

/* -- differences ------------------------------------------------------------------------------------------------------------------------- */
struct diff {
	struct sm_session *s;
	struct map before;		/* path -> element of the earlier tree, not met again yet */
	struct buf path;
	struct sm_difference *item;
	size_t n, cap;
};

static const char *path_of(struct diff *d, const struct aas_node *n)
{
	buf_reset(&d->path);
	aas_path_write(&d->path, n);
	return d->path.failed ? NULL : d->path.p ? d->path.p : "";
}

/* What it says itself: its children differ on their own. */
static struct aas_node *shallow(struct diff *d, const struct aas_node *n)
{
	struct aas_node *copy = aas_node_new(d->s->arena, n->cls->id);
	if (!copy)
		return NULL;
	memcpy(copy->slot, n->slot, n->cls->n * sizeof *n->slot);
	union aas_slot *children = aas_children(copy);
	if (children)
		children->node = NULL;
	return copy;
}

static enum err add(struct diff *d, const char *path, const struct aas_node *before, const struct aas_node *after)
{
	if (d->n == d->cap) {
		struct sm_difference *more = ARENA_ARRAY(d->s->arena, struct sm_difference, d->cap = d->cap ? d->cap * 2 : 16);
		if (!more)
			return ERR_NO_MEMORY;
		if (d->n)
			memcpy(more, d->item, d->n * sizeof *more);
		d->item = more;
	}
	d->item[d->n++] = (struct sm_difference){ arena_strdup(d->s->arena, path), before, after };
	return arena_failed(d->s->arena) ? ERR_NO_MEMORY : ERR_OK;
}

static enum err remember(struct diff *d, const struct aas_node *parent)
{
	enum err e = ERR_OK;
	for (const struct aas_node *c = parent ? aas_first_child(parent) : NULL; c && !e; c = c->next) {
		const char *path = path_of(d, c);
		if (!path || !map_put(&d->before, path, strlen(path), (void *)(uintptr_t)c, NULL))
			return ERR_NO_MEMORY;
		e = remember(d, c);
	}
	return e;
}

static enum err compare(struct diff *d, const char *path, const struct aas_node *before, const struct aas_node *after)
{
	struct aas_node *b = before ? shallow(d, before) : NULL, *a = after ? shallow(d, after) : NULL;
	if ((before && !b) || (after && !a))
		return ERR_NO_MEMORY;
	return a && b && aas_equal(b, a) ? ERR_OK : add(d, path, b, a);
}

static enum err walk(struct diff *d, const struct aas_node *parent)
{
	enum err e = ERR_OK;
	for (const struct aas_node *c = aas_first_child(parent); c && !e; c = c->next) {
		const char *path = path_of(d, c);
		if (!path)
			return ERR_NO_MEMORY;
		const struct aas_node *old = map_del(&d->before, path, strlen(path));
		e = old ? compare(d, path, old, c) : add(d, path, NULL, c);
		if (!e && old)
			e = walk(d, c);
	}
	return e;
}

/* What is gone: an element, without a word of the elements below it, which went with it. */
static enum err gone(struct diff *d, const struct aas_node *parent)
{
	enum err e = ERR_OK;
	for (const struct aas_node *c = aas_first_child(parent); c && !e; c = c->next) {
		const char *path = path_of(d, c);
		if (!path)
			return ERR_NO_MEMORY;
		e = map_get(&d->before, path, strlen(path)) ? add(d, path, c, NULL) : gone(d, c);
	}
	return e;
}

static enum err differ(struct diff *d, const struct aas_node *before, const struct aas_node *after)
{
	enum err e = remember(d, before);
	if (!e)
		e = compare(d, "", before, after);
	if (!e && after)
		e = walk(d, after);
	if (!e && before && after)
		e = gone(d, before);
	return e;
}

enum err sm_diff(struct sm_session *s, enum store_kind kind, const char *id, int64_t from_us, int64_t to_us, struct sm_difference **out, size_t *n)
{
	struct diff d = { .s = s, .before = MAP_INIT, .path = BUF_INIT };
	struct aas_node *before, *after = NULL;
	struct store_txn *txn;
	enum err e = sm_txn(s, &txn);
	if (!e && (e = read_at(s, txn, kind, id, from_us, &before)) == ERR_NOT_FOUND)
		e = ERR_OK;
	if (!e && (e = read_at(s, txn, kind, id, to_us, &after)) == ERR_NOT_FOUND)
		e = ERR_OK;
	if (e)
		return failed(s, e, "the state of that time");
	if (!before && !after)
		return not_there(s, kind, id);
	e = differ(&d, before, after);
	*out = d.item;
	*n = d.n;
	map_fini(&d.before);
	buf_fini(&d.path);
	return e ? diag_add(s->diag, e, "%s", err_info[e].text) : ERR_OK;
}
