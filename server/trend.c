/* SPDX-License-Identifier: Apache-2.0 */
#include "server/trend.h"

#include <math.h>

#include "aas/rows.h"
#include "base/clock.h"
#include "server/request.h"

#define SPAN_DEFAULT_US (600 * US_PER_S)
#define SPAN_RAW_US (6 * 3600 * US_PER_S)

static const struct {
	const char *name;
	int64_t width_us;
	enum store_level level;
} levels[] = {
	{ "raw", 0, STORE_MINUTE }, { "1m", 60 * US_PER_S, STORE_MINUTE },
	{ "1h", 3600 * US_PER_S, STORE_HOUR }, { "1d", 86400 * US_PER_S, STORE_DAY },
};
#define N_LEVELS (sizeof levels / sizeof *levels)

struct ask {
	const char *submodel, *path;
	int64_t from_us, to_us;
	size_t limit, level;	/* level: in levels; N_LEVELS: what fits */
};

static enum err wrong(struct call *c, const char *name, const char *what)
{
	return diag_add(&c->diag, ERR_BAD_REQUEST, "%s: %s", name, what);
}

static bool level_of(struct slice text, size_t *level)
{
	for (*level = 0; *level < N_LEVELS && !slice_is(text, levels[*level].name); ++*level)
		;
	return *level < N_LEVELS;
}

/* The whole stretch in at most `limit` points, where there may be too many samples. */
static void choose_level(struct ask *ask)
{
	uint64_t span = ask->to_us > ask->from_us ? (uint64_t)ask->to_us - (uint64_t)ask->from_us : 0;
	ask->level = 0;
	if (span > (uint64_t)SPAN_RAW_US)
		while (++ask->level < N_LEVELS - 1 && span / (uint64_t)levels[ask->level].width_us > ask->limit)
			;
}

static enum err read_ask(struct call *c, struct ask *ask)
{
	struct slice rest = c->query_text, name, raw, v;
	*ask = (struct ask){ .from_us = TIME_NONE, .to_us = clock_now_us(), .limit = TREND_DEFAULT, .level = N_LEVELS };
	while (request_query_next(&rest, &name, &raw)) {
		enum err e = ERR_OK;
		if (!request_percent(c->arena, raw, &v))
			return wrong(c, "query", "is not percent-encoded text");
		if (slice_is(name, "submodel"))
			e = request_id(c, "submodel", raw, &ask->submodel);
		else if (slice_is(name, "path"))
			e = request_path_ok(ask->path = v.p) ? ERR_OK : wrong(c, "path", "is not an idShortPath");
		else if (slice_is(name, "from"))
			e = time_parse(v.p, v.n, &ask->from_us) ? ERR_OK : wrong(c, "from", "is not a time of RFC 3339");
		else if (slice_is(name, "to"))
			e = time_parse(v.p, v.n, &ask->to_us) ? ERR_OK : wrong(c, "to", "is not a time of RFC 3339");
		else if (slice_is(name, "limit"))
			e = str_size(v.p, v.n, &ask->limit) && ask->limit ? ERR_OK : wrong(c, "limit", "must be a whole number of at least 1");
		else if (slice_is(name, "level"))
			e = level_of(v, &ask->level) ? ERR_OK : wrong(c, "level", "must be raw, 1m, 1h or 1d");
		if (e)
			return e;
	}
	if (!ask->submodel || !ask->path)
		return wrong(c, ask->submodel ? "path" : "submodel", "is missing");
	if (ask->from_us == TIME_NONE)
		ask->from_us = ask->to_us - SPAN_DEFAULT_US;
	if (ask->limit > TREND_MAX)
		ask->limit = TREND_MAX;
	if (ask->level == N_LEVELS)
		choose_level(ask);
	return ERR_OK;
}

static enum err find_unit(struct call *c, const struct ask *ask, const char **unit)
{
	const struct aas_node *n;
	struct sm_session *s;
	enum err e = sm_begin(c->service, false, c->arena, &c->diag, &s);
	if (e)
		return e;
	e = sm_element_get(s, ask->submodel, ask->path, &n);
	const char *text = e || !aas_is_sme(n) ? NULL : aas_unit(n);
	*unit = text ? arena_strdup(c->arena, text) : NULL;
	sm_abort(s);
	return e;
}

static void write_number(struct buf *b, double v)
{
	char num[STR_DOUBLE_MAX];
	if (isfinite(v))
		buf_put(b, num, str_of_double(num, v));
	else
		buf_puts(b, "null");
}

/* Ten thousand points are a third of a megabyte: they are written with one look at the buffer for some hundred of them, and of a time only the
 * digits that differ from those before. */
#define POINT_MAX 64
#define POINTS_AT_ONCE 256
#define LOW_DIGITS 100000

struct points {
	struct buf *b;
	char *p;			/* where the next one goes, of the room that there is */
	size_t room;			/* for so many more */
	int64_t high;			/* of the last time, with its text */
	char text[24];
	size_t n_text;
	bool any;
};

static bool points_room(struct points *w)
{
	if (w->p)
		w->b->n = (size_t)(w->p - w->b->p);
	if (!buf_reserve(w->b, POINTS_AT_ONCE * POINT_MAX))
		return false;
	w->p = w->b->p + w->b->n;
	w->room = POINTS_AT_ONCE;
	return true;
}

static char *put_time(struct points *w, char *p, int64_t ms)
{
	uint64_t rest = ms < 0 ? -(uint64_t)ms : (uint64_t)ms;
	int64_t high = (int64_t)(rest / LOW_DIGITS);
	if (ms < 0)
		*p++ = '-';
	if (high != w->high) {
		char digits[24], *from = str_digits(digits + sizeof digits, (uint64_t)high);
		w->n_text = high ? (size_t)(digits + sizeof digits - from) : 0;
		memcpy(w->text, from, w->n_text);
		w->high = high;
	}
	memcpy(p, w->text, w->n_text);
	p += w->n_text;
	if (!high) {
		char digits[24], *from = str_digits(digits + sizeof digits, rest);
		size_t n = (size_t)(digits + sizeof digits - from);
		return (char *)memcpy(p, from, n) + n;
	}
	memcpy(p, "0000", 4);
	str_digits(p + 5, rest % LOW_DIGITS);
	return p + 5;
}

static void write_point(struct points *w, int64_t us, double v)
{
	if (!w->room && !points_room(w))
		return;
	char *p = w->p;
	if (w->any)
		*p++ = ',';
	*p++ = '[';
	p = put_time(w, p, us / 1000);
	*p++ = ',';
	if (isfinite(v))
		p += str_of_double(p, v);
	else
		p = (char *)memcpy(p, "null", 4) + 4;
	*p++ = ']';
	w->p = p;
	w->any = true;
	w->room--;
}

static void points_end(struct points *w)
{
	if (!w->p || w->b->failed)
		return;
	w->b->n = (size_t)(w->p - w->b->p);
	w->b->p[w->b->n] = 0;
}

static void write_samples(struct buf *b, const struct store_sample *s, size_t n)
{
	struct points w = { .b = b, .high = -1 };
	buf_puts(b, "{\"series\":[");
	for (size_t i = 0; i < n; i++) {
		double v = s[i].num;
		if (isnan(v) && s[i].text)
			v = str_eq(s[i].text, "true") ? 1 : str_eq(s[i].text, "false") ? 0 : v;
		write_point(&w, s[i].time_us, v);
	}
	points_end(&w);
	buf_puts(b, "],");
}

static void write_buckets(struct buf *b, const struct store_bucket *s, size_t n, const char *level)
{
	struct points w = { .b = b, .high = -1 };
	buf_puts(b, "{\"series\":[");
	for (size_t i = 0; i < n; i++)
		write_point(&w, s[i].time_us, s[i].mean);
	points_end(&w);
	for (int max = 0; max < 2; max++) {
		buf_puts(b, max ? "],\"max\":[" : "],\"min\":[");
		for (size_t i = 0; i < n; i++) {
			if (i)
				buf_putc(b, ',');
			write_number(b, max ? s[i].max : s[i].min);
		}
	}
	buf_printf(b, "],\"level\":\"%s\",", level);
}

static enum err read_and_write(struct call *c, struct store *st, const struct ask *ask, const char *unit)
{
	struct store_sample *sample = NULL;
	struct store_bucket *bucket = NULL;
	int64_t series, width = levels[ask->level].width_us;
	size_t n = 0;
	enum err e = st->ops->series(st, ask->submodel, ask->path, unit, &series);
	if (!e && width)	/* the bucket that the stretch begins in is a part of it */
		e = st->ops->buckets(st, series, ask->from_us - width + 1, ask->to_us, levels[ask->level].level, ask->limit, c->arena, &bucket, &n);
	else if (!e)
		e = st->ops->samples(st, series, ask->from_us, ask->to_us, ask->limit, c->arena, &sample, &n);
	if (e)
		return e;
	if (width)
		write_buckets(&c->reply.body, bucket, n, levels[ask->level].name);
	else
		write_samples(&c->reply.body, sample, n);
	return ERR_OK;
}

static enum err trend(struct call *c, const struct http_config *conf)
{
	struct ask ask;
	struct live_value live;
	const char *unit = NULL;
	enum err e = read_ask(c, &ask);
	if (e)
		return e;
	if (!conf->store || !conf->live)
		return diag_add(&c->diag, ERR_UNAVAILABLE, "this server keeps no history");
	if ((e = find_unit(c, &ask, &unit)))
		return e;
	/* Only what is or was fed has a series; asking must not make one. */
	e = live_get(conf->live, ask.submodel, ask.path, c->arena, &live);
	if (!e)
		e = read_and_write(c, conf->store, &ask, unit);
	if (e && e != ERR_NOT_FOUND)
		return e;
	struct buf *b = &c->reply.body;
	if (e)
		write_samples(b, NULL, 0);
	buf_puts(b, "\"unit\":");
	if (unit)
		buf_json(b, unit, strlen(unit));
	else
		buf_puts(b, "null");
	buf_putc(b, '}');
	return b->failed ? ERR_NO_MEMORY : ERR_OK;
}

void trend_run(struct call *c, const struct http_config *conf)
{
	enum err e = trend(c, conf);
	c->reply.status = 200;
	if (e)
		reply_error(c, e);
}

void health_run(struct call *c, const struct http_config *conf)
{
	(void)conf;
	c->reply.status = 200;
	buf_puts(&c->reply.body, "{\"status\":\"UP\"}");
}

void ready_run(struct call *c, const struct http_config *conf)
{
	struct buf why = BUF_INIT;
	bool ready = !conf->ready || conf->ready(conf->ready_ctx, &why);
	c->reply.status = ready ? 200 : 503;
	buf_printf(&c->reply.body, "{\"status\":\"%s\",\"why\":", ready ? "UP" : "DOWN");
	buf_json(&c->reply.body, buf_view(&why).p, why.n);
	buf_putc(&c->reply.body, '}');
	buf_fini(&why);
}
