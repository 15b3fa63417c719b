/* SPDX-License-Identifier: Apache-2.0
 * aasx_rel.h - the relationship types of AASX packages (IDTA-01005), for aasx.c and aasx_write.c.
 */
#ifndef AAS_AASX_REL_H
#define AAS_AASX_REL_H

enum aasx_relation { REL_ORIGIN, REL_SPEC, REL_SUPPL, REL_THUMBNAIL, REL_OTHER };

/* The first is written, both are read: "www." is deprecated but old packages have it; a "schema" without its s is printed in the
 * specification and was copied. */
extern const char *const aasx_relations[REL_OTHER][2];

#endif
