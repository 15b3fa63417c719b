/* SPDX-License-Identifier: Apache-2.0 - random documents with few names and few values, and random conditions about them. */
#include <stdio.h>
#include <string.h>

#include "tests/store/query_random.h"

uint64_t seed;
static const enum aas_class_id class_of[STORE_N_KINDS] = { AAS_AssetAdministrationShell, AAS_Submodel, AAS_ConceptDescription };

unsigned roll(unsigned n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(seed >> 33) % n;
}

/* -- documents ------------------------------------------------------------------------------------------------------------------------------- */
const char *const names[N_NAMES] = { "A", "B", "C", "Docs", "Serial" };
static const char *const terms[] = { "urn:s1", "urn:s2", "urn:s3", "(x)", "B" };
static const struct { const char *type, *value; } typed[] = {
	{ "string", "x" }, { "string", "xy" }, { "string", "" }, { "string", "5" }, { "int", "5" }, { "decimal", "5.0" }, { "double", "5.5" }, { "double", "INF" },
	{ "double", "NaN" }, { "double", "3" }, { "int", "7" }, { "string", "7" }, { "string", "6e0" }, { "string", "7-8" }, { "decimal", "5.00000000000000000001" }, { "boolean", "true" }, { "boolean", "0" }, { "dateTime", "2024-01-07T10:30:00Z" },
	{ "date", "2024-01-07" }, { "string", "16#FF" }, { "string", "10:30" }, { "string", "2024-01-07T10:30:00Z" }, { "string", "Pumpe" }, { "string", "%_\\\\'\\\"" },
};
static const char *const langs[] = { "de", "en" };

static void semantic(struct buf *b)
{
	unsigned n = 1 + (roll(4) == 0);
	buf_puts(b, ",\"semanticId\":{\"type\":\"ExternalReference\",\"keys\":[");
	for (unsigned i = 0; i < n; i++)
		buf_printf(b, "%s{\"type\":\"GlobalReference\",\"value\":\"%s\"}", i ? "," : "", PICK(terms));
	buf_puts(b, "]}");
}

static void langs_of(struct buf *b)
{
	unsigned n = 1 + roll(2);
	buf_puts(b, ",\"value\":[");
	for (unsigned i = 0; i < n; i++)
		buf_printf(b, "%s{\"language\":\"%s\",\"text\":\"%s\"}", i ? "," : "", langs[i], PICK(((const char *[]){ "Pumpe", "x", "5" })));
	buf_puts(b, "]");
}

static void children(struct buf *b, const char *attr, unsigned depth, bool list);

static void element(struct buf *b, const char *name, unsigned depth, const char *only)
{
	static const char *const classes[] = { "Property", "Property", "Property", "MultiLanguageProperty", "File", "Range", "SubmodelElementCollection",
					       "SubmodelElementList", "Entity", "Capability" };
	const char *cls = only ? only : PICK(classes);
	if (depth > 3 && !only)
		cls = "Property";
	buf_printf(b, "{\"modelType\":\"%s\"", cls);
	if (name)
		buf_printf(b, ",\"idShort\":\"%s\"", name);
	if (!only && roll(3) == 0)
		semantic(b);
	if (!strcmp(cls, "Property")) {
		unsigned i = roll(sizeof typed / sizeof *typed);
		buf_printf(b, ",\"valueType\":\"xs:%s\"", typed[i].type);
		if (roll(8))
			buf_printf(b, ",\"value\":\"%s\"", typed[i].value);
	} else if (!strcmp(cls, "MultiLanguageProperty")) {
		langs_of(b);
	} else if (!strcmp(cls, "File")) {
		buf_puts(b, ",\"contentType\":\"text/plain\",\"value\":\"x\"");
	} else if (!strcmp(cls, "Range")) {
		buf_puts(b, ",\"valueType\":\"xs:int\",\"min\":\"5\"");
	} else if (!strcmp(cls, "SubmodelElementCollection")) {
		children(b, "value", depth + 1, false);
	} else if (!strcmp(cls, "SubmodelElementList")) {
		const char *item = depth > 2 ? "Capability" : roll(2) ? "SubmodelElementCollection" : "MultiLanguageProperty";
		unsigned n = roll(3);
		buf_printf(b, ",\"typeValueListElement\":\"%s\"", item);
		for (unsigned i = 0; i < n; i++) {
			buf_puts(b, i ? "," : ",\"value\":[");
			element(b, NULL, depth + 1, item);
		}
		buf_puts(b, n ? "]" : "");
	} else if (!strcmp(cls, "Entity")) {
		buf_puts(b, ",\"entityType\":\"CoManagedEntity\"");
		children(b, "statements", depth + 1, false);
	}
	buf_putc(b, '}');
}

static void children(struct buf *b, const char *attr, unsigned depth, bool list)
{
	bool first = true;
	(void)list;
	for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
		if (roll(5) > 1)
			continue;
		buf_printf(b, first ? ",\"%s\":[" : ",", attr);
		element(b, names[i], depth, NULL);
		first = false;
	}
	buf_puts(b, first ? "" : "]");
}

void random_document(struct buf *b, enum store_kind kind, unsigned n)
{
	buf_printf(b, "{\"modelType\":\"%s\",\"id\":\"urn:%c:%u\"", aas_classes[class_of[kind]].name, "asc"[kind], n);
	if (roll(4))
		buf_printf(b, ",\"idShort\":\"%s\"", PICK(names));
	if (kind == STORE_SUBMODEL) {
		if (roll(4))
			semantic(b);
		children(b, "submodelElements", 0, false);
	} else if (kind == STORE_SHELL) {
		buf_printf(b, ",\"assetInformation\":{\"assetKind\":\"%s\"", PICK(((const char *[]){ "Instance", "Type" })));
		buf_puts(b, roll(2) ? ",\"globalAssetId\":\"x\"" : ",\"globalAssetId\":\"A\"");
		buf_puts(b, roll(2) ? ",\"assetType\":\"A\"" : "");
		unsigned ids = roll(3), refs = roll(4);
		for (unsigned i = 0; i < ids; i++)
			buf_printf(b, "%s{\"name\":\"%s\",\"value\":\"%s\"%s}", i ? "," : ",\"specificAssetIds\":[", PICK(names), PICK(terms), roll(2) ? "" :
				   ",\"externalSubjectId\":{\"type\":\"ExternalReference\",\"keys\":[{\"type\":\"GlobalReference\",\"value\":\"urn:s1\"}]}");
		buf_puts(b, ids ? "]}" : "}");
		for (unsigned i = 0; i < refs; i++)
			buf_printf(b, "%s{\"type\":\"ModelReference\",\"keys\":[{\"type\":\"Submodel\",\"value\":\"urn:s:%u\"}%s]}", i ? "," : ",\"submodels\":[",
				   roll(SUBMODELS + 5), roll(6) ? "" : ",{\"type\":\"Property\",\"value\":\"B\"}");
		buf_puts(b, refs ? "]" : "");
	}
	buf_putc(b, '}');
}

/* -- queries --------------------------------------------------------------------------------------------------------------------------------------- */
static const char *const of_shell[] = {
	"$aas#idShort", "$aas#id", "$aas#assetInformation.assetKind", "$aas#assetInformation.assetType", "$aas#assetInformation.globalAssetId",
	"$aas#assetInformation.specificAssetIds[].name", "$aas#assetInformation.specificAssetIds[].value", "$aas#assetInformation.specificAssetIds[1].value",
	"$aas#assetInformation.specificAssetIds[].externalSubjectId", "$aas#submodels[].keys[].value", "$aas#submodels[].keys[0].value", "$aas#submodels[1].keys[].value",
	"$aas#submodels", "$aas#submodels[].keys[1].type",
};
static const char *const of_submodel[] = {
	"$sm#idShort", "$sm#id", "$sm#semanticId", "$sm#semanticId.keys[].value", "$sm#semanticId.keys[1].value", "$sm#semanticId.type", "$sm#semanticId.keys[].type",
};
static const char *const attrs[] = { "value", "value", "value", "idShort", "semanticId", "semanticId.keys[].value", "semanticId.keys[1].value", "valueType", "language", "semanticId.type" };
static const char *const of_concept[] = { "$cd#idShort", "$cd#id" };
static const char *const texts[] = { "x", "xy", "5", "", "urn:s1", "urn:s2", "(x)", "B", "A", "Docs", "de", "xs:int", "xs:string", "new", "Pumpe", "true", "urn:s:7", "urn:a:3",
				     "urn:c:3", "Instance", "%_\\\\'\\\"", "ExternalReference", "Property" };
static const char *const others[] = { "{\"$numVal\":5}", "{\"$numVal\":5.0}", "{\"$numVal\":5.5}", "{\"$numVal\":-1}", "{\"$numVal\":1e400}", "{\"$boolean\":true}", "{\"$boolean\":false}",
				      "{\"$hexVal\":\"16#FF\"}", "{\"$timeVal\":\"10:30\"}", "{\"$dateTimeVal\":\"2024-01-07T10:30:00Z\"}", "{\"$dateTimeVal\":\"2024-01-01T00:00:00Z\"}" };

static void element_field(struct buf *b)
{
	buf_puts(b, "$sme");
	for (unsigned i = 0, n = roll(3); i < n; i++)
		buf_printf(b, ".%s%s", PICK(names), PICK(((const char *[]){ "", "", "", "[]", "[0]", "[1]" })));
	buf_printf(b, "#%s", PICK(attrs));
}

/* `same`: a field that was chosen before, so that $match has something to bind. */
static void field(struct buf *b, enum store_kind kind, const char *same)
{
	unsigned die = roll(10);
	if (same && roll(4))
		buf_printf(b, "%s#%s", same, PICK(attrs));
	else if (kind == STORE_CONCEPT)
		buf_puts(b, PICK(of_concept));
	else if (kind == STORE_SHELL ? die < 8 : die < 1)
		buf_puts(b, PICK(of_shell));
	else if (die & 1)
		buf_puts(b, PICK(of_submodel));
	else
		element_field(b);
}

/* A text that the field named last may well have. */
static const char *likely(const struct buf *b)
{
	static const struct { const char *mark, *text[3]; } hints[] = {
		{ "#idShort", { "A", "B", "Docs" } }, { "#semanticId", { "urn:s1", "urn:s2", "B" } }, { "externalSubjectId", { "urn:s1", "urn:s1", "x" } },
		{ "Ids[].name", { "A", "B", "Serial" } }, { "Ids[].value", { "urn:s1", "B", "(x)" } }, { "#submodels", { "urn:s:7", "urn:s:12", "B" } },
		{ "#valueType", { "xs:int", "xs:string", "xs:double" } }, { "#language", { "de", "en", "fr" } }, { "#value", { "x", "5", "Pumpe" } },
		{ "assetKind", { "Instance", "Type", "A" } }, { "asset", { "A", "x", "B" } }, { "#id", { "urn:s:7", "urn:a:3", "urn:c:3" } },
	};
	const char *at = NULL, *hash = b->p;
	while ((hash = strchr(hash, '#')))
		at = hash++;
	for (size_t i = 0; at && i < sizeof hints / sizeof *hints; i++)
		if (strstr(at, hints[i].mark))
			return hints[i].text[roll(3)];
	return PICK(texts);
}

static void operand(struct buf *b, enum store_kind kind, const char *same, bool only_text)
{
	static const char *const casts[] = { "$strCast", "$numCast", "$boolCast", "$dateTimeCast", "$timeCast", "$hexCast", "$year" };
	const char *cast = roll(12) == 0 ? only_text ? "$strCast" : PICK(casts) : NULL;
	if (cast)
		buf_printf(b, "{\"%s\":", cast);
	buf_puts(b, "{\"$field\":\"");
	field(b, kind, same);
	buf_puts(b, cast ? "\"}}" : "\"}");
}

static void constant(struct buf *b, bool only_text)
{
	if (only_text || roll(3))
		buf_printf(b, "{\"$strVal\":\"%s\"}", roll(4) ? likely(b) : PICK(texts));
	else
		buf_puts(b, PICK(others));
}

static void comparison(struct buf *b, enum store_kind kind, const char *same)
{
	static const char *const ops[] = { "$eq", "$eq", "$eq", "$eq", "$ne", "$gt", "$ge", "$lt", "$le", "$contains", "$starts-with", "$ends-with", "$regex" };
	const char *op = PICK(ops);
	bool text = strlen(op) > 3, turned = roll(5) == 0, two = roll(12) == 0;
	buf_printf(b, "{\"%s\":[", op);
	if (turned && !two)
		constant(b, text);
	else
		operand(b, kind, same, text);
	buf_putc(b, ',');
	if (!strcmp(op, "$regex") && !turned)
		buf_puts(b, PICK(((const char *[]){ "{\"$strVal\":\"^urn:s[:1-3]+\"}", "{\"$strVal\":\"x|5\"}", "{\"$strVal\":\"^[A-C]$\"}" })));
	else if (turned || two)
		operand(b, kind, same, text);
	else
		constant(b, text);
	buf_puts(b, "]}");
}

/* Two bounds of one path: of one element when it is a $match. */
static void range(struct buf *b)
{
	static const char *const number[] = { "3", "4", "5", "5.5", "6", "7", "1e2" };
	char path[40] = "$sme";
	for (unsigned i = 0, n = 1 + roll(2); i < n; i++)
		snprintf(path + strlen(path), sizeof path - strlen(path), ".%s%s", PICK(names), roll(8) ? "" : "[]");
	buf_printf(b, "{\"%s\":[{\"$%s\":[{\"$field\":\"%s#value\"},{\"$numVal\":%s}]},", roll(3) ? "$and" : "$match", roll(2) ? "ge" : "gt", path, PICK(number));
	if (roll(2))
		buf_printf(b, "{\"$%s\":[{\"$field\":\"%s#value\"},{\"$numVal\":%s}]}]}", roll(2) ? "le" : "lt", path, PICK(number));
	else
		buf_printf(b, "{\"$%s\":[{\"$numVal\":%s},{\"$field\":\"%s#value\"}]}]}", roll(2) ? "ge" : "gt", PICK(number), path);
}

void random_condition(struct buf *b, enum store_kind kind, unsigned depth)
{
	if (kind != STORE_CONCEPT && roll(10) == 0) {
		range(b);
		return;
	}
	static const char *const same[] = { "$sme", "$sme.A", "$sme.Docs[]", "$sme.Docs[].B", "$sme.B" };
	unsigned die = depth > 2 ? 9 : roll(12), n = 2 + roll(2);
	if (die > 5) {
		comparison(b, kind, NULL);
		return;
	}
	if (die == 5) {
		buf_puts(b, "{\"$not\":");
		random_condition(b, kind, depth + 1);
		buf_putc(b, '}');
		return;
	}
	buf_printf(b, "{\"%s\":[", die < 2 ? "$and" : die < 3 ? "$or" : "$match");
	const char *one = die >= 3 && kind != STORE_CONCEPT && roll(4) ? PICK(same) : NULL;
	for (unsigned i = 0; i < n; i++) {
		buf_puts(b, i ? "," : "");
		if (die < 3)
			random_condition(b, kind, depth + 1);
		else if (kind == STORE_SHELL && !one)
			buf_printf(b, "{\"$eq\":[{\"$field\":\"$aas#assetInformation.specificAssetIds[].%s\"},{\"$strVal\":\"%s\"}]}", i ? "value" : "name", i ? PICK(terms) : PICK(names));
		else
			comparison(b, kind, one);
	}
	buf_puts(b, "]}");
}
