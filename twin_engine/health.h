/* SPDX-License-Identifier: Apache-2.0
 * health.h - degradation and its rate, estimated from noisy sights of it.
 *
 * The degradation d is 0 when new and 1 at the end of life; it grows with a rate r that is not known within decades: a pump lasts for
 * years, or wears out in an hour of cavitation.  Therefore r lives on a logarithmic grid; on each point a scalar Kalman filter follows d
 * with that rate (a Wiener process with drift), and the points are weighted by the likelihood of the innovations (a Rao-Blackwellised
 * grid filter; mixing by moment matching as in the interacting multiple model filter of Blom and Bar-Shalom, 1988).  Weight moves slowly
 * between neighbours (rates drift) and a little to everywhere (regimes change).  A run of innovations that no drift explains is a
 * jump: d is taken anew and the regime is doubted.
 *
 * What is seen is d plus a bias that stays for hours and belongs to how the asset is operated, not to its wear: an Ornstein-Uhlenbeck
 * process b, followed beside d.  Averaging many sights does not take it away, and a change of operation renews it; without it every
 * change of load would look like wear that began this hour.
 *
 * Pure arithmetic, deterministic; the caller owns the struct.  Time in hours.
 */
#ifndef TWIN_ENGINE_HEALTH_H
#define TWIN_ENGINE_HEALTH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

#define HEALTH_RATES 48

struct health {
	double life_h;				/* median life of the prior; scales the grid */
	double rate[HEALTH_RATES];		/* per hour, rising */
	double prior[HEALTH_RATES];
	struct health_point {
		double w;			/* weight */
		double d, b;			/* means */
		double dd, bb, db;		/* variances and covariance */
	} at[HEALTH_RATES];
	double bias_sd;
	double surprise;			/* smoothed normalised innovation */
	unsigned run;				/* samples the surprise has lasted */
	unsigned jumps;
};

/* Prior life: log-normal with this median, sd (both hours) near the median. */
void health_init(struct health *, double life_h, double life_sd_h);
void health_predict(struct health *, double dt_h);
/* The bias keeps this part (0..1) of itself; the rest is new, with this standard deviation in all. */
void health_bias(struct health *, double keep, double sd);
/* What is seen was corrected by this much, because the bias was learned elsewhere. */
void health_corrected(struct health *, double by);
/* One sight of d + b, with this variance of its own noise. */
void health_update(struct health *, double seen, double var);
/* The level may move by this variance for reasons that are no wear. */
void health_wander(struct health *, double var);
void health_estimate(const struct health *, double *mean, double *var);
double health_rate(const struct health *);	/* mean, per hour */

#define HEALTH_TEXT (HEALTH_RATES + 80)
void health_save(const struct health *, struct buf *);		/* words separated by blanks */
bool health_load(struct health *, const char **p);		/* after health_init with the same life; moves *p behind it */

#endif
