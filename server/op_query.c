/* SPDX-License-Identifier: Apache-2.0
 * op_query.c - POST /query/...: the AAS query language over the repositories (IDTA-01002 V3.1, query operations).
 */
#include "aas/query.h"
#include "server/op.h"
#include "server/page.h"

#define PORTION 64

/* "Identifier" takes the place of the class when ids are selected. */
static const struct {
	enum aas_class_id cls;
	enum store_kind kind;
} answers[] = {
	{ AAS_AssetAdministrationShell, STORE_SHELL }, { AAS_Submodel, STORE_SUBMODEL }, { AAS_ConceptDescription, STORE_CONCEPT },
};

static enum err add(struct call *c, enum store_kind kind, const struct aas_query *q, const struct store_page *page, struct arena *scratch)
{
	enum err err = ERR_OK;
	for (size_t i = 0; i < page->n && !err; i++) {
		struct buf id = BUF_INIT;
		if (!q->ids_only) {
			err = page_item(c, kind, &page->item[i], scratch);
			arena_reset(scratch);
			continue;
		}
		buf_json(&id, page->item[i].id, strlen(page->item[i].id));
		reply_page_raw(c, buf_view(&id));
		err = id.failed ? ERR_NO_MEMORY : ERR_OK;
		buf_fini(&id);
	}
	return err;
}

/* Until the page is full, there is no more, or as much was looked at as one request may. */
static enum err answer(struct call *c, enum store_kind kind, const struct aas_query *q)
{
	struct store_query want = { q, QUERY_DOCS_MAX, QUERY_STEPS_MAX };
	struct arena *scratch = arena_new(0);
	struct store_page page = { 0 };
	const char *next = c->after;
	enum err err = scratch ? ERR_OK : ERR_NO_MEMORY;
	size_t left = c->limit, ask;

	reply_page_begin(c);
	do {
		ask = left < PORTION ? left : PORTION;
		if (!err)
			err = sm_query(c->session, kind, &want, next, ask, &page);
		if (!err)
			err = add(c, kind, q, &page, scratch);
		next = page.next;
		left -= page.n;
	} while (!err && next && page.n == ask && left && want.docs && c->reply.body.n < PAGE_BYTES);
	if (!err)
		reply_page_end(c, next);
	arena_free(scratch);
	return err;
}

enum err op_query(struct call *c)
{
	struct aas_query *q;
	size_t i = 0;
	while (answers[i].cls != c->route->reply_class)
		i++;
	enum err err = aas_query_read(c->arena, answers[i].kind, c->body.p, c->body.n, &q, &c->diag);
	if (err)
		return err;
	c->reply.result_type = q->ids_only ? "Identifier" : aas_classes[answers[i].cls].name;
	return answer(c, answers[i].kind, q);
}
