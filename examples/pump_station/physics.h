/* SPDX-License-Identifier: Apache-2.0
 * physics.h - the virtual asset: two pumps lift water from a sump into a tank that a town drinks from.
 *
 * This is "reality" for the example plant.  It shares no code and no equations with the twin's model of a pump, which is simpler on
 * purpose: head and efficiency come from measured tables, the motor slips, bearing and casing are two masses, pipes have inertia, valves
 * close, the strainer clogs, the impeller wears, sensors lie.
 *
 * Pure arithmetic: no clock, no input or output, the same seed gives the same run.  The equations are integrated by fourth-order
 * Runge-Kutta in steps of PHYSICS_STEP_S whatever the caller's step is.  The caller owns the struct; one thread at a time.
 */
#ifndef EXAMPLES_PUMP_STATION_PHYSICS_H
#define EXAMPLES_PUMP_STATION_PHYSICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define N_PUMPS 2
#ifndef PHYSICS_STEP_S
#define PHYSICS_STEP_S 0.02	/* a run over days may be built with 0.1: the fastest pole is at 4/s */
#endif
#define SPEED_MIN 600.0		/* rpm, of set-points */
#define SPEED_MAX 1800.0

enum sensor { SENSE_SPEED, SENSE_FLOW, SENSE_HEAD, SENSE_POWER, SENSE_BEARING, SENSE_VIBRATION, SENSE_AMBIENT, N_SENSORS };
extern const char *const sensor_name[N_SENSORS];	/* "speed", "flow", ... as in the telemetry */

enum sensor_fault { SENSOR_GOOD, SENSOR_STUCK, SENSOR_DRIFT, SENSOR_NOISE, N_SENSOR_FAULTS };
extern const char *const sensor_fault_name[N_SENSOR_FAULTS];	/* "none", "stuck", "drift", "noise" */

/* What the asset's instruments show: rpm, m3/h, m, kW, degC, mm/s, degC by enum sensor. */
struct reading {
	bool running;
	double value[N_SENSORS];
};

struct pump {
	/* what is wrong with it, 0..1; the twin does not know */
	double wear, clogging, seal_leak;
	double wear_rate;		/* per hour of running */
	struct {
		enum sensor_fault fault;
		double held, drift;	/* value when it stuck; part of full scale gained */
	} sensor[N_SENSORS];

	/* what the operator and the controls want */
	bool on;
	double set_point;		/* rpm */

	/* state */
	double drive;			/* rpm: the inverter's frequency, ramped */
	double speed;			/* rpm: of the shaft */
	double flow;			/* m3/h: through the impeller */
	double bearing, casing;		/* degC */
	double since_s;			/* since `on` changed */

	/* of the last step */
	double delivered, head, power, vibration;	/* m3/h into the pipe, m, kW at the terminals, mm/s rms */
};

struct station {
	struct pump pump[N_PUMPS];
	double volume;			/* m3 in the tank */
	double water;			/* degC in the tank */
	double day_s;			/* time of day */
	double ambient, inflow, outflow;	/* degC, m3/h */
	double gust, weather;		/* slow noise on demand (part) and ambient (K) */
	double rest_s;			/* not integrated yet */
	uint64_t random[2];
};

/* `hour` of the day; the machines are warm and the level is where both pumps have work. */
void station_init(struct station *, uint64_t seed, double hour);
void station_advance(struct station *, double dt_s);
double station_level(const struct station *);		/* percent */
double station_demand(double day_s);			/* m3/h wanted at this time of day, without noise */

/* On or off; the set-point is clamped.  No interlocks here: see control.h. */
void pump_switch(struct pump *, bool on);
/* One sight by all instruments of one pump: with noise, and with their faults.  dt_s: since the last sight. */
void station_read(struct station *, size_t pump, double dt_s, struct reading *);
double station_noise(struct station *);			/* standard normal */

/* Head (m) and electrical power (kW) of a pump with this wear at this speed (rpm) and delivered flow (m3/h): for tests and for
 * data sheets. */
double pump_head(double speed, double flow, double wear);
double pump_power(double speed, double flow, double wear);

#endif
