/* SPDX-License-Identifier: Apache-2.0
 * op_registry.c - the registries of shells and of submodels, and the submodel descriptors within a shell's (IDTA-01002, registry APIs).
 */
#include <stdio.h>

#include "server/call.h"
#include "server/op.h"
#include "server/place.h"
#include "server/page.h"
#include "submodels/registry.h"

/* The three collections, by the template of the route. */
static bool is_nested(const struct call *c)
{
	return *c->route->prefix != 0;
}

static enum store_kind kind_of(const struct call *c)
{
	return strstr(c->route->path, "/submodel-descriptors") ? STORE_SUBMODEL_DESCRIPTOR : STORE_SHELL_DESCRIPTOR;
}

static const char *id_of(const struct call *c)
{
	return kind_of(c) == STORE_SUBMODEL_DESCRIPTOR ? c->sm_id : c->aas_id;
}

static enum err get(struct call *c, const char *id, struct aas_node **out)
{
	struct aas_node *shell;
	if (!is_nested(c))
		return sm_descriptor_get(c->session, kind_of(c), id, reply_base_url(c), out);
	enum err err = sm_descriptor_get(c->session, STORE_SHELL_DESCRIPTOR, c->aas_id, reply_base_url(c), &shell);
	return err ? err : sm_nested_find(c->session, shell, id, out);
}

static enum err reply_new(struct call *c, const char *id)
{
	struct aas_node *n;
	enum err err = get(c, id, &n);
	if (err)
		return err;
	if (is_nested(c))
		reply_created(c, "/shell-descriptors/%s/submodel-descriptors/%s", reply_b64(c, c->aas_id), reply_b64(c, id));
	else
		reply_created(c, "%s/%s", kind_of(c) == STORE_SHELL_DESCRIPTOR ? "/shell-descriptors" : "/submodel-descriptors", reply_b64(c, id));
	return reply_node(c, n);
}

static const char *descriptor_name(const struct aas_node *n)
{
	return AAS_AT(n, SubmodelDescriptor, id).str;
}

/* The submodel descriptors of one shell, in the order that it has them. */
static enum err list_nested(struct call *c)
{
	struct aas_node *of;
	const struct aas_node *head, *n;
	size_t at = 0, shown = 0;
	enum err err = sm_descriptor_get(c->session, STORE_SHELL_DESCRIPTOR, c->aas_id, reply_base_url(c), &of);
	if (err)
		return err;
	head = AAS_AT(of, AssetAdministrationShellDescriptor, submodelDescriptors).node;
	if ((err = place_begin(c, head, descriptor_name, &n, &at)))
		return err;
	reply_page_begin(c);
	for (; n && !err && shown < c->limit; n = n->next, shown++)
		err = reply_page_node(c, n);
	reply_page_end(c, place_next(c, head, descriptor_name, at + shown));
	return err;
}

enum err op_list_descriptors(struct call *c)
{
	struct sm_descriptors page;
	size_t i = 0;
	if (is_nested(c))
		return list_nested(c);
	enum err err = sm_descriptor_list(c->session, kind_of(c), &c->filter, reply_base_url(c), c->after, c->limit, &page);
	if (err)
		return err;
	reply_page_begin(c);
	for (; i < page.n && !err && c->reply.body.n < PAGE_BYTES; i++)
		err = reply_page_node(c, page.item[i]);
	reply_page_end(c, i < page.n ? AAS_ID(page.item[i - 1]) : page.next);
	return err;
}

enum err op_post_descriptor(struct call *c)
{
	enum err err = is_nested(c) ? sm_nested_post(c->session, c->aas_id, c->node) : sm_descriptor_post(c->session, kind_of(c), c->node);
	return err ? err : reply_new(c, AAS_ID(c->node));
}

enum err op_descriptor_get(struct call *c)
{
	struct aas_node *n;
	enum err err = get(c, id_of(c), &n);
	return err ? err : reply_node(c, n);
}

enum err op_descriptor_put(struct call *c)
{
	bool created = false;
	enum err err = is_nested(c) ? sm_nested_put(c->session, c->aas_id, c->sm_id, c->node, &created) :
				      sm_descriptor_put(c->session, kind_of(c), id_of(c), c->node, &created);
	return err || !created ? err : reply_new(c, id_of(c));
}

enum err op_descriptor_delete(struct call *c)
{
	return is_nested(c) ? sm_nested_delete(c->session, c->aas_id, c->sm_id) : sm_descriptor_delete(c->session, kind_of(c), id_of(c));
}
