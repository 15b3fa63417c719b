/* SPDX-License-Identifier: Apache-2.0
 * Every allocation fails once: reading and writing of JSON, XML, RDF and packages, the rules, values and paths say so, give nothing
 * wrong and leak nothing.
 *
 * The linker's --wrap catches the allocations of our own code and where zlib begins, xmlMemSetup those of libxml2.
 */
#include <libxml/xmlmemory.h>
#include <libxml/parser.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "aas/aasx.h"
#include "aas/environment.h"
#include "aas/json.h"
#include "aas/path.h"
#include "aas/rdf.h"
#include "aas/rules.h"
#include "aas/template.h"
#include "aas/tree.h"
#include "aas/view.h"
#include "aas/xml.h"
#include "tests/fault/wrap.h"
#include "tests/tap.h"

int __real_inflateInit2_(z_streamp, int bits, const char *version, int size);
int __real_deflateInit2_(z_streamp, int level, int method, int bits, int mem, int strategy, const char *version, int size);
int __wrap_inflateInit2_(z_streamp, int bits, const char *version, int size);
int __wrap_deflateInit2_(z_streamp, int level, int method, int bits, int mem, int strategy, const char *version, int size);

static voidpf alloc_for_zlib(voidpf ctx, uInt k, uInt n)
{
	(void)ctx;
	return __wrap_calloc(k, n);
}

static void free_for_zlib(voidpf ctx, voidpf p)
{
	(void)ctx;
	__wrap_free(p);
}

int __wrap_inflateInit2_(z_streamp z, int bits, const char *version, int size)
{
	z->zalloc = alloc_for_zlib;
	z->zfree = free_for_zlib;
	return __real_inflateInit2_(z, bits, version, size);
}

int __wrap_deflateInit2_(z_streamp z, int level, int method, int bits, int mem, int strategy, const char *version, int size)
{
	z->zalloc = alloc_for_zlib;
	z->zfree = free_for_zlib;
	return __real_deflateInit2_(z, level, method, bits, mem, strategy, version, size);
}

static char *copy_string(const char *s)
{
	char *p = __wrap_malloc(strlen(s) + 1);
	return p ? strcpy(p, s) : NULL;
}

/* -- what is tried --------------------------------------------------------------------------------------------------------------------- */

static const char json[] =
	"{\"submodels\":[{\"submodelElements\":[{\"idShort\":\"P\",\"valueType\":\"xs:int\",\"value\":\"0\\u0030\\u0037\",\"modelType\":\"Property\"},{\"modelType\":"
	"\"SubmodelElementList\",\"idShort\":\"L\",\"typeValueListElement\":\"Capability\",\"value\":[{\"modelType\":\"Capability\"}]},{\"modelType\":\"Blob\",\"idShort\":"
	"\"B\",\"value\":\"AAAA\"}],\"id\":\"urn:a\",\"modelType\":\"Submodel\"},{\"modelType\":\"Submodel\",\"id\":\"urn:b\"}],\"conceptDescriptions\":[{\"modelType\":"
	"\"ConceptDescription\",\"id\":\"c\"}]}";
static const char wrong_json[] = "{\"submodels\":[{\"modelType\":\"Submodel\",\"id\":\"\"}]}";
static struct buf xml, turtle, jsonld;		/* the same */
static struct aas_node *tree;

static enum err read_json(void)
{
	struct arena *a = arena_new(0);
	struct aas_node *n = NULL;
	enum err e = a ? aas_json_read(a, AAS_Environment, json, sizeof json - 1, 0, &n, NULL) : ERR_NO_MEMORY;
	if (!e && !aas_equal(n, tree))
		e = ERR_INTERNAL;
	arena_free(a);
	return e;
}

/* A message that cannot be kept does not change the result. */
static enum err refuse_json(void)
{
	struct diag d = DIAG_INIT;
	struct arena *a = arena_new(0);
	struct aas_node *n;
	enum err e = a ? aas_json_read(a, AAS_Environment, wrong_json, sizeof wrong_json - 1, 0, &n, &d) : ERR_NO_MEMORY;
	diag_fini(&d);
	arena_free(a);
	return e == ERR_BAD_REQUEST ? ERR_OK : e ? e : ERR_INTERNAL;
}

/* A patch that changes nothing; what could not be done changes nothing either. */
static enum err patch(void)
{
	struct arena *a = arena_new(0);
	const struct aas_node *sm = AAS_AT(tree, Environment, submodels).node;
	struct aas_node *n = a ? aas_copy(a, sm) : NULL;
	enum err e = n ? aas_merge(a, n, sm, NULL) : ERR_NO_MEMORY;
	if (n && !aas_equal(n, sm))
		e = ERR_INTERNAL;
	arena_free(a);
	return e;
}

static const char template[] = "{\"submodels\":[{\"modelType\":\"Submodel\",\"id\":\"urn:t\",\"kind\":\"Template\",\"administration\":{\"templateId\":\"t\"},"
	"\"submodelElements\":[{\"modelType\":\"Capability\",\"idShort\":\"c\",\"qualifiers\":[{\"type\":\"Cardinality\",\"valueType\":\"xs:string\","
	"\"value\":\"One\"}]}]},{\"modelType\":\"Submodel\",\"id\":\"urn:i\",\"administration\":{\"templateId\":\"t\"}}]}";

/* One is required that is not there. */
static enum err follow(void)
{
	struct arena *a = arena_new(0);
	struct diag d = DIAG_INIT;
	struct aas_templates t;
	struct aas_node *n;
	enum err e = a ? aas_json_read(a, AAS_Environment, template, sizeof template - 1, 0, &n, NULL) : ERR_NO_MEMORY;
	aas_templates_init(&t);
	if (!e && !(e = aas_templates_add(&t, a, n)))
		e = aas_templates_check(&t, n, &d);
	diag_fini(&d);
	arena_free(a);
	return e == ERR_BAD_REQUEST ? ERR_OK : e ? e : ERR_INTERNAL;
}

/* Reading on after faults, and the rules over what is left: names and languages are many enough to be hashed. */
static struct buf many_json, many_xml;

static void make_many(void)
{
	struct aas_node *n;
	struct arena *a = arena_new(0);
	buf_init(&many_json, 0), buf_init(&many_xml, 0);
	buf_puts(&many_json, "{\"submodels\":[{\"modelType\":\"Submodel\",\"id\":\"u\",\"submodelElements\":[");
	for (int i = 0; i < 12; i++)
		buf_printf(&many_json, "{\"modelType\":\"Capability\",\"idShort\":\"c%d\"},", i % 11);
	buf_puts(&many_json, "{\"modelType\":\"MultiLanguageProperty\",\"idShort\":\"m\",\"value\":[");
	for (int i = 0; i < 12; i++)
		buf_printf(&many_json, "%s{\"language\":\"de-x-%d\",\"text\":\"t\"}", i ? "," : "", i % 11);
	buf_puts(&many_json, "]}]}]}");
	if (!a || aas_json_read(a, AAS_Environment, many_json.p, many_json.n, 0, &n, NULL))
		abort();
	aas_xml_write(&many_xml, n, AAS_V3_1);
	for (char *p = many_xml.p; (p = strstr(p, ">m<")); p++)
		p[1] = '9';		/* no idShort */
	arena_free(a);
}

static enum err collect(bool from_xml)
{
	struct diag d = DIAG_INIT;
	struct arena *a = arena_new(0);
	struct aas_node *n = NULL;
	enum err e = !a ? ERR_NO_MEMORY : from_xml ? aas_xml_collect(a, AAS_Environment, many_xml.p, many_xml.n, &n, &d) :
		     aas_json_read(a, AAS_Environment, many_json.p, many_json.n, AAS_JSON_COLLECT, &n, &d);
	if (e == (from_xml ? ERR_BAD_REQUEST : ERR_OK))
		e = n ? aas_rules_check(n, AAS_RULES_STRICT, &d) : ERR_INTERNAL;
	if (e == ERR_BAD_REQUEST && d.n + d.lost != (from_xml ? 3 : 2))
		e = ERR_INTERNAL;
	diag_fini(&d);
	arena_free(a);
	return e == ERR_BAD_REQUEST ? ERR_OK : e ? e : ERR_INTERNAL;
}

static enum err collect_json(void)
{
	return collect(false);
}

static enum err collect_xml(void)
{
	return collect(true);
}

static char message[600];	/* of the last reading */

static enum err read_xml(void)
{
	struct diag d = DIAG_INIT;
	struct arena *a = arena_new(0);
	struct aas_node *n = NULL;
	enum err e = a ? aas_xml_read(a, xml.p, xml.n, &n, &d) : ERR_NO_MEMORY;
	if (!e && !aas_equal(n, tree))
		e = ERR_INTERNAL;
	diag_first(&d, message, sizeof message);
	diag_fini(&d);
	arena_free(a);
	return e;
}

/* Streams one form into the other; what comes out must be right. */
struct sum {
	struct buf *want;
	size_t n;
	bool wrong;
};

static enum err compare(void *ctx, const char *p, size_t n, struct diag *d)
{
	struct sum *s = ctx;
	(void)d;
	s->wrong |= s->n + n > s->want->n || memcmp(s->want->p + s->n, p, n);
	s->n += n;
	return ERR_OK;
}

static enum err pass_on(void *ctx, struct arena *a, struct aas_node *n, struct diag *d)
{
	(void)a;
	return aas_writer_add(ctx, n, d);
}

static enum err stream(bool from_xml, enum aas_format to, struct buf *want)
{
	struct slice rest = from_xml ? buf_view(&xml) : (struct slice){ json, sizeof json - 1 };
	struct sum sum = { want, 0, false };
	struct diag d = DIAG_INIT;
	struct aas_writer *w = aas_writer_new(to, AAS_V3_1, false, (struct sink){ compare, &sum });
	struct aas_items items = { pass_on, w, 0 };
	enum err e = !w ? ERR_NO_MEMORY : from_xml ? aas_xml_read_items(source_slice(&rest), &items, &d) : aas_json_read_items(source_slice(&rest), &items, &d);
	if (!e)
		e = aas_writer_end(w, &d);
	if (!e && (sum.wrong || sum.n != want->n))
		e = ERR_INTERNAL;
	aas_writer_free(w);
	diag_fini(&d);
	return e;
}

static enum err json_to_xml(void)
{
	return stream(false, AAS_FORMAT_XML, &xml);
}

static enum err xml_to_turtle(void)
{
	return stream(true, AAS_FORMAT_TURTLE, &turtle);
}

static enum err xml_to_jsonld(void)
{
	return stream(true, AAS_FORMAT_JSONLD, &jsonld);
}

static enum err write_xml(void)
{
	struct buf b = BUF_INIT;
	aas_xml_write(&b, tree, AAS_V3_1);
	enum err e = b.failed ? ERR_NO_MEMORY : b.n != xml.n || memcmp(b.p, xml.p, b.n) ? ERR_INTERNAL : ERR_OK;
	buf_fini(&b);
	return e;
}

static enum err write_json(void)
{
	struct buf b = BUF_INIT;
	struct arena *a = arena_new(0);
	struct aas_node *n;
	aas_json_write(&b, tree);
	enum err e = b.failed || !a ? ERR_NO_MEMORY : aas_json_read(a, AAS_Environment, b.p, b.n, 0, &n, NULL);
	if (!e && !aas_equal(n, tree))
		e = ERR_INTERNAL;
	arena_free(a);
	buf_fini(&b);
	return e;
}

static enum err write_rdf(void)
{
	struct buf *want[] = { &turtle, &jsonld };
	enum err e = ERR_OK;
	for (int i = 0; i < 2 && !e; i++) {
		struct buf b = BUF_INIT;
		aas_rdf_write(&b, tree, i ? AAS_RDF_JSONLD : AAS_RDF_TURTLE, AAS_V3_1);
		e = b.failed ? ERR_NO_MEMORY : b.n != want[i]->n || memcmp(b.p, want[i]->p, b.n) ? ERR_INTERNAL : ERR_OK;
		buf_fini(&b);
	}
	return e;
}

/* -- packages ----------------------------------------------------------------------------------------------------------------------------- */

static const char with_files[] =
	"{\"assetAdministrationShells\":[{\"modelType\":\"AssetAdministrationShell\",\"id\":\"s\",\"assetInformation\":{\"assetKind\":\"Instance\","
	"\"globalAssetId\":\"g\",\"defaultThumbnail\":{\"path\":\"t.png\"}}}],\"submodels\":[{\"modelType\":\"Submodel\",\"id\":\"urn:a\",\"submodelElements\":[{"
	"\"modelType\":\"File\",\"idShort\":\"F1\",\"value\":\"urn:no:part\",\"contentType\":\"text/plain\"},{\"modelType\":\"File\",\"idShort\":\"F2\",\"value\":"
	"\"files/two.txt\",\"contentType\":\"text/plain\"}]}]}";
static struct aas_node *original;
static struct buf packs[AASX_N_FORMS];
static struct aas_node *packed[AASX_N_FORMS];	/* what is in them */
static char long_file[70000];

static enum err one_by_one(void *ctx, enum err (*take)(void *to, struct aas_node *, struct diag *), void *to, struct diag *d)
{
	const struct aas_node *env = ctx;
	enum err e = ERR_OK;
	for (unsigned i = 0; i < env->cls->n; i++)
		for (struct aas_node *n = env->slot[i].node, *next; n && !e; n = next) {
			next = n->next;
			e = take(to, n, d);
		}
	return e;
}

/* JSON from the whole, XML from one identifiable after the other. */
static enum err write_package(struct sink sink, enum aasx_form form)
{
	struct slice rest = { long_file, sizeof long_file };
	struct aasx_part part[] = {
		{ .value = "urn:no:part", .content_type = "text/plain", .bytes = SLICE("one") },
		{ .value = "files/two.txt", .content_type = "application/x-other", .input = source_slice(&rest) },
		{ .value = "t.png", .content_type = "image/png", .bytes = SLICE("picture") },
	};
	struct arena *a = arena_new(0);
	struct aasx_content c = { .form = form, .part = part, .n = 3, .thumbnail = &part[2] };
	struct diag d = DIAG_INIT;
	struct aas_node *own = a ? aas_copy(a, original) : NULL;
	if (form == AASX_JSON)
		c.environment = own;
	else
		c.items = (struct aasx_items){ one_by_one, own };
	enum err e = own ? aasx_write(a, sink, &c, &d) : ERR_NO_MEMORY;
	diag_first(&d, message, sizeof message);
	diag_fini(&d);
	arena_free(a);
	return e;
}

static enum err write_again(enum aasx_form form)
{
	struct sum sum = { &packs[form], 0, false };
	enum err e = write_package((struct sink){ compare, &sum }, form);
	return e ? e : sum.wrong || sum.n != packs[form].n ? ERR_INTERNAL : ERR_OK;
}

static enum err write_json_package(void)
{
	return write_again(AASX_JSON);
}

static enum err write_xml_package(void)
{
	return write_again(AASX_XML);
}

static enum err read_package(enum aasx_form form)
{
	struct arena *a = arena_new(0);
	struct diag d = DIAG_INIT;
	struct aasx x;
	size_t n = 0;
	enum err e = a ? aasx_read(a, packs[form].p, packs[form].n, &x, &d) : ERR_NO_MEMORY;
	for (const struct aasx_file *f = e ? NULL : x.files; f; f = f->next)
		n += f->bytes.n;
	if (!e && (!aas_equal(x.environment, packed[form]) || n != 3 + 7 + sizeof long_file || !x.thumbnail))
		e = ERR_INTERNAL;
	diag_first(&d, message, sizeof message);
	diag_fini(&d);
	arena_free(a);
	return e;
}

static enum err read_json_package(void)
{
	return read_package(AASX_JSON);
}

static enum err read_xml_package(void)
{
	return read_package(AASX_XML);
}

static bool fetch(void *ctx, size_t at, void *to, size_t n)
{
	memcpy(to, ((struct buf *)ctx)->p + at, n);
	return true;
}

/* Fetched in pieces, and the files streamed. */
static enum err stream_package(void)
{
	struct zip_bytes from = { NULL, packs[AASX_JSON].n, fetch, &packs[AASX_JSON] };
	struct arena *a = arena_new(0);
	struct aasx_reader *r = NULL;
	struct aasx x;
	char piece[8192];
	size_t n = 0, got = 1;
	enum err e = a ? aasx_open(a, &from, &r, &x, NULL) : ERR_NO_MEMORY;
	for (const struct aasx_file *f = e ? NULL : x.files; f && !e; f = f->next, got = 1) {
		struct zip_stream *s;
		e = zip_stream_open(aasx_archive(r), f->part, &s, NULL);
		for (; !e && got; n += got)
			e = zip_stream_read(s, piece, sizeof piece, &got, NULL);
		zip_stream_close(s);
	}
	if (!e && n != 3 + 7 + sizeof long_file)
		e = ERR_INTERNAL;
	aasx_close(r);
	arena_free(a);
	return e;
}

static enum err keep(void *ctx, const char *p, size_t n, struct diag *d)
{
	(void)d;
	buf_put(ctx, p, n);
	return ERR_OK;
}

static void make_packages(struct arena *a)
{
	struct aasx x;
	unsigned r = 1;
	for (size_t i = 0; i < sizeof long_file; i++)		/* more than one block when packed */
		long_file[i] = (char)((r = r * 1103515245u + 12345u) >> 16);
	if (aas_json_read(a, AAS_Environment, with_files, sizeof with_files - 1, 0, &original, NULL))
		abort();
	for (int form = 0; form < AASX_N_FORMS; form++) {
		buf_init(&packs[form], 0);
		if (write_package((struct sink){ keep, &packs[form] }, (enum aasx_form)form) || aasx_read(a, packs[form].p, packs[form].n, &x, NULL))
			abort();
		packed[form] = x.environment;
	}
}

/* -- rules, values, paths -------------------------------------------------------------------------------------------------------------------- */

static struct aas_node *elements;	/* a submodel */
static const char elements_json[] =
	"{\"modelType\":\"Submodel\",\"id\":\"urn:e\",\"submodelElements\":[{\"modelType\":\"SubmodelElementCollection\",\"idShort\":\"C\",\"value\":[{\"modelType\":"
	"\"Property\",\"idShort\":\"N\",\"valueType\":\"xs:int\",\"value\":\"1\"},{\"modelType\":\"MultiLanguageProperty\",\"idShort\":\"M\",\"value\":[{\"language\":\"de\","
	"\"text\":\"alt\"}]},{\"modelType\":\"Range\",\"idShort\":\"R\",\"valueType\":\"xs:int\",\"min\":\"1\"},{\"modelType\":\"ReferenceElement\",\"idShort\":\"a-b\"},"
	"{\"modelType\":\"Blob\",\"idShort\":\"B\"},{\"modelType\":\"Entity\",\"idShort\":\"E\",\"entityType\":\"CoManagedEntity\"}]},{\"modelType\":"
	"\"SubmodelElementList\",\"idShort\":\"L\",\"typeValueListElement\":\"Property\",\"valueTypeListElement\":\"xs:int\",\"value\":[{\"modelType\":\"Property\","
	"\"valueType\":\"xs:int\",\"value\":\"1\"}]}]}";
static const char values[] =
	"{\"C\":{\"N\":4711,\"M\":[{\"en\":\"new\"},{\"fr\":\"nouveau\"}],\"R\":{\"min\":3,\"max\":4},\"a-b\":{\"type\":\"ExternalReference\",\"keys\":[{\"type\":"
	"\"GlobalReference\",\"value\":\"g\"}]},\"B\":{\"value\":\"AAAA\",\"contentType\":\"a/b\"},\"E\":{\"specificAssetIds\":[{\"name\":\"n\",\"value\":\"v\"}]}},"
	"\"L\":[2]}";

/* What V3.0 lacks is found by the same walk; a message that cannot be kept is counted. */
static enum err check_v30(void)
{
	struct diag d = DIAG_INIT;
	enum err e = aas_v30_check(elements, &d);
	unsigned found = d.n + d.lost;
	diag_fini(&d);
	return e == ERR_NO_MEMORY ? e : e == ERR_BAD_REQUEST && found == 2 ? ERR_OK : ERR_INTERNAL;
}

/* All or nothing. */
static enum err read_values(void)
{
	struct arena *a = arena_new(0), *b = arena_new(0);
	struct buf out = BUF_INIT;
	const struct aas_view view = { .modifier = AAS_VALUE, .blobs = true };
	struct aas_node *n = a ? aas_copy(a, elements) : NULL;
	enum err e = b && n ? aas_value_read(b, n, values, sizeof values - 1, NULL, NULL, NULL) : ERR_NO_MEMORY;
	if (e && n && !aas_equal(n, elements))
		e = ERR_INTERNAL;
	if (!e) {
		e = aas_view_write(&out, n, &view, NULL);
		e = e ? e : out.failed ? ERR_NO_MEMORY : strstr(out.p, "4711") && strstr(out.p, "nouveau") && strstr(out.p, "\"AAAA\"") ? ERR_OK : ERR_INTERNAL;
	}
	buf_fini(&out);
	arena_free(a);
	arena_free(b);
	return e;
}

static enum err refuse_values(void)
{
	static const char wrong[] = "{\"C\":{\"N\":4711,\"R\":{\"min\":\"x\"}}}";
	struct arena *a = arena_new(0);
	struct diag d = DIAG_INIT;
	struct aas_node *n = a ? aas_copy(a, elements) : NULL;
	enum err e = n ? aas_value_read(a, n, wrong, sizeof wrong - 1, NULL, NULL, &d) : ERR_NO_MEMORY;
	if (n && !aas_equal(n, elements))
		e = ERR_INTERNAL;
	diag_fini(&d);
	arena_free(a);
	return e == ERR_BAD_REQUEST ? ERR_OK : e ? e : ERR_INTERNAL;
}

static enum err views(void)
{
	static const enum aas_modifier all[] = { AAS_NORMAL, AAS_METADATA, AAS_VALUE, AAS_PATH, AAS_REFERENCE };
	enum err e = ERR_OK;
	for (size_t i = 0; i < sizeof all / sizeof *all && !e; i++) {
		struct buf b = BUF_INIT;
		e = aas_view_write(&b, elements, &(struct aas_view){ .modifier = all[i] }, NULL);
		if (!e && b.failed)
			e = ERR_NO_MEMORY;
		buf_fini(&b);
	}
	return e;
}

/* From a path to the element, to a Reference, and back to the path. */
static enum err paths(void)
{
	struct arena *a = arena_new(0);
	struct buf one = BUF_INIT, two = BUF_INIT;
	struct diag d = DIAG_INIT;
	struct slice id, step;
	struct aas_node *n = NULL, *parent = NULL, *r = NULL;
	enum err e = a ? aas_path_find(elements, "L[0]", 4, &n, &d) : ERR_NO_MEMORY;
	if (!e)
		e = aas_path_parent(elements, "C.New", 5, &parent, &step, &d);
	if (!e && !(r = aas_path_reference(a, n)))
		e = ERR_NO_MEMORY;
	if (!e)
		e = aas_reference_path(r, &id, &two, &d);
	if (!e) {
		aas_path_write(&one, n);
		e = one.failed || two.failed ? ERR_NO_MEMORY : slice_eq(buf_view(&one), buf_view(&two)) && slice_is(step, "New") ? ERR_OK : ERR_INTERNAL;
	}
	if (!e && aas_path_find(elements, "C.None.X", 8, &n, &d) != ERR_NOT_FOUND)
		e = ERR_INTERNAL;
	buf_fini(&one);
	buf_fini(&two);
	diag_fini(&d);
	arena_free(a);
	return e;
}

static void try_all(const char *what, enum err (*run)(void))
{
	unsigned long n = 0, others = 0, leaks = 0;
	for (int mode = 0; mode < 2; mode++) {
		enum err e = ERR_NO_MEMORY;
		sticky = mode;
		for (fail_at = 1;; fail_at++) {
			long before = live;
			seen = 0;
			e = run();
			if (live != before && leaks++ < 5)
				printf("# %s: allocation %lu%s: %ld blocks are left\n", what, fail_at, sticky ? " and all that follow" : "", live - before);
			if (seen < fail_at)
				break;
			n++;
			if (e && e != ERR_NO_MEMORY && others++ < 5)
				printf("# %s: allocation %lu%s: %s %s\n", what, fail_at, sticky ? " and all that follow" : "", err_info[e].name, message);
		}
		check_int(e, ERR_OK, "%s succeeds when nothing fails", what);
	}
	fail_at = 0;
	check(n > 2, "%s: %lu failures", what, n);
	check_int(others, 0, "each ends in ERR_NO_MEMORY, or does no harm");
	check_int(leaks, 0, "and leaves nothing behind");
}

int main(void)
{
	struct arena *a;
	xmlMemSetup(__wrap_free, __wrap_malloc, __wrap_realloc, copy_string);
	xmlInitParser();
	a = arena_new(0);
	if (aas_json_read(a, AAS_Environment, json, sizeof json - 1, 0, &tree, NULL))
		abort();
	buf_init(&xml, 0), buf_init(&turtle, 0), buf_init(&jsonld, 0);
	aas_xml_write(&xml, tree, AAS_V3_1);
	aas_rdf_write(&turtle, tree, AAS_RDF_TURTLE, AAS_V3_1);
	aas_rdf_write(&jsonld, tree, AAS_RDF_JSONLD, AAS_V3_1);
	read_xml();		/* what is made once */
	try_all("reading JSON", read_json);
	try_all("refusing JSON", refuse_json);
	make_many();
	try_all("all faults of JSON", collect_json);
	try_all("all faults of XML", collect_xml);
	buf_fini(&many_json), buf_fini(&many_xml);
	try_all("reading XML", read_xml);
	try_all("writing XML", write_xml);
	try_all("writing JSON", write_json);
	try_all("patching", patch);
	try_all("following a template", follow);
	try_all("streaming JSON to XML", json_to_xml);
	try_all("streaming XML to Turtle", xml_to_turtle);
	try_all("streaming XML to JSON-LD", xml_to_jsonld);
	try_all("writing RDF", write_rdf);
	make_packages(a);
	try_all("writing a package with JSON", write_json_package);
	try_all("writing a package with XML", write_xml_package);
	try_all("reading a package with JSON", read_json_package);
	try_all("reading a package with XML", read_xml_package);
	try_all("reading a package in pieces", stream_package);
	if (aas_json_read(a, AAS_Submodel, elements_json, sizeof elements_json - 1, 0, &elements, NULL))
		abort();
	try_all("what V3.0 lacks", check_v30);
	try_all("reading values", read_values);
	try_all("refusing values", refuse_values);
	try_all("views", views);
	try_all("paths", paths);
	buf_fini(&xml), buf_fini(&turtle), buf_fini(&jsonld);
	buf_fini(&packs[AASX_JSON]), buf_fini(&packs[AASX_XML]);
	arena_free(a);
	return done();
}
