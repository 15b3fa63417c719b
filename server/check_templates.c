/* SPDX-License-Identifier: Apache-2.0
 * check_templates.c - reading the templates.
 */
#include "server/check_templates.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "aas/json.h"
#include "base/file.h"

#define FILE_MAX ((size_t)64 << 20)

static int is_json(const struct dirent *e)
{
	size_t n = strlen(e->d_name);
	return n > 5 && *e->d_name != '.' && !strcmp(e->d_name + n - 5, ".json");
}

static enum err read_one(struct arena *a, const char *path, struct aas_templates *t, struct diag *d)
{
	struct diag faults = DIAG_INIT;
	struct aas_node *environment;
	struct slice bytes;
	char why[1100];
	enum err e = file_read(a, path, FILE_MAX, &bytes, d);
	if (e)
		return e;
	e = aas_json_read(a, AAS_Environment, bytes.p, bytes.n, AAS_JSON_COLLECT, &environment, &faults);
	if (environment)
		e = aas_templates_add(t, a, environment);
	else
		diag_add(d, e, "%s: %s", path, diag_first(&faults, why, sizeof why));
	diag_fini(&faults);
	return e;
}

enum err check_templates_read(struct arena *a, const char *dir, struct aas_templates *t, struct diag *d)
{
	struct dirent **name = NULL;
	enum err e = ERR_OK;
	if (!dir)
		dir = getenv("TWINSHELL_TEMPLATES");
	if (!dir || !*dir)
		dir = PKGDATADIR "/templates";
	aas_templates_init(t);
	int n = scandir(dir, &name, is_json, alphasort);
	if (n < 0)
		return diag_add(d, ERR_IO, "%s: %s", dir, strerror(errno));
	for (int i = 0; i < n; i++) {
		const char *path = e ? NULL : arena_printf(a, "%s/%s", dir, name[i]->d_name);
		if (!e)
			e = path ? read_one(a, path, t, d) : ERR_NO_MEMORY;
		free(name[i]);
	}
	free(name);
	return e || t->n ? e : diag_add(d, ERR_NOT_FOUND, "%s: there are no templates", dir);
}
