/* SPDX-License-Identifier: Apache-2.0
 * op_query.c - POST /query/...: the AAS query language over the repositories and the registries (IDTA-01002 V3.1, query operations).
 */
#include "aas/query.h"
#include "server/op.h"
#include "server/page.h"
#include "submodels/registry.h"

#define PORTION 256		/* documents, as many as fit into LOAN_BYTES */
#define PORTION_AT_ONCE 64	/* descriptors, and what was: those are all there at once */

/* "Identifier" takes the place of the class when ids are selected. */
static const struct {
	enum aas_class_id cls;
	enum store_kind kind;
} answers[] = {
	{ AAS_AssetAdministrationShell, STORE_SHELL }, { AAS_Submodel, STORE_SUBMODEL }, { AAS_ConceptDescription, STORE_CONCEPT },
	{ AAS_AssetAdministrationShellDescriptor, STORE_SHELL_DESCRIPTOR }, { AAS_SubmodelDescriptor, STORE_SUBMODEL_DESCRIPTOR },
};

static enum err add_id(struct call *c, const char *id)
{
	struct buf b = BUF_INIT;
	buf_json(&b, id, strlen(id));
	reply_page_raw(c, buf_view(&b));
	enum err err = b.failed ? ERR_NO_MEMORY : ERR_OK;
	buf_fini(&b);
	return err;
}

/* A portion of the answer goes to the page; *n of them, *next is where the next one begins; *more: it ended because it was large enough. */
static enum err add(struct call *c, enum store_kind kind, struct store_query *want, const char **next, size_t ask, size_t *n, bool *more,
		    struct arena *scratch)
{
	struct store_page page;
	enum err err = sm_query(c->session, kind, want, *next, ask, &page);
	for (size_t i = 0; !err && i < page.n; i++) {
		err = want->query->ids_only ? add_id(c, page.item[i].id) : page_item(c, kind, &page.item[i], scratch);
		arena_reset(scratch);
	}
	*n = err ? 0 : page.n;
	*next = err ? NULL : page.next;
	*more = !err && (page.cut || page.n == ask);
	return err;
}

static enum err add_descriptors(struct call *c, enum store_kind kind, struct store_query *want, const char **next, size_t ask, size_t *n)
{
	struct sm_descriptors page;
	enum err err = sm_descriptor_query(c->session, kind, want, reply_base_url(c), *next, ask, &page);
	for (size_t i = 0; !err && i < page.n; i++)
		err = want->query->ids_only ? add_id(c, AAS_ID(page.item[i])) : reply_page_node(c, page.item[i]);
	*n = err ? 0 : page.n;
	*next = err ? NULL : page.next;
	return err;
}

static bool gone(void *ctx)
{
	const struct call *c = ctx;
	return c->gone && c->gone(c);
}

/* Until the page is full, there is no more, or as much was looked at as one request may. */
static enum err answer(struct call *c, enum store_kind kind, const struct aas_query *q)
{
	struct store_query want = { q, QUERY_DOCS_MAX, QUERY_STEPS_MAX, sm_loan(c->session, LOAN_BYTES), gone, c, c->found };
	struct arena *scratch = arena_new(0);
	const char *next = c->after;
	enum err err = scratch ? ERR_OK : ERR_NO_MEMORY;
	bool more = true, descriptors = kind == STORE_SHELL_DESCRIPTOR || kind == STORE_SUBMODEL_DESCRIPTOR;
	size_t left = c->limit, ask, n = 0, portion = descriptors || c->in_past ? PORTION_AT_ONCE : PORTION;

	reply_page_begin(c);
	do {
		ask = left < portion ? left : portion;
		if (!err)
			err = descriptors ? add_descriptors(c, kind, &want, &next, ask, &n) : add(c, kind, &want, &next, ask, &n, &more, scratch);
		left -= n;
		more = descriptors ? n == ask : more;
	} while (!err && next && more && left && want.docs && c->reply.body.n < PAGE_BYTES);
	if (!err)
		reply_page_end(c, next);
	arena_free(scratch);
	return err;
}

enum err op_query_read(struct call *c, enum store_kind *kind)
{
	size_t i = 0;
	while (answers[i].cls != c->route->reply_class)
		i++;
	*kind = answers[i].kind;
	enum err err = c->asked ? ERR_OK : aas_query_read(c->arena, *kind, c->body.p, c->body.n, &c->asked, &c->diag);
	if (!err)
		c->reply.result_type = c->asked->ids_only ? "Identifier" : aas_classes[answers[i].cls].name;
	return err;
}

enum err op_query(struct call *c)
{
	enum store_kind kind;
	enum err err = op_query_read(c, &kind);
	return err ? err : answer(c, kind, c->asked);
}
