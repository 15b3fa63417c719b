/* SPDX-License-Identifier: Apache-2.0
 * view.h - what a client asks to see of a tree: $value, $metadata, $path, $reference, level, extent (IDTA-01002, "SerializationModifier").
 */
#ifndef AAS_VIEW_H
#define AAS_VIEW_H

#include "aas/metamodel.h"
#include "base/buf.h"

enum aas_modifier { AAS_NORMAL, AAS_METADATA, AAS_VALUE, AAS_PATH, AAS_REFERENCE };

struct aas_view {
	enum aas_modifier modifier;
	bool core;		/* level=core: the node and its direct children */
	bool blobs;		/* extent=withBlobValue */
	/* When set: asked for every Property and Range text, and for the lastUpdate of every BasicEventElement; the answer replaces the
	 * stored `value` (NULL: keep the stored one, a text whose first byte is NUL and which is `aas_view_absent`: show no value).
	 * `n` is the element; the text of a Range is its min and max with one space between them ("12.5 40"). */
	const char *(*live)(void *ctx, const struct aas_node *n);
	void *live_ctx;
};

extern const char aas_view_absent[];

/* Write `n` as the view wants it.  $path of a container is an array of idShortPaths, $reference one Reference (n must be in its
 * submodel's tree, so that parents lead to the root).  ERR_BAD_REQUEST where the combination is not allowed (spec/errors.md 3). */
enum err aas_view_write(struct buf *, const struct aas_node *n, const struct aas_view *, struct diag *);

/* The idShortPaths of n and of what is below it (core: of its direct children), each a JSON string after a comma, or after the "[" that
 * the buffer ends in.  Any element: a leaf has its own, a submodel none.  Failure is the buffer's. */
void aas_view_paths(struct buf *, const struct aas_node *n, bool core);

/* Value-only JSON into an existing tree: structure must match, nothing is created or deleted (spec/value_only.md 10).
 * All or nothing.  New texts are allocated in `a`, which must live as long as the tree. `changed` is called once per leaf that was
 * written, after the whole input has been accepted; may be NULL. */
enum err aas_value_read(struct arena *a, struct aas_node *n, const char *text, size_t len,
			void (*changed)(void *ctx, struct aas_node *leaf), void *ctx, struct diag *);

#endif
