/* SPDX-License-Identifier: Apache-2.0
 * rul.h - remaining useful life: when does the degradation pass 1?
 *
 * Closed form over the posterior of health.h: with rate r the level after T hours is normal with mean m + r T and a variance that
 * grows by the estimate's own, the diffusion and the unknown future use; life ends when it passes 1.  Several modes of failure are
 * several sights of one wear, so the mode that is farthest decides at every T.
 */
#ifndef TWIN_ENGINE_RUL_H
#define TWIN_ENGINE_RUL_H

#include "twin_engine/health.h"

struct rul {
	double q05, q50, q95;	/* hours */
};

/* P(life ends within t_h hours). */
double rul_cdf(const struct health *const *mode, size_t n, double t_h);
/* The quantiles, to 0.1 %; n >= 1. */
void rul_predict(const struct health *const *mode, size_t n, struct rul *out);

#endif
