/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/api/conformance.h"

#include <stdio.h>
#include <stdlib.h>

#include "server/route.h"

static const struct { const char *abbreviation, *name; unsigned n; } services[] = {
	{ "AAS", "AssetAdministrationShellServiceSpecification", 2 },
	{ "SM", "SubmodelServiceSpecification", 3 },
	{ "AASX-FILE", "AasxFileServerServiceSpecification", 1 },
	{ "AAS-REG", "AssetAdministrationShellRegistryServiceSpecification", 5 },
	{ "SM-REG", "SubmodelRegistryServiceSpecification", 4 },
	{ "DISC", "DiscoveryServiceSpecification", 2 },
	{ "AAS-REPO", "AssetAdministrationShellRepositoryServiceSpecification", 3 },
	{ "SM-REPO", "SubmodelRepositoryServiceSpecification", 5 },
	{ "CD-REPO", "ConceptDescriptionRepositoryServiceSpecification", 2 },
};
#define N_SERVICES (sizeof services / sizeof *services)

/* "SM/001" is one of the words of "SM/001 SM-REPO/001", or that is "*". */
static bool has_word(const char *list, const char *word)
{
	size_t n = strlen(word);
	for (const char *p = list; p && *p; p += strcspn(p, " "), p += *p == ' ')
		if (*p == '*' || (!strncmp(p, word, n) && (p[n] == ' ' || !p[n])))
			return true;
	return false;
}

static void count(const char *profile, unsigned *served, unsigned *all)
{
	*served = *all = 0;
	for (size_t i = 0; i < n_routes; i++) {
		if (!has_word(routes[i].profiles, profile))
			continue;
		++*all;
		*served += routes[i].handler != NULL;
	}
}

bool conformance_complete(const char *uri)
{
	for (size_t i = 0; i < N_SERVICES; i++) {
		const char *at = strstr(uri, services[i].name);
		unsigned served, all;
		char word[24];
		if (!at || at == uri || at[-1] != '/' || strncmp(at + strlen(services[i].name), "/SSP-", 5))
			continue;
		snprintf(word, sizeof word, "%s/%s", services[i].abbreviation, at + strlen(services[i].name) + 5);
		count(word, &served, &all);
		return all && served == all;
	}
	return false;
}

static void write_profiles(struct buf *b)
{
	buf_puts(b, "| profile | | operations | served |\n|---|---|--:|--:|\n");
	for (size_t i = 0; i < N_SERVICES; i++)
		for (unsigned k = 1; k <= services[i].n; k++) {
			unsigned served, all;
			char word[24];
			snprintf(word, sizeof word, "%s/%03u", services[i].abbreviation, k);
			count(word, &served, &all);
			buf_printf(b, "| %s | %s/SSP-%03u | %u | %s%u |\n", word, services[i].name, k, all, served == all ? "all " : "", served);
		}
}

void conformance_write(struct buf *b, const char *const *script)
{
	size_t standard = 0, served = 0;
	for (size_t i = 0; i < n_routes; i++) {
		standard += routes[i].operation != NULL;
		served += routes[i].operation && routes[i].handler;
	}
	buf_puts(b, "<!-- SPDX-License-Identifier: Apache-2.0 -->\n<!-- Made by `make conformance`.  Do not edit. -->\n# Conformance\n\n");
	buf_printf(b, "The REST API of IDTA-01002 V3.1 has %zu operations. This server serves %zu of them; the others answer 501 with a `Result`.\n"
		   "Which profiles it claims, `GET /description` tells: those that it serves in full, in every form.\n\n", standard, served);
	write_profiles(b);
	buf_puts(b, "\nThe last column names a script of `tests/api` that calls the operation with success. `tests/system/openapi.mjs` holds each of\n"
		    "their answers against the published OpenAPI description, and against this server's own, `GET /openapi.json`.\n\n"
		    "| operation | path | profiles | status | script |\n|---|---|---|---|---|\n");
	for (size_t i = 0; i < n_routes; i++) {
		const struct route *r = &routes[i];
		buf_printf(b, "| %s | %s `%s%s` | %s | %s | %s |\n", r->operation ? r->operation : "(not of the standard)", r->method, r->prefix, r->path,
			   r->profiles ? has_word(r->profiles, "*") ? "all" : r->profiles : "", r->handler ? "served" : "501",
			   r->handler && script[i] ? script[i] : "");
	}
}
