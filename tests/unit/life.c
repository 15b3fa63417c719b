/* SPDX-License-Identifier: Apache-2.0
 * The twin's model of a pump beside the virtual pump station, through days of changing demand: is what it says of life true?
 *
 * The asset's own physics, controls and instruments, the parameters that the example plant's shells carry, an injected clock.
 */
#include <math.h>

#include "base/clock.h"
#include "examples/pump_station/control.h"
#include "tests/tap.h"
#include "twin_engine/model.h"

#define SAMPLE_S 2.0
#define HOUR 3600.0

/* As fitted for examples/plant. */
static const struct {
	const char *name;
	double value;
} parameter[] = {
	{ "ShutoffHead", 39.96 }, { "HeadLinear", 0 }, { "HeadQuadratic", 0.00392 }, { "BestEfficiency", 0.665 }, { "BestEfficiencyFlow", 42.8 },
	{ "FrictionPower", 0.2 }, { "BearingFriction", 120 }, { "LossToBearing", 0.0205 }, { "ThermalResistance", 0.16 }, { "ThermalTime", 1120 },
	{ "HeadLossLimit", 0.16 }, { "PowerExcessLimit", 0.45 }, { "TemperatureExcessLimit", 30 }, { "ExpectedLife", 20000 },
	{ "ExpectedLifeSd", 8000 },
};

struct world {
	struct station station;
	struct control control;
	struct model *model;
	size_t pump;
	int64_t now;
};

static void begin(struct world *w, uint64_t seed, double hour, size_t pump)
{
	const struct model_kind *k = model_kind_find("pump");
	const struct model_param *info;
	double param[MODEL_PARAMS];
	model_params_default(k, param);
	for (size_t i = 0; i < sizeof parameter / sizeof *parameter; i++)
		param[model_param_find(k, parameter[i].name, &info)] = parameter[i].value;
	memset(w, 0, sizeof *w);
	station_init(&w->station, seed, hour);
	control_init(&w->control, &w->station, true);
	w->model = model_new(k, param);
	w->pump = pump;
	w->now = 1000 * US_PER_S;
}

static struct model_view pass(struct world *w, double hours)
{
	struct model_view v;
	for (double t = 0; t < hours * HOUR - SAMPLE_S / 2; t += SAMPLE_S) {
		struct reading r;
		for (int i = 0; i < (int)SAMPLE_S; i++) {
			control_tick(&w->control);
			station_advance(&w->station, 1);
		}
		station_read(&w->station, w->pump, SAMPLE_S, &r);
		w->now += (int64_t)(SAMPLE_S * 1e6);
		double in[MODEL_INPUTS] = { r.running, r.value[SENSE_SPEED], r.value[SENSE_FLOW], r.value[SENSE_AMBIENT], r.value[SENSE_HEAD],
					    r.value[SENSE_POWER], r.value[SENSE_BEARING] };
		model_step(w->model, w->now, in);
	}
	model_look(w->model, true, &v);
	return v;
}

/* A day without wear: whatever the town drinks, the pump keeps the life that its kind has. */
static void test_days_without_wear(void)
{
	for (unsigned run = 0; run < 3; run++) {
		struct world w;
		double least = INFINITY, lowest = INFINITY, health = 1;
		begin(&w, 11 + run, 7.0 * run, run == 2);
		w.station.pump[w.pump].wear_rate = 0;
		for (int i = 0; i < 48; i++) {
			struct model_view v = pass(&w, 0.5);
			if (!v.evidence)
				continue;
			least = fmin(least, v.rul.q05);
			lowest = fmin(lowest, v.rul.q50);
			health = fmin(health, v.health);
		}
		printf("# pump%zu, seed %u: lowest median %.0f h, lowest 5 %% bound %.0f h, lowest health %.3f\n", w.pump + 1, 11 + run, lowest, least, health);
		check(isfinite(lowest) && lowest > 10000, "a day without wear takes no life: the median stays above %.0f h", lowest);
		check(least > 5000, "nor does the interval ever reach near: %.0f h", least);
		check(health > 0.88, "and operation is no degradation: %.3f", health);
		model_free(w.model);
	}
}

struct score {
	int n, inside, rises, steps;
};

/* Wear from now on, to the end: how soon is it believed, does the estimate fall, is the truth in the interval? */
static void wear_out(unsigned seed, double rate, double quiet_h, struct score *s)
{
	struct world w;
	begin(&w, seed, 3.0 * seed, 0);
	struct pump *p = &w.station.pump[0];
	p->wear_rate = 0;
	struct model_view v = pass(&w, quiet_h);
	double before = v.rul.q50, believed = NAN, last = INFINITY, worn = p->wear;
	p->wear_rate = rate;
	for (int i = 1; p->wear < 0.93; i++) {
		v = pass(&w, 0.5);
		double truth = (1 - p->wear) / rate;
		if (isnan(believed) && v.rul.q50 < 0.02 * before)
			believed = p->wear - worn;
		if (v.state == MODEL_DEGRADING || v.state == MODEL_FAILED) {
			s->n++;
			s->inside += v.rul.q05 <= truth && truth <= v.rul.q95;
		}
		if (i % 4)
			continue;
		if (!isnan(believed)) {
			s->steps++;
			s->rises += v.rul.q50 > 1.1 * last;
		}
		last = v.rul.q50;
	}
	printf("# seed %u, %.3f of a life per hour: believed after %.0f %% of it, at the end %.1f [%.1f, %.1f] h for %.1f h\n", seed, rate, 100 * believed,
	       v.rul.q50, v.rul.q05, v.rul.q95, (1 - p->wear) / rate);
	check(believed < 0.2, "fast wear is believed before a fifth of the life is gone: %.0f %%", 100 * believed);
	model_free(w.model);
}

static void test_wear(void)
{
	static const double rate[] = { 0.03, 0.05, 0.1, 0.03, 0.05 };
	struct score s = { 0 };
	for (unsigned i = 0; i < sizeof rate / sizeof *rate; i++)
		wear_out(21 + i, rate[i], 8, &s);
	printf("# %d of %d true lives inside the 90 %% interval, %d of %d two-hour steps rise\n", s.inside, s.n, s.rises, s.steps);
	check(s.n > 100 && s.inside >= 0.85 * s.n, "the interval has the true remaining life in at least 85 %% (%d of %d)", s.inside, s.n);
	check(s.rises <= s.steps / 10, "the estimate falls on the whole: %d of %d steps rise", s.rises, s.steps);
}

/* Where the asset has never worked nothing is known of it, and it is not taken for wear. */
static void test_new_region(void)
{
	struct world w;
	begin(&w, 5, 2, 0);
	struct pump *p = &w.station.pump[0];
	p->wear_rate = 0;
	w.control.pump[0].manual = w.control.pump[1].manual = true;
	pump_switch(&w.station.pump[1], false);
	p->set_point = 1300;
	pump_switch(p, true);
	struct model_view v;
	for (int i = 0; i < 18; i++) {
		w.station.volume = 24;
		v = pass(&w, 0.25);
	}
	check(v.familiar && v.evidence, "hours at one operating point make it familiar");
	struct model_view there = v;
	p->set_point = 1500;
	w.station.volume = 24;
	v = pass(&w, 0.02);
	check(!v.familiar && v.evidence, "another one is not");
	check(v.health > there.health - 0.02 && v.rul.q50 > 0.9 * there.rul.q50, "and is no wear: health %.3f, %.0f h", v.health, v.rul.q50);
	for (int i = 0; i < 18; i++) {
		w.station.volume = 24;
		v = pass(&w, 0.25);
	}
	check(v.familiar, "until it has been worked at for hours, too");
	check(v.health > 0.9 && v.rul.q50 > 0.8 * there.rul.q50, "still no wear: health %.3f, %.0f h", v.health, v.rul.q50);
	p->set_point = 1300;
	w.station.volume = 24;
	v = pass(&w, 0.02);
	check(v.familiar, "what was familiar stays so");
	struct buf b = BUF_INIT;
	model_save(w.model, &b);
	struct world other;
	begin(&other, 5, 2, 0);
	check(b.n < 4000 && model_load(other.model, b.p, b.n), "the map is remembered (%zu bytes)", b.n);
	buf_fini(&b);
	model_free(other.model);
	model_free(w.model);
}

int main(void)
{
	test_new_region();
	test_days_without_wear();
	test_wear();
	return done();
}
