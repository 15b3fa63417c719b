/* SPDX-License-Identifier: Apache-2.0
 * sax.h - XML as a stream of three events; the parser behind it (libxml2) is seen by sax.c alone.
 *
 * The text is pulled from a source, so it need not be in memory.
 * UTF-8, UTF-16 and the common 8-bit encodings come in, UTF-8 goes out.  A DOCTYPE is refused, so there are no entities but the five
 * and character references, and nothing is ever fetched.  The callbacks bound depth and text; a tag with all its attributes has at most
 * 128 KiB (ERR_TOO_LARGE); the parser bounds names, comments and CDATA sections (10 MB each) and the depth (256).
 * Comments and processing instructions are left out.
 */
#ifndef AAS_SAX_H
#define AAS_SAX_H

#include "base/diag.h"
#include "base/str.h"
#include "base/stream.h"

struct sax_attr {
	const char *ns;			/* "" when it has none */
	const char *name;
	struct slice value;
};

struct sax_ops {
	/* Any result but ERR_OK ends the parsing and is returned by sax_parse; the callback has said why.  The texts of ns and name are
	 * kept once until the parsing ends: where pointers are equal the texts are. */
	enum err (*start)(void *ctx, const char *ns, const char *name, const struct sax_attr *, unsigned n);
	enum err (*end)(void *ctx);
	enum err (*text)(void *ctx, const char *p, size_t n);	/* in pieces */
};

struct sax_from {
	const struct sax_ops *ops;
	void *ctx;
	void *parser;			/* sax.c's, while it parses */
};

/* ERR_BAD_REQUEST with the line when the text is no well-formed XML. */
enum err sax_parse(struct source, struct sax_from *, struct diag *);
/* The line the parser is in; for the callbacks' messages. */
unsigned sax_line(const struct sax_from *);

#endif
