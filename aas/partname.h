/* SPDX-License-Identifier: Apache-2.0
 * partname.h - names of the parts of an OPC package (ECMA-376 part 2, "Part names"), for zip.c, opc.c and aasx_write.c.
 *
 * A name is written here as in the ZIP directory, without the leading slash.  Names are the same part when they differ only in ASCII
 * case or in percent-encoding, so everything is found by its key: percent-decoded, in lower case.  Pure functions, no allocation.
 */
#ifndef AAS_PARTNAME_H
#define AAS_PARTNAME_H

#include "base/buf.h"

#define PART_NAME_MAX 1024	/* bytes */

/* Why this cannot be the name of a part (no slash at the end), as words behind the name; NULL: it can. */
const char *part_name_fault(const char *name, size_t n);
/* Length of the key; n is at most PART_NAME_MAX. */
size_t part_name_key(char out[PART_NAME_MAX], const char *name, size_t n);
/* Bytes of the folder of a part, the slash included: 0 in the root. */
size_t part_name_folder(const char *name);

/* A relative URI reference of the part `source` ("": of the package) -> a name, percent-decoded, NUL-terminated.  False when it is an
 * absolute URI, leads above the root, hides a slash or a control character, or is too long. */
bool part_name_resolve(char out[PART_NAME_MAX + 1], const char *source, const char *reference);
/* The name as URIs and the ZIP directory of what we write have it: everything but unreserved characters and slashes is encoded. */
void part_name_encode(struct buf *, const char *decoded);
/* A harmless last segment, encoded, made of whatever a client called a file: never empty, no dots alone, at most 120 bytes.
 * `encoded`: it is a URI reference. */
void part_name_segment(struct buf *, const char *file_name, bool encoded);

#endif
