/* SPDX-License-Identifier: Apache-2.0
 * opc.h - parts, content types and relationships of an Open Packaging Conventions package (ECMA-376 part 2), for aasx.c.
 *
 * Part names are the ZIP names, without a leading slash.  Everything returned belongs to the arena given to opc_open.  One thread.
 */
#ifndef AAS_OPC_H
#define AAS_OPC_H

#include "aas/zip.h"
#include "base/map.h"

#define OPC_RELS_MAX 10000	/* of one part */
#define OPC_TAG_MAX ((size_t)64 << 10)	/* bytes from one tag or comment to the next */
#define OPC_PART_MAX ((size_t)4 << 20)	/* bytes of [Content_Types].xml and of each .rels part */

struct opc {
	struct arena *arena;
	struct zip_file *zip;
	struct map types;	/* "/" and the key of a part, or an extension in lower case -> content type */
};

struct opc_rel {
	const char *type, *target;	/* as they are written */
	bool external;
	struct opc_rel *next;
};

/* Opens the archive and reads [Content_Types].xml.  On error too, opc_close is due. */
enum err opc_open(struct opc *, struct arena *, const struct zip_bytes *, struct diag *);
void opc_close(struct opc *);

/* What [Content_Types].xml says of the part; NULL: nothing. */
const char *opc_type(struct opc *, const char *part);
/* The relationships of the part `source` ("": of the package), in their order; *head is NULL when there are none. */
enum err opc_rels(struct opc *, const char *source, struct opc_rel **head, struct diag *);

/* A relative URI reference, resolved against the folder of the part `source`: *name is the part's name.  False when it is an absolute
 * URI or leads out of the package.  *part is NULL when there is no such part. */
bool opc_resolve(struct opc *, const char *source, const char *reference, const char **name, const struct zip_entry **part);

#endif
