/* SPDX-License-Identifier: Apache-2.0
 * Packages made here, byte by byte where no tool would write them: what is read, and that what is hostile is refused.
 */
#include "aas/aasx.h"

#include <zip.h>

#include "base/buf.h"
#include "base/findings.h"
#include "tests/tap.h"

#define REL_NS "http://schemas.openxmlformats.org/package/2006/relationships"
#define AASX "http://admin-shell.io/aasx/relationships/"
#define WWW "http://www.admin-shell.io/aasx/relationships/"
#define THUMB REL_NS "/metadata/thumbnail"
#define RELS(items) "<?xml version=\"1.0\"?><Relationships xmlns=\"" REL_NS "\">" items "</Relationships>"
#define REL(type, target) "<Relationship Type=\"" type "\" Target=\"" target "\" Id=\"r\"/>"
#define TYPES_NS "http://schemas.openxmlformats.org/package/2006/content-types"
#define TYPES "<Types xmlns=\"" TYPES_NS "\"><Default Extension=\"pdf\" " \
	"ContentType=\"application/pdf\"/><Override PartName=\"/aasx/Odd\" ContentType=\"text/odd\"/></Types>"
#define ORIGIN { "_rels/.rels", RELS(REL(AASX "aasx-origin", "/aasx/aasx-origin")), 0 }
#define SPECS(items) { "aasx/_rels/aasx-origin.rels", RELS(items), 0 }
#define HEAD { "[Content_Types].xml", TYPES, 0 }, ORIGIN, { "aasx/aasx-origin", "Intentionally empty", 0 }
#define USUAL HEAD, SPECS(REL(AASX "aas-spec", "/aasx/data.json"))
#define SM(id, elements) "{\"submodels\":[{\"modelType\":\"Submodel\",\"id\":\"" id "\"" elements "}]}"
#define FILE_AT(id, value) "{\"modelType\":\"File\",\"idShort\":\"" id "\",\"value\":\"" value "\",\"contentType\":\"x/y\"}"
#define DATA { "aasx/data.json", SM("a", ""), 0 }
#define XML(id) "\xEF\xBB\xBF<environment xmlns=\"https://admin-shell.io/aas/3/0\"><submodels><submodel><id>" id \
	"</id></submodel></submodels></environment>"

enum { PLAIN, ENCRYPTED, LINK, BZIP2, STORED, RAW_NAME };
struct part {
	const char *name, *text;
	int how;
};

/* The bytes of a package, for free(). */
static char *pack(const struct part *part, size_t n, size_t *size)
{
	zip_error_t e;
	zip_error_init(&e);
	zip_source_t *out = zip_source_buffer_create(NULL, 0, 0, &e);
	zip_t *z = zip_open_from_source(out, ZIP_TRUNCATE, &e);
	zip_source_keep(out);
	for (size_t i = 0; i < n && part[i].name; i++) {
		zip_int64_t at = zip_file_add(z, part[i].name, zip_source_buffer(z, part[i].text, strlen(part[i].text), 0),
					 part[i].how == RAW_NAME ? ZIP_FL_ENC_CP437 : ZIP_FL_ENC_UTF_8);
		zip_uint64_t k = (zip_uint64_t)at;
		if (at < 0)
			abort();
		if (part[i].how == ENCRYPTED)
			zip_file_set_encryption(z, k, ZIP_EM_TRAD_PKWARE, "secret");
		if (part[i].how == LINK)
			zip_file_set_external_attributes(z, k, 0, ZIP_OPSYS_UNIX, 0120777u << 16);
		zip_set_file_compression(z, k, part[i].how == BZIP2 ? ZIP_CM_BZIP2 : part[i].how == STORED ? ZIP_CM_STORE : ZIP_CM_DEFLATE, 0);
	}
	if (zip_close(z))
		abort();
	zip_stat_t st;
	zip_source_stat(out, &st);
	char *bytes = malloc(st.size);
	zip_source_open(out);
	zip_source_read(out, bytes, st.size);
	zip_source_close(out);
	zip_source_free(out);
	*size = st.size;
	return bytes;
}

static struct arena *a;

static enum err open_bytes(const char *bytes, size_t n, struct aasx *x, char *why, size_t size)
{
	struct diag d = DIAG_INIT;
	/* exactly its size, so that a sanitizer sees a byte read too many */
	char *copy = malloc(n ? n : 1);
	memcpy(copy, bytes, n);
	arena_reset(a);
	enum err e = aasx_read(a, copy, n, x, &d);
	diag_first(&d, why, size);
	if (d.top)
		snprintf(why, size, "a frame was left");
	diag_fini(&d);
	free(copy);
	return e;
}

static enum err open_parts(const struct part *part, size_t n, struct aasx *x, char *why, size_t size)
{
	size_t len;
	char *bytes = pack(part, n, &len);
	enum err e = open_bytes(bytes, len, x, why, size);
	free(bytes);
	return e;
}

#define READS(x, ...) reads(x, (struct part[]){ __VA_ARGS__ }, sizeof((struct part[]){ __VA_ARGS__ }) / sizeof(struct part), __LINE__)
#define REFUSES(why, ...) refuses(why, (struct part[]){ __VA_ARGS__ }, sizeof((struct part[]){ __VA_ARGS__ }) / sizeof(struct part))

static bool reads(struct aasx *x, const struct part *part, size_t n, int line)
{
	char why[1100];
	enum err e = open_parts(part, n, x, why, sizeof why);
	return check(!e, "the package of line %d is read: %s", line, why);
}

static void refuses(const char *want, const struct part *part, size_t n)
{
	struct aasx x;
	char why[1100];
	enum err e = open_parts(part, n, &x, why, sizeof why);
	check((e == ERR_BAD_REQUEST || e == ERR_TOO_LARGE) && strstr(why, want), "refused, saying \"%s\": %s", want, why);
}

static unsigned count(const struct aas_node *n)
{
	unsigned k = 0;
	for (; n; n = n->next)
		k++;
	return k;
}

static unsigned submodels(const struct aasx *x)
{
	return count(AAS_AT(x->environment, Environment, submodels).node);
}

static const struct aasx_file *file_of(const struct aasx *x, const char *path)
{
	for (const struct aasx_file *f = x->files; f; f = f->next)
		if (str_eq(f->path, path))
			return f;
	return NULL;
}

static void is_file(const struct aasx *x, const char *path, const char *type, const char *text)
{
	const struct aasx_file *f = file_of(x, path);
	if (check(f != NULL, "there is a file \"%s\"", path)) {
		check_str(f->content_type, type, "of its type");
		check(slice_is(f->bytes, text), "with its bytes");
	}
}

static void plain(void)
{
	struct aasx x;
	if (READS(&x, USUAL, DATA, { "aasx/", "", 0 }))
		check(submodels(&x) == 1 && !x.files && !x.thumbnail, "one submodel, nothing else");
	READS(&x, { "[content_types].xml", TYPES, 0 }, { "_rels/.rels", RELS(REL(WWW "aasx-origin", "aasx/aasx-origin")), 0 },
	      { "aasx/aasx-origin", "", 0 }, SPECS(REL(WWW "aas-spec", "sub/../data.xml")), { "aasx/data.xml", XML("a"), 0 });
	check(submodels(&x) == 1, "deprecated relationships, relative targets, XML with a byte order mark");
	READS(&x, HEAD, SPECS(REL(AASX "aas-spec", "/aasx/data.json") REL(WWW "aas-spec", "data.json")), { "aasx/data.json", "\xEF\xBB\xBF" SM("a", ""), 0 });
	check(submodels(&x) == 1, "one part related twice, JSON with a byte order mark");
}

static void several_specs(void)
{
	struct aasx x;
#define TWO HEAD, SPECS(REL(AASX "aas-spec", "/aasx/x.xml") REL(AASX "aas-spec", "/aasx/data.json"))
#define TWO_JSON HEAD, SPECS(REL(AASX "aas-spec", "/aasx/b.json") REL(AASX "aas-spec", "/aasx/data.json"))
	READS(&x, TWO, DATA, { "aasx/x.xml", XML("b"), 0 });
	check(submodels(&x) == 2 && AAS_AT(x.environment, Environment, submodels).node->next->parent == x.environment, "specs are united");
	READS(&x, TWO, { "aasx/data.json", SM("a", ",\"idShort\":\"J\""), 0 }, { "aasx/x.xml", XML("a"), 0 });
	check(submodels(&x) == 1 && AAS_ID_SHORT(AAS_AT(x.environment, Environment, submodels).node), "of the same thing the JSON counts");
	READS(&x, TWO_JSON, DATA, { "aasx/b.json", SM("a", ""), 0 });
	check(submodels(&x) == 1, "the same twice is once");
	REFUSES("two different things with the id \"a\"", TWO_JSON, DATA, { "aasx/b.json", SM("a", ",\"idShort\":\"B\""), 0 });
#define CD(name) "{\"modelType\":\"ConceptDescription\",\"id\":\"c\",\"idShort\":\"" name "\"}"
	READS(&x, USUAL, { "aasx/data.json", "{\"conceptDescriptions\":[" CD("One") "," CD("Two") "]}", 0 });
	check_str(AAS_ID_SHORT(AAS_AT(x.environment, Environment, conceptDescriptions).node), "One", "of two concept descriptions the first");
	check_int(count(AAS_AT(x.environment, Environment, conceptDescriptions).node), 1, "alone");
	REFUSES("aasx/data.json.submodels[0]", TWO_JSON, { "aasx/data.json", SM("", ""), 0 }, { "aasx/b.json", SM("a", ""), 0 });
}

static void files(void)
{
	struct aasx x;
	if (!READS(&x, { "[Content_Types].xml", TYPES, 0 },
		   { "_rels/.rels", RELS(REL(AASX "aasx-origin", "/aasx/aasx-origin") REL(THUMB, "/Thumb.png")), 0 },
		   SPECS(REL(AASX "aas-spec", "/aasx/data.json")),
		   { "aasx/_rels/data.json.rels", RELS(REL(AASX "aas-suppl", "/aasx/suppl/m.pdf") REL(AASX "aas-suppl", "suppl/a&amp;b.pdf")
						       REL(AASX "aas-suppl", "/aasx/gone.pdf") REL("urn:other", "http://x/")), 0 },
		   { "aasx/data.json", SM("a", ",\"submodelElements\":[" FILE_AT("A", "/aasx/suppl/m.pdf") "," FILE_AT("B", "suppl/m.pdf") ","
		     FILE_AT("C", "suppl/my%20file.xyz") "," FILE_AT("D", "/aasx/odd") "," FILE_AT("E", "https://x/y.pdf") ","
		     FILE_AT("F", "/nix.pdf") "," FILE_AT("G", "../../etc/passwd") "]"), 0 },
		   { "aasx/suppl/m.pdf", "PDF", 0 }, { "aasx/suppl/a&b.pdf", "BIN", STORED }, { "aasx/suppl/my file.xyz", "XYZ", 0 },
		   { "aasx/Odd", "ODD", 0 }, { "Thumb.png", "PNG", 0 }, { "aasx/nobody.txt", "N", 0 }))
		return;
	is_file(&x, "/aasx/suppl/m.pdf", "application/pdf", "PDF");
	is_file(&x, "suppl/m.pdf", "application/pdf", "PDF");
	check(file_of(&x, "suppl/m.pdf")->bytes.p == file_of(&x, "/aasx/suppl/m.pdf")->bytes.p, "two names, bytes once");
	is_file(&x, "suppl/my%20file.xyz", "x/y", "XYZ");
	is_file(&x, "/aasx/odd", "text/odd", "ODD");
	is_file(&x, "/aasx/suppl/a&b.pdf", "application/pdf", "BIN");
	is_file(&x, "/Thumb.png", "application/octet-stream", "PNG");
	check_str(x.thumbnail, "/Thumb.png", "the thumbnail");
	unsigned n = 0;
	for (const struct aasx_file *f = x.files; f; f = f->next)
		n++;
	check_int(n, 6, "no other file");
}

/* One name has many spellings, and tools differ in all of them. */
static void spellings(void)
{
	struct aasx x;
	static const char umlaut[] = "aasx/suppl/\xC3\xBC b.pdf";
	static const char *const zip[] = { umlaut, "aasx/suppl/%C3%BC%20b.pdf", "AASX/Suppl/%c3%bc b.PDF", "aasx/suppl/\x81 b.pdf" };
	for (size_t i = 0; i < sizeof zip / sizeof *zip; i++) {
		READS(&x, USUAL, { "aasx/data.json", SM("a", ",\"submodelElements\":[" FILE_AT("A", "/aasx/suppl/%C3%BC%20b.pdf") ","
			FILE_AT("B", "suppl/\xC3\xBC%20b.pdf#page=3") "," FILE_AT("C", "/AASX/x/../suppl/%C3%BC%20B.pdf") "]"), 0 }, { zip[i], "PDF", i == 3 ? RAW_NAME : 0 });
		is_file(&x, "/aasx/suppl/%C3%BC%20b.pdf", "application/pdf", "PDF");
		is_file(&x, "suppl/\xC3\xBC%20b.pdf#page=3", "application/pdf", "PDF");
		is_file(&x, "/AASX/x/../suppl/%C3%BC%20B.pdf", "application/pdf", "PDF");
	}
	READS(&x, { "[Content_Types].xml", "<Types xmlns=\"" TYPES_NS "\"><Default Extension=\".PDF\" ContentType=\"a/pdf\"/><Default Extension=\"pdf\" ContentType=\"a/pdf\"/>"
		"<Override PartName=\"aasx/%54.txt\" ContentType=\"a/t\"/><Override PartName=\"/aasx/e.txt\" ContentType=\"\"/><x:Default xmlns:x=\"urn:x\"/></Types>", 0 },
	      ORIGIN, SPECS(REL(AASX "aas-spec", "/aasx/data.json")), { "aasx/data.json", SM("a", ",\"submodelElements\":["
		FILE_AT("A", "a.pdf") "," FILE_AT("B", "t.TXT") "," FILE_AT("C", "e.txt") "," FILE_AT("D", "pdf") "]"), 0 },
	      { "aasx/a.pdf", "A", 0 }, { "aasx/T.txt", "T", 0 }, { "aasx/e.txt", "E", 0 }, { "aasx/pdf", "P", 0 });
	is_file(&x, "a.pdf", "a/pdf", "A");
	is_file(&x, "t.TXT", "a/t", "T");
	is_file(&x, "e.txt", "x/y", "E");
	is_file(&x, "pdf", "x/y", "P");
	READS(&x, HEAD, { "aasx/_rels/AASX-origin.rels", RELS(REL(AASX "aas-spec", "data.json") REL(WWW "aas-suppl", "/s.bin")), 0 }, DATA, { "s.bin", "S", 0 });
	is_file(&x, "/s.bin", "application/octet-stream", "S");
	READS(&x, { "[Content_Types].xml", TYPES, 0 }, { "_rels/.rels", "<Relationships xmlns=\"http://schema.openxmlformats.org/package/2006/relationships\">"
		REL(AASX "aasx-origin", "aasx/aasx-origin") "</Relationships>", 0 }, SPECS(REL(AASX "aas-spec", "data.json")), DATA);
	check(submodels(&x) == 1, "the misprinted namespace, an origin that is no part");
}

static void structure(void)
{
	REFUSES("[Content_Types].xml", ORIGIN, SPECS(REL(AASX "aas-spec", "/aasx/data.json")), DATA);
	REFUSES("no aasx-origin", { "[Content_Types].xml", TYPES, 0 }, DATA);
	REFUSES("more than one aasx-origin", { "[Content_Types].xml", TYPES, 0 },
		{ "_rels/.rels", RELS(REL(AASX "aasx-origin", "/a") REL(AASX "aasx-origin", "/b")), 0 });
	REFUSES("no aas-spec", HEAD, DATA);
	REFUSES("no part \"aasx/data.json\"", USUAL);
	REFUSES("aasx/data.json.submodels", USUAL, { "aasx/data.json", "{\"submodels\":[1]}", 0 });
	REFUSES("aasx/data.json: ", USUAL, { "aasx/data.json", "PK\3\4", 0 });
	REFUSES("_rels/.rels: line 1: not well-formed", { "[Content_Types].xml", TYPES, 0 }, { "_rels/.rels", "<", 0 });
	REFUSES("_rels/.rels: a document type", { "[Content_Types].xml", TYPES, 0 }, { "_rels/.rels", "<!DOCTYPE a>" RELS(""), 0 });
	REFUSES("[Content_Types].xml: the root is no Types", { "[Content_Types].xml", "<a><a><a><a><a><a><a><a><a>", 0 });
	REFUSES("[Content_Types].xml: nested too deeply", { "[Content_Types].xml", "<Types xmlns='" TYPES_NS "'><a><a><a><a><a><a><a><a><a>", 0 });
	REFUSES("without Type or Target", { "[Content_Types].xml", TYPES, 0 }, { "_rels/.rels", RELS("<Relationship Id=\"a\"/>"), 0 });
}

static void outside(void)
{
	static const char *const targets[] = {
		"../../etc/passwd", "/../x", "/%2e%2e/x", "%2e%2e/%2e%2e/x", "..%2fx", "a\\b", "a%5cb", "file:///etc/passwd", "https://x/data.json",
		"//host/data.json", "C:/data.json", "a%00b", "a%0ab",
	};
	for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
		char rels[600];
		snprintf(rels, sizeof rels, RELS(REL(AASX "aas-spec", "%s")), targets[i]);
		REFUSES("leads out of the package", HEAD, { "aasx/_rels/aasx-origin.rels", rels, 0 }, DATA);
	}
	REFUSES("leads out of the package", HEAD, SPECS("<Relationship Type=\"" AASX "aas-spec\" Target=\"/aasx/data.json\" TargetMode=\"External\"/>"),
		DATA);
	REFUSES("leads out of the package", USUAL, DATA, { "aasx/_rels/data.json.rels", RELS(REL(AASX "aas-suppl", "../../x")), 0 });
}

static void names(void)
{
	static const char *const bad[] = { "../evil", "/evil", "a/../../evil", "a//b", "./a", "a/.", "a\\b", "C:evil", "a\tb", "...", "a/../b/" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		REFUSES("is not allowed", USUAL, DATA, { bad[i], "x", 0 });
	REFUSES("is not allowed", USUAL, DATA, { "aasx/link", "/etc/passwd", LINK });
	REFUSES("is there twice", USUAL, DATA, { "AASX/Data.JSON", "x", 0 });
	REFUSES("is encrypted", USUAL, DATA, { "aasx/x", "x", ENCRYPTED });
	if (zip_compression_method_supported(ZIP_CM_BZIP2, 1))
		REFUSES("method that is not allowed", USUAL, DATA, { "aasx/x", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", BZIP2 });
}

static char *filled(char c, size_t n)
{
	char *p = malloc(n + 1);
	memset(p, c, n);
	p[n] = 0;
	return p;
}

static void bombs(void)
{
	struct aasx x;
	char *zeros = filled(' ', 4 << 20), why[1100];
	static struct part many[10003] = { USUAL, DATA };
	static char name[10003][16];
	REFUSES("times its size", USUAL, DATA, { "aasx/bomb", zeros, 0 });
	READS(&x, USUAL, DATA, { "aasx/large", zeros, STORED });
	free(zeros);
	for (int i = 5; i < 10003; i++) {
		snprintf(name[i], sizeof name[i], "f%d", i);
		many[i] = (struct part){ name[i], "x", STORED };
	}
	many[10001].name = NULL;
	check_int(open_parts(many, 10003, &x, why, sizeof why), ERR_TOO_LARGE, "more than 10000 parts: %s", why);
	many[10000].name = NULL;
	check_int(open_parts(many, 10003, &x, why, sizeof why), ERR_OK, "10000 parts are read: %s", why);
}

/* What no library writes: bytes are changed afterwards. */
static void damaged(void)
{
	struct part part[] = { USUAL, DATA, { "aasx/f1", "AAAAAAAA", STORED }, { "aasx/f2", "BBBBBBBB", STORED } };
	struct aasx x;
	char why[1100];
	size_t n, survived = 0;
	char *bytes = pack(part, sizeof part / sizeof *part, &n), *copy = malloc(n), *p;
	check_int(open_bytes(bytes, n, &x, why, sizeof why), ERR_OK, "the package as it was written: %s", why);
	for (size_t cut = 0; cut < n; cut++)
		survived += open_bytes(bytes, cut, &x, why, sizeof why) == ERR_OK;
	check_int(survived, 0, "no beginning of it is a package");
	memcpy(copy, bytes, n);
	while ((p = memmem(copy, n, "aasx/f2", 7)))
		memcpy(p, "aasx/f1", 7);
	check(open_bytes(copy, n, &x, why, sizeof why) == ERR_BAD_REQUEST && strstr(why, "twice"), "a name twice: %s", why);
	for (size_t at = 0; at < n; at++) {		/* whatever happens, nothing breaks */
		memcpy(copy, bytes, n);
		copy[at] = (char)(copy[at] ^ 0x55);
		open_bytes(copy, n, &x, why, sizeof why);
	}
	check(1, "each byte may be wrong");
	free(copy);
	free(bytes);
	struct part crc[] = { USUAL, { "aasx/data.json", SM("crc-is-wrong", ""), STORED } };
	bytes = pack(crc, sizeof crc / sizeof *crc, &n);
	memcpy(memmem(bytes, n, "crc-is-wrong", 12), "crc-is-WRONG", 12);
	check(open_bytes(bytes, n, &x, why, sizeof why) == ERR_BAD_REQUEST && strstr(why, "damaged"), "a wrong checksum: %s", why);
	free(bytes);
	check_int(open_bytes("", 0, &x, why, sizeof why), ERR_BAD_REQUEST, "nothing at all");
	check(aasx_is("PK\3\4", 4) && !aasx_is("PK\3", 3) && !aasx_is("{\"a\":1}", 7), "what begins like a ZIP file");
}

static void count_message(void *ctx, const struct diag_message *m)
{
	*(unsigned *)ctx += m->rule != NULL;
}

/* Who takes messages one by one wants them all. */
static void all_faults(void)
{
	static const char json[] = SM("", ",\"kind\":\"x\"");
	static const char xml[] = "<environment xmlns=\"https://admin-shell.io/aas/3/0\"><submodels><submodel><id></id><kind>x</kind></submodel>"
				  "</submodels></environment>";
	for (int i = 0; i < 2; i++) {
		const struct part part[] = { USUAL, { "aasx/data.json", i ? xml : json, 0 } };
		struct diag d = DIAG_INIT;
		unsigned told = 0;
		struct aasx x;
		size_t n;
		char *bytes = pack(part, sizeof part / sizeof *part, &n);
		check_int(aasx_read(a, bytes, n, &x, &d), ERR_BAD_REQUEST, "a package with two faults, as %s", i ? "XML" : "JSON");
		check_int(d.n, 1, "the first is told");
		diag_clear(&d);
		d.sink = count_message;
		d.ctx = &told;
		check_int(aasx_read(a, bytes, n, &x, &d), ERR_BAD_REQUEST, "read for a sink");
		check(told == 2 && d.n == 2 && !d.top, "both are");
		diag_fini(&d);
		free(bytes);
	}
}

/* Also those of the specs behind the first that has one; what could be read is there. */
static void every_part(void)
{
	static const struct part part[] = { HEAD,
		SPECS(REL(AASX "aas-spec", "/aasx/a.json") REL(AASX "aas-spec", "/aasx/none.json") REL(AASX "aas-spec", "/aasx/b.xml")
		      REL(AASX "aas-spec", "/aasx/c.json")),
		{ "aasx/a.json", "{\"submodels\":[\n{\"modelType\":\"Submodel\",\"id\":\"a\",\n\"kind\":\"x\"},{\"modelType\":\"Submodel\"}]}", 0 },
		{ "aasx/b.xml", "<environment xmlns=\"https://admin-shell.io/aas/3/0\"><submodels>\n<submodel><id></id></submodel></submodels></environment>", 0 },
		{ "aasx/c.json", SM("a", ",\"idShort\":\"Other\""), 0 } };
	static const struct { const char *part, *path; unsigned line; } want[] = {
		{ "aasx/a.json", "submodels[0].kind", 3 }, { "aasx/a.json", "submodels[1]", 3 }, { NULL, "", 0 }, { "aasx/b.xml", "submodels[0].id", 2 },
		{ "aasx/c.json", "submodels[0]", 0 },
	};
	struct diag d = DIAG_INIT;
	struct findings *all = findings_of(a, &d);
	struct aasx x;
	size_t n, i = 0;
	char *bytes = pack(part, sizeof part / sizeof *part, &n);
	check_int(aasx_read(a, bytes, n, &x, &d), ERR_BAD_REQUEST, "a package with a fault in every part");
	for (const struct finding *f = all->first; f && i < sizeof want / sizeof *want; f = f->next, i++) {
		check_str(f->part ? f->part : "", want[i].part ? want[i].part : "", "a fault: %s", f->text);
		check_str(f->path, want[i].path, "has its path in the part");
		check_int(f->line, want[i].line, "and its line");
	}
	check(i == sizeof want / sizeof *want && all->n == i && all->faults == i && !d.top, "all of them");
	const struct aasx_item *item = x.items[1];
	check(item && str_eq(item->part, "aasx/a.json") && !item->index && str_eq(AAS_ID(item->node), "a"), "what could be read is there, with its place");
	free(bytes);
	diag_fini(&d);
}

int main(void)
{
	a = arena_new(0);
	all_faults();
	every_part();
	plain();
	several_specs();
	files();
	spellings();
	structure();
	outside();
	names();
	bombs();
	damaged();
	arena_free(a);
	return done();
}
