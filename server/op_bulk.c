/* SPDX-License-Identifier: Apache-2.0
 * op_bulk.c - many descriptors at once: accepted here, done by submodels/bulk.h (IDTA-01002, Async Bulk APIs).
 */
#include "server/actor.h"
#include "server/call.h"
#include "server/op.h"
#include "submodels/bulk.h"

static enum err submit(struct call *c, enum sm_bulk_verb verb)
{
	char handle[SM_JOB_HANDLE];
	enum store_kind kind = strstr(c->route->path, "submodel") ? STORE_SUBMODEL_DESCRIPTOR : STORE_SHELL_DESCRIPTOR;
	enum err err = sm_bulk_submit(c->service, kind, verb, c->body, actor_of(c), c->correlation_id, handle, &c->diag);
	if (!err)
		reply_created(c, "/bulk/status/%s", reply_b64(c, handle));
	return err;
}

enum err op_bulk_post(struct call *c)
{
	return submit(c, SM_BULK_POST);
}

enum err op_bulk_put(struct call *c)
{
	return submit(c, SM_BULK_PUT);
}

enum err op_bulk_delete(struct call *c)
{
	return submit(c, SM_BULK_DELETE);
}

enum err op_bulk_status(struct call *c)
{
	bool done;
	enum err err = sm_bulk_status(c->service, c->handle, &done, &c->diag);
	if (err)
		return err;
	if (done) {
		c->reply.status = 302;
		reply_created(c, "/bulk/result/%s", reply_b64(c, c->handle));
	} else {
		buf_puts(&c->reply.body, "{\"messages\":[],\"executionState\":\"Running\"}");
	}
	return ERR_OK;
}

enum err op_bulk_result(struct call *c)
{
	return sm_bulk_result(c->service, c->handle, &c->diag);
}
