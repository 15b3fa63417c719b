/* SPDX-License-Identifier: Apache-2.0
 * store_mem_values.c - values: within a transaction, and written on their own by one that starts over by itself.
 */
#include "aas/json.h"
#include "aas/lexical.h"
#include "aas/path.h"
#include "aas/store_mem_priv.h"

/* -- within a transaction --------------------------------------------------------------------------------------------------------------- */
static enum err set_values(struct arena *a, const struct mem_entry *e, const struct store_value *v, size_t n, struct mem_entry **out)
{
	struct aas_node *sm = NULL, *at;
	enum err err = aas_json_read(a, AAS_Submodel, e->json, e->n, AAS_JSON_DEFAULT, &sm, NULL);
	for (size_t i = 0; !err && i < n; i++) {
		err = aas_path_find(sm, v[i].path, strlen(v[i].path), &at, NULL);
		if (!err && !aas_is(at, AAS_Property))
			err = ERR_BAD_REQUEST;
		if (!err)
			AAS_AT(at, Property, value).str = v[i].text;
	}
	if (!err && !(*out = store_mem_entry_of(sm)))
		err = ERR_NO_MEMORY;
	return err;
}

enum err store_mem_put_values(struct store_txn *t, const char *id, const struct store_value *v, size_t n, int64_t *version)
{
	int64_t base;
	struct mem_entry *fresh = NULL;
	struct arena *a = arena_new(0);
	pthread_mutex_lock(&t->store->mutex);
	const struct mem_entry *e = store_mem_visible(t, MEM_SUBMODEL, id, &base);
	struct mem_event *event = NULL;
	enum err err = !a ? ERR_NO_MEMORY : e ? set_values(a, e, v, n, &fresh) : ERR_NOT_FOUND;
	if (!err && (event = store_mem_event(t, STORE_SUBMODEL, id, STORE_OP_VALUE, e)) && store_mem_event_values(event, e, v, n)) {
		store_mem_event_free(event);
		event = NULL;
	}
	if (!err && !(err = store_mem_lay_change(t, fresh, base, event)))
		*version = store_mem_written(t, MEM_SUBMODEL, id)->fresh->version;
	pthread_mutex_unlock(&t->store->mutex);
	arena_free(a);
	return store_mem_noted(t, err);
}

/* -- on their own ------------------------------------------------------------------------------------------------------------------------ */
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
