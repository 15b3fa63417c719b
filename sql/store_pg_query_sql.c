/* SPDX-License-Identifier: Apache-2.0
 * store_pg_query_sql.c - a query as SQL: which identifiables can be part of the answer?
 *
 * Every expression becomes a condition that holds at least wherever the expression holds ("exact": nowhere else).  What SQL cannot say, or
 * only without an index, is ALL: it disappears from an AND, and swallows an OR.  What is negated must be exact, else it is ALL too.
 * The evaluator decides about what is left (store_pg_query.c).
 *
 * A descriptor is a shell or submodel with an entry laid over it (submodels/registry.h): both have the same key, and where one attribute comes from
 * is not known here.  So a comparison holds at most where it holds for one of the two, and nothing but the id is exact.
 *
 * No text of the client is part of the SQL: texts, numbers and times are items of three arrays, $3, $4 and $5. */
#include "aas/query.h"
#include "base/clock.h"
#include "sql/store_pg_priv.h"

#define LEAVES_MAX 32	/* comparisons that are written as SQL; further ones are ALL, so that planning stays short */

#define DRIVERS_MAX 4	/* sets of a conjunction that are counted; further ones are tested */

/* ROW: a condition on `s`, the row of the identifiable, true or false but never NULL.  SET: a SELECT of keys, and `row` says the same as a condition
 * that is looked up by s.key alone: how often a value occurs does not matter there.  The answer lies in each of the drivers. */
struct part {
	enum { ALL, ROW, SET } kind;
	const char *sql, *row;
	bool exact;
	unsigned n_drivers;
	const char *driver[DRIVERS_MAX];
};

struct writer {
	struct arena *arena;
	enum store_kind kind;		/* whose row `s` is */
	struct buf *texts, *nums, *times;
	unsigned n_texts, n_nums, n_times, leaves, lead;
	bool failed;
};

static const struct part all = { .kind = ALL };

static struct part part(struct writer *w, int kind, const char *sql, bool exact)
{
	w->failed |= !sql;
	return (struct part){ kind, sql, kind == ROW ? sql : NULL, exact, kind == SET, { sql } };
}

#define SQL(w, ...) arena_printf((w)->arena, __VA_ARGS__)

/* The same question in both forms. */
struct both {
	const char *set, *row;
};

static struct part set(struct writer *w, struct both b, bool exact)
{
	struct part p = part(w, SET, b.set, exact);
	p.row = b.row;
	w->failed |= !b.row;
	return p;
}

/* LIMIT: it is looked into for one row of `s`, and never joined as a whole. */
static const char *exists(struct writer *w, const char *from)
{
	w->failed |= !from;
	return SQL(w, "EXISTS (SELECT FROM (SELECT FROM %s LIMIT 1) AS r)", from ? from : "");
}

static struct both either(struct writer *w, struct both a, struct both b)
{
	return (struct both){ SQL(w, "%s UNION ALL %s", a.set, b.set), SQL(w, "(%s OR %s)", a.row, b.row) };
}

static const char *text(struct writer *w, struct slice s)
{
	pg_item_slice(w->texts, (struct slice){ s.p ? s.p : "", s.n });
	return SQL(w, "($3::text[])[%u]", ++w->n_texts);
}

static const char *as_set(struct writer *w, struct part p)
{
	if (p.kind == ROW && p.n_drivers)
		return SQL(w, "SELECT s.key FROM twinshell.%s s WHERE s.key IN (%s) AND %s", pg_kinds[w->kind].table, p.driver[0], p.sql);
	return p.kind == SET ? p.sql : SQL(w, "SELECT s.key FROM twinshell.%s s WHERE %s", pg_kinds[w->kind].table, p.sql);
}

/* -- a comparison, with the field on the left ------------------------------------------------------------------------------------------- */
struct leaf {
	const struct query_field *field;
	enum query_op op;
	const struct query_datum *value;	/* of the other side; NULL: not a constant, or of another type than the field is cast to */
};

static enum query_op mirrored(enum query_op op)
{
	static const enum query_op of[] = { [QUERY_GT] = QUERY_LT, [QUERY_GE] = QUERY_LE, [QUERY_LT] = QUERY_GT, [QUERY_LE] = QUERY_GE };
	return op >= QUERY_GT && op <= QUERY_LE ? of[op] : op;
}

static const struct query_field *field_of(const struct query_operand *o)
{
	while (o->arg)
		o = o->arg;
	return o->kind == QUERY_FIELD ? o->field : NULL;
}

/* False: it is about two fields, or looks for a field in a text. */
static bool read_leaf(const struct query_expr *x, struct leaf *l)
{
	const struct query_operand *a = x->side[0], *b = x->side[1];
	bool swap = !field_of(a);
	if ((field_of(a) && field_of(b)) || (swap && x->op >= QUERY_CONTAINS))
		return false;
	const struct query_operand *f = swap ? b : a, *c = swap ? a : b;
	bool direct = f->kind == QUERY_FIELD || (f->kind == QUERY_CAST && f->arg->kind == QUERY_FIELD);
	bool same = direct && (f->kind == QUERY_FIELD || f->type == c->type);
	*l = (struct leaf){ field_of(f), swap ? mirrored(x->op) : x->op, same ? &c->constant : NULL };
	return true;
}

static bool is_text(const struct leaf *l)
{
	return l->value && l->value->type == QUERY_STR;
}

static bool is_equal(const struct leaf *l)
{
	return is_text(l) && l->op == QUERY_EQ;
}

/* column OP text, where both are texts compared by code points; NULL: not in SQL */
static const char *compare_text(struct writer *w, const char *column, const struct leaf *l)
{
	static const char *const form[] = {
		[QUERY_EQ] = "%s = %s", [QUERY_NE] = "%s <> %s", [QUERY_GT] = "%s > %s", [QUERY_GE] = "%s >= %s", [QUERY_LT] = "%s < %s",
		[QUERY_LE] = "%s <= %s", [QUERY_CONTAINS] = "strpos(%s, %s) > 0", [QUERY_STARTS] = "starts_with(%s, %s)",
	};
	if (!is_text(l) || l->op == QUERY_REGEX)
		return NULL;
	const char *value = text(w, l->value->text);
	if (l->op == QUERY_ENDS)
		return SQL(w, "\"right\"(%s, length(%s)) = %s", column, value, value);
	return SQL(w, form[l->op], column, value);
}

/* -- facts ------------------------------------------------------------------------------------------------------------------------------ */
/* The kind of what lives here; of any other kind itself. */
static enum store_kind under(enum store_kind kind)
{
	return kind == STORE_SHELL_DESCRIPTOR ? STORE_SHELL : kind == STORE_SUBMODEL_DESCRIPTOR ? STORE_SUBMODEL : kind;
}

static bool is_descriptor(const struct writer *w)
{
	return under(w->kind) != w->kind;
}

/* Which lookup rows tell of it; `column` is the kind of a row. */
static const char *kinds(struct writer *w, enum store_kind kind, const char *column)
{
	return is_descriptor(w) ? SQL(w, "%s IN (%d, %d)", column, (int)under(w->kind), (int)w->kind) : SQL(w, "%s = %d", column, (int)kind);
}

/* Rows that `by`, which has an index, finds, and `test`, which leaves none of the others over.  Of one identifiable they are found by its key: the
 * kind is written so that no index beginning with it fits. */
static struct both lookup(struct writer *w, enum store_kind kind, const char *by, const char *test)
{
	const char *own = kinds(w, kind, "l.kind"), *of_one = kinds(w, kind, "l.kind + 0");
	w->failed |= !own || !of_one || !by || !test;
	if (w->failed)
		return (struct both){ "", "" };
	const char *hash = strstr(by, "l.hash") ? by : "true";
	return (struct both){ SQL(w, "SELECT l.key FROM twinshell.lookup l WHERE %s AND %s AND %s", own, by, test),
			      exists(w, SQL(w, "twinshell.lookup l WHERE l.key = s.key AND %s AND %s AND %s", of_one, hash, test)) };
}

static struct both fact(struct writer *w, enum store_kind kind, int field, const char *name, const char *value)
{
	const char *n = *name ? text(w, slice_of(name)) : "''";
	return lookup(w, kind, SQL(w, "l.hash = twinshell.key_of(%s || E'\\n' || %s)", n, value),
		      SQL(w, "l.field = %d AND l.name = %s AND l.value = %s", field, n, value));
}

static struct part column(struct writer *w, const char *name, const struct leaf *l)
{
	const char *test = compare_text(w, SQL(w, "(s.%s COLLATE \"C\")", name), l);
	if (!test)
		return all;
	if (is_descriptor(w) && strcmp(name, "id")) {
		const char *all_of = SQL(w, "SELECT s.key FROM twinshell.%s s WHERE coalesce(%s, false) UNION ALL SELECT s.key FROM twinshell.%s s"
					 " WHERE coalesce(%s, false)", pg_kinds[under(w->kind)].table, test, pg_kinds[w->kind].table, test);
		return set(w, (struct both){ all_of, exists(w, SQL(w, "(%s) AS q(k) WHERE q.k = s.key", all_of)) }, false);
	}
	return part(w, ROW, SQL(w, "coalesce(%s, false)", test), true);
}

/* id, idShort: what all identifiables have */
static struct part common(struct writer *w, const struct leaf *l)
{
	if (l->field->attr == QUERY_ID && is_equal(l)) {
		const char *v = text(w, l->value->text);
		struct part p = part(w, ROW, SQL(w, "(s.key = twinshell.key_of(%s) AND s.id = %s)", v, v), true);
		p.driver[p.n_drivers++] = SQL(w, "SELECT twinshell.key_of(%s)", v);
		return p;
	}
	if (l->field->attr == QUERY_ID_SHORT && is_equal(l))
		return set(w, fact(w, w->kind, 1, "", text(w, l->value->text)), !is_descriptor(w));
	return column(w, l->field->attr == QUERY_ID ? "id" : "id_short", l);
}

static struct part shell_list(struct writer *w, const struct leaf *l)
{
	const struct query_step *s = l->field->step;
	if (!is_equal(l))
		return all;
	const char *v = text(w, l->value->text);
	if (s[0].list == QUERY_SPECIFIC_IDS && l->field->attr == QUERY_NAME)
		return set(w, lookup(w, STORE_SHELL, "true", SQL(w, "l.field = 5 AND l.name = %s", v)), false);
	if (s[0].list == QUERY_SPECIFIC_IDS && l->field->attr == QUERY_VALUE)
		return set(w, lookup(w, STORE_SHELL, SQL(w, "twinshell.key_of(l.value) = twinshell.key_of(%s)", v),
				     SQL(w, "l.field = 5 AND l.value = %s", v)), false);
	if (s[0].list != QUERY_SUBMODELS || l->field->attr != QUERY_KEY_VALUE)
		return all;
	struct both first = fact(w, STORE_SHELL, 6, "", v);
	if (s[1].index == 0)
		return set(w, first, s[0].index == QUERY_ANY);
	return set(w, either(w, first, fact(w, STORE_SHELL, 8, "", v)), s[0].index == QUERY_ANY && s[1].index == QUERY_ANY);
}

static struct part shell_leaf(struct writer *w, const struct leaf *l)
{
	if (l->field->n_steps)
		return shell_list(w, l);
	switch (l->field->attr) {
	case QUERY_ASSET_KIND: return column(w, "asset_kind", l);
	case QUERY_ASSET_TYPE: return column(w, "asset_type", l);
	case QUERY_GLOBAL_ASSET_ID:
		if (!is_equal(l))
			return column(w, "global_asset_id", l);
		return set(w, fact(w, STORE_SHELL, 5, "globalAssetId", text(w, l->value->text)), false);
	default: return common(w, l);
	}
}

static struct part submodel_leaf(struct writer *w, const struct leaf *l)
{
	if (!l->field->n_steps)
		return common(w, l);
	if (!is_equal(l) || l->field->attr != QUERY_KEY_VALUE)
		return all;
	int64_t index = l->field->step[l->field->n_steps - 1].index;
	const char *v = text(w, l->value->text);
	if (index >= 0)
		return set(w, fact(w, STORE_SUBMODEL, 7, index ? "n" : "0", v), index == 0 && !is_descriptor(w));
	const char *by = SQL(w, "l.hash = ANY (ARRAY[twinshell.key_of(E'0\\n' || %s), twinshell.key_of(E'n\\n' || %s)])", v, v);
	return set(w, lookup(w, STORE_SUBMODEL, by, SQL(w, "l.field = 7 AND l.value = %s", v)), index == QUERY_ANY && !is_descriptor(w));
}

/* -- elements --------------------------------------------------------------------------------------------------------------------------- */
/* The step that ends at the element, and the last idShort of the path; absent: of any element. */
static const struct query_step *element_step(const struct query_field *f, struct slice *name)
{
	const struct query_step *last = NULL;
	*name = (struct slice){ NULL, 0 };
	for (unsigned i = 0; i < f->n_steps; i++) {
		const struct query_step *s = &f->step[i];
		if (s->list != QUERY_ELEMENTS && s->list != QUERY_CHILDREN)
			break;
		last = s;
		for (unsigned k = 0; k < s->n_names; k++)
			*name = s->name[k].name.n ? s->name[k].name : *name;
	}
	return last;
}

static const char *op_text(enum query_op op)
{
	static const char *const of[] = { [QUERY_EQ] = "=", [QUERY_GT] = ">=", [QUERY_GE] = ">=", [QUERY_LT] = "<=", [QUERY_LE] = "<=" };
	return op >= QUERY_EQ && op <= QUERY_LE ? of[op] : NULL;
}

/* Doubles are rounded, so what is greater is at least not less.  A text that looks like a number may be one. */
static const char *test_number(struct writer *w, const struct leaf *l)
{
	double v;
	const char *op = op_text(l->op);
	if (!op || !str_double(l->value->text.p, l->value->text.n, &v))
		return "true";
	pg_item_num(w->nums, v);
	return SQL(w, "CASE e.value_group WHEN 1 THEN e.num IS NULL OR e.num %s ($4::float8[])[%u] ELSE e.value ~ '^[-+.0-9IN]' END",
		   op, ++w->n_nums);
}

static const char *test_time(struct writer *w, const struct leaf *l)
{
	const char *op = op_text(l->op);
	if (!op)
		return "true";
	pg_item_time(w->times, l->value->us);
	return SQL(w, "(e.value_group <> 3 OR e.ts %s ($5::timestamptz[])[%u])", op, ++w->n_times);
}

/* What the row of a leaf must be like; "true": nothing is known. */
static const char *test_value(struct writer *w, const struct leaf *l)
{
	const char *test = "true";
	if (is_text(l))
		test = compare_text(w, "e.value", l);
	else if (l->value && l->value->type == QUERY_NUM)
		test = test_number(w, l);
	else if (l->value && l->value->type == QUERY_DATETIME)
		test = test_time(w, l);
	return test && strcmp(test, "true") ? SQL(w, "(e.class = 'MultiLanguageProperty' OR %s)", test) : "true";
}

static const char *test_type(struct writer *w, const struct leaf *l)
{
	return is_equal(l) ? SQL(w, "e.value_type = %s", text(w, l->value->text)) : "true";
}

/* Some comparisons of one and the same element. */
struct element {
	struct slice prefix;		/* how its path is written */
	const char *name, *semantic, *id_short, *value;	/* what is equal to them */
	const char *path;		/* is part of its path; NULL: no more than the name is known */
	bool leaf;			/* a value, a valueType or a language is asked for: it is no collection and no list */
	struct buf tests;
};

static void element_add(struct writer *w, struct element *e, const struct leaf *l)
{
	const char *test = "true";
	switch (l->field->attr) {
	case QUERY_VALUE:
		e->leaf = true;
		if (is_equal(l) && !e->value)
			e->value = text(w, l->value->text);
		else
			test = test_value(w, l);
		break;
	case QUERY_VALUE_TYPE:
		e->leaf = true;
		test = test_type(w, l);
		break;
	case QUERY_LANGUAGE:
		e->leaf = true;
		test = "e.class = 'MultiLanguageProperty'";
		break;
	case QUERY_ID_SHORT:
		e->id_short = is_equal(l) ? text(w, l->value->text) : e->id_short;
		break;
	case QUERY_KEY_VALUE:
		e->semantic = is_equal(l) ? text(w, l->value->text) : e->semantic;
		break;
	default:
		break;
	}
	w->failed |= !test;
	if (test && strcmp(test, "true"))
		buf_printf(&e->tests, " AND %s", test);
}

/* What rows must be like beside what `at` finds by an index; the others are tested without theirs. */
static const char *element_tests(struct writer *w, struct element *e, const char *at)
{
	struct buf b = BUF_INIT;
	if (e->value)
		buf_printf(&b, " AND e.value = %s", e->value);
	if (e->semantic && at != e->semantic)
		buf_printf(&b, " AND e.semantic + 0 = twinshell.key_of(%s)", e->semantic);
	for (int i = 0; i < 2; i++)
		if (i ? e->id_short : e->name)
			buf_printf(&b, " AND strpos(e.path, %s) > 0", i ? e->id_short : e->name);
	if (e->path)
		buf_printf(&b, " AND strpos(e.path, %s) > 0", e->path);
	buf_slice(&b, buf_view(&e->tests));
	const char *sql = b.failed || e->tests.failed ? NULL : b.n ? arena_strndup(w->arena, b.p, b.n) : "";
	buf_fini(&b);
	w->failed |= !sql;
	return sql ? sql : "";
}

/* All that an index finds, beside `but`. */
static const char *element_finds(struct writer *w, const struct element *e, const char *but)
{
	const char *name = e->id_short ? e->id_short : e->name, *sql = "true";
	if (e->value && e->value != but)
		sql = SQL(w, "twinshell.key_of(e.value) = twinshell.key_of(%s)", e->value);
	if (e->semantic && e->semantic != but)
		sql = SQL(w, "%s AND e.semantic = twinshell.key_of(%s)", sql ? sql : "", e->semantic);
	if (name && name != but)
		sql = SQL(w, "%s AND twinshell.key_of(twinshell.name_of(e.path)) = twinshell.key_of(%s)", sql ? sql : "", name);
	w->failed |= !sql;
	return sql ? sql : "";
}

/* Two indexes could lead, and the plan is made without the values: one of the rarer kind leads when it has few rows, or when a good part of the
 * first of them fit; else another one does. */
static const char *element_keys(struct writer *w, struct element *e)
{
	const char *name = e->id_short ? e->id_short : e->name, *first = e->value ? e->value : e->semantic;
	bool choice = first && (name || (e->value && e->semantic));
	const char *tests = element_tests(w, e, choice ? first : e->semantic);
	if (!choice)
		return SQL(w, "SELECT e.submodel FROM twinshell.element e WHERE %s%s", element_finds(w, e, NULL), tests);
	struct element alone = { .value = e->value, .semantic = e->value ? NULL : e->semantic };
	return SQL(w, "(WITH c AS MATERIALIZED (SELECT e.submodel, (true%s) AS fits FROM twinshell.element e WHERE %s),"
		   " d AS MATERIALIZED (SELECT count(*) <= %u OR count(*) FILTER (WHERE f.fits) > %u AS leads"
		   " FROM (SELECT c.fits FROM c LIMIT %u) AS f)"
		   " SELECT c.submodel FROM c WHERE c.fits AND (SELECT d.leads FROM d)"
		   " UNION ALL SELECT e.submodel FROM twinshell.element e WHERE %s%s AND NOT (SELECT d.leads FROM d))", tests,
		   element_finds(w, &alone, NULL), w->lead, w->lead / 10, w->lead + 1, element_finds(w, e, first), element_tests(w, e, NULL));
}

/* Rows that fit, and what facts tell of elements (or values) that have no row.  Without anything that an index finds: ALL. */
static struct part element_set(struct writer *w, struct element *e)
{
	struct part p = all;
	const char *known = e->semantic ? e->semantic : e->id_short ? e->id_short : e->name;
	if (e->value || known) {
		struct both b = { element_keys(w, e), exists(w, SQL(w, "twinshell.element e WHERE e.submodel = s.key AND %s%s",
									 element_finds(w, e, e->value), element_tests(w, e, e->semantic))) };
		if (e->value)
			b = either(w, b, fact(w, STORE_SUBMODEL, 11, "", e->value));
		if (e->semantic || e->id_short || !e->leaf)
			b = either(w, b, fact(w, STORE_SUBMODEL, e->semantic ? 10 : 9, "", known));
		p = set(w, b, false);
	}
	buf_fini(&e->tests);
	return p;
}

/* Some idShorts, one within the other. */
static const char *dotted(struct writer *w, const struct query_step *s)
{
	struct buf b = BUF_INIT;
	for (unsigned i = 0; i < s->n_names; i++) {
		if (!s->name[i].name.n || s->name[i].n_indices) {
			b.n = 0;
			break;
		}
		buf_printf(&b, "%s%.*s", i ? "." : "", (int)s->name[i].name.n, s->name[i].name.p);
	}
	const char *sql = b.n && s->n_names > 1 ? text(w, buf_view(&b)) : NULL;
	w->failed |= b.failed;
	buf_fini(&b);
	return sql;
}

static void element_init(struct writer *w, struct element *e, const struct leaf *l)
{
	struct slice name;
	const struct query_step *s = element_step(l->field, &name);
	*e = (struct element){ .prefix = s->prefix, .tests = BUF_INIT };
	e->name = name.p ? text(w, name) : NULL;
	e->path = dotted(w, s);
}

/* -- leaves ----------------------------------------------------------------------------------------------------------------------------- */
/* What is asked about the other half of a tuple: a set of its keys becomes a set of ours. */
static struct part through(struct writer *w, enum store_kind other, struct part p)
{
	enum store_kind own = w->kind;
	if (p.kind == ALL)
		return all;
	w->kind = other;
	const char *keys = as_set(w, p), *table = pg_kinds[other].table;
	w->kind = own;
	static const char from[] = "(SELECT s.key AS k) AS o, twinshell.lookup r, twinshell.%s s WHERE r.kind = 0 AND r.field = 6 AND %s AND %s";
	if (own == STORE_SUBMODEL)
		return set(w, (struct both){ SQL(w, "SELECT twinshell.key_of(r.value) FROM (%s) AS o(k) JOIN twinshell.lookup r ON r.kind = 0"
						 " AND r.field = 6 AND r.key = o.k", keys),
					     exists(w, SQL(w, from, table, "twinshell.key_of(r.value) = o.k AND s.key = r.key", p.row)) }, false);
	return set(w, (struct both){ SQL(w, "SELECT r.key FROM (%s) AS o(k) JOIN twinshell.lookup r ON r.kind = 0 AND r.field = 6"
					 " AND twinshell.key_of(r.value) = o.k", keys),
				     exists(w, SQL(w, from, table, "r.key = o.k AND s.key = twinshell.key_of(r.value)", p.row)) }, false);
}

static enum store_kind kind_of(const struct query_field *f)
{
	static const enum store_kind of[QUERY_N_ROOTS] = {
		[QUERY_AAS] = STORE_SHELL, [QUERY_SM] = STORE_SUBMODEL, [QUERY_SME] = STORE_SUBMODEL, [QUERY_CD] = STORE_CONCEPT,
		[QUERY_AASDESC] = STORE_SHELL_DESCRIPTOR, [QUERY_SMDESC] = STORE_SUBMODEL_DESCRIPTOR,
	};
	return of[f->root];
}

/* Of lists only those that both a descriptor and what it derives from have. */
static struct part descriptor_leaf(struct writer *w, const struct leaf *l)
{
	enum query_list first = l->field->n_steps ? l->field->step[0].list : QUERY_END;
	if (first == QUERY_DESCRIPTORS || first == QUERY_ENDPOINTS)
		return all;
	return w->kind == STORE_SHELL_DESCRIPTOR ? shell_leaf(w, l) : submodel_leaf(w, l);
}

static struct part about(struct writer *w, const struct leaf *l)
{
	struct element e;
	switch (l->field->root) {
	case QUERY_AAS: return shell_leaf(w, l);
	case QUERY_SM: return submodel_leaf(w, l);
	case QUERY_CD: return common(w, l);
	case QUERY_AASDESC: case QUERY_SMDESC: return descriptor_leaf(w, l);
	case QUERY_SME:
		element_init(w, &e, l);
		element_add(w, &e, l);
		return element_set(w, &e);
	default: return all;
	}
}

static struct part leaf_part(struct writer *w, const struct leaf *l)
{
	enum store_kind own = w->kind, of = kind_of(l->field);
	w->kind = of;
	struct part p = about(w, l);
	w->kind = own;
	return of == own ? p : through(w, of, p);
}

static struct part comparison(struct writer *w, const struct query_expr *x)
{
	struct leaf l;
	return read_leaf(x, &l) && w->leaves++ < LEAVES_MAX ? leaf_part(w, &l) : all;
}

/* -- expressions ------------------------------------------------------------------------------------------------------------------------ */
static struct part expression(struct writer *w, const struct query_expr *x);

static struct part and_(struct writer *w, struct part a, struct part b)
{
	struct part p = a.kind == ALL ? b : a;
	p.exact = false;
	if (a.kind == ALL || b.kind == ALL)
		return p;
	p = part(w, ROW, SQL(w, "(%s AND %s)", a.row, b.row), a.exact && b.exact);
	for (unsigned i = 0; i < a.n_drivers; i++)
		p.driver[p.n_drivers++] = a.driver[i];
	for (unsigned i = 0; i < b.n_drivers && p.n_drivers < DRIVERS_MAX; i++)
		p.driver[p.n_drivers++] = b.driver[i];
	return p;
}

static struct part or_(struct writer *w, struct part a, struct part b)
{
	if (a.kind == ALL || b.kind == ALL)
		return all;
	if (a.kind == SET && b.kind == SET)
		return set(w, either(w, (struct both){ a.sql, a.row }, (struct both){ b.sql, b.row }), a.exact && b.exact);
	return part(w, ROW, SQL(w, "(%s OR %s)", a.row, b.row), a.exact && b.exact);
}

/* The name and the value of one asset id lie in one fact. */
static bool asset_pair(const struct query_expr *x, unsigned at, struct leaf *name, struct leaf *value)
{
	if (x->arg[at]->op != QUERY_EQ || !read_leaf(x->arg[at], name) || name->field->attr != QUERY_NAME || !is_equal(name))
		return false;
	for (unsigned i = 0; i < x->n; i++)
		if (x->arg[i]->op == QUERY_EQ && read_leaf(x->arg[i], value) && is_equal(value) && value->field->attr == QUERY_VALUE &&
		    value->field->root == name->field->root && slice_eq(value->field->step[0].prefix, name->field->step[0].prefix))
			return true;
	return false;
}

/* All comparisons of one element are tests of one row.  `taken`: comparisons that have been part of an earlier one. */
static struct part match_element(struct writer *w, const struct query_expr *x, unsigned at, const struct leaf *first, bool *taken)
{
	struct element e;
	struct leaf l;
	struct slice name;
	element_init(w, &e, first);
	for (unsigned i = at; i < x->n; i++) {
		if (x->arg[i]->op < QUERY_EQ || taken[i] || !read_leaf(x->arg[i], &l) || l.field->root != QUERY_SME ||
		    !slice_eq(element_step(l.field, &name)->prefix, e.prefix))
			continue;
		taken[i] = true;
		element_add(w, &e, &l);
	}
	struct part p = element_set(w, &e);
	return w->kind == STORE_SUBMODEL ? p : through(w, STORE_SUBMODEL, p);
}

static struct part match(struct writer *w, const struct query_expr *x)
{
	bool taken[QUERY_NODES_MAX] = { false };
	struct part sum = all, p;
	struct leaf l, v;
	for (unsigned i = 0; i < x->n; i++) {
		if (taken[i])
			continue;
		if (x->arg[i]->op < QUERY_EQ || !read_leaf(x->arg[i], &l)) {
			p = expression(w, x->arg[i]);
		} else if (w->leaves++ >= LEAVES_MAX) {
			p = all;
		} else if (l.field->root == QUERY_SME) {
			p = match_element(w, x, i, &l, taken);
		} else if (asset_pair(x, i, &l, &v)) {
			p = set(w, fact(w, STORE_SHELL, 5, l.value->text.p, text(w, v.value->text)), false);
			p = w->kind == STORE_SUBMODEL ? through(w, STORE_SHELL, p) : p;
		} else {
			p = leaf_part(w, &l);
		}
		p.exact = false;
		sum = and_(w, sum, p);
	}
	return sum;
}

static struct part expression(struct writer *w, const struct query_expr *x)
{
	struct part p, sum;
	switch (x->op) {
	case QUERY_BOOLEAN: return part(w, ROW, x->boolean ? "true" : "false", true);
	case QUERY_MATCH: return match(w, x);
	case QUERY_NOT:
		p = expression(w, x->arg[0]);
		return p.exact ? part(w, ROW, SQL(w, "NOT (%s)", p.row), true) : all;
	case QUERY_AND: case QUERY_OR:
		sum = expression(w, x->arg[0]);
		for (unsigned i = 1; i < x->n; i++) {
			p = expression(w, x->arg[i]);
			sum = x->op == QUERY_AND ? and_(w, sum, p) : or_(w, sum, p);
		}
		return sum;
	default: return comparison(w, x);
	}
}

/* The candidates of one table.  Every parameter is named, whether the condition needs it or not: its type comes from here. */
static const char *rows_of(struct writer *w, const char *table, const char *condition)
{
	return SQL(w, "SELECT s.key, s.id FROM twinshell.%s s WHERE (\"left\"(s.id, 512), s.id) > (\"left\"($1::text, 512), $1::text)"
		   " AND $3::text[] IS NOT NULL AND $4::float8[] IS NOT NULL AND $5::timestamptz[] IS NOT NULL AND %s"
		   " ORDER BY \"left\"(s.id, 512), s.id LIMIT $2::bigint", table, condition);
}

#define IN_ORDER "ORDER BY \"left\"(id, 512), id LIMIT $2::bigint"
#define ROW "s.key, s.id, s.version, s.doc_version, s.doc"

/* The first documents come with the candidates: few are found by most queries, and to ask for them would be another round trip.  Columns as
 * store_pg_query.c reads them: those of a DOCUMENT query (statement_model.def), then the key, whether there is a document, and its size. */
static const char *with_documents(struct writer *w, const char *rows, bool ids)
{
	const char *newer = "CASE WHEN %s AND a.version > a.doc_version THEN (SELECT array_agg(e.%s ORDER BY e.path_key) FROM twinshell.element e"
			    " WHERE e.submodel = a.key AND e.version > a.doc_version) END";
	const char *has = ids ? "false" : SQL(w, "a.n <= %d", PG_QUERY_DOCUMENTS);
	const char *paths = SQL(w, newer, has ? has : "", "path"), *values = SQL(w, newer, has ? has : "", "value");
	w->failed |= !has || !paths || !values;
	return SQL(w, "SELECT a.id, a.version, CASE WHEN %s THEN a.doc END, %s, %s, a.key, %s, octet_length(a.doc)::bigint FROM"
		   " (SELECT r.*, row_number() OVER (ORDER BY \"left\"(r.id, 512), r.id) AS n FROM (%s) AS r) AS a ORDER BY a.n", has, paths, values, has, rows);
}

/* The drivers are counted as far as `lead`.  The first that has no more leads: its rows are found by their keys, and sorted.  When all have
 * more, much fits, and the rows are walked in their order until the page is full.  So what is touched depends neither on what the planner
 * believes about a value, nor on how deep the page is. */
static const char *statement(struct writer *w, struct part p)
{
	struct buf b = BUF_INIT;
	const char *table = pg_kinds[w->kind].table, *test = p.kind == ALL ? "true" : p.row, *large = "";
	/* every parameter is named, whether the condition needs it or not: its type comes from here */
	static const char behind[] = "(\"left\"(s.id, 512), s.id) > (\"left\"($1::text, 512), $1::text)"
				     " AND $3::text[] IS NOT NULL AND $4::float8[] IS NOT NULL AND $5::timestamptz[] IS NOT NULL";
	for (unsigned i = 0; i < p.n_drivers; i++)
		buf_printf(&b, "%s d%u AS MATERIALIZED (SELECT k FROM (%s) AS q(k) LIMIT %u)", i ? "," : "WITH", i, p.driver[i], w->lead + 1);
	if (p.n_drivers)
		buf_puts(&b, " SELECT * FROM (");
	for (unsigned i = 0; i < p.n_drivers; i++) {
		buf_printf(&b, "(SELECT " ROW " FROM (SELECT DISTINCT k FROM d%u) AS k JOIN twinshell.%s s ON s.key = k.k"
			       " WHERE (SELECT count(*) FROM d%u) <= %u%s AND %s AND %s " IN_ORDER ") UNION ALL ", i, table, i, w->lead,
			   large ? large : "", behind, p.kind == SET ? "true" : test ? test : "");
		large = SQL(w, "%s AND (SELECT count(*) FROM d%u) > %u", large ? large : "", i, w->lead);
	}
	buf_printf(&b, "%sSELECT " ROW " FROM twinshell.%s s WHERE %s%s AND %s " IN_ORDER, p.n_drivers ? "(" : "", table, behind,
		   large ? large : "", test ? test : "");
	if (p.n_drivers)
		buf_puts(&b, ")) AS a " IN_ORDER);
	const char *sql = b.failed || !test || !large ? NULL : arena_strndup(w->arena, b.p, b.n);
	buf_fini(&b);
	return sql;
}

enum err store_pg_query_sql(struct arena *a, enum store_kind kind, const struct aas_query *q, const char *after, size_t limit, struct pg_query *out)
{
	struct writer w = { .arena = a, .kind = kind, .lead = out->lead ? out->lead : PG_QUERY_LEAD };
	pg_args_init(&out->args);
	pg_arg_text(&out->args, after ? after : "");
	pg_arg_int8(&out->args, limit < INT32_MAX ? (int64_t)limit : INT32_MAX);
	w.texts = pg_arg_array(&out->args, PG_TEXT);
	w.nums = pg_arg_array(&out->args, PG_FLOAT8);
	w.times = pg_arg_array(&out->args, PG_TIMESTAMPTZ);
	struct part p = expression(&w, q->condition);
	out->exact = p.exact;
	if (is_descriptor(&w)) {	/* each side gives as many as may be wanted: the first of both are among them */
		const char *condition = p.kind == ALL ? "true" : p.row;
		out->sql = SQL(&w, "SELECT d.id, 0::bigint, NULL::text, NULL::text[], NULL::text[], d.key, false, 0::bigint FROM"
			       " ((%s) UNION (%s)) d ORDER BY \"left\"(d.id, 512), d.id LIMIT $2::bigint",
			       rows_of(&w, pg_kinds[under(kind)].table, condition), rows_of(&w, pg_kinds[kind].table, condition));
	} else {
		const char *rows = statement(&w, p);
		out->sql = rows ? with_documents(&w, rows, p.exact && q->ids_only) : NULL;
		out->keep = true;
	}
	return w.failed || !out->sql || arena_failed(a) ? ERR_NO_MEMORY : ERR_OK;
}
