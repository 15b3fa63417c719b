/* SPDX-License-Identifier: Apache-2.0
 * reference.c - ModelReferences to and from idShortPaths (IDTA-01001, "Reference"; AASd-123..128).
 */
#include "aas/path.h"

#include "aas/lexical.h"

static struct aas_node *key_new(struct arena *a, const struct aas_node *reference, const struct aas_node *n)
{
	struct aas_node *k = aas_node_new(a, AAS_Key);
	const char *value = NULL;
	if (!k)
		return NULL;
	if (!aas_is_sme(n)) {
		value = AAS_ID(n);
	} else if (n->parent && aas_is(n->parent, AAS_SubmodelElementList)) {	/* AASd-128 */
		size_t i = 0;
		for (const struct aas_node *c = aas_first_child(n->parent); c && c != n; c = c->next)
			i++;
		value = arena_printf(a, "%zu", i);
	} else {
		value = AAS_ID_SHORT(n) ? AAS_ID_SHORT(n) : "";
	}
	k->parent = (struct aas_node *)reference;
	AAS_AT(k, Key, type).ord = (uintptr_t)(1 + aas_enum_find(AAS_ENUM_KeyTypes, n->cls->name, strlen(n->cls->name)));
	AAS_AT(k, Key, value).str = value ? arena_strdup(a, value) : NULL;
	return AAS_AT(k, Key, value).str ? k : NULL;
}

struct aas_node *aas_path_reference(struct arena *a, const struct aas_node *n)
{
	struct aas_node *r = aas_node_new(a, AAS_Reference), *head = NULL;
	if (!r)
		return NULL;
	AAS_AT(r, Reference, type).ord = (uintptr_t)(1 + aas_enum_find(AAS_ENUM_ReferenceTypes, "ModelReference", 14));
	for (; n; n = n->parent) {
		if (!(n->cls->mask & (IS_SME | IS_REF)))
			continue;	/* an OperationVariable or the Environment is no step */
		struct aas_node *k = key_new(a, r, n);
		if (!k)
			return NULL;
		k->next = head;
		head = k;
	}
	AAS_AT(r, Reference, keys).node = head;
	return r;
}

static bool key_is(const struct aas_node *key, const char *type)
{
	return str_eq(aas_enum_text(AAS_ENUM_KeyTypes, AAS_AT(key, Key, type)), type);
}

enum err aas_reference_path(const struct aas_node *reference, struct slice *submodel_id, struct buf *path, struct diag *d)
{
	const struct aas_node *k = AAS_AT(reference, Reference, keys).node;
	unsigned depth = 0;
	size_t start = path->n, index;
	if (!str_eq(aas_enum_text(AAS_ENUM_ReferenceTypes, AAS_AT(reference, Reference, type)), "ModelReference"))
		return diag_add(d, ERR_BAD_REQUEST, "a ModelReference is expected");
	if (!k || !key_is(k, "Submodel"))
		return diag_add(d, ERR_BAD_REQUEST, "the first key of the reference must be a Submodel");
	*submodel_id = slice_of(AAS_AT(k, Key, value).str);
	bool in_list = false;
	for (k = k->next; k && !path->failed && !key_is(k, "FragmentReference"); k = k->next) {
		struct slice v = slice_of(AAS_AT(k, Key, value).str);
		if (++depth > AAS_PATH_DEPTH)
			return diag_add(d, ERR_BAD_REQUEST, "the reference has more than %d keys", AAS_PATH_DEPTH);
		/* An abstract key type may hide the list, but no idShort begins with a digit. */
		if (path->n > start && str_size(v.p, v.n, &index)) {
			buf_printf(path, "[%zu]", index);
		} else if (in_list || !v.n || !aas_lex_idshort(v.p, v.n)) {
			return diag_rule(d, ERR_BAD_REQUEST, in_list ? "AASd-128" : NULL, "key value \"%.80s\" is not %s", v.p ? v.p : "",
					 in_list ? "an index" : "an idShort");
		} else {
			if (path->n > start)
				buf_putc(path, '.');
			buf_slice(path, v);
		}
		in_list = key_is(k, "SubmodelElementList");
	}
	return path->failed ? ERR_NO_MEMORY : ERR_OK;
}

bool aas_reference_match(const struct aas_node *a, const struct aas_node *b)
{
	const struct aas_node *k = AAS_AT(a, Reference, keys).node, *l = AAS_AT(b, Reference, keys).node;
	for (; k && l; k = k->next, l = l->next)
		if (AAS_AT(k, Key, type).ord != AAS_AT(l, Key, type).ord || !str_eq(AAS_AT(k, Key, value).str, AAS_AT(l, Key, value).str))
			return false;
	return !k && !l;
}
