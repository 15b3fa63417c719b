/* SPDX-License-Identifier: Apache-2.0
 * op_describe.c - which service profiles are offered (IDTA-01002, "Self-Description").
 */
#include "server/call.h"
#include "server/op.h"

/* Only profiles of which every operation works in full; template profiles, which promise to hold nothing but templates, are none of ours. */
static const struct {
	const char *name;
	unsigned since;		/* 1: there was none in V3.0 */
} profiles[] = {
	{ "AasxFileServerServiceSpecification/SSP-001", 0 },
	{ "AssetAdministrationShellRepositoryServiceSpecification/SSP-001", 0 },
	{ "AssetAdministrationShellRepositoryServiceSpecification/SSP-002", 0 },
	{ "AssetAdministrationShellRepositoryServiceSpecification/SSP-003", 1 },
	{ "AssetAdministrationShellServiceSpecification/SSP-001", 0 },
	{ "AssetAdministrationShellServiceSpecification/SSP-002", 0 },
	{ "ConceptDescriptionRepositoryServiceSpecification/SSP-002", 1 },
	{ "SubmodelRepositoryServiceSpecification/SSP-001", 0 },
	{ "SubmodelRepositoryServiceSpecification/SSP-002", 0 },
	{ "SubmodelRepositoryServiceSpecification/SSP-005", 1 },
	{ "SubmodelServiceSpecification/SSP-001", 0 },
	{ "SubmodelServiceSpecification/SSP-002", 0 },
	{ "SubmodelServiceSpecification/SSP-003", 0 },
};
static const char *const versions[] = { "3/0", "3/1" };	/* a profile is listed in both: its 3.0 operations are served alike */

enum err op_describe(struct call *c)
{
	struct buf *b = &c->reply.body;
	const char *comma = "";
	buf_puts(b, "{\"profiles\":[");
	for (size_t i = 0; i < sizeof profiles / sizeof *profiles; i++)
		for (size_t v = profiles[i].since; v < sizeof versions / sizeof *versions; v++) {
			buf_printf(b, "%s\"https://admin-shell.io/aas/API/%s/%s\"", comma, versions[v], profiles[i].name);
			comma = ",";
		}
	buf_puts(b, "]}");
	return ERR_OK;
}
