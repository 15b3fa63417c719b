/* SPDX-License-Identifier: Apache-2.0
 * service_element.c - the elements of a submodel.
 */
#include "aas/path.h"
#include "aas/rules.h"
#include "aas/tree.h"
#include "submodels/session.h"

const char *sm_path_of(struct sm_session *s, const struct aas_node *n)
{
	struct buf b = BUF_INIT;
	const char *path = NULL;
	aas_path_write(&b, n);
	if (!b.failed)
		path = arena_strndup(s->arena, b.p ? b.p : "", b.n);
	buf_fini(&b);
	return path;
}

static enum err no_memory(struct sm_session *s)
{
	return diag_add(s->diag, ERR_NO_MEMORY, "out of memory");
}

enum err sm_find(struct sm_session *s, const struct work *w, const char *path, struct aas_node **out)
{
	*out = (struct aas_node *)sm_shared_node(w->shared);
	return path && *path ? aas_path_find(*out, path, strlen(path), out, s->diag) : ERR_OK;
}

/* -- reading and changing --------------------------------------------------------------------------------------------------- */

enum err sm_element_get(struct sm_session *s, const char *sm_id, const char *path, const struct aas_node **out)
{
	struct work *w;
	struct aas_node *n;
	enum err err = sm_load(s, STORE_SUBMODEL, sm_id, &w);
	if (!err && !(err = sm_find(s, w, path, &n)))
		*out = n;
	return err;
}

/* A copy of what the client sent, in the tree's own arena. */
static enum err adopt(struct sm_session *s, const struct work *w, const struct aas_node *node, struct aas_node **out)
{
	*out = aas_copy(w->shared->arena, node);
	return *out ? ERR_OK : no_memory(s);
}

/* What has been put into its tree must keep the rules there; the session is thrown away when it does not. */
static enum err lawful(struct sm_session *s, const struct aas_node *n)
{
	return aas_rules_check(n, AAS_RULES_LENIENT, s->diag);
}

static enum err stored(struct sm_session *s, struct work *w, enum change_kind kind, const struct aas_node *n, const char **path)
{
	enum err err;
	if (!(*path = sm_path_of(s, n)))
		return no_memory(s);
	if ((err = sm_store(s, w, *path, kind == CHANGE_CREATED ? STORE_OP_CREATE : STORE_OP_REPLACE)))
		return err;
	return sm_note(s, w, kind, **path ? *path : NULL, NULL);
}

enum err sm_element_post(struct sm_session *s, const char *sm_id, const char *parent, struct aas_node *node, const char **new_path)
{
	struct aas_node *at, *copy;
	struct work *w;
	enum err err;

	if ((err = sm_edit(s, STORE_SUBMODEL, sm_id, &w)) || (err = sm_find(s, w, parent, &at)) || (err = adopt(s, w, node, &copy)) ||
	    (err = aas_insert(at, copy, s->diag)) || (err = lawful(s, copy)))
		return err;
	return stored(s, w, CHANGE_CREATED, copy, new_path);
}

/* PUT of a list index that is the list's length appends; any later one is not there (spec: not defined). */
static enum err put_new(struct sm_session *s, struct aas_node *parent, struct slice step, struct aas_node *copy)
{
	const char *id = AAS_ID_SHORT(copy);
	if (aas_is(parent, AAS_SubmodelElementList)) {
		size_t index, n = 0;
		for (const struct aas_node *c = aas_first_child(parent); c; c = c->next)
			n++;
		if (step.n < 3 || step.p[0] != '[' || !str_size(step.p + 1, step.n - 2, &index) || index != n)
			return diag_add(s->diag, ERR_NOT_FOUND, "the list has %zu elements, there is nothing at %.*s", n, (int)step.n, step.p);
	} else if (!id || !slice_is(step, id)) {
		return diag_add(s->diag, ERR_BAD_REQUEST, "the idShort of the body is not the last step of the path, \"%.*s\"", (int)step.n, step.p);
	}
	enum err err = aas_insert(parent, copy, s->diag);
	return err ? err : lawful(s, copy);
}

static bool value_differs(const struct aas_node *old, const struct aas_node *fresh)
{
	const char *a, *b;
	if (!aas_is(old, AAS_Property) || !aas_is(fresh, AAS_Property))
		return false;
	a = AAS_AT(old, Property, value).str;
	b = AAS_AT(fresh, Property, value).str;
	return a && b ? !str_eq(a, b) : a != b;
}

enum err sm_note_value(struct sm_session *s, const struct work *w, const struct aas_node *property)
{
	const char *path = sm_path_of(s, property), *text = AAS_AT(property, Property, value).str;
	if (!path || (text && !(text = arena_strdup(s->arena, text))))
		return no_memory(s);
	return sm_note(s, w, CHANGE_VALUE, path, text);
}

/* Two trees of the same structure: one CHANGE_VALUE for every Property whose text is another now. */
static enum err note_values(struct sm_session *s, const struct work *w, const struct aas_node *old, const struct aas_node *fresh)
{
	enum err err = value_differs(old, fresh) ? sm_note_value(s, w, fresh) : ERR_OK;
	const struct aas_node *a = aas_first_child(old), *b = aas_first_child(fresh);
	for (; a && b && !err; a = a->next, b = b->next)
		err = note_values(s, w, a, b);
	return err;
}

static enum err put_existing(struct sm_session *s, struct work *w, struct aas_node *old, struct aas_node *copy)
{
	const char *path;
	const struct aas_node *before = aas_copy(s->arena, old);
	enum err err;
	if (!before)
		return no_memory(s);
	if ((err = aas_replace(old, copy, s->diag)) || (err = lawful(s, copy)) || (err = stored(s, w, CHANGE_UPDATED, copy, &path)) ||
	    (err = sm_files_forget(s, before, sm_shared_node(w->shared), w->id)))
		return err;
	return value_differs(before, copy) ? sm_note_value(s, w, copy) : ERR_OK;
}

enum err sm_element_put(struct sm_session *s, const char *sm_id, const char *path, struct aas_node *node, bool *created)
{
	struct aas_node *parent, *old, *copy;
	struct diag quiet = DIAG_INIT;
	struct slice step;
	struct work *w;
	const char *ignored;
	enum err err, found;

	if (!path || !*path)
		return sm_put(s, STORE_SUBMODEL, sm_id, node, created);
	if ((err = sm_edit(s, STORE_SUBMODEL, sm_id, &w)) ||
	    (err = aas_path_parent(sm_shared_node(w->shared), path, strlen(path), &parent, &step, s->diag)))
		return err;
	found = aas_path_find(sm_shared_node(w->shared), path, strlen(path), &old, &quiet);
	diag_fini(&quiet);
	if ((err = adopt(s, w, node, &copy)))
		return err;
	*created = found != ERR_OK;
	if (!found)
		return put_existing(s, w, old, copy);
	if ((err = put_new(s, parent, step, copy)))
		return err;
	return stored(s, w, CHANGE_CREATED, copy, &ignored);
}

/* What names the thing cannot be patched: it would be another thing (pitfall 25). */
static enum err same_name(struct sm_session *s, const struct aas_node *n, const struct aas_node *patch)
{
	bool root = aas_is(n, AAS_Submodel);
	const char *is = root ? AAS_ID(n) : AAS_ID_SHORT(n);
	const char *wanted;
	if (patch->cls != n->cls)
		return diag_add(s->diag, ERR_BAD_REQUEST, "modelType is %s, not %s", n->cls->name, patch->cls->name);
	wanted = root ? AAS_ID(patch) : AAS_ID_SHORT(patch);
	if (wanted && is && !str_eq(wanted, is))
		return diag_add(s->diag, ERR_BAD_REQUEST, "%s is \"%s\" and cannot be changed to \"%s\"", root ? "id" : "idShort", is, wanted);
	return ERR_OK;
}

enum err sm_element_patch(struct sm_session *s, const char *sm_id, const char *path, const struct aas_node *patch)
{
	const struct aas_node *before;
	struct aas_node *n;
	struct work *w;
	const char *where;
	enum err err;

	if ((err = sm_edit(s, STORE_SUBMODEL, sm_id, &w)) || (err = sm_find(s, w, path, &n)) || (err = same_name(s, n, patch)))
		return err;
	if (!(before = aas_copy(s->arena, n)))
		return no_memory(s);
	if ((err = aas_merge(w->shared->arena, n, patch, s->diag)) || (err = lawful(s, n)) ||
	    (err = stored(s, w, CHANGE_UPDATED, n, &where)) || (err = sm_files_forget(s, before, sm_shared_node(w->shared), w->id)))
		return err;
	return note_values(s, w, before, n);
}

enum err sm_element_delete(struct sm_session *s, const char *sm_id, const char *path)
{
	struct aas_node *n;
	struct work *w;
	const char *where;
	enum err err;

	if (!path || !*path)
		return sm_delete(s, STORE_SUBMODEL, sm_id);
	if ((err = sm_edit(s, STORE_SUBMODEL, sm_id, &w)) || (err = sm_find(s, w, path, &n)))
		return err;
	if (!(where = sm_path_of(s, n)))
		return no_memory(s);
	aas_remove(n);
	if ((err = sm_store(s, w, where, STORE_OP_DELETE)) || (err = sm_files_forget(s, n, sm_shared_node(w->shared), w->id)))
		return err;
	return sm_note(s, w, CHANGE_DELETED, where, NULL);
}
