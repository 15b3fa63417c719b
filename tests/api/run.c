/* SPDX-License-Identifier: Apache-2.0
 * run.c - runs .http scripts (tests/api/script.h says how they read) and prints TAP, one line per request.
 *
 *   run [SCRIPT...]        without scripts: all of srcdir/tests/api, and then whether every operation was called
 *
 * With TWINSHELL_URL the requests go there; scripts must then leave behind what they found.  Without it every script gets a fresh
 * server in this process, on the memory store.  Besides what a script asks for, every answer must be of the class that routes.def
 * promises, and every error an AAS Result.  TWINSHELL_TRAFFIC names a file that every request and its answer are written to, a line of JSON each.
 */
#include <glob.h>
#include <jansson.h>
#include <signal.h>

#include "aas/json.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/map.h"
#include "server/route.h"
#include "tests/api/client.h"
#include "tests/api/conformance.h"
#include "tests/api/inproc.h"
#include "tests/api/match.h"
#include "tests/api/script.h"
#include "tests/tap.h"

#define FILE_MAX ((size_t)64 << 20)
#define UNTIL_PAUSE_US 5000
#define UNTIL_TRIES 2000

struct run {
	const char *url;		/* NULL: in-process */
	const char *dir, *shared;
	struct arena *a;
	struct map vars;		/* of one script */
	bool *called;			/* by row of `routes` */
	FILE *traffic;
	char why[1200];
};

/* -- templates ------------------------------------------------------------------------------------------------------------------ */

static size_t balanced(const char *p)
{
	size_t n = 0;
	for (int depth = 1; p[n]; n++) {
		depth += (p[n] == '{') - (p[n] == '}');
		if (!depth)
			return n;
	}
	return n;
}

/* {b64:TEXT} and {$name} filled in. */
static const char *fill(struct run *r, const char *s)
{
	struct buf b = BUF_INIT;
	while (s && *s) {
		size_t n;
		if (!strncmp(s, "{b64:", 5)) {
			n = balanced(s + 5);
			const char *text = fill(r, arena_strndup(r->a, s + 5, n));
			buf_puts(&b, base64url_encode(r->a, text, strlen(text)));
			s += 5 + n + 1;
		} else if (!strncmp(s, "{$", 2) && (n = strcspn(s + 2, "}"), s[2 + n])) {
			const char *v = map_get(&r->vars, s + 2, n);
			buf_puts(&b, v ? v : "(unknown)");
			s += 2 + n + 1;
		} else {
			buf_putc(&b, *s++);
		}
	}
	const char *out = arena_strndup(r->a, b.p ? b.p : "", b.n);
	buf_fini(&b);
	return out;
}

static bool read_named(struct run *r, const char *name, struct buf *out)
{
	bool shared = !strncmp(name, "shared/", 7);
	const char *path = shared ? arena_printf(r->a, "%s/%s", r->shared, name + 7) : arena_printf(r->a, "%s/%s", r->dir, name);
	struct slice bytes;
	if (file_read(r->a, path, FILE_MAX, &bytes, NULL))
		return false;
	buf_slice(out, bytes);
	return !out->failed;
}

/* -- one request ---------------------------------------------------------------------------------------------------------------- */

static bool multipart(struct run *r, const struct step *s, struct buf *body)
{
	bool ok = true;
	for (const struct field *f = s->fields; f && ok; f = f->next) {
		bool file = f->value[0] == '@';
		const char *slash = strrchr(f->value, '/');
		buf_printf(body, "--twinshell-part\r\nContent-Disposition: form-data; name=\"%s\"", f->name);
		if (file)
			buf_printf(body, "; filename=\"%s\"", slash ? slash + 1 : f->value + 1);
		if (f->type)
			buf_printf(body, "\r\nContent-Type: %s", f->type);
		buf_puts(body, "\r\n\r\n");
		if (file)
			ok = read_named(r, f->value + 1, body);
		else
			buf_puts(body, f->value);
		buf_puts(body, "\r\n");
	}
	buf_puts(body, "--twinshell-part--\r\n");
	return ok;
}

static bool send_step(struct run *r, const struct step *s, const char *target, struct answer *out)
{
	struct buf body = BUF_INIT, head = BUF_INIT;
	bool typed = false, ok = true;
	if (s->fields) {
		ok = multipart(r, s, &body);
		buf_puts(&head, "Content-Type: multipart/form-data; boundary=twinshell-part\r\n");
		typed = true;
	} else if (s->file) {
		ok = read_named(r, s->file, &body);
	} else if (s->body.n) {
		buf_puts(&body, fill(r, s->body.p));
	}
	for (const struct header *h = s->headers; h; h = h->next) {
		typed |= !strncmp(h->line, "Content-Type:", 13);
		buf_printf(&head, "%s\r\n", fill(r, h->line));
	}
	if (body.n && !typed)
		buf_puts(&head, "Content-Type: application/json\r\n");
	if (!ok)
		snprintf(r->why, sizeof r->why, "a file cannot be read");
	else if (!(ok = client_send(r->url ? r->url : inproc_url(), s->method, target, head.p ? head.p : "", buf_view(&body), out)))
		snprintf(r->why, sizeof r->why, "no answer");
	buf_fini(&body);
	buf_fini(&head);
	return ok;
}

/* -- what came back ------------------------------------------------------------------------------------------------------------- */

static bool check_text(struct run *r, const char *what, const char *got, const char *want, bool part)
{
	bool ok = got && (part ? strstr(got, want) != NULL : str_eq(got, want));
	if (!ok)
		snprintf(r->why, sizeof r->why, "%s: got \"%.400s\", want %s\"%.300s\"", what, got ? got : "(nothing)", part ? "...": "", want);
	return ok;
}

static bool check_part(struct run *r, const struct check *c, const json_t *doc, const char *want)
{
	const json_t *part = match_part(doc, c->what);
	if (str_eq(want, "absent")) {
		if (part)
			snprintf(r->why, sizeof r->why, "%s is there", c->what);
		return !part;
	}
	if (c->kind == CHECK_PART_HAS) {
		char *text = json_is_string(part) ? NULL : json_dumps(part, JSON_ENCODE_ANY | JSON_COMPACT);
		bool ok = check_text(r, c->what, text ? text : json_string_value(part), want, true);
		free(text);
		return ok;
	}
	if (c->kind == CHECK_COUNT) {
		size_t n = json_is_object(part) ? json_object_size(part) : json_array_size(part);
		if (n != strtoul(want, NULL, 10))
			snprintf(r->why, sizeof r->why, "%s has %zu elements, want %s", c->what, n, want);
		return n == strtoul(want, NULL, 10);
	}
	return match_json(part, want, r->why, sizeof r->why);
}

static bool remember(struct run *r, const struct check *c, const char *text)
{
	if (!text) {
		snprintf(r->why, sizeof r->why, "%s: nothing to remember", c->what);
		return false;
	}
	return map_put(&r->vars, c->want, strlen(c->want), arena_strdup(r->a, text), NULL);
}

static bool check_one(struct run *r, const struct check *c, const struct answer *got, const json_t *doc)
{
	const char *want = fill(r, c->want);
	switch (c->kind) {
	case CHECK_BODY_HAS:		/* a package has NUL bytes */
		if (*want && memmem(buf_view(&got->body).p, got->body.n, want, strlen(want)))
			return true;
		return check_text(r, "body", got->body.p ? got->body.p : "", want, true);
	case CHECK_HEADER_IS:
		if (str_eq(want, "absent"))
			return !answer_header(got, c->what);
		return check_text(r, c->what, answer_header(got, c->what), want, false);
	case CHECK_HEADER_HAS:
		return check_text(r, c->what, answer_header(got, c->what), want, true);
	case CHECK_LET_HEADER:
		return remember(r, c, answer_header(got, c->what));
	case CHECK_LET_PART:
		return remember(r, c, json_string_value(match_part(doc, c->what)));
	default:
		return check_part(r, c, doc, want);
	}
}

static bool of_class(struct run *r, unsigned class, const json_t *j, const char *text, size_t n, unsigned flags)
{
	struct diag d = DIAG_INIT;
	struct aas_node *node;
	char *own = j ? json_dumps(j, JSON_ENCODE_ANY) : NULL;
	enum err err = aas_json_read(r->a, class, own ? own : text, own ? strlen(own) : n, flags, &node, &d);
	char first[DIAG_PATH_MAX + DIAG_TEXT_MAX];
	if (err)
		snprintf(r->why, sizeof r->why, "not a %s: %s", aas_type_name(class), diag_first(&d, first, sizeof first));
	diag_fini(&d);
	free(own);
	return !err;
}

/* A query that selects ids answers texts, and says so. */
static bool selects_ids(const json_t *doc)
{
	const char *type = json_string_value(json_object_get(json_object_get(doc, "paging_metadata"), "resultType"));
	return type && str_eq(type, "Identifier");
}

/* An answer keeps the promise of its row: a node or a page of nodes of its class, an AAS Result for every error. */
static bool keeps_promise(struct run *r, const struct route *route, const struct answer *got, const json_t *doc)
{
	const json_t *list = json_object_get(doc, "result"), *item;
	bool normal = route && (route->view == AAS_NORMAL || route->view == AAS_METADATA);
	unsigned flags = route && route->view == AAS_METADATA ? AAS_JSON_PARTIAL : AAS_JSON_DEFAULT;
	size_t i;
	if (got->status >= 400 && got->body.n)
		return match_json(doc, "{\"messages\":[{\"messageType\":*,\"code\":*,\"text\":*,\"correlationId\":*,\"timestamp\":*},*],*}",
				  r->why, sizeof r->why) ||
		       match_json(doc, "{\"messages\":[{\"messageType\":*,\"code\":*,\"text\":*,\"correlationId\":*,\"timestamp\":*}]}", r->why,
				  sizeof r->why);
	if (!route || got->status >= 300)
		return true;
	if (route->reply == REPLY_PAGE && !match_json(doc, "{\"result\":*,\"paging_metadata\":*}", r->why, sizeof r->why))
		return false;
	if (!normal || route->reply_class >= AAS_N_CLASSES + 3u || !got->body.n)
		return true;
	if (route->reply == REPLY_ONE || route->reply == REPLY_201)
		return !route->reply_class || of_class(r, route->reply_class, NULL, got->body.p, got->body.n, flags);
	if (route->reply == REPLY_PAGE && route->reply_class)
		json_array_foreach(list, i, item)
			if (!(json_is_string(item) && selects_ids(doc)) && !of_class(r, route->reply_class, item, NULL, 0, flags))
				return false;
	return true;
}

static bool judge(struct run *r, const struct step *s, const struct route *route, const struct answer *got, int *line)
{
	json_error_t e;
	json_t *doc = got->body.n ? json_loadb(got->body.p, got->body.n, JSON_DECODE_ANY, &e) : NULL;
	bool ok = s->status == -1 || s->status == got->status;
	if (!ok)
		snprintf(r->why, sizeof r->why, "status %d, want %d: %.600s", got->status, s->status, got->body.p ? got->body.p : "");
	if (ok && !keeps_promise(r, route, got, doc))
		ok = false;
	for (const struct check *c = s->checks; c && ok; c = c->next) {
		*line = c->line;
		ok = check_one(r, c, got, doc);
	}
	json_decref(doc);
	return ok;
}

static const struct route *note_call(struct run *r, const char *method, const char *target)
{
	struct route_match m;
	struct slice path = { target, strcspn(target, "?") };
	route_find(method, path, &m);
	if (m.route)
		r->called[m.route - routes] = true;
	return m.route;
}

/* Bodies that are no text are left out, but for their length. */
static void note_traffic(struct run *r, const struct script *sc, const struct step *s, const char *target, const struct answer *got)
{
	struct slice body = buf_view(&got->body);
	if (!r->traffic)
		return;
	json_t *line = json_pack("{ss si ss ss si sI}", "script", sc->name, "line", s->line, "method", s->method, "target", target,
				 "status", got->status, "length", (json_int_t)body.n);
	static const char *const headers[] = { "Content-Type", "Location", "ETag", "Allow" };
	for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
		if (answer_header(got, headers[i]))
			json_object_set_new(line, headers[i], json_string(answer_header(got, headers[i])));
	json_t *text = json_stringn(body.p, body.n);
	if (text)
		json_object_set_new(line, "body", text);
	json_dumpf(line, r->traffic, JSON_COMPACT);
	fputc('\n', r->traffic);
	json_decref(line);
}

static void run_live(struct run *r, const struct step *s)
{
	char *copy = arena_strdup(r->a, s->target), *save = NULL;
	char *sm = strtok_r(copy, " \t", &save), *path = strtok_r(NULL, " \t", &save);
	inproc_live(sm, path, save);
}

static void run_step(struct run *r, const struct script *sc, const struct step *s, const char *each)
{
	struct answer got = { 0 };
	int line = s->line;
	if (str_eq(s->method, "live")) {
		run_live(r, s);
		return;
	}
	if (str_eq(s->method, "operation")) {
		tap_line(inproc_operation(s->target), sc->name, line, "not within ten seconds", arena_printf(r->a, "%s:%d operation %s", sc->name,
			 s->line, s->target));
		return;
	}
	const char *target = fill(r, s->target);
	const struct route *route = note_call(r, s->method, target);
	bool ok = send_step(r, s, target, &got);
	for (int i = 0; ok && s->until && got.status != s->status && i < UNTIL_TRIES; i++) {
		clock_sleep_us(UNTIL_PAUSE_US);
		answer_fini(&got);
		got = (struct answer){ 0 };
		ok = send_step(r, s, target, &got);
	}
	if (ok)
		note_traffic(r, sc, s, target, &got);
	ok = ok && judge(r, s, route, &got, &line);
	tap_line(ok, sc->name, line, ok ? "" : r->why, arena_printf(r->a, "%s:%d %s %s%s%s%s", sc->name, s->line, s->method, s->target,
		 each ? " (" : "", each ? each : "", each ? ")" : ""));
	answer_fini(&got);
}

static void run_once(struct run *r, const struct script *sc, const char *each)
{
	if (!r->url && !inproc_start()) {
		tap_line(0, sc->name, 0, "no server", sc->name);
		return;
	}
	if (each)
		map_put(&r->vars, sc->each, strlen(sc->each), (void *)fill(r, each), NULL);
	for (const struct step *s = sc->steps; s; s = s->next)
		run_step(r, sc, s, each);
	if (!r->url)
		inproc_stop();
	map_fini(&r->vars);
	r->vars = (struct map)MAP_INIT;
}

static void run_script(struct run *r, const char *path)
{
	struct script *sc = script_read(r->a, path);
	if (!sc) {
		tap_line(0, path, 0, "the script cannot be read", path);
		return;
	}
	if ((sc->needs_in_process && r->url) || (sc->needs_shared && !r->shared)) {
		printf("ok %d - %s # SKIP needs %s\n", ++tap_n, sc->name, sc->needs_shared && !r->shared ? "the shared data" : "its own server");
		return;
	}
	if (!sc->each)
		run_once(r, sc, NULL);
	for (size_t i = 0; sc->each && sc->values[i]; i++)
		run_once(r, sc, sc->values[i]);
	for (struct step *s = sc->steps; s; s = s->next)
		buf_fini(&s->body);
}

/* -- all of them ---------------------------------------------------------------------------------------------------------------- */

/* A path of the template with something in the place of each parameter. */
static const char *example(struct run *r, const struct route *route)
{
	struct buf b = BUF_INIT;
	char *t = arena_printf(r->a, "%s%s", route->prefix, route->path);
	for (const char *p = t; *p; p++) {
		if (*p != '{') {
			buf_putc(&b, *p);
			continue;
		}
		buf_puts(&b, !strncmp(p, "{idShortPath}", 13) ? "Some" : "dXJuOng");
		p += strcspn(p, "}");
	}
	const char *out = arena_strndup(r->a, b.p, b.n);
	buf_fini(&b);
	return out;
}

static void others_answer_501(struct run *r)
{
	size_t n = 0, wrong = 0;
	if (!r->url && !inproc_start())
		return;
	for (size_t i = 0; i < n_routes; i++) {
		struct answer got = { 0 };
		const struct route *route = routes[i].handler ? NULL : &routes[i];
		if (!route)
			continue;
		n++;
		bool ok = client_send(r->url ? r->url : inproc_url(), route->method, example(r, route), "", SLICE(""), &got) && got.status == 501;
		wrong += !ok;
		if (!ok)
			printf("# %s %s%s answers %d\n", route->method, route->prefix, route->path, got.status);
		answer_fini(&got);
	}
	if (!r->url)
		inproc_stop();
	check(wrong == 0, "the %zu operations that do not exist yet answer 501", n);
}

static void all_called(struct run *r)
{
	size_t n = 0, missed = 0;
	for (size_t i = 0; i < n_routes; i++) {
		if (!routes[i].handler)
			continue;
		n++;
		if (r->called[i])
			continue;
		missed++;
		printf("# never called: %s %s%s\n", routes[i].method, routes[i].prefix, routes[i].path);
	}
	check(missed == 0, "every one of the %zu operations was called", n);
}

/* The first script that calls each operation with success, as far as a target stands in the script. */
static void cover(struct run *r, const char *path, const char **first)
{
	struct script *sc = script_read(r->a, path);
	for (size_t i = 0; sc && (i == 0 || (sc->each && sc->values[i])); i++) {
		if (sc->each)
			map_put(&r->vars, sc->each, strlen(sc->each), (void *)fill(r, sc->values[i]), NULL);
		for (struct step *s = sc->steps; s; s = s->next) {
			struct route_match m;
			const char *target = fill(r, s->target);
			route_find(s->method, (struct slice){ target, strcspn(target, "?") }, &m);
			if (m.route && s->status >= 200 && s->status < 400 && !first[m.route - routes] && !str_eq(s->method, "HEAD"))
				first[m.route - routes] = sc->name;
		}
	}
	for (struct step *s = sc ? sc->steps : NULL; s; s = s->next)
		buf_fini(&s->body);
	map_fini(&r->vars);
	r->vars = (struct map)MAP_INIT;
}

static void documented(struct run *r, const glob_t *g)
{
	const char **first = calloc(n_routes, sizeof *first);
	struct buf now = BUF_INIT;
	struct slice kept = { "", 0 };
	for (size_t i = 0; i < g->gl_pathc; i++)
		cover(r, g->gl_pathv[i], first);
	conformance_write(&now, first);
	const char *out = getenv("TWINSHELL_CONFORMANCE");
	FILE *f = out && *out ? fopen(out, "w") : NULL;
	if (f) {
		fwrite(now.p, 1, now.n, f);
		fclose(f);
	}
	file_read(r->a, out && *out ? out : arena_printf(r->a, "%s/../../docs/conformance.md", r->dir), FILE_MAX, &kept, NULL);
	check(slice_eq(kept, buf_view(&now)), "docs/conformance.md is what the tables and the scripts say (make conformance)");
	buf_fini(&now);
	free(first);
}

static void claims_hold(struct run *r)
{
	struct answer got = { 0 };
	size_t i, n = 0;
	json_t *uri;
	if (!r->url && !inproc_start())
		return;
	client_send(r->url ? r->url : inproc_url(), "GET", "/description", "", SLICE(""), &got);
	json_t *doc = json_loadb(buf_view(&got.body).p, got.body.n, 0, NULL);
	json_array_foreach(json_object_get(doc, "profiles"), i, uri) {
		bool whole = conformance_complete(json_string_value(uri));
		if (!whole)
			printf("# not served in full: %s\n", json_string_value(uri));
		n += whole;
	}
	check(n && n == i, "each of the %zu profiles that are claimed is served in full", i);
	json_decref(doc);
	answer_fini(&got);
	if (!r->url)
		inproc_stop();
}

static void run_all(struct run *r)
{
	glob_t g;
	if (glob(arena_printf(r->a, "%s/[0-9]*.http", r->dir), 0, NULL, &g)) {
		tap_line(0, r->dir, 0, "no scripts", "scripts");
		return;
	}
	for (size_t i = 0; i < g.gl_pathc; i++)
		run_script(r, g.gl_pathv[i]);
	documented(r, &g);
	globfree(&g);
	others_answer_501(r);
	claims_hold(r);
	if (!r->url)
		all_called(r);
}

int main(int argc, char **argv)
{
	const char *srcdir = getenv("srcdir"), *shared = getenv("TWINSHELL_SHARED"), *url = getenv("TWINSHELL_URL");
	struct run r = { .url = url && *url ? url : NULL, .a = arena_new(0) };
	struct slice probe;
	const char *traffic = getenv("TWINSHELL_TRAFFIC");
	r.traffic = traffic && *traffic ? fopen(traffic, "w") : NULL;
	signal(SIGPIPE, SIG_IGN);
	log_setup(LOG_ERROR, LOG_TEXT);
	r.called = calloc(n_routes, sizeof *r.called);
	r.dir = arena_printf(r.a, "%s/tests/api", srcdir ? srcdir : ".");
	r.shared = shared ? shared : arena_printf(r.a, "%s/../shared", srcdir ? srcdir : ".");
	if (file_read(r.a, arena_printf(r.a, "%s/packages/TimeSeries-3.1.aasx", r.shared), FILE_MAX, &probe, NULL))
		r.shared = NULL;
	for (int i = 1; i < argc; i++)
		run_script(&r, argv[i]);
	if (argc == 1)
		run_all(&r);
	if (r.traffic)
		fclose(r.traffic);
	free(r.called);
	arena_free(r.a);
	return done();
}
