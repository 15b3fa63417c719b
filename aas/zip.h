/* SPDX-License-Identifier: Apache-2.0
 * zip.h - a ZIP archive in memory, read within bounds (libzip).
 *
 * Opening looks at the directory alone: number of entries, names, sizes, compression ratio, method, encryption, links, overlap.  Nothing
 * is unpacked before all of that is found harmless, and unpacking stops at the size that the directory promised.
 */
#ifndef AAS_ZIP_H
#define AAS_ZIP_H

#include "base/arena.h"
#include "base/diag.h"
#include "base/str.h"

#define ZIP_ENTRIES_MAX 10000
#define ZIP_ENTRY_MAX ((size_t)512 << 20)
#define ZIP_TOTAL_MAX ((size_t)1 << 30)
#define ZIP_RATIO_MAX 200		/* of a part beyond ZIP_RATIO_FREE bytes */
#define ZIP_RATIO_FREE ((size_t)1 << 20)

struct zip_file;

struct zip_entry {
	const char *name;		/* without a leading slash; never a folder */
	size_t size;
};

enum err zip_file_open(struct arena *, const void *bytes, size_t n, struct zip_file **, struct diag *);
void zip_file_close(struct zip_file *);		/* NULL is allowed */
size_t zip_file_count(const struct zip_file *);
const struct zip_entry *zip_file_entry(const struct zip_file *, size_t i);
/* By name, ASCII case ignored as OPC wants; NULL: none. */
const struct zip_entry *zip_file_find(const struct zip_file *, const char *name, size_t n);
/* The whole entry, NUL-terminated behind its end. */
enum err zip_file_read(struct zip_file *, const struct zip_entry *, struct arena *, struct slice *, struct diag *);

#endif
