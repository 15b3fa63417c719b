/* SPDX-License-Identifier: Apache-2.0
 * service_shell.c - the parts of a shell: its references to submodels and its asset information.
 */
#include "aas/rules.h"
#include "aas/tree.h"
#include "submodels/session.h"

static enum err no_memory(struct sm_session *s)
{
	return diag_add(s->diag, ERR_NO_MEMORY, "out of memory");
}

/* -- references to submodels ------------------------------------------------------------------------------------------------ */

/* The submodel that a ModelReference names, or NULL when it names something else. */
static const char *ref_submodel(const struct aas_node *ref)
{
	const struct aas_node *key = AAS_AT(ref, Reference, keys).node;
	const char *type = key ? aas_enum_text(AAS_ENUM_KeyTypes, AAS_AT(key, Key, type)) : NULL;
	return type && !key->next && str_eq(type, "Submodel") ? AAS_AT(key, Key, value).str : NULL;
}

static struct aas_node **ref_place(struct aas_node *shell, const char *sm_id)
{
	struct aas_node **at = &AAS_AT(shell, AssetAdministrationShell, submodels).node;
	for (; *at; at = &(*at)->next) {
		const char *id = ref_submodel(*at);
		if (id && str_eq(id, sm_id))
			return at;
	}
	return NULL;
}

enum err sm_ref_post(struct sm_session *s, const char *aas_id, struct aas_node *reference)
{
	const char *type = aas_enum_text(AAS_ENUM_ReferenceTypes, AAS_AT(reference, Reference, type));
	const char *sm_id = ref_submodel(reference);
	struct aas_node *copy, *shell;
	struct work *w;
	enum err err;

	if (!sm_id || !type || !str_eq(type, "ModelReference"))
		return diag_add(s->diag, ERR_BAD_REQUEST, "a ModelReference with one key of type Submodel is expected");
	if ((err = sm_edit(s, STORE_SHELL, aas_id, &w)))
		return err;
	shell = (struct aas_node *)sm_shared_node(w->shared);
	if (ref_place(shell, sm_id))
		return diag_add(s->diag, ERR_CONFLICT, "the shell refers to the submodel \"%s\" already", sm_id);
	if (!(copy = aas_copy(w->shared->arena, reference)))
		return no_memory(s);
	aas_list_append(shell, &AAS_AT(shell, AssetAdministrationShell, submodels), copy);
	err = sm_store(s, w, NULL, STORE_OP_REPLACE);
	return err ? err : sm_note(s, w, CHANGE_UPDATED, NULL, NULL);
}

static enum err not_referenced(struct sm_session *s, const char *aas_id, const char *sm_id)
{
	return diag_add(s->diag, ERR_NOT_FOUND, "the shell \"%s\" does not refer to the submodel \"%s\"", aas_id, sm_id);
}

enum err sm_ref_delete(struct sm_session *s, const char *aas_id, const char *sm_id)
{
	struct aas_node **at;
	struct work *w;
	enum err err = sm_edit(s, STORE_SHELL, aas_id, &w);
	if (err)
		return err;
	if (!(at = ref_place((struct aas_node *)sm_shared_node(w->shared), sm_id)))
		return not_referenced(s, aas_id, sm_id);
	*at = (*at)->next;
	err = sm_store(s, w, NULL, STORE_OP_REPLACE);
	return err ? err : sm_note(s, w, CHANGE_UPDATED, NULL, NULL);
}

enum err sm_ref_check(struct sm_session *s, const char *aas_id, const char *sm_id)
{
	struct work *w;
	enum err err = sm_load(s, STORE_SHELL, aas_id, &w);
	if (err)
		return err;
	return ref_place((struct aas_node *)sm_shared_node(w->shared), sm_id) ? ERR_OK : not_referenced(s, aas_id, sm_id);
}

/* -- asset information --------------------------------------------------------------------------------------------------------- */

enum err sm_asset_put(struct sm_session *s, const char *aas_id, const struct aas_node *info)
{
	const struct aas_node *before;
	struct aas_node *copy, *shell;
	struct work *w;
	enum err err = sm_edit(s, STORE_SHELL, aas_id, &w);

	if (err)
		return err;
	if ((err = aas_rules_check(info, AAS_RULES_LENIENT, s->diag)))
		return err;
	shell = (struct aas_node *)sm_shared_node(w->shared);
	if (!(before = aas_copy(s->arena, shell)) || !(copy = aas_copy(w->shared->arena, info)))
		return no_memory(s);
	copy->parent = shell;
	AAS_AT(shell, AssetAdministrationShell, assetInformation).node = copy;
	if ((err = sm_store(s, w, NULL, STORE_OP_REPLACE)) || (err = sm_files_forget(s, before, shell, aas_id)))
		return err;
	return sm_note(s, w, CHANGE_UPDATED, NULL, NULL);
}
