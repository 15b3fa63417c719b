/* SPDX-License-Identifier: Apache-2.0 */
#include "examples/pump_station/control.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>

#include "base/clock.h"

#define LEVEL_WANTED 60.0
#define HOLD_S 60.0		/* the automatic lets a pump run so long at least */

/* Where the automatic starts and stops each pump, and the speed it asks for: base + by_level (rpm/%) + by_demand (rpm/(m3/h)). */
static const struct {
	double on_below, off_above, base, by_level, by_demand;
} automatic[N_PUMPS] = {
	{ 85, 92, 1390, 6, 2.0 },
	{ 50, 70, 1400, 3, 0 },
};

void control_init(struct control *c, struct station *s, bool autostart)
{
	memset(c, 0, sizeof *c);
	c->station = s;
	for (size_t i = 0; i < N_PUMPS; i++) {
		c->pump[i].manual = !autostart;
		if (autostart)
			pump_switch(&s->pump[i], station_level(s) < automatic[i].on_below);
	}
}

void control_tick(struct control *c)
{
	struct station *s = c->station;
	double level = station_level(s);
	for (size_t i = 0; i < N_PUMPS; i++) {
		struct pump *p = &s->pump[i];
		if (p->on && p->bearing > BEARING_TRIP)
			c->pump[i].tripped = true;
		if (p->on && (level > LEVEL_TRIP || c->pump[i].tripped)) {
			pump_switch(p, false);
			continue;
		}
		if (c->pump[i].manual || c->pump[i].tripped)
			continue;
		if (!p->on && level < automatic[i].on_below && p->since_s >= REST_S)
			pump_switch(p, true);
		else if (p->on && level > automatic[i].off_above && p->since_s >= HOLD_S)
			pump_switch(p, false);
		double n = automatic[i].base + automatic[i].by_level * (LEVEL_WANTED - level) + automatic[i].by_demand * (s->outflow - 43);
		p->set_point = fmin(fmax(n, 1150), 1500);
	}
}

/* ---- commands ---- */

struct order {
	struct control *c;
	size_t pump;
	json_t *arguments;		/* borrowed; may be NULL */
	char text[160];			/* the result, or why not */
};

static bool say(struct order *o, bool done, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static bool say(struct order *o, bool done, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(o->text, sizeof o->text, fmt, ap);
	va_end(ap);
	return done;
}

static bool do_start(struct order *o)
{
	struct pump *p = &o->c->station->pump[o->pump];
	double level = station_level(o->c->station);
	bool preset = o->c->pump[o->pump].preset;
	if (level > LEVEL_FULL)
		return say(o, false, "the tank is full (%.1f %%, limit %.0f %%)", level, LEVEL_FULL);
	if (p->bearing > BEARING_TRIP - 10)
		return say(o, false, "the bearing is too hot (%.0f degC)", p->bearing);
	if (!p->on && p->since_s < REST_S)
		return say(o, false, "the motor was stopped %.1f s ago; it has to stand for %.0f s", p->since_s, REST_S);
	o->c->pump[o->pump].manual = preset;
	o->c->pump[o->pump].preset = o->c->pump[o->pump].tripped = false;
	pump_switch(p, true);
	if (preset)
		return say(o, true, "running at %.0f rpm", p->set_point);
	return say(o, true, "running, under level control");
}

static bool do_stop(struct order *o)
{
	o->c->pump[o->pump].manual = true;
	o->c->pump[o->pump].preset = false;
	pump_switch(&o->c->station->pump[o->pump], false);
	return say(o, true, "stopped");
}

static bool set_speed(struct order *o, const json_t *v)
{
	struct pump *p = &o->c->station->pump[o->pump];
	double rpm;
	const char *text = json_string_value(v);
	if (json_is_number(v))
		rpm = json_number_value(v);
	else if (!text || !str_double(text, strlen(text), &rpm))
		return say(o, false, "the speed is missing or not a number");
	if (!(rpm >= SPEED_MIN && rpm <= SPEED_MAX))
		return say(o, false, "%.0f rpm is outside %.0f .. %.0f rpm", rpm, SPEED_MIN, SPEED_MAX);
	o->c->pump[o->pump].manual = true;
	o->c->pump[o->pump].preset = !p->on;
	p->set_point = rpm;
	return say(o, true, p->on ? "going to %.0f rpm" : "will start at %.0f rpm", rpm);
}

static bool do_set_speed(struct order *o)
{
	return set_speed(o, json_object_get(o->arguments, "Speed"));
}

static bool do_write(struct order *o)
{
	const char *element = json_string_value(json_object_get(o->arguments, "element"));
	if (!element || (!str_eq(element, "SpeedSetpoint") && !str_eq(element, "Speed")))
		return say(o, false, "%.60s cannot be written", element ? element : "an element without a name");
	return set_speed(o, json_object_get(o->arguments, "value"));
}

static const struct {
	const char *name;
	bool (*run)(struct order *);
} operations[] = {
	{ "Start", do_start },
	{ "Stop", do_stop },
	{ "SetSpeed", do_set_speed },
	{ "Write", do_write },
};

static bool carry_out(struct order *o, const char *operation, const json_t *named)
{
	if (named && (!json_is_string(named) || !str_eq(json_string_value(named), operation)))
		return say(o, false, "the operation in the message is not the one of the topic");
	for (size_t i = 0; i < sizeof operations / sizeof *operations; i++)
		if (str_eq(operations[i].name, operation))
			return operations[i].run(o);
	return say(o, false, "there is no operation %.60s", operation);
}

static void put_answer(struct buf *b, const char *id, bool done, const char *text)
{
	buf_puts(b, "{\"id\":");
	buf_json(b, id, strlen(id));
	buf_puts(b, done ? ",\"state\":\"completed\",\"result\":{\"Result\":" : ",\"state\":\"rejected\",\"reason\":");
	buf_json(b, text, strlen(text));
	buf_puts(b, done ? "}}" : "}");
}

static bool expired(const json_t *command, int64_t now_us)
{
	const char *text = json_string_value(json_object_get(command, "expiresAt"));
	int64_t at;
	return text && time_parse(text, strlen(text), &at) && at < now_us;
}

bool control_command(struct control *c, size_t pump, const char *operation, const char *payload, size_t n, int64_t now_us, struct buf *answer)
{
	json_t *command = json_loadb(payload, n, JSON_REJECT_DUPLICATES, NULL);
	const char *id = json_string_value(json_object_get(command, "id"));
	struct order o = { .c = c, .pump = pump, .arguments = json_object_get(command, "arguments") };
	bool answers = true;
	if (!json_is_object(command) || !id || !*id || strlen(id) >= sizeof c->answered[0].id) {
		put_answer(answer, id && strlen(id) < 200 ? id : "", false, "a command is a JSON object with an id of at most 63 bytes");
		json_decref(command);
		return !answer->failed;
	}
	for (size_t i = 0; i < CONTROL_ANSWERS; i++)
		if (str_eq(c->answered[i].id, id)) {
			buf_puts(answer, c->answered[i].text);
			json_decref(command);
			return !answer->failed;
		}
	if (expired(command, now_us)) {
		answers = false;
	} else {
		put_answer(answer, id, carry_out(&o, operation, json_object_get(command, "operation")), o.text);
		struct answered *a = &c->answered[c->n_answered++ % CONTROL_ANSWERS];
		snprintf(a->id, sizeof a->id, "%s", id);
		snprintf(a->text, sizeof a->text, "%s", answer->failed ? "" : answer->p);
	}
	json_decref(command);
	return answers && !answer->failed;
}

/* ---- knobs ---- */

static const struct knob {
	const char *name;
	size_t at;
	double max;
} knobs[] = {
	{ "wear", offsetof(struct pump, wear), 1 },
	{ "wear_rate", offsetof(struct pump, wear_rate), 1e6 },
	{ "clogging", offsetof(struct pump, clogging), 1 },
	{ "seal_leak", offsetof(struct pump, seal_leak), 1 },
};

static int find_word(const char *const *list, size_t n, const char *word)
{
	for (size_t i = 0; word && i < n; i++)
		if (str_eq(list[i], word))
			return (int)i;
	return -1;
}

static const struct knob *find_knob(const char *name)
{
	for (size_t i = 0; i < sizeof knobs / sizeof *knobs; i++)
		if (str_eq(knobs[i].name, name))
			return &knobs[i];
	return NULL;
}

/* On a copy, so that a message with one fault changes nothing. */
static bool turn(struct pump *p, const json_t *o, char *why, size_t size)
{
	const json_t *fault = json_object_get(o, "sensor_fault"), *sensor = json_object_get(o, "sensor");
	const char *name;
	json_t *v;
	json_object_foreach((json_t *)o, name, v) {
		const struct knob *k = find_knob(name);
		double x = json_number_value(v);
		if (v == fault || v == sensor)
			continue;
		if (!k || !json_is_number(v) || !(x >= 0 && x <= k->max))
			return snprintf(why, size, k ? "%.40s is not a number in its range" : "there is no knob %.40s", name), false;
		*(double *)((char *)p + k->at) = x;
	}
	int kind = fault ? find_word(sensor_fault_name, N_SENSOR_FAULTS, json_string_value(fault)) : -1;
	int which = sensor ? find_word(sensor_name, N_SENSORS, json_string_value(sensor)) : fault ? -2 : -1;
	if ((fault && kind < 0) || (sensor && which < 0))
		return snprintf(why, size, "unknown sensor or sensor_fault"), false;
	if (fault && which == -2 && kind != SENSOR_GOOD)
		which = SENSE_FLOW;
	for (int i = 0; fault && i < N_SENSORS; i++)
		if (which == -2 || which == i) {	/* "none" without a sensor heals all */
			p->sensor[i].fault = (enum sensor_fault)kind;
			p->sensor[i].drift = 0;
		}
	return true;
}

bool control_knobs(struct control *c, size_t pump, const char *payload, size_t n, char *why, size_t size)
{
	json_error_t error;
	json_t *o = json_loadb(payload, n, JSON_REJECT_DUPLICATES, &error);
	struct pump copy = c->station->pump[pump];
	bool fine = json_is_object(o) && turn(&copy, o, why, size);
	if (!json_is_object(o))
		snprintf(why, size, "not a JSON object: %.100s", o ? "" : error.text);
	if (fine)
		c->station->pump[pump] = copy;
	json_decref(o);
	return fine;
}
