/* SPDX-License-Identifier: Apache-2.0
 * path.h - idShortPath (IDTA-01002, "idShortPath"): `Motors[2].Speed`.
 */
#ifndef AAS_PATH_H
#define AAS_PATH_H

#include "aas/metamodel.h"
#include "base/buf.h"

#define AAS_PATH_DEPTH 64

/* ERR_BAD_REQUEST: not a path; ERR_NOT_FOUND: nothing there (the message names the first missing step). */
enum err aas_path_find(const struct aas_node *root, const char *path, size_t n, struct aas_node **out, struct diag *);
/* The same for the parent: *parent is the node that holds (or would hold) the last step, *step that step's text ("Speed" or "[2]").
 * ERR_NOT_FOUND when a step before the last is missing. */
enum err aas_path_parent(const struct aas_node *root, const char *path, size_t n, struct aas_node **parent, struct slice *step, struct diag *);
/* The path of n below its root (the root itself: ""), appended to the buffer. */
void aas_path_write(struct buf *, const struct aas_node *n);
/* A ModelReference to n from its submodel (Reference node in `a`); a submodel that is the root gives one key. */
struct aas_node *aas_path_reference(struct arena *a, const struct aas_node *n);
/* Resolve the keys of a ModelReference after the Submodel key against that submodel; writes the idShortPath of the target. */
enum err aas_reference_path(const struct aas_node *reference, struct slice *submodel_id, struct buf *path, struct diag *);
/* The references' keys are the same in number, type and value (spec/identifiers.md 3). */
bool aas_reference_match(const struct aas_node *a, const struct aas_node *b);

#endif
