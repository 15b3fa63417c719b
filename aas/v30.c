/* SPDX-License-Identifier: Apache-2.0 */
#include "aas/v30.h"

/* Optional since V3.1. */
static const struct {
	uint8_t cls, slot;
} required[] = {
#define REQUIRED(cls, attribute) { AAS_##cls, AAS_SLOT(cls, attribute) }
	REQUIRED(RelationshipElement, first), REQUIRED(RelationshipElement, second),
	REQUIRED(AnnotatedRelationshipElement, first), REQUIRED(AnnotatedRelationshipElement, second),
	REQUIRED(Blob, contentType), REQUIRED(File, contentType), REQUIRED(Entity, entityType), REQUIRED(ValueReferencePair, valueId),
#undef REQUIRED
};

/* Longer since V3.1; in characters. */
static unsigned longest(unsigned string_type)
{
	switch (string_type) {
	case AAS_STR_Identifier:
	case AAS_STR_Path:
		return 2000;
	case AAS_STR_ContentType:
		return 100;
	}
	return 0;
}

static void check_text(const struct aas_prop *p, const char *s, struct diag *d)
{
	unsigned max = longest(p->type);
	size_t n = strlen(s);
	if (max && n > max && (n = utf8_length(s, n)) > max)
		diag_add(d, ERR_BAD_REQUEST, "has %zu characters, V3.0 allows %u", n, max);
	if (p->type == AAS_STR_IdShort && strchr(s, '-'))
		diag_rule(d, ERR_BAD_REQUEST, "AASd-002", "V3.0 allows no hyphen");
}

static void check_category(const char *s, struct diag *d)
{
	struct diag_frame f;
	if (str_eq(s, "CONSTANT") || str_eq(s, "PARAMETER") || str_eq(s, "VARIABLE"))
		return;
	diag_push(d, &f, "category");
	diag_rule(d, ERR_BAD_REQUEST, "AASd-090", "V3.0 allows CONSTANT, PARAMETER and VARIABLE on a data element");
	diag_pop(d);
}

/* V3.0 wanted one of the two from a self-managed entity and none from a co-managed one. */
static void check_entity(const struct aas_node *n, struct diag *d)
{
	const char *type = aas_enum_text(AAS_ENUM_EntityType, AAS_AT(n, Entity, entityType));
	int ids = !!AAS_AT(n, Entity, globalAssetId).str + !!AAS_AT(n, Entity, specificAssetIds).node;
	if (type && str_eq(type, "SelfManagedEntity") && ids != 1)
		diag_rule(d, ERR_BAD_REQUEST, "AASd-014", "V3.0 wants either globalAssetId or specificAssetIds");
	else if (type && str_eq(type, "CoManagedEntity") && ids)
		diag_rule(d, ERR_BAD_REQUEST, "AASd-014", "V3.0 allows a co-managed entity neither globalAssetId nor specificAssetIds");
}

static void check_own(const struct aas_node *n, bool item, struct diag *d)
{
	const uint8_t id = n->cls->id;
	for (size_t i = 0; i < sizeof required / sizeof *required; i++)
		if (required[i].cls == id && !n->slot[required[i].slot].ord)
			diag_add(d, ERR_BAD_REQUEST, "V3.0 requires %s", n->cls->props[required[i].slot].name);
	if (id == AAS_Entity)
		check_entity(n, d);
	if (n->cls->mask & IS_DATA && AAS_AT(n, Capability, category).str)
		check_category(AAS_AT(n, Capability, category).str, d);
	if (item && aas_is_sme(n) && AAS_ID_SHORT(n))
		diag_rule(d, ERR_BAD_REQUEST, "AASd-120", "V3.0 allows no idShort on the items of a SubmodelElementList");
}

static void check_node(const struct aas_node *n, bool item, struct diag *d)
{
	struct diag_frame name, index;
	check_own(n, item, d);
	for (unsigned i = 0; i < n->cls->n; i++) {
		const struct aas_prop *p = &n->cls->props[i];
		union aas_slot s = n->slot[i];
		const char *literal = p->kind == AAS_ENUM && p->type == AAS_ENUM_AssetKind ? aas_enum_text(AAS_ENUM_AssetKind, s) : NULL;
		if (!s.ord)
			continue;
		diag_push(d, &name, p->name);
		if (literal && str_eq(literal, "Role"))
			diag_add(d, ERR_BAD_REQUEST, "V3.0 does not know the literal Role");
		else if (p->kind == AAS_STR)
			check_text(p, s.str, d);
		else if (p->kind == AAS_NODE)
			check_node(s.node, false, d);
		if (p->kind == AAS_LIST) {
			diag_push_index(d, &index, 0);
			for (const struct aas_node *c = s.node; c; c = c->next, index.index++)
				check_node(c, n->cls->id == AAS_SubmodelElementList, d);
			diag_pop(d);
		}
		diag_pop(d);
	}
}

enum err aas_v30_check(const struct aas_node *n, struct diag *d)
{
	struct diag own = DIAG_INIT, *use = d ? d : &own;
	unsigned before = use->n + use->lost;
	check_node(n, n->parent && aas_is(n->parent, AAS_SubmodelElementList), use);
	bool ok = use->n + use->lost == before;
	diag_fini(&own);
	return ok ? ERR_OK : ERR_BAD_REQUEST;
}
