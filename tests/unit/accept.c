/* SPDX-License-Identifier: Apache-2.0 */
#include "server/accept.h"

#include "tests/tap.h"

int main(void)
{
	static const char *const types[] = { "application/json", "application/aas+zip", "text/xml" };
	static const struct { const char *accept; size_t want; } is[] = {
		{ NULL, 0 }, { "", 0 }, { " , ", 0 }, { "*/*", 0 }, { "application/*", 0 }, { "text/*", 2 }, { "application/json", 0 },
		{ "Application/AAS+ZIP", 1 }, { "text/html", 3 }, { "text/html, */*;q=0.1", 0 }, { "application/aas+zip;q=0.5, text/xml;q=0.6", 2 },
		{ "application/json;q=0.5,application/aas+zip", 1 }, { "application/json;q=0, */*", 1 }, { "application/json;q=0", 3 },
		{ "application/json ; charset=utf-8 ; q=0.2 , text/xml;q=0.1", 0 }, { "text/xml;q=0.001", 2 }, { "*/*, text/xml", 2 },
		{ "*/*;q=1.0, application/*;q=0.2", 2 }, { "text/xml;q=x", 2 }, { "application/jsonx", 3 }, { ";q=1", 3 }, { "text/xml;q=", 2 },
	};
	for (size_t i = 0; i < sizeof is / sizeof *is; i++)
		check_int(accept_choose(is[i].accept, types, 3), is[i].want, "Accept: %s", is[i].accept ? is[i].accept : "(none)");
	return done();
}
