/* SPDX-License-Identifier: Apache-2.0
 * store_pg_put.c - writes of whole identifiables and descriptors: document, header, facts, element rows, and what was there before into history. */
#include <math.h>
#include <strings.h>

#include "aas/facts.h"
#include "aas/json.h"
#include "aas/rows.h"
#include "aas/store_past.h"
#include "base/clock.h"
#include "sql/store_pg_priv.h"

/* -- what the columns of the three tables show -------------------------------------------------------------------------------- */
static enum err shell_columns(struct arena *a, const struct aas_node *n, struct pg_columns *c)
{
	(void)a;
	const struct aas_node *info = AAS_AT(n, AssetAdministrationShell, assetInformation).node;
	if (info) {
		c->own[0] = aas_enum_text(AAS_ENUM_AssetKind, AAS_AT(info, AssetInformation, assetKind));
		c->own[1] = AAS_AT(info, AssetInformation, globalAssetId).str;
		c->own[2] = AAS_AT(info, AssetInformation, assetType).str;
	}
	return ERR_OK;
}

static enum err submodel_columns(struct arena *a, const struct aas_node *n, struct pg_columns *c)
{
	const struct aas_node *admin = AAS_AT(n, Submodel, administration).node;
	struct aas_node *head = aas_node_new(a, AAS_Submodel);
	if (!head)
		return ERR_NO_MEMORY;
	memcpy(head->slot, n->slot, n->cls->n * sizeof *n->slot);
	AAS_AT(head, Submodel, submodelElements).node = NULL;
	aas_json_write(&c->header, head);
	c->own[0] = aas_enum_text(AAS_ENUM_ModellingKind, AAS_AT(n, Submodel, kind));
	c->own[1] = aas_reference_text(a, AAS_AT(n, Submodel, semanticId).node);
	c->own[2] = admin ? AAS_AT(admin, AdministrativeInformation, templateId).str : NULL;
	return c->header.failed ? ERR_NO_MEMORY : ERR_OK;
}

static enum err concept_columns(struct arena *a, const struct aas_node *n, struct pg_columns *c)
{
	(void)a;
	const struct aas_node *d = NULL;
	for (const struct aas_node *s = AAS_AT(n, ConceptDescription, embeddedDataSpecifications).node; s && !d; s = s->next)
		d = AAS_AT(s, EmbeddedDataSpecification, dataSpecificationContent).node;
	if (!d || !aas_is(d, AAS_DataSpecificationIec61360))
		return ERR_OK;
	const struct aas_node *name = AAS_AT(d, DataSpecificationIec61360, preferredName).node, *best = name;
	for (; name; name = name->next)
		if (!strncasecmp(AAS_AT(name, LangStringPreferredNameTypeIec61360, language).str, "en", 2)) {
			best = name;
			break;
		}
	c->own[0] = best ? AAS_AT(best, LangStringPreferredNameTypeIec61360, text).str : NULL;
	c->own[1] = AAS_AT(d, DataSpecificationIec61360, unit).str;
	c->own[2] = aas_enum_text(AAS_ENUM_DataTypeIec61360, AAS_AT(d, DataSpecificationIec61360, dataType));
	return ERR_OK;
}

static enum err shell_descriptor_columns(struct arena *a, const struct aas_node *n, struct pg_columns *c)
{
	(void)a;
	c->own[0] = aas_enum_text(AAS_ENUM_AssetKind, AAS_AT(n, AssetAdministrationShellDescriptor, assetKind));
	c->own[1] = AAS_AT(n, AssetAdministrationShellDescriptor, globalAssetId).str;
	c->own[2] = AAS_AT(n, AssetAdministrationShellDescriptor, assetType).str;
	return ERR_OK;
}

static enum err submodel_descriptor_columns(struct arena *a, const struct aas_node *n, struct pg_columns *c)
{
	const struct aas_node *endpoint = AAS_AT(n, SubmodelDescriptor, endpoints).node;
	c->own[0] = aas_reference_text(a, AAS_AT(n, SubmodelDescriptor, semanticId).node);
	if (endpoint) {
		c->own[1] = AAS_AT(endpoint, Endpoint, interface).str;
		c->own[2] = AAS_AT(AAS_AT(endpoint, Endpoint, protocolInformation).node, ProtocolInformation, href).str;
	}
	return ERR_OK;
}

static enum err asset_links_columns(struct arena *a, const struct aas_node *n, struct pg_columns *c)
{
	const char *names = NULL, *values = NULL;
	for (const struct aas_node *s = AAS_AT(n, AssetAdministrationShellDescriptor, specificAssetIds).node; s; s = s->next) {
		const char *name = AAS_AT(s, SpecificAssetId, name).str, *value = AAS_AT(s, SpecificAssetId, value).str;
		if (!strcmp(name, "globalAssetId"))
			c->own[0] = value;
		names = names ? arena_printf(a, "%s\n%s", names, name) : name;
		values = values ? arena_printf(a, "%s\n%s", values, value) : value;
	}
	c->own[1] = names;
	c->own[2] = values;
	return arena_failed(a) ? ERR_NO_MEMORY : ERR_OK;
}

static enum err (*const columns_of[STORE_N_KINDS])(struct arena *, const struct aas_node *, struct pg_columns *) = {
	[STORE_SHELL] = shell_columns, [STORE_SUBMODEL] = submodel_columns, [STORE_CONCEPT] = concept_columns,
	[STORE_SHELL_DESCRIPTOR] = shell_descriptor_columns, [STORE_SUBMODEL_DESCRIPTOR] = submodel_descriptor_columns,
	[STORE_ASSET_LINKS] = asset_links_columns,
};

enum err store_pg_columns(struct arena *a, enum store_kind kind, const struct aas_node *n, struct pg_columns *out)
{
	return columns_of[kind](a, n, out);
}

/* -- what is there now ---------------------------------------------------------------------------------------------------------- */
struct now {
	bool exists;
	int64_t version;		/* when it does not: the one at which it was deleted, 0 when it never was */
	struct slice before;		/* the document, when the one in the row is behind; else p NULL */
};

/* Locks the row first: what the later statements read cannot change any more. */
static enum err look(struct store_txn *t, enum store_kind kind, const char *id, struct arena *a, struct now *now)
{
	struct pg_args args, kind_args;
	struct pg_call c[3] = { { .st = pg_kinds[kind].lock, .args = &args }, { .st = pg_kinds[kind].get, .args = &args },
				{ .st = PG_last_version, .args = &kind_args } };
	struct store_doc doc;
	*now = (struct now){ 0 };
	pg_args_init(&args);
	pg_args_init(&kind_args);
	pg_arg_text(&args, id);
	pg_arg_text(&kind_args, id);
	pg_arg_int2(&kind_args, (int16_t)kind);
	enum err e = t->write ? store_pg_run(t, c, 3) : ERR_INTERNAL;
	if (!e) {
		now->exists = c[0].n > 0;
		now->version = now->exists ? pg_int8(&c[0], 0, 0) : pg_int8(&c[2], 0, 0);
	}
	if (!e && c[1].n && store_pg_behind(&c[1], 0) && !(e = store_pg_document(&c[1], 0, kind, a, &doc)))
		now->before = doc.json;
	pg_clear(c, 3);
	pg_args_fini(&args);
	pg_args_fini(&kind_args);
	return e;
}

/* -- writing: one round trip of these steps ------------------------------------------------------------------------------------ */
#define STEPS_MAX 8
struct write {
	struct pg_call call[STEPS_MAX];
	struct pg_args args[STEPS_MAX];
	unsigned n;
};

static struct pg_args *step(struct write *w, enum pg_statement st, const char *id)
{
	struct pg_args *a = &w->args[w->n];
	pg_args_init(a);
	pg_arg_text(a, id);
	w->call[w->n++] = (struct pg_call){ .st = st, .args = a };
	return a;
}

static enum err write_all(struct store_txn *t, struct write *w)
{
	enum err e = store_pg_run(t, w->call, w->n);
	pg_clear(w->call, w->n);
	for (unsigned i = 0; i < w->n; i++)
		pg_args_fini(&w->args[i]);
	return e;
}

static void step_past(struct write *w, const struct store_cause *cause, enum store_kind kind, const char *id, const struct now *now, int64_t version,
		      const char *operation)
{
	struct pg_args *a = step(w, now->exists ? pg_kinds[kind].past : PG_created, id);
	pg_arg_int2(a, (int16_t)kind);
	pg_arg_int8(a, version);
	store_pg_cause_args(a, cause);
	if (!now->exists)
		return;
	bool part = cause->path && !strcmp(operation, "replace");
	pg_arg_text(a, operation);
	pg_arg_text(a, part ? cause->path : NULL);
	pg_arg_text(a, part ? store_operation_name[cause->part] : NULL);
	if (now->before.p)
		pg_arg_bytes(a, now->before);
	else
		pg_arg_text(a, NULL);
}

static enum err step_document(struct write *w, struct arena *a, enum store_kind kind, const struct aas_node *n, const struct now *now,
			      int64_t version, struct pg_columns *c, struct buf *doc)
{
	enum err e = store_pg_columns(a, kind, n, c);
	aas_json_write(doc, n);
	if (e || doc->failed)
		return e ? e : ERR_NO_MEMORY;
	struct pg_args *args = step(w, now->exists ? pg_kinds[kind].update : pg_kinds[kind].insert, AAS_ID(n));
	pg_arg_text(args, AAS_ID_SHORT(n));
	pg_arg_int8(args, version);
	for (int i = 0; i < 3; i++)
		pg_arg_text(args, c->own[i]);
	if (c->header.n)
		pg_arg_bytes(args, buf_view(&c->header));
	else
		pg_arg_text(args, NULL);
	pg_arg_bytes(args, buf_view(doc));
	return ERR_OK;
}

void store_pg_facts_args(struct pg_args *args, const struct aas_fact *f, size_t n)
{
	struct buf *fields = pg_arg_array(args, PG_INT2), *names = pg_arg_array(args, PG_TEXT), *values = pg_arg_array(args, PG_TEXT);
	for (size_t i = 0; i < n; i++) {
		pg_item_int2(fields, (int16_t)f[i].field);
		pg_item_text(names, f[i].name);
		pg_item_text(values, f[i].value);
	}
}

static enum err step_facts(struct write *w, struct arena *a, enum store_kind kind, const struct aas_node *n, const struct now *now)
{
	struct aas_fact *f;
	size_t n_facts;
	enum err e = aas_facts(a, n, &f, &n_facts);
	if (e)
		return e;
	if (now->exists)
		pg_arg_int2(step(w, PG_facts_clear, AAS_ID(n)), (int16_t)kind);
	if (!n_facts)
		return ERR_OK;
	struct pg_args *args = step(w, PG_facts_insert, AAS_ID(n));
	pg_arg_int2(args, (int16_t)kind);
	store_pg_facts_args(args, f, n_facts);
	return ERR_OK;
}

void store_pg_rows_args(struct pg_args *args, const struct aas_row *row, size_t n)
{
	static const enum pg_type types[] = { PG_INT4, PG_TEXT, PG_TEXT, PG_INT2, PG_BOOL, PG_TEXT, PG_TEXT, PG_FLOAT8, PG_TIMESTAMPTZ,
					      PG_TEXT, PG_TEXT };
	struct buf *b[sizeof types / sizeof *types];
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		b[i] = pg_arg_array(args, types[i]);
	for (const struct aas_row *r = row; r < row + n; r++) {
		pg_item_int4(b[0], (int32_t)r->position);
		pg_item_text(b[1], r->cls);
		pg_item_text(b[2], r->value_type);
		pg_item_int2(b[3], (int16_t)r->group);
		if (r->typed.boolean < 0)
			pg_item_null(b[4]);
		else
			pg_item_bool(b[4], r->typed.boolean);
		pg_item_text(b[5], r->semantic_id);
		pg_item_text(b[6], r->unit);
		pg_item_num(b[7], r->typed.num);
		pg_item_time(b[8], r->typed.ts_us);
		pg_item_text(b[9], r->path);
		pg_item_text(b[10], r->value);
	}
}

static enum err step_rows(struct write *w, struct arena *a, const struct aas_node *n, const struct now *now, int64_t version)
{
	struct aas_row *row;
	size_t n_rows;
	enum err e = aas_rows(a, n, &row, &n_rows);
	if (e)
		return e;
	if (now->exists) {
		struct buf *paths = pg_arg_array(step(w, PG_rows_drop, AAS_ID(n)), PG_TEXT);
		for (size_t i = 0; i < n_rows; i++)
			pg_item_text(paths, row[i].path);
	}
	if (!n_rows)
		return ERR_OK;
	struct pg_args *terms = &w->args[w->n];
	pg_args_init(terms);
	struct buf *texts = pg_arg_array(terms, PG_TEXT);
	for (size_t i = 0; i < n_rows; i++)
		if (row[i].semantic_id)
			pg_item_text(texts, row[i].semantic_id);
	w->call[w->n++] = (struct pg_call){ .st = PG_terms_insert, .args = terms };
	struct pg_args *rows = step(w, PG_rows_put, AAS_ID(n));
	pg_arg_int8(rows, version);
	store_pg_rows_args(rows, row, n_rows);
	return ERR_OK;
}

static enum err write_identifiable(struct store_txn *t, struct arena *a, enum store_kind kind, const struct aas_node *n, const struct now *now,
				   int64_t version)
{
	struct write w = { .n = 0 };
	struct pg_columns c = { .header = BUF_INIT };
	struct buf doc = BUF_INIT;
	step_past(&w, &t->cause, kind, AAS_ID(n), now, version, "replace");
	enum err e = step_document(&w, a, kind, n, now, version, &c, &doc);
	if (!e)
		e = step_facts(&w, a, kind, n, now);
	if (!e && kind == STORE_SUBMODEL)
		e = step_rows(&w, a, n, now, version);
	if (!e) {
		e = write_all(t, &w);
	} else {
		for (unsigned i = 0; i < w.n; i++)
			pg_args_fini(&w.args[i]);
	}
	buf_fini(&c.header);
	buf_fini(&doc);
	return e;
}

enum err store_pg_put(struct store_txn *t, enum store_kind kind, const struct aas_node *n, enum store_put how, int64_t expect, bool *created,
		      int64_t *version)
{
	struct arena *a = arena_new(0);
	struct now now;
	enum err e = a ? look(t, kind, AAS_ID(n), a, &now) : ERR_NO_MEMORY;
	if (e)
		goto out;
	if (now.exists && !(how & STORE_REPLACE))
		e = ERR_CONFLICT;
	else if (!now.exists && !(how & STORE_CREATE))
		e = ERR_NOT_FOUND;
	else if (expect && (!now.exists || now.version != expect))
		e = ERR_PRECONDITION;
	else
		e = write_identifiable(t, a, kind, n, &now, now.version + 1);
	if (e == ERR_CONFLICT && (how & STORE_REPLACE))
		e = ERR_AGAIN;		/* somebody made it since we looked: there is something to replace now */
	if (!e) {
		*created = !now.exists;
		*version = now.version + 1;
		store_pg_touch(t, kind, AAS_ID(n), *version);
	}
out:
	arena_free(a);
	return store_pg_noted(t, e);
}

enum err store_pg_del(struct store_txn *t, enum store_kind kind, const char *id)
{
	struct arena *a = arena_new(0);
	struct write w = { .n = 0 };
	struct now now;
	enum err e = a ? look(t, kind, id, a, &now) : ERR_NO_MEMORY;
	if (!e && !now.exists)
		e = ERR_NOT_FOUND;
	if (!e) {
		step_past(&w, &t->cause, kind, id, &now, now.version + 1, "delete");
		pg_arg_int2(step(&w, PG_facts_clear, id), (int16_t)kind);
		if (kind == STORE_SUBMODEL)
			step(&w, PG_rows_clear, id);
		step(&w, pg_kinds[kind].remove, id);
		e = write_all(t, &w);
	}
	if (!e)
		store_pg_touch(t, kind, id, now.version + 1);
	arena_free(a);
	return store_pg_noted(t, e);
}
