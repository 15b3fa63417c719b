/* SPDX-License-Identifier: Apache-2.0 */
#include "twin_engine/health.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define N HEALTH_RATES
#define SLOWEST 0.1		/* of the usual rate */
#define DECADES 7.0
#define FAST_SHARE 0.03		/* prior belief in a regime that is none of the usual ones */
#define DIFFUSION 0.004		/* variance of d that a whole life of wear gathers */
#define DRIFT 2.0		/* steps on the grid that the rate wanders in a life, as variance */
#define REGIME_LIVES 0.05	/* lives between changes of regime */
#define START_SD 0.01		/* of d when new */
#define JUMP_SIGMA 4.0
#define JUMP_RUN 3
#define JUMP_DOUBT 0.1
#define W_LEAST 1e-14

static void normalise(struct health *h)
{
	double sum = 0;
	for (size_t i = 0; i < N; i++)
		sum += h->w[i] = h->w[i] > W_LEAST ? h->w[i] : W_LEAST;
	for (size_t i = 0; i < N; i++)
		h->w[i] /= sum;
}

void health_init(struct health *h, double life_h, double life_sd_h)
{
	/* of a log-normal with this median whose sd near the median is life_sd_h; coarser than the grid's step it must be */
	double s = fmax(log1p(life_sd_h / life_h), 0.25), sum = 0;
	*h = (struct health){ .life_h = life_h };
	for (size_t i = 0; i < N; i++) {
		h->rate[i] = SLOWEST / life_h * pow(10, DECADES * (double)i / (N - 1));
		double z = log(h->rate[i] * life_h) / s;
		sum += h->prior[i] = exp(-z * z / 2);
	}
	for (size_t i = 0; i < N; i++) {
		h->prior[i] = h->prior[i] / sum * (1 - FAST_SHARE) + FAST_SHARE / N;
		h->w[i] = h->prior[i];
		h->p[i] = START_SD * START_SD;
	}
}

void health_estimate(const struct health *h, double *mean, double *var)
{
	double m = 0, v = 0;
	for (size_t i = 0; i < N; i++)
		m += h->w[i] * h->m[i];
	for (size_t i = 0; i < N; i++)
		v += h->w[i] * (h->p[i] + (h->m[i] - m) * (h->m[i] - m));
	*mean = m;
	*var = v;
}

double health_rate(const struct health *h)
{
	double r = 0;
	for (size_t i = 0; i < N; i++)
		r += h->w[i] * h->rate[i];
	return r;
}

/* Weight `share[i]` of every point leaves it, and arrives spread by the regime's prior. */
static void mix_prior(struct health *h, double share)
{
	double m, v;
	health_estimate(h, &m, &v);
	for (size_t i = 0; i < N; i++) {
		double stay = h->w[i] * (1 - share), come = share * h->prior[i], w = stay + come;
		double mean = (stay * h->m[i] + come * m) / w, a = h->m[i] - mean, b = m - mean;
		h->p[i] = (stay * (h->p[i] + a * a) + come * (v + b * b)) / w;
		h->m[i] = mean;
		h->w[i] = w;
	}
}

/* The rate wanders to its neighbours, the faster the wear; as often up as down, or it would drift. */
static void mix_neighbours(struct health *h, double dt_h)
{
	double w[N], m[N], p[N], swap[N + 1] = { 0 };
	for (size_t i = 1; i < N; i++)
		swap[i] = fmin(0.25, 0.5 * DRIFT * sqrt(h->rate[i - 1] * h->rate[i]) * dt_h);
	if (swap[N - 1] < 1e-12)
		return;
	for (size_t i = 0; i < N; i++) {
		double from[3] = { i ? h->w[i - 1] * swap[i] : 0, h->w[i] * (1 - swap[i] - swap[i + 1]), i < N - 1 ? h->w[i + 1] * swap[i + 1] : 0 };
		w[i] = from[0] + from[1] + from[2];
		m[i] = p[i] = 0;
		for (size_t k = 0; k < 3; k++)
			if (from[k] > 0)
				m[i] += from[k] / w[i] * h->m[i + k - 1];
		for (size_t k = 0; k < 3; k++)
			if (from[k] > 0) {
				double a = h->m[i + k - 1] - m[i];
				p[i] += from[k] / w[i] * (h->p[i + k - 1] + a * a);
			}
	}
	memcpy(h->w, w, sizeof w);
	memcpy(h->m, m, sizeof m);
	memcpy(h->p, p, sizeof p);
}

void health_predict(struct health *h, double dt_h)
{
	if (!(dt_h > 0))
		return;
	mix_neighbours(h, dt_h);
	mix_prior(h, -expm1(-dt_h / (REGIME_LIVES * h->life_h)) * FAST_SHARE);
	for (size_t i = 0; i < N; i++) {
		/* a rate that would have worn it out long ago is refuted by the next sight; more than a life says nothing new */
		double gain = fmin(h->rate[i] * dt_h, 1);
		h->m[i] += gain;
		h->p[i] += DIFFUSION * gain;
	}
	normalise(h);
}

static bool jumped(struct health *h, double d, double var)
{
	double m, v;
	health_estimate(h, &m, &v);
	h->surprise += 0.3 * ((d - m) / sqrt(var + v) - h->surprise);
	h->run = fabs(h->surprise) > JUMP_SIGMA * 0.42 ? h->run + 1 : 0;	/* 0.42: sd of the smoothed value */
	return h->run >= JUMP_RUN && fabs(h->surprise) > JUMP_SIGMA * 0.42;
}

void health_wander(struct health *h, double var)
{
	for (size_t i = 0; i < N; i++)
		h->p[i] += var;
}

void health_update(struct health *h, double d, double var, double var_slow)
{
	double most = -INFINITY, ll[N];
	if (jumped(h, d, var)) {
		double m, v;
		health_estimate(h, &m, &v);
		mix_prior(h, JUMP_DOUBT);
		for (size_t i = 0; i < N; i++)
			h->p[i] += (d - m) * (d - m);
		h->surprise = 0;
		h->run = 0;
		h->jumps++;
		var_slow = fmin(var_slow, fmax(var, (d - m) * (d - m)));	/* what lasts is what was seen */
	}
	for (size_t i = 0; i < N; i++) {
		double s = h->p[i] + var_slow, nu = d - h->m[i], k = h->p[i] / s;
		ll[i] = -0.5 * (nu * nu / s + log(s));
		most = fmax(most, ll[i]);
		h->m[i] += k * nu;
		h->p[i] *= 1 - k;
	}
	for (size_t i = 0; i < N; i++)
		h->w[i] *= exp(ll[i] - most);
	normalise(h);
}

/* -- memory: the weights as one letter each (steps of e^-0.35), mean and sd of d of the whole mixture ------------------------------ */

#define LETTERS 93
#define STEP 0.35

void health_save(const struct health *h, struct buf *b)
{
	double m, v;
	health_estimate(h, &m, &v);
	buf_printf(b, " %.6g %.6g ", m, sqrt(v));
	for (size_t i = 0; i < N; i++) {
		double k = fmin(-log(h->w[i]) / STEP + 0.5, LETTERS - 1);
		buf_putc(b, (char)('!' + (int)k));
	}
}

static bool number(const char **p, double *out)
{
	*p += strspn(*p, " ");
	size_t n = strcspn(*p, " ");
	bool good = str_double(*p, n, out);
	*p += n;
	return good;
}

bool health_load(struct health *h, const char **p)
{
	double m, sd;
	if (!number(p, &m) || !number(p, &sd) || sd < 0)
		return false;
	*p += strspn(*p, " ");
	if (strcspn(*p, " ") != N)
		return false;
	for (size_t i = 0; i < N; i++, ++*p) {
		if (**p < '!' || **p >= '!' + LETTERS)
			return false;
		h->w[i] = exp(-STEP * (**p - '!'));
		h->m[i] = m;
		h->p[i] = sd * sd;
	}
	normalise(h);
	return true;
}
