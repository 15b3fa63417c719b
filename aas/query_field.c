/* SPDX-License-Identifier: Apache-2.0
 * query_field.c - field identifiers (IDTA-01002 V3.1, grammar of FieldIdentifier): what may stand behind each root, as a table.
 */
#include "aas/lexical.h"
#include "aas/path.h"
#include "aas/query_priv.h"

#define WAY_MAX 4
/* "[]" stands for "[]" and "[3]"; the lists on the way take the indices in their order, and what is short for something has none left. */
struct row {
	enum query_root root;
	const char *pattern;
	enum query_attr attr;
	enum query_list way[WAY_MAX];
};

#define PLAIN(root, text, attr) { QUERY_##root, text, QUERY_##attr, { QUERY_END } }
#define WAY(...) { __VA_ARGS__, QUERY_END }
/* A Reference: its type, its keys, and short for the value of its first key (grammar: ReferenceClause); `...` leads to it. */
#define REFERENCE(root, text, ...) \
	{ QUERY_##root, text ".type", QUERY_REF_TYPE, WAY(__VA_ARGS__) }, \
	{ QUERY_##root, text ".keys[].type", QUERY_KEY_TYPE, { __VA_ARGS__, QUERY_KEYS } }, \
	{ QUERY_##root, text ".keys[].value", QUERY_KEY_VALUE, { __VA_ARGS__, QUERY_KEYS } }
#define SHORT(root, text, ...) { QUERY_##root, text, QUERY_KEY_VALUE, { __VA_ARGS__, QUERY_KEYS } }
#define SEMANTIC(root) SHORT(root, "semanticId", QUERY_SEMANTIC), REFERENCE(root, "semanticId", QUERY_SEMANTIC)
#define ASSET_IDS(root, text) \
	{ QUERY_##root, text ".name", QUERY_NAME, WAY(QUERY_SPECIFIC_IDS) }, { QUERY_##root, text ".value", QUERY_VALUE, WAY(QUERY_SPECIFIC_IDS) }, \
	SHORT(root, text ".externalSubjectId", QUERY_SPECIFIC_IDS, QUERY_SUBJECT), \
	REFERENCE(root, text ".externalSubjectId", QUERY_SPECIFIC_IDS, QUERY_SUBJECT)
#define ENDPOINTS(root, text, ...) \
	{ QUERY_##root, text ".interface", QUERY_ENDPOINT_INTERFACE, { __VA_ARGS__ QUERY_ENDPOINTS } }, \
	{ QUERY_##root, text ".protocolinformation.href", QUERY_ENDPOINT_HREF, { __VA_ARGS__ QUERY_ENDPOINTS } }	/* sic: lower case */

static const struct row rows[] = {
	PLAIN(AAS, "idShort", ID_SHORT), PLAIN(AAS, "id", ID), PLAIN(AAS, "assetInformation.assetKind", ASSET_KIND),
	PLAIN(AAS, "assetInformation.assetType", ASSET_TYPE), PLAIN(AAS, "assetInformation.globalAssetId", GLOBAL_ASSET_ID),
	ASSET_IDS(AAS, "assetInformation.specificAssetIds[]"), REFERENCE(AAS, "submodels[]", QUERY_SUBMODELS),
	SHORT(AAS, "submodels", QUERY_SUBMODELS),	/* of the specification's text, not of its grammar */
	PLAIN(SM, "idShort", ID_SHORT), PLAIN(SM, "id", ID), SEMANTIC(SM),
	PLAIN(SME, "idShort", ID_SHORT), PLAIN(SME, "value", VALUE), PLAIN(SME, "valueType", VALUE_TYPE), PLAIN(SME, "language", LANGUAGE),
	SEMANTIC(SME),
	PLAIN(CD, "idShort", ID_SHORT), PLAIN(CD, "id", ID),
	PLAIN(AASDESC, "idShort", ID_SHORT), PLAIN(AASDESC, "id", ID), PLAIN(AASDESC, "assetKind", ASSET_KIND),
	PLAIN(AASDESC, "assetType", ASSET_TYPE), PLAIN(AASDESC, "globalAssetId", GLOBAL_ASSET_ID), ASSET_IDS(AASDESC, "specificAssetIds[]"),
	ENDPOINTS(AASDESC, "endpoints[]", ), ENDPOINTS(AASDESC, "submodelDescriptors[].endpoints[]", QUERY_DESCRIPTORS,),
	{ QUERY_AASDESC, "submodelDescriptors[].idShort", QUERY_ID_SHORT, WAY(QUERY_DESCRIPTORS) },
	{ QUERY_AASDESC, "submodelDescriptors[].id", QUERY_ID, WAY(QUERY_DESCRIPTORS) },
	SHORT(AASDESC, "submodelDescriptors[].semanticId", QUERY_DESCRIPTORS, QUERY_SEMANTIC),
	REFERENCE(AASDESC, "submodelDescriptors[].semanticId", QUERY_DESCRIPTORS, QUERY_SEMANTIC),
	PLAIN(SMDESC, "idShort", ID_SHORT), PLAIN(SMDESC, "id", ID), SEMANTIC(SMDESC), ENDPOINTS(SMDESC, "endpoints[]", ),
};

static const struct { const char *text; unsigned kinds; } roots[QUERY_N_ROOTS] = {	/* and at which endpoints they are to be had */
	[QUERY_AAS] = { "$aas", 1 << STORE_SHELL | 1 << STORE_SUBMODEL },
	[QUERY_SM] = { "$sm", 1 << STORE_SHELL | 1 << STORE_SUBMODEL },
	[QUERY_SME] = { "$sme", 1 << STORE_SHELL | 1 << STORE_SUBMODEL },
	[QUERY_CD] = { "$cd", 1 << STORE_CONCEPT },
	[QUERY_AASDESC] = { "$aasdesc", 1 << STORE_SHELL_DESCRIPTOR }, [QUERY_SMDESC] = { "$smdesc", 1 << STORE_SUBMODEL_DESCRIPTOR },
};

#define INDICES_MAX 8
struct reading {
	struct arena *arena;
	struct query_names *names;
	const char *text;		/* of the field */
	struct query_step step[AAS_PATH_DEPTH + WAY_MAX];
	unsigned n;
};

/* The number of this prefix, the same one for texts that are alike. */
static unsigned var_of(struct query_names *names, struct slice prefix)
{
	unsigned i = 0;
	while (i < names->n && !slice_eq(names->seen[i], prefix))
		i++;
	if (i < names->n)
		return i;
	names->full |= i == names->cap;
	if (!names->full)
		names->seen[names->n++] = prefix;
	return i;
}

static bool add_step(struct reading *r, struct query_step s, const char *end)
{
	if (r->n == sizeof r->step / sizeof *r->step)
		return false;
	s.prefix = (struct slice){ r->text, (size_t)(end - r->text) };
	if (s.many)
		s.var = var_of(r->names, s.prefix);
	r->step[r->n++] = s;
	return !r->names->full;
}

/* "[]" or "[3]", at p; NULL: neither. */
static const char *read_index(const char *p, const char *end, int64_t *index)
{
	size_t v;
	if (p == end || *p != '[')
		return NULL;
	const char *close = memchr(p, ']', (size_t)(end - p));
	*index = QUERY_ANY;
	if (!close || close == p + 1)
		return close ? close + 1 : NULL;
	for (p++; p + 1 < close && *p == '0'; p++)	/* the grammar allows leading zeros */
		;
	if (close - p > 9 || !str_size(p, (size_t)(close - p), &v))
		return NULL;
	*index = (int64_t)v;
	return close + 1;
}

/* -- the path of $sme ------------------------------------------------------------------------------------------------------------------- */
/* One name and its indices up to the first "[]"; what stands behind that belongs to the next step. */
static const char *read_name(struct arena *a, const char *p, const char *end, struct query_name *out)
{
	int64_t index[INDICES_MAX];
	unsigned n = 0;
	const char *from = p, *next;
	while (p < end && *p != '.' && *p != '[')
		p++;
	*out = (struct query_name){ .name = { from, (size_t)(p - from) } };
	if (out->name.n && (out->name.n > 128 || !aas_lex_idshort(from, out->name.n)))
		return NULL;
	while (p < end && *p == '[' && (!n || index[n - 1] != QUERY_ANY)) {
		if (n == INDICES_MAX || !(next = read_index(p, end, &index[n])))
			return NULL;
		n++;
		p = next;
	}
	int64_t *kept = n ? arena_alloc(a, n * sizeof *kept) : NULL;
	if (n && !kept)
		return NULL;
	if (n)
		memcpy(kept, index, n * sizeof *kept);
	out->index = kept;
	out->n_indices = n;
	return out->name.n || n ? p : NULL;
}

static bool read_path(struct reading *r, const char *p, const char *end)
{
	struct query_name name[AAS_PATH_DEPTH];
	unsigned n = 0;
	bool first = true, fresh = true;	/* the first step; a name is due (and not a further index) */
	if (p == end)
		return add_step(r, (struct query_step){ .list = QUERY_ELEMENTS, .many = true, .listed = true }, end);
	while (p < end) {
		if (n == AAS_PATH_DEPTH || (fresh && *p == '[') || !(p = read_name(r->arena, p, end, &name[n])))
			return false;
		const struct query_name *last = &name[n++];
		bool any = last->n_indices && last->index[last->n_indices - 1] == QUERY_ANY;
		fresh = p < end && *p == '.';
		if (p < end && ((!any && *p != '.') || (*p != '.' && *p != '[') || (*p == '.' && p + 1 == end)))
			return false;
		if (any || p == end) {
			struct query_name *kept = ARENA_ARRAY(r->arena, struct query_name, n);
			if (!kept)
				return false;
			memcpy(kept, name, n * sizeof *kept);
			if (!add_step(r, (struct query_step){ .list = first ? QUERY_ELEMENTS : QUERY_CHILDREN, .name = kept, .n_names = n,
							      .many = first || any, .listed = any }, p))
				return false;
			first = false;
			n = 0;
		}
		p += fresh;
	}
	return true;
}

/* -- what stands behind '#' ------------------------------------------------------------------------------------------------------------- */
struct places {
	int64_t index[WAY_MAX];
	const char *end[WAY_MAX];	/* of the text that names the place */
	unsigned n;
};

static bool row_fits(const struct row *row, const char *p, const char *end, struct places *at)
{
	at->n = 0;
	for (const char *w = row->pattern; *w; w++) {
		if (*w != '[') {
			if (p == end || *p++ != *w)
				return false;
			continue;
		}
		if (at->n == WAY_MAX || !(p = read_index(p, end, &at->index[at->n])))
			return false;
		at->end[at->n++] = p;
		w++;			/* the bracket that closes */
	}
	return p == end;
}

static bool read_way(struct reading *r, const struct row *row, const struct places *at, const char *end)
{
	unsigned used = 0;
	for (unsigned i = 0; i < WAY_MAX && row->way[i] != QUERY_END; i++) {
		struct query_step s = { .list = row->way[i] };
		bool single = s.list == QUERY_SEMANTIC || s.list == QUERY_SUBJECT, written = !single && used < at->n;
		if (written)
			s.index = at->index[used];
		else if (s.list == QUERY_SUBMODELS)
			s.index = QUERY_ANY;
		s.many = !single && s.index == QUERY_ANY;
		s.listed = s.many;
		if (!add_step(r, s, written ? at->end[used] : end))
			return false;
		used += written;
	}
	return true;
}

static bool read_attr(struct reading *r, struct query_field *f, const char *p, const char *end)
{
	struct places at;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (rows[i].root != f->root || !row_fits(&rows[i], p, end, &at))
			continue;
		f->attr = rows[i].attr;
		return read_way(r, &rows[i], &at, end);
	}
	return false;
}

static enum err not_a_field(struct reading *r, struct diag *d)
{
	if (arena_failed(r->arena))
		return ERR_NO_MEMORY;
	if (r->names->full)
		return diag_add(d, ERR_BAD_REQUEST, "the query is about more than %u lists", r->names->cap);
	return diag_add(d, ERR_BAD_REQUEST, "\"%.200s\" is not a field of the query language", r->text);
}

enum err query_field_read(struct arena *a, enum store_kind endpoint, const char *text, size_t n, struct query_names *names,
			  struct query_field **out, struct diag *d)
{
	struct query_field *f = ARENA_NEW(a, struct query_field);
	struct reading r = { .arena = a, .names = names };
	const char *copy = arena_strndup(a, text, n), *hash = copy ? strchr(copy, '#') : NULL;
	int root = 0;
	if (!f || !copy)
		return ERR_NO_MEMORY;
	r.text = f->text = copy;
	size_t word = strcspn(copy, ".#");
	while (root < QUERY_N_ROOTS && !slice_is((struct slice){ copy, word }, roots[root].text))
		root++;
	f->root = (enum query_root)root;
	if (!hash || strlen(copy) != n || root == QUERY_N_ROOTS || (copy[word] == '.' && (f->root != QUERY_SME || copy + word + 1 == hash)))
		return not_a_field(&r, d);
	if (f->root == QUERY_SME && !read_path(&r, copy[word] == '.' ? copy + word + 1 : hash, hash))
		return not_a_field(&r, d);
	if (!read_attr(&r, f, hash + 1, copy + n))
		return not_a_field(&r, d);
	if (!(roots[root].kinds >> endpoint & 1))
		return diag_add(d, ERR_BAD_REQUEST, "\"%.200s\": fields of %s cannot be asked for here", copy, roots[root].text);
	struct query_step *steps = ARENA_ARRAY(a, struct query_step, r.n + 1);
	if (!steps)
		return ERR_NO_MEMORY;
	memcpy(steps, r.step, r.n * sizeof *steps);
	f->step = steps;
	f->n_steps = r.n;
	*out = f;
	return ERR_OK;
}
