/* SPDX-License-Identifier: Apache-2.0
 * store_mem.c - the store in memory: the executable specification of store.h.
 *
 * A transaction that writes collects it beside the store and lays it over what is committed at that moment; commit checks under the
 * lock that everything it built upon is still the same (else ERR_AGAIN) and puts it in.  A transaction that reads sees one moment: an
 * entry keeps those that it took the place of until nobody reads there.
 */
#include <math.h>
#include <stdlib.h>

#include "aas/facts.h"
#include "aas/json.h"
#include "aas/path.h"
#include "aas/store_mem_priv.h"
#include "base/buf.h"

static const enum aas_class_id kind_class[STORE_N_KINDS] = {
	AAS_AssetAdministrationShell, AAS_Submodel, AAS_ConceptDescription, AAS_AssetAdministrationShellDescriptor, AAS_SubmodelDescriptor,
	AAS_AssetAdministrationShellDescriptor,
};

struct store *store_mem_new(void)
{
	struct mem_store *m = calloc(1, sizeof *m);
	if (!m)
		return NULL;
	m->base.ops = &store_mem_ops;
	pthread_mutex_init(&m->mutex, NULL);
	pthread_mutex_init(&m->contents.mutex, NULL);
	store_listeners_init(&m->listeners);
	return &m->base;
}

void store_mem_entry_free(struct mem_entry *e)
{
	for (struct mem_entry *older; e; e = older) {
		older = e->older;
		free(e->id);
		free(e->json);
		free(e->content_type);
		free(e->file_name);
		store_mem_content_drop(e->content);
		free(e);
	}
}

static void forget_stale(struct mem_store *);

void store_mem_close(struct store *s)
{
	struct mem_store *m = (struct mem_store *)s;
	if (!m)
		return;
	forget_stale(m);
	for (int k = 0; k < MEM_N_TABLES; k++) {
		for (size_t i = 0; i < m->table[k].n; i++)
			store_mem_entry_free(m->table[k].entry[i]);
		free(m->table[k].entry);
	}
	store_mem_series_free(m);
	store_mem_log_free(m);
	store_listeners_fini(&m->listeners);
	map_fini(&m->contents.by_hash);
	pthread_mutex_destroy(&m->contents.mutex);
	pthread_mutex_destroy(&m->mutex);
	free(m);
}

/* -- tables: entries in the order of their ids; a deleted entry keeps its place and its version --------------------------------- */

/* The place of the id, or where it would go. */
static size_t place(const struct mem_table *t, const char *id, bool *found)
{
	size_t lo = 0, hi = t->n;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (strcmp(t->entry[mid]->id, id) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	*found = lo < t->n && !strcmp(t->entry[lo]->id, id);
	return lo;
}

static bool insert(struct mem_table *t, size_t at, struct mem_entry *e)
{
	if (t->n == t->cap) {
		size_t cap = t->cap ? t->cap * 2 : 64;
		struct mem_entry **more = realloc(t->entry, cap * sizeof *more);
		if (!more)
			return false;
		t->entry = more;
		t->cap = cap;
	}
	memmove(t->entry + at + 1, t->entry + at, (t->n - at) * sizeof *t->entry);
	t->entry[at] = e;
	t->n++;
	return true;
}

struct mem_entry *store_mem_entry(const char *id, struct slice bytes)
{
	struct mem_entry *e = calloc(1, sizeof *e);
	if (!e || !(e->id = strdup(id)) || !(e->json = malloc(bytes.n + 1))) {
		store_mem_entry_free(e);
		return NULL;
	}
	if (bytes.n)
		memcpy(e->json, bytes.p, bytes.n);
	e->json[bytes.n] = 0;
	e->n = bytes.n;
	return e;
}

/* -- session ------------------------------------------------------------------------------------------------------------------ */

static enum err mem_begin(struct store *s, bool write, struct store_txn **out)
{
	struct store_txn *t = calloc(1, sizeof *t);
	if (!t)
		return ERR_NO_MEMORY;
	t->store = (struct mem_store *)s;
	t->write = write;
	t->events_tail = &t->events;
	*out = t;
	return ERR_OK;
}

/* The mutex is held.  The first thing that a reader asks for fixes its moment. */
void store_mem_read_here(struct store_txn *t)
{
	struct mem_store *m = t->store;
	if (t->write || t->reads)
		return;
	t->reads = true;
	t->moment = m->moment;
	t->next = m->readers;
	if (t->next)
		t->next->prev = t;
	m->readers = t;
}

/* Nobody reads what was before: it goes, and with it the bytes of files that nobody else has. */
static void forget_stale(struct mem_store *m)
{
	for (struct mem_stale *s; (s = m->stale); free(s)) {
		bool found;
		size_t at = place(&m->table[s->table], s->id, &found);
		if (found) {
			struct mem_entry *e = m->table[s->table].entry[at];
			store_mem_entry_free(e->older);
			e->older = NULL;
		}
		m->stale = s->next;
	}
}

/* Without memory for the note it stays until the next change of the entry. */
static void note_stale(struct mem_store *m, enum mem_table_id table, const char *id)
{
	size_t n = strlen(id) + 1;
	struct mem_stale *s = malloc(sizeof *s + n);
	if (!s)
		return;
	memcpy(s->id, id, n);
	s->table = table;
	s->next = m->stale;
	m->stale = s;
}

static void read_no_more(struct store_txn *t)
{
	if (!t->reads)
		return;
	pthread_mutex_lock(&t->store->mutex);
	if (t->next)
		t->next->prev = t->prev;
	*(t->prev ? &t->prev->next : &t->store->readers) = t->next;
	if (!t->store->readers)
		forget_stale(t->store);
	pthread_mutex_unlock(&t->store->mutex);
}

/* Put `fresh` in the place of `old`, which stays behind it as long as a reader may see it. */
static struct mem_entry *take_place(const struct mem_store *m, struct mem_entry *old, struct mem_entry *fresh)
{
	uint64_t first = fresh->moment;
	for (const struct store_txn *r = m->readers; r; r = r->next)
		first = r->moment < first ? r->moment : first;
	fresh->older = old;
	struct mem_entry *last = fresh;		/* that the first of the readers sees */
	while (last->older && last->moment > first)
		last = last->older;
	store_mem_entry_free(last->older);
	last->older = NULL;
	return fresh;
}

static const struct mem_entry *at_moment(const struct store_txn *t, const struct mem_entry *e)
{
	while (e && t->reads && e->moment > t->moment)
		e = e->older;
	return e;
}

static void mem_abort(struct store_txn *t)
{
	read_no_more(t);
	for (struct mem_write *w = t->writes, *next; w; w = next) {
		next = w->next;
		store_mem_entry_free(w->fresh);
		free(w);
	}
	for (struct mem_event *v = t->events, *next; v; v = next) {
		next = v->next;
		store_mem_event_free(v);
	}
	free(t);
}

static bool still_true(const struct store_txn *t)
{
	for (struct mem_write *w = t->writes; w; w = w->next) {
		bool found;
		const struct mem_table *table = &t->store->table[w->table];
		size_t at = place(table, w->fresh->id, &found);
		if ((found ? table->entry[at]->version : 0) != w->base)
			return false;
	}
	return true;
}

static enum err mem_commit(struct store_txn *t)
{
	struct mem_store *m = t->store;
	enum err e = t->failed ? ERR_INTERNAL : ERR_OK;
	pthread_mutex_lock(&m->mutex);
	if (!e && !still_true(t))
		e = ERR_AGAIN;
	if (!e)
		e = store_mem_log_reserve(m, t);
	if (!e && t->writes)
		m->moment++;
	for (struct mem_write *w = t->writes; !e && w; w = w->next) {
		struct mem_table *table = &m->table[w->table];
		bool found;
		size_t at = place(table, w->fresh->id, &found);
		w->fresh->moment = m->moment;
		if (found) {
			table->entry[at] = take_place(m, table->entry[at], w->fresh);
			if (w->fresh->older)
				note_stale(m, w->table, w->fresh->id);
		} else if (!insert(table, at, w->fresh)) {
			e = ERR_NO_MEMORY;
			break;
		}
		w->fresh = NULL;
	}
	bool changed = !e && t->events;
	if (changed)
		store_mem_log(m, t);
	pthread_mutex_unlock(&m->mutex);
	mem_abort(t);
	if (changed)
		store_listeners_wake(&m->listeners);
	return e;
}

struct mem_write *store_mem_written(const struct store_txn *t, enum mem_table_id table, const char *id)
{
	for (struct mem_write *w = t->writes; w; w = w->next)
		if (w->table == table && !strcmp(w->fresh->id, id))
			return w;
	return NULL;
}

enum err store_mem_noted(struct store_txn *t, enum err e)
{
	t->failed |= e && e != ERR_NOT_FOUND && e != ERR_GONE;
	return e;
}

/* What this transaction sees under the id, NULL when there is nothing.  The mutex is held. */
const struct mem_entry *store_mem_visible(struct store_txn *t, enum mem_table_id table, const char *id, int64_t *base)
{
	store_mem_read_here(t);
	struct mem_write *w = store_mem_written(t, table, id);
	const struct mem_table *tab = &t->store->table[table];
	bool found;
	size_t at = place(tab, id, &found);
	*base = w ? w->base : found ? tab->entry[at]->version : 0;
	const struct mem_entry *e = w ? w->fresh : found ? at_moment(t, tab->entry[at]) : NULL;
	return e && !e->deleted ? e : NULL;
}

/* Lay `fresh` (consumed) over the store. */
enum err store_mem_lay(struct store_txn *t, enum mem_table_id table, struct mem_entry *fresh, int64_t base)
{
	struct mem_write *w = fresh ? store_mem_written(t, table, fresh->id) : NULL;
	if (!fresh || !t->write) {
		store_mem_entry_free(fresh);
		return fresh ? ERR_INTERNAL : ERR_NO_MEMORY;
	}
	if (w) {
		fresh->version = w->fresh->version + 1;
		store_mem_entry_free(w->fresh);
		w->fresh = fresh;
		return ERR_OK;
	}
	if (!(w = calloc(1, sizeof *w))) {
		store_mem_entry_free(fresh);
		return ERR_NO_MEMORY;
	}
	fresh->version = base + 1;
	*w = (struct mem_write){ t->writes, table, base, fresh };
	t->writes = w;
	return ERR_OK;
}

enum err store_mem_lay_change(struct store_txn *t, struct mem_entry *fresh, int64_t base, struct mem_event *v)
{
	enum err e = ERR_NO_MEMORY;
	enum mem_table_id table = v ? (enum mem_table_id)v->e.kind : 0;
	if (v)
		e = store_mem_lay(t, table, fresh, base);
	else
		store_mem_entry_free(fresh);
	if (e) {
		store_mem_event_free(v);
		return e;
	}
	v->e.version = store_mem_written(t, table, v->e.id)->fresh->version;
	*t->events_tail = v;
	t->events_tail = &v->next;
	return ERR_OK;
}

/* -- identifiables -------------------------------------------------------------------------------------------------------------- */

enum err store_mem_copy(struct arena *a, const struct mem_entry *e, struct store_doc *out)
{
	char *id = arena_strdup(a, e->id), *json = arena_strndup(a, e->json, e->n);
	if (!id || !json)
		return ERR_NO_MEMORY;
	*out = (struct store_doc){ id, { json, e->n }, e->version };
	return ERR_OK;
}

/* A submodel without its elements, everything else as it is. */
static enum err copy_head(struct arena *a, const struct mem_entry *e, enum store_kind kind, struct store_doc *out)
{
	struct buf b = BUF_INIT;
	struct aas_node *n;
	enum err err = store_mem_copy(a, e, out);
	if (err || kind != STORE_SUBMODEL || (err = aas_json_read(a, AAS_Submodel, e->json, e->n, AAS_JSON_DEFAULT, &n, NULL)))
		return err;
	AAS_AT(n, Submodel, submodelElements).node = NULL;
	aas_json_write(&b, n);
	out->json = (struct slice){ arena_strndup(a, b.p, b.n), b.n };
	err = b.failed || !out->json.p ? ERR_NO_MEMORY : ERR_OK;
	buf_fini(&b);
	return err;
}

static enum err mem_heads(struct store_txn *t, enum store_kind kind, const char *const *id, size_t n, struct arena *a, struct store_doc *out)
{
	int64_t base;
	enum err err = ERR_OK;
	pthread_mutex_lock(&t->store->mutex);
	for (size_t i = 0; !err && i < n; i++) {
		const struct mem_entry *e = store_mem_visible(t, (enum mem_table_id)kind, id[i], &base);
		out[i] = (struct store_doc){ 0 };
		if (e)
			err = copy_head(a, e, kind, &out[i]);
	}
	pthread_mutex_unlock(&t->store->mutex);
	return store_mem_noted(t, err);
}

static enum err mem_get(struct store_txn *t, enum store_kind kind, const char *id, struct arena *a, struct store_doc *out)
{
	int64_t base;
	pthread_mutex_lock(&t->store->mutex);
	const struct mem_entry *e = store_mem_visible(t, (enum mem_table_id)kind, id, &base);
	enum err err = e ? store_mem_copy(a, e, out) : ERR_NOT_FOUND;
	pthread_mutex_unlock(&t->store->mutex);
	return store_mem_noted(t, err);
}

static void mem_read(struct store *s, struct store_read *r)
{
	struct store_txn *t;
	r->err = s->ops->begin(s, false, &t);
	if (!r->err) {
		r->err = mem_get(t, r->kind, r->id, r->arena, &r->doc);
		s->ops->abort(t);
	}
	r->done(r);
}

static enum err mem_version(struct store_txn *t, enum store_kind kind, const char *id, int64_t *version)
{
	int64_t base;
	pthread_mutex_lock(&t->store->mutex);
	const struct mem_entry *e = store_mem_visible(t, (enum mem_table_id)kind, id, &base);
	if (e)
		*version = e->version;
	pthread_mutex_unlock(&t->store->mutex);
	return e ? ERR_OK : ERR_NOT_FOUND;
}

struct mem_entry *store_mem_entry_of(const struct aas_node *node)
{
	struct buf b = BUF_INIT;
	aas_json_write(&b, node);
	struct mem_entry *e = b.failed ? NULL : store_mem_entry(AAS_ID(node), buf_view(&b));
	buf_fini(&b);
	return e;
}

static enum err mem_put(struct store_txn *t, enum store_kind kind, const struct aas_node *node, enum store_put how, int64_t expect, bool *created,
			int64_t *version)
{
	int64_t base;
	bool is_new;
	enum err err;
	pthread_mutex_lock(&t->store->mutex);
	const struct mem_entry *old = store_mem_visible(t, (enum mem_table_id)kind, AAS_ID(node), &base);
	is_new = !old;
	if (old && !(how & STORE_REPLACE))
		err = ERR_CONFLICT;
	else if (!old && !(how & STORE_CREATE))
		err = ERR_NOT_FOUND;
	else if (expect && (!old || old->version != expect))
		err = ERR_PRECONDITION;
	else if (!(err = store_mem_lay_change(t, store_mem_entry_of(node), base,
				    store_mem_event(t, kind, AAS_ID(node), old ? STORE_OP_REPLACE : STORE_OP_CREATE, old)))) {
		*created = is_new;		/* `old` may be gone */
		*version = store_mem_written(t, (enum mem_table_id)kind, AAS_ID(node))->fresh->version;
	}
	pthread_mutex_unlock(&t->store->mutex);
	return store_mem_noted(t, err);
}

static enum err mem_put_many(struct store_txn *t, enum store_kind kind, const struct aas_node *const *node, size_t n, enum store_put how,
			     bool *created, int64_t *version, size_t *at)
{
	enum err err = ERR_OK;
	for (*at = 0; *at < n && !err; ++*at)
		err = mem_put(t, kind, node[*at], how, 0, &created[*at], &version[*at]);
	*at -= err != ERR_OK;
	t->failed |= err != ERR_OK;
	return err;
}

enum err store_mem_remove(struct store_txn *t, enum mem_table_id table, const char *id)
{
	int64_t base;
	pthread_mutex_lock(&t->store->mutex);
	enum err err = ERR_NOT_FOUND;
	const struct mem_entry *old = store_mem_visible(t, table, id, &base);
	if (old) {
		struct mem_entry *gone = store_mem_entry(id, SLICE(""));
		if (gone)
			gone->deleted = true;
		if ((int)table < (int)STORE_N_PASTS)
			err = store_mem_lay_change(t, gone, base, store_mem_event(t, (enum store_kind)table, id, STORE_OP_DELETE, old));
		else
			err = store_mem_lay(t, table, gone, base);
	}
	pthread_mutex_unlock(&t->store->mutex);
	return store_mem_noted(t, err);
}

static enum err mem_del(struct store_txn *t, enum store_kind kind, const char *id)
{
	return store_mem_remove(t, (enum mem_table_id)kind, id);
}

static bool has_fact(const struct aas_fact *list, size_t n, const struct aas_fact *f)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].field == f->field && !strcmp(list[i].name, f->name) && !strcmp(list[i].value, f->value))
			return true;
	return false;
}

enum err store_mem_matches(const struct mem_entry *e, enum store_kind kind, const struct aas_fact *want, size_t n_want, bool *yes)
{
	struct aas_fact *fact = NULL;
	struct aas_node *node = NULL;
	size_t n = 0;
	*yes = true;
	if (!n_want)
		return ERR_OK;
	struct arena *a = arena_new(0);
	enum err err = a ? aas_json_read(a, kind_class[kind], e->json, e->n, AAS_JSON_DEFAULT, &node, NULL) : ERR_NO_MEMORY;
	if (!err)
		err = aas_facts(a, node, &fact, &n);
	for (size_t i = 0; !err && *yes && i < n_want; i++)
		*yes = has_fact(fact, n, &want[i]);
	arena_free(a);
	return err;
}

/* The first entry behind `after` that this transaction sees. */
const struct mem_entry *store_mem_next(const struct store_txn *t, enum mem_table_id table, const char *after)
{
	const struct mem_table *tab = &t->store->table[table];
	const struct mem_entry *best = NULL;
	bool found = false;
	size_t at = after ? place(tab, after, &found) + found : 0;
	for (; at < tab->n && !best; at++) {
		struct mem_write *w = store_mem_written(t, table, tab->entry[at]->id);
		const struct mem_entry *e = w ? w->fresh : at_moment(t, tab->entry[at]);
		if (e && !e->deleted)
			best = e;
	}
	for (struct mem_write *w = t->writes; w; w = w->next)
		if (w->table == table && !w->fresh->deleted && (!after || strcmp(w->fresh->id, after) > 0) &&
		    (!best || strcmp(w->fresh->id, best->id) < 0))
			best = w->fresh;
	return best;
}

static enum err mem_list(struct store_txn *t, enum store_kind kind, const struct store_filter *filter, const char *after, size_t limit,
			 struct arena *a, struct store_page *page)
{
	struct aas_fact *want = NULL;
	enum mem_table_id table = (enum mem_table_id)kind;
	const struct store_loan *loan = filter ? filter->loan : NULL;
	size_t n_want = 0, cap = 0, bytes = 0;
	bool yes;
	enum err err = filter ? aas_filter_facts(a, filter, &want, &n_want) : ERR_OK;
	*page = (struct store_page){ 0 };
	pthread_mutex_lock(&t->store->mutex);
	store_mem_read_here(t);
	for (const struct mem_entry *e = err ? NULL : store_mem_next(t, table, after); e && !err; e = store_mem_next(t, table, e->id)) {
		if ((err = store_mem_matches(e, kind, want, n_want, &yes)) || !yes)
			continue;
		bytes += e->n;
		if (page->n == limit || (loan && page->n && bytes > loan->bytes)) {
			page->next = page->n ? page->item[page->n - 1].id : NULL;
			break;
		}
		if (page->n == cap) {
			struct store_doc *more = ARENA_ARRAY(a, struct store_doc, cap = cap ? cap * 2 : 16);
			if (!more) {
				err = ERR_NO_MEMORY;
				break;
			}
			if (page->n)
				memcpy(more, page->item, page->n * sizeof *more);
			page->item = more;
		}
		struct store_doc *to = &page->item[page->n];
		err = filter && filter->heads ? copy_head(a, e, kind, to) : store_mem_copy(a, e, to);
		page->n += !err;
	}
	pthread_mutex_unlock(&t->store->mutex);
	return store_mem_noted(t, err);
}

const struct store_ops store_mem_ops = {
	.close = store_mem_close, .begin = mem_begin, .commit = mem_commit, .abort = mem_abort, .get = mem_get, .version = mem_version,
	.read = mem_read,
	.put = mem_put, .put_many = mem_put_many, .del = mem_del, .list = mem_list, .heads = mem_heads,
	.query = store_mem_query, .candidates = store_mem_candidates,
	.put_values = store_mem_put_values,
	.blob_put = store_mem_blob_put, .blob_find = store_mem_blob_find, .blob_read = store_mem_blob_read, .blob_del = store_mem_blob_del,
	.blob_open = store_mem_blob_open, .series = store_mem_series, .append = store_mem_append,
	.position = store_mem_position, .samples = store_mem_samples, .buckets = store_mem_buckets,
	.live = store_mem_live, .command = store_mem_command, .invoked = store_mem_invoked,
	.write_values = store_mem_write_values,
	.invocation_put = store_mem_invocation_put, .invocation_get = store_mem_invocation_get, .invocation_open = store_mem_invocation_open,
	.invocation_trim = store_mem_invocation_trim, .package_put = store_mem_package_put, .package_del = store_mem_package_del,
	.package_list = store_mem_package_list, .cause = store_mem_cause, .history = store_mem_history, .get_version = store_mem_get_version,
	.get_at = store_mem_get_at, .blob_at = store_mem_blob_at, .package_at = store_mem_package_at,
	.ids = store_mem_ids, .recent = store_mem_recent,
	 .feed = store_mem_feed, .feed_listen = store_mem_feed_listen, .feed_unlisten = store_mem_feed_unlisten,
};
