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
#include "base/clock.h"
#include "base/map.h"
#include "sql/store_pg_query_sql.h"

#define QUICK_KEYS 256	/* that the first driver may have for who expects few */
#define LEAVES_MAX 32	/* comparisons that are written as SQL; further ones are ALL, so that planning stays short */

struct part qsql_part(struct writer *w, int kind, const char *sql, bool exact)
{
	w->failed |= !sql;
	const char *row = kind == ROW ? sql : NULL;
	return (struct part){ .kind = kind, .sql = sql, .row = row, .exact = exact, .n_drivers = kind == SET, .driver = { sql } };
}

struct part qsql_set(struct writer *w, struct both b, bool exact)
{
	struct part p = qsql_part(w, SET, b.set, exact);
	p.row = b.row;
	p.walks = b.walks;
	w->failed |= !b.row;
	return p;
}

struct part qsql_led(struct part p, const char *driver)
{
	if (!driver)
		return p;
	unsigned n = p.n_drivers < DRIVERS_MAX ? p.n_drivers++ : DRIVERS_MAX - 1;
	for (; n; n--)
		p.driver[n] = p.driver[n - 1];
	p.driver[0] = driver;
	return p;
}

/* LIMIT: it is looked into for one row of `s`, and never joined as a whole. */
const char *qsql_exists(struct writer *w, const char *from)
{
	w->failed |= !from;
	return SQL(w, "EXISTS (SELECT FROM (SELECT FROM %s LIMIT 1) AS r)", from ? from : "");
}

static struct walks either_walk(const struct walks *a, const struct walks *b)
{
	struct walks sum = *a;
	if (!a->n || !b->n || a->n + b->n > WALKS_MAX)
		return (struct walks){ 0 };
	for (unsigned i = 0; i < b->n; i++)
		sum.by[sum.n++] = b->by[i];
	return sum;
}

struct both qsql_either(struct writer *w, struct both a, struct both b)
{
	return (struct both){ SQL(w, "%s UNION ALL %s", a.set, b.set), SQL(w, "(%s OR %s)", a.row, b.row), either_walk(&a.walks, &b.walks) };
}

const char *qsql_text(struct writer *w, struct slice s)
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
bool qsql_read_leaf(const struct query_expr *x, struct leaf *l)
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

bool qsql_is_text(const struct leaf *l)
{
	return l->value && l->value->type == QUERY_STR;
}

bool qsql_is_equal(const struct leaf *l)
{
	return qsql_is_text(l) && l->op == QUERY_EQ;
}

/* column OP text, where both are texts compared by code points; NULL: not in SQL */
const char *qsql_compare_text(struct writer *w, const char *column, const struct leaf *l)
{
	static const char *const form[] = {
		[QUERY_EQ] = "%s = %s", [QUERY_NE] = "%s <> %s", [QUERY_GT] = "%s > %s", [QUERY_GE] = "%s >= %s", [QUERY_LT] = "%s < %s",
		[QUERY_LE] = "%s <= %s", [QUERY_CONTAINS] = "strpos(%s, %s) > 0", [QUERY_STARTS] = "starts_with(%s, %s)",
	};
	if (!qsql_is_text(l) || l->op == QUERY_REGEX)
		return NULL;
	const char *value = qsql_text(w, l->value->text);
	if (l->op == QUERY_ENDS)
		return SQL(w, "\"right\"(%s, length(%s)) = %s", column, value, value);
	return SQL(w, form[l->op], column, value);
}

/* -- leaves ----------------------------------------------------------------------------------------------------------------------------- */
/* What is asked about the other half of a tuple: a set of its keys becomes a set of ours. */
static struct part through(struct writer *w, enum store_kind other, struct part p)
{
	enum store_kind own = w->kind;
	if (p.kind == ALL)
		return qsql_all;
	w->kind = other;
	const char *keys = as_set(w, p), *table = pg_kinds[other].table;
	w->kind = own;
	static const char from[] = "(SELECT s.key AS k) AS o, twinshell.lookup r, twinshell.%s s WHERE r.kind = 0 AND r.field = 6 AND %s AND %s";
	static const char refers[] = "SELECT %s FROM (%s) AS o(k) JOIN twinshell.lookup r ON r.kind = 0 AND r.field = 6 AND %s = o.k";
	static const char value[] = "twinshell.key_of(r.value)";
	bool shells = own == STORE_SUBMODEL;		/* that refer to us */
	const char *pair = shells ? "twinshell.key_of(r.value) = o.k AND s.key = r.key" : "r.key = o.k AND s.key = twinshell.key_of(r.value)";
	return qsql_set(w, (struct both){ .set = SQL(w, refers, shells ? value : "r.key", keys, shells ? "r.key" : value),
					  .row = qsql_exists(w, SQL(w, from, table, pair, p.row)) }, false);
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
		return qsql_all;
	return w->kind == STORE_SHELL_DESCRIPTOR ? qsql_shell_leaf(w, l) : qsql_submodel_leaf(w, l);
}

static struct part about(struct writer *w, const struct leaf *l)
{
	switch (l->field->root) {
	case QUERY_AAS: return qsql_shell_leaf(w, l);
	case QUERY_SM: return qsql_submodel_leaf(w, l);
	case QUERY_CD: return qsql_common(w, l);
	case QUERY_AASDESC: case QUERY_SMDESC: return descriptor_leaf(w, l);
	case QUERY_SME: return qsql_element(w, l, 1);
	default: return qsql_all;
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
	return qsql_read_leaf(x, &l) && w->leaves++ < LEAVES_MAX ? leaf_part(w, &l) : qsql_all;
}

/* -- expressions ------------------------------------------------------------------------------------------------------------------------ */
static struct part expression(struct writer *w, const struct query_expr *x);

static struct part and_(struct writer *w, struct part a, struct part b)
{
	struct part p = a.kind == ALL ? b : a;
	p.exact = false;
	if (a.kind == ALL || b.kind == ALL)
		return p;
	p = qsql_part(w, ROW, SQL(w, "(%s AND %s)", a.row, b.row), a.exact && b.exact);
	p.walks = a.walks.n ? a.walks : b.walks;
	for (unsigned i = 0; i < a.n_drivers; i++)
		p.driver[p.n_drivers++] = a.driver[i];
	for (unsigned i = 0; i < b.n_drivers && p.n_drivers < DRIVERS_MAX; i++)
		p.driver[p.n_drivers++] = b.driver[i];
	return p;
}

static struct both both_of(struct part p)
{
	return (struct both){ p.sql, p.row, p.walks };
}

static struct part or_(struct writer *w, struct part a, struct part b)
{
	if (a.kind == ALL || b.kind == ALL)
		return qsql_all;
	if (a.kind == SET && b.kind == SET)
		return qsql_set(w, qsql_either(w, both_of(a), both_of(b)), a.exact && b.exact);
	return qsql_part(w, ROW, SQL(w, "(%s OR %s)", a.row, b.row), a.exact && b.exact);
}

/* The name and the value of one asset id lie in one fact. */
static bool asset_pair(const struct query_expr *x, unsigned at, struct leaf *name, struct leaf *value)
{
	if (x->arg[at]->op != QUERY_EQ || !qsql_read_leaf(x->arg[at], name) || name->field->attr != QUERY_NAME || !qsql_is_equal(name))
		return false;
	for (unsigned i = 0; i < x->n; i++)
		if (x->arg[i]->op == QUERY_EQ && qsql_read_leaf(x->arg[i], value) && qsql_is_equal(value) && value->field->attr == QUERY_VALUE &&
		    value->field->root == name->field->root && slice_eq(value->field->step[0].prefix, name->field->step[0].prefix))
			return true;
	return false;
}

/* All comparisons of one element are tests of one row.  `taken`: comparisons that have been part of an earlier one. */
static struct part match_element(struct writer *w, const struct query_expr *x, unsigned at, const struct leaf *first, bool *taken)
{
	struct leaf leaf[QUERY_NODES_MAX], l;
	struct slice name, prefix = qsql_element_step(first->field, &name)->prefix;
	unsigned n = 0;
	for (unsigned i = at; i < x->n; i++) {
		if (x->arg[i]->op < QUERY_EQ || taken[i] || !qsql_read_leaf(x->arg[i], &l) || l.field->root != QUERY_SME ||
		    !slice_eq(qsql_element_step(l.field, &name)->prefix, prefix))
			continue;
		taken[i] = true;
		leaf[n++] = l;
	}
	struct part p = qsql_element(w, leaf, n);
	return w->kind == STORE_SUBMODEL ? p : through(w, STORE_SUBMODEL, p);
}

static struct part match(struct writer *w, const struct query_expr *x)
{
	bool taken[QUERY_NODES_MAX] = { false };
	struct part sum = qsql_all, p;
	struct leaf l, v;
	for (unsigned i = 0; i < x->n; i++) {
		if (taken[i])
			continue;
		if (x->arg[i]->op < QUERY_EQ || !qsql_read_leaf(x->arg[i], &l)) {
			p = expression(w, x->arg[i]);
		} else if (w->leaves++ >= LEAVES_MAX) {
			p = qsql_all;
		} else if (l.field->root == QUERY_SME) {
			p = match_element(w, x, i, &l, taken);
		} else if (asset_pair(x, i, &l, &v)) {
			p = qsql_set(w, qsql_fact(w, STORE_SHELL, 5, l.value->text.p, qsql_text(w, v.value->text)), false);
			p = w->kind == STORE_SUBMODEL ? through(w, STORE_SHELL, p) : p;
		} else {
			p = leaf_part(w, &l);
		}
		p.exact = false;
		sum = and_(w, sum, p);
	}
	return sum;
}

static bool is_number(const struct query_expr *x, struct leaf *l)
{
	return x->op >= QUERY_EQ && qsql_read_leaf(x, l) && l->field->root == QUERY_SME && l->field->attr == QUERY_VALUE && l->value &&
	       l->value->type == QUERY_NUM;
}

/* Two bounds of one path are a range. */
static struct part within(struct writer *w, const struct query_expr *x, struct part sum)
{
	struct leaf low, high;
	struct slice name;
	for (unsigned i = 0; w->kind == STORE_SUBMODEL && sum.kind != ALL && i < x->n; i++) {
		if (!is_number(x->arg[i], &low) || (low.op != QUERY_GE && low.op != QUERY_GT))
			continue;
		for (unsigned k = 0; k < x->n; k++)
			if (is_number(x->arg[k], &high) && (high.op == QUERY_LE || high.op == QUERY_LT) &&
			    slice_eq(qsql_element_step(low.field, &name)->prefix, qsql_element_step(high.field, &name)->prefix))
				return qsql_led(sum, qsql_range(w, &low, &high));
	}
	return sum;
}

static struct part expression(struct writer *w, const struct query_expr *x)
{
	struct part p, sum;
	switch (x->op) {
	case QUERY_BOOLEAN: return qsql_part(w, ROW, x->boolean ? "true" : "false", true);
	case QUERY_MATCH: return match(w, x);
	case QUERY_NOT:
		p = expression(w, x->arg[0]);
		return p.exact ? qsql_part(w, ROW, SQL(w, "NOT (%s)", p.row), true) : qsql_all;
	case QUERY_AND: case QUERY_OR:
		sum = expression(w, x->arg[0]);
		for (unsigned i = 1; i < x->n; i++) {
			p = expression(w, x->arg[i]);
			sum = x->op == QUERY_AND ? and_(w, sum, p) : or_(w, sum, p);
		}
		return x->op == QUERY_AND ? within(w, x, sum) : sum;
	default: return comparison(w, x);
	}
}

#define IN_ORDER "ORDER BY \"left\"(id, 512), id LIMIT $2::bigint"
#define ROW "s.key, s.id, s.version, s.doc_version, s.doc"
/* What comes after $1.  Every parameter is named, whether the condition needs it or not: its type comes from here. */
#define BEHIND "(\"left\"(s.id, 512), s.id) > (\"left\"($1::text, 512), $1::text)" \
	" AND $3::text[] IS NOT NULL AND $4::float8[] IS NOT NULL AND $5::timestamptz[] IS NOT NULL"

/* The paths or the values of elements that are newer than the document of the row `of`, if `when`. */
static const char *newer(struct writer *w, const char *of, const char *when, const char *what)
{
	const char *sql = SQL(w, "CASE WHEN %s AND %s.version > %s.doc_version THEN (SELECT array_agg(e.%s ORDER BY e.path_key)"
			      " FROM twinshell.element e WHERE e.submodel = %s.key AND e.version > %s.doc_version) END", when, of, of, what, of, of);
	w->failed |= !sql;
	return sql ? sql : "";
}

/* The candidates of one table. */
static const char *rows_of(struct writer *w, const char *table, const char *condition)
{
	return SQL(w, "SELECT s.key, s.id FROM twinshell.%s s WHERE " BEHIND " AND %s"
		   " ORDER BY \"left\"(s.id, 512), s.id LIMIT $2::bigint", table, condition);
}

/* The first documents come with the candidates: few are found by most queries, and to ask for them would be another round trip.  Columns as
 * store_pg_query.c reads them: those of a DOCUMENT query (statement_model.def), then the key, whether there is a document, and its size. */
static const char *with_documents(struct writer *w, const char *rows, bool ids)
{
	const char *has = ids ? "false" : SQL(w, "a.n <= %d", PG_QUERY_DOCUMENTS);
	w->failed |= !has;
	has = has ? has : "";
	return SQL(w, "SELECT a.id, a.version, CASE WHEN %s THEN a.doc END, %s, %s, a.key, %s, octet_length(a.doc)::bigint FROM"
		   " (SELECT r.*, row_number() OVER (ORDER BY \"left\"(r.id, 512), r.id) AS n FROM (%s) AS r) AS a ORDER BY a.n",
		   has, newer(w, "a", has, "path"), newer(w, "a", has, "value"), has, rows);
}

/* The same for who expects few: the first driver leads, and a plan of a third of the size starts in a third of the time.  There is one row at least.
 * The last column: that was wrong, or there may be more; then nothing else is of use. */
static const char *quick_statement(struct writer *w, struct part p, bool ids)
{
	const char *driver = p.driver[0], *test = driver == p.sql ? "true" : p.row, *has = ids ? "false" : "true";
	w->failed |= !driver || !test;
	return SQL(w, "SELECT s.id, s.version, CASE WHEN %s THEN s.doc END, %s, %s, s.key, %s, octet_length(s.doc)::bigint, b.many FROM"
		   " (SELECT array_agg(r.k) AS keys, bool_or(r.k IS NULL) OR count(*) > %d AS many"
		   " FROM (SELECT q.k FROM (%s) AS q(k) LIMIT %d) AS r) AS b"
		   " LEFT JOIN twinshell.%s s ON s.key = ANY (b.keys) AND NOT b.many AND " BEHIND " AND %s"
		   " ORDER BY \"left\"(s.id, 512), s.id LIMIT least($2::bigint, %d)",
		   has, newer(w, "s", has, "path"), newer(w, "s", has, "value"), has, QUICK_KEYS, driver ? driver : "", QUICK_KEYS + 1,
		   pg_kinds[w->kind].table, test ? test : "", PG_QUERY_DOCUMENTS + 1);
}

/* What has one fact, and passes the test. */
static const char *walk_one(struct writer *w, struct part p, const char *fact)
{
	bool whole = p.kind == SET;	/* the facts are the answer */
	const char *row = SQL(w, ", LATERAL (SELECT * FROM twinshell.%s t WHERE t.key = l.key LIMIT 1) AS s", pg_kinds[w->kind].table);
	w->failed |= !row;
	return SQL(w, "(SELECT l.key FROM twinshell.lookup l%s WHERE %s AND (\"left\"(l.id, 512), l.id) > (\"left\"($1::text, 512), $1::text) AND %s"
		   " ORDER BY \"left\"(l.id, 512) FETCH FIRST ($2::bigint) ROWS WITH TIES)", whole || !row ? "" : row, fact, whole ? "true" : p.row);
}

/* What `p` may have, a page of it in the order of ids; `when` has to hold, else nothing is looked at.  Where facts lead to it each of them is walked
 * as far as it takes to fill the page (ties included: the index has but the beginning of an id), and of these pages the first ones are taken. */
static const char *walk(struct writer *w, struct part p, const char *when)
{
	const char *table = pg_kinds[w->kind].table, *test = p.kind == ALL ? "true" : p.row, *sql = NULL;
	w->failed |= !when || !test;
	if (w->failed)
		return NULL;
	if (!p.walks.n)
		return SQL(w, "SELECT " ROW " FROM twinshell.%s s WHERE %s" BEHIND " AND %s " IN_ORDER, table, when, test);
	for (unsigned i = 0; i < p.walks.n; i++) {
		const char *one = walk_one(w, p, p.walks.by[i]);
		sql = sql ? SQL(w, "%s UNION %s", sql, one ? one : "") : one;
	}
	return SQL(w, "SELECT " ROW " FROM (%s) AS f JOIN twinshell.%s s ON s.key = f.key WHERE %s" BEHIND " " IN_ORDER, sql ? sql : "", table, when);
}

/* The drivers are counted as far as `lead`, each when those before it have more.  The first that has no more leads: its rows are found by their keys,
 * and sorted.  When all have more, much fits, and the rows are walked in their order until the page is full.  So what is touched depends neither on
 * what the planner believes about a value, nor on how deep the page is.  Facts are walked without being counted when nothing else leads. */
static const char *statement(struct writer *w, struct part p)
{
	struct buf b = BUF_INIT;
	const char *table = pg_kinds[w->kind].table, *test = p.kind == ALL ? "true" : p.row, *large = "";
	unsigned n = p.walks.n && p.n_drivers == 1 ? 0 : p.n_drivers;
	for (unsigned i = 0; i < n; i++)
		buf_printf(&b, "%s d%u AS MATERIALIZED (SELECT k FROM (%s) AS q(k) LIMIT %u)", i ? "," : "WITH", i, p.driver[i], w->lead + 1);
	if (n)
		buf_puts(&b, " SELECT * FROM (");
	for (unsigned i = 0; i < n; i++) {
		buf_printf(&b, "(SELECT " ROW " FROM (SELECT DISTINCT k FROM d%u) AS k JOIN twinshell.%s s ON s.key = k.k"
			       " WHERE %s(SELECT count(*) FROM d%u) <= %u AND " BEHIND " AND %s " IN_ORDER ") UNION ALL ", i, table,
			   large ? large : "", i, w->lead, p.driver[i] == p.sql ? "true" : test ? test : "");
		large = SQL(w, "%s(SELECT count(*) FROM d%u) > %u AND ", large ? large : "", i, w->lead);
	}
	const char *rest = walk(w, p, large);
	buf_printf(&b, n ? "(%s)) AS a " IN_ORDER : "%s", rest ? rest : "");
	const char *sql = b.failed || !rest ? NULL : arena_strndup(w->arena, b.p, b.n);
	buf_fini(&b);
	return sql;
}

/* What is asked about elements of another kind is joined: nothing may be missing there. */
static struct part begin(struct writer *w, bool quick, struct arena *a, enum store_kind kind, const struct aas_query *q, const char *after,
			 size_t limit, struct pg_query *out)
{
	*w = (struct writer){ .arena = a, .kind = kind, .lead = out->lead ? out->lead : PG_QUERY_LEAD, .quick = quick && kind == STORE_SUBMODEL };
	pg_args_init(&out->args);
	pg_arg_text(&out->args, after ? after : "");
	pg_arg_int8(&out->args, limit < INT32_MAX ? (int64_t)limit : INT32_MAX);
	w->texts = pg_arg_array(&out->args, PG_TEXT);
	w->nums = pg_arg_array(&out->args, PG_FLOAT8);
	w->times = pg_arg_array(&out->args, PG_TIMESTAMPTZ);
	struct part p = expression(w, q->condition);
	out->exact = p.exact;
	return p;
}

enum err store_pg_query_sql(struct arena *a, enum store_kind kind, const struct aas_query *q, const char *after, size_t limit, struct pg_query *out)
{
	struct writer w;
	struct part p = begin(&w, false, a, kind, q, after, limit, out);
	if (qsql_is_descriptor(&w)) {	/* each side gives as many as may be wanted: the first of both are among them */
		const char *condition = p.kind == ALL ? "true" : p.row;
		out->sql = SQL(&w, "SELECT d.id, 0::bigint, NULL::text, NULL::text[], NULL::text[], d.key, false, 0::bigint FROM"
			       " ((%s) UNION (%s)) d ORDER BY \"left\"(d.id, 512), d.id LIMIT $2::bigint",
			       rows_of(&w, pg_kinds[qsql_under(kind)].table, condition), rows_of(&w, pg_kinds[kind].table, condition));
	} else {
		const char *rows = statement(&w, p);
		out->sql = rows ? with_documents(&w, rows, p.exact && q->ids_only) : NULL;
		out->keep = true;
	}
	return w.failed || !out->sql || arena_failed(a) ? ERR_NO_MEMORY : ERR_OK;
}

enum err store_pg_query_quick(struct arena *a, enum store_kind kind, const struct aas_query *q, const char *after, size_t limit, struct pg_query *out)
{
	struct writer w;
	struct part p = begin(&w, true, a, kind, q, after, limit, out);
	out->sql = out->bare = NULL;
	out->keep = true;
	if (p.n_drivers && !qsql_is_descriptor(&w)) {
		out->bare = quick_statement(&w, p, true);
		out->place = out->bare ? hash_bytes(out->bare, strlen(out->bare)) % PG_FEW : 0;
		out->found = out->few ? atomic_load_explicit(&out->few[out->place], memory_order_relaxed) : PG_FIND_FEW;
		out->sql = out->found == PG_FIND_FEW ? quick_statement(&w, p, p.exact && q->ids_only) : NULL;
		w.failed |= !out->bare || (out->found == PG_FIND_FEW && !out->sql);
	}
	return w.failed || arena_failed(a) ? ERR_NO_MEMORY : ERR_OK;
}
