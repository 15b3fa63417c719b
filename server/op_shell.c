/* SPDX-License-Identifier: Apache-2.0
 * op_shell.c - a shell, its asset information, thumbnail and references (IDTA-01002, Asset Administration Shell API).
 */
#include "server/call.h"
#include "server/op.h"
#include "server/place.h"

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

/* References to submodels: the first key tells which. */
static const char *reference_name(const struct aas_node *n)
{
	const struct aas_node *key = AAS_AT(n, Reference, keys).node;
	return key && AAS_AT(key, Key, value).str ? AAS_AT(key, Key, value).str : "";
}

enum err op_refs_get(struct call *c)
{
	const struct sm_tree *t;
	const struct aas_node *ref;
	size_t at = 0, n = 0;
	enum err err = sm_get(c->session, STORE_SHELL, c->aas_id, &t);
	if (err)
		return err;
	const struct aas_node *head = AAS_AT(sm_tree_node(t), AssetAdministrationShell, submodels).node;
	if ((err = place_begin(c, head, reference_name, &ref, &at)))
		return err;
	reply_page_begin(c);
	for (; ref && !err && n < c->limit; ref = ref->next, n++)
		err = reply_page_node(c, ref);
	reply_page_end(c, place_next(c, head, reference_name, at + n));
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
