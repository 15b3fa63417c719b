/* SPDX-License-Identifier: Apache-2.0
 * `twinshell check` as its user sees it: lines, JSON, exit status. */
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/file.h"
#include "server/client.h"
#include "tests/tap.h"

static struct arena *arena;
static char dir[] = "/tmp/twinshell-check.XXXXXX";

static const char *file(const char *name, const char *text)
{
	const char *path = arena_printf(arena, "%s/%s", dir, name);
	if (file_write(path, text, strlen(text), 0600, NULL))
		abort();
	return path;
}

/* The status, and in *out what went to standard output without the directory's name. */
static int run(const char **out, const char *const *argv)
{
	const char *path = arena_printf(arena, "%s/out", dir);
	int argc = 0, keep = dup(1), quiet = dup(2);
	struct slice text = { "", 0 };
	struct buf b = BUF_INIT;
	while (argv[argc])
		argc++;
	fflush(stdout);
	if (!freopen(path, "w", stdout) || !freopen("/dev/null", "w", stderr))
		abort();
	char *words[8];
	memcpy(words, argv, ((size_t)argc + 1) * sizeof *words);
	int status = check_files(argc, words);
	fflush(stdout);
	fflush(stderr);
	dup2(keep, 1);
	dup2(quiet, 2);
	close(keep);
	close(quiet);
	if (file_read(arena, path, 1 << 20, &text, NULL))
		abort();
	for (const char *p = text.p, *hit; ; p = hit + strlen(dir) + 1) {
		hit = strstr(p, dir);
		buf_put(&b, p, hit ? (size_t)(hit - p) : strlen(p));
		if (!hit)
			break;
	}
	*out = arena_strdup(arena, b.p ? b.p : "");
	buf_fini(&b);
	return status;
}
#define RUN(out, ...) run((out), (const char *const[]){ __VA_ARGS__, NULL })

static const char fine[] = "{\"submodels\":[{\"modelType\":\"Submodel\",\"id\":\"urn:a\",\"submodelElements\":["
			   "{\"modelType\":\"File\",\"idShort\":\"f\",\"displayName\":[{\"language\":\"de\",\"text\":\"a\"},{\"language\":\"de\","
			   "\"text\":\"b\"}]}]}]}";
static const char faulty[] = "{\"submodels\":[{\"modelType\":\"Submodel\",\"id\":\"\",\"x\":1,\"submodelElements\":["
			     "{\"modelType\":\"Capability\",\"idShort\":\"f\"},{\"modelType\":\"Capability\",\"idShort\":\"f\"}]}]}";
static const char xml[] = "<environment xmlns=\"https://admin-shell.io/aas/3/0\"><submodels><submodel><id>urn:a</id><submodelElements><capability/>"
			  "</submodelElements></submodel></submodels></environment>";

static void lines(const char *good, const char *bad, const char *as_xml)
{
	const char *out;
	check_int(RUN(&out, good), EX_OK, "a right file");
	check_str(out, "good.json: ok (0 shells, 1 submodels, 0 concept descriptions)\n", "says what it holds");
	check_int(RUN(&out, "--strict", good), EX_DATAERR, "strictly it is not right");
	check_str(out, "good.json: submodels[0].submodelElements[0].displayName[1]: [STR-055] the language \"de\" is used twice\n",
		  "the line has path, rule and text");
	check_int(RUN(&out, "--version", "3.0", good), EX_DATAERR, "nor by V3.0");
	check_str(out, "good.json: submodels[0].submodelElements[0]: [STR-105] V3.0 requires contentType\n", "for another reason");
	check_int(RUN(&out, "--version", "3.1", good), EX_OK, "V3.1 is the default");
	check_int(RUN(&out, good, "--strict"), EX_DATAERR, "an option may follow");
	check_int(RUN(&out, good, "--loud"), EX_USAGE, "and must be known there, too");
	check_int(RUN(&out, good, "--version"), EX_USAGE, "a version that is missing");
	check_int(RUN(&out, bad, good), EX_DATAERR, "one of two files is wrong");
	check_str(out, "bad.json: submodels[0].id: [STR-033] must not be empty\nbad.json: submodels[0]: Submodel has no attribute \"x\"\n"
		       "bad.json: submodels[0].submodelElements[1]: [AASd-022] the idShort \"f\" is used twice\n"
		       "good.json: ok (0 shells, 1 submodels, 0 concept descriptions)\n", "all its faults are told, and the other is checked");
	check_int(RUN(&out, file("mark", "\xEF\xBB\xBF{}")), EX_DATAERR, "a JSON file with a byte order mark");
	check_str(out, "mark: the text begins with a byte order mark\n", "is told so");
	check_int(RUN(&out, as_xml), EX_DATAERR, "an XML file");
	check_str(out, "xml: submodels[0].submodelElements[0]: [AASd-117] the element needs an idShort\n", "is held to the same rules");
}

static void json(const char *good, const char *bad)
{
	const char *out;
	check_int(RUN(&out, "--json", bad, good), EX_DATAERR, "the same as JSON");
	check_str(out, "[\n {\"file\":\"bad.json\",\"findings\":[\n  {\"path\":\"submodels[0].id\",\"line\":1,\"rule\":\"STR-033\",\"text\":\"must not be empty\"},\n"
		       "  {\"path\":\"submodels[0]\",\"line\":1,\"text\":\"Submodel has no attribute \\\"x\\\"\"},\n"
		       "  {\"path\":\"submodels[0].submodelElements[1]\",\"rule\":\"AASd-022\",\"text\":\"the idShort \\\"f\\\" is used twice\"}\n]},\n"
		       " {\"file\":\"good.json\",\"findings\":[],\"shells\":0,\"submodels\":1,\"conceptDescriptions\":0}\n]\n", "an object for each");
	check_int(RUN(&out, "--json", "/nonexistent", good), EX_NOINPUT, "a file that is not there");
	check_str(out, "[\n {\"file\":\"good.json\",\"findings\":[],\"shells\":0,\"submodels\":1,\"conceptDescriptions\":0}\n]\n", "is left out");
}

/* More findings than a diag holds. */
static void many(void)
{
	struct buf b = BUF_INIT;
	const char *out;
	size_t n = 0;
	buf_puts(&b, "{\"submodels\":[{\"modelType\":\"Submodel\",\"id\":\"u\",\"submodelElements\":[{\"modelType\":\"Capability\"}");
	for (int i = 0; i < 499; i++)
		buf_puts(&b, ",{\"modelType\":\"Capability\"}");
	buf_puts(&b, "]}]}");
	check_int(RUN(&out, file("many.json", b.p)), EX_DATAERR, "500 findings");
	for (const char *p = out; (p = strchr(p, '\n')); p++)
		n++;
	check_int(n, 500, "are 500 lines");
	buf_fini(&b);
}

static const char pattern[] = "{\"submodels\":[{\"modelType\":\"Submodel\",\"id\":\"urn:t\",\"kind\":\"Template\",\"semanticId\":{\"type\":\"ExternalReference\",\"keys\":["
	"{\"type\":\"GlobalReference\",\"value\":\"urn:sem\"}]},\"submodelElements\":[{\"modelType\":\"Capability\",\"idShort\":\"c\",\"qualifiers\":["
	"{\"type\":\"SMT/Cardinality\",\"valueType\":\"xs:string\",\"value\":\"One\"}]}],\"unknown\":1}]}";
static const char follower[] = "{\"submodels\":[{\"modelType\":\"Submodel\",\"id\":\"urn:a\",\"semanticId\":{\"type\":\"ExternalReference\",\"keys\":["
	"{\"type\":\"GlobalReference\",\"value\":\"urn:sem\"}]}}]}";

static void profile(const char *good)
{
	static const char line[] = "follower.json: submodels[0]: [SMT-cardinality] the template requires one Capability c\n";
	const char *templates = arena_printf(arena, "%s/templates", dir), *words = arena_printf(arena, "templates=%s", templates), *out;
	const char *path = file("follower.json", follower);
	check_int(RUN(&out, "--profile", words, good), EX_NOINPUT, "no directory of templates");
	if (mkdir(templates, 0700))
		abort();
	check_int(RUN(&out, "--profile", words, good), EX_NOINPUT, "no template in it");
	file("templates/a.txt", "no template");
	const char *broken = file("templates/broken.json", "{");
	check_int(RUN(&out, "--profile", words, good), EX_NOINPUT, "one that cannot be read");
	unlink(broken);
	file("templates/t.json", pattern);
	check_int(RUN(&out, path), EX_OK, "without a profile");
	check_int(RUN(&out, "--profile", words, path), EX_DATAERR, "a submodel that does not follow its template");
	check_str(out, line, "is told where");
	check_int(RUN(&out, "--profile", words, good), EX_OK, "one that has no template");
	check_int(RUN(&out, path, "--json", "--profile", words), EX_DATAERR, "as JSON");
	check_str(out, "[\n {\"file\":\"follower.json\",\"findings\":[\n  {\"path\":\"submodels[0]\",\"rule\":\"SMT-cardinality\","
		  "\"text\":\"the template requires one Capability c\"}\n]}\n]\n", "a finding like others");
	setenv("TWINSHELL_TEMPLATES", templates, 1);
	check_int(RUN(&out, "--profile", "templates", path), EX_DATAERR, "the directory of the environment");
	check_str(out, line, "is read");
	unsetenv("TWINSHELL_TEMPLATES");
	check_int(RUN(&out, "--profile", "template", path), EX_USAGE, "another profile");
	check_int(RUN(&out, "--profile", "templates=", path), EX_USAGE, "no directory");
	check_int(RUN(&out, path, "--profile"), EX_USAGE, "no word");
	for (const char *const *n = (const char *const[]){ "templates/a.txt", "templates/t.json", "follower.json", NULL }; *n; n++)
		unlink(arena_printf(arena, "%s/%s", dir, *n));
	rmdir(templates);
}

int main(void)
{
	const char *out;
	arena = arena_new(0);
	if (!arena || !mkdtemp(dir))
		abort();
	const char *good = file("good.json", fine), *bad = file("bad.json", faulty), *as_xml = file("xml", xml);
	lines(good, bad, as_xml);
	json(good, bad);
	many();
	profile(good);
	check_int(RUN(&out, "--strict"), EX_USAGE, "without files");
	check_int(RUN(&out, "--version", "2.0", good), EX_USAGE, "a version that is not known");
	check_int(RUN(&out, "--loud", good), EX_USAGE, "an option that is not known");
	for (const char *const *n = (const char *const[]){ "good.json", "bad.json", "xml", "many.json", "mark", "out", NULL }; *n; n++)
		unlink(arena_printf(arena, "%s/%s", dir, *n));
	check_int(rmdir(dir), 0, "nothing is left behind");
	arena_free(arena);
	return done();
}
