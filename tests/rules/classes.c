/* SPDX-License-Identifier: Apache-2.0
 * docs/metamodel.md is made of metamodel.def.  `classes --print` writes it (make docs); without an argument it is a test: the file is
 * what would be written. */
#include "aas/lexical.h"
#include "aas/metamodel.h"
#include "base/buf.h"
#include "base/file.h"
#include "tests/rules/page.h"

static const struct {
	bool (*check)(const char *s, size_t n);
	const char *form;
} forms[] = {
	{ aas_lex_any, "" },
	{ aas_lex_idshort, "letters, digits, `_` and `-`; a letter first, no `-` last" },
	{ aas_lex_version, "digits, no leading zero" },
	{ aas_lex_language, "BCP 47" },
	{ aas_lex_mime, "RFC 2046" },
	{ aas_lex_path, "a URI reference, RFC 2396, letters beyond ASCII allowed" },
	{ aas_lex_datetime_utc, "xs:dateTime with the time zone `Z`, `+00:00` or `-00:00`" },
	{ aas_lex_duration, "xs:duration" },
};
static const char *const kinds[] = {
	[AAS_STR] = "text", [AAS_BOOL] = "boolean", [AAS_B64] = "bytes, base64", [AAS_ENUM] = "literal", [AAS_NODE] = "instance", [AAS_LIST] = "list",
};
static const char *const shapes[] = {
	[AAS_SHAPE_NONE] = "none", [AAS_SHAPE_TYPED] = "a string, number or boolean by valueType", [AAS_SHAPE_LANG] = "an array of { language: text }",
	[AAS_SHAPE_NODE] = "the attribute `value` as in the normal form", [AAS_SHAPE_FIELDS] = "an object of the attributes marked value or children",
	[AAS_SHAPE_OBJECT] = "an object of the children by idShort", [AAS_SHAPE_ARRAY] = "an array of the children",
};
static const struct {
	unsigned bit;
	const char *name;
} views[] = { { AAS_VIEW_M, "metadata" }, { AAS_VIEW_V, "value" }, { AAS_VIEW_C, "children" }, { AAS_VIEW_B, "blob" }, { AAS_VIEW_E, "may be empty" } };

static const unsigned abstracts[] = {
#define A(name, mask) AAS_##name,
	AAS_ABSTRACTS(A)
#undef A
};
enum {
#define S(name, min, max, check) + 1
	N_STRINGS = AAS_STRINGS(S),
#undef S
#define E(name, ...) + 1
	N_ENUMS = AAS_ENUMS(E)
#undef E
};

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* As a page makes an anchor of a heading. */
static void put_link(struct buf *b, const char *name)
{
	buf_printf(b, "[%s](#", name);
	for (; *name; name++)
		buf_putc(b, *name >= 'A' && *name <= 'Z' ? (char)(*name - 'A' + 'a') : *name);
	buf_puts(b, ")");
}

static void put_type(struct buf *b, const struct aas_prop *p)
{
	if (p->kind == AAS_STR)
		buf_printf(b, "[%s](#texts)", aas_strings[p->type].name);
	else if (p->kind == AAS_ENUM)
		put_link(b, aas_enums[p->type].name);
	else if (p->kind == AAS_NODE || p->kind == AAS_LIST)
		put_link(b, aas_type_name(p->type));
}

static void put_attribute(struct buf *b, const struct aas_prop *p)
{
	bool first = true;
	buf_printf(b, "| %s | %s | ", p->name, kinds[p->kind]);
	put_type(b, p);
	buf_printf(b, " | %s%s | ", p->required ? "1" : "0", p->kind == AAS_LIST ? "..\\*" : p->required ? "" : "..1");
	for (size_t i = 0; i < COUNT(views); i++)
		if (p->views & views[i].bit) {
			buf_printf(b, "%s%s", first ? "" : ", ", views[i].name);
			first = false;
		}
	buf_puts(b, " |\n");
}

static void put_class(struct buf *b, const struct aas_class *c)
{
	bool any = false;
	static const char *const carries[] = {
		[AAS_UNTYPED] = "without modelType", [AAS_MODEL_TYPE] = "with modelType", [AAS_TEXT] = "the value alone, as a string",
	};
	buf_printf(b, "\n### %s\n\n", c->name);
	if (*c->xml)
		buf_printf(b, "XML: `<%s>`. ", c->xml);
	buf_printf(b, "JSON: %s.", carries[c->typed]);
	for (size_t i = 0; i < COUNT(abstracts); i++)
		if (aas_class_fits(c, abstracts[i])) {
			buf_puts(b, any ? ", " : " Is a ");
			put_link(b, aas_type_name(abstracts[i]));
			any = true;
		}
	buf_puts(b, any ? "." : "");
	if (c->shape)
		buf_printf(b, " Value: %s.", shapes[c->shape]);
	buf_puts(b, "\n\n| Attribute | Kind | Type | How often | Views |\n|---|---|---|---|---|\n");
	for (unsigned i = 0; i < c->n; i++)
		put_attribute(b, &c->props[i]);
}

static void put_abstracts(struct buf *b)
{
	for (size_t i = 0; i < COUNT(abstracts); i++) {
		buf_printf(b, "\n### %s\n\nAbstract:", aas_type_name(abstracts[i]));
		for (unsigned k = 0, n = 0; k < AAS_N_MODEL_CLASSES; k++)
			if (aas_class_fits(&aas_classes[k], abstracts[i])) {
				buf_puts(b, n++ ? ", " : " ");
				put_link(b, aas_classes[k].name);
			}
		buf_puts(b, ".\n");
	}
}

static const char *form_of(const struct aas_string_type *t)
{
	for (size_t i = 0; i < COUNT(forms); i++)
		if (forms[i].check == t->check)
			return forms[i].form;
	return NULL;
}

static void put_texts(struct buf *b)
{
	buf_puts(b, "\n## Texts\n\nLengths are in characters. All of them are characters of XML 1.0 (AASd-130).\n\n"
		    "| Type | Shortest | Longest | Form |\n|---|---|---|---|\n");
	for (unsigned i = 0; i < N_STRINGS; i++) {
		const struct aas_string_type *t = &aas_strings[i];
		const char *form = form_of(t);
		if (!form)
			b->failed = true;	/* it has to be told above */
		buf_printf(b, "| %s | %u | ", t->name, t->min);
		if (t->max)
			buf_printf(b, "%u", t->max);
		buf_printf(b, " | %s |\n", form ? form : "");
	}
}

static void put_enums(struct buf *b)
{
	buf_puts(b, "\n## Literals\n");
	for (unsigned i = 0; i < N_ENUMS; i++) {
		buf_printf(b, "\n### %s\n\n", aas_enums[i].name);
		for (unsigned k = 0; k < aas_enums[i].n; k++)
			buf_printf(b, "%s`%s`", k ? ", " : "", aas_enums[i].literal[k]);
		buf_puts(b, "\n");
	}
}

static void write_all(struct buf *b)
{
	buf_puts(b, "# Metamodel\n\n"
		    "Made from `aas/metamodel.def` by `make docs`; do not edit.\n\n"
		    "The classes of AAS V3.1 (IDTA-01001) with their attributes, in the order in which XML has them; JSON and XML call an\n"
		    "attribute the same. What an attribute must fulfil beyond this page is in [constraints.md](constraints.md), what V3.0 has\n"
		    "otherwise, too.\n\n"
		    "*How often*: a list is never empty; `0..*` says that it may be left out. *Views*: *metadata* is part of `$metadata`, *value*\n"
		    "carries the value (`$value`), *children* holds what has a path of its own, *blob* is left out by `extent=withoutBlobValue`;\n"
		    "without any of them, the attribute is shown in the normal form alone. *Value*: how the class looks in `$value`.\n\n"
		    "## Classes\n");
	for (unsigned i = 0; i < AAS_N_MODEL_CLASSES; i++)
		put_class(b, &aas_classes[i]);
	put_abstracts(b);
	buf_puts(b, "\n## Classes of the API\n\nWhat registries, discovery and the package server exchange besides (IDTA-01002), from `aas/api.def`. They are no part\n"
		    "of an environment. Lists named *may be empty* are left out on output when they are.\n");
	for (unsigned i = AAS_N_MODEL_CLASSES; i < AAS_N_CLASSES; i++)
		put_class(b, &aas_classes[i]);
	put_texts(b);
	put_enums(b);
}

int main(int argc, char **argv)
{
	return page_main(argc, argv, write_all, "docs/metamodel.md", "docs/metamodel.md is what metamodel.def says; if not: make docs");
}
