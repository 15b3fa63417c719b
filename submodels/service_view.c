/* SPDX-License-Identifier: Apache-2.0
 * service_view.c - what GET answers: a tree through its view, with the live values laid over.
 */
#include <stdlib.h>

#include "aas/path.h"
#include "base/clock.h"
#include "base/map.h"
#include "submodels/past.h"
#include "submodels/session.h"

/* The live values of one submodel, found by idShortPath. */
struct overlay {
	const struct live_value **place;	/* open addressing, a power of two places, at most half full */
	size_t mask;
	struct buf path;			/* scratch */
};

static bool overlay_make(struct overlay *o, struct arena *a, const struct live_value *v, size_t n)
{
	size_t cap = 8;
	while (cap < 2 * n)
		cap *= 2;
	o->mask = cap - 1;
	if (!(o->place = ARENA_ARRAY(a, const struct live_value *, cap)))
		return false;
	for (size_t i = 0; i < n; i++) {
		size_t at = hash_bytes(v[i].path, strlen(v[i].path)) & o->mask;
		while (o->place[at])
			at = (at + 1) & o->mask;
		o->place[at] = &v[i];
	}
	return true;
}

static const char *overlay_text(void *ctx, const struct aas_node *n)
{
	struct overlay *o = ctx;
	const struct live_value *v;
	buf_reset(&o->path);
	aas_path_write(&o->path, n);
	if (o->path.failed || !o->path.n)
		return NULL;
	for (size_t at = hash_bytes(o->path.p, o->path.n) & o->mask; (v = o->place[at]); at = (at + 1) & o->mask)
		if (slice_is(buf_view(&o->path), v->path))
			return v->text ? v->text : aas_view_absent;
	return NULL;
}

/* A leaf needs one value, anything else all of its submodel. */
static enum err live_values(struct live *l, const char *sm_id, const struct aas_node *n, struct arena *a, struct live_value **v,
			    size_t *count)
{
	struct buf path = BUF_INIT;
	uint64_t seq;
	enum err err;

	if (!aas_is(n, AAS_Property))
		return live_list(l, sm_id, 0, a, v, count, &seq);
	aas_path_write(&path, n);
	*count = 0;
	if (path.failed || !(*v = ARENA_NEW(a, struct live_value)))
		err = ERR_NO_MEMORY;
	else if (!(err = live_get(l, sm_id, path.p ? path.p : "", a, *v)))
		*count = 1;
	buf_fini(&path);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* The tree, with these values laid over. */
static enum err write_over(struct buf *b, const struct aas_node *n, const struct aas_view *view, struct arena *a, const struct live_value *v,
			   size_t n_values, struct diag *d)
{
	struct overlay o = { .path = BUF_INIT };
	struct aas_view with = *view;
	if (!overlay_make(&o, a, v, n_values))
		return ERR_NO_MEMORY;
	with.live = overlay_text;
	with.live_ctx = &o;
	enum err err = aas_view_write(b, n, &with, d);
	buf_fini(&o.path);
	return err;
}

static bool shows_live(const struct sm_service *s, const char *sm_id, const struct aas_view *view)
{
	return sm_id && s->conf.live && (view->modifier == AAS_NORMAL || view->modifier == AAS_VALUE) && live_has(s->conf.live, sm_id);
}

enum err sm_write(struct sm_service *s, struct buf *b, const char *sm_id, const struct aas_node *n, const struct aas_view *view,
		  struct diag *d)
{
	struct live_value *v;
	size_t n_values;
	if (!shows_live(s, sm_id, view))
		return aas_view_write(b, n, view, d);
	struct arena *a = arena_new(0);
	enum err err = a ? live_values(s->conf.live, sm_id, n, a, &v, &n_values) : ERR_NO_MEMORY;
	if (!err)
		err = write_over(b, n, view, a, v, n_values, d);
	arena_free(a);
	return err;
}

/* -- a document alone ------------------------------------------------------------------------------------------------------------------ */
struct reading {
	struct store_read read;
	struct sm_service *service;
	struct sm_shared *shared;
	uint64_t epoch;
	void (*done)(void *ctx, const struct sm_tree *);
	void *ctx;
};

bool sm_is_cached(struct sm_service *s, enum store_kind kind, const char *id)
{
	struct sm_shared *there = sm_cache_hears(s->cache) ? sm_cache_structure(s->cache, kind, id) : NULL;
	sm_shared_drop(there);
	return there != NULL;
}

/* In the thread of the store. */
static void read_done(struct store_read *r)
{
	struct reading *g = r->ctx;
	if (r->err) {
		sm_shared_drop(g->shared);
		g->done(g->ctx, NULL);
		free(g);
		return;
	}
	sm_shared_document(g->shared, r->doc.json, r->doc.version);
	sm_cache_fill(g->service->cache, g->shared, g->epoch);
	g->done(g->ctx, &g->shared->tree);
	free(g);
}

bool sm_read_later(struct sm_service *s, enum store_kind kind, const char *id, void (*done)(void *ctx, const struct sm_tree *), void *ctx)
{
	struct store *st = s->conf.store;
	struct reading *g = st && st->ops->read ? malloc(sizeof *g) : NULL;
	struct sm_shared *shared = g ? sm_shared_new(kind, id) : NULL;
	if (!shared) {
		free(g);
		return false;
	}
	*g = (struct reading){ .service = s, .shared = shared, .epoch = sm_cache_epoch(s->cache), .done = done, .ctx = ctx };
	g->read = (struct store_read){ .kind = kind, .id = shared->id, .arena = shared->arena, .done = read_done, .ctx = g };
	st->ops->read(st, &g->read);
	return true;
}

bool sm_is_live(struct sm_service *s, const char *sm_id)
{
	return s->conf.live && live_has(s->conf.live, sm_id);
}

/* -- as it was ------------------------------------------------------------------------------------------------------------------------ */

/* The sample of that time of one element that is fed by telemetry.  *there: there was one. */
static enum err sample_then(struct sm_session *s, struct arena *a, struct live_value *v, bool *there)
{
	struct store *st = s->service->conf.store;
	struct store_sample *sample;
	int64_t series;
	size_t n = 0;
	char num[STR_DOUBLE_MAX];
	enum err err = st->ops->series(st, v->submodel_id, v->path, NULL, &series);
	if (!err)
		err = st->ops->samples(st, series, INT64_MIN + 1, s->at_us < INT64_MAX ? s->at_us + 1 : INT64_MAX, 1, a, &sample, &n);
	*there = !err && n;
	if (!*there)
		return err == ERR_NOT_FOUND ? ERR_OK : err;
	if (!sample->text)
		str_of_double(num, sample->num);
	v->text = sample->text ? sample->text : arena_strdup(a, num);
	return v->text ? ERR_OK : ERR_NO_MEMORY;
}

enum err sm_write_past(struct sm_session *s, struct buf *b, const char *sm_id, const struct aas_node *n, const struct aas_view *view,
		       struct diag *d)
{
	struct live_value *v;
	size_t count = 0, k = 0;
	if (!shows_live(s->service, sm_id, view))
		return aas_view_write(b, n, view, d);
	struct arena *a = arena_new(0);
	enum err err = a ? live_values(s->service->conf.live, sm_id, n, a, &v, &count) : ERR_NO_MEMORY;
	for (size_t i = 0; i < count && !err; i++) {
		bool there;
		err = sample_then(s, a, &v[i], &there);
		if (there)
			v[k++] = v[i];
	}
	if (!err)
		err = write_over(b, n, view, a, v, k, d);
	arena_free(a);
	return err;
}
