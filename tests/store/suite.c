/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/store/suite.h"

#include "aas/json.h"

int tap_n, tap_failed;
struct store *st;
struct arena *ar;
enum err (*suite_settle)(struct store *);

static const enum aas_class_id class_of[STORE_N_KINDS] = {
	AAS_AssetAdministrationShell, AAS_Submodel, AAS_ConceptDescription, AAS_AssetAdministrationShellDescriptor, AAS_SubmodelDescriptor,
	AAS_AssetAdministrationShellDescriptor,
};

const char *say(enum err e)
{
	return err_info[e].name;
}

struct store_txn *start(bool write)
{
	struct store_txn *t = NULL;
	enum err e = st->ops->begin(st, write, &t);
	if (e) {
		printf("Bail out! begin: %s\n", say(e));
		exit(1);
	}
	return t;
}

struct aas_node *parse(enum store_kind kind, const char *json)
{
	struct aas_node *n = NULL;
	struct diag d = DIAG_INIT;
	char why[600];
	if (aas_json_read(ar, class_of[kind], json, strlen(json), AAS_JSON_DEFAULT, &n, &d)) {
		printf("Bail out! test document: %s\n# %.200s\n", diag_first(&d, why, sizeof why), json);
		exit(1);
	}
	diag_fini(&d);
	return n;
}

const char *canonical(const struct aas_node *n)
{
	struct buf b = BUF_INIT;
	aas_json_write(&b, n);
	const char *s = arena_strndup(ar, b.p, b.n);
	buf_fini(&b);
	return s;
}

struct aas_node *make(enum store_kind kind, const char *id, const char *id_short, const char *const *value, unsigned n)
{
	struct buf b = BUF_INIT;
	if (aas_classes[class_of[kind]].typed)
		buf_printf(&b, "{\"modelType\":\"%s\",\"id\":", aas_classes[class_of[kind]].name);
	else
		buf_puts(&b, "{\"id\":");
	buf_json(&b, id, strlen(id));
	if (id_short)
		buf_printf(&b, ",\"idShort\":\"%s\"", id_short);
	if (kind == STORE_SHELL)
		buf_puts(&b, ",\"assetInformation\":{\"assetKind\":\"Instance\",\"globalAssetId\":\"urn:asset\"}");
	if (kind == STORE_SUBMODEL_DESCRIPTOR)
		buf_puts(&b, ",\"endpoints\":[{\"interface\":\"SUBMODEL-3.1\",\"protocolInformation\":{\"href\":\"http://x\"}}]");
	for (unsigned i = 0; i < n; i++) {
		buf_printf(&b, "%s{\"modelType\":\"Property\",\"idShort\":\"P%u\",\"valueType\":\"xs:string\"", i ? "," : ",\"submodelElements\":[", i);
		if (value[i]) {
			buf_puts(&b, ",\"value\":");
			buf_json(&b, value[i], strlen(value[i]));
		}
		buf_puts(&b, i + 1 < n ? "}" : "}]");
	}
	buf_putc(&b, '}');
	struct aas_node *node = parse(kind, b.p);
	buf_fini(&b);
	return node;
}

struct aas_node *plain(enum store_kind kind, const char *id)
{
	return make(kind, id, NULL, NULL, 0);
}

const char *text(char c, size_t n)
{
	char *s = arena_raw(ar, n + 1);
	memset(s, c, n);
	s[n] = 0;
	return s;
}

enum err put(struct store_txn *t, enum store_kind kind, const struct aas_node *n, enum store_put how, int64_t expect, int64_t *version)
{
	bool created;
	int64_t v = 0;
	enum err e = st->ops->put(t, kind, n, how, expect, &created, &v);
	if (version && !e)
		*version = v;
	return e;
}

const char *get(struct store_txn *t, enum store_kind kind, const char *id)
{
	struct store_doc d = { 0 };
	enum err e = st->ops->get(t, kind, id, ar, &d);
	int64_t version = 0;
	if (e)
		return say(e);
	if (strcmp(d.id, id) || st->ops->version(t, kind, id, &version) || version != d.version)
		return "get and version disagree";
	return arena_strndup(ar, d.json.p, d.json.n);
}

const char *current(enum store_kind kind, const char *id)
{
	struct store_txn *t = start(false);
	const char *s = get(t, kind, id);
	enum err e = st->ops->commit(t);
	return e ? say(e) : s;
}

int64_t version_of(enum store_kind kind, const char *id)
{
	struct store_txn *t = start(false);
	int64_t version = 0;
	if (st->ops->version(t, kind, id, &version))
		version = 0;
	st->ops->abort(t);
	return version;
}

static enum err end(struct store_txn *t, enum err e)
{
	if (!e)
		return st->ops->commit(t);
	st->ops->abort(t);
	return e;
}

enum err put_once(enum store_kind kind, const struct aas_node *n, enum store_put how, int64_t expect, int64_t *version)
{
	struct store_txn *t = start(true);
	return end(t, put(t, kind, n, how, expect, version));
}

enum err del_once(enum store_kind kind, const char *id)
{
	struct store_txn *t = start(true);
	return end(t, st->ops->del(t, kind, id));
}

enum err values_once(const char *id, const struct store_value *v, size_t n, int64_t *version)
{
	struct store_txn *t = start(true);
	int64_t mine;
	return end(t, st->ops->put_values(t, id, v, n, version ? version : &mine));
}

const char *ids(struct store_txn *t, enum store_kind kind, const struct store_filter *f, const char *after, size_t limit)
{
	static const struct store_filter none;
	struct store_page page = { 0 };
	struct buf b = BUF_INIT;
	enum err e = st->ops->list(t, kind, f ? f : &none, after, limit, ar, &page);
	for (size_t i = 0; !e && i < page.n; i++)
		buf_printf(&b, "%s ", page.item[i].id);
	if (!e && page.next)
		buf_printf(&b, "NEXT %s", page.next);
	const char *s = e ? say(e) : arena_strndup(ar, b.p ? b.p : "", b.n);
	buf_fini(&b);
	return s;
}

void suite_run(struct store *(*fresh)(void))
{
	static const struct {
		const char *name;
		void (*run)(void);
	} parts[] = {
		{ "documents", suite_docs }, { "content", suite_content }, { "lists", suite_list }, { "filters", suite_filter },
		{ "values", suite_values }, { "writes", suite_write }, { "blobs", suite_blobs }, { "invocations and packages", suite_index },
		{ "transactions that meet", suite_meet }, { "series", suite_series }, { "late samples", suite_late },
		{ "random steps", suite_random }, { "the feed of changes", suite_feed }, { "history", suite_history },
	};
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		printf("# %s\n", parts[i].name);
		ar = arena_new(0);
		if (!(st = fresh())) {
			printf("Bail out! no store\n");
			exit(1);
		}
		parts[i].run();
		if (st)
			st->ops->close(st);
		arena_free(ar);
	}
}
