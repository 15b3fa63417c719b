/* SPDX-License-Identifier: Apache-2.0
 * xml.h - AAS XML in and out (IDTA-01001, "Mappings: XML"), driven by the metamodel table.
 *
 * Reading is by libxml2's SAX2 interface: no network, no entities, bounded depth and sizes.  Both namespaces (3/0, 3/1) are read,
 * with the same structural checks as json.h; texts are kept exactly.  Attributes of a class may come in any order: published schemas
 * disagree about one of them.  Unknown elements, attributes and namespaces are refused.
 */
#ifndef AAS_XML_H
#define AAS_XML_H

#include "aas/metamodel.h"
#include "aas/v30.h"
#include "base/buf.h"

#define AAS_XML_DECLARATION "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"

/* "https://admin-shell.io/aas/3/1" */
const char *aas_xml_namespace(enum aas_version);

bool aas_xml_is(const char *bytes, size_t n);	/* begins like an XML text: not like JSON */

/* An `environment` document. */
enum err aas_xml_read(struct arena *, const char *text, size_t n, struct aas_node **environment, struct diag *);
/* A document whose root element is an instance of `type`, a class or an abstract type. */
enum err aas_xml_read_as(struct arena *, unsigned type, const char *text, size_t n, struct aas_node **out, struct diag *);
/* As aas_xml_read_as, but goes on after a fault of an element or a text, as AAS_JSON_COLLECT does (json.h), and stops only where the text is
 * no XML.  ERR_BAD_REQUEST when there were faults; *out is what could be read, or NULL. */
enum err aas_xml_collect(struct arena *, unsigned type, const char *text, size_t n, struct aas_node **out, struct diag *);

/* A whole document, compact: the element of the node with its namespace, before it the XML declaration when the node is an
 * Environment.  The order of elements is that of the schema.  Carriage returns are written as references, since a parser would turn them
 * into line feeds; all other text stands as it is.  For V3.0 nothing but the namespace is different: aas_v30_check tells what will
 * not do.  Failure is the buffer's. */
void aas_xml_write(struct buf *, const struct aas_node *, enum aas_version);
/* The element alone, without namespace: a part of a document that declares it. */
void aas_xml_write_element(struct buf *, const struct aas_node *);

#endif
