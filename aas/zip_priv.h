/* SPDX-License-Identifier: Apache-2.0
 * zip_priv.h - inside of zip.c and zip_stream.c.
 */
#ifndef AAS_ZIP_PRIV_H
#define AAS_ZIP_PRIV_H

#include "aas/zip.h"

struct zip_file {
	const struct zip_bytes *from;
	struct zip_entry *entry;	/* sorted by key */
	size_t n;
	size_t unpacked;		/* of all entries so far */
	char *header;			/* while it is opened: room for one local header */
};

/* What one entry takes of the archive, its header included. */
struct span {
	size_t from, to;
	const char *name;
};

enum err zip_fetch(const struct zip_bytes *, size_t at, void *to, size_t n, struct diag *);

#endif
