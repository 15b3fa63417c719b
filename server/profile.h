/* SPDX-License-Identifier: Apache-2.0
 * profile.h - the service profiles of IDTA-01002, and which of them this server serves in full: operations.def says which operations
 * belong to a profile, route.h which of them have a handler.
 */
#ifndef SERVER_PROFILE_H
#define SERVER_PROFILE_H

#include <stdbool.h>
#include <stddef.h>

struct profile {
	const char *word;	/* as operations.def writes it: "SM-REPO/001" */
	const char *name;	/* "SubmodelRepositoryServiceSpecification/SSP-001" */
	const char *name_30;	/* the same in V3.0 of the API; NULL: came with V3.1 */
	bool template_only;	/* is for servers that hold templates and refuse instances: this one takes both, and does not claim it */
};

extern const struct profile profiles[];
extern const size_t n_profiles;
void profile_count(const struct profile *, unsigned *served, unsigned *all);
/* Every operation is served. */
bool profile_offered(const struct profile *);

#endif
