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

static enum err add(struct export *ex, enum store_kind kind, const struct aas_node *owner, const char *value, const char *type)
{
	struct arena *a = ex->s->arena;
	const char *key;
	struct stored *f;
	void *old = NULL;
	enum err err;
	/* what has a scheme is an address elsewhere and was never stored here */
	if (!value || strchr(value, ':') || map_get(&ex->seen, value, strlen(value)))
		return ERR_OK;
	if (!map_put(&ex->seen, value, strlen(value), ex, NULL) || !(f = ARENA_NEW(a, struct stored)) ||
	    !(key = sm_file_key(a, kind, AAS_ID(owner), value)))
		return no_memory(ex);
	if ((err = find(ex, key, &f->info)))
		return err == ERR_NOT_FOUND ? ERR_OK : err;
	f->ex = ex;
	f->part = (struct aasx_part){ .owner = owner, .value = value, .content_type = type, .input = { read_stored, f } };
	if (!f->part.content_type)
		f->part.content_type = f->info.content_type;
	f->part.file_name = f->info.file_name;
	if (!map_put(&ex->values, value, strlen(value), f, &old))
		return no_memory(ex);
	f->alike = old;
	*ex->tail = f;
	ex->tail = &f->next;
	ex->n++;
	find_same(f);
	return ERR_OK;
}

static enum err add_below(struct export *ex, const struct aas_node *sm, const struct aas_node *n)
{
	enum err err = aas_is(n, AAS_File) ? add(ex, STORE_SUBMODEL, sm, AAS_AT(n, File, value).str, AAS_AT(n, File, contentType).str) : ERR_OK;
	for (const struct aas_node *c = aas_first_child(n); c && !err; c = c->next)
		err = add_below(ex, sm, c);
	return err;
}

static enum err collect(struct export *ex, const struct aas_node *env)
{
	enum err err = ERR_OK;
	for (const struct aas_node *n = AAS_AT(env, Environment, assetAdministrationShells).node; n && !err; n = n->next) {
		const struct aas_node *info = AAS_AT(n, AssetAdministrationShell, assetInformation).node;
		const struct aas_node *r = info ? AAS_AT(info, AssetInformation, defaultThumbnail).node : NULL;
		map_fini(&ex->seen);
		if (r)
			err = add(ex, STORE_SHELL, n, AAS_AT(r, Resource, path).str, AAS_AT(r, Resource, contentType).str);
	}
	for (const struct aas_node *n = AAS_AT(env, Environment, submodels).node; n && !err; n = n->next) {
		map_fini(&ex->seen);
		err = add_below(ex, n, n);
	}
	return err;
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

enum err sm_export(struct sm_session *s, struct aas_node *environment, enum aasx_form form, struct sink sink)
{
	struct export ex = { .s = s };
	ex.tail = &ex.first;
	enum err err = collect(&ex, environment);
	if (!err && !(err = line_up(&ex))) {
		struct aasx_content c = { .form = form, .environment = environment, .part = ex.row, .n = ex.n };
		/* shells come first: the thumbnail of the first that has one stands for the package */
		if (ex.first && aas_is(ex.first->part.owner, AAS_AssetAdministrationShell))
			c.thumbnail = ex.row;
		err = aasx_write(s->arena, sink, &c, s->diag);
	}
	map_fini(&ex.values);
	map_fini(&ex.seen);
	return err;
}
