/* SPDX-License-Identifier: Apache-2.0
 * op_node.c - a submodel or one of its elements: GET, PUT, PATCH, POST, DELETE in every content form (IDTA-01002, Submodel API).
 */
#include "aas/tree.h"
#include "server/call.h"
#include "server/op.h"
#include "server/place.h"

#define PAGE_BYTES ((size_t)16 << 20)	/* a page ends early when it has grown to this */

enum err op_node_get(struct call *c)
{
	const struct aas_node *n;
	enum err err = sm_element_get(c->session, c->sm_id, c->id_short_path, &n);
	return err ? err : reply_node(c, n);
}

static void created_at(struct call *c, const char *path)
{
	const char *id = reply_b64(c, c->sm_id);
	if (path && *path)
		reply_created(c, "/submodels/%s/submodel-elements/%s", id, reply_path(c, path));
	else
		reply_created(c, "/submodels/%s", id);
}

/* Only /submodels/{id} creates a submodel; through a shell or as the only one it must be there (IDTA-01002, PutSubmodelById). */
static enum err must_exist(struct call *c)
{
	const struct sm_tree *t;
	if (c->id_short_path || str_eq(c->route->prefix, "/submodels/{submodelIdentifier}"))
		return ERR_OK;
	return sm_get(c->session, STORE_SUBMODEL, c->sm_id, &t);
}

enum err op_node_put(struct call *c)
{
	const struct aas_node *n;
	bool created = false;
	enum err err = must_exist(c);
	if (!err)
		err = sm_element_put(c->session, c->sm_id, c->id_short_path, c->node, &created);
	if (err || !created)
		return err;
	created_at(c, c->id_short_path);
	err = sm_element_get(c->session, c->sm_id, c->id_short_path, &n);
	return err ? err : reply_node(c, n);
}

enum err op_node_post(struct call *c)
{
	const struct aas_node *n;
	const char *path;
	enum err err = sm_element_post(c->session, c->sm_id, c->id_short_path, c->node, &path);
	if (!err)
		err = sm_element_get(c->session, c->sm_id, path, &n);
	if (err)
		return err;
	created_at(c, path);
	return reply_node(c, n);
}

enum err op_node_patch(struct call *c)
{
	if (c->view.modifier == AAS_VALUE)
		return sm_value_patch(c->session, c->sm_id, c->id_short_path, c->body);
	return sm_element_patch(c->session, c->sm_id, c->id_short_path, c->node);
}

enum err op_node_delete(struct call *c)
{
	enum err err = sm_element_delete(c->session, c->sm_id, c->id_short_path);
	if (c->id_short_path || !c->route->superpath)
		return err;
	/* Through a shell the reference goes too; one that points to nothing can be got rid of in this way (pitfall 54). */
	if (err && err != ERR_NOT_FOUND)
		return err;
	diag_clear(&c->diag);
	return sm_ref_delete(c->session, c->aas_id, c->sm_id);
}

/* -- the elements of a submodel, by position ------------------------------------------------------------------------------------ */

static const char *element_name(const struct aas_node *n)
{
	return AAS_ID_SHORT(n) ? AAS_ID_SHORT(n) : "";
}

/* The $value of a page is the $value of a submodel that has only the elements of the page. */
static enum err value_page(struct call *c, const struct aas_node *head, const struct aas_node *child, size_t at)
{
	struct aas_node *part = aas_node_new(c->arena, AAS_Submodel), **tail, *copy;
	struct buf b = BUF_INIT;
	enum err err = ERR_NO_MEMORY;
	size_t n = 0;

	if (!part)
		return err;
	AAS_ID(part) = c->sm_id;
	for (tail = &AAS_AT(part, Submodel, submodelElements).node; child && n < c->limit; child = child->next, n++) {
		if (!(copy = aas_copy(c->arena, child)))
			return err;
		copy->parent = part;
		*tail = copy;
		tail = &copy->next;
	}
	err = reply_write(c, &b, c->sm_id, part, &c->view);
	if (!err && b.n > 2)
		reply_page_raw(c, (struct slice){ b.p + 1, b.n - 2 });	/* without its braces: the page has them */
	buf_fini(&b);
	if (!err)
		reply_page_end(c, place_next(c, head, element_name, at + n));
	return err;
}

enum err op_children_get(struct call *c)
{
	const struct aas_node *sm, *child;
	size_t at = 0, n = 0;
	enum err err = sm_element_get(c->session, c->sm_id, NULL, &sm);
	if (err)
		return err;
	if ((err = place_begin(c, aas_first_child(sm), element_name, &child, &at)))
		return err;
	reply_page_begin(c);
	if (c->view.modifier == AAS_VALUE)
		return value_page(c, aas_first_child(sm), child, at);
	for (; child && !err && n < c->limit && c->reply.body.n < PAGE_BYTES; child = child->next, n++)
		err = reply_page_node(c, child);
	if (!err)
		reply_page_end(c, place_next(c, aas_first_child(sm), element_name, at + n));
	return err;
}

