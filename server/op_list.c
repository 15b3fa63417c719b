/* SPDX-License-Identifier: Apache-2.0
 * op_list.c - the repositories' collections: GET page by page, POST (IDTA-01002, repository APIs).
 */
#include "aas/json.h"
#include "server/call.h"
#include "server/op.h"
#include "server/page.h"

/* As many documents are held as fit into LOAN_BYTES, and a page ends early when it has grown large: memory stays bounded whatever the
 * documents weigh ("the server may return fewer than asked", IDTA-01002, pagination). */
#define PORTION 256
#define PORTION_OF_PAST 16	/* those are all there at once */

static const struct kind {
	enum aas_class_id cls;
	const char *path;
} kinds[STORE_N_KINDS] = {
	[STORE_SHELL] = { AAS_AssetAdministrationShell, "/shells" },
	[STORE_SUBMODEL] = { AAS_Submodel, "/submodels" },
	[STORE_CONCEPT] = { AAS_ConceptDescription, "/concept-descriptions" },
};

/* What the store gave is what the client shall see: the head for $metadata; else the document in no other form, without a level, a blob to hide or
 * anything live. */
static bool is_answer(const struct call *c, enum store_kind kind, const struct store_doc *d)
{
	if (!d->version)
		return false;
	if (kind == STORE_SUBMODEL && c->view.modifier == AAS_METADATA)
		return c->filter.heads && !c->view.core && !c->view.blobs && !c->in_past;
	if (c->view.modifier != AAS_NORMAL || (kind == STORE_SUBMODEL && c->view.core))
		return false;
	if (kind != STORE_SUBMODEL)
		return true;
	return !sm_is_live(c->service, d->id) && (c->view.blobs || !sm_has_blob(d->json));
}

enum err page_item(struct call *c, enum store_kind kind, const struct store_doc *d, struct arena *scratch)
{
	struct aas_node *n;
	enum err err;
	if (is_answer(c, kind, d)) {
		reply_page_document(c, d);
		return ERR_OK;
	}
	if ((err = aas_json_read(scratch, kinds[kind].cls, d->json.p, d->json.n, AAS_JSON_DEFAULT, &n, NULL)))
		return err == ERR_NO_MEMORY ? err : diag_add(&c->diag, ERR_INTERNAL, "a stored document cannot be read");
	c->sm_id = kind == STORE_SUBMODEL ? d->id : NULL;
	err = reply_page_node(c, n);
	c->sm_id = NULL;
	return err;
}

static enum err list(struct call *c, enum store_kind kind)
{
	const char *after = c->after, *next = NULL;
	struct arena *scratch = arena_new(0);
	struct store_page page = { 0 };
	enum err err = scratch ? ERR_OK : ERR_NO_MEMORY;
	size_t left = c->limit, portion;

	/* What is shown of a submodel in these forms stands in its head. */
	c->filter.heads = kind == STORE_SUBMODEL && (c->view.modifier == AAS_METADATA || c->view.modifier == AAS_REFERENCE);
	portion = c->in_past ? PORTION_OF_PAST : PORTION;
	c->filter.loan = sm_loan(c->session, LOAN_BYTES);
	c->filter.last = left <= portion;
	reply_page_begin(c);
	while (!err && left && c->reply.body.n < PAGE_BYTES) {
		if ((err = sm_list(c->session, kind, &c->filter, after, left < portion ? left : portion, &page)))
			break;
		for (size_t i = 0; i < page.n && !err; i++) {
			err = page_item(c, kind, &page.item[i], scratch);
			arena_reset(scratch);
		}
		left -= page.n;
		next = after = page.next;
		if (!next || !page.n)
			break;
	}
	if (!err)
		reply_page_end(c, next);
	arena_free(scratch);
	return err;
}

static enum err post(struct call *c, enum store_kind kind)
{
	const struct sm_tree *t;
	const char *id = AAS_ID(c->node);
	enum err err = sm_create(c->session, kind, c->node);
	if (!err)
		err = sm_get(c->session, kind, id, &t);
	if (err)
		return err;
	c->reply.version = t->version;
	reply_created(c, "%s/%s", kinds[kind].path, reply_b64(c, id));
	return reply_node(c, sm_tree_node(t));
}

enum err op_list_shells(struct call *c)
{
	return list(c, STORE_SHELL);
}

enum err op_list_submodels(struct call *c)
{
	return list(c, STORE_SUBMODEL);
}

enum err op_list_cds(struct call *c)
{
	return list(c, STORE_CONCEPT);
}

enum err op_post_shell(struct call *c)
{
	return post(c, STORE_SHELL);
}

enum err op_post_submodel(struct call *c)
{
	return post(c, STORE_SUBMODEL);
}

enum err op_post_cd(struct call *c)
{
	return post(c, STORE_CONCEPT);
}
