/* SPDX-License-Identifier: Apache-2.0 */
#include "twin_engine/model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "twin_engine/words.h"

#define SETTLE_S 5.0		/* after a start, before anything is learned */
#define STEADY_S 3.0		/* inputs are compared with their mean over so long */
#define STEADY_PART 0.08
#define SUBSTEP_S 5.0
#define SUBSTEPS_MAX 240
#define GAP_S 3600.0		/* the states are taken from the measurements again after so long */
#define MOVED 0.5		/* steps of the operating point after which a bias begins to be another one */
#define SETTLING_STEPS 4.0	/* a move of so many unsettles as much as a start */
#define FAMILIAR_PART 0.5	/* of the error of the equations: known better than this, a region is familiar */
#define LAG_TIMES 3.0		/* a late output follows a jump of another one for so many times its lateness */
#define LAG_SD 0.3		/* ... and by so much in each of them, without that being a trend */
#define HOUR 3600.0
#define INPUT_MOST 1e9

#define M(symbol) extern const struct model_kind model_##symbol;
#include "twin_engine/models.def"
#undef M

static const struct model_kind *const kinds[] = {
#define M(symbol) &model_##symbol,
#include "twin_engine/models.def"
#undef M
};

enum common { LIFE, LIFE_SD, MIN_SAMPLES, MIN_TIME, DEGRADED_AT, PRE_ALERT, N_COMMON };

static const struct model_param common[N_COMMON] = {
	[LIFE] = { "ExpectedLife", "h", 20000, 0.01, 1e6, "median life of assets of this kind" },
	[LIFE_SD] = { "ExpectedLifeSd", "h", 8000, 0.001, 1e6, "how far lives differ" },
	[MIN_SAMPLES] = { "MinimumSamples", "1", 60, 2, 1e6, "samples while running before there is evidence" },
	[MIN_TIME] = { "MinimumTime", "s", 20, 0, 1e7, "time running before there is evidence" },
	[PRE_ALERT] = { "PreAlert", "h", 168, 0, 1e6, "remaining life below which maintenance is called for" },
	[DEGRADED_AT] = { "DegradedAt", "1", 0.15, 0.01, 1, "degradation from which the state is degrading" },
};

const char *const model_state_name[] = { "not enough evidence", "ok", "degrading", "failed", "stopped" };

struct seen {
	double n, mean, m2, max;
};

struct model {
	const struct model_kind *kind;
	double param[MODEL_PARAMS];
	double x[MODEL_STATES], in[MODEL_INPUTS], mean_in[MODEL_INPUTS];
	bool started, stopped, degrading;
	int64_t time_us;
	double on_s;			/* since the last start */
	struct place place;		/* where it works */
	double anchor[2];		/* the operating point that the bias belongs to */
	double unsettled[MODEL_OUTPUTS];	/* 1: as after a start .. 0: long at one operating point */
	double keep;			/* what part of the bias has survived the move since the last sample */
	double samples, steady_s, running_s;
	double predicted[MODEL_OUTPUTS], residual[MODEL_OUTPUTS];
	bool measured[MODEL_OUTPUTS];	/* ever */
	struct calibration cal[MODEL_OUTPUTS];
	double lag_s[MODEL_OUTPUTS];	/* still to go */
	struct health health[MODEL_OUTPUTS];
	struct seen seen[MODEL_INPUTS];
};

/* -- tables ------------------------------------------------------------------------------------------------------------------ */

const struct model_kind *model_kind_find(const char *name)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (str_eq(kinds[i]->name, name))
			return kinds[i];
	return NULL;
}

int model_param_find(const struct model_kind *k, const char *name, const struct model_param **info)
{
	for (size_t i = 0; i < N_COMMON + k->n_params; i++) {
		const struct model_param *p = i < N_COMMON ? &common[i] : &k->param[i - N_COMMON];
		if (str_eq(p->name, name)) {
			*info = p;
			return (int)i;
		}
	}
	return -1;
}

int model_input_find(const struct model_kind *k, const char *name)
{
	for (size_t i = 0; i < k->n_inputs; i++)
		if (str_eq(k->input[i].name, name))
			return (int)i;
	return -1;
}

void model_params_default(const struct model_kind *k, double value[MODEL_PARAMS])
{
	for (size_t i = 0; i < N_COMMON + k->n_params; i++)
		value[i] = i < N_COMMON ? common[i].def : k->param[i - N_COMMON].def;
}

/* -- life -------------------------------------------------------------------------------------------------------------------- */

void model_forget(struct model *m)
{
	const struct model_kind *k = m->kind;
	m->started = m->stopped = m->degrading = false;
	m->time_us = TIME_NONE;
	m->on_s = m->samples = m->steady_s = m->running_s = 0;
	m->anchor[0] = m->anchor[1] = NAN;
	m->keep = 0;
	for (size_t i = 0; i < k->n_inputs; i++)
		m->seen[i] = (struct seen){ .max = -INFINITY };
	for (size_t o = 0; o < k->n_outputs; o++) {
		const struct model_output *out = &k->output[o];
		calibration_init(&m->cal[o], out->n_terms, out->scale_sd, out->shape_sd, out->region_sd);
		m->predicted[o] = m->residual[o] = NAN;
		m->lag_s[o] = 0;
		m->measured[o] = false;
		health_init(&m->health[o], m->param[LIFE], m->param[LIFE_SD]);
	}
}

struct model *model_new(const struct model_kind *k, const double param[MODEL_PARAMS])
{
	struct model *m = calloc(1, sizeof *m);
	if (!m)
		return NULL;
	m->kind = k;
	memcpy(m->param, param, sizeof m->param);
	model_forget(m);
	return m;
}

void model_free(struct model *m)
{
	free(m);
}

const struct model_kind *model_kind_of(const struct model *m)
{
	return m->kind;
}

/* -- step -------------------------------------------------------------------------------------------------------------------- */

static bool evidence(const struct model *m)
{
	return m->samples >= m->param[MIN_SAMPLES] && m->steady_s >= m->param[MIN_TIME];
}

static void measurements(const struct model *m, double *y)
{
	for (size_t o = 0; o < m->kind->n_outputs; o++)
		y[o] = NAN;
	for (size_t i = 0; i < m->kind->n_inputs; i++)
		if (m->kind->input[i].output >= 0)
			y[m->kind->input[i].output] = m->in[i];
}

static void integrate(struct model *m, double dt)
{
	double n = fmin(ceil(dt / SUBSTEP_S), SUBSTEPS_MAX);
	for (double i = 0; i < n; i++)
		m->kind->step(m->param + N_COMMON, m->in, dt / n, m->x);
}

/* Nothing is learned while the operating point moves: pipes, motors and sensors lag behind each other. */
static bool steady(struct model *m, double dt)
{
	bool all = m->on_s >= SETTLE_S;
	for (size_t i = 0; i < m->kind->n_inputs; i++) {
		if (m->kind->input[i].role != MODEL_REQUIRED)
			continue;
		double *mean = &m->mean_in[i], v = m->in[i];
		*mean = m->on_s > 0 ? *mean + (v - *mean) * -expm1(-dt / STEADY_S) : v;
		if (fabs(v - *mean) > STEADY_PART * fabs(*mean))
			all = false;
	}
	return all;
}

/* The place on the map, and how much of the bias has been left behind on the way there. */
static void find_place(struct model *m)
{
	double in[MODEL_INPUTS], at[2];
	for (size_t i = 0; i < m->kind->n_inputs; i++)
		in[i] = m->kind->input[i].role == MODEL_REQUIRED ? m->mean_in[i] : m->in[i];
	m->kind->operation(m->param + N_COMMON, in, at);
	calibration_place(&m->place, at[0], at[1]);
	double far = hypot(at[0] - m->anchor[0], at[1] - m->anchor[1]);
	if (far < MOVED)
		return;
	m->keep *= isnan(far) ? 0 : exp(-far);
	for (size_t o = 0; o < m->kind->n_outputs; o++)
		m->unsettled[o] = isnan(far) ? 1 : fmin(m->unsettled[o] + far / SETTLING_STEPS, 1);
	memcpy(m->anchor, at, sizeof at);
}

/* One measurement of one output: the innovation is shared between what is not known of the asset and its wear. */
static void learn(struct model *m, size_t o, const double *term, double limit, double dt)
{
	const struct model_output *out = &m->kind->output[o];
	struct calibration *c = &m->cal[o];
	struct health *h = &m->health[o];
	double d, vd, least = out->noise * limit, e = m->residual[o];
	calibration_noise(c, e, least * least);
	health_estimate(h, &d, &vd);
	if (evidence(m)) {
		double gain = out->gain_sd * d, own = out->error * out->error, late = m->unsettled[o] * out->follow_sd;
		double var = own + gain * gain + late * late + calibration_factor_var(c, term, limit) + calibration_region_var(c, &m->place);
		/* what belongs to the place stays as long as the asset does */
		double moving = own / out->memory_s + (late > 0 ? late * late / out->follow_s : 0);
		health_bias(h, m->keep * exp(-dt * moving / var), sqrt(var));
		health_update(h, out->sign * e / limit, c->noise / (limit * limit));
		health_estimate(h, &d, &vd);
	}
	struct calibration_sight s = { term, &m->place, limit, e - out->sign * d * limit, vd, out->error,
				       1 + 2 * out->memory_s / fmax(dt, 1e-3), m->param[MIN_SAMPLES] };
	double moved = calibration_learn(c, &s);
	if (evidence(m))
		health_corrected(h, out->sign * moved);
}

/* Iron warms up for an hour after a bearing has failed in a second: what a fast output shows as a jump, a slow one must not show as a
 * trend. */
static void follow(struct model *m, size_t jumped)
{
	for (size_t o = 0; o < m->kind->n_outputs; o++)
		if (m->kind->output[o].follow_s > m->kind->output[jumped].follow_s)
			m->lag_s[o] = LAG_TIMES * m->kind->output[o].follow_s;
}

static void lag(struct model *m, size_t o, double dt)
{
	if (m->lag_s[o] <= 0)
		return;
	health_wander(&m->health[o], LAG_SD * LAG_SD * fmin(dt, m->lag_s[o]) / m->kind->output[o].follow_s);
	m->lag_s[o] -= dt;
}

static void see(struct model *m)
{
	for (size_t i = 0; i < m->kind->n_inputs; i++) {
		struct seen *s = &m->seen[i];
		double v = m->in[i], delta = v - s->mean;
		if (isnan(v))
			continue;
		s->n++;
		s->mean += delta / s->n;
		s->m2 += delta * (v - s->mean);
		s->max = fmax(s->max, v);
	}
}

/* It works where every output has been seen for long. */
static bool familiar(const struct model *m)
{
	for (size_t o = 0; o < m->kind->n_outputs; o++)
		if (m->measured[o] && calibration_region_var(&m->cal[o], &m->place) > FAMILIAR_PART * FAMILIAR_PART * m->cal[o].prior)
			return false;
	return evidence(m);
}

static void look_at_outputs(struct model *m, bool learning, double dt)
{
	double y[MODEL_OUTPUTS], term[MODEL_TERMS] = { 0 };
	bool any = false;
	measurements(m, y);
	if (learning)
		find_place(m);
	for (size_t o = 0; o < m->kind->n_outputs; o++) {
		struct calibration *c = &m->cal[o];
		m->kind->terms(m->param + N_COMMON, m->in, m->x, o, term);
		double base = calibration_base(c, term), limit = m->kind->limit(m->param + N_COMMON, o, base);
		m->predicted[o] = base + limit * calibration_off(c, &m->place);
		m->residual[o] = y[o] - m->predicted[o];
		if (!isfinite(m->residual[o]) || !learning) {
			c->last = NAN;
			continue;
		}
		m->measured[o] = any = true;
		unsigned jumps = m->health[o].jumps;
		health_predict(&m->health[o], dt / HOUR);
		lag(m, o, dt);
		m->unsettled[o] *= m->kind->output[o].follow_s > 0 ? exp(-dt / m->kind->output[o].follow_s) : 0;
		learn(m, o, term, limit, dt);
		if (m->health[o].jumps != jumps)
			follow(m, o);
	}
	if (any) {
		m->keep = 1;
		m->samples++;
		m->steady_s += dt;
		see(m);
	}
}

/* What no instrument can mean counts as missing.  False: a required input is. */
static bool take_inputs(struct model *m, const double *in)
{
	for (size_t i = 0; i < m->kind->n_inputs; i++) {
		bool usable = fabs(in[i]) < INPUT_MOST;
		if (!usable && m->kind->input[i].role == MODEL_REQUIRED)
			return false;
		m->in[i] = usable ? in[i] : NAN;
	}
	return true;
}

void model_step(struct model *m, int64_t time_us, const double in[MODEL_INPUTS])
{
	const struct model_kind *k = m->kind;
	if (m->time_us != TIME_NONE && time_us <= m->time_us)
		return;
	if (!take_inputs(m, in)) {
		model_idle(m);
		return;
	}
	double dt = m->time_us == TIME_NONE ? 0 : (double)(time_us - m->time_us) / 1e6;
	if (!m->started || dt > GAP_S) {
		double y[MODEL_OUTPUTS], theta[MODEL_OUTPUTS][MODEL_TERMS];
		measurements(m, y);
		for (size_t o = 0; o < k->n_outputs; o++)
			memcpy(theta[o], m->cal[o].theta, sizeof theta[o]);
		k->start(m->param + N_COMMON, m->in, y, (const double (*)[MODEL_TERMS])theta, m->x);
		m->started = true;
	} else {
		integrate(m, dt);
	}
	m->time_us = time_us;
	m->stopped = !k->running(m->param + N_COMMON, m->in);
	if (m->stopped) {
		model_idle(m);
		return;
	}
	bool now_steady = steady(m, dt);
	m->on_s += m->on_s > 0 ? dt : 1e-6;
	m->running_s += dt;
	look_at_outputs(m, now_steady && dt > 0, dt);
}

void model_idle(struct model *m)
{
	m->stopped = true;
	m->on_s = 0;
	m->anchor[0] = m->anchor[1] = NAN;
	for (size_t o = 0; o < m->kind->n_outputs; o++)
		m->cal[o].last = NAN;
}

/* -- view -------------------------------------------------------------------------------------------------------------------- */

static enum model_state state_of(const struct model *m, double health)
{
	if (!evidence(m))
		return MODEL_LEARNING;
	if (m->stopped)
		return MODEL_STOPPED;
	return health <= 0 ? MODEL_FAILED : 1 - health >= m->param[DEGRADED_AT] ? MODEL_DEGRADING : MODEL_OK;
}

void model_look(const struct model *m, bool predict, struct model_view *v)
{
	const struct health *mode[MODEL_OUTPUTS];
	size_t n = 0;
	double worst = 0, var;
	*v = (struct model_view){ .evidence = evidence(m), .familiar = familiar(m), .health = NAN, .leading = -1, .time_us = m->time_us,
				  .running_h = m->running_s / HOUR, .pre_alert_h = m->param[PRE_ALERT], .rul = { NAN, NAN, NAN } };
	for (size_t o = 0; o < m->kind->n_outputs; o++) {
		double d = NAN;
		if (v->evidence && m->measured[o]) {
			health_estimate(&m->health[o], &d, &var);
			mode[n++] = &m->health[o];
			if (v->leading < 0 || d > worst) {
				v->leading = (int)o;
				worst = d;
			}
		}
		v->output[o].degradation = d;
		v->output[o].predicted = m->predicted[o];
		v->output[o].residual = m->residual[o];
	}
	for (size_t i = 0; i < m->kind->n_inputs; i++) {
		const struct seen *s = &m->seen[i];
		v->input[i].mean = s->n > 0 ? s->mean : NAN;
		v->input[i].sd = s->n > 1 ? sqrt(s->m2 / (s->n - 1)) : NAN;
		v->input[i].max = s->n > 0 ? s->max : NAN;
	}
	if (n) {
		v->health = fmin(fmax(1 - worst, 0), 1);
		if (predict)
			rul_predict(mode, n, &v->rul);
	}
	v->state = state_of(m, v->health);
}

/* -- memory ------------------------------------------------------------------------------------------------------------------ */

/* FNV-1a over what the learned numbers depend on; base's hash differs from run to run. */
static uint64_t fingerprint(const struct model *m)
{
	uint64_t h = 0xcbf29ce484222325u;
	char text[STR_DOUBLE_MAX];
	for (size_t i = 0; i < N_COMMON + m->kind->n_params; i++) {
		size_t n = str_of_double(text, m->param[i]);
		for (size_t k = 0; k <= n; k++)
			h = (h ^ (unsigned char)text[k]) * 0x100000001b3u;
	}
	return h;
}

void model_version(const struct model *m, struct buf *b)
{
	buf_printf(b, "%s/%u %016llx", m->kind->name, m->kind->revision, (unsigned long long)fingerprint(m));
}

void model_calibration(const struct model *m, struct buf *b)
{
	size_t outputs = 0, points = 0;
	for (size_t o = 0; o < m->kind->n_outputs; o++) {
		size_t n = calibration_points(&m->cal[o]);
		outputs += n > 0;
		points += n;
	}
	if (points)
		buf_printf(b, "%zu of %zu outputs, %zu nodes of the map", outputs, m->kind->n_outputs, points);
}

void model_save(const struct model *m, struct buf *b)
{
	buf_printf(b, "2 %s %016llx %.9g %.9g %.9g", m->kind->name, (unsigned long long)fingerprint(m), m->samples, m->steady_s, m->running_s);
	for (size_t i = 0; i < m->kind->n_inputs; i++)
		buf_printf(b, " %.9g %.9g %.9g %.9g", m->seen[i].n, m->seen[i].mean, m->seen[i].m2, m->seen[i].n > 0 ? m->seen[i].max : 0);
	for (size_t o = 0; o < m->kind->n_outputs; o++) {
		buf_printf(b, " %d", m->measured[o]);
		calibration_save(&m->cal[o], b);
		health_save(&m->health[o], b);
	}
}

static bool word(const char **p, const char *want)
{
	*p += strspn(*p, " ");
	size_t n = strcspn(*p, " ");
	bool good = n == strlen(want) && !memcmp(*p, want, n);
	*p += n;
	return good;
}

static bool numbers(const char **p, double *const *out, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!word_double(p, out[i]))
			return false;
	return true;
}

static bool load_output(struct model *m, size_t o, const char **p)
{
	double measured;
	if (!word_double(p, &measured) || !calibration_load(&m->cal[o], p))
		return false;
	m->measured[o] = measured > 0;
	return health_load(&m->health[o], p);
}

bool model_load(struct model *m, const char *text, size_t n)
{
	struct model *fresh = model_new(m->kind, m->param);
	char *copy = malloc(n + 1), mark[20];
	bool good = fresh && copy;
	if (good) {
		memcpy(copy, text, n);
		copy[n] = 0;
		const char *p = copy;
		snprintf(mark, sizeof mark, "%016llx", (unsigned long long)fingerprint(m));
		good = word(&p, "2") && word(&p, m->kind->name) && word(&p, mark) &&
			numbers(&p, (double *const[]){ &fresh->samples, &fresh->steady_s, &fresh->running_s }, 3);
		for (size_t i = 0; good && i < m->kind->n_inputs; i++) {
			struct seen *s = &fresh->seen[i];
			good = numbers(&p, (double *const[]){ &s->n, &s->mean, &s->m2, &s->max }, 4);
		}
		for (size_t o = 0; good && o < m->kind->n_outputs; o++)
			good = load_output(fresh, o, &p);
		good = good && !p[strspn(p, " ")];
	}
	if (good) {
		fresh->stopped = true;
		*m = *fresh;
	}
	free(copy);
	model_free(fresh);
	return good;
}
