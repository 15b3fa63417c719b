/* SPDX-License-Identifier: Apache-2.0
 * The table of routes against the specification's list of operations, and the matcher.
 */
#include "server/route.h"

#include "base/buf.h"
#include "base/file.h"
#include "tests/tap.h"

static const struct route *row(const char *method, const char *template, size_t n)
{
	for (size_t i = 0; i < n_routes; i++) {
		size_t k = strlen(routes[i].prefix);
		if (!strcmp(routes[i].method, method) && n >= k && !memcmp(template, routes[i].prefix, k) &&
		    strlen(routes[i].path) == n - k && !memcmp(template + k, routes[i].path, n - k))
			return &routes[i];
	}
	return NULL;
}

/* Every operation of the specification has exactly its row, and the rows hold nothing else but what we added knowingly. */
static void against_specification(void)
{
	const char *shared = getenv("TWINSHELL_SHARED");
	char name[600];
	struct arena *a = arena_new(0);
	struct slice tsv;
	size_t n = 0, missing = 0;
	snprintf(name, sizeof name, "%s/spec/operations.tsv", shared ? shared : "../shared");
	if (file_read(a, name, 1 << 22, &tsv, NULL)) {
		printf("ok %d # SKIP no %s\n", ++tap_n, name);
		arena_free(a);
		return;
	}
	const char *p = memchr(tsv.p, '\n', tsv.n), *end = tsv.p + tsv.n;
	while (p && ++p < end) {
		const char *tab = memchr(p, '\t', (size_t)(end - p)), *stop = tab ? memchr(tab + 1, '\t', (size_t)(end - tab - 1)) : NULL;
		char method[10];
		if (!stop)
			break;
		snprintf(method, sizeof method, "%.*s", (int)(tab - p), p);
		if (!row(method, tab + 1, (size_t)(stop - tab - 1))) {
			missing++;
			printf("# missing: %.*s\n", (int)(stop - p), p);
		}
		n++;
		p = memchr(stop, '\n', (size_t)(end - stop));
	}
	check_int(n, 224, "the specification has 224 operations");
	check_int(missing, 0, "each has a row");
	size_t draft = 0;
	for (size_t i = 0; i < n_routes; i++)
		draft += routes[i].draft;
	check_int(draft, 11, "the working draft of V3.2 adds eleven");
	check_int(n_routes - draft, 240, "and sixteen more rows: three times $changes, $diff and $restore, /upload, invoke-async spelt right or wrong where the specification does not, status as $value");
	arena_free(a);
}

static void finds(const char *method, const char *path, const char *template, const char *params)
{
	struct route_match m;
	char got[200], all[400] = "";
	route_find(method, slice_of(path), &m);
	snprintf(got, sizeof got, "%s%s", m.route ? m.route->prefix : "", m.route ? m.route->path : "");
	check_str(got, template, "%s %s", method, path);
	for (unsigned i = 0; i < m.n_params; i++)
		snprintf(all + strlen(all), sizeof all - strlen(all), "%d=%.*s ", m.param[i].param, (int)m.param[i].raw.n, m.param[i].raw.p);
	check_str(all, params, "with its parameters");
}

static void refuses(const char *method, const char *path, const char *allow)
{
	struct route_match m;
	route_find(method, slice_of(path), &m);
	check(!m.route, "%s %s has no row", method, path);
	check_str(m.allow, allow, "and Allow is right");
}

static void matcher(void)
{
	finds("GET", "/shells", "/shells", "");
	finds("HEAD", "/shells", "/shells", "");
	refuses("GET", "/shells/", NULL);
	refuses("GET", "/shells//", NULL);
	refuses("GET", "/submodels/abc/$value/", NULL);
	finds("GET", "/shells/$reference", "/shells/$reference", "");
	finds("GET", "/shells/abc", "/shells/{aasIdentifier}", "1=abc ");
	finds("GET", "/submodels/x/submodel-elements/$value", "/submodels/{submodelIdentifier}/submodel-elements/$value", "2=x ");
	finds("GET", "/submodels/x/submodel-elements/a.b%5B1%5D/$value",
	      "/submodels/{submodelIdentifier}/submodel-elements/{idShortPath}/$value", "2=x 4=a.b%5B1%5D ");
	finds("PUT", "/shells/a/submodels/b/submodel-elements/c/attachment",
	      "/shells/{aasIdentifier}/submodels/{submodelIdentifier}/submodel-elements/{idShortPath}/attachment", "1=a 2=b 4=c ");
	finds("GET", "/shells/a/submodels/b/submodel-elements/c/operation-results/d/$value",
	      "/shells/{aasIdentifier}/submodels/{submodelIdentifier}/submodel-elements/{idShortPath}/operation-results/{handleId}/$value",
	      "1=a 2=b 4=c 5=d ");
	finds("GET", "/submodel/$value", "/submodel/$value", "");
	finds("GET", "/submodels//$value", "/submodels/{submodelIdentifier}/$value", "2= ");
	finds("GET", "/packages/p", "/packages/{packageId}", "6=p ");
	refuses("PATCH", "/shells", "GET, HEAD, POST");
	refuses("DELETE", "/submodel", "GET, HEAD, PUT, PATCH");
	refuses("BREW", "/upload", "POST");
	refuses("GET", "/nothing", NULL);
	refuses("GET", "/", NULL);
	refuses("GET", "", NULL);
	refuses("GET", "shells", NULL);
	refuses("GET", "/shells/a/b", NULL);
	refuses("GET", "/lookup", NULL);
}

static void columns(void)
{
	static const char value[] = "/submodels/{submodelIdentifier}/submodel-elements/{idShortPath}/$value";
	static const char super[] = "/shells/{aasIdentifier}/submodels/{submodelIdentifier}";
	const struct route *r = row("PATCH", value, sizeof value - 1);
	check(r && r->body == BODY_VALUE && r->view == AAS_VALUE && r->reply == REPLY_204 && r->access == ACCESS_WRITE, "a value is patched");
	r = row("PUT", super, sizeof super - 1);
	check(r && r->body == BODY_CLASS && r->body_class == AAS_Submodel && r->reply == REPLY_PUT && r->superpath, "a superpath is known");
	r = row("GET", "/submodel", 9);
	check(r && r->sole_sm && !r->superpath && r->query == (Q_LEVEL | Q_EXTENT | Q_AT), "a path without id is known");
	r = row("GET", "/shell-descriptors", 18);
	check(r && r->handler && r->reply == REPLY_PAGE && r->reply_class == AAS_AssetAdministrationShellDescriptor, "a class of the API is a class");
	for (size_t i = 0; i < n_routes; i++)
		if (routes[i].body == BODY_CLASS && routes[i].body_class != AAS_SubmodelElement && routes[i].body_class >= AAS_N_CLASSES)
			check(0, "%s%s: body class", routes[i].prefix, routes[i].path);
}

int main(void)
{
	against_specification();
	matcher();
	columns();
	return done();
}
