/* SPDX-License-Identifier: Apache-2.0
 * query_eval.c - does a condition hold for a tuple?  The specification of the query language, in the form of a program.
 *
 * Where IDTA-01002 V3.1 leaves something open it is decided here:
 * - One side missing: the comparison is false, $ne too; both missing: $eq, $le and $ge are true.
 * - A field takes the type of the other side; an item whose text is no value of it is different from it: $ne holds, nothing else.
 * - An explicit cast that fails makes the comparison invalid, unless another item makes it true; an invalid comparison leaves the candidate
 *   out, also below $not and $or.  Within $match an item that another comparison excludes is not asked.
 * - #value is what Property and File have, and each text of a MultiLanguageProperty; #language each of its languages.
 * - What lies below an Entity, an AnnotatedRelationshipElement or an Operation has no path of the language. */
#include "aas/json.h"
#include "aas/query_priv.h"

#define QUERY_BYTES_MAX ((size_t)256 << 20)	/* of one candidate, its partners, and what is made of them */

enum truth { FALSE_, TRUE_, INVALID_ };

struct eval {
	const struct query_tuple *tuple;
	struct arena *arena;
	uint64_t *steps;
	enum err err;
	bool all;			/* everything is looked at, because something may be invalid */
	const struct aas_node **env;	/* by variable: the item that $match is at; NULL: free */
};

static const struct aas_node nothing;	/* in `env`: a variable that has no item at all */

static bool charge(struct eval *ev, size_t n)
{
	if (!ev->err && *ev->steps < n + 1)
		ev->err = ERR_EXPENSIVE;
	if (!ev->err)
		*ev->steps -= n + 1;
	return !ev->err;
}

/* -- from a node to the next ones ------------------------------------------------------------------------------------------------------- */
/* True: enough, stop. */
typedef bool visit_fn(void *ctx, const struct aas_node *);

static bool is_open(const struct aas_node *n)
{
	return aas_is(n, AAS_Submodel) || aas_is(n, AAS_SubmodelElementCollection) || aas_is(n, AAS_SubmodelElementList);
}

static bool items(struct eval *ev, const struct aas_node *n, int64_t index, visit_fn *visit, void *ctx)
{
	for (int64_t i = 0; n && charge(ev, 0); n = n->next, i++)
		if ((index == QUERY_ANY || i == index) && visit(ctx, n))
			return true;
	return ev->err != ERR_OK;
}

static const struct aas_node *child(struct eval *ev, const struct aas_node *n, struct slice name)
{
	if (!is_open(n) || aas_is(n, AAS_SubmodelElementList))
		return NULL;
	for (n = aas_first_child(n); n && charge(ev, 0); n = n->next)
		if (AAS_ID_SHORT(n) && slice_is(name, AAS_ID_SHORT(n)))
			return n;
	return NULL;
}

static const struct aas_node *item(struct eval *ev, const struct aas_node *n, int64_t index)
{
	n = aas_is(n, AAS_SubmodelElementList) ? aas_first_child(n) : NULL;
	while (n && index-- > 0 && charge(ev, 0))
		n = n->next;
	return n;
}

/* Along the names of the step; `found`: n is what the first of them names. */
static bool follow(struct eval *ev, const struct aas_node *n, const struct query_step *s, bool found, visit_fn *visit, void *ctx)
{
	for (unsigned i = 0; n && i < s->n_names; i++) {
		const struct query_name *name = &s->name[i];
		if (name->name.n && !(found && !i))
			n = child(ev, n, name->name);
		for (unsigned k = 0; n && k < name->n_indices; k++) {
			if (name->index[k] == QUERY_ANY)
				return aas_is(n, AAS_SubmodelElementList) && items(ev, aas_first_child(n), QUERY_ANY, visit, ctx);
			n = item(ev, n, name->index[k]);
		}
	}
	return n ? visit(ctx, n) : ev->err != ERR_OK;
}

/* Every element below n, and what the path leads to when it begins there (IDTA-01002: it may begin at any element). */
static bool elements(struct eval *ev, const struct aas_node *n, const struct query_step *s, visit_fn *visit, void *ctx)
{
	bool named = !aas_is(n, AAS_SubmodelElementList);
	for (n = is_open(n) ? aas_first_child(n) : NULL; n && charge(ev, 0); n = n->next) {
		const char *id_short = AAS_ID_SHORT(n);
		if (!s->n_names ? visit(ctx, n) : named && id_short && slice_is(s->name[0].name, id_short) && follow(ev, n, s, true, visit, ctx))
			return true;
		if (elements(ev, n, s, visit, ctx))
			return true;
	}
	return ev->err != ERR_OK;
}

static const struct aas_node *semantic_id(const struct aas_node *n)
{
	if (aas_is(n, AAS_SubmodelDescriptor))
		return AAS_AT(n, SubmodelDescriptor, semanticId).node;
	return aas_is(n, AAS_Submodel) ? AAS_AT(n, Submodel, semanticId).node : aas_is_sme(n) ? AAS_SEMANTIC_ID(n) : NULL;
}

/* What tells of the asset: a shell's descriptor does so itself. */
static const struct aas_node *specific_ids(const struct aas_node *n)
{
	if (aas_is(n, AAS_AssetAdministrationShellDescriptor))
		return AAS_AT(n, AssetAdministrationShellDescriptor, specificAssetIds).node;
	n = AAS_AT(n, AssetAdministrationShell, assetInformation).node;
	return n ? AAS_AT(n, AssetInformation, specificAssetIds).node : NULL;
}

static const struct aas_node *endpoints(const struct aas_node *n)
{
	return aas_is(n, AAS_SubmodelDescriptor) ? AAS_AT(n, SubmodelDescriptor, endpoints).node :
						   AAS_AT(n, AssetAdministrationShellDescriptor, endpoints).node;
}

static bool walk(struct eval *ev, const struct aas_node *n, const struct query_step *s, visit_fn *visit, void *ctx)
{
	switch (s->list) {
	case QUERY_ELEMENTS: return elements(ev, n, s, visit, ctx);
	case QUERY_CHILDREN: return follow(ev, n, s, false, visit, ctx);
	case QUERY_SPECIFIC_IDS: return items(ev, specific_ids(n), s->index, visit, ctx);
	case QUERY_SUBMODELS: return items(ev, AAS_AT(n, AssetAdministrationShell, submodels).node, s->index, visit, ctx);
	case QUERY_KEYS: return items(ev, AAS_AT(n, Reference, keys).node, s->index, visit, ctx);
	case QUERY_SEMANTIC: return semantic_id(n) && visit(ctx, semantic_id(n));
	case QUERY_SUBJECT:
		n = AAS_AT(n, SpecificAssetId, externalSubjectId).node;
		return n && visit(ctx, n);
	case QUERY_DESCRIPTORS:
		return items(ev, AAS_AT(n, AssetAdministrationShellDescriptor, submodelDescriptors).node, s->index, visit, ctx);
	case QUERY_ENDPOINTS: return items(ev, endpoints(n), s->index, visit, ctx);
	case QUERY_END: break;
	}
	return false;
}

/* -- what a field shows ----------------------------------------------------------------------------------------------------------------- */
struct values {
	struct eval *ev;
	const struct query_field *field;
	unsigned at;			/* step */
	struct slice *text;
	size_t n, cap;
};

static void add(struct values *v, const char *text)
{
	if (!text)
		return;
	if (v->n == v->cap) {
		struct slice *more = ARENA_ARRAY(v->ev->arena, struct slice, v->cap ? v->cap * 2 : 4);
		if (!more) {
			v->ev->err = ERR_NO_MEMORY;
			return;
		}
		if (v->n)
			memcpy(more, v->text, v->n * sizeof *more);
		v->text = more;
		v->cap = v->cap ? v->cap * 2 : 4;
	}
	v->text[v->n++] = slice_of(text);
}

static void add_langs(struct values *v, const struct aas_node *n, bool language)
{
	for (n = AAS_AT(n, MultiLanguageProperty, value).node; n; n = n->next)
		add(v, language ? AAS_AT(n, LangStringTextType, language).str : AAS_AT(n, LangStringTextType, text).str);
}

static void add_value(struct values *v, const struct aas_node *n)
{
	if (aas_is(n, AAS_Property))
		add(v, AAS_AT(n, Property, value).str);
	else if (aas_is(n, AAS_File))
		add(v, AAS_AT(n, File, value).str);
	else if (aas_is(n, AAS_MultiLanguageProperty))
		add_langs(v, n, false);
	else if (aas_is(n, AAS_SpecificAssetId))
		add(v, AAS_AT(n, SpecificAssetId, value).str);
}

static const char *value_type(const struct aas_node *n)
{
	if (aas_is(n, AAS_Property))
		return aas_enum_text(AAS_ENUM_DataTypeDefXsd, AAS_AT(n, Property, valueType));
	return aas_is(n, AAS_Range) ? aas_enum_text(AAS_ENUM_DataTypeDefXsd, AAS_AT(n, Range, valueType)) : NULL;
}

/* Of a shell or its descriptor. */
static void add_asset(struct values *v, const struct aas_node *n)
{
	bool descriptor = aas_is(n, AAS_AssetAdministrationShellDescriptor);
	const struct aas_node *info = descriptor ? NULL : AAS_AT(n, AssetAdministrationShell, assetInformation).node;
	if (!descriptor && !info)
		return;
#define ASSET(attr) (descriptor ? AAS_AT(n, AssetAdministrationShellDescriptor, attr) : AAS_AT(info, AssetInformation, attr))
	if (v->field->attr == QUERY_ASSET_KIND)
		add(v, aas_enum_text(AAS_ENUM_AssetKind, ASSET(assetKind)));
	else if (v->field->attr == QUERY_ASSET_TYPE)
		add(v, ASSET(assetType).str);
	else
		add(v, ASSET(globalAssetId).str);
#undef ASSET
}

static void show(struct values *v, const struct aas_node *n)
{
	const struct aas_node *info;
	switch (v->field->attr) {
	case QUERY_ID_SHORT: add(v, AAS_ID_SHORT(n)); break;
	case QUERY_ID: add(v, AAS_ID(n)); break;
	case QUERY_ASSET_KIND: case QUERY_ASSET_TYPE: case QUERY_GLOBAL_ASSET_ID: add_asset(v, n); break;
	case QUERY_NAME: add(v, AAS_AT(n, SpecificAssetId, name).str); break;
	case QUERY_VALUE: add_value(v, n); break;
	case QUERY_VALUE_TYPE: add(v, value_type(n)); break;
	case QUERY_LANGUAGE:
		if (aas_is(n, AAS_MultiLanguageProperty))
			add_langs(v, n, true);
		break;
	case QUERY_REF_TYPE: add(v, aas_enum_text(AAS_ENUM_ReferenceTypes, AAS_AT(n, Reference, type))); break;
	case QUERY_KEY_TYPE: add(v, aas_enum_text(AAS_ENUM_KeyTypes, AAS_AT(n, Key, type))); break;
	case QUERY_KEY_VALUE: add(v, AAS_AT(n, Key, value).str); break;
	case QUERY_ENDPOINT_INTERFACE: add(v, AAS_AT(n, Endpoint, interface).str); break;
	case QUERY_ENDPOINT_HREF:
		info = AAS_AT(n, Endpoint, protocolInformation).node;
		add(v, info ? AAS_AT(info, ProtocolInformation, href).str : NULL);
		break;
	}
}

static const struct aas_node *root_of(const struct eval *ev, const struct query_field *f)
{
	switch (f->root) {
	case QUERY_AAS: return ev->tuple->shell;
	case QUERY_SM: case QUERY_SME: return ev->tuple->submodel;
	case QUERY_CD: return ev->tuple->concept;
	case QUERY_AASDESC: case QUERY_SMDESC: return ev->tuple->descriptor;
	default: return NULL;
	}
}

static bool collect(void *ctx, const struct aas_node *n)
{
	struct values *v = ctx;
	if (v->at == v->field->n_steps) {
		show(v, n);
		return v->ev->err != ERR_OK;
	}
	const struct query_step *s = &v->field->step[v->at++];
	const struct aas_node *bound = s->many ? v->ev->env[s->var] : NULL;
	bool stop = bound == &nothing ? false : bound ? collect(v, bound) : walk(v->ev, n, s, collect, v);
	v->at--;
	return stop;
}

/* -- comparing -------------------------------------------------------------------------------------------------------------------------- */
struct side {
	const struct query_operand *operand;
	const struct query_field *field;	/* NULL: a constant */
	struct values values;
};

static const struct query_field *field_of(const struct query_operand *o)
{
	while (o->arg)
		o = o->arg;
	return o->kind == QUERY_FIELD ? o->field : NULL;
}

/* TRUE_: *out is the value; FALSE_: the text is none of this type; INVALID_: an explicit cast failed. */
static enum truth value_of(struct eval *ev, const struct query_operand *o, struct slice text, struct query_datum *out)
{
	struct query_datum d;
	if (o->kind == QUERY_CONST) {
		*out = o->constant;
		return TRUE_;
	}
	if (o->kind == QUERY_FIELD)
		return query_datum_read(QUERY_STR, text, out) ? TRUE_ : FALSE_;
	enum truth t = value_of(ev, o->arg, text, &d);
	if (t != TRUE_)
		return t;
	if (o->kind == QUERY_CAST)
		return query_datum_cast(ev->arena, &d, o->type, out) ? TRUE_ : INVALID_;
	if (d.type != QUERY_DATETIME && !query_datum_read(QUERY_DATETIME, d.text, &d))
		return FALSE_;
	return query_datum_part(ev->arena, &d, o->part, out) ? TRUE_ : FALSE_;
}

static enum truth search(struct eval *ev, const struct query_expr *x, struct slice a, struct slice b)
{
	const struct query_regex *r = x->regex;
	const char *why = NULL;
	bool found = false;
	if (x->op == QUERY_CONTAINS)
		return !b.n || memmem(a.p, a.n, b.p, b.n) ? TRUE_ : FALSE_;
	if (x->op == QUERY_STARTS)
		return a.n >= b.n && !memcmp(a.p, b.p, b.n) ? TRUE_ : FALSE_;
	if (x->op == QUERY_ENDS)
		return a.n >= b.n && !memcmp(a.p + a.n - b.n, b.p, b.n) ? TRUE_ : FALSE_;
	if (!r && (!charge(ev, 1000) || b.n > QUERY_TEXT_MAX || !(r = query_regex_new(ev->arena, b, &why))))
		return INVALID_;		/* a field holds no pattern */
	enum err e = query_regex_search(r, a, ev->steps, &found);
	ev->err = ev->err ? ev->err : e;
	return found ? TRUE_ : FALSE_;
}

static enum truth compare_one(struct eval *ev, const struct query_expr *x, struct slice ta, struct slice tb)
{
	const struct query_operand *oa = x->side[0], *ob = x->side[1];
	struct query_datum a, b;
	enum truth t;
	if (!charge(ev, (ta.n + tb.n) / 64))
		return FALSE_;
	if ((t = value_of(ev, oa, ta, &a)) == INVALID_ || t == FALSE_)
		return t == FALSE_ && x->op == QUERY_NE ? TRUE_ : t;
	if ((t = value_of(ev, ob, tb, &b)) == INVALID_ || t == FALSE_)
		return t == FALSE_ && x->op == QUERY_NE ? TRUE_ : t;
	if (x->op >= QUERY_CONTAINS)
		return search(ev, x, a.text, b.text);
	if (oa->kind == QUERY_FIELD && ob->kind != QUERY_FIELD && !query_datum_read(b.type, a.text, &a))
		return x->op == QUERY_NE ? TRUE_ : FALSE_;
	if (ob->kind == QUERY_FIELD && oa->kind != QUERY_FIELD && !query_datum_read(a.type, b.text, &b))
		return x->op == QUERY_NE ? TRUE_ : FALSE_;
	if (a.type != b.type)
		return x->op == QUERY_NE ? TRUE_ : FALSE_;
	return query_datum_compare(x->op, &a, &b) ? TRUE_ : FALSE_;
}

static void side_values(struct eval *ev, struct side *s, const struct query_operand *o)
{
	*s = (struct side){ .operand = o, .field = field_of(o), .values = { .ev = ev } };
	const struct aas_node *root = s->field ? root_of(ev, s->field) : NULL;
	s->values.field = s->field;
	if (root)
		collect(&s->values, root);
	if (!s->field) {
		static struct slice none[1];
		s->values.text = none;		/* one item, whose value is the operand's own */
		s->values.n = 1;
	}
}

static enum truth compare(struct eval *ev, const struct query_expr *x)
{
	struct side a, b;
	bool invalid = false;
	side_values(ev, &a, x->side[0]);
	side_values(ev, &b, x->side[1]);
	if (ev->err)
		return FALSE_;
	if (!a.values.n || !b.values.n) {
		bool like = x->op == QUERY_EQ || x->op == QUERY_LE || x->op == QUERY_GE;
		return !a.values.n && !b.values.n && like ? TRUE_ : FALSE_;
	}
	for (size_t i = 0; i < a.values.n; i++)
		for (size_t k = 0; k < b.values.n; k++) {
			enum truth t = compare_one(ev, x, a.values.text[i], b.values.text[k]);
			if (t == TRUE_ || ev->err)
				return t;
			invalid |= t == INVALID_;
		}
	return invalid ? INVALID_ : FALSE_;
}

/* -- $match: is there an item for each variable, so that everything holds? -------------------------------------------------------------- */
struct matching {
	struct eval *ev;
	const struct query_expr *match;
	unsigned at;			/* which of its comparisons */
	const struct query_step *step;	/* whose variable is tried */
	enum truth best;
	unsigned tried;
};

static enum truth match_from(struct eval *ev, const struct query_expr *x, unsigned at);

/* What is invalid counts only where nothing else says no. */
static enum truth both(enum truth a, enum truth b)
{
	return a == FALSE_ || b == FALSE_ ? FALSE_ : a == INVALID_ || b == INVALID_ ? INVALID_ : TRUE_;
}

static bool first_node(void *ctx, const struct aas_node *n)
{
	*(const struct aas_node **)ctx = n;
	return true;
}

/* The first step of the field that is free, and the node that it starts from; NULL: all are bound, or the way ends before. */
static const struct query_step *free_step(struct eval *ev, const struct query_field *f, const struct aas_node **from)
{
	const struct aas_node *n = f ? root_of(ev, f) : NULL, *next;
	for (unsigned i = 0; n && f && i < f->n_steps; i++) {
		const struct query_step *s = &f->step[i];
		if (s->many) {
			if (!ev->env[s->var]) {
				*from = n;
				return s;
			}
			n = ev->env[s->var] == &nothing ? NULL : ev->env[s->var];
		} else {
			next = NULL;
			walk(ev, n, s, first_node, &next);
			n = next;
		}
	}
	return NULL;
}

static bool try_item(void *ctx, const struct aas_node *n)
{
	struct matching *m = ctx;
	m->tried++;
	m->ev->env[m->step->var] = n;
	enum truth t = match_from(m->ev, m->match, m->at);
	if (t == TRUE_ || (t == INVALID_ && m->best == FALSE_))
		m->best = t;
	return t == TRUE_ || m->ev->err;
}

static enum truth match_from(struct eval *ev, const struct query_expr *x, unsigned at)
{
	const struct aas_node *from = NULL;
	if (at == x->n || ev->err)
		return TRUE_;
	const struct query_expr *arg = x->arg[at];
	enum truth t;
	if (arg->op == QUERY_BOOLEAN) {
		t = arg->boolean ? TRUE_ : FALSE_;
	} else if (arg->op == QUERY_MATCH) {
		t = match_from(ev, arg, 0);
	} else {
		struct matching m = { ev, x, at, NULL, FALSE_, 0 };
		if (!(m.step = free_step(ev, field_of(arg->side[0]), &from)))
			m.step = free_step(ev, field_of(arg->side[1]), &from);
		if (m.step) {
			walk(ev, from, m.step, try_item, &m);
			if (!m.tried && !ev->err)
				try_item(&m, &nothing);
			ev->env[m.step->var] = NULL;
			return m.best;
		}
		t = compare(ev, arg);
	}
	return t == FALSE_ ? FALSE_ : both(t, match_from(ev, x, at + 1));
}

/* -- expressions ------------------------------------------------------------------------------------------------------------------------ */
static enum truth holds(struct eval *ev, const struct query_expr *x)
{
	enum truth t, end = x->op == QUERY_AND ? FALSE_ : TRUE_, sum = end == FALSE_ ? TRUE_ : FALSE_;
	if (ev->err || !charge(ev, 0))
		return FALSE_;
	switch (x->op) {
	case QUERY_BOOLEAN: return x->boolean ? TRUE_ : FALSE_;
	case QUERY_MATCH: return match_from(ev, x, 0);
	case QUERY_NOT:
		t = holds(ev, x->arg[0]);
		return t == INVALID_ ? t : t == TRUE_ ? FALSE_ : TRUE_;
	case QUERY_AND: case QUERY_OR:
		for (unsigned i = 0; i < x->n && (ev->all || sum != end); i++) {
			if ((t = holds(ev, x->arg[i])) == INVALID_)
				return t;
			sum = t == end ? end : sum;
		}
		return sum;
	default: return compare(ev, x);
	}
}

enum err aas_query_holds(const struct aas_query *q, const struct query_tuple *t, struct arena *a, uint64_t *steps, bool *yes)
{
	struct eval ev = { .tuple = t, .arena = a, .steps = steps, .all = q->can_fail };
	ev.env = ARENA_ARRAY(a, const struct aas_node *, q->n_vars + 1);
	if (!ev.env)
		return ERR_NO_MEMORY;
	*yes = holds(&ev, q->condition) == TRUE_;
	if (!ev.err && arena_failed(a))
		ev.err = ERR_NO_MEMORY;
	return ev.err;
}

/* -- tuples (IDTA-01002, "Querying several roots"): a shell with each submodel that it refers to; what has no partner stands alone ------ */
static enum err parse(struct arena *a, enum aas_class_id cls, struct slice json, struct aas_node **out)
{
	enum err e = aas_json_read(a, cls, json.p, json.n, AAS_JSON_DEFAULT, out, NULL);
	return e && e != ERR_NO_MEMORY ? ERR_INTERNAL : e;
}

static enum err try_tuple(struct store_query *want, const struct query_tuple *t, struct arena *a, bool *yes)
{
	return aas_query_holds(want->query, t, a, &want->steps, yes);
}

static enum err with_submodels(struct store_query *want, struct query_tuple *t, const struct query_source *from, struct arena *a, bool *yes)
{
	bool alone = true;
	enum err e = ERR_OK;
	for (const struct aas_node *r = AAS_AT(t->shell, AssetAdministrationShell, submodels).node; r && !e && !*yes; r = r->next) {
		const struct aas_node *key = AAS_AT(r, Reference, keys).node;
		struct aas_node *sm = NULL;
		struct slice json;
		if (!want->docs)
			return ERR_EXPENSIVE;
		want->docs--;
		e = key ? from->submodel(from->ctx, AAS_AT(key, Key, value).str, a, &json) : ERR_NOT_FOUND;
		if (!e && !(e = parse(a, AAS_Submodel, json, &sm))) {
			t->submodel = sm;
			alone = false;
			e = try_tuple(want, t, a, yes);
		}
		e = e == ERR_NOT_FOUND ? ERR_OK : e;		/* a reference that leads nowhere */
	}
	t->submodel = NULL;
	return !e && alone ? try_tuple(want, t, a, yes) : e;
}

static enum err with_shells(struct store_query *want, struct query_tuple *t, const struct query_source *from, struct arena *a, bool *yes)
{
	const char *id = AAS_ID(t->submodel), *after = NULL;
	struct store_doc doc;
	bool alone = true;
	enum err e = ERR_OK;
	while (!e && !*yes && !(e = from->shell(from->ctx, id, after, a, &doc))) {
		struct aas_node *shell = NULL;
		if (!want->docs)
			return ERR_EXPENSIVE;
		want->docs--;
		after = doc.id;
		if (!(e = parse(a, AAS_AssetAdministrationShell, doc.json, &shell))) {
			t->shell = shell;
			alone = false;
			e = try_tuple(want, t, a, yes);
		}
	}
	e = e == ERR_NOT_FOUND ? ERR_OK : e;
	t->shell = NULL;
	return !e && alone ? try_tuple(want, t, a, yes) : e;
}

enum err aas_query_examine(struct store_query *want, enum store_kind kind, const struct store_doc *doc, const struct query_source *from, bool *yes)
{
	static const enum aas_class_id class_of[STORE_N_KINDS] = { AAS_AssetAdministrationShell, AAS_Submodel, AAS_ConceptDescription };
	const bool *root = want->query->root;
	struct arena *a = arena_new(QUERY_BYTES_MAX);
	struct query_tuple t = { 0 };
	const struct aas_node *n = want->loan && want->loan->node ? want->loan->node(want->loan->ctx, kind, doc->id, doc->version) : NULL;
	struct aas_node *own = NULL;
	enum err e = !a ? ERR_NO_MEMORY : n ? ERR_OK : parse(a, class_of[kind], doc->json, &own);
	n = n ? n : own;
	*yes = false;
	if (e)
		goto out;
	*(kind == STORE_SHELL ? &t.shell : kind == STORE_SUBMODEL ? &t.submodel : &t.concept) = n;
	if (kind == STORE_SHELL && (root[QUERY_SM] || root[QUERY_SME]))
		e = with_submodels(want, &t, from, a, yes);
	else if (kind == STORE_SUBMODEL && root[QUERY_AAS])
		e = with_shells(want, &t, from, a, yes);
	else
		e = try_tuple(want, &t, a, yes);
out:
	arena_free(a);
	return e;
}
