/* SPDX-License-Identifier: Apache-2.0 */
#include "examples/pump_station/asset.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "examples/pump_station/control.h"
#include "examples/pump_station/link.h"

#define SLICE_US 50000		/* longest rest of the loop: physics in real time, commands answered at once */

struct options {
	const char *broker, *prefix, *user, *password;
	double period_ms, speed_up, seed;
	bool autostart;
};

struct asset {
	struct options o;
	struct station station;
	struct control control;
	struct link *link;
	int64_t now_us, ts_us;		/* monotonic; source time of the last telemetry */
	uint64_t seq[N_PUMPS], tank_seq;
	struct buf text;
};

/* ---- telemetry ---- */

/* Instruments have so many digits. */
static void put_number(struct buf *b, const char *name, double v, double unit)
{
	char text[STR_DOUBLE_MAX];
	str_of_double(text, round(v * unit) / unit);
	buf_printf(b, ",\"%s\":%s", name, text);
}

static void put_head(struct asset *a, uint64_t seq)
{
	char ts[TIME_TEXT_MAX];
	time_format(ts, a->ts_us);
	buf_reset(&a->text);
	buf_printf(&a->text, "{\"ts\":\"%s\",\"seq\":%llu", ts, (unsigned long long)seq);
}

static void put(struct asset *a, const char *name)
{
	char topic[LINK_TOPIC_MAX];
	snprintf(topic, sizeof topic, "%s/%s", a->o.prefix, name);
	if (!a->text.failed)
		link_put(a->link, topic, a->text.p, a->text.n);
}

static void tell_pump(struct asset *a, size_t i, double dt_s)
{
	struct reading r;
	char name[32];
	station_read(&a->station, i, dt_s, &r);
	put_head(a, a->seq[i]++);
	buf_printf(&a->text, ",\"running\":%s", r.running ? "true" : "false");
	for (size_t k = 0; k < N_SENSORS; k++)
		put_number(&a->text, sensor_name[k], r.value[k], k == SENSE_SPEED ? 10 : k == SENSE_POWER ? 1000 : 100);
	put_number(&a->text, "speed_setpoint", a->station.pump[i].set_point, 10);
	buf_putc(&a->text, '}');
	snprintf(name, sizeof name, "pump%zu/telemetry", i + 1);
	put(a, name);
}

static void tell_tank(struct asset *a)
{
	struct station *s = &a->station;
	char level[STR_DOUBLE_MAX];
	double shown = round((station_level(s) + 0.02 * station_noise(s)) * 100) / 100;
	buf_reset(&a->text);
	buf_put(&a->text, level, str_of_double(level, shown));
	put(a, "tank/level");
	put_head(a, a->tank_seq++);
	put_number(&a->text, "level", shown, 100);
	put_number(&a->text, "inflow", fmax(s->inflow * (1 + 0.004 * station_noise(s)), 0), 100);
	put_number(&a->text, "outflow", fmax(s->outflow * (1 + 0.004 * station_noise(s)), 0), 100);
	put_number(&a->text, "temperature", s->water + 0.03 * station_noise(s), 100);
	buf_putc(&a->text, '}');
	put(a, "tank/state");
}

static void tell(struct asset *a)
{
	/* milliseconds that never repeat, whatever the wall clock does */
	int64_t ts = clock_now_us() / 1000 * 1000;
	a->ts_us = ts > a->ts_us ? ts : a->ts_us + 1000;
	for (size_t i = 0; i < N_PUMPS; i++)
		tell_pump(a, i, a->o.period_ms / 1000);
	tell_tank(a);
}

/* ---- commands ---- */

/* "<prefix>/pump2/cmd/Start": the pump and what follows it; false for anything else. */
static bool read_topic(const struct asset *a, const char *topic, size_t *pump, const char **rest)
{
	size_t n = strlen(a->o.prefix);
	if (strncmp(topic, a->o.prefix, n) || strncmp(topic + n, "/pump", 5) || topic[n + 5] < '1' || topic[n + 5] >= '1' + N_PUMPS ||
	    topic[n + 6] != '/')
		return false;
	*pump = (size_t)(topic[n + 5] - '1');
	*rest = topic + n + 7;
	return true;
}

static void obey(struct asset *a, const struct link_message *m, size_t pump, const char *operation)
{
	struct buf answer = BUF_INIT;
	char ack[LINK_TOPIC_MAX];
	if (!control_command(&a->control, pump, operation, m->payload, m->n, clock_now_us(), &answer)) {
		log_info("asset", "pump%zu %.40s: too late, dropped", pump + 1, operation);
	} else {
		log_info("asset", "pump%zu %.40s: %s", pump + 1, operation, answer.p);
		snprintf(ack, sizeof ack, "%.120s/ack", m->topic);
		link_answer(a->link, m->response_topic ? m->response_topic : ack, m, answer.p, answer.n);
	}
	buf_fini(&answer);
}

static void receive(struct asset *a, const struct link_message *m)
{
	size_t pump;
	const char *rest;
	char why[200] = "";
	if (!read_topic(a, m->topic, &pump, &rest))
		return;
	if (!strncmp(rest, "cmd/", 4)) {
		obey(a, m, pump, rest + 4);
	} else if (!strcmp(rest, "sim")) {
		if (control_knobs(&a->control, pump, m->payload, m->n, why, sizeof why))
			log_info("asset", "pump%zu: %.*s", pump + 1, (int)(m->n < 200 ? m->n : 200), (const char *)m->payload);
		else
			log_warn("asset", "pump%zu: knobs not turned: %s", pump + 1, why);
	}
}

/* ---- the loop ---- */

/* The plant moves on in slices, so that the controls see it often whatever the speed-up. */
static void advance(struct asset *a)
{
	int64_t now = clock_mono_us();
	double dt = (double)(now - a->now_us) / 1e6 * a->o.speed_up;
	a->now_us = now;
	/* after a suspended machine wakes up, an hour of plant must not be made up for */
	for (dt = fmin(dt, 5 * fmax(a->o.speed_up, 1)); dt > 0; dt -= 0.5) {
		station_advance(&a->station, fmin(dt, 0.5));
		control_tick(&a->control);
	}
}

static void run(struct asset *a, int signals)
{
	int64_t period = (int64_t)(a->o.period_ms * 1000), due = clock_mono_us() + period;
	struct pollfd p[] = { { signals, POLLIN, 0 }, { link_fd(a->link), POLLIN, 0 } };
	struct link_message *m;
	a->now_us = clock_mono_us();
	while (!(p[0].revents & POLLIN)) {
		link_work(a->link);
		while ((m = link_poll(a->link))) {
			advance(a);
			receive(a, m);
			link_message_free(m);
		}
		advance(a);
		int64_t now = clock_mono_us(), left = due - now;
		if (left <= 0) {
			tell(a);
			due = now - due > 5 * period ? now + period : due + period;
		}
		if (poll(p, 2, left <= 0 ? 0 : (int)((left < SLICE_US ? left : SLICE_US) / 1000 + 1)) < 0 && errno != EINTR)
			return;
	}
}

/* ---- options ---- */

static void usage(FILE *out)
{
	fputs("usage: twinshell asset pump-station [OPTION]...\n\n"
	      "Two pumps fill a tank: a simulated asset that speaks only MQTT.  See docs/example-plant.md.\n\n"
	      "  --broker URI      the broker (tcp://127.0.0.1:1883)\n"
	      "  --user NAME, --password TEXT   credentials at the broker\n"
	      "  --prefix TOPIC    in front of every topic (plant/pump-station)\n"
	      "  --period MS       between two messages of one device (500)\n"
	      "  --speed-up X      simulated seconds per second (1)\n"
	      "  --seed N          of its noise (1)\n"
	      "  --autostart       pumps under level control from the start (the default)\n"
	      "  --no-autostart    pumps stand until a Start\n"
	      "  --verbose         log more\n", out);
}

static bool number(const char *name, const char *text, double min, double max, double *out)
{
	if (str_double(text, strlen(text), out) && *out >= min && *out <= max)
		return true;
	fprintf(stderr, "twinshell asset pump-station: --%s %s: a number from %g to %g is expected\n", name, text, min, max);
	return false;
}

/* EX_OK: go on; -1: done (help); else the exit status. */
static int read_options(int argc, char **argv, struct options *o)
{
	enum { BROKER = 256, USER, PASSWORD, PREFIX, PERIOD, SPEED_UP, SEED, AUTO, NO_AUTO, VERBOSE };
	static const struct option list[] = {
		{ "broker", 1, NULL, BROKER }, { "user", 1, NULL, USER }, { "password", 1, NULL, PASSWORD }, { "prefix", 1, NULL, PREFIX },
		{ "period", 1, NULL, PERIOD }, { "speed-up", 1, NULL, SPEED_UP }, { "seed", 1, NULL, SEED }, { "autostart", 0, NULL, AUTO },
		{ "no-autostart", 0, NULL, NO_AUTO }, { "verbose", 0, NULL, VERBOSE }, { "help", 0, NULL, 'h' }, { NULL, 0, NULL, 0 }
	};
	int c;
	bool good = true;
	optind = 0;	/* the main program may have used getopt */
	while (good && (c = getopt_long(argc, argv, "h", list, NULL)) != -1)
		switch (c) {
		case BROKER: o->broker = optarg; break;
		case USER: o->user = optarg; break;
		case PASSWORD: o->password = optarg; break;
		case PREFIX: o->prefix = optarg; break;
		case PERIOD: good = number("period", optarg, 1, 3600000, &o->period_ms); break;
		case SPEED_UP: good = number("speed-up", optarg, 0.01, 5000, &o->speed_up); break;
		case SEED: good = number("seed", optarg, 0, 1e15, &o->seed); break;
		case AUTO: o->autostart = true; break;
		case NO_AUTO: o->autostart = false; break;
		case VERBOSE: log_setup(LOG_DEBUG, LOG_TEXT); break;
		case 'h': usage(stdout); return -1;
		default: good = false;
		}
	if (good && optind < argc) {
		fprintf(stderr, "twinshell asset pump-station: unexpected word %s\n", argv[optind]);
		good = false;
	}
	if (good && (!*o->prefix || strlen(o->prefix) > 80 || strpbrk(o->prefix, "+#"))) {
		fprintf(stderr, "twinshell asset pump-station: --prefix: a topic of at most 80 bytes without + and # is expected\n");
		good = false;
	}
	if (good && !strstr(o->broker, "://")) {
		fprintf(stderr, "twinshell asset pump-station: --broker: an address like tcp://127.0.0.1:1883 is expected\n");
		good = false;
	}
	return good ? EX_OK : EX_USAGE;
}

int asset_pump_station(int argc, char **argv)
{
	struct asset a = { .o = { .broker = "tcp://127.0.0.1:1883", .prefix = "plant/pump-station", .period_ms = 500, .speed_up = 1,
				  .seed = 1, .autostart = true }, .text = BUF_INIT };
	char status[LINK_TOPIC_MAX], commands[LINK_TOPIC_MAX], knobs[LINK_TOPIC_MAX], id[64], uuid[UUID_SIZE];
	sigset_t end;
	int rc = read_options(argc, argv, &a.o);
	if (rc)
		return rc < 0 ? EX_OK : rc;
	sigemptyset(&end);
	sigaddset(&end, SIGTERM);
	sigaddset(&end, SIGINT);
	sigprocmask(SIG_BLOCK, &end, NULL);	/* before any thread is made */
	signal(SIGPIPE, SIG_IGN);
	int signals = signalfd(-1, &end, SFD_CLOEXEC | SFD_NONBLOCK);
	snprintf(status, sizeof status, "%s/status", a.o.prefix);
	snprintf(commands, sizeof commands, "%s/+/cmd/+", a.o.prefix);
	snprintf(knobs, sizeof knobs, "%s/+/sim", a.o.prefix);
	uuid_v7(uuid);
	snprintf(id, sizeof id, "pump-station-%s", uuid);
	struct link_config c = { .uri = a.o.broker, .client_id = id, .username = a.o.user, .password = a.o.password, .status_topic = status,
				 .filter = { commands, knobs }, .n_filters = 2 };
	a.link = signals < 0 ? NULL : link_new(&c);
	bool linked = a.link != NULL;
	if (linked) {
		int64_t now = clock_now_us();
		station_init(&a.station, (uint64_t)a.o.seed, (double)(now / US_PER_S % 86400) / 3600);
		control_init(&a.control, &a.station, a.o.autostart);
		run(&a, signals);
		if (link_lost(a.link))
			log_warn("asset", "%llu messages were lost while the broker was away", (unsigned long long)link_lost(a.link));
		link_free(a.link, 2 * US_PER_S);
	}
	buf_fini(&a.text);
	if (signals >= 0)
		close(signals);
	return linked ? EX_OK : EX_USAGE;
}
