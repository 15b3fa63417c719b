/* SPDX-License-Identifier: Apache-2.0
 * Random edits by the API, on the memory store and on PostgreSQL, beside a naive model (JSON edited by hand): after every step the answers of
 * both, what both stores hold, and the model are the same; so are views and lists, and in the end what was at any moment.
 *
 * TWINSHELL_SEED repeats a run, TWINSHELL_ROUNDS makes it longer.  A step depends on the seed, its number and what is there, so steps can be
 * left out: of a failure the fewest steps that still fail are printed.
 */
#include <jansson.h>

#include "aas/json.h"
#include "aas/path.h"
#include "aas/view.h"
#include "base/clock.h"
#include "base/log.h"
#include "server/call.h"
#include "sql/store_pg.h"
#include "tests/database.h"
#include "tests/gen.h"

#define ROUNDS 48
#define STEPS 40
#define IDS 4
#define KINDS 3
#define BUDGET 60

struct world {
	const char *name;
	struct store *store;
	struct changes *changes;
	struct live *live;
	struct sm_service *service;
};
static struct world world[2] = { { .name = "memory" }, { .name = "PostgreSQL" } };

struct answer {
	int status;
	char *body, *etag;
};

static const struct { enum aas_class_id cls; const char *list; } kinds[KINDS] = {
	[STORE_SHELL] = { AAS_AssetAdministrationShell, "/shells" }, [STORE_SUBMODEL] = { AAS_Submodel, "/submodels" },
	[STORE_CONCEPT] = { AAS_ConceptDescription, "/concept-descriptions" },
};

static json_t *model[KINDS][IDS];
static struct arena *ar;		/* of the step */
static struct gen g;
static unsigned long run_no;		/* ids are never used again: each run begins with version 0 */
static bool quiet, bad;
static char did[400];

#define SAY(...) (quiet ? 0 : printf(__VA_ARGS__))

static void differ(const char *what, const char *a, const char *b)
{
	bad = true;
	SAY("# after %s\n# %s:\n#   %.1500s\n#   %.1500s\n", did, what, a ? a : "(nothing)", b ? b : "(nothing)");
}

/* -- requests ---------------------------------------------------------------------------------------------------------------------- */

static struct call begin_call(struct world *w, const char *method, const char *target, const char *body)
{
	size_t n = strcspn(target, "?");
	struct call c = { .arena = arena_new(0), .service = w->service, .method = method, .path = { target, n }, .base_path = "",
			  .query_text = slice_of(target[n] ? target + n + 1 : ""), .body = slice_of(body ? body : ""),
			  .content_type = body ? "application/json" : NULL };
	buf_init(&c.reply.body, 0);
	return c;
}

static struct answer end_call(struct call *c, struct slice body)
{
	struct answer r = { c->reply.status, arena_strndup(ar, body.p ? body.p : "", body.n), c->reply.etag ? arena_strdup(ar, c->reply.etag) : NULL };
	buf_fini(&c->reply.body);
	diag_fini(&c->diag);
	arena_free(c->arena);
	return r;
}

static struct answer ask(struct world *w, const char *method, const char *target, const char *body)
{
	struct call c = begin_call(w, method, target, body);
	call_run(&c);
	return end_call(&c, buf_view(&c.reply.body));
}

/* As an HTTP loop asks: from memory, if it is there. */
static bool peek(struct world *w, const char *target, struct answer *out)
{
	const struct sm_tree *tree = NULL, *source = NULL;
	struct call c = begin_call(w, "GET", target, NULL);
	bool there = call_begin(&c) && call_peek(&c, w->live, &tree, &source);
	*out = end_call(&c, tree ? tree->json : buf_view(&c.reply.body));
	sm_tree_drop(tree);
	sm_tree_drop(source);
	return there;
}

/* The text of the first message of an error: the rest differs by time and correlation. */
static const char *message(const char *body)
{
	json_t *j = json_loads(body, 0, NULL), *m = json_array_get(json_object_get(j, "messages"), 0);
	const char *s = json_string_value(json_object_get(m, "text")), *out = arena_strdup(ar, s ? s : "");
	json_decref(j);
	return out;
}

/* One request in both worlds. `want`: the status, 4: any refusal.  True: it was done. */
static bool both(const char *method, const char *target, const char *body, int want, struct answer *out)
{
	struct answer r[2];
	for (int i = 0; i < 2; i++)
		r[i] = ask(&world[i], method, target, body);
	if (out)
		*out = r[0];
	bool refused = r[0].status >= 400;
	if (r[0].status != r[1].status || (r[0].etag ? !r[1].etag || strcmp(r[0].etag, r[1].etag) : r[1].etag != NULL))
		differ("status or tag", arena_printf(ar, "%d %s %s", r[0].status, r[0].etag, r[0].body),
		       arena_printf(ar, "%d %s %s", r[1].status, r[1].etag, r[1].body));
	else if (refused ? strcmp(message(r[0].body), message(r[1].body)) : strcmp(r[0].body, r[1].body))
		differ("the answers of both", r[0].body, r[1].body);
	else if (want == 4 ? r[0].status < 400 || r[0].status >= 500 : want && r[0].status != want)
		differ(arena_printf(ar, "%s %s: the status should be %d", method, target, want), arena_printf(ar, "%d %s", r[0].status, r[0].body), body);
	return !refused;
}

/* -- the model --------------------------------------------------------------------------------------------------------------------- */

static const char *kind_of(const json_t *n)
{
	const char *s = json_string_value(json_object_get(n, "modelType"));
	return s ? s : "";
}

/* The attribute that holds the children; NULL: a leaf. */
static const char *holder(const json_t *n)
{
	static const char *const of[][2] = {
		{ "Submodel", "submodelElements" }, { "SubmodelElementCollection", "value" }, { "SubmodelElementList", "value" },
		{ "Entity", "statements" }, { "AnnotatedRelationshipElement", "annotations" },
	};
	for (size_t i = 0; i < sizeof of / sizeof *of; i++)
		if (!strcmp(kind_of(n), of[i][0]))
			return of[i][1];
	return NULL;
}

static bool is_list(const json_t *n)
{
	return !strcmp(kind_of(n), "SubmodelElementList");
}

/* A place in the tree: the node, and where it hangs. */
struct place {
	json_t *node, *parent;		/* parent NULL: the submodel */
	size_t index;
	const char *path;
};

static const char *step_path(const json_t *parent, const char *above, const json_t *child, size_t i)
{
	if (is_list(parent))
		return arena_printf(ar, "%s[%zu]", above, i);
	return arena_printf(ar, "%s%s%s", above, *above ? "." : "", json_string_value(json_object_get(child, "idShort")));
}

static void collect(json_t *n, const char *path, struct place *list, size_t *count, size_t max)
{
	size_t i;
	json_t *child, *all = holder(n) ? json_object_get(n, holder(n)) : NULL;
	json_array_foreach(all, i, child) {
		if (*count == max)
			return;
		struct place *p = &list[(*count)++];
		*p = (struct place){ child, n, i, step_path(n, path, child, i) };
		collect(child, p->path, list, count, max);
	}
}

#define PLACES_MAX 2000
static struct place *places(json_t *sm, size_t *n)
{
	struct place *list = ARENA_ARRAY(ar, struct place, PLACES_MAX);
	list[0] = (struct place){ sm, NULL, 0, "" };
	*n = 1;
	collect(sm, "", list, n, PLACES_MAX);
	return list;
}

static void add_child(json_t *parent, json_t *child)
{
	json_t *all = json_object_get(parent, holder(parent));
	if (!all)
		json_object_set_new(parent, holder(parent), all = json_array());
	json_array_append_new(all, child);
}

static void drop_child(const struct place *p)
{
	json_t *all = json_object_get(p->parent, holder(p->parent));
	json_array_remove(all, p->index);
	if (!json_array_size(all))
		json_object_del(p->parent, holder(p->parent));
}

/* -- between the forms ----------------------------------------------------------------------------------------------------------------- */

static char *dump(const json_t *j)
{
	char *s = json_dumps(j, JSON_COMPACT | JSON_ENCODE_ANY), *out = arena_strdup(ar, s);
	free(s);
	return out;
}

static json_t *to_json(const struct aas_node *n)
{
	struct buf b = BUF_INIT;
	aas_json_write(&b, n);
	json_t *j = json_loadb(b.p, b.n, 0, NULL);
	buf_fini(&b);
	if (!j)
		abort();
	return j;
}

static struct aas_node *to_node(const json_t *j, unsigned cls)
{
	struct aas_node *n = NULL;
	const char *text = dump(j);
	if (aas_json_read(ar, cls, text, strlen(text), AAS_JSON_DEFAULT, &n, NULL))
		abort();
	return n;
}

static const char *value_text(const json_t *j)
{
	struct buf b = BUF_INIT;
	struct aas_view v = { .modifier = AAS_VALUE };
	enum err e = aas_view_write(&b, to_node(j, AAS_SubmodelElement), &v, NULL);
	const char *out = e || !b.n ? NULL : arena_strndup(ar, b.p, b.n);
	buf_fini(&b);
	return out;
}

static const char *id_of(int k, int i)
{
	return arena_printf(ar, "urn:%lu:%c%d", run_no, "asc"[k], i);
}

static const char *url(int k, int i)
{
	const char *id = id_of(k, i);
	return arena_printf(ar, "%s/%s", kinds[k].list, base64url_encode(ar, id, strlen(id)));
}

static const char *element_url(int i, const char *path, const char *view)
{
	return *path ? arena_printf(ar, "%s/submodel-elements/%s%s", url(STORE_SUBMODEL, i), path, view) : arena_printf(ar, "%s%s", url(STORE_SUBMODEL, i), view);
}

/* -- steps: what is done, and what the model then says ------------------------------------------------------------------------------ */

static json_t *fresh(int k, int i)
{
	g.budget = BUDGET;
	json_t *j = to_json(gen_node(&g, kinds[k].cls));
	json_object_set_new(j, "id", json_string(id_of(k, i)));
	return j;
}

static json_t *fresh_child(json_t *sm, const struct place *p)
{
	struct aas_node *root = to_node(sm, AAS_Submodel), *at = root, *child;
	if (*p->path && aas_path_find(root, p->path, strlen(p->path), &at, NULL))
		abort();
	g.budget = BUDGET / 3;
	child = gen_child(&g, at, 2);
	return child ? to_json(child) : NULL;
}

static void set_model(int k, int i, json_t *j)
{
	json_decref(model[k][i]);
	model[k][i] = j;
}

static void step_put(int k, int i)
{
	json_t *j = fresh(k, i);
	bool made = !model[k][i];
	both("PUT", url(k, i), dump(j), made ? 201 : 204, NULL);
	set_model(k, i, j);
}

static void step_post(int k, int i)
{
	json_t *j = fresh(k, i);
	if (both("POST", kinds[k].list, dump(j), model[k][i] ? 409 : 201, NULL))
		set_model(k, i, json_incref(j));
	json_decref(j);
}

static void step_delete(int k, int i)
{
	both("DELETE", url(k, i), NULL, model[k][i] ? 204 : 404, NULL);
	set_model(k, i, NULL);
}

static struct place any_place(json_t *sm, bool element)
{
	size_t n;
	struct place *list = places(sm, &n);
	return n > 1 && element ? list[1 + gen_below(&g, (uint32_t)n - 1)] : list[gen_below(&g, (uint32_t)n)];
}

/* A list without items may lack the type of their values; then it takes none (AASd-109). */
static bool untyped(const json_t *n)
{
	const char *of = json_string_value(json_object_get(n, "typeValueListElement"));
	return of && (!strcmp(of, "Property") || !strcmp(of, "Range")) && !json_object_get(n, "valueTypeListElement");
}

static void element_post(int i, json_t *sm)
{
	struct place p = any_place(sm, false);
	json_t *child = fresh_child(sm, &p);
	const char *to = *p.path ? element_url(i, p.path, "") : element_url(i, "", "/submodel-elements");
	if (child && untyped(p.node)) {
		both("POST", to, dump(child), 400, NULL);
		json_decref(child);
		return;
	}
	if (!child) {
		both("POST", to, "{\"modelType\":\"Capability\",\"idShort\":\"Extra\"}", 4, NULL);
		return;
	}
	both("POST", to, dump(child), 201, NULL);
	add_child(p.node, child);
	if (!is_list(p.node) && !gen_below(&g, 3))	/* once more: its idShort is taken; names of items are no name space */
		both("POST", to, dump(child), 409, NULL);
}

static void element_put(int i, json_t *sm)
{
	struct place p = any_place(sm, true);
	if (!p.parent)
		return;
	struct place above = { .path = "" };
	size_t n;
	struct place *list = places(sm, &n);
	for (size_t k = 0; k < n; k++)
		if (list[k].node == p.parent)
			above = list[k];
	json_t *child = fresh_child(sm, &above), *name = json_object_get(p.node, "idShort");
	if (!is_list(p.parent) && gen_below(&g, 4)) {
		json_object_set(child, "idShort", name);
	} else if (!is_list(p.parent)) {	/* another name: it is made at the end */
		both("PUT", element_url(i, step_path(p.parent, above.path, child, 0), ""), dump(child), 201, NULL);
		add_child(p.parent, child);
		return;
	}
	both("PUT", element_url(i, p.path, ""), dump(child), 204, NULL);
	json_array_set_new(json_object_get(p.parent, holder(p.parent)), p.index, child);
}

static void element_delete(int i, json_t *sm)
{
	struct place p = any_place(sm, true);
	if (!p.parent)
		return;
	both("DELETE", element_url(i, p.path, ""), NULL, 204, NULL);
	bool last = p.index + 1 == json_array_size(json_object_get(p.parent, holder(p.parent)));
	drop_child(&p);
	if (!is_list(p.parent) || last)
		both("DELETE", element_url(i, p.path, ""), NULL, 404, NULL);
}

/* Some attributes that no child and no value depends on. */
static void element_patch(int i, json_t *sm)
{
	static const char *const attrs[] = { "description", "displayName", "extensions", "qualifiers" };
	struct place p = any_place(sm, false);
	g.budget = BUDGET / 2;
	const struct aas_class *cls = aas_class_by_name(kind_of(p.node), strlen(kind_of(p.node)));
	json_t *from = to_json(gen_node(&g, cls->id)), *patch = json_object();
	static const char *const names[] = { "modelType", "id", "idShort" };
	for (size_t k = 0; k < 3; k++)
		if (json_object_get(p.node, names[k]))
			json_object_set(patch, names[k], json_object_get(p.node, names[k]));
	for (size_t k = 0; k < sizeof attrs / sizeof *attrs; k++)
		if (json_object_get(from, attrs[k]))
			json_object_set(patch, attrs[k], json_object_get(from, attrs[k]));
	bool metadata = gen_below(&g, 2);
	/* $metadata knows no required attribute; without it they have to be given */
	if (!metadata)
		for (unsigned k = 0; k < cls->n; k++)
			if (cls->props[k].required && json_object_get(p.node, cls->props[k].name))
				json_object_set(patch, cls->props[k].name, json_object_get(p.node, cls->props[k].name));
	if (both("PATCH", element_url(i, p.path, metadata ? "/$metadata" : ""), dump(patch), 204, NULL))
		json_object_update(p.node, patch);
	json_decref(from);
	json_decref(patch);
}

static void new_values(json_t *n)
{
	size_t i;
	json_t *child, *value = json_object_get(n, "value");
	if (!strcmp(kind_of(n), "Property") && json_is_string(value)) {
		const char *type = json_string_value(json_object_get(n, "valueType"));
		json_object_set_new(n, "value", json_string(gen_value(&g, (uintptr_t)aas_enum_find(AAS_ENUM_DataTypeDefXsd, type, strlen(type)) + 1)));
	}
	json_array_foreach(holder(n) ? json_object_get(n, holder(n)) : NULL, i, child)
		new_values(child);
}

static void element_value(int i, json_t *sm)
{
	struct place p = any_place(sm, true);
	if (!p.parent)
		return;
	json_t *now = json_deep_copy(p.node);
	new_values(now);
	const char *text = value_text(now);
	/* what has no value is shown as null, and null is not taken back (docs/conformance-choices.md) */
	if (text && strcmp(text, "null") && both("PATCH", element_url(i, p.path, "/$value"), text, 204, NULL))
		json_array_set(json_object_get(p.parent, holder(p.parent)), p.index, now);
	json_decref(now);
}

/* What must be refused by both, and change nothing. */
static void element_wrong(int i, json_t *sm)
{
	struct place p = any_place(sm, false);
	static const struct { const char *method, *tail, *body; } wrong[] = {
		{ "GET", "Nobody", NULL }, { "DELETE", "Nobody.Here", NULL }, { "PUT", "Nobody.Here", "{\"modelType\":\"Capability\",\"idShort\":\"Here\"}" },
		{ "PATCH", "Nobody/$value", "1" }, { "PUT", "Other", "{\"modelType\":\"Capability\",\"idShort\":\"Name\"}" },
		{ "PUT", "Broken", "{\"modelType\":\"Property\",\"idShort\":\"Broken\",\"valueType\":\"xs:int\",\"value\":\"x\"}" }, { "PUT", "Bad", "{" },
		{ "GET", "a[[0]", NULL }, { "PUT", "Typeless", "{\"modelType\":\"Property\",\"idShort\":\"Typeless\"}" },
	};
	unsigned w = gen_below(&g, sizeof wrong / sizeof *wrong + 2);
	if (w < sizeof wrong / sizeof *wrong) {
		const char *path = arena_printf(ar, "%s%s%s", p.path, *p.path ? "." : "", wrong[w].tail);
		both(wrong[w].method, element_url(i, path, ""), wrong[w].body, 4, NULL);
	} else if (p.parent) {
		const char *attr = w & 1 ? "/$value" : "";
		both("PATCH", element_url(i, p.path, attr), "{\"modelType\":\"Nothing\",\"no such attribute\":[1,{}]}", 4, NULL);
	}
}

/* -- what must be the same --------------------------------------------------------------------------------------------------------------- */

static const char *stored(struct world *w, int k, int i)
{
	struct store_txn *t;
	struct store_doc d;
	if (w->store->ops->begin(w->store, false, &t))
		return "no transaction";
	enum err e = w->store->ops->get(t, (enum store_kind)k, id_of(k, i), ar, &d);
	const char *out = e ? err_info[e].name : arena_printf(ar, "%lld %.*s", (long long)d.version, (int)d.json.n, d.json.p);
	w->store->ops->abort(t);
	return out;
}

static void same_as_model(int k, int i, const char *what, const char *text)
{
	json_t *j = json_loads(text, JSON_DECODE_ANY, NULL);
	if (model[k][i] ? !json_equal(j, model[k][i]) : j != NULL)
		differ(what, text, model[k][i] ? dump(model[k][i]) : NULL);
	json_decref(j);
}

static void same_document(int k, int i)
{
	const char *a = stored(&world[0], k, i), *b = stored(&world[1], k, i), *whole = arena_printf(ar, "%s?extent=withBlobValue", url(k, i));
	struct answer r, p;
	if (k != STORE_SUBMODEL)
		whole = url(k, i);
	if (strcmp(a, b))
		differ("what the stores hold", a, b);
	const char *doc = strchr(a, ' ');
	same_as_model(k, i, "store and model", model[k][i] && doc ? doc + 1 : "");
	both("GET", whole, NULL, model[k][i] ? 200 : 404, &r);
	if (!bad && model[k][i])
		same_as_model(k, i, "answer and model", r.body);
	for (int w = 0; w < 2 && !bad && model[k][i]; w++)
		if (peek(&world[w], whole, &p) && strcmp(p.body, r.body))
			differ("from memory", p.body, r.body);
}

/* Every path of the submodel, as the model has them. */
static void same_paths(int i)
{
	size_t n;
	struct answer r;
	struct place *list = places(model[STORE_SUBMODEL][i], &n);
	both("GET", element_url(i, "", "/$path"), NULL, 200, &r);
	json_t *want = json_array(), *got = json_loads(r.body, JSON_DECODE_ANY, NULL);
	for (size_t k = 1; k < n; k++)
		json_array_append_new(want, json_string(list[k].path));
	if (!json_equal(want, got))
		differ("$path and model", r.body, dump(want));
	json_decref(want);
	json_decref(got);
}

static void same_views(int i)
{
	static const char *const views[] = { "", "?level=core", "/$value", "/$value?level=core", "/$metadata", "/$path", "/$path?level=core", "/$reference" };
	struct place p = any_place(model[STORE_SUBMODEL][i], false);
	struct answer r, k;
	for (size_t v = 0; v < sizeof views / sizeof *views && !bad; v++) {
		both("GET", element_url(i, p.path, views[v]), NULL, 0, &r);
		for (int w = 0; w < 2 && !bad && r.status < 400; w++)
			if (peek(&world[w], element_url(i, p.path, views[v]), &k) && strcmp(k.body, r.body))
				differ("a view from memory", k.body, r.body);
	}
	if (!bad && gen_below(&g, 2))
		same_paths(i);
}

/* All pages of a list: the ids are those of the model. */
static void same_list(int k)
{
	struct buf got = BUF_INIT, want = BUF_INIT;
	const char *cursor = "";
	unsigned limit = 1 + gen_below(&g, 3);
	while (cursor && !bad) {
		struct answer r;
		json_t *item;
		size_t i;
		both("GET", arena_printf(ar, "%s?limit=%u%s%s", kinds[k].list, limit, *cursor ? "&cursor=" : "", cursor), NULL, 200, &r);
		json_t *page = json_loads(r.body, 0, NULL);
		json_array_foreach(json_object_get(page, "result"), i, item)
			buf_printf(&got, "%s ", json_string_value(json_object_get(item, "id")));
		const char *next = json_string_value(json_object_get(json_object_get(page, "paging_metadata"), "cursor"));
		cursor = next ? arena_strdup(ar, next) : NULL;
		json_decref(page);
	}
	for (int i = 0; i < IDS; i++)
		if (model[k][i])
			buf_printf(&want, "%s ", id_of(k, i));
	if (!bad && strcmp(got.p ? got.p : "", want.p ? want.p : ""))
		differ("a list", got.p, want.p);
	buf_fini(&got);
	buf_fini(&want);
}

/* -- what was --------------------------------------------------------------------------------------------------------------------------- */

#define LOOKS 5			/* moments of a run that are looked back at */

static struct moment {
	int64_t us;
	json_t *model[KINDS][IDS];
} moments[STEPS];
static unsigned n_moments;

/* Everything up to now is before this moment, everything that follows behind it. */
static void write_down(void)
{
	struct moment *m = &moments[n_moments++];
	m->us = clock_now_us();
	for (int k = 0; k < KINDS; k++)
		for (int i = 0; i < IDS; i++)
			m->model[k][i] = json_deep_copy(model[k][i]);
	while (clock_now_us() <= m->us)
		;
}

static void forget_moments(void)
{
	while (n_moments) {
		struct moment *m = &moments[--n_moments];
		for (int k = 0; k < KINDS; k++)
			for (int i = 0; i < IDS; i++)
				json_decref(m->model[k][i]);
	}
}

static void as_it_was(const struct moment *m, int k, int i, const char *at)
{
	struct answer r;
	const char *more = k == STORE_SUBMODEL ? "&extent=withBlobValue" : "";
	both("GET", arena_printf(ar, "%s?at=%s%s", url(k, i), at, more), NULL, m->model[k][i] ? 200 : 404, &r);
	if (bad || !m->model[k][i])
		return;
	json_t *j = json_loads(r.body, JSON_DECODE_ANY, NULL);
	if (!json_equal(j, m->model[k][i]))
		differ("what was and the model then", r.body, dump(m->model[k][i]));
	json_decref(j);
	if (k == STORE_SUBMODEL && !bad)
		both("GET", arena_printf(ar, "%s/$value?at=%s", url(k, i), at), NULL, 0, NULL);
}

static void list_as_it_was(const struct moment *m, int k, const char *at)
{
	struct answer r;
	size_t n = 0;
	for (int i = 0; i < IDS; i++)
		n += m->model[k][i] != NULL;
	both("GET", arena_printf(ar, "%s?limit=100&at=%s", kinds[k].list, at), NULL, 200, &r);
	json_t *page = json_loads(r.body, 0, NULL);
	if (!bad && json_array_size(json_object_get(page, "result")) != n)
		differ("a list of what was", r.body, arena_printf(ar, "%zu items", n));
	json_decref(page);
}

/* False: not as it was. */
static bool look_back(uint64_t seed)
{
	gen_init(&g, ar, seed);
	for (int n = 0; n < LOOKS && !bad && n_moments; n++) {
		const struct moment *m = &moments[gen_below(&g, n_moments)];
		char at[TIME_TEXT_MAX];
		time_format(at, m->us);
		arena_reset(ar);
		snprintf(did, sizeof did, "looking back at %s", at);
		for (int k = 0; k < KINDS && !bad; k++) {
			list_as_it_was(m, k, at);
			for (int i = 0; i < IDS && !bad; i++)
				as_it_was(m, k, i, at);
		}
	}
	return !bad;
}

/* -- runs -------------------------------------------------------------------------------------------------------------------------------- */

static void one_step(uint64_t seed, unsigned no)
{
	static const struct { const char *name; void (*run)(int, json_t *); } edits[] = {
		{ "POST of an element", element_post }, { "PUT of an element", element_put }, { "DELETE of an element", element_delete },
		{ "PATCH of an element", element_patch }, { "PATCH of $value", element_value }, { "PATCH of $value", element_value },
		{ "something wrong", element_wrong },
	};
	static const struct { const char *name; void (*run)(int, int); } wholes[] = {
		{ "PUT of the whole", step_put }, { "POST of the whole", step_post }, { "DELETE of the whole", step_delete },
	};
	gen_init(&g, ar, seed * 1000 + no);
	g.serial = no * 10000 + 1;
	g.canonical = true;
	int k = gen_below(&g, 4) ? STORE_SUBMODEL : (int)gen_below(&g, KINDS), i = (int)gen_below(&g, IDS);
	if (k != STORE_SUBMODEL || !model[k][i] || !gen_below(&g, 6)) {
		unsigned w = gen_below(&g, 3);
		snprintf(did, sizeof did, "step %u: %s %s", no, wholes[w].name, id_of(k, i));
		wholes[w].run(k, i);
	} else {
		unsigned w = gen_below(&g, sizeof edits / sizeof *edits);
		snprintf(did, sizeof did, "step %u: %s of %s", no, edits[w].name, id_of(k, i));
		edits[w].run(i, model[k][i]);
	}
	if (!bad)
		same_document(k, i);
	if (!bad && k == STORE_SUBMODEL && model[k][i])
		same_views(i);
	if (!bad && !gen_below(&g, 3))
		same_list(k);
}

/* The number of the step that failed, or -1. */
static int run(uint64_t seed, const bool *skip)
{
	int failed = -1;
	run_no++;
	bad = false;
	for (unsigned n = 0; n < STEPS && failed < 0; n++) {
		if (skip[n])
			continue;
		arena_reset(ar);
		one_step(seed, n);
		if (bad)
			failed = (int)n;
		else
			write_down();
	}
	if (failed < 0 && !look_back(seed))
		failed = STEPS - 1;
	forget_moments();
	for (int k = 0; k < KINDS; k++)
		for (int i = 0; i < IDS; i++) {
			for (int w = 0; w < 2; w++)
				ask(&world[w], "DELETE", url(k, i), NULL);
			set_model(k, i, NULL);
		}
	return failed;
}

/* Leaves out one step after the other, as long as it still fails. */
static void shrink(uint64_t seed, int failed)
{
	bool skip[STEPS] = { false };
	for (int n = failed + 1; n < STEPS; n++)
		skip[n] = true;
	quiet = true;
	for (int n = failed - 1; n >= 0; n--) {
		skip[n] = true;
		skip[n] = run(seed, skip) >= 0;
	}
	quiet = false;
	printf("# TWINSHELL_SEED=%llu TWINSHELL_ROUNDS=1; the steps that are needed:", (unsigned long long)seed);
	for (int n = 0; n < STEPS; n++)
		if (!skip[n])
			printf(" %d", n);
	putchar('\n');
	run(seed, skip);
}

static bool open_world(struct world *w, struct store *store)
{
	w->store = store;
	w->changes = changes_new();
	w->live = live_new();
	struct sm_config c = { .store = store, .changes = w->changes, .live = w->live };
	return store && (w->service = sm_service_new(&c));
}

static void close_world(struct world *w)
{
	sm_service_free(w->service);
	live_free(w->live);
	changes_free(w->changes);
	w->store->ops->close(w->store);
}

int main(void)
{
	const char *given = getenv("TWINSHELL_SEED"), *many = getenv("TWINSHELL_ROUNDS");
	static const bool all[STEPS];
	struct database db;
	if (!database_cluster())
		return skip_all(DATABASE_SKIP);
	log_setup(LOG_ERROR, LOG_TEXT);
	ar = arena_new(0);
	database_make(&db, "proof", "ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'");
	if (!check(open_world(&world[0], store_mem_new()) && open_world(&world[1], store_pg_open(db.conninfo, 4, NULL)), "two servers"))
		return done();
	uint64_t seed = given ? strtoull(given, NULL, 10) : 20240229;
	unsigned rounds = many ? (unsigned)strtoul(many, NULL, 10) : ROUNDS, n = 0;
	printf("# TWINSHELL_SEED=%llu\n", (unsigned long long)seed);
	for (; n < rounds; n++, seed++) {
		int failed = run(seed, all);
		if (failed < 0)
			continue;
		shrink(seed, failed);
		check(false, "round %u", n);
		break;
	}
	check(n == rounds, "%u rounds of %d steps: two servers, two stores and the model are the same", n, STEPS);
	close_world(&world[0]);
	close_world(&world[1]);
	database_drop(&db);
	arena_free(ar);
	return done();
}
