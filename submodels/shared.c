/* SPDX-License-Identifier: Apache-2.0
 * shared.c - one document and its tree, which is parsed when somebody asks for it (cache.h).
 */
#include "submodels/cache_priv.h"

#include <stdlib.h>

#include "aas/json.h"

static const enum aas_class_id kind_class[STORE_N_KINDS] = {
	AAS_AssetAdministrationShell, AAS_Submodel, AAS_ConceptDescription, AAS_AssetAdministrationShellDescriptor, AAS_SubmodelDescriptor,
	AAS_AssetAdministrationShellDescriptor,
};

struct sm_shared *sm_shared_new(enum store_kind kind, const char *id)
{
	struct arena *a = arena_new(0);
	struct sm_shared *s = a ? ARENA_NEW(a, struct sm_shared) : NULL;
	if (!s || !(s->id = arena_strdup(a, id))) {
		arena_free(a);
		return NULL;
	}
	s->arena = a;
	s->tree.kind = kind;
	s->tail = &s->first;
	atomic_init(&s->refs, 1);
	return s;
}

void sm_shared_drop(struct sm_shared *s)
{
	if (!s || atomic_fetch_sub(&s->refs, 1) != 1)
		return;
	for (struct sm_newer *v = s->first, *next; v; v = next) {
		next = v->next;
		free(v);
	}
	struct sm_parsed *p = atomic_load(&s->parsed);
	if (p)
		arena_free(p->arena);
	free(atomic_load(&s->packed));
	arena_free(s->arena);
}

bool sm_shared_set(struct sm_shared *s, const struct aas_node *node)
{
	struct sm_parsed *p = ARENA_NEW(s->arena, struct sm_parsed);
	if (p) {
		p->node = node;
		atomic_store(&s->parsed, p);
	}
	return p != NULL;
}

/* A capital B is rare, and to look for it costs a tenth of looking for the whole mark. */
bool sm_has_blob(struct slice json)
{
	static const char mark[] = "\"modelType\":\"Blob\"";
	const size_t n = sizeof mark - 1, before = n - sizeof "Blob\"" + 1;
	const char *p = json.p, *end = json.p + json.n;
	for (; p < end && (p = memchr(p, 'B', (size_t)(end - p))); p++)
		if ((size_t)(p - json.p) >= before && (size_t)(end - p) >= n - before && !memcmp(p - before, mark, n))
			return true;
	return false;
}

void sm_shared_document(struct sm_shared *s, struct slice json, int64_t version)
{
	s->tree.json = json;
	s->tree.version = version;
	s->tree.has_blob = sm_has_blob(json);
}

bool sm_shared_json(struct sm_shared *s)
{
	struct buf b = BUF_INIT;
	char *p = NULL;
	aas_json_write(&b, sm_shared_node(s));
	if (!b.failed && (p = arena_strndup(s->arena, b.p, b.n)))
		sm_shared_document(s, (struct slice){ p, b.n }, s->tree.version);
	buf_fini(&b);
	return p != NULL;
}

const struct slice *sm_shared_packed(const struct sm_shared *s)
{
	return atomic_load(&((struct sm_shared *)s)->packed);
}

static struct sm_parsed *parse(const struct sm_shared *s)
{
	struct arena *a = arena_new(0);
	struct sm_parsed *p = a ? ARENA_NEW(a, struct sm_parsed) : NULL;
	struct aas_node *node;
	if (!p || aas_json_read(a, kind_class[s->tree.kind], s->tree.json.p, s->tree.json.n, AAS_JSON_DEFAULT, &node, NULL)) {
		arena_free(a);
		return NULL;
	}
	p->node = node;
	p->arena = a;
	return p;
}

const struct aas_node *sm_shared_node(const struct sm_shared *shared)
{
	struct sm_shared *s = (struct sm_shared *)shared;	/* what it shows does not change */
	struct sm_parsed *p = atomic_load(&s->parsed), *none = NULL;
	if (p)
		return p->node;
	if (!s->tree.json.p || !(p = parse(s)))
		return NULL;
	if (!atomic_compare_exchange_strong(&s->parsed, &none, p)) {	/* somebody else has done it meanwhile */
		arena_free(p->arena);
		return none->node;
	}
	sm_cache_count_parsed(s);
	return p->node;
}

const struct aas_node *sm_shared_node_quick(const struct sm_shared *s)
{
	bool quick = atomic_load(&((struct sm_shared *)s)->parsed) || s->tree.json.n <= QUICK_BYTES;
	return quick ? sm_shared_node(s) : NULL;
}
