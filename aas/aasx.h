/* SPDX-License-Identifier: Apache-2.0
 * aasx.h - AASX packages (IDTA-01005): an OPC (ECMA-376 part 2) ZIP with JSON or XML parts and supplementary files.
 *
 * Reading is bounded: number of entries, size of each part, total size, compression ratio.  Path traversal, absolute and external
 * targets, duplicate parts, encrypted entries are refused with a message that names the part.  Specs are united by id: JSON counts
 * before XML, two different shells or submodels with one id are refused, of two concept descriptions the first is taken.
 */
#ifndef AAS_AASX_H
#define AAS_AASX_H

#include "aas/metamodel.h"

struct aasx_file {
	const char *path;		/* "/aasx/files/manual.pdf": as File.value names it (one entry per such name, the bytes are
					 * shared), or the part name when no File does */
	const char *content_type;
	struct slice bytes;
	struct aasx_file *next;
};

struct aasx {
	struct aas_node *environment;	/* all specs merged: shells, submodels, concept descriptions */
	struct aasx_file *files;	/* supplementary files, and the thumbnail */
	const char *thumbnail;		/* path of the package's thumbnail, or NULL */
};

/* `bytes` is the whole package.  Everything in *out belongs to the arena. */
enum err aasx_read(struct arena *, const void *bytes, size_t n, struct aasx *out, struct diag *);
bool aasx_is(const void *bytes, size_t n);	/* begins like a ZIP file */

#endif
