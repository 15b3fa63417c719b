/* SPDX-License-Identifier: Apache-2.0
 * Environments one identifiable at a time: the same trees, messages and bytes as with the whole text, in bounded memory.
 *
 * ENVIRONMENT_MB sets the size of the large environment (24).
 */
#include "aas/environment.h"

#include <dirent.h>
#include <malloc.h>
#include <sys/stat.h>

#include "aas/json.h"
#include "aas/rdf.h"
#include "aas/tree.h"
#include "aas/xml.h"
#include "base/file.h"
#include "tests/tap.h"

typedef enum err read_items_fn(struct source, const struct aas_items *, struct diag *);

/* -- sources that give little at a time ---------------------------------------------------------------------------------------------- */

struct drip {
	struct slice rest;
	size_t step;
};

static enum err drip_read(void *ctx, char *p, size_t n, size_t *got, struct diag *d)
{
	struct drip *s = ctx;
	(void)d;
	*got = n < s->step ? n : s->step;
	*got = *got < s->rest.n ? *got : s->rest.n;
	memcpy(p, s->rest.p, *got);
	s->rest.p += *got;
	s->rest.n -= *got;
	return ERR_OK;
}

/* -- whole and in items are the same -------------------------------------------------------------------------------------------------- */

/* Puts the items together again; the arena of the items is emptied after each. */
struct gather {
	struct arena *a;
	struct aas_node *env;
	unsigned n, fail_at;
};

static enum err gather_item(void *ctx, struct arena *a, struct aas_node *n, struct diag *d)
{
	struct gather *g = ctx;
	unsigned list = aas_is(n, AAS_AssetAdministrationShell) ? 0 : aas_is(n, AAS_Submodel) ? 1 : 2;
	(void)a;
	if (++g->n == g->fail_at)
		return diag_add(d, ERR_CONFLICT, "enough");
	aas_list_append(g->env, &g->env->slot[list], aas_copy(g->a, n));
	return n->parent || n->next ? ERR_INTERNAL : ERR_OK;
}

static enum err read_in_items(read_items_fn *read, struct slice text, size_t step, struct gather *g, struct diag *d)
{
	struct drip drip = { text, step };
	g->env = aas_node_new(g->a, AAS_Environment);
	return read((struct source){ drip_read, &drip }, &(struct aas_items){ gather_item, g, 0 }, d);
}

static unsigned files, refused, faults;

/* Messages agree but for the byte and line where the reader stood. */
static bool same_message(const struct diag *a, const struct diag *b)
{
	if (a->n != 1 || b->n != 1 || a->list[0].err != b->list[0].err || strcmp(a->list[0].path, b->list[0].path))
		return false;
	return !strcmp(a->list[0].text, b->list[0].text);
}

static bool compare(const char *what, bool xml, struct slice text, size_t step)
{
	struct arena *a = arena_new(0);
	struct diag whole = DIAG_INIT, items = DIAG_INIT;
	struct gather g = { .a = a };
	struct aas_node *env = NULL;
	char one[1100], two[1100];
	enum err e = xml ? aas_xml_read(a, text.p, text.n, &env, &whole) : aas_json_read(a, AAS_Environment, text.p, text.n, 0, &env, &whole);
	enum err f = read_in_items(xml ? aas_xml_read_items : aas_json_read_items, text, step, &g, &items);
	bool same = e == f && !items.top && (e ? same_message(&whole, &items) : aas_equal(env, g.env));
	files++;
	refused += e != ERR_OK;
	if (!same)
		printf("# %s, %zu bytes at a time: %s / %s\n", what, step, diag_first(&whole, one, sizeof one), diag_first(&items, two, sizeof two));
	faults += !same;
	diag_fini(&whole);
	diag_fini(&items);
	arena_free(a);
	return same;
}

#define SM(id) "{\"modelType\":\"Submodel\",\"id\":\"" id "\"}"
#define CD(id) "{\"id\":\"" id "\",\"modelType\":\"ConceptDescription\"}"
#define SHELL(id) "{\"modelType\":\"AssetAdministrationShell\",\"id\":\"" id "\",\"assetInformation\":{\"assetKind\":\"Type\",\"globalAssetId\":\"g\"}}"
#define ALL "{\"submodels\":[" SM("a") "," SM("b}\\\"]") " ]\n,\"assetAdministrationShells\" : [" SHELL("s") "], \"conceptDescriptions\":[" CD("c") "," CD("\\\\") "]}"

static const char *const json_texts[] = {
	"", " ", "{", "{}", " { } ", "[]", "null", "{}x", "\xEF\xBB\xBF{}", "{,}", "{\"submodels\"}", "{\"submodels\":null}", "{\"submodels\":{}}",
	"{\"submodels\":[]}", "{\"submodels\":[ ]}", "{\"submodels\":[null]}", "{\"submodels\":[" SM("a") ",]}", "{\"submodels\":[" SM("a") "]]}",
	"{\"submodels\":[" SM("a") "],}", "{\"submodels\":[" SM("a") "],\"submodels\":[" SM("b") "]}", "{\"submodels\":[" SM("a") " " SM("b") "]}",
	"{\"submodels\":[" SM("a") "]", "{\"submodels\":[" SM("a"), "{\"submodels\":[{\"modelType\":\"Submodel\",\"id\":\"a", "{\"colour\":[]}",
	"{\"submodels\":[" SM("a") "," SM("") "]}", "{\"submodels\":[" SM("a") "," SM("b") "," CD("c") "]}", "{\"submodels\":[\"x\"]}",
	"{\"submodels\":[" SM("a") "],\"conceptDescriptions\":[" CD("a") ",{\"id\":5}]}", "{\"subm\\u006fdels\":[" SM("a") "]}", "{submodels:[]}",
	"{\"submodels\":[" SM("a") "],\"conceptDescriptions\":[" CD("a") ",{\"id\":\"x\",\"category\":\"a\tb\"}]}", ALL,
};

static const char *const xml_texts[] = {
	"", "<environment/>", "<environment xmlns=\"https://admin-shell.io/aas/3/1\"/>", "<environment xmlns=\"https://admin-shell.io/aas/3/1\"><submodels/></environment>",
	("<environment xmlns=\"https://admin-shell.io/aas/3/0\"><submodels><submodel><id>a</id></submodel>\n<submodel><id>b</id></submodel></submodels>"
	 "<conceptDescriptions><conceptDescription><id>c</id></conceptDescription></conceptDescriptions></environment>"),
	"<environment xmlns=\"https://admin-shell.io/aas/3/0\"><submodels><submodel><id>a</id></submodel></submodels><submodels><submodel><id>b</id></submodel></submodels></environment>",
	"<environment xmlns=\"https://admin-shell.io/aas/3/0\"><submodels><submodel><id>a</id></submodel><submodel><id></id></submodel></submodels></environment>",
	"<environment xmlns=\"https://admin-shell.io/aas/3/0\"><submodels><submodel><id>a</id></submodel><submodel/></submodels></environment>",
	"<environment xmlns=\"https://admin-shell.io/aas/3/0\"><submodels><submodel><id>a</id></submodel><property/></submodels></environment>",
	"<environment xmlns=\"https://admin-shell.io/aas/3/0\"><submodels><submodel><id>a</id></submodel>",
};

static void small_texts(void)
{
	for (size_t i = 0; i < sizeof json_texts / sizeof *json_texts; i++)
		for (size_t step = 1; step < 100; step += 7)
			compare(json_texts[i], false, slice_of(json_texts[i]), step);
	/* cut anywhere */
	for (size_t n = 0; n < sizeof ALL; n++)
		compare("a text that was cut", false, (struct slice){ ALL, n }, 3);
	check_int(faults, 0, "%u small texts of JSON, %u of them refused: the same trees and messages", files, refused);
	files = refused = faults = 0;
	for (size_t i = 0; i < sizeof xml_texts / sizeof *xml_texts; i++)
		for (size_t step = 1; step < 100; step += 7)
			compare(xml_texts[i], true, slice_of(xml_texts[i]), step);
	check_int(faults, 0, "%u small texts of XML, %u of them refused: the same trees and messages", files, refused);
}

/* Where the window has moved on, bytes are still counted from the beginning; and as many levels are allowed as in a whole text. */
static void large_texts(void)
{
	struct buf b = BUF_INIT;
	files = refused = faults = 0;
	buf_puts(&b, "{\"submodels\":[");
	for (int i = 0; i < 20000; i++)
		buf_puts(&b, SM("urn:one/of/many") ",");
	buf_puts(&b, SM("\\x") "]}");
	compare("a fault at the end of 1 MB", false, buf_view(&b), 65536);
	b.n -= strlen(SM("\\x") "]}");
	buf_puts(&b, SM("a") "}");
	compare("a bracket that is missing there", false, buf_view(&b), 65536);
	for (int levels = 60; levels < 70; levels++) {
		buf_reset(&b);
		buf_puts(&b, "{\"submodels\":[{\"modelType\":\"Submodel\",\"id\":\"a\"");
		for (int i = 0; i < levels; i++)
			buf_printf(&b, ",\"%s\":[{\"modelType\":\"SubmodelElementCollection\",\"idShort\":\"ab\"", i ? "value" : "submodelElements");
		for (int i = 0; i < levels; i++)
			buf_puts(&b, "}]");
		buf_puts(&b, "}]}");
		compare("levels", false, buf_view(&b), 1000);
	}
	buf_fini(&b);
	check_int(faults, 0, "%u large texts, %u of them refused: the same trees and messages", files, refused);
	check(refused > 4 && refused < files, "some are refused");
}

static void walk(const char *dir, const char *ending)
{
	DIR *d = opendir(dir);
	for (struct dirent *e; d && (e = readdir(d)); ) {
		char path[1200];
		struct slice text;
		size_t n = strlen(e->d_name), k = strlen(ending);
		snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
		if (e->d_name[0] == '.')
			continue;
		if (n <= k || strcmp(e->d_name + n - k, ending)) {
			walk(path, ending);
			continue;
		}
		struct arena *a = arena_new(0);
		if (file_read(a, path, 1 << 24, &text, NULL))
			abort();
		compare(path, ending[1] == 'x', text, 1000);
		arena_free(a);
	}
	if (d)
		closedir(d);
}

static void fixtures(const char *folder, const char *ending)
{
	const char *shared = getenv("TWINSHELL_SHARED");
	char dir[1000];
	struct stat st;
	snprintf(dir, sizeof dir, "%s/%s", shared ? shared : "../shared", folder);
	if (stat(dir, &st)) {
		printf("ok %d - %s # SKIP no conformance fixtures (TWINSHELL_SHARED)\n", ++tap_n, folder);
		return;
	}
	files = refused = faults = 0;
	walk(dir, ending);
	check(files > 10, "%u files of %s, %u of them refused", files, folder, refused);
	check_int(faults, 0, "each is read as with the whole text");
}

static void callback_errors(void)
{
	struct arena *a = arena_new(0);
	struct diag d = DIAG_INIT;
	struct gather g = { .a = a, .fail_at = 2 };
	check_int(read_in_items(aas_json_read_items, slice_of(ALL), 10, &g, &d), ERR_CONFLICT, "an error of the taker ends the reading");
	check(d.n == 1 && !strcmp(d.list[0].path, "submodels[1]"), "with the path of the identifiable");
	diag_clear(&d);
	g.n = 0;
	check_int(read_in_items(aas_xml_read_items, slice_of(xml_texts[4]), 10, &g, &d), ERR_CONFLICT, "of XML, too");
	check(d.n == 1 && !strcmp(d.list[0].path, "submodels[1]"), "with its path");
	diag_clear(&d);
	struct slice rest = slice_of(ALL);
	g.fail_at = 0;
	check_int(aas_json_read_items(source_slice(&rest), &(struct aas_items){ gather_item, &g, 60 }, &d), ERR_TOO_LARGE,
		  "an identifiable beyond the limit is refused");
	check(d.n == 1 && !strcmp(d.list[0].path, "assetAdministrationShells[0]"), "with its path");
	diag_fini(&d);
	arena_free(a);
}

/* -- writing --------------------------------------------------------------------------------------------------------------------------- */

static enum err buf_write(void *ctx, const char *p, size_t n, struct diag *d)
{
	(void)d;
	buf_put(ctx, p, n);
	return ERR_OK;
}

static enum err full(void *ctx, const char *p, size_t n, struct diag *d)
{
	(void)ctx, (void)p, (void)n;
	return diag_add(d, ERR_IO, "full");
}

static void write_whole(struct buf *b, enum aas_format f, enum aas_version v, const struct aas_node *env)
{
	if (f == AAS_FORMAT_JSON)
		aas_json_write(b, env);
	else if (f == AAS_FORMAT_XML)
		aas_xml_write(b, env, v);
	else
		aas_rdf_write(b, env, f == AAS_FORMAT_TURTLE ? AAS_RDF_TURTLE : AAS_RDF_JSONLD, v);
}

static void writers(void)
{
	struct arena *a = arena_new(0);
	struct aas_node *env, *empty, *role;
	struct diag d = DIAG_INIT;
	char text[1100];
	aas_json_read(a, AAS_Environment, ALL, strlen(ALL), 0, &env, NULL);
	aas_json_read(a, AAS_Environment, "{}", 2, 0, &empty, NULL);
	aas_json_read(a, AAS_Environment, "{\"assetAdministrationShells\":[" SHELL("s") ",{\"modelType\":\"AssetAdministrationShell\",\"id\":\"r\",\"assetInformation\":"
		      "{\"assetKind\":\"Role\",\"globalAssetId\":\"g\"}}]}", strlen("{\"assetAdministrationShells\":[" SHELL("s") ",{\"modelType\":"
		      "\"AssetAdministrationShell\",\"id\":\"r\",\"assetInformation\":{\"assetKind\":\"Role\",\"globalAssetId\":\"g\"}}]}"), 0, &role, NULL);
	for (unsigned f = 0; f < 4; f++)
		for (unsigned v = 0; v < 2; v++) {
			struct buf one = BUF_INIT, two = BUF_INIT, three = BUF_INIT;
			write_whole(&one, f, v, env);
			check_int(aas_environment_write(f, v, false, (struct sink){ buf_write, &two }, env, &d), ERR_OK, "format %u, version %u", f, v);
			check_str(two.p, one.p, "is what is written at once");
			buf_reset(&one);
			write_whole(&one, f, v, empty);
			check_int(aas_environment_write(f, v, false, (struct sink){ buf_write, &three }, empty, &d), ERR_OK, "nothing in it");
			check_str(three.p, one.p, "is what is written at once");
			buf_fini(&one), buf_fini(&two), buf_fini(&three);
		}
	struct buf b = BUF_INIT;
	check_int(aas_environment_write(AAS_FORMAT_XML, AAS_V3_0, false, (struct sink){ buf_write, &b }, role, &d), ERR_BAD_REQUEST,
		  "what V3.0 does not have is refused");
	check(d.n == 1 && !b.n, "with one message, before anything is written");
	check_str(diag_first(&d, text, sizeof text), "assetAdministrationShells[1].assetInformation.assetKind: V3.0 does not know the literal Role", "and its path");
	diag_clear(&d);
	check_int(aas_environment_write(AAS_FORMAT_XML, AAS_V3_0, true, (struct sink){ buf_write, &b }, role, &d), ERR_OK, "or written when told so");
	check(d.n == 1 && strstr(b.p, "<assetKind>Role</assetKind>"), "with the message");
	diag_clear(&d);
	check_int(aas_environment_write(AAS_FORMAT_JSON, AAS_V3_1, false, (struct sink){ full, NULL }, env, &d), ERR_IO, "an error of the sink is the result");
	check_str(diag_first(&d, text, sizeof text), "full", "with its message");
	diag_fini(&d);
	buf_fini(&b);
	arena_free(a);
}

static void orders(void)
{
	struct arena *a = arena_new(0);
	struct diag d = DIAG_INIT;
	struct buf b = BUF_INIT;
	struct aas_node *env, *role;
	char text[1100];
	aas_json_read(a, AAS_Environment, ALL, strlen(ALL), 0, &env, NULL);
	struct aas_node *shell = env->slot[0].node, *sm = env->slot[1].node, *cd = env->slot[2].node;
	struct aas_writer *w = aas_writer_new(AAS_FORMAT_JSON, AAS_V3_1, false, (struct sink){ buf_write, &b });
	check(!aas_writer_add(w, cd, &d) && !aas_writer_add(w, shell, &d) && !aas_writer_end(w, &d), "JSON: the lists in any order");
	check_str(b.p, "{\"conceptDescriptions\":[{\"modelType\":\"ConceptDescription\",\"id\":\"c\"}],\"assetAdministrationShells\":[" SHELL("s") "]}", "as they came");
	check_int(aas_writer_add(w, cd, &d), ERR_CONFLICT, "but not a list again");
	check_int(aas_writer_add(w, env, &d), ERR_BAD_REQUEST, "an Environment is no identifiable");
	aas_writer_free(w);
	diag_clear(&d);
	w = aas_writer_new(AAS_FORMAT_XML, AAS_V3_1, false, (struct sink){ buf_write, &b });
	check(!aas_writer_add(w, sm, &d) && aas_writer_add(w, shell, &d) == ERR_CONFLICT, "XML: only in the order of the schema");
	check_str(diag_first(&d, text, sizeof text), "assetAdministrationShells cannot be continued after submodels in this format", "and says so");
	aas_writer_free(w);
	diag_clear(&d);
	w = aas_writer_new(AAS_FORMAT_TURTLE, AAS_V3_1, false, (struct sink){ buf_write, &b });
	check(!aas_writer_add(w, sm, &d) && !aas_writer_add(w, shell, &d) && !aas_writer_add(w, sm->next, &d), "RDF: in any order");
	aas_writer_free(w);
	/* refused ones count in the paths of those that follow */
	w = aas_writer_new(AAS_FORMAT_XML, AAS_V3_0, false, (struct sink){ buf_write, &b });
	role = aas_copy(a, shell);
	AAS_AT(AAS_AT(role, AssetAdministrationShell, assetInformation).node, AssetInformation, assetKind).ord = 3;
	check_int(aas_writer_add(w, role, &d), ERR_BAD_REQUEST, "V3.0: refused");
	check_int(aas_writer_add(w, shell, &d), ERR_OK, "the next one is written");
	check_int(aas_writer_add(w, role, &d), ERR_BAD_REQUEST, "refused");
	check(d.n == 2 && !strcmp(d.list[1].path, "assetAdministrationShells[2].assetInformation.assetKind"), "as the third");
	aas_writer_free(w);
	diag_fini(&d);
	buf_fini(&b);
	arena_free(a);
}

/* -- memory ---------------------------------------------------------------------------------------------------------------------------- */

/* A text that is made while it is read: submodels of about 4 kB and one of `large` bytes in the middle. */
struct made {
	bool xml;
	size_t total, large, given, n;
	struct buf b;
	size_t at;
	enum { HEAD, ITEMS, TAIL, END } state;
};

static void make_submodel(struct made *m, size_t bytes)
{
	size_t from = m->b.n;
	if (m->xml)
		buf_printf(&m->b, "<submodel><id>urn:sm:%zu</id><submodelElements>", m->n);
	else
		buf_printf(&m->b, "%s{\"modelType\":\"Submodel\",\"id\":\"urn:sm:%zu\",\"submodelElements\":[", m->n ? "," : "", m->n);
	for (size_t i = 0; !i || m->b.n - from < bytes; i++)
		if (m->xml)
			buf_printf(&m->b, "<property><idShort>P%zu</idShort><valueType>xs:double</valueType><value>%zu.5</value></property>", i, i);
		else
			buf_printf(&m->b, "%s{\"modelType\":\"Property\",\"idShort\":\"P%zu\",\"valueType\":\"xs:double\",\"value\":\"%zu.5\"}", i ? "," : "", i, i);
	buf_puts(&m->b, m->xml ? "</submodelElements></submodel>" : "]}");
	m->n++;
}

static enum err made_read(void *ctx, char *p, size_t n, size_t *got, struct diag *d)
{
	struct made *m = ctx;
	(void)d;
	*got = 0;
	while (!*got && m->state != END) {
		if (m->at == m->b.n) {
			buf_reset(&m->b);
			m->at = 0;
			if (m->state == HEAD) {
				buf_puts(&m->b, m->xml ? "<environment xmlns=\"https://admin-shell.io/aas/3/1\"><submodels>" : "{\"submodels\":[");
				m->state = ITEMS;
			} else if (m->state == ITEMS) {
				bool large = m->large && m->given > m->total / 2;
				make_submodel(m, large ? m->large : 4000);
				m->large = large ? 0 : m->large;
				m->given += m->b.n;
				m->state = m->given >= m->total ? TAIL : ITEMS;
			} else {
				m->state = END;
			}
			if (m->state == TAIL)
				buf_puts(&m->b, m->xml ? "</submodels></environment>" : "]}");
		}
		*got = m->b.n - m->at < n ? m->b.n - m->at : n;
		memcpy(p, m->b.p + m->at, *got);
		m->at += *got;
		if (m->state == TAIL && m->at == m->b.n)
			m->state = END;
	}
	return ERR_OK;
}

static enum err pass_on(void *ctx, struct arena *a, struct aas_node *n, struct diag *d)
{
	(void)a;
	return aas_writer_add(ctx, n, d);
}

static enum err count_bytes(void *ctx, const char *p, size_t n, struct diag *d)
{
	(void)p, (void)d;
	*(size_t *)ctx += n;
	return ERR_OK;
}

/* Bytes of resident memory from the line `name` of the kernel's account. */
static size_t resident(const char *name)
{
	char line[200];
	size_t kb = 0;
	FILE *f = fopen("/proc/self/status", "r");
	while (f && fgets(line, sizeof line, f))
		if (!strncmp(line, name, strlen(name)))
			kb = strtoul(line + strlen(name), NULL, 10);
	if (f)
		fclose(f);
	return kb * 1024;
}

/* The peak is counted anew from here; false where that cannot be done. */
static bool peak_reset(void)
{
	malloc_trim(0);
	FILE *f = fopen("/proc/self/clear_refs", "w");
	bool ok = f && fputs("5", f) >= 0;
	return f && !fclose(f) && ok;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define INSTRUMENTED 1
#else
#define INSTRUMENTED 0
#endif

static enum err leave_it(void *ctx, struct arena *a, struct aas_node *n, struct diag *d)
{
	(void)ctx, (void)a, (void)n, (void)d;
	return ERR_OK;
}

/* Reads, and writes to the other format when `write`; in less memory than `times` the largest identifiable and 8 MB. */
static void memory(size_t mb, size_t large, bool write, unsigned times)
{
	const char *const names[] = { "JSON", "XML" };
	for (unsigned xml = 0; xml < 2; xml++) {
		struct made m = { .xml = xml, .total = mb << 20, .large = large };
		size_t out = 0;
		struct diag d = DIAG_INIT;
		char text[1100];
		buf_init(&m.b, 0);
		if (large && buf_reserve(&m.b, large + 8000))
			memset(m.b.p, 1, large + 8000);		/* the source's memory does not count */
		bool measured = peak_reset() && !INSTRUMENTED;
		size_t before = resident("VmRSS:");
		struct aas_writer *w = aas_writer_new(xml ? AAS_FORMAT_JSON : AAS_FORMAT_XML, AAS_V3_1, false, (struct sink){ count_bytes, &out });
		enum err e = (xml ? aas_xml_read_items : aas_json_read_items)((struct source){ made_read, &m },
									       &(struct aas_items){ write ? pass_on : leave_it, w, 0 }, &d);
		if (!e)
			e = aas_writer_end(w, &d);
		size_t used = resident("VmHWM:") - before, bound = times * large + ((size_t)8 << 20);
		check_int(e, ERR_OK, "%s, %zu MB, %zu submodels, the largest of %zu kB: %s", names[xml], m.given >> 20, m.n, (large ? large : 4000) >> 10,
			  diag_first(&d, text, sizeof text));
		check(!write || out > m.given / 2, "%zu MB are written", out >> 20);
		if (measured)
			check(used < bound, "%zu kB of memory, less than %zu", used >> 10, bound >> 10);
		else
			printf("ok %d - memory # SKIP an instrumented build, or no way to reset the peak\n", ++tap_n);
		aas_writer_free(w);
		buf_fini(&m.b);
		diag_fini(&d);
	}
}

int main(void)
{
	const char *mb = getenv("ENVIRONMENT_MB");
	size_t size = 24;
	if (mb)
		str_size(mb, strlen(mb), &size);
	memory(size, 0, true, 0);
	memory(size, size << 17, false, 3);	/* an eighth of the whole */
	memory(size, size << 17, true, 5);
	small_texts();
	large_texts();
	fixtures("testgen/Json/ContainedInEnvironment", ".json");
	fixtures("testgen/Xml/ContainedInEnvironment", ".xml");
	fixtures("templates", ".json");
	callback_errors();
	writers();
	orders();
	return done();
}
