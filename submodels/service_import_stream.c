/* SPDX-License-Identifier: Apache-2.0
 * service_import_stream.c - an environment larger than memory into the store: one transaction, all or nothing, in portions of bounded size.
 */
#include "aas/environment.h"
#include "aas/rules.h"
#include "aas/tree.h"
#include "submodels/session.h"

#define PORTION 256
#define PORTION_BYTES ((size_t)16 << 20)	/* of trees */

struct stream {
	struct sm_session *s;
	enum sm_import_mode mode;
	struct sm_import_report *report;
	struct sm_import_item **tail;
	struct arena *arena;		/* of the portion */
	enum store_kind kind;
	const struct aas_node *node[PORTION];
	size_t n;
	struct map seen[STORE_N_KINDS];
};

static enum err no_memory(struct stream *st)
{
	return diag_add(st->s->diag, ERR_NO_MEMORY, "out of memory");
}

static enum err tell(struct stream *st, const struct aas_node *n, const char *done, size_t *count)
{
	struct sm_import_item *i;
	++*count;
	if (st->report->n_items++ >= SM_IMPORT_ITEMS)
		return ERR_OK;
	if (!(i = ARENA_NEW(st->s->arena, struct sm_import_item)) || !(i->id = arena_strdup(st->s->arena, AAS_ID(n))))
		return no_memory(st);
	i->kind = st->kind;
	i->done = done;
	*st->tail = i;
	st->tail = &i->next;
	return ERR_OK;
}

/* Those to be created are gathered at the front of `fresh`. */
static enum err bring(struct stream *st, const struct aas_node *n, bool has, const struct aas_node **fresh, size_t *n_fresh)
{
	bool created = false;
	enum err err;
	if (!has) {
		fresh[(*n_fresh)++] = n;
		return tell(st, n, "created", &st->report->created);
	}
	if (st->mode == SM_IMPORT_IGNORE_DUPLICATES)
		return tell(st, n, "skipped", &st->report->skipped);
	if (st->mode == SM_IMPORT_NEW)
		return diag_add(st->s->diag, ERR_CONFLICT, "a %s with the id \"%s\" exists already", sm_kind_name[st->kind], AAS_ID(n));
	err = *n_fresh ? sm_create_many(st->s, st->kind, fresh, *n_fresh) : ERR_OK;
	*n_fresh = 0;
	if (err || (err = sm_put(st->s, st->kind, AAS_ID(n), (struct aas_node *)(uintptr_t)n, &created)))
		return err;
	sm_spare(st->s, st->kind, AAS_ID(n));
	return created ? tell(st, n, "created", &st->report->created) : tell(st, n, "replaced", &st->report->replaced);
}

/* Where the reader is by now is not the place of these. */
static enum err flush(struct stream *st)
{
	struct diag *d = st->s->diag;
	struct diag_frame *top = d->top;
	const struct aas_node *fresh[PORTION];
	const char *id[PORTION];
	bool has[PORTION];
	size_t n_fresh = 0;
	d->top = NULL;
	for (size_t i = 0; i < st->n; i++)
		id[i] = AAS_ID(st->node[i]);
	enum err err = st->n ? sm_has_many(st->s, st->kind, id, st->n, has) : ERR_OK;
	for (size_t i = 0; i < st->n && !err; i++)
		err = bring(st, st->node[i], has[i], fresh, &n_fresh);
	if (!err && n_fresh)
		err = sm_create_many(st->s, st->kind, fresh, n_fresh);
	d->top = top;
	st->n = 0;
	arena_reset(st->arena);
	return err;
}

static enum err take(void *ctx, struct arena *a, struct aas_node *n, struct diag *d)
{
	struct stream *st = ctx;
	enum store_kind kind = aas_is(n, AAS_Submodel) ? STORE_SUBMODEL : aas_is(n, AAS_ConceptDescription) ? STORE_CONCEPT : STORE_SHELL;
	void *old = NULL;
	(void)a;
	enum err err = aas_rules_check(n, AAS_RULES_LENIENT, d);
	if (!err && (kind != st->kind || st->n == PORTION || arena_used(st->arena) > PORTION_BYTES))
		err = flush(st);
	if (err)
		return err;
	st->kind = kind;
	if (!map_put(&st->seen[kind], AAS_ID(n), strlen(AAS_ID(n)), st, &old))
		return no_memory(st);
	if (old)
		return diag_add(d, ERR_CONFLICT, "a %s with the id \"%s\" comes twice", sm_kind_name[kind], AAS_ID(n));
	if (!(st->node[st->n++] = aas_copy(st->arena, n)))
		return no_memory(st);
	st->report->read++;
	if (st->s->step)
		st->s->step(st->s->step_ctx, st->report);
	return ERR_OK;
}

enum err sm_import_stream(struct sm_session *s, enum err (*read)(struct source, const struct aas_items *, struct diag *), struct source from,
			  enum sm_import_mode mode, struct sm_import_report *report)
{
	struct stream st = { .s = s, .mode = mode, .report = report, .tail = &report->items, .arena = arena_new(0) };
	*report = (struct sm_import_report){ 0 };
	enum err err = st.arena ? read(from, &(struct aas_items){ .item = take, .ctx = &st }, s->diag) : no_memory(&st);
	if (!err)
		err = flush(&st);
	arena_free(st.arena);
	for (int k = 0; k < STORE_N_KINDS; k++)
		map_fini(&st.seen[k]);
	return err;
}
