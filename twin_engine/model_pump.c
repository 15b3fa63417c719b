/* SPDX-License-Identifier: Apache-2.0
 * model_pump.c - a centrifugal pump on a motor, quasi-static but for the bearing's heat.
 *
 *   head         H = a0 (n/n0)^2 - a1 (n/n0) Q - a2 Q^2                     affinity laws
 *   power        P = rho g Q H / eta + Pf (n/n0)^3                          eta a parabola with its top at the best point, which moves with n
 *   temperature  T = Tamb + D,  tau dD/dt = R (F (n/n0)^2 + k Ploss) - D    one mass, losses and friction against the surroundings
 *
 * The hydraulic work in P is that of the measured head, when there is one: a worn impeller lifts less and takes less, and only what it
 * takes beyond the work it does tells of losses.
 */
#include <math.h>

#include "twin_engine/model.h"

enum param {
	RATED_SPEED, MIN_SPEED, SHUTOFF_HEAD, HEAD_LINEAR, HEAD_QUADRATIC, DENSITY, BEST_EFFICIENCY, BEST_FLOW, FRICTION_POWER, AMBIENT,
	BEARING_FRICTION, LOSS_TO_BEARING, THERMAL_RESISTANCE, THERMAL_TIME, HEAD_LOSS, POWER_EXCESS, TEMPERATURE_EXCESS, N_PARAMS
};
enum input { RUNNING, SPEED, FLOW, AMBIENT_IN, HEAD_IN, POWER_IN, TEMPERATURE_IN, N_INPUTS };
enum output { HEAD, POWER, TEMPERATURE, N_OUTPUTS };
enum state { HEATING, N_STATES };

static const struct model_param params[N_PARAMS] = {
	[RATED_SPEED] = { "RatedSpeed", "rpm", 1450, 1, 1e5, "n0: speed that the curves are given for" },
	[MIN_SPEED] = { "MinimumSpeed", "rpm", 300, 0, 1e5, "below it the pump counts as stopped" },
	[SHUTOFF_HEAD] = { "ShutoffHead", "m", 40, 0.1, 1e4, "a0: head at no flow" },
	[HEAD_LINEAR] = { "HeadLinear", "m/(m3/h)", 0.02, 0, 1e3, "a1" },
	[HEAD_QUADRATIC] = { "HeadQuadratic", "m/(m3/h)2", 0.004, 0, 1e3, "a2" },
	[DENSITY] = { "Density", "kg/m3", 998, 1, 2e4, "rho: of the liquid" },
	[BEST_EFFICIENCY] = { "BestEfficiency", "1", 0.72, 0.05, 1, "of pump and motor together, at the best point" },
	[BEST_FLOW] = { "BestEfficiencyFlow", "m3/h", 42, 1e-3, 1e6, "at rated speed" },
	[FRICTION_POWER] = { "FrictionPower", "kW", 0.5, 0, 1e4, "Pf: power taken at rated speed that does no hydraulic work" },
	[AMBIENT] = { "AmbientTemperature", "degC", 20, -60, 80, "used when the input ambient_temperature is not bound" },
	[BEARING_FRICTION] = { "BearingFriction", "W", 100, 0, 1e6, "F: heat of the bearing at rated speed" },
	[LOSS_TO_BEARING] = { "LossToBearing", "1", 0.02, 0, 1, "k: share of the lost power that heats the bearing" },
	[THERMAL_RESISTANCE] = { "ThermalResistance", "K/W", 0.2, 1e-4, 1e3, "R: bearing to surroundings" },
	[THERMAL_TIME] = { "ThermalTime", "s", 600, 1, 1e6, "tau" },
	[HEAD_LOSS] = { "HeadLossLimit", "1", 0.2, 0.01, 1, "part of the head that is missing at the end of life" },
	[POWER_EXCESS] = { "PowerExcessLimit", "1", 0.3, 0.01, 10, "part of the power that is too much at the end of life" },
	[TEMPERATURE_EXCESS] = { "TemperatureExcessLimit", "K", 25, 1, 500, "bearing too hot by this at the end of life" },
};

static const struct model_input inputs[N_INPUTS] = {
	[RUNNING] = { "running", "", MODEL_OPTIONAL, -1 },
	[SPEED] = { "speed", "rpm", MODEL_REQUIRED, -1 },
	[FLOW] = { "flow", "m3/h", MODEL_REQUIRED, -1 },
	[AMBIENT_IN] = { "ambient_temperature", "degC", MODEL_OPTIONAL, -1 },
	[HEAD_IN] = { "head", "m", MODEL_OPTIONAL, HEAD },
	[POWER_IN] = { "power", "kW", MODEL_OPTIONAL, POWER },
	[TEMPERATURE_IN] = { "bearing_temperature", "degC", MODEL_OPTIONAL, TEMPERATURE },
};

static const struct model_output outputs[N_OUTPUTS] = {
	[HEAD] = { "head", "m", 3, 0.4, 0.06, -1, 0.05, 0.01, 1800, 0.12, 0, 0, 0.01 },
	[POWER] = { "power", "kW", 2, 0.4, 0.1, 1, 0.05, 0.01, 1800, 0.12, 0, 0, 0.01 },
	[TEMPERATURE] = { "bearing_temperature", "degC", 2, 0.1, 0.3, 1, 0.05, 0.02, 3600, 0.12, 900, 0.1, 0.005 },
};

#define SPEED_STEP 0.1		/* of rated speed */
#define SPEED_FIRST 0.4
#define FLOW_STEP 0.2		/* of the best flow at the present speed */

static bool running(const double *p, const double *in)
{
	return !(in[RUNNING] < 0.5) && in[SPEED] >= p[MIN_SPEED];
}

static double ambient(const double *p, const double *in)
{
	return isnan(in[AMBIENT_IN]) ? p[AMBIENT] : in[AMBIENT_IN];
}

static void head_terms(const double *p, const double *in, double *term)
{
	double n = in[SPEED] / p[RATED_SPEED], q = in[FLOW];
	term[0] = p[SHUTOFF_HEAD] * n * n;
	term[1] = -p[HEAD_LINEAR] * n * q;
	term[2] = -p[HEAD_QUADRATIC] * q * fabs(q);
}

/* Hydraulic power in kW, and what the healthy machine takes for it. */
static void power_terms(const double *p, const double *in, double *term, double *hydraulic)
{
	double n = in[SPEED] / p[RATED_SPEED], h[MODEL_TERMS], head = in[HEAD_IN];
	if (isnan(head)) {
		head_terms(p, in, h);
		head = h[0] + h[1] + h[2];
	}
	double at = n > 0 ? in[FLOW] / n / p[BEST_FLOW] - 1 : -1;
	double eta = p[BEST_EFFICIENCY] * fmax(1 - at * at, 0.2);
	*hydraulic = fmax(p[DENSITY] * 9.80665 * in[FLOW] / 3600 * head / 1000, 0);
	term[0] = *hydraulic / eta;
	term[1] = p[FRICTION_POWER] * n * n * n;
}

static void terms(const double *p, const double *in, const double *x, size_t output, double *term)
{
	double hydraulic;
	switch ((enum output)output) {
	case HEAD:
		head_terms(p, in, term);
		break;
	case POWER:
		power_terms(p, in, term, &hydraulic);
		break;
	default:
		term[0] = ambient(p, in);
		term[1] = x[HEATING];
	}
}

static void start(const double *p, const double *in, const double *y, const double theta[][MODEL_TERMS], double *x)
{
	const double *t = theta[TEMPERATURE];
	x[HEATING] = isnan(y[TEMPERATURE]) ? 0 : fmax(y[TEMPERATURE] - t[0] * ambient(p, in), 0) / fmax(t[1], 0.1);
}

static void step(const double *p, const double *in, double dt_s, double *x)
{
	double n = in[SPEED] / p[RATED_SPEED], heat = 0, term[MODEL_TERMS], hydraulic;
	if (running(p, in)) {
		power_terms(p, in, term, &hydraulic);
		heat = p[BEARING_FRICTION] * n * n + p[LOSS_TO_BEARING] * 1000 * fmax(term[0] + term[1] - hydraulic, 0);
	}
	/* exact for constant heat, so that no step is too long */
	x[HEATING] += (p[THERMAL_RESISTANCE] * heat - x[HEATING]) * -expm1(-dt_s / p[THERMAL_TIME]);
}

static void operation(const double *p, const double *in, double at[2])
{
	double n = in[SPEED] / p[RATED_SPEED];
	at[0] = (n - SPEED_FIRST) / SPEED_STEP;
	at[1] = in[FLOW] / fmax(n, SPEED_FIRST) / p[BEST_FLOW] / FLOW_STEP;
}

static double limit(const double *p, size_t output, double predicted)
{
	switch ((enum output)output) {
	case HEAD:
		return fmax(p[HEAD_LOSS] * fabs(predicted), 1e-3);
	case POWER:
		return fmax(p[POWER_EXCESS] * fabs(predicted), 1e-4);
	default:
		return p[TEMPERATURE_EXCESS];
	}
}

extern const struct model_kind model_pump;
const struct model_kind model_pump = {
	"pump", 1, params, inputs, outputs, N_PARAMS, N_INPUTS, N_OUTPUTS, N_STATES, running, start, step, terms, operation, limit
};
