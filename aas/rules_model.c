/* SPDX-License-Identifier: Apache-2.0
 * rules_model.c - the constraints of IDTA-01001 on elements, lists, qualifiers, assets; rules.def says which is which.
 */
#include <strings.h>

#include "aas/rules_priv.h"
#include "aas/tree.h"

static const char *text_of(const struct aas_node *n, unsigned slot)
{
	return n->slot[slot].str;
}

/* Of the items of a list, no two have the same text in `slot`. */
static void unique_items(struct aas_run *r, const struct aas_node *first, unsigned slot, bool caseless, const char *attribute, const char *what)
{
	struct aas_uniq seen = UNIQ_INIT(caseless);
	size_t i = 0;
	if (!first || !first->next)
		return;
	for (const struct aas_node *n = first; n; n = n->next, i++) {
		const char *text = text_of(n, slot);
		if (text && !aas_uniq_add(r, &seen, text))
			aas_run_fault(r, attribute, i, "the %s \"%.80s\" is used twice", what, text);
	}
	aas_uniq_fini(&seen);
}

void aas_rule_revision(struct aas_run *r, const struct aas_node *n)
{
	if (AAS_AT(n, AdministrativeInformation, revision).str && !AAS_AT(n, AdministrativeInformation, version).str)
		aas_run_fault(r, "revision", NO_ITEM, "a revision without a version");
}

/* BCP 47 compares languages without regard to case. */
void aas_rule_languages(struct aas_run *r, const struct aas_node *n)
{
	unique_items(r, n->slot[r->slot].node, AAS_SLOT(LangStringTextType, language), true, r->rule->attribute, "language");
}

/* ---- names ------------------------------------------------------------------------------------ */

void aas_rule_id_short_present(struct aas_run *r, const struct aas_node *n)
{
	if (!AAS_ID_SHORT(n) && n->parent && !aas_is(n->parent, AAS_SubmodelElementList))
		aas_run_fault(r, NULL, NO_ITEM, "the element needs an idShort");
}

void aas_rule_unique_id_shorts(struct aas_run *r, const struct aas_node *n)
{
	const union aas_slot *list = aas_children((struct aas_node *)n);
	if (list && !aas_is(n, AAS_SubmodelElementList))
		unique_items(r, list->node, AAS_SLOT(Capability, idShort), false, n->cls->props[list - n->slot].name, "idShort");
}

void aas_rule_unique_variables(struct aas_run *r, const struct aas_node *n)
{
	struct aas_uniq seen = UNIQ_INIT(false);
	for (unsigned slot = AAS_SLOT(Operation, inputVariables); slot <= AAS_SLOT(Operation, inoutputVariables); slot++) {
		size_t i = 0;
		for (const struct aas_node *v = n->slot[slot].node; v; v = v->next, i++) {
			const struct aas_node *value = AAS_AT(v, OperationVariable, value).node;
			const char *id = value ? AAS_ID_SHORT(value) : NULL;
			if (id && !aas_uniq_add(r, &seen, id))
				aas_run_fault(r, n->cls->props[slot].name, i, "the idShort \"%.80s\" is used twice", id);
		}
	}
	aas_uniq_fini(&seen);
}

void aas_rule_extension_names(struct aas_run *r, const struct aas_node *n)
{
	unique_items(r, n->slot[r->slot].node, AAS_SLOT(Extension, name), false, "extensions", "name");
}

void aas_rule_category(struct aas_run *r, const struct aas_node *n)
{
	const char *s = AAS_AT(n, Capability, category).str;
	if (s && !str_eq(s, "CONSTANT") && !str_eq(s, "PARAMETER") && !str_eq(s, "VARIABLE"))
		aas_run_fault(r, "category", NO_ITEM, "V3.0 allows CONSTANT, PARAMETER and VARIABLE on a data element");
}

/* ---- qualifiers, semantics ------------------------------------------------------------------------ */

void aas_rule_qualifier_types(struct aas_run *r, const struct aas_node *n)
{
	unique_items(r, n->slot[r->slot].node, AAS_SLOT(Qualifier, type), false, "qualifiers", "type");
}

/* A TemplateQualifier asks for a submodel of the kind Template; without kind it is an instance. */
static void template(struct aas_run *r, const struct aas_node *n, const struct aas_node *submodel)
{
	const char *kind = aas_enum_text(AAS_ENUM_ModellingKind, AAS_AT(submodel, Submodel, kind));
	size_t i = 0;
	if (kind && str_eq(kind, "Template"))
		return;
	for (const struct aas_node *q = n->slot[r->slot].node; q; q = q->next, i++) {
		const char *is = aas_enum_text(AAS_ENUM_QualifierKind, AAS_AT(q, Qualifier, kind));
		if (is && str_eq(is, "TemplateQualifier"))
			aas_run_fault(r, "qualifiers", i, "a TemplateQualifier, but the submodel is not of the kind Template");
	}
}

void aas_rule_template_submodel(struct aas_run *r, const struct aas_node *n)
{
	template(r, n, n);
}

void aas_rule_template_element(struct aas_run *r, const struct aas_node *n)
{
	if (r->submodel && n->slot[r->slot].node)
		template(r, n, r->submodel);
}

void aas_rule_supplemental(struct aas_run *r, const struct aas_node *n)
{
	if (n->slot[r->slot].node && !n->slot[r->slot - 1].node)	/* semanticId stands before it in every class */
		aas_run_fault(r, "supplementalSemanticIds", NO_ITEM, "supplemental semantic ids without a semanticId");
}

/* ---- lists --------------------------------------------------------------------------------------------- */

#define ITEMS(list) AAS_AT(list, SubmodelElementList, value).node
/* Where one item alone is in question, it is the root, and what the others do is not its fault. */
#define ITEM_FAULT(r, c, i, ...) \
	do { \
		if (!(r)->only || (r)->only == (c)) \
			aas_run_fault((r), (r)->only ? NULL : "value", (r)->only ? NO_ITEM : (i), __VA_ARGS__); \
	} while (0)

void aas_rule_list_semantic_id(struct aas_run *r, const struct aas_node *n)
{
	const struct aas_node *wanted = AAS_AT(n, SubmodelElementList, semanticIdListElement).node;
	size_t i = 0;
	for (const struct aas_node *c = wanted ? ITEMS(n) : NULL; c; c = c->next, i++)
		if (AAS_SEMANTIC_ID(c) && !aas_run_same_values(AAS_SEMANTIC_ID(c), wanted))
			ITEM_FAULT(r, c, i, "the semanticId is not the semanticIdListElement of the list");
}

void aas_rule_list_type(struct aas_run *r, const struct aas_node *n)
{
	const char *type = aas_enum_text(AAS_ENUM_AasSubmodelElements, AAS_AT(n, SubmodelElementList, typeValueListElement));
	size_t i = 0;
	for (const struct aas_node *c = type ? ITEMS(n) : NULL; c; c = c->next, i++)
		if (!aas_list_admits(type, c->cls))
			ITEM_FAULT(r, c, i, "a %s in a list of %s", c->cls->name, type);
}

/* The reference metamodel of V3.1 asks for the attribute only when there are items, the text always. */
void aas_rule_list_value_type(struct aas_run *r, const struct aas_node *n)
{
	const char *type = aas_enum_text(AAS_ENUM_AasSubmodelElements, AAS_AT(n, SubmodelElementList, typeValueListElement));
	union aas_slot value_type = AAS_AT(n, SubmodelElementList, valueTypeListElement);
	size_t i = 0;
	if (!type || (!str_eq(type, "Property") && !str_eq(type, "Range")))
		return;
	if (!value_type.ord && (ITEMS(n) || aas_run_strict(r)))
		aas_run_fault(r, NULL, NO_ITEM, "a list of %s needs a valueTypeListElement", type);
	for (const struct aas_node *c = value_type.ord ? ITEMS(n) : NULL; c; c = c->next, i++) {
		uintptr_t is = aas_is(c, AAS_Property) ? AAS_AT(c, Property, valueType).ord :
			       aas_is(c, AAS_Range) ? AAS_AT(c, Range, valueType).ord : 0;
		if (is && is != value_type.ord)
			ITEM_FAULT(r, c, i, "the valueType is not %s like that of the list", aas_enum_text(AAS_ENUM_DataTypeDefXsd, value_type));
	}
}

/* Compared with the first item that has one: equality carries over.  Lenient, the key values count, as for AASd-107. */
void aas_rule_list_same_semantic_id(struct aas_run *r, const struct aas_node *n)
{
	const struct aas_node *first = ITEMS(n);
	size_t i = 0;
	while (first && (first == r->only || !AAS_SEMANTIC_ID(first)))
		first = first->next;
	for (const struct aas_node *c = first ? ITEMS(n) : NULL; c; c = c->next, i++) {
		const struct aas_node *is = AAS_SEMANTIC_ID(c), *other = AAS_SEMANTIC_ID(first);
		if (is && c != first && !(aas_run_strict(r) ? aas_equal(is, other) : aas_run_same_values(is, other)))
			ITEM_FAULT(r, c, i, "the semanticId is not that of the other items");
	}
}

void aas_rule_list_id_short(struct aas_run *r, const struct aas_node *n)
{
	size_t i = 0;
	for (const struct aas_node *c = ITEMS(n); c; c = c->next, i++)
		if (AAS_ID_SHORT(c))
			ITEM_FAULT(r, c, i, "V3.0 allows no idShort on the items of a SubmodelElementList");
}

/* ---- assets ------------------------------------------------------------------------------------------------ */

void aas_rule_asset_named(struct aas_run *r, const struct aas_node *n)
{
	if (!AAS_AT(n, AssetInformation, globalAssetId).str && !AAS_AT(n, AssetInformation, specificAssetIds).node)
		aas_run_fault(r, NULL, NO_ITEM, "a globalAssetId or a specific asset id is required");
}

void aas_rule_reserved_asset_id(struct aas_run *r, const struct aas_node *n)
{
	const char *global = AAS_AT(n, AssetInformation, globalAssetId).str;
	size_t i = 0;
	for (const struct aas_node *s = AAS_AT(n, AssetInformation, specificAssetIds).node; s; s = s->next, i++) {
		const char *name = AAS_AT(s, SpecificAssetId, name).str, *value = AAS_AT(s, SpecificAssetId, value).str;
		if (name && value && !strcasecmp(name, "globalAssetId") && !(global && str_eq(global, value)))
			aas_run_fault(r, "specificAssetIds", i, "the name \"%s\" is kept for the globalAssetId, but the value is another",
				      name);
	}
}

void aas_rule_external_subject(struct aas_run *r, const struct aas_node *n)
{
	const struct aas_node *subject = AAS_AT(n, SpecificAssetId, externalSubjectId).node;
	const char *type = subject ? aas_enum_text(AAS_ENUM_ReferenceTypes, AAS_AT(subject, Reference, type)) : NULL;
	if (type && !str_eq(type, "ExternalReference"))
		aas_run_fault(r, "externalSubjectId", NO_ITEM, "an ExternalReference is required, not a %s", type);
}

void aas_rule_entity(struct aas_run *r, const struct aas_node *n)
{
	const char *type = aas_enum_text(AAS_ENUM_EntityType, AAS_AT(n, Entity, entityType));
	unsigned names = (AAS_AT(n, Entity, globalAssetId).str != NULL) + (AAS_AT(n, Entity, specificAssetIds).node != NULL);
	bool self = type && str_eq(type, "SelfManagedEntity");
	if (self && !names)
		aas_run_fault(r, NULL, NO_ITEM, "a self-managed entity needs a globalAssetId or a specific asset id");
	else if (aas_run_v30(r) && self && names > 1)
		aas_run_fault(r, NULL, NO_ITEM, "V3.0 wants either globalAssetId or specificAssetIds");
	else if (aas_run_v30(r) && type && !self && names)
		aas_run_fault(r, NULL, NO_ITEM, "V3.0 allows a co-managed entity neither globalAssetId nor specificAssetIds");
}

void aas_rule_max_interval(struct aas_run *r, const struct aas_node *n)
{
	const char *direction = aas_enum_text(AAS_ENUM_Direction, AAS_AT(n, BasicEventElement, direction));
	if (AAS_AT(n, BasicEventElement, maxInterval).str && direction && str_eq(direction, "input"))
		aas_run_fault(r, "maxInterval", NO_ITEM, "not allowed for the direction input");
}

/* ---- what V3.0 required ------------------------------------------------------------------------------------- */

static void required(struct aas_run *r, const struct aas_node *n, unsigned slot)
{
	if (!n->slot[slot].ord)
		aas_run_fault(r, NULL, NO_ITEM, "V3.0 requires %s", n->cls->props[slot].name);
}

void aas_rule_v30_relationship(struct aas_run *r, const struct aas_node *n)
{
	required(r, n, AAS_SLOT(RelationshipElement, first));
	required(r, n, AAS_SLOT(RelationshipElement, second));
}

void aas_rule_v30_blob(struct aas_run *r, const struct aas_node *n)
{
	required(r, n, AAS_SLOT(Blob, contentType));
}

void aas_rule_v30_file(struct aas_run *r, const struct aas_node *n)
{
	required(r, n, AAS_SLOT(File, contentType));
}

void aas_rule_v30_entity(struct aas_run *r, const struct aas_node *n)
{
	required(r, n, AAS_SLOT(Entity, entityType));
}

void aas_rule_v30_value_pair(struct aas_run *r, const struct aas_node *n)
{
	required(r, n, AAS_SLOT(ValueReferencePair, valueId));
}
