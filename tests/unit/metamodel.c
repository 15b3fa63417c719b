/* SPDX-License-Identifier: Apache-2.0 - the table against itself, and against the digest of the standard when that is at hand. */
#include "aas/metamodel.h"

#include "aas/lookup.h"
#include "tests/tap.h"

static void test_lookup(void)
{
	unsigned classes = 0, props = 0, literals = 0, wrong = 0;
	for (unsigned i = 0; i < AAS_N_CLASSES; i++) {
		const struct aas_class *c = &aas_classes[i];
		bool api = i >= AAS_N_MODEL_CLASSES;	/* modelType and XML know nothing of them */
		classes += aas_class_by_name(c->name, strlen(c->name)) == (api ? NULL : c) &&
			   aas_class_by_xml(c->xml, strlen(c->xml)) == (api ? NULL : c) && c->id == i && !*c->xml == api;
		wrong += aas_class_by_name(c->name, strlen(c->name) - 1) == c || aas_class_by_name("", 0) != NULL;
		for (int k = 0; k < c->n; k++) {
			const struct aas_prop *p = &c->props[k];
			char key[AAS_KEY_MAX + 8];
			size_t n = (size_t)snprintf(key, sizeof key, "\"%s\":", p->name);
			props += aas_prop_find(c, p->name, p->name_len) == k && n == p->name_len + 3u && n < AAS_KEY_MAX && !strcmp(key, p->key);
			wrong += aas_prop_find(c, p->name, p->name_len - 1u) == k;
		}
		if (!check(props == c->n, "%s finds its %u attributes", c->name, c->n))
			props = c->n;
		props -= c->n;
	}
	for (int e = 0; e <= AAS_ENUM_DataTypeIec61360; e++)
		for (unsigned k = 0; k < aas_enums[e].n; k++)
			literals += aas_enum_find((enum aas_enum_id)e, aas_enums[e].literal[k], strlen(aas_enums[e].literal[k])) == (int)k;
	check_int(classes, AAS_N_CLASSES, "every class of the metamodel is found by both names, and no other");
	check_int(literals, 2 + 3 + 4 + 2 + 2 + 2 + 2 + 17 + 24 + 30 + 19, "every literal is found");
	check_int(wrong, 0, "nothing is found by half a name");
	check(aas_enum_find(AAS_ENUM_KeyTypes, "property", 8) < 0 && aas_prop_find(&aas_classes[AAS_Key], "Value", 5) < 0, "case matters");
}

static void test_types(void)
{
	const struct aas_class *property = &aas_classes[AAS_Property], *list = &aas_classes[AAS_SubmodelElementList];
	check(aas_class_fits(property, AAS_SubmodelElement) && aas_class_fits(property, AAS_DataElement) && aas_class_fits(property, AAS_Property),
	      "a Property is a DataElement and a SubmodelElement");
	check(aas_class_fits(list, AAS_SubmodelElement) && !aas_class_fits(list, AAS_DataElement) && !aas_class_fits(list, AAS_Property),
	      "a list is no DataElement");
	check(aas_class_sole(AAS_Key) == &aas_classes[AAS_Key] && !aas_class_sole(AAS_DataElement), "abstract types have no class of their own");
	check_str(aas_type_name(AAS_DataSpecificationContent), "DataSpecificationContent", "but a name");
	check(aas_class_index[AAS_Range].values == (1u << AAS_SLOT(Range, min) | 1u << AAS_SLOT(Range, max)) &&
	      aas_class_index[AAS_Range].value_type == AAS_SLOT(Range, valueType), "the values of a Range and their type");
	for (unsigned i = 0; i < AAS_N_CLASSES; i++)
		if (aas_class_index[i].values && strcmp(aas_classes[i].props[aas_class_index[i].value_type].name, "valueType"))
			check(0, "%s has values but no valueType", aas_classes[i].name);
	for (unsigned i = 0; i < AAS_N_CLASSES; i++)
		if (aas_classes[i].mask & (IS_SME | IS_REF) && strcmp(aas_classes[i].props[AAS_SLOT(Capability, idShort)].name, "idShort"))
			check(0, "%s has its idShort elsewhere", aas_classes[i].name);
}

static void test_nodes(void)
{
	struct arena *a = arena_new(0);
	struct aas_node *sm = aas_node_new(a, AAS_Submodel), *one = aas_node_new(a, AAS_Property), *two = aas_node_new(a, AAS_Capability);
	check(aas_is(sm, AAS_Submodel) && !aas_is_sme(sm) && aas_is_sme(one), "nodes know what they are");
	check(!aas_children(one) && !aas_first_child(one) && aas_children(sm) == &AAS_AT(sm, Submodel, submodelElements), "who has children");
	aas_list_append(sm, aas_children(sm), one);
	aas_list_append(sm, aas_children(sm), two);
	check(aas_first_child(sm) == one && one->next == two && !two->next && two->parent == sm, "children are appended");
	AAS_AT(one, Property, valueType).ord = 18;
	check_str(aas_enum_text(AAS_ENUM_DataTypeDefXsd, AAS_AT(one, Property, valueType)), "xs:integer", "an ordinal has a text");
	check(!aas_enum_text(AAS_ENUM_DataTypeDefXsd, AAS_AT(one, Property, valueId)), "an absent one has none");
	arena_free(a);
	a = arena_new(64);
	check(!a || !aas_node_new(a, AAS_Submodel), "no node without memory");
	arena_free(a);
}

/* Column `i` of a row of the table of the standard. */
static char *column(char *row, int i)
{
	static char out[8][200];
	for (; i > 0 && row; i--)
		row = (row = strchr(row, '\t')) ? row + 1 : NULL;
	static int at;
	char *o = out[at++ % 8];
	snprintf(o, 200, "%.*s", row ? (int)strcspn(row, "\t\r\n") : 0, row ? row : "");
	return o;
}

/* Every concrete class of the digest, attribute by attribute: name, order, kind, cardinality, modelType, length. */
static void test_digest(FILE *f)
{
	char row[2000], last[200] = "";
	int at = 0, rows = 0, wrong = 0;
	while (fgets(row, sizeof row, f)) {
		const char *name = column(row, 0);
		if (strcmp(column(row, 1), "concrete"))
			continue;
		const struct aas_class *c = aas_class_by_name(name, strlen(name));
		at = strcmp(last, name) ? 0 : at + 1;
		snprintf(last, sizeof last, "%s", name);
		const struct aas_prop *p = c && at < c->n ? &c->props[at] : NULL;
		const char *kind = column(row, 7), *most = column(row, 12), *multiplicity = column(row, 8), *min = column(row, 11);
		rows++;
		int ok = p && !strcmp(p->name, column(row, 3)) && c->typed == !!*column(row, 2) &&
			 p->required == (column(row, 9)[0] == '1') && (p->kind == AAS_LIST) == !strcmp(multiplicity, "list") &&
			 (p->kind == AAS_ENUM) == !strcmp(kind, "enum") && (p->kind == AAS_NODE || p->kind == AAS_LIST) == !strcmp(kind, "class");
		if (ok && p->kind == AAS_ENUM)
			ok = !strcmp(aas_enums[p->type].name, column(row, 6));
		if (ok && (p->kind == AAS_LIST || p->kind == AAS_NODE))
			ok = !strcmp(aas_type_name(p->type), column(row, 6));
		if (ok && p->kind == AAS_STR && *most)
			ok = aas_strings[p->type].max == strtoul(most, NULL, 10) && aas_strings[p->type].min == strtoul(min, NULL, 10);
		if (!ok && ++wrong)
			printf("# %s.%s is not as the digest says\n", name, column(row, 3));
	}
	check(rows > 250 && !wrong, "%d attributes are as the digest of the standard says", rows);
	fclose(f);
}

int main(void)
{
	const char *shared = getenv("TWINSHELL_SHARED");
	char name[1000];
	test_lookup();
	test_types();
	test_nodes();
	snprintf(name, sizeof name, "%s/spec/metamodel.tsv", shared ? shared : "../shared");
	FILE *f = fopen(name, "r");
	if (f)
		test_digest(f);
	else
		printf("ok %d # SKIP no digest of the standard (TWINSHELL_SHARED)\n", ++tap_n);
	return done();
}
