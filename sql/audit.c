/* SPDX-License-Identifier: Apache-2.0 */
#include "sql/audit.h"

#include "sql/pg.h"

#define PAGE 5000

/* Where the chain begins and where it says it ends. */
static const char ends_sql[] =
	"SELECT coalesce(c.position, 0), coalesce(c.hash, '\\x'), h.position, h.hash, encode(h.hash, 'hex')"
	" FROM twinshell.feed_head h LEFT JOIN twinshell.feed_cut c ON true";
/* $1 position, $2 its hash, $3 limit: what follows, each with what is wrong with it. */
static const char page_sql[] =
	"SELECT p.position, p.hash, p.id, p.version, CASE"
	" WHEN p.position <> p.at + 1 THEN 'the positions after ' || p.at || ' are missing'"
	" WHEN p.id IS NULL THEN 'the change is not in history'"
	" WHEN p.hash IS DISTINCT FROM sha256(p.link || p.change) THEN 'the change, or the feed up to it, is not what was written' END"
	" FROM (SELECT f.position, f.hash, h.id, f.version, lag(f.position, 1, $1::bigint) OVER w AS at, lag(f.hash, 1, $2::bytea) OVER w AS link,"
	" sha256(record_send(ROW(h.key, h.kind, h.version, h.operation, h.recorded_at, h.valid_at, h.actor, h.request, h.id, h.element,"
	" h.element_operation, h.document, h.paths, h.before_values, h.after_values))) AS change"
	" FROM (SELECT * FROM twinshell.feed WHERE position > $1::bigint ORDER BY position LIMIT $3::bigint) AS f"
	" LEFT JOIN twinshell.history h ON h.key = f.key AND h.kind = f.kind AND h.version = f.version AND h.recorded_at = f.recorded_at"
	" WINDOW w AS (ORDER BY f.position)) AS p ORDER BY p.position";
/* A change that never went through the outbox. */
static const char stray_sql[] =
	"SELECT h.id, h.version FROM twinshell.history h"
	" WHERE h.recorded_at >= coalesce((SELECT kept_since FROM twinshell.feed_cut), '-infinity')"
	" AND NOT EXISTS (SELECT FROM twinshell.feed f WHERE f.key = h.key AND f.kind = h.kind AND f.version = h.version"
	" AND f.recorded_at = h.recorded_at)"
	" AND NOT EXISTS (SELECT FROM twinshell.outbox o WHERE o.key = h.key AND o.kind = h.kind AND o.version = h.version"
	" AND o.recorded_at = h.recorded_at) ORDER BY h.recorded_at, h.key, h.version LIMIT 1";

struct audit {
	struct pg *pg;
	struct arena *arena;
	struct pg_audit *out;
	int64_t at, end;
	struct slice hash, end_hash;	/* of `at` and `end` */
};

static struct slice keep(struct audit *a, struct slice s)
{
	return (struct slice){ arena_strndup(a->arena, s.p ? s.p : "", s.n), s.n };
}

static enum err run(struct audit *a, struct pg_call *c)
{
	enum err e = pg_run(a->pg, c, 1);
	return e ? e : arena_failed(a->arena) ? ERR_NO_MEMORY : ERR_OK;
}

static enum err read_ends(struct audit *a)
{
	struct pg_call c = { .sql = ends_sql };
	enum err e = run(a, &c);
	if (!e && !c.n)
		e = ERR_INTERNAL;
	if (!e) {
		a->at = pg_int8(&c, 0, 0);
		a->hash = keep(a, pg_slice(&c, 0, 1));
		a->end = pg_int8(&c, 0, 2);
		a->end_hash = keep(a, pg_slice(&c, 0, 3));
		a->out->hash = arena_strdup(a->arena, pg_str(&c, 0, 4));
	}
	pg_clear(&c, 1);
	return e;
}

static void fault(struct audit *a, const char *what, int64_t position, const char *id, int64_t version)
{
	struct pg_audit *out = a->out;
	out->fault = arena_strdup(a->arena, what);
	out->position = position;
	out->id = id ? arena_strdup(a->arena, id) : NULL;
	out->version = version;
}

/* *n: positions in the page. */
static enum err read_page(struct audit *a, int *n)
{
	struct pg_args args;
	struct pg_call c = { .sql = page_sql, .args = &args };
	pg_args_init(&args);
	pg_arg_int8(&args, a->at);
	pg_arg_bytes(&args, a->hash);
	pg_arg_int8(&args, PAGE);
	enum err e = run(a, &c);
	*n = e ? 0 : c.n;
	for (int i = 0; i < *n && !a->out->fault; i++) {
		if (!pg_null(&c, i, 4)) {
			fault(a, pg_str(&c, i, 4), pg_int8(&c, i, 0), pg_str(&c, i, 2), pg_int8(&c, i, 3));
			continue;
		}
		a->out->first = a->out->first ? a->out->first : pg_int8(&c, i, 0);
		a->out->last = a->at = pg_int8(&c, i, 0);
		a->out->n++;
	}
	if (*n && !a->out->fault)
		a->hash = keep(a, pg_slice(&c, *n - 1, 1));
	pg_clear(&c, 1);
	pg_args_fini(&args);
	return e;
}

static enum err look_for_strays(struct audit *a)
{
	struct pg_call c = { .sql = stray_sql };
	enum err e = run(a, &c);
	if (!e && c.n)
		fault(a, "a change in history has no place in the feed", 0, pg_str(&c, 0, 0), pg_int8(&c, 0, 1));
	pg_clear(&c, 1);
	return e;
}

static enum err walk(struct audit *a)
{
	int n = 1;
	enum err e = read_ends(a);
	while (!e && n && !a->out->fault)
		e = read_page(a, &n);
	if (e || a->out->fault)
		return e;
	if (a->at != a->end)
		fault(a, "the feed ends too early or too late", a->end, NULL, 0);
	else if (a->hash.n != a->end_hash.n || memcmp(a->hash.p, a->end_hash.p, a->hash.n))
		fault(a, "the last hash is not the one that was noted", a->end, NULL, 0);
	else
		e = look_for_strays(a);
	return e;
}

enum err pg_audit(const char *conninfo, struct arena *arena, struct pg_audit *out, struct diag *d)
{
	struct audit a = { .arena = arena, .out = out };
	*out = (struct pg_audit){ 0 };
	enum err e = pg_open(conninfo, &a.pg, d);
	if (e)
		return e;
	e = pg_script(a.pg, "SET statement_timeout = 0", d);
	if (!e)
		e = pg_begin(a.pg, PG_READ);
	if (!e && (e = walk(&a)))
		diag_add(d, e, "the feed cannot be read: %s", err_info[e].text);
	out->sound = !e && !out->fault;
	pg_close(a.pg);
	return e;
}
