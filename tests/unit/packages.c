/* SPDX-License-Identifier: Apache-2.0
 * Published packages: each is read, and what is read is the same when written as JSON and read again.  Published templates: what the
 * server would say of them.
 */
#include "aas/aasx.h"

#include <dirent.h>

#include "aas/json.h"
#include "aas/rules.h"
#include "aas/tree.h"
#include "base/buf.h"
#include "base/file.h"
#include "tests/tap.h"

static unsigned count(const struct aas_node *n)
{
	unsigned k = 0;
	for (; n; n = n->next)
		k++;
	return k;
}

static void package(const char *path, const char *name)
{
	struct arena *a = arena_new(0);
	struct diag d = DIAG_INIT;
	struct buf b = BUF_INIT;
	struct aas_node *again = NULL;
	struct slice bytes;
	struct aasx x;
	char why[1100];
	enum err e = file_read(a, path, 64 << 20, &bytes, &d);
	if (!e)
		e = aasx_read(a, bytes.p, bytes.n, &x, &d);
	if (check(!e, "%s is read: %s", name, diag_first(&d, why, sizeof why))) {
		unsigned files = 0;
		for (const struct aasx_file *f = x.files; f; f = f->next)
			files++;
		aas_json_write(&b, x.environment);
		e = aas_json_read(a, AAS_Environment, b.p, b.n, 0, &again, &d);
		check(!e && aas_equal(x.environment, again), "as JSON it is the same %s", diag_first(&d, why, sizeof why));
		printf("# %s: %u shells, %u submodels, %u concept descriptions, %u files, %zu bytes of JSON\n", name,
		       count(AAS_AT(x.environment, Environment, assetAdministrationShells).node),
		       count(AAS_AT(x.environment, Environment, submodels).node),
		       count(AAS_AT(x.environment, Environment, conceptDescriptions).node), files, b.n);
		check(AAS_AT(x.environment, Environment, submodels).node != NULL, "it holds submodels");
		check(!aas_rules_check(x.environment, AAS_RULES_LENIENT, &d), "and breaks no rule %s", diag_first(&d, why, sizeof why));
	}
	buf_fini(&b);
	diag_fini(&d);
	arena_free(a);
}

/* Templates that were published with faults: the first one that is found. */
static const struct {
	const char *name, *rule, *path;
} faulty[] = {
	{ "02003-", "STR-033", "assetAdministrationShells[0].assetInformation.assetType" },
	{ "02004-", "STR-045", "submodels[0].submodelElements[0].value[1].value[2].value[0].value[14].value" },
	{ "02018-", "AASd-022", "submodels[0].submodelElements[4].value[0].value[2].value[0].value[2]" },
};

static void template(const char *path, const char *name)
{
	struct arena *a = arena_new(0);
	struct diag d = DIAG_INIT;
	struct aas_node *n = NULL;
	struct slice bytes;
	size_t i = 0;
	char why[1100];
	if (!a || file_read(a, path, 64 << 20, &bytes, &d))
		abort();
	aas_json_read(a, AAS_Environment, bytes.p, bytes.n, AAS_JSON_COLLECT, &n, &d);
	if (n)
		aas_rules_check(n, AAS_RULES_LENIENT, &d);
	while (i < sizeof faulty / sizeof *faulty && strncmp(name, faulty[i].name, strlen(faulty[i].name)) != 0)
		i++;
	if (i == sizeof faulty / sizeof *faulty)
		check(n && !d.n, "%s breaks no rule %s", name, diag_first(&d, why, sizeof why));
	else
		check(d.n && d.list[0].rule && str_eq(d.list[0].rule, faulty[i].rule) && str_eq(d.list[0].path, faulty[i].path),
		      "%s is known for its faults, the first is %s: %s", name, faulty[i].rule, diag_first(&d, why, sizeof why));
	diag_fini(&d);
	arena_free(a);
}

static void each(const char *dir, const char *end, void (*what)(const char *path, const char *name))
{
	char path[1400];
	DIR *d = opendir(dir);
	int before = tap_n;
	for (struct dirent *e; d && (e = readdir(d)); ) {
		size_t n = strlen(e->d_name), k = strlen(end);
		snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
		if (n > k && str_eq(e->d_name + n - k, end))
			what(path, e->d_name);
	}
	if (d)
		closedir(d);
	check(tap_n > before, "there were files in %s", dir);
}

int main(void)
{
	const char *shared = getenv("TWINSHELL_SHARED");
	char dir[1000];
	snprintf(dir, sizeof dir, "%s/packages", shared ? shared : "../shared");
	DIR *d = opendir(dir);
	if (!d)
		return skip_all("no packages (TWINSHELL_SHARED)");
	closedir(d);
	each(dir, ".aasx", package);
	snprintf(dir, sizeof dir, "%s/templates", shared ? shared : "../shared");
	each(dir, ".json", template);
	return done();
}
