/* SPDX-License-Identifier: Apache-2.0
 * store_pg_query_sql.h - what the parts of a query as SQL share: store_pg_query_sql.c has expressions and statements, store_pg_query_fact.c what
 * is asked about identifiables, store_pg_query_element.c what is asked about elements.  Texts that are returned lie in the writer's arena;
 * NULL: no memory, and the writer has failed. */
#ifndef TWINSHELL_SQL_STORE_PG_QUERY_SQL_H
#define TWINSHELL_SQL_STORE_PG_QUERY_SQL_H

#include "aas/query.h"
#include "sql/store_pg_priv.h"

#define DRIVERS_MAX 4	/* sets of a conjunction that are counted; further ones are tested */
#define WALKS_MAX 4	/* facts of which one has to hold */

/* Conditions on `l`, a fact of what the query is about.  What has one of these facts is all that can be part of the answer, and the index has it in
 * the order of ids.  n == 0: not known. */
struct walks {
	unsigned n;
	const char *by[WALKS_MAX];
};

/* ROW: a condition on `s`, the row of the identifiable, true or false but never NULL.  SET: a SELECT of keys, and `row` says the same as a condition
 * that is looked up by s.key alone: how often a value occurs does not matter there.  The answer lies in each of the drivers. */
struct part {
	enum { ALL, ROW, SET } kind;
	const char *sql, *row;
	bool exact;
	unsigned n_drivers;
	const char *driver[DRIVERS_MAX];
	struct walks walks;
};

struct writer {
	struct arena *arena;
	enum store_kind kind;		/* whose row `s` is */
	struct buf *texts, *nums, *times;
	unsigned n_texts, n_nums, n_times, leaves, lead;
	bool quick;			/* for who expects few: sets may have a NULL instead of their keys, when there are many */
	bool failed;
};

#define SQL(w, ...) arena_printf((w)->arena, __VA_ARGS__)

/* The same question in both forms. */
struct both {
	const char *set, *row;
	struct walks walks;
};

struct leaf {
	const struct query_field *field;
	enum query_op op;
	const struct query_datum *value;	/* of the other side; NULL: not a constant, or of another type than the field is cast to */
};

/* SQL says nothing. */
#define qsql_all ((struct part){ .kind = ALL })
struct part qsql_part(struct writer *, int kind, const char *sql, bool exact);
struct part qsql_set(struct writer *, struct both, bool exact);
/* `driver` is counted before all others, and what it leads to is tested; NULL: as it was. */
struct part qsql_led(struct part, const char *driver);
const char *qsql_exists(struct writer *, const char *from);
struct both qsql_either(struct writer *, struct both, struct both);
const char *qsql_text(struct writer *, struct slice);	/* as an item of $3 */
/* False: it is about two fields, or looks for a field in a text. */
bool qsql_read_leaf(const struct query_expr *, struct leaf *);
bool qsql_is_text(const struct leaf *);
bool qsql_is_equal(const struct leaf *);	/* to a text */
/* column OP text, where both are texts compared by code points; NULL: not in SQL */
const char *qsql_compare_text(struct writer *, const char *column, const struct leaf *);

/* -- facts (store_pg_query_fact.c) -- */
/* The kind of what lives here; of any other kind itself. */
enum store_kind qsql_under(enum store_kind);
bool qsql_is_descriptor(const struct writer *);
/* One fact; where it is one of what the query is about, it can be walked. */
struct both qsql_fact(struct writer *, enum store_kind, int field, const char *name, const char *value);
/* A comparison with a field of $aas or $sm, or with one that all have: id, idShort. */
struct part qsql_shell_leaf(struct writer *, const struct leaf *), qsql_submodel_leaf(struct writer *, const struct leaf *),
	    qsql_common(struct writer *, const struct leaf *);

/* -- elements -- */
/* The step that ends at the element, and the last idShort of the path; absent: of any element. */
const struct query_step *qsql_element_step(const struct query_field *, struct slice *name);
/* What holds of one element for all of these leaves, which are of one path. */
struct part qsql_element(struct writer *, const struct leaf *, unsigned n);
/* Keys of all submodels in which both bounds of the same path hold, be it of two elements; NULL: no index finds them. */
const char *qsql_range(struct writer *, const struct leaf *low, const struct leaf *high);

#endif
