/* SPDX-License-Identifier: Apache-2.0
 * rules_reference.c - the constraints on References and their keys (IDTA-01001, AASd-121 to AASd-128), and where they must lead.
 */
#include "aas/rules_priv.h"

/* Sets of KeyTypes: bit i is the i-th literal.  An absent type is in no set. */
static uint32_t identifiable, element, global, fragment, file, list, submodel, shell, event;

static uint32_t set_of(const char *const *names, size_t n)
{
	uint32_t set = 0;
	for (unsigned i = 0; i < aas_enums[AAS_ENUM_KeyTypes].n; i++)
		for (size_t k = 0; k < n; k++)
			if (str_eq(aas_enums[AAS_ENUM_KeyTypes].literal[i], names[k]))
				set |= 1u << i;
	return set;
}
#define SET(...) set_of((const char *const[]){ __VA_ARGS__ }, sizeof (const char *const[]){ __VA_ARGS__ } / sizeof(const char *))

__attribute__((constructor)) static void sets_make(void)
{
	global = SET("GlobalReference");
	fragment = SET("FragmentReference");
	identifiable = SET("AssetAdministrationShell", "ConceptDescription", "Identifiable", "Submodel");
	file = SET("File", "Blob");
	list = SET("SubmodelElementList");
	submodel = SET("Submodel");
	shell = SET("AssetAdministrationShell");
	event = SET("EventElement", "BasicEventElement");
	element = ~(global | fragment | identifiable | SET("Referable")) & ((1u << aas_enums[AAS_ENUM_KeyTypes].n) - 1);
}

static uint32_t bit(const struct aas_node *key)
{
	uintptr_t ord = AAS_AT(key, Key, type).ord;
	return ord ? 1u << (ord - 1) : 0;
}

static bool in(const struct aas_node *key, uint32_t set)
{
	return (bit(key) & set) != 0;
}

/* A type is there, and it is none of the set. */
static bool out(const struct aas_node *key, uint32_t set)
{
	return bit(key) && !in(key, set);
}

static const char *type_of(const struct aas_node *key)
{
	return aas_enum_text(AAS_ENUM_KeyTypes, AAS_AT(key, Key, type));
}

#define KEYS(reference) AAS_AT(reference, Reference, keys).node

static bool is_type(const struct aas_node *reference, const char *type)
{
	const char *is = aas_enum_text(AAS_ENUM_ReferenceTypes, AAS_AT(reference, Reference, type));
	return is && str_eq(is, type);
}

static bool is_model(const struct aas_node *reference)
{
	return is_type(reference, "ModelReference");
}

bool aas_run_same_values(const struct aas_node *a, const struct aas_node *b)
{
	const struct aas_node *k = KEYS(a), *l = KEYS(b);
	for (; k && l; k = k->next, l = l->next) {
		const char *s = AAS_AT(k, Key, value).str, *t = AAS_AT(l, Key, value).str;
		if (s && t && !str_eq(s, t))
			return false;
	}
	return !k && !l;
}

/* ---- the keys of a reference ---------------------------------------------------------------------- */

void aas_rule_key_first(struct aas_run *r, const struct aas_node *n)
{
	const struct aas_node *k = KEYS(n);
	if (k && out(k, global | identifiable))
		aas_run_fault(r, "keys", 0, "a reference cannot begin with a %s", type_of(k));
}

/* What AASd-121 refuses is not reported a second time. */
void aas_rule_key_external_first(struct aas_run *r, const struct aas_node *n)
{
	const struct aas_node *k = KEYS(n);
	if (k && is_type(n, "ExternalReference") && in(k, identifiable))
		aas_run_fault(r, "keys", 0, "an ExternalReference begins with a GlobalReference, not with a %s", type_of(k));
}

void aas_rule_key_model_first(struct aas_run *r, const struct aas_node *n)
{
	const struct aas_node *k = KEYS(n);
	if (k && is_model(n) && in(k, global))
		aas_run_fault(r, "keys", 0, "a ModelReference begins with a shell, a submodel or a concept description");
}

void aas_rule_key_external_last(struct aas_run *r, const struct aas_node *n)
{
	const struct aas_node *k = KEYS(n);
	size_t i = 0;
	if (!k || !k->next || !is_type(n, "ExternalReference"))
		return;
	for (; k->next; k = k->next)
		i++;
	if (out(k, global | fragment))
		aas_run_fault(r, "keys", i, "an ExternalReference ends with a GlobalReference or a FragmentReference, not with a %s", type_of(k));
}

void aas_rule_key_model_rest(struct aas_run *r, const struct aas_node *n)
{
	size_t i = 1;
	for (const struct aas_node *k = KEYS(n) && is_model(n) ? KEYS(n)->next : NULL; k; k = k->next, i++)
		if (out(k, element | fragment))
			aas_run_fault(r, "keys", i, "a %s cannot follow in a ModelReference", type_of(k));
}

void aas_rule_key_fragment_last(struct aas_run *r, const struct aas_node *n)
{
	size_t i = 1;
	for (const struct aas_node *k = KEYS(n) && is_model(n) ? KEYS(n)->next : NULL; k; k = k->next, i++)
		if (in(k, fragment) && k->next)
			aas_run_fault(r, "keys", i, "keys follow a FragmentReference");
}

void aas_rule_key_fragment_file(struct aas_run *r, const struct aas_node *n)
{
	size_t i = 1;
	for (const struct aas_node *k = is_model(n) ? KEYS(n) : NULL; k && k->next; k = k->next, i++)
		if (in(k->next, fragment) && out(k, file))
			aas_run_fault(r, "keys", i, "a FragmentReference after a %s, not after a File or a Blob", type_of(k));
}

void aas_rule_key_index(struct aas_run *r, const struct aas_node *n)
{
	size_t i = 1;
	for (const struct aas_node *k = is_model(n) ? KEYS(n) : NULL; k && k->next; k = k->next, i++) {
		const char *value = AAS_AT(k->next, Key, value).str;
		if (in(k, list) && !in(k->next, fragment) && value && value[strspn(value, "0123456789")])
			aas_run_fault(r, "keys", i, "\"%.80s\" is not an index into the list before", value);
	}
}

/* ---- where a reference must lead --------------------------------------------------------------------- */

static void lead(struct aas_run *r, const struct aas_node *reference, size_t item, uint32_t set, const char *what)
{
	const struct aas_node *k = KEYS(reference);
	while (k && k->next)
		k = k->next;
	if (is_type(reference, "ExternalReference") || (k && out(k, set)))
		aas_run_fault(r, r->rule->attribute, item, "a ModelReference to %s is required", what);
}

static void lead_all(struct aas_run *r, const struct aas_node *n, uint32_t set, const char *what)
{
	bool many = n->cls->props[r->slot].kind == AAS_LIST;
	size_t i = 0;
	for (const struct aas_node *c = n->slot[r->slot].node; c; c = c->next, i++)
		lead(r, c, many ? i : NO_ITEM, set, what);
}

void aas_rule_refer_submodel(struct aas_run *r, const struct aas_node *n)
{
	lead_all(r, n, submodel, "a submodel");
}

void aas_rule_refer_shell(struct aas_run *r, const struct aas_node *n)
{
	lead_all(r, n, shell, "a shell");
}

void aas_rule_refer_event(struct aas_run *r, const struct aas_node *n)
{
	lead_all(r, n, event, "an event element");
}

void aas_rule_refer_referable(struct aas_run *r, const struct aas_node *n)
{
	lead_all(r, n, ~(global | fragment), "a referable");
}
