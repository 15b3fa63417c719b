/* SPDX-License-Identifier: Apache-2.0
 * What was imported from a package goes out as a package again: the same environment, the same files, whoever they belong to.
 */
#include "submodels/service.h"

#include "aas/json.h"
#include "aas/tree.h"
#include "base/buf.h"
#include "tests/blob.h"
#include "tests/tap.h"

#define FILE_AT(id, value) "{\"modelType\":\"File\",\"idShort\":\"" id "\",\"value\":\"" value "\",\"contentType\":\"x/y\"}"
#define SM(id, elements) "{\"modelType\":\"Submodel\",\"id\":\"" id "\",\"submodelElements\":[" elements "]}"

static const char json[] = "{\"assetAdministrationShells\":[{\"modelType\":\"AssetAdministrationShell\",\"id\":\"s\",\"assetInformation\":{"
	"\"assetKind\":\"Type\",\"globalAssetId\":\"g\",\"defaultThumbnail\":{\"path\":\"/t.png\",\"contentType\":\"image/png\"}}}],\"submodels\":["
	SM("a", FILE_AT("F", "/m.pdf") ",{\"modelType\":\"SubmodelElementCollection\",\"idShort\":\"C\",\"value\":[" FILE_AT("G", "n.bin") "]},"
	FILE_AT("H", "https://x/y") "," FILE_AT("I", "/not/there")) "," SM("b", FILE_AT("F", "/m.pdf")) "," SM("c", FILE_AT("F", "/other.txt")) "]}";

static struct arena *a;
static struct sm_service *service;
static struct buf out = BUF_INIT;

static enum err put(void *ctx, const char *p, size_t n, struct diag *d)
{
	(void)d;
	buf_put(ctx, p, n);
	return ERR_OK;
}

static struct aas_node *environment(void)
{
	struct aas_node *n = NULL;
	check_int(aas_json_read(a, AAS_Environment, json, strlen(json), 0, &n, NULL), ERR_OK, "the test's environment");
	return n;
}

static unsigned n_files(const struct aasx *x)
{
	unsigned n = 0;
	for (const struct aasx_file *f = x->files; f; f = f->next)
		n++;
	return n;
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
	check(f && str_eq(f->content_type, type) && slice_is(f->bytes, text), "%s is there, %s", path, type);
}

static void bring_in(const char *value, const char *text, const char *name)
{
	struct sm_session *s;
	struct store_blob b = { "text/plain", name, slice_of(text) };
	struct sm_upload u = upload_of(&b, &b.bytes);
	enum err e = sm_begin(service, true, a, NULL, &s);
	if (!e && (e = sm_file_put(s, value, "F", &u)))
		sm_abort(s);
	else if (!e)
		e = sm_commit(s);
	check_int(e, ERR_OK, "an attachment of %s", value);
}

static bool import_package(const struct aasx *x)
{
	struct sm_import_report r;
	struct sm_session *s;
	enum err e = sm_begin(service, true, a, NULL, &s);
	if (!e && (e = sm_import(s, x, SM_IMPORT_NEW, &r)))
		sm_abort(s);
	else if (!e)
		e = sm_commit(s);
	return check_int(e, ERR_OK, "the package is imported");
}

/* One after the other, as the service is asked. */
static enum err each(void *ctx, enum err (*take)(void *to, struct aas_node *, struct diag *), void *to, struct diag *d)
{
	const struct aas_node *env = ctx;
	enum err e = ERR_OK;
	for (unsigned i = 0; i < env->cls->n; i++)
		for (struct aas_node *n = env->slot[i].node, *next; n && !e; n = next) {
			struct aas_node *own = aas_copy(a, n);
			next = n->next;
			e = own ? take(to, own, d) : ERR_NO_MEMORY;
		}
	return e;
}

static void export_package(struct aas_node *env, struct aasx *x)
{
	struct sink sink = { put, &out };
	struct diag d = DIAG_INIT;
	char why[1100];
	struct sm_session *s;
	buf_reset(&out);
	enum err e = sm_begin(service, false, a, &d, &s);
	if (!e) {
		e = sm_export(s, (struct aasx_items){ each, env }, AASX_JSON, sink);
		sm_abort(s);
	}
	if (!e)
		e = aasx_read(a, out.p, out.n, x, &d);
	diag_first(&d, why, sizeof why);
	check_int(e, ERR_OK, "it is exported and read: %s", why);
	diag_fini(&d);
}

int main(void)
{
	a = arena_new(0);
	struct sm_config conf = { .store = store_mem_new(), .changes = changes_new(), .live = live_new() };
	service = sm_service_new(&conf);
	struct aasx_file file[] = {
		{ .path = "/m.pdf", .content_type = "application/pdf", .bytes = SLICE("manual"), .next = &file[1] },
		{ .path = "/aasx/n.bin", .content_type = "a/b", .bytes = SLICE("wrong"), .next = &file[2] },
		{ .path = "n.bin", .content_type = "a/b", .bytes = SLICE("bin"), .next = &file[3] },
		{ .path = "/t.png", .content_type = "image/png", .bytes = SLICE("png"), .next = NULL },
	};
	struct aasx in = { .environment = environment(), .files = file }, x;
	if (!import_package(&in))
		return done();
	export_package(environment(), &x);
	check(aas_equal(x.environment, environment()), "the environment is the same");
	check_int(n_files(&x), 3, "three files: two submodels share one, what is elsewhere or nowhere is none");
	is_file(&x, "/m.pdf", "x/y", "manual");
	is_file(&x, "n.bin", "x/y", "bin");
	is_file(&x, "/t.png", "image/png", "png");
	check_str(x.thumbnail, "/t.png", "the shell's thumbnail is the package's");

	/* the same value, but two different files: the second is named anew */
	bring_in("b", "another manual", "m two.pdf");
	struct aas_node *env = environment();
	const struct aas_node *sm = AAS_AT(env, Environment, submodels).node->next;
	struct sm_session *s;
	const struct sm_tree *t;
	if (check_int(sm_begin(service, false, a, NULL, &s), ERR_OK, "a session")) {
		check_int(sm_get(s, STORE_SUBMODEL, "b", &t), ERR_OK, "the submodel");
		AAS_AT((struct aas_node *)aas_first_child(sm), File, value).str = arena_strdup(a, AAS_AT(aas_first_child(sm_tree_node(t)), File, value).str);
		sm_abort(s);
	}
	export_package(env, &x);
	const char *value = AAS_AT(aas_first_child(AAS_AT(x.environment, Environment, submodels).node->next), File, value).str;
	check_int(n_files(&x), 4, "four files now");
	is_file(&x, value, "x/y", "another manual");
	is_file(&x, "/m.pdf", "x/y", "manual");

	buf_fini(&out);
	sm_service_free(service);
	live_free(conf.live);
	changes_free(conf.changes);
	conf.store->ops->close(conf.store);
	arena_free(a);
	return done();
}
