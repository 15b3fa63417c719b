/* SPDX-License-Identifier: Apache-2.0
 * environment.h - environments larger than memory: read and written one identifiable at a time.
 *
 * Reading needs, beside a few buffers of 64 kB, the text and the tree of the largest identifiable.  What is accepted, what is refused and
 * the paths of the messages are those of aas_json_read and aas_xml_read; only that a fault may be found after some identifiables have
 * been handed over.  One thread.
 */
#ifndef AAS_ENVIRONMENT_H
#define AAS_ENVIRONMENT_H

#include "aas/metamodel.h"
#include "aas/v30.h"
#include "base/stream.h"

#define AAS_ITEM_MAX_DEFAULT ((size_t)1 << 29)

/* Who takes the identifiables, in the order of the text. */
struct aas_items {
	/* A shell, submodel or concept description; its parent is NULL.  The arena holds it and is emptied when this returns; more may be
	 * put there.  The path in d is that of the identifiable.  An error ends the reading and is its result. */
	enum err (*item)(void *ctx, struct arena *, struct aas_node *identifiable, struct diag *d);
	void *ctx;
	size_t item_max;	/* bytes for the text of one identifiable, and as many for its tree; 0: AAS_ITEM_MAX_DEFAULT */
};

/* ERR_TOO_LARGE or ERR_NO_MEMORY where an identifiable is larger than item_max. */
enum err aas_json_read_items(struct source, const struct aas_items *, struct diag *d);
enum err aas_xml_read_items(struct source, const struct aas_items *, struct diag *d);

enum aas_format { AAS_FORMAT_JSON, AAS_FORMAT_XML, AAS_FORMAT_TURTLE, AAS_FORMAT_JSONLD };

/* Writing holds the text of one identifiable.  What comes out is what aas_json_write, aas_xml_write and aas_rdf_write make of the whole. */
struct aas_writer;

/* For V3.0, what it does not have is reported when an identifiable is added (aas_v30_check).  Without `anyway` such an identifiable is
 * left out and refused; the caller may go on to learn the rest, or give up.  With it, it is written as it is.  NULL without memory. */
struct aas_writer *aas_writer_new(enum aas_format, enum aas_version, bool anyway, struct sink);
void aas_writer_free(struct aas_writer *);	/* NULL is allowed */
/* A shell, submodel or concept description.  JSON and XML want the three lists one after the other, XML in that order, and say
 * ERR_CONFLICT when they do not come so; RDF takes any order.  ERR_BAD_REQUEST: see above; the writer remains usable.  After any other error,
 * the sink's among them, what was written is of no use. */
enum err aas_writer_add(struct aas_writer *, const struct aas_node *identifiable, struct diag *d);
enum err aas_writer_end(struct aas_writer *, struct diag *d);

/* All of an Environment.  For V3.0 all messages are collected; without `anyway` they are an error, found before anything is written. */
enum err aas_environment_write(enum aas_format, enum aas_version, bool anyway, struct sink, const struct aas_node *environment, struct diag *d);

#endif
