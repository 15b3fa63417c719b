/* SPDX-License-Identifier: Apache-2.0
 * tree.h - copy, compare and change AAS trees; all driven by the metamodel table.
 */
#ifndef AAS_TREE_H
#define AAS_TREE_H

#include "aas/metamodel.h"

/* An independent deep copy (texts included) in `a`; parent and next of the root are NULL.  NULL without memory. */
struct aas_node *aas_copy(struct arena *a, const struct aas_node *);
/* Same class, same attributes, same order of lists, same texts byte for byte. */
bool aas_equal(const struct aas_node *, const struct aas_node *);

/* Structural validation of a tree made by other means than a reader (the readers have checked theirs): required attributes,
 * string types, xs: values, enumerations, non-empty lists.  All faults are collected.  ERR_OK or ERR_BAD_REQUEST. */
enum err aas_check(const struct aas_node *, struct diag *);

/* A list whose typeValueListElement is the literal `type` may hold an instance of the class (AASd-108). */
bool aas_list_admits(const char *type, const struct aas_class *);

/* Insert `child` (consumed; must be in an arena that lives as long as the tree) under `parent`, at the end.
 * ERR_CONFLICT: a sibling has its idShort (AASd-022).  ERR_BAD_REQUEST: parent is a leaf, the class does not fit, the idShort is
 * missing (AASd-117), it breaks the list's semanticIdListElement, typeValueListElement or valueTypeListElement (AASd-107..109), or
 * the tree becomes deeper than AAS_DEPTH_MAX. */
enum err aas_insert(struct aas_node *parent, struct aas_node *child, struct diag *);
/* Put `fresh` in the place of `old`, which is unlinked. Same checks; its idShort must be old's (list items excepted). */
enum err aas_replace(struct aas_node *old, struct aas_node *fresh, struct diag *);
void aas_remove(struct aas_node *);
/* ERR_BAD_REQUEST when the tree would be deeper than AAS_DEPTH_MAX with `child` and what is in it below `parent`. */
enum err aas_check_depth(const struct aas_node *parent, const struct aas_node *child, struct diag *);
/* PATCH (IDTA-01002): every attribute present in `patch` replaces the one in `n` by a copy in `a`; children are merged by idShort or
 * index, must exist and may be given once.  The classes must agree, id and idShort cannot change, values must suit the valueType that
 * results, the tree may not become deeper than AAS_DEPTH_MAX.  All or nothing: on error `n` is as it was.  ERR_BAD_REQUEST,
 * ERR_NOT_FOUND (a child that does not exist), ERR_NO_MEMORY. */
enum err aas_merge(struct arena *a, struct aas_node *n, const struct aas_node *patch, struct diag *);

#endif
