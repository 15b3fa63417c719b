/* SPDX-License-Identifier: Apache-2.0 */
#include "twin_engine/calibration.h"

#include <math.h>
#include <string.h>

#include "twin_engine/words.h"

#define NOISE_SAMPLES 200.0
#define NOISE_LEAST_SAMPLES 5
#define VISITED_PART 0.999		/* of the prior variance: less, and something was learned there */

static void along(double at, unsigned n, unsigned *first, double *part)
{
	at = fmin(fmax(at, 0), n - 1);	/* NaN gives 0 */
	*first = at >= n - 1 ? n - 2 : (unsigned)at;
	*part = at - *first;
}

void calibration_place(struct place *place, double x, double y)
{
	unsigned i, k;
	double u, v;
	along(x, CALIBRATION_X, &i, &u);
	along(y, CALIBRATION_Y, &k, &v);
	for (unsigned c = 0; c < 4; c++) {
		place->node[c] = (i + (c & 1)) * CALIBRATION_Y + k + (c >> 1);
		place->weight[c] = (c & 1 ? u : 1 - u) * (c >> 1 ? v : 1 - v);
	}
}

void calibration_init(struct calibration *c, size_t n_terms, double scale_sd, double shape_sd, double region_sd)
{
	*c = (struct calibration){ .n_terms = n_terms, .prior = region_sd * region_sd, .last = NAN };
	for (size_t i = 0; i < n_terms; i++) {
		c->theta[i] = 1;
		for (size_t j = 0; j < n_terms; j++)
			c->p[i][j] = scale_sd * scale_sd + (i == j ? shape_sd * shape_sd : 0);
	}
	for (size_t i = 0; i < CALIBRATION_NODES; i++)
		c->var[i] = c->prior;
}

double calibration_base(const struct calibration *c, const double *term)
{
	double sum = 0;
	for (size_t i = 0; i < c->n_terms; i++)
		sum += c->theta[i] * term[i];
	return sum;
}

static double weighted(const double *of, const struct place *place)
{
	double sum = 0;
	for (size_t k = 0; k < 4; k++)
		sum += place->weight[k] * of[place->node[k]];
	return sum;
}

double calibration_off(const struct calibration *c, const struct place *place)
{
	return weighted(c->off, place);
}

/* Neighbouring nodes are taken to err alike: nobody has told them apart. */
double calibration_region_var(const struct calibration *c, const struct place *place)
{
	return weighted(c->var, place);
}

static double factor_gain(const struct calibration *c, const double *term, double *gain)
{
	double v = 0;
	for (size_t i = 0; i < c->n_terms; i++) {
		gain[i] = 0;
		for (size_t j = 0; j < c->n_terms; j++)
			gain[i] += c->p[i][j] * term[j];
		v += gain[i] * term[i];
	}
	return v;
}

double calibration_factor_var(const struct calibration *c, const double *term, double limit)
{
	double gain[CALIBRATION_TERMS];
	return factor_gain(c, term, gain) / (limit * limit);
}

void calibration_noise(struct calibration *c, double residual, double least)
{
	if (!isnan(c->last)) {
		double half = (residual - c->last) * (residual - c->last) / 2;
		c->n_noise = fmin(c->n_noise + 1, NOISE_SAMPLES);
		c->noise += (half - c->noise) / c->n_noise;
	}
	c->last = residual;
	if (c->n_noise < NOISE_LEAST_SAMPLES || c->noise < least)
		c->noise = fmax(c->noise, least);
}

static double learn_factors(struct calibration *c, const struct calibration_sight *s, double region)
{
	double gain[CALIBRATION_TERMS], v = factor_gain(c, s->term, gain), square = s->limit * s->limit;
	double noise = c->noise + s->error * s->error * square, sum = noise + v + (region + s->wear_var) * square, moved = 0;
	if (v <= noise / s->samples)
		return 0;
	for (size_t i = 0; i < c->n_terms; i++) {
		double step = gain[i] / sum * s->off;
		c->theta[i] += step;
		moved += step * s->term[i];
		for (size_t j = 0; j < c->n_terms; j++)
			c->p[i][j] -= gain[i] * gain[j] / sum;
	}
	return moved / s->limit;
}

/* Nodes between which the place lies move together, each by its share: they cannot be told apart from here. */
static double learn_region(struct calibration *c, const struct calibration_sight *s, double region, double off)
{
	double error = s->error * s->error, sum = c->noise / (s->limit * s->limit) + error * s->memory + region + s->wear_var, squares = 0;
	if (region <= error)
		return 0;
	for (size_t k = 0; k < 4; k++)
		squares += s->place->weight[k] * s->place->weight[k];
	for (size_t k = 0; k < 4; k++) {
		unsigned node = s->place->node[k];
		double gain = region / sum * s->place->weight[k] / squares;
		c->off[node] += gain * off;
		c->var[node] *= 1 - fmin(gain, 1);
	}
	return region / sum * off;
}

double calibration_learn(struct calibration *c, const struct calibration_sight *s)
{
	double region = calibration_region_var(c, s->place), moved = learn_factors(c, s, region);
	return moved + learn_region(c, s, region, s->off / s->limit - moved);
}

/* -- memory ------------------------------------------------------------------------------------------------------------------ */

static bool visited(const struct calibration *c, size_t node)
{
	return c->var[node] < VISITED_PART * c->prior;
}

size_t calibration_points(const struct calibration *c)
{
	size_t n = 0;
	for (size_t i = 0; i < CALIBRATION_NODES; i++)
		n += visited(c, i);
	return n;
}

void calibration_save(const struct calibration *c, struct buf *b)
{
	buf_printf(b, " %.9g %.9g", c->noise, c->n_noise);
	for (size_t i = 0; i < c->n_terms; i++) {
		buf_printf(b, " %.9g", c->theta[i]);
		for (size_t j = 0; j <= i; j++)
			buf_printf(b, " %.9g", c->p[i][j]);
	}
	buf_printf(b, " %zu", calibration_points(c));
	for (size_t i = 0; i < CALIBRATION_NODES; i++)
		if (visited(c, i))
			buf_printf(b, " %zu %.4g %.3g", i, c->off[i], c->var[i]);
}

static bool numbers(const char **p, double *const *out, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!word_double(p, out[i]))
			return false;
	return true;
}

bool calibration_load(struct calibration *c, const char **p)
{
	double n, node, off, var;
	if (!numbers(p, (double *const[]){ &c->noise, &c->n_noise }, 2) || c->noise < 0 || c->n_noise < 0)
		return false;
	for (size_t i = 0; i < c->n_terms; i++) {
		if (!word_double(p, &c->theta[i]))
			return false;
		for (size_t j = 0; j <= i; j++) {
			if (!word_double(p, &c->p[i][j]))
				return false;
			c->p[j][i] = c->p[i][j];
		}
	}
	if (!word_double(p, &n) || !(n >= 0 && n <= CALIBRATION_NODES))
		return false;
	for (double k = 0; k < n; k++) {
		if (!numbers(p, (double *const[]){ &node, &off, &var }, 3) || !(node >= 0 && node < CALIBRATION_NODES) || var < 0)
			return false;
		c->off[(size_t)node] = off;
		c->var[(size_t)node] = fmin(var, c->prior);
	}
	return true;
}
