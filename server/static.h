/* SPDX-License-Identifier: Apache-2.0
 * static.h - the files of the console: from a table compiled into the program, or from a directory while it is being developed.
 */
#ifndef SERVER_STATIC_H
#define SERVER_STATIC_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct arena;

struct static_file {
	const char *path;		/* "/index.html", "/assets/app.js" */
	const char *content_type;
	const char *etag;		/* with its quotes */
	const unsigned char *bytes;
	size_t n;
};

/* The table compiled into the program: a generated file defines it, server/serve.c hands it to http_start. */
extern const struct static_file static_files[];
extern const size_t n_static_files;

/* `path` is percent-encoded as in the request; "/" means "/index.html", "/api-docs" means "/docs.html".  NULL: no such file. */
const struct static_file *static_find(const struct static_file *, size_t n, struct slice path);

/* Read a file below `dir`; hidden names and ".." are refused.  ERR_NOT_FOUND, ERR_NO_MEMORY, ERR_IO.  Blocks: worker thread. */
#define STATIC_FILE_MAX ((size_t)64 << 20)
enum err static_read(struct arena *, const char *dir, struct slice path, struct buf *bytes, const char **content_type);

#endif
