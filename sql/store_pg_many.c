/* SPDX-License-Identifier: Apache-2.0
 * store_pg_many.c - many identifiables at once.
 *
 * One look tells of a portion which are there.  Those that are not are gathered, and go to their tables together: documents and element rows by
 * binary COPY, facts and history by one statement each, for these have columns that only the database knows.  Those that are there go the
 * ordinary way, after what was gathered: everything is recorded in the order in which it came.
 */
#include <stdlib.h>

#include "aas/facts.h"
#include "aas/json.h"
#include "aas/rows.h"
#include "base/clock.h"
#include "base/map.h"
#include "sql/store_pg_priv.h"

#define FEW 4				/* fewer go the ordinary way, in fewer round trips */
#define PORTION 256			/* identifiables that are looked for together */
#define GATHER_MAX ((size_t)8 << 20)	/* bytes of documents that are gathered */

#define COLUMNS(table, own) "COPY twinshell." table " (key, id, id_short, version, doc_version, created_at, updated_at, " own ", header, doc)" \
	" FROM STDIN (FORMAT binary)"
static const char *const copy_documents[STORE_N_KINDS] = {
	[STORE_SHELL] = COLUMNS("shell", "asset_kind, global_asset_id, asset_type"),
	[STORE_SUBMODEL] = COLUMNS("submodel", "modelling_kind, semantic_id, template_id"),
	[STORE_CONCEPT] = COLUMNS("concept_description", "preferred_name, unit, data_type"),
	[STORE_SHELL_DESCRIPTOR] = COLUMNS("shell_descriptor", "asset_kind, global_asset_id, asset_type"),
	[STORE_SUBMODEL_DESCRIPTOR] = COLUMNS("submodel_descriptor", "semantic_id, interface, href"),
	[STORE_ASSET_LINKS] = COLUMNS("asset_links", "global_asset_id, asset_id_names, asset_id_values"),
};
#define DOCUMENT_FIELDS 12
#define COPY_ELEMENTS "COPY twinshell.element (submodel, version, semantic, num, ts, position, value_group, bool, class, value_type, unit, path," \
	" value, found_key, found_num) FROM STDIN (FORMAT binary)"
#define ELEMENT_FIELDS 15

/* What the look told. */
struct seen {
	int64_t key, version;		/* of what is there, or at which it stopped; 0: it never was */
	bool exists;
};

struct fresh {
	const char *id;
	int64_t key, version;
	struct aas_fact *fact;
	size_t n_facts;
	struct aas_row *row;
	size_t n_rows;
};

struct many {
	struct store_txn *t;
	enum store_kind kind;
	struct arena *arena;		/* of what is gathered */
	struct seen seen[PORTION];
	int64_t now_us;			/* the database's clock at the look */
	struct map ids;			/* of the portion: those that were put already */
	struct fresh fresh[PORTION];
	size_t n;
	struct buf documents, document;	/* the rows; one text */
	struct map terms;		/* text -> struct term of what is gathered */
	struct term *first, **tail;
};

struct term {
	const char *text;
	int64_t key;
	struct term *next;
};

/* -- the look --------------------------------------------------------------------------------------------------------------------- */
static enum err look(struct many *m, const struct aas_node *const *node, size_t n)
{
	struct pg_args args;
	struct pg_call c = { .st = pg_kinds[m->kind].there, .args = &args };
	pg_args_init(&args);
	struct buf *ids = pg_arg_array(&args, PG_TEXT);
	for (size_t i = 0; i < n; i++)
		pg_item_text(ids, AAS_ID(node[i]));
	pg_arg_int2(&args, (int16_t)m->kind);
	enum err e = store_pg_run(m->t, &c, 1);
	if (!e && (size_t)c.n != n)
		e = ERR_INTERNAL;
	for (int i = 0; !e && i < c.n; i++) {
		int64_t version = pg_int8(&c, i, 1), deleted = pg_null(&c, i, 3) ? 0 : pg_int8(&c, i, 3);
		bool exists = pg_bool(&c, i, 2);
		m->seen[i] = (struct seen){ pg_int8(&c, i, 0), exists || version > deleted ? version : deleted, exists };
		m->now_us = pg_time(&c, i, 4);
	}
	pg_clear(&c, 1);
	pg_args_fini(&args);
	map_fini(&m->ids);
	return e;
}

/* -- gathering -------------------------------------------------------------------------------------------------------------------- */
static enum err note_terms(struct many *m, const struct fresh *f)
{
	for (size_t i = 0; i < f->n_rows; i++) {
		const char *text = f->row[i].semantic_id;
		size_t n = text ? strlen(text) : 0;
		if (!text || map_get(&m->terms, text, n))
			continue;
		struct term *t = ARENA_NEW(m->arena, struct term);
		if (!t || !map_put(&m->terms, text, n, t, NULL))
			return ERR_NO_MEMORY;
		t->text = text;
		*m->tail = t;
		m->tail = &t->next;
	}
	return ERR_OK;
}

static enum err put_document(struct many *m, const struct aas_node *n, const struct fresh *f)
{
	struct pg_columns c = { .header = BUF_INIT };
	struct buf *b = &m->documents;
	enum err e = store_pg_columns(m->arena, m->kind, n, &c);
	buf_reset(&m->document);
	aas_json_write(&m->document, n);
	pg_copy_row(b, DOCUMENT_FIELDS);
	pg_item_int8(b, f->key);
	pg_item_text(b, f->id);
	pg_item_text(b, AAS_ID_SHORT(n));
	pg_item_int8(b, f->version);
	pg_item_int8(b, f->version);
	pg_item_time(b, m->now_us);
	pg_item_time(b, m->now_us);
	for (int i = 0; i < 3; i++)
		pg_item_text(b, c.own[i]);
	if (c.header.n)
		pg_item_slice(b, buf_view(&c.header));
	else
		pg_item_null(b);
	pg_item_slice(b, buf_view(&m->document));
	buf_fini(&c.header);
	return e ? e : b->failed || m->document.failed ? ERR_NO_MEMORY : ERR_OK;
}

static enum err gather(struct many *m, const struct aas_node *n, const struct seen *s)
{
	struct fresh *f = &m->fresh[m->n];
	*f = (struct fresh){ .id = AAS_ID(n), .key = s->key, .version = s->version + 1 };
	enum err e = aas_facts(m->arena, n, &f->fact, &f->n_facts);
	if (!e && m->kind == STORE_SUBMODEL && !(e = aas_rows(m->arena, n, &f->row, &f->n_rows)))
		e = note_terms(m, f);
	if (!e)
		e = put_document(m, n, f);
	m->n++;
	return e;
}

/* -- writing what was gathered ----------------------------------------------------------------------------------------------------- */
static void past_args(struct pg_args *args, const struct many *m)
{
	pg_arg_int2(args, (int16_t)m->kind);
	store_pg_cause_args(args, &m->t->cause);
	struct buf *keys = pg_arg_array(args, PG_INT8), *versions = pg_arg_array(args, PG_INT8), *ids = pg_arg_array(args, PG_TEXT);
	for (const struct fresh *f = m->fresh; f < m->fresh + m->n; f++) {
		pg_item_int8(keys, f->key);
		pg_item_int8(versions, f->version);
		pg_item_text(ids, f->id);
	}
}

static void facts_args(struct pg_args *args, const struct many *m)
{
	pg_arg_int2(args, (int16_t)m->kind);
	struct buf *keys = pg_arg_array(args, PG_INT8), *ids = pg_arg_array(args, PG_TEXT), *fields = pg_arg_array(args, PG_INT2);
	struct buf *names = pg_arg_array(args, PG_TEXT), *values = pg_arg_array(args, PG_TEXT);
	for (const struct fresh *f = m->fresh; f < m->fresh + m->n; f++)
		for (size_t i = 0; i < f->n_facts; i++) {
			pg_item_int8(keys, f->key);
			pg_item_text(ids, f->id);
			pg_item_int2(fields, (int16_t)f->fact[i].field);
			pg_item_text(names, f->fact[i].name);
			pg_item_text(values, f->fact[i].value);
		}
}

/* History, facts, new terms, and the keys of all terms: one round trip. */
static enum err write_rest(struct many *m)
{
	enum { PAST, FACTS, TERMS, KEYS, N };
	struct pg_args args[N];
	struct pg_call c[N] = { { .st = PG_created_many, .args = &args[PAST] }, { .st = PG_facts_many, .args = &args[FACTS] },
				{ .st = PG_terms_insert, .args = &args[TERMS] }, { .st = PG_term_keys, .args = &args[TERMS] } };
	struct term *t = m->first;
	for (int i = 0; i < N; i++)
		pg_args_init(&args[i]);
	past_args(&args[PAST], m);
	facts_args(&args[FACTS], m);
	struct buf *texts = pg_arg_array(&args[TERMS], PG_TEXT);
	for (; t; t = t->next)
		pg_item_text(texts, t->text);
	enum err e = store_pg_run(m->t, c, m->first ? N : TERMS);
	t = m->first;
	for (int i = 0; !e && t && i < c[KEYS].n; i++, t = t->next)
		t->key = pg_int8(&c[KEYS], i, 0);
	pg_clear(c, N);
	for (int i = 0; i < N; i++)
		pg_args_fini(&args[i]);
	return e ? e : t ? ERR_INTERNAL : ERR_OK;
}

static void found_fields(struct buf *b, const struct aas_row *r)
{
	double num;
	uint64_t bits;
	if (r->value)
		pg_item_int8(b, store_pg_key_of(r->value, strlen(r->value)));
	else
		pg_item_null(b);
	if (store_pg_number_of(r->cls, (int)r->group, r->typed.num, r->value, &num)) {
		memcpy(&bits, &num, sizeof bits);
		pg_item_bits(b, bits);
	} else {
		pg_item_null(b);
	}
}

static void element_row(struct buf *b, const struct many *m, const struct fresh *f, const struct aas_row *r)
{
	const struct term *t = r->semantic_id ? map_get(&m->terms, r->semantic_id, strlen(r->semantic_id)) : NULL;
	pg_copy_row(b, ELEMENT_FIELDS);
	pg_item_int8(b, f->key);
	pg_item_int8(b, f->version);
	if (t)
		pg_item_int8(b, t->key);
	else
		pg_item_null(b);
	pg_item_num(b, r->typed.num);
	pg_item_time(b, r->typed.ts_us);
	pg_item_int4(b, (int32_t)r->position);
	pg_item_int2(b, (int16_t)r->group);
	if (r->typed.boolean < 0)
		pg_item_null(b);
	else
		pg_item_bool(b, r->typed.boolean);
	pg_item_text(b, r->cls);
	pg_item_text(b, r->value_type);
	pg_item_text(b, r->unit);
	pg_item_text(b, r->path);
	pg_item_text(b, r->value);
	found_fields(b, r);
}

/* The buffer of the documents has been sent, and serves again. */
static enum err copy_elements(struct many *m)
{
	struct buf *b = &m->documents;
	buf_reset(b);
	for (const struct fresh *f = m->fresh; f < m->fresh + m->n; f++)
		for (size_t i = 0; i < f->n_rows; i++)
			element_row(b, m, f, &f->row[i]);
	return b->failed ? ERR_NO_MEMORY : b->n ? pg_copy(m->t->pg, COPY_ELEMENTS, buf_view(b)) : ERR_OK;
}

static void empty(struct many *m)
{
	map_fini(&m->terms);
	m->first = NULL;
	m->tail = &m->first;
	buf_reset(&m->documents);
	arena_reset(m->arena);
	m->n = 0;
}

static enum err flush(struct many *m)
{
	enum err e = ERR_OK;
	if (!m->n)
		return ERR_OK;
	if (!(e = write_rest(m)) && !(e = pg_copy(m->t->pg, copy_documents[m->kind], buf_view(&m->documents))))
		e = copy_elements(m);
	empty(m);
	return e == ERR_CONFLICT ? ERR_AGAIN : e;	/* somebody made it since we looked */
}

/* -- one portion ------------------------------------------------------------------------------------------------------------------- */
static enum err one(struct many *m, const struct aas_node *n, const struct seen *s, enum store_put how, bool *created, int64_t *version)
{
	void *again = NULL;
	enum err e;
	if (!map_put(&m->ids, AAS_ID(n), strlen(AAS_ID(n)), m, &again))
		return ERR_NO_MEMORY;
	if (again || s->exists || s->key != store_pg_key_of(AAS_ID(n), strlen(AAS_ID(n))))	/* the last: we do not hash as this server does */
		return (e = flush(m)) ? e : store_pg_put(m->t, m->kind, n, how, 0, created, version);
	if (!(how & STORE_CREATE))
		return ERR_NOT_FOUND;
	*created = true;
	*version = s->version + 1;
	store_pg_touch(m->t, m->kind, AAS_ID(n), *version);
	return gather(m, n, s);
}

static enum err portion(struct many *m, const struct aas_node *const *node, size_t n, enum store_put how, bool *created, int64_t *version, size_t *at)
{
	enum err e = look(m, node, n);
	for (*at = 0; !e && *at < n; ++*at) {
		if ((e = one(m, node[*at], &m->seen[*at], how, &created[*at], &version[*at])))
			return e;
		if (m->documents.n > GATHER_MAX)
			e = flush(m);
	}
	*at = n;
	return e ? e : flush(m);
}

static enum err few(struct store_txn *t, enum store_kind kind, const struct aas_node *const *node, size_t n, enum store_put how, bool *created,
		    int64_t *version, size_t *at)
{
	enum err e = ERR_OK;
	for (*at = 0; *at < n && !e; ++*at)
		e = store_pg_put(t, kind, node[*at], how, 0, &created[*at], &version[*at]);
	*at -= e != ERR_OK;
	t->failed |= e != ERR_OK;
	return e;
}

enum err store_pg_put_many(struct store_txn *t, enum store_kind kind, const struct aas_node *const *node, size_t n, enum store_put how, bool *created,
			   int64_t *version, size_t *at)
{
	if (n < FEW)
		return few(t, kind, node, n, how, created, version, at);
	struct many *m = t->write ? calloc(1, sizeof *m) : NULL;
	enum err e = m && (m->arena = arena_new(0)) ? ERR_OK : t->write ? ERR_NO_MEMORY : ERR_INTERNAL;
	*at = n;
	if (m) {
		m->t = t;
		m->kind = kind;
		buf_init(&m->documents, 0);
		buf_init(&m->document, 0);
		m->tail = &m->first;
	}
	for (size_t i = 0, k; !e && i < n; i += PORTION) {
		k = n - i < PORTION ? n - i : PORTION;
		size_t fault = k;
		e = portion(m, node + i, k, how, created + i, version + i, &fault);
		*at = e && fault < k ? i + fault : n;
	}
	if (m) {
		map_fini(&m->ids);
		map_fini(&m->terms);
		buf_fini(&m->documents);
		buf_fini(&m->document);
		arena_free(m->arena);
		free(m);
	}
	t->failed |= e != ERR_OK;
	return e;
}
