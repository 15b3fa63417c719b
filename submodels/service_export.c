/* SPDX-License-Identifier: Apache-2.0
 * service_export.c - an environment and the stored files that it names into an AASX package.
 *
 * Which files there are must be known before the first byte is written, and a file may be large: each is found first, and read piece by
 * piece when its turn comes.  Equal bytes have equal sums.
 */
#include "aas/aasx.h"
#include "submodels/session.h"

struct stored {
	struct aasx_part part;
	struct store_blob_info info;
	int64_t at;			/* bytes that were read */
	struct export *ex;
	struct stored *next;
	struct stored *alike;		/* an earlier one with this value */
	struct stored *same;		/* an earlier one with this value and these bytes */
	struct aasx_part *row;		/* its copy in export.row */
};

struct export {
	struct sm_session *s;
	struct stored *first, **tail;
	size_t n;
	struct map values;		/* value -> the last struct stored of that name */
	struct map seen;		/* of one identifiable: value -> anything */
	struct arena *scratch;		/* likewise */
	struct aasx_part *row;		/* all parts, as aasx_write wants them */
};

static enum err no_memory(struct export *ex)
{
	return diag_add(ex->s->diag, ERR_NO_MEMORY, "out of memory");
}

static enum err find(struct export *ex, const char *key, struct store_blob_info *info)
{
	enum err err = sm_blob_find(ex->s, key, info);
	return err == ERR_GONE ? diag_add(ex->s->diag, err, "history is not kept that far back") : err;
}

/* For aasx_write: the bytes of one file, piece by piece. */
static enum err read_stored(void *ctx, char *p, size_t n, size_t *got, struct diag *d)
{
	struct stored *f = ctx;
	struct sm_session *s = f->ex->s;
	struct store_txn *txn;
	int64_t left = f->info.size - f->at;
	*got = (uint64_t)left < n ? (size_t)left : n;
	if (!*got)
		return ERR_OK;
	enum err err = sm_txn(s, &txn);
	if (!err)
		err = s->service->conf.store->ops->blob_read(txn, &f->info, f->at, p, *got);
	f->at += (int64_t)*got;
	return err ? diag_add(d, err, "the file \"%.200s\" cannot be read", f->part.value) : ERR_OK;
}

/* A package that was imported for several submodels has its files once. */
static void find_same(struct stored *f)
{
	for (struct stored *o = f->alike; o && !f->same; o = o->alike)
		if (!o->same && !memcmp(o->info.hash, f->info.hash, sizeof f->info.hash))
			f->same = o;
}

/* `value` and `type` are of an identifiable that goes away. */
static enum err add(struct export *ex, enum store_kind kind, const char *owner, const char *value, const char *type)
{
	struct arena *a = ex->s->arena;
	struct store_blob_info info;
	const char *key;
	struct stored *f;
	void *old = NULL;
	enum err err;
	/* what has a scheme is an address elsewhere and was never stored here */
	if (!value || strchr(value, ':') || map_get(&ex->seen, value, strlen(value)))
		return ERR_OK;
	if (!map_put(&ex->seen, value, strlen(value), ex, NULL) || !(key = sm_file_key(ex->scratch, kind, owner, value)))
		return no_memory(ex);
	if ((err = find(ex, key, &info)))
		return err == ERR_NOT_FOUND ? ERR_OK : err;
	if (!(f = ARENA_NEW(a, struct stored)) || !(value = arena_strdup(a, value)) || (type && !(type = arena_strdup(a, type))) ||
	    !(owner = arena_strdup(a, owner)))
		return no_memory(ex);
	f->ex = ex;
	f->info = info;
	f->part = (struct aasx_part){
		.owner = owner, .owner_class = sm_kind_class[kind], .value = value, .content_type = type ? type : info.content_type,
		.file_name = info.file_name, .input = { read_stored, f },
	};
	if (!map_put(&ex->values, value, strlen(value), f, &old))
		return no_memory(ex);
	f->alike = old;
	*ex->tail = f;
	ex->tail = &f->next;
	ex->n++;
	find_same(f);
	return ERR_OK;
}

static enum err add_below(struct export *ex, const char *sm, const struct aas_node *n)
{
	enum err err = aas_is(n, AAS_File) ? add(ex, STORE_SUBMODEL, sm, AAS_AT(n, File, value).str, AAS_AT(n, File, contentType).str) : ERR_OK;
	for (const struct aas_node *c = aas_first_child(n); c && !err; c = c->next)
		err = add_below(ex, sm, c);
	return err;
}

/* The files of one identifiable. */
static enum err collect(void *to, struct aas_node *n, struct diag *d)
{
	struct export *ex = to;
	(void)d;
	map_fini(&ex->seen);
	arena_reset(ex->scratch);
	if (aas_is(n, AAS_Submodel))
		return add_below(ex, AAS_ID(n), n);
	const struct aas_node *info = aas_is(n, AAS_AssetAdministrationShell) ? AAS_AT(n, AssetAdministrationShell, assetInformation).node : NULL;
	const struct aas_node *r = info ? AAS_AT(info, AssetInformation, defaultThumbnail).node : NULL;
	return r ? add(ex, STORE_SHELL, AAS_ID(n), AAS_AT(r, Resource, path).str, AAS_AT(r, Resource, contentType).str) : ERR_OK;
}

static enum err line_up(struct export *ex)
{
	struct aasx_part *row = ex->row = ARENA_ARRAY(ex->s->arena, struct aasx_part, ex->n + 1);
	if (!row)
		return no_memory(ex);
	for (struct stored *f = ex->first; f; f = f->next) {
		f->row = row++;
		*f->row = f->part;
		f->row->same = f->same ? f->same->row : NULL;
	}
	return ERR_OK;
}

enum err sm_export(struct sm_session *s, struct aasx_items items, enum aasx_form form, struct sink sink)
{
	struct export ex = { .s = s, .scratch = arena_new(0) };
	ex.tail = &ex.first;
	enum err err = ex.scratch ? items.each(items.ctx, collect, &ex, s->diag) : no_memory(&ex);
	if (!err && !(err = line_up(&ex))) {
		struct aasx_content c = { .form = form, .items = items, .part = ex.row, .n = ex.n };
		/* shells come first: the thumbnail of the first that has one stands for the package */
		if (ex.first && ex.first->part.owner_class == AAS_AssetAdministrationShell)
			c.thumbnail = ex.row;
		err = aasx_write(s->arena, sink, &c, s->diag);
	}
	map_fini(&ex.values);
	map_fini(&ex.seen);
	arena_free(ex.scratch);
	return err;
}
