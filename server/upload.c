/* SPDX-License-Identifier: Apache-2.0 */
#include "server/upload.h"

#include <strings.h>

#include "server/multipart.h"
#include "server/request.h"

#define OVERHEAD ((int64_t)1 << 20)	/* of a body: boundaries, headers and fields beside the file */

static enum err bad(const char *name, const char *text, struct diag *d)
{
	struct diag_frame f;
	diag_push(d, &f, name);
	diag_add(d, ERR_BAD_REQUEST, text, UPLOAD_FIELD_MAX);
	diag_pop(d);
	return ERR_BAD_REQUEST;
}

/* -- parts -------------------------------------------------------------------------------------------------------------------------- */

/* The part `file`, or the first that has a file name, whichever comes first. */
static enum err begin(void *ctx, const struct multipart_part *part, struct diag *d)
{
	struct upload *u = ctx;
	bool is_file = str_eq(part->name, "file");
	struct multipart_part *own = ARENA_NEW(u->arena, struct multipart_part);
	if (!own || (!u->text && !(u->text = arena_raw(u->arena, UPLOAD_FIELD_MAX + 1))))
		return diag_add(d, ERR_NO_MEMORY, "out of memory");
	*own = *part;
	u->part = own;
	u->n_text = 0;
	u->too_long = false;
	u->to_file = !u->has_file && (is_file || part->file_name);
	if (!u->to_file)
		return ERR_OK;
	u->has_file = true;
	u->file_name = part->file_name;
	u->content_type = part->content_type;
	return ERR_OK;
}

static enum err data(void *ctx, const char *p, size_t n, struct diag *d)
{
	struct upload *u = ctx;
	if (u->to_file)
		return scratch_write(u->file, p, n, d);
	if (n > UPLOAD_FIELD_MAX - u->n_text) {
		u->too_long = true;
		return u->part->file_name ? ERR_OK : bad(u->part->name, "is no text of at most %d bytes", d);
	}
	memcpy(u->text + u->n_text, p, n);
	u->n_text += n;
	return ERR_OK;
}

static enum err end(void *ctx, struct diag *d)
{
	struct upload *u = ctx;
	if (u->to_file || u->too_long)
		return ERR_OK;
	if (!utf8_xml_valid(u->text, u->n_text))
		return u->part->file_name ? ERR_OK : bad(u->part->name, "is no text of at most %d bytes", d);
	struct upload_field *f = ARENA_NEW(u->arena, struct upload_field);
	const char *text = arena_strndup(u->arena, u->text, u->n_text);
	if (!f || !text)
		return diag_add(d, ERR_NO_MEMORY, "out of memory");
	if (str_eq(u->part->name, "fileName")) {
		if (!u->field_name)
			u->field_name = text;
		return ERR_OK;
	}
	f->name = u->part->name;
	f->value = text;
	*u->tail = f;
	u->tail = &f->next;
	return ERR_OK;
}

/* -- the body ----------------------------------------------------------------------------------------------------------------------- */

static const char *known_type(const char *header)
{
	static const char *const known[] = {
		"application/octet-stream", "application/asset-administration-shell-package",
		"application/asset-administration-shell-package+xml", "application/asset-administration-shell-package+json",
		"application/aas+zip", "application/aasx+xml", "application/zip", "application/xml", "text/xml", "application/json",
	};
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (request_media_is(header, known[i]))
			return known[i];
	return NULL;
}

enum err upload_new(struct arena *a, const char *header, const char *dir, int64_t max, struct upload **out, struct diag *d)
{
	struct upload *u = ARENA_NEW(a, struct upload);
	enum err e;
	*out = NULL;
	if (!u)
		return ERR_NO_MEMORY;
	u->arena = a;
	u->tail = &u->fields;
	u->left = max > INT64_MAX - OVERHEAD ? INT64_MAX : max + OVERHEAD;
	header = header ? header : "application/octet-stream";
	if (request_media_is(header, "multipart/form-data")) {
		if ((e = multipart_new(a, header, (struct multipart_events){ begin, data, end, u }, &u->parts, d)))
			return e;
	} else if (!(u->content_type = known_type(header))) {
		return diag_add(d, ERR_MEDIA_TYPE, "the body must be multipart/form-data with a part named file");
	}
	if (!(u->file = scratch_new(dir, max)))
		return ERR_NO_MEMORY;
	*out = u;
	return ERR_OK;
}

void upload_free(struct upload *u)
{
	if (!u)
		return;
	scratch_free(u->file);
	u->file = NULL;
}

enum err upload_feed(struct upload *u, const char *p, size_t n, struct diag *d)
{
	if ((uint64_t)n > (uint64_t)u->left)
		return diag_add(d, ERR_TOO_LARGE, "the body is larger than a file may be here");
	u->left -= (int64_t)n;
	u->any |= n > 0;
	return u->parts ? multipart_feed(u->parts, p, n, d) : scratch_write(u->file, p, n, d);
}

enum err upload_end(struct upload *u, struct diag *d)
{
	enum err e = u->parts ? multipart_end(u->parts, d) : ERR_OK;
	if (!e && u->parts && !u->has_file)
		e = bad("file", "is missing in the multipart body", d);
	if (u->field_name && *u->field_name)
		u->file_name = u->field_name;
	return e ? e : scratch_end(u->file, d);
}
