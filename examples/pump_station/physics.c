/* SPDX-License-Identifier: Apache-2.0 */
#include "examples/pump_station/physics.h"

#include <math.h>
#include <string.h>

#define PI 3.14159265358979323846
#define RATED 1450.0		/* rpm of the tables */
#define WEIGHT (998.0 * 9.80665)	/* N/m3 */
#define HOUR 3600.0

/* Pipes: own branch and common main, m per (m3/h)^2; inertia as m3/h per second and metre of head. */
#define BRANCH 0.0040
#define MAIN 0.0013
#define STRAINER 0.00025
#define INERTIA 4.6
/* Tank */
#define AREA 12.0		/* m2 */
#define DEPTH 4.0		/* m */
#define LIFT 18.0		/* m from the sump to the bottom of the tank */
/* Drive and motor */
#define RAMP 180.0		/* rpm/s */
#define SPEED_LAG 0.35		/* s */
#define SLIP 0.011		/* at rated torque, after the inverter's compensation */
#define RATED_SHAFT 5.2		/* kW */
/* Heat */
#define FRICTION 105.0		/* W in the bearing at rated speed */
#define TO_CASING 0.028		/* part of the lost power */
#define BEARING_HEAT 1300.0	/* J/K */
#define CASING_HEAT 8600.0
#define BEARING_CASING 14.5	/* W/K */
#define CASING_AIR 8.4

const char *const sensor_name[N_SENSORS] = { "speed", "flow", "head", "power", "bearing_temperature", "vibration", "ambient_temperature" };
const char *const sensor_fault_name[N_SENSOR_FAULTS] = { "none", "stuck", "drift", "noise" };

static const struct {
	double noise, part, full;	/* standard deviation: fixed and as part of the value; full scale for drift */
} instrument[N_SENSORS] = {
	[SENSE_SPEED] = { 0.6, 0, 1800 },
	[SENSE_FLOW] = { 0.08, 0.003, 90 },
	[SENSE_HEAD] = { 0.05, 0.0015, 50 },
	[SENSE_POWER] = { 0.010, 0.003, 10 },
	[SENSE_BEARING] = { 0.06, 0, 120 },
	[SENSE_VIBRATION] = { 0.02, 0.03, 20 },
	[SENSE_AMBIENT] = { 0.05, 0, 60 },
};

/* ---- tables ---- */

struct curve {
	size_t n;
	double x0, dx;
	const double *y;
};

/* Catmull-Rom through equidistant points; straight on beyond the ends. */
static double look_up(const struct curve *c, double x)
{
	double at = (x - c->x0) / c->dx;
	if (at <= 0)
		return c->y[0] + at * (c->y[1] - c->y[0]);
	if (at >= (double)(c->n - 1))
		return c->y[c->n - 1] + (at - (double)(c->n - 1)) * (c->y[c->n - 1] - c->y[c->n - 2]);
	size_t i = (size_t)at;
	double t = at - (double)i, a = c->y[i], b = c->y[i + 1];
	double before = i ? c->y[i - 1] : 2 * a - b, after = i + 2 < c->n ? c->y[i + 2] : 2 * b - a;
	double m = (b - before) / 2, k = (after - a) / 2;
	return a + t * (m + t * (3 * (b - a) - 2 * m - k + t * (2 * (a - b) + m + k)));
}

/* From the test bed: head (m) and efficiency of the hydraulics over flow (0, 10 ... 80 m3/h) at rated speed. */
static const double head_points[] = { 38.9, 38.9, 38.25, 36.45, 33.75, 30.15, 25.5, 19.3, 11.6 };
static const double efficiency_points[] = { 0.10, 0.36, 0.565, 0.69, 0.745, 0.738, 0.672, 0.55, 0.36 };
static const struct curve head_curve = { 9, 0, 10, head_points };
static const struct curve efficiency_curve = { 9, 0, 10, efficiency_points };
/* Demand over the hours of a day, m3/h. */
static const double demand_points[] = {
	24, 21, 20, 20, 23, 34, 51, 62, 60, 55, 51, 50, 52, 50, 47, 46, 49, 55, 61, 60, 53, 44, 35, 28, 24
};
static const struct curve demand_curve = { 25, 0, 1, demand_points };

/* ---- one pump ---- */

/* Worn rings let water back to the suction side, worn vanes give less head. */
static double inner_flow(double speed, double flow, double wear)
{
	return flow + 8.5 * wear * speed / RATED;
}

double pump_head(double speed, double flow, double wear)
{
	double n = speed / RATED;
	return n > 0.02 ? n * n * look_up(&head_curve, inner_flow(speed, flow, wear) / n) * (1 - 0.11 * wear) : 0;
}

static double shaft_power(double speed, double flow, double wear)
{
	double n = speed / RATED;
	if (n <= 0.02)
		return 0;
	double q = inner_flow(speed, flow, wear), x = q / n;
	/* small Reynolds numbers cost a little at low speed */
	double eta = fmax(look_up(&efficiency_curve, x), 0.08) * (1 - 0.04 * (1 / fmax(n, 0.3) - 1)) * (1 - 0.10 * wear);
	double lifted = WEIGHT * q / HOUR * n * n * fmax(look_up(&head_curve, x), 0) / 1000;
	return lifted / fmax(eta, 0.05) + (0.34 + 0.25 * wear) * n * n * n;
}

/* Iron, copper and fan losses of motor and inverter, by load. */
static double terminal_power(double shaft, double speed)
{
	double load = shaft / RATED_SHAFT, n = speed / RATED;
	return shaft + 0.10 * n + 0.09 * n * n * n + 0.30 * load * load + 0.05 * load;
}

double pump_power(double speed, double flow, double wear)
{
	return terminal_power(shaft_power(speed, flow, wear), speed);
}

void pump_switch(struct pump *p, bool on)
{
	p->set_point = fmin(fmax(p->set_point, SPEED_MIN), SPEED_MAX);
	if (p->on != on) {
		p->on = on;
		p->since_s = 0;
	}
}

/* Head that is left above what the impeller needs to keep the water together; below 0 it cavitates. */
static double suction_margin(const struct pump *p, double speed, double flow)
{
	double n = speed / RATED, loss = STRAINER * (1 + 45 * p->clogging * p->clogging) * flow * flow;
	return 10.3 + 1.2 - loss - (1.8 + 0.0021 * flow * flow) * (0.4 + 0.6 * n * n);
}

static double developed_head(const struct pump *p, double speed, double flow)
{
	double margin = suction_margin(p, speed, flow);
	return pump_head(speed, flow, p->wear) * (margin < 0 ? fmax(1 + 0.12 * margin, 0.3) : 1);
}

/* What the seal loses before the pipe. */
static double leak(const struct pump *p, double head)
{
	return 6.5 * p->seal_leak * sqrt(fmax(head, 0) / 33);
}

static double friction_heat(const struct pump *p, double speed)
{
	double n = speed / RATED;
	return FRICTION * pow(n, 1.85) * (1 + 1.35 * p->wear + 0.4 * p->wear * p->wear);
}

/* ---- integration ---- */

enum { Y_SPEED, Y_FLOW, Y_BEARING, Y_CASING, Y_PUMP };
#define Y_VOLUME (Y_PUMP * N_PUMPS)
#define N_Y (Y_VOLUME + 1)

static void slopes(const struct station *s, const double *y, double *dy)
{
	double into[N_PUMPS], head[N_PUMPS], sum = 0;
	for (size_t i = 0; i < N_PUMPS; i++) {
		const double *x = y + i * Y_PUMP;
		head[i] = developed_head(&s->pump[i], x[Y_SPEED], x[Y_FLOW]);
		into[i] = fmax(x[Y_FLOW] - leak(&s->pump[i], head[i]), 0);
		sum += into[i];
	}
	double above = LIFT + y[Y_VOLUME] / AREA;
	for (size_t i = 0; i < N_PUMPS; i++) {
		const struct pump *p = &s->pump[i];
		const double *x = y + i * Y_PUMP;
		double *d = dy + i * Y_PUMP, n = x[Y_SPEED] / RATED;
		double shaft = shaft_power(x[Y_SPEED], x[Y_FLOW], p->wear), lost = terminal_power(shaft, x[Y_SPEED]) - shaft;
		double torque = n > 0.05 ? shaft / RATED_SHAFT / n : 0;
		d[Y_SPEED] = p->on ? (p->drive - RATED * SLIP * torque - x[Y_SPEED]) / SPEED_LAG : -x[Y_SPEED] / 2.2 - (x[Y_SPEED] > 0 ? 25 : 0);
		double strainer = STRAINER * (1 + 45 * p->clogging * p->clogging) * x[Y_FLOW] * x[Y_FLOW];
		d[Y_FLOW] = INERTIA * (head[i] - above - BRANCH * into[i] * into[i] - MAIN * sum * sum - strainer);
		if (x[Y_FLOW] <= 0 && d[Y_FLOW] < 0)
			d[Y_FLOW] = 0;	/* the check valve */
		double across = BEARING_CASING * (x[Y_BEARING] - x[Y_CASING]);
		d[Y_BEARING] = (friction_heat(p, x[Y_SPEED]) - across) / BEARING_HEAT;
		d[Y_CASING] = (across + TO_CASING * 1000 * (lost + 0.25 * shaft) - CASING_AIR * (x[Y_CASING] - s->ambient)) / CASING_HEAT;
	}
	dy[Y_VOLUME] = (sum - s->outflow) / HOUR;
}

static void gather(const struct station *s, double *y)
{
	for (size_t i = 0; i < N_PUMPS; i++) {
		const struct pump *p = &s->pump[i];
		const double x[Y_PUMP] = { p->speed, p->flow, p->bearing, p->casing };
		memcpy(y + i * Y_PUMP, x, sizeof x);
	}
	y[Y_VOLUME] = s->volume;
}

static void scatter(struct station *s, const double *y)
{
	for (size_t i = 0; i < N_PUMPS; i++) {
		struct pump *p = &s->pump[i];
		const double *x = y + i * Y_PUMP;
		p->speed = fmax(x[Y_SPEED], 0);
		p->flow = fmax(x[Y_FLOW], 0);
		p->bearing = x[Y_BEARING];
		p->casing = x[Y_CASING];
	}
	s->volume = fmin(fmax(y[Y_VOLUME], 0), AREA * DEPTH);
}

static void runge_kutta(struct station *s, double h)
{
	double y[N_Y], z[N_Y], k[4][N_Y];
	static const double at[4] = { 0, 0.5, 0.5, 1 };
	gather(s, y);
	for (int i = 0; i < 4; i++) {
		for (size_t j = 0; j < N_Y; j++)
			z[j] = y[j] + (i ? h * at[i] * k[i - 1][j] : 0);
		/* a shaft that comes to rest must not be looked at turning backwards */
		for (size_t j = 0; j < N_PUMPS; j++)
			z[j * Y_PUMP + Y_SPEED] = fmax(z[j * Y_PUMP + Y_SPEED], 0);
		slopes(s, z, k[i]);
	}
	for (size_t j = 0; j < N_Y; j++)
		y[j] += h / 6 * (k[0][j] + 2 * k[1][j] + 2 * k[2][j] + k[3][j]);
	scatter(s, y);
}

static double vibration(const struct pump *p)
{
	double n = p->speed / RATED, x = n > 0.05 ? p->flow / n / 43 - 1 : 0;
	if (n <= 0.02)
		return 0;
	double margin = suction_margin(p, p->speed, p->flow), cavitation = margin < 0 ? fmin(-margin, 3) : 0;
	return n * n * (1.25 + 0.9 * x * x + 1.6 * p->wear + 4.2 * p->wear * p->wear + 1.5 * p->seal_leak) + 0.25 * n + 1.3 * cavitation;
}

static void machine(struct station *s, struct pump *p, double h)
{
	double want = p->on ? p->set_point : 0, most = RAMP * h;
	/* a motor that coasts is caught where it is */
	p->drive = p->on ? fmin(fmax(want, p->drive - most), p->drive + most) : p->speed;
	p->since_s += h;
	if (p->on)
		p->wear = fmin(p->wear + p->wear_rate * h / HOUR, 1);
	p->head = developed_head(p, p->speed, p->flow);
	p->delivered = fmax(p->flow - leak(p, p->head), 0);
	p->power = p->on ? pump_power(p->speed, p->flow, p->wear) : 0;
	p->vibration = vibration(p);
	s->inflow += p->delivered;
}

static void surroundings(struct station *s, double h)
{
	s->day_s = fmod(s->day_s + h, 24 * HOUR);
	/* Ornstein-Uhlenbeck: taps open and close over minutes, clouds pass over an hour */
	s->gust += -s->gust * h / 240 + 0.05 * sqrt(2 * h / 240) * station_noise(s);
	s->weather += -s->weather * h / 3000 + 0.5 * sqrt(2 * h / 3000) * station_noise(s);
	s->ambient = 20 + 3.5 * sin(2 * PI * (s->day_s / HOUR - 9) / 24) + s->weather;
	s->outflow = s->volume > 0.02 * AREA * DEPTH ? fmax(station_demand(s->day_s) * (1 + s->gust), 0) : 0;
	s->water += (11.5 - s->water) * s->inflow * h / HOUR / fmax(s->volume, 1) + (s->ambient - s->water) * h / 90000;
}

void station_advance(struct station *s, double dt_s)
{
	for (s->rest_s += dt_s; s->rest_s >= PHYSICS_STEP_S; s->rest_s -= PHYSICS_STEP_S) {
		surroundings(s, PHYSICS_STEP_S);
		runge_kutta(s, PHYSICS_STEP_S);
		s->inflow = 0;
		for (size_t i = 0; i < N_PUMPS; i++)
			machine(s, &s->pump[i], PHYSICS_STEP_S);
	}
}

double station_level(const struct station *s)
{
	return 100 * s->volume / (AREA * DEPTH);
}

double station_demand(double day_s)
{
	return look_up(&demand_curve, day_s / HOUR);
}

/* ---- instruments ---- */

/* xorshift128+ (Vigna, 2017) */
static double uniform(struct station *s)
{
	uint64_t a = s->random[0], b = s->random[1];
	s->random[0] = b;
	a ^= a << 23;
	s->random[1] = a ^ b ^ (a >> 18) ^ (b >> 5);
	return ((double)((s->random[1] + b) >> 11) + 0.5) / 9007199254740992.0;
}

double station_noise(struct station *s)
{
	double r = sqrt(-2 * log(uniform(s)));
	return r * cos(2 * PI * uniform(s));
}

static double sense(struct station *s, struct pump *p, size_t i, double truth, double dt_s)
{
	double sd = instrument[i].noise + instrument[i].part * fabs(truth), noise = sd * station_noise(s), shown = truth + noise;
	switch (p->sensor[i].fault) {
	case SENSOR_STUCK:
		return p->sensor[i].held;
	case SENSOR_DRIFT:
		p->sensor[i].drift += 0.01 * dt_s / 60;
		shown += p->sensor[i].drift * instrument[i].full;
		break;
	case SENSOR_NOISE:
		shown += 9 * noise + 0.01 * instrument[i].full * station_noise(s);
		break;
	default:
		break;
	}
	p->sensor[i].held = shown;
	return shown;
}

void station_read(struct station *s, size_t pump, double dt_s, struct reading *r)
{
	struct pump *p = &s->pump[pump];
	const double truth[N_SENSORS] = { p->speed, p->delivered, p->head, p->power, p->bearing, p->vibration, s->ambient };
	r->running = p->on;
	for (size_t i = 0; i < N_SENSORS; i++) {
		r->value[i] = sense(s, p, i, truth[i], dt_s);
		/* these instruments know no negative values */
		if (i != SENSE_BEARING && i != SENSE_AMBIENT)
			r->value[i] = fmax(r->value[i], 0);
	}
}

/* ---- birth ---- */

/* Where the temperatures of a machine that has long run like this stand. */
static void warm_up(const struct station *s, struct pump *p)
{
	double shaft = shaft_power(p->speed, p->flow, p->wear), lost = terminal_power(shaft, p->speed) - shaft;
	double heat = friction_heat(p, p->speed);
	p->casing = s->ambient + (heat + TO_CASING * 1000 * (lost + 0.25 * shaft)) / CASING_AIR;
	p->bearing = p->casing + heat / BEARING_CASING;
}

void station_init(struct station *s, uint64_t seed, double hour)
{
	*s = (struct station){ .day_s = hour * HOUR, .volume = 0.48 * AREA * DEPTH, .water = 12, .ambient = 20 };
	for (int i = 0; i < 2; i++) {	/* splitmix64 */
		uint64_t z = seed += 0x9e3779b97f4a7c15u;
		z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
		z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
		s->random[i] = z ^ (z >> 31);
	}
	surroundings(s, PHYSICS_STEP_S);
	for (size_t i = 0; i < N_PUMPS; i++) {
		struct pump *p = &s->pump[i];
		*p = (struct pump){ .set_point = 1400, .wear_rate = 5e-5, .wear = i ? 0.04 : 0.01, .since_s = HOUR };
		p->speed = p->drive = p->set_point;
		p->flow = 32;
		warm_up(s, p);
		p->speed = p->drive = p->flow = 0;
	}
}
