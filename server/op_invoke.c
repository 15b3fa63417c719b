/* SPDX-License-Identifier: Apache-2.0
 * op_invoke.c - invoke an Operation: wait for its outcome, or get a handle and ask for it later (IDTA-01002, InvokeOperationSync and -Async).
 *
 * A refusal or a failure of the asset and a time-out are answers (200 with executionState), not errors.
 */
#include "server/actor.h"
#include "server/call.h"
#include "server/op.h"
#include "server/operation_json.h"

static enum err read_request(struct call *c, struct operation_request *in)
{
	const struct aas_node *operation;
	enum err err = sm_operation_get(c->service, c->sm_id, c->id_short_path, c->arena, &operation, &c->diag);
	return err ? err : operation_request_read(c->arena, operation, c->body, c->view.modifier == AAS_VALUE, in, &c->diag);
}

static struct sm_invocation asked(struct call *c, const struct operation_request *in)
{
	return (struct sm_invocation){ c->sm_id, c->id_short_path, NULL, in->inputs, in->inoutputs, in->timeout_us, .actor = actor_of(c),
		.request = c->correlation_id };
}

enum err op_invoke_sync(struct call *c)
{
	struct operation_request in;
	struct sm_outcome out;
	enum err err = read_request(c, &in);
	if (err)
		return err;
	struct sm_invocation what = asked(c, &in);
	if ((err = sm_invoke(c->service, &what, c->arena, &out, &c->diag)))
		return err;
	operation_result_write(&c->reply.body, &out, c->view.modifier == AAS_VALUE, c->correlation_id);
	return ERR_OK;
}

/* -- asynchronously: the same way leads to the handle as led to the operation, so that it needs no other permission ------------------- */

static const char *way(struct call *c)
{
	struct buf b = BUF_INIT;
	for (const char *p = c->route->prefix; *p;) {
		size_t n = strcspn(p, "{");
		buf_put(&b, p, n);
		p += n;
		if (!*p)
			break;
		buf_puts(&b, reply_b64(c, !strncmp(p, "{aas", 4) ? c->aas_id : c->sm_id));
		p += strcspn(p, "}") + 1;
	}
	const char *text = b.failed ? NULL : arena_strdup(c->arena, buf_view(&b).p);
	buf_fini(&b);
	return text ? text : "";	/* the arena remembers the failure */
}

static void locate(struct call *c, const char *what, const char *handle, bool value)
{
	reply_created(c, "%s/submodel-elements/%s/%s/%s%s", way(c), reply_path(c, c->id_short_path), what, reply_b64(c, handle),
		      value ? "/$value" : "");
}

enum err op_invoke_async(struct call *c)
{
	struct operation_request in;
	const char *handle;
	enum err err = read_request(c, &in);
	if (err)
		return err;
	struct sm_invocation what = asked(c, &in);
	if (!(err = sm_invoke_async(c->service, &what, c->view.modifier == AAS_VALUE, c->arena, &handle, &c->diag)))
		locate(c, "operation-status", handle, false);
	return err;
}

enum err op_invoke_status(struct call *c)
{
	struct sm_async_result r;
	enum err err = sm_async_get(c->session, c->sm_id, c->id_short_path, c->handle, &r);
	if (err)
		return err;
	if (execution_state_final(r.outcome.state)) {
		c->reply.status = 302;
		locate(c, "operation-results", c->handle, r.value_only);
	} else {
		operation_result_write(&c->reply.body, &r.outcome, false, c->correlation_id);
	}
	return ERR_OK;
}

/* Of one that has not ended: what is known, so that whoever asks too early sees why there is nothing. */
enum err op_invoke_result(struct call *c)
{
	struct sm_async_result r;
	enum err err = sm_async_get(c->session, c->sm_id, c->id_short_path, c->handle, &r);
	if (!err)
		operation_result_write(&c->reply.body, &r.outcome, c->view.modifier == AAS_VALUE, c->correlation_id);
	return err;
}
