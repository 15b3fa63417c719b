/* SPDX-License-Identifier: Apache-2.0
 * Every rule of rules.def that a program can check has files of its own: tests/rules/ID/pass-*.json, in which nothing is wrong, and
 * tests/rules/ID/fail-*.json, in which exactly this rule is broken.
 *
 * A rule of V3.0 alone, or of strict mode alone, is tried in that mode, and its fail files are right in the other.  A file whose name
 * has "-v30" or "-strict" after pass or fail shows what only that mode asks for of a rule that both know. */
#include <dirent.h>
#include <sys/stat.h>

#include "aas/json.h"
#include "aas/rules.h"
#include "base/file.h"
#include "base/map.h"
#include "tests/tap.h"

/* Of one rule. */
struct tally {
	unsigned pass, fail, wrong;
};

static unsigned type_of(const struct aas_rule *r)
{
	return str_eq(r->what, "EventPayload") ? AAS_EventPayload : AAS_Environment;
}

/* What is found, structural faults and broken rules together. */
static void findings(const struct aas_rule *r, const char *path, unsigned flags, struct diag *d)
{
	struct arena *a = arena_new(0);
	struct aas_node *n = NULL;
	struct slice text;
	if (!a || file_read(a, path, 1 << 20, &text, d))
		abort();
	aas_json_read(a, type_of(r), text.p, text.n, AAS_JSON_COLLECT, &n, d);
	if (n)
		aas_rules_check(n, flags, d);
	arena_free(a);
}

static void complain(struct tally *t, const char *path, const char *what, const struct diag *d)
{
	t->wrong++;
	printf("# %s: %s\n", path, what);
	for (unsigned i = 0; i < d->n; i++)
		printf("#   %s: [%s] %s\n", d->list[i].path, d->list[i].rule ? d->list[i].rule : "", d->list[i].text);
}

static void expect_none(struct tally *t, const struct aas_rule *r, const char *path, unsigned flags)
{
	struct diag d = DIAG_INIT;
	findings(r, path, flags, &d);
	if (d.n)
		complain(t, path, "nothing should be found", &d);
	if (d.top)
		complain(t, path, "frames are left", &d);
	diag_fini(&d);
}

static void expect_only(struct tally *t, const struct aas_rule *r, const char *id, const char *path, unsigned flags)
{
	struct diag d = DIAG_INIT;
	bool other = false;
	findings(r, path, flags, &d);
	for (unsigned i = 0; i < d.n; i++)
		other |= !d.list[i].rule || !str_eq(d.list[i].rule, id);
	if (!d.n || other || d.lost)
		complain(t, path, "this rule alone should be found", &d);
	diag_fini(&d);
}

static void try_file(struct tally *t, const struct aas_rule *r, const char *path, const char *name)
{
	const char *id = r->how == AAS_RULE_SAME ? r->where : r->id;
	bool v30 = r->versions == AAS_RULE_V30 || strstr(name, "-v30"), strict = r->mode == AAS_RULE_STRICT || strstr(name, "-strict");
	unsigned flags = v30 ? AAS_RULES_V30 : AAS_RULES_LENIENT;
	if (!strncmp(name, "pass-", 5)) {
		t->pass++;
		expect_none(t, r, path, flags);
		expect_none(t, r, path, flags | AAS_RULES_STRICT);
	} else if (!strncmp(name, "fail-", 5)) {
		t->fail++;
		expect_only(t, r, id, path, flags | AAS_RULES_STRICT);
		if (strict)
			expect_none(t, r, path, flags);
		else
			expect_only(t, r, id, path, flags);
		if (v30)
			expect_none(t, r, path, AAS_RULES_STRICT);
	} else {
		printf("# %s: the name says neither pass nor fail\n", path);
		t->wrong++;
	}
}

static void try_rule(const struct aas_rule *r, const char *dir)
{
	struct tally t = { 0, 0, 0 };
	char path[1400];
	snprintf(path, sizeof path, "%s/%s", dir, r->id);
	DIR *d = opendir(path);
	for (struct dirent *e; d && (e = readdir(d)); ) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "%s/%s/%s", dir, r->id, e->d_name);
		try_file(&t, r, path, e->d_name);
	}
	if (d)
		closedir(d);
	if (r->how == AAS_RULE_API || r->how == AAS_RULE_MEANING)
		check(!d && r->where && r->where[0], "%s is not a matter of files: %s", r->id, r->where);
	else
		check(t.pass && t.fail && !t.wrong, "%s: %u pass, %u fail", r->id, t.pass, t.fail);
}

static void table(void)
{
	struct map seen = MAP_INIT;
	unsigned bad = 0, applied = 0;
	char text[400];
	for (unsigned i = 0; i < aas_n_rules; i++) {
		const struct aas_rule *r = &aas_rules[i];
		void *old = NULL;
		map_put(&seen, r->id, strlen(r->id), (void *)r, &old);
		bool known = r->how != AAS_RULE_PREDICATE;
		for (unsigned c = 0; c < AAS_N_CLASSES && !known; c++)
			known = aas_rule_applies(r, &aas_classes[c]);
		applied += known;
		if (old || !known || strlen(aas_rule_text(r, text, sizeof text)) < 10 || aas_rule_find(r->id) != r ||
		    (r->how == AAS_RULE_SAME && !aas_rule_find(r->where))) {
			printf("# %s\n", r->id);
			bad++;
		}
	}
	check(applied == aas_n_rules && !bad, "%u rules: each once, with a text, of a class that there is", aas_n_rules);
	check(!aas_rule_find("AASd-999"), "a rule that does not exist is not found");
	map_fini(&seen);
}

/* A folder without a rule would never be tried. */
static void folders(const char *dir)
{
	unsigned strange = 0;
	DIR *d = opendir(dir);
	for (struct dirent *e; d && (e = readdir(d)); ) {
		char path[1400];
		struct stat st;
		snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
		if (e->d_name[0] == '.' || stat(path, &st) || !S_ISDIR(st.st_mode) || aas_rule_find(e->d_name))
			continue;
		printf("# %s\n", path);
		strange++;
	}
	if (d)
		closedir(d);
	check(d && !strange, "every folder is a rule's");
}

int main(void)
{
	const char *src = getenv("srcdir");
	char dir[1000];
	snprintf(dir, sizeof dir, "%s/tests/rules", src ? src : ".");
	table();
	folders(dir);
	for (unsigned i = 0; i < aas_n_rules; i++)
		try_rule(&aas_rules[i], dir);
	return done();
}
