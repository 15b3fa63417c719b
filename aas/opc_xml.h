/* SPDX-License-Identifier: Apache-2.0
 * opc_xml.h - the elements of a small XML document, one after the other, with their attributes: relationship and content type parts.
 */
#ifndef AAS_OPC_XML_H
#define AAS_OPC_XML_H

#include "base/diag.h"
#include "base/str.h"

#define SAX_ATTRS_MAX 16

struct opc_attr {
	const char *name;
	struct slice value;
};

/* Called per element; an error ends the reading. The texts live during the call. */
typedef enum err opc_xml_fn(void *ctx, const char *element, const struct opc_attr *, size_t n, struct diag *);
enum err opc_xml_read(const char *text, size_t n, opc_xml_fn *, void *ctx, struct diag *);

/* The value of an attribute; p NULL when it is not there. */
struct slice opc_attr(const struct opc_attr *, size_t n, const char *name);

#endif
