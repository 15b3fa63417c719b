/* SPDX-License-Identifier: Apache-2.0
 * op_discovery.c - from the ids of an asset to its shells and back (IDTA-01002, Asset Administration Shell Basic Discovery API).
 */
#include "aas/json.h"
#include "server/call.h"
#include "server/op.h"
#include "submodels/registry.h"

#define LINKS_MAX 64	/* of one search, as many as the parameter assetIds may name */

static enum err reply_ids(struct call *c)
{
	struct sm_ids page;
	enum err err = sm_lookup(c->session, &c->filter, c->after, c->limit, &page);
	if (err)
		return err;
	reply_page_begin(c);
	for (size_t i = 0; i < page.n; i++) {
		struct buf b = BUF_INIT;
		buf_json(&b, page.id[i], strlen(page.id[i]));
		if (b.failed)
			err = ERR_NO_MEMORY;
		else
			reply_page_raw(c, buf_view(&b));
		buf_fini(&b);
	}
	reply_page_end(c, page.next);
	return err;
}

enum err op_lookup_ids(struct call *c)
{
	return reply_ids(c);
}

/* The links in the body are the same filter as the parameter assetIds of GET. */
enum err op_lookup_search(struct call *c)
{
	struct store_asset_id *list = ARENA_ARRAY(c->arena, struct store_asset_id, LINKS_MAX);
	struct aas_node *n;
	size_t k = 0;
	enum err err = list ? aas_json_read_list(c->arena, AAS_AssetLink, c->body.p, c->body.n, AAS_JSON_DEFAULT, &n, &c->diag) : ERR_NO_MEMORY;
	if (err)
		return err;
	for (; n; n = n->next) {
		if (k == LINKS_MAX)
			return diag_add(&c->diag, ERR_BAD_REQUEST, "more than %d asset links", LINKS_MAX);
		list[k++] = (struct store_asset_id){ AAS_AT(n, AssetLink, name).str, AAS_AT(n, AssetLink, value).str };
	}
	c->filter.asset_ids = list;
	c->filter.n_asset_ids = k;
	return reply_ids(c);
}

static void reply_links(struct call *c, const struct aas_node *n)
{
	struct buf *b = &c->reply.body;
	const char *sep = "[";
	for (; n; n = n->next, sep = ",") {
		buf_puts(b, sep);
		aas_json_write(b, n);
	}
	buf_puts(b, *sep == '[' ? "[]" : "]");
}

enum err op_links_get(struct call *c)
{
	struct aas_node *head;
	enum err err = sm_links_get(c->session, c->aas_id, &head);
	if (!err)
		reply_links(c, head);
	return err;
}

/* Unlike other POSTs it has no Location (IDTA-01002, PostAllAssetLinksById); the answer is what was posted. */
enum err op_links_post(struct call *c)
{
	struct aas_node *links;
	enum err err = aas_json_read_list(c->arena, AAS_SpecificAssetId, c->body.p, c->body.n, AAS_JSON_DEFAULT, &links, &c->diag);
	if (!err && !(err = sm_links_post(c->session, c->aas_id, links)))
		reply_links(c, links);
	return err;
}

enum err op_links_delete(struct call *c)
{
	return sm_links_delete(c->session, c->aas_id);
}
