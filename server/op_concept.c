/* SPDX-License-Identifier: Apache-2.0
 * op_concept.c - one concept description (IDTA-01002, Concept Description Repository API).
 */
#include "server/call.h"
#include "server/op.h"

enum err op_cd_get(struct call *c)
{
	const struct sm_tree *t;
	enum err err = sm_get(c->session, STORE_CONCEPT, c->cd_id, &t);
	return err ? err : reply_node(c, sm_tree_node(t));
}

enum err op_cd_put(struct call *c)
{
	const struct sm_tree *t;
	bool created = false;
	enum err err = sm_put(c->session, STORE_CONCEPT, c->cd_id, c->node, &created);
	if (err || !created)
		return err;
	reply_created(c, "/concept-descriptions/%s", reply_b64(c, c->cd_id));
	err = sm_get(c->session, STORE_CONCEPT, c->cd_id, &t);
	return err ? err : reply_node(c, sm_tree_node(t));
}

enum err op_cd_delete(struct call *c)
{
	return sm_delete(c->session, STORE_CONCEPT, c->cd_id);
}
