/* SPDX-License-Identifier: Apache-2.0
 * Packages that we write: what is in them, that they are the same every time, that other readers open them, and that ours reads back
 * what was given.
 */
#include "aas/aasx.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zip.h>

#include "aas/json.h"
#include "aas/tree.h"
#include "base/buf.h"
#include "base/file.h"
#include "tests/tap.h"

#define FILE_AT(id, value) "{\"modelType\":\"File\",\"idShort\":\"" id "\",\"value\":\"" value "\",\"contentType\":\"x/y\"}"
#define SM(id, elements) "{\"modelType\":\"Submodel\",\"id\":\"" id "\",\"submodelElements\":[" elements "]}"
#define ENV(sms) "{\"submodels\":[" sms "]}"

static struct arena *a;
static struct buf out = BUF_INIT;

static enum err put(void *ctx, const char *p, size_t n, struct diag *d)
{
	(void)d;
	buf_put(ctx, p, n);
	return ERR_OK;
}

static struct aas_node *environment(const char *json)
{
	struct aas_node *n = NULL;
	struct diag d = DIAG_INIT;
	char why[1100];
	if (aas_json_read(a, AAS_Environment, json, strlen(json), 0, &n, &d))
		check(0, "the test's own environment: %s", diag_first(&d, why, sizeof why));
	diag_fini(&d);
	return n;
}

static enum err write_package(struct aas_node *env, const struct aasx_part *part, size_t n, const struct aasx_part *thumbnail, char why[1100])
{
	struct sink sink = { put, &out };
	struct aasx_content c = { .form = AASX_JSON, .environment = env, .part = part, .n = n, .thumbnail = thumbnail, .version = AAS_V3_1 };
	struct diag d = DIAG_INIT;
	buf_reset(&out);
	enum err e = aasx_write(a, sink, &c, &d);
	diag_first(&d, why, 1100);
	diag_fini(&d);
	return e;
}

static bool read_back(struct aasx *x)
{
	struct diag d = DIAG_INIT;
	char why[1100];
	enum err e = aasx_read(a, out.p, out.n, x, &d);
	diag_first(&d, why, sizeof why);
	diag_fini(&d);
	return check(!e, "it is read back: %s", why);
}

static const struct aasx_file *file_of(const struct aasx *x, const char *path)
{
	for (const struct aasx_file *f = x->files; f; f = f->next)
		if (str_eq(f->path, path))
			return f;
	return NULL;
}

static void is_file(const struct aasx *x, const char *path, const char *type, const char *text, const char *name)
{
	const struct aasx_file *f = file_of(x, path);
	if (check(f != NULL, "a file \"%s\"", path)) {
		check_str(f->content_type, type, "of its type");
		check(slice_is(f->bytes, text), "with its bytes");
		check_str(f->part->name, name, "in its part");
	}
}

static const struct aas_node *submodel(const struct aas_node *env, unsigned i)
{
	const struct aas_node *n = AAS_AT(env, Environment, submodels).node;
	while (i--)
		n = n->next;
	return n;
}

/* The text of a part, by a reader that is not ours. */
static char *text_of(const char *name)
{
	zip_error_t e;
	static char text[8192];
	zip_error_init(&e);
	zip_t *z = zip_open_from_source(zip_source_buffer_create(out.p, out.n, 0, &e), ZIP_RDONLY | ZIP_CHECKCONS, &e);
	zip_file_t *f = z ? zip_fopen(z, name, 0) : NULL;
	zip_int64_t n = f ? zip_fread(f, text, sizeof text - 1) : -1;
	text[n < 0 ? 0 : n] = 0;
	if (f)
		zip_fclose(f);
	if (z)
		zip_discard(z);
	return n < 0 ? NULL : text;
}

static void layout(void)
{
	enum err err;
	char why[1100];
	struct aasx x;
	struct aas_node *env = environment(ENV(SM("a", FILE_AT("F", "/aasx/suppl/m.pdf"))));
	struct aasx_part part[] = { { .value = "/aasx/suppl/m.pdf", .content_type = "application/pdf", .bytes = SLICE("PDF") } };
	err = write_package(env, part, 1, part, why);
	check_int(err, ERR_OK, "a package is written: %s", why);
	static const char *const names[] = {
		"[Content_Types].xml", "_rels/.rels", "aasx/aasx-origin", "aasx/_rels/aasx-origin.rels", "aasx/data.json",
		"aasx/_rels/data.json.rels", "aasx/suppl/m.pdf",
	};
	zip_error_t e;
	zip_error_init(&e);
	zip_t *z = zip_open_from_source(zip_source_buffer_create(out.p, out.n, 0, &e), ZIP_RDONLY | ZIP_CHECKCONS, &e);
	check(z && zip_get_num_entries(z, 0) == 7, "libzip finds it consistent, seven parts");
	for (zip_uint64_t i = 0; z && i < 7; i++)
		check_str(zip_get_name(z, i, 0), names[i], "part %d", (int)i);
	if (z)
		zip_discard(z);
	check_str(text_of("[Content_Types].xml"), "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">"
		"<Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/><Default Extension=\"json\" ContentType=\"application/json\"/>"
		"<Default Extension=\"pdf\" ContentType=\"application/pdf\"/><Override PartName=\"/aasx/aasx-origin\" ContentType=\"text/plain\"/></Types>", "content types");
	check_str(text_of("_rels/.rels"), "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">"
		"<Relationship Id=\"R1\" Type=\"http://admin-shell.io/aasx/relationships/aasx-origin\" Target=\"/aasx/aasx-origin\"/><Relationship Id=\"R2\" "
		"Type=\"http://schemas.openxmlformats.org/package/2006/relationships/metadata/thumbnail\" Target=\"/aasx/suppl/m.pdf\"/></Relationships>", "relationships");
	if (read_back(&x)) {
		check(aas_equal(x.environment, environment(ENV(SM("a", FILE_AT("F", "/aasx/suppl/m.pdf"))))), "the environment is the same");
		is_file(&x, "/aasx/suppl/m.pdf", "application/pdf", "PDF", "aasx/suppl/m.pdf");
		check_str(x.thumbnail, "/aasx/suppl/m.pdf", "the thumbnail");
	}
	err = write_package(environment("{}"), NULL, 0, NULL, why);
	check_int(err, ERR_OK, "an empty package: %s", why);
	read_back(&x);
}

/* What names a file, the part it becomes, and what names it afterwards. */
static void names(void)
{
	enum err e;
	static const struct { const char *value, *file, *part, *after; } is[] = {
		{ "/aasx/suppl/m.pdf", NULL, "aasx/suppl/m.pdf", NULL },
		{ "suppl/n.pdf", NULL, "aasx/suppl/n.pdf", NULL },
		{ "/files/0190/plan.pdf", NULL, "files/0190/plan.pdf", NULL },
		{ "../other/p.pdf", NULL, "other/p.pdf", NULL },
		{ "/aasx/my%20file.pdf", NULL, "aasx/my%20file.pdf", NULL },
		{ "/aasx/\xC3\xBC.pdf", NULL, "aasx/%C3%BC.pdf", NULL },
		{ "/aasx/SUPPL/M.PDF", NULL, "aasx/files/M.PDF", "/aasx/files/M.PDF" },
		{ "/aasx/suppl", NULL, "aasx/files/suppl", "/aasx/files/suppl" },
		{ "/aasx/suppl/m.pdf/x", NULL, "aasx/files/x", "/aasx/files/x" },
		{ "/aasx/data.json", NULL, "aasx/files/data.json", "/aasx/files/data.json" },
		{ "/AASX/aasx-ORIGIN", NULL, "aasx/files/aasx-ORIGIN", "/aasx/files/aasx-ORIGIN" },
		{ "/%5BContent_Types%5D.xml", NULL, "aasx/files/_Content_Types_.xml", "/aasx/files/_Content_Types_.xml" },
		{ "/a/_rels/b.rels", NULL, "aasx/files/b.rels", "/aasx/files/b.rels" },
		{ "../../etc/passwd", NULL, "aasx/files/passwd", "/aasx/files/passwd" },
		{ "https://x/etc/passwd", NULL, "aasx/files/passwd-2", "/aasx/files/passwd-2" },
		{ "file:///C:/a.b/m.pdf", NULL, "aasx/files/m-2.pdf", "/aasx/files/m-2.pdf" },
		{ "..", NULL, "aasx/files/file", "/aasx/files/file" },
		{ "/a/..", "...", "aasx/files/file-2", "/aasx/files/file-2" },
		{ "urn:1", "C:\\temp\\a \xC3\xBC*b.pdf", "aasx/files/a%20%C3%BC_b.pdf", "/aasx/files/a%20%C3%BC_b.pdf" },
		{ "urn:2", "bad\xFF.p\"df", "aasx/files/bad_.p_df", "/aasx/files/bad_.p_df" },
		{ "urn:3", ".profile", "aasx/files/.profile", "/aasx/files/.profile" },
		{ "urn:4", ".profile", "aasx/files/.profile-2", "/aasx/files/.profile-2" },
		{ "urn:5", "a-very-long-name-of-which-nobody-would-want-to-read-the-beginning.tar.gz", "aasx/files/-would-want-to-read-the-beginning.tar.gz", NULL },
	};
	enum { N = sizeof is / sizeof *is };
	struct aasx_part part[N];
	struct buf b = BUF_INIT;
	struct aasx x;
	char why[1100];
	buf_puts(&b, "{\"submodels\":[{\"modelType\":\"Submodel\",\"id\":\"a\",\"submodelElements\":[");
	for (int i = 0; i < N; i++) {
		buf_printf(&b, "%s{\"modelType\":\"File\",\"idShort\":\"F%d\",\"value\":", i ? "," : "", i);
		buf_json(&b, is[i].value, strlen(is[i].value));
		buf_puts(&b, "}");
		part[i] = (struct aasx_part){ .value = is[i].value, .file_name = is[i].file, .bytes = slice_of(is[i].value) };
	}
	buf_puts(&b, "]}]}");
	struct aas_node *env = environment(b.p);
	e = write_package(env, part, N, NULL, why);
	check_int(e, ERR_OK, "a package of many names: %s", why);
	buf_fini(&b);
	if (!read_back(&x))
		return;
	const struct aas_node *n = aas_first_child(submodel(x.environment, 0));
	for (int i = 0; i < N; i++, n = n->next) {
		const char *value = AAS_AT(n, File, value).str, *want = is[i].after ? is[i].after : is[i].file ? arena_printf(a, "/%s", is[i].part) : is[i].value;
		check_str(value, want, "\"%s\" names its part", is[i].value);
		is_file(&x, value, "application/octet-stream", is[i].value, is[i].part);
	}
}

static void owners(void)
{
	enum err e;
	struct aasx x;
	char why[1100];
	struct aas_node *env = environment("{\"assetAdministrationShells\":[{\"modelType\":\"AssetAdministrationShell\",\"id\":\"s\",\"assetInformation\":{"
		"\"assetKind\":\"Type\",\"defaultThumbnail\":{\"path\":\"/t.png\",\"contentType\":\"image/png\"}}}],\"submodels\":["
		SM("a", FILE_AT("F", "/m.pdf")) "," SM("b", FILE_AT("F", "/m.pdf")) "," SM("c", FILE_AT("F", "/m.pdf") "," FILE_AT("G", "/t.png")) "]}");
	struct aasx_part part[] = {
		{ .owner = "a", .owner_class = AAS_Submodel, .value = "/m.pdf", .content_type = "application/pdf", .bytes = SLICE("one") },
		{ .owner = "b", .owner_class = AAS_Submodel, .value = "/m.pdf", .content_type = "text/\"evil\"", .bytes = SLICE("two") },
		{ .owner = "c", .owner_class = AAS_Submodel, .value = "/m.pdf", .same = &part[0] },
		{ .owner = "c", .owner_class = AAS_Submodel, .value = "/t.png", .content_type = "text/plain; charset=\"utf-8\"", .bytes = SLICE("text") },
		{ .owner = "s", .owner_class = AAS_AssetAdministrationShell, .value = "/t.png", .content_type = "image/png", .bytes = SLICE("png") },
	};
	e = write_package(env, part, 5, &part[4], why);
	check_int(e, ERR_OK, "files of one name: %s", why);
	if (!read_back(&x))
		return;
	is_file(&x, "/m.pdf", "application/pdf", "one", "m.pdf");
	is_file(&x, "/aasx/files/m.pdf", "application/octet-stream", "two", "aasx/files/m.pdf");
	is_file(&x, "/t.png", "text/plain; charset=\"utf-8\"", "text", "t.png");
	is_file(&x, "/aasx/files/t.png", "image/png", "png", "aasx/files/t.png");
	check_str(x.thumbnail, "/aasx/files/t.png", "the thumbnail is the shell's");
	check_str(AAS_AT(aas_first_child(submodel(x.environment, 1)), File, value).str, "/aasx/files/m.pdf", "the second submodel has its own file");
	check_str(AAS_AT(aas_first_child(submodel(x.environment, 2)), File, value).str, "/m.pdf", "the third shares the first's");
	const struct aas_node *info = AAS_AT(AAS_AT(x.environment, Environment, assetAdministrationShells).node, AssetAdministrationShell, assetInformation).node;
	check_str(AAS_AT(AAS_AT(info, AssetInformation, defaultThumbnail).node, Resource, path).str, "/aasx/files/t.png", "the shell names its thumbnail");
	check(strstr(text_of("aasx/_rels/data.json.rels"), "Id=\"R4\"") && !strstr(text_of("aasx/_rels/data.json.rels"), "R5"), "four parts are related");
}

/* Thousands of files that want the same name, which is none. */
static void crowd(void)
{
	enum { N = 9000 };
	static struct aasx_part part[N];
	struct buf b = BUF_INIT;
	struct aasx x;
	char why[1100];
	unsigned n = 0;
	buf_puts(&b, "{\"submodels\":[{\"modelType\":\"Submodel\",\"id\":\"a\",\"submodelElements\":[");
	for (int i = 0; i < N; i++) {
		buf_printf(&b, "%s{\"modelType\":\"File\",\"idShort\":\"F%d\",\"value\":\"m.pdf#%d\"}", i ? "," : "", i, i);
		part[i] = (struct aasx_part){ .value = arena_printf(a, "m.pdf#%d", i), .file_name = "m.pdf", .bytes = SLICE("x") };
	}
	buf_puts(&b, "]}]}");
	enum err e = write_package(environment(b.p), part, N, NULL, why);
	check_int(e, ERR_OK, "%d files of one name: %s", N, why);
	buf_fini(&b);
	if (!read_back(&x))
		return;
	for (const struct aasx_file *f = x.files; f; f = f->next)
		n++;
	check(n == N && file_of(&x, "/aasx/files/m-9000.pdf"), "each has its own");
}

/* -- streams ---------------------------------------------------------------------------------------------------------------------- */

struct made {
	size_t at, n;
	bool zeros, fails;
};

static char made_byte(const struct made *m, size_t i)
{
	return m->zeros ? 0 : (char)((i * 2654435761u) >> 13 ^ i >> 7);
}

static enum err make(void *ctx, char *p, size_t n, size_t *got, struct diag *d)
{
	struct made *m = ctx;
	size_t k = n < 10007 ? n : 10007;
	*got = k < m->n - m->at ? k : m->n - m->at;
	for (size_t i = 0; i < *got; i++)
		p[i] = made_byte(m, m->at + i);
	m->at += *got;
	return m->fails && m->at > m->n / 2 ? diag_add(d, ERR_IO, "the disk is gone") : ERR_OK;
}

static bool read_at(void *ctx, size_t at, void *to, size_t n)
{
	memcpy(to, ((struct buf *)ctx)->p + at, n);
	return true;
}

static bool read_fails(void *ctx, size_t at, void *to, size_t n)
{
	(void)at, (void)to, (void)n;
	return ++*(int *)ctx < 30;
}

/* The file of the package in pieces, the package fetched in pieces: nothing of it is ever whole in memory. */
static void stream_is(struct made *m, size_t *used)
{
	struct arena *own = arena_new(4 << 20);
	struct zip_bytes from = { .n = out.n, .read = read_at, .ctx = &out };
	struct diag d = DIAG_INIT;
	struct aasx_reader *r;
	struct aasx x;
	struct zip_stream *s = NULL;
	char piece[5000], why[1100];
	size_t at = 0, got = 0;
	bool same = true;
	enum err e = aasx_open(own, &from, &r, &x, &d);
	check(!e && x.files && x.files->part->size == m->n && !x.files->bytes.p, "opened, the file's size is known: %s", diag_first(&d, why, sizeof why));
	if (!e)
		e = zip_stream_open(aasx_archive(r), x.files->part, &s, &d);
	do {
		if (e || (e = zip_stream_read(s, piece, sizeof piece, &got, &d)))
			break;
		for (size_t i = 0; i < got; i++)
			same &= piece[i] == made_byte(m, at + i);
		at += got;
	} while (got);
	check(!e && same && at == m->n, "all of it is read in pieces: %s", diag_first(&d, why, sizeof why));
	*used = arena_used(own);
	zip_stream_close(s);
	aasx_close(r);
	diag_fini(&d);
	arena_free(own);
}

static void streams(void)
{
	enum err e;
	struct made random = { .n = 5 << 20 }, zeros = { .n = 40 << 20, .zeros = true }, broken = { .n = 1 << 20, .fails = true };
	struct aasx_part part = { .value = "/big.bin", .input = { make, &random } };
	const char *json = ENV(SM("a", FILE_AT("F", "/big.bin")));
	char why[1100];
	size_t used;
	int calls = 0;
	e = write_package(environment(json), &part, 1, NULL, why);
	check_int(e, ERR_OK, "a stream of 5 MiB: %s", why);
	stream_is(&random, &used);
	check(used < 1 << 20, "in little memory (%zu bytes)", used);
	part.input.ctx = &zeros;
	e = write_package(environment(json), &part, 1, NULL, why);
	check_int(e, ERR_OK, "40 MiB of nothing: %s", why);
	stream_is(&zeros, &used);
	check(used < 1 << 20, "and is not taken for a bomb");
	struct zip_bytes from = { .n = out.n, .read = read_fails, .ctx = &calls };
	struct aasx_reader *r;
	struct aasx x;
	check(aasx_open(a, &from, &r, &x, NULL) != ERR_OK && !r, "a source that fails");
	part.input.ctx = &broken;
	e = write_package(environment(json), &part, 1, NULL, why);
	check_int(e, ERR_IO, "an input that fails: %s", why);
	struct buf text = BUF_INIT;
	for (int i = 0; i < 3 << 20; i++)
		buf_putc(&text, ' ');
	part = (struct aasx_part){ .value = "/big.bin", .bytes = buf_view(&text) };
	e = write_package(environment(json), &part, 1, NULL, why);
	check_int(e, ERR_OK, "3 MiB of blanks in memory: %s", why);
	if (read_back(&x))
		check(x.files && slice_eq(x.files->bytes, buf_view(&text)), "are the same");
	buf_fini(&text);
}

/* More than is kept in memory is refused before it is unpacked, but can be streamed. */
static void too_large(void)
{
	enum err e;
	struct made half[2] = { { .n = 130 << 20, .zeros = true }, { .n = 130 << 20, .zeros = true } };
	struct aasx_part part[] = { { .value = "/1.bin", .input = { make, &half[0] } }, { .value = "/2.bin", .input = { make, &half[1] } } };
	struct diag d = DIAG_INIT;
	struct aasx x;
	char why[1100];
	size_t used;
	e = write_package(environment(ENV(SM("a", FILE_AT("F", "/1.bin") "," FILE_AT("G", "/2.bin")))), part, 2, NULL, why);
	check_int(e, ERR_OK, "260 MiB: %s", why);
	struct arena *own = arena_new(0);
	e = aasx_read(own, out.p, out.n, &x, &d);
	check_int(e, ERR_TOO_LARGE, "are not held in memory: %s", diag_first(&d, why, sizeof why));
	check(strstr(why, "2.bin") && arena_used(own) < 1 << 20, "the message names the file, nothing was unpacked");
	diag_fini(&d);
	arena_free(own);
	stream_is(&half[0], &used);
}

static void stable(void)
{
	struct aasx_part part[] = { { .value = "/b.txt", .bytes = SLICE("bbbbbbbbbbbbbbbbbbbb") }, { .value = "x:y", .file_name = "n.txt", .bytes = SLICE("c") } };
	char why[1100];
	const char *json = ENV(SM("a", FILE_AT("F", "/b.txt") "," FILE_AT("G", "x:y")));
	write_package(environment(json), part, 2, NULL, why);
	char *first = malloc(out.n);
	size_t n = out.n;
	memcpy(first, out.p, n);
	setenv("TZ", "Pacific/Kiritimati", 1);
	write_package(environment(json), part, 2, NULL, why);
	check(n == out.n && !memcmp(first, out.p, n), "the same input gives the same bytes");
	free(first);
}

/* Tools of others, where there are any. */
static int run(const char *const argv[])
{
	extern char **environ;
	pid_t pid;
	int status = -1;
	posix_spawn_file_actions_t act;
	posix_spawn_file_actions_init(&act);
	posix_spawn_file_actions_addopen(&act, 1, "/dev/null", 01, 0);
	int rc = posix_spawnp(&pid, argv[0], &act, NULL, (char *const *)argv, environ);
	posix_spawn_file_actions_destroy(&act);
	return rc || waitpid(pid, &status, 0) < 0 ? -1 : WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void others(void)
{
	static const char *const tools[][6] = {
		{ "unzip", "-tq", NULL }, { "python3", "-c", "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); sys.exit(z.testzip() is not None)", NULL },
	};
	struct made m = { .n = 300000 };
	struct aasx_part part[] = { { .value = "/b.txt", .bytes = SLICE("bbbbbbbbbbbbbbbbbbbb") }, { .value = "/big.bin", .input = { make, &m } } };
	char why[1100], name[] = "/tmp/twinshell-aasx-XXXXXX";
	int fd = mkstemp(name);
	write_package(environment(ENV(SM("a", FILE_AT("F", "/b.txt") "," FILE_AT("G", "/big.bin")))), part, 2, NULL, why);
	check(fd >= 0 && write(fd, out.p, out.n) == (ssize_t)out.n, "a package on disk");
	for (size_t i = 0; i < sizeof tools / sizeof *tools; i++) {
		const char *argv[7] = { 0 };
		size_t n = 0;
		while (tools[i][n])
			argv[n] = tools[i][n], n++;
		argv[n] = name;
		int status = run(argv);
		if (status < 0 || status == 127)
			printf("ok %d - # SKIP no %s\n", ++tap_n, argv[0]);
		else
			check_int(status, 0, "%s opens it", argv[0]);
	}
	close(fd);
	unlink(name);
}

int main(void)
{
	a = arena_new(0);
	layout();
	names();
	owners();
	crowd();
	streams();
	too_large();
	stable();
	others();
	buf_fini(&out);
	arena_free(a);
	return done();
}
