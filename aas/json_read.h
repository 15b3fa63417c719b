/* SPDX-License-Identifier: Apache-2.0
 * json_read.h - the JSON reader for readers of larger texts, who own a piece of it that may be changed.
 */
#ifndef AAS_JSON_READ_H
#define AAS_JSON_READ_H

#include "aas/metamodel.h"

struct aas_json_piece {
	char *text;		/* n bytes, followed by AAS_SCAN_PAD zero bytes; strings are unescaped and terminated in it */
	size_t n;
	size_t base;		/* where the piece stands in the whole text, for messages */
	unsigned depth;		/* nodes around it */
	bool list;		/* an array of `type` */
};

/* As aas_json_read, but the tree keeps pointing into the piece and only its nodes are in the arena. */
enum err aas_json_read_piece(struct arena *, unsigned type, const struct aas_json_piece *, struct aas_node **out, struct diag *d);

#endif
