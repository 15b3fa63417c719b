/* SPDX-License-Identifier: Apache-2.0 */
#include "server/profile.h"

#include <string.h>

#include "server/route.h"

const struct profile profiles[] = {
	{ "AAS/001", "AssetAdministrationShellServiceSpecification/SSP-001",
	  "AssetAdministrationShellServiceSpecification/SSP-001", false },
	{ "AAS/002", "AssetAdministrationShellServiceSpecification/SSP-002",
	  "AssetAdministrationShellServiceSpecification/SSP-002", false },
	{ "SM/001", "SubmodelServiceSpecification/SSP-001", "SubmodelServiceSpecification/SSP-001", false },
	{ "SM/002", "SubmodelServiceSpecification/SSP-002", "SubmodelServiceSpecification/SSP-002", false },
	{ "SM/003", "SubmodelServiceSpecification/SSP-003", "SubmodelServiceSpecification/SSP-003", false },
	{ "AASX-FILE/001", "AasxFileServerServiceSpecification/SSP-001", "AasxFileServerServiceSpecification/SSP-001", false },
	{ "AAS-REG/001", "AssetAdministrationShellRegistryServiceSpecification/SSP-001",
	  "AssetAdministrationShellRegistryServiceSpecification/SSP-001", false },
	{ "AAS-REG/002", "AssetAdministrationShellRegistryServiceSpecification/SSP-002",
	  "AssetAdministrationShellRegistryServiceSpecification/SSP-002", false },
	{ "AAS-REG/003", "AssetAdministrationShellRegistryServiceSpecification/SSP-003", NULL, false },
	{ "AAS-REG/004", "AssetAdministrationShellRegistryServiceSpecification/SSP-004", NULL, false },
	{ "AAS-REG/005", "AssetAdministrationShellRegistryServiceSpecification/SSP-005", NULL, false },
	{ "SM-REG/001", "SubmodelRegistryServiceSpecification/SSP-001",
	  "SubmodelRegistryServiceSpecification/SSP-001", false },
	{ "SM-REG/002", "SubmodelRegistryServiceSpecification/SSP-002",
	  "SubmodelRegistryServiceSpecification/SSP-002", false },
	{ "SM-REG/003", "SubmodelRegistryServiceSpecification/SSP-003", NULL, false },
	{ "SM-REG/004", "SubmodelRegistryServiceSpecification/SSP-004", NULL, false },
	{ "DISC/001", "DiscoveryServiceSpecification/SSP-001", "DiscoveryServiceSpecification/SSP-001", false },
	{ "DISC/002", "DiscoveryServiceSpecification/SSP-002", NULL, false },
	{ "AAS-REPO/001", "AssetAdministrationShellRepositoryServiceSpecification/SSP-001",
	  "AssetAdministrationShellRepositoryServiceSpecification/SSP-001", false },
	{ "AAS-REPO/002", "AssetAdministrationShellRepositoryServiceSpecification/SSP-002",
	  "AssetAdministrationShellRepositoryServiceSpecification/SSP-002", false },
	{ "AAS-REPO/003", "AssetAdministrationShellRepositoryServiceSpecification/SSP-003", NULL, false },
	{ "SM-REPO/001", "SubmodelRepositoryServiceSpecification/SSP-001",
	  "SubmodelRepositoryServiceSpecification/SSP-001", false },
	{ "SM-REPO/002", "SubmodelRepositoryServiceSpecification/SSP-002",
	  "SubmodelRepositoryServiceSpecification/SSP-002", false },
	{ "SM-REPO/003", "SubmodelRepositoryServiceSpecification/SSP-003",
	  "SubmodelRepositoryServiceSpecification/SSP-003", true },
	{ "SM-REPO/004", "SubmodelRepositoryServiceSpecification/SSP-004",
	  "SubmodelRepositoryServiceSpecification/SSP-004", true },
	{ "SM-REPO/005", "SubmodelRepositoryServiceSpecification/SSP-005", NULL, false },
	{ "CD-REPO/001", "ConceptDescriptionRepositoryServiceSpecification/SSP-001",
	  "ConceptDescriptionServiceSpecification/SSP-001", false },
	{ "CD-REPO/002", "ConceptDescriptionRepositoryServiceSpecification/SSP-002", NULL, false },
};
const size_t n_profiles = sizeof profiles / sizeof *profiles;

/* One of the words of "SM/001 SM-REPO/001"; "*" is each of them. */
static bool has_word(const char *list, const char *word)
{
	size_t n = strlen(word);
	for (const char *p = list; p && *p; p += strcspn(p, " "), p += *p == ' ')
		if (*p == '*' || (!strncmp(p, word, n) && (p[n] == ' ' || !p[n])))
			return true;
	return false;
}

void profile_count(const struct profile *p, unsigned *served, unsigned *all)
{
	*served = *all = 0;
	for (size_t i = 0; i < n_routes; i++) {
		if (!has_word(routes[i].profiles, p->word))
			continue;
		++*all;
		*served += routes[i].handler != NULL;
	}
}

bool profile_offered(const struct profile *p)
{
	unsigned served, all;
	profile_count(p, &served, &all);
	return all && served == all && !p->template_only;
}
