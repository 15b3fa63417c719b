/* SPDX-License-Identifier: Apache-2.0
 * op_signed.c - $signed of the working draft of IDTA-01002 V3.2: a shell, submodel or concept description as a signed text (jws.h).
 *
 * The payload is what GET answers with extent=withBlobValue, live values included: all of it, so that whoever has verified the text needs
 * nothing else.  It carries its own bytes, so they need no canonical form.
 */
#include "server/accept.h"
#include "server/call.h"
#include "server/jws.h"
#include "server/op.h"

enum err op_signed(struct call *c)
{
	static const char *const types[] = { "text/plain" };
	static const struct aas_view whole = { .modifier = AAS_NORMAL, .blobs = true };
	enum store_kind kind = (enum store_kind)c->route->subject;
	const char *id = call_subject(c);
	const struct sm_tree *t;
	struct buf payload = BUF_INIT;
	if (accept_choose(c->accept, types, 1) == 1)
		return diag_add(&c->diag, ERR_NOT_ACCEPTABLE, "the answer is %s", types[0]);
	enum err err = sm_get(c->session, kind, id, &t);
	if (!err && !c->signer)
		err = diag_add(&c->diag, ERR_NOT_SUPPORTED, "this server has no key to sign with: it was started without --sign-key");
	if (!err)
		err = reply_write(c, &payload, kind == STORE_SUBMODEL ? id : NULL, sm_tree_node(t), &whole);
	if (!err && payload.failed)
		err = ERR_NO_MEMORY;
	if (!err && (err = jws_sign(c->signer, buf_view(&payload), &c->reply.body)))
		err = diag_add(&c->diag, err, "the text could not be signed");
	c->reply.content_type = types[0];
	buf_fini(&payload);
	return err;
}
