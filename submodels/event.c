/* SPDX-License-Identifier: Apache-2.0
 * event.c - lines of the feed to events.
 *
 * A value is written without its document, many times a second, and an event of it needs from the document only what values do not change (the
 * valueType, the semanticId).  So a tree that was read stays until its structure changes.
 */
#include "submodels/event.h"

#include <stdio.h>
#include <stdlib.h>

#include "aas/json.h"
#include "aas/path.h"
#include "aas/tree.h"
#include "base/map.h"

const char *const event_type_name[N_EVENT_TYPES] = {
	[EVENT_CREATED] = "created", [EVENT_UPDATED] = "updated", [EVENT_DELETED] = "deleted", [EVENT_VALUE] = "valueChanged",
	[EVENT_INVOKED] = "invoked", [EVENT_FINISHED] = "finished",
};
const char *const event_kind_name[STORE_N_KINDS] = {
	[STORE_SHELL] = "shell", [STORE_SUBMODEL] = "submodel", [STORE_CONCEPT] = "concept-description",
	[STORE_SHELL_DESCRIPTOR] = "shell-descriptor", [STORE_SUBMODEL_DESCRIPTOR] = "submodel-descriptor", [STORE_ASSET_LINKS] = "asset-links",
};

/* -- trees ---------------------------------------------------------------------------------------------------------------------- */

struct kept {
	struct arena *arena;
	const struct aas_node *node;	/* NULL: it is not known */
	const char *id;			/* in the arena, like the tree */
	enum store_kind kind;
	int64_t version;
};

struct event_trees {
	struct store *store;
	size_t bytes, most;
	struct map kept;		/* of submodels alone: nothing else has values */
	struct kept last[2];		/* the last one that is not kept, and the last one from before */
};

struct event_trees *event_trees_new(struct store *store, size_t bytes)
{
	struct event_trees *t = calloc(1, sizeof *t);
	if (t) {
		t->store = store;
		t->most = bytes ? bytes : EVENT_TREES_MAX;
	}
	return t;
}

static void drop(struct kept *k)
{
	arena_free(k->arena);
	*k = (struct kept){ .arena = NULL };
}

static void forget_all(struct event_trees *t)
{
	struct map_item *it;
	for (size_t i = 0; (it = map_next(&t->kept, &i)); ) {
		drop(it->value);
		free(it->value);
	}
	map_fini(&t->kept);
	t->kept = (struct map)MAP_INIT;
	t->bytes = 0;
}

static void forget(struct event_trees *t, const char *id)
{
	struct kept *k = map_del(&t->kept, id, strlen(id));
	if (!k)
		return;
	t->bytes -= arena_used(k->arena);
	drop(k);
	free(k);
}

void event_trees_free(struct event_trees *t)
{
	if (!t)
		return;
	forget_all(t);
	drop(&t->last[0]);
	drop(&t->last[1]);
	free(t);
}

static unsigned class_of(enum store_kind kind)
{
	static const unsigned classes[STORE_N_KINDS] = {
		[STORE_SHELL] = AAS_AssetAdministrationShell, [STORE_SUBMODEL] = AAS_Submodel, [STORE_CONCEPT] = AAS_ConceptDescription,
		[STORE_SHELL_DESCRIPTOR] = AAS_AssetAdministrationShellDescriptor, [STORE_SUBMODEL_DESCRIPTOR] = AAS_SubmodelDescriptor,
		[STORE_ASSET_LINKS] = AAS_AssetAdministrationShellDescriptor,
	};
	return classes[kind];
}

/* What cannot be read any more (retention, a restored database) is an event without its object, not a reason to stop. */
static enum err load(struct event_trees *t, const struct store_event *e, int64_t version, struct kept *out)
{
	struct store_txn *txn;
	struct store_doc doc;
	struct aas_node *node = NULL;
	enum err err;
	*out = (struct kept){ .arena = arena_new(0), .kind = e->kind, .version = version };
	if (!out->arena || !(out->id = arena_strdup(out->arena, e->id))) {
		drop(out);
		return ERR_NO_MEMORY;
	}
	if (!t->store || version < 1)
		return ERR_OK;
	if ((err = t->store->ops->begin(t->store, false, &txn)))
		goto fail;
	err = t->store->ops->get_version(txn, e->kind, e->id, version, out->arena, &doc);
	t->store->ops->abort(txn);
	if (err && err != ERR_NOT_FOUND && err != ERR_GONE)
		goto fail;
	if (!err && !aas_json_read(out->arena, class_of(e->kind), doc.json.p, doc.json.n, AAS_JSON_DEFAULT, &node, NULL))
		out->node = node;
	return ERR_OK;
fail:
	drop(out);
	return err;
}

static enum err keep(struct event_trees *t, const struct store_event *e, struct kept *fresh)
{
	struct kept *k = malloc(sizeof *k);
	if (t->bytes + arena_used(fresh->arena) > t->most)
		forget_all(t);
	if (!k || !map_put(&t->kept, e->id, strlen(e->id), k, NULL)) {
		free(k);
		drop(fresh);
		return ERR_NO_MEMORY;
	}
	*k = *fresh;
	t->bytes += arena_used(k->arena);
	return ERR_OK;
}

static bool is_it(const struct kept *k, const struct store_event *e, int64_t version)
{
	return k->arena && k->kind == e->kind && k->version == version && str_eq(k->id, e->id);
}

enum err event_tree(struct event_trees *t, const struct store_event *e, bool before, const struct aas_node **out)
{
	bool submodel = e->kind == STORE_SUBMODEL;
	struct kept *k = submodel && !before ? map_get(&t->kept, e->id, strlen(e->id)) : NULL, fresh;
	enum err err = ERR_OK;
	*out = NULL;
	int64_t version = e->version - before;
	if (!k && is_it(&t->last[before], e, version))
		k = &t->last[before];
	if (k && (k->version == version || e->operation == STORE_OP_VALUE)) {
		*out = k->node;
		return ERR_OK;
	}
	if (submodel && !before)
		forget(t, e->id);
	if ((e->operation == STORE_OP_DELETE && !before) || (err = load(t, e, version, &fresh)))
		return err;
	*out = fresh.node;
	if (submodel && !before)
		return keep(t, e, &fresh);
	drop(&t->last[before]);
	t->last[before] = fresh;
	return ERR_OK;
}

/* -- events ---------------------------------------------------------------------------------------------------------------------- */

static const enum event_type types[] = {
	[STORE_OP_CREATE] = EVENT_CREATED, [STORE_OP_REPLACE] = EVENT_UPDATED, [STORE_OP_DELETE] = EVENT_DELETED, [STORE_OP_VALUE] = EVENT_VALUE,
};

static struct aas_node *find(const struct aas_node *root, const char *path)
{
	struct aas_node *n = NULL;
	return root && !aas_path_find(root, path, strlen(path), &n, NULL) ? n : NULL;
}

static bool same(const char *a, const char *b)
{
	return a && b ? str_eq(a, b) : a == b;
}

static enum err list_values(const struct store_event *e, const struct aas_node *root, struct arena *a, struct event *out, size_t *n)
{
	for (size_t i = 0; i < e->n_values; i++) {
		bool texts = e->before && e->after;
		if (texts && same(e->before[i], e->after[i]))
			continue;
		struct aas_node *place = find(root, e->value_path[i]), *node = place;
		if (texts && node && aas_is(node, AAS_Property)) {
			if (!(node = aas_copy(a, node)))
				return ERR_NO_MEMORY;
			AAS_AT(node, Property, value).str = e->after[i];
		}
		out[(*n)++] = (struct event){
			.line = e, .index = i, .type = EVENT_VALUE, .path = e->value_path[i], .node = node, .place = place,
			.before = texts ? e->before[i] : NULL, .after = texts ? e->after[i] : NULL, .texts = texts,
		};
	}
	return ERR_OK;
}

enum err event_list(struct event_trees *t, const struct store_event *e, struct arena *a, struct event **out, size_t *n)
{
	const struct aas_node *root;
	bool values = e->operation == STORE_OP_VALUE;
	const char *path = e->path && *e->path && e->operation == STORE_OP_REPLACE ? e->path : NULL;
	enum event_type type = types[path ? e->part : e->operation];
	*n = 0;
	if (e->kind >= STORE_N_KINDS)
		return ERR_OK;
	if (!(*out = ARENA_ARRAY(a, struct event, values && e->n_values ? e->n_values : 1)))
		return ERR_NO_MEMORY;
	enum err err = event_tree(t, e, false, &root);
	if (err || values)
		return err ? err : list_values(e, root, a, *out, n);
	if (type == EVENT_DELETED && (err = event_tree(t, e, true, &root)))
		return err;
	const struct aas_node *node = path ? find(root, path) : root;
	(*out)[(*n)++] = (struct event){ .line = e, .type = type, .path = path, .node = node, .place = node };
	return ERR_OK;
}

/* -- names ----------------------------------------------------------------------------------------------------------------------- */

void event_id(const struct event *e, char out[EVENT_ID_MAX])
{
	if (e->own_id)
		snprintf(out, EVENT_ID_MAX, "%s", e->own_id);
	else
		snprintf(out, EVENT_ID_MAX, "%lld-%zu", (long long)e->line->position, e->index);
}

bool event_id_read(const char *text, size_t n, int64_t *position, size_t *index)
{
	const char *dash = memchr(text, '-', n);
	size_t at, head = dash ? (size_t)(dash - text) : n;
	if (!str_size(text, head, &at) || at > INT64_MAX)
		return false;
	*position = (int64_t)at;
	*index = SIZE_MAX;
	return !dash || (str_size(dash + 1, n - head - 1, index) && *index < SIZE_MAX && at > 0);
}

const char *event_semantic_id(const struct aas_node *n)
{
	const struct aas_node *ref = NULL;
	if (n && aas_is(n, AAS_Submodel))
		ref = AAS_AT(n, Submodel, semanticId).node;
	else if (n && aas_is_sme(n))
		ref = AAS_SEMANTIC_ID(n);
	const struct aas_node *key = ref ? AAS_AT(ref, Reference, keys).node : NULL;
	return key ? AAS_AT(key, Key, value).str : NULL;
}

const char *event_resource(struct arena *a, enum store_kind kind, const char *id, const char *path)
{
	static const char *const place[STORE_N_KINDS] = {
		[STORE_SHELL] = "/shells/", [STORE_SUBMODEL] = "/submodels/", [STORE_CONCEPT] = "/concept-descriptions/",
		[STORE_SHELL_DESCRIPTOR] = "/shell-descriptors/", [STORE_SUBMODEL_DESCRIPTOR] = "/submodel-descriptors/",
		[STORE_ASSET_LINKS] = "/lookup/shells/",
	};
	const char *b64 = base64url_encode(a, id, strlen(id));
	struct buf b = BUF_INIT;
	buf_puts(&b, place[kind]);
	buf_puts(&b, b64 ? b64 : "");
	if (path)
		buf_puts(&b, "/submodel-elements/");
	for (const unsigned char *p = (const unsigned char *)(path ? path : ""); *p; p++) {
		bool plain = (*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || strchr("-._~", *p);
		buf_printf(&b, plain ? "%c" : "%%%02X", *p);
	}
	char *out = b.failed || !b64 ? NULL : arena_strndup(a, b.p, b.n);
	buf_fini(&b);
	return out;
}

const char *event_level(struct arena *a, const char *text, const char *keep)
{
	char *out = arena_raw(a, strlen(text) * 3 + 1), *o = out;
	if (!out)
		return NULL;
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		bool special = *p < ' ' || *p == 127 || strchr("+#/%", *p);
		if (!special || strchr(keep, *p))
			*o++ = (char)*p;
		else
			o += snprintf(o, 4, "%%%02X", *p);
	}
	*o = 0;
	return out;
}
