/* SPDX-License-Identifier: Apache-2.0
 * service_import.c - an environment with its files into the store: one transaction, all or nothing.
 */
#include "aas/tree.h"
#include "submodels/session.h"

struct import {
	struct sm_session *s;
	const struct aasx *package;
	struct map files;		/* path -> struct aasx_file */
	struct map taken;		/* paths that were stored at least once */
	struct map sums;		/* part name -> struct sum */
	struct map brought[STORE_N_KINDS];	/* id -> the node of the package */
	enum sm_import_mode mode;
	struct sm_import_report *report;
};

/* Of one part of the package, which several values may name. */
struct sum {
	int64_t size;
	unsigned char hash[SHA256_SIZE];
};

static enum err no_memory(struct import *im)
{
	return diag_add(im->s->diag, ERR_NO_MEMORY, "out of memory");
}

/* A File of a package names its part by the part's name; some tools leave out the slash at the front. */
static const struct aasx_file *part(const struct import *im, const char *value)
{
	const struct aasx_file *f = map_get(&im->files, value, strlen(value));
	char *rooted = f || value[0] == '/' ? NULL : arena_printf(im->s->arena, "/%s", value);
	return rooted ? map_get(&im->files, rooted, strlen(rooted)) : f;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

static enum err read_zip(void *ctx, char *p, size_t n, size_t *got, struct diag *d)
{
	return zip_stream_read(ctx, p, n, got, d);
}

/* A part has to be unpacked once for its sum, and again if such bytes are not stored yet. */
static enum err sum_of(struct import *im, const struct aasx_file *f, struct sum *out)
{
	struct sha256 *sum = sha256_new();
	struct zip_stream *z = NULL;
	char piece[16384];
	size_t got = 1;
	enum err err = sum ? zip_stream_open(im->package->archive, f->part, &z, im->s->diag) : no_memory(im);
	while (!err && got && !(err = zip_stream_read(z, piece, sizeof piece, &got, im->s->diag)))
		sha256_add(sum, piece, got);
	zip_stream_close(z);
	if (!err && !sha256_end(sum, out->hash))
		err = no_memory(im);
	sha256_free(sum);
	out->size = (int64_t)f->part->size;
	return err;
}

static enum err put_part(struct import *im, struct store_txn *txn, const char *key, const struct aasx_file *f, struct store_blob_info *info)
{
	const char *name = f->part->name;
	struct sum *sum = map_get(&im->sums, name, strlen(name));
	struct zip_stream *z;
	enum err err;
	if (!sum) {
		if (!(sum = ARENA_NEW(im->s->arena, struct sum)))
			return no_memory(im);
		if ((err = sum_of(im, f, sum)))
			return err;
		if (!map_put(&im->sums, name, strlen(name), sum, NULL))
			return no_memory(im);
	}
	info->size = sum->size;
	memcpy(info->hash, sum->hash, sizeof info->hash);
	if ((err = zip_stream_open(im->package->archive, f->part, &z, im->s->diag)))
		return err;
	err = im->s->service->conf.store->ops->blob_put(txn, key, info, (struct source){ read_zip, z }, im->s->diag);
	zip_stream_close(z);
	return err;
}

static enum err put_file(struct import *im, struct store_txn *txn, const char *key, const struct aasx_file *f)
{
	struct store_blob_info info = {
		.content_type = f->content_type ? f->content_type : "application/octet-stream", .file_name = base_name(f->path),
	};
	if (!f->bytes.p && im->package->archive)
		return put_part(im, txn, key, f, &info);
	struct store_blob b = { info.content_type, info.file_name, f->bytes };
	return store_blob_put(im->s->service->conf.store, txn, key, &b);
}

static enum err keep(struct import *im, enum store_kind kind, const char *id, const char *value)
{
	const struct aasx_file *f = value ? part(im, value) : NULL;
	struct store_txn *txn;
	const char *key;
	void *old = NULL;
	enum err err;

	if (!f)
		return ERR_OK;
	if (!(key = sm_file_key(im->s->arena, kind, id, value)))
		return no_memory(im);
	if ((err = sm_txn(im->s, &txn)) || (err = put_file(im, txn, key, f)))
		return err;
	if (!map_put(&im->taken, f->path, strlen(f->path), (void *)f, &old))
		return no_memory(im);
	im->report->files += old == NULL;
	return ERR_OK;
}

static enum err keep_below(struct import *im, const char *sm_id, const struct aas_node *n)
{
	enum err err = aas_is(n, AAS_File) ? keep(im, STORE_SUBMODEL, sm_id, AAS_AT(n, File, value).str) : ERR_OK;
	for (const struct aas_node *c = aas_first_child(n); c && !err; c = c->next)
		err = keep_below(im, sm_id, c);
	return err;
}

static enum err keep_files(struct import *im, enum store_kind kind, const struct aas_node *n)
{
	const struct aas_node *info, *thumb;
	if (!im->files.n)
		return ERR_OK;
	if (kind == STORE_SUBMODEL)
		return keep_below(im, AAS_ID(n), n);
	info = kind == STORE_SHELL ? AAS_AT(n, AssetAdministrationShell, assetInformation).node : NULL;
	thumb = info ? AAS_AT(info, AssetInformation, defaultThumbnail).node : NULL;
	return thumb ? keep(im, kind, AAS_ID(n), AAS_AT(thumb, Resource, path).str) : ERR_OK;
}

/* A package may name the same thing twice, for two shells (pitfall 65); two different ones of one id are a conflict. */
static enum err once(struct import *im, enum store_kind kind, struct aas_node *n, bool *again)
{
	void *old = NULL;
	if (!map_put(&im->brought[kind], AAS_ID(n), strlen(AAS_ID(n)), n, &old))
		return no_memory(im);
	*again = old && aas_equal(old, n);
	return ERR_OK;
}

static enum err bring(struct import *im, enum store_kind kind, struct aas_node *n)
{
	bool has = false, created = true;
	enum err err = once(im, kind, n, &has);

	if (err)
		return err;
	if (!has && im->mode == SM_IMPORT_IGNORE_DUPLICATES && (err = sm_has(im->s, kind, AAS_ID(n), &has)))
		return err;
	if (has) {
		im->report->skipped++;
		return ERR_OK;
	}
	if (im->mode == SM_IMPORT_REPLACE)
		err = sm_put(im->s, kind, AAS_ID(n), n, &created);
	else
		err = sm_create(im->s, kind, n);
	if (err)
		return err;
	*(created ? &im->report->created : &im->report->replaced) += 1;
	return keep_files(im, kind, n);
}

static enum err bring_all(struct import *im, enum store_kind kind, const char *name, struct aas_node *first)
{
	struct diag_frame list, item;
	struct diag *d = im->s->diag;
	enum err err = ERR_OK;
	size_t i = 0;

	diag_push(d, &list, name);
	for (struct aas_node *n = first, *next; n && !err; n = next, i++) {
		next = n->next;
		diag_push_index(d, &item, i);
		err = bring(im, kind, n);
		diag_pop(d);
	}
	diag_pop(d);
	return err;
}

enum err sm_import(struct sm_session *s, const struct aasx *package, enum sm_import_mode mode, struct sm_import_report *report)
{
	struct import im = { .s = s, .package = package, .mode = mode, .report = report };
	const struct aas_node *env = package->environment;
	enum err err = ERR_OK;

	*report = (struct sm_import_report){ 0 };
	for (const struct aasx_file *f = package->files; f && !err; f = f->next)
		if (!map_put(&im.files, f->path, strlen(f->path), (void *)f, NULL))
			err = no_memory(&im);
	if (!err)
		err = bring_all(&im, STORE_SHELL, "assetAdministrationShells", AAS_AT(env, Environment, assetAdministrationShells).node);
	if (!err)
		err = bring_all(&im, STORE_SUBMODEL, "submodels", AAS_AT(env, Environment, submodels).node);
	if (!err)
		err = bring_all(&im, STORE_CONCEPT, "conceptDescriptions", AAS_AT(env, Environment, conceptDescriptions).node);
	map_fini(&im.files);
	map_fini(&im.taken);
	map_fini(&im.sums);
	for (int k = 0; k < STORE_N_KINDS; k++)
		map_fini(&im.brought[k]);
	return err;
}
