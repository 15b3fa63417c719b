/* SPDX-License-Identifier: Apache-2.0
 * docs/constraints.md is made of rules.def.  `docs --print` writes it (make docs); without an argument it is a test: the file is what
 * would be written. */
#include "aas/rules.h"
#include "base/buf.h"
#include "base/file.h"
#include "tests/rules/page.h"

static const char *const enforced[] = {
	[AAS_RULE_PREDICATE] = "rules", [AAS_RULE_LIST] = "reader: list", [AAS_RULE_REQUIRED] = "reader: cardinality",
	[AAS_RULE_LENGTH] = "reader: length", [AAS_RULE_PATTERN] = "reader: pattern", [AAS_RULE_CALENDAR] = "reader: pattern",
	[AAS_RULE_LITERAL] = "reader: literal", [AAS_RULE_VALUE] = "reader: value", [AAS_RULE_MODEL_TYPE] = "reader: class",
	[AAS_RULE_CHARS] = "reader: text", [AAS_RULE_SAME] = "as ", [AAS_RULE_API] = "server: ", [AAS_RULE_MEANING] = "not: ",
};
static const char *const versions[] = {
	[AAS_RULE_BOTH] = "3.0, 3.1", [AAS_RULE_V30] = "3.0", [AAS_RULE_DIFFER] = "3.1; 3.0 asks for more",
};

static void row(struct buf *b, const struct aas_rule *r)
{
	char text[400];
	bool judged = r->how == AAS_RULE_SAME || r->how == AAS_RULE_API || r->how == AAS_RULE_MEANING;
	buf_printf(b, "| %s | %s", r->id, r->what);
	if (!str_eq(r->attribute, "_"))
		buf_printf(b, ".%s", r->attribute);
	buf_printf(b, " | %s | %s%s | %s | %s |\n", aas_rule_text(r, text, sizeof text), enforced[r->how], r->where ? r->where : "",
		   versions[r->versions], r->mode == AAS_RULE_STRICT ? "strict" : judged && r->how != AAS_RULE_SAME ? "" : "always");
}

static void write_all(struct buf *b)
{
	buf_puts(b, "# Constraints\n\n"
		    "Made from `aas/rules.def` by `make docs`; do not edit.\n\n"
		    "`AASd-`: IDTA-01001. `AASc-3a-`: IDTA-01003-a. `AASa-`: IDTA-01002. `STR-`: what the classes of the metamodel say by\n"
		    "themselves.\n\n"
		    "*Where*: a class and its attribute; a group of classes (Referable, HasSemantics ...; Parent: what has child elements); for\n"
		    "texts and literals, the type or the enumeration. *Enforced*: by the readers while they read, or by the rules\n"
		    "(`aas/rules*.c`) over the tree that was read; either way `twinshell check` reports the rule's id. *Mode*: always, or in\n"
		    "strict mode alone; see [conformance-choices.md](conformance-choices.md).\n\n"
		    "| Rule | Where | What it says | Enforced | Version | Mode |\n|---|---|---|---|---|---|\n");
	for (unsigned i = 0; i < aas_n_rules; i++)
		row(b, &aas_rules[i]);
}

int main(int argc, char **argv)
{
	return page_main(argc, argv, write_all, "docs/constraints.md", "docs/constraints.md is what rules.def says; if not: make docs");
}
