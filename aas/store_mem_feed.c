/* SPDX-License-Identifier: Apache-2.0
 * store_mem_feed.c - changes in memory: a list of the newest ones, which is the feed and the history of everything.
 *
 * What memory cannot hold is forgotten, the oldest first; MEM_LOG_MAX and MEM_LOG_BYTES say when.
 */
#include <stdlib.h>

#include "aas/json.h"
#include "aas/path.h"
#include "aas/store_mem_priv.h"
#include "base/clock.h"
#include "base/map.h"

static void free_texts(const char *const *list, size_t n)
{
	for (size_t i = 0; list && i < n; i++)
		free((char *)(uintptr_t)list[i]);
	free((void *)(uintptr_t)list);
}

void store_mem_event_free(struct mem_event *v)
{
	if (!v)
		return;
	const char *const text[] = { v->e.id, v->e.path, v->e.actor, v->e.request };
	for (size_t i = 0; i < sizeof text / sizeof *text; i++)
		free((char *)(uintptr_t)text[i]);
	free_texts(v->e.value_path, v->e.n_values);
	free_texts(v->e.before, v->e.n_values);
	free_texts(v->e.after, v->e.n_values);
	free(v->document);
	store_mem_entry_free(v->before);
	free(v);
}

/* -- making one --------------------------------------------------------------------------------------------------------------------- */

/* A text of its own, or NULL for NULL. */
static const char *own(struct mem_event *v, const char *s)
{
	char *copy = s ? strdup(s) : NULL;
	v->failed |= s && !copy;
	v->bytes += s ? strlen(s) + 1 : 0;
	return copy;
}

struct mem_event *store_mem_event(const struct store_txn *t, enum store_kind kind, const char *id, enum store_operation op,
				  const struct mem_entry *before)
{
	struct mem_event *v = calloc(1, sizeof *v);
	const struct store_cause *c = &t->cause;
	if (!v)
		return NULL;
	bool part = c->path && op == STORE_OP_REPLACE;
	v->e = (struct store_event){ .kind = kind, .operation = op, .part = part ? c->part : op, .valid_us = t->caused ? c->valid_us : TIME_NONE };
	v->bytes = sizeof *v;
	v->e.id = own(v, id);
	v->e.path = part ? own(v, c->path) : NULL;
	v->e.actor = own(v, c->actor);
	v->e.request = own(v, c->request);
	if (before && kind >= STORE_N_KINDS) {
		v->failed |= !(v->before = store_mem_entry_copy(before, &v->files));
		v->bytes += before->n;
	} else if (before && op != STORE_OP_VALUE) {
		v->document = (char *)(uintptr_t)own(v, before->json);
	}
	if (!v->failed)
		return v;
	store_mem_event_free(v);
	return NULL;
}

/* Of one path the last text comes last. */
static int by_path(const void *a, const void *b)
{
	const struct store_value *x = *(const struct store_value *const *)a, *y = *(const struct store_value *const *)b;
	int c = strcmp(x->path, y->path);
	return c ? c : (x > y) - (x < y);
}

static enum err add_value(struct mem_event *v, const struct aas_node *sm, const struct store_value *value)
{
	struct aas_node *at;
	enum err e = aas_path_find(sm, value->path, strlen(value->path), &at, NULL);
	if (e)
		return e;
	size_t k = v->e.n_values++;
	((const char **)(uintptr_t)v->e.value_path)[k] = own(v, value->path);
	((const char **)(uintptr_t)v->e.before)[k] = own(v, AAS_AT(at, Property, value).str);
	((const char **)(uintptr_t)v->e.after)[k] = own(v, value->text);
	return v->failed ? ERR_NO_MEMORY : ERR_OK;
}

enum err store_mem_event_values(struct mem_event *v, const struct mem_entry *before, const struct store_value *value, size_t n)
{
	struct aas_node *sm = NULL;
	struct arena *a = arena_new(0);
	const struct store_value **sorted = a ? ARENA_ARRAY(a, const struct store_value *, n) : NULL;
	v->e.value_path = calloc(n, sizeof *v->e.value_path);
	v->e.before = calloc(n, sizeof *v->e.before);
	v->e.after = calloc(n, sizeof *v->e.after);
	enum err e = sorted && v->e.value_path && v->e.before && v->e.after ? ERR_OK : ERR_NO_MEMORY;
	if (!e)
		e = aas_json_read(a, AAS_Submodel, before->json, before->n, AAS_JSON_DEFAULT, &sm, NULL);
	if (!e) {
		for (size_t i = 0; i < n; i++)
			sorted[i] = &value[i];
		qsort(sorted, n, sizeof *sorted, by_path);
	}
	for (size_t i = 0; !e && i < n; i++)
		if (i + 1 == n || strcmp(sorted[i]->path, sorted[i + 1]->path))
			e = add_value(v, sm, sorted[i]);
	arena_free(a);
	return e;
}

/* -- the list -------------------------------------------------------------------------------------------------------------------------- */

/* Room for those of the transaction, so that its commit cannot fail half-way. */
enum err store_mem_log_reserve(struct mem_store *m, const struct store_txn *t)
{
	size_t n = m->n_log;
	for (const struct mem_event *v = t->events; v; v = v->next)
		n++;
	if (n <= m->cap_log)
		return ERR_OK;
	struct mem_event **more = realloc(m->log, n * 2 * sizeof *more);
	if (!more)
		return ERR_NO_MEMORY;
	m->log = more;
	m->cap_log = n * 2;
	return ERR_OK;
}

/* A quarter more than must go, so that not every change moves the whole list. */
static void trim(struct mem_store *m)
{
	size_t drop = 0;
	if (m->n_log <= MEM_LOG_MAX && m->log_bytes <= MEM_LOG_BYTES && m->log_files <= MEM_LOG_FILES)
		return;
	while (drop < m->n_log && (m->n_log - drop > MEM_LOG_MAX / 4 * 3 || m->log_bytes > MEM_LOG_BYTES / 4 * 3 ||
				   m->log_files > MEM_LOG_FILES / 4 * 3)) {
		m->cut_us = m->log[drop]->e.recorded_us;
		m->log_bytes -= m->log[drop]->bytes;
		m->log_files -= m->log[drop]->files;
		store_mem_event_free(m->log[drop++]);
	}
	m->n_log -= drop;
	memmove(m->log, m->log + drop, m->n_log * sizeof *m->log);
	m->forgotten += (int64_t)drop;
	m->is_cut = true;
}

/* Positions are given here, at the commit; the times of the feed never go back. */
void store_mem_log(struct mem_store *m, struct store_txn *t)
{
	int64_t now = clock_now_us();
	m->recorded_us = now > m->recorded_us ? now : m->recorded_us;
	for (struct mem_event *v = t->events, *next; v; v = next) {
		next = v->next;
		v->next = NULL;
		v->moment = m->moment;
		v->e.recorded_us = m->recorded_us;
		if (v->e.valid_us == TIME_NONE)
			v->e.valid_us = m->recorded_us;
		m->log[m->n_log++] = v;
		v->e.position = m->forgotten + (int64_t)m->n_log;
		m->log_bytes += v->bytes;
		m->log_files += v->files;
	}
	t->events = NULL;
	t->events_tail = &t->events;
	trim(m);
}

void store_mem_log_free(struct mem_store *m)
{
	for (size_t i = 0; i < m->n_log; i++)
		store_mem_event_free(m->log[i]);
	free(m->log);
}

/* -- reading ------------------------------------------------------------------------------------------------------------------------------ */
static const char *const *copy_texts(struct arena *a, const char *const *list, size_t n)
{
	const char **copy = list && n ? ARENA_ARRAY(a, const char *, n) : NULL;
	for (size_t i = 0; copy && i < n; i++)
		copy[i] = list[i] ? arena_strdup(a, list[i]) : NULL;
	return copy;
}

static void copy_event(struct arena *a, const struct store_event *e, struct store_event *out)
{
	*out = *e;
	out->id = arena_strdup(a, e->id);
	out->path = e->path ? arena_strdup(a, e->path) : NULL;
	out->actor = e->actor ? arena_strdup(a, e->actor) : NULL;
	out->request = e->request ? arena_strdup(a, e->request) : NULL;
	out->value_path = copy_texts(a, e->value_path, e->n_values);
	out->before = copy_texts(a, e->before, e->n_values);
	out->after = copy_texts(a, e->after, e->n_values);
}

enum err store_mem_feed(struct store *s, int64_t after, size_t limit, struct arena *a, struct store_event **out, size_t *n, int64_t *newest)
{
	struct mem_store *m = (struct mem_store *)s;
	enum err e = ERR_OK;
	*out = NULL;
	*n = 0;
	pthread_mutex_lock(&m->mutex);
	*newest = m->forgotten + (int64_t)m->n_log;
	if (after < m->forgotten || after > *newest) {
		e = ERR_GONE;
	} else {
		size_t from = (size_t)(after - m->forgotten), count = m->n_log - from < limit ? m->n_log - from : limit;
		*out = count ? ARENA_ARRAY(a, struct store_event, count) : NULL;
		for (; *out && *n < count; ++*n)
			copy_event(a, &m->log[from + *n]->e, &(*out)[*n]);
		e = (count && !*out) || arena_failed(a) ? ERR_NO_MEMORY : ERR_OK;
	}
	pthread_mutex_unlock(&m->mutex);
	return e;
}

enum err store_mem_feed_listen(struct store *s, void (*wake)(void *), void *ctx)
{
	return store_listeners_add(&((struct mem_store *)s)->listeners, wake, ctx);
}

void store_mem_feed_unlisten(struct store *s, void (*wake)(void *), void *ctx)
{
	store_listeners_remove(&((struct mem_store *)s)->listeners, wake, ctx);
}

void store_mem_cause(struct store_txn *t, const struct store_cause *c)
{
	t->caused = c != NULL;
	t->cause = c ? *c : (struct store_cause){ 0 };
}

/* The next change of this identifiable that this reader sees, from place *i on; *i is behind it then. */
static const struct mem_event *next_of(const struct store_txn *t, enum store_kind kind, const char *id, size_t *i)
{
	const struct mem_store *m = t->store;
	while (*i < m->n_log) {
		const struct mem_event *v = m->log[(*i)++];
		if (v->e.kind == kind && v->moment <= t->moment && !strcmp(v->e.id, id))
			return v;
	}
	return NULL;
}

enum err store_mem_history(struct store_txn *t, enum store_kind kind, const char *id, int64_t after, size_t limit, struct arena *a,
			   struct store_event **out, size_t *n)
{
	const struct mem_event *v;
	size_t cap = 0, i = 0;
	*out = NULL;
	*n = 0;
	if (t->write)
		return store_mem_noted(t, ERR_INTERNAL);
	pthread_mutex_lock(&t->store->mutex);
	store_mem_read_here(t);
	while (*n < limit && (v = next_of(t, kind, id, &i))) {
		if (v->e.version <= after)
			continue;
		if (*n == cap) {
			struct store_event *more = ARENA_ARRAY(a, struct store_event, cap = cap ? cap * 2 : 16);
			if (!more)
				break;
			if (*n)
				memcpy(more, *out, *n * sizeof *more);
			*out = more;
		}
		copy_event(a, &v->e, &(*out)[*n]);
		(*out)[(*n)++].position = 0;
	}
	pthread_mutex_unlock(&t->store->mutex);
	return store_mem_noted(t, arena_failed(a) ? ERR_NO_MEMORY : ERR_OK);
}

/* -- what was ---------------------------------------------------------------------------------------------------------------------------- */
static void look_back(struct store_txn *t, enum store_kind kind, const char *id, int64_t at_us, struct store_past *p, int64_t *found)
{
	int64_t base;
	const struct mem_entry *now = store_mem_visible(t, (enum mem_table_id)kind, id, &base);
	const struct mem_event *v;
	*p = (struct store_past){ .current = now ? now->version : 0, .cut_us = t->store->is_cut ? t->store->cut_us : TIME_NONE };
	*found = 0;
	for (size_t i = 0; (v = next_of(t, kind, id, &i));) {
		if (!p->first) {
			p->first = v->e.version;
			p->first_operation = v->e.operation;
		}
		p->last = v->e.version;
		if (v->e.valid_us <= at_us)
			*found = v->e.version;
	}
}

/* Lay what was there before into the tree, unless an earlier change has. */
static enum err undo(struct arena *a, const struct aas_node *sm, const struct mem_event *v, struct map *done)
{
	struct aas_node *at;
	for (size_t i = 0; i < v->e.n_values; i++) {
		const char *path = v->e.value_path[i], *text = v->e.before[i];
		if (map_get(done, path, strlen(path)))
			continue;
		if (aas_path_find(sm, path, strlen(path), &at, NULL) || !aas_is(at, AAS_Property))
			return ERR_INTERNAL;
		AAS_AT(at, Property, value).str = text ? arena_strdup(a, text) : NULL;
		if ((text && !AAS_AT(at, Property, value).str) || !map_put(done, path, strlen(path), done, NULL))
			return ERR_NO_MEMORY;
	}
	return ERR_OK;
}

/* The document that the first later replacement or deletion found, else the one of now, without the values written before that. */
static enum err make_version(struct store_txn *t, enum store_kind kind, const char *id, int64_t version, struct arena *a, struct store_doc *out)
{
	int64_t base;
	const struct mem_entry *now = store_mem_visible(t, (enum mem_table_id)kind, id, &base);
	const struct mem_event *v;
	const char *text = now ? now->json : NULL;
	struct map done = MAP_INIT;
	struct buf b = BUF_INIT;
	struct aas_node *sm = NULL;
	enum err e = ERR_OK;
	for (size_t i = 0; (v = next_of(t, kind, id, &i));) {
		if (v->e.version == version && v->e.operation == STORE_OP_DELETE)
			return ERR_NOT_FOUND;
		if (v->e.version > version && v->document) {
			text = v->document;
			break;
		}
	}
	if (!text)
		return ERR_INTERNAL;
	*out = (struct store_doc){ arena_strdup(a, id), { arena_strdup(a, text), strlen(text) }, version };
	if (kind == STORE_SUBMODEL)
		e = aas_json_read(a, AAS_Submodel, text, strlen(text), AAS_JSON_DEFAULT, &sm, NULL);
	for (size_t i = 0; !e && sm && (v = next_of(t, kind, id, &i)) && (v->e.version <= version || !v->document);)
		if (v->e.version > version)
			e = undo(a, sm, v, &done);
	if (!e && done.n) {
		aas_json_write(&b, sm);
		out->json = (struct slice){ arena_strndup(a, b.p, b.n), b.n };
	}
	e = e ? e : b.failed || arena_failed(a) ? ERR_NO_MEMORY : ERR_OK;
	buf_fini(&b);
	map_fini(&done);
	return e;
}

enum err store_mem_get_version(struct store_txn *t, enum store_kind kind, const char *id, int64_t version, struct arena *a, struct store_doc *out)
{
	struct store_past past;
	int64_t found;
	if (t->write)
		return store_mem_noted(t, ERR_INTERNAL);
	pthread_mutex_lock(&t->store->mutex);
	look_back(t, kind, id, TIME_NONE, &past, &found);
	enum err e = store_past_version(&past, version);
	if (!e)
		e = make_version(t, kind, id, version, a, out);
	pthread_mutex_unlock(&t->store->mutex);
	return store_mem_noted(t, e);
}

enum err store_mem_get_at(struct store_txn *t, enum store_kind kind, const char *id, int64_t at_us, struct arena *a, struct store_doc *out)
{
	struct store_past past;
	int64_t found, version;
	if (t->write)
		return store_mem_noted(t, ERR_INTERNAL);
	pthread_mutex_lock(&t->store->mutex);
	look_back(t, kind, id, at_us, &past, &found);
	enum err e = store_past_at(&past, found, at_us, &version);
	if (!e)
		e = make_version(t, kind, id, version, a, out);
	pthread_mutex_unlock(&t->store->mutex);
	return store_mem_noted(t, e);
}

enum err store_mem_entry_at(struct store_txn *t, enum store_kind kind, const char *id, int64_t at_us, const struct mem_entry **out)
{
	struct store_past past;
	const struct mem_event *v;
	int64_t found, version, base;
	look_back(t, kind, id, at_us, &past, &found);
	enum err e = t->write ? ERR_INTERNAL : store_past_at(&past, found, at_us, &version);
	*out = e ? NULL : store_mem_visible(t, (enum mem_table_id)kind, id, &base);
	for (size_t i = 0; !e && (v = next_of(t, kind, id, &i));) {
		if (v->e.version == version && v->e.operation == STORE_OP_DELETE)
			return ERR_NOT_FOUND;
		if (v->e.version > version && v->before) {
			*out = v->before;
			break;
		}
	}
	return !e && !*out ? ERR_INTERNAL : e;
}

/* -- who was there, who changed -------------------------------------------------------------------------------------------------------- */

/* What is there, and what the list tells of that was. */
static const char *next_id(const struct store_txn *t, enum store_kind kind, const char *after)
{
	const struct mem_entry *e = store_mem_next(t, (enum mem_table_id)kind, after);
	const char *best = e ? e->id : NULL;
	for (size_t i = 0; i < t->store->n_log; i++) {
		const struct store_event *v = &t->store->log[i]->e;
		if (v->kind == kind && (!after || strcmp(v->id, after) > 0) && (!best || strcmp(v->id, best) < 0))
			best = v->id;
	}
	return best;
}

enum err store_mem_ids(struct store_txn *t, enum store_kind kind, const char *after, size_t limit, struct arena *a, const char ***id, size_t *n)
{
	enum err err = ERR_OK;
	*n = 0;
	if (!(*id = ARENA_ARRAY(a, const char *, limit)))
		return store_mem_noted(t, ERR_NO_MEMORY);
	pthread_mutex_lock(&t->store->mutex);
	store_mem_read_here(t);
	for (const char *next = next_id(t, kind, after); next && *n < limit && !err; next = next_id(t, kind, next))
		if (!((*id)[(*n)++] = arena_strdup(a, next)))
			err = ERR_NO_MEMORY;
	pthread_mutex_unlock(&t->store->mutex);
	return store_mem_noted(t, err);
}

static void times_of(const struct mem_store *m, enum store_kind kind, const char *id, struct store_recent *r)
{
	r->created_us = r->updated_us = TIME_NONE;
	for (size_t i = 0; i < m->n_log; i++) {
		const struct store_event *v = &m->log[i]->e;
		if (v->kind != kind || strcmp(v->id, id))
			continue;
		r->updated_us = v->recorded_us;
		if (v->operation == STORE_OP_CREATE)
			r->created_us = v->recorded_us;
	}
}

enum err store_mem_recent(struct store_txn *t, enum store_kind kind, int64_t created_us, int64_t updated_us, const char *after, size_t limit,
			  struct arena *a, struct store_recent **out, size_t *n)
{
	enum err err = ERR_OK;
	*n = 0;
	if (!(*out = ARENA_ARRAY(a, struct store_recent, limit)))
		return store_mem_noted(t, ERR_NO_MEMORY);
	pthread_mutex_lock(&t->store->mutex);
	store_mem_read_here(t);
	const struct mem_entry *e = store_mem_next(t, (enum mem_table_id)kind, after);
	for (; e && *n < limit && !err; e = store_mem_next(t, (enum mem_table_id)kind, e->id)) {
		struct store_recent *r = &(*out)[*n];
		times_of(t->store, kind, e->id, r);
		if (r->created_us < created_us || r->updated_us < updated_us)
			continue;
		if (!(r->id = arena_strdup(a, e->id)))
			err = ERR_NO_MEMORY;
		++*n;
	}
	pthread_mutex_unlock(&t->store->mutex);
	return store_mem_noted(t, err);
}
