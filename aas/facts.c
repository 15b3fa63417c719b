/* SPDX-License-Identifier: Apache-2.0 */
#include "aas/facts.h"

#include <stdlib.h>

#include "base/buf.h"

#define EVENTS "BasicEventElement"	/* stored: the only value of FACT_EVENTS */

struct list {
	struct arena *arena;
	struct buf items;
};

static void add(struct list *l, enum aas_fact_field field, const char *name, const char *value)
{
	struct aas_fact f = { field, name, value };
	if (value)
		buf_put(&l->items, &f, sizeof f);
}

static void add_reference(struct list *l, enum aas_fact_field field, const struct aas_node *reference)
{
	struct buf b = BUF_INIT;
	if (!reference)
		return;
	for (const struct aas_node *k = AAS_AT(reference, Reference, keys).node; k; k = k->next)
		buf_printf(&b, "%s(%s)%s", b.n ? "\x1F" : "", aas_enum_text(AAS_ENUM_KeyTypes, AAS_AT(k, Key, type)), AAS_AT(k, Key, value).str);
	l->items.failed |= b.failed;
	add(l, field, "", arena_strndup(l->arena, b.p ? b.p : "", b.n));
	buf_fini(&b);
}

static int compare(const void *pa, const void *pb)
{
	const struct aas_fact *a = pa, *b = pb;
	int c = (int)a->field - (int)b->field;
	c = c ? c : strcmp(a->name, b->name);
	return c ? c : strcmp(a->value, b->value);
}

static enum err finish(struct list *l, struct aas_fact **out, size_t *n)
{
	size_t all = l->items.n / sizeof **out, kept = 0;
	struct aas_fact *f = arena_alloc(l->arena, l->items.n + 1);
	bool failed = l->items.failed || arena_failed(l->arena) || !f;
	if (!failed && all) {
		memcpy(f, l->items.p, l->items.n);
		qsort(f, all, sizeof *f, compare);
		for (size_t i = 0; i < all; i++)
			if (!kept || compare(&f[kept - 1], &f[i]))
				f[kept++] = f[i];
	}
	buf_fini(&l->items);
	*out = f;
	*n = kept;
	return failed ? ERR_NO_MEMORY : ERR_OK;
}

/* What AssetInformation and a shell's descriptor say alike. */
#define ASSET(l, n, cls) do { \
	add(l, FACT_ASSET_KIND, "", aas_enum_text(AAS_ENUM_AssetKind, AAS_AT(n, cls, assetKind))); \
	add(l, FACT_ASSET_TYPE, "", AAS_AT(n, cls, assetType).str); \
	add(l, FACT_ASSET_ID, "globalAssetId", AAS_AT(n, cls, globalAssetId).str); \
	for (const struct aas_node *s = AAS_AT(n, cls, specificAssetIds).node; s; s = s->next) \
		add(l, FACT_ASSET_ID, AAS_AT(s, SpecificAssetId, name).str, AAS_AT(s, SpecificAssetId, value).str); \
} while (0)

static void shell_descriptor(struct list *l, const struct aas_node *n)
{
	ASSET(l, n, AssetAdministrationShellDescriptor);
}

static const struct aas_node *first_key(const struct aas_node *reference)
{
	return reference ? AAS_AT(reference, Reference, keys).node : NULL;
}

static void add_semantic_keys(struct list *l, const struct aas_node *semantic_id)
{
	for (const struct aas_node *first = first_key(semantic_id), *k = first; k; k = k->next)
		add(l, FACT_SEMANTIC_KEY, k == first ? "0" : "n", AAS_AT(k, Key, value).str);
}

static void submodel_descriptor(struct list *l, const struct aas_node *n)
{
	add_reference(l, FACT_SEMANTIC_ID, AAS_AT(n, SubmodelDescriptor, semanticId).node);
	add_semantic_keys(l, AAS_AT(n, SubmodelDescriptor, semanticId).node);
	for (const struct aas_node *r = AAS_AT(n, SubmodelDescriptor, supplementalSemanticIds).node; r; r = r->next)
		add_reference(l, FACT_SEMANTIC_ID, r);
}

static void shell(struct list *l, const struct aas_node *n)
{
	const struct aas_node *asset = AAS_AT(n, AssetAdministrationShell, assetInformation).node;
	if (asset)
		ASSET(l, asset, AssetInformation);
	for (const struct aas_node *r = AAS_AT(n, AssetAdministrationShell, submodels).node; r; r = r->next) {
		const struct aas_node *k = AAS_AT(r, Reference, keys).node;
		if (k)
			add(l, FACT_SUBMODEL, "", AAS_AT(k, Key, value).str);
		while (k && (k = k->next))
			add(l, FACT_SUBMODEL_KEY, "", AAS_AT(k, Key, value).str);
	}
}

/* What the query language can reach and no row tells: elements with children, references of several keys, further languages. */
static void elements(struct list *l, const struct aas_node *parent)
{
	for (const struct aas_node *n = aas_first_child(parent); n; n = n->next) {
		const struct aas_node *k = first_key(AAS_SEMANTIC_ID(n));
		bool inner = aas_first_child(n) && (aas_is(n, AAS_SubmodelElementCollection) || aas_is(n, AAS_SubmodelElementList));
		if (inner || aas_is(parent, AAS_SubmodelElementList))
			add(l, FACT_ELEMENT_NAME, "", AAS_ID_SHORT(n));
		for (bool told = inner || (k && k->next); told && k; k = k->next)
			add(l, FACT_ELEMENT_KEY, "", AAS_AT(k, Key, value).str);
		const struct aas_node *t = aas_is(n, AAS_MultiLanguageProperty) ? AAS_AT(n, MultiLanguageProperty, value).node : NULL;
		for (bool several = t && t->next; several && t; t = t->next)
			add(l, FACT_ELEMENT_TEXT, "", AAS_AT(t, LangStringTextType, text).str);
		if (inner)
			elements(l, n);
	}
}

static bool has_events(const struct aas_node *parent)
{
	for (const struct aas_node *n = aas_first_child(parent); n; n = n->next)
		if (aas_is(n, AAS_BasicEventElement) || has_events(n))
			return true;
	return false;
}

static void submodel(struct list *l, const struct aas_node *n)
{
	add(l, FACT_EVENTS, "", has_events(n) ? EVENTS : NULL);
	add_reference(l, FACT_SEMANTIC_ID, AAS_AT(n, Submodel, semanticId).node);
	for (const struct aas_node *r = AAS_AT(n, Submodel, supplementalSemanticIds).node; r; r = r->next)
		add_reference(l, FACT_SEMANTIC_ID, r);
	add_semantic_keys(l, AAS_AT(n, Submodel, semanticId).node);
	elements(l, n);
}

static void concept(struct list *l, const struct aas_node *n)
{
	for (const struct aas_node *r = AAS_AT(n, ConceptDescription, isCaseOf).node; r; r = r->next)
		add_reference(l, FACT_IS_CASE_OF, r);
	for (const struct aas_node *s = AAS_AT(n, ConceptDescription, embeddedDataSpecifications).node; s; s = s->next)
		add_reference(l, FACT_DATA_SPECIFICATION, AAS_AT(s, EmbeddedDataSpecification, dataSpecification).node);
}

static const struct {
	enum aas_class_id cls;
	void (*add)(struct list *, const struct aas_node *);
} of_class[] = {
	{ AAS_AssetAdministrationShell, shell }, { AAS_Submodel, submodel }, { AAS_ConceptDescription, concept },
	{ AAS_AssetAdministrationShellDescriptor, shell_descriptor }, { AAS_SubmodelDescriptor, submodel_descriptor },
};

enum err aas_facts(struct arena *a, const struct aas_node *n, struct aas_fact **out, size_t *n_out)
{
	struct list l = { a, BUF_INIT };
	add(&l, FACT_ID_SHORT, "", AAS_ID_SHORT(n));
	for (size_t i = 0; i < sizeof of_class / sizeof *of_class; i++)
		if (aas_is(n, of_class[i].cls))
			of_class[i].add(&l, n);
	return finish(&l, out, n_out);
}

enum err aas_filter_facts(struct arena *a, const struct store_filter *f, struct aas_fact **out, size_t *n)
{
	struct list l = { a, BUF_INIT };
	if (f) {
		add(&l, FACT_ID_SHORT, "", f->id_short);
		add_reference(&l, FACT_SEMANTIC_ID, f->semantic_id);
		add_reference(&l, FACT_IS_CASE_OF, f->is_case_of);
		add_reference(&l, FACT_DATA_SPECIFICATION, f->data_specification);
		for (size_t i = 0; i < f->n_asset_ids; i++)
			add(&l, FACT_ASSET_ID, f->asset_ids[i].name, f->asset_ids[i].value);
		add(&l, FACT_ASSET_KIND, "", f->asset_kind);
		add(&l, FACT_ASSET_TYPE, "", f->asset_type);
		add(&l, FACT_SEMANTIC_KEY, "0", f->semantic_key);
		add(&l, FACT_EVENTS, "", f->events ? EVENTS : NULL);
	}
	return finish(&l, out, n);
}
