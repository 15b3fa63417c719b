/* SPDX-License-Identifier: Apache-2.0
 * op_shell.c - a shell, its asset information, thumbnail and references (IDTA-01002, Asset Administration Shell API).
 */
#include <stdio.h>

#include "server/call.h"
#include "server/op.h"

enum err op_shell_get(struct call *c)
{
	const struct sm_tree *t;
	enum err err = sm_get(c->session, STORE_SHELL, c->aas_id, &t);
	return err ? err : reply_node(c, sm_tree_node(t));
}

enum err op_shell_put(struct call *c)
{
	const struct sm_tree *t;
	bool created = false;
	enum err err = sm_put(c->session, STORE_SHELL, c->aas_id, c->node, &created);
	if (err || !created)
		return err;
	reply_created(c, "/shells/%s", reply_b64(c, c->aas_id));
	err = sm_get(c->session, STORE_SHELL, c->aas_id, &t);
	return err ? err : reply_node(c, sm_tree_node(t));
}

enum err op_shell_delete(struct call *c)
{
	return sm_delete(c->session, STORE_SHELL, c->aas_id);
}

enum err op_asset_get(struct call *c)
{
	const struct sm_tree *t;
	enum err err = sm_get(c->session, STORE_SHELL, c->aas_id, &t);
	return err ? err : reply_node(c, AAS_AT(sm_tree_node(t), AssetAdministrationShell, assetInformation).node);
}

enum err op_asset_put(struct call *c)
{
	return sm_asset_put(c->session, c->aas_id, c->node);
}

/* -- references to submodels ---------------------------------------------------------------------------------------------------- */

enum err op_refs_get(struct call *c)
{
	const struct sm_tree *t;
	const struct aas_node *ref;
	size_t at = 0, n = 0;
	char next[24];
	enum err err = sm_get(c->session, STORE_SHELL, c->aas_id, &t);
	if (err)
		return err;
	if (c->after && !str_size(c->after, strlen(c->after), &at))
		return diag_add(&c->diag, ERR_BAD_REQUEST, "cursor: not one of this list");
	ref = AAS_AT(sm_tree_node(t), AssetAdministrationShell, submodels).node;
	for (size_t i = 0; ref && i < at; i++)
		ref = ref->next;
	reply_page_begin(c);
	for (; ref && !err && n < c->limit; ref = ref->next, n++)
		err = reply_page_node(c, ref);
	snprintf(next, sizeof next, "%zu", at + n);
	reply_page_end(c, ref ? next : NULL);
	return err;
}

enum err op_refs_post(struct call *c)
{
	const struct aas_node *key;
	enum err err = sm_ref_post(c->session, c->aas_id, c->node);
	if (err)
		return err;
	key = AAS_AT(c->node, Reference, keys).node;
	reply_created(c, "/shells/%s/submodel-refs/%s", reply_b64(c, c->aas_id), reply_b64(c, AAS_AT(key, Key, value).str));
	return reply_node(c, c->node);
}

enum err op_refs_delete(struct call *c)
{
	return sm_ref_delete(c->session, c->aas_id, c->sm_id);
}
