/* SPDX-License-Identifier: Apache-2.0 */
#include "aas/rdf.h"

#include "aas/uri.h"

#define XS "http://www.w3.org/2001/XMLSchema#"
#define RDF "http://www.w3.org/1999/02/22-rdf-syntax-ns#"

struct writer {
	struct buf *b;
	const char *ns;
	unsigned depth;
};

/* ---- names ------------------------------------------------------------------------- */

/* The table of the metamodel has every class whole.  These attributes are declared further up; `only`: in this class, elsewhere the
 * same name is another attribute. */
static const struct {
	const char *name, *declaring;
	int only;
} inherited[] = {
	{ "extensions", "HasExtensions", -1 },
	{ "category", "Referable", -1 },
	{ "idShort", "Referable", -1 },
	{ "displayName", "Referable", -1 },
	{ "description", "Referable", -1 },
	{ "administration", "Identifiable", -1 },
	{ "id", "Identifiable", -1 },
	{ "kind", "HasKind", AAS_Submodel },
	{ "semanticId", "HasSemantics", -1 },
	{ "supplementalSemanticIds", "HasSemantics", -1 },
	{ "qualifiers", "Qualifiable", -1 },
	{ "embeddedDataSpecifications", "HasDataSpecification", -1 },
	{ "first", "RelationshipElement", -1 },
	{ "second", "RelationshipElement", -1 },
	{ "language", "AbstractLangString", -1 },
	{ "text", "AbstractLangString", -1 },
};

const char *aas_rdf_declaring(const struct aas_class *c, const struct aas_prop *p)
{
	for (size_t i = 0; i < sizeof inherited / sizeof *inherited; i++)
		if ((inherited[i].only < 0 || inherited[i].only == c->id) && str_eq(inherited[i].name, p->name))
			return inherited[i].declaring;
	return c->name;
}

static char upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* The ontology writes literals in camel case: xs:anyURI is AnyUri, REAL_MEASURE is RealMeasure, input is Input. */
static void put_literal(struct buf *b, const char *literal)
{
	const char *colon = strchr(literal, ':'), *s = colon ? colon + 1 : literal;
	bool capitals = s[0] == upper(s[0]) && s[1] == upper(s[1]), start = true;
	for (; *s; s++) {
		if (*s == '_') {
			start = true;
			continue;
		}
		/* an abbreviation keeps its first letter only */
		bool within = capitals || (!start && s[0] != lower(s[0]) && s[-1] != lower(s[-1]));
		buf_putc(b, start ? upper(*s) : within ? lower(*s) : *s);
		start = false;
	}
}

/* An absolute IRI that both syntaxes can carry as it is. */
static bool is_iri(const char *s)
{
	size_t n = strlen(s), i = 0;
	if (lower(s[0]) < 'a' || lower(s[0]) > 'z')
		return false;
	while (s[i] && (strchr("+-.", s[i]) || (s[i] >= '0' && s[i] <= '9') || (lower(s[i]) >= 'a' && lower(s[i]) <= 'z')))
		i++;
	if (s[i] != ':' || !aas_uri_reference(s, n))
		return false;
	for (i = 0; i < n; i++)
		if ((unsigned char)s[i] <= 0x20 || strchr("<>\"{}|^`\\", s[i]))
			return false;
	return true;
}

static void put_subject(struct buf *b, const struct aas_node *n, size_t index, const char *open, const char *close)
{
	if (is_iri(AAS_ID(n)))
		buf_printf(b, "%s%s%s", open, AAS_ID(n), close);
	else
		buf_printf(b, "_:%s%zu", aas_is(n, AAS_AssetAdministrationShell) ? "shell" : n->cls->xml, index);
}

/* ---- Turtle -------------------------------------------------------------------------- */

static void put_line(struct writer *w)
{
	buf_putc(w->b, '\n');
	for (unsigned i = 0; i < w->depth; i++)
		buf_putc(w->b, '\t');
}

/* The escapes of JSON are escapes of Turtle, too. */
static void turtle_text(struct writer *w, const char *s, const char *type)
{
	buf_json(w->b, s, strlen(s));
	buf_printf(w->b, "^^xs:%s ;", type);
}

static void turtle_attributes(struct writer *w, const struct aas_node *n);

static void turtle_node(struct writer *w, const struct aas_node *n, const size_t *index)
{
	buf_puts(w->b, "[");
	w->depth++;
	put_line(w);
	buf_printf(w->b, "rdf:type aas:%s ;", n->cls->name);
	if (index) {
		put_line(w);
		buf_printf(w->b, "<%s/index> \"%zu\"^^xs:integer ;", w->ns, *index);
	}
	turtle_attributes(w, n);
	w->depth--;
	put_line(w);
	buf_puts(w->b, "] ;");
}

static void turtle_name(struct writer *w, const struct aas_class *c, const struct aas_prop *p)
{
	put_line(w);
	buf_printf(w->b, "<%s/%s/%s> ", w->ns, aas_rdf_declaring(c, p), p->name);
}

static void turtle_attribute(struct writer *w, const struct aas_class *c, const struct aas_prop *p, union aas_slot s)
{
	size_t index = 0;
	if (p->kind == AAS_LIST) {
		for (const struct aas_node *n = s.node; n && !w->b->failed; n = n->next, index++) {
			turtle_name(w, c, p);
			turtle_node(w, n, &index);
		}
		return;
	}
	turtle_name(w, c, p);
	if (p->kind == AAS_NODE) {
		turtle_node(w, s.node, NULL);
	} else if (p->kind == AAS_ENUM) {
		buf_printf(w->b, "<%s/%s/", w->ns, aas_enums[p->type].name);
		put_literal(w->b, aas_enums[p->type].literal[s.ord - 1]);
		buf_puts(w->b, "> ;");
	} else {
		turtle_text(w, p->kind == AAS_BOOL ? (s.ord == 2 ? "true" : "false") : s.str,
			    p->kind == AAS_BOOL ? "boolean" : p->kind == AAS_B64 ? "base64Binary" : "string");
	}
}

static void turtle_attributes(struct writer *w, const struct aas_node *n)
{
	for (unsigned i = 0; i < n->cls->n && !w->b->failed; i++)
		if (n->slot[i].ord)
			turtle_attribute(w, n->cls, &n->cls->props[i], n->slot[i]);
}

static void turtle_item(struct writer *w, const struct aas_node *n, size_t index)
{
	buf_putc(w->b, '\n');
	put_subject(w->b, n, index, "<", ">");
	buf_printf(w->b, " rdf:type aas:%s ;", n->cls->name);
	w->depth = 1;
	turtle_attributes(w, n);
	buf_puts(w->b, "\n.\n");
}

/* ---- JSON-LD --------------------------------------------------------------------------- */

/* `@vocab` is the namespace, so names stand without it; the values of @id are never relative to it and stand in full. */
static void jsonld_attributes(struct writer *w, const struct aas_node *n);

static void jsonld_node(struct writer *w, const struct aas_node *n, const size_t *index)
{
	buf_printf(w->b, "{\"@type\":\"%s\"", n->cls->name);
	if (index)
		buf_printf(w->b, ",\"index\":%zu", *index);
	jsonld_attributes(w, n);
	buf_putc(w->b, '}');
}

static void jsonld_value(struct writer *w, const struct aas_prop *p, union aas_slot s)
{
	size_t index = 0;
	switch (p->kind) {
	case AAS_STR:
		buf_json(w->b, s.str, strlen(s.str));
		break;
	case AAS_B64:
		buf_puts(w->b, "{\"@type\":\"" XS "base64Binary\",\"@value\":");
		buf_json(w->b, s.str, strlen(s.str));
		buf_putc(w->b, '}');
		break;
	case AAS_BOOL:
		buf_puts(w->b, s.ord == 2 ? "true" : "false");
		break;
	case AAS_ENUM:
		buf_printf(w->b, "{\"@id\":\"%s/%s/", w->ns, aas_enums[p->type].name);
		put_literal(w->b, aas_enums[p->type].literal[s.ord - 1]);
		buf_puts(w->b, "\"}");
		break;
	case AAS_NODE:
		jsonld_node(w, s.node, NULL);
		break;
	default:
		for (const struct aas_node *n = s.node; n && !w->b->failed; n = n->next, index++) {
			buf_putc(w->b, index ? ',' : '[');
			jsonld_node(w, n, &index);
		}
		buf_putc(w->b, ']');
	}
}

static void jsonld_attributes(struct writer *w, const struct aas_node *n)
{
	for (unsigned i = 0; i < n->cls->n && !w->b->failed; i++) {
		const struct aas_prop *p = &n->cls->props[i];
		if (!n->slot[i].ord)
			continue;
		buf_printf(w->b, ",\"%s/%s\":", aas_rdf_declaring(n->cls, p), p->name);
		jsonld_value(w, p, n->slot[i]);
	}
}

static void jsonld_item(struct writer *w, const struct aas_node *n, size_t before, size_t index)
{
	buf_puts(w->b, before ? ",{\"@id\":\"" : "{\"@id\":\"");
	put_subject(w->b, n, index, "", "");	/* an IRI holds nothing that JSON would escape */
	buf_printf(w->b, "\",\"@type\":\"%s\"", n->cls->name);
	jsonld_attributes(w, n);
	buf_putc(w->b, '}');
}

/* ---- entry ------------------------------------------------------------------------------ */

static const char *namespace_of(enum aas_version v)
{
	return v == AAS_V3_0 ? "https://admin-shell.io/aas/3/0" : "https://admin-shell.io/aas/3/1";
}

void aas_rdf_begin(struct buf *b, enum aas_rdf_syntax syntax, enum aas_version v)
{
	if (syntax == AAS_RDF_JSONLD)
		buf_printf(b, "{\"@context\":{\"@vocab\":\"%s/\"},\"@graph\":[", namespace_of(v));
	else
		buf_printf(b, "@prefix aas: <%s/> .\n@prefix rdf: <" RDF "> .\n@prefix xs: <" XS "> .\n", namespace_of(v));
}

void aas_rdf_item(struct buf *b, const struct aas_node *n, size_t before, size_t index, enum aas_rdf_syntax syntax, enum aas_version v)
{
	struct writer w = { b, namespace_of(v), 0 };
	if (syntax == AAS_RDF_JSONLD)
		jsonld_item(&w, n, before, index);
	else
		turtle_item(&w, n, index);
}

void aas_rdf_end(struct buf *b, enum aas_rdf_syntax syntax)
{
	buf_puts(b, syntax == AAS_RDF_JSONLD ? "]}" : "");
}

void aas_rdf_write(struct buf *b, const struct aas_node *environment, enum aas_rdf_syntax syntax, enum aas_version v)
{
	size_t before = 0;
	aas_rdf_begin(b, syntax, v);
	for (unsigned i = 0; i < environment->cls->n; i++) {
		size_t index = 0;
		for (const struct aas_node *n = environment->slot[i].node; n; n = n->next)
			aas_rdf_item(b, n, before++, index++, syntax, v);
	}
	aas_rdf_end(b, syntax);
}
