/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/api/conformance.h"

#include "server/profile.h"
#include "server/route.h"

bool conformance_complete(const char *uri)
{
	for (size_t i = 0; i < n_profiles; i++) {
		const char *slash = strrchr(uri, '/');
		while (slash && slash > uri && slash[-1] != '/')
			slash--;
		bool is = slash && (str_eq(slash, profiles[i].name) || (profiles[i].name_30 && str_eq(slash, profiles[i].name_30)));
		unsigned served, all;
		profile_count(&profiles[i], &served, &all);
		if (is)
			return all && served == all;
	}
	return false;
}

static void write_profiles(struct buf *b)
{
	buf_puts(b, "| profile | | operations | served |\n|---|---|--:|--:|\n");
	for (size_t i = 0; i < n_profiles; i++) {
		unsigned served, all;
		profile_count(&profiles[i], &served, &all);
		buf_printf(b, "| %s | %s | %u | %s%u%s |\n", profiles[i].word, profiles[i].name, all, served == all ? "all " : "", served,
			   profiles[i].template_only ? "; not claimed, for instances are taken too" : "");
	}
}

void conformance_write(struct buf *b, const char *const *script)
{
	size_t standard = 0, served = 0, draft = 0;
	for (size_t i = 0; i < n_routes; i++) {
		standard += routes[i].operation && !routes[i].draft;
		served += routes[i].operation && !routes[i].draft && routes[i].handler;
		draft += routes[i].draft && routes[i].handler;
	}
	buf_puts(b, "<!-- SPDX-License-Identifier: Apache-2.0 -->\n<!-- Made by `make conformance`.  Do not edit. -->\n# Conformance\n\n");
	buf_printf(b, "The REST API of IDTA-01002 V3.1 has %zu operations. This server serves %zu of them; the others answer 501 with a `Result`.\n"
		   "`GET /description` claims the profiles that it serves in full.\n\n"
		   "It also serves %zu operations of the working draft of V3.2. They are marked as draft here and in `/openapi.json` (`x-draft`), may\n"
		   "still change with the draft, and belong to no profile.\n\n", standard, served, draft);
	write_profiles(b);
	buf_puts(b, "\nThe last column names a script of `tests/api` that calls the operation with success. `tests/system/openapi.mjs` holds each of\n"
		    "their answers against the published OpenAPI description, and against this server's own, `GET /openapi.json`.\n\n"
		    "| operation | path | profiles | status | script |\n|---|---|---|---|---|\n");
	for (size_t i = 0; i < n_routes; i++) {
		const struct route *r = &routes[i];
		buf_printf(b, "| %s | %s `%s%s` | %s | %s | %s |\n", r->operation ? r->operation : "(not of the standard)", r->method, r->prefix, r->path,
			   r->draft ? "draft of V3.2" : r->profiles ? str_eq(r->profiles, "*") ? "all" : r->profiles : "", r->handler ? "served" : "501",
			   r->handler && script[i] ? script[i] : "");
	}
}
