/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "aas/aasx.h"
#include "aas/json.h"
#include "aas/xml.h"
#include "base/file.h"
#include "server/client.h"

#define FILE_MAX ((size_t)1 << 30)

/* The format is told by the first bytes, not by the file's name. */
static enum err read_any(struct arena *a, struct slice bytes, struct aas_node **environment, struct diag *d)
{
	if (aasx_is(bytes.p, bytes.n)) {
		struct aasx package;
		enum err e = aasx_read(a, bytes.p, bytes.n, &package, d);
		*environment = package.environment;
		return e;
	}
	size_t i = 0;
	while (i < bytes.n && (bytes.p[i] == ' ' || bytes.p[i] == '\t' || bytes.p[i] == '\r' || bytes.p[i] == '\n'))
		i++;
	if (i < bytes.n && (bytes.p[i] == '<' || bytes.p[i] == '\xEF'))
		return aas_xml_read(a, bytes.p, bytes.n, environment, d);
	return aas_json_read(a, AAS_Environment, bytes.p, bytes.n, AAS_JSON_DEFAULT, environment, d);
}

static size_t count(const struct aas_node *n)
{
	size_t k = 0;
	for (; n; n = n->next)
		k++;
	return k;
}

static int check_file(const char *name)
{
	struct diag d = DIAG_INIT;
	struct slice bytes = { NULL, 0 };
	struct aas_node *env = NULL;
	struct arena *a = arena_new(0);
	int status = EX_OK;
	enum err e = a ? file_read(a, name, FILE_MAX, &bytes, &d) : ERR_NO_MEMORY;
	if (e) {
		fprintf(stderr, "%s%s%s\n", d.n ? "" : name, d.n ? "" : ": ", d.n ? d.list[0].text : err_info[e].text);
		status = EX_NOINPUT;
	} else if ((e = read_any(a, bytes, &env, &d))) {
		for (unsigned i = 0; i < d.n; i++)
			printf("%s: %s%s%s%s%s\n", name, d.list[i].path, *d.list[i].path ? ": " : "", d.list[i].rule ? d.list[i].rule : "",
			       d.list[i].rule ? " " : "", d.list[i].text);
		if (!d.n)
			printf("%s: %s\n", name, err_info[e].text);
		status = EX_DATAERR;
	} else {
		printf("%s: ok (%zu shells, %zu submodels, %zu concept descriptions)\n", name,
		       count(AAS_AT(env, Environment, assetAdministrationShells).node), count(AAS_AT(env, Environment, submodels).node),
		       count(AAS_AT(env, Environment, conceptDescriptions).node));
	}
	diag_fini(&d);
	arena_free(a);
	return status;
}

int check_files(int argc, char **argv)
{
	int status = EX_OK;
	for (int i = 0; i < argc; i++) {
		if (argv[i][0] != '-')
			continue;
		fprintf(stderr, "twinshell: there is no option \"%s\"\n", argv[i]);
		argc = 0;
	}
	if (!argc) {
		fputs("usage: twinshell check FILE...\n", stderr);
		return EX_USAGE;
	}
	for (int i = 0; i < argc; i++) {
		int s = check_file(argv[i]);
		if (s > status)
			status = s;
	}
	return status;
}
