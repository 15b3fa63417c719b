/* SPDX-License-Identifier: Apache-2.0 */
#include "aas/tree.h"

#include <string.h>

#include "aas/json.h"
#include "aas/lexical.h"
#include "aas/lookup.h"
#include "aas/rules.h"
#include "base/map.h"

static inline bool is_text(const struct aas_prop *p)
{
	return p->kind == AAS_STR || p->kind == AAS_B64;
}

static inline bool is_nested(const struct aas_prop *p)
{
	return p->kind == AAS_NODE || p->kind == AAS_LIST;
}

/* ---- copy and compare ------------------------------------------------------------- */

static bool copy_list(struct arena *a, const struct aas_node *from, struct aas_node *parent, struct aas_node **tail)
{
	for (; from; from = from->next) {
		if (!(*tail = aas_copy(a, from)))
			return false;
		(*tail)->parent = parent;
		tail = &(*tail)->next;
	}
	return true;
}

struct aas_node *aas_copy(struct arena *a, const struct aas_node *n)
{
	struct aas_node *c = aas_node_new(a, n->cls->id);
	if (!c)
		return NULL;
	for (unsigned i = 0; i < n->cls->n; i++) {
		const struct aas_prop *p = &n->cls->props[i];
		if (!n->slot[i].ord)
			continue;
		if (is_text(p)) {
			if (!(c->slot[i].str = arena_strdup(a, n->slot[i].str)))
				return NULL;
		} else if (is_nested(p)) {
			if (!copy_list(a, n->slot[i].node, c, &c->slot[i].node))
				return NULL;
		} else {
			c->slot[i] = n->slot[i];
		}
	}
	return c;
}

static bool equal_lists(const struct aas_node *a, const struct aas_node *b)
{
	for (; a && b; a = a->next, b = b->next)
		if (!aas_equal(a, b))
			return false;
	return a == b;
}

bool aas_equal(const struct aas_node *a, const struct aas_node *b)
{
	if (a->cls != b->cls)
		return false;
	for (unsigned i = 0; i < a->cls->n; i++) {
		const struct aas_prop *p = &a->cls->props[i];
		union aas_slot x = a->slot[i], y = b->slot[i];
		if (!x.ord != !y.ord)
			return false;
		if (!x.ord)
			continue;
		if (is_text(p) ? strcmp(x.str, y.str) != 0 : is_nested(p) ? !equal_lists(x.node, y.node) : x.ord != y.ord)
			return false;
	}
	return true;
}

/* ---- structural validation ------------------------------------------------------------ */

/* The rule for values is the same everywhere: a text of type Any beside a valueType is checked against it. */
static void check_value(const struct aas_node *n, uintptr_t type, unsigned slot, const char *s, struct diag *d)
{
	struct diag_frame f;
	if (aas_xsd_ok(type, s, strlen(s)))
		return;
	diag_push(d, &f, n->cls->props[slot].name);
	diag_rule(d, ERR_BAD_REQUEST, aas_rule_of(&n->cls->props[slot], AAS_RULE_VALUE), "\"%.60s\" is not a value of %s", s,
		  aas_xsd_of(type)->name);
	diag_pop(d);
}

static void check_leaf(const struct aas_node *n, unsigned i, struct diag *d)
{
	const struct aas_prop *p = &n->cls->props[i];
	uintptr_t ord = n->slot[i].ord;
	const char *s = n->slot[i].str;
	if (p->kind == AAS_STR ? !aas_string_ok(p->type, s, strlen(s)) : p->kind == AAS_B64 && !aas_lex_base64(s, strlen(s)))
		diag_rule(d, ERR_BAD_REQUEST, p->kind == AAS_STR ? aas_rule_of_text(p, s, strlen(s)) : NULL, "is not a valid %s",
			  p->kind == AAS_STR ? aas_strings[p->type].name : "base64 text");
	else if (p->kind == AAS_ENUM ? ord > aas_enums[p->type].n : p->kind == AAS_BOOL && ord > 2)
		diag_add(d, ERR_BAD_REQUEST, "is out of range");
}

static void check_node(const struct aas_node *n, unsigned depth, struct diag *d);

static void check_nested(const struct aas_node *n, unsigned i, unsigned depth, struct diag *d)
{
	const struct aas_prop *p = &n->cls->props[i];
	struct diag_frame f;
	if (p->kind == AAS_LIST)
		diag_push_index(d, &f, 0);
	for (const struct aas_node *c = n->slot[i].node; c; c = c->next, f.index++) {
		if (!aas_class_fits(c->cls, p->type))
			diag_add(d, ERR_BAD_REQUEST, "%s is not a %s", c->cls->name, aas_type_name(p->type));
		else
			check_node(c, depth + 1, d);
		if (p->kind == AAS_NODE)
			return;
	}
	diag_pop(d);
}

static void check_node(const struct aas_node *n, unsigned depth, struct diag *d)
{
	const struct aas_class_index *x = &aas_class_index[n->cls->id];
	struct diag_frame f;
	if (depth > AAS_DEPTH_MAX) {
		diag_add(d, ERR_BAD_REQUEST, "nested deeper than %d levels", AAS_DEPTH_MAX);
		return;
	}
	for (unsigned i = 0; i < n->cls->n; i++) {
		const struct aas_prop *p = &n->cls->props[i];
		if (!n->slot[i].ord) {
			if (p->required)
				diag_rule(d, ERR_BAD_REQUEST, aas_rule_of_class(n->cls, AAS_RULE_REQUIRED), "%s is required", p->name);
			continue;
		}
		diag_push(d, &f, p->name);
		if (is_nested(p))
			check_nested(n, i, depth, d);
		else
			check_leaf(n, i, d);
		diag_pop(d);
		if (x->values >> i & 1)
			check_value(n, n->slot[x->value_type].ord, i, n->slot[i].str, d);
	}
}

enum err aas_check(const struct aas_node *n, struct diag *d)
{
	struct diag own = DIAG_INIT;
	struct diag *use = d ? d : &own;
	unsigned before = use->n + use->lost;
	check_node(n, 1, use);
	bool ok = use->n + use->lost == before;
	diag_fini(&own);
	return ok ? ERR_OK : ERR_BAD_REQUEST;
}

/* ---- what a list asks of its items --------------------------------------------------------- */

/* The attributes the rules look at, of a list and of an item: as they are, or as they will be after a merge. */
struct view {
	const struct aas_node *now, *then;
};

static union aas_slot seen(struct view v, const char *attribute)
{
	int i = aas_prop_find(v.now->cls, attribute, strlen(attribute));
	if (i < 0)
		return (union aas_slot){ 0 };
	return v.then && v.then->slot[i].ord ? v.then->slot[i] : v.now->slot[i];
}

/* The same key values in the same order, as the rule has it (rules_model.c). */
static bool same_meaning(const struct aas_node *a, const struct aas_node *b)
{
	const struct aas_node *k = AAS_AT(a, Reference, keys).node, *l = AAS_AT(b, Reference, keys).node;
	for (; k && l; k = k->next, l = l->next)
		if (!str_eq(AAS_AT(k, Key, value).str, AAS_AT(l, Key, value).str))
			return false;
	return k == l;
}

bool aas_list_admits(const char *type, const struct aas_class *c)
{
	if (str_eq(type, c->name) || str_eq(type, "SubmodelElement"))
		return true;
	if (str_eq(type, "DataElement"))
		return (c->mask & IS_DATA) != 0;
	if (str_eq(type, "EventElement"))
		return c->id == AAS_BasicEventElement;
	return str_eq(type, "RelationshipElement") && c->id == AAS_AnnotatedRelationshipElement;
}

static enum err check_item(struct view list, struct view item, struct diag *d)
{
	const struct aas_class *c = item.now->cls;
	union aas_slot meaning = seen(list, "semanticIdListElement"), own = seen(item, "semanticId");
	union aas_slot type = seen(list, "typeValueListElement"), value = seen(list, "valueTypeListElement");
	const char *name = aas_enum_text(AAS_ENUM_AasSubmodelElements, type);
	if (meaning.node && own.node && !same_meaning(meaning.node, own.node))
		return diag_rule(d, ERR_BAD_REQUEST, "AASd-107", "the semanticId is not the semanticIdListElement of the list");
	if (name && !aas_list_admits(name, c))
		return diag_rule(d, ERR_BAD_REQUEST, "AASd-108", "a %s in a list of %s", c->name, name);
	if (name && !value.ord && (str_eq(name, "Property") || str_eq(name, "Range")))
		return diag_rule(d, ERR_BAD_REQUEST, "AASd-109", "a list of %s needs a valueTypeListElement", name);
	if (value.ord && (c->id == AAS_Property || c->id == AAS_Range) && seen(item, "valueType").ord != value.ord)
		return diag_rule(d, ERR_BAD_REQUEST, "AASd-109", "the valueType is not %s like that of the list",
				 aas_enum_text(AAS_ENUM_DataTypeDefXsd, value));
	return ERR_OK;
}

/* ---- insert, replace, remove ------------------------------------------------------------------ */

static unsigned height(const struct aas_node *n)
{
	unsigned most = 0;
	for (unsigned i = 0; i < n->cls->n; i++)
		if (is_nested(&n->cls->props[i]))
			for (const struct aas_node *c = n->slot[i].node; c; c = c->next) {
				unsigned h = height(c);
				most = h > most ? h : most;
			}
	return most + 1;
}

enum err aas_check_depth(const struct aas_node *parent, const struct aas_node *child, struct diag *d)
{
	unsigned depth = height(child);
	for (; parent; parent = parent->parent)
		depth++;
	return depth > AAS_DEPTH_MAX ? diag_add(d, ERR_BAD_REQUEST, "nested deeper than %d levels", AAS_DEPTH_MAX) : ERR_OK;
}

static struct aas_node *sibling(struct aas_node *head, const char *id_short)
{
	for (; head; head = head->next)
		if (AAS_ID_SHORT(head) && str_eq(AAS_ID_SHORT(head), id_short))
			return head;
	return NULL;
}

enum err aas_insert(struct aas_node *parent, struct aas_node *child, struct diag *d)
{
	union aas_slot *list = aas_children(parent);
	enum err e;
	if (!list)
		return diag_add(d, ERR_BAD_REQUEST, "a %s has no child elements", parent->cls->name);
	unsigned type = parent->cls->props[list - parent->slot].type;
	if (!aas_class_fits(child->cls, type))
		return diag_add(d, ERR_BAD_REQUEST, "a %s is not a %s", child->cls->name, aas_type_name(type));
	if (aas_is(parent, AAS_SubmodelElementList)) {
		if ((e = check_item((struct view){ parent, NULL }, (struct view){ child, NULL }, d)))
			return e;
	} else if (!AAS_ID_SHORT(child)) {
		return diag_rule(d, ERR_BAD_REQUEST, "AASd-117", "idShort is required");
	} else if (sibling(list->node, AAS_ID_SHORT(child))) {
		return diag_rule(d, ERR_CONFLICT, "AASd-022", "there is an element with the idShort \"%s\" already", AAS_ID_SHORT(child));
	}
	if ((e = aas_check_depth(parent, child, d)))
		return e;
	aas_list_append(parent, list, child);
	return ERR_OK;
}

/* The pointer that points to n, and the attribute it is in. */
static struct aas_node **link_of(const struct aas_node *n, const struct aas_prop **prop)
{
	struct aas_node *parent = n->parent;
	for (unsigned i = 0; parent && i < parent->cls->n; i++) {
		*prop = &parent->cls->props[i];
		if (!is_nested(*prop))
			continue;
		for (struct aas_node **at = &parent->slot[i].node; *at; at = &(*at)->next)
			if (*at == n)
				return at;
	}
	return NULL;
}

enum err aas_replace(struct aas_node *old, struct aas_node *fresh, struct diag *d)
{
	const struct aas_prop *p;
	struct aas_node **at = link_of(old, &p), *parent = old->parent;
	enum err e;
	if (!at)
		return diag_add(d, ERR_INTERNAL, "the root of a tree cannot be replaced");
	if (!aas_class_fits(fresh->cls, p->type))
		return diag_add(d, ERR_BAD_REQUEST, "a %s is not a %s", fresh->cls->name, aas_type_name(p->type));
	if (aas_is(parent, AAS_SubmodelElementList) && aas_children(parent) == &parent->slot[p - parent->cls->props]) {
		if ((e = check_item((struct view){ parent, NULL }, (struct view){ fresh, NULL }, d)))
			return e;
	} else if (aas_is_sme(fresh) && aas_is_sme(old)) {
		const char *was = AAS_ID_SHORT(old), *is = AAS_ID_SHORT(fresh);
		if (!is)
			return diag_rule(d, ERR_BAD_REQUEST, "AASd-117", "idShort is required");
		if (was && !str_eq(was, is))
			return diag_add(d, ERR_BAD_REQUEST, "the idShort is \"%s\" and cannot become \"%s\"", was, is);
	}
	if ((e = aas_check_depth(parent, fresh, d)))
		return e;
	fresh->next = old->next;
	fresh->parent = parent;
	*at = fresh;
	old->next = old->parent = NULL;
	return ERR_OK;
}

void aas_remove(struct aas_node *n)
{
	const struct aas_prop *p;
	struct aas_node **at = link_of(n, &p);
	if (at)
		*at = n->next;
	n->next = n->parent = NULL;
}

/* ---- merge ------------------------------------------------------------------------------------------- */

/* The child of n that `patch`, the index-th of its list, is meant for. */
static struct aas_node *partner(const struct aas_node *n, struct aas_node *head, const struct aas_node *patch, size_t index)
{
	if (aas_is(n, AAS_SubmodelElementList)) {
		while (head && index--)
			head = head->next;
		return head;
	}
	if (aas_is_sme(patch))
		return AAS_ID_SHORT(patch) ? sibling(head, AAS_ID_SHORT(patch)) : NULL;
	while (head && !(AAS_ID(patch) && str_eq(AAS_ID(head), AAS_ID(patch))))
		head = head->next;
	return head;
}

/* Children are merged, everything else is replaced. */
static inline bool merges(const struct aas_prop *p)
{
	return p->kind == AAS_LIST && (p->views & AAS_VIEW_C) && (aas_class_sole(p->type) == NULL || aas_class_sole(p->type)->mask & IS_REF);
}

static enum err merge_check(struct aas_node *n, const struct aas_node *patch, struct diag *d);

/* Two patches of one child would each be checked against what is there, not against each other. */
static enum err merge_check_once(struct map *seen, struct aas_node *mine, struct diag *d)
{
	const char *name = aas_is_sme(mine) ? AAS_ID_SHORT(mine) : AAS_ID(mine);
	if (map_get(seen, name, strlen(name)))
		return diag_rule(d, ERR_BAD_REQUEST, aas_is_sme(mine) ? "AASd-022" : NULL, "\"%.80s\" is given twice", name);
	return map_put(seen, name, strlen(name), mine, NULL) ? ERR_OK : diag_add(d, ERR_NO_MEMORY, "not enough memory for the patch");
}

static enum err merge_check_children(struct aas_node *n, const struct aas_node *patch, unsigned i, struct diag *d)
{
	struct diag_frame name, item;
	struct map seen = MAP_INIT;
	enum err e = ERR_OK;
	diag_push(d, &name, n->cls->props[i].name);
	diag_push_index(d, &item, 0);
	for (const struct aas_node *c = patch->slot[i].node; c && !e; c = c->next, item.index++) {
		struct aas_node *mine = partner(n, n->slot[i].node, c, item.index);
		if (mine && !aas_is(n, AAS_SubmodelElementList) && (e = merge_check_once(&seen, mine, d)))
			break;
		if (mine)
			e = merge_check(mine, c, d);
		else if (aas_is_sme(c) && !AAS_ID_SHORT(c) && !aas_is(n, AAS_SubmodelElementList))
			e = diag_rule(d, ERR_BAD_REQUEST, "AASd-117", "idShort is required");
		else
			e = diag_add(d, ERR_NOT_FOUND, "there is no such element, and a patch creates none");
	}
	diag_pop(d);
	diag_pop(d);
	map_fini(&seen);
	return e;
}

/* What replaces an attribute of n may be as deep as a document, but n is not at the top of its own. */
static enum err merge_check_depth(const struct aas_node *n, const struct aas_node *patch, unsigned i, struct diag *d)
{
	struct diag_frame name;
	enum err e = ERR_OK;
	diag_push(d, &name, n->cls->props[i].name);
	for (const struct aas_node *c = patch->slot[i].node; c && !e; c = c->next)
		e = aas_check_depth(n, c, d);
	diag_pop(d);
	return e;
}

static enum err merge_check_items(const struct aas_node *n, const struct aas_node *patch, struct diag *d)
{
	const struct aas_node *c = AAS_AT(n, SubmodelElementList, value).node, *p = AAS_AT(patch, SubmodelElementList, value).node;
	struct diag_frame name, item;
	enum err e = ERR_OK;
	diag_push(d, &name, "value");
	diag_push_index(d, &item, 0);
	for (; c && !e; c = c->next, p = p ? p->next : NULL, item.index++)
		e = check_item((struct view){ n, patch }, (struct view){ c, p }, d);
	diag_pop(d);
	diag_pop(d);
	return e;
}

static enum err same_text(const struct aas_node *n, const struct aas_node *patch, const char *attribute, struct diag *d)
{
	int i = aas_prop_find(n->cls, attribute, strlen(attribute));
	const char *is = i < 0 ? NULL : n->slot[i].str, *wanted = i < 0 ? NULL : patch->slot[i].str;
	if (!wanted || (is && str_eq(is, wanted)))
		return ERR_OK;
	return diag_add(d, ERR_BAD_REQUEST, "%s cannot be changed by a patch", attribute);
}

static enum err merge_check(struct aas_node *n, const struct aas_node *patch, struct diag *d)
{
	const struct aas_class_index *x = &aas_class_index[n->cls->id];
	bool item = n->parent && aas_is(n->parent, AAS_SubmodelElementList);
	unsigned before = d->n + d->lost;
	enum err e;
	if (n->cls != patch->cls)
		return diag_add(d, ERR_BAD_REQUEST, "is a %s, not a %s", n->cls->name, patch->cls->name);
	if ((n->cls->mask & IS_REF && (e = same_text(n, patch, "id", d))) || (!item && (e = same_text(n, patch, "idShort", d))))
		return e;
	for (unsigned i = 0; i < n->cls->n; i++) {
		const char *text = patch->slot[i].ord ? patch->slot[i].str : n->slot[i].str;
		const struct aas_prop *p = &n->cls->props[i];
		if (patch->slot[i].ord && is_nested(p) && (e = merges(p) ? merge_check_children(n, patch, i, d) : merge_check_depth(n, patch, i, d)))
			return e;
		if (x->values >> i & 1 && text)
			check_value(n, seen((struct view){ n, patch }, "valueType").ord, i, text, d);
	}
	if (d->n + d->lost != before)
		return ERR_BAD_REQUEST;
	return aas_is(n, AAS_SubmodelElementList) ? merge_check_items(n, patch, d) : ERR_OK;
}

/* Move what `patch` has into n; nothing can fail any more. */
static void merge_apply(struct aas_node *n, struct aas_node *patch)
{
	for (unsigned i = 0; i < n->cls->n; i++) {
		const struct aas_prop *p = &n->cls->props[i];
		size_t index = 0;
		if (!patch->slot[i].ord)
			continue;
		if (merges(p)) {
			for (struct aas_node *c = patch->slot[i].node; c; c = c->next)
				merge_apply(partner(n, n->slot[i].node, c, index++), c);
			continue;
		}
		n->slot[i] = patch->slot[i];
		for (struct aas_node *c = is_nested(p) ? n->slot[i].node : NULL; c; c = c->next)
			c->parent = n;
	}
}

enum err aas_merge(struct arena *a, struct aas_node *n, const struct aas_node *patch, struct diag *d)
{
	struct diag own = DIAG_INIT;
	enum err e = merge_check(n, patch, d ? d : &own);
	diag_fini(&own);
	if (e)
		return e;
	struct aas_node *copy = aas_copy(a, patch);
	if (!copy)
		return diag_add(d, ERR_NO_MEMORY, "not enough memory for the patch");
	merge_apply(n, copy);
	return ERR_OK;
}
