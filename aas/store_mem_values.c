/* SPDX-License-Identifier: Apache-2.0
 * store_mem_values.c - values written on their own: a transaction that starts over by itself.
 */
#include "aas/json.h"
#include "aas/lexical.h"
#include "aas/path.h"
#include "aas/store_mem_priv.h"

/* Every path a Property, of the type that the text was checked against? */
static enum err check(const struct store_doc *doc, struct arena *a, const struct store_write *w)
{
	struct aas_node *sm = NULL, *at;
	enum err e = aas_json_read(a, AAS_Submodel, doc->json.p, doc->json.n, AAS_JSON_DEFAULT, &sm, NULL);
	for (size_t i = 0; !e && i < w->n; i++) {
		const struct store_value *v = &w->value[i];
		if (aas_path_find(sm, v->path, strlen(v->path), &at, NULL) || !aas_is(at, AAS_Property))
			e = ERR_NOT_FOUND;
		else if (w->value_type && strcmp(w->value_type[i], aas_xsd_of(AAS_AT(at, Property, valueType).ord)->name))
			e = ERR_AGAIN;
	}
	return e;
}

/* *rival: nothing is wrong but that somebody else was faster. */
static enum err attempt(struct store *s, const struct store_write *w, int64_t *version, bool *rival)
{
	struct store_txn *t;
	struct store_doc doc;
	struct arena *a = arena_new(0);
	enum err e = a ? s->ops->begin(s, true, &t) : ERR_NO_MEMORY;
	*rival = false;
	if (e)
		goto out;
	s->ops->cause(t, w->cause);
	e = s->ops->get(t, STORE_SUBMODEL, w->submodel_id, a, &doc);
	if (!e)
		e = check(&doc, a, w);
	if (!e)
		e = s->ops->put_values(t, w->submodel_id, w->value, w->n, version);
	if (!e && *version != doc.version + 1)
		*rival = true;		/* what was checked is not what it was written upon */
	if (e || *rival) {
		s->ops->abort(t);
	} else {
		e = s->ops->commit(t);
		*rival = e == ERR_AGAIN;
	}
out:
	arena_free(a);
	return e;
}

void store_mem_write_values(struct store *s, struct store_write *w)
{
	bool rival;
	do
		w->err = attempt(s, w, &w->version, &rival);
	while (rival);		/* each time somebody has got on */
	w->done(w);
}
