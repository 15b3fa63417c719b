/* SPDX-License-Identifier: Apache-2.0
 * service_value.c - writing values.
 *
 * The usual case is a request that patches values of Properties and does nothing else.  It needs no transaction: the input is checked against
 * the cached structure, the store checks that the structure is still that (store_ops.write_values), and many requests share a commit.
 * Everything else goes the way of every other change: an edited tree, in the session's transaction.
 */
#include "aas/lexical.h"
#include "aas/path.h"
#include "aas/rules.h"
#include "aas/tree.h"
#include "submodels/session.h"

static enum err no_memory(struct sm_session *s)
{
	return diag_add(s->diag, ERR_NO_MEMORY, "out of memory");
}

struct leaf {
	struct aas_node *node;
	struct leaf *next;
};

struct written {
	struct arena *arena;
	struct leaf *first, **tail;
	size_t n;
	bool only_properties, failed;
};

static void leaf_written(void *ctx, struct aas_node *node)
{
	struct written *wr = ctx;
	struct leaf *l = ARENA_NEW(wr->arena, struct leaf);
	if (!l) {
		wr->failed = true;
		return;
	}
	l->node = node;
	*wr->tail = l;
	wr->tail = &l->next;
	wr->n++;
	wr->only_properties = wr->only_properties && aas_is(node, AAS_Property);
}

/* Values of others may have been written since the tree was read (put_values waited for them): each stands for itself.  But the
 * structure must still be what the input was checked against. */
static bool still_fits(const struct work *w, const struct store_value *v, const uintptr_t *type, size_t n)
{
	struct diag quiet = DIAG_INIT;
	struct aas_node *at;
	bool ok = true;
	for (size_t i = 0; i < n && ok; i++)
		ok = !aas_path_find(sm_shared_node(w->shared), v[i].path, strlen(v[i].path), &at, &quiet) && aas_is(at, AAS_Property) &&
		     AAS_AT(at, Property, valueType).ord == type[i];
	diag_fini(&quiet);
	return ok;
}

/* The rows of these Properties alone; the document is folded by the store. */
static enum err put_values(struct sm_session *s, struct work *w, const struct written *wr)
{
	struct store_value *v = ARENA_ARRAY(s->arena, struct store_value, wr->n);
	uintptr_t *type = ARENA_ARRAY(s->arena, uintptr_t, wr->n);
	struct store_txn *txn;
	int64_t version = 0;
	size_t n = 0;
	enum err err;

	if (!v || !type)
		return no_memory(s);
	for (const struct leaf *l = wr->first; l; l = l->next, n++) {
		const char *text = AAS_AT(l->node, Property, value).str;
		type[n] = AAS_AT(l->node, Property, valueType).ord;
		v[n].path = sm_path_of(s, l->node);
		v[n].text = text ? arena_strdup(s->arena, text) : NULL;
		if (!v[n].path || (text && !v[n].text))
			return no_memory(s);
	}
	if ((err = sm_txn(s, &txn)))
		return err;
	err = s->service->conf.store->ops->put_values(txn, w->id, v, n, &version);
	if (err)
		return err == ERR_NOT_FOUND ? ERR_AGAIN : err;
	if ((err = sm_values_stored(s, w, version)))
		return err;
	for (size_t i = 0; i < n && !err; i++)
		err = sm_note(s, w, CHANGE_VALUE, v[i].path, v[i].text);
	return err ? err : still_fits(w, v, type, n) ? ERR_OK : ERR_AGAIN;
}

/* A leaf that is not a Property needs its document. */
static enum err put_document(struct sm_session *s, struct work *w, const struct written *wr, const struct aas_node *before, const char *where)
{
	enum err err = sm_store(s, w, where, STORE_OP_VALUE);
	if (!err)
		err = sm_files_forget(s, before, sm_shared_node(w->shared), w->id);
	for (const struct leaf *l = wr->first; l && !err; l = l->next) {
		const char *path = sm_path_of(s, l->node);
		err = aas_is(l->node, AAS_Property) ? sm_note_value(s, w, l->node) : path ? sm_note(s, w, CHANGE_VALUE, path, NULL) : no_memory(s);
	}
	return err;
}

/* -- with an edited tree -------------------------------------------------------------------------------------------------------- */
static enum err patch_tree(struct sm_session *s, const char *sm_id, const char *path, struct slice text)
{
	struct written wr = { .arena = s->arena, .only_properties = true };
	const struct aas_node *before;
	struct aas_node *n;
	struct work *w;
	enum err err;

	wr.tail = &wr.first;
	if ((err = sm_edit(s, STORE_SUBMODEL, sm_id, &w)) || (err = sm_find(s, w, path, &n)))
		return err;
	if (!(before = aas_copy(s->arena, n)))
		return no_memory(s);
	if ((err = aas_value_read(w->shared->arena, n, text.p, text.n, leaf_written, &wr, s->diag)))
		return err;
	if (wr.failed)
		return no_memory(s);
	if (!wr.n)
		return ERR_OK;
	if (!wr.only_properties && (err = aas_rules_check(n, AAS_RULES_LENIENT, s->diag)))
		return err;
	return wr.only_properties ? put_values(s, w, &wr) : put_document(s, w, &wr, before, path);
}

/* -- on its own ------------------------------------------------------------------------------------------------------------------ */

/* `below` is the path of a leaf from the element at `path`, which has been copied out of the tree. */
static const char *join(struct sm_session *s, const char *path, const char *below)
{
	return arena_printf(s->arena, "%s%s%s", path, *path && *below && *below != '[' ? "." : "", below);
}

static enum err quick_values(struct sm_session *s, const char *path, const struct written *wr)
{
	struct sm_quick *q = &s->quick;
	enum err err = ERR_OK;
	q->value = ARENA_ARRAY(s->arena, struct store_value, wr->n);
	q->value_type = ARENA_ARRAY(s->arena, const char *, wr->n);
	if (!q->value || !q->value_type)
		return ERR_NO_MEMORY;
	q->write = (struct store_write){ .submodel_id = q->work.id, .value = q->value, .value_type = q->value_type };
	for (const struct leaf *l = wr->first; l && !err; l = l->next) {
		const char *below = sm_path_of(s, l->node);
		struct store_value *v = &q->value[q->write.n];
		if (!below || !(v->path = join(s, path, below)))
			return ERR_NO_MEMORY;
		v->text = AAS_AT(l->node, Property, value).str;
		q->value_type[q->write.n++] = aas_xsd_of(AAS_AT(l->node, Property, valueType).ord)->name;
		err = sm_note(s, &q->work, CHANGE_VALUE, v->path, v->text);
	}
	return err;
}

/* The element at `path`, out of the shared tree into the session's arena, and its path from the root. */
static struct aas_node *own_copy(struct sm_session *s, const struct sm_shared *shared, const char *path, const char **canonical)
{
	struct aas_node *n = (struct aas_node *)sm_shared_node(shared);
	if (*path && aas_path_find(n, path, strlen(path), &n, NULL))
		return NULL;
	return (*canonical = sm_path_of(s, n)) ? aas_copy(s->arena, n) : NULL;
}

static void forget_changes(struct sm_session *s)
{
	s->changes = NULL;
	s->tail = &s->changes;
	s->n_changes = 0;
}

static bool check_quick(struct sm_session *s, const struct sm_shared *shared)
{
	struct sm_quick *q = &s->quick;
	struct written wr = { .arena = s->arena, .only_properties = true };
	const char *canonical;
	struct aas_node *n = own_copy(s, shared, q->path, &canonical);
	wr.tail = &wr.first;
	return n && !aas_value_read(s->arena, n, q->text.p, q->text.n, leaf_written, &wr, s->diag) && !wr.failed && wr.n && wr.only_properties &&
	       !quick_values(s, canonical, &wr);
}

/* quick.on stays false when it cannot be done in this way, for whatever reason; the other way says why.  Takes `shared`. */
static bool patch_alone(struct sm_session *s, struct sm_shared *shared, const char *sm_id, const char *path, struct slice text)
{
	struct sm_quick *q = &s->quick;
	struct diag *d = s->diag, quiet = DIAG_INIT;
	*q = (struct sm_quick){
		.work = { .id = arena_strdup(s->arena, sm_id), .kind = STORE_SUBMODEL }, .path = arena_strdup(s->arena, path ? path : ""),
		.text = { arena_strndup(s->arena, text.p ? text.p : "", text.n), text.n },
	};
	s->diag = &quiet;
	q->on = q->work.id && q->path && q->text.p && check_quick(s, shared);
	s->diag = d;
	if (!q->on)
		forget_changes(s);
	sm_shared_drop(shared);
	diag_fini(&quiet);
	return q->on;
}

static enum err patch_quick(struct sm_session *s, const char *sm_id, const char *path, struct slice text)
{
	struct sm_shared *shared;
	enum err err = sm_structure(s, sm_id, &shared);
	if (!err)
		patch_alone(s, shared, sm_id, path, text);
	return err;
}

bool sm_value_patch_quick(struct sm_session *s, const char *sm_id, const char *path, struct slice text)
{
	struct sm_shared *shared = sm_cache_structure_quick(s->service->cache, STORE_SUBMODEL, sm_id);
	return shared && patch_alone(s, shared, sm_id, path, text);
}

enum err sm_settle(struct sm_session *s)
{
	if (!s->quick.on)
		return ERR_OK;
	s->quick.on = false;
	forget_changes(s);
	return patch_tree(s, s->quick.work.id, s->quick.path, s->quick.text);
}

enum err sm_value_patch(struct sm_session *s, const char *sm_id, const char *path, struct slice text)
{
	if (s->write && !s->patient && !s->txn && !s->works && !s->changes) {
		enum err err = patch_quick(s, sm_id, path, text);
		if (err || s->quick.on)
			return err;
	}
	return patch_tree(s, sm_id, path, text);
}
