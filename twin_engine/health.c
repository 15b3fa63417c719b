/* SPDX-License-Identifier: Apache-2.0 */
#include "twin_engine/health.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "twin_engine/words.h"

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
		sum += h->at[i].w = h->at[i].w > W_LEAST ? h->at[i].w : W_LEAST;
	for (size_t i = 0; i < N; i++)
		h->at[i].w /= sum;
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
		h->at[i] = (struct health_point){ .w = h->prior[i], .dd = START_SD * START_SD };
	}
}

/* The normal distribution with the moments of n weighted ones (weights sum to .w of the result). */
static struct health_point merge(const struct health_point *const *part, const double *w, size_t n)
{
	struct health_point r = { 0 };
	for (size_t k = 0; k < n; k++)
		r.w += w[k];
	for (size_t k = 0; k < n; k++) {
		r.d += w[k] / r.w * part[k]->d;
		r.b += w[k] / r.w * part[k]->b;
	}
	for (size_t k = 0; k < n; k++) {
		double share = w[k] / r.w, d = part[k]->d - r.d, b = part[k]->b - r.b;
		r.dd += share * (part[k]->dd + d * d);
		r.bb += share * (part[k]->bb + b * b);
		r.db += share * (part[k]->db + d * b);
	}
	return r;
}

static struct health_point whole(const struct health *h)
{
	const struct health_point *part[N];
	double w[N];
	for (size_t i = 0; i < N; i++) {
		part[i] = &h->at[i];
		w[i] = h->at[i].w;
	}
	return merge(part, w, N);
}

void health_estimate(const struct health *h, double *mean, double *var)
{
	struct health_point all = whole(h);
	*mean = all.d;
	*var = all.dd;
}

double health_rate(const struct health *h)
{
	double r = 0;
	for (size_t i = 0; i < N; i++)
		r += h->at[i].w * h->rate[i];
	return r;
}

/* This share of the weight of every point leaves it, and arrives spread by the regime's prior. */
static void mix_prior(struct health *h, double share)
{
	struct health_point all = whole(h);
	for (size_t i = 0; i < N; i++)
		h->at[i] = merge((const struct health_point *const[]){ &h->at[i], &all },
				 (const double[]){ h->at[i].w * (1 - share), share * h->prior[i] }, 2);
}

/* The rate wanders to its neighbours, the faster the wear; as often up as down, or it would drift. */
static void mix_neighbours(struct health *h, double dt_h)
{
	double swap[N + 1] = { 0 };
	struct health_point mixed[N];
	for (size_t i = 1; i < N; i++)
		swap[i] = fmin(0.25, 0.5 * DRIFT * sqrt(h->rate[i - 1] * h->rate[i]) * dt_h);
	if (swap[N - 1] < 1e-12)
		return;
	for (size_t i = 0; i < N; i++) {
		const struct health_point *from[3] = { &h->at[i ? i - 1 : i], &h->at[i], &h->at[i < N - 1 ? i + 1 : i] };
		const double w[3] = { from[0]->w * swap[i], from[1]->w * (1 - swap[i] - swap[i + 1]), from[2]->w * swap[i + 1] };
		mixed[i] = merge(from, w, 3);
	}
	memcpy(h->at, mixed, sizeof mixed);
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
		h->at[i].d += gain;
		h->at[i].dd += DIFFUSION * gain;
	}
	normalise(h);
}

void health_bias(struct health *h, double keep, double sd)
{
	h->bias_sd = sd;
	for (size_t i = 0; i < N; i++) {
		struct health_point *p = &h->at[i];
		p->b *= keep;
		p->db *= keep;
		p->bb = keep * keep * p->bb + (1 - keep * keep) * sd * sd;
	}
}

void health_corrected(struct health *h, double by)
{
	for (size_t i = 0; i < N; i++)
		h->at[i].b -= by;
}

void health_wander(struct health *h, double var)
{
	for (size_t i = 0; i < N; i++)
		h->at[i].dd += var;
}

/* A run of sights that neither drift nor any bias of the usual size explains: d is somewhere else.  False: one such sight, which is
 * no evidence of anything until it is known whether it lasts. */
static bool usable(struct health *h, double seen, double var)
{
	struct health_point all = whole(h);
	double off = seen - all.d - all.b, z = off / sqrt(var + all.dd + all.bb + 2 * all.db + h->bias_sd * h->bias_sd);
	h->surprise += 0.3 * (z - h->surprise);
	h->run = fabs(h->surprise) > JUMP_SIGMA * 0.42 ? h->run + 1 : 0;	/* 0.42: sd of the smoothed value */
	if (h->run < JUMP_RUN)
		return fabs(z) < JUMP_SIGMA;
	mix_prior(h, JUMP_DOUBT);
	health_wander(h, off * off);
	h->surprise = 0;
	h->run = 0;
	h->jumps++;
	return true;
}

void health_update(struct health *h, double seen, double var)
{
	double most = -INFINITY, ll[N];
	if (!usable(h, seen, var))
		return;
	for (size_t i = 0; i < N; i++) {
		struct health_point *p = &h->at[i];
		double cd = p->dd + p->db, cb = p->bb + p->db, s = cd + cb + var, nu = seen - p->d - p->b;
		ll[i] = -0.5 * (nu * nu / s + log(s));
		most = fmax(most, ll[i]);
		p->d += cd / s * nu;
		p->b += cb / s * nu;
		p->dd = fmax(p->dd - cd * cd / s, 0);
		p->bb = fmax(p->bb - cb * cb / s, 0);
		p->db -= cd * cb / s;
	}
	for (size_t i = 0; i < N; i++)
		h->at[i].w *= exp(ll[i] - most);
	normalise(h);
}

/* -- memory: the weights as one letter each (steps of e^-0.35), moments of d and b of the whole mixture ---------------------------- */

#define LETTERS 93
#define STEP 0.35

void health_save(const struct health *h, struct buf *b)
{
	struct health_point all = whole(h);
	double spread = sqrt(all.dd * all.bb);
	buf_printf(b, " %.6g %.6g %.6g %.6g %.4g ", all.d, sqrt(all.dd), all.b, sqrt(all.bb), spread > 0 ? all.db / spread : 0);
	for (size_t i = 0; i < N; i++) {
		double k = fmin(-log(h->at[i].w) / STEP + 0.5, LETTERS - 1);
		buf_putc(b, (char)('!' + (int)k));
	}
}

bool health_load(struct health *h, const char **p)
{
	double d, sd, b, bias_sd, corr;
	if (!word_double(p, &d) || !word_double(p, &sd) || !word_double(p, &b) || !word_double(p, &bias_sd) || !word_double(p, &corr))
		return false;
	if (sd < 0 || bias_sd < 0 || !(fabs(corr) <= 1))
		return false;
	*p += strspn(*p, " ");
	if (strcspn(*p, " ") != N)
		return false;
	for (size_t i = 0; i < N; i++, ++*p) {
		if (**p < '!' || **p >= '!' + LETTERS)
			return false;
		h->at[i] = (struct health_point){ exp(-STEP * (**p - '!')), d, b, sd * sd, bias_sd * bias_sd, corr * sd * bias_sd };
	}
	normalise(h);
	return true;
}
