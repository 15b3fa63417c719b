/* SPDX-License-Identifier: Apache-2.0
 * query_read.c - the JSON form of a query (IDTA-01002 V3.1, "JSON Serialization of Queries").
 *
 * One pass over the bytes.  What is constant is cast and compared now, so that a query that cannot work is refused instead of answering
 * nothing; everything a client can make large (depth, nodes, texts) is counted. */
#include "aas/jsonlex.h"
#include "aas/query_priv.h"

struct reader {
	struct jl j;
	struct arena *arena;
	struct diag *diag;
	enum store_kind endpoint;
	struct aas_query *query;
	struct query_names names;
	unsigned nodes, depth;
};

#define BAD(r, ...) diag_add((r)->diag, ERR_BAD_REQUEST, __VA_ARGS__)

static enum err no_memory(struct reader *r)
{
	return diag_add(r->diag, ERR_NO_MEMORY, "out of memory");
}

/* What the tokenizer has refused. */
static enum err lexical(struct reader *r)
{
	if (arena_failed(r->arena))
		return no_memory(r);
	return BAD(r, "%s", r->j.bad ? r->j.bad : "malformed JSON");
}

static enum err enter(struct reader *r)
{
	if (++r->depth > QUERY_DEPTH_MAX)
		return BAD(r, "nested deeper than %d", QUERY_DEPTH_MAX);
	if (++r->nodes > QUERY_NODES_MAX)
		return BAD(r, "more than %d expressions and values", QUERY_NODES_MAX);
	return ERR_OK;
}

static enum err text(struct reader *r, struct slice *out)
{
	if (!jl_string(&r->j, out))
		return lexical(r);
	if (out->n > QUERY_TEXT_MAX)
		return BAD(r, "a text of more than %d bytes", QUERY_TEXT_MAX);
	if (memchr(out->p, 0, out->n))
		return BAD(r, "a text with U+0000");
	return ERR_OK;
}

/* The one member of an object: its name, and the value comes next. */
static enum err only_member(struct reader *r, struct slice *name)
{
	bool first = true;
	if (!jl_open(&r->j, '{'))
		return lexical(r);
	if (!jl_member(&r->j, &first, name))
		return r->j.bad ? lexical(r) : BAD(r, "an object with one member is expected, this one is empty");
	return ERR_OK;
}

static enum err no_more(struct reader *r)
{
	struct slice name;
	bool first = false;
	if (jl_member(&r->j, &first, &name))
		return BAD(r, "one member is expected, \"%.100s\" is one too many", name.p);
	return r->j.bad ? lexical(r) : ERR_OK;
}

/* -- operands: $field, literals, casts, parts of a date --------------------------------------------------------------------------------- */
enum { STRING_ONLY = 1 };
static enum err read_operand(struct reader *r, unsigned flags, struct query_operand **out);

static enum err read_field(struct reader *r, struct query_operand *o, unsigned detail)
{
	struct slice s;
	struct query_field *f;
	(void)detail;
	enum err e = text(r, &s);
	if (!e)
		e = query_field_read(r->arena, r->endpoint, s.p, s.n, &r->names, &f, r->diag);
	if (e)
		return e;
	r->query->root[f->root] = true;
	r->query->nested |= f->n_steps && f->step[0].list == QUERY_DESCRIPTORS;
	o->kind = QUERY_FIELD;
	o->type = QUERY_STR;
	o->field = f;
	return ERR_OK;
}

static enum err constant(struct reader *r, struct query_operand *o, enum query_type type, struct slice s)
{
	o->kind = QUERY_CONST;
	o->type = type;
	if (!query_datum_read(type, s, &o->constant))
		return BAD(r, "\"%.100s\" is no %s", s.p, query_type_name(type));
	return ERR_OK;
}

static enum err read_literal(struct reader *r, struct query_operand *o, unsigned type)
{
	struct slice s;
	enum err e = text(r, &s);
	if (e)
		return e;
	if (type == QUERY_STR && s.n && *s.p == '$')
		return BAD(r, "a text does not begin with \"$\"; fields are named by $field");
	return constant(r, o, (enum query_type)type, s);
}

static enum err read_number(struct reader *r, struct query_operand *o, unsigned detail)
{
	struct slice s;
	(void)detail;
	if (!jl_number(&r->j, &s))
		return lexical(r);
	if (s.n > QUERY_TEXT_MAX)
		return BAD(r, "a number of more than %d digits", QUERY_TEXT_MAX);
	s.p = arena_strndup(r->arena, s.p, s.n);
	return s.p ? constant(r, o, QUERY_NUM, s) : no_memory(r);
}

static enum err read_boolean(struct reader *r, struct query_operand *o, unsigned detail)
{
	bool b;
	(void)detail;
	if (!jl_bool(&r->j, &b))
		return lexical(r);
	return constant(r, o, QUERY_BOOL, b ? SLICE("true") : SLICE("false"));
}

static enum err uncastable(struct reader *r, const char *what)
{
	return arena_failed(r->arena) ? no_memory(r) : BAD(r, "the value cannot be cast to a %s", what);
}

static enum err read_cast(struct reader *r, struct query_operand *o, unsigned type)
{
	struct query_operand *arg;
	enum err e = read_operand(r, 0, &arg);
	if (e)
		return e;
	o->type = (enum query_type)type;
	if (arg->kind == QUERY_CONST) {
		o->kind = QUERY_CONST;
		return query_datum_cast(r->arena, &arg->constant, o->type, &o->constant) ? ERR_OK : uncastable(r, query_type_name(o->type));
	}
	o->kind = QUERY_CAST;
	o->arg = arg;
	r->query->can_fail |= o->type != QUERY_STR;
	return ERR_OK;
}

/* The schema wants a date and time, the grammar any operand that is one: both are read. */
static enum err read_part(struct reader *r, struct query_operand *o, unsigned part)
{
	struct query_operand *arg = ARENA_NEW(r->arena, struct query_operand);
	struct query_datum d;
	if (!arg)
		return no_memory(r);
	enum err e = jl_peek(&r->j) == '"' ? read_literal(r, arg, QUERY_DATETIME) : read_operand(r, 0, &arg);
	if (e)
		return e;
	o->type = QUERY_NUM;
	o->part = (enum query_part)part;
	if (arg->kind == QUERY_CONST) {
		o->kind = QUERY_CONST;
		return query_datum_cast(r->arena, &arg->constant, QUERY_DATETIME, &d) && query_datum_part(r->arena, &d, o->part, &o->constant)
			? ERR_OK : uncastable(r, query_type_name(QUERY_DATETIME));
	}
	if (arg->type != QUERY_DATETIME && arg->kind != QUERY_FIELD)
		return BAD(r, "a date and time is expected, this is a %s", query_type_name(arg->type));
	o->kind = QUERY_PART;
	o->arg = arg;
	return ERR_OK;
}

static const struct {
	const char *name;
	enum err (*read)(struct reader *, struct query_operand *, unsigned detail);
	unsigned detail;
	bool string;		/* may stand where only texts may */
} operands[] = {
	{ "$field", read_field, 0, true }, { "$strVal", read_literal, QUERY_STR, true }, { "$numVal", read_number, 0, false },
	{ "$hexVal", read_literal, QUERY_HEX, false }, { "$dateTimeVal", read_literal, QUERY_DATETIME, false },
	{ "$timeVal", read_literal, QUERY_TIME, false }, { "$boolean", read_boolean, 0, false }, { "$strCast", read_cast, QUERY_STR, true },
	{ "$numCast", read_cast, QUERY_NUM, false }, { "$hexCast", read_cast, QUERY_HEX, false }, { "$boolCast", read_cast, QUERY_BOOL, false },
	{ "$dateTimeCast", read_cast, QUERY_DATETIME, false }, { "$timeCast", read_cast, QUERY_TIME, false },
	{ "$dayOfWeek", read_part, QUERY_DAY_OF_WEEK, false }, { "$dayOfMonth", read_part, QUERY_DAY_OF_MONTH, false },
	{ "$month", read_part, QUERY_MONTH, false }, { "$year", read_part, QUERY_YEAR, false },
};
#define N_OPERANDS (sizeof operands / sizeof *operands)

static enum err read_operand(struct reader *r, unsigned flags, struct query_operand **out)
{
	struct query_operand *o = ARENA_NEW(r->arena, struct query_operand);
	struct diag_frame f;
	struct slice name;
	size_t i = 0;
	enum err e = enter(r);
	if (!o)
		return no_memory(r);
	if (e || (e = only_member(r, &name)))
		return e;
	while (i < N_OPERANDS && !slice_is(name, operands[i].name))
		i++;
	if (i == N_OPERANDS)
		return BAD(r, "\"%.100s\" is no value of the query language", name.p);
	if (flags & STRING_ONLY && !operands[i].string)
		return BAD(r, "$field, $strVal or $strCast is expected here, not %s", operands[i].name);
	diag_push(r->diag, &f, operands[i].name);
	e = operands[i].read(r, o, operands[i].detail);
	diag_pop(r->diag);
	r->depth--;
	*out = o;
	return e ? e : no_more(r);
}

/* -- expressions ------------------------------------------------------------------------------------------------------------------------ */
static enum err read_expr(struct reader *r, bool in_match, struct query_expr **out);

static enum err read_list(struct reader *r, struct query_expr *x, unsigned least)
{
	const struct query_expr *arg[QUERY_NODES_MAX];
	struct query_expr *one;
	struct diag_frame f;
	bool first = true;
	if (!jl_open(&r->j, '['))
		return lexical(r);
	for (; jl_item(&r->j, &first); x->n++) {
		diag_push_index(r->diag, &f, x->n);
		enum err e = x->n == QUERY_NODES_MAX ? BAD(r, "too many") : read_expr(r, x->op == QUERY_MATCH, &one);
		diag_pop(r->diag);
		if (e)
			return e;
		arg[x->n] = one;
	}
	if (r->j.bad)
		return lexical(r);
	if (x->n < least)
		return BAD(r, "%u expressions are the least, these are %u", least, x->n);
	const struct query_expr **kept = ARENA_ARRAY(r->arena, const struct query_expr *, x->n);
	if (!kept)
		return no_memory(r);
	unsigned k = 0;
	for (int inner = 0; inner < 2; inner++)		/* inner matches last: what they share with the others is bound by then */
		for (unsigned i = 0; i < x->n; i++)
			if ((arg[i]->op == QUERY_MATCH && x->op == QUERY_MATCH) == inner)
				kept[k++] = arg[i];
	x->arg = kept;
	return ERR_OK;
}

static enum err read_all(struct reader *r, struct query_expr *x)
{
	return read_list(r, x, 2);
}

static enum err read_match(struct reader *r, struct query_expr *x)
{
	return read_list(r, x, 1);
}

static enum err read_not(struct reader *r, struct query_expr *x)
{
	struct query_expr *one;
	const struct query_expr **kept = ARENA_ARRAY(r->arena, const struct query_expr *, 1);
	enum err e = kept ? read_expr(r, false, &one) : no_memory(r);
	if (e)
		return e;
	kept[0] = one;
	x->arg = kept;
	x->n = 1;
	return ERR_OK;
}

static enum err read_truth(struct reader *r, struct query_expr *x)
{
	return jl_bool(&r->j, &x->boolean) ? ERR_OK : lexical(r);
}

/* Constants against constants, and what a constant pattern is. */
static enum err finish_comparison(struct reader *r, struct query_expr *x)
{
	const struct query_operand *a = x->side[0], *b = x->side[1];
	const char *why = NULL;
	r->query->can_fail |= x->op == QUERY_REGEX && b->kind != QUERY_CONST;
	if (x->op == QUERY_REGEX && b->kind == QUERY_CONST) {
		if (!(x->regex = query_regex_new(r->arena, b->constant.text, &why)))
			return why ? BAD(r, "\"%.100s\" is no pattern: %.200s", b->constant.text.p, why) : no_memory(r);
		return ERR_OK;
	}
	if (x->op > QUERY_LE || a->kind != QUERY_CONST || b->kind != QUERY_CONST)
		return ERR_OK;
	/* values of different types are different, and that is no error */
	x->boolean = a->type == b->type ? query_datum_compare(x->op, &a->constant, &b->constant) : x->op == QUERY_NE;
	x->op = QUERY_BOOLEAN;
	return ERR_OK;
}

static enum err read_comparison(struct reader *r, struct query_expr *x)
{
	struct query_operand *side;
	struct diag_frame f;
	bool first = true;
	size_t n = 0;
	if (!jl_open(&r->j, '['))
		return lexical(r);
	for (; jl_item(&r->j, &first); n++) {
		diag_push_index(r->diag, &f, n);
		enum err e = n > 1 ? BAD(r, "two values are compared, this is one too many")
				   : read_operand(r, x->op >= QUERY_CONTAINS ? STRING_ONLY : 0, &side);
		diag_pop(r->diag);
		if (e)
			return e;
		x->side[n] = side;
	}
	if (r->j.bad)
		return lexical(r);
	return n == 2 ? finish_comparison(r, x) : BAD(r, "two values are compared, here %s", n ? "is only one" : "are none");
}

static const struct {
	const char *name;
	enum query_op op;
	enum err (*read)(struct reader *, struct query_expr *);
	bool match;		/* may stand in $match */
} exprs[] = {
	{ "$and", QUERY_AND, read_all, false }, { "$or", QUERY_OR, read_all, false }, { "$not", QUERY_NOT, read_not, false },
	{ "$match", QUERY_MATCH, read_match, true }, { "$boolean", QUERY_BOOLEAN, read_truth, true }, { "$eq", QUERY_EQ, read_comparison, true },
	{ "$ne", QUERY_NE, read_comparison, true }, { "$gt", QUERY_GT, read_comparison, true }, { "$ge", QUERY_GE, read_comparison, true },
	{ "$lt", QUERY_LT, read_comparison, true }, { "$le", QUERY_LE, read_comparison, true },
	{ "$contains", QUERY_CONTAINS, read_comparison, true }, { "$starts-with", QUERY_STARTS, read_comparison, true },
	{ "$ends-with", QUERY_ENDS, read_comparison, true }, { "$regex", QUERY_REGEX, read_comparison, true },
};
#define N_EXPRS (sizeof exprs / sizeof *exprs)

static enum err read_expr(struct reader *r, bool in_match, struct query_expr **out)
{
	struct query_expr *x = ARENA_NEW(r->arena, struct query_expr);
	struct diag_frame f;
	struct slice name;
	size_t i = 0;
	enum err e = enter(r);
	if (!x)
		return no_memory(r);
	if (e || (e = only_member(r, &name)))
		return e;
	while (i < N_EXPRS && !slice_is(name, exprs[i].name))
		i++;
	if (i == N_EXPRS)
		return BAD(r, "\"%.100s\" is no operator of the query language", name.p);
	if (in_match && !exprs[i].match)
		return BAD(r, "$match takes comparisons and further $match, not %s", exprs[i].name);
	x->op = exprs[i].op;
	diag_push(r->diag, &f, exprs[i].name);
	e = exprs[i].read(r, x);
	diag_pop(r->diag);
	r->depth--;
	*out = x;
	return e ? e : no_more(r);
}

/* -- $match is about one list at each level ("Match Operator") -------------------------------------------------------------------------- */
struct lists {
	const struct query_field *longest;	/* of this $match */
	struct slice *first;			/* of the outermost one */
};

static const struct query_step *listed(const struct query_field *f, unsigned level)
{
	for (unsigned i = 0; i < f->n_steps; i++)
		if (f->step[i].listed && !level--)
			return &f->step[i];
	return NULL;
}

static enum err agree(struct reader *r, struct lists *l, const struct query_field *f)
{
	const struct query_step *s = listed(f, 0), *o;
	if (!s)
		return ERR_OK;
	if (!l->first->p)
		*l->first = s->prefix;
	if (!slice_eq(*l->first, s->prefix))
		return BAD(r, "one $match is about one list, \"%.*s\" and \"%.*s\" are two", (int)l->first->n, l->first->p, (int)s->prefix.n,
			   s->prefix.p);
	for (unsigned level = 1; l->longest && (s = listed(f, level)) && (o = listed(l->longest, level)); level++)
		if (!slice_eq(s->prefix, o->prefix))
			return BAD(r, "one $match is about one list at each level, \"%.*s\" and \"%.*s\" are two", (int)o->prefix.n, o->prefix.p,
				   (int)s->prefix.n, s->prefix.p);
	if (!l->longest || f->n_steps > l->longest->n_steps)
		l->longest = f;
	return ERR_OK;
}

static enum err check_match(struct reader *r, const struct query_expr *x, struct slice *first)
{
	struct lists l = { NULL, first };
	enum err e = ERR_OK;
	for (unsigned i = 0; i < x->n && !e; i++) {
		if (x->arg[i]->op == QUERY_MATCH)
			e = check_match(r, x->arg[i], first);
		for (int k = 0; k < 2 && !e && x->arg[i]->op >= QUERY_EQ; k++) {
			const struct query_operand *o = x->arg[i]->side[k];
			while (o->arg)
				o = o->arg;
			if (o->kind == QUERY_FIELD)
				e = agree(r, &l, o->field);
		}
	}
	return e;
}

static enum err check_matches(struct reader *r, const struct query_expr *x)
{
	struct slice first = { NULL, 0 };
	enum err e = ERR_OK;
	if (x->op == QUERY_MATCH)
		return check_match(r, x, &first);
	for (unsigned i = 0; i < x->n && !e; i++)
		e = check_matches(r, x->arg[i]);
	return e;
}

/* -- the whole -------------------------------------------------------------------------------------------------------------------------- */
static enum err read_select(struct reader *r)
{
	struct slice s;
	enum err e = text(r, &s);
	if (e)
		return e;
	r->query->ids_only = slice_is(s, "id");
	return r->query->ids_only ? ERR_OK : BAD(r, "only \"id\" can be selected");
}

static enum err read_query(struct reader *r, bool bare)
{
	bool first = true, select = false, done = false;
	struct query_expr *x = NULL;
	struct diag_frame f;
	struct slice name;
	if (!jl_open(&r->j, '{'))
		return lexical(r);
	while (jl_member(&r->j, &first, &name)) {
		enum err e;
		const char *known = slice_is(name, "$select") ? "$select" : slice_is(name, "$condition") ? "$condition" : NULL;
		bool whole = bare && !select && !done && slice_is(name, "Query");
		if (!known && !whole)
			return BAD(r, "\"%.100s\" is no member of a query", name.p);
		diag_push(r->diag, &f, whole ? "Query" : known);
		if (whole)
			e = read_query(r, false);
		else if (known[1] == 's')
			e = select ? BAD(r, "is given twice") : read_select(r);
		else
			e = done ? BAD(r, "is given twice") : read_expr(r, false, &x);
		if (!e && x && !done)
			e = check_matches(r, x);
		diag_pop(r->diag);
		if (e)
			return e;
		if (whole)
			return no_more(r);
		select |= known[1] == 's';
		done |= known[1] == 'c';
	}
	if (r->j.bad)
		return lexical(r);
	r->query->condition = x;
	return x ? ERR_OK : BAD(r, "$condition is missing");
}

enum err aas_query_read(struct arena *a, enum store_kind endpoint, const char *json, size_t n, struct aas_query **out, struct diag *d)
{
	struct diag own = DIAG_INIT;
	struct slice seen[QUERY_NODES_MAX];
	struct reader r = { .arena = a, .diag = d ? d : &own, .endpoint = endpoint, .names = { .seen = seen, .cap = QUERY_NODES_MAX } };
	jl_init(&r.j, a, json, n);
	r.query = ARENA_NEW(a, struct aas_query);
	enum err e = r.query ? read_query(&r, true) : no_memory(&r);
	if (!e && !jl_end(&r.j))
		e = lexical(&r);
	if (!e) {
		r.query->n_vars = r.names.n;
		*out = r.query;
	}
	diag_fini(&own);
	return e;
}
