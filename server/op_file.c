/* SPDX-License-Identifier: Apache-2.0
 * op_file.c - the bytes behind a File element, and the thumbnail of a shell.
 */
#include "server/call.h"
#include "server/op.h"

/* Never shown in place: a stored document may carry scripts.  The name goes into a header: only what is harmless there. */
static enum err reply_file(struct call *c, const struct store_blob *b)
{
	char *name = arena_strdup(c->arena, b->file_name && *b->file_name ? b->file_name : "file");
	if (!name)
		return ERR_NO_MEMORY;
	for (char *p = name; *p; p++)
		if (*p < ' ' || *p > '~' || strchr("\"\\/", *p))
			*p = '_';
	reply_raw(c, b->content_type, b->bytes);
	c->reply.disposition = arena_printf(c->arena, "attachment; filename=\"%s\"", name);
	return c->reply.disposition ? ERR_OK : ERR_NO_MEMORY;
}

static struct store_blob body_blob(const struct call *c)
{
	return (struct store_blob){ c->part_type, c->file_name, c->body };
}

enum err op_file_get(struct call *c)
{
	struct store_blob b;
	enum err err = sm_file_get(c->session, c->sm_id, c->id_short_path, &b);
	return err ? err : reply_file(c, &b);
}

enum err op_file_put(struct call *c)
{
	struct store_blob b = body_blob(c);
	return sm_file_put(c->session, c->sm_id, c->id_short_path, &b);
}

enum err op_file_delete(struct call *c)
{
	return sm_file_delete(c->session, c->sm_id, c->id_short_path);
}

enum err op_thumbnail_get(struct call *c)
{
	struct store_blob b;
	enum err err = sm_thumbnail_get(c->session, c->aas_id, &b);
	return err ? err : reply_file(c, &b);
}

enum err op_thumbnail_put(struct call *c)
{
	struct store_blob b = body_blob(c);
	return sm_thumbnail_put(c->session, c->aas_id, &b);
}

enum err op_thumbnail_delete(struct call *c)
{
	return sm_thumbnail_delete(c->session, c->aas_id);
}
