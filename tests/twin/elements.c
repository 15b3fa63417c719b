/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/twin/elements.h"

#include <stdlib.h>

#include "aas/path.h"

static uintptr_t ord(enum aas_enum_id e, const char *text)
{
	int i = aas_enum_find(e, text, strlen(text));
	if (i < 0)
		abort();
	return (uintptr_t)(1 + i);
}

static struct aas_node *node(struct arena *a, enum aas_class_id id)
{
	struct aas_node *n = aas_node_new(a, id);
	if (!n)
		abort();
	return n;
}

static void add_key(struct arena *a, struct aas_node *ref, const char *type, const char *value)
{
	struct aas_node *k = node(a, AAS_Key);
	AAS_AT(k, Key, type).ord = ord(AAS_ENUM_KeyTypes, type);
	AAS_AT(k, Key, value).str = arena_strdup(a, value);
	aas_list_append(ref, &AAS_AT(ref, Reference, keys), k);
}

static struct aas_node *reference(struct arena *a, const char *type)
{
	struct aas_node *r = node(a, AAS_Reference);
	AAS_AT(r, Reference, type).ord = ord(AAS_ENUM_ReferenceTypes, type);
	return r;
}

struct aas_node *elements_submodel(struct arena *a, const char *id, bool twin)
{
	struct aas_node *sm = node(a, AAS_Submodel);
	AAS_AT(sm, Submodel, id).str = id;
	AAS_AT(sm, Submodel, idShort).str = twin ? "TwinEngine" : "OperationalData";
	if (twin) {
		struct aas_node *r = reference(a, "ExternalReference");
		add_key(a, r, "GlobalReference", "https://twinshell.org/submodel/TwinEngine/1/0");
		AAS_AT(sm, Submodel, semanticId).node = r;
	}
	return sm;
}

static char *trim(char *s)
{
	s += strspn(s, " \t");
	size_t n = strlen(s);
	while (n && strchr(" \t", s[n - 1]))
		s[--n] = 0;
	return s;
}

static char *cut(char *s, const char *at)
{
	char *p = strstr(s, at);
	if (!p)
		return NULL;
	*p = 0;
	return trim(p + strlen(at));
}

static struct aas_node *property(struct arena *a, char *name, const char *value)
{
	char *type = cut(name, ":");
	bool range = type && str_eq(type, "range");
	struct aas_node *n = node(a, range ? AAS_Range : AAS_Property);
	AAS_ID_SHORT(n) = arena_strdup(a, trim(name));
	if (range) {
		AAS_AT(n, Range, valueType).ord = ord(AAS_ENUM_DataTypeDefXsd, "xs:double");
		return n;
	}
	AAS_AT(n, Property, valueType).ord = ord(AAS_ENUM_DataTypeDefXsd, arena_printf(a, "xs:%s", type ? type : "string"));
	AAS_AT(n, Property, value).str = value ? arena_strdup(a, value) : NULL;
	return n;
}

static struct aas_node *target(struct arena *a, char *name, char *to)
{
	struct aas_node *n = node(a, AAS_ReferenceElement), *r = reference(a, "ModelReference");
	char *path = cut(to, " ");
	AAS_ID_SHORT(n) = arena_strdup(a, name);
	add_key(a, r, "Submodel", to);
	for (char *step = path; step && *step; ) {
		char *next = cut(step, ".");
		add_key(a, r, next ? "SubmodelElementCollection" : "Property", step);
		step = next;
	}
	AAS_AT(n, ReferenceElement, value).node = r;
	return n;
}

static void variables(struct arena *a, struct aas_node *op, union aas_slot *list, char *names)
{
	while (names && *names) {
		char *next = cut(names, ",");
		struct aas_node *v = node(a, AAS_OperationVariable);
		AAS_AT(v, OperationVariable, value).node = property(a, names, NULL);
		AAS_AT(v, OperationVariable, value).node->parent = v;
		aas_list_append(op, list, v);
		names = next;
	}
}

static struct aas_node *operation(struct arena *a, char *name, char *outputs)
{
	struct aas_node *n = node(a, AAS_Operation);
	char *inputs = cut(name, "(");
	if (inputs)
		cut(inputs, ")");
	AAS_ID_SHORT(n) = arena_strdup(a, trim(name));
	variables(a, n, &AAS_AT(n, Operation, inputVariables), inputs);
	variables(a, n, &AAS_AT(n, Operation, outputVariables), outputs);
	return n;
}

/* The collection that the path's last step stands in; *path becomes that step. */
static struct aas_node *holder(struct arena *a, struct aas_node *n, char **path)
{
	for (char *dot; (dot = strchr(*path, '.')); *path = dot + 1) {
		struct aas_node *c = aas_children(n)->node;
		*dot = 0;
		while (c && !str_eq(AAS_ID_SHORT(c), *path))
			c = c->next;
		if (!c) {
			c = node(a, AAS_SubmodelElementCollection);
			AAS_ID_SHORT(c) = arena_strdup(a, *path);
			aas_list_append(n, aas_children(n), c);
		}
		if (!aas_children(c))
			return NULL;
		n = c;
	}
	return n;
}

const char *elements_add(struct arena *a, struct aas_node *submodel, char *line)
{
	char *path = trim(line), *value = NULL, *to = NULL;
	bool op = strchr(path, '(') && (!strstr(path, " = ") || strchr(path, '(') < strstr(path, " = "));
	if (op || strstr(path, " -> "))
		to = cut(path, " -> ");
	else
		value = cut(path, " =");
	path = trim(path);
	struct aas_node *up = holder(a, submodel, &path), *n;
	if (!up)
		return "a leaf has no elements";
	n = op ? operation(a, path, to) : to ? target(a, path, to) : property(a, path, value);
	aas_list_append(up, aas_children(up), n);
	return NULL;
}

struct aas_node *elements_operation(struct aas_node *submodel, const char *path)
{
	struct aas_node *n;
	return submodel && !aas_path_find(submodel, path, strlen(path), &n, NULL) && aas_is(n, AAS_Operation) ? n : NULL;
}

struct aas_node *elements_arguments(struct arena *a, const struct aas_node *op, char *text)
{
	struct aas_node *holder_op = node(a, AAS_Operation);
	for (char *arg = trim(text), *next; arg && *arg; arg = next) {
		char *value = cut(arg, "=");
		next = value ? cut(value, " ") : NULL;
		for (const struct aas_node *v = AAS_AT(op, Operation, inputVariables).node; v; v = v->next) {
			const struct aas_node *p = AAS_AT(v, OperationVariable, value).node;
			if (!str_eq(AAS_ID_SHORT(p), arg))
				continue;
			struct aas_node *mine = node(a, AAS_OperationVariable), *q = node(a, AAS_Property);
			AAS_ID_SHORT(q) = AAS_ID_SHORT(p);
			AAS_AT(q, Property, valueType).ord = AAS_AT(p, Property, valueType).ord;
			AAS_AT(q, Property, value).str = arena_strdup(a, value);
			AAS_AT(mine, OperationVariable, value).node = q;
			aas_list_append(holder_op, &AAS_AT(holder_op, Operation, inputVariables), mine);
		}
	}
	return AAS_AT(holder_op, Operation, inputVariables).node;
}
