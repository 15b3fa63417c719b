/* SPDX-License-Identifier: Apache-2.0 */
#include "server/trend.h"

#include <math.h>

#include "aas/rows.h"
#include "base/clock.h"
#include "server/request.h"

#define SPAN_DEFAULT_US (600 * US_PER_S)

struct ask {
	const char *submodel, *path;
	int64_t from_us, to_us;
	size_t limit;
};

static enum err wrong(struct call *c, const char *name, const char *what)
{
	return diag_add(&c->diag, ERR_BAD_REQUEST, "%s: %s", name, what);
}

static enum err read_ask(struct call *c, struct ask *ask)
{
	struct slice rest = c->query_text, name, raw, v;
	*ask = (struct ask){ .from_us = TIME_NONE, .to_us = clock_now_us(), .limit = TREND_DEFAULT };
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
		if (e)
			return e;
	}
	if (!ask->submodel || !ask->path)
		return wrong(c, ask->submodel ? "path" : "submodel", "is missing");
	if (ask->from_us == TIME_NONE)
		ask->from_us = ask->to_us - SPAN_DEFAULT_US;
	if (ask->limit > TREND_MAX)
		ask->limit = TREND_MAX;
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

static void write_sample(struct buf *b, const struct store_sample *s)
{
	char num[STR_DOUBLE_MAX];
	double v = s->num;
	if (isnan(v) && s->text)
		v = str_eq(s->text, "true") ? 1 : str_eq(s->text, "false") ? 0 : v;
	buf_printf(b, "[%lld,", (long long)(s->time_us / 1000));
	if (isfinite(v))
		buf_put(b, num, str_of_double(num, v));
	else
		buf_puts(b, "null");
	buf_putc(b, ']');
}

static enum err trend(struct call *c, const struct http_config *conf)
{
	struct ask ask;
	struct live_value live;
	struct store_sample *sample = NULL;
	size_t n = 0;
	int64_t series;
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
		e = conf->store->ops->series(conf->store, ask.submodel, ask.path, unit, &series);
	if (!e)
		e = conf->store->ops->samples(conf->store, series, ask.from_us, ask.to_us, ask.limit, c->arena, &sample, &n);
	if (e && e != ERR_NOT_FOUND)
		return e;
	struct buf *b = &c->reply.body;
	buf_puts(b, "{\"series\":[");
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_putc(b, ',');
		write_sample(b, &sample[i]);
	}
	buf_puts(b, "],\"unit\":");
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
