/* SPDX-License-Identifier: Apache-2.0
 * xml.h - AAS XML in (IDTA-01001, "Mappings: XML"), by libxml2's SAX2 push interface: no network, no entities, bounded depth and sizes.
 * Both namespaces (3/0, 3/1) are read.  The same structural checks as json.h; texts are kept exactly.
 */
#ifndef AAS_XML_H
#define AAS_XML_H

#include "aas/metamodel.h"

/* An `environment` document. */
enum err aas_xml_read(struct arena *, const char *text, size_t n, struct aas_node **environment, struct diag *);

#endif
