/* SPDX-License-Identifier: Apache-2.0
 * metamodel.h - the metamodel as const data, and the one node type of every AAS tree (IDTA-01001, V3.1).
 *
 * metamodel.def, and api.def for the classes of the API, are expanded here into identifiers and in metamodel.c into tables; everything
 * else walks the tables.
 * A tree lives in an arena and belongs to whoever owns the arena.  A tree that is shared between threads is not changed.
 */
#ifndef AAS_METAMODEL_H
#define AAS_METAMODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aas/metamodel.def"
#include "aas/api.def"
#include "base/arena.h"
#include "base/diag.h"
#include "base/str.h"

enum aas_kind { AAS_STR, AAS_BOOL, AAS_B64, AAS_ENUM, AAS_NODE, AAS_LIST };

/* How the value-only form of a class looks (IDTA-01002, "ValueOnly-Serialization"). */
enum aas_shape {
	AAS_SHAPE_NONE,		/* has no value */
	AAS_SHAPE_TYPED,	/* JSON string, number or boolean by valueType */
	AAS_SHAPE_LANG,		/* array of { language: text } */
	AAS_SHAPE_NODE,		/* the value attribute as normal JSON */
	AAS_SHAPE_FIELDS,	/* object of the V and C attributes */
	AAS_SHAPE_OBJECT,	/* object of children by idShort */
	AAS_SHAPE_ARRAY		/* array of children */
};

enum aas_views { AAS_VIEW_M = 1, AAS_VIEW_V = 2, AAS_VIEW_C = 4, AAS_VIEW_B = 8, AAS_VIEW_E = 16 };

/* Abstract ancestors as bits: a class fits a slot of abstract type when it has the bit. */
enum { IS_SME = 1, IS_DATA = 2, IS_DSC = 4, IS_REF = 8 };

/* Class ids: AAS_Property, ...; those of the API follow, then abstract types, which only occur as types of slots. */
enum aas_class_id {
#define C(cls, xml, mask, typed, shape) AAS_##cls,
	AAS_CLASSES(C)
	AAS_N_MODEL_CLASSES,
	AAS_LAST_MODEL_CLASS_ = AAS_N_MODEL_CLASSES - 1,
	API_CLASSES(C)
#undef C
	AAS_N_CLASSES,
	AAS_LAST_CLASS_ = AAS_N_CLASSES - 1,
#define A(cls, mask) AAS_##cls,
	AAS_ABSTRACTS(A)
#undef A
};

enum aas_string_id {
#define S(name, min, max, check) AAS_STR_##name,
	AAS_STRINGS(S)
	API_STRINGS(S)
#undef S
};

enum aas_enum_id {
#define E(name, ...) AAS_ENUM_##name,
	AAS_ENUMS(E)
	API_ENUMS(E)
#undef E
};

#define AAS_KEY_MAX 32

struct aas_prop {
	char key[AAS_KEY_MAX];	/* "\"valueType\":": the name as JSON writes it, name_len + 3 bytes */
	const char *name;
	uint8_t name_len;
	uint8_t kind;		/* enum aas_kind */
	uint8_t type;		/* aas_class_id, aas_string_id or aas_enum_id by kind */
	uint8_t required;
	uint8_t views;
};

/* What JSON carries beside the attributes. */
enum aas_carries { AAS_UNTYPED, AAS_MODEL_TYPE, AAS_TEXT /* the only attribute alone, as a string */ };

struct aas_class {
	const char *name;	/* "Property": modelType, KeyTypes literal */
	const char *xml;	/* "property"; of a class of the API "" */
	const struct aas_prop *props;
	uint8_t name_len;
	uint8_t id, n, mask, typed, shape;	/* typed: enum aas_carries */
};

struct aas_string_type {
	const char *name;
	unsigned min, max;	/* code points; max 0: unbounded */
	bool (*check)(const char *s, size_t n);
};

struct aas_enum_type {
	const char *name;
	const char *const *literal;	/* NULL-terminated */
	unsigned n;
};

extern const struct aas_class aas_classes[AAS_N_CLASSES];
extern const struct aas_string_type aas_strings[];
extern const struct aas_enum_type aas_enums[];

/* A slot is zero when the attribute is absent: no presence bits, no sentinels. */
union aas_slot {
	const char *str;	/* AAS_STR and AAS_B64: NUL-terminated, exactly as the client wrote it */
	struct aas_node *node;	/* AAS_NODE, or the head of an AAS_LIST */
	uintptr_t ord;		/* AAS_ENUM, AAS_BOOL: 1 + ordinal (false is 1, true is 2) */
};

struct aas_node {
	const struct aas_class *cls;
	struct aas_node *parent;	/* NULL at the root */
	struct aas_node *next;		/* next item of the list it is in */
	union aas_slot slot[];		/* cls->n of them, in the order of cls->props */
};

/* Typed access: AAS_AT(node, Property, value).str.  The class must be the node's own. */
#define P(name, kind, type, card, views) union aas_slot name;
#define C(cls, xml, mask, typed, shape) struct aas_slots_##cls { cls##_(P) };
AAS_CLASSES(C)
API_CLASSES(C)
#undef C
#undef P
#define AAS_SLOT(cls, attr) (offsetof(struct aas_slots_##cls, attr) / sizeof(union aas_slot))
#define AAS_AT(node, cls, attr) ((node)->slot[AAS_SLOT(cls, attr)])

/* Attributes that every Referable, Identifiable or submodel element has at the same place. */
#define AAS_ID_SHORT(node) AAS_AT(node, Capability, idShort).str
#define AAS_SEMANTIC_ID(sme) AAS_AT(sme, Capability, semanticId).node
#define AAS_ID(identifiable) AAS_AT(identifiable, ConceptDescription, id).str	/* shell, submodel, concept description, descriptor */

static inline bool aas_is(const struct aas_node *n, enum aas_class_id id)
{
	return n->cls->id == id;
}
static inline bool aas_is_sme(const struct aas_node *n)
{
	return (n->cls->mask & IS_SME) != 0;
}

struct aas_node *aas_node_new(struct arena *, enum aas_class_id);	/* NULL without memory */
const struct aas_class *aas_class_by_name(const char *name, size_t n);	/* the metamodel's alone, as modelType and XML name them */
const struct aas_class *aas_class_by_xml(const char *name, size_t n);
bool aas_class_fits(const struct aas_class *, unsigned type);	/* may stand in a slot of class or abstract type `type` */
const struct aas_class *aas_class_sole(unsigned type);		/* NULL when `type` is abstract */
const char *aas_type_name(unsigned type);			/* "Property", "SubmodelElement" */
int aas_prop_find(const struct aas_class *, const char *name, size_t n);	/* index of the slot, or -1 */
int aas_enum_find(enum aas_enum_id, const char *text, size_t n);		/* ordinal, or -1 */
const char *aas_enum_text(enum aas_enum_id, union aas_slot);			/* literal, or NULL when absent */

/* The slot that holds the child elements of n (submodelElements, value, statements, annotations); NULL for a leaf. */
union aas_slot *aas_children(struct aas_node *n);
const struct aas_node *aas_first_child(const struct aas_node *n);	/* NULL: none, or a leaf */
/* The list of an SubmodelElementList is addressed by index, all other children by idShort. */

/* Append `child` to the list in `list`, setting parent; O(length).  Readers keep a tail pointer instead. */
void aas_list_append(struct aas_node *parent, union aas_slot *list, struct aas_node *child);

/* Structural checks of one text against its string type: length, XML characters, pattern. */
bool aas_string_ok(enum aas_string_id, const char *s, size_t n);

#endif
