/* SPDX-License-Identifier: Apache-2.0
 * AAS XML out: what is written, what V3.0 does not have, and every conformance fixture, template and package there and back and against the schemas.
 */
#include "aas/xml.h"

#include <dirent.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "aas/aasx.h"
#include "aas/json.h"
#include "aas/tree.h"
#include "base/file.h"
#include "tests/tap.h"

extern char **environ;

#define NS0 "https://admin-shell.io/aas/3/0"
#define NS1 "https://admin-shell.io/aas/3/1"
#define REF "{\"type\":\"ExternalReference\",\"keys\":[{\"type\":\"GlobalReference\",\"value\":\"g\"}]}"
#define XREF "<type>ExternalReference</type><keys><key><type>GlobalReference</type><value>g</value></key></keys>"

/* -- what is written ------------------------------------------------------------------------------------------------------------------- */

static void writes(unsigned type, const char *json, enum aas_version v, const char *xml, const char *what)
{
	struct arena *a = arena_new(0);
	struct diag d = DIAG_INIT;
	struct buf b = BUF_INIT;
	struct aas_node *n, *again = NULL;
	char text[1100];
	if (aas_json_read(a, type, json, strlen(json), 0, &n, &d)) {
		check(false, "%s: %s", what, diag_first(&d, text, sizeof text));
	} else {
		aas_xml_write(&b, n, v);
		check_str(b.p, xml, "writes %s", what);
		enum err e = aas_xml_read_as(a, type, b.p, b.n, &again, &d);
		check(!e && aas_equal(n, again), "and reads it again: %s", diag_first(&d, text, sizeof text));
	}
	buf_fini(&b);
	diag_fini(&d);
	arena_free(a);
}

static void written(void)
{
	writes(AAS_Environment, "{}", AAS_V3_1, AAS_XML_DECLARATION "<environment xmlns=\"" NS1 "\"></environment>", "an empty Environment");
	writes(AAS_Environment, "{\"conceptDescriptions\":[{\"modelType\":\"ConceptDescription\",\"id\":\"c\"}]}", AAS_V3_0, AAS_XML_DECLARATION
	       "<environment xmlns=\"" NS0 "\"><conceptDescriptions><conceptDescription><id>c</id></conceptDescription></conceptDescriptions></environment>",
	       "one of V3.0");
	writes(AAS_SubmodelElement, "{\"modelType\":\"Property\",\"valueType\":\"xs:int\",\"value\":\"007\",\"idShort\":\"P\"}", AAS_V3_1, "<property xmlns=\"" NS1 "\">"
	       "<idShort>P</idShort><valueType>xs:int</valueType><value>007</value></property>", "a Property, in the order of the schema");
	writes(AAS_Property, "{\"modelType\":\"Property\",\"valueType\":\"xs:string\",\"value\":\" \\ta\\r\\nb ]]> <&> \xE2\x82\xAC\xF0\x9D\x84\x9E \"}", AAS_V3_1,
	       "<property xmlns=\"" NS1 "\"><valueType>xs:string</valueType><value> \ta&#13;\nb ]]&gt; &lt;&amp;&gt; \xE2\x82\xAC\xF0\x9D\x84\x9E </value></property>",
	       "what must be escaped, and blanks as they are");
	/* each of the four, alone, where texts are looked at 16 bytes at once and where they are not */
	static const struct { const char *json, *xml; } special[] = { { "\\r", "&#13;" }, { "&", "&amp;" }, { "<", "&lt;" }, { ">", "&gt;" } };
	for (size_t i = 0; i < 8; i++) {
		const char *before = i & 1 ? "0123456789abcdef" : "", *after = i & 1 ? "" : "0123456789abcdef";
		char json[200], xml[300];
		snprintf(json, sizeof json, "{\"modelType\":\"Property\",\"valueType\":\"xs:string\",\"value\":\"%s%s%s\"}", before, special[i / 2].json, after);
		snprintf(xml, sizeof xml, "<property xmlns=\"" NS1 "\"><valueType>xs:string</valueType><value>%s%s%s</value></property>", before, special[i / 2].xml, after);
		writes(AAS_Property, json, AAS_V3_1, xml, special[i / 2].xml);
	}
	writes(AAS_Property, "{\"modelType\":\"Property\",\"valueType\":\"xs:string\",\"value\":\"\"}", AAS_V3_1,
	       "<property xmlns=\"" NS1 "\"><valueType>xs:string</valueType><value></value></property>", "an empty value");
	writes(AAS_Property, "{\"modelType\":\"Property\",\"valueType\":\"xs:string\",\"value\":\"0123456789abcdef0123456789abcde<\"}", AAS_V3_1,
	       "<property xmlns=\"" NS1 "\"><valueType>xs:string</valueType><value>0123456789abcdef0123456789abcde&lt;</value></property>", "the last of 32 bytes");
	writes(AAS_SubmodelElement, "{\"modelType\":\"SubmodelElementList\",\"orderRelevant\":false,\"typeValueListElement\":\"Capability\",\"value\":[{\"modelType\":"
	       "\"Capability\"},{\"modelType\":\"Capability\",\"category\":\"x\"}]}", AAS_V3_1, "<submodelElementList xmlns=\"" NS1 "\"><orderRelevant>false</orderRelevant>"
	       "<typeValueListElement>Capability</typeValueListElement><value><capability></capability><capability><category>x</category></capability></value>"
	       "</submodelElementList>", "a boolean, a literal and a list");
	writes(AAS_SubmodelElement, "{\"modelType\":\"Operation\",\"inputVariables\":[{\"value\":{\"modelType\":\"ReferenceElement\",\"idShort\":\"R\",\"value\":" REF "}}]}",
	       AAS_V3_1, "<operation xmlns=\"" NS1 "\"><inputVariables><operationVariable><value><referenceElement><idShort>R</idShort><value>" XREF
	       "</value></referenceElement></value></operationVariable></inputVariables></operation>", "an element that is wrapped and a reference that is not");
	writes(AAS_EmbeddedDataSpecification, "{\"dataSpecificationContent\":{\"modelType\":\"DataSpecificationIec61360\",\"preferredName\":[{\"language\":\"en\",\"text\":"
	       "\"t\"}],\"levelType\":{\"min\":true,\"nom\":false,\"typ\":false,\"max\":true}},\"dataSpecification\":" REF "}", AAS_V3_1,
	       "<embeddedDataSpecification xmlns=\"" NS1 "\"><dataSpecification>" XREF "</dataSpecification><dataSpecificationContent><dataSpecificationIec61360>"
	       "<preferredName><langStringPreferredNameTypeIec61360><language>en</language><text>t</text></langStringPreferredNameTypeIec61360></preferredName>"
	       "<levelType><min>true</min><nom>false</nom><typ>false</typ><max>true</max></levelType></dataSpecificationIec61360></dataSpecificationContent>"
	       "</embeddedDataSpecification>", "a data specification, the reference first");
	writes(AAS_SubmodelElement, "{\"modelType\":\"Blob\",\"value\":\"AAAA\",\"contentType\":\"a/b\"}", AAS_V3_1,
	       "<blob xmlns=\"" NS1 "\"><value>AAAA</value><contentType>a/b</contentType></blob>", "bytes");
}

static void limits(void)
{
	struct arena *a = arena_new(0);
	struct aas_node *n;
	struct buf b;
	const char *json = "{\"modelType\":\"Property\",\"valueType\":\"xs:string\",\"value\":\"a&b\"}";
	bool failed = true;
	aas_json_read(a, AAS_Property, json, strlen(json), 0, &n, NULL);
	struct buf whole = BUF_INIT;
	aas_xml_write(&whole, n, AAS_V3_1);
	for (size_t i = 1; i < whole.n; i++) {
		buf_init(&b, i);
		aas_xml_write(&b, n, AAS_V3_1);
		failed &= b.failed;
		buf_fini(&b);
	}
	check(failed, "a buffer that is too small fails, however large it is");
	buf_init(&b, whole.n);
	aas_xml_write(&b, n, AAS_V3_1);
	check(!b.failed && b.n == whole.n, "one that is large enough does not");
	buf_fini(&b);
	buf_fini(&whole);
	arena_free(a);
}

/* -- V3.0 ------------------------------------------------------------------------------------------------------------------------------ */

static void lacks(unsigned type, const char *json, const char *message)
{
	struct arena *a = arena_new(0);
	struct diag d = DIAG_INIT, v = DIAG_INIT;
	struct aas_node *n;
	char text[1100];
	if (aas_json_read(a, type, json, strlen(json), 0, &n, &d)) {
		check(false, "%s", diag_first(&d, text, sizeof text));
	} else {
		enum err e = aas_v30_check(n, &v);
		check_str(diag_first(&v, text, sizeof text), message, "V3.0: %s", *message ? message : "nothing is missing");
		check(e == (*message ? ERR_BAD_REQUEST : ERR_OK) && v.n == !!*message && !v.top && aas_v30_check(n, NULL) == e, "once");
	}
	diag_fini(&v);
	diag_fini(&d);
	arena_free(a);
}

static void version_30(void)
{
	char json[8192], message[200], e[2050];
	memset(e, 'x', sizeof e);
	lacks(AAS_AssetInformation, "{\"assetKind\":\"Role\",\"globalAssetId\":\"g\"}", "assetKind: V3.0 does not know the literal Role");
	lacks(AAS_AssetInformation, "{\"assetKind\":\"NotApplicable\",\"globalAssetId\":\"g\"}", "");
	lacks(AAS_SubmodelElement, "{\"modelType\":\"RelationshipElement\",\"first\":" REF "}", "V3.0 requires second");
	lacks(AAS_SubmodelElement, "{\"modelType\":\"AnnotatedRelationshipElement\",\"second\":" REF "}", "V3.0 requires first");
	lacks(AAS_SubmodelElement, "{\"modelType\":\"Blob\"}", "V3.0 requires contentType");
	lacks(AAS_SubmodelElement, "{\"modelType\":\"File\"}", "V3.0 requires contentType");
	lacks(AAS_SubmodelElement, "{\"modelType\":\"File\",\"contentType\":\"a/b\"}", "");
	lacks(AAS_SubmodelElement, "{\"modelType\":\"Entity\"}", "V3.0 requires entityType");
	lacks(AAS_SubmodelElement, "{\"modelType\":\"Entity\",\"entityType\":\"SelfManagedEntity\",\"globalAssetId\":\"g\",\"specificAssetIds\":[{\"name\":\"n\",\"value\":\"v\"}]}",
	      "V3.0 wants either globalAssetId or specificAssetIds");
	lacks(AAS_SubmodelElement, "{\"modelType\":\"Entity\",\"entityType\":\"CoManagedEntity\",\"globalAssetId\":\"g\"}",
	      "V3.0 allows a co-managed entity neither globalAssetId nor specificAssetIds");
	lacks(AAS_SubmodelElement, "{\"modelType\":\"Entity\",\"entityType\":\"SelfManagedEntity\",\"globalAssetId\":\"g\"}", "");
	lacks(AAS_ValueReferencePair, "{\"value\":\"v\"}", "V3.0 requires valueId");
	lacks(AAS_SubmodelElement, "{\"modelType\":\"Capability\",\"idShort\":\"a-b\"}", "idShort: V3.0 allows no hyphen");
	lacks(AAS_SubmodelElement, "{\"modelType\":\"Property\",\"valueType\":\"xs:int\",\"category\":\"OTHER\"}",
	      "category: V3.0 allows CONSTANT, PARAMETER and VARIABLE on a data element");
	lacks(AAS_SubmodelElement, "{\"modelType\":\"Capability\",\"category\":\"OTHER\"}", "");
	lacks(AAS_SubmodelElement, "{\"modelType\":\"SubmodelElementList\",\"typeValueListElement\":\"Capability\",\"value\":[{\"modelType\":\"Capability\"},"
	      "{\"modelType\":\"Capability\",\"idShort\":\"ab\"}]}", "value[1]: V3.0 allows no idShort on the items of a SubmodelElementList");
	for (int n = 2000; n <= 2001; n++) {
		snprintf(json, sizeof json, "{\"modelType\":\"Submodel\",\"id\":\"%.*s\"}", n, e);
		snprintf(message, sizeof message, "id: has %d characters, V3.0 allows 2000", n);
		lacks(AAS_Submodel, json, n > 2000 ? message : "");
		snprintf(json, sizeof json, "{\"path\":\"%.*s\"}", n, e);
		snprintf(message, sizeof message, "path: has %d characters, V3.0 allows 2000", n);
		lacks(AAS_Resource, json, n > 2000 ? message : "");
	}
	snprintf(json, sizeof json, "{\"path\":\"p\",\"contentType\":\"a/%.*s\"}", 99, e);
	lacks(AAS_Resource, json, "contentType: has 101 characters, V3.0 allows 100");
	/* characters, not bytes */
	size_t n = 0;
	for (int i = 0; i < 2000; i++)
		n += (size_t)snprintf(json + n, sizeof json - n, "%s", i ? "\xC3\xA4" : "{\"modelType\":\"Submodel\",\"id\":\"\xC3\xA4");
	snprintf(json + n, sizeof json - n, "\"}");
	lacks(AAS_Submodel, json, "");
}

/* -- fixtures -------------------------------------------------------------------------------------------------------------------------- */

static unsigned files, faults, fit_30, outputs;
static char dir[] = "/tmp/xml_write.XXXXXX";

static void complain(const char *path, const struct diag *d, const char *what)
{
	char text[1100];
	faults++;
	printf("# %s: %s: %s\n", path, what, diag_first(d, text, sizeof text));
}

/* For the schemas, later. */
static void keep(enum aas_version v, const char *text, size_t n)
{
	char name[200];
	snprintf(name, sizeof name, "%s/%s-%u.xml", dir, v == AAS_V3_0 ? "30" : "31", outputs++);
	if (file_write(name, text, n, 0600, NULL))
		abort();
}

static void there_and_back(const char *path, struct arena *a, const struct aas_node *env, struct diag *d)
{
	bool fits = !aas_v30_check(env, NULL);
	fit_30 += fits;
	for (unsigned v = 0; v < 2; v++) {
		struct buf one = BUF_INIT, two = BUF_INIT;
		struct aas_node *again;
		aas_xml_write(&one, env, v);
		if (aas_xml_read(a, one.p, one.n, &again, d))
			complain(path, d, "what was written is not read");
		else if (!aas_equal(env, again))
			complain(path, d, "it is another tree");
		else if (aas_xml_write(&two, again, v), two.n != one.n || memcmp(one.p, two.p, one.n))
			complain(path, d, "the second writing differs");
		else if (v == AAS_V3_1 || fits)
			keep(v, one.p, one.n);
		buf_fini(&one);
		buf_fini(&two);
	}
}

static enum err package(struct arena *a, struct slice bytes, struct aas_node **env, struct diag *d)
{
	struct aasx x;
	enum err e = aasx_read(a, bytes.p, bytes.n, &x, d);
	*env = x.environment;
	return e;
}

static void fixture(const char *path, bool xml, bool all)
{
	struct arena *a = arena_new(0);
	struct diag d = DIAG_INIT;
	struct aas_node *env = NULL;
	struct slice text;
	if (!all && !strstr(path, "/Expected/"))
		goto out;
	if (file_read(a, path, 1 << 24, &text, NULL))
		abort();
	enum err e = aasx_is(text.p, text.n) ? package(a, text, &env, &d) : xml ? aas_xml_read(a, text.p, text.n, &env, &d) : aas_json_read(a, AAS_Environment, text.p, text.n, 0, &env, &d);
	files += !e;
	if (!e)
		there_and_back(path, a, env, &d);
	else if (!all)
		complain(path, &d, "refused");
out:
	diag_fini(&d);
	arena_free(a);
}

static void walk(const char *from, bool all)
{
	DIR *d = opendir(from);
	for (struct dirent *e; d && (e = readdir(d)); ) {
		char path[1200];
		size_t n = strlen(e->d_name);
		snprintf(path, sizeof path, "%s/%s", from, e->d_name);
		if (e->d_name[0] == '.')
			continue;
		if (n > 4 && str_eq(e->d_name + n - 4, ".xml"))
			fixture(path, true, all);
		else if (n > 5 && (str_eq(e->d_name + n - 5, ".json") || str_eq(e->d_name + n - 5, ".aasx")))
			fixture(path, false, all);
		else if (n < 4 || !strchr(e->d_name, '.'))
			walk(path, all);
	}
	if (d)
		closedir(d);
}

/* -- schemas --------------------------------------------------------------------------------------------------------------------------- */

/* Documents of one version; what the program says goes to `log`. */
static int xmllint(const char *shared, enum aas_version v, const char *log)
{
	static char schema[1000], name[8192][64];
	static char tool[] = "xmllint", quiet[] = "--noout", option[] = "--schema", *argv[8192 + 8] = { tool, quiet, option };
	const char *prefix = v == AAS_V3_0 ? "30-" : "31-";
	unsigned n = 3;
	pid_t pid;
	int status;
	snprintf(schema, sizeof schema, "%s/spec/schema/AAS-3.%d.xsd", shared, v == AAS_V3_0 ? 0 : 1);
	argv[n++] = schema;
	DIR *d = opendir(dir);
	for (struct dirent *e; d && (e = readdir(d)) && n < 8192;)
		if (!strncmp(e->d_name, prefix, 3)) {
			snprintf(name[n], sizeof name[n], "%s/%.30s", dir, e->d_name);
			argv[n] = name[n];
			n++;
		}
	closedir(d);
	argv[n] = NULL;
	posix_spawn_file_actions_t io;
	posix_spawn_file_actions_init(&io);
	posix_spawn_file_actions_addopen(&io, 1, log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	posix_spawn_file_actions_adddup2(&io, 1, 2);
	int e = posix_spawnp(&pid, "xmllint", &io, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&io);
	if (e)
		return -1;
	printf("# %u documents against %s\n", n - 4, schema);
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 99;
}

/* idShorts of one character and IRIs are accepted though the schema of V3.1 has other patterns for them. */
static bool known(const char *line)
{
	return strstr(line, "}idShort': [facet 'pattern']") || strstr(line, "}value': [facet 'pattern']") || strstr(line, "}path': [facet 'pattern']") ||
	       strstr(line, " fails to validate") || strstr(line, " validates");
}

static void schemas(const char *shared)
{
	char log[100], line[4096];
	for (unsigned v = 0; v < 2; v++) {
		unsigned wrong = 0, excused = 0;
		snprintf(log, sizeof log, "%s/log", dir);
		int status = xmllint(shared, v, log);
		if (status == -1 || status == 127) {
			printf("ok %d - schemas # SKIP no xmllint\n", ++tap_n);
			return;
		}
		FILE *f = fopen(log, "r");
		while (f && fgets(line, sizeof line, f)) {
			if (v == AAS_V3_1 ? known(line) : strstr(line, " validates") != NULL) {
				excused += !strstr(line, " validates") && strstr(line, "facet");
				continue;
			}
			if (wrong++ < 20)
				printf("# %.300s%s", line, strchr(line, '\n') ? "" : "\n");
		}
		if (f)
			fclose(f);
		check(status == 0 || status == 3, "the schema is read");
		check_int(wrong, 0, "all that was written for V3.%d is valid (%u patterns that are known to differ)", v == AAS_V3_0 ? 0 : 1, excused);
	}
}

static void remove_outputs(void)
{
	DIR *d = opendir(dir);
	for (struct dirent *e; d && (e = readdir(d)); )
		if (e->d_name[0] != '.')
			unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
	rmdir(dir);
}

int main(void)
{
	const char *shared = getenv("TWINSHELL_SHARED");
	char from[1000];
	struct stat st;
	written();
	limits();
	version_30();
	shared = shared ? shared : "../shared";
	snprintf(from, sizeof from, "%s/testgen", shared);
	if (stat(from, &st) || !mkdtemp(dir)) {
		printf("ok %d - fixtures # SKIP no conformance fixtures (TWINSHELL_SHARED)\n", ++tap_n);
		return done();
	}
	snprintf(from, sizeof from, "%s/testgen/Json/ContainedInEnvironment", shared);
	walk(from, false);
	snprintf(from, sizeof from, "%s/testgen/Xml/ContainedInEnvironment", shared);
	walk(from, false);
	check(files > 1500, "%u fixtures, %u of them of V3.0", files, fit_30);
	check_int(faults, 0, "each is the same tree and the same bytes again");
	check_int(fit_30, files, "each suits V3.0");
	unsigned before = files;
	snprintf(from, sizeof from, "%s/templates", shared);
	walk(from, true);
	check(files - before > 10, "%u templates", files - before);
	check_int(faults, 0, "each is the same tree and the same bytes again");
	before = files;
	snprintf(from, sizeof from, "%s/packages", shared);
	walk(from, true);
	check(files - before > 2, "%u packages", files - before);
	check_int(faults, 0, "each is the same tree and the same bytes again");
	schemas(shared);
	remove_outputs();
	return done();
}
