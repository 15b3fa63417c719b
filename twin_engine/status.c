/* SPDX-License-Identifier: Apache-2.0
 * status.c - what the engine tells about itself and its models, as live values of Properties that the documents have.
 *
 * Nothing is pushed: whoever changes a state marks the twin dirty, and every 200 ms at most all rows are looked at and those whose text
 * differs from what was shown last are written.  Urgent rows (states) are looked at at once.
 */
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "twin_engine/core.h"
#include "twin_engine/prediction.h"

#define PREDICT_INTERVAL_US (2 * US_PER_S)
#define SAVE_INTERVAL_US (10 * US_PER_S)
#define KEEP_INTERVAL_US (60 * US_PER_S)

/* prediction.h's words, then these */
enum what {
	STATE = PREDICTION_N, RATE, MESSAGES, REJECTED, ERROR, LINK_QUALITY, LINK_TIME, MODEL_RESIDUAL, MODEL_PREDICTED, MODEL_HEALTH,
	MODEL_STATE, MODEL_VERSION, MODEL_CALIBRATION, PREDICTED_BY, MODEL_MEMORY
};

static const struct {
	const char *path;
	uint8_t what;
	bool urgent, model;
} fixed[] = {
	{ "Connection.State", STATE, true, false }, { "Connection.MessageRate", RATE, false, false },
	{ "Connection.Messages", MESSAGES, false, false }, { "Connection.Rejected", REJECTED, false, false },
	{ "Connection.LastError", ERROR, false, false }, { "Model.HealthIndex", MODEL_HEALTH, false, true },
	{ "Model.State", MODEL_STATE, true, true }, { "Model.Version", MODEL_VERSION, true, true },
	{ "Model.Calibration", MODEL_CALIBRATION, false, true }, { "Model.Memory", MODEL_MEMORY, false, true },
};
#define N_FIXED (sizeof fixed / sizeof *fixed)

static const char predicted_by[] = "RemainingUsefulLifePrediction.PredictionModelInformation.ModelVersion";

static void add(struct twin *t, const char *submodel_id, const char *path, uint8_t what, size_t index, bool urgent)
{
	t->status[t->n_status++] = (struct status){ .submodel_id = submodel_id, .path = path, .what = what, .index = (uint16_t)index,
						     .urgent = urgent, .at_us = TIME_NONE };
}

static void count_prediction(void *ctx, const char *path, enum prediction_what what, size_t index)
{
	(void)path, (void)what, (void)index;
	++*(size_t *)ctx;
}

static void add_prediction(void *ctx, const char *path, enum prediction_what what, size_t index)
{
	struct twin *t = ctx;
	add(t, t->prediction->id, arena_strdup(t->arena, path), (uint8_t)what, index, false);
}

bool status_init(struct twin *t)
{
	const struct model_kind *k = t->model ? t->setup.kind : NULL;
	size_t n = N_FIXED + 2 * t->setup.n_links + (k ? 2 * k->n_outputs : 0);
	if (k && t->prediction) {
		prediction_each(k, count_prediction, &n);
		n++;
	}
	t->n_status = 0;
	if (!(t->status = ARENA_ARRAY(t->arena, struct status, n)))
		return false;
	for (size_t i = 0; i < N_FIXED; i++)
		if (k || !fixed[i].model)
			add(t, t->id, fixed[i].path, fixed[i].what, 0, fixed[i].urgent);
	for (size_t i = 0; i < t->setup.n_links; i++) {
		add(t, t->id, arena_printf(t->arena, "Links.%s.Quality", t->setup.link[i].name), LINK_QUALITY, i, false);
		add(t, t->id, arena_printf(t->arena, "Links.%s.SourceTime", t->setup.link[i].name), LINK_TIME, i, false);
	}
	for (size_t i = 0; k && i < k->n_outputs; i++) {
		add(t, t->id, arena_printf(t->arena, "Model.Residuals.%s", k->output[i].name), MODEL_RESIDUAL, i, false);
		add(t, t->id, arena_printf(t->arena, "Model.Predicted.%s", k->output[i].name), MODEL_PREDICTED, i, false);
	}
	if (k && t->prediction) {
		prediction_each(k, add_prediction, t);
		add(t, t->prediction->id, predicted_by, PREDICTED_BY, 0, false);
	}
	return !arena_failed(t->arena);
}

/* Which model it is and what it has learned is kept by the same way, whether there is an element to show it or not. */
static bool always(uint8_t what)
{
	return what == MODEL_MEMORY || what == MODEL_VERSION || what == MODEL_CALIBRATION || what == PREDICTED_BY;
}

void status_resolve(struct twin *t)
{
	for (size_t i = 0; i < t->n_status; i++) {
		struct status *s = &t->status[i];
		const struct outline *o = s->submodel_id == t->id ? t->outline : t->prediction->outline;
		uintptr_t type;
		bool is_range;
		s->exists = always(s->what) || (o && outline_find(o, s->path, &type, &is_range));
	}
	t->dirty = true;
}

static bool put_double(struct buf *b, double v)
{
	char text[STR_DOUBLE_MAX];
	if (isnan(v))
		return false;
	buf_put(b, text, str_of_double(text, v));
	return true;
}

/* The text of a row now; false: no value. */
static bool row_text(const struct twin *t, const struct status *s, int64_t now_us, struct buf *b)
{
	const struct link *l = s->what == LINK_QUALITY || s->what == LINK_TIME ? &t->link[s->index] : NULL;
	char text[TIME_TEXT_MAX];
	switch (s->what) {
	case STATE:
		buf_puts(b, t->engine->connection);
		return true;
	case RATE:
		return put_double(b, twin_rate(t, now_us));
	case MESSAGES:
	case REJECTED:
		buf_printf(b, "%llu", (unsigned long long)(s->what == MESSAGES ? t->messages : t->rejected));
		return true;
	case ERROR:
		buf_puts(b, t->error);
		return true;
	case LINK_QUALITY:
		buf_puts(b, quality_name(l->quality));
		return true;
	case LINK_TIME:
		if (l->last_us != TIME_NONE)
			buf_put(b, text, time_format(text, l->last_us));
		return l->last_us != TIME_NONE;
	case MODEL_RESIDUAL:
	case MODEL_PREDICTED:
		return put_double(b, s->what == MODEL_RESIDUAL ? t->view.output[s->index].residual : t->view.output[s->index].predicted);
	case MODEL_HEALTH:
		return put_double(b, isnan(t->view.health) ? NAN : round(t->view.health * 1e4) / 1e4);
	case MODEL_VERSION:
	case PREDICTED_BY:
		model_version(t->model, b);
		return s->what == MODEL_VERSION || (t->view.evidence && !isnan(t->view.rul.q50));
	case MODEL_CALIBRATION:
		model_calibration(t->model, b);
		return b->n > 0;
	case MODEL_STATE:
		buf_puts(b, model_state_name[t->view.state]);
		return true;
	default:
		return prediction_text(&(struct prediction_source){ t->setup.kind, &t->view, t->predicted_us }, (enum prediction_what)s->what,
				       s->index, b);
	}
}

/* What history keeps beside what is measured: how states changed, and once a minute what the model says about the asset's life. */
enum keep { KEEP_NOTHING, KEEP_CHANGES, KEEP_MINUTES };

static enum keep keeps(const struct status *s)
{
	static const uint8_t kept[] = {
		[STATE] = KEEP_CHANGES, [LINK_QUALITY] = KEEP_CHANGES, [MODEL_STATE] = KEEP_CHANGES, [PREDICTION_ALERT] = KEEP_CHANGES,
		[MODEL_HEALTH] = KEEP_MINUTES, [PREDICTION_DURATION] = KEEP_MINUTES, [PREDICTION_INTERVAL] = KEEP_MINUTES,
		[PREDICTED_BY] = KEEP_MINUTES, [MODEL_VERSION] = KEEP_CHANGES, [MODEL_CALIBRATION] = KEEP_CHANGES,
		[MODEL_MEMORY] = KEEP_NOTHING,
	};
	return (enum keep)kept[s->what];
}

static void keep(struct engine *e, const struct status *s, const char *text, int64_t now_us)
{
	static const char *const unit[] = { [PREDICTION_DURATION] = "h", [PREDICTION_INTERVAL] = "h", [MODEL_MEMORY] = NULL };
	double num = NAN;
	if (keeps(s) == KEEP_MINUTES && !str_double(text, strlen(text), &num))
		num = NAN;	/* a Range is two numbers */
	e->port.sample(e->port.ctx, &(struct engine_sample){ s->submodel_id, s->path, unit[s->what], now_us, num, text, QUALITY_GOOD, 0 });
}

static void show(struct twin *t, struct status *s, int64_t now_us, bool minute)
{
	struct engine *e = t->engine;
	struct buf *b = &e->text;
	buf_reset(b);
	bool value;
	if (s->what == MODEL_MEMORY) {
		if (now_us < t->save_us || t->view.time_us == TIME_NONE)
			return;
		t->save_us = now_us + SAVE_INTERVAL_US;
		model_save(t->model, b);
		value = true;
	} else {
		value = row_text(t, s, now_us, b);
	}
	if (!buf_reserve(b, 1))
		return;
	uint64_t hash = (value ? hash_bytes(b->p, b->n) : 0) | 1;
	if (value && (keeps(s) == KEEP_MINUTES ? minute : keeps(s) == KEEP_CHANGES && hash != s->shown))
		keep(e, s, b->p, now_us);
	if (hash == s->shown)
		return;
	s->shown = hash;
	s->at_us = now_us;
	e->port.live(e->port.ctx, s->submodel_id, s->path, value ? b->p : NULL, QUALITY_GOOD, now_us);
}

/* Looking is cheap, predicting is not: every two seconds, and when evidence or state change.  A stopped model keeps its last one. */
static void look(struct twin *t, int64_t now_us)
{
	struct model_view v;
	model_look(t->model, false, &v);
	bool changed = v.evidence != t->view.evidence || v.state != t->view.state;
	bool predict = v.evidence && (changed || now_us >= t->predict_us) && (v.state != MODEL_STOPPED || isnan(t->view.rul.q50));
	if (predict) {
		model_look(t->model, true, &v);
		t->predict_us = now_us + PREDICT_INTERVAL_US;
		t->predicted_us = now_us;
	} else if (v.evidence) {
		v.rul = t->view.rul;
	}
	t->urgent |= v.state != t->view.state;
	t->view = v;
}

void status_refresh(struct twin *t, int64_t now_us)
{
	if (!t->dirty)
		return;
	bool all = now_us >= t->refresh_us;
	if (t->model && (all || t->urgent || t->stepped))
		look(t, now_us);
	t->stepped = false;
	if (!all && !t->urgent) {
		due_at(t->engine, t->refresh_us);
		return;
	}
	bool minute = all && t->view.evidence && now_us >= t->keep_us;
	if (minute)
		t->keep_us = now_us + KEEP_INTERVAL_US;
	for (size_t i = 0; i < t->n_status; i++) {
		struct status *s = &t->status[i];
		if (s->exists && (all || (s->urgent && t->urgent)))
			show(t, s, now_us, minute);
	}
	t->urgent = false;
	if (all) {
		t->dirty = false;
		t->refresh_us = now_us + STATUS_INTERVAL_US;
	} else {
		due_at(t->engine, t->refresh_us);
	}
}
