/* SPDX-License-Identifier: Apache-2.0 */
#include "twin_engine/rul.h"

#include <math.h>

/* The future is not the past: relative sd of the mean rate to come, less when less wear is to come. */
#define USE_SD_NEAR 0.10
#define USE_SD_FAR 0.20
#define DIFFUSION 0.004		/* as health.c: variance of d per life of wear */
#define LIMIT_SD 0.03		/* where life ends is an agreement; no two assets end at the same residual */
#define LEAST_H 1e-4
#define MOST_H 1e8

/* The level at T is at least 1.  A finished life stays finished: wear does not heal. */
static double mode_cdf(const struct health *h, double t)
{
	double f = 0;
	for (size_t i = 0; i < HEALTH_RATES; i++) {
		const struct health_point *at = &h->at[i];
		if (at->w < 1e-7)
			continue;
		double use = USE_SD_NEAR + USE_SD_FAR * fmin(fmax(1 - at->d, 0), 1);
		double gain = h->rate[i] * t, sd = sqrt(at->dd + LIMIT_SD * LIMIT_SD + DIFFUSION * gain + use * use * gain * gain);
		f += at->w * 0.5 * erfc((1 - at->d - gain) / (sd * M_SQRT2));
	}
	return f;
}

double rul_cdf(const struct health *const *mode, size_t n, double t_h)
{
	double most = 0;
	for (size_t i = 0; i < n; i++)
		most = fmax(most, mode_cdf(mode[i], t_h));
	return most;
}

static double quantile(const struct health *const *mode, size_t n, double q)
{
	double lo = log(LEAST_H), hi = log(MOST_H);
	if (rul_cdf(mode, n, LEAST_H) >= q)
		return 0;
	while (hi - lo > 1e-3) {
		double mid = (lo + hi) / 2;
		*(rul_cdf(mode, n, exp(mid)) < q ? &lo : &hi) = mid;
	}
	return exp((lo + hi) / 2);
}

void rul_predict(const struct health *const *mode, size_t n, struct rul *out)
{
	out->q05 = quantile(mode, n, 0.05);
	out->q50 = quantile(mode, n, 0.50);
	out->q95 = quantile(mode, n, 0.95);
}
