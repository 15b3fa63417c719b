/* SPDX-License-Identifier: Apache-2.0
 * service_file.c - the bytes that a File element or a shell's thumbnail points to.
 *
 * A stored file is found by the identifiable and the text of File.value (or of the thumbnail's path), so it stays with the element
 * when a list shifts, and elements of one submodel may share it as they share a part of an AASX package.
 */
#include "aas/lexical.h"
#include "aas/tree.h"
#include "base/clock.h"
#include "submodels/session.h"

const char *sm_file_key(struct arena *a, enum store_kind kind, const char *id, const char *value)
{
	/* the length keeps two different pairs from giving the same key */
	return arena_printf(a, "%s/%zu/%s%s", kind == STORE_SHELL ? "shell" : "submodel", strlen(id), id, value);
}

static enum err no_memory(struct sm_session *s)
{
	return diag_add(s->diag, ERR_NO_MEMORY, "out of memory");
}

enum err sm_blob_find(struct sm_session *s, const char *key, struct store_blob_info *out)
{
	const struct store_ops *ops = s->service->conf.store->ops;
	struct store_txn *txn;
	enum err err = sm_txn(s, &txn);
	if (err)
		return err;
	return s->at_us == TIME_NONE ? ops->blob_find(txn, key, s->arena, out) : ops->blob_at(txn, key, s->at_us, s->arena, out);
}

static enum err blob_find(struct sm_session *s, enum store_kind kind, const char *id, const char *value, struct store_blob_info *out)
{
	const char *key = value ? sm_file_key(s->arena, kind, id, value) : NULL;
	enum err err;

	if (value && !key)
		return no_memory(s);
	if (!value)
		return diag_add(s->diag, ERR_NOT_FOUND, "there is no file");
	err = sm_blob_find(s, key, out);
	if (err == ERR_GONE)
		return diag_add(s->diag, err, "history is not kept that far back");
	if (err == ERR_NOT_FOUND && s->at_us != TIME_NONE)
		return diag_add(s->diag, err, "\"%s\" was not stored here at that time", value);
	return err == ERR_NOT_FOUND ? diag_add(s->diag, err, "\"%s\" is not stored here", value) : err;
}

static enum err blob_del(struct sm_session *s, enum store_kind kind, const char *id, const char *value)
{
	const char *key = sm_file_key(s->arena, kind, id, value);
	struct store_txn *txn;
	enum err err;
	if (!key)
		return no_memory(s);
	if ((err = sm_txn(s, &txn)))
		return err;
	err = s->service->conf.store->ops->blob_del(txn, key);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* "/files/<uuid>/<name>": unique, so that a new upload never changes what another element points to.  The name is reduced to the
 * characters that need no escaping in a path. */
static const char *fresh_value(struct arena *a, const char *name)
{
	char uuid[UUID_SIZE], *value;
	uuid_v7(uuid);
	value = arena_printf(a, "/files/%s/%.200s", uuid, name && *name ? name : "file");
	for (char *p = value ? value + 8 + strlen(uuid) : NULL; p && *p; p++)
		if (!(*p >= 'a' && *p <= 'z') && !(*p >= 'A' && *p <= 'Z') && !(*p >= '0' && *p <= '9') && !strchr("._-", *p))
			*p = '_';
	return value;
}

static const char *useful_type(const struct sm_upload *u, const char *old)
{
	const char *t = u->info.content_type;
	if (!t || !aas_string_ok(AAS_STR_ContentType, t, strlen(t)))
		t = NULL;
	return t && (!old || !str_eq(t, "application/octet-stream")) ? t : old ? old : "application/octet-stream";
}

static enum err store_blob(struct sm_session *s, const struct work *w, const char *value, const char *type, const struct sm_upload *u)
{
	const char *key = sm_file_key(s->arena, w->kind, w->id, value);
	struct store_blob_info info = u->info;
	struct content_at from = { &u->content, 0 };
	struct store_txn *txn;
	enum err err;
	if (!key)
		return no_memory(s);
	if ((err = sm_txn(s, &txn)))
		return err;
	info.content_type = type;
	return s->service->conf.store->ops->blob_put(txn, key, &info, source_content(&from), s->diag);
}

enum err sm_content_open(struct sm_session *s, const struct store_blob_info *info, struct content *out)
{
	struct store *st = s->service->conf.store;
	enum err err = st->ops->blob_open(st, info, out);
	/* in memory it can be gone since it was found; what is found anew tells what is there now */
	return err == ERR_NOT_FOUND ? ERR_AGAIN : err;
}

static enum err file_at(struct sm_session *s, const struct work *w, const char *path, struct aas_node **out)
{
	enum err err = sm_find(s, w, path, out);
	if (!err && !aas_is(*out, AAS_File))
		err = diag_add(s->diag, ERR_METHOD, "only a File has an attachment, this is a %s", (*out)->cls->name);
	return err;
}

enum err sm_file_get(struct sm_session *s, const char *sm_id, const char *path, struct store_blob_info *out)
{
	struct aas_node *file;
	struct work *w;
	enum err err;

	if ((err = sm_load(s, STORE_SUBMODEL, sm_id, &w)) || (err = file_at(s, w, path, &file)) ||
	    (err = blob_find(s, STORE_SUBMODEL, sm_id, AAS_AT(file, File, value).str, out)))
		return err;
	if (AAS_AT(file, File, contentType).str)
		out->content_type = AAS_AT(file, File, contentType).str;
	return ERR_OK;
}

/* Set value and type of a File, forget what it pointed to before. */
static enum err file_set(struct sm_session *s, struct work *w, struct aas_node *file, const char *value, const char *type)
{
	const struct aas_node *before = aas_copy(s->arena, file);
	struct arena *a = w->shared->arena;
	const char *where = sm_path_of(s, file);
	enum err err;

	if (!before || !where || (value && !(value = arena_strdup(a, value))) || (type && !(type = arena_strdup(a, type))))
		return no_memory(s);
	AAS_AT(file, File, value).str = value;
	if (type)
		AAS_AT(file, File, contentType).str = type;
	if ((err = sm_store(s, w, where, STORE_OP_VALUE)) || (err = sm_files_forget(s, before, sm_shared_node(w->shared), w->id)))
		return err;
	return sm_note(s, w, CHANGE_VALUE, where, NULL);
}

enum err sm_file_put(struct sm_session *s, const char *sm_id, const char *path, const struct sm_upload *u)
{
	struct aas_node *file;
	struct work *w;
	const char *value, *type;
	enum err err;

	if ((err = sm_edit(s, STORE_SUBMODEL, sm_id, &w)) || (err = file_at(s, w, path, &file)))
		return err;
	type = useful_type(u, AAS_AT(file, File, contentType).str);
	if (!(value = fresh_value(s->arena, u->info.file_name)))
		return no_memory(s);
	if ((err = store_blob(s, w, value, type, u)))
		return err;
	return file_set(s, w, file, value, type);
}

enum err sm_file_delete(struct sm_session *s, const char *sm_id, const char *path)
{
	struct store_blob_info there;
	struct aas_node *file;
	struct work *w;
	enum err err;

	if ((err = sm_edit(s, STORE_SUBMODEL, sm_id, &w)) || (err = file_at(s, w, path, &file)) ||
	    (err = blob_find(s, STORE_SUBMODEL, sm_id, AAS_AT(file, File, value).str, &there)))
		return err;
	return file_set(s, w, file, NULL, NULL);
}

/* -- the thumbnail of a shell --------------------------------------------------------------------------------------------------- */

static struct aas_node *asset(const struct work *w)
{
	return AAS_AT(sm_shared_node(w->shared), AssetAdministrationShell, assetInformation).node;
}

static const char *thumbnail_path(const struct aas_node *shell)
{
	const struct aas_node *info = AAS_AT(shell, AssetAdministrationShell, assetInformation).node;
	const struct aas_node *r = info ? AAS_AT(info, AssetInformation, defaultThumbnail).node : NULL;
	return r ? AAS_AT(r, Resource, path).str : NULL;
}

enum err sm_thumbnail_get(struct sm_session *s, const char *aas_id, struct store_blob_info *out)
{
	struct work *w;
	enum err err = sm_load(s, STORE_SHELL, aas_id, &w);
	const struct aas_node *r;
	if (err || (err = blob_find(s, STORE_SHELL, aas_id, thumbnail_path(sm_shared_node(w->shared)), out)))
		return err;
	r = AAS_AT(asset(w), AssetInformation, defaultThumbnail).node;
	if (AAS_AT(r, Resource, contentType).str)
		out->content_type = AAS_AT(r, Resource, contentType).str;
	return ERR_OK;
}

static enum err thumbnail_set(struct sm_session *s, struct work *w, struct aas_node *resource)
{
	const struct aas_node *before = aas_copy(s->arena, sm_shared_node(w->shared));
	enum err err;
	if (!before)
		return no_memory(s);
	AAS_AT(asset(w), AssetInformation, defaultThumbnail).node = resource;
	if (resource)
		resource->parent = asset(w);
	if ((err = sm_store(s, w, NULL, STORE_OP_REPLACE)) || (err = sm_files_forget(s, before, sm_shared_node(w->shared), w->id)))
		return err;
	return sm_note(s, w, CHANGE_UPDATED, NULL, NULL);
}

enum err sm_thumbnail_put(struct sm_session *s, const char *aas_id, const struct sm_upload *u)
{
	const char *type = useful_type(u, NULL), *value = fresh_value(s->arena, u->info.file_name);
	struct aas_node *r;
	struct work *w;
	enum err err = sm_edit(s, STORE_SHELL, aas_id, &w);

	if (err)
		return err;
	if (!value || !(r = aas_node_new(w->shared->arena, AAS_Resource)) ||
	    !(AAS_AT(r, Resource, path).str = arena_strdup(w->shared->arena, value)) ||
	    !(AAS_AT(r, Resource, contentType).str = arena_strdup(w->shared->arena, type)))
		return no_memory(s);
	if ((err = store_blob(s, w, value, type, u)))
		return err;
	return thumbnail_set(s, w, r);
}

enum err sm_thumbnail_delete(struct sm_session *s, const char *aas_id)
{
	struct store_blob_info there;
	struct work *w;
	enum err err = sm_edit(s, STORE_SHELL, aas_id, &w);
	if (err || (err = blob_find(s, STORE_SHELL, aas_id, thumbnail_path(sm_shared_node(w->shared)), &there)))
		return err;
	return thumbnail_set(s, w, NULL);
}

/* -- what nobody points to any more ------------------------------------------------------------------------------------------------ */

static bool collect(const struct aas_node *n, struct map *values)
{
	const char *v = aas_is(n, AAS_File) ? AAS_AT(n, File, value).str :
			aas_is(n, AAS_AssetAdministrationShell) ? thumbnail_path(n) : NULL;
	/* what has a scheme is an address elsewhere and was never stored here */
	if (v && !strchr(v, ':') && !map_put(values, v, strlen(v), (void *)v, NULL))
		return false;
	for (const struct aas_node *c = aas_first_child(n); c; c = c->next)
		if (!collect(c, values))
			return false;
	return true;
}

enum err sm_files_forget(struct sm_session *s, const struct aas_node *before, const struct aas_node *after, const char *id)
{
	struct map had = MAP_INIT, has = MAP_INIT;
	struct map_item *it;
	enum store_kind kind = before && aas_is(before, AAS_AssetAdministrationShell) ? STORE_SHELL : STORE_SUBMODEL;
	enum err err = ERR_OK;

	if (!collect(before, &had) || (had.n && after && !collect(after, &has)))
		err = no_memory(s);
	for (size_t i = 0; !err && (it = map_next(&had, &i));)
		if (!map_get(&has, it->key, it->n))
			err = blob_del(s, kind, id, it->key);
	map_fini(&had);
	map_fini(&has);
	return err;
}

/* -- and what an earlier state pointed to ------------------------------------------------------------------------------------------------- */

struct sm_file_then {
	const char *key;
	struct store_blob_info info;
	struct sm_file_then *next;
};

enum err sm_files_then(struct sm_session *s, struct store_txn *txn, const struct aas_node *n, int64_t at_us, struct sm_file_then **out)
{
	enum store_kind kind = aas_is(n, AAS_AssetAdministrationShell) ? STORE_SHELL : STORE_SUBMODEL;
	struct map has = MAP_INIT;
	struct map_item *it;
	enum err err = collect(n, &has) ? ERR_OK : no_memory(s);
	*out = NULL;
	for (size_t i = 0; !err && (it = map_next(&has, &i));) {
		struct sm_file_then *f = ARENA_NEW(s->arena, struct sm_file_then);
		if (!f || !(f->key = sm_file_key(s->arena, kind, AAS_ID(n), it->key))) {
			err = no_memory(s);
		} else if (!(err = s->service->conf.store->ops->blob_at(txn, f->key, at_us, s->arena, &f->info))) {
			f->next = *out;
			*out = f;
		} else if (err == ERR_NOT_FOUND || err == ERR_GONE) {
			err = ERR_OK;	/* it led nowhere then */
		}
	}
	map_fini(&has);
	return err;
}

static enum err put_back(struct sm_session *s, struct store_txn *txn, const struct sm_file_then *f)
{
	const struct store_ops *ops = s->service->conf.store->ops;
	struct store_blob_info now;
	struct content bytes = { 0 };
	struct content_at from = { &bytes, 0 };
	enum err err = ops->blob_find(txn, f->key, s->arena, &now);
	if (!err && !memcmp(now.hash, f->info.hash, sizeof now.hash))
		return ERR_OK;
	if (err && err != ERR_NOT_FOUND)
		return err;
	if (!(err = ops->blob_open(s->service->conf.store, &f->info, &bytes)))
		err = ops->blob_put(txn, f->key, &f->info, source_content(&from), s->diag);
	content_close(&bytes);
	return err == ERR_NOT_FOUND ? ERR_AGAIN : err;
}

enum err sm_files_back(struct sm_session *s, const struct sm_file_then *f)
{
	struct store_txn *txn;
	enum err err = sm_txn(s, &txn);
	for (; f && !err; f = f->next)
		err = put_back(s, txn, f);
	return err;
}
