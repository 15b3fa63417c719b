/* SPDX-License-Identifier: Apache-2.0
 * invoked.c - what is kept of an invocation for the thread of an asset's life: who asked for what, and what came of it.
 *
 * Nobody waits for the disk: the row is written when the outcome is known, and a failure to write it is logged, for the asset has acted already.
 */
#include "aas/json.h"
#include "base/buf.h"
#include "base/log.h"
#include "submodels/session.h"

#define TEXT_MAX 16384		/* bytes that are kept of arguments, and of outputs */

static void add_list(struct buf *b, const struct aas_node *list)
{
	for (; list && b->n <= TEXT_MAX; list = list->next) {
		buf_putc(b, b->n ? ',' : '[');
		aas_json_write(b, list);
	}
}

/* A JSON array of both lists, or the beginning of it; NULL when there is nothing. */
static const char *text_of(struct buf *b, const struct aas_node *one, const struct aas_node *other)
{
	buf_init(b, 0);
	add_list(b, one);
	add_list(b, other);
	if (!b->n || b->failed)
		return NULL;
	size_t n = b->n;
	if (n > TEXT_MAX)
		for (n = TEXT_MAX; n && ((unsigned char)b->p[n] & 0xC0) == 0x80; n--)
			;
	bool cut = n < b->n;
	b->n = n;
	buf_puts(b, cut ? "\xE2\x80\xA6" : "]");
	return buf_reserve(b, 1) ? buf_view(b).p : NULL;
}

void sm_invocation_keep(struct sm_service *service, const struct sm_invocation *in, const struct sm_outcome *out, struct store_invoked *row)
{
	struct store *st = service->conf.store;
	struct buf inputs, outputs;
	row->submodel_id = in->submodel_id;
	row->path = in->path;
	row->actor = in->actor;
	row->request = in->request;
	row->message = out->message;
	row->state = execution_state_name(out->state);
	row->inputs = text_of(&inputs, in->inputs, in->inoutputs);
	row->outputs = text_of(&outputs, out->outputs, out->inoutputs);
	enum err e = st->ops->invoked(st, row);
	if (e)
		log_error("operation", "an invocation of %s that is %s is not kept: %s", in->path, row->state, err_info[e].text);
	buf_fini(&inputs);
	buf_fini(&outputs);
}
