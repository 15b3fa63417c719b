/* SPDX-License-Identifier: Apache-2.0
 * store_pg_query_element.c - what a query asks about elements: tests of their rows, and the indexes that find these. */
#include "base/str.h"
#include "sql/store_pg_query_sql.h"

/* -- elements --------------------------------------------------------------------------------------------------------------------------- */
/* The step that ends at the element, and the last idShort of the path; absent: of any element. */
const struct query_step *qsql_element_step(const struct query_field *f, struct slice *name)
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

/* NULL: it is none that SQL can compare with. */
static const char *number(struct writer *w, const struct leaf *l)
{
	double v;
	if (!l->value || l->value->type != QUERY_NUM || !op_text(l->op) || !str_double(l->value->text.p, l->value->text.n, &v))
		return NULL;
	pg_item_num(w->nums, v);
	return SQL(w, "($4::float8[])[%u]", ++w->n_nums);
}

/* Doubles are rounded, so what is greater is at least not less.  A text that looks like a number may be one. */
static const char *test_number(struct writer *w, const struct leaf *l, const char *number)
{
	if (!number)
		return "true";
	return SQL(w, "CASE e.value_group WHEN 1 THEN e.num IS NULL OR e.num %s %s ELSE e.value ~ '^[-+.0-9IN]' END", op_text(l->op), number);
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
static const char *test_value(struct writer *w, const struct leaf *l, const char *number)
{
	const char *test = "true";
	if (qsql_is_text(l))
		test = qsql_compare_text(w, "e.value", l);
	else if (l->value && l->value->type == QUERY_NUM)
		test = test_number(w, l, number);
	else if (l->value && l->value->type == QUERY_DATETIME)
		test = test_time(w, l);
	return test && strcmp(test, "true") ? SQL(w, "(e.class = 'MultiLanguageProperty' OR %s)", test) : "true";
}

static const char *test_type(struct writer *w, const struct leaf *l)
{
	return qsql_is_equal(l) ? SQL(w, "e.value_type = %s", qsql_text(w, l->value->text)) : "true";
}

/* Some comparisons of one and the same element. */
struct element {
	const char *name, *semantic, *id_short, *value;	/* what is equal to them */
	const char *low, *high;		/* number that it is not below, not above */
	const char *path;		/* is part of its path; NULL: no more than the name is known */
	bool numbers_only;		/* no other comparison than of its value with numbers */
	bool leaf;			/* a value, a valueType or a language is asked for: it is no collection and no list */
	struct buf tests;
};

static const char *element_value(struct writer *w, struct element *e, const struct leaf *l)
{
	const char *v = number(w, l);
	e->numbers_only &= v != NULL;
	if (v && l->op != QUERY_LT && l->op != QUERY_LE)
		e->low = v;
	if (v && l->op != QUERY_GT && l->op != QUERY_GE)
		e->high = v;
	return test_value(w, l, v);
}

static void element_add(struct writer *w, struct element *e, const struct leaf *l)
{
	const char *test = "true";
	e->numbers_only &= l->field->attr == QUERY_VALUE;
	switch (l->field->attr) {
	case QUERY_VALUE:
		e->leaf = true;
		if (qsql_is_equal(l) && !e->value)
			e->value = qsql_text(w, l->value->text);
		else
			test = element_value(w, e, l);
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
		e->id_short = qsql_is_equal(l) ? qsql_text(w, l->value->text) : e->id_short;
		break;
	case QUERY_KEY_VALUE:
		e->semantic = qsql_is_equal(l) ? qsql_text(w, l->value->text) : e->semantic;
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
		sql = SQL(w, "e.found_key = twinshell.key_of(%s)", e->value);
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

/* The rarer kind leads, and when it has many rows that is all that is said. */
static const char *element_few(struct writer *w, struct element *e)
{
	const char *name = e->id_short ? e->id_short : e->name, *first = e->value ? e->value : e->semantic;
	if (!first || (!name && !(e->value && e->semantic)))
		return NULL;
	struct element alone = { .value = e->value, .semantic = e->value ? NULL : e->semantic };
	return SQL(w, "SELECT CASE WHEN c.n <= %u THEN c.submodel END FROM (SELECT e.submodel, row_number() OVER () AS n, (true%s) AS fits"
		   " FROM twinshell.element e WHERE %s LIMIT %u) AS c WHERE c.fits OR c.n > %u", w->lead, element_tests(w, e, first),
		   element_finds(w, &alone, NULL), w->lead + 1, w->lead);
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
	const char *sql = b.n && s->n_names > 1 ? qsql_text(w, buf_view(&b)) : NULL;
	w->failed |= b.failed;
	buf_fini(&b);
	return sql;
}

/* -- values that were written since: see 0022-found.sql ----------------------------------------------------------------------------------------- */
/* Of the rows that are not found by what they hold now, those that fit.  Few, and each is looked up (LIMIT: never joined as a whole).  They have no
 * index, and whoever searches plans without reading tables from end to end: hence their places. */
static const char *behind(struct writer *w, const char *keys, const char *tests)
{
	w->failed |= !keys;
	return SQL(w, "%s UNION ALL SELECT e.submodel FROM twinshell.element_behind b CROSS JOIN LATERAL (SELECT e.*"
		   " FROM twinshell.element e WHERE e.submodel = b.submodel AND e.path_key = b.path_key LIMIT 1) AS e WHERE b.ctid >= '(0,0)'::tid%s",
		   keys ? keys : "", tests);
}

/* -- numbers: element_number has them by name, depth and number (0020-ranges.sql) ------------------------------------------------------------- */
#define DEPTH_MAX 16	/* as twinshell.depth_of has it */
#define NUMBER "e.found_num"

/* Elements of a name, `depth` a condition on how deep they lie, with a number in a range, or one that is not known. */
static const char *numbers(struct writer *w, const char *name, const char *depth, const char *low, const char *high, const char *test)
{
	const char *of = SQL(w, "SELECT e.submodel FROM twinshell.element e WHERE twinshell.key_of(twinshell.name_of(e.path)) = twinshell.key_of(%s)"
				" AND twinshell.depth_of(e.path) %s%s", name, depth, test);
	const char *above = low ? SQL(w, " AND " NUMBER " >= %s", low) : "", *below = high ? SQL(w, " AND " NUMBER " <= %s", high) : "";
	w->failed |= !of || !above || !below;
	return SQL(w, "%s%s%s UNION ALL %s AND " NUMBER " = 'NaN'", of ? of : "", above ? above : "", below ? below : "", of ? of : "");
}

/* All elements that may fit; they are not tested otherwise, so that it is soon known whether there are too many.  An item of a list may have an
 * idShort that its path does not tell. */
static const char *element_numbers(struct writer *w, const struct element *e)
{
	static const char any[] = "= ANY ('{1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16}'::integer[])";
	bool known = e->name && !e->id_short && !e->value && (e->low || e->high);
	return known ? numbers(w, e->name, any, e->low, e->high, "") : NULL;
}

/* What is written as the path from the submodel on is one element at most, and all others that have its end lie deeper. */
const char *qsql_range(struct writer *w, const struct leaf *low, const struct leaf *high)
{
	struct slice last;
	const struct query_step *s = qsql_element_step(low->field, &last);
	if (s != low->field->step || low->field->n_steps != 1 || !s->n_names || s->n_names >= DEPTH_MAX || s->name[s->n_names - 1].n_indices)
		return NULL;
	const char *name = qsql_text(w, last), *path = s->n_names > 1 ? dotted(w, s) : name, *from = number(w, low), *to = number(w, high);
	if (!path || !from || !to)
		return NULL;
	const char *here = SQL(w, "= %u", s->n_names), *test = SQL(w, " AND e.path = %s", path);
	const char *one = here && test ? numbers(w, name, here, from, to, test) : NULL;
	const char *in = SQL(w, " AND strpos(e.path, %s) > 0", path);
	w->failed |= !one || !in;
	return behind(w, SQL(w, "%s UNION ALL SELECT e.submodel FROM twinshell.element e WHERE twinshell.key_of(twinshell.name_of(e.path)) ="
			     " twinshell.key_of(%s) AND twinshell.depth_of(e.path) > %u AND " NUMBER " IS NOT NULL%s",
			     one ? one : "", name, s->n_names, in ? in : ""), in ? in : "");
}

/* -- elements as parts ------------------------------------------------------------------------------------------------------------------ */
/* Rows that fit, and what facts tell of elements (or values) that have no row.  Without anything that an index finds: ALL. */
static struct part element_set(struct writer *w, struct element *e)
{
	struct part p = qsql_all;
	const char *known = e->semantic ? e->semantic : e->id_short ? e->id_short : e->name, *near = element_numbers(w, e);
	bool simple = near && e->numbers_only && !e->path;	/* then nothing else finds less */
	if (e->value || known) {
		const char *one = SQL(w, "twinshell.element e WHERE e.submodel = s.key AND %s%s", element_finds(w, e, e->value),
				      element_tests(w, e, e->semantic));
		const char *tests = element_tests(w, e, NULL), *few = simple || near ? NULL : element_few(w, e);
		near = near ? behind(w, near, tests) : NULL;
		const char *set = w->quick && few ? few : simple ? near : element_keys(w, e);
		struct both b = { .set = e->value && set != near ? behind(w, set, tests) : set, .row = qsql_exists(w, one) };
		for (int i = 0; i < 2; i++) {
			if (i ? !(e->semantic || e->id_short || !e->leaf) : !e->value)
				continue;
			b = qsql_either(w, b, qsql_fact(w, STORE_SUBMODEL, !i ? 11 : e->semantic ? 10 : 9, "", i ? known : e->value));
		}
		p = qsql_led(qsql_set(w, b, false), simple ? NULL : near);
	}
	buf_fini(&e->tests);
	return p;
}

static void element_init(struct writer *w, struct element *e, const struct leaf *l)
{
	struct slice name;
	const struct query_step *s = qsql_element_step(l->field, &name);
	*e = (struct element){ .numbers_only = true, .tests = BUF_INIT };
	e->name = name.p ? qsql_text(w, name) : NULL;
	e->path = dotted(w, s);
}

struct part qsql_element(struct writer *w, const struct leaf *l, unsigned n)
{
	struct element e;
	element_init(w, &e, l);
	for (unsigned i = 0; i < n; i++)
		element_add(w, &e, l + i);
	return element_set(w, &e);
}
