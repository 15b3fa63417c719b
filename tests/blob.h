/* SPDX-License-Identifier: Apache-2.0
 * blob.h - small files whole, for tests of the service.
 */
#ifndef TESTS_BLOB_H
#define TESTS_BLOB_H

#include "submodels/service.h"

/* *bytes must live as long. */
static inline struct sm_upload upload_of(const struct store_blob *b, const struct slice *bytes)
{
	struct sm_upload u = { .info = { b->content_type, b->file_name, (int64_t)bytes->n, { 0 } }, .content = content_slice(bytes) };
	sha256_of(bytes->p, bytes->n, u.info.hash);
	return u;
}

/* What `e` found, read to its end. */
static inline enum err whole(struct sm_session *s, enum err e, const struct store_blob_info *info, struct arena *a, struct store_blob *out)
{
	struct content c = { 0 };
	char *p = NULL;
	if (!e)
		e = sm_content_open(s, info, &c);
	if (!e && !(p = arena_raw(a, (size_t)info->size + 1)))
		e = ERR_NO_MEMORY;
	if (!e)
		e = c.read(c.ctx, 0, p, (size_t)info->size, NULL);
	content_close(&c);
	if (e)
		return e;
	p[info->size] = 0;
	*out = (struct store_blob){ info->content_type, info->file_name, { p, (size_t)info->size } };
	return ERR_OK;
}

#endif
