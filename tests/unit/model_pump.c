/* SPDX-License-Identifier: Apache-2.0 - the pump model: its equations, and the whole way from telemetry to remaining life.
 *
 * The asset here shares nothing with the model: head from a table, losses by a mechanical efficiency, two thermal masses.
 */
#include "twin_engine/model.h"

#include <math.h>

#include "base/clock.h"
#include "tests/tap.h"

enum { RUNNING, SPEED, FLOW, AMBIENT, HEAD, POWER, TEMPERATURE };

static uint64_t state = 7;

static double uniform(void)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return ((double)(state >> 11) + 0.5) / 9007199254740992.0;
}

static double normal(void)
{
	return sqrt(-2 * log(uniform())) * cos(2 * 3.14159265358979323846 * uniform());
}

struct asset {
	double wear, bearing, casing;	/* K above the surroundings */
	double scale;			/* of the machine */
};

static double table(double q)
{
	static const double h[] = { 37, 36.8, 36, 34.4, 31.8, 28, 23, 17 };
	double at = fmin(fmax(q / 10, 0), 6.999);
	return h[(int)at] + (at - floor(at)) * (h[(int)at + 1] - h[(int)at]);
}

static void sense(struct asset *a, double rpm, double flow, double dt, double *in)
{
	double n = rpm / 1450, head = n > 0 ? a->scale * n * n * table(flow / n) * (1 - 0.2 * a->wear) : 0;
	double shaft = n > 0 ? head * flow / 367.0 / (0.74 - 0.17 * a->wear) + 0.25 * n * n : 0, power = shaft / 0.93 + 0.1 * n;
	double heat = 110 * n * n * (1 + 1.1 * a->wear), lost = 1000 * (power - shaft);
	for (double left = dt; left > 0; left -= 5) {
		double h = fmin(left, 5), across = 15 * (a->bearing - a->casing);
		a->bearing += h / 1400 * (heat - across);
		a->casing += h / 7000 * (across + 0.03 * lost - 9 * a->casing);
	}
	in[RUNNING] = n > 0;
	in[SPEED] = rpm + 0.5 * normal();
	in[FLOW] = flow * (1 + 0.004 * normal());
	in[AMBIENT] = 21 + 0.05 * normal();
	in[HEAD] = head + 0.08 * normal();
	in[POWER] = power * (1 + 0.004 * normal());
	in[TEMPERATURE] = 21 + a->bearing + 0.1 * normal();
}

struct plant {
	struct asset asset;
	struct model *model;
	int64_t now;
};

static void plant_new(struct plant *p, double life_h)
{
	const struct model_kind *k = model_kind_find("pump");
	const struct model_param *info;
	double param[MODEL_PARAMS];
	model_params_default(k, param);
	param[model_param_find(k, "ExpectedLife", &info)] = life_h;
	param[model_param_find(k, "ExpectedLifeSd", &info)] = 0.4 * life_h;
	*p = (struct plant){ .asset = { 0, 14, 12, 1.1 }, .model = model_new(k, param), .now = 1000 * US_PER_S };
}

/* wear: per hour, after this time constant law of the asset */
static void run(struct plant *p, double seconds, double dt, double rpm, double flow, double wear_per_h)
{
	for (double t = 0; t < seconds - dt / 2; t += dt) {
		double in[MODEL_INPUTS];
		p->now += (int64_t)(dt * 1e6);
		p->asset.wear += wear_per_h * dt / 3600;
		sense(&p->asset, rpm, flow, dt, in);
		model_step(p->model, p->now, in);
	}
}

static struct model_view look(struct plant *p)
{
	struct model_view v;
	model_look(p->model, true, &v);
	return v;
}

static void test_equations(void)
{
	const struct model_kind *k = model_kind_find("pump");
	double all[MODEL_PARAMS], x[MODEL_STATES] = { 0 }, a[MODEL_TERMS], b[MODEL_TERMS];
	const struct model_param *info;
	model_params_default(k, all);
	const double *p = all + model_param_find(k, "RatedSpeed", &info);
	double in[MODEL_INPUTS] = { 1, 1450, 42, 20, NAN, NAN, NAN }, half[MODEL_INPUTS] = { 1, 725, 21, 20, NAN, NAN, NAN };
	k->terms(p, in, x, 0, a);
	k->terms(p, half, x, 0, b);
	double head = a[0] + a[1] + a[2];
	check(fabs(head - (40 - 0.02 * 42 - 0.004 * 42 * 42)) < 1e-9, "head at the rated point: %.2f m", head);
	check(fabs(b[0] + b[1] + b[2] - head / 4) < 1e-9, "half the speed at half the flow gives a quarter of the head");
	k->terms(p, in, x, 1, a);
	k->terms(p, half, x, 1, b);
	double hydraulic = 998 * 9.80665 * 42 / 3600 * head / 1000;
	check(fabs(a[0] - hydraulic / 0.72) < 1e-9 && fabs(a[1] - 0.5) < 1e-9, "power at the best point: %.2f kW", a[0] + a[1]);
	check(fabs((b[0] + b[1]) * 8 - (a[0] + a[1])) < 1e-9, "and an eighth of it");
	for (int i = 0; i < 2000; i++)
		k->step(p, in, 5, x);
	double heat = 100 + 0.02 * 1000 * (hydraulic / 0.72 + 0.5 - hydraulic);
	check(fabs(x[0] - 0.2 * heat) < 1e-3, "the bearing comes to its balance: %.2f K", x[0]);
	double one = 0, many = 0;
	k->step(p, in, 600, &one);
	for (int i = 0; i < 600; i++)
		k->step(p, in, 1, &many);
	check(fabs(one - many) < 1e-9 && fabs(one / (0.2 * heat) - (1 - exp(-1))) < 1e-9, "one long step is many short ones");
	check(!k->running(p, (double[MODEL_INPUTS]){ 0, 1450 }) && !k->running(p, (double[MODEL_INPUTS]){ NAN, 100 }) &&
	      k->running(p, (double[MODEL_INPUTS]){ NAN, 1450 }), "running by the flag, or by the speed alone");
}

static void test_evidence(void)
{
	struct plant p;
	plant_new(&p, 20000);
	run(&p, 25, 0.5, 1450, 42, 0);
	struct model_view v = look(&p);
	check(v.state == MODEL_LEARNING && !v.evidence && isnan(v.health) && isnan(v.rul.q50), "25 s: not enough evidence");
	check_str(model_state_name[v.state], "not enough evidence", "in these words");
	check(!isnan(v.output[0].predicted) && !isnan(v.output[0].residual), "but predictions and residuals");
	run(&p, 25, 0.5, 1450, 42, 0);
	v = look(&p);
	check(v.state == MODEL_OK && v.evidence && v.health > 0.97, "50 s: health %.3f", v.health);
	check(fabs(v.output[0].residual) < 0.5, "a tenth more head than nominal is the healthy asset: residual %.2f m", v.output[0].residual);
	check(v.rul.q05 < v.rul.q50 && v.rul.q50 < v.rul.q95, "life %.0f [%.0f, %.0f] h", v.rul.q50, v.rul.q05, v.rul.q95);
	model_free(p.model);
	plant_new(&p, 20000);
	run(&p, 25, 0.05, 1450, 42, 0);
	check(!look(&p).evidence || look(&p).running_h * 3600 >= 20, "many samples in a short time are not enough");
	model_free(p.model);
}

static void test_no_false_alarm(void)
{
	static const double speed[] = { 1450, 1250, 1600, 1350, 1500 }, flow[] = { 42, 33, 50, 30, 38 };
	struct plant p;
	double worst = 1;
	plant_new(&p, 20000);
	for (int i = 0; i < 40; i++) {
		run(&p, 300, 0.5, speed[i % 5], flow[(i * 3) % 5] * speed[i % 5] / 1450, 0);
		if (i % 7 == 6)
			run(&p, 200, 0.5, 0, 0, 0);
		struct model_view v = look(&p);
		if (v.health < worst)
			worst = v.health;
	}
	struct model_view v = look(&p);
	printf("# health over 3.5 h of changing operation: at worst %.3f, life %.0f [%.0f, %.0f] h\n", worst, v.rul.q50, v.rul.q05, v.rul.q95);
	check(worst > 0.86, "operation is no wear: %.3f", worst);
	check(v.rul.q50 > 5000, "and takes no life: %.0f h", v.rul.q50);
	model_free(p.model);
}

static void test_wear(void)
{
	struct plant p;
	plant_new(&p, 20000);
	run(&p, 120, 0.5, 1450, 42, 0);
	struct model_view before = look(&p);
	p.asset.wear = 0.5;
	run(&p, 8, 0.5, 1450, 40, 0);
	struct model_view after = look(&p);
	check(after.health < 0.7 && after.state == MODEL_DEGRADING, "a jump of wear shows within 16 samples: %.2f", after.health);
	check(after.rul.q50 < 0.8 * before.rul.q50, "and takes life: %.0f h", after.rul.q50);
	run(&p, 900, 0.5, 1450, 40, 0.8);
	struct model_view fast = look(&p);
	check(fast.rul.q50 < 0.1 * after.rul.q50, "a higher rate takes more: %.1f h", fast.rul.q50);
	model_idle(p.model);
	check(look(&p).state == MODEL_STOPPED, "stale inputs stop it");
	struct buf memory = BUF_INIT;
	struct plant q;
	model_save(p.model, &memory);
	plant_new(&q, 20000);
	check(model_load(q.model, memory.p, memory.n), "what it has learned is read back (%zu bytes)", memory.n);
	struct model_view v = look(&q), w = look(&p);
	check(fabs(v.health - w.health) < 1e-4 && fabs(v.rul.q50 - w.rul.q50) < 0.2 * w.rul.q50, "a restart does not heal");
	check(!model_load(q.model, memory.p, memory.n - 1) && !model_load(q.model, "", 0) && !model_load(q.model, "1 pump 0", 8), "damaged memory is refused");
	model_free(q.model);
	plant_new(&q, 10000);
	check(!model_load(q.model, memory.p, memory.n), "so is that of other parameters");
	model_forget(p.model);
	check(look(&p).state == MODEL_LEARNING, "forgetting begins anew");
	model_free(p.model);
	model_free(q.model);
	buf_fini(&memory);
}

/* Whole lives in fast motion: 20 h, one sample a minute; the end is where the model's own limits say it is, seen without noise. */
static void test_coverage(void)
{
	int runs = 16, in = 0, cases = 0;
	for (int r = 0; r < runs; r++) {
		struct plant p;
		double life = 20 * exp(0.35 * normal()), power = 0.9 + 0.5 * uniform(), t = 0, dt = 60, mark[] = { 0.3, 0.5, 0.7, 0.85 }, end = life;
		struct { double t, lo, hi; } said[4];
		int k = 0;
		plant_new(&p, 20);
		run(&p, 120, 0.5, 1450, 42, 0);
		for (bool failed = false; !failed && t < 3 * life; t += dt / 3600) {
			double want = pow((t + dt / 3600) / life, power) - pow(t / life, power);
			run(&p, dt, dt, 1450, 42 - 4 * p.asset.wear, want / (dt / 3600));
			struct model_view v = look(&p);
			if (k < 4 && t >= mark[k] * life) {
				said[k].t = t;
				said[k].lo = v.rul.q05;
				said[k++].hi = v.rul.q95;
			}
			failed = v.state == MODEL_FAILED;
			end = t;
		}
		for (int i = 0; i < k; i++) {
			if (said[i].t >= end)
				continue;
			cases++;
			in += said[i].lo <= end - said[i].t && end - said[i].t <= said[i].hi;
		}
		model_free(p.model);
	}
	printf("# %d predictions in %d lives, %d inside the interval\n", cases, runs, in);
	check(cases >= 3 * runs && in >= 0.8 * cases, "the interval covers the end of life in at least 80 %%");
}

static void test_odd_inputs(void)
{
	struct plant p;
	double in[MODEL_INPUTS] = { 1, 1450, NAN, 20, 30, 5, 40 };
	plant_new(&p, 20000);
	model_step(p.model, 1, in);
	check(look(&p).time_us == TIME_NONE, "without a required input there is no step");
	run(&p, 60, 0.5, 1450, 42, 0);
	struct model_view v = look(&p), w;
	in[FLOW] = 42;
	model_step(p.model, p.now, in);
	w = look(&p);
	check(w.running_h == v.running_h, "time must go on");
	in[FLOW] = -1e300;
	in[SPEED] = 1e300;
	in[HEAD] = 1e300;
	model_step(p.model, p.now + 1000, in);
	in[FLOW] = 0;
	in[SPEED] = 1450;
	in[HEAD] = 0;
	for (int i = 2; i < 200; i++)
		model_step(p.model, p.now + i * US_PER_S, in);
	v = look(&p);
	check(v.health >= 0 && v.health <= 1, "absurd telemetry leaves a number: %g", v.health);
	model_free(p.model);
}

int main(void)
{
	test_equations();
	test_evidence();
	test_no_false_alarm();
	test_wear();
	test_coverage();
	test_odd_inputs();
	return done();
}
