/* SPDX-License-Identifier: Apache-2.0
 * The conformance fixtures: every valid file is read without a finding, written, read again and equal, as JSON and
 * within a package; every other one is refused for the reason that its folder names.
 *
 * The labels are those of V3.0, so what is wrong is looked for in the V3.0 mode, strictly.  How many files V3.1 accepts is told. */
#include <dirent.h>
#include <sys/stat.h>

#include "aas/aasx.h"
#include "aas/json.h"
#include "aas/rules.h"
#include "aas/tree.h"
#include "aas/xml.h"
#include "tests/tap.h"

/* What may be found in the files of a folder: rules by their kind, rules by their ids, or messages without a rule by a word. */
#define HOW(x) (1u << AAS_RULE_##x)
static const struct reason {
	const char *folder;
	unsigned how;
	const char *ids, *words[4];
} reasons[] = {
	{ "ConstraintViolation", 0, "AASd-", { NULL } },
	{ "SetViolation", 0, "AASd-090", { NULL } },
	{ "DateTimeUtcViolationOnFebruary29th", HOW(CALENDAR), "", { NULL } },
	{ "EnumViolation", HOW(LITERAL), "", { " is no literal of " } },
	{ "InvalidMinMaxExample", HOW(VALUE) | HOW(CHARS), "", { "not well-formed" } },
	{ "InvalidValueExample", HOW(VALUE) | HOW(CHARS), "", { "not well-formed" } },
	{ "MaxLengthViolation", HOW(LENGTH), "", { " characters, " } },
	{ "MinLengthViolation", HOW(LIST) | HOW(LENGTH), "", { "must not be empty" } },
	{ "PatternViolation", HOW(PATTERN) | HOW(CALENDAR) | HOW(LENGTH) | HOW(CHARS), "", { "is not a valid ", "not well-formed" } },
	{ "InvalidModelType", HOW(MODEL_TYPE), "", { " is not a " } },
	{ "MissingModelType", HOW(MODEL_TYPE), "", { "modelType is required" } },
	{ "NullViolation", 0, "", { "null is not allowed" } },
	{ "RequiredViolation", HOW(REQUIRED), "STR-092 STR-103 STR-105 STR-107 STR-109 STR-125", { " is required" } },
	{ "TypeViolation", 0, "", { "expected ", "unexpected text", "text is expected", "is no " } },
	{ "UnexpectedAdditionalProperty", 0, "", { " has no attribute ", " has no element " } },
};
#define N_REASONS (sizeof reasons / sizeof *reasons)

/* By folder, the last one is that of the valid files; [1]: XML. */
static struct tally {
	unsigned refused, accepted, v31;
} tallies[N_REASONS + 1][2];
static unsigned faults, packages;

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
	faults++;
	printf("# %s: %s\n", path, what);
	for (unsigned i = 0; i < d->n; i++)
		printf("#   %s: [%s] %s\n", d->list[i].path, d->list[i].rule ? d->list[i].rule : "", d->list[i].text);
}

/* The folder's reason is among the findings. */
static int explained(const struct reason *why, const struct diag *d)
{
	for (unsigned i = 0; i < d->n; i++) {
		const struct diag_message *m = &d->list[i];
		const struct aas_rule *r = m->rule ? aas_rule_find(m->rule) : NULL;
		if (r && (why->how >> r->how & 1 || (*why->ids && (strstr(why->ids, r->id) || !strncmp(r->id, why->ids, strlen(why->ids))))))
			return 1;
		for (unsigned k = 0; k < 4 && why->words[k]; k++)
			if (strstr(m->text, why->words[k]))
				return 1;
	}
	return 0;
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

struct file {
	const char *path, *text;
	size_t n;
	unsigned type;
	int xml;
};

/* Everything that is found in the mode. */
static enum err read_file(const struct file *f, struct arena *a, unsigned flags, struct aas_node **n, struct diag *d)
{
	*n = NULL;
	enum err e = f->xml ? aas_xml_collect(a, f->type, f->text, f->n, n, d) : aas_json_read(a, f->type, f->text, f->n, AAS_JSON_COLLECT, n, d);
	enum err broken = *n ? aas_rules_check(*n, flags, d) : ERR_OK;
	return e ? e : broken;
}

static void try_valid(const struct file *f, struct arena *a, struct diag *d)
{
	struct tally *t = &tallies[N_REASONS][f->xml];
	struct aas_node *n;
	if (read_file(f, a, AAS_RULES_LENIENT, &n, d) || d->n) {
		t->refused++;
		complain(f->path, "valid, but something is found", d);
		return;
	}
	t->accepted++;
	t->v31 += !aas_rules_check(n, AAS_RULES_V30, d);
	round_trip(f->path, a, f->type, n, d);
	for (int form = 0; form < AASX_N_FORMS && f->type == AAS_Environment && !f->xml; form++)
		through_package(f->path, a, (enum aasx_form)form, n, d);
}

/* A reader that stops at the first fault finds it, too, and nothing else. */
static void stop_at_first(const struct file *f, struct arena *a)
{
	struct diag d = DIAG_INIT;
	struct aas_node *n;
	if ((f->xml ? aas_xml_read_as(a, f->type, f->text, f->n, &n, &d) : aas_json_read(a, f->type, f->text, f->n, 0, &n, &d)) && (d.n != 1 || d.top || n))
		complain(f->path, "refused without one message", &d);
	diag_fini(&d);
}

static void try_invalid(const struct file *f, struct arena *a, const struct reason *why, struct diag *d)
{
	struct tally *t = &tallies[why - reasons][f->xml];
	struct diag now = DIAG_INIT;
	struct aas_node *n;
	enum err e = read_file(f, a, AAS_RULES_V30 | AAS_RULES_STRICT, &n, d);
	if (!e)
		complain(f->path, "invalid, but nothing is found", d);
	else if (e != ERR_BAD_REQUEST || !explained(why, d))
		complain(f->path, "found for another reason", d);
	if (d->top || d->lost)
		complain(f->path, "frames or messages are lost", d);
	*(e ? &t->refused : &t->accepted) += 1;
	t->v31 += !read_file(f, a, AAS_RULES_LENIENT, &n, &now);
	diag_fini(&now);
	stop_at_first(f, a);
}

static const struct reason *reason_of(const char *path)
{
	for (const struct reason *r = reasons; r < reasons + N_REASONS; r++) {
		const char *at = strstr(path, r->folder);
		if (at && at[-1] == '/' && at[strlen(r->folder)] == '/')
			return r;
	}
	return NULL;
}

static void try_file(const char *path, int xml)
{
	struct file f = { .path = path, .xml = xml, .type = AAS_Environment };
	const struct reason *why = strstr(path, "/Unexpected/") ? reason_of(path) : NULL;
	char *text = load(path, &f.n);
	struct arena *a = arena_new(0);
	struct diag d = DIAG_INIT;
	if (strstr(path, "/SelfContained/") && strcasestr(path, "/EventPayload/"))
		f.type = AAS_EventPayload;
	f.text = text;
	if (!text || !a)
		abort();
	if (strstr(path, "/Expected/"))
		try_valid(&f, a, &d);
	else if (why)
		try_invalid(&f, a, why, &d);
	else
		complain(path, "the folder is not known", &d);
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
		const char *dot = strrchr(e->d_name, '.');
		if (dot && (!strcmp(dot, ".json") || !strcmp(dot, ".xml")))
			try_file(path, dot[1] == 'x');
		else
			walk(path);
	}
	if (d)
		closedir(d);
}

int main(void)
{
	const char *shared = getenv("TWINSHELL_SHARED");
	unsigned invalid = 0, missed = 0;
	char dir[1000];
	struct stat st;
	snprintf(dir, sizeof dir, "%s/testgen/Json", shared ? shared : "../shared");
	if (stat(dir, &st))
		return skip_all("no conformance fixtures (TWINSHELL_SHARED)");
	walk(dir);
	snprintf(dir, sizeof dir, "%s/testgen/Xml", shared ? shared : "../shared");
	walk(dir);
	printf("# %-36s %19s %26s\n", "", "JSON refused of (3.1)", "XML refused of (3.1)");
	for (size_t i = 0; i < N_REASONS; i++) {
		const struct tally *j = &tallies[i][0], *x = &tallies[i][1];
		printf("# %-36s %8u of %4u (%4u) %12u of %4u (%4u)\n", reasons[i].folder, j->refused, j->refused + j->accepted, j->refused - j->v31,
		       x->refused, x->refused + x->accepted, x->refused - x->v31);
		invalid += j->refused + x->refused;
		missed += j->accepted + x->accepted;
	}
	for (int xml = 0; xml < 2; xml++) {
		const struct tally *t = &tallies[N_REASONS][xml];
		check(t->accepted > 600 && !t->refused, "%u valid %s files without a finding (%u of them by V3.0)", t->accepted, xml ? "XML" : "JSON",
		      t->v31);
		check_int(t->v31, t->accepted, "and none by the rules of V3.0");
	}
	check(invalid > 1000, "%u invalid files are refused", invalid);
	check_int(missed, 0, "none is accepted");
	check(packages > 2000, "%u went through a package", packages);
	check_int(faults, 0, "every file is treated as its label says");
	return done();
}
