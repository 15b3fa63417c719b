/* SPDX-License-Identifier: Apache-2.0
 * op_file.c - the bytes behind a File element, and the thumbnail of a shell.
 */
#include "server/call.h"
#include "server/op.h"

struct sm_upload op_upload_from(struct scratch *file, const char *file_name, const char *content_type)
{
	struct sm_upload out = { .info = { content_type, file_name, scratch_size(file), { 0 } }, .content = scratch_content(file) };
	memcpy(out.info.hash, scratch_hash(file), sizeof out.info.hash);
	return out;
}

struct sm_upload op_upload_of(const struct call *c)
{
	return op_upload_from(c->upload->file, c->upload->file_name, c->upload->content_type);
}

static bool read_zip(void *ctx, size_t at, void *to, size_t n)
{
	return scratch_read(ctx, (int64_t)at, to, n, NULL) == ERR_OK;
}

struct zip_bytes op_zip_of(struct scratch *file)
{
	return (struct zip_bytes){ .n = (size_t)scratch_size(file), .read = read_zip, .ctx = file };
}

enum err op_file_get(struct call *c)
{
	struct store_blob_info b;
	enum err err = sm_file_get(c->session, c->sm_id, c->id_short_path, &b);
	return err ? err : reply_stored(c, b.content_type, &b);
}

enum err op_file_put(struct call *c)
{
	struct sm_upload u = op_upload_of(c);
	return sm_file_put(c->session, c->sm_id, c->id_short_path, &u);
}

enum err op_file_delete(struct call *c)
{
	return sm_file_delete(c->session, c->sm_id, c->id_short_path);
}

enum err op_thumbnail_get(struct call *c)
{
	struct store_blob_info b;
	enum err err = sm_thumbnail_get(c->session, c->aas_id, &b);
	return err ? err : reply_stored(c, b.content_type, &b);
}

enum err op_thumbnail_put(struct call *c)
{
	struct sm_upload u = op_upload_of(c);
	return sm_thumbnail_put(c->session, c->aas_id, &u);
}

enum err op_thumbnail_delete(struct call *c)
{
	return sm_thumbnail_delete(c->session, c->aas_id);
}
