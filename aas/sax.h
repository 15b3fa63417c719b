/* SPDX-License-Identifier: Apache-2.0
 * sax.h - XML as events: elements and texts as they come.  No network, no entities, no document types.
 *
 * The only thing of libxml2 that the rest of the program sees.  Any thread; a reading belongs to one.
 */
#ifndef AAS_SAX_H
#define AAS_SAX_H

#include "base/diag.h"
#include "base/str.h"

struct sax_attr {
	const char *ns, *name;	/* ns is "" when there is none */
	struct slice value;
};

/* The texts live during the call; an error ends the reading and is its result. */
struct sax_ops {
	enum err (*start)(void *ctx, const char *ns, const char *name, const struct sax_attr *, unsigned n);
	enum err (*end)(void *ctx);
	enum err (*text)(void *ctx, const char *text, size_t n);
};

struct sax_from {
	const struct sax_ops *ops;
	void *ctx;
	unsigned line;		/* where the reading stands, from 1 */
};

enum err sax_parse(const char *text, size_t n, struct sax_from *, struct diag *);

#endif
