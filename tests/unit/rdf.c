/* SPDX-License-Identifier: Apache-2.0
 * RDF out: both syntaxes byte for byte on small examples; on every fixture both are well-formed and say the same.
 */
#include "aas/rdf.h"

#include <dirent.h>
#include <jansson.h>
#include <sys/stat.h>

#include "aas/json.h"
#include "base/file.h"
#include "tests/tap.h"

#define NS "https://admin-shell.io/aas/3/1"
#define XS "http://www.w3.org/2001/XMLSchema#"
#define RDF_TYPE "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"

/* -- a reader of the Turtle that is written -------------------------------------------------------------------------------------------- */

/* Both syntaxes are turned into the same notation: <s>{<p> o ...}, o being <iri>, "text"^^<type> or []{...}. */
struct reader {
	const char *p;
	struct buf out;
	struct { char name[8], iri[100]; } prefix[8];
	unsigned n_prefixes, triples;
	const char *bad;
};

static bool wrong(struct reader *r, const char *why)
{
	if (!r->bad) {
		r->bad = why;
		printf("# Turtle: %s at \"%.60s\"\n", why, r->p);
	}
	return false;
}

static char peek(struct reader *r)
{
	while (*r->p == ' ' || *r->p == '\n' || *r->p == '\t')
		r->p++;
	return *r->p;
}

static bool take(struct reader *r, char c)
{
	if (peek(r) != c)
		return wrong(r, "another character is expected");
	r->p++;
	return true;
}

/* IRIREF of the grammar, or a name with a prefix; a blank node label stands as it is. */
static bool iri(struct reader *r)
{
	if (peek(r) == '<') {
		size_t n = strcspn(r->p + 1, "<>\"{}|^`\\\n ");
		if (r->p[n + 1] != '>' || !memchr(r->p + 1, ':', n))
			return wrong(r, "no absolute IRI");
		buf_put(&r->out, r->p, n + 2);
		r->p += n + 2;
		return true;
	}
	size_t n = strspn(r->p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_:");
	const char *colon = memchr(r->p, ':', n);
	if (!colon)
		return wrong(r, "no name");
	if (r->p[0] == '_') {
		buf_put(&r->out, r->p, n);
		r->p += n;
		return true;
	}
	for (unsigned i = 0; i < r->n_prefixes; i++)
		if (strlen(r->prefix[i].name) == (size_t)(colon - r->p) && !memcmp(r->prefix[i].name, r->p, (size_t)(colon - r->p))) {
			buf_printf(&r->out, "<%s%.*s>", r->prefix[i].iri, (int)(n - (size_t)(colon + 1 - r->p)), colon + 1);
			r->p += n;
			return true;
		}
	return wrong(r, "an unknown prefix");
}

/* STRING_LITERAL_QUOTE; its escapes are those of JSON, so the text is kept in them. */
static bool literal(struct reader *r)
{
	const char *from = r->p++;
	while (*r->p && *r->p != '"' && *r->p != '\n' && *r->p != '\r') {
		if (*r->p == '\\' && !strchr("tbnrf\"\\u", r->p[1]))
			return wrong(r, "a wrong escape");
		r->p += *r->p == '\\' ? 2 : 1;
	}
	if (*r->p++ != '"' || strncmp(r->p, "^^", 2))
		return wrong(r, "a string without end or type");
	json_t *text = json_loadb(from, (size_t)(r->p - from), JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	if (!text)
		return wrong(r, "no string");
	char *dump = json_dumps(text, JSON_ENCODE_ANY);
	buf_puts(&r->out, dump);
	free(dump);
	json_decref(text);
	r->p += 2;
	buf_puts(&r->out, "^^");
	return iri(r);
}

static bool predicates(struct reader *r, char end);

static bool object(struct reader *r)
{
	switch (peek(r)) {
	case '"':
		return literal(r);
	case '[':
		r->p++;
		buf_puts(&r->out, "[]{");
		return predicates(r, ']') && take(r, ']') && (buf_puts(&r->out, "}"), true);
	default:
		return iri(r);
	}
}

static bool predicates(struct reader *r, char end)
{
	while (peek(r) != end) {
		if (!iri(r) || (buf_putc(&r->out, ' '), !object(r)) || !take(r, ';'))
			return false;
		buf_putc(&r->out, ' ');
		r->triples++;
	}
	return true;
}

static bool turtle(struct reader *r)
{
	while (!strncmp(r->p, "@prefix ", 8)) {
		int n = 0;
		if (sscanf(r->p, "@prefix %7[a-z]: <%99[^>]> .%n", r->prefix[r->n_prefixes].name, r->prefix[r->n_prefixes].iri, &n) != 2 || !n)
			return wrong(r, "no prefix");
		r->n_prefixes++;
		r->p += n;
		peek(r);
	}
	while (peek(r)) {
		if (!iri(r))
			return false;
		buf_putc(&r->out, '{');
		if (!predicates(r, '.') || !take(r, '.'))
			return false;
		buf_puts(&r->out, "}\n");
	}
	return true;
}

/* -- JSON-LD, expanded ------------------------------------------------------------------------------------------------------------------- */

static bool is_keyword(const char *key)
{
	return key[0] == '@';
}

static void expand_members(struct buf *b, const char *vocab, json_t *node);

static void expand_value(struct buf *b, const char *vocab, json_t *v)
{
	const char *id = json_string_value(json_object_get(v, "@id")), *type = json_string_value(json_object_get(v, "@type"));
	json_t *value = json_object_get(v, "@value");
	if (json_is_string(v) || value) {
		char *dump = json_dumps(value ? value : v, JSON_ENCODE_ANY);
		buf_printf(b, "%s^^<%s>", dump, value ? type : XS "string");
		free(dump);
	} else if (json_is_boolean(v)) {
		buf_printf(b, "\"%s\"^^<" XS "boolean>", json_is_true(v) ? "true" : "false");
	} else if (json_is_integer(v)) {
		buf_printf(b, "\"%lld\"^^<" XS "integer>", (long long)json_integer_value(v));
	} else if (id) {
		buf_printf(b, "<%s>", id);
	} else {
		buf_puts(b, "[]{");
		expand_members(b, vocab, v);
		buf_puts(b, "}");
	}
}

static void expand_members(struct buf *b, const char *vocab, json_t *node)
{
	const char *key;
	json_t *v;
	buf_printf(b, "<" RDF_TYPE "> <%s%s> ", vocab, json_string_value(json_object_get(node, "@type")));
	json_object_foreach(node, key, v) {
		if (is_keyword(key))
			continue;
		for (size_t i = 0; i < (json_is_array(v) ? json_array_size(v) : 1); i++) {
			buf_printf(b, "<%s%s> ", vocab, key);
			expand_value(b, vocab, json_is_array(v) ? json_array_get(v, i) : v);
			buf_putc(b, ' ');
		}
	}
}

static bool jsonld(struct buf *b, const char *text, size_t n)
{
	json_error_t e;
	json_t *j = json_loadb(text, n, JSON_REJECT_DUPLICATES, &e), *node;
	if (!j) {
		printf("# JSON-LD: %s\n", e.text);
		return false;
	}
	const char *vocab = json_string_value(json_object_get(json_object_get(j, "@context"), "@vocab"));
	size_t i;
	json_array_foreach(json_object_get(j, "@graph"), i, node) {
		const char *id = json_string_value(json_object_get(node, "@id"));
		buf_printf(b, id[0] == '_' ? "%s{" : "<%s>{", id);
		expand_members(b, vocab, node);
		buf_puts(b, "}\n");
	}
	json_decref(j);
	return vocab != NULL;
}

/* -- examples -------------------------------------------------------------------------------------------------------------------------- */

static void writes(const char *json, enum aas_rdf_syntax syntax, enum aas_version v, const char *want, const char *what)
{
	struct arena *a = arena_new(0);
	struct diag d = DIAG_INIT;
	struct buf b = BUF_INIT;
	struct aas_node *env;
	char text[1100];
	if (aas_json_read(a, AAS_Environment, json, strlen(json), 0, &env, &d)) {
		check(false, "%s: %s", what, diag_first(&d, text, sizeof text));
	} else {
		aas_rdf_write(&b, env, syntax, v);
		check_str(b.p, want, "%s", what);
	}
	buf_fini(&b);
	diag_fini(&d);
	arena_free(a);
}

#define PREFIXES(ns) "@prefix aas: <" ns "/> .\n@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .\n@prefix xs: <" XS "> .\n"

static void examples(void)
{
	static const char env[] =
		"{\"assetAdministrationShells\":[{\"modelType\":\"AssetAdministrationShell\",\"id\":\"no iri\",\"assetInformation\":{\"assetKind\":\"Instance\","
		"\"globalAssetId\":\"g\"}}],\"submodels\":[{\"modelType\":\"Submodel\",\"id\":\"urn:a\",\"kind\":\"Template\",\"submodelElements\":[{\"modelType\":"
		"\"Property\",\"idShort\":\"P\",\"valueType\":\"xs:string\",\"value\":\"a\\\"\\\\\\n\xC3\xA4\"},{\"modelType\":\"Blob\",\"idShort\":\"B\",\"value\":\"AAAA\"}]}]}";
	writes("{}", AAS_RDF_TURTLE, AAS_V3_0, PREFIXES("https://admin-shell.io/aas/3/0"), "Turtle: nothing");
	writes("{}", AAS_RDF_JSONLD, AAS_V3_0, "{\"@context\":{\"@vocab\":\"https://admin-shell.io/aas/3/0/\"},\"@graph\":[]}", "JSON-LD: nothing");
	writes(env, AAS_RDF_TURTLE, AAS_V3_1, PREFIXES(NS)
	       "\n_:shell0 rdf:type aas:AssetAdministrationShell ;\n"
	       "\t<" NS "/Identifiable/id> \"no iri\"^^xs:string ;\n"
	       "\t<" NS "/AssetAdministrationShell/assetInformation> [\n"
	       "\t\trdf:type aas:AssetInformation ;\n"
	       "\t\t<" NS "/AssetInformation/assetKind> <" NS "/AssetKind/Instance> ;\n"
	       "\t\t<" NS "/AssetInformation/globalAssetId> \"g\"^^xs:string ;\n"
	       "\t] ;\n.\n"
	       "\n<urn:a> rdf:type aas:Submodel ;\n"
	       "\t<" NS "/Identifiable/id> \"urn:a\"^^xs:string ;\n"
	       "\t<" NS "/HasKind/kind> <" NS "/ModellingKind/Template> ;\n"
	       "\t<" NS "/Submodel/submodelElements> [\n"
	       "\t\trdf:type aas:Property ;\n"
	       "\t\t<" NS "/index> \"0\"^^xs:integer ;\n"
	       "\t\t<" NS "/Referable/idShort> \"P\"^^xs:string ;\n"
	       "\t\t<" NS "/Property/valueType> <" NS "/DataTypeDefXsd/String> ;\n"
	       "\t\t<" NS "/Property/value> \"a\\\"\\\\\\n\xC3\xA4\"^^xs:string ;\n"
	       "\t] ;\n"
	       "\t<" NS "/Submodel/submodelElements> [\n"
	       "\t\trdf:type aas:Blob ;\n"
	       "\t\t<" NS "/index> \"1\"^^xs:integer ;\n"
	       "\t\t<" NS "/Referable/idShort> \"B\"^^xs:string ;\n"
	       "\t\t<" NS "/Blob/value> \"AAAA\"^^xs:base64Binary ;\n"
	       "\t] ;\n.\n", "Turtle: two identifiables");
	writes(env, AAS_RDF_JSONLD, AAS_V3_1,
	       "{\"@context\":{\"@vocab\":\"" NS "/\"},\"@graph\":[{\"@id\":\"_:shell0\",\"@type\":\"AssetAdministrationShell\",\"Identifiable/id\":\"no iri\","
	       "\"AssetAdministrationShell/assetInformation\":{\"@type\":\"AssetInformation\",\"AssetInformation/assetKind\":{\"@id\":\"" NS "/AssetKind/Instance\"},"
	       "\"AssetInformation/globalAssetId\":\"g\"}},{\"@id\":\"urn:a\",\"@type\":\"Submodel\",\"Identifiable/id\":\"urn:a\",\"HasKind/kind\":{\"@id\":\"" NS
	       "/ModellingKind/Template\"},\"Submodel/submodelElements\":[{\"@type\":\"Property\",\"index\":0,\"Referable/idShort\":\"P\",\"Property/valueType\":{\"@id\":\"" NS
	       "/DataTypeDefXsd/String\"},\"Property/value\":\"a\\\"\\\\\\n\xC3\xA4\"},{\"@type\":\"Blob\",\"index\":1,\"Referable/idShort\":\"B\",\"Blob/value\":{\"@type\":\"" XS
	       "base64Binary\",\"@value\":\"AAAA\"}}]}]}", "JSON-LD: the same");
}

/* An id is a name only when it is an absolute IRI that needs no escape. */
static void subjects(void)
{
	static const struct { const char *id, *subject; } cases[] = {
		{ "https://example.com/a?b=c#d", "<https://example.com/a?b=c#d>" }, { "urn:x:y", "<urn:x:y>" }, { "relative/path", "_:submodel0" },
		{ "0173-1#01-AHX837#002", "_:submodel0" }, { "urn:a b", "_:submodel0" }, { "urn:a>b", "_:submodel0" }, { "urn:a|b", "_:submodel0" },
		{ "urn:a\\\\b", "_:submodel0" }, { "urn:\xC3\xA4", "<urn:\xC3\xA4>" }, { ":a", "_:submodel0" }, { "_:a", "_:submodel0" }, { "urn:a`b", "_:submodel0" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char json[200], want[400];
		snprintf(json, sizeof json, "{\"submodels\":[{\"modelType\":\"Submodel\",\"id\":\"%s\"}]}", cases[i].id);
		snprintf(want, sizeof want, PREFIXES(NS) "\n%s rdf:type aas:Submodel ;\n\t<" NS "/Identifiable/id> \"%s\"^^xs:string ;\n.\n", cases[i].subject, cases[i].id);
		writes(json, AAS_RDF_TURTLE, AAS_V3_1, want, cases[i].id);
	}
}

/* Every literal of the enumerations whose names in the ontology differ from those in JSON. */
static void literals(void)
{
	static const char *const xsd[] = {
		"AnyUri", "Base64Binary", "Boolean", "Byte", "Date", "DateTime", "Decimal", "Double", "Duration", "Float", "GDay", "GMonth", "GMonthDay", "GYear",
		"GYearMonth", "HexBinary", "Int", "Integer", "Long", "NegativeInteger", "NonNegativeInteger", "NonPositiveInteger", "PositiveInteger", "Short",
		"String", "Time", "UnsignedByte", "UnsignedInt", "UnsignedLong", "UnsignedShort",
	};
	static const char *const iec[] = {
		"Date", "String", "StringTranslatable", "IntegerMeasure", "IntegerCount", "IntegerCurrency", "RealMeasure", "RealCount", "RealCurrency", "Boolean",
		"Iri", "Irdi", "Rational", "RationalMeasure", "Time", "Timestamp", "File", "Html", "Blob",
	};
	struct arena *a = arena_new(0);
	struct aas_node *env = aas_node_new(a, AAS_Environment), *sm = aas_node_new(a, AAS_Submodel), *p = aas_node_new(a, AAS_Property);
	struct aas_node *e = aas_node_new(a, AAS_EmbeddedDataSpecification), *c = aas_node_new(a, AAS_DataSpecificationIec61360);
	unsigned good = 0;
	env->slot[1].node = sm;
	AAS_ID(sm) = "urn:a";
	AAS_AT(sm, Submodel, submodelElements).node = p;
	AAS_AT(p, Property, embeddedDataSpecifications).node = e;
	AAS_AT(e, EmbeddedDataSpecification, dataSpecificationContent).node = c;
	for (unsigned i = 0; i < 30; i++) {
		struct buf b = BUF_INIT;
		char want[200];
		AAS_AT(p, Property, valueType).ord = i + 1;
		AAS_AT(c, DataSpecificationIec61360, dataType).ord = i < 19 ? i + 1 : 1;
		aas_rdf_write(&b, env, AAS_RDF_TURTLE, AAS_V3_1);
		snprintf(want, sizeof want, "<" NS "/DataTypeDefXsd/%s> ;", xsd[i]);
		good += strstr(b.p, want) != NULL;
		snprintf(want, sizeof want, "<" NS "/DataTypeIec61360/%s> ;", iec[i < 19 ? i : 0]);
		good += strstr(b.p, want) != NULL;
		buf_fini(&b);
	}
	check_int(good, 60, "literals have the names of the ontology");
	arena_free(a);
}

/* -- the metamodel, fixtures --------------------------------------------------------------------------------------------------------------- */

/* The published table says which class declares an attribute. */
static void declaring(const char *shared)
{
	char name[1000], line[2000];
	unsigned n = 0, wrong_ones = 0;
	snprintf(name, sizeof name, "%s/spec/metamodel.tsv", shared);
	FILE *f = fopen(name, "r");
	while (f && fgets(line, sizeof line, f)) {
		char *rest = line, *field[6];
		for (int k = 0; k < 6; k++)
			if (!(field[k] = strsep(&rest, "\t")))
				field[k] = line + strlen(line);
		const struct aas_class *c = aas_class_by_name(field[0], strlen(field[0]));
		int i = c ? aas_prop_find(c, field[3], strlen(field[3])) : -1;
		if (i < 0)
			continue;
		n++;
		if (strcmp(aas_rdf_declaring(c, &c->props[i]), field[5])) {
			wrong_ones++;
			printf("# %s/%s is declared in %s\n", field[0], field[3], field[5]);
		}
	}
	if (f)
		fclose(f);
	check(n > 200, "%u attributes in the published table", n);
	check_int(wrong_ones, 0, "each is named after the class that declares it");
}

static unsigned files, faults, triples;

static void both_syntaxes(const char *path)
{
	struct arena *a = arena_new(0);
	struct aas_node *env;
	struct slice text;
	if (file_read(a, path, 1 << 24, &text, NULL))
		abort();
	if (!aas_json_read(a, AAS_Environment, text.p, text.n, 0, &env, NULL)) {
		struct buf one = BUF_INIT, two = BUF_INIT, again = BUF_INIT;
		struct reader r = { .out = BUF_INIT };
		struct buf ld = BUF_INIT;
		aas_rdf_write(&one, env, AAS_RDF_TURTLE, AAS_V3_1);
		aas_rdf_write(&two, env, AAS_RDF_JSONLD, AAS_V3_1);
		aas_rdf_write(&again, env, AAS_RDF_TURTLE, AAS_V3_1);
		r.p = one.p;
		buf_puts(&r.out, "");
		buf_puts(&ld, "");
		bool good = turtle(&r) && jsonld(&ld, two.p, two.n) && r.out.n == ld.n && !memcmp(r.out.p, ld.p, ld.n) && utf8_valid(one.p, one.n) &&
			    again.n == one.n && !memcmp(again.p, one.p, one.n);
		if (!good) {
			size_t i = 0;
			while (i < ld.n && i < r.out.n && ld.p[i] == r.out.p[i])
				i++;
			printf("# %s: \"%.80s\" / \"%.80s\"\n", path, i < r.out.n ? r.out.p + i : "", i < ld.n ? ld.p + i : "");
		}
		files++;
		faults += !good;
		triples += r.triples;
		buf_fini(&one), buf_fini(&two), buf_fini(&again), buf_fini(&ld), buf_fini(&r.out);
	}
	arena_free(a);
}

static void walk(const char *dir)
{
	DIR *d = opendir(dir);
	for (struct dirent *e; d && (e = readdir(d)); ) {
		char path[1200];
		size_t n = strlen(e->d_name);
		snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
		if (e->d_name[0] == '.')
			continue;
		if (n > 5 && str_eq(e->d_name + n - 5, ".json"))
			both_syntaxes(path);
		else
			walk(path);
	}
	if (d)
		closedir(d);
}

int main(void)
{
	const char *shared = getenv("TWINSHELL_SHARED");
	char dir[1000];
	struct stat st;
	examples();
	subjects();
	literals();
	shared = shared ? shared : "../shared";
	snprintf(dir, sizeof dir, "%s/testgen/Json/ContainedInEnvironment", shared);
	if (stat(dir, &st)) {
		printf("ok %d - fixtures # SKIP no conformance fixtures (TWINSHELL_SHARED)\n", ++tap_n);
		return done();
	}
	declaring(shared);
	walk(dir);
	snprintf(dir, sizeof dir, "%s/templates", shared);
	walk(dir);
	check(files > 1000, "%u environments, %u triples", files, triples);
	check_int(faults, 0, "both syntaxes are well-formed and say the same");
	return done();
}
