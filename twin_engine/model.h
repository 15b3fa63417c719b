/* SPDX-License-Identifier: Apache-2.0
 * model.h - a physical model that steps beside an asset: predicted outputs, residuals, health, remaining useful life.
 *
 * A kind of model (`struct model_kind`, one file and one row in models.def each) knows only physics: how its states move, and which
 * terms add up to each output of a healthy asset.  Everything else is common and is here:
 *
 *  - Calibration (twin_engine/calibration.h).  The real asset is not the nominal one, so every output is  y = sum_i theta_i * term_i
 *    plus a deviation that depends on the operating point.  Factors and deviations are learned where the asset works, and for ever anew
 *    where it has not worked yet; there the prediction is uncertain and says so.
 *  - Wear.  The residual divided by its size at the end of life is a noisy sight of the degradation (twin_engine/health.h), which is
 *    shown and predicted once there is evidence.  Learning and wear see the same innovation and share it by their variances; what
 *    neither explains for hours is a bias of the present operation, and no trend.
 *
 * Times are source times in microseconds.  One thread at a time; no clock, no allocation after model_new.
 */
#ifndef TWIN_ENGINE_MODEL_H
#define TWIN_ENGINE_MODEL_H

#include "base/buf.h"
#include "twin_engine/calibration.h"
#include "twin_engine/rul.h"

#define MODEL_INPUTS 12
#define MODEL_OUTPUTS 4
#define MODEL_TERMS CALIBRATION_TERMS
#define MODEL_STATES 4
#define MODEL_PARAMS 40

struct model_param {
	const char *name, *unit;
	double def, min, max;
	const char *text;
};

enum model_role { MODEL_REQUIRED, MODEL_OPTIONAL };

struct model_input {
	const char *name, *unit;
	enum model_role role;
	int output;		/* it is the measurement of this output; -1: of none */
};

struct model_output {
	const char *name, *unit;
	unsigned n_terms;
	double scale_sd;	/* prior of the common factor of all terms: how far the asset is from the nominal one */
	double shape_sd;	/* prior of each term's own factor */
	int sign;		/* +1: wear shows as excess, -1: as deficit */
	/* As parts of the end-of-life residual: how far the equations are off at one operating point, and what even then is left over, for
	 * how long; and how much the residual of the same wear differs from one operating point to another. */
	double region_sd, error, memory_s, gain_sd;
	double follow_s, follow_sd;	/* how late it shows what another output shows at once, and how far off it may be meanwhile */
	double noise;		/* least noise of the measurement, as part of the end-of-life residual */
};

/* in[]: by the kind's table, NaN where nothing is known; required ones are always there.  p[]: the kind's parameters. */
struct model_kind {
	const char *name;
	unsigned revision;	/* grows when its equations or parameters change */
	const struct model_param *param;
	const struct model_input *input;
	const struct model_output *output;
	size_t n_params, n_inputs, n_outputs, n_states;
	bool (*running)(const double *p, const double *in);
	/* States so that the healthy outputs, with these factors, are near `y` (NaN: unknown). */
	void (*start)(const double *p, const double *in, const double *y, const double theta[][MODEL_TERMS], double *x);
	void (*step)(const double *p, const double *in, double dt_s, double *x);
	void (*terms)(const double *p, const double *in, const double *x, size_t output, double *term);
	/* The operating point, in steps over which the equations' error may change; 0..CALIBRATION_X - 1, 0..CALIBRATION_Y - 1. */
	void (*operation)(const double *p, const double *in, double at[2]);
	/* Size of the residual of this output at the end of life, in its unit, > 0. */
	double (*limit)(const double *p, size_t output, double predicted);
};

const struct model_kind *model_kind_find(const char *name);	/* by models.def; NULL: no such kind */
/* The parameter by its name, of the kind or common to all; -1: none.  Values are in one array: common ones first. */
int model_param_find(const struct model_kind *, const char *name, const struct model_param **);
int model_input_find(const struct model_kind *, const char *name);
void model_params_default(const struct model_kind *, double value[MODEL_PARAMS]);

enum model_state { MODEL_LEARNING, MODEL_OK, MODEL_DEGRADING, MODEL_FAILED, MODEL_STOPPED };
extern const char *const model_state_name[];	/* "not enough evidence", "ok", "degrading", "failed", "stopped" */

struct model;

struct model *model_new(const struct model_kind *, const double param[MODEL_PARAMS]);	/* NULL without memory */
void model_free(struct model *);
/* Inputs by the kind's table, NaN: missing, stale or bad.  A time that does not move forward changes nothing. */
void model_step(struct model *, int64_t time_us, const double in[MODEL_INPUTS]);
void model_idle(struct model *);	/* its inputs are stale: stopped until the next step */
void model_forget(struct model *);	/* as new: after maintenance */

struct model_view {
	enum model_state state;
	bool evidence;			/* health and prediction may be shown */
	double health;			/* 1 as new .. 0 end of life; NaN before evidence */
	bool familiar;			/* it works where it has worked long enough to be known */
	int leading;			/* output that is nearest to its limit; -1: none yet */
	struct rul rul;			/* hours; only with evidence */
	int64_t time_us;		/* of the last step; TIME_NONE */
	double running_h, pre_alert_h;
	struct {
		double predicted, residual;	/* NaN: not known */
		double degradation;		/* 0 new .. 1 end of life; NaN: not measured */
	} output[MODEL_OUTPUTS];
	struct {
		double mean, sd, max;	/* while running; NaN: never seen */
	} input[MODEL_INPUTS];
};
/* `predict`: compute the remaining life, too (some 0.1 ms). */
void model_look(const struct model *, bool predict, struct model_view *);
const struct model_kind *model_kind_of(const struct model *);
/* Which model this is: "pump/1 " and a fingerprint of its parameters. */
void model_version(const struct model *, struct buf *);
/* What it has learned so far, in words; nothing before the first output is calibrated.  It changes a few hundred times in a life at most. */
void model_calibration(const struct model *, struct buf *);

/* What was learned, as one line of text; reading it back into a model with the same kind and parameters goes on where that one was.
 * False: the text is of another kind, other parameters, or damaged; the model is unchanged. */
void model_save(const struct model *, struct buf *);
bool model_load(struct model *, const char *text, size_t n);

#endif
