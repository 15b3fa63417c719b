/* SPDX-License-Identifier: Apache-2.0
 * rules_iec61360.c - the constraints of IDTA-01003-a on concepts that are described by IEC 61360.
 */
#include "aas/rules_priv.h"

/* A concept's attributes, whatever tool it comes from, have these data types. */
static const char *const of_properties[] = {
	"DATE", "STRING", "STRING_TRANSLATABLE", "INTEGER_MEASURE", "INTEGER_COUNT", "INTEGER_CURRENCY", "REAL_MEASURE", "REAL_COUNT",
	"REAL_CURRENCY", "BOOLEAN", "RATIONAL", "RATIONAL_MEASURE", "TIME", "TIMESTAMP", NULL,
};
static const char *const of_references[] = { "STRING", "IRI", "IRDI", NULL };
static const char *const of_documents[] = { "FILE", "BLOB", "HTML", NULL };
static const char *const with_units[] = { "INTEGER_MEASURE", "REAL_MEASURE", "RATIONAL_MEASURE", "INTEGER_CURRENCY", "REAL_CURRENCY", NULL };

static bool among(const char *s, const char *const *list)
{
	for (; *list; list++)
		if (str_eq(s, *list))
			return true;
	return false;
}

static const char *data_type(const struct aas_node *content)
{
	return aas_enum_text(AAS_ENUM_DataTypeIec61360, AAS_AT(content, DataSpecificationIec61360, dataType));
}

static bool english(const struct aas_node *texts)
{
	for (; texts; texts = texts->next) {
		const char *tag = AAS_AT(texts, LangStringTextType, language).str;
		if (tag && (tag[0] | 0x20) == 'e' && (tag[1] | 0x20) == 'n' && (!tag[2] || tag[2] == '-'))
			return true;
	}
	return false;
}

/* ---- one content ------------------------------------------------------------------------------------- */

void aas_rule_preferred_name(struct aas_run *r, const struct aas_node *n)
{
	if (AAS_AT(n, DataSpecificationIec61360, preferredName).node && !english(AAS_AT(n, DataSpecificationIec61360, preferredName).node))
		aas_run_fault(r, "preferredName", NO_ITEM, "an English name is required");
}

void aas_rule_unit(struct aas_run *r, const struct aas_node *n)
{
	const char *type = data_type(n);
	if (type && among(type, with_units) && !AAS_AT(n, DataSpecificationIec61360, unit).str &&
	    !AAS_AT(n, DataSpecificationIec61360, unitId).node)
		aas_run_fault(r, NULL, NO_ITEM, "the data type %s needs a unit or a unitId", type);
}

void aas_rule_value_or_list(struct aas_run *r, const struct aas_node *n)
{
	if (AAS_AT(n, DataSpecificationIec61360, value).str && AAS_AT(n, DataSpecificationIec61360, valueList).node)
		aas_run_fault(r, NULL, NO_ITEM, "value and valueList exclude each other");
}

/* The current id, and those that older files use. */
void aas_rule_template_id(struct aas_run *r, const struct aas_node *n)
{
	static const char *const ids[] = {
		"DataSpecificationIec61360/3", "DataSpecificationIec61360/3/0", "DataSpecificationIec61360/3/1",
		"DataSpecificationIEC61360/3", "DataSpecificationIEC61360/3/0", NULL,
	};
	static const char path[] = "://admin-shell.io/DataSpecificationTemplates/";
	const struct aas_node *reference = AAS_AT(n, EmbeddedDataSpecification, dataSpecification).node;
	const struct aas_node *content = AAS_AT(n, EmbeddedDataSpecification, dataSpecificationContent).node;
	const struct aas_node *key = reference ? AAS_AT(reference, Reference, keys).node : NULL;
	const char *s = key ? AAS_AT(key, Key, value).str : NULL;
	if (!s || !content || !aas_is(content, AAS_DataSpecificationIec61360))
		return;
	const char *rest = !strncmp(s, "https", 5) ? s + 5 : !strncmp(s, "http", 4) ? s + 4 : "";
	if (key->next || strncmp(rest, path, sizeof path - 1) != 0 || !among(rest + sizeof path - 1, ids))
		aas_run_fault(r, "dataSpecification", NO_ITEM, "\"%.120s\" is not the id of the template for IEC 61360", s);
}

/* ---- the contents of a concept description ----------------------------------------------------------------- */

typedef const char *content_check(const struct aas_node *content);	/* what is wrong, or NULL */

static void each_content(struct aas_run *r, const struct aas_node *concept, content_check *check)
{
	struct diag_frame specs, item, content;
	diag_push(r->d, &specs, "embeddedDataSpecifications");
	diag_push_index(r->d, &item, 0);
	for (const struct aas_node *s = AAS_AT(concept, ConceptDescription, embeddedDataSpecifications).node; s; s = s->next, item.index++) {
		const struct aas_node *c = AAS_AT(s, EmbeddedDataSpecification, dataSpecificationContent).node;
		const char *why = c && aas_is(c, AAS_DataSpecificationIec61360) ? check(c) : NULL;
		diag_push(r->d, &content, "dataSpecificationContent");
		if (why)
			aas_run_fault(r, NULL, NO_ITEM, "%s", why);
		diag_pop(r->d);
	}
	diag_pop(r->d);
	diag_pop(r->d);
}

static bool of_category(const struct aas_node *concept, const char *category)
{
	const char *is = AAS_AT(concept, ConceptDescription, category).str;
	return is && str_eq(is, category);
}

static const char *check_property(const struct aas_node *content)
{
	const char *type = data_type(content);
	return !type || !among(type, of_properties) ? "the category of the concept needs a dataType that a property can have" : NULL;
}

void aas_rule_concept_property(struct aas_run *r, const struct aas_node *n)
{
	if (of_category(n, "PROPERTY") || of_category(n, "VALUE"))
		each_content(r, n, check_property);
}

static const char *check_reference(const struct aas_node *content)
{
	const char *type = data_type(content);
	return !type || !among(type, of_references) ? "the category REFERENCE needs the dataType STRING, IRI or IRDI" : NULL;
}

void aas_rule_concept_reference(struct aas_run *r, const struct aas_node *n)
{
	if (of_category(n, "REFERENCE"))
		each_content(r, n, check_reference);
}

static const char *check_document(const struct aas_node *content)
{
	const char *type = data_type(content);
	return !type || !among(type, of_documents) ? "the category DOCUMENT needs the dataType FILE, BLOB or HTML" : NULL;
}

void aas_rule_concept_document(struct aas_run *r, const struct aas_node *n)
{
	if (of_category(n, "DOCUMENT"))
		each_content(r, n, check_document);
}

static const char *check_qualifier(const struct aas_node *content)
{
	return data_type(content) ? NULL : "the category QUALIFIER_TYPE needs a dataType";
}

void aas_rule_concept_qualifier(struct aas_run *r, const struct aas_node *n)
{
	if (of_category(n, "QUALIFIER_TYPE"))
		each_content(r, n, check_qualifier);
}

static const char *check_definition(const struct aas_node *content)
{
	return AAS_AT(content, DataSpecificationIec61360, value).str || english(AAS_AT(content, DataSpecificationIec61360, definition).node) ?
		NULL : "an English definition is required";
}

void aas_rule_concept_definition(struct aas_run *r, const struct aas_node *n)
{
	each_content(r, n, check_definition);
}

/* ---- across concept descriptions ------------------------------------------------------------------------------ */

static const struct aas_node *content_of(const struct aas_node *spec)
{
	const struct aas_node *c = AAS_AT(spec, EmbeddedDataSpecification, dataSpecificationContent).node;
	return c && aas_is(c, AAS_DataSpecificationIec61360) ? c : NULL;
}

static const struct aas_node *pairs_of(const struct aas_node *content)
{
	const struct aas_node *list = content ? AAS_AT(content, DataSpecificationIec61360, valueList).node : NULL;
	return list ? AAS_AT(list, ValueList, valueReferencePairs).node : NULL;
}

static bool lacks_value(const struct aas_node *concept)
{
	for (const struct aas_node *s = AAS_AT(concept, ConceptDescription, embeddedDataSpecifications).node; s; s = s->next)
		if (content_of(s) && !AAS_AT(content_of(s), DataSpecificationIec61360, value).str)
			return true;
	return false;
}

/* The concepts without a value by id; false when there are no value lists, or no such concept. */
static bool index_concepts(struct aas_run *r, const struct aas_node *first, struct map *by_id)
{
	bool lists = false;
	for (const struct aas_node *c = first; c && !lists; c = c->next)
		for (const struct aas_node *s = AAS_AT(c, ConceptDescription, embeddedDataSpecifications).node; s && !lists; s = s->next)
			lists = pairs_of(content_of(s)) != NULL;
	for (const struct aas_node *c = lists ? first : NULL; c; c = c->next)
		if (AAS_ID(c) && lacks_value(c) && !map_put(by_id, AAS_ID(c), strlen(AAS_ID(c)), (void *)c, NULL))
			r->no_memory = true;
	return by_id->n != 0;
}

static void check_pairs(struct aas_run *r, const struct aas_node *content, const struct map *by_id)
{
	struct diag_frame where, list;
	size_t i = 0;
	diag_push(r->d, &where, "dataSpecificationContent");
	diag_push(r->d, &list, "valueList");
	for (const struct aas_node *p = pairs_of(content); p; p = p->next, i++) {
		const struct aas_node *id = AAS_AT(p, ValueReferencePair, valueId).node;
		const struct aas_node *key = id ? AAS_AT(id, Reference, keys).node : NULL;
		const char *value = key && !key->next ? AAS_AT(key, Key, value).str : NULL;
		if (value && map_get(by_id, value, strlen(value)))
			aas_run_fault(r, "valueReferencePairs", i, "the concept \"%.120s\" stands in a value list and has no value", value);
	}
	diag_pop(r->d);
	diag_pop(r->d);
}

void aas_rule_value_concepts(struct aas_run *r, const struct aas_node *n)
{
	const struct aas_node *first = AAS_AT(n, Environment, conceptDescriptions).node;
	struct diag_frame concepts, item, specs, spec;
	struct map by_id = MAP_INIT;
	if (!index_concepts(r, first, &by_id))
		goto out;
	diag_push(r->d, &concepts, "conceptDescriptions");
	diag_push_index(r->d, &item, 0);
	for (const struct aas_node *c = first; c; c = c->next, item.index++) {
		diag_push(r->d, &specs, "embeddedDataSpecifications");
		diag_push_index(r->d, &spec, 0);
		for (const struct aas_node *s = AAS_AT(c, ConceptDescription, embeddedDataSpecifications).node; s; s = s->next, spec.index++)
			check_pairs(r, content_of(s), &by_id);
		diag_pop(r->d);
		diag_pop(r->d);
	}
	diag_pop(r->d);
	diag_pop(r->d);
out:
	map_fini(&by_id);
}
