/* SPDX-License-Identifier: Apache-2.0
 * calibration.h - how one output of this asset differs from the nominal model while it is healthy.
 *
 * Two parts.  Factors of the model's own terms, by recursive least squares; they settle within a minute and hold everywhere.  And a map
 * over the operating points for what the equations leave out: a grid of nodes with bilinear weights between them, each node with the
 * deviation seen there (as part of the residual at the end of life) and its variance.  The map is learned slowly, since deviations last
 * as long as the asset stays where it is, and for ever anew where it has not been: there the variance is that of the prior.
 *
 * Pure arithmetic; the caller owns the struct.
 */
#ifndef TWIN_ENGINE_CALIBRATION_H
#define TWIN_ENGINE_CALIBRATION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

#define CALIBRATION_TERMS 3
#define CALIBRATION_X 11		/* nodes of the grid */
#define CALIBRATION_Y 11
#define CALIBRATION_NODES (CALIBRATION_X * CALIBRATION_Y)

/* Where on the grid an operating point is: up to four nodes, weights that sum to 1. */
struct place {
	unsigned node[4];
	double weight[4];
};

struct calibration {
	size_t n_terms;
	double theta[CALIBRATION_TERMS], p[CALIBRATION_TERMS][CALIBRATION_TERMS];
	double prior;			/* variance of a node that was never visited */
	double off[CALIBRATION_NODES], var[CALIBRATION_NODES];	/* as parts of the residual at the end of life */
	double noise;			/* variance of the measurement */
	double last, n_noise;		/* last residual (NaN: none), differences seen */
};

/* What is known beside the measurement: all as parts of the residual at the end of life, but `limit`, which is that residual. */
struct calibration_sight {
	const double *term;
	const struct place *place;
	double limit, off;		/* off: measured minus predicted minus wear, in the output's unit */
	double wear_var;
	double error, memory;		/* sd of what not even the map can tell; samples that share it */
	double samples;			/* that make the factors known */
};

/* x, y: in steps of the grid, from 0; outside it the edge counts. */
void calibration_place(struct place *, double x, double y);
/* scale_sd, shape_sd: priors of the factors, common and each; region_sd: of the map. */
void calibration_init(struct calibration *, size_t n_terms, double scale_sd, double shape_sd, double region_sd);
double calibration_base(const struct calibration *, const double *term);		/* without the map */
double calibration_off(const struct calibration *, const struct place *);
/* Variances of the two parts, as squared parts of the residual at the end of life. */
double calibration_factor_var(const struct calibration *, const double *term, double limit);
double calibration_region_var(const struct calibration *, const struct place *);
/* Noise from differences of neighbours: what changes slowly is no noise. */
void calibration_noise(struct calibration *, double residual, double least);
size_t calibration_points(const struct calibration *);	/* nodes of the map where something was learned */
/* By how much the prediction has moved, as part of the residual at the end of life. */
double calibration_learn(struct calibration *, const struct calibration_sight *);

void calibration_save(const struct calibration *, struct buf *);	/* words separated by blanks; only nodes that were visited */
bool calibration_load(struct calibration *, const char **p);		/* after calibration_init; moves *p behind it */

#endif
