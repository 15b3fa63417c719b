/* SPDX-License-Identifier: Apache-2.0
 * openapi_schema.c - the schemas of the description: the classes from their tables, the few that are in none as they are.
 */
#include "aas/metamodel.h"
#include "server/openapi.h"

/* What is in no table: the classes of IDTA-01002 that this server reads or writes. */
static const struct { const char *name, *json; } part2[] = {
	{ "Message", "{\"type\":\"object\",\"properties\":{\"messageType\":{\"type\":\"string\","
	  "\"enum\":[\"Undefined\",\"Info\",\"Warning\",\"Error\",\"Exception\"]},"
	  "\"code\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":32},\"text\":{\"type\":\"string\"},\"correlationId\":"
	  "{\"type\":\"string\",\"minLength\":1,\"maxLength\":128},\"timestamp\":{\"type\":\"string\",\"format\":\"date-time\"}}}" },
	{ "Result", "{\"type\":\"object\",\"required\":[\"messages\"],\"properties\":{\"messages\":{\"type\":\"array\",\"items\":"
	  "{\"$ref\":\"#/components/schemas/Message\"}},\"findings\":{\"type\":\"array\",\"description\":\"of what was sent\",\"items\":"
	  "{\"$ref\":\"#/components/schemas/Finding\"}},\"moreFindings\":{\"type\":\"integer\"}}}" },
	{ "Finding", "{\"type\":\"object\",\"required\":[\"severity\",\"path\",\"text\"],\"properties\":{\"severity\":{\"type\":\"string\",\"enum\":"
	  "[\"error\",\"warning\"]},\"part\":{\"type\":\"string\",\"description\":\"of the package\"},\"path\":{\"type\":\"string\"},\"line\":"
	  "{\"type\":\"integer\",\"minimum\":1},\"rule\":{\"type\":\"string\"},\"text\":{\"type\":\"string\"}}}" },
	{ "UploadReport", "{\"type\":\"object\",\"required\":[\"created\",\"replaced\",\"skipped\",\"files\",\"dryRun\",\"items\",\"moreItems\","
	  "\"findings\",\"moreFindings\"],\"properties\":{\"created\":{\"type\":\"integer\"},\"replaced\":{\"type\":\"integer\"},\"skipped\":"
	  "{\"type\":\"integer\"},\"files\":{\"type\":\"integer\"},\"dryRun\":{\"type\":\"boolean\"},\"items\":{\"type\":\"array\",\"items\":"
	  "{\"type\":\"object\",\"required\":[\"modelType\",\"id\",\"done\"],\"properties\":{\"modelType\":{\"type\":\"string\"},\"id\":{\"type\":"
	  "\"string\"},\"done\":{\"type\":\"string\",\"enum\":[\"created\",\"replaced\",\"skipped\"]}}}},\"moreItems\":{\"type\":\"integer\"},"
	  "\"findings\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/Finding\"}},\"moreFindings\":{\"type\":\"integer\"}}}" },
	{ "RecentChange", "{\"type\":\"object\",\"required\":[\"id\",\"createdAt\",\"updatedAt\"],\"properties\":{\"id\":{\"type\":\"string\"},"
	  "\"createdAt\":{\"type\":\"string\",\"format\":\"date-time\"},\"updatedAt\":{\"type\":\"string\",\"format\":\"date-time\"},"
	  "\"globalAssetId\":{\"type\":\"string\"},\"specificAssetIds\":{\"type\":\"array\",\"items\":{\"$ref\":"
	  "\"#/components/schemas/SpecificAssetId\"}},\"semanticId\":{\"$ref\":\"#/components/schemas/Reference\"},\"supplementalSemanticIds\":"
	  "{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/Reference\"}}}}" },
	{ "Change", "{\"type\":\"object\",\"required\":[\"version\",\"change\",\"recordedAt\",\"validAt\"],\"properties\":{\"version\":{\"type\":"
	  "\"integer\"},\"change\":{\"type\":\"string\",\"enum\":[\"created\",\"updated\",\"deleted\",\"valueChanged\"]},\"path\":{\"type\":"
	  "\"string\",\"description\":\"idShortPath of the only element that it is about\"},\"recordedAt\":{\"type\":\"string\",\"format\":"
	  "\"date-time\"},\"validAt\":{\"type\":\"string\",\"format\":\"date-time\"},\"actor\":{\"type\":\"string\"},\"correlationId\":"
	  "{\"type\":\"string\"},\"values\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"path\",\"before\"],"
	  "\"properties\":{\"path\":{\"type\":\"string\"},\"before\":{\"type\":[\"string\",\"null\"]},\"after\":{\"type\":[\"string\","
	  "\"null\"]}}}}}}" },
	{ "Difference", "{\"type\":\"object\",\"required\":[\"change\",\"path\"],\"properties\":{\"change\":{\"type\":\"string\",\"enum\":"
	  "[\"created\",\"updated\",\"deleted\"]},\"path\":{\"type\":\"string\",\"description\":\"idShortPath; empty: what the whole says itself\"},"
	  "\"before\":{\"type\":\"object\"},\"after\":{\"type\":\"object\"}}}" },
	{ "PagingMetadata", "{\"type\":\"object\",\"description\":\"Without a cursor this was the last page.\",\"properties\":"
	  "{\"cursor\":{\"type\":\"string\",\"minLength\":1}}}" },
	{ "ServiceDescription", "{\"type\":\"object\",\"required\":[\"profiles\"],\"properties\":{\"profiles\":{\"type\":\"array\",\"minItems\":1,"
	  "\"items\":{\"type\":\"string\"}}}}" },
	{ "ExecutionState", "{\"type\":\"string\",\"enum\":[\"Initiated\",\"Running\",\"Completed\",\"Canceled\",\"Failed\",\"Timeout\"]}" },
	{ "BaseOperationResult", "{\"type\":\"object\",\"required\":[\"executionState\"],\"properties\":{\"executionState\":"
	  "{\"$ref\":\"#/components/schemas/ExecutionState\"},\"success\":{\"type\":\"boolean\"},\"messages\":{\"type\":\"array\",\"items\":"
	  "{\"$ref\":\"#/components/schemas/Message\"}}}}" },
	{ "OperationResult", "{\"allOf\":[{\"$ref\":\"#/components/schemas/BaseOperationResult\"},{\"type\":\"object\",\"properties\":"
	  "{\"outputArguments\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/OperationVariable\"}},\"inoutputArguments\":"
	  "{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/OperationVariable\"}}}}]}" },
	{ "OperationResultValueOnly", "{\"allOf\":[{\"$ref\":\"#/components/schemas/BaseOperationResult\"},{\"type\":\"object\",\"properties\":"
	  "{\"outputArguments\":{\"type\":\"object\"},\"inoutputArguments\":{\"type\":\"object\"}}}]}" },
	{ "OperationRequest", "{\"type\":\"object\",\"properties\":{\"inputArguments\":{\"type\":\"array\",\"items\":"
	  "{\"$ref\":\"#/components/schemas/OperationVariable\"}},\"inoutputArguments\":{\"type\":\"array\",\"items\":"
	  "{\"$ref\":\"#/components/schemas/OperationVariable\"}},\"clientTimeoutDuration\":{\"type\":\"string\",\"example\":\"PT10S\"}}}" },
	{ "OperationRequestValueOnly", "{\"type\":\"object\",\"properties\":{\"inputArguments\":{\"type\":\"object\"},\"inoutputArguments\":"
	  "{\"type\":\"object\"},\"clientTimeoutDuration\":{\"type\":\"string\",\"example\":\"PT10S\"}}}" },
	{ "SubmodelValue", "{\"type\":\"object\",\"description\":\"The values of the elements, by idShort.\"}" },
	{ "SubmodelElementValue", "{\"description\":\"The value alone: a string, a number, a truth value, an array or an object, as the kind of "
	  "the element wants it.\"}" },
};

static void text_type(struct buf *b, const struct aas_string_type *s)
{
	buf_puts(b, "{\"type\":\"string\"");
	if (s->min)
		buf_printf(b, ",\"minLength\":%u", s->min);
	if (s->max)
		buf_printf(b, ",\"maxLength\":%u", s->max);
	buf_putc(b, '}');
}

static void reference(struct buf *b, const char *name, const char *suffix)
{
	buf_printf(b, "{\"$ref\":\"#/components/schemas/%s%s\"}", name, suffix);
}

static void property(struct buf *b, const struct aas_prop *p)
{
	buf_printf(b, "\"%s\":", p->name);
	switch ((enum aas_kind)p->kind) {
	case AAS_STR:
		text_type(b, &aas_strings[p->type]);
		break;
	case AAS_BOOL:
		buf_puts(b, "{\"type\":\"boolean\"}");
		break;
	case AAS_B64:
		buf_puts(b, "{\"type\":\"string\",\"format\":\"byte\"}");
		break;
	case AAS_ENUM:
		reference(b, aas_enums[p->type].name, "");
		break;
	case AAS_NODE:
		reference(b, aas_type_name(p->type), "");
		break;
	case AAS_LIST:
		buf_puts(b, p->views & AAS_VIEW_E ? "{\"type\":\"array\",\"items\":" : "{\"type\":\"array\",\"minItems\":1,\"items\":");
		reference(b, aas_type_name(p->type), "");
		buf_putc(b, '}');
		break;
	}
}

static void begin(struct buf *b, const char *name, const char *suffix)
{
	buf_printf(b, "%s\"%s%s\":", b->p[b->n - 1] == '{' ? "" : ",", name, suffix);
}

/* `metadata`: only what $metadata shows. */
static void class_schema(struct buf *b, const struct aas_class *c, bool metadata)
{
	const char *comma = "";
	begin(b, c->name, metadata ? "Metadata" : "");
	if (c->typed == AAS_TEXT) {
		text_type(b, &aas_strings[c->props[0].type]);
		return;
	}
	buf_puts(b, "{\"type\":\"object\",\"properties\":{");
	for (unsigned i = 0; i < c->n; i++) {
		if (metadata && !(c->props[i].views & AAS_VIEW_M))
			continue;
		buf_puts(b, comma);
		property(b, &c->props[i]);
		comma = ",";
	}
	if (c->typed)
		buf_printf(b, "%s\"modelType\":{\"type\":\"string\",\"enum\":[\"%s\"]}", comma, c->name);
	buf_putc(b, '}');
	comma = ",\"required\":[";
	for (unsigned i = 0; i < c->n; i++) {
		if (!c->props[i].required || (metadata && !(c->props[i].views & AAS_VIEW_M)))
			continue;
		buf_printf(b, "%s\"%s\"", comma, c->props[i].name);
		comma = ",";
	}
	if (c->typed) {
		buf_printf(b, "%s\"modelType\"", comma);
		comma = ",";
	}
	buf_puts(b, comma[1] ? "}" : "]}");	/* an empty list of required members is not allowed */
}

static void abstract_schema(struct buf *b, unsigned type, bool metadata)
{
	const char *comma = "";
	begin(b, aas_type_name(type), metadata ? "Metadata" : "");
	buf_puts(b, "{\"oneOf\":[");
	for (unsigned i = 0; i < AAS_N_CLASSES; i++) {
		if (!aas_class_fits(&aas_classes[i], type))
			continue;
		buf_puts(b, comma);
		reference(b, aas_classes[i].name, metadata ? "Metadata" : "");
		comma = ",";
	}
	buf_puts(b, "],\"discriminator\":{\"propertyName\":\"modelType\"}}");
}

static void enum_schema(struct buf *b, const struct aas_enum_type *e)
{
	begin(b, e->name, "");
	buf_puts(b, "{\"type\":\"string\",\"enum\":[");
	for (unsigned i = 0; i < e->n; i++)
		buf_printf(b, "%s\"%s\"", i ? "," : "", e->literal[i]);
	buf_puts(b, "]}");
}

void openapi_schemas(struct buf *b)
{
	static const unsigned enums = 0
#define E(...) + 1
		AAS_ENUMS(E)
		API_ENUMS(E)
#undef E
	;
	buf_putc(b, '{');
	for (unsigned i = 0; i < AAS_N_CLASSES; i++) {
		class_schema(b, &aas_classes[i], false);
		if ((aas_classes[i].mask & (IS_SME | IS_REF)) != 0)
			class_schema(b, &aas_classes[i], true);
	}
	abstract_schema(b, AAS_SubmodelElement, false);
	abstract_schema(b, AAS_SubmodelElement, true);
	abstract_schema(b, AAS_DataElement, false);
	abstract_schema(b, AAS_DataSpecificationContent, false);
	for (unsigned i = 0; i < enums; i++)
		enum_schema(b, &aas_enums[i]);
	for (size_t i = 0; i < sizeof part2 / sizeof *part2; i++) {
		begin(b, part2[i].name, "");
		buf_puts(b, part2[i].json);
	}
	buf_putc(b, '}');
}
