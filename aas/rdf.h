/* SPDX-License-Identifier: Apache-2.0
 * rdf.h - an environment as RDF, in Turtle and JSON-LD (IDTA-01001, "Mappings: RDF"), driven by the metamodel table.
 *
 * The names are those of the published ontology: classes `NS/Property`, attributes `NS/Class/attribute` where Class is the one that
 * declares it (`Referable/idShort`), literals of enumerations `NS/AssetKind/Instance`, NS being https://admin-shell.io/aas/3/1 or 3/0.
 * Texts are xs:string whatever valueType says, as the ontology has it; bytes are xs:base64Binary.  A list repeats its attribute, one
 * blank node per item.
 *
 * The published mapping leaves two things open, which are done as other tools do: the items of a list have their position, from 0, in the
 * property `NS/index`, since RDF keeps no order; and an identifiable is named by its id when that is an absolute IRI, else it is a
 * blank node whose label is its list and position (`_:submodel17`).  The same tree always gives the same bytes.
 */
#ifndef AAS_RDF_H
#define AAS_RDF_H

#include "aas/metamodel.h"
#include "aas/v30.h"
#include "base/buf.h"

enum aas_rdf_syntax { AAS_RDF_TURTLE, AAS_RDF_JSONLD };

/* An Environment.  Failure is the buffer's. */
void aas_rdf_write(struct buf *, const struct aas_node *environment, enum aas_rdf_syntax, enum aas_version);

/* The same in parts: begin, one identifiable after the other (`n` of all before it; `index` within its list), end. */
void aas_rdf_begin(struct buf *, enum aas_rdf_syntax, enum aas_version);
void aas_rdf_item(struct buf *, const struct aas_node *identifiable, size_t n, size_t index, enum aas_rdf_syntax, enum aas_version);
void aas_rdf_end(struct buf *, enum aas_rdf_syntax);

/* The class of the ontology that declares an attribute: "Referable" for the idShort of a Property. */
const char *aas_rdf_declaring(const struct aas_class *, const struct aas_prop *);

#endif
