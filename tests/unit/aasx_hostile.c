/* SPDX-License-Identifier: Apache-2.0
 * Packages that no tool writes by accident, made byte by byte: each is refused with a message that says why, in little memory and time.
 */
#include "aas/aasx.h"

#include "tests/tap.h"
#include "tests/unit/rawzip.h"

#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

#define REL_NS "http://schemas.openxmlformats.org/package/2006/relationships"
#define TYPES_NS "http://schemas.openxmlformats.org/package/2006/content-types"
#define AASX "http://admin-shell.io/aasx/relationships/"
#define RELS(items) "<Relationships xmlns=\"" REL_NS "\">" items "</Relationships>"
#define REL(type, target) "<Relationship Type=\"" type "\" Target=\"" target "\" Id=\"r\"/>"
#define TYPES(items) "<Types xmlns=\"" TYPES_NS "\">" items "</Types>"
#define TYPE_PART { "[Content_Types].xml", TYPES(""), .packed = true }
#define ROOT { "_rels/.rels", RELS(REL(AASX "aasx-origin", "/aasx/aasx-origin")), .later = true, .packed = true }
#define ORIGIN { "aasx/aasx-origin", "Intentionally empty" }
#define SPECS { "aasx/_rels/aasx-origin.rels", RELS(REL(AASX "aas-spec", "/aasx/data.json")) }
#define SM "{\"submodels\":[{\"modelType\":\"Submodel\",\"id\":\"a\"}]}"
#define DATA { "aasx/data.json", SM }
#define USUAL TYPE_PART, ROOT, ORIGIN, SPECS, DATA
#define LARGE ((size_t)8 << 20)		/* bytes of memory that a refusal may cost beyond the package itself */

static struct arena *a;

static enum err open_buf(const struct buf *b, char *why, size_t size)
{
	struct diag d = DIAG_INIT;
	struct aasx x;
	arena_free(a);
	a = arena_new(0);
	char *copy = malloc(b->n + 1);		/* exactly its size, so that a sanitizer sees a byte read too many */
	memcpy(copy, b->p, b->n);
	char *tight = realloc(copy, b->n ? b->n : 1);
	enum err e = aasx_read(a, tight, b->n, &x, &d);
	diag_first(&d, why, size);
	if (d.top)
		snprintf(why, size, "a frame was left");
	diag_fini(&d);
	free(tight);
	return e;
}

static void try_archive(const char *want, const struct raw_archive *r)
{
	struct buf b = BUF_INIT;
	char why[1100];
	raw_zip(&b, r);
	enum err e = open_buf(&b, why, sizeof why);
	if (!want)
		check(!e, "it is read: %s", why);
	else
		check((e == ERR_BAD_REQUEST || e == ERR_TOO_LARGE) && strstr(why, want), "refused, saying \"%s\": %s", want, why);
	check(arena_used(a) < LARGE, "in little memory");
	buf_fini(&b);
}

#define TRY(want, ...) try_archive(want, &(struct raw_archive){ .entry = (struct raw[]){ __VA_ARGS__ }, \
	.n = sizeof((struct raw[]){ __VA_ARGS__ }) / sizeof(struct raw) })
#define TRY_AS(want, ...) try_archive(want, &(struct raw_archive){ .entry = (struct raw[]){ USUAL }, \
	.n = sizeof((struct raw[]){ USUAL }) / sizeof(struct raw), __VA_ARGS__ })

static void sound(void)
{
	TRY(NULL, USUAL);
	TRY(NULL, USUAL, { "aasx/", "" }, { "aasx/suppl/", "" });
	TRY(NULL, USUAL, { "aasx/b\xFC.txt", "x", .comment = "a comment" });
	TRY_AS(NULL, .comment = "about the package");
	TRY_AS(NULL, .zip64 = true);
	TRY_AS(NULL, .zip64 = true, .count = 0xFFFF, .directory_size = 0xFFFFFFFF, .directory_offset = 0xFFFFFFFF);
}

static void directory(void)
{
	TRY("\"aasx/x\" has another name in its header", USUAL, { "aasx/x", "x", .local_name = "aasx/y" });
	TRY("\"aasx/x\" has another name in its header", USUAL, { "aasx/x", "x", .local_name = "aasx/xx" });
	TRY("the header of the part \"aasx/x\" contradicts", USUAL, { "aasx/x", "xyz", .local_size = 2, .local_packed = 2 });
	TRY("the header of the part \"aasx/x\" contradicts", USUAL, { "aasx/x", "xyz", .packed = true, .local_size = 2 });
	TRY("the header of the part \"aasx/x\" contradicts", USUAL, { "aasx/x", "xyz", .local_crc = 7 });
	TRY("the header of the part \"aasx/x\" contradicts", USUAL, { "aasx/x", "xyz", .later = true, .packed = true, .local_size = 2 });
	TRY("the sizes of the part \"aasx/x\" are impossible", USUAL, { "aasx/x", "xyz", .size = 2, .local_size = 2 });
	TRY("the sizes of the part \"aasx/x\" are impossible", USUAL, { "aasx/x", "xyz", .packed = true, .packed_size = 0x7FFFFFFF });
	TRY("\"aasx/x\" lies outside", USUAL, { "aasx/x", "xyz", .packed = true, .packed_size = 400 });
	TRY("\"aasx/x\" lies outside", USUAL, { "aasx/x", "xyz", .offset = 0x7FFFFFFF });
	TRY("\"aasx/x\" lies outside", USUAL, { "aasx/x", "xyz", .offset = 3 });
	TRY("is damaged: its checksum is wrong", TYPE_PART, ROOT, ORIGIN, SPECS, { "aasx/data.json", SM, .crc = 1, .local_crc = 1 });
	TRY("is damaged: it unpacks to more than its size", TYPE_PART, ROOT, ORIGIN, SPECS,
	    { "aasx/data.json", SM, .packed = true, .size = 20, .local_size = 20 });
	TRY("is damaged: it unpacks to less than its size", TYPE_PART, ROOT, ORIGIN, SPECS,
	    { "aasx/data.json", SM, .packed = true, .size = 90, .local_size = 90 });
	TRY("is damaged: its data cannot be unpacked", TYPE_PART, ROOT, ORIGIN, SPECS, { "aasx/data.json", SM, .method = 8 });
	/* a deflate stream of "{}" that ends before its bytes do */
	uint32_t crc = (uint32_t)crc32(0, (const Bytef *)"{}", 2);
	TRY("damaged: it is packed in less", TYPE_PART, ROOT, ORIGIN, SPECS,
	    { "aasx/data.json", "\1\2\0\xFD\xFF{}more", .n = 11, .method = 8, .size = 2, .local_size = 2, .crc = crc, .local_crc = crc });
	TRY(NULL, TYPE_PART, ROOT, ORIGIN, SPECS,
	    { "aasx/data.json", "\1\2\0\xFD\xFF{}", .n = 7, .method = 8, .size = 2, .local_size = 2, .crc = crc, .local_crc = crc });
}

static void overlap(void)
{
	/* the second entry's header is the text of the first, which is also unpacked as a part of its own */
	static const char inner[] = "PK\3\4\24\0\0\0\0\0\0\0\41\0\x8C\x88\xEF\x8C\1\0\0\0\1\0\0\0\6\0\0\0aasx/yz";
	struct buf b = BUF_INIT;
	struct raw outer[] = { USUAL, { "aasx/x", inner, .n = sizeof inner - 1 } };
	raw_zip(&b, &(struct raw_archive){ .entry = outer, .n = sizeof outer / sizeof *outer });
	size_t at = (size_t)((char *)memmem(b.p, b.n, inner, sizeof inner - 1) - b.p);
	buf_fini(&b);
	uint32_t crc = (uint32_t)crc32(0, (const Bytef *)"z", 1);
	char head[sizeof inner];
	memcpy(head, inner, sizeof inner);
	memcpy(head + 14, &crc, 4);
	TRY("overlap", USUAL, { "aasx/x", head, .n = sizeof inner - 1 }, { "aasx/y", "z", .offset = at + 1 });
}

static void ends(void)
{
	TRY_AS("stand before the package", .before = "GIF89a and a picture");
	TRY_AS("stand before the package", .before = "GIF89a and a picture", .shifted = true);
	TRY_AS("bytes follow its end", .after = "and more");
	TRY_AS("bytes follow its end", .comment = "short", .comment_n = 4);
	TRY_AS("cut off", .comment_n = 40);
	TRY_AS("one of several volumes", .volumes = 1);
	TRY_AS("the directory of the package is damaged", .count = 6);
	TRY_AS("holds more than it says", .count = 4);
	TRY_AS("has 10001 parts", .count = 10001);
	TRY_AS("the directory of the package is damaged", .directory_size = 0x7FFFFFFF);
	TRY_AS("the directory of the package is damaged", .directory_offset = 0x7FFFFFFF);
	TRY_AS("the directory of the package is damaged", .directory_size = 10);
}

static void zip64(void)
{
	TRY_AS("contradict", .zip64 = true, .count64 = 4);
	TRY_AS("has 4294967297 parts", .zip64 = true, .count = 0xFFFF, .count64 = (1ull << 32) + 1);
	TRY_AS("the directory of the package is damaged", .zip64 = true, .directory_size = 0xFFFFFFFF, .size64 = ~0ull);
	TRY_AS("the directory of the package is damaged", .zip64 = true, .directory_offset = 0xFFFFFFFF, .offset64 = ~0ull - 10);
	TRY_AS("lead nowhere", .zip64 = true, .record64 = ~0ull);
	TRY_AS("lead nowhere", .zip64 = true, .record64 = 3);
	static const char huge[] = "\1\0\x18\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\1";
	TRY("unpacks to too much at \"aasx/x\"", USUAL, { "aasx/x", "x", .size = 0xFFFFFFFF, .extra = huge, .extra_n = 28 });
	TRY("damaged at its entry 6", USUAL, { "aasx/x", "x", .size = 0xFFFFFFFF, .extra = huge, .extra_n = 10 });
	TRY("damaged at its entry 6", USUAL, { "aasx/x", "x", .size = 0xFFFFFFFF });
}

static void bombs(void)
{
	char *zeros = calloc(1, 6 << 20);
	TRY("unpacks to more than 200 times its size", USUAL, { "aasx/bomb", zeros, .n = 6 << 20, .packed = true });
	/* the directory lies: it seems small */
	TRY("unpacks to more than its size", TYPE_PART, ROOT, ORIGIN, SPECS,
	    { "aasx/data.json", zeros, .n = 6 << 20, .packed = true, .size = 1000, .local_size = 1000 });
	TRY("unpacks to too much", USUAL, { "aasx/big", "x", .packed = true, .size = 0x7FFFFFFF, .local_size = 0x7FFFFFFF });
	free(zeros);
	/* many that are allowed each, but not together: three times 400 MB, said in a few bytes */
	TRY("unpacks to", USUAL, { "aasx/1", "x", .packed = true, .size = 400u << 20, .local_size = 400u << 20, .packed_size = 3, .local_packed = 3 });
}

static void names(void)
{
	static const struct { const char *name, *why; } bad[] = {
		{ "../evil", "dots" }, { "/evil", "absolute" }, { "a/../../evil", "dots" }, { "a//b", "empty segment" }, { "C:evil", "colon" },
		{ "aasx\\data.xml", "backslash" }, { "%2e%2e/evil", "dots" }, { "a%2fb", "hides a slash" }, { "a%5Cb", "backslash" },
		{ "a%00b", "control" }, { "a\nb", "control" }, { "%C3%28", "UTF-8" }, { "a/../b/", "dots" }, { "//", "absolute" }, { "", "empty" },
	};
	char longer[1100] = "";
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		TRY(bad[i].why, USUAL, { bad[i].name, "x" });
	memset(longer, 'n', 1025);
	TRY("is too long", USUAL, { longer, "x" });
	longer[1024] = 0;
	TRY(NULL, USUAL, { longer, "x" });
	TRY("is there twice", USUAL, { "AASX/Data.JSON", "x" });
	TRY("is there twice", USUAL, DATA);
	TRY("is there twice", USUAL, { "aasx/dat%61.json", "x" });
	TRY("is also the folder of", USUAL, { "aasx/data.json/x", "x" });
	TRY("is also the folder of", USUAL, { "aasx", "x" });
	TRY("is a link or a device", USUAL, { "aasx/link", "/etc/passwd", .mode = 0120777 });
	TRY("is a link or a device", USUAL, { "aasx/pipe", "", .mode = 0010644 });
	TRY(NULL, USUAL, { "aasx/file", "", .mode = 0100644 });
	TRY("are impossible", USUAL, { "aasx/folder/", "with text" });
	TRY("is encrypted", USUAL, { "aasx/x", "x", .flags = 1 });
	TRY("is encrypted", USUAL, { "aasx/x", "x", .flags = 0x2000 });
	TRY("method that is not allowed (99)", USUAL, { "aasx/x", "x", .method = 99 });
}

static void many(void)
{
	static struct raw entry[10001] = { USUAL };
	static char name[10001][16];
	for (int i = 5; i < 10001; i++) {
		snprintf(name[i], sizeof name[i], "f%d", i);
		entry[i] = (struct raw){ name[i], "x" };
	}
	try_archive("has 10001 parts", &(struct raw_archive){ .entry = entry, .n = 10001 });
	try_archive(NULL, &(struct raw_archive){ .entry = entry, .n = 10000 });
}

/* -- the XML of OPC ---------------------------------------------------------------------------------------------------------------- */

static char *repeated(const char *before, const char *item, size_t n, const char *after)
{
	struct buf b = BUF_INIT;
	buf_puts(&b, before);
	for (size_t i = 0; i < n; i++)
		buf_printf(&b, item, (int)i);
	buf_puts(&b, after);
	return buf_take(&b, NULL);
}

static void xml(void)
{
#define LOL "<!DOCTYPE a [<!ENTITY a \"lol\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\">]>"
	TRY("_rels/.rels: a document type", TYPE_PART, { "_rels/.rels", LOL RELS("&b;") });
	TRY("[Content_Types].xml: a document type", { "[Content_Types].xml", LOL TYPES("&b;") });
	TRY("[Content_Types].xml: the root is no Types", { "[Content_Types].xml", "<Types/>" });
	TRY("_rels/.rels: the root is no Relationships", TYPE_PART, { "_rels/.rels", TYPES("") });
	TRY("a Default without Extension", { "[Content_Types].xml", TYPES("<Default ContentType='a/b'/>") });
	TRY("two content types for \"PNG\"", { "[Content_Types].xml", TYPES("<Default ContentType='a/b' Extension='png'/><Default ContentType='a/c' Extension='PNG'/>") });
	TRY("a Relationship without Type or Target", TYPE_PART, { "_rels/.rels", RELS("<Relationship Id=\"a\"/>") });
	char *rels = repeated("<Relationships xmlns=\"" REL_NS "\">", "<Relationship Type=\"a\" Target=\"b%d\" Id=\"r\"/>", 10001, "</Relationships>");
	TRY("more than 10000 relationships", TYPE_PART, { "_rels/.rels", rels, .packed = true });
	free(rels);
	rels = repeated("<Relationships xmlns=\"" REL_NS "\">", "<!-- %d nothing that anybody would want to know -->", 100000, "</Relationships>");
	TRY("_rels/.rels: the part \"_rels/.rels\" has", TYPE_PART, { "_rels/.rels", rels, .packed = true });
	free(rels);
	/* attributes and namespaces cost the square of their number */
	static const char *const many[] = { " a%1$d=\"\"", " xmlns:a%1$d=\"urn:%1$d\"" };
	for (size_t i = 0; i < 2; i++) {
		char *spec = repeated("<environment xmlns=\"https://admin-shell.io/aas/3/0\"", many[i], 300000, "/>");
		TRY("aasx/data.json: a tag of more than 64 kB", TYPE_PART, ROOT, ORIGIN, SPECS, { "aasx/data.json", spec });
		free(spec);
	}
	rels = repeated("<Relationships xmlns=\"" REL_NS "\"><Relationship", " a%d=\"\"", 300000, "/></Relationships>");
	TRY("_rels/.rels: an element or a comment of more than 64 KiB", TYPE_PART, { "_rels/.rels", rels, .packed = true });
	free(rels);
}

static void relationships(void)
{
#define SPEC_RELS(items) TYPE_PART, ROOT, ORIGIN, { "aasx/_rels/aasx-origin.rels", RELS(items) }
	TRY("leads out of the package", SPEC_RELS("<Relationship Type=\"" AASX "aas-spec\" Target=\"https://x/data.json\" TargetMode=\"External\"/>"), DATA);
	TRY("leads out of the package", SPEC_RELS(REL(AASX "aas-spec", "file:///etc/passwd")), DATA);
	TRY("leads out of the package", SPEC_RELS(REL(AASX "aas-spec", "..%2f..%2fetc/passwd")), DATA);
	TRY("neither JSON nor XML", { "[Content_Types].xml", TYPES("<Override PartName='/AASX/data.json' ContentType='application/pkcs7-mime'/>") },
	    ROOT, ORIGIN, SPECS, DATA);
	/* a spec that has itself, its origin and the package as supplements; an origin that is its own spec */
	TRY(NULL, USUAL, { "aasx/_rels/data.json.rels", RELS(REL(AASX "aas-spec", "/aasx/aasx-origin") REL(AASX "aas-suppl", "data.json")
		REL(AASX "aasx-origin", "aasx-origin") REL(AASX "aas-suppl", "_rels/data.json.rels")) });
	TRY("aasx/aasx-origin: ", SPEC_RELS(REL(AASX "aas-spec", "aasx-origin")));
	TRY("the package has no part \"aasx/data.json\"", TYPE_PART, ROOT, ORIGIN, SPECS);
	TRY("no aasx-origin", TYPE_PART, DATA);
	TRY("no part \"[Content_Types].xml\"", ROOT, ORIGIN, SPECS, DATA);
}

int main(void)
{
	sound();
	directory();
	overlap();
	ends();
	zip64();
	bombs();
	names();
	many();
	xml();
	relationships();
	arena_free(a);
	return done();
}
