/* SPDX-License-Identifier: Apache-2.0
 * The conformance fixtures: every valid file is read, written, read again and equal, as JSON and within a package; no structurally
 * invalid one is read. */
#include <dirent.h>
#include <sys/stat.h>

#include "aas/aasx.h"
#include "aas/json.h"
#include "aas/tree.h"
#include "tests/tap.h"

/* Labels are those of V3.0.  What V3.1 allows, and what is a constraint and not structure, may be read. */
static const char *const not_ours[] = { "ConstraintViolation", "SetViolation" };

#define KINDS_MAX 32
static struct kind {
	char name[64];
	unsigned accepted, refused;
	int ours, valid;
} kinds[KINDS_MAX];
static unsigned n_kinds, faults, packages;

static struct kind *kind_of(const char *path)
{
	char name[64];
	const char *p = strstr(path, "/Expected/");
	int valid = p != NULL;
	if (!p && (p = strstr(path, "/Unserializable/")))
		p += strlen("/Unserializable/");
	else if (!p && (p = strstr(path, "/Invalid/")))
		p += strlen("/Invalid/");
	else if (!p++)
		return NULL;
	else
		p++;
	snprintf(name, sizeof name, "%.*s", (int)strcspn(p, "/"), p);
	if (valid)
		snprintf(name, sizeof name, "Expected");
	for (unsigned i = 0; i < n_kinds; i++)
		if (!strcmp(kinds[i].name, name))
			return &kinds[i];
	if (n_kinds == KINDS_MAX)
		return NULL;
	struct kind *k = &kinds[n_kinds++];
	snprintf(k->name, sizeof k->name, "%s", name);
	k->valid = valid;
	k->ours = !valid;
	for (size_t i = 0; i < sizeof not_ours / sizeof *not_ours; i++)
		if (!strcmp(not_ours[i], name))
			k->ours = 0;
	return k;
}

static char *load(const char *path, size_t *n)
{
	struct stat st;
	FILE *f = fopen(path, "rb");
	char *text = f && !fstat(fileno(f), &st) ? malloc((size_t)st.st_size + 1) : NULL;
	*n = text ? fread(text, 1, (size_t)st.st_size, f) : 0;
	if (f)
		fclose(f);
	return text;
}

static void complain(const char *path, const char *what, const struct diag *d)
{
	char text[1100];
	faults++;
	printf("# %s: %s: %s\n", path, what, diag_first(d, text, sizeof text));
}

/* written and read again, the tree is the same, and the second writing is byte for byte the first */
static void round_trip(const char *path, struct arena *a, unsigned type, const struct aas_node *n, struct diag *d)
{
	struct buf one = BUF_INIT, two = BUF_INIT;
	struct aas_node *again = NULL;
	aas_json_write(&one, n);
	if (one.failed || aas_json_read(a, type, one.p, one.n, 0, &again, d))
		complain(path, "what was written is not read", d);
	else if (!aas_equal(n, again))
		complain(path, "what was written reads differently", d);
	else if (aas_check(again, d))
		complain(path, "the check does not like it", d);
	else if (aas_json_write(&two, again), two.n != one.n || memcmp(one.p, two.p, one.n))
		complain(path, "the second writing differs", d);
	buf_fini(&one);
	buf_fini(&two);
}

static enum err put(void *ctx, const char *p, size_t n, struct diag *d)
{
	(void)d;
	buf_put(ctx, p, n);
	return ERR_OK;
}

/* The same through a package; a copy is written, because writing may change what names a file. */
static void through_package(const char *path, struct arena *a, enum aasx_form form, const struct aas_node *n, struct diag *d)
{
	struct buf out = BUF_INIT;
	struct sink sink = { put, &out };
	struct aasx_content c = { .form = form, .environment = aas_copy(a, n) };
	struct aasx x;
	if (!c.environment || aasx_write(a, sink, &c, d))
		complain(path, "no package is made of it", d);
	else if (aasx_read(a, out.p, out.n, &x, d))
		complain(path, "the package made of it is not read", d);
	else if (!aas_equal(n, x.environment))
		complain(path, "in a package it is another", d);
	else
		packages++;
	buf_fini(&out);
}

/* V3.0 required some attributes that V3.1 does not, and had shorter texts: 2000 for 2048 and 100 for 128 characters. */
static int relaxed(const char *path)
{
	static const char *const parts[] = {
		"RequiredViolation/RelationshipElement/", "RequiredViolation/AnnotatedRelationshipElement/", "RequiredViolation/Entity/entityType",
		"RequiredViolation/Blob/contentType", "RequiredViolation/File/contentType", "RequiredViolation/ValueReferencePair/valueId",
		"MaxLengthViolation/SpecificAssetId/value", "/globalAssetId", "/assetType", "/templateId", "/id.json",
		"MaxLengthViolation/Key/value", "/contentType", "MaxLengthViolation/File/value", "MaxLengthViolation/Resource/path",
		"MaxLengthViolation/ValueReferencePair/value", "MaxLengthViolation/DataSpecificationIec61360/value",
	};
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		if (strstr(path, parts[i]) && (strstr(path, "/MaxLength") || strstr(path, "/Required")))
			return 1;
	return 0;
}

static void try_file(const char *path)
{
	struct kind *k = kind_of(path);
	size_t n;
	char *text = load(path, &n);
	struct arena *a = arena_new(0);
	struct diag d = DIAG_INIT;
	struct aas_node *node;
	unsigned type = strstr(path, "/SelfContained/") && strstr(path, "/EventPayload/") ? AAS_EventPayload : AAS_Environment;
	if (!k || !text || !a)
		abort();
	enum err e = aas_json_read(a, type, text, n, 0, &node, &d);
	*(e ? &k->refused : &k->accepted) += 1;
	if (k->valid && e)
		complain(path, "valid, but refused", &d);
	if (!e && k->valid)
		round_trip(path, a, type, node, &d);
	for (int form = 0; !e && k->valid && type == AAS_Environment && form < AASX_N_FORMS; form++)
		through_package(path, a, (enum aasx_form)form, node, &d);
	if (!e && k->ours && !relaxed(path))
		complain(path, "invalid, but accepted", &d);
	if (e && (e != ERR_BAD_REQUEST || d.n != 1 || d.top))
		complain(path, "refused without one message", &d);
	if (e && k->ours && !d.list[0].path[0] && !strstr(path, "/SelfContained/"))
		complain(path, "refused without a path", &d);
	if (e && getenv("TESTGEN_VERBOSE"))
		complain(path, "refused", &d), faults--;
	diag_fini(&d);
	arena_free(a);
	free(text);
}

static void walk(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	while (d && (e = readdir(d))) {
		char path[1200];
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
		size_t n = strlen(path);
		if (n > 5 && !strcmp(path + n - 5, ".json"))
			try_file(path);
		else
			walk(path);
	}
	if (d)
		closedir(d);
}

int main(void)
{
	const char *shared = getenv("TWINSHELL_SHARED");
	char dir[1000];
	struct stat st;
	snprintf(dir, sizeof dir, "%s/testgen/Json", shared ? shared : "../shared");
	if (stat(dir, &st))
		return skip_all("no conformance fixtures (TWINSHELL_SHARED)");
	walk(dir);
	unsigned valid = 0, refused = 0, read = 0, invalid = 0;
	for (unsigned i = 0; i < n_kinds; i++) {
		struct kind *k = &kinds[i];
		printf("# %-32s accepted %4u, refused %4u%s\n", k->name, k->accepted, k->refused, k->valid || k->ours ? "" : " (not structural)");
		valid += k->valid ? k->accepted : 0;
		refused += k->valid ? k->refused : 0;
		invalid += k->ours ? k->refused : 0;
		read += k->ours ? k->accepted : 0;
	}
	check(valid > 1000, "%u valid files are read", valid);
	check_int(refused, 0, "no valid file is refused");
	check(invalid > 500, "%u invalid files are refused (%u are valid by V3.1)", invalid, read);
	check(packages > 2000, "%u went through a package", packages);
	check_int(faults, 0, "every file is treated as its label says");
	return done();
}
