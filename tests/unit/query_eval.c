/* SPDX-License-Identifier: Apache-2.0
 * What a query means: each operator, cast and field, missing and wrong values, lists, $match, and tuples.
 */
#include "aas/query.h"

#include "aas/json.h"
#include "tests/tap.h"

static struct arena *arena;
static struct aas_node *shell, *submodel, *concept, *shell_descriptor, *submodel_descriptor;

#define P(name, type, value) "{\"modelType\":\"Property\",\"idShort\":\"" name "\",\"valueType\":\"xs:" type "\",\"value\":\"" value "\"}"
#define NAMELESS(value) "{\"modelType\":\"Property\",\"valueType\":\"xs:string\",\"value\":\"" value "\"}"
#define SEM(v) "\"semanticId\":{\"type\":\"ExternalReference\",\"keys\":[{\"type\":\"GlobalReference\",\"value\":\"" v "\"}]}"
#define DOC(cls, de, en) "{\"modelType\":\"SubmodelElementCollection\",\"value\":[" P("Class", "string", cls) "," \
	"{\"modelType\":\"SubmodelElementList\",\"idShort\":\"Langs\",\"typeValueListElement\":\"MultiLanguageProperty\",\"value\":[" \
	"{\"modelType\":\"MultiLanguageProperty\",\"value\":[{\"language\":\"de\",\"text\":\"" de "\"}]}," \
	"{\"modelType\":\"MultiLanguageProperty\",\"value\":[{\"language\":\"en\",\"text\":\"" en "\"}]}]}]}"

static const char submodel_json[] =
	"{\"modelType\":\"Submodel\",\"id\":\"urn:sm\",\"idShort\":\"Plate\",\"semanticId\":{\"type\":\"ModelReference\",\"keys\":["
	"{\"type\":\"Submodel\",\"value\":\"urn:sem\"},{\"type\":\"Property\",\"value\":\"Second\"}]},\"submodelElements\":["
	P("Speed", "int", "1500") "," P("Ratio", "decimal", "0.1") "," P("On", "boolean", "true") "," P("Built", "dateTime", "2024-01-07T10:30:00Z") ","
	P("Serial", "string", "SN-007") "," P("Hex", "string", "16#0FF") "," P("Clock", "string", "10:30") "," P("Nan", "double", "NaN") ","
	"{\"modelType\":\"Property\",\"idShort\":\"None\",\"valueType\":\"xs:string\"},"
	"{\"modelType\":\"Property\",\"idShort\":\"Power\",\"valueType\":\"xs:double\",\"value\":\"7.5\"," SEM("urn:power") "},"
	"{\"modelType\":\"Property\",\"idShort\":\"Mass\",\"valueType\":\"xs:double\",\"value\":\"700\"," SEM("urn:mass") "},"
	"{\"modelType\":\"File\",\"idShort\":\"Manual\",\"value\":\"/a/manual.pdf\",\"contentType\":\"application/pdf\"},"
	"{\"modelType\":\"MultiLanguageProperty\",\"idShort\":\"Title\",\"value\":[{\"language\":\"de\",\"text\":\"Pumpe\"},{\"language\":\"en\",\"text\":\"Pump\"}]},"
	"{\"modelType\":\"Range\",\"idShort\":\"Limits\",\"valueType\":\"xs:int\",\"min\":\"1\",\"max\":\"9\"},"
	"{\"modelType\":\"SubmodelElementCollection\",\"idShort\":\"Outer\"," SEM("urn:outer") ",\"value\":[{\"modelType\":\"SubmodelElementCollection\","
	"\"idShort\":\"Inner\",\"value\":[" P("Deep", "string", "found") "]}]},"
	"{\"modelType\":\"Entity\",\"idShort\":\"Part\",\"entityType\":\"CoManagedEntity\",\"statements\":[" P("Hidden", "string", "hidden") "]},"
	"{\"modelType\":\"SubmodelElementList\",\"idShort\":\"Tags\",\"typeValueListElement\":\"Property\",\"valueTypeListElement\":\"xs:string\",\"value\":["
	NAMELESS("red") "," NAMELESS("green") "]},"
	"{\"modelType\":\"SubmodelElementList\",\"idShort\":\"Docs\",\"typeValueListElement\":\"SubmodelElementCollection\",\"value\":["
	DOC("03-01", "Blatt", "Sheet") "," DOC("03-02", "Buch", "Book") "]}]}";

static const char shell_json[] =
	"{\"modelType\":\"AssetAdministrationShell\",\"id\":\"urn:aas\",\"assetInformation\":{\"assetKind\":\"Instance\",\"globalAssetId\":\"urn:asset\",\"specificAssetIds\":["
	"{\"name\":\"supplierId\",\"value\":\"aas-1\",\"externalSubjectId\":{\"type\":\"ExternalReference\",\"keys\":[{\"type\":\"GlobalReference\",\"value\":\"urn:who\"}]}},"
	"{\"name\":\"customerId\",\"value\":\"aas-2\"}]},\"submodels\":[{\"type\":\"ModelReference\",\"keys\":[{\"type\":\"Submodel\",\"value\":\"urn:sm\"}]}]}";

static const char concept_json[] = "{\"modelType\":\"ConceptDescription\",\"id\":\"urn:cd\",\"idShort\":\"Speed\"}";

#define ENDPOINT(interface, href) "{\"interface\":\"" interface "\",\"protocolInformation\":{\"href\":\"" href "\"}}"
static const char shell_descriptor_json[] =
	"{\"id\":\"urn:aas\",\"idShort\":\"Rig\",\"assetKind\":\"Type\",\"assetType\":\"urn:type\",\"globalAssetId\":\"urn:asset\",\"specificAssetIds\":["
	"{\"name\":\"supplierId\",\"value\":\"aas-1\",\"externalSubjectId\":{\"type\":\"ExternalReference\",\"keys\":[{\"type\":\"GlobalReference\",\"value\":\"urn:who\"}]}},"
	"{\"name\":\"customerId\",\"value\":\"aas-2\"}],\"endpoints\":[" ENDPOINT("AAS-3.0", "http://a/1") "," ENDPOINT("AAS-3.1", "http://a/2") "],"
	"\"submodelDescriptors\":[{\"id\":\"urn:s1\",\"idShort\":\"Plate\"," SEM("urn:plate") ",\"endpoints\":[" ENDPOINT("SUBMODEL-3.0", "http://s/1") "]},"
	"{\"id\":\"urn:s2\",\"endpoints\":[" ENDPOINT("SUBMODEL-3.1", "http://s/2") "]}]}";
static const char submodel_descriptor_json[] =
	"{\"id\":\"urn:s1\",\"idShort\":\"Plate\",\"semanticId\":{\"type\":\"ModelReference\",\"keys\":[{\"type\":\"Submodel\",\"value\":\"urn:sem\"},"
	"{\"type\":\"Property\",\"value\":\"Second\"}]},\"endpoints\":[" ENDPOINT("SUBMODEL-3.0", "http://s/1") "]}";

static const struct aas_node *descriptor_of(enum store_kind kind)
{
	return kind == STORE_SHELL_DESCRIPTOR ? shell_descriptor : kind == STORE_SUBMODEL_DESCRIPTOR ? submodel_descriptor : NULL;
}

static const char *ask(enum store_kind kind, const char *condition)
{
	static char why[1200];
	struct arena *a = arena_new(64 << 20);
	struct aas_query *q;
	struct diag d = DIAG_INIT;
	bool yes = false;
	uint64_t steps = QUERY_STEPS_MAX;
	char json[3000];
	const struct query_tuple t = { shell, submodel, concept, descriptor_of(kind) };
	snprintf(json, sizeof json, "{\"$condition\":%s}", condition);
	enum err e = aas_query_read(a, kind, json, strlen(json), &q, &d);
	if (e) {
		diag_first(&d, why, sizeof why);
	} else {
		e = aas_query_holds(q, &t, a, &steps, &yes);
		snprintf(why, sizeof why, "%s", e ? err_info[e].name : yes ? "true" : "false");
	}
	diag_fini(&d);
	arena_free(a);
	return why;
}

/* F'...' is a field, S'...' a text, N... a number, H X D T B the other literals; c: casts: this short form becomes the JSON one. */
static void put_value(char *out, size_t size, const char *v)
{
	static const struct { const char *mark, *name; int quoted; } kinds[] = {
		{ "F:", "$field", 1 }, { "S:", "$strVal", 1 }, { "N:", "$numVal", 0 }, { "H:", "$hexVal", 1 }, { "D:", "$dateTimeVal", 1 }, { "T:", "$timeVal", 1 },
		{ "B:", "$boolean", 0 }, { "dow:", "$dayOfWeek", 2 }, { "dom:", "$dayOfMonth", 2 }, { "month:", "$month", 2 }, { "year:", "$year", 2 },
		{ "str:", "$strCast", 2 }, { "num:", "$numCast", 2 }, { "hex:", "$hexCast", 2 }, { "bool:", "$boolCast", 2 }, { "date:", "$dateTimeCast", 2 },
		{ "time:", "$timeCast", 2 },
	};
	char inner[500];
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		size_t n = strlen(kinds[i].mark);
		if (strncmp(v, kinds[i].mark, n))
			continue;
		snprintf(inner, sizeof inner, kinds[i].quoted == 1 ? "\"%s\"" : "%s", v + n);
		if (kinds[i].quoted == 2)
			put_value(inner, sizeof inner, v + n);
		snprintf(out, size, "{\"%s\":%s}", kinds[i].name, inner);
		return;
	}
	printf("Bail out! %s\n", v);
	exit(1);
}

static const char *cmp(const char *op, const char *a, const char *b)
{
	static char out[4][1500];
	static int at;
	char left[600], right[600], *o = out[at++ % 4];
	put_value(left, sizeof left, a);
	put_value(right, sizeof right, b);
	snprintf(o, sizeof *out, "{\"$%s\":[%s,%s]}", op, left, right);
	return o;
}

struct row { const char *op, *a, *b, *want; };

static void rows(enum store_kind kind, const struct row *r, size_t n)
{
	for (; n--; r++)
		check_str(ask(kind, cmp(r->op, r->a, r->b)), r->want, "%s $%s %s", r->a, r->op, r->b);
}
#define ROWS(kind, r) rows(kind, r, sizeof r / sizeof *r)

/* The table of the specification's meaning ("Truth table"), and each operator on each type. */
static void operators(void)
{
	static const struct row of_shell[] = {
		{ "eq", "F:$aas#idShort", "F:$aas#assetInformation.assetType", "true" }, { "le", "F:$aas#idShort", "F:$aas#assetInformation.assetType", "true" },
		{ "ge", "F:$aas#idShort", "F:$aas#assetInformation.assetType", "true" }, { "ne", "F:$aas#idShort", "F:$aas#assetInformation.assetType", "false" },
		{ "lt", "F:$aas#idShort", "F:$aas#assetInformation.assetType", "false" }, { "eq", "F:$aas#idShort", "F:$aas#id", "false" },
		{ "ne", "F:$aas#idShort", "F:$aas#id", "false" }, { "ne", "F:$aas#idShort", "S:x", "false" }, { "contains", "F:$aas#idShort", "F:$aas#idShort", "false" },
		{ "eq", "F:$aas#assetInformation.assetKind", "N:17", "false" }, { "ne", "F:$aas#assetInformation.assetKind", "N:17", "true" },
		{ "eq", "F:$aas#assetInformation.assetKind", "S:Instance", "true" }, { "eq", "F:$aas#assetInformation.globalAssetId", "S:urn:asset", "true" },
	};
	static const struct row constant[] = {
		{ "le", "N:1", "N:2", "true" }, { "gt", "N:1", "N:2", "false" }, { "lt", "S:a", "S:b", "true" }, { "gt", "S:1", "S:2", "false" },
		{ "gt", "S:11", "S:2", "false" }, { "eq", "N:13", "S:13", "false" }, { "ne", "N:13", "S:13", "true" }, { "ge", "bool:S:true", "bool:S:true", "true" },
		{ "gt", "bool:S:true", "bool:S:true", "false" }, { "gt", "B:true", "B:false", "false" }, { "ge", "B:true", "B:false", "false" },
		{ "eq", "N:1e2", "N:100.0", "true" }, { "lt", "N:-2", "N:-1.9", "true" }, { "eq", "N:0", "N:-0.0", "true" }, { "gt", "N:0.10000000000000000001", "N:0.1", "true" },
		{ "lt", "N:99999999999999999999998", "N:99999999999999999999999", "true" }, { "gt", "N:1e400", "N:1e399", "true" }, { "lt", "N:-1e-400", "N:0", "true" },
		{ "eq", "H:16#0A", "H:16#A", "true" }, { "gt", "H:16#10", "H:16#F", "true" }, { "ge", "H:16#F", "H:16#10", "false" },
		{ "eq", "D:2024-01-01T01:00:00+01:00", "D:2024-01-01T00:00:00Z", "true" }, { "lt", "D:2024-01-01T00:00:00Z", "D:2024-01-01T00:00:00.5Z", "true" },
		{ "eq", "T:10:30", "T:10:30:00", "true" }, { "gt", "T:10:31", "T:10:30:59", "true" },
		{ "contains", "S:abc", "S:b", "true" }, { "contains", "S:abc", "S:B", "false" }, { "contains", "S:abc", "S:", "true" },
		{ "starts-with", "S:abc", "S:ab", "true" }, { "starts-with", "S:ab", "S:abc", "false" }, { "starts-with", "S:abc", "S:bc", "false" },
		{ "ends-with", "S:abc", "S:bc", "true" }, { "ends-with", "S:abc", "S:ab", "false" }, { "ends-with", "S:c", "S:bc", "false" },
		{ "regex", "S:abc", "S:b", "true" }, { "regex", "S:abc", "S:^b", "false" }, { "regex", "S:urn:42", "S:^urn:[0-9]+$", "true" }, { "regex", "S:a\\n", "S:a$", "false" },
	};
	ROWS(STORE_SHELL, of_shell);
	ROWS(STORE_SUBMODEL, constant);
}

static void casts(void)
{
	static const struct row r[] = {
		{ "eq", "str:N:13.50", "S:13.5", "true" }, { "eq", "str:N:1e3", "S:1000", "true" }, { "eq", "str:N:-0.050", "S:-0.05", "true" },
		{ "eq", "str:N:120.25", "S:120.25", "true" }, { "eq", "str:N:0", "S:0", "true" }, { "eq", "str:B:true", "S:true", "true" }, { "eq", "str:H:16#0FF", "S:16#FF", "true" },
		{ "eq", "str:D:2024-01-01T00:00:00.50Z", "S:2024-01-01T00:00:00.5Z", "true" }, { "eq", "str:T:10:30", "S:10:30:00", "true" },
		{ "eq", "num:S:+1.50", "N:1.5", "true" }, { "eq", "num:B:true", "N:1", "true" }, { "eq", "num:H:16#FF", "N:255", "true" },
		{ "eq", "hex:N:255", "H:16#FF", "true" }, { "eq", "hex:N:0", "H:16#0", "true" }, { "eq", "hex:S:16#0A", "H:16#A", "true" },
		{ "eq", "bool:N:2", "B:true", "true" }, { "eq", "bool:N:0", "B:false", "true" }, { "eq", "bool:S:1", "B:true", "true" },
		{ "eq", "date:S:2024-01-01T00:00:00", "D:2024-01-01T00:00:00Z", "true" }, { "eq", "time:D:2024-01-01T10:30:00Z", "T:10:30", "true" },
		{ "eq", "time:S:10:30:00", "T:10:30", "true" },
		{ "eq", "dow:D:2024-01-07T10:30:00Z", "N:0", "true" }, { "eq", "dow:D:1969-12-31T23:00:00Z", "N:3", "true" }, { "eq", "dom:D:2024-01-07T10:30:00Z", "N:7", "true" },
		{ "eq", "month:D:2024-01-07T10:30:00Z", "N:1", "true" }, { "eq", "year:D:2024-01-07T10:30:00Z", "N:2024", "true" },
		/* of fields */
		{ "eq", "num:F:$sme.Speed#value", "N:1500", "true" }, { "gt", "num:F:$sme.Serial#value", "N:1", "false" }, { "ne", "num:F:$sme.Serial#value", "N:1", "false" },
		{ "eq", "bool:F:$sme.On#value", "B:true", "true" }, { "eq", "hex:F:$sme.Hex#value", "H:16#FF", "true" }, { "eq", "time:F:$sme.Clock#value", "T:10:30:00", "true" },
		{ "eq", "time:date:F:$sme.Built#value", "T:10:30:00", "true" }, { "eq", "dow:F:$sme.Built#value", "N:0", "true" }, { "eq", "month:date:F:$sme.Built#value", "N:1", "true" },
		{ "eq", "year:F:$sme.Serial#value", "N:1", "false" }, { "eq", "str:F:$sme.Speed#value", "S:1500", "true" }, { "eq", "str:num:F:$sme.Power#value", "S:7.5", "true" },
		{ "contains", "str:F:$sme.Speed#value", "S:50", "true" }, { "ge", "date:F:$sme.Built#value", "D:2024-01-01T00:00:00Z", "true" },
		{ "eq", "num:F:$sme.None#value", "N:1", "false" }, { "gt", "num:F:$sme#value", "N:1400", "true" }, { "gt", "num:F:$sme#value", "N:99999", "false" },
	};
	ROWS(STORE_SUBMODEL, r);
	/* an explicit cast that fails leaves the candidate out, whatever stands around it */
	check_str(ask(STORE_SUBMODEL, "{\"$not\":{\"$gt\":[{\"$numCast\":{\"$field\":\"$sme.Serial#value\"}},{\"$numVal\":1}]}}"), "false", "$not of an invalid one");
	check_str(ask(STORE_SUBMODEL, "{\"$or\":[{\"$boolean\":true},{\"$gt\":[{\"$numCast\":{\"$field\":\"$sme.Serial#value\"}},{\"$numVal\":1}]}]}"), "false", "$or with an invalid one");
	check_str(ask(STORE_SUBMODEL, "{\"$not\":{\"$and\":[{\"$boolean\":false},{\"$gt\":[{\"$numCast\":{\"$field\":\"$sme.Serial#value\"}},{\"$numVal\":1}]}]}}"), "false", "$and too");
	check_str(ask(STORE_SUBMODEL, "{\"$not\":{\"$gt\":[{\"$field\":\"$sme.Serial#value\"},{\"$numVal\":1}]}}"), "true", "an implicit one is only different");
	check_str(ask(STORE_SUBMODEL, "{\"$match\":[{\"$eq\":[{\"$field\":\"$sme#idShort\"},{\"$strVal\":\"Speed\"}]},{\"$gt\":[{\"$numCast\":{\"$field\":\"$sme#value\"}},{\"$numVal\":1}]}]}"),
		  "true", "what another comparison excludes is not asked");
}

static void fields(void)
{
	static const struct row r[] = {
		{ "eq", "F:$sm#id", "S:urn:sm", "true" }, { "eq", "F:$sm#idShort", "S:Plate", "true" }, { "eq", "F:$sm#semanticId", "S:urn:sem", "true" },
		{ "eq", "F:$sm#semanticId", "S:Second", "false" }, { "eq", "F:$sm#semanticId.keys[].value", "S:Second", "true" }, { "eq", "F:$sm#semanticId.keys[1].value", "S:Second", "true" },
		{ "eq", "F:$sm#semanticId.keys[2].value", "S:Second", "false" }, { "eq", "F:$sm#semanticId.type", "S:ModelReference", "true" }, { "eq", "F:$sm#semanticId.keys[0].type", "S:Submodel", "true" },
		{ "eq", "F:$sme.Speed#value", "N:1500", "true" }, { "eq", "F:$sme.Speed#value", "N:1500.0", "true" }, { "eq", "F:$sme.Speed#value", "S:1500", "true" }, { "eq", "F:$sme.Speed#value", "S:1500.0", "false" },
		{ "lt", "F:$sme.Ratio#value", "N:0.1000000000000000000001", "true" }, { "eq", "F:$sme.On#value", "B:true", "true" }, { "ne", "F:$sme.Serial#value", "B:true", "true" },
		{ "eq", "N:1500", "F:$sme.Speed#value", "true" }, { "lt", "N:100", "F:$sme.Speed#value", "true" }, { "eq", "F:$sme.Nan#value", "N:0", "false" }, { "ne", "F:$sme.Nan#value", "N:0", "true" },
		{ "eq", "F:$sme.Hex#value", "H:16#FF", "true" }, { "eq", "F:$sme.Clock#value", "T:10:30", "true" }, { "gt", "F:$sme.Built#value", "D:2024-01-01T00:00:00Z", "true" },
		{ "eq", "F:$sme.None#value", "S:", "false" }, { "ne", "F:$sme.None#value", "S:x", "false" }, { "eq", "F:$sme.None#value", "F:$sme.Nowhere#value", "true" },
		{ "eq", "F:$sme.Manual#value", "S:/a/manual.pdf", "true" }, { "eq", "F:$sme.Title#value", "S:Pump", "true" }, { "eq", "F:$sme.Title#value", "S:Pumpe", "true" },
		{ "eq", "F:$sme.Title#language", "S:de", "true" }, { "eq", "F:$sme.Speed#language", "S:de", "false" }, { "eq", "F:$sme.Limits#value", "S:1..9", "false" },
		{ "eq", "F:$sme.Limits#valueType", "S:xs:int", "true" }, { "eq", "F:$sme.Speed#valueType", "S:xs:int", "true" }, { "eq", "F:$sme.Speed#idShort", "S:Speed", "true" },
		{ "eq", "F:$sme.Power#semanticId", "S:urn:power", "true" }, { "eq", "F:$sme#semanticId", "S:urn:outer", "true" }, { "eq", "F:$sme.Outer#semanticId.type", "S:ExternalReference", "true" },
		{ "eq", "F:$sme.Outer.Inner.Deep#value", "S:found", "true" }, { "eq", "F:$sme.Inner.Deep#value", "S:found", "true" }, { "eq", "F:$sme.Deep#value", "S:found", "true" },
		{ "eq", "F:$sme.Outer.Deep#value", "S:found", "false" }, { "eq", "F:$sme.Part#idShort", "S:Part", "true" }, { "eq", "F:$sme.Hidden#value", "S:hidden", "false" },
		{ "eq", "F:$sme.Part.Hidden#value", "S:hidden", "false" }, { "eq", "F:$sme#value", "S:hidden", "false" }, { "eq", "F:$sme#idShort", "S:Inner", "true" }, { "eq", "F:$sme#value", "S:found", "true" },
		{ "eq", "F:$sme.Tags[]#value", "S:green", "true" }, { "eq", "F:$sme.Tags[1]#value", "S:green", "true" }, { "eq", "F:$sme.Tags[0]#value", "S:green", "false" }, { "eq", "F:$sme.Tags[9]#value", "S:green", "false" },
		{ "eq", "F:$sme.Tags#value", "S:green", "false" }, { "ne", "F:$sme.Tags[]#value", "S:green", "true" }, { "eq", "F:$sme.Docs[1].Class#value", "S:03-02", "true" },
		{ "eq", "F:$sme.Docs[].Langs[].Class#value", "S:03-02", "false" }, { "eq", "F:$sme.Docs[].Langs[]#language", "S:en", "true" }, { "eq", "F:$sme.Docs[0].Langs[0]#value", "S:Blatt", "true" },
		{ "eq", "F:$sme.Tags[]#value", "F:$sme.Tags[1]#value", "true" }, { "eq", "F:$sm#idShort", "F:$sme.Serial#value", "false" },
	};
	static const struct row of_shell[] = {
		{ "eq", "F:$aas#id", "S:urn:aas", "true" }, { "eq", "F:$aas#assetInformation.specificAssetIds[].name", "S:customerId", "true" },
		{ "eq", "F:$aas#assetInformation.specificAssetIds[1].value", "S:aas-2", "true" }, { "eq", "F:$aas#assetInformation.specificAssetIds[0].value", "S:aas-2", "false" },
		{ "eq", "F:$aas#assetInformation.specificAssetIds[].externalSubjectId", "S:urn:who", "true" }, { "eq", "F:$aas#assetInformation.specificAssetIds[1].externalSubjectId", "S:urn:who", "false" },
		{ "eq", "F:$aas#assetInformation.specificAssetIds[].externalSubjectId.type", "S:ExternalReference", "true" },
		{ "eq", "F:$aas#assetInformation.specificAssetIds[].externalSubjectId.keys[].type", "S:GlobalReference", "true" },
		{ "eq", "F:$aas#submodels[].keys[].value", "S:urn:sm", "true" }, { "eq", "F:$aas#submodels[1].keys[].value", "S:urn:sm", "false" }, { "eq", "F:$aas#submodels", "S:urn:sm", "true" },
		{ "eq", "F:$aas#submodels[].type", "S:ModelReference", "true" }, { "eq", "F:$aas#submodels[].keys[0].type", "S:Submodel", "true" },
	};
	static const struct row of_concept[] = { { "eq", "F:$cd#id", "S:urn:cd", "true" }, { "eq", "F:$cd#idShort", "S:Speed", "true" }, { "eq", "F:$cd#idShort", "S:speed", "false" } };
	ROWS(STORE_SUBMODEL, r);
	ROWS(STORE_SHELL, of_shell);
	ROWS(STORE_CONCEPT, of_concept);
}

static void descriptors(void)
{
	static const struct row of_shell[] = {
		{ "eq", "F:$aasdesc#id", "S:urn:aas", "true" }, { "eq", "F:$aasdesc#idShort", "S:Rig", "true" }, { "eq", "F:$aasdesc#assetKind", "S:Type", "true" },
		{ "eq", "F:$aasdesc#assetType", "S:urn:type", "true" }, { "eq", "F:$aasdesc#globalAssetId", "S:urn:asset", "true" }, { "eq", "F:$aasdesc#globalAssetId", "S:urn:type", "false" },
		{ "eq", "F:$aasdesc#specificAssetIds[].name", "S:customerId", "true" }, { "eq", "F:$aasdesc#specificAssetIds[0].value", "S:aas-2", "false" },
		{ "eq", "F:$aasdesc#specificAssetIds[].externalSubjectId", "S:urn:who", "true" }, { "eq", "F:$aasdesc#specificAssetIds[1].externalSubjectId.keys[].value", "S:urn:who", "false" },
		{ "eq", "F:$aasdesc#endpoints[].interface", "S:AAS-3.1", "true" }, { "eq", "F:$aasdesc#endpoints[0].interface", "S:AAS-3.1", "false" },
		{ "starts-with", "F:$aasdesc#endpoints[1].protocolinformation.href", "S:http://a/2", "true" }, { "eq", "F:$aasdesc#endpoints[2].interface", "S:AAS-3.1", "false" },
		{ "eq", "F:$aasdesc#submodelDescriptors[].id", "S:urn:s2", "true" }, { "eq", "F:$aasdesc#submodelDescriptors[0].id", "S:urn:s2", "false" },
		{ "eq", "F:$aasdesc#submodelDescriptors[].idShort", "S:Plate", "true" }, { "eq", "F:$aasdesc#submodelDescriptors[1].idShort", "S:Plate", "false" },
		{ "eq", "F:$aasdesc#submodelDescriptors[].semanticId", "S:urn:plate", "true" }, { "eq", "F:$aasdesc#submodelDescriptors[].semanticId.type", "S:ExternalReference", "true" },
		{ "eq", "F:$aasdesc#submodelDescriptors[].endpoints[].interface", "S:SUBMODEL-3.1", "true" }, { "eq", "F:$aasdesc#submodelDescriptors[0].endpoints[].interface", "S:SUBMODEL-3.1", "false" },
		{ "eq", "F:$aasdesc#submodelDescriptors[1].endpoints[0].protocolinformation.href", "S:http://s/2", "true" },
	};
	static const struct row of_submodel[] = {
		{ "eq", "F:$smdesc#id", "S:urn:s1", "true" }, { "eq", "F:$smdesc#idShort", "S:Plate", "true" }, { "eq", "F:$smdesc#semanticId", "S:urn:sem", "true" },
		{ "eq", "F:$smdesc#semanticId", "S:Second", "false" }, { "eq", "F:$smdesc#semanticId.keys[].value", "S:Second", "true" }, { "eq", "F:$smdesc#semanticId.type", "S:ModelReference", "true" },
		{ "eq", "F:$smdesc#endpoints[].interface", "S:SUBMODEL-3.0", "true" }, { "contains", "F:$smdesc#endpoints[0].protocolinformation.href", "S:/s/", "true" },
	};
	static const char both[] = "{\"$match\":[{\"$eq\":[{\"$field\":\"$aasdesc#submodelDescriptors[].id\"},{\"$strVal\":\"%s\"}]},"
				   "{\"$eq\":[{\"$field\":\"$aasdesc#submodelDescriptors[].endpoints[].interface\"},{\"$strVal\":\"SUBMODEL-3.1\"}]}]}";
	char json[600];
	ROWS(STORE_SHELL_DESCRIPTOR, of_shell);
	ROWS(STORE_SUBMODEL_DESCRIPTOR, of_submodel);
	snprintf(json, sizeof json, both, "urn:s2");
	check_str(ask(STORE_SHELL_DESCRIPTOR, json), "true", "$match binds a submodel descriptor");
	snprintf(json, sizeof json, both, "urn:s1");
	check_str(ask(STORE_SHELL_DESCRIPTOR, json), "false", "$match does not mix two");
}

static void joined(const char *op, const char *a, const char *b, const char *c, const char *want)
{
	char json[6000];
	snprintf(json, sizeof json, "{\"$%s\":[%s,%s%s%s]}", op, a, b, c ? "," : "", c ? c : "");
	check_str(ask(STORE_SUBMODEL, json), want, "$%s %s %s %s", op, a, b, c ? c : "");
}

static void logic(void)
{
	static const char t[] = "{\"$boolean\":true}", f[] = "{\"$boolean\":false}";
	joined("and", t, t, NULL, "true");
	joined("and", t, t, f, "false");
	joined("or", f, f, NULL, "false");
	joined("or", f, f, t, "true");
	check_str(ask(STORE_SUBMODEL, "{\"$not\":{\"$boolean\":true}}"), "false", "$not");
	check_str(ask(STORE_SUBMODEL, "{\"$not\":{\"$boolean\":false}}"), "true", "$not");
	joined("match", t, t, NULL, "true");
	joined("match", t, f, NULL, "false");
}

#define ID(x) "F:$aas#assetInformation.specificAssetIds[]." x
static void match(void)
{
	joined("and", cmp("eq", ID("name"), "S:supplierId"), cmp("eq", ID("value"), "S:aas-2"), NULL, "true");
	joined("match", cmp("eq", ID("name"), "S:supplierId"), cmp("eq", ID("value"), "S:aas-2"), NULL, "false");
	joined("match", cmp("eq", ID("name"), "S:supplierId"), cmp("eq", ID("value"), "S:aas-1"), NULL, "true");
	joined("match", cmp("eq", ID("name"), "S:supplierId"), cmp("eq", ID("value"), "S:aas-1"), cmp("eq", ID("externalSubjectId"), "S:urn:who"), "true");
	joined("match", cmp("eq", ID("name"), "S:customerId"), cmp("eq", ID("externalSubjectId"), "S:urn:who"), NULL, "false");
	joined("and", cmp("eq", "F:$sme#semanticId", "S:urn:power"), cmp("gt", "F:$sme#value", "N:100"), NULL, "true");
	joined("match", cmp("eq", "F:$sme#semanticId", "S:urn:power"), cmp("gt", "F:$sme#value", "N:100"), NULL, "false");
	joined("match", cmp("eq", "F:$sme#semanticId", "S:urn:mass"), cmp("gt", "F:$sme#value", "N:100"), NULL, "true");
	joined("match", cmp("eq", "F:$sme#semanticId", "S:urn:mass"), cmp("gt", "F:$sme#value", "N:100"), cmp("eq", "F:$sm#idShort", "S:Plate"), "true");
	joined("match", cmp("eq", "F:$sme.Docs[].Class#value", "S:03-01"), cmp("eq", "F:$sme.Docs[].Langs[]#value", "S:Sheet"), NULL, "true");
	joined("match", cmp("eq", "F:$sme.Docs[].Class#value", "S:03-01"), cmp("eq", "F:$sme.Docs[].Langs[]#value", "S:Book"), NULL, "false");
	joined("match", cmp("eq", "F:$sme.Docs[].Langs[]#language", "S:de"), cmp("eq", "F:$sme.Docs[].Langs[]#value", "S:Book"), NULL, "false");
	joined("match", cmp("eq", "F:$sme.Docs[].Langs[]#language", "S:en"), cmp("eq", "F:$sme.Docs[].Langs[]#value", "S:Book"), cmp("eq", "F:$sme.Docs[].Class#value", "S:03-02"), "true");
	/* inner matches have items of their own below the outer one */
	joined("match", cmp("eq", "F:$sme.Docs[].Class#value", "S:03-02"), "{\"$match\":[{\"$eq\":[{\"$field\":\"$sme.Docs[].Langs[]#language\"},{\"$strVal\":\"de\"}]},"
	       "{\"$eq\":[{\"$field\":\"$sme.Docs[].Langs[]#value\"},{\"$strVal\":\"Buch\"}]}]}", "{\"$match\":[{\"$eq\":[{\"$field\":\"$sme.Docs[].Langs[]#language\"},{\"$strVal\":\"en\"}]}]}", "true");
	joined("match", "{\"$match\":[{\"$eq\":[{\"$field\":\"$sme.Docs[].Langs[]#value\"},{\"$strVal\":\"Buch\"}]}]}", cmp("eq", "F:$sme.Docs[].Class#value", "S:03-01"), NULL, "false");
	joined("match", "{\"$match\":[{\"$eq\":[{\"$field\":\"$sme.Docs[].Langs[]#value\"},{\"$strVal\":\"Buch\"}]}]}", cmp("eq", "F:$sme.Docs[].Langs[]#value", "S:Book"), NULL, "false");
	joined("match", cmp("eq", "F:$sme.Nowhere[]#value", "F:$sme.Nowhere[].X#value"), cmp("eq", "F:$sm#idShort", "S:Plate"), NULL, "true");
	joined("match", cmp("eq", "F:$sme.Nowhere[]#value", "S:x"), cmp("eq", "F:$sm#idShort", "S:Plate"), NULL, "false");
}

static void cost(void)
{
	struct aas_query *q;
	struct arena *a = arena_new(0);
	bool yes;
	uint64_t steps = 10;
	const struct query_tuple t = { .submodel = submodel };
	static const char any[] = "{\"$condition\":{\"$eq\":[{\"$field\":\"$sme#value\"},{\"$strVal\":\"?\"}]}}";
	static const char wild[] = "{\"$condition\":{\"$regex\":[{\"$strVal\":\"aaaaaaaaaaaaaaaaaab\"},{\"$strVal\":\"^(a+)+$\"}]}}";
	check_int(aas_query_read(a, STORE_SUBMODEL, any, strlen(any), &q, NULL), ERR_OK, "a search over all elements");
	check_int(aas_query_holds(q, &t, a, &steps, &yes), ERR_EXPENSIVE, "ends when its steps are used up");
	steps = QUERY_STEPS_MAX;
	check_int(aas_query_holds(q, &t, a, &steps, &yes), ERR_OK, "and answers when they suffice");
	check(steps < QUERY_STEPS_MAX - 20, "they are counted");
	check_int(aas_query_read(a, STORE_SUBMODEL, wild, strlen(wild), &q, NULL), ERR_OK, "a pattern that backtracks");
	check_int(aas_query_holds(q, &t, a, &steps, &yes), ERR_EXPENSIVE, "is not followed for ever");
	arena_free(a);
}

int main(void)
{
	arena = arena_new(0);
	if (aas_json_read(arena, AAS_Submodel, submodel_json, strlen(submodel_json), AAS_JSON_DEFAULT, &submodel, NULL) ||
	    aas_json_read(arena, AAS_AssetAdministrationShell, shell_json, strlen(shell_json), AAS_JSON_DEFAULT, &shell, NULL) ||
	    aas_json_read(arena, AAS_ConceptDescription, concept_json, strlen(concept_json), AAS_JSON_DEFAULT, &concept, NULL) ||
	    aas_json_read(arena, AAS_AssetAdministrationShellDescriptor, shell_descriptor_json, strlen(shell_descriptor_json), AAS_JSON_DEFAULT, &shell_descriptor, NULL) ||
	    aas_json_read(arena, AAS_SubmodelDescriptor, submodel_descriptor_json, strlen(submodel_descriptor_json), AAS_JSON_DEFAULT, &submodel_descriptor, NULL)) {
		printf("Bail out! test documents\n");
		return 1;
	}
	operators();
	casts();
	fields();
	descriptors();
	logic();
	match();
	cost();
	arena_free(arena);
	return done();
}
