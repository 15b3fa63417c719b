/* SPDX-License-Identifier: Apache-2.0
 * file.h - small files read whole and written whole.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/arena.h"
#include "base/diag.h"
#include "base/str.h"

/* The whole file, NUL-terminated behind its end; ERR_TOO_LARGE beyond `limit` bytes, ERR_IO with the system's reason. */
enum err file_read(struct arena *, const char *name, size_t limit, struct slice *out, struct diag *);
/* Replaces the file in one step (written beside it, then renamed). */
enum err file_write(const char *name, const void *p, size_t n, unsigned mode, struct diag *);
/* Makes the directory and those above it. */
enum err file_mkdirs(const char *name, unsigned mode, struct diag *);

#endif
