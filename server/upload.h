/* SPDX-License-Identifier: Apache-2.0
 * upload.h - the body of a request that brings a file: multipart/form-data or plain bytes, taken as they come.
 *
 * The file goes to a scratch (base/scratch.h), small fields stay in memory.  Afterwards the file can be read as often as wanted, so a
 * handler can be run again.  One thread at a time; upload_feed and upload_end may block on the disk.
 */
#ifndef SERVER_UPLOAD_H
#define SERVER_UPLOAD_H

#include "base/arena.h"
#include "base/scratch.h"

#define UPLOAD_FIELD_MAX 8192		/* bytes of a field that is no file */

struct upload_field {
	const char *name, *value;
	struct upload_field *next;
};

struct upload {
	const char *file_name, *content_type;	/* NULL: not given */
	struct upload_field *fields;		/* in their order, without fileName */
	struct scratch *file;
	/* for upload.c: */
	struct arena *arena;
	struct multipart *parts;		/* NULL: the body is the file */
	struct upload_field **tail;
	const struct multipart_part *part;
	const char *field_name;			/* of the part fileName */
	char *text;				/* of a field: UPLOAD_FIELD_MAX + 1 */
	size_t n_text;
	int64_t left;				/* bytes that the whole body may have */
	bool any, to_file, has_file, too_long;	/* any: at least one byte came */
};

/* `content_type` is the header or NULL.  ERR_MEDIA_TYPE, ERR_BAD_REQUEST.  `dir` and `max` as for scratch_new.  All but the scratch is in
 * the arena. */
enum err upload_new(struct arena *, const char *content_type, const char *dir, int64_t max, struct upload **, struct diag *);
void upload_free(struct upload *);		/* NULL is allowed */
enum err upload_feed(struct upload *, const char *p, size_t n, struct diag *);
enum err upload_end(struct upload *, struct diag *);

#endif
