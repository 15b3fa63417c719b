/* SPDX-License-Identifier: Apache-2.0 */
#include "twin_engine/outline.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/map.h"

/* path -> 2 * value type + is range, as a number in the pointer; never 0 because a value type is required */
struct outline {
	struct map element;
};

#define PATH_MAX_BYTES ((size_t)64 << 10)

static bool walk(struct outline *o, const struct aas_node *n, struct buf *path)
{
	size_t index = 0, mark = path->n;
	bool list = aas_is(n, AAS_SubmodelElementList);
	uintptr_t type = aas_is(n, AAS_Property) ? AAS_AT(n, Property, valueType).ord * 2
		: aas_is(n, AAS_Range) ? AAS_AT(n, Range, valueType).ord * 2 + 1 : 0;
	if (type && !map_put(&o->element, path->p, path->n, (void *)type, NULL))
		return false;
	for (const struct aas_node *c = aas_first_child(n); c; c = c->next, index++) {
		if (!list && !AAS_ID_SHORT(c))
			continue;
		if (list)
			buf_printf(path, "[%zu]", index);
		else
			buf_printf(path, "%s%s", mark ? "." : "", AAS_ID_SHORT(c));
		if (path->failed || !walk(o, c, path))
			return false;
		path->n = mark;
		path->p[mark] = 0;
	}
	return true;
}

struct outline *outline_new(const struct aas_node *submodel)
{
	struct outline *o = calloc(1, sizeof *o);
	struct buf path;
	buf_init(&path, PATH_MAX_BYTES);
	if (o && !walk(o, submodel, &path)) {
		outline_free(o);
		o = NULL;
	}
	buf_fini(&path);
	return o;
}

void outline_free(struct outline *o)
{
	if (!o)
		return;
	map_fini(&o->element);
	free(o);
}

bool outline_find(const struct outline *o, const char *path, uintptr_t *value_type, bool *is_range)
{
	uintptr_t v = (uintptr_t)map_get(&o->element, path, strlen(path));
	*value_type = v / 2;
	*is_range = v & 1;
	return v != 0;
}
