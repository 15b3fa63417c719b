/* SPDX-License-Identifier: Apache-2.0
 * runtime_submodel.c - submodels on their way between the service and the engine, in the engine's thread (runtime.c): which ones there are, what
 * they have become, and those that the engine wants to exist.
 */
#include "twin_engine/runtime_priv.h"

#include <stdlib.h>

#include "aas/json.h"
#include "aas/tree.h"
#include "base/clock.h"
#include "base/log.h"
#include "twin_engine/config.h"
#include "twin_engine/inbox.h"

#define RETRY_US (US_PER_S / 5)		/* the database did not answer */
#define PAGE 200

static void retry_later(struct twin_runtime *t)
{
	t->retry_at = clock_mono_us() + RETRY_US;
}

/* -- the engine is told ------------------------------------------------------------------------------------------------------------- */

static enum err tell_document(struct twin_runtime *t, const struct store_doc *doc)
{
	struct aas_node *node = NULL;
	enum err e = aas_json_read(t->arena, AAS_Submodel, doc->json.p, doc->json.n, AAS_JSON_DEFAULT, &node, NULL);
	if (e == ERR_NO_MEMORY)
		return e;
	if (e)
		log_error("engine", "%s is not bound: its document cannot be read", doc->id);
	else
		engine_submodel(t->engine, t->now, doc->id, node);
	return ERR_OK;
}

/* What memory has was just committed. */
static bool tell_from_memory(struct twin_runtime *t, const char *id)
{
	const struct sm_tree *tree = sm_peek(t->service, STORE_SUBMODEL, id);
	const struct aas_node *n = tree ? sm_tree_node(tree) : NULL;
	if (n)
		engine_submodel(t->engine, t->now, id, n);
	sm_tree_drop(tree);
	return n != NULL;
}

/* Tell the engine what the submodel is now.  Without it in memory the database is asked, past the cache: nobody else may want what an import has
 * brought. */
static enum err tell_submodel(struct twin_runtime *t, const char *id)
{
	struct sm_session *s = NULL;
	struct store_doc doc;
	struct diag d = DIAG_INIT;
	if (tell_from_memory(t, id))
		return ERR_OK;
	arena_reset(t->arena);
	enum err e = sm_begin(t->service, false, t->arena, &d, &s);
	if (!e) {
		if (!(e = sm_read(s, STORE_SUBMODEL, id, t->arena, &doc)))
			e = tell_document(t, &doc);
		sm_abort(s);
	}
	diag_fini(&d);
	if (e != ERR_NOT_FOUND)
		return e;
	engine_submodel(t->engine, t->now, id, NULL);
	live_drop(t->live, id, NULL);
	return ERR_OK;
}

static void tell_changed(struct twin_runtime *t)
{
	for (struct inbox_item *i = inbox_take(t->submodels), *next; i; i = next) {
		next = i->next;
		enum err e = tell_submodel(t, i->id);
		if (e) {
			if (!t->retry_at)
				log_warn("engine", "%s is not read: %s; trying again", i->id, err_info[e].text);
			inbox_put(t->submodels, i->id, NULL, NULL);
			retry_later(t);
		}
		inbox_item_free(i);
	}
}

/* Only twins need be told, and what they refer to is asked for. */
static enum err load_page(struct twin_runtime *t, char **after, bool *more, struct diag *d)
{
	struct sm_session *s = NULL;
	struct store_page page = { 0 };
	arena_reset(t->arena);
	enum err e = sm_begin(t->service, false, t->arena, d, &s);
	if (!e)
		e = sm_list(s, STORE_SUBMODEL, &(struct store_filter){ .semantic_key = TWIN_SEMANTIC_ID }, *after, PAGE, &page);
	for (size_t i = 0; !e && i < page.n; i++)
		e = tell_document(t, &page.item[i]);
	if (!e) {
		free(*after);
		*after = page.next ? strdup(page.next) : NULL;
		*more = page.next != NULL;
		if (*more && !*after)
			e = ERR_NO_MEMORY;
	}
	sm_abort(s);
	return e;
}

enum err runtime_load_submodels(struct twin_runtime *t, struct diag *d)
{
	char *after = NULL;
	bool more = true;
	enum err e = ERR_OK;
	for (int tries = 0; !e && more; ) {
		e = load_page(t, &after, &more, d);
		if (e == ERR_AGAIN && tries++ < 5)
			e = ERR_OK;
	}
	free(after);
	if (!e)
		tell_changed(t);
	return e;
}

void runtime_tell_submodels(struct twin_runtime *t)
{
	if (inbox_lost(t->submodels))
		t->reload = true;
	if (t->reload && runtime_load_submodels(t, NULL))
		retry_later(t);
	else
		t->reload = false;
	tell_changed(t);
}

void runtime_want(void *ctx, const char *id)
{
	struct twin_runtime *t = ctx;
	inbox_put(t->submodels, id, NULL, NULL);
	atomic_store(&t->attention, true);
}

/* -- the engine wants them to exist ------------------------------------------------------------------------------------------------- */

/* Until the database has it. */
struct runtime_provision {
	struct runtime_provision *next;
	struct arena *arena;
	struct aas_node *submodel;
	const char *actor;		/* for history: "engine:" and the id of the twin */
};

static void provision_free(struct runtime_provision *p)
{
	if (p)
		arena_free(p->arena);
	free(p);
}

static void provision_put(struct twin_runtime *t, struct runtime_provision *p)
{
	p->next = t->provisions;
	t->provisions = p;
}

void runtime_provide(void *ctx, const char *twin_id, struct aas_node *submodel)
{
	struct twin_runtime *t = ctx;
	struct runtime_provision *p = calloc(1, sizeof *p);
	if (p && (p->arena = arena_new(0)))
		p->submodel = aas_copy(p->arena, submodel);
	if (p && p->submodel)
		p->actor = arena_printf(p->arena, "engine:%s", twin_id);
	if (!p || !p->actor) {
		log_error("engine", "out of memory: %s is not made", AAS_ID(submodel));
		provision_free(p);
		return;
	}
	provision_put(t, p);
	atomic_store(&t->attention, true);
}

static enum err create(struct twin_runtime *t, const struct runtime_provision *p)
{
	struct sm_session *s = NULL;
	struct diag d = DIAG_INIT;
	char text[DIAG_PATH_MAX + DIAG_TEXT_MAX];
	arena_reset(t->arena);
	enum err e = sm_begin(t->service, true, t->arena, &d, &s);
	if (!e)
		sm_cause(s, p->actor, NULL);
	if (!e && (e = sm_create(s, STORE_SUBMODEL, p->submodel)))
		sm_abort(s);
	else if (!e)
		e = sm_commit(s);
	if (!e)
		log_info("engine", "made the submodel %s", AAS_ID(p->submodel));
	else if (e != ERR_CONFLICT)
		log_warn("engine", "%s is not made: %s", AAS_ID(p->submodel), diag_first(&d, text, sizeof text));
	diag_fini(&d);
	return e;
}

void runtime_make_submodels(struct twin_runtime *t)
{
	struct runtime_provision *list = t->provisions;
	t->provisions = NULL;
	for (struct runtime_provision *p = list, *next; p; p = next) {
		next = p->next;
		enum err e = create(t, p);
		if (e == ERR_AGAIN || e == ERR_UNAVAILABLE || e == ERR_NO_MEMORY || e == ERR_TIMEOUT) {
			provision_put(t, p);
			retry_later(t);
		} else {
			provision_free(p);
		}
	}
}

void runtime_forget_submodels(struct twin_runtime *t)
{
	for (struct runtime_provision *p = t->provisions, *next; p; p = next) {
		next = p->next;
		provision_free(p);
	}
	t->provisions = NULL;
}
