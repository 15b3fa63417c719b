/* SPDX-License-Identifier: Apache-2.0
 * run.c - runs .twin scripts: timed messages and expectations against the engine alone, with an injected clock and no broker.
 *
 * Usage: run [SCRIPT...]; without names all scripts of $srcdir/tests/twin (srcdir: ".").  TAP on standard output.
 *
 * A script is a list of lines; # begins a comment line.  The clock begins at 2026-01-01T00:00:00Z and is shown as seconds from there.
 *
 *   submodel ID | twin ID      a submodel is stored (again); a twin has the semanticId of a TwinEngine.  Its elements follow, indented:
 *       PATH = VALUE               Property of xs:string; PATH:TYPE = VALUE of another xs: type ("range": a Range), "= VALUE" may be missing
 *       PATH -> ID [PATH]          ReferenceElement to a submodel or to a Property in it
 *       NAME(Arg:TYPE, ...) -> Out, ...   Operation; outputs are xs:string
 *                                  collections in a path are made as needed
 *   delete ID                  the submodel is deleted
 *   value ID PATH TEXT         a client has changed a value
 *   restore ID PATH SECONDS TEXT   the database knew this live value
 *   connection STATE [ERROR]   offline: publishing fails from now on; online
 *   + SECONDS                  time goes on; the engine is ticked when it wants
 *   message TOPIC PAYLOAD      retained TOPIC PAYLOAD: with the retain flag
 *   again                      the last message once more, now
 *   pump TOPIC SECONDS [PERIOD] KEY=VALUE...   an asset sends JSON for so long: speed, flow, wear, drift (wear per hour), running, noise
 *   invoke TICKET ID PATH [Arg=Value ...]
 *   answer STATE [REASON]      the asset answers the last command with its correlation data; ack: on <topic>/ack, by id only
 *   expect EVENT               an event since the last `forget` that was not expected before; * stands for anything
 *   never EVENT                there is no such event left
 *   forget                     all events so far
 *   is ID PATH = TEXT | < NUMBER | > NUMBER | none     the newest live value; NUMBER may be a saved one, with *FACTOR: $old*0.9
 *   save NAME ID PATH          keep the number for later
 *   stat NAME NUMBER           a counter of engine_stats
 *
 * Events: subscribe F, unsubscribe F, publish TOPIC PAYLOAD, sample ID PATH TEXT QUALITY @TIME, live (the same; "-": no value),
 * command STATE PATH REASON, outcome TICKET STATE MESSAGE OUTPUTS, provide ID, want ID.
 */
#include <ctype.h>
#include <glob.h>
#include <math.h>
#include <stddef.h>

#include "aas/tree.h"
#include "base/clock.h"
#include "tests/tap.h"
#include "tests/twin/elements.h"
#include "twin_engine/engine.h"

#define START_US (INT64_C(1767225600) * US_PER_S)
#define EVENTS_MAX 200000
#define SUBMODELS_MAX 20
#define SAVED_MAX 20

struct live_row {
	char *key, *text;
};

struct run {
	const char *script;
	int line;
	struct arena *a;
	struct engine *e;
	int64_t now;
	char *event[EVENTS_MAX];
	size_t n_events;
	struct live_row live[2000];
	size_t n_live;
	struct { char name[20]; double v; } saved[SAVED_MAX];
	size_t n_saved;
	struct { const char *id; struct aas_node *sm; } sm[SUBMODELS_MAX];
	size_t n_sm;
	const char *building;		/* the submodel whose elements are being read */
	bool offline;
	unsigned ids;
	char *topic, *payload, *response, *correlation;	/* of the last published command */
	char *last_topic, *last_payload;
	bool last_retained;
	uint64_t random;
	double heat;			/* degC of the pump's bearing; 0: not running yet */
};

/* -- ports ------------------------------------------------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static void event(struct run *r, const char *fmt, ...)
{
	va_list ap;
	char *text = NULL;
	va_start(ap, fmt);
	if (r->n_events == EVENTS_MAX || vasprintf(&text, fmt, ap) < 0)
		abort();
	va_end(ap);
	r->event[r->n_events++] = text;
}

static void on_subscribe(void *ctx, const char *filter)
{
	event(ctx, "subscribe %s", filter);
}

static void on_unsubscribe(void *ctx, const char *filter)
{
	event(ctx, "unsubscribe %s", filter);
}

static void replace(char **to, const char *from)
{
	free(*to);
	*to = from ? strdup(from) : NULL;
}

static bool on_publish(void *ctx, const struct engine_publish *p)
{
	struct run *r = ctx;
	if (r->offline)
		return false;
	event(r, "publish %s %.*s", p->topic, (int)p->n, p->payload);
	replace(&r->topic, p->topic);
	replace(&r->payload, p->payload);
	replace(&r->response, p->response_topic);
	replace(&r->correlation, p->correlation);
	return true;
}

static double seconds(int64_t us)
{
	return (double)(us - START_US) / 1e6;
}

static void on_sample(void *ctx, const struct engine_sample *s)
{
	event(ctx, "sample %s %s %s %s @%g", s->submodel_id, s->path, s->text, quality_name(s->quality), seconds(s->time_us));
}

static struct live_row *live_row(struct run *r, const char *id, const char *path, bool make)
{
	char key[600];
	snprintf(key, sizeof key, "%s %s", id, path);
	for (size_t i = 0; i < r->n_live; i++)
		if (str_eq(r->live[i].key, key))
			return &r->live[i];
	if (!make)
		return NULL;
	if (r->n_live == sizeof r->live / sizeof *r->live)
		abort();
	r->live[r->n_live] = (struct live_row){ strdup(key), NULL };
	return &r->live[r->n_live++];
}

static void on_live(void *ctx, const char *id, const char *path, const char *text, enum quality q, int64_t t)
{
	replace(&live_row(ctx, id, path, true)->text, text);
	event(ctx, "live %s %s %s %s @%g", id, path, text ? text : "-", quality_name(q), t == TIME_NONE ? NAN : seconds(t));
}

static void on_command(void *ctx, const struct store_command *c)
{
	event(ctx, "command %s %s %s", c->state, c->path, c->reason);
}

static void on_outcome(void *ctx, uint64_t ticket, const struct engine_outcome *o)
{
	char out[500] = "";
	for (size_t i = 0; o->output && o->output[i]; i += 2)
		snprintf(out + strlen(out), sizeof out - strlen(out), " %s=%s", o->output[i], o->output[i + 1]);
	event(ctx, "outcome %llu %s %s%s", (unsigned long long)ticket, execution_state_name(o->state), o->message ? o->message : "-", out);
}

/* What the runtime does: store it, and tell it to the engine as a submodel. */
static void on_provide(void *ctx, const char *twin_id, struct aas_node *sm)
{
	struct run *r = ctx;
	(void)twin_id;
	event(r, "provide %s", AAS_ID(sm));
	for (size_t i = 0; i < r->n_sm; i++)
		if (str_eq(r->sm[i].id, AAS_ID(sm)))
			return;
	if (r->n_sm == SUBMODELS_MAX)
		abort();
	r->sm[r->n_sm].sm = aas_copy(r->a, sm);
	r->sm[r->n_sm].id = AAS_ID(r->sm[r->n_sm].sm);
	r->n_sm++;
}

static void on_want(void *ctx, const char *id)
{
	event(ctx, "want %s", id);
}

static void on_new_id(void *ctx, char out[UUID_SIZE])
{
	snprintf(out, UUID_SIZE, "00000000-0000-7000-8000-%012u", ++((struct run *)ctx)->ids);
}

/* -- steps ------------------------------------------------------------------------------------------------------------------- */

static _Noreturn void fail(struct run *r, const char *why)
{
	printf("Bail out! %s:%d: %s\n", r->script, r->line, why);
	exit(1);
}

static char *word(char **p)
{
	char *from = *p + strspn(*p, " \t"), *end = from + strcspn(from, " \t");
	*p = *end ? end + 1 : end;
	*end = 0;
	return from;
}

static double number(struct run *r, const char *text)
{
	double v = 0, factor = 1;
	const char *times = strchr(text, '*');
	size_t n = times ? (size_t)(times - text) : strlen(text);
	if (times && !str_double(times + 1, strlen(times + 1), &factor))
		fail(r, "not a factor");
	if (text[0] == '$') {
		for (size_t i = 0; i < r->n_saved; i++)
			if (strlen(r->saved[i].name) == n - 1 && !strncmp(r->saved[i].name, text + 1, n - 1))
				return r->saved[i].v * factor;
		fail(r, "no such saved number");
	}
	if (!str_double(text, n, &v))
		fail(r, "not a number");
	return v * factor;
}

static struct aas_node *stored(struct run *r, const char *id)
{
	for (size_t i = 0; i < r->n_sm; i++)
		if (str_eq(r->sm[i].id, id))
			return r->sm[i].sm;
	return NULL;
}

/* Events of stores ("want", "provide") are answered after the engine's call, as the runtime does. */
static void settle(struct run *r, size_t from)
{
	for (size_t i = from; i < r->n_events; i++) {
		char *id = strchr(r->event[i], ' ') + 1;
		if ((!strncmp(r->event[i], "want ", 5) || !strncmp(r->event[i], "provide ", 8)) && stored(r, id))
			engine_submodel(r->e, r->now, id, stored(r, id));
	}
}

static void built(struct run *r)
{
	size_t from = r->n_events;
	if (!r->building)
		return;
	engine_submodel(r->e, r->now, r->building, stored(r, r->building));
	r->building = NULL;
	settle(r, from);
}

static void do_submodel(struct run *r, char *p, bool twin)
{
	const char *id = arena_strdup(r->a, word(&p));
	size_t i = 0;
	while (i < r->n_sm && !str_eq(r->sm[i].id, id))
		i++;
	if (i == SUBMODELS_MAX)
		fail(r, "too many submodels");
	r->n_sm += i == r->n_sm;
	r->sm[i].id = r->building = id;
	r->sm[i].sm = elements_submodel(r->a, id, twin);
}

static void do_delete(struct run *r, char *p)
{
	const char *id = word(&p);
	for (size_t i = 0; i < r->n_sm; i++)
		if (str_eq(r->sm[i].id, id))
			r->sm[i] = r->sm[--r->n_sm];
	engine_submodel(r->e, r->now, id, NULL);
}

static void do_value(struct run *r, char *p)
{
	const char *id = word(&p), *path = word(&p);
	size_t from = r->n_events;
	engine_value(r->e, r->now, id, path, p);
	settle(r, from);
}

static void do_restore(struct run *r, char *p)
{
	const char *id = word(&p), *path = word(&p);
	int64_t t = START_US + (int64_t)(number(r, word(&p)) * 1e6);
	struct live_row *row = str_eq(p, "LIVE") ? live_row(r, id, path, false) : NULL;
	engine_restore(r->e, id, path, &(struct store_live){ 0, t, row ? row->text : p, QUALITY_GOOD });
}

static void do_connection(struct run *r, char *p)
{
	const char *state = word(&p);
	engine_connection(r->e, r->now, state, p);
}

static void do_time(struct run *r, char *p)
{
	int64_t until = r->now + llround(number(r, word(&p)) * 1e6);
	for (int64_t due; (due = engine_due(r->e)) <= until; ) {
		size_t from = r->n_events;
		if (due > r->now)
			r->now = due;
		engine_tick(r->e, r->now);
		settle(r, from);
	}
	r->now = until;
}

static void send(struct run *r, const char *topic, const char *payload, const char *correlation, bool retained)
{
	engine_message(r->e, r->now, &(struct engine_message){ topic, payload, strlen(payload), correlation, retained, .position = r->n_events });
}

static void do_message(struct run *r, char *p, bool retained)
{
	replace(&r->last_topic, word(&p));
	replace(&r->last_payload, p);
	r->last_retained = retained;
	send(r, r->last_topic, r->last_payload, NULL, retained);
}

static double noise(struct run *r)
{
	double sum = 0;
	for (int i = 0; i < 12; i++) {
		r->random = r->random * 6364136223846793005u + 1442695040888963407u;
		sum += (double)(r->random >> 11) / 9007199254740992.0;
	}
	return sum - 6;
}

/* An asset with other equations than the twin's: steeper curve, other losses, wear that acts on head, losses and bearing at once. */
static void do_pump(struct run *r, char *p)
{
	struct { const char *name; double v; } key[] = { { "speed", 1450 }, { "flow", 42 }, { "wear", 0 }, { "drift", 0 }, { "running", 1 },
							 { "noise", 1 } };
	char topic[200], ts[TIME_TEXT_MAX], text[400];
	snprintf(topic, sizeof topic, "%s", word(&p));
	double length = number(r, word(&p)), period = isdigit((unsigned char)p[0]) ? number(r, word(&p)) : 0.5;
	while (*p) {
		char *k = word(&p), *eq = strchr(k, '=');
		for (size_t i = 0; eq && i < 6; i++)
			if (!strncmp(key[i].name, k, (size_t)(eq - k)) && !key[i].name[eq - k])
				key[i].v = number(r, eq + 1);
	}
	for (double t = 0; t < length; t += period) {
		char step[40];
		double on = key[4].v, n = key[0].v / 1450 * on, q = key[1].v * on, wear = key[2].v + key[3].v * t / 3600, z = key[5].v;
		double head = (36 * n * n - 0.0018 * pow(q, 2.1)) * (1 - 0.2 * wear), power = 0.3 * n * n + q * head / 367 / (0.7 - 0.18 * wear);
		double hot = 23 + 24 * n * n * (1 + 0.9 * wear);	/* in the end; iron takes ten minutes */
		r->heat = r->heat > 0 ? r->heat + (hot - r->heat) * -expm1(-period / 600) : hot;
		snprintf(step, sizeof step, "%.6f", period);
		do_time(r, step);
		ts[time_format(ts, r->now)] = 0;
		snprintf(text, sizeof text, "{\"ts\":\"%s\",\"running\":%s,\"speed\":%.2f,\"flow\":%.3f,\"head\":%.3f,\"power\":%.4f,"
			 "\"bearing_temperature\":%.2f}", ts, on > 0 ? "true" : "false", 1450 * n, q * (1 + 0.003 * z * noise(r)),
			 head * (1 + 0.004 * z * noise(r)), power * (1 + 0.005 * z * noise(r)), r->heat + 0.15 * z * noise(r));
		send(r, topic, text, NULL, false);
	}
}

static void do_invoke(struct run *r, char *p)
{
	uint64_t ticket = (uint64_t)number(r, word(&p));
	const char *id = word(&p), *path = word(&p);
	struct aas_node *op = elements_operation(stored(r, id), path);
	struct diag d = DIAG_INIT;
	char why[400];
	if (!op)
		fail(r, "no such operation");
	struct sm_invocation inv = { id, path, op, elements_arguments(r->a, op, p), NULL, 60 * US_PER_S, NULL, NULL };
	if (engine_invoke(r->e, r->now, ticket, &inv, &d))
		event(r, "refused %llu %s", (unsigned long long)ticket, diag_first(&d, why, sizeof why));
	diag_fini(&d);
}

static void do_answer(struct run *r, char *p, bool ack)
{
	char text[600], topic[300];
	const char *state = word(&p);
	if (!r->topic)
		fail(r, "nothing was published");
	snprintf(text, sizeof text, "{\"id\":\"%s\",\"state\":\"%s\",\"reason\":\"%s\",\"result\":{\"Speed\":1500}}", r->correlation, state, p);
	snprintf(topic, sizeof topic, "%s%s", ack ? r->topic : r->response, ack ? "/ack" : "");
	send(r, topic, text, ack ? NULL : r->correlation, false);
}

/* -- expectations ------------------------------------------------------------------------------------------------------------ */

static bool like(const char *pattern, const char *text)
{
	for (; *pattern != '*'; pattern++, text++)
		if (*pattern != *text || !*pattern)
			return *pattern == *text;
	do
		if (like(pattern + 1, text))
			return true;
	while (*text++);
	return false;
}

static void do_expect(struct run *r, const char *pattern, bool wanted)
{
	size_t i = 0;
	while (i < r->n_events && !(r->event[i] && like(pattern, r->event[i])))
		i++;
	bool found = i < r->n_events;
	tap_line(found == wanted, r->script, r->line, found ? r->event[i] : "there was no such event", pattern);
	if (found != wanted)
		for (size_t k = r->n_events > 30 ? r->n_events - 30 : 0; k < r->n_events; k++)
			if (r->event[k])
				printf("#   %.300s\n", r->event[k]);
	if (found && wanted) {
		free(r->event[i]);
		memmove(&r->event[i], &r->event[i + 1], (--r->n_events - i) * sizeof r->event[0]);
	}
}

static void do_forget(struct run *r)
{
	while (r->n_events)
		free(r->event[--r->n_events]);
}

static void do_is(struct run *r, char *p)
{
	char what[300], why[300] = "no live value";
	snprintf(what, sizeof what, "is %s", p);
	const char *id = word(&p), *path = word(&p), *op = word(&p);
	struct live_row *row = live_row(r, id, path, false);
	const char *text = row ? row->text : NULL;
	double v = NAN;
	bool ok = str_eq(op, "none") ? !text : text && str_eq(op, "=") && str_eq(text, p);
	if (text && (op[0] == '<' || op[0] == '>') && str_double(text, strlen(text), &v))
		ok = op[0] == '<' ? v < number(r, p) : v > number(r, p);
	if (text)
		snprintf(why, sizeof why, "it is %.200s", text);
	tap_line(ok, r->script, r->line, why, what);
}

static void do_save(struct run *r, char *p)
{
	const char *name = word(&p), *id = word(&p), *path = word(&p);
	struct live_row *row = live_row(r, id, path, false);
	double v;
	if (!row || !row->text || !str_double(row->text, strlen(row->text), &v) || r->n_saved == SAVED_MAX)
		fail(r, "nothing to save");
	printf("# %s:%d: %s is %g\n", r->script, r->line, name, v);
	snprintf(r->saved[r->n_saved].name, sizeof r->saved[0].name, "%s", name);
	r->saved[r->n_saved++].v = v;
}

static void do_stop(struct run *r, char *p)
{
	(void)p;
	engine_stop(r->e, r->now);
}

static void do_stat(struct run *r, char *p)
{
#define N(name) { #name, offsetof(struct engine_stats, name) }
	static const struct { const char *name; size_t at; } names[] = { N(messages), N(unbound), N(samples), N(duplicates), N(late), N(rejected),
									 N(commands), N(stray_answers) };
	struct engine_stats s;
	const char *name = word(&p);
	engine_stats(r->e, &s);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (str_eq(names[i].name, name)) {
			check_int(*(uint64_t *)((char *)&s + names[i].at), number(r, p), "%s:%d: %s", r->script, r->line, name);
			return;
		}
	fail(r, "no such counter");
}

static void step(struct run *r, char *p)
{
	const char *verb = word(&p);
	built(r);
	if (str_eq(verb, "submodel") || str_eq(verb, "twin"))
		do_submodel(r, p, verb[0] == 't');
	else if (str_eq(verb, "message") || str_eq(verb, "retained"))
		do_message(r, p, verb[0] == 'r');
	else if (str_eq(verb, "again"))
		send(r, r->last_topic, r->last_payload, NULL, r->last_retained);
	else if (str_eq(verb, "answer") || str_eq(verb, "ack"))
		do_answer(r, p, verb[1] == 'c');
	else if (str_eq(verb, "expect") || str_eq(verb, "never"))
		do_expect(r, p, verb[0] == 'e');
	else if (str_eq(verb, "offline") || str_eq(verb, "online"))
		r->offline = verb[1] == 'f';
	else if (str_eq(verb, "forget"))
		do_forget(r);
	else {
		static const struct { const char *verb; void (*run)(struct run *, char *); } verbs[] = {
			{ "delete", do_delete }, { "value", do_value }, { "restore", do_restore }, { "connection", do_connection }, { "+", do_time },
			{ "pump", do_pump }, { "invoke", do_invoke }, { "is", do_is }, { "save", do_save }, { "stat", do_stat },
			{ "stop", do_stop } };
		size_t i = 0;
		while (i < sizeof verbs / sizeof *verbs && !str_eq(verbs[i].verb, verb))
			i++;
		if (i == sizeof verbs / sizeof *verbs)
			fail(r, "no such verb");
		verbs[i].run(r, p);
	}
}

static struct engine *engine_make(struct run *r)
{
	struct engine_ports ports = { r, on_subscribe, on_unsubscribe, on_publish, on_sample, on_live, on_command, on_outcome, on_provide, on_new_id,
				      on_want };
	struct engine *e = engine_new(&ports);
	if (e)
		engine_set_response_topic(e, "twinshell/test/response");
	return e;
}

static void run_script(const char *name)
{
	struct run *r = calloc(1, sizeof *r);
	FILE *f = fopen(name, "r");
	char *line = NULL;
	size_t cap = 0;
	if (!r || !f || !(r->a = arena_new(0)) || !(r->e = engine_make(r)))
		abort();
	r->script = strrchr(name, '/') ? strrchr(name, '/') + 1 : name;
	r->now = START_US;
	r->random = 1;
	while (getline(&line, &cap, f) > 0) {
		r->line++;
		line[strcspn(line, "\n")] = 0;
		const char *why = NULL;
		if (!line[strspn(line, " \t")] || line[0] == '#')
			continue;
		if (!isspace((unsigned char)line[0]))
			step(r, line);
		else if (!r->building || (why = elements_add(r->a, stored(r, r->building), line)))
			fail(r, why ? why : "an element outside a submodel");
	}
	built(r);
	fclose(f);
	free(line);
	engine_free(r->e);
	do_forget(r);
	while (r->n_live--) {
		free(r->live[r->n_live].key);
		free(r->live[r->n_live].text);
	}
	char **texts[] = { &r->topic, &r->payload, &r->response, &r->correlation, &r->last_topic, &r->last_payload };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		replace(texts[i], NULL);
	arena_free(r->a);
	free(r);
}

int main(int argc, char **argv)
{
	glob_t g = { 0 };
	char pattern[4096];
	snprintf(pattern, sizeof pattern, "%s/tests/twin/*.twin", getenv("srcdir") ? getenv("srcdir") : ".");
	if (argc > 1)
		for (int i = 1; i < argc; i++)
			run_script(argv[i]);
	else if (!glob(pattern, 0, NULL, &g))
		for (size_t i = 0; i < g.gl_pathc; i++)
			run_script(g.gl_pathv[i]);
	globfree(&g);
	check(tap_n > 0, "scripts were found");
	return done();
}
