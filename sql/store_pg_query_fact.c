/* SPDX-License-Identifier: Apache-2.0
 * store_pg_query_fact.c - what is asked about shells, submodels and concept descriptions themselves: columns of their rows, and facts
 * (aas/facts.h), by which they are found in the order of their ids.
 */
#include "aas/facts.h"
#include "sql/store_pg_query_sql.h"

/* The kind of what lives here; of any other kind itself. */
enum store_kind qsql_under(enum store_kind kind)
{
	return kind == STORE_SHELL_DESCRIPTOR ? STORE_SHELL : kind == STORE_SUBMODEL_DESCRIPTOR ? STORE_SUBMODEL : kind;
}

bool qsql_is_descriptor(const struct writer *w)
{
	return qsql_under(w->kind) != w->kind;
}

/* Which lookup rows tell of it; `column` is the kind of a row. */
static const char *kinds(struct writer *w, enum store_kind kind, const char *column)
{
	return qsql_is_descriptor(w) ? SQL(w, "%s IN (%d, %d)", column, (int)qsql_under(w->kind), (int)w->kind)
				     : SQL(w, "%s = %d", column, (int)kind);
}

/* Rows that `by`, which has an index, finds, and `test`, which leaves none of the others over.  Of one identifiable they are found by its key: the
 * kind is written so that no index beginning with it fits. */
static struct both lookup(struct writer *w, enum store_kind kind, const char *by, const char *test)
{
	const char *own = kinds(w, kind, "l.kind"), *of_one = kinds(w, kind, "l.kind + 0");
	w->failed |= !own || !of_one || !by || !test;
	if (w->failed)
		return (struct both){ .set = "", .row = "" };
	const char *hash = strstr(by, "l.hash") ? by : "true";
	return (struct both){ .set = SQL(w, "SELECT l.key FROM twinshell.lookup l WHERE %s AND %s AND %s", own, by, test),
			      .row = qsql_exists(w, SQL(w, "twinshell.lookup l WHERE l.key = s.key AND %s AND %s AND %s", of_one, hash, test)) };
}

/* One fact; where it is one of what the query is about, the index has those that have it in the order of their ids. */
static const char *fact_is(struct writer *w, int field, const char *name, const char *value)
{
	return SQL(w, "l.hash = twinshell.key_of(%s || E'\\n' || %s) AND l.field = %d AND l.name = %s AND l.value = %s",
		   name, value, field, name, value);
}

static void walk_by(struct writer *w, enum store_kind kind, const char *fact, struct walks *to)
{
	const char *own = SQL(w, "l.kind = %d AND %s", (int)kind, fact ? fact : "");
	w->failed |= !fact || !own;
	if (!qsql_is_descriptor(w) && kind == w->kind)
		to->by[to->n++] = own;
}

struct both qsql_fact(struct writer *w, enum store_kind kind, int field, const char *name, const char *value)
{
	const char *n = *name ? qsql_text(w, slice_of(name)) : "''";
	struct both b = lookup(w, kind, SQL(w, "l.hash = twinshell.key_of(%s || E'\\n' || %s)", n, value),
			       SQL(w, "l.field = %d AND l.name = %s AND l.value = %s", field, n, value));
	walk_by(w, kind, fact_is(w, field, n, value), &b.walks);
	return b;
}

static struct part column(struct writer *w, const char *name, const struct leaf *l)
{
	const char *test = qsql_compare_text(w, SQL(w, "(s.%s COLLATE \"C\")", name), l);
	if (!test)
		return qsql_all;
	if (qsql_is_descriptor(w) && strcmp(name, "id")) {
		const char *all_of = SQL(w, "SELECT s.key FROM twinshell.%s s WHERE coalesce(%s, false) UNION ALL SELECT s.key FROM twinshell.%s s"
					 " WHERE coalesce(%s, false)", pg_kinds[qsql_under(w->kind)].table, test, pg_kinds[w->kind].table, test);
		return qsql_set(w, (struct both){ .set = all_of, .row = qsql_exists(w, SQL(w, "(%s) AS q(k) WHERE q.k = s.key", all_of)) }, false);
	}
	return qsql_part(w, ROW, SQL(w, "coalesce(%s, false)", test), true);
}

/* id, idShort: what all identifiables have */
struct part qsql_common(struct writer *w, const struct leaf *l)
{
	if (l->field->attr == QUERY_ID && qsql_is_equal(l)) {
		const char *v = qsql_text(w, l->value->text);
		struct part p = qsql_part(w, ROW, SQL(w, "(s.key = twinshell.key_of(%s) AND s.id = %s)", v, v), true);
		p.driver[p.n_drivers++] = SQL(w, "SELECT twinshell.key_of(%s)", v);
		return p;
	}
	if (l->field->attr == QUERY_ID_SHORT && qsql_is_equal(l))
		return qsql_set(w, qsql_fact(w, w->kind, 1, "", qsql_text(w, l->value->text)), !qsql_is_descriptor(w));
	return column(w, l->field->attr == QUERY_ID ? "id" : "id_short", l);
}

static struct part shell_list(struct writer *w, const struct leaf *l)
{
	const struct query_step *s = l->field->step;
	if (!qsql_is_equal(l))
		return qsql_all;
	const char *v = qsql_text(w, l->value->text);
	if (s[0].list == QUERY_SPECIFIC_IDS && l->field->attr == QUERY_NAME)
		return qsql_set(w, lookup(w, STORE_SHELL, "true", SQL(w, "l.field = 5 AND l.name = %s", v)), false);
	if (s[0].list == QUERY_SPECIFIC_IDS && l->field->attr == QUERY_VALUE)
		return qsql_set(w, lookup(w, STORE_SHELL, SQL(w, "twinshell.key_of(l.value) = twinshell.key_of(%s)", v),
				     SQL(w, "l.field = 5 AND l.value = %s", v)), false);
	if (s[0].list != QUERY_SUBMODELS || l->field->attr != QUERY_KEY_VALUE)
		return qsql_all;
	struct both first = qsql_fact(w, STORE_SHELL, 6, "", v);
	if (s[1].index == 0)
		return qsql_set(w, first, s[0].index == QUERY_ANY);
	return qsql_set(w, qsql_either(w, first, qsql_fact(w, STORE_SHELL, 8, "", v)), s[0].index == QUERY_ANY && s[1].index == QUERY_ANY);
}

struct part qsql_shell_leaf(struct writer *w, const struct leaf *l)
{
	if (l->field->n_steps)
		return shell_list(w, l);
	static const struct { const char *column; int field; const char *name; bool exact; } of[QUERY_ENDPOINT_HREF + 1] = {
		[QUERY_ASSET_KIND] = { "asset_kind", FACT_ASSET_KIND, "", true },
		[QUERY_ASSET_TYPE] = { "asset_type", FACT_ASSET_TYPE, "", true },
		[QUERY_GLOBAL_ASSET_ID] = { "global_asset_id", FACT_ASSET_ID, "globalAssetId", false },
	};
	int i = (int)l->field->attr;
	if (!of[i].column)
		return qsql_common(w, l);
	if (!qsql_is_equal(l))
		return column(w, of[i].column, l);
	return qsql_set(w, qsql_fact(w, STORE_SHELL, of[i].field, of[i].name, qsql_text(w, l->value->text)), of[i].exact && !qsql_is_descriptor(w));
}

struct part qsql_submodel_leaf(struct writer *w, const struct leaf *l)
{
	if (!l->field->n_steps)
		return qsql_common(w, l);
	if (!qsql_is_equal(l) || l->field->attr != QUERY_KEY_VALUE)
		return qsql_all;
	int64_t index = l->field->step[l->field->n_steps - 1].index;
	const char *v = qsql_text(w, l->value->text);
	if (index >= 0)
		return qsql_set(w, qsql_fact(w, STORE_SUBMODEL, 7, index ? "n" : "0", v), index == 0 && !qsql_is_descriptor(w));
	const char *by = SQL(w, "l.hash = ANY (ARRAY[twinshell.key_of(E'0\\n' || %s), twinshell.key_of(E'n\\n' || %s)])", v, v);
	struct both any = lookup(w, STORE_SUBMODEL, by, SQL(w, "l.field = 7 AND l.value = %s", v));
	walk_by(w, STORE_SUBMODEL, fact_is(w, 7, "'0'", v), &any.walks);
	walk_by(w, STORE_SUBMODEL, fact_is(w, 7, "'n'", v), &any.walks);
	return qsql_set(w, any, index == QUERY_ANY && !qsql_is_descriptor(w));
}
