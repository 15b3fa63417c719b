/* SPDX-License-Identifier: Apache-2.0
 * control.h - the control cabinet of the pump station: level control, interlocks, commands, and the knobs of the simulation.
 *
 * Left alone, pump1 follows the level of the tank and the demand, and pump2 helps between 50 % and 70 %.  A command takes a pump out of
 * the automatic: SetSpeed and Stop hold until Start.  Start gives it back to the automatic, or, when a set-point was given while it
 * stood, runs it at that.  Nothing here knows MQTT.  One thread at a time; the caller owns the struct.
 */
#ifndef EXAMPLES_PUMP_STATION_CONTROL_H
#define EXAMPLES_PUMP_STATION_CONTROL_H

#include "base/buf.h"
#include "examples/pump_station/physics.h"

#define LEVEL_FULL 90.0			/* percent: no Start above it */
#define LEVEL_TRIP 97.0			/* everything stops */
#define BEARING_TRIP 110.0		/* degC */
#define REST_S 2.0			/* a motor stands so long before it starts again */
#define CONTROL_ANSWERS 64		/* remembered, for commands that come twice */

struct answered {
	char id[64], text[400];
};

struct control {
	struct station *station;
	struct {
		bool manual;		/* commands rule, not the level */
		bool preset;		/* a set-point was given while it stood */
		bool tripped;		/* by its bearing: only a Start brings it back */
	} pump[N_PUMPS];
	struct answered answered[CONTROL_ANSWERS];
	size_t n_answered;
};

/* autostart false: both stand until Start. */
void control_init(struct control *, struct station *, bool autostart);
/* The automatic and the protections; call it at least every simulated second. */
void control_tick(struct control *);

/* A command as it came.  True: *answer (empty before) is to be sent; false: it has expired and is dropped.  A command id that was
 * answered before is answered the same again, and has no second effect. */
bool control_command(struct control *, size_t pump, const char *operation, const char *payload, size_t n, int64_t now_us, struct buf *answer);

/* The knobs: all of them are read before any is turned.  False: why says what is wrong. */
bool control_knobs(struct control *, size_t pump, const char *payload, size_t n, char *why, size_t size);

#endif
