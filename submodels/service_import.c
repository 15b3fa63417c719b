/* SPDX-License-Identifier: Apache-2.0
 * service_import.c - an environment with its files into the store: one transaction, all or nothing.
 *
 * Who wants all findings gets them: after a fault the rest is looked at, but nothing is written any more.
 */
#include "aas/rules.h"
#include "aas/tree.h"
#include "submodels/session.h"

#define PORTION 256			/* identifiables that are looked for, and written, together */

struct import {
	struct sm_session *s;
	const struct aasx *package;
	bool packed;			/* it is one: there is a place where its files would be */
	struct map files;		/* path -> struct aasx_file */
	struct map taken;		/* paths that were stored at least once */
	struct map sums;		/* part name -> struct sum */
	struct map brought[STORE_N_KINDS];	/* id -> the node of the package */
	enum sm_import_mode mode;
	struct sm_import_report *report;
	struct findings *findings;	/* NULL: the first fault ends the import */
	struct sm_import_item **tail;	/* of the report's items */
	bool has[PORTION];		/* of the identifiables of now: the store has it already */
	const struct aas_node *fresh[PORTION];	/* to be created */
	size_t n_fresh;
};

/* Of one part of the package, which several values may name. */
struct sum {
	int64_t size;
	unsigned char hash[SHA256_SIZE];
};

void sm_import_watch(struct sm_session *s, void (*step)(void *ctx, const struct sm_import_report *), void *ctx)
{
	s->step = step;
	s->step_ctx = ctx;
}

static void step(const struct import *im)
{
	if (im->s->step)
		im->s->step(im->s->step_ctx, im->report);
}

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

/* It would be a file of the package: no URL, and nothing that means the whole package. */
static bool is_local(const char *value)
{
	size_t n = strcspn(value, ":/?#");
	return *value && *value != '#' && value[n] != ':';
}

/* `n` is the element or the thumbnail that names it.  It may lead anywhere once it is stored, so this is no fault. */
static enum err missing_file(struct import *im, const struct aas_node *n, const char *value)
{
	struct diag_frame f;
	const char *path = aas_is(n, AAS_File) ? sm_path_of(im->s, n) : "assetInformation.defaultThumbnail";
	if (!path)
		return no_memory(im);
	diag_push(im->s->diag, &f, path);
	diag_add(im->s->diag, ERR_OK, "the package has no file \"%.200s\"", value);
	diag_pop(im->s->diag);
	return ERR_OK;
}

static enum err keep(struct import *im, enum store_kind kind, const char *id, const struct aas_node *n, const char *value)
{
	const struct aasx_file *f = value ? part(im, value) : NULL;
	struct store_txn *txn;
	const char *key;
	void *old = NULL;
	enum err err;

	if (!f)
		return im->findings && im->packed && value && is_local(value) ? missing_file(im, n, value) : ERR_OK;
	if (!(key = sm_file_key(im->s->arena, kind, id, value)))
		return no_memory(im);
	if ((err = sm_txn(im->s, &txn)) || (err = put_file(im, txn, key, f)))
		return err;
	if (!map_put(&im->taken, f->path, strlen(f->path), (void *)f, &old))
		return no_memory(im);
	im->report->files += old == NULL;
	step(im);
	return ERR_OK;
}

static enum err keep_below(struct import *im, const char *sm_id, const struct aas_node *n)
{
	enum err err = aas_is(n, AAS_File) ? keep(im, STORE_SUBMODEL, sm_id, n, AAS_AT(n, File, value).str) : ERR_OK;
	for (const struct aas_node *c = aas_first_child(n); c && !err; c = c->next)
		err = keep_below(im, sm_id, c);
	return err;
}

static enum err keep_files(struct import *im, enum store_kind kind, const struct aas_node *n)
{
	const struct aas_node *info, *thumb;
	if (!im->files.n && !(im->findings && im->packed))
		return ERR_OK;
	if (kind == STORE_SUBMODEL)
		return keep_below(im, AAS_ID(n), n);
	info = kind == STORE_SHELL ? AAS_AT(n, AssetAdministrationShell, assetInformation).node : NULL;
	thumb = info ? AAS_AT(info, AssetInformation, defaultThumbnail).node : NULL;
	return thumb ? keep(im, kind, AAS_ID(n), thumb, AAS_AT(thumb, Resource, path).str) : ERR_OK;
}

/* A package may name the same thing twice, for two shells (pitfall 65); two different ones of one id are a conflict. */
static enum err once(struct import *im, enum store_kind kind, struct aas_node *n, bool *again, bool *differs)
{
	void *old = NULL;
	if (!map_put(&im->brought[kind], AAS_ID(n), strlen(AAS_ID(n)), n, &old))
		return no_memory(im);
	*again = old && aas_equal(old, n);
	*differs = old && !*again;
	return ERR_OK;
}

static enum err tell(struct import *im, enum store_kind kind, const char *id, const char *done, size_t *count)
{
	struct sm_import_report *r = im->report;
	++*count;
	if (!im->findings || r->n_items++ >= SM_IMPORT_ITEMS)
		return ERR_OK;
	struct sm_import_item *i = ARENA_NEW(im->s->arena, struct sm_import_item);
	if (!i)
		return no_memory(im);
	*i = (struct sm_import_item){ kind, id, done, NULL };
	*im->tail = i;
	im->tail = &i->next;
	return ERR_OK;
}

static enum err exists(struct import *im, enum store_kind kind, const char *id)
{
	return diag_add(im->s->diag, ERR_CONFLICT, "a %s with the id \"%s\" exists already", sm_kind_name[kind], id);
}

/* After a fault: what would be wrong with it too.  It may be as a reader leaves it that collects. */
static enum err look(struct import *im, enum store_kind kind, struct aas_node *n, bool has)
{
	const char *id = AAS_ID(n);
	bool again = false, differs = false;
	enum err e, broken = aas_rules_check(n, AAS_RULES_LENIENT, im->s->diag);
	if ((broken && broken != ERR_BAD_REQUEST) || !id)
		return broken;
	if ((e = once(im, kind, n, &again, &differs)))
		return e;
	has = has && im->mode == SM_IMPORT_NEW && !again;
	return has || (differs && im->mode != SM_IMPORT_REPLACE) ? exists(im, kind, id) : broken;
}

static enum err write_fresh(struct import *im, enum store_kind kind)
{
	enum err err = im->n_fresh ? sm_create_many(im->s, kind, im->fresh, im->n_fresh) : ERR_OK;
	im->n_fresh = 0;
	return err;
}

static enum err create(struct import *im, enum store_kind kind, struct aas_node *n, bool has)
{
	enum err err = aas_rules_check(n, AAS_RULES_LENIENT, im->s->diag);
	if (err || has)
		return err ? err : exists(im, kind, AAS_ID(n));
	im->fresh[im->n_fresh++] = n;
	return tell(im, kind, AAS_ID(n), "created", &im->report->created);
}

static enum err replace(struct import *im, enum store_kind kind, struct aas_node *n)
{
	bool created = false;
	enum err err = write_fresh(im, kind);
	if (err || (err = sm_put(im->s, kind, AAS_ID(n), n, &created)))
		return err;
	sm_spare(im->s, kind, AAS_ID(n));
	return created ? tell(im, kind, AAS_ID(n), "created", &im->report->created) :
			 tell(im, kind, AAS_ID(n), "replaced", &im->report->replaced);
}

static enum err bring(struct import *im, enum store_kind kind, struct aas_node *n, bool has)
{
	bool again = false, differs = false;
	enum err err;

	if (im->findings && im->findings->faults)
		return look(im, kind, n, has);
	if ((err = once(im, kind, n, &again, &differs)))
		return err;
	has |= differs;
	if (again || (has && im->mode == SM_IMPORT_IGNORE_DUPLICATES))
		return tell(im, kind, AAS_ID(n), "skipped", &im->report->skipped);
	/* At the time when history says that it was replaced its files are the new ones. */
	if (has && im->mode == SM_IMPORT_REPLACE)
		return (err = keep_files(im, kind, n)) ? err : replace(im, kind, n);
	err = create(im, kind, n, has);
	return err ? err : keep_files(im, kind, n);
}

/* Those from n on that are looked for together. */
static enum err ask(struct import *im, enum store_kind kind, const struct aas_node *n)
{
	const char *id[PORTION];
	size_t k = 0;
	enum err err = write_fresh(im, kind);
	for (; n && k < PORTION; n = n->next)
		id[k++] = AAS_ID(n) ? AAS_ID(n) : "";	/* a reader that collects leaves it so */
	return err ? err : sm_has_many(im->s, kind, id, k, im->has);
}

/* What is wrong with the input, not with the store: the transaction can still be asked. */
static enum err go_on(const struct import *im, enum err e)
{
	return im->findings && (e == ERR_BAD_REQUEST || e == ERR_CONFLICT) ? ERR_OK : e;
}

static enum err bring_list(struct import *im, enum store_kind kind, unsigned list)
{
	const struct aas_node *env = im->package->environment;
	const struct aasx_item *from = im->package->items[list];
	struct diag_frame part, name, item;
	struct diag *d = im->s->diag;
	enum err err = ERR_OK;
	size_t i = 0;

	for (struct aas_node *n = env->slot[list].node, *next; n && !err; n = next, i++) {
		struct diag_frame *top = d->top;
		next = n->next;
		if (i % PORTION == 0 && (err = ask(im, kind, n)))
			return err;
		if (from)
			diag_push_part(d, &part, from->part);
		diag_push(d, &name, env->cls->props[list].name);
		diag_push_index(d, &item, from ? from->index : i);
		err = go_on(im, bring(im, kind, n, im->has[i % PORTION]));
		d->top = top;
		im->report->read++;
		step(im);
		from = from ? from->next : NULL;
	}
	return err || (im->findings && im->findings->faults) ? err : write_fresh(im, kind);
}

enum err sm_import_all(struct sm_session *s, const struct aasx *package, enum sm_import_mode mode, struct findings *findings,
		       struct sm_import_report *report)
{
	static const enum store_kind kinds[] = { STORE_SHELL, STORE_SUBMODEL, STORE_CONCEPT };	/* in the order of the metamodel */
	struct import im = { .s = s, .package = package, .mode = mode, .report = report, .findings = findings, .tail = &report->items };
	enum err err = ERR_OK;

	*report = (struct sm_import_report){ 0 };
	for (const struct aasx_file *f = package->files; f && !err; f = f->next)
		if (!map_put(&im.files, f->path, strlen(f->path), (void *)f, NULL))
			err = no_memory(&im);
	for (unsigned i = 0; i < 3; i++) {
		im.packed |= package->items[i] != NULL;
		for (const struct aas_node *n = package->environment->slot[i].node; n; n = n->next)
			report->total++;
	}
	for (unsigned i = 0; i < 3 && !err; i++)
		err = bring_list(&im, kinds[i], i);
	map_fini(&im.files);
	map_fini(&im.taken);
	map_fini(&im.sums);
	for (int k = 0; k < STORE_N_KINDS; k++)
		map_fini(&im.brought[k]);
	return err ? err : findings ? findings->err : ERR_OK;
}

enum err sm_import(struct sm_session *s, const struct aasx *package, enum sm_import_mode mode, struct sm_import_report *report)
{
	return sm_import_all(s, package, mode, NULL, report);
}
