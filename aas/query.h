/* SPDX-License-Identifier: Apache-2.0
 * query.h - the AAS query language (IDTA-01002 V3.1, "AAS Query Language"): a query as a small tree, and whether it holds.
 *
 * The reader makes a tree in an arena; the tree is constant afterwards and belongs to one request.  The evaluator works on trees of the
 * metamodel and is the specification: the memory store uses it alone, sql/store_pg_query.c narrows down what it is asked about.
 *
 * A comparison that is about lists ("[]", "$sme" without a path, a path that several elements have) holds when it holds for some item.
 * $match binds: all that is written alike up to a "[]", and every "$sme" of the same path, is the same item within one $match.
 * A path of "$sme" may begin at any element.  What one element more than needed would be is decided in query_eval.c, with the clause.
 */
#ifndef AAS_QUERY_H
#define AAS_QUERY_H

#include "aas/store.h"

#define QUERY_DEPTH_MAX 32		/* nesting of expressions and of casts */
#define QUERY_NODES_MAX 500		/* expressions and operands together */
#define QUERY_TEXT_MAX 2048		/* bytes of one literal or field */
#define QUERY_DOCS_MAX 2000		/* documents that one request looks at */
#define QUERY_STEPS_MAX UINT64_C(20000000)	/* elements, list items and characters that one request looks at */

enum query_root { QUERY_AAS, QUERY_SM, QUERY_SME, QUERY_CD, QUERY_AASDESC, QUERY_SMDESC, QUERY_N_ROOTS };

enum query_op {
	QUERY_AND, QUERY_OR, QUERY_NOT, QUERY_MATCH, QUERY_BOOLEAN,
	QUERY_EQ, QUERY_NE, QUERY_GT, QUERY_GE, QUERY_LT, QUERY_LE,
	QUERY_CONTAINS, QUERY_STARTS, QUERY_ENDS, QUERY_REGEX
};

enum query_type { QUERY_STR, QUERY_NUM, QUERY_HEX, QUERY_BOOL, QUERY_DATETIME, QUERY_TIME };

/* What a field shows of the node at the end of its path. */
enum query_attr {
	QUERY_ID_SHORT, QUERY_ID, QUERY_ASSET_KIND, QUERY_ASSET_TYPE, QUERY_GLOBAL_ASSET_ID, QUERY_NAME, QUERY_VALUE, QUERY_VALUE_TYPE,
	QUERY_LANGUAGE, QUERY_REF_TYPE, QUERY_KEY_TYPE, QUERY_KEY_VALUE, QUERY_ENDPOINT_INTERFACE, QUERY_ENDPOINT_HREF
};

/* How to come from a node to the next ones: all elements with a path, the elements below by a path, the items of a list, or the one Reference. */
enum query_list { QUERY_END, QUERY_ELEMENTS, QUERY_CHILDREN, QUERY_SPECIFIC_IDS, QUERY_SUBMODELS, QUERY_KEYS, QUERY_SEMANTIC, QUERY_SUBJECT,
		  QUERY_DESCRIPTORS, QUERY_ENDPOINTS };

#define QUERY_ANY (-1)			/* "[]" */
/* "Documents[3]": the idShort of an element, and the places in the lists below it; without a name: places only. */
struct query_name {
	struct slice name;
	unsigned n_indices;
	const int64_t *index;		/* QUERY_ANY or a place from 0; QUERY_ANY only as the very last one of a step */
};

struct query_step {
	enum query_list list;
	int64_t index;			/* of the item, or QUERY_ANY; not of ELEMENTS and CHILDREN */
	const struct query_name *name;	/* ELEMENTS, CHILDREN: the path, up to and with its "[]"; none: every element */
	unsigned n_names;
	bool many;			/* can lead to more than one node */
	bool listed;			/* written with "[]", or "$sme" without a path: one $match is about one such list only */
	unsigned var;			/* of `many`: the same number for steps that are written alike up to here */
	struct slice prefix;		/* what it is written as, from the beginning of the field */
};

struct query_field {
	const char *text;		/* as the client wrote it */
	enum query_root root;
	const struct query_step *step;
	unsigned n_steps;
	enum query_attr attr;
};

/* A number as decimal digits: nothing is rounded.  0.d1d2... times ten to the power `exponent`, d1 and the last one not 0. */
struct query_num {
	int sign;			/* -1, 0, 1 */
	enum { QUERY_FINITE, QUERY_INF, QUERY_NAN } kind;
	const char *digits;		/* may hold one '.', which does not count */
	size_t n;			/* bytes of `digits` */
	int64_t exponent;
};

struct query_datum {
	enum query_type type;
	struct slice text;		/* STR: the text; HEX: its digits without leading zeros; the others: as written */
	struct query_num num;
	int64_t us;			/* DATETIME: since 1970; TIME: since midnight */
	bool boolean;
};

enum query_operand_kind { QUERY_CONST, QUERY_FIELD, QUERY_CAST, QUERY_PART };
enum query_part { QUERY_DAY_OF_WEEK, QUERY_DAY_OF_MONTH, QUERY_MONTH, QUERY_YEAR };

struct query_operand {
	enum query_operand_kind kind;
	enum query_type type;			/* of what comes out; a field is a text */
	enum query_part part;
	struct query_datum constant;
	const struct query_field *field;
	const struct query_operand *arg;	/* of CAST and PART; holds a field somewhere: constants are folded */
};

struct query_regex;

struct query_expr {
	enum query_op op;
	bool boolean;				/* QUERY_BOOLEAN */
	unsigned n;
	const struct query_expr *const *arg;	/* AND, OR, NOT, MATCH (its comparisons before its inner matches) */
	const struct query_operand *side[2];	/* comparisons */
	const struct query_regex *regex;	/* QUERY_REGEX with a constant pattern */
};

struct aas_query {
	const struct query_expr *condition;
	bool ids_only;				/* $select "id" */
	bool can_fail;				/* holds an explicit cast of a field: a candidate can be left out by it */
	bool root[QUERY_N_ROOTS];		/* that fields begin at */
	bool nested;				/* a field is about the submodel descriptors of a shell's */
	unsigned n_vars;
};

/* The JSON form, bare or as {"Query": {...}}.  `endpoint` says which roots fields may begin at.  ERR_BAD_REQUEST with the place in the
 * JSON ("$condition.$and[1].$eq[0].$field"), or ERR_NO_MEMORY.  Keeps no pointer into `text`. */
enum err aas_query_read(struct arena *, enum store_kind endpoint, const char *text, size_t n, struct aas_query **, struct diag *);

/* A shell and a submodel that it refers to, or one of the two, or a concept description, or a descriptor; what is not there is NULL. */
struct query_tuple {
	const struct aas_node *shell, *submodel, *concept, *descriptor;
};
/* Does the condition hold?  `steps` is what may be spent, and decreases.  The arena is for scratch.  ERR_NO_MEMORY; ERR_EXPENSIVE: it costs
 * more than allowed. */
enum err aas_query_holds(const struct aas_query *, const struct query_tuple *, struct arena *, uint64_t *steps, bool *yes);

/* -- for stores --------------------------------------------------------------------------------------------------------------------- */
/* Where the other halves of tuples come from.  Called only when the query is about both shells and submodels. */
struct query_source {
	enum err (*submodel)(void *ctx, const char *id, struct arena *, struct slice *json);	/* ERR_NOT_FOUND */
	/* The first shell behind `after` (NULL: of all) that refers to the submodel. */
	enum err (*shell)(void *ctx, const char *submodel_id, const char *after, struct arena *, struct store_doc *);	/* ERR_NOT_FOUND */
	void *ctx;
};
/* Is the candidate, a document of this kind, part of the answer?  ERR_EXPENSIVE: what `want` allows is used up. */
enum err aas_query_examine(struct store_query *want, enum store_kind, const struct store_doc *, const struct query_source *, bool *yes);

#endif
