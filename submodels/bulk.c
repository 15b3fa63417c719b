/* SPDX-License-Identifier: Apache-2.0 */
#include "submodels/bulk.h"

#include <stdlib.h>

#include "aas/json.h"
#include "submodels/registry.h"
#include "submodels/session.h"

struct bulk {
	enum store_kind kind;
	enum sm_bulk_verb verb;
	struct arena *arena;		/* of the items */
	struct aas_node *items;
	const char *actor, *request;
};

static void bulk_free(void *work)
{
	struct bulk *b = work;
	if (b)
		arena_free(b->arena);
	free(b);
}

static enum err item(struct sm_session *s, const struct bulk *b, struct aas_node *n)
{
	bool created = false;
	if (b->verb == SM_BULK_DELETE)
		return sm_descriptor_delete(s, b->kind, AAS_AT(n, IdentifierText, value).str);
	if (b->verb == SM_BULK_PUT)
		return sm_descriptor_put(s, b->kind, AAS_ID(n), n, &created);
	return sm_descriptor_post(s, b->kind, n);
}

/* What is wrong with an item, not with the server. */
static bool is_fault(enum err err)
{
	return err == ERR_BAD_REQUEST || err == ERR_NOT_FOUND || err == ERR_CONFLICT;
}

/* One transaction.  Faults of items are collected: they leave the transaction as it was, to be given up in the end. */
static enum err run(struct sm_service *service, void *work, struct diag *d)
{
	const struct bulk *b = work;
	struct arena *a = arena_new(0);
	struct sm_session *s = NULL;
	struct diag_frame f;
	enum err err = a ? sm_begin(service, true, a, d, &s) : ERR_NO_MEMORY;
	bool faults = false;
	if (err)
		goto out;
	sm_cause(s, b->actor, b->request);
	diag_push_index(d, &f, 0);
	for (struct aas_node *n = b->items; n && !err && d->n < DIAG_MAX; n = n->next, f.index++) {
		err = item(s, b, n);
		faults |= is_fault(err);
		err = is_fault(err) ? ERR_OK : err;
	}
	diag_pop(d);
	if (!err && !faults) {
		err = sm_commit(s);
	} else {
		sm_abort(s);
		err = err ? err : ERR_BAD_REQUEST;
	}
out:
	arena_free(a);
	return err;
}

static const struct sm_job_kind bulk_jobs = { "bulk request", run, bulk_free };

static const enum aas_class_id class_of[STORE_N_KINDS] = {
	[STORE_SHELL_DESCRIPTOR] = AAS_AssetAdministrationShellDescriptor, [STORE_SUBMODEL_DESCRIPTOR] = AAS_SubmodelDescriptor,
};

enum err sm_bulk_submit(struct sm_service *s, enum store_kind kind, enum sm_bulk_verb verb, struct slice body, const char *actor,
			const char *request, char handle[SM_JOB_HANDLE], struct diag *d)
{
	struct bulk *b = calloc(1, sizeof *b);
	unsigned type = verb == SM_BULK_DELETE ? AAS_IdentifierText : class_of[kind];
	enum err err = ERR_NO_MEMORY;
	if (!b || !(b->arena = arena_new(0)))
		goto fail;
	b->kind = kind;
	b->actor = actor ? arena_strdup(b->arena, actor) : NULL;
	b->request = request ? arena_strdup(b->arena, request) : NULL;
	b->verb = verb;
	if ((err = aas_json_read_list(b->arena, type, body.p, body.n, AAS_JSON_DEFAULT, &b->items, d)))
		goto fail;
	if (arena_failed(b->arena)) {
		err = ERR_NO_MEMORY;
		goto fail;
	}
	if (b->items)
		return sm_job_submit(s, &bulk_jobs, b, body.n, handle, d);
	err = diag_add(d, ERR_BAD_REQUEST, "the array must not be empty");
fail:
	bulk_free(b);
	return err;
}

enum err sm_bulk_status(struct sm_service *s, const char *handle, bool *done, struct diag *d)
{
	return sm_job_status(s, &bulk_jobs, handle, done, d);
}

enum err sm_bulk_result(struct sm_service *s, const char *handle, struct diag *d)
{
	enum err outcome, err = sm_job_result(s, &bulk_jobs, handle, &outcome, d);
	return err ? err : outcome;
}
