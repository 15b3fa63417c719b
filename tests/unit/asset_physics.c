/* SPDX-License-Identifier: Apache-2.0
 * The virtual pump station: does it behave as pumps do, and do its controls refuse what they have to?
 */
#include <math.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/file.h"
#include "examples/pump_station/control.h"
#include "tests/tap.h"

static struct station born(double hour)
{
	struct station s;
	station_init(&s, 42, hour);
	return s;
}

/* Pump 1 at this speed with the tank half full, after so many seconds. */
static struct pump runs(struct pump with, double speed, double seconds)
{
	struct station s = born(12);
	double wear = with.wear, clogging = with.clogging, leak = with.seal_leak;
	s.pump[0].wear = wear;
	s.pump[0].clogging = clogging;
	s.pump[0].seal_leak = leak;
	s.pump[0].set_point = speed;
	pump_switch(&s.pump[0], true);
	for (double t = 0; t < seconds; t += 10) {
		s.volume = 24;
		station_advance(&s, 10);
	}
	return s.pump[0];
}

static void a_healthy_pump(void)
{
	struct station s = born(12);
	struct pump *p = &s.pump[0], q;
	p->set_point = 1450;
	pump_switch(p, true);
	station_advance(&s, 0.5);
	check(p->speed > 10 && p->speed < 150, "the drive ramps up: %.0f rpm after half a second", p->speed);
	station_advance(&s, 14.5);
	check(fabs(p->speed - 1450) < 25 && p->speed < 1450, "the motor slips: %.1f of 1450 rpm", p->speed);
	check(p->delivered > 35 && p->delivered < 55 && p->head > 28 && p->head < 36, "%.1f m3/h at %.1f m", p->delivered, p->head);
	double efficiency = 998 * 9.81 * p->delivered / 3600 * p->head / 1000 / p->power;
	check(efficiency > 0.55 && efficiency < 0.72, "%.2f kW, efficiency %.2f", p->power, efficiency);
	check(s.pump[1].flow == 0 && s.pump[1].speed == 0, "the check valve of the other pump is closed");
	q = runs((struct pump){ .wear = 0 }, 1250, 20);
	check(q.delivered < p->delivered - 8 && q.power < 0.8 * p->power, "slower is less: %.1f m3/h, %.2f kW", q.delivered, q.power);
	q = runs((struct pump){ .wear = 0 }, 900, 20);
	check(q.delivered == 0 && q.head > 12, "too slow to lift anything: %.1f m", q.head);
	pump_switch(p, false);
	station_advance(&s, 12);
	check(p->speed == 0 && p->delivered == 0 && p->power == 0 && isfinite(p->bearing), "it coasts to a standstill");
}

static void the_tank(void)
{
	struct station s = born(8);
	double in = 0, out = 0, from = s.volume;
	pump_switch(&s.pump[0], true);
	for (int i = 0; i < 60000; i++) {
		station_advance(&s, PHYSICS_STEP_S);
		in += s.inflow * PHYSICS_STEP_S / 3600;
		out += s.outflow * PHYSICS_STEP_S / 3600;
	}
	check(fabs(s.volume - from - in + out) < 0.01, "what flows in and out is what the level shows: %+.3f m3", s.volume - from);
	check(station_demand(3 * 3600) < 25 && station_demand(7 * 3600) > 55, "people drink at seven, not at three");
	struct station a = born(5), b = born(5);
	pump_switch(&a.pump[0], true);
	pump_switch(&b.pump[0], true);
	station_advance(&a, 40);
	for (int i = 0; i < 640; i++)
		station_advance(&b, 0.0625);
	check(fabs(a.pump[0].delivered - b.pump[0].delivered) < 1e-9 && fabs(a.volume - b.volume) < 1e-9,
	      "neither the step of the caller nor another run changes anything");
}

static void troubles(void)
{
	struct pump good = runs((struct pump){ .wear = 0 }, 1450, 3600), last = good;
	for (int i = 1; i <= 4; i++) {
		struct pump p = runs((struct pump){ .wear = i / 4.0 }, 1450, 3600);
		check(p.head < last.head - 0.3 && p.bearing > last.bearing + 3 && p.vibration > last.vibration + 0.3 && p.power > last.power,
		      "wear %.2f: %.1f m3/h, %.1f m, %.2f kW, %.1f degC, %.1f mm/s", i / 4.0, p.delivered, p.head, p.power, p.bearing, p.vibration);
		last = p;
	}
	struct pump p = runs((struct pump){ .clogging = 0.9 }, 1450, 30);
	check(p.delivered < good.delivered - 5, "a clogged strainer takes flow: %.1f of %.1f m3/h", p.delivered, good.delivered);
	p = runs((struct pump){ .seal_leak = 1 }, 1450, 30);
	check(p.delivered < p.flow - 4 && p.head < good.head, "a leaking seal loses %.1f m3/h", p.flow - p.delivered);
	struct station s = born(12);
	s.pump[0].wear_rate = 3;
	pump_switch(&s.pump[0], true);
	station_advance(&s, 360);
	check(fabs(s.pump[0].wear - 0.01 - 0.3) < 1e-3, "wear goes on at its rate while it runs");
	s.pump[1].wear_rate = 3;
	station_advance(&s, 60);
	check(s.pump[1].wear < 0.05, "and not while it stands");
}

static void instruments(void)
{
	struct station s = born(12);
	struct reading r;
	double sum = 0, square = 0, first = 0, jump = 0;
	s.pump[0].set_point = 1450;
	pump_switch(&s.pump[0], true);
	station_advance(&s, 30);
	for (int i = 0; i < 2000; i++) {
		station_read(&s, 0, 0.5, &r);
		sum += r.value[SENSE_HEAD];
		square += r.value[SENSE_HEAD] * r.value[SENSE_HEAD];
	}
	double mean = sum / 2000, sd = sqrt(square / 2000 - mean * mean);
	check(fabs(mean - s.pump[0].head) < 0.02 && sd > 0.05 && sd < 0.2, "a good sensor: %.3f m, noise %.3f", mean, sd);
	s.pump[0].sensor[SENSE_FLOW].fault = SENSOR_STUCK;
	station_read(&s, 0, 0.5, &r);
	first = r.value[SENSE_FLOW];
	pump_switch(&s.pump[0], false);
	station_advance(&s, 20);
	station_read(&s, 0, 0.5, &r);
	check(r.value[SENSE_FLOW] == first && first > 30 && s.pump[0].delivered == 0, "a stuck sensor shows %.2f for ever", first);
	s.pump[0].sensor[SENSE_HEAD].fault = SENSOR_DRIFT;
	for (int i = 0; i < 600; i++)
		station_read(&s, 0, 1, &r);
	check(fabs(r.value[SENSE_HEAD] - 5) < 0.5, "a drifting one gains a percent of its scale a minute: %.2f", r.value[SENSE_HEAD]);
	s.pump[0].sensor[SENSE_BEARING].fault = SENSOR_NOISE;
	for (int i = 0; i < 500; i++) {
		station_read(&s, 0, 1, &r);
		jump = fmax(jump, fabs(r.value[SENSE_BEARING] - s.pump[0].bearing));
	}
	check(jump > 1.5 && jump < 20, "a noisy one jumps by %.1f K", jump);
	check(r.value[SENSE_FLOW] >= 0 && !r.running, "it says that it stands");
}

/* ---- controls ---- */

static struct station plant;
static struct control control;

static const char *tell(size_t pump, const char *operation, const char *payload)
{
	static char out[500];
	struct buf b = BUF_INIT;
	int64_t now = 1800000000 * US_PER_S;
	bool answers = control_command(&control, pump, operation, payload, strlen(payload), now, &b);
	snprintf(out, sizeof out, "%s", answers ? b.p : "no answer");
	buf_fini(&b);
	return out;
}

static bool says(const char *answer, const char *state, const char *text)
{
	return strstr(answer, state) && strstr(answer, text);
}

static void commands(void)
{
	const char *t;
	plant = born(12);
	control_init(&control, &plant, true);
	check(plant.pump[0].on && plant.pump[1].on, "both pumps have work from the start");
	station_advance(&plant, 5);
	t = tell(0, "SetSpeed", "{\"id\":\"1\",\"operation\":\"SetSpeed\",\"arguments\":{\"Speed\":1300}}");
	check_str(t, "{\"id\":\"1\",\"state\":\"completed\",\"result\":{\"Result\":\"going to 1300 rpm\"}}", "SetSpeed is obeyed");
	control_tick(&control);
	check(plant.pump[0].set_point == 1300, "and the automatic keeps its hands off");
	t = tell(0, "SetSpeed", "{\"id\":\"1\",\"arguments\":{\"Speed\":1700}}");
	check(says(t, "completed", "1300") && plant.pump[0].set_point == 1300, "the same id twice: the same answer, no second effect");
	check(says(tell(0, "SetSpeed", "{\"id\":\"2\",\"arguments\":{\"Speed\":1801}}"), "rejected", "1801 rpm is outside 600 .. 1800"), "too fast");
	check(says(tell(0, "SetSpeed", "{\"id\":\"3\",\"arguments\":{\"Speed\":\"x\"}}"), "rejected", "not a number"), "no number");
	check(says(tell(0, "SetSpeed", "{\"id\":\"3a\"}"), "rejected", "missing"), "no arguments");
	check(says(tell(0, "Write", "{\"id\":\"4\",\"arguments\":{\"element\":\"SpeedSetpoint\",\"value\":1250}}"), "completed", "1250"), "Write");
	check(says(tell(0, "Write", "{\"id\":\"5\",\"arguments\":{\"element\":\"Flow\",\"value\":1}}"), "rejected", "Flow cannot"), "a flow cannot be written");
	check_str(tell(0, "Stop", "{\"id\":\"6\",\"expiresAt\":\"2020-01-01T00:00:00Z\"}"), "no answer", "an expired command is dropped");
	check(plant.pump[0].on, "and has no effect");
	check(says(tell(0, "Explode", "{\"id\":\"7\"}"), "rejected", "no operation Explode"), "an unknown operation");
	check(says(tell(0, "Start", "{\"id\":\"8\",\"operation\":\"Stop\"}"), "rejected", "topic"), "topic and message differ");
	check(says(tell(0, "Start", "[1]"), "rejected", "JSON object"), "no command at all");
	check(says(tell(0, "Stop", "{\"id\":\"9\"}"), "completed", "stopped") && !plant.pump[0].on, "Stop");
	station_advance(&plant, 1);
	control_tick(&control);
	check(!plant.pump[0].on, "it stays stopped although the automatic wants it");
	check(says(tell(0, "Start", "{\"id\":\"10\"}"), "rejected", "has to stand for 2 s"), "not so soon");
	check(says(tell(0, "SetSpeed", "{\"id\":\"11\",\"arguments\":{\"Speed\":1234}}"), "completed", "will start at 1234"), "a set-point for later");
	station_advance(&plant, 2);
	check(says(tell(0, "Start", "{\"id\":\"12\"}"), "completed", "1234"), "Start runs at it");
	station_advance(&plant, 15);
	control_tick(&control);
	check(fabs(plant.pump[0].speed - 1234) < 25, "%.0f rpm", plant.pump[0].speed);
	check(says(tell(0, "Start", "{\"id\":\"13\"}"), "completed", "level control"), "Start again gives it back");
	control_tick(&control);
	check(plant.pump[0].set_point != 1234, "to the automatic");
	tell(0, "Stop", "{\"id\":\"14\"}");
	plant.volume = 0.92 * 48;
	station_advance(&plant, 3);
	check(says(tell(0, "Start", "{\"id\":\"15\"}"), "rejected", "tank is full"), "no Start with a full tank");
	tell(1, "SetSpeed", "{\"id\":\"16\",\"arguments\":{\"Speed\":1500}}");
	plant.volume = 0.975 * 48;
	control_tick(&control);
	check(!plant.pump[1].on, "before it runs over everything stops");
}

static void knobs(void)
{
	char why[200] = "";
	static const char good[] = "{\"wear\":0.5,\"wear_rate\":2,\"clogging\":0.1,\"seal_leak\":0.2,\"sensor_fault\":\"drift\",\"sensor\":\"power\"}";
	static const char *const bad[] = { "{\"wear\":0.9,\"clogging\":1.1}", "{\"wear\":\"0.9\"}", "{\"wear\":0.9,\"waer\":0}", "[0.9]", "{\"wear\":0.9",
		"{\"wear\":0.9,\"sensor_fault\":\"odd\"}", "{\"wear\":0.9,\"sensor_fault\":\"stuck\",\"sensor\":\"taste\"}", "" };
	plant = born(12);
	control_init(&control, &plant, true);
	struct pump *p = &plant.pump[1];
	check(control_knobs(&control, 1, good, strlen(good), why, sizeof why), "all knobs at once %s", why);
	check(p->wear == 0.5 && p->wear_rate == 2 && p->clogging == 0.1 && p->seal_leak == 0.2 && p->sensor[SENSE_POWER].fault == SENSOR_DRIFT &&
	      p->sensor[SENSE_FLOW].fault == SENSOR_GOOD, "are turned");
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		*why = 0;
		check(!control_knobs(&control, 1, bad[i], strlen(bad[i]), why, sizeof why) && *why && p->wear == 0.5, "refused whole: %s (%s)", bad[i], why);
	}
	static const char heal[] = "{\"sensor_fault\":\"none\"}";
	check(control_knobs(&control, 1, heal, strlen(heal), why, sizeof why) && p->sensor[SENSE_POWER].fault == SENSOR_GOOD, "none heals all sensors");
}

/* From five to eight, when the town wakes up, and an hour in the night. */
static void automatic(void)
{
	double least = 100, most = 0;
	int both = 0, n = 0;
	plant = born(5);
	control_init(&control, &plant, true);
	for (int i = 0; i < 3 * 3600; i++, n++) {
		station_advance(&plant, 1);
		control_tick(&control);
		both += plant.pump[0].on && plant.pump[1].on;
		least = fmin(least, station_level(&plant));
		most = fmax(most, station_level(&plant));
	}
	check(least > 25 && most < 92, "the level stays between %.0f and %.0f %%", least, most);
	check(both > n / 20 && both < n, "the second pump helps for %d of %d minutes", both / 60, n / 60);
}

/* ---- the twin's parameters in the example plant ---- */

static double parameter(const char *text, const char *name)
{
	char key[80];
	double v = NAN;
	snprintf(key, sizeof key, "\"idShort\": \"%s\", \"valueType\": \"xs:double\", \"value\": \"", name);
	const char *at = strstr(text, key);
	if (at)
		str_double(at + strlen(key), strcspn(at + strlen(key), "\""), &v);
	return v;
}

static void nominal(void)
{
	const char *dir = getenv("srcdir");
	char path[600];
	struct slice text;
	struct arena *a = arena_new(0);
	snprintf(path, sizeof path, "%s/examples/plant/environment.json", dir ? dir : ".");
	if (file_read(a, path, 10 << 20, &text, NULL)) {
		check(true, "the example plant is not here # SKIP");
		arena_free(a);
		return;
	}
	double a0 = parameter(text.p, "ShutoffHead"), a1 = parameter(text.p, "HeadLinear"), a2 = parameter(text.p, "HeadQuadratic");
	double top = parameter(text.p, "BestEfficiency"), best = parameter(text.p, "BestEfficiencyFlow"), pf = parameter(text.p, "FrictionPower");
	double n0 = parameter(text.p, "RatedSpeed"), head = 0, power = 0;
	for (double n = 1150; n <= 1500; n += 50)
		for (double x = 22; x <= 52; x += 3) {
			double r = n / n0, q = x * r, h = pump_head(n, q, 0), at = x / best - 1;
			double kw = 998 * 9.80665 * q / 3600 * h / 1000 / (top * (1 - at * at)) + pf * r * r * r;
			head = fmax(head, fabs((a0 * r * r - a1 * r * q - a2 * q * q) / h - 1));
			power = fmax(power, fabs(kw / pump_power(n, q, 0) - 1));
		}
	check(head < 0.015, "the head of the example plant's model is at most %.1f %% off", 100 * head);
	check(power < 0.04, "its power %.1f %%", 100 * power);
	check(head > 0.001 && power > 0.001, "and it is another model");
	arena_free(a);
}

int main(void)
{
	a_healthy_pump();
	the_tank();
	troubles();
	instruments();
	commands();
	knobs();
	automatic();
	nominal();
	return done();
}
