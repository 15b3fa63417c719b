/* SPDX-License-Identifier: Apache-2.0
 * op_package.c - the AASX file server (IDTA-01002, "AASX File Server API"): packages kept as they came, byte for byte.
 *
 * A package that is stored here is not imported: its shells are not in the repository (POST /upload does that).  A new one is called
 * by its file name; which shells it holds the form says, else the package itself, which then must be one that can be read.
 */
#include <strings.h>

#include "aas/aasx.h"
#include "server/accept.h"
#include "server/op.h"
#include "server/package.h"

#define IDS_MAX 1000

static const char *const types[] = {
	"application/asset-administration-shell-package", "application/asset-administration-shell-package+xml", "application/aas+zip",
	"application/aasx+xml",
};

/* -- what came ------------------------------------------------------------------------------------------------------------------- */

static enum err add_id(struct arena *a, struct package_ids *ids, const char *id, struct diag *d)
{
	for (size_t i = 0; i < ids->n; i++)
		if (str_eq(ids->id[i], id))
			return ERR_OK;
	if (ids->n == IDS_MAX)
		return diag_add(d, ERR_BAD_REQUEST, "aasIds: a package may name at most %d shells", IDS_MAX);
	if (ids->n == ids->cap) {
		const char **more = ARENA_ARRAY(a, const char *, ids->cap = ids->cap ? ids->cap * 2 : 16);
		if (!more)
			return ERR_NO_MEMORY;
		if (ids->n)
			memcpy(more, ids->id, ids->n * sizeof *more);
		ids->id = more;
	}
	ids->id[ids->n++] = id;
	return ERR_OK;
}

/* The field may come several times, or hold several ids: clients that are generated from the specification join them by commas. */
enum err package_ids_of_form(struct call *c, struct package_ids *ids)
{
	enum err err = ERR_OK;
	for (size_t i = 0; c->query_rest && c->query_rest[i].name && !err; i++) {
		if (!str_eq(c->query_rest[i].name, "aasIds"))
			continue;
		char *text = arena_strdup(c->arena, c->query_rest[i].value), *save = NULL;
		if (!text)
			return ERR_NO_MEMORY;
		for (char *id = strtok_r(text, ",", &save); id && !err; id = strtok_r(NULL, ",", &save)) {
			id += strspn(id, " \t\r\n");
			if (utf8_length(id, strlen(id)) > 2048)
				err = diag_add(&c->diag, ERR_BAD_REQUEST, "aasIds: an id is longer than 2048 characters");
			else if (*id)
				err = add_id(c->arena, ids, id, &c->diag);
		}
	}
	return err;
}

enum err package_ids_of_file(struct arena *a, struct scratch *file, struct package_ids *ids, struct diag *d)
{
	struct zip_bytes bytes = op_zip_of(file);
	struct aasx_reader *reader = NULL;
	struct aasx package = { 0 };
	enum err err = aasx_open(a, &bytes, &reader, &package, d);
	const struct aas_node *shell = err ? NULL : AAS_AT(package.environment, Environment, assetAdministrationShells).node;
	for (; shell && !err; shell = shell->next)
		err = add_id(a, ids, AAS_ID(shell), d);
	aasx_close(reader);
	return err;
}

bool package_is(const struct scratch *f)
{
	char first[4];
	return scratch_size(f) >= (int64_t)sizeof first && !scratch_read(f, 0, first, sizeof first, NULL) && aasx_is(first, sizeof first);
}

static enum err read_package(struct call *c, struct store_package *p, struct sm_upload *u)
{
	struct package_ids ids = { 0 };
	struct diag_frame f;
	if (!package_is(c->upload->file))
		return diag_add(&c->diag, ERR_BAD_REQUEST, "file: this is no AASX package");
	enum err err = package_ids_of_form(c, &ids);
	if (!err && !ids.n) {
		if (!(c->findings = findings_of(c->arena, &c->diag)))
			return ERR_NO_MEMORY;
		diag_push(&c->diag, &f, "file");
		err = package_ids_of_file(c->arena, c->upload->file, &ids, &c->diag);
		diag_pop(&c->diag);
		findings_end(c->findings);
	}
	if (err)
		return err;
	*u = op_upload_of(c);
	u->info.content_type = types[0];
	if (!u->info.file_name || !*u->info.file_name)
		u->info.file_name = "package.aasx";
	*p = (struct store_package){
		.file_name = u->info.file_name, .aas_ids = ids.id, .n_aas_ids = ids.n, .size = u->info.size,
	};
	return ERR_OK;
}

/* -- what goes back -------------------------------------------------------------------------------------------------------------- */

static void describe(struct buf *b, const struct store_package *p)
{
	buf_puts(b, "{\"packageId\":");
	buf_json(b, p->id, strlen(p->id));
	buf_puts(b, ",\"aasIds\":[");
	for (size_t i = 0; i < p->n_aas_ids; i++) {
		buf_puts(b, i ? "," : "");
		buf_json(b, p->aas_ids[i], strlen(p->aas_ids[i]));
	}
	buf_puts(b, "]}");
}

enum err op_list_packages(struct call *c)
{
	struct store_package_page page;
	struct buf b = BUF_INIT;
	enum err err = sm_package_list(c->session, c->of_aas, c->after, c->limit, &page);
	if (err)
		return err;
	reply_page_begin(c);
	for (size_t i = 0; i < page.n; i++) {
		buf_reset(&b);
		describe(&b, &page.item[i]);
		reply_page_raw(c, buf_view(&b));
	}
	reply_page_end(c, page.next);
	err = b.failed ? ERR_NO_MEMORY : ERR_OK;
	buf_fini(&b);
	return err;
}

static enum err put(struct call *c, const char *id, enum store_put how)
{
	struct store_package p;
	struct sm_upload u;
	bool created;
	enum err err = read_package(c, &p, &u);
	if (err)
		return err;
	p.id = id ? id : p.file_name;
	if ((err = sm_package_put(c->session, &p, &u, how, &created)) || !created)
		return err;
	describe(&c->reply.body, &p);
	reply_created(c, "/packages/%s", reply_b64(c, p.id));
	return ERR_OK;
}

/* Without a name there is no id in it, and a name may be too long for one. */
enum err op_post_package(struct call *c)
{
	const char *name = c->upload->file_name;
	char id[UUID_SIZE];
	if (name && *name && utf8_length(name, strlen(name)) <= SM_PACKAGE_ID_MAX)
		return put(c, NULL, STORE_CREATE);
	uuid_v7(id);
	const char *own = arena_strdup(c->arena, id);
	return own ? put(c, own, STORE_CREATE) : ERR_NO_MEMORY;
}

enum err op_package_put(struct call *c)
{
	return put(c, c->package_id, STORE_EITHER);
}

enum err op_package_delete(struct call *c)
{
	return sm_package_delete(c->session, c->package_id);
}

/* The header of its own is plain ASCII. */
static enum err name_file(struct call *c, const char *name)
{
	char *ascii = arena_strdup(c->arena, name);
	if (!ascii)
		return ERR_NO_MEMORY;
	for (char *p = ascii; *p; p++)
		if (*p < ' ' || *p > '~' || strchr("\"\\/;", *p))
			*p = '_';
	c->reply.file_name = ascii;
	return ERR_OK;
}

enum err op_package_get(struct call *c)
{
	static const size_t n = sizeof types / sizeof *types;
	struct store_blob_info b;
	size_t type = accept_choose(c->accept, types, n);
	if (type == n && accept_choose(c->accept, (const char *const[]){ "application/octet-stream" }, 1))
		return diag_add(&c->diag, ERR_NOT_ACCEPTABLE, "the answer is %s", types[0]);
	enum err err = sm_package_get(c->session, c->package_id, &b);
	if (err)
		return err;
	if (!b.file_name || !*b.file_name)
		b.file_name = "package.aasx";
	err = name_file(c, b.file_name);
	return err ? err : reply_stored(c, type < n ? types[type] : types[0], &b);
}
