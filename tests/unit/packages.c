/* SPDX-License-Identifier: Apache-2.0
 * Published packages: each is read, and what is read is the same when written as JSON and read again.
 */
#include "aas/aasx.h"

#include <dirent.h>

#include "aas/json.h"
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
	}
	buf_fini(&b);
	diag_fini(&d);
	arena_free(a);
}

int main(void)
{
	const char *shared = getenv("TWINSHELL_SHARED");
	char dir[1000], path[1400];
	snprintf(dir, sizeof dir, "%s/packages", shared ? shared : "../shared");
	DIR *d = opendir(dir);
	if (!d)
		return skip_all("no packages (TWINSHELL_SHARED)");
	for (struct dirent *e; (e = readdir(d)); ) {
		size_t n = strlen(e->d_name);
		snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
		if (n > 5 && str_eq(e->d_name + n - 5, ".aasx"))
			package(path, e->d_name);
	}
	closedir(d);
	check(tap_n > 0, "there were packages");
	return done();
}
