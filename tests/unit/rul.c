/* SPDX-License-Identifier: Apache-2.0 - degradation and remaining life against a little simulator of its own.
 *
 * The truth is none of the estimator's equations: wear follows a power law of time with a random exponent, in gamma-distributed steps
 * (never back), seen with white noise; lives are log-normal around the prior's median.
 */
#include "twin_engine/rul.h"

#include <math.h>

#include "tests/tap.h"

static uint64_t state = 1;

static double uniform(void)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return ((double)(state >> 11) + 0.5) / 9007199254740992.0;
}

static double normal(void)
{
	return sqrt(-2 * log(uniform())) * cos(2 * 3.14159265358979323846 * uniform());
}

/* Marsaglia and Tsang, for any shape above 0. */
static double gamma_of(double shape)
{
	if (shape < 1)
		return gamma_of(shape + 1) * pow(uniform(), 1 / shape);
	double d = shape - 1.0 / 3, c = 1 / sqrt(9 * d);
	for (;;) {
		double x = normal(), v = pow(1 + c * x, 3);
		if (v > 0 && log(uniform()) < x * x / 2 + d - d * v + d * log(v))
			return d * v;
	}
}

#define LIFE 10000.0
#define STEPS 3000
#define NOISE 0.03
#define MARKS 5

static const double mark[MARKS] = { 0.1, 0.3, 0.5, 0.7, 0.9 };

/* One life, laid down first so that its true end is known: level[] until it passes 1. */
static size_t live(double *level, double *dt)
{
	double life = LIFE * exp(0.35 * normal()), power = 0.9 + 0.5 * uniform(), d = 0, t = 0;
	size_t n = 0;
	*dt = life / (STEPS / 2);
	while (d < 1 && n < STEPS) {
		double want = pow((t + *dt) / life, power) - pow(t / life, power), roughness = 0.002;
		d += roughness * gamma_of(want / roughness);
		t += *dt;
		level[n++] = d;
	}
	return n;
}

static void test_coverage(void)
{
	static double level[STEPS];
	int in[MARKS] = { 0 }, runs = 60, all = 0;
	double error[MARKS] = { 0 }, width[MARKS] = { 0 }, dt;
	for (int r = 0; r < runs; r++) {
		struct health h;
		const struct health *mode = &h;
		size_t n = live(level, &dt), k = 0;
		health_init(&h, LIFE, 0.4 * LIFE);
		for (size_t i = 0; i < n && k < MARKS; i++) {
			struct rul rul;
			health_predict(&h, dt);
			health_update(&h, level[i] + NOISE * normal(), NOISE * NOISE);
			if ((double)(i + 1) < mark[k] * (double)n)
				continue;
			double truth = (double)(n - 1 - i) * dt;
			rul_predict(&mode, 1, &rul);
			in[k] += rul.q05 <= truth && truth <= rul.q95;
			error[k] += fabs(rul.q50 - truth) / (double)runs / truth;
			width[k] += (rul.q95 - rul.q05) / (double)runs / truth;
			k++;
		}
	}
	for (int k = 0; k < MARKS; k++) {
		all += in[k];
		printf("# at %.0f %% of life: interval covers %d of %d, is %.2f of the truth wide, mean error of the median %.0f %%\n",
		       100 * mark[k], in[k], runs, width[k], 100 * error[k]);
		check(in[k] >= 0.7 * runs, "the interval covers most lives at %.0f %%", 100 * mark[k]);
	}
	check(all >= 0.8 * MARKS * runs, "the 90 %% interval covers the truth in at least 80 %% of all cases (%d of %d)", all, MARKS * runs);
	check(width[2] < 1.5 && width[4] < 1.7, "and it does so by knowing, not by saying everything: %.2f, %.2f", width[2], width[4]);
	check(error[4] < 0.35, "near the end the median is near the truth");
}

static void feed(struct health *h, double d, double rate, double hours, int n)
{
	for (int i = 0; i < n; i++) {
		d += rate * hours / n;
		health_predict(h, hours / n);
		health_update(h, d + 0.01 * normal(), 1e-4);
	}
}

static void test_moves(void)
{
	struct health h;
	const struct health *mode = &h;
	struct rul fresh, used, jumped, fast;
	double d, var;
	health_init(&h, 20000, 8000);
	rul_predict(&mode, 1, &fresh);
	check(fresh.q50 > 17000 && fresh.q50 < 23000, "a new asset has the life of its kind: %.0f h", fresh.q50);
	check(fresh.q05 < 0.6 * fresh.q50 && fresh.q95 > 1.7 * fresh.q50, "and nobody knows it well: %.0f .. %.0f", fresh.q05, fresh.q95);
	check(fabs(rul_cdf(&mode, 1, fresh.q50) - 0.5) < 0.01, "the median is the median");
	feed(&h, 0, 0.5 / 20000, 8000, 4000);
	rul_predict(&mode, 1, &used);
	check(used.q50 > fresh.q50, "wear at half the usual rate promises more: %.0f h", used.q50);
	check(used.q95 / used.q05 < fresh.q95 / fresh.q05, "evidence narrows the interval");
	feed(&h, 0.55, 0, 0.01, 6);
	rul_predict(&mode, 1, &jumped);
	health_estimate(&h, &d, &var);
	check(fabs(d - 0.55) < 0.03, "a jump is followed within six samples: %.3f", d);
	check_int(h.jumps, 1, "and seen as one");
	check(jumped.q50 < 0.7 * used.q50, "it takes away life: %.0f h", jumped.q50);
	check(jumped.q50 > 0.25 * used.q50, "but one jump is no rate of wear");
	feed(&h, 3, 0, 0.001, 1);
	health_estimate(&h, &d, &var);
	check(fabs(d - 0.55) < 0.03, "a single wild sight moves nothing: %.3f", d);
	feed(&h, 0.55, 0, 0.01, 6);
	feed(&h, 0.55, 0.2, 0.5, 3600);
	rul_predict(&mode, 1, &fast);
	check(fast.q50 < 10, "wear in hours is believed within half an hour: %.1f h", fast.q50);
	feed(&h, 0.65, 0.2, 1.9, 3600);
	rul_predict(&mode, 1, &fast);
	check(fast.q50 == 0 && fast.q05 == 0, "behind the limit nothing is left");
}

/* What comes with a change of operation and stays as long as it is no trend; with the usual size of such biases unknown it would be. */
static void test_bias(void)
{
	struct health told, naive;
	const struct health *a = &told, *b = &naive;
	struct rul with, without;
	double off = 0;
	health_init(&told, 20000, 8000);
	naive = told;
	for (int i = 0; i < 24 * 60; i++) {
		bool moved = i % 90 == 0;
		if (moved)
			off = 0.03 * normal();
		for (int k = 0; k < 2; k++) {
			struct health *h = k ? &naive : &told;
			health_predict(h, 1 / 60.0);
			if (!k)
				health_bias(h, moved ? 0 : 0.98, 0.03);
			health_update(h, off + 0.01 * normal(), 1e-4);
		}
	}
	rul_predict(&a, 1, &with);
	rul_predict(&b, 1, &without);
	check(with.q05 > 5000 && with.q50 > 15000, "biases of a day are no wear: %.0f [%.0f, %.0f] h", with.q50, with.q05, with.q95);
	check(without.q05 < 1000, "not knowing of them they would be: %.0f [%.0f, %.0f] h", without.q50, without.q05, without.q95);
}

static void test_modes(void)
{
	struct health a, b;
	const struct health *both[] = { &a, &b }, *one[] = { &b };
	struct rul two, lead;
	health_init(&a, 20000, 8000);
	b = a;
	feed(&a, 0, 0, 100, 100);
	feed(&b, 0.6, 0, 100, 100);
	rul_predict(both, 2, &two);
	rul_predict(one, 1, &lead);
	check(fabs(two.q50 - lead.q50) < 0.01 * lead.q50, "the mode that is farthest decides");
}

static void test_memory(void)
{
	struct health a, b;
	const struct health *pa = &a, *pb = &b;
	struct buf text = BUF_INIT;
	struct rul ra, rb;
	health_init(&a, 1000, 300);
	feed(&a, 0, 0.001, 300, 500);
	health_save(&a, &text);
	health_init(&b, 1000, 300);
	const char *p = text.p;
	check(health_load(&b, &p) && !*p, "what was saved is read back");
	rul_predict(&pa, 1, &ra);
	rul_predict(&pb, 1, &rb);
	check(fabs(ra.q50 - rb.q50) < 0.1 * ra.q50 && fabs(ra.q95 - rb.q95) < 0.15 * ra.q95, "and predicts the same: %.0f, %.0f h", ra.q50, rb.q50);
	static const char *const bad[] = { "", "0.1", "0.1 x !!!", "0.1 -1 0 0 0 !!!", "0.1 0.1 0 0 2 !!!", "0.1 0.1 0 0 0 !!!" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		p = bad[i];
		check(!health_load(&b, &p), "damaged: \"%s\"", bad[i]);
	}
	buf_fini(&text);
}

static void test_extremes(void)
{
	struct health h;
	const struct health *mode = &h;
	struct rul r;
	double d, var;
	health_init(&h, 0.01, 1e6);
	health_predict(&h, 1e9);
	health_update(&h, 0.2, 1e-12);
	health_predict(&h, 0);
	health_predict(&h, -1);
	health_update(&h, -50, 1e6);
	health_estimate(&h, &d, &var);
	rul_predict(&mode, 1, &r);
	check(isfinite(d) && var >= 0 && isfinite(r.q50) && r.q05 <= r.q50 && r.q50 <= r.q95, "absurd inputs stay numbers");
}

int main(void)
{
	test_moves();
	test_bias();
	test_modes();
	test_memory();
	test_extremes();
	test_coverage();
	return done();
}
