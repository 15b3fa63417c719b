/* SPDX-License-Identifier: Apache-2.0 */
#include "aas/metamodel.h"

#include <stdlib.h>
#include <string.h>

#include "aas/lexical.h"
#include "aas/lookup.h"

const struct aas_string_type aas_strings[] = {
#define S(name, min, max, check) { #name, min, max, aas_lex_##check },
	AAS_STRINGS(S)
	API_STRINGS(S)
#undef S
};

#define E(name, ...) static const char *const literals_##name[] = { __VA_ARGS__, NULL };
AAS_ENUMS(E)
API_ENUMS(E)
#undef E
const struct aas_enum_type aas_enums[] = {
#define E(name, ...) { #name, literals_##name, sizeof literals_##name / sizeof *literals_##name - 1 },
	AAS_ENUMS(E)
	API_ENUMS(E)
#undef E
};

#define REQ 1
#define OPT 0
#define M AAS_VIEW_M
#define V AAS_VIEW_V
#define B AAS_VIEW_B
#define E AAS_VIEW_E
#define TEXT AAS_TEXT
#define TYPE_STR(t) AAS_STR_##t
#define TYPE_ENUM(t) AAS_ENUM_##t
#define TYPE_NODE(t) AAS_##t
#define TYPE_LIST(t) AAS_##t
#define TYPE_BOOL(t) 0
#define TYPE_B64(t) 0

/* The view letter C (children) must not be taken for the class macro: the class rows get another name. */
#define C AAS_VIEW_C
#define P(name, kind, type, card, views) { "\"" #name "\":", #name, sizeof #name - 1, AAS_##kind, TYPE_##kind(type), card, views },
#define CLASS_PROPS(cls, xml, mask, typed, shape) static const struct aas_prop props_##cls[] = { cls##_(P) };
AAS_CLASSES(CLASS_PROPS)
API_CLASSES(CLASS_PROPS)
#undef C

const struct aas_class aas_classes[AAS_N_CLASSES] = {
#define CLASS_ROW(cls, xml, mask, typed, shape) \
	[AAS_##cls] = { #cls, #xml, props_##cls, sizeof #cls - 1, AAS_##cls, \
			sizeof props_##cls / sizeof *props_##cls, mask, typed, AAS_SHAPE_##shape },
	AAS_CLASSES(CLASS_ROW)
	API_CLASSES(CLASS_ROW)
};

#define SAME_PLACE(cls) \
	_Static_assert(AAS_SLOT(cls, id) == AAS_SLOT(ConceptDescription, id) && AAS_SLOT(cls, idShort) == AAS_SLOT(Capability, idShort), \
		       "AAS_ID and AAS_ID_SHORT work for " #cls)
SAME_PLACE(AssetAdministrationShellDescriptor);
SAME_PLACE(SubmodelDescriptor);

static const struct {
	const char *name;
	uint8_t mask;
} abstracts[] = {
#define A(cls, mask) { #cls, mask },
	AAS_ABSTRACTS(A)
#undef A
};

struct aas_node *aas_node_new(struct arena *a, enum aas_class_id id)
{
	const struct aas_class *c = &aas_classes[id];
	struct aas_node *n = arena_alloc(a, sizeof *n + c->n * sizeof n->slot[0]);
	if (n)
		n->cls = c;
	return n;
}

/* ---- lookup ------------------------------------------------------------------ */

struct aas_class_index aas_class_index[AAS_N_CLASSES];
struct aas_lookup aas_enum_lookup[sizeof aas_enums / sizeof *aas_enums], aas_class_lookup, aas_xml_lookup;

static void lookup_make(struct aas_lookup *l, const char *const *names, unsigned n)
{
	for (uint64_t seed = 1; seed < 1u << 20; seed++) {
		unsigned i = 0;
		memset(l->place, 0, sizeof l->place);
		l->seed = seed * 0xD6E8FEB86659FD93u;
		for (; i < n; i++) {
			size_t len = strlen(names[i]);
			unsigned at = aas_lookup_hash(l->seed, names[i], len);
			if (l->place[at])
				break;
			l->place[at] = (uint8_t)(i + 1);
			l->len[at] = (uint8_t)len;
		}
		if (i == n)
			return;
	}
	abort();	/* two names the hash cannot tell apart: aas_lookup_hash must look at more bytes */
}

static void class_index_make(struct aas_class_index *x, const struct aas_class *c)
{
	const char *names[32];
	x->key_bytes = 64 + AAS_KEY_MAX;	/* brackets and modelType; a key is stored in its full width */
	for (unsigned i = 0; i < c->n; i++) {
		const struct aas_prop *p = &c->props[i];
		names[i] = p->name;
		x->key_bytes = (uint16_t)(x->key_bytes + p->name_len + 8);
		if (p->required)
			x->required |= 1u << i;
		if (p->kind == AAS_STR && p->type == AAS_STR_Any)
			x->values |= 1u << i;
		if (p->kind == AAS_ENUM && p->type == AAS_ENUM_DataTypeDefXsd)
			x->value_type = (uint8_t)i;
	}
	lookup_make(&x->props, names, c->n);
}

__attribute__((constructor)) static void indexes_make(void)
{
	const char *names[AAS_N_MODEL_CLASSES], *xml[AAS_N_MODEL_CLASSES];
	for (unsigned i = 0; i < AAS_N_CLASSES; i++)
		class_index_make(&aas_class_index[i], &aas_classes[i]);
	for (unsigned i = 0; i < AAS_N_MODEL_CLASSES; i++) {
		names[i] = aas_classes[i].name;
		xml[i] = aas_classes[i].xml;
	}
	lookup_make(&aas_class_lookup, names, AAS_N_MODEL_CLASSES);
	lookup_make(&aas_xml_lookup, xml, AAS_N_MODEL_CLASSES);
	for (unsigned i = 0; i < sizeof aas_enums / sizeof *aas_enums; i++)
		lookup_make(&aas_enum_lookup[i], aas_enums[i].literal, aas_enums[i].n);
}

const struct aas_class *aas_class_by_name(const char *name, size_t n)
{
	int i = aas_lookup_guess(&aas_class_lookup, name, n);
	return i >= 0 && !memcmp(aas_classes[i].name, name, n) ? &aas_classes[i] : NULL;
}

const struct aas_class *aas_class_by_xml(const char *name, size_t n)
{
	int i = aas_lookup_guess(&aas_xml_lookup, name, n);
	return i >= 0 && !memcmp(aas_classes[i].xml, name, n) ? &aas_classes[i] : NULL;
}

bool aas_class_fits(const struct aas_class *c, unsigned type)
{
	return type < AAS_N_CLASSES ? c->id == type : (c->mask & abstracts[type - AAS_N_CLASSES].mask) != 0;
}

const struct aas_class *aas_class_sole(unsigned type)
{
	return type < AAS_N_CLASSES ? &aas_classes[type] : NULL;
}

const char *aas_type_name(unsigned type)
{
	return type < AAS_N_CLASSES ? aas_classes[type].name : abstracts[type - AAS_N_CLASSES].name;
}

int aas_prop_find(const struct aas_class *c, const char *name, size_t n)
{
	int i = aas_lookup_guess(&aas_class_index[c->id].props, name, n);
	return i >= 0 && !memcmp(c->props[i].name, name, n) ? i : -1;
}

int aas_enum_find(enum aas_enum_id e, const char *text, size_t n)
{
	int i = aas_lookup_guess(&aas_enum_lookup[e], text, n);
	return i >= 0 && !memcmp(aas_enums[e].literal[i], text, n) ? i : -1;
}

const char *aas_enum_text(enum aas_enum_id e, union aas_slot s)
{
	return s.ord ? aas_enums[e].literal[s.ord - 1] : NULL;
}

/* The children attribute is the one marked C that holds submodel elements. */
union aas_slot *aas_children(struct aas_node *n)
{
	if (n->cls->id == AAS_Environment || n->cls->id == AAS_OperationVariable)
		return NULL;
	for (unsigned i = 0; i < n->cls->n; i++)
		if (n->cls->props[i].views & AAS_VIEW_C)
			return &n->slot[i];
	return NULL;
}

const struct aas_node *aas_first_child(const struct aas_node *n)
{
	for (unsigned i = 0; i < n->cls->n; i++)
		if (n->cls->props[i].views & AAS_VIEW_C && n->cls->props[i].kind == AAS_LIST)
			return n->slot[i].node;
	return NULL;
}

void aas_list_append(struct aas_node *parent, union aas_slot *list, struct aas_node *child)
{
	struct aas_node **tail = &list->node;
	while (*tail)
		tail = &(*tail)->next;
	*tail = child;
	child->next = NULL;
	child->parent = parent;
}

bool aas_string_ok(enum aas_string_id id, const char *s, size_t n)
{
	const struct aas_string_type *t = &aas_strings[id];
	size_t len = n;
	if (!utf8_xml_valid(s, n))
		return false;
	if (n > t->max && t->max)
		len = utf8_length(s, n);
	return len >= t->min && (!t->max || len <= t->max) && t->check(s, n);
}
