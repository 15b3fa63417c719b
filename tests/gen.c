/* SPDX-License-Identifier: Apache-2.0 - one walk makes every class; what more than one attribute decides is mended afterwards. */
#include "tests/gen.h"

#include <stdio.h>
#include <stdlib.h>

#include "aas/lexical.h"
#include "aas/tree.h"

#define N(list) (sizeof (list) / sizeof *(list))
#define DEPTH 5			/* levels of elements */

/* What is being made, and what is asked of it from above. */
struct wish {
	struct aas_node *parent;
	unsigned depth;
	uintptr_t value_type;			/* of a Property or Range, or 0: any */
	const struct aas_node *semantic_id;	/* of an item: a copy of this or none */
	bool item;				/* of a SubmodelElementList */
};

static struct aas_node *make(struct gen *, unsigned type, const struct wish *);

void gen_init(struct gen *g, struct arena *a, uint64_t seed)
{
	*g = (struct gen){ .arena = a, .state = seed * 0x9E3779B97F4A7C15u + 0x1234567, .budget = GEN_BUDGET };
}

/* xorshift64*: enough for tests, and the same everywhere. */
uint32_t gen_below(struct gen *g, uint32_t n)
{
	g->state ^= g->state >> 12;
	g->state ^= g->state << 25;
	g->state ^= g->state >> 27;
	if (!g->state)
		g->state = 1;
	return (uint32_t)((g->state * 2685821657736338717u >> 32) % n);
}

static void *must(void *p)
{
	if (!p)
		abort();
	return p;
}

static const char *pick(struct gen *g, const char *const *list, size_t n)
{
	return list[gen_below(g, (uint32_t)n)];
}
#define PICK(g, list) pick((g), (list), N(list))

/* ---- texts ---------------------------------------------------------------------------------------------- */

static const char *const letters[] = {
	"a", "Z", "0", " ", "\"", "\\", "/", "&", "<", ">", "]]>", "'", "\n", "\t", "\r", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "%", "#", ":", "{", "}",
	"\xEF\xBF\xBD", "\x7F", "\xC2\x85", "x", "y", "-", ".",
};

static const char *text(struct gen *g, unsigned least, unsigned most)
{
	char out[16 * 4 + 1], *p = out;
	unsigned n = least + gen_below(g, (most && most < 15 ? most : 15) - least + 1);
	while (n--) {
		const char *l = PICK(g, letters);
		if (strlen(l) < 3 || (unsigned char)*l >= 0x80)		/* "]]>" is three characters */
			p += snprintf(p, sizeof out - (size_t)(p - out), "%s", l);
		else
			*p++ = ']';
	}
	*p = 0;
	return must(arena_strdup(g->arena, out));
}

static const char *const ints[] = { "0", "1", "7", "100", "42" };
static const char *const loose_ints[] = { "+5", "007", "00", "+0" };

/* By the ordinal of DataTypeDefXsd.  The first row is what $value gives back as it took it; the second has other ways to write. */
static const struct { const char *type, *canonical[6], *loose[5]; } xs_values[] = {
	{ "xs:anyURI", { "urn:x", "a/b?c#d" }, { "", "http://x/%20" } },
	{ "xs:base64Binary", { "AAAA", "YQ==" }, { "" } },
	{ "xs:boolean", { "true", "false" }, { "1", "0" } },
	{ "xs:byte", { "-128", "127" }, { "+1" } },
	{ "xs:date", { "2024-02-29", "-0001-01-01Z" }, { "2020-01-01+14:00" } },
	{ "xs:dateTime", { "2024-02-29T24:00:00Z", "2020-01-01T00:00:00.123456789" }, { "12345-01-01T00:00:00-14:00" } },
	{ "xs:decimal", { "-1.50", "123456789012345678901234567890.000000000000000001", "-0" }, { ".5", "+1", "-.0", "007.250" } },
	{ "xs:double", { "1e300", "-4.9E-324", "NaN", "INF", "-INF", "0.1" }, { "5.", ".5e+1", "+0" } },
	{ "xs:duration", { "P1Y2M3DT4H5M6.7S", "-PT1S" }, { "P0D" } },
	{ "xs:float", { "1e38", "NaN", "0.1" }, { "5.", "-0.e0" } },
	{ "xs:gDay", { "---31" }, { "---01Z" } }, { "xs:gMonth", { "--12" }, { "--01Z" } }, { "xs:gMonthDay", { "--02-29" }, { "--04-30Z" } },
	{ "xs:gYear", { "2024" }, { "-0001Z" } }, { "xs:gYearMonth", { "2024-02" }, { "2020-02+01:00" } },
	{ "xs:hexBinary", { "00fF" }, { "" } },
	{ "xs:int", { "-2147483648", "2147483647" }, { "-0007" } },
	{ "xs:integer", { "99999999999999999999999999", "-1" }, { "-0", "+99" } },
	{ "xs:long", { "-9223372036854775808", "9223372036854775807" }, { "+1" } },
	{ "xs:negativeInteger", { "-1", "-99999999999999999999" }, { "-01" } },
	{ "xs:nonNegativeInteger", { "0", "18446744073709551616" }, { "-0" } },
	{ "xs:nonPositiveInteger", { "0", "-5" }, { "+0" } },
	{ "xs:positiveInteger", { "1", "18446744073709551616" }, { "+01" } },
	{ "xs:short", { "-32768", "32767" }, { "+1" } },
	{ "xs:string", { NULL }, { NULL } },
	{ "xs:time", { "24:00:00", "12:30:00.5Z" }, { "00:00:00+01:00" } },
	{ "xs:unsignedByte", { "0", "255" }, { "+1" } }, { "xs:unsignedInt", { "4294967295" }, { "-0" } },
	{ "xs:unsignedLong", { "18446744073709551615" }, { "+1" } }, { "xs:unsignedShort", { "65535" }, { "00" } },
};

const char *gen_value(struct gen *g, uintptr_t ord)
{
	const struct aas_xsd_type *x = aas_xsd_of(ord);
	size_t row = 0, n = 0;
	while (row + 1 < N(xs_values) && !str_eq(xs_values[row].type, x->name))
		row++;
	const char *const *list = xs_values[row].canonical;
	size_t most = N(xs_values[row].canonical);
	if (!list[0])
		return text(g, 0, 0);
	if (x->integer && gen_below(g, 2)) {
		const char *s = g->canonical || gen_below(g, 2) ? PICK(g, ints) : PICK(g, loose_ints);
		if (aas_xsd_ok(ord, s, strlen(s)))
			return s;
	}
	if (!g->canonical && gen_below(g, 2)) {
		list = xs_values[row].loose;
		most = N(xs_values[row].loose);
	}
	while (n < most && list[n])
		n++;
	return pick(g, list, n);
}

static const char *const languages[] = { "en", "de", "zh-Hans-CN", "de-1996", "x-private", "i-klingon", "fr-CA" };

static const char *string(struct gen *g, unsigned type)
{
	static const char *const versions[] = { "0", "1", "12", "9999" };
	static const char *const types[] = { "text/plain", "application/pdf", "image/svg+xml", "text/plain; charset=utf-8" };
	static const char *const paths[] = { "/aasx/a.pdf", "https://example.com/a%20b?c=d", "file.bin" };
	static const char *const times[] = { "2024-02-29T12:00:00Z", "2020-01-01T00:00:00.5+00:00" };
	static const char *const durations[] = { "PT1S", "P1Y2M" };
	switch (type) {
	case AAS_STR_IdShort:
		return must(arena_printf(g->arena, "%c%s%u", 'a' + (int)gen_below(g, 26), gen_below(g, 4) ? "" : "-_", g->serial++));
	case AAS_STR_Version:
	case AAS_STR_Revision:
		return PICK(g, versions);
	case AAS_STR_Language:
		return PICK(g, languages);
	case AAS_STR_ContentType:
		return PICK(g, types);
	case AAS_STR_Path:
		return PICK(g, paths);
	case AAS_STR_DateTimeUtc:
		return PICK(g, times);
	case AAS_STR_Duration:
		return PICK(g, durations);
	case AAS_STR_Identifier:
	case AAS_STR_Name:
	case AAS_STR_QualifierType:	/* must differ among neighbours */
		return must(arena_printf(g->arena, "%s#%u", text(g, 0, 0), g->serial++));
	default:
		return text(g, aas_strings[type].min, aas_strings[type].max);
	}
}

static const char *bytes(struct gen *g)
{
	unsigned char raw[12];
	unsigned n = gen_below(g, 12) + 1;
	for (unsigned i = 0; i < n; i++)
		raw[i] = (unsigned char)gen_below(g, 256);
	return must(base64_encode(g->arena, raw, n));
}

/* ---- references -------------------------------------------------------------------------------------------- */

static struct aas_node **add_key(struct gen *g, struct aas_node *reference, struct aas_node **tail, const char *type, const char *value)
{
	struct aas_node *k = must(aas_node_new(g->arena, AAS_Key));
	AAS_AT(k, Key, type).ord = (uintptr_t)aas_enum_find(AAS_ENUM_KeyTypes, type, strlen(type)) + 1;
	AAS_AT(k, Key, value).str = value;
	k->parent = reference;
	*tail = k;
	return &k->next;
}

static void model_keys(struct gen *g, struct aas_node *r, const char *last)
{
	static const char *const firsts[] = { "Submodel", "Submodel", "AssetAdministrationShell", "ConceptDescription" };
	static const char *const elements[] = { "Property", "SubmodelElementCollection", "SubmodelElementList", "Entity", "File", "SubmodelElement" };
	struct aas_node **tail = &AAS_AT(r, Reference, keys).node;
	bool event = last && str_eq(last, "BasicEventElement");
	const char *type = event ? "Submodel" : last ? last : PICK(g, firsts);
	tail = add_key(g, r, tail, type, string(g, AAS_STR_Identifier));
	for (unsigned n = last || !str_eq(type, "Submodel") ? 0 : gen_below(g, 4); n; n--) {
		bool list = str_eq(type, "SubmodelElementList");
		type = PICK(g, elements);
		tail = add_key(g, r, tail, type, list ? PICK(g, ints) : string(g, AAS_STR_IdShort));
	}
	if (event)
		add_key(g, r, tail, last, string(g, AAS_STR_IdShort));
	if (!last && str_eq(type, "File"))
		add_key(g, r, tail, "FragmentReference", string(g, AAS_STR_Identifier));
}

static struct aas_node *reference(struct gen *g, const struct wish *w, bool model, const char *last)
{
	struct aas_node *r = must(aas_node_new(g->arena, AAS_Reference));
	struct aas_node **tail = &AAS_AT(r, Reference, keys).node;
	AAS_AT(r, Reference, type).ord = (uintptr_t)aas_enum_find(AAS_ENUM_ReferenceTypes, model ? "ModelReference" : "ExternalReference",
								   model ? 14 : 17) + 1;
	if (g->budget)
		g->budget--;
	if (model) {
		model_keys(g, r, last);
	} else {
		tail = add_key(g, r, tail, "GlobalReference", string(g, AAS_STR_Identifier));
		if (!gen_below(g, 4))
			add_key(g, r, tail, gen_below(g, 2) ? "GlobalReference" : "FragmentReference", string(g, AAS_STR_Identifier));
	}
	if (g->budget && !gen_below(g, 6)) {
		struct aas_node *s = reference(g, w, gen_below(g, 2), NULL);
		s->parent = r;
		AAS_AT(r, Reference, referredSemanticId).node = s;
	}
	return r;
}

/* What some attributes ask of their References. */
static struct aas_node *reference_for(struct gen *g, const struct wish *w, const struct aas_node *n, unsigned slot)
{
	static const struct { unsigned cls, slot; int model; const char *last; } rows[] = {
		{ AAS_AssetAdministrationShell, AAS_SLOT(AssetAdministrationShell, submodels), 1, "Submodel" },
		{ AAS_AssetAdministrationShell, AAS_SLOT(AssetAdministrationShell, derivedFrom), 1, "AssetAdministrationShell" },
		{ AAS_BasicEventElement, AAS_SLOT(BasicEventElement, observed), 1, "Submodel" },
		{ AAS_BasicEventElement, AAS_SLOT(BasicEventElement, messageBroker), 1, "Submodel" },
		{ AAS_EventPayload, AAS_SLOT(EventPayload, source), 1, "BasicEventElement" },
		{ AAS_EventPayload, AAS_SLOT(EventPayload, observableReference), 1, "Submodel" },
		{ AAS_SpecificAssetId, AAS_SLOT(SpecificAssetId, externalSubjectId), 0, NULL },
	};
	for (size_t i = 0; i < N(rows); i++)
		if (n->cls->id == rows[i].cls && slot == rows[i].slot)
			return reference(g, w, rows[i].model, rows[i].last);
	return reference(g, w, gen_below(g, 2), NULL);
}

/* ---- classes ------------------------------------------------------------------------------------------------ */

static unsigned concrete(struct gen *g, unsigned type, unsigned depth)
{
	unsigned fit[AAS_N_CLASSES], n = 0;
	for (unsigned i = 0; i < AAS_N_CLASSES; i++) {
		bool leaf = !(aas_classes[i].mask & IS_SME) || aas_classes[i].mask & IS_DATA || i == AAS_Capability || i == AAS_BasicEventElement;
		if (aas_class_fits(&aas_classes[i], type) && (leaf || depth < DEPTH || aas_class_sole(type)))
			fit[n++] = i;
	}
	return fit[gen_below(g, n)];
}

static void set_enum(struct aas_node *n, unsigned slot, const char *literal)
{
	n->slot[slot].ord = (uintptr_t)aas_enum_find(n->cls->props[slot].type, literal, strlen(literal)) + 1;
}
#define SET_ENUM(n, cls, attr, literal) set_enum((n), AAS_SLOT(cls, attr), (literal))

static void hang(struct aas_node *n, unsigned slot, struct aas_node *child)
{
	child->parent = n;
	n->slot[slot].node = child;
}

/* A list's type, the meaning and the value type of its items, and then the items. */
static void make_items(struct gen *g, struct aas_node *n, unsigned depth, unsigned count)
{
	const char *type = aas_enum_text(AAS_ENUM_AasSubmodelElements, AAS_AT(n, SubmodelElementList, typeValueListElement));
	struct aas_node **tail = &AAS_AT(n, SubmodelElementList, value).node;
	if (!str_eq(type, "Property") && !str_eq(type, "Range"))
		AAS_AT(n, SubmodelElementList, valueTypeListElement).ord = 0;
	else if (!AAS_AT(n, SubmodelElementList, valueTypeListElement).ord)
		AAS_AT(n, SubmodelElementList, valueTypeListElement).ord = 1 + gen_below(g, AAS_N_XSD);
	for (*tail = NULL; count; count--) {
		if (!(*tail = gen_child(g, n, depth ? depth - 1 : 0)))
			abort();
		(*tail)->parent = n;
		tail = &(*tail)->next;
	}
}

static void mend_entity(struct gen *g, struct aas_node *n)
{
	const char *type = aas_enum_text(AAS_ENUM_EntityType, AAS_AT(n, Entity, entityType));
	if (type && str_eq(type, "SelfManagedEntity") && !AAS_AT(n, Entity, specificAssetIds).node && !AAS_AT(n, Entity, globalAssetId).str)
		AAS_AT(n, Entity, globalAssetId).str = string(g, AAS_STR_Identifier);
}

static void mend_content(struct gen *g, struct aas_node *n)
{
	AAS_AT(AAS_AT(n, DataSpecificationIec61360, preferredName).node, LangStringPreferredNameTypeIec61360, language).str = "en";
	if (AAS_AT(n, DataSpecificationIec61360, definition).node)
		AAS_AT(AAS_AT(n, DataSpecificationIec61360, definition).node, LangStringDefinitionTypeIec61360, language).str = "en";
	else
		AAS_AT(n, DataSpecificationIec61360, value).str = string(g, AAS_STR_ValueIec61360);
	if (AAS_AT(n, DataSpecificationIec61360, value).str)
		AAS_AT(n, DataSpecificationIec61360, valueList).node = NULL;
	if (!AAS_AT(n, DataSpecificationIec61360, unit).str)
		AAS_AT(n, DataSpecificationIec61360, unit).str = "m/s\xC2\xB2";
}

static void mend_semantics(struct gen *g, struct aas_node *n, const struct wish *w)
{
	int own = aas_prop_find(n->cls, "semanticId", 10), more = aas_prop_find(n->cls, "supplementalSemanticIds", 23);
	if (own < 0 || more < 0)
		return;
	if (w->item && w->semantic_id && n->slot[own].node)
		hang(n, (unsigned)own, must(aas_copy(g->arena, w->semantic_id)));
	else if (w->item)
		n->slot[own].node = NULL;
	if (!n->slot[own].node)
		n->slot[more].node = NULL;
}

/* The constraints on more than one attribute. */
static void mend(struct gen *g, struct aas_node *n, const struct wish *w)
{
	mend_semantics(g, n, w);
	switch (n->cls->id) {
	case AAS_AdministrativeInformation:
		if (!AAS_AT(n, AdministrativeInformation, version).str)
			AAS_AT(n, AdministrativeInformation, revision).str = NULL;
		break;
	case AAS_Qualifier:
		if (AAS_AT(n, Qualifier, kind).ord)
			SET_ENUM(n, Qualifier, kind, gen_below(g, 2) ? "ConceptQualifier" : "ValueQualifier");
		break;
	case AAS_BasicEventElement:
		if (AAS_AT(n, BasicEventElement, maxInterval).str)
			SET_ENUM(n, BasicEventElement, direction, "output");
		break;
	case AAS_AssetInformation:
		if (!AAS_AT(n, AssetInformation, globalAssetId).str)
			AAS_AT(n, AssetInformation, globalAssetId).str = string(g, AAS_STR_Identifier);
		break;
	case AAS_Entity:
		mend_entity(g, n);
		break;
	case AAS_DataSpecificationIec61360:
		mend_content(g, n);
		break;
	default:
		break;
	}
}

static void make_list(struct gen *g, struct aas_node *n, unsigned i, const struct wish *w)
{
	struct aas_node **tail = &n->slot[i].node;
	const struct aas_class *sole = aas_class_sole(n->cls->props[i].type);
	unsigned count = 1 + gen_below(g, g->budget ? 3 : 1);
	struct wish below = { n, w->depth + (aas_is_sme(n) || aas_is(n, AAS_Submodel)), 0, NULL, false };
	if (aas_is(n, AAS_SubmodelElementList) && i == AAS_SLOT(SubmodelElementList, value)) {
		make_items(g, n, below.depth < DEPTH ? DEPTH - below.depth : 0, count);
		return;
	}
	for (unsigned k = 0; k < count; k++, tail = &(*tail)->next) {
		*tail = sole && sole->id == AAS_Reference ? reference_for(g, &below, n, i) : make(g, n->cls->props[i].type, &below);
		(*tail)->parent = n;
		int language = sole ? aas_prop_find(sole, "language", 8) : -1;
		if (language >= 0)
			(*tail)->slot[language].str = languages[k];
	}
}

static void make_slot(struct gen *g, struct aas_node *n, unsigned i, const struct wish *w)
{
	const struct aas_prop *p = &n->cls->props[i];
	int value_type = aas_prop_find(n->cls, "valueType", 9);
	struct wish below = { n, w->depth + aas_is_sme(n), 0, NULL, false };
	switch (p->kind) {
	case AAS_STR:
		n->slot[i].str = p->type == AAS_STR_Any && value_type >= 0 ? gen_value(g, n->slot[value_type].ord) : string(g, p->type);
		break;
	case AAS_BOOL:
		n->slot[i].ord = 1 + gen_below(g, 2);
		break;
	case AAS_B64:
		n->slot[i].str = bytes(g);
		break;
	case AAS_ENUM:
		n->slot[i].ord = (int)i == value_type && w->value_type ? w->value_type : 1 + gen_below(g, aas_enums[p->type].n);
		break;
	case AAS_NODE:
		hang(n, i, p->type == AAS_Reference ? reference_for(g, w, n, i) : make(g, p->type, &below));
		break;
	default:
		make_list(g, n, i, w);
	}
}

static struct aas_node *make(struct gen *g, unsigned type, const struct wish *w)
{
	const struct aas_class *c = &aas_classes[concrete(g, type, w->depth)];
	struct aas_node *n = must(aas_node_new(g->arena, c->id));
	int id_short = c->mask & IS_SME ? aas_prop_find(c, "idShort", 7) : -1;
	if (g->budget)
		g->budget--;
	n->parent = w->parent;	/* taken back for a root by gen_node */
	for (unsigned i = 0; i < c->n; i++) {
		bool children = c->props[i].views & AAS_VIEW_C, wanted = c->props[i].required || (int)i == id_short;
		if (w->item && (int)i == id_short)
			wanted = !gen_below(g, 8);
		else if (!wanted && g->budget)
			wanted = children ? w->depth < DEPTH && gen_below(g, 6) : c->props[i].views & AAS_VIEW_V ? gen_below(g, 4) : !gen_below(g, 4);
		if (wanted)
			make_slot(g, n, i, w);
	}
	mend(g, n, w);
	return n;
}

struct aas_node *gen_node(struct gen *g, unsigned type)
{
	struct wish w = { NULL, 0, 0, NULL, false };
	struct aas_node *n = type == AAS_Reference ? reference(g, &w, gen_below(g, 2), NULL) : make(g, type, &w);
	n->parent = NULL;
	return n;
}

struct aas_node *gen_child(struct gen *g, const struct aas_node *parent, unsigned depth)
{
	const union aas_slot *list = aas_children((struct aas_node *)parent);
	struct wish w = { .parent = (struct aas_node *)parent, .depth = depth < DEPTH ? DEPTH - depth : 0 };
	if (!list)
		return NULL;
	unsigned type = parent->cls->props[list - parent->slot].type;
	if (aas_is(parent, AAS_SubmodelElementList)) {
		const char *name = aas_enum_text(AAS_ENUM_AasSubmodelElements, AAS_AT(parent, SubmodelElementList, typeValueListElement));
		const struct aas_class *c = aas_class_by_name(name, strlen(name));
		w.item = true;
		w.value_type = AAS_AT(parent, SubmodelElementList, valueTypeListElement).ord;
		w.semantic_id = AAS_AT(parent, SubmodelElementList, semanticIdListElement).node;
		type = c ? c->id : str_eq(name, "DataElement") ? AAS_DataElement : str_eq(name, "EventElement") ? (unsigned)AAS_BasicEventElement :
			AAS_SubmodelElement;
	}
	struct aas_node *n = make(g, type, &w);
	n->parent = NULL;
	return n;
}
