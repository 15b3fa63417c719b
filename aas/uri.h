/* SPDX-License-Identifier: Apache-2.0
 * uri.h - recognises URI and IRI references (RFC 3986, RFC 3987, and what RFC 2396 allows beyond them).
 *
 * The metamodel points to RFC 2396 in V3.1 and to RFC 3987 in V3.0; a text that fits either is accepted.  Pure function,
 * no allocation.  The text must be valid UTF-8.
 */
#ifndef AAS_URI_H
#define AAS_URI_H

#include <stdbool.h>
#include <stddef.h>

bool aas_uri_reference(const char *s, size_t n);	/* absolute or relative, may be empty */

#endif
