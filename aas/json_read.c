/* SPDX-License-Identifier: Apache-2.0
 * The reader copies the text once into the arena and works in it: strings are unescaped and terminated in place, and the
 * slots point into the copy.  Attributes mostly come in the same order in every object of a class, so the attribute that
 * followed last time is tried first, and only a miss costs a scan of the name and a hash. */
#include "aas/json.h"
#include "aas/json_fault.h"
#include "aas/json_read.h"
#include "aas/json_scan.h"
#include "aas/lexical.h"
#include "aas/lookup.h"
#include "aas/rules.h"

#define CHUNK_MAX ((size_t)16384)
#define MODEL_TYPE "\"modelType\":"

static enum err read_node(struct json_reader *r, unsigned type, unsigned flags, struct aas_node *parent, struct aas_node **out);

/* ---- strings -------------------------------------------------------------------------- */

static bool hex4(const char *p, uint32_t *out)
{
	uint32_t v = 0;
	for (int i = 0; i < 4; i++) {
		unsigned char c = (unsigned char)p[i], low = c | 0x20;
		if (c >= '0' && c <= '9')
			v = v << 4 | (uint32_t)(c - '0');
		else if (low >= 'a' && low <= 'f')
			v = v << 4 | (uint32_t)(low - 'a' + 10);
		else
			return false;
	}
	*out = v;
	return true;
}

/* *q stands on the backslash; the character goes to *w, and both move on. */
static enum err unescape(struct json_reader *r, char **q, char **w, bool *wide)
{
	static const char plain[128] = { ['"'] = '"', ['\\'] = '\\', ['/'] = '/', ['n'] = '\n', ['r'] = '\r', ['t'] = '\t' };
	unsigned char c = (unsigned char)(*q)[1];
	uint32_t u, low;
	if (c < 128 && plain[c]) {
		*(*w)++ = plain[c];
		*q += 2;
		return ERR_OK;
	}
	if (c == 'b' || c == 'f')
		return json_fault(r, "AASd-130", "\\%c is not a character that XML 1.0 can carry", c);
	if (c != 'u' || !hex4(*q + 2, &u))
		return json_fault(r, NULL, "wrong escape at byte %zu", json_place(r, *q));
	*q += 6;
	if (u >= 0xD800 && u < 0xE000) {
		if (u >= 0xDC00 || (*q)[0] != '\\' || (*q)[1] != 'u' || !hex4(*q + 2, &low) || low < 0xDC00 || low >= 0xE000)
			return json_fault(r, NULL, "half of a surrogate pair: \\u%04X", (unsigned)u);
		u = 0x10000 + ((u - 0xD800) << 10) + (low - 0xDC00);
		*q += 6;
	}
	if ((u < 0x20 && u != '\t' && u != '\n' && u != '\r') || u == 0xFFFE || u == 0xFFFF)
		return json_fault(r, "AASd-130", "U+%04X is not a character that XML 1.0 can carry", (unsigned)u);
	*w += utf8_put(*w, u);
	*wide |= u >= 0x80;
	return ERR_OK;
}

/* From the first byte that is not plain: w is where it goes, too. */
static enum err read_string_rest(struct json_reader *r, char *from, char *q, size_t *n, bool *wide)
{
	char *w = q, *run;
	for (;;) {
		enum err e;
		run = q;
		if (*q == '"') {
			*w = 0;
			*n = (size_t)(w - from);
			r->p = q + 1;
			return ERR_OK;
		} else if (*q == '\\') {
			if ((e = unescape(r, &q, &w, wide)))
				return e;
			continue;
		} else if ((signed char)*q < 0) {
			while ((signed char)*q < 0)
				q++;
			*wide = true;
			if (!utf8_xml_valid(run, (size_t)(q - run)))
				return utf8_valid(run, (size_t)(q - run)) ?
					json_fault(r, "AASd-130", "U+FFFE and U+FFFF are not characters that XML 1.0 can carry") :
					json_fault(r, NULL, "the text is not UTF-8 at byte %zu", json_place(r, run));
		} else if (!aas_scan_plain(*q)) {
			return q >= r->end ? json_fault(r, NULL, "the string does not end") :
					     json_fault(r, NULL, "control character U+%04X inside a string", (unsigned)(unsigned char)*q);
		}
		q = aas_scan_string(q);
		if (w != run)
			memmove(w, run, (size_t)(q - run));
		w += q - run;
	}
}

/* r->p stands on the opening quote.  *wide: not all characters are ASCII, so n is not their number. */
static inline enum err read_string(struct json_reader *r, char **s, size_t *n, bool *wide)
{
	char *from = r->p + 1, *q = aas_scan_string(from);
	*s = from;
	*wide = false;
	if (*q != '"')
		return read_string_rest(r, from, q, n, wide);
	*q = 0;
	*n = (size_t)(q - from);
	r->p = q + 1;
	return ERR_OK;
}

static inline enum err read_text(struct json_reader *r, const struct aas_prop *p, const char **out)
{
	const struct aas_string_type *t = &aas_strings[p->type];
	char *s;
	size_t n, len;
	bool wide;
	enum err e = read_string(r, &s, &n, &wide);
	if (e)
		return e;
	len = wide && t->max && n > t->max ? utf8_length(s, n) : n;
	*out = s;
	if (len < t->min || (t->max && len > t->max) || (t->check != aas_lex_any && !t->check(s, n)))
		return json_go_on(r, json_wrong_text(r, p, s, n, len));
	return ERR_OK;
}

static inline enum err read_literal(struct json_reader *r, const struct aas_prop *p, uintptr_t *ord)
{
	char *s;
	size_t n;
	bool wide;
	enum err e = read_string(r, &s, &n, &wide);
	if (e)
		return e;
	int i = aas_enum_find(p->type, s, n);
	if (i < 0)
		return json_go_on(r, json_wrong_literal(r, p, s, n));
	*ord = (uintptr_t)i + 1;
	return ERR_OK;
}

static enum err read_base64(struct json_reader *r, const char **out)
{
	char *s;
	size_t n;
	bool wide;
	enum err e = read_string(r, &s, &n, &wide);
	if (!e && !aas_lex_base64(s, n))
		e = json_go_on(r, json_fault(r, NULL, "is not base64 with its padding"));
	*out = e ? NULL : s;
	return e;
}

static enum err read_boolean(struct json_reader *r, uintptr_t *ord)
{
	bool yes = !memcmp(r->p, "true", 4);
	if (!yes && memcmp(r->p, "false", 5))
		return json_not_kind(r, "true or false");
	r->p += yes ? 4 : 5;
	*ord = 1 + yes;
	return ERR_OK;
}

/* ---- the class of an object ------------------------------------------------------------- */

/* The class that modelType names somewhere in the object at `at`. */
static enum err class_ahead(struct json_reader *r, char *at, unsigned type, const struct aas_class **c)
{
	int cls = aas_ahead_class(&r->ahead, r->text, r->end, at);
	if (cls < 0)
		return json_no_memory(r);
	if (cls == AAS_AHEAD_NONE)
		return json_fault(r, NULL, "modelType is required");
	*c = cls == AAS_AHEAD_UNKNOWN ? NULL : &aas_classes[cls - 1];
	if (*c && aas_class_fits(*c, type))
		return ERR_OK;
	if (!*c)
		return json_unknown_class(r, at, type);
	r->leaf = "modelType";
	return json_fault(r, NULL, "%s is not a %s", (*c)->name, aas_type_name(type));
}

/* r->p stands on the value of modelType.  *c is the class, when it is known. */
static enum err read_model_type(struct json_reader *r, unsigned type, const struct aas_class **c)
{
	char *s;
	size_t n;
	bool wide;
	r->leaf = "modelType";
	if (*r->p != '"')
		return json_not_kind(r, "a string");
	enum err e = read_string(r, &s, &n, &wide);
	if (e)
		return e;
	const struct aas_class *named = aas_class_by_name(s, n);
	if (!named || !aas_class_fits(named, type) || (*c && *c != named))
		return json_wrong_class(r, *c, type, s, n);
	*c = named;
	r->leaf = NULL;
	return ERR_OK;
}

/* ---- objects ------------------------------------------------------------------------------ */

static inline struct aas_node *node_new(struct json_reader *r, const struct aas_class *c, struct aas_node *parent)
{
	size_t size = sizeof(struct aas_node) + c->n * sizeof(union aas_slot);
	if (size > r->left) {
		size_t chunk = size > r->chunk ? size : r->chunk;
		if (!(r->mem = arena_alloc(r->arena, chunk))) {
			r->left = 0;
			return NULL;
		}
		r->left = chunk;
	}
	struct aas_node *n = (struct aas_node *)(void *)r->mem;
	r->mem += size;
	r->left -= size;
	n->cls = c;
	n->parent = parent;
	return n;
}

/* The slot of the member that begins at r->p; c->n for modelType.  r->p is left on the value. */
static inline enum err read_name(struct json_reader *r, const struct aas_class *c, int before, int *slot)
{
	uint8_t *guess = &r->next[c->id][before + 1];
	const char *key = *guess < c->n ? c->props[*guess].key : MODEL_TYPE;
	size_t n = (*guess < c->n ? c->props[*guess].name_len : sizeof "modelType" - 1) + 3;
	if (*guess < c->n ? aas_scan_same(key, r->p, n) : c->typed && !memcmp(key, r->p, n)) {
		*slot = *guess;
		r->p = aas_scan_space(r->p + n);
		return ERR_OK;
	}
	char *s;
	bool wide;
	if (*r->p != '"')
		return json_fault(r, NULL, "expected the name of an attribute at byte %zu", json_place(r, r->p));
	enum err e = read_string(r, &s, &n, &wide);
	if (e)
		return e;
	*slot = aas_prop_find(c, s, n);
	if (*slot < 0 && c->typed && n == 9 && !memcmp(s, "modelType", 9))
		*slot = c->n;
	if (*slot < 0) {
		e = json_fault(r, NULL, "%s has no attribute \"%.*s\"", c->name, json_brief(n), s);
		if (!r->collect)
			return e;
	}
	r->p = aas_scan_space(r->p);
	if (*r->p != ':')
		return json_fault(r, NULL, "expected a colon after \"%.*s\"", json_brief(n), s);
	r->p = aas_scan_space(r->p + 1);
	if (*slot < 0)
		return json_recover(r, r->p, ERR_BAD_REQUEST);
	*guess = (uint8_t)*slot;
	return ERR_OK;
}

/* After a value: *more says whether another follows. */
static inline enum err read_separator(struct json_reader *r, char close, bool *more)
{
	r->p = aas_scan_space(r->p);
	char c = *r->p;
	if (c != ',' && c != close)
		return json_fault(r, NULL, "expected a comma or %c at byte %zu", close, json_place(r, r->p));
	r->p++;
	if ((*more = c == ','))
		r->p = aas_scan_space(r->p);
	return ERR_OK;
}

/* r->p stands behind the bracket, on the first item. */
static enum err read_items(struct json_reader *r, unsigned type, unsigned flags, struct aas_node *parent, struct aas_node **tail)
{
	struct diag_frame f;
	bool more = true;
	enum err e = ERR_OK;
	diag_push_index(r->d, &f, 0);
	for (; more && !e; f.index++) {
		const char *at = r->p;
		if ((e = read_node(r, type, flags, parent, tail)) && (e = json_recover(r, at, e)))
			break;
		tail = *tail ? &(*tail)->next : tail;
		e = read_separator(r, ']', &more);
	}
	diag_pop(r->d);
	return e;
}

static enum err read_nested(struct json_reader *r, const struct aas_prop *p, unsigned flags, struct aas_node *n, union aas_slot *out)
{
	struct diag_frame f;
	enum err e;
	if (p->kind == AAS_LIST) {
		if (*r->p != '[')
			return json_not_kind(r, "an array");
		r->p = aas_scan_space(r->p + 1);
		if (*r->p == ']' && p->views & AAS_VIEW_E) {
			r->p++;
			return ERR_OK;
		}
		if (*r->p == ']')
			return json_fault(r, aas_rule_of(p, AAS_RULE_LIST), "must not be empty, leave it out");
	}
	/* a PATCH replaces what is no child as a whole, so that must be complete */
	flags = p->views & AAS_VIEW_C ? flags : AAS_JSON_DEFAULT;
	r->leaf = NULL;
	diag_push(r->d, &f, p->name);
	e = p->kind == AAS_LIST ? read_items(r, p->type, flags, n, &out->node) : read_node(r, p->type, flags, n, &out->node);
	diag_pop(r->d);
	r->leaf = e ? r->leaf : NULL;
	return e;
}

static inline enum err read_slot(struct json_reader *r, const struct aas_prop *p, unsigned flags, struct aas_node *n, union aas_slot *out)
{
	r->leaf = p->name;
	if (flags & AAS_JSON_METADATA && !(p->views & AAS_VIEW_M))
		return json_fault(r, NULL, "is not part of the metadata of %s", n->cls->name);
	switch (p->kind) {
	case AAS_BOOL:
		return read_boolean(r, &out->ord);
	case AAS_NODE:
	case AAS_LIST:
		return read_nested(r, p, flags, n, out);
	}
	if (*r->p != '"')
		return json_not_kind(r, "a string");
	if (p->kind == AAS_STR)
		return read_text(r, p, &out->str);
	return p->kind == AAS_ENUM ? read_literal(r, p, &out->ord) : read_base64(r, &out->str);
}

/* What only the whole object tells: required attributes, and values in the form of their valueType. */
static enum err check_whole(struct json_reader *r, const struct aas_node *n, uint32_t seen, unsigned flags)
{
	const struct aas_class_index *x = &aas_class_index[n->cls->id];
	uint32_t missing = x->required & ~seen, values = x->values & seen;
	enum err e = ERR_OK;
	r->leaf = NULL;
	for (; missing && !e && !(flags & AAS_JSON_PARTIAL); missing &= missing - 1)
		e = json_go_on(r, json_fault(r, aas_rule_of_class(n->cls, AAS_RULE_REQUIRED), "%s is required",
					     n->cls->props[__builtin_ctz(missing)].name));
	for (; values && !e; values &= values - 1) {
		unsigned i = (unsigned)__builtin_ctz(values);
		uintptr_t type = n->slot[x->value_type].ord;
		const char *s = n->slot[i].str;
		if (!type || !s || aas_xsd_ok(type, s, strlen(s)))
			continue;
		r->leaf = n->cls->props[i].name;
		e = json_go_on(r, json_fault(r, aas_rule_of(&n->cls->props[i], AAS_RULE_VALUE), "\"%.*s\" is not a value of %s",
					     json_brief(strlen(s)), s, aas_xsd_of(type)->name));
	}
	return e;
}

/* One member but for its separator; the name has been read, r->p stands on the value. */
static inline enum err read_member(struct json_reader *r, struct aas_node *n, unsigned type, unsigned flags, int slot, uint32_t *seen, bool *named)
{
	const struct aas_class *c = n->cls;
	if (slot == c->n ? *named : *seen >> slot & 1)
		return json_fault(r, NULL, "\"%s\" occurs twice", slot == c->n ? "modelType" : c->props[slot].name);
	if (slot == c->n) {
		*named = true;
		return read_model_type(r, type, &c);
	}
	*seen |= 1u << slot;
	return read_slot(r, &c->props[slot], flags, n, &n->slot[slot]);
}

static enum err read_members(struct json_reader *r, struct aas_node *n, unsigned type, unsigned flags, bool named)
{
	const struct aas_class *c = n->cls;
	uint32_t seen = 0;
	int slot = -1, before;
	bool more = *r->p != '}';
	enum err e;
	if (!more)
		r->p++;
	while (more) {
		r->leaf = NULL;
		before = slot;
		if ((e = read_name(r, c, slot, &slot)))
			return e;
		if (slot >= 0) {
			const char *at = r->p;
			if ((e = read_member(r, n, type, flags, slot, &seen, &named)) && (e = json_recover(r, at, e)))
				return e;
		} else {
			slot = before;	/* an unknown one, passed over */
		}
		if ((e = read_separator(r, '}', &more)))
			return e;
	}
	if (c->typed && !named && !(flags & AAS_JSON_PARTIAL)) {
		r->leaf = NULL;
		if ((e = json_go_on(r, json_fault(r, aas_rule_of_class(c, AAS_RULE_MODEL_TYPE), "modelType is required"))))
			return e;
	}
	return check_whole(r, n, seen, flags);
}

/* A class whose only attribute stands alone. */
static enum err read_bare(struct json_reader *r, const struct aas_class *c, struct aas_node *parent, struct aas_node **out)
{
	if (!(*out = node_new(r, c, parent)))
		return json_no_memory(r);
	return read_text(r, &c->props[0], &(*out)->slot[0].str);
}

static enum err read_object(struct json_reader *r, unsigned type, unsigned flags, struct aas_node *parent, struct aas_node **out)
{
	const struct aas_class *c = aas_class_sole(type);
	char *at = r->p;
	bool named = false, more = true;
	enum err e;
	r->p = aas_scan_space(at + 1);
	if ((!c || c->typed) && !memcmp(r->p, MODEL_TYPE, sizeof MODEL_TYPE - 1)) {
		named = true;
		r->p = aas_scan_space(r->p + sizeof MODEL_TYPE - 1);
		if ((e = read_model_type(r, type, &c)) || (e = read_separator(r, '}', &more)))
			return e;
		if (!more)
			r->p--;
		else if (*r->p == '}')
			return json_fault(r, NULL, "a comma before the closing brace");
	} else if (!c && (e = class_ahead(r, at, type, &c))) {
		return e;
	} else if (c->typed == AAS_TEXT) {
		r->p = at;
		return json_not_kind(r, "a string");
	}
	if (!(*out = node_new(r, c, parent)))
		return json_no_memory(r);
	return read_members(r, *out, type, flags, named);
}

static enum err read_node(struct json_reader *r, unsigned type, unsigned flags, struct aas_node *parent, struct aas_node **out)
{
	const struct aas_class *sole = aas_class_sole(type);
	r->leaf = NULL;
	if (*r->p != '{')
		return sole && sole->typed == AAS_TEXT && *r->p == '"' ? read_bare(r, sole, parent, out) :
		       json_not_kind(r, sole && sole->typed == AAS_TEXT ? "a string" : "an object");
	if (r->depth == AAS_DEPTH_MAX)
		return json_fault(r, NULL, "nested deeper than %d levels", AAS_DEPTH_MAX);
	r->depth++;
	enum err e = read_object(r, type, flags, parent, out);
	r->depth--;
	return e;
}

/* ---- entry ------------------------------------------------------------------------------------ */

/* A copy of the text with the padding behind it. */
static enum err reader_copy(struct json_reader *r, const char *text, size_t n)
{
	if (n >= UINT32_MAX - AAS_SCAN_PAD)
		return diag_add(r->d, ERR_TOO_LARGE, "the text has more than 4 GiB");
	if (!(r->text = arena_raw(r->arena, n + AAS_SCAN_PAD)))
		return json_no_memory(r);
	r->given = text;
	memcpy(r->text, text, n);
	memset(r->text + n, 0, AAS_SCAN_PAD);
	return ERR_OK;
}

static enum err reader_end(struct json_reader *r)
{
	r->p = aas_scan_space(r->p);
	r->leaf = NULL;
	return r->p == r->end ? ERR_OK : json_fault(r, NULL, "more text follows the value at byte %zu", json_place(r, r->p));
}

static enum err read_value(struct json_reader *r, unsigned type, unsigned flags, bool list, struct aas_node **out)
{
	enum err e = ERR_OK;
	r->p = aas_scan_space(r->text);
	if (!list) {
		e = read_node(r, type, flags, NULL, out);
	} else if (*r->p != '[') {
		e = json_not_kind(r, "an array");
	} else {
		r->p = aas_scan_space(r->p + 1);
		if (*r->p == ']')
			r->p++;
		else
			e = read_items(r, type, flags, NULL, out);
	}
	return e ? e : reader_end(r);
}

/* `text` NULL: the piece is read in its place. */
static enum err read_whole(struct arena *a, unsigned type, const char *text, const struct aas_json_piece *piece, unsigned flags,
			   struct aas_node **out, struct diag *d)
{
	struct diag scratch = DIAG_INIT;
	struct diag_frame *top = d ? d->top : NULL;
	size_t n = piece->n;
	struct json_reader r = {
		.arena = a, .d = d ? d : &scratch, .text = piece->text, .base = piece->base, .depth = piece->depth,
		.chunk = n < 256 ? 256 : n < CHUNK_MAX ? n & ~(size_t)15 : CHUNK_MAX, .collect = (flags & AAS_JSON_COLLECT) != 0,
	};
	*out = NULL;
	aas_ahead_init(&r.ahead, NULL);
	enum err e = text ? reader_copy(&r, text, n) : n >= UINT32_MAX - AAS_SCAN_PAD ? ERR_TOO_LARGE : ERR_OK;
	if (!e) {
		r.end = r.text + n;
		r.ahead.scanned = r.text;
		e = n >= 3 && !memcmp(r.text, "\xEF\xBB\xBF", 3) ? json_fault(&r, NULL, "the text begins with a byte order mark") :
								     read_value(&r, type, flags, piece->list, out);
	}
	if (!e && r.faults)
		e = ERR_BAD_REQUEST;
	r.d->top = top;
	aas_ahead_fini(&r.ahead);
	diag_fini(&scratch);
	if (e && (e != ERR_BAD_REQUEST || !r.collect))
		*out = NULL;
	return e;
}

enum err aas_json_read(struct arena *a, unsigned type, const char *text, size_t n, unsigned flags, struct aas_node **out, struct diag *d)
{
	return read_whole(a, type, text, &(struct aas_json_piece){ .n = n }, flags, out, d);
}

enum err aas_json_read_list(struct arena *a, unsigned type, const char *text, size_t n, unsigned flags, struct aas_node **head,
			    struct diag *d)
{
	return read_whole(a, type, text, &(struct aas_json_piece){ .n = n, .list = true }, flags, head, d);
}

enum err aas_json_read_piece(struct arena *a, unsigned type, const struct aas_json_piece *piece, struct aas_node **out, struct diag *d)
{
	return read_whole(a, type, NULL, piece, AAS_JSON_DEFAULT, out, d);
}
