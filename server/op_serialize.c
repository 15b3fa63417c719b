/* SPDX-License-Identifier: Apache-2.0
 * op_serialize.c - GET /serialization: an environment of chosen shells and submodels (IDTA-01002, GenerateSerializationByIds),
 * as JSON, as XML, or as an AASX package with the stored files.
 *
 * Without any id it is everything.  Shells asked for without submodel ids bring the submodels they refer to.  The concept
 * descriptions are those that the semantic ids of what is given lead to, also over isCaseOf.  Blobs are always included.
 *
 * Whatever it is, one identifiable is in memory at a time, and what is more than BODY_MAX bytes goes to a scratch, from which it is sent: so one
 * transaction sees all of it, and none stays open for a client that takes his time.
 */
#include "aas/aasx.h"
#include "aas/environment.h"
#include "aas/json.h"
#include "base/map.h"
#include "server/accept.h"
#include "server/call.h"
#include "server/op.h"

#define PORTION 32
#define BODY_MAX ((size_t)2 << 20)	/* what is smaller is compressed and has no file */
#define TEXT_STEP ((size_t)64 << 10)

/* -- what is in it ---------------------------------------------------------------------------------------------------------------------- */

/* Takes one: its JSON, and its tree if the walk makes trees. */
typedef enum err take_fn(void *to, enum store_kind, struct slice json, struct aas_node *);

struct walk {
	struct call *c;
	take_fn *take;
	void *to;
	bool trees, all;
	struct arena *arena, *item;	/* of the walk; of one identifiable, or of a page */
	struct map ids[STORE_N_KINDS];	/* what is in the answer already; concepts: or was looked for in vain */
	struct id_item *wanted, **tail;	/* concept descriptions that something refers to, in order of their finding */
	enum store_kind kind;		/* of the list that is being walked over */
	struct buf live;		/* a submodel with its live values */
};

struct id_item {
	const char *id;
	struct id_item *next;
};

static const enum aas_class_id classes[STORE_N_KINDS] = {
	[STORE_SHELL] = AAS_AssetAdministrationShell, [STORE_SUBMODEL] = AAS_Submodel, [STORE_CONCEPT] = AAS_ConceptDescription,
};

static const char *const words[STORE_N_KINDS] = {
	[STORE_SHELL] = "shell", [STORE_SUBMODEL] = "submodel", [STORE_CONCEPT] = "concept description",
};

/* True when it was not there before. */
static enum err once(struct map *m, const char *id, bool *fresh)
{
	void *old = NULL;
	if (!map_put(m, id, strlen(id), m, &old))
		return ERR_NO_MEMORY;
	*fresh = !old;
	return ERR_OK;
}

static enum err want(struct walk *k, const char *id)
{
	bool fresh;
	struct id_item *i;
	enum err err = once(&k->ids[STORE_CONCEPT], id, &fresh);
	if (err || !fresh)
		return err;
	if (!(i = ARENA_NEW(k->arena, struct id_item)) || !(i->id = arena_strdup(k->arena, id)))
		return ERR_NO_MEMORY;
	*k->tail = i;
	k->tail = &i->next;
	return ERR_OK;
}

/* Every Reference anywhere in the tree may lead to a concept description: by its last key. */
static enum err want_references(struct walk *k, const struct aas_node *n)
{
	enum err err = ERR_OK;
	if (aas_is(n, AAS_Reference)) {
		const struct aas_node *key = AAS_AT(n, Reference, keys).node;
		while (key && key->next)
			key = key->next;
		if (key)
			err = want(k, AAS_AT(key, Key, value).str);
	}
	for (unsigned i = 0; i < n->cls->n && !err; i++)
		if (n->cls->props[i].kind >= AAS_NODE)
			for (const struct aas_node *v = n->slot[i].node; v && !err; v = v->next)
				err = want_references(k, v);
	return err;
}

static enum err read_tree(struct walk *k, struct slice json, struct aas_node **n)
{
	if (!aas_json_read(k->item, classes[k->kind], json.p, json.n, AAS_JSON_DEFAULT, n, NULL))
		return ERR_OK;
	return diag_add(&k->c->diag, ERR_INTERNAL, "a stored document cannot be read");
}

/* In k->item, as long as it is with whoever takes it. */
static enum err give(struct walk *k, const char *id, struct slice json)
{
	static const struct aas_view whole = { .modifier = AAS_NORMAL, .blobs = true };
	struct call *c = k->c;
	bool live = k->kind == STORE_SUBMODEL && sm_is_live(c->service, id), follow = !k->all && c->with_cds;
	struct aas_node *n = NULL;
	enum err err = live || follow || k->trees ? read_tree(k, json, &n) : ERR_OK;
	if (!err && live) {
		buf_reset(&k->live);
		err = reply_write(c, &k->live, id, n, &whole);
		json = buf_view(&k->live);
		if (!err && k->trees)
			err = k->live.failed ? ERR_NO_MEMORY : read_tree(k, json, &n);
	}
	if (!err && follow)
		err = want_references(k, n);
	return err ? err : k->live.failed ? ERR_NO_MEMORY : k->take(k->to, k->kind, json, k->trees ? n : NULL);
}

/* `may_lack`: a reference may lead nowhere. */
static enum err give_one(struct walk *k, const char *id, bool may_lack)
{
	struct store_doc doc;
	bool fresh = true;
	enum err err = k->kind == STORE_CONCEPT ? ERR_OK : once(&k->ids[k->kind], id, &fresh);
	if (err || !fresh)
		return err;
	arena_reset(k->item);
	err = sm_read(k->c->session, k->kind, id, k->item, &doc);
	if (err == ERR_NOT_FOUND && may_lack)
		return ERR_OK;
	if (err == ERR_NOT_FOUND)
		return diag_add(&k->c->diag, err, "there %s no %s with the id \"%s\"%s", k->c->in_past ? "was" : "is", words[k->kind], id,
				k->c->in_past ? " at that time" : "");
	return err ? err : give(k, doc.id, doc.json);
}

/* Everything of one kind, a portion at a time. */
static enum err give_all(struct walk *k)
{
	struct store_page page = { 0 };
	struct arena *pages = arena_new(0);
	struct buf after = BUF_INIT;
	enum err err = pages ? ERR_OK : ERR_NO_MEMORY;
	do {
		if (!err)
			err = sm_read_list(k->c->session, k->kind, page.next ? after.p : NULL, PORTION, pages, &page);
		for (size_t i = 0; i < page.n && !err; i++) {
			arena_reset(k->item);
			err = give(k, page.item[i].id, page.item[i].json);
		}
		buf_reset(&after);
		if (!err && page.next)
			buf_puts(&after, page.next);
		if (after.failed)
			err = ERR_NO_MEMORY;
		arena_reset(pages);
	} while (!err && page.next);
	buf_fini(&after);
	arena_free(pages);
	return err;
}

struct reference {
	const char *id;
	struct reference *next;
};

/* Those of one shell, in their order, in the walk's arena. */
static enum err references_of(struct walk *k, const char *shell, struct reference ***tail)
{
	struct store_doc doc;
	struct aas_node *n;
	k->kind = STORE_SHELL;
	arena_reset(k->item);
	enum err err = sm_read(k->c->session, STORE_SHELL, shell, k->item, &doc);
	if (err || (err = read_tree(k, doc.json, &n)))
		return err;
	for (const struct aas_node *ref = AAS_AT(n, AssetAdministrationShell, submodels).node; ref; ref = ref->next) {
		const struct aas_node *key = AAS_AT(ref, Reference, keys).node;
		struct reference *r = key ? ARENA_NEW(k->arena, struct reference) : NULL;
		if (key && (!r || !(r->id = arena_strdup(k->arena, AAS_AT(key, Key, value).str))))
			return ERR_NO_MEMORY;
		if (r) {
			**tail = r;
			*tail = &r->next;
		}
	}
	return ERR_OK;
}

/* The submodels that the chosen shells refer to; a reference may dangle. */
static enum err give_referenced(struct walk *k)
{
	struct reference *first = NULL, **tail = &first;
	enum err err = ERR_OK;
	for (const char **id = k->c->aas_ids; *id && !err; id++)
		err = references_of(k, *id, &tail);
	k->kind = STORE_SUBMODEL;
	for (struct reference *r = first; r && !err; r = r->next)
		err = give_one(k, r->id, true);
	return err;
}

static enum err give_ids(struct walk *k, const char **ids)
{
	enum err err = ERR_OK;
	for (; ids && *ids && !err; ids++)
		err = give_one(k, *ids, false);
	return err;
}

/* The list grows while it is walked: a concept description refers to others. */
static enum err give_concepts(struct walk *k)
{
	enum err err = ERR_OK;
	for (struct id_item *i = k->wanted; i && !err; i = i->next)
		err = give_one(k, i->id, true);
	return err;
}

static enum err give_lists(struct walk *k)
{
	struct call *c = k->c;
	enum err err;
	k->kind = STORE_SHELL;
	if ((err = k->all ? give_all(k) : give_ids(k, c->aas_ids)))
		return err;
	k->kind = STORE_SUBMODEL;
	err = k->all ? give_all(k) : c->submodel_ids ? give_ids(k, c->submodel_ids) : give_referenced(k);
	k->kind = STORE_CONCEPT;
	return err || !c->with_cds ? err : k->all ? give_all(k) : give_concepts(k);
}

static enum err walk(struct call *c, bool trees, take_fn *take, void *to)
{
	struct walk k = { .c = c, .take = take, .to = to, .trees = trees, .all = !c->aas_ids && !c->submodel_ids, .live = BUF_INIT };
	k.tail = &k.wanted;
	k.arena = arena_new(0);
	k.item = arena_new(0);
	enum err err = k.arena && k.item ? give_lists(&k) : ERR_NO_MEMORY;
	for (int i = 0; i < STORE_N_KINDS; i++)
		map_fini(&k.ids[i]);
	buf_fini(&k.live);
	arena_free(k.item);
	arena_free(k.arena);
	return err;
}

/* -- where it goes ---------------------------------------------------------------------------------------------------------------------- */

struct out {
	struct call *c;
	struct scratch *file;		/* NULL: the reply's body has all of it */
};

static enum err spill(struct out *o, struct diag *d)
{
	struct buf *b = &o->c->reply.body;
	if (!(o->file = scratch_new(o->c->scratch_dir, INT64_MAX)))
		return ERR_NO_MEMORY;
	enum err err = scratch_write(o->file, b->p, b->n, d);
	buf_fini(b);
	buf_init(b, 0);
	return err;
}

static enum err out_write(void *ctx, const char *p, size_t n, struct diag *d)
{
	struct out *o = ctx;
	struct buf *b = &o->c->reply.body;
	enum err err = !o->file && b->n + n > BODY_MAX ? spill(o, d) : ERR_OK;
	if (err)
		return err;
	if (o->file)
		return scratch_write(o->file, p, n, d);
	buf_put(b, p, n);
	return b->failed ? ERR_NO_MEMORY : ERR_OK;
}

/* A text is shown, not saved: only its bytes come from the file. */
static enum err out_end(struct out *o, enum err err, const char *type)
{
	struct call *c = o->c;
	if (!err && o->file && !(err = scratch_end(o->file, &c->diag))) {
		const unsigned char *hash = scratch_hash(o->file);
		err = reply_content(c, type, "environment", scratch_take(o->file), hash);
		o->file = NULL;
		c->reply.disposition = NULL;
	}
	scratch_free(o->file);
	if (err)
		buf_reset(&c->reply.body);
	return err;
}

/* -- JSON ---------------------------------------------------------------------------------------------------------------------------------- */

struct json {
	struct out out;
	struct buf text;		/* what has not gone out */
	int open;			/* the kind of the list that is; -1: none yet */
};

static enum err json_send(struct json *j, struct diag *d)
{
	enum err err = j->text.failed ? ERR_NO_MEMORY : out_write(&j->out, j->text.p, j->text.n, d);
	buf_reset(&j->text);
	return err;
}

/* As it is stored.  Lists are never empty: absent then. */
static enum err json_take(void *to, enum store_kind kind, struct slice doc, struct aas_node *n)
{
	static const char *const name[STORE_N_KINDS] = {
		[STORE_SHELL] = "assetAdministrationShells", [STORE_SUBMODEL] = "submodels", [STORE_CONCEPT] = "conceptDescriptions",
	};
	struct json *j = to;
	(void)n;
	if (j->open == (int)kind)
		buf_putc(&j->text, ',');
	else
		buf_printf(&j->text, "%s\"%s\":[", j->open < 0 ? "" : "],", name[kind]);
	j->open = (int)kind;
	buf_slice(&j->text, doc);
	return j->text.failed || j->text.n >= TEXT_STEP ? json_send(j, &j->out.c->diag) : ERR_OK;
}

static enum err put_json(struct call *c, enum aasx_form spec, const char *type)
{
	struct json j = { .out = { .c = c }, .text = BUF_INIT, .open = -1 };
	(void)spec;
	buf_putc(&j.text, '{');
	enum err err = walk(c, false, json_take, &j);
	buf_puts(&j.text, j.open < 0 ? "}" : "]}");
	if (!err)
		err = json_send(&j, &c->diag);
	buf_fini(&j.text);
	return out_end(&j.out, err, type);
}

/* -- XML and packages ------------------------------------------------------------------------------------------------------------------ */

static enum err xml_take(void *to, enum store_kind kind, struct slice json, struct aas_node *n)
{
	(void)kind, (void)json;
	return aas_writer_add(to, n, NULL);
}

static enum err put_xml(struct call *c, enum aasx_form spec, const char *type)
{
	struct out out = { .c = c };
	struct aas_writer *w = aas_writer_new(AAS_FORMAT_XML, AAS_V3_1, true, (struct sink){ out_write, &out });
	(void)spec;
	enum err err = w ? walk(c, true, xml_take, w) : ERR_NO_MEMORY;
	if (!err)
		err = aas_writer_end(w, &c->diag);
	aas_writer_free(w);
	return out_end(&out, err, type);
}

struct taker {
	enum err (*take)(void *to, struct aas_node *, struct diag *);
	void *to;
	struct diag *d;
};

static enum err package_take(void *to, enum store_kind kind, struct slice json, struct aas_node *n)
{
	struct taker *t = to;
	(void)kind, (void)json;
	return t->take(t->to, n, t->d);
}

static enum err each(void *ctx, enum err (*take)(void *to, struct aas_node *, struct diag *), void *to, struct diag *d)
{
	return walk(ctx, true, package_take, &(struct taker){ take, to, d });
}

static enum err put_package(struct call *c, enum aasx_form spec, const char *type)
{
	struct scratch *s = scratch_new(c->scratch_dir, INT64_MAX);
	enum err err = s ? sm_export(c->session, (struct aasx_items){ each, c }, spec, scratch_sink(s)) : ERR_NO_MEMORY;
	if (!err)
		err = scratch_end(s, &c->diag);
	if (!err)
		return reply_content(c, type, "environment.aasx", scratch_take(s), scratch_hash(s));
	scratch_free(s);
	return err;
}

enum err op_serialize(struct call *c)
{
	static const struct {
		const char *type;
		enum err (*put)(struct call *, enum aasx_form, const char *type);
		enum aasx_form spec;
	} offer[] = {
		{ "application/json", put_json, 0 },	/* what is answered when anything is accepted */
		{ "application/xml", put_xml, 0 },
		{ "text/xml", put_xml, 0 },
		{ "application/asset-administration-shell-package+xml", put_package, AASX_XML },
		{ "application/asset-administration-shell-package+json", put_package, AASX_JSON },
		{ "application/asset-administration-shell-package", put_package, AASX_XML },
		{ "application/aas+zip", put_package, AASX_XML },	/* IDTA-01005 V3.2 */
		{ "application/aasx+xml", put_package, AASX_XML },	/* the text of IDTA-01002 */
	};
	const char *types[sizeof offer / sizeof *offer];
	size_t n = sizeof offer / sizeof *offer, i;
	for (i = 0; i < n; i++)
		types[i] = offer[i].type;
	if ((i = accept_choose(c->accept, types, n)) == n)
		return diag_add(&c->diag, ERR_NOT_ACCEPTABLE, "application/json, application/xml or an AASX package (%s) can be had", types[3]);
	enum err err = offer[i].put(c, offer[i].spec, offer[i].type);
	if (!err)
		c->reply.content_type = offer[i].type;
	return err;
}
